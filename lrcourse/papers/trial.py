r"""What all trials share: a paper's record, samples over seeds, and how a verdict is found.

A claim *holds* if the difference it names is larger than both its resolution and its margin, half
the 95 % confidence interval of Welch's t test; it *does not hold* if the difference is that large
the other way. A claim of equality holds if both difference and margin are within the resolution,
and does not if the difference is larger than both. Else the seeds leave it *undecided*.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
UNTESTED = "not tested at this scale"
SCALES = ("quick", "full")
# The 97.5 % points of Student's t by degrees of freedom; between them, t is close to linear in
# their inverse.
STUDENT = {math.inf: 1.960, 20: 2.086, 8: 2.306, 5: 2.571, 4: 2.776, 3: 3.182, 2: 4.303, 1: 12.706}


class NotTestedError(LookupError):
    """No run has the setting that a claim is about."""


class Sample(NamedTuple):
    """What one setting gave, a value a seed; infinite where a run diverged or did not get there."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return fmean(self.values)

    @property
    def sd(self) -> float:
        """The standard deviation over seeds (n - 1)."""
        finite = len(self.values) > 1 and all(map(math.isfinite, self.values))
        return stdev(self.values) if finite else math.nan

    def show(self, digits: int = 1, factor: float = 1.0) -> str:
        r"""Return mean ± sd (n), or how many seeds got nowhere.

        Args:
            digits: after the point.
            factor: to multiply with, such as 100 for percent.
        """
        lost = sum(not math.isfinite(value) for value in self.values)
        if lost:
            return f"never in {lost} of {len(self.values)}"
        spread = f" ± {factor * self.sd:.{digits}f}" if len(self.values) > 1 else ""
        return f"{factor * self.mean:.{digits}f}{spread} ({len(self.values)})"


class Printed(NamedTuple):
    """A figure that the paper prints, and where our rows have its counterpart."""

    where: str  # "Table 1"
    what: str  # "test accuracy, seq4 by cutoff"
    value: float | str
    setting: Mapping[str, object] | None = None  # the columns of the rows to compare; None: not run
    column: str = ""
    digits: int = 4


class Claim(NamedTuple):
    """Something the paper says, or a fair control of ours, and the rule that judges it."""

    says: str
    printed: str  # the paper's own figure for it; "not in the paper" for a control
    rule: str  # in words
    judge: Callable[[Sequence[dict]], tuple[str, str]]  # rows -> (what was measured, verdict)


class Picture(NamedTuple):
    """A figure of the report, as arguments of ``plots.response``."""

    lines: Mapping[str, tuple[Sequence[float], Sequence[Sequence[float]]]]  # x, and values by seed
    x_label: str
    y_label: str
    alt: str
    log_x: bool = True
    log_y: bool = False


@dataclass(frozen=True)
class Paper:
    r"""A paper on trial.

    Attributes:
        name: as ``lrcourse reproduce`` takes it.
        citation: authors, title, year.
        claim: what it claims, in one sentence.
        control: the fair comparison, in one sentence.
        open: what the paper leaves open or has wrong, and what we took, a sentence each.
        setting: network, data and training in words, by scale, for the head of the report.
        grid: the settings at a scale; ``data`` is a column of each.
        train: runs one setting: ``train(**setting, seed=seed)``; see ``sweep.Sweep``.
        stack: for ``sweep.Sweep``.
        printed: every figure that the paper prints.
        claims: what is judged.
        pictures: from rows to the figures of the report.
        papers_data: the data of the paper itself; on other data its printed figures are not judged.
    """

    name: str
    citation: str
    claim: str
    control: str
    open: tuple[str, ...]
    setting: Mapping[str, str]
    grid: Callable[[str], list[dict]]
    train: Callable[..., dict | list[dict]]
    claims: tuple[Claim, ...]
    pictures: Callable[[Sequence[dict]], list[Picture]]
    printed: tuple[Printed, ...] = ()
    stack: Callable[[dict], bool] | None = None
    papers_data: tuple[str, ...] = ()


def select(rows: Sequence[dict], **setting: object) -> list[dict]:
    r"""Return the rows that have these values in these columns.

    Args:
        rows: of a sweep.
        setting: column=value.
    """
    return [row for row in rows if all(row.get(k) == v for k, v in setting.items())]


