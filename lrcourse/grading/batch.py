r"""``lrcourse grade``: a folder of submissions in, marks and feedback out."""

import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from lrcourse.exercises import chapters as all_chapters
from lrcourse.grading import GradingError, engine, feedback, intake, manual, sandbox
from lrcourse.grading.hidden import Question
from lrcourse.grading.store import COLUMNS, Store, write_csv

NO_CHAPTER = "any"  # a student's only file cannot be read: of which chapter it is, nobody knows


@dataclass
class Order:
    r"""What the command line asked for; see ``lrcourse grade --help``."""

    submissions: Path
    out: Path
    roster: Path | None = None
    chapters: tuple[str, ...] = ()
    checks: Path | None = None
    marks: tuple[Path, ...] = ()
    jobs: int = 1
    dask: str = ""
    kind: str = "bubblewrap"
    image: str = ""
    limits: sandbox.Limits = field(default_factory=sandbox.Limits)
    progress: bool = True


class Batch:
    r"""One run over a folder; ``run`` returns how many rows have each status."""

    def __init__(self, order: Order) -> None:
        known = all_chapters()
        for chapter in order.chapters:
            if chapter not in known:
                raise GradingError(
                    f"There is no assignment {chapter}; there are {', '.join(known)}."
                )
        self.order = order
        self.roster = intake.read_roster(order.roster) if order.roster else []
        folders = [engine.hidden_folder(), order.checks]
        if order.checks is not None and not order.checks.is_dir():
            raise GradingError(f"The folder of checks {order.checks} does not exist.")
        sandbox.ensure(order.kind, order.image)
        try:
            for folder in ("feedback", "manual"):
                (order.out / folder).mkdir(parents=True, exist_ok=True)
            secret = _secret(order.out / "secret.key")
        except OSError as error:
            raise GradingError(f"{order.out} cannot be written: {error.strerror}.") from None
        checks = tuple(str(folder.resolve()) for folder in folders if folder)
        self.setting = engine.Setting(secret, checks, order.kind, order.image, order.limits)
        self.store = Store(order.out / "grades.sqlite")
        self.digests = {c: engine.check_digest(self.setting, c) for c in known}
        self.questions: dict[str, list[Question]] = {}
        for chapter in order.chapters or known:  # so that a wrong file is told before the work
            engine.hidden_checks(self.setting, chapter)
            self.questions[chapter] = engine.questions(self.setting, chapter)
        self.seen: dict[str, intake.Submission] = {}

    def run(self) -> dict[str, int]:
        r"""Grade what is missing or changed, then write tables, sheets and feedback."""
        order, every = self.order, [q for asked in self.questions.values() for q in asked]
        for path in order.marks:
            manual.read_sheet(path, self.store, every, self.setting.secret)
        found = intake.submissions(order.submissions, self.roster)
        bar = tqdm(found, total=None, unit="student", disable=not order.progress, leave=False)
        if order.progress:
            bar.total = len(self.roster) or len(os.listdir(order.submissions))
        executor, ahead = self._executor()
        with executor:
            engine.run_all(self._work(bar), executor, ahead, self._done)
        self._fill()
        self._write()
        manual.write_sheets(order.out / "manual", self.store, every, self.setting.secret)
        rows = self.store.rows()
        self.store.close()
        return {s: sum(r["status"] == s for r in rows) for s in sorted({r["status"] for r in rows})}

    def _executor(self) -> tuple[Executor, int]:
        if not self.order.dask:
            return ThreadPoolExecutor(self.order.jobs), 2 * self.order.jobs
        from dask.distributed import Client

        address = self.order.dask
        options = {"n_workers": self.order.jobs, "threads_per_worker": 1, "dashboard_address": None}
        client = Client(**options) if address == "local" else Client(address)
        return client.get_executor(pure=False, retries=2), 4 * sum(client.nthreads().values())

    def _work(self, found: Iterable[intake.Submission]) -> Iterator[tuple]:
        for submission in found:
            self.seen[submission.student] = submission
            for chapter, notebook in sorted(submission.notebooks.items()):
                if self.order.chapters and chapter not in self.order.chapters:
                    continue
                if chapter in submission.doubled:
                    continue
                known = self.store.known(submission.student, chapter)
                if known == (engine.GRADED, notebook.digest, self.digests[chapter]):
                    continue
                self.store.put(submission.student, chapter, engine.WAITING)
                yield self.setting, submission.student, notebook

    def _done(self, piece: tuple, result: tuple) -> None:
        (_, student, notebook), (status, found) = piece, result
        chapter = notebook.chapter
        graded = status == engine.GRADED
        asked = {question.id for question in self.questions.get(chapter, [])}
        self.store.put(
            student,
            chapter,
            status,
            self._note(student) if graded else found,
            notebook.digest,
            self.digests[chapter],
            "NO SANDBOX" if self.setting.kind == "none" else self.setting.kind,
            found if graded else None,
            {id: text for id, text in notebook.texts.items() if id in asked},
        )

    def _note(self, student: str) -> str:
        notes = [engine.NOT_ON_ROSTER] if self.roster and student not in self.roster else []
        return "; ".join(notes + self.seen[student].problems)[:500]

    def _fill(self) -> None:
        # A row for each student and chapter that has none from a notebook.
        found = {c for s in self.seen.values() for c in (*s.notebooks, *s.doubled)}
        chapters = sorted(self.order.chapters or found) or [NO_CHAPTER]
        for student, submission in self.seen.items():
            for chapter in chapters:
                if chapter in submission.doubled:
                    reason = submission.doubled[chapter]
                elif chapter in submission.notebooks:
                    continue
                else:
                    reason = self._note(student) if submission.problems else ""
                status = engine.UNREADABLE if reason else engine.ABSENT
                self.store.put(student, chapter, status, reason)

    def _write(self) -> None:
        out, rows = self.order.out, self.store.rows()
        marks: dict[tuple[str, str], list[dict]] = {}
        for chapter, asked in self.questions.items():
            for question in asked:
                for row in self.store.marked(question.id):
                    mark = {"title": question.title, "possible": question.points}
                    mark |= {"points": row["points"], "comment": row["comment"] or ""}
                    marks.setdefault((row["student"], chapter), []).append(mark)
        table, lms, theirs = [], {}, {}
        for row in rows:
            row["marks"] = marks.get((row["student"], row["chapter"]), [])
            by_hand = [m["points"] for m in row["marks"] if m["points"] is not None]
            total = None if row["points"] is None else row["points"] + sum(by_hand)
            open_marks = len(row["marks"]) - len(by_hand)
            table.append([*(row[c] for c in COLUMNS), sum(by_hand), open_marks, total])
            lms.setdefault(row["chapter"], []).append([row["student"], total])
            theirs.setdefault(row["student"], []).append(row)
        header = [*COLUMNS, "marked by hand", "still to mark", "total"]
        write_csv(out / "grades.csv", header, table)
        for chapter, columns in lms.items():
            write_csv(out / f"lms_{chapter}.csv", ["student", f"Chapter {chapter}"], columns)
        for student, chapters in theirs.items():
            feedback.write_feedback(out / "feedback", student, chapters)


def _secret(path: Path) -> bytes:
    # Made once; whoever has it can predict the inputs, so it is for the owner's eyes.
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes().strip()
        if len(secret) < 32:
            raise GradingError(f"{path} is damaged; delete it to begin anew.") from None
        return secret
    with open(fd, "wb") as file:
        file.write(secrets.token_hex(32).encode())
    return path.read_bytes().strip()
