"""How an alert moves: one row a history, one word a night."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tulosvahti.core.alert import QUIET_REASONS, About, Alert, AlertKey, Open, Sign, advance, signs_of, worse
from tulosvahti.core.measure import Reason
from tulosvahti.core.rule import Cite, MilestoneSpec, Rule, Wait, WaitUnit
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Outcome, Verdict, Word
from tulosvahti.problem import Place

NOW = datetime(2024, 1, 1, 3, tzinfo=UTC)
LEADS = AlertKey(About.RULE, "leads")
TWO_RUNS, TWO_PERIODS, AT_ONCE = Wait(2, WaitUnit.RUNS), Wait(2, WaitUnit.PERIODS), Wait(1, WaitUnit.RUNS)


def lived(nights: list[dict[str, str]], wait: Wait = AT_ONCE) -> list[str]:
    """Give the state after each night; ``met`` is final, ``met?`` is provisional."""
    alert, states = Alert(LEADS), []
    for number, night in enumerate(nights):
        signs = [Sign(period, word.rstrip("?"), word == "met") for period, word in night.items()]
        alert = advance(alert, signs, NOW + timedelta(days=number), wait)
        states.append(str(alert.state))
    return states


@pytest.mark.parametrize(
    ("words", "wait", "states"),
    [
        ("met missed missed met met", AT_ONCE, "ok firing firing resolved resolved"),
        ("missed met missed", AT_ONCE, "firing resolved firing"),
        # Unknown freezes whatever is known; alone it is an alert of its own.
        ("missed unknown unknown met", AT_ONCE, "firing firing firing resolved"),
        ("met unknown met", AT_ONCE, "ok firing resolved"),
        ("missed unknown unknown missed", TWO_RUNS, "pending pending pending firing"),
        ("unknown unknown", TWO_RUNS, "pending firing"),
        # Nothing judged moves nothing.
        ("missed - - met", AT_ONCE, "firing firing firing resolved"),
        ("missed - missed", TWO_RUNS, "pending pending firing"),
        ("missed met missed met", TWO_RUNS, "pending ok pending ok"),
        ("at_risk missed at_risk on_track", TWO_RUNS, "pending firing firing resolved"),
        # Without periods, periods are runs.
        ("missed missed", TWO_PERIODS, "pending firing"),
        ("missed not_due", AT_ONCE, "firing resolved"),
    ],
)
def test_one_period(words: str, wait: Wait, states: str) -> None:
    assert lived([{} if word == "-" else {"": word} for word in words.split()], wait) == states.split()


@pytest.mark.parametrize(
    ("nights", "wait", "states"),
    [
        # Two months in a row; a good one between begins anew; one that is not judged does not.
        ([{"1": "missed"}, {"1": "missed", "2": "at_risk"}], TWO_PERIODS, "pending firing"),
        ([{"1": "missed", "2": "met?", "3": "missed"}], TWO_PERIODS, "pending"),
        ([{"1": "missed", "2": "unknown", "3": "missed"}], TWO_PERIODS, "firing"),
        ([{"1": "missed"}, {"2": "missed"}], TWO_PERIODS, "pending firing"),
        ([{"1": "missed", "2": "not_due"}, {"1": "missed", "2": "missed", "3": "not_due"}], TWO_PERIODS, "pending firing"),
        # A later period finally met closes an earlier one that stays missed, once and for good.
        ([{"1": "missed"}, {"1": "missed", "2": "met?"}, {"1": "missed", "2": "met"}, {"1": "missed", "2": "met"}], AT_ONCE, "firing firing resolved resolved"),
        # But a period that turns bad afterwards is told: a correction of old data.
        ([{"1": "met", "2": "met"}, {"1": "missed", "2": "met"}, {"1": "missed", "2": "met"}], AT_ONCE, "ok firing firing"),
        ([{"1": "met", "2": "met"}, {"1": "missed", "2": "met"}, {"1": "missed", "2": "met", "3": "met"}], AT_ONCE, "ok firing resolved"),
        # What was unknown beside a bad period is overtaken with it, once and for good; what is unknown afterwards is told.
        ([{"1": "missed", "2": "unknown"}, *[{"1": "missed", "2": "unknown", "3": "met"}] * 2], AT_ONCE, "firing resolved resolved"),
        ([{"1": "met", "3": "met"}, {"1": "unknown", "3": "met"}], AT_ONCE, "ok firing"),
        # A bad period that is no longer judged is not resolved by another.
        ([{"1": "missed"}, {"2": "on_track"}], AT_ONCE, "firing firing"),
    ],
)
def test_several_periods(nights: list[dict[str, str]], wait: Wait, states: str) -> None:
    assert lived(nights, wait) == states.split()


def test_unknown_of_another_period_adds_nothing_while_something_is_known_to_be_bad() -> None:
    alert = advance(Alert(LEADS), [Sign("2023", "missed")], NOW)
    assert advance(alert, [Sign("2023", "missed"), Sign("2024", "unknown")], NOW) is alert


@pytest.mark.parametrize("code", sorted(QUIET_REASONS))
def test_what_is_unknown_for_good_reason_opens_nothing_and_ends_nothing(code: str) -> None:
    rule = Rule("leads", Text("leads"), "owner", Cite("a", "1", Text("s")), MilestoneSpec("crm", "a", date(2024, 1, 1)), Place("rules/1.yaml"))
    said = Outcome("1", date(2024, 1, 1), "", "", (), (Verdict(rule, (), None, Word.UNKNOWN, reason=Reason(code)),))
    assert signs_of(said) == {}
    firing = advance(Alert(LEADS), [Sign("", "missed")], NOW)
    assert advance(firing, signs_of(said).get(LEADS, ()), NOW) is firing
    other = replace(said, verdicts=(replace(said.verdicts[0], reason=Reason("all_null")),))
    assert signs_of(other) == {LEADS: [Sign("", "unknown")]}


def test_since_is_when_the_state_began_and_what_did_not_move_is_the_same_object() -> None:
    first = advance(Alert(LEADS), [Sign("", "at_risk")], NOW)
    assert (first.since, first.open) == (NOW, {"": Open("at_risk")})
    assert advance(first, [Sign("", "at_risk")], NOW + timedelta(days=1)) is first
    second = advance(first, [Sign("", "missed")], NOW + timedelta(days=1))
    assert (second.since, second.word) == (NOW, "missed")


@pytest.mark.parametrize(
    ("now", "told", "expected"),
    [
        ({"": "missed"}, {"": "at_risk"}, True),
        ({"": "at_risk"}, {"": "missed"}, False),
        ({"1": "missed"}, {"1": "missed"}, False),
        ({"1": "missed", "2": "at_risk"}, {"1": "missed"}, True),
        ({"": "quarantined"}, {"": "late"}, True),
        # A further bad period of a year goes on with the same alert, unless it is worse than all that was told of the year.
        ({"2026-01": "missed", "2026-03": "missed"}, {"2026-01": "missed"}, False),
        ({"2026-01": "at_risk", "2026-03": "missed"}, {"2026-01": "at_risk"}, True),
        ({"2026-W03": "missed", "2026-W04": "at_risk"}, {"2026-W03": "missed"}, False),
        ({"2026-12": "missed", "2027-01": "missed"}, {"2026-12": "missed"}, True),
        ({"2026": "missed", "2027": "at_risk"}, {"2026": "missed"}, True),
        ({}, {"": "late"}, False),
    ],
)
def test_worse(now: dict[str, str], told: dict[str, str], expected: bool) -> None:
    assert worse(now, told) is expected


def test_keys_as_they_are_written() -> None:
    assert str(AlertKey(About.RULE, "leads", (("centre", "Kainuu"), ("area", "Ä")))) == "leads/centre=Kainuu,area=Ä"
    assert str(AlertKey(About.INPUT, "crm")) == "input:crm"
