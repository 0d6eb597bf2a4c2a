r"""One palette: files that cannot import it repeat its colours."""

import re
from pathlib import Path

import pytest

from lrcourse import palette

PACKAGE = Path(palette.__file__).parent
COLOURS = {name: value for name, value in vars(palette).items() if name.isupper()}


@pytest.mark.parametrize("name", ["widgets/view.css", "widgets/guess.js", "grading/feedback.html"])
def test_every_colour_is_of_the_palette(name):
    text = (PACKAGE / name).read_text(encoding="utf-8")
    named = re.findall(r"(\w+) = \"(#\w{6})\"", text)
    assert all(COLOURS[colour] == value for colour, value in named)
    used = set(re.findall(r"#[0-9A-Fa-f]{3,6}", text)) - {"#fff"}
    assert used and used <= set(COLOURS.values())
