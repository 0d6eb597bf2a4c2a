"""A batch as a whole: killed and resumed, on Dask, marked by hand, without a sandbox."""

import contextlib
import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import needs
import pytest
from bad_submissions import RIGHT, ROOT, WRONG, answer, inside, notebook
from ordinary import adopt, command, descendants, folder, give, lrcourse, needs_sandbox, prefix
from waiting import LIMIT, until

from lrcourse.exercises import chapters, exercises

needs_sandbox()
GRADER = f"{sys.executable} -B -m lrcourse grade"


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
    return (out / "grades.csv").read_text(encoding="utf-8-sig")


def started(root, out, *options):
    words = command("grade", root / "in", "--out", out, "--roster", root / "roster.csv", *options)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, env=environment, cwd="/", start_new_session=True, **pipes)


def done(out):
    try:
        book = sqlite3.connect(f"file:{out / 'grades.sqlite'}?mode=ro", uri=True)
        return book.execute("SELECT count(*) FROM results WHERE status = 'graded'").fetchone()[0]
    except sqlite3.Error:
        return 0


def wait_for(out, count, process):
    until(lambda: done(out) >= count or process.poll() is not None)


def test_killed_and_resumed_equals_unbroken_and_dask(root):
    hand_in(root, 30)
    options = ("--roster", root / "roster.csv")
    one, other = root / "one", root / "other"
    unbroken = lrcourse("grade", root / "in", "--out", one, *options)
    assert unbroken.returncode == 0, unbroken.stderr
    rows = list(csv.DictReader(grades(one).splitlines()))
    assert [row["student"] for row in rows] == [f"s{n:03}" for n in range(31)]
    assert [row["status"] for row in rows] == ["graded"] * 30 + ["missing"]
    assert [row["points"] for row in rows] == [*["16", "13", "13"] * 10, ""]
    other.mkdir()
    shutil.copy(one / "secret.key", other)
    give(other)
    for enough in (8, 18):
        process = started(root, other)
        wait_for(other, enough, process)
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert enough <= done(other)
    assert lrcourse("grade", root / "in", "--out", other, *options).returncode == 0
    assert grades(other) == grades(one)
    needs.package("distributed")
    dask = lrcourse("grade", root / "in", "--out", root / "dask", *options, "--dask", "local")
    assert dask.returncode == 0, dask.stderr
    assert grades(root / "dask") == grades(one)


def started_with_one_stuck(root, count):
    """A batch of so many of which only the last is not graded; its notebook, what ran before."""
    hand_in(root, count)
    stuck = root / "in" / f"s{count - 1:03}" / "homework.ipynb"
    stuck.write_text(json.dumps(notebook(inside("import time", "time.sleep(10**6)"))))
    adopt()
    running = descendants()
    process = started(root, root / "out", "--cpu", 1000)
    wait_for(root / "out", count - 1, process)
    return stuck, running, process


def test_ctrl_c_keeps_what_is_graded_and_leaves_nothing_running(root):
    stuck, running, process = started_with_one_stuck(root, 8)
    (grader,) = [p for p, told in descendants().items() if told.startswith(GRADER)]
    os.kill(grader, signal.SIGINT)
    told = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, told
    assert told[1] == (
        "Stopped. Graded notebooks are kept; run the same command again to continue.\n"
    )
    until(lambda: descendants() == running)
    assert done(root / "out") == 7
    stuck.write_text(json.dumps(notebook(RIGHT)))
    again = lrcourse("grade", root / "in", "--out", root / "out")
    assert again.returncode == 0 and done(root / "out") == 8


