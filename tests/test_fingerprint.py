"""Fingerprints: whatever a run depends on changes them, and nothing that stays the same does."""

import functools
import importlib
import itertools
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lrcourse import optim
from lrcourse.optim import SGD
from lrcourse.papers import NAMES, paper
from lrcourse.schedules import Cosine
from lrcourse.sweep import fingerprint
from lrcourse.training import fit

HERE = Path(__file__).parents[1]


def notebook(*cells):
    """Run cells as a notebook does, without a file, and return their names."""
    names = {"__name__": "__main__"}
    for cell in cells:
        exec(compile(cell, "<cell>", "exec", dont_inherit=True), names)
    return names


TRAIN = "def train(seed):\n    return {'y': USED(seed)}"

# In each pair, only what stands behind the names of `train` differs.
CHANGES = {
    "a number": ("USED = 1", "USED = 2"),
    "a number's type": ("USED = 1", "USED = True"),
    "a list": ("USED = [1, [2]]", "USED = [1, [3]]"),
    "a dict": ("USED = {'a': 1}", "USED = {'a': 2}"),
    "a set": ("USED = {1, 2}", "USED = {1, 3}"),
    "an array": (
        "import numpy as np; USED = np.zeros(3)",
        "import numpy as np; USED = np.zeros(3, 'f4')",
    ),
    "a global schedule": (
        "from lrcourse.schedules import Cosine; USED = Cosine(0.1, 10)",
        "from lrcourse.schedules import Cosine; USED = Cosine(0.5, 10)",
    ),
    "a data class's value": tuple(
        f"""
from dataclasses import dataclass
@dataclass
class Setting:
    rate: float
USED = Setting({rate})"""
        for rate in (0.1, 0.2)
    ),
    "a data class's method": tuple(
        f"""
from dataclasses import dataclass
@dataclass
class Setting:
    rate: float
    def __call__(self, seed):
        return {factor} * self.rate
USED = Setting(0.1)"""
        for factor in (1, 2)
    ),
    "a default of a field": tuple(
        f"""
from dataclasses import dataclass
@dataclass
class USED:
    seed: int
    rate: float = {rate}"""
        for rate in (0.1, 0.2)
    ),
    "a slot": tuple(
        f"""
class Setting:
    __slots__ = ("rate",)
USED = Setting()
USED.rate = {rate}"""
        for rate in (0.1, 0.2)
    ),
    "a class attribute": ("class USED:\n    rate = 1", "class USED:\n    rate = 2"),
    "a class attribute set outside": tuple(
        f"class USED:\n    rate = 1\nUSED.rate = {rate}" for rate in (1, 2)
    ),
    "a method set outside": tuple(
        f"class USED:\n    pass\nUSED.step = lambda self: {rate}" for rate in (1, 2)
    ),
    "a property": tuple(
        f"class USED:\n    @property\n    def rate(self):\n        return {rate}" for rate in (1, 2)
    ),
    "a static method": tuple(
        f"class USED:\n    @staticmethod\n    def rate():\n        return {rate}" for rate in (1, 2)
    ),
    "a base class": tuple(
        f"class Base:\n    rate = {rate}\nclass USED(Base):\n    pass" for rate in (1, 2)
    ),
    "a named tuple": tuple(
        "from typing import NamedTuple\nclass Pair(NamedTuple):\n    a: int\n    b: int\n"
        f"USED = Pair(1, {b})"
        for b in (1, 2)
    ),
    "an enum": tuple(
        f"import enum\nclass Kind(enum.Enum):\n    A = {a}\nUSED = Kind.A" for a in (1, 2)
    ),
    "what a factory makes": tuple(
        f"""
def scaled(by):
    def scale(x):
        return by * x
    return scale
USED = scaled({by})"""
        for by in (2, 3)
    ),
    "an object that a factory makes": tuple(
        f"""
def made(rate):
    class Local:
        def __call__(self, seed):
            return rate
    return Local()
USED = made({rate})"""
        for rate in (2, 3)
    ),
    "a helper": tuple(f"def USED(x):\n    return x + {a}" for a in (1, 2)),
    "a helper of a helper": tuple(
        f"def inner(x):\n    return x + {a}\ndef USED(x):\n    return inner(x)" for a in (1, 2)
    ),
    "a nested function": tuple(
        f"def USED(x):\n    def inner():\n        return {a}\n    return inner()" for a in (1, 2)
    ),
    "a helper with a cache": tuple(
        f"import functools\n@functools.cache\ndef USED(x):\n    return {a}" for a in (1, 2)
    ),
    "a decorated helper": tuple(
        f"""
import functools
def twice(f):
    @functools.wraps(f)
    def wrapper(x):
        return {by} * f(x)
    return wrapper
@twice
def USED(x):
    return x"""
        for by in (2, 3)
    ),
    "a default argument": tuple(f"def USED(x, rate={rate}):\n    return rate" for rate in (1, 2)),
    "a keyword default": tuple(f"def USED(x, *, rate={rate}):\n    return rate" for rate in (1, 2)),
    "a partial": tuple(
        f"import functools\ndef f(x, a):\n    return a\nUSED = functools.partial(f, a={a})"
        for a in (1, 2)
    ),
    "a bound method": tuple(
        f"""
class Scale:
    def __init__(self, by):
        self.by = by
    def apply(self, x):
        return self.by * x
USED = Scale({by}).apply"""
        for by in (1, 2)
    ),
    "which of two functions": ("import numpy; USED = numpy.sin", "import numpy; USED = numpy.cos"),
    "which of two built-ins": ("USED = abs", "USED = float"),
    "which of two optimizers": (
        "from lrcourse.optim import SGD as USED",
        "from lrcourse.optim import Adam as USED",
    ),
    "who is who in a table": tuple(
        f"from lrcourse.optim import SGD, Adam\nUSED = dict(zip({names}, (SGD, Adam)))"
        for names in ("'ab'", "'ba'")
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_what_a_notebook_function_uses_is_seen(name):
    before, after = CHANGES[name]
    first = fingerprint(notebook(before, TRAIN)["train"])
    assert fingerprint(notebook("UNUSED = open", before, TRAIN)["train"]) == first
    assert fingerprint(notebook(after, TRAIN)["train"]) != first


def test_a_change_of_the_function_is_seen_and_one_of_comments_is_not():
    first = fingerprint(notebook("def f(a, seed):\n    return a * 2")["f"])
    same = notebook("# Doubles.\n\n\ndef f(a, seed):\n    # twice\n    return (a * 2)")["f"]
    assert fingerprint(same) == first
    for other in ("a * 3", "a + 2", "seed * 2", "-a * 2", "a.real * 2", "[2 for a in 'a']"):
        assert fingerprint(notebook(f"def f(a, seed):\n    return {other}")["f"]) != first
    assert fingerprint(notebook("def f(seed, a):\n    return a * 2")["f"]) != first


def test_other_words_in_a_docstring_repeat_nothing(study):
    versions = [
        fingerprint(notebook(f"def f(seed):\n    '{words}'\n    return 'b'")["f"])
        for words in ("One.", "Two.")
    ]
    versions += [fingerprint(study(my_study=("One sentence.", w)).function) for w in ("a", "b")]
    assert len(set(versions)) == 2


def test_a_tensor_counts_with_its_values():
    torch = pytest.importorskip("torch")
    tensors = [torch.zeros(3), torch.zeros(3, requires_grad=True), torch.ones(3)]
    versions = [fingerprint(each) for each in tensors]
    assert versions[0] == versions[1] != versions[2]
    assert fingerprint(torch.nn.Linear(2, 2)) != fingerprint(torch.nn.Linear(2, 2))


def test_a_partial_and_a_callable_object_count_with_what_they_hold():
    partials = [functools.partial(fit, rule=rule) for rule in (SGD, optim.Adam)]
    partials += [functools.partial(fit, callbacks=[Cosine(rate, 10)]) for rate in (0.1, 0.5)]
    partials.append(functools.partial(partials[0], epochs=3))
    objects = [notebook(CHANGES["a data class's method"][i])["USED"] for i in (0, 1)]
    assert len({fingerprint(each) for each in [*partials, *objects]}) == 7
    assert fingerprint(partials[2]) == fingerprint(
        functools.partial(fit, callbacks=[Cosine(0.1, 10)])
    )


def test_running_changes_nothing():
    cell = "def train(seed):\n    return [abs(i) + len(str(i)) for i in range(seed)]"
    train = notebook(cell)["train"]
    first = fingerprint(train)
    for _ in range(100):
        train(100)  # Python specializes the bytecode of a function that is used much
    assert fingerprint(train) == first


@pytest.mark.parametrize("name", NAMES)
def test_every_paper_can_be_hashed(name):
    assert fingerprint(paper(name).train) == fingerprint(paper(name).train)


def test_another_process_finds_the_same(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from lrcourse.sweep import fingerprint\n"
        "from lrcourse.papers import paper\n"
        "WORDS = {'a', 'b', 'c', 'd', 'e'}\n"
        "def train(seed):\n    return {} if seed in {'x', 'y', 'z'} else WORDS\n"
        "print(fingerprint(train), fingerprint(paper('irprop').train))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, script],
            env={"PYTHONPATH": str(HERE), "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(found) == 1 and found.pop().split()[1] == fingerprint(paper("irprop").train)


# Files --------------------------------------------------------------------------------------------

STUDY = """
import my_settings
from my_helpers import times
from lrcourse import optim

FACTOR = 2

def table(name):
    return getattr(optim, name)

def function(a, seed):
    '''One sentence.'''
    from my_late import late
    # a comment
    return {"value": times(a) * my_settings.RATE + late()}
"""
FILES = {
    "my_study.py": STUDY,
    "my_settings.py": "RATE = 1\n",
    "my_helpers.py": "BY = 3\n\ndef times(a):\n    return a * BY\n",
    "my_late.py": "def late():\n    return 0\n",
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Return a function that writes a study of several files, with changes, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def imported(**changes):
        for name, text in FILES.items():
            old, new = changes.get(name.removesuffix(".py"), ("", ""))
            assert old in text
            (tmp_path / name).write_text(text.replace(old, new) if old else text)
            monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
        importlib.invalidate_caches()
        return importlib.import_module("my_study")

    yield imported
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_a_change_in_any_file_of_the_user_is_seen(study):
    first = fingerprint(study().function)
    assert fingerprint(study().function) == first
    assert fingerprint(study(my_study=("# a comment", "# another")).function) == first
    changes = [
        {"my_study": ("FACTOR = 2", "FACTOR = 3")},  # not used: a run too many
        {"my_study": ("* my_settings", "+ my_settings")},
        {"my_settings": ("RATE = 1", "RATE = 2")},
        {"my_helpers": ("BY = 3", "BY = 4")},
        {"my_helpers": ("a * BY", "a + BY")},
        {"my_late": ("return 0", "return 1")},
    ]
    assert len({first, *(fingerprint(study(**change).function) for change in changes)}) == 7


def test_a_change_from_outside_of_a_file_is_seen(study):
    found = study()
    first = fingerprint(found.function)
    for name, attribute in (("my_settings", "RATE"), ("my_helpers", "BY")):
        home = sys.modules[name]
        before = getattr(home, attribute)
        setattr(home, attribute, 7)
        assert fingerprint(found.function) != first
        setattr(home, attribute, before)
        assert fingerprint(found.function) == first


def test_code_that_was_edited_but_not_loaded_again_is_another_version(study, tmp_path):
    old = study().function
    (tmp_path / "my_study.py").write_text(STUDY.replace("* my_settings", "+ my_settings"))
    stale = fingerprint(old)
    new = fingerprint(study(my_study=("* my_settings", "+ my_settings")).function)
    assert stale not in (new, fingerprint(study().function))


def test_relative_imports_are_followed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "my_package" / "inner").mkdir(parents=True)
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_package" / "inner" / "__init__.py").touch()
    (tmp_path / "my_package" / "inner" / "study.py").write_text(
        "def f(s):\n    from ..late import g\n    from .. import later\n    return later.h(g())\n"
    )
    found = []
    for a, b in itertools.product((1, 2), (1, 2)):
        (tmp_path / "my_package" / "late.py").write_text(f"def g():\n    return {a}\n")
        (tmp_path / "my_package" / "later.py").write_text(f"def h(x):\n    return x * {b}\n")
        for name in [name for name in sys.modules if name.startswith("my_package")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        found.append(fingerprint(importlib.import_module("my_package.inner.study").f))
    assert len(set(found)) == 4


USES_OF_LRCOURSE = {
    "a global": "from lrcourse import fit\ndef train(seed):\n    return fit(seed)",
    "in a list": "from lrcourse import fit\nF = [fit]\ndef train(seed):\n    return F[0](seed)",
    "late": "def train(seed):\n    from lrcourse import fit\n    return fit(seed)",
    "late, by its module": "def train(seed):\n    from lrcourse.training import fit\n    fit(seed)",
    "by the package": "import lrcourse as lr\ndef train(seed):\n    return lr.training.fit(seed)",
}


@pytest.mark.parametrize("name", USES_OF_LRCOURSE)
def test_a_change_in_a_file_of_lrcourse_is_seen(name, monkeypatch):
    train, real = notebook(USES_OF_LRCOURSE[name])["train"], Path.read_bytes
    first = fingerprint(train)

    def seen(file, more):
        with monkeypatch.context() as patched:
            patched.setattr(
                Path, "read_bytes", lambda path: real(path) + more * (path.name == file)
            )
            return fingerprint(train) != first

    assert seen("training.py", b"EDITED = 1\n") and not seen("training.py", b"# a comment\n")
    assert seen("nn.py", b"EDITED = 1\n")  # which the training imports
    assert not seen("whitening.py", b"EDITED = 1\n")  # which it does not


def test_a_file_that_a_notebook_function_imports_late_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    train = notebook("def train(seed):\n    import my_file\n    return my_file.rate()")["train"]
    found = []
    for rate in (1, 2):
        (tmp_path / "my_file.py").write_text(f"def rate():\n    return {rate}\n")
        found.append(fingerprint(train))
    assert found[0] != found[1]


def test_what_an_installed_package_holds_is_not_looked_at(monkeypatch):
    cells = "import numpy as np", "def train(seed):\n    return np.tanh(seed), np.linalg.norm"
    first = fingerprint(notebook(*cells)["train"])
    monkeypatch.setattr(np.linalg, "norm", None)
    assert fingerprint(notebook(*cells)["train"]) == first


# Refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        threading.Lock(),
        (i for i in range(3)),
        np.random.default_rng(0),
        random.Random(0),
        [threading.Lock()],
        np.frompyfunc(lambda x: x + 1, 1, 1),
    ],
    ids=[
        "lock",
        "iterator",
        "generator of random numbers",
        "Python's",
        "lock in a list",
        "made ufunc",
    ],
)
def test_what_cannot_be_hashed_is_named(value):
    train = notebook("def helper(x):\n    return USED", "def train(seed):\n    return helper(1)")
    train["USED"] = value
    with pytest.raises(ValueError, match=r"^USED cannot be hashed.*\(train > helper > USED: "):
        fingerprint(train["train"])
    train["train"].__defaults__ = (value,)
    with pytest.raises(ValueError, match=r"in the grid, or make it inside the function"):
        fingerprint(train["train"])


def test_a_closure_that_cannot_be_hashed_is_named(tmp_path):
    with open(tmp_path / "log", "w") as log:

        def train(seed):
            log.write("x")

        with pytest.raises(ValueError, match=r"^log cannot be hashed.*train > log: cannot pickle"):
            fingerprint(train)
