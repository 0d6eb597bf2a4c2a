r"""Grade: ask each answer its questions, one sandbox per submission, many side by side."""

import hashlib
import hmac
import importlib.util
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, islice
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
from numpy.random import Generator

import lrcourse.exercises
from lrcourse.course.workspace import WorkspaceError, course_folder
from lrcourse.exercises import FAILED, PASSED, TO_DO, Check, Exercise, Wrong, exercises
from lrcourse.grading import ERROR, GRADED, GradingError, repeated, submissions
from lrcourse.grading.hidden import HiddenCheck, Question
from lrcourse.grading.package_use import PACKAGE, beyond, package_use
from lrcourse.grading.sandbox import Died, Limits, Lost, Sandbox
from lrcourse.grading.session import IDLE, MISSING, Session, StudentError, raised

STILL_TO_DO = "This part is still to do."
OURS = "The grader failed here, not you. These points will follow."
MOST_LOSSES = 2  # sandboxes that one exercise may use up
UNREAD = "(its cells could not be read)"
NO_MEMORY = "the machine ran out of memory: use fewer --jobs"
TORCH = re.compile(r"\btorch\.\w|\b(?:import|from) torch\b|\blrcourse.exercises.chapter_14\b")


@dataclass(frozen=True)
class Setting:
    r"""How a batch is graded.

    Attributes:
        secret: the source of all seeds; anyone who knows it can predict the inputs.
        checks: folders with hidden checks.
        kind: the kind of sandbox.
        limits: what one exercise may use.
    """

    secret: bytes
    checks: tuple[str, ...] = ()
    kind: str = "bubblewrap"
    limits: Limits = field(default_factory=Limits)


def hidden_folder() -> Path | None:
    r"""Return the folder of the course's own hidden checks, or None."""
    try:
        folder = course_folder() / "solutions" / "hidden_checks"
    except WorkspaceError:
        return None
    return folder if folder.is_dir() else None


@cache
def _modules(folders: tuple[str, ...], chapter: str) -> list[ModuleType]:
    found = []
    for number, folder in enumerate(folders):
        path = Path(folder) / f"chapter_{chapter}.py"
        if not path.is_file():
            continue
        spec = importlib.util.spec_from_file_location(f"hidden_{number}_{chapter}", path)
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            checks, asked = getattr(module, "CHECKS", {}), getattr(module, "QUESTIONS", [])
            wrong = [c for c in chain(*checks.values()) if not isinstance(c, HiddenCheck)]
            wrong += [q for q in asked if not isinstance(q, Question)]
            if wrong:
                raise TypeError(f"{wrong[0]!r} is not a HiddenCheck or Question")
        except (Exception, SystemExit) as error:
            raise GradingError(f"{path} cannot be used: {_named(error)}") from None
        found.append(module)
    return found


def hidden_checks(setting: Setting, chapter: str) -> dict[str, list[HiddenCheck]]:
    r"""Return the hidden checks of a chapter by exercise; GradingError if a file is wrong."""
    found: dict[str, list[HiddenCheck]] = {}
    ids = {exercise.id for exercise in exercises(chapter)}
    for module in _modules(setting.checks, chapter):
        for id, checks in getattr(module, "CHECKS", {}).items():
            if id not in ids:
                raise GradingError(f"{module.__file__}: there is no exercise {id}.")
            found.setdefault(id, []).extend(checks)
    for exercise in exercises(chapter):
        if twice := repeated(c.name for c in [*exercise.checks, *found.get(exercise.id, [])]):
            raise GradingError(f"Exercise {exercise.id} has two checks named {twice!r}.")
    return found


def questions(setting: Setting, chapter: str) -> list[Question]:
    r"""Return the questions of a chapter that people grade."""
    return [
        q for module in _modules(setting.checks, chapter) for q in getattr(module, "QUESTIONS", [])
    ]


