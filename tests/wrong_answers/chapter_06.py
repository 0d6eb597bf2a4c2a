r"""Wrong answers to the exercises of chapter 06, each with a part of the sentence expected."""

import numpy as np


def squared_length(combine, ddof=0):
    r"""An answer from the signal, the noise and the batch size."""

    def expected_squared_length(gradients, batch_size):
        whole = gradients.mean(axis=0)
        noise = np.sum((gradients - whole) ** 2) / (len(gradients) - ddof)
        return combine(whole @ whole, noise, batch_size)

    return expected_squared_length


def mean_of_all(gradients, batch_size):
    return np.mean(np.sum(gradients**2, axis=1)) / batch_size


def mean_over_weights(gradients, batch_size):
    whole = gradients.mean(axis=0)
    return whole @ whole + np.mean((gradients - whole) ** 2) / batch_size


def around_zero(gradients, batch_size):
    whole = gradients.mean(axis=0)
    return whole @ whole + np.mean(np.sum(gradients**2, axis=1)) / batch_size


def whole_covariance(gradients, batch_size):
    whole = gradients.mean(axis=0)
    covariance = np.cov(gradients.T, ddof=0)
    return whole @ whole + covariance.sum() / batch_size


def in_place(gradients, batch_size):
    whole = gradients.mean(axis=0)
    gradients -= whole
    return whole @ whole + np.sum(gradients**2) / len(gradients) / batch_size


def scaled(
    factor=lambda batch, base: batch / base,
    line=lambda start, target, step, warm: start + (target - start) * step / warm,
    forever=False,
):
    r"""A scaled rate with another factor or another warm-up."""

    def scaled_rate(step, batch_size, base_rate, base_batch, warm):
        target = base_rate * factor(batch_size, base_batch)
        if step < warm or (forever and warm):
            return line(base_rate, target, step, warm)
        return target

    return scaled_rate


def pieces(stop=lambda n, size: n, weigh=lambda piece, size: 1, total=lambda n, size: n):
    r"""Sums over pieces, each weighed, divided by a total."""

    def gradient_in_pieces(x, error, size):
        result = 0
        for first in range(0, stop(len(x), size), size):
            piece = slice(first, first + size)
            result = result + x[piece].T @ error[piece] / weigh(len(x[piece]), size)
        return result / total(len(x), size)

    return gradient_in_pieces


def up(n, size):
    return -(-n // size)


def full(n, size):
    return n // size * size


def pieces_in_place(x, error, size):
    x *= error[:, None]
    return x.mean(axis=0)


WRONG = {
    "06.1": [
        (squared_length(lambda s, n, b: s + n / b, ddof=1), "n - 1"),
        (mean_of_all, "mean squared length of the single gradients"),
        (squared_length(lambda s, n, b: s + n), "does not shrink"),
        (squared_length(lambda s, n, b: s + n / b**0.5), "the root of the batch size"),
        (squared_length(lambda s, n, b: s + n / b**2), "squared"),
        (squared_length(lambda s, n, b: n / b), "signal |mean gradient|² is missing"),
        (squared_length(lambda s, n, b: s + n * b), "multiplies"),
        (squared_length(lambda s, n, b: (s + n / b) ** 0.5), "returned the length"),
        (mean_over_weights, "mean over the weights"),
        (around_zero, "around 0"),
        (whole_covariance, "diagonal only"),
        (in_place, "changes its input `gradients`"),
    ],
    "06.2": [
        (scaled(lambda batch, base: (batch / base) ** 0.5), "root of the batch size"),
        (scaled(lambda batch, base: base / batch), "wrong way round"),
        (scaled(lambda batch, base: batch), "forgets base_batch"),
        (scaled(lambda batch, base: 1), "not used after all"),
        (scaled(line=lambda start, target, step, warm: target), "no warm-up"),
        (scaled(line=lambda start, target, step, warm: target * step / warm), "starts at 0"),
        (scaled(line=lambda start, target, step, warm: start), "stays at base_rate"),
        (scaled(forever=True), "goes on rising"),
        (
            scaled(line=lambda start, target, step, warm: start + target * step / warm),
            "added in full",
        ),
        (
            scaled(
                line=lambda start, target, step, warm: start + (target - start) * (step + 1) / warm
            ),
            "one step ahead",
        ),
        (lambda *given: print(end=""), "returned None"),
    ],
    "06.3": [
        (pieces(full, lambda piece, size: size, lambda n, size: n // size), "left out"),
        (pieces(full), "left out, and it divides by n"),
        (pieces(weigh=lambda piece, size: piece, total=up), "mean of means"),
        (pieces(weigh=lambda piece, size: size, total=up), "a full one's size"),
        (
            pieces(weigh=lambda piece, size: size, total=lambda n, size: max(n // size, 1)),
            "rounded down",
        ),
        (pieces(total=lambda n, size: 1), "sum over the examples"),
        (pieces(total=lambda n, size: -n), "negative"),
        (pieces_in_place, "changes its input `x`"),
    ],
}
