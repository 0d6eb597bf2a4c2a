r"""Checks of chapter 11, Signs only."""

from collections.abc import Callable, Sequence
from itertools import product
from statistics import NormalDist

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
from lrcourse.nn import Array
from lrcourse.optim import IRpropMinus, zeros_like

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

    forgotten, free = np.zeros_like(g) if (s < 0).any() else kept, _free(delta, s)
    return {
        "On a flip it steps and forgets only then: that is the paper's variant. In the published "
        "one the weight stays.": (w - np.sign(g) * new, new, kept),
        "It does not forget: where the sign flips, the gradient handed on is 0.": (right, new, g),
        "On a flip it steps and remembers: that is Rprop. iRprop- takes 0 as the gradient there.": (
            w - np.sign(g) * new,
            new,
            g,
        ),
        "The limits are missing: no step is over 0.006 or under 0.001.": resized(free),
        "The upper limit is missing: no step is over 0.006.": resized(np.where(s > 0, free, new)),
        "The lower limit is missing: no step is under 0.001.": resized(np.where(s < 0, free, new)),
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
        "One flip stops all weights: compare the signs weight by weight.": (
            w - np.sign(forgotten) * new,
            new,
            forgotten,
        ),
        "It steps against the last gradient: the sign of this one, g, gives the direction.": (
            w - np.sign(previous) * new,
            new,
            kept,
        ),
        "With g or G at 0 there is nothing to compare: delta stays as it is, and grows only where "
        "the signs agree.": resized(_resized(delta, np.where(s == 0, 1, s))),
        "With g or G at 0 there is nothing to compare: delta stays as it is, and shrinks only "
        "where the signs differ.": resized(_resized(delta, np.where(s == 0, -1, s))),
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
        "These are logarithms to the base 2: `np.log` is the natural one.": (
            ((1 - flip) * up - flip * down) / np.log(2)
        ),
        "The sign is turned round: it is the change of ln(delta), which rises at agreement.": (
            flip * down - (1 - flip) * up
        ),
        "Only agreement on the right side is counted: two wrong signs agree as well.": (
            (1 - wrong) ** 2 * up - flip * down
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


def _made(step: Callable) -> type[IRpropMinus]:
    r"""The rule of a step, with the paper's limits and, as its state, what it hands on."""

    class Yours(IRpropMinus):
        def begin(self, w: Array) -> None:
            self.delta, self.G = zeros_like(w) + SMALLEST, zeros_like(w)

        def update(self, w: Array, g: Array, learning_rate: float | Array) -> None:
            new, self.delta, self.G = step(w, self.delta, g, self.G)
            w += learning_rate * (new - w)

    return Yours


def _pq(increase: float, decrease: float, free: float) -> float:
    # One flip costs as many agreements as make up for it: 1 / (pq) - free of them, in the long run.
    return 1 / (free - np.log(decrease) / np.log(increase))


def _balance(increase: float, decrease: float, free: float = 3.0) -> float:
    return NormalDist().inv_cdf((1 + np.sqrt(1 - 4 * _pq(increase, decrease, free))) / 2)


def _mistaken_balances(increase: float, decrease: float) -> dict:
    a, up, down = _balance(increase, decrease), increase - 1, 1 - decrease
    mean = 1 / (3 + down / up)  # of Delta, not of its logarithm
    afforded = 1 / (1 - np.log(decrease) / np.log(increase))
    return {
        "This is the balance of Rprop, which remembers a flip: with G = 0 the next step of iRprop- "
        "changes nothing.": NormalDist().inv_cdf((1 + np.sqrt(1 - 2 * afforded)) / 2),
        "It is the share of flips that Rprop can afford: return a signal over noise.": afforded,
        "It is the balance for 1.2 and 0.5: use the factors that are given.": _balance(1.2, 0.5),
        "It balances the mean of delta: take the mean of its logarithm.": (
            NormalDist().inv_cdf((1 + np.sqrt(1 - 4 * mean)) / 2) if mean < 0.25 else 0.0
        ),
        "It is the chance of a right sign there: return a itself.": NormalDist().cdf(a),
        "It is the share of flips: return the signal over noise.": _flip(a),
        "The sign is turned round: a is to be positive.": -a,
    }


def balanced(balance: Callable, rng: Generator) -> None:
    r"""Five pairs of factors."""
    pairs = (1.4, 0.5), (1.1, 0.5), (1.2, 0.5), (1.2, 0.7), (1.05, 0.9)
    got, rights = [balance(*pair) for pair in pairs], [_balance(*pair) for pair in pairs]
    if np.shape(got) == (5,) and None not in got and not np.allclose(got, rights, 0, 0.03):
        for sentence in _mistaken_balances(*pairs[0]):  # named if it explains all five
            if np.allclose(got, [_mistaken_balances(*pair)[sentence] for pair in pairs], 0, 0.02):
                raise Wrong(sentence)
    for one, right in zip(got, rights, strict=True):
        compare(one, right, tolerance=0.03 / right)


def balanced_by_dice(balance: Callable, rng: Generator) -> None:
    r"""A walk of 4,000 weights, 200 steps, beside the balance for other factors."""
    increase, decrease = 1.3, 0.6
    a = float(balance(increase, decrease))
    if not np.isfinite(a):
        raise Wrong(f"For {increase} and {decrease} it returned {a}, which is no finite number.")
    for shift, grows in ((-0.1, False), (0.1, True)):
        rule = IRpropMinus(increase, decrease, minimum=1e-200, maximum=1e200)
        for step in range(220):
            if step == 20:
                begun = np.log(rule.delta).mean()
            rule.step(np.zeros(4000), a + shift + rng.normal(size=4000))
        change = (np.log(rule.delta).mean() - begun) / 200
        if (change > 0) != grows:
            raise Wrong(
                f"For {increase} and {decrease} it returned {a:.3f}, but by dice ln(delta) changes "
                f"by {change:+.4f} a step at {a + shift:.3f}."
            )


_CAUSES = {
    "reset_delta": "delta starts afresh in each epoch",
    "reset_previous": "the last gradient is forgotten at the end of each epoch",
    "swapped": "limits and functions are swapped (the largest step is held by `np.minimum`)",
    "on_flip": "on a flip the weight moves, where the published rule rests",
}


def _run(
    epochs: Sequence[NDArray],
    w: NDArray,
    *,
    reset_delta: bool = False,
    reset_previous: bool = False,
    swapped: bool = False,
    on_flip: bool = False,
    free: bool = False,
    forget: bool = True,
    late: bool = False,
    products: bool = False,
) -> tuple:
    resize = _swapped if swapped else _free if free else _resized
    delta, previous = np.full(w.shape, SMALLEST), np.zeros(w.shape)
    for gradients in epochs:
        delta = np.full(w.shape, SMALLEST) if reset_delta else delta
        previous = np.zeros(w.shape) if reset_previous else previous
        for g in gradients:
            s = g * previous if products else np.sign(g) * np.sign(previous)
            old, delta = delta, resize(delta, s)
            kept = np.where(s < 0, 0, g)
            w = w - np.sign(g if on_flip else kept) * (old if late else delta)
            previous = kept if forget else g
    return w, delta


def _mistaken_runs(epochs: Sequence[NDArray], w: NDArray) -> dict:
    def run(**bug: bool) -> tuple:
        return _run(epochs, w, **bug)

    mistakes = {}
    for some in product((False, True), repeat=len(_CAUSES)):
        bugs = dict(zip(_CAUSES, some, strict=True))
        if text := "; ".join(cause for bug, cause in _CAUSES.items() if bugs[bug]):
            mistakes[f"{text[0].upper()}{text[1:]}."] = run(**bugs)
    return mistakes | {
        "It does not forget: where the sign flips, previous becomes 0.": run(forget=False),
        "It moves on a flip and remembers it: that is Rprop-.": run(forget=False, on_flip=True),
        "It steps with the old delta: resize first, then step.": run(late=True),
        "The steps have no limits: none is over 0.006 or under 0.001.": run(free=True),
        "Only the first epoch is run: loop over all of them.": _run(epochs[:1], w),
        "The product of two tiny gradients rounds to 0: multiply their signs.": run(products=True),
        "The order is (w, delta): they came the other way round.": run()[::-1],
    }


def _check_run(answer: Callable, epochs: Sequence[NDArray], w: NDArray) -> None:
    got = answer(list(epochs), w.copy())
    if not isinstance(got, np.ndarray) or got.shape != (2, *w.shape):
        got = tuple(several(got, ("w", "delta")).values())
    compare(got, _run(epochs, w), mistakes=_mistaken_runs(epochs, w))


def run_with_flips(irprop_run: Callable, rng: Generator) -> None:
    r"""Four epochs: long agreement up to the limit, flips within an epoch and between two."""
    g = rng.uniform(0.5, 2, size=(4, 12, 5))
    g[1:3, :, 0] *= -1  # flips between epochs
    g[:, 7:9, 1] *= -1  # and within
    g[:, ::3, 2] *= -1
    g[2, 4:, 3] *= -1
    _check_run(irprop_run, g, rng.normal(size=5))


def run_by_numbers(irprop_run: Callable, rng: Generator) -> None:
    r"""Two epochs of two gradients of 1."""
    _check_run(irprop_run, np.ones((2, 2, 1)), np.zeros(1))


def run_with_noise(irprop_run: Callable, rng: Generator) -> None:
    r"""Three epochs of noisy gradients."""
    _check_run(irprop_run, 0.8 + rng.normal(size=(3, 8, 5)), rng.normal(size=5))


def run_of_tiny_gradients(irprop_run: Callable, rng: Generator) -> None:
    r"""Gradients whose products round to 0."""
    tiny = (1e-30 * (0.8 + rng.normal(size=(2, 8, 3)))).astype(np.float32)
    _check_run(irprop_run, tiny, np.zeros(3, np.float32))


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
            "After both resizings let g be 0 where the signs differ; `np.where` does that, too. "
            "That g gives the direction of the step, and is handed on.",
        ],
        package=lambda: IRpropMinus,
        adapt=_made,
        use=lambda kind: kind().step(np.ones(5000), np.ones(5000)),
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
            "Work out P(flip) once, with its factor 2, and weigh ln 1.2 by what is left of 1. "
            "`np.log` is the natural logarithm.",
        ],
    ),
    Exercise(
        id="11.3",
        title="The balance of iRprop-",
        answers=("balance",),
        checks=[
            Check("five pairs of factors", balanced),
            Check("it agrees with dice", balanced_by_dice),
        ],
        hints=[
            "A simulation is enough, with `IRpropMinus(increase, decrease, minimum=1e-200, "
            "maximum=1e200)`, many weights, and the mean of `np.log(rule.delta)` before and after. "
            "Leave out the first steps, in which nothing is settled yet.",
            "The change grows with a. So halve an interval of a, with the same dice each time: "
            "noise must not decide which half to keep.",
            "To derive it: G is plus, minus or 0. How long does the rule stay in each, if plus has "
            "probability p and minus q? Flips happen as often as visits to 0, and each visit is "
            "followed by p/q + 1 or q/p + 1 steps. In the end a flip costs 1/(pq) - 3 agreements.",
        ],
        package=lambda: _balance,
    ),
    Exercise(
        id="11.4",
        title="It should be iRprop-",
        answers=("irprop_run",),
        checks=[
            Check("four epochs, with flips within and between", run_with_flips),
            Check("two epochs, by numbers", run_by_numbers),
            Check("three noisy epochs", run_with_noise),
            Check("tiny gradients have signs too", run_of_tiny_gradients),
            Check("the start stays as it was", run_leaves_its_input),
        ],
        hints=[
            "Print w and delta after every gradient, beside what `irprop_step` does with the same "
            "gradients. Where do the two first part?",
            "Try three cases apart: gradients that agree for long, gradients that flip, and a flip "
            "or an agreement from one epoch to the next.",
            "A step size of 0.00864 is over the largest allowed. The state of a rule lives as long "
            "as the training. And which sign belongs to a weight that should rest?",
        ],
    ),
]
