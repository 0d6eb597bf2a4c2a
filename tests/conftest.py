"""What all tests share: the claims in the notebooks' prose are checked as the notebooks run."""

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
