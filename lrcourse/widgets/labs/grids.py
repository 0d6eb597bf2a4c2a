r"""What labs share: the values of their sliders, how they train, when a run counts as diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lrcourse.nn import Network


def rate_grid(low: float, high: float) -> list[float]:
    r"""Learning rates, twenty to a decade, rounded to two significant digits."""
    exponents = range(round(20 * math.log10(low)), round(20 * math.log10(high)) + 1)
    return [float(f"{10 ** (k / 20):.2g}") for k in exponents]


def increasing(name: str, values: Sequence[float]) -> np.ndarray:
    r"""`values` as a float64 array; ValueError unless finite, positive and strictly increasing."""
    grid = np.asarray(values, dtype=float)
    if grid.ndim != 1 or grid.size == 0:
        raise ValueError(f"The grid {name} needs at least one value, in one row; got {values!r}.")
    if not (np.isfinite(grid).all() and (grid > 0).all()):
        raise ValueError(f"The {name} must be positive and finite; got {grid.tolist()}.")
    if (np.diff(grid) <= 0).any():
        raise ValueError(f"The {name} must be in increasing order; got {grid.tolist()}.")
    return grid


def first_divergence(loss: np.ndarray) -> np.ndarray:
    r"""First step with a loss over 100 times its first value, or not finite; 0 if none.

    loss: shape (..., steps + 1). Returns int16, shape (...).
    """
    beyond = ~(loss <= 100 * loss[..., :1])
    return np.where(beyond.any(axis=-1), beyond.argmax(axis=-1), 0).astype(np.int16)


def after_divergence(diverged: np.ndarray, steps: int) -> np.ndarray:
    r"""Which steps are not drawn: those after the one in which a run diverged.

    diverged: shape (...), as of `first_divergence`. Returns bool, shape (..., steps + 1).
    """
    return (diverged[..., None] > 0) & (np.arange(steps + 1) > diverged[..., None])


def whole(name: str, values: Sequence[float], most: int | None = None) -> list[int]:
    r"""`values` as whole numbers in increasing order, at most `most`; ValueError otherwise."""
    grid = increasing(name, values)
    if (grid != grid.astype(int)).any():
        raise ValueError(f"The {name} must be whole numbers; got {grid.tolist()}.")
    if most is not None and grid[-1] > most:
        raise ValueError(f"A batch of {grid[-1]:g} is larger than the data, {most} samples.")
    return grid.astype(int).tolist()


def shuffled_batches(
    count: int, batch_size: int, steps: int, rng: np.random.Generator
) -> list[np.ndarray]:
    r"""The indices of the mini-batches of `steps` steps, each sample at most once an epoch.

    count: samples in the data. An incomplete last batch is dropped.
    """
    each = count // batch_size
    rounds = -(-steps // each)
    order = [rng.permutation(count)[: each * batch_size] for _ in range(rounds)]
    return list(np.concatenate(order).reshape(-1, batch_size)[:steps])


def train(
    network: Network,
    rule: object,
    learning_rates: np.ndarray,
    data: tuple[np.ndarray, np.ndarray],
    batches: Sequence[np.ndarray],
    window: int,
) -> np.ndarray:
    r"""Let a rule of `lrcourse.optim` take a step for each mini-batch, all runs side by side.

    learning_rates: of the R runs, shape (R, 1). data: examples and labels. window: how many steps
    are averaged; it divides their number.
    Returns the mean losses of the mini-batches, shape (R, steps / window); those of a run that
    diverged are not finite.
    """
    (x, y), losses = data, []
    with np.errstate(all="ignore"):
        for batch in batches:
            losses.append(network.loss_and_gradient(x[batch], y[batch]))
            rule.step(network.w, network.g, learning_rates)
    return np.reshape(losses, (-1, window, len(learning_rates))).mean(axis=1).T
