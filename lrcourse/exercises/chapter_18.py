r"""Checks of chapter 18, The hidden rate."""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse import nn
from lrcourse.data import load
from lrcourse.exercises import (
    RETURNED_NONE,
    Check,
    Exercise,
    Wrong,
    call_unchanged,
    compare,
    compare_call,
    several,
)

# ---- the angle of a step


def own_turn(before: NDArray, after: NDArray) -> float:
    r"""Return the angle between two weight arrays, taken as vectors, in radians.

    .. math:: \theta = 2 \arcsin \frac{1}{2} \left\lVert \frac{u}{|u|} - \frac{v}{|v|} \right\rVert

    Args:
        before: weights, any shape, not all 0.
        after: weights of the same shape.

    The chord keeps its digits at small angles, where the cosine is 1 to rounding.
    """
    u, v = (np.ravel(each).astype(float) for each in (before, after))
    chord = np.linalg.norm(u / np.linalg.norm(u) - v / np.linalg.norm(v))
    return float(2 * np.arcsin(min(1.0, chord / 2)))


def _mistaken_turns(before: NDArray, after: NDArray) -> dict:
    u, v = np.ravel(before).astype(float), np.ravel(after).astype(float)
    theta = own_turn(before, after)
    cosine = math.cos(theta)
    lengths = np.linalg.norm(u), np.linalg.norm(v)
    mistakes = {
        "The angle is in degrees; it should be in radians.": math.degrees(theta),
        "This is the cosine of the angle: take the arccosine.": cosine,
        "This is 1 minus the cosine, not the angle.": 1 - cosine,
        "This is the sine of the angle.": math.sin(theta),
        "This is the length of the step, not an angle.": float(np.linalg.norm(v - u)),
        "This is the length of the step over that of the weights: it also counts a change of "
        "length, which is no turn.": float(np.linalg.norm(v - u) / lengths[0]),
        "This is twice the angle.": 2 * theta,
        "This is half the angle.": theta / 2,
    }
    with np.errstate(all="ignore"):
        once = u @ v
        for text, below in (
            ("The lengths are missing: divide the product by both.", 1.0),
            ("Only the length of `before` is divided by.", lengths[0]),
            ("Only the length of `after` is divided by.", lengths[1]),
            ("It divides by squared lengths.", (lengths[0] * lengths[1]) ** 2),
        ):
            mistakes[text] = float(np.arccos(np.clip(once / below, -1, 1)))
        if np.ndim(before) == 2:
            spectral = np.linalg.norm(before, 2) * np.linalg.norm(after, 2)
            mistakes[
                "`np.linalg.norm(W, 2)` of a matrix is its largest singular value: the vector has "
                "the root of the sum of all squares."
            ] = float(np.arccos(np.clip(once / spectral, -1, 1)))
            rows = [own_turn(*pair) for pair in zip(before, after, strict=True)]
            mistakes["This is the mean angle of the rows: take all entries as one vector."] = float(
                np.mean(rows)
            )
    return mistakes


def turn_by_numbers(turn: Callable, rng: Generator) -> None:
    r"""The angle of a triangle 3, 4, 5."""
    compare_call(turn, (np.array([0.4, 0.0]), np.array([0.3, 0.4])), own_turn, _mistaken_turns)


def turn_of_matrices(turn: Callable, rng: Generator) -> None:
    r"""Arrays of weights, at small and large angles."""
    for size in (2.0, 0.5, 0.02):
        before = 0.2 * rng.normal(size=(4, 3))
        after = 0.5 * before + 0.2 * size * rng.normal(size=(4, 3))
        compare_call(turn, (before, after), own_turn, _mistaken_turns, tolerance=1e-5)


def turn_of_nothing(turn: Callable, rng: Generator) -> None:
    r"""Weights that only change in length, where rounding may leave the arccosine's range."""
    for _ in range(40):
        before = rng.normal(size=7)
        got = turn(before.copy(), 0.9 * before)
        if got is None:
            raise Wrong(RETURNED_NONE)
        if np.isnan(np.asarray(got, float)).any():
            raise Wrong(
                "Weights that only shrink give nan: rounding makes the cosine a little more than "
                "1, and no angle has that cosine."
            )
        if np.abs(np.asarray(got, float)).max() > 1e-6:
            raise Wrong(f"Weights that only shrink do not turn; it returned {float(got):.2g}.")


