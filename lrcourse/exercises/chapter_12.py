r"""Checks of chapter 12, A rate for each layer."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, call_unchanged, compare, compare_call


def _m(norm: float | NDArray) -> float | NDArray:
    return 1 + np.log1p(1 / norm)


def _mistaken_multipliers(g: NDArray) -> dict:
    norm = np.sqrt((g**2).sum())
    return {
        "The 1 + in front of the logarithm is missing.": np.log1p(1 / norm),
        "The 1 + inside the logarithm is missing: ln(1 + 1/norm).": 1 + np.log(1 / norm),
        "The logarithm is natural, np.log; this one has base 10.": 1 + np.log10(1 + 1 / norm),
        "The logarithm is natural, np.log; this one has base 2.": 1 + np.log2(1 + 1 / norm),
        "It grows with the gradient: 1/norm stands inside, not the norm.": 1 + np.log1p(norm),
        "It takes the square of the norm: the root is missing.": _m(norm**2),
        "It takes the root of the *mean* square; the norm is the root of the sum.": _m(
            norm / math.sqrt(g.size)
        ),
        "It takes the sum of the absolute values; the norm is the root of the sum of squares.": _m(
            np.abs(g).sum()
        ),
        "It takes the largest element; the norm is the root of the sum of squares.": _m(
            np.abs(g).max()
        ),
        "It takes each element by itself: a layer has one norm and one multiplier.": _m(np.abs(g)),
        "It takes the norm of each row: a layer has one norm, over all its elements.": (
            _m(np.linalg.norm(g, axis=-1)) if g.ndim > 1 else np.nan
        ),
        "It takes the norm of each column: a layer has one norm, over all its elements.": (
            _m(np.linalg.norm(g, axis=0)) if g.ndim > 1 else np.nan
        ),
        "It takes the largest singular value (np.linalg.norm with ord=2); the norm is over all "
        "elements.": (_m(np.linalg.norm(g, ord=2)) if g.ndim > 1 else np.nan),
    }


def multiplier_by_numbers(layer_multiplier: Callable, rng: Generator) -> None:
    r"""Norms 5 and 0.1."""
    for g, expected in (([3.0, 4.0], 1 + math.log(1.2)), ([0.06, 0.08], 1 + math.log(11))):
        compare_call(layer_multiplier, (np.array(g),), expected, _mistaken_multipliers)


def multiplier_of_a_matrix(layer_multiplier: Callable, rng: Generator) -> None:
    r"""All elements make one norm, whatever the shape."""
    for scale in (1e-6, 0.01, 30.0):
        g = scale * rng.normal(size=(4, 3))
        compare_call(layer_multiplier, (g,), _m(np.linalg.norm(g)), _mistaken_multipliers)


def multiplier_of_zeros(layer_multiplier: Callable, rng: Generator) -> None:
    r"""Nothing to divide by."""
    got = layer_multiplier(np.zeros((2, 3)))
    mistakes = {
        "For a gradient of zeros it divides by 0; return 1 there.": np.inf,
        "For a gradient of zeros it returns no number; return 1 there.": np.nan,
        "For a gradient of zeros it returns 0, which stops the layer; return 1 there.": 0.0,
    }
    compare(got, 1.0, mistakes=mistakes, what="a gradient of zeros")


def multiplier_leaves_its_input(layer_multiplier: Callable, rng: Generator) -> None:
    r"""The gradient is needed for the step."""
    call_unchanged(layer_multiplier, g=rng.normal(size=(3, 2)))


def _adagrad(
    w: NDArray,
    S: NDArray,
    g: NDArray,
    rate: float,
    layers: list,
    epsilon: float,
    *,
    power: int = 1,
    remember: int = 0,
    whole: bool = False,
    inside: bool = False,
    late: bool = False,
) -> tuple[NDArray, NDArray]:
    w, old = w.copy(), S
    m = np.ones_like(w)
    for layer in layers:
        m[layer] = _m(np.linalg.norm(g if whole else g[layer]))
    S = S + (m**remember * g) ** 2
    used = old if late else S
    root = np.sqrt(used + epsilon) if inside else np.sqrt(used) + epsilon
    return w - rate * m**power * g / root, S


def _mistaken_adagrads(*given: object) -> dict:
    def step(**bug: object) -> tuple[NDArray, NDArray]:
        return _adagrad(*given, **bug)

    right, (w, S, g) = step(), given[:3]
    return {
        "The scaled gradient still goes into S: S takes the raw g**2.": step(remember=1),
        "The multiplier counts twice in the step: in the rate and in the gradient.": step(power=2),
        "Both bugs are still there: S takes the raw gradient, and m counts once.": step(
            power=2, remember=1
        ),
        "The multiplier is missing: this is plain AdaGrad.": step(power=0),
        "The multiplier only enters S; it belongs into the rate.": step(power=0, remember=1),
        "All layers have the multiplier of the whole vector: take the norm of g[layer].": step(
            whole=True
        ),
        "The multiplier divides the rate; it should raise it.": step(power=-1),
        "epsilon stands inside the root; here it stands outside.": step(inside=True),
        "The step divides by the old S: add g**2 first.": step(late=True),
        "It goes uphill: subtract the step.": (2 * w - right[0], right[1]),
        "S comes back as it was: return the new one.": (right[0], S),
        "S is new in every step; it should grow, S + g**2.": (right[0], g**2),
        "The order is (w, S): they came the other way round.": right[::-1],
    }


def adagrad_of_a_later_step(adagrad_step: Callable, rng: Generator) -> None:
    r"""With a memory, three layers, and an epsilon that can be seen."""
    w, g = rng.normal(size=(2, 7))
    layers = [slice(0, 3), slice(3, 4), slice(4, 7)]
    g[3] *= 1e-3
    given = (w, rng.uniform(0.1, 2, size=7), g, 0.2, layers, 0.01)
    compare_call(adagrad_step, given, _adagrad, _mistaken_adagrads)


def adagrad_by_numbers(adagrad_step: Callable, rng: Generator) -> None:
    r"""The call of the exercise."""
    w, S, g = np.zeros(3), np.zeros(3), np.array([3.0, 4.0, 0.1])
    given = (w, S, g, 0.1, [slice(0, 2), slice(2, 3)], 1e-8)
    compare_call(adagrad_step, given, _adagrad, _mistaken_adagrads)


def adagrad_of_two_steps(adagrad_step: Callable, rng: Generator) -> None:
    r"""The memory remembers raw gradients."""
    layers = [slice(0, 2), slice(2, 5)]
    got = expected = rng.normal(size=5), np.ones(5)
    for g in rng.normal(size=(2, 5)) * [[1], [0.01]]:
        result = adagrad_step(got[0].copy(), got[1].copy(), g.copy(), 0.1, layers, 1e-8)
        expected = _adagrad(*expected, g, 0.1, layers, 1e-8)  # type: ignore[call-arg]
        compare(result, expected, mistakes=_mistaken_adagrads(*got, g, 0.1, layers, 1e-8))
        got = result


def adagrad_leaves_its_input(adagrad_step: Callable, rng: Generator) -> None:
    r"""The caller's arrays stay."""
    w, S, g = rng.uniform(0.5, 1, size=(3, 4))
    call_unchanged(adagrad_step, 0.1, [slice(0, 2), slice(2, 4)], 1e-8, w=w, S=S, g=g)