def test_a_check_that_breaks_is_our_error_and_a_strange_answer_is_not(root):
    hand_in(root, 1)
    path = root / "in" / "odd" / "homework.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook(inside("return 3.0"))))
    private = root / "private"
    private.mkdir()
    (private / "chapter_00.py").write_text(
        "from lrcourse.grading.hidden import HiddenCheck\n"
        "import numpy as np\n"
        "def shape(step, rng):\n    step(np.ones(3), np.ones(3), 0.1).mean()\n"
        "def steps(descend, rng):\n    descend(1.0, 0.1, 3)\n    UNDEFINED\n"
        "CHECKS = {'00.1': [HiddenCheck('shape', shape)], '00.2': [HiddenCheck('steps', steps)]}\n"
    )
    give(root)
    words = ("grade", root / "in", "--out", root / "out", "--checks", private)
    assert lrcourse(*words).returncode == 0
    rows = {row["student"]: row for row in csv.DictReader(grades(root / "out").splitlines())}
    for row in rows.values():
        assert (row["status"], row["points"]) == ("grader error", "")
        assert row["reason"].startswith("00.2: NameError: name 'UNDEFINED' is not defined (")
    page = (root / "out" / "feedback" / "odd.html").read_text()
    assert "UNDEFINED" not in page and "went wrong on our side" in page
    detail = json.loads((root / "out" / "feedback" / "odd.json").read_text())["chapters"][0]
    assert [e["status"] for e in detail["detail"]] == ["failed", "grader error", "passed"]
    mended = private / "chapter_00.py"
    mended.write_text(mended.read_text().replace("UNDEFINED", "pass"))
    assert lrcourse(*words).returncode == 0
    rows = {row["student"]: row for row in csv.DictReader(grades(root / "out").splitlines())}
    assert {row["status"] for row in rows.values()} == {"graded"}
    assert (rows["s000"]["points"], rows["s000"]["possible"]) == ("18", "18")


def test_an_answer_in_words_goes_to_a_sheet_and_its_marks_come_back(root):
    path = root / "in" / "ann" / "01.ipynb"

    def write(text):
        made = json.loads((ROOT / "chapters" / "01_one_knob.ipynb").read_text(encoding="utf-8"))
        for cell in made["cells"]:
            if cell["metadata"].get("question") == "01.q1":
                cell["source"] = text
        path.write_text(json.dumps(made), encoding="utf-8")
        give(root)

    def mark():
        with (root / "out" / "manual" / "01.q1.csv").open(newline="", encoding="utf-8-sig") as file:
            return next(csv.DictReader(file))

    path.parent.mkdir(parents=True)
    write("Half the rate, half the floor.")
    words = ("grade", root / "in", "--out", root / "out")
    assert lrcourse(*words).returncode == 0
    row = mark()
    assert row["answer"] == "Half the rate, half the floor." and not row["points"]
    sheet = (root / "out" / "manual" / "01.q1.html").read_text()
    assert row["key"] in sheet and "ann" not in sheet and "At most 4 points" in sheet
    with (root / "01.q1.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow({**row, "points": "3", "comment": "And the batch?"})
    give(root)
    assert lrcourse(*words, "--marks", root / "01.q1.csv").returncode == 0
    write("Half the rate or double the batch.")
    assert lrcourse(*words).returncode == 0
    assert mark()["points"] == "3" and "has changed" in mark()["note"]
    (row,) = csv.DictReader(grades(root / "out").splitlines())
    assert [row[c] for c in ("points", "marked by hand", "still to mark", "total")] == [
        *("0", "3", "0", "3")
    ]
    assert "And the batch?" in (root / "out" / "feedback" / "ann.html").read_text()


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
    rows = list(csv.DictReader(sheet.read_text(encoding="utf-8-sig").splitlines()))
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


def test_every_worked_solution_gets_full_marks(root):
    for path in sorted(ROOT.glob("solutions/*.ipynb")):
        (root / "in" / "anna").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / "in" / "anna")
    give(root)
    assert lrcourse("grade", root / "in", "--out", root / "out").returncode == 0
    rows = list(csv.DictReader(grades(root / "out").splitlines()))
    assert [row["chapter"] for row in rows] == [c for c in chapters() if exercises(c)]
    assert [row["points"] for row in rows] == [row["possible"] for row in rows]


def answer_of(root, student, cell, folder="in"):
    path = root / folder / student / "homework.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook(cell)))


def rows(out):
    return {row["student"]: row for row in csv.DictReader(grades(out).splitlines())}


def workers():
    """The worker processes inside sandboxes that run now: number and number of the parent."""
    found = {}
    for pid, line in descendants().items():
        if "lrcourse.grading.worker" in line and not line.startswith("bwrap"):
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                found[pid] = int(stat[1])
    return found


