r"""What all trials share: a paper's record, samples over seeds, and the one rule of all verdicts.

The rule is the text ``RULE``; ``direction`` is its core, ``Comparison`` applies it to two samples,
``Judgement`` to a claim of several comparisons, and ``holm`` to the primary claims of a paper.
"""

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

import numpy as np

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
NO_DIFFERENCE = "no difference that counts"
UNTESTED = "not tested at this scale"
NEVER_RUN = "not tested at any scale"
SHOWN = "shown, not judged"
VERDICTS = (HOLDS, FAILS, NO_DIFFERENCE, UNDECIDED, UNTESTED, NEVER_RUN)
SCALES = ("quick", "full")
SEEDS = tuple(range(10, 20))  # those that judge; lower ones were used while the trials were built
MORE_SEEDS = tuple(range(10, 30))  # of papers with claims that ten would likely leave undecided
LEVEL = 0.05  # how often a decision may be wrong
POWER = 0.8  # how likely the seeds that are asked for would decide
MOST_SEEDS = 1000
MOST_SHOWN = 6  # parts of a claim that a table shows
RULE = (
    "Runs that share a seed share their start, their batches and their split of the images, so "
    "they are compared in pairs: each seed gives one difference. What else shares a seed (several "
    "rules, rates or batch sizes) is first averaged within the seed. The mean difference has the "
    "confidence interval of Student's t test over the seeds. It counts if its 95 % interval leaves "
    "out 0 and it is larger than the resolution, the difference that its rule calls too small to "
    "matter. A claim that one side is lower holds if the difference counts, and does not hold if "
    "the opposite counts. If the 90 % interval lies within the resolution on both sides of 0 (two "
    "one-sided tests at 5 %), there is no difference that counts: then a claim of equality holds, "
    "and a claim that one side is lower gets just that verdict. A claim of equality does not hold "
    "if the difference counts. Else the claim is undecided, and the number of seeds that would "
    "decide it with a chance of 80 % is named, if difference and spread stay as they are. A "
    "setting compared with itself is equal. If all runs of one side diverged (or never reached the "
    "goal) and none of the other, the other is lower; any other mixture is undecided. A claim of "
    "several parts holds if all of them do; that one of k parts fails, or shows no difference that "
    "counts, is tested at 5 % divided by k. The primary claims of a paper share its 5 % by Holm's "
    "procedure; secondary claims have 5 % each, so about one in twenty of them may be wrong."
)


class NotTestedError(LookupError):
    """No run has the setting that a claim is about."""


class MissingRunsError(NotTestedError):
    """A claim is about several settings, and some have no run; the sentence names them."""


class Sample(NamedTuple):
    """What one setting gave, a value a seed; infinite where a run diverged or did not get there."""

    values: tuple[float, ...]
    seeds: tuple[int, ...] = ()  # of the values; without them they are 0, 1, 2 ...
    data: tuple[str, ...] = ()  # names of the data sets behind the values

    @property
    def by_seed(self) -> dict[int, float]:
        """The value of each seed."""
        return dict(zip(self.seeds or range(len(self.values)), self.values, strict=True))

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return fmean(self.values)

    @property
    def sd(self) -> float:
        """The standard deviation over seeds (n - 1)."""
        if len(self.values) < 2 or not all(map(math.isfinite, self.values)):
            return math.nan
        mean = self.mean
        squares = math.fsum((value - mean) ** 2 for value in self.values)
        return math.sqrt(squares / (len(self.values) - 1))

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


def combined(function: Callable[..., float], *samples: Sample) -> Sample:
    r"""Return a function of several samples, seed by seed, over the seeds that all of them have.

    Args:
        function: of one value of each sample.
        samples: at least one.
    """
    columns = [each.by_seed for each in samples]
    seeds = tuple(seed for seed in columns[0] if all(seed in column for column in columns))
    values = tuple(function(*(column[seed] for column in columns)) for seed in seeds)
    return Sample(values, seeds, tuple(dict.fromkeys(name for s in samples for name in s.data)))


def average(samples: Sequence[Sample]) -> Sample:
    r"""Return the mean of several samples, seed by seed: what shares a seed counts once.

    Args:
        samples: at least one.
    """
    return combined(lambda *values: fmean(values), *samples)


