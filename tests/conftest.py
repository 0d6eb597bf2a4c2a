"""What all tests share: the claims in the notebooks' prose are checked as the notebooks run."""

import pytest
from claims import watch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Watch every notebook cell, wherever it lies."""
    for item in items:
        if type(item).__name__ == "IPyNbCell":
            watch(item)
