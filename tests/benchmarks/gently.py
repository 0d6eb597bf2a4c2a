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
    r"""Begin a process in which submissions are graded; it imports this module, too."""
    begin()


if __name__ == "__main__":
    from tests.benchmarks import gently as ours

    processes.begin = ours.begin_gently
    main(["grade", *sys.argv[1:]])
else:
    Sandbox.close = gently
