r"""Checks of chapter 13, Same direction, go faster."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import (
    Check,
    Exercise,
    Wrong,
    call_unchanged,
    compare,
    compare_call,
    several,
)
from lrcourse.exercises.answers import rule
from lrcourse.optim import DirectionAccelerated, Rule


def _boosted(g: NDArray, previous: NDArray) -> NDArray:
    return g + (g * previous > 0) * (g + previous) / 2


def _mistaken_steps(w: NDArray, g: NDArray, previous: NDArray, rate: float) -> dict:
    agree = g * previous > 0
    boosted = _boosted(g, previous)
    right = w - rate * boosted

    def step(gradient: NDArray) -> tuple:
        return w - rate * gradient, g

    return {
        "The order is (w, previous): they came the other way round.": (g, right),
        "It stores the boosted gradient: the next step needs g as it was measured.": (
            right,
            boosted,
        ),
        "It stores the boost: the next step needs g as it was measured.": (
            right,
            agree * (g + previous) / 2,
        ),
        "It hands the old gradient on: the next step needs this one, g.": (right, previous),
        "The boost is the sum of both gradients: it should be their average, half of it.": step(
            g + agree * (g + previous)
        ),
        "The boost is half of g alone: it is half of the sum of g and the last gradient.": step(
            g + agree * g / 2
        ),
        "The boost is added everywhere: compare signs weight by weight, not once for the whole "
        "vector, and add it only where they agree.": step(g + (g + previous) / 2),
        "The boost is added where the signs differ: it belongs where they agree.": step(
            g + ~agree * (g + previous) / 2
        ),
        "The boost replaces the gradient: it is added to g.": step(
            np.where(agree, (g + previous) / 2, g)
        ),
        "Where the signs differ the weight stands still: there it takes a plain step.": step(
            agree * boosted
        ),
        "The boost is the current gradient: it is the average of both.": step(g + agree * g),
        "Only the last gradient is halved: the boost is half of the sum of both.": step(
            g + agree * (g + previous / 2)
        ),
        "The rate is missing in front of the boost: it multiplies g and boost alike.": (
            w - rate * g - agree * (g + previous) / 2,
            g,
        ),
        "Where the signs differ, half of the sum is taken away: there the boost is 0.": step(
            g + np.sign(g) * np.sign(previous) * (g + previous) / 2
        ),
        "The boost is half of the difference: it is half of the sum.": step(
            g + agree * (g - previous) / 2
        ),
        "It steps uphill: subtract the boosted gradient.": step(-boosted),
        "There is no boost: this is a plain step.": step(g),
    }


def step_by_numbers(accelerated_step: Callable, rng: Generator) -> None:
    r"""Signs that agree, differ, agree."""
    w, g, previous = np.array([[1.0, 1.0, 0.0], [2.0, -1.0, -0.5], [4.0, 5.0, -1.5]])
    expected = (np.array([0.5, 1.1, 0.15]), g)
    compare_call(accelerated_step, (w, g, previous, 0.1), expected, _mistaken_steps)


def step_of_any_shape(accelerated_step: Callable, rng: Generator) -> None:
    r"""A matrix of weights."""
    w, g, previous = rng.normal(size=(3, 4, 3))
    expected = (w - 0.3 * _boosted(g, previous), g)
    compare_call(accelerated_step, (w, g, previous, 0.3), expected, _mistaken_steps)


def step_at_zero(accelerated_step: Callable, rng: Generator) -> None:
    r"""The first step, and a weight without a gradient."""
    w, g, previous = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    got = accelerated_step(w.copy(), g.copy(), previous.copy(), 0.1)
    mistakes = {
        "A gradient of 0 agrees with nothing, so there is no boost: neither before the first step "
        "(previous = 0) nor at a weight with g = 0.": (
            w - 0.1 * (g + (g * previous >= 0) * (g + previous) / 2),
            g,
        )
    }
    compare(got, (np.array([0.8, 1.0, 1.0]), g), mistakes=mistakes)


def step_of_tiny_gradients(accelerated_step: Callable, rng: Generator) -> None:
    r"""In float32 the product of two gradients of 1e-30 is 0."""
    w = np.zeros(2, np.float32)
    g = np.array([1e-30, -1e-30], np.float32)
    new, _ = accelerated_step(w, g, 3 * g, 1.0)
    sentence = (
        "Two gradients of 1e-30 have the same sign, but their product rounds to 0 in float32: "
        "compare signs, not products."
    )
    compare(np.asarray(new) * 1e30, [-3.0, 3.0], mistakes={sentence: [-1.0, 1.0]}, tolerance=1e-5)


def step_leaves_its_input(accelerated_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, g, previous = rng.normal(size=(3, 4))
    call_unchanged(accelerated_step, 0.1, w=w, g=g, previous=previous)


def step_keeps_a_copy(accelerated_step: Callable, rng: Generator) -> None:
    r"""The caller's array changes after the step, as that of a network does."""
    w, g, previous = rng.normal(size=(3, 4))
    kept = several(accelerated_step(w, g, previous, 0.1), ("w", "previous"))["previous"]
    stored = np.array(kept)
    g += 1
    if not np.array_equal(stored, kept):
        raise Wrong(
            "The `previous` that it returns is the caller's array `g` itself, which a network "
            "fills with its next gradient. Return a new array with the same numbers."
        )


