r"""Run notebooks side by side, each in its own kernel and empty folder, and keep their outputs.

Outputs are kept under a hash of the notebook's code, the package's code and the versions, so a
second run executes only what has changed, and an interrupted run can be continued.
"""

import asyncio
import atexit
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from subprocess import DEVNULL

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

from lrcourse.files import write_whole
from lrcourse.site import SiteError

PACKAGE = Path(__file__).parents[1]
UNSEEN = {"cli.py", "docs", "grading", "site"}  # parts of the package that no chapter uses
TIMEOUT = 600  # seconds for a cell: ten times what a whole chapter needs


def execute(paths: Sequence[Path], cache: Path, jobs: int) -> dict[Path, nbformat.NotebookNode]:
    r"""Return the notebooks with their outputs, and the states of their widgets in the metadata.

    Args:
        paths: the notebooks.
        cache: the folder that keeps outputs.
        jobs: notebooks at a time.

    Raises:
        SiteError: a cell fails, or the folder cannot be written.
    """
    package = _package_hash()
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    kept = {path: cache / _name(path, notebooks[path], package) for path in paths}
    missing = [path for path in paths if not kept[path].is_file()]
    if missing:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _run({path: notebooks[path] for path in missing}, kept, jobs)
        except OSError as error:
            raise SiteError(
                f"Cannot write {error.filename or cache}: {error.strerror}. "
                "Name another folder for the outputs with --cache."
            ) from None
    for path in paths:  # the code is the same, the prose may be newer
        code = [cell for cell in notebooks[path].cells if cell.cell_type == "code"]
        try:
            found = json.loads(kept[path].read_bytes())
            for cell, outputs in zip(code, found["outputs"], strict=True):
                cell.outputs = [nbformat.from_dict(output) for output in outputs]
            notebooks[path].metadata["widgets"] = found["widgets"]
        except (OSError, ValueError, KeyError, TypeError):
            raise SiteError(f"{kept[path]} cannot be read: delete it and start again.") from None
    return notebooks


def _package_hash() -> str:
    digest = hashlib.sha256(platform.python_version().encode())
    for name in ("numpy", "torch", "matplotlib"):
        digest.update(metadata.version(name).encode())
    for path in sorted(PACKAGE.rglob("*")):
        seen = path.relative_to(PACKAGE).parts[0] not in UNSEEN
        if seen and path.suffix in {".py", ".js", ".css", ".npz"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _name(path, notebook, package):
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    digest = hashlib.sha256(json.dumps([package, code]).encode()).hexdigest()[:16]
    return f"{path.parent.name}-{path.stem}-{digest}.json"


def _run(notebooks, kept, jobs):
    r"""Run each notebook to its end or its first error, and raise with all errors, a line each.

    After Ctrl-C every kernel is shut down, and finished notebooks are kept.

    In the main thread nbclient would handle Ctrl-C itself, for one notebook; so its loop runs in
    another thread.
    """
    cells = sum(cell.cell_type == "code" for nb in notebooks.values() for cell in nb.cells)
    progress = tqdm(total=cells, desc="running", unit="cell", disable=None)
    stop, failures = [], []

    async def everything():
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
        turn = asyncio.Semaphore(jobs)
        async with asyncio.TaskGroup() as group:
            for path, notebook in notebooks.items():
                group.create_task(_one(path, notebook, kept[path], turn, progress, failures))

    with progress, ThreadPoolExecutor(1) as thread:
        running = thread.submit(asyncio.run, everything())
        try:
            running.result()
        except KeyboardInterrupt:
            for cancel in stop:
                cancel()
            raise
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
    if failures:
        raise SiteError("\n".join(sorted(failures)))


async def _one(path, notebook, kept, turn, progress, failures):
    name = f"{path.parent.name}/{path.name}"

    def counted(cell, cell_index, **_):
        progress.update(cell.cell_type == "code")
        progress.set_postfix_str(path.stem)

    async with turn:
        with tempfile.TemporaryDirectory() as folder:
            client = NotebookClient(
                notebook,
                timeout=TIMEOUT,
                kernel_name="python3",
                coalesce_streams=True,
                on_cell_complete=counted,
                resources={"metadata": {"path": folder}},
            )
            try:
                # What a kernel prints about itself, such as that it stopped, would only confuse.
                quiet = {"env": os.environ | {"OMP_NUM_THREADS": "1"}, "stderr": DEVNULL}
                await client.async_execute(**quiet)
            except CellExecutionError as error:
                return failures.append(f"{name} fails: {error.ename}: {error.evalue}")
            except CellTimeoutError:
                return failures.append(f"{name}: a cell ran for over {TIMEOUT} seconds.")
            except DeadKernelError:
                return failures.append(f"{name}: its kernel died; it may have run out of memory")
            finally:
                if client.km is None:  # else nbclient would clean up again when Python exits
                    atexit.unregister(client._cleanup_kernel)
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    found = {"outputs": outputs, "widgets": notebook.metadata.get("widgets", {})}
    write_whole(kept, json.dumps(found))
    for old in {*kept.parent.glob(f"{path.parent.name}-{path.stem}-*.json")} - {kept}:
        old.unlink(missing_ok=True)
