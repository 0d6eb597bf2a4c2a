"""Make README's picture: a lab in JupyterLab while its slider moves, as an animation.

    python tests/browser/picture.py

Writes tests/browser/lab.webp.
"""

import io
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # tests

from notebook_page import CHROMIUM, FLAGS, jupyterlab, open_notebook, run_all, write_notebook
from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).with_name("lab.webp")
MOVES = 4


def frames(folder: Path) -> list[Image.Image]:
    """Screenshots of the bowl lab, from a crawl over the best rate to divergence and back."""
    with jupyterlab(folder) as address, sync_playwright() as driver:
        write_notebook(folder, "bowl", "from lrcourse import labs\nlabs.bowl()")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
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
        browser.close()
        return pictures


def main() -> None:
    """Write the animation."""
    with tempfile.TemporaryDirectory() as folder:
        first, *rest = frames(Path(folder))
    first.save(PICTURE, save_all=True, append_images=rest, duration=600, loop=0, quality=80)
    print(f"{PICTURE}: {len(rest) + 1} frames, {PICTURE.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
