r"""How fast the course is, as one table of ratios: ours, peers, and a floor that nobody undercuts.

    python -m tests.benchmarks [--quick] [--json FILE] [--against FILE] [--junit FILE]

Ratios are medians of runs that take turns in one process, on one thread. They vary by about a tenth
from run to run; times vary more, so compare those on idle cores only. Chapter and suite times are
read from a run of ``pytest --nbval-lax --junitxml FILE``. All of it uses about five minutes of
processor time.
"""

import argparse
import importlib
import os
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from .table import Row, lines, read, regressions, write

PARTS = ("training_step", "optimizer_step", "whitening", "sweep", "grading", "slider", "opening")


def suite(junit: Path) -> Iterator[Row]:
    r"""Yield the time of each chapter and solution, and of the suite, from pytest's JUnit file."""
    root = ElementTree.parse(junit).getroot()
    yield Row("suite", sum(float(found.get("time")) for found in root.iter("testsuite")))
    chapters = Counter()
    for case in root.iter("testcase"):
        folder, _, name = case.get("classname").partition(".")
        if folder in ("chapters", "solutions"):
            chapters[f"{folder}/{name}"] += float(case.get("time"))
    for name, seconds in sorted(chapters.items()):
        yield Row(name, seconds)


def measured(parts: list[str], quick: bool) -> Iterator[Row]:
    r"""Yield the rows of each part, and print them; a part that cannot run here says why."""
    for part in parts:
        start = time.perf_counter()
        try:
            rows = importlib.import_module(f".{part}", __package__).measure(quick)
        except ImportError as error:
            print(f"{part}: skipped, {error}", flush=True)
            continue
        print(*lines(rows), sep="\n")
        print(f"({part}: {time.perf_counter() - start:.0f} s)\n", flush=True)
        yield from rows


def main() -> None:
    r"""Measure, print, keep and compare; exit code 1 if something has become over 20 % slower."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: about a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the rows here")
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="compare with rows kept before"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="add times of this test run")
    options = parser.parse_args()
    if unknown := sorted({*options.parts} - {*PARTS}):
        parser.error(f"there is no part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    for file in filter(None, (options.against, options.junit)):
        if not file.is_file():
            parser.error(f"there is no file {file}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    rows = list(measured(options.parts or list(PARTS), options.quick))
    if options.junit:
        rows += (times := list(suite(options.junit)))
        print(*lines(times), sep="\n")
    if options.json:
        write(rows, options.json)
    if options.against:
        worse = regressions(read(options.against), rows)
        print(*(worse or ["Nothing is more than 20 % slower than before."]), sep="\n")
        raise SystemExit(1 if worse else 0)


if __name__ == "__main__":
    main()
