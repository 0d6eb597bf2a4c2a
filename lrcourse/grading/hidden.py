r"""The contents of a file of hidden checks.

Such a file is named ``chapter_NN.py`` and holds ``CHECKS``, a dict from exercise id to a list of
``HiddenCheck``, and perhaps ``QUESTIONS``, a list of ``Question`` for people to grade.
"""

from dataclasses import dataclass

from lrcourse.exercises import Check


@dataclass(frozen=True)
class HiddenCheck(Check):
    r"""A check that students do not see; if it fails, they read only its name and its hint.

    Args:
        name: see ``Check``; students read it.
        run: see ``Check``; its sentences and inputs are never shown.
        points: its points.
        hint: what to think about if the answer fails.
    """

    hint: str = ""


@dataclass(frozen=True)
class Question:
    r"""Something that a person grades.

    Args:
        id: what the answer's cell has in its metadata, as ``question`` or as ``exercise``.
        title: heads the sheet.
        points: the most that can be given.
        rubric: how to grade it.
    """

    id: str
    title: str
    points: float
    rubric: str
