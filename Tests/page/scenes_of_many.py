"""Scenes of many runs, of settings, of what is amiss, and of small screens."""

import os
import time
import urllib.parse

import runs
from helpers import expect, focus, tab, texts, wait_until_read


def settings(trial):
    """Settings change what is drawn, the address follows, and opens the same view again."""
    page = trial.open("?runs=language&focus=language")
    page.wait_for_timeout(200)

    def first_path():
        return page.locator("#charts path").first.get_attribute("d")

    before = first_path()
    page.check("#logarithmic")
    page.wait_for_timeout(200)
    expect(first_path() != before, "a logarithmic axis draws the same")
    page.select_option("#x-axis", "clock")
    page.wait_for_function("""() => [...document.querySelectorAll('#charts svg text')]
      .some((mark) => /^\\d\\d:\\d\\d/.test(mark.textContent))""")
    page.select_option("#x-axis", "relative")
    page.fill("#smoothing", "0.8")
    page.wait_for_selector("#charts path.raw")
    page.check("#robust")
    page.click("#theme")
    address = page.url
    for part in ("logarithmic=true", "x-axis=relative", "smoothing=0.8", "robust=true", "theme="):
        expect(part in address, f"{part} is not in {address}")
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.reload()
    page.wait_for_selector("#charts path.raw")
    expect(page.input_value("#x-axis") == "relative", "the x axis was not taken")
    expect(page.is_checked("#logarithmic"), "the logarithmic axis was not taken")
    expect(page.evaluate("document.documentElement.dataset.theme") == theme, "another theme")
    trial.picture("settings")


def comparison(trial):
    """Only what differs is compared, and ties are marked alike."""
    page = trial.open("?runs=classification&runs=classification-wide")
    page.wait_for_selector("#comparison-table tbody tr")
    rows = texts(page, "#comparison-table tbody th")
    expect("model.hidden" in rows, f"model.hidden is not among {rows}")
    expect("model.cell" not in rows and "run.directory" not in rows, f"equal in {rows}")
    expect("left out" in page.inner_text("#comparison-note"), "nothing says what is equal")
    page.locator("#comparison").scroll_into_view_if_needed()
    trial.picture("comparison")


def many_runs(trial):
    """A hundred runs: few are ticked first, the table sorts and filters, seeds are one line."""
    page = trial.open()
    wait_until_read(page)
    ticked = page.locator("#runs .run input:checked").count()
    expect(1 <= ticked <= 4, f"{ticked} runs are ticked at first")
    expect(page.locator("#runs .run").count() == 100, "not all runs are listed")
    page.locator("#runs .directory .fold", has_text="hidden-16").click()
    expect(page.locator("#runs .run").count() == 75, "the directory does not fold")
    page.locator("#runs .directory .fold", has_text="hidden-16").click()
    page.click("#view-table")
    page.wait_for_selector("#table-body tr")
    expect(page.locator("#table-body tr").count() == 100, "the table lacks runs")
    page.click("#table-head button:has-text('Accuracy')")
    page.wait_for_timeout(200)
    values = [float(text.split()[0]) for text in column(page, "Accuracy")]
    expect(values == sorted(values, reverse=True), "the best is not the first")
    stars = [text for text in column(page, "Accuracy") if "★" in text]
    best = [value for value in values if value == max(values)]
    expect(len(stars) == len(best), f"{len(stars)} marked, {len(best)} are the best")
    page.fill("#filter", "hidden=32 accuracy>0.1")
    page.wait_for_timeout(200)
    expect(page.locator("#table-body tr").count() == 25, "the filter does not hold")
    trial.picture("table")
    page.fill("#filter", "nowhere")
    page.wait_for_selector("#no-match:not([hidden])")
    page.click("#clear-filter")
    page.check("#seeds")
    page.wait_for_timeout(200)
    expect(page.locator("#table-body tr").count() == 4, "seeds are not grouped")
    expect(any(" to " in text for text in column(page, "Accuracy")), "no range")
    trial.picture("table-of-seeds")
    page.click("#tick-all")
    page.click("#view-curves")
    page.wait_for_function("""() => document.getElementById('charts-state').hidden
      && document.querySelectorAll('#charts figure:first-child path.band').length >= 8""",
                           timeout=120_000)
    expect(page.locator("#charts figure").first.locator("path.band").count() >= 4, "no bands")
    trial.picture("seeds")
    expect(page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
                "the page is wider than the window")


