r"""What it costs to grade a submission, and how many ``lrcourse grade`` grades in a minute.

    python -m tests.benchmarks.grading [--count N] [--killed N]

Copies of a worked solution are graded in one batch, each for another student: chapters that need
NumPy only, and one that needs torch. CPU seconds are those of the grader and of every process of
every sandbox, divided by the submissions; two idle cores do 120 over that in a minute. With
--killed, N cheap submissions are graded by a grader that is killed five times, and the table is
compared with that of an unbroken run.
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

from tests.grading import ordinary

from .table import Row, lines

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"01": 0.4, "02": 0.4, "14": 2.5}  # CPU seconds that a submission may cost
KILLS = 5
# The kernel forgets the CPU time of a namespace that is killed, so here each may end by itself.
GENTLY = """
import sys
from lrcourse.cli import main
from lrcourse.grading.sandbox import Sandbox

close = Sandbox.close

def gently(self):
    self.process.stdin.close()
    self.process.wait(60)
    close(self)

Sandbox.close = gently
main(sys.argv[1:])
"""


def hand_in(root: Path, chapter: str, count: int) -> Path:
    (solution,) = ROOT.glob(f"solutions/{chapter}_*.ipynb")
    for number in range(count):
        folder = root / "in" / f"student{number:04}"
        folder.mkdir(parents=True)
        shutil.copy(solution, folder)
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
    words = ["grade", hand_in(root, chapter, count), "--out", root / "out", "--jobs", 2]
    line = [*ordinary.prefix(), sys.executable, "-c", GENTLY, *map(str, words)]
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
    root = ordinary.folder()
    handed_in = hand_in(root, "00", count)
    start = time.monotonic()
    unbroken = ordinary.lrcourse("grade", handed_in, "--out", root / "one", timeout=36_000)
    assert unbroken.returncode == 0, unbroken.stderr
    print(f"unbroken: {60 * count / (time.monotonic() - start):.0f} a minute", flush=True)
    (root / "other").mkdir()
    shutil.copy(root / "one" / "secret.key", root / "other")
    ordinary.give(root)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = "grade", handed_in, "--out", root / "other"
    for kill in range(1, KILLS + 1):
        process = subprocess.Popen(
            ordinary.command(*words), cwd="/", env=environment, start_new_session=True
        )
        while graded(root / "other") < kill * count // (KILLS + 1):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(f"killed with {graded(root / 'other')} of {count} graded", flush=True)
    assert ordinary.lrcourse(*words, timeout=36_000).returncode == 0
    one, other = ((root / name / "grades.csv").read_text() for name in ("one", "other"))
    students = [line.split(",")[0] for line in other.splitlines()[1:]]
    print(f"{len(students)} rows, {len({*students})} students")
    print("equal to the unbroken run" if one == other else "NOT equal to the unbroken run")
    shutil.rmtree(root)


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