def turn_of_more_than_a_quarter(turn: Callable, rng: Generator) -> None:
    r"""Obtuse angles, and weights that turn around."""
    obtuse = np.array([0.4, 0.0]), np.array([-0.3, 0.4])
    through = "Angles above a quarter of a full turn have a cosine below 0: let it through."
    acute = {through: np.pi / 2}
    compare(turn(*(each.copy() for each in obtuse)), own_turn(*obtuse), mistakes=acute)
    for _ in range(40):
        before = rng.normal(size=7)
        nan = "Weights that turn around give nan: rounding makes the cosine a little less than -1."
        compare(turn(before.copy(), -0.9 * before), np.pi, mistakes=acute | {nan: np.nan})


def turn_of_a_short_step(turn: Callable, rng: Generator) -> None:
    r"""Float32 weights, as networks have them, and a thousandth of a radian."""
    before = rng.normal(size=(40, 30)).astype(np.float32)
    across = rng.normal(size=(40, 30))
    across -= (across * before).sum() / (before**2).sum() * before
    step = 1e-3 * np.linalg.norm(before) / np.linalg.norm(across) * across
    after = (before + step).astype(np.float32)
    right = own_turn(before, after)
    got = turn(before.copy(), after.copy())
    compare(got, right, mistakes=_mistaken_turns(before, after), tolerance=1.0)
    if abs(float(got) / right - 1) > 0.01:
        raise Wrong(
            f"A turn of {right:.6f} between float32 weights comes out as {float(got):.6f}. Near 1 "
            "the cosine has few digits in float32: compute in float64."
        )


