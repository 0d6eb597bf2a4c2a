"""Labs in a real JupyterLab: moved by keyboard and mouse, as learners do."""

import pytest
from notebook_page import open_notebook, run_all, wait, write_notebook

from lrcourse.widgets import labs

pytestmark = pytest.mark.browser

# A number that tells one picture of a canvas from another.
FINGERPRINT = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new Uint32Array(data.buffer);
  let hash = 0;
  for (let k = 0; k < pixels.length; k += 1) hash = (Math.imul(hash, 31) + pixels[k]) | 0;
  return hash;
}"""
# What a lab says and shows when its own listener has had the event of a move, in window.moves.
RECORD = f"""() => {{
  const listens = window.moves !== undefined;
  window.moves = [];
  if (listens) return;
  const fingerprint = {FINGERPRINT};
  document.addEventListener("input", ({{ target }}) => {{
    const lab = target.closest(".lrcourse-lab");
    if (!lab) return; // a cell's editor
    const words = lab.querySelector("[role=img]").getAttribute("aria-label");
    window.moves.push([words, fingerprint(lab.querySelector("canvas"))]);
  }});
}}"""
# Vermillion pixels of a canvas: a diverged run.
VERMILLION = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let k = 0; k < data.length; k += 4) {
    if (Math.hypot(data[k] - 0xD5, data[k + 1] - 0x5E, data[k + 2]) < 40) count += 1;
  }
  return count;
}"""


def pixels(lab, panel=0):
    return lab.locator("canvas").nth(panel).evaluate(FINGERPRINT)


def words(lab):
    return lab.get_by_role("img").get_attribute("aria-label")


@pytest.fixture(scope="module")
def page(browser, server):
    folder, address = server
    write_notebook(
        folder, "bowl",
        "from lrcourse import labs\nlab = labs.bowl()\nlab",
        "lab.learning_rate, lab.batch_size, lab.conditioning",
        "lab",
    )  # fmt: skip
    page = open_notebook(browser, address, "bowl")
    run_all(page)
    page.locator(".lrcourse-lab").nth(1).wait_for()
    yield page
    assert page.errors == []
    page.context.close()


@pytest.fixture
def lab(page):
    """The first view of the lab, at its opening setting."""
    lab = page.locator(".lrcourse-lab").first
    lab.get_by_role("button", name="Reset").click()
    return lab


@pytest.fixture
def rate(lab):
    slider = lab.get_by_role("slider", name="learning rate")
    slider.focus()
    return slider


def test_all_of_it_is_on_the_screen(page, lab):
    box = lab.bounding_box()
    assert box["y"] + box["height"] < 900
    assert all(lab.locator("canvas").nth(k).bounding_box()["height"] <= 300 for k in (0, 1))


def test_arrows_home_and_end_move_the_rate_and_the_pictures(page, lab, rate):
    assert rate.get_attribute("aria-valuetext") == "0.01"
    seen = {pixels(lab, 0), pixels(lab, 1)}
    for key, value in [("ArrowRight", "0.011"), ("ArrowLeft", "0.01"), ("End", "3.2"),
                       ("Home", "0.0032")]:  # fmt: skip
        page.keyboard.press(key)
        assert rate.get_attribute("aria-valuetext") == str(value)
        assert lab.locator(".value").first.text_content() == value
        seen |= {pixels(lab, 0), pixels(lab, 1)}
    assert len(seen) == 8  # two panels at four settings


def test_a_mouse_drag_moves_the_pictures(page, lab, rate):
    box = rate.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 82, y)
    page.mouse.down()
    seen = set()
    for k in range(20):
        page.mouse.move(box["x"] + 82 + 10 * k, y)
        seen.add(pixels(lab))
    page.mouse.up()
    assert len(seen) >= 15
    assert words(lab) != labs.bowl().sentence


def test_letters_on_a_focused_control_leave_the_notebook_alone(page, lab, rate):
    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    buttons = lab.get_by_role("button").all()
    assert len(buttons) == 5
    start = lab.get_by_role("slider", name="start of the run")
    for control in (rate, lab.get_by_role("combobox"), start, *buttons):
        control.focus()
        page.keyboard.type("xabdd")
        assert cells.count() == before
    assert page.locator(".lrcourse-lab").count() == 2


def test_browser_and_python_say_the_same_at_every_kind_of_outcome(page, lab):
    twin = labs.bowl()
    rates, sizes = twin.spec["controls"][0]["values"], twin.spec["controls"][1]["values"]
    for learning_rate, batch_size, conditioning in [
        (0.0032, 64, 1), (0.05, 64, 10), (0.16, 64, 10), (0.2, 64, 10), (0.1, 2, 10),
        (3.2, 1, 30), (0.063, 64, 30), (0.4, 8, 3),
    ]:  # fmt: skip
        lab.get_by_role("slider", name="learning rate").fill(str(rates.index(learning_rate)))
        lab.get_by_role("slider", name="batch size").fill(str(sizes.index(batch_size)))
        lab.get_by_role("combobox", name="curvatures").select_option(label=f"1 : {conditioning}")
        twin.learning_rate, twin.batch_size = learning_rate, batch_size
        twin.conditioning = conditioning
        assert words(lab) == f"{twin.spec['alt']} {twin.sentence}"
        assert lab.locator(".reached").is_visible() == twin.goal_reached
        diverged = lab.locator("canvas").first.evaluate(VERMILLION) > 50
        assert diverged == ("It diverges" in twin.sentence)


