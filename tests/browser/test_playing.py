"""What one can do in a lab besides moving a slider, on saved pages: light, dark, by pointer."""

import base64
import io
import re

import needs
import pytest
from notebook_page import new_context
from PIL import Image
from test_labs import VERMILLION, pixels, words

from lrcourse.widgets import labs, static_svg

pytestmark = pytest.mark.browser

# The colour of a canvas in its top left corner, where only the ground is drawn.
GROUND = """(canvas) => [...canvas.getContext("2d").getImageData(2, 2, 1, 1).data].join()"""
# How many pixels of a colour lie in some rows of a canvas.
IN_ROWS = """(canvas, [top, bottom, red, green, blue]) => {
  const { data } = canvas.getContext("2d").getImageData(0, top, canvas.width, bottom - top);
  let count = 0;
  for (let k = 0; k < data.length; k += 4) {
    if (Math.hypot(data[k] - red, data[k + 1] - green, data[k + 2] - blue) < 40) count += 1;
  }
  return count;
}"""
START = re.compile(r"start \((.*?)\)")
TOP, BOTTOM = 10, 280 - 42  # of a panel's rectangle on its canvas


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The address of a lab's saved page; each lab is computed once."""
    folder, made = tmp_path_factory.mktemp("playing"), {}

    def address(name):
        if name not in made:
            made[name] = folder / f"{name}.html"
            getattr(labs, name)().save_html(made[name])
        return made[name].as_uri()

    return address


@pytest.fixture
def opened(browser, saved):
    """A function that opens a lab's page; an error in it fails the test."""
    contexts, errors = [], []

    def make(name, **settings):
        contexts.append(new_context(browser, viewport={"width": 1000, "height": 900}, **settings))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(saved(name))
        page.locator(".lrcourse-lab").wait_for()
        drawn(page)
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


def drawn(page):
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def set_rate(page, place):
    page.get_by_role("slider", name="learning rate", exact=True).fill(str(place))


def at(page, panel, across, up):
    """The place on the screen of a point of a panel with axes, from 0 to 1 each way."""
    box = page.locator("canvas").nth(panel).bounding_box()
    right = box["width"] - (68 if page.title() == "Turning" and panel == 0 else 16)
    return box["x"] + 58 + across * (right - 58), box["y"] + BOTTOM - up * (BOTTOM - TOP)


def test_a_slider_shows_its_ends_and_its_scale_and_says_its_name_once(opened):
    page = opened("valley")
    ends = page.locator(".control", has_text="learning rate").locator(".ends")
    assert ends.locator("span").all_text_contents() == ["0.001", "log scale", "0.5"]
    ends = page.locator(".control", has_text="momentum").locator(".ends").first
    assert ends.locator("span").all_text_contents()[1] == ""
    tree = page.locator(".controls").aria_snapshot()
    assert tree.count('slider "learning rate"') == 1 and tree.count("learning rate") <= 2


@pytest.mark.parametrize("name", ["bowl", "classifier"])
def test_the_panels_follow_the_theme_while_they_are_shown(opened, name):
    page = opened(name, color_scheme="light")
    canvas = page.locator("canvas").last
    assert canvas.evaluate(GROUND) == "255,255,255,255"
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    assert canvas.evaluate(GROUND) == "23,25,28,255"
    # JupyterLab says its theme on the body, and it counts more than that of the system.
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    page.wait_for_timeout(200)
    assert canvas.evaluate(GROUND) == "255,255,255,255"


@pytest.mark.parametrize("shown", ["alone", "in the page"])
def test_the_static_picture_follows_the_theme(browser, shown):
    """JupyterLab shows it as an image, alone; the site's pages hold its elements."""
    picture = static_svg.svg(labs.bowl(0.3))
    if shown == "alone":
        data = base64.b64encode(picture.encode()).decode()
        picture = f'<img src="data:image/svg+xml;base64,{data}">'
    context = new_context(browser, color_scheme="dark")
    page = context.new_page()
    page.set_content(f"<style>:root {{ color-scheme: light dark }}</style>{picture}")
    image = page.locator("img, svg[role=img]").first
    looks = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        drawn(page)
        still = Image.open(io.BytesIO(image.screenshot())).convert("RGB")
        colours = {colour for _, colour in still.getcolors(1 << 20)}
        looks.append((still.getpixel((5, 5)), min(map(sum, colours)), max(map(sum, colours))))
    (light, ink, _), (dark, _, pale) = looks
    assert light == (255, 255, 255) and ink <= 3 * 0x22
    assert dark == (0x17, 0x19, 0x1C) and pale >= 3 * 0xE4
    context.close()


@pytest.mark.parametrize("name", ["bowl", "price"])
def test_axe_finds_nothing_in_the_dark(opened, name):
    page = opened(name, color_scheme="dark")
    press(page, "Keep this run")
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    assert [found["id"] for found in axe.run(page).response["violations"]] == []


