"""The parts of the grader that need no sandbox."""

import csv
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import Executor, Future
from contextlib import suppress
from datetime import UTC, datetime

import needs
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcourse.cli import main
from lrcourse.course import wheel as wheels

needs.package("msgpack")
needs.package("jinja2")

from lrcourse.grading import (
    GradingError,
    archive,
    assign,
    class_files,
    class_report,
    exports,
    grader,
    platforms,
    protocol,
    sandbox,
    submissions,
)
from lrcourse.grading.cells import needed
from lrcourse.grading.feedback import file_name
from lrcourse.grading.marks import Store, cell, write_csv
from lrcourse.grading.package_use import beyond, package_use


def refuse(value):
    raise protocol.ProtocolError("not plain")


def there_and_back(value):
    message = protocol.unpack(protocol.pack(["value", b"id", protocol.encode(value, refuse)])[4:])
    return protocol.decode(message[2], refuse)


def test_plain_data_travels_with_its_types():
    value = [1, 2**100, 0.5, "x", None, True, (1, [2]), {"a": (3,), 4: 5.0}, slice(1, None)]
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
        ["slice", 1, "2", None],
        ["dict", [[1]]],
        ["dict", [[["list", []], 1]]],
    ],
)
def test_malformed_values_are_refused(tree):
    with pytest.raises(protocol.ProtocolError):
        protocol.decode(tree, refuse)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data):
    with suppress(protocol.ProtocolError):
        protocol.decode(protocol.unpack(data)[-1], refuse)


def test_lengths_are_limited():
    with pytest.raises(protocol.ProtocolError, match="too large"):
        protocol.length(b"\xff\xff\xff\xff")
    with pytest.raises(protocol.ProtocolError, match="32 MB"):
        protocol.pack(["value", b"", bytes(33 * 2**20)])


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


RELU = "lrcourse.nn.ReLU"


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["from lrcourse.nn import ReLU"], [RELU]),
        (["from lrcourse.nn import ReLU as s\nf = s"], [RELU]),
        (["import lrcourse\nf = lrcourse.nn.ReLU"], [RELU]),
        (["import lrcourse.nn as n\ndef f(z):\n    return n.ReLU(z)"], [RELU]),
        (["def f(z):\n    from lrcourse import nn\n    return nn.ReLU(z)"], [RELU]),
        (["import lrcourse as lr\nf = getattr(lr.nn, 'ReLU')"], [RELU]),
        (["b = a.ReLU\nf = b", "import lrcourse\na = lrcourse.nn"], [RELU]),
        (["f = n.ReLU", "import lrcourse.nn as n\nfrom lrcourse.nn import Tanh"], [RELU]),
        (["import importlib\nf = importlib.import_module('lrcourse.nn').ReLU"], [RELU]),
        (["import sys\nf = sys.modules['lrcourse.nn'].ReLU"], [RELU]),
        (["f = __import__('lrcourse.nn').nn.ReLU"], [RELU]),
        (["class f(R):\n    pass", "from lrcourse.nn import ReLU as R"], [RELU]),
        (["f = ReLU", "from lrcourse.nn import *"], ["lrcourse.nn.*"]),
        (["from lrcourse import yours\nf = yours('02.1')"], ["lrcourse.yours"]),
        (["f = vars(lrcourse.nn)['soft' + 'max']", "import lrcourse"], ["lrcourse.nn"]),
        (["from lrcourse import check\ndef f():\n    return 1\ncheck('02.2')"], []),
        (["import lrcourse\ndef f():\n    return 1"], []),
        (["def f():\n    return 1", "import lrcourse\ng = lrcourse.nn.ReLU"], []),
        (["from lrcourseware import f"], []),
        (["def f(:"], []),
        (["f = " + "x." * 60_000 + "x"], []),
        (["import lrcourse.optim as o\nf = getattr(o, '\\udc80')"], []),
    ],
)  # fmt: skip
def test_what_of_the_package_an_answer_uses(cells, names):
    assert package_use(cells, 0, ["f"]) == names


def test_only_what_the_worked_solution_does_without_is_told():
    theirs = ["lrcourse.nn.ReLU", "lrcourse.optim.Adam", "lrcourse.optim.adam.AdaGrad"]
    assert beyond(theirs, ["lrcourse.optim.Adam", "lrcourse.optim.AdaGrad"]) == theirs[:1]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "|x", "\r\n=1", "＝1"])
