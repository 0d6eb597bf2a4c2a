"""One browser and one JupyterLab for all tests of this folder."""

import needs
import pytest
from notebook_page import CHROMIUM, FLAGS, PATIENCE, jupyterlab


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium."""
    if CHROMIUM is None:
        needs.missing("no Chromium on this machine (Debian: apt install chromium)")
    playwright = needs.package("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(browser, tmp_path_factory):
    """JupyterLab: its folder (notebooks go to folder / "work") and its address."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    with jupyterlab(folder) as address:
        yield folder, address
