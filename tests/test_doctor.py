r"""What the doctor finds, and the command that it offers."""

import os
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from tools import resolve

from lrcourse.cli import main
from lrcourse.course import doctor
from lrcourse.course.doctor import Problem, examine, front_end, kernel, package, python, threads

ROOT = Path(__file__).parents[1]


def test_this_installation_is_well():
    found = list(examine())
    assert [line for ok, line in found if not ok] == []
    parts = [line[6:].split(":")[0] for _, line in found]
    assert {"Python", "numpy", "torch", "jupyterlab", "anywidget", "click"} <= set(parts)
    assert parts[-5:] == [
        "Jupyter kernel",
        "widgets front end",
        "bundled data",
        "CPU threads",
        "GPU",
    ]
    assert "pytest" not in parts  # an extra


def test_a_missing_package_is_found():
    with pytest.raises(Problem, match="not installed") as error:
        package(Requirement("no-such-package-here>=1"))
    assert error.value.remedy == f'{sys.executable} -m pip install "no-such-package-here>=1"'


def test_a_package_out_of_its_range_is_found(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "1.26.4")
    with pytest.raises(Problem, match=r"1\.26\.4, needed >=2\.0"):
        package(Requirement("numpy>=2.0"))
    monkeypatch.setattr(metadata, "version", lambda name: "2.13.0+cpu")
    assert package(Requirement("torch>=2.4")) == "2.13.0+cpu"


def test_an_old_python_is_found(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.10.4")
    with pytest.raises(Problem, match=r"3\.10\.4, needed >=3\.11"):
        python()


def test_a_python_that_is_too_new_is_named_as_such(monkeypatch):
    monkeypatch.setattr(doctor, "newest_minor", lambda: 15)
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.16.0rc1")
    assert python() == f"3.16.0rc1 ({sys.executable}), newer than 3.15: not tried"
    monkeypatch.setattr(doctor, "requirements", lambda: [Requirement("no-such-package-here>=1")])
    with pytest.raises(Problem, match=r"newer than 3\.15, .* no-such-package-here") as error:
        python()
    assert error.value.remedy == "python3.15 -m venv .venv"
    name, line = next(examine())
    assert not name and line.startswith("FAIL  Python: 3.16.0rc1 is newer than 3.15")


def test_the_newest_python_is_the_newest_that_the_metadata_names(monkeypatch):
    named = ["Framework :: Jupyter", "Programming Language :: Python :: 3"]
    named += [f"Programming Language :: Python :: 3.{minor}" for minor in (9, 11, 10)]
    installed = SimpleNamespace(get_all=lambda field: named)
    monkeypatch.setattr(metadata, "metadata", lambda name: installed)
    assert doctor.newest_minor() == 11


def test_one_list_of_pythons():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [
        text.rpartition(" ")[2] for text in project["classifiers"] if ":: Python :: 3." in text
    ]
    assert [version[:4] for version in resolve.PYTHONS] == named


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    r"""Write a kernelspec "python3" that comes before the installed one."""
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def write(command):
        (folder / "kernel.json").write_text(
            f'{{"argv": ["{command}", "-m", "ipykernel_launcher"], "display_name": "P"}}'
        )

    return write


def test_a_kernel_of_another_python_is_found(kernels):
    kernels("/opt/other/bin/python")
    with pytest.raises(Problem, match="another Python, /opt/other/bin/python") as error:
        kernel()
    assert error.value.remedy.endswith("-m ipykernel install --sys-prefix")


@pytest.mark.skipif(sys.platform == "win32", reason="backslashes would need escapes in JSON")
@pytest.mark.parametrize("command", ["python", "python3", sys.executable])
def test_a_kernel_of_this_python_is_well(kernels, command):
    kernels(command)
    assert sys.executable in kernel()


def test_a_missing_front_end_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda part: [str(tmp_path)])
    with pytest.raises(Problem, match="does not find @jupyter-widgets/jupyterlab-manager") as error:
        front_end()
    assert error.value.remedy.endswith("pip install --force-reinstall jupyterlab_widgets")


def test_data_that_does_not_load_is_found(monkeypatch):
    def broken(name):
        raise ValueError("truncated")

    monkeypatch.setattr("lrcourse.data.load", broken)
    with pytest.raises(Problem, match="fashion-mini does not load"):
        doctor.data()


@pytest.mark.parametrize("asked", ["0", "-1", "many", "100000"])
def test_a_senseless_number_of_threads_is_found(monkeypatch, asked):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    with pytest.raises(Problem, match=f"^{asked} on ") as error:
        threads()
    assert error.value.remedy.startswith("export OMP_NUM_THREADS=")


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({}, 8),
    ],
)
def test_a_containers_quota_counts(tmp_path, monkeypatch, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(doctor, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(8), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", str(cores))
    assert threads() == f"{cores} on {cores} cores"
    monkeypatch.delenv("OMP_NUM_THREADS")  # then NumPy starts a thread for each core that it sees
    if cores == 8:
        assert threads() == "8 on 8 cores"
    else:
        with pytest.raises(Problem, match=f"8 on {cores} cores") as error:
            threads()
        assert error.value.remedy == f"export OMP_NUM_THREADS={cores}"


def test_a_broken_torch_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Problem, match="torch") as error:
        doctor.gpu()
    assert error.value.remedy.endswith("pip install --force-reinstall torch")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, "lrcourse"),
        ('{"url": "https://x.org/c.git", "vcs_info": {"vcs": "git"}}', "git+https://x.org/c.git"),
        ('{"url": "file:///home/c", "dir_info": {"editable": true}}', "-e file:///home/c"),
        ('{"url": "file:///home/c", "dir_info": {}}', "file:///home/c"),
    ],
)
def test_a_remedy_installs_from_where_the_course_came(monkeypatch, found, expected):
    installed = SimpleNamespace(read_text=lambda name: found)
    monkeypatch.setattr(metadata, "distribution", lambda name: installed)
    assert doctor.origin() == expected


def test_the_command_fails_when_a_check_fails_or_breaks(monkeypatch):
    def broken():
        raise RuntimeError("a broken package")

    monkeypatch.setattr(doctor, "kernel", broken)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    failed = [line for line in result.output.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert failed[0].startswith("FAIL  Jupyter kernel: RuntimeError('a broken package'). To fix it")
    assert result.output.splitlines()[-1].startswith("OK    GPU")
