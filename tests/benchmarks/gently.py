r"""``lrcourse grade`` that lets each sandbox end by itself, so that its CPU time is counted.

The kernel forgets the CPU time of a namespace that is killed.
"""

import sys

from lrcourse.cli import main
from lrcourse.grading import processes
from lrcourse.grading.sandbox import Sandbox

close, begin = Sandbox.close, processes.begin


def gently(sandbox: Sandbox) -> None:
    r"""Close the pipe, and wait until the worker has seen it."""
    sandbox.process.stdin.close()
    sandbox.process.wait(60)
    close(sandbox)


def begin_gently() -> None:
    r"""Begin a process in which submissions are graded, where sandboxes end so, too."""
    Sandbox.close = gently
    begin()


if __name__ == "__main__":
    from tests.benchmarks import gently as ours

    Sandbox.close, processes.begin = gently, ours.begin_gently  # by a name that they can import
    main(["grade", *sys.argv[1:]])
