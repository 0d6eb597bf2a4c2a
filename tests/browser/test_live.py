"""Live training in a real JupyterLab: frames, settings, pause, interrupt and reset."""

import pytest
from notebook_page import open_notebook, run_all, write_notebook
from test_labs import pixels

pytestmark = pytest.mark.browser

# Frames drawn in two seconds: each changes the sentence, which says the step.
FRAMES = """(sentence) => new Promise((done) => {
  let frames = 0;
  const observer = new MutationObserver(() => { frames += 1; });
  observer.observe(sentence, { childList: true, characterData: true, subtree: true });
  setTimeout(() => { observer.disconnect(); done(frames); }, 2000);
})"""


@pytest.fixture(scope="module")
def page(browser, server):
    folder, address = server
    write_notebook(
        folder, "live",
        "from lrcourse import labs\nlab = labs.live()\nlab",
        "lab.running, lab.learning_rate, lab.batch_size",
    )  # fmt: skip
    page = open_notebook(browser, address, "live")
    run_all(page)
    page.locator(".lrcourse-lab").wait_for()
    yield page
    assert page.errors == []
    page.context.close()


@pytest.fixture
def lab(page):
    return page.locator(".lrcourse-lab")


def step(lab):
    return int(lab.locator(".sentence").text_content().split()[1].rstrip(":"))


def kernel_says(page, text):
    cell = page.locator(".jp-CodeCell").nth(1)
    for _ in range(60):  # what the page sends may wait in line behind frames, the cell does not
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(500)
        if cell.get_by_text(text).count():
            return
    raise AssertionError(f"The cell never said {text}: {cell.inner_text()}")


def test_it_draws_while_it_trains_and_takes_the_latest_setting(page, lab, capsys):
    before = pixels(lab)
    lab.get_by_role("button", name="Start").click()
    lab.get_by_role("button", name="Pause").wait_for()
    frames = lab.locator(".sentence").evaluate(FRAMES)
    with capsys.disabled():
        print(f"\n  live training: {frames / 2:.0f} frames a second, step {step(lab)}", end="")
    assert frames / 2 >= 5  # over 20 on idle cores
    assert step(lab) > 0 and pixels(lab) != before
    lab.get_by_role("slider", name="learning rate").press("Home")
    lab.get_by_role("slider", name="batch size").press("Home")
    kernel_says(page, "(True, 0.0001, 1)")


def test_pause_stops_it_and_reset_begins_anew(page, lab):
    lab.get_by_role("button", name="Pause").click()
    lab.get_by_role("button", name="Start").wait_for()
    kernel_says(page, "(False, 0.0001, 1)")
    lab.get_by_role("button", name="Reset").click()
    lab.get_by_text("Step 0:").wait_for()
    kernel_says(page, "(False, 0.032, 16)")


def test_interrupt_pauses_it_and_the_kernel_lives_on(page, lab):
    lab.get_by_role("button", name="Start").click()
    lab.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Interrupt Kernel").click()
    lab.get_by_role("button", name="Start").wait_for()
    kernel_says(page, "(False, 0.032, 16)")
