r"""What ``lrcourse reproduce`` does with its options."""

import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import loky

from lrcourse.files import write_whole
from lrcourse.papers import NAMES, paper, report, saved
from lrcourse.papers.images import missing
from lrcourse.papers.lock import state
from lrcourse.papers.trial import judged
from lrcourse.sweep import Sweep, SweepError, export, table


def listed() -> Iterator[str]:
    r"""Yield a line for each paper: its name, what it is, and what it claims."""
    for each in map(paper, NAMES):
        yield f"{each.name:12} {each.citation} {each.claim}"


def reproduce(
    names: Sequence[str],
    *,
    scale: str,
    seeds: int,
    jobs: int | None,
    out: Path,
    dask: str,
    report_only: bool,
    as_saved: bool,
) -> Iterator[str]:
    r"""Run papers, write their reports, and yield the lines to print; the command's options.

    Raises:
        ValueError: a paper that does not exist, or has no saved runs of that scale.
        SweepError: one could not be finished; what is finished is kept.
    """
    reported = []
    chosen = [paper(name) for name in dict.fromkeys(names) if name != "all"]
    for each in map(paper, NAMES) if "all" in names else chosen:
        start = time.monotonic()
        rows = saved(each.name, scale) if as_saved else []
        path = out / f"{each.name}-{'saved' if as_saved else scale}.jsonl"
        grid = each.grid(scale)
        reasons = missing(setting["data"] for setting in grid if "data" in setting)
        grid = [setting for setting in grid if setting.get("data") not in reasons]
        for name, reason in reasons.items():
            yield f"{each.name}: claims about {name} are not tested: {reason}."
        if not grid:
            continue
        first, count = each.seeds[0], len(each.seeds) if as_saved else seeds
        sweep = Sweep(each.train, grid, range(first, first + count), path, stack=each.stack)
        try:
            yield f"{each.name}: {len(sweep.keys)} runs at {scale} scale, results in {path}"
            if as_saved:
                out.mkdir(parents=True, exist_ok=True)
                write_whole(path, "".join(f"{json.dumps(row)}\n" for row in rows))
            else:
                old = table(path) if path.exists() else []
                if others := sum(row["code"] != sweep.code for row in old):
                    yield f"Rows of another version of the code, kept but not used: {others}."
                rows = sweep.rows() if report_only else _run(sweep, jobs or loky.cpu_count(), dask)
            if not rows:
                raise SweepError(f"{path} has no run to report: leave out --report-only.")
            written = report.write(each, sweep, rows, scale)
            export(path, written.with_suffix(".csv"))
            reported.append((each, rows, written))
            yield str(judged(each, rows, scale, state(each)))
            if left := len(sweep.keys) - len(rows):
                said = "leave out --report-only to run them."
                yield f"Missing: {left} of {len(sweep.keys)} runs; {said}"
            seconds = report.duration(sum(row["seconds"] for row in rows))
            yield f"{len(rows)} runs, {seconds} of one thread in all. The report is {written}."
        except OSError as error:
            said = f"{error.filename or out} could not be written ({error.strerror or error})"
            more = "make room or name another folder with --out; finished runs are kept."
            raise SweepError(f"{said}: {more}") from error
        yield f"This took {time.monotonic() - start:.0f} seconds."
    if len(reported) > 1:
        yield f"One page of all: {report.overview(reported, scale, out)}."


def _run(sweep: Sweep, jobs: int, dask: str) -> list[dict]:
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **more: print(message, file=sys.stderr)
        if not dask:
            return sweep.run(jobs)
        with _client(dask) as client:
            return sweep.run(executor=client.get_executor(pure=False))


def _client(address: str) -> Any:  # a Client of Dask
    try:
        from dask.distributed import Client
        from distributed.comm import get_address_host_port, normalize_address

        for name in ("distributed.client", "tornado.application"):  # what is lost, the sweep says
            logging.getLogger(name).setLevel(logging.CRITICAL)
        get_address_host_port(normalize_address(address), strict=True)  # else Client hangs at exit
        return Client(address, timeout=10, set_as_default=False)
    except ImportError:
        raise SweepError("Dask is missing: pip install 'dask[distributed]'.") from None
    except (OSError, ValueError) as error:
        raise SweepError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}): check the address "
            "that `dask scheduler` printed, or use --jobs on this machine."
        ) from None
