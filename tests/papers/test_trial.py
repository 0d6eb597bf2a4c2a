"""Samples over seeds, margins, and how verdicts are found and shown."""

import math
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from tiny_paper import PAPER

from lrcourse.papers.trial import (
    FAILS,
    HOLDS,
    LEVEL,
    LOWER,
    NEVER_RUN,
    NO_DIFFERENCE,
    SAME,
    SHOWN,
    UNDECIDED,
    UNTESTED,
    Claim,
    Comparison,
    Judgement,
    MissingRunsError,
    NotTestedError,
    Printed,
    Sample,
    Verdicts,
    average,
    beats,
    combined,
    compare,
    compared,
    constant,
    direction,
    holm,
    judged,
    judgements,
    lower,
    of_all,
    of_column,
    rate_text,
    response,
    same,
    sample,
    select,
    student,
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
    with pytest.raises(NotTestedError, match=r"No run has {'rule': 'Rprop'} and a error"):
        sample(ROWS, "error", rule="Rprop")
    with pytest.raises(ValueError, match="stands for several settings: a seed comes up twice"):
        sample(ROWS, "error", rule="SGD")


@pytest.mark.parametrize("value", [None, math.nan, INF, "ZeroDivisionError: division by zero"])
def test_what_is_no_finite_number_counts_as_infinite(value):
    rows = [{"error": 1, "seed": 0}, {"error": value, "seed": 1}, {"seed": 2}]
    assert of_column(rows, "error").values == (1, INF, INF)


def test_what_no_run_has_measured_is_not_tested():
    with pytest.raises(NotTestedError, match="and a loss"):
        sample(ROWS, "loss", rule="Adam")


def test_the_response_goes_along_a_column_and_its_lowest_point_is_the_tuned_one():
    rows = [*ROWS, {"rule": "SGD", "seed": 0, "error": 0.0}]  # has no rate, so it is no point
    curve = response(rows, "error", rule="SGD")
    assert list(curve) == [0.1, 0.2] and curve[0.1].mean == pytest.approx(0.31)
    assert tuned(rows, "error", rule="SGD") == (0.2, curve[0.2])
    lost = [row | {"error": None} if row["learning_rate"] == 0.2 else row for row in ROWS]
    assert tuned(lost, "error", rule="SGD")[0] == 0.1
    with pytest.raises(NotTestedError):
        response(rows, "error", over="batch_size", rule="SGD")


def test_one_column_chooses_and_another_is_reported():
    rows = [row | {"test": 1 - row["error"]} for row in ROWS]
    rate, found = tuned(rows, "test", by="error", rule="SGD")
    assert rate == 0.2 and found.mean == pytest.approx(0.79)


def test_a_rate_at_the_end_of_its_grid_is_named_as_such():
    rows = [*ROWS, ROWS[0] | {"learning_rate": 0.4}]
    assert rate_text(rows, 0.2, rule="SGD") == "0.2"
    assert rate_text(rows, 0.1, rule="SGD") == "0.1 (the lowest of its grid)"
    assert rate_text(rows, 0.4, rule="SGD") == "0.4 (the highest of its grid)"
    assert rate_text(rows, 0.1, rule="Adam") == "0.1"


# Pairs --------------------------------------------------------------------------------------------


def test_samples_are_compared_over_the_seeds_that_both_have():
    a, b = Sample((1.0, 2.0, 4.0), (10, 11, 12)), Sample((9.0, 3.0, 1.0), (13, 12, 10))
    assert combined(lambda x, y: x - y, a, b) == Sample((0.0, 1.0), (10, 12))
    assert average([a, b]).values == (1.0, 3.5)
    assert constant(5.0, a) == Sample((5.0, 5.0, 5.0), (10, 11, 12))


def test_the_data_behind_a_sample_are_known():
    rows = [row | {"data": "mnist"} for row in ROWS]
    found = sample(rows, "error", rule="Adam")
    assert found.data == ("mnist",) and found.seeds == (0, 1, 2)
    other = Sample((1.0, 1.0, 1.0), (0, 1, 2), ("digits",))
    assert combined(lambda x, y: x, found, other).data == ("mnist", "digits")


PAIRS = [
    ((0.1, 0.2, 0.4), (0.3, 0.7, 0.9)),
    ((0.1, 0.2, 0.4), (5.0, 25.0, 90.0)),
    ((1.0, 1.1), (2.0, 2.4)),
    (tuple(range(40)), tuple(x * x / 30 for x in range(40))),
]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_the_interval_is_that_of_the_paired_t_test(a, b):
    stats = pytest.importorskip("scipy.stats")
    interval = stats.ttest_rel(a, b).confidence_interval(0.95)
    found = Comparison(Sample(a), Sample(b))
    assert found.difference.mean == pytest.approx((interval.high + interval.low) / 2)
    assert found.margin() == pytest.approx((interval.high - interval.low) / 2, rel=1e-5)


@pytest.mark.parametrize("freedom", [*range(1, 32), 40, 99, 999])
def test_the_quantiles_of_students_t(freedom):
    t = pytest.importorskip("scipy.stats").t
    for probability in (0.5, 0.8, 0.95, 0.975, 1 - 0.05 / 6, 1 - 0.05 / 24):
        expected = t.ppf(probability, freedom)
        assert student(probability, freedom) == pytest.approx(expected, rel=2e-5, abs=1e-9)


# The rule -----------------------------------------------------------------------------------------

LOW, HIGH = Sample((1.0, 1.1, 1.2)), Sample((3.0, 3.2, 3.1))
WIDE = Sample((0.0, 3.0, 6.0))
NEVER, PARTLY = Sample((INF, INF, INF)), Sample((1.0, INF, 1.0))


@pytest.mark.parametrize(
    ("a", "b", "resolution", "verdict"),
    [
        (LOW, HIGH, 0, HOLDS),
        (HIGH, LOW, 0, FAILS),
        (LOW, WIDE, 0, UNDECIDED),
        (LOW, HIGH, 2.5, NO_DIFFERENCE),
        (LOW, HIGH, 2.01, UNDECIDED),  # within, but not by its interval
        (LOW, HIGH, 1.9, HOLDS),
        (LOW, NEVER, 0, HOLDS),
        (NEVER, LOW, 0, FAILS),
        (NEVER, NEVER, 0, UNDECIDED),
        (LOW, PARTLY, 0, UNDECIDED),
        (PARTLY, NEVER, 0, UNDECIDED),
        (Sample((5, 5, 5)), Sample((6, 6, 6)), 0, HOLDS),
        (Sample((5, 5, 5)), Sample((6, 6, 6)), 1, NO_DIFFERENCE),
        (Sample((1.0,)), Sample((9.0,)), 0, UNDECIDED),
        (LOW, Sample((3.0, 3.1, 3.2), (7, 8, 9)), 0, UNDECIDED),  # no seed in common
    ],
)
def test_lower(a, b, resolution, verdict):
    assert lower(a, b, resolution) == verdict


@pytest.mark.parametrize(
    ("a", "b", "resolution", "verdict"),
    [
        (LOW, Sample((1.1, 1.3, 1.2)), 0.3, HOLDS),
        (LOW, Sample((1.1, 1.3, 1.2)), 0.15, UNDECIDED),
        (LOW, HIGH, 0.15, FAILS),
        (HIGH, LOW, 0.15, FAILS),
        (LOW, WIDE, 0.15, UNDECIDED),
        (LOW, NEVER, 0.15, FAILS),
        (LOW, PARTLY, 0.15, UNDECIDED),
        (WIDE, WIDE, 0.15, HOLDS),  # a setting against itself
    ],
)
def test_same(a, b, resolution, verdict):
    assert same(a, b, resolution) == verdict


def test_equality_is_two_one_sided_tests():
    # Mean difference 0.9, standard error 0.208: the old rule, |d| and margin within 1, let it hold.
    rng = np.random.default_rng(0)
    noise = rng.normal(size=10)
    noise = (noise - noise.mean()) / noise.std(ddof=1) * 0.208 * math.sqrt(10)
    a, b = Sample(tuple(noise + 0.9)), Sample((0.0,) * 10)
    found = Comparison(a, b, SAME, 1.0)
    assert found.margin() < 1 and found.verdict() == UNDECIDED
    assert Comparison(a, b, SAME, 0.9 + 0.208 * 1.834).verdict() == HOLDS  # t, 95 %, 9 degrees


DRAWS = 20_000
SPREADS = (0.05, 0.1, 0.2, 0.4, 1.0)  # in units of the resolution, or of the difference sought


def drawn(rng, mean, spread, count):
    r"""Mean differences of paired runs, and their standard errors."""
    values = rng.normal(mean, spread, (DRAWS, count))
    return values.mean(axis=1), values.std(axis=1, ddof=1) / math.sqrt(count)


@pytest.mark.parametrize("count", range(3, 21))
def test_a_difference_as_large_as_the_resolution_is_seldom_called_none(count):
    rng = np.random.default_rng(count)
    for spread in SPREADS:
        found = direction(*drawn(rng, 1.0, spread, count), count - 1, resolution=1.0)
        assert (found == 0).mean() <= 0.055, spread


@pytest.mark.parametrize("count", range(3, 21))
def test_equals_are_seldom_called_better(count):
    rng = np.random.default_rng(count)
    for spread in SPREADS:
        for resolution in (0.0, 0.05):
            found = direction(*drawn(rng, 0.0, spread, count), count - 1, resolution)
            assert (np.abs(found) == 1).mean() <= 0.055, spread


def test_a_gain_too_small_to_matter_is_decided_with_enough_seeds():
    rng = np.random.default_rng(0)
    shares = []
    for count in (10, 30, 100):
        found = direction(*drawn(rng, -0.3, 0.5, count), count - 1, resolution=0.5)
        shares.append((found == 0).mean())
    assert shares == sorted(shares) and shares[-1] > 0.95


def test_the_seeds_that_are_asked_for_decide_four_times_in_five():
    rng = np.random.default_rng(0)
    for mean, resolution in ((1.0, 0.0), (0.8, 0.5), (0.2, 0.5), (0.0, 0.5)):
        values = rng.normal(size=6)
        values = mean + (values - values.mean()) / values.std(ddof=1)
        needed = Comparison(Sample(tuple(values)), Sample((0.0,) * 6), LOWER, resolution).seeds()
        found = direction(*drawn(rng, mean, 1.0, needed), needed - 1, resolution)
        assert 0.75 <= (~np.isnan(found)).mean() <= 0.93, (mean, resolution, needed)
    assert Comparison(Sample((0.0, 1.0)), Sample((0.0, 0.0)), LOWER, 0.5).seeds() == INF
    assert math.isnan(Comparison(Sample((0.0, INF)), Sample((0.0, 0.0))).seeds())


# Claims of several parts, and several claims ------------------------------------------------------


def part(mean, spread, claim=LOWER, resolution=0.5, count=10):
    r"""A comparison with just this mean difference and standard error."""
    values = np.linspace(-1, 1, count)
    values = mean + values / values.std(ddof=1) * spread * math.sqrt(count)
    return Comparison(Sample(tuple(values)), Sample((0.0,) * count), claim, resolution)


BETTER, WORSE, EVEN, OPEN = part(-1, 0.1), part(1, 0.1), part(0, 0.1), part(-0.6, 0.5)


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ([BETTER, BETTER], HOLDS),
        ([BETTER, OPEN], UNDECIDED),
        ([BETTER, EVEN], NO_DIFFERENCE),
        ([OPEN, EVEN, WORSE], FAILS),
        ([], UNDECIDED),
    ],
)
def test_a_claim_of_several_parts(parts, verdict):
    assert Judgement(tuple(parts)).verdict() == verdict