def _mistaken_reaches(right: float, above: float, below: float) -> dict:
    mean, wrong = above + below, 1 - right
    boost = above * right + below * wrong
    return {
        "The 1 is missing: that is the plain step, to which the boost is added.": boost / mean,
        "It is not divided by the mean of g: K is a ratio of mean steps.": mean + boost,
        "The boost is not divided by the mean of g.": 1 + boost,
        "Only agreement on the positive side is counted: both may be negative too.": (
            1 + above * right / mean
        ),
        "Only half of the boost is there: g of this step and of the last are alike, and half of "
        "their sum has the mean of one of them.": 1 + boost / mean / 2,
        "The boost is doubled: it is half of the sum of two alike gradients.": 1 + 2 * boost / mean,
        "The negative part has the wrong sign: `below` is negative already.": (
            1 + (above * right - below * wrong) / mean
        ),
        "It divides by the mean size of g; divide by the mean of g.": 1 + boost / (above - below),
        "This is 2, as if every step were boosted: both gradients have to agree, and `above` and "
        "`below` are means over all steps.": 2.0,
        "The boost has the mean of g only where the signs agree; it is not the chance of agreement "
        "times the mean of g.": 1 + right**2 + wrong**2,
        "`above` and `below` hold the chance of their sign already: the boost needs the chance of "
        "the *last* sign, once.": 1 + (above * right**2 + below * wrong**2) / mean,
        "`above` and `below` are means over all steps: their sum is the mean of g.": (
            1 + (above * right**2 + below * wrong**2) / (above * right + below * wrong)
        ),
        "The chances are exchanged: a positive gradient is boosted if the last was positive.": (
            1 + (above * wrong + below * right) / mean
        ),
    }


def reach_by_numbers(reach: Callable, rng: Generator) -> None:
    r"""3 in two of three steps, -1 in the third; then 1, 1, 1, -2."""
    for given, expected in (((2 / 3, 2.0, -1 / 3), 26 / 15), ((0.75, 0.75, -0.5), 2.75)):
        compare_call(reach, given, expected, _mistaken_reaches, tolerance=1e-5)


def reach_by_dice(reach: Callable, rng: Generator) -> None:
    r"""A million pairs of gradients of three kinds of noise."""
    for z in (
        rng.normal(size=(2, 1_000_000)),
        rng.uniform(-1.7, 1.7, size=(2, 1_000_000)),
        rng.exponential(size=(2, 1_000_000)) - 1,
    ):
        g, previous = 0.5 + z
        given = np.mean(g > 0), np.mean(g * (g > 0)), np.mean(g * (g < 0))
        measured = np.mean(_boosted(g, previous)) / np.mean(g)
        right, above, below = map(float, given)
        compare_call(reach, (right, above, below), measured, _mistaken_reaches, tolerance=5e-3)


def reach_of_a_steady_slope(reach: Callable, rng: Generator) -> None:
    r"""Without noise every step but the first is doubled."""
    compare(reach(1.0, 0.3, 0.0), 2.0, what="a slope without noise")


