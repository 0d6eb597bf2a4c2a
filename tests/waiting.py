"""How tests wait: for something to happen, never for a time, so a busy machine is only slower."""

import time
from collections.abc import Callable

LIMIT = 600  # seconds; what takes longer hangs


def until(happened: Callable[[], object], pause: Callable[[float], object] = time.sleep) -> None:
    """Ask again and again whether something has happened; fail if it has not within the limit.

    A test in the browser pauses with its page, which gets no messages while Python sleeps.
    """
    end = time.monotonic() + LIMIT
    while not happened():
        assert time.monotonic() < end, f"still waiting after {LIMIT} s"
        pause(0.05)
