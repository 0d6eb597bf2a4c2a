r"""A limit on this process's own memory, while it handles what strangers wrote."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def limited_memory(more: int) -> Iterator[None]:
    r"""Raise MemoryError inside for what needs more memory than there is now, where Linux can.

    A lower limit that is set already stays.

    Args:
        more: bytes that may be taken beyond those that the process has.
    """
    try:
        import resource

        (used,) = re.findall(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except (ImportError, OSError):  # not Linux
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    set_already = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([int(used) * 2**10 + more, *set_already]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
