r"""Ahn: DA-SGD, a boost where two gradients in a row agree, at nine pairs of batch size and rate.

Chapter 13 derives that in Gaussian noise its mean step is 1.82 to 2 times that of SGD. So the grid
of rates goes up by factors of 1.82: SGD one rate farther up is the control of each run of DA-SGD.
"""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from lrcourse.nn import Array, Sigmoid
from lrcourse.optim import SGD, DirectionAccelerated, Momentum
from lrcourse.papers.dense import dense, quiet_fit
from lrcourse.papers.images import SHAPES, arrays, images
from lrcourse.papers.trial import (
    LOWER,
    SAME,
    Claim,
    Judgement,
    Paper,
    Picture,
    Printed,
    Sample,
    asking,
    average,
    combined,
    compare,
    control,
    curve_lines,
    of_all,
    over,
    rate_text,
    response,
    sample,
    select,
    tuned,
)
from lrcourse.sweep import stacking_is_faster
from lrcourse.training import Run

# Section 3: the rate for each batch size.
PAIRS = {
    1: 0.001,
    2: 0.001,
    4: 0.001,
    8: 0.002,
    16: 0.003,
    32: 0.004,
    64: 0.005,
    128: 0.006,
    256: 0.007,
}
LARGE = tuple(size for size in PAIRS if size >= 32)  # where DA-SGD "shows better performance"
# Batch sizes and seeds of ``own_scale`` in the order in which they run, the most needed first.
STAGES = (
    ((256, 128), range(10, 20)),
    ((64, 32), range(10, 14)),
    ((16, 8), range(10, 14)),
    ((64, 32), range(14, 20)),
)
TESTED = {  # at each scale
    "quick": tuple(size for size in PAIRS if size >= 8),
    "full": tuple(PAIRS),
    "own": tuple(sorted({size for sizes, _ in STAGES for size in sizes})),
}
RACE = (32, 256)  # batch sizes at which all rules run over all rates
REACH = 1.82  # 1.5 + 1/pi: the mean step of DA-SGD in that of SGD, in Gaussian noise alone
FIGURE_3 = tuple(round(0.001 * step, 3) for step in range(1, 11))  # SGD's rates at batch size 8
SETS = ("fashion-mnist", "kmnist", "quickdraw-10")
RULES = {
    "sgd": SGD,
    "da-sgd": DirectionAccelerated,
    "momentum": functools.partial(Momentum, 0.5),
}
ERROR = 0.005  # a difference in test error that counts for nothing
Judge = Callable[..., Judgement]  # of rows, and what more the claim is about


def rate(batch_size: int, power: int = 0) -> float:
    r"""Return the paper's rate for a batch size, times a power of 1.82.

    Args:
        batch_size: one of ``PAIRS``.
        power: steps up the grid.
    """
    return round(PAIRS[batch_size] * REACH**power, 8)


def grid(scale: str) -> list[dict]:
    r"""Return the settings: three rules at the paper's pairs, SGD also at 1.82 times the rate.

    Args:
        scale: "quick" or "full". At quick, rates are multiplied by ``times``, so that rate times
            updates is that of the paper's 200 epochs of 60,000 images.
    """
    if scale == "quick":
        network, count, epochs, highest = "196-32-32-10", 6000, 60, 7
        sets, times = ["fashion-mini"], round(200 * 60_000 / (epochs * count), 4)
    else:
        network, count, epochs, highest, times = "784-128-128-10", None, 200, 10, 1.0
        sets = SETS
    common = {"network": network, "count": count, "validation": 0.2}
    common |= {"epochs": epochs, "times": times}
    return [
        {"data": data, **common, "batch_size": size, "method": method, "learning_rate": each}
        for data in sets
        for size in TESTED[scale]
        for method in RULES
        for each in rates(size, method, highest)
    ]


def rates(batch_size: int, method: str, highest: int) -> list[float]:
    r"""Return the learning rates, in the paper's units, at which a rule runs.

    Args:
        batch_size: one of ``PAIRS``.
        method: one of ``RULES``.
        highest: power of 1.82 up to which all rules go at the batch sizes of the race.
    """
    if batch_size in RACE:
        return [rate(batch_size, power) for power in range(highest + 1)]
    if method != "sgd":
        return [rate(batch_size)]
    figure_3 = FIGURE_3 if batch_size == 8 else ()
    return sorted({*figure_3, rate(batch_size), rate(batch_size, 1)})


