"""The outbox on both databases: claims, states per address, and what the operator has been told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.delivery import LEASE, PATIENCE, Answer, MailState, Posting
from tulosvahti.core.verdict import Outcome
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.outbox import Outbox

if TYPE_CHECKING:

    from sqlalchemy import Connection

    from tulosvahti.core.delivery import Parcel

NOW = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SENT, LATER, REFUSED = Answer(MailState.SENT), Answer(MailState.WAITING, "deferred", "451 later"), Answer(MailState.FAILED, "recipient_refused", "550 no")


def posting(number: int = 1, *to: str, channel: str = "mail", kind: str = "digest") -> Posting:
    return Posting("tem", f"<{number}@x>", b"bytes", tuple((channel, one) for one in to or ("a@x.org", "b@x.org")), kind)


def fill(ledger: Ledger, *postings: Posting) -> None:
    run = ledger.start_run(date(2023, 5, 31), NOW, "abc", "0.1.0")
    ledger.publish(Outcome(run, date(2023, 5, 31), "abc", "0.1.0", (), ()), NOW, postings)


@pytest.fixture
def outbox(ledger: Ledger) -> Outbox:
    fill(ledger, posting())
    return ledger.outbox


def claimed(outbox: Outbox, now: datetime) -> Parcel:
    parcel = outbox.claim(now)
    assert parcel is not None
    return parcel


def states(outbox: Outbox) -> dict[str, str]:
    return {item.address: str(item.state) for item in outbox.items(everything=True)}


def test_each_address_has_its_own_end(outbox: Outbox) -> None:
    parcel = claimed(outbox, NOW)
    assert (parcel.message_id, parcel.recipient, parcel.channel, parcel.addresses, parcel.content, parcel.attempts) == (
        "<1@x>", "tem", "mail", ("a@x.org", "b@x.org"), b"bytes", (1, 1),
    )  # fmt: skip
    outbox.record(parcel, {"a@x.org": SENT, "b@x.org": LATER}, NOW)
    assert states(outbox) == {"a@x.org": "sent", "b@x.org": "waiting"}
    assert outbox.claim(NOW + MINUTE - SECOND) is None
    again = claimed(outbox, NOW + MINUTE * 1.2)
    assert (again.addresses, again.attempts, again.content) == (("b@x.org",), (2,), b"bytes")
    outbox.record(again, {"b@x.org": REFUSED}, NOW + MINUTE * 2)
    assert states(outbox) == {"a@x.org": "sent", "b@x.org": "failed"}
    assert outbox.claim(NOW + timedelta(days=9)) is None
    assert [(item.address, item.reason, item.said, item.attempts) for item in outbox.items()] == [("b@x.org", "recipient_refused", "550 no", 2)]


def test_a_claim_is_one_process_s_until_its_lease_ends(outbox: Outbox) -> None:
    claimed(outbox, NOW)
    assert outbox.claim(NOW) is None
    assert outbox.claim(NOW + LEASE - SECOND) is None
    assert claimed(outbox, NOW + LEASE).attempts == (2, 2)


def test_who_outlived_the_lease_may_only_tell_of_acceptance(outbox: Outbox) -> None:
    slow = claimed(outbox, NOW)
    quick = claimed(outbox, NOW + LEASE)
    outbox.record(slow, {"a@x.org": SENT, "b@x.org": REFUSED}, NOW + LEASE)
    assert states(outbox) == {"a@x.org": "sent", "b@x.org": "waiting"}
    outbox.record(quick, {"a@x.org": LATER, "b@x.org": LATER}, NOW + LEASE)
    assert states(outbox) == {"a@x.org": "sent", "b@x.org": "waiting"}


def test_an_address_without_an_answer_waits(outbox: Outbox) -> None:
    outbox.record(claimed(outbox, NOW), {"a@x.org": SENT}, NOW)
    assert [(item.address, item.reason) for item in outbox.items()] == [("b@x.org", "no_answer")]


def test_patience_ends_after_four_days_of_attempts(outbox: Outbox) -> None:
    # The machine was off for a week: patience counts from the first attempt.
    start = now = NOW + timedelta(days=7)
    attempts = 0
    while (parcel := outbox.claim(now)) is not None:
        attempts += 1
        outbox.record(parcel, {}, now + SECOND)
        now = max((item.next_attempt_at for item in outbox.items()), default=now)
    assert set(states(outbox).values()) == {"failed"}
    assert attempts > 50
    assert PATIENCE - timedelta(hours=2) < now - start < PATIENCE + timedelta(minutes=15)


def test_a_clock_put_back_does_not_make_mail_wait_for_years(outbox: Outbox) -> None:
    ahead = NOW + timedelta(days=3650)
    outbox.record(claimed(outbox, ahead), {"a@x.org": LATER}, ahead)
    outbox.record(claimed(outbox, NOW), {"a@x.org": LATER, "b@x.org": SENT}, NOW)
    assert outbox.claim(NOW + MINUTE / 2) is None
    assert claimed(outbox, NOW + MINUTE * 2).addresses == ("a@x.org",)


def test_the_one_that_waits_longest_goes_first_and_halted_channels_rest(ledger: Ledger) -> None:
    fill(ledger, posting(1, "A", channel="apprise"), posting(2), posting(3))
    outbox = ledger.outbox
    assert claimed(outbox, NOW).channel == "apprise"
    assert outbox.claim(NOW, {"mail"}) is None
    parcel = claimed(outbox, NOW)
    assert parcel.message_id == "<2@x>"
    outbox.record(parcel, {}, NOW)
    assert claimed(outbox, NOW + MINUTE * 2).message_id == "<3@x>"


def test_told_once_in_the_transaction_of_the_first_acceptance(ledger: Ledger) -> None:
    fill(ledger, posting())
    calls: list[tuple[int, datetime]] = []

    def told(connection: Connection, number: int, at: datetime) -> None:
        calls.append((number, at))
        if len(calls) == 1:
            raise OSError("disk full")
        connection.exec_driver_sql("UPDATE runs SET reason = 'told'")

    outbox = Outbox(ledger.engine, told)
    parcel = claimed(outbox, NOW)
    with pytest.raises(OSError, match="disk full"):
        outbox.record(parcel, {"a@x.org": SENT}, NOW)
    assert states(outbox)["a@x.org"] == "waiting"
    outbox.record(parcel, {"a@x.org": SENT}, NOW)
    outbox.record(claimed(outbox, NOW + MINUTE * 2), {"b@x.org": SENT}, NOW)
    assert calls == [(1, NOW), (1, NOW)]
    assert [run.reason for run in ledger.runs()] == ["told"]


def test_the_operator_is_told_once_and_never_of_what_told_them(outbox: Outbox) -> None:
    outbox.record(claimed(outbox, NOW), {"a@x.org": SENT, "b@x.org": REFUSED}, NOW)
    failures = outbox.untold_failures()
    assert [(item.address, item.recipient, item.run) for item in failures] == [("b@x.org", "tem", "1")]
    assert outbox.tell(failures, posting(2, "operator@x.org", kind="operator"), NOW)
    assert not outbox.tell(failures, posting(3, "operator@x.org", kind="operator"), NOW)
    parcel = claimed(outbox, NOW)
    assert (parcel.message_id, outbox.claim(NOW)) == ("<2@x>", None)
    outbox.record(parcel, {"operator@x.org": REFUSED}, NOW)
    assert outbox.untold_failures() == []


def test_retry_touches_neither_what_was_accepted_nor_what_is_being_sent(outbox: Outbox) -> None:
    outbox.record(claimed(outbox, NOW), {"a@x.org": SENT, "b@x.org": REFUSED}, NOW)
    outbox.tell(outbox.untold_failures(), posting(2, "operator@x.org", kind="operator"), NOW)
    assert outbox.retry(9, NOW) == 0
    assert outbox.retry(1, NOW) == 1
    parcel = outbox.claim(NOW)
    while parcel is not None and parcel.id != 1:
        parcel = outbox.claim(NOW)
    assert parcel is not None
    assert parcel.addresses == ("b@x.org",)
    assert outbox.retry(1, NOW) == 0
    outbox.record(parcel, {"b@x.org": REFUSED}, NOW)
    assert [item.address for item in outbox.untold_failures()] == ["b@x.org"]
    # Made due again, and only then accepted by an attempt of before that had hung.
    assert outbox.retry(1, NOW) == 1
    outbox.record(parcel, {"b@x.org": SENT}, NOW)
    assert states(outbox)["b@x.org"] == "sent"


def test_moments_need_a_zone(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        outbox.claim(datetime(2023, 6, 1))  # noqa: DTZ001
