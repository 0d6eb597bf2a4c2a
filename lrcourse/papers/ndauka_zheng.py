r"""Ndauka & Zheng: iRprop- on mini-batches, against one rate of SGD and against a tuned one.

They count epochs until the loss is below 0.01, so that is what is compared. Their network reads
3,072 whitened inputs; at the quick scale it is the same, about a twelfth as wide, on 196.
"""

import functools
import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lrcourse.nn import Array, BatchNorm, Linear, Network, ReLU
from lrcourse.optim import SGD, IRpropMinus, SignSGD
from lrcourse.papers.dense import quiet_fit
from lrcourse.papers.images import images, pooled
from lrcourse.papers.trial import (
    SAME,
    Claim,
    Judgement,
    Paper,
    Picture,
    Printed,
    Sample,
    asking,
    at_rates,
    combined,
    compare,
    constant,
    control,
    curve_lines,
    edge_text,
    response,
    sample,
    tuned,
    tuned_on_others,
)
from lrcourse.training import Run
from lrcourse.whitening import ZCA

BATCH_SIZES = (250, 500, 1000, 2000)
SMALL, LARGE = BATCH_SIZES[0], BATCH_SIZES[2:]  # Figure 3: slower at 250, faster from 1000 on
GOAL = 0.01  # "until the error cost was less than threshold value of 0.01"
MINIMUM = 0.001  # of a step, as the paper has it
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # on all steps of iRprop-, so that it is tuned like the others
RULES = {
    "irprop": IRpropMinus,
    "irprop-paper": functools.partial(IRpropMinus, variant="paper"),
    "irprop-wide": functools.partial(IRpropMinus, minimum=1e-6, maximum=50.0, initial=0.01),
    "sgd": SGD,
    "signsgd": SignSGD,
}


def grid(scale: str) -> list[dict]:
    r"""Return the settings: each rule at each batch size, SGD and signSGD over learning rates.

    Args:
        scale: "quick" or "full".
    """
    if scale == "quick":
        data, network, most_epochs = "fashion-mini", "196-256-128-64-10", 25
        sgd, signsgd = (0.5, 1.0, 2.0, 4.0, 8.0), (0.0005, 0.001, 0.002, 0.004, 0.008)
    else:
        data, network, most_epochs = "cifar-10", "3072-2048-1024-512-10", 60
        sgd = (0.0625, 0.25, 1.0, 4.0, 16.0)
        signsgd = (6.25e-5, 0.00025, 0.001, 0.004, 0.016)
    common = {"data": data, "network": network, "count": 10_000, "most_epochs": most_epochs}
    rates = {"irprop": FACTORS, "irprop-paper": (1.0,), "sgd": sgd, "signsgd": signsgd}
    runs = [
        {"batch_size": batch_size, "method": method, "learning_rate": rate}
        for batch_size in BATCH_SIZES
        for method in rates
        for rate in rates[method]
    ]
    runs.append({"batch_size": SMALL, "method": "irprop-wide", "learning_rate": 1.0})
    return [common | run for run in runs]


