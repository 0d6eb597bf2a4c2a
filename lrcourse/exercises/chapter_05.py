r"""Checks of chapter 05, BatchNorm."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, several

FORWARD, BACKWARD = ("y", "x_hat", "scale"), ("d_x", "d_gamma", "d_beta")
LAYER = ("y", "d_x", "running_mean", "running_variance")
EPSILON = 1e-5
FLOAT32 = 1e-5  # the tolerance: an answer may be computed in float32


def _row(x: NDArray, axis: int | None = 0, ddof: int = 0) -> tuple[NDArray, NDArray]:
    return x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True, ddof=ddof)


def _forward(answer: Callable, x: NDArray, gamma: NDArray, beta: NDArray, *epsilon: float) -> dict:
    return several(call_unchanged(answer, *epsilon, x=x, gamma=gamma, beta=beta), FORWARD)


def _same(got: object, value: NDArray) -> bool:
    return np.shape(got) == value.shape and np.allclose(got, value, rtol=1e-4, atol=1e-4)


def _in_order(got: dict, shapes: dict[str, tuple]) -> None:
    r"""Raise Wrong if the values have each other's shapes."""
    found = {name: np.shape(value) for name, value in got.items()}
    if found != shapes and sorted(found.values()) == sorted(shapes.values()):
        order = ", ".join(f"`{name}`" for name in shapes)
        raise Wrong(f"The order is {order}: by their shapes, it returned them in another one.")


def batchnorm_forward(
    x: NDArray, gamma: NDArray, beta: NDArray, epsilon: float = EPSILON
) -> tuple[NDArray, NDArray, NDArray]:
    r"""Return (y, x_hat, scale) of BatchNorm over the batch."""
    scale = 1 / np.sqrt(x.var(axis=0, keepdims=True) + epsilon)
    x_hat = (x - x.mean(axis=0, keepdims=True)) * scale
    return gamma * x_hat + beta, x_hat, scale


def forward_example(batchnorm_forward: Callable, rng: Generator) -> None:
    r"""Mean 2, biased variance 1."""
    got = _forward(
        batchnorm_forward, np.array([[1.0], [3.0]]), np.array([[2.0]]), np.full((1, 1), 5.0), 0.0
    )
    compare(got["scale"], [[1.0]], what="`scale`")
    compare(got["x_hat"], [[-1.0], [1.0]], what="`x_hat`")
    compare(got["y"], [[3.0], [7.0]], what="`y`")


