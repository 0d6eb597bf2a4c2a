r"""Checks of chapter 20, A step for a matrix."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any
from unittest import mock

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
    compare_call,
)
from lrcourse.optim import Rule, newton_schulz

ZERO = 1e-6  # of the largest: a singular value below it is rounding
START, STEPS, BAND = 0.05, 3, 0.12  # of exercise 20.3
COEFFICIENTS = (2.9, -3.8, 1.86)  # the package's answer to exercise 20.3


class PartRates(Rule):
    r"""A rule with a rate of its own for each weight.

    Args:
        rule: takes the steps.
        factors: what the rate is multiplied by, (P,).
    """

    elementwise = False

    def __init__(self, rule: Rule, factors: NDArray) -> None:
        self.rule, self.factors = rule, factors

    def begin(self, w: NDArray) -> None:
        r"""Make the state of the rule."""
        self.rule.begin(w)

    def update(self, w: NDArray, g: NDArray, learning_rate: float | NDArray) -> None:
        r"""Take a step, as every rule."""
        self.rule.update(w, g, learning_rate * self.factors)


def lowest(x: NDArray, y: NDArray) -> float:
    r"""Return where the parabola through the three lowest neighbours is lowest.

    Args:
        x: evenly spaced.
        y: the values there.
    """
    k = int(np.clip(y.argmin(), 1, len(y) - 2))
    a, b, c = y[k - 1 : k + 2]
    return float(x[k] + (x[1] - x[0]) * (a - c) / (2 * (a - 2 * b + c)))


def steepest(G: NDArray) -> NDArray:
    r"""Return the matrix of exercise 20.1: all singular values of G are 1, and 0 stays 0.

    Args:
        G: (m, n).
    """
    U, s, V = np.linalg.svd(G, full_matrices=False)
    keep = s > ZERO * s.max()
    return U[:, keep] @ V[keep]


def _mistaken_steepest(G: NDArray) -> dict:
    U, s, V = np.linalg.svd(G, full_matrices=False)
    right, largest = steepest(G), s.max() or 1.0
    found = {
        "It is G over its largest singular value. That respects the limit, but the other singular "
        "values have room left: the sum can be larger.": G / largest,
        "It is G over its Frobenius norm. That limits the length of all entries together, and the "
        "sum can be larger: the limit is on the largest singular value.": (
            G / (np.linalg.norm(G) or 1.0)
        ),
        "It is the sign of each entry. That limits the entries; the largest singular value of such "
        "a matrix may be far above 1.": np.sign(G),
        "It makes the sum as *small* as possible: the sign is the wrong way round.": -right,
        "Directions in which G is 0 add nothing to the sum, and yet they are in it, with singular "
        "value 1. Of the matrices that are as good, the shortest is asked for.": U @ V,
        "Most singular values are too small: it keeps only the largest one, and each may be 1.": (
            np.outer(U[:, 0], V[0])
        ),
        "It returns the singular values as they were: U S V^T is G again.": G,
    }
    if G.shape[0] == G.shape[1]:
        found |= {
            "It is the transpose of the right matrix: `np.linalg.svd` returns U, s and V^T.": (
                right.T
            ),
            "`np.linalg.svd` returns V transposed already, and here it is transposed again.": (
                U @ V.T
            ),
        }
    return found


def steepest_of_any_shape(answer: Callable, rng: Generator) -> None:
    r"""Square, wide, tall."""
    for shape in ((3, 3), (2, 5), (6, 3), (1, 4)):
        given = (rng.normal(size=shape),)
        compare_call(answer, given, steepest, _mistaken_steepest, tolerance=1e-4)


def steepest_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""The three matrices of the exercise."""
    for G in ([[3, 0], [0, -0.5]], [[1, 1], [1, 1]], [[2, 0], [0, 0]]):
        compare_call(answer, (np.array(G, float),), steepest, _mistaken_steepest, tolerance=1e-4)


