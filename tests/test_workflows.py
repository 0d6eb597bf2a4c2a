r"""The workflows in .github: every path, command, option and Python that they name is there."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import needs
import pytest
from tools import resolve

from lrcourse.cli import main

yaml = needs.package("yaml")

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MADE = {"dist", "public", "build/site-outputs"}  # by a step, for a later one
USED = re.compile(r"[\w-]+/[\w.-]+@[\w./-]+")
EXPRESSION = re.compile(r"\$\{\{\s*(\w+)\.([\w.-]+?)\s*\}\}")


def read(path):
    r"""A workflow, with its triggers as "on": YAML reads the bare word as True."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in workflow.items()}


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def runs(workflow):
    r"""The words of each command."""
    lines = "\n".join(step["run"] for step in steps(workflow) if "run" in step)
    return [shlex.split(line) for line in lines.splitlines()]


each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)


@each
def test_a_workflow_has_the_form_that_github_asks_for(path):
    workflow = read(path)
    assert {"name", "on", "jobs", "permissions"} <= set(workflow)
    for job in workflow["jobs"].values():
        asked = job.get("needs", [])
        assert set([asked] if isinstance(asked, str) else asked) <= set(workflow["jobs"])
        assert ("uses" in job) != ({"runs-on", "steps"} <= set(job))
        ids = {step["id"] for step in job.get("steps", []) if "id" in step}
        known = {"steps": ids, "matrix": set(job.get("strategy", {}).get("matrix", {}))}
        for context, name in EXPRESSION.findall(yaml.dump(job)):
            assert context == "github" or name.split(".")[0] in known[context], name
        for step in job.get("steps", []):
            assert ("uses" in step) != ("run" in step), step
            assert "uses" not in step or USED.fullmatch(step["uses"]), step


@each
def test_every_path_in_a_workflow_exists(path):
    workflow = read(path)
    named = [step["with"]["path"] for step in steps(workflow) if "path" in step.get("with", {})]
    named += [job["uses"] for job in workflow["jobs"].values() if "uses" in job]
    for words in runs(workflow):
        named += [word for word in words if "/" in word and not word.startswith(("-", "$", "http"))]
    for name in set(named) - MADE:
        assert (ROOT / name).is_file(), name


@each
def test_every_command_of_ours_in_a_workflow_is_one(path):
    for words in runs(read(path)):
        if "lrcourse" not in words:
            continue
        name, *arguments = words[words.index("lrcourse") + 1 :]
        command = main.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in arguments if word.startswith("-")} <= known


def test_the_pythons_are_those_that_we_name():
    job = read(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]["elsewhere"]
    pythons = [".".join(python.split(".")[:2]) for python in resolve.PYTHONS]
    assert job["strategy"]["matrix"]["python"] == pythons


def test_a_release_follows_the_tests_and_needs_no_password():
    path = ROOT / ".github" / "workflows" / "release.yml"
    publish = read(path)["jobs"]["publish"]
    assert publish["needs"] == ["tests", "build"]
    assert publish["permissions"] == {"id-token": "write"}
    assert "secrets" not in path.read_text(encoding="utf-8")


def test_actionlint_finds_nothing():
    if not shutil.which("actionlint"):
        pytest.skip("actionlint is not on this machine")
    found = subprocess.run(["actionlint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
