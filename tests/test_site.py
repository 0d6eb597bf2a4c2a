r"""The site: every link, anchor, picture and formula; what is run again; what is refused."""

import html
import json
import re
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import needs
import pytest
from click.testing import CliRunner
from waiting import LIMIT, until

from lrcourse.cli import main
from lrcourse.course.workspace import learners_copy
from lrcourse.papers import NAMES, paper

for package in ("nbformat", "latex2mathml", "bs4", "fontTools"):
    needs.package(package)
import nbformat
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

from lrcourse.site import SiteError
from lrcourse.site import build as building
from lrcourse.site import execute as executing
from lrcourse.site.chapter_map import chapter_map
from lrcourse.site.render import Writer, plain
from lrcourse.site.trials import trials
from lrcourse.widgets import labs
from lrcourse.widgets.standalone_html import fragment

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pages(site):
    r"""Each page of the site, parsed, by its file."""
    found = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
    }
    assert len(found) == 5 + len(list((ROOT / "lrcourse" / "docs").glob("*.md")))
    return found


def test_every_link_and_every_file_is_there(site, pages):
    anchors = {path: {tag["id"] for tag in page.select("[id]")} for path, page in pages.items()}
    broken, followed = [], 0
    for path, page in pages.items():
        for tag in page.select("[href], [src]"):
            address = tag.get("href") or tag.get("src")
            scheme, _, name, _, place = urlsplit(address)
            if scheme in ("http", "https", "data"):
                if tag.name != "a" and scheme != "data":
                    broken.append(f"{path.name} loads {address}")
                continue
            followed += 1
            target = (path.parent / unquote(name)).resolve() if name else path
            inside = target.is_relative_to(site.resolve()) and target.is_file()
            if not inside or (place and unquote(place) not in anchors[target]):
                broken.append(f"{path.name}: {address}")
    assert broken == []
    assert followed > 200


def test_ids_are_unique_and_pages_have_one_title(pages):
    for path, page in pages.items():
        ids = [tag["id"] for tag in page.select("[id]")]
        assert len(ids) == len(set(ids)), path.name
        assert len(page.select("h1")) == 1 and page.title.text.strip(), path.name
        assert page.html["lang"] == "en" and len(page.select("main")) == 1


def test_every_picture_has_words(pages):
    pictures = [tag for page in pages.values() for tag in page.select("img, svg")]
    assert len(pictures) >= 15
    for tag in pictures:
        if tag.name == "img":
            assert len(tag["alt"]) > 10
        elif not tag.find_parent("svg"):
            assert tag["role"] == "img" and len(tag["aria-label"]) > 10


def test_links_to_chapters_that_were_not_asked_for_are_plain_text(pages):
    (chapter,) = (page for path, page in pages.items() if path.parts[-2:] == SECOND)
    assert not chapter.find("a", href=re.compile("02_backprop"))
    assert "Backprop" in chapter.article.text  # the word of the link in the last cell


SECOND = ("chapters", "01_one_knob.html")


def test_each_page_leads_to_the_next_and_back(pages):
    by_place = {"/".join(path.parts[-2:]): page for path, page in pages.items()}
    menu = by_place["docs/faq.html"].select("#menu > ul:last-of-type > li > a")
    docs = [f"docs/{link['href']}" for link in menu]
    assert sorted(docs) == sorted(name for name in by_place if name.startswith("docs/"))
    for row in (["chapters/00_start_here.html", "chapters/01_one_knob.html"], docs):
        for name, after in pairwise(row):
            folder = name.partition("/")[0]
            assert by_place[name].find(rel="next")["href"] == after.removeprefix(f"{folder}/")
            assert by_place[after].find(rel="prev")["href"] == name.removeprefix(f"{folder}/")
    assert by_place[row[0]].find(rel="prev") is None


def test_a_chapter_shows_stubs_outputs_and_the_way_to_the_solution(site):
    chapter, solution = (
        BeautifulSoup((site / part / "00_start_here.html").read_text("utf-8"), "html.parser")
        for part in ("chapters", "solutions")
    )
    assert "Exercise 00.1: to do." in chapter.text and "raise NotImplementedError" in chapter.text
    assert "Exercise 00.1: passed." in solution.text
    link = chapter.find("a", string="Worked solution")["href"]
    assert "return w - learning_rate * gradient" in solution.text
    assert solution.find(id=unquote(link.partition("#")[2])).h3.text == "Exercise 00.1"


def test_a_lab_travels_unchanged(site):
    page = BeautifulSoup((site / "chapters/00_start_here.html").read_text("utf-8"), "html.parser")
    (state,) = (json.loads(tag.string) for tag in page.select(".lrcourse-lab-state"))
    expected = BeautifulSoup(fragment(labs.one_knob()), "html.parser")
    assert state == json.loads(expected.script.string)
    assert page.select_one(".lab svg")["aria-label"] == expected.svg["aria-label"]


