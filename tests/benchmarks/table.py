r"""Rows of the table of ratios: timing in turns, keeping as JSON, and what has become slower."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

WORSE = 1.2


@dataclass(frozen=True)
class Row:
    r"""One measurement.

    Attributes:
        name: what was measured.
        seconds: median time of ours.
        ratios: medians of ratios of times, turn by turn. Of "torch / ours" more is better, of
            "ours / floor" less.
    """

    name: str
    seconds: float
    ratios: Mapping[str, float] = field(default_factory=dict)


def in_turns(
    runs: Mapping[str, Callable[[], object]],
    rounds: int,
    repeats: int = 1,
    clock: Callable[[], float] = time.process_time,
    warm: bool = True,
) -> dict[str, np.ndarray]:
    r"""Time each run in every round, after a round to warm up if ``warm``; (rounds,) by name."""
    times = np.empty((rounds + warm, len(runs)))
    for row in times:
        for i, run in enumerate(runs.values()):
            start = clock()
            for _ in range(repeats):
                run()
            row[i] = (clock() - start) / repeats
    return dict(zip(runs, times[int(warm) :].T, strict=True))


def ratios(name: str, times: Mapping[str, np.ndarray], floor: str = "floor") -> Row:
    r"""Make a row of times, in which "ours" is ours and ``floor`` cannot be undercut."""
    found = {}
    for other, theirs in times.items():
        if other == floor:
            found[f"ours / {floor}"] = float(np.median(times["ours"] / theirs))
        elif other != "ours":
            found[f"{other} / ours"] = float(np.median(theirs / times["ours"]))
    return Row(name, float(np.median(times["ours"])), found)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    r"""Yield the lines of the table."""
    width = max(len(row.name) for row in rows)
    for row in rows:
        listed = "   ".join(f"{name} {value:.2f}" for name, value in row.ratios.items())
        yield f"{row.name:{width}}  {_with_unit(row.seconds):>9}   {listed}".rstrip()


def _with_unit(seconds: float) -> str:
    for size, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def write(rows: Sequence[Row], path: Path) -> None:
    r"""Keep rows as JSON."""
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Row]:
    r"""Read kept rows."""
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def regressions(before: Sequence[Row], now: Sequence[Row]) -> list[str]:
    r"""Name what has become more than 20 % worse, of the rows that both have.

    Ratios are compared, and seconds only where a row has no ratio: two runs may have had other
    neighbours, or another machine.
    """
    old, found = {row.name: row for row in before}, []
    for row in now:
        if row.name not in old:
            continue
        was = old[row.name]
        shared = [name for name in row.ratios if name in was.ratios]
        for name in shared:
            a, b = was.ratios[name], row.ratios[name]
            if (b / a if name.startswith("ours /") else a / b) > WORSE:
                found.append(f"{row.name}: {name} was {a:.2f}, is {b:.2f}")
        if not shared and row.seconds > WORSE * was.seconds:
            a, b = _with_unit(was.seconds), _with_unit(row.seconds)
            found.append(f"{row.name}: was {a}, is {b}")
    return found