def test_no_cell_is_a_formula(text, tmp_path):
    assert cell(text).startswith("'")
    write_csv(tmp_path / "t.csv", ["a"], [[text]])
    assert len(list(csv.reader((tmp_path / "t.csv").open(newline="")))) == 2


def test_no_part_of_a_cell_is_a_formula_where_semicolons_separate():
    assert cell("x;=1+1") == "x;'=1+1"
    assert cell("a; b, -1") == "a; b, -1"


def test_file_names_are_harmless_and_different():
    names = ["a", "A", "../../etc", "a/b", "a b", "a_b", "é", "CON", "x" * 300]
    made = [file_name(name) for name in names]
    assert len({name.lower() for name in made}) == len(names)
    assert not [name for name in made if "/" in name or name.startswith(".") or len(name) > 100]


def test_rosters(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("name,student\nAnna,a1\nBob,b2\n")
    roster = class_files.read_roster(path)
    assert roster.students == ["a1", "b2"] and roster.names["Bob"] == "b2"
    assert roster.columns == ["name"] and roster.cells["a1"] == ["Anna"]
    path.write_text("a1\nb2\n")
    assert class_files.read_roster(path).students == ["a1", "b2"]
    path.write_text("student,login,section\nAnn Lee,al,x\nBob,bo,x\n", encoding="utf-8-sig")
    assert set(class_files.read_roster(path).names) == {"Ann Lee", "al", "Bob", "bo"}
    for text, words in (("name,students\nx,y\n", "is it"), ("a\na\n", "twice")):
        path.write_text(text)
        with pytest.raises(GradingError, match=words):
            class_files.read_roster(path)


def test_names_that_learning_platforms_give(tmp_path):
    for name in ("doejane_123_456_02_backprop.ipynb", "ann-02.ipynb", "bo_02_backprop (1).ipynb"):
        (tmp_path / name).write_text("")
    (tmp_path / "Jane Doe_99_assignsubmission_file").mkdir()
    everyone = class_files.Roster()
    found = {s.student for s in submissions.submissions(tmp_path, everyone)}
    assert found == {"doejane_123", "ann", "bo", "Jane Doe_99"}
    names = ["doejane", "Jane Doe", "zoe"]
    roster = class_files.Roster(names, {name: name for name in names})
    found = {s.student for s in submissions.submissions(tmp_path, roster)}
    assert found == {"doejane", "Jane Doe", "zoe", "ann", "bo"}


@pytest.mark.parametrize(
    ("entry", "roster", "student"),
    [
        ("ann", ["ann"], "ann"),
        ("ann-marie", ["ann"], "ann-marie"),
        ("lee.smith", ["lee"], "lee.smith"),
        ("ann_homework.ipynb", ["ann"], "ann"),
        ("ann_marie_02.ipynb", ["ann"], "ann_marie"),
        ("ann_marie_02.ipynb", ["ann", "ann_marie"], "ann_marie"),
        ("Jos\u00e9_1234_assignsubmission_file", ["Jos\u00e9"], "Jos\u00e9"),
        ("Ann Lee_1234_assignsubmission_file_02_a.ipynb", [], "Ann Lee_1234"),
        ("Ann Lee_1234_assignsubmission_file_", ["Ann Lee_1234"], "Ann Lee_1234"),
        ("leeann_LATE_1234_5678_02_backprop-1.ipynb", ["leeann"], "leeann"),
        ("leeann_1234_5678_02_backprop.ipynb", ["1234"], "1234"),
        ("HW_2_jdoe_attempt_2026-03-12-10-15-30_02.ipynb", ["jdoe"], "jdoe"),
        ("1234-5678 - Ann Lee - Mar 12, 2026 1015 AM", [], "Ann Lee_1234"),
        ("1234-5678 - Ann Lee - Mar 12, 2026 1015 AM - 02.ipynb", ["Ann Lee"], "Ann Lee"),
        ("submission_123456", [], "submission_123456"),
        ("week-02.pdf", [], None),
        ("__MACOSX", [], None),
    ],
)
def test_whose_it_is(entry, roster, student):
    folder = not entry.endswith((".ipynb", ".pdf"))
    found = platforms.owner(entry, folder, {name: name for name in roster})
    assert (found and found.student) == student


def test_times_and_attempts_in_names(tmp_path):
    for name, when in {
        "HW_2_jdoe_attempt_2026-03-12-10-15-30_02.ipynb": (2026, 3, 12, 10, 15, 30),
        "1-2 - Ann Lee - Mar 9, 2026 115 PM": (2026, 3, 9, 13, 15),
        "1-2 - Ann Lee - Mar 9, 2026 1215 AM": (2026, 3, 9, 0, 15),
    }.items():
        assert platforms.owner(name, True, {}).when == datetime(*when).timestamp()
    for file in ("leeann_1_5_01.ipynb", "leeann_1_6_02.ipynb"):  # Canvas: two files, one attempt
        (tmp_path / file).write_text("{}")
    (found,) = submissions.submissions(tmp_path, class_files.Roster())
    assert len(found.problems) == 2 and not found.notes


GRADESCOPE = """\
submission_101:
  :submitters:
  - :name: "Chloe\u0301 Dupont"
    :sid: '3001'
    :email: chloe@uni.example
  :created_at: 2026-03-12 17:05:59.250000000 Z
  :score: 3.0
  :status: processed
  :results:
    tests: &1
    - name: anything
  :history:
  - :id: 99
    :created_at: 2026-03-11 10:00:00.000000000 Z
    :results: *1
  - :id: 100
    :created_at: 2026-03-12 09:00:00.000000000 Z
submission_102:
  :submitters:
  - :name: Bob Roe
    :sid: '3002'
    :email: bob@uni.example
  - :name: Cid Moe
    :sid:
    :email: cid@uni.example
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-03-12 18:00:00.000000000 Z
    zone: !ruby/object:ActiveSupport::TimeZone
      name: America/Los_Angeles
submission_103:
  :submitters:
  - :name: Bob Roe
    :sid: '3002'
    :email: bob@uni.example
  :created_at: 2026-03-01 18:00:00.000000000 Z
"""


def gradescope_export(path, metadata=GRADESCOPE):
    names = [f"submission_{n}/{file}.ipynb" for n, file in ((101, "a"), (102, "b"), (103, "c"))]
    notebook = json.dumps({"cells": [{"cell_type": "code", "source": "check('00.1')"}]})
    members = dict.fromkeys([*names, "submission_104/d.ipynb"], notebook)
    members = {"submission_metadata.yml": metadata, **members}
    zipped(path, **{f"assignment_7_export/{name}": text for name, text in members.items()})


def test_what_gradescope_exports_says_whose_each_is(tmp_path):
    r"""The keys of submission_metadata.yml, which Gradescope's guides do not describe, are those
    that otter-grader reads (github.com/ucbds-infra/otter-grader, otter/metadata.py); their meaning
    is that of gradescope-autograders.readthedocs.io/en/latest/submission_metadata. One attempt is
    exported, ``:history`` has the earlier ones.
    """
    gradescope_export(tmp_path / "export.zip")
    archive.unpack(tmp_path / "export.zip", tmp_path / "in")
    found = {s.student: s for s in submissions.submissions(tmp_path / "in", class_files.Roster())}
    names = ["Chlo\u00e9 Dupont_3001", "Bob Roe_3002", "Cid Moe_cid@uni.example", "submission_104"]
    assert [*found] == names
    first, bob, cid, _ = found.values()
    when = datetime(2026, 3, 12, 17, 5, 59, 250_000, tzinfo=UTC).timestamp()
    assert first.notebooks["00"].handed_in == when
    assert first.notes == ["the last of 3 attempts counts"]
    assert bob.notebooks["00"].path.endswith("b.ipynb") and cid.notebooks["00"].path.endswith(
        "b.ipynb"
    )
    assert bob.notes == ["the last of 2 attempts counts"] and cid.notes == []
    assert bob.entry == "submission_102/"
    assert bob.notebooks["00"].handed_in == when - 5 * 60 - 59.25 + 60 * 60
    names = {"bob@uni.example": "bob", "Chlo\u00e9 Dupont": "chloe", "cid": "cid", "3002": "bob"}
    roster = class_files.Roster(["bob", "chloe", "cid"], names)
    found = {s.student: s for s in submissions.submissions(tmp_path / "in", roster)}
    assert [*found] == ["bob", "chloe", "cid", "Cid Moe_cid@uni.example", "submission_104"]
    assert found["bob"].notebooks and found["chloe"].notebooks and not found["cid"].notebooks


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ("a: [", "line 2 is not YAML"),
        ("- a", "names no submissions"),
        ("a: !!python/object/apply:os.system [id]", "is not YAML"),
        ("a: *1", "is not YAML"),
        ("\0", "is not YAML"),
    ],
)
def test_a_damaged_file_of_gradescope_is_one_sentence(metadata, words, tmp_path):
    (tmp_path / "submission_metadata.yml").write_text(metadata)
    with pytest.raises(GradingError, match=words):
        list(submissions.submissions(tmp_path, class_files.Roster()))


