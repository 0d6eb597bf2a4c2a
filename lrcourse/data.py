r"""The images that networks learn from: `load(name)` gives training, validation and test arrays.

`fashion-mini`, `digits` and `patches` come with the package and need no network. `fashion-mnist`,
`mnist`, `kmnist`, `quickdraw-10` and `cifar-10` are read from a folder or downloaded.
`datasets/SOURCES.md` says where each comes from.
"""

import math
import os
from dataclasses import dataclass, replace
from numbers import Integral
from typing import NamedTuple

import numpy as np

from lrcourse.datasets.catalogue import BUNDLED, PUBLISHED
from lrcourse.datasets.download import read_published
from lrcourse.datasets.formats import DataError, read_bundled
from lrcourse.messages import unknown

__all__ = ["Data", "DataError", "Split", "choose_validation", "halved", "load"]


class Split(NamedTuple):
    r"""Images `x`, float32 (n, features) in [0, 1], and labels `y`, int64 (n,)."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    r"""A data set: its three splits, the names of its classes, and where it comes from.

    `x.reshape(-1, *image_shape)` gives images back: (height, width) or (height, width, colour).
    """

    name: str
    classes: tuple[str, ...]
    image_shape: tuple[int, ...]
    source: str
    licence: str
    train: Split
    validation: Split
    test: Split

    def __repr__(self) -> str:
        splits = ("train", "validation", "test")
        counts = ", ".join(f"{len(getattr(self, split).y):,} {split}" for split in splits)
        size = "x".join(map(str, self.image_shape))
        return f"Data({self.name!r}: {counts} images of {size}, {len(self.classes)} classes)"


def load(
    name: str,
    folder: str | os.PathLike | None = None,
    validation: float = 0.1,
    rng: np.random.Generator | None = None,
) -> Data:
    r"""Load a data set by name.

    Args:
        name: "fashion-mini" (10,000 training and 2,000 test images of Fashion-MNIST), "digits"
            (1,437 and 360 of 8x8) and "patches" (5,000 and 1,000 colour patches of 32x32, cut from
            the left and right halves of ten photographs) are bundled; "fashion-mnist", "mnist",
            "kmnist" (60,000 and 10,000), "quickdraw-10" (80,000 and 20,000) and "cifar-10" (50,000
            and 10,000) are not.
        folder: where the files of a set that is not bundled are: the folder itself, its subfolder
            with the name of the set, or torchvision's. They may be unpacked (except KMNIST's) and
            have the names that a browser, 7-Zip, Windows or Kaggle gives them. Without a folder,
            we look in the one that the environment variable LRCOURSE_DATA names (else in the
            user's cache), then where Debian's package puts them, and else download them to the
            first; an interrupted download is resumed the next time. Bundled sets ignore it.
        validation: how much of the training images to set aside, the same share of every class (to
            within one image): a fraction, or a whole number of images. 0 keeps every image for
            training. Patches of one photograph overlap, so there the validation set is easier than
            the test set.
        rng: which images to set aside. Without it, always the same: the last of each class in the
            file.

    Raises:
        ValueError: an unknown name or an impossible `validation`.
        FileNotFoundError: files are missing and cannot be downloaded.
        DataError: a file is truncated, corrupted or not the one it should be (a ValueError).
    """
    sets = BUNDLED | PUBLISHED
    if name not in sets:
        raise ValueError(unknown("data set", name, sets))
    about = sets[name]
    arrays = read_bundled(name) if name in BUNDLED else read_published(name, folder)
    aside = choose_validation(arrays["train_y"], validation, rng)

    def split(part: str, keep: np.ndarray | slice) -> Split:
        images, labels = arrays[f"{part}_x"][keep], arrays[f"{part}_y"][keep]
        x = images.reshape(len(images), math.prod(about.image_shape)).astype(np.float32)
        x /= np.float32(about.white)
        return Split(x, labels.astype(np.int64))

    return Data(
        name=name,
        classes=about.classes,
        image_shape=about.image_shape,
        source=about.source,
        licence=about.licence,
        train=split("train", ~aside),
        validation=split("train", aside),
        test=split("test", slice(None)),
    )


def choose_validation(
    y: np.ndarray, validation: float, rng: np.random.Generator | None = None
) -> np.ndarray:
    r"""Choose which examples to set aside, an equal share of each class.

    Within each class the examples are ranked, and their ranks are scaled to run from 0 to 1. Those
    with the highest ranks of all are set aside.

    Args:
        y: labels (n,).
        validation: how many, as for `load`: a fraction of n, or a whole number.
        rng: shuffles the examples before they are ranked. Without it, the last of each class are
            set aside.

    Returns:
        A mask (n,), true for those set aside.

    Raises:
        ValueError: an impossible `validation`.
    """
    count = validation if isinstance(validation, Integral) else validation * len(y)
    if not 0 <= count <= len(y) - 1:
        raise ValueError(
            "validation must be a fraction from 0 to below 1, or a whole number of images from 0 "
            f"to {len(y) - 1}, not {validation!r}"
        )
    order = np.arange(len(y)) if rng is None else rng.permutation(len(y))
    rank = np.empty(len(y))
    for label in np.unique(y):
        members = order[y[order] == label]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    aside = np.zeros(len(y), bool)
    aside[np.argsort(-rank, kind="stable")[: round(count)]] = True
    return aside


def halved(data: Data) -> Data:
    r"""Return the data with images of half the height and width, so that networks train faster.

    Each square of 2 by 2 pixels becomes one, their mean.

    Args:
        data: what `load` returns; its images have an even height and width.

    Raises:
        ValueError: a height or width is odd.
    """
    height, width, *colours = data.image_shape
    if height % 2 or width % 2:
        raise ValueError(
            f"Only images of even height and width can be halved, not {height} by {width}."
        )
    shape = (height // 2, width // 2, *colours)

    def smaller(split: Split) -> Split:
        squares = split.x.reshape(-1, shape[0], 2, shape[1], 2, *colours)
        return split._replace(x=squares.mean(axis=(2, 4)).reshape(len(split.x), -1))

    parts = {name: smaller(getattr(data, name)) for name in ("train", "validation", "test")}
    return replace(data, image_shape=shape, **parts)
