r"""Whose a file or folder is, from the names that learning platforms give to what they export."""

import os
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

ENDING = re.compile(r"\.ipynb(?:\.(?:json|txt))?$", re.IGNORECASE)
GRADESCOPE = "submission_metadata.yml"  # says whose each submission is; see gradescope
NOTHING_OF_A_STUDENT = {"__MACOSX", "index.html", GRADESCOPE}
INVISIBLE = "\u200c\u200d"  # they join letters in Persian and in Indic names
# Each shape begins with names of its student, the plainest first; `attempt` orders several of one.
SHAPES = (
    # Moodle, in folders or not: Ann Lee_1234_assignsubmission_file, then perhaps _ and the file
    re.compile(r"(?P<both>(?P<name>.+)_\d+)_assignsubmission_\w+?(?:_.*)?", re.DOTALL),
    # Canvas: leeann_1234_5678_file.ipynb or leeann_LATE_1234_5678_file.ipynb
    re.compile(r"(?P<name>[^\W_]+)(?:_LATE)?_(?P<id>\d+)_\d+_.+", re.DOTALL),
    # Blackboard: HW 2_jdoe_attempt_2026-03-12-10-15-30_file.ipynb
    re.compile(r".+_(?P<name>[^_]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:[_.].*)?", re.DOTALL),
    # Brightspace: 1234-5678 - Ann Lee - Mar 12, 2026 1015 AM, then perhaps the file
    re.compile(
        r"(?P<id>\d+)-\d+ - (?P<name>.+?) - (?P<when>\w{3} \d\d?, \d{4} \d{3,4} [AP]M)\b.*",
        re.DOTALL,
    ),
)
TIMES = {"attempt": "%Y-%m-%d-%H-%M-%S", "when": "%b %d, %Y %I%M %p"}  # in the names above
# What a platform looks for in the name of a file that it takes back: Moodle whose it is and for
# which plugin, Canvas the numbers of the user and of the file that was handed in.
MARKS = {
    "moodle": re.compile(r".+_\d+_assignsubmission_[a-z]+_?"),
    "canvas": re.compile(r"[^\W_]+(?:_LATE)?_\d+_\d+_"),
}
FLAT = re.compile(r"(?P<name>.+?)[_-]\d\d(?:[_ .(-].*)?", re.DOTALL)


class Owner(NamedTuple):
    r"""Whose an entry of the folder is.

    Attributes:
        student: as on the roster, if it is there.
        attempt: a later one of the same shape is the greater text; "" where the name tells nothing.
        when: the time of handing in, if the platform tells it, in seconds since 1970.
        note: what else the platform tells.
    """

    student: str
    attempt: str = ""
    when: float | None = None
    note: str = ""


def text(name: str) -> str:
    r"""Return a file's name as text: in UTF-8, else Latin-1, its accents composed."""
    data = os.fsencode(name)
    try:
        name = data.decode()
    except UnicodeDecodeError:
        name = data.decode("latin-1")
    return composed(name)


def composed(name: str) -> str:
    r"""Return a name with its accents composed, as rosters are read, too."""
    return unicodedata.normalize("NFC", name)


def is_name(student: str) -> bool:
    r"""Say whether this can be the name of a student, and the beginning of a cell of a table."""
    plain = student.translate(dict.fromkeys(map(ord, INVISIBLE)))
    usual = 0 < len(student) <= 100 and plain.isprintable() and student == student.strip()
    return usual and "/" not in student and student[0] not in "=+-@|%.＝＋－＠"


def owner(entry: str, folder: bool, roster: Mapping[str, str]) -> Owner | None:
    r"""Return whose a file or folder is, or None for what no student handed in.

    Args:
        entry: its name, as text.
        folder: whether it is a folder.
        roster: the student of each identifier; empty without a roster.
    """
    if entry.startswith(".") or entry in NOTHING_OF_A_STUDENT:
        return None
    bare = entry if folder else ENDING.sub("", entry)
    for name in (entry, bare):
        if name in roster:
            return Owner(roster[name])
    for shape in SHAPES:
        if found := shape.fullmatch(entry):
            parts = found.groupdict()
            names = [parts["name"], parts.get("id"), parts.get("both")]
            listed = [roster[name] for name in names if name in roster]
            long = parts.get("both") or "_".join(filter(None, (parts["name"], parts.get("id"))))
            when = _time(parts)
            attempt = parts.get("attempt") or ("" if when is None else f"{when:015.0f}")
            return Owner(listed[0] if listed else long, attempt, when)
    if folder:
        return Owner(entry)
    found = FLAT.fullmatch(bare)
    if found and (ENDING.search(entry) or found["name"] in roster):
        return Owner(roster.get(found["name"], found["name"]))
    begun = [name for name in roster if bare.startswith(name + "_")]
    if begun:
        return Owner(roster[max(begun, key=len)])
    return Owner(bare) if ENDING.search(entry) else None


def _time(parts: Mapping[str, str]) -> float | None:
    for name, shape in TIMES.items():
        try:
            told = re.sub(r" (\d{3}) ", r" 0\1 ", parts[name])  # a quarter past one is 115
            return datetime.strptime(told, shape).timestamp()
        except (KeyError, ValueError):
            continue
    return None
