r"""Checks of chapter 10, Adaptive rates."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import Check, Exercise, call_unchanged, compare, several


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


def _adadelta(
    w: NDArray,
    S: NDArray,
    D: NDArray,
    g: NDArray,
    rho: float,
    epsilon: float,
    *,
    stale: bool = False,
    top: Callable = lambda D, epsilon: np.sqrt(D + epsilon),
    bottom: Callable = lambda S, epsilon: np.sqrt(S + epsilon),
) -> tuple:
    old, S = S, rho * S + (1 - rho) * g**2
    u = g * top(D, epsilon) / bottom(old if stale else S, epsilon)
    return w - u, S, rho * D + (1 - rho) * u**2


def _adadelta_mistakes(
    w: NDArray, S: NDArray, D: NDArray, g: NDArray, rho: float, epsilon: float
) -> dict:
    def mistaken(**options):
        return _adadelta(w, S, D, g, rho, epsilon, **options)

    right, new_S, new_D = mistaken()
    u = w - right
    outside = mistaken(
        top=lambda D, epsilon: np.sqrt(D) + epsilon, bottom=lambda S, epsilon: np.sqrt(S) + epsilon
    )
    bare = mistaken(top=lambda D, epsilon: np.sqrt(D))
    flipped = mistaken(
        top=lambda D, epsilon: 1.0, bottom=lambda S, epsilon: np.sqrt((D + epsilon) / (S + epsilon))
    )
    rootless = mistaken(top=lambda D, epsilon: D + epsilon, bottom=lambda S, epsilon: S + epsilon)
    stale = mistaken(stale=True)
    late = g * np.sqrt((new_D + epsilon) / (new_S + epsilon))
    return {
        "S": {
            "S adds up without forgetting: rho * S + (1 - rho) * g**2.": S + g**2,
            "rho and 1 - rho are the wrong way round in S.": (1 - rho) * S + rho * g**2,
            "The factor 1 - rho is missing in S.": rho * S + g**2,
            "S is still the old one.": S,
            "S needs the square of the gradient.": rho * S + (1 - rho) * g,
        },
        "D": {
            "D is still the old one: it takes in the square of the step u.": D,
            "D takes in the gradient; it is the mean of the squared steps u.": (
                rho * D + (1 - rho) * g**2
            ),
            "The factor 1 - rho is missing in D.": rho * D + u**2,
            "rho and 1 - rho are the wrong way round in D.": (1 - rho) * D + rho * u**2,
            "D needs the square of u.": rho * D + (1 - rho) * u,
            "epsilon is outside of the roots; in AdaDelta it stands inside of both.": outside[2],
            "epsilon is missing beside D: from D = 0 it would never move.": bare[2],
            "The fraction is upside down: D above, S below.": flipped[2],
            "The roots are missing: S and D are mean squares.": rootless[2],
            "u uses the old S: let S take in the gradient first.": stale[2],
        },
        "w": {
            "The step goes uphill: subtract u from w.": w + u,
            "D was brought up to date before it was used: u needs the old D.": w - late,
        },
    }


def _check_adadelta(answer: Callable, *given: object) -> None:
    *arrays, rho, epsilon = given
    got = answer(*(array.copy() for array in arrays), rho, epsilon)
    _named(got, ("w", "S", "D"), _adadelta(*given), _adadelta_mistakes(*given))


def adadelta_by_numbers(adadelta_step: Callable, rng: Generator) -> None:
    r"""S = 2, then 2 times the root of 0.1 / 2.1."""
    w, S, D, g = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.5], [2.0, -3.0]])
    _check_adadelta(adadelta_step, w, S, D, g, 0.5, 0.1)


def adadelta_on_its_way(adadelta_step: Callable, rng: Generator) -> None:
    r"""Some steps have been taken."""
    w, S, D, g = rng.normal(size=(4, 3, 2))
    _check_adadelta(adadelta_step, w, S**2, D**2, g, 0.9, 0.01)


def adadelta_leaves_its_input(adadelta_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, S, D, g = abs(rng.normal(size=(4, 3)))
    call_unchanged(adadelta_step, 0.9, 1e-6, w=w, S=S, D=D, g=g)


def _adam(
    w: NDArray,
    m: NDArray,
    v: NDArray,
    t: int,
    g: NDArray,
    rate: float,
    epsilon: float,
    *,
    late: bool = False,
    inside: bool = False,
    correct_m: bool = True,
    correct_v: bool = True,
    hat: bool = False,
) -> tuple:
    beta1, beta2 = 0.9, 0.999
    m, v, t = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + 1
    count = max(t - 1, 1) if late else t
    m_hat = m / (1 - beta1**count) if correct_m else m
    spread = 1 - beta2**count if correct_v else 1
    root = np.sqrt(v / spread + epsilon) if inside else np.sqrt(v / spread) + epsilon
    if hat:
        root = (np.sqrt(v) + epsilon) / np.sqrt(spread)
    return w - rate * m_hat / root, m, v, t


def _adam_mistakes(
    w: NDArray, m: NDArray, v: NDArray, t: int, g: NDArray, rate: float, epsilon: float
) -> dict:
    def mistaken(**options):
        return _adam(w, m, v, t, g, rate, epsilon, **options)[0]

    correct_m, correct_v = mistaken(correct_v=False), mistaken(correct_m=False)
    right, new_m, new_v, _ = _adam(w, m, v, t, g, rate, epsilon)
    return {
        "m": {
            "It returned the corrected m: the correction is for this step only, keep m itself.": (
                new_m / (1 - 0.9 ** (t + 1))
            ),
            "m is still the old one.": m,
            "The factor 1 - beta1 is missing in m.": 0.9 * m + g,
        },
        "v": {
            "It returned the corrected v: the correction is for this step only, keep v itself.": (
                new_v / (1 - 0.999 ** (t + 1))
            ),
            "v is still the old one.": v,
            "The factor 1 - beta2 is missing in v.": 0.999 * v + g**2,
            "v needs the square of the gradient.": 0.999 * v + 0.001 * g,
        },
        "t": {"t is not counted up: return t + 1.": t},
        "w": {
            "All three bugs are still there.": mistaken(late=True, inside=True, correct_v=False),
            "v is still not corrected, and t comes too late: count first, then correct both.": (
                mistaken(late=True, correct_v=False)
            ),
            "v is not corrected, and epsilon is inside of the root.": mistaken(
                inside=True, correct_v=False
            ),
            "t comes too late, and epsilon is inside of the root.": mistaken(
                late=True, inside=True
            ),
            "v is not corrected: divide it by 1 - beta2**t, as m by 1 - beta1**t.": correct_m,
            "m is not corrected: divide it by 1 - beta1**t.": correct_v,
            "Nothing is corrected: divide m by 1 - beta1**t and v by 1 - beta2**t.": mistaken(
                correct_m=False, correct_v=False
            ),
            "t comes too late: the first step is step 1, so count before you correct.": mistaken(
                late=True
            ),
            "epsilon is inside of the root; it stands outside.": mistaken(inside=True),
            "epsilon is added before the correction (as in Keras); here it stands beside the "
            "corrected root.": mistaken(hat=True),
            "The step goes uphill: subtract it.": 2 * w - right,
        },
    }


def _check_adam(answer: Callable, *given: object) -> None:
    w, m, v, t, g, rate, epsilon = given
    got = answer(w.copy(), m.copy(), v.copy(), t, g.copy(), rate, epsilon=epsilon)
    _named(got, ("w", "m", "v", "t"), _adam(*given), _adam_mistakes(*given))


def adam_by_numbers(adam_step: Callable, rng: Generator) -> None:
    r"""The first step is one rate long, or half of one where g = epsilon."""
    zeros = np.zeros(2)
    _check_adam(adam_step, np.ones(2), zeros, zeros, 0, np.array([2.0, 1e-8]), 0.1, 1e-8)


def adam_on_its_way(adam_step: Callable, rng: Generator) -> None:
    r"""Step 4, with an epsilon large enough to see where it stands."""
    w, m, v, g = rng.normal(size=(4, 3, 2))
    _check_adam(adam_step, w, m, v**2, 3, g, 0.1, 0.3)


def adam_in_a_run(adam_step: Callable, rng: Generator) -> None:
    r"""Its own state, handed back to it, on random gradients."""
    state = mine = rng.normal(size=3), np.zeros(3), np.zeros(3), 0
    for g in rng.normal(size=(20, 3)):
        state = _adam(*state, g, 0.01, 1e-8)  # type: ignore[call-arg]
        mine = adam_step(*mine, g.copy(), 0.01)
    compare(mine[0], state[0], what="the value w after 20 steps")


def adam_leaves_its_input(adam_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, m, v, g = abs(rng.normal(size=(4, 3)))
    call_unchanged(lambda w, m, v, g: adam_step(w, m, v, 2, g, 0.1), w=w, m=m, v=v, g=g)


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
            "`S += ...` would change the caller's array; `S = S + ...` makes a new one. "
            "`np.sqrt(S)` takes the root of every element.",
            "`S = S + g**2`, then return `w - learning_rate * g / (np.sqrt(S) + epsilon)` and `S`.",
        ],
    ),
    Exercise(
        id="10.2",
        title="AdaDelta",
        answers=("adadelta_step",),
        checks=[
            Check("the first step, by numbers", adadelta_by_numbers),
            Check("a step on the way", adadelta_on_its_way),
            Check("the inputs stay as they were", adadelta_leaves_its_input),
        ],
        hints=[
            "Four lines, in the order of the formulas: S, u, D, and the new w.",
            "The step `u` has the old D in it. Only after that D takes in `u**2`, with the same "
            "two factors as S.",
            "`u = g * np.sqrt((D + epsilon) / (S + epsilon))`, then "
            "`D = rho * D + (1 - rho) * u**2`, then return `w - u`, `S` and `D`.",
        ],
    ),
    Exercise(
        id="10.3",
        title="Find three bugs",
        answers=("adam_step",),
        checks=[
            Check("step 4, with a large epsilon", adam_on_its_way),
            Check("the first step, by numbers", adam_by_numbers),
            Check("twenty steps in a row", adam_in_a_run),
            Check("the inputs stay as they were", adam_leaves_its_input),
        ],
        hints=[
            "Lay the code beside the four formulas. One thing is missing, one is in the wrong "
            "place, and one comes too late.",
            "Missing: v has no correction. In the wrong place: epsilon. Too late: t, and "
            "`max(t, 1)` only hides it.",
            "Begin with `t = t + 1`. Then `v_hat = v / (1 - beta2**t)`, and divide by "
            "`np.sqrt(v_hat) + epsilon`. Return m and v themselves, without the hats.",
        ],
    ),
]
