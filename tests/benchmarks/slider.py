r"""Time from a key press on a slider until the lab has redrawn, and of live frames, in Chromium.

    python -m tests.benchmarks.slider [--throttle 4]

Throttled, Chromium lets its page have only so much of the processor, as on a slow laptop.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

from .table import Row, lines

# One with each kind of picture: runs on a curve and on contours, a region, a map, images.
LABS = ("one_knob", "bowl", "classifier", "turning", "whitening")
MOVES = 60
MEASURE = """() => {
  const listens = window.latencies !== undefined;
  window.latencies = [];
  if (listens) return;
  let pressed = 0;
  window.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  // A lab draws in its own listener, so before this one.
  document.addEventListener("input", () => window.latencies.push(performance.now() - pressed));
}"""
# Frames drawn in two seconds: each changes the sentence, which says the step.
FRAMES = """(sentence) => new Promise((done) => {
  let frames = 0;
  const observer = new MutationObserver(() => { frames += 1; });
  observer.observe(sentence, { childList: true, characterData: true, subtree: true });
  setTimeout(() => { observer.disconnect(); done(frames); }, 2000);
})"""


def measure(quick: bool, throttle: float = 1) -> list[Row]:
    r"""Each lab's median and 95th percentile over key presses, half if quick; and a live frame."""
    from notebook_page import CHROMIUM, FLAGS, jupyterlab, open_notebook, run_all, write_notebook
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        raise ImportError("no Chromium on this machine")
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab(Path(folder)) as address,
        sync_playwright() as driver,
    ):
        calls = [f"labs.{name}()" for name in (*LABS, "live")]
        write_notebook(Path(folder), "labs", "from lrcourse import labs", *calls)
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = open_notebook(chromium, address, "labs")
        run_all(page)
        page.locator(".lrcourse-lab").nth(len(LABS)).wait_for(state="attached")
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
        rows = []
        for k, name in enumerate(LABS):
            slider = page.locator(".lrcourse-lab").nth(k).get_by_role("slider").first
            slider.press("Home")
            page.evaluate(MEASURE)
            turn = min(20, int(slider.get_attribute("max")))
            for move in range(3 + (MOVES // 2 if quick else MOVES)):
                page.keyboard.press("ArrowRight" if move // turn % 2 == 0 else "ArrowLeft")
            latencies = np.array(page.evaluate("window.latencies")[3:]) / 1000
            median, late = np.percentile(latencies, [50, 95])
            name = f"slider of {name}, redraw done"
            rows += [Row(name, float(median)), Row(f"{name}, p95", float(late))]
        live = page.locator(".lrcourse-lab").nth(len(LABS))
        live.get_by_role("button", name="Start").click()
        live.get_by_role("button", name="Pause").wait_for()
        frames = live.locator(".sentence").evaluate(FRAMES)
        chromium.close()
    return [*rows, Row("live training, a frame", 2 / max(frames, 1))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--throttle", type=float, default=1, metavar="TIMES", help="default: 1")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}")
    print(*lines(measure(False, options.throttle)), sep="\n")


if __name__ == "__main__":
    main()
