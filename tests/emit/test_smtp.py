"""One attempt against real servers of aiosmtpd, and against ones that never come to an end."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult
from mail_server import LOST, Inbox, free_port, mail_server

from tulosvahti.core.delivery import Answer, MailState
from tulosvahti.emit.operator import fault_text
from tulosvahti.emit.smtp import Server, probe, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTENT = b"Message-ID: <1@x>\r\nSubject: a\r\n\r\n.dot\r\n"
AUTHORITY = trustme.CA()
SENT = Answer(MailState.SENT)


def tls(name: str = "127.0.0.1", authority: trustme.CA = AUTHORITY, **dates: dt.datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **dates).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("trust") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return str(path)


def post(port: int, *to: str, deadline: float = 5.0, **more: Any) -> dict[str, Answer]:
    given = {"sender": "Työ <t@x.org>", "host": "127.0.0.1", "port": port, "starttls": False, **more}
    return send(CONTENT, to or ("a@x.org",), Server(**given), deadline)


def only(answers: dict[str, Answer]) -> Answer:
    (answer,) = answers.values()
    for language in ("fi", "sv", "en"):
        sentence = fault_text(answer.reason, answer.said, language, server="mail.x.org:587", address="a@x.org", id=1, channel="")
        assert sentence.count(".") >= 2 or answer.state is MailState.SENT
        assert "{" not in sentence
    return answer


def test_accepted_as_it_is() -> None:
    with mail_server(Inbox()) as inbox:
        assert post(inbox.port, "a@x.org", "b@y.org") == {"a@x.org": SENT, "b@y.org": SENT}
    assert inbox.got == [("<1@x>", ("a@x.org", "b@y.org"), CONTENT)]


FAULTS: list[tuple[str, str, MailState, str, bool]] = [
    ("MAIL", "421 closing", MailState.WAITING, "busy", True),
    ("MAIL", "451 later", MailState.WAITING, "busy", True),
    ("MAIL", "550 not yours", MailState.WAITING, "sender_refused", True),
    ("RCPT", "421 closing", MailState.WAITING, "deferred", False),
    ("RCPT", "450 greylisted", MailState.WAITING, "deferred", False),
    ("RCPT", "452 mailbox full", MailState.WAITING, "deferred", False),
    ("RCPT", "550 no such user", MailState.FAILED, "recipient_refused", False),
    ("DATA", "421 closing", MailState.WAITING, "deferred", False),
    ("DATA", "451 later", MailState.WAITING, "deferred", False),
    ("DATA", "452 disk full", MailState.WAITING, "deferred", False),
    ("DATA", "554 spam", MailState.FAILED, "message_refused", False),
    ("DATA", LOST, MailState.WAITING, "lost", True),
]


@pytest.mark.parametrize(("stage", "reply", "state", "reason", "halts"), FAULTS)
def test_what_the_server_says(stage: str, reply: str, state: MailState, reason: str, halts: bool) -> None:
    with mail_server(Inbox(lambda at, _what: reply if at == stage else "")) as inbox:
        answer = only(post(inbox.port))
    assert (answer.state, answer.reason, answer.halts) == (state, reason, halts)
    if reply != LOST:
        assert answer.said == reply
    assert len(inbox.got) == (reply == LOST)


def test_a_partial_refusal_is_each_addresss_own() -> None:
    replies = {"nobody@x.org": "550 no such user", "full@x.org": "452 full"}
    with mail_server(Inbox(lambda _stage, what: replies.get(what, ""))) as inbox:
        answers = post(inbox.port, "a@x.org", "nobody@x.org", "full@x.org", "ä@x.org", "b@työ.example")
    assert inbox.got == [("<1@x>", ("a@x.org", "b@xn--ty-gka.example"), CONTENT)]
    assert {address: (answer.state, answer.reason) for address, answer in answers.items()} == {
        "a@x.org": (MailState.SENT, ""),
        "nobody@x.org": (MailState.FAILED, "recipient_refused"),
        "full@x.org": (MailState.WAITING, "deferred"),
        "ä@x.org": (MailState.FAILED, "bad_address"),
        "b@työ.example": (MailState.SENT, ""),
    }


def test_a_refused_message_is_final_only_for_those_it_was_offered_to() -> None:
    replies = {"full@x.org": "452 full", "<1@x>": "554 spam"}
    with mail_server(Inbox(lambda _stage, what: replies.get(what, ""))) as inbox:
        answers = post(inbox.port, "a@x.org", "full@x.org")
    assert (answers["a@x.org"].state, answers["full@x.org"].state) == (MailState.FAILED, MailState.WAITING)


def login(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"me", b"right"), handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it is TLS from the first byte
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(("password", "reason"), [("right", ""), ("wrong", "wrong_password")])
def test_verified_encryption_and_login(trust: str, password: str, reason: str, implicit: bool) -> None:
    options = {"ssl_context": tls()} if implicit else {"tls_context": tls(), "require_starttls": True}
    with mail_server(Inbox(), authenticator=login, auth_required=True, auth_require_tls=not implicit, **options) as inbox:
        answer = only(post(inbox.port, trust=trust, starttls=True, implicit=implicit, username="me", password=password))
    assert (answer.reason, len(inbox.got)) == (reason, not reason)


def test_knocking_sends_nothing() -> None:
    with mail_server(Inbox()) as inbox:
        server = Server("t@x.org", "127.0.0.1", inbox.port, starttls=False)
        assert probe(server) is None
        answer = probe(replace(server, starttls=True))
    assert answer is not None
    assert answer.reason == "no_starttls"
    assert inbox.got == []
    later = probe(replace(server, port=free_port()))
    assert later is not None
    assert later.reason == "unreachable"


DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: tls(not_before=NOW - 9 * DAY, not_after=NOW - DAY), "certificate_expired"),
        (lambda: tls("mail.elsewhere.example"), "certificate_name"),
        (lambda: tls(authority=trustme.CA()), "certificate_untrusted"),
    ],
)
def test_a_bad_certificate_ends_it(trust: str, make: Callable[[], ssl.SSLContext], reason: str, implicit: bool) -> None:
    options = {"ssl_context": make()} if implicit else {"tls_context": make()}
    with mail_server(Inbox(), **options) as inbox:
        answer = only(post(inbox.port, trust=trust, starttls=True, implicit=implicit))
    assert (answer.state, answer.reason, answer.halts, inbox.got) == (MailState.WAITING, reason, True, [])


def test_settings_that_cannot_work() -> None:
    with mail_server(Inbox()) as inbox:
        assert only(post(inbox.port, starttls=True)).reason == "no_starttls"
        assert only(post(inbox.port, username="me")).reason == "unencrypted_password"
        assert only(post(inbox.port, implicit=True)).reason == "no_encryption"
        assert only(post(inbox.port, starttls=True, trust="/nowhere.pem")).reason == "bad_trust_file"
    assert inbox.got == []
    assert only(post(free_port())).reason == "unreachable"
    assert only(post(25, host="mail.invalid")).reason == "unknown_host"


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """Run a server that says what it wants."""
    done = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                talk(connection, done)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            done.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def black_hole(_connection: socket.socket, done: threading.Event) -> None:
    done.wait()


def drip(connection: socket.socket, done: threading.Event) -> None:
    while not done.wait(0.05):
        connection.sendall(b"2")


def endless_greeting(connection: socket.socket, done: threading.Event) -> None:
    while not done.wait(0.05):
        connection.sendall(b"220-welcome\r\n")


def drip_in_reply(connection: socket.socket, done: threading.Event) -> None:
    connection.sendall(b"220 x\r\n")
    drip(connection, done)


def tls_stall(connection: socket.socket, done: threading.Event) -> None:
    connection.sendall(b"220 x\r\n")
    connection.recv(999)
    connection.sendall(b"250-x\r\n250 STARTTLS\r\n")
    connection.recv(999)
    connection.sendall(b"220 go\r\n")
    done.wait()


def farewell_stall(connection: socket.socket, done: threading.Event) -> None:
    connection.sendall(b"220 x\r\n")
    while b"QUIT" not in (asked := connection.recv(9999)):
        connection.sendall(b"354 go\r\n" if asked.startswith(b"DATA") else b"250 OK\r\n")
    done.wait()


@pytest.mark.parametrize(
    ("talk", "more"),
    [
        (black_hole, {}),
        (black_hole, {"implicit": True}),
        (drip, {}),
        (endless_greeting, {}),
        (drip_in_reply, {}),
        (tls_stall, {"starttls": True}),
    ],
)
def test_the_deadline_holds(talk: Callable[[socket.socket, threading.Event], None], more: dict[str, Any]) -> None:
    with raw_server(talk) as port:
        start = time.monotonic()
        answer = only(post(port, deadline=0.5, **more))
        assert time.monotonic() - start < 2
    assert (answer.state, answer.reason, answer.halts) == (MailState.WAITING, "deadline", True)


def test_a_farewell_that_fails_changes_nothing() -> None:
    with raw_server(farewell_stall) as port:
        start = time.monotonic()
        assert post(port) == {"a@x.org": SENT}
        assert time.monotonic() - start < 4


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(20) and [])
    start = time.monotonic()
    assert only(post(25, deadline=0.3)).reason == "deadline"
    assert time.monotonic() - start < 2
    done.set()


def test_the_attempt_ends_within_a_minute_by_default() -> None:
    assert send.__defaults__ is not None
    assert send.__defaults__[0] + 1 + 2 < 60
