r"""Questions for people: a sheet to read and one to fill in, without names."""

import csv
import hmac
import re
from pathlib import Path

from lrcourse.grading import GradingError
from lrcourse.grading.feedback import ENVIRONMENT
from lrcourse.grading.hidden import Question
from lrcourse.grading.store import Store, write, write_csv

HEADER = ("key", "answer", "points", "comment", "note")
SHEET = ENVIRONMENT.from_string("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ question.title }}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body { font: 1rem/1.5 sans-serif; max-width: 50rem; margin: 2rem auto }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f3f3f3; padding: .6rem }</style>
</head><body><h1>{{ question.title }}</h1>
<p>At most {{ question.points }} points.</p><p>{{ question.rubric }}</p>
{% for row in rows %}
<h2>{{ row.key }}</h2><pre>{{ row.answer }}</pre>
<p>{% if row.points is not none %}{{ row.points }} points. {{ row.comment }}{% endif %}
{{ row.note }}</p>
{% endfor %}</body></html>
""")


def key(secret: bytes, question: str, student: str) -> str:
    r"""Return what stands for a student on the sheet of a question."""
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
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", question.id)
        write(folder / f"{name}.html", SHEET.render(question=question, rows=rows))
        table = [[row[column] for column in HEADER] for row in rows]
        write_csv(folder / f"{name}.csv", HEADER, table)


def read_sheet(path: Path, store: Store, questions: list[Question], secret: bytes) -> int:
    r"""Keep the marks of a filled sheet; return how many. All or, if a line is wrong, none.

    Args:
        path: a sheet of ``write_sheets``, still with its name.
        store: keeps the marks.
        questions: those of the batch.
        secret: the course's.
    """
    question = next((q for q in questions if re.sub(r"[^\w.-]", "_", q.id) == path.stem), None)
    if question is None:
        raise GradingError(f"{path}: there is no question {path.stem}.")
    owners = {
        key(secret, question.id, r["student"]): r["student"] for r in store.marked(question.id)
    }
    marks = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise GradingError(f"{path} cannot be read: {error}.") from None
    for line, row in enumerate(rows, start=2):
        given = (row.get("points") or "").strip()
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
        marks.append((owners[row["key"]], points, (row.get("comment") or "").removeprefix("'")))
    store.mark(question.id, marks)
    return len(marks)
