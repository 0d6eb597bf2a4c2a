r"""Processes in which submissions are graded, one at a time in each."""

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager, suppress

from lrcourse.grading import GradingError

ENDED = (
    "A process of the grader was ended from outside, perhaps because memory ran out. Graded "
    "notebooks are kept: run the same command again, perhaps with fewer --jobs."
)
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@contextmanager
def processes(jobs: int) -> Iterator[ProcessPoolExecutor]:
    r"""Return an executor of so many processes; whatever ends the block early ends them at once.

    Threads would take turns: a check that trains a network holds Python's lock.
    """
    context = multiprocessing.get_context("spawn")  # a fork would share the lock on the results
    executor = ProcessPoolExecutor(jobs, context, begin)
    try:
        yield executor
    except BrokenExecutor:
        raise GradingError(ENDED) from None
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        executor.shutdown()


def begin() -> None:
    r"""Set up such a process: it ends when it is told to, or with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that it closes its sandbox
    with suppress(OSError, AttributeError):  # not Linux
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
