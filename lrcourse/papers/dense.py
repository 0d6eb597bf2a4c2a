r"""What the trials of dense networks share: how these are built and trained, and signSGD."""

import time
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from numpy.random import Generator

from lrcourse.data import Data
from lrcourse.nn import Array, Linear, Network, ReLU, Sigmoid
from lrcourse.optim import Rule
from lrcourse.training import History, Stop, fit


def dense(
    widths: Sequence[int],
    rng: Generator,
    runs: int | None = None,
    activation: type[ReLU | Sigmoid] = ReLU,
    init: str = "kaiming",
) -> Network:
    r"""Return a network of Linear layers with activations between them.

    Args:
        widths: inputs, widths of the hidden layers, classes.
        rng: of the start.
        runs: as for ``Network``: how many side by side, or None for one.
        activation: what stands between two layers.
        init: of the weights, as for ``Linear``.
    """
    layers = []
    for fan_in, fan_out in pairwise(widths):
        layers += [Linear(fan_in, fan_out, init), activation()]
    return Network(layers[:-1], rng, runs=runs)


class Setting(NamedTuple):
    """How a network is trained, whatever network it is."""

    rule: Rule
    batch_size: int
    epochs: int
    seed: int
    limit: int | None  # images of each part


def quiet_fit(
    network: Network,
    data: Data | tuple[Array, Array],
    rule: Rule,
    learning_rate: float | Array,
    batch_size: int,
    epochs: int,
    rng: Generator,
    *callbacks: object,
) -> tuple[History, float]:
    r"""Train without a progress bar, and without a word where the loss is not finite any more.

    Args:
        network: changed in place.
        data: as for ``fit``.
        rule: the optimizer.
        learning_rate: as for ``fit``.
        batch_size: examples a step.
        epochs: passes over the data.
        rng: of the batches.
        callbacks: as for ``fit``.

    Returns:
        The record, whose ``stopped`` says whether the training ended early, and the CPU
        milliseconds a step of one run, callbacks included.

    Raises:
        KeyboardInterrupt: on Ctrl-C, on which ``fit`` returns: half a training is no result.
    """
    clock, about = Clock(), {"learning_rate": learning_rate, "batch_size": batch_size}
    about |= {"epochs": epochs, "rng": rng, "callbacks": callbacks}
    with warnings.catch_warnings():
        # Only what ``fit`` itself says of its end, which is in the record: any other warning is
        # one about the trial.
        warnings.filterwarnings("ignore", "Training stopped", RuntimeWarning)
        history = fit(network, data, rule, **about, progress=False)
    if history.reason is Stop.INTERRUPTED:
        raise KeyboardInterrupt
    runs = network.w.size // network.w.shape[-1]
    return history, clock.milliseconds(len(history.loss), runs)


class Clock:
    """CPU time of this process, so that a busy machine does not count."""

    def __init__(self) -> None:
        self.start = time.process_time()

    def milliseconds(self, steps: int, runs: int = 1) -> float:
        r"""Return the milliseconds a step of one run since the start.

        Args:
            steps: of each run.
            runs: side by side.
        """
        return round(1000 * (time.process_time() - self.start) / max(steps * runs, 1), 4)
