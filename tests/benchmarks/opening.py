r"""What a learner waits for at the start: the import, and each lab with its table of outcomes.

python -m tests.benchmarks.opening
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

from .table import Row, in_turns, lines

REPORT = "import time; print(time.process_time())"
LABS = (
    *("bowl", "one_knob", "valley", "schedules", "classifier", "digits", "layers", "irprop"),
    *("whitening", "batchnorm", "acceleration", "adaptive", "winner"),
)


def processor_time(code: str) -> float:
    r"""Return the seconds of processor time that a new interpreter needs for code."""
    command = [sys.executable, "-c", f"{code}; {REPORT}"]
    root = Path(__file__).parents[2]
    return float(subprocess.run(command, capture_output=True, check=True, cwd=root).stdout)


def measure(quick: bool) -> list[Row]:
    r"""Rows of the import of lrcourse, over bare Python, and of each lab; quick is one of each."""
    from lrcourse import labs

    rounds = 1 if quick else 5
    pairs = [(processor_time("import lrcourse"), processor_time("pass")) for _ in range(rounds)]
    imported = float(np.median([ours - bare for ours, bare in pairs]))
    times = in_turns({name: getattr(labs, name) for name in LABS}, rounds)
    rows = [Row(f"labs.{name}()", float(np.median(spent))) for name, spent in times.items()]
    return [Row("import lrcourse", imported), *rows]


def main() -> None:
    print(*lines(measure(False)), sep="\n")


if __name__ == "__main__":
    main()
