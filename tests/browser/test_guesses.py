"""Guesses in a real JupyterLab: made by keyboard and mouse, kept through reload and restart."""

import os
from pathlib import Path

import needs
import pytest
from notebook_page import jupyterlab, new_page, open_notebook, run_all, wait, wait_for_kernel, write_notebook

pytestmark = pytest.mark.browser
CELLS = (
    'from lrcourse import guess\nguess("09.a", "Which is ahead after 60 steps?", ["plain", "momentum", "level"])',
    'guess("09.b", "How many steps does momentum need?", unit="steps")',
    'from lrcourse import outcome\noutcome("09.a", "momentum")',
    'outcome("09.b", 60)',
    "from lrcourse import tally\ntally()",
)


@pytest.fixture
def page(browser, server):
    folder, address = server
    write_notebook(folder, "guesses", *CELLS)
    page = open_notebook(browser, address, "guesses")
    run_all(page)
    page.locator(".lrcourse-guess table").wait_for()
    yield page
    assert page.errors == []
    page.context.close()


def said(page):
    """The words of the five outputs."""
    return [" ".join(text.split()) for text in page.locator(".lrcourse-guess").all_inner_texts()]


def test_it(page, server):
    folder, address = server
    page.screenshot(path="/tmp/g0.png")
    print(said(page))
    page.get_by_role("radio", name="plain").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.type("xbdd")
    page.get_by_role("spinbutton").fill("50")
    page.screenshot(path="/tmp/g1.png")
    print(said(page))
    page.get_by_role("radio", name="plain").check()
    page.screenshot(path="/tmp/g1.png")
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, ".lrcourse-guess").response["violations"]
    print(found)
    page.locator(".jp-InputArea-prompt").first.click()
    page.keyboard.press("Control+s")
    wait(page, lambda: "lrcourse-guess" in (folder / "work" / "guesses.ipynb").read_text())
    page.goto(f"{address}/lab/tree/guesses.ipynb")
    page.locator(".lrcourse-guess table").wait_for()
    print(said(page))
    page.screenshot(path="/tmp/g2.png")
