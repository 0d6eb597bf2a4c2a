r"""Checks of chapter 12, A rate for each layer."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lrcourse import nn
from lrcourse.data import halved, load
from lrcourse.exercises import (
    Check,
    Exercise,
    Wrong,
    call_unchanged,
    compare,
    compare_call,
    several,
)
from lrcourse.optim import AdaGrad, LayerwiseRate, Rule
from lrcourse.training import Run

WINDOW, LIMIT = 30, 1.8  # the plateau has ended where the mean loss of so many steps is below
GOAL = 130  # of exercise 12.4: the paper's rule needs over 200 steps at its best rate
FIVE_RATES = (25.0, 9.4, 3.5, 1.3, 0.5)  # the package's answer to exercise 12.4


def plateau_ends(rates: ArrayLike, seed: int, steps: int = 600) -> NDArray:
    r"""Train a deep sigmoid network, a rate for each layer, until it leaves its plateau.

    Args:
        rates: of the five layers, bottom to top: (5,), or (K, 5) for K runs side by side.
        seed: of the first weights and of the batches.
        steps: at most so many.

    Returns:
        The step at which the mean loss of the last 30 batches is below 1.8, shape () or (K,);
        infinite where it never is.
    """
    given = np.asarray(rates, dtype=np.float32)
    if given.shape[-1:] != (5,) or given.ndim > 2:
        raise ValueError(f"rates must have the shape (5,) or (K, 5), not {given.shape}.")
    runs, rng, (x, labels) = np.atleast_2d(given), np.random.default_rng(seed), _small_clothes()
    layers: list = []
    for fan_in, fan_out in pairwise([196, 32, 32, 32, 32, 10]):
        layers += [nn.Linear(fan_in, fan_out, "xavier"), nn.Sigmoid()]
    network = nn.Network(layers[:-1], np.random.default_rng(seed), len(runs))
    by_weight = np.repeat(runs, [layer.slice.stop - layer.slice.start for layer in layers[::2]], 1)
    ended, losses, batches = np.full(len(runs), np.inf), deque(maxlen=WINDOW), iter(())
    for step in range(1, steps + 1):
        batch = next(batches, None)
        if batch is None:
            order = rng.permutation(len(x))
            batches = iter(order[: len(order) // 64 * 64].reshape(-1, 64))
            batch = next(batches)
        with np.errstate(all="ignore"):
            losses.append(network.loss_and_gradient(x[batch], labels[batch]))
            network.w -= by_weight * network.g
        if step >= WINDOW:
            ended[np.isinf(ended) & (np.mean(losses, axis=0) < LIMIT)] = step
        if np.isfinite(ended).all():
            break
    return ended[0] if given.ndim == 1 else ended


def leaves(loss: NDArray) -> float:
    r"""Return the step at which the mean loss of the last 30 batches is below 1.8; or infinity.

    Args:
        loss: of each batch, (steps,).
    """
    sums = np.cumsum(np.pad(loss, (1, 0)))
    below = np.flatnonzero((sums[WINDOW:] - sums[:-WINDOW]) / WINDOW < LIMIT)
    return float(below[0] + WINDOW) if len(below) else np.inf


class Norms:
    r"""A callback: ``norms`` has the length of each layer's gradient, (steps, layers, K)."""

    def on_train_begin(self, run: Run) -> None:
        r"""Find the layers."""
        layers = [layer for layer in run.network.layers if hasattr(layer, "W")]
        self.parts, self.norms = [layer.slice for layer in layers], []

    def on_batch_end(self, run: Run) -> None:
        r"""Write the lengths down."""
        g = run.network.g
        self.norms.append([np.linalg.norm(g[:, part], axis=1) for part in self.parts])


class Scaled(Rule):
    r"""SGD, the rate of each layer times a given multiplier of the step.

    Args:
        m: the multipliers, (steps, layers, K).
        sizes: parameters of each layer.
    """

    state = ("taken",)

    def __init__(self, m: ArrayLike, sizes: Sequence[int]) -> None:
        self.m, self.sizes = np.asarray(m, dtype=np.float32), sizes

    def begin(self, w: NDArray) -> None:
        r"""Count from the first step."""
        self.taken = 0

    def update(self, w: NDArray, g: NDArray, learning_rate: float | NDArray) -> None:
        r"""Take a step, as every rule."""
        w -= learning_rate * np.repeat(self.m[self.taken].T, self.sizes, axis=1) * g
        self.taken += 1


@cache
def _small_clothes() -> tuple[NDArray, NDArray]:
    return halved(load("fashion-mini")).train


def _m(norm: float | NDArray) -> float | NDArray:
    return 1 + np.log1p(1 / norm)