def check_digest(setting: Setting, chapter: str) -> str:
    r"""Return a hash of everything that decides how a submission of the chapter is judged."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    home = Path(lrcourse.exercises.__file__).parent
    files += [home / name for name in ("__init__.py", "answers.py", f"chapter_{chapter}.py")]
    files += [p for p in (Path(f) / f"chapter_{chapter}.py" for f in setting.checks) if p.is_file()]
    parts = [path.read_bytes() for path in files]
    parts += [
        lrcourse.__version__.encode(),
        setting.secret,
        setting.kind.encode(),
        repr(setting.limits).encode(),
    ]
    return hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in parts)).hexdigest()


@cache
def _worked_use(chapter: str) -> dict[str, list[str]]:
    # What of the package the worked solution of each exercise uses.
    (path,) = course_folder().glob(f"solutions/{chapter}_*.ipynb")
    notebook = submissions.read_notebook(path)
    places = {e.id: (notebook.answer(e), list(e.answers)) for e in exercises(chapter)}
    return {id: package_use(notebook.cells, *place) for id, place in places.items()}


def grade(
    setting: Setting, student: str, notebook: submissions.Notebook, only: tuple[str, ...] = ()
) -> tuple[str, str, list[dict] | None]:
    r"""Grade one notebook; it may run in another process.

    Args:
        setting: how.
        student: the name.
        notebook: what was handed in.
        only: the exercises to grade; () for all.

    Returns:
        GRADED and what is to be noted, or ERROR and why, and for each exercise a dict: id, title,
        status, points, possible, checks (each with name, passed, points, possible, hidden, message)
        hints, and uses: what of the package this answer uses and the worked solution does not.
    """
    try:
        listed = [e for e in exercises(notebook.chapter) if not only or e.id in only]
        hidden = hidden_checks(setting, notebook.chapter)
        with closing(_Grader(setting, student, notebook)) as grader:
            uses = grader.package_use(listed)
            outcomes = {e.id: grader.ask(e, e.checks) for e in listed}
            # Last: else an answer could report in a visible check what it saw in a hidden one.
            for e in listed:
                outcomes[e.id] += grader.ask(e, hidden.get(e.id, []))
    except Exception as error:
        return ERROR, _described(error), None
    detail = [
        {**_report(e, [*e.checks, *hidden.get(e.id, [])], outcomes[e.id]), "uses": uses[e.id]}
        for e in listed
    ]
    ours = [f"{e.id}: {said}" for e in listed for status, said in outcomes[e.id] if status == ERROR]
    return ERROR if ours else GRADED, "; ".join(ours or grader.notes), detail


def _report(exercise: Exercise, checks: list[Check], outcomes: list[tuple[str, str]]) -> dict:
    rows = []
    for check, (status, message) in zip(checks, outcomes, strict=True):
        hidden, passed = isinstance(check, HiddenCheck), status == PASSED
        told = OURS if status == ERROR else check.hint if hidden else message
        rows.append(
            {
                "name": check.name,
                "passed": passed,
                "points": check.points if passed else 0,
                "possible": check.points,
                "hidden": hidden,
                "message": "" if passed else told,
            }
        )
    statuses = {status for status, _ in outcomes}
    if ERROR in statuses or len(statuses) == 1:
        (status,) = statuses & {ERROR} or statuses
    else:
        status = FAILED if PASSED in statuses or TO_DO not in statuses else TO_DO
    return {
        "id": exercise.id,
        "title": exercise.title,
        "status": status,
        "points": sum(row["points"] for row in rows),
        "possible": sum(row["possible"] for row in rows),
        "checks": rows,
        "hints": [] if status == PASSED else list(exercise.hints),
    }


class _Grader:
    # A submission being graded: one sandbox, and a new one after a crash.
    def __init__(self, setting: Setting, student: str, notebook: submissions.Notebook) -> None:
        self.setting, self.student, self.notebook = setting, student, notebook
        self.sandbox, self.losses, self.notes = None, Counter(), []
        answers = [notebook.answer(exercise) for exercise in exercises(notebook.chapter)]
        torch = any(TORCH.search(notebook.cells[n]) for n in answers if n is not None)
        self.modules = ["torch"] if torch else []

    def close(self) -> None:
        if self.sandbox is not None:
            self.sandbox.close()
        self.sandbox = None

    def start(self) -> Sandbox:
        while self.sandbox is None:
            self.sandbox = Sandbox(self.setting.kind, self.setting.limits)
            try:
                self.sandbox.request("prepare", *self.modules)
            except (Lost, TimeoutError) as error:
                self.close()
                self.losses["start"] += 1
                if self.losses["start"] > 1:
                    raise GradingError(f"the sandbox does not start: {error}") from None
        return self.sandbox

    def package_use(self, listed: list[Exercise]) -> dict[str, list[str]]:
        r"""Return what of the package each answer uses and the worked solution does not."""
        places = {e.id: (self.notebook.answer(e), list(e.answers)) for e in listed}
        found = {id: place for id, place in places.items() if place[0] is not None}
        told: dict[str, list[str]] = {id: [] for id in places}
        if not any(PACKAGE in cell for cell in self.notebook.cells):
            return told
        sandbox = self.start()
        sandbox.start_watch(self.setting.limits.cpu)
        try:  # before any answer runs: later it could have changed what looks at it
            reply = sandbox.request("uses", self.notebook.cells, list(found.values()))
        except (Lost, TimeoutError):
            self.close()
            return {id: [UNREAD] for id in places}
        usual = _worked_use(self.notebook.chapter)
        match reply:
            case ["used", _, list(lists)] if len(lists) == len(found):
                for id, names in zip(found, lists, strict=True):
                    told[id] = beyond(names, usual[id])
        return told

    def open(self, exercise: Exercise, answer: int) -> Session:
        self.start()
        return Session(self.sandbox, self.notebook.cells, answer, list(exercise.answers))

    def ask(self, exercise: Exercise, checks: Iterable[Check]) -> list[tuple[str, str]]:
        r"""Return for each check its status and a sentence."""
        answer, session, outcomes, last = self.notebook.answer(exercise), None, [], ""
        if answer is None:
            return [(TO_DO, STILL_TO_DO) for _ in checks]
        for check in checks:
            outcome, again, killed = None, False, _killed()
            while outcome is None and self.losses[exercise.id] < MOST_LOSSES:
                try:
                    session = session or self.open(exercise, answer)
                    outcome = _judged(session, exercise, check, self._rng(exercise, check))
                except (Lost, TimeoutError) as error:
                    session, last = None, str(error)
                    self.close()
                    if again or not isinstance(error, Died | TimeoutError):
                        self.losses[exercise.id] += 1
                        outcome = FAILED, last
                        if isinstance(error, Died) and _killed() > killed:
                            outcome = ERROR, NO_MEMORY
                    elif isinstance(error, Died):
                        self.notes.append(f"{exercise.id}: its process ended and was tried again")
                    again = True  # perhaps the machine was busy, or someone else ended it
                except GradingError:
                    raise
                except MemoryError:  # perhaps another submission's
                    outcome = ERROR, "the grader ran out of memory"
                except Exception as error:
                    said = f"The check cannot use what it returned: {_named(error)}."
                    ours = self._solution_raises_too(exercise, check)
                    outcome = (ERROR, _described(error)) if ours else (FAILED, said)
            outcomes.append(outcome or (FAILED, last))
        if session is not None:
            try:
                session.close()
            except (Lost, TimeoutError):
                self.close()
        return outcomes

    def _solution_raises_too(self, exercise: Exercise, check: Check) -> bool:
        # Does a check raise for the worked solution, too? Then the fault is ours.
        path = next(course_folder().glob(f"solutions/{self.notebook.chapter}_*.ipynb"))
        notebook = submissions.read_notebook(path)
        with closing(_Grader(self.setting, self.student, notebook)) as grader:
            session = grader.open(exercise, grader.notebook.answer(exercise))
            try:
                _judged(session, exercise, check, self._rng(exercise, check))
            except (Lost, TimeoutError):
                raise
            except Exception:
                return True
        return False

    def _rng(self, exercise: Exercise, check: Check) -> Generator:
        words = [self.student, self.notebook.digest, exercise.id, check.name]
        message = "\0".join(words).encode(errors="surrogatepass")
        digest = hmac.new(self.setting.secret, message, "sha256").digest()
        return np.random.default_rng(int.from_bytes(digest))


def _judged(session: Session, exercise: Exercise, check: Check, rng: Generator) -> tuple[str, str]:
    values = dict(zip(exercise.answers, session.values, strict=True))
    for name, value in values.items():
        if value is MISSING and session.failure is not None:
            return FAILED, session.failure.explained()
        if value is MISSING or value is IDLE:
            values[name] = _unwritten
    given = SimpleNamespace(**values) if len(values) > 1 else next(iter(values.values()))
    try:
        with np.errstate(all="ignore"):
            check.run(given, rng)
    except Wrong as wrong:
        return FAILED, str(wrong)
    except StudentError as error:
        if error.kind == "NotImplementedError" and re.match(r"Exercise|$", error.text):
            return TO_DO, STILL_TO_DO
        if error.kind == "TypeError" and not error.line and "argument" in error.text:
            keep = "Keep the arguments that the exercise gives."
            return FAILED, f"It could not be called: TypeError: {error.text}. {keep}"
        return FAILED, error.explained()
    return PASSED, ""


def _killed() -> int:
    # How many processes the kernel has killed when memory ran out since the machine started.
    with suppress(OSError):
        lines = Path("/proc/vmstat").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    return 0


def _unwritten(*args: object, **options: object) -> None:
    raise raised(["NotImplementedError", "Exercise", 0, ""])


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _described(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{_named(error)} ({Path(frame.filename).name}, line {frame.lineno})"


def run_all(
    work: Iterable[tuple], executor: Executor, ahead: int, done: Callable[[tuple, tuple], None]
) -> None:
    r"""Grade many notebooks, and report each result as it arrives.

    Args:
        work: (setting, student, notebook) for each; taken when there is room, so it may read files.
        executor: concurrent.futures' interface.
        ahead: how many may wait or run at once.
        done: called in this thread with the piece of work and its result.
    """
    running: dict[Future, tuple] = {}
    work = iter(work)
    while True:
        for piece in islice(work, ahead - len(running)):
            running[executor.submit(grade, *piece)] = piece
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            piece, error = running.pop(future), future.exception()
            if isinstance(error, BrokenExecutor):  # every later piece would fail as well
                raise error
            done(piece, (ERROR, _named(error), None) if error else future.result())
