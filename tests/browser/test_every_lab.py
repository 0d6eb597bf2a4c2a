"""Every lab with a table in a real JupyterLab, and again on a saved page without a kernel."""

import needs
import pytest
from notebook_page import new_context, open_notebook, run_all, write_notebook
from test_labs import RECORD, pixels, words
from waiting import LIMIT

from lrcourse.widgets import labs

pytestmark = pytest.mark.browser

# Each lab, and a setting that reaches its goal.
GOALS = {
    "bowl": {"learning_rate": 0.05},
    "one_knob": {"learning_rate": 0.2},
    "valley": {"learning_rate": 0.013, "momentum": 0.8},
    "schedules": {"learning_rate": 0.05, "schedule": "cosine"},
    "classifier": {"learning_rate": 0.1, "batch_size": 8, "rule": "momentum", "init": "xavier"},
    "digits": {"learning_rate": 0.2, "batch_size": 8},
    "layers": {"learning_rate": 0.1, "init": "kaiming"},
    "irprop": {"minimum": 0.0032, "batch_size": 256},
    "whitening": {"epsilon": 0.0032},
    "batchnorm": {"learning_rate": 1.0},
    "acceleration": {"factor": 1.9},
    "adaptive": {"learning_rate": 0.5, "rule": "AdaGrad"},
    "winner": {"learning_rate": 1 / 16},
    "edge": {"learning_rate": 0.56, "rule": "Adam"},
    "price": {"batch_size": 91, "step_price": 10, "rule": "momentum"},
    "singular_values": {"steps": 9, "coefficients": "fast 5 times, then cubic"},
    "stop_now": {"learning_rate": 2.0, "method": "schedule-free"},
    "turning": {"learning_rate": 1, "decay": 2**-9},
}


@pytest.fixture(scope="module")
def page(browser, server):
    """One notebook with all of them, a cell each."""
    folder, address = server
    calls = [f"labs.{name}()" for name in GOALS]
    write_notebook(folder, "every", "from lrcourse import labs", *calls)
    page = open_notebook(browser, address, "every")
    run_all(page)
    last = page.locator(".lrcourse-lab").nth(len(GOALS) - 1)
    last.wait_for(state="attached", timeout=1000 * LIMIT)
    yield page
    assert page.errors == []
    page.context.close()