@pytest.mark.parametrize(
    "metadata", ["submission_104: 3", "submission_104: {':submitters': [3, {':name': }]}"]
)
def test_an_entry_of_gradescope_that_names_nobody_stays_its_own(metadata, tmp_path):
    (tmp_path / "submission_metadata.yml").write_text(metadata)
    (tmp_path / "submission_104").mkdir()
    (found,) = submissions.submissions(tmp_path, class_files.Roster())
    assert found.student == "submission_104"


def test_due_dates_extensions_and_what_lateness_costs(tmp_path):
    path = tmp_path / "due.csv"
    path.write_text(
        "assignment;due;student\n02;2026-03-12 18:00;\n2;2026-03-14 18:00;ann@uni.example\n"
    )
    for late, cost in (("none", 0), ("10", 2), ("cut-off", 10), ("60", 10)):
        dates = class_files.Deadlines(path, late, {"ann@uni.example": "ann"})
        handed_in = datetime(2026, 3, 13, 18, 0, 1).timestamp()
        days = dates.days_late("bob", "02", handed_in)
        assert days == 2 and dates.penalty(10, days) == cost
        assert dates.days_late("ann", "02", handed_in) == 0
        assert dates.days_late("bob", "03", handed_in) == 0
        assert dates.penalty(10, 0) == 0
    with pytest.raises(GradingError, match="percent a day"):
        class_files.Deadlines(path, "some", {})
    path.write_text("assignment,due\n02,tomorrow\n")
    with pytest.raises(GradingError, match="write it as 2026"):
        class_files.Deadlines(path, "none", {})
    path.write_text("assigned,due\n")
    with pytest.raises(GradingError, match="assignment"):
        class_files.Deadlines(path, "none", {})


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