NOISES: dict[str, tuple[Callable, float]] = {
    "the bell curve": (lambda rng, n: rng.normal(size=n), 1 / np.pi),
    "noise that is uniform between two limits": (lambda rng, n: rng.uniform(-1, 1, size=n), 0.25),
    "noise with a sharp peak (Laplace's)": (lambda rng, n: rng.laplace(size=n), 0.5),
}


def _mistaken_terms(z: NDArray, right: float) -> dict[str, float]:
    size, spread = np.mean(np.abs(z)), z.std()
    density = right / size
    return {
        "It has the spread of z in place of E|z|, the mean of the sizes.": density * spread,
        "It has the mean of z in place of E|z|: take the sizes first.": density * z.mean(),
        "It is twice too large: from -h to h the width is 2 h.": 2 * right,
        "It is half of what it should be: is it E|z| over one side only, or the wrong width?": (
            right / 2
        ),
        "This is f(0) alone: E|z| is missing.": density,
        "This is E|z| alone: f(0) is missing.": size,
        "This is the bell curve's value for every noise: measure f(0).": 1 / np.pi,
        "This has the density of a bell curve: measure f(0) from the z near 0.": (
            size / (np.sqrt(2 * np.pi) * spread)
        ),
        "This is 1.5 and the term: return the term alone.": 1.5 + right,
        "It counts the z near 0: a density is a share, so divide by how many z there are.": (
            len(z) * right
        ),
    }


def _check_term(noise_term: Callable, rng: Generator, scale: float) -> None:
    got, rights, mistakes = [], [right for _, right in NOISES.values()], []
    for draw, right in NOISES.values():
        z = scale * draw(rng, 200_000)
        got.append(call_unchanged(noise_term, z=z))
        mistakes.append(_mistaken_terms(z, right))
    if np.shape(got) == (3,) and not np.allclose(got, rights, 0.1, 0):
        for sentence in mistakes[0]:  # a mistake is named if it explains all three
            if np.allclose(got, [each[sentence] for each in mistakes], 0.1, 1e-9):
                raise Wrong(sentence)
    for name, one, right in zip(NOISES, got, rights, strict=True):
        compare(one, right, tolerance=0.1, what=name)


def term_of_three_noises(noise_term: Callable, rng: Generator) -> None:
    r"""Three kinds of noise."""
    _check_term(noise_term, rng, 3.0)


def term_in_any_unit(noise_term: Callable, rng: Generator) -> None:
    r"""The noise of gradients is small; the term has no unit."""
    z = rng.normal(size=200_000)
    found = [float(noise_term(unit * z)) for unit in (1.0, 1e-4, 300.0)]
    if not np.allclose(found, found[0], rtol=0.05, atol=0):
        shown = ", ".join(f"{value:.3g}" for value in found)
        raise Wrong(
            f"The same noise, 1, 0.0001 and 300 times as large, gives {shown}: the term has no "
            "unit. What is near 0 has to be measured against the spread of z."
        )
    _check_term(noise_term, rng, 1e-4)


def _run(
    gradients: NDArray,
    w: NDArray,
    rate: float,
    *,
    stored: Callable = lambda g, boosted: g,
    average: float = 0.5,
    always: bool = False,
    signed: bool = False,
    before: float = 0.0,
) -> NDArray:
    previous = np.full_like(w, before)
    for g in gradients:
        same = np.sign(g) == np.sign(previous) if not always else np.ones_like(w, bool)
        same = np.sign(g) * np.sign(previous) if signed else same
        boosted = g + same * average * (g + previous)
        w = w - rate * boosted
        previous = stored(g, boosted)
    return w


