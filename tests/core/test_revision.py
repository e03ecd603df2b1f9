"""Which changes of closed periods are told, and which are not: by the digests of what verdicts rested on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tulosvahti.core.arrival import Arrived
from tulosvahti.core.contract import Delivery, DeliveryState
from tulosvahti.core.measure import Measurement
from tulosvahti.core.period import Grain, Period
from tulosvahti.core.revision import Because, History, Judged, Seen, revised
from tulosvahti.core.rule import Cite, MilestoneSpec, Rule
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Verdict, Word
from tulosvahti.problem import Place

YEAR = Period(date(2022, 1, 1), date(2023, 1, 1), Grain.YEAR)
RULE = Rule("leads", Text(), "mmm", Cite("kainuu", "1", Text()), MilestoneSpec("crm", "leads", date(2022, 12, 31)), Place("a", 1, 1))
KEY = ("leads", (), "2022")
BEFORE = Judged("1", date(2023, 1, 20), "2023-01-21", Word.MET, False, "92", "rules", {"crm": "old"})
NOW = Delivery("crm", DeliveryState.ACCEPTED, "new", 3, files=(Arrived("crm_1.csv", "a", 1), Arrived("crm_2.csv", "b", 1)))
SAID = Verdict(RULE, (), YEAR, Word.MISSED, observed=Decimal(88))


def told(verdict: Verdict = SAID, delivery: Delivery = NOW, known: Judged = BEFORE, newest: Judged | None = None, **more: Any):
    history = History({KEY: newest or known}, {KEY: known}, came={"crm": {"a": "2023-01-19", "b": "2023-03-01"}})
    return revised([verdict], more.get("measurements", []), [delivery], more.get("history", history), more.get("rules", "rules"))


def test_a_corrected_delivery_revises_a_closed_period() -> None:
    (found,) = told()
    assert (found.before_word, found.word, found.before_observed, found.observed) == (Word.MET, Word.MISSED, "92", "88")
    assert found.because == (Because("crm", "old", "new", ("crm_2.csv",)),)
    assert (found.before_run, found.rules_changed) == ("1", False)


def test_another_value_under_the_same_word_is_told() -> None:
    (found,) = told(replace(SAID, word=Word.MET, observed=Decimal(91)))
    assert (found.before_word, found.word, found.observed) == (Word.MET, Word.MET, "91")


def test_changed_rules_are_said() -> None:
    assert told(rules="others")[0].rules_changed


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"verdict": replace(SAID, word=Word.MET, observed=Decimal(92))}, id="nothing-changed"),
        pytest.param({"delivery": replace(NOW, sha256="old")}, id="same-content"),
        pytest.param({"known": replace(BEFORE, as_of=date(2022, 12, 30))}, id="the-period-was-open"),
        pytest.param({"known": replace(BEFORE, provisional=True)}, id="the-verdict-was-provisional"),
        pytest.param(
            {"verdict": replace(SAID, word=Word.UNKNOWN, observed=None), "delivery": replace(NOW, state=DeliveryState.QUARANTINED)},
            id="refused-input-revises-nothing",
        ),
        pytest.param({"newest": replace(BEFORE, run="2", word=Word.UNKNOWN, inputs={"crm": "new"})}, id="told-the-night-before"),
        pytest.param({"history": History()}, id="never-judged"),
    ],
)
def test_not_told(given: dict[str, Any]) -> None:
    assert told(**given) == ()


def test_rows_that_vanished_are_told() -> None:
    (found,) = told(replace(SAID, word=Word.UNKNOWN, observed=None))
    assert (found.word, found.observed) == (Word.UNKNOWN, None)


def test_compared_over_a_night_on_which_the_input_was_refused() -> None:
    (found,) = told(newest=replace(BEFORE, run="2", word=Word.UNKNOWN, observed=None, inputs={"crm": "broken"}))
    assert found.before_run == "1"


def test_a_value_without_a_verdict_is_told_too() -> None:
    month = Period(date(2022, 3, 1), date(2022, 4, 1), Grain.MONTH)
    seen = Seen("1", date(2023, 1, 20), "2023-01-21", Fraction(10, 3), "rules", {"crm": "old"})
    history = History(seen={("leads", (), "2022-03"): seen})
    (found,) = told(history=history, measurements=[Measurement("leads", (), month, Fraction(4))])
    assert (found.period, found.before_word, found.word, found.observed) == ("2022-03", None, None, "4")
    assert found.before_observed.startswith("3.33")
