r"""Time from a key press on a slider to the changed picture, in Chromium.

python -m tests.benchmarks.slider
"""

import statistics
import sys
import tempfile
from pathlib import Path

from .table import Row, lines

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

MOVES = 40


def measure(quick: bool) -> list[Row]:
    r"""One row: the median over key presses, of the one-knob lab; quick is half as many."""
    from notebook_page import CHROMIUM, FLAGS, jupyterlab, open_notebook, run_all, write_notebook
    from playwright.sync_api import sync_playwright
    from test_labs import MEASURE

    if CHROMIUM is None:
        raise ImportError("no Chromium on this machine")
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab(Path(folder)) as address,
        sync_playwright() as driver,
    ):
        write_notebook(Path(folder), "knob", "from lrcourse import labs\nlabs.one_knob()")
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = open_notebook(chromium, address, "knob")
        run_all(page)
        slider = page.locator(".lrcourse-lab").get_by_role("slider", name="learning rate")
        slider.press("Home")
        page.evaluate(MEASURE)
        moves = MOVES if quick else 2 * MOVES
        for k in range(3 + moves):
            page.keyboard.press("ArrowRight" if k // 20 % 2 == 0 else "ArrowLeft")
        latencies = page.evaluate("window.latencies")[3:]
        chromium.close()
    return [Row("slider, key to picture", statistics.median(latencies) / 1000)]


def main() -> None:
    print(*lines(measure(False)), sep="\n")


if __name__ == "__main__":
    main()
