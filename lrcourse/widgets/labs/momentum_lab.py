r"""A lab on momentum: heavy ball and Nesterov in a valley, beside plain gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.optim import SGD, Momentum, Nesterov
from lrcourse.widgets.labs.descent_lab import CONTOURS, ellipses, loss_panel, path_panel
from lrcourse.widgets.labs.grids import after_divergence, first_divergence, increasing, rate_grid

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

RULES = {"momentum": Momentum, "Nesterov": Nesterov}
MOMENTA = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
STEEPNESSES = (10, 30, 100)
START = (-2.5, 1.2)
VERDICTS = (
    "It crawls: loss {final} at the last step; plain gradient descent has {plain_final}.",
    "It arrives: loss {final} at the last step; plain gradient descent has {plain_final}.",
    "It still swings: loss {final} at the last step; plain gradient descent has {plain_final}.",
    "It diverges: at step {diverged} the loss is over 100 times its initial value.",
)
CRAWLS, ARRIVES, SWINGS, DIVERGES = range(len(VERDICTS))


def descend(
    rule: object, learning_rates: np.ndarray, curvatures: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    r"""Let a rule of `lrcourse.optim` descend loss(w) = ½ Σ_d λ_d w_d² at all rates side by side.

    learning_rates: η, shape (L,). curvatures: λ, shape (2,).
    Returns the paths, shape (L, steps + 1, 2), and the losses, shape (L, steps + 1).
    """
    w = np.tile(np.array(START), (len(learning_rates), 1))
    path = [w.copy()]
    for _ in range(steps):
        rule.step(w, curvatures * w, learning_rates[:, None])
        path.append(w.copy())
    path = np.stack(path, axis=1)
    return path, 0.5 * (curvatures * path**2).sum(axis=-1)


def edge(rule: str, momentum: float, curvature: float) -> float:
    r"""The largest stable rate on a parabola.

        momentum: 2 (1 + μ) / λ        Nesterov: 2 (1 + μ) / (λ (1 + 2 μ))

    Beyond it an eigenvalue of the step's linear map of (w, v) is below −1.
    """
    wider = 2 * (1 + momentum) / curvature
    return wider / (1 + 2 * momentum) if rule == "Nesterov" else wider


def valley_outcomes(
    learning_rates: Sequence[float],
    momenta: Sequence[float] = MOMENTA,
    steepnesses: Sequence[float] = STEEPNESSES,
    *,
    steps: int = 60,
    goal: float = 0.01,
) -> dict[str, np.ndarray]:
    r"""Every outcome of momentum and Nesterov in valleys with curvatures 1 and `steepness`.

    learning_rates, momenta, steepnesses: L, M and C positive numbers in increasing order, momenta
    below 1. goal: an upper bound on the last loss; a run that diverged misses it.

    Returns arrays over the settings (L, M, C, 2 rules): `path` (..., steps + 1, 2), `loss`
    (..., steps + 1), `final`, `diverged`, `reached`, `verdict`; `edge` (M, C, 2); and for plain
    gradient descent `plain` (L, C, steps + 1, 2), `plain_loss`, `plain_final`, `plain_edge` (C,).
    For Nesterov the path is that of the look-ahead point, where the gradient is taken.
    """
    rates = increasing("learning rates", learning_rates)
    momenta = increasing("momenta", momenta)
    if momenta[-1] >= 1:
        raise ValueError(f"A momentum must be below 1; got {momenta[-1]:g}.")
    steepnesses = increasing("curvatures", steepnesses)
    bowls = [np.array([1.0, steep]) for steep in steepnesses]
    runs = [
        [
            [descend(rule(momentum=float(mu)), rates, bowl, steps) for rule in RULES.values()]
            for bowl in bowls
        ]
        for mu in momenta
    ]
    # (M, C, rules, L, ...) -> (L, M, C, rules, ...)
    path = np.moveaxis(np.array([[[r[0] for r in b] for b in a] for a in runs]), 3, 0)
    loss = np.moveaxis(np.array([[[r[1] for r in b] for b in a] for a in runs]), 3, 0)
    plain = [descend(SGD(), rates, bowl, steps) for bowl in bowls]
    diverged = first_divergence(loss)
    reached = (loss[..., -1] < goal) & (diverged == 0)
    swings = (np.diff(loss[..., steps // 2 :], axis=-1) > 0).any(axis=-1)
    verdict = np.select([diverged > 0, reached, swings], [DIVERGES, ARRIVES, SWINGS], CRAWLS)
    over = after_divergence(diverged, steps)
    plain_path, plain_loss = (np.stack(part, axis=1) for part in zip(*plain, strict=True))
    return {
        "path": np.where(over[..., None], np.nan, path),  # a diverged run is drawn up to there
        "loss": np.where(over, np.nan, loss),
        "final": loss[..., -1].clip(max=1e30).astype(np.float32),
        "diverged": diverged,
        "reached": reached,
        "verdict": verdict.astype(np.uint8),
        "edge": np.array([[[edge(r, m, c) for r in RULES] for c in steepnesses] for m in momenta]),
        "plain": np.where(np.abs(plain_path).max(axis=-1, keepdims=True) > 100, np.nan, plain_path),
        "plain_loss": plain_loss,
        "plain_final": plain_loss[..., -1].clip(max=1e30).astype(np.float32),
        "plain_edge": 2 / steepnesses,
    }


def valley(
    learning_rate: float = 0.01,
    momentum: float = 0.5,
    steepness: float = 100,
    rule: str = "momentum",
) -> Lab:
    r"""Lab: momentum and Nesterov in a valley, beside plain gradient descent at the same rate.

    learning_rate, momentum, steepness, rule: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab

    rates, steps = rate_grid(0.001, 0.5), 60
    bowls = np.array([[1.0, steep] for steep in STEEPNESSES])
    outcomes = valley_outcomes(rates, steps=steps)
    all_four = ("learning_rate", "momentum", "steepness", "rule")
    own = {
        "edge": all_four[1:],
        "plain": ("learning_rate", "steepness"),
        "plain_loss": ("learning_rate", "steepness"),
        "plain_final": ("learning_rate", "steepness"),
        "plain_edge": ("steepness",),
    }
    tables = {name: (own.get(name, all_four), array) for name, array in outcomes.items()}
    tables["contours"] = (("steepness",), ellipses(bowls, CONTOURS))
    ratios = [f"1 : {ratio:g}" for ratio in STEEPNESSES]
    plain = {"series": 1, "label": "plain gradient descent"}
    heavy = {"dots": True, "series": 0, "label": "with momentum"}
    return Lab(
        title="Momentum in a valley",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("momentum", "momentum", MOMENTA, momentum),
            Control("steepness", "curvatures", STEEPNESSES, steepness, "select", ratios),
            Control("rule", "rule", list(RULES), rule, "select"),
        ],
        tables=tables,
        panels=[
            path_panel([{"xy": "plain"} | plain, {"xy": "path"} | heavy]),
            loss_panel(steps, [{"y": "plain_loss"} | plain, {"y": "loss"} | heavy]),
        ],
        verdicts=VERDICTS,
        alt="Left: the paths of momentum and of plain gradient descent over contours of the loss. "
        "Right: loss against step on a log axis, for both.",
        goal=f"loss under 0.01 after {steps} steps. In the valley 1 : 100 no rate of plain "
        "gradient descent gets there.",
        caption="Dots: momentum, from the ring (start) towards the cross (minimum). Dashed: plain "
        "gradient descent at the same rate. Momentum adds steps up along the flat axis and cancels "
        "them across the steep one; too much of it swings past the minimum and back.",
        reveal={
            "control": "learning_rate",
            "table": "edge",
            "question": "Guess first: above which learning rate does this rule diverge?",
            "answer": "The edge of this rule is {edge}; that of plain gradient descent, "
            "2 / curvature, is {plain_edge}.",
        },
    )
