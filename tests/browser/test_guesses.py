"""Guesses in a real JupyterLab: made by keyboard and mouse, kept through reload and restart."""

import json

import nbformat
import needs
import pytest
from notebook_page import new_page, open_notebook, run_all, wait, wait_for_kernel, write_notebook

from lrcourse.site.render import Writer

pytestmark = pytest.mark.browser
ASKED = 'guess("09.a", "Which is ahead?", ["plain", "momentum", "level"])'
CELLS = (
    f"from lrcourse import guess, outcome, tally\n{ASKED}",
    'guess("09.b", "How many steps?", unit="steps")',
    'outcome("09.a", "momentum")',
    'outcome("09.b", 60)',
    "tally()",
)
NOTHING = [
    "The run: momentum",
    "The run: 60 steps",
    "You made 0 of 2 guesses; 0 right.",
]
GUESSED = [
    "Your guess: momentum The run: momentum Right.",
    "Your guess: 90 steps The run: 60 steps Not this time: too high by a factor of 1.5.",
    "You made 2 of 2 guesses; 1 right.",
]


@pytest.fixture(scope="module")
def opened(browser, server):
    folder, address = server
    write_notebook(folder, "guesses", *CELLS)
    page = open_notebook(browser, address, "guesses")
    run_all(page)
    yield page
    assert page.errors == []
    page.context.close()


@pytest.fixture
def page(opened):
    """The notebook, run, before the first guess."""
    opened.evaluate("localStorage.clear(); window.dispatchEvent(new Event('storage'))")
    wait(opened, lambda: told(opened) == NOTHING)
    return opened


def told(page):
    """What both outcomes and the tally say, without the questions and the table."""
    page.locator(".lrcourse-guess table").wait_for()
    lines = page.locator(".lrcourse-guess > :is(.beside, p:has(+ table))").all_inner_texts()
    return [" ".join(line.split()) for line in lines]


def make_guesses(page):
    """Guess "momentum" by keyboard, and 90 steps."""
    # JupyterLab, still settling, may take the focus: so each key is pressed until it has worked.
    plain, momentum = (page.get_by_role("radio", name=name) for name in ("plain", "momentum"))
    wait(page, lambda: plain.press("Space") or plain.is_checked())
    wait(page, lambda: plain.press("ArrowDown") or momentum.is_checked())
    page.get_by_role("spinbutton", name="Your guess steps").fill("90")


def save(page, folder):
    page.locator(".lrcourse-guess input").first.focus()  # JupyterLab's shortcuts work from there
    page.keyboard.press("Control+s")
    wait(page, lambda: saved(folder).count("<script>") == 5)


def saved(folder):
    return (folder / "work" / "guesses.ipynb").read_text(encoding="utf-8")


def test_a_guess_stands_beside_its_outcome_at_once(page):
    make_guesses(page)
    assert told(page) == GUESSED
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    for control in (
        page.get_by_role("radio").first,
        page.get_by_role("button", name="Clear").first,
    ):
        control.focus()
        page.keyboard.type("xabdd")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells and told(page) == GUESSED
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    assert axe.run(page, ".lrcourse-guess").response["violations"] == []
    for _ in range(2):
        page.get_by_role("button", name="Clear").first.click()
    assert told(page) == NOTHING
    assert page.get_by_role("radio", checked=True).count() == 0


def test_a_guess_outlives_the_page_and_the_kernel(page, server):
    folder, address = server
    make_guesses(page)
    save(page, folder)
    page.goto(f"{address}/lab/tree/guesses.ipynb")  # nothing is run again
    assert told(page) == GUESSED
    assert page.get_by_role("radio", name="momentum").is_checked()
    assert page.get_by_role("spinbutton").input_value() == "90"
    run_all(page)
    page.locator(".jp-InputPrompt", has_text="[5]:").wait_for()
    assert told(page) == GUESSED


def test_a_guess_that_is_no_longer_a_choice_is_dropped(page):
    make_guesses(page)
    change = """() => {
      const key = Object.keys(localStorage).find((name) => name.endsWith(" 09.a"));
      localStorage.setItem(key, JSON.stringify("adaptive"));
      window.dispatchEvent(new Event("storage"));
    }"""
    page.evaluate(change)
    wait(page, lambda: told(page)[:2] == [NOTHING[0], GUESSED[1]])
    assert page.get_by_role("radio", checked=True).count() == 0


def test_another_notebook_begins_anew(page, server):
    folder, address = server
    make_guesses(page)
    write_notebook(folder, "other", *CELLS)
    other = page.context.new_page()
    other.goto(f"{address}/lab/tree/other.ipynb?reset")
    wait_for_kernel(other)
    run_all(other)
    assert told(other) == NOTHING
    make_guesses(other)
    other.get_by_role("button", name="Clear").last.click()
    assert told(other)[1] == NOTHING[1] and told(page) == GUESSED
    other.close()


def test_a_saved_page_needs_no_kernel_and_no_jupyter(page, server, browser, tmp_path):
    folder, _ = server
    make_guesses(page)
    save(page, folder)
    notebook = nbformat.reads(saved(folder), as_version=4)
    path = tmp_path / "page.html"
    body = Writer(lambda address: address).notebook(notebook)
    assert body.count("<script>") == 1 and "momentum" in json.dumps(notebook)
    path.write_text(f"<!doctype html><meta charset=utf-8>{body}", encoding="utf-8")
    alone = new_page(browser)
    alone.goto(path.as_uri())
    assert told(alone) == NOTHING
    make_guesses(alone)
    assert told(alone) == GUESSED
    beside = alone.context.new_page()  # which sees what the browser has kept, soon after
    beside.goto(path.as_uri())
    wait(beside, lambda: told(beside) == GUESSED)
    alone.reload()
    wait(alone, lambda: told(alone) == GUESSED)
    assert alone.errors == []
    alone.context.close()