@pytest.fixture(scope="module", params=GOALS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def twin(name):
    return getattr(labs, name)()


@pytest.fixture(scope="module")
def lab(page, twin):
    lab = page.get_by_role("group", name=f"Lab: {twin.spec['title']}", exact=True)
    lab.scroll_into_view_if_needed()
    lab.locator("canvas").first.wait_for()
    return lab


def all_pixels(lab):
    return [pixels(lab, k) for k in range(lab.locator("canvas").count())]


def control(lab, spec):
    role = "slider" if spec["kind"] == "slider" else "combobox"
    return lab.get_by_role(role, name=spec["label"], exact=True)


def set_to(lab, twin, setting):
    for spec in twin.spec["controls"]:
        if spec["name"] in setting:
            setattr(twin, spec["name"], setting[spec["name"]])
            place = str(spec["values"].index(getattr(twin, spec["name"])))
            if spec["kind"] == "slider":
                control(lab, spec).fill(place)
            else:
                control(lab, spec).select_option(place)


def check_goal(lab, twin, setting):
    assert not lab.locator(".reached").is_visible()
    set_to(lab, twin, setting)
    assert twin.goal_reached and lab.locator(".reached").is_visible()
    assert words(lab) == f"{twin.spec['alt']} {twin.sentence}"
    lab.get_by_role("button", name="Reset").click()
    for spec in twin.spec["controls"]:
        setattr(twin, spec["name"], spec["default"])
    assert words(lab) == f"{twin.spec['alt']} {twin.sentence}"


def test_it_fits_on_the_screen(lab):
    assert lab.bounding_box()["height"] < 600
    for canvas in lab.locator("canvas").all():
        assert 0 < canvas.bounding_box()["height"] <= 300


def test_every_control_moves_the_picture_by_key(page, lab, twin):
    for spec in (spec for spec in twin.spec["controls"] if len(spec["values"]) > 1):
        seen, moved, texts = [all_pixels(lab)], control(lab, spec), spec["texts"]
        moved.focus()
        if spec["kind"] == "select":
            for k in range(len(texts)):
                moved.select_option(index=k)
                seen.append(all_pixels(lab))
        else:
            for key, text in [("End", texts[-1]), ("Home", texts[0]), ("ArrowRight", texts[1])]:
                page.keyboard.press(key)
                assert moved.get_attribute("aria-valuetext") == text
                seen.append(all_pixels(lab))
        assert any(picture != seen[0] for picture in seen)
        page.keyboard.press("x")  # cuts the cell, if JupyterLab hears it
    assert lab.is_visible()
    lab.get_by_role("button", name="Reset").click()


def test_a_slow_drag_draws_every_position(page, lab, twin):
    spec = next(one for one in twin.spec["controls"] if one["kind"] == "slider")
    box = control(lab, spec).bounding_box()
    step = (box["width"] - 16) / (len(spec["values"]) - 1)
    seen, count = set(), min(12, len(spec["values"]))
    page.mouse.move(box["x"] + 8, box["y"] + 10)
    page.mouse.down()
    for k in range(count):
        page.mouse.move(box["x"] + 8 + k * step, box["y"] + 10)
        seen.add(words(lab))
    page.mouse.up()
    assert len(seen) == count
    lab.get_by_role("button", name="Reset").click()


def test_its_goal_is_recognised(lab, name, twin):
    check_goal(lab, twin, GOALS[name])


def test_what_is_hidden_shows_after_the_guess(lab, twin):
    if not twin.spec["reveal"]:
        assert lab.get_by_role("button", name="Reveal").count() == 0
        return
    before = all_pixels(lab)
    lab.get_by_role("button", name="Reveal").click()
    assert lab.locator(".mark.edge").is_visible()
    assert "Your guess was" in lab.get_by_role("status").text_content()
    secret = any("secret" in panel for panel in twin.spec["panels"])
    assert (all_pixels(lab) != before) == secret
    lab.get_by_role("button", name="Reset").click()
    assert all_pixels(lab) == before


def test_a_move_is_drawn_at_once_without_a_trip_to_the_kernel(page, lab, twin):
    slider = control(lab, twin.spec["controls"][0])
    slider.press("Home")
    page.evaluate(RECORD)
    shown = []
    for _ in range(min(12, len(twin.spec["controls"][0]["values"]) - 1)):
        slider.press("ArrowRight")
        shown.append([words(lab), pixels(lab)])
    assert page.evaluate("window.moves") == shown
    assert len({said for said, _ in shown}) == len(shown)
    lab.get_by_role("button", name="Reset").click()


def test_axe_finds_nothing_serious(page, twin):
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, f'[aria-label="Lab: {twin.spec["title"]}"]').response["violations"]
    assert [v for v in found if v["impact"] in ("serious", "critical")] == []


def test_a_saved_page_needs_no_kernel_and_no_network(browser, name, twin, tmp_path):
    twin.save_html(tmp_path / "lab.html")
    context = new_context(browser, viewport={"width": 1000, "height": 900}, offline=True)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("request", lambda request: errors.append(request.url))
    page.goto((tmp_path / "lab.html").as_uri())
    lab = page.locator(".lrcourse-lab")
    lab.wait_for()
    page.evaluate("() => new Promise((drawn) => setTimeout(() => requestAnimationFrame(drawn)))")
    slider = lab.get_by_role("slider").first
    before = all_pixels(lab)
    slider.press("Home" if slider.input_value() == slider.get_attribute("max") else "End")
    assert all_pixels(lab) != before
    lab.get_by_role("button", name="Reset").click()
    assert all_pixels(lab) == before
    check_goal(lab, twin, GOALS[name])
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    assert errors == [(tmp_path / "lab.html").as_uri()]
    context.close()