def is_waiting(out):
    with contextlib.suppress(sqlite3.Error):
        book = sqlite3.connect(f"file:{out / 'grades.sqlite'}?mode=ro", uri=True)
        return book.execute("SELECT 1 FROM results WHERE status = 'waiting'").fetchone()


def test_ctrl_c_is_answered_while_bytes_trickle_in(root):
    trickle = inside(
        "import os, struct, time",
        "for fd in range(3, 64):",
        "    try: os.write(fd, struct.pack('>I', 2**24)); sink = fd",
        "    except OSError: pass",
        "while True: os.write(sink, b'x'); time.sleep(0.02)",
    )
    answer_of(root, "ann", trickle)
    (root / "roster.csv").write_text("ann\n")
    give(root)
    adopt()
    batch = started(root, root / "out", "--cpu", "600")
    until(lambda: is_waiting(root / "out") and set(workers().values()) & set(workers()))
    (grader,) = [p for p, told in descendants().items() if told.startswith(GRADER)]
    os.kill(grader, signal.SIGINT)
    batch.communicate(timeout=LIMIT)
    assert batch.returncode == 130 and not workers()


def test_a_process_of_the_grader_that_is_killed_ends_the_batch_with_a_word(root):
    stuck, running, batch = started_with_one_stuck(root, 4)
    until(lambda: set(workers().values()) & set(workers()))
    told = descendants().items()
    grading = [pid for pid, line in told if "multiprocessing.spawn" in line]
    for pid in grading:
        os.kill(pid, signal.SIGKILL)
    _, errors = batch.communicate(timeout=LIMIT)
    assert batch.returncode == 1 and "ended from outside" in errors, errors
    until(lambda: descendants() == running)
    stuck.write_text(json.dumps(notebook(RIGHT)))
    again = lrcourse("grade", root / "in", "--out", root / "out")
    assert again.returncode == 0 and done(root / "out") == 4


def test_a_sandbox_that_is_killed_once_costs_nobody_a_point(root):
    answer_of(root, "ann", inside("import time", "time.sleep(2)", right=True))
    (root / "roster.csv").write_text("ann\n")
    give(root)
    adopt()
    batch = started(root, root / "out", "--cpu", "60")
    until(lambda: is_waiting(root / "out") and set(workers().values()) & set(workers()))
    running = workers()
    os.kill(next(pid for pid, parent in running.items() if parent in running), signal.SIGKILL)
    _, errors = batch.communicate(timeout=LIMIT)
    assert batch.returncode == 0, errors
    row = rows(root / "out")["ann"]
    assert (row["points"], row["status"]) == ("16", "graded")
    assert "was tried again" in row["reason"]


def test_marks_of_an_earlier_run_stay(root):
    for student in ("ann", "bob"):
        answer_of(root, student, RIGHT)
    answer_of(root, "cid", RIGHT, "late")
    (root / "roster.csv").write_text("student\nann\nbob\ncid\n")
    give(root)
    out = root / "out"
    options = ("--out", out, "--roster", root / "roster.csv")
    assert lrcourse("grade", root / "in", *options).returncode == 0
    late = lrcourse("grade", root / "late", *options)
    assert "2 graded before and not in this folder: their marks stay" in late.stdout
    assert {s: row["points"] for s, row in rows(out).items()} == dict.fromkeys(
        ("ann", "bob", "cid"), "16"
    )
    assert lrcourse("grade", root / "late", *options, "--replace").returncode == 0
    assert {row["status"] for s, row in rows(out).items() if s != "cid"} == {"missing"}
    (root / "roster.csv").write_text("student\ncid\n")
    assert lrcourse("grade", root / "late", *options).returncode == 0
    assert "gone" in rows(out)["ann"]["reason"]
    assert "ann" not in (out / "chapter_00.csv").read_text()


