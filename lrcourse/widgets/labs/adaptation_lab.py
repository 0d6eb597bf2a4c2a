r"""A lab on adaptive rates: what a flat and a steep weight each make of one learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.optim import SGD, AdaDelta, AdaGrad, Adam, RMSprop
from lrcourse.widgets.labs.descent_lab import CONTOURS, ellipses, path_panel
from lrcourse.widgets.labs.grids import after_divergence, first_divergence, increasing, rate_grid
from lrcourse.widgets.labs.momentum_lab import descend

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

RULES = {rule.__name__: rule for rule in (SGD, AdaGrad, RMSprop, AdaDelta, Adam)}
CONDITIONINGS = (1, 10, 100, 1000)
EPSILONS = (1e-8, 1e-4, 1e-2)
LATE = 10  # steps for which the loss must stay low: a lucky swing past the minimum does not count
VERDICTS = (
    "It crawls: loss {final}. In all, the rule arrives in {count} of 4 bowls at this rate.",
    "It arrives: loss {final}. In all, the rule arrives in {count} of 4 bowls at this rate.",
    "It crosses the minimum again and again: loss {final}. In all, the rule arrives in {count} of "
    "4 bowls at this rate.",
    "It diverges: at step {diverged} the loss is over 100 times its initial value. In all, the "
    "rule arrives in {count} of 4 bowls at this rate.",
)
CRAWLS, ARRIVES, SWINGS, DIVERGES = range(len(VERDICTS))


def adaptive_outcomes(
    learning_rates: Sequence[float],
    conditionings: Sequence[float] = CONDITIONINGS,
    epsilons: Sequence[float] = EPSILONS,
    *,
    steps: int = 60,
    goal: float = 0.01,
) -> dict[str, np.ndarray]:
    r"""Every outcome of SGD and four adaptive rules in bowls with curvatures 1 and `conditioning`.

    learning_rates, conditionings, epsilons: L, C and E positive numbers in increasing order (SGD
    has no epsilon). goal: an upper bound on each of the last ten losses.

    Returns arrays over the settings (L, C, 5 rules, E): `path` (..., steps + 1, 2); `effective`
    (..., 2, steps), the effective rates |Δw_i / g_i| of both weights; `final`, the largest loss of
    the last ten steps; `diverged`, `verdict`; and over (L, 5, E) `count`, the number of bowls in
    which the rule arrives, and `reached`, whether it arrives in all of them.
    """
    rates = increasing("learning rates", learning_rates)
    conditionings = increasing("conditionings", conditionings)
    epsilons = increasing("epsilons", epsilons).tolist()
    bowls = np.stack([np.ones_like(conditionings), conditionings], axis=-1)

    def all_rates(kind: type, epsilon: float, bowl: np.ndarray) -> np.ndarray:
        rule = kind() if kind is SGD else kind(epsilon=epsilon)
        return descend(rule, rates, bowl, steps)[0]

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        path = np.array(
            [[[all_rates(k, e, b) for e in epsilons] for k in RULES.values()] for b in bowls]
        )
        path = np.moveaxis(path, 3, 0)  # (C, rules, E, L, ...) -> (L, C, rules, E, ...)
        gradient = bowls[:, None, None, None] * path
        effective = np.abs(np.diff(path, axis=-2) / gradient[..., :-1, :])
        parts = 0.5 * gradient * path  # what each weight adds to the loss
        loss = parts.sum(axis=-1)

    diverged = first_divergence(loss)
    final = loss[..., -LATE:].max(axis=-1)
    arrives = (final < goal) & (diverged == 0)
    count = arrives.sum(axis=1)
    # Does the weight with the larger part of the loss cross the minimum?
    crosses = (np.diff(np.sign(path[..., steps // 2 :, :]), axis=-2) != 0).any(axis=-2)
    worse = parts[..., -LATE:, :].max(axis=-2).argmax(axis=-1)
    swings = np.take_along_axis(crosses, worse[..., None], axis=-1)[..., 0]
    over = after_divergence(diverged, steps)
    return {
        "path": np.where(over[..., None], np.nan, path),  # a diverged run is drawn up to there
        "effective": np.where(over[..., None, 1:], np.nan, np.swapaxes(effective, -1, -2)),
        "final": final.clip(max=1e30).astype(np.float32),
        "diverged": diverged,
        "verdict": np.select(
            [diverged > 0, arrives, swings], [DIVERGES, ARRIVES, SWINGS], CRAWLS
        ).astype(np.uint8),
        "count": count.astype(np.uint8),
        "reached": count == len(conditionings),
    }


def adaptive(
    learning_rate: float = 0.0016,
    conditioning: float = 1000,
    rule: str = "SGD",
    epsilon: float = 1e-8,
) -> Lab:
    r"""Lab: SGD, AdaGrad, RMSprop, AdaDelta and Adam in four bowls, with each weight's own rate.

    learning_rate, conditioning, rule, epsilon: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, steps = rate_grid(0.001, 3.2)[::2], 60
    outcomes = adaptive_outcomes(rates, steps=steps)
    settings = ("learning_rate", "conditioning", "rule", "epsilon")
    own = dict.fromkeys(("count", "reached"), ("learning_rate", "rule", "epsilon"))
    tables = {name: (own.get(name, settings), array) for name, array in outcomes.items()}
    effective = tables.pop("effective")[1]
    tables |= {name: (settings, effective[..., k, :]) for k, name in enumerate(("flat", "steep"))}
    bowls = np.array([[1.0, ratio] for ratio in CONDITIONINGS])
    tables["contours"] = (("conditioning",), ellipses(bowls, CONTOURS))
    tables["step"] = ((), np.arange(1.0, steps + 1))
    # 2 / curvature of either weight, from end to end; NaN lifts the pen between them.
    tables["ends"] = ((), np.array([0.0, steps + 1, np.nan, 0.0, steps + 1]))
    edge = [[2.0, 2.0, np.nan, 2 / ratio, 2 / ratio] for ratio in CONDITIONINGS]
    tables["edges"] = (("conditioning",), np.array(edge))
    ratios = [f"1 : {ratio:g}" for ratio in CONDITIONINGS]
    return Lab(
        title="A rate for each weight",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("rule", "rule", list(RULES), rule, "select"),
            Control("conditioning", "curvatures", CONDITIONINGS, conditioning, "select", ratios),
            Control("epsilon", "epsilon", EPSILONS, epsilon, "select", ["1e-8", "1e-4", "1e-2"]),
        ],
        tables=tables,
        panels=[
            path_panel([{"xy": "path", "dots": True}]),
            {
                "kind": "curves",
                "x": axis("step", 0, steps + 1),
                "y": axis("effective rate", 1e-7, 1000, log=True),
                "lines": [
                    {"x": "ends", "y": "edges", "grey": True, "label": "edges, 2 / curvature"},
                    {"x": "step", "y": "flat", "series": 0, "label": "flat weight, w₁"},
                    {"x": "step", "y": "steep", "series": 1, "label": "steep weight, w₂"},
                ],
            },
        ],
        verdicts=VERDICTS,
        alt="Left: the path of the rule over contours of the loss. Right: the effective rate of "
        "the flat and of the steep weight against the step on a log axis, with the edge of each.",
        goal="one rule, one rate, and each of the last ten losses under 0.01 in all four bowls.",
        caption=f"Left: {steps} steps from the ring (start) towards the cross (minimum). Right: "
        "how far each weight moved, divided by its gradient, from 10⁻⁷ up. With SGD that is the "
        "learning rate. Above its grey edge a weight jumps over the minimum and lands farther out. "
        "Adam's lines peak where a gradient is near 0 and the weight still rolls. The loss above "
        "is the largest of the last ten steps.",
    )
