"""Submissions as bad as we can make them, each with the marks, status and words it should get.

All are chapter 00, worth 16 points: 4, 5 and 7. An attack stands in exercise 00.1, so that 12
points are to be had by the rest. Most wrong answers get one more, for leaving their inputs alone.
"""

import copy
import io
import json
import os
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "solutions" / "00_start_here.ipynb"
FULL, REST = 16, 12
DEF = "def step(w, gradient, learning_rate):\n"
RIGHT = DEF + "    return w - learning_rate * gradient\n"
WRONG = DEF + "    return w + learning_rate * gradient\n"


def inside(*lines: str, right: bool = False) -> str:
    """An answer that does something bad when it is called; perhaps it is right after that."""
    end = ["return w - learning_rate * gradient"] if right else []
    return DEF + "".join(f"    {line}\n" for line in [*lines, *end])


FDS = "for fd in range(3, 64):\n        try: os.write(fd, {})\n        except OSError: pass"
CELLS = {
    # name: (cell of exercise 00.1, points, words of its feedback)
    "right": (RIGHT, FULL, "16 of 16"),
    "wrong": (WRONG, REST + 1, "goes uphill"),
    "exception": (inside('raise ValueError("b<script>alert(1)</script>")'), REST, "line 2, "),
    "syntax": ("def step(w, gradient:\n", REST, "SyntaxError"),
    "raises_after": (RIGHT + "1 / 0\n", FULL, "16 of 16"),
    "raises_before": ("1 / 0\n" + RIGHT, REST, "ZeroDivisionError"),
    "returns_none": (inside("w - learning_rate * gradient"), REST + 1, "returned None"),
    "empty": ("", REST, "still to do"),
    "dots": ("step = ...", REST, "still to do"),
    "number": ("step = 3", REST, "The check cannot use what it returned"),
    "arguments": ("def step(w):\n    return w", REST, "Keep the arguments"),
    "loop": (inside("while True: pass"), REST, "seconds of computing"),
    "loop_swallows": (
        inside(
            "while True:", "    try:", "        while True: pass", "    except BaseException: pass"
        ),
        REST,
        "seconds of computing",
    ),
    "loop_in_c": (inside("sum(range(10**13))"), REST, "seconds of computing"),
    "loop_in_cell": (RIGHT + "while True: pass\n", REST, "seconds of computing"),
    "sleeps": (inside("import time", "time.sleep(10**6)"), REST, "waits for something"),
    "asks": (inside("return float(input())"), REST, "EOFError"),
    "exit": (inside("raise SystemExit"), REST, "SystemExit"),
    "hard_exit": (inside("import os", "os._exit(0)"), REST, "ended the process"),
    "segfault": (inside("import ctypes", "ctypes.string_at(0)"), REST, "ended the process"),
    "stop": (inside("import os", "os.kill(os.getpid(), 19)"), REST, "waits for something"),
    "kill_parent": (
        inside("import os, time", "os.kill(os.getppid(), 9)", "time.sleep(9)", right=True),
        REST,
        "ended",
    ),
    "kill_all": (
        inside("import os, time", "os.kill(-1, 9)", "time.sleep(9)", right=True),
        REST,
        "ended the process",
    ),
    "recursion": (inside("return step(w, gradient, learning_rate)"), REST, "RecursionError"),
    "memory_at_once": (inside("return bytearray(50 * 2**30)"), REST, "MemoryError"),
    "memory_creeps": (
        inside("kept = []", "while True: kept.append(bytearray(10**8))"),
        REST,
        "",  # MemoryError or, on a slow machine, the limit on computing
    ),
    "memory_of_many": (
        inside(
            "import os, time",
            "for _ in range(8):",
            "    if not os.fork():",
            "        kept = bytearray(b'x') * (600 * 2**20)",
            "        time.sleep(600)",
            "time.sleep(600)",
        ),
        REST,
        "It was stopped",
    ),
    "memory_in_a_file": (
        inside("import os", "os.memfd_create('x')", right=True),
        REST,
        "PermissionError",
    ),
    "memory_shared": (
        inside(
            "for number in range(10000):",
            "    open(f'/dev/shm/{number}', 'wb').write(bytes(10**7))",
        ),
        REST,
        "No space left",
    ),
    "returns_much": (inside("import numpy", "return numpy.zeros(10**7)"), REST, "32 MB"),
    "fork_bomb": (inside("import os", "while True: os.fork()"), REST, ""),
    "fork_returns": (inside("import os", "os.fork()", right=True), FULL, "16 of 16"),
    "leaves_processes": (
        inside(
            "import subprocess",
            "subprocess.Popen(['sleep', '31337'], start_new_session=True)",
            right=True,
        ),
        FULL,
        "16 of 16",
    ),
    "leaves_threads": (
        inside(
            "import threading, time",
            "threading.Thread(target=time.sleep, args=(99,)).start()",
            right=True,
        ),
        FULL,
        "16 of 16",
    ),
    "disk": (
        inside("for number in range(10000): open(f'/tmp/{number}', 'wb').write(bytes(10**7))"),
        REST,
        "No space left",
    ),
    "large_file": (
        inside("open('/tmp/large', 'wb').truncate(10**12)"),
        REST,
        "File too large",
    ),
    "output": (
        inside("import os", "print('x' * 10**7)", "os.write(1, b'y' * 10**6)", right=True),
        FULL,
        "16 of 16",
    ),
    "patch_numpy": (
        "import numpy as np\nnp.allclose = lambda *a, **k: True\nnp.array_equal = np.allclose\n"
        "np.abs = lambda *a: 0\n" + WRONG,
        REST + 1,
        "goes uphill",
    ),
    "break_numpy": (
        "import numpy as np\nnp.ndarray = np.asarray = np.errstate = None\n" + RIGHT,
        REST,
        "Your code raised",
    ),
    "patch_torch": (
        "import torch\ntorch.allclose = torch.equal = lambda *a, **k: True\n" + WRONG,
        REST + 1,
        "goes uphill",
    ),
    "patch_checks": (
        "import lrcourse.exercises as e\ne.compare = e.call_unchanged = lambda *a, **k: None\n"
        "class Never(Exception): pass\ne.Wrong = Never\ne.chapter_00 = None\n" + WRONG,
        REST + 1,
        "goes uphill",
    ),
    "patch_protocol": (
        "from lrcourse.grading import protocol\nprotocol.pack = lambda m: b'\\0\\0\\0\\1x'\n"
        + RIGHT,
        REST,
        "meddled",
    ),
    "timed": ("%%time\n" + RIGHT, FULL, "16 of 16"),
    "captured": ("\n%%capture told\n" + RIGHT, FULL, "16 of 16"),
    "in_bash": ("%%bash\nls", REST, "does not run a cell of %%bash"),
    "annotated": (
        "from __future__ import annotations\n" + RIGHT.replace("(w,", "(w: Nobody,"),
        FULL,
        "16 of 16",
    ),
    "input_transformer": (
        WRONG + "get_ipython().input_transformers_post.append(lambda l: ['pass\\n'])\n",
        REST + 1,
        "goes uphill",
    ),
    "magics": ("%matplotlib inline\n!ls\n" + RIGHT, FULL, "16 of 16"),
    "liar": (
        "class Liar:\n    __eq__ = __le__ = __lt__ = lambda s, o: True\n"
        "    __float__ = lambda s: 1.8\n"
        "    __array__ = lambda s, *a, **k: 1 / 0\n    __bool__ = lambda s: True\n"
        "    def detach(self): return self\n    cpu = detach\n" + DEF + "    return Liar()\n",
        REST + 1,
        "",
    ),
    "liar_float": (
        "class Liar(float):\n    __eq__ = __le__ = lambda s, o: True\n"
        "    __sub__ = lambda s, o: 0.0\n" + DEF + "    return Liar(w)\n",
        REST,
        "returned w as it was",
    ),
    "liar_array": (
        "import numpy as np\nclass Liar(np.ndarray):\n"
        "    __eq__ = lambda s, o: np.bool_(True)\n    __array_ufunc__ = lambda s, *a, **k: 0\n"
        + DEF
        + "    return np.zeros(5).view(Liar)\n",
        REST + 1,
        "The shape is (5,)",
    ),
    "any_number": (inside("return float('nan')"), REST + 1, "It returned nan"),
    "huge_number": (inside("return 10**5000"), REST + 1, "returned a int"),
    "words": (inside("return 'x' * 10**4"), REST + 1, "returned a str"),
    "many_words": (inside("return 'x' * 10**7"), REST, "longer than 20,000 characters"),
    "long_and_short_words": (
        inside("return ['x' * 20000] + [''] * 10**5"),
        REST + 1,
        "returned a list of str",
    ),
    "many_parts": (inside("return [[0]] * (15 * 10**4)"), REST, ""),
    "no_entries": (inside("import numpy", "return numpy.zeros((2**30, 0))"), REST, "meddled"),
    "deep": (
        inside("d = []", "for _ in range(1000): d = [d]", "return d"),
        REST,
        "nested too deeply",
    ),
    "a_function": (inside("return lambda: 1"), REST + 1, "returned a function"),
    "changes_input": (inside("w -= learning_rate * gradient", "return w"), FULL - 1, "in place"),
    "evil_text": (
        "class Evil(Exception):\n    def __str__(self): raise SystemExit\n" + inside("raise Evil"),
        REST,
        "Your code raised Exception",
    ),
    "forged": (
        inside(
            "import os, struct, msgpack",
            "body = msgpack.packb(['value', b'12345678', 1.8, None])",
            FDS.format("struct.pack('>I', len(body)) + body"),
            right=True,
        ),
        REST,
        "meddled",
    ),
    "oversized": (
        inside("import os", FDS.format("b'\\xff' * 8"), right=True),
        REST,
        "meddled",
    ),
    "malformed": (
        inside("import os", FDS.format("b'\\0\\0\\0\\5abcde'"), right=True),
        REST,
        "meddled",
    ),
    "forged_shape": (
        "from lrcourse.grading import protocol\nold = protocol.pack\n"
        "def pack(m):\n"
        "    if m[0] == 'value': m[2] = ['array', '<f8', [2**39, 2**39], b'']\n"
        "    return old(m)\nprotocol.pack = pack\n" + RIGHT,
        REST,
        "meddled",
    ),
    "forged_object": (
        "from lrcourse.grading import protocol\nold = protocol.pack\n"
        "def pack(m):\n"
        "    if m[0] == 'value': m[2] = ['handle', 10**6, '__import__(\"os\")']\n"
        "    return old(m)\nprotocol.pack = pack\n" + RIGHT,
        REST,
        "meddled",
    ),
    "asks_back": (
        "from lrcourse.grading import protocol\nold = protocol.pack\n"
        "def pack(m):\n"
        "    if m[0] == 'value': m[:] = ['ask', m[1], 0, ['tuple', []], ['dict', []]]\n"
        "    return old(m)\nprotocol.pack = pack\n" + RIGHT,
        REST,
        "meddled",
    ),
    "reads_answers": (
        inside(
            "import os",
            "skip = {'proc', 'usr', 'sys', 'site-packages', 'lib'}",
            "bad = ('hidden_', 'solutions', 'grades.sqlite', 'secret.key', '.ipynb', 'shadow')",
            "found = []",
            "for folder, inside, files in os.walk('/'):",
            "    inside[:] = [name for name in inside if name not in skip]",
            "    paths = [os.path.join(folder, name) for name in files]",
            "    found += [path for path in paths if any(b in path for b in bad)]",
            "raise ValueError(f'files found {found}')",
        ),
        REST,
        "files found []",
    ),
    "reads_processes": (
        inside(
            "import os",
            "pids = [p for p in os.listdir('/proc') if p.isdigit()]",
            "told = ' '.join(open(f'/proc/{p}/cmdline').read() for p in pids)",
            "seen = '--roster' in told",
            "raise ValueError(f'{len(pids)} processes, the grader: {seen}')",
        ),
        REST,
        "processes, the grader: False",
    ),
    "reads_environment": (
        inside(
            "import os",
            "pids = [p for p in os.listdir('/proc') if p.isdigit()]",
            "told = b''.join(open(f'/proc/{p}/environ', 'rb').read() for p in pids)",
            "names = sorted({one.partition(b'=')[0].decode() for one in told.split(b'\\0')})",
            "raise ValueError(f'environment {names}')",
        ),
        REST,
        "environment ['', 'HOME', 'LANG', 'MKL_NUM_THREADS', 'MPLBACKEND', 'OMP_NUM_THREADS', "
        "'OPENBLAS_NUM_THREADS', 'PATH', 'PWD', 'PYTHONPATH']",
    ),
    "trickles": (
        inside(
            "import os, struct, time",
            "for fd in range(3, 64):",
            "    try: os.write(fd, struct.pack('>I', 2**24)); sink = fd",
            "    except OSError: pass",
            "for _ in range(4): os.fork()",
            "while True: os.write(sink, b'x'); time.sleep(0.01)",
        ),
        REST,
        "It was stopped",
    ),
    "writes": (
        inside(
            "done = []",
            "for path in ('OUT/grades.sqlite', 'OUT/escape', 'IN/escape', '/escape',",
            "             '/etc/escape', '/site/lrcourse/escape', '/usr/escape', '/dev/escape',",
            "             '/proc/1/mem'):",
            "    try: open(path, 'ab').write(b'x'); done.append(path)",
            "    except OSError: pass",
            "raise ValueError(f'written {done}')",
        ),
        REST,
        "written []",
    ),
    "network": (
        inside("import socket", "socket.create_connection(('1.1.1.1', 80), 3)"),
        REST,
        "Operation not permitted",
    ),
    "socket_buffers": (
        inside("import socket", "kept = [socket.socketpair() for _ in range(100)]"),
        REST,
        "Operation not permitted",
    ),
    "new_namespace": (
        inside(
            "import ctypes",
            "libc = ctypes.CDLL(None, use_errno=True)",
            "calls = [libc.syscall(56, 0x10000011, 0, 0, 0, 0)]",
            "calls += [libc.syscall(435, 0, 0), libc.syscall(430, b'tmpfs', 0)]",
            "raise ValueError(f'calls {calls}')",
        ),
        REST,
        "calls [-1, -1, -1]",
    ),
    "namespaces": (
        inside(
            "import ctypes",
            "libc = ctypes.CDLL(None, use_errno=True)",
            "calls = [libc.unshare(0x10000000), libc.ptrace(16, 1, 0, 0)]",
            "calls.append(libc.shmget(0, 4096, 950))",
            "raise ValueError(f'calls {calls}')",
        ),
        REST,
        "calls [-1, -1, -1]",
    ),
    "leaks_in_hidden": (
        inside("if getattr(w, 'ndim', 0) == 2: raise ValueError(f'LEAK {w}')", right=True),
        FULL - 1,
        "Use only w, gradient",
    ),
    "half_a_character": (RIGHT + "x = '\udc80'\n", FULL, "16 of 16"),
    "null": (RIGHT + "\0", REST, "Your code raised"),
    "nesting": ("x = " + "(" * 5000 + ")" * 5000 + "\n" + RIGHT, REST, "Your code raised"),
}


