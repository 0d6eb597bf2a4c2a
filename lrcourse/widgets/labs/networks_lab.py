r"""Labs on small networks that learn: points in a plane, and 8x8 images of digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.data import load
from lrcourse.messages import unknown
from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import SGD
from lrcourse.training import fit
from lrcourse.widgets.labs import moons
from lrcourse.widgets.labs.grids import increasing, rate_grid, shuffled_batches, train, whole

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

# ---- points in a plane

CLASSIFIER_VERDICTS = (
    "It crawls: loss {final} in the last epoch, accuracy {accuracy}.",
    "It learns: loss {final} in the last epoch, accuracy {accuracy}.",
    "It is thrown about: loss {final} in the last epoch, accuracy {accuracy}.",
    "It is stuck: loss {final}, no better than a guess; its hidden units pass hardly any gradient.",
    "It diverges: in epoch {diverged} the loss is over three times its initial value.",
)
CRAWLS, LEARNS, THROWN, STUCK, DIVERGES = range(len(CLASSIFIER_VERDICTS))


def classifier_outcomes(
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] = (8, 32, moons.POINTS),
    rules: Sequence[str] = tuple(moons.RULES),
    initializations: Sequence[str] = moons.INITIALIZATIONS,
    *,
    epochs: int = 24,
    goal: float = 0.05,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""A 2-16-16-2 ReLU network learns two half moons, for all settings at once.

    Runs that share a batch size see the same batches, and all initializations draw the same
    random numbers.

    learning_rates: L positive numbers in increasing order. batch_sizes: B whole numbers in
    increasing order, at most 128. rules: R of moons.RULES. initializations: I of
    moons.INITIALIZATIONS. goal: an upper bound on the training loss of the last epoch. rng: draws
    points, weights and batches (default: `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, B, R, I): `loss` (..., epochs + 1), before training, then
    the mean over the batches of each epoch; `final`, its last; `accuracy` on the points after
    training; `region` (..., 32²), the probability of class 1 over the plane, as bytes;
    `diverged` (the epoch, or 0), `reached`, `verdict`; and the `points` (128, 2) and `labels`.
    """
    rates = increasing("learning rates", learning_rates).astype(np.float32)
    sizes = whole("batch sizes", batch_sizes, moons.POINTS)
    for kind, names, allowed in [
        ("rule", rules, moons.RULES),
        ("initialization", initializations, moons.INITIALIZATIONS),
    ]:
        for name in names:
            if name not in allowed:
                raise ValueError(unknown(kind, name, allowed))
    rng = np.random.default_rng(0) if rng is None else rng
    x, y = moons.half_moons(rng)
    seed = rng.integers(2**32)

    each_init = [moons.network(init, np.random.default_rng(seed)).w for init in initializations]
    first = np.repeat(each_init, len(rates), axis=0)
    runs = moons.network("zero", rng, len(first))  # its weights come from first
    eta = np.tile(rates, len(initializations))[:, None]
    shape = (len(rates), len(sizes), len(rules), len(initializations))
    loss = np.full((*shape, epochs + 1), np.nan)
    cells = moons.SIDE**2
    accuracy, region = np.empty(shape, np.float32), np.empty((*shape, cells), np.uint8)
    everywhere = np.concatenate([moons.plane(), x])

    def settings(array: np.ndarray) -> np.ndarray:
        return array.reshape(len(initializations), len(rates), *array.shape[1:]).swapaxes(0, 1)

    for b, size in enumerate(sizes):
        each = moons.POINTS // size
        batches = shuffled_batches(moons.POINTS, size, epochs * each, rng)
        for r, name in enumerate(rules):
            runs.w[...] = first
            loss[:, b, r, :, 0] = settings(runs.loss(x, y))
            rule = moons.RULES[name]()
            loss[:, b, r, :, 1:] = settings(train(runs, rule, eta, (x, y), batches, window=each))
            with np.errstate(over="ignore", invalid="ignore"):
                logits = runs.forward(everywhere)
                probability = 1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))
            probability = np.nan_to_num(probability, nan=0.5)
            region[:, b, r] = settings(np.rint(255 * probability[:, :cells]).astype(np.uint8))
            accuracy[:, b, r] = settings(((probability[:, cells:] > 0.5) == y).mean(axis=-1))

    final = loss[..., -1]
    beyond = ~(loss <= 3 * loss[..., :1])
    diverged = np.where(beyond[..., -1], beyond.argmax(axis=-1), 0).astype(np.int16)
    reached = final < goal
    fast = np.arange(len(rates))[:, None, None, None] > np.nanargmin(final, axis=0, keepdims=True)
    verdict = np.select(
        [diverged > 0, reached, final > 0.66, fast], [DIVERGES, LEARNS, STUCK, THROWN], CRAWLS
    )
    return {
        "loss": loss,
        "final": final.clip(max=1e30).astype(np.float32),
        "accuracy": accuracy,
        "region": region,
        "diverged": diverged,
        "reached": reached,
        "verdict": verdict.astype(np.uint8),
        "points": x,
        "labels": y.astype(np.uint8),
    }


