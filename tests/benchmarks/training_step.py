r"""Time of a training step of ``fit`` against torch, scikit-learn and the bare matrix products.

    python -m tests.benchmarks.training_step [--rounds N]

Network 784-128-128-10, sigmoid, softmax cross-entropy, SGD, one thread. They take turns in one
process; a row gives the median CPU time of a step and the medians of the ratios, turn by turn.
"""

import argparse
import os
import warnings
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from lrcourse.nn import Linear, Network, Sigmoid
from lrcourse.optim import SGD
from lrcourse.training import fit

from .table import Row, in_turns, lines, ratios

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


def with_sklearn(x, labels, batch_size):
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        SIZES[1:-1], activation="logistic", solver="sgd", momentum=0, alpha=0,
        learning_rate_init=0.1, batch_size=batch_size, random_state=0,
    )  # fmt: skip
    return lambda: network.partial_fit(x, labels, classes=range(10))


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


def measure(quick: bool, rounds: int | None = None) -> list[Row]:
    r"""Rows by batch size; quick is fewer rounds."""
    rounds = rounds or (5 if quick else 15)
    torch.set_num_threads(1)
    made = {"ours": ours, "torch": with_torch, "scikit-learn": with_sklearn, "floor": products}
    rows = []
    for batch_size, steps in STEPS.items():
        rng = np.random.default_rng(0)
        n = batch_size * steps
        x, labels = rng.random((n, 784), dtype=np.float32), rng.integers(0, 10, n)
        runs = {name: make(x, labels, batch_size) for name, make in made.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn on a loss that does not fall
            times = in_turns(runs, rounds)
        times = {name: spent / steps for name, spent in times.items()}
        rows.append(ratios(f"training step, batch of {batch_size}", times))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="turns of each (default 31)")
    print(*lines(measure(False, parser.parse_args().rounds)), sep="\n")


if __name__ == "__main__":
    main()
