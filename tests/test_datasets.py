r"""Published data sets: files under many names, bad servers, interrupted downloads, damage."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import socket
import struct
import tarfile
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from lrcourse.data import DataError, load
from lrcourse.datasets import download
from lrcourse.datasets.catalogue import BUNDLED, CIFAR_FILES, PARTS, PUBLISHED, File

SMALL = {"train_x": (40, 28, 28), "train_y": (40,), "test_x": (20, 28, 28), "test_y": (20,)}
NAMES = {
    "train_x": "train-images-idx3-ubyte.gz",
    "train_y": "train-labels-idx1-ubyte.gz",
    "test_x": "t10k-images-idx3-ubyte.gz",
    "test_y": "t10k-labels-idx1-ubyte.gz",
}


# Files from a folder or a server ------------------------------------------------------------------


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A small set in the real format, in a folder `published`, a server of it, and what it asks."""
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

    def offer(*mirrors):
        about = dataclasses.replace(
            PUBLISHED["fashion-mnist"], files=files, folders=(), mirrors=mirrors
        )
        monkeypatch.setitem(PUBLISHED, "fashion-mnist", about)

    monkeypatch.setenv("LRCOURSE_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    here = f"http://127.0.0.1:{server.server_port}/"
    offer(here)
    yield SimpleNamespace(folder=folder, requests=requests, here=here, offer=offer)
    server.shutdown()
    server.server_close()


def nowhere():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def test_the_table_holds_the_official_files():
    files = PUBLISHED["fashion-mnist"].files
    assert {part: file.name for part, file in files.items()} == NAMES
    assert tuple(files) == PARTS
    assert all(len(file.sha256) == 64 for file in files.values())


def test_a_folder_is_read_packed_or_not(published, tmp_path):
    first = load("fashion-mnist", folder=published.folder)
    assert len(first.train.y) == 36 and len(first.validation.y) == 4 and len(first.test.y) == 20
    nested = tmp_path / "sets" / "fashion-mnist"
    nested.mkdir(parents=True)
    for name in NAMES.values():
        content = gzip.decompress((published.folder / name).read_bytes())
        (nested / name.removesuffix(".gz")).write_bytes(content)
    second = load("fashion-mnist", folder=tmp_path / "sets")
    np.testing.assert_array_equal(first.train.x, second.train.x)
    raw = gzip.decompress((published.folder / NAMES["test_x"]).read_bytes())[16:]
    np.testing.assert_array_equal(
        np.rint(first.test.x * 255).astype(np.uint8).ravel(), np.frombuffer(raw, np.uint8)
    )
    assert not published.requests


def test_the_environment_names_a_folder(published, monkeypatch):
    monkeypatch.setenv("LRCOURSE_DATA", str(published.folder))
    assert len(load("fashion-mnist").test.y) == 20
    assert not published.requests


def test_a_download_is_checked_and_kept(published, tmp_path):
    assert len(load("fashion-mnist").train.y) == 36
    assert len(published.requests) == 4
    kept = {path.name for path in (tmp_path / "home" / "fashion-mnist").iterdir()}
    assert kept == set(NAMES.values())
    load("fashion-mnist")
    assert len(published.requests) == 4  # from the folder this time
    (tmp_path / "home" / "fashion-mnist" / NAMES["test_y"]).unlink()
    load("fashion-mnist")
    assert len(published.requests) == 5  # only the missing one


def test_the_next_mirror_is_tried(published):
    published.offer(nowhere(), published.here)
    assert len(load("fashion-mnist").train.y) == 36


def test_a_download_with_a_wrong_checksum_is_not_kept(published, tmp_path):
    (published.folder / NAMES["train_y"]).write_bytes(gzip.compress(b"something else"))
    with pytest.raises(FileNotFoundError) as caught:
        load("fashion-mnist")
    message = str(caught.value)
    assert f"{NAMES['train_y']} could not be downloaded" in message and "wrong checksum" in message
    assert not (tmp_path / "home" / "fashion-mnist" / NAMES["train_y"]).exists()


def test_no_network_and_no_file_names_the_files_the_folder_and_the_alternative(published, tmp_path):
    published.offer(nowhere())
    with pytest.raises(FileNotFoundError) as caught:
        load("fashion-mnist")
    message = str(caught.value)
    assert "ConnectionError" in message and "\n" not in message
    for part in (*NAMES.values(), str(tmp_path / "home" / "fashion-mnist"), "load('fashion-mini')"):
        assert part in message


def test_the_browser_downloads_nothing_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(download.sys, "platform", "emscripten")
    monkeypatch.setitem(download.sys.modules, "pooch", None)  # as there: it cannot be imported
    with pytest.raises(FileNotFoundError, match=r"a computer or Binder, or use load\('digits'\)"):
        load("mnist")


def test_an_incomplete_folder_is_refused_without_a_download(published, tmp_path):
    (published.folder / NAMES["test_x"]).unlink()
    for folder in (published.folder, tmp_path / "absent"):
        with pytest.raises(FileNotFoundError) as caught:
            load("fashion-mnist", folder=folder)
        for part in (*NAMES.values(), str(folder), "load('fashion-mini')"):
            assert part in str(caught.value)
    assert not published.requests


@pytest.mark.parametrize("part", SMALL)
def test_a_damaged_file_is_named_with_what_was_expected_and_its_repair(published, part):
    path = published.folder / NAMES[part]
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
            load("fashion-mnist", folder=published.folder)
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
        official = PUBLISHED[name].files[part]
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
        for i, file_name in enumerate(CIFAR_FILES):
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

    def start(name, seed=0):
        files, arrays, contents = SETS[name](name, np.random.default_rng(seed))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranged)
        server.contents, server.requests, server.limit, server.ranges = contents, [], None, True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        mirrors = (f"http://127.0.0.1:{server.server_port}/",)
        about = dataclasses.replace(PUBLISHED[name], files=files, mirrors=mirrors)
        monkeypatch.setitem(PUBLISHED, name, about)
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
    about = PUBLISHED[name]
    assert len(about.classes) == 10 and about.source and about.licence
    assert about.stand_in in BUNDLED and len(about.mirrors) == 2
    assert all(mirror.endswith("/") for mirror in about.mirrors)
    for file in about.files.values():
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


