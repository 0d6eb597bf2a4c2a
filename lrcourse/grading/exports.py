r"""What goes back to a learning platform: its own table filled in, and feedback under its names."""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from lrcourse.files import write_whole
from lrcourse.grading import GradingError
from lrcourse.grading.class_files import Roster, read_csv
from lrcourse.grading.feedback import file_name
from lrcourse.grading.platforms import MARKS


def fill(path: Path, out: Path, rows: Sequence[dict], roster: Roster) -> str:
    r"""Write a copy of a platform's table with the totals in it; return a line about it.

    Args:
        path: a gradebook that Canvas exported, or a grading worksheet of Moodle.
        out: the folder for the copy.
        rows: of the batch.
        roster: tells whose row is whose; without one, names and numbers in the file names do.

    Raises:
        GradingError: it is neither, or its column for the grade cannot be told.
    """
    head, *lines = read_csv(path) or [[]]
    if {"Student", "ID", "Section"} <= {*head}:
        kind, titles = "Canvas", {number: title for number, title in enumerate(head)}
    elif {"Identifier", "Grade", "Maximum Grade"} <= {*head}:
        kind, titles = "Moodle", {head.index("Grade"): "Grade"}
    else:
        raise GradingError(
            f"{path} is neither a gradebook of Canvas (Student, ID, Section) nor a grading "
            "worksheet of Moodle (Identifier, Grade, Maximum Grade)."
        )
    chapters = sorted({row["chapter"] for row in rows if row["total"] is not None})
    if kind == "Moodle" and len(chapters) != 1:
        raise GradingError(f"{path} is about one assignment: name it with --assignment.")
    totals = {(row["student"], row["chapter"]): row for row in rows if not row["gone"]}
    known = dict.fromkeys(row["student"] for row in rows)
    filled: set[tuple[str, str]] = set()
    lines = [[*line, *[""] * (len(head) - len(line))] for line in lines]
    for chapter in chapters:
        wanted = re.compile(rf"(?<!\d){chapter}(?!\d)")
        places = [n for n, title in titles.items() if kind == "Moodle" or wanted.search(title)]
        if len(places) > 1:
            names = ", ".join(head[n] for n in places)
            raise GradingError(f"{path} has several columns for chapter {chapter}: {names}.")
        if not places:
            places = [len(head)]
            head.append(f"Chapter {chapter}")
            for line in lines:
                line.append("")
        for line in lines:
            student = _student(line, roster, known)
            row = totals.get((student, chapter))
            if row is None or row["total"] is None:
                continue
            if kind == "Moodle":
                most = line[head.index("Maximum Grade")].replace(",", ".")
                if most and float(most) != row["most"]:
                    raise GradingError(
                        f"{path}: the maximum grade is {most}, chapter {chapter} has "
                        f"{row['most']:g} points: set it so in the assignment, and export again."
                    )
            line[places[0]] = f"{row['total']:g}"
            filled.add((student, chapter))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([head, *lines])
    (out / "filled").mkdir(exist_ok=True)
    write_whole(out / "filled" / path.name, text.getvalue())
    lost = sum(row["total"] is not None for row in totals.values()) - len(filled)
    end = f"; {lost} of ours are not in it" if lost else ""
    return f"{out / 'filled' / path.name}: {len(filled)} grades for {kind}{end}."


def _student(line: Sequence[str], roster: Roster, known: dict[str, None]) -> str:
    # Platforms identify a person by name, login, e-mail address or number; any of them will do.
    values = [value for cell in line for value in (cell, cell.removeprefix("Participant "))]
    for value in values:
        if value in roster.names:
            return roster.names[value]
    found = [s for s in known if s in values or s.rpartition("_")[2] in values[:6]]
    return found[0] if len(found) == 1 else ""


def feedback_names(entries: dict[str, str]) -> dict[str, tuple[str, str]]:
    r"""Return for each student (platform, path) under which it takes a page back.

    Args:
        entries: for each student the name of what was exported, a folder's ending in "/".
    """
    found = {}
    for student, entry in entries.items():
        bare = entry.removesuffix("/")
        for platform, mark in MARKS.items():
            if begun := mark.match(bare):
                inside = entry.endswith("/")
                path = f"{bare}/feedback.html" if inside else f"{begun[0]}feedback.html"
                found[student] = platform, path
    return found


def write_feedback_zips(out: Path, entries: dict[str, str]) -> None:
    r"""Write feedback_moodle.zip and feedback_canvas.zip, as these take them, and feedback.csv."""
    parts: dict[str, list[tuple[str, Path]]] = {}
    for student, (platform, path) in feedback_names(entries).items():
        page = out / "feedback" / f"{file_name(student)}.html"
        if page.is_file():
            parts.setdefault(platform, []).append((path, page))
    for platform, pages in parts.items():
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
            for path, page in pages:
                file.write(page, path)
        write_whole(out / f"feedback_{platform}.zip", data.getvalue(), mode=0o600)