def notebook(cell: str) -> dict:
    """The solution of chapter 00 with another cell for exercise 00.1."""
    made = json.loads(SOLUTION.read_text(encoding="utf-8"))
    answer(made, "00.1")["source"] = cell
    return made


def answer(made: dict, id: str) -> dict:
    """The answer cell of an exercise."""
    return next(c for c in made["cells"] if c["metadata"].get("exercise") == id)


def changed_notebooks() -> dict[str, tuple[dict, float, str]]:
    """Notebooks whose cells are not as they were: name, notebook, points, words."""
    made = {}

    def add(name, points, words):
        made[name] = copy.deepcopy(notebook(RIGHT)), points, words
        return made[name][0]["cells"]

    stub = {
        "cell_type": "code",
        "metadata": {"exercise": "00.1"},
        "source": DEF + '    raise NotImplementedError("Exercise 00.1: write step here.")',
    }
    cells = add("doubled_by_a_stub", FULL, "16 of 16")
    cells.append(stub)
    cells = add("doubled_by_a_wrong_one", REST + 1, "goes uphill")
    cells.append({**stub, "source": WRONG})
    cells = add("missing", REST, "still to do")
    cells[:] = [c for c in cells if c["metadata"].get("exercise") != "00.1"]
    cells = add("reversed", FULL, "16 of 16")
    cells.reverse()
    cells = add("no_metadata", FULL, "16 of 16")
    for cell in cells:
        cell["metadata"] = {}
    cells = add("strange_cells", FULL, "16 of 16")
    cells[:0] = [3, None, {"cell_type": "code", "source": None, "metadata": {}}, {"source": 1}]
    cells.append({"cell_type": "code", "metadata": {"exercise": ["00.1"]}, "source": "1 / 0"})
    cells.append({"cell_type": "code", "metadata": {"exercise": "99.1"}, "source": WRONG})
    cells.append(
        {"cell_type": "code", "metadata": {"points": 99, "exercise": "01.1"}, "source": ""}
    )
    cells = add("helper", FULL, "16 of 16")
    cells.append(
        {"cell_type": "code", "metadata": {}, "source": "import math as m\nONE = m.exp(0)"}
    )
    cells.append(
        {"cell_type": "code", "metadata": {}, "source": "def minus(a, b):\n    return ONE * a - b"}
    )
    for cell in cells:
        if cell["metadata"].get("exercise") == "00.1":
            cell["source"] = DEF + "    return minus(w, learning_rate * gradient)"
    cells = add("table", FULL, "16 of 16")
    for source in (
        "rates, tall = [], {}",
        "for k in range(3):\n    rates.append(-1.0)\n    tall[k] = k",
        "rates[0] = 1.0",
    ):
        cells.append({"cell_type": "code", "metadata": {}, "source": source})
    for cell in cells:
        if cell["metadata"].get("exercise") == "00.1":
            cell["source"] = DEF + "    return w - (rates[0] + tall[0]) * learning_rate * gradient"
    cells = add("a_million_lines", FULL, "16 of 16")
    cells.append({"cell_type": "code", "metadata": {}, "source": "x = 1\n" * 10**6})
    cells = add("other_cells_break", FULL, "16 of 16")
    cells[:0] = [
        {"cell_type": "code", "metadata": {}, "source": s} for s in ("1 / 0", "def (", "x")
    ]
    # Exercise 00.1 writes down all that it is given, 00.2 tells it in the error of a visible check.
    cells = add("leaks_by_a_file", FULL - 5, "told: ")
    for cell in cells:
        if cell["metadata"].get("exercise") == "00.1":
            cell["source"] = inside(
                "told = 'LEAK' if getattr(w, 'ndim', 0) == 2 else 'seen'",
                "print(told, file=open('/tmp/seen', 'a'))",
                right=True,
            )
        if cell["metadata"].get("exercise") == "00.2":
            cell["source"] = (
                "def descend(w, learning_rate, steps):\n"
                "    raise ValueError('told: ' + open('/tmp/seen').read())"
            )
    return made


