r"""What it costs to grade a submission, and how many ``lrcourse grade`` grades in a minute.

    python -m tests.benchmarks.grading [--count N] [--killed N]

Copies of a worked solution are graded in one batch, each for another student: chapters that need
NumPy only, and one that needs torch. CPU seconds are those of the grader and of every process of
every sandbox, divided by the submissions; two idle cores do 120 over that in a minute. With
--killed, N submissions of chapter 01, every third of them untouched, are graded by a grader that is
killed at five random places, and the table is compared with that of an unbroken run. It also tells
the largest resident memory of the grader, of one worker, and of all of them together.
"""

import argparse
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from tests.grading import ordinary

from .table import Row, lines

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"01": 0.4, "02": 0.4, "14": 2.5}  # CPU seconds that a submission may cost
KILLS = 5
GENTLY = "tests.benchmarks.gently"


def hand_in(root: Path, chapter: str, count: int) -> Path:
    (solution,) = ROOT.glob(f"solutions/{chapter}_*.ipynb")
    for number in range(count):
        folder = root / "in" / f"student{number:04}"
        folder.mkdir(parents=True)
        untouched = chapter == "01" and number % 3 == 2
        shutil.copy(ROOT / "chapters" / solution.name if untouched else solution, folder)
    ordinary.give(root)
    return root / "in"


def cpu_seconds() -> float:
    ordinary.descendants()  # reaps the dead, whose time counts only then
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cost(chapter: str, count: int) -> tuple[float, float]:
    r"""Return CPU seconds and seconds by the clock of a submission, in a batch of so many."""
    ordinary.adopt()
    root = ordinary.folder()
    words = [hand_in(root, chapter, count), "--out", root / "out", "--jobs", 2]
    line = [*ordinary.prefix(), sys.executable, "-B", "-m", GENTLY, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before, start = cpu_seconds(), time.monotonic()
    subprocess.run(line, check=True, env=environment, cwd="/", stdout=subprocess.DEVNULL)
    wall = time.monotonic() - start
    used = cpu_seconds() - before
    shutil.rmtree(root)
    return used / count, wall / count


def measure(quick: bool, count: int | None = None) -> list[Row]:
    r"""CPU seconds of a submission by chapter; quick is fewer submissions."""
    rows = []
    for chapter, allowed in ALLOWED.items():
        torch = chapter == "14"
        used, wall = cost(
            chapter, count or ((4 if quick else 24) if torch else (10 if quick else 60))
        )
        name = f"a submission of chapter {chapter}{', torch' * torch}"
        print(
            f"{name}: {60 / wall:.0f} a minute now, {120 / used:.0f} on two idle cores", flush=True
        )
        rows.append(Row(name, used, {"allowed / ours": allowed / used}))
    return rows


def killed(count: int) -> None:
    r"""Grade with five kills and without; print whether the tables are the same."""
    ordinary.adopt()
    root = ordinary.folder()
    hand_in(root, "01", count)
    start, running = time.monotonic(), ordinary.descendants()
    peak, process = grade_until(root, "one", count + 1)
    assert process.returncode == 0
    print(f"unbroken: {60 * count / (time.monotonic() - start):.0f} a minute", flush=True)
    (root / "other").mkdir(mode=0o700)
    shutil.copy(root / "one" / "secret.key", root / "other")
    ordinary.give(root / "other")
    for enough in sorted(np.random.default_rng(0).integers(1, count, KILLS)):
        more, process = grade_until(root, "other", enough)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(2)
        left = len(ordinary.descendants()) - len(running)
        print(f"killed with {graded(root / 'other')} graded; {left} processes left", flush=True)
        peak = np.maximum(peak, more)
    more, process = grade_until(root, "other", count + 1)
    assert process.returncode == 0
    one, other = ((root / name / "grades.csv").read_text() for name in ("one", "other"))
    equal = "equal" if one == other else "NOT equal"
    print(f"{len(other.splitlines()) - 1} rows, {equal} to those of the unbroken run")
    told = "MiB: the grader {:.0f}, a worker {:.0f}, all {:.0f}"
    print(told.format(*np.maximum(peak, more)))
    shutil.rmtree(root)


def grade_until(root: Path, out: str, enough: int) -> tuple[np.ndarray, subprocess.Popen]:
    r"""Grade until so many are done, or to the end; return peak MiB and the process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = ordinary.command("grade", root / "in", "--out", root / out)
    process = subprocess.Popen(line, cwd="/", env=environment, start_new_session=True)
    peak = np.zeros(3)
    while process.poll() is None and graded(root / out) < enough:
        grader, workers = [0.0], [0.0]
        for pid, told in ordinary.descendants().items():
            if told.startswith(sys.executable):
                (workers if "grading.worker" in told else grader).append(resident(pid))
        peak = np.maximum(peak, [max(grader), max(workers), sum(grader + workers)])
        time.sleep(0.1)
    return peak, process


def resident(pid: int) -> float:
    try:
        told = Path(f"/proc/{pid}/status").read_text()
        return int(told.partition("VmRSS:")[2].split()[0]) / 2**10
    except (OSError, IndexError):  # it has ended
        return 0.0


def graded(out: Path) -> int:
    try:
        book = sqlite3.connect(f"file:{out / 'grades.sqlite'}?mode=ro", uri=True)
        return book.execute("SELECT count(*) FROM results WHERE status = 'graded'").fetchone()[0]
    except sqlite3.Error:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, help="submissions of each chapter")
    parser.add_argument(
        "--killed", type=int, metavar="N", help="kill the grader five times instead"
    )
    setting = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if setting.killed:
        killed(setting.killed)
    else:
        print(*lines(measure(False, setting.count)), sep="\n")


if __name__ == "__main__":
    main()
