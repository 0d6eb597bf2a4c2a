r"""A lab on weights behind BatchNorm: rate and decay, the length of the weights, and the angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.widgets.labs.grids import increasing, whole

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

WISH, NEAR = 1 / 16, 0.05  # the angle of the goal, and how near is near enough
LOWEST, HIGHEST = 1e-3, 1.5  # angles that are drawn
TURNING_VERDICTS = (
    "In balance a step would turn by {law}; after {steps} steps it turns by {last}, still on its "
    "way.",
    "A step turns by {last}, as it should in balance. But step 100 turned by {at_100}.",
    "A step turns by {last}, as it should in balance, and did so at step 100.",
)


def turning_outcomes(
    rates: Sequence[float],
    decays: Sequence[float],
    starts: Sequence[float],
    *,
    steps: int = 1000,
    shown: int = 80,
) -> dict[str, np.ndarray]:
    r"""Length and angle of scale-invariant weights, for every rate, decay and start.

    .. math:: n^2 \leftarrow (1 - \eta\lambda)^2 n^2 + \eta^2 / n^2 \qquad
        \tan\theta = \frac{\eta / n}{(1 - \eta\lambda)\, n}

    rates, decays, starts: R, D and S positive numbers in increasing order; each product of a rate
    and a decay is below 1. steps: how many are taken. shown: how many of them are drawn.

    Returns over (R, D, S): `norm` and `angle` (..., drawn steps), `last`, the last angle, `at_100`,
    that of step 100, `reached`, `verdict`, `diverged` (0); over (R, D): `law`, arccos(1 - ηλ); and
    `step`, the numbers of the drawn steps.
    """
    rate = increasing("rates", rates)[:, None, None]
    decay = increasing("decays", decays)[:, None]
    start = increasing("starts", starts)
    if whole("steps", [steps])[0] < 100:
        raise ValueError(f"The goal looks at step 100, so it takes 100 steps or more, not {steps}.")
    if (rate * decay).max() >= 1:
        raise ValueError("Each product of a rate and a decay must be below 1.")
    kept = 1 - rate * decay
    drawn = np.unique(np.geomspace(1, steps, shown).round().astype(int))
    squared = np.broadcast_to(start**2, (len(rates), len(decays), len(start))).copy()
    norms, angles = np.empty((2, steps, *squared.shape))
    for t in range(steps):
        angles[t] = np.arctan2(rate, kept * squared)
        squared = kept**2 * squared + rate**2 / squared
        norms[t] = np.sqrt(squared)
    law = np.arccos(kept)[..., 0]
    settled = abs(angles / law[..., None] - 1) <= NEAR
    wished = abs(angles[99:] / WISH - 1) <= NEAR
    reached = wished.all(axis=0)
    return {
        "norm": np.moveaxis(norms[drawn - 1], 0, -1),
        "angle": np.moveaxis(angles[drawn - 1], 0, -1),
        "step": drawn,
        "last": angles[-1],
        "at_100": angles[99],
        "law": law,
        "reached": reached,
        "verdict": np.where(settled[-1], 1 + settled[99:].all(axis=0), 0).astype(np.uint8),
        "diverged": np.zeros(squared.shape, np.uint8),
    }


def turning(learning_rate: float = 1, decay: float = 2**-11, start: float = 4) -> Lab:
    r"""Lab: the angle of a step over rate and decay, and length and angle over the steps.

    learning_rate, decay, start: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, decays, starts = 2.0 ** np.arange(-6, 5), 2.0 ** np.arange(-15, -4), [1, 4, 16]
    outcomes = turning_outcomes(rates, decays, starts)
    steps, pair, three = 1000, ("learning_rate", "decay"), ("learning_rate", "decay", "start")
    # Bands of a factor of 2 in the angle: their borders are the lines of equal angle.
    band = np.floor(np.log2(outcomes["last"].clip(LOWEST, HIGHEST)) + 0.5)
    low, high = (np.floor(np.log2(end) + 0.5) for end in (LOWEST, HIGHEST))
    cells = np.rint(255 * (band - low) / (high - low)).astype(np.uint8)
    tables = {
        "norm": (three, outcomes["norm"].clip(0.1, 100).astype(np.float32)),
        "angle": (three, outcomes["angle"].clip(LOWEST, HIGHEST).astype(np.float32)),
        "level": (pair, np.repeat(outcomes["law"][..., None], 2, axis=-1).astype(np.float32)),
        "ends": ((), np.array([1, steps], np.float32)),
        "step": ((), outcomes["step"].astype(np.float32)),
        "steps": ((), np.int32(steps)),
        "law": (pair, outcomes["law"].astype(np.float32)),
        "map": (("start",), cells.transpose(2, 1, 0)[:, ::-1].copy()),
        "column": (("learning_rate",), np.arange(len(rates), dtype=np.uint8)),
        "line": (("decay",), np.arange(len(decays), dtype=np.uint8)),
    }
    for name in ("last", "at_100"):
        tables[name] = (three, outcomes[name].astype(np.float32))
    for name in ("reached", "verdict", "diverged"):
        tables[name] = (three, outcomes[name])
    texts = {
        name: [f"{v:g}" if v >= 1 else f"1/{1 / v:g}" for v in values]
        for name, values in (("rate", rates), ("decay", decays))
    }

    def some(name: str, every: int, first: int) -> list[str]:
        return [text if k % every == first else "" for k, text in enumerate(texts[name])]

    return Lab(
        title="Turning",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate, texts=texts["rate"]),
            Control("decay", "decay", decays, decay, texts=texts["decay"]),
            Control("start", "length at the start", starts, start),
        ],
        tables=tables,
        panels=[
            {
                "kind": "map",
                "x": axis("learning rate", -0.5, len(rates) - 0.5) | {"names": some("rate", 3, 0)},
                "y": axis("decay", -0.5, len(decays) - 0.5) | {"names": some("decay", 6, 2)},
                "cells": "map",
                "here": ["column", "line"],
                "bar": {"low": "0.001", "high": "1", "label": "angle of step 1000"},
            },
            {
                "kind": "curves",
                "x": axis("step", 1, steps, log=True),
                "y": axis("length of w", 0.1, 100, log=True),
                "lines": [{"x": "step", "y": "norm", "series": 0}],
            },
            {
                "kind": "curves",
                "x": axis("step", 1, steps, log=True),
                "y": axis("angle of a step", LOWEST, HIGHEST, log=True),
                "lines": [
                    {"x": "ends", "y": "level", "grey": True, "label": "in balance"},
                    {"x": "step", "y": "angle", "series": 0, "label": "this run"},
                ],
            },
        ],
        verdicts=TURNING_VERDICTS,
        alt="Left: the angle of step 1000 over learning rate and decay, both on log axes, in bands "
        "of a factor of 2. Middle: the length of w against the step. Right: the angle of a step "
        "against the step, with the angle in balance.",
        goal="from step 100 to 1000 each step turns w by 1/16 (0.0625), to 5 %. Can you do it "
        "from all three starts?",
        caption="Weights whose gradient is at right angles to them and as long as 1 over their "
        "length: no network and no noise. The decay is multiplied by the rate.",
    )
