r"""Commands in hostile places: no HOME, no room, odd names, two at once, Ctrl-C at any moment."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import needs
import pytest
from click.testing import CliRunner
from waiting import LIMIT

from lrcourse import files, grading
from lrcourse.cli import main
from lrcourse.course import release
from lrcourse.datasets import catalogue, download, formats
from lrcourse.grading import class_files, manual
from lrcourse.grading.hidden import Question
from lrcourse.grading.marks import TABLES, Store

ROOT = Path(__file__).parents[1]
# Ctrl-C after so many seconds of processor time; a shell's background ignores it unless asked.
# At exit Python puts back the signal's own handler, which kills: by then the timer is off.
MAIN = """
import atexit, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGPROF, signal.default_int_handler)
signal.setitimer(signal.ITIMER_PROF, {seconds})
atexit.register(signal.setitimer, signal.ITIMER_PROF, 0)
from lrcourse.cli import main
main(prog_name="lrcourse")
"""
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and permissions")


def start(*words, cwd=ROOT, seconds=0.0, prefix=(), environment=None):
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", MAIN.format(seconds=seconds), *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} if environment is None else environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*words, **how):
    r"""The exit code and what was printed."""
    process = start(*words, **how)
    printed = process.communicate(timeout=LIMIT)[0]
    assert "Traceback" not in printed, printed
    return process.returncode, printed


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    r"""A small clone with one chapter, in a folder with spaces and letters beyond ASCII."""
    root = tmp_path_factory.mktemp("clone") / "l'été à la plage 学习"
    (root / "solutions").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copy(ROOT / "solutions" / "00_start_here.py", root / "solutions")
    return root


@posix
@pytest.mark.parametrize(
    "words",
    [
        ("lab", "/dev/null/work", "--no-browser"),
        ("assign", "/dev/null/week-1", "01"),
        ("lab", "/proc/work", "--no-browser"),
        ("assign", "/proc/week-1", "01"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_place_that_cannot_be_written_is_one_sentence(words):
    code, printed = run(*words)
    assert code == 1
    assert printed.startswith("Error: ") and printed.count("\n") == 1
    assert words[1] in printed


@posix
def test_a_data_folder_that_cannot_be_written_is_named():
    code, printed = run("data", "mnist", environment=os.environ | {"LRCOURSE_DATA": "/dev/null"})
    assert code == 1 and printed.count("\n") == 1
    assert "/dev/null/mnist cannot be written" in printed and "LRCOURSE_DATA" in printed


@posix
@pytest.mark.parametrize("home", [None, "/dev/null/home"], ids=["none", "unwritable"])
def test_without_a_home_data_and_bundles_are_made(tmp_path, home):
    environment = {k: v for k, v in os.environ.items() if k != "HOME"} | {"PYTHONPATH": str(ROOT)}
    environment |= {"HOME": home} if home else {}
    assert run("data", "digits", environment=environment)[0] == 0
    assert run("assign", tmp_path / "a b ü", "00", environment=environment)[0] == 0
    assert list((tmp_path / "a b ü").rglob("00_start_here.ipynb"))


def test_odd_names_do_no_harm(clone):
    code, printed = run("release", cwd=clone)
    assert code == 0 and "wrote chapters/00_start_here.ipynb" in printed
    assert run("release", "--check", cwd=clone)[0] == 0


def test_two_releases_at_once_agree(clone):
    for notebook in clone.glob("*/*.ipynb"):
        notebook.unlink()
    both = [start("release", cwd=clone) for _ in range(2)]
    for process in both:
        assert "Traceback" not in process.communicate(timeout=LIMIT)[0]
        assert process.returncode == 0
    assert release.differences(clone) == []


@posix
@pytest.mark.parametrize("seed", range(4))
def test_ctrl_c_at_a_random_moment_is_calm_and_can_be_made_good(clone, seed):
    moment = random.Random(seed).uniform(0.3, 1.2)
    code, printed = run("release", cwd=clone, seconds=moment)
    assert code == 0 or (code == 1 and printed.endswith("Aborted!\n"))
    for notebook in clone.glob("*/*.ipynb"):
        json.loads(notebook.read_text(encoding="utf-8"))
    release.release(clone)
    assert release.differences(clone) == []


@pytest.fixture
def full(tmp_path):
    r"""What lets a command see a full disk of 300 kB at the folder it returns too."""
    bwrap, disk = shutil.which("bwrap"), tmp_path / "disk"
    disk.mkdir()
    words = ["--dev-bind", "/", "/", "--size", "300000", "--tmpfs", str(disk)]
    if (
        not bwrap
        or subprocess.run(
            [bwrap, *words, "true"], check=False, stderr=subprocess.DEVNULL
        ).returncode
    ):
        needs.missing("bubblewrap cannot make a small disk here")
    return [bwrap, *words], disk


def test_on_a_full_disk_lab_says_so_and_leaves_no_scraps(full):
    prefix, disk = full
    look = 'cd "$0" && "$@"; code=$?; find "$0" -name ".*.ipynb*"; exit $code'
    code, printed = run(
        "lab", "work", "--no-browser", prefix=[*prefix, "sh", "-c", look, str(disk)], cwd="/"
    )
    assert code == 1
    assert "No space left on device" in printed
    assert printed.count("\n") == 1  # and find found nothing


STOP = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from lrcourse.cli import main
from lrcourse.course import release
release.find_root = lambda start: signal.raise_signal(signal.SIGTERM)
main(["release"], prog_name="lrcourse")
"""


