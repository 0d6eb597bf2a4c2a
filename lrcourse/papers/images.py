r"""The images of the trials: the paper's own where they can be had, else a named stand-in."""

import functools

import numpy as np

from lrcourse.data import Data, load


def first_available(*names: str) -> str:
    r"""Return the first data set that is here or can be downloaded.

    Args:
        names: the paper's own first, a bundled one last.

    Raises:
        DataError: one is here, but damaged.
    """
    for name in names[:-1]:
        try:
            load(name)
        except FileNotFoundError:
            continue
        return name
    return names[-1]


@functools.cache
def images(name: str, validation: float = 0) -> Data:
    r"""Load a data set once for all runs of a process.

    Args:
        name: as for ``lrcourse.data.load``.
        validation: the share of the training images to set aside.
    """
    return load(name, validation=validation)


def pooled(x: np.ndarray) -> np.ndarray:
    r"""Return 28x28 images as 14x14, the mean of each 2x2.

    Args:
        x: pixels, shape (n, 784).

    Returns:
        Pixels, shape (n, 196).
    """
    return x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