def classifier(
    learning_rate: float = 0.01, batch_size: int = 32, rule: str = "SGD", init: str = "kaiming"
) -> Lab:
    r"""Lab: a 2-16-16-2 network learns two half moons; its decision region and its loss.

    learning_rate, batch_size, rule, init: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, sizes, epochs, goal = rate_grid(0.001, 3.2)[::4], (8, 32, moons.POINTS), 24, 0.05
    outcomes = classifier_outcomes(rates, sizes, epochs=epochs, goal=goal)
    settings = ("learning_rate", "batch_size", "rule", "init")
    batches = [f"{size} (all)" if size == moons.POINTS else str(size) for size in sizes]
    return Lab(
        title="A network learns two half moons",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("batch_size", "batch size", sizes, batch_size, texts=batches),
            Control("rule", "rule", list(moons.RULES), rule, "select"),
            Control("init", "initialization", moons.INITIALIZATIONS, init, "select"),
        ],
        tables={
            name: (() if name in ("points", "labels") else settings, array)
            for name, array in outcomes.items()
        },
        panels=[
            moons.region_panel(),
            {
                "kind": "curves",
                "x": axis("epoch", -0.025 * epochs, 1.025 * epochs),
                "y": axis("training loss", 0.001, 10, log=True),
                "lines": [{"y": "loss", "dots": True}],
                "level": {"value": goal, "label": "goal"},
            },
        ],
        verdicts=CLASSIFIER_VERDICTS,
        unit="epoch",
        alt="Left: the two classes of points over the region that the network gives to each. "
        "Right: training loss against epoch on a log axis.",
        goal=f"training loss under {goal} in epoch {epochs}.",
        caption="Left: blue discs and vermillion squares are the points; the background is the "
        "class that the network predicts there, fainter the less sure it is. Right: the loss of "
        "that run, epoch by epoch. Adam needs a smaller rate than SGD.",
    )


# ---- digits


def digits_outcomes(
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] = (8, 32, 128),
    *,
    epochs: int = 10,
    goal: float = 0.1,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""Training curves of a 64-32-10 ReLU network on the 8x8 digits, for all settings at once.

    All settings start from the same weights; those with the same batch size see the same batches.

    learning_rates: L positive numbers in increasing order. batch_sizes: B whole numbers in
    increasing order. goal: an upper bound on the training loss of the last epoch.
    rng: draws the weights and the batches (default: `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, B): `loss` (training loss) and `error` (share of the
    validation images misclassified), both (L, B, epochs + 1), before training and for each epoch;
    `final` and `final_error`, their last values; `diverged` (first epoch whose loss is not finite,
    0 for none), `reached` (the goal, bool) and `verdict` (index into DIGITS_VERDICTS).
    """
    rates = increasing("learning rates", learning_rates)
    sizes = increasing("batch sizes", batch_sizes).tolist()
    rng = np.random.default_rng(0) if rng is None else rng
    data = load("digits")
    network = Network([Linear(64, 32), ReLU(), Linear(32, 10)], rng, runs=len(rates))
    start = network.w.copy()
    loss = np.full((len(rates), len(sizes), epochs + 1), np.nan)
    error = loss.copy()
    loss[..., 0] = network.loss(*data.train)[:, None]
    error[..., 0] = 1 - network.accuracy(*data.validation)[:, None]
    for k, size in enumerate(sizes):
        network.w[...] = start
        history = fit(
            network,
            data,
            SGD(),
            learning_rate=rates[:, None],
            batch_size=int(size) if size == int(size) else size,
            epochs=epochs,
            rng=rng,
            progress=False,
        )
        for t, epoch in enumerate(history.epochs, start=1):
            loss[:, k, t] = epoch["loss"]
            error[:, k, t] = 1 - np.array(epoch["validation_accuracy"])
    beyond = ~np.isfinite(loss)
    diverged = np.where(beyond.any(axis=-1), beyond.argmax(axis=-1), 0).astype(np.int16)
    final, reached = loss[..., -1], loss[..., -1] < goal
    guesses = error[..., -1] > 0.8
    fast = rates[:, None] > rates[np.nanargmin(final, axis=0)]
    verdict = np.select([diverged > 0, guesses & fast, reached, fast], [4, 3, 2, 1], 0)
    return {
        "loss": loss,
        "error": error,
        "final": final.astype(np.float32),
        "final_error": error[..., -1].astype(np.float32),
        "diverged": diverged,
        "reached": reached,
        "verdict": verdict.astype(np.uint8),
    }


