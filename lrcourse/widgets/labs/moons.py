r"""Two half moons, and the network that learns to tell them apart in two labs."""

from __future__ import annotations

import numpy as np

from lrcourse.nn import Linear, Network, ReLU
from lrcourse.optim import SGD, Adam, Momentum

RULES = {"SGD": SGD, "momentum": Momentum, "Adam": Adam}
INITIALIZATIONS = ("kaiming", "xavier", "normal", "zero")
POINTS, SIDE, REACH = 128, 32, 2.6  # points to learn, cells along a side of the map, its half width


def network(init: str, rng: np.random.Generator, runs: int | None = None) -> Network:
    r"""A 2-16-16-2 ReLU network; see `lrcourse.nn.Network` for ``rng`` and ``runs``."""
    layers = [Linear(2, 16, init), ReLU(), Linear(16, 16, init), ReLU(), Linear(16, 2, init)]
    return Network(layers, rng, runs)


def half_moons(
    rng: np.random.Generator, count: int = POINTS, noise: float = 0.15
) -> tuple[np.ndarray, np.ndarray]:
    r"""Two half circles that reach into each other: points, float32 (count, 2), and labels."""
    y = np.arange(count) % 2
    angle = np.pi * rng.random(count)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    x[y == 1] = [1, 0.5] - x[y == 1]
    x += noise * rng.standard_normal(x.shape)
    x = 1.2 * (x - x.mean(axis=0)) / x.std(axis=0)
    return x.astype(np.float32), y


def region_panel() -> dict:
    r"""The panel of the points over the region that the network gives to each class."""
    from lrcourse.widgets.lab import axis

    return {
        "kind": "region",
        "x": axis("x₁", -REACH, REACH),
        "y": axis("x₂", -REACH, REACH),
        "cells": "region",
        "points": "points",
        "labels": "labels",
    }


def plane(side: int = SIDE) -> np.ndarray:
    r"""The middles of the map's cells, float32 (side², 2), the top row first."""
    middles = REACH * (2 * (np.arange(side) + 0.5) / side - 1)
    across, up = np.meshgrid(middles, middles[::-1])
    return np.stack([across.ravel(), up.ravel()], axis=-1).astype(np.float32)
