r"""Checks and hints: ``check("02.1")`` says whether an answer is right, and if not, why.

``chapter_NN.py`` holds the exercises of a chapter as plain data, in the list ``EXERCISES``. A
check touches an answer only by calling it with plain arrays and numbers, and looks only at the
plain data that comes back.
"""

import ast
import copy
import dis
import html
import importlib
import linecache
import pkgutil
import re
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lrcourse.messages import nearest
from lrcourse.palette import BLUE, VERMILLION

TO_DO, PASSED, FAILED, UNKNOWN, HINT = "to do", "passed", "failed", "unknown", "hint"
BORDERS = {PASSED: BLUE, FAILED: VERMILLION}
RETURNED_NONE = "It returned None; is the return line missing?"
_hints_shown: dict[str, int] = {}


class Wrong(Exception):
    r"""A check rejects an answer; the message is the sentence that the learner reads.

    Args:
        sentence: the likely cause, or else how the result differs.
        named: whether it names the mistake; such a sentence is shown before one that does not.
    """

    def __init__(self, sentence: str, named: bool = True) -> None:
        super().__init__(sentence)
        self.named = named


class _ToDo(Exception):
    # A check needs answers that are still to do; its arguments are their names.
    pass


@dataclass(frozen=True)
class Check:
    r"""One question put to an answer.

    Args:
        name: what is right when it passes, such as "the step goes downhill".
        run: ``run(answer, rng)`` raises Wrong or returns. ``answer`` is the value of
            the learner's name, or, if the exercise has several names, a namespace with all of them
            (``answers.forward``, ``answers.backward``). ``rng`` is a fresh numpy Generator.
        points: its points when graded.
    """

    name: str
    run: Callable[[object, Generator], None]
    points: int = 1


@dataclass(frozen=True)
class Exercise:
    r"""An exercise: what ``check`` asks, and what the chapter uses from there on.

    Args:
        id: such as "02.1".
        title: as in the chapter.
        answers: the names to look up.
        checks: what is asked of them, in order.
        hints: from a nudge to nearly everything.
        package: ``package()`` returns what ``yours`` gives until the answer passes: a function
            like the answer, or the rule, layer or class that the chapter needs.
        adapt: ``adapt(answer)`` makes the same of an answer that passed (of a namespace, if there
            are several names); by default it is taken as it is.
        use: ``use(either)`` uses it as the chapter will, within milliseconds, to compare times.
    """

    id: str
    title: str
    answers: tuple[str, ...]
    checks: Sequence[Check]
    hints: Sequence[str]
    package: Callable[[], object] | None = None
    adapt: Callable[[object], object] = lambda answer: answer
    use: Callable[[object], object] | None = None


@dataclass(frozen=True)
class Result:
    r"""What ``check`` and ``hint`` return; it shows itself as text and as HTML.

    Attributes:
        id: the exercise.
        status: "to do", "passed" or "failed"; "unknown" for an id that does not exist, and "hint".
        sentence: what to do, the likely cause, or the hint.
        outcomes: for each check by name, whether the answer passed.
        hints: the exercise's hints, unless it is passed.
    """

    id: str
    status: str
    sentence: str
    outcomes: Mapping[str, bool] = field(default_factory=dict)
    hints: Sequence[str] = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._html()}

    def __repr__(self) -> str:
        lines = [f"{self._title()} {self.sentence}"]
        lines += [f"  {PASSED if ok else FAILED}: {name}" for name, ok in self.outcomes.items()]
        if self.hints:
            lines.append(f'Stuck? lrcourse.hint("{self.id}") shows one hint at each call.')
        return "\n".join(lines)

    def _title(self) -> str:
        return f"Exercise {self.id}: {self.status}."

    def _html(self) -> str:
        checks = "".join(
            f"<li>{PASSED if ok else FAILED}: {marked(name)}</li>"
            for name, ok in self.outcomes.items()
        )
        hints = ""
        for number, text in reversed(list(enumerate(self.hints, start=1))):
            summary = f"Hint {number} of {len(self.hints)}"
            hints = (
                '<details style="margin: 0.4em 0 0 1em"><summary style="cursor: pointer">'
                f"{summary}</summary><p>{marked(text)}</p>{hints}</details>"
            )
        return (
            f'<div style="border-left: 5px solid {BORDERS.get(self.status, "currentColor")}; '
            f'padding: 0.2em 0 0.2em 0.8em; color: inherit"><strong>{_escaped(self._title())}'
            f"</strong> {marked(self.sentence)}{checks and f'<ul>{checks}</ul>'}{hints}</div>"
        )


