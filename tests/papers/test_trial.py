"""Samples over seeds, margins, and how verdicts are found and shown."""

import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from tiny_paper import PAPER

from lrcourse.papers.trial import (
    FAILS,
    HOLDS,
    STUDENT,
    UNDECIDED,
    UNTESTED,
    NotTestedError,
    Printed,
    Sample,
    Verdicts,
    all_hold,
    compared,
    judged,
    lower,
    margin,
    of_column,
    response,
    same,
    sample,
    select,
    tuned,
)

INF = math.inf
ROWS = [
    {"rule": rule, "learning_rate": rate, "seed": seed, "error": error + seed / 100}
    for rule, rate, error in (("SGD", 0.1, 0.3), ("SGD", 0.2, 0.2), ("Adam", 0.1, 0.4))
    for seed in range(3)
]


# Samples ------------------------------------------------------------------------------------------


def test_a_sample_has_its_mean_and_spread_and_shows_them():
    found = Sample((1.0, 2.0, 4.0))
    assert found.mean == pytest.approx(7 / 3)
    assert found.sd == pytest.approx(math.sqrt(7 / 3))
    assert found.show() == "2.3 ± 1.5 (3)"
    assert found.show(0, 100) == "233 ± 153 (3)"
    assert Sample((0.5,)).show(2) == "0.50 (1)" and math.isnan(Sample((0.5,)).sd)


def test_runs_that_got_nowhere_are_counted():
    found = Sample((1.0, INF, 3.0))
    assert found.mean == INF and math.isnan(found.sd)
    assert found.show() == "never in 1 of 3"


def test_a_sample_is_a_column_of_one_setting():
    assert sample(ROWS, "error", rule="Adam").values == pytest.approx((0.4, 0.41, 0.42))
    assert len(select(ROWS, rule="SGD", seed=1)) == 2
    with pytest.raises(NotTestedError, match=r"No run has {'rule': 'Rprop'}"):
        sample(ROWS, "error", rule="Rprop")
    with pytest.raises(ValueError, match="stands for several settings: a seed comes up twice"):
        sample(ROWS, "error", rule="SGD")


@pytest.mark.parametrize("value", [None, math.nan, INF, "ZeroDivisionError: division by zero"])
def test_what_is_no_finite_number_counts_as_infinite(value):
    assert of_column([{"error": 1}, {"error": value}, {}], "error").values == (1, INF, INF)


def test_the_response_goes_along_a_column_and_its_lowest_point_is_the_tuned_one():
    rows = [*ROWS, {"rule": "SGD", "seed": 0, "error": 0.0}]  # has no rate, so it is no point
    curve = response(rows, "error", rule="SGD")
    assert list(curve) == [0.1, 0.2] and curve[0.1].mean == pytest.approx(0.31)
    assert tuned(rows, "error", rule="SGD") == (0.2, curve[0.2])
    lost = [row | {"error": None} if row["learning_rate"] == 0.2 else row for row in ROWS]
    assert tuned(lost, "error", rule="SGD")[0] == 0.1
    with pytest.raises(NotTestedError):
        response(rows, "error", over="batch_size", rule="SGD")


# Margins ------------------------------------------------------------------------------------------

PAIRS = [
    ((0.1, 0.2, 0.4), (0.3, 0.7, 0.9)),
    ((0.1, 0.2, 0.4), (5.0, 25.0, 90.0)),
    ((1.0, 1.1), (2.0, 2.4, 2.5, 2.9, 3.3)),
    ((1.0, 2.0, 3.0), (4.0, 4.0, 4.001)),
    (tuple(range(40)), tuple(range(5, 65))),
]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_the_margin_is_half_the_confidence_interval_of_welchs_test(a, b):
    stats = pytest.importorskip("scipy.stats")
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    expected = (interval.high - interval.low) / 2
    assert margin(Sample(a), Sample(b)) == pytest.approx(expected, rel=0.01)
    assert margin(Sample(b), Sample(a)) == pytest.approx(expected, rel=0.01)


def test_the_margin_by_hand():
    # Equal spreads of 1, three seeds each: 4 degrees of freedom, t = 2.776.
    assert margin(Sample((0, 1, 2)), Sample((5, 6, 7))) == pytest.approx(2.776 * math.sqrt(2 / 3))


def test_the_table_of_t_is_right():
    t = pytest.importorskip("scipy.stats").t
    for freedom, value in STUDENT.items():
        assert value == pytest.approx(t.ppf(0.975, freedom), abs=6e-4)


def test_the_margin_of_extremes():
    assert margin(Sample((1.0,)), Sample((1.0, 2.0))) == INF
    assert margin(Sample((1.0, INF)), Sample((1.0, 2.0))) == INF
    assert margin(Sample((3, 3, 3)), Sample((4, 4, 4))) == 0


# Verdicts -----------------------------------------------------------------------------------------

LOW, HIGH, WIDE = Sample((1.0, 1.1, 1.2)), Sample((3.0, 3.1, 3.2)), Sample((0.0, 3.0, 6.0))
NEVER, PARTLY = Sample((INF, INF, INF)), Sample((1.0, INF, 1.0))


