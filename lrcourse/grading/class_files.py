r"""What an instructor writes about a class: the roster, due dates with extensions, adjustments."""

import csv
import io
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lrcourse.grading import GradingError, repeated
from lrcourse.messages import nearest, unknown


@dataclass(frozen=True)
class Roster:
    r"""The students of a class.

    Attributes:
        students: their names, in order.
        names: the student of each identifier: the name itself, and each other cell of the row that
            is nobody else's, such as a login, an e-mail address, a platform's number.
        columns: the other columns of the table.
        cells: for each student what stands in these columns.
    """

    students: Sequence[str] = ()
    names: dict[str, str] = field(default_factory=dict)
    columns: Sequence[str] = ()
    cells: dict[str, Sequence[str]] = field(default_factory=dict)


def read_roster(path: Path) -> Roster:
    r"""Read a roster: a CSV with a column ``student``, or one name a line."""
    rows, column, head = read_csv(path), 0, []
    first = [name.casefold() for name in rows[0]] if rows else []
    if "student" in first:
        column, head = first.index("student"), rows.pop(0)
    elif len(first) > 1:
        near = nearest("student", first, cutoff=0.6)
        hint = f' (is it "{near}"?)' if near else ""
        raise GradingError(f"The roster {path} has no column `student`{hint}.")
    rows = [[*row, *[""] * (len(head) - len(row))] for row in rows if row[column : column + 1]]
    rows = [row for row in rows if row[column]]
    students = [row[column] for row in rows]
    if not students:
        raise GradingError(f"The roster {path} names nobody.")
    if twice := repeated(students):
        raise GradingError(f"The roster {path} names {twice} twice.")
    owners: dict[str, set[str]] = {}
    for row in rows:
        for value in filter(None, row):
            owners.setdefault(value, set()).add(row[column])
    names = {value: next(iter(theirs)) for value, theirs in owners.items() if len(theirs) == 1}
    others = [number for number in range(len(head)) if number != column]
    cells = {row[column]: [row[number] for number in others] for row in rows}
    own = {student: student for student in students}
    return Roster(students, names | own, [head[n] for n in others], cells)


def read_csv(path: Path) -> list[list[str]]:
    r"""Return the rows that are not empty; a spreadsheet may put ; or tabs between columns."""
    try:
        text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig"))
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        return [[part.strip() for part in row] for row in rows if any(row)]
    except UnicodeError:
        raise GradingError(f"{path} is not UTF-8 text: save it as CSV in UTF-8.") from None
    except (OSError, csv.Error) as error:
        raise GradingError(f"{path} cannot be read: {error}.") from None


def table(path: Path, columns: Sequence[str], needed: Sequence[str]) -> list[dict[str, str]]:
    r"""Return the rows of a CSV by column; GradingError for a column that is not known."""
    head, *rows = read_csv(path) or [[]]
    head = [name.casefold() for name in head]
    for name in head:
        if name not in columns:
            raise GradingError(f"{path}: {unknown('column', name, columns)}")
    if missing := [name for name in needed if name not in head]:
        raise GradingError(f"{path} has no column `{missing[0]}`.")
    whole = [[*row, *[""] * (len(head) - len(row))] for row in rows]
    return [dict(zip(head, row, strict=False)) for row in whole]


class Deadlines:
    r"""Due dates from a CSV with ``assignment``, ``due`` and perhaps ``student``.

    A row with a student is that student's extension. Times such as 2026-03-12 18:00 are local.

    Args:
        path: the CSV, or None.
        late: what lateness costs: "none", "cut-off" (everything), or a number: percent of the
            points for each day that has begun.
        names: the student of each identifier, as on the roster; other names stand for themselves.
    """

    def __init__(self, path: Path | None, late: str, names: dict[str, str]) -> None:
        self.due: dict[tuple[str, str], datetime] = {}
        self.cut_off, self.percent = late == "cut-off", 0.0
        if late not in ("none", "cut-off"):
            try:
                self.percent = float(late)
            except ValueError:
                self.percent = math.nan
            if not 0 <= self.percent <= 100:
                raise GradingError(
                    f"--late must be none, cut-off, or 0 to 100 percent a day, not {late!r}."
                )
        for row in [] if path is None else table(path, ("assignment", "due", "student"), ("due",)):
            try:
                due = datetime.fromisoformat(row["due"])
            except ValueError:
                raise GradingError(
                    f"{path}: {row['due']!r} is no time; write it as 2026-03-12 18:00."
                ) from None
            student = row.get("student", "")
            chapter = row.get("assignment", "").zfill(2)
            self.due[names.get(student, student), chapter] = due.astimezone()

    def of(self, student: str, chapter: str) -> datetime | None:
        r"""Return when a student's work was due, None if at no time."""
        return self.due.get((student, chapter), self.due.get(("", chapter)))

    def days_late(self, student: str, chapter: str, handed_in: float | None) -> int:
        r"""Return the number of days that had begun since it was due."""
        due = self.of(student, chapter)
        if due is None or handed_in is None:
            return 0
        return max(0, math.ceil((handed_in - due.timestamp()) / 86400))

    def penalty(self, points: float, days: int) -> float:
        r"""Return what is taken from these points for so many days."""
        if days == 0:
            return 0.0
        share = 1.0 if self.cut_off else min(1.0, self.percent / 100 * days)
        return round(share * points, 6)


def read_adjustments(path: Path, names: dict[str, str]) -> dict[tuple[str, str], list[dict]]:
    r"""Return by (student, chapter) what an instructor changes.

    The CSV has the columns ``student``, ``exercise`` (or ``assignment`` for a whole chapter),
    ``points`` (in place of the grader's), ``bonus`` (added, may be negative) and ``comment``.
    """
    columns = ("student", "exercise", "assignment", "points", "bonus", "comment")
    found: dict[tuple[str, str], list[dict]] = {}
    for line, row in enumerate(table(path, columns, ("student",)), start=2):
        exercise = row.get("exercise", "")
        chapter = exercise[:2] if exercise else row.get("assignment", "").zfill(2)
        made: dict = {"exercise": exercise, "comment": row.get("comment", "").removeprefix("'")}
        for name in ("points", "bonus"):
            given = row.get(name, "").removeprefix("'")
            try:
                made[name] = float(given.replace(",", ".")) if given else None
            except ValueError:
                raise GradingError(f"{path}, row {line}: {given!r} is no number.") from None
        if made["points"] is not None and not exercise:
            raise GradingError(f"{path}, row {line}: points need an exercise; bonus does not.")
        found.setdefault((names.get(row["student"], row["student"]), chapter), []).append(made)
    return found
