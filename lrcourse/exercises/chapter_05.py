r"""Checks of chapter 05, BatchNorm."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, several

FORWARD, BACKWARD = ("y", "x_hat", "scale"), ("d_x", "d_gamma", "d_beta")
LAYER = ("y", "d_x", "running_mean", "running_variance")
EPSILON = 1e-5


def _row(x: NDArray, axis: int | None = 0, ddof: int = 0) -> tuple[NDArray, NDArray]:
    return x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True, ddof=ddof)


def _forward(answer: Callable, x: NDArray, gamma: NDArray, beta: NDArray, *epsilon: float) -> dict:
    return several(call_unchanged(answer, *epsilon, x=x, gamma=gamma, beta=beta), FORWARD)


def forward_example(batchnorm_forward: Callable, rng: Generator) -> None:
    r"""Mean 2, biased variance 1."""
    got = _forward(
        batchnorm_forward, np.array([[1.0], [3.0]]), np.array([[2.0]]), np.full((1, 1), 5.0), 0.0
    )
    unbiased = (
        "It divides by B - 1; to normalise, BatchNorm takes the biased variance, `x.var(axis=0)`."
    )
    half = [[0.5**0.5]]
    compare(got["scale"], [[1.0]], mistakes={unbiased: half}, what="scale")
    compare(got["x_hat"], [[-1.0], [1.0]], what="x_hat")
    swapped = {
        "y has gamma and beta in each other's place: y = gamma x_hat + beta.": [[-3.0], [7.0]],
        "y is x_hat: multiply by gamma and add beta.": [[-1.0], [1.0]],
    }
    compare(got["y"], [[3.0], [7.0]], mistakes=swapped, what="y")


def forward_scale(batchnorm_forward: Callable, rng: Generator) -> None:
    r"""Where epsilon stands, and over which axis the variance goes."""
    x, gamma, beta = rng.normal(1, 2, (5, 5)), rng.normal(size=(1, 5)), rng.normal(size=(1, 5))
    mean, variance = _row(x)
    epsilon = 0.3
    scale = 1 / np.sqrt(variance + epsilon)
    mistakes = {
        "scale divides by B - 1; to normalise, BatchNorm takes the biased variance.": (
            1 / np.sqrt(_row(x, ddof=1)[1] + epsilon)
        ),
        "scale has epsilon outside the root: 1 / sqrt(variance + epsilon).": (
            1 / (np.sqrt(variance) + epsilon)
        ),
        "scale has no epsilon: 1 / sqrt(variance + epsilon).": 1 / np.sqrt(variance),
        "scale lacks the root: 1 / sqrt(variance + epsilon).": 1 / (variance + epsilon),
        "scale is upside down: it is 1 / sqrt(variance + epsilon).": np.sqrt(variance + epsilon),
        "It normalises each example over its features (that is LayerNorm): the batch is the first "
        "axis.": 1 / np.sqrt(_row(x.T)[1].T + epsilon),
        "It takes one variance of the whole array: each feature has its own, `axis=0`.": (
            1 / np.sqrt(_row(x, None)[1] + epsilon)
        ),
        "scale has lost a dimension: its shape is (1, features), so keep `keepdims=True`.": scale[
            0
        ],
        "scale uses the mean of x², not the variance: take the mean away first.": (
            1 / np.sqrt((x**2).mean(axis=0, keepdims=True) + epsilon)
        ),
    }
    got = _forward(batchnorm_forward, x, gamma, beta, epsilon)
    compare(got["scale"], scale, mistakes=mistakes, what="scale")
    mistakes = {
        "x_hat does not take the mean away.": x * scale,
        "x_hat divides by scale: scale is one over the deviation already.": (x - mean) / scale,
        "x_hat takes away the mean of the whole array: each feature has its own.": (
            (x - x.mean()) * scale
        ),
        "x_hat takes away the mean of each example: the batch is the first axis.": (
            (x - x.mean(axis=1, keepdims=True)) * scale
        ),
    }
    x_hat = (x - mean) * scale
    compare(got["x_hat"], x_hat, mistakes=mistakes, what="x_hat")
    mistakes = {
        "y is x_hat: multiply by gamma and add beta.": x_hat,
        "y lacks beta: y = gamma x_hat + beta.": gamma * x_hat,
        "y subtracts beta: y = gamma x_hat + beta.": gamma * x_hat - beta,
        "y uses x in place of x_hat.": gamma * x + beta,
        "y has gamma and beta in each other's place.": beta * x_hat + gamma,
    }
    compare(got["y"], gamma * x_hat + beta, mistakes=mistakes, what="y")


def forward_default(batchnorm_forward: Callable, rng: Generator) -> None:
    r"""A feature that never varies, with the default epsilon."""
    x, one = np.full((4, 2), 3.0), np.ones((1, 2))
    x[:, 1] = [1, 2, 3, 4]
    got = _forward(batchnorm_forward, x, one, 0 * one)
    if not np.isfinite(np.asarray(got["y"], dtype=float)).all():
        raise Wrong("A feature that is the same in all examples gives nan: epsilon is missing.")
    mean, variance = _row(x)
    compare(got["y"], (x - mean) / np.sqrt(variance + EPSILON), what="y")


def _backward(answer: Callable, *arrays: NDArray) -> dict[str, object]:
    given = dict(zip(("d_y", "x_hat", "scale", "gamma"), arrays, strict=True))
    return several(call_unchanged(answer, **given), BACKWARD)


def _normalised(x: NDArray, epsilon: float = EPSILON) -> tuple[NDArray, NDArray]:
    mean, variance = _row(x)
    scale = 1 / np.sqrt(variance + epsilon)
    return (x - mean) * scale, scale


def backward_weights(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""d_gamma and d_beta are sums over the batch."""
    x_hat, scale = _normalised(rng.normal(size=(5, 3)))
    d_y, gamma = rng.normal(size=(5, 3)), rng.normal(1, 0.3, (1, 3))
    d_gamma, d_beta = ((d * d_y).sum(axis=0, keepdims=True) for d in (x_hat, 1))
    got = _backward(batchnorm_backward, d_y, x_hat, scale, gamma)
    if np.shape(got["d_x"]) == (1, 3) and np.shape(got["d_beta"]) == (5, 3):
        raise Wrong("The order is (d_x, d_gamma, d_beta): d_x came last.")
    mistakes = {
        "d_gamma is a mean over the batch; it is the sum: the loss brings its own 1/B.": d_gamma
        / 5,
        "d_gamma lacks x_hat: how far gamma moves y depends on x_hat.": d_beta,
        "d_gamma is not summed over the batch: gamma is used by every example.": d_y * x_hat,
        "d_gamma has lost a dimension: gamma is (1, features), so keep `keepdims=True`.": d_gamma[
            0
        ],
        "d_gamma has a factor gamma too many.": d_gamma * gamma,
    }
    compare(got["d_gamma"], d_gamma, mistakes=mistakes, what="d_gamma")
    mistakes = {
        "d_beta is a mean over the batch; it is the sum: the loss brings its own 1/B.": d_beta / 5,
        "d_beta is not summed over the batch: beta is used by every example.": d_y,
        "d_beta has lost a dimension: beta is (1, features), so keep `keepdims=True`.": d_beta[0],
    }
    compare(got["d_beta"], d_beta, mistakes=mistakes, what="d_beta")


