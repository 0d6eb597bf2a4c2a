r"""Wrong answers to the exercises of chapter 03, each with a part of its sentence; right ones."""

from itertools import pairwise

import numpy as np
import torch


def right(deviation):
    r"""A start that draws right and has some deviation."""
    return lambda rng, fan_in, fan_out: (
        rng.standard_normal((fan_in, fan_out)) * deviation(fan_in, fan_out)
    )


KAIMING = right(lambda fan_in, fan_out: np.sqrt(2 / fan_in))
XAVIER = right(lambda fan_in, fan_out: np.sqrt(2 / (fan_in + fan_out)))


def starts(kaiming=KAIMING, xavier=XAVIER):
    r"""Both answers, one of them wrong."""
    return {"kaiming": kaiming, "xavier": xavier}


def in_torchs_layout(rng, fan_in, fan_out):
    return rng.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in)


def in_torchs_layout_turned(rng, fan_in, fan_out):
    return in_torchs_layout(rng, fan_in, fan_out).T


def with_its_own_generator(rng, fan_in, fan_out):
    return KAIMING(np.random.default_rng(0), fan_in, fan_out)


OTHER = np.random.default_rng()


def with_another_generator(rng, fan_in, fan_out):
    return KAIMING(OTHER, fan_in, fan_out)


def uniform(rng, fan_in, fan_out):
    return rng.uniform(-1, 1, (fan_in, fan_out)) * np.sqrt(6 / fan_in)


def uniform_from_zero(rng, fan_in, fan_out):
    return rng.random((fan_in, fan_out)) * np.sqrt(2 / fan_in)


def in_float32(deviation):
    r"""A start whose draw is float32."""
    return lambda rng, fan_in, fan_out: (
        rng.standard_normal((fan_in, fan_out), dtype=np.float32)
        * np.float32(deviation(fan_in, fan_out))
    )


def gain_of(measure, draws=100_000):
    r"""A gain made of many draws by some formula."""

    def gain(f):
        z = np.random.default_rng(1).standard_normal(draws)
        return measure(f(z))

    return gain


def gain_by_a_sum(f):
    z, step = np.linspace(-10, 10, 2001, retstep=True)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return 1 / np.sqrt(np.sum(density * f(z) ** 2) * step)


def gain_with_torch(f):
    z = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return 1 / torch.tensor(f(z.numpy())).square().mean().sqrt()


def root_mean_square(values):
    return np.sqrt(np.mean(values**2))


def weights(scale=lambda W: np.sqrt(2 / W.shape[1]), turned=False, reseeded=False, skip=0):
    r"""The suspect with some of its bugs."""

    def initial_weights(rng, sizes):
        found = []
        for fan_in, fan_out in list(pairwise(sizes))[skip:]:
            if reseeded:
                rng = np.random.default_rng(0)
            W = rng.standard_normal((fan_out, fan_in))
            W = W * scale(W)
            found.append(W.T if turned else W)
        return found

    return initial_weights


def weights_reseeded_once(rng, sizes):
    return weights()(np.random.default_rng(0), sizes)


def weights_with_sizes_turned(rng, sizes):
    sizes.reverse()
    return weights()(rng, sizes)


def weights_drawn_turned(rng, sizes):
    return [rng.standard_normal((i, o)).T * np.sqrt(2 / i) for i, o in pairwise(sizes)]


def weights_and_biases(rng, sizes):
    return [(W, np.zeros(len(W))) for W in weights()(rng, sizes)]


def weights_in_float32(rng, sizes):
    return [
        rng.standard_normal((o, i), dtype=np.float32) * np.float32(np.sqrt(2 / i))
        for i, o in pairwise(sizes)
    ]


def gain_with_z(scale):
    r"""A gain whose z has another standard deviation than 1."""
    return lambda f: 1 / root_mean_square(f(scale * np.random.default_rng(1).normal(size=200_000)))


