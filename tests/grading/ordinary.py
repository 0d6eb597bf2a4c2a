"""Run a command as an ordinary user, who may be root's stand-in, in a folder of its own."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import needs
from waiting import LIMIT

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def prefix() -> list[str]:
    """What makes root an ordinary user; Python may lie in root's home, where nobody may look."""
    if os.geteuid():
        return []
    line = ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev"]
    homes = [Path(p).resolve() for p in (sys.base_prefix, sys.prefix, ROOT)]
    closed = {p.parts[1] for p in homes if not os.stat(Path("/", p.parts[1])).st_mode & 0o001}
    for top in sorted(closed):
        line += ["--tmpfs", f"/{top}"]
        for inside in homes:
            if inside.parts[1] == top:
                line += ["--ro-bind", str(inside), str(inside)]
                line += [part for p in inside.parents[:-1] for part in ("--chmod", "755", str(p))]
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return [*line, "--", *user, "--inh-caps=-all"]


def command(*words: object) -> list[str]:
    """The command line of ``lrcourse ...`` as an ordinary user."""
    return [*prefix(), sys.executable, "-B", "-m", "lrcourse", *map(str, words)]


def lrcourse(*words: object, timeout: float = 3 * LIMIT) -> subprocess.CompletedProcess:
    """Run ``lrcourse ...`` as an ordinary user."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command(*words), capture_output=True, text=True, timeout=timeout, env=environment, cwd="/"
    )


def adopt() -> None:
    """Become the parent of every process below this one whose own parent ends; it lasts."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def descendants() -> dict[int, str]:
    """The command line of each live process below this one, by number; the dead are reaped."""
    found, pids = {}, [os.getpid()]
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                pids += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                os.waitpid(pid, os.WNOHANG)
            elif pid != os.getpid():
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def folder() -> Path:
    """A new folder that the ordinary user owns."""
    made = Path(tempfile.mkdtemp(prefix="lrcourse-test-"))
    give(made)
    return made


def give(path: Path) -> None:
    """Make everything under a path the ordinary user's."""
    if os.geteuid() == 0:
        for one in [path, *path.rglob("*")]:
            os.chown(one, NOBODY, NOBODY, follow_symlinks=False)


def needs_sandbox() -> None:
    """Ask for bubblewrap, for all tests of a module."""
    if shutil.which("bwrap") is None:
        needs.missing("bubblewrap is not installed")
    code = "from lrcourse.grading.sandbox import ensure; ensure('bubblewrap')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*prefix(), sys.executable, "-B", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )
    if ran.returncode:
        needs.missing(f"no sandbox here: {ran.stderr[-300:]}")
