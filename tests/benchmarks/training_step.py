r"""Time of one training step of ``fit`` against torch and against the bare matrix products.

    python -m tests.benchmarks.training_step [--rounds N]

Network 784-128-128-10, sigmoid, softmax cross-entropy, SGD, one thread. The three take turns in
one process; a row gives the median CPU time of a step and the medians of the ratios, turn by turn.
"""

import argparse
import os
import time
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from lrcourse.nn import Linear, Network, Sigmoid
from lrcourse.optim import SGD
from lrcourse.training import fit

SIZES = (784, 128, 128, 10)
STEPS = {1: 200, 8: 200, 32: 100, 256: 25}


def ours(x, labels, batch_size):
    rng = np.random.default_rng(0)
    layers = [Linear(784, 128), Sigmoid(), Linear(128, 128), Sigmoid(), Linear(128, 10)]
    network = Network(layers, rng)
    setting = {"learning_rate": 0.1, "batch_size": batch_size, "epochs": 1, "rng": rng}
    return lambda: fit(network, (x, labels), SGD(), progress=False, **setting)


def with_torch(x, labels, batch_size):
    x, labels = torch.tensor(x), torch.tensor(labels)
    layers = []
    for fan_in, fan_out in pairwise(SIZES):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.Sigmoid()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def epoch():
        for batch in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[batch]), labels[batch]).backward()
            optimizer.step()

    return epoch


def products(x, labels, batch_size):
    rng = np.random.default_rng(0)

    def arrays(*shapes):
        return [rng.random(shape, dtype=np.float32) for shape in shapes]

    w = arrays(*pairwise(SIZES))
    d_w = arrays(*pairwise(SIZES))
    y = arrays(*[(batch_size, size) for size in SIZES])
    d_y = arrays(*[(batch_size, size) for size in SIZES])

    def epoch():
        for _ in range(len(x) // batch_size):
            for i in range(3):
                np.dot(y[i], w[i], out=y[i + 1])
            for i in (2, 1, 0):
                np.dot(y[i].T, d_y[i + 1], out=d_w[i])
                if i:
                    np.dot(d_y[i + 1], w[i].T, out=d_y[i])

    return epoch


def measure(batch_size: int, rounds: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    n = batch_size * STEPS[batch_size]
    x, labels = rng.random((n, 784), dtype=np.float32), rng.integers(0, 10, n)
    runs = [make(x, labels, batch_size) for make in (ours, with_torch, products)]
    times = np.empty((rounds + 1, 3))
    for row in times:
        for i, run in enumerate(runs):
            start = time.process_time()
            run()
            row[i] = time.process_time() - start
    times = times[1:] / STEPS[batch_size] * 1e6
    mine, theirs, floor = np.median(times, axis=0)
    return {
        "batch size": batch_size,
        "fit us": mine,
        "torch us": theirs,
        "products us": floor,
        "torch/fit": np.median(times[:, 1] / times[:, 0]),
        "fit/products": np.median(times[:, 0] / times[:, 2]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="turns of each (default 31)")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    for i, batch_size in enumerate(STEPS):
        row = measure(batch_size, rounds)
        if i == 0:
            print(*(name.rjust(13) for name in row))
        print(*(f"{value:13.2f}" for value in row.values()))


if __name__ == "__main__":
    main()