def _mistaken_runs(gradients: NDArray, w: NDArray, rate: float) -> dict:
    right = _run(gradients, w, rate)
    first = rate * gradients[0]
    double = w - 2 * rate * gradients.sum(axis=0)
    return {
        "It still stores the boosted gradient: keep g as it was measured.": _run(
            gradients, w, rate, stored=lambda g, boosted: boosted
        ),
        "Every step is twice a plain one: `previous` is the same array as the new gradient, which "
        "agrees with itself. Keep a copy.": double,
        "From the second step on it is SGD at twice the rate: `previous` is the same array as the "
        "new gradient, which agrees with itself. Keep a copy.": double + first,
        "Nothing is stored, so nothing ever agrees: this is plain SGD.": (
            w - rate * gradients.sum(axis=0)
        ),
        "The boost is the sum of both gradients: it should be their average.": _run(
            gradients, w, rate, average=1.0
        ),
        "The boost is added everywhere: it belongs only where the signs agree.": _run(
            gradients, w, rate, always=True
        ),
        "Where the signs differ, half of the sum is taken away: there the boost is 0.": _run(
            gradients, w, rate, signed=True
        ),
        "The first step has a boost: before it there is no gradient, so `previous` is 0.": (
            right - first
        ),
        "`previous` starts at 1: before the first step there is no gradient, so it is 0.": _run(
            gradients, w, rate, before=1.0
        ),
        "It takes only one step: `return` belongs behind the loop.": w - first,
        "It takes one step too few.": _run(gradients[:-1], w, rate),
    }


def _replay(gradients: NDArray, *, one_array: bool = True) -> Callable:
    array, coming = np.empty_like(gradients[0]), iter(gradients)

    def gradient(w: NDArray) -> NDArray:
        g = next(coming, None)
        if g is None:
            raise Wrong(
                f"{len(gradients)} steps need {len(gradients)} gradients, and it asks for more: "
                "call `gradient` once for each step."
            )
        if not one_array:
            return g.copy()
        array[...] = g
        return array

    return gradient


def run_on_a_slope(accelerated_run: Callable, rng: Generator) -> None:
    r"""A slope that changes and turns, each gradient in a new array."""
    for gradients in (np.array([[2.0], [1.0], [3.0], [-1.5], [-0.7], [2.5]]), np.ones((10, 1))):
        start = np.zeros(1)
        got = accelerated_run(
            _replay(gradients, one_array=False), start.copy(), 1.0, len(gradients)
        )
        right = _run(gradients, start, 1.0)
        compare(got, right, mistakes=_mistaken_runs(gradients, start, 1.0))


def run_with_one_array(accelerated_run: Callable, rng: Generator) -> None:
    r"""The gradient fills one array again and again."""
    for gradients in (np.array([[1.0], [-1.0], [1.0], [-1.0], [-2.0]]), rng.normal(size=(9, 3))):
        start = np.full(gradients.shape[1], 0.5)
        got = accelerated_run(_replay(gradients), start.copy(), 0.1, len(gradients))
        mistakes = _mistaken_runs(gradients, start, 0.1)
        compare(got, _run(gradients, start, 0.1), mistakes=mistakes)


def run_with_tiny_gradients(accelerated_run: Callable, rng: Generator) -> None:
    r"""In float32 the product of two gradients of 1e-30 is 0."""
    gradients = np.array([[1e-30], [2e-30], [-1e-30], [-3e-30]], np.float32)
    start = np.zeros(1, np.float32)
    got = accelerated_run(_replay(gradients), start.copy(), 1.0, len(gradients))
    sentence = "The product of two tiny gradients rounds to 0 in float32: compare their signs."
    plain = {sentence: -1e30 * gradients.sum(axis=0, dtype=float)}
    right = _run(gradients.astype(float), start, 1.0)
    compare(np.asarray(got) * 1e30, right * 1e30, mistakes=plain, tolerance=1e-5)


def run_asks_at_the_new_place(accelerated_run: Callable, rng: Generator) -> None:
    r"""One gradient for each step, taken where the last step led."""
    asked = []

    def gradient(w: NDArray) -> NDArray:
        asked.append(np.array(w))
        return 1.0 * w

    accelerated_run(gradient, np.array([1.0, -2.0]), 0.1, 4)
    if len(asked) != 4:
        raise Wrong(
            f"4 steps need 4 gradients, and it asked for {len(asked)}: call `gradient` once for "
            "each step."
        )
    if np.array_equal(asked[0], asked[1]):
        raise Wrong("The gradient is always taken at the start: take it where w is now.")


