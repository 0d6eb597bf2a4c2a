r"""A learner's guess before a run, and what came of it after.

``guess`` asks, ``outcome`` puts the run's answer beside the guess, ``tally`` counts at the end of a
chapter. The guess stays in the learner's browser, where `guess.js` draws all three and compares:
so it outlives the page and the kernel, and a saved notebook needs none. Here lies what was asked
and what the runs answered. Without a browser each of the three is a sentence.
"""

from __future__ import annotations

import hashlib
import html
import json
import math
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lrcourse.messages import unknown

SCRIPT = f"<script>\n{(Path(__file__).parent / 'guess.js').read_text(encoding='utf-8')}</script>"
_rows: dict[str, _Row] = {}  # by id: what this kernel has asked, and what its runs answered


@dataclass(frozen=True)
class _Row:
    r"""One question: what may be answered, and what the run answered (None: not yet)."""

    id: str
    question: str = ""
    choices: Sequence[str] | None = None
    unit: str = ""
    within: float = 1.25
    mine: str | float | None = None
    value: str | float | None = None

    @property
    def answered(self) -> str:
        r"""The run's answer as learners read it."""
        if self.value is None or isinstance(self.value, str):
            return self.value or "not run"
        return _number(self.value, self.unit)

    @property
    def verdict(self) -> str:
        r"""How right `mine` was (as in `guess.js`)."""
        guessed, value = self.mine, self.value
        if guessed == value:
            return "right"
        if not (isinstance(guessed, int | float) and isinstance(value, int | float)):
            return "not this time"
        side = "high" if guessed > value else "low"
        if guessed * value <= 0:
            return f"not this time: too {side} by {_number(abs(guessed - value), self.unit)}"
        factor = max(guessed / value, value / guessed)
        right = "right" if factor <= self.within * (1 + 1e-9) else "not this time"
        if _number(factor) == "1":
            return right
        return f"{right}: too {side} by a factor of {_number(factor)}"


@dataclass(frozen=True)
class Shown:
    r"""What ``guess``, ``outcome`` and ``tally`` return: it shows itself, or is a sentence."""

    kind: str
    rows: Sequence[_Row]

    def __repr__(self) -> str:
        if self.kind == "tally":
            return self._counted()
        (row,) = self.rows
        if self.kind == "guess":
            may = f" ({', '.join(row.choices)})" if row.choices else ""
            mine = "" if row.mine is None else f" Your guess: {row.mine}."
            return f"Guess {row.id}: {row.question}{may}{mine}"
        mine = "" if row.mine is None else f" Your guess: {row.mine}, {row.verdict}."
        return f"{row.question} The run: {row.answered}.{mine}".strip()

    def _counted(self) -> str:
        if not self.rows:
            return "No guesses were asked."
        answers = "; ".join(f"{row.id} {row.answered}" for row in self.rows)
        mine = [row for row in self.rows if row.mine is not None]
        right = sum(row.value is not None and row.verdict.startswith("right") for row in mine)
        said = f" You made {len(mine)}, and {right} were right." if mine else ""
        return f"Guesses asked: {len(self.rows)}.{said} The runs: {answers}."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        # The notebook's path, as Jupyter's server tells it, tells two notebooks with the same ids
        # apart. Only its hash is saved: a notebook travels, and names of folders are private.
        path = os.environ.get("JPY_SESSION_NAME", "")
        notebook = hashlib.sha256(path.encode()).hexdigest()[:12] if path else ""
        rows = [asdict(row) | {"answered": row.answered} for row in self.rows]
        data = json.dumps({"kind": self.kind, "notebook": notebook, "rows": rows}, allow_nan=False)
        return {
            "text/plain": repr(self),
            "text/html": f'<div class="lrcourse-guess" data-lrcourse="{html.escape(data)}">'
            f"<p>{html.escape(repr(self))}</p></div>{SCRIPT}",
        }


def guess(
    id: str,
    question: str,
    choices: Sequence[str | float] | None = None,
    *,
    unit: str = "",
    within: float = 1.25,
    mine: str | float | None = None,
) -> Shown:
    r"""Ask for a guess before a run, as the last line of a cell.

    Args:
        id: chapter and letter, such as "09.a".
        question: one short question, plain text.
        choices: two or more to choose from; without them a number is asked.
        unit: of that number, such as "steps".
        within: a number counts as right within this factor of the run's.
        mine: a guess made in code, for front ends that are no browser.

    Raises:
        ValueError: the id, the choices or ``within`` cannot be, or ``mine`` is no choice.
    """
    if not re.fullmatch(r"\d\d\.[a-z]", str(id)):
        raise ValueError(f"The id of a guess is chapter and letter, such as '09.a', not {id!r}.")
    if not within > 1:
        raise ValueError(f"within is a factor above 1, such as 1.25, not {within!r}.")
    if choices is not None:
        named = [] if isinstance(choices, str) else [_name(choice) for choice in choices]
        if len(set(named)) < 2 or len(set(named)) < len(named):
            raise ValueError(f"Guess {id} needs two or more different choices, not {choices!r}.")
        choices = named
    row = _Row(id, question, choices, unit, float(within))
    row = replace(row, mine=None if mine is None else _value(row, mine))
    before, _rows[id] = _rows.get(id), row
    if before is not None and before.value is not None:  # the cell runs again, after its outcome
        with suppress(ValueError):  # unless the question is another one now
            _rows[id] = replace(row, value=_value(row, before.value))
    return Shown("guess", [row])


def outcome(id: str, value: str | float) -> Shown:
    r"""Show what a run answered beside the learner's guess, as the last line of a cell.

    Args:
        id: the guess's id.
        value: computed by the run: one of the choices, or a finite number.

    Raises:
        ValueError: it is neither.
    """
    row = _rows.get(id, _Row(str(id)))
    _rows[id] = replace(row, value=_value(row, value))
    return Shown("outcome", [_rows[id]])


def tally() -> Shown:
    r"""Count at the end of a chapter: how many guesses were made, how many right, and which."""
    return Shown("tally", [_rows[id] for id in sorted(_rows) if _rows[id].question])


def _number(value: float, unit: str = "") -> str:
    r"""A number as learners read it: three significant digits; whole numbers keep theirs."""
    text = str(value) if isinstance(value, int) else f"{float(f'{value:.3g}'):.10g}"
    return f"{text} {unit}".strip()


def _plain(value):
    # NumPy's and torch's numbers as Python's; what holds several stays, and is refused.
    with suppress(AttributeError, RuntimeError, ValueError):
        return value.item()
    return value


def _name(value):
    value = _plain(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _value(row, value):
    # The answer as it is kept; ValueError if the question cannot have it.
    value = _plain(value)
    if row.choices:
        if _name(value) not in row.choices:
            raise ValueError(unknown(f"answer to guess {row.id}", value, row.choices))
        return _name(value)
    if isinstance(value, str) and not row.question:
        return value  # its guess has not been asked yet
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"Guess {row.id} asks for a number; {value!r} is none.")
    return value
