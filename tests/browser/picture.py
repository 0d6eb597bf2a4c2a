"""Make the pictures that README and the site's previews show.

    python tests/browser/picture.py

Writes lab.webp, a lab while its slider moves, and check.webp, a check that names the mistake, both
beside this file, and preview.png of the site.
"""

import io
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # tests

from notebook_page import (
    CHROMIUM,
    FLAGS,
    jupyterlab,
    new_context,
    open_notebook,
    run_all,
    write_notebook,
)
from PIL import Image
from playwright.sync_api import sync_playwright

from lrcourse import labs, site
from lrcourse.widgets.standalone_html import fragment, script, style

HERE = Path(__file__).parent
MOVES = 4
UPHILL = '''def step(w, gradient, learning_rate):
    r"""Return where one step of gradient descent leads from w, shaped like w."""
    return w + learning_rate * gradient'''
CHECK = 'from lrcourse import check\n\ncheck("00.1")'
PREVIEW = """<meta charset="utf-8"><style>{style}
body {{ margin: 0; padding: 28px 60px; font: 17px system-ui, sans-serif; color: #222; }}
h1 {{ font-size: 48px; margin: 12px 0 28px; }} #lab {{ zoom: 1.15; }} .actions {{ display: none; }}
</style><h1>How big a step should a network take?</h1><div id="lab">{lab}</div>
<script type="module">{script}</script>"""


def moving(browser, address: str) -> list[Image.Image]:
    """Screenshots of the bowl lab, from a crawl over the best rate to divergence and back."""
    page = open_notebook(browser, address, "bowl")
    run_all(page)
    lab = page.locator(".lrcourse-lab").first
    rate = lab.get_by_role("slider", name="learning rate")
    rate.focus()
    pictures = []
    for key in ["ArrowRight"] * 7 + ["ArrowLeft"] * 7:
        pictures.append(Image.open(io.BytesIO(lab.screenshot())).convert("RGB"))
        for _ in range(MOVES):
            rate.press(key)
    return pictures


def checked(browser, address: str) -> Image.Image:
    """A wrong answer to exercise 00.1, what its check says, and the first hint."""
    page = open_notebook(browser, address, "check", scale=2)
    run_all(page)
    page.get_by_text("Hint 1").click()
    page.locator(".jp-Cell").last.click()  # so that no cell of the picture shows its buttons
    boxes = [page.locator(".jp-Cell").nth(k).bounding_box() for k in (0, 1)]
    top, left = boxes[0]["y"], boxes[0]["x"]
    bottom = boxes[1]["y"] + boxes[1]["height"]
    clip = {"x": left, "y": top, "width": 760, "height": bottom - top}
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")


def preview(browser) -> Image.Image:
    """The picture that a link to the site brings along, of the size that such previews have."""
    page = new_context(browser, viewport={"width": 1200, "height": 630}).new_page()
    page.set_content(PREVIEW.format(style=style(), script=script(), lab=fragment(labs.bowl())))
    rate = page.get_by_role("slider", name="learning rate")
    rate.focus()
    for _ in range(6 * MOVES):
        rate.press("ArrowRight")
    rate.blur()
    return Image.open(io.BytesIO(page.screenshot())).quantize()


def main() -> None:
    """Write all three."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with jupyterlab(Path(folder)) as address:
            write_notebook(Path(folder), "bowl", "from lrcourse import labs\nlabs.bowl()")
            write_notebook(Path(folder), "check", UPHILL, CHECK, "pass")
            first, *rest = moving(browser, address)
            check = checked(browser, address)
        preview(browser).save(Path(site.__file__).with_name("preview.png"), optimize=True)
        browser.close()
    options = {"append_images": rest, "duration": 600, "loop": 0, "quality": 80}
    first.save(HERE / "lab.webp", save_all=True, **options)
    check.save(HERE / "check.webp", quality=80)


if __name__ == "__main__":
    main()