@functools.cache
def whitened(data: str, inputs: int, count: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    r"""Return training and test images, whitened by what the training images vary like.

    Args:
        data: name of the data set.
        inputs: pixels of an image, 196 or 3072.
        count: training images, the first of the data set.

    Returns:
        (x, labels) to train, (x, labels) to test.
    """
    train, test = images(data).train, images(data).test
    shape = pooled if inputs == 196 else np.asarray
    x = shape(train.x[:count])
    zca = ZCA(epsilon=1e-2).fit(x)
    return (zca.transform(x), train.y[:count]), (zca.transform(shape(test.x)), test.y)


class UntilGoal:
    """Stops the training after the first epoch whose mean loss is below the goal."""

    epochs: int | None = None

    def on_epoch_end(self, run: Run) -> None:
        """Look at the epoch's mean loss."""
        if run.history.epochs[-1]["loss"] < GOAL:
            self.epochs = run.epoch + 1
            run.stop(f"the mean loss of the epoch is below {GOAL}")


def train(
    data: str,
    network: str,
    count: int,
    most_epochs: int,
    batch_size: int,
    method: str,
    learning_rate: float,
    seed: int,
) -> dict:
    r"""Train until the goal and count the epochs.

    Args:
        data: name of the data set.
        network: widths of its layers, such as "196-256-128-64-10".
        count: training images.
        most_epochs: where to give up.
        batch_size: examples a step.
        method: one of ``RULES``.
        learning_rate: for iRprop-, which has its own steps, a factor on these.
        seed: of start and batches.

    Returns:
        epochs (None: more than most_epochs), test_error, and for iRprop- the share of its steps
        at_minimum and their mean_step; step_ms, CPU milliseconds a step.
    """
    *hidden, (fan_in, classes) = pairwise(map(int, network.split("-")))
    training, (test_x, test_y) = whitened(data, int(network.split("-")[0]), count)
    rng, rule, goal = np.random.default_rng(seed), RULES[method](), UntilGoal()
    layers = [layer for a, b in hidden for layer in (Linear(a, b), BatchNorm(b), ReLU())]
    student = Network([*layers, Linear(fan_in, classes)], rng)
    about = learning_rate, batch_size, most_epochs, rng
    history, step_ms = quiet_fit(student, training, rule, *about, goal)
    if not math.isfinite(history.loss[-1]):
        return {"epochs": None, "test_error": math.nan, "step_ms": step_ms}
    result = {"epochs": goal.epochs, "test_error": float(1 - student.accuracy(test_x, test_y))}
    if method.startswith("irprop"):
        result["at_minimum"] = float((rule.delta <= 1.001 * rule.minimum).mean())
        result["mean_step"] = float(rule.delta.mean())
    return {name: value and round(value, 5) for name, value in result.items()} | {
        "step_ms": step_ms
    }


def needed(rows: Sequence[dict], batch_size: int, **setting: object) -> Sample:
    r"""Return the epochs to the goal.

    Args:
        rows: of the sweep.
        batch_size: examples a step.
        setting: method and, where there are several, learning_rate.
    """
    return sample(rows, "epochs", batch_size=batch_size, **setting)


def at_one_rate(rows: Sequence[dict], batch_size: int) -> tuple[str, Sample]:
    r"""Return the epochs of SGD at one rate for all batch sizes, which the paper does not print.

    It is the rate with the fewest epochs at the smallest batch size, where the paper has SGD
    ahead, for each seed chosen on the others.

    Args:
        rows: of the sweep.
        batch_size: examples a step.

    Returns:
        The rates in words, and the epochs.
    """
    rates = tuned_on_others(rows, "epochs", method="sgd", batch_size=SMALL)
    curve = response(rows, "epochs", method="sgd", batch_size=batch_size)
    return rates_text(rates, curve), at_rates(curve, rates)


def rates_text(rates: dict[int, float], curve: dict[float, Sample]) -> str:
    r"""Return the rates that seeds have chosen in words.

    Args:
        rates: seed -> rate.
        curve: the grid that they were chosen from.
    """
    return " or ".join(edge_text(rate, list(curve)) for rate in sorted(set(rates.values())))


def ours(rows: Sequence[dict], column: str, batch_size: int) -> Sample:
    r"""Return what iRprop- measured with the limits of the paper.

    Args:
        rows: of the sweep.
        column: "epochs", "test_error" or "at_minimum".
        batch_size: examples a step.
    """
    return sample(rows, column, method="irprop", batch_size=batch_size, learning_rate=1.0)


def at_its_best(rows: Sequence[dict], column: str, **setting: object) -> tuple[str, Sample]:
    r"""Return a rule at the rate that needs the fewest epochs on all other seeds.

    Args:
        rows: of the sweep.
        column: what is returned: "epochs" or "test_error".
        setting: method and batch_size.

    Returns:
        The rates in words, and the values there.
    """
    rates = tuned_on_others(rows, "epochs", **setting)
    epochs, curve = (response(rows, name, **setting) for name in ("epochs", column))
    arrives = any(math.isfinite(found.mean) for found in epochs.values())
    return rates_text(rates, curve) if arrives else "any", at_rates(curve, rates)


def faster_than_tuned(rows: Sequence[dict], other: str) -> Judgement:
    r"""Judge that iRprop- needs fewer epochs than another rule, both at their best.

    Args:
        rows: of the sweep.
        other: "sgd" or "signsgd".
    """
    pairs = {}
    for size in LARGE:
        (factor, a), (rate, b) = (
            at_its_best(rows, "epochs", method=method, batch_size=size)
            for method in ("irprop", other)
        )
        pairs[f"{size}, steps times {factor}, against rate {rate}"] = a, b
    return compare(pairs, resolution=1)


def faster_than_one_rate(rows: Sequence[dict]) -> Judgement:
    """Judge the paper's claim on its own terms."""
    pairs = {}
    for size in LARGE:
        rate, sgd = at_one_rate(rows, size)
        pairs[f"{size}, rate {rate}"] = ours(rows, "epochs", size), sgd
    return compare(pairs, resolution=1)


def faster_than_minimum_step(rows: Sequence[dict]) -> Judgement:
    """Judge that step sizes over the minimum are of use."""
    pairs = {
        size: (
            ours(rows, "epochs", size),
            needed(rows, size, method="signsgd", learning_rate=MINIMUM),
        )
        for size in LARGE
    }
    return compare(pairs, resolution=1)


def slower_at_small(rows: Sequence[dict]) -> Judgement:
    """Judge that at batch size 250 SGD needs fewer epochs."""
    rate, sgd = at_one_rate(rows, SMALL)
    return compare({f"{SMALL}, rate {rate}": (sgd, ours(rows, "epochs", SMALL))}, resolution=1)


def worse_at_small(rows: Sequence[dict]) -> Judgement:
    """Judge that at batch size 250 iRprop- ends with the higher test error."""
    rate, sgd = at_its_best(rows, "test_error", method="sgd", batch_size=SMALL)
    pairs = {f"{SMALL}, SGD at {rate}": (sgd, ours(rows, "test_error", SMALL))}
    return compare(pairs, resolution=0.005, factor=100)


def as_good_at_large(rows: Sequence[dict]) -> Judgement:
    """Judge that at large batches both end with the same test error."""
    pairs = {}
    for size in LARGE:
        rate, sgd = at_its_best(rows, "test_error", method="sgd", batch_size=size)
        pairs[f"{size}, SGD at {rate}"] = ours(rows, "test_error", size), sgd
    return compare(pairs, SAME, 0.01, 1, 100)


def slowest(rows: Sequence[dict], **setting: object) -> Sample:
    r"""Return, seed by seed, the most epochs that one setting needs at any batch size.

    Args:
        rows: of the sweep.
        setting: method and learning_rate.
    """
    return combined(
        lambda *epochs: max(epochs), *(needed(rows, size, **setting) for size in BATCH_SIZES)
    )


def needs_no_tuning(rows: Sequence[dict]) -> Judgement:
    """Judge that the slowest of all batch sizes is faster than with any one rate of SGD."""
    sides = []
    for method in ("irprop", "sgd"):
        rates = response(rows, "epochs", method=method, batch_size=SMALL)
        curve = {rate: slowest(rows, method=method, learning_rate=rate) for rate in rates}
        chosen = tuned_on_others(rows, "epochs", among=curve)
        sides.append((rates_text(chosen, curve), at_rates(curve, chosen)))
    (factor, a), (rate, b) = sides
    about = f"slowest, steps times {factor}, against rate {rate}"
    return compare({about: (a, b)}, resolution=1)


def at_the_minimum(rows: Sequence[dict]) -> Judgement:
    """Judge that at the end most steps are the smallest that is allowed."""
    shares = {size: ours(rows, "at_minimum", size) for size in BATCH_SIZES}
    return compare(
        {size: (constant(0.5, share), share) for size, share in shares.items()},
        digits=0,
        factor=100,
    )


def minimum_carries(rows: Sequence[dict]) -> Judgement:
    """Judge that with the limits of torch small batches need more epochs."""
    wide = needed(rows, SMALL, method="irprop-wide")
    return compare({SMALL: (ours(rows, "epochs", SMALL), wide)}, resolution=1)


def variants_alike(rows: Sequence[dict]) -> Judgement:
    """Judge that the paper's order of steps and the published one need as many epochs."""
    pairs = {
        size: (needed(rows, size, method="irprop-paper"), ours(rows, "epochs", size))
        for size in BATCH_SIZES
    }
    return compare(pairs, SAME, 2)


TUNED = "each at the best of five rates, or factors on its steps, chosen on the other seeds"
CLAIMS = (
    Claim(
        "At batch sizes 1000 and 2000 iRprop- needs fewer epochs than SGD at one rate for all.",
        "Figure 3: superior",
        "fewer by over 1 epoch at both; the rate is the best of SGD at 250, on the other seeds",
        faster_than_one_rate,
        words="for large batch size iRprop- local dynamic learning rate proved to be superior to "
        "ordinary back propagation",
        primary=True,
    ),
    Claim(
        "At batch size 250 it needs more epochs than SGD at that rate.",
        "Figure 3: small convergence speed",
        "more by over 1 epoch",
        slower_at_small,
        words="opposite to small batch size where local dynamic learning shows to have small "
        "convergence speed compare to ordinary back propagation",
        primary=True,
    ),
    Claim(
        "At batch size 250 it generalises worse: test error in % at the goal.",
        "poor generalization ability",
        "higher by over 0.5 points",
        worse_at_small,
        words="but has poor generalization ability",
        primary=True,
    ),
    control(
        "Control: at 1000 and 2000 it needs fewer epochs than SGD tuned for each batch size.",
        f"fewer by over 1 epoch at both; {TUNED}",
        asking(faster_than_tuned, "sgd"),
    ),
    control(
        "Control: at 1000 and 2000 its test error in % is that of SGD tuned for each batch size.",
        "within 1 point at both",
        as_good_at_large,
    ),
    control(
        "Control: one setting for all batch sizes; its slowest is faster than the slowest of SGD "
        "at the best one rate.",
        f"fewer by over 1 epoch; {TUNED}",
        needs_no_tuning,
    ),
    control(
        "Control: at 1000 and 2000 it is faster than signSGD at the minimum step, 0.001.",
        "fewer by over 1 epoch at both",
        faster_than_minimum_step,
    ),
    control(
        "Control: it is faster there than signSGD tuned for each batch size.",
        f"fewer by over 1 epoch at both; {TUNED}",
        asking(faster_than_tuned, "signsgd"),
    ),
    control(
        "Control: when it stops, most of its steps lie at the minimum, 0.001.",
        "over half of them at every batch size",
        at_the_minimum,
    ),
    control(
        "Control: the minimum is what makes it work; with the limits of torch, 0.000001 and 50, "
        "batch size 250 needs more epochs.",
        "more by over 1 epoch",
        minimum_carries,
    ),
    control(
        "Control: the paper's rule, which steps on a flip of sign, needs as many epochs as the "
        "published one, which does not.",
        "within 2 epochs at every batch size",
        variants_alike,
    ),
)


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return epochs against batch size, and against the rate of SGD.

    Args:
        rows: of the sweep.
    """
    rate, _ = tuned(rows, "epochs", method="sgd", batch_size=SMALL)
    by_method = {
        name: {size: needed(rows, size, method=method, learning_rate=at) for size in BATCH_SIZES}
        for name, method, at in (("iRprop-", "irprop", 1.0), (f"SGD at {rate:g}", "sgd", rate))
    }
    for name, method in {"SGD, tuned": "sgd", "signSGD, tuned": "signsgd"}.items():
        by_method[name] = {
            size: tuned(rows, "epochs", method=method, batch_size=size)[1] for size in BATCH_SIZES
        }
    over_rates = {
        f"batch size {size}": response(rows, "epochs", method="sgd", batch_size=size)
        for size in BATCH_SIZES
    }
    rises = "; ".join(
        f"{name} from {line[SMALL].show()} to {line[BATCH_SIZES[-1]].show()}"
        for name, line in by_method.items()
    )
    best = {name: min(c, key=lambda rate, c=c: c[rate].mean) for name, c in over_rates.items()}
    valleys = "; ".join(
        f"at {name} are {curve[best[name]].show()} at {edge_text(best[name], list(curve))}"
        for name, curve in over_rates.items()
    )
    epochs = f"epochs to a loss of {GOAL}"
    alt = (
        f"Epochs against batch size, from {SMALL} to {BATCH_SIZES[-1]}: {rises}. Where a line "
        "ends, a seed did not get there."
    )
    of_rates = f"Epochs of SGD against its rate: the fewest {valleys}."
    return [
        Picture(curve_lines(by_method), "batch size", epochs, alt),
        Picture(curve_lines(over_rates), "learning rate of SGD", epochs, of_rates),
    ]


def _printed() -> tuple[Printed, ...]:
    return tuple(
        Printed(
            f"Figure 3{letter}",
            f"curves of both rules, batch size {size}; here: epochs of iRprop-",
            "curves, no numbers",
            {"method": "irprop", "batch_size": size, "learning_rate": 1.0},
            "epochs",
            1,
        )
        for letter, size in zip("abcd", BATCH_SIZES, strict=True)
    )


PAPER = Paper(
    name="irprop",
    citation="Joyce K. Ndauka and Zheng Xiao Yan, Effect of Local Dynamic Learning Rate "
    "Adaptation on Mini-Batch Gradient Descent for Training Deep Learning Models with Back "
    "Propagation Algorithm.",
    claim="With a step size for each weight, adapted by the sign of its gradient (iRprop-), "
    "mini-batch training needs fewer epochs than ordinary backpropagation when batches are large.",
    control="SGD tuned for each batch size, signSGD at the minimum step and tuned, and SGD at the "
    "best one rate for all batch sizes.",
    open=(
        "The results are pictures (Figure 3) without a number, so none can be set beside ours.",
        "The learning rate of ordinary backpropagation is not given. We take one rate for all "
        "batch sizes, the one that needs the fewest epochs at 250, where the paper has SGD ahead.",
        "The pseudo-code steps on a flip of sign and forgets the gradient after; the published "
        "iRprop- (Igel and Hüsken 2000) stays. We run both.",
        "Whether the cost that must fall below 0.01 is of a batch or an epoch, of training or "
        "validation, is not said: we take the mean over an epoch of the training cross-entropy.",
        "The first step size is only called small: we take the minimum. Where BatchNorm stands, "
        "its rule and the epsilon of ZCA are not said: after each hidden Linear, iRprop- for all "
        "parameters, 0.01.",
        "The pseudo-code sets a previous loss and never reads it: that belongs to iRprop+.",
        "The title and the conclusion disagree: mini-batch there, batch gradient descent here.",
        "The number of runs is not given, nor which images are left out of CIFAR-10: we take the "
        "first 10,000, and the whole test set, which chooses nothing here.",
        "No validation images can choose a number of epochs: where a rule is tuned, each seed "
        "takes the rate that is best on the other seeds. iRprop- has as many settings as its "
        "rivals, factors on all of its steps and their limits.",
        "Figure 3 has a batch size of 500, too; the text makes no claim about it.",
        "The introduction calls rates for each weight superior to one rate for all: a taste. The "
        "nearest control here is signSGD, which has one.",
    ),
    setting={
        "quick": "196-256-128-64-10, ReLU, BatchNorm, Kaiming's start; the 10,000 training images "
        "of fashion-mini pooled to 14x14, whitened by ZCA; up to 25 epochs.",
        "full": "3072-2048-1024-512-10, ReLU, BatchNorm, Kaiming's start; 10,000 images of "
        "CIFAR-10 whitened by ZCA; up to 60 epochs.",
    },
    effort=(
        "Easy: the rule is printed as pseudo-code, and the network and its preparation in words.",
        "Hard: no number is printed, nor the rate of the rival; the curves are lost in our text.",
        "The authors were not asked.",
    ),
    grid=grid,
    train=train,
    claims=CLAIMS,
    pictures=pictures,
    printed=_printed(),
    papers_data=("cifar-10",),
)
