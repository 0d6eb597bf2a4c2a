r"""The font of the formulas, for readers without a math font: stretching braces, roots and sums.

It is STIX Two Math, reduced to the letters of the site. Its license is in OFL.txt, and its notices
stay in the font.
"""

import html
import io
import re
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset

WHOLE = Path(__file__).with_name("STIXTwoMath.woff")
ITALIC = (*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C))  # Latin and Greek


def math_font(pages: Iterable[str]) -> bytes:
    r"""The font, as WOFF, with the letters in the formulas of these pages."""
    formulas = (formula for page in pages for formula in re.findall(r"<math.*?</math>", page, re.S))
    letters = {letter for formula in formulas for letter in html.unescape(formula)}
    options = subset.Options(flavor="woff", layout_features=["*"], name_IDs=["*"])
    font = subset.load_font(str(WHOLE), options)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=[*map(ord, letters), *ITALIC, ord("√")])
    cut.subset(font)
    file = io.BytesIO()
    subset.save_font(font, file, options)
    return file.getvalue()