def turn_leaves_its_input(turn: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    before, after = rng.normal(size=(2, 5))
    call_unchanged(turn, before=before, after=after)


# ---- the balance

BALANCE = ("norm", "angle")


def own_balance(rate: float, decay: float, pull: float) -> tuple[float, float]:
    r"""Return norm and angle of a scale-invariant weight vector in balance.

    .. math:: (1 - \eta\lambda)^2 n^2 + \eta^2 G^2 / n^2 = n^2 \qquad \cos\theta = 1 - \eta\lambda

    Args:
        rate: the learning rate.
        decay: the weight decay; rate times decay is above 0 and below 1.
        pull: G, the length of the gradient at weights of length 1.
    """
    kept = 1 - rate * decay
    norm = (rate**2 * pull**2 / (1 - kept**2)) ** 0.25
    return norm, math.acos(kept)


def _mistaken_balance(rate: float, decay: float, pull: float) -> dict[str, dict]:
    kept, small = 1 - rate * decay, 2 * rate * decay
    gone = 1 - kept**2
    norm, angle = own_balance(rate, decay, pull)
    return {
        "norm": {
            "The gradient has length `pull` only where w has length 1: at n it is pull / n.": (
                rate * pull / math.sqrt(gone)
            ),
            "This is the square of the norm.": norm**2,
            "This is the fourth power of the norm.": norm**4,
            "The norm leaves out the square of rate * decay: right for a small product, but asked "
            "for is the exact one.": (rate * pull**2 / (2 * decay)) ** 0.25,
            "The rate is missing before the gradient.": (pull**2 / gone) ** 0.25,
            "The pull counts with its square, as the step does in Pythagoras.": (
                (rate**2 * pull / gone) ** 0.25
            ),
            "Pythagoras adds squares: the shrunken w counts with (1 - rate * decay)**2.": (
                (rate**2 * pull**2 / (1 - kept)) ** 0.25
            ),
            "This is the length between decay and step: take that after both.": kept * norm,
            "The gradient is taken at the shrunken w here: take it before, at the length n.": (
                norm / math.sqrt(kept)
            ),
            "Norm and angle are exchanged.": angle,
        },
        "angle": {
            "The angle is in degrees; it should be in radians.": math.degrees(angle),
            "The angle is right for a small product only, sqrt(2 * rate * decay): asked for is the "
            "exact one.": math.sqrt(small),
            "This is the sine of the angle: the step over the *new* length. Take the arcsine.": (
                math.sin(angle)
            ),
            "This is the tangent of the angle, the step over the shrunken length.": math.tan(angle),
            "This is the cosine of the angle.": kept,
            "The step is divided by the old length: the right angle of the triangle stands at the "
            "shrunken w.": math.atan(math.sin(angle)),
            "This is the square of the angle.": angle**2,
            "This is the step over the length, not an angle.": math.sin(angle),
        },
    }


def _check_balance(answer: Callable, *given: float) -> None:
    values = several(answer(*given), BALANCE)
    right = dict(zip(BALANCE, own_balance(*given), strict=True))
    for name in BALANCE:
        mistakes = _mistaken_balance(*given)[name]
        compare(values[name], right[name], mistakes=mistakes, what=f"the {name}")


def balance_by_numbers(balance: Callable, rng: Generator) -> None:
    r"""A triangle with sides 0.8, 0.6 and 1."""
    _check_balance(balance, 0.5, 0.4, 1.2)


def balance_of_others(balance: Callable, rng: Generator) -> None:
    r"""Other rates, decays and pulls."""
    for given in ((0.7, 0.3, 2.5), (2.0, 0.02, 0.3), (0.05, 8.0, 4.0)):
        _check_balance(balance, *given)


def balance_stays(balance: Callable, rng: Generator) -> None:
    r"""One more step of that length and angle ends where it began."""
    rate, decay, pull = 0.3, 0.5, 1.7
    norm = float(several(balance(rate, decay, pull), BALANCE)["norm"])  # type: ignore[arg-type]
    if not norm > 0:
        raise Wrong(f"The norm should be above 0; it is {norm:.3g}.")
    after = math.hypot((1 - rate * decay) * norm, rate * pull / norm)
    if abs(after / norm - 1) > 1e-6:
        raise Wrong(
            f"Weights of length {norm:.4f} have length {after:.4f} after a step at rate {rate}, "
            f"decay {decay} and pull {pull}: in balance it would be the same.",
            named=False,
        )


# ---- halve the rate


def _walk(power: float, pull: float, start: float, spread: float, rng: Generator) -> Callable:
    # The norm of weights whose gradients are at right angles, of length pull / n**power and noisy.
    def run(rate: float, decay: float, steps: int) -> NDArray:
        n2, norms = start**2, np.empty(int(steps))
        noise = pull**2 * rng.lognormal(-(spread**2) / 2, spread, size=int(steps))
        kept, squared = (1 - rate * decay) ** 2, rate**2
        for k in range(int(steps)):
            n2 = kept * n2 + squared * noise[k] / n2**power
            norms[k] = n2
        return np.sqrt(norms)

    return run


def own_halving_factor(run: Callable, rate: float, decay: float) -> float:
    r"""Return the balanced norm at half the rate and twice the decay, over that at the given ones.

    Args:
        run: ``run(rate, decay, steps)`` returns the norm after each step, an array.
        rate: the learning rate.
        decay: the weight decay.
    """
    steps = int(25 / (rate * decay))
    before, after = run(rate, decay, steps), run(rate / 2, 2 * decay, steps)
    return float(np.mean(after[steps // 5 :]) / np.mean(before[steps // 5 :]))


NEAR, MOST = 0.03, 80
# The power of the length by which gradients get shorter; the start; rate and decay.
WALKS = ((1.0, 9.0, 0.5, 0.01), (0.0, 0.2, 0.1, 0.05), (0.5, 8.0, 1.0, 0.008))


def halving_of_walks(halving_factor: Callable, rng: Generator) -> None:
    r"""Three kinds of gradients, three starts far from the balance."""
    for power, start, rate, decay in (
        (1.0, 9.0, 0.5, 0.01),
        (0.0, 0.2, 0.1, 0.05),
        (0.5, 8, 1, 0.008),
    ):
        _check_halving(halving_factor, power, start, rate, decay, rng)


def _check_halving(
    answer: Callable, power: float, start: float, rate: float, decay: float, rng: Generator
) -> None:
    asked: list[tuple[float, float, int]] = []
    walk = _walk(power, 1.3, start, 0.7, rng)
    most = MOST / (rate * decay)

    def run(rate: float, decay: float, steps: int) -> NDArray:
        if not (np.isfinite([rate, decay, steps]).all() and 0 < rate * decay < 1 and steps >= 1):
            raise Wrong(
                "`run` takes a rate and a decay above 0 with a product below 1, and a number of "
                f"steps; it was asked for {rate:.3g}, {decay:.3g} and {steps:.3g}."
            )
        asked.append((float(rate), float(decay), int(steps)))
        if sum(steps for _, _, steps in asked) > most + 1:
            raise Wrong(f"It asks for more than {most:.0f} steps, {MOST} / (rate * decay).")
        return walk(rate, decay, steps)

    found = answer(run, rate, decay)
    if found is None:
        raise Wrong(RETURNED_NONE)
    try:
        found = float(found)
    except (TypeError, ValueError):
        raise Wrong(f"It should return one number, not {found!r:.40}.") from None
    right = 0.25 ** (1 / (2 + 2 * power))
    if abs(found / right - 1) <= NEAR:
        return
    told = f"At rate {rate:g} and decay {decay:g} it finds {found:.3f}; the balance has {right:.3f}"
    products = {round(r * d / (rate * decay), 6) for r, d, _ in asked}
    if not asked:
        raise Wrong(f"It runs nothing: the factor is to be measured with `run`. {told}.")
    if products != {1.0}:
        raise Wrong(f"Rate times decay should stay the same in every run. {told}.")
    if abs(found * right - 1) <= NEAR:
        raise Wrong(f"The factor is upside down: new norm over old norm. {told}.")
    if abs(found / right**2 - 1) <= NEAR:
        raise Wrong(f"This is the factor of the squared norm, or of a quarter of the rate. {told}.")
    if max(steps for _, _, steps in asked) < 3 / (rate * decay):
        raise Wrong(
            f"The longest run has {max(s for _, _, s in asked)} steps, and 1 / (rate * decay) is "
            f"{1 / (rate * decay):.0f}: the norm is still on its way. {told}."
        )
    raise Wrong(
        f"{told}. Leave out the steps on which the norm is on its way, and average over many of "
        "the others, since each is noisy."
    )


# ---- a rate and a decay for a wish

TARGET, ROOM, BLOCK, STEPS, SEEDS, HEAVY = 0.1, 0.15, 50, 300, 3, 3.0


@functools.cache
def _digits() -> tuple[NDArray, NDArray]:
    return load("digits").train


@functools.lru_cache(maxsize=64)
def _turned(rate: float, decay: float, seed: int, heavy: float) -> NDArray:
    x, y = _digits()
    rng = np.random.default_rng(seed)
    network = nn.Network([nn.Linear(64, 32), nn.BatchNorm(32), nn.ReLU(), nn.Linear(32, 10)], rng)
    size = network.parts[0].slice.stop
    w, rest = network.w[:size], network.w[size:]
    w *= heavy
    angles = np.empty(STEPS)
    with np.errstate(all="ignore"):
        for t in range(STEPS):
            batch = rng.integers(len(y), size=32)
            network.loss_and_gradient(x[batch], y[batch])
            before = w.copy()
            w *= 1 - rate * decay
            w -= rate * network.g[:size]
            rest -= 0.1 * network.g[size:]
            angles[t] = own_turn(before, w)
    angles.flags.writeable = False
    return angles


def turned(rate: float, decay: float, seed: int = 0) -> NDArray:
    r"""Train as exercise 18.4 has it, and return the angle of each of 300 steps.

    Args:
        rate: of the first matrix, with plain steps; all else has 0.1.
        decay: of the first matrix, times the rate; all else has none.
        seed: of the start and the batches.
    """
    return _turned(float(rate), float(decay), int(seed), HEAVY).copy()


def by_block(rate: float, decay: float, seeds: Sequence[int], heavy: float = HEAVY) -> NDArray:
    r"""Return the root mean square of the angles in each block of 50 steps, over several seeds.

    Args:
        rate: as for ``turned``.
        decay: as for ``turned``.
        seeds: whose runs are taken together.
        heavy: by how much the first matrix is too large at the start.
    """
    runs = np.array([_turned(rate, decay, seed, heavy) for seed in seeds])
    return np.sqrt((runs.reshape(len(seeds), -1, BLOCK) ** 2).mean(axis=(0, 2)))


def _chosen(choose: Callable) -> tuple[float, float]:
    got = several(choose(), ("rate", "decay"))
    values = []
    for name, value in got.items():
        if np.shape(value) != () or not 0 < float(value) < math.inf:  # type: ignore[arg-type]
            raise Wrong(f"The {name} should be one number above 0, not {value!r:.40}.")
        values.append(float(value))  # type: ignore[arg-type]
    if values[0] * values[1] >= 1:
        raise Wrong("Rate times decay is 1 or more: one step would turn the weights around.")
    return values[0], values[1]


def choice_is_two_numbers(choose: Callable, rng: Generator) -> None:
    r"""A rate and a decay."""
    _chosen(choose)


def choice_turns_as_wished(choose: Callable, rng: Generator) -> None:
    r"""Every block of 50 steps after the first, on three other seeds."""
    rate, decay = _chosen(choose)
    blocks = by_block(rate, decay, range(100, 100 + SEEDS))
    low, high = TARGET * (1 - ROOM), TARGET * (1 + ROOM)
    if ((blocks[1:] >= low) & (blocks[1:] <= high)).all():
        return
    shown = ", ".join(f"{block:.3f}" for block in blocks[1:])
    told = f"Steps 51 to 300 turn by {shown} (blocks of {BLOCK}); wanted is {low:.3f} to {high:.3f}"
    wished = math.sqrt(2 * rate * decay)
    if abs(wished / TARGET - 1) > ROOM:
        raise Wrong(
            f"{told}. Whatever the start, this product of rate and decay leads to another angle."
        )
    if low <= blocks[1] <= high:
        raise Wrong(f"{told}. The start fits; let rate times decay lead nearer to {TARGET:g}.")
    if blocks[0] > high:
        raise Wrong(
            f"{told}. The product fits, but the first steps are far too large for weights of this "
            "length: they make them much longer, and only decay makes them shorter again."
        )
    raise Wrong(
        f"{told}. The product fits, but the weights are longer than in its balance, and only decay "
        "makes them shorter. Which ratio of rate and decay has its balance where they start?"
    )


# ---- AdamW

BUGS = {
    "through": "the decay is divided by the root of the second moment: it should stand beside "
    "Adam's step, as large for every weight",
    "all": "gamma and beta decay too: only the weights of matrices should",
    "peak": "the decay is multiplied by the largest rate: it should follow the schedule, with the "
    "rate of this step",
}


def _adamw(
    w: NDArray,
    names: Sequence[str],
    gradient: Callable,
    rates: NDArray,
    decay: float,
    *,
    through: bool = False,
    all: bool = False,
    peak: bool = False,
    biases: bool = False,
    inside: bool = False,
    after: bool = False,
    plain: bool = False,
    none: bool = False,
    shrunk: bool = False,
    uncorrected: bool = False,
    root: bool = False,
) -> NDArray:
    w = np.array(w, dtype=float)
    m, v = np.zeros_like(w), np.zeros_like(w)
    ends = ("W", "gamma", "beta", "b") if biases else ("W", "gamma", "beta") if all else ("W",)
    share = decay * np.array([name.endswith(ends) for name in names]) * (not none)
    for t, rate in enumerate(rates, start=1):
        g = np.asarray(gradient(w * (1 - rate * share * shrunk)), dtype=float)
        if inside:
            g = g + share * w
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        b1, b2 = (0, 0) if uncorrected else (0.9, 0.999)
        v_hat = v / (1 - b2**t)
        size = np.sqrt(v_hat + 1e-8) if root else np.sqrt(v_hat) + 1e-8
        step = rate * m / (1 - b1**t) / size
        pull = (1.0 if plain else max(rates) if peak else rate) * share * (not inside)
        late = pull * step if after else 0.0
        w = w - step - pull * w / (size if through else 1) + late
    return w


def own_adamw(
    w: NDArray, names: Sequence[str], gradient: Callable, rates: NDArray, decay: float
) -> NDArray:
    r"""Return the weights after a step of AdamW for each rate, with its default betas.

    Args:
        w: the start, (P,).
        names: of the P weights; those that end in W belong to matrices, and decay.
        gradient: ``gradient(w)``.
        rates: of each step.
        decay: times the rate of the step, beside Adam's own step.
    """
    return _adamw(w, names, gradient, rates, decay)


class _Bowl:
    """A bowl with a curvature for each weight and noise, which counts how often it is asked."""

    def __init__(self, rng: Generator, steps: int) -> None:
        self.names = ["0.W"] * 3 + ["0.b"] + ["1.gamma"] * 2 + ["1.beta"] + ["3.W"] * 2 + ["3.b"]
        self.w = rng.normal(size=10) + 2
        self.curvature = 10.0 ** rng.uniform(-2, 1, size=10)
        self.curvature[[1, 4]] = 1e-8  # as small as epsilon
        self.noise = rng.normal(size=(steps, 10)) * self.curvature
        self.rates = 0.1 * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
        self.calls = 0

    def gradient(self, w: NDArray) -> NDArray:
        noise = self.noise[self.calls % len(self.noise)]
        self.calls += 1
        return self.curvature * np.asarray(w, dtype=float) + noise

    def run(self, **bugs: bool) -> NDArray:
        self.calls = 0
        return _adamw(self.w, self.names, self.gradient, self.rates, 0.4, **bugs)


def _check_adamw(answer: Callable, world: _Bowl) -> None:
    mistakes = {}
    for some in product((False, True), repeat=len(BUGS)):
        bugs = dict(zip(BUGS, some, strict=True))
        if any(some):
            text = "; ".join(cause for bug, cause in BUGS.items() if bugs[bug])
            mistakes[f"{text[0].upper()}{text[1:]}."] = world.run(**bugs)
    others = {
        "Biases decay too: only the weights of matrices should.": dict(biases=True),
        "The decay is part of the gradient here, so Adam divides it by the root of its second "
        "moment: it should stand beside the step.": dict(inside=True),
        "The decay is not multiplied by any rate.": dict(plain=True),
        "Nothing decays.": dict(none=True),
        "The gradient is taken after the weights have shrunk: take it before.": dict(shrunk=True),
        "The moments are not corrected for their start at 0.": dict(uncorrected=True),
        "Adam's 1e-8 stands beside the root, not in it.": dict(root=True),
    }
    mistakes |= {text: world.run(**options) for text, options in others.items()}
    right = world.run()
    world.calls = 0
    got = answer(world.w.copy(), list(world.names), world.gradient, world.rates.copy(), 0.4)
    if world.calls != len(world.rates):
        raise Wrong(
            f"{len(world.rates)} rates are {len(world.rates)} steps and as many gradients; it "
            f"asked for {world.calls}."
        )
    shrunk_last = "The weights shrink after the step: here they shrink before it, as in torch."
    compare(got, right, mistakes=mistakes | {shrunk_last: world.run(after=True)})


def adamw_on_a_bowl(adamw: Callable, rng: Generator) -> None:
    r"""Twelve steps with a cosine."""
    _check_adamw(adamw, _Bowl(rng, 12))


def adamw_for_longer(adamw: Callable, rng: Generator) -> None:
    r"""Forty steps, with a warm-up."""
    world = _Bowl(rng, 40)
    world.rates *= np.minimum(1, np.arange(1, 41) / 10)
    _check_adamw(adamw, world)


def adamw_leaves_its_input(adamw: Callable, rng: Generator) -> None:
    r"""The start stays as it was."""
    world = _Bowl(rng, 3)
    call_unchanged(
        lambda w: adamw(w, list(world.names), world.gradient, world.rates, 0.4), w=world.w
    )


EXERCISES = [
    Exercise(
        id="18.1",
        title="The angle of a step",
        answers=("turn",),
        checks=[
            Check("by numbers", turn_by_numbers),
            Check("matrices, at small and large angles", turn_of_matrices),
            Check("weights that only shrink", turn_of_nothing),
            Check("more than a quarter of a full turn", turn_of_more_than_a_quarter),
            Check("a short step in float32", turn_of_a_short_step),
            Check("the inputs stay as they were", turn_leaves_its_input),
        ],
        hints=[
            "What do you know about the scalar product of two vectors of length 1?",
            "The scalar product over both lengths is the cosine. All entries of the arrays count, "
            "in whatever shape they come. Which cosines can rounding lead to?",
            "`np.ravel` and `astype(float)` first. Then `np.arccos` of the cosine, which "
            "`np.clip` keeps between -1 and 1.",
        ],
        package=lambda: own_turn,
        use=lambda turn: turn(np.ones(2000, np.float32), np.arange(2000, dtype=np.float32)),
    ),
    Exercise(
        id="18.2",
        title="The balance",
        answers=("balance",),
        checks=[
            Check("a triangle 0.8, 0.6, 1", balance_by_numbers),
            Check("other rates, decays and pulls", balance_of_others),
            Check("one more step ends where it began", balance_stays),
        ],
        hints=[
            "Draw the triangle: the shrunken w, the step at right angles to it, and the new w. "
            "Which of its sides are equally long in balance?",
            "Old and new w both have length n, the shrunken one (1 - rate * decay) n, and the step "
            "rate * pull / n. Write Pythagoras down and solve for n. And the cosine at the origin?",
            "n**4 is (rate * pull)**2 over 1 - (1 - rate * decay)**2. The cosine is the shrunken "
            "length over the new one.",
        ],
        package=lambda: own_balance,
    ),
    Exercise(
        id="18.3",
        title="Halve the rate, keep the product",
        answers=("halving_factor",),
        checks=[Check("three kinds of gradients", halving_of_walks)],
        hints=[
            "How long does it take until the norm has forgotten where it began?",
            "Two runs: the old pair, and half the rate with twice the decay. Leave out the first "
            "steps, as many as a few times 1 / (rate * decay).",
            "Let both runs have some 25 / (rate * decay) steps, and take the mean of the norms of "
            "all but the first fifth. Which over which?",
        ],
        package=lambda: own_halving_factor,
    ),
    Exercise(
        id="18.4",
        title="An angle by appointment",
        answers=("rate_and_decay",),
        checks=[
            Check("a rate and a decay", choice_is_two_numbers),
            Check("steps 51 to 300, on other seeds", choice_turns_as_wished),
        ],
        hints=[
            "Two conditions, two numbers. Which combination of rate and decay sets the angle, and "
            "which one the norm?",
            "The product is settled by the angle. Now try some rates with that product: the angle "
            "of the first steps says whether the weights are too long or too short for it.",
            "Print `turned(rate, product / rate)` in blocks of 50 for rates a factor of 2 apart, "
            "and narrow down: too small at first means that the rate should be larger.",
        ],
    ),
    Exercise(
        id="18.5",
        title="Find three bugs",
        answers=("adamw",),
        checks=[
            Check("twelve steps with a cosine", adamw_on_a_bowl),
            Check("forty steps with a warm-up", adamw_for_longer),
            Check("the start stays as it was", adamw_leaves_its_input),
        ],
        hints=[
            "Follow the decay alone, as if all gradients were small: by which factor does each "
            "weight shrink in one step, and which weights?",
            "Compare with the two formulas above, term by term: what is divided by the root, and "
            "which rate stands before the decay?",
            "Print which names decay. Then look at the last line: the fraction and the rate in it.",
        ],
        package=lambda: own_adamw,
    ),
]
