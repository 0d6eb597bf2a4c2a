r"""The bundle that an instructor hands out: some chapters, what to install, and instructions."""

import hashlib
from pathlib import Path

from lrcourse.course.wheel import wheel
from lrcourse.course.workspace import WorkspaceError, course_folder
from lrcourse.files import write_whole
from lrcourse.grading import GradingError
from lrcourse.messages import nearest


def bundle(folder: Path, chapters: tuple[str, ...], due: str, package: str = "") -> list[Path]:
    r"""Write the bundle; return its files.

    Args:
        folder: a new or empty folder, or one that holds only files of this same bundle.
        chapters: their numbers, such as "02".
        due: the deadline, in words; "" for none.
        package: what students give to pip; "" for the wheel of this version, in the bundle.

    Raises:
        GradingError: a chapter does not exist, the wheel cannot be made, or the folder is not empty
            or not writable.
    """
    try:
        course = course_folder()
    except WorkspaceError as error:
        raise GradingError(str(error)) from None
    known = {path.name[:2]: path for path in sorted(course.glob("chapters/[0-9][0-9]_*.ipynb"))}
    for chapter in chapters:
        if chapter not in known:
            near = nearest(chapter.zfill(2), known, cutoff=0)
            raise GradingError(f"There is no chapter {chapter!r}; did you mean {near}?")
    notebooks = [known[chapter] for chapter in dict.fromkeys(chapters)]
    constraints = course / "binder" / "constraints.txt"
    files = {folder / "chapters" / path.name: path.read_bytes() for path in notebooks}
    hashed = ""
    if not package:
        try:
            package, data = wheel()
        except WorkspaceError as error:
            raise GradingError(str(error)) from None
        files[folder / package] = data
        hashed = f"\n   The SHA-256 of `{package}` is `{hashlib.sha256(data).hexdigest()}`."
    text = (
        Path(__file__)
        .with_name("handout.md")
        .read_text(encoding="utf-8")
        .format(
            titles=", ".join(p.stem[:2] + " " + p.stem[3:].replace("_", " ") for p in notebooks),
            due=f"\n**Due: {due}**\n" if due else "",
            requirement=f"-c constraints.txt {package}" if constraints.is_file() else package,
            hashed=hashed,
            files=", ".join(f"`{path.name}`" for path in notebooks),
        )
    )
    if constraints.is_file():
        files[folder / "constraints.txt"] = constraints.read_bytes()
    files[folder / "README.md"] = text.encode(errors="replace")
    try:
        for path in (*folder.glob("[!.]*"), *folder.glob("chapters/[!.]*")):
            ours = path == folder / "chapters" or path in files
            if not ours or (path.is_file() and path.read_bytes() != files[path]):
                raise GradingError(f"{folder} is not empty, {path} is there: name another folder.")
        (folder / "chapters").mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            write_whole(path, content)
    except OSError as error:
        raise GradingError(
            f"{error.filename or folder} cannot be written: {error.strerror}. Name another folder."
        ) from None
    return list(files)
