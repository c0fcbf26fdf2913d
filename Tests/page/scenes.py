"""Scenes of single runs: a name, a directory of runs, and what is done and expected there."""

import json
import os
import time
import urllib.parse

from helpers import expect, focus, tab, texts, titles


def tasks(trial):
    """Each task has its own names, units and baselines, and one process shows no exchange."""
    page = trial.open()
    wanted = {
        "language": ["Loss", "Perplexity", "Bits per byte"],
        "forecasting": ["Pinball loss", "MAE", "MASE", "sMAPE"],
        "classification": ["Loss", "Accuracy", "Macro-F1"],
        "tagging": ["Loss", "Accuracy", "Macro-F1", "Phrase F1"],
        "music": ["Loss: Negative log-likelihood", "Frame accuracy", "Micro-F1"],
        "adding": ["Loss: MSE", "R²"],
    }
    for name, names in wanted.items():
        page.click("#tick-none")
        focus(page, name)
        page.wait_for_selector("#charts figure path")
        page.wait_for_timeout(300)
        found = titles(page)
        for each in names:
            expect(each in found, f"{name}: no chart {each} among {found}")
        expect(not any("xchange" in title for title in found), f"{name}: {found}")
        expect(page.locator("#ranks").is_hidden(), f"{name} has one rank, and shows ranks")
        tab(page, "Results")
        trial.picture(f"task-{name}", full_page=True)
    legend = texts(page, "#charts .legend li")
    expect("mean" in legend, f"no baseline in {legend}")


def results(trial):
    """Confusion matrix, tables of classes, forecasts with bands, and samples as text."""
    page = trial.open("?runs=classification&focus=classification&tab=Results")
    page.wait_for_selector(".matrix tbody tr")
    expect(page.locator(".matrix tbody tr").count() == 5, "expected 5 classes")
    expect("taken for" in page.locator(".matrix td").nth(7).get_attribute("title"), "no words")
    page.click(".tables th button:has-text('f1')")
    values = [float(text) for text in texts(page, ".tables tbody tr td:nth-child(6)")
              if text != "–"]
    expect(values == sorted(values, reverse=True), f"f1 is not sorted: {values}")
    expect(page.locator(":focus").inner_text().startswith("f1"), "the sorted head lost focus")
    focus(page, "forecasting")
    # Charts are drawn when they come near the screen.
    page.locator(".examples select").scroll_into_view_if_needed()
    page.wait_for_selector(".examples path.band")
    bands = page.locator(".examples path.band").count()
    expect(bands >= 1, "no interval")
    before = page.locator(".examples figure b").first.inner_text()
    page.select_option(".examples select", index=1)
    page.wait_for_timeout(200)
    expect(page.locator(".examples figure b").first.inner_text() != before, "the same forecast")
    trial.picture("forecasts")
    focus(page, "adding")
    page.wait_for_selector(".examples .scatter circle")
    focus(page, "language")
    tab(page, "Samples")
    sample = page.locator("#panel .sample pre").first
    expect(sample.inner_text().strip() != "", "an empty sample")
    expect(page.locator("#panel table").count() == 0, "samples are a table")


