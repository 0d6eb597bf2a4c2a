r"""Say what is wrong with an installation, and which command fixes it."""

import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PIP = f"{sys.executable} -m pip install"
BUNDLED = ("fashion-mini", "digits", "patches")
CGROUP = Path("/sys/fs/cgroup")
FRONT_ENDS = {"jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}


class Problem(Exception):
    r"""A check failed: what was found, and the command that fixes it."""

    def __init__(self, found: str, remedy: str) -> None:
        r"""Keep what was ``found`` and the ``remedy``, a command."""
        super().__init__(found)
        self.remedy = remedy


def examine() -> Iterator[tuple[bool, str]]:
    r"""Yield (ok, line to print) for each check as it finishes."""
    yield _line("Python", python)
    yield _line("lrcourse", lambda: metadata.version("lrcourse"))
    for requirement in requirements():
        yield _line(requirement.name, partial(package, requirement))
    for name, check in [
        ("Jupyter kernel", kernel),
        ("widgets front end", front_end),
        ("bundled data", data),
        ("CPU threads", threads),
        ("GPU", gpu),
    ]:
        if sys.platform != "emscripten" or check is data:  # a browser has nothing to install
            yield _line(name, check)


def _line(name: str, check: Callable[[], str]) -> tuple[bool, str]:
    try:
        return True, f"OK    {name}: {check()}"
    except Problem as problem:
        return False, f"FAIL  {name}: {problem}. To fix it, run  {problem.remedy}"
    except Exception as error:  # a broken package may raise anything
        return False, f"FAIL  {name}: {error!r}. To fix it, run  {PIP} --upgrade {origin()}"


def origin() -> str:
    r"""Return the pip argument that installs lrcourse again from its own source."""
    try:
        found = json.loads(metadata.distribution("lrcourse").read_text("direct_url.json") or "{}")
    except metadata.PackageNotFoundError:
        return "-e ."
    if "vcs_info" in found:
        return f"{found['vcs_info']['vcs']}+{found['url']}"
    editable = "-e " if found.get("dir_info", {}).get("editable") else ""
    return editable + found.get("url", "lrcourse")


def requirements() -> list[Requirement]:
    r"""Return the packages that lrcourse needs here, with their ranges; extras are left out."""
    try:
        needed = [Requirement(text) for text in metadata.requires("lrcourse") or []]
    except metadata.PackageNotFoundError:
        needed = []
    return [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]


def python() -> str:
    r"""Check Python's version against the range in lrcourse's metadata, and the newest named there.

    A newer one is wrong only while packages are missing, which may have no wheels for it yet.
    """
    needed, version = metadata.metadata("lrcourse")["Requires-Python"], platform.python_version()
    if not SpecifierSet(needed).contains(version, prereleases=True):
        raise Problem(f"{version}, needed {needed}", "python3.12 -m venv .venv")
    minor, newest = int(version.split(".")[1]), newest_minor()
    if minor <= newest:
        return f"{version} ({sys.executable})"
    if absent := [r.name for r in requirements() if not _installed(r.name)]:
        found = f"{version} is newer than 3.{newest}, the newest with all packages"
        raise Problem(f"{found}; here is no {', '.join(absent)}", f"python3.{newest} -m venv .venv")
    return f"{version} ({sys.executable}), newer than 3.{newest}: not tried"


def newest_minor() -> int:
    r"""Return 15 if Python 3.15 is the newest that lrcourse's metadata names; if none, this one."""
    named = metadata.metadata("lrcourse").get_all("Classifier") or []
    found = (text.removeprefix("Programming Language :: Python :: 3.") for text in named)
    return max((int(m) for m in found if m.isdecimal()), default=sys.version_info.minor)


def _installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def package(requirement: Requirement) -> str:
    r"""Check that a package is installed in its range."""
    remedy = f'{PIP} "{requirement.name}{requirement.specifier}"'
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        raise Problem("not installed", remedy) from None
    if not requirement.specifier.contains(version, prereleases=True):
        raise Problem(f"{version}, needed {requirement.specifier}", remedy)
    return version


def kernel() -> str:
    r"""Check that Jupyter's kernel "python3" runs this Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    remedy = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        raise Problem("there is no kernel python3", remedy) from None
    generic = {"python", "python3", f"python3.{sys.version_info.minor}"}  # means the server's own
    if command not in generic and Path(command).parent != Path(sys.executable).parent:
        raise Problem(f"python3 runs another Python, {command}", remedy)
    return f"python3 runs {sys.executable if command in generic else command}"


def front_end() -> str:
    r"""Check that JupyterLab finds the front ends of ipywidgets and anywidget."""
    from jupyter_core.paths import jupyter_path

    for distribution, extension in FRONT_ENDS.items():
        if not any(
            Path(p, extension, "package.json").is_file() for p in jupyter_path("labextensions")
        ):
            raise Problem(
                f"JupyterLab does not find {extension}", f"{PIP} --force-reinstall {distribution}"
            )
    return ", ".join(FRONT_ENDS)


def data() -> str:
    r"""Check that the bundled data sets load."""
    from lrcourse.data import load

    for name in BUNDLED:
        try:
            load(name)
        except Exception:
            remedy = f"{PIP} --force-reinstall --no-deps {origin()}"
            if "-e " in remedy:  # pip would leave a clone's own files as they are
                remedy = f'git -C "{Path(__file__).parents[2]}" checkout -- lrcourse/datasets'
            found = f"{name} does not load (for the reason, run  lrcourse data {name})"
            raise Problem(found, remedy) from None
    return ", ".join(BUNDLED)


def threads() -> str:
    r"""Check that NumPy and torch start no more threads than this process may use cores.

    They start OMP_NUM_THREADS, else one for each core that they see; a container's CPU quota, the
    usual limit on a JupyterHub, they do not see.
    """
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = min(seen, quota())
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0] or str(seen)
    if not (asked.isdecimal() and 1 <= int(asked) <= cores):
        raise Problem(f"{asked} on {cores} cores", f"export OMP_NUM_THREADS={cores}")
    return f"{asked} on {cores} cores"


def quota() -> float:
    r"""Return how many cores the container may use, rounded up; infinity without a quota."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):  # cgroup v2, v1
        try:
            text = " ".join((CGROUP / name).read_text() for name in names)
            microseconds, period = map(int, text.split())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if microseconds > 0:
            return math.ceil(microseconds / period)
    return math.inf


def gpu() -> str:
    r"""Say which GPU torch sees; none is fine too."""
    try:
        import torch
    except (ImportError, OSError) as error:
        raise Problem(f"torch: {error}", f"{PIP} --force-reinstall torch") from None
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "Apple's, by mps" if torch.backends.mps.is_available() else "none, not needed"
