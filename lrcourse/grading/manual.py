r"""Questions that people grade: a sheet to read and one to fill in, without names."""

import hmac
import re
from pathlib import Path

from lrcourse.grading import GradingError
from lrcourse.grading.class_files import read_csv
from lrcourse.grading.feedback import TEMPLATES
from lrcourse.grading.hidden import Question
from lrcourse.grading.marks import Store, write, write_csv

HEADER = ("key", "answer", "points", "comment", "note")


def file_name(question: Question) -> str:
    r"""Return the name of a question's sheet, without its ending."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", question.id)


def key(secret: bytes, question: str, student: str) -> str:
    r"""Return the key that stands for a student on the sheet of a question."""
    message = f"sheet\0{question}\0{student}".encode(errors="surrogatepass")
    return hmac.new(secret, message, "sha256").hexdigest()[:12]


def write_sheets(folder: Path, store: Store, questions: list[Question], secret: bytes) -> None:
    r"""Write ``ID.html`` to read and ``ID.csv`` to fill in, for each question."""
    for question in questions:
        rows = []
        for row in store.marked(question.id):
            note = "The answer has changed since it was marked." if row["stale"] else ""
            rows.append({**row, "key": key(secret, question.id, row["student"]), "note": note})
        rows.sort(key=lambda row: row["key"])
        name, page = file_name(question), TEMPLATES.get_template("sheet.html")
        write(folder / f"{name}.html", page.render(question=question, rows=rows))
        write_csv(folder / f"{name}.csv", HEADER, [[row[c] for c in HEADER] for row in rows])


def check_sheets(folder: Path, store: Store, questions: list[Question], secret: bytes) -> None:
    r"""Raise GradingError if a sheet has points that are not stored yet: it will be overwritten."""
    for question in questions:
        path = folder / f"{file_name(question)}.csv"
        if not path.is_file():
            continue
        known = {key(secret, question.id, r["student"]): r for r in store.marked(question.id)}
        head, *rows = read_csv(path) or [[]]
        for row in rows:
            mark = dict(zip(head, row, strict=False))
            points = known.get(mark.get("key"), {}).get("points")
            if mark.get("points", "") not in ("", "" if points is None else f"{points:g}"):
                raise GradingError(
                    f"{path} holds points that would be lost: bring them in with --marks {path}, "
                    "or move the sheet away."
                )


def read_sheet(path: Path, store: Store, questions: list[Question], secret: bytes) -> int:
    r"""Store the marks of a filled-in sheet and return their number; none if a line is wrong.

    Args:
        path: a sheet of ``write_sheets``, under its original name.
        store: where to put the marks.
        questions: those of the batch.
        secret: the course's.
    """
    question = next((q for q in questions if file_name(q) == path.stem), None)
    if question is None:
        raise GradingError(
            f"{path}: there is no question {path.stem}; keep the name that the sheet had."
        )
    owners = {
        key(secret, question.id, r["student"]): r["student"] for r in store.marked(question.id)
    }
    marks = []
    head, *rows = read_csv(path) or [[]]
    if not {"key", "points"} <= {*head}:
        raise GradingError(f"{path} has no columns `key` and `points`: fill in a copy of a sheet.")
    for line, row in enumerate(rows, start=2):
        row = dict(zip(head, row, strict=False))
        given = row.get("points", "")
        if not given:
            continue
        try:
            points = float(given.replace(",", "."))
        except ValueError:
            points = -1.0
        if not 0 <= points <= question.points:
            raise GradingError(
                f"{path}, row {line}: points must be 0 to {question.points:g}, not {given!r}."
            )
        if row.get("key") not in owners:
            raise GradingError(f"{path}, row {line}: no answer has the key {row.get('key')!r}.")
        marks.append((owners[row["key"]], points, row.get("comment", "").removeprefix("'")))
    store.mark(question.id, marks)
    return len(marks)