# Files under other names --------------------------------------------------------------------------


def dotted(name):
    return name.replace("-idx", ".idx")


RENAMED = {  # from the published name: the name, and whether the file is unpacked
    "Windows": lambda name: (dotted(name).removesuffix(".gz"), True),
    "7-Zip, packed": lambda name: (dotted(name), False),
    "7-Zip, a folder each": lambda name: (f"{name[:-3]}/{dotted(name[:-3])}", True),
    "Kaggle": lambda name: (f"{name[:-3]}/{name[:-3]}", True),
    "Chrome": lambda name: (f"{name[:-3]} (1).gz", False),
    "Firefox": lambda name: (f"{name[:-3]}(1).gz", False),
    "Finder": lambda name: (f"{name[:-3]} 2.gz", False),
    "unpacked by a proxy": lambda name: (name, True),
    "torchvision": lambda name: (f"MNIST/raw/{name[:-3]}", True),
    "torchvision's own folder": lambda name: (f"mnist/MNIST/raw/{name[:-3]}", True),
}


def put(folder, contents, renamed):
    for name, content in contents.items():
        other, unpacked = renamed(name)
        path = folder / other
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress(content) if unpacked else content)


@pytest.mark.parametrize("names", RENAMED)
def test_mnist_is_found_under_the_names_that_others_give_it(serve, tmp_path, names):
    server = serve("mnist")
    put(tmp_path, server.contents, RENAMED[names])
    folder = tmp_path / "mnist" if "own" in names else tmp_path
    assert_same(load("mnist", folder=folder, validation=0), server.arrays)
    assert not server.requests


@pytest.mark.parametrize("name", ["quickdraw-10", "cifar-10"])
def test_a_copy_that_a_browser_numbered_is_found(serve, tmp_path, name):
    server = serve(name)
    for published, content in server.contents.items():
        stem, _, suffix = published.partition(".")
        (tmp_path / f"{stem} (2).{suffix}").write_bytes(content)
    assert_same(load(name, folder=tmp_path, validation=0), server.arrays)


