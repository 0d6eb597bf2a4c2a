"""The picture of all claims, and the same in words."""

import math

import pytest

from lrcourse.papers import forest
from lrcourse.papers.trial import (
    HOLDS,
    NO_DIFFERENCE,
    UNDECIDED,
    UNTESTED,
    Claim,
    Comparison,
    Judgement,
    Sample,
)


def found(says, values, resolution, verdict, **more):
    zero = Sample((0.0,) * len(values))
    part = Comparison(Sample(tuple(values)), zero, resolution=resolution)
    claim = Claim(says, "0.5", "lower", lambda rows: None, **more)
    return claim, Judgement((part,)), verdict, 0.05


FOUND = [
    found("a gain", (-1.0, -1.2, -1.1), 0.5, HOLDS, primary=True),
    (Claim("not run", "1", "lower", lambda rows: None), Judgement(), UNTESTED, 0.05),
    found("none", (0.1, -0.1, 0.0), 0.5, NO_DIFFERENCE),
    found("diverged", (math.inf, 1.0, 1.0), 0.5, UNDECIDED),
    found("no resolution", (1.0, -1.0, 2.0), 0.0, UNDECIDED),
]


def test_the_picture_has_every_claim_that_was_measured():
    assert [number for number, *_ in forest.drawn(FOUND)] == [1, 3, 5]
    figure = forest.figure(FOUND)
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["1. a gain (primary)", "3. none", "5. no resolution"]
    texts = [text.get_text() for text in axes.texts]
    assert texts[0] == "holds\nprinted: 0.5" and texts[1].startswith(NO_DIFFERENCE)
    colours = {line.get_color() for line in axes.lines}
    assert {forest.COLOURS[verdict] for verdict in (HOLDS, NO_DIFFERENCE, UNDECIDED)} <= colours


def test_the_words_say_what_the_picture_shows():
    words = forest.words(FOUND)
    middle, margin = forest.in_resolutions(FOUND[0][1].parts[0])
    assert middle == pytest.approx(-2.2) and margin == pytest.approx(
        0.2 * 4.303 / math.sqrt(3), rel=1e-3
    )
    assert f"1, holds: {middle - margin:.1f} to {middle + margin:.1f}" in words
    assert "5, undecided: -" in words and "2," not in words
    assert set(forest.COLOURS) == set(forest.MARKS)
