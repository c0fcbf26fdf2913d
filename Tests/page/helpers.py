"""Small steps that scenes share."""


def expect(holds, words):
    """Fails with words unless something holds."""
    if not holds:
        raise AssertionError(words)


def focus(page, name):
    """Has a run in focus whose name, within its directory, is that."""
    page.click(f"#runs .run .name >> text=/^{name}$/")
    page.wait_for_function(
        "name => document.getElementById('run-name').textContent === name", arg=name)


def tab(page, name):
    """Opens a tab of the details."""
    page.click(f"#tabs button:text-is('{name}')")
    page.wait_for_selector(f"#tabs button[aria-selected=true]:text-is('{name}')")


def texts(page, selector):
    """The texts of all that a selector finds."""
    return page.locator(selector).evaluate_all(
        "found => found.map((each) => (each.innerText ?? each.textContent).trim())")


def wait_until_read(page):
    """Waits until the server has read all files to their ends."""
    page.wait_for_function("() => !document.body.innerText.includes('reading')", timeout=120_000)


def titles(page):
    """The titles of the charts, in order."""
    return texts(page, "#charts figure figcaption b")
