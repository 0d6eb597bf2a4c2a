r"""Labs on single rules: what they do to the steps of a small network on digits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.data import load
from lrcourse.nn import Linear, Network, ReLU, Sigmoid
from lrcourse.optim import SGD, DirectionAccelerated, IRpropMinus, LayerwiseRate, multiplier
from lrcourse.widgets.labs.grids import increasing, rate_grid, shuffled_batches, train, whole

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

# ---- DA-SGD against c times the rate

WINDOW = 10  # steps averaged into a point of the curves
FACTORS = (1.0, 1.2, 1.4, 1.6, 1.7, 1.8, 1.9, 2.0, 2.2, 2.4, 2.7)
ACCELERATION_VERDICTS = (
    "SGD is slower: the curves are {gap} % apart. Another multiple brings them closer.",
    "The curves are one: {gap} % apart. DA-SGD was a larger rate in disguise.",
    "SGD is faster: the curves are {gap} % apart. Another multiple brings them closer.",
    "The rate is too large: a loss is not a finite number any more.",
)


def acceleration_outcomes(
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] = (4, 16, 64),
    factors: Sequence[float] = FACTORS,
    *,
    steps: int = 250,
    goal: float = 3.0,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""DA-SGD at rate η and SGD at rate c η on the digits, for all settings at once.

    Runs with the same batch size start from the same weights and see the same batches, so their
    curves differ only by the rule. The network is 64-16-10 with ReLU.

    learning_rates: L positive numbers in increasing order. batch_sizes: B whole numbers in
    increasing order. factors: C values of c in increasing order. steps: a multiple of ten. goal:
    how close the curves must be, in percent. rng: draws the weights and the batches (default:
    `numpy.random.default_rng(0)`).

    Returns `accelerated` (L, B, points), the mean loss of the mini-batches over ten steps each, and
    `plain` (L, B, C, points), the same of SGD; `gap` (L, B, C), the mean distance of their
    logarithms, in percent; `gaps` (L, B, C), the same as a curve over c; `best` (L, B), the factor
    with the smallest gap; `final` (L, B), and over (L, B, C) `diverged` (0: no run is cut short),
    `reached` and `verdict`.
    """
    rates = increasing("learning rates", learning_rates)
    factors = increasing("factors", factors)
    data = load("digits").train
    sizes = whole("batch sizes", batch_sizes, len(data.y))
    if steps % WINDOW:
        raise ValueError(f"The steps must be a multiple of {WINDOW}; got {steps}.")
    rng = np.random.default_rng(0) if rng is None else rng
    eta = rates[:, None].astype(np.float32)
    larger = (rates[:, None] * factors).reshape(-1, 1).astype(np.float32)
    seed = rng.integers(2**32)
    accelerated, plain = [], []
    for size in sizes:
        batches = shuffled_batches(len(data.y), size, steps, rng)
        for rule, own, curves in [
            (DirectionAccelerated(), eta, accelerated),
            (SGD(), larger, plain),
        ]:
            layers = [Linear(64, 16), ReLU(), Linear(16, 10)]
            network = Network(layers, np.random.default_rng(seed), runs=len(own))
            curves.append(train(network, rule, own, data, batches, WINDOW))
    shape = (len(rates), len(sizes), len(factors))
    accelerated = np.stack(accelerated, axis=1)
    plain = np.stack(plain, axis=1).reshape(len(rates), len(factors), len(sizes), -1)
    plain = plain.swapaxes(1, 2)
    with np.errstate(all="ignore"):
        ahead = np.log(plain / accelerated[:, :, None])
    gap = 100 * np.abs(ahead).mean(axis=-1)
    final = accelerated[..., -1]
    reached = gap < goal
    wild = ~np.isfinite(gap)
    verdict = np.select([wild, reached, ahead.mean(axis=-1) > 0], [3, 1, 0], 2)
    return {
        "accelerated": accelerated,
        "plain": plain,
        "gap": gap.astype(np.float32),
        "gaps": gap,
        "best": factors[np.nan_to_num(gap, nan=np.inf).argmin(axis=-1)].astype(np.float32),
        "final": final.astype(np.float32),
        "diverged": np.zeros(shape, np.uint8),
        "reached": reached,
        "verdict": verdict.astype(np.uint8),
    }


