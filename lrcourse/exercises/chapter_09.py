r"""Checks of chapter 09, Momentum."""

from collections.abc import Callable, Sequence
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
    compare_call,
)
from lrcourse.exercises.answers import rule
from lrcourse.optim import Momentum, Nesterov


def _pair(got: object, w: NDArray) -> object:
    if isinstance(got, np.ndarray) and got.shape != (2, *w.shape):
        raise Wrong("It returned one array: the velocity is needed too, so return `w, v`.")
    return got


def _mistaken_steps(w: NDArray, v: NDArray, g: NDArray, rate: float, momentum: float) -> dict:
    new = momentum * v - rate * g
    up = momentum * v + rate * g
    mean = momentum * v - (1 - momentum) * rate * g
    buffer = momentum * v + g
    both = momentum * (v - rate * g)
    fixed = 0.9 * v - rate * g
    rest, swapped = (1 - momentum) * v - rate * g, rate * v - momentum * g
    return {
        "The order is (w, v): they came the other way round.": (new, w + new),
        "The step is taken with the old velocity: make the new one first, then add it to w.": (
            w + v,
            new,
        ),
        "The slope pushes the velocity uphill: subtract learning_rate * g.": (w + up, up),
        "The velocity points uphill: the slope is subtracted from it, and it is added to w.": (
            w - up,
            up,
        ),
        "The step takes the old velocity whole; it keeps the share momentum.": (
            w + v - rate * g,
            new,
        ),
        "The velocity that is returned lacks the slope: return the one that moved w.": (
            w + new,
            momentum * v,
        ),
        "The velocity already points downhill, so add it to w: w + v.": (w - new, new),
        "This velocity is a mean: g has no factor 1 - momentum here.": (w + mean, mean),
        "This is torch's convention: here the rate stands inside the velocity.": (
            w - rate * buffer,
            buffer,
        ),
        "The rate counts twice: it is inside the velocity, so w moves by v alone.": (
            w + rate * new,
            new,
        ),
        "The momentum multiplies the new push too: only the old velocity fades.": (w + both, both),
        "The old velocity keeps the share 1 - momentum; it should keep the share momentum.": (
            w + rest,
            rest,
        ),
        "v is still the old one: return the velocity that moved w.": (w + new, v),
        "The rate and the momentum have changed places.": (w + swapped, swapped),
        "The old velocity is not multiplied by the momentum.": (w + v - rate * g, v - rate * g),
        "The momentum multiplies the gradient instead of the old velocity.": (
            w + v - rate * momentum * g,
            v - rate * momentum * g,
        ),
        "The old velocity is missing: this is a plain step.": (w - rate * g, -rate * g),
        "This is Nesterov's rule in the look-ahead variable; here w moves by v.": (
            w + momentum * new - rate * g,
            new,
        ),
        "The momentum is always 0.9: use the one that is given.": (w + fixed, fixed),
    }


def _check_step(answer: Callable, expected: tuple, *given: object) -> None:
    w, v, g, rate, momentum = given
    got = answer(w.copy(), v.copy(), g.copy(), rate, momentum)
    compare(_pair(got, w), expected, mistakes=_mistaken_steps(*given))


def step_by_numbers(momentum_step: Callable, rng: Generator) -> None:
    r"""The new velocity is 0.45 - 0.2."""
    w, v, g = np.array([[3.0, -1.0, 0.0], [0.5, 0.0, 1.0], [2.0, 4.0, -3.0]])
    expected = (np.array([3.25, -1.4, 1.2]), np.array([0.25, -0.4, 1.2]))
    _check_step(momentum_step, expected, w, v, g, 0.1, 0.9)


def step_of_any_shape(momentum_step: Callable, rng: Generator) -> None:
    r"""A matrix of weights."""
    w, v, g = rng.normal(size=(3, 4, 2))
    new = 0.6 * v - 0.3 * g
    _check_step(momentum_step, (w + new, new), w, v, g, 0.3, 0.6)


def step_without_momentum(momentum_step: Callable, rng: Generator) -> None:
    r"""Momentum 0 is plain descent, whatever the velocity was."""
    w, v, g = rng.normal(size=(3, 4))
    _check_step(momentum_step, (w - 0.2 * g, -0.2 * g), w, v, g, 0.2, 0.0)


