r"""A lab on comparisons: one rate for all methods makes a winner, often not that of a fair race."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.papers import race, saved
from lrcourse.papers.trial import HOLDS, lower, response

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

METHODS = tuple(race.METHODS)
WORST = 45.0  # percent; where the axes end
# At this rate both methods ran, the rival alone, yours alone, or neither.
CASES = (
    "yours {error} %, the rival {rival_error} %",
    "yours was not run, the rival {rival_error} %",
    "yours {error} %, the rival was not run",
    "your two were not run",
)


def winner_outcomes(rows: Sequence[dict]) -> dict[str, np.ndarray]:
    r"""Which method wins at each rate, and which if each method has its own best rate.

    rows: of the race, such as `lrcourse.papers.saved("race")`.

    Returns, for R rates, M methods and S seeds, with test errors in percent: `rates` (R,);
    `errors` (R, M, S) and their mean `error` (R, M), NaN where a method was not run and infinite
    where it diverged; `lowest` (R,); `best_rate` and `best` (M,), the rate chosen on validation
    images and the mean error there; `tuned` (M, M), whether the second method is better, each at
    its own best rate; `reached` (R, M, M), whether the first one then wins at this one rate; and
    `verdict` (R, M, M), the method with the lowest error times 4 plus which of the two were run.
    """
    curves = [response(race.part(rows, method), "test_error") for method in METHODS]
    rates = sorted(set().union(*curves))
    best_rate, best = zip(*(race.best(rows, method) for method in METHODS), strict=True)
    seeds = max(len(at.values) for curve in curves for at in curve.values())
    errors = np.full((len(rates), len(METHODS), seeds), np.nan)
    reached = np.zeros((len(rates), len(METHODS), len(METHODS)), bool)
    least = race.RESOLUTION / 100
    tuned = np.array([[lower(other, own, least) == HOLDS for other in best] for own in best])
    for k, rate in enumerate(rates):
        for m, curve in enumerate(curves):
            if rate in curve:
                errors[k, m] = 100 * np.array(curve[rate].values)
            for other in np.flatnonzero(tuned[m]):
                if rate in curve and rate in curves[other]:
                    reached[k, m, other] = lower(curve[rate], curves[other][rate], least) == HOLDS
    error = errors.mean(axis=-1)
    missing = np.isnan(error)
    case = missing[:, :, None] + 2 * missing[:, None, :]
    return {
        "rates": np.array(rates),
        "errors": errors,
        "error": error,
        "lowest": np.nanmin(error, axis=1),
        "best_rate": np.array(best_rate),
        "best": np.array([100 * at.mean for at in best]),
        "tuned": tuned,
        "reached": reached,
        "verdict": len(CASES) * np.nanargmin(error, axis=1)[:, None, None] + case,
    }


def others(rates: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""The band of all methods but two: up along their lowest errors, back along their largest.

    rates: shape (R,). error: mean test errors, shape (R, M).
    Returns the rates, shape (2 R,), and the errors, shape (M, M, 2 R), for each pair left out.
    Where no other method was run the band goes straight on to the next rate.
    """
    count = error.shape[1]
    band = np.empty((count, count, 2 * len(rates)))
    for own in range(count):
        for rival in range(count):
            rest = np.delete(error, [own, rival], axis=1)
            known = ~np.isnan(rest).all(axis=1)
            low, high = (
                np.interp(np.log(rates), np.log(rates[known]), ends(rest[known], axis=1))
                for ends in (np.nanmin, np.nanmax)
            )
            band[own, rival] = [*low, *high[::-1]]
    return np.concatenate([rates, rates[::-1]]), band