def test_the_edge_is_marked_once_the_learner_has_guessed(page, lab, rate):
    assert not lab.locator(".mark.edge").is_visible()
    for _ in range(26):
        page.keyboard.press("ArrowRight")
    lab.get_by_role("button", name="Reveal the edge").click()
    assert lab.get_by_role("status").text_content() == (
        "▲ The edge is 2 / largest curvature = 2 / 10 = 0.2. △ Your guess was 0.2."
    )
    edge, guess = lab.locator(".mark.edge").bounding_box(), lab.locator(".mark").last.bounding_box()
    thumb = rate.bounding_box()["x"] + 8 + 36 / 60 * (rate.bounding_box()["width"] - 16)
    assert edge["x"] + edge["width"] / 2 == pytest.approx(thumb, abs=1)
    assert guess["x"] == pytest.approx(edge["x"], abs=2)


def test_two_views_and_the_kernel_stay_in_step(page, lab, rate):
    page.keyboard.press("End")
    lab.get_by_role("combobox").select_option("3")
    second = page.locator(".lrcourse-lab").nth(1)
    assert words(second) == words(lab)
    assert second.get_by_role("slider", name="learning rate").input_value() == "60"
    cell = page.locator(".jp-CodeCell").nth(1)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    cell.get_by_text("(3.2, 64, 30)").wait_for()


def test_a_hundred_moves_are_drawn_at_once_without_a_trip_to_the_kernel(page, lab, rate):
    page.evaluate(RECORD)
    shown = []
    for k in range(120):
        page.keyboard.press("ArrowRight" if k // 40 % 2 == 0 else "ArrowLeft")
        shown.append([words(lab), pixels(lab)])
    assert page.evaluate("window.moves") == shown
    assert len({said for said, _ in shown}) == 41


def test_the_start_is_moved_in_every_view_and_the_notebook_keeps_its_keys(page, lab, server):
    file, twin = server[0] / "work" / "bowl.ipynb", labs.bowl()
    start = lab.get_by_role("slider", name="start of the run")
    start.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    twin.start_at = (-2.2, 1.2)
    assert words(lab) == f"{twin.spec['alt']} {twin.sentence}"
    assert words(page.locator(".lrcourse-lab").nth(1)) == words(lab)
    cell = page.locator(".jp-CodeCell").nth(1)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("print(lab.sentence)")
    page.keyboard.press("Control+Enter")
    cell.locator(".jp-OutputArea-output").get_by_text(twin.sentence).wait_for()
    before = file.stat().st_mtime_ns
    start.focus()
    page.keyboard.press("Control+s")
    wait(page, lambda: file.stat().st_mtime_ns != before)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") != "start"
    start.focus()
    page.keyboard.press("Control+Enter")  # the lab's cell gives another lab
    wait(page, lambda: "start (" not in words(lab))
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("lab.learning_rate, lab.batch_size, lab.conditioning")


def test_restart_and_run_all_gives_the_lab_again_and_stacks_nothing(page):
    run_all(page)
    page.locator(".jp-CodeCell").nth(1).get_by_text("(0.01, 64, 10)").wait_for()
    lab = page.locator(".lrcourse-lab")
    lab.nth(1).wait_for()
    assert lab.count() == 2
    assert page.locator(".jp-OutputArea-output svg[role=img]").count() == 0  # live, not still
    lab.first.get_by_role("slider", name="learning rate").press("End")
    assert "It diverges" in words(lab.first)


def test_a_figure_carries_its_alt_text_and_shows_once(browser, server):
    folder, address = server
    write_notebook(
        folder, "figure",
        "from lrcourse import labs, plots\n"
        "plots.curves([3, 2, 1], 'step', 'loss', alt='A falling \"line\"')",
        "labs.one_knob()",
    )  # fmt: skip
    page = open_notebook(browser, address, "figure")
    run_all(page)
    page.get_by_role("img", name='A falling "line"').wait_for()
    assert page.locator(".jp-OutputArea-output img").count() == 1
    knob = page.locator(".lrcourse-lab")
    knob.get_by_role("slider", name="learning rate").press("End")
    assert "It diverges" in words(knob)
    assert page.errors == []
    page.context.close()


def test_a_reload_with_the_kernel_alive_brings_the_lab_back(browser, server):
    folder, address = server
    write_notebook(folder, "reload", "from lrcourse import labs\nlabs.one_knob()")
    page = open_notebook(browser, address, "reload")
    run_all(page)
    page.locator(".lrcourse-lab canvas").first.wait_for()
    page.locator(".jp-InputArea-prompt").first.click()
    page.keyboard.press("Control+s")
    wait(page, lambda: '"image/svg+xml"' in (folder / "work" / "reload.ipynb").read_text())
    page.goto(f"{address}/lab/tree/reload.ipynb")
    rate = page.get_by_role("slider", name="learning rate")
    rate.wait_for()
    before = rate.get_attribute("aria-valuetext"), pixels(page.locator(".lrcourse-lab"))
    rate.press("End")
    after = rate.get_attribute("aria-valuetext"), pixels(page.locator(".lrcourse-lab"))
    assert before[0] != after[0] and before[1] != after[1]
    assert page.errors == []
    page.context.close()
