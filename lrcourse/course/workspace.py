r"""Copy the chapters to a learner's folder, never replacing what the learner wrote, and open them.

A file counts as untouched while its hash equals the one in ``.lrcourse.json``, noted at delivery.
New files appear by a hard link, which fails if the name is taken, and old ones leave by a rename:
so a second run at the same time, a save in between or Ctrl-C loses nothing.
"""

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import socket
import tempfile
from pathlib import Path

from lrcourse.course.release import BEGIN, END
from lrcourse.course.saved_labs import keep_labs
from lrcourse.files import write_beside, write_whole

MANIFEST = ".lrcourse.json"
OURS = re.compile(r"(chapters|solutions)/[^/]+\.ipynb")
TO_SOLUTION = re.compile(rb"\.\./solutions/(\d\d)_\w+\.ipynb")
TO_CHAPTER = re.compile(rb"\]\((\d\d_\w+\.ipynb)")
READ_ONLY = "To read and to run. What you change goes into the chapter."
START = "chapters/00_start_here.ipynb"
# Sliders move again when a saved chapter is opened without its kernel.
SETTINGS = {
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    # With the default, and with "none", a link to a cell of a notebook not open yet ends elsewhere.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"},
}
ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"  # its pop-up covers the notebook


class WorkspaceError(RuntimeError):
    r"""The working folder or the server is unavailable; one sentence says why and what to do."""


def course_folder() -> Path:
    r"""Return the folder that holds ``chapters`` and ``solutions``: the wheel's or the clone's."""
    here = Path(__file__).resolve().parent
    for folder in (here, here.parents[1]):
        if (folder / START).is_file():
            return folder
    raise WorkspaceError(f"This installation lacks {START}: install lrcourse again.")


