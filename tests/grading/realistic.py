r"""Sixty submissions as students make them: seven front ends, five platforms, twelve kinds of work.

All are chapter 00, worth 16 points. What a front end leaves in a file and what a platform calls it
follow what these write today; the names are made up.
"""

import copy
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bad_submissions import DEF, FULL, REST, RIGHT, ROOT, WRONG, answer, notebook

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
STUB = json.loads((ROOT / "chapters" / "00_start_here.ipynb").read_text(encoding="utf-8"))
PICTURE = {"image/png": "iVBORw0KGgo" * 1000, "text/plain": ["<Figure size 640x480 with 1 Axes>"]}


def code(source: str) -> dict:
    """A code cell that has been run."""
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": []}
    return {**cell, "source": source}


def run(made: dict) -> None:
    """Give every code cell a count, and some an output, as after Run All."""
    counted = 0
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            counted += 1
            cell["execution_count"] = counted
            shown = {"data": PICTURE, "metadata": {}, "output_type": "display_data"}
            cell["outputs"] = [shown] if counted % 3 else []


def notebook_6(made: dict) -> str:
    """The classic Notebook: format 4.4, no ids, marks of scrolling and collapsing."""
    made["nbformat_minor"] = 4
    for cell in made["cells"]:
        cell.pop("id", None)
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"scrolled": True, "collapsed": False}
    return "00_start_here.ipynb"


