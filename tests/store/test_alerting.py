"""What was told, as the ledger keeps it: after acceptance, once, in the order in which mails were written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from answering import answered
from sqlalchemy.exc import IntegrityError

from tulosvahti.core.alert import About, Alert, AlertKey, AlertState, Open
from tulosvahti.core.alert_plan import Tell
from tulosvahti.core.delivery import Answer, MailState, Posting
from tulosvahti.core.verdict import Outcome
from tulosvahti.store import alerting
from tulosvahti.store.ledger import Ledger

NOW = datetime(2024, 3, 5, 3, tzinfo=UTC)
LEADS = AlertKey(About.RULE, "leads", (("centre", "Kainuu “Ä”"),))
DUE = AlertKey(About.DUE, "crm", (("due", "2024-03-15"), ("days", "-7")))


def at(day: int) -> datetime:
    return NOW + timedelta(days=day)


def publish(ledger: Ledger, day: int, *mails: Posting, moved: tuple[Alert, ...] = ()) -> None:
    run = ledger.start_run(at(day).date(), at(day), "abc", "0.1.0")
    ledger.publish(Outcome(run, at(day).date(), "abc", "0.1.0", (), ()), at(day), mails, "", moved)


def mail(number: int, *, firing: bool = True, to: str = "tem", hold: datetime | None = None) -> Posting:
    tells = (Tell(LEADS, firing, {"2023": "missed"} if firing else {}), Tell(DUE))
    return Posting(to, f"<{number}@x>", b"bytes", (("mail", "a@example.org"), ("mail", "b@example.org")), tells=tells, hold=hold)


def told(ledger: Ledger, key: AlertKey = LEADS, to: str = "tem") -> tuple[bool, datetime, datetime] | None:
    with ledger.transaction(reading=True) as connection:
        found = alerting.remember(connection).log.get((to, key))
    return None if found is None else (found.firing, found.at, found.first_at)


def test_a_mail_counts_from_when_it_was_written_and_is_logged_when_accepted(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    assert told(ledger) == (True, at(0), at(0))
    assert told(ledger, to="okm") is None
    answered(ledger, "<1@x>", MailState.WAITING, at(1))
    assert told(ledger) == (True, at(0), at(0))
    answered(ledger, "<1@x>", MailState.SENT, at(2))
    assert told(ledger) == (True, at(2), at(2))
    assert told(ledger, DUE) == (True, at(2), at(2))


def test_a_mail_that_failed_told_nothing(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    answered(ledger, "<1@x>", MailState.FAILED, at(1))
    assert told(ledger) is None


def test_logging_the_same_mail_twice_is_once(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    with ledger.transaction() as connection:
        alerting.record_told(connection, 1, at(1))
    with ledger.transaction() as connection:
        alerting.record_told(connection, 1, at(5))
    answered(ledger, "<1@x>", MailState.SENT, at(6))
    assert told(ledger) == (True, at(1), at(1))


def test_an_old_mail_that_is_accepted_late_changes_nothing_that_a_newer_one_told(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    publish(ledger, 1, mail(2, firing=False))
    assert told(ledger) == (False, at(1), at(0))
    answered(ledger, "<2@x>", MailState.SENT, at(1))
    assert told(ledger)[0] is False
    answered(ledger, "<1@x>", MailState.SENT, at(4))
    assert told(ledger)[:2] == (False, at(1))


def test_first_heard_is_kept_until_it_is_resolved(ledger: Ledger) -> None:
    for number, firing in enumerate((True, True, False, True)):
        publish(ledger, number, mail(number, firing=firing))
        answered(ledger, f"<{number}@x>", MailState.SENT, at(number))
    assert told(ledger) == (True, at(3), at(3))
    publish(ledger, 4, mail(4))
    answered(ledger, "<4@x>", MailState.SENT, at(4))
    assert told(ledger) == (True, at(4), at(3))


def test_a_held_mail_waits_and_counts_as_under_way(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1, hold=at(1)))
    assert ledger.outbox.claim(at(1) - timedelta(seconds=1)) is None
    assert told(ledger) == (True, at(0), at(0))
    parcel = ledger.outbox.claim(at(1))
    assert parcel is not None
    assert parcel.addresses == ("a@example.org", "b@example.org")


@pytest.mark.parametrize("hours", [1, 30, 24 * 9])
def test_a_held_mail_goes_when_its_time_comes_when_it_is_asked_for_or_when_the_clock_was_wrong(ledger: Ledger, hours: int) -> None:
    until = NOW + timedelta(hours=hours)
    publish(ledger, 0, mail(1, hold=until))
    assert not ledger.outbox.due(until - timedelta(seconds=1))
    assert ledger.outbox.due(until)
    assert ledger.outbox.due(NOW - timedelta(days=365))  # it was written by a clock that has been put back since
    assert ledger.outbox.retry(1, NOW) == 2
    assert ledger.outbox.due(NOW)


def test_a_mail_is_under_way_until_every_address_is_settled_and_told_by_the_first(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    parcel = ledger.outbox.claim(at(0))
    assert parcel is not None
    ledger.outbox.record(parcel, {"a@example.org": Answer(MailState.FAILED, "recipient_refused")}, at(1))
    assert told(ledger) == (True, at(0), at(0))
    again = ledger.outbox.claim(at(2))
    assert again is not None
    ledger.outbox.record(again, {"b@example.org": Answer(MailState.SENT)}, at(2))
    assert told(ledger) == (True, at(2), at(2))


def test_the_newest_state_of_an_alert_is_how_it_stands(ledger: Ledger) -> None:
    first = Alert(LEADS, AlertState.PENDING, at(0), 1, {"2023": Open("at_risk", "2022"), "2021": Open("missed", "", closed=True)})
    second = Alert(LEADS, AlertState.FIRING, at(1), 2, {"2023": Open("missed", "2022")})
    other = Alert(AlertKey(About.INPUT, "leads"), AlertState.RESOLVED, at(0))
    publish(ledger, 0, moved=(first, other))
    publish(ledger, 1, moved=(second,))
    with ledger.transaction(reading=True) as connection:
        assert alerting.remember(connection).alerts == {LEADS: second, other.key: other}


def test_a_lookback_moves_nothing_and_mails_nothing(ledger: Ledger) -> None:
    run = ledger.start_run(NOW.date(), NOW, "abc", "0.1.0")
    outcome = Outcome(run, NOW.date(), "abc", "0.1.0", (), (), lookback=True)
    ledger.publish(outcome, NOW, [mail(1)], "", [Alert(LEADS, AlertState.FIRING, NOW)])
    with ledger.transaction(reading=True) as connection:
        assert alerting.remember(connection) == alerting.Memory({}, {}, [], [], [])


def test_what_fails_is_not_half_recorded(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    run = ledger.start_run(NOW.date(), NOW, "abc", "0.1.0")
    with pytest.raises(IntegrityError):
        ledger.publish(Outcome(run, NOW.date(), "abc", "0.1.0", (), ()), NOW, [mail(1)], "", [Alert(LEADS, AlertState.FIRING, NOW)])
    with ledger.transaction(reading=True) as connection:
        assert alerting.alerts(connection) == []