DIGITS_VERDICTS = (
    "It crawls: after the last epoch the training loss is still {final}.",
    "It is thrown about: after the last epoch the training loss is {final}.",
    "It learns: training loss {final} in the last epoch, validation error {final_error}.",
    "It can only guess: training loss {final} in the last epoch, validation error {final_error}.",
    "It diverges: in epoch {diverged} the loss is not a finite number any more.",
)


def gradient_cloud(
    batch_sizes: Sequence[int], rng: np.random.Generator, count: int = 80
) -> dict[str, np.ndarray]:
    r"""Gradients of many mini-batches at one point of the training, projected onto a plane.

    The network is 64-32-10, after 100 steps at rate 0.1. The plane is spanned by the gradient of
    the whole training set and, at a right angle to it, the direction of largest variance of the
    gradients of single images.

    Returns `cloud` (B, count, 2), in units of the length of the whole gradient, which lies at
    (1, 0); and `spread` (B,), the mean distance of the cloud's gradients from it before
    the projection.
    """
    x, y = load("digits").train
    network = Network([Linear(64, 32), ReLU(), Linear(32, 10)], rng)
    for batch in shuffled_batches(len(y), 32, 100, rng):
        network.loss_and_gradient(x[batch], y[batch])
        network.w -= 0.1 * network.g

    def gradient(batch: np.ndarray) -> np.ndarray:
        network.loss_and_gradient(x[batch], y[batch])
        return network.g.astype(float)

    whole_gradient = gradient(np.arange(len(y)))
    length = np.linalg.norm(whole_gradient)
    along = whole_gradient / length
    single = np.stack([gradient([k]) for k in rng.choice(len(y), 200, replace=False)])
    single -= whole_gradient
    single -= np.outer(single @ along, along)
    across = np.linalg.svd(single, full_matrices=False)[2][0]
    plane = np.stack([along, across], axis=1) / length
    drawn = np.stack(
        [
            [gradient(rng.choice(len(y), size, replace=False)) for _ in range(count)]
            for size in batch_sizes
        ]
    )
    spread = np.linalg.norm(drawn - whole_gradient, axis=-1).mean(axis=-1) / length
    return {"cloud": drawn @ plane, "spread": spread.astype(np.float32)}