def test_no_zip_writes_outside_or_unpacks_without_end(tmp_path, monkeypatch):
    path = tmp_path / "export.zip"
    names = ("../slip", "/slip", "a/../../slip", "..\\slip", "ann/00.ipynb")
    zipped(path, **dict.fromkeys(names, "x"))
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo("bob/00.ipynb")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    archive.unpack(path, tmp_path / "in")
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["export.zip", "00.ipynb"]
    monkeypatch.setattr(archive, "LARGEST", 10**6)
    zipped(path, a=b"0" * 10**6, b=b"0" * 10)
    with pytest.raises(GradingError, match="unpacks to more than"):
        archive.unpack(path, tmp_path / "more")
    monkeypatch.setattr(archive, "MOST_FILES", 1)
    with pytest.raises(GradingError, match="more than 1 files"):
        archive.unpack(path, tmp_path / "more")


def test_a_notebook_too_large_for_memory_is_one_bad_file(tmp_path, monkeypatch):
    (tmp_path / "ann_00.ipynb").write_text("{}")

    def parse(*words):
        raise MemoryError

    monkeypatch.setattr(submissions, "parse_notebook", parse)
    (found,) = submissions.submissions(tmp_path, class_files.Roster())
    assert found.problems == ["ann_00.ipynb needs too much memory to be read"]


def test_a_zip_with_damaged_content_is_one_sentence(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ann/00.ipynb", "words " * 1000)
    data = bytearray(path.read_bytes())
    data[50:60] = b"\xff" * 10
    path.write_bytes(data)
    with pytest.raises(GradingError, match="cannot be unpacked"):
        archive.unpack(path, tmp_path / "in")


ROW = {"chapter": "02", "gone": False, "most": 26.0}
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Chapter 02 (771),Final Points\n"
    ",,,,,Manual Posting,(read only)\n"
    "    Points Possible,,,,,26,\n"
    '"Lee, Ann",1234,s1,al,A,,\n'
    '"Student, Test",9,,,A,,\n'
)
MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 1234,Ann Lee,ann@uni.example,Submitted,,26.00,Yes,"Thursday, 12 March",-,\n'
)


