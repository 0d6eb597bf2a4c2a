"""What prose says of a run must stand in the output above it, or the notebook's test fails.

    # %% [markdown] claims=["constant: 0.85 0.005", "cosine: 17.4 0.4 spread", "cosine < constant"]

A claim names its numbers by a label, a text that stands in exactly one printed line above: the
number is the first one after it, or with ``constant[2]`` the second. Printed is what the code cells
directly above the text print and display, and the alt text of their figures.

- ``LABEL: 0.85 0.005``: the number is within 0.005 of 0.85, which the text quotes. The tolerance is
  at most half of the last digit quoted.
- ``LABEL: 17.4 0.4 spread``: the line goes on with the spread, as in "17.4 ± 0.5", and the
  tolerance is at most that.
- ``LABEL < LABEL``, ``LABEL < LABEL by 0.5``: the first number is smaller (by at least 0.5).

Once a claim stands, its number is changed, or the two are swapped, and it must then fall. Numbers
come out to the last digit only with the pinned versions, one thread, and a processor for which
NumPy and OpenBLAS take the same loops; elsewhere only orders with a "by" are held.

The old form, "0.85 0.02", asks only for any number in the output within 0.02 of 0.85.
"""

import importlib.metadata
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

CONSTRAINTS = Path(__file__).parents[1] / "binder" / "constraints.txt"
NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d+(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][-+]?\d+)?")
SPREAD = re.compile(r"[ %]*(?:±|\+/-|\+-) *(?=[\d.])")
ALLOWED = (
    'A claim is "LABEL: 0.85 0.005", "LABEL: 17.4 0.4 spread", "LABEL < LABEL" or '
    '"LABEL < LABEL by 0.5", where LABEL[2] means the second number after the label.'
)


class ClaimError(ValueError):
    """A claim is malformed, does not stand, or could not fall; the message says which."""


def value(found: str) -> float:
    """The number that a text of ``NUMBER`` stands for."""
    return float(found.replace(",", "").replace("−", "-"))


def numbers(text: str) -> list[float]:
    """All numbers that a text prints."""
    return [value(found) for found in NUMBER.findall(text)]


@dataclass(frozen=True)
class Place:
    """Where a number is printed: the first after a label, the second, ..."""

    label: str
    position: int = 1

    def find(self, output: str) -> re.Match:
        """The number's match in the output."""
        first = r"(?<!\w)(?<!\d[.,])" if re.match(r"\w", self.label) else ""  # 0.9 is not in 0.99
        last = r"(?!\w|[.,]\d)" if re.search(r"\w$", self.label) else ""
        places = list(re.finditer(first + re.escape(self.label) + last, output))
        if len(places) != 1:
            times = f"{len(places)} times" if places else "nowhere"
            raise ClaimError(
                f'"{self.label}" is printed {times} above; a label must stand in exactly one '
                "printed line, once."
            )
        start = places[0].end()
        end = output.find("\n", start)
        found = list(NUMBER.finditer(output, start, end if end >= 0 else len(output)))
        if len(found) < self.position:
            line = output[output.rfind("\n", 0, start) + 1 :].split("\n")[0]
            raise ClaimError(
                f'after "{self.label}" come {len(found)} numbers in its line, not {self.position}: '
                f'"{line}".'
            )
        return found[self.position - 1]


@dataclass(frozen=True)
class Quoted:
    """A number that the text quotes."""

    place: Place
    number: float
    unit: float  # of its last digit
    tolerance: float
    spread: bool

    def hold(self, output: str) -> None:
        """Raise ClaimError unless the printed number is the quoted one, within the tolerance."""
        found = self.place.find(output)
        if self.spread and self.tolerance > self.printed_spread(output) * (1 + 1e-9):
            raise ClaimError(
                f"its tolerance, {self.tolerance:g}, may be at most the spread that the line "
                f'prints, as in "{found[0]} ± {self.tolerance:g}".'
            )
        if abs(value(found[0]) - self.number) > self.tolerance + 1e-9 * abs(self.number):
            raise ClaimError(f"the output has {found[0]}.")

    def printed_spread(self, output: str) -> float:
        """What stands after a ± behind the number; 0 if there is none."""
        sign = SPREAD.match(output, self.place.find(output).end())
        return value(NUMBER.match(output, sign.end())[0]) if sign else 0.0

    def spoil(self, output: str) -> str:
        """The output with another number: off by the last digit quoted, or by two spreads."""
        found = self.place.find(output)
        far = max(self.unit, 2 * self.printed_spread(output) if self.spread else 0)
        number = value(found[0])
        number += far if number >= self.number else -far
        return f"{output[: found.start()]}{number!r}{output[found.end() :]}"