def run_leaves_its_input(accelerated_run: Callable, rng: Generator) -> None:
    r"""The start stays as it was."""
    w = rng.normal(size=3)
    call_unchanged(lambda w: accelerated_run(_replay(rng.normal(size=(5, 3))), w, 0.1, 5), w=w)


def _rule_by(answer: Callable) -> type[Rule]:
    def step(w: NDArray, previous: NDArray, g: NDArray, learning_rate: float | NDArray) -> tuple:
        return answer(w, g, previous, learning_rate)

    return rule(step, ("previous",), name="DA-SGD")


def own_reach(right: float, above: float, below: float) -> float:
    r"""Return K of exercise 13.2: 1 and the mean boost over the mean gradient.

    Args:
        right: the chance that a gradient is positive.
        above: the mean of the gradients, all that are not positive counted as 0.
        below: the mean of the gradients, all that are not negative counted as 0.
    """
    return 1 + (above * right + below * (1 - right)) / (above + below)


def own_noise_term(z: NDArray) -> float:
    r"""Return an estimate of f(0) E|z|, the density at 0 times the mean size.

    Args:
        z: a sample of the noise, (n,).
    """
    near = 0.1 * z.std()
    return float(np.mean(np.abs(z) < near) / (2 * near) * np.mean(np.abs(z)))


EXERCISES = [
    Exercise(
        id="13.1",
        title="One boosted step",
        answers=("accelerated_step",),
        checks=[
            Check("three weights, by numbers", step_by_numbers),
            Check("a matrix of weights", step_of_any_shape),
            Check("a gradient of 0 gets no boost", step_at_zero),
            Check("tiny gradients have signs too", step_of_tiny_gradients),
            Check("the inputs stay as they were", step_leaves_its_input),
            Check("what it returns is its own", step_keeps_a_copy),
        ],
        hints=[
            "Where do the two signs agree? Ask it of each weight, not of the whole vector.",
            "`np.sign` gives 1, 0 or -1 for each weight; `np.where` chooses between two arrays.",
            "The boost is half of the sum where the signs agree, and 0 elsewhere. The next step "
            "needs the gradient as it was measured.",
        ],
        package=lambda: DirectionAccelerated,
        adapt=_rule_by,
    ),
    Exercise(
        id="13.2",
        title="How much farther",
        answers=("reach",),
        checks=[
            Check("two lists of gradients, by numbers", reach_by_numbers),
            Check("three kinds of noise, by dice", reach_by_dice),
            Check("no noise", reach_of_a_steady_slope),
        ],
        hints=[
            "Each g is positive or negative: what do A and B give together?",
            "Boosted are the steps where both are positive, and those where both are negative. "
            "The last gradient does not know of this one: chances multiply.",
            "The mean of g over the steps where it is positive *and the last one is too* is A "
            "times the chance that the last one is.",
        ],
        package=lambda: own_reach,
    ),
    Exercise(
        id="13.3",
        title="Measure the noise",
        answers=("noise_term",),
        checks=[
            Check("three kinds of noise", term_of_three_noises),
            Check("in any unit", term_in_any_unit),
        ],
        hints=[
            "A density is a share per width. Which share of the sample lies near 0?",
            "Near is relative: a fraction of the spread of z. Too wide, and it smears a peak out; "
            "too narrow, and hardly any z is left.",
            "Count the z between -h and h, divide by how many there are and by the width of that "
            "window. E|z| is the mean of the sizes.",
        ],
        package=lambda: own_noise_term,
    ),
    Exercise(
        id="13.4",
        title="Find the bugs",
        answers=("accelerated_run",),
        checks=[
            Check("a slope that changes, then one of 1", run_on_a_slope),
            Check("a gradient that fills one array", run_with_one_array),
            Check("tiny gradients have signs too", run_with_tiny_gradients),
            Check("one gradient for each step", run_asks_at_the_new_place),
            Check("the start stays as it was", run_leaves_its_input),
        ],
        hints=[
            "Print `g` and `previous` in each step of the suspect, and compare with the formula.",
            "Which lines change an array that somebody else still holds?",
            "An assignment gives an array a second name. What does the next call of `gradient` do "
            "to it?",
        ],
    ),
]