@pytest.mark.parametrize(
    ("content", "student", "roster"),
    [
        (CANVAS, "leeann_1234", {}),
        (CANVAS, "Ann", {"al": "Ann"}),
        (MOODLE, "Ann Lee_1234", {}),
        (MOODLE, "ann", {"ann@uni.example": "ann"}),
    ],
)
def test_a_platforms_own_table_is_filled_and_nothing_else_in_it(content, student, roster, tmp_path):
    r"""Columns as Canvas exports its gradebook, and Moodle its offline grading worksheet.

    Canvas's guide "How do I import grades in the Gradebook?" asks for Student, ID and Section, and
    leaves what is read only alone; Moodle's page "Assignment settings" tells the worksheet's.
    """
    path = tmp_path / "theirs.csv"
    path.write_text(content, encoding="utf-8-sig")
    rows = [{**ROW, "student": student, "total": 19.5}]
    told = exports.fill(path, tmp_path, rows, class_files.Roster([], roster))
    assert "1 grades" in told and "not in it" not in told
    before = list(csv.reader(content.splitlines()))
    after = list(csv.reader((tmp_path / "filled" / "theirs.csv").read_text().splitlines()))
    changed = [
        (old, new)
        for one, other in zip(before, after, strict=True)
        for old, new in zip(one, other, strict=True)
        if old.strip() != new
    ]
    assert changed == [("", "19.5")]


def test_a_table_that_cannot_be_filled_is_refused(tmp_path):
    path = tmp_path / "theirs.csv"
    rows = [{**ROW, "student": "ann", "total": 3.0}]
    for content, words in (
        (MOODLE.replace("26.00", "100"), "maximum grade is 100"),
        (CANVAS.replace("Final Points", "Chapter 02 b"), "several columns"),
        ("a,b\n", "neither a gradebook"),
    ):
        path.write_text(content)
        with pytest.raises(GradingError, match=words):
            exports.fill(path, tmp_path, rows, class_files.Roster([], {"Ann Lee": "ann"}))


def test_feedback_goes_back_under_the_names_that_platforms_know():
    r"""Canvas finds the user's and the file's number in the name, Moodle the participant's."""
    found = exports.feedback_names(
        {
            "a": "Ann Lee_1234_assignsubmission_file/",
            "b": "Ann Lee_1234_assignsubmission_file_02_backprop.ipynb",
            "c": "leeann_LATE_1234_5678_02_backprop.ipynb",
            "d": "ann/",
        }
    )
    assert found == {
        "a": ("moodle", "Ann Lee_1234_assignsubmission_file/feedback.html"),
        "b": ("moodle", "Ann Lee_1234_assignsubmission_file_feedback.html"),
        "c": ("canvas", "leeann_LATE_1234_5678_feedback.html"),
    }


def test_the_report_counts_students_and_a_sentence_once_for_each():
    def row(*said, hidden="", status="failed"):
        told = [{"message": m, "hidden": False} for m in said]
        told += [{"message": hidden, "hidden": True}] * bool(hidden)
        checks = [{"name": "a", "passed": False} | check for check in told]
        one = {"id": "01.1", "title": "A", "status": status, "points": 0, "possible": 3}
        return {"detail": [one | {"checks": checks}]}

    ann = row("It returned 0.2, not 0.4.", "It returned 1, not 2.", hidden="Try small ones.")
    bob = row("It returned 3, not 6.", "The sign is wrong.")
    cid, dan = row(hidden="Try small ones."), row("", status="to do")
    (exercise,) = class_report._exercises([ann, bob, cid, dan])
    assert exercise["sentences"] == [
        ("It returned 0.2, not 0.4.", 2),
        ("The sign is wrong.", 1),
        ("Try small ones.", 1),
    ]
    assert exercise["to_do"] == 0.25


def test_discrimination_is_the_correlation_with_the_rest():
    points, rest = np.array([0, 1, 2, 2.0]), np.array([1, 2, 2, 4.0])
    assert class_report.discrimination(points, rest) == pytest.approx(
        np.corrcoef(points, rest)[0, 1]
    )
    assert class_report.discrimination(points, np.ones(4)) is None


