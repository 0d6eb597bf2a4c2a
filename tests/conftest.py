"""What all tests share: one thread each, and claims in prose that are checked as notebooks run."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy: the files share the cores already

import pytest
from claims import watch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Watch every notebook cell, wherever it lies, and drive the browser last of all.

    The browser's driver keeps an event loop running, in which nobody else can run one.
    """
    for item in items:
        if type(item).__name__ == "IPyNbCell":
            watch(item)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The site of chapters 00 and 01, made by the command; its outputs are kept for later runs."""
    from click.testing import CliRunner

    from lrcourse.cli import main

    out = tmp_path_factory.mktemp("site") / "made here"
    cache = tmp_path_factory.getbasetemp() / "site-outputs"
    made = CliRunner().invoke(main, ["site", str(out), "00", "01", "--cache", str(cache)])
    assert made.exit_code == 0, made.output
    return out
