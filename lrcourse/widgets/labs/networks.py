r"""Labs on small networks that learn: points in a plane, and 8x8 images of digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.data import load
from lrcourse.nn import Linear, Network, ReLU, unknown
from lrcourse.optim import SGD, Adam, Momentum
from lrcourse.training import fit
from lrcourse.widgets.labs.grids import increasing, rate_grid, shuffled_batches, whole

if TYPE_CHECKING:
    from lrcourse.widgets.view import Lab

# ---- points in a plane

RULES = {"SGD": SGD, "momentum": Momentum, "Adam": Adam}
STARTS = ("kaiming", "xavier", "normal", "zero")
POINTS, SIDE, REACH = 128, 32, 2.6  # points to learn, cells along a side of the map, its half width
CLASSIFIER_VERDICTS = (
    "It crawls: loss {final} in the last epoch, accuracy {accuracy}.",
    "It learns: loss {final} in the last epoch, accuracy {accuracy}.",
    "It is thrown about: loss {final} in the last epoch, accuracy {accuracy}.",
    "It is stuck: loss {final}, no better than a guess. Its hidden units give no gradient.",
    "It diverges: in epoch {diverged} the loss is over ten times its start.",
)
CRAWLS, LEARNS, THROWN, STUCK, DIVERGES = range(len(CLASSIFIER_VERDICTS))


def half_moons(
    rng: np.random.Generator, count: int = POINTS, noise: float = 0.15
) -> tuple[np.ndarray, np.ndarray]:
    r"""Two half circles that reach into each other: points, float32 (count, 2), and labels."""
    y = np.arange(count) % 2
    angle = np.pi * rng.random(count)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    x[y == 1] = [1, 0.5] - x[y == 1]
    x += noise * rng.standard_normal(x.shape)
    x = 1.2 * (x - x.mean(axis=0)) / x.std(axis=0)
    return x.astype(np.float32), y


def plane(side: int = SIDE) -> np.ndarray:
    r"""The middles of the map's cells, float32 (side², 2), the top row first."""
    middles = REACH * (2 * (np.arange(side) + 0.5) / side - 1)
    across, up = np.meshgrid(middles, middles[::-1])
    return np.stack([across.ravel(), up.ravel()], axis=-1).astype(np.float32)