def test_one_failure_of_many_must_be_the_clearer():
    barely = part(1.0, 1 / 2.4)  # t = 2.4: over 2.26 at 5 %, under 3.69 at 5 % / 10
    assert barely.verdict() == FAILS
    assert Judgement((barely,)).verdict() == FAILS
    assert Judgement((barely,) + (BETTER,) * 9).verdict() == UNDECIDED


def test_the_seeds_of_a_claim_are_those_of_its_parts():
    assert Judgement((BETTER, OPEN)).seeds() == max(BETTER.seeds(), OPEN.seeds())
    against = part(0.9, 0.5)
    assert Judgement((against, OPEN)).seeds() == against.seeds(LEVEL / 2)


def test_of_many_parts_the_worst_are_shown():
    many = Judgement(tuple(part(-k, 0.1)._replace(about=f"part {k}") for k in range(8)))
    assert many.measured.count("difference") == 3 and "part 0: " in many.measured
    assert many.measured.endswith("5 more")


def test_primary_claims_share_their_five_percent():
    clear, nearly = Judgement((part(-1, 1 / 6),)), Judgement((part(-1, 1 / 2.6),))
    assert nearly.verdict() == HOLDS and nearly.verdict(LEVEL / 2) == UNDECIDED
    assert holm([nearly]) == [LEVEL]
    assert holm([nearly, nearly]) == [LEVEL / 2] * 2
    assert holm([nearly, clear]) == [LEVEL, LEVEL / 2]
    rows = tiny()
    paper = replace(
        PAPER,
        claims=tuple(
            PAPER.claims[0]._replace(judge=lambda rows: nearly, primary=primary)
            for primary in (True, True, False)
        ),
    )
    assert [line[-1] for line in judged(paper, rows, "quick").body] == [
        *(UNDECIDED, UNDECIDED, HOLDS)
    ]