def winner(learning_rate: float = 1 / 128, method: str = "SGD", rival: str = "Adam") -> Lab:
    r"""Lab: all methods of the race at one learning rate, and each at its own best.

    learning_rate, method, rival: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    outcomes = winner_outcomes(saved("race"))
    rates, errors, count = outcomes["rates"], outcomes["errors"], len(METHODS)
    shown, seeds = errors.clip(max=WORST), errors.shape[-1]
    around, band = others(rates, outcomes["error"].clip(max=2 * WORST))
    place = np.arange(count, dtype=np.float32)
    own, other, here = ("method",), ("rival",), ("learning_rate",)
    tables = {
        "rate": (here, rates.astype(np.float32)),
        "lowest": (here, outcomes["lowest"].astype(np.float32)),
        "all_dots": (here, shown.reshape(len(rates), -1)),
        "all_place": ((), place.repeat(seeds)),
        "best_all": ((), outcomes["best"]),
        "best_place": ((), place),
        "others": (("method", "rival"), band),
        "others_rate": ((), around.astype(np.float32)),
        "curve_rate": ((), rates.astype(np.float32)),
        "reached": (("learning_rate", "method", "rival"), outcomes["reached"]),
        "verdict": (("learning_rate", "method", "rival"), outcomes["verdict"].astype(np.uint8)),
        "diverged": ((), np.uint8(0)),
    }
    for before, axes in (("", own), ("rival_", other)):
        tables |= {
            f"{before}error": ((*here, *axes), outcomes["error"].astype(np.float32)),
            f"{before}dots": ((*here, *axes), shown),
            f"{before}place": (axes, place[:, None].repeat(seeds, axis=1)),
            f"{before}curve": (axes, outcomes["error"].T),
            f"{before}best": (axes, outcomes["best"].astype(np.float32)),
            f"{before}best_rate": (axes, outcomes["best_rate"].astype(np.float32)),
        }
    texts = [f"{rate:g}" if rate >= 1 else f"1/{1 / rate:g}" for rate in rates]
    turned, pairs = outcomes["reached"].any(axis=0).sum(), outcomes["tuned"].sum()
    winners = len(np.unique(outcomes["verdict"] // len(CASES)))
    return Lab(
        title="Pick the winner",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate, texts=texts),
            Control("method", "your method", METHODS, method, "select"),
            Control("rival", "its rival", METHODS, rival, "select"),
        ],
        tables=tables,
        panels=[
            {
                "kind": "curves",
                "left": 148,
                "x": axis("test error at this rate, %", 14, WORST),
                "y": axis("", count - 0.5, -0.5) | {"names": METHODS},
                "lines": [
                    {"x": "all_dots", "y": "all_place", "scatter": True, "grey": True},
                    {"x": "rival_dots", "y": "rival_place", "scatter": True, "series": 1},
                    {"x": "dots", "y": "place", "scatter": True, "series": 0},
                    {"x": "best_all", "y": "best_place", "cross": True},
                ],
            },
            {
                "kind": "curves",
                "x": axis("learning rate", 4e-5, 400, log=True),
                "y": axis("mean test error, %", 14, WORST),
                "lines": [
                    {
                        "x": "others_rate",
                        "y": "others",
                        "grey": True,
                        "band": True,
                        "label": "the others",
                    },
                    {"x": "curve_rate", "y": "rival_curve", "series": 1, "label": "its rival"},
                    {"x": "curve_rate", "y": "curve", "series": 0, "label": "your method"},
                    {"x": "rival_best_rate", "y": "rival_best", "cross": True},
                    {"x": "best_rate", "y": "best", "cross": True},
                ],
                "limits": [{"table": "rate", "label": "this rate"}],
            },
        ],
        verdicts=[
            f"Lowest here: {first} ({{lowest}} %); {case}; each at its best rate: "
            "{best} % and {rival_best} %."
            for first in METHODS
            for case in CASES
        ],
        alt="Left: the test errors of all methods at one learning rate, a row each, and their "
        "error at their own best rate. Right: test error against learning rate for your method and "
        "its rival, over a band from the lowest to the largest error of the others.",
        goal="make the worse one win: a rate at which your method beats its rival, though the "
        "rival is better when each has its own best rate.",
        caption=f"A dot for each of {seeds} seeds at this rate, if the method was run there; a "
        "cross where it is at its own best. "
        f"What is over {WORST:g} % lies on the edge or beyond it; 90 % is a guess. "
        "To win takes more than half a point and more than the margin over seeds. "
        f"{winners} of {count} methods are lowest at some rate. In {pairs} pairs one is better, "
        f"each at its best; one rate for both turns {turned} of them around.",
    )
