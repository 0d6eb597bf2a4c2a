"""The parts of the grader that need no sandbox."""

import csv
from contextlib import suppress

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcourse.cli import main

pytest.importorskip("msgpack")
pytest.importorskip("jinja2")

from lrcourse.grading import GradingError, assign, intake, sandbox, wire
from lrcourse.grading.cells import needed
from lrcourse.grading.feedback import file_name
from lrcourse.grading.store import Store, cell, write_csv


def refuse(value):
    raise wire.WireError("not plain")


def there_and_back(value):
    message = wire.unpack(wire.pack(["value", b"id", wire.encode(value, refuse)])[4:])
    return wire.decode(message[2], refuse)


def test_plain_data_travels_with_its_types():
    value = [1, 2**100, 0.5, "x", None, True, (1, [2]), {"a": (3,), 4: 5.0}]
    assert there_and_back(value) == value
    assert repr(there_and_back(value)) == repr(value)
    for dtype in "?bhilqBHILQefdFD":
        array = np.arange(6).astype(dtype).reshape(2, 3)
        back = there_and_back(array)
        assert back.dtype == array.dtype and back.flags.writeable
        np.testing.assert_array_equal(back, array)
    assert there_and_back(np.zeros((), ">f4")).shape == ()
    assert type(there_and_back(np.float32(2))) is np.float32
    rng = np.random.default_rng(7)
    rng.normal()
    assert there_and_back(rng).normal() == rng.normal()


@pytest.mark.parametrize(
    "tree",
    [
        [],
        ["nothing"],
        {"a": 1},
        b"bytes",
        ["array", "|O8", [1], b"12345678"],
        ["array", "<f8", [2**40], b""],
        ["array", "<f8", [-1], b""],
        ["array", "<f8", [2], b"12345678"],
        ["array", "<f8", [True], b"12345678"],
        ["int", "1" * 401],
        ["int", "x"],
        ["dict", [[1]]],
        ["dict", [[["list", []], 1]]],
    ],
)
def test_malformed_values_are_refused(tree):
    with pytest.raises(wire.WireError):
        wire.decode(tree, refuse)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data):
    with suppress(wire.WireError):
        wire.decode(wire.unpack(data)[-1], refuse)


def test_lengths_are_limited():
    with pytest.raises(wire.WireError, match="too large"):
        wire.length(b"\xff\xff\xff\xff")
    with pytest.raises(wire.WireError, match="32 MB"):
        wire.pack(["value", b"", bytes(33 * 2**20)])


def sources(statements):
    import ast

    return [ast.unparse(statement) for statement in statements]


def test_an_answer_brings_the_definitions_that_it_uses_and_no_more():
    cells = [
        "import numpy as np\nimport torch",
        "w = 3\nprint('training')\nscale = 2",
        "def helper(x):\n    return np.exp(x) * scale",
        "def broken(",
        "def answer(w):\n    return helper(w) + later",
        "later = 1\nscale = 5",
    ]
    found = sources(needed(cells, 4, ["answer"]))
    assert found == [
        *("import numpy as np", "scale = 2"),
        "def helper(x):\n    return np.exp(x) * scale",
        "later = 1",
    ]


def test_an_import_is_no_answer():
    cells = ["from lrcourse.nn import softmax_cross_entropy", "x = 1"]
    assert needed(cells, 1, ["softmax_cross_entropy"]) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "|x", "\r\n=1"])
def test_no_cell_is_a_formula(text, tmp_path):
    assert cell(text).startswith("'")
    write_csv(tmp_path / "t.csv", ["a"], [[text]])
    assert len(list(csv.reader((tmp_path / "t.csv").open(newline="")))) == 2


def test_file_names_are_harmless_and_different():
    names = ["a", "A", "../../etc", "a/b", "a b", "a_b", "é", "CON", "x" * 300]
    made = [file_name(name) for name in names]
    assert len({name.lower() for name in made}) == len(names)
    assert not [name for name in made if "/" in name or name.startswith(".") or len(name) > 100]


def test_rosters(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("name,student\nAnna,a1\nBob,b2\n")
    assert intake.read_roster(path) == ["a1", "b2"]
    path.write_text("a1\nb2\n")
    assert intake.read_roster(path) == ["a1", "b2"]
    for text, words in (("name,students\nx,y\n", "is it"), ("a\na\n", "twice")):
        path.write_text(text)
        with pytest.raises(GradingError, match=words):
            intake.read_roster(path)


def test_names_that_learning_platforms_give(tmp_path):
    for name in ("doejane_123_456_02_backprop.ipynb", "ann-02.ipynb", "bo_02_backprop (1).ipynb"):
        (tmp_path / name).write_text("")
    (tmp_path / "Jane Doe_99_assignsubmission_file").mkdir()
    found = {s.student for s in intake.submissions(tmp_path, [])}
    assert found == {"doejane_123_456", "ann", "bo", "Jane Doe_99"}
    found = {s.student for s in intake.submissions(tmp_path, ["doejane", "Jane Doe", "zoe"])}
    assert found == {"doejane", "Jane Doe", "zoe", "ann", "bo"}


def test_a_row_is_written_whole_or_not_at_all(tmp_path):
    store = Store(tmp_path / "grades.sqlite")
    detail = [{"points": 2, "possible": 3}]
    store.put("a", "00", "graded", detail=detail, texts={"q": "text"})
    with pytest.raises(Exception, match=r"bind|supported"):
        store.put("a", "00", "graded", detail=[], texts={"q": object()})
    (row,) = store.rows()
    assert (row["points"], row["possible"], row["detail"]) == (2, 3, detail)
    store.close()


def test_root_is_refused(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for kind in sandbox.KINDS:
        with pytest.raises(GradingError, match="ordinary user"):
            sandbox.ensure(kind)


def test_without_bubblewrap_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(GradingError, match="install the package `bubblewrap`"):
        sandbox.ensure("bubblewrap")


def test_a_bundle(tmp_path):
    folder = tmp_path / "week"
    done = CliRunner().invoke(main, ["assign", str(folder), "01", "02", "--due", "Friday, 18:00"])
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (folder / "chapters").iterdir()) == [
        *("01_one_knob.ipynb", "02_backprop.ipynb"),
    ]
    assert "**Due: Friday, 18:00**" in (folder / "README.md").read_text()
    again = CliRunner().invoke(main, ["assign", str(folder), "01"])
    assert again.exit_code == 1 and "not empty" in again.output
    with pytest.raises(GradingError, match="did you mean 02"):
        assign.bundle(tmp_path / "other", ("2",), "")
