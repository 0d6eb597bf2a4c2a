r"""Checks of chapter 11, Signs only."""

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, Wrong, call_unchanged, compare, compare_call

GROW, SHRINK, SMALLEST, LARGEST = 1.2, 0.5, 0.001, 0.006


def _resized(delta: NDArray, s: NDArray, grow: float = GROW, shrink: float = SHRINK) -> NDArray:
    delta = np.where(s > 0, np.minimum(grow * delta, LARGEST), delta)
    return np.where(s < 0, np.maximum(shrink * delta, SMALLEST), delta)


def _swapped(delta: NDArray, s: NDArray) -> NDArray:
    delta = np.where(s > 0, np.maximum(GROW * delta, LARGEST), delta)
    return np.where(s < 0, np.minimum(SHRINK * delta, SMALLEST), delta)


def _free(delta: NDArray, s: NDArray) -> NDArray:
    return delta * np.where(s > 0, GROW, np.where(s < 0, SHRINK, 1))


def _step(w: NDArray, delta: NDArray, g: NDArray, previous: NDArray) -> tuple:
    s = np.sign(g) * np.sign(previous)
    delta, kept = _resized(delta, s), np.where(s < 0, 0, g)
    return w - np.sign(kept) * delta, delta, kept


def _mistaken_steps(w: NDArray, delta: NDArray, g: NDArray, previous: NDArray) -> dict:
    s = np.sign(g) * np.sign(previous)
    new, kept = _resized(delta, s), np.where(s < 0, 0, g)
    right = w - np.sign(kept) * new
    crossed = np.where(s > 0, np.maximum(SHRINK * delta, SMALLEST), delta)
    crossed = np.where(s < 0, np.minimum(GROW * delta, LARGEST), crossed)

    def resized(other: NDArray) -> tuple:
        return w - np.sign(kept) * other, other, kept

    return {
        "On a flip it steps and forgets only then: that is the paper's variant. In the published "
        "one the weight stays.": (w - np.sign(g) * new, new, kept),
        "It does not forget: where the sign flips, the gradient handed on is 0.": (right, new, g),
        "On a flip it steps and remembers: that is Rprop. iRprop- takes 0 as the gradient there.": (
            w - np.sign(g) * new,
            new,
            g,
        ),
        "The limits are missing: no step is over 0.006 or under 0.001.": resized(_free(delta, s)),
        "The functions are swapped: the largest step is held by `np.minimum`, the smallest by "
        "`np.maximum`.": resized(_swapped(delta, s)),
        "The factors are swapped: a step grows where the signs agree.": resized(crossed),
        "It steps with the old delta: resize first, then step.": (
            w - np.sign(kept) * delta,
            new,
            kept,
        ),
        "It steps by the gradient: only its sign counts.": (w - kept * new, new, kept),
        "It steps uphill: subtract the sign times delta.": (w + np.sign(kept) * new, new, kept),
        "It forgets everywhere: the gradient becomes 0 only where the sign flips.": (
            right,
            new,
            np.zeros_like(g),
        ),
        "It hands the old gradient on: the next step needs this one.": (right, new, previous),
        "It hands the sign on: return the gradient itself (0 where it flips).": (
            right,
            new,
            np.sign(kept),
        ),
        "The order is (w, delta, previous).": (right, kept, new),
        "The steps never change: resize delta where signs agree or flip.": resized(delta),
    }


def step_by_numbers(irprop_step: Callable, rng: Generator) -> None:
    r"""Agree, flip, nothing to compare."""
    w, g, previous = np.ones(3), np.array([2.0, -2.0, 5.0]), np.array([1.0, 1.0, 0.0])
    expected = np.array([[0.9964, 1, 0.997], [0.0036, 0.0015, 0.003], [2.0, 0.0, 5.0]])
    given = (w, np.full(3, 0.003), g, previous)
    compare_call(irprop_step, given, tuple(expected), _mistaken_steps)


def step_at_the_limits(irprop_step: Callable, rng: Generator) -> None:
    r"""Steps near both limits, both signs."""
    g = np.array([1.0, -1.0, 3.0, -2.0, 0.0, 4.0])
    previous = np.array([2.0, -5.0, -1.0, 1.0, 1.0, 0.0])
    delta = np.array([0.0055, 0.006, 0.0015, 0.001, 0.002, 0.004])
    given = (rng.normal(size=6), delta, g, previous)
    compare_call(irprop_step, given, _step, _mistaken_steps)


def step_of_a_matrix(irprop_step: Callable, rng: Generator) -> None:
    r"""A matrix of weights."""
    w, g, previous = rng.normal(size=(3, 4, 5))
    delta = rng.uniform(SMALLEST, LARGEST, size=(4, 5))
    compare_call(irprop_step, (w, delta, g, previous), _step, _mistaken_steps)