def test_the_search_index_leads_to_sections_and_holds_their_words(site, pages):
    text = (site / "static" / "search.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("window.lrcourseSearch = ").removesuffix(";"))
    for address, title, section, _ in index:
        path, _, place = address.partition("#")
        heading = pages[site / path].find(id=place)
        assert section == " ".join(heading.text.replace("\u2060", "").split()) or heading.math
        assert title in pages[site / path].title.text
    (found,) = (entry for entry in index if entry[2] == "More weights")
    assert "Hessian" in found[3]
    assert {entry[0].partition("/")[0] for entry in index} == {"chapters", "docs"}


SOURCES = sorted([*ROOT.glob("solutions/*.ipynb"), *ROOT.glob("lrcourse/docs/*.md")])


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_every_formula_becomes_mathml(path):
    texts = [path.read_text(encoding="utf-8")]
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    for text in texts:
        page = BeautifulSoup(Writer(lambda address: address).markdown(text), "html.parser")
        for formula in page.select("math"):
            assert not re.search(r"[\\&]", formula.text), formula.text
            assert not formula.select("merror")
        assert not [p for p in page.select("p, li, td") if re.search(r"\$\S[^$]*\S\$", prose(p))]


def prose(tag):
    return "".join(part for part in tag.find_all(string=True) if not part.find_parent("code"))


def test_the_font_of_the_formulas_has_their_letters_its_tables_and_its_licence(site, pages):
    font = TTFont(site / "static" / "math.woff")
    letters = {
        letter for page in pages.values() for tag in page.select("math") for letter in tag.text
    }
    missing = {letter for letter in letters if ord(letter) not in font.getBestCmap()}
    assert not {letter for letter in missing if not letter.isspace()}
    assert {ord("√"), 0x1D464} <= set(font.getBestCmap())  # 𝑤, as browsers draw <mi>w</mi>
    assert "MATH" in font and "Open Font License" in font["name"].getDebugName(13)


def test_formulas_are_mended():
    written = Writer(lambda address: address).markdown(
        r"$w = -2$, $a - b$, $\text{fan\_in}$, $\ln n$, $\lVert g \rVert$, $\overline{xy}$."
    )
    assert '<mo form="prefix">\u2212</mo>' in html.unescape(written)
    assert html.unescape(written).count("<mo>\u2212</mo>") == 1
    assert "<mtext>fan_in</mtext>" in written and '<mi>ln</mi><mspace width="0.17em" />' in written
    assert html.unescape(written).count('<mo stretchy="false">\u2016</mo>') == 2
    assert '<mo class="bar">' in written and "</span>&NoBreak;." in written


def test_two_headings_alike_get_two_ids_as_forges_give_them():
    writer = Writer(lambda address: address)
    written = writer.markdown("## `nn.py`: a view\n\n## One, two\n\n## One two\n")
    assert re.findall('id="(.+?)"', written) == ["nnpy-a-view", "one-two", "one-two-1"]


# ---- running


def notebook(folder, name, *code, prose="# Title"):
    cells = [nbformat.v4.new_code_cell(source) for source in code]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(prose), *cells])
    path = folder / "chapters" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(made, path)
    return path


def texts(notebooks):
    cells = [cell for found in notebooks.values() for cell in found.cells]
    return [output.text for cell in cells for output in cell.get("outputs", [])]


def test_only_what_has_changed_is_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(executing, "_package_hash", lambda: "this package")
    cache = tmp_path / "cache"
    paths = [notebook(tmp_path, "01_one", "print(1)"), notebook(tmp_path, "02_two", "print(2)")]
    assert texts(executing.execute(paths, cache, jobs=2)) == ["1\n", "2\n"]
    notebook(tmp_path, "01_one", "print(1)", prose="# Another title")
    notebook(tmp_path, "02_two", "print(3)")
    run, original = [], executing._one
    monkeypatch.setattr(executing, "_one", lambda path, *r: run.append(path) or original(path, *r))
    again = executing.execute(paths, cache, jobs=1)
    assert texts(again) == ["1\n", "3\n"] and run == paths[1:]
    assert again[paths[0]].cells[0].source == "# Another title"
    assert len(list(cache.iterdir())) == 2  # what nobody asks for any more is gone
    monkeypatch.setattr(executing, "_package_hash", lambda: "a newer package")
    executing.execute(paths, cache, jobs=2)
    assert run == [paths[1], *paths]