def _compare_rates(control_rates: Callable, norms: NDArray, rates: NDArray) -> None:
    m = _m(norms)
    expected = rates * m.mean(axis=(0, 1))
    mistakes = {
        "It takes the multiplier of the mean norm; take the multipliers first, then their mean.": (
            rates * _m(norms.mean(axis=(0, 1)))
        ),
        "It takes the mean over the layers only, at the last step.": rates * m[-1].mean(axis=0),
        "It takes the mean over the layers only, at the first step.": rates * m[0].mean(axis=0),
        "It takes the mean over all runs too; each run has its own.": rates * m.mean(),
        "It takes the bottom layer alone; the mean is over all layers.": rates
        * m[:, 0].mean(axis=0),
        "It takes the top layer alone; the mean is over all layers.": rates * m[:, -1].mean(axis=0),
        "It takes the mean of the norms themselves; take 1 + ln(1 + 1/norm) of each.": rates
        * norms.mean(axis=(0, 1)),
        "The rates are missing: multiply each by its mean multiplier.": m.mean(axis=(0, 1)),
        "It takes the sum of the multipliers; take the mean.": rates * m.sum(axis=(0, 1)),
        "It takes the median; take the mean.": rates * np.median(m, axis=(0, 1)),
        "It divides by the mean multiplier; the control has the larger rate.": rates
        / m.mean(axis=(0, 1)),
        "The 1 + in front of the logarithm is missing.": rates * (m - 1).mean(axis=(0, 1)),
        "Steps and layers are still apart: take the mean over axes 0 and 1.": rates
        * m.mean(axis=0),
    }
    got = call_unchanged(control_rates, norms=norms, rates=rates)
    compare(got, expected, mistakes=mistakes)


