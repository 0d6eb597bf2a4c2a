"""Every bad submission, graded in one batch by an ordinary user, gets what it deserves."""

import csv
import hashlib
import html
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from attacks import ATTACKS
from bad_submissions import CELLS, make
from ordinary import adopt, descendants, folder, give, lrcourse, needs_sandbox, prefix

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


@pytest.fixture(scope="module")
def batch():
    """Grade all; yields (expected, rows by student, output folder, printed, processes left)."""
    adopt()
    root = folder()
    submissions, out = root / "in", root / "out"
    submissions.mkdir()
    expected = make(submissions, out, CELLS | ATTACKS)
    roster = root / "roster.csv"
    with roster.open("w", newline="") as file:
        csv.writer(file).writerows([["student"], *([s] for s in expected if s != "renamed")])
    give(root)
    before, running = fingerprint(submissions), descendants()
    ran = lrcourse(
        *("grade", submissions, "--out", out, "--roster", roster, "--cpu", 1, "--jobs", 6)
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert fingerprint(submissions) == before
    database = sqlite3.connect(out / "grades.sqlite")
    database.row_factory = sqlite3.Row
    rows = {row["student"]: dict(row) for row in database.execute("SELECT * FROM results")}
    database.close()
    left = [told for pid, told in descendants().items() if pid not in running]
    yield expected, rows, out, ran.stdout + ran.stderr, left
    shutil.rmtree(root, ignore_errors=True)


def test_there_are_a_hundred_and_every_student_has_one_row(batch):
    expected, rows, _, _, _ = batch
    assert len(CELLS | ATTACKS) == len(CELLS) + len(ATTACKS) >= 100
    assert rows.keys() == expected.keys()


def test_marks_status_and_feedback(batch):
    expected, rows, out, _, _ = batch
    wrong = []
    for student, (points, status, words) in expected.items():
        row = rows[student]
        page = (out / "feedback" / f"{file_name(student)}.html").read_text(encoding="utf-8")
        assert len(page) < 20_000, student
        got = row["points"], row["status"]
        if got != (points, status) or words not in html.unescape(page):
            told = [c["message"] for e in json.loads(row["detail"]) or () for c in e["checks"]]
            wrong.append((student, got, row["reason"], [t for t in told if t][:3]))
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_hidden_comes_out(batch):
    _, _, out, printed, _ = batch
    text = printed.encode() + b"".join(p.read_bytes() for p in out.rglob("*") if p.is_file())
    assert b"Use only w, gradient" in text
    for secret in (b"LEAK", b"step_of_a_matrix", b"rng.", b"(3, 4)", b"def run", b"root:x:"):
        assert secret not in text, secret


def test_what_students_write_is_no_markup_and_no_formula(batch):
    _, _, out, _, _ = batch
    for page in (out / "feedback").glob("*.html"):
        assert "<script" not in page.read_text(encoding="utf-8")
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=cmd()|x" in cells
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]
    assert not [cell for cell in cells if "\n" in cell]


def test_no_process_is_left(batch):
    # Whoever is orphaned below this process becomes its child, so nothing can hide.
    assert batch[-1] == []


def test_a_process_that_is_left_would_be_found():
    adopt()
    running = descendants()
    subprocess.run([*prefix(), "setsid", "--fork", "sleep", "31337"], check=True)
    (left,) = [pid for pid in descendants() if pid not in running]
    os.kill(left, signal.SIGKILL)
    os.waitpid(left, 0)
    assert descendants() == running


def test_only_the_owner_reads_the_secret(batch):
    _, _, out, _, _ = batch
    assert os.stat(out / "secret.key").st_mode & 0o077 == 0
