r"""Time from a key press on a slider to the changed picture, and of live frames, in Chromium.

python -m tests.benchmarks.slider
"""

import statistics
import tempfile
from pathlib import Path

from .table import Row, lines

MOVES = 40
MEASURE = """() => {
  const listens = window.latencies !== undefined;
  window.latencies = [];
  if (listens) return;
  let pressed = 0;
  window.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  document.addEventListener("input", () => {
    const since = pressed;
    requestAnimationFrame(() => window.latencies.push(performance.now() - since));
  });
}"""
# Frames drawn in two seconds: each changes the sentence, which says the step.
FRAMES = """(sentence) => new Promise((done) => {
  let frames = 0;
  const observer = new MutationObserver(() => { frames += 1; });
  observer.observe(sentence, { childList: true, characterData: true, subtree: true });
  setTimeout(() => { observer.disconnect(); done(frames); }, 2000);
})"""


def measure(quick: bool) -> list[Row]:
    r"""The one-knob lab's median over key presses, half as many if quick, and a live frame."""
    from notebook_page import CHROMIUM, FLAGS, jupyterlab, open_notebook, run_all, write_notebook
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        raise ImportError("no Chromium on this machine")
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab(Path(folder)) as address,
        sync_playwright() as driver,
    ):
        write_notebook(
            Path(folder), "knob", "from lrcourse import labs\nlabs.one_knob()", "labs.live()"
        )
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = open_notebook(chromium, address, "knob")
        run_all(page)
        knob, live = (page.locator(".lrcourse-lab").nth(k) for k in (0, 1))
        slider = knob.get_by_role("slider", name="learning rate")
        slider.press("Home")
        page.evaluate(MEASURE)
        moves = MOVES if quick else 2 * MOVES
        for k in range(3 + moves):
            page.keyboard.press("ArrowRight" if k // 20 % 2 == 0 else "ArrowLeft")
        latencies = page.evaluate("window.latencies")[3:]
        live.get_by_role("button", name="Start").click()
        live.get_by_role("button", name="Pause").wait_for()
        frames = live.locator(".sentence").evaluate(FRAMES)
        chromium.close()
    pressed = Row("slider, key to picture", statistics.median(latencies) / 1000)
    return [pressed, Row("live training, a frame", 2 / max(frames, 1))]


def main() -> None:
    print(*lines(measure(False)), sep="\n")


if __name__ == "__main__":
    main()