def constant(value: float, like: Sample) -> Sample:
    r"""Return a number as a sample with the seeds of another, to compare that with the number.

    Args:
        value: the number.
        like: the sample that will be compared with it.
    """
    return combined(lambda _: value, like)


def over(a: Sample, b: Sample, number: float) -> tuple[Sample, Sample]:
    r"""Return the ratio of two samples, seed by seed, and a number to compare that with.

    Args:
        a: above the line.
        b: below it.
        number: what the ratio is compared with.
    """
    ratio = combined(lambda x, y: x / y, a, b)
    return ratio, constant(number, ratio)


class Odds(NamedTuple):
    """The probability that one method beats another, and its interval."""

    share: float
    low: float
    high: float

    def show(self) -> str:
        """Return it in percent, with the interval."""
        return f"{100 * self.share:.0f} % [{100 * self.low:.0f}, {100 * self.high:.0f}]"


def beats(a: Sample, b: Sample, level: float = LEVEL) -> Odds:
    r"""Return the probability that a run of a ends lower than the run of b with the same seed.

    A mean says how much better, this how often (Bouthillier and others 2021): a method may be
    better on average and lose every third time.

    .. math:: \frac{p + z^2 / 2n \pm z \sqrt{p (1 - p) / n + z^2 / 4n^2}}{1 + z^2 / n}

    Args:
        a: errors of a method.
        b: of another; a seed in which both are the same counts half.
        level: the share of intervals that miss the true probability.

    Returns:
        The share p of the n seeds, and the ends of Wilson's interval.
    """
    wins = combined(lambda x, y: (x < y) + 0.5 * (x == y), a, b)
    n, p = len(wins.values), wins.mean
    z = NormalDist().inv_cdf(1 - level / 2)
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Odds(p, (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n))


@functools.cache
def student(probability: float, freedom: int) -> float:
    r"""Return a quantile of Student's t distribution.

    Up to 30 degrees of freedom the finite sums of Abramowitz and Stegun (1964, 26.7.3 and 26.7.4)
    are inverted by bisection; beyond, the series of Fisher and Cornish is right to 5 digits.

    Args:
        probability: of a smaller value, from 0.5 to below 1.
        freedom: degrees of freedom, at least 1.
    """
    if freedom > 30:
        z = NormalDist().inv_cdf(probability)
        first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
        third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
        return z + first / freedom + second / freedom**2 + third / freedom**3
    low, high = 0.0, math.pi / 2  # of the angle whose tangent is t / sqrt(freedom)
    for _ in range(60):
        angle = (low + high) / 2
        odd = freedom % 2
        term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
        for k in range(1 + odd, freedom, 2):
            total += term
            term *= math.cos(angle) ** 2 * k / (k + 1)
        inside = math.sin(angle) * total  # the probability of a t between -t and t
        if odd:
            inside = 2 / math.pi * (angle + inside)
        low, high = (angle, high) if (1 + inside) / 2 < probability else (low, angle)
    return math.sqrt(freedom) * math.tan(low)


def direction(
    difference: np.ndarray,
    error: np.ndarray,
    freedom: int,
    resolution: float = 0.0,
    level: float = LEVEL,
) -> np.ndarray:
    r"""Return what can be said of mean differences: the core of ``RULE``.

    .. math:: \text{counts: } |d| > \max(t_{1 - \alpha / 2}\, s, r) \qquad
        \text{within: } |d| + t_{1 - \alpha}\, s \le r

    Args:
        difference: d, any shape.
        error: s, the standard error of each difference.
        freedom: degrees of freedom of the error.
        resolution: r, a difference that does not matter.
        level: alpha, how often a decision may be wrong.

    Returns:
        -1 or 1, the sign, where a difference counts, 0 where it is within the resolution, NaN
        where neither can be said.
    """
    size = np.abs(difference)
    counts = (size > resolution) & (size > student(1 - level / 2, freedom) * error)
    within = size + student(1 - level, freedom) * error <= resolution
    return np.where(counts, np.sign(difference), np.where(within, 0.0, math.nan))


LOWER, SAME = "lower", "same"


