r"""Labs on the scale of what a network sees: whitened patches, and BatchNorm's stable range."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.data import load
from lrcourse.nn import BatchNorm, Linear, Network, ReLU
from lrcourse.optim import SGD
from lrcourse.whitening import ZCA
from lrcourse.widgets.labs.grids import increasing, rate_grid, shuffled_batches, train, whole

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

# ---- ZCA's epsilon

SIZE, SHOWN, STRONG = 16, 5, 30
WHITENING_VERDICTS = (
    "Hardly whitened: the {strong}th axis keeps a variance of only {kept}; no axis is stretched "
    "more than {stretch} times.",
    "Whitened where there is signal: the {strong}th axis has variance {kept}, and no axis is "
    "stretched more than {stretch} times.",
    "Noise is blown up: the faintest axis is stretched {stretch} times.",
)


def whitening_outcomes(
    epsilons: Sequence[float], *, kept: float = 0.9, stretch: float = 20.0, count: int = 2000
) -> dict[str, np.ndarray]:
    r"""ZCA of real colour patches, halved to 16 x 16, for every epsilon.

    epsilons: E positive numbers in increasing order. kept, stretch: the goal: the least variance
    along the 30th strongest axis, and the most that any axis may be stretched. count: patches
    to fit.

    Returns over (E,): `white` (E, 5, 16, 16, 3), five whitened patches as bytes, mid-grey for 0
    and three standard deviations to black or white; `after` (E, 768), the variance along each axis,
    λ / (λ + ε); `kept`, its 30th; `stretch`, 1 / √(λ + ε) at the faintest axis; `diverged` (0),
    `reached`, `verdict`; and `raw` (5, 16, 16, 3), `before` (768,), λ.
    """
    epsilons = increasing("epsilons", epsilons)
    patches = load("patches").train
    step = len(patches.x) // count
    x = patches.x[::step].reshape(-1, SIZE, 2, SIZE, 2, 3).mean(axis=(2, 4))
    x = x.reshape(len(x), -1)
    shown = x[np.linspace(0, len(x) - 1, SHOWN).astype(int)]
    zca = ZCA(float(epsilons[0])).fit(x)
    variance = zca.eigenvalues.clip(0)
    # One fit is enough: epsilon only changes how much each axis is stretched.
    along = (shown - x.mean(axis=0)) @ zca.eigenvectors
    stretched = 1 / np.sqrt(variance + epsilons[:, None])
    white = (along * stretched[:, None]) @ zca.eigenvectors.T
    white = white / (3 * white.std(axis=(1, 2), keepdims=True))
    after = variance * stretched**2
    enough, calm = after[:, STRONG - 1] >= kept, stretched[:, -1] <= stretch
    image = (SHOWN, SIZE, SIZE, 3)
    return {
        "white": np.rint(127.5 * (1 + white.clip(-1, 1))).astype(np.uint8).reshape(-1, *image),
        "after": after,
        "kept": after[:, STRONG - 1].astype(np.float32),
        "stretch": stretched[:, -1].astype(np.float32),
        "diverged": np.zeros(len(epsilons), np.uint8),
        "reached": enough & calm,
        "verdict": np.select([~enough, calm], [0, 1], 2).astype(np.uint8),
        "raw": np.rint(255 * shown).astype(np.uint8).reshape(image),
        "before": variance.astype(np.float32),
    }


def whitening(epsilon: float = 1.0) -> Lab:
    r"""Lab: ZCA's epsilon on real colour patches.

    epsilon: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    epsilons = [float(f"{10 ** (k / 4):.2g}") for k in range(-32, 5)]
    outcomes = whitening_outcomes(epsilons)
    fixed = ("raw", "before")
    tables = {n: (() if n in fixed else ("epsilon",), a) for n, a in outcomes.items()}
    tables["after"] = (("epsilon",), outcomes["after"].astype(np.float32)[:, ::3])
    tables["before"] = ((), outcomes["before"][::3])
    tables["axis"] = ((), np.arange(1, outcomes["after"].shape[1] + 1, 3, dtype=np.float32))
    tables["strong"] = ((), np.float32(STRONG))
    return Lab(
        title="ZCA's epsilon",
        controls=[Control("epsilon", "epsilon", epsilons, epsilon)],
        tables=tables,
        panels=[
            {
                "kind": "images",
                "shape": [SIZE, SIZE, 3],
                "rows": [
                    {"table": "raw", "label": "patches of photographs"},
                    {"table": "white", "label": "the same, ZCA-whitened"},
                ],
            },
            {
                "kind": "curves",
                "x": axis("principal axis, from the strongest", 1, 768, log=True),
                "y": axis("variance along it", 1e-7, 1000, log=True),
                "lines": [
                    {"x": "axis", "y": "before", "series": 1, "label": "before"},
                    {"x": "axis", "y": "after", "series": 0, "label": "after whitening"},
                ],
                "limits": [{"table": "strong", "label": "axis 30"}],
            },
        ],
        verdicts=WHITENING_VERDICTS,
        alt="Left: five patches of photographs, and the same after ZCA whitening. Right: the "
        "variance along each principal axis before and after, on log axes.",
        goal=f"a variance of at least 0.9 along axis {STRONG}, with no axis stretched more than 20 "
        "times.",
        caption="Left: whitening takes the smooth shades away and leaves edges; with a tiny "
        "epsilon it leaves noise. Right: an axis whose variance is far below epsilon is no longer "
        "stretched to 1.",
    )


