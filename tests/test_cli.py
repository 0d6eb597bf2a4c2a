r"""The command line: help, versions, suggestions, errors, and a real server once."""

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner
from waiting import LIMIT, until

import lrcourse
from lrcourse.cli import main
from lrcourse.course import workspace

ROOT = Path(__file__).parents[1]


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_version_is_the_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert run("--version").output == f"lrcourse {lrcourse.__version__}\n"
    place = ROOT / project["tool"]["hatch"]["version"]["path"]
    assert place == Path(lrcourse.__file__) and project["project"]["dynamic"] == ["version"]


@pytest.mark.parametrize("command", ["", *main.commands])
def test_every_help_has_examples(command):
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert f"Examples:\n    lrcourse {command}" in result.output
    assert "...\n" not in result.output.partition("Commands:")[2]  # a summary that was cut off


def test_a_misspelt_command_gets_the_nearest_one():
    result = run("docter")
    assert result.exit_code == 2
    assert "Unknown command 'docter': choose from 'lab', 'doctor', " in result.output
    assert "Did you mean 'doctor'?" in result.output


@pytest.mark.parametrize(
    ("command", "blocked", "package"),
    [
        (["grade", "."], "lrcourse.grading.grade_command", ".[grade]"),
        (["reproduce"], "lrcourse.sweep", "."),
        (["site", "public"], "latex2mathml.converter", ".[site]"),
    ],
)
def test_a_failed_import_tells_its_own_reason(tmp_path, command, blocked, package):
    code = f"import sys; sys.modules[{blocked!r}] = None; from lrcourse.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: import of {blocked} halted")
    assert f"python -m pip install '{package}'" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_data_says_what_a_set_is_and_where_it_comes_from():
    result = run("data", "digits")
    assert result.exit_code == 0
    assert result.output.startswith("digits: 8x8 grey images, ")
    assert "\nsource: " in result.output
    assert "\nlicence: " in result.output


@pytest.mark.parametrize("encoding", ["cp932", "cp1251", "ascii", "utf-8"])
def test_a_letter_that_the_encoding_of_the_output_lacks_is_escaped(encoding):
    result = subprocess.run(
        [sys.executable, "-m", "lrcourse", "data", "patches"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    name = b"H\\xe4ggstr\\xf6m" if encoding.startswith("cp") else "Häggström".encode()
    assert b"retina by Mikael " + name in result.stdout  # for ASCII, click writes UTF-8


def test_an_unknown_data_set_is_one_sentence():
    result = run("data", "digit")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "'digits'" in result.output
    assert result.output.count("\n") == 1


@pytest.fixture
def course(tmp_path, monkeypatch):
    r"""A made-up course in place of the installed one."""
    folder = tmp_path / "course"
    (folder / "chapters").mkdir(parents=True)
    empty = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    (folder / "chapters" / "00_start_here.ipynb").write_text(empty)
    monkeypatch.setattr(workspace, "course_folder", lambda: folder)
    return folder


def test_lab_copies_and_serves(tmp_path, monkeypatch, course):
    served = []
    monkeypatch.setattr(workspace, "serve", lambda *a, **k: served.append((a, k)))
    monkeypatch.chdir(tmp_path)
    result = run("lab", "--port", "8890")
    assert result.exit_code == 0
    assert result.output == "new      chapters/00_start_here.ipynb\n"
    assert served == [((Path("lrcourse-work"), 8890), {"browser": True})]
    assert (tmp_path / "lrcourse-work" / "chapters" / "00_start_here.ipynb").is_file()


def test_lab_errors_are_one_sentence(tmp_path, course):
    (tmp_path / "file").write_text("mine")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = str(server.getsockname()[1])
        for arguments, expected in [
            ([str(tmp_path / "file")], "is a file: name a folder."),
            ([str(tmp_path / "work"), "--port", port], f"Port {port} is taken: try --port "),
        ]:
            result = run("lab", "--no-browser", *arguments)
            assert result.exit_code == 1
            assert expected in result.output
            assert "Traceback" not in result.output
    assert run("lab", "--port", "0").exit_code == 2


def test_an_installation_without_chapters_says_so(monkeypatch):
    monkeypatch.setattr(workspace, "START", "chapters/99_no_such.ipynb")
    result = run("lab")
    assert result.exit_code == 1
    assert "This installation lacks chapters/99_no_such.ipynb" in result.output


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_lab_serves_chapter_00_and_stops_calmly(tmp_path, course):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    code = (
        "import pathlib, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from lrcourse.course import workspace; "
        f"workspace.course_folder = lambda: pathlib.Path({str(course)!r}); "
        "from lrcourse.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "lab", str(tmp_path / "work"), "--no-browser"]
    server = subprocess.Popen(
        [*command, "--port", port],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path / "config")},
    )
    try:
        printed = ""
        while f"http://127.0.0.1:{port}" not in printed:
            line = server.stdout.readline()
            assert line, f"the server stopped: {printed}"
            printed += line
        address = re.search(r"http://127\S+", printed)[0]
        assert f":{port}/lab/tree/chapters/00_start_here.ipynb?token=" in address
        # It prints the address a moment before.
        until(lambda: listens(int(port)) or server.poll() is not None)
        with urllib.request.urlopen(address, timeout=LIMIT) as answer:
            page = answer.read().decode()
        assert '"treePath": "chapters/00_start_here.ipynb"' in page
        disabled = re.search(r'"disabledExtensions": \[[^]]*\]', page)[0]
        assert "@jupyterlab/apputils-extension:announcements" in disabled
        server.send_signal(signal.SIGINT)
        rest = server.communicate(timeout=LIMIT)[0]
        assert server.returncode == 0
        assert "Traceback" not in printed + rest
    finally:
        server.kill()
        server.wait()


def test_python_m_lrcourse_works():
    command = [sys.executable, "-m", "lrcourse", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == run("--version").output