def _mistaken_multipliers(g: NDArray) -> dict:
    norm = np.sqrt((g**2).sum())
    return {
        "The 1 + in front of the logarithm is missing.": np.log1p(1 / norm),
        "For long gradients it falls below 1, where the picture is level: a 1 + inside the "
        "logarithm is missing.": 1 + np.log(1 / norm),
        "The two parts are there, but the picture has no kink: find one formula for both.": (
            1 + np.maximum(-np.log(norm), 0)
        ),
        "Both ends are right, but not the bend: at the length 1 the picture has 1.6931.": (
            1 + np.log1p(1 / norm**2) / 2
        ),
        "The logarithm is missing: the straight part of the picture is one, on a log axis of "
        "lengths.": 1 + 1 / norm,
        "The logarithm is natural, np.log; this one has base 10.": 1 + np.log10(1 + 1 / norm),
        "The logarithm is natural, np.log; this one has base 2.": 1 + np.log2(1 + 1 / norm),
        "It grows with the gradient, and the picture falls.": 1 + np.log1p(norm),
        "It takes the square of the norm: the root is missing.": _m(norm**2),
        "It takes the root of the *mean* square; the norm is the root of the sum.": _m(
            norm / math.sqrt(g.size)
        ),
        "It takes the sum of the elements; the norm is the root of the sum of squares.": _m(
            abs(g.sum())
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
    r"""The four lengths of the picture."""
    for length, inside in ((5.0, 1.2), (0.1, 11), (1.0, 2), (0.001, 1001)):
        g = length * np.array([0.6, -0.8])
        compare_call(layer_multiplier, (g,), 1 + math.log(inside), _mistaken_multipliers)


def multiplier_of_a_matrix(layer_multiplier: Callable, rng: Generator) -> None:
    r"""All elements make one norm, whatever the shape."""
    for scale in (1e-6, 0.01, 30.0):
        g = scale * rng.normal(size=(4, 3))
        compare_call(layer_multiplier, (g,), _m(np.linalg.norm(g)), _mistaken_multipliers)


def multiplier_of_some_zeros(layer_multiplier: Callable, rng: Generator) -> None:
    r"""ReLUs leave many elements 0; others may cancel."""
    for g in (np.array([[0.0, 0.3], [0.0, -0.7]]), np.array([0.1, -0.1]), np.array([0.0, 0.6])):
        mistakes = {
            "1 is for a gradient that is 0 as a whole; here only some elements are 0, or they sum "
            "to 0.": 1.0
        }
        compare(
            layer_multiplier(g.copy()),
            _m(np.linalg.norm(g)),
            mistakes=_mistaken_multipliers(g) | mistakes,
        )


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
    rooted: bool = True,
    only_first: bool = False,
    factor: Callable = lambda part: _m(np.linalg.norm(part)),
) -> tuple[NDArray, NDArray]:
    w, old = w.copy(), S
    m = np.ones_like(w)
    for layer in layers:
        m[layer] = factor(g if whole else g[layer])
    S = S + (m**remember * g) ** 2
    used = old if late else S
    root = np.sqrt(used + epsilon) if inside else (np.sqrt(used) if rooted else used) + epsilon
    if only_first:
        moved = np.arange(len(w)) < layers[0].stop
        return np.where(moved, w - rate * m * g / root, w), np.where(moved, S, old)
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
        "The root is missing: the step divides by sqrt(S) + epsilon.": step(rooted=False),
        "Only the first layer moves: loop over all layers, and return behind the loop.": step(
            only_first=True
        ),
        "epsilon is missing, or not used as it was given: add it to the root.": (
            _adagrad(*given[:-1], 1e-8)
        ),
        "The 1 + in front of the multiplier's logarithm is missing.": step(
            factor=lambda part: np.log1p(1 / np.linalg.norm(part))
        ),
        "The multiplier takes the square of the norm: the root is missing.": step(
            factor=lambda part: _m(np.sum(part**2))
        ),
        "The multiplier takes the root of the *mean* square; the norm is the root of the sum.": (
            step(factor=lambda part: _m(np.sqrt(np.mean(part**2))))
        ),
        "The multiplier is taken of each element: a layer has one norm.": step(
            factor=lambda part: _m(np.abs(part))
        ),
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
    r"""The first step of the exercise."""
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
        got = tuple(np.asarray(each, dtype=float) for each in result)


def adagrad_leaves_its_input(adagrad_step: Callable, rng: Generator) -> None:
    r"""The caller's arrays stay."""
    w, S, g = rng.uniform(0.5, 1, size=(3, 4))
    call_unchanged(adagrad_step, 0.1, [slice(0, 2), slice(2, 4)], 1e-8, w=w, S=S, g=g)


CONTROLS = ("constant", "by_layer", "by_step")
AXES = ((0, 1), 0, 1)


def own_controls(m: NDArray) -> tuple[NDArray, ...]:
    r"""Return the multipliers m, (steps, layers, K), averaged in the three ways of exercise 12.3.

    Args:
        m: the multipliers of K runs.
    """
    return tuple(np.broadcast_to(m.mean(axis=axis, keepdims=True), m.shape) for axis in AXES)


def _mistaken_controls(m: NDArray) -> dict[str, list[NDArray]]:
    # For each sentence the value of each of the three that the mistake produces.
    def each(mean: Callable) -> list[NDArray]:
        return [np.broadcast_to(mean(m, axis=axis, keepdims=True), m.shape) for axis in AXES]

    constant, by_layer, by_step = own_controls(m)
    over_runs = [
        np.broadcast_to(m.mean(axis=axis, keepdims=True), m.shape)
        for axis in ((0, 1, 2), (0, 2), (1, 2))
    ]
    return {
        "It averages over the runs too; they have nothing to do with each other.": over_runs,
        "It is a sum; take the mean.": each(np.sum),
        "It is the median; its mean is not that of m.": each(np.median),
        "It is the geometric mean; its mean is not that of m.": [
            np.exp(logs) for logs in own_controls(np.log(m))
        ],
        "`by_layer` and `by_step` are exchanged: by layer there is one number for each layer, at "
        "all steps.": [constant, by_step, by_layer],
        "`constant` and `by_layer` are exchanged: the constant is one number for a whole run.": [
            by_layer,
            constant,
            by_step,
        ],
        "`constant` and `by_step` are exchanged: the constant is one number for a whole run.": [
            by_step,
            by_layer,
            constant,
        ],
        "These are the multipliers themselves: nothing is averaged.": [m, m, m],
        "It is the multipliers of the first step; take the mean over the steps.": [
            constant,
            np.broadcast_to(m[:1], m.shape),
            by_step,
        ],
        "It is the multipliers of the last step; take the mean over the steps.": [
            constant,
            np.broadcast_to(m[-1:], m.shape),
            by_step,
        ],
        "It is the bottom layer's alone; take the mean over the layers.": [
            constant,
            by_layer,
            np.broadcast_to(m[:, :1], m.shape),
        ],
        "It is divided by the mean over all: then the mean is 1, and the control steps less far.": [
            value / constant for value in (constant, by_layer, by_step)
        ],
    }


def _check_controls(controls: Callable, m: NDArray) -> None:
    got = call_unchanged(controls, m=m)
    if isinstance(got, np.ndarray) and got.shape == m.shape:
        raise Wrong(f"It should return three arrays, ({', '.join(CONTROLS)}), and not one.")
    if not isinstance(got, np.ndarray):
        got = list(several(got, CONTROLS).values())
    for number, (name, right) in enumerate(zip(CONTROLS, own_controls(m), strict=True)):
        if np.shape(got[number]) != m.shape:
            raise Wrong(
                f"`{name}` has the shape {np.shape(got[number])}, not that of m, {m.shape}: keep "
                "the axes that you average over (`keepdims=True`) and repeat the means along them."
            )
        mistakes = {sentence: three[number] for sentence, three in _mistaken_controls(m).items()}
        named = {
            text if text.startswith("`") else f"`{name}`: {text}": value
            for text, value in mistakes.items()
        }
        compare(got[number], right, mistakes=named, what=f"`{name}`")


def controls_of_several_runs(controls: Callable, rng: Generator) -> None:
    r"""Five steps, three layers, four runs."""
    _check_controls(controls, rng.uniform(1, 9, size=(5, 3, 4)))


def controls_by_numbers(controls: Callable, rng: Generator) -> None:
    r"""The example of the exercise."""
    _check_controls(controls, np.array([[[4.0], [2.0]], [[3.0], [1.0]]]))


def five_rates_in_form(five_rates: Callable, rng: Generator) -> None:
    r"""Five numbers above 0."""
    _five(five_rates)


def five_rates_end_the_plateau(five_rates: Callable, rng: Generator) -> None:
    r"""Three seeds that the learner has not seen."""
    rates = _five(five_rates)
    steps = np.mean([plateau_ends(rates, seed, 300) for seed in (31, 32, 33)])
    if steps <= GOAL:
        return
    seen = f"at step {steps:.0f} in the mean" if np.isfinite(steps) else "not within 300 steps"
    ratio = rates[0] / rates[-1]
    if ratio < 1:
        cause = "The top layer has the largest rate, and it has the largest gradient already."
    elif ratio < 5:
        cause = "The rates are nearly alike, while the gradients lie a hundredfold apart."
    elif np.isfinite(steps):
        cause = "Try a wider split, and all five larger."
    else:
        cause = "Print the update ratio of each layer: is one far above, or far below the others?"
    raise Wrong(f"On three other seeds the plateau ends {seen}; the goal is {GOAL}. {cause}")


def _five(five_rates: Callable) -> NDArray:
    got = five_rates()
    with suppress(TypeError, ValueError):
        rates = np.asarray(got, dtype=float)
        if rates.shape == (5,) and not (np.isfinite(rates) & (rates > 0)).all():
            raise Wrong(f"Each rate must be a finite number above 0; it returned {rates.tolist()}.")
    compare(got, np.zeros(5), tolerance=1e300)  # any five numbers
    return np.asarray(got, dtype=float)


def _rates_by(answer: Callable) -> type[LayerwiseRate]:
    class Yours(LayerwiseRate):
        def update(self, w: NDArray, g: NDArray, learning_rate: float | NDArray) -> None:
            m = np.ones_like(w)
            for row, gradient in zip(np.atleast_2d(m), np.atleast_2d(g), strict=True):
                for layer in self.layers:
                    row[layer] = answer(gradient[layer])
            self.rule.update(w, g, learning_rate * m)

    return Yours


def _adagrad_by(answer: Callable) -> Callable[[], LayerwiseRate]:
    class Yours(LayerwiseRate):
        state = ("S",)

        def __init__(self) -> None:
            super().__init__(AdaGrad())

        def begin(self, w: NDArray) -> None:
            super().begin(w)
            self.S = np.zeros_like(w)

        def update(self, w: NDArray, g: NDArray, learning_rate: float | NDArray) -> None:
            rates = np.broadcast_to(learning_rate, (*w.shape[:-1], 1)).reshape(-1)
            rows = zip(*(np.atleast_2d(each) for each in (w, self.S, g)), rates, strict=True)
            for own_w, own_S, own_g, rate in rows:
                own_w[:], own_S[:] = answer(own_w, own_S, own_g, float(rate), self.layers)

    return Yours


EXERCISES = [
    Exercise(
        id="12.1",
        title="The rule from its picture",
        answers=("layer_multiplier",),
        checks=[
            Check("the four lengths of the picture", multiplier_by_numbers),
            Check("a matrix, small and large", multiplier_of_a_matrix),
            Check("some elements are 0", multiplier_of_some_zeros),
            Check("a gradient of zeros", multiplier_of_zeros),
            Check("the gradient stays as it was", multiplier_leaves_its_input),
        ],
        hints=[
            "On the left m falls by the same amount from each length to ten times that. Which "
            "function does so, and what is the amount? Far to the right, what is m?",
            "Take 1 away from the four values of m, and undo the logarithm: `np.exp(m - 1)`. What "
            "do these four numbers have to do with the lengths?",
            "They are 1001, 11, 2 and 1.2. The array gives one length; the exception asks whether "
            "that is 0, and not whether single elements are.",
        ],
        package=lambda: LayerwiseRate,
        adapt=_rates_by,
    ),
    Exercise(
        id="12.2",
        title="Right once, then wrong",
        answers=("adagrad_step",),
        checks=[
            Check("a later step, three layers", adagrad_of_a_later_step),
            Check("the first step of the exercise", adagrad_by_numbers),
            Check("two steps in a row", adagrad_of_two_steps),
            Check("the inputs stay as they were", adagrad_leaves_its_input),
        ],
        hints=[
            "Print `S` after the first step, and compare it with the table.",
            "Write the step of one layer as a formula, with everything put in. How often does m "
            "stand in it, above and below the line?",
            "S adds up raw gradients, and the rate alone has m.",
        ],
        package=lambda: lambda: LayerwiseRate(AdaGrad()),
        adapt=_adagrad_by,
    ),
    Exercise(
        id="12.3",
        title="Three controls",
        answers=("controls",),
        checks=[
            Check("five steps, three layers, four runs", controls_of_several_runs),
            Check("the numbers of the exercise", controls_by_numbers),
        ],
        hints=[
            "For each of the three: which of steps and layers does it still tell apart? Over the "
            "others you take a mean. Never over the runs.",
            "The three axes are steps, layers, runs: 0, 1 and 2. `mean` takes an axis, or a tuple "
            "of them, and `keepdims=True` leaves them there with the length 1.",
            "`np.broadcast_to` repeats an axis of length 1 up to a shape that you name.",
        ],
        package=lambda: own_controls,
    ),
    Exercise(
        id="12.4",
        title="Beat the rule with five numbers",
        answers=("five_rates",),
        checks=[
            Check("five rates", five_rates_in_form),
            Check("the plateau ends early with other seeds", five_rates_end_the_plateau),
        ],
        hints=[
            "Look at the update ratios of the five layers. Which of them hold the network up?",
            "Choose rates that make the five ratios roughly equal, and try them with "
            "`plateau_ends`.",
            "Then multiply all five by one number, up and down, and keep the best.",
        ],
        package=lambda: lambda: FIVE_RATES,
    ),
]