@pytest.mark.parametrize(
    ("a", "b", "resolution", "verdict"),
    [
        (LOW, HIGH, 0, HOLDS),
        (HIGH, LOW, 0, FAILS),
        (LOW, WIDE, 0, UNDECIDED),
        (LOW, LOW, 0, UNDECIDED),
        (LOW, HIGH, 2.5, UNDECIDED),
        (LOW, HIGH, 1.9, HOLDS),
        (LOW, NEVER, 0, HOLDS),
        (NEVER, LOW, 0, FAILS),
        (NEVER, NEVER, 0, UNDECIDED),
        (LOW, PARTLY, 0, UNDECIDED),
        (PARTLY, NEVER, 0, UNDECIDED),
        (Sample((5, 5, 5)), Sample((6, 6, 6)), 0, HOLDS),
        (Sample((5, 5, 5)), Sample((6, 6, 6)), 1, UNDECIDED),
        (Sample((1.0,)), Sample((9.0,)), 0, UNDECIDED),
    ],
)
def test_lower(a, b, resolution, verdict):
    assert lower(a, b, resolution) == verdict


@pytest.mark.parametrize(
    ("a", "b", "resolution", "verdict"),
    [
        (LOW, Sample((1.1, 1.2, 1.3)), 0.25, HOLDS),
        (LOW, Sample((1.1, 1.2, 1.3)), 0.15, UNDECIDED),  # the margin is larger
        (LOW, HIGH, 0.15, FAILS),
        (HIGH, LOW, 0.15, FAILS),
        (LOW, WIDE, 0.15, UNDECIDED),
        (LOW, NEVER, 0.15, FAILS),
        (LOW, PARTLY, 0.15, UNDECIDED),
    ],
)
def test_same(a, b, resolution, verdict):
    assert same(a, b, resolution) == verdict


def test_a_claim_of_several_parts():
    assert all_hold([HOLDS, HOLDS]) == HOLDS
    assert all_hold([HOLDS, UNDECIDED]) == UNDECIDED
    assert all_hold([UNDECIDED, FAILS, HOLDS]) == FAILS
    assert all_hold([]) == UNDECIDED


# Tables -------------------------------------------------------------------------------------------


def tiny(**changed):
    rows = [
        {**setting, "seed": seed, **PAPER.train(**setting, seed=seed)}
        for setting in PAPER.grid("quick")
        for seed in range(3)
    ]
    return [row | changed for row in rows]


def test_a_claim_about_settings_that_were_not_run_is_untested():
    table = judged(PAPER, tiny(), "quick")
    assert table.head == ("claim", "printed", "measured", "verdict")
    assert "Scale: quick" in table.title and PAPER.citation in table.title
    assert [line[-1] for line in table.body] == [HOLDS, HOLDS, UNTESTED]
    assert table.body[1][2] == "0.104 ± 0.000 (3) against 0.280 ± 0.000 (3)"
    assert {line[-1] for line in judged(PAPER, [], "full").body} == {UNTESTED}


@pytest.mark.parametrize(
    ("data", "value", "verdict"),
    [
        ("mnist", 0.11, HOLDS),
        ("mnist", 0.115, HOLDS),
        ("mnist", 0.2, FAILS),
        ("digits", 0.11, UNTESTED),
        ("mnist", "11 %", UNTESTED),
    ],
)
def test_a_printed_figure_is_judged_on_the_papers_own_data_only(data, value, verdict):
    figure = Printed("Table 1", "error", value, {"rule": "SGD", "learning_rate": 0.1}, "error", 3)
    others = (Printed("Text", "not run", 3), Printed("Text", "no row", 1.0, {"rule": "x"}, "error"))
    paper = replace(PAPER, printed=(figure, *others))
    rows = [row | {"data": data} if row["rule"] == "SGD" else row for row in tiny()]
    first, *rest = compared(paper, rows).body
    shown = value if isinstance(value, str) else f"{value:.3f}"
    assert first[2:] == (shown, "0.110 ± 0.000 (3)", verdict)
    assert [line[2:] for line in rest] == [("3", "", UNTESTED), ("1.0000", "", UNTESTED)]
    assert {line[-1] for line in compared(paper, []).body} == {UNTESTED}


class Cells(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.cells = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        assert tag in {"p", "table", "thead", "tbody", "tr", "th", "td"}
        if tag in {"th", "td"}:
            self.cells.append("")

    def handle_data(self, data):
        if self.cells and data.strip():
            self.cells[-1] += data


def test_verdicts_have_three_forms_and_keep_every_character():
    odd = ("a | b", "<b>x</b> & y", "2 * 3 * 4, _w_ t_i", r"\alpha `code` $1 ~ $2")
    table = Verdicts("A < B | C", ("one", "two", "three", "four"), [odd])
    assert str(table) == "\n".join(
        ["A < B | C", "a | b", f"  two: {odd[1]}", f"  three: {odd[2]}", f"  four: {odd[3]}"]
    )
    assert Cells(table._repr_html_()).cells == ["one", "two", "three", "four", *odd]
    text = table._repr_markdown_()
    assert text.splitlines()[0] == r"A \< B \| C"
    forge = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(dollarmath_plugin)
    assert Cells(forge.render(text)).cells == ["one", "two", "three", "four", *odd]
