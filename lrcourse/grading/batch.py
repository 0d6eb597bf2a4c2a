r"""``lrcourse grade``: a folder of submissions in, marks and feedback out."""

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from lrcourse import grading
from lrcourse.course.workspace import WorkspaceError, course_folder
from lrcourse.exercises import chapters as all_chapters
from lrcourse.exercises import exercises
from lrcourse.files import lock, write_whole
from lrcourse.grading import (
    GradingError,
    exports,
    feedback,
    grader,
    manual,
    repeated,
    sandbox,
    submissions,
)
from lrcourse.grading.class_files import Deadlines, Roster, read_adjustments, read_roster
from lrcourse.grading.class_report import write_report
from lrcourse.grading.gradebook import write_gradebook
from lrcourse.grading.hidden import Question
from lrcourse.grading.marks import COLUMNS, Store, write_csv
from lrcourse.grading.processes import processes
from lrcourse.messages import unknown

NOT_ON_ROSTER = "not on the roster"
GONE = "gone: neither on the roster nor in this folder"
NO_CHAPTER = "any"  # a student's only file is unreadable, so its chapter is unknown


@dataclass
class GradeOptions:
    r"""The options of ``lrcourse grade``; see its ``--help``."""

    submissions: Path
    out: Path
    roster: Path | None = None
    assignment: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()
    checks: Path | None = None
    marks: tuple[Path, ...] = ()
    nbgrader: Path | None = None
    jobs: int = 2
    cpu: int = 10
    dask: str = ""
    unsafe_no_sandbox: bool = False
    replace: bool = False
    students: tuple[str, ...] = ()
    again: bool = False
    due: Path | None = None
    late: str = "none"
    adjust: Path | None = None
    fill: tuple[Path, ...] = ()
    report: bool = False
    package_use: bool = False
    progress: bool = False