def steepest_with_a_zero(answer: Callable, rng: Generator) -> None:
    r"""Rounding makes a tiny singular value of a 0."""
    for shape in ((4, 4), (6, 4), (3, 5)):
        G = rng.normal(size=(shape[0], 2)) @ rng.normal(size=(2, shape[1]))
        compare_call(answer, (G,), steepest, _mistaken_steepest, tolerance=1e-4)


def steepest_of_small_values(answer: Callable, rng: Generator) -> None:
    r"""What is small beside the largest by 10,000 still counts, and so does a small matrix."""
    U, V = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    small = ([1, 0.3, 1e-2, 1e-4], [1, 0.3, 1e-2, 1.5e-6], [1, 0.3, 1e-2, 7e-7])
    for values in (*small, [2e-9, 1e-9, 5e-10, 1e-10]):
        G = U * np.array(values) @ V
        mistakes = {
            "A singular value over 1e-6 of the largest counts as 0 for you.": U[:, :3] @ V[:3],
            "A small matrix counts as 0 for you: a singular value is rounding below 1e-6 of the "
            "largest *of its own matrix*.": np.zeros((4, 4)),
        }
        mistakes |= _mistaken_steepest(G)
        compare(answer(G.copy()), steepest(G), mistakes=mistakes, tolerance=1e-3)


def steepest_of_zeros(answer: Callable, rng: Generator) -> None:
    r"""No direction is better than another."""
    lost = "For a G of zeros it returns no numbers: every matrix is as good, the shortest is 0."
    some = "For a G of zeros every matrix is as good: the shortest is 0."
    got = answer(np.zeros((2, 3)))
    mistakes = {lost: np.full((2, 3), np.nan), some: np.eye(2, 3)}
    compare(got, np.zeros((2, 3)), mistakes=mistakes)


def steepest_leaves_its_input(answer: Callable, rng: Generator) -> None:
    r"""The gradient stays."""
    call_unchanged(answer, G=rng.normal(size=(3, 2)))


def powers(X: NDArray, a: float, b: float, c: float) -> NDArray:
    r"""Return the matrix of exercise 20.2: U and V of X, singular values a s + b s^3 + c s^5.

    Args:
        X: (m, n).
        a: times s.
        b: times s^3.
        c: times s^5.
    """
    A = X @ X.T
    return a * X + (b * A + c * A @ A) @ X


def _mistaken_powers(X: NDArray, a: float, b: float, c: float) -> dict:
    A = X @ X.T
    found = {
        "It takes powers of each entry. Singular values get powers from products of matrices: "
        "what are those of X X^T?": a * X + b * X**3 + c * X**5,
        "The singular values are a s + b s^3 + c s^7: there is a factor X X^T too many.": (
            a * X + (b * A + c * A @ A @ A) @ X
        ),
        "The singular values are a s + b s^5 + c s^3: b and c are exchanged.": powers(X, a, c, b),
        "The term with c is missing: this is the cubic.": powers(X, a, b, 0),
        "The term with b is missing.": powers(X, a, 0, c),
        "The term with a is missing.": powers(X, 0, b, c),
        "The term with c is c s^3: it takes one more factor X X^T.": powers(X, a, b + c, 0),
        "It is the sum of the terms without a, b and c.": powers(X, 1, 1, 1),
        "X is divided by its norm here: take it as it is.": powers(X / np.linalg.norm(X), a, b, c),
    }
    if X.shape[0] == X.shape[1]:
        found |= {
            "The order of the factors is wrong: X^T X stands to the *left* of X, where X X^T "
            "belongs (or X^T X to the right).": a * X + (b * X.T @ X + c * X.T @ X @ X.T @ X) @ X,
            "X X X is not X X^T X: without the transpose U and V do not meet.": (
                a * X + b * X @ X @ X + c * X @ X @ X @ X @ X
            ),
            "It is the transpose of the right matrix.": powers(X, a, b, c).T,
        }
    return found


