"""The site in a real browser: from files and from a sub-path of a server, moved as readers do."""

import functools
import http.server
import os
import threading
from itertools import pairwise
from pathlib import Path

import needs
import pytest
from notebook_page import new_context

pytestmark = pytest.mark.browser
CHAPTER = "chapters/00_start_here.html"


@pytest.fixture(scope="module")
def address(site):
    """The site under a sub-path, as forges serve one."""
    handler = functools.partial(Quiet, directory=site.parent)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{site.name.replace(' ', '%20')}"
    server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Where screenshots are kept."""
    folder = os.environ.get("LRCOURSE_SCREENSHOTS")
    folder = Path(folder) if folder else tmp_path_factory.getbasetemp() / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def names(site):
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


@pytest.fixture
def new_page(browser):
    """A function that makes pages; whatever went wrong in one of them fails the test."""
    errors, contexts = [], []

    def make(allowed, **settings):
        contexts.append(new_context(browser, **settings))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
        page.on("console", lambda m: m.type in ("error", "warning") and errors.append(m.text))
        page.on("request", lambda r: r.url.startswith((allowed, "data:")) or errors.append(r.url))
        page.on("response", lambda r: r.status < 400 or errors.append(f"{r.status} {r.url}"))
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


SAME = ("docs/api", "solutions/")  # long, and made of the same parts: asked once, not twice
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 400, "height": 800}


def test_every_page_loads_from_files(site, names, new_page):
    page = new_page("file://")
    for name in names:
        page.goto((site / name).as_uri())
        tables = page.locator(".lrcourse-lab-state").count()
        assert tables == 0 and page.locator(".lrcourse-lab canvas").count() >= labs_in(site / name)


def labs_in(path):
    return path.read_text(encoding="utf-8").count('class="lrcourse-lab-state"')


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_fits_and_is_accessible(address, names, new_page, pictures, scheme, size):
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    page = new_page(address, viewport=size, color_scheme=scheme)
    for name in names:
        page.goto(f"{address}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
        kind = f"{name.removesuffix('.html').replace('/', '-')}-{scheme}-{size['width']}"
        page.screenshot(path=pictures / f"site-{kind}.png")
        again = size == NARROW and name.startswith(SAME)
        if again or (size, scheme) not in ((WIDE, "light"), (NARROW, "dark")):
            continue
        found = axe.run(page).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        assert [(v["id"], v["nodes"][0]["html"]) for v in serious] == [], name


def drawn(lab):
    return lab.locator("canvas").evaluate_all("(all) => all.map((canvas) => canvas.toDataURL())")


@pytest.mark.parametrize("place", ["file", "server"])
def test_a_slider_moves_the_picture_by_key_and_by_mouse(site, address, new_page, place):
    start = site.as_uri() if place == "file" else address
    page = new_page(start)
    page.goto(f"{start}/{CHAPTER}")
    lab = page.locator(".lrcourse-lab")
    slider = lab.get_by_role("slider", name="learning rate")
    slider.scroll_into_view_if_needed()
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
    seen = [drawn(lab)]
    slider.focus()
    page.keyboard.press("ArrowRight")
    seen.append(drawn(lab))
    page.keyboard.press("End")
    seen.append(drawn(lab))
    assert "It diverges" in lab.get_by_role("img").get_attribute("aria-label")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    for k in (2, 3, 4):
        page.mouse.move(box["x"] + box["width"] / k, box["y"] + box["height"] / 2)
        seen.append(drawn(lab))
    page.mouse.up()
    assert all(a != b for a, b in pairwise(seen))


def colour(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_and_light_follow_the_system_and_then_the_switch(address, new_page):
    page = new_page(address, color_scheme="dark")
    page.goto(f"{address}/index.html")
    dark = colour(page)
    page.emulate_media(color_scheme="light")
    light = colour(page)
    assert dark == "rgb(23, 25, 28)" and light == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark", exact=True).click()
    assert colour(page) == dark
    page.goto(f"{address}/{CHAPTER}")  # the next page remembers
    assert colour(page) == dark
    page.get_by_role("button", name="Light", exact=True).click()
    assert colour(page) == light
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.get_by_role("banner").is_visible()


@pytest.mark.parametrize("place", ["file", "server"])
def test_search_finds_a_section_and_goes_there(site, address, new_page, place):
    start = site.as_uri() if place == "file" else address
    page = new_page(start)
    page.goto(f"{start}/docs/conventions.html")
    page.keyboard.press("/")
    page.keyboard.type("hessian symmetric")
    found = page.locator("#found")
    found.get_by_role("link").first.wait_for()
    assert "section" in found.get_by_role("status").text_content()
    page.keyboard.press("Escape")
    assert not found.is_visible()
    page.get_by_role("searchbox").fill("hessian parabola bowl")
    found.get_by_role("link", name="01 One knob: More weights").click()
    page.wait_for_url("**/chapters/01_one_knob.html#more-weights")
    heading = page.get_by_role("heading", name="More weights").bounding_box()
    assert 50 < heading["y"] < 200  # below the header that stays on the screen
    page.get_by_role("searchbox").fill("xyzzy")
    page.get_by_text("Nothing found.").wait_for()


def test_next_previous_solution_and_contents(site, new_page):
    page = new_page("file://")
    page.goto((site / "index.html").as_uri())
    page.get_by_role("article").get_by_role("link", name="00 Start here").click()
    turn = page.get_by_role("navigation", name="Previous and next")
    turn.get_by_role("link", name="01 One knob").click()
    assert page.get_by_role("heading", level=1).text_content() == "One knob"
    turn.get_by_role("link", name="00 Start here").click()
    assert page.get_by_role("heading", level=1).text_content() == "Start here"
    page.get_by_role("link", name="Worked solution", exact=True).nth(1).click()
    page.wait_for_url("**/solutions/00_start_here.html#cell-id=*")
    assert 0 < page.get_by_role("heading", name="Exercise 00.2").bounding_box()["y"] < 300
    menu = page.get_by_role("navigation", name="Contents")
    menu.get_by_role("link", name="Conventions").click()
    assert page.get_by_role("heading", level=1).text_content() == "Conventions"
    assert menu.locator("[aria-current=page]").text_content() == "Conventions"


@pytest.mark.parametrize("place", ["file", "server"])
def test_code_is_copied_as_it_stands(site, address, new_page, place):
    start = site.as_uri() if place == "file" else address
    page = new_page(start)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{start}/{CHAPTER}")
    block = page.locator("pre.code").filter(has_text="raise NotImplementedError").first
    block.hover()
    block.locator("xpath=..").get_by_role("button", name="Copy").click()
    block.locator("xpath=..").get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == block.text_content() and copied.startswith("def step(")


def test_a_heading_gives_its_address_by_mouse_and_by_key(site, new_page):
    page = new_page("file://")
    page.goto((site / "chapters/01_one_knob.html").as_uri())
    heading = page.get_by_role("heading", name="More weights")
    link = page.get_by_role("link", name="Link to: More weights")
    shown = "(link) => getComputedStyle(link).opacity"
    assert link.evaluate(shown) == "0"
    heading.hover()
    assert link.evaluate(shown) == "1"
    page.mouse.move(0, 0)
    link.focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#more-weights")
    assert heading.text_content() == "More weights"


def test_pictures_are_less_bright_in_the_dark_but_not_on_paper(site, new_page):
    page = new_page("file://", color_scheme="dark")
    page.goto((site / "chapters/01_one_knob.html").as_uri())
    looks = "(picture) => getComputedStyle(picture).filter"
    picture = page.locator("main img").first
    assert picture.evaluate(looks) == "brightness(0.88)"
    page.get_by_role("button", name="Light", exact=True).click()
    assert picture.evaluate(looks) == "none"
    page.get_by_role("button", name="Dark", exact=True).click()
    assert picture.evaluate(looks) == "brightness(0.88)"
    page.emulate_media(media="print")
    assert picture.evaluate(looks) == "none"


def test_without_scripts_the_page_still_shows_everything(site, new_page):
    page = new_page("file://", java_script_enabled=False)
    page.goto((site / CHAPTER).as_uri())
    assert page.locator(".lab svg[role=img]").is_visible()
    assert page.locator("main math").first.is_visible()


def test_formulas_are_drawn_as_formulas(site, new_page):
    page = new_page("file://")
    page.goto((site / "chapters/01_one_knob.html").as_uri())
    assert (
        page.evaluate("document.fonts.ready.then(() => [...document.fonts][0].status)") == "loaded"
    )
    half = page.locator("mfrac").first
    above, below = (half.locator("> *").nth(k).bounding_box() for k in (0, 1))
    assert above["y"] < below["y"] and abs(above["x"] - below["x"]) < 4


def test_the_page_prints(site, new_page, pictures):
    page = new_page("file://")
    page.goto((site / "chapters/01_one_knob.html").as_uri())
    page.get_by_role("button", name="Dark", exact=True).click()  # paper stays white
    page.pdf(path=pictures / "site-print.pdf")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(34, 34, 34)"
    page.screenshot(path=pictures / "site-print.png", full_page=True)