class EarlyError:
    r"""A callback that measures once, after a tenth of the epochs.

    Args:
        x: test images.
        labels: of them.

    Attributes:
        error: the test error then, one for each run; NaN before.
    """

    def __init__(self, x: Array, labels: Array) -> None:
        self.part, self.error = (x, labels), math.nan

    def on_epoch_end(self, run: Run) -> None:
        """Measure, if a tenth of the epochs is done."""
        if run.epoch + 1 == max(run.epochs // 10, 1):
            self.error = 1 - run.network.accuracy(*self.part)


def train(
    data: str,
    network: str,
    count: int | None,
    validation: float,
    epochs: int,
    times: float,
    batch_size: int,
    method: str,
    learning_rate: float | Sequence[float],
    seed: int,
) -> dict | list[dict]:
    r"""Train a network, or one for each of several rates side by side.

    Args:
        data: name of the data set.
        network: widths of its layers, such as "196-32-32-10"; with 196 inputs images are pooled.
        count: images of each part to use, the first; None: all.
        validation: the share of the training images to set aside, to choose rates by.
        epochs: passes over the training images.
        times: by what the rate is multiplied.
        batch_size: examples a step.
        method: one of ``RULES``.
        learning_rate: in the paper's units; a list for a stack of runs.
        seed: of start and batches, and of the images that are set aside.

    Returns:
        test_error and validation_error (where images are set aside) at the end, early_error, that
        on test images after a tenth of the epochs, loss and first_loss, the means of the last and
        the first epoch, and step_ms, CPU milliseconds a step; for a list of rates a list of them.
    """
    widths = list(map(int, network.split("-")))
    parts = images(data, validation, seed)
    few, aside, test = arrays(parts, SHAPES.get(widths[0], np.asarray), count)
    measured = {"test_error": test} | ({"validation_error": aside} if validation else {})
    rng = np.random.default_rng(seed)
    stacked = not isinstance(learning_rate, float)
    runs = len(learning_rate) if stacked else None
    student = dense(widths, rng, runs, activation=Sigmoid, init="xavier")
    scaled = times * np.reshape(learning_rate, (-1, 1)) if stacked else times * learning_rate
    early, rule = EarlyError(*test), RULES[method]()
    history, step_ms = quiet_fit(student, few, rule, scaled, batch_size, epochs, rng, early)
    losses = np.ravel(history.loss[-1] if history.stopped else history.epochs[-1]["loss"])
    first = history.epochs[0]["loss"] if history.epochs else math.nan
    columns = {name: 1 - student.accuracy(*part) for name, part in measured.items()}
    columns |= {"early_error": early.error, "first_loss": first}
    columns = {
        name: np.broadcast_to(np.ravel(values), losses.shape) for name, values in columns.items()
    }
    results = []
    for number, loss in enumerate(losses):
        row = {name: round(float(values[number]), 5) for name, values in columns.items()}
        row["loss"] = round(float(loss), 5)
        if not math.isfinite(loss):
            row = dict.fromkeys(row, math.nan)
        results.append(row | {"step_ms": step_ms})
    return results if stacked else results[0]


def stack(setting: dict) -> bool:
    r"""Say whether runs that differ only in their rate are trained side by side.

    Args:
        setting: of the grid.
    """
    widths = map(int, setting["network"].split("-"))
    return stacking_is_faster(sum(a * b for a, b in pairwise(widths)), setting["batch_size"])


def at(rows: Sequence[dict], column: str, batch_size: int, method: str, power: int = 0) -> Sample:
    r"""Return what a rule measured at the paper's rate, or some steps up the grid.

    Args:
        rows: of one data set.
        column: "test_error" or "loss".
        batch_size: one of ``PAIRS``.
        method: one of ``RULES``.
        power: of 1.82, on the paper's rate.
    """
    setting = {"method": method, "batch_size": batch_size, "learning_rate": rate(batch_size, power)}
    return sample(rows, column, **setting)


def on_each(judge: Judge) -> Judge:
    r"""Return a judge of several data sets, whose claim holds if it holds on each.

    Args:
        judge: of the rows of one data set.
    """

    @functools.wraps(judge)
    def judge_all(rows: Sequence[dict], *about: object, **more: object) -> Judgement:
        names = list(dict.fromkeys(row["data"] for row in rows))
        if len(names) < 2:
            return judge(rows, *about, **more)
        found = {name: judge(select(rows, data=name), *about, **more) for name in names}
        return Judgement(
            tuple(
                part._replace(about=f"{name}, {part.about}")
                for name, judgement in found.items()
                for part in judgement.parts
            )
        )

    return judge_all


def sizes_of(rows: Sequence[dict]) -> tuple[int, ...]:
    r"""Return the batch sizes of the grid that rows belong to, those without a row too.

    Args:
        rows: of one data set.
    """
    if any(row["validation"] == 0 for row in rows):
        return TESTED["own"]
    return TESTED["quick" if any(row["network"].startswith("196-") for row in rows) else "full"]


def errors(rows: Sequence[dict], batch_size: int, power: int = 0) -> tuple[Sample, Sample]:
    r"""Return the test errors of DA-SGD at the paper's rate and of SGD.

    Args:
        rows: of one data set.
        batch_size: one of ``PAIRS``.
        power: of 1.82, on the rate of SGD.
    """
    ours = at(rows, "test_error", batch_size, "da-sgd")
    return ours, at(rows, "test_error", batch_size, "sgd", power)


def points(
    pairs: dict[object, tuple[Sample, Sample]], resolution: float = ERROR, claim: str = LOWER
) -> Judgement:
    r"""Return the judgement of pairs of test errors.

    Args:
        pairs: what a pair is about -> its two samples.
        resolution: a difference that counts for nothing.
        claim: LOWER or SAME.
    """
    return compare(pairs, claim, resolution, 1, 100)


at_all = functools.partial(of_all, what="batch size")


@on_each
def better_at(rows: Sequence[dict], *sizes: int) -> Judgement:
    r"""Judge that DA-SGD has a lower test error than SGD at the same rate.

    Args:
        rows: of one data set.
        sizes: batch sizes.
    """
    return points(at_all(sizes, find=lambda size: errors(rows, size)))


def below_32(rows: Sequence[dict]) -> dict[int, tuple[Sample, Sample]]:
    r"""Return the test errors of SGD and of DA-SGD at each batch size below 32.

    Args:
        rows: of one data set.
    """
    sizes = [size for size in sizes_of(rows) if size not in LARGE]
    return at_all(sizes, find=lambda size: errors(rows, size)[::-1])


@on_each
def small_batches(rows: Sequence[dict]) -> Judgement:
    """Judge that below batch size 32 SGD generally has the lower test error: the mean of all."""
    sgd, da = (average(side) for side in zip(*below_32(rows).values(), strict=True))
    return points({"mean of sizes below 32": (sgd, da)})


@on_each
def worse_at_small(rows: Sequence[dict]) -> Judgement:
    """Judge that at every batch size below 32 SGD has the lower test error."""
    return points(below_32(rows))


@on_each
def gain_grows(rows: Sequence[dict]) -> Judgement:
    """Judge that DA-SGD gains more at 64, 128 and 256 than at 32, seed by seed."""
    gains = {
        size: combined(lambda da, sgd: sgd - da, *pair)
        for size, pair in at_all(LARGE, find=lambda size: errors(rows, size)).items()
    }
    return points({f"{LARGE[0]} and {size}": (gains[LARGE[0]], gains[size]) for size in LARGE[1:]})


def alike_on_quickdraw(rows: Sequence[dict]) -> Judgement:
    """Judge that on QuickDraw-10 both are alike below batch size 8."""
    rows, sizes = select(rows, data="quickdraw-10"), [size for size in PAIRS if size < 8]
    return points(at_all(sizes, find=lambda size: errors(rows, size)), 0.01, SAME)


@on_each
def against(
    rows: Sequence[dict], other: str, column: str, claim: str, resolution: float, *sizes: int
) -> Judgement:
    r"""Judge DA-SGD against another rule at the same rates.

    Args:
        rows: of one data set.
        other: one of ``RULES``.
        column: "test_error" or "early_error".
        claim: LOWER or SAME.
        resolution: of the error.
        sizes: batch sizes; without any, all of the grid.
    """
    pairs = at_all(
        sizes or sizes_of(rows),
        find=lambda size: tuple(at(rows, column, size, name) for name in ("da-sgd", other)),
    )
    return points(pairs, resolution, claim)


def ratios(
    rows: Sequence[dict], column: str, sizes: Sequence[int], power: int, rival: float
) -> dict[int, tuple[Sample, Sample]]:
    r"""Return DA-SGD over SGD, seed by seed, and a number to compare that with.

    Args:
        rows: of one data set.
        column: what was measured.
        sizes: batch sizes.
        power: of 1.82, on the rate of SGD.
        rival: the number.
    """

    def ratio(size: int) -> tuple[Sample, Sample]:
        da, sgd = at(rows, column, size, "da-sgd"), at(rows, column, size, "sgd", power)
        return over(da, sgd, rival)

    return at_all(sizes, find=ratio)


@on_each
def cost(rows: Sequence[dict]) -> Judgement:
    """Judge that a step of DA-SGD costs at most a tenth more than one of SGD: their ratio."""
    return compare(ratios(rows, "step_ms", sizes_of(rows), 0, 1.1), digits=2)


@on_each
def reference_rate(rows: Sequence[dict]) -> Judgement:
    """Judge that at batch size 8 SGD ends better at 0.002 than at 0.001."""
    low = sample(rows, "test_error", method="sgd", batch_size=8, learning_rate=0.001)
    return points({8: (at(rows, "test_error", 8, "sgd"), low)})


@on_each
def same_error_as_larger_rate(rows: Sequence[dict]) -> Judgement:
    """Judge that SGD at 1.82 times the rate has the test error of DA-SGD."""
    return points(at_all(sizes_of(rows), find=lambda size: errors(rows, size, 1)), 0.01, SAME)


@on_each
def same_loss(rows: Sequence[dict], of: Callable[[int], bool] = lambda size: True) -> Judgement:
    r"""Judge that SGD at 1.82 times the rate has the training loss of DA-SGD.

    Args:
        rows: of one data set.
        of: which batch sizes.
    """
    sizes = list(filter(of, sizes_of(rows)))
    return compare(ratios(rows, "loss", sizes, 1, 1.0), SAME, 0.05, 3)


def best(rows: Sequence[dict], batch_size: int, method: str) -> tuple[str, Sample]:
    r"""Return the best rate of a rule in words, and the test errors there.

    Args:
        rows: of one data set.
        batch_size: one of ``RACE``.
        method: one of ``RULES``.
    """
    setting = {"batch_size": batch_size, "method": method}
    found, errors_there = tuned(rows, "test_error", by="validation_error", **setting)
    return rate_text(rows, found, **setting), errors_there


@on_each
def tuning_gains_more(rows: Sequence[dict], *sizes: int) -> Judgement:
    r"""Judge that SGD at its best rate is better than DA-SGD at the paper's.

    Args:
        rows: of one data set.
        sizes: of ``RACE``.
    """
    found = at_all(sizes, find=lambda size: (*best(rows, size, "sgd"), errors(rows, size)[0]))
    return points({f"{size}, SGD at {rate}": (sgd, da) for size, (rate, sgd, da) in found.items()})


@on_each
def best_against_best(rows: Sequence[dict], other: str) -> Judgement:
    r"""Judge that DA-SGD is better than another rule, each at its best rate.

    Args:
        rows: of one data set.
        other: "sgd" or "momentum".
    """
    found = at_all(RACE, find=lambda size: [best(rows, size, name) for name in ("da-sgd", other)])
    return points(
        {
            f"{size}, at {ours} and {theirs}": (da, them)
            for size, ((ours, da), (theirs, them)) in found.items()
        }
    )


@on_each
def farther_edge(rows: Sequence[dict], *sizes: int) -> Judgement:
    r"""Judge that one rate past SGD's lowest loss DA-SGD is lower than SGD at 1.82 times that.

    Args:
        rows: of one data set.
        sizes: of ``RACE``.
    """

    def past(size: int) -> tuple[Sample, Sample]:
        lowest = tuned(rows, "loss", batch_size=size, method="sgd")[0]
        power = round(math.log(lowest / rate(size), REACH)) + 1
        return at(rows, "loss", size, "da-sgd", power), at(rows, "loss", size, "sgd", power + 1)

    return compare(at_all(sizes, find=past), digits=3)


OPEN = "left open: further research needed"
CLAIMS = (
    Claim(
        "From batch size 32 on DA-SGD has a lower test error (%) than SGD at the same rate.",
        "Figure 4: better",
        "lower by over 0.5 points at 32, 64, 128 and 256",
        asking(better_at, *LARGE),
        words="the proposed method shows better performance for big batch sizes that are, where in "
        "this experiment, equal to or bigger than 32",
        primary=True,
    ),
    Claim(
        "Below batch size 32 SGD generally has a lower test error (%) than DA-SGD.",
        "Figure 4: generally, below 32; introduction: below 8",
        "lower by over 0.5 points in the mean of all batch sizes below 32 that were run",
        small_batches,
        words="Batch sizes 1 and 2 show different results for each dataset, but vanilla SGD "
        "generally performs better with batch sizes smaller than 32",
        primary=True,
    ),
    Claim(
        "The gain of DA-SGD (points) is larger at 64, 128 and 256 than at 32.",
        "Figure 4: a bigger difference",
        "larger by over 0.5 points at each",
        gain_grows,
        words="This performance difference is more pronounced when the batch size is larger",
        primary=True,
    ),
    Claim(
        "At batch sizes 64, 128 and 256 DA-SGD has a lower test error (%) than SGD at that rate.",
        "Figure 4: better",
        "lower by over 0.5 points at each",
        asking(better_at, 64, 128, 256),
        post_hoc=True,
    ),
    Claim(
        "At batch size 32, too.",
        "Figure 4: better, by less",
        "lower by over 0.5 points",
        asking(better_at, 32),
        post_hoc=True,
    ),
    Claim(
        "At every batch size below 32 SGD has a lower test error (%) than DA-SGD.",
        "Figure 4: generally, below 32; introduction: below 8",
        "lower by over 0.5 points at all batch sizes below 32 that were run",
        worse_at_small,
        before="Below batch size 32 SGD has a lower test error (%) than DA-SGD.",
    ),
    Claim(
        "At batch size 8 SGD ends with a lower test error (%) at the rate 0.002 than at 0.001.",
        "Figure 3: better",
        "lower by over 0.5 points",
        reference_rate,
        words="the learning rate of 0.002 at epoch 200 shows better performance than 0.001",
    ),
    Claim(
        "From batch size 32 on DA-SGD learns faster: its test error (%) is lower after a tenth of "
        "the epochs.",
        "Figure 5: curves",
        "lower by over 0.5 points at 32, 64, 128 and 256",
        asking(against, "sgd", "early_error", LOWER, ERROR, *LARGE),
        words="it was possible to obtain a better accuracy rate as well as a faster learning speed",
    ),
    Claim(
        "On QuickDraw-10 DA-SGD and SGD have the same test error (%) below batch size 8.",
        "introduction: similar performance",
        "within 1 point at 1, 2 and 4",
        alike_on_quickdraw,
        words="in the case of quickdraw 10, similar performance was shown between the vanilla "
        "gradient and the method proposed in this study",
        data=("quickdraw-10",),
    ),
    control(
        "Control: a step of DA-SGD takes at most a tenth more time than one of SGD (DA-SGD over "
        "SGD).",
        "a ratio of CPU times below 1.1 at all batch sizes that were run",
        cost,
    ),
    control(
        "Control: SGD at 1.82 times the rate has the same test error (%) as DA-SGD.",
        "within 1 point at all batch sizes that were run",
        same_error_as_larger_rate,
    ),
    control(
        "Control: it has the same training loss, too (DA-SGD over SGD at 1.82 times the rate).",
        "a ratio within 5 % of 1 at all batch sizes that were run",
        same_loss,
    ),
    control(
        "Control: from batch size 32 on it has the same training loss, too (DA-SGD over SGD at "
        "1.82 times the rate).",
        "a ratio within 5 % of 1 at each",
        asking(same_loss, LARGE.__contains__),
        post_hoc=True,
    ),
    control(
        "Control: the same training loss below batch size 32.",
        "a ratio within 5 % of 1 at all batch sizes below 32 that were run",
        asking(same_loss, lambda size: size not in LARGE),
        post_hoc=True,
    ),
    control(
        "Control: tuning the rate of SGD gains more than DA-SGD: test error (%) of SGD at its best "
        "rate against DA-SGD at the paper's.",
        "lower by over 0.5 points at 32 and 256",
        asking(tuning_gains_more, *RACE),
    ),
    control(
        "Control: at batch size 256 tuning the rate of SGD gains more than DA-SGD: test error (%) "
        "of SGD at its best rate against DA-SGD at the paper's.",
        "lower by over 0.5 points",
        asking(tuning_gains_more, 256),
        post_hoc=True,
    ),
    control(
        "Control: at its best rate DA-SGD has a lower test error (%) than SGD at its own.",
        "lower by over 0.5 points at 32 and 256",
        asking(best_against_best, "sgd"),
    ),
    Claim(
        "DA-SGD has a lower test error (%) than momentum 0.5 at the same rate.",
        OPEN,
        "lower by over 0.5 points at all batch sizes that were run",
        asking(against, "momentum", "test_error", LOWER, ERROR),
    ),
    Claim(
        "DA-SGD has the same test error (%) as momentum 0.5 at the same rate.",
        OPEN,
        "within 1 point at all batch sizes that were run",
        asking(against, "momentum", "test_error", SAME, 0.01),
        post_hoc=True,
    ),
    Claim(
        "At its best rate DA-SGD has a lower test error (%) than momentum 0.5 at its own.",
        OPEN,
        "lower by over 0.5 points at 32 and 256",
        asking(best_against_best, "momentum"),
    ),
    control(
        "Control: the edge of DA-SGD is that of SGD, not of SGD at 1.82 times the rate: one rate "
        "past the lowest loss of SGD, DA-SGD has the lower loss of those two.",
        "lower at 32 and 256",
        asking(farther_edge, *RACE),
    ),
    control(
        "Control: at batch size 256 the edge of DA-SGD is that of SGD, not of SGD at 1.82 times "
        "the rate: one rate past the lowest loss of SGD, DA-SGD has the lower loss of those two.",
        "lower",
        asking(farther_edge, 256),
        post_hoc=True,
    ),
    control(
        "Control: that is so at batch size 32, too, where noise sets the edge.",
        "lower",
        asking(farther_edge, 32),
        post_hoc=True,
    ),
)


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return error against batch size, and against rate for each batch size of the race.

    Args:
        rows: of the sweep.
    """
    names = {"SGD": "sgd", "DA-SGD": "da-sgd", "momentum 0.5": "momentum"}
    runs = {name: (method, 0) for name, method in names.items()}
    runs["SGD at 1.82 times the rate"] = "sgd", 1
    found = []
    for data in dict.fromkeys(row["data"] for row in rows):
        here = select(rows, data=data)
        sizes = sorted({row["batch_size"] for row in here})
        curves = {
            name: {size: at(here, "test_error", size, *run) for size in sizes}
            for name, run in runs.items()
        }
        ours, larger = curves["DA-SGD"], curves["SGD at 1.82 times the rate"]
        apart = max(abs(ours[size].mean - larger[size].mean) for size in sizes)
        highest = max(curves, key=lambda name: curves[name][sizes[-1]].mean)
        alt = (
            f"Test error on {data} against batch size at the paper's rates. {highest} is highest "
            f"at {sizes[-1]}; DA-SGD and SGD at 1.82 times the rate are at most "
            f"{100 * apart:.1f} points apart."
        )
        found.append(Picture(curve_lines(curves), "batch size", "test error", alt))
        for size in RACE:
            curves, bottoms = {}, []
            for name, method in names.items():
                curves[name] = response(here, "test_error", batch_size=size, method=method)
                rate, errors = best(here, size, method)
                bottoms.append(f"{name} comes down to {100 * errors.mean:.1f} % at {rate}")
            alt = (
                f"Test error on {data} against rate at batch size {size}: at the rate with the "
                f"lowest validation error {'; '.join(bottoms)}."
            )
            x_label = "learning rate, in the paper's units"
            found.append(Picture(curve_lines(curves), x_label, "test error", alt))
    return found


def _printed() -> tuple[Printed, ...]:
    curves = "curves, no numbers"
    printed = functools.partial(Printed, column="test_error")
    figure_3 = functools.partial(printed, "Figure 3", value=curves)
    figure_4 = functools.partial(printed, "Figure 4", value="a point, no number")

    def of(size: int, method: str, rate: float) -> dict:
        return {"method": method, "batch_size": size, "learning_rate": rate}

    return (
        *(
            figure_3(f"test error, SGD at {rate:g}, batch size 8", setting=of(8, "sgd", rate))
            for rate in FIGURE_3
        ),
        *(
            figure_4(f"test error, {name}, batch size {size}", setting=of(size, method, rate(size)))
            for size in PAIRS
            for name, method in (("SGD", "sgd"), ("DA-SGD", "da-sgd"))
        ),
        Printed("Figure 5", "test accuracy by epoch, three data sets", curves),
    )


PAPER = Paper(
    name="da-sgd",
    citation="Sungjae Ahn, A Directional Gradient Acceleration Method In Mini-Batch Gradient "
    "Descent.",
    claim="Adding the mean of the last two gradients wherever they agree in sign (DA-SGD) gives a "
    "better accuracy than plain SGD at batch sizes of 32 and more.",
    control="SGD at 1.82 times the rate; SGD, DA-SGD and momentum 0.5 each at its best rate.",
    open=(
        "The results are pictures (Figures 3 to 5) without a number, so none can be set beside "
        "ours; the number of runs is not given.",
        "Loss, output, start and scale of the inputs are not given: we take softmax with "
        "cross-entropy, Xavier's start and pixels from 0 to 1.",
        'The paper says "avg" of the sum of two gradients: we take half of the sum, as its text '
        "has it. Before the first step there is no gradient and no boost.",
        "It writes that larger batches shrink the mean gradient. They do not: they shrink its "
        "noise. From batch size 8 to 256 rate times updates falls 9 times, so large batches are "
        "left behind by the rates.",
        "SGD is said to be better below batch size 8 in the introduction, below 32 in the results.",
        "The captions of Figure 5 name Kuzushiji-MNIST twice and QuickDraw never.",
        "At the quick scale rates are 33 times the paper's, for 33 times fewer updates. Each step "
        "is noisier for it, most at small batches: there only the full scale tests the paper.",
        "The paper chose its rates by test accuracy. We set a fifth of the training images aside, "
        "another fifth for each seed, and choose best rates by those; all rules have the same.",
        "Reference 16, cited for batches that grow instead of rates that decay, is another paper "
        "of the same author: that one is Smith, Kindermans, Ying and Le, arXiv:1711.00489.",
    ),
    setting={
        "quick": "196-32-32-10, sigmoid, Xavier's start; 6,000 images of fashion-mini pooled to "
        "14x14, 2,000 for validation; 60 epochs; batch sizes 8 to 256, rates 33 times the paper's, "
        "so that rate times updates is as in its 200 epochs of 60,000 images.",
        "full": "784-128-128-10, sigmoid, Xavier's start; Fashion-MNIST, Kuzushiji-MNIST and "
        "QuickDraw-10, a fifth of the training images for validation; 200 epochs; all nine pairs.",
        "own": "784-128-128-10, sigmoid, Xavier's start; all 60,000 training images of "
        "Fashion-MNIST; 200 epochs, at the paper's pairs of batch size and rate.",
    },
    effort=(
        "Easy: one formula, a small dense network and public data.",
        "Hard: no number is printed, and loss, output and start are left to guess.",
        "The authors were not asked.",
    ),
    grid=grid,
    train=train,
    stack=stack,
    claims=CLAIMS,
    pictures=pictures,
    printed=_printed(),
    papers_data=SETS,
)
