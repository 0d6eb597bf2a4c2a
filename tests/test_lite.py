r"""The course in the browser: what is left out without PyTorch, and what is built."""

import ast
import io
import json
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import needs
import numpy as np
import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell
from packaging.markers import default_environment
from packaging.requirements import Requirement

from lrcourse import browser
from lrcourse.browser import SAID, WithoutBlas, WithoutTorch, adapt_cells
from lrcourse.cli import main

needs.package("jupyterlite_core")
needs.package("jupyterlite_pyodide_kernel")
import pyodide_release

from lrcourse.site import SiteError, lite

ROOT = Path(__file__).parents[1]


def left(*cells):
    r"""What remains of the last cell, after the others."""
    without = WithoutTorch()
    *_, cell = (without.visit(ast.parse(text)) for text in cells)
    return ast.unparse(cell).replace(f"print({SAID!r})", "SAID").splitlines()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["a = 1"], ["a = 1"]),
        (
            ["from lrcourse.exercises.chapter_16 import torch_loss\na = 1\nb = torch_loss(a)"],
            ["SAID", "a = 1"],
        ),
        (["import torch\nimport numpy as np"], ["SAID", "import numpy as np"]),
        (["from torch import nn\nnn.Linear(1, 1)"], ["SAID"]),
        (["from lrcourse import torch_optim"], ["SAID"]),
        (["from lrcourse.torch_optim import Optimizer"], ["SAID"]),
        (["import torchless\ntorchless.x"], ["import torchless", "torchless.x"]),
        (["import torch", "w = torch.zeros(1)", "print(w)\nprint(1)"], ["SAID", "print(1)"]),
        (["import torch\nw = torch.zeros(1)", "w = 2\nprint(w)"], ["w = 2", "print(w)"]),
        (["import torch\ndef f(): return torch", "f()"], ["SAID"]),
        (["import torch\nw = torch", "f = lambda w: w"], ["f = lambda w: w"]),
        (["import torch\nw = torch", "for w in v:\n    print(w)"], ["for w in v:", "    print(w)"]),
        (["import torch\nw = torch", "for v in 1, 2:\n    w += v"], ["SAID"]),
        (["import torch\nw = torch", "w += 1"], ["SAID"]),
        (["import torch\nw = []\nfor i in 1, 2:\n    w.append(torch)", "print(w)"], ["SAID"]),
        (["import torch\nw = {}\nw[1] = torch", "print(w)"], ["SAID"]),
        (["import torch\nwith open('a') as f:\n    a = torch", "f, a"], ["SAID"]),
        (["import torch\nif torch:\n    a = 1\nelse:\n    b = 1", "b"], ["SAID"]),
        (["import torch\nf = torch", "def f(): f()\nf()"], ["def f():", "    f()", "f()"]),
    ],
)
def test_what_needs_torch_is_left_out(cells, expected):
    assert left(*cells) == expected


def test_a_shell_leaves_torch_out_once(monkeypatch, capsys):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    adapt_cells()
    adapt_cells()
    assert len(shell.ast_transformers) == 2
    assert shell.run_cell("import torch\nw = torch.zeros(3)\nn = 2\nprint(n)").success
    assert capsys.readouterr().out == f"{SAID}\n2\n"


def test_a_cell_multiplies_as_before(monkeypatch):
    r"""Whatever stands around an @, and whatever it multiplies."""
    rng = np.random.default_rng(0)
    names = {"np": np, "x": rng.normal(size=(300, 200)), "v": np.ones(200), "l": [[1, 2], [3, 4]]}
    texts = ["x.T @ x", "x @ v", "x @ x.T @ x @ v", "l @ np.eye(2)", "x[None] @ x.T", "-x.T @ -x"]
    texts += ["x.astype(np.float32) @ x.T", "2 * x @ (x - 1).T"]
    monkeypatch.setattr(browser, "IN_BROWSER", True)
    monkeypatch.setattr(browser, "MOST", 2**20)  # blocks of 17 rows and of 26
    for text in texts:
        tree = WithoutBlas().visit(ast.parse(text, mode="eval"))
        found, expected = eval(compile(tree, "", "eval"), dict(names)), eval(text, dict(names))
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    tree = WithoutBlas().visit(ast.parse("\nx @ x", mode="eval"))
    with pytest.raises(ValueError, match="matmul") as raised:
        eval(compile(tree, "cell", "eval"), dict(names))
    assert raised.traceback[1].frame.code.raw.co_filename == "cell"
    assert raised.traceback[1].lineno + 1 == 2