@pytest.mark.parametrize("names", ["Windows", "7-Zip, packed", "Kaggle", "Chrome"])
def test_another_set_under_such_names_is_named_and_not_taken(serve, tmp_path, monkeypatch, names):
    mnist, kmnist = serve("mnist"), serve("kmnist", seed=1)
    put(tmp_path, mnist.contents, RENAMED[names])
    found = tmp_path / RENAMED[names]("t10k-images-idx3-ubyte.gz")[0]
    with pytest.raises(FileNotFoundError) as caught:
        load("kmnist", folder=tmp_path)
    for words in ("put train-images-idx3-ubyte.gz", "not what is needed: ", str(found)):
        assert words in str(caught.value)
    monkeypatch.setenv("LRCOURSE_DATA", str(tmp_path))
    assert_same(load("kmnist", validation=0), kmnist.arrays)  # downloaded beside the other set


def test_of_an_incomplete_set_only_what_cannot_be_used_is_named(serve, tmp_path):
    server = serve("mnist")
    put(tmp_path, server.contents, RENAMED["Windows"])
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(b"<html>")
    (tmp_path / "mnist_train.csv").touch()
    with pytest.raises(FileNotFoundError) as caught:
        load("mnist", folder=tmp_path)
    listed = str(caught.value).partition("not what is needed: ")[2].split(", ")
    assert listed == [str(tmp_path / "mnist_train.csv"), str(tmp_path / "train-labels.idx1-ubyte")]


@pytest.mark.parametrize("found", ["cifar-10-batches-py/data_batch_1", "cifar-10-python.tar.gz"])
def test_the_python_version_of_cifar_10_is_named_and_the_binary_one_asked_for(
    serve, tmp_path, found
):
    server = serve("cifar-10")
    (tmp_path / found).parent.mkdir(exist_ok=True)
    (tmp_path / found).write_bytes(b"\x80\x02}q")
    with pytest.raises(FileNotFoundError) as caught:
        load("cifar-10", folder=tmp_path)
    seen = tmp_path / found.partition("/")[0]
    for words in ("cifar-10-binary.tar.gz (the binary version", f"is needed: {seen}"):
        assert words in str(caught.value)
    assert not server.requests


# Home folders -------------------------------------------------------------------------------------


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    r"""A home folder, and a working folder beside it."""
    for name in ("user", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "user"
    assert not list((tmp_path / "work").iterdir())  # and no folder named ~ in it


def test_a_tilde_is_the_home_folder(serve, at_home):
    server = serve("mnist")
    put(at_home / "sets", server.contents, lambda name: (name, False))
    assert_same(load("mnist", folder="~/sets", validation=0), server.arrays)
    with pytest.raises(FileNotFoundError, match=f"not complete in {at_home}"):
        load("mnist", folder="~/elsewhere")
    assert not server.requests


def test_a_tilde_in_the_environment_is_the_home_folder(serve, at_home, monkeypatch):
    server = serve("mnist")
    monkeypatch.setenv("LRCOURSE_DATA", "~/sets")
    for _ in range(2):
        assert_same(load("mnist", validation=0), server.arrays)
    assert len(server.requests) == 4
    assert {path.name for path in (at_home / "sets" / "mnist").iterdir()} == set(server.contents)


def test_an_unknown_home_folder_is_refused(serve, at_home, monkeypatch):
    serve("mnist")
    monkeypatch.setenv("LRCOURSE_DATA", "~no-such-user/sets")
    for folder in (None, "~no-such-user/sets"):
        with pytest.raises(FileNotFoundError, match=r"^~no-such-user/sets: there is no such home"):
            load("mnist", folder=folder)


# Interrupted downloads, and damage ----------------------------------------------------------------


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("name", ["quickdraw-10", "cifar-10"])
def test_a_download_that_breaks_off_goes_on(serve, name, ranges, tmp_path):
    server = serve(name)
    server.limit, server.ranges = 20_000, ranges
    first = next(iter(server.contents))
    with pytest.raises(FileNotFoundError, match=f"{first} could not be downloaded"):
        load(name)
    part = tmp_path / "home" / name / f"{first}.part"
    assert part.read_bytes() == server.contents[first][: download.CHUNK]
    server.limit = None
    assert_same(load(name, validation=0), server.arrays)
    assert server.requests[:2] == [(first, None), (first, f"bytes={download.CHUNK}-")]
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
            bundled = server.about.stand_in
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


def test_a_folder_in_the_archive_in_place_of_a_file_is_refused(serve, tmp_path):
    serve("cifar-10")
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name in CIFAR_FILES:
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
    with pytest.raises(DataError, match=r"holds 0 bytes of data_batch_1\.bin"):
        load("cifar-10", folder=tmp_path)