WRONG = {
    "03.1": [
        (starts(right(lambda a, b: 2 / a)), "`kaiming` multiplies by the variance"),
        (starts(right(lambda a, b: np.sqrt(2 / b))), "uses fan_out where fan_in belongs"),
        (starts(right(lambda a, b: np.sqrt(1 / a))), "lacks the factor that makes up for ReLU"),
        (starts(right(lambda a, b: 2 / np.sqrt(a))), "as if the 2 stood outside the root"),
        (starts(right(lambda a, b: np.sqrt(2) / a)), "only the 2 under the root"),
        (starts(right(lambda a, b: 1)), "does not scale its draw"),
        (starts(right(lambda a, b: np.sqrt(a / 2))), "divides by the standard deviation"),
        (starts(XAVIER), "has Xavier's variance"),
        (starts(in_torchs_layout), "`kaiming` has torch's layout"),
        (starts(in_torchs_layout_turned), "turns the result"),
        (starts(with_its_own_generator), "whatever generator it gets"),
        (starts(with_another_generator), "not from `np.random`"),
        (starts(uniform), "uniform distribution"),
        (starts(uniform_from_zero), "uniform distribution"),
        (starts(lambda rng, a, b: np.zeros((a, b))), "returned zeros"),
        (starts(in_float32(lambda a, b: 2 / a)), "`kaiming` multiplies by the variance"),
        (starts(xavier=right(lambda a, b: 2 / (a + b))), "`xavier` multiplies by the variance"),
        (starts(xavier=right(lambda a, b: np.sqrt(1 / (a + b)))), "over their *mean*"),
        (starts(xavier=right(lambda a, b: np.sqrt((1 / a + 1 / b) / 2))), "mean of 1/fan_in and"),
        (starts(xavier=right(lambda a, b: np.sqrt(2 / a + b))), "divides before it adds"),
        (starts(xavier=right(lambda a, b: np.sqrt(2 / (a * b)))), "multiplies fan_in and fan_out"),
        (starts(xavier=right(lambda a, b: np.sqrt(1 / b))), "looks at fan_out alone"),
        (starts(xavier=KAIMING), "has Kaiming's variance"),
        (starts(xavier=right(lambda a, b: np.sqrt(6 / (a + b)))), "*bound* for uniform"),
    ],
    "03.2": [
        (gain_of(lambda y: 1 / np.mean(y**2)), "lacks the root"),
        (gain_of(root_mean_square), "upside down"),
        (gain_with_z(0.5**0.5), "variance of its z is 1/2"),
        (gain_with_z(2), "standard deviation of its z is 2"),
        (gain_of(lambda y: np.mean(y**2)), "the share that f keeps"),
        (gain_of(lambda y: 1 / np.std(y)), "standard deviation of f"),
        (gain_of(lambda y: 1 / np.var(y)), "variance of f"),
        (gain_of(lambda y: 1 / abs(np.mean(y))), "squares the mean"),
        (gain_of(lambda y: 1 / np.mean(np.abs(y))), "mean of |f(z)|"),
        (lambda f: 1 / root_mean_square(np.random.default_rng(0).normal(size=10**6)), "f comes"),
        (
            lambda f: 1 / root_mean_square(f(np.random.default_rng(0).random(10**6))),
            "between 0 and",
        ),
        (lambda f: 1 / root_mean_square(f(np.linspace(-1, 1, 10**5))), "not standard normal"),
        (gain_of(lambda y: 1 / root_mean_square(y), draws=300), "take more of them"),
        (lambda f: f(np.zeros(3)), "The shape is (3,)"),
        (lambda f: 2**0.5, "where 0.234"),
    ],
    "03.3": [
        (lambda y: y.std(), "images and units together"),
        (lambda y: np.sqrt(y.var(axis=1).mean()), "each image over its units"),
        (lambda y: y.std(axis=0).mean(), "mean of the standard deviations"),
        (lambda y: y.var(axis=0).mean(), "lacks the root"),
        (lambda y: y.mean(axis=1).std(), "mean over the units first"),
        (lambda y: y.mean(axis=0).std(), "spread between units"),
        (lambda y: y.std(axis=0), "one number for each unit"),
        (lambda y: y.var(axis=0), "one variance for each unit"),
        (lambda y: np.sqrt(y.var(axis=0).sum()), "sums the variances"),
        (lambda y: np.sqrt(y.var(axis=0, ddof=1).mean()), "number of images minus 1"),
    ],
    "03.4": [
        (lambda fan_in: 2 / fan_in, "Kaiming's variance"),
        (lambda fan_in: 1 / fan_in, "Xavier's variance"),
        (lambda fan_in: 16 / fan_in, "Few sigmoids have it"),
        (lambda fan_in: 0.01**2, "is too small"),
        (lambda fan_in: 4000 / fan_in, "is too large"),
        (lambda fan_in: 1.25, "the same for every fan_in"),
        (lambda fan_in: 2.2, "the same for every fan_in"),
        (lambda fan_in: 0.02 * fan_in, "is too small"),
        (lambda fan_in: 5120 / fan_in**2, "is too small"),
        (lambda fan_in: 12.5 / fan_in**0.5, "is too large"),
        (lambda fan_in: 0, "positive number"),
        (lambda fan_in: -1.0, "positive number"),
        (lambda fan_in: np.ones((fan_in, 2)), "one number"),
        (lambda fan_in: "80", "the same for every fan_in"),
    ],
    "03.5": [
        (weights(lambda W: 2 / W.shape[0], reseeded=True), "Two layers have the same weights"),
        (weights(reseeded=True), "Two layers have the same weights"),
        (weights_reseeded_once, "whatever generator it gets"),
        (lambda rng, sizes: weights()(np.random.default_rng(), sizes), "not from `np.random`"),
        (lambda rng, sizes: weights()(rng, sizes[::-1]), "it should be"),
        (lambda rng, sizes: [np.eye(o, i) for i, o in pairwise(sizes)], "a draw of its own"),
        (weights(lambda W: 0), "All weights of a layer are equal"),
        (lambda rng, sizes: [np.full((o, i), i**-0.5) for i, o in pairwise(sizes)], "are equal"),
        (weights(lambda W: 2 / np.sqrt(W.shape[1])), "as if the 2 stood outside the root"),
        (weights(lambda W: 2 / W.shape[0]), "two bugs in one line"),
        (weights(lambda W: 2 / W.shape[1]), "still multiplies by the variance"),
        (weights(lambda W: np.sqrt(2 / W.shape[0])), "still uses fan_out"),
        (weights(lambda W: np.sqrt(1 / W.shape[1])), "lacks the 2"),
        (weights(lambda W: 2**0.5 / W.shape[1]), "Only the 2 stands under"),
        (weights(lambda W: 1), "not scaled"),
        (weights(turned=True), "NumPy's layout"),
        (weights_drawn_turned, "turns the result"),
        (weights(skip=1), "layers between them"),
        (weights_and_biases, "a tuple of several"),
        (weights_with_sizes_turned, "changes the list"),
    ],
}

