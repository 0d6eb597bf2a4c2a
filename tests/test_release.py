r"""The notebooks made from a source, and what the source must be like."""

import json
import os
import re
import subprocess
import sys

import needs
import pytest
from click.testing import CliRunner

needs.package("jupytext")
import nbformat

from lrcourse.cli import main
from lrcourse.course.release import ReleaseError, differences, find_root, release, stub

SOURCE = '''\
# %% [markdown]
# # Backprop
# Text with a [link](https://example.org).

# %%
import numpy as np

# %% [markdown]
# ### Exercise 02.1
# **The sigmoid's gradient**
#
# Return $\\partial L / \\partial x$.

# %% exercise="02.1"
def sigmoid_backward(d_y, y):
    r"""Return d_y * y * (1 - y)."""
    ### BEGIN SOLUTION
    slope = y * (1 - y)
    return d_y * slope
    ### END SOLUTION


# %%
check("02.1")

# %% [markdown]
# ### Exercise 02.2
# **A layer**

# %% exercise="02.2"
class Scale:
    r"""A layer that multiplies by w."""

    def __init__(self, w):
        self.w = w

    def forward(self, x):
        ### BEGIN SOLUTION
        self.x = x
        return self.w * x
        ### END SOLUTION

    def backward(self, d_y):
        """Keep me."""
        scale = 2
        ### BEGIN SOLUTION
        self.dw = scale * (d_y * self.x).sum()
        ### END SOLUTION
        return d_y


# %%
check("02.2")

# %% tags=["solution"]
print("a derivation that only the solution shows")

# %%
guess("02.a", "Up?", ["yes", "no"])

# %%
outcome("02.a", "no")

# %%
import numpy as np
'''