class Comparison(NamedTuple):
    """Two samples, and which of the two things is said of them: the first is lower, or the same."""

    a: Sample
    b: Sample
    claim: str = LOWER  # or SAME
    resolution: float = 0.0
    about: str = ""
    digits: int = 1  # to show after the point
    factor: float = 1.0  # to show, such as 100 for percent

    @property
    def difference(self) -> Sample:
        """The first less the second, seed by seed."""
        return combined(lambda a, b: a - b, self.a, self.b)

    @property
    def error(self) -> float:
        """The standard error of the mean difference; infinite where there is none."""
        found = self.difference
        return found.sd / math.sqrt(len(found.values)) if math.isfinite(found.sd) else math.inf

    def margin(self, level: float = LEVEL) -> float:
        r"""Return half the confidence interval of the mean difference.

        Args:
            level: the share of intervals that miss the true difference.
        """
        if not math.isfinite(self.error):
            return math.inf
        return student(1 - level / 2, len(self.difference.values) - 1) * self.error

    def direction(self, level: float = LEVEL) -> float:
        r"""Return -1 if the first is lower, 1 if the second is, 0 if they are the same, else NaN.

        Args:
            level: how often a decision may be wrong.
        """
        ends = [{math.isfinite(value) for value in each.values} for each in (self.a, self.b)]
        if ends in ([{True}, {False}], [{False}, {True}]):
            return -1.0 if ends[0] == {True} else 1.0
        if not math.isfinite(self.error):
            return math.nan
        found = self.difference
        return float(
            direction(found.mean, self.error, len(found.values) - 1, self.resolution, level)
        )

    def verdict(self, level: float = LEVEL) -> str:
        r"""Return HOLDS, FAILS, NO_DIFFERENCE or UNDECIDED.

        Args:
            level: how often a decision may be wrong.
        """
        return self._verdict(self.direction(level))

    @property
    def tendency(self) -> str:
        """The verdict that endless seeds would give, if the difference stayed as it is."""
        mean = self.difference.mean if math.isfinite(self.error) else math.nan
        return self._verdict(float(direction(mean, 0.0, 1, self.resolution)))

    def _verdict(self, found: float) -> str:
        if math.isnan(found):
            return UNDECIDED
        if self.claim == SAME:
            return FAILS if found else HOLDS
        return {-1.0: HOLDS, 0.0: NO_DIFFERENCE, 1.0: FAILS}[found]

    def seeds(self, level: float = LEVEL) -> float:
        r"""Return how many seeds would decide, with a chance of 80 %, at this mean and spread.

        Args:
            level: how often a decision may be wrong.

        Returns:
            The number; infinity for more than 1,000, as where the difference is the resolution;
            NaN where runs diverged or one seed shows no spread.
        """
        if not math.isfinite(self.error):
            return math.nan
        found = self.difference
        size = abs(found.mean)
        if found.sd == 0:
            return len(found.values) if size != self.resolution else math.inf

        def decides(count: int) -> bool:
            error, freedom = found.sd / math.sqrt(count), count - 1
            below = NormalDist(0.0, error).cdf
            if size > self.resolution:
                least = max(self.resolution, student(1 - level / 2, freedom) * error)
                return below(size - least) >= POWER
            room = self.resolution - student(1 - level, freedom) * error
            return below(room - size) + below(room + size) - 1 >= POWER

        low, high = 1, MOST_SEEDS  # it decides from high on, and not at low
        if not decides(high):
            return math.inf
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if decides(middle) else (middle, high)
        return high

    def show(self) -> str:
        """Return both samples, their difference, its 95 % interval, and who is lower how often."""
        about = f"{self.about}: " if self.about else ""
        sides = " against ".join(s.show(self.digits, self.factor) for s in (self.a, self.b))
        if not math.isfinite(self.error):
            return f"{about}{sides}"
        mean, margin = self.difference.mean, self.margin()
        ends = [self.factor * (mean + sign * margin) for sign in (-1, 1)]
        interval = ", ".join(f"{end:.{self.digits + 1}f}" for end in ends)
        wins = sum(value < 0 for value in self.difference.values)
        return (
            f"{about}{sides}, difference {self.factor * mean:.{self.digits + 1}f} [{interval}], "
            f"lower in {wins} of {len(self.difference.values)} seeds"
        )


