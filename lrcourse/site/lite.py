r"""The course in the browser: JupyterLite with Python for the browser, Pyodide, and no server.

JupyterLite is static files. Its kernel loads NumPy, Matplotlib and Pillow as Pyodide builds them,
and from the site itself this version of lrcourse and the packages in plain Python that it needs.
"""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from email import message_from_bytes
from pathlib import Path

from jupyter_core.paths import jupyter_path
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lrcourse.course.wheel import wheel
from lrcourse.course.workspace import (
    ANNOUNCEMENTS,
    SETTINGS,
    WorkspaceError,
    course_folder,
    learners_files,
)
from lrcourse.site import SiteError

KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@jupyterlite/pyodide-kernel-extension",
    "anywidget",
)
PYPI = "../../../../pypi"  # of the site, as seen from the kernel's own script
# Of Pyodide's own packages those that we need; and what comes with the kernel.
PYODIDE = {"matplotlib", "numpy", "packaging", "pillow", "threadpoolctl"}
WITH_KERNEL = {"ipython", "jupyterlab-widgets", "traitlets", "widgetsnbextension"}
# JupyterLite never passes a comm_info_request on to its kernels, though they can answer it (see its
# issue 155). Saved labs wait for the answer: without it they show only when their cells are run.
UNASKED = b'case"comm_close":await this.commClose(e)'
COMM_INFO = b""";break;case"comm_info_request":this._sendMessage({channel:"shell",buffers:[],
metadata:{},parent_header:e.header,content:await this.commInfoRequest(e.content),
header:{...e.header,msg_id:e.header.msg_id+"-reply",msg_type:"comm_info_reply"}})"""
ASKED = UNASKED + COMM_INFO
# Labs stay on the page when they are out of view. "defer" is not for JupyterLite: there it raises.
OVERRIDES = SETTINGS | {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}
BROWSER = {"sys_platform": "emscripten", "platform_system": "Emscripten", "python_version": "3.12"}


def lite(pyodide: Path | None) -> dict[str, bytes]:
    r"""Return the files of JupyterLite by name, with the course and this version of the package.

    Args:
        pyodide: a folder with ``pyodide.js``, ``pyodide-lock.json`` and the packages that it names;
            None for the kernel's own, which browsers load from Pyodide's network.

    Raises:
        SiteError: a package is not installed, the folder is not Pyodide's, or the build fails.
    """
    if pyodide and not (pyodide / "pyodide.js").is_file():
        raise SiteError(f"{pyodide} holds no pyodide.js: name a folder with a release of Pyodide.")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        (source / "pypi").mkdir(parents=True)
        try:
            wheels = _wheels()
        except WorkspaceError as error:
            raise SiteError(str(error)) from None
        for name, data in wheels.items():
            (source / "pypi" / name).write_bytes(data)
        kernel = {
            "disablePyPIFallback": True,
            "loadPyodideOptions": {
                "packages": sorted(PYODIDE) + [f"{PYPI}/{name}" for name in sorted(wheels)]
            },
        }
        if pyodide:
            kernel["pyodideUrl"] = "./static/pyodide/pyodide.js"
        page = {
            "appName": "lrcourse",
            "disabledExtensions": [ANNOUNCEMENTS],
            "litePluginSettings": {KERNEL: kernel},
        }
        settings = {"jupyter-lite-schema-version": 0, "jupyter-config-data": page}
        (source / "jupyter-lite.json").write_text(json.dumps(settings), encoding="utf-8")
        (source / "overrides.json").write_text(json.dumps(OVERRIDES), encoding="utf-8")
        for name, content in learners_files(course_folder()).items():
            (source / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            (source / "files" / name).write_bytes(content)
        out = Path(folder) / "out"
        line = [sys.executable, "-m", "jupyterlite_core", "build", "--apps", "lab"]
        line += ["--lite-dir", str(source), "--output-dir", str(out)]
        line += ["--contents", str(source / "files")]
        line += ["--no-sourcemaps", "--no-unused-shared-packages"]
        line += ["--ignore-sys-prefix", "federated_extensions"]
        line += [f"--LiteBuildConfig.federated_extensions={path}" for path in _extensions()]
        ran = subprocess.run(line, cwd=source, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise SiteError(f"JupyterLite cannot be built: {(ran.stderr or ran.stdout)[-500:]}")
        files = {
            path.relative_to(out).as_posix(): path.read_bytes().replace(UNASKED, ASKED)
            for path in out.rglob("*")
            if path.is_file()
        }
    for path in pyodide.iterdir() if pyodide else ():
        if path.is_file():
            files[f"static/pyodide/{path.name}"] = path.read_bytes()
    return files


def _extensions():
    r"""The folders of the three extensions; whatever else is installed here is not for learners."""
    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    for name in EXTENSIONS:
        found = next((f / name for f in folders if (f / name / "package.json").is_file()), None)
        if found is None:
            raise SiteError(f"JupyterLab's extension {name} is missing: install '.[lite]' again.")
        yield found


def _wheels():
    r"""The wheels of lrcourse and of what it needs in the browser, by name of the file."""
    wheels, seen, todo = {}, {"lrcourse"}, ["lrcourse"]
    while todo:
        name, data = wheel(todo.pop())
        wheels[name] = data
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            info = next(part for part in file.namelist() if part.endswith(".dist-info/METADATA"))
            found = message_from_bytes(file.read(info)).get_all("Requires-Dist") or []
        for requirement in map(Requirement, found):
            further = canonicalize_name(requirement.name)
            wanted = not requirement.marker or requirement.marker.evaluate(BROWSER | {"extra": ""})
            if wanted and further not in seen | PYODIDE | WITH_KERNEL:
                seen.add(further)
                todo.append(further)
    return wheels
