r"""Five papers on trial, and a race of all methods: each file has a claim, and the grid to test it.

`paper(name)` is one of them, `saved(name)` the rows of its run that came with the package, and
`verdicts(name)` the table of printed and measured figures made from them. `lrcourse reproduce NAME`
runs it again.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from lrcourse.messages import unknown
from lrcourse.papers.trial import Paper, Verdicts, judged
from lrcourse.sweep import table

# What `lrcourse reproduce` calls a paper, and its module, by author and year where one is printed.
_MODULES = {
    "irprop": "ndauka_zheng",
    "layer-rates": "singh_2015",
    "sequences": "yang_huang_2019",
    "schedules": "lau_2017",
    "da-sgd": "ahn",
    "race": "race",
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


def saved(name: str) -> list[dict]:
    r"""Return the rows of the quick run that came with the package.

    Args:
        name: one of ``NAMES``.

    Returns:
        A dict a run: its setting, seed, status, seconds, and what it measured.
    """
    paper(name)
    return table(Path(__file__).parent / "results" / f"{name}-quick.jsonl")


def verdicts(name: str, rows: Sequence[dict] | None = None, scale: str = "quick") -> Verdicts:
    r"""Return a paper's table: claim, printed, measured and verdict; a notebook shows it as one.

    Args:
        name: one of ``NAMES``.
        rows: the runs to judge; without them, the saved ones.
        scale: at which they were run.
    """
    return judged(paper(name), saved(name) if rows is None else rows, scale)