def acceleration(learning_rate: float = 0.04, batch_size: int = 16, factor: float = 1.0) -> Lab:
    r"""Lab: DA-SGD at a learning rate against SGD at `factor` times that rate.

    learning_rate, batch_size, factor: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, sizes, steps = rate_grid(0.01, 0.3)[::4], (4, 16, 64), 250
    outcomes = acceleration_outcomes(rates, sizes, steps=steps)
    both, all_three = ("learning_rate", "batch_size"), ("learning_rate", "batch_size", "factor")
    shared = ("accelerated", "gaps", "best", "final")
    tables = {name: (both if name in shared else all_three, a) for name, a in outcomes.items()}
    tables["step"] = ((), np.arange(WINDOW / 2, steps, WINDOW))
    tables["factors"] = ((), np.array(FACTORS))
    tables["present"] = (("factor",), np.array(FACTORS))
    return Lab(
        title="Same direction, go faster",
        controls=[
            Control("factor", "rate of SGD, as a multiple", FACTORS, factor),
            Control("learning_rate", "rate of DA-SGD", rates, learning_rate),
            Control("batch_size", "batch size", sizes, batch_size),
        ],
        tables=tables,
        panels=[
            {
                "kind": "curves",
                "x": axis("step", 0, steps),
                "y": axis("loss of the mini-batches", 0.03, 5, log=True),
                "lines": [
                    {"x": "step", "y": "accelerated", "series": 0, "label": "DA-SGD"},
                    {"x": "step", "y": "plain", "series": 1, "label": "SGD at the multiple"},
                ],
            },
            {
                "kind": "curves",
                "x": axis("rate of SGD, as a multiple", 0.95, 2.75),
                "y": axis("distance of the curves, %", 0, 30),
                "lines": [
                    {"x": "factors", "y": "gaps"},
                    {"x": "factors", "y": "gaps", "scatter": True, "series": 0},
                ],
                "limits": [{"table": "present", "label": "here"}],
                "secret": "Reveal shows all multiples",
            },
        ],
        verdicts=ACCELERATION_VERDICTS,
        alt="Left: loss against step for DA-SGD and for SGD at a multiple of its rate. Right: how "
        "far apart the two curves are, for every multiple.",
        goal="a multiple at which the two curves are less than 3 % apart.",
        caption="Solid: DA-SGD, which adds the mean of two gradients in a row where their signs "
        "agree. Dashed: plain SGD on the same batches from the same start, at the chosen multiple "
        "of the rate. Each point is the mean of ten steps.",
        reveal={
            "name": "multiple",
            "control": "factor",
            "table": "best",
            "question": "Guess first: which multiple makes plain SGD the same?",
            "answer": "Closest here: {best}. Theory, for Gaussian noise: 1.82 where noise rules, 2 "
            "without any. Small batches lie lower: many of their gradients are exactly 0.",
        },
    )


# ---- a rate for each layer

ACTIVATIONS = {"ReLU": ReLU, "sigmoid": Sigmoid}
INITIALIZATIONS = ("kaiming", "xavier", "normal")
WIDTHS = (64, 24, 24, 24, 10)
SNAPSHOTS = (1, 10, 30, 100, 150)  # steps after which the norms are shown
LAYER_VERDICTS = (
    "It crawls: loss {final}; plain SGD {plain_final}, at {mean} times the rate {larger_final}.",
    "It learns: loss {final}; plain SGD {plain_final}, at {mean} times the rate {larger_final}.",
    "It is too fast: loss {final}; plain SGD {plain_final}, at {mean} times the rate "
    "{larger_final}.",
    "It is stuck near the loss of a guess, 2.3: loss {final}; plain SGD {plain_final}, at {mean} "
    "times the rate {larger_final}.",
)


def layer_outcomes(
    learning_rates: Sequence[float],
    *,
    steps: int = 150,
    goal: float = 0.7,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""A rate for each layer against plain SGD, in a network of four layers on the digits.

    Plain SGD runs twice: at the same rate η, and at η times the mean over layers and steps of the
    layers' multipliers. All runs see the same batches of 32.

    learning_rates: L positive numbers in increasing order. steps: a multiple of ten, at least 150.
    goal: an upper bound on the mean loss of the last ten steps. rng: draws weights and batches
    (default: `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, 2 activations, 3 initializations): `norm` and `rate`
    (..., 5 snapshots, 4 layers), the gradient's norm and the rate of each layer; `layerwise`,
    `plain` and `larger` (..., steps / 10), their mean losses over ten steps; `mean`, the mean
    multiplier; `final`, `plain_final`, `larger_final`, `diverged` (0: no run is cut short),
    `reached`, `verdict`.
    """
    rates = increasing("learning rates", learning_rates)
    rng = np.random.default_rng(0) if rng is None else rng
    data = load("digits").train
    batches = shuffled_batches(len(data.y), 32, steps, rng)
    seed = rng.integers(2**32)
    eta = np.tile(rates, len(INITIALIZATIONS))[:, None].astype(np.float32)
    parts: dict[str, list] = {}

    def build(activation: str, init: str, runs: int | None) -> Network:
        layers = []
        for fan_in, fan_out in pairwise(WIDTHS):
            layers += [Linear(fan_in, fan_out, init), ACTIVATIONS[activation]()]
        return Network(layers[:-1], np.random.default_rng(seed), runs)

    for activation in ACTIVATIONS:
        each = [build(activation, init, None).w for init in INITIALIZATIONS]
        first = np.repeat(each, len(rates), axis=0)
        network = build(activation, INITIALIZATIONS[0], len(first))
        slices = LayerwiseRate(SGD(), network.parts).layers
        mean, found = 1.0, {}
        for name in ("layerwise", "plain", "larger"):
            network.w[...] = first
            rule = LayerwiseRate(SGD(), network.parts) if name == "layerwise" else SGD()
            own = eta * mean if name == "larger" else eta
            loss, norms = np.empty((steps, len(first))), []
            with np.errstate(over="ignore", invalid="ignore"):
                for step, batch in enumerate(batches):
                    loss[step] = network.loss_and_gradient(data.x[batch], data.y[batch])
                    network.g[~np.isfinite(network.g)] = 0  # a diverged run stays where it is
                    if name == "layerwise":
                        norms.append([np.linalg.norm(network.g[:, l], axis=1) for l in slices])
                    rule.step(network.w, network.g, own)
            found[name] = loss.reshape(-1, WINDOW, len(first)).mean(axis=1).T
            if name == "layerwise":
                norm = np.moveaxis(norms, -1, 0)  # (runs, steps, layers)
                mean = multiplier(norm).mean(axis=(1, 2))[:, None].astype(np.float32)
                found["norm"] = norm[:, [step - 1 for step in SNAPSHOTS]]
                found["rate"] = eta[:, :, None] * multiplier(found["norm"])
                found["mean"] = mean[:, 0]
        for name, array in found.items():
            array = array.reshape(len(INITIALIZATIONS), len(rates), *array.shape[1:])
            parts.setdefault(name, []).append(np.moveaxis(array, 0, 1))
    outcomes = {name: np.stack(arrays, axis=1) for name, arrays in parts.items()}
    ends = {"final": "layerwise", "plain_final": "plain", "larger_final": "larger"}
    for name, curve in ends.items():
        outcomes[name] = outcomes[curve][..., -1].astype(np.float32)
    final = outcomes["final"]
    fast = np.arange(len(rates))[:, None, None] > np.nanargmin(final, axis=0)
    outcomes["diverged"] = np.zeros(final.shape, np.uint8)
    outcomes["reached"] = final < goal
    outcomes["verdict"] = np.select([final < goal, ~(final < 2.2), fast], [1, 3, 2], 0).astype(
        np.uint8
    )
    return outcomes


