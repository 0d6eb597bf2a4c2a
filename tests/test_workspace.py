r"""The learner's folder: what arrives there, and what must never be lost."""

import ast
import json
import os
import re
import socket
import sys
import tempfile
import threading
import types
from pathlib import Path
from urllib.parse import unquote

import needs
import pytest

from lrcourse.course import saved_labs, workspace
from lrcourse.course.workspace import WorkspaceError, check_port, deliver, serve

ROOT = Path(__file__).parents[1]
NAMES = (
    "chapters/00_start_here.ipynb",
    "chapters/02_backprop.ipynb",
    "solutions/Solution 02.ipynb",
)
BACKPROP = "chapters/02_backprop.ipynb"


def course(folder, text):
    r"""A made-up course whose notebooks all hold ``text``."""
    for name in (*NAMES[:2], "solutions/02_backprop.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "solutions" / "02_backprop.py").write_text("the source stays at home")
    return folder


def contents(folder):
    r"""Every file under a folder but the manifest, with its text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != workspace.MANIFEST
    }


@pytest.fixture
def one(tmp_path, monkeypatch):
    r"""The course's first version; its notebooks are only texts."""
    monkeypatch.setattr(workspace, "learners_copy", Path.read_bytes)
    return course(tmp_path / "one", "one")


@pytest.fixture
def two(tmp_path):
    r"""The course's second version, every notebook changed."""
    return course(tmp_path / "two", "two")


def test_notebooks_arrive_and_a_second_run_changes_nothing(tmp_path, one):
    work = tmp_path / "a" / "work"
    assert deliver(work, one, "0.1.0") == [f"new      {name}" for name in NAMES]
    assert contents(work) == dict.fromkeys(NAMES, "one")
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.ipynb")}
    assert deliver(work, one, "0.1.0") == ["as they were: 3 notebooks"]
    assert before == {path: path.stat().st_mtime_ns for path in work.rglob("*.ipynb")}


@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*.ipynb")), ids=lambda p: p.name)
def test_a_learners_solution_says_what_it_is_and_has_no_marks(path):
    ours, theirs = json.loads(path.read_bytes()), json.loads(workspace.learners_copy(path))
    title = "".join(ours["cells"][0]["source"]).split("\n")[0].removeprefix("# ")
    first = "".join(theirs["cells"][0]["source"])
    assert first.startswith(f"# Solution {path.name[:2]}: {title}\n\n*{workspace.READ_ONLY}*\n\n**")
    assert not any(cell["metadata"]["editable"] for cell in theirs["cells"])
    assert "SOLUTION" not in json.dumps(theirs) and "jupytext" not in theirs["metadata"]
    assert [cell["id"] for cell in ours["cells"]] == [cell["id"] for cell in theirs["cells"]]
    for mine, cell in zip(ours["cells"], theirs["cells"], strict=True):
        if mine["cell_type"] == "code":
            ast.parse("".join(cell["source"]))
            assert not cell["source"] or not cell["source"][-1].endswith("\n")


def test_a_learners_chapter_is_the_courses(tmp_path):
    path = ROOT / "chapters" / "00_start_here.ipynb"
    assert workspace.learners_copy(path) == path.read_bytes()


def test_links_in_a_learners_folder_lead_to_files_of_it(tmp_path):
    deliver(tmp_path, ROOT, "0.2.0")
    led = 0
    for path in tmp_path.glob("*/*.ipynb"):
        for link in re.findall(r"\]\(([^)#]+\.ipynb)", path.read_text(encoding="utf-8")):
            assert (path.parent / unquote(link)).is_file(), (path.name, link)
            led += "Solution" in link
    assert led > 80  # one for each exercise


def test_what_the_course_no_longer_has_is_removed_unless_changed(tmp_path, one, two):
    """Solutions of 0.1 had the names of their chapters."""
    work, old = tmp_path / "work", "solutions/02_backprop.ipynb"
    (one / "chapters/01_gone.ipynb").write_text("one")
    deliver(work, one, "0.1.0")
    (work / BACKPROP).rename(work / old)
    manifest = json.loads((work / workspace.MANIFEST).read_bytes())
    damaged = ("", "chapters", "chapters/folder.ipynb", "../other.ipynb", "solutions/none.ipynb")
    manifest["files"] |= dict.fromkeys((old, *damaged), manifest["files"][BACKPROP])
    (work / workspace.MANIFEST).write_text(json.dumps(manifest))
    (work / "chapters/01_gone.ipynb").write_text("mine")
    (work / "chapters/folder.ipynb").mkdir()
    (tmp_path / "other.ipynb").write_text("one")
    lines = deliver(work, two, "0.2.0")
    assert f"removed  {old} (you had not changed it)" in lines
    assert not (work / old).exists() and (tmp_path / "other.ipynb").exists()
    assert contents(work)["chapters/01_gone.ipynb"] == "mine"
    assert deliver(work, two, "0.2.0") == ["as they were: 3 notebooks"]


def test_jupytext_writes_nothing_beside_a_learners_solution(tmp_path):
    jupytext = needs.package("jupytext")
    (tmp_path / "solutions").mkdir()
    name = "solutions/00_start_here.ipynb"
    manager = jupytext.TextFileContentsManager(root_dir=str(tmp_path))

    def saved(content):
        (tmp_path / name).write_bytes(content)
        manager.save(manager.get(name), name)
        return sorted(path.suffix for path in (tmp_path / "solutions").glob("00*"))

    assert saved(workspace.learners_copy(ROOT / name)) == [".ipynb"]
    assert saved((ROOT / name).read_bytes()) == [".ipynb", ".py"]  # as those who edit it want


def test_untouched_notebooks_are_updated(tmp_path, one, two):
    deliver(tmp_path / "work", one, "0.1.0")
    lines = deliver(tmp_path / "work", two, "0.2.0")
    assert lines == [f"updated  {name} (you had not changed it)" for name in NAMES]
    assert contents(tmp_path / "work") == dict.fromkeys(NAMES, "two")


def test_a_learners_notebook_is_kept_and_the_new_one_lands_beside_it(tmp_path, one, two):
    work = tmp_path / "work"
    deliver(work, one, "0.1.0")
    (work / BACKPROP).write_text("mine")
    lines = deliver(work, two, "0.2.0")
    assert lines[1] == (
        f"kept     {BACKPROP} is yours; the new one is beside it: 02_backprop.new-0.2.0.ipynb"
    )
    expected = dict.fromkeys(NAMES, "two") | {
        BACKPROP: "mine",
        "chapters/02_backprop.new-0.2.0.ipynb": "two",
    }
    assert contents(work) == expected
    assert deliver(work, two, "0.2.0") == ["as they were: 3 notebooks"]
    assert contents(work) == expected


def test_a_notebook_changed_before_an_upgrade_that_leaves_it_alone_is_kept_silently(tmp_path, one):
    deliver(tmp_path / "work", one, "0.1.0")
    (tmp_path / "work" / BACKPROP).write_text("mine")
    assert deliver(tmp_path / "work", one, "0.2.0") == ["as they were: 3 notebooks"]
    assert contents(tmp_path / "work")[BACKPROP] == "mine"


def test_the_notebook_beside_belongs_to_the_learner_too(tmp_path, one, two):
    work = tmp_path / "work"
    deliver(work, one, "0.1.0")
    (work / BACKPROP).write_text("mine")
    deliver(work, two, "0.2.0")
    (work / "chapters/02_backprop.new-0.2.0.ipynb").write_text("mine as well")
    assert deliver(work, two, "0.2.0") == ["as they were: 3 notebooks"]
    deliver(work, course(tmp_path / "three", "three"), "0.2.0")  # a version that forgot its number
    chapters = contents(work)
    assert chapters[BACKPROP] == "mine"
    assert chapters["chapters/02_backprop.new-0.2.0.ipynb"] == "mine as well"
    assert chapters["chapters/02_backprop.new-0.2.0-2.ipynb"] == "three"


def test_files_that_stood_there_before_are_the_learners(tmp_path, one):
    work = tmp_path / "work"
    (work / "chapters").mkdir(parents=True)
    (work / BACKPROP).write_text("mine")
    (work / "chapters" / "notes.txt").write_text("mine")
    deliver(work, one, "0.1.0")
    assert contents(work)[BACKPROP] == contents(work)["chapters/notes.txt"] == "mine"
    assert contents(work)["chapters/02_backprop.new-0.1.0.ipynb"] == "one"


def test_a_removed_notebook_comes_back(tmp_path, one):
    deliver(tmp_path / "work", one, "0.1.0")
    (tmp_path / "work" / BACKPROP).unlink()
    assert deliver(tmp_path / "work", one, "0.1.0")[0] == f"new      {BACKPROP}"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"files": 1}', '{"files": ["a"]}', "\0", "[" * 10**5]
)
def test_with_a_damaged_manifest_every_file_is_the_learners(tmp_path, one, two, text):
    work = tmp_path / "work"
    deliver(work, one, "0.1.0")
    (work / workspace.MANIFEST).write_text(text)
    lines = deliver(work, two, "0.2.0")
    assert "cannot be read, so every notebook there counts as yours." in lines[0]
    assert {name: contents(work)[name] for name in NAMES} == dict.fromkeys(NAMES, "one")
    assert contents(work)["chapters/02_backprop.new-0.2.0.ipynb"] == "two"


