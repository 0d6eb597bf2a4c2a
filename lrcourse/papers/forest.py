r"""All claims of a paper in one picture: differences, their intervals, and what is too small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from lrcourse.palette import BLUE, GREEN, INK, ORANGE, VERMILLION
from lrcourse.papers.trial import (
    FAILS,
    HOLDS,
    NO_DIFFERENCE,
    UNDECIDED,
    Claim,
    Comparison,
    Judgement,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {HOLDS: GREEN, FAILS: VERMILLION, NO_DIFFERENCE: BLUE, UNDECIDED: ORANGE}
MARKS = {HOLDS: "o", FAILS: "X", NO_DIFFERENCE: "s", UNDECIDED: "D"}
END = 40  # of the axis, in units of the resolution
Found = Sequence[tuple[Claim, Judgement, str, float]]


def in_resolutions(part: Comparison) -> tuple[float, float]:
    r"""Return the difference and its margin in units of what is too small to matter.

    Args:
        part: a comparison; one without a resolution is measured in its margin.
    """
    unit = part.resolution or part.margin() or 1.0
    return part.difference.mean / unit, part.margin() / unit


def drawn(found: Found) -> list[tuple[int, Claim, list[Comparison], str]]:
    r"""Return the claims that can be drawn: number, claim, parts with an interval, verdict.

    Args:
        found: as ``trial.judgements`` returns it.
    """
    lines = []
    for number, (claim, judgement, verdict, _) in enumerate(found, 1):
        parts = [part for part in judgement.parts if math.isfinite(part.margin())]
        if parts:
            lines.append((number, claim, parts, verdict))
    return lines


def words(found: Found) -> str:
    r"""Return the picture in words.

    Args:
        found: as ``trial.judgements`` returns it.
    """
    texts = []
    for number, _, parts, verdict in drawn(found):
        places = [in_resolutions(part) for part in parts]
        ends = min(d - m for d, m in places), max(d + m for d, m in places)
        texts.append(f"{number}, {verdict}: {ends[0]:.1f} to {ends[1]:.1f}")
    return (
        "The claims by number, each with the ends of its 95 % intervals in units of the resolution "
        f"(below 0 the side that is named first is lower): {'; '.join(texts)}."
    )


def _wrapped(text: str, width: int, lines: int) -> str:
    return "\n".join(wrap(text, width, max_lines=lines, placeholder=" …"))


def figure(found: Found) -> Figure:
    r"""Return the picture: a line a claim, with difference, intervals and band of the resolution.

    Args:
        found: as ``trial.judgements`` returns it; at least one claim can be drawn.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    lines = drawn(found)
    with rc_context({"font.size": 9}):
        picture = Figure((10, 1.0 + 0.5 * len(lines)), facecolor="white", layout="constrained")
        axes = picture.subplots()
    axes.axvspan(-1, 1, color="#d8d8d8", linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.8)
    for y, (_, claim, parts, verdict) in enumerate(lines):
        colour, mark = COLOURS[verdict], MARKS[verdict]
        for k, part in enumerate(parts):
            middle, margin = in_resolutions(part)
            height = y + 0.6 * ((k + 1) / (len(parts) + 1) - 0.5)
            narrow = part.margin(0.1) / part.margin() * margin if margin else 0.0
            axes.plot([middle - margin, middle + margin], [height] * 2, color=colour, linewidth=1)
            axes.plot([middle - narrow, middle + narrow], [height] * 2, color=colour, linewidth=3)
            axes.plot(middle, height, mark, color=colour, markersize=5)
        printed = f"{verdict}\nprinted: {claim.printed}"
        text = "\n".join(_wrapped(line, 36, 2) for line in printed.splitlines())
        looks = {"va": "center", "fontsize": 8, "color": INK}
        axes.annotate(text, (1.01, y), xycoords=("axes fraction", "data"), **looks)
    labels = [
        _wrapped(f"{n}. {claim.says}" + " (primary)" * claim.primary, 52, 3)
        for n, claim, *_ in lines
    ]
    axes.set_yticks(range(len(lines)), labels, fontsize=8)
    axes.set(ylim=(len(lines) - 0.5, -0.5), xlim=(-END, END))
    axes.set_xscale("symlog", linthresh=2)
    ticks = (-20, -5, -2, -1, 0, 1, 2, 5, 20)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlabel("difference, in units of the resolution (thick: 90 %, thin: 95 % interval)")
    axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
    axes.set_axisbelow(True)
    return picture
