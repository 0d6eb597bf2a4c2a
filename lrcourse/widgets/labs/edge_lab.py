r"""The lab on the edge of stability: a network's loss and its sharpness, by rule, rate and loss."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.exercises.chapter_16 import clothes
from lrcourse.measure import hessian_vector, sharpness
from lrcourse.nn import Linear, Network, Tanh, softmax_cross_entropy, squared_error
from lrcourse.optim import SGD, Adam, Momentum
from lrcourse.widgets.labs.grids import after_divergence, first_divergence, increasing, rate_grid

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

RULES = ("SGD", "momentum 0.9", "Adam")
EDGES = (2.0, 3.8, 38.0)  # sharpness times rate at the edge
SHARE = 0.01  # of the slider's rate is Adam's, whose preconditioned sharpness is told in thousands
LOSSES = {"squared error": squared_error, "cross-entropy": softmax_cross_entropy}
IMAGES, WIDTHS = 100, (196, 16, 16, 10)
GOAL, WITHIN = 7.0, 0.15
VERDICTS = (
    "It has not come to the edge yet: sharpness {final}, edge {edge}.",
    "It stays at the edge: sharpness {final}, edge {edge}.",
    "It was at the edge, and has sunk below it: sharpness {final}, edge {edge}.",
    "It is beyond the edge: sharpness {final}, edge {edge}.",
    "It diverged: the edge threw it out.",
)


def _network(loss: str, runs: int, seed: int) -> Network:
    layers = []
    for fan_in, fan_out in pairwise(WIDTHS):
        layers += [Linear(fan_in, fan_out, "xavier"), Tanh()]
    rng = np.random.default_rng(seed)
    network = Network(layers[:-1], rng, runs, dtype=float, loss=LOSSES[loss])
    network.layers[-1].W *= 0.1
    return network


def edge_outcomes(
    learning_rates: Sequence[float],
    *,
    steps: int = 320,
    every: int = 20,
    iterations: int = 8,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    r"""Loss and sharpness of a network trained on all its images at once, for all settings.

    The network is 196-16-16-10 with tanh, its last layer a tenth of Xavier's, on 100 images of
    clothes, 14 x 14, in float64. Momentum has the rate outside of the velocity, as in torch. Adam
    (beta2 0.99) takes a hundredth of each rate, and its sharpness is that of the preconditioned
    Hessian, in thousands; so its edge is 3.8 / rate, as momentum's.

    learning_rates: L positive numbers in increasing order. steps: a multiple of every. every: steps
    between two measurements of the sharpness. iterations: of Lanczos. rng: draws weights and the
    first vector of Lanczos (default: `numpy.random.default_rng(0)`).

    Returns arrays over the settings (L, 3 rules, 2 losses): `loss` (..., steps + 1), `sharpness`
    (..., steps / every + 1), both nan once a run has diverged; `final`, the mean of the last three
    sharpnesses; `diverged`, `reached` (at the edge, with final within 15 %
    of 7), `verdict`; and `edge` (L, 3).
    """
    rates = increasing("learning rates", learning_rates)
    if steps % every:
        raise ValueError(f"The steps must be a multiple of {every}; got {steps}.")
    rng = np.random.default_rng(0) if rng is None else rng
    x, y = clothes(IMAGES)
    seed, count = rng.integers(2**32), len(rates)
    eta, parts = rates[:, None], {"loss": [], "sharpness": []}
    for rule_name in RULES:
        for name in LOSSES:
            rule = {"SGD": SGD(), "Adam": Adam(beta2=0.99)}.get(rule_name, Momentum(0.9, "torch"))
            network = _network(name, count, seed)
            start = np.random.default_rng(seed).normal(size=network.w.shape)

            def gradient(w: np.ndarray, network: Network = network) -> np.ndarray:
                network.w = w
                network.loss_and_gradient(x, y)
                return network.g.copy()

            w, losses, found = network.w.copy(), [], []
            with np.errstate(all="ignore"):
                for t in range(steps + 1):
                    network.w, before = w, w.copy()
                    losses.append(network.loss_and_gradient(x, y))
                    rule.step(w, network.g, eta * SHARE if rule_name == "Adam" else eta)
                    if t % every == 0:
                        scale = np.ones_like(w)
                        if isinstance(rule, Adam):
                            v_hat = rule.v / (1 - rule.beta2**rule.t)
                            scale = (1000 * (np.sqrt(v_hat) + rule.epsilon)) ** -0.5

                        def product(v, gradient=gradient, w=before, scale=scale):
                            return scale * hessian_vector(gradient, w, scale * v)

                        found.append(sharpness(product, start, iterations))
            parts["loss"].append(np.transpose(losses))
            parts["sharpness"].append(np.transpose(found))
    shape = (len(RULES), len(LOSSES), count)
    loss, sharp = (
        np.moveaxis(np.reshape(parts[name], (*shape, -1)), 2, 0) for name in ("loss", "sharpness")
    )
    diverged = first_divergence(loss)
    gone = after_divergence(diverged, steps)
    loss, sharp = np.where(gone, np.nan, loss), np.where(gone[..., ::every], np.nan, sharp)
    scale = np.array([1, 1, 1 / (1000 * SHARE)])
    edge = np.array(EDGES) * scale / rates[:, None]
    final = sharp[..., -3:].mean(axis=-1)
    share = final / edge[..., None]
    came = np.nanmax(np.where(np.isfinite(sharp), sharp, 0) / edge[..., None, None], axis=-1) > 0.95
    verdict = np.select([diverged > 0, share > 1.25, share > 0.75, came], [4, 3, 1, 2], 0)
    return {
        "loss": loss,
        "sharpness": sharp,
        "final": final.astype(np.float32),
        "edge": edge.astype(np.float32),
        "diverged": diverged,
        "reached": (np.abs(final / GOAL - 1) < WITHIN) & (verdict == 1),
        "verdict": verdict.astype(np.uint8),
    }


def edge(learning_rate: float = 0.05, rule: str = "SGD", loss: str = "squared error") -> Lab:
    r"""Lab: where the sharpness of a network goes, beside the edge of its rule and rate.

    learning_rate, rule, loss: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    rates, steps, every = rate_grid(0.05, 1.2)[::3], 320, 20
    outcomes = edge_outcomes(rates, steps=steps, every=every)
    three = ("learning_rate", "rule", "loss_function")
    tables = {name: (three, array) for name, array in outcomes.items()}
    tables["edge"] = (three[:2], outcomes["edge"])
    tables["line"] = (three[:2], np.repeat(outcomes["edge"][..., None], 2, axis=-1))
    tables["ends"] = ((), np.array([0, steps], np.float32))
    tables["times"] = ((), np.arange(0, steps + 1, every, dtype=np.float32))
    return Lab(
        title="The edge of stability",
        controls=[
            Control("learning_rate", "learning rate", rates, learning_rate),
            Control("rule", "rule", RULES, rule, "select"),
            Control("loss_function", "loss", list(LOSSES), loss, "select"),
        ],
        tables=tables,
        panels=[
            {
                "kind": "curves",
                "x": axis("step", 0, steps),
                "y": axis("loss", 1e-4, 10, log=True),
                "lines": [{"y": "loss"}],
            },
            {
                "kind": "curves",
                "x": axis("step", 0, steps),
                "y": axis("sharpness", 0.5, 200, log=True),
                "lines": [
                    {"x": "times", "y": "sharpness", "series": 0, "label": "sharpness"},
                    {"x": "ends", "y": "line", "series": 1, "label": "edge"},
                ],
                "level": {"value": GOAL, "label": "goal"},
            },
        ],
        verdicts=VERDICTS,
        alt="Left: loss against step on a log axis. Right: sharpness against step on a log axis, "
        "beside the edge of the rule and rate, a level line.",
        goal="a run that ends at its edge, at a sharpness of 7 within 15 %.",
        caption="A 196-16-16-10 network with tanh on 100 images of clothes, all of them at each "
        "step. The edge is 2 / rate for SGD and 3.8 / rate for momentum. Adam takes a hundredth of "
        "the rate; its sharpness is the preconditioned one, in thousands, and its edge 3.8 / rate, "
        "too.",
    )
