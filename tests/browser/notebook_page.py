"""A real JupyterLab and pages of it in a real browser, for tests and screenshots."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
from waiting import LIMIT, until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# JupyterLab says this itself where a kernel restarts before it has answered.
HARMLESS = (
    "restore the debugger state",
    "Canceled future for create_subshell_request",
    # JupyterLite's kernel, of the extra lite: an extension that JupyterLab itself tries to load.
    "@jupyterlite/pyodide-kernel-extension/static/remoteEntry",
)
PATIENCE = 120_000  # ms for something to show on a page of a busy machine; 30 s is Playwright's own


def settings(folder: Path, plugin: str, **values) -> None:
    """Write one plugin's user settings for JupyterLab."""
    file = folder / "@jupyterlab" / "apputils-extension" / f"{plugin}.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values))


@contextlib.contextmanager
def jupyterlab(folder: Path, theme: str = "JupyterLab Light"):
    """JupyterLab serving `folder`/work, with all its own files in `folder`; yields its address."""
    (folder / "work").mkdir(exist_ok=True)
    settings(folder / "settings", "notification", fetchNews="false", checkForUpdates=False)
    settings(folder / "settings", "themes", theme=theme)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {
        "SETTINGS": "JUPYTERLAB_SETTINGS_DIR",
        "WORKSPACES": "JUPYTERLAB_WORKSPACES_DIR",
        "CONFIG": "JUPYTER_CONFIG_DIR",
        "RUNTIME": "JUPYTER_RUNTIME_DIR",
        "IPYTHON": "IPYTHONDIR",
    }
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment |= {name: str(folder / key.lower()) for key, name in places.items()}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                f"--port={port}",
                "--port-retries=0",
                "--IdentityProvider.token=",
                f"--ServerApp.root_dir={folder / 'work'}",
            ],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            until(lambda: server.poll() is not None or _answers(f"{address}/api"))
            assert server.poll() is None, (folder / "server.log").read_text()
            yield address
        finally:
            server.terminate()
            server.wait(LIMIT)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=LIMIT).close()
    except OSError:
        return False
    return True


def write_notebook(folder: Path, name: str, *cells: str) -> None:
    """Write a notebook of code cells into the folder that JupyterLab serves."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "work" / f"{name}.ipynb")


def open_notebook(browser, address: str, name: str, scale: float = 1):
    """Open a notebook in a fresh page, when its kernel is ready."""
    page = new_page(browser, scale)
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    wait_for_kernel(page)
    return page


def new_context(browser, **settings):
    """A fresh context of pages of 1280 x 900, which wait as long as a busy machine needs."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
    context.set_default_timeout(PATIENCE)
    return context


def new_page(browser, scale: float = 1):
    """A fresh page, which collects its errors in page.errors."""
    page = new_context(browser, device_scale_factor=scale).new_page()
    page.errors = []
    page.on("pageerror", lambda error: _note(page, str(error)))
    page.on("console", lambda m: m.type == "error" and _note(page, m.text))
    return page


def _note(page, error: str) -> None:
    if not any(harmless in error for harmless in HARMLESS):
        page.errors.append(error)


def wait(page, happened) -> None:
    """Wait until something has happened, while the page goes on."""
    until(happened, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))


def wait_for_kernel(page) -> None:
    """Wait until a notebook is shown, and its kernel idle."""
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def run_all(page) -> None:
    """Restart the kernel and run all cells, through the menu."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells").click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
