r"""Grade notebooks of people you do not know: their code in a sandbox, our checks outside it.

A notebook is read by ``submissions``; ``grader`` asks its answers the questions of
``lrcourse.exercises`` and of the hidden checks; each question travels as plain data (``protocol``)
to a ``worker`` inside a ``sandbox``; ``marks`` stores the results, ``feedback`` and ``manual``
present them to people.
"""

from collections import Counter
from collections.abc import Iterable

GRADED, ABSENT, UNREADABLE = "graded", "missing", "unreadable"  # the outcome for a notebook
ERROR, WAITING = "grader error", "waiting"


def repeated(names: Iterable[str]) -> str | None:
    r"""Return the first name that occurs more than once, or None."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


class GradingError(Exception):
    r"""Grading cannot continue; the message says why and what to do."""
