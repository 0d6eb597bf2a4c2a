r"""The images that networks learn from: `load(name)` gives training, validation and test arrays.

`fashion-mini`, `digits` and `patches` come with the package and need no network. `fashion-mnist` is
read from a folder or downloaded. `datasets/SOURCES.md` says where each comes from.
"""

import difflib
import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np

BUNDLED_FOLDER = Path(__file__).parent / "datasets"
PARTS = ("train_x", "train_y", "test_x", "test_y")
PATCH = 32  # height and width of a patch


class File(NamedTuple):
    """One file of a data set, in the format of MNIST (idx), packed by gzip or not."""

    name: str
    shape: tuple[int, ...]
    crc32: int  # of the unpacked bytes: the same however the file was packed
    sha256: str  # of the .gz file as published, to check a download


FASHION = {
    "classes": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "image_shape": (28, 28),
    "white": 255,
    "source": "Fashion-MNIST, Zalando Research, arXiv:1708.07747",
    "licence": "MIT, copyright 2017 Zalando SE",
}
BUNDLED = {
    "fashion-mini": {**FASHION, "source": f"12,000 of the images of {FASHION['source']}"},
    "digits": {
        "classes": tuple("0123456789"),
        "image_shape": (8, 8),
        "white": 16,
        "source": "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI 1998",
        "licence": "CC BY 4.0",
    },
    "patches": {
        "classes": (
            *("astronaut", "blossom", "cat", "coffee", "dahlia"),
            *("galaxies", "pavilion", "raccoon", "retina", "tulips"),
        ),
        "image_shape": (PATCH, PATCH, 3),
        "white": 255,
        "source": "Ten photographs, cropped and scaled: astronaut, galaxies by NASA, blossom by "
        "bliznaca, cat by Stefan van der Walt, coffee by Rachel Michetti, dahlia by vultilion, "
        "pavilion by danielbuechele, raccoon from public-domain-image.com, retina by Mikael "
        "Häggström, tulips by riaphotographs",
        "licence": "public domain or CC0, but dahlia and pavilion CC BY 2.0",
    },
}
DOWNLOADED = {
    "fashion-mnist": {
        **FASHION,
        "bundled": "fashion-mini",
        "folders": ("/usr/share/datasets/fashion-mnist",),  # Debian's dataset-fashion-mnist
        "mirrors": (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        "files": {
            "train_x": File(
                "train-images-idx3-ubyte.gz",
                (60000, 28, 28),
                0xB4F29F28,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            "train_y": File(
                "train-labels-idx1-ubyte.gz",
                (60000,),
                0x741A4657,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            "test_x": File(
                "t10k-images-idx3-ubyte.gz",
                (10000, 28, 28),
                0x678FE0B1,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            "test_y": File(
                "t10k-labels-idx1-ubyte.gz",
                (10000,),
                0x80142C1F,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        },
    },
}


class DataError(ValueError):
    """A data file is truncated, corrupted or not the one it should be."""


class Split(NamedTuple):
    """Images `x`, float32 of shape (n, features) in [0, 1], and labels `y`, int64 of shape (n,)."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A data set: its three splits, the names of its classes, and where it comes from.

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

    name: "fashion-mini" (10,000 training and 2,000 test images of Fashion-MNIST), "digits" (1,437
        and 360 of 8x8), "patches" (5,000 and 1,000 colour patches of 32x32, cut from the left and
        right halves of ten photographs) or "fashion-mnist" (60,000 and 10,000).
    folder: where the files of "fashion-mnist" are; bundled sets ignore it. Without it they are
        looked for in the folder that the environment variable LRCOURSE_DATA names (else the user's
        cache), then where Debian's package puts them, then downloaded to the first.
    validation: how much of the training images to set aside, the same share of every class (to
        within one image): a fraction, or a whole number of images. 0 keeps every image for
        training. Patches of one photograph overlap, so there the validation set is easier than the
        test set.
    rng: which images to set aside. Without it, the last of each class in the file, always the same.

    Raises ValueError for an unknown name or an impossible `validation`, FileNotFoundError where
    files are missing and cannot be downloaded, DataError where a file is damaged.
    """
    sets = BUNDLED | DOWNLOADED
    if name not in sets:
        nearest = difflib.get_close_matches(str(name).lower(), sets, n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"unknown data set {name!r}, allowed: {', '.join(sets)}{hint}")
    about = sets[name]
    arrays = _read_bundled(name) if name in BUNDLED else _read_downloaded(name, folder)
    aside = choose_validation(arrays["train_y"], validation, rng)

    def split(part: str, keep: np.ndarray | slice) -> Split:
        images, labels = arrays[f"{part}_x"][keep], arrays[f"{part}_y"][keep]
        x = images.reshape(len(images), math.prod(about["image_shape"])).astype(np.float32)
        x /= np.float32(about["white"])
        return Split(x, labels.astype(np.int64))

    return Data(
        name=name,
        **{key: about[key] for key in ("classes", "image_shape", "source", "licence")},
        train=split("train", ~aside),
        validation=split("train", aside),
        test=split("test", slice(None)),
    )


def choose_validation(
    y: np.ndarray, validation: float, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Return a mask over labels `y` (n,), true for `validation` of them, as `load` explains.

    Every label's rank within its class, as a fraction, runs from 0 to 1: the highest ranks of all
    are an equal share of each class.
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


def _read_bundled(name: str) -> dict[str, np.ndarray]:
    path = BUNDLED_FOLDER / f"{name}.npz"
    try:
        with np.load(path) as arrays:
            if name == "patches":
                return _cut_patches(**arrays)
            return {part: arrays[part] for part in PARTS}
    except Exception as error:  # a damaged zip file raises ten kinds of error
        raise DataError(
            f"{path} is missing, truncated or corrupted ({error}): put it back with "
            "`pip install --force-reinstall --no-deps lrcourse`"
        ) from error


def _cut_patches(
    differences: np.ndarray, train_at: np.ndarray, test_at: np.ndarray
) -> dict[str, np.ndarray]:
    photographs = np.cumsum(differences, axis=2, dtype=np.uint8)  # stored column by column
    arrays = {}
    for part, at in [("train", train_at), ("test", test_at)]:
        arrays[f"{part}_x"] = np.stack(
            [photographs[p, top : top + PATCH, left : left + PATCH] for p, top, left in at.tolist()]
        )
        arrays[f"{part}_y"] = at[:, 0]
    return arrays


def _read_downloaded(name: str, folder: str | os.PathLike | None) -> dict[str, np.ndarray]:
    about = DOWNLOADED[name]
    files: dict[str, File] = about["files"]
    names = ", ".join(file.name for file in files.values())
    instead = f"or use load({about['bundled']!r}), which needs no download"
    if folder is None:
        import pooch

        home = Path(os.environ.get("LRCOURSE_DATA") or pooch.os_cache("lrcourse"))
        folders = [home / name, home, *map(Path, about["folders"])]
    else:
        folders = [Path(folder) / name, Path(folder)]
    for candidate in folders:
        paths = [_present(candidate, file) for file in files.values()]
        if all(paths):
            break
    else:
        if folder is not None:
            raise FileNotFoundError(
                f"{name} is not complete in {folder}: put there {names}, {instead}"
            )
        try:
            paths = [_download(file, home / name, about["mirrors"]) for file in files.values()]
        except OSError as error:
            raise FileNotFoundError(f"{error}: put {names} in {home / name}, {instead}") from error
    return {
        part: read_idx(path, file, instead)
        for path, (part, file) in zip(paths, files.items(), strict=True)
    }


def _present(folder: Path, file: File) -> Path | None:
    packed, unpacked = folder / file.name, folder / file.name.removesuffix(".gz")
    return packed if packed.is_file() else unpacked if unpacked.is_file() else None


def _download(file: File, folder: Path, mirrors: tuple[str, ...]) -> Path:
    import pooch

    if path := _present(folder, file):
        return path
    reasons = []
    for mirror in mirrors:
        try:
            path = pooch.retrieve(
                mirror + file.name, f"sha256:{file.sha256}", file.name, folder, progressbar=True
            )
            return Path(path)
        except (OSError, ValueError) as error:  # ValueError: pooch's word for a wrong checksum
            wrong = isinstance(error, ValueError) and not isinstance(error, OSError)
            reasons.append(f"{mirror} {'wrong checksum' if wrong else type(error).__name__}")
    raise OSError(f"{file.name} could not be downloaded ({'; '.join(reasons)})")


def read_idx(path: Path, file: File, instead: str = "") -> np.ndarray:
    r"""Read a file in the format of MNIST (idx), unsigned bytes only, and check every byte of it.

    The format: two zero bytes, 8 for unsigned bytes, the number of dimensions, the length of each
    as a big-endian 32-bit integer, then the values. A name in .gz is unpacked first.
    Returns a read-only uint8 array of `file.shape`. Raises DataError where the file is not exactly
    what `file` says; `instead` ends that sentence with what else the reader can do.
    """
    header = struct.pack(f">HBB{len(file.shape)}I", 0, 8, len(file.shape), *file.shape)
    expected = len(header) + math.prod(file.shape)
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        crc32 = zlib.crc32(content)
        if content.startswith(header) and len(content) == expected and crc32 == file.crc32:
            return np.frombuffer(content, np.uint8, offset=len(header)).reshape(file.shape)
        found = f"holds {len(content):,} bytes with CRC-32 {crc32:08x}"
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        found = f"cannot be unpacked ({error})"
    raise DataError(
        f"{path} is truncated, corrupted or another file: it {found}, but {expected:,} bytes with "
        f"CRC-32 {file.crc32:08x} were expected; remove it or put the published file in its place"
        + (f", {instead}" if instead else "")
    )