def test_a_call_of_the_package_is_told_to_the_instructor_alone(root):
    path = root / "in" / "ann" / "02.ipynb"
    path.parent.mkdir(parents=True)
    solution = next(ROOT.glob("solutions/02_*.ipynb"))
    made = json.loads(solution.read_text(encoding="utf-8"))
    answer(made, "02.2")["source"] = (
        "import lrcourse\nsoftmax_cross_entropy = lrcourse.nn.softmax_cross_entropy"
    )
    path.write_text(json.dumps(made), encoding="utf-8")
    (root / "in" / "bob").mkdir()
    shutil.copy(solution, root / "in" / "bob")
    give(root)
    out = root / "out"
    assert lrcourse("grade", root / "in", "--out", out).returncode == 0
    plain = rows(out)
    assert "package use" not in plain["ann"] and plain["ann"]["points"] == plain["bob"]["points"]
    assert lrcourse("grade", root / "in", "--out", out, "--package-use").returncode == 0
    told = {student: row["package use"] for student, row in rows(out).items()}
    assert told == {"ann": "02.2: lrcourse.nn.softmax_cross_entropy", "bob": ""}
    pages = "".join(path.read_text() for path in (out / "feedback").iterdir())
    assert "lrcourse.nn" not in pages and '"uses"' not in pages


def test_one_exercise_is_graded_again_and_the_others_keep_their_marks(root):
    for student in ("ann", "bob"):
        answer_of(root, student, RIGHT)
    private = root / "private"
    private.mkdir()
    checks = private / "chapter_00.py"
    checks.write_text(
        "from lrcourse.exercises import Wrong\n"
        "from lrcourse.grading.hidden import HiddenCheck\n"
        "def mine(step, rng):\n    raise Wrong('no')\n"
        "def other(descend, rng):\n    pass\n"
        "CHECKS = {'00.1': [HiddenCheck('mine', mine)], '00.2': [HiddenCheck('other', other)]}\n"
    )
    give(root)
    words = ("grade", root / "in", "--out", root / "out", "--checks", private)
    assert lrcourse(*words).returncode == 0
    assert {row["points"] for row in rows(root / "out").values()} == {"17"}
    text = checks.read_text().replace("raise Wrong('no')", "pass")
    checks.write_text(
        text.replace("rng):\n    pass\nCHECKS", "rng):\n    raise Wrong('no')\nCHECKS")
    )
    one = lrcourse(*words, "--exercise", "00.1", "--student", "ann")
    assert one.returncode == 0, one.stderr
    assert "Unchanged notebooks graded again: 1. lrcourse or the checks have changed" in one.stdout
    assert {s: r["points"] for s, r in rows(root / "out").items()} == {"ann": "18", "bob": "17"}
    assert lrcourse(*words, "--exercise", "00.1").returncode == 0
    kept = lrcourse(*words)  # from now on
    assert kept.returncode == 0 and "graded again" not in kept.stdout
    assert {row["points"] for row in rows(root / "out").values()} == {"18"}
    shutil.rmtree(root / "in" / "bob")
    answer_of(root, "bob", WRONG)
    checks.write_text(checks.read_text().replace("rng):\n    pass", "rng):\n    lost"))
    give(root)
    broken = lrcourse(*words, "--exercise", "00.1")
    assert "ann: 00.1 not graded again, the old marks stay: 00.1: NameError" in broken.stdout
    found = rows(root / "out")
    assert (found["ann"]["points"], found["bob"]["status"]) == ("18", "grader error")
    refused = lrcourse(*words, "--exercise", "00.9")
    assert refused.returncode == 1 and "Unknown exercise '00.9'" in refused.stderr


def test_a_sheet_with_marks_is_not_overwritten(root):
    path = root / "in" / "ann" / "01.ipynb"
    path.parent.mkdir(parents=True)
    made = json.loads((ROOT / "chapters" / "01_one_knob.ipynb").read_text(encoding="utf-8"))
    for cell in made["cells"]:
        if cell["metadata"].get("question") == "01.q1":
            cell["source"] = "Half the rate."
    path.write_text(json.dumps(made), encoding="utf-8")
    give(root)
    words = ("grade", root / "in", "--out", root / "out")
    assert lrcourse(*words).returncode == 0
    sheet = root / "out" / "manual" / "01.q1.csv"
    filled = sheet.read_text(encoding="utf-8-sig").replace("Half the rate.,", "Half the rate.,3")
    sheet.write_text(filled)
    refused = lrcourse(*words)
    assert refused.returncode == 1 and "points that would be lost" in refused.stderr
    assert sheet.read_text() == filled
    assert lrcourse(*words, "--marks", sheet).returncode == 0
    assert rows(root / "out")["ann"]["marked by hand"] == "3"