def digits(learning_rate: float = 0.01, batch_size: int = 32) -> Lab:
    r"""Lab: a 64-32-10 network on 8x8 digits, learning rate against batch size, ten epochs.

    learning_rate, batch_size: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, sizes, epochs, goal = rate_grid(0.0032, 3.2)[::3], (8, 16, 32, 64, 128), 10, 0.1
    outcomes = digits_outcomes(rates, sizes, epochs=epochs, goal=goal)
    settings = ("learning_rate", "batch_size")
    tables = {name: (settings, array) for name, array in outcomes.items()}
    for name, array in gradient_cloud(sizes, np.random.default_rng(0)).items():
        tables[name] = (("batch_size",), array)
    final = np.nan_to_num(outcomes["final"], nan=10.0).clip(0.02, 2.0)
    cells = 255 * np.log(final / 0.02) / np.log(2.0 / 0.02)
    tables["map"] = ((), np.rint(cells.T[::-1]).astype(np.uint8))
    tables["whole"] = ((), np.array([[1.0, 0.0]]))
    tables["column"] = (("learning_rate",), np.arange(len(rates), dtype=np.uint8))
    tables["line"] = (("batch_size",), np.arange(len(sizes), dtype=np.uint8))
    # Linear scaling: the smallest rate that reaches the goal at the smallest batch, times B / 8.
    smallest = rates[int(outcomes["reached"][:, 0].argmax())]
    scaled = smallest * np.array(sizes) / sizes[0]
    needed = [
        rates[int(column.argmax())] if column.any() else np.inf for column in outcomes["reached"].T
    ]
    tables["scaled"] = (("batch_size",), scaled.astype(np.float32))
    tables["needed"] = (("batch_size",), np.array(needed, np.float32))
    some = [f"{rate:g}" if k % 7 == 3 else "" for k, rate in enumerate(rates)]
    return Lab(
        title="A network learns digits",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("batch_size", "batch size", sizes, batch_size),
        ],
        tables=tables,
        panels=[
            {
                "kind": "curves",
                "x": axis("epoch", -0.25, epochs + 0.25),
                "y": axis("training loss", 0.01, 10, log=True),
                "lines": [{"y": "loss", "dots": True}],
                "level": {"value": goal, "label": "goal"},
            },
            {
                "kind": "curves",
                "x": axis("along the whole gradient", -2.5, 4.5),
                "y": axis("across it", -3.5, 3.5),
                "lines": [
                    {"xy": "cloud", "scatter": True, "series": 0, "label": "mini-batches"},
                    {"xy": "whole", "cross": True, "series": 2, "label": "whole gradient"},
                ],
            },
            {
                "kind": "map",
                "x": axis("learning rate", -0.5, len(rates) - 0.5) | {"names": some},
                "y": axis("batch size", -0.5, len(sizes) - 0.5)
                | {"names": [str(size) for size in sizes]},
                "cells": "map",
                "here": ["column", "line"],
                "bar": {"low": "0.02", "high": "2", "label": "final loss"},
                "secret": "Reveal shows it",
            },
        ],
        verdicts=DIGITS_VERDICTS,
        unit="epoch",
        alt="Left: training loss by epoch on a log axis. Middle: gradients of many mini-batches "
        "around the gradient of the whole training set. Right: the final loss of every learning "
        "rate and batch size.",
        goal=f"training loss under {goal} in epoch {epochs}.",
        caption="Left: each dot is one epoch, the ring the untrained network. An epoch sees each "
        "image once, so a batch four times as large takes a quarter of the steps. Middle: at one "
        "place early in training, a larger batch draws the cloud together around the whole "
        "gradient, and leaves its middle where it was.",
        reveal={
            "name": "answer",
            "control": "learning_rate",
            "table": "scaled",
            "question": "Guess first: which rate does this batch size need for the goal?",
            "answer": "From batch size 8, linear scaling asks for {scaled}; the smallest rate that "
            "does it is {needed}.",
        },
    )


# ---- live training


def live(
    learning_rate: float = 0.03, batch_size: int = 16, rule: str = "SGD", init: str = "kaiming"
) -> Lab:
    r"""Lab: a 2-16-16-2 network that trains in the kernel while you move its settings.

    learning_rate, batch_size, rule, init: the setting that the lab opens with.
    """
    from lrcourse.widgets.labs.training_lab import Live

    return Live(learning_rate, batch_size, rule, init)