@dataclass(frozen=True)
class Judgement:
    r"""What the rows say about a claim.

    Attributes:
        parts: the comparisons that it is made of; all must hold.
        text: what was measured, in words, where the parts do not say it.
        settled: the verdict where no comparison over seeds finds it.
        data: names of the data sets, where there are no parts.
    """

    parts: tuple[Comparison, ...] = ()
    text: str = ""
    settled: str = ""
    data: tuple[str, ...] = ()

    @property
    def tested(self) -> bool:
        """Whether there are runs of all that the claim is about."""
        return self.settled not in (UNTESTED, NEVER_RUN)

    @property
    def measured(self) -> str:
        """What was measured, in words; of many parts the three that speak most against it."""
        shown = self.parts
        if len(shown) > MOST_SHOWN:
            shown = sorted(shown, key=lambda part: part.b.mean - part.a.mean)[:3]
        more = len(self.parts) - len(shown)
        texts = [self.text, *(part.show() for part in shown), f"{more} more" if more else ""]
        return "; ".join(filter(None, texts))

    @property
    def data_used(self) -> tuple[str, ...]:
        """Names of the data sets behind it."""
        names = [name for part in self.parts for s in (part.a, part.b) for name in s.data]
        return tuple(dict.fromkeys([*self.data, *names]))

    def verdict(self, level: float = LEVEL) -> str:
        r"""Return HOLDS if all parts hold, else the worst that can be said of one of them.

        Args:
            level: how often a decision may be wrong.
        """
        if self.settled:
            return self.settled
        if self.parts and all(part.verdict(level) == HOLDS for part in self.parts):
            return HOLDS
        found = {part.verdict(level / len(self.parts)) for part in self.parts}
        return next((each for each in (FAILS, NO_DIFFERENCE) if each in found), UNDECIDED)

    def seeds(self, level: float = LEVEL) -> float:
        r"""Return how many seeds would decide it, if differences and spreads stay as they are.

        Args:
            level: how often a decision may be wrong.

        Returns:
            Of parts that all look like holding the most that one needs; else the fewest that one
            needs to refute the claim. NaN where no part has a spread.
        """
        against = [part for part in self.parts if part.tendency != HOLDS]
        if against:
            needed = [part.seeds(level / len(self.parts)) for part in against]
            return min((n for n in needed if not math.isnan(n)), default=math.nan)
        needed = [part.seeds(level) for part in self.parts]
        return math.nan if not needed or any(map(math.isnan, needed)) else max(needed)


def holm(judgements: Sequence[Judgement]) -> list[float]:
    r"""Return the level at which each primary claim is judged, so that all share one of 5 %.

    Holm (1979): the clearest of m claims is tested at 5 % / m, the next at 5 % / (m - 1), until one
    is undecided.

    Args:
        judgements: of the primary claims that were tested.
    """
    levels, left = [LEVEL] * len(judgements), set(range(len(judgements)))
    while left:
        level = LEVEL / len(left)
        for number in left:
            levels[number] = level
        decided = {number for number in left if judgements[number].verdict(level) != UNDECIDED}
        if not decided:
            break
        left -= decided
    return levels


class Printed(NamedTuple):
    """A figure that the paper prints, and where our rows have its counterpart."""

    where: str  # "Table 1"
    what: str  # "test accuracy, seq4 by cutoff"
    value: float | str
    setting: Mapping[str, object] | None = None  # the columns of the rows to compare; None: not run
    column: str = ""
    digits: int = 4
    resolution: float | None = None  # in units of the value; None: shown, not judged


Judge = Callable[[Sequence[dict]], Judgement]


class Claim(NamedTuple):
    """Something the paper says, or a fair control of ours, and the rule that judges it."""

    says: str
    printed: str  # the paper's own figure for it; "not in the paper" for a control
    rule: str  # in words
    judge: Judge
    words: str = ""  # the paper's own, where the claim is the paper's
    primary: bool = False  # at most three in a paper; the others are secondary
    post_hoc: bool = False  # split or reworded after results had been seen
    data: tuple[str, ...] | None = None  # the paper's, of this claim; None: all of the paper's
    before: str = ""  # its words before the claims were locked, where they were others

    @property
    def kind(self) -> str:
        """What kind of claim it is, in words."""
        return ("primary" if self.primary else "secondary") + ", post hoc" * self.post_hoc


