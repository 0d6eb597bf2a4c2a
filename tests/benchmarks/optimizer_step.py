r"""Time of one step of each rule against torch's for-loop optimizers and the memory floor.

    python -m tests.benchmarks.optimizer_step [--rounds N]

One thread, float32, one vector. The floor reads and writes the same arrays once, in place, with
nothing computed. All take turns in one process; medians of the ratios, turn by turn.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from lrcourse import optim
from lrcourse.torch_optim import Optimizer

from .table import Row, in_turns, lines, ratios

RULES = {
    "SGD": (optim.SGD(), 1, lambda p: torch.optim.SGD(p, 0.01, foreach=False)),
    "Momentum": (
        optim.Momentum(),
        2,
        lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, foreach=False),
    ),
    "Nesterov": (
        optim.Nesterov(),
        2,
        lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True, foreach=False),
    ),
    "AdaGrad": (optim.AdaGrad(), 2, lambda p: torch.optim.Adagrad(p, 0.01, foreach=False)),
    "AdaDelta": (optim.AdaDelta(), 3, lambda p: torch.optim.Adadelta(p, 1.0, foreach=False)),
    "RMSprop": (optim.RMSprop(), 2, lambda p: torch.optim.RMSprop(p, 0.01, foreach=False)),
    "Adam": (optim.Adam(), 3, lambda p: torch.optim.Adam(p, 0.01, foreach=False)),
    "AdamW": (optim.AdamW(), 3, lambda p: torch.optim.AdamW(p, 0.01, foreach=False)),
    "IRpropMinus": (
        optim.IRpropMinus(),
        3,
        lambda p: torch.optim.Rprop(p, 0.001, (0.5, 1.2), (0.001, 0.006), foreach=False),
    ),
}
# A network's ten thousand parameters come as six tensors, and torch loops over them.
PARTS = 6
BLOCK = 32_768  # numbers that the processor's cache holds


def numpy_step(rule, size, rng):
    w, g = rng.standard_normal((2, size), dtype=np.float32)
    return lambda: rule.step(w, g, 0.01)


def torch_step(make, size):
    params = [torch.randn(size // PARTS, requires_grad=True) for _ in range(PARTS)]
    for p in params:
        p.grad = torch.randn_like(p)
    return make(params).step


def floor_step(written, size, rng):
    g, *arrays = rng.random((written + 1, size), dtype=np.float32)

    def stream():
        for start in range(0, size, BLOCK):
            for array in arrays:
                block = array[start : start + BLOCK]
                np.maximum(block, g[start : start + BLOCK], out=block)

    return stream


def measure(quick: bool, rounds: int | None = None) -> list[Row]:
    r"""Rows by rule and size; quick leaves ten million parameters out, and takes fewer rounds."""
    rounds = rounds or (5 if quick else 9)
    torch.set_num_threads(1)
    rng, rows = np.random.default_rng(0), []
    for size, repeats in ((10_000, 200), (10_000_000, 1))[: 1 if quick else 2]:
        for name, (rule, written, make) in RULES.items():
            steps = {
                "ours": numpy_step(type(rule)(), size, rng),
                "floor": floor_step(written, size, rng),
                "torch": torch_step(make, size),
            }
            times = in_turns(steps, rounds, repeats)
            rows.append(ratios(f"{name}, {size:,} parameters", times))
    steps = {
        "ours": torch_step(lambda p: Optimizer(p, optim.IRpropMinus()), 100_000),
        "torch": torch_step(RULES["IRpropMinus"][2], 100_000),
    }
    times = in_turns(steps, rounds, 50)
    return [*rows, ratios("IRpropMinus as torch optimizer, 100,000 parameters", times)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each (default 9)")
    print(*lines(measure(False, parser.parse_args().rounds)), sep="\n")


if __name__ == "__main__":
    main()
