"""The reports of the papers, and the page of all of them, in a real browser."""

import needs
import pytest
from notebook_page import new_context

from lrcourse.papers import NAMES, paper, report, saved
from lrcourse.sweep import Sweep

pytestmark = pytest.mark.browser
SIZES = {"light": {"width": 1280, "height": 900}, "dark": {"width": 400, "height": 800}}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Each report from the saved rows of three seeds, and one page of all."""
    out, made = tmp_path_factory.mktemp("reports"), []
    for name in NAMES:
        of, path = paper(name), out / f"{name}-quick.jsonl"
        seeds = of.seeds[:3]
        sweep = Sweep(of.train, of.grid("quick"), seeds, path, stack=of.stack)
        rows = [row for row in saved(name) if row["seed"] in seeds]
        made.append((of, rows, report.write(of, sweep, rows, "quick")))
    return [*(path for *_, path in made), report.overview(made, "quick", out)]


@pytest.mark.parametrize("scheme", SIZES)
def test_every_report_fits_and_is_accessible(browser, pages, scheme):
    axe = needs.package("axe_playwright_python.sync_playwright").Axe()
    context = new_context(browser, viewport=SIZES[scheme], color_scheme=scheme)
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text))
    for path in pages if scheme == "light" else (pages[0], pages[-1]):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[scheme]["width"]
        assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
        found = axe.run(page).response
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == [], path.name
        assert {"color-contrast", "image-alt"} <= {rule["id"] for rule in found["passes"]}
    assert errors == []
    context.close()


def test_a_wide_table_scrolls_with_the_keyboard(browser, pages):
    context = new_context(browser, viewport=SIZES["dark"])
    page = context.new_page()
    page.goto(pages[0].as_uri())
    table = page.locator(".wide").first
    table.focus()
    before = table.evaluate("(box) => box.scrollLeft")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.wide').scrollLeft > 0")
    assert before == 0 and page.evaluate("window.scrollX") == 0
    context.close()