def jupyterlab(made: dict) -> str:
    """JupyterLab 4: format 4.5, collapsed headings, times, the state of widgets."""
    made["nbformat_minor"] = 5
    state = {"state": {"a" * 32: {"model_name": "SliderModel", "state": {}}}, "version_major": 2}
    made["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    for number, cell in enumerate(made["cells"]):
        cell["id"] = f"{number:08x}-aaaa-4bbb-8ccc-0123456789ab"
        cell["metadata"] |= {"editable": True, "slideshow": {"slide_type": ""}, "tags": []}
        if cell["cell_type"] == "markdown":
            cell["metadata"]["jp-MarkdownHeadingCollapsed"] = True
        else:
            cell["metadata"]["execution"] = {"iopub.execute_input": "2026-03-12T10:00:00Z"}
    return "00_start_here-Copy1.ipynb"


def vs_code(made: dict) -> str:
    """VS Code: format 4.2, a hash of the interpreter, no ids, lines in lists."""
    made["nbformat_minor"] = 2
    made["metadata"]["vscode"] = {"interpreter": {"hash": "31f2aee4e71d21fbe5cf8b01ff0e069b"}}
    for cell in made["cells"]:
        cell.pop("id", None)
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["metadata"]["vscode"] = {"languageId": "python"}
    return "00_start_here (2).ipynb"


def colab(made: dict) -> str:
    """Colab: format 4.0, ids in the metadata, a badge on top, its own name."""
    made["nbformat_minor"] = 0
    made["metadata"] = {"colab": {"provenance": [], "toc_visible": True}, "accelerator": "GPU"}
    made["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    for number, cell in enumerate(made["cells"]):
        cell.pop("id", None)
        cell["metadata"] |= {"id": f"Xy{number:010}"}
        if cell["cell_type"] == "code":
            cell["metadata"] |= {
                "outputId": "0b1c",
                "colab": {"base_uri": "https://localhost:8080/"},
            }
    badge = '<a href="https://colab.research.google.com/x"><img alt="Open In Colab"/></a>'
    metadata = {"id": "view-in-github", "colab_type": "text"}
    made["cells"].insert(0, {"cell_type": "markdown", "metadata": metadata, "source": [badge]})
    return "Copy of 00_start_here.ipynb"


def kaggle(made: dict) -> str:
    """Kaggle: format 4.4, its block in the metadata, a cell of its own on top, a new name."""
    made["nbformat_minor"] = 4
    made["metadata"]["kaggle"] = {
        "accelerator": "none",
        "dataSources": [],
        "isInternetEnabled": True,
    }
    for cell in made["cells"]:
        cell.pop("id", None)
        cell["metadata"] |= {"_uuid": "8f2839f25d086af736a60e9eeb907d3b", "trusted": True}
    top = "import os\nfor dirname, _, filenames in os.walk('/kaggle/input'):\n    print(dirname)"
    made["cells"].insert(0, code(top))
    return "notebook0a1b2c3d4e.ipynb"


def dataspell(made: dict) -> str:
    """DataSpell and PyCharm: all metadata of cells replaced, outputs with times."""
    made["nbformat_minor"] = 0
    for number, cell in enumerate(made["cells"]):
        cell["id"], cell["metadata"] = f"{number:016x}", {"pycharm": {"name": "#%% md\n"}}
        if cell["cell_type"] == "code":
            cell["metadata"] = {"collapsed": False, "ExecuteTime": {"end_time": "2026-03-12T10:00"}}
    return "start.ipynb"


def deepnote(made: dict) -> str:
    """Deepnote: ids and hashes in the metadata, an advertisement as the last cell, no minor 5."""
    made["nbformat_minor"] = 0
    made["metadata"] = {"deepnote": {}, "deepnote_notebook_id": "1f0c", "orig_nbformat": 2}
    for number, cell in enumerate(made["cells"]):
        cell.pop("id", None)
        kind = "code" if cell["cell_type"] == "code" else "markdown"
        own = {"cell_id": f"{number:032x}", "deepnote_cell_type": kind, "source_hash": "9a2f"}
        cell["metadata"] |= {
            **own,
            "execution_start": 1773309600000,
            "deepnote_to_be_reexecuted": False,
        }
    text = "<a href='https://deepnote.com'>Created in Deepnote</a>"
    metadata = {"created_in_deepnote_cell": True, "deepnote_cell_type": "markdown"}
    made["cells"].append({"cell_type": "markdown", "metadata": metadata, "source": text})
    return "Start here (my copy).ipynb"


FRONT_ENDS = (notebook_6, jupyterlab, vs_code, colab, kaggle, dataspell, deepnote)


def extra_cells(cells: list[dict]) -> None:
    cells[:0] = [code("!pip install lrcourse\n%matplotlib inline\nimport numpy as np")]
    cells[4:4] = [code("from google.colab import drive\ndrive.mount('/content/drive')")]
    cells[8:8] = [code("# my tries\nfor rate in (0.1, 1.1):\n    print(step(1.0, 2.0, rate))")]
    cells.append(code("step(3.0, 1.0, 0.5)"))
    cells.append(code(""))


def reordered(cells: list[dict]) -> None:
    cells.sort(key=lambda cell: "exercise" not in cell["metadata"])


def helper(cells: list[dict]) -> None:
    cells.append(code("def minus(a, b):\n    return a - b"))
    own(cells)["source"] = DEF + "    return minus(w, learning_rate * gradient)"


def annotated(cells: list[dict]) -> None:
    own(cells)["source"] = (
        "from numpy.typing import ArrayLike\n\n\n"
        "def step(\n    w: ArrayLike,\n    gradient: ArrayLike,\n    learning_rate: float,\n"
        ") -> ArrayLike:\n"
        '    """One step of gradient descent."""\n'
        "    return w - learning_rate * gradient  # downhill\n\n\nprint(step(1.0, 1.0, 0.1))"
    )


def doubled(cells: list[dict]) -> None:
    stub = copy.deepcopy(answer(STUB, "00.1"))
    cells.insert(cells.index(own(cells)) + 1, stub)


def large_outputs(cells: list[dict]) -> None:
    text = [f"step {n}: the loss is {1 / (n + 1):.6f}\n" for n in range(150_000)]
    shown = {"name": "stdout", "output_type": "stream", "text": text}
    next(c for c in cells if c["cell_type"] == "code").setdefault("outputs", []).append(shown)


def without_metadata(cells: list[dict]) -> None:
    for cell in cells:
        cell["metadata"] = {}


def own(cells: list[dict]) -> dict:
    return next(c for c in cells if c["metadata"].get("exercise") == "00.1")


def write(source: str) -> Callable[[list[dict]], None]:
    """The kind of work that has this in the cell of exercise 00.1."""
    return lambda cells: own(cells).update(source=source)


WORK = (  # what is done to the cells of the worked solution, and the points that are left
    (lambda cells: None, FULL),
    (extra_cells, FULL),
    (reordered, FULL),
    (helper, FULL),
    (annotated, FULL),
    (doubled, FULL),
    (large_outputs, FULL),
    (without_metadata, FULL),
    (write("%%time\n" + RIGHT + "\n"), FULL),
    (write("".join(answer(STUB, "00.1")["source"])), REST),
    (write(WRONG), REST + 1),
    (write(RIGHT.replace("w -", "W -")), REST),  # a name that does not exist
)


class Person(NamedTuple):
    """A student, as the roster and as platforms know her."""

    student: str
    name: str
    number: int
    points: float | None


def made(number: int) -> tuple[str, bytes, float]:
    """The file of one of the sixty: its name, its content, its points."""
    content = copy.deepcopy(notebook(RIGHT))
    change, points = WORK[number % len(WORK)]
    change(content["cells"])
    run(content)
    content["metadata"]["kernelspec"] = KERNEL
    name = FRONT_ENDS[number % len(FRONT_ENDS)](content)
    return name, json.dumps(content, indent=1, ensure_ascii=bool(number % 2)).encode(), points


NAMES = (
    *("Ann Lee", "Ann Leeson", "Zoë Müller", "José María Núñez", "Seán O'Brien", "李 小龙"),
    *("Nguyễn Văn An", "Priya Sharma", "Jean-Luc Petit", "Bob Roe", "Bob Roemer", "Mia de Jong"),
)


def canvas(root: Path, people: list[Person], files: list[tuple[str, bytes]]) -> None:
    """Flat; the name without its signs, LATE, the numbers of user and file, a count of attempts."""
    for person, (name, content) in zip(people, files, strict=True):
        last, _, first = person.name[::-1].partition(" ")
        squeezed = "".join(c for c in (last[::-1] + first[::-1]).lower() if c.isalnum())
        late, again = "_LATE" * (person.number % 3 == 0), "-1" * (person.number % 4 == 0)
        ending = name.removesuffix(".ipynb").replace(" ", "+") + again + ".ipynb"
        path = root / f"{squeezed}{late}_{person.number}_{person.number + 70_000}_{ending}"
        path.write_bytes(content)


def moodle(root: Path, people: list[Person], files: list[tuple[str, bytes]]) -> None:
    """A folder each, one more for text typed online; some zip their file."""
    for person, (name, content) in zip(people, files, strict=True):
        folder = root / f"{person.name}_{person.number}_assignsubmission_file"
        folder.mkdir()
        if person.number % 5 == 0:
            name, content = "homework.zip", zipped({f"hw/{name}": content, "__MACOSX/._a": b"x"})
        (folder / name).write_bytes(content)
        if person.number % 4 == 0:
            text = root / f"{person.name}_{person.number}_assignsubmission_onlinetext"
            text.mkdir()
            (text / "onlinetext.html").write_text("<p>Here it is.</p>")


def blackboard(root: Path, people: list[Person], files: list[tuple[str, bytes]]) -> None:
    """Flat; the assignment, the login, the attempt; a text beside each, some attempts before it."""
    for person, (name, content) in zip(people, files, strict=True):
        begun = f"Week 1: first steps_{person.student}_attempt_2026-03-12-"
        (root / f"{begun}10-15-30_{name}").write_bytes(content)
        (root / f"{begun}10-15-30.txt").write_text(f"Name: {person.name} ({person.student})")
        if person.number % 3 == 0:
            (root / f"{begun}09-00-00_{name}").write_bytes(json.dumps(notebook(WRONG)).encode())
            (root / f"{begun}09-00-00.txt").write_text(f"Name: {person.name} ({person.student})")


def brightspace(root: Path, people: list[Person], files: list[tuple[str, bytes]]) -> None:
    """A folder for each time of handing in, and a page about all of them."""
    (root / "index.html").write_text("<title>Submissions</title>")
    for person, (name, content) in zip(people, files, strict=True):
        begun = root / f"{person.number}-881 - {person.name} - Mar 12, 2026"
        Path(f"{begun} 1015 AM").mkdir()
        (Path(f"{begun} 1015 AM") / name).write_bytes(content)
        if person.number % 3 == 0:
            Path(f"{begun} 900 AM").mkdir()
            Path(f"{begun} 900 AM", name).write_bytes(json.dumps(notebook(WRONG)).encode())


def gradescope(root: Path, people: list[Person], files: list[tuple[str, bytes]]) -> None:
    """Folders by number, and a file that says whose they are."""
    lines = []
    for person, (name, content) in zip(people, files, strict=True):
        folder = root / "assignment_7_export" / f"submission_{person.number + 50_000}"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        lines += [f"{folder.name}:", "  :submitters:", f"  - :name: {json.dumps(person.name)}"]
        lines += [f"    :sid: '{person.number}'", f"    :email: {person.student}@uni.example"]
        lines += ["  :created_at: 2026-03-12 10:15:30.000000000 Z", "  :status: processed"]
    (root / "assignment_7_export" / "submission_metadata.yml").write_text("\n".join(lines))


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


PLATFORMS = (canvas, moodle, blackboard, brightspace, gradescope)


def hand_in(folder: Path, platform: int) -> list[Person]:
    """Write the export of one platform; return its students and one who handed in nothing."""
    people, files = [], []
    for place, name in enumerate(NAMES):
        filename, content, points = made(platform * len(NAMES) + place)
        login = f"user{place:02}"
        people.append(Person(login, name, 4000 + 17 * place, points))
        files.append((filename, content))
    folder.mkdir()
    PLATFORMS[platform](folder, people, files)
    return [*people, Person("user99", "Ann", 999, None)]
