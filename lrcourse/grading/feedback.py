r"""What a student reads: one self-contained page, and the same as JSON."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from lrcourse.exercises import marked
from lrcourse.grading import ERROR
from lrcourse.grading.marks import write

OURS = "Something went wrong on our side, not yours. Your points will follow."


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters["marked"] = lambda text: Markup(marked(text))


def file_name(student: str) -> str:
    r"""Return a safe file name for a student; no two students share one."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", student)[:60]
    if plain == student and plain == plain.lower():
        return plain
    return f"{plain}.{hashlib.sha256(student.encode(errors='replace')).hexdigest()[:10]}"


def write_feedback(folder: Path, student: str, chapters: Sequence[dict]) -> None:
    r"""Write a student's page and JSON.

    Args:
        folder: where to write.
        student: whose feedback.
        chapters: rows of the batch.
    """
    kept = ("chapter", "status", "reason", "points", "possible", "detail", "marks")
    kept += ("adjustments", "handed in", "days late", "penalty", "total", "most")
    plain = [{key: chapter[key] for key in kept} for chapter in chapters]
    for chapter in plain:
        if chapter["status"] == ERROR:
            chapter["reason"] = OURS  # the reason may reveal a hidden check
        if chapter["detail"]:  # the remark on the package is for the instructor
            kept = [{k: v for k, v in e.items() if k != "uses"} for e in chapter["detail"]]
            chapter["detail"] = kept
    name, page = file_name(student), TEMPLATES.get_template("feedback.html")
    write(folder / f"{name}.html", page.render(student=student, chapters=plain))
    write(folder / f"{name}.json", json.dumps({"student": student, "chapters": plain}, indent=1))
