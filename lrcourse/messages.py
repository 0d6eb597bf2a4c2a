r"""Sentences about names that do not exist: what was given, what is allowed, and the nearest."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: object, allowed: Iterable[str], cutoff: float = 0.4) -> str | None:
    r"""Return the allowed name most like this one, small and capital letters alike, or None.

    Args:
        name: what was given; anything that is not text is compared as it prints.
        allowed: the names that exist.
        cutoff: how alike the two must be, from 0 (always return one) to 1 (the same).
    """
    by_lower = {one.lower(): one for one in allowed}
    found = get_close_matches(str(name).lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else None


def unknown(kind: str, name: object, allowed: Iterable[str]) -> str:
    r"""Return the sentence for a name that does not exist.

    Args:
        kind: what was named ("initialization").
        name: the name that was given.
        allowed: the names that exist.

    Returns:
        A sentence with the allowed names, and the nearest one if there is one.
    """
    allowed = list(allowed)
    near = nearest(name, allowed)
    hint = f" Did you mean {near!r}?" if near else ""
    return f"Unknown {kind} {name!r}: choose from {', '.join(map(repr, allowed))}.{hint}"
