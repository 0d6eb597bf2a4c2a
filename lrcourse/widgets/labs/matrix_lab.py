r"""A lab on matrices: what Newton-Schulz steps do to the singular values of a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.optim.matrix import EXACT, FAST
from lrcourse.widgets.labs.grids import increasing

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

Coefficients = tuple[float, float, float]
STEEP = (2.5, -1.5, 0.0)  # a cubic with the same fixed point as EXACT, but a slope of -2 there
SWITCH = 5  # steps after which "fast, then cubic" changes its coefficients
COEFFICIENTS: dict[str, tuple[Coefficients, Coefficients]] = {  # up to SWITCH, and after it
    "cubic": (EXACT, EXACT),
    "steep cubic": (STEEP, STEEP),
    "fast": (FAST, FAST),
    f"fast {SWITCH} times, then cubic": (FAST, EXACT),
}
BARS, POINTS, NEAR, MOST, SMALL = 12, 300, 0.01, 9, 0.01
VERDICTS = (
    "Not there yet: the bars stand between {low} and {high}.",
    "Roughly level: the bars stand between {low} and {high}.",
    "Level to a hundredth: the bars stand between {low} and {high}.",
)


def singular_value_outcomes(
    smallest: Sequence[float] = (0.001, 0.01, 0.1), steps: int = 20
) -> dict[str, np.ndarray]:
    r"""Singular values of a matrix after each Newton-Schulz step, for all coefficients.

    The matrix has twelve singular values, each the same multiple of the next, and is divided by its
    Frobenius norm. A step makes a s + b s^3 + c s^5 of each singular value s.

    smallest: the smallest singular value over the largest, R numbers below 1 in increasing order.
    steps: T, how many.

    Returns `first` (R, 12), the values before the first step; over T steps, the C choices of
    `COEFFICIENTS` and R: `bars` (T, C, R, 12), the values, `low`, `high`, `reached`, `verdict` and
    `diverged` (0: nothing runs away). `from` (300,) are values from 0.0005 to 1, and `to`
    (T, C, 300) where they end.
    """
    ratios = increasing("smallest values", smallest)
    first = ratios[:, None] ** np.linspace(0, 1, BARS)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    start = np.geomspace(0.0005, 1, POINTS)
    values = np.concatenate([first.ravel(), start])
    after = np.empty((steps, len(COEFFICIENTS), len(values)))
    for number, pair in enumerate(COEFFICIENTS.values()):
        s = values
        for step in range(steps):
            a, b, c = pair[step >= SWITCH]
            s = a * s + b * s**3 + c * s**5
            after[step, number] = s
    bars = after[..., : first.size].reshape(steps, len(COEFFICIENTS), *first.shape)
    low, high = bars.min(axis=-1), bars.max(axis=-1)
    level = (low > 1 - NEAR) & (high < 1 + NEAR)
    allowed = (np.arange(1, steps + 1) <= MOST)[:, None, None] & (ratios <= SMALL)
    return {
        "first": first,
        "bars": bars,
        "from": start,
        "to": after[..., first.size :],
        "low": low.astype(np.float32),
        "high": high.astype(np.float32),
        "diverged": np.zeros(low.shape, np.uint8),
        "reached": level & allowed,
        "verdict": np.select([level, low > 0.5], [2, 1], 0).astype(np.uint8),
    }


def singular_values(steps: int = 1, coefficients: str = "cubic", smallest: float = 0.01) -> Lab:
    r"""Lab: the singular values of a matrix as bars, after some Newton-Schulz steps.

    steps, coefficients, smallest: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    counts, ratios = range(1, 21), (0.001, 0.01, 0.1)
    outcomes = singular_value_outcomes(ratios, len(counts))
    axes = {"first": ("smallest",), "from": (), "to": ("steps", "coefficients")}
    three = ("steps", "coefficients", "smallest")
    names = [str(k) for k in range(1, BARS + 1)]
    return Lab(
        title="Level the singular values",
        controls=[
            Control("steps", "Newton-Schulz steps", list(counts), steps),
            Control("coefficients", "coefficients", list(COEFFICIENTS), coefficients, "select"),
            Control("smallest", "smallest over largest, at first", ratios, smallest),
        ],
        tables={name: (axes.get(name, three), array) for name, array in outcomes.items()},
        panels=[
            {
                "kind": "bars",
                "x": axis("singular value, largest first", -0.5, BARS - 0.5) | {"names": names},
                "y": axis("size", 0, 1.4),
                "bars": [
                    {"table": "first", "label": "of the gradient"},
                    {"table": "bars", "label": "after the steps"},
                ],
            },
            {
                "kind": "curves",
                "x": axis("size before the first step", 0.0005, 1, log=True),
                "y": axis("size after the steps", 0, 1.4),
                "lines": [
                    {"x": "from", "y": "to", "series": 1},
                    {"x": "first", "y": "bars", "scatter": True, "series": 1},
                ],
                "level": {"value": 1, "label": "1"},
            },
        ],
        verdicts=VERDICTS,
        alt="Left: twelve singular values as bars, of the gradient and after the steps. Right: "
        "where a singular value ends against where it began, with a dot for each bar.",
        goal=f"every bar within {NEAR:g} of 1 after at most {MOST} steps, where the smallest is at "
        f"most {SMALL:g} of the largest at first.",
        caption="A matrix with twelve singular values, divided by its Frobenius norm. A step makes "
        "a s + b s³ + c s⁵ of each: cubic (1.5, −0.5, 0), steep cubic (2.5, −1.5, 0), fast "
        "(3.4445, −4.775, 2.0315).",
    )
