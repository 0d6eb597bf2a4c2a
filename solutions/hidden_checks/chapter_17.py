r"""Hidden checks of chapter 17, What a batch buys."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.grading.hidden import HiddenCheck


def arrival_of_other_curves(steps_to_target: Callable, rng: Generator) -> None:
    r"""Curves that fall like an exponential to a floor, with less noise."""
    late = []
    for _ in range(100):
        arrival, floor = rng.uniform(100, 400), rng.uniform(0.2, 0.4)
        steps = np.unique(np.rint(6 * 1.04 ** np.arange(140))).astype(int)
        losses = floor + 0.2 * np.exp(1 - steps / arrival)
        losses += 0.006 * rng.normal(size=len(steps))
        seen = steps < 1.8 * arrival
        found = float(steps_to_target(steps[seen], losses[seen], floor + 0.2))
        if not 0 < found < math.inf:
            raise Wrong(f"A run that arrives at step {arrival:.0f} gets {found:g}.")
        late.append(math.log(found / arrival))
    if abs(np.mean(late)) > 0.03 or np.std(late) > 0.07:
        raise Wrong("On other curves it is too far off.")


def fit_of_two_sizes(fit_batches: Callable, rng: Generator) -> None:
    r"""Two sizes in any order are just enough."""
    for sizes in ([4, 1024], [256, 16], [1, 2]):
        least, critical = rng.uniform(20, 300), rng.uniform(10, 500)
        given = np.array(sizes)
        found = fit_batches(given, least * (given + critical) / given)
        compare(tuple(found), (least, critical), tolerance=2e-3)


def price_by_trial(cheapest: Callable, rng: Generator) -> None:
    r"""No other batch is cheaper, of a thousand."""
    for _ in range(20):
        least, critical, step, most = np.exp(rng.uniform([3, 2, -6, 1], [6, 6, 9, 9])).tolist()
        size, price = (float(value) for value in cheapest(least, critical, step, 0.5, most))
        tried = np.geomspace(1, most, 1000)
        prices = (least + least * critical / tried) * (step + 0.5 * tried)
        if not 1 - 1e-6 <= size <= most * (1 + 1e-6):
            raise Wrong(f"A batch of {size:g} is not between 1 and {most:g}.")
        compare(price, (least + least * critical / size) * (step + 0.5 * size), tolerance=1e-3)
        if price > prices.min() * 1.001:
            raise Wrong(f"It pays {price:.6g}, and {prices.min():.6g} is enough.")


def sweep_of_random_tables(fair_sweep: Callable, rng: Generator) -> None:
    r"""Tables without any order, some runs of which never arrive."""
    for _ in range(10):
        table = rng.uniform(50, 500, size=(2, 4, 3))
        table[rng.uniform(size=table.shape) < 0.1] = np.inf

        def run(size: int, rate: float, seed: int, table: np.ndarray = table) -> float:
            return float(table[size - 1, round(10 * rate) - 1, seed - 5])

        expected = []
        for rows in table:
            means = [sum(row) / 3 for row in rows]
            k = means.index(min(means))
            expected.append(means[k] if k in (1, 2) and means[k] < math.inf else math.nan)
        got = fair_sweep(run, [1, 2], [0.1, 0.2, 0.3, 0.4], [5, 6, 7])
        compare(got, np.array(expected))


def forecast_without_noise(forecast: Callable, rng: Generator) -> None:
    r"""Where runs do not differ the forecast is nearly exact."""
    for most, wanted in ((64, 256), (256, 512)):
        least, critical = rng.uniform(50, 300), rng.uniform(30, 200)
        found = forecast(
            lambda size, least=least, critical=critical: least * (1 + critical / size),
            20 * least * (most + critical),
            most,
            wanted,
        )
        steps = least * (1 + critical / wanted)
        compare(tuple(map(float, found)), (steps, steps * wanted), tolerance=0.02)


CHECKS = {
    "17.1": [
        HiddenCheck(
            "curves of another kind",
            arrival_of_other_curves,
            points=2,
            hint="Smooth near the target only: far from it a curve may have any shape.",
        ),
    ],
    "17.2": [
        HiddenCheck(
            "two sizes in any order",
            fit_of_two_sizes,
            points=2,
            hint="Two numbers are fixed by two measurements, whichever comes first.",
        ),
    ],
    "17.3": [
        HiddenCheck(
            "a thousand other batches",
            price_by_trial,
            points=2,
            hint="Compare with the price of many sizes between 1 and `most`.",
        ),
    ],
    "17.4": [
        HiddenCheck(
            "random tables of runs",
            sweep_of_random_tables,
            points=2,
            hint="A mean with inf in it is inf. What if the lowest mean is at an end?",
        ),
    ],
    "17.5": [
        HiddenCheck(
            "runs that do not differ",
            forecast_without_noise,
            points=2,
            hint="Without noise two sizes are enough, and the formula gives the rest.",
        ),
    ],
}
