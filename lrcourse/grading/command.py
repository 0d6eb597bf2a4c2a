r"""What ``lrcourse grade`` does with its options."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from lrcourse.grading import GradingError

NEEDED = {"msgpack": "grade", "jinja2": "grade"}
UNSAFE = "WARNING: no sandbox. Student code runs as you, and can read and write what you can."


def grade(
    submissions: Path,
    out: Path,
    *,
    roster: Path | None,
    assignment: tuple[str, ...],
    checks: Path | None,
    marks: tuple[Path, ...],
    jobs: int,
    cpu: int,
    dask: str,
    sandbox: str | None,
    image: str,
    unsafe_no_sandbox: bool,
) -> Iterator[str]:
    r"""Grade, and yield the lines to print; the options are those of the command."""
    needed = NEEDED | ({"distributed": "scale"} if dask else {})
    for module, extra in needed.items():
        if importlib.util.find_spec(module) is None:
            raise GradingError(f"{module} is missing: pip install 'lrcourse[{extra}]'.")
    if unsafe_no_sandbox and sandbox:
        raise GradingError("--sandbox and --unsafe-no-sandbox exclude each other.")
    if sandbox in ("docker", "podman") and not image:
        raise GradingError(f"--sandbox {sandbox} needs --image, one that has lrcourse installed.")
    from lrcourse.grading.batch import Batch, Order
    from lrcourse.grading.sandbox import Limits

    if unsafe_no_sandbox:
        yield UNSAFE
    order = Order(
        submissions,
        out,
        roster,
        assignment,
        checks,
        marks,
        jobs,
        dask,
        "none" if unsafe_no_sandbox else sandbox or "bubblewrap",
        image,
        Limits(cpu=cpu, idle=max(cpu, 2), wall=60 + 6 * cpu),
        sys.stderr.isatty(),
    )
    for status, count in Batch(order).run().items():
        yield f"{count:6} {status}"
    yield f"Marks are in {out / 'grades.csv'}, feedback in {out / 'feedback'}."
