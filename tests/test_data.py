"""The data sets: their shapes and provenance, honest splits, downloads, and damaged files."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import os
import socket
import struct
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcourse import data
from lrcourse.data import DataError, File, choose_validation, load

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_debian = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="the full Fashion-MNIST (Debian's dataset-fashion-mnist) is absent"
)
SIZES = {  # training and test images, image shape
    "fashion-mini": (10_000, 2_000, (28, 28)),
    "digits": (1_437, 360, (8, 8)),
    "patches": (5_000, 1_000, (32, 32, 3)),
}
SMALL = {"train_x": (40, 28, 28), "train_y": (40,), "test_x": (20, 28, 28), "test_y": (20,)}
NAMES = {
    "train_x": "train-images-idx3-ubyte.gz",
    "train_y": "train-labels-idx1-ubyte.gz",
    "test_x": "t10k-images-idx3-ubyte.gz",
    "test_y": "t10k-labels-idx1-ubyte.gz",
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
    with np.load(data.BUNDLED_FOLDER / "fashion-mini.npz") as arrays:
        index = {part: arrays[f"{part}_index"] for part in ("train", "test")}
    for part in ("train", "test"):
        assert len(np.unique(index[part])) == len(index[part])
        np.testing.assert_array_equal(getattr(full, part).x[index[part]], getattr(mini, part).x)
        np.testing.assert_array_equal(getattr(full, part).y[index[part]], getattr(mini, part).y)
    assert full.train.x.shape == (60_000, 784) and full.test.x.shape == (10_000, 784)
    assert list(np.bincount(full.train.y)) == [6_000] * 10


def test_no_test_patch_touches_the_left_half_and_none_is_cut_twice():
    with np.load(data.BUNDLED_FOLDER / "patches.npz") as arrays:
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
    sizes = [path.stat().st_size for path in data.BUNDLED_FOLDER.glob("*.*")]
    assert 6_000_000 < sum(sizes) < 8_000_000
    table = (data.BUNDLED_FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    recorded = {row[1]: row[4] for row in rows if len(row) == 7}
    for photograph in loaded("patches").classes:
        assert any(word in recorded[photograph] for word in ("public domain", "CC0", "CC BY 2.0"))


def test_the_script_makes_the_bundled_files_again(tmp_path):
    from lrcourse.datasets import make

    names = ["digits", "fashion-mini"] if DEBIAN.is_dir() else ["digits"]
    for folder in ("once", "twice"):
        (tmp_path / folder).mkdir()
        make.main([*names, "--fashion-mnist", str(DEBIAN), "--out", str(tmp_path / folder)])
    for name in names:
        again = tmp_path / "once" / f"{name}.npz"
        assert again.read_bytes() == (tmp_path / "twice" / f"{name}.npz").read_bytes()
        with np.load(again) as ours, np.load(data.BUNDLED_FOLDER / f"{name}.npz") as bundled:
            assert ours.files == bundled.files
            for key in ours:
                np.testing.assert_array_equal(ours[key], bundled[key])


@pytest.mark.parametrize("name", SIZES)
def test_a_damaged_bundled_file_is_named_with_its_repair(name, tmp_path, monkeypatch):
    whole = (data.BUNDLED_FOLDER / f"{name}.npz").read_bytes()
    monkeypatch.setattr(data, "BUNDLED_FOLDER", tmp_path)
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
    [("fashion_mini", "fashion-mini"), ("Digit", "digits"), ("patchs", "patches")],
)
def test_an_unknown_name_lists_the_allowed_ones_and_the_nearest(name, nearest):
    with pytest.raises(ValueError) as caught:
        load(name)
    allowed = "fashion-mini, digits, patches, fashion-mnist, mnist, kmnist, quickdraw-10, cifar-10"
    assert str(caught.value) == (
        f"unknown data set {name!r}, allowed: {allowed}; did you mean {nearest!r}?"
    )


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(ValueError, match=r"cifar-10$"):
        load("qqqqqq")


# Files from a folder or a server ------------------------------------------------------------------


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A small set in the real format, in a folder `published`, and a server of that folder."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "published"
    folder.mkdir()
    files = {}
    for part, shape in SMALL.items():
        values = np.arange(shape[0]) % 10 if part.endswith("y") else rng.integers(0, 256, shape)
        content = struct.pack(f">I{len(shape)}I", 0x800 + len(shape), *shape)
        content += values.astype(np.uint8).tobytes()
        packed = gzip.compress(content)
        (folder / NAMES[part]).write_bytes(packed)
        sha256 = [hashlib.sha256(found).hexdigest() for found in (packed, content)]
        files[part] = File(NAMES[part], shape, sha256[0], (sha256[1],))

    requests = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            requests.append(self.path)

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    about = {
        **data.DOWNLOADED["fashion-mnist"],
        "files": files,
        "folders": (),
        "mirrors": (f"http://127.0.0.1:{server.server_port}/",),
    }
    monkeypatch.setitem(data.DOWNLOADED, "fashion-mnist", about)
    monkeypatch.setenv("LRCOURSE_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    about["folder"], about["requests"] = folder, requests
    yield about
    server.shutdown()
    server.server_close()


def nowhere():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def test_the_table_holds_the_official_files():
    files = data.DOWNLOADED["fashion-mnist"]["files"]
    assert {part: file.name for part, file in files.items()} == NAMES
    assert tuple(files) == data.PARTS
    assert all(len(file.sha256) == 64 for file in files.values())


def test_a_folder_is_read_packed_or_not(published, tmp_path):
    first = load("fashion-mnist", folder=published["folder"])
    assert len(first.train.y) == 36 and len(first.validation.y) == 4 and len(first.test.y) == 20
    nested = tmp_path / "sets" / "fashion-mnist"
    nested.mkdir(parents=True)
    for name in NAMES.values():
        content = gzip.decompress((published["folder"] / name).read_bytes())
        (nested / name.removesuffix(".gz")).write_bytes(content)
    second = load("fashion-mnist", folder=tmp_path / "sets")
    np.testing.assert_array_equal(first.train.x, second.train.x)
    raw = gzip.decompress((published["folder"] / NAMES["test_x"]).read_bytes())[16:]
    np.testing.assert_array_equal(
        np.rint(first.test.x * 255).astype(np.uint8).ravel(), np.frombuffer(raw, np.uint8)
    )
    assert not published["requests"]


def test_the_environment_names_a_folder(published, monkeypatch):
    monkeypatch.setenv("LRCOURSE_DATA", str(published["folder"]))
    assert len(load("fashion-mnist").test.y) == 20
    assert not published["requests"]


def test_a_download_is_checked_and_kept(published, tmp_path):
    assert len(load("fashion-mnist").train.y) == 36
    assert len(published["requests"]) == 4
    kept = {path.name for path in (tmp_path / "home" / "fashion-mnist").iterdir()}
    assert kept == set(NAMES.values())
    load("fashion-mnist")
    assert len(published["requests"]) == 4  # from the folder this time
    (tmp_path / "home" / "fashion-mnist" / NAMES["test_y"]).unlink()
    load("fashion-mnist")
    assert len(published["requests"]) == 5  # only the missing one


def test_the_next_mirror_is_tried(published):
    published["mirrors"] = (nowhere(), *published["mirrors"])
    assert len(load("fashion-mnist").train.y) == 36


def test_a_download_with_a_wrong_checksum_is_not_kept(published, tmp_path):
    (published["folder"] / NAMES["train_y"]).write_bytes(gzip.compress(b"something else"))
    with pytest.raises(FileNotFoundError) as caught:
        load("fashion-mnist")
    message = str(caught.value)
    assert f"{NAMES['train_y']} could not be downloaded" in message and "wrong checksum" in message
    assert not (tmp_path / "home" / "fashion-mnist" / NAMES["train_y"]).exists()


def test_no_network_and_no_file_names_the_files_the_folder_and_the_alternative(published, tmp_path):
    published["mirrors"] = (nowhere(),)
    with pytest.raises(FileNotFoundError) as caught:
        load("fashion-mnist")
    message = str(caught.value)
    assert "ConnectionError" in message and "\n" not in message
    for part in (*NAMES.values(), str(tmp_path / "home" / "fashion-mnist"), "load('fashion-mini')"):
        assert part in message


def test_an_incomplete_folder_is_refused_without_a_download(published, tmp_path):
    (published["folder"] / NAMES["test_x"]).unlink()
    for folder in (published["folder"], tmp_path / "absent"):
        with pytest.raises(FileNotFoundError) as caught:
            load("fashion-mnist", folder=folder)
        for part in (*NAMES.values(), str(folder), "load('fashion-mini')"):
            assert part in str(caught.value)
    assert not published["requests"]


@pytest.mark.parametrize("part", SMALL)
def test_a_damaged_file_is_named_with_what_was_expected_and_its_repair(published, part):
    path = published["folder"] / NAMES[part]
    whole = path.read_bytes()
    content = gzip.decompress(whole)
    wrong_value = content[:-1] + bytes([content[-1] ^ 1])
    wrong_kind = b"\0\0\x09" + content[3:]  # signed bytes
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    packed = [content[:-1], content + b"\0", wrong_value, wrong_kind, b"", content[:3]]
    for damaged in (
        b"",
        whole[: len(whole) // 3],
        whole[:-1],
        flipped,
        *map(gzip.compress, packed),
    ):
        path.write_bytes(damaged)
        with pytest.raises(DataError) as caught:
            load("fashion-mnist", folder=published["folder"])
        message = str(caught.value)
        for words in (str(path), f"{len(content):,} bytes", "remove it", "load('fashion-mini')"):
            assert words in message
        assert "\n" not in message
        assert path.read_bytes() == damaged  # nothing deleted


# The other sets -----------------------------------------------------------------------------------


def small_mnist(name, rng):
    """A small set in the format of MNIST: its files, and the arrays in them."""
    files, arrays, contents = {}, {}, {}
    for part, shape in SMALL.items():
        values = np.arange(shape[0]) % 10 if part.endswith("y") else rng.integers(0, 256, shape)
        arrays[part] = values.astype(np.uint8)
        content = struct.pack(f">I{len(shape)}I", 0x800 + len(shape), *shape)
        packed = gzip.compress(content + arrays[part].tobytes())
        unpacked = hashlib.sha256(gzip.decompress(packed)).hexdigest()
        official = data.DOWNLOADED[name]["files"][part]
        sha256 = hashlib.sha256(packed).hexdigest()
        files[part] = File(official.name, shape, sha256, (unpacked,) if official.unpacked else ())
        contents[official.name] = packed
    return files, arrays, contents


def small_quickdraw(name, rng):
    files, arrays, contents = {}, {}, {}
    for part, n in (("train", 40), ("test", 20)):
        x = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        y = np.arange(n) % 10
        with io.BytesIO() as out:
            np.savez_compressed(out, a=x, b=y)
            contents[f"{part}-ubyte.npz"] = out.getvalue()
        files[part] = File(f"{part}-ubyte.npz", x.shape, None)
        arrays |= {f"{part}_x": x, f"{part}_y": y}
    return files, arrays, contents


def small_cifar(name, rng):
    """Six files of 20 images, each written pixel by pixel as the format's description says."""
    x, y = rng.integers(0, 256, (120, 32, 32, 3)), np.arange(120) % 10
    sha256, archive = [], io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for i, file_name in enumerate(data.CIFAR_FILES):
            content = bytearray()
            for image, label in zip(x[20 * i :][:20], y[20 * i :][:20], strict=True):
                content.append(label)
                for colour in range(3):
                    content += bytes(
                        image[row, column, colour] for row, column in np.ndindex(32, 32)
                    )
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{file_name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            sha256.append(hashlib.sha256(content).hexdigest())
    packed = archive.getvalue()
    whole = hashlib.sha256(packed).hexdigest()
    files = {"all": File("cifar-10-binary.tar.gz", (20, 32, 32, 3), whole, tuple(sha256))}
    arrays = {"train_x": x[:100], "train_y": y[:100], "test_x": x[100:], "test_y": y[100:]}
    return files, arrays, {"cifar-10-binary.tar.gz": packed}


SETS = {
    "mnist": small_mnist,
    "kmnist": small_mnist,
    "quickdraw-10": small_quickdraw,
    "cifar-10": small_cifar,
}


class Ranged(http.server.BaseHTTPRequestHandler):
    """Serves `contents`, from where it is asked to; breaks off after `limit` bytes."""

    def do_GET(self):
        server, name = self.server, self.path.rpartition("/")[2]
        asked = self.headers.get("Range") if server.ranges else None
        server.requests.append((name, self.headers.get("Range")))
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        content = server.contents[name]
        if first >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        self.wfile.write(content[first:][: server.limit])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """A function that puts a small set of a name in the place of the real one, and its server."""
    servers = []

    def start(name):
        files, arrays, contents = SETS[name](name, np.random.default_rng(0))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranged)
        server.contents, server.requests, server.limit, server.ranges = contents, [], None, True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        mirrors = (f"http://127.0.0.1:{server.server_port}/",)
        about = {**data.DOWNLOADED[name], "files": files, "mirrors": mirrors}
        monkeypatch.setitem(data.DOWNLOADED, name, about)
        server.about, server.arrays = about, arrays
        return server

    monkeypatch.setenv("LRCOURSE_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def assert_same(found, arrays):
    for part, split in (("train", found.train), ("test", found.test)):
        x, y = arrays[f"{part}_x"], arrays[f"{part}_y"]
        np.testing.assert_array_equal(split.x, (x.reshape(len(x), -1) / 255).astype(np.float32))
        np.testing.assert_array_equal(split.y, y)
        assert split.x.dtype == np.float32 and split.y.dtype == np.int64


@pytest.mark.parametrize("name", SETS)
def test_the_table_describes_a_set_of_ten_classes(name):
    about = data.DOWNLOADED[name]
    assert len(about["classes"]) == 10 and about["source"] and about["licence"]
    assert about["bundled"] in data.BUNDLED and len(about["mirrors"]) == 2
    assert all(mirror.endswith("/") for mirror in about["mirrors"])
    for file in about["files"].values():
        known = [*file.unpacked, *([file.sha256] if file.sha256 else [])]
        assert all(len(bytes.fromhex(sha256)) == 32 for sha256 in known)
        assert known or name == "quickdraw-10"


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_downloaded_once_and_read(serve, name, tmp_path):
    server = serve(name)
    assert_same(load(name, validation=0), server.arrays)
    assert [asked for asked, _ in server.requests] == list(server.contents)
    kept = {path.name for path in (tmp_path / "home" / name).iterdir()}
    assert kept == set(server.contents)
    found = load(name)
    assert len(server.requests) == len(server.contents)
    assert len(found.validation.y) == len(server.arrays["train_y"]) // 10


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_read_from_a_folder_as_published(serve, name, tmp_path):
    server = serve(name)
    for file_name, content in server.contents.items():
        (tmp_path / file_name).write_bytes(content)
    assert_same(load(name, folder=tmp_path, validation=0), server.arrays)
    assert not server.requests


@pytest.mark.parametrize("inside", ["cifar-10-batches-bin", "."])
def test_cifar_10_is_read_unpacked(serve, tmp_path, inside):
    server = serve("cifar-10")
    with tarfile.open(fileobj=io.BytesIO(server.contents["cifar-10-binary.tar.gz"])) as tar:
        tar.extractall(tmp_path, filter="data")
    folder = tmp_path if inside != "." else tmp_path / "cifar-10-batches-bin"
    assert_same(load("cifar-10", folder=folder, validation=0), server.arrays)


def test_mnist_is_read_unpacked_but_kmnist_is_not_taken_for_it(serve, tmp_path):
    mnist = serve("mnist")
    for file_name, content in mnist.contents.items():
        (tmp_path / file_name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    assert_same(load("mnist", folder=tmp_path, validation=0), mnist.arrays)
    with pytest.raises(FileNotFoundError, match=r"kmnist is not complete in .*idx3-ubyte\.gz"):
        load("kmnist", folder=tmp_path)
    for file_name, content in mnist.contents.items():
        (tmp_path / file_name).write_bytes(content)
    with pytest.raises(
        DataError, match=r"corrupted or another file.*SHA-256 of the \.gz file 5146"
    ):
        load("kmnist", folder=tmp_path)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("name", ["quickdraw-10", "cifar-10"])
def test_a_download_that_breaks_off_goes_on(serve, name, ranges, tmp_path):
    server = serve(name)
    server.limit, server.ranges = 20_000, ranges
    first = next(iter(server.contents))
    with pytest.raises(FileNotFoundError, match=f"{first} could not be downloaded"):
        load(name)
    part = tmp_path / "home" / name / f"{first}.part"
    assert part.read_bytes() == server.contents[first][: data.BLOCK]
    server.limit = None
    assert_same(load(name, validation=0), server.arrays)
    assert server.requests[:2] == [(first, None), (first, f"bytes={data.BLOCK}-")]
    assert not part.exists()


def test_a_download_that_was_whole_but_not_yet_kept_is_kept(serve, tmp_path):
    server = serve("cifar-10")
    folder = tmp_path / "home" / "cifar-10"
    folder.mkdir(parents=True)
    content = server.contents["cifar-10-binary.tar.gz"]
    (folder / "cifar-10-binary.tar.gz.part").write_bytes(content)
    assert_same(load("cifar-10", validation=0), server.arrays)
    assert server.requests == [("cifar-10-binary.tar.gz", f"bytes={len(content)}-")]


def test_a_rest_of_another_file_is_not_built_upon_twice(serve, tmp_path):
    server = serve("cifar-10")
    folder = tmp_path / "home" / "cifar-10"
    folder.mkdir(parents=True)
    (folder / "cifar-10-binary.tar.gz.part").write_bytes(b"other" * 100)
    with pytest.raises(FileNotFoundError, match="wrong checksum"):
        load("cifar-10")
    assert not list(folder.iterdir())
    assert_same(load("cifar-10", validation=0), server.arrays)


@pytest.mark.parametrize("name", ["quickdraw-10", "cifar-10", "kmnist"])
def test_a_damaged_set_is_named_with_its_repair(serve, name, tmp_path):
    server = serve(name)
    for file_name, content in server.contents.items():
        (tmp_path / file_name).write_bytes(content)
    for file_name, whole in server.contents.items():
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for damaged in (b"", whole[: len(whole) // 3], whole[:-30], flipped, b"x" * 100):
            (tmp_path / file_name).write_bytes(damaged)
            with pytest.raises(DataError) as caught:
                load(name, folder=tmp_path)
            message = str(caught.value)
            bundled = server.about["bundled"]
            for words in (str(tmp_path / file_name), "expected; remove it", f"load({bundled!r})"):
                assert words in message
            assert "\n" not in message
        (tmp_path / file_name).write_bytes(whole)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"a": np.zeros((40, 784), np.uint8)}, r"images of shape \(40, 784\)"),
        ({"b": np.arange(40)}, "labels that are not the ten"),
        ({"b": np.zeros(40, int)}, "labels that are not the ten"),
        ({"a": np.full((40, 28, 28), 0.5)}, "no pixels"),
        ({"a": np.full((40, 28, 28), 256)}, "no pixels"),
        ({"a": np.full((40, 28, 28), None)}, "cannot be unpacked .*allow_pickle=False"),
    ],
)
def test_a_quickdraw_file_of_another_structure_is_refused(serve, tmp_path, change, words):
    server = serve("quickdraw-10")
    for file_name, content in server.contents.items():
        (tmp_path / file_name).write_bytes(content)
    arrays = {"a": server.arrays["train_x"], "b": server.arrays["train_y"]} | change
    np.savez(tmp_path / "train-ubyte.npz", **arrays)
    with pytest.raises(DataError, match=words):
        load("quickdraw-10", folder=tmp_path)


def test_an_unpacked_cifar_10_with_a_changed_byte_is_refused(serve, tmp_path):
    server = serve("cifar-10")
    with tarfile.open(fileobj=io.BytesIO(server.contents["cifar-10-binary.tar.gz"])) as tar:
        tar.extractall(tmp_path, filter="data")
    file = tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin"
    content = bytearray(file.read_bytes())
    content[5_000] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"61,460 bytes of data_batch_3\.bin with SHA-256"):
        load("cifar-10", folder=tmp_path)
    file.unlink()
    with pytest.raises(DataError, match=r"cannot be read .*data_batch_3\.bin"):
        load("cifar-10", folder=tmp_path)


# Imports ------------------------------------------------------------------------------------------


def test_importing_the_module_imports_nothing_heavy():
    heavy = {"pooch", "tqdm", "torch", "matplotlib", "requests", "sklearn", "ipywidgets"}
    code = f"import sys, lrcourse.data as d; d.load('digits'); print({heavy} & {{*sys.modules}})"
    environment = {**os.environ, "PYTHONPATH": str(Path(data.__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == "set()"
