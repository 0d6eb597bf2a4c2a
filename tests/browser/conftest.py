"""One browser and one JupyterLab for all tests of this folder."""

import pytest
from notebook_page import CHROMIUM, FLAGS, jupyterlab


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(browser, tmp_path_factory):
    """JupyterLab: its folder (notebooks go to folder / "work") and its address."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    with jupyterlab(folder) as address:
        yield folder, address
