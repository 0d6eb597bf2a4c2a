r"""The bundle that an instructor hands out: some chapters, what to install, and instructions."""

import shutil
from difflib import get_close_matches
from pathlib import Path

from lrcourse import __version__
from lrcourse.course.workspace import WorkspaceError, course_folder
from lrcourse.grading import GradingError


def bundle(folder: Path, chapters: tuple[str, ...], due: str) -> list[Path]:
    r"""Write the bundle; return its files.

    Args:
        folder: a new or empty folder.
        chapters: their numbers, such as "02".
        due: when it has to be handed in, in words; "" for never.

    Raises:
        GradingError: a chapter does not exist, or the folder is not empty or not writable.
    """
    try:
        course = course_folder()
    except WorkspaceError as error:
        raise GradingError(str(error)) from None
    known = {path.name[:2]: path for path in sorted(course.glob("chapters/[0-9][0-9]_*.ipynb"))}
    for chapter in chapters:
        if chapter not in known:
            near = get_close_matches(chapter.zfill(2), known, n=1, cutoff=0)[0]
            raise GradingError(f"There is no chapter {chapter!r}; did you mean {near}?")
    notebooks = [known[chapter] for chapter in dict.fromkeys(chapters)]
    constraints = course / "binder" / "constraints.txt"
    requirement = f"lrcourse=={__version__}"
    text = (
        Path(__file__)
        .with_name("handout.md")
        .read_text(encoding="utf-8")
        .format(
            titles=", ".join(p.stem[:2] + " " + p.stem[3:].replace("_", " ") for p in notebooks),
            due=f"\n**Due: {due}**\n" if due else "",
            requirement=f"-c constraints.txt {requirement}"
            if constraints.is_file()
            else requirement,
            files=", ".join(f"`{path.name}`" for path in notebooks),
        )
    )
    try:
        (folder / "chapters").mkdir(parents=True, exist_ok=True)
        if any((folder / "chapters").iterdir()) or (folder / "README.md").exists():
            raise GradingError(f"{folder} is not empty: name another folder.")
        written = [folder / "chapters" / path.name for path in notebooks]
        for source, target in zip(notebooks, written, strict=True):
            shutil.copyfile(source, target)
        if constraints.is_file():
            written.append(Path(shutil.copyfile(constraints, folder / "constraints.txt")))
        (folder / "README.md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise GradingError(f"{folder} cannot be written: {error.strerror}.") from None
    return [*written, folder / "README.md"]