@posix
def test_a_request_to_end_is_as_calm_as_ctrl_c():
    ended = subprocess.run(
        [sys.executable, "-c", STOP],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (1, "\nAborted!\n")


@pytest.mark.parametrize(
    "content, words", [(b"x = '\xe9'\n", "00_start_here.py cannot be read: 'utf-8'")]
)
def test_a_source_that_is_no_text_is_one_sentence(tmp_path, monkeypatch, content, words):
    (tmp_path / "solutions").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "solutions" / "00_start_here.py").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["release"])
    assert done.exit_code == 1 and words in done.output and done.output.count("\n") == 1


def test_a_release_that_cannot_be_written_is_one_sentence(clone, monkeypatch):
    shutil.rmtree(clone / "chapters", ignore_errors=True)
    (clone / "chapters").write_text("mine")
    monkeypatch.chdir(clone)
    done = CliRunner().invoke(main, ["release"])
    (clone / "chapters").unlink()
    assert done.exit_code == 1 and "chapters cannot be used" in done.output
    assert isinstance(done.exception, SystemExit)


def test_a_bundle_that_was_broken_off_is_completed_and_nothing_is_overwritten(tmp_path):
    words = ["assign", str(tmp_path / "week"), "00", "--due", "Friday \udcff"]
    assert CliRunner().invoke(main, words).exit_code == 0
    (tmp_path / "week" / "README.md").unlink()
    assert CliRunner().invoke(main, words).exit_code == 0
    mine = tmp_path / "week" / "constraints.txt"
    mine.write_text("mine")
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1 and f"{mine} is there" in done.output.replace("\n", "")
    assert mine.read_text() == "mine"


def test_two_downloads_to_a_folder_come_after_each_other(tmp_path):
    pytest.importorskip("fcntl")
    order = []

    def second():
        with download.one_at_a_time(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with download.one_at_a_time(tmp_path):
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_data_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(formats.DataError, match=r"mnist.gz is truncated.*cannot be unpacked"):
        (tmp_path / "mnist.gz").mkdir()
        formats.read_idx(tmp_path / "mnist.gz", catalogue.File("mnist.gz", (3,), "0" * 64))


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"student\nann\n", ["ann"]),
        (b"\xef\xbb\xbfstudent;name\r\nann;Ann\r\n", ["ann"]),
        (b"name\tStudent\nAnn\tann\n", ["ann"]),
        ("J\u00f6rg\n\u5b66\u751f\n".encode(), ["J\u00f6rg", "\u5b66\u751f"]),
        (b"student\n=cmd()|x\n", ["=cmd()|x"]),
        (b"", "names nobody"),
        (b"student\n\n", "names nobody"),
        (b"student\nann\nann\n", "names ann twice"),
        (b"students,id\nann,1\n", r'no column `student` \(is it "students"'),
        ("J\u00f6rg\n".encode("latin-1"), "not UTF-8 text: save it as CSV"),
        (b"\x89PNG\r\n\x1a\n\0", "not UTF-8 text: save it as CSV"),
    ],
)
def test_rosters(tmp_path, content, expected):
    (tmp_path / "roster.csv").write_bytes(content)
    if isinstance(expected, list):
        assert class_files.read_roster(tmp_path / "roster.csv").students == expected
    else:
        with pytest.raises(grading.GradingError, match=expected):
            class_files.read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize("delimiter", ",;\t")