# ---- BatchNorm's stable range

WIDTHS = (64, 32, 32, 32, 10)
INITIALIZATIONS = ("kaiming", "normal")
BATCHNORM_VERDICTS = (
    "Both are slow: loss {final} with BatchNorm, {plain_final} without.",
    "Both learn: loss {final} with BatchNorm, {plain_final} without.",
    "Only BatchNorm learns: loss {final} with it, {plain_final} without.",
    "Only the network without BatchNorm learns: loss {final} with it, {plain_final} without.",
    "Too fast for both: loss {final} with BatchNorm, {plain_final} without.",
)


def batchnorm_outcomes(
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] = (8, 16, 64),
    *,
    steps: int = 120,
    goal: float = 0.7,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""A deep ReLU network on the digits with and without BatchNorm, for all settings at once.

    The network is 64-32-32-32-10; BatchNorm stands before each ReLU. Both see the same batches.

    learning_rates: L positive numbers in increasing order. batch_sizes: B whole numbers from 2 on,
    in increasing order. steps: a multiple of ten. goal: the mean loss of the last ten steps that
    counts as learnt. rng: draws weights and batches (default:
    `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, B, 2 initializations): `normal` and `plain`
    (..., steps / 10), mean losses over ten steps with and without BatchNorm; `final`,
    `plain_final`, `diverged` (0: no run is cut short), `reached` (only the network with BatchNorm
    learns), `verdict`; over (B, 2 initializations) `finals` and `plain_finals` (..., L), the
    response to the rate, at most 10, and `edge`, the largest rate at which the plain network
    learns, 0 if none does.
    """
    rates = increasing("learning rates", learning_rates)
    data = load("digits").train
    sizes = whole("batch sizes", batch_sizes, len(data.y))
    if sizes[0] < 2:
        raise ValueError("BatchNorm needs at least 2 examples in a batch; got a batch size of 1.")
    rng = np.random.default_rng(0) if rng is None else rng
    seed = rng.integers(2**32)

    def build(init: str, norm: bool, runs: int | None) -> Network:
        layers = []
        for fan_in, fan_out in pairwise(WIDTHS):
            norms = [BatchNorm(fan_out)] if norm and fan_out != WIDTHS[-1] else []
            layers += [Linear(fan_in, fan_out, init), *norms, ReLU()]
        return Network(layers[:-1], np.random.default_rng(seed), runs)

    eta = np.tile(rates, len(INITIALIZATIONS))[:, None].astype(np.float32)
    curves = {"normal": [], "plain": []}
    for size in sizes:
        batches = shuffled_batches(len(data.y), size, steps, rng)
        for name, record in curves.items():
            norm = name == "normal"
            network = build(INITIALIZATIONS[0], norm, len(eta))
            first = [build(init, norm, None).w for init in INITIALIZATIONS]
            network.w[...] = np.repeat(first, len(rates), axis=0)
            means = train(network, SGD(), eta, data, batches, window=10)
            record.append(means.reshape(len(INITIALIZATIONS), len(rates), -1).swapaxes(0, 1))
    outcomes = {name: np.stack(record, axis=1) for name, record in curves.items()}
    ends = {"final": "normal", "plain_final": "plain"}
    outcomes |= {name: outcomes[curve][..., -1].astype(np.float32) for name, curve in ends.items()}
    final, plain_final = outcomes["final"], outcomes["plain_final"]
    learns, plain_learns = final < goal, plain_final < goal
    for name in ends:
        capped = np.nan_to_num(outcomes[name], nan=10.0).clip(max=10)
        outcomes[f"{name}s"] = np.moveaxis(capped, 0, -1).astype(float)
    fast = np.arange(len(rates))[:, None, None] > np.nanargmin(final, axis=0)
    return outcomes | {
        "edge": (plain_learns * rates[:, None, None]).max(axis=0).astype(np.float32),
        "diverged": np.zeros(final.shape, np.uint8),
        "reached": learns & ~plain_learns,
        "verdict": np.select(
            [learns & plain_learns, learns, plain_learns, fast], [1, 2, 3, 4], 0
        ).astype(np.uint8),
    }


def batchnorm(learning_rate: float = 0.025, batch_size: int = 16, init: str = "kaiming") -> Lab:
    r"""Lab: the range of learning rates at which a network learns, with and without BatchNorm.

    learning_rate, batch_size, init: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, sizes, steps, goal = rate_grid(0.01, 10)[::4], (8, 16, 64), 120, 0.7
    outcomes = batchnorm_outcomes(rates, sizes, steps=steps, goal=goal)
    three = ("learning_rate", "batch_size", "init")
    shared = ("finals", "plain_finals", "edge")
    tables = {n: (three[1:] if n in shared else three, a) for n, a in outcomes.items()}
    tables["finals"] = (three[1:], outcomes["finals"])
    tables["step"] = ((), np.arange(5.0, steps, 10))
    tables["rates"] = ((), np.array(rates, np.float32))
    tables["present"] = (("learning_rate",), np.array(rates, np.float32))
    losses = axis("loss of the mini-batches", 0.03, 10, log=True)
    return Lab(
        title="BatchNorm's stable range",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("batch_size", "batch size", sizes, batch_size),
            Control("init", "initialization", INITIALIZATIONS, init, "select"),
        ],
        tables=tables,
        panels=[
            {
                "kind": "curves",
                "x": axis("step", 0, steps),
                "y": losses,
                "lines": [
                    {"x": "step", "y": "plain", "series": 1, "label": "without BatchNorm"},
                    {"x": "step", "y": "normal", "series": 0, "label": "with BatchNorm"},
                ],
                "level": {"value": goal, "label": "learnt"},
            },
            {
                "kind": "curves",
                "x": axis("learning rate", 0.01, 10, log=True),
                "y": losses | {"label": "loss at the end"},
                "lines": [
                    {"x": "rates", "y": "plain_finals", "series": 1, "label": "without BatchNorm"},
                    {"x": "rates", "y": "finals", "series": 0, "label": "with BatchNorm"},
                ],
                "level": {"value": goal, "label": "learnt"},
                "limits": [{"table": "present", "label": "here"}],
                "secret": "Reveal shows all rates",
            },
        ],
        verdicts=BATCHNORM_VERDICTS,
        alt="Left: loss against step on a log axis, with and without BatchNorm. Right: the loss at "
        "the end against the learning rate, for both.",
        goal="a rate at which the network learns with BatchNorm, and not without (mean loss of the "
        f"last ten steps under {goal:g}).",
        caption=f"Left: {steps} steps of a 64-32-32-32-10 network on 8x8 digits, with BatchNorm "
        "before each ReLU and without; each point is the mean of ten steps.",
        reveal={
            "name": "range",
            "control": "learning_rate",
            "table": "edge",
            "question": "Guess first: up to which rate does the network without BatchNorm learn?",
            "answer": "Without BatchNorm the largest rate that learns is {edge} (0: none does; the "
            "normal initialization is far too small for so deep a network).",
        },
    )
