r"""Checks of chapter 03, Starting well."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike, NDArray

from lrcourse import load, nn
from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, call_unchanged, compare


def _seed(rng: Generator) -> int:
    return int(rng.integers(2**32))


def _compare_draws(got: object, drawn: Callable, mistakes: dict[str, object], what: str) -> None:
    r"""Compare with ``drawn(None, dtype)``: a draw in float32 has other numbers."""
    for dtype in (np.float32, np.float64):
        known = {why: drawn(scale, dtype) for why, scale in mistakes.items()}
        try:
            compare(got, drawn(None, dtype), mistakes=known, what=what)
        except Wrong as wrong:
            if dtype is np.float64 or str(wrong) in known:
                raise
        else:
            return


def _one_start(start: Callable, name: str, rng: Generator, mistakes: dict, variance: float) -> None:
    r"""A draw for fan_in 12 and fan_out 5, against the same draw with other scales."""
    seed, shape = _seed(rng), (12, 5)
    got = start(np.random.default_rng(seed), *shape)
    if np.shape(got) == shape:
        again = start(np.random.default_rng(seed + 1), *shape)
        if np.any(got) and np.array_equal(got, again):
            raise Wrong(
                f"`{name}` gives the same weights whatever generator it gets: draw from `rng`, the "
                "one it is given."
            )
        if not np.array_equal(got, start(np.random.default_rng(seed), *shape)):
            raise Wrong(
                f"`{name}` gives other weights for the same generator: draw from `rng`, not from "
                "`np.random`."
            )
        uniform = np.random.default_rng(seed).random(shape)
        centred = uniform - 0.5
        for draw in (uniform, centred):
            if np.any(got) and np.allclose(got, draw * (np.vdot(got, draw) / np.vdot(draw, draw))):
                raise Wrong(f"`{name}` draws from a uniform distribution: a normal one is asked.")

    def drawn(change: object, dtype: DTypeLike) -> NDArray:
        generator = np.random.default_rng(seed)
        if change in ("torch", "turned"):
            W = generator.standard_normal(shape[::-1], dtype) * variance**0.5
            return W if change == "torch" else W.T
        scale = variance**0.5 if change is None else change
        return generator.standard_normal(shape, dtype) * scale

    known = {f"`{name}` {why}": scale for why, scale in mistakes.items()}
    known |= {
        f"`{name}` has torch's layout: in NumPy's, W is (fan_in, fan_out).": "torch",
        f"`{name}` draws in torch's layout and turns the result: draw the shape (fan_in, fan_out) "
        "itself.": "turned",
        f"`{name}` returned zeros: the units of a layer would never differ.": 0.0,
    }
    _compare_draws(got, drawn, known, f"what `{name}` returned")


def kaiming_deviation(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Variance 2 / 12."""
    mistakes = {
        "multiplies by the variance; a draw is multiplied by the standard deviation, its root.": (
            2 / 12
        ),
        "uses fan_out where fan_in belongs: y sums over the inputs.": (2 / 5) ** 0.5,
        "lacks the factor that makes up for ReLU.": (1 / 12) ** 0.5,
        "has the variance 4/fan_in, as if the 2 stood outside the root.": 2 / 12**0.5,
        "has only the 2 under the root: the whole variance belongs there.": 2**0.5 / 12,
        "has Xavier's variance.": (2 / 17) ** 0.5,
        "does not scale its draw: a standard normal draw has variance 1.": 1.0,
        "divides by the standard deviation: multiply by it.": (12 / 2) ** 0.5,
    }
    _one_start(answers.kaiming, "kaiming", rng, mistakes, 2 / 12)