def zip_bombs() -> dict[str, bytes]:
    """Zips that unpack to too much, lead out of the folder, or hold too many files."""
    right = json.dumps(notebook(RIGHT))
    members = {
        "bomb": {"00.ipynb": "0" * (60 * 2**20)},
        "slip": dict.fromkeys(("../ann/00.ipynb", "/tmp/00.ipynb", "..\\ann\\00.ipynb"), right),
        "crowd": {f"{number}.ipynb": "" for number in range(2500)},
    }
    made = {}
    for name, files in members.items():
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
            for path, text in files.items():
                file.writestr(path, text)
        made[name] = data.getvalue()
    return made


def make(
    submissions: Path, out: Path, answers: dict[str, tuple[str, float, str]]
) -> dict[str, tuple[float | None, str, str]]:
    """Write all submissions; return for each student the points, status and words expected."""
    expected = {}

    def put(student: str, content: bytes, name: str = "00_start_here.ipynb") -> Path:
        path = submissions / student / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    for name, (cell, points, words) in answers.items():
        cell = cell.replace("OUT", str(out)).replace("IN/", f"{submissions}/")
        put(name, json.dumps(notebook(cell)).encode())
        expected[name] = points, "graded", words
    for name, (made, points, words) in changed_notebooks().items():
        put(name, json.dumps(made).encode())
        expected[name] = points, "graded", words
    right = json.dumps(notebook(RIGHT)).encode()
    for name, path in {"renamed": "my homework (1) final.ipynb", "in_a_folder": "a.ipynb"}.items():
        put(name, right, path)
        expected[name] = FULL, "graded", "16 of 16"
    (submissions / "flat_00_start_here (2).ipynb").write_bytes(right)
    expected["flat"] = FULL, "graded", "16 of 16"
    put("two", right)
    put("two", json.dumps(notebook(WRONG)).encode(), "copy.ipynb")
    expected["two"] = None, "unreadable", "two notebooks of chapter 00"
    put("twice_the_same", right)
    put("twice_the_same", right, "copy.ipynb")
    expected["twice_the_same"] = FULL, "graded", "16 of 16"

    contents = {
        "bad_json": (b'{"cells": [', "is not a notebook"),
        "no_bytes": (b"", "is empty"),
        "binary": (bytes(range(256)), "is not a notebook"),
        "list": (b"[1, 2]", "is not a notebook"),
        "deep_json": (b"[" * 10**6, "is not a notebook"),
        "no_exercise": (b'{"cells": []}', "no exercise"),
        "large": (b" " * (21 * 2**20), "larger than"),
        "long_number": (b'{"cells": [], "n": ' + b"9" * 5000 + b"}", "is not a notebook"),
        "dicts_in_dicts": (b'{"":' * 10**5 + b"0" + b"}" * 10**5, "is not a notebook"),
    }
    for name, (content, words) in contents.items():
        put(name, content)
        expected[name] = None, "unreadable", words
    for name in ("link", "link_to_gradebook", "pipe", "folder", "nothing", "locked", "device"):
        (submissions / name).mkdir()
    os.symlink(SOLUTION, submissions / "link" / "00_start_here.ipynb")
    os.symlink(out / "grades.sqlite", submissions / "link_to_gradebook" / "00.ipynb")
    os.symlink(SOLUTION.parent, submissions / "linked_folder")
    os.mkfifo(submissions / "pipe" / "00.ipynb")
    (submissions / "folder" / "00.ipynb").mkdir()
    for name, words in {
        "link": "is a link",
        "link_to_gradebook": "is a link",
        "linked_folder": "is a link",
        "pipe": "is a pipe",
        "folder": "is a folder",
    }.items():
        expected[name] = None, "unreadable", words
    put("locked", right).chmod(0)
    expected["locked"] = None, "unreadable", "cannot be opened"
    expected["nothing"] = expected["absent"] = None, "missing", ""
    if os.geteuid() == 0:
        os.mknod(submissions / "device" / "00.ipynb", 0o20666, os.makedev(1, 5))  # /dev/zero
        expected["device"] = None, "unreadable", ""
    else:
        expected["device"] = None, "missing", ""
    for name in ("=cmd()|x", "-2+3", "line\nbreak", "+a", "\u202eeda"):
        put(name, right)
        expected[name] = None, "unreadable", "the name is not one"
    names = (
        "O'Brien, Zoë (2)",
        "O’Brien Seán",
        "प्रिया शर्मा",
        "สมชาย ใจดี",
        "محمّد",
        "ann [2]",
        "UNI\\ann",
    )
    for name in (*names, "José·Maria", "<script>alert(1)<"):
        put(name, right)
        expected[name] = FULL, "graded", "16 of 16"
    put("Chloe\u0301", right)
    expected["Chlo\u00e9"] = FULL, "graded", "16 of 16"
    put(os.fsdecode(b"Zo\xeb_77_assignsubmission_file"), right)
    expected["Zo\u00eb_77"] = FULL, "graded", "16 of 16"
    for name, path in {"shouts": "A.IPYNB", "texted": "00.ipynb.txt", "json": "00.json"}.items():
        put(name, right, path)
        expected[name] = FULL, "graded", "16 of 16"
    put("zips", b"PK", "homework.zip")
    expected["zips"] = None, "unreadable", "is not a zip that can be read"
    for name, words in {
        "bomb": "unpacks to more than 20 MB",
        "slip": "holds no notebook",
        "crowd": "holds more than 2000 files",
    }.items():
        put(name, zip_bombs()[name], "homework.zip")
        expected[name] = None, "unreadable", words
    for second, content in (("01", json.dumps(notebook(WRONG)).encode()), ("02", right)):
        name = f"HW 2_jdoe_attempt_2026-03-12-10-15-{second}_00.ipynb"
        (submissions / name).write_bytes(content)
    expected["jdoe"] = FULL, "graded", "16 of 16"
    return expected
