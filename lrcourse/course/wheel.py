r"""The wheel of what is installed here, so that others run what a handout was made with."""

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from lrcourse.course.workspace import WorkspaceError

LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}  # what pip adds
COMPILED = {".so", ".pyd"}  # speeds up what stands beside it in Python
ANY = b"Wheel-Version: 1.0\nGenerator: lrcourse\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
WHEN = (1980, 1, 1, 0, 0, 0)  # the same files, the same bytes


def wheel(package: str = "lrcourse") -> tuple[str, bytes]:
    r"""Return the name of the wheel of a package of this very version, and its bytes.

    It is put together from the files that were installed, without compiled ones, and so runs on any
    machine. Of lrcourse in a clone that is installed with ``-e``, pip builds it.

    Args:
        package: its name, as pip knows it.

    Raises:
        WorkspaceError: the package is not installed, or the build fails.
    """
    try:
        installed = distribution(package)
    except PackageNotFoundError:
        raise WorkspaceError(f"{package} is not installed: install it, or use --package.") from None
    inside = {
        Path(str(file)).as_posix(): Path(str(file.locate()))
        for file in installed.files or ()
        if file.parts[0] != ".." and "__pycache__" not in file.parts
    }
    if package == "lrcourse" and "lrcourse/__init__.py" not in inside:
        return _built()
    name = f"{re.sub('[-_.]+', '_', package)}-{installed.version}"
    info = next(path.partition("/")[0] for path in inside if path.endswith(".dist-info/METADATA"))
    content = {
        path: real.read_bytes()
        for path, real in inside.items()
        if real.name not in LEFT_OUT and real.suffix not in COMPILED
    }
    content[f"{info}/WHEEL"] = ANY
    record = io.StringIO()
    writer = csv.writer(record, lineterminator="\n")
    for path, data in sorted(content.items()):
        writer.writerow([path, f"sha256={_digest(data)}", len(data)])
    writer.writerow([f"{info}/RECORD", "", ""])
    content[f"{info}/RECORD"] = record.getvalue().encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for part, data in content.items():
            file.writestr(zipfile.ZipInfo(part, WHEN), data, zipfile.ZIP_DEFLATED)
    return f"{name}-py3-none-any.whl", packed.getvalue()


def _built() -> tuple[str, bytes]:
    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, str(root)]
        same = os.environ | {"SOURCE_DATE_EPOCH": "315532800"}  # hatchling then adds no time
        ran = subprocess.run(line, env=same, capture_output=True, text=True, check=False)
        built = list(Path(folder).glob("lrcourse-*.whl"))
        if not built:
            raise WorkspaceError(
                f"pip cannot build lrcourse from {root}: {ran.stderr.strip()[-300:]} Install it "
                "without -e, or name what students install with --package."
            )
        return built[0].name, built[0].read_bytes()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
