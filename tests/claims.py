"""Numbers in prose: a markdown cell's claims must stand in the output of the cell before it.

    # %% [markdown] claims=["0.85 0.02", "120"]

means that the code cell directly before prints a number within 0.02 of 0.85, and 120 itself.
"""

import re

import pytest

NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d+(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][-+]?\d+)?")


def numbers(text: str) -> list[float]:
    """All numbers that a text prints."""
    plain = (found.replace(",", "").replace("−", "-") for found in NUMBER.findall(text))
    return [float(found) for found in plain if found]


def missing(claims: list[str], text: str) -> list[str]:
    """The claims that no number of the text bears out."""
    printed = numbers(text)

    def stands(claim: str) -> bool:
        value, tolerance = map(float, [*claim.split(), "0"][:2])
        return any(abs(number - value) <= tolerance + 1e-9 * abs(value) for number in printed)

    return [claim for claim in claims if not stands(claim)]


def watch(item: pytest.Item) -> None:
    """Let a notebook cell's test fail if the claims of the markdown after it do not stand."""
    cells = item.parent.nb.cells
    after = next(k for k, cell in enumerate(cells) if cell is item.cell) + 1
    claims = cells[after].metadata.get("claims", []) if after < len(cells) else []
    if not claims:
        return
    run = item.runtest

    def runtest() -> None:
        run()
        texts = [out.get("text", "") for out in item.test_outputs]
        texts += [out.get("data", {}).get("text/plain", "") for out in item.test_outputs]
        if lacking := missing(claims, "\n".join(texts)):
            pytest.fail(f"claimed in the prose, but not printed by the cell before: {lacking}")

    item.runtest = runtest
