"""What all tests share: one thread each, no deadlines, and notebooks whose claims are checked."""

import os
import signal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy: the files share the cores already
if "avx2" in (Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""):
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")  # the same sums on any such processor

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # started in the background of a script
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests send it, also to children

import needs
import pytest
from claims import not_pinned, watch
from waiting import LIMIT

try:
    from hypothesis import HealthCheck, settings
except ImportError:
    pass  # only the tests that use it are skipped
else:  # its deadlines are times of the clock
    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    """Run notebooks with this Python, and give a busy machine time; only matters with --nbval-lax.

    A cell has nbval's own 2,000 seconds.
    """
    if config.pluginmanager.hasplugin("nbval"):
        config.option.nbval_current_env = True
        config.option.nbval_kernel_startup_timeout = LIMIT


def pytest_report_header() -> str:
    """Say whether the numbers in prose are held to the last digit."""
    why = not_pinned()
    return f"claims: {f'only orders with a margin, for {why}' if why else 'to the last digit'}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """With -n, a file or notebook stays whole, and the browser's files stay last."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Watch every notebook cell, wherever it lies, and drive the browser last of all.

    The browser's driver keeps an event loop running, in which nobody else can run one.
    """
    for item in items:
        if type(item).__name__ == "IPyNbCell":
            item.output_timeout = LIMIT  # for what a cell has printed to arrive
            watch(item)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The site of chapters 00 and 01, made by the command; its outputs are kept for later runs."""
    from click.testing import CliRunner

    from lrcourse.cli import main

    needs.package("latex2mathml")
    out = tmp_path_factory.mktemp("site") / "made here"
    cache = tmp_path_factory.getbasetemp() / "site-outputs"
    made = CliRunner().invoke(main, ["site", str(out), "00", "01", "--cache", str(cache)])
    assert made.exit_code == 0, made.output
    return out
