r"""Read a folder of submissions: whose they are, which chapter, which cell answers what.

Files come from strangers. Only regular files are opened, links are not followed, sizes are
limited, and a broken file is a reason on one student's row.
"""

import errno
import hashlib
import io
import json
import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lrcourse.exercises import Exercise, chapters
from lrcourse.grading import GradingError, archive, gradescope, platforms
from lrcourse.grading.class_files import Roster

LARGEST_FILE = 20 * 2**20
MOST_FILES = 2000  # in a student's folder
EXERCISE = re.compile(r"(\d\d)\.\d+")
MENTION = re.compile(r"""(?:^#+\s*Exercise\s+|\bcheck\(\s*["'])(\d\d\.\d+)""", re.MULTILINE)
QUESTION = re.compile(r"^#+\s*Question\s+(\S+)", re.MULTILINE)
COURSE = re.compile(r"\s*#|\s*check\(")  # a heading or a check: the question's own cell is gone
UNTOUCHED = "*Your answer stands here.*"
MAYBE = (".json", ".txt")  # endings that browsers and mail programs add to a notebook's


@dataclass
class Notebook:
    r"""A readable notebook.

    Attributes:
        path: its path within the submission.
        digest: SHA-256 of the file.
        chapter: the chapter of most of its exercises.
        cells: source of each code cell.
        ids: for each code cell the exercise that its metadata names, or "".
        handed_in: when the file was last changed or, if the platform tells it, handed in.
        texts: by the id in a cell's metadata (``question`` or ``exercise``), what is written there.
    """

    path: str
    digest: str
    chapter: str
    cells: list[str]
    ids: list[str]
    texts: dict[str, str] = field(default_factory=dict)
    handed_in: float | None = None

    def written(self, question: str) -> str | None:
        r"""Return what is written for a question that people grade, None if nothing is."""
        text = self.texts.get(question)
        if text is None:
            return "(The cell of this question is not in the notebook.)"
        return None if text.strip() in ("", UNTOUCHED) else text

    def answer(self, exercise: Exercise) -> int | None:
        r"""Return the number of the answer to an exercise: the last filled-in cell with its id.

        If no cell carries the id, the last cell that defines one of its names.
        """
        names = "|".join(map(re.escape, exercise.answers))
        defines = re.compile(
            rf"^(?:(?:async\s+)?def|class)\s+(?:{names})\b|^(?:{names})\b.*=", re.M
        )
        carrying = [n for n, id in enumerate(self.ids) if id == exercise.id]
        found = [n for n in carrying or range(len(self.cells)) if defines.search(self.cells[n])]
        stub = f'NotImplementedError("Exercise {exercise.id}'
        filled = [n for n in found if stub not in self.cells[n]]
        return next((numbers[-1] for numbers in (filled, found, carrying) if numbers), None)


@dataclass
class Submission:
    r"""What one student handed in: notebooks by chapter, and a sentence for each bad file.

    Attributes:
        student: the name.
        notebooks: by chapter.
        notes: what an instructor should know.
        entry: the name in the folder of submissions, a folder's ending in "/".
        problems: why a file cannot be read.
        doubled: by chapter, which two notebooks claim it.
    """

    student: str
    notebooks: dict[str, Notebook] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    entry: str = ""
    problems: list[str] = field(default_factory=list)
    doubled: dict[str, str] = field(default_factory=dict)


def submissions(folder: Path, roster: Roster) -> Iterator[Submission]:
    r"""Yield each student's submission, those of the roster first; each name once.

    Args:
        folder: holds a folder for each student, or files ``student_NN.ipynb``.
        roster: the students; without any, everyone who handed in.
    """
    folder = gradescope.root(folder)
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        raise GradingError(f"The folder {folder} cannot be read: {error.strerror}.") from None
    owners: dict[str, dict[str, list[str]]] = {student: {} for student in roster.students}
    told = gradescope.owners(folder, roster.names)
    firsts: dict[str, platforms.Owner] = {}
    for entry in entries:
        mode, name = os.lstat(folder / entry).st_mode, platforms.text(entry)
        link = stat.S_ISLNK(mode) and not platforms.ENDING.search(name)
        owner = platforms.owner(name, link or stat.S_ISDIR(mode), roster.names)
        for one in told.get(name) or ([owner] if owner else []):
            attempts = owners.setdefault(one.student, {})
            attempts.setdefault(one.attempt, []).append(entry)
            firsts.setdefault(entry, one)
    for student, attempts in owners.items():
        submission = Submission(student)
        if not platforms.is_name(student):
            submission.problems.append("the name is not one a student can have")
        else:
            counts = attempts[max(attempts)] if attempts else []
            if len(attempts) > 1:
                submission.notes.append(f"the last of {len(attempts)} attempts counts")
            _collect(submission, folder, counts)
            for entry in counts[:1]:
                submission.entry = platforms.text(entry) + "/" * (folder / entry).is_dir()
                if firsts[entry].note:
                    submission.notes.append(firsts[entry].note)
                if firsts[entry].when is not None:
                    for notebook in submission.notebooks.values():
                        notebook.handed_in = firsts[entry].when
        yield submission


def _collect(submission: Submission, folder: Path, entries: list[str]) -> None:
    other: list[str] = []
    for path in _files(submission, folder, entries):
        name = _shown(path)
        try:
            found = _read_any(folder / path)
        except MemoryError:  # 20 MB of JSON can be a gigabyte of dicts
            submission.problems.append(f"{name} needs too much memory to be read")
            continue
        except ValueError as error:
            if path.lower().endswith((".ipynb", ".zip")):
                submission.problems.append(f"{name} {error}")
            else:
                other.append(name)
            continue
        for notebook in found:
            _add(submission, notebook, path, name)
    if other and not submission.notebooks and not submission.problems:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        submission.problems.append(f"holds {', '.join(other[:3])}{more}, no notebook")


