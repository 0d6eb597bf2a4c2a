r"""Wrong answers to the exercises of chapter 05, each with a part of its sentence; right ones."""

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


def backward_with_brackets_too_soon(d_y, x_hat, scale, gamma):
    _, *weights = backward()(d_y, x_hat, scale, gamma)
    return gamma * scale * d_y - d_y.mean(axis=0) - x_hat * (d_y * x_hat).mean(axis=0), *weights


def backward_over_features(d_y, x_hat, scale, gamma):
    _, *weights = backward()(d_y, x_hat, scale, gamma)
    mean, slope = (d.mean(axis=1, keepdims=True) for d in (d_y, d_y * x_hat))
    return gamma * scale * (d_y - mean - x_hat * slope), *weights


def backward_d_x_last(d_y, x_hat, scale, gamma):
    d_x, d_gamma, d_beta = backward()(d_y, x_hat, scale, gamma)
    return d_gamma, d_beta, d_x


def terms(d_y, y):
    return d_y - d_y.mean(axis=0) - y * (d_y * y).mean(axis=0)


def layer(
    d_x=terms,
    normalise=0,
    running=1,
    new=0.1,
    moves_always=False,
    evaluation=lambda d_y, y: d_y,
    epsilon=lambda variance: 1 / np.sqrt(variance + 1e-5),
):
    r"""The suspect with some of its bugs, or with new ones."""

    def batchnorm_layer(x, d_y, running_mean, running_variance, training):
        mean, variance = x.mean(axis=0), x.var(axis=0, ddof=normalise)
        if training or moves_always:
            running_mean = (1 - new) * running_mean + new * mean
            running_variance = (1 - new) * running_variance + new * x.var(axis=0, ddof=running)
        if not training:
            mean, variance = running_mean, running_variance
        scale = epsilon(variance)
        y = (x - mean) * scale
        return y, scale * (d_x if training else evaluation)(d_y, y), running_mean, running_variance

    return batchnorm_layer


def layer_always_training(x, d_y, running_mean, running_variance, training):
    y, d_x, *moved = layer()(x, d_y, running_mean, running_variance, True)
    return y, d_x, *(moved if training else (running_mean, running_variance))


def layer_of_deviations(*given):
    y, d_x, running_mean, running_variance = layer()(*given)
    return y, d_x, running_mean, np.sqrt(running_variance)


def layer_without_scale(x, d_y, running_mean, running_variance, training):
    y, d_x, *running = layer()(x, d_y, running_mean, running_variance, training)
    return y, d_x if training else d_y, *running


def layer_in_place(x, d_y, running_mean, running_variance, training):
    if training:
        running_mean *= 0.9
    return layer()(x, d_y, running_mean, running_variance, training)


def folding(
    W=lambda W, factor: W * factor, b=lambda b, mean, factor, beta: (b - mean) * factor + beta
):
    r"""A fold with one part exchanged."""

    def fold(old_W, old_b, gamma, beta, mean, variance):
        factor = gamma / np.sqrt(variance + 1e-5)
        return W(old_W, factor), b(old_b, mean, factor, beta)

    return fold


def fold_with(factor):
    r"""A fold with another factor."""

    def fold(W, b, gamma, beta, mean, variance):
        scale = factor(gamma, variance)
        return W * scale, (b - mean) * scale + beta

    return fold


def fold_in_place(W, b, gamma, beta, mean, variance):
    W *= gamma / np.sqrt(variance + 1e-5)
    return W, (b - mean) * gamma / np.sqrt(variance + 1e-5) + beta


def fold_by_trying(W, b, gamma, beta, mean, variance):
    r"""Ask the two layers what they do to 0 and to each unit vector."""

    def both(x):
        return gamma * (x @ W + b - mean) / np.sqrt(variance + 1e-5) + beta

    zero = both(np.zeros((1, len(W))))
    return np.concatenate([both(x[None]) - zero for x in np.eye(len(W))]), zero