def test_equal_methods_rarely_win_a_primary_claim():
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(200):
        values = rng.normal(size=(3, 5))
        found = [Judgement((Comparison(Sample(tuple(v)), Sample((0.0,) * 5)),)) for v in values]
        verdicts = [each.verdict(level) for each, level in zip(found, holm(found), strict=True)]
        wrong += set(verdicts) != {UNDECIDED}
    assert wrong / 200 < 0.08


# Tables -------------------------------------------------------------------------------------------


def tiny(**changed):
    rows = [
        {**setting, "seed": seed, **PAPER.train(**setting, seed=seed)}
        for setting in PAPER.grid("quick")
        for seed in range(3)
    ]
    return [row | changed for row in rows]


def test_a_claim_about_several_settings_names_those_without_runs():
    rows = [{"size": size, "seed": seed, "error": size} for size in (8, 32) for seed in (0, 1)]

    def at(size):
        return sample(rows, "error", size=size)

    assert of_all((8, 32), "batch size", at) == {8: at(8), 32: at(32)}
    with pytest.raises(MissingRunsError, match=r"^Runs are missing at batch size 16, 64\.$"):
        of_all((8, 16, 32, 64), "batch size", at)
    with pytest.raises(NotTestedError, match="nothing to compare"):
        compare({})


