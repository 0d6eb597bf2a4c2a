r"""Wrong answers to the exercises of chapter 05, each with a part of the sentence expected."""

import numpy as np


def forward(
    scale=lambda variance, epsilon: 1 / np.sqrt(variance + epsilon),
    axis=0,
    ddof=0,
    x_hat=lambda x, mean, scale: (x - mean) * scale,
    y=lambda x_hat, gamma, beta: gamma * x_hat + beta,
    keepdims=True,
):
    r"""BatchNorm's forward with one part exchanged."""

    def batchnorm_forward(x, gamma, beta, epsilon=1e-5):
        mean, variance = (
            x.mean(axis=axis, keepdims=keepdims),
            x.var(axis=axis, ddof=ddof, keepdims=keepdims),
        )
        s = scale(variance, epsilon)
        normalised = x_hat(x, mean, s)
        return y(normalised, gamma, beta), normalised, s

    return batchnorm_forward


def forward_in_place(x, gamma, beta, epsilon=1e-5):
    x -= x.mean(axis=0)
    scale = 1 / np.sqrt(x.var(axis=0, keepdims=True) + epsilon)
    return gamma * x * scale + beta, x * scale, scale


def backward(
    d_x=lambda d_y, x_hat, mean, slope: d_y - mean - x_hat * slope,
    factor=lambda gamma, scale: gamma * scale,
    total=np.sum,
    keepdims=True,
):
    r"""BatchNorm's backward with one part exchanged."""

    def batchnorm_backward(d_y, x_hat, scale, gamma):
        inner = d_x(d_y, x_hat, d_y.mean(axis=0), (d_y * x_hat).mean(axis=0))
        weights = (total(d, axis=0, keepdims=keepdims) for d in (d_y * x_hat, d_y))
        return factor(gamma, scale) * inner, *weights

    return batchnorm_backward


def backward_d_x_last(d_y, x_hat, scale, gamma):
    d_x, d_gamma, d_beta = backward()(d_y, x_hat, scale, gamma)
    return d_gamma, d_beta, d_x


def terms(d_y, y):
    return d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0)


def layer(
    d_x=terms, normalise=0, running=1, new=0.1, moves_always=False, evaluation=lambda d_y, y: d_y
):
    r"""The suspect with some of its bugs, or with new ones."""

    def batchnorm_layer(x, d_y, running_mean, running_variance, training):
        mean, variance = x.mean(axis=0), x.var(axis=0, ddof=normalise)
        if training or moves_always:
            running_mean = (1 - new) * running_mean + new * mean
            running_variance = (1 - new) * running_variance + new * x.var(axis=0, ddof=running)
        if not training:
            mean, variance = running_mean, running_variance
        scale = 1 / np.sqrt(variance + 1e-5)
        y = (x - mean) * scale
        return y, scale * (d_x if training else evaluation)(d_y, y), running_mean, running_variance

    return batchnorm_layer


def layer_always_training(x, d_y, running_mean, running_variance, training):
    y, d_x, *moved = layer()(x, d_y, running_mean, running_variance, True)
    return y, d_x, *(moved if training else (running_mean, running_variance))


def layer_in_place(x, d_y, running_mean, running_variance, training):
    if training:
        running_mean *= 0.9
    return layer()(x, d_y, running_mean, running_variance, training)


WRONG = {
    "05.1": [
        (forward(ddof=1), "divides by B - 1"),
        (forward(lambda v, e: 1 / (np.sqrt(v) + e)), "epsilon outside the root"),
        (forward(lambda v, e: 1 / np.sqrt(v)), "has no epsilon"),
        (forward(lambda v, e: 1 / (v + e)), "lacks the root"),
        (forward(lambda v, e: np.sqrt(v + e)), "upside down"),
        (forward(axis=None), "one variance of the whole array"),
        (forward(keepdims=False), "scale has lost a dimension"),
        (forward(x_hat=lambda x, mean, s: x * s), "x_hat does not take the mean away"),
        (forward(x_hat=lambda x, mean, s: (x - mean) / s), "divides by scale"),
        (forward(y=lambda x_hat, gamma, beta: x_hat), "y is x_hat"),
        (forward(y=lambda x_hat, gamma, beta: beta * x_hat + gamma), "each other's place"),
        (lambda *given: forward()(*given)[0], "3 values"),
        (forward_in_place, "changes its input `x`"),
    ],
    "05.2": [
        (backward(lambda d_y, x_hat, mean, slope: d_y), "is the shortcut"),
        (backward(lambda d_y, x_hat, mean, slope: d_y - mean), "lacks the term of the variance"),
        (
            backward(lambda d_y, x_hat, mean, slope: d_y - x_hat * slope),
            "lacks the term of the mean",
        ),
        (
            backward(lambda d_y, x_hat, mean, slope: d_y - len(d_y) * (mean + x_hat * slope)),
            "sums where means belong",
        ),
        (backward(lambda d_y, x_hat, mean, slope: d_y - mean - slope), "lacks x_hat"),
        (backward(factor=lambda gamma, scale: scale), "lacks gamma"),
        (backward(factor=lambda gamma, scale: gamma), "lacks scale"),
        (backward(factor=lambda gamma, scale: gamma / scale), "divides by scale"),
        (backward(total=np.mean), "d_gamma is a mean over the batch"),
        (backward(keepdims=False), "d_gamma has lost a dimension"),
        (backward_d_x_last, "d_x came last"),
    ],
    "05.3": [
        (
            layer(lambda d_y, y: d_y, normalise=1, moves_always=True),
            "still divides by the unbiased",
        ),
        (layer(normalise=1), "still divides by the unbiased"),
        (layer(lambda d_y, y: d_y), "takes mean and variance for constants"),
        (layer(lambda d_y, y: d_y - d_y.mean(axis=0)), "lacks the term of the variance"),
        (layer(moves_always=True), "still moves"),
        (layer(running=0), "now takes the biased variance"),
        (layer(new=0.9), "running_mean has the weights the other way round"),
        (layer(evaluation=terms), "the statistics *are* constants"),
        (layer_always_training, "uses the statistics of the batch"),
        (layer_in_place, "changes its input `running_mean`"),
    ],
}