def forward_parts(batchnorm_forward: Callable, rng: Generator) -> None:
    r"""Seven examples of five features: scale, x_hat and y, each with its likely slips."""
    x, gamma, beta = rng.normal(1, 2, (7, 5)), rng.normal(size=(1, 5)), rng.normal(size=(1, 5))
    mean, variance = _row(x)
    epsilon = 0.3
    scale = 1 / np.sqrt(variance + epsilon)
    x_hat = (x - mean) * scale
    got = _forward(batchnorm_forward, x, gamma, beta, epsilon)
    if np.shape(got["scale"]) == (7, 1) or np.shape(got["scale"]) == (7,):
        raise Wrong(
            "It normalises each example over its features (that is LayerNorm): the batch is the "
            "first axis."
        )
    if np.shape(got["scale"]) == x.shape and np.allclose(got["x_hat"], scale):
        raise Wrong("The order is (y, x_hat, scale): the last two are in each other's place.")
    if np.shape(got["scale"]) == x.shape and np.shape(got["y"]) == scale.shape:
        raise Wrong("The order is (y, x_hat, scale): `scale` came first.")
    y = gamma * x_hat + beta
    if _same(got["y"], x_hat) and _same(got["x_hat"], y):
        raise Wrong("The order is (y, x_hat, scale): the first two are in each other's place.")
    unbiased = _row(x, ddof=1)[1]
    mistakes = {
        "`scale` divides by B - 1; to normalise, BatchNorm takes the biased variance.": (
            1 / np.sqrt(unbiased + epsilon)
        ),
        "`scale` has epsilon outside the root: 1 / sqrt(variance + epsilon).": (
            1 / (np.sqrt(variance) + epsilon)
        ),
        "`scale` has no epsilon, or another one than it is given: 1 / sqrt(variance + epsilon).": (
            1 / np.sqrt(variance)
        ),
        "`scale` lacks the root: 1 / sqrt(variance + epsilon).": 1 / (variance + epsilon),
        "`scale` is upside down: it is 1 / sqrt(variance + epsilon).": np.sqrt(variance + epsilon),
        "`scale` is the standard deviation: it is 1 / sqrt(variance + epsilon).": np.sqrt(variance),
        "It takes one variance of the whole array: each feature has its own, `axis=0`.": (
            1 / np.sqrt(_row(x, None)[1] + epsilon)
        ),
        "`scale` has lost a dimension: its shape is (1, features), so keep `keepdims=True`.": (
            scale[0]
        ),
        "`scale` uses the mean of x², not the variance: take the mean away first.": (
            1 / np.sqrt((x**2).mean(axis=0, keepdims=True) + epsilon)
        ),
        "`scale` has gamma in it: that comes in y only.": gamma * scale,
    }
    if np.shape(got["scale"]) == ():
        mistakes[
            "It takes one variance of the whole array: each feature has its own, `axis=0`."
        ] = 1 / np.sqrt(x.var() + epsilon)
    compare(got["scale"], scale, mistakes=mistakes, tolerance=FLOAT32, what="`scale`")
    mistakes = {
        "`x_hat` does not take the mean away.": x * scale,
        "`x_hat` divides by scale: scale is one over the deviation already.": (x - mean) / scale,
        "`x_hat` takes away the mean of the whole array: each feature has its own.": (
            (x - x.mean()) * scale
        ),
        "`x_hat` takes away the mean of each example: the batch is the first axis.": (
            (x - x.mean(axis=1, keepdims=True)) * scale
        ),
        "`x_hat` is only centred: multiply by scale.": x - mean,
        "`x_hat` adds the mean: take it away.": (x + mean) * scale,
    }
    compare(got["x_hat"], x_hat, mistakes=mistakes, tolerance=FLOAT32, what="`x_hat`")
    mistakes = {
        "`y` is x_hat: multiply by gamma and add beta.": x_hat,
        "`y` lacks beta: y = gamma x_hat + beta.": gamma * x_hat,
        "`y` lacks gamma: y = gamma x_hat + beta.": x_hat + beta,
        "`y` subtracts beta: y = gamma x_hat + beta.": gamma * x_hat - beta,
        "`y` adds beta before it multiplies: y = gamma x_hat + beta.": gamma * (x_hat + beta),
        "`y` uses x in place of x_hat.": gamma * x + beta,
        "`y` has gamma and beta in each other's place.": beta * x_hat + gamma,
    }
    compare(got["y"], y, mistakes=mistakes, tolerance=FLOAT32, what="`y`")


def forward_default(batchnorm_forward: Callable, rng: Generator) -> None:
    r"""A feature that never varies, with the default epsilon."""
    x, one = np.full((4, 2), 3.0), np.ones((1, 2))
    x[:, 1] = [1, 2, 3, 4]
    got = _forward(batchnorm_forward, x, one, 0 * one)
    if not np.isfinite(np.asarray(got["y"], dtype=float)).all():
        raise Wrong("A feature that is the same in all examples gives nan: epsilon is missing.")
    mean, variance = _row(x)
    expected = (x - mean) / np.sqrt(variance + EPSILON)
    compare(got["y"], expected, tolerance=FLOAT32, what="`y` with the default epsilon")


def _backward(answer: Callable, *arrays: NDArray) -> dict[str, object]:
    given = dict(zip(("d_y", "x_hat", "scale", "gamma"), arrays, strict=True))
    return several(call_unchanged(answer, **given), BACKWARD)


def _normalised(x: NDArray, epsilon: float = EPSILON) -> tuple[NDArray, NDArray]:
    mean, variance = _row(x)
    scale = 1 / np.sqrt(variance + epsilon)
    return (x - mean) * scale, scale