def test_a_save_between_the_look_and_the_exchange_is_not_lost(tmp_path, one, two, monkeypatch):
    work = tmp_path / "work"
    deliver(work, one, "0.1.0")
    rename = os.rename

    def save_then_rename(source, target):
        Path(source).write_text("saved at the last moment")
        rename(source, target)

    monkeypatch.setattr(os, "rename", save_then_rename)
    deliver(work, two, "0.2.0")
    assert {contents(work)[name] for name in NAMES} == {"saved at the last moment"}
    assert contents(work)["chapters/02_backprop.new-0.2.0.ipynb"] == "two"
    assert len(contents(work)) == 2 * len(NAMES)


def test_a_save_during_the_exchange_is_not_lost(tmp_path, one, two, monkeypatch):
    work = tmp_path / "work"
    deliver(work, one, "0.1.0")
    rename = os.rename

    def rename_then_save(source, target):
        rename(source, target)
        Path(source).write_text("saved meanwhile")

    monkeypatch.setattr(os, "rename", rename_then_save)
    deliver(work, two, "0.2.0")
    assert {contents(work)[name] for name in NAMES} == {"saved meanwhile"}
    assert contents(work)["chapters/02_backprop.new-0.2.0.ipynb"] == "two"
    assert len(contents(work)) == 2 * len(NAMES)


