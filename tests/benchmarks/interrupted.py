r"""What becomes of a batch that is killed, and how soon Ctrl-C ends one that is under attack.

    python -m tests.benchmarks.interrupted [--count N] [--chapter NN] [--jobs N] [--sigint]

N students hand in a few realistic notebooks. The grader is killed five times at random places and
started again; the final table is compared with that of an unbroken run. Printed too: submissions a
minute, and the largest resident memory of the grader, of one worker, and of all processes together.
With --sigint: seconds from Ctrl-C to the end, while a submission sleeps, floods the pipe or ignores
signals.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np

from tests.grading import bad_submissions, ordinary

from .grading import ROOT, graded

KILLS, GRADER, WORKER = 5, "-m lrcourse grade", "lrcourse.grading.worker"
HOSTILE = {
    "sleeps": ["import time", "time.sleep(10**6)"],
    "floods": [
        *("import os", "fds = list(map(int, os.listdir('/proc/self/fd')))[3:]"),
        *("while True:", "    for fd in fds:", "        try: os.write(fd, b'x' * 99)"),
        "        except OSError: pass",
    ],
    "ignores signals": [
        *("import signal", "for n in {*range(1, 65)} - {9, 19, 32, 33}:"),
        *("    signal.signal(n, signal.SIG_IGN)", "while True: pass"),
    ],
}


def hand_in(root: Path, chapter: str, count: int) -> None:
    (solution,), (untouched,) = (
        list(ROOT.glob(f"{folder}/{chapter}_*.ipynb")) for folder in ("solutions", "chapters")
    )
    right, kinds = json.loads(solution.read_text()), [json.loads(untouched.read_text())]
    answers = [n for n, c in enumerate(right["cells"]) if "exercise" in c["metadata"]]
    for number, wrong in ((0, "raise ValueError(3)"), (1, "return None"), (-1, "return 1 / 0")):
        kinds.append(json.loads(json.dumps(right)))
        cell = kinds[-1]["cells"][answers[number]]
        cell["source"] = re.sub(r"return .*", wrong, "".join(cell["source"]))
    for number in range(count):
        path = root / "in" / f"student{number:04}" / "homework.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([right, right, *kinds][number % (2 + len(kinds))]))
    ordinary.give(root)


def grade(
    root: Path, out: str, jobs: int, enough: float = np.inf
) -> tuple[np.ndarray, subprocess.Popen]:
    r"""Grade until so many are done; return peak MiB of grader, worker and all, and the process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    line = ["grade", root / "in", "--out", root / out, "--cpu", 600, "--jobs", jobs]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        ordinary.command(*line),
        cwd="/",
        env=environment,
        start_new_session=True,
        stdout=quiet,
        stderr=quiet,
    )
    peak = np.zeros(3)
    while process.poll() is None and graded(root / out) < enough:
        used = {GRADER: [0], WORKER: [0]}
        for pid, told in ordinary.descendants().items():
            for kind in used:
                if kind in told and not told.startswith("bwrap"):
                    used[kind].append(resident(pid))
        peak = np.maximum(
            peak, [max(used[GRADER]), max(used[WORKER]), sum(map(sum, used.values()))]
        )
        time.sleep(0.1)
    return peak, process


def resident(pid: int) -> float:
    try:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 2**10
    except (OSError, TypeError):
        return 0.0


def killed(root: Path, jobs: int, count: int) -> None:
    start, running = time.monotonic(), ordinary.descendants()
    peak, process = grade(root, "one", jobs)
    assert process.returncode == 0
    print(f"unbroken: {60 * count / (time.monotonic() - start):.0f} a minute", flush=True)
    (root / "other").mkdir(mode=0o700)
    shutil.copy(root / "one" / "secret.key", root / "other")
    ordinary.give(root / "other")
    for enough in sorted(np.random.default_rng(0).integers(1, count, KILLS)):
        more, process = grade(root, "other", jobs, enough)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(2)
        left = len(ordinary.descendants()) - len(running)
        print(f"killed with {graded(root / 'other')} graded; {left} processes left", flush=True)
        peak = np.maximum(peak, more)
    more, process = grade(root, "other", jobs)
    assert process.returncode == 0
    one, other = ((root / name / "grades.csv").read_text() for name in ("one", "other"))
    print(f"{len(other.splitlines()) - 1} rows; equal to the unbroken run: {one == other}")
    print("peak MiB of grader, a worker, all: {:.0f} {:.0f} {:.0f}".format(*np.maximum(peak, more)))


def interrupted(root: Path) -> None:
    for name, lines in HOSTILE.items():
        shutil.rmtree(root / "in", ignore_errors=True)
        path = root / "in" / "ann" / "00.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(bad_submissions.notebook(bad_submissions.inside(*lines))))
        ordinary.give(root)
        taken = []
        for _ in range(5):
            running = ordinary.descendants()
            _, process = grade(root, "out", 1, -1)
            while sum(WORKER in told for told in ordinary.descendants().values()) < 4:
                time.sleep(0.05)
            time.sleep(2)
            (pid,) = [
                p
                for p, told in ordinary.descendants().items()
                if GRADER in told and "bwrap" not in told
            ]
            start = time.monotonic()
            os.kill(pid, signal.SIGINT)
            process.wait()
            taken.append(time.monotonic() - start)
            assert process.returncode == 130 and ordinary.descendants() == running
        print(
            f"Ctrl-C while one {name}: {np.median(taken):.2f} s, at most {max(taken):.2f} s",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="submissions")
    parser.add_argument("--chapter", default="01", metavar="NN")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time")
    parser.add_argument("--sigint", action="store_true", help="Ctrl-C instead")
    setting = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    ordinary.adopt()
    root = ordinary.folder()
    if setting.sigint:
        interrupted(root)
    else:
        hand_in(root, setting.chapter, setting.count)
        killed(root, setting.jobs, setting.count)
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
