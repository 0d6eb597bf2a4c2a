r"""Read the files of data sets, and check that they are what was published."""

import gzip
import hashlib
import io
import math
import struct
import tarfile
import zlib
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from lrcourse.datasets.catalogue import CIFAR_FILES, CIFAR_FOLDER, PARTS, File

FOLDER = Path(__file__).parent  # of the bundled files
PATCH = 32  # height and width of a patch

Arrays = dict[str, np.ndarray]


class DataError(ValueError):
    r"""A data file is truncated, corrupted or not the one it should be."""


def read_bundled(name: str) -> Arrays:
    r"""Read a bundled set.

    Args:
        name: a key of `catalogue.BUNDLED`.

    Returns:
        Its arrays by `PARTS`: images uint8, labels uint8 or uint16.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = FOLDER / f"{name}.npz"
    try:
        with np.load(path) as arrays:
            if name == "patches":
                return _cut_patches(**arrays)
            return {part: arrays[part] for part in PARTS}
    except Exception as error:  # a damaged zip file raises ten kinds of error
        raise DataError(
            f"{path} is missing, truncated or corrupted ({error}): install lrcourse "
            "again from where you have it, with `pip install --force-reinstall --no-deps`"
        ) from error


def _cut_patches(differences: np.ndarray, train_at: np.ndarray, test_at: np.ndarray) -> Arrays:
    photographs = np.cumsum(differences, axis=2, dtype=np.uint8)  # stored column by column
    arrays: Arrays = {}
    for part, at in [("train", train_at), ("test", test_at)]:
        arrays[f"{part}_x"] = np.stack(
            [photographs[p, top : top + PATCH, left : left + PATCH] for p, top, left in at.tolist()]
        )
        arrays[f"{part}_y"] = at[:, 0]
    return arrays


def read(path: Path, part: str, file: File, instead: str = "") -> Arrays:
    r"""Read a published file in the format that its name says.

    Args:
        path: the file, whatever its name is here, or the folder of an unpacked CIFAR-10.
        part: its key in the catalogue, such as "train_x".
        file: its entry in the catalogue.
        instead: ends the sentence of an error with what else the reader can do.

    Returns:
        The arrays that the file holds, uint8, by `PARTS`.

    Raises:
        DataError: it is not exactly the published file.
    """
    if file.name.endswith(".npz"):
        images, labels = read_npz(path, file, instead)
        return {f"{part}_x": images, f"{part}_y": labels}
    if file.name.endswith(".tar.gz"):
        return read_cifar(path, file, instead)
    return {part: read_idx(path, file, instead)}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(path: Path, found: str, expected: str, instead: str) -> DataError:
    return DataError(
        f"{path} is truncated, corrupted or another file: it {found}, but {expected} expected; "
        "remove it or put the published file in its place" + (f", {instead}" if instead else "")
    )


def read_idx(path: Path, file: File, instead: str = "") -> np.ndarray:
    r"""Read a file in the format of MNIST (idx), unsigned bytes only, and check every byte of it.

    The format: two zero bytes, 8 for unsigned bytes, the number of dimensions, the length of each
    as a big-endian 32-bit integer, then the values.

    Args:
        path: the file, packed with gzip or not.
        file: what it should be.
        instead: as for `read`.

    Returns:
        A read-only uint8 array of shape `file.shape`.

    Raises:
        DataError: it is not exactly what `file` says.
    """
    header = struct.pack(f">HBB{len(file.shape)}I", 0, 8, len(file.shape), *file.shape)
    expected = len(header) + math.prod(file.shape)
    try:
        content = path.read_bytes()
        known = _sha256(content) == file.sha256
        content = content if content.startswith(header[:3]) else gzip.decompress(content)
        known = known or _sha256(content) in file.unpacked
        if known and content.startswith(header) and len(content) == expected:
            return np.frombuffer(content, np.uint8, offset=len(header)).reshape(file.shape)
        found = f"holds {len(content):,} bytes with SHA-256 {_sha256(content)[:12]}..."
    except (OSError, EOFError, zlib.error) as error:
        found = f"cannot be unpacked ({error})"
    kind = "SHA-256" if file.unpacked else "SHA-256 of the .gz file"
    wanted = (*file.unpacked, file.sha256 or "")[0][:12]
    raise _damaged(path, found, f"{expected:,} bytes with {kind} {wanted}... were", instead)


def read_npz(path: Path, file: File, instead: str = "") -> tuple[np.ndarray, np.ndarray]:
    r"""Read a file of QuickDraw10: an .npz with images `a` (n, 28, 28) and labels `b` (n,).

    No checksum of it is published, so its structure is checked: the zip file's own CRC-32,
    `file.shape`, whole values from 0 to 255, all the labels 0 to 9 and no other. Nothing is
    unpickled.

    Args:
        path: the file.
        file: what it should be.
        instead: as for `read`.

    Returns:
        Images and labels, both uint8.

    Raises:
        DataError: it is not what `file` says.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes())) as arrays:
            images, labels = arrays["a"], arrays["b"]
        found = f"holds images of shape {images.shape} and labels of shape {labels.shape}"
        if images.shape == file.shape and labels.shape == file.shape[:1]:
            found = "holds values that are no pixels or labels that are not the ten from 0 to 9"
            with np.errstate(invalid="ignore"):
                pixels = images.astype(np.uint8)
            if (pixels == images).all() and np.array_equal(np.unique(labels), np.arange(10)):
                return pixels, labels.astype(np.uint8)
    except Exception as error:  # a damaged zip file raises ten kinds of error
        found = f"cannot be unpacked ({error})"
    raise _damaged(path, found, f"images `a` of shape {file.shape} and labels `b` were", instead)


def read_cifar(path: Path, file: File, instead: str = "") -> Arrays:
    r"""Read the binary version of CIFAR-10; nothing is unpickled, nor unpacked to disk.

    The format: for each image a byte for the label and 3072 for the pixels: the red ones row by
    row, then the green, then the blue.

    Args:
        path: its .tar.gz, or the folder of its six .bin files.
        file: what it should be.
        instead: as for `read`.

    Returns:
        train_x (5n, 32, 32, 3), train_y, test_x and test_y, uint8, where n is `file.shape[0]`.

    Raises:
        DataError: one of the six is not exactly what `file` says.
    """
    records = []
    try:
        with tarfile.open(path, "r:gz") if path.is_file() else nullcontext() as archive:
            for name, sha256 in zip(CIFAR_FILES, file.unpacked, strict=True):
                if archive:
                    member = archive.extractfile(f"{CIFAR_FOLDER}/{name}")
                    content = member.read() if member else b""  # None: it is a folder
                else:
                    content = (path / name).read_bytes()
                if _sha256(content) != sha256:
                    found = f"holds {len(content):,} bytes of {name} with SHA-256 "
                    found += f"{_sha256(content)[:12]}..."
                    raise _damaged(path, found, f"{sha256[:12]}... was", instead)
                records.append(np.frombuffer(content, np.uint8).reshape(file.shape[0], -1))
    except (OSError, EOFError, KeyError, tarfile.TarError, zlib.error) as error:
        found = f"cannot be read ({error})"
        raise _damaged(path, found, f"{', '.join(CIFAR_FILES)} were", instead) from error
    height, width, colours = file.shape[1:]
    arrays: Arrays = {}
    for part, rows in [("train", np.concatenate(records[:5])), ("test", records[5])]:
        planes = rows[:, 1:].reshape(-1, colours, height, width)
        arrays[f"{part}_x"], arrays[f"{part}_y"] = planes.transpose(0, 2, 3, 1), rows[:, 0]
    return arrays