def step_leaves_its_input(momentum_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    w, v, g = given = rng.normal(size=(3, 4))
    copies = given.copy()
    momentum_step(*copies, 0.1, 0.9)
    for name, before, after in zip("wvg", (w, v, g), copies, strict=True):
        if not np.array_equal(before, after):
            raise Wrong(
                f"It changes its input `{name}` in place, as `{name} += ...` and `{name} -= ...` "
                "do, and the caller still needs it: make a new array."
            )


def _eigenvalues(a: float, momentum: float) -> NDArray:
    return np.linalg.eigvals([[1 - a, momentum], [-a, momentum]])


def _mistaken_factors(curvature: float, rate: float, momentum: float) -> dict:
    a = curvature * rate
    values = _eigenvalues(a, momentum)
    stale, bare = [[1, 1], [-a, momentum]], [[1, momentum], [-a, momentum]]
    mistakes = {
        "It is the smaller of the two: in the long run the larger eigenvalue counts.": (
            abs(values).min()
        ),
        "It is the root of the momentum for every rate: that holds where the eigenvalues are "
        "complex, and only there.": momentum**0.5,
        "It takes the real part: the size of a complex number is its absolute value.": (
            abs(values.real).max()
        ),
        "It is the largest eigenvalue with its sign: take the absolute values first.": (
            values.real.max()
        ),
        "It adds both sizes up, or is twice the larger one: take the larger of the two.": (
            abs(values).sum()
        ),
        "The rate is missing in the lower row: v changes by -learning_rate * curvature * w.": (
            abs(np.linalg.eigvals([[1 - a, momentum], [-curvature, momentum]])).max()
        ),
        "It is twice as large: the roots of a quadratic are divided by 2.": 2 * abs(values).max(),
        "It is the product of both sizes, the determinant, or one size squared: take the larger "
        "of the two sizes.": abs(values.prod()),
        "These are singular values: what repeats in every step are the eigenvalues.": (
            np.linalg.norm([[1 - a, momentum], [-a, momentum]], ord=2)
        ),
        "The curvature is missing: the gradient of w is curvature * w.": (
            abs(_eigenvalues(rate, momentum)).max()
        ),
        "The rate is missing: the slope pushes v by learning_rate * curvature * w.": (
            abs(_eigenvalues(curvature, momentum)).max()
        ),
        "The lower row has the wrong sign: the slope pushes v by -learning_rate * curvature * w.": (
            abs(np.linalg.eigvals([[1 - a, momentum], [a, momentum]])).max()
        ),
        "In this matrix w moves by the old velocity: put the new v into w + v.": (
            abs(np.linalg.eigvals(stale)).max()
        ),
        "The upper row lacks the slope: put the new v, all of it, into w + v.": (
            abs(np.linalg.eigvals(bare)).max()
        ),
    }
    plain, root = abs(1 - a), momentum**0.5
    if plain < root:  # else it may also be the larger of the two
        return mistakes | {"This is the factor without momentum.": plain}
    return mistakes | {
        "It is |1 - learning_rate * curvature| or the root of the momentum, whichever is larger: "
        "where the eigenvalues are real they are neither.": max(plain, root)
    }


def factor_by_numbers(factor: Callable, rng: Generator) -> None:
    r"""A swinging ball, 0.5^0.5; a slow one, whose eigenvalues are real; no momentum, 0.6."""
    slow = abs(_eigenvalues(0.02, 0.5)).max()
    for rate, momentum, expected in ((0.1, 0.5, 0.5**0.5), (0.005, 0.5, slow), (0.1, 0.0, 0.6)):
        compare_call(factor, (4.0, rate, momentum), expected, _mistaken_factors)


def factor_of_a_slow_ball(factor: Callable, rng: Generator) -> None:
    r"""Below and above the floor the eigenvalues are real."""
    for curvature, rate, momentum in ((1.0, 0.02, 0.5), (2.0, 1.48, 0.5), (10.0, 0.37, 0.9)):
        expected = abs(_eigenvalues(curvature * rate, momentum)).max()
        compare_call(factor, (curvature, rate, momentum), expected, _mistaken_factors)


def factor_of_a_run(factor: Callable, rng: Generator) -> None:
    r"""A run shrinks by that factor at each step."""
    curvature, rate, momentum = 3.0, 0.01, 0.6
    w, v, sizes = 1.0, 0.0, []
    for _ in range(400):
        v = momentum * v - rate * curvature * w
        w = w + v
        sizes.append(abs(w))
    given, expected = (curvature, rate, momentum), sizes[-1] / sizes[-2]
    compare_call(factor, given, expected, _mistaken_factors, tolerance=1e-5)


def _factor(curvature: float, learning_rate: float, momentum: float) -> float:
    return abs(_eigenvalues(learning_rate * curvature, momentum)).max()


VALLEYS = ((0.3, 1.0, 10.0), (0.01, 0.1, 0.8), (0.2, 2.0, 40.0))
CALLS, SLACK = 600, 100.0


class Valley:
    r"""A run of 60 steps, to be called with rate and momentum; counts its calls."""

    def __init__(self, curvatures: Sequence[float]) -> None:
        self.curvatures, self.calls = np.array(curvatures), 0

    def __call__(self, learning_rate: float, momentum: float) -> float:
        r"""Return the loss and count the call."""
        self.calls += 1
        return self.loss(learning_rate, momentum)

    def loss(self, learning_rate: float, momentum: float) -> float:
        r"""The largest loss of the last ten steps, by that at the start."""
        w = np.ones_like(self.curvatures)
        v, losses, first = 0 * w, [], self.curvatures.sum()
        with np.errstate(all="ignore"):
            for _ in range(60):
                v = momentum * v - learning_rate * self.curvatures * w
                w = w + v
                losses.append(float(self.curvatures @ w**2 / first))
        return float(np.max(losses[-10:]))


def searched(run: Callable) -> tuple[float, float]:
    r"""Search the plane of rate and momentum, first all of it and then around the best.

    Args:
        run: called with rate and momentum; returns the loss.

    Returns:
        Rate and momentum of the lowest loss, of 575 runs.
    """
    best, momenta = (np.inf, 0.1, 0.5), np.linspace(0, 0.96, 13)
    for width in (100.0, 1.5, 1.1):
        for rate, momentum in product(best[1] * np.geomspace(1 / width, width, 25), momenta):
            if (loss := run(rate, momentum)) < best[0]:  # nan is not
                best = loss, float(rate), float(momentum)
        momenta = np.linspace(best[2] - 0.05, best[2] + 0.05, 5).clip(0, 0.99)
    return best[1:]


def tuned_within_the_budget(tune: Callable, rng: Generator) -> None:
    r"""Two numbers, and no more runs than allowed."""
    valley = Valley(VALLEYS[1])
    got = tune(valley)
    if got is None:
        raise Wrong(RETURNED_NONE)
    if np.shape(got) != (2,):
        raise Wrong("Return two numbers, `(learning_rate, momentum)`.")
    if valley.calls > CALLS:
        raise Wrong(f"It called `run` {valley.calls} times; {CALLS} are allowed.")


def tuned_settings(tune: Callable, rng: Generator) -> None:
    r"""The loss of the setting, in three valleys."""
    settings = []
    for curvatures in VALLEYS:
        valley = Valley(curvatures)
        rate, momentum = np.asarray(tune(valley), float).tolist()
        settings.append((rate, momentum))
        _judge(valley, rate, momentum, settings)


def _judge(valley: Valley, rate: float, momentum: float, settings: list) -> None:
    allowed, where = SLACK * valley.loss(*searched(valley.loss)), f"({rate:.3g}, {momentum:.3g})"

    def good(rate: float, momentum: float) -> bool:
        return 0 <= momentum < 1 and valley.loss(rate, momentum) <= allowed  # nan is not

    if good(rate, momentum):
        return
    if good(momentum, rate):
        raise Wrong("The order is (learning_rate, momentum): they came the other way round.")
    if not 0 <= momentum < 1:
        raise Wrong(f"The momentum must be from 0 to below 1; it returned {where}.")
    if not valley.loss(rate, momentum) < 1:
        raise Wrong(
            f"The run at {where} diverges: its loss is nan, inf, or larger than at the start. Such "
            "a run must not win; `min` and `argmin` are no help with nan."
        )
    if momentum == 0:
        raise Wrong("The momentum is 0: try momenta too, not only rates.")
    if len(set(settings)) == 1 < len(settings):
        raise Wrong("It returns one setting for every valley: call `run` and compare.")
    times = f"The loss at {where} is over {SLACK:.0f} times that of our own search"
    if any(good(rate * by, momentum) for by in np.geomspace(0.01, 100, 400)):
        raise Wrong(f"{times}. The momentum would do, the rate is off: try more rates near it.")
    raise Wrong(f"{times}, and no rate makes up for that momentum: vary both together.")


def _nesterov_edge(momentum: float) -> float:
    return 2 * (1 + momentum) / (1 + 2 * momentum)


def _mistaken_edges(momentum: float) -> dict:
    return {
        "This is momentum's edge: Nesterov's gradient is taken at x + mu v, so the matrix is "
        "another one.": 2 * (1 + momentum),
        "This is the edge without momentum, whatever the momentum.": 2.0,
        "This is the edge for a gradient at x + v: the look-ahead is mu v.": (
            2 * (1 + momentum) / 3
        ),
        "This is the effective rate of the edge: leave the factor 1 / (1 - momentum) out.": (
            _nesterov_edge(momentum) / (1 - momentum)
        ),
        "At this product one step leads to the minimum; the edge is where runs no longer shrink.": (
            1.0
        ),
    }


def edge_by_numbers(nesterov_edge: Callable, rng: Generator) -> None:
    r"""Without momentum it is 2; then it falls."""
    for momentum in (0.3, 0.6, 0.8, 0.95, 0.0):  # at 0 two formulas agree that differ elsewhere
        expected = _nesterov_edge(momentum)
        mistakes = _mistaken_edges(momentum) if momentum else {}
        wrong = {sentence: v for sentence, v in mistakes.items() if abs(v - expected) > 0.01}
        compare(nesterov_edge(momentum), expected, mistakes=wrong, tolerance=1e-3)


def edge_of_runs(nesterov_edge: Callable, rng: Generator) -> None:
    r"""Just below it a run shrinks, just above it grows."""
    for momentum in (0.2, 0.7):
        edge = float(nesterov_edge(momentum))
        for product_, word in ((0.99 * edge, "below"), (1.01 * edge, "above")):
            w, rule_ = np.ones(1), Nesterov(momentum)
            for _ in range(3000):
                rule_.step(w, w.copy(), product_)
            grown = not abs(w[0]) < 1
            if grown != (word == "above"):
                raise Wrong(
                    f"At momentum {momentum} a run at 1 % {word} {edge:.4g} "
                    f"{'grows' if grown else 'shrinks'}."
                )


def _rolled(
    gradient: Callable,
    w: NDArray,
    rates: Sequence[float],
    momentum: float,
    *,
    inside: bool = False,
    mean: bool = False,
    one_array: bool = False,
    ahead: bool = False,
) -> NDArray:
    w = np.array(w, float)
    v, path = np.zeros_like(w), [w]
    for rate in rates:
        push = (1 - momentum if mean else 1) * gradient(w) * (rate if inside else 1)
        v = momentum * v + push
        w = w - (push + momentum * v if ahead else v) * (1 if inside else rate)
        path.append(w)
    return np.array([w for _ in path] if one_array else path)


def _mistaken_rolls(gradient: Callable, w: NDArray, rates: Sequence, momentum: float) -> dict:
    given = gradient, w, rates, momentum
    causes = {
        "one_array": "every row is the last w, since `w -= ...` changes the array in the list",
        "mean": "the velocity is a mean, with its factor 1 - momentum, where torch's is a sum",
        "inside": "the rate is inside the velocity, where torch keeps it outside",
    }
    mistakes = {}
    for some in product((True, False), repeat=3):
        bugs = dict(zip(causes, some, strict=True))
        sentence = "; ".join(cause for bug, cause in causes.items() if bugs[bug])
        if sentence:
            mistakes[f"{sentence[0].upper()}{sentence[1:]}."] = _rolled(*given, **bugs)
    return mistakes | {
        "The start is missing: row 0 is w before any step.": _rolled(*given)[1:],
        "The last step is missing: there is one for each rate.": _rolled(*given)[:-1],
        "It returned only the last w: keep every one.": _rolled(*given)[-1],
        "All steps have the first rate: take each from `rates`.": _rolled(
            gradient, w, [rates[0]] * len(rates), momentum
        ),
        "This is plain descent: the velocity keeps the share momentum of itself.": _rolled(
            gradient, w, rates, 0.0
        ),
        "It goes uphill: subtract the step.": _rolled(gradient, w, [-r for r in rates], momentum),
        "This is Nesterov's rule: w moves by the velocity alone.": _rolled(*given, ahead=True),
    }


def _slope(w: NDArray) -> NDArray:
    return np.array([1.0, 4.0, 9.0]) * w + w**3


def rolled_as_torch_does(roll: Callable, rng: Generator) -> None:
    r"""A rate that falls, and three weights."""
    start, rates = rng.normal(size=3), [0.03, 0.03, 0.03, 0.01, 0.01, 0.002]
    given = (_slope, start, rates, 0.8)
    compare_call(roll, given, _rolled, _mistaken_rolls)


def rolled_by_the_package(roll: Callable, rng: Generator) -> None:
    r"""The package's rule, with a rate that falls at each step."""
    w, rates = rng.normal(size=3), 0.04 * 0.9 ** np.arange(12)
    rule_, ours, expected = Momentum(0.6, "torch"), w.copy(), [w.copy()]
    for rate in rates:
        rule_.step(ours, _slope(ours), rate)
        expected.append(ours.copy())
    given = (_slope, w, rates, 0.6)
    compare_call(roll, given, np.array(expected), _mistaken_rolls)


def roll_leaves_its_input(roll: Callable, rng: Generator) -> None:
    r"""The caller's start is still there."""
    w = rng.normal(size=3)
    call_unchanged(lambda w: roll(_slope, w, [0.02, 0.01], 0.9), w=w)


EXERCISES = [
    Exercise(
        id="09.1",
        title="A step with a velocity",
        answers=("momentum_step",),
        checks=[
            Check("three weights, by numbers", step_by_numbers),
            Check("a matrix of weights", step_of_any_shape),
            Check("momentum 0 is plain descent", step_without_momentum),
            Check("the inputs stay as they were", step_leaves_its_input),
        ],
        hints=[
            "Two lines, one for each formula, in the order in which they stand there.",
            "The first line makes a new velocity from the old one and the gradient, under the same "
            "name. Make it a new array: the operators `+=`, `-=` and `*=` change the caller's.",
            "The old velocity times the momentum, less the rate times the gradient, is the new "
            "velocity. It is added to w once, and both are returned.",
        ],
        package=lambda: Momentum,
        adapt=lambda answer: rule(answer, ("v",), name="Yours", momentum=0.9),
        use=lambda kind: kind(momentum=0.9).step(np.ones(2000), np.ones(2000), 0.1),
    ),
    Exercise(
        id="09.2",
        title="The factor of a step",
        answers=("factor",),
        checks=[
            Check("a ball that swings, one that does not, and none", factor_by_numbers),
            Check("real eigenvalues on both sides", factor_of_a_slow_ball),
            Check("a run shrinks by the factor", factor_of_a_run),
        ],
        hints=[
            "Write both lines of the rule with g = curvature * w, so that on the right there are "
            "only the old w and the old v. Rate and curvature only ever occur as a product.",
            "The new v is momentum times the old v, less that product times w. Put it into w + v: "
            "what are the four coefficients of the old w and v?",
            "`np.linalg.eigvals` takes the two rows of the matrix and returns both eigenvalues. "
            "The size of each is its `abs`.",
        ],
        package=lambda: _factor,
        use=lambda factor: [factor(1.0, a, 0.9) for a in np.linspace(0.01, 4, 50)],
    ),
    Exercise(
        id="09.3",
        title="Tune in the dark",
        answers=("tune",),
        checks=[
            Check("two numbers, within the budget", tuned_within_the_budget),
            Check("a good setting in three valleys", tuned_settings),
        ],
        hints=[
            "Look at the map above: good settings form a narrow tongue. A rate that is right for "
            "one momentum is wrong for another.",
            "Make a coarse grid of rates (evenly in the logarithm, over the whole range) and of "
            "momenta, run it all, and leave out what is not finite.",
            "Is the coarse winner not good enough? Spend what is left of the budget on a second, "
            "finer grid around it.",
        ],
        package=lambda: searched,
        use=lambda tune: tune(Valley(VALLEYS[0])),
    ),
    Exercise(
        id="09.4",
        title="Where does the look-ahead break?",
        answers=("nesterov_edge",),
        checks=[
            Check("five momenta", edge_by_numbers),
            Check("runs on both sides of it", edge_of_runs),
        ],
        hints=[
            "Either measure it, with runs in a bowl of curvature 1 and a bisection, or derive it "
            "from a matrix, as for the factor above.",
            "For the matrix: with a = rate times curvature, the gradient at x + mu v pushes v by "
            "-a (x + mu v). What are the new v and the new x in terms of the old ones?",
            "At the edge an eigenvalue is -1, so 1 + trace + determinant = 0. The determinant is "
            "mu (1 - a), the trace (1 - a)(1 + mu). Solve for a.",
        ],
    ),
    Exercise(
        id="09.5",
        title="It should be torch's",
        answers=("roll",),
        checks=[
            Check("a rate that falls twice", rolled_as_torch_does),
            Check("the package's rule agrees", rolled_by_the_package),
            Check("the start stays as it was", roll_leaves_its_input),
        ],
        hints=[
            "Print the whole path that the given code returns, and the start after the call.",
            "Then let the rate be constant and compare the length of a late step on a steady slope "
            "with that of torch: how many times too short is it?",
            "When that agrees, let the rate fall once. The next step tells you where the rate "
            "belongs.",
        ],
    ),
]
