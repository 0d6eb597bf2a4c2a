r"""The images that networks learn from: `load(name)` gives training, validation and test arrays.

`fashion-mini`, `digits` and `patches` come with the package and need no network;
`datasets/SOURCES.md` says where each comes from. `fashion-mnist`, `mnist`, `kmnist`, `quickdraw-10`
and `cifar-10` are read from a folder or downloaded.
"""

import difflib
import functools
import gzip
import hashlib
import io
import math
import os
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np

BUNDLED_FOLDER = Path(__file__).parent / "datasets"
PARTS = ("train_x", "train_y", "test_x", "test_y")
PATCH = 32  # height and width of a patch
BLOCK = 1 << 14  # bytes of a download at a time


class File(NamedTuple):
    """One file of a data set, as published."""

    name: str
    shape: tuple[int, ...]  # of its array; of the images where it holds labels too
    sha256: str | None  # None where no checksum is published: then only the structure is checked
    unpacked: tuple[str, ...] = ()  # SHA-256 of what is inside, to know it however it was packed


def _as_mnist(sha256: list[str], unpacked: list[str] = ()) -> dict[str, File]:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    shapes = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
    return {
        part: File(f"{name}-ubyte.gz", shape, sha256[i], tuple(unpacked[i : i + 1]))
        for i, (part, name, shape) in enumerate(zip(PARTS, names, shapes, strict=True))
    }


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
        "files": _as_mnist(
            [
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ],
            [
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ],
        ),
    },
    # Checksums as recorded by torchvision and TensorFlow Datasets; unpacked, by several projects.
    "mnist": {
        "classes": tuple("0123456789"),
        "image_shape": (28, 28),
        "white": 255,
        "source": "MNIST, Y. LeCun, C. Cortes and C. Burges, 1998",
        "licence": "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
        "bundled": "digits",
        "folders": (),
        "mirrors": (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        "files": _as_mnist(
            [
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ],
            [
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ],
        ),
    },
    # Checksums as recorded by torchvision. None is published of the unpacked files, which have the
    # names and sizes of MNIST's, so only packed ones are taken.
    "kmnist": {
        "classes": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        "image_shape": (28, 28),
        "white": 255,
        "source": "Kuzushiji-MNIST, ROIS-DS Center for Open Data in the Humanities, "
        "arXiv:1812.01718",
        "licence": "CC BY-SA 4.0",
        "bundled": "fashion-mini",
        "folders": (),
        "mirrors": (
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        "files": _as_mnist(
            [
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ]
        ),
    },
    # 10,000 drawings of each of ten of Google's 345 classes, in the split that its makers published
    # (80,000 and 20,000, as in the source paper), pixels as they stand there. No checksum is.
    "quickdraw-10": {
        "classes": (
            *("cloud", "sun", "pants", "umbrella", "table"),
            *("ladder", "eyeglasses", "clock", "scissors", "cup"),
        ),
        "image_shape": (28, 28),
        "white": 255,
        "source": "QuickDraw10, Zaid Alyafeai, from the Quick, Draw! Dataset, Google",
        "licence": "CC BY 4.0, Google",
        "bundled": "fashion-mini",
        "folders": (),
        "mirrors": (
            "https://raw.githubusercontent.com/zaidalyafeai/QuickDraw10/master/dataset/",
            "https://github.com/zaidalyafeai/QuickDraw10/raw/master/dataset/",
        ),
        "files": {
            "train": File("train-ubyte.npz", (80000, 28, 28), None),
            "test": File("test-ubyte.npz", (20000, 28, 28), None),
        },
    },
    # Checksums as recorded by torchvision-ruby, of the binary version: nothing is unpickled.
    "cifar-10": {
        "classes": (
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
        "image_shape": (32, 32, 3),
        "white": 255,
        "source": "CIFAR-10, A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, "
        "2009",
        "licence": "none stated; its authors ask to cite that report",
        "bundled": "patches",
        "folders": (),
        "mirrors": (
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ),
        "files": {
            "all": File(
                "cifar-10-binary.tar.gz",
                (10000, 32, 32, 3),  # in each of its six files, named below
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                (
                    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
                ),
            )
        },
    },
}
CIFAR_FOLDER = "cifar-10-batches-bin"  # inside the archive
CIFAR_FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")


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

    Args:
        name: "fashion-mini" (10,000 training and 2,000 test images of Fashion-MNIST), "digits"
            (1,437 and 360 of 8x8) and "patches" (5,000 and 1,000 colour patches of 32x32, cut from
            the left and right halves of ten photographs) are bundled; "fashion-mnist", "mnist",
            "kmnist" (60,000 and 10,000), "quickdraw-10" (80,000 and 20,000) and "cifar-10" (50,000
            and 10,000) are not.
        folder: where the files of a set that is not bundled are, or its subfolder of that name;
            bundled sets ignore it. Without it they are looked for in the folder that the
            environment variable LRCOURSE_DATA names (else the user's cache), then where Debian's
            package puts them, then downloaded to the first; a download that breaks off goes on
            from there the next time.
        validation: how much of the training images to set aside, the same share of every class (to
            within one image): a fraction, or a whole number of images. 0 keeps every image for
            training. Patches of one photograph overlap, so there the validation set is easier than
            the test set.
        rng: which images to set aside. Without it, the last of each class in the file, always the
            same.

    Raises:
        ValueError: an unknown name or an impossible `validation`.
        FileNotFoundError: files are missing and cannot be downloaded.
        DataError: a file is damaged.
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
            (home / name).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=home / name).close()
        except OSError as error:
            raise FileNotFoundError(
                f"{name} has to be downloaded, and {home / name} cannot be written "
                f"({error.strerror}): let LRCOURSE_DATA name another folder, {instead}"
            ) from error
        try:
            with _alone(home / name):
                paths = [_download(file, home / name, about["mirrors"]) for file in files.values()]
        except OSError as error:
            raise FileNotFoundError(f"{error}: put {names} in {home / name}, {instead}") from error
    arrays = {}
    for path, (part, file) in zip(paths, files.items(), strict=True):
        if file.name.endswith(".npz"):
            arrays[f"{part}_x"], arrays[f"{part}_y"] = read_npz(path, file, instead)
        elif file.name.endswith(".tar.gz"):
            arrays |= read_cifar(path, file, instead)
        else:
            arrays[part] = read_idx(path, file, instead)
    return arrays


def _present(folder: Path, file: File) -> Path | None:
    # os.path.isfile: to Path.is_file a folder that must not be read is an error
    packed, unpacked = folder / file.name, folder / file.name.removesuffix(".gz")
    if os.path.isfile(packed):
        return packed
    if file.name.endswith(".tar.gz"):
        bare = (folder / CIFAR_FOLDER, folder)
        return next((path for path in bare if os.path.isfile(path / CIFAR_FILES[0])), None)
    return unpacked if file.unpacked and os.path.isfile(unpacked) else None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    # Until another process that downloads to the folder is done: both would write one .part.
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems of networks lock no folder
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _download(file: File, folder: Path, mirrors: tuple[str, ...]) -> Path:
    import pooch

    if path := _present(folder, file):
        return path
    checksum = file.sha256 and f"sha256:{file.sha256}"
    go_on = functools.partial(_go_on, part=folder / f"{file.name}.part")
    reasons = []
    for mirror in mirrors:
        try:
            return Path(
                pooch.retrieve(mirror + file.name, checksum, file.name, folder, downloader=go_on)
            )
        except (OSError, ValueError) as error:  # ValueError: pooch's word for a wrong checksum
            wrong = isinstance(error, ValueError) and not isinstance(error, OSError)
            reason = getattr(error, "strerror", None) or type(error).__name__
            reasons.append(f"{mirror} {'wrong checksum' if wrong else reason}")
    raise OSError(f"{file.name} could not be downloaded ({'; '.join(reasons)})")


def _go_on(url: str, to: str, _: object, part: Path) -> None:
    """Download `url` to the file `to`, beginning where `part` left off, which holds the rest."""
    import requests
    from tqdm import tqdm

    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=30) as response:
        if response.status_code != 416:  # 416: nothing is left beyond what we have
            response.raise_for_status()
            have = have if response.status_code == 206 else 0
            total = have + int(response.headers.get("Content-Length", 0)) or None
            progress = {"desc": Path(url).name, "unit": "B", "unit_scale": True, "delay": 1}
            with (
                part.open("ab" if have else "wb") as out,
                tqdm(initial=have, total=total, **progress) as bar,
            ):
                for block in response.iter_content(BLOCK):
                    bar.update(out.write(block))
    part.replace(to)


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
    as a big-endian 32-bit integer, then the values. A name in .gz is unpacked first.
    Returns a read-only uint8 array of `file.shape`. Raises DataError where the file is not exactly
    what `file` says; `instead` ends that sentence with what else the reader can do.
    """
    header = struct.pack(f">HBB{len(file.shape)}I", 0, 8, len(file.shape), *file.shape)
    expected = len(header) + math.prod(file.shape)
    try:
        content = path.read_bytes()
        known = _sha256(content) == file.sha256
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        known = known or _sha256(content) in file.unpacked
        if known and content.startswith(header) and len(content) == expected:
            return np.frombuffer(content, np.uint8, offset=len(header)).reshape(file.shape)
        found = f"holds {len(content):,} bytes with SHA-256 {_sha256(content)[:12]}..."
    except (OSError, EOFError, zlib.error) as error:
        found = f"cannot be unpacked ({error})"
    wanted = file.unpacked[0][:12] if file.unpacked else f"of the .gz file {file.sha256[:12]}"
    raise _damaged(path, found, f"{expected:,} bytes with SHA-256 {wanted}... were", instead)


def read_npz(path: Path, file: File, instead: str = "") -> tuple[np.ndarray, np.ndarray]:
    r"""Read a file of QuickDraw10: an .npz with images `a` (n, 28, 28) and labels `b` (n,).

    Returns both as uint8. No checksum of it is published, so its structure is checked: the zip
    file's own CRC-32, `file.shape`, whole values from 0 to 255, all the labels 0 to 9 and no other.
    Raises DataError as `read_idx` does; nothing is unpickled.
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


def read_cifar(path: Path, file: File, instead: str = "") -> dict[str, np.ndarray]:
    r"""Read the binary version of CIFAR-10, from its .tar.gz or the folder of its six .bin files.

    The format: for each image a byte for the label and 3072 for the pixels: the red ones row by
    row, then the green, then the blue. Returns train_x (5n, 32, 32, 3), train_y, test_x and test_y
    as uint8, where n is `file.shape[0]`. Raises DataError where one of the six is not exactly what
    `file` says; nothing is unpickled, nor unpacked to disk.
    """
    records = []
    try:
        with tarfile.open(path, "r:gz") if path.is_file() else nullcontext() as archive:
            for name, sha256 in zip(CIFAR_FILES, file.unpacked, strict=True):
                if archive:
                    content = archive.extractfile(f"{CIFAR_FOLDER}/{name}").read()
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
    arrays = {}
    for part, rows in [("train", np.concatenate(records[:5])), ("test", records[5])]:
        planes = rows[:, 1:].reshape(-1, colours, height, width)
        arrays[f"{part}_x"], arrays[f"{part}_y"] = planes.transpose(0, 2, 3, 1), rows[:, 0]
    return arrays
