r"""Find the files of a published data set in a folder, or download them."""

import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

from lrcourse.datasets.catalogue import CIFAR_FILES, CIFAR_FOLDER, PUBLISHED, File, Published
from lrcourse.datasets.formats import Arrays, DataError, read
from lrcourse.files import lock

CHUNK = 1 << 14  # bytes


def read_published(name: str, folder: str | os.PathLike | None = None) -> Arrays:
    r"""Read a set that is not bundled, after downloading it if need be.

    Args:
        name: a key of `catalogue.PUBLISHED`.
        folder: as for `lrcourse.data.load`.

    Returns:
        Its arrays by `catalogue.PARTS`, uint8.

    Raises:
        FileNotFoundError: files are missing and cannot be downloaded.
        DataError: a file is damaged.
    """
    about = PUBLISHED[name]
    arrays: Arrays = {}
    for path, (part, file) in zip(_locate(name, folder), about.files.items(), strict=True):
        arrays |= read(path, part, file, about.instead)
    return arrays


def _locate(name: str, folder: str | os.PathLike | None) -> list[Path]:
    about = PUBLISHED[name]
    if sys.platform == "emscripten" and folder is None:
        raise FileNotFoundError(
            f"{name} has to be downloaded, which Python in the browser cannot: use a computer or "
            f"Binder, {about.instead}"
        )
    home = _expanded(folder) if folder is not None else _home()
    folders = [home / name, home / about.torchvision, home]
    folders += map(Path, about.folders if folder is None else ())
    for candidate in folders:
        found = [path for file in about.files.values() if (path := present(candidate, file))]
        if len(found) == len(about.files):
            return found
    needed = ", ".join(file.name for file in about.files.values())
    needed += f" ({about.version})" if about.version else ""
    instead = about.instead + _unusable(name, about, folders)
    if folder is not None:
        raise FileNotFoundError(f"{name} is not complete in {home}: put {needed} there, {instead}")
    try:
        folders[0].mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folders[0]).close()
    except OSError as error:
        raise FileNotFoundError(
            f"{name} has to be downloaded, and {folders[0]} cannot be written ({error.strerror}): "
            f"let LRCOURSE_DATA name another folder, {instead}"
        ) from error
    try:
        with one_at_a_time(folders[0]):
            return [_download(file, folders[0], about.mirrors) for file in about.files.values()]
    except OSError as error:
        raise FileNotFoundError(f"{error}: put {needed} in {folders[0]}, {instead}") from error


def _home() -> Path:
    import pooch

    return _expanded(os.environ.get("LRCOURSE_DATA") or pooch.os_cache("lrcourse"))


def _expanded(folder: str | os.PathLike) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:  # without this, a folder named ~ would be made
        raise FileNotFoundError(
            f"{folder}: there is no such home folder; name another, here or in LRCOURSE_DATA"
        ) from error


def present(folder: Path, file: File) -> Path | None:
    r"""Return the path of a file in a folder, or None.

    A file with the published name counts whatever it holds, so that damage is reported when it is
    read. A file with another name counts only if it holds what was published.

    Args:
        folder: where to look; it need not exist.
        file: what to look for.

    Returns:
        The file, packed or not; of an unpacked CIFAR-10, its folder.
    """
    names = [file.name]
    if file.name.endswith(".tar.gz"):
        names += [f"{CIFAR_FOLDER}/{CIFAR_FILES[0]}", CIFAR_FILES[0]]
    elif file.unpacked:
        names.append(file.name.removesuffix(".gz"))
    for path in (folder / name for name in names):
        if os.path.isfile(path):  # Path.is_file raises if the folder must not be read
            return path.parent if path.name in CIFAR_FILES else path
    return next((path for path in _renamed(folder, file) if _right(path, file)), None)


def _renamed(folder: Path, file: File) -> list[Path]:
    # train-images.idx3-ubyte (7-Zip, Windows), train-images-idx3-ubyte (1).gz (browsers),
    # train-images-idx3-ubyte/train-images-idx3-ubyte (Kaggle)
    like = file.name.partition(".")[0].replace("-idx", "?idx") + "*"
    return [path for path in _matching(folder, like, f"{like}/{like}") if os.path.isfile(path)]


def _matching(folder: Path, *patterns: str) -> list[Path]:
    names = sorted({name for like in patterns for name in glob(like, root_dir=folder)})
    return [folder / name for name in names if not name.endswith(".part")]


def _right(path: Path, file: File) -> bool:
    try:
        return bool(read(path, "", file))
    except DataError:
        return False


def _unusable(name: str, about: Published, folders: list[Path]) -> str:
    found = set()
    for folder in folders:
        found.update(_matching(folder, f"{name}?*"))
        for file in about.files.values():
            if not present(folder, file):
                found.update(_renamed(folder, file))
    listed = ", ".join(map(str, sorted(found)))
    return f"; found, but not what is needed: {listed}" if listed else ""


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    r"""Hold a lock, so that two downloads never write the same .part file.

    Args:
        folder: where the downloads go; waits until no other process downloads to it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        yield
        return
    try:
        lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


def _download(file: File, folder: Path, mirrors: tuple[str, ...]) -> Path:
    import pooch

    if path := present(folder, file):
        return path
    checksum = file.sha256 and f"sha256:{file.sha256}"
    resume = functools.partial(_resume_download, part=folder / f"{file.name}.part")
    reasons = []
    for mirror in mirrors:
        try:
            return Path(
                pooch.retrieve(mirror + file.name, checksum, file.name, folder, downloader=resume)
            )
        except (OSError, ValueError) as error:  # ValueError: pooch's word for a wrong checksum
            wrong = isinstance(error, ValueError) and not isinstance(error, OSError)
            reason = getattr(error, "strerror", None) or type(error).__name__
            reasons.append(f"{mirror} {'wrong checksum' if wrong else reason}")
    raise OSError(f"{file.name} could not be downloaded ({'; '.join(reasons)})")


def _resume_download(url: str, to: str, _: object, part: Path) -> None:
    # `part` holds what an earlier attempt left; complete, it becomes `to`.
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
                for chunk in response.iter_content(CHUNK):
                    bar.update(out.write(chunk))
    part.replace(to)
