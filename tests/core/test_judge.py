"""From measurement to verdict: strictness, ranges, open periods, unknown."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest

from tulosvahti.core.contract import Delivery, DeliveryState
from tulosvahti.core.judge import Setting, judge_target
from tulosvahti.core.measure import Measurement, Parts, Reason, measured
from tulosvahti.core.period import Grain, read_period
from tulosvahti.core.ranges import Range
from tulosvahti.core.rule import Cite, Measure, MeasureKind, Rule, TargetSpec
from tulosvahti.core.target import read_target
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Word
from tulosvahti.problem import Place

YEAR = read_period("2023")
WHOLE = Delivery("register", DeliveryState.ACCEPTED)


def judged(  # noqa: PLR0913
    target, value, *, low=None, high=None, as_of=date(2023, 12, 31), accumulates=False, monotone=False, warn=None,
    delivery=WHOLE, grace=0, reason=None, previous=None, previous_range=None, min_rows=0, rows=10, path=(),
):  # fmt: skip
    exact = None if value is None else Fraction(value)
    spread = Range(Fraction(low) if low else exact, Fraction(high) if high else exact)
    measure = Measure("register", MeasureKind.COUNT, None, period="on", accumulates=accumulates, min_rows=min_rows, path=path)
    read = read_target(target) if target else None
    spec = TargetSpec(measure, Grain.YEAR, ((YEAR, read),) if read else (), read_target(warn) if warn else None)
    rule = Rule("rule", Text("Sääntö"), "owner", Cite("agreement", "1", Text("Luku")), spec, Place("rules/1.yaml", 1, 1))
    measurement = Measurement("rule", (), YEAR, exact, spread, rows, 0, reason, (), monotone)
    ends = previous_range or (previous, previous)
    before = None
    if previous is not None:
        before = Measurement("rule", (), YEAR.previous(), Fraction(previous), Range(Fraction(ends[0]), Fraction(ends[1])))
    setting = Setting(as_of, delivery, binding=True, grace=timedelta(days=grace), previous=before)
    return judge_target(rule, spec, YEAR, measurement, setting)


@pytest.mark.parametrize(
    ("target", "value", "word"),
    [
        ("> 4", "4", Word.MISSED),
        ("> 4", "4.0000001", Word.MET),
        (">= 90", "90", Word.MET),
        ("<= 38", "38.01", Word.MISSED),
        ("3..4", "4", Word.MET),
        (">= 100", "99.81", Word.MISSED),
        ("= 100", "100", Word.MET),
        (None, "7", Word.MONITORED),
    ],
)
def test_final_level(target, value, word):
    verdict = judged(target, value)
    assert verdict.word is word
    assert not verdict.provisional


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [("90", "95", Word.MET), ("80", "89", Word.MISSED), ("89", "91", Word.UNKNOWN), ("89.99", "90", Word.UNKNOWN)],
)
def test_unknown_rows_bound_the_value(low, high, word):
    verdict = judged(">= 90", "90", low=low, high=high)
    assert verdict.word is word
    assert (verdict.reason is not None) is (word is Word.UNKNOWN)


@pytest.mark.parametrize(
    ("value", "word", "provisional"),
    [("150", Word.MET, False), ("137.3", Word.ON_TRACK, True), ("137", Word.AT_RISK, True)],
)
def test_open_accumulating(value, word, provisional):
    # 334 of 365 days: 150 * 334/365 is 137.26.
    verdict = judged(">= 150", value, as_of=date(2023, 11, 30), accumulates=True, monotone=True)
    assert (verdict.word, verdict.provisional) == (word, provisional)


def test_an_upper_limit_that_is_passed_cannot_be_mended():
    verdict = judged("<= 50", "51", as_of=date(2023, 3, 1), accumulates=True, monotone=True)
    assert (verdict.word, verdict.provisional) == (Word.MISSED, False)


def test_declared_path():
    path = ((6, 30, Fraction(1, 10)),)
    slow = judged(">= 100", "10", as_of=date(2023, 6, 30), accumulates=True, monotone=True, path=path)
    assert slow.word is Word.ON_TRACK
    assert judged(">= 100", "9", as_of=date(2023, 6, 30), accumulates=True, monotone=True, path=path).word is Word.AT_RISK


def test_grace_keeps_the_period_open():
    assert judged(">= 150", "149", accumulates=True, monotone=True, grace=10).word is Word.AT_RISK
    late = judged(">= 150", "149", accumulates=True, monotone=True, grace=10, as_of=date(2024, 1, 10))
    assert (late.word, late.provisional) == (Word.MISSED, False)


def test_warning_level_is_at_risk_while_open_only():
    assert judged(">= 90", "91", warn=">= 92", as_of=date(2023, 6, 30)).word is Word.AT_RISK
    assert judged(">= 90", "91", warn=">= 92").word is Word.MET


@pytest.mark.parametrize(
    ("delivery", "code"),
    [
        (Delivery("register", DeliveryState.MISSING), "input_missing"),
        (Delivery("register", DeliveryState.QUARANTINED, explanation="broken"), "input_quarantined"),
        (
            Delivery("register", DeliveryState.LATE, covered_through=date(2023, 6, 30), expected_through=date(2023, 11, 30)),
            "input_late",
        ),
    ],
)
def test_unknown_never_passes(delivery, code):
    verdict = judged(">= 1", "100", delivery=delivery)
    assert verdict.word is Word.UNKNOWN
    assert verdict.reason is not None
    assert verdict.reason.code == code


def test_a_late_input_does_not_touch_a_period_it_covers():
    delivery = Delivery("register", DeliveryState.LATE, covered_through=date(2024, 1, 31), expected_through=date(2024, 6, 30))
    assert judged(">= 1", "100", delivery=delivery, as_of=date(2024, 7, 15)).word is Word.MET


def test_nothing_due_yet():
    delivery = Delivery("register", DeliveryState.ACCEPTED, expected_through=date(2022, 12, 31), covered_through=date(2022, 12, 31))
    silent = judged(">= 1", None, delivery=delivery, reason=Reason("no_rows"), as_of=date(2023, 3, 1))
    assert silent.word is Word.NOT_DUE
    assert judged(">= 1", None, reason=Reason("no_rows"), as_of=date(2023, 3, 1)).word is Word.UNKNOWN


def test_previous():
    assert judged(">= previous", "5").word is Word.UNKNOWN
    assert judged(">= previous", "5", previous="5").word is Word.MET
    assert judged("<= previous", "0.0097", previous="0.0096").word is Word.MISSED


@pytest.mark.parametrize(
    ("value", "word"), [("10", Word.MET), ("8", Word.UNKNOWN), ("6", Word.MISSED)], ids=["above", "between", "below"]
)
def test_a_previous_value_that_is_a_range(value, word):
    assert judged(">= previous", value, previous="7", previous_range=("7", "9")).word is word


def test_too_few_rows():
    verdict = judged("> 4", "5", min_rows=5, rows=4)
    assert verdict.reason == Reason.of("too_few_rows", rows=4, needed=5)


@pytest.mark.parametrize(
    ("value", "target", "printed"),
    [
        (Fraction(9981, 100), ">= 100", "99.81"),
        (Fraction(99999, 1000) + Fraction(1, 3000), ">= 100", "99.999"),
        (Fraction(1200, 13), ">= 90", "92.31"),
        (Fraction(97, 10000), "<= 0.0096", "0.0097"),
        (Fraction(4), "> 4", "4"),
        (4 + Fraction(1, 3 * 10**7), "> 4", "4.00000003"),
    ],
)
def test_a_shortfall_is_visible(value, target, printed):
    assert f"{judged(target, value).observed:f}" == printed


def test_share_with_unknown_rows_is_a_range():
    value, spread, reason, _ = measured(
        MeasureKind.SHARE, None, Parts(rows=10, taken=10, yes=8, no=1, unsure=1), none_is_zero=False
    )
    assert reason is None
    assert value == Fraction(800, 9)
    assert spread == Range(Fraction(80), Fraction(90))


def test_sum_of_nothing_is_unknown_unless_declared():
    assert measured(MeasureKind.SUM, None, Parts(), none_is_zero=False)[2] == Reason("no_rows")
    assert measured(MeasureKind.SUM, None, Parts(), none_is_zero=True)[0] == 0