def test_a_primary_claim_without_runs_takes_no_share_of_the_five_percent():
    def untested(rows):
        raise MissingRunsError("Runs are missing at batch size 64.")

    half = Claim("half", "no", "lower", untested, primary=True)
    paper = replace(PAPER, claims=(PAPER.claims[0], half))
    (_, _, _, alone), (_, judgement, verdict, _) = judgements(paper, tiny())
    assert alone == LEVEL and verdict == UNTESTED and not judgement.tested
    line = judged(paper, tiny(), "quick").body[1]
    assert line[2] == "mnist, cifar-10" and line[4] == "Runs are missing at batch size 64."


def test_a_claim_about_settings_that_were_not_run_is_untested():
    table = judged(PAPER, tiny(), "quick")
    assert table.head == ("claim", "kind", "data", "printed", "measured", "verdict")
    assert "Scale quick: A parabola over six rates." in table.title
    assert PAPER.citation in table.title
    assert [line[-1] for line in table.body] == [HOLDS, HOLDS, UNTESTED]
    assert table.tested().body == table.body[:2] and table.tested().head == table.head
    assert [line[1] for line in table.body] == ["primary", "secondary", "secondary, post hoc"]
    assert {line[2] for line in table.body[:2]} == {"digits, in place of mnist, cifar-10"}
    assert table.body[1][4] == (
        "0.104 ± 0.000 (3) against 0.280 ± 0.000 (3), difference -0.1762 [-0.1762, -0.1762], "
        "lower in 3 of 3 seeds"
    )
    assert {line[-1] for line in judged(PAPER, [], "full").body} == {UNTESTED}


def test_an_undecided_claim_names_the_seeds_it_needs():
    paper = replace(PAPER, claims=(PAPER.claims[0]._replace(judge=lambda r: Judgement((OPEN,))),))
    (line,) = judged(paper, tiny(), "quick").body
    assert line[-1] == UNDECIDED and line[-2].endswith(f"; {OPEN.seeds()} seeds would decide it")


@pytest.mark.parametrize(
    ("data", "value", "resolution", "verdict"),
    [
        ("mnist", 0.11, 0.002, HOLDS),
        ("mnist", 0.112, 0.002, UNDECIDED),
        ("mnist", 0.115, 0.002, FAILS),
        ("mnist", 0.11, None, SHOWN),
        ("digits", 0.11, 0.002, SHOWN),
        ("mnist", "11 %", None, SHOWN),
    ],
)
def test_a_printed_figure_is_judged_on_the_papers_own_data_only(data, value, resolution, verdict):
    setting = {"rule": "SGD", "learning_rate": 0.1}
    figure = Printed("Table 1", "error", value, setting, "error", 3, resolution)
    others = (Printed("Text", "not run", 3), Printed("Text", "no row", 1.0, {"rule": "x"}, "error"))
    paper = replace(PAPER, printed=(figure, *others))
    rows = [row | {"data": data} if row["rule"] == "SGD" else row for row in tiny()]
    first, *rest = compared(paper, rows).body
    shown = value if isinstance(value, str) else f"{value:.3f}"
    named = data if data == "mnist" else "digits, in place of mnist, cifar-10"
    assert first[2:] == (named, shown, "0.110 ± 0.000 (3)", verdict)
    assert [line[3:] for line in rest] == [("3", "", NEVER_RUN), ("1.0000", "", UNTESTED)]
    assert {line[-1] for line in compared(paper, []).body} == {UNTESTED, NEVER_RUN}


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


def test_the_probability_to_beat_is_the_share_of_seeds_with_its_interval():
    a, b = Sample((1.0, 2.0, 3.0, math.inf)), Sample((2.0, 2.0, 1.0, math.inf))
    assert beats(a, b).share == (1 + 0.5 + 0 + 0.5) / 4
    a = Sample(tuple(range(20)))
    odds = beats(a, Sample(tuple(value + (1 if value < 14 else -1) for value in range(20))))
    stats = pytest.importorskip("scipy.stats")
    interval = stats.binomtest(14, 20).proportion_ci(method="wilson")
    assert odds == pytest.approx((0.7, interval.low, interval.high))
    assert odds.show() == "70 % [48, 85]"
