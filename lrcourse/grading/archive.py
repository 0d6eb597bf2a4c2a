r"""Zip files from strangers: what a platform exports, and what students hand in."""

import stat
import time
import zipfile
import zlib
from collections.abc import Iterator
from os import utime
from pathlib import Path, PurePosixPath

from lrcourse.grading import GradingError

MOST_FILES = 100_000
LARGEST = 4 * 2**30  # bytes of all files together
BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)  # of a zip


def members(file: zipfile.ZipFile, most: int, largest: int) -> Iterator[tuple[str, bytes, float]]:
    r"""Yield name, content and time of each file in a zip.

    Links, encrypted files and names that lead out of the folder are left out.

    Args:
        file: the open zip.
        most: how many files it may hold.
        largest: bytes that they may unpack to together, whatever their headers say.

    Raises:
        ValueError: it holds more.
    """
    infos = [info for info in file.infolist() if not info.is_dir()]
    if len(infos) > most:
        raise ValueError(f"holds more than {most} files")
    left = largest
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        outside = path.is_absolute() or ".." in path.parts or not path.parts
        kind = stat.S_IFMT(info.external_attr >> 16)
        if outside or kind not in (0, stat.S_IFREG) or info.flag_bits & 1:
            continue
        with file.open(info) as part:
            content = part.read(left + 1)
        left -= len(content)
        if left < 0:
            raise ValueError(f"unpacks to more than {largest // 2**20} MB")
        yield str(path), content, time.mktime((*info.date_time, 0, 0, -1))


def unpack(path: Path, folder: Path) -> None:
    r"""Write what a platform's export holds into a folder; GradingError if it cannot be."""
    try:
        with zipfile.ZipFile(path) as file:
            for name, content, when in members(file, MOST_FILES, LARGEST):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                utime(target, (when, when))
    except ValueError as error:
        raise GradingError(f"{path} cannot be unpacked: it {error}.") from None
    except BROKEN as error:
        raise GradingError(f"{path} cannot be unpacked: {error}.") from None