def _input_mistakes(d_y: NDArray, x_hat: NDArray, scale: NDArray, gamma: NDArray) -> dict:
    along = d_y.mean(axis=0), (d_y * x_hat).mean(axis=0)
    batch = len(d_y)
    return {
        "d_x is the shortcut gamma · scale · d_y: mean and variance depend on x too, and both "
        "terms are missing. Its columns do not sum to 0.": gamma * scale * d_y,
        "d_x lacks the term of the variance, x_hat times the mean of d_y x_hat.": (
            gamma * scale * (d_y - along[0])
        ),
        "d_x lacks the term of the mean: its columns do not sum to 0.": (
            gamma * scale * (d_y - x_hat * along[1])
        ),
        "d_x has sums where means belong: divide both terms by the batch.": (
            gamma * scale * (d_y - batch * along[0] - x_hat * batch * along[1])
        ),
        "d_x adds the two terms; they are taken away.": (
            gamma * scale * (d_y + along[0] + x_hat * along[1])
        ),
        "d_x lacks gamma.": scale * (d_y - along[0] - x_hat * along[1]),
        "d_x lacks scale.": gamma * (d_y - along[0] - x_hat * along[1]),
        "d_x divides by scale: scale is one over the deviation already.": (
            gamma / scale * (d_y - along[0] - x_hat * along[1])
        ),
        "The last term of d_x lacks x_hat: it is x_hat times the mean of d_y x_hat.": (
            gamma * scale * (d_y - along[0] - along[1])
        ),
        "d_x is divided by the batch once more.": (
            gamma * scale * (d_y - along[0] - x_hat * along[1]) / batch
        ),
    }