def test_the_track_is_seen_where_the_system_sets_all_colours(opened):
    page = opened("one_knob", forced_colors="active")
    slider = Image.open(io.BytesIO(page.get_by_role("slider").first.screenshot())).convert("RGB")
    x = slider.width // 8  # left of the thumb
    assert len({slider.getpixel((x, y)) for y in range(slider.height)}) > 1


def test_the_guess_says_how(opened):
    page = opened("bowl")
    assert page.get_by_role("status").text_content() == (
        "Guess first: above which learning rate does it diverge? "
        "Put the learning rate at your guess, then Reveal."
    )


def test_kept_runs_stay_as_ghosts_with_their_settings_until_reset(opened):
    page = opened("bowl")
    kept, canvas = page.locator(".kept li"), page.locator("canvas").nth(1)
    for place in (5, 12, 26, 33):
        set_rate(page, place)
        press(page, "Keep this run")
    press(page, "Keep this run")  # the same again
    assert kept.count() == 3  # the first has gone
    assert "learning rate 0.013, batch size 64 (all)" in kept.first.text_content()
    assert "It converges" in kept.nth(1).text_content()
    set_rate(page, 50)
    with_ghosts = pixels(page, 1)
    assert canvas.evaluate(IN_ROWS, [TOP, BOTTOM, 128, 128, 128]) > 300
    press(page, "Reset")
    assert kept.count() == 0
    set_rate(page, 50)
    assert pixels(page, 1) != with_ghosts


def test_a_kept_run_shows_nothing_of_a_secret(opened):
    page = opened("batchnorm")
    before = pixels(page, 1)
    press(page, "Keep this run")
    set_rate(page, 9)
    assert pixels(page, 1) == before


def test_a_click_on_a_map_sets_both_of_its_sliders(opened):
    page = opened("turning")
    page.mouse.click(*at(page, 0, 2.5 / 11, 8.5 / 11))
    values = [page.get_by_role("slider", name=name).get_attribute("aria-valuetext")
              for name in ("learning rate", "decay")]  # fmt: skip
    assert values == ["1/16", "1/128"] and "Learning rate 1/16" in words(page)
    page.mouse.move(*at(page, 0, 0.5 / 11, 0.5 / 11))
    readout = page.locator(".readout")
    assert readout.text_content() == "learning rate 1/64; decay 1/32768 (click to set)"
    page.mouse.move(5, 5)
    assert not readout.is_visible()


def test_a_response_curve_is_read_and_clicked_only_once_it_is_revealed(opened):
    page = opened("batchnorm")
    rate = page.get_by_role("slider", name="learning rate")
    place, before = at(page, 1, 2 / 3, 0.5), rate.get_attribute("aria-valuetext")
    page.mouse.click(*place)
    assert rate.get_attribute("aria-valuetext") == before
    assert not page.locator(".readout").is_visible()
    page.get_by_role("button", name="Reveal").click()
    page.mouse.click(*place)
    assert rate.get_attribute("aria-valuetext") == "1"
    assert (
        page.locator(".readout").text_content().startswith("learning rate 1; loss at the end 0.5")
    )


def test_a_panel_is_read_at_the_pointer(opened):
    page = opened("bowl")
    page.mouse.move(*at(page, 0, 0.75, 0.75))
    said = page.locator(".readout").text_content()
    assert said.startswith("w₁ (curvature 1) 1.5") and "(the steep axis) 1" in said
    page.mouse.move(*at(page, 1, 0.5, 0.5))
    assert page.locator(".readout").text_content().startswith("step 30")


@pytest.mark.parametrize("name", ["bowl", "one_knob", "valley", "adaptive"])
def test_steps_are_played_one_by_one(opened, name):
    page = opened(name)
    whole, verdict = pixels(page), page.locator(".sentence").text_content()
    press(page, "Step")
    assert page.locator(".sentence").text_content().startswith("Step 0 of ")
    seen = {whole, pixels(page)}
    for _ in range(2):
        press(page, "Step")
        seen.add(pixels(page))
    assert len(seen) == 4
    assert page.locator(".live").text_content().startswith("Step 2 of ")
    press(page, "Play")
    page.get_by_role("button", name="Play", exact=True).wait_for()  # it has come to the end
    assert page.locator(".sentence").text_content() == verdict and pixels(page) == whole
    press(page, "Step")
    page.get_by_role("slider").first.press("ArrowRight")  # a move shows the whole of the new run
    page.get_by_role("slider").first.press("ArrowLeft")
    assert page.locator(".sentence").text_content() == verdict and pixels(page) == whole


def start_of(page):
    return page.get_by_role("slider", name="start of the run")


