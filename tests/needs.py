"""Programs and packages that only some tests need: without one they are skipped, but fail in CI."""

import importlib
import os
from types import ModuleType
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip a test, or a module of tests, for a reason; fail where CI=true promises that all run."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI runs every test")
    pytest.skip(reason, allow_module_level=True)


def package(name: str) -> ModuleType:
    """Import a module of a package that only some tests need."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing(f"{name} cannot be imported ({error}): pip install -e '.[test]'")
