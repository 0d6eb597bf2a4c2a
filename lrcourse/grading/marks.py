r"""The results: an SQLite file, one transaction per submission, and the tables made from it."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from lrcourse.files import write_whole
from lrcourse.grading import GRADED

TABLES = """
CREATE TABLE IF NOT EXISTS results (
    student TEXT, chapter TEXT, status TEXT, reason TEXT, submission TEXT, checks TEXT,
    points REAL, possible REAL, sandbox TEXT, detail TEXT, PRIMARY KEY (student, chapter));
CREATE TABLE IF NOT EXISTS answers (
    question TEXT, student TEXT, answer TEXT, PRIMARY KEY (question, student));
CREATE TABLE IF NOT EXISTS marks (
    question TEXT, student TEXT, points REAL, comment TEXT, answer TEXT,
    PRIMARY KEY (question, student));
CREATE TABLE IF NOT EXISTS times (
    student TEXT, chapter TEXT, handed_in REAL, PRIMARY KEY (student, chapter));
"""
SCHEMA = (
    "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p "
    "WHERE m.name IN ('results', 'answers', 'marks') ORDER BY m.name, p.cid"
)
COLUMNS = ("student", "chapter", "status", "reason", "points", "possible", "sandbox")


class Store:
    r"""The results of one course, in a file.

    Args:
        path: the SQLite file; made if it is not there.

    Raises:
        sqlite3.Error: it cannot be used, or another version of this class made it.
    """

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.executescript(TABLES)
        with closing(sqlite3.connect(":memory:")) as ours:
            ours.executescript(TABLES)
            if ours.execute(SCHEMA).fetchall() != self.database.execute(SCHEMA).fetchall():
                raise sqlite3.DatabaseError("another version of lrcourse made them")
        self.database.row_factory = sqlite3.Row

    def known(self, student: str, chapter: str) -> tuple[str, str, str] | None:
        r"""Return (status, hash of the submission, hash of the checks) of a row, or None."""
        row = self.database.execute(
            "SELECT status, submission, checks FROM results WHERE student = ? AND chapter = ?",
            (student, chapter),
        ).fetchone()
        return tuple(row) if row else None

    def detail(self, student: str, chapter: str) -> list[dict]:
        r"""Return what a graded row says about each exercise."""
        (told,) = self.database.execute(
            "SELECT detail FROM results WHERE student = ? AND chapter = ?", (student, chapter)
        ).fetchone()
        return json.loads(told)

    def put(
        self,
        student: str,
        chapter: str,
        status: str,
        reason: str = "",
        submission: str = "",
        checks: str = "",
        sandbox: str = "",
        detail: Sequence[dict] | None = None,
        texts: dict[str, str | None] | None = None,
        handed_in: float | None = None,
    ) -> None:
        r"""Write a row, replacing what was there; ``texts``: answers people grade, or None."""
        points = possible = None
        if status == GRADED:
            points = sum(exercise["points"] for exercise in detail)
            possible = sum(exercise["possible"] for exercise in detail)
        row = (student, chapter, status, reason, submission, checks, points, possible, sandbox)
        with self:
            self.database.execute(
                f"INSERT OR REPLACE INTO results VALUES ({', '.join('?' * 10)})",
                (*row, json.dumps(detail)),
            )
            self.database.execute(
                "INSERT OR REPLACE INTO times VALUES (?, ?, ?)", (student, chapter, handed_in)
            )
            for question, text in (texts or {}).items():
                row = (question, student, text)
                if text is None:
                    delete = "DELETE FROM answers WHERE question = ? AND student = ?"
                    self.database.execute(delete, row[:2])
                else:
                    self.database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", row)

    def __enter__(self) -> None:
        self.database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type | None, *exception: object) -> None:
        self.database.execute("ROLLBACK" if kind else "COMMIT")

    def rows(self) -> list[dict]:
        r"""Return every row, ordered, its detail read."""
        found = self.database.execute(
            "SELECT results.*, times.handed_in AS 'handed in at' FROM results "
            "LEFT JOIN times USING (student, chapter) ORDER BY student, chapter"
        )
        try:
            return [{**row, "detail": json.loads(row["detail"])} for row in map(dict, found)]
        except ValueError as error:
            raise sqlite3.DatabaseError(f"a row is damaged ({error})") from None

    def mark(self, question: str, marks: Iterable[tuple[str, float, str]]) -> None:
        r"""Store (student, points, comment) for a question, with the answer that was marked."""
        with self:
            for student, points, comment in marks:
                self.database.execute(
                    "INSERT OR REPLACE INTO marks SELECT question, student, ?, ?, answer "
                    "FROM answers WHERE question = ? AND student = ?",
                    (points, comment, question, student),
                )

    def marked(self, question: str) -> list[dict]:
        r"""Return student, answer, points and comment of each answer to a question.

        ``points`` is None while it is not marked; ``stale`` says that the answer is not the one
        that was marked.
        """
        found = self.database.execute(
            "SELECT a.student, a.answer, m.points, m.comment, m.answer <> a.answer AS stale "
            "FROM answers a LEFT JOIN marks m USING (question, student) WHERE question = ? "
            "ORDER BY a.student",
            (question,),
        )
        return [dict(row) for row in found]

    def close(self) -> None:
        r"""Close the file."""
        self.database.close()


FORMULA = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")


def cell(value: object) -> object:
    r"""Return the value in a form that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        value = "".join(c if c.isprintable() else " " for c in value)
        # A spreadsheet that expects semicolons begins a new cell after each.
        parts = value.split(";")
        return ";".join("'" + part if part.lstrip()[:1] in FORMULA else part for part in parts)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else value


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    r"""Write a table; an older one stays until the new one is complete.

    It begins with the mark by which spreadsheets know UTF-8.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    write(path, "\ufeff" + text.getvalue())


def write(path: Path, text: str) -> None:
    r"""Write a text file completely or not at all."""
    write_whole(path, text.encode(errors="replace"))
