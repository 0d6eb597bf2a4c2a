r"""Ahn: DA-SGD, a boost where two gradients in a row agree, at nine pairs of batch size and rate.

Chapter 13 derives that its mean step is 1.82 to 2 times that of SGD. So the grid of rates goes up
by factors of 1.82: SGD one rate farther up is the control of each run of DA-SGD.
"""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from lrcourse.nn import Array, Sigmoid
from lrcourse.optim import SGD, DirectionAccelerated, Momentum
from lrcourse.papers.dense import dense, quiet_fit
from lrcourse.papers.images import first_available, images, pooled
from lrcourse.papers.trial import (
    Claim,
    Paper,
    Picture,
    Sample,
    against,
    all_hold,
    lower,
    response,
    same,
    sample,
    select,
    tuned,
)
from lrcourse.sweep import stacking_is_faster

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
TESTED = {"quick": tuple(size for size in PAIRS if size >= 8), "full": tuple(PAIRS)}
RACE = (32, 256)  # batch sizes at which all rules run over all rates
REACH = 1.82  # 1.5 + 1/pi: the mean step of DA-SGD in that of SGD, where noise prevails
RULES = {
    "sgd": SGD,
    "da-sgd": DirectionAccelerated,
    "momentum": functools.partial(Momentum, 0.5),
}
ERROR = 0.005  # a difference in test error that counts for nothing


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
        sets = [
            first_available(name, "fashion-mnist", "fashion-mini")
            for name in ("fashion-mnist", "kmnist", "quickdraw-10")
        ]
    common = {"network": network, "count": count, "epochs": epochs, "times": times}
    return [
        {"data": data, **common, "batch_size": size, "method": method, "learning_rate": each}
        for data in dict.fromkeys(sets)
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
    figure_3 = [0.001] if batch_size == 8 else []
    return [*figure_3, rate(batch_size), rate(batch_size, 1)]


@functools.cache
def prepared(data: str, inputs: int, count: int | None) -> tuple[tuple[Array, Array], ...]:
    r"""Return training and test images, pooled if the network is too small for all pixels.

    Args:
        data: name of the data set.
        inputs: pixels of an image.
        count: training images, the first of the data set; None: all.

    Returns:
        (x, labels) to train, (x, labels) to test.
    """
    splits = images(data).train, images(data).test
    train, test = ((pooled(x) if inputs < x.shape[1] else x, y) for x, y in splits)
    return (train[0][:count], train[1][:count]), test


def train(
    data: str,
    network: str,
    count: int | None,
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
        network: widths of its layers, such as "196-32-32-10".
        count: training images; None: all.
        epochs: passes over them.
        times: by what the rate is multiplied.
        batch_size: examples a step.
        method: one of ``RULES``.
        learning_rate: in the paper's units; a list for a stack of runs.
        seed: of start and batches.

    Returns:
        test_error and the mean loss of the last epoch; for a list of rates a list of them.
    """
    widths = list(map(int, network.split("-")))
    training, (test_x, test_y) = prepared(data, widths[0], count)
    rng = np.random.default_rng(seed)
    stacked = not isinstance(learning_rate, float)
    runs = len(learning_rate) if stacked else None
    student = dense(widths, rng, runs, activation=Sigmoid, init="xavier")
    scaled = times * np.reshape(learning_rate, (-1, 1)) if stacked else times * learning_rate
    history = quiet_fit(
        student,
        training,
        RULES[method](),
        learning_rate=scaled,
        batch_size=batch_size,
        epochs=epochs,
        rng=rng,
    )
    losses = np.ravel(history.loss[-1] if history.stopped else history.epochs[-1]["loss"])
    wrong = 1 - np.ravel(student.accuracy(test_x, test_y))
    results = [
        {"test_error": round(float(error), 5), "loss": round(float(loss), 5)}
        if math.isfinite(loss)
        else {"test_error": math.nan, "loss": math.nan}
        for error, loss in zip(wrong, losses, strict=True)
    ]
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


def on_each(judge: Callable[[Sequence[dict]], tuple[str, str]]) -> Callable:
    r"""Return a judge of several data sets, whose claim holds if it holds on each.

    Args:
        judge: of the rows of one data set.
    """

    @functools.wraps(judge)
    def judge_all(rows: Sequence[dict]) -> tuple[str, str]:
        names = dict.fromkeys(row["data"] for row in rows)
        judged = {name: judge(select(rows, data=name)) for name in names or ["no data"]}
        texts = {name: text for name, (text, _) in judged.items()}
        if len(texts) > 1:
            texts = {name: f"{name}: {text}" for name, text in texts.items()}
        return "; ".join(texts.values()), all_hold([verdict for _, verdict in judged.values()])

    return judge_all


def tested(rows: Sequence[dict]) -> list[int]:
    r"""Return the batch sizes of which there are rows, or all where there are none.

    Args:
        rows: of one data set.
    """
    return sorted({row["batch_size"] for row in rows}) or list(PAIRS)


def errors(rows: Sequence[dict], batch_size: int, power: int = 0) -> tuple[Sample, Sample]:
    r"""Return the test errors of DA-SGD at the paper's rate and of SGD.

    Args:
        rows: of one data set.
        batch_size: one of ``PAIRS``.
        power: of 1.82, on the rate of SGD.
    """
    ours = at(rows, "test_error", batch_size, "da-sgd")
    return ours, at(rows, "test_error", batch_size, "sgd", power)


def better_at(*sizes: int) -> Callable[[Sequence[dict]], tuple[str, str]]:
    r"""Return a judge of whether DA-SGD has a lower test error than SGD at the same rate.

    Args:
        sizes: batch sizes.
    """

    @on_each
    def judge(rows: Sequence[dict]) -> tuple[str, str]:
        pairs = {size: errors(rows, size) for size in sizes}
        return against(pairs, 1, 100), all_hold([lower(a, b, ERROR) for a, b in pairs.values()])

    return judge


@on_each
def worse_at_small(rows: Sequence[dict]) -> tuple[str, str]:
    """Judge that below batch size 32 SGD has the lower test error."""
    pairs = {size: errors(rows, size) for size in tested(rows) if size not in LARGE}
    return against(pairs, 1, 100), all_hold([lower(sgd, da, ERROR) for da, sgd in pairs.values()])


@on_each
def gain_grows(rows: Sequence[dict]) -> tuple[str, str]:
    """Judge that DA-SGD gains more at 64, 128 and 256 than at 32, seed by seed."""
    gains = {}
    for size in LARGE:
        da, sgd = errors(rows, size)
        gains[size] = Sample(tuple(b - a for a, b in zip(da.values, sgd.values, strict=True)))
    text = "; ".join(f"{size}: {gain.show(1, 100)}" for size, gain in gains.items())
    first, *others = gains.values()
    return text, all_hold([lower(first, gain, ERROR) for gain in others])


@on_each
def reference_rate(rows: Sequence[dict]) -> tuple[str, str]:
    """Judge that at batch size 8 SGD ends better at 0.002 than at 0.001."""
    low = sample(rows, "test_error", method="sgd", batch_size=8, learning_rate=0.001)
    reference = at(rows, "test_error", 8, "sgd")
    return against({8: (reference, low)}, 1, 100), lower(reference, low, ERROR)


@on_each
def same_error_as_larger_rate(rows: Sequence[dict]) -> tuple[str, str]:
    """Judge that SGD at 1.82 times the rate has the test error of DA-SGD."""
    pairs = {size: errors(rows, size, 1) for size in tested(rows)}
    return against(pairs, 1, 100), all_hold([same(da, sgd, 0.01) for da, sgd in pairs.values()])


def same_loss(large: bool) -> Callable[[Sequence[dict]], tuple[str, str]]:
    r"""Return a judge of whether SGD at 1.82 times the rate has the training loss of DA-SGD.

    Args:
        large: from batch size 32 on; else below.
    """

    @on_each
    def judge(rows: Sequence[dict]) -> tuple[str, str]:
        ratios = {}
        for size in (size for size in tested(rows) if (size in LARGE) == large):
            da, sgd = at(rows, "loss", size, "da-sgd"), at(rows, "loss", size, "sgd", 1)
            ratios[size] = Sample(tuple(a / b for a, b in zip(da.values, sgd.values, strict=True)))
        text = "; ".join(f"{size}: {ratio.show(3)}" for size, ratio in ratios.items())
        ones = {size: Sample((1.0,) * len(ratio.values)) for size, ratio in ratios.items()}
        return text, all_hold([same(ratios[size], ones[size], 0.05) for size in ratios])

    return judge


@on_each
def same_as_momentum(rows: Sequence[dict]) -> tuple[str, str]:
    """Judge that DA-SGD has the test error of momentum 0.5 at the same rates."""
    pairs = {
        size: tuple(at(rows, "test_error", size, name) for name in ("da-sgd", "momentum"))
        for size in tested(rows)
    }
    return against(pairs, 1, 100), all_hold([same(a, b, 0.01) for a, b in pairs.values()])


def best(rows: Sequence[dict], batch_size: int, method: str) -> Sample:
    r"""Return the test errors of a rule at the best rate of the grid.

    Args:
        rows: of one data set.
        batch_size: one of ``RACE``.
        method: one of ``RULES``.
    """
    return tuned(rows, "test_error", batch_size=batch_size, method=method)[1]


@on_each
def tuning_gains_more(rows: Sequence[dict]) -> tuple[str, str]:
    """Judge that at 256 SGD at its best rate is better than DA-SGD at the paper's."""
    sgd, da = best(rows, 256, "sgd"), errors(rows, 256)[0]
    return against({256: (sgd, da)}, 1, 100), lower(sgd, da, ERROR)


def best_against_best(other: str) -> Callable[[Sequence[dict]], tuple[str, str]]:
    r"""Return a judge of DA-SGD against another rule, each at its best rate.

    Args:
        other: "sgd" or "momentum".
    """

    @on_each
    def judge(rows: Sequence[dict]) -> tuple[str, str]:
        pairs = {size: (best(rows, size, "da-sgd"), best(rows, size, other)) for size in RACE}
        return against(pairs, 1, 100), all_hold([lower(a, b, ERROR) for a, b in pairs.values()])

    return judge


def farther_edge(size: int) -> Callable[[Sequence[dict]], tuple[str, str]]:
    r"""Return a judge of one rate past SGD's lowest loss: DA-SGD there, SGD at 1.82 times that.

    Args:
        size: one of ``RACE``.
    """

    @on_each
    def judge(rows: Sequence[dict]) -> tuple[str, str]:
        lowest = tuned(rows, "loss", batch_size=size, method="sgd")[0]
        power = round(math.log(lowest / rate(size), REACH)) + 1
        da, sgd = at(rows, "loss", size, "da-sgd", power), at(rows, "loss", size, "sgd", power + 1)
        return against({size: (da, sgd)}, 3), lower(da, sgd)

    return judge


OPEN = "left open: further research needed"
CONTROL = "not in the paper"
CLAIMS = (
    Claim(
        "At batch sizes 64, 128 and 256 DA-SGD has a lower test error (%) than SGD at that rate.",
        "Figure 4: better",
        "lower by over 0.5 points at each",
        better_at(64, 128, 256),
    ),
    Claim(
        "At batch size 32, too.",
        "Figure 4: better, by less",
        "lower by over 0.5 points",
        better_at(32),
    ),
    Claim(
        "Below batch size 32 SGD has a lower test error (%) than DA-SGD.",
        "Figure 4: generally, below 32; introduction: below 8",
        "lower by over 0.5 points at all batch sizes below 32 that were run",
        worse_at_small,
    ),
    Claim(
        "The gain of DA-SGD (points) is larger at 64, 128 and 256 than at 32.",
        "Figure 4: a bigger difference",
        "larger by over 0.5 points at each",
        gain_grows,
    ),
    Claim(
        "At batch size 8 SGD ends with a lower test error (%) at the rate 0.002 than at 0.001.",
        "Figure 3: better",
        "lower by over 0.5 points",
        reference_rate,
    ),
    Claim(
        "Control: SGD at 1.82 times the rate has the same test error (%) as DA-SGD.",
        CONTROL,
        "within 1 point at all batch sizes that were run",
        same_error_as_larger_rate,
    ),
    Claim(
        "Control: from batch size 32 on it has the same training loss, too (DA-SGD over SGD at "
        "1.82 times the rate).",
        CONTROL,
        "a ratio within 5 % of 1 at each",
        same_loss(large=True),
    ),
    Claim(
        "Control: the same training loss below batch size 32.",
        CONTROL,
        "a ratio within 5 % of 1 at all batch sizes below 32 that were run",
        same_loss(large=False),
    ),
    Claim(
        "Control: at batch size 256 tuning the rate of SGD gains more than DA-SGD: test error (%) "
        "of SGD at its best rate against DA-SGD at the paper's.",
        CONTROL,
        "lower by over 0.5 points",
        tuning_gains_more,
    ),
    Claim(
        "Control: at its best rate DA-SGD has a lower test error (%) than SGD at its own.",
        CONTROL,
        "lower by over 0.5 points at 32 and 256",
        best_against_best("sgd"),
    ),
    Claim(
        "DA-SGD has the same test error (%) as momentum 0.5 at the same rate.",
        OPEN,
        "within 1 point at all batch sizes that were run",
        same_as_momentum,
    ),
    Claim(
        "At its best rate DA-SGD has a lower test error (%) than momentum 0.5 at its own.",
        OPEN,
        "lower by over 0.5 points at 32 and 256",
        best_against_best("momentum"),
    ),
    Claim(
        "Control: at batch size 256 the edge of DA-SGD is that of SGD, not of SGD at 1.82 times "
        "the rate: one rate past the lowest loss of SGD, DA-SGD has the lower loss of those two.",
        CONTROL,
        "lower",
        farther_edge(256),
    ),
    Claim(
        "Control: that is so at batch size 32, too, where noise sets the edge.",
        CONTROL,
        "lower",
        farther_edge(32),
    ),
)


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return error against batch size, and against rate for each batch size of the race.

    Args:
        rows: of the sweep.
    """
    names = {"SGD": "sgd", "DA-SGD": "da-sgd", "momentum 0.5": "momentum"}
    found = []
    for data in dict.fromkeys(row["data"] for row in rows):
        here = select(rows, data=data)
        sizes = tested(here)
        runs = {name: (method, 0) for name, method in names.items()} | {
            "SGD at 1.82 times the rate": ("sgd", 1)
        }
        lines = {
            name: (sizes, [at(here, "test_error", size, *run).values for size in sizes])
            for name, run in runs.items()
        }
        alt = (
            f"Test error on {data} against batch size at the paper's rates: SGD highest at large "
            "batches; DA-SGD and SGD at 1.82 times the rate are one line."
        )
        found.append(Picture(lines, "batch size", "test error", alt))
        for size in RACE:
            curves = {
                name: response(here, "test_error", batch_size=size, method=method)
                for name, method in names.items()
            }
            lines = {
                name: (list(curve), [each.values for each in curve.values()])
                for name, curve in curves.items()
            }
            alt = (
                f"Test error on {data} against rate at batch size {size}: three valleys of about "
                "one depth, those of DA-SGD and momentum farther to the left."
            )
            found.append(Picture(lines, "learning rate, in the paper's units", "test error", alt))
    return found


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
        "The paper chose its rates by test accuracy. So do we for the best rates, for all rules "
        "alike: the lowest errors are a little too low, their comparison is fair.",
        "Reference 16, cited for batches that grow instead of rates that decay, is another paper "
        "of the same author: that one is Smith, Kindermans, Ying and Le, arXiv:1711.00489.",
    ),
    setting={
        "quick": "196-32-32-10, sigmoid, Xavier's start; 6,000 images of Fashion-MNIST pooled to "
        "14x14; 60 epochs; batch sizes 8 to 256, rates 33 times the paper's, so that rate times "
        "updates is as in its 200 epochs of 60,000 images.",
        "full": "784-128-128-10, sigmoid, Xavier's start; Fashion-MNIST, Kuzushiji-MNIST and "
        "QuickDraw-10 (those that can be had); 200 epochs; all nine pairs.",
    },
    grid=grid,
    train=train,
    stack=stack,
    claims=CLAIMS,
    pictures=pictures,
    papers_data=("fashion-mnist", "kmnist", "quickdraw-10"),
)