def test_failing_cells_are_a_sentence_each_and_the_rest_is_kept(tmp_path):
    bad = notebook(tmp_path, "00_bad", "1 / 0")
    good = notebook(tmp_path, "01_good", "print(1)")
    dead = notebook(tmp_path, "02_dead", "import os", "os._exit(1)")
    with pytest.raises(SiteError) as raised:
        executing.execute([bad, good, dead], tmp_path / "cache", jobs=2)
    assert str(raised.value).splitlines() == [
        "chapters/00_bad.ipynb fails: ZeroDivisionError: division by zero",
        "chapters/02_dead.ipynb: its kernel died; it may have run out of memory",
    ]
    assert [path.name[:16] for path in (tmp_path / "cache").iterdir()] == ["chapters-01_good"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C as Linux and macOS do")
def test_ctrl_c_ends_the_kernels_and_keeps_what_has_run(tmp_path):
    started = tmp_path / "kernel"
    good = notebook(tmp_path, "01_good", "print(1)")
    wait = f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(500)"
    paths = [good, notebook(tmp_path, "02_wait", wait)]
    code = (
        "from pathlib import Path; from lrcourse.site.execute import execute\n"
        f"execute([Path(p) for p in {[str(p) for p in paths]}], Path({str(tmp_path)!r}), jobs=1)"
    )
    running = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    until(lambda: (started.is_file() and started.read_text()) or running.poll() is not None)
    running.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in running.communicate(timeout=LIMIT)[1]
    kernel = Path("/proc") / started.read_text()
    until(lambda: not kernel.exists())
    assert len(list(tmp_path.glob("chapters-01_good-*.json"))) == 1


# ---- the folder


@pytest.fixture
def quick(monkeypatch):
    r"""The course with chapters that are not run."""

    def read(paths, cache, jobs):
        return {path: nbformat.read(path, as_version=4) for path in paths}

    monkeypatch.setattr(building, "execute", read)
    monkeypatch.setattr(building, "trials", lambda: ("# Five\n\nPapers.\n", {"a.png": b"a"}))


def run(*arguments):
    return CliRunner().invoke(main, ["site", *map(str, arguments)])


def test_a_second_site_takes_the_place_of_the_first_and_of_nothing_else(tmp_path, quick):
    out = tmp_path / "site"
    assert run(out, "00", "01").exit_code == 0
    (out / "CNAME").write_text("course.example")
    (out / "chapters" / "mine.html").write_text("mine")
    assert run(out, "00").exit_code == 0
    assert not (out / "chapters" / "01_one_knob.html").exists()
    assert (out / "CNAME").read_text() == "course.example"
    assert (out / "chapters" / "mine.html").read_text() == "mine"


def test_what_a_site_does_not_hold_is_named(tmp_path, quick):
    result = run(tmp_path / "site")
    assert result.exit_code == 0
    assert len(list((tmp_path / "site" / "chapters").glob("*.html"))) == len(
        list((ROOT / "chapters").glob("*.ipynb"))
    )
    for name in re.findall(r"plain text: (.+)", result.output):
        assert not re.search(r"chapters/|solutions/\d", name), name


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda out: out.write_text("mine"), "is a file: name a folder."),
        (
            lambda out: (out.mkdir(), (out / "thesis.txt").write_text("mine")),
            "holds files, and is not a site of lrcourse: name a new or an empty folder.",
        ),
        (
            lambda out: (out.mkdir(), (out / ".lrcourse-site.json").write_text("{")),
            "is damaged: name another folder.",
        ),
    ],
)
def test_a_folder_that_is_not_ours_is_left_alone(tmp_path, prepare, sentence, quick):
    out = tmp_path / "out"
    prepare(out)
    before = [(p, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()]
    result = run(out)
    assert result.exit_code == 1 and result.output.endswith(f"{sentence}\n")
    assert result.output.count("\n") == 1
    assert [(p, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()] == before


def parsed(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_without_an_address_nothing_leads_to_one(site, pages):
    assert not [name for name in ("404.html", "sitemap.xml") if (site / name).exists()]
    for page in pages.values():
        assert not page.select('[property="og:image"], [rel=canonical]')
        assert not page.find("a", href=re.compile("mybinder|colab"))
        assert len(page.find("meta", attrs={"name": "description"})["content"]) > 30


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("Ann/my.course", "https://ann.github.io/my.course/"),
        ("Ann/ann.github.io", "https://ann.github.io/"),
    ],
)
def test_one_address_makes_every_link_to_the_web(tmp_path, quick, repository, address):
    assert run(tmp_path / "site", "00", "--github", repository).exit_code == 0
    chapter = parsed(tmp_path / "site" / "chapters" / "00_start_here.html")
    assert (tmp_path / "site" / "static" / "preview.png").is_file()
    picture = chapter.find("meta", property="og:image")["content"]
    assert picture == f"{address}static/preview.png"
    here = f"{address}chapters/00_start_here.html"
    assert chapter.find(rel="canonical")["href"] == here
    path = "chapters/00_start_here.ipynb"
    assert (ROOT / path).is_file()
    binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{path}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/HEAD/{path}"
    assert chapter.find("a", string="Binder")["href"] == binder
    assert chapter.find("a", string="Colab")["href"] == colab
    listed = re.findall("<loc>(.+?)</loc>", (tmp_path / "site" / "sitemap.xml").read_text())
    files = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*.html")}
    assert {*listed} == {f"{address}{path.as_posix()}" for path in files} - {f"{address}404.html"}
    root = urlsplit(address).path
    for tag in parsed(tmp_path / "site" / "404.html").select("[href], [src]"):
        link = (tag.get("href") or tag.get("src")).partition("#")[0]
        if link and not link.startswith(("data:", "https:")):  # it is shown below any folder
            assert link.startswith(root)
            assert (tmp_path / "site" / link.removeprefix(root)).is_file()


def test_an_address_that_is_none_is_refused_before_anything_is_written(tmp_path, quick):
    result = run(tmp_path / "site", "00", "--github", "https://github.com/ann/course")
    assert result.exit_code == 1 and "write OWNER/NAME" in result.output
    assert not (tmp_path / "site").exists()


def test_a_notebook_can_be_downloaded_as_learners_get_it(site, pages):
    for part, name in (SECOND, ("solutions", SECOND[1])):
        (page,) = (page for path, page in pages.items() if path.parts[-2:] == (part, name))
        link = page.find("a", download=True)["href"]
        assert (site / part / link).read_bytes() == learners_copy(ROOT / part / link)
    solution = (site / "solutions" / "01_one_knob.html").read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in solution


def test_a_heading_has_a_link_to_itself(pages):
    for page in pages.values():
        for heading in page.select("article .heading > h2, article .heading > h3"):
            link = heading.parent.find("a", class_="anchor", recursive=False)
            assert link["href"] == f"#{heading['id']}" and link["aria-label"] != "Link to: "


def test_search_has_formulas_in_letters(site):
    assert plain(r"\frac{\eta_t}{2} \le \lVert w \rVert^2") == "η_t/2≤‖w‖^2"
    writer = Writer(lambda address: address)
    writer.markdown("## The $D \\times D$ matrix\n\nA $\\lambda$ of it.")
    (section,) = writer.sections
    assert (section.title, section.words) == ("The D×D matrix", ["A λ of it."])
    assert "\\\\" not in (site / "static" / "search.js").read_text(encoding="utf-8")


def test_the_map_leaves_out_what_is_needed_by_way_of_another():
    names = {number: f"{number} <name>" for number in ("00", "01", "02")}
    drawn = BeautifulSoup(
        chapter_map(names, {"00": [], "01": ["00"], "02": ["00", "01", "99"]}), "html.parser"
    )
    assert len(drawn.select("path")) == 2
    label = "What needs what: 01 needs 00; 02 needs 00 and 01."
    assert drawn.svg["aria-label"] == label and "02 <name>" in drawn.text


def test_five_papers_are_on_trial(trial_page):
    text, pictures = trial_page
    titles = re.findall("^## (.+)", text, re.MULTILINE)
    assert titles == [*NAMES[:5], "Run it again"]
    assert re.findall(r"\]\((trials/.+?)\)", text) == list(pictures)
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())
    for name in NAMES[:5]:
        assert f"## {name}\n\n![The claims by number" in text
        claims = len(paper(name).claims)
        assert f"{claims} claims: " in text.partition(f"## {name}")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def trial_page():
    return trials()


def test_a_list_that_names_files_elsewhere_deletes_none_of_them(tmp_path, quick):
    out, thesis = tmp_path / "out", tmp_path / "thesis.txt"
    thesis.write_text("mine")
    out.mkdir()
    (out / ".lrcourse-site.json").write_text(json.dumps({"files": ["../thesis.txt", str(thesis)]}))
    assert run(out, "00").exit_code == 0
    assert thesis.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, quick):
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "site")
    assert result.exit_code == 1 and result.output.startswith("Error: Cannot write ")
    assert result.output.count("\n") == 1


def test_outputs_that_cannot_be_kept_are_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "site", "00", "--cache", tmp_path / "file" / "cache")
    assert result.exit_code == 1 and "Name another folder for the outputs" in result.output
    assert result.output.count("\n") == 1


def test_an_unknown_chapter_is_one_sentence(tmp_path):
    result = run(tmp_path / "site", "99")
    assert result.exit_code == 1
    assert result.output.startswith("Error: Unknown chapter '99': choose from '00', '01', ")
    assert not (tmp_path / "site").exists()