def classifier_outcomes(
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] = (8, 32, POINTS),
    rules: Sequence[str] = tuple(RULES),
    starts: Sequence[str] = STARTS,
    *,
    epochs: int = 24,
    goal: float = 0.05,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""A 2-16-16-2 ReLU network learns two half moons, for all settings at once.

    Runs that share a batch size meet the same batches, and the starts draw the same numbers.

    learning_rates: L positive numbers in increasing order. batch_sizes: B whole numbers in
    increasing order, at most 128. rules: R of RULES. starts: S of STARTS. goal: the training loss
    that the last epoch has to be under. rng: draws points, starts and batches (default:
    `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, B, R, S): `loss` (..., epochs + 1), before training, then
    the mean over the batches of each epoch; `final`, its last; `accuracy` on the points after
    training; `region` (..., 32²), the probability of class 1 over the plane, as bytes;
    `diverged` (the epoch, or 0), `reached`, `verdict`; and the `points` (128, 2) and `labels`.
    """
    rates = increasing("learning rates", learning_rates).astype(np.float32)
    sizes = whole("batch sizes", batch_sizes, POINTS)
    for kind, names, allowed in [("rule", rules, RULES), ("start", starts, STARTS)]:
        for name in names:
            if name not in allowed:
                raise ValueError(unknown(kind, name, allowed))
    rng = np.random.default_rng(0) if rng is None else rng
    x, y = half_moons(rng)
    seed = rng.integers(2**32)

    def network(start: str, runs: int | None = None) -> Network:
        layers = [Linear(2, 16, start), ReLU(), Linear(16, 16, start), ReLU(), Linear(16, 2, start)]
        return Network(layers, np.random.default_rng(seed), runs)

    first = np.repeat([network(start).w for start in starts], len(rates), axis=0)
    runs = network("zero", len(first))
    eta = np.tile(rates, len(starts))[:, None]
    shape = (len(rates), len(sizes), len(rules), len(starts))
    loss = np.full((*shape, epochs + 1), np.nan)
    accuracy, region = np.empty(shape, np.float32), np.empty((*shape, SIDE**2), np.uint8)
    everywhere = np.concatenate([plane(), x])

    def settings(array: np.ndarray) -> np.ndarray:
        return array.reshape(len(starts), len(rates), *array.shape[1:]).swapaxes(0, 1)

    for b, size in enumerate(sizes):
        each = POINTS // size
        batches = shuffled_batches(POINTS, size, epochs * each, rng)
        for r, name in enumerate(rules):
            runs.w[...] = first
            rule, losses = RULES[name](), [runs.loss(x, y)]
            with np.errstate(over="ignore", invalid="ignore"):
                for batch in batches:
                    losses.append(runs.loss_and_gradient(x[batch], y[batch]))
                    rule.step(runs.w, runs.g, eta)
                logits = runs.forward(everywhere)
                probability = 1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))
            means = np.reshape(losses[1:], (epochs, each, -1)).mean(axis=1)
            loss[:, b, r] = settings(np.concatenate([losses[:1], means]).T)
            probability = np.nan_to_num(probability, nan=0.5)
            region[:, b, r] = settings(np.rint(255 * probability[:, : SIDE**2]).astype(np.uint8))
            accuracy[:, b, r] = settings(((probability[:, SIDE**2 :] > 0.5) == y).mean(axis=-1))

    beyond = ~(loss <= 10 * loss[..., :1])
    diverged = np.where(beyond.any(axis=-1), beyond.argmax(axis=-1), 0).astype(np.int16)
    final = loss[..., -1]
    reached = (final < goal) & (diverged == 0)
    best = np.nanargmin(final, axis=0, keepdims=True)
    fast = np.arange(len(rates))[:, None, None, None] > best
    stuck = (final > 0.6) & (fast | (np.array(starts) == "zero"))
    verdict = np.select([diverged > 0, reached, stuck, fast], [DIVERGES, LEARNS, STUCK, THROWN])
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
    learning_rate: float = 0.01, batch_size: int = 32, rule: str = "SGD", start: str = "kaiming"
) -> Lab:
    r"""Lab: a 2-16-16-2 network learns two half moons; its decision region and its loss.

    learning_rate, batch_size, rule, start: the setting that the lab opens with.
    """
    from lrcourse.widgets.view import Control, Lab, axis

    rates, sizes, epochs, goal = rate_grid(0.001, 3.2)[::5], (8, 32, POINTS), 24, 0.05
    outcomes = classifier_outcomes(rates, sizes, epochs=epochs, goal=goal)
    settings = ("learning_rate", "batch_size", "rule", "start")
    batches = [f"{size} (all)" if size == POINTS else str(size) for size in sizes]
    return Lab(
        title="A network learns two half moons",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("batch_size", "batch size", sizes, batch_size, texts=batches),
            Control("rule", "rule", list(RULES), rule, "select"),
            Control("start", "start", STARTS, start, "select"),
        ],
        tables={
            name: (() if name in ("points", "labels") else settings, array)
            for name, array in outcomes.items()
        },
        panels=[
            {
                "kind": "region",
                "x": axis("x₁", -REACH, REACH),
                "y": axis("x₂", -REACH, REACH),
                "cells": "region",
                "points": "points",
                "labels": "labels",
            },
            {
                "kind": "curves",
                "x": axis("epoch", -0.025 * epochs, 1.025 * epochs),
                "y": axis("training loss", 0.001, 10, log=True),
                "lines": [{"y": "loss", "dots": True}],
                "level": {"value": goal, "label": "goal"},
            },
        ],
        verdicts=CLASSIFIER_VERDICTS,
        alt="Left: the two classes of points over the region that the network gives to each. Right: "
        "training loss against epoch on a log axis.",
        goal=f"training loss under {goal} in epoch {epochs}.",
        caption="Left: blue discs and vermillion squares are the points; the ground is the class "
        "that the network would name there, white where it is in doubt. Right: the loss of that "
        "run, epoch by epoch. Adam wants a smaller rate than SGD, and from the start zero no rate "
        "helps: all hidden units stay alike.",
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

    Every setting has the same start; those that share a batch size meet the same batches.

    learning_rates: L positive numbers in increasing order. batch_sizes: B whole numbers in
    increasing order. goal: the training loss that the last epoch has to be under.
    rng: draws the start and the batches (default: `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, B): `loss` (training loss) and `error` (share of the
    validation images named wrong), both (L, B, epochs + 1), before training and for each epoch;
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


def digits(learning_rate: float = 0.01, batch_size: int = 32) -> Lab:
    r"""Lab: a 64-32-10 network on 8x8 digits, learning rate against batch size, ten epochs.

    learning_rate, batch_size: the setting that the lab opens with.
    """
    from lrcourse.widgets.view import Control, Lab, axis

    rates, sizes, epochs, goal = rate_grid(0.0032, 3.2)[::3], (8, 32, 128), 10, 0.1
    outcomes = digits_outcomes(rates, sizes, epochs=epochs, goal=goal)
    settings = ("learning_rate", "batch_size")
    across = axis("epoch", -0.25, epochs + 0.25)
    return Lab(
        title="A network learns digits",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("batch_size", "batch size", sizes, batch_size),
        ],
        tables={name: (settings, array) for name, array in outcomes.items()},
        panels=[
            {
                "kind": "curves",
                "x": across,
                "y": axis("training loss", 0.01, 10, log=True),
                "lines": [{"y": "loss", "dots": True}],
                "level": {"value": goal, "label": "goal"},
            },
            {
                "kind": "curves",
                "x": across,
                "y": axis("validation error", 0, 1),
                "lines": [{"y": "error", "dots": True}],
            },
        ],
        verdicts=DIGITS_VERDICTS,
        alt="Left: training loss by epoch on a log axis. Right: validation error by epoch.",
        goal=f"training loss under {goal} in epoch {epochs}.",
        caption="Each dot is one epoch, the ring the untrained network. An epoch sees each image "
        "once, so a batch four times as large takes a quarter of the steps. Right: the share of "
        "the validation images that is named wrong; 0.9 is guessing.",
    )