def backward_inputs(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""Against the formula, with the likely slips."""
    x_hat, scale = _normalised(rng.normal(0, 2, (5, 3)))
    d_y, gamma = rng.normal(0.5, 1, (5, 3)), rng.normal(1, 0.3, (1, 3))
    expected = gamma * scale * (d_y - d_y.mean(axis=0) - x_hat * (d_y * x_hat).mean(axis=0))
    got = _backward(batchnorm_backward, d_y, x_hat, scale, gamma)
    mistakes = _input_mistakes(d_y, x_hat, scale, gamma)
    compare(got["d_x"], expected, mistakes=mistakes, what="d_x")


def backward_measured(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""What the forward pass itself says, by central differences."""
    x, d_y, gamma = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), rng.normal(1, 0.3, (1, 2))
    measured, h = np.empty_like(x), 1e-6
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        above, below = (np.sum(d_y * gamma * _normalised(x + s)[0]) for s in (step, -step))
        measured[index] = (above - below) / (2 * h)
    got = _backward(batchnorm_backward, d_y, *_normalised(x), gamma)
    compare(got["d_x"], measured, tolerance=1e-5, what="d_x, against a measurement")


def backward_example(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""The numbers that the exercise gives."""
    d_y, x_hat = np.array([[1.0], [4.0], [4.0]]), np.array([[-1.0], [0.0], [1.0]])
    got = _backward(batchnorm_backward, d_y, x_hat, np.ones((1, 1)), np.full((1, 1), 2.0))
    compare(got["d_x"], [[-2.0], [2.0], [0.0]], what="d_x")
    compare(got["d_gamma"], [[3.0]], what="d_gamma")
    compare(got["d_beta"], [[9.0]], what="d_beta")


def _layer_inputs(rng: Generator) -> tuple[NDArray, ...]:
    x, d_y = rng.normal(2, 3, (6, 4)), rng.normal(0.3, 1, (6, 4))
    return x, d_y, rng.normal(size=4), rng.uniform(0.5, 2, 4)


def _layer(answer: Callable, inputs: tuple[NDArray, ...], training: bool) -> dict[str, object]:
    given = dict(zip(("x", "d_y", "running_mean", "running_variance"), inputs, strict=True))
    return several(call_unchanged(answer, training, **given), LAYER)


def layer_in_training(batchnorm_layer: Callable, rng: Generator) -> None:
    r"""Output and gradient with the batch's own statistics."""
    x, d_y, running_mean, running_variance = inputs = _layer_inputs(rng)
    got = _layer(batchnorm_layer, inputs, training=True)
    scale, unbiased = (1 / np.sqrt(x.var(axis=0, ddof=n) + EPSILON) for n in (0, 1))
    y = (x - x.mean(axis=0)) * scale
    mistakes = {
        "In training, y still divides by the unbiased variance: to normalise, take the biased "
        "one.": (x - x.mean(axis=0)) * unbiased,
        "In training, y uses the running statistics; those are for evaluation.": (
            (x - running_mean) / np.sqrt(running_variance + EPSILON)
        ),
        "In training, y has no epsilon.": (x - x.mean(axis=0)) / x.std(axis=0),
    }
    compare(got["y"], y, mistakes=mistakes, tolerance=1e-8, what="y in training")
    both = d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0)
    mistakes = {
        "In training, d_x still takes mean and variance for constants: two terms are missing.": (
            d_y * scale
        ),
        "In training, d_x lacks the term of the variance.": scale * (d_y - d_y.mean(axis=0)),
        "In training, d_x lacks the term of the mean.": scale * (d_y - y * (d_y * y).mean(axis=0)),
        "In training, d_x has the right terms, but the unbiased scale.": unbiased * both,
    }
    compare(got["d_x"], scale * both, mistakes=mistakes, what="d_x in training")