def powers_of_any_shape(answer: Callable, rng: Generator) -> None:
    r"""Square, wide, tall, with any coefficients."""
    for shape in ((3, 3), (2, 5), (5, 2)):
        given = (rng.normal(size=shape), *rng.uniform(0.5, 2, size=3).tolist())
        compare_call(answer, given, powers, _mistaken_powers)


def powers_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""The matrix of the exercise."""
    given = (np.array([[0.0, 0.5], [1.0, 0.0]]), 1.5, -0.5, 0.0)
    compare_call(answer, given, powers, _mistaken_powers)


def powers_without_decomposition(answer: Callable, rng: Generator) -> None:
    r"""Products alone: that is the point of the exercise."""
    used = Wrong(
        "It takes a decomposition. The text asks for sums and products of matrices only, since "
        "they are what makes it fast."
    )
    with (
        mock.patch("numpy.linalg.svd", side_effect=used),
        mock.patch("numpy.linalg.eigh", side_effect=used),
    ):
        powers_by_numbers(answer, rng)


def powers_leave_their_input(answer: Callable, rng: Generator) -> None:
    r"""X stays."""
    call_unchanged(answer, 1.5, -0.5, 0.1, X=rng.normal(size=(3, 2)))


def ends(coefficients: Sequence[float], s: NDArray, steps: int = STEPS) -> NDArray:
    r"""Return where singular values end after some Newton-Schulz steps.

    Args:
        coefficients: a, b and c.
        s: singular values, any shape.
        steps: how often a s + b s^3 + c s^5 is taken.
    """
    a, b, c = coefficients
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return s


def three_numbers(answer: Callable, rng: Generator) -> None:
    r"""The form of the answer."""
    _three(answer)


def _three(answer: Callable) -> list[float]:
    got = answer()
    if got is None:
        raise Wrong(RETURNED_NONE)
    try:
        a, b, c = np.asarray(got, dtype=float).tolist()
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"It should return three numbers, a, b and c, not {got!r}.") from None
    if not np.isfinite([a, b, c]).all():
        raise Wrong("One of the three is no finite number.")
    return [a, b, c]


def band_is_reached(answer: Callable, rng: Generator) -> None:
    r"""All starts from 0.05 to 1 end within 0.12 of 1."""
    s = np.geomspace(START, 1, 2000)
    end = ends(_three(answer), s)
    if not np.isfinite(end).all() or abs(end).max() > 100:
        raise Wrong("Some singular values run away: three steps take them beyond 100.")
    off = abs(end - 1)
    worst = int(off.argmax())
    if off[worst] <= BAND:
        return
    what = f"{s[worst]:.2f} ends at {end[worst]:.2f}"
    if end[worst] > 1:
        raise Wrong(f"Some end too high: {what}. It overshoots: where is the polynomial largest?")
    if worst == 0:
        raise Wrong(f"Small ones are left behind: {what}. Which coefficient lifts them?")
    raise Wrong(f"Some end too low: {what}. Plot the polynomial: where does it dip below 1?")


BUGS = {
    "kept": "the look-ahead is kept as the memory of the next step",
    "reshaped": "the step is reshaped where it should be transposed back",
    "flipped": "the factor takes a weight for (fan_out, fan_in)",
}


def muon_run(
    W: NDArray,
    gradients: Sequence[NDArray],
    learning_rate: float,
    momentum: float = 0.95,
    *,
    kept: bool = False,
    reshaped: bool = False,
    flipped: bool = False,
    factor: Callable | None = None,
    memory: float | None = None,
    ahead: bool = True,
    early: bool = False,
) -> NDArray:
    r"""Return W, (fan_in, fan_out), after all steps of Muon: exercise 20.4.

    Args:
        W: the first weights.
        gradients: one for each step.
        learning_rate: of all steps.
        momentum: of the memory.
        kept: the first bug; the next two are the others.
        reshaped: see ``BUGS``.
        flipped: see ``BUGS``.
        factor: another factor of the rate.
        memory: the weight of the new gradient in the look-ahead, if it is another one.
        ahead: whether the step is that of the look-ahead.
        early: whether gradients are orthogonalized before they are remembered.
    """
    m, (fan_in, fan_out) = np.zeros_like(W), W.shape
    scale = max(1, fan_in / fan_out if flipped else fan_out / fan_in) ** 0.5
    scale = factor(fan_in, fan_out) if factor else scale
    for g in gradients:
        g = newton_schulz(g) if early else g
        m = momentum * m + (1 - momentum) * g
        u = momentum * m + (1 - momentum if memory is None else memory) * g if ahead else m
        m = u if kept else m
        step = newton_schulz(u.T).reshape(W.shape) if reshaped else newton_schulz(u)
        W = W - learning_rate * scale * (u if early else step)
    return W


def _mistaken_runs(W: NDArray, gradients: Sequence[NDArray], *more: float) -> dict:
    def run(**bugs: Any) -> NDArray:
        return muon_run(W, gradients, *more, **bugs)

    left = {
        f"Still there: {'; '.join(BUGS[bug] for bug in bugs)}.": run(**dict.fromkeys(bugs, True))
        for count in range(1, len(BUGS) + 1)
        for bugs in combinations(BUGS, count)
    }
    if len(more) > 1:
        fixed = "The momentum that it is given is not used: it takes 0.95 whatever it is."
        left[fixed] = muon_run(W, gradients, more[0])
    # First: for a wide W the flipped factor is 1, too, and a tall W has told it by then.
    missing = {"The factor is missing.": run(factor=lambda fan_in, fan_out: 1.0)}
    others = {
        "The factor has no root.": run(factor=lambda fan_in, fan_out: max(1, fan_out / fan_in)),
        "The factor is below 1 where fan_in is the larger: take at least 1.": run(
            factor=lambda fan_in, fan_out: (fan_out / fan_in) ** 0.5
        ),
        "The factor is that of `match_rms_adamw`.": run(
            factor=lambda fan_in, fan_out: 0.2 * max(fan_in, fan_out) ** 0.5
        ),
        "It steps along the memory m: the look-ahead u is missing.": run(ahead=False),
        "The look-ahead takes the new gradient whole: weigh it with 1 - momentum.": run(memory=1.0),
        "Gradients are orthogonalized before they are remembered: first the memory and the "
        "look-ahead, then `newton_schulz`.": run(early=True),
        "It goes uphill: subtract the step.": 2 * W - run(),
        "The weights come back as they were.": W,
        "It takes the first step only.": muon_run(W, gradients[:1], *more),
    }
    return missing | left | others


def runs_of_any_shape(answer: Callable, rng: Generator) -> None:
    r"""More inputs than outputs, fewer, as many; several steps."""
    for shape in ((4, 2), (2, 3), (3, 3)):
        gradients = list(rng.normal(size=(4, *shape)))
        given = (rng.normal(size=shape), gradients, 0.1, float(rng.uniform(0.5, 0.95)))
        compare_call(answer, given, muon_run, _mistaken_runs)


def run_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""The two steps of the exercise."""
    g = np.array([[1.0, 0, 0], [0, 2.0, 0]])
    compare_call(answer, (np.zeros((2, 3)), [g, -2 * g[:, ::-1]], 0.1), muon_run, _mistaken_runs)