@pytest.fixture
def root(tmp_path):
    r"""A made-up repository with one source."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "lrcourse"\n')
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "02_backprop.py").write_text(SOURCE)
    return tmp_path


def notebook(root, folder):
    return json.loads((root / folder / "02_backprop.ipynb").read_text(encoding="utf-8"))


def sources(root, folder):
    return ["".join(cell["source"]) for cell in notebook(root, folder)["cells"]]


def test_both_notebooks_are_made_and_then_agree_with_their_source(root):
    made = [str(path.relative_to(root)) for path in release(root)]
    assert made == ["solutions/02_backprop.ipynb", "chapters/02_backprop.ipynb"]
    assert differences(root) == []
    assert release(root) == []
    for folder in ("solutions", "chapters"):
        text = (root / folder / "02_backprop.ipynb").read_text(encoding="utf-8")
        assert text.endswith("}\n")
        assert text.startswith('{\n "cells"')
        nbformat.validate(nbformat.reads(text, as_version=4))
        assert notebook(root, folder)["metadata"]["kernelspec"]["name"] == "python3"
        for cell in notebook(root, folder)["cells"]:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None


def test_the_chapter_keeps_signature_and_docstring_and_hides_the_solution(root):
    release(root)
    chapter = sources(root, "chapters")
    assert chapter[3] == (
        "def sigmoid_backward(d_y, y):\n"
        '    r"""Return d_y * y * (1 - y)."""\n'
        '    raise NotImplementedError("Exercise 02.1: write sigmoid_backward here.")'
    )
    assert (
        '        raise NotImplementedError("Exercise 02.2: write Scale.forward here.")'
        in chapter[6]
    )
    assert '        scale = 2\n        raise NotImplementedError("Exercise 02.2:' in chapter[6]
    assert chapter[6].endswith("        return d_y")
    assert not [cell for cell in chapter if "SOLUTION" in cell or "slope" in cell]
    assert not [cell for cell in chapter if "only the solution" in cell]
    assert [cell for cell in sources(root, "solutions") if "only the solution" in cell]
    assert notebook(root, "chapters")["cells"][3]["metadata"] == {"exercise": "02.1"}


def test_only_the_chapter_links_to_the_worked_solution(root):
    release(root)
    cell = notebook(root, "solutions")["cells"][2]["id"]
    link = f"\n\n[Worked solution](../solutions/02_backprop.ipynb#cell-id={cell})"
    assert sources(root, "chapters")[2] == sources(root, "solutions")[2] + link
    assert "Worked solution" not in "".join(sources(root, "solutions"))


def test_a_notebook_is_as_old_as_its_source(root):
    # jupytext shows an error in place of a notebook that is newer.
    source = root / "solutions" / "02_backprop.py"
    os.utime(source, (1e9, 1e9))
    release(root)
    assert {path.stat().st_mtime for path in root.glob("*/*.ipynb")} == {1e9}


def test_cell_ids_agree_between_the_notebooks_and_outlive_an_insertion(root):
    release(root)

    def ids(folder):
        return [cell["id"] for cell in notebook(root, folder)["cells"]]

    before = ids("solutions")
    assert len(set(before)) == len(before)  # two cells have the same text
    assert ids("chapters") == [i for n, i in enumerate(before) if n != 8]  # the tagged cell
    path = root / "solutions" / "02_backprop.py"
    path.write_text("# %%\n1 + 1\n\n" + SOURCE)
    release(root)
    assert ids("solutions")[1:] == before


def test_saving_the_solution_notebook_with_jupytext_changes_only_what_was_edited(root):
    release(root)
    path = root / "solutions" / "02_backprop.ipynb"
    source = root / "solutions" / "02_backprop.py"

    def sync():
        newer = source.stat().st_mtime + 10
        os.utime(path, (newer, newer))
        command = [sys.executable, "-m", "jupytext", "--sync", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return spaced(source.read_text(encoding="utf-8"))

    def spaced(text):  # jupytext and ruff differ on blank lines between cells
        return re.sub(r"\n\n+", "\n\n", text)

    assert sync() == spaced(SOURCE)
    edited = notebook(root, "solutions")
    edited["cells"][0]["source"] = ["# Backpropagation"]
    path.write_text(json.dumps(edited))
    old = "# # Backprop\n# Text with a [link](https://example.org)."
    assert sync() == spaced(SOURCE.replace(old, "# # Backpropagation"))


def edit(root, folder, change):
    release(root)
    content = notebook(root, folder)
    change(content)
    (root / folder / "02_backprop.ipynb").write_text(json.dumps(content))
    return differences(root)


def test_an_edited_line_is_found_with_its_cell_and_line(root):
    def change(content):
        content["cells"][3]["source"][1] = "    pass\n"

    assert edit(root, "chapters", change) == [
        "chapters/02_backprop.ipynb, cell 4, line 2: '    pass' should be "
        '\'    r"""Return d_y * y * (1 - y)."""\'.'
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda n: n["cells"].pop(1), "cell 2: a cell is missing: 'import numpy as np'"),
        (
            lambda n: n["cells"].insert(1, n["cells"][0] | {"source": ["stray"]}),
            "cell 2: this cell is not in the source: 'stray'",
        ),
        (lambda n: n["cells"][1].update(execution_count=3), "cell 2: its execution_count should"),
        (
            lambda n: n["cells"][1].update(outputs=[{"output_type": "stream"}]),
            "cell 2: its outputs should",
        ),
        (lambda n: n["cells"][1].update(id="other"), "cell 2: its id should"),
        (lambda n: n["cells"][3]["metadata"].clear(), "cell 4: its metadata should"),
        (lambda n: n["metadata"].update(widgets={}), "the notebook's metadata should be"),
        (lambda n: n.clear(), "is not a notebook"),
    ],
)
@pytest.mark.parametrize("folder", ["chapters", "solutions"])
def test_each_difference_is_found(root, folder, change, expected):
    found = edit(root, folder, change)
    assert len(found) == 1
    assert found[0].startswith(f"{folder}/02_backprop.ipynb")
    assert expected in found[0]


def test_missing_and_stray_notebooks_are_found(root):
    release(root)
    (root / "chapters" / "02_backprop.ipynb").rename(root / "chapters" / "03_other.ipynb")
    assert differences(root) == [
        "chapters/02_backprop.ipynb is missing.",
        "chapters/03_other.ipynb has no source solutions/03_other.py.",
    ]


FIRST = SOURCE[SOURCE.index("# %% [markdown]\n# ### Exercise 02.1") : SOURCE.index("# %%\ncheck")]
HEADING, ANSWER = FIRST.split("# %% exercise")
ANSWER = "# %% exercise" + ANSWER


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    return d_y * slope\n    ### END SOLUTION", "    return 1", "cell 4: unbalanced"),
        ("    ### BEGIN SOLUTION\n    slope", "    slope", "cell 4: unbalanced solution markers"),
        ("    slope = y * (1 - y)", "    ### BEGIN SOLUTION", "cell 4: unbalanced"),
        ("    slope = y * (1 - y)", "    ## END SOLUTION", "cell 4: line 4 must be exactly"),
        ("    slope = y * (1 - y)", "    slope = (", "cell 4: line"),
        (
            "    ### BEGIN SOLUTION\n    slope = y * (1 - y)\n    return d_y * slope\n"
            "    ### END SOLUTION",
            "    return 1",
            "cell 4: exercise 02.1 has no solution region",
        ),
        (
            "class Scale:\n",
            "### BEGIN SOLUTION\na = 1\n### END SOLUTION\nclass Scale:\n",
            "cell 7: the solution region at line 1 must stand inside a function",
        ),
        (
            "    def __init__(self, w):\n        self.w = w\n",
            "    ### BEGIN SOLUTION\n    w = 1\n    ### END SOLUTION\n",
            "cell 7: the solution region at line 4 must stand inside a function",
        ),
        (
            '    r"""Return d_y * y * (1 - y)."""\n    ### BEGIN SOLUTION\n',
            '    ### BEGIN SOLUTION\n    r"""Return d_y * y * (1 - y)."""\n',
            "cell 4: the stub has no docstring for sigmoid_backward",
        ),
        (
            "        return self.w * x\n        ### END SOLUTION\n\n    def backward(self, d_y):\n"
            '        """Keep me."""\n        scale = 2\n        ### BEGIN SOLUTION\n',
            "        return self.w * x\n\n    def backward(self, d_y):\n        scale = 2\n",
            "cell 7: the stub loses the signature of Scale.backward",
        ),
        ('exercise="02.1"', 'exercise="03.1"', "cell 4: the exercise's id is '03.1'"),
        ('exercise="02.1"', "exercise=2.1", "cell 4: the exercise's id is 2.1"),
        ('exercise="02.2"', 'exercise="02.1"', "cell 7: exercise 02.1 is already in cell 4"),
        ('check("02.1")', "pass", 'cell 4: no cell below it calls check("02.1")'),
        ('check("02.1")', '# check("02.1")', 'cell 4: no cell below it calls check("02.1")'),
        ("import numpy", 'check("02.7")\nimport numpy', 'no answer cell with exercise="02.7"'),
        (
            "# ### Exercise 02.1",
            "# ### Exercise 02.1: sigmoid",
            "must be exactly '### Exercise NN.",
        ),
        ("# ### Exercise 02.1", "# ## Exercise 02.1", "must be exactly '### Exercise NN.M'"),
        ("# ### Exercise 02.1", "# ### Sigmoid", "no cell above it starts with the heading"),
        ("# ### Exercise 02.2", "# ### Exercise 02.1", "02.1 has its heading in cell 3"),
        (FIRST, ANSWER + HEADING, "cell 3: no cell above it starts with the heading"),
        (ANSWER, "", 'cell 3: there is no answer cell with exercise="02.1"'),
        (
            'print("a der',
            "### BEGIN SOLUTION\nprint('a der",
            "a solution region outside an exercise",
        ),
        (
            "# Text with",
            "# ### BEGIN SOLUTION\n# Text with",
            "a solution region outside an exercise",
        ),
        ('exercise="02.1"', 'exercise="02.1" tags=["solution"]', "without the tag 'solution'"),
        ('guess("02.a"', 'guess("03.a"', "the id of a guess is '03.a', it must be like '02.a'"),
        ('guess("02.a"', 'guess("02.b"', 'cell 10: no cell below it calls outcome("02.b")'),
        ('guess("02.a"', 'hint("02.a"', 'cell 11: there is no guess("02.a")'),
        ('outcome("02.a", "no")', "1", 'cell 10: no cell below it calls outcome("02.a")'),
        ('outcome("02.a", "no")', 'outcome("02.a", 1); 2', 'cell 11: outcome("02.a") must end'),
        ('outcome("02.a"', 'guess("02.a"', 'cell 11: guess("02.a") is already in cell 10'),
    ],
)
def test_a_source_that_breaks_the_contract_is_refused(root, old, new, expected):
    path = root / "solutions" / "02_backprop.py"
    assert SOURCE.count(old) >= 1
    path.write_text(SOURCE.replace(old, new, 1))
    with pytest.raises(ReleaseError) as error:
        release(root)
    assert expected in str(error.value)
    assert all(
        line.startswith("solutions/02_backprop.py, cell ") for line in str(error.value).split("\n")
    )
    assert not list(root.glob("*/*.ipynb"))


def test_a_helper_inside_the_solution_is_not_missed():
    source = (
        'def f(x):\n    """One."""\n    ### BEGIN SOLUTION\n'
        "    def half(x):\n        return x / 2\n\n    return half(x)\n    ### END SOLUTION"
    )
    assert stub(source, "02.1").split("\n") == [
        "def f(x):",
        '    """One."""',
        '    raise NotImplementedError("Exercise 02.1: write f here.")',
    ]


def test_names_of_sources_are_checked(root):
    (root / "solutions" / "notes.py").write_text(SOURCE)
    (root / "solutions" / "02_twin.py").write_text(SOURCE)
    with pytest.raises(ReleaseError) as error:
        release(root)
    assert "solutions/02_twin.py: 02_backprop.py is chapter 02." in str(error.value)
    assert "solutions/notes.py: its name must be like" in str(error.value)


def test_the_repository_is_found_from_a_folder_inside_it(root):
    assert find_root(root / "solutions") == root


def test_the_command_writes_checks_and_reports(root, monkeypatch):
    monkeypatch.chdir(root / "solutions")
    result = CliRunner().invoke(main, ["release", "--check"])
    assert result.exit_code == 1
    assert "chapters/02_backprop.ipynb is missing." in result.output
    result = CliRunner().invoke(main, ["release"])
    assert result.exit_code == 0
    assert "wrote chapters/02_backprop.ipynb" in result.output.replace("\\", "/")
    result = CliRunner().invoke(main, ["release", "--check"])
    assert result.exit_code == 0
    (root / "solutions" / "02_backprop.py").write_text(SOURCE.replace('check("02.1")', ""))
    result = CliRunner().invoke(main, ["release"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: solutions/02_backprop.py, cell 4:")


def test_without_jupytext_it_says_what_to_install(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    with pytest.raises(ReleaseError, match=r"jupytext is missing: run  pip install"):
        release(root)