def check(id: str) -> Result:
    r"""Say whether an exercise is to do, passed or failed, and why.

    The answer is looked up by its name in the caller's globals.

    Args:
        id: the exercise, such as "02.1".

    Returns:
        A result that shows itself in a notebook. Whatever the answer does, nothing is raised.
    """
    exercise = find(id)
    if exercise is None:
        return unknown(id)
    namespace = sys._getframe(1).f_globals
    if trouble := _unread(exercise.answers, namespace.get("In")):
        return Result(exercise.id, FAILED, trouble, {}, exercise.hints)
    return judged(exercise, namespace)


def _unread(names, cells):
    r"""Why Python could not read the last cell (of IPython's ``In``) that should make an answer."""
    cells = [cell for cell in cells if isinstance(cell, str)] if isinstance(cells, list) else []
    for name in names:
        made = re.compile(rf"\b(def|class) {name}\b")
        last = next(filter(made.search, reversed(cells)), "")
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(last, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            where = f", line {line} of the cell" if line else ""
            return (
                f"The cell with `{name}` did not run: {error.args[0]}{where}. "
                "Mend it and run it, then this one again."
            )
    return ""


def judged(exercise: Exercise, namespace: Mapping[str, object]) -> Result:
    r"""Return what ``check`` says of an exercise.

    Args:
        exercise: which.
        namespace: where its names are looked up.
    """
    answers = {name: namespace.get(name) for name in exercise.answers}
    failures, to_do = {}, set()
    for one in exercise.checks:
        rng = np.random.default_rng(list(f"{exercise.id} {one.name}".encode()))
        try:
            failures[one.name] = _failure(one, answers, rng)
        except _ToDo as error:
            to_do.update(error.args)
        except KeyboardInterrupt as error:  # the last line is read, the rest is ours
            line = _line(error, list(answers.values()))
            where = f" in {line}: is there a loop that never ends?" if line else "."
            raise KeyboardInterrupt(f"You stopped it{where}") from None
    outcomes = {name: failure is None for name, failure in failures.items()}
    names = [*answers, *sorted(to_do - answers.keys())]
    unwritten = " and ".join(f"`{name}`" for name in names if name in to_do)
    if not all(outcomes.values()):
        first = min(filter(None, failures.values()), key=lambda wrong: not wrong.named)
        sentence = f"{first} Still to do: {unwritten}." if unwritten else str(first)
        return Result(exercise.id, FAILED, sentence, outcomes, exercise.hints)
    if not unwritten:
        return Result(exercise.id, PASSED, "All checks agree.", outcomes)
    missing = [name for name in answers if name not in namespace]
    if missing:
        sentence = f"There is no `{missing[0]}` yet: run the cell of the exercise, then this one."
    else:
        sentence = f"Write {unwritten} in the cell above, run that cell, then this one again."
    return Result(exercise.id, TO_DO, sentence, outcomes, exercise.hints)


def hint(id: str) -> Result:
    r"""Show the next hint of an exercise; after the last one it begins again.

    Args:
        id: the exercise, such as "02.1".
    """
    exercise = find(id)
    if exercise is None:
        return unknown(id)
    number = _hints_shown.get(exercise.id, 0) % len(exercise.hints)
    _hints_shown[exercise.id] = number + 1
    last = " (The last one. The worked solution is linked from the exercise.)"
    end = last if number + 1 == len(exercise.hints) else ""
    text = f"{number + 1} of {len(exercise.hints)}. {exercise.hints[number]}{end}"
    return Result(exercise.id, HINT, text)


def find(id: str) -> Exercise | None:
    r"""Return the exercise with that id, or None; loads only the module of its chapter."""
    chapter = re.fullmatch(r"(\d\d)\.\d+", str(id))
    if chapter is None or chapter[1] not in chapters():
        return None
    return next((e for e in exercises(chapter[1]) if e.id == id), None)


def chapters() -> list[str]:
    r"""Return the numbers of the chapters that have exercises, as "02"."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(name.removeprefix("chapter_") for name in names if name.startswith("chapter_"))


def exercises(chapter: str) -> list[Exercise]:
    r"""Return the exercises of a chapter, "02"."""
    return importlib.import_module(f"{__name__}.chapter_{chapter}").EXERCISES


def compare(
    got: object,
    expected: ArrayLike | tuple,
    *,
    mistakes: Mapping[str, ArrayLike | tuple] | None = None,
    tolerance: float = 1e-6,
    what: str = "",
) -> None:
    r"""Accept a result that is as expected, or raise Wrong with the likely cause.

    Args:
        got: what the learner's function returned: a number, list, array or torch tensor, or a
            tuple of them if ``expected`` is a tuple.
        expected: the right value.
        mistakes: for each sentence, the value that the mistake produces.
        tolerance: largest difference allowed, relative to the largest expected value (absolute
            if every expected value is 0).
        what: name of the result, at the beginning of the sentence ("the loss").

    Raises:
        Wrong: it is None, not numeric, of another shape, a known mistake, or different.
    """
    start = f"{what[0].upper()}{what[1:]}: " if what else ""
    if got is None:
        raise Wrong(start + RETURNED_NONE)
    if isinstance(expected, tuple):
        array = isinstance(got, np.ndarray) and got.ndim
        if not (array or isinstance(got, tuple | list)) or len(got) != len(expected):
            raise Wrong(
                f"{start}It should return {len(expected)} values; it returned {_amount(got)}."
            )
        got = list(got)
    else:
        got, expected = _array(got, start), np.asarray(expected)
    if _close(got, expected, tolerance):
        return
    for sentence, value in (mistakes or {}).items():
        if _close(got, value, tolerance):
            raise Wrong(sentence)
    if isinstance(expected, tuple):
        for number, (one, right) in enumerate(zip(got, expected, strict=True), start=1):
            compare(one, right, tolerance=tolerance, what=f"{what or 'value'} {number}")
    if got.shape != expected.shape:
        transposed = expected.ndim > 1 and got.shape == expected.shape[::-1]
        raise Wrong(
            f"{start}The shape is {got.shape}, it should be {expected.shape}"
            + ("; it looks transposed." if transposed else "."),
            named=False,
        )
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    difference = np.abs(np.subtract(got, expected, dtype=float))
    difference = np.where(same, 0, np.nan_to_num(difference, nan=np.inf, posinf=np.inf))
    index = np.unravel_index(difference.argmax(), difference.shape)
    place = f" at index {', '.join(map(str, index))}" if index else ""
    wrong = np.count_nonzero(difference > tolerance * _size(expected))
    one, right = f"{got[index]:.6g}", f"{expected[index]:.6g}"
    off = f", which is off by {difference[index]:.2g}" if one == right else ""
    raise Wrong(
        f"{start}It returned {one}{place}"
        + (off or f", where {right} is expected")
        + (f" ({wrong} of {difference.size} values are wrong)." if index else "."),
        named=False,
    )


def compare_call(
    answer: Callable,
    given: tuple,
    expected: Callable | ArrayLike | tuple,
    mistakes: Callable,
    **options: float | str,
) -> None:
    r"""Call a function with copies of what is given, and compare what it returns.

    Args:
        answer: the learner's function.
        given: its arguments, in order.
        expected: the right value, or a function that returns it for the same arguments.
        mistakes: returns the ``mistakes`` of ``compare`` for the same arguments.
        options: ``tolerance`` and ``what``, as for ``compare``.

    Raises:
        Wrong: as for ``compare``.
    """
    got = answer(*copy.deepcopy(given))
    right = expected(*given) if callable(expected) else expected
    compare(got, right, mistakes=mistakes(*given), **options)


def several(got: object, names: tuple[str, ...]) -> dict[str, object]:
    r"""Return by name the values that a function returned, or raise Wrong.

    Args:
        got: what the learner's function returned.
        names: of the values, in the order in which they are returned.

    Raises:
        Wrong: it is None, or not a tuple or list with one value for each name.
    """
    if got is None:
        raise Wrong(RETURNED_NONE)
    if not isinstance(got, tuple | list) or len(got) != len(names):
        listed = ", ".join(names)
        raise Wrong(f"It should return {len(names)} values, ({listed}), not {_amount(got)}.")
    return dict(zip(names, got, strict=True))


def call_unchanged(answer: Callable, *settings: object, **arrays: NDArray) -> object:
    r"""Return what a function returns for copies of arrays, or raise Wrong if it changes one.

    Args:
        answer: the learner's function; it is called with the arrays, then the settings.
        settings: its other arguments.
        arrays: what must not change, by their names in the exercise.

    Raises:
        Wrong: it changes an array.
    """
    given = {name: array.copy() for name, array in arrays.items()}
    got = answer(*given.values(), *settings)
    for name, array in arrays.items():
        if not np.array_equal(given[name], array, equal_nan=True):
            raise Wrong(
                f"It changes its input `{name}` in place, as `+=`, `-=` and `{name}[0] = ...` do, "
                "and the caller still needs it. Make a new array, or change a copy."
            )
    return got


def _failure(one: Check, answers: dict[str, object], rng: Generator) -> Wrong | None:
    # Why the check failed, None if it passed; _ToDo if it needs an answer that is still to do.
    given = {name: _unwritten(name, answer) or answer for name, answer in answers.items()}
    answer = types.SimpleNamespace(**given) if len(given) > 1 else next(iter(given.values()))
    try:
        with np.errstate(all="ignore"):
            one.run(answer, rng)
    except Wrong as wrong:
        return wrong
    except _ToDo:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, NotImplementedError) and re.match(r"Exercise|$", str(error)):
            ran = {frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)}
            stubs = [name for name in given if not ran.isdisjoint(_codes(given[name]))]
            written = re.match(r"Exercise \d\d\.\d: write ([\w.]+) here", str(error))
            if written and len(given) == 1:  # what the answer drives, where it is not the answer
                stubs = [written[1]]
            raise _ToDo(*stubs or given) from None
        return _explained(error, list(answers.values()))
    return None


def _unwritten(name: str, answer: object) -> Callable | None:
    # A stand-in for an answer that is no function yet, or does nothing.
    def stub(*args: object, **options: object) -> None:
        raise _ToDo(name)

    return stub if answer is None or answer is ... or does_nothing(answer) else None


def _explained(error: BaseException, given: list) -> Wrong:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if line := _line(error, given):
        return Wrong(f"Your code raised {text} ({line}).")
    if isinstance(error, TypeError) and re.search(r"argument|not callable", str(error)):
        return Wrong(f"It could not be called: {text}. Keep the arguments that the exercise gives.")
    return Wrong(f"The check cannot use what it returned: {text}.", named=False)


def _line(error: BaseException, given: list) -> str:
    # The line of the answers in which an error arose; "" if it arose elsewhere.
    files = {code.co_filename for answer in given for code in _codes(answer)}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in files]
    if not frames:
        return ""
    source = linecache.getline(frames[-1].filename, frames[-1].lineno).strip()
    return f"line {frames[-1].lineno}" + (f", `{source}`" if source else "")


def _codes(answer: object) -> list[types.CodeType]:
    members = vars(answer).values() if isinstance(answer, type) else [answer]
    return [member.__code__ for member in members if isinstance(member, types.FunctionType)]


def does_nothing(answer: object) -> bool:
    r"""Say whether an answer is a function without a body: the exercise is still to do."""
    if not isinstance(answer, types.FunctionType):
        return False
    idle = {"NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    instructions = [i for i in dis.get_instructions(answer) if i.opname != "RESUME"]
    return all(i.opname in idle and i.argval is None for i in instructions)


def _array(value: object, start: str) -> NDArray:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        # An array of texts gives each as much room as the longest one.
        array = np.asarray(None if _holds_text(value) else value)
    except Exception:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise Wrong(f"{start}It should return numbers; it returned a {_kind(value)}.", named=False)
    return array


def _holds_text(value: object) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_holds_text, value))
    return isinstance(value, str | bytes)


def _amount(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"{len(value)} value{'s' * (len(value) != 1)}"
    shape = getattr(value, "shape", None)
    return f"one {_kind(value)}" if shape is None else f"one array of shape {tuple(shape)}"


def _kind(value: object) -> str:
    inner = f" of {_kind(value[0])}" if isinstance(value, tuple | list) and value else ""
    return type(value).__name__ + inner


def _close(got: object, expected: object, tolerance: float) -> bool:
    if isinstance(expected, tuple):
        pairs = zip(got, expected, strict=False)
        return len(got) == len(expected) and all(_close(g, e, tolerance) for g, e in pairs)
    try:
        got, expected = _array(got, ""), np.asarray(expected, dtype=float)
    except Wrong:
        return False
    if got.shape != expected.shape:
        return False
    return np.allclose(got, expected, rtol=0, atol=tolerance * _size(expected), equal_nan=True)


def _size(expected: NDArray) -> float:
    return np.abs(expected[np.isfinite(expected)]).max(initial=0) or 1.0


def unknown(id: object) -> Result:
    r"""Return the result for an id that does not exist."""
    ids = [exercise.id for chapter in chapters() for exercise in exercises(chapter)]
    near = nearest(str(id).zfill(4), ids, cutoff=0)  # 2.1 for "02.1"
    return Result(str(id), UNKNOWN, f'There is no such exercise; did you mean "{near}"?')


def _escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def marked(text: str) -> str:
    r"""Return a sentence as HTML, what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _escaped(text))
