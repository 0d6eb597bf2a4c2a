r"""The results as a gradebook of nbgrader, for its formgrader and its exporters."""

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path


def write_gradebook(path: Path, rows: Sequence[dict]) -> None:
    r"""Write or replace what an nbgrader database says about these students and chapters.

    Args:
        path: the SQLite file, nbgrader's ``gradebook.db``; made if it is not there.
        rows: of the batch: student, chapter, points, detail and marks.
    """
    from nbgrader.api import Gradebook

    here = str(Path(sys.executable).parent)  # nbgrader starts the program alembic
    os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", os.defpath)])
    url = f"sqlite:///{path.resolve()}"
    with warnings.catch_warnings(action="ignore"), Gradebook(url) as book:  # nbgrader's own
        graded = {row["chapter"]: set() for row in rows if row["points"] is not None}
        for chapter, students in graded.items():
            book.update_or_create_assignment(chapter)
            book.update_or_create_notebook(chapter, chapter)
            students |= {s.student.id for s in book.assignment_submissions(chapter)}
        for row in rows:
            student, chapter = row["student"], row["chapter"]
            book.update_or_create_student(student)
            if row["points"] is None:
                continue
            scores = {e["id"]: (e["possible"], e["points"], None) for e in row["detail"]}
            for mark in row["marks"]:
                scores[f"{mark['title']} (by hand)"] = mark["possible"], None, mark["points"]
            for name, (possible, *_) in scores.items():
                cell = {"max_score": possible, "cell_type": "code"}
                book.update_or_create_grade_cell(name, chapter, chapter, **cell)
            if student in graded[chapter]:
                book.remove_submission(chapter, student)
            for grade in book.add_submission(chapter, student).notebooks[0].grades:
                _, grade.auto_score, grade.manual_score = scores.get(grade.name, (0, 0, 0))
                grade.needs_manual_grade = grade.auto_score is None and grade.manual_score is None
        book.db.commit()
