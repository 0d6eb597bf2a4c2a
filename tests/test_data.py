r"""The bundled data sets: shapes and provenance, honest splits, damaged files, unknown names."""

import dataclasses
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcourse import data
from lrcourse.data import DataError, choose_validation, halved, load
from lrcourse.datasets import formats

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_debian = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="the full Fashion-MNIST (Debian's dataset-fashion-mnist) is absent"
)
SIZES = {  # training and test images, image shape
    "fashion-mini": (10_000, 2_000, (28, 28)),
    "digits": (1_437, 360, (8, 8)),
    "patches": (5_000, 1_000, (32, 32, 3)),
}


@functools.cache
def loaded(name):
    return load(name)


# Bundled sets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIZES)
def test_a_bundled_set_has_one_convention(name):
    found = loaded(name)
    n_train, n_test, shape = SIZES[name]
    assert found.name == name and found.image_shape == shape and len(found.classes) == 10
    assert len(found.train.y) + len(found.validation.y) == n_train
    assert len(found.validation.y) == round(n_train / 10)
    assert len(found.test.y) == n_test
    for x, y in (found.train, found.validation, found.test):
        assert x.shape == (len(y), np.prod(shape)) and x.dtype == np.float32 and y.dtype == np.int64
        assert x.flags.c_contiguous and y.flags.c_contiguous
        assert x.min() == 0 and x.max() == 1
        assert set(y) == set(range(10))
    assert found.source and found.licence
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.name = "another"


@pytest.mark.parametrize("name", SIZES)
def test_every_split_is_balanced(name):
    found = loaded(name)
    for split in (found.train, found.validation, found.test):
        counts = np.bincount(split.y)
        spread = 8 if name == "digits" and split is found.train else 0
        spread = 1 if name == "digits" and split is found.validation else spread
        assert np.ptp(counts) <= spread


def test_repr_tells_what_it_is_and_prints_no_pixels():
    assert repr(loaded("patches")) == (
        "Data('patches': 4,500 train, 500 validation, 1,000 test images of 32x32x3, 10 classes)"
    )


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    theirs = np.column_stack([x / 16, y])
    whole = load("digits", validation=0)
    ours = np.concatenate([np.column_stack(split) for split in (whole.train, whole.test)])
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


@needs_debian
def test_fashion_mini_is_a_subset_of_the_real_one():
    full, mini = (
        load("fashion-mnist", folder=DEBIAN, validation=0),
        load("fashion-mini", validation=0),
    )
    with np.load(formats.FOLDER / "fashion-mini.npz") as arrays:
        index = {part: arrays[f"{part}_index"] for part in ("train", "test")}
    for part in ("train", "test"):
        assert len(np.unique(index[part])) == len(index[part])
        np.testing.assert_array_equal(getattr(full, part).x[index[part]], getattr(mini, part).x)
        np.testing.assert_array_equal(getattr(full, part).y[index[part]], getattr(mini, part).y)
    assert full.train.x.shape == (60_000, 784) and full.test.x.shape == (10_000, 784)
    assert list(np.bincount(full.train.y)) == [6_000] * 10