def layer_in_evaluation(batchnorm_layer: Callable, rng: Generator) -> None:
    r"""Output and gradient with the running statistics as they came."""
    x, d_y, running_mean, running_variance = inputs = _layer_inputs(rng)
    got = _layer(batchnorm_layer, inputs, training=False)
    for name, before in zip(LAYER[2:], (running_mean, running_variance), strict=True):
        if np.shape(got[name]) == before.shape and not np.allclose(got[name], before):
            raise Wrong(
                f"In evaluation {name} still moves: looking at test data must not change the "
                "network. Move it in training only."
            )
        compare(got[name], before, what=f"{name} in evaluation")
    scale = 1 / np.sqrt(running_variance + EPSILON)
    y = (x - running_mean) * scale
    moved = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    moved_variance = 0.9 * running_variance + 0.1 * x.var(axis=0, ddof=1)
    mistakes = {
        "In evaluation, y uses the statistics of the batch: take the running ones.": (
            (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPSILON)
        ),
        "In evaluation, y uses running statistics that this very batch has moved.": (
            (x - moved) / np.sqrt(moved_variance + EPSILON)
        ),
    }
    compare(got["y"], y, mistakes=mistakes, what="y in evaluation")
    mistakes = {
        "In evaluation the statistics *are* constants: there d_x is scale times d_y, without the "
        "two terms.": scale * (d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0)),
    }
    compare(got["d_x"], d_y * scale, mistakes=mistakes, what="d_x in evaluation")


def layer_statistics(batchnorm_layer: Callable, rng: Generator) -> None:
    r"""The running means after a batch in training."""
    x, _, running_mean, running_variance = inputs = _layer_inputs(rng)
    got = _layer(batchnorm_layer, inputs, training=True)
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    mistakes = {
        "running_mean has the weights the other way round: 0.1 is the weight of the new value.": (
            0.1 * running_mean + 0.9 * mean
        ),
        "running_mean does not move in training.": running_mean,
        "running_mean is the batch's mean: keep nine tenths of the old value.": mean,
    }
    compare(
        got["running_mean"], 0.9 * running_mean + 0.1 * mean, mistakes=mistakes, what="running_mean"
    )
    mistakes = {
        "running_variance now takes the biased variance: the running one is of the unbiased, "
        "`ddof=1`.": 0.9 * running_variance + 0.1 * x.var(axis=0),
        "running_variance has the weights the other way round: 0.1 is the weight of the new "
        "value.": 0.1 * running_variance + 0.9 * variance,
        "running_variance does not move in training.": running_variance,
    }
    expected = 0.9 * running_variance + 0.1 * variance
    compare(got["running_variance"], expected, mistakes=mistakes, what="running_variance")


EXERCISES = [
    Exercise(
        id="05.1",
        title="Forward",
        answers=("batchnorm_forward",),
        checks=[
            Check("the example of the exercise", forward_example),
            Check("scale, x_hat and y of five features", forward_scale),
            Check("a feature that never varies", forward_default),
        ],
        hints=[
            "Every feature is a column. Which axis must vanish when you take the mean of each?",
            "`x.mean(axis=0, keepdims=True)` has shape (1, features), and `x.var` takes the same "
            "arguments. By default it is the biased variance.",
            "`scale = 1 / np.sqrt(variance + epsilon)`, `x_hat = (x - mean) * scale`, and "
            "`return gamma * x_hat + beta, x_hat, scale`.",
        ],
    ),
    Exercise(
        id="05.2",
        title="Backward in one line",
        answers=("batchnorm_backward",),
        checks=[
            Check("d_gamma and d_beta", backward_weights),
            Check("d_x, by the formula", backward_inputs),
            Check("d_x, by a measurement", backward_measured),
            Check("the example of the exercise", backward_example),
        ],
        hints=[
            "gamma and beta are used by every example, so their gradients add up over the batch, "
            "with `keepdims=True`.",
            "The two means in d_x are `d_beta / len(d_y)` and `d_gamma / len(d_y)`.",
            "`d_x = gamma * scale * (d_y - d_beta / B - x_hat * d_gamma / B)`.",
        ],
    ),
    Exercise(
        id="05.3",
        title="Find three bugs",
        answers=("batchnorm_layer",),
        checks=[
            Check("y and d_x in training", layer_in_training),
            Check("evaluation", layer_in_evaluation),
            Check("the running means in training", layer_statistics),
        ],
        hints=[
            "Treat training and evaluation apart: `if not training:` at the top, with its own "
            "return. What may evaluation change?",
            "Two variances are needed in training. Which one normalises, and which one goes into "
            "the running mean?",
            "In training d_x is the line of exercise 05.2 with gamma 1; in evaluation the "
            "statistics are constants.",
            "In training: `scale = 1 / np.sqrt(x.var(axis=0) + 1e-5)`, `y = (x - x.mean(axis=0)) * "
            "scale`, `d_x = scale * (d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0))`, and "
            "`x.var(axis=0, ddof=1)` in the running variance.",
        ],
    ),
]