def test_no_message_becomes_more_than_it_weighs():
    for value in ([[0]] * 200_000, "x" * 30_000, np.zeros((2**30, 0))):
        with pytest.raises(protocol.ProtocolError):
            there_and_back(value)


def test_a_row_is_written_whole_or_not_at_all(tmp_path):
    store = Store(tmp_path / "grades.sqlite")
    detail = [{"points": 2, "possible": 3}]
    store.put("a", "00", "graded", detail=detail, texts={"q": "text"})
    with pytest.raises(Exception, match=r"bind|supported"):
        store.put("a", "00", "graded", detail=[], texts={"q": object()})
    (row,) = store.rows()
    assert (row["points"], row["possible"], row["detail"]) == (2, 3, detail)
    store.close()


@pytest.mark.parametrize(("pause", "looks"), [(0.1, 19), (60.0, 2)])
def test_a_grader_that_is_kept_waiting_blames_nobody(pause, looks, monkeypatch):
    box = object.__new__(sandbox.Sandbox)
    box.limits, box._tree = sandbox.Limits(idle=2), lambda: [("S", 0.0, 1.0)]
    now = [0.0]
    monkeypatch.setattr(sandbox.time, "monotonic", lambda: now[0])
    box.start_watch(10)
    for _ in range(looks):
        now[0] += pause
        box._watch()
    with pytest.raises(sandbox.Lost, match="waits for something"):
        for _ in range(3):
            now[0] += pause
            box._watch()


def test_a_busy_machine_is_looked_at_more_rarely(monkeypatch):
    box, now, looks = object.__new__(sandbox.Sandbox), [0.0], []

    def tree():
        now[0] += 0.5  # a look takes so long
        looks.append(now[0])
        return [("R", 0.0, 1.0)]

    box.limits, box._tree = sandbox.Limits(), tree
    monkeypatch.setattr(sandbox.time, "monotonic", lambda: now[0])
    box.start_watch(10)
    while now[0] < 60:
        now[0] += 0.1
        box._watch()
    assert len(looks) <= 60 / 5 + 2


def test_root_is_refused(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for kind in ("bubblewrap", "none"):
        with pytest.raises(GradingError, match="ordinary user"):
            sandbox.ensure(kind)


def test_without_bubblewrap_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(GradingError, match="install the package `bubblewrap`"):
        sandbox.ensure("bubblewrap")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("bwrap: setting up uid map: Permission denied", "bwrap-userns-restrict"),
        ("bwrap: No permissions to create new namespace", "seccomp profile"),
    ],
)
def test_where_user_namespaces_are_forbidden_it_says_how_to_allow_them(
    said, advice, monkeypatch, tmp_path
):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    bwrap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(sandbox, "_newer_options", lambda: [])
    with pytest.raises(GradingError) as refused:
        sandbox.ensure("bubblewrap")
    assert said in str(refused.value) and advice in str(refused.value)


class Lossy(Executor):
    """Loses every second piece of work, as a cluster whose workers die."""

    def __init__(self):
        self.count = 0

    def submit(self, function, *words):
        future, self.count = Future(), self.count + 1
        if self.count % 2:
            future.set_exception(RuntimeError("KilledWorker"))
        else:
            future.set_result(("graded", "", []))
        return future


def test_what_a_cluster_loses_is_a_grader_error_and_the_batch_goes_on():
    told = {}
    grader.run_all([(n,) for n in range(5)], Lossy(), 2, lambda p, r: told.update({p[0]: r}))
    assert {n: status for n, (status, *_) in told.items()} == {
        n: "graded" if n % 2 else "grader error" for n in range(5)
    }


def read(tmp_path, *cells):
    path = tmp_path / "a.ipynb"
    made = [{"cell_type": "markdown", "metadata": m, "source": s} for m, s in cells]
    path.write_text(json.dumps({"cells": made}))
    return submissions.read_notebook(path)