def test_no_test_patch_touches_the_left_half_and_none_is_cut_twice():
    with np.load(formats.FOLDER / "patches.npz") as arrays:
        differences, train_at, test_at = (arrays[k] for k in ("differences", "train_at", "test_at"))
    photographs = np.zeros(differences.shape, int)
    for column in range(320):  # undo the differences the slow way
        photographs[:, :, column] = differences[:, :, column] + photographs[:, :, column - 1]
        photographs[:, :, column] %= 256
    found = load("patches", validation=0)
    for split, at, low, high in [(found.train, train_at, 0, 160), (found.test, test_at, 160, 320)]:
        assert len(np.unique(at, axis=0)) == len(at)
        assert at[:, 2].min() >= low and at[:, 2].max() + 32 <= high
        assert at[:, 1].max() + 32 <= 256
        for i in (0, 1, len(at) // 2, len(at) - 1):
            photograph, top, left = map(int, at[i])
            expected = photographs[photograph, top : top + 32, left : left + 32]
            np.testing.assert_allclose(split.x[i], expected.ravel() / 255, rtol=1e-6)
            assert split.y[i] == photograph


def test_bundled_files_are_under_8_mb_and_every_photograph_has_its_licence():
    sizes = [path.stat().st_size for path in formats.FOLDER.glob("*.*")]
    assert 6_000_000 < sum(sizes) < 8_000_000
    table = (formats.FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    recorded = {row[1]: row[4] for row in rows if len(row) == 7}
    for photograph in loaded("patches").classes:
        assert any(word in recorded[photograph] for word in ("public domain", "CC0", "CC BY 2.0"))


def test_the_script_makes_the_bundled_files_again(tmp_path):
    from tools import make_datasets as make

    names = ["digits", "fashion-mini"] if DEBIAN.is_dir() else ["digits"]
    for folder in ("once", "twice"):
        (tmp_path / folder).mkdir()
        make.main([*names, "--fashion-mnist", str(DEBIAN), "--out", str(tmp_path / folder)])
    for name in names:
        again = tmp_path / "once" / f"{name}.npz"
        assert again.read_bytes() == (tmp_path / "twice" / f"{name}.npz").read_bytes()
        with np.load(again) as ours, np.load(formats.FOLDER / f"{name}.npz") as bundled:
            assert ours.files == bundled.files
            for key in ours:
                np.testing.assert_array_equal(ours[key], bundled[key])


@pytest.mark.parametrize("name", SIZES)
def test_a_damaged_bundled_file_is_named_with_its_repair(name, tmp_path, monkeypatch):
    whole = (formats.FOLDER / f"{name}.npz").read_bytes()
    monkeypatch.setattr(formats, "FOLDER", tmp_path)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (None, b"", whole[: len(whole) // 2], whole[:-1], flipped, bytes(5_000)):
        path = tmp_path / f"{name}.npz"
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"(?s)npz is missing, truncated.*pip install --force"):
            load(name)
        assert damaged is None or path.read_bytes() == damaged  # nothing deleted


# Validation ---------------------------------------------------------------------------------------


def test_the_validation_split_cuts_the_training_images_in_two():
    whole, cut = load("digits", validation=0), load("digits", validation=0.25)
    assert len(whole.validation.y) == 0 and whole.validation.x.shape == (0, 64)
    aside = choose_validation(whole.train.y, 0.25)
    np.testing.assert_array_equal(cut.train.x, whole.train.x[~aside])
    np.testing.assert_array_equal(cut.validation.x, whole.train.x[aside])
    np.testing.assert_array_equal(cut.validation.y, whole.train.y[aside])
    np.testing.assert_array_equal(cut.test.x, whole.test.x)
    assert aside.sum() == 359  # a quarter of 1437
    assert len(load("digits", validation=200).validation.y) == 200


def test_the_same_call_gives_the_same_bits_and_leaves_the_global_generator_alone():
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = load("digits"), load("digits")
    np.testing.assert_array_equal(first.train.x, second.train.x)
    seeded = [load("digits", rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(seeded[0].train.x, seeded[1].train.x)
    assert not np.array_equal(seeded[0].validation.x, seeded[2].validation.x)
    assert not np.array_equal(seeded[0].validation.x, first.validation.x)
    assert np.ptp(np.bincount(seeded[2].validation.y)) <= 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@given(
    per_class=st.integers(2, 30),
    classes=st.integers(1, 12),
    aside=st.data(),
    seed=st.none() | st.integers(0, 99),
)
def test_equal_classes_lose_equally_many(per_class, classes, aside, seed):
    order = np.random.default_rng(3).permutation(per_class * classes)
    y = np.repeat(np.arange(classes), per_class)[order]
    of_each = aside.draw(st.integers(0, per_class - 1))
    rng = None if seed is None else np.random.default_rng(seed)
    mask = choose_validation(y, of_each * classes, rng)
    np.testing.assert_array_equal(np.bincount(y[mask], minlength=classes), of_each)
    if seed is None:  # the last of each class
        for label in range(classes):
            members = np.flatnonzero(y == label)
            assert list(mask[members]) == [False] * (per_class - of_each) + [True] * of_each


@pytest.mark.parametrize("share", [0.05, 0.1, 1 / 3, 0.5, 0.9, 100, 719])
def test_digits_lose_their_share_to_within_one_image(share):
    y = load("digits", validation=0).train.y
    mask = choose_validation(y, share)
    fraction = share if share < 1 else share / len(y)
    assert np.abs(np.bincount(y[mask]) - fraction * np.bincount(y)).max() < 1


@pytest.mark.parametrize("validation", [-0.1, -1, 1.0, 0.9999, 1_437, 2_000, float("nan"), np.inf])
def test_an_impossible_validation_is_refused(validation):
    with pytest.raises(ValueError, match=r"fraction from 0 to below 1.*from 0 to 1436, not "):
        load("digits", validation=validation)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("fashion_mini", "fashion-mini"),
        ("Digit", "digits"),
        ("patchs", "patches"),
        ("MNIST", "mnist"),
        ("CIFAR10", "cifar-10"),
    ],
)
def test_an_unknown_name_lists_the_allowed_ones_and_the_nearest(name, nearest):
    with pytest.raises(ValueError) as caught:
        load(name)
    sets = "fashion-mini, digits, patches, fashion-mnist, mnist, kmnist, quickdraw-10, cifar-10"
    allowed = ", ".join(map(repr, sets.split(", ")))
    assert str(caught.value) == (
        f"Unknown data set {name!r}: choose from {allowed}. Did you mean {nearest!r}?"
    )


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(ValueError, match=r"'cifar-10'\.$"):
        load("qqqqqq")


# Imports ------------------------------------------------------------------------------------------


def test_importing_the_module_imports_nothing_heavy():
    heavy = {"pooch", "tqdm", "torch", "matplotlib", "requests", "sklearn", "ipywidgets"}
    code = f"import sys, lrcourse.data as d; d.load('digits'); print({heavy} & {{*sys.modules}})"
    environment = {**os.environ, "PYTHONPATH": str(Path(data.__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["fashion-mini", "patches"])
def test_half_an_image_has_the_means_of_two_by_two_pixels(name):
    full, half = loaded(name), halved(loaded(name))
    height, width, *colours = full.image_shape
    assert half.image_shape == (height // 2, width // 2, *colours)
    image = full.test.x[3].reshape(full.image_shape)
    rows = (image[::2] + image[1::2]) / 2
    expected = (rows[:, ::2] + rows[:, 1::2]) / 2
    np.testing.assert_allclose(half.test.x[3], expected.ravel(), rtol=1e-6)
    np.testing.assert_array_equal(half.train.y, full.train.y)


def test_an_odd_image_cannot_be_halved():
    with pytest.raises(ValueError, match=r"even height and width.*7 by 7"):
        halved(halved(halved(loaded("fashion-mini"))))