def run_leaves_its_input(answer: Callable, rng: Generator) -> None:
    r"""The first weights stay."""
    W, g = rng.normal(size=(2, 3, 2))
    call_unchanged(lambda W, g: answer(W, [g, g], 0.1, 0.9), W=W, g=g)


def matched(u: NDArray, step: NDArray) -> NDArray:
    r"""Return the control of exercise 20.5: as long as step, along u.

    Args:
        u: (..., m, n).
        step: of the same shape.
    """
    wanted, length = (np.linalg.norm(each, axis=(-2, -1), keepdims=True) for each in (step, u))
    return u * wanted / np.where(length > 0, length, 1)


def _mistaken_controls(u: NDArray, step: NDArray) -> dict:
    def over(norm: Callable) -> NDArray:
        return u * (norm(step) / norm(u))

    def frobenius(x: NDArray) -> NDArray:
        return np.linalg.norm(x, axis=(-2, -1), keepdims=True)

    found = {
        "This is the orthogonalized step itself: the control points along u.": step,
        "It has the length 1: give it the length of `step`.": u / frobenius(u),
        "This is u: give it the length of `step`.": u,
        "It is u times the length of `step`, which makes it longer by the length of u.": (
            u * frobenius(step)
        ),
        "It divides by the *squared* length of u: take the root.": (
            u * frobenius(step) / frobenius(u) ** 2
        ),
        "It goes by the *squared* lengths: take the root of both.": (
            u * frobenius(step) ** 2 / frobenius(u) ** 2
        ),
        "It has the length of u and the direction of `step`: exchange the two.": (
            step * frobenius(u) / frobenius(step)
        ),
        "It matches the largest singular value (ord=2). The Frobenius norm is the root of the sum "
        "of all squares.": over(lambda x: np.linalg.norm(x, 2, axis=(-2, -1), keepdims=True)),
        "It matches each row by itself: a matrix has one norm.": over(
            lambda x: np.linalg.norm(x, axis=-1, keepdims=True)
        ),
        "It matches each column by itself: a matrix has one norm.": over(
            lambda x: np.linalg.norm(x, axis=-2, keepdims=True)
        ),
        "It matches the largest entry: the Frobenius norm is over all of them.": over(
            lambda x: abs(x).max(axis=(-2, -1), keepdims=True)
        ),
        "It matches the sum of sizes of the entries: the Frobenius norm takes their squares.": over(
            lambda x: abs(x).sum(axis=(-2, -1), keepdims=True)
        ),
        "Its length is the root of min(m, n), as of a step whose singular values are all 1. Those "
        "of `step` are not: take its norm.": u / frobenius(u) * min(u.shape[-2:]) ** 0.5,
        "It points away from u: the sign is the wrong way round.": -matched(u, step),
    }
    if u.ndim > 2:
        shared = "All matrices of the stack share one norm: each has its own, of the last two axes."
        found[shared] = over(np.linalg.norm)
    return found


