r"""Commands in hostile places: no HOME, no room, odd names, two at once, Ctrl-C at any moment."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lrcourse.course import release

ROOT = Path(__file__).parents[1]
# Ctrl-C after so many seconds of processor time; a shell's background ignores it unless asked.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGPROF, signal.default_int_handler)
signal.setitimer(signal.ITIMER_PROF, {seconds})
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
    printed = process.communicate(timeout=120)[0]
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
        assert "Traceback" not in process.communicate(timeout=120)[0]
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
        pytest.skip("bubblewrap cannot make a small disk here")
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
