r"""A lab on schedules: the learning rate over time, and what it does to a noisy descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse import schedules as s
from lrcourse.messages import unknown
from lrcourse.optim import SGD
from lrcourse.widgets.labs.descent_lab import SAMPLES, batch_means
from lrcourse.widgets.labs.grids import first_divergence, increasing, rate_grid, whole

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

STEPS = 200
CURVATURES = np.array([1.0, 10.0])
SCHEDULES = {
    "constant": s.Constant,
    "time-based": lambda rate: s.TimeBased(rate, decay=0.05),
    "step": lambda rate: s.Step(rate, every=40),
    "exponential": lambda rate: s.Exponential(rate, decay=0.02),
    "1 / n": s.Harmonic,
    "1 / root of n": s.InverseRoot,
    "saw-tooth": lambda rate: s.SawTooth(rate, period=40),
    "cyclical": lambda rate: s.Cyclical(rate / 20, rate, steps=25),
    "cosine": lambda rate: s.Cosine(rate, steps=STEPS),
    "warm-up, cosine": lambda rate: s.Warmup(s.Cosine(rate, steps=STEPS - 20), steps=20),
    "one cycle": lambda rate: s.OneCycle(rate, steps=STEPS),
}
VERDICTS = (
    "It is on its way: loss {final} at the last step; the constant rate has {constant_final}.",
    "It arrives, and the noise dies down: loss {final} at the last step; the constant rate has "
    "{constant_final}.",
    "The noise holds it up: loss {final} at the last step; the constant rate has {constant_final}.",
    "It diverges: at step {diverged} the loss is over 100 times its initial value.",
)
SLOW, ARRIVES, NOISY, DIVERGES = range(len(VERDICTS))


def schedule_outcomes(
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] = (1, 4, 16),
    names: Sequence[str] = tuple(SCHEDULES),
    *,
    repeats: int = 48,
    goal: float = 0.002,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""SGD on a bowl with curvatures 1 and 10 and noisy mini-batches, for all schedules at once.

    Each loss is the mean over `repeats` runs, each with its own batches, the same for all settings.

    learning_rates: L positive numbers in increasing order, the first or largest rate of each
    schedule. batch_sizes: B whole numbers in increasing order, at most 64. names: S of SCHEDULES.
    goal: an upper bound on the last loss. rng: draws the samples and the batches
    (default: `numpy.random.default_rng(0)`).

    Returns over the settings (S, L): `rate` (..., 200); over (S, L, B): `loss` (..., 201), `final`,
    `diverged`, `reached`, `verdict`; over (L, B): `constant` (..., 201) and `constant_final`.
    """
    rates = increasing("learning rates", learning_rates)
    sizes = whole("batch sizes", batch_sizes, SAMPLES)
    for name in names:
        if name not in SCHEDULES:
            raise ValueError(unknown("schedule", name, SCHEDULES))
    rng = np.random.default_rng(0) if rng is None else rng
    c = rng.normal(size=(SAMPLES, 2))
    c = 0.5 * (c - c.mean(axis=0)) / c.std(axis=0)
    centres = np.stack([batch_means(c, sizes, STEPS, rng) for _ in range(repeats)])

    def train(rate: np.ndarray) -> np.ndarray:
        # rate: (runs, steps). One row of w for each run, batch size and repeat.
        shape = (len(rate), len(sizes), repeats, 2)
        w = np.empty(shape)
        w[...] = [-2.5, 1.2]
        rows, rule, loss = w.reshape(-1, 2), SGD(), []
        for step in range(STEPS + 1):
            loss.append(0.5 * (CURVATURES * w**2).sum(axis=-1).mean(axis=-1))
            if step < STEPS:
                g = CURVATURES * (w - centres[:, :, step].swapaxes(0, 1))
                own = np.repeat(rate[:, step], shape[1] * shape[2])[:, None]
                rule.step(rows, g.reshape(-1, 2), own)
        return np.moveaxis(loss, 0, -1)

    t = np.arange(STEPS)
    rate = np.array([[SCHEDULES[name](eta)(t) for eta in rates] for name in names])
    loss = train(rate.reshape(-1, STEPS)).reshape(*rate.shape[:2], len(sizes), STEPS + 1)
    constant = train(np.repeat(rates[:, None], STEPS, axis=1))
    diverged = first_divergence(loss)
    final = loss[..., -1]
    reached = (final < goal) & (diverged == 0)
    # The share of the way along the flat axis that would be left without noise.
    left = np.exp(np.log(np.abs(1 - rate).clip(1e-9)).sum(axis=-1))[..., None]
    slow = 0.5 * (2.5 * left) ** 2 > 0.5 * final
    verdict = np.select([diverged > 0, reached, slow], [DIVERGES, ARRIVES, SLOW], NOISY)
    return {
        "rate": rate,
        "loss": loss.clip(max=1e30),
        "final": final.clip(max=1e30).astype(np.float32),
        "diverged": diverged,
        "reached": reached,
        "verdict": verdict.astype(np.uint8),
        "constant": constant.clip(max=1e30),
        "constant_final": constant[..., -1].clip(max=1e30).astype(np.float32),
    }


def schedules(schedule: str = "constant", learning_rate: float = 0.02, batch_size: int = 4) -> Lab:
    r"""Lab: schedules, drawn beside their effect on a descent with noisy mini-batches.

    schedule, learning_rate, batch_size: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, sizes, goal = rate_grid(0.01, 0.25)[::2], (1, 4, 16), 0.002
    outcomes = schedule_outcomes(rates, sizes, goal=goal)
    axes = {
        "rate": ("schedule", "learning_rate"),
        "constant": ("learning_rate", "batch_size"),
        "constant_final": ("learning_rate", "batch_size"),
    }
    three = ("schedule", "learning_rate", "batch_size")
    across = axis("step", -0.025 * STEPS, 1.025 * STEPS)
    return Lab(
        title="Schedules and noise",
        controls=[
            Control("learning_rate", "first or largest rate", rates, learning_rate),
            Control("batch_size", "batch size", sizes, batch_size),
            Control("schedule", "schedule", list(SCHEDULES), schedule, "select"),
        ],
        tables={name: (axes.get(name, three), array) for name, array in outcomes.items()},
        panels=[
            {
                "kind": "curves",
                "x": across,
                "y": axis("learning rate", 1e-4, 1, log=True),
                "lines": [{"y": "rate", "series": 0}],
            },
            {
                "kind": "curves",
                "x": across,
                "y": axis("loss, mean of 48 runs", 1e-4, 100, log=True),
                "lines": [
                    {"y": "constant", "series": 1, "label": "constant rate"},
                    {"y": "loss", "series": 0, "label": "this schedule"},
                ],
                "level": {"value": goal, "label": "goal"},
            },
        ],
        verdicts=VERDICTS,
        alt="Left: the learning rate of the schedule against step, on a log axis. Right: loss "
        "against step on a log axis, for the schedule and for a constant rate.",
        goal=f"loss under {goal} at step {STEPS}.",
        caption="Left: the schedule. Right: SGD on a bowl with curvatures 1 and 10 and noisy "
        "mini-batches. At a constant rate the loss falls fast, then stays at a level proportional "
        "to the rate. With a falling rate it keeps sinking, unless the rate falls too early.",
    )