def control(
    says: str, rule: str, judge: Judge, printed: str = "not in the paper", **more: object
) -> Claim:
    r"""Return a claim of ours, which no paper prints.

    Args:
        says: as for ``Claim``.
        rule: in words.
        judge: of rows.
        printed: what stands where a paper's figure would.
        more: as for ``Claim``.
    """
    return Claim(says, printed, rule, judge, **more)


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
        setting: network, data and training in words, by scale, for titles.
        grid: the settings at a scale; ``data`` is a column of each. Listing them loads nothing.
        train: runs one setting: ``train(**setting, seed=seed)``; see ``sweep.Sweep``.
        stack: for ``sweep.Sweep``.
        printed: every figure that the paper prints.
        claims: what is judged.
        pictures: from rows to the figures of the report.
        papers_data: the data of the paper itself; on other data its printed figures are not judged.
        seeds: those that judge its claims.
        dropped: claims that are judged no more, and why.
        effort: what was easy, what was hard, and whether the authors were asked, a sentence each.
        tables: from rows to the tables of the report.
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
    seeds: tuple[int, ...] = SEEDS
    dropped: tuple[tuple[str, str], ...] = ()
    effort: tuple[str, ...] = ()
    tables: Callable[[Sequence[dict]], "list[Verdicts]"] = lambda rows: []


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
        NotTestedError: no row has the setting, or none has the column.
    """
    found = sorted(select(rows, **setting), key=lambda row: row["seed"])
    if not any(column in row for row in found):
        raise NotTestedError(f"No run has {setting} and a {column}.")
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
    return Sample(
        tuple(v if good else math.inf for v, good in zip(values, finite, strict=True)),
        tuple(row["seed"] for row in rows),
        tuple(dict.fromkeys(str(row["data"]) for row in rows if "data" in row)),
    )


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


def curve_lines(
    curves: Mapping[str, Mapping[float, Sample]], factor: float = 1.0
) -> dict[str, tuple[list[float], list[list[float]]]]:
    r"""Return response curves as the lines of a picture.

    Args:
        curves: name -> curve.
        factor: of the values, such as 100 for percent.
    """
    return {
        name: (list(curve), [[factor * v for v in at.values] for at in curve.values()])
        for name, curve in curves.items()
    }


def lowest(curve: Mapping[float, Sample], digits: int = 1, factor: float = 1.0) -> str:
    r"""Return in words how low a curve comes down, and where.

    Args:
        curve: a response curve.
        digits: to show after the point.
        factor: to show, such as 100 for percent.
    """
    rate = min(curve, key=lambda rate: curve[rate].mean)
    return f"comes down to {curve[rate].show(digits, factor)} % at {edge_text(rate, list(curve))}"


def tuned(
    rows: Sequence[dict], column: str, by: str = "", **setting: object
) -> tuple[float, Sample]:
    r"""Return the learning rate with the lowest mean, and a sample at that rate.

    Args:
        rows: of a sweep.
        column: of the sample: an error, a loss, a number of epochs.
        by: the column whose mean chooses, such as "validation_error"; without it ``column``.
        setting: column=value.
    """
    curve = response(rows, by or column, **setting)
    best = min(curve, key=lambda rate: curve[rate].mean)
    return best, sample(rows, column, **setting, learning_rate=best) if by else curve[best]


def tuned_on_others(
    rows: Sequence[dict],
    column: str,
    among: Mapping[float, Sample] | None = None,
    **setting: object,
) -> dict[int, float]:
    r"""Return for each seed the rate with the lowest mean over all other seeds.

    Where no validation images can choose, as for a number of epochs, the seed that is judged has
    no part in the choice.

    Args:
        rows: of a sweep.
        column: what is to be low.
        among: rate -> its sample, where that is no column of the rows.
        setting: column=value.

    Raises:
        NotTestedError: there are fewer than two seeds.
    """
    curve = response(rows, column, **setting) if among is None else among
    seeds = list(dict.fromkeys(seed for found in curve.values() for seed in found.by_seed))
    if len(seeds) < 2:
        raise NotTestedError("To choose a rate on other seeds takes at least two.")
    chosen = {}
    for seed in seeds:
        others = {
            rate: fmean(value for other, value in found.by_seed.items() if other != seed)
            for rate, found in curve.items()
        }
        chosen[seed] = min(others, key=lambda rate: others[rate])
    return chosen


def at_rates(curve: Mapping[float, Sample], rates: Mapping[int, float]) -> Sample:
    r"""Return the values that each seed has at a rate of its own.

    Args:
        curve: rate -> its sample.
        rates: seed -> its rate.
    """
    data = next(iter(curve.values())).data
    return Sample(tuple(curve[r].by_seed[seed] for seed, r in rates.items()), tuple(rates), data)


def points(of: Sample) -> float:
    r"""Return the difference of errors, in percent, that is too small to matter: the resolution.

    Args:
        of: errors of a setting.

    Returns:
        Half a point; on MNIST, where all errors are about one percent, a tenth of one.
    """
    return 0.1 if "mnist" in of.data else 0.5


def rate_text(rows: Sequence[dict], rate: float, **setting: object) -> str:
    r"""Return a rate in words, named where it is an end of its grid: a better may lie beyond.

    Args:
        rows: of a sweep.
        rate: the best one.
        setting: column=value of the grid.
    """
    return edge_text(rate, [row["learning_rate"] for row in select(rows, **setting)])


def edge_text(rate: float, rates: Sequence[float]) -> str:
    r"""Return a rate in words, named where it is the lowest or the highest of several.

    Args:
        rate: the best one.
        rates: its grid.
    """
    ends = {min(rates): "lowest", max(rates): "highest"} if len(set(rates)) > 1 else {}
    return f"{rate:.3g}" + (f" (the {ends[rate]} of its grid)" if rate in ends else "")


def lower(a: Sample, b: Sample, resolution: float = 0.0) -> str:
    r"""Judge that the mean of a lies below that of b, by ``RULE``.

    Args:
        a: said to be lower (an error, a loss, a number of epochs).
        b: said to be higher.
        resolution: a difference that counts for nothing.

    Returns:
        HOLDS, FAILS, NO_DIFFERENCE or UNDECIDED.
    """
    return Comparison(a, b, LOWER, resolution).verdict()


def same(a: Sample, b: Sample, resolution: float) -> str:
    r"""Judge that two means are equal, by ``RULE``.

    Args:
        a: the values of one setting.
        b: of the other.
        resolution: a difference that counts for nothing.

    Returns:
        HOLDS, FAILS or UNDECIDED.
    """
    return Comparison(a, b, SAME, resolution).verdict()


def compare(
    pairs: Mapping[object, tuple[Sample, Sample]],
    claim: str = LOWER,
    resolution: float = 0.0,
    digits: int = 1,
    factor: float = 1.0,
) -> Judgement:
    r"""Return the judgement of a claim that says the same of several pairs.

    Args:
        pairs: what a pair is about -> its two samples.
        claim: LOWER or SAME.
        resolution: a difference that counts for nothing.
        digits: to show after the point.
        factor: to show, such as 100 for percent.

    Raises:
        NotTestedError: there is no pair.
    """
    if not pairs:
        raise NotTestedError("There is nothing to compare.")
    return Judgement(
        tuple(
            Comparison(a, b, claim, resolution, str(about), digits, factor)
            for about, (a, b) in pairs.items()
        )
    )


def asking(judge: Callable[..., Judgement], *about: object, **more: object) -> Judge:
    r"""Return a judge of rows that asks another for what the claim is about.

    Args:
        judge: takes rows first.
        about: what else it takes.
        more: the same by name.
    """
    return lambda rows: judge(rows, *about, **more)


def of_all(items: Iterable[Any], what: str, find: Callable[[Any], Any]) -> dict[Any, Any]:
    r"""Return what a claim compares for each of several settings, all of which must have runs.

    Args:
        items: such as batch sizes.
        what: one of them in words, "batch size".
        find: from an item to its samples.

    Raises:
        MissingRunsError: items have no runs.
    """
    found, without = {}, []
    for item in items:
        try:
            found[item] = find(item)
        except NotTestedError:
            without.append(str(item))
    if without:
        raise MissingRunsError(f"Runs are missing at {what} {', '.join(without)}.")
    return found


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

    def tested(self) -> "Verdicts":
        """Return the table without the claims that its rows do not test."""
        body = [line for line in self.body if line[-1] not in (UNTESTED, NEVER_RUN)]
        return replace(self, body=body)

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


def judgements(paper: Paper, rows: Sequence[dict]) -> list[tuple[Claim, Judgement, str, float]]:
    r"""Judge all claims of a paper, the primary ones by Holm's procedure.

    Args:
        paper: the paper.
        rows: of its sweep.

    Returns:
        For each claim: what the rows say, the verdict, and the level at which it was found.
    """
    found: list[Judgement] = []
    for claim in paper.claims:
        try:
            found.append(claim.judge(rows))
        except NotTestedError as error:
            said = str(error) if isinstance(error, MissingRunsError) else ""
            found.append(Judgement(text=said, settled=UNTESTED))
    primary = [n for n, claim in enumerate(paper.claims) if claim.primary and found[n].tested]
    levels = [LEVEL] * len(found)
    for number, level in zip(primary, holm([found[n] for n in primary]), strict=True):
        levels[number] = level
    return [
        (claim, judgement, judgement.verdict(level), level)
        for claim, judgement, level in zip(paper.claims, found, levels, strict=True)
    ]


def data_text(used: Sequence[str], papers: Sequence[str]) -> str:
    r"""Return the data behind a row in words, a stand-in named as one.

    Args:
        used: names of the data sets that were used.
        papers: those of the paper.
    """
    others = [name for name in used if name not in papers]
    if not papers or not others:
        return ", ".join(used)
    return f"{', '.join(used)}, in place of {', '.join(papers)}"


def seeds_text(needed: float) -> str:
    r"""Return in words how many seeds would decide an undecided claim.

    Args:
        needed: as ``Judgement.seeds`` returns it.
    """
    if math.isnan(needed):
        return ""
    if math.isinf(needed):
        return f"over {MOST_SEEDS:,} seeds would decide it"
    return f"{needed:.0f} seeds would decide it"


def judged(paper: Paper, rows: Sequence[dict], scale: str, locked: str = "") -> Verdicts:
    r"""Judge all claims of a paper.

    Args:
        paper: the paper.
        rows: of its sweep; a claim about a setting without rows is not tested at this scale.
        scale: one of the paper's ``setting``.
        locked: a sentence on whether its claims are those of the lock, from ``lock.state``.

    Returns:
        The table: claim, kind, data, printed, measured, verdict.
    """
    table = Verdicts(
        f"{paper.citation} Scale {scale}: {paper.setting[scale]} "
        "Measured: mean ± sd (seeds), the mean difference with its 95 % interval, and in how many "
        "seeds the side that is named first is lower. "
        f"{locked}",
        ("claim", "kind", "data", "printed", "measured", "verdict"),
    )
    for claim, judgement, verdict, level in judgements(paper, rows):
        papers = paper.papers_data if claim.data is None else claim.data
        data = data_text(judgement.data_used, papers) if judgement.tested else ", ".join(papers)
        needed = seeds_text(judgement.seeds(level)) if verdict == UNDECIDED else ""
        measured = "; ".join(filter(None, [judgement.measured, needed]))
        table.body.append((claim.says, claim.kind, data, claim.printed, measured, verdict))
    return table


def compared(paper: Paper, rows: Sequence[dict]) -> Verdicts:
    r"""Set every printed figure beside its counterpart.

    Args:
        paper: the paper.
        rows: of its sweep.

    Returns:
        The table: where, what, data, printed, measured, verdict. A figure with a resolution is
        judged, on the paper's own data only: its runs must be the same as it, by ``RULE``.
    """
    table = Verdicts(
        "Every printed figure", ("where", "what", "data", "printed", "measured", "verdict")
    )
    for figure in paper.printed:
        shown = f"{figure.value:.{figure.digits}f}" if isinstance(figure.value, float) else ""
        shown = shown or str(figure.value)
        matching = [] if figure.setting is None else select(rows, **figure.setting)
        lines = []
        for name in dict.fromkeys(row.get("data") for row in matching):
            try:
                found = sample(matching, figure.column, data=name)
            except NotTestedError:
                continue
            verdict = SHOWN
            if figure.resolution is not None and set(found.data) <= set(paper.papers_data):
                verdict = same(found, constant(float(figure.value), found), figure.resolution)
            data = data_text(found.data, paper.papers_data)
            lines.append((data, shown, found.show(figure.digits), verdict))
        untested = NEVER_RUN if figure.setting is None else UNTESTED
        for line in lines or [("", shown, "", untested)]:
            table.body.append((figure.where, figure.what, *line))
    return table
