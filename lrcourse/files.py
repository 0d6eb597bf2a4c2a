r"""Files that are never seen half written, and locks between processes."""

import os
import secrets
from io import RawIOBase
from pathlib import Path
from typing import IO, BinaryIO


def write_beside(path: Path, content: bytes, mode: int = 0o666) -> Path:
    r"""Write a new file with a random name beside another one, and return its path.

    Args:
        path: the file to write beside.
        content: what to write.
        mode: permissions of the new file, less the umask.

    Raises:
        OSError: it cannot be written; then no part of it is left.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def write_whole(path: Path, content: bytes | str, mode: int = 0o666) -> None:
    r"""Write a file so that readers, even after a crash, find either the old content or the new.

    Args:
        path: the file, made or replaced.
        content: bytes, or text to write as UTF-8.
        mode: permissions of the file, less the umask; with 0o600 only its owner can read it.

    Raises:
        OSError: it cannot be written; then the old content is still there.
    """
    part = write_beside(path, content.encode() if isinstance(content, str) else content, mode)
    try:
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def append_whole(file: RawIOBase | BinaryIO, content: bytes) -> None:
    r"""Append lines to a file; on a full disk none of them, and a killed process tears one at most.

    Args:
        file: opened to append without a buffer, ``path.open("a+b", buffering=0)``.
        content: whole lines.

    Raises:
        OSError: it cannot be written; then the file is as before.
    """
    end, left = file.seek(0, os.SEEK_END), memoryview(content)
    try:
        while left:
            left = left[file.write(left) or 0 :]
    except OSError:
        file.truncate(end)
        raise


def lock(file: int | IO, wait: bool = False) -> bool:
    r"""Lock an open file or folder against other processes, until it is closed.

    Args:
        file: an open file, or the descriptor of an open file or folder.
        wait: wait until no other process holds the lock.

    Returns:
        False where the operating system or the file system has no such locks.

    Raises:
        BlockingIOError: another process holds it, and ``wait`` is False.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:  # some network file systems have no locks
        return False
    return True