def test_a_sheet_from_any_spreadsheet_is_read_and_an_empty_one_is_refused(tmp_path, delimiter):
    store, asked = Store(tmp_path / "grades.sqlite"), [Question("q", "Q", 4, "")]
    store.put("ann", "00", grading.GRADED, detail=[], texts={"q": "words"})
    sheet = tmp_path / "q.csv"
    row = [manual.key(b"k", "q", "ann"), "words", "2,5" if delimiter != "," else "2.5"]
    lines = [["key", "answer", "points"], row]
    sheet.write_text("\n".join(map(delimiter.join, lines)), encoding="utf-8-sig")
    assert manual.read_sheet(sheet, store, asked, b"k") == 1
    assert store.marked("q")[0]["points"] == 2.5
    sheet.write_text("")
    with pytest.raises(grading.GradingError, match="no columns `key` and `points`"):
        manual.read_sheet(sheet, store, asked, b"k")
    store.close()


@pytest.fixture
def grade(tmp_path, monkeypatch):
    r"""Grade a folder with one student who handed in nothing, so that no sandbox is needed."""
    pytest.importorskip("fcntl")
    monkeypatch.setattr("lrcourse.grading.sandbox.ensure", lambda *kind: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "ann").mkdir(parents=True)

    def run(*words):
        done = CliRunner().invoke(main, ["grade", "in", "--out", "out", *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done.exit_code, done.output

    return run


OLD = TABLES.replace("possible REAL,", "")
NEW = TABLES.replace("possible REAL,", "possible REAL, more REAL,")
TORN = f"{TABLES} INSERT INTO results (student, chapter, detail) VALUES ('a', '00', '[')"


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("grades.sqlite", b"hello" * 99, "cannot be used: file is not a database. Move it"),
        ("grades.sqlite", OLD, "another version of lrcourse made them. Move it"),
        ("grades.sqlite", NEW, "another version of lrcourse made them. Move it"),
        ("grades.sqlite", TORN, "a row is damaged"),
        ("grades.sqlite", None, "unable to open database file. Fix that"),
        ("secret.key", b"", "secret.key is damaged: restore it, or delete it"),
        ("secret.key", None, "secret.key cannot be used: Is a directory"),
        ("grades.csv", None, "grades.csv cannot be used: Is a directory"),
        ("feedback", b"", "feedback cannot be used: File exists"),
    ],
)
def test_what_stands_in_the_way_of_grades_is_one_sentence(grade, tmp_path, name, content, words):
    path = tmp_path / "out" / name
    path.parent.mkdir()
    if content is None:
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        book = sqlite3.connect(path)
        book.executescript(content)
        book.close()
    code, printed = grade()
    assert code == 1 and words in printed and printed.count("\n") == 1
    shutil.move(path, tmp_path / "away")
    assert grade() == (
        0,
        "     1 missing\nMarks are in out/grades.csv, feedback in out/feedback.\n",
    )
    assert not [p for p in (tmp_path / "out").rglob(".*") if p.is_file()]


@pytest.mark.parametrize(
    "words, expected",
    [
        (("--out", "in/out"), "in/out lies among the submissions"),
        (("--checks", "nowhere"), "holds no chapter_NN.py of checks"),
        (("--checks", "in"), "holds no chapter_NN.py of checks"),
        (("--dask", "nowhere"), "No Dask scheduler answers at nowhere"),
        (("--assignment", ""), "Unknown assignment '': choose from '00', "),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_a_senseless_option_of_grade_is_one_sentence(grade, words, expected):
    if "--dask" in words:
        needs.package("distributed")
    code, printed = grade(*words)
    assert code == 1 and expected in printed and printed.count("\n") == 1


def test_a_folder_without_submissions_is_no_success(grade, tmp_path):
    (tmp_path / "in" / "ann").rmdir()
    assert grade()[0] == 1 and "in holds no submission" in grade()[1]


@pytest.mark.parametrize(
    "source",
    ["def (", "CHECKS = [1]", "CHECKS = {'00.1': [1]}", "QUESTIONS = 3", "raise SystemExit", "\0"],
)
def test_a_file_of_checks_that_is_none_is_one_sentence(grade, tmp_path, source):
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "chapter_00.py").write_text(source)
    code, printed = grade("--checks", "checks")
    assert code == 1 and "chapter_00.py cannot be used: " in printed and printed.count("\n") == 1


def test_two_batches_in_one_folder_do_not_mix(grade, tmp_path):
    (tmp_path / "out").mkdir()
    folder = os.open(tmp_path / "out", os.O_RDONLY)
    files.lock(folder)
    code, printed = grade()
    assert code == 1 and printed.startswith("Error: Another batch is writing to out: wait for it")
    os.close(folder)
    assert grade()[0] == 0