def xavier_deviation(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Variance 2 / 17."""
    mistakes = {
        "multiplies by the variance; a draw is multiplied by the standard deviation, its root.": (
            2 / 17
        ),
        "takes the sum of fan_in and fan_out: the variance is 1 over their *mean*.": (
            (1 / 17) ** 0.5
        ),
        "has the variance 4/(fan_in + fan_out), as if the 2 stood outside the root.": 2 / 17**0.5,
        "has only the 2 under the root.": 2**0.5 / 17,
        "has Kaiming's variance.": (2 / 12) ** 0.5,
        "looks at fan_in alone: take 1 over the mean of fan_in and fan_out.": (1 / 12) ** 0.5,
        "looks at fan_out alone: take 1 over the mean of fan_in and fan_out.": (1 / 5) ** 0.5,
        "takes the mean of 1/fan_in and 1/fan_out: first the mean, then 1 over it.": (
            ((1 / 12 + 1 / 5) / 2) ** 0.5
        ),
        "multiplies fan_in and fan_out: add them.": (2 / 60) ** 0.5,
        "divides before it adds: `2 / fan_in + fan_out` needs brackets.": (2 / 12 + 5) ** 0.5,
        "does not scale its draw.": 1.0,
        "divides by the standard deviation: multiply by it.": (17 / 2) ** 0.5,
        "has the variance 6/(fan_in + fan_out): that is the square of the *bound* for uniform "
        "draws.": (6 / 17) ** 0.5,
    }
    _one_start(answers.xavier, "xavier", rng, mistakes, 2 / 17)


def starts_of_any_size(answers: SimpleNamespace, rng: Generator) -> None:
    r"""Wide to narrow and back."""
    for shape in ((30, 4), (4, 30), (1, 1)):
        seed = _seed(rng)
        for name, variance in (("kaiming", 2 / shape[0]), ("xavier", 2 / sum(shape))):
            got = getattr(answers, name)(np.random.default_rng(seed), *shape)

            def drawn(_: object, dtype: DTypeLike, start=(seed, shape, variance)) -> NDArray:
                seed, shape, variance = start
                return np.random.default_rng(seed).standard_normal(shape, dtype) * variance**0.5

            _compare_draws(got, drawn, {}, f"what `{name}` returned")


def measured_gain(f: Callable) -> float:
    r"""Return 1 / sqrt(mean of f(z)^2) for standard normal z, by a sum over a fine grid."""
    z = np.linspace(-8, 8, 100_001)
    density = np.exp(-(z**2) / 2)
    return float(np.sqrt(density.sum() / (density * np.asarray(f(z)) ** 2).sum()))


def _gain_mistakes(f: Callable) -> dict[str, float]:
    z = np.random.default_rng(0).standard_normal(400_000)
    y = f(z)
    square, uniform = float(np.mean(y**2)), f(np.linspace(0, 1, 10_001))
    return {
        "It lacks the root: the gain multiplies a standard deviation.": 1 / square,
        "It is upside down: the gain makes up for what f keeps.": square**0.5,
        "It is the share that f keeps; the gain is one over its root.": square,
        "It divides by the standard deviation of f(z), which takes the mean away first. What the "
        "next layer sums are the squares of all of it.": 1 / float(y.std()),
        "It divides by the variance of f(z): take the mean *square*, and its root.": (
            1 / float(y.var())
        ),
        "It squares the mean; take the mean of the squares.": 1 / abs(float(np.mean(y))),
        "It takes the mean of |f(z)|; take the root of the mean of its squares.": (
            1 / float(np.mean(abs(y)))
        ),
        "It takes the mean square of z itself: f comes first.": 1.0,
        "Its z is uniform between 0 and 1, not normal.": 1 / float(np.mean(uniform**2)) ** 0.5,
        "Its z is not standard normal: the mean is 0 and the standard deviation 1.": (
            1 / float(np.mean(f(np.linspace(-1, 1, 10_001)) ** 2)) ** 0.5
        ),
        "The variance of its z is 1/2: the density falls like exp(-z²/2).": (
            1 / float(np.mean(f(z / 2**0.5) ** 2)) ** 0.5
        ),
        "The standard deviation of its z is 2: it is 1.": 1 / float(np.mean(f(2 * z) ** 2)) ** 0.5,
    }


def _one_gain(gain: Callable, f: Callable, mistakes: dict[str, float]) -> None:
    got = gain(f)
    try:
        compare(got, measured_gain(f), mistakes=mistakes, tolerance=0.02, what="the gain")
    except Wrong as wrong:
        mirrored = gain(lambda z: f(-z))
        number = got is not None and np.shape(got) == np.shape(mirrored) == ()
        if number and str(wrong) not in mistakes and abs(mirrored / got - 1) > 0.02:
            far = abs(mirrored / got - 1) > 0.15
            why = (
                "It should take z as often below 0 as above, and the mean of all of f(z)²."
                if far
                else "If you take random draws, take more of them."
            )
            raise Wrong(
                f"It gives {got:.3g} for one f(z), and {mirrored:.3g} for f(-z), which has the "
                f"same gain. {why}"
            ) from None
        raise


def gain_of_a_line(gain: Callable, rng: Generator) -> None:
    r"""A function for which every mistake gives another number."""

    def line(z: NDArray) -> NDArray:
        return 4 * z - 1.5

    _one_gain(gain, line, _gain_mistakes(line))


def gain_of_others(gain: Callable, rng: Generator) -> None:
    r"""Rectifiers, and bounded functions."""
    for f in (
        *(lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, z, 0.3 * z)),
        *(np.tanh, np.cos, lambda z: 1 / (1 + np.exp(-z))),
    ):
        _one_gain(gain, f, {})


def between_images(y: NDArray) -> NDArray:
    r"""Return the standard deviation over images, as a root mean square over units."""
    return np.sqrt(np.mean(np.var(y, axis=0)))


def _between_mistakes(y: NDArray) -> dict[str, object]:
    variances = y.var(axis=0)
    return {
        "It is the spread over images and units together, which a constant of each unit changes.": (
            y.std()
        ),
        "It takes the variance of each image over its units: the images are the first axis.": (
            np.sqrt(np.mean(y.var(axis=1)))
        ),
        "It takes the mean of the standard deviations: take that of the variances, then the "
        "root.": np.mean(np.sqrt(variances)),
        "It lacks the root: that is the mean variance.": np.mean(variances),
        "It takes the mean over the units first, so units that move in opposite ways cancel.": (
            y.mean(axis=1).std()
        ),
        "It is the spread between units: the images are the first axis.": y.mean(axis=0).std(),
        "It has one number for each unit: take the mean of their variances, then the root.": (
            np.sqrt(variances)
        ),
        "It has one variance for each unit: take their mean, then the root.": variances,
        "It sums the variances of the units: take their mean.": np.sqrt(np.sum(variances)),
        "It divides by the number of images minus 1; here the standard deviation divides by the "
        "number of images.": np.sqrt(np.mean(y.var(axis=0, ddof=1))),
    }


def between_by_numbers(spread_between_images: Callable, rng: Generator) -> None:
    r"""Variances 6 and 2/3."""
    y = np.array([[1.0, 12.0], [4.0, 10.0], [7.0, 11.0]])
    got = call_unchanged(spread_between_images, y=y)
    mistakes = _between_mistakes(y)
    if np.isclose(got, np.median(y.std(axis=0))).all():  # of two units it is the mean as well
        mistakes = {}
    compare(got, (10 / 3) ** 0.5, mistakes=mistakes, what="the spread")


def between_of_many(spread_between_images: Callable, rng: Generator) -> None:
    r"""Units with constants of their own and unlike spreads."""
    y = rng.normal(0, 3, 4) + rng.normal(size=(9, 4)) * rng.uniform(0.2, 2, 4)
    got = call_unchanged(spread_between_images, y=y)
    compare(got, between_images(y), mistakes=_between_mistakes(y), what="the spread")


def between_of_equal_images(spread_between_images: Callable, rng: Generator) -> None:
    r"""All images give the same: 0."""
    y = np.tile([0.0, 4.0, 8.0, -4.0], (6, 1))  # exact, so that a difference of variances is 0
    got = call_unchanged(spread_between_images, y=y)
    compare(got, 0.0, what="the spread of images that all give the same outputs")


def gradient_ratio(
    variance: Callable[[int], float], draws: Sequence[int], width: int = 64
) -> float:
    r"""Return the gradient's spread at layer 1 over that at layer 9 of ten sigmoid layers.

    The geometric mean over draws of the weights, on 200 digits of 64 pixels.
    """
    digits = load("digits").train
    ratios = []
    for draw in draws:
        rng, layers = np.random.default_rng(draw), []
        for sizes in pairwise([64] + [width] * 9 + [10]):
            layers += [nn.Linear(*sizes, "zero"), nn.Sigmoid()]
        network = nn.Network(layers[:-1], rng, dtype=np.float64)
        for layer in network.layers[::2]:
            layer.W[...] = rng.normal(0, variance(layer.fan_in) ** 0.5, layer.W.shape)
        d = network.loss_function(network.forward(digits.x[:200]), digits.y[:200])[1]
        spreads = [d.std()]
        for layer in reversed(network.layers):
            d = layer.backward(d)
            if isinstance(layer, nn.Sigmoid):
                spreads.append(d.std())
        ratios.append(spreads[9] / spreads[1])
    return float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-300)))))


def _variance(sigmoid_variance: Callable, fan_in: int) -> float:
    got = sigmoid_variance(fan_in)
    if got is None:
        raise Wrong(RETURNED_NONE)
    try:
        variance = float(got)
    except (TypeError, ValueError):
        raise Wrong(f"It should return one number; it returned a {type(got).__name__}.") from None
    if not 0 < variance < np.inf:
        raise Wrong(f"A variance is a positive number, not {variance:.3g}.")
    return variance


def sigmoid_gradient(sigmoid_variance: Callable, rng: Generator) -> None:
    r"""The outcome, at two widths: how wide the gradient is at layer 1."""
    known = {
        1: "That is Xavier's variance with as many units on both sides; the chapter has just "
        "measured what it leaves.",
        2: "That is Kaiming's variance, made for ReLU.",
        16: "That makes up for a slope of 1/4. Few sigmoids have it.",
    }
    of = {fan_in: _variance(sigmoid_variance, fan_in) for fan_in in (32, 64, 256)}
    for width in (32, 256):
        ratio = gradient_ratio(of.__getitem__, range(100, 110), width)
        if 0.2 < ratio < 5:
            continue
        found = next((text for c, text in known.items() if np.isclose(of[width], c / width)), "")
        if of[32] == of[256]:
            found = "The variance is the same for every fan_in, but a sum of more terms is wider."
        way = "too small" if ratio < 1 else "too large"
        raise Wrong(
            f"{found} Over ten draws, with {width} units in each hidden layer, the gradient at "
            f"layer 1 is {ratio:.2g} times as wide as at layer 9: for fan_in {width} a variance "
            f"of {of[width]:.3g} is {way}.".strip()
        )


def _layers(answer: Callable, rng: Generator, sizes: list[int]) -> list[NDArray]:
    given = list(sizes)
    got = answer(rng, given)
    if given != sizes:
        raise Wrong("It changes the list `sizes`, and the caller still needs it.")
    if got is None:
        raise Wrong(RETURNED_NONE)
    if not isinstance(got, list | tuple):
        raise Wrong(f"It should return a list of arrays; it returned one {type(got).__name__}.")
    if len(got) != len(sizes) - 1:
        raise Wrong(
            f"{len(sizes)} sizes have {len(sizes) - 1} layers between them; it returned {len(got)}."
        )
    for number, (W, (fan_in, fan_out)) in enumerate(
        zip(got, pairwise(sizes), strict=True), start=1
    ):
        if isinstance(W, tuple) or (isinstance(W, list) and len({len(np.shape(p)) for p in W}) > 1):
            raise Wrong(
                f"Entry {number} of the list is a {type(W).__name__} of several arrays; it should "
                "be one, the weights of a layer without a bias."
            )
        if np.shape(W) != (fan_out, fan_in):
            numpys = all(np.shape(W) == pair for W, pair in zip(got, pairwise(sizes), strict=True))
            why = "NumPy's layout; torch's is (fan_out, fan_in)" if numpys else "it should be"
            comma = " =" if numpys else ""
            raise Wrong(
                f"Layer {number} has shape {np.shape(W)}, {why}{comma} ({fan_out}, {fan_in})."
            )
    return list(got)


def layers_differ(initial_weights: Callable, rng: Generator) -> None:
    r"""Two layers of one shape, and two generators."""
    seed = _seed(rng)
    first, second = _layers(initial_weights, np.random.default_rng(seed), [5, 5, 5])
    if np.ptp(first) == 0:
        raise Wrong("All weights of a layer are equal, so all its units are: draw them from `rng`.")
    if np.array_equal(first, second):
        raise Wrong(
            "Two layers have the same weights: each needs a draw of its own from `rng`. Is there "
            "one draw for all, or a generator made anew in each round of the loop?"
        )
    again, _ = _layers(initial_weights, np.random.default_rng(seed), [5, 5, 5])
    if not np.array_equal(first, again):
        raise Wrong(
            "It gives other weights for the same generator: draw from `rng`, not from `np.random`."
        )
    other, _ = _layers(initial_weights, np.random.default_rng(_seed(rng)), [5, 5, 5])
    if np.array_equal(first, other):
        raise Wrong(
            "It gives the same weights whatever generator it gets: draw from `rng`, and make no "
            "generator inside."
        )


def layers_exactly(initial_weights: Callable, rng: Generator) -> None:
    r"""The same draws with the right scale."""
    sizes, seed = [6, 3, 3, 8], _seed(rng)
    mistakes = {
        "It still multiplies by a variance, and of fan_out: two bugs in one line.": (
            lambda fan_in, fan_out: 2 / fan_out
        ),
        "It still multiplies by the variance: take its root.": lambda fan_in, fan_out: 2 / fan_in,
        "It still uses fan_out: in torch's layout fan_in is the second size, `W.shape[1]`.": (
            lambda fan_in, fan_out: (2 / fan_out) ** 0.5
        ),
        "It lacks the 2 that makes up for ReLU.": lambda fan_in, fan_out: fan_in**-0.5,
        "That is Xavier's variance; with ReLU take 2/fan_in.": (
            lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5
        ),
        "The variance is 4/fan_in, as if the 2 stood outside the root.": (
            lambda fan_in, fan_out: 2 / fan_in**0.5
        ),
        "Only the 2 stands under the root: the whole variance belongs there.": (
            lambda fan_in, fan_out: 2**0.5 / fan_in
        ),
        "The draws are not scaled.": lambda fan_in, fan_out: 1.0,
        "It draws in NumPy's layout and turns the result: draw the shape (fan_out, fan_in).": (
            "turned"
        ),
    }

    def drawn(change: object, dtype: DTypeLike) -> tuple[NDArray, ...]:
        generator, found = np.random.default_rng(seed), []
        scale = change if callable(change) else (lambda fan_in, fan_out: (2 / fan_in) ** 0.5)
        for fan_in, fan_out in pairwise(sizes):
            shape = (fan_in, fan_out) if change == "turned" else (fan_out, fan_in)
            W = generator.standard_normal(shape, dtype) * scale(fan_in, fan_out)
            found.append(W.T if change == "turned" else W)
        return tuple(found)

    got = _layers(initial_weights, np.random.default_rng(seed), sizes)
    _compare_draws(tuple(got), drawn, mistakes, "array")


def layers_keep_the_signal(initial_weights: Callable, rng: Generator) -> None:
    r"""Widths up and down: the mean square at the end is what it was at the start."""
    sizes = [100, 400, 50, 400, 50, 400]
    h = rng.standard_normal((200, sizes[0]))
    before = None
    for W in _layers(initial_weights, np.random.default_rng(_seed(rng)), sizes):
        y = h @ np.asarray(W).T
        before = before or np.mean(y**2)
        h = np.maximum(y, 0)
    if not before / 4 < np.mean(y**2) < before * 4:
        raise Wrong(
            f"From the first to the last of five layers the mean square changes by a factor of "
            f"{np.mean(y**2) / before:.2g}; it should stay about the same."
        )


def kaiming_in_torchs_layout(rng: Generator, sizes: Sequence[int]) -> list[NDArray]:
    r"""Return Kaiming's weights, (fan_out, fan_in) for each pair of neighbouring sizes."""
    return [rng.normal(0, (2 / i) ** 0.5, (o, i)) for i, o in pairwise(sizes)]


EXERCISES = [
    Exercise(
        id="03.1",
        title="Two initializations",
        answers=("kaiming", "xavier"),
        package=lambda: SimpleNamespace(kaiming=nn.kaiming, xavier=nn.xavier),
        checks=[
            Check("Kaiming's variance and layout", kaiming_deviation),
            Check("Xavier's variance and layout", xavier_deviation),
            Check("other sizes", starts_of_any_size),
        ],
        hints=[
            "What happens to the variance of numbers that are all multiplied by s?",
            "A standard normal draw has variance 1. Multiply it by the root of the variance that "
            "you want.",
            "Kaiming's variance is 2 / fan_in. Xavier's is 1 over the mean, and the mean of two "
            "numbers is half of their sum.",
        ],
    ),
    Exercise(
        id="03.2",
        title="Measure a gain",
        answers=("gain",),
        package=lambda: measured_gain,
        checks=[
            Check("the line of the exercise", gain_of_a_line),
            Check("ReLU, leaky ReLU, tanh, cosine and sigmoid", gain_of_others),
        ],
        hints=[
            "You have a function and no data. Where could standard normal numbers come from?",
            "With n random draws the error shrinks like one over the root of n. How many do you "
            "need for 1 %? Call your function a few times and look how far its answers scatter.",
            "Draw a hundred thousand numbers, give them to f, and read the formula from the "
            "inside: squares first, then their mean, then the root, then one over it.",
        ],
    ),
    Exercise(
        id="03.3",
        title="The spread between images",
        answers=("spread_between_images",),
        package=lambda: between_images,
        checks=[
            Check("three images of two units", between_by_numbers),
            Check("units with constants of their own", between_of_many),
            Check("images that all give the same", between_of_equal_images),
        ],
        hints=[
            "Which axis counts the images? Over which one must you therefore not mix?",
            "A variance over the images takes the mean of each unit away, and with it the unit's "
            "constant. That gives one number for each unit.",
            "Variance over axis 0, then the mean over the units, then the root.",
        ],
    ),
    Exercise(
        id="03.4",
        title="Wake ten sigmoids",
        answers=("sigmoid_variance",),
        package=lambda: lambda fan_in: 80 / fan_in,
        checks=[Check("the gradient reaches layer 1 at two widths", sigmoid_gradient, points=3)],
        hints=[
            "Write a start for `five_draws` that draws with some variance c / fan_in, and print "
            "the gradient's spread at layer 1 over that at layer 9.",
            "Begin with the c that makes the formula's factor 1 for a slope of 1/4. What is the "
            "ratio, and to which side must c move?",
            "Double c until the ratio passes 1, then halve the gap. Average over draws: a single "
            "one can be off by a factor of two. Then look at another width.",
        ],
    ),
    Exercise(
        id="03.5",
        title="Find three bugs",
        answers=("initial_weights",),
        package=lambda: kaiming_in_torchs_layout,
        checks=[
            Check("every layer has its own numbers", layers_differ),
            Check("layout and variance", layers_exactly),
            Check("the signal keeps its size", layers_keep_the_signal),
        ],
        hints=[
            "One bug cannot be seen in the spreads at all. Print the first row of each layer's "
            "weights in a network of equal widths.",
            "Look at one layer of a network whose widths differ. What does `W.shape[0]` count?",
            "The spread of a single layer is off even where all widths are equal. Is the number "
            "that multiplies W a variance or a standard deviation?",
        ],
    ),
]