def control_of_several_runs(control_rates: Callable, rng: Generator) -> None:
    r"""Five steps, three layers, four runs."""
    norms = 10 ** rng.uniform(-4, 1, size=(5, 3, 4))
    _compare_rates(control_rates, norms, np.array([0.01, 0.1, 0.3, 1.0]))


def control_by_numbers(control_rates: Callable, rng: Generator) -> None:
    r"""Multipliers 5.615 and 1.693."""
    _compare_rates(control_rates, np.array([0.01, 1.0]).reshape(2, 1, 1), np.array([0.1]))


EXERCISES = [
    Exercise(
        id="12.1",
        title="The multiplier",
        answers=("layer_multiplier",),
        checks=[
            Check("norms 5 and 0.1", multiplier_by_numbers),
            Check("a matrix, small and large", multiplier_of_a_matrix),
            Check("a gradient of zeros", multiplier_of_zeros),
            Check("the gradient stays as it was", multiplier_leaves_its_input),
        ],
        hints=[
            "First the norm, one number for the whole array; then the formula, with an exception "
            "where the norm is 0.",
            "The norm is `np.sqrt((g**2).sum())`. np.log is the natural logarithm, and "
            "np.log1p(x) is ln(1 + x).",
            "`return 1 + np.log1p(1 / norm) if norm > 0 else 1.0`.",
        ],
    ),
    Exercise(
        id="12.2",
        title="Find two bugs",
        answers=("adagrad_step",),
        checks=[
            Check("a later step, three layers", adagrad_of_a_later_step),
            Check("the call of the exercise", adagrad_by_numbers),
            Check("two steps in a row", adagrad_of_two_steps),
            Check("the inputs stay as they were", adagrad_leaves_its_input),
        ],
        hints=[
            "How often does m stand in the step, once you put `rate` and `scaled` in? And what "
            "does S add up?",
            "Get rid of `scaled`. S takes the square of the raw gradient; only the rate has m.",
            "`S = S + g**2` for all layers at once. In the loop the step is "
            "`learning_rate * m * g[layer] / (np.sqrt(S[layer]) + epsilon)`.",
        ],
    ),
    Exercise(
        id="12.3",
        title="The rates of the control",
        answers=("control_rates",),
        checks=[
            Check("five steps, three layers, four runs", control_of_several_runs),
            Check("the numbers of the exercise", control_by_numbers),
        ],
        hints=[
            "Two things in the right order: a multiplier for every norm, and a mean. Is the "
            "multiplier of the mean the mean of the multipliers?",
            "The formula works on the whole array at once. `.mean(axis=(0, 1))` takes the mean "
            "over the first two axes and leaves one number for each run.",
            "`return rates * (1 + np.log1p(1 / norms)).mean(axis=(0, 1))`.",
        ],
    ),
]
