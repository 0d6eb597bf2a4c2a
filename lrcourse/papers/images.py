r"""The images of the trials: loaded once, when a run needs them, and split by the seed."""

import functools
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lrcourse.data import Data, Split, choose_validation, load


@functools.cache
def whole(name: str) -> Data:
    r"""Load a data set once for all runs of a process, all training images in one part.

    Args:
        name: as for ``lrcourse.data.load``.
    """
    return load(name, validation=0)


def images(name: str, validation: float = 0, seed: int = 0) -> Data:
    r"""Return a data set with a share of its training images set aside, another for each seed.

    Args:
        name: as for ``lrcourse.data.load``.
        validation: the share to set aside, as much of each class; 0 for none.
        seed: which images to set aside.
    """
    data = whole(name)
    if not validation:
        return data
    aside = choose_validation(data.train.y, validation, np.random.default_rng(seed))
    parts = {"train": ~aside, "validation": aside}
    return replace(
        data,
        **{part: Split(data.train.x[kept], data.train.y[kept]) for part, kept in parts.items()},
    )


def missing(names: Iterable[str]) -> dict[str, str]:
    r"""Look for data sets, download them if need be, and return those not available and why.

    Args:
        names: of data sets.

    Raises:
        DataError: one is here, but damaged.
    """
    reasons = {}
    for name in dict.fromkeys(names):
        try:
            whole(name)
        except FileNotFoundError as error:
            reasons[name] = str(error)
    return reasons


def pooled(x: np.ndarray) -> np.ndarray:
    r"""Return 28x28 images as 14x14, the mean of each 2x2.

    Args:
        x: pixels, shape (n, 784).

    Returns:
        Pixels, shape (n, 196).
    """
    return x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