def less_exact(answer):
    r"""The same answer, computed in float32."""

    def in_float32(*given):
        return answer(*(np.float32(g) if isinstance(g, np.ndarray) else g for g in given))

    return in_float32


def forward_by_sums(x, gamma, beta, epsilon=1e-5):
    B = len(x)
    mean = sum(x) / B
    variance = sum((row - mean) ** 2 for row in x) / B
    x_hat = (x - mean) / (variance + epsilon) ** 0.5
    return x_hat * gamma + beta, x_hat, ((variance + epsilon) ** -0.5)[None]


def backward_by_jacobians(d_y, x_hat, scale, gamma):
    B = len(d_y)
    columns = []
    for k in range(d_y.shape[1]):
        jacobian = np.eye(B) - 1 / B - np.outer(x_hat[:, k], x_hat[:, k]) / B
        columns.append(gamma[0, k] * scale[0, k] * jacobian @ d_y[:, k])
    sums = (np.einsum("bk,bk->k", d_y, x)[None] for x in (x_hat, np.ones_like(x_hat)))
    return [np.stack(columns, axis=1), *sums]


WRONG = {
    "05.1": [
        (forward(ddof=1), "divides by B - 1"),
        (forward(lambda v, e: 1 / (np.sqrt(v) + e)), "epsilon outside the root"),
        (forward(lambda v, e: 1 / np.sqrt(v)), "has no epsilon"),
        (forward(lambda v, e: 1 / (v + e)), "lacks the root"),
        (forward(lambda v, e: np.sqrt(v + e)), "upside down"),
        (forward(axis=None), "one variance of the whole array"),
        (forward(axis=1), "that is LayerNorm"),
        (forward(keepdims=False), "lost a dimension"),
        (forward(x_hat=lambda x, mean, s: x * s), "does not take the mean away"),
        (forward(x_hat=lambda x, mean, s: x - mean), "only centred"),
        (forward(lambda v, e: np.sqrt(v)), "is the standard deviation"),
        (forward(lambda v, e: 1 / np.sqrt(v + 1e-5)), "another one than it is given"),
        (lambda *given: forward()(*given)[::-1], "`scale` came first"),
        (lambda *given: [forward()(*given)[k] for k in (0, 2, 1)], "last two"),
        (lambda *given: [forward()(*given)[k] for k in (1, 0, 2)], "first two"),
        (forward(y=lambda x_hat, gamma, beta: gamma * (x_hat + beta)), "before it multiplies"),
        (forward(y=lambda x_hat, gamma, beta: gamma * x_hat), "lacks beta"),
        (forward(x_hat=lambda x, mean, s: (x - mean) / s), "divides by scale"),
        (forward(y=lambda x_hat, gamma, beta: x_hat), "`y` is x_hat"),
        (forward(y=lambda x_hat, gamma, beta: beta * x_hat + gamma), "each other's place"),
        (lambda *given: forward()(*given)[0], "3 values"),
        (forward_in_place, "changes its input `x`"),
    ],
    "05.2": [
        (backward_with_brackets_too_soon, "stand in the brackets"),
        (backward(factor=lambda gamma, scale: gamma * scale**3), "scale three times"),
        (backward_over_features, "over the features"),
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
        (backward(total=np.mean), "is a mean over the batch"),
        (backward(keepdims=False), "`d_gamma` has lost a dimension"),
        (backward_d_x_last, "`d_x` came last"),
        (lambda *given: [backward()(*given)[k] for k in (0, 2, 1)], "in each other's place"),
        (backward(lambda d_y, x_hat, mean, slope: d_y + mean - x_hat * slope), "adds the term of"),
        (
            backward(lambda d_y, x_hat, mean, slope: d_y - mean + x_hat * slope),
            "of the variance; it",
        ),
        (backward(lambda d_y, x_hat, mean, slope: d_y - mean - x_hat * slope / 2), "slope 2"),
        (backward(factor=lambda gamma, scale: -gamma * scale), "wrong sign"),
        (
            backward(
                lambda d_y, x_hat, *_: (
                    d_y - (d_y.sum(axis=0) + x_hat * (d_y * x_hat).sum(axis=0)) / d_y.shape[1]
                )
            ),
            "number of features",
        ),
        (
            backward(lambda d_y, x_hat, *_: d_y - d_y.mean() - x_hat * (d_y * x_hat).mean()),
            "over the whole array",
        ),
    ],
    "05.3": [
        (folding(W=lambda W, factor: W), "`W` is as it was"),
        (folding(W=lambda W, factor: W / factor), "multiply by it"),
        (folding(W=lambda W, factor: W * np.resize(factor, (len(W), 1))), "row by row"),
        (folding(b=lambda b, mean, factor, beta: b), "`b` is as it was"),
        (folding(b=lambda b, mean, factor, beta: beta), "beta alone"),
        (folding(b=lambda b, mean, factor, beta: beta - mean * factor), "lacks the old bias"),
        (folding(b=lambda b, mean, factor, beta: b - mean * factor + beta), "old bias unscaled"),
        (folding(b=lambda b, mean, factor, beta: b * factor - mean + beta), "mean away unscaled"),
        (folding(b=lambda b, mean, factor, beta: b * factor + beta), "lacks the running mean"),
        (folding(b=lambda b, mean, factor, beta: (b + mean) * factor + beta), "adds the running"),
        (folding(b=lambda b, mean, factor, beta: (b - mean + beta) * factor), "scales beta"),
        (folding(b=lambda b, mean, factor, beta: (b - mean) * factor), "lacks beta"),
        (folding(b=lambda b, mean, factor, beta: ((b - mean) * factor + beta)[0]), "a dimension"),
        (fold_with(lambda gamma, variance: gamma / (variance + 1e-5)), "divided by the variance"),
        (fold_with(lambda gamma, variance: gamma / variance**0.5), "no epsilon under the root"),
        (fold_with(lambda gamma, variance: gamma / (variance**0.5 + 1e-5)), "outside the root"),
        (fold_with(lambda gamma, variance: 1 / (variance + 1e-5) ** 0.5), "lacks gamma"),
        (lambda *given: folding()(*given)[::-1], "in another one"),
        (fold_in_place, "changes its input `W`"),
    ],
    "05.4": [
        (
            layer(lambda d_y, y: d_y, normalise=1, moves_always=True),
            "still divides by the unbiased",
        ),
        (layer(normalise=1), "still divides by the unbiased"),
        (layer(lambda d_y, y: d_y), "takes mean and variance for constants"),
        (layer(lambda d_y, y: d_y - d_y.mean(axis=0)), "lacks the term of the variance"),
        (layer(moves_always=True), "still moves"),
        (layer(running=0), "now takes the biased variance"),
        (layer(new=0.9), "`running_mean` has the weights the other way round"),
        (layer(epsilon=lambda v: 1 / np.sqrt(v)), "no epsilon under the root"),
        (layer(epsilon=lambda v: 1 / (np.sqrt(v) + 1e-5)), "epsilon outside the root"),
        (layer(evaluation=terms), "the statistics *are* constants"),
        (layer_always_training, "uses the statistics of the batch"),
        (layer_in_place, "changes its input `running_mean`"),
        (lambda *given: [layer()(*given)[k] for k in (0, 1, 3, 2)], "in each other's place"),
        (layer_of_deviations, "is a standard deviation"),
        (layer_without_scale, "d_x lacks scale"),
    ],
}

RIGHT = {
    "05.1": [less_exact(forward()), forward_by_sums],
    "05.2": [less_exact(backward()), backward_by_jacobians],
    "05.3": [less_exact(folding()), fold_by_trying],
    "05.4": [
        less_exact(layer()),
        lambda *given: [part.tolist() for part in layer()(*given)],
    ],
}
