r"""Checks of chapter 10, Adaptive rates."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import (
    RETURNED_NONE,
    Check,
    Exercise,
    Wrong,
    call_unchanged,
    compare,
    several,
)
from lrcourse.exercises.answers import rule
from lrcourse.optim import AdaDelta, AdaGrad, Adam


def _named(got: object, names: tuple[str, ...], expected: tuple, mistakes: Mapping) -> None:
    r"""Compare what a step returned, one value after the other, each under its name.

    mistakes: name -> {sentence: value}. Later values are judged first: w depends on them.
    """
    values, right = several(got, names), dict(zip(names, expected, strict=True))
    for name in (*names[1:], names[0]):
        compare(values[name], right[name], mistakes=mistakes.get(name), what=f"the value {name}")


def _adagrad(w: NDArray, S: NDArray, g: NDArray, rate: float, epsilon: float) -> tuple:
    S = S + g**2
    return w - rate * g / (np.sqrt(S) + epsilon), S


def _adagrad_mistakes(w: NDArray, S: NDArray, g: NDArray, rate: float, epsilon: float) -> dict:
    right, new = _adagrad(w, S, g, rate, epsilon)
    with np.errstate(all="ignore"):
        return {
            "S": {
                "The order is (w, S): they came the other way round.": right,
                "S adds up gradients: it should add up their squares.": S + g,
                "S adds up sizes: it should add up the squares, g**2.": S + abs(g),
                "S forgets the past: the new square is added to the old S.": g**2,
                "S is still the old one: it takes in g**2, and is returned with it.": S,
                "S is a decaying mean; AdaGrad adds up, with no factor.": 0.9 * S + 0.1 * g**2,
                "S holds the root of the sum: keep the sum, take the root in the step.": np.sqrt(
                    new
                ),
            },
            "w": {
                "The step goes uphill: subtract it from w.": 2 * w - right,
                "The root is missing: divide by the root of S.": w - rate * g / (new + epsilon),
                "The step uses the old S: let S take in g**2 first.": (
                    w - rate * g / (np.sqrt(S) + epsilon)
                ),
                "epsilon is inside of the root; here it stands outside.": (
                    w - rate * g / np.sqrt(new + epsilon)
                ),
                "epsilon is missing: where no gradient has come yet, 0 / 0 is not a number.": (
                    w - rate * g / np.sqrt(new)
                ),
                "This is plain descent: divide g by the root of S.": w - rate * g,
                "g is squared in the step too: only S takes its square.": (
                    w - rate * g**2 / (np.sqrt(new) + epsilon)
                ),
                "g is missing above the line: the step is rate times g by the root.": (
                    w - rate / (np.sqrt(new) + epsilon)
                ),
                "One sum for all weights: each weight is divided by its own S.": (
                    w - rate * g / (np.sqrt(new.sum()) + epsilon)
                ),
                "This is a step by the sign: divide by the root of S, not by the size of g.": (
                    w - rate * np.sign(g)
                ),
                "epsilon is added to the whole fraction: it belongs below the line.": (
                    w - rate * g / np.sqrt(new) + epsilon
                ),
                "It uses the size of g: the step needs its sign too.": (
                    w - rate * abs(g) / (np.sqrt(new) + epsilon)
                ),
            },
        }


def _check_adagrad(answer: Callable, *given: object) -> None:
    w, S, g, rate, epsilon = given
    got = answer(w.copy(), S.copy(), g.copy(), rate, epsilon)
    _named(got, ("w", "S"), _adagrad(*given), _adagrad_mistakes(*given))


def adagrad_by_numbers(adagrad_step: Callable, rng: Generator) -> None:
    r"""2 / 2 and 4 / 5."""
    w, S, g = np.array([[1.0, 1.0], [0.0, 9.0], [2.0, -4.0]])
    _check_adagrad(adagrad_step, w, S, g, 0.1, 1e-8)


def adagrad_epsilon(adagrad_step: Callable, rng: Generator) -> None:
    r"""A large epsilon shows where it stands; a weight without gradient stays."""
    w, S, g = rng.normal(size=(3, 4, 2))
    S, g[0, 0] = S**2, 0
    S[0, 0] = 0
    _check_adagrad(adagrad_step, w, S, g, 0.3, 0.5)


def adagrad_leaves_its_input(adagrad_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, S, g = abs(rng.normal(size=(3, 4)))
    call_unchanged(adagrad_step, 0.1, 1e-8, w=w, S=S, g=g)


def half_way(epsilon: float, start: float, most: int) -> int:
    r"""Count AdaDelta's steps in a bowl of curvature 1 until half the start; most + 1: more.

    Args:
        epsilon: of the rule.
        start: where it begins.
        most: where to stop counting.
    """
    rule, w = AdaDelta(epsilon=epsilon), np.array([float(start)])
    for step in range(1, most + 1):
        rule.step(w, w.copy())
        if w[0] <= start / 2:
            return step
    return most + 1


def epsilon_by_runs(epsilon_for: Callable, rng: Generator) -> None:
    r"""A run with the epsilon returned arrives half way when it should, from 1 and elsewhere."""
    found = []
    for steps, start in ((300, 1.0), (60, 1.0), (600, 1.0), (150, 20.0), (90, 0.05)):
        epsilon = epsilon_for(steps, start)
        if epsilon is None:
            raise Wrong(RETURNED_NONE)
        if np.shape(epsilon) != ():
            raise Wrong("Return one number, the epsilon.")
        epsilon = float(epsilon)
        found.append(epsilon)
        _judge_epsilon(epsilon, steps, start, found)


def _judge_epsilon(epsilon: float, steps: int, start: float, found: list) -> None:
    def good(epsilon: float, start: float = start) -> bool:
        count = half_way(epsilon, start, 2 * steps) if 0 < epsilon < 1e9 else 0
        return abs(count - steps) <= max(1, 0.05 * steps)

    if good(epsilon):
        return
    if not epsilon > 0:
        raise Wrong(f"It returned {epsilon:.3g} for {steps} steps; epsilon is above 0.")
    if good(epsilon**2):
        raise Wrong("This is the root of epsilon: return epsilon itself.")
    if start != 1 and len(set(found)) == len(found) and good(epsilon, 1.0):
        raise Wrong(
            f"The epsilon is right for a start of 1, not of {start:g}: lengths count in units "
            "of the start, and epsilon is a square."
        )
    if start != 1 and good(epsilon * start):
        raise Wrong(f"From {start:g} it is off by the start: epsilon goes with its square.")
    if len(set(found)) == 1 < len(found):
        raise Wrong("It returns one epsilon for every number of steps.")
    count = half_way(epsilon, start, 5000)
    arrives = f"arrives after {count} steps" if count <= 5000 else "has not arrived after 5000"
    needed = "a larger epsilon arrives sooner" if count > steps else "a smaller one arrives later"
    raise Wrong(
        f"From {start:g} with epsilon {epsilon:.3g} AdaDelta {arrives}, not {steps}: {needed}."
    )


def _epsilon_for(steps: int, start: float) -> float:
    low, high = -16.0, 2.0
    while high - low > 0.01:
        middle = (low + high) / 2
        soon = half_way(10**middle, 1.0, steps - 1) < steps
        low, high = (low, middle) if soon else (middle, high)
    return float(start**2 * 10**low)


def _adam(
    w: NDArray,
    m: NDArray,
    v: NDArray,
    g: NDArray,
    rate: float,
    t: int,
    beta1: float,
    beta2: float,
    epsilon: float,
    *,
    early: int = 0,
    correction: Callable = lambda beta, t: 1 - np.float64(beta) ** t,
    correct_m: bool = True,
    correct_v: bool = True,
    way: str = "",
) -> tuple:
    m, v, t = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + early
    with np.errstate(all="ignore"):
        m_hat = m / correction(beta1, t) if correct_m else m
        spread = correction(beta2, t) if correct_v else 1
        root = {
            "inside": np.sqrt(v / spread + epsilon),
            "before": (np.sqrt(v) + epsilon) / np.sqrt(spread),
            "rootless": v / spread + epsilon,
            "late root": np.sqrt(v) / spread + epsilon,
        }.get(way, np.sqrt(v / spread) + epsilon)
        if way == "g":
            m_hat = g
        step = m_hat / np.sqrt(v / spread) + epsilon if way == "after" else m_hat / root
        return w - rate * step, m, v


def _adam_mistakes(*given: object) -> dict:
    w, m, v, g, _rate, t, beta1, beta2, _epsilon = given

    def mistaken(**options: object) -> NDArray:
        return _adam(*given, **options)[0]

    right, new_m, new_v = _adam(*given)
    count = "t is counted up once more: the t that is given is the number of this step."
    mistakes = {
        "m": {
            "It returned the corrected m: the correction is for this step only, keep m itself.": (
                new_m / (1 - beta1**t)
            ),
            "m is still the old one.": m,
            "The factor 1 - beta1 is missing in m.": beta1 * m + g,
            "beta1 and 1 - beta1 are the wrong way round in m.": (1 - beta1) * m + beta1 * g,
        },
        "v": {
            "It returned the corrected v: the correction is for this step only, keep v itself.": (
                new_v / (1 - beta2**t)
            ),
            "v is still the old one.": v,
            "The factor 1 - beta2 is missing in v.": beta2 * v + g**2,
            "beta2 and 1 - beta2 are the wrong way round in v.": (1 - beta2) * v + beta2 * g**2,
            "v needs the square of the gradient.": beta2 * v + (1 - beta2) * g,
        },
        "w": {
            "v is not corrected: on a steady slope it is not g**2 yet.": mistaken(correct_v=False),
            "m is not corrected: on a steady slope it is not g yet.": mistaken(correct_m=False),
            "Nothing is corrected: on a steady slope m is not g yet, nor v its square.": mistaken(
                correct_m=False, correct_v=False
            ),
            "It is 1 - beta^t, not (1 - beta)^t.": mistaken(
                correction=lambda beta, t: (1 - beta) ** t
            ),
            "It multiplies by the correction: m and v are too small, so divide.": mistaken(
                correction=lambda beta, t: 1 / (1 - beta**t)
            ),
            "The correction does not depend on t: 1 - beta is right for the first step only.": (
                mistaken(correction=lambda beta, t: 1 - beta)
            ),
            "It divides by beta^t; what m lacks is that share, so divide by 1 - beta^t.": mistaken(
                correction=lambda beta, t: beta**t
            ),
            "v is corrected with beta1: it fades with beta2.": mistaken(
                correction=lambda beta, t: 1 - beta1**t
            ),
            "The correction has one step too few: after the first step m holds one g.": mistaken(
                early=-1
            ),
            count: mistaken(early=1),
            "epsilon is inside of the root; it stands outside.": mistaken(way="inside"),
            "epsilon is added before the correction (as in Keras); here it stands beside the "
            "corrected root.": mistaken(way="before"),
            "epsilon is added to the whole fraction: it belongs below the line, beside the root.": (
                mistaken(way="after")
            ),
            "The root is missing: divide by the root of the corrected v.": mistaken(way="rootless"),
            "The root is taken before the correction: correct v, then take its root.": mistaken(
                way="late root"
            ),
            "The step uses g itself: it goes along the corrected m.": mistaken(way="g"),
            "The step goes uphill: subtract it.": 2 * w - right,
        },
    }
    if (beta1, beta2) != (0.9, 0.999):
        usual = _adam(*given[:6], 0.9, 0.999, given[8])
        said = "The betas are always 0.9 and 0.999: use those that are given."
        for name, value in zip("wmv", usual, strict=True):
            mistakes[name][said] = value
    return mistakes


def _check_adam(answer: Callable, *given: object) -> None:
    w, m, v, g, rate, t, beta1, beta2, epsilon = given
    arrays = w.copy(), m.copy(), v.copy(), g.copy()
    got = answer(*arrays, rate, t, beta1=beta1, beta2=beta2, epsilon=epsilon)
    _named(got, ("w", "m", "v"), _adam(*given), _adam_mistakes(*given))


def adam_on_its_way(adam_step: Callable, rng: Generator) -> None:
    r"""Step 4, with an epsilon large enough to see where it stands."""
    w, m, v, g = rng.normal(size=(4, 3, 2))
    _check_adam(adam_step, w, m, v**2, g, 0.1, 4, 0.9, 0.999, 0.3)


def adam_by_numbers(adam_step: Callable, rng: Generator) -> None:
    r"""The first step is one rate long, or half of one where g = epsilon."""
    zeros, g = np.zeros(2), np.array([2.0, 1e-8])
    _check_adam(adam_step, np.ones(2), zeros, zeros, g, 0.1, 1, 0.9, 0.999, 1e-8)


def adam_with_other_betas(adam_step: Callable, rng: Generator) -> None:
    r"""Step 3 with betas of 0.7 and 0.95."""
    w, m, v, g = rng.normal(size=(4, 3))
    _check_adam(adam_step, w, m, v**2, g, 0.1, 3, 0.7, 0.95, 0.01)


def adam_in_a_run(adam_step: Callable, rng: Generator) -> None:
    r"""Its own state, handed back to it, on random gradients."""
    w = rng.normal(size=3)
    rule, ours, state = Adam(), w.copy(), (w, np.zeros(3), np.zeros(3))
    for t, g in enumerate(rng.normal(size=(20, 3)), start=1):
        rule.step(ours, g, 0.01)
        got = several(adam_step(*state, g.copy(), 0.01, t), ("w", "m", "v"))
        state = tuple(got.values())
    compare(state[0], ours, what="the value w after 20 steps")


def adam_leaves_its_input(adam_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, m, v, g = abs(rng.normal(size=(4, 3)))
    call_unchanged(adam_step, 0.1, 2, w=w, m=m, v=v, g=g)


def _adam_run(
    arrays: Sequence[NDArray],
    steps: Sequence[Sequence[NDArray]],
    rate: float,
    *,
    epsilon: float = 1e-8,
    one_list: bool = False,
    every_array: bool = False,
    uncounted: bool = False,
    first: int = 1,
    anew: bool = False,
) -> list:
    arrays, t = [np.array(w, float) for w in arrays], first - 1
    m = [np.zeros_like(w) for w in arrays]
    v = m if one_list else [np.zeros_like(w) for w in arrays]
    for gradients in steps:
        t += 1 if not every_array else 0
        if anew:
            m, v = ([np.zeros_like(w) for w in arrays] for _ in range(2))
        for k, g in enumerate(gradients):
            t += 1 if every_array else 0
            m[k] = 0.9 * m[k] + 0.1 * g
            v[k] = 0.999 * v[k] + 0.001 * g**2
            count = 1 if uncounted else t
            m_hat, v_hat = m[k] / (1 - 0.9**count), v[k] / (1 - 0.999**count)
            arrays[k] = arrays[k] - rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return arrays


def _mistaken_runs(*given: object, epsilon: float) -> dict:
    causes = {
        "one_list": "m and v are one and the same list, so each overwrites the other",
        "every_array": "t counts arrays, not steps: all arrays of a step have the same t",
    }
    mistakes = {}
    for some in product((True, False), repeat=2):
        bugs = dict(zip(causes, some, strict=True))
        if text := "; ".join(cause for bug, cause in causes.items() if bugs[bug]):
            mistakes[f"{text[0].upper()}{text[1:]}."] = _adam_run(*given, epsilon=epsilon, **bugs)
    arrays, steps, rate = given
    mistakes |= {
        "The first step has t = 2: count the steps from 1.": _adam_run(
            *given, epsilon=epsilon, first=2
        ),
        "m and v begin anew at each step: make them once, before the loop.": _adam_run(
            *given, epsilon=epsilon, anew=True
        ),
        "Only the first step is taken: return after the loop.": _adam_run(
            arrays, steps[:1], rate, epsilon=epsilon
        ),
        "The last step is missing.": _adam_run(arrays, steps[:-1], rate, epsilon=epsilon),
        "The first step has t = 0, and so divides by 0: count the steps from 1.": [
            np.full_like(w, np.nan) for w in arrays
        ],
    }
    mistakes["t stays 1: count the steps."] = _adam_run(*given, epsilon=epsilon, uncounted=True)
    if epsilon != 1e-8:
        missing = "epsilon is missing, or always 1e-8: add the one that is given to the root."
        mistakes[missing] = _adam_run(*given)
        mistakes["epsilon is subtracted: add it to the root."] = _adam_run(*given, epsilon=-epsilon)
    return mistakes


def _check_adam_run(answer: Callable, *given: object, **options: float) -> None:
    arrays, steps, rate = given
    steps_copy = [[g.copy() for g in one] for one in steps]
    got = answer([w.copy() for w in arrays], steps_copy, rate, **options)
    if got is None:
        raise Wrong(RETURNED_NONE)
    if not isinstance(got, list | tuple) or len(got) != len(arrays):
        raise Wrong(f"Return a list of {len(arrays)} arrays, as many as were given.")
    flat = np.concatenate([np.ravel(w) for w in got])

    def joined(run: list) -> NDArray:
        return np.concatenate([w.ravel() for w in run])

    for w, one in zip(arrays, got, strict=True):
        if np.shape(one) != w.shape:
            raise Wrong(f"An array of shape {w.shape} came back in the shape {np.shape(one)}.")
    options = {"epsilon": 1e-8} | options
    mistakes = {text: joined(run) for text, run in _mistaken_runs(*given, **options).items()}
    compare(flat, joined(_adam_run(*given, **options)), mistakes=mistakes)


def run_of_several_arrays(adam_run: Callable, rng: Generator) -> None:
    r"""A matrix and two vectors, six steps of noise."""
    shapes = (3, 2), (2,), (4,)
    arrays = [rng.normal(size=shape) for shape in shapes]
    steps = [[rng.normal(size=shape) for shape in shapes] for _ in range(6)]
    _check_adam_run(adam_run, arrays, steps, 0.1)


def run_of_one_array(adam_run: Callable, rng: Generator) -> None:
    r"""One vector."""
    _check_adam_run(adam_run, [rng.normal(size=3)], list(rng.normal(size=(5, 1, 3))), 0.01)


def run_with_a_large_epsilon(adam_run: Callable, rng: Generator) -> None:
    r"""Two vectors, with an epsilon large enough to see where it stands."""
    arrays, steps = list(rng.normal(size=(2, 3))), list(rng.normal(size=(4, 2, 3)))
    _check_adam_run(adam_run, arrays, steps, 0.1, epsilon=0.1)


def run_leaves_its_input(adam_run: Callable, rng: Generator) -> None:
    r"""Neither the arrays nor the list is changed."""
    arrays = [rng.normal(size=3), rng.normal(size=2)]
    given = [w.copy() for w in arrays]
    kept = list(given)
    adam_run(given, [[np.ones(3), np.ones(2)]], 0.1)
    if not all(np.array_equal(w, before) for w, before in zip(kept, arrays, strict=True)):
        raise Wrong("It changes the arrays that it was given: `-=` works in place.")
    if not all(a is b for a, b in zip(given, kept, strict=True)):
        raise Wrong("It puts new arrays into the list that it was given: make a list of its own.")


EXERCISES = [
    Exercise(
        id="10.1",
        title="AdaGrad",
        answers=("adagrad_step",),
        checks=[
            Check("two weights, by numbers", adagrad_by_numbers),
            Check("the place of epsilon", adagrad_epsilon),
            Check("the inputs stay as they were", adagrad_leaves_its_input),
        ],
        hints=[
            "Two lines, one for each formula. The second uses the S that the first has made.",
            "Make S a new array: the operator `+=` would change the caller's. `np.sqrt` takes the "
            "root of every element.",
            "The new S is the old one plus the square of g. Its root, plus epsilon, stands below "
            "the line, and both w and S are returned.",
        ],
        package=lambda: AdaGrad,
        adapt=lambda answer: rule(answer, ("S",), name="Yours", epsilon=1e-8),
        use=lambda kind: kind().step(np.ones(2000), np.ones(2000), 0.1),
    ),
    Exercise(
        id="10.2",
        title="The hidden rate",
        answers=("epsilon_for",),
        checks=[Check("five numbers of steps, from three starts", epsilon_by_runs)],
        hints=[
            "You can count the steps for any epsilon by a run. Which way does the count go when "
            "epsilon grows?",
            "So halve an interval again and again, of the logarithm of epsilon, since it spans "
            "many powers of ten. A run need not be longer than the steps that are asked for.",
            "Measure w in other units, say in halves of a millimetre: g, u and both means change "
            "with it, and epsilon stands beside squares. From a start of 1 to any other it "
            "therefore goes with the square of the start.",
        ],
    ),
    Exercise(
        id="10.3",
        title="Adam",
        answers=("adam_step",),
        checks=[
            Check("step 4, with a large epsilon", adam_on_its_way),
            Check("the first step, by numbers", adam_by_numbers),
            Check("other betas", adam_with_other_betas),
            Check("twenty steps in a row", adam_in_a_run),
            Check("the inputs stay as they were", adam_leaves_its_input),
        ],
        hints=[
            "On a steady slope g, write down m after one step, two steps, three steps, as a number "
            "times g. What is the number after t steps?",
            "It is (1 - beta1) times 1 + beta1 + beta1^2 + ..., with t terms: a geometric sum, as "
            "for the velocity in chapter 09. v is the same with beta2.",
            "The sum is 1 - beta1^t. Divide m by that and v by the like with beta2, under new "
            "names, and take the root of the corrected v before epsilon is added.",
        ],
        package=lambda: Adam,
        adapt=lambda answer: rule(
            answer, ("m", "v"), name="Yours", counts=True, beta1=0.9, beta2=0.999, epsilon=1e-8
        ),
        use=lambda kind: kind().step(np.ones(2000), np.ones(2000), 0.1),
    ),
    Exercise(
        id="10.4",
        title="It should be Adam",
        answers=("adam_run",),
        checks=[
            Check("a matrix and two vectors", run_of_several_arrays),
            Check("one vector", run_of_one_array),
            Check("a large epsilon", run_with_a_large_epsilon),
            Check("the arrays stay as they were", run_leaves_its_input),
        ],
        hints=[
            "Begin with one array and gradients of 1: every step should be one rate long. Then "
            "take two arrays. What changes?",
            "Print m and v after one step. And t: which values does it take when there are two "
            "arrays?",
            "Look at the arrays that went in, after the call. In Python two names, or two places, "
            "can stand for one object: there are two such cases here.",
        ],
    ),
]