def nothing_is_thrown_away(trial):
    """Tooltips, selected text, focus and scroll positions stay while a run goes on."""
    folder = f"{trial.directory}/language"
    with open(f"{folder}/heartbeat.json", encoding="utf-8") as file:
        beat = json.load(file)
    with open(f"{folder}/metrics.jsonl", encoding="utf-8") as file:
        before = file.read()

    def go_on(number):
        beat.update(exit_status=None, time=time.time(), sequence=1000 + number, step=120 + number)
        with open(f"{folder}/heartbeat.json.new", "w", encoding="utf-8") as out:
            json.dump(beat, out)
        os.replace(f"{folder}/heartbeat.json.new", f"{folder}/heartbeat.json")
        with open(f"{folder}/metrics.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps({"kind": "train", "step": 120 + number, "tokens": 50000,
                                  "loss": 2.0, "learning_rate": 0.01, "gradient_norm": 1.0,
                                  "tokens_per_second": 1000.0, "step_seconds": 0.1}) + "\n")

    try:
        go_on(1)
        page = trial.open("?runs=language&focus=language&tab=Config")
        page.wait_for_selector(".status.running")
        page.evaluate("for (const figure of document.querySelectorAll('figure'))"
                      " figure.marked = true")
        page.evaluate("document.querySelector('#panel pre').scrollTop = 90")
        page.locator("#theme").focus()
        page.evaluate("""() => {
          const text = document.querySelector('#panel pre').firstChild;
          getSelection().setBaseAndExtent(text, 3, text, 30);
        }""")
        selected = page.evaluate("String(getSelection())")
        box = page.locator("#charts svg").first.bounding_box()
        page.mouse.move(box["x"] + 200, box["y"] + 80)
        tip = page.locator("#charts .tip").first
        tip.wait_for(state="visible")
        for number in range(2, 5):
            go_on(number)
            page.wait_for_function(
                "text => document.getElementById('cards').innerText.includes(text)",
                arg=str(120 + number), timeout=10_000)
        expect(tip.is_visible(), "the tooltip is gone")
        expect(page.evaluate("String(getSelection())") == selected, "the selection is gone")
        expect(page.evaluate("document.querySelector('#panel pre').scrollTop") == 90,
               "the panel was scrolled back")
        expect(page.evaluate("document.activeElement.id") == "theme", "the focus is gone")
        expect(page.evaluate("[...document.querySelectorAll('#charts figure')]"
                             ".every((figure) => figure.marked)"), "charts were made again")
        details = [url for _, url in trial.requests if "/api/run?" in url]
        expect(all("since=" in url for url in details[1:]), f"the whole was asked for: {details}")
        path = page.locator("#charts path").first.get_attribute("d")
        expect(len(path) > 50, "no curve")
    finally:
        with open(f"{folder}/metrics.jsonl", "w", encoding="utf-8") as out:
            out.write(before)
        beat.update(exit_status=0, time=time.time(), step=120)
        with open(f"{folder}/heartbeat.json", "w", encoding="utf-8") as out:
            json.dump(beat, out)


def zoom_and_download(trial):
    """Drag, keys and buttons zoom; a chart can be large, and be had as a file."""
    page = trial.open("?runs=language&focus=language")
    page.wait_for_timeout(300)
    svg = page.locator("#charts svg[role=application]").first
    box = svg.bounding_box()
    page.mouse.move(box["x"] + 120, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 70, steps=5)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('zoom=')")
    low, high = (float(value) for value in zoom_of(page).split("_"))
    expect(0 < low < high < 120, f"zoomed to {low} to {high}")
    svg.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(100)
    moved = float(zoom_of(page).split("_")[0])
    expect(moved > low, "the keys do not move to the side")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#charts .tip").first.is_visible(), "arrow keys show no values")
    page.keyboard.press("0")
    page.wait_for_function("() => !location.search.includes('zoom=')")
    page.locator("#charts figure").first.hover()
    page.locator("#charts button[aria-label='Show this chart large']").first.click()
    page.wait_for_selector("figure.large")
    expect(page.locator("#charts figure").count() == 1, "others are beside the large chart")
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as waiting:
            page.click(f"figure.large button[aria-label='Download as {kind}']")
        path = waiting.value.path()
        with open(path, "rb") as file:
            data = file.read()
        expect(data.startswith(start), f"{kind}: {data[:20]}")
        expect(len(data) > 3000, f"{kind} of {len(data)} bytes")
        if kind == "SVG":
            text = data.decode()
            expect("var(--" not in text and "<path" in text, "the SVG needs the page's styles")
    trial.picture("large")
    page.keyboard.press("Escape")
    page.wait_for_selector("figure.large", state="detached")


def zoom_of(page):
    """What the address says of the zoom."""
    query = urllib.parse.urlparse(page.url).query
    return urllib.parse.parse_qs(query)["zoom"][0]


SCENES = [
    ("tasks", "runs", tasks),
    ("results", "runs", results),
    ("nothing is thrown away", "runs", nothing_is_thrown_away),
    ("zoom and download", "runs", zoom_and_download),
]