def backward_weights(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""`d_gamma` and d_beta are sums over the batch."""
    x_hat, scale = _normalised(rng.normal(size=(5, 3)))
    d_y, gamma = rng.normal(size=(5, 3)), rng.normal(1, 0.3, (1, 3))
    d_gamma, d_beta = ((d * d_y).sum(axis=0, keepdims=True) for d in (x_hat, 1))
    got = _backward(batchnorm_backward, d_y, x_hat, scale, gamma)
    if np.shape(got["d_x"]) == (1, 3) and np.shape(got["d_beta"]) == (5, 3):
        raise Wrong("The order is (d_x, d_gamma, d_beta): `d_x` came last.")
    if _same(got["d_gamma"], d_beta) and _same(got["d_beta"], d_gamma):
        raise Wrong("`d_gamma` and `d_beta` are in each other's place.")
    mistakes = {
        "`d_gamma` is a mean over the batch; it is the sum: the loss brings its own 1/B.": d_gamma
        / 5,
        "`d_gamma` lacks x_hat: how far gamma moves y depends on x_hat.": d_beta,
        "`d_gamma` is not summed over the batch: gamma is used by every example.": d_y * x_hat,
        "`d_gamma` has lost a dimension: gamma is (1, features), so keep `keepdims=True`.": d_gamma[
            0
        ],
        "`d_gamma` has a factor gamma too many.": d_gamma * gamma,
    }
    compare(got["d_gamma"], d_gamma, mistakes=mistakes, tolerance=FLOAT32, what="`d_gamma`")
    mistakes = {
        "`d_beta` is a mean over the batch; it is the sum: the loss brings its own 1/B.": d_beta
        / 5,
        "`d_beta` is not summed over the batch: beta is used by every example.": d_y,
        "`d_beta` has lost a dimension: beta is (1, features), so keep `keepdims=True`.": d_beta[0],
        "`d_beta` has a factor gamma too many.": d_beta * gamma,
        "`d_beta` has x_hat in it: beta moves y by just as much.": d_gamma,
    }
    compare(got["d_beta"], d_beta, mistakes=mistakes, tolerance=FLOAT32, what="`d_beta`")


def _input_mistakes(d_y: NDArray, x_hat: NDArray, scale: NDArray, gamma: NDArray) -> dict:
    along = d_y.mean(axis=0), (d_y * x_hat).mean(axis=0)
    batch = len(d_y)
    features = d_y.shape[1]
    right = d_y - along[0] - x_hat * along[1]
    one = d_y.mean(), (d_y * x_hat).mean()
    return {
        "`d_x` adds the term of the mean; it is taken away.": (
            gamma * scale * (d_y + along[0] - x_hat * along[1])
        ),
        "`d_x` adds the term of the variance; it is taken away.": (
            gamma * scale * (d_y - along[0] + x_hat * along[1])
        ),
        "`d_x` has the wrong sign.": -gamma * scale * right,
        "`d_x` divides by the number of features: the means go over the batch, `len(d_y)`.": (
            gamma * scale * (d_y - (along[0] + x_hat * along[1]) * batch / features)
        ),
        "`d_x` takes its means over the whole array: each feature has its own, `axis=0`.": (
            gamma * scale * (d_y - one[0] - x_hat * one[1])
        ),
        "`d_x` has the term of the variance half as large: a square has the slope 2.": (
            gamma * scale * (d_y - along[0] - x_hat * along[1] / 2)
        ),
        "`d_x` is the shortcut gamma · scale · d_y: mean and variance depend on x too, and both "
        "terms are missing. Its columns do not sum to 0.": gamma * scale * d_y,
        "`d_x` lacks the term of the variance, x_hat times the mean of d_y x_hat.": (
            gamma * scale * (d_y - along[0])
        ),
        "`d_x` multiplies only d_y by gamma and scale: all three terms stand in the brackets.": (
            gamma * scale * d_y - along[0] - x_hat * along[1]
        ),
        "`d_x` takes its means over the features: the batch is the first axis.": (
            gamma
            * scale
            * (
                d_y
                - d_y.mean(axis=1, keepdims=True)
                - x_hat * (d_y * x_hat).mean(axis=1, keepdims=True)
            )
        ),
        "`d_x` has scale three times: once is enough, as x_hat has the other two in it.": (
            gamma * scale**3 * (d_y - along[0] - x_hat * along[1])
        ),
        "`d_x` lacks the term of the mean: its columns do not sum to 0.": (
            gamma * scale * (d_y - x_hat * along[1])
        ),
        "`d_x` has sums where means belong: divide both terms by the batch.": (
            gamma * scale * (d_y - batch * along[0] - x_hat * batch * along[1])
        ),
        "`d_x` adds the two terms; they are taken away.": (
            gamma * scale * (d_y + along[0] + x_hat * along[1])
        ),
        "`d_x` lacks gamma.": scale * (d_y - along[0] - x_hat * along[1]),
        "`d_x` lacks scale.": gamma * (d_y - along[0] - x_hat * along[1]),
        "`d_x` divides by scale: scale is one over the deviation already.": (
            gamma / scale * (d_y - along[0] - x_hat * along[1])
        ),
        "The last term of d_x lacks x_hat: it is x_hat times the mean of d_y x_hat.": (
            gamma * scale * (d_y - along[0] - along[1])
        ),
        "`d_x` is divided by the batch once more.": (
            gamma * scale * (d_y - along[0] - x_hat * along[1]) / batch
        ),
    }


def backward_inputs(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""Against the formula, with the likely slips."""
    x_hat, scale = _normalised(rng.normal(0, 2, (7, 3)))
    d_y, gamma = rng.normal(0.5, 1, (7, 3)), rng.normal(1, 0.3, (1, 3))
    expected = gamma * scale * (d_y - d_y.mean(axis=0) - x_hat * (d_y * x_hat).mean(axis=0))
    got = _backward(batchnorm_backward, d_y, x_hat, scale, gamma)
    mistakes = _input_mistakes(d_y, x_hat, scale, gamma)
    compare(got["d_x"], expected, mistakes=mistakes, tolerance=FLOAT32, what="`d_x`")


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
    compare(got["d_x"], measured, tolerance=1e-4, what="`d_x`, against a measurement")


def backward_example(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""The numbers that the exercise gives."""
    d_y, x_hat = np.array([[1.0], [4.0], [4.0]]), np.array([[-1.0], [0.0], [1.0]])
    got = _backward(batchnorm_backward, d_y, x_hat, np.ones((1, 1)), np.full((1, 1), 2.0))
    compare(got["d_x"], [[-2.0], [2.0], [0.0]], what="`d_x`")
    compare(got["d_gamma"], [[3.0]], what="`d_gamma`")
    compare(got["d_beta"], [[9.0]], what="`d_beta`")


def batchnorm_backward(
    d_y: NDArray, x_hat: NDArray, scale: NDArray, gamma: NDArray
) -> tuple[NDArray, NDArray, NDArray]:
    r"""Return (d_x, d_gamma, d_beta) of BatchNorm in training."""
    d_gamma, d_beta = (d.sum(axis=0, keepdims=True) for d in (d_y * x_hat, d_y))
    batch = len(d_y)
    return gamma * scale * (d_y - d_beta / batch - x_hat * d_gamma / batch), d_gamma, d_beta


def folded(
    W: NDArray, b: NDArray, gamma: NDArray, beta: NDArray, mean: NDArray, variance: NDArray
) -> tuple[NDArray, NDArray]:
    r"""Return (W, b) of the linear layer that does what a linear layer and BatchNorm did."""
    factor = gamma / np.sqrt(variance + EPSILON)
    return W * factor, (b - mean) * factor + beta


def _mistaken_folds(
    W: NDArray, b: NDArray, gamma: NDArray, beta: NDArray, mean: NDArray, variance: NDArray
) -> tuple[dict, dict]:
    factor = gamma / np.sqrt(variance + EPSILON)
    of_W = {
        "`W` is as it was: BatchNorm scales what comes out of it.": W,
        "`W` is divided by gamma's factor: multiply by it.": W / factor,
        "`W` lacks gamma.": W * factor / gamma,
        "`W` lacks the running variance.": W * gamma,
        "`W` is divided by the variance: take its root.": W * gamma / (variance + EPSILON),
        "`W` is multiplied by the standard deviation: divide by it.": (
            W * gamma * np.sqrt(variance + EPSILON)
        ),
        "`W` has no epsilon under the root.": W * gamma / np.sqrt(variance),
        "`W` has epsilon outside the root.": W * gamma / (np.sqrt(variance) + EPSILON),
    }
    if W.shape[0] == W.shape[1]:
        of_W["`W` is scaled row by row: the features are its columns."] = W * factor.T
    of_b = {
        "`b` is as it was: BatchNorm normalises and shifts it too.": b,
        "`b` is beta alone: the mean and the old bias count too.": beta,
        "`b` lacks the old bias, which BatchNorm scales.": beta - mean * factor,
        "`b` takes the old bias unscaled: it goes through BatchNorm too.": b - mean * factor + beta,
        "`b` takes the mean away unscaled: it is taken away before the scaling.": b * factor
        - mean
        + beta,
        "`b` takes old bias and mean unscaled.": b - mean + beta,
        "`b` lacks the running mean.": b * factor + beta,
        "`b` adds the running mean: take it away.": (b + mean) * factor + beta,
        "`b` scales beta: it is added at the very end.": (b - mean + beta) * factor,
        "`b` lacks beta.": (b - mean) * factor,
        "`b` subtracts beta.": (b - mean) * factor - beta,
        "`b` has lost a dimension: its shape is (1, features).": ((b - mean) * factor + beta)[0],
    }
    return of_W, of_b


def _folded(fold: Callable, rng: Generator, fan_in: int, features: int) -> None:
    names = ("W", "b", "gamma", "beta", "running_mean", "running_variance")
    W, b, gamma, beta, mean = (rng.normal(size=(n, features)) for n in (fan_in, 1, 1, 1, 1))
    variance = rng.uniform(1e-5, 4e-5, (1, features))  # epsilon counts
    variance[0, 0] = 2.0
    given = dict(zip(names, (W, b, gamma, beta, mean, variance), strict=True))
    got = several(call_unchanged(fold, **given), ("W", "b"))
    _in_order(got, {"W": W.shape, "b": b.shape})
    expected = folded(*given.values())
    for name, right, mistakes in zip(
        ("W", "b"), expected, _mistaken_folds(*given.values()), strict=True
    ):
        compare(got[name], right, mistakes=mistakes, tolerance=FLOAT32, what=f"`{name}`")


def fold_of_three(fold: Callable, rng: Generator) -> None:
    r"""Four inputs, three features."""
    _folded(fold, rng, 4, 3)


def fold_of_a_square(fold: Callable, rng: Generator) -> None:
    r"""As many inputs as features."""
    _folded(fold, rng, 3, 3)


def fold_by_its_outcome(fold: Callable, rng: Generator) -> None:
    r"""One layer returns what the two did."""
    W, b = rng.normal(size=(6, 2)), rng.normal(size=(1, 2))
    gamma, beta, mean = rng.normal(size=(3, 1, 2))
    variance = rng.uniform(0.5, 2, (1, 2))
    x = rng.normal(size=(5, 6))
    y = (x @ W + b - mean) / np.sqrt(variance + EPSILON) * gamma + beta
    one = several(fold(W, b, gamma, beta, mean, variance), ("W", "b"))
    got = x @ np.asarray(one["W"]) + np.asarray(one["b"])
    compare(got, y, tolerance=1e-4, what="what the one layer returns")


def layer_epsilon(batchnorm_layer: Callable, rng: Generator) -> None:
    r"""Features that hardly vary: only there does epsilon count."""
    x, d_y = rng.normal(2, 3e-3, (6, 4)), rng.normal(0.3, 1, (6, 4))
    mean, small = np.full(4, 2.0), np.full(4, 1e-5)
    for training, variance in ((True, x.var(axis=0)), (False, small)):
        got = _layer(batchnorm_layer, (x, d_y, mean, small), training)
        centred = x - (x.mean(axis=0) if training else mean)
        when = "In training" if training else "In evaluation"
        mistakes = {
            f"{when}, y has no epsilon under the root.": centred / np.sqrt(variance),
            f"{when}, y has epsilon outside the root.": centred / (np.sqrt(variance) + EPSILON),
        }
        expected = centred / np.sqrt(variance + EPSILON)
        compare(got["y"], expected, mistakes=mistakes, tolerance=1e-3, what="`y`")


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
        "In training, y does not take the mean away.": x * scale,
    }
    compare(got["y"], y, mistakes=mistakes, tolerance=FLOAT32 / 10, what="`y` in training")
    both = d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0)
    mistakes = {
        "In training, d_x still takes mean and variance for constants: two terms are missing.": (
            d_y * scale
        ),
        "In training, d_x lacks the term of the variance.": scale * (d_y - d_y.mean(axis=0)),
        "In training, d_x lacks the term of the mean.": scale * (d_y - y * (d_y * y).mean(axis=0)),
        "In training, d_x has the right terms, but the unbiased scale.": unbiased * both,
    }
    compare(
        got["d_x"], scale * both, mistakes=mistakes, tolerance=FLOAT32, what="`d_x` in training"
    )


def layer_in_evaluation(batchnorm_layer: Callable, rng: Generator) -> None:
    r"""Output and gradient with the running statistics as they came."""
    x, d_y, running_mean, running_variance = inputs = _layer_inputs(rng)
    got = _layer(batchnorm_layer, inputs, training=False)
    moved = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    moved_variance = 0.9 * running_variance + 0.1 * x.var(axis=0, ddof=1)
    biased = 0.9 * running_variance + 0.1 * x.var(axis=0)
    if _same(got["running_mean"], running_variance):
        raise Wrong("`running_mean` and `running_variance` are in each other's place.")
    for name, before, after in (
        ("running_mean", running_mean, (moved, x.mean(axis=0))),
        ("running_variance", running_variance, (moved_variance, biased, x.var(axis=0, ddof=1))),
    ):
        if any(_same(got[name], value) for value in after):
            raise Wrong(
                f"In evaluation {name} still moves: looking at test data must not change the "
                "network. Move it in training only."
            )
        mistakes = {f"`{name}` is a standard deviation; keep the variance.": abs(before) ** 0.5}
        compare(got[name], before, mistakes=mistakes, what=f"`{name}` in evaluation")
    scale = 1 / np.sqrt(running_variance + EPSILON)
    y = (x - running_mean) * scale
    mistakes = {
        "In evaluation, y uses the statistics of the batch: take the running ones.": (
            (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPSILON)
        ),
        "In evaluation, y uses running statistics that this very batch has moved.": (
            (x - moved) / np.sqrt(moved_variance + EPSILON)
        ),
    }
    compare(got["y"], y, mistakes=mistakes, tolerance=FLOAT32, what="`y` in evaluation")
    mistakes = {
        "In evaluation the statistics *are* constants: there d_x is scale times d_y, without the "
        "two terms.": scale * (d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0)),
        "In evaluation, d_x lacks scale.": d_y,
    }
    compare(
        got["d_x"], d_y * scale, mistakes=mistakes, tolerance=FLOAT32, what="`d_x` in evaluation"
    )


def layer_statistics(batchnorm_layer: Callable, rng: Generator) -> None:
    r"""The running means after a batch in training."""
    x, _, running_mean, running_variance = inputs = _layer_inputs(rng)
    got = _layer(batchnorm_layer, inputs, training=True)
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    mistakes = {
        "`running_mean` has the weights the other way round: 0.1 is the weight of the new value.": (
            0.1 * running_mean + 0.9 * mean
        ),
        "`running_mean` does not move in training.": running_mean,
        "`running_mean` is the batch's mean: keep nine tenths of the old value.": mean,
    }
    compare(
        got["running_mean"],
        0.9 * running_mean + 0.1 * mean,
        mistakes=mistakes,
        what="`running_mean`",
    )
    mistakes = {
        "`running_variance` now takes the biased variance: the running one is of the unbiased, "
        "`ddof=1`.": 0.9 * running_variance + 0.1 * x.var(axis=0),
        "`running_variance` has the weights the other way round: 0.1 is the weight of the new "
        "value.": 0.1 * running_variance + 0.9 * variance,
        "`running_variance` does not move in training.": running_variance,
    }
    expected = 0.9 * running_variance + 0.1 * variance
    compare(got["running_variance"], expected, mistakes=mistakes, what="`running_variance`")


def batchnorm_layer(
    x: NDArray, d_y: NDArray, running_mean: NDArray, running_variance: NDArray, training: bool
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    r"""Return (y, d_x, running_mean, running_variance) with gamma 1 and beta 0."""
    if not training:
        scale = 1 / np.sqrt(running_variance + EPSILON)
        return (x - running_mean) * scale, d_y * scale, running_mean, running_variance
    one = np.ones((1, x.shape[1]))
    y, x_hat, scale = batchnorm_forward(x, one, 0 * one)
    running_mean = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    running_variance = 0.9 * running_variance + 0.1 * x.var(axis=0, ddof=1)
    return y, batchnorm_backward(d_y, x_hat, scale, one)[0], running_mean, running_variance


EXERCISES = [
    Exercise(
        id="05.1",
        title="Forward",
        answers=("batchnorm_forward",),
        package=lambda: batchnorm_forward,
        checks=[
            Check("scale, x_hat and y of five features", forward_parts),
            Check("the example of the exercise", forward_example),
            Check("a feature that never varies", forward_default),
        ],
        hints=[
            "Every feature is a column. Which axis must vanish when you take the mean of each?",
            "`x.mean(axis=0, keepdims=True)` has shape (1, features), and `x.var` takes the same "
            "arguments. By default it is the biased variance.",
            "Scale first: one over the root of variance plus epsilon. x_hat is the centred x times "
            "it, y is gamma times x_hat plus beta, and y comes first in the tuple.",
        ],
    ),
    Exercise(
        id="05.2",
        title="Backward in one line",
        answers=("batchnorm_backward",),
        package=lambda: batchnorm_backward,
        checks=[
            Check("d_gamma and d_beta", backward_weights),
            Check("d_x, by the formula", backward_inputs),
            Check("d_x, by a measurement", backward_measured),
            Check("the example of the exercise", backward_example),
        ],
        hints=[
            "Begin at the last line of `long_way` and put in what each name stands for. gamma and "
            "beta are used by every example: what happens to their gradients over the batch?",
            "The second part of `d_centred` sums to 0 over the batch, since centred values do. So "
            "the last term of d_x is only the mean of the first part.",
            "`d_scale` is the sum of d_x_hat times x_hat, divided by scale. With it the second "
            "part becomes -scale times x_hat times the mean of d_x_hat times x_hat.",
            "`d_x` is gamma times scale times a bracket. In it stands d_y, less its mean, less "
            "x_hat times another mean.",
        ],
    ),
    Exercise(
        id="05.3",
        title="Fold it away",
        answers=("fold",),
        package=lambda: folded,
        checks=[
            Check("four inputs, three features", fold_of_three),
            Check("as many inputs as features", fold_of_a_square),
            Check("one layer returns what the two did", fold_by_its_outcome),
        ],
        hints=[
            "Write down what a single feature goes through: first the linear layer, then "
            "BatchNorm in evaluation. Which of the numbers depend on x?",
            "It is a factor times (x W + b - mean), plus beta. Multiply the bracket out.",
            "What stands with x is the new W, one factor for each column. All the rest is the new "
            "b.",
        ],
    ),
    Exercise(
        id="05.4",
        title="Find three bugs",
        answers=("batchnorm_layer",),
        package=lambda: batchnorm_layer,
        checks=[
            Check("y and d_x in training", layer_in_training),
            Check("evaluation", layer_in_evaluation),
            Check("the running means in training", layer_statistics),
            Check("features that hardly vary", layer_epsilon),
        ],
        hints=[
            "Go through the eight differences. Which of them should be rounding and is not? Treat "
            "training and evaluation apart.",
            "What may a layer change while it is being evaluated?",
            "The variance is used for two things in training. Are they the same variance? And is "
            "`d_x` there the line of exercise 05.2?",
        ],
    ),
]
