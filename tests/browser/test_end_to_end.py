"""A learner's first quarter of an hour: the course's own command, chapter 00, an exercise.

The command is that of this environment, or the one that LRCOURSE_COMMAND names: tests/wheel.sh
lets it be README's, in a new environment. Screenshots are kept in build/screenshots.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import needs
import pytest
from notebook_page import new_page, run_all, wait, wait_for_kernel, write_notebook
from test_every_lab import GOALS
from test_labs import pixels
from waiting import LIMIT

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
COMMAND = os.environ.get("LRCOURSE_COMMAND", str(Path(sys.executable).with_name("lrcourse")))
# What is ours on the page. JupyterLab's editors, its list of cells and a button have findings too.
OURS = [[".jp-MarkdownOutput"], [".jp-OutputArea-output"]]
STEP = '''def step(w, gradient, learning_rate):
    r"""Return w after one step."""
    return w {sign} learning_rate * gradient
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("a learner's folder, été")


@pytest.fixture(scope="module")
def address(browser, folder):
    """What ``lrcourse lab`` prints."""
    own = {
        "HOME": folder,
        "JUPYTER_CONFIG_DIR": folder / "config",
        "IPYTHONDIR": folder / "ipython",
    }
    server = subprocess.Popen(
        [COMMAND, "lab", "work", "--no-browser"],
        cwd=folder,
        env=os.environ | {name: str(value) for name, value in own.items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = ""
    while not (found := re.search(r"http://(?:127\S+|localhost\S+)", printed)):
        line = server.stdout.readline()
        assert line, f"the server stopped: {printed}"
        printed += line
    yield found[0]
    server.kill()  # an orderly end may wait for ever for a kernel that is just starting
    server.wait()
    server.stdout.close()


@pytest.fixture(scope="module")
def page(browser, address):
    page = new_page(browser)
    page.goto(address)
    wait_for_kernel(page)
    yield page
    assert page.errors == []
    page.context.close()


@pytest.fixture
def keep(page):
    """A function that keeps a screenshot."""
    pictures = ROOT / "build" / "screenshots"
    pictures.mkdir(parents=True, exist_ok=True)
    return lambda name: page.screenshot(path=pictures / f"{name}.png")


def cell(page, text):
    """The code cell that begins with a text."""
    return page.locator(".jp-CodeCell").filter(
        has=page.locator(".jp-InputArea").get_by_text(text, exact=False)
    )


def check_says(page, text):
    check = cell(page, 'check("00.1")')
    check.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    check.locator(".jp-OutputArea").get_by_text(text).first.wait_for()


def wait_for_the_end(page):
    """The last exercise is checked when all has run."""
    check = cell(page, 'check("00.3")')
    check.locator(".jp-OutputArea").get_by_text("Exercise 00.3").first.wait_for(
        timeout=1000 * LIMIT
    )
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def states(page):
    """What the checks of the three exercises say."""
    checks = [cell(page, f'check("00.{number}")') for number in (1, 2, 3)]
    said = [check.locator(".jp-OutputArea strong").first.text_content() for check in checks]
    return [text.partition(": ")[2] for text in said]


def test_the_command_opens_chapter_00_as_printed(page, folder, keep):
    assert page.get_by_role("heading", name="Start here", exact=True).is_visible()
    assert len(list((folder / "work" / "chapters").glob("*.ipynb"))) >= 15
    keep("1-opened")


def test_run_all_runs_it_to_the_end(page, keep):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    wait_for_the_end(page)
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    doctor = cell(page, "import examine").locator(".jp-OutputArea").text_content()
    assert "OK    lrcourse: " in doctor and "FAIL" not in doctor
    assert states(page) == ["to do."] * 3
    keep("2-run")


def test_the_slider_answers_keyboard_and_mouse(page, keep):
    lab = page.locator(".lrcourse-lab")
    lab.scroll_into_view_if_needed()
    lab.locator("canvas").first.wait_for()
    rate = lab.get_by_role("slider", name="learning rate")
    rate.focus()
    seen = [pixels(lab)]
    for key in ("ArrowRight", "End"):
        page.keyboard.press(key)
        seen.append(pixels(lab))
    box = rate.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    seen.append(pixels(lab))
    assert len(set(seen)) == 4
    keep("3-moved")


def test_an_exercise_filled_wrong_and_then_right(page, folder, keep):
    for sign, said in (("+", "uphill"), ("-", "All checks agree")):
        answer = cell(page, "def step(")
        answer.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(STEP.format(sign=sign))
        page.keyboard.press("Control+Enter")
        check_says(page, said)
        keep(f"4-{said.split()[-1]}")
    page.keyboard.press("Control+s")
    file = folder / "work" / "chapters" / "00_start_here.ipynb"
    saved = "    return w - learning_rate * gradient\\n"
    wait(page, lambda: saved in file.read_text(encoding="utf-8"))
    size = len(json.dumps(json.loads(file.read_text(encoding="utf-8"))["metadata"]["widgets"]))
    assert size < 100_000  # the labs of the chapter, so that they move tomorrow


def test_restart_and_run_all(page, keep):
    run_all(page)
    wait_for_the_end(page)
    assert states(page) == ["passed.", "to do.", "to do."]
    assert page.locator(".lrcourse-lab").count() == 1
    keep("5-again")


def test_ctrl_s_saves_while_a_slider_has_the_focus_and_escape_leaves_it(page, folder):
    file = folder / "work" / "chapters" / "00_start_here.ipynb"
    rate = page.locator(".lrcourse-lab").get_by_role("slider", name="learning rate")
    rate.scroll_into_view_if_needed()
    rate.focus()
    page.keyboard.press("Home")
    cells = page.locator(".jp-Cell").count()
    before = file.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    wait(page, lambda: file.stat().st_mtime_ns != before)
    for key in ("x", "d", "d"):
        page.keyboard.press(key)
    assert page.locator(".jp-Cell").count() == cells
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") != "INPUT"


def test_axe_finds_nothing_serious_in_text_and_outputs(page):
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, {"include": OURS}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"]) for v in serious] == []


def test_the_next_chapter_opens_by_its_link(page, keep):
    link = page.get_by_role("link", name="One knob").last
    link.scroll_into_view_if_needed()
    link.click()
    page.get_by_role("heading", name="One knob", exact=True).wait_for()
    keep("6-next")


def test_the_worked_solution_opens_at_its_exercise(page, keep):
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    link = shown.get_by_role("link", name="Worked solution", exact=True).nth(2)
    link.click()
    for name in ("Solution 01", "What we learnt"):  # its first and its last heading
        shown.get_by_role("heading", name=name).wait_for(state="attached")
    heading = shown.get_by_role("heading", name="Exercise 01.3")

    def is_there():
        box = heading.count() == 1 and heading.bounding_box()
        return box and 0 < box["y"] < 300

    if not is_there():  # a busy JupyterLab may leave it at its top; then the next click scrolls
        page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="01_one_knob").click()
        link.click()
    wait(page, is_there)
    keep("7-solution")
    tab = page.locator("#jp-main-dock-panel .lm-TabBar-tab").last
    assert tab.inner_text() == "Solution 01.ipynb"
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    assert "jp-mod-dirty" not in tab.get_attribute("class")  # it would ask whether to save it
    answer = shown.locator(".jp-CodeCell", has_text="def two_rates")
    before = answer.inner_text()
    answer.locator(".cm-content").click()
    page.keyboard.press("Enter")
    page.keyboard.type("x")
    assert answer.inner_text() == before


def end_kernels(page, address):
    root, token = address.partition("/lab/")[0], address.partition("?")[2]
    for kernel in page.request.get(f"{root}/api/kernels?{token}").json():
        cookie = next(c for c in page.context.cookies() if c["name"] == "_xsrf")["value"]
        ended = page.request.delete(
            f"{root}/api/kernels/{kernel['id']}?{token}", headers={"X-XSRFToken": cookie}
        )
        assert ended.ok


def moves(page, lab):
    lab.scroll_into_view_if_needed()
    lab.locator("canvas").first.wait_for()
    slider = lab.get_by_role("slider").first
    slider.focus()
    before = slider.get_attribute("aria-valuetext"), pixels(lab)
    page.keyboard.press("End" if slider.input_value() != slider.get_attribute("max") else "Home")
    after = slider.get_attribute("aria-valuetext"), pixels(lab)
    return before[0] != after[0] and before[1] != after[1]


def test_tomorrow_the_saved_lab_moves_without_its_kernel(page, browser, address):
    end_kernels(page, address)
    tomorrow = new_page(browser)
    tomorrow.goto(address.replace("?", "?reset&"))
    lab = tomorrow.locator(".lrcourse-lab")
    lab.first.wait_for()
    assert moves(tomorrow, lab)
    assert tomorrow.get_by_text("model not found").count() == 0
    tomorrow.screenshot(path=ROOT / "build" / "screenshots" / "8-tomorrow.png")
    tomorrow.context.close()
    page.errors[:] = [error for error in page.errors if error != "Kernel is dead"]


def test_tomorrow_every_lab_moves_without_its_kernel(browser, address, folder):
    write_notebook(folder, "every", "from lrcourse import labs", *(f"labs.{n}()" for n in GOALS))
    place = re.sub(r"/tree/[^?]*", "/tree/every.ipynb", address).replace("?", "?reset&")
    today, tomorrow = new_page(browser), new_page(browser)
    today.goto(place)
    wait_for_kernel(today)
    run_all(today)
    labs = today.locator(".lrcourse-lab")
    wait(today, lambda: labs.count() == len(GOALS))
    today.keyboard.press("Control+s")
    today.get_by_text("Saving completed").first.wait_for()
    end_kernels(today, address)
    today.context.close()
    tomorrow.goto(place)
    labs = tomorrow.locator(".lrcourse-lab")
    wait(tomorrow, lambda: labs.count() == len(GOALS))
    assert [name for k, name in enumerate(GOALS) if not moves(tomorrow, labs.nth(k))] == []
    tomorrow.keyboard.press("Control+s")  # of what no kernel knows any more
    tomorrow.get_by_text("Saving completed").first.wait_for()
    tomorrow.context.close()
    later = new_page(browser)
    later.goto(place)
    labs = later.locator(".lrcourse-lab")
    wait(later, lambda: labs.count() == len(GOALS))
    assert moves(later, labs.first)
    later.context.close()
