r"""The repository and the wheel as wholes: layout, layers, import time, notebooks, style."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from lrcourse.course.release import differences

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lrcourse"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("solutions/*.ipynb")])

# Each layer may import from the layers before it, and from its own.
LAYERS = [
    {"lrcourse", "files", "messages", "palette"},  # the cellar; __init__.py has lazy names only
    {"optim", "nn", "data", "datasets", "schedules", "whitening", "plots"},  # plots draws arrays
    {"training", "torch_optim"},
    {"exercises", "fingerprint", "range_test", "sweep"},
    {"cli", "__main__", "widgets", "grading", "papers", "course", "docs", "site"},
]


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
    assert path.stat().st_size < 50_000
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]  # forges refuse to show such a notebook
    for number, cell in enumerate(notebook["cells"], start=1):
        assert not cell.get("outputs"), f"cell {number} holds outputs"
        assert cell.get("execution_count") is None, f"cell {number} holds a count"
        assert not cell.get("attachments"), f"cell {number} holds an attachment"


def test_the_notebooks_are_as_their_sources_say():
    assert differences(ROOT) == []


def python(code, *flags):
    r"""Run code in a bare interpreter; return what it printed."""
    command = [sys.executable, *flags, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_import_is_fast():
    r"""At most 50 ms of processor time over bare Python: the least of runs that take turns."""
    report = "import time; print(time.process_time())"
    runs = [(float(python(report)), float(python("import lrcourse; " + report))) for _ in range(7)]
    bare, imported = (min(times) for times in zip(*runs, strict=True))
    assert imported - bare <= 0.050


def test_import_loads_nothing_heavy():
    code = "import sys, lrcourse, lrcourse.cli; print(*{m.split('.')[0] for m in sys.modules})"
    heavy = {"torch", "matplotlib", "ipywidgets", "anywidget", "numpy", "IPython", "jupyterlab"}
    assert not heavy & set(python(code).split())


def layer(module):
    r"""The number of a module's layer: ``lrcourse.course.release`` is in that of ``course``."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else parts[0]
    found = [number for number, names in enumerate(LAYERS) if name in names]
    assert found, f"{module} is in no layer of tests/test_package.py"
    return found[0]


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
    parts = path.relative_to(ROOT).with_suffix("").parts
    own = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    upward = [(line, name) for line, name in imports(path) if layer(name) > layer(own)]
    assert upward == []


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
        assert ast.get_docstring(node), f"{name} has no docstring"
        if isinstance(node, ast.FunctionDef):
            every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            bare = [a.arg for a in every if a.annotation is None and a.arg not in ("self", "cls")]
            assert not bare, f"{name}: {bare} have no types"


def ruff(*arguments):
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
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--no-error-summary"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff_would_not_reformat_anything():
    ruff("format", "--check", "--no-cache")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    r"""The wheel, built from the working tree without the network."""
    pytest.importorskip("hatchling")
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
    for path in (PACKAGE / "datasets").iterdir():
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


def test_the_constraints_keep_the_ranges():
    r"""Each package that pyproject names for use or test has an exact version in its range."""
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "binder" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pins = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    for text in project["dependencies"] + project["optional-dependencies"]["test"]:
        needed = Requirement(text)
        assert needed.specifier.contains(pins[needed.name])
    assert pins["torch"] == "2.13.0"


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


def test_the_ten_lines_in_readme_print_what_they_say(capsys):
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text("utf-8"), re.S)[1]
    exec(code, {})
    shapes, accuracy = capsys.readouterr().out.splitlines()[-2:]  # above: perhaps a progress bar
    said = re.findall(r"  # ([^:\n]+)", code)
    assert shapes == said[0]
    assert float(accuracy) == pytest.approx(float(said[1]), abs=0.02)  # BLAS libraries differ
