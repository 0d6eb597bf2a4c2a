"""Make the bundled data sets again, byte for byte, from the files that SOURCES.md lists.

Needs, besides numpy: pillow, scikit-image and scikit-learn (pip); Debian's packages
dataset-fashion-mnist and libjxl-testdata, or the same files in folders of yours; and the wheel of
SciPy 1.9.3 (pip download --no-deps --python-version 3.11 --only-binary :all: scipy==1.9.3).
The course itself needs none of these: it reads the .npz files that this leaves there.
"""

import argparse
import bz2
import hashlib
import zipfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parents[2] / "lrcourse" / "datasets"
HEIGHT, WIDTH, SIDE = 256, 320, 32  # of a photograph; of a patch
TRAIN_PATCHES, TEST_PATCHES = 500, 100  # a photograph

Arrays = dict[str, np.ndarray]


def choose(y: np.ndarray, per_class: int, rng: np.random.Generator) -> np.ndarray:
    """Return the shuffled indices of `per_class` labels of each class, drawn by `rng`."""
    drawn = [rng.permutation(np.flatnonzero(y == label))[:per_class] for label in np.unique(y)]
    return rng.permutation(np.concatenate(drawn))


def fashion_mini(sources: argparse.Namespace) -> Arrays:
    """Draw 1,000 images a class from Fashion-MNIST's training file, 200 a class from its test file.

    The indices kept beside the images say where each stood in the file it came from.
    """
    from lrcourse.datasets.catalogue import PUBLISHED
    from lrcourse.datasets.formats import read_idx

    files = PUBLISHED["fashion-mnist"].files.items()
    full = {part: read_idx(sources.fashion_mnist / file.name, file) for part, file in files}
    rng = np.random.default_rng(2017)
    train, test = (choose(full[part], n, rng) for part, n in [("train_y", 1000), ("test_y", 200)])
    return {
        "train_x": full["train_x"][train],
        "train_y": full["train_y"][train],
        "train_index": train.astype(np.uint16),
        "test_x": full["test_x"][test],
        "test_y": full["test_y"][test],
        "test_index": test.astype(np.uint16),
    }


def digits(sources: argparse.Namespace) -> Arrays:
    """Split scikit-learn's 1,797 digits: 36 of each class for testing, the others for training."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = x.reshape(-1, 8, 8).astype(np.uint8), y.astype(np.uint8)
    rng = np.random.default_rng(1998)
    test = choose(y, 36, rng)
    train = rng.permutation(np.setdiff1d(np.arange(len(y)), test))
    return {"train_x": x[train], "train_y": y[train], "test_x": x[test], "test_y": y[test]}


def photographs(sources: argparse.Namespace) -> Arrays:
    """Return the ten photographs, each (height, width, 3) uint8, in the order of their classes."""
    from PIL import Image
    from skimage import data
    from sklearn.datasets import load_sample_image

    def libjxl(name: str) -> np.ndarray:
        path = sources.libjxl_testdata / "external/wesaturate/500px" / name
        return np.array(Image.open(path).convert("RGB"))

    raccoon = bz2.decompress(zipfile.ZipFile(sources.scipy_wheel).read("scipy/misc/face.dat"))
    return {
        "astronaut": data.astronaut(),
        "blossom": libjxl("u76c0g_bliznaca_srgb8.png"),
        "cat": data.chelsea(),
        "coffee": data.coffee(),
        "dahlia": load_sample_image("flower.jpg"),
        "galaxies": data.hubble_deep_field(),
        "pavilion": load_sample_image("china.jpg"),
        "raccoon": np.frombuffer(raccoon, np.uint8).reshape(768, 1024, 3),
        "retina": data.retina(),
        "tulips": libjxl("tmshre_riaphotographs_srgb8.png"),
    }


def positions(left: int, right: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n different places a photograph: rows (photograph, top, left), shuffled.

    A patch keeps within the columns from `left` up to, not including, `right`.
    """
    lefts = right - left - SIDE + 1
    rows = []
    for photograph in range(10):
        place = rng.choice((HEIGHT - SIDE + 1) * lefts, n, replace=False)
        rows.append(np.column_stack([np.full(n, photograph), place // lefts, left + place % lefts]))
    return rng.permutation(np.concatenate(rows)).astype(np.uint16)


def patches(sources: argparse.Namespace) -> Arrays:
    """Keep ten photographs and where to cut patches: training from left halves, test from right.

    The photographs are stored as differences of neighbouring columns (modulo 256), which compress
    better and lose nothing.
    """
    from PIL import Image, ImageOps

    small = np.stack(
        [
            ImageOps.fit(Image.fromarray(photograph), (WIDTH, HEIGHT), Image.Resampling.LANCZOS)
            for photograph in photographs(sources).values()
        ]
    )
    rng = np.random.default_rng(32)
    return {
        "differences": np.diff(small, axis=2, prepend=np.uint8(0)),
        "train_at": positions(0, WIDTH // 2, TRAIN_PATCHES, rng),
        "test_at": positions(WIDTH // 2, WIDTH, TEST_PATCHES, rng),
    }


MAKERS = {"fashion-mini": fashion_mini, "digits": digits, "patches": patches}


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, make the files, and say which differ from those that were there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", help=f"sets to make (default: all): {', '.join(MAKERS)}"
    )
    for option, default, text in [
        ("--fashion-mnist", "/usr/share/datasets/fashion-mnist", "folder of its four .gz files"),
        ("--libjxl-testdata", "/usr/share/libjxl-testdata", "folder of Debian's libjxl-testdata"),
        ("--scipy-wheel", "scipy-1.9.3.whl", "the wheel file of SciPy 1.9.3"),
        ("--out", HERE, "folder to write to"),
    ]:
        parser.add_argument(option, type=Path, default=default, help=f"{text} (default: {default})")
    sources = parser.parse_args(arguments)
    if unknown := set(sources.names) - set(MAKERS):
        parser.error(f"unknown set {min(unknown)!r}, allowed: {', '.join(MAKERS)}")
    for name in sources.names or MAKERS:
        path = sources.out / f"{name}.npz"
        before = path.read_bytes() if path.exists() else None
        np.savez_compressed(path, **MAKERS[name](sources))
        after = path.read_bytes()
        state = "new" if before is None else "the same" if before == after else "changed"
        print(f"{path}: {len(after):,} bytes, {state}, sha256 {hashlib.sha256(after).hexdigest()}")


if __name__ == "__main__":
    main()