def deliver(folder: Path, course: Path, version: str) -> list[str]:
    r"""Copy the notebooks of ``course`` to ``folder``; return a line for each that changed there.

    A learner's file stays, and the new one lands beside it as ``02_backprop.new-0.2.0.ipynb``
    (``version``). What the course no longer has is removed, unless the learner changed it. Raises
    WorkspaceError where the folder cannot be written.
    """
    manifest, lines, same = folder / MANIFEST, [], 0
    try:
        if folder.exists() and not folder.is_dir():
            raise WorkspaceError(f"{folder} is a file: name a folder.")
        for part in ("chapters", "solutions"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        try:
            delivered = dict(json.loads(manifest.read_bytes())["files"])
        except FileNotFoundError:
            delivered = {}
        except (ValueError, KeyError, TypeError, RecursionError):
            delivered = {}
            lines.append(f"{manifest} cannot be read, so every notebook there counts as yours.")
        try:
            files = learners_files(course)
            for name, content in files.items():
                line = _bring(content, folder / name, delivered.get(name), version)
                delivered[name] = _hash(content)
                lines += [line] if line else []
                same += not line
            for name in sorted(delivered.keys() - files):
                noted = delivered.pop(name)
                if OURS.fullmatch(name) and _remove(folder / name, noted):
                    lines.append(f"removed  {name} (you had not changed it)")
        finally:
            write_whole(manifest, json.dumps({"files": delivered}, indent=1))
    except OSError as error:
        where = error.filename or folder
        raise WorkspaceError(
            f"Cannot write {where}: {error.strerror}. Name another folder."
        ) from None
    return lines + ([f"as they were: {same} notebooks"] if same else [])


def learners_files(course: Path) -> dict[str, bytes]:
    r"""Return each notebook of ``course`` as learners get it, by its name in their folder.

    A tab of JupyterLab shows the file's name: that of a solution is ``Solution 02.ipynb``, or there
    would be two tabs called ``02_backprop.ipynb``.
    """
    files = {}
    for path in sorted(course.glob("chapters/*.ipynb")):
        files[f"chapters/{path.name}"] = TO_SOLUTION.sub(
            rb"../solutions/Solution%20\1.ipynb", learners_copy(path)
        )
    for path in sorted(course.glob("solutions/*.ipynb")):
        files[f"solutions/Solution {path.name[:2]}.ipynb"] = TO_CHAPTER.sub(
            rb"](../chapters/\1", learners_copy(path)
        )
    return files


def learners_copy(path: Path) -> bytes:
    r"""Return a notebook as learners get it.

    A solution says what it is, and its cells can be run, not written to. The marks of its source
    are not in it, nor the pairing by which jupytext would write that source beside it.
    """
    content = path.read_bytes()
    if path.parent.name != "solutions":
        return content
    notebook = json.loads(content)
    notebook["metadata"].pop("jupytext", None)
    notebook["metadata"]["language_info"] = _language()
    first = notebook["cells"][0]["source"]
    first[0] = first[0].replace("# ", f"# Solution {path.name[:2]}: ", 1)
    first.insert(1, f"\n*{READ_ONLY}*\n")
    for cell in notebook["cells"]:
        cell["metadata"]["editable"] = False
        cell["source"] = without_marks("".join(cell["source"])).splitlines(keepends=True)
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n".encode()


def _language():
    # JupyterLab writes what its kernel says here, and would then ask whether to save the file.
    return {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": platform.python_version(),
    }


def without_marks(source: str) -> str:
    r"""Return a cell without the lines that mark where the chapter has its stub."""
    return "\n".join(line for line in source.split("\n") if line.strip() not in (BEGIN, END))


def _bring(content, target, delivered, version):
    name, new = f"{target.parent.name}/{target.name}", _hash(content)
    for _ in range(100):
        try:
            if _place(content, target):
                return f"new      {name}"
            found = _hash(target.read_bytes())
            if found == new:
                return ""
            if found != delivered:
                break
            if _exchange(content, target, delivered):
                return f"updated  {name} (you had not changed it)"
        except FileNotFoundError:  # another run is exchanging this file right now
            continue
    if delivered == new:  # only the learner has changed it since
        return ""
    number = 1
    while True:
        suffix = version if number == 1 else f"{version}-{number}"
        beside = target.with_name(f"{target.stem}.new-{suffix}{target.suffix}")
        if _place(content, beside) or beside.read_bytes() == content:
            return f"kept     {name} is yours; the new one is beside it: {beside.name}"
        number += 1


def _exchange(content, target, delivered):
    aside = target.with_name(f"{target.stem}.old-{secrets.token_hex(4)}{target.suffix}")
    os.rename(target, aside)  # whatever is there now, even if saved a moment ago
    found = ""
    try:
        found = _hash(aside.read_bytes())
        return found == delivered and _place(content, target)
    finally:
        if not _take_name(aside, target) and found in (delivered, _hash(content)):
            aside.unlink()


def _remove(target, delivered):
    if not target.is_file():
        return False
    aside = target.with_name(f"{target.stem}.old-{secrets.token_hex(4)}{target.suffix}")
    try:
        os.rename(target, aside)
    except FileNotFoundError:
        return False
    found = ""
    try:
        found = _hash(aside.read_bytes())
    finally:
        if found == delivered:
            aside.unlink()
        else:
            _take_name(aside, target)
    return found == delivered


def _place(content, target):
    part = write_beside(target, content)
    try:
        return _take_name(part, target)
    finally:
        part.unlink(missing_ok=True)


def _take_name(source, target):
    try:
        os.link(source, target)
        source.unlink()
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: reserve the name with an empty file
        try:
            target.open("xb").close()
        except FileExistsError:
            return False
        os.replace(source, target)
    return True


def _hash(content):
    return hashlib.sha256(content).hexdigest()


def serve(folder: Path, port: int | None, browser: bool) -> None:
    r"""Run JupyterLab in ``folder`` at the first chapter until Ctrl-C.

    Raises WorkspaceError if JupyterLab is missing or ``port`` is not free (None: any free one).
    """
    try:
        from jupyterlab.labapp import LabApp
    except ModuleNotFoundError:
        raise WorkspaceError(
            "JupyterLab is missing: run  python -m pip install 'jupyterlab>=4.2,<5'"
        ) from None
    if port:
        check_port(port)
    with tempfile.TemporaryDirectory(prefix="lrcourse-") as settings:
        _write_settings(Path(settings), Path(LabApp().app_dir) / "settings")
        _serve(LabApp, folder, port, browser, settings)


def _write_settings(folder: Path, usual: Path) -> None:
    # JupyterLab reads defaults from one folder: the usual ones, and ours beside them.
    if usual.is_dir():
        shutil.copytree(usual, folder, dirs_exist_ok=True)
    (folder / "overrides.d").mkdir(exist_ok=True)
    ours = folder / "overrides.d" / "lrcourse.json"
    ours.write_text(json.dumps(SETTINGS), encoding="utf-8")


def _serve(app: type, folder: Path, port: int | None, browser: bool, settings: str) -> None:
    server = app.initialize_server(
        [
            f"--LabApp.app_settings_dir={settings}",
            f"--ServerApp.root_dir={folder.resolve()}",
            f"--ServerApp.open_browser={browser}",
            *([f"--ServerApp.port={port}", "--ServerApp.port_retries=0"] if port else []),
            "--ServerApp.answer_yes=True",  # Ctrl-C once is enough
            "--ServerApp.allow_root=True",  # in a container there is no other user
            "--Application.log_level=WARN",
            f"--LabApp.default_url=/lab/tree/{START}",
        ]
    )
    server.web_app.settings["page_config_hook"] = _without_announcements
    server.contents_manager.register_pre_save_hook(keep_labs)
    if not server.identity_provider.token_generated:  # else the server shows its address itself
        print(server.display_url)
    server.start()


def _without_announcements(_handler, page):
    page["disabledExtensions"].append(ANNOUNCEMENTS)
    return page


def check_port(port: int) -> None:
    r"""Raise WorkspaceError, naming a free port, unless a server can listen on ``port``."""
    if trouble := _trouble(port):
        free = next(p for p in [*range(port + 1, 65536), *range(8888, 65536)] if not _trouble(p))
        raise WorkspaceError(f"Port {port} {trouble}: try --port {free}")


def _trouble(port):
    for family, kind, protocol, _, address in socket.getaddrinfo(
        "localhost", port, type=socket.SOCK_STREAM
    ):
        try:
            with socket.socket(family, kind, protocol) as probe:
                if os.name == "posix":  # as the server does: a port closed a moment ago is free
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return "is taken" if error.errno == errno.EADDRINUSE else "is not allowed"
    return ""
