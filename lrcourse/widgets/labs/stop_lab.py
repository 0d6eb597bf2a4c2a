r"""A lab on runs without an end date: stopped now, what is the error?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.data import load
from lrcourse.exercises.chapter_19 import WAYS, rule_of, shape_of
from lrcourse.nn import Linear, Network, ReLU
from lrcourse.widgets.labs.grids import increasing, shuffled_batches

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

BATCH, WORST = 32, 20.0  # percent; where the axes end
STOP_VERDICTS = (
    "Stopped now: {error} %, the lowest here {lowest} %. Of the stops from epoch 2 on {count} are "
    "near enough.",
    "Stopped now: {error} %, the lowest here {lowest} %. Near enough wherever it is stopped.",
)


def stop_outcomes(
    learning_rates: Sequence[float],
    *,
    epochs: int = 8,
    seeds: int = 5,
    near: float = 1.5,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""Test errors after each epoch on the digits, for every way to train and every rate.

    The network is 64-32-10 with ReLU; all runs of a seed share its start and its batches, and begin
    with a warm-up of half an epoch. Schedules end with the last epoch. The means of all z and of
    the momentum's weights are judged in place of the weights that step.

    learning_rates: L positive numbers in increasing order. epochs: E, at least 2. seeds: how many
    are averaged. near: how many points above the lowest error of a stop are near enough. rng: draws
    the seeds (default: `numpy.random.default_rng(0)`).

    Returns over W ways, L rates and E stops: `curve` (W, L, E), the mean error in percent; `error`,
    the same; `at_stop` (W, E, L); `best` (E,), the lowest of all at each stop; `lowest` (E,), the
    same; `count` (W, L), at how many stops from epoch 2 on it is near enough; `reached` (W, L), all
    of them; `verdict` (W, L), and `diverged` (0: a run that diverges has the error of a guess).
    """
    rates = increasing("learning rates", learning_rates)
    if epochs < 2 or seeds < 1:
        raise ValueError(f"It takes 2 epochs and 1 seed at least; got {epochs} and {seeds}.")
    rng = np.random.default_rng(0) if rng is None else rng
    data = load("digits")
    (x, y), (held, labels) = data.train, data.test
    each = len(y) // BATCH
    steps, eta = epochs * each, rates[:, None].astype(np.float32)
    found = np.empty((seeds, len(WAYS), epochs, len(rates)))
    for seed in range(seeds):
        start = rng.integers(2**32)
        batches = shuffled_batches(len(y), BATCH, steps, rng)
        for way, name in enumerate(WAYS):
            layers = [Linear(64, 32), ReLU(), Linear(32, 10)]
            network = Network(layers, np.random.default_rng(start), runs=len(rates))
            rule, shape = rule_of(name), shape_of(name, steps, each // 2)(np.arange(steps))
            with np.errstate(all="ignore"):
                for step, batch in enumerate(batches):
                    network.loss_and_gradient(x[batch], y[batch])
                    rule.step(network.w, network.g, np.float32(shape[step]) * eta)
                    if (step + 1) % each == 0:
                        stepped = network.w.copy()
                        network.w = rule.evaluation_weights(stepped)
                        error = 100 - 100 * network.accuracy(held, labels)
                        found[seed, way, step // each] = error
                        network.w = stepped
    curve = np.moveaxis(found.mean(axis=0), 1, 2)
    best = curve.min(axis=(0, 1))
    count = (curve <= best + near)[:, :, 1:].sum(axis=2)
    reached = count == epochs - 1
    return {
        "curve": curve,
        "error": curve.astype(np.float32),
        "at_stop": np.moveaxis(curve, 2, 1),
        "best": best,
        "lowest": best.astype(np.float32),
        "count": count.astype(np.uint8),
        "reached": reached,
        "verdict": reached.astype(np.uint8),
        "diverged": np.zeros(curve.shape[:2], np.uint8),
    }


def stop_now(learning_rate: float = 1 / 16, method: str = "cosine", epoch: int = 3) -> Lab:
    r"""Lab: the error of a run that is stopped after any epoch.

    learning_rate, method, epoch: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, epochs, near = 2.0 ** np.arange(-7, 5), 8, 1.5
    outcomes = stop_outcomes(rates, epochs=epochs, near=near)
    run, stops = ("method", "learning_rate"), np.arange(1, epochs + 1)
    shown = {
        "curve": (run, outcomes["curve"].clip(max=WORST)),
        "error": ((*run, "epoch"), outcomes["error"]),
        "at_stop": (("method", "epoch"), outcomes["at_stop"].clip(max=WORST)),
        "best": ((), outcomes["best"]),
        "lowest": (("epoch",), outcomes["lowest"]),
        "epochs": ((), stops.astype(np.float32)),
        "rates": ((), rates.astype(np.float32)),
        "stop": (("epoch",), stops.astype(np.float32)),
        "rate": (("learning_rate",), rates.astype(np.float32)),
    }
    tables = shown | {
        name: (run, outcomes[name]) for name in ("count", "reached", "verdict", "diverged")
    }
    texts = [f"{rate:g}" if rate >= 1 else f"1/{1 / rate:g}" for rate in rates]
    errors = axis("test error, %", 0, WORST)
    return Lab(
        title="Stop now",
        controls=[
            Control("method", "method", WAYS, method, "select"),
            Control("learning_rate", "learning rate", rates, learning_rate, texts=texts),
            Control("epoch", "stopped after epoch", list(stops), epoch),
        ],
        tables=tables,
        panels=[
            {
                "kind": "curves",
                "x": axis("epoch", 1, epochs),
                "y": errors,
                "lines": [
                    {"x": "epochs", "y": "best", "grey": True, "label": "lowest of all runs"},
                    {"x": "epochs", "y": "curve", "series": 0, "label": "this run"},
                ],
                "limits": [{"table": "stop", "label": "stop"}],
            },
            {
                "kind": "curves",
                "x": axis("learning rate", rates[0], rates[-1], log=True),
                "y": errors | {"label": "test error at this stop, %"},
                "lines": [{"x": "rates", "y": "at_stop", "series": 0}],
                "limits": [{"table": "rate", "label": "this rate"}],
            },
        ],
        verdicts=STOP_VERDICTS,
        alt="Left: test error against epoch for one method at one rate, with the lowest error that "
        "any method and rate has there. Right: the error at this stop against the rate.",
        goal=f"one run that is at most {near:g} points above the lowest error at every stop from "
        "epoch 2 to 8.",
        caption="A network 64-32-10 on the digits, batches of 32, a warm-up of half an epoch; the "
        "mean of five seeds. Cosine and lines are planned for 8 epochs. EMA is momentum at a "
        "constant rate, judged by its fading mean. What is over 20 % lies on the edge.",
    )
