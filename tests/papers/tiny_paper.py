"""A made-up paper that takes milliseconds, and the command with it in place of the real ones.

python tests/papers/tiny_paper.py reproduce tiny --out FOLDER
"""

import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from lrcourse import papers
from lrcourse.papers.trial import (
    Claim,
    Paper,
    Picture,
    Printed,
    Verdicts,
    compare,
    response,
    sample,
    tuned,
)

RATES = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
OFFSET = 0.1


def grid(scale):
    rates = RATES if scale == "quick" else [*RATES, 10.0]
    return [
        {
            "data": "digits",
            "rule": rule,
            "learning_rate": rate,
            "momentum": 0.5 if "M" in rule else 0,
        }
        for rule in ("SGD", "Momentum | <0.5>")
        for rate in rates
    ]


def train(data, rule, learning_rate, momentum, seed):
    """A parabola over the logarithm of the rate; TINY_* slow it, or kill or stop what runs it."""
    time.sleep(float(os.environ.get("TINY_SLEEP", 0)))
    if learning_rate * (1 + momentum) > 2.5:
        return {"error": math.nan, "epochs": None, "stopped": "diverged"}
    noise = np.random.default_rng(seed).normal(0, 0.002)
    error = OFFSET + 0.02 * math.log(learning_rate * (1 + momentum) / 0.2) ** 2 + noise
    return {"error": error, "epochs": 10 + seed, "stopped": "at its end", "curve": [error, noise]}


def better(rows):
    plain = tuned(rows, "error", rule="SGD")[1]
    other = tuned(rows, "error", rule="Momentum | <0.5>")[1]
    return compare({"": (other, plain)}, factor=100)


def faster(rows):
    few, many = (sample(rows, "error", rule="SGD", learning_rate=rate) for rate in (0.3, 0.01))
    return compare({"": (few, many)}, resolution=0.01, digits=3)


def untested(rows):
    return compare({"": (sample(rows, "error", rule="Adam"),) * 2})


def pictures(rows):
    lines = {}
    for rule in ("SGD", "Momentum | <0.5>"):
        curve = response(rows, "error", rule=rule)
        lines[rule] = (list(curve), [each.values for each in curve.values()])
    alt = "Error against learning rate: both valleys are as deep, the one with momentum lies left."
    return [Picture(lines, "learning rate", "error", alt)]


def tables(rows):
    count = str(len(sample(rows, "error", rule="SGD", learning_rate=0.1).values))
    return [Verdicts("Winner. It has the lowest | error.", ("seeds",), [(count,)])]


PAPER = Paper(
    name="tiny",
    citation="A. Nobody & B. <i>One</i>: A tiny paper, 2020.",
    claim="A rule with *momentum* has a lower error | always.",
    control="Each rule at its own best learning rate.",
    open=("The paper does not say which epsilon_0 it took: we took 1e-8 < 1.",),
    setting={"quick": "A parabola over six rates.", "full": "A parabola over seven rates."},
    effort=("Easy: a parabola.",),
    grid=grid,
    train=train,
    claims=(
        Claim(
            "Momentum is better | at its best",
            "1.2 against 3.4 %",
            "error is lower",
            better,
            words="A rule with momentum | has a <lower> error",
            primary=True,
        ),
        Claim("A rate of 0.3 beats 0.01", "not in the paper", "lower by 0.01", faster),
        Claim(
            "Adam is <b>best</b>",
            "yes",
            "error is lower than all others",
            untested,
            post_hoc=True,
        ),
    ),
    pictures=pictures,
    tables=tables,
    printed=(
        Printed(
            "Table 1",
            "error of SGD at 0.1",
            0.11,
            {"rule": "SGD", "learning_rate": 0.1},
            "error",
            resolution=0.01,
        ),
        Printed("Table 1", "error of Adam", "9 %"),
        Printed("Table 2", "error of Adam at 0.1", 0.09, {"rule": "Adam"}, "error", 2),
    ),
    papers_data=("mnist", "cifar-10"),
)


def put_in_place():
    """Have lrcourse.papers know this paper and no other."""
    papers.NAMES = ("tiny",)
    papers._MODULES["tiny"] = "tiny"
    sys.modules["lrcourse.papers.tiny"] = sys.modules["tiny_paper"]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import tiny_paper

    from lrcourse.cli import main

    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    tiny_paper.put_in_place()
    main()