def column(page, title):
    """The texts of a column of the table."""
    heads = [text.strip(" ▲▼") for text in texts(page, "#table-head th")]
    place = heads.index(title) + 1
    return texts(page, f"#table-body tr > :nth-child({place})")


def colours(trial):
    """A run keeps its colour whatever else is ticked, filtered or pinned."""
    page = trial.open("?runs=language&runs=tagging&focus=language")

    def color(name):
        row = page.locator("#runs .run", has=page.locator(f".name:text-is('{name}')"))
        return row.evaluate("row => row.style.getPropertyValue('--run')")

    own = color("language")
    page.locator("#runs .run", has=page.locator(".name:text-is('adding')")).locator(
        "input").check()
    page.fill("#filter", "language")
    page.wait_for_timeout(200)
    expect(color("language") == own, "another colour when filtered")
    page.fill("#filter", "")
    row = page.locator("#runs .run", has=page.locator(".name:text-is('language')"))
    row.locator(".color").click()
    page.wait_for_timeout(200)
    pinned = color("language")
    expect(pinned != own, "the colour does not change")
    page.reload()
    page.wait_for_selector("#runs .run")
    expect(color("language") == pinned, "the colour was not kept")


def long_run(trial):
    """200,000 records: read, drawn with their spike, and never sent twice."""
    started = time.time()
    page = trial.open("?tab=Config")
    wait_until_read(page)
    page.wait_for_function("""() => document.querySelector('#charts path')
      && document.getElementById('cards').innerText.includes('200,000')""", timeout=60_000)
    seconds = time.time() - started
    expect(seconds < 60, f"it took {seconds:.0f} s")
    page.wait_for_timeout(500)
    ticks = texts(page, "#charts figure:first-child svg text")
    expect("40" in ticks or any(text.startswith("4") for text in ticks), f"no spike: {ticks}")
    place = f"{trial.directory}/run/metrics.jsonl"
    answers = []
    page.on("response", lambda response: answers.append(response)
            if "/api/run?" in response.url else None)
    before = os.path.getsize(place)
    with open(place, "a", encoding="utf-8") as out:
        out.write('{"kind":"train","step":200001,"loss":1.4,"tokens":76800384}\n')
    try:
        page.wait_for_function(
            "() => document.getElementById('cards').innerText.includes('200,001')",
            timeout=10_000)
    finally:
        os.truncate(place, before)
    page.wait_for_timeout(300)
    sizes = [len(response.body()) for response in answers]
    expect(sizes and max(sizes) < 20_000, f"an addition takes {sizes} bytes")
    expect(runs.SPIKE < 200_000, "no spike")
    trial.picture("long")


def states(trial):
    """Damage, gone daemons and earlier programs are said, with a directory and a command."""
    page = trial.open()
    focus(page, "damaged")
    told = page.inner_text("#run-problems")
    expect("config.json is damaged" in told and "gru-dist runs" in told, told)
    expect(f"{trial.directory}/damaged" in told, told)
    trial.picture("damaged")
    focus(page, "given-up")
    expect("gave up" in page.inner_text("#head"), "nothing says that the daemon gave up")
    expect("job.log" in page.inner_text("#run-problems"), "no log is named")
    tab(page, "Daemon")
    expect(page.locator("#panel tbody tr").count() == 3, "the attempts are not listed")
    trial.picture("daemon", full_page=True)
    focus(page, "earlier-program")
    page.wait_for_selector("#charts path")
    tab(page, "Results")
    expect("gru-dist evaluate" in page.inner_text("#panel"), "no command for its tables")


def empty(trial):
    """An empty directory says so, and how to start a run; a run that comes is shown."""
    page = trial.open()
    told = page.inner_text("#nothing")
    expect(trial.directory in told and "gru-dist configs/" in told, told)
    trial.picture("empty")
    os.makedirs(f"{trial.directory}/first")
    try:
        with open(f"{trial.directory}/first/metrics.jsonl", "w", encoding="utf-8") as out:
            out.write('{"kind":"train","step":1,"loss":3}\n{"kind":"train","step":2,"loss":2}\n')
        page.wait_for_selector("#charts path", timeout=10_000)
    finally:
        os.remove(f"{trial.directory}/first/metrics.jsonl")
        os.rmdir(f"{trial.directory}/first")
    page.wait_for_selector("#nothing:not([hidden])", timeout=10_000)


