"""Tries the dashboard's page in a headless browser: makes runs, starts the dashboard, clicks, and
looks at what the page shows. README.md beside this file says what it needs."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import runs
import scenes
import scenes_of_many

SCENES = scenes.SCENES + scenes_of_many.SCENES


def missing(what):
    """Status 2: nothing was tried."""
    print(f"Tests/page/click.py: {what}", file=sys.stderr)
    sys.exit(2)


def browser_path(asked):
    """The browser that was named, or the first that is installed."""
    names = [asked] if asked else ["chromium", "chromium-browser", "google-chrome"]
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return missing(f"no browser ({', '.join(names)}) is here; apt-get install chromium, or name "
                   "one by --browser")


class Dashboard:
    """The program that serves the page of a directory."""

    def __init__(self, program, directory):
        self.process = subprocess.Popen(
            [program, "dashboard", directory, "--port", "0", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"gru-dist dashboard {directory} ended without an address")
        self.url = json.loads(line)["url"]

    def stop(self):
        """Ends it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


class Trial:
    """A page on a dashboard, what it asked the server, and what went wrong."""

    def __init__(self, browser, program, directory, pictures):
        self.dashboard = Dashboard(program, directory)
        self.browser = browser
        self.directory = directory
        self.pictures = pictures
        self.problems = []
        self.requests = []
        self.open_requests = 0
        self.most_open = 0
        self.page = None

    def open(self, query="", width=1360, height=900, **options):
        """Opens the page in a window of its own and waits until it shows something."""
        if self.page:
            self.page.context.close()
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **options)
        page = context.new_page()
        page.on("console", lambda message: self.problems.append(f"console: {message.text}")
                if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self.begin)
        page.on("requestfinished", self.end)
        page.on("requestfailed", self.end)
        self.requests.clear()
        self.open_requests = self.most_open = 0
        self.page = page
        page.goto(self.dashboard.url + query)
        page.wait_for_function("""() => {
          const isLoaded = !document.getElementById('connection').textContent.includes('reading');
          return isLoaded && document.querySelector(
            '#charts figure path, #nothing:not([hidden]), #table-body tr, #charts text');
        }""")
        return page

    def begin(self, request):
        """Counts requests for figures that are under way at the same time."""
        if "/api/" not in request.url:
            return
        self.requests.append((time.time(), request.url))
        self.open_requests += 1
        self.most_open = max(self.most_open, self.open_requests)

    def end(self, request):
        """The counterpart of `begin`."""
        if "/api/" in request.url:
            self.open_requests -= 1

    def picture(self, name, **options):
        """Saves what is seen, where pictures were asked for."""
        if self.pictures:
            self.page.screenshot(path=f"{self.pictures}/{name}.png", **options)

    def close(self):
        """Ends the page and its server."""
        if self.page:
            self.page.context.close()
        self.dashboard.stop()


def main():
    """Tries every scene, and says what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=".build/debug/gru-dist", help="the built program")
    parser.add_argument("--browser", help="the browser's name or path")
    parser.add_argument("--runs", help="a directory with runs that an earlier trial has made")
    parser.add_argument("--pictures", help="a directory for pictures of what was seen")
    parser.add_argument("--only", help="the scenes whose names hold this")
    asked = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Python has no module playwright; python3 -m pip install playwright")
    if not os.access(asked.program, os.X_OK):
        missing(f"there is no program {asked.program}; swift build, or name one by --program")
    path = browser_path(asked.browser)
    folder = asked.runs or tempfile.mkdtemp(prefix="page-")
    if not os.path.isdir(f"{folder}/runs"):
        print(f"makes runs in {folder}")
        runs.make_all(os.path.abspath(asked.program), folder)
    if asked.pictures:
        os.makedirs(asked.pictures, exist_ok=True)
    failures = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, place, scene in SCENES:
            if asked.only and asked.only not in name:
                continue
            trial = Trial(browser, asked.program, f"{folder}/{place}", asked.pictures)
            try:
                scene(trial)
                if trial.problems:
                    raise AssertionError("; ".join(trial.problems))
                if trial.most_open > 1:
                    raise AssertionError(f"{trial.most_open} requests were under way at once")
                print(f"ok      {name}")
            except Exception as error:  # noqa: BLE001, every failure is told and counted
                failures += 1
                told = str(error).split("Call log")[0].strip()
                print(f"FAILED  {name}: {type(error).__name__}: {told}")
                trial.picture(f"failed-{name.replace(' ', '-')}")
            finally:
                trial.close()
        browser.close()
    if not asked.runs:
        shutil.rmtree(folder)
    count = len([name for name, _, _ in SCENES if not asked.only or asked.only in name])
    print(f"{count - failures} passed, {failures} failed")
    sys.exit(1 if failures or not count else 0)


if __name__ == "__main__":
    main()
