r"""Hidden checks of chapter 12, A rate for each layer."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from lrcourse.exercises import Wrong, compare
from lrcourse.exercises.chapter_12 import plateau_ends
from lrcourse.grading.hidden import HiddenCheck


def multiplier_of_any_array(layer_multiplier: Callable, rng: Generator) -> None:
    r"""One to three axes, lengths from tiny to huge."""
    for shape in ((1,), (7,), (3, 5), (2, 3, 4)):
        for scale in (1e-12, 1e-3, 1.0, 1e6):
            g = scale * rng.normal(size=shape)
            norm = math.sqrt(math.fsum(value * value for value in g.ravel().tolist()))
            compare(layer_multiplier(g.copy()), 1 + math.log1p(1 / norm))


def adagrad_layer_by_layer(adagrad_step: Callable, rng: Generator) -> None:
    r"""Five steps together are five steps of each layer by itself."""
    layers = [slice(0, 2), slice(2, 3), slice(3, 8)]
    w, gradients = rng.normal(size=8), rng.normal(size=(5, 8)) * [[1], [0.01], [3], [0.1], [1]]
    together = w.copy(), np.full(8, 0.1)
    for g in gradients:
        together = adagrad_step(*together, g.copy(), 0.2, layers, 1e-3)
    expected = w.copy()
    for layer in layers:
        S = np.full(8, 0.1)[layer]
        for g in gradients[:, layer]:
            S = S + g**2
            m = 1 + math.log1p(1 / np.linalg.norm(g))
            expected[layer] -= 0.2 * m * g / (np.sqrt(S) + 1e-3)
    compare(together, (expected, 0.1 + np.sum(gradients**2, axis=0)))


def controls_run_by_run(controls: Callable, rng: Generator) -> None:
    r"""Each run by itself, and one step or one layer."""
    for shape in ((6, 4, 3), (1, 3, 2), (4, 1, 2), (2, 2, 1)):
        m = rng.uniform(1, 9, size=shape)
        for k, run in enumerate(np.moveaxis(m, -1, 0)):
            expected = (
                np.full(run.shape, run.mean()),
                np.tile(run.mean(axis=0), (shape[0], 1)),
                np.tile(run.mean(axis=1)[:, None], (1, shape[1])),
            )
            compare(tuple(np.asarray(each)[..., k] for each in controls(m.copy())), expected)


def plateau_of_other_seeds(five_rates: Callable, rng: Generator) -> None:
    r"""Four seeds more, with a little more room."""
    steps = np.mean([plateau_ends(five_rates(), seed, 300) for seed in (61, 62, 63, 64)])
    if not steps <= 145:
        raise Wrong(f"The plateau ends at step {steps:.0f} in the mean.")


CHECKS = {
    "12.1": [
        HiddenCheck(
            "any number of axes, any length",
            multiplier_of_any_array,
            points=1,
            hint="All elements make one norm, however they are arranged.",
        ),
    ],
    "12.2": [
        HiddenCheck(
            "five steps, layer by layer",
            adagrad_layer_by_layer,
            points=3,
            hint="A layer takes the same steps whether others are beside it or not.",
        ),
    ],
    "12.3": [
        HiddenCheck(
            "each run by itself",
            controls_run_by_run,
            points=2,
            hint="What do the three controls of one run look like, written down by themselves?",
        ),
    ],
    "12.4": [
        HiddenCheck(
            "four seeds more, and some room",
            plateau_of_other_seeds,
            points=2,
            hint="Choose rates that leave some room below the goal, over several seeds.",
        ),
    ],
}
