"""A batch as a whole: killed and resumed, on Dask, marked by hand, without a sandbox."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from bad_submissions import RIGHT, ROOT, WRONG, notebook
from ordinary import command, folder, give, lrcourse, needs_sandbox

needs_sandbox()


@pytest.fixture
def root():
    made = folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def hand_in(root, count):
    for number in range(count):
        path = root / "in" / f"s{number:03}" / "homework.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook(WRONG if number % 3 else RIGHT)))
    (root / "roster.csv").write_text("student\n" + "".join(f"s{n:03}\n" for n in range(count + 1)))
    give(root)


def grades(out):
    return (out / "grades.csv").read_text()


def started(root, out):
    words = command("grade", root / "in", "--out", out, "--roster", root / "roster.csv")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, env=environment, cwd="/", start_new_session=True)


def done(out):
    try:
        book = sqlite3.connect(f"file:{out / 'grades.sqlite'}?mode=ro", uri=True)
        return book.execute("SELECT count(*) FROM results WHERE status = 'graded'").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_killed_and_resumed_equals_unbroken_and_dask(root):
    hand_in(root, 6)
    options = ("--roster", root / "roster.csv")
    one, other = root / "one", root / "other"
    unbroken = lrcourse("grade", root / "in", "--out", one, *options)
    assert unbroken.returncode == 0, unbroken.stderr
    for enough in (2, 4):
        process = started(root, other)
        while done(other) < enough and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    kept = done(other)
    assert kept >= 4
    shutil.copy(one / "secret.key", other)
    rows = list(csv.DictReader(grades(one).splitlines()))
    assert [row["status"] for row in rows] == ["graded"] * 6 + ["missing"]
    assert [row["points"] for row in rows] == ["16", "13", "13"] * 2 + [""]
    give(other)
    assert lrcourse("grade", root / "in", "--out", other, *options).returncode == 0
    assert grades(other) == grades(one)
    pytest.importorskip("distributed")
    dask = lrcourse("grade", root / "in", "--out", root / "dask", *options, "--dask", "local")
    assert dask.returncode == 0, dask.stderr
    assert grades(root / "dask") == grades(one)


def test_marks_by_hand_survive_a_regrade(root):
    hand_in(root, 2)
    private = root / "private"
    private.mkdir()
    (private / "chapter_00.py").write_text(
        "from lrcourse.grading.hidden import HiddenCheck, Question\n"
        "from lrcourse.exercises import Wrong\n"
        "def never(step, rng):\n    raise Wrong('SECRET SENTENCE')\n"
        "CHECKS = {'00.1': [HiddenCheck('mine', never, points=3, hint='My hint.')]}\n"
        "QUESTIONS = [Question('00.1', 'Style', 4, 'Is it clear?')]\n"
    )
    out = root / "out"
    words = ("grade", root / "in", "--out", out, "--checks", private)
    first = lrcourse(*words)
    assert first.returncode == 0, first.stderr
    sheet = out / "manual" / "00.1.csv"
    rows = list(csv.DictReader(sheet.read_text().splitlines()))
    assert len(rows) == 2 and "s00" not in sheet.read_text()
    with (root / "00.1.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerow({**rows[0], "points": "2.5", "comment": "=Clear"})
    changed = root / "in" / "s000" / "homework.ipynb"
    changed.write_text(json.dumps(notebook(RIGHT + "# again\n")))
    give(root)
    again = lrcourse(*words, "--marks", root / "00.1.csv")
    assert again.returncode == 0, again.stderr
    table = list(csv.DictReader(grades(out).splitlines()))
    assert sorted(row["marked by hand"] for row in table) == ["0", "2.5"]
    assert {row["possible"] for row in table} == {"19"}
    pages = "".join(p.read_text() for p in (out / "feedback").iterdir())
    assert "My hint." in pages and "=Clear" in pages and "SECRET SENTENCE" not in pages
    too_much = root / "00.1.csv"
    too_much.write_text(too_much.read_text().replace("2.5", "5"))
    refused = lrcourse(*words, "--marks", too_much)
    assert refused.returncode == 1 and "points must be 0 to 4" in refused.stderr


def test_without_a_sandbox_only_if_spelt_out_and_stamped(root):
    hand_in(root, 1)
    ran = lrcourse("grade", root / "in", "--out", root / "out", "--unsafe-no-sandbox")
    assert ran.returncode == 0 and "WARNING: no sandbox" in ran.stdout
    (row,) = csv.DictReader(grades(root / "out").splitlines())
    assert (row["sandbox"], row["points"]) == ("NO SANDBOX", "16")


def test_every_worked_solution_of_the_first_chapters_gets_full_marks(root):
    for path in sorted(ROOT.glob("solutions/0[0-2]_*.ipynb")):
        (root / "in" / "anna").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / "in" / "anna")
    give(root)
    assert lrcourse("grade", root / "in", "--out", root / "out").returncode == 0
    rows = list(csv.DictReader(grades(root / "out").splitlines()))
    assert [(row["points"], row["possible"]) for row in rows] == [
        ("16",) * 2,
        ("21",) * 2,
        ("26",) * 2,
    ]
