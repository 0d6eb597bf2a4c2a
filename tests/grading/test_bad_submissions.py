"""Every bad submission, graded in one batch by an ordinary user, gets what it deserves."""

import csv
import hashlib
import html
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from bad_submissions import CELLS, make
from ordinary import folder, give, lrcourse, needs_sandbox

from lrcourse.grading.feedback import file_name

needs_sandbox()


def fingerprint(root: Path) -> dict[str, str]:
    """What every file under a folder is; links are not followed."""
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest()
        if p.is_file() and not p.is_symlink()
        else str(p.lstat().st_mode)
        for p in sorted(root.rglob("*"))
    }


def workers() -> list[str]:
    """Processes of sandboxes, or what an answer left behind."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "lrcourse-test-" not in told and ("sleep 31337" in told):
            found.append(told)
    return found


@pytest.fixture(scope="module")
def batch():
    """Grade all; yields (expected, rows by student, output folder, what was printed)."""
    root = folder()
    submissions, out = root / "in", root / "out"
    submissions.mkdir()
    expected = make(submissions, out)
    roster = root / "roster.csv"
    with roster.open("w", newline="") as file:
        csv.writer(file).writerows([["student"], *([s] for s in expected if s != "renamed")])
    give(root)
    before = fingerprint(submissions)
    ran = lrcourse(
        *("grade", submissions, "--out", out, "--roster", roster, "--cpu", 1, "--jobs", 3)
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert fingerprint(submissions) == before
    database = sqlite3.connect(out / "grades.sqlite")
    database.row_factory = sqlite3.Row
    rows = {row["student"]: dict(row) for row in database.execute("SELECT * FROM results")}
    database.close()
    yield expected, rows, out, ran.stdout + ran.stderr
    shutil.rmtree(root, ignore_errors=True)


def test_there_are_fifty_and_every_student_has_one_row(batch):
    expected, rows, _, _ = batch
    assert len(CELLS) >= 50
    assert rows.keys() == expected.keys()


def test_marks_status_and_feedback(batch):
    expected, rows, out, _ = batch
    wrong = []
    for student, (points, status, words) in expected.items():
        row = rows[student]
        page = (out / "feedback" / f"{file_name(student)}.html").read_text(encoding="utf-8")
        got = row["points"], row["status"]
        if got != (points, status) or words not in html.unescape(page):
            told = [c["message"] for e in json.loads(row["detail"]) or () for c in e["checks"]]
            wrong.append((student, got, row["reason"], [t for t in told if t][:3]))
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_hidden_comes_out(batch):
    _, _, out, printed = batch
    text = printed.encode() + b"".join(p.read_bytes() for p in out.rglob("*") if p.is_file())
    assert b"Use only w, gradient" in text
    for secret in (b"LEAK", b"step_of_a_matrix", b"rng.", b"(3, 4)", b"def run", b"root:x:"):
        assert secret not in text, secret


def test_what_students_write_is_no_markup_and_no_formula(batch):
    _, _, out, _ = batch
    for page in (out / "feedback").glob("*.html"):
        assert "<script" not in page.read_text(encoding="utf-8")
    with (out / "grades.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=cmd()|x" in cells
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]
    assert not [cell for cell in cells if "\n" in cell]


def test_no_process_is_left(batch):
    assert workers() == []


def test_only_the_owner_reads_the_secret(batch):
    _, _, out, _ = batch
    assert os.stat(out / "secret.key").st_mode & 0o077 == 0