def test_training_warns_of_no_thread():
    r"""A browser has no threads, and a warning of that would stand below every first run."""
    code = """
        import sys, threading, warnings, numpy, tqdm

        def start(thread):
            raise RuntimeError("can't start new thread")

        sys.platform, threading.Thread.start = "emscripten", start
        warnings.simplefilter("error")
        from lrcourse import fit, nn
        from lrcourse.optim import SGD

        rng = numpy.random.default_rng(0)
        data = rng.normal(size=(4, 2)), numpy.array([0, 1, 0, 1])
        network = nn.Network([nn.Linear(2, 2)], rng)
        fit(network, data, SGD(), learning_rate=0.1, batch_size=2, epochs=1, rng=rng)
    """
    line = [sys.executable, "-c", textwrap.dedent(code)]
    ran = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_chapters_lose_nothing_but_what_needs_torch():
    r"""Of chapter 14 next to nothing is left, of the others no exercise and no lab is lost."""
    for path in sorted(ROOT.glob("chapters/*.ipynb")):
        without, lost = WithoutTorch(), ""
        for cell in json.loads(path.read_bytes())["cells"]:
            if cell["cell_type"] == "code":
                text = "".join(cell["source"])
                whole = ast.unparse(ast.parse(text))
                after = ast.unparse(without.visit(ast.parse(text)))
                if after != whole and ("exercise" in cell["metadata"] or "labs." in text):
                    kept = after.splitlines()
                    lost += "".join(f"{one}\n" for one in whole.splitlines() if one not in kept)
        if not path.name.startswith("14"):
            assert "labs." not in lost and "raise NotImplementedError" not in lost, path.name


def test_what_a_cell_calls_needs_no_torch_or_says_so_in_its_name():
    r"""For the cell that imports it loses what needs it, as if it were a part of torch."""
    asking = {
        (path.stem, getattr(statement, "name", "the module itself"))
        for path in ROOT.glob("lrcourse/exercises/*.py")
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if path.stem != "chapter_14" and browser._imports_torch(statement)
    }
    assert asking == {("chapter_16", "torch_loss")}


def test_verdicts_need_no_torch():
    r"""Seven chapters show them."""
    code = """
        import sys

        sys.modules["torch"] = None  # an import of it fails
        from lrcourse import papers

        for name in papers.NAMES:
            papers.paper(name)
        papers.verdicts("layer-rates")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_the_browser_gets_what_it_can_have():
    wheels = lite._wheels()
    names = {name.partition("-")[0] for name in wheels}
    assert {"lrcourse", "anywidget", "ipywidgets", "psygnal", "comm"} <= names
    assert not names & {"torch", "jupyterlab", "ipykernel", "loky", "pooch", "numpy", "requests"}
    assert all(name.endswith("-py3-none-any.whl") for name in wheels)
    for data in wheels.values():
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            assert not [n for n in file.namelist() if n.endswith((".so", ".pyd"))]


def test_the_release_of_pyodide_is_in_the_ranges():
    pyodide_release.release()
    packages = pyodide_release.lock()
    wheels = lite._wheels()
    lrcourse = next(data for name, data in wheels.items() if name.startswith("lrcourse-"))
    with zipfile.ZipFile(io.BytesIO(lrcourse)) as file:
        (info,) = (name for name in file.namelist() if name.endswith("METADATA"))
        lines = file.read(info).decode().splitlines()
    here = {**default_environment(), **lite.BROWSER, "extra": ""}
    needed = [
        Requirement(line.split(": ")[1]) for line in lines if line.startswith("Requires-Dist")
    ]
    needed = [one for one in needed if not one.marker or one.marker.evaluate(here)]
    assert {one.name for one in needed} >= lite.PYODIDE
    for one in needed:
        if one.name in lite.PYODIDE:
            assert one.specifier.contains(packages[one.name]["version"]), one


def test_a_folder_without_pyodide_is_refused(tmp_path):
    with pytest.raises(SiteError, match=r"holds no pyodide\.js"):
        lite.lite(tmp_path)
    asked = CliRunner().invoke(main, ["site", str(tmp_path / "a"), "--pyodide", str(tmp_path)])
    assert asked.exit_code == 2 and "--pyodide is for --lite" in asked.output
