"""What was told, as the ledger keeps it: after acceptance, once, in the order in which mails were written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.alert import About, Alert, AlertKey, AlertState, Open
from tulosvahti.core.alert_plan import Tell
from tulosvahti.core.verdict import Outcome
from tulosvahti.store import alerting
from tulosvahti.store.alerting import Posted
from tulosvahti.store.ledger import Ledger, MailState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2024, 3, 5, 3, tzinfo=UTC)
LEADS = AlertKey(About.RULE, "leads", (("centre", "Kainuu “Ä”"),))
DUE = AlertKey(About.DUE, "crm", (("due", "2024-03-15"), ("days", "-7")))


def at(day: int) -> datetime:
    return NOW + timedelta(days=day)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger("sqlite:///l.db", tmp_path)
    yield opened
    opened.close()


def publish(ledger: Ledger, day: int, *mails: Posted, moved: tuple[Alert, ...] = ()) -> None:
    run = ledger.start_run(at(day).date(), at(day), "abc", "0.1.0")
    ledger.publish(Outcome(run, at(day).date(), "abc", "0.1.0", (), ()), at(day), mails, "", moved)


def mail(number: int, *, firing: bool = True, to: str = "tem", hold: datetime | None = None) -> Posted:
    tells = (Tell(LEADS, firing, {"2023": "missed"} if firing else {}), Tell(DUE))
    return Posted(to, f"<{number}@x>", b"bytes", tells, hold)


def told(ledger: Ledger, key: AlertKey = LEADS, to: str = "tem") -> tuple[bool, datetime, datetime] | None:
    with ledger.transaction(reading=True) as connection:
        found = alerting.remember(connection).log.get((to, key))
    return None if found is None else (found.firing, found.at, found.first_at)


def test_a_mail_counts_from_when_it_was_written_and_is_logged_when_accepted(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    assert told(ledger) == (True, at(0), at(0))
    assert told(ledger, to="okm") is None
    ledger.mark_mail("<1@x>", MailState.WAITING, at(1), "421")
    assert told(ledger) == (True, at(0), at(0))
    ledger.mark_mail("<1@x>", MailState.SENT, at(2))
    assert told(ledger) == (True, at(2), at(2))
    assert told(ledger, DUE) == (True, at(2), at(2))


def test_a_mail_that_failed_told_nothing(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    ledger.mark_mail("<1@x>", MailState.FAILED, at(1), "550")
    assert told(ledger) is None


def test_logging_the_same_mail_twice_is_once(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    with ledger.transaction() as connection:
        alerting.record_told(connection, 1, at(1))
    with ledger.transaction() as connection:
        alerting.record_told(connection, 1, at(5))
    ledger.mark_mail("<1@x>", MailState.SENT, at(6))
    assert told(ledger) == (True, at(1), at(1))


def test_an_old_mail_that_is_accepted_late_changes_nothing_that_a_newer_one_told(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1))
    publish(ledger, 1, mail(2, firing=False))
    assert told(ledger) == (False, at(1), at(0))
    ledger.mark_mail("<2@x>", MailState.SENT, at(1))
    assert told(ledger)[0] is False
    ledger.mark_mail("<1@x>", MailState.SENT, at(4))
    assert told(ledger)[:2] == (False, at(1))


def test_first_heard_is_kept_until_it_is_resolved(ledger: Ledger) -> None:
    for number, firing in enumerate((True, True, False, True)):
        publish(ledger, number, mail(number, firing=firing))
        ledger.mark_mail(f"<{number}@x>", MailState.SENT, at(number))
    assert told(ledger) == (True, at(3), at(3))
    publish(ledger, 4, mail(4))
    ledger.mark_mail("<4@x>", MailState.SENT, at(4))
    assert told(ledger) == (True, at(4), at(3))


def test_a_held_mail_waits_and_counts_as_under_way(ledger: Ledger) -> None:
    publish(ledger, 0, mail(1, hold=at(1)))
    assert ledger.waiting_mails(at(1) - timedelta(seconds=1)) == []
    assert told(ledger) == (True, at(0), at(0))
    assert [item.message_id for item in ledger.waiting_mails(at(1))] == ["<1@x>"]


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
    with pytest.raises(Exception, match="UNIQUE"):
        ledger.publish(Outcome(run, NOW.date(), "abc", "0.1.0", (), ()), NOW, [mail(1)], "", [Alert(LEADS, AlertState.FIRING, NOW)])
    with ledger.transaction(reading=True) as connection:
        assert alerting.alerts(connection) == []
