r"""``lrcourse grade --report``: one page on a class, that tells what to teach again."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from lrcourse.grading.feedback import TEMPLATES
from lrcourse.grading.marks import write

BARS = 10
MOST_SENTENCES = 3


def write_report(path: Path, rows: Sequence[dict]) -> None:
    r"""Write the page.

    Args:
        path: the HTML file.
        rows: of the batch; those of students who are gone do not count.
    """
    rows = [row for row in rows if not row["gone"]]
    chapters = [
        _chapter(chapter, [row for row in rows if row["chapter"] == chapter])
        for chapter in sorted({row["chapter"] for row in rows})
    ]
    write(path, TEMPLATES.get_template("class_report.html").render(chapters=chapters))


def _chapter(chapter: str, rows: Sequence[dict]) -> dict:
    graded = [row for row in rows if row["detail"]]
    shares = [row["total"] / row["most"] for row in graded if row["total"] is not None]
    counts = Counter(min(int(share * BARS), BARS - 1) for share in shares)
    bars = [
        {"label": f"{100 * n // BARS} to {100 * (n + 1) // BARS} %", "count": counts[n]}
        for n in range(BARS)
    ]
    days = Counter(
        datetime.fromtimestamp(row["handed in at"]).strftime("%Y-%m-%d")
        for row in graded
        if row["handed in at"]
    )
    return {
        "chapter": chapter,
        "statuses": sorted(Counter(row["status"] for row in rows).items()),
        "bars": bars,
        "highest": max(counts.values(), default=1),
        "median": float(np.median(shares)) * 100 if shares else None,
        "late": sum(row["days late"] > 0 for row in graded),
        "days": sorted(days.items()),
        "busiest": max(days.values(), default=1),
        "exercises": _exercises(graded),
    }


def _exercises(graded: Sequence[dict]) -> list[dict]:
    found = []
    details = [{e["id"]: e for e in row["detail"]} for row in graded]
    for id in dict.fromkeys(id for detail in details for id in detail):
        here = [detail for detail in details if id in detail]
        points = np.array([detail[id]["points"] for detail in here], dtype=float)
        rest = [sum(e["points"] for e in detail.values()) for detail in here] - points
        wrong: Counter[str] = Counter()
        shown: dict[str, str] = {}
        for detail in here:
            if detail[id]["status"] != "to do":
                said = _sentences(detail[id]["checks"])
                wrong.update(said.keys())
                shown = said | shown
        found.append(
            {
                "id": id,
                "title": here[0][id]["title"],
                "passed": sum(detail[id]["status"] == "passed" for detail in here) / len(here),
                "to_do": sum(detail[id]["status"] == "to do" for detail in here) / len(here),
                "mean": points.mean() / (here[0][id]["possible"] or 1),
                "discrimination": discrimination(points, np.asarray(rest)),
                "sentences": [(shown[k], n) for k, n in wrong.most_common(MOST_SENTENCES)],
            }
        )
    return found


def _sentences(checks: Sequence[dict]) -> dict[str, str]:
    # What a student was told, each once: sentences that differ in their numbers are one. A hidden
    # check tells everybody the same, so it counts only where no other failed.
    failed = [check for check in checks if not check["passed"]]
    failed = [check for check in failed if not check["hidden"]] or failed
    said = [check["message"] or f"not passed: {check['name']}" for check in failed]
    return {re.sub(r"\d[\d.,]*", "0", sentence): sentence for sentence in reversed(said)}


def discrimination(points: np.ndarray, rest: np.ndarray) -> float | None:
    r"""Return the item-rest correlation: of an exercise's points with those of all the others.

    None if fewer than three students are graded, or all have the same.
    """
    if len(points) < 3 or np.ptp(points) == 0 or np.ptp(rest) == 0:
        return None
    return float(np.corrcoef(points, rest)[0, 1])
