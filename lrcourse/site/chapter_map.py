r"""Which chapter needs which, as a picture: the chapters in a row, and an arc for each need."""

from collections.abc import Mapping, Sequence
from html import escape

LINE, LEFT = 26, 165  # pixels from chapter to chapter, and to the left of their names


def chapter_map(names: Mapping[str, str], needs: Mapping[str, Sequence[str]]) -> str:
    r"""Return an SVG, with arcs only for what is not needed by way of another chapter.

    Args:
        names: of the chapters, by number and in order.
        needs: the numbers that each names as needed, all of them before it.
    """
    rows = {number: row for row, number in enumerate(names)}
    words, shapes = [], []
    for number, name in names.items():
        y = LINE * rows[number] + LINE // 2
        shapes.append(f'<circle cx="{LEFT}" cy="{y}" r="4"/>')
        shapes.append(f'<text x="{LEFT + 14}" y="{y + 5}">{escape(name)}</text>')
        direct = [need for need in needs[number] if need in rows]
        around = set().union(*(_all(need, needs) for need in direct))
        for need in direct:
            if need not in around:
                above = LINE * rows[need] + LINE // 2
                end, out = LEFT - 6, LEFT - 14 - (y - above) * 0.55
                shapes.append(
                    f'<path d="M{end} {above}C{out:.0f} {above} {out:.0f} {y} {end} {y}"/>'
                )
        if direct:
            words.append(f"{number} needs {' and '.join(direct)}")
    height = LINE * len(names)
    label = f"What needs what: {'; '.join(words)}."
    return (
        f'<svg class="map" role="img" aria-label="{escape(label)}" viewBox="0 0 400 {height}" '
        f'width="400" height="{height}">{"".join(shapes)}</svg>'
    )


def _all(number: str, needs: Mapping[str, Sequence[str]]) -> set[str]:
    r"""What a chapter needs, and what that needs in turn."""
    found = set(needs.get(number, ()))
    return found.union(*(_all(need, needs) for need in found))