def sample(rows: Sequence[dict], column: str, **setting: object) -> Sample:
    r"""Return one setting's values over its seeds, in the order of the seeds.

    Args:
        rows: of a sweep.
        column: what was measured; what is no finite number counts as infinite.
        setting: column=value; what it leaves open must be the same in all rows but the seed.

    Raises:
        NotTestedError: no row has the setting.
    """
    found = sorted(select(rows, **setting), key=lambda row: row["seed"])
    if not found:
        raise NotTestedError(f"No run has {setting}.")
    seeds = [row["seed"] for row in found]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{setting} stands for several settings: a seed comes up twice.")
    return of_column(found, column)


def of_column(rows: Sequence[dict], column: str) -> Sample:
    r"""Return a column of rows that differ in nothing but the seed.

    Args:
        rows: of one setting.
        column: what was measured; what is no finite number counts as infinite.
    """
    values = [row.get(column) for row in rows]
    finite = [isinstance(v, int | float) and math.isfinite(v) for v in values]
    return Sample(tuple(v if good else math.inf for v, good in zip(values, finite, strict=True)))


def response(
    rows: Sequence[dict], column: str, over: str = "learning_rate", **setting: object
) -> dict[float, Sample]:
    r"""Return the response curve: for each value of a column the sample over seeds.

    Args:
        rows: of a sweep.
        column: what was measured.
        over: the column along which to go; rows without it do not count.
        setting: column=value.

    Raises:
        NotTestedError: no row has the setting.
    """
    found = [row for row in select(rows, **setting) if row.get(over) is not None]
    if not found:
        raise NotTestedError(f"No run has {setting} and a {over}.")
    return {x: sample(found, column, **{over: x}) for x in sorted({row[over] for row in found})}


def tuned(rows: Sequence[dict], column: str, **setting: object) -> tuple[float, Sample]:
    r"""Return the learning rate whose mean is the lowest, and its sample.

    Args:
        rows: of a sweep.
        column: what was measured: an error, a loss, a number of epochs.
        setting: column=value.
    """
    curve = response(rows, column, **setting)
    best = min(curve, key=lambda rate: curve[rate].mean)
    return best, curve[best]


def margin(a: Sample, b: Sample) -> float:
    r"""Return how far two means may lie apart by chance: t times the standard error (Welch 1947).

    Args:
        a: the values of one setting.
        b: of the other; their spreads may differ.

    Returns:
        Infinity where a sample has one value, or one that is not finite.
    """
    if math.isnan(a.sd) or math.isnan(b.sd):
        return math.inf
    va, vb = a.sd**2 / len(a.values), b.sd**2 / len(b.values)
    if va + vb == 0:
        return 0.0
    inverse = va**2 / (len(a.values) - 1) + vb**2 / (len(b.values) - 1)  # of the degrees of freedom
    inverse /= (va + vb) ** 2
    t = np.interp(inverse, [1 / freedom for freedom in STUDENT], list(STUDENT.values()))
    return float(t) * math.sqrt(va + vb)


def lower(a: Sample, b: Sample, resolution: float = 0.0) -> str:
    r"""Judge that the mean of a lies below that of b.

    Args:
        a: said to be lower (an error, a loss, a number of epochs).
        b: said to be higher.
        resolution: a difference that counts for nothing.

    Returns:
        HOLDS, FAILS or UNDECIDED.
    """
    ends = {math.isfinite(value) for value in a.values}, {math.isfinite(v) for v in b.values}
    if ends == ({True}, {False}):
        return HOLDS
    if ends == ({False}, {True}):
        return FAILS
    if ends != ({True}, {True}):
        return UNDECIDED
    difference = b.mean - a.mean
    least = max(margin(a, b), resolution)
    return HOLDS if difference > least else FAILS if -difference > least else UNDECIDED


def same(a: Sample, b: Sample, resolution: float) -> str:
    r"""Judge that two means are equal.

    Args:
        a: the values of one setting.
        b: of the other.
        resolution: a difference that counts for nothing.

    Returns:
        HOLDS if they are within the resolution and so is their margin, FAILS if they are farther
        apart than both, else UNDECIDED: seeds that differ widely show no equality.
    """
    if {lower(a, b, resolution), lower(b, a, resolution)} != {UNDECIDED}:
        return FAILS
    near = max(abs(a.mean - b.mean), margin(a, b)) <= resolution
    return HOLDS if near else UNDECIDED


