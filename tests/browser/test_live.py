"""Live training in a real JupyterLab: frames, settings, pause, interrupt and reset."""

import pytest
from notebook_page import open_notebook, run_all, wait, write_notebook
from test_labs import pixels

pytestmark = pytest.mark.browser


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
    """Run the cell until it says so: what the page sends may wait behind frames, it does not."""
    cell = page.locator(".jp-CodeCell").nth(1)
    prompt = cell.locator(".jp-InputArea-prompt")

    def said():
        before = prompt.text_content()
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        wait(page, lambda: prompt.text_content() not in (before, "[*]:"))
        return cell.get_by_text(text).count()

    wait(page, said)


def test_it_draws_while_it_trains_and_takes_the_latest_setting(page, lab):
    before = pixels(lab)
    lab.get_by_role("button", name="Start").click()
    lab.get_by_role("button", name="Pause").wait_for()
    frames = set()
    wait(page, lambda: frames.add(step(lab)) or len(frames) >= 10)
    assert pixels(lab) != before
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
