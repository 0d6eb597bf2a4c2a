"""Make the pictures of the guide for instructors: a page of feedback and the report on a class.

    python tests/browser/guide_pictures.py

Grades a made-up class and writes feedback.webp and report.webp beside the guide.
"""

import io
import json
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS), str(TESTS / "grading")]

import numpy as np
import ordinary
from notebook_page import CHROMIUM, FLAGS, new_context
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = TESTS.parent
CLASS = 40
# Of each exercise's worked solution a part, what a student may write in its place, and how many do.
MISTAKES = {
    "01.1": [("path = [start]", "path = []", 0.15), ("(w - centre)", "w", 0.1)],
    "01.2": [("2 / (w", "1 / (w", 0.2), ("range(300)", "range(2)", 0.15)],
    "01.3": [("np.sqrt(2)", "2", 0.35), ("1 / (middle", "2 / (middle", 0.2)],
    "01.4": [("np.mean(error)", "np.sum(error)", 0.1), ("np.mean(error * x)", "error * x", 0.1)],
}


def hand_in(folder: Path) -> Path:
    """One notebook for each student, with mistakes; who makes one makes others more often."""
    rng = np.random.default_rng(1)
    (path,) = ROOT.glob("solutions/01_*.ipynb")
    for number in range(CLASS):
        notebook, prone = json.loads(path.read_text()), 2 * rng.uniform()
        for cell in notebook["cells"]:
            for part, other, share in MISTAKES.get(cell["metadata"].get("exercise"), ()):
                if rng.uniform() < prone * share:
                    cell["source"] = [line.replace(part, other) for line in cell["source"]]
        place = folder / f"student-{number:02}" / path.name
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(notebook))
    return folder


def failed(path: Path) -> int:
    """How many exercises a student failed."""
    (chapter,) = json.loads(path.read_text())["chapters"]
    return sum(exercise["status"] == "failed" for exercise in chapter["detail"])


def main() -> None:
    """Write both."""
    root = ordinary.folder()
    hand_in(root / "in")
    ordinary.give(root)
    graded = ordinary.lrcourse("grade", root / "in", "--out", root / "out", "--report")
    assert graded.returncode == 0, graded.stderr
    pages = sorted((root / "out" / "feedback").glob("*.html"))
    shown = next(p for p in pages if failed(p.with_suffix(".json")) == 2)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, path in (("feedback", shown), ("report", root / "out" / "report.html")):
            page = new_context(browser, viewport={"width": 900, "height": 800}).new_page()
            page.goto(path.as_uri())
            picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
            picture.save(ROOT / "lrcourse" / "docs" / f"{name}.webp", quality=80)
        browser.close()


if __name__ == "__main__":
    main()
