r"""Checks of chapter 19, No end date."""

import functools
import math
from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse import nn, schedules
from lrcourse.callbacks import LearningRateScheduler
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
from lrcourse.messages import nearest
from lrcourse.optim import EMA, Momentum, Rule, ScheduleFree
from lrcourse.papers.images import pooled, whole
from lrcourse.training import Run, fit

# ---- a mean, step by step


def own_mean_step(mean: NDArray, w: NDArray, t: int, decay: float) -> NDArray:
    r"""Return the mean of t weights, from the mean of the first t - 1 and the last.

    .. math:: \bar w \leftarrow \bar w + \frac{1 - d}{1 - d^t} (w - \bar w)

    Args:
        mean: of the weights before, with shares that fall with their age.
        w: the weights after step t.
        t: from 1.
        decay: d, a share over that of the step after it; 1 for the plain mean.
    """
    share = 1 / t if decay == 1 else (1 - decay) / (1 - decay**t)
    return mean + share * (w - mean)


def _mistaken_means(mean: NDArray, w: NDArray, t: int, decay: float) -> dict:
    total = t if decay == 1 else (1 - decay**t) / (1 - decay)
    share = 1 / total
    with np.errstate(all="ignore"):
        later = t + 1 if decay == 1 else (1 - decay ** (t + 1)) / (1 - decay)
        earlier = np.float64(t - 1 if decay == 1 else (1 - decay ** (t - 1)) / (1 - decay))
        mistakes = {
            "The shares are not made to sum to 1: w gets 1 - decay at every step, as if the mean "
            "had begun long before the first step.": mean + (1 - decay) * (w - mean),
            "The plain mean is returned whatever the decay: older weights count less.": (
                mean + (w - mean) / t
            ),
            "Old and new share are exchanged: w gets the share that belongs to the mean.": (
                w + share * (mean - w)
            ),
            "t counts from 1 here: you take one step too many.": mean + (w - mean) / later,
            "t counts from 1 here: you take one step too few.": mean + (w - mean) / earlier,
            "The sum of all shares is divided by once more: `mean` is a mean already, not a sum.": (
                (decay * mean + w) / total
            ),
            "The old mean is not multiplied by what is left for it: both shares sum to 1.": (
                mean + share * w
            ),
            "This is a sum, not a mean.": decay * mean + w,
            "The correction divides the whole result: `mean` is corrected already.": (
                (decay * mean + (1 - decay) * w) / np.float64(1 - decay**t)
            ),
        }
    return mistakes


def mean_by_numbers(mean_step: Callable, rng: Generator) -> None:
    r"""Two weights with a decay of 0.25: shares 0.2 and 0.8."""
    given = np.array([5.0, -5.0]), np.array([10.0, 0.0]), 2, 0.25
    compare_call(mean_step, given, own_mean_step, _mistaken_means)


def mean_of_a_path(mean_step: Callable, rng: Generator) -> None:
    r"""Twelve steps, each fed with its own mean, against the shares written out."""
    path = rng.normal(size=(12, 3)) + 2
    for decay in (0.9, 0.5, 0.99):
        mean = np.zeros(3)
        for t, w in enumerate(path, start=1):
            mistakes = _mistaken_means(mean, w, t, decay)
            mean = np.asarray(mean_step(mean.copy(), w.copy(), t, decay), dtype=float)
            shares = decay ** np.arange(t)[::-1]
            right = shares @ path[:t] / shares.sum()
            compare(mean, right, mistakes=mistakes, what=f"the mean of {t} weights")


def mean_without_decay(mean_step: Callable, rng: Generator) -> None:
    r"""A decay of 1 is the plain mean, in which 0 / 0 must not be taken."""
    path = rng.normal(size=(9, 2)) + 1
    mean = np.zeros(2)
    for t, w in enumerate(path, start=1):
        divides = "At a decay of 1 it gives nan: the formula is 0 / 0 there."
        alone = "At a decay of 1 it returns w alone: there all weights count alike."
        mistakes = {divides: np.full(2, np.nan), alone: w} | _mistaken_means(mean, w, t, 1.0)
        got = mean_step(mean.copy(), w.copy(), t, 1.0)
        compare(got, path[:t].mean(axis=0), mistakes=mistakes, what=f"decay 1, mean of {t} weights")
        mean = np.asarray(got, dtype=float)


