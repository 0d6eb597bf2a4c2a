r"""Five papers and Muon, a newer method, on trial, and a race in two parts: claims and a grid each.

`paper(name)` is one of them, `saved(name)` the rows of its run that came with the package, and
`verdicts(name)` the table of its claims and what the rows say. `lrcourse reproduce NAME` runs it
again. The claims stand in `claims.lock.json`, written before those rows.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from lrcourse.messages import unknown
from lrcourse.papers.lock import own_hash, state
from lrcourse.papers.trial import Paper, Verdicts, judged
from lrcourse.sweep import table

# What `lrcourse reproduce` calls a paper, and its module, by author and year where one is printed.
_MODULES = {
    "irprop": "ndauka_zheng",
    "layer-rates": "singh_2015",
    "sequences": "yang_huang_2019",
    "schedules": "lau_2017",
    "da-sgd": "ahn",
    "muon": "jordan_2024",
    "race": "race",
    "race-2": "race_2",
}
NAMES = tuple(_MODULES)


def paper(name: str) -> Paper:
    r"""Return a paper by its name.

    Args:
        name: one of ``NAMES``.

    Raises:
        ValueError: an unknown name; the sentence offers the nearest one.
    """
    if name not in NAMES:
        raise ValueError(unknown("paper", name, NAMES))
    return import_module(f"lrcourse.papers.{_MODULES[name]}").PAPER


def saved(name: str, scale: str = "quick") -> list[dict]:
    r"""Return the rows that came with the package.

    Args:
        name: one of ``NAMES``.
        scale: "quick", or "own" for the runs of ``own_scale`` that the present claims judge.

    Returns:
        A dict a run: its setting, seed, status, seconds, and what it measured.

    Raises:
        ValueError: the paper has no rows of that scale.
    """
    of = paper(name)
    if scale == "own" and "own" in of.setting:
        from lrcourse.papers import own_scale

        return own_scale.rows(name, own_hash(of))
    if scale != "quick":
        raise ValueError(f"{name} has no saved rows of scale {scale!r}.")
    return table(Path(__file__).parent / "results" / f"{name}-quick.jsonl")


def verdicts(name: str, *, rows: Sequence[dict] | None = None, scale: str = "quick") -> Verdicts:
    r"""Return a paper's table of claims and verdicts; a notebook shows it as one.

    Args:
        name: one of ``NAMES``.
        rows: the runs to judge; without them, the saved ones.
        scale: at which they were run: "quick", "full" or, of two papers, "own".
    """
    of = paper(name)
    return judged(of, saved(name, scale) if rows is None else rows, scale, state(of))
