r"""The learning-rate range test: raise the rate from step to step and watch the loss."""

import math
import warnings
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from lrcourse.data import Data
from lrcourse.nn import Array, Network
from lrcourse.optim import Rule
from lrcourse.training import Run, fit

SMOOTHING = 0.9  # weight of the past in the smoothed loss
DIVERGED = 4  # the test ends where the smoothed loss is this many times its smallest, as in fast.ai
FIRST = 10  # losses whose mean is the loss at the start: one batch alone is too noisy
FALLEN = 0.1  # share of its whole fall that the loss has made at the lowest rate
MARGIN = 2  # the rate of the smallest loss over the highest rate: an average notices late
HEADROOM = 1.5  # top of the picture over the loss at the start, so that the fall fills it
FEWEST = 2 * FIRST  # steps: with fewer, most of the losses would be the start


@dataclass(frozen=True, eq=False)
class RangeTest:
    r"""What a range test saw.

    Attributes:
        rates: learning rate of each step, (steps,).
        losses: loss of each step's mini-batch, before the step, (steps,).
        smoothed: moving average of the losses, (steps,), with its bias corrected as in Adam.
    """

    rates: Array
    losses: Array
    smoothed: Array

    @property
    def proposed(self) -> tuple[float, float]:
        r"""The lowest and the highest rate to use, for ``Cyclical`` or for a search.

        The lowest is the rate at which the smoothed loss has made a tenth of its whole fall from
        the mean of the first ten losses. The highest is half the rate at which it is smallest: an
        average notices late.

        Raises:
            ValueError: the loss did not fall, or fell in a single step.
        """
        best, start = self.smoothed.argmin(), self.losses[:FIRST].mean()
        level = start - FALLEN * (start - self.smoothed[best])
        # The last step above that level, not the first below it: single batches are noisy.
        above = np.flatnonzero(self.smoothed[: best + 1] >= level)
        low = self.rates[above[-1] if above.size else 0]
        high = self.rates[best] / MARGIN
        if start <= self.smoothed[best] or low >= high:
            raise ValueError(
                f"The loss hardly falls anywhere from rate {self.rates[0]:g} to "
                f"{self.rates[-1]:g}: test lower rates, or more steps."
            )
        return float(low), float(high)

    def plot(self, alt: str = "") -> None:
        r"""Draw losses against rates, with the proposed range if there is one.

        Losses above 1.5 times the loss at the start are left out, so that the fall can be seen.

        Args:
            alt: the figure in words; by default, where the loss is smallest and the range.
        """
        from lrcourse import plots

        top = HEADROOM * self.losses[:FIRST].mean()
        lines = {
            name: (self.rates, np.where(loss <= top, loss, np.nan))
            for name, loss in [("loss", self.losses), ("smoothed", self.smoothed)]
        }
        try:
            low, high = self.proposed
            ends = [self.smoothed.min(), top]
            lines[f"lowest, {low:.2g}"] = [low, low], ends
            lines[f"highest, {high:.2g}"] = [high, high], ends
            found = f"proposed range {low:.3g} to {high:.3g}"
        except ValueError:
            found = "no range to propose"
        alt = alt or (
            f"Loss against learning rate from {self.rates[0]:.3g} to {self.rates[-1]:.3g}: "
            f"smallest at {self.rates[self.smoothed.argmin()]:.3g}; {found}."
        )
        plots.curves(lines, "learning rate", "loss", log_x=True, alt=alt)


class _Rise:
    def __init__(self, rates: Array) -> None:
        self.rates, self.smoothed, self.average = rates, [], 0.0

    def on_batch_begin(self, run: Run) -> None:
        run.learning_rate = self.rates[run.step]

    def on_batch_end(self, run: Run) -> None:
        self.average += (1 - SMOOTHING) * (float(run.loss) - self.average)
        self.smoothed.append(self.average / (1 - SMOOTHING**run.step))
        if run.step == len(self.rates) or self.smoothed[-1] > DIVERGED * min(self.smoothed):
            run.stop()


def range_test(
    network: Network,
    data: Data | tuple[Array, Array],
    rule: Rule,
    low: float = 1e-5,
    high: float = 10.0,
    steps: int = 100,
    *,
    batch_size: int,
    rng: Generator,
) -> RangeTest:
    r"""Train for some steps while the learning rate rises, and propose a range of rates.

    .. math:: \eta_t = \eta_{low} \, (\eta_{high} / \eta_{low})^{t/(T-1)}, \qquad t = 0 .. T-1

    Args:
        network: one network; a copy of it is trained.
        data: as for ``fit``; only the training part is used.
        rule: the optimizer; a copy of it takes the steps.
        low: rate of the first step, above 0.
        high: rate of the last step.
        steps: T, at least 20. The test ends earlier if the loss is not finite, or the smoothed
            loss is four times its smallest.
        batch_size: examples in each step.
        rng: shuffles the data.

    Returns:
        Rates, losses, smoothed losses and the proposed range.

    Raises:
        ValueError: invalid rates or steps, K stacked runs, data that ``fit`` refuses, or a loss
            that is not finite before the first step.

    Source: Smith 2017, section 3.3, who raises the rate linearly and reads the range from the
    validation accuracy; the geometric rise and the training loss are fast.ai's practice.
    """
    if not 0 < low < high < math.inf:
        raise ValueError(f"The rates must be 0 < low < high, not low = {low}, high = {high}.")
    if not isinstance(steps, int | np.integer) or steps < FEWEST:
        raise ValueError(
            f"steps must be a whole number of at least {FEWEST}, not {steps!r}: fewer show too "
            "little of the loss to propose a range."
        )
    if network.w.ndim > 1:
        raise ValueError(f"A range test takes one network, not {len(network.w)} stacked runs.")
    training_part = data.train if isinstance(data, Data) else data
    rise = _Rise(np.geomspace(low, high, steps))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training stopped")
        history = fit(
            deepcopy(network),
            training_part,
            deepcopy(rule),
            learning_rate=low,
            batch_size=batch_size,
            epochs=steps,
            rng=rng,
            callbacks=[rise],
            progress=False,
        )
    n = len(rise.smoothed)
    if n == 0:
        raise ValueError(
            "The loss is not finite before the first step: x or the weights hold NaN, infinity or "
            "numbers that are too large."
        )
    return RangeTest(rise.rates[:n], np.array(history.loss[:n]), np.array(rise.smoothed))