def mean_leaves_its_input(mean_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    mean, w = rng.normal(size=(2, 4))
    call_unchanged(mean_step, 3, 0.9, mean=mean, w=w)


# ---- a step without a schedule

STEP = ("z", "x", "total", "y")


def own_schedule_free_step(
    z: NDArray, x: NDArray, total: float, g: NDArray, learning_rate: float, beta: float = 0.9
) -> tuple:
    r"""Return z, x, total and y after a schedule-free step, as ``ScheduleFree`` takes it.

    Args:
        z: where the plain steps have led.
        x: the mean of all z, each counted by the square of its rate.
        total: the sum of these squares.
        g: the gradient at y.
        learning_rate: of this step, 0 or more.
        beta: how near y is to x.
    """
    return _schedule_free(z, x, total, g, learning_rate, beta)


def _schedule_free(
    z: NDArray,
    x: NDArray,
    total: float,
    g: NDArray,
    rate: float,
    beta: float,
    *,
    power: int = 2,
    old_total: bool = False,
    old_z: bool = False,
    old_x: bool = False,
    exchanged: bool = False,
    uphill: bool = False,
    all_of_it: bool = False,
) -> tuple:
    new_z = z + rate * g if uphill else z - rate * g
    share = rate**power
    new_total = total + share
    with np.errstate(all="ignore"):
        c = np.float64(share) / (total if old_total else new_total)
    c = 1.0 if all_of_it else (c if np.isfinite(c) else 0.0)
    new_x = x + c * ((z if old_z else new_z) - x)
    near, far = (new_z, new_x) if exchanged else (x if old_x else new_x, new_z)
    return new_z, new_x, new_total, beta * near + (1 - beta) * far


def _mistaken_steps(*given: object) -> dict[str, dict]:
    z, x, total, g, rate, beta = given
    new_z, new_x, new_total, y = _schedule_free(*given)  # type: ignore[arg-type]
    y_before = beta * x + (1 - beta) * z

    def mistaken(name: str, **options: object) -> object:
        return dict(zip(STEP, _schedule_free(*given, **options), strict=True))[name]  # type: ignore[arg-type]

    once = "total adds up rates; it should add up their squares."
    return {
        "z": {
            "z goes uphill: subtract the rate times g.": mistaken("z", uphill=True),
            "z is still the old one.": z,
            "The rate is missing in the step of z.": z - g,
            "The step starts at x: z continues from z.": x - rate * g,
            "The step starts at y: only the gradient is taken there, z continues from z.": (
                y_before - rate * g
            ),
            "z and x are exchanged in the tuple: return (z, x, total, y).": new_x,
            "z steps by (1 - beta) of the rate: it takes a plain step with all of it.": (
                z - (1 - beta) * rate * g
            ),
        },
        "total": {
            "total is still the old one: add the square of this rate.": total,
            once: total + rate,
            "total counts steps; it should add up the squares of the rates.": total + 1,
            "total holds only this rate's square: add it to the sum.": rate**2,
        },
        "x": {
            "x takes in the old z: step first, then average.": mistaken("x", old_z=True),
            "The shares in x go with the rates; they should go with their squares.": (
                x + rate / (total + rate) * (new_z - x) if total + rate else x
            ),
            "The share of z is taken with the old total: this step's square belongs to it.": (
                mistaken("x", old_total=True)
            ),
            "x is z: it should be the mean of all z.": new_z,
            "x is still the old one.": x,
            "x takes in y in place of z.": x + rate**2 / max(new_total, 1e-300) * (y - x),
            "x is a mean with beta: its shares come from the rates.": beta * x + (1 - beta) * new_z,
        },
        "y": {
            "x and z are exchanged in y: with beta 0.9 it is near to x.": mistaken(
                "y", exchanged=True
            ),
            "y is made with the old x: let x take in z first.": mistaken("y", old_x=True),
            "y is made with the old z.": beta * new_x + (1 - beta) * z,
            "y is made of the old z and x: step first, then make y.": y_before,
            "y is x: it should be between x and z.": new_x,
            "y is z: it should be between x and z.": new_z,
        },
    }


def _check_step(answer: Callable, *given: object) -> None:
    copies = [each.copy() if isinstance(each, np.ndarray) else each for each in given]
    values = several(answer(*copies), STEP)
    right = dict(zip(STEP, _schedule_free(*given), strict=True))  # type: ignore[arg-type]
    mistakes = _mistaken_steps(*given)
    for name in ("z", "total", "x", "y"):  # each needs those before it
        compare(values[name], right[name], mistakes=mistakes[name], what=f"the value {name}")


def step_by_numbers(schedule_free_step: Callable, rng: Generator) -> None:
    r"""The example of the text."""
    z, x, g = np.array([[1.0], [2.0], [4.0]])
    _check_step(schedule_free_step, z, x, 0.75, g, 0.5, 0.9)


def step_on_its_way(schedule_free_step: Callable, rng: Generator) -> None:
    r"""Any numbers, other betas, a matrix."""
    for beta in (0.9, 0.6, 0.0):
        z, x, g = rng.normal(size=(3, 3, 2))
        _check_step(schedule_free_step, z, x, 0.7, g, 0.3, beta)


def step_at_the_start(schedule_free_step: Callable, rng: Generator) -> None:
    r"""The first step counts for all, and a rate of 0 changes nothing."""
    w, g = rng.normal(size=(2, 4))
    _check_step(schedule_free_step, w, w, 0.0, g, 0.5, 0.9)
    got = several(schedule_free_step(w.copy(), w.copy(), 0.0, g.copy(), 0.0, 0.9), STEP)
    divided = "A first rate of 0 gives nan: the share is 0 / 0 there, and nothing should move."
    for name in ("x", "y"):
        compare(got[name], w, mistakes={divided: np.full(4, np.nan)}, what=f"at rate 0, {name}")


def step_side_by_side(schedule_free_step: Callable, rng: Generator) -> None:
    r"""Three runs with a rate each, of which one has not begun to move."""
    w, g = rng.normal(size=(2, 3, 4))
    rates, total = np.array([[0.0], [0.2], [0.5]]), np.array([[0.0], [0.0], [0.3]])
    x = w + np.array([[0.0], [0.0], [0.5]])
    z_new, total_new = w - rates * g, total + rates**2
    x_new = x + np.array([[0.0], [1.0], [0.25 / 0.55]]) * (z_new - x)
    right = z_new, x_new, total_new, 0.9 * x_new + 0.1 * z_new
    try:
        answer = schedule_free_step(w.copy(), x.copy(), total.copy(), g.copy(), rates.copy(), 0.9)
    except ValueError as error:
        if "ambiguous" not in str(error):
            raise
        raise Wrong(
            "The rate and `total` may be arrays, one row for each run: an `if` or `max` over them "
            "has no single answer. `np.where` chooses row by row."
        ) from None
    got = several(answer, STEP)
    divided = "A run whose first rate is 0 gives nan: the share is 0 / 0 there."
    for name, value in zip(STEP, right, strict=True):
        wrong = np.array(value)
        wrong[0] = np.nan
        compare(got[name], value, mistakes={divided: wrong}, what=f"runs side by side, {name}")


def step_in_a_run(schedule_free_step: Callable, rng: Generator) -> None:
    r"""Its own state, handed back to it, with a rate that rises."""
    w = rng.normal(size=3)
    rule, ours = ScheduleFree(), w.copy()
    state = w.copy(), w.copy(), 0.0
    for t, g in enumerate(rng.normal(size=(15, 3))):
        rate = 0.1 * min(t, 8)
        rule.step(ours, g, rate)
        got = several(schedule_free_step(*state, g.copy(), rate, 0.9), STEP)
        state = got["z"], got["x"], got["total"]  # type: ignore[assignment]
    compare(got["y"], ours, what="the value y after 15 steps")


def step_leaves_its_input(schedule_free_step: Callable, rng: Generator) -> None:
    r"""Nothing is changed in place."""
    z, x, g, total = np.abs(rng.normal(size=(4, 2, 3)))
    call_unchanged(
        lambda z, x, total, g: schedule_free_step(z, x, total, g, 0.1, 0.9),
        z=z,
        x=x,
        total=total[:, :1],
        g=g,
    )


def _rule_by(answer: Callable) -> type[Rule]:
    class Yours(ScheduleFree):
        def update(self, w: NDArray, g: NDArray, learning_rate: float | NDArray) -> None:
            given = self.z, self.x, self.total, g, learning_rate, self.beta
            with np.errstate(all="ignore"):  # a run that diverges
                self.z, self.x, self.total, w[...] = answer(*given)

    return Yours


# ---- a run that keeps the wrong things


class _World:
    """A bowl with noise, statistics that go with the weights, and an error that knows both."""

    def __init__(self, rng: Generator, steps: int) -> None:
        self.start = rng.normal(size=3) + 3
        self.noise = rng.normal(size=(steps, 3))
        self.rates = 0.4 * np.minimum(1, np.arange(1, steps + 1) / 5)
        self.goal = rng.normal(size=3) * 0.3
        self.calls = 0

    def gradient(self, w: NDArray) -> NDArray:
        noise = self.noise[self.calls % len(self.noise)]
        self.calls += 1
        return np.array(w) + noise

    @staticmethod
    def statistics(w: NDArray) -> NDArray:
        return np.array([np.sum(w), np.sum(np.square(w))])

    def error(self, w: NDArray, measured: NDArray) -> float:
        if np.shape(measured) != (2,):
            raise Wrong("`error` takes the weights, and what `statistics` returned for them.")
        off = np.sum(np.abs(np.asarray(measured) - self.statistics(np.asarray(w))))
        return float(np.sum((w - self.goal) ** 2) + 0.1 * off)


BUGS = {
    "far": "the gradient is taken near z: with beta 0.9 the point y is nine tenths x",
    "foreign": "the statistics are those of y: they have to be measured at the weights that are "
    "kept, x",
    "alias": "`best` is the array `x` itself, which the steps that follow still change: keep a "
    "copy",
}


def _trained(
    world: _World,
    every: int,
    beta: float,
    *,
    far: bool = False,
    foreign: bool = False,
    alias: bool = False,
    kept: str = "x",
    last: bool = False,
    plain: bool = False,
    power: int = 2,
    seen: str = "",
    highest: bool = False,
) -> tuple[NDArray, NDArray]:
    world.calls = 0
    z, x, total, lowest = world.start.copy(), world.start.copy(), 0.0, math.inf
    best = measured_best = world.start
    for t, rate in enumerate(world.rates, start=1):
        y = beta * z + (1 - beta) * x if far else beta * x + (1 - beta) * z
        z = z - rate * world.gradient(y)
        total += rate**power
        x = x + (1 / t if plain else rate**power / total) * (z - x)
        if t % every == 0:
            place = {"x": x, "y": y, "z": z}[kept]
            measured = world.statistics(z if seen == "z" else y if foreign else place)
            found = world.error(place, measured) * (-1 if highest else 1)
            if found < lowest or last:
                lowest, best, measured_best = found, place, measured
    return (x if alias else best), measured_best


def _mistaken_trainings(world: _World, every: int, beta: float) -> list[tuple[str, tuple]]:
    right = _trained(world, every, beta)
    mistakes = []
    for some in product((False, True), repeat=len(BUGS)):
        bugs = dict(zip(BUGS, some, strict=True))
        if any(some):
            text = "; ".join(cause for bug, cause in BUGS.items() if bugs[bug])
            mistakes.append((f"{text[0].upper()}{text[1:]}.", _trained(world, every, beta, **bugs)))
    others = {
        "The shares in x go with the rates; they should go with their squares.": dict(power=1),
        "The statistics are those of z: they have to be measured at the weights that are kept, "
        "x.": dict(seen="z"),
        "It returns y: schedule-free is evaluated at x.": dict(kept="y"),
        "It returns z: schedule-free is evaluated at x.": dict(kept="z"),
        "It returns the last place that was measured, not the best.": dict(last=True),
        "x is the plain mean of all z: each counts by the square of its rate.": dict(plain=True),
        "It keeps the place with the highest error.": dict(highest=True),
    }
    mistakes += [
        (text, _trained(world, every, beta, **options))  # type: ignore[arg-type]
        for text, options in others.items()
    ]
    at_end = "The statistics are those of the last x, not of the one that is returned."
    mistakes.append(
        (at_end, (right[0], world.statistics(_trained(world, every, beta, alias=True)[0])))
    )
    return mistakes


def _check_training(answer: Callable, world: _World, every: int, beta: float) -> None:
    world.calls = 0
    given = world.gradient, world.statistics, world.error
    got = several(
        answer(*given, world.start.copy(), world.rates.copy(), every, beta=beta),
        ("weights", "statistics"),
    )
    if world.calls != len(world.rates):
        raise Wrong(
            f"{len(world.rates)} rates are {len(world.rates)} steps and as many gradients; it "
            f"asked for {world.calls}."
        )
    found = np.concatenate([np.ravel(np.asarray(each, float)) for each in got.values()])

    def joined(pair: tuple) -> NDArray:
        return np.concatenate([np.ravel(each) for each in pair])

    mistakes = {text: joined(pair) for text, pair in _mistaken_trainings(world, every, beta)}
    if found.shape != (5,):
        raise Wrong("Return the tuple (weights, statistics), as `suspicious_training` does.")
    compare(found, joined(_trained(world, every, beta)), mistakes=mistakes)


def _telling_worlds(rng: Generator, beta: float) -> list[tuple[_World, int]]:
    # Worlds in which the best place is not the last, and each mistake shows.
    worlds: list[tuple[_World, int]] = []
    while len(worlds) < 2:
        world, every = _World(rng, 24), 4
        right = np.concatenate(_trained(world, every, beta))
        others = [np.concatenate(pair) for _, pair in _mistaken_trainings(world, every, beta)]
        apart = min(np.abs(a - right).max() for a in others)
        distinct = min(np.abs(a - b).max() for k, a in enumerate(others) for b in others[:k])
        if apart > 1e-3 and distinct > 1e-6:
            worlds.append((world, every))
    return worlds


def training_keeps_the_best(training: Callable, rng: Generator) -> None:
    r"""Runs that are best before their end."""
    for world, every in _telling_worlds(rng, 0.9):
        _check_training(training, world, every, 0.9)


def training_with_another_beta(training: Callable, rng: Generator) -> None:
    r"""A beta of 0.7."""
    for world, every in _telling_worlds(rng, 0.7):
        _check_training(training, world, every, 0.7)


def training_leaves_its_input(training: Callable, rng: Generator) -> None:
    r"""The start stays as it was."""
    world = _World(rng, 12)
    call_unchanged(
        lambda w: training(world.gradient, world.statistics, world.error, w, world.rates, 4),
        w=world.start,
    )


# ---- a run that may be stopped

STOPS, WARM, BATCH, GOAL, SEEDS = (2, 3, 4, 5, 6), 35, 32, 18.2, 5
WIDTHS = (196, 24, 24, 24, 24, 24, 10)
WAYS = ("constant", "cosine", "line", "stable, then down", "EMA", "schedule-free")


@functools.cache
def _clothes() -> dict[str, tuple[NDArray, NDArray]]:
    data = whole("fashion-mini")
    x = pooled(data.train.x).astype(np.float32)
    held = np.arange(len(x)) % 9 == 0
    parts = {
        "train": (x[~held], data.train.y[~held]),
        "practice": (x[held], data.train.y[held]),
        "held": (pooled(data.test.x).astype(np.float32), data.test.y),
    }
    mean, spread = parts["train"][0].mean(axis=0), parts["train"][0].std(axis=0) + 0.01
    return {name: ((x - mean) / spread, y) for name, (x, y) in parts.items()}


def shape_of(way: str, steps: int, warm: int = WARM) -> schedules.Schedule:
    r"""Return the schedule of a way to train, for a rate of 1, with a warm-up before it.

    Args:
        way: one of ``WAYS``.
        steps: how many the run has.
        warm: how many of them the warm-up takes.
    """
    rest = steps - warm
    shapes: dict[str, schedules.Schedule] = {
        "cosine": schedules.Cosine(1.0, rest),
        "line": schedules.Polynomial(1.0, rest),
        "stable, then down": schedules.StableDecay(1.0, rest, math.ceil(0.3 * steps)),
    }
    return schedules.Warmup(shapes.get(way, schedules.Constant(1.0)), warm)


def rule_of(way: str) -> Rule:
    r"""Return a new rule of a way to train: momentum 0.9, its mean, or schedule-free.

    Args:
        way: one of ``WAYS``.
    """
    rules: dict[str, Callable[[], Rule]] = {
        "EMA": lambda: EMA(Momentum(0.9)),
        "schedule-free": ScheduleFree,
    }
    return rules.get(way, lambda: Momentum(0.9))()


class Watch:
    r"""A callback that measures errors after each epoch, where the rule wants to be judged.

    Args:
        parts: images and their classes, any number of such pairs.

    Attributes:
        errors: for each epoch a list with the error on each part, in percent.
    """

    def __init__(self, *parts: tuple[NDArray, NDArray]) -> None:
        self.parts, self.errors = parts, []  # type: tuple, list[list]

    def on_epoch_end(self, run: Run) -> None:
        r"""Measure at the evaluation weights, and put back those that step."""
        network, stepped = run.network, run.network.w.copy()
        network.w = run.rule.evaluation_weights(stepped)
        self.errors.append([100 - 100 * network.accuracy(*part) for part in self.parts])
        network.w = stepped


def stopped(way: str, learning_rate: float, seed: int = 0, part: str = "practice") -> list[float]:
    r"""Train as exercise 19.4 has it, and return the error after epochs 2, 3, 4, 5 and 6, in %.

    Args:
        way: one of ``WAYS``; those with a schedule end it after epoch 6.
        learning_rate: the largest of the run.
        seed: of the start and the batches.
        part: the images that judge.
    """
    if way not in WAYS:
        raise ValueError(f"There is no way {way!r}. Did you mean {nearest(str(way), WAYS)!r}?")
    data, rng = _clothes(), np.random.default_rng(seed)
    layers: list[nn.Layer] = []
    for fan_in, fan_out in pairwise(WIDTHS):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    network = nn.Network(layers[:-1], rng)
    epochs = STOPS[-1]
    steps = epochs * math.ceil(len(data["train"][1]) / BATCH)
    shape, watch = shape_of(way, steps), Watch(data[part])
    scheduler = LearningRateScheduler(lambda t: shape(t) * learning_rate, per="step")
    with np.errstate(all="ignore"):
        fit(
            network,
            data["train"],
            rule_of(way),
            learning_rate=learning_rate,
            batch_size=BATCH,
            epochs=epochs,
            rng=rng,
            callbacks=[scheduler, watch],
            progress=False,
        )
    errors = watch.errors + [[90.0]] * epochs  # a run that diverged guesses
    return [float(errors[stop - 1][0]) for stop in STOPS]


def _chosen(any_time: Callable) -> tuple[str, float]:
    got = several(any_time(), ("way", "learning_rate"))
    way, rate = got["way"], got["learning_rate"]
    if not isinstance(way, str) or way not in WAYS:
        listed = ", ".join(map(repr, WAYS))
        raise Wrong(f"The first value should be one of {listed}, not {way!r:.40}.")
    if np.shape(rate) != () or not 0 < float(rate) < math.inf:  # type: ignore[arg-type]
        raise Wrong(f"The second value should be a rate above 0, not {rate!r:.40}.")
    return way, float(rate)  # type: ignore[arg-type]


def any_time_is_a_choice(any_time: Callable, rng: Generator) -> None:
    r"""A way and a rate."""
    _chosen(any_time)


def any_time_on_held_images(any_time: Callable, rng: Generator) -> None:
    r"""The mean over five stops and five other seeds, on the test images."""
    way, rate = _chosen(any_time)
    errors = np.array([stopped(way, rate, 100 + seed, "held") for seed in range(SEEDS)])
    by_stop = errors.mean(axis=0)
    if by_stop.mean() <= GOAL:
        return
    shown = ", ".join(f"{error:.1f}" for error in by_stop)
    if errors[:, -1].max() > 60:
        why = "some run is lost, so this rate is too large for this network: try smaller ones."
    elif way in ("cosine", "line", "stable, then down") and by_stop[0] > by_stop[-1] + 2:
        why = "a way that plans its end pays for it when it is stopped early."
    else:
        why = "try rates a factor of 2 apart with `stopped`, and more than one seed and one way."
    raise Wrong(
        f"With {way!r} at {rate:g} the errors at the five stops are {shown} %, on average "
        f"{by_stop.mean():.2f}; the goal is {GOAL} %: {why}"
    )


def _any_time() -> tuple[str, float]:
    return "schedule-free", 0.35


# ---- how much a first guess may be off

CALLS, NEAR = 80, 0.15


class _Valley:
    """A made-up error over guesses: a level floor with a slant, and two walls."""

    def __init__(self, left: float, right: float, slant: float, steep: float, level: float) -> None:
        self.left, self.right, self.slant, self.steep, self.level = left, right, slant, steep, level
        self.calls = 0

    def at(self, place: NDArray | float) -> NDArray:
        """The error at a logarithm of the guess."""
        place = np.asarray(place, dtype=float)
        out = np.maximum(self.left - place, 0) + np.maximum(place - self.right, 0)
        floor = self.slant * (np.clip(place, self.left, self.right) - self.right)
        return np.minimum(self.level - floor + self.steep * out, 90.0)

    def __call__(self, guess: float) -> float:
        self.calls += 1
        if self.calls > CALLS:
            raise Wrong(f"It makes more than {CALLS} runs.")
        if np.shape(guess) != () or not 0 < float(guess) < math.inf:
            raise Wrong(f"It runs with the guess {guess!r:.40}: a guess is a number above 0.")
        return float(self.at(math.log10(float(guess))))


def _decades(valley: _Valley, low: float, high: float, slack: float) -> float:
    places = np.linspace(math.log10(low), math.log10(high), 20_001)
    errors = valley.at(places)
    good = places[errors <= errors.min() + slack]
    return float(good[-1] - good[0])


VALLEYS = (
    ((-6.3, -2.2, 0.0, 6.0, 18.0), (1e-9, 0.5, 1.0)),
    ((-3.4, -3.1, 0.0, 4.0, 20.0), (1e-8, 1.0, 2.0)),
    ((-7.0, -1.0, 0.05, 12.0, 17.0), (1e-9, 0.9, 0.5)),
    ((-12.0, -2.5, 0.0, 8.0, 19.0), (1e-8, 1e-1, 1.0)),
)


def decades_of_valleys(forgiven: Callable, rng: Generator) -> None:
    r"""Four made-up errors: wide, narrow, slanted, and wider than the range."""
    for shape, (low, high, slack) in VALLEYS:
        valley = _Valley(*shape)
        got = forgiven(valley, low, high, slack)
        right = _decades(valley, low, high, slack)
        _judge_decades(got, right, valley, (low, high, slack))


def _judge_decades(got: object, right: float, valley: _Valley, given: tuple) -> None:
    if got is None:
        raise Wrong(RETURNED_NONE)
    if np.shape(got) != ():
        raise Wrong("Return one number, the decades.")
    low, high, slack = given
    found = float(got)  # type: ignore[arg-type]
    if abs(found - right) <= NEAR:
        return
    whole = math.log10(high / low)
    if found > 0 and abs(math.log10(found) - right) <= NEAR:
        raise Wrong("It returns the factor itself: return its logarithm, the decades.")
    said = (
        f"From {low:g} to {high:g} with a slack of {slack:g} it finds {found:.2f} decades, where "
        f"{right:.2f} is expected"
    )
    if abs(found - right * math.log(10)) <= 2 * NEAR * math.log(10):
        raise Wrong(f"{said}: it counts in powers of e; a decade is a factor of ten.")
    if abs(found - whole + right) <= 0.02:
        raise Wrong("It has the guesses that are not near enough, not those that are.")
    if abs(found - whole) <= NEAR:
        raise Wrong(f"{said}: that is the whole range, not what is near enough of it.")
    if found > whole + NEAR:
        raise Wrong(f"{said}: the whole range has {whole:.2f}. Count decades, not guesses.")
    widest = max(whole / 7, 0.5)  # twice the gap of a coarse grid
    if right < 2 and found > right:
        raise Wrong(
            f"{said}: the lowest error lies in a narrow place: look closer where it is low."
        )
    if 0 < right - found <= widest:
        raise Wrong(
            f"{said}: narrow both ends down between the last guess that is near enough and the "
            "first that is not."
        )
    raise Wrong(f"{said}. Print the guesses that you find near enough, in their logarithm.")


def own_forgiven(run: Callable, low: float, high: float, slack: float) -> float:
    r"""Return the decades of guesses whose error is at most slack above the lowest.

    Args:
        run: returns the error of a guess; those near enough lie next to each other.
        low: the smallest guess.
        high: the largest.
        slack: how much above the lowest error is near enough.
    """
    places = list(np.linspace(math.log10(low), math.log10(high), 49))
    errors = [run(10**place) for place in places]
    enough = min(errors) + slack
    good = [k for k, error in enumerate(errors) if error <= enough]
    ends = []
    for k, outside in ((good[0], good[0] - 1), (good[-1], good[-1] + 1)):
        inner, outer = places[k], places[min(max(outside, 0), len(places) - 1)]
        for _ in range(8):
            middle = (inner + outer) / 2
            if run(10**middle) <= enough:
                inner = middle
            else:
                outer = middle
        ends.append(inner)
    return ends[1] - ends[0]


EXERCISES = [
    Exercise(
        id="19.1",
        title="A mean, step by step",
        answers=("mean_step",),
        checks=[
            Check("two weights, by numbers", mean_by_numbers),
            Check("a path of twelve steps", mean_of_a_path),
            Check("a decay of 1", mean_without_decay),
            Check("the inputs stay as they were", mean_leaves_its_input),
        ],
        hints=[
            "Write the mean of two weights with decay 0.5 down, then that of three. Which share "
            "does the newest have in each?",
            "The newest weight has share 1 over the sum of decay^0 to decay^(t - 1). What is left "
            "goes to the mean that you were given. At decay 1 that sum is t.",
            "`mean + share * (w - mean)`, with share (1 - decay) / (1 - decay**t), or 1 / t.",
        ],
        package=lambda: own_mean_step,
    ),
    Exercise(
        id="19.2",
        title="A step without a schedule",
        answers=("schedule_free_step",),
        checks=[
            Check("by numbers", step_by_numbers),
            Check("on its way, with other betas", step_on_its_way),
            Check("the first step, and a rate of 0", step_at_the_start),
            Check("three runs side by side", step_side_by_side),
            Check("fifteen steps with a rate that rises", step_in_a_run),
            Check("the inputs stay as they were", step_leaves_its_input),
        ],
        hints=[
            "Four lines, one for each value, in the order z, total, x, y: each needs the one "
            "before.",
            "In a mean with weights q the newest of them has the share q / (sum of all q). Here q "
            "is the square of the rate, and the sum is total, this step's square included.",
            "`x + share * (z - x)` with the new z. The share is 0 if total is 0: `np.where`, or "
            "divide by `total + (total == 0)`.",
        ],
        package=lambda: ScheduleFree,
        adapt=_rule_by,
        use=lambda kind: kind().step(np.ones(2000), np.ones(2000), 0.1),
    ),
    Exercise(
        id="19.3",
        title="Find three bugs",
        answers=("free_training",),
        checks=[
            Check("runs that are best before their end", training_keeps_the_best),
            Check("another beta", training_with_another_beta),
            Check("the start stays as it was", training_leaves_its_input),
        ],
        hints=[
            "Ask of each line: which of the three points does it need, and is it the one that is "
            "written there?",
            "What is `best` a few steps after it was set? Print it at each step.",
            "Look at y, at what `statistics` is given, and at the line that sets `best`: an "
            "assignment gives an array a second name.",
        ],
    ),
    Exercise(
        id="19.4",
        title="Stop at any time",
        answers=("any_time",),
        checks=[
            Check("a way and a rate", any_time_is_a_choice),
            Check("the mean over five stops", any_time_on_held_images),
        ],
        hints=[
            "What counts is the mean over all stops. Which ways are good before their end?",
            "This network is deeper and its batches are smaller than those above, so no rate from "
            "above need fit. Let `stopped` try a grid, a factor of 2 apart.",
            "Take the mean of `stopped(way, rate, seed)` over three seeds, for two ways that "
            "average. Choose a rate in the middle of the good ones, not at the edge.",
        ],
    ),
    Exercise(
        id="19.5",
        title="How far off may a guess be?",
        answers=("forgiven",),
        checks=[Check("four made-up errors", decades_of_valleys)],
        hints=[
            "Guesses are spread over decades, so space them evenly in their logarithm.",
            "A coarse grid finds the lowest error and the guesses near it. Each end of them lies "
            "between one grid point that is near enough and one that is not.",
            "Halve that gap some eight times, at each end, in the logarithm. At the border of the "
            "range there may be nothing to halve.",
        ],
        package=lambda: own_forgiven,
    ),
]