def test_without_hard_links_it_works_the_same(tmp_path, one, two, monkeypatch):
    def link(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    work = tmp_path / "work"
    deliver(work, one, "0.1.0")
    (work / BACKPROP).write_text("mine")
    deliver(work, two, "0.2.0")
    assert contents(work) == dict.fromkeys(NAMES, "two") | {
        BACKPROP: "mine",
        "chapters/02_backprop.new-0.2.0.ipynb": "two",
    }


STEPS = ("open", "link", "rename", "unlink", "replace", "read_bytes")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_at_any_moment_loses_nothing(tmp_path, one, two, monkeypatch, step, after):
    r"""Interrupt the n-th use of each system call, for every n, then run again in peace."""
    home = Path if step in ("unlink", "read_bytes") else os
    real = getattr(home, step)
    for count in range(1, 100):
        work = tmp_path / str(count)
        deliver(work, one, "0.1.0")
        (work / BACKPROP).write_text("mine")
        left = count

        def strike(*arguments, **options):
            nonlocal left
            left -= not after
            if left == 0 and not after:
                raise KeyboardInterrupt
            result = real(*arguments, **options)
            left -= after
            if left == 0 and after:
                raise KeyboardInterrupt
            return result

        with monkeypatch.context() as patch:
            patch.setattr(home, step, strike)
            try:
                deliver(work, two, "0.2.0")
            except KeyboardInterrupt:
                pass
            else:
                break
        assert "mine" in contents(work).values()
        assert step == "unlink" or not [name for name in contents(work) if "/." in name]
        deliver(work, two, "0.2.0")
        assert contents(work)[BACKPROP] == "mine"
        assert contents(work)["chapters/02_backprop.new-0.2.0.ipynb"] == "two"
        assert contents(work)[NAMES[2]] == "two"
    assert count > 1


def test_several_runs_at_once_agree(tmp_path, one, two):
    for attempt in range(30):
        work = tmp_path / f"work{attempt}"
        deliver(work, one, "0.1.0")
        (work / BACKPROP).write_text("mine")
        barrier, errors = threading.Barrier(4), []

        def run(work=work, barrier=barrier, errors=errors):
            barrier.wait()
            try:
                deliver(work, two, "0.2.0")
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert contents(work) == dict.fromkeys(NAMES, "two") | {
            BACKPROP: "mine",
            "chapters/02_backprop.new-0.2.0.ipynb": "two",
        }
        assert json.loads((work / workspace.MANIFEST).read_text())["files"].keys() == set(NAMES)


def test_a_folder_that_is_a_file_is_refused(tmp_path, one):
    (tmp_path / "work").write_text("mine")
    with pytest.raises(WorkspaceError, match="work is a file: name a folder"):
        deliver(tmp_path / "work", one, "0.1.0")
    with pytest.raises(WorkspaceError, match="Cannot write"):
        deliver(tmp_path / "work" / "below", one, "0.1.0")
    assert (tmp_path / "work").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_folder_that_cannot_be_written_is_refused(monkeypatch):
    monkeypatch.setattr(workspace, "learners_copy", Path.read_bytes)
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        one, work = course(Path(folder) / "one", "one"), Path(folder) / "work"
        deliver(work, one, "0.1.0")
        (work / BACKPROP).unlink()
        folders = [work, work / "chapters", work / "solutions"]
        for path in folders:
            path.chmod(0o555)
        Path(folder).chmod(0o755)
        try:
            if root:  # permissions bind everyone else
                os.seteuid(65534)
            with pytest.raises(WorkspaceError, match=r"^Cannot write .*: Permission denied\. Name"):
                deliver(work, one, "0.1.0")
            with pytest.raises(WorkspaceError, match=r"^Cannot write .*: Permission denied\. Name"):
                deliver(Path(folder) / "other", one, "0.1.0")
        finally:
            if root:
                os.seteuid(0)
            for path in folders:
                path.chmod(0o755)


def test_a_taken_port_is_named_with_a_free_one():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(WorkspaceError, match=f"Port {port} is taken: try --port") as error:
            check_port(port)
        check_port(int(str(error.value).split()[-1]))
    check_port(port)


def test_without_jupyterlab_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    with pytest.raises(WorkspaceError, match="JupyterLab is missing: run"):
        serve(tmp_path, None, browser=False)


def lab_notebook(states, *shown):
    outputs = [{"data": {saved_labs.VIEW: {"model_id": id}}} for id in shown]
    metadata = {"widgets": {saved_labs.STATE: {"version_major": 2, "state": states}}}
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]
    return {"cells": cells, "metadata": metadata}