def lost(trial):
    """A server that is gone is said, what was seen stays, and its return is noticed."""
    page = trial.open("?runs=language&focus=language")
    page.route("**/api/**", lambda route: route.abort())
    page.wait_for_selector("#banner.bad:not([hidden])", timeout=10_000)
    expect("gru-dist dashboard" in page.inner_text("#banner"), "no command")
    expect(page.locator("#charts path").count() > 0, "the curves are gone")
    page.unroute("**/api/**")
    page.wait_for_selector("#banner", state="hidden", timeout=30_000)
    # What the browser itself says of the requests that were broken off here.
    trial.problems[:] = [each for each in trial.problems if "Failed to load" not in each]


def phone(trial):
    """On a phone the first chart is on the first screen, and nothing is wider than it."""
    page = trial.open("?focus=classification&runs=classification", width=390, height=844,
                      is_mobile=True, has_touch=True, device_scale_factor=2)
    page.wait_for_timeout(400)
    box = page.locator("#charts figure").first.bounding_box()
    expect(box["y"] + box["height"] <= 844, f"the first chart ends at {box}")
    header = page.locator("header").bounding_box()
    expect(header["height"] < 60, f"the header is {header['height']} high")
    expect(page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
                "the page is wider than the screen")
    trial.picture("phone")
    trial.picture("phone-whole", full_page=True)
    page.click("#side-fold > summary")
    expect(page.locator("#filter").is_visible(), "the list does not unfold")
    page.click("#settings > summary")
    expect(page.locator("#smoothing").is_visible(), "the settings do not unfold")
    trial.picture("phone-unfolded")


def keyboard(trial):
    """Everything is reached by the keyboard, has a name, and shows where the focus is."""
    page = trial.open("?runs=language&focus=language")
    page.wait_for_timeout(300)
    seen = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
          const element = document.activeElement;
          const style = getComputedStyle(element);
          const label = element.labels?.[0]?.innerText;
          const ids = element.getAttribute('aria-labelledby');
          const named = ids && document.getElementById(ids)?.textContent;
          const name = element.getAttribute('aria-label') || named || label
            || element.innerText || element.title || '';
          return [element.tagName, name.trim(), style.outlineStyle, element.id];
        }""")
        if found[0] == "BODY":
            break
        expect(found[1], f"no name: {found}")
        expect(found[2] != "none", f"the focus is not seen: {found}")
        seen.add(found[0].lower())
    for kind in ("input", "button", "select", "summary", "svg"):
        expect(kind in seen or kind == "summary", f"{kind} is not reached: {seen}")
    page.locator("#tabs button").first.focus()
    page.keyboard.press("ArrowRight")
    selected = page.locator("#tabs button[aria-selected=true]").inner_text()
    expect(selected == texts(page, "#tabs button")[1], "arrows do not change tabs")
    address = urllib.parse.unquote(page.url)
    expect(f"tab={selected}" in address, f"{selected} is not in {address}")


def resize(trial):
    """Charts are as wide as the window lets them be."""
    page = trial.open("?runs=language&focus=language", width=1600)
    page.wait_for_timeout(300)
    wide = page.locator("#charts svg[role=application]").first.get_attribute("viewBox")
    page.set_viewport_size({"width": 700, "height": 900})
    page.wait_for_timeout(400)
    narrow = page.locator("#charts svg[role=application]").first.get_attribute("viewBox")
    expect(wide != narrow, "the chart was not drawn for another width")
    expect(page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
                "the page is wider than the window")


SCENES = [
    ("settings", "runs", settings),
    ("comparison", "runs", comparison),
    ("many runs", "many", many_runs),
    ("colours", "runs", colours),
    ("long run", "long", long_run),
    ("states", "runs", states),
    ("empty directory", "empty", empty),
    ("lost server", "runs", lost),
    ("phone", "runs", phone),
    ("keyboard", "runs", keyboard),
    ("resize", "runs", resize),
]