class Batch:
    r"""One run over a folder of submissions; ``stack`` closes its files and its lock."""

    def __init__(self, options: GradeOptions, stack: ExitStack) -> None:
        known = all_chapters()
        for chapter in options.assignment:
            if chapter not in known:
                raise GradingError(unknown("assignment", chapter, known))
        if options.exercises:
            ids = [exercise.id for chapter in known for exercise in exercises(chapter)]
            for id in options.exercises:
                if id not in ids:
                    raise GradingError(unknown("exercise", id, ids))
            options = replace(
                options, assignment=tuple(sorted({id[:2] for id in options.exercises}))
            )
        self.options = options
        self.roster = read_roster(options.roster) if options.roster else Roster()
        names = self.roster.names
        self.deadlines = Deadlines(options.due, options.late, names)
        self.adjusted = read_adjustments(options.adjust, names) if options.adjust else {}
        kind = "none" if options.unsafe_no_sandbox else "bubblewrap"
        folders = [grader.hidden_folder(), options.checks]
        if options.checks is not None and not list(options.checks.glob("chapter_[0-9][0-9].py")):
            raise GradingError(f"{options.checks} holds no chapter_NN.py of checks.")
        if options.out.resolve().is_relative_to(options.submissions.resolve()):
            raise GradingError(
                f"{options.out} lies among the submissions: name another folder with --out."
            )
        if kind == "bubblewrap":
            _refuse_readable(options)
        sandbox.ensure(kind)
        if not options.out.exists():
            options.out.mkdir(mode=0o700, parents=True)
        for folder in ("feedback", "manual"):
            (options.out / folder).mkdir(exist_ok=True)
        descriptor = os.open(options.out, os.O_RDONLY)
        stack.callback(os.close, descriptor)
        try:  # two batches would grade everything twice
            lock(descriptor)
        except BlockingIOError:
            raise GradingError(
                f"Another batch is writing to {options.out}: wait for it, or name another folder "
                "with --out."
            ) from None
        secret = _secret(options.out / "secret.key")
        checks = tuple(str(folder.resolve()) for folder in folders if folder)
        limits = sandbox.Limits(
            cpu=options.cpu, idle=max(options.cpu, 2), wall=60 + 6 * options.cpu
        )
        self.setting = grader.Setting(secret, checks, kind, limits)
        self.store = Store(options.out / "grades.sqlite")
        stack.callback(self.store.close)
        self.digests = {c: grader.check_digest(self.setting, c) for c in known}
        self.questions: dict[str, list[Question]] = {}
        for chapter in options.assignment or known:  # report a wrong file before the work begins
            grader.hidden_checks(self.setting, chapter)
            self.questions[chapter] = grader.questions(self.setting, chapter)
        self.every = [question for asked in self.questions.values() for question in asked]
        if twice := repeated(map(manual.file_name, self.every)):
            raise GradingError(f"Two questions would share the sheet {twice}: rename one.")
        self.seen: dict[str, submissions.Submission] = {}
        self.tested = False
        self.lines: list[str] = []  # to print at the end
        self.kept = 0  # marks of an earlier run, of students who are missing in this one
        self.renewed = 0  # unchanged notebooks that were graded by other checks

    def run(self) -> Counter:
        r"""Grade what is missing or changed, write all tables and pages; count rows by status."""
        options = self.options
        for path in options.marks:
            manual.read_sheet(path, self.store, self.every, self.setting.secret)
        manual.check_sheets(options.out / "manual", self.store, self.every, self.setting.secret)
        found = submissions.submissions(options.submissions, self.roster)
        if options.students:
            wanted = {self.roster.names.get(name, name) for name in options.students}
            found = (submission for submission in found if submission.student in wanted)
        bar = tqdm(found, total=None, unit="student", disable=not options.progress, leave=False)
        if options.progress:
            bar.total = len(self.roster.students) or len(os.listdir(options.submissions))
        with self._executor() as (executor, ahead):
            grader.run_all(self._work(bar), executor, ahead, self._done)
        if not self.seen:
            raise GradingError(f"{options.submissions} holds no submission: name another folder.")
        if self.renewed:
            self.lines.append(
                f"Unchanged notebooks graded again: {self.renewed}. lrcourse or the checks have "
                "changed, so their points may have."
            )
        self._fill()
        rows = self._rows()
        self._write(rows)
        for path in options.fill:
            self.lines.append(exports.fill(path, options.out, rows, self.roster))
        return Counter(sorted(row["status"] for row in rows))

    @contextmanager
    def _executor(self) -> Iterator[tuple[Executor, int]]:
        if not self.options.dask:
            with processes(self.options.jobs) as executor:
                yield executor, 2 * self.options.jobs
            return
        from dask.distributed import Client
        from distributed.comm import get_address_host_port, normalize_address

        address = self.options.dask
        local = {"n_workers": self.options.jobs, "threads_per_worker": 1, "dashboard_address": None}
        try:
            if address == "local":
                client = Client(**local)
            else:  # a malformed one would let Client hang when Python exits
                get_address_host_port(normalize_address(address), strict=True)
                client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise GradingError(
                f"No Dask scheduler answers at {address} ({type(error).__name__}): check the "
                "address that `dask scheduler` printed, or leave out --dask."
            ) from None
        with client.get_executor(pure=False, retries=2) as executor:
            yield executor, 4 * sum(client.nthreads().values())

    def _work(self, found: Iterable[submissions.Submission]) -> Iterator[tuple]:
        for submission in found:
            self.seen[submission.student] = submission
            for chapter, notebook in sorted(submission.notebooks.items()):
                if self.options.assignment and chapter not in self.options.assignment:
                    continue
                if chapter in submission.doubled:
                    continue
                known = self.store.known(submission.student, chapter)
                current = (grading.GRADED, notebook.digest, self.digests[chapter])
                again = self.options.again or self.options.exercises
                if known == current and not again:
                    continue
                self.renewed += bool(known) and known[:2] == current[:2] and known != current
                only = ()
                if known and known[:2] == current[:2]:  # else there are no marks to keep
                    only = self.options.exercises
                if not self.tested:
                    _self_test(self.setting)
                    self.tested = True
                if not only:
                    self.store.put(submission.student, chapter, grading.WAITING)
                yield self.setting, submission.student, notebook, only

    def _done(self, piece: tuple, result: tuple) -> None:
        (_, student, notebook, only), (status, reason, detail) = piece, result
        if only and status != grading.GRADED:
            kept = f"{student}: {', '.join(only)} not graded again, the old marks stay: {reason}"
            self.lines.append(kept)
            return
        if only:
            new = {exercise["id"]: exercise for exercise in detail}
            detail = [new.get(e["id"], e) for e in self.store.detail(student, notebook.chapter)]
        asked = [question.id for question in self.questions.get(notebook.chapter, [])]
        self.store.put(
            student,
            notebook.chapter,
            status,
            self._note(student, reason) if status == grading.GRADED else reason,
            notebook.digest,
            self.digests[notebook.chapter],
            "NO SANDBOX" if self.setting.kind == "none" else self.setting.kind,
            detail,
            {id: notebook.written(id) for id in asked},
            notebook.handed_in,
        )

    def off_roster(self, student: str) -> bool:
        r"""Say whether there is a roster that does not name the student."""
        return bool(self.roster.students) and student not in self.roster.cells

    def _note(self, student: str, more: str = "") -> str:
        notes = [NOT_ON_ROSTER] if self.off_roster(student) else []
        notes += self.seen[student].notes + self.seen[student].problems
        return "; ".join([*notes, more] if more else notes)[:500]

    def _fill(self) -> None:
        # Add a row for each student and chapter without a notebook.
        found = {c for s in self.seen.values() for c in (*s.notebooks, *s.doubled)}
        chapters = sorted(self.options.assignment or found) or [NO_CHAPTER]
        for student, submission in self.seen.items():
            for chapter in chapters:
                if chapter in submission.doubled:
                    reason = submission.doubled[chapter]
                elif chapter in submission.notebooks:
                    continue
                else:
                    reason = self._note(student) if submission.problems else ""
                status = grading.UNREADABLE if reason else grading.ABSENT
                known = self.store.known(student, chapter)
                if status == grading.ABSENT and known and known[0] == grading.GRADED:
                    self.kept += 1
                    if not self.options.replace:
                        continue
                self.store.put(student, chapter, status, reason)

    def _rows(self) -> list[dict]:
        # Every row, with the marks that people gave and the total.
        marked = {
            question.id: {mark["student"]: mark for mark in self.store.marked(question.id)}
            for question in self.every
        }
        rows = self.store.rows()
        for row in rows:
            row["gone"] = self.off_roster(row["student"]) and row["student"] not in self.seen
            if row["gone"]:
                row["reason"] = "; ".join(filter(None, [GONE, row["reason"]]))
            told = [(e["id"], ", ".join(e.get("uses", ()))) for e in row["detail"] or []]
            row["package use"] = "; ".join(f"{id}: {names}" for id, names in told if names)
            row["marks"] = marks = []
            for question in self.questions.get(row["chapter"], []):
                mark = marked[question.id].get(row["student"])
                if mark is not None:
                    given = {"points": mark["points"], "comment": mark["comment"] or ""}
                    marks.append({"title": question.title, "possible": question.points, **given})
            by_hand = [mark["points"] for mark in marks if mark["points"] is not None]
            row["marked by hand"] = sum(by_hand)
            row["still to mark"] = len(marks) - len(by_hand)
            self._total(row, sum(by_hand))
        return rows

    def _total(self, row: dict, by_hand: float) -> None:
        # The total, after what the instructor adjusts and what lateness costs.
        student, chapter = row["student"], row["chapter"]
        row["days late"] = self.deadlines.days_late(student, chapter, row["handed in at"])
        when = row["handed in at"]
        row["handed in"] = when and datetime.fromtimestamp(when).strftime("%Y-%m-%d %H:%M")
        row["adjustments"] = adjustments = self.adjusted.get((student, chapter), [])
        exercises = {exercise["id"]: exercise["points"] for exercise in row["detail"] or []}
        for one in adjustments:
            if one["points"] is not None:
                exercises[one["exercise"]] = one["points"]
        row["exercises"] = exercises
        row["bonus"] = sum(one["bonus"] or 0 for one in adjustments)
        row["most"] = (row["possible"] or 0) + sum(mark["possible"] for mark in row["marks"])
        row["penalty"] = row["total"] = None
        if row["points"] is not None or adjustments:
            points = sum(exercises.values()) + by_hand + row["bonus"]
            row["penalty"] = self.deadlines.penalty(max(points, 0.0), row["days late"])
            row["total"] = points - row["penalty"]

    def _write(self, rows: list[dict]) -> None:
        out = self.options.out
        columns = (*COLUMNS, "marked by hand", "still to mark", "handed in", "days late")
        columns += ("bonus", "penalty", "total")
        if self.options.package_use:
            columns += ("package use",)
        write_csv(out / "grades.csv", columns, [[row[c] for c in columns] for row in rows])
        theirs: dict[str, list[dict]] = {}
        for row in rows:
            theirs.setdefault(row["student"], []).append(row)
        for chapter in sorted({row["chapter"] for row in rows}):
            self._write_chapter(chapter, [r for r in rows if r["chapter"] == chapter])
        for student, chapters in theirs.items():
            feedback.write_feedback(out / "feedback", student, chapters)
        pages = [[student, f"{feedback.file_name(student)}.html"] for student in theirs]
        write_csv(out / "feedback.csv", ["student", "page"], pages)
        entries = {s.student: s.entry for s in self.seen.values() if s.entry}
        exports.write_feedback_zips(out, entries)
        if self.options.report:
            write_report(out / "report.html", rows)
        manual.write_sheets(out / "manual", self.store, self.every, self.setting.secret)
        if self.options.nbgrader:
            write_gradebook(self.options.nbgrader, rows)

    def _write_chapter(self, chapter: str, rows: list[dict]) -> None:
        # What an instructor or a platform reads about one chapter: a line a student.
        rows = [row for row in rows if not row["gone"]]
        empty = [""] * len(self.roster.columns)
        about = {row["student"]: self.roster.cells.get(row["student"], empty) for row in rows}
        ids = dict.fromkeys(id for row in rows for id in row["exercises"])
        given = [*ids, "marked by hand", "bonus", "penalty"]
        head = ["student", *self.roster.columns, *given, f"Chapter {chapter}"]
        lines = []
        for row in rows:
            points = [row["exercises"].get(id) for id in ids]
            rest = [row[name] for name in given[len(ids) :]]
            lines.append([row["student"], *about[row["student"]], *points, *rest, row["total"]])
        write_csv(self.options.out / f"chapter_{chapter}.csv", head, lines)