def test_an_answer_in_words_is_found_by_its_id_or_by_its_place(tmp_path):
    heading, asked = ({}, "### Exercise 01.1"), ({}, "### Question 01.q1\nWhy?")
    plain = read(tmp_path, heading, asked, ({"question": "01.q1"}, "Because."), ({}, "Next."))
    assert plain.texts["01.q1"] == "Because."
    moved = read(tmp_path, heading, asked, ({}, "Note."), ({"question": "01.q1"}, "Because."))
    assert moved.texts["01.q1"] == "Because."
    lost = read(tmp_path, heading, asked, ({}, "Because."), ({}, "Next."))
    assert lost.texts["01.q1"] == "Because."


def test_a_gradebook_of_nbgrader(tmp_path):
    api = pytest.importorskip("nbgrader.api")
    from lrcourse.grading.gradebook import write_gradebook

    path = tmp_path / "gradebook.db"
    detail = [
        {"id": "00.1", "possible": 4, "points": 4},
        {"id": "00.2", "possible": 5, "points": 1},
    ]
    mark = {"title": "Why", "possible": 3, "points": 2.5}
    row = {"student": "ann", "chapter": "00", "points": 5, "detail": detail, "marks": [mark]}
    absent = {"student": "bo", "chapter": "00", "points": None, "detail": None, "marks": []}
    write_gradebook(path, [row, absent])
    write_gradebook(path, [{**row, "marks": [{**mark, "points": None}]}, absent])
    with api.Gradebook(f"sqlite:///{path}") as book:
        assert [student.id for student in book.students] == ["ann", "bo"]
        (submission,) = book.assignment_submissions("00")
        assert (submission.score, submission.max_score) == (5, 12)
        assert submission.needs_manual_grade


def test_without_nbgrader_it_says_what_to_install(monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "nbgrader" else found(name)
    )
    words = ["grade", str(tmp_path), "--nbgrader", str(tmp_path / "gradebook.db")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1 and "pip install nbgrader" in done.output


def test_the_bundle_installs_what_it_carries(tmp_path, monkeypatch):
    made = ("lrcourse-0.2.0-py3-none-any.whl", b"content")
    monkeypatch.setattr(assign, "wheel", lambda: made)
    files = assign.bundle(tmp_path / "week", ("01",), "")
    assert tmp_path / "week" / made[0] in files
    text = (tmp_path / "week" / "README.md").read_text()
    assert f"pip install -c constraints.txt {made[0]}" in text
    assert hashlib.sha256(b"content").hexdigest() in text and "lrcourse==" not in text


def test_a_wheel_is_what_was_installed(tmp_path, monkeypatch):
    site, info = tmp_path / "site", "lrcourse-7.0.dist-info"
    files = {"lrcourse/__init__.py": "", "lrcourse/a,b.py": "x = 1", f"{info}/INSTALLER": "pip"}
    files |= {f"{info}/METADATA": "Metadata-Version: 2.4\nName: lrcourse\nVersion: 7.0\n"}
    files |= {f"{info}/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n", "../bin/lrcourse": ""}
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with (site / info / "RECORD").open("w", newline="") as file:
        csv.writer(file).writerows([name, "", ""] for name in files)
    found = importlib.metadata.PathDistribution(site / info)
    monkeypatch.setattr(wheels, "distribution", lambda name: found)
    name, data = wheels.wheel()
    (tmp_path / name).write_bytes(data)
    assert wheels.wheel() == (name, data)
    line = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    subprocess.run([*line, tmp_path / "new", tmp_path / name], check=True)
    assert (tmp_path / "new" / "lrcourse" / "a,b.py").read_text() == "x = 1"
    assert not (tmp_path / "new" / "bin").exists()


def test_a_bundle(tmp_path):
    folder = tmp_path / "week"
    words = ["01", "02", "--due", "Friday, 18:00", "--package", "git+https://a.test/ours.git"]
    done = CliRunner().invoke(main, ["assign", str(folder), *words])
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (folder / "chapters").iterdir()) == [
        *("01_one_knob.ipynb", "02_backprop.ipynb"),
    ]
    text = (folder / "README.md").read_text()
    assert "**Due: Friday, 18:00**" in text
    assert "`pip install -c constraints.txt git+https://a.test/ours.git`" in text
    again = CliRunner().invoke(main, ["assign", str(folder), "01", "--package", "x"])
    assert again.exit_code == 1 and "not empty" in again.output
    with pytest.raises(GradingError, match="did you mean 02"):
        assign.bundle(tmp_path / "other", ("2",), "")
