r"""lrcourse: how big a step should a network take?

Nothing heavy is imported here: each name below loads its module when it is first used.
"""

import sys
from importlib import import_module

__version__ = "0.2.0"

_HOMES = {
    **{"check": "exercises", "hint": "exercises"},
    **{"yours": "exercises.answers", "whose": "exercises.answers"},
    **dict.fromkeys(("guess", "outcome", "tally"), "widgets.guess"),
    **{"load": "data", "fit": "training"},
}
_MODULES = {
    *("callbacks", "data", "labs", "measure", "nn", "optim", "papers", "plots", "range_test"),
    *("schedules", "sweep", "torch_optim", "training", "whitening"),
}
__all__ = sorted(_MODULES | _HOMES.keys())


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"lrcourse.{name}")
    if name in _HOMES:
        return getattr(import_module(f"lrcourse.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'lrcourse' has no attribute {name!r}")


if sys.platform == "emscripten":
    import_module("lrcourse.browser").adapt_cells()
