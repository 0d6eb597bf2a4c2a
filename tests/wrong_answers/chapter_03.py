r"""Wrong answers to the exercises of chapter 03, each with a part of the sentence expected."""

from itertools import pairwise

import numpy as np


def right(deviation):
    r"""A start that draws right and has some deviation."""
    return lambda rng, fan_in, fan_out: (
        rng.standard_normal((fan_in, fan_out)) * deviation(fan_in, fan_out)
    )


KAIMING = right(lambda fan_in, fan_out: np.sqrt(2 / fan_in))
XAVIER = right(lambda fan_in, fan_out: np.sqrt(2 / (fan_in + fan_out)))


def starts(kaiming=KAIMING, xavier=XAVIER):
    r"""Both answers, one of them wrong."""
    return {"kaiming_start": kaiming, "xavier_start": xavier}


def in_torchs_layout(rng, fan_in, fan_out):
    return rng.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in)


def in_torchs_layout_turned(rng, fan_in, fan_out):
    return in_torchs_layout(rng, fan_in, fan_out).T


def with_its_own_generator(rng, fan_in, fan_out):
    return KAIMING(np.random.default_rng(0), fan_in, fan_out)


OTHER = np.random.default_rng()


def with_another_generator(rng, fan_in, fan_out):
    return KAIMING(OTHER, fan_in, fan_out)


def weights(scale=lambda W: np.sqrt(2 / W.shape[1]), turned=False, reseeded=False, skip=0):
    r"""The suspect with some of its bugs."""

    def start_weights(rng, sizes):
        found = []
        for fan_in, fan_out in list(pairwise(sizes))[skip:]:
            if reseeded:
                rng = np.random.default_rng(0)
            W = rng.standard_normal((fan_out, fan_in))
            W = W * scale(W)
            found.append(W.T if turned else W)
        return found

    return start_weights


def weights_reseeded_once(rng, sizes):
    return weights()(np.random.default_rng(0), sizes)


def weights_with_sizes_turned(rng, sizes):
    sizes.reverse()
    return weights()(rng, sizes)


WRONG = {
    "03.1": [
        (starts(right(lambda a, b: 2 / a)), "multiplies by the variance 2/fan_in"),
        (starts(right(lambda a, b: np.sqrt(2 / b))), "uses fan_out where fan_in belongs"),
        (starts(right(lambda a, b: np.sqrt(1 / a))), "lacks the 2 that makes up for ReLU"),
        (starts(right(lambda a, b: 2 / np.sqrt(a))), "has the 2 outside the root"),
        (starts(XAVIER), "has Xavier's variance"),
        (starts(in_torchs_layout), "kaiming_start has torch's layout"),
        (starts(in_torchs_layout_turned), "turns the result"),
        (starts(with_its_own_generator), "whatever generator it gets"),
        (starts(with_another_generator), "not from `np.random`"),
        (starts(lambda rng, a, b: np.zeros((a, b))), "returned zeros"),
        (starts(xavier=right(lambda a, b: 2 / (a + b))), "xavier_start multiplies by the variance"),
        (starts(xavier=right(lambda a, b: np.sqrt(1 / (a + b)))), "xavier_start lacks the 2"),
        (starts(xavier=KAIMING), "has Kaiming's variance"),
        (starts(xavier=right(lambda a, b: np.sqrt(6 / (a + b)))), "*bound* for uniform"),
    ],
    "03.2": [
        (lambda f, z: 1 / np.mean(f(z) ** 2), "lacks the root"),
        (lambda f, z: np.sqrt(np.mean(f(z) ** 2)), "upside down"),
        (lambda f, z: np.mean(f(z) ** 2), "the share that f keeps"),
        (lambda f, z: 1 / np.std(f(z)), "standard deviation of f"),
        (lambda f, z: 1 / np.var(f(z)), "variance of f"),
        (lambda f, z: 1 / np.sqrt(np.sum(f(z) ** 2)), "It sums"),
        (lambda f, z: 1 / np.sqrt(np.mean(z**2)), "f comes first"),
        (lambda f, z: 1 / np.mean(np.abs(f(z))), "mean of |f|"),
    ],
    "03.3": [
        (weights(lambda W: 2 / W.shape[0], reseeded=True), "Both layers have the same weights"),
        (weights(reseeded=True), "Both layers have the same weights"),
        (weights_reseeded_once, "whatever generator it gets"),
        (weights(lambda W: 2 / W.shape[0]), "two bugs in one line"),
        (weights(lambda W: 2 / W.shape[1]), "still multiplies by the variance"),
        (weights(lambda W: np.sqrt(2 / W.shape[0])), "still uses fan_out"),
        (weights(lambda W: np.sqrt(1 / W.shape[1])), "lacks the 2"),
        (weights(turned=True), "NumPy's layout"),
        (weights(skip=1), "layers between them"),
        (weights_with_sizes_turned, "changes the list"),
    ],
}