RIGHT = {
    "03.1": [
        starts(
            in_float32(lambda a, b: np.sqrt(2 / a)), in_float32(lambda a, b: (2 / (a + b)) ** 0.5)
        ),
        starts(
            lambda rng, a, b: rng.normal(0, np.sqrt(2 / a), (a, b)),
            lambda rng, a, b: rng.normal(scale=1 / np.sqrt((a + b) / 2), size=(a, b)),
        ),
        starts(lambda rng, a, b: KAIMING(rng, a, b).tolist(), lambda rng, a, b: XAVIER(rng, a, b)),
    ],
    "03.2": [
        gain_by_a_sum,
        gain_with_torch,
        gain_of(lambda y: np.float32(len(y) ** 0.5 / np.linalg.norm(y))),
    ],
    "03.3": [
        lambda y: np.float32(np.sqrt(np.mean((y - y.mean(axis=0)) ** 2))),
        lambda y: np.sqrt(y.var() - y.mean(axis=0).var()),
        lambda y: sum(column.var() / y.shape[1] for column in y.T) ** 0.5,
        lambda y: torch.tensor(y).var(dim=0, correction=0).mean().sqrt(),
    ],
    "03.4": [
        lambda fan_in: 64 / fan_in,
        lambda fan_in: np.float32(100) / fan_in,
        lambda fan_in: np.array(150) / fan_in,
    ],
    "03.5": [
        weights_in_float32,
        weights(),
        lambda rng, sizes: tuple(weights()(rng, sizes)),
        lambda rng, sizes: [W.tolist() for W in weights()(rng, sizes)],
    ],
}
