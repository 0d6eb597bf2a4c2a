r"""What ``lrcourse grade`` does with its options."""

import importlib.util
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from lrcourse.grading import GradingError
from lrcourse.grading.memory import limited_memory

MOST_MEMORY = 800 * 2**20  # bytes for what students return; torch, for some checks, takes 200 MiB
UNSAFE = "WARNING: no sandbox. Student code runs as you, and can read and write what you can."


def grade(submissions: Path, out: Path, **options: object) -> Iterator[str]:
    r"""Grade, and yield the lines to print; the options are those of the command."""
    for module in ("msgpack", "jinja2", *(["distributed"] if options["dask"] else [])):
        if importlib.util.find_spec(module) is None:
            raise GradingError(f"{module} is missing: pip install {module}")
    if options["nbgrader"] and importlib.util.find_spec("nbgrader") is None:
        raise GradingError("nbgrader is missing: pip install nbgrader, or leave out --nbgrader.")
    from lrcourse.grading.archive import unpack
    from lrcourse.grading.batch import Batch, GradeOptions

    if submissions.is_file():
        if submissions.suffix.lower() != ".zip":
            raise GradingError(f"{submissions} is neither a folder nor a zip file.")
        folder = out.parent / f"{out.name}-submissions"
        if folder.exists():
            raise GradingError(
                f"{folder} is there, where the zip would be unpacked: grade it, or move it away."
            )
        unpack(submissions, folder)
        yield f"Unpacked into {folder}."
        submissions = folder
    if options["unsafe_no_sandbox"]:
        yield UNSAFE
    asked = GradeOptions(submissions, out, **options, progress=sys.stderr.isatty())
    try:
        with ExitStack() as stack:
            stack.enter_context(limited_memory(MOST_MEMORY))
            batch = Batch(asked, stack)
            counts = batch.run()
    except sqlite3.Error as error:
        again = "Fix that and run it again; graded notebooks are kept."
        if not isinstance(error, sqlite3.OperationalError):
            again = f"Move it away, back up {out / 'manual'}, and grade again."
        raise GradingError(
            f"The results {out / 'grades.sqlite'} cannot be used: {error}. {again}"
        ) from None
    except OSError as error:
        path = error.filename2 or error.filename or out
        raise GradingError(
            f"{path} cannot be used: {error.strerror or error}. "
            "Fix that or name another folder with --out; graded notebooks are kept."
        ) from None
    for status, count in counts.items():
        yield f"{count:6} {status}"
    if batch.kept:
        yield (
            f"{batch.kept} graded before and not in this folder: now missing."
            if asked.replace
            else f"{batch.kept} graded before and not in this folder: their marks stay. With "
            "--replace they become missing."
        )
    yield from batch.lines
    yield f"Marks are in {out / 'grades.csv'}, feedback in {out / 'feedback'}."