@dataclass(frozen=True)
class Order:
    """One number is smaller than another."""

    less: Place
    more: Place
    by: float | None

    def hold(self, output: str) -> None:
        """Raise ClaimError unless the first number is smaller, by as much as is claimed."""
        less, more = (place.find(output)[0] for place in (self.less, self.more))
        ahead = value(more) - value(less)
        if not ahead > 0 or ahead < (self.by or 0) * (1 - 1e-9):
            raise ClaimError(f"the output has {less} and {more}.")

    def spoil(self, output: str) -> str:
        """The output with the two numbers swapped."""
        a, b = sorted((place.find(output) for place in (self.less, self.more)), key=re.Match.start)
        between = output[a.end() : b.start()]
        return output[: a.start()] + b[0] + between + a[0] + output[b.end() :]


def old(claim: str) -> bool:
    """Whether a claim has the old form, a number and perhaps a tolerance."""
    return bool(re.fullmatch(rf"{NUMBER.pattern}( {NUMBER.pattern})?", claim))


def parse(claim: str, prose: str) -> Quoted | Order | None:
    """Read a claim of the text ``prose``; None for one of the old form."""
    n, place = NUMBER.pattern, r"(\S|\S.*?\S)(?:\[([1-9])\])?"
    if old(claim):
        return None
    if found := re.fullmatch(rf"{place}: ({n}) ({n})( spread)?", claim):
        label, position, quoted, tolerance, spread = found.groups()
        digits = Decimal(quoted.replace(",", "").replace("−", "-"))
        unit = Decimal(1).scaleb(digits.as_tuple().exponent)
        if not spread and not 0 <= Decimal(tolerance) <= unit / 2:
            raise ClaimError(
                f"its tolerance is {tolerance}; it may be at most {unit / 2}, half of the last "
                f'digit of {quoted}, unless the line prints a spread and the claim ends "spread".'
            )
        if quoted.replace("−", "-") not in NUMBER.findall(prose.replace("−", "-")):
            raise ClaimError(f"the text does not quote {quoted}.")
        place = Place(label, int(position or 1))
        return Quoted(place, float(digits), float(unit), float(tolerance), bool(spread))
    if found := re.fullmatch(rf"{place} < {place}(?: by ({n}))?", claim):
        a, i, b, j, by = found.groups()
        if "<" not in a + b:
            if by and float(by) <= 0:
                raise ClaimError('what follows "by" must be more than 0.')
            return Order(Place(a, int(i or 1)), Place(b, int(j or 1)), by and float(by))
    raise ClaimError(f"it is malformed. {ALLOWED}")


def fault(claim: str, prose: str, output: str, exact: bool = True) -> str | None:
    """Why a claim fails, or None; without ``exact`` only an order with a "by" can."""
    try:
        parsed = parse(claim, prose)
        if parsed is None:
            number, tolerance = map(value, [*claim.split(), "0"][:2])
            close = (abs(n - number) <= tolerance + 1e-9 * abs(number) for n in numbers(output))
            return None if any(close) or not exact else "it is not printed by the cell before."
        if not exact and not (isinstance(parsed, Order) and parsed.by):
            return None
        parsed.hold(output)
    except ClaimError as error:
        return str(error)
    try:
        parsed.hold(parsed.spoil(output))
    except ClaimError:
        return None
    return "it would stand with another number just as well."


def not_pinned() -> str:
    """Why numbers need not come out to the last digit here; empty where they must."""
    found = re.findall(r"^(\w+)==([^\s;]+)", CONSTRAINTS.read_text("utf-8"), re.MULTILINE)
    pins = dict(reversed(found))  # of two, for two Pythons, the first made the numbers
    for name in ("numpy", "torch"):
        version = importlib.metadata.version(name).partition("+")[0]
        if version != pins[name]:
            return f"{name} {version} is installed, {pins[name]} is pinned"
    if os.environ.get("OMP_NUM_THREADS") != "1":
        return "OMP_NUM_THREADS is not 1"
    if os.environ.get("OPENBLAS_CORETYPE") != "Haswell" or not _features().get("AVX512_SKX"):
        return "the processor takes other loops"
    return ""


def _features() -> dict[str, bool]:
    from numpy._core import _multiarray_umath

    return _multiarray_umath.__cpu_features__


def watch(item: pytest.Item) -> None:
    """Let a notebook cell's test fail if the claims of the text after it do not stand."""
    cells = item.parent.nb.cells
    after = next(k for k, cell in enumerate(cells) if cell is item.cell) + 1
    text = next((k for k in range(after, len(cells)) if cells[k].cell_type != "code"), None)
    claims = cells[text].metadata.get("claims", []) if text else []
    if not claims:
        return
    run = item.runtest
    printed = vars(item.parent).setdefault("printed", {}).setdefault(text, [])

    def runtest() -> None:
        run()
        printed.extend(out.get("text", "") for out in item.test_outputs)
        printed.extend(out.get("data", {}).get("text/plain", "") for out in item.test_outputs)
        if after < text:
            return
        output, exact = "\n".join(printed), not not_pinned()
        faults = ((claim, fault(claim, cells[text].source, output, exact)) for claim in claims)
        if sentences := [f'the claim "{claim}" fails: {why}' for claim, why in faults if why]:
            pytest.fail("\n".join(sentences))

    item.runtest = runtest
