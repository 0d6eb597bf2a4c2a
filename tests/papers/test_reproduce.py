"""``lrcourse reproduce`` end to end on a made-up paper: reports, bad input, kills, a cluster."""

import base64
import csv
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_paper
from click.testing import CliRunner
from markdown_it import MarkdownIt
from waiting import LIMIT, until

from lrcourse import files, papers, sweep
from lrcourse.cli import main
from lrcourse.papers import report
from lrcourse.papers.trial import HOLDS, UNTESTED
from lrcourse.sweep import table

ROOT = Path(__file__).parents[2]
FOUND = "tiny: 36 runs at quick scale, results in"
STOPPED = (
    "Stopped. Finished runs are kept; run the same command again to continue. With --report-only "
    "it reports what is there."
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(papers, "NAMES", ("tiny",))
    monkeypatch.setitem(papers._MODULES, "tiny", "tiny")
    monkeypatch.setattr("lrcourse.papers.reproduce_command.NAMES", ("tiny",))
    monkeypatch.setitem(sys.modules, "lrcourse.papers.tiny", tiny_paper)


def reproduce(*arguments):
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def quick(out, *more):
    return reproduce("tiny", "--jobs", "1", "--seeds", "3", "--out", out, *more)


def start(*arguments, sleep=0.0, **options):
    """Start the command in a process of its own, its runs slowed down."""
    command = [sys.executable, tiny_paper.__file__, "reproduce", "tiny", "--seeds", "3"]
    command += map(str, arguments)
    folders = os.pathsep.join([str(ROOT), str(Path(tiny_paper.__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": folders, "TINY_SLEEP": str(sleep)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, **(streams | options))


def finished(process):
    out, said = process.communicate(timeout=LIMIT)
    return process.returncode, out, said


def await_rows(process, path, count):
    def written():
        return path.exists() and path.read_bytes().count(b"\n") >= count

    until(lambda: written() or process.poll() is not None)
    assert written(), f"the command ended: {process.communicate()}"


def sentence(result):
    """The error of a command, which must be one line, the last."""
    assert result.exit_code != 0 and isinstance(result.exception, SystemExit)
    *usage, line = result.stderr.splitlines()
    assert line.startswith("Error: ") and all("Error" not in before for before in usage)
    return line


def timeless(path):
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in table(path)]
    return sorted(rows, key=lambda row: row["key"])


# The command --------------------------------------------------------------------------------------


def test_without_a_name_the_papers_are_listed():
    result = reproduce()
    paper = tiny_paper.PAPER
    assert result.exit_code == 0
    assert result.output == f"tiny         {paper.citation} {paper.claim}\n"


@pytest.mark.parametrize("name", ["tiny", "all"])
def test_the_command_runs_the_grid_prints_the_table_and_writes_the_report(tmp_path, name):
    result = reproduce(name, "--jobs", "1", "--seeds", "3", "--out", tmp_path / "new")
    assert result.exit_code == 0, result.output
    assert f"{FOUND} {tmp_path / 'new' / 'tiny-quick.jsonl'}" in result.output
    assert "36/36" in result.output  # progress
    assert (
        "Momentum is better | at its best\n  kind: primary\n  data: digits, in place"
        in result.output
    )
    assert "  printed: 1.2 against 3.4 %\n" in result.output
    assert f"verdict: {HOLDS}" in result.output and f"verdict: {UNTESTED}" in result.output
    assert re.search(r"36 runs, .+ of one thread in all\. The report is .*\.html\.", result.output)
    assert re.search(r"This took \d+ seconds\.", result.output)
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {
        "tiny-quick",
        *(f"tiny-quick.{kind}" for kind in ("jsonl", "md", "html", "csv")),
    }
    with (tmp_path / "new" / "tiny-quick.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36 and {row["seed"] for row in rows} == {"10", "11", "12"}


def test_several_papers_end_in_one_page(tmp_path, monkeypatch):
    monkeypatch.setattr("lrcourse.papers.reproduce_command.NAMES", ("tiny", "tiny"))
    result = reproduce("all", "--jobs", "1", "--seeds", "3", "--out", tmp_path)
    assert f"One page of all: {tmp_path / 'all-quick.html'}." in result.output
    html = (tmp_path / "all-quick.html").read_text(encoding="utf-8")
    assert html.count("<h2>tiny</h2>") == 2 and html.count("data:image/png") == 2
    assert "3 claims: 2 holds, 1 not tested at this scale." in html
    assert 'href="tiny-quick.html"' in html


def test_a_finished_grid_is_not_run_again_and_more_seeds_add_to_it(tmp_path, monkeypatch):
    path = tmp_path / "tiny-quick.jsonl"
    quick(tmp_path)
    before = path.read_bytes()
    assert quick(tmp_path).exit_code == 0 and path.read_bytes() == before
    assert "48 runs" in quick(tmp_path, "--seeds", "4").output
    assert path.read_bytes().startswith(before) and len(table(path)) == 48
    assert "one thread" in quick(tmp_path, "--seeds", "2").output and len(table(path)) == 48


def test_ten_seeds_are_the_default(tmp_path):
    assert "120 runs" in reproduce("tiny", "--jobs", "1", "--out", tmp_path).output


def test_data_that_cannot_be_had_are_said_and_left_out(tmp_path, monkeypatch):
    def missing(names):
        return {"digits": "no digits here"} if "digits" in names else {}

    monkeypatch.setattr("lrcourse.papers.reproduce_command.missing", lambda n: missing(list(n)))
    result = quick(tmp_path)
    assert result.output == "tiny: claims about digits are not tested: no digits here.\n"
    assert result.exit_code == 0 and not list(tmp_path.iterdir())


def test_full_scale_has_files_of_its_own(tmp_path):
    assert quick(tmp_path, "--scale", "full").exit_code == 0
    text = (tmp_path / "tiny-full.md").read_text()
    assert text.startswith("> **Stand-in data:** digits in place of the paper's mnist, cifar-10;")
    assert "**Scale" not in text.splitlines()[0] and "A parabola over seven rates." in text


# The report ---------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    assert quick(tmp_path).exit_code == 0
    return (tmp_path / "tiny-quick.md").read_text(encoding="utf-8"), tmp_path / "tiny-quick.html"


def test_the_report_has_every_part(written):
    text, _ = written
    first = text.splitlines()[0]
    assert first.startswith("> **Stand-in data:** digits in place of the paper's mnist, cifar-10;")
    assert "**Scale quick:**" in first
    assert re.findall(r"^## (.+)$", text, re.M) == [
        "Verdicts",
        "Winner",
        "Figures",
        "Every printed figure",
        "Setting",
        "Deviations, and what the paper leaves open",
        "What was easy, what was hard",
        "All settings",
        "How it was made",
    ]
    paper = tiny_paper.PAPER
    for words in (paper.control, paper.setting["quick"], "2. lower by 0.01"):
        assert words in text
    rule = "1. error is lower. In the paper: “A rule with momentum \\| has a \\<lower\\> error”\n2."
    assert rule in text
    data = "digits, in place of mnist, cifar-10"
    assert rf"Momentum is better \| at its best | primary | {data} | 1.2 against 3.4 % |" in text
    assert f"error of SGD at 0.1 | {data} | 0.1100 | 0.1089 ± 0.0013 (3) | shown" in text
    assert "## Winner\n\nIt has the lowest \\| error.\n\n| seeds |\n| --- |\n| 3 |\n" in text
    assert "The same in all: data digits.\n" in text
    assert "| rule | learning_rate | momentum | error | epochs |" in text
    assert "| SGD | 0.1 | 0 | 0.1089 ± 0.0013 (3) | 21.0 ± 1.0 (3) |" in text
    assert r"| Momentum \| \<0.5\> | 3 | 0.5 | never in 3 of 3 | never in 3 of 3 |" in text
    for part in ("lrcourse 0", "numpy 2", "torch 2", "Python 3", " cores.", " UTC."):
        assert part in text.partition("## How it was made")[2]


def test_the_page_needs_nothing_else_and_says_the_same(written):
    text, path = written
    html = path.read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=(?!\"data:)", html) and "<script" not in html
    claims, content = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(claims) == (path.parent / "tiny-quick/claims-quick.png").read_bytes()
    png = (path.parent / "tiny-quick" / "1.png").read_bytes()
    assert base64.b64decode(content) == png and png.startswith(b"\x89PNG")
    words, alt = re.findall(r'<img [^>]*alt="([^"]+)"', html)
    assert "1, holds: -" in words and "2, holds: -17.6 to -17.6" in words
    assert alt.startswith("Error against learning rate: both valleys")
    assert "Adam is &lt;b&gt;best&lt;/b&gt;" in html and "<i>" not in html and "<b>" not in html
    body = MarkdownIt("commonmark").enable("table").render(text)

    def cells(page):
        return re.findall(r"<t[hd]>(.*?)</t[hd]>", page)

    assert cells(html) == cells(body) and len(cells(html)) > 100


def test_on_the_papers_own_data_at_full_scale_the_first_line_is_the_title(tmp_path, monkeypatch):
    monkeypatch.setitem(tiny_paper.PAPER.__dict__, "papers_data", ("digits",))
    quick(tmp_path, "--scale", "full")
    text = (tmp_path / "tiny-full.md").read_text()
    assert text.startswith("# On trial: tiny\n")
    assert "| 0.1100 | 0.1089 ± 0.0013 (3) | holds |" in text


def test_a_figure_without_a_point_is_left_out(tmp_path, monkeypatch):
    (picture,) = tiny_paper.pictures([dict(s, seed=0, error=1.0) for s in tiny_paper.grid("quick")])
    lost = picture._replace(lines={"SGD": ([0.1, 0.3], [(math.inf, 1.0), (math.inf,)])})
    monkeypatch.setitem(tiny_paper.PAPER.__dict__, "pictures", lambda rows: [lost])
    assert quick(tmp_path).exit_code == 0
    assert "## Figures" not in (tmp_path / "tiny-quick.md").read_text()


def test_an_unfinished_grid_is_reported_as_such(tmp_path):
    path = tmp_path / "tiny-quick.jsonl"
    quick(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:20]))
    result = quick(tmp_path, "--report-only")
    assert result.exit_code == 0 and len(table(path)) == 20
    assert "Missing: 16 of 36 runs; leave out --report-only to run them." in result.output
    first = (tmp_path / "tiny-quick.md").read_text().splitlines()[0]
    assert first.endswith("**Unfinished:** 16 of 36 runs are missing here.")
    path.write_bytes(b"".join(lines[:5]))  # too few for the figures
    assert quick(tmp_path, "--report-only").exit_code == 0
    assert "## Figures" not in (tmp_path / "tiny-quick.md").read_text()
    path.unlink()
    assert sentence(quick(tmp_path, "--report-only")) == (
        f"Error: {path} has no run to report: leave out --report-only."
    )


# Bad input ----------------------------------------------------------------------------------------


def test_an_unknown_name_gets_the_nearest_one_and_nothing_runs(tmp_path):
    result = reproduce("tiny", "tinny", "--out", tmp_path / "new")
    assert (
        sentence(result) == "Error: Unknown paper 'tinny': choose from 'tiny'. Did you mean 'tiny'?"
    )
    assert not (tmp_path / "new").exists()


def test_an_unknown_scale_and_impossible_numbers_are_refused(tmp_path):
    assert "'quik' is not one of 'quick', 'full'" in sentence(quick(tmp_path, "--scale", "quik"))
    assert "'--seeds': 0 is not in the range x>=1" in sentence(quick(tmp_path, "--seeds", 0))
    assert "'--jobs': 0 is not in the range x>=1" in sentence(quick(tmp_path, "--jobs", 0))


def test_a_torn_last_line_is_repaired_with_a_word(tmp_path):
    path = tmp_path / "tiny-quick.jsonl"
    quick(tmp_path)
    whole = timeless(path)
    path.write_bytes(path.read_bytes()[:-30])
    process = start("--jobs", 1, "--out", tmp_path)
    code, _, said = finished(process)
    assert code == 0 and said.startswith(f"{path} ended in a torn line of ")
    assert said.count("\n") == 1 and "the 35 rows before it are kept" in said
    assert timeless(path) == whole


def test_a_setting_that_diverges_is_a_row(tmp_path):
    quick(tmp_path)
    lost = [row for row in table(tmp_path / "tiny-quick.jsonl") if row["status"] == "diverged"]
    assert len(lost) == 6 and {row["learning_rate"] for row in lost} == {3.0}


def test_rows_of_another_version_of_the_code_are_kept_but_not_used(tmp_path, monkeypatch):
    path = tmp_path / "tiny-quick.jsonl"
    quick(tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr(tiny_paper, "OFFSET", 0.2)
    result = quick(tmp_path)
    assert "Rows of another version of the code, kept but not used: 36." in result.output
    assert path.read_bytes().startswith(before) and len(table(path)) == 72
    assert "| SGD | 0.1 | 0 | 0.2089 ± 0.0013 (3) |" in (tmp_path / "tiny-quick.md").read_text()


def changed(content, change):
    return b"".join(
        json.dumps(change(json.loads(line))).encode() + b"\n" for line in content.splitlines()
    )


def without(column):
    return lambda content: changed(
        content, lambda row: {k: v for k, v in row.items() if k != column}
    )


OLD_FILES = {  # from whole results; and how many rows the file has in the end, 0: it is refused
    "a column more": (lambda whole: changed(whole, lambda row: row | {"gpu": "none"}), 36),
    **{f"no {column}": (without(column), 0) for column in sweep.RESERVED},
    "another grid": (lambda whole: changed(whole, lambda row: row | {"key": row["key"][::-1]}), 72),
    "half of it": (lambda whole: b"".join(whole.splitlines(keepends=True)[:18]), 36),
    "twice the same": (lambda whole: 2 * whole, 72),
    "empty": (lambda whole: b"", 36),
    "from Windows": (lambda whole: whole.replace(b"\n", b"\r\n"), 36),
    "with a mark of bytes": (lambda whole: b"\xef\xbb\xbf" + whole, 36),
    "two bytes a letter": (lambda whole: whole.decode().encode("utf-16"), 0),
    "no JSON": (lambda whole: b"not json\n", 0),
    "one list": (lambda whole: b"[" + whole.rstrip().replace(b"\n", b",") + b"]", 0),
    "binary": (lambda whole: bytes(range(256)), 0),
    "binary on one line": (lambda whole: bytes(range(128, 256)), 0),
}


@pytest.mark.parametrize("kind", OLD_FILES)
def test_an_old_or_another_file_is_gone_on_with_or_refused_and_nothing_in_it_lost(tmp_path, kind):
    change, count = OLD_FILES[kind]
    path = tmp_path / "tiny-quick.jsonl"
    quick(tmp_path)
    whole, measured = (
        timeless(path),
        (tmp_path / "tiny-quick.md").read_text().partition("## How")[0],
    )
    content = change(path.read_bytes())
    path.write_bytes(content)
    if count == 0:
        for more in ((), ("--report-only",)):
            line = sentence(quick(tmp_path, *more))
            assert f"of {path} is no row of a sweep" in line and line.endswith("another file.")
        assert path.read_bytes() == content
        return
    result = quick(tmp_path)
    assert result.exit_code == 0 and path.read_bytes().startswith(content)
    assert len(table(path)) == count
    assert (tmp_path / "tiny-quick.md").read_text().startswith(measured)
    found = {row["key"]: row for row in timeless(path)}
    assert all(row.items() <= found[row["key"]].items() for row in whole)


def test_an_output_folder_that_cannot_be_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")
    assert f"Directory '{file}' is a file" in sentence(quick(file))
    assert f"{file / 'below'} could not be written" in sentence(quick(file / "below"))
    assert file.read_text() == "kept"
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() == 0:  # root may write there all the same
        locked = Path("/proc/lrcourse")
    assert f"{locked}" in sentence(quick(locked)) and "could not be written" in sentence(
        quick(locked)
    )


def test_a_report_that_cannot_be_written_loses_nothing(tmp_path, monkeypatch):
    quick(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.glob("tiny-quick.*")}

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    result = quick(tmp_path, "--seeds", 4)
    assert sentence(result) == (
        f"Error: {tmp_path} could not be written (No space left on device): make room or name "
        "another folder with --out; finished runs are kept."
    )
    assert not list(tmp_path.rglob("*.part")) and len(table(tmp_path / "tiny-quick.jsonl")) == 48
    for path, content in before.items():
        assert path.read_bytes().startswith(content)


def test_a_full_disk_is_one_sentence_and_the_runs_on_it_are_kept(tmp_path):
    """A disk of 8 KB, which takes some of the rows and then no more."""
    bwrap = shutil.which("bwrap")
    disk, kept = tmp_path / "disk", tmp_path / "kept.jsonl"
    disk.mkdir()
    mount = [bwrap, "--dev-bind", "/", "/", "--size", "8192", "--tmpfs", disk, "--"]
    if bwrap is None or subprocess.run([*mount, "true"], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    script = (
        f"'{sys.executable}' '{tiny_paper.__file__}' reproduce tiny --jobs 1 --seeds 3 "
        f"--out '{disk}';"
        f"code=$?; cp '{disk}/tiny-quick.jsonl' '{kept}'; exit $code"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}"}
    result = subprocess.run(
        [*mount, "sh", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    count = len(table(kept))
    assert result.returncode == 1 and 5 < count < 36 and kept.read_bytes().endswith(b"\n")
    assert result.stderr.splitlines()[-1] == (
        f"Error: {disk / 'tiny-quick.jsonl'} could not be written (No space left on device): make "
        f"room; {count} of 36 rows are in {disk / 'tiny-quick.jsonl'}, and the same call runs the "
        "others."
    )
    shutil.copy(kept, disk / "tiny-quick.jsonl")
    assert quick(disk).exit_code == 0
    assert quick(tmp_path / "unbroken").exit_code == 0
    assert timeless(disk / "tiny-quick.jsonl") == timeless(tmp_path / "unbroken/tiny-quick.jsonl")


def test_two_at_once_in_one_folder(tmp_path):
    with sweep._open(tmp_path / "tiny-quick.jsonl"):
        assert "Another sweep is writing to" in sentence(quick(tmp_path))
    assert quick(tmp_path).exit_code == 0


# Stopped and killed -------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_with_130_and_how_to_go_on(tmp_path, jobs):
    path = tmp_path / "tiny-quick.jsonl"
    process = start("--jobs", jobs, "--out", tmp_path, sleep=0.1, start_new_session=True)
    await_rows(process, path, 4)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
    code, _, said = finished(process)
    count = len(table(path))
    assert code == 130 and 4 <= count < 36
    assert said.splitlines() == [
        "",
        f"Interrupted: {count} of 36 rows are in {path}, and the same call runs the others.",
        STOPPED,
    ]
    assert quick(tmp_path, "--report-only").exit_code == 0
    assert f"{36 - count} of 36 runs are missing" in (tmp_path / "tiny-quick.md").read_text()


class Interrupts:
    """Finds no module: an import amid which Ctrl-C comes."""

    def find_spec(self, name, *more):
        if name == "lrcourse.papers.reproduce_command":
            raise KeyboardInterrupt


@pytest.mark.parametrize("moment", ["amid the imports", "amid a figure", "amid a file"])
def test_ctrl_c_at_any_moment_is_calm_and_the_next_command_is_whole(tmp_path, monkeypatch, moment):
    def interrupted(*values):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if moment == "amid the imports":
            patched.delattr(papers, "reproduce_command")
            patched.delitem(sys.modules, "lrcourse.papers.reproduce_command")
            patched.setattr(sys, "meta_path", [Interrupts(), *sys.meta_path])
        else:
            figure, file = (report, "_drawn"), (files.os, "replace")
            patched.setattr(*(figure if moment == "amid a figure" else file), interrupted)
        result = quick(tmp_path)
    assert result.exit_code == 130 and result.stderr.splitlines() == [STOPPED]
    assert not list(tmp_path.rglob("*.part"))
    assert quick(tmp_path).exit_code == 0 and len(table(tmp_path / "tiny-quick.jsonl")) == 36


def test_a_killed_command_goes_on_and_ends_like_an_unbroken_one(tmp_path):
    path = tmp_path / "tiny-quick.jsonl"
    for count in (3, 12):
        process = start("--jobs", 2, "--out", tmp_path, sleep=0.05)
        await_rows(process, path, count)
        process.kill()
        assert finished(process)[0] == -signal.SIGKILL
    assert 12 <= len(table(path)) < 36 and not (tmp_path / "tiny-quick.md").exists()
    assert quick(tmp_path).exit_code == 0
    assert quick(tmp_path / "unbroken").exit_code == 0
    assert timeless(path) == timeless(tmp_path / "unbroken" / "tiny-quick.jsonl")
    assert len({row["key"] for row in table(path)}) == len(table(path)) == 36


# Clusters -----------------------------------------------------------------------------------------


def test_a_cluster_loses_a_worker_and_no_run_and_then_itself(tmp_path):
    distributed = pytest.importorskip("dask.distributed")
    path = tmp_path / "there" / "tiny-quick.jsonl"
    with distributed.LocalCluster(
        n_workers=3,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        host="127.0.0.1",
        silence_logs=50,
        env={"TINY_SLEEP": "0.05"},
    ) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            pids = list(client.run(os.getpid).values())
        process = start("--dask", cluster.scheduler_address, "--out", path.parent)
        await_rows(process, path, 6)
        os.kill(pids[0], signal.SIGKILL)
        code, out, said = finished(process)
        assert code == 0 and said == "" and "36 runs, " in out
        more = ("--seeds", "8", "--out", path.parent)
        process = start("--dask", cluster.scheduler_address, *more)
        await_rows(process, path, 42)
    code, _, said = finished(process)
    count = len(table(path))
    assert code == 1 and 42 <= count < 96
    assert re.fullmatch(rf"Error: .*: {count} of 96 rows are in .* runs the others\.\n", said)
    assert quick(tmp_path / "there", "--seeds", 8).exit_code == 0
    assert quick(tmp_path / "here", "--seeds", 8).exit_code == 0
    assert timeless(path) == timeless(tmp_path / "here" / "tiny-quick.jsonl")


def test_an_unreachable_cluster_is_one_sentence(tmp_path, monkeypatch):
    distributed = pytest.importorskip("dask.distributed")
    real = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda a, **k: real(a, **(k | {"timeout": 0.5})))
    line = sentence(quick(tmp_path, "--dask", "tcp://127.0.0.1:1"))
    assert line.startswith("Error: No Dask scheduler answers at tcp://127.0.0.1:1 (")


def test_an_address_that_is_none_is_one_sentence_at_once(tmp_path):
    pytest.importorskip("dask.distributed")
    code, _, said = finished(start("--out", tmp_path, "--dask", "nonsense"))
    assert code == 1 and said.count("\n") == 1
    assert said.startswith("Error: No Dask scheduler answers at nonsense (ValueError)")


def test_every_setting_of_the_results_is_plain_json(tmp_path):
    quick(tmp_path)
    for line in (tmp_path / "tiny-quick.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)