def test_what_every_submission_could_read_is_refused(root):
    answer_of(root, "ann", RIGHT)
    give(root)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lrcourse.grading import sandbox\n"
        "folder = Path(sys.argv.pop(1))\n"
        "sandbox.readable_folders = lambda: [folder]\n"
        "from lrcourse.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for bound in (root / "in", root):
        line = [*prefix(), sys.executable, "-B", "-c", code, bound]
        line += ["grade", root / "in", "--out", root / "out"]
        ran = subprocess.run(
            list(map(str, line)), capture_output=True, text=True, env=environment, cwd="/"
        )
        assert ran.returncode == 1 and f"lies below {bound}, which every" in ran.stderr
        assert not (root / "out").exists()


def test_results_are_for_the_owner_alone(root):
    answer_of(root, "ann", RIGHT)
    give(root)
    assert lrcourse("grade", root / "in", "--out", root / "out").returncode == 0
    assert (root / "out").stat().st_mode & 0o077 == 0


def test_a_class_with_due_dates_adjustments_exports_and_a_report(root):
    names = {
        "Ann Lee_1234_assignsubmission_file": ("ann", RIGHT),
        "Bob Roe_1235_assignsubmission_file": ("bob", WRONG),
        "Cid Moe_1236_assignsubmission_file": ("cid", RIGHT),
    }
    export = root / "export.zip"
    with zipfile.ZipFile(export, "w") as file:
        for hour, (folder_name, (_, cell)) in enumerate(names.items(), start=17):
            info = zipfile.ZipInfo(f"{folder_name}/00.ipynb", (2026, 3, 12, hour, 0, 0))
            file.writestr(info, json.dumps(notebook(cell)))
    (root / "roster.csv").write_text(
        "student,full name\nann,Ann Lee\nbob,Bob Roe\ncid,Cid Moe\ndan,Dan Low\n"
    )
    (root / "due.csv").write_text("assignment,due,student\n00,2026-03-12 18:30,\n")
    (root / "adjust.csv").write_text(
        "student,exercise,assignment,points,bonus,comment\n"
        "bob,00.1,,3,,Right but for a sign\ndan,,00,,2,Told it to me\n"
    )
    (root / "sheet.csv").write_text(
        "Identifier,Full name,Grade,Maximum Grade\n"
        + "".join(f"Participant {n},{full},,16\n" for n, full in ((1234, "Ann Lee"), (9, "Eve")))
    )
    give(root)
    out = root / "out"
    words = ["grade", export, "--out", out, "--roster", root / "roster.csv"]
    words += ["--due", root / "due.csv", "--late", "25", "--adjust", root / "adjust.csv"]
    words += ["--fill", root / "sheet.csv", "--report"]
    ran = lrcourse(*words)
    assert ran.returncode == 0, ran.stderr
    assert "sheet.csv: 1 grades for Moodle; 3 of ours are not in it." in ran.stdout
    table = rows(out)
    assert {s: row["total"] for s, row in table.items()} == {
        "ann": "16",
        "bob": "15",
        "cid": "12",
        "dan": "2",
    }
    assert table["cid"]["days late"] == "1" and table["ann"]["handed in"] == "2026-03-12 17:00"
    with (out / "chapter_00.csv").open(newline="", encoding="utf-8-sig") as file:
        bob = list(csv.DictReader(file))[1]
    assert (bob["full name"], bob["00.1"], bob["00.2"]) == ("Bob Roe", "3", "5")
    assert "Right but for a sign" in (out / "feedback" / "bob.html").read_text()
    assert "4 points taken off" in (out / "feedback" / "cid.html").read_text()
    with zipfile.ZipFile(out / "feedback_moodle.zip") as file:
        assert file.namelist() == [f"{name}/feedback.html" for name in names]
    page = (out / "report.html").read_text()
    assert "3 graded, 1 missing; 1 late" in page and "goes uphill" in page
    again = lrcourse("grade", root / "out-submissions", *words[2:], "--student", "ann", "--again")
    assert again.returncode == 0 and rows(out) == table
