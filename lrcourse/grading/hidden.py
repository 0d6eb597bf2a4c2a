r"""What a file of hidden checks is made of.

Such a file is named ``chapter_NN.py`` and holds ``CHECKS``, a dict from exercise id to a list of
``HiddenCheck``, and perhaps ``QUESTIONS``, a list of ``Question`` for people to grade.
"""

from dataclasses import dataclass

from lrcourse.exercises import Check


@dataclass(frozen=True)
class HiddenCheck(Check):
    r"""A check that students do not see; of its failure they read its name and its hint.

    Args:
        name: see ``Check``; students read it.
        run: see ``Check``; its sentences and its inputs are for nobody.
        points: what it counts.
        hint: what a student whose answer fails should think about.
    """

    hint: str = ""


@dataclass(frozen=True)
class Question:
    r"""Something that a person grades.

    Args:
        id: what the answer's cell has in its metadata, as ``question`` or as ``exercise``.
        title: heads the sheet.
        points: the most that can be given.
        rubric: for whoever grades.
    """

    id: str
    title: str
    points: float
    rubric: str
