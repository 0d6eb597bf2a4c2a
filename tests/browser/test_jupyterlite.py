"""The course in the browser, without a server: built by the command, with Pyodide from a folder.

Each chapter is opened, run, moved and answered as a learner does, and nothing is asked of any other
host. Screenshots are kept in build/screenshots.
"""

import contextlib
import functools
import http.server
import threading
from pathlib import Path

import nbformat
import needs
import pyodide_release
import pytest
from click.testing import CliRunner
from notebook_page import new_context, wait
from test_end_to_end import cell
from test_labs import pixels
from test_site_pages import Quiet
from waiting import LIMIT

from lrcourse.browser import SAID
from lrcourse.cli import main
from lrcourse.site import lite

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
# An exercise of each chapter; of its worked solution a part, and what makes it wrong; what is said.
CHAPTERS = {
    "00_start_here": ("00.1", "w - learning_rate", "w + learning_rate", "uphill"),
    "01_one_knob": ("01.1", "w - learning_rate", "w + learning_rate", "uphill"),
    "06_batches": ("06.1", "return first - noise / one", "return first - noise", "is taken out"),
    "09_momentum": ("09.2", "[-a, momentum]", "[a, momentum]", "lower row"),
}
# They take over a minute and a half to their end: only the cells above that exercise's check run.
LONG = {"06_batches", "09_momentum"}


@contextlib.contextmanager
def served(folder):
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def address(browser, tmp_path_factory):
    """The site with JupyterLite in it, under a sub-path, as forges serve one."""
    needs.package("jupyterlite_core")
    needs.package("jupyterlite_pyodide_kernel")
    folder = tmp_path_factory.mktemp("site")
    command = ["site", str(folder / "course"), "00", "--lite", "--pyodide"]
    command += [str(pyodide_release.release()), "--cache", str(folder / "outputs")]
    made = CliRunner().invoke(main, command)
    assert made.exit_code == 0, made.output
    with served(folder) as host:
        yield f"{host}/course"


@pytest.fixture
def page(browser, address):
    """A page of a fresh browser; it may ask only the site."""
    foreign, errors, ours = [], [], address.removesuffix("course")
    page = new_context(browser).new_page()
    page.set_default_timeout(1000 * LIMIT)
    page.on(
        "request", lambda r: r.url.startswith((ours, "data:", "blob:")) or foreign.append(r.url)
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.context.close()
    assert foreign == [] and errors == []


def run(page, command, last):
    """Choose a command of the menu Run, and wait until the last of its cells has run."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=command, exact=True).click()
    wait(page, lambda: last.locator(".jp-InputArea-prompt").inner_text().strip("[]: *").isdigit())


def fill(page, text, source):
    """Write an answer over a cell, and run it."""
    cell(page, text).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")


def check_says(page, exercise, text):
    check = cell(page, f'check("{exercise}")')
    check.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    check.locator(".jp-OutputArea").get_by_text(text).first.wait_for()


def moves(page, key):
    """See the first lab move with the keyboard."""
    lab = page.locator(".lrcourse-lab").first
    lab.scroll_into_view_if_needed()
    lab.locator("canvas").first.wait_for()
    before = pixels(lab)
    lab.get_by_role("slider").first.focus()
    page.keyboard.press(key)
    wait(page, lambda: pixels(lab) != before)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_runs_and_answers(page, address, chapter):
    exercise, part, wrong, said = CHAPTERS[chapter]
    notebook = nbformat.read(ROOT / "solutions" / f"{chapter}.ipynb", 4)
    (answer,) = (c.source for c in notebook.cells if c.metadata.get("exercise") == exercise)
    head = next(line for line in answer.splitlines() if line.startswith("def "))
    if chapter == "00_start_here":
        page.goto(f"{address}/chapters/{chapter}.html")
        page.get_by_role("link", name="Run this chapter in your browser").click()
    else:
        page.goto(f"{address}/lite/lab/index.html?path=chapters/{chapter}.ipynb")
    page.get_by_text("Python (Pyodide) | Idle").wait_for()
    if chapter in LONG:
        cell(page, f'check("{exercise}")').locator(".cm-content").click()
        run(page, "Run All Above Selected Cell", cell(page, head))
    else:
        run(page, "Run All Cells", page.locator(".jp-CodeCell", has_text="tally()").last)
    pictures = ROOT / "build" / "screenshots"
    pictures.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=pictures / f"lite-{chapter[:2]}.png")
    # This kernel writes what a cell raises below it, as text on standard error.
    printed = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts()
    assert [text for text in printed if "Traceback" in text or "Warning" in text] == []
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts() == []
    assert (page.get_by_text(SAID).count() > 0) == (chapter[:2] in ("01", "09"))

    if chapter not in LONG:
        moves(page, "End")

    assert answer.count(part) == 1
    fill(page, head, answer.replace(part, wrong))
    check_says(page, exercise, said)
    fill(page, head, answer)
    check_says(page, exercise, "All checks agree")
    page.keyboard.press("Control+s")
    page.get_by_text("Saving completed").first.wait_for()
    page.goto(f"{address}/lite/lab/index.html?path=chapters/{chapter}.ipynb")
    cell(page, head).locator(".cm-content").get_by_text("BEGIN SOLUTION").wait_for()
    if chapter not in LONG:
        moves(page, "Home")  # nothing was run: it was saved, and at its end
    page.screenshot(path=pictures / f"lite-{chapter[:2]}-again.png")


def test_without_a_folder_pyodide_comes_from_the_network_of_the_kernel(browser, tmp_path):
    """The page asks this one address for all of it; a release next to that one answers here."""
    network, asked = "https://cdn.jsdelivr.net/pyodide/v0.27.6/full/", []
    for name, content in lite.lite(None).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)

    def answer(route):
        asked.append(route.request.url)
        file = pyodide_release.release() / asked[-1].removeprefix(network)
        route.fulfill(path=file, headers={"Access-Control-Allow-Origin": "*"})

    with served(tmp_path) as address:
        context = new_context(browser)
        context.route(lambda url: not url.startswith((address, "data:", "blob:")), answer)
        page = context.new_page()
        page.set_default_timeout(1000 * LIMIT)
        page.goto(f"{address}/lab/index.html?path=chapters/00_start_here.ipynb")
        page.get_by_text("Python (Pyodide) | Idle").wait_for()
        context.close()
    assert asked[0] == f"{network}pyodide.js"
    assert all(url.startswith(network) for url in asked)
    assert any("/numpy-" in url for url in asked)
