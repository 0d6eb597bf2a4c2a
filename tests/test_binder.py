r"""Binder: the recipe in binder/, what its scripts do, and README's one-liner."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from packaging.requirements import Requirement
from traitlets.config import Config

from lrcourse.course import workspace
from lrcourse.course.saved_labs import keep_labs
from lrcourse.course.workspace import learners_files

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
CONDA = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}  # conda-forge's names


def recipe():
    r"""Each package of environment.yml by its name on PyPI, with its version or None."""
    yaml = pytest.importorskip("yaml")
    lines = yaml.safe_load((BINDER / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    pairs = (line.partition("=") for line in lines)
    return {CONDA.get(name, name): version or None for name, _, version in pairs}


def test_every_package_is_one_of_pyprojects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = project["project"]["dependencies"] + project["build-system"]["requires"]
    names = {Requirement(text).name for text in needed}
    assert set(recipe()) == names | {"python", "pip"}


def test_the_versions_are_those_of_the_constraints():
    lines = (BINDER / "constraints.txt").read_text(encoding="utf-8").splitlines()
    every = [Requirement(line) for line in lines if not line.startswith("#")]
    versions = recipe()
    assert versions.pop("python") == "3.11"
    here = {"python_version": "3.11", "python_full_version": "3.11.9"}
    kept = [pin for pin in every if pin.marker is None or pin.marker.evaluate(here)]
    pins = {pin.name.lower(): str(pin.specifier).removeprefix("==") for pin in kept}
    del versions["pip"]
    for name, version in versions.items():
        tested = pins[name].split(".")
        assert version and version.split(".") == tested[: version.count(".") + 1], name


def test_binder_meets_its_own_files_only():
    r"""Others change how it builds: with a Dockerfile it ignores all of these, for example."""
    read = {"environment.yml", "postBuild", "start"}
    ours = {"constraints.txt", "overrides.json"}  # for README's commands, and for postBuild
    assert {path.name for path in BINDER.iterdir()} == read | ours
    assert not (ROOT / ".binder").exists()  # it refuses two such folders


def test_packages_are_installed_before_the_course_is_copied():
    r"""So they stay cached between commits. An environment with a path in it would come after."""
    text = (BINDER / "environment.yml").read_text(encoding="utf-8")
    assert "pip:" not in text and "/" not in text.partition("dependencies:")[2]


def test_start_sets_one_thread_and_runs_what_it_is_given():
    words = ["sh", "-c", 'echo "$OMP_NUM_THREADS $1"', "sh", "two words"]
    shown = subprocess.run([BINDER / "start", *words], capture_output=True, text=True, check=True)
    assert shown.stdout == "1 two words\n"


@pytest.mark.skipif(os.name != "posix", reason="Binder's scripts are for Linux")
def test_post_build_installs_the_course_alone_and_prepares_what_a_learner_opens(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    tools, clone = tmp_path / "bin", tmp_path / "clone"
    tools.mkdir()
    for part in ("binder", "chapters", "solutions"):
        shutil.copytree(ROOT / part, clone / part)
    python = f'[ "$1" = - ] && exec "{sys.executable}" - || echo {tmp_path}'
    for name, line in {"pip": f'echo "$@" >> {tmp_path}/pip', "python": python}.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["binder/postBuild"], cwd=clone, env={**os.environ, "PATH": path}, check=True)
    (command,) = (tmp_path / "pip").read_text().splitlines()
    assert {"install", "--no-deps", "--no-build-isolation", "."} <= set(command.split())

    settings = tmp_path / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    share = Path(sys.prefix) / "share" / "jupyter"
    manager = share / "labextensions" / "@jupyter-widgets" / "jupyterlab-manager"
    places = (share / "lab" / "schemas", manager / "schemas")
    for plugin, values in json.loads(settings.read_text()).items():
        package, _, name = plugin.partition(":")
        (schema,) = (p for s in places if (p := s / package / f"{name}.json").is_file())
        schema = json.loads(schema.read_text(encoding="utf-8"))
        jsonschema.validate(values, schema)
        assert set(values) <= set(schema["properties"])

    folder = tmp_path / "etc" / "jupyter" / "jupyter_server_config.d"
    config = Config(json.loads((folder / "lrcourse.json").read_text()))
    assert AsyncLargeFileManager(config=config).pre_save_hook is keep_labs

    theirs = {path.relative_to(clone).as_posix() for path in clone.glob("*/*.ipynb")}
    assert theirs == set(learners_files(ROOT))
    assert "SOLUTION" not in (clone / "solutions" / "Solution 00.ipynb").read_text("utf-8")


@pytest.mark.parametrize(
    "origin",
    [
        "https://github.com/owner/name",
        "https://github.com/owner/name.git",
        "git@github.com:owner/name.git",
        "ssh://git@github.com/owner/name.git",
    ],
)
def test_readmes_one_liner_prints_the_links_of_this_repository(origin, tmp_path):
    (command,) = re.findall(r"^  (git remote .+)$", (ROOT / "README.md").read_text("utf-8"), re.M)
    for arguments in (["init", "-q"], ["remote", "add", "origin", origin]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    shown = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    address = "https://mybinder.org/v2/gh/owner/name/HEAD?urlpath=lab/tree/"
    page = "chapters/00_start_here.ipynb"
    badge = f"[![Binder](https://mybinder.org/badge_logo.svg)]({address}{page})"
    site = "https://owner.github.io/name/"
    here = f"{site}lite/lab/index.html?path=chapters/00_start_here.ipynb"
    assert shown.stdout == f"[Look first]({site}) [Run in your browser]({here}) {badge}\n"
    assert (ROOT / page).is_file()


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_the_scripts_may_be_executed(name):
    assert os.access(BINDER / name, os.X_OK)


def test_binder_saves_labs_as_lrcourse_lab_does():
    assert workspace.SETTINGS.items() <= json.loads((BINDER / "overrides.json").read_text()).items()