def _refuse_readable(options: GradeOptions) -> None:
    # What lies below a folder that the sandbox needs would be open to every submission.
    asked = [options.submissions, options.out, options.roster, options.checks, *options.marks]
    asked += [options.due, options.adjust, *options.fill]
    with suppress(WorkspaceError):
        solutions = (course_folder() / "solutions").resolve()
        if not solutions.is_relative_to(sandbox.PACKAGE):  # there the sandbox hides it
            asked.append(solutions)
    for path in filter(None, asked):
        for folder in sandbox.readable_folders():
            if path.resolve().is_relative_to(folder.resolve()):
                raise GradingError(
                    f"{path} lies below {folder}, which every submission can read: move it, or "
                    "install lrcourse in an environment of its own, such as .venv."
                )


def _self_test(setting: grader.Setting) -> None:
    # A machine where right answers fail must not mark anyone.
    path = next(course_folder().glob("solutions/00_*.ipynb"))
    notebook = submissions.read_notebook(path)
    visible = replace(setting, checks=())  # what someone else added may be wrong
    status, reason, detail = grader.grade(visible, "self-test", notebook)
    lost = [c for e in detail or () for c in e["checks"] if not c["passed"]]
    if status != grading.GRADED or lost:
        said = reason or lost[0]["message"] or lost[0]["name"]
        raise GradingError(
            f"The worked solution of chapter 00 does not pass here, so nobody is graded: {said} "
            "(Kernels before 5.14 count all processes of a user together: end some, or update.)"
        )


def _secret(path: Path) -> bytes:
    # Made once; anyone who has it can predict the inputs, so only the owner may read it.
    if not path.exists():
        write_whole(path, secrets.token_hex(32), mode=0o600)
    secret = path.read_bytes().strip()
    if len(secret) != 64:
        raise GradingError(
            f"{path} is damaged: restore it, or delete it; then everything is graded again, and "
            "sheets that are already filled in lose their keys."
        )
    return secret