def _add(submission: Submission, notebook: Notebook, path: str, name: str) -> None:
    first = submission.notebooks.setdefault(notebook.chapter, notebook)
    if first is not notebook and first.digest != notebook.digest:
        both = f"two notebooks of chapter {first.chapter}: {_shown(first.path)} and {name}"
        submission.doubled[first.chapter] = both
    notebook.path = path if first is notebook else first.path


def _files(submission: Submission, folder: Path, entries: list[str]) -> Iterator[str]:
    # Every path but links, notebooks first in a folder's own order, among the first MOST_FILES.
    left, paths = MOST_FILES, sorted(entries, reverse=True)
    while paths:
        path = paths.pop()
        left -= 1
        if left < 0:
            submission.problems.append(f"more than {MOST_FILES} files")
            return
        try:
            mode = os.lstat(folder / path).st_mode
            is_notebook = path.lower().endswith(".ipynb")
            if stat.S_ISDIR(mode) and not is_notebook:
                inside = sorted(os.listdir(folder / path), reverse=True)
                skipped = (".", "__MACOSX")
                paths += [os.path.join(path, n) for n in inside if not n.startswith(skipped)]
            elif is_notebook or stat.S_ISREG(mode):
                yield path
            elif stat.S_ISLNK(mode) and path in entries:
                submission.problems.append(f"{_shown(path)} is a link")
        except OSError as error:
            submission.problems.append(f"{_shown(path)} cannot be opened: {error.strerror}")


def _shown(path: str) -> str:
    path = platforms.text(path)
    return ascii(path)[1:-1][-120:] if not path.isprintable() else path[-120:]


def _read_any(path: Path) -> list[Notebook]:
    # The notebook in a file, or those in a zip.
    if path.suffix.lower() != ".zip":
        return [read_notebook(path)]
    found = []
    try:
        with zipfile.ZipFile(io.BytesIO(_read(path))) as file:
            for name, data, when in archive.members(file, MOST_FILES, LARGEST_FILE):
                hidden = any(part.startswith((".", "__MACOSX")) for part in Path(name).parts)
                if name.lower().endswith(".ipynb") and not hidden:
                    found.append(parse_notebook(data, name))
                    found[-1].handed_in = when
    except archive.BROKEN:
        raise ValueError("is not a zip that can be read") from None
    if not found:
        raise ValueError("holds no notebook")
    return found


def read_notebook(path: Path) -> Notebook:
    r"""Read a notebook; ValueError says what is wrong, worded to follow its name."""
    if path.suffix.lower() not in (".ipynb", *MAYBE):
        raise ValueError("is not a notebook")
    notebook = parse_notebook(_read(path), str(path))
    notebook.handed_in = os.stat(path).st_mtime
    return notebook


def parse_notebook(data: bytes, path: str) -> Notebook:
    r"""Return the notebook in the bytes of a file; ValueError as for ``read_notebook``."""
    if not data.strip():
        raise ValueError("is empty")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not a notebook ({type(error).__name__} in its JSON)") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise ValueError("is not a notebook (it has no list of cells)")
    notebook = Notebook(path, hashlib.sha256(data).hexdigest(), "", [], [])
    mentioned, asked, below = set(), "", {}
    for cell in content["cells"]:
        read = _cell(cell)
        if read is None:
            continue  # a mangled cell affects no other
        kind, source, exercise, question = read
        mentioned.update(MENTION.findall(source), [exercise] if exercise else [])
        for id in {exercise, question} - {""}:
            notebook.texts[id] = source
        if asked and not (exercise or question or COURSE.match(source)):
            below[asked] = source
        asked = next(iter(QUESTION.findall(source)), "")
        if kind == "code":
            notebook.cells.append(source)
            notebook.ids.append(exercise)
    notebook.texts = below | notebook.texts  # a cell that lost its metadata is found by its place
    count = Counter(id[:2] for id in mentioned if id[:2] in chapters())
    if not count:
        raise ValueError("has no exercise of this course")
    notebook.chapter = min(count, key=lambda chapter: (-count[chapter], chapter))
    return notebook


def _cell(cell: object) -> tuple[str, str, str, str] | None:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown"):
        return None
    source, metadata = cell.get("source"), cell.get("metadata")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or not isinstance(metadata, dict | None):
        return None
    source = source.encode(errors="replace").decode()  # JSON may hold half a character
    exercise, question = ((metadata or {}).get(key, "") for key in ("exercise", "question"))
    if not isinstance(exercise, str) or not EXERCISE.fullmatch(exercise):
        exercise = ""
    return cell["cell_type"], source, exercise, question if isinstance(question, str) else ""


def _read(path: Path) -> bytes:
    # O_NONBLOCK: opening a FIFO must not wait; O_NOFOLLOW: a link is not opened.
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        link = error.errno in (errno.ELOOP, errno.EMLINK)
        raise ValueError("is a link" if link else f"cannot be opened: {error.strerror}") from None
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"))
        kind = next((word for is_kind, word in kinds if is_kind(mode)), "a device")
        raise ValueError(f"is {kind}, not a file")
    try:
        with open(fd, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise ValueError(f"is larger than {LARGEST_FILE // 2**20} MB")
    return data
