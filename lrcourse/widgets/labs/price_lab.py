r"""A lab on the price of a run: steps against examples, and which batch size is cheapest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrcourse.widgets.labs.grids import increasing, whole

if TYPE_CHECKING:
    from lrcourse.widgets.lab import Lab

FITS = {"SGD": (160.0, 70.0), "momentum": (30.0, 370.0)}  # S_min and B_c of chapter 17, rounded
NEAR = 1.02  # times the lowest price: still the cheapest run
VERDICTS = (
    "{steps} steps and {examples} examples cost {price}. Another batch size costs less.",
    "{steps} steps and {examples} examples cost {price}. No batch size is cheaper with this rule; "
    "the other rule is.",
    "{steps} steps and {examples} examples cost {price}, and no run is cheaper.",
)


def price_outcomes(
    sizes: Sequence[int],
    step_prices: Sequence[float],
    fits: Mapping[str, tuple[float, float]] = FITS,
) -> dict[str, np.ndarray]:
    r"""Steps, examples and price of a run, for every batch size, price of a step and rule.

    .. math:: S = S_{min} (1 + B_c / B) \qquad price = S (c + B)

    sizes: B whole numbers in increasing order. step_prices: P positive numbers in increasing order,
    what a step costs beside its examples, if an example costs 1. fits: (S_min, B_c) of each of R
    rules.

    Returns over (B, P, R): `price`, `verdict`, `reached` (within 2 % of the lowest price of all
    sizes and rules) and `diverged` (0); over (B, R): `steps` and `examples`; over (P, R):
    `cheapest`, the best batch size of all numbers, and `lowest`, its price.
    """
    batch = np.array(whole("batch sizes", sizes), float)[:, None, None]
    cost = increasing("prices of a step", step_prices)[:, None]
    least, critical = np.array(list(fits.values()), float).T
    if not (np.isfinite([least, critical]).all() and (least > 0).all() and (critical > 0).all()):
        raise ValueError(f"S_min and B_c must be positive numbers; got {dict(fits)}.")
    steps = least * (1 + critical / batch)
    price = steps * (cost + batch)
    best = price.min(axis=0)
    near, lowest = price <= NEAR * best, price <= NEAR * best.min(axis=1, keepdims=True)
    cheapest = np.sqrt(critical * cost)
    return {
        "steps": steps[:, 0],
        "examples": (steps * batch)[:, 0],
        "price": price,
        "cheapest": cheapest,
        "lowest": least * (np.sqrt(cost) + np.sqrt(critical)) ** 2,
        "verdict": np.select([lowest, near], [2, 1], 0).astype(np.uint8),
        "reached": lowest,
        "diverged": np.zeros(price.shape, np.uint8),
    }


def price(batch_size: int = 8, step_price: float = 100, rule: str = "SGD") -> Lab:
    r"""Lab: the price of a run against its batch size, with SGD and with momentum.

    batch_size, step_price, rule: the setting that the lab opens with.
    """
    from lrcourse.widgets.lab import Control, Lab, axis

    sizes = [round(2 ** (k / 4)) for k in range(8, 49)]
    prices, rules = [1, 10, 100, 1000, 10000], list(FITS)
    outcomes = price_outcomes(sizes, prices)
    batch, three = np.array(sizes, np.float32), ("batch_size", "step_price", "rule")
    examples = np.geomspace(1000, 2e6, 160)
    # All runs that cost as much as this one: steps that the examples leave money for.
    left = outcomes["price"][..., None] - examples
    equal = left / np.array(prices, float)[:, None, None]
    equal[(equal < 10) | (equal > 50_000)] = np.nan  # far outside the panel
    tables = {
        "steps": (("batch_size", "rule"), np.rint(outcomes["steps"]).astype(np.int32)),
        "examples": (("batch_size", "rule"), np.rint(outcomes["examples"]).astype(np.int32)),
        "price": (three, np.rint(outcomes["price"]).astype(np.int32)),
        "cheapest": (three[1:], outcomes["cheapest"].astype(np.float32)),
        "lowest": (three[1:], np.rint(outcomes["lowest"]).astype(np.int32)),
        "verdict": (three, outcomes["verdict"]),
        "reached": (three, outcomes["reached"]),
        "diverged": ((), np.uint8(0)),
        "equal": (three, equal.astype(np.float16)),
        "equal_examples": ((), examples.astype(np.float32)),
        "size": ((), batch),
        "here": (("batch_size",), batch),
    }
    for k in range(len(rules)):
        tables[f"steps_{k}"] = ((), outcomes["steps"][:, k].astype(np.float32))
        tables[f"examples_{k}"] = ((), outcomes["examples"][:, k].astype(np.float32))
        curve = outcomes["price"][:, :, k].T
        tables[f"price_{k}"] = (("step_price",), curve.astype(np.float32))
    dots = {"here_steps": "steps", "here_examples": "examples"}
    for name, table in dots.items():
        tables[name] = (("batch_size", "rule"), outcomes[table][..., None].astype(np.float32))
    fitted = " and ".join(f"S_min {s:g}, B_c {b:g} for {name}" for name, (s, b) in FITS.items())
    return Lab(
        title="The price of a run",
        controls=[
            Control("batch_size", "batch size", sizes, batch_size),
            Control("step_price", "price of a step, in examples", prices, step_price),
            Control("rule", "rule", rules, rule, "select"),
        ],
        tables=tables,
        panels=[
            {
                "kind": "curves",
                "x": axis("examples", 5000, 1e6, log=True),
                "y": axis("steps", 20, 5000, log=True),
                "lines": [
                    {"x": "equal_examples", "y": "equal", "grey": True, "label": "same price"},
                    *(
                        {"x": f"examples_{k}", "y": f"steps_{k}", "series": k, "label": name}
                        for k, name in enumerate(rules)
                    ),
                    {"x": "here_examples", "y": "here_steps", "cross": True},
                ],
            },
            {
                "kind": "curves",
                "x": axis("batch size", 4, 4096, log=True),
                "y": axis("price, in examples", 5000, 2e7, log=True),
                "lines": [
                    {"x": "size", "y": f"price_{k}", "series": k, "label": name}
                    for k, name in enumerate(rules)
                ],
                "limits": [{"table": "here", "label": "here"}],
                "secret": "Reveal shows the price of all batch sizes",
            },
        ],
        verdicts=VERDICTS,
        alt="Left: steps against examples on log axes, a curve for each rule, with the curve of "
        "equal price through the current run. Right: the price of a run against its batch size.",
        goal="a run at the lowest price, to 2 %, of all batch sizes and both rules.",
        caption=f"Steps and examples to the goal by two fits of chapter 17: {fitted}. An example "
        "costs 1. Left: what lies below the grey curve is cheaper than the cross.",
        reveal={
            "name": "cheapest",
            "control": "batch_size",
            "table": "cheapest",
            "question": "Guess first: at this price of a step, which batch size is cheapest?",
            "answer": "With this rule a batch of {cheapest} is cheapest, and costs {lowest}.",
        },
    )
