"""Who is told what, case by case: one night at a time on a log made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from tulosvahti.core.alert import About, Alert, AlertKey, AlertState, Open
from tulosvahti.core.alert_calendar import Due
from tulosvahti.core.alert_mute import Acknowledgement, Silence, matches
from tulosvahti.core.alert_plan import (
    Cause,
    MailKind,
    Message,
    Moment,
    Reminded,
    Standing,
    Tell,
    Told,
    decide,
    due_key,
    plan,
)
from tulosvahti.core.period import read_period
from tulosvahti.core.route import Escalation, Matter, Quiet, Recipient, Route, Routes, Summary
from tulosvahti.core.text import Text

NOW = datetime(2024, 3, 5, 3, tzinfo=UTC)  # a Tuesday
MOMENT = Moment(NOW, UTC, date(2024, 3, 4))
RECIPIENTS = {name: Recipient(name, Text(name), (f"{name}@x.example",)) for name in ("ann", "ben", "dep", "man", "eve")}
ROUTES = Routes(RECIPIENTS, default="ben", repeat=7)


def key(name: str) -> AlertKey:
    about, _, rest = name.rpartition(":")
    return AlertKey(About(about or "rule"), rest)


def standing(name: str, word: str = "missed", *, severity: str = "warning", owner: str = "ann", since: datetime = NOW, **more: object) -> Standing:
    """Make an alert that fires with a word, or is resolved without one."""
    alert = Alert(key(name), AlertState.FIRING if word else AlertState.RESOLVED, since, 1, {"": Open(word)} if word else {})
    kind = str(alert.key.about)
    facts = {"rule": (name,), "owner": (owner,), "section": (), "severity": (severity,), "verdict": (word,), "kind": (kind,), "input": ()}
    return Standing(alert, Matter(facts), **more)  # type: ignore[arg-type]


def told(days: float = 1, word: str = "missed", *, firing: bool = True, first: float | None = None) -> Told:
    return Told(NOW - timedelta(days=days), NOW - timedelta(days=days if first is None else first), firing, {"": word} if firing else {})


def names(message: Message) -> tuple[list[str], list[str], list[str]]:
    return tuple([str(item.key) for item in part] for part in (message.new, message.resolved, message.continued))  # type: ignore[return-value]


def night(*standings: Standing, routes: Routes = ROUTES, log: dict | None = None, dues: tuple = (), ended: tuple = (), moment: Moment = MOMENT) -> list[Message]:
    return plan(standings, dues, ended, routes, log or {}, moment)


@pytest.mark.parametrize(
    ("standings", "log", "repeat", "cause"),
    [
        ([standing("a")], {}, 0, Cause.FIRST),
        ([standing("a"), standing("b")], {"a": told()}, 0, Cause.NEW),
        ([standing("a")], {"a": told(word="at_risk")}, 0, Cause.NEW),
        ([standing("a", "at_risk")], {"a": told(word="missed")}, 0, None),
        ([standing("a")], {"a": told(firing=False)}, 0, Cause.NEW),
        ([standing("a", "")], {"a": told()}, 0, Cause.ALL_RESOLVED),
        ([standing("a", ""), standing("b")], {"a": told(), "b": told()}, 0, Cause.SOME_RESOLVED),
        ([standing("a", ""), standing("b")], {"a": told()}, 0, Cause.NEW),
        ([standing("a", "")], {"a": told(firing=False)}, 7, None),
        ([standing("a", "")], {}, 7, None),
        ([standing("a")], {"a": told(6)}, 7, None),
        ([standing("a")], {"a": told(7)}, 7, Cause.REPEAT),
        ([standing("a"), standing("b")], {"a": told(7), "b": told(2)}, 7, Cause.REPEAT),
        ([standing("a")], {"a": told(70)}, 0, None),
        ([standing("a", acknowledged=True)], {"a": told(70)}, 7, None),
        ([standing("input:a", "late", due=Due("a", read_period("2024"), date(2024, 3, 1)))], {"input:a": told(70, "late")}, 7, None),
        ([standing("a", lapsed_at=NOW - timedelta(hours=1))], {"a": told(1)}, 0, Cause.NEW),
        ([standing("a", lapsed_at=NOW - timedelta(days=2))], {"a": told(1)}, 0, None),
    ],
)
def test_the_decision(standings: list[Standing], log: dict[str, Told], repeat: int, cause: Cause | None) -> None:
    assert decide(standings, {key(name): item for name, item in log.items()}, repeat, MOMENT) is cause


def test_one_digest_ranked_by_severity_verdict_and_how_far_off() -> None:
    found = night(
        standing("small", weight=Decimal("0.02")), standing("risk", "at_risk", weight=Decimal(1)), standing("info", severity="info", weight=Decimal(9)),
        standing("large", weight=Decimal("0.5")), standing("unknown", "unknown"),
    )  # fmt: skip
    assert [(message.recipient, message.kind, message.cause) for message in found] == [("ann", MailKind.DIGEST, Cause.FIRST)]
    assert names(found[0])[0] == ["large", "small", "risk", "unknown", "info"]
    assert {tell.key.name: tell.words for tell in found[0].tells}["risk"] == {"": "at_risk"}


def test_a_critical_alert_goes_at_once_and_alone_and_later_in_the_digest() -> None:
    grave, plain = standing("grave", severity="critical"), standing("plain")
    found = night(grave, plain)
    assert [(message.kind, *names(message)) for message in found] == [
        (MailKind.IMMEDIATE, ["grave"], [], []), (MailKind.DIGEST, ["plain"], [], []),
    ]  # fmt: skip
    log = {("ann", item.key): told(7) for item in (grave, plain)}
    assert [(message.kind, *names(message)) for message in night(grave, plain, log=log)] == [(MailKind.REMINDER, [], [], ["grave", "plain"])]


def test_muted_alerts_are_in_no_mail_and_hide_no_other() -> None:
    muted = standing("a", muted="silence 1")
    assert night(muted) == []
    assert [names(message) for message in night(muted, standing("b"))] == [(["b"], [], [])]
    # Resolved while muted: told when it is muted no longer.
    log = {("ann", key("a")): told()}
    assert night(replace(standing("a", ""), muted="input:x"), log=log) == []
    assert [message.kind for message in night(standing("a", ""), log=log)] == [MailKind.RESOLVED]


def test_who_no_longer_matches_still_hears_the_end() -> None:
    routes = replace(ROUTES, routes=(Route((("verdict", ("missed",)),), ("eve",)),))
    log = {("ann", key("a")): told(), ("eve", key("a")): told()}
    assert night(standing("a", "at_risk"), routes=routes, log=log) == []
    assert {message.recipient for message in night(standing("a", ""), routes=routes, log=log)} == {"ann", "eve"}


def escalating() -> Routes:
    steps = {"ann": Escalation(timedelta(days=3), "dep"), "dep": Escalation(timedelta(days=4), "man")}
    return replace(ROUTES, recipients={name: replace(item, escalation=steps.get(name)) for name, item in RECIPIENTS.items()}, repeat=0)


@pytest.mark.parametrize(
    ("log", "acknowledged", "told_now"),
    [
        ({"ann": told(2)}, False, []),
        ({"ann": told(3)}, False, ["dep"]),
        ({"ann": told(1, first=3)}, False, ["dep"]),
        ({"ann": told(3)}, True, []),
        ({"ann": told(9), "dep": told(3)}, False, []),
        ({"ann": told(9), "dep": told(4)}, False, ["man"]),
        ({"ann": told(9), "dep": told(4)}, True, []),
        ({}, False, ["ann"]),
    ],
)
def test_escalation(log: dict[str, Told], acknowledged: bool, told_now: list[str]) -> None:
    found = night(standing("a", acknowledged=acknowledged), routes=escalating(), log={(who, key("a")): item for who, item in log.items()})
    assert [message.recipient for message in found] == told_now
    assert all(message.kind is MailKind.ESCALATION for message in found if message.recipient != "ann")
    assert all(message.escalated[key("a")] in log for message in found if message.recipient != "ann")


def test_those_it_was_escalated_to_hear_the_end_too() -> None:
    log = {("ann", key("a")): told(9), ("dep", key("a")): told(2)}
    assert [(message.recipient, message.kind) for message in night(standing("a", ""), routes=escalating(), log=log)] == [
        ("ann", MailKind.RESOLVED), ("dep", MailKind.RESOLVED),
    ]  # fmt: skip


def test_quiet_hours_hold_all_but_what_is_critical() -> None:
    routes = replace(ROUTES, quiet=Quiet(time(20), time(7)))
    grave, plain = standing("grave", severity="critical"), standing("plain")
    assert [message.hold for message in night(grave, plain, routes=routes)] == [None, NOW.replace(hour=7)]
    all_held = replace(routes, quiet=Quiet(time(20), time(7), critical=True))
    assert [message.hold for message in night(grave, routes=all_held)] == [NOW.replace(hour=7)]
    own = replace(RECIPIENTS["ann"], quiet=Quiet(time(1), time(2)))
    assert [message.hold for message in night(plain, routes=replace(routes, recipients={"ann": own}))] == [None]


def due(over: int, name: str = "crm") -> Due:
    return Due(name, read_period("2023"), MOMENT.today - timedelta(days=over), "ann")


@pytest.mark.parametrize(
    ("over", "sent", "days"),
    [
        (-40, [], None), (-30, [], -30), (-20, [-30], None), (-7, [-30], -7),
        # A night that did not run swallows none: the newest that was crossed goes out.
        (-5, [-30], -7), (-1, [-30], -1), (0, [-30], -1), (8, [-1], 7), (90, [], 30), (90, [30], None),
    ],
)  # fmt: skip
def test_reminders_of_a_due_day(over: int, sent: list[int], days: int | None) -> None:
    log = {("ann", due_key(due(over), item)): told() for item in sent}
    found = night(dues=(due(over),), log=log)
    assert [(message.kind, message.reminded) for message in found] == ([] if days is None else [(MailKind.DUE, (Reminded(due(over), days, 0),))])
    if days is not None:
        assert found[0].tells == (Tell(due_key(due(over), days)),)
        assert night(dues=(due(over),), log={**log, ("ann", found[0].tells[0].key): told()}) == []


@pytest.mark.parametrize(
    ("sent", "acknowledged", "readers"),
    [
        ([], False, {"ann": 0}), ([1], False, {"ann": 1, "dep": 1}), ([1, 7], False, {"ann": 2, "dep": 2, "man": 2}),
        ([-7, -1], False, {"ann": 0}), ([1, 7], True, {"ann": 0}),
    ],
)  # fmt: skip
def test_deputy_then_manager_when_nobody_answers(sent: list[int], acknowledged: bool, readers: dict[str, int]) -> None:
    people = {**RECIPIENTS, "ann": replace(RECIPIENTS["ann"], deputy="dep", manager="man")}
    over = 30
    log = {("ann", due_key(due(over), item)): told() for item in sent}
    log["ann", key("input:crm")] = told(29, "late")
    late = standing("input:crm", "late", due=due(over), acknowledged=acknowledged)
    found = night(late, dues=(due(over),), routes=replace(ROUTES, recipients=people), log=log)
    assert {message.recipient: message.reminded[0].unanswered for message in found} == readers


def test_who_is_told_tonight_that_it_is_late_gets_no_reminder_beside_it() -> None:
    late = standing("input:crm", "late", due=due(1))
    (message,) = night(late, dues=(due(1),))
    assert (message.kind, {tell.key for tell in message.tells}) == (MailKind.DIGEST, {late.key, due_key(due(1), 1)})
    assert night(replace(late, muted="silence 1"), dues=(due(1),)) == []


def test_a_deliverer_who_is_no_recipient_is_the_default() -> None:
    (message,) = night(dues=(replace(due(-7), deliverer="nobody"),))
    assert message.recipient == "ben"
    assert night(dues=(due(-7),), routes=replace(ROUTES, recipients={}, default="")) == []


def test_the_weekly_summary_comes_once_a_week_also_after_its_day() -> None:
    routes = replace(ROUTES, summaries=(Summary("eve", 0),))
    fresh, old = standing("fresh", muted="silence 1"), standing("old", since=NOW - timedelta(days=20), muted="silence 1")
    mended, long_mended = standing("mended", ""), standing("long", "", since=NOW - timedelta(days=20))
    (message,) = night(fresh, old, mended, long_mended, routes=routes)
    assert (message.recipient, message.kind, *names(message)) == ("eve", MailKind.SUMMARY, ["fresh"], ["mended"], ["old"])
    assert message.tells == (Tell(AlertKey(About.SUMMARY, "2024-03-04")),)
    log = {("eve", message.tells[0].key): told()}
    assert night(fresh, routes=routes, log=log) == []
    next_week = replace(MOMENT, at=NOW + timedelta(days=6))
    assert [item.tells[0].key.name for item in night(fresh, routes=routes, log=log, moment=next_week)] == ["2024-03-11"]


def test_the_end_of_a_silence_is_announced_with_what_it_held_back_or_alone() -> None:
    ended = Silence(4, NOW - timedelta(days=9), "me", "a", "moving", NOW)
    (message,) = night(standing("a"), ended=(ended,))
    assert (message.recipient, message.kind, message.silences) == ("ann", MailKind.DIGEST, (ended,))
    assert Tell(AlertKey(About.SILENCE, "4")) in message.tells
    log = {("ann", key("a")): told()}
    assert [(item.recipient, item.kind) for item in night(standing("a"), ended=(ended,), log=log)] == [("ann", MailKind.SILENCE_ENDED)]
    assert [(item.recipient, item.kind) for item in night(ended=(ended,))] == [("ben", MailKind.SILENCE_ENDED)]


@pytest.mark.parametrize(
    ("pattern", "name", "subject", "expected"),
    [
        ("leads", "leads", (), True), ("lead*", "leads", (), True), ("leads", "leads", (("c", "Kainuu"),), True),
        ("leads/c=Kainuu", "leads", (("c", "Kainuu"),), True), ("leads/c=Lappi", "leads", (("c", "Kainuu"),), False),
        ("crm", "leads", (), False), ("leads/c=A [1]", "leads", (("c", "A [1]"),), True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, name: str, subject: tuple, expected: bool) -> None:
    assert matches(pattern, AlertKey(About.RULE, name, subject)) is expected


def test_an_acknowledgement_is_of_the_alert_as_it_fires_now() -> None:
    said = Acknowledgement(1, NOW, "me", key("a"))
    assert said.covers(standing("a").alert)
    assert not said.covers(standing("a", since=NOW + timedelta(seconds=1)).alert)
    assert not said.covers(standing("b").alert)
    assert not said.covers(standing("a", "").alert)