def step_of_tiny_gradients(irprop_step: Callable, rng: Generator) -> None:
    r"""In float32 the product of two gradients of 1e-30 is 0."""
    w, delta = np.zeros(2, np.float32), np.full(2, 0.002, np.float32)
    g = np.array([1e-30, -1e-30], np.float32)
    result = irprop_step(w, delta, g, np.abs(g))
    sentence = (
        "Two gradients of 1e-30 have signs, but their product rounds to 0 in float32: multiply "
        "the signs, `np.sign(g) * np.sign(previous)`."
    )
    compare(result[1], [0.0024, 0.001], mistakes={sentence: [0.002, 0.002]}, tolerance=1e-5)


def step_leaves_its_input(irprop_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, g, previous = rng.normal(size=(3, 6))
    call_unchanged(irprop_step, w=w, delta=np.full(6, 0.002), g=g, previous=previous)


def _flip(a: float) -> float:
    return 2 * NormalDist().cdf(a) * NormalDist().cdf(-a)


def _mistaken_drifts(a: float) -> dict:
    flip, up, down = _flip(a), np.log(GROW), np.log(2)
    wrong = NormalDist().cdf(-a)
    return {
        "The two are swapped: a flip shrinks the step, agreement lets it grow.": (
            flip * up - (1 - flip) * down
        ),
        "A flip makes ln(delta) smaller: subtract its part.": (1 - flip) * up + flip * down,
        "The factor 2 is missing in P(flip): plus then minus, or minus then plus.": (
            (1 - flip / 2) * up - flip / 2 * down
        ),
        "It is the chance of one wrong sign: a flip needs two signs that differ.": (
            (1 - wrong) * up - wrong * down
        ),
        "It is the logarithm of the mean factor: take the mean of the logarithms.": np.log(
            (1 - flip) * GROW + flip * SHRINK
        ),
        "It is the mean factor: take the mean of the logarithms.": (
            (1 - flip) * GROW + flip * SHRINK
        ),
        "These are logarithms to the base 10: `np.log` is the natural one.": (
            ((1 - flip) * up - flip * down) / np.log(10)
        ),
        "Agreement happens with probability 1 - P(flip), not 1.": up - flip * down,
        "The growth is missing: it counts 1 - P(flip) times ln 1.2.": -flip * down,
    }


def drift_by_numbers(drift: Callable, rng: Generator) -> None:
    r"""No signal, much signal."""
    for a, expected in ((0.0, -0.2554128), (2.0, 0.1433937)):
        compare_call(drift, (a,), expected, _mistaken_drifts)


def drift_is_balanced(drift: Callable, rng: Generator) -> None:
    r"""It changes its sign near 1.18."""
    for a in (1.1, 1.25):
        flip = _flip(a)
        expected = (1 - flip) * np.log(GROW) - flip * np.log(2)
        compare(drift(a), expected, mistakes=_mistaken_drifts(a))


def drift_by_dice(drift: Callable, rng: Generator) -> None:
    r"""A million pairs of gradients."""
    g, previous = 0.7 + rng.normal(size=(2, 1_000_000))
    measured = np.where(g * previous > 0, np.log(GROW), -np.log(2)).mean()
    compare(drift(0.7), measured, mistakes=_mistaken_drifts(0.7), tolerance=0.02)


def _run(
    epochs: Sequence[NDArray],
    w: NDArray,
    *,
    reset: bool = False,
    resize: Callable = _resized,
    forget: bool = True,
    late: bool = False,
    again: bool = False,
) -> tuple:
    delta, previous = np.full(w.shape, SMALLEST), np.zeros(w.shape)
    for gradients in epochs:
        if reset:
            delta = np.full(w.shape, SMALLEST)
        if reset or again:
            previous = np.zeros(w.shape)
        for g in gradients:
            s = np.sign(g) * np.sign(previous)
            old, delta = delta, resize(delta, s)
            kept = np.where(s < 0, 0, g)
            w = w - np.sign(kept) * (old if late else delta)
            previous = kept if forget else g
    return w, delta


def _mistaken_runs(epochs: Sequence[NDArray], w: NDArray) -> dict:
    def run(**bug: object) -> tuple:
        return _run(epochs, w, **bug)

    return {
        "Both bugs are still there: limits and functions swapped, and a fresh start in each "
        "epoch.": run(reset=True, resize=_swapped),
        "The functions are still swapped: the largest step is held by `np.minimum`, the smallest "
        "by `np.maximum`.": run(resize=_swapped),
        "Each epoch still starts afresh: delta and previous begin once, before all epochs.": run(
            reset=True
        ),
        "The last gradient is forgotten at the end of each epoch: it begins at 0 only once.": run(
            again=True
        ),
        "It does not forget: where the sign flips, previous becomes 0.": run(forget=False),
        "It steps with the old delta: resize first, then step.": run(late=True),
        "The steps have no limits: none is over 0.006 or under 0.001.": run(resize=_free),
        "The order is (w, delta): they came the other way round.": run()[::-1],
    }


def run_by_numbers(irprop_run: Callable, rng: Generator) -> None:
    r"""Four gradients of 1 in one epoch, then in two."""
    w = np.zeros(1)
    for epochs in ([np.ones((4, 1))], [np.ones((2, 1)), np.ones((2, 1))]):
        expected = (np.array([-0.005368]), np.array([0.001728]))
        mistakes = _mistaken_runs(epochs, w)
        if len(epochs) == 1:  # within one epoch the two bugs and the first alone are the same
            mistakes.pop(next(iter(mistakes)))
        compare(irprop_run(epochs, w.copy()), expected, mistakes=mistakes)


def run_with_flips(irprop_run: Callable, rng: Generator) -> None:
    r"""Three epochs of noisy gradients."""
    epochs, w = list(0.8 + rng.normal(size=(3, 8, 5))), rng.normal(size=5)
    compare_call(irprop_run, (epochs, w), _run, _mistaken_runs)


def run_at_the_limits(irprop_run: Callable, rng: Generator) -> None:
    r"""Long agreement ends at 0.006, long disagreement at 0.001."""
    turning = np.where(np.arange(20) % 4 < 2, 1.0, -1.0)
    epochs = [np.stack([np.ones(20), turning], axis=1)]
    w, delta = irprop_run(epochs, np.zeros(2))
    if np.max(delta) > LARGEST + 1e-9 or np.min(delta) < SMALLEST - 1e-9:
        raise Wrong("A step size leaves its limits, 0.001 and 0.006.")
    compare((w, delta), _run(epochs, np.zeros(2)), mistakes=_mistaken_runs(epochs, np.zeros(2)))


def run_leaves_its_input(irprop_run: Callable, rng: Generator) -> None:
    r"""The start stays as it was."""
    w = rng.normal(size=4)
    call_unchanged(lambda w: irprop_run([rng.normal(size=(5, 4))], w), w=w)


EXERCISES = [
    Exercise(
        id="11.1",
        title="One step of iRprop-",
        answers=("irprop_step",),
        checks=[
            Check("three weights, by numbers", step_by_numbers),
            Check("steps near the limits", step_at_the_limits),
            Check("a matrix of weights", step_of_a_matrix),
            Check("tiny gradients have signs too", step_of_tiny_gradients),
            Check("the inputs stay as they were", step_leaves_its_input),
        ],
        hints=[
            "First the product of the two signs, weight by weight: 1, 0 or -1.",
            "`np.where(s > 0, ..., delta)` grows some steps and leaves the others. A step must "
            "not exceed 0.006: which of `np.minimum` and `np.maximum` holds it down?",
            "After both resizings: `g = np.where(s < 0, 0, g)`, then return "
            "`w - np.sign(g) * delta`, `delta` and `g`.",
        ],
    ),
    Exercise(
        id="11.2",
        title="Grow or shrink",
        answers=("drift",),
        checks=[
            Check("two values, by numbers", drift_by_numbers),
            Check("around the balance", drift_is_balanced),
            Check("it agrees with dice", drift_by_dice),
        ],
        hints=[
            "It is a mean over two cases: flip, and no flip.",
            "The first weighs P(flip) and gives -ln 2, the second weighs 1 - P(flip) and gives "
            "ln 1.2.",
            "`flip = 2 * NormalDist().cdf(a) * NormalDist().cdf(-a)`, then "
            "`(1 - flip) * np.log(1.2) - flip * np.log(2)`.",
        ],
    ),
    Exercise(
        id="11.3",
        title="Find two bugs",
        answers=("irprop_run",),
        checks=[
            Check("four gradients, in one epoch and in two", run_by_numbers),
            Check("three epochs with flips", run_with_flips),
            Check("steps stay within the limits", run_at_the_limits),
            Check("the start stays as it was", run_leaves_its_input),
        ],
        hints=[
            "The step printed is 0.00864, over the largest allowed. Which function would hold it?",
            "`np.minimum` for the largest, `np.maximum` for the smallest. And where does the state "
            "begin: once, or once in each epoch?",
            "Move the line with `np.full` and `np.zeros` above the first `for`.",
        ],
    ),
]
