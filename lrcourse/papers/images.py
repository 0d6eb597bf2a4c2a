r"""The images of the trials: loaded once, when a run needs them, and split by the seed."""

import functools
from collections.abc import Callable, Iterable
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


def arrays(
    data: Data, shape: Callable[[np.ndarray], np.ndarray], limit: int | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    r"""Return images and labels to train, to choose by, and to test.

    Args:
        data: the data set.
        shape: what is made of the images, such as ``pooled``.
        limit: images of each part to use; None for all.
    """
    parts = data.train, data.validation, data.test
    return [(shape(part.x[:limit]), part.y[:limit]) for part in parts]


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


def coarse(x: np.ndarray) -> np.ndarray:
    r"""Return 32x32 colour images as 8x8, the mean of each 4x4.

    Args:
        x: pixels, shape (n, 3072).

    Returns:
        Pixels, shape (n, 192).
    """
    return x.reshape(-1, 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(-1, 192)


SHAPES = {196: pooled, 192: coarse}  # by the inputs of a network; others read whole images