def all_hold(verdicts: Sequence[str]) -> str:
    r"""Judge a claim made of several: it holds if all hold, and fails if one fails.

    Args:
        verdicts: of the parts.
    """
    if FAILS in verdicts:
        return FAILS
    return HOLDS if set(verdicts) == {HOLDS} else UNDECIDED


def against(
    pairs: Mapping[object, tuple[Sample, Sample]], digits: int = 1, factor: float = 1.0
) -> str:
    r"""Return the text that sets pairs of samples side by side.

    Args:
        pairs: what a pair is about -> its two samples.
        digits: after the point.
        factor: to multiply with, such as 100 for percent.
    """
    return "; ".join(
        f"{about}: {a.show(digits, factor)} against {b.show(digits, factor)}"
        for about, (a, b) in pairs.items()
    )


def markdown(text: str) -> str:
    r"""Return plain text as Markdown that shows it, in a table too.

    Args:
        text: of one line.
    """
    return re.sub(r"([\\`*<>|$~]|\b_|_\b)", r"\\\1", " ".join(text.split()))


@dataclass(repr=False)
class Verdicts:
    r"""A paper's table, shown as one in a notebook and as text elsewhere.

    Attributes:
        title: the first line.
        head: names of the columns.
        body: the lines, a text a column.
    """

    title: str
    head: tuple[str, ...]
    body: list[tuple[str, ...]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.title]
        for says, *rest in self.body:
            named = zip(self.head[1:], rest, strict=True)
            lines += [says, *(f"  {name}: {text}" for name, text in named if text)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        head, *body = [[markdown(text) for text in line] for line in (self.head, *self.body)]
        lines = [head, ["---"] * len(head), *body]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{markdown(self.title)}\n\n{table}"

    def _repr_html_(self) -> str:
        def line(tag: str, texts: Sequence[str]) -> str:
            cells = "".join(
                f'<{tag} style="text-align: left">{escape(text)}</{tag}>' for text in texts
            )
            return f"<tr>{cells}</tr>"

        body = "".join(line("td", texts) for texts in self.body)
        return f"<p>{escape(self.title)}</p><table>{line('th', self.head)}{body}</table>"


def judged(paper: Paper, rows: Sequence[dict], scale: str) -> Verdicts:
    r"""Judge all claims of a paper.

    Args:
        paper: the paper.
        rows: of its sweep; a claim about a setting without rows is not tested at this scale.
        scale: "quick" or "full".

    Returns:
        The table: claim, printed, measured, verdict.
    """
    table = Verdicts(
        f"{paper.citation} Scale: {scale}. Measured: mean ± sd (seeds).",
        ("claim", "printed", "measured", "verdict"),
    )
    for claim in paper.claims:
        try:
            measured, verdict = claim.judge(rows)
        except NotTestedError:
            measured, verdict = "", UNTESTED
        table.body.append((claim.says, claim.printed, measured, verdict))
    return table


def compared(paper: Paper, rows: Sequence[dict]) -> Verdicts:
    r"""Set every printed figure beside its counterpart.

    Args:
        paper: the paper.
        rows: of its sweep.

    Returns:
        The table: where, what, printed, measured, verdict. Only on the paper's own data a figure
        can hold: then it must lie within its margin and a tenth of itself.
    """
    table = Verdicts("Every printed figure", ("where", "what", "printed", "measured", "verdict"))
    for figure in paper.printed:
        shown = f"{figure.value:.{figure.digits}f}" if isinstance(figure.value, float) else ""
        shown, measured, verdict = shown or str(figure.value), "", UNTESTED
        if figure.setting is not None:
            try:
                found = sample(rows, figure.column, **figure.setting)
                measured = found.show(figure.digits)
                data = {row.get("data") for row in select(rows, **figure.setting)}
                if data <= set(paper.papers_data) and not isinstance(figure.value, str):
                    one = Sample((float(figure.value),) * len(found.values))
                    verdict = same(found, one, abs(figure.value) / 10)
            except NotTestedError:
                pass
        table.body.append((figure.where, figure.what, shown, measured, verdict))
    return table
