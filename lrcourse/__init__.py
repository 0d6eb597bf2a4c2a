r"""lrcourse: how big a step should a network take?

Nothing heavy is imported here: each name below loads its module when it is first used.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "check": "lrcourse.exercises",
    "hint": "lrcourse.exercises",
    "labs": "lrcourse.widgets.labs",
    "load": "lrcourse.data",
    "fit": "lrcourse.training",
}
_MODULES = {
    *("callbacks", "data", "measure", "nn", "optim", "papers", "plots", "range_test"),
    *("schedules", "sweep", "torch_optim", "training", "whitening"),
}
__all__ = sorted(_MODULES | _HOMES.keys())


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"lrcourse.{name}")
    if name in _HOMES:
        home = import_module(_HOMES[name])
        return home if _HOMES[name].endswith(f".{name}") else getattr(home, name)
    raise AttributeError(f"module 'lrcourse' has no attribute {name!r}")
