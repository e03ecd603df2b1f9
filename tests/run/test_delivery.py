"""Rounds of delivery over a real ledger, with senders that fail as told, and a clock that the tests turn."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from mail_server import LOST, Inbox, mail_server

from tulosvahti.core.delivery import Answer, MailState, Posting
from tulosvahti.core.verdict import Outcome
from tulosvahti.emit.smtp import Server, send
from tulosvahti.run.delivery import Round, deliver_due
from tulosvahti.store.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.delivery import Parcel
    from tulosvahti.store.outbox import Item, Outbox

NOW = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SENT = Answer(MailState.SENT)


class Service:
    """A ledger with waiting messages, a clock, and the senders."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox, self.now = outbox, NOW
        self.tried: list[tuple[str, tuple[str, ...]]] = []
        self.answers: dict[str, Answer] = {}
        self.told: list[list[str]] = []

    def send(self, parcel: Parcel) -> Mapping[str, Answer]:
        self.tried.append((parcel.message_id, parcel.addresses))
        return {one: self.answers.get(one, SENT) for one in parcel.addresses}

    def tell(self, failures: Sequence[Item], _at: datetime) -> Posting:
        self.told.append([item.address for item in failures])
        return Posting("operator", f"<o{len(self.told)}@x>", b"", (("mail", "operator@x.org"),), "operator")

    def round(self, **more: object) -> Round:
        senders = {"mail": self.send, "": self.send}
        return deliver_due(self.outbox, senders, lambda: self.now, self.tell, **more)  # type: ignore[arg-type]


def fill(ledger: Ledger, *postings: Posting) -> None:
    run = ledger.start_run(date(2023, 5, 31), NOW, "abc", "0.1.0")
    ledger.publish(Outcome(run, date(2023, 5, 31), "abc", "0.1.0", (), ()), NOW, postings)


@pytest.fixture
def service(ledger: Ledger) -> Service:
    fill(
        ledger,
        Posting("a", "<1@x>", b"1", (("mail", "a@x.org"), ("mail", "b@x.org"))),
        Posting("b", "<2@x>", b"2", (("mail", "b@x.org"), ("apprise", "TEAMS"))),
    )
    return Service(ledger.outbox)


def test_all_is_sent_once(service: Service) -> None:
    assert service.round() == Round(accepted=3)
    assert sorted(service.tried) == [("<1@x>", ("a@x.org", "b@x.org")), ("<2@x>", ("TEAMS",)), ("<2@x>", ("b@x.org",))]
    assert service.round() == Round()
    assert len(service.tried) == 3


def test_a_server_that_fails_is_left_alone_until_the_next_round(service: Service) -> None:
    down = Answer(MailState.WAITING, "unreachable", "", halts=True)
    service.answers = {"a@x.org": down, "b@x.org": down}
    done = service.round()
    assert [one for one, _ in service.tried] == ["<1@x>", "<2@x>"]
    assert (done.accepted, [(parcel.id, address) for parcel, address, _ in done.unsent]) == (1, [(1, "a@x.org"), (1, "b@x.org")])
    service.round()
    assert [one for one, _ in service.tried] == ["<1@x>", "<2@x>", "<2@x>"]
    service.answers = {}
    service.now += MINUTE * 2
    assert service.round().accepted == 2
    assert service.outbox.items() == []


def test_the_operator_hears_once_of_everything_final_and_never_of_their_own_mail(service: Service) -> None:
    no = Answer(MailState.FAILED, "recipient_refused", "550 no")
    service.answers = {"b@x.org": no, "TEAMS": no, "operator@x.org": no}
    service.round()
    assert service.told == [["b@x.org", "TEAMS", "b@x.org"]]
    assert service.tried[-1] == ("<o1@x>", ("operator@x.org",))
    service.now += timedelta(days=9)
    assert service.round() == Round()
    assert len(service.told) == 1


def test_a_sender_that_raises_or_says_nothing_loses_nothing(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    def raising(_parcel: Parcel) -> Mapping[str, Answer]:
        raise RuntimeError("bug")

    done = deliver_due(service.outbox, {"mail": raising, "": lambda _parcel: {}}, lambda: NOW)
    assert sorted(answer.reason for _, _, answer in done.unsent) == ["failed_inside", "failed_inside", "failed_inside", "no_answer"]
    assert "could not be handed over" in caplog.text
    service.now += MINUTE * 2
    assert service.round().accepted == 3


def test_it_stops_between_attempts(service: Service) -> None:
    assert service.round(stopped=lambda: len(service.tried) == 1).accepted == 1
    assert len(service.tried) == 1


def test_a_lost_reply_costs_one_copy_and_a_partial_refusal_none(ledger: Ledger) -> None:
    content = b"Message-ID: <1@x>\r\n\r\nbytes\r\n"
    fill(ledger, Posting("a", "<1@x>", content, tuple(("mail", f"{name}@x.org") for name in "abc")))
    replies = {("DATA", "<1@x>"): LOST}
    now = NOW
    with mail_server(Inbox(lambda stage, what: replies.pop((stage, what), ""))) as inbox:
        server = Server("t@x.org", "127.0.0.1", inbox.port, starttls=False)
        given = lambda parcel: send(parcel.content, parcel.addresses, server)  # noqa: E731
        for replies_now in ({}, {("RCPT", "b@x.org"): "550 no", ("RCPT", "c@x.org"): "452 full"}, {}):
            replies |= replies_now
            deliver_due(ledger.outbox, {"mail": given}, lambda: now)  # noqa: B023 (called before the next turn)
            now += MINUTE * 16
    everybody = ("a@x.org", "b@x.org", "c@x.org")
    assert inbox.got == [("<1@x>", everybody, content), ("<1@x>", ("a@x.org",), content), ("<1@x>", ("c@x.org",), content)]
    assert {item.address: str(item.state) for item in ledger.outbox.items(everything=True)} == {
        "a@x.org": "sent", "b@x.org": "failed", "c@x.org": "sent",
    }  # fmt: skip
