r"""Grade notebooks of people you do not know: their code in a sandbox, our checks outside it.

A notebook is read by ``submissions``; ``grader`` asks its answers the questions of
``lrcourse.exercises`` and of the hidden checks; each question travels as plain data (``protocol``)
to a ``worker`` inside a ``sandbox``; ``marks`` keeps what came out, ``feedback`` and ``manual``
write it down for people.
"""

from collections import Counter
from collections.abc import Iterable

GRADED, ABSENT, UNREADABLE = "graded", "missing", "unreadable"  # what becomes of a notebook
ERROR, WAITING = "grader error", "waiting"


def repeated(names: Iterable[str]) -> str | None:
    r"""Return the first name that comes more than once, or None."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


class GradingError(Exception):
    r"""Grading cannot go on; the message says why and what to do."""