def test_a_save_keeps_the_labs_that_no_kernel_knows_any_more(tmp_path):
    old = {name: {"state": {}} for name in ("deaf", "gone", "layout")}
    old["deaf"] = {"state": {"layout": "IPY_MODEL_layout"}, "buffers": ["..."]}
    (tmp_path / "a b.ipynb").write_text(json.dumps(lab_notebook(old, "deaf", "gone")))
    manager = types.SimpleNamespace(root_dir=str(tmp_path))
    new = {"fresh": {"state": {}}}
    for known in (new, {}):
        content = lab_notebook(dict(known), "fresh", "deaf", "elsewhere")
        if not known:
            del content["metadata"]["widgets"]
        keep = {"type": "notebook", "content": content}
        saved_labs.keep_labs(model=keep, path="/a b.ipynb", contents_manager=manager)
        saved = content["metadata"]["widgets"][saved_labs.STATE]
        assert saved == {
            "version_major": 2,
            "state": known | {name: old[name] for name in ("deaf", "layout")},
        }


@pytest.mark.parametrize("text", [None, "{", "[]", json.dumps({"metadata": {}})])
def test_a_save_goes_on_where_there_is_nothing_to_keep(tmp_path, text):
    if text is not None:
        (tmp_path / "a.ipynb").write_text(text)
    manager = types.SimpleNamespace(root_dir=str(tmp_path))
    content = lab_notebook({}, "deaf")
    model = {"type": "notebook", "content": content}
    saved_labs.keep_labs(model=model, path="a.ipynb", contents_manager=manager)
    assert content == lab_notebook({}, "deaf")
    saved_labs.keep_labs({"type": "file", "content": "text"}, "a.py", manager)
