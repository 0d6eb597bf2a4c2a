r"""Time of one step of each rule against torch's for-loop optimizers and the memory floor.

    python -m tests.benchmarks.optimizer_step [--rounds N]

One thread, float32, one vector. The floor reads and writes the same arrays once, in place, with
nothing computed. All take turns in one process; medians of the ratios, turn by turn.
"""

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from lrcourse import optim
from lrcourse.torch_optim import Optimizer

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


def timed(function, repeats):
    start = time.process_time()
    for _ in range(repeats):
        function()
    return (time.process_time() - start) / repeats


def numpy_step(rule, size, rng):
    w, g = rng.standard_normal((2, size), dtype=np.float32)
    take_step = optim.in_blocks(rule, w, g)
    return lambda: take_step(0.01)


def torch_step(make, size):
    params = [torch.randn(size // PARTS, requires_grad=True) for _ in range(PARTS)]
    for p in params:
        p.grad = torch.randn_like(p)
    return make(params).step


def floor_step(written, size, rng):
    g, *arrays = rng.random((written + 1, size), dtype=np.float32)

    def stream():
        for start in range(0, size, optim.BLOCK):
            for array in arrays:
                block = array[start : start + optim.BLOCK]
                np.maximum(block, g[start : start + optim.BLOCK], out=block)

    return stream


def row(steps, repeats, rounds):
    times = []
    for _ in range(rounds + 1):
        times.append([timed(step, repeats) for step in steps])
    return np.array(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each (default 9)")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    for size, repeats in ((10_000, 200), (10_000_000, 1)):
        print(f"{size:,} parameters".ljust(24), "us/step   torch/ours   ours/floor")
        for name, (rule, written, make) in RULES.items():
            rule = type(rule)()
            steps = [numpy_step(rule, size, rng), floor_step(written, size, rng)]
            steps += [torch_step(make, size)]
            ours, floor, theirs = row(steps, repeats, rounds).T
            print(
                f"  {name:22}{np.median(ours) * 1e6:9.0f}{np.median(theirs / ours):12.2f}"
                f"{np.median(ours / floor):13.2f}"
            )
    size = 100_000
    steps = [
        torch_step(lambda p: Optimizer(p, optim.IRpropMinus()), size),
        torch_step(RULES["IRpropMinus"][2], size),
    ]
    ours, theirs = row(steps, 50, rounds).T
    print(f"torch IRpropMinus, 100,000 parameters: {np.median(theirs / ours):.2f}x torch's speed")


if __name__ == "__main__":
    main()
