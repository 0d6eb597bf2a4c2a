r"""The repository and the wheel as wholes: layout, layers, import time, notebooks, style."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

import needs
import pytest
from benchmarks import lines
from packaging.requirements import Requirement

from lrcourse.course.release import differences

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lrcourse"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("solutions/*.ipynb")])

# A module may import from the floors before its own.
FLOORS = [
    # __init__.py has lazy names only
    {"lrcourse", "browser", "files", "messages", "palette", "datasets"},
    {"nn", "optim", "schedules", "whitening", "data"},
    {"measure", "training", "callbacks", "range_test", "torch_optim", "plots"},
    {"sweep"},
    {"papers"},
    {"exercises"},
    {"__main__", "cli", "course", "grading", "labs", "site", "widgets"},
]
# Besides, these may import from a part of their own floor: (importer, imported).
BESIDE = {
    *[(rules, "nn") for rules in ("optim", "schedules", "whitening")],
    *[
        ("datasets", "files"),
        ("datasets", "messages"),
        ("callbacks", "training"),
        ("range_test", "training"),
        ("range_test", "plots"),
    ],
    *[("cli", part) for part in ("course", "grading", "site")],
    *[("__main__", "cli"), ("grading", "course"), ("labs", "widgets")],
    *[("site", "course"), ("site", "widgets")],
}


def test_the_top_level_holds_what_the_design_names():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listed.stdout.splitlines() if not name.startswith(".")}
    assert top == set(
        [
            "pyproject.toml",
            "README.md",
            "LICENSE",
            "chapters",
            "lrcourse",
            "solutions",
            "tests",
            "binder",
        ]
    )


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS].count("00_start_here.ipynb") == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_notebook_is_small_and_holds_no_output(path):
    assert path.stat().st_size < 60_000
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]  # forges refuse to show such a notebook
    for number, cell in enumerate(notebook["cells"], start=1):
        assert not cell.get("outputs"), f"cell {number} holds outputs"
        assert cell.get("execution_count") is None, f"cell {number} holds a count"
        assert not cell.get("attachments"), f"cell {number} holds an attachment"


def test_the_notebooks_are_as_their_sources_say():
    needs.package("jupytext")
    assert differences(ROOT) == []


def python(code, *flags):
    r"""Run code in a bare interpreter; return what it printed."""
    command = [sys.executable, *flags, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def loaded_by(statement):
    r"""The modules that a statement loads in a bare interpreter."""
    return python(
        f"import sys; b = {{*sys.modules}}; {statement}; print(*{{*sys.modules}} - b)"
    ).split()


def test_import_loads_next_to_nothing():
    loaded = loaded_by("import lrcourse")
    assert "lrcourse" in loaded and len(loaded) < 20  # 5; NumPy alone would be 150


def test_the_command_loads_only_click_and_the_standard_library():
    names = {name.split(".")[0] for name in loaded_by("import lrcourse.cli")}
    assert names - sys.stdlib_module_names == {"lrcourse", "click"}


GROUND_CODE, GROUND_PAGE = 1_070, 2_450  # python -m tests.benchmarks.lines shows the parts


def test_the_ground_can_be_read_in_one_evening():
    code, page = lines.total(path for name in lines.GROUND for path in lines.part(name))
    assert 0 < code <= GROUND_CODE
    assert 0 < page <= GROUND_PAGE


def test_tab_shows_every_name_of_the_package():
    names = {"check", "data", "fit", "hint", "labs", "load", "nn", "optim"}
    assert names <= {*python("import lrcourse; print(*dir(lrcourse))").split()}


def test_labs_can_be_imported_as_it_is_called():
    assert python("import lrcourse.labs; print(lrcourse.labs.bowl.__name__)") == "bowl\n"


def part(module):
    r"""The part of the package that a module belongs to: "course" for lrcourse.course.release."""
    return module.split(".")[min(1, module.count("."))]


def floor(name):
    found = [number for number, names in enumerate(FLOORS) if name in names]
    assert found, f"{name} is on no floor of tests/test_package.py"
    return found[0]


def dotted(path):
    r"""The name by which a file of the package is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    r"""Each (line, module of lrcourse) that a file imports, inside functions too."""
    here = path.relative_to(ROOT).with_suffix("").parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body.clear()  # never runs
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) + "." if node.level else ""
            names = [f"{(base + (node.module or '')).strip('.')}.{a.name}" for a in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "lrcourse":
                # from lrcourse import __version__: a name of the package itself
                known = len(name.split(".")) > 1 and is_module(name.split(".")[1])
                yield node.lineno, name if known else "lrcourse"


def is_module(name):
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    own = part(dotted(path))
    wrong = [
        (line, name)
        for line, name in imports(path)
        if part(name) != own and floor(part(name)) >= floor(own) and (own, part(name)) not in BESIDE
    ]
    assert wrong == []


def test_no_two_modules_have_one_name():
    names = [path.stem for path in MODULES if not path.stem.startswith("__")]
    assert len(names) == len(set(names))


def test_no_modules_import_each_other_even_in_a_circle():
    names, arrows = {dotted(path) for path in MODULES}, {}
    for path in MODULES:
        arrows[dotted(path)] = found = set()
        for _, name in imports(path):
            while name not in names:  # a class or a function: the module that it is in
                name = name.rpartition(".")[0]
            found.add(name)
        found.discard(dotted(path))  # its __init__.py imports names, and modules beside it
    list(TopologicalSorter(arrows).static_order())  # raises CycleError, which names the circle


OVERRIDDEN = ("forward", "backward", "begin", "update")


def public(tree):
    r"""The public functions, classes and methods of a module, as (name, node)."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{name}", method) for name, method in public(node))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_public_is_documented_and_typed(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    for name, node in public(tree):
        if any(ast.unparse(decorator).endswith(".setter") for decorator in node.decorator_list):
            continue  # its getter has the docstring
        documented_once = path.name == "nn.py" or path.parent.name == "optim"  # in Layer and Rule
        if not (documented_once and name.split(".")[-1] in OVERRIDDEN):
            assert ast.get_docstring(node), f"{name} has no docstring"
        if isinstance(node, ast.FunctionDef):
            every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            bare = [a.arg for a in every if a.annotation is None and a.arg not in ("self", "cls")]
            assert not bare, f"{name}: {bare} have no types"


def ruff(*arguments):
    needs.package("ruff")
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff_finds_nothing():
    ruff("check", "--no-cache")


def test_mypy_finds_nothing():
    needs.package("mypy")
    command = [sys.executable, "-m", "mypy", "--no-error-summary"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff_would_not_reformat_anything():
    ruff("format", "--check", "--no-cache")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    r"""The wheel, built from the working tree without the network."""
    needs.package("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_course(wheel):
    assert wheel.stat().st_size < 10_000_000
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in NOTEBOOKS:
        assert f"lrcourse/course/{path.parent.name}/{path.name}" in names
    for path in MODULES:
        assert path.relative_to(ROOT).as_posix() in names
    for path in [*(PACKAGE / "datasets").iterdir(), *(PACKAGE / "site").iterdir()]:
        if path.is_file():
            assert path.relative_to(ROOT).as_posix() in names
    assert not [name for name in names if "checkpoint" in name or name.endswith(".pyc")]


def test_an_installed_wheel_finds_its_chapters(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from lrcourse.course.workspace import course_folder; print(course_folder())"
    )
    assert python(code, "-I").strip() == str(tmp_path / "lrcourse" / "course")


def named(requirement):
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


@pytest.fixture(scope="module")
def pins():
    r"""The versions in constraints.txt, by normalized name: one, or one for each Python."""
    lines = (ROOT / "binder" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = {}
    for pin in (Requirement(line) for line in lines if not line.startswith("#")):
        found.setdefault(named(pin), {})[str(pin.specifier).removeprefix("==")] = pin.marker
    return found


@pytest.fixture(scope="module")
def direct():
    r"""What pyproject names for use, or in an extra; ``lrcourse[browser]`` stands for others."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    every = (Requirement(text) for group in groups for text in group)
    return [requirement for requirement in every if requirement.name != "lrcourse"]


def test_the_constraints_keep_the_ranges(pins, direct):
    for needed in direct:
        for version in pins[named(needed)]:
            assert needed.specifier.contains(version), needed


@pytest.mark.parametrize("python", ["3.11.5", "3.12.0", "3.13.0", "3.14.0", "3.15.0", "3.16.0"])
def test_each_python_has_one_version_of_a_package(pins, python):
    here = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    for name, versions in pins.items():
        kept = [v for v, marker in versions.items() if marker is None or marker.evaluate(here)]
        assert len(kept) == 1, name


def test_no_pin_is_stray(pins, direct):
    r"""Each is of a package that we name, or that one of them needs in turn on some system."""
    reached, todo = set(), list(direct)
    while todo:
        needed = todo.pop()
        if (one := (named(needed), frozenset(needed.extras))) in reached:
            continue
        reached.add(one)
        try:
            texts = metadata.requires(needed.name) or []
        except metadata.PackageNotFoundError:
            continue
        for further in map(Requirement, texts):
            asked = re.findall(r"extra == ['\"]([^'\"]+)", str(further.marker))
            if not asked or needed.extras & set(asked):
                todo.append(further)
    assert pins.keys() - {name for name, _ in reached} == set()


def test_the_test_extra_is_all_of_the_extras():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (others,) = (r for r in map(Requirement, extras["test"]) if r.name == "lrcourse")
    assert others.extras == extras.keys() - {"test"}


def test_a_plain_run_needs_neither_xdist_nor_nbval():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:nbval"]
    command += ["--collect-only", "-p", "no:cacheprovider", "tests/test_conventions.py"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_is_missing_is_skipped_but_fails_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no_such_package .*pip install -e"):
        needs.package("no_such_package")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"no_such_package .*CI runs every test"):
        needs.package("no_such_package")


def test_the_table_in_readme_says_what_the_chapters_say():
    rows = re.findall(
        r"^\| \[(\d\d) .+\]\((chapters/.+)\) \| .+\? \| (\d+) \| \[\d\d\]\((.+)\) \| (\d+) \|$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    sources = sorted((ROOT / "solutions").glob("*.py"))
    assert [row[0] for row in rows] == [path.name[:2] for path in sources]
    for (_, chapter, exercises, solution, minutes), path in zip(rows, sources, strict=True):
        source = path.read_text(encoding="utf-8")
        assert (ROOT / chapter).is_file() and (ROOT / solution).is_file()
        assert source.count('exercise="') == int(exercises), path.name
        assert f"about {minutes} minutes" in source, path.name


def test_ci_runs_both_commands_of_readme():
    commands = re.findall(r"```bash\n(.+)\n```", (ROOT / "README.md").read_text(encoding="utf-8"))
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert commands[1] in lines
    assert any("tests/wheel.sh" in line for line in lines[lines.index(commands[1]) + 1 :])
    assert commands[0].endswith(" && .venv/bin/lrcourse lab")  # tests/wheel.sh cuts this off


def test_the_hours_in_readme_are_those_of_its_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    minutes = list(map(int, re.findall(r"^\| \[\d\d .+ \| (\d+) \|$", text, re.MULTILINE)))
    hours = re.search(r"about (\d+) hours with all exercises, and (\d+) more for part two", text)
    assert [round(sum(part) / 60) for part in (minutes[:16], minutes[16:])] == [
        int(hour) for hour in hours.groups()
    ]


def test_without_a_gpu_readmes_command_only_names_an_index_more():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (usual,) = re.findall(r"```bash\n(.+lrcourse lab)\n```", text)
    (small,) = re.findall(r"```sh\n(.+lrcourse lab)\n```", text)
    index = " --extra-index-url https://download.pytorch.org/whl/cpu"
    assert small.replace(index, "") == usual


def test_the_ten_lines_in_readme_print_what_they_say(capsys):
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text("utf-8"), re.S)[1]
    exec(code, {})
    shapes, accuracy = capsys.readouterr().out.splitlines()[-2:]  # above: perhaps a progress bar
    said = re.findall(r"  # ([^:\n]+)", code)
    assert shapes == said[0]
    assert float(accuracy) == pytest.approx(float(said[1]), abs=0.02)  # BLAS libraries differ