@pytest.mark.parametrize("name", ["bowl", "one_knob"])
def test_the_start_is_dragged_and_python_says_the_same(opened, name):
    page, twin = opened(name), getattr(labs, name)()
    handle, seen = start_of(page), {pixels(page), pixels(page, 1)}
    assert handle.evaluate("(node) => getComputedStyle(node).cursor") == "grab"
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 14, box["y"] + 14)
    page.mouse.down()
    for across, up in [(0.3, 0.6), (0.5, 0.49), (0.9, 0.2), (2.0, 2.0)]:  # the last one is outside
        page.mouse.move(*at(page, 0, across, up))
        seen |= {pixels(page), pixels(page, 1)}
        twin.start_at = [float(v) for v in START.search(words(page))[1].split(", ")]
        assert all(0.5 <= abs(v) < 3.5 for v in twin.start_at)
        for place in (0, 20, 26, 33, 36, 37, 50, 60):
            set_rate(page, place)
            twin.learning_rate = twin.spec["controls"][0]["values"][place]
            for size in twin.spec["controls"][1]["values"] if name == "bowl" else [None]:
                if size:
                    twin.batch_size = size
                    sizes = twin.spec["controls"][1]["values"]
                    page.get_by_role("slider", name="batch size").fill(str(sizes.index(size)))
                assert words(page) == f"{twin.spec['alt']} {twin.sentence}"
    page.mouse.up()
    assert len(seen) == 10
    page.mouse.move(*at(page, 0, 0.5, 0.5))
    assert words(page) == f"{twin.spec['alt']} {twin.sentence}"
    press(page, "Reset")
    assert words(page) == f"{twin.spec['alt']} {getattr(labs, name)().sentence}"


def test_a_finger_drags_the_start(opened):
    page = opened("bowl", has_touch=True)
    touch, (x, y) = page.context.new_cdp_session(page), at(page, 0, 0.5 / 6, 3.2 / 4)
    for kind, points in [
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + 60, "y": y + 80}]),
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert "start (-1." in words(page)


def test_the_start_is_moved_by_keys_over_the_axes_too(opened):
    page = opened("bowl")
    handle = start_of(page)
    handle.focus()
    for key, text in [("Right", "start (-2.4, 1.2)"), ("Up", "start (-2.4, 1.3)"),
                      ("Left", "start (-2.5, 1.3)"), ("Down", "start (-2.5, 1.2)")]:  # fmt: skip
        page.keyboard.press(f"Arrow{key}")
        assert text in words(page)
        assert handle.get_attribute("aria-valuetext").startswith("w₁ (curvature 1) -2.")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    assert "start (-2.5, -0.5)" in words(page)
    before = words(page)
    page.keyboard.press("Control+ArrowDown")
    assert words(page) == before


def test_a_goal_reached_from_another_start_does_not_count(opened):
    page = opened("bowl")
    set_rate(page, 24)
    assert page.locator(".reached").is_visible()
    start_of(page).press("ArrowRight")
    assert not page.locator(".reached").is_visible()
    assert "It converges" in words(page) and "from the lab's own start" in words(page)


def test_a_run_from_another_start_is_kept(opened):
    page = opened("bowl")
    start_of(page).press("ArrowRight")
    press(page, "Keep this run")
    assert "start (-2.4, 1.2)" in page.locator(".kept li").text_content()
    start_of(page).press("ArrowRight")
    with_ghost = pixels(page)
    press(page, "Reset")
    start_of(page).press("ArrowRight")
    start_of(page).press("ArrowRight")
    assert pixels(page) != with_ghost


def test_nothing_plays_by_itself_where_motion_is_unwanted(opened):
    page = opened("one_knob", reduced_motion="reduce")
    assert page.get_by_role("button", name="Play").count() == 0
    press(page, "Step")
    assert page.locator(".sentence").text_content() == "Step 0 of 20: w -2, loss 8."


def test_labs_without_steps_or_with_a_kernel_at_work_have_no_such_buttons(opened):
    assert opened("price").get_by_role("button", name="Step", exact=True).count() == 0


def test_a_run_is_seen_to_leave_and_to_reach_the_floor(opened):
    page = opened("bowl")
    path, loss = (page.locator("canvas").nth(k) for k in (0, 1))
    set_rate(page, 50)  # a rate of 1, five times the edge
    top = [TOP, TOP + 13, 0xD5, 0x5E, 0]
    assert path.evaluate(IN_ROWS, top) > 40 and loss.evaluate(IN_ROWS, top) > 40  # arrow heads
    assert path.evaluate(VERMILLION) > 400
    set_rate(page, 33)
    assert loss.evaluate(IN_ROWS, [BOTTOM - 3, BOTTOM, 0, 0x72, 0xB2]) > 60
