r"""Ask whether README's commands find wheels for every Python and system that we name.

    pip install uv
    python tests/tools/resolve.py [VERSION]...

Nothing is installed: uv reads the package index, for Pythons that need not be here. The exit code
is 1 if a pinned version is missing somewhere; the lines say which.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11.2", "3.12", "3.13", "3.14", "3.15")  # Debian 12 has 3.11.2
SYSTEMS = ("x86_64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")
SOURCE_ONLY = "dog-optimizer"  # pure Python, without a wheel anywhere; only the tests use it


def missing(python: str, system: str, *options: str) -> str:
    r"""Return why the constraints cannot be met there, or "" if they can."""
    command = ["uv", "pip", "compile", "pyproject.toml", *options, "--quiet", "--no-header"]
    command += ["--python-version", python, "--python-platform", system]
    command += ["--only-binary", ":all:", "--no-binary", SOURCE_ONLY]
    command += ["--constraint", "binder/constraints.txt"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stderr.strip() if asked.returncode else ""


def main() -> None:
    r"""Print a line for each Python and system, with the reason where a wheel is missing."""
    os.environ["MACOSX_DEPLOYMENT_TARGET"] = "14.0"  # the oldest macOS that PyTorch has wheels for
    failed = False
    for python in sys.argv[1:] or PYTHONS:
        for system in SYSTEMS:
            for name, options in {"learn": (), "test": ("--extra", "test")}.items():
                why = missing(python, system, *options)
                print(f"{python:7} {system:22} {name:5} {why or 'resolves'}", flush=True)
                failed = failed or bool(why)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