def control_of_a_matrix(answer: Callable, rng: Generator) -> None:
    r"""Wide and tall, with singular values that are not all 1."""
    for shape in ((2, 4), (5, 3)):
        u = rng.normal(size=shape)
        compare_call(answer, (u, newton_schulz(u)), matched, _mistaken_controls)


def control_of_a_stack(answer: Callable, rng: Generator) -> None:
    r"""Each of three matrices by itself, though one is a thousand times the size."""
    u = rng.normal(size=(3, 4, 2)) * np.array([1, 1000, 0.01])[:, None, None]
    step = newton_schulz(u) * np.array([1, 2, 3])[:, None, None]
    compare_call(answer, (u, step), matched, _mistaken_controls)


def control_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""The matrices of the exercise."""
    given = (np.array([[3.0, 0], [0, 4.0]]), np.array([[1.0, 0], [0, 1.0]]))
    compare_call(answer, given, matched, _mistaken_controls)


def control_of_zeros(answer: Callable, rng: Generator) -> None:
    r"""A dead layer, beside one that is not."""
    u = np.stack([np.zeros((2, 3)), rng.normal(size=(2, 3))])
    step = np.ones((2, 2, 3))
    divides = "Where u is 0 it divides 0 by 0, and returns no numbers: return 0 there."
    lost = matched(u, step)
    lost[0] = np.nan
    compare(answer(u.copy(), step.copy()), matched(u, step), mistakes={divides: lost})


def control_leaves_its_input(answer: Callable, rng: Generator) -> None:
    r"""Both stay."""
    u, step = rng.normal(size=(2, 3, 2))
    call_unchanged(answer, u=u, step=step)


EXERCISES = [
    Exercise(
        id="20.1",
        title="The steepest step",
        answers=("steepest",),
        checks=[
            Check("square, wide and tall", steepest_of_any_shape),
            Check("the matrices of the exercise", steepest_by_numbers),
            Check("directions in which G is 0", steepest_with_a_zero),
            Check("small singular values count", steepest_of_small_values),
            Check("a G of zeros", steepest_of_zeros),
            Check("its input stays", steepest_leaves_its_input),
        ],
        hints=[
            "Begin with a diagonal G, say 3 and -0.5. Which diagonal D within the limit is best? "
            "What does each entry of it have to do with that of G?",
            "G = U S V^T is diagonal in other axes. In those axes D must be diagonal too, and each "
            "entry of S has a partner of its own in D, between -1 and 1.",
            "S is never negative, so each partner is 1, whatever the size; and where S is 0, the "
            "shortest D has 0. `np.linalg.svd(G, full_matrices=False)` returns U, s and V^T.",
        ],
        package=lambda: steepest,
    ),
    Exercise(
        id="20.2",
        title="A polynomial of the singular values",
        answers=("powers",),
        checks=[
            Check("square, wide and tall, any coefficients", powers_of_any_shape),
            Check("the matrix of the exercise", powers_by_numbers),
            Check("without a decomposition", powers_without_decomposition),
            Check("its input stays", powers_leave_their_input),
        ],
        hints=[
            "Put X = U S V^T into X X^T. What meets in the middle, and what is left?",
            "X X^T is U S^2 U^T. Multiply X by it from the left: which power of S comes out?",
            "Once more gives the next odd power. Weigh the three matrices and add them.",
        ],
        package=lambda: powers,
    ),
    Exercise(
        id="20.3",
        title="Coefficients of your own",
        answers=("coefficients",),
        checks=[
            Check("three numbers", three_numbers),
            Check("every start from 0.05 to 1 ends in the band", band_is_reached),
        ],
        hints=[
            "Plot where the values from 0.05 to 1 end after three steps, for both sets that you "
            "know. What does each do wrong?",
            "Near 0 three steps multiply by a three times. From which a on does 0.05 get up to the "
            "band? Then tame what overshoots with b, and what dips with c.",
            "Let the machine search: draw thousands of triples near those of `FAST`, with a "
            "somewhat smaller a, and keep the one whose worst value is nearest to 1.",
        ],
        package=lambda: lambda: COEFFICIENTS,
    ),
    Exercise(
        id="20.4",
        title="Lost in translation",
        answers=("muon_run",),
        checks=[
            Check("more inputs than outputs, fewer, as many", runs_of_any_shape),
            Check("the two steps of the exercise", run_by_numbers),
            Check("its inputs stay", run_leaves_its_input),
        ],
        hints=[
            "Run it beside `Muon` of the package on one small matrix, step by step. Does the first "
            "step agree? The second? Also for a square matrix?",
            "Read each line with the layout in mind: which axis of W is fan_in here, and which was "
            "it in the original?",
            "What does the next step find in m? And what do `.T` and `.reshape` do to [[1, 2, 3], "
            "[4, 5, 6]]?",
        ],
        package=lambda: muon_run,
    ),
    Exercise(
        id="20.5",
        title="The control",
        answers=("matched",),
        checks=[
            Check("a wide matrix and a tall one", control_of_a_matrix),
            Check("a stack of matrices", control_of_a_stack),
            Check("the matrices of the exercise", control_by_numbers),
            Check("a u of zeros", control_of_zeros),
            Check("its inputs stay", control_leaves_its_input),
        ],
        hints=[
            "What must stay as it is in `step`, and what must it get from u?",
            "`np.linalg.norm` takes the axes of a matrix as a tuple, and `keepdims=True` leaves "
            "room to multiply a stack with the result.",
            "First make u as long as 1, then as long as `step`. Mind a u that has no length.",
        ],
        package=lambda: matched,
    ),
]
