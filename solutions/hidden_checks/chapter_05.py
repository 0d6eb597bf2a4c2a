r"""Hidden checks of chapter 05, BatchNorm."""

from collections.abc import Callable
from statistics import fmean, pvariance, variance

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import compare
from lrcourse.grading.hidden import HiddenCheck


def forward_feature_by_feature(batchnorm_forward: Callable, rng: Generator) -> None:
    r"""One example, two, and many; epsilons that count."""
    for batch, features, epsilon in ((1, 2, 0.01), (2, 1, 0.5), (9, 4, 1e-5)):
        x = 100 + rng.normal(size=(batch, features))
        gamma, beta = rng.normal(size=(2, 1, features))
        mean = np.array([[fmean(column) for column in x.T]])
        scale = np.array([[(pvariance(column) + epsilon) ** -0.5 for column in x.T]])
        x_hat = (x - mean) * scale
        got = batchnorm_forward(x.copy(), gamma.copy(), beta.copy(), epsilon)
        compare(got, (gamma * x_hat + beta, x_hat, scale), tolerance=1e-6)


def backward_as_a_projection(batchnorm_backward: Callable, rng: Generator) -> None:
    r"""d_x is what is left of d_y after its parts along 1 and along x_hat are taken out."""
    for batch, features in ((3, 1), (12, 3)):
        x = rng.normal(size=(batch, features))
        x_hat = (x - x.mean(axis=0)) / x.std(axis=0)
        d_y, (gamma, scale) = rng.normal(size=x.shape), rng.uniform(0.5, 2, (2, 1, features))
        d_x = np.empty_like(x)
        for k in range(features):
            basis = np.stack([np.ones(batch), x_hat[:, k]]) / batch**0.5
            d_x[:, k] = gamma[0, k] * scale[0, k] * (d_y[:, k] - basis.T @ (basis @ d_y[:, k]))
        sums = np.einsum("bk,bk->k", d_y, x_hat)[None], np.einsum("bk->k", d_y)[None]
        given = [array.copy() for array in (d_y, x_hat, scale, gamma)]
        compare(batchnorm_backward(*given), (d_x, *sums), tolerance=1e-6)


def layer_through_a_training(batchnorm_layer: Callable, rng: Generator) -> None:
    r"""Three batches in a row, then evaluation of a single example."""
    means, variances = np.zeros(2), np.ones(2)
    running = means.copy(), variances.copy()
    for _ in range(3):
        x = rng.normal(2, 3, size=(4, 2))
        means = 0.9 * means + 0.1 * np.array([fmean(column) for column in x.T])
        variances = 0.9 * variances + 0.1 * np.array([variance(column) for column in x.T])
        running = batchnorm_layer(x, rng.normal(size=(4, 2)), *running, True)[2:]
        compare(tuple(running), (means, variances))
        running = tuple(np.array(part, dtype=float) for part in running)
    x, d_y = rng.normal(size=(2, 1, 2))
    scale = (variances + 1e-5) ** -0.5
    got = batchnorm_layer(x, d_y, *running, False)
    compare(got, ((x - means) * scale, d_y * scale, means, variances))


def fold_feature_by_feature(fold: Callable, rng: Generator) -> None:
    r"""One feature after the other; variances from nearly 0 to 100."""
    for fan_in, features in ((1, 1), (3, 5), (6, 2)):
        W, x = rng.normal(size=(fan_in, features)), rng.normal(size=fan_in)
        b, gamma, beta, mean = rng.normal(size=(4, 1, features))
        variance = 10 ** rng.uniform(-6, 2, (1, features))
        new_W, new_b = (np.asarray(part) for part in fold(W, b, gamma, beta, mean, variance))
        for k in range(features):
            y = float(x @ W[:, k]) + b[0, k]
            y = (y - mean[0, k]) / (variance[0, k] + 1e-5) ** 0.5 * gamma[0, k] + beta[0, k]
            compare(float(x @ new_W[:, k]) + new_b[0, k], y, tolerance=1e-4)


CHECKS = {
    "05.1": [
        HiddenCheck(
            "one example, two, and many",
            forward_feature_by_feature,
            points=2,
            hint="Use the mean and the biased variance of each column, and the epsilon given.",
        ),
    ],
    "05.2": [
        HiddenCheck(
            "three examples and twelve",
            backward_as_a_projection,
            points=2,
            hint="Both sums are divided by the size of the batch at hand.",
        ),
    ],
    "05.3": [
        HiddenCheck(
            "one input, one feature, and many",
            fold_feature_by_feature,
            points=2,
            hint="Each feature has a factor of its own, and epsilon counts where it hardly varies.",
        ),
    ],
    "05.4": [
        HiddenCheck(
            "three batches, then one example",
            layer_through_a_training,
            points=2,
            hint="Feed the running means of one call into the next. What may a batch of one use?",
        ),
    ],
}