def layers(learning_rate: float = 0.018, activation: str = "ReLU", init: str = "xavier") -> Lab:
    r"""Lab: the gradient norm and the rate of each layer, and what layer-wise rates gain.

    learning_rate, activation, init: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, goal, steps = rate_grid(0.01, 1.0)[::5], 0.7, 150
    outcomes = layer_outcomes(rates, steps=steps, goal=goal)
    three = ("learning_rate", "activation", "init")
    tables = {name: (three, array) for name, array in outcomes.items()}
    for name in ("norm", "rate"):
        tables[name] = ((*three, "snapshot"), outcomes[name])
    tables["step"] = ((), np.arange(WINDOW / 2, steps, WINDOW))
    names = [f"layer {k}" for k in range(1, len(WIDTHS))]
    return Lab(
        title="A rate for each layer",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("snapshot", "bars at step", SNAPSHOTS, 1),
            Control("activation", "activation", list(ACTIVATIONS), activation, "select"),
            Control("init", "initialization", INITIALIZATIONS, init, "select"),
        ],
        tables=tables,
        panels=[
            {
                "kind": "bars",
                "x": axis("", -0.5, len(names) - 0.5) | {"names": names},
                "y": axis("gradient norm, rate", 1e-5, 100, log=True),
                "bars": [
                    {"table": "norm", "label": "norm of the gradient"},
                    {"table": "rate", "label": "rate of the layer"},
                ],
            },
            {
                "kind": "curves",
                "x": axis("step", 0, steps),
                "y": axis("loss of the mini-batches", 0.03, 10, log=True),
                "lines": [
                    {"x": "step", "y": "plain", "series": 1, "label": "plain SGD"},
                    {"x": "step", "y": "larger", "series": 2, "label": "plain SGD, mean rate"},
                    {"x": "step", "y": "layerwise", "series": 0, "label": "a rate for each layer"},
                ],
                "level": {"value": goal, "label": "goal"},
            },
        ],
        verdicts=LAYER_VERDICTS,
        alt="Left: the norm of the gradient and the learning rate of each of four layers, as bars "
        "on a log axis. Right: loss against step for a rate for each layer, for plain SGD, and for "
        "plain SGD at the mean of those rates.",
        goal=f"mean loss of the last ten steps under {goal:g}.",
        caption="Left: norms may spread over decades from layer to layer, while the rates, "
        "1 + ln(1 + 1 / norm) times the learning rate, spread little. Right: compare with the "
        "dotted line. It is plain SGD at the mean of those rates, the fair control.",
    )


# ---- the steps of iRprop-

RATIOS = (1.0, 6.0, 100.0, 10000.0)
BINS = 24
IRPROP_VERDICTS = (
    "It crawls: loss {final}. {smallest} % of the weights take the smallest step, {largest} % the "
    "largest.",
    "It learns: loss {final}. {smallest} % of the weights take the smallest step, {largest} % the "
    "largest.",
    "It is thrown about: loss {final}. {smallest} % of the weights take the smallest step, "
    "{largest} % the largest.",
)


def irprop_outcomes(
    minima: Sequence[float],
    ratios: Sequence[float] = RATIOS,
    batch_sizes: Sequence[int] = (4, 16, 64, 256),
    *,
    steps: int = 100,
    goal: float = 0.2,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""The step sizes of iRprop- with its limits, for all settings at once.

    Runs with limits a and b equal runs with limits 1 and b / a at learning rate a, so all runs
    with the same ratio are stacked. The first step is the smallest one. The network
    is 64-16-10 with ReLU on the digits.

    minima: L smallest steps, ratios: R of the largest step to it, at least 1, batch_sizes: B whole
    numbers; all in increasing order. goal: an upper bound on the mean loss of the last ten steps.
    rng: draws the weights and the batches (default: `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, R, B): `shares` (..., 24), the share of the weights in bins
    of equal width on a log axis from 1e-6 to 1; `smallest`, `largest`, the shares at the limits in
    percent; `loss` (..., steps / 10), `final`, `diverged` (0: no run is cut short), `reached`,
    `verdict`; and `maximum` (L, R), the largest step.
    """
    minima, ratios = increasing("smallest steps", minima), increasing("ratios", ratios)
    if ratios[0] < 1:
        raise ValueError(f"The largest step is at least the smallest; got a ratio of {ratios[0]}.")
    data = load("digits").train
    sizes = whole("batch sizes", batch_sizes, len(data.y))
    rng = np.random.default_rng(0) if rng is None else rng
    seed = rng.integers(2**32)
    rate = minima[:, None].astype(np.float32)
    shape = (len(minima), len(ratios), len(sizes))
    loss, shares = np.empty((*shape, steps // WINDOW)), np.empty((*shape, BINS))
    ends = {name: np.empty(shape, np.float32) for name in ("smallest", "largest")}
    for b, size in enumerate(sizes):
        batches = shuffled_batches(len(data.y), size, steps, rng)
        for r, ratio in enumerate(ratios):
            rule = IRpropMinus(minimum=1.0, maximum=float(ratio), initial=1.0)
            layers = [Linear(64, 16), ReLU(), Linear(16, 10)]
            network = Network(layers, np.random.default_rng(seed), runs=len(minima))
            loss[:, r, b] = train(network, rule, rate, data, batches, WINDOW)
            place = (np.log10(rate * rule.delta) + 6) / 6 * BINS
            bins = place.astype(int).clip(0, BINS - 1)
            shares[:, r, b] = [np.bincount(row, minlength=BINS) / row.size for row in bins]
            ends["smallest"][:, r, b] = 100 * (rule.delta <= 1.0).mean(axis=1)
            ends["largest"][:, r, b] = 100 * (rule.delta >= ratio).mean(axis=1)
    final = loss[..., -1]
    fast = np.arange(len(minima))[:, None, None] > final.argmin(axis=0)
    return {
        "shares": shares,
        **ends,
        "loss": loss,
        "final": final.astype(np.float32),
        "diverged": np.zeros(shape, np.uint8),
        "reached": final < goal,
        "verdict": np.select([final < goal, fast], [1, 2], 0).astype(np.uint8),
        "maximum": minima[:, None] * ratios,
    }


def irprop(minimum: float = 0.0001, ratio: float = 6.0, batch_size: int = 64) -> Lab:
    r"""Lab: the histogram of iRprop-'s step sizes with its limits, after 100 mini-batches.

    minimum, ratio, batch_size: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    minima, sizes, steps, goal = rate_grid(1e-6, 0.1)[::5], (4, 16, 64, 256), 100, 0.25
    outcomes = irprop_outcomes(minima, RATIOS, sizes, steps=steps, goal=goal)
    three = ("minimum", "ratio", "batch_size")
    tables = {name: (three, array) for name, array in outcomes.items()}
    tables["maximum"] = (three[:2], outcomes["maximum"].astype(np.float32))
    tables["lower"] = (three[:1], np.array(minima, np.float32))
    tables["step"] = ((), np.arange(WINDOW / 2, steps, WINDOW))
    return Lab(
        title="The steps of iRprop-",
        controls=[
            Control("minimum", "smallest step", minima, minimum),
            Control("batch_size", "batch size", sizes, batch_size),
            Control(
                "ratio", "largest step", RATIOS, ratio, "select", [f"{r:g} times" for r in RATIOS]
            ),
        ],
        tables=tables,
        panels=[
            {
                "kind": "bars",
                "touching": True,
                "x": axis("step size of a weight", 1e-6, 1, log=True),
                "y": axis("share of the weights", 0, 1),
                "bars": [{"table": "shares"}],
                "limits": [
                    {"table": "lower", "label": "smallest"},
                    {"table": "maximum", "label": "largest"},
                ],
            },
            {
                "kind": "curves",
                "x": axis("step", 0, steps),
                "y": axis("loss of the mini-batches", 0.03, 10, log=True),
                "lines": [{"x": "step", "y": "loss", "dots": True}],
                "level": {"value": goal, "label": "goal"},
            },
        ],
        verdicts=IRPROP_VERDICTS,
        alt="Left: histogram of the step sizes of all weights on a log axis, with both limits. "
        "Right: loss against step on a log axis.",
        goal=f"mean loss of the last ten steps under {goal:g}.",
        caption=f"Left: the step sizes of all weights after {steps} mini-batches. Small batches "
        "flip signs, and flips push the steps down to the smallest: then the lower limit is the "
        "learning rate. (Weights of pixels that are always blank never leave it.) "
        "Right: the loss on the way, each point the mean of ten steps.",
    )
