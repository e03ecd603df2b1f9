"""Channels against a real HTTP server."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tulosvahti.core.delivery import Answer, MailState, Parcel
from tulosvahti.emit import channels
from tulosvahti.emit.channels import addressed, apprise, deliver
from tulosvahti.emit.channels.note import Note
from tulosvahti.emit.message import Letter, compose

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTER = Letter("<1@x>", "t@x.org", (("Å", "a@x.org"),), "Tulos ä €", "Hyvää yötä\n.\n", "<p>x</p>", datetime(2023, 6, 1, tzinfo=UTC), "fi")


@contextmanager
def web_server(code: int = 200, hold: threading.Event | None = None) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append({"path": self.path, **json.loads(body)})
            if hold is not None:
                hold.wait()
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, got
    finally:
        if hold is not None:
            hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


def parcel(*addresses: str, channel: str = "apprise") -> Parcel:
    return Parcel(1, "<1@x>", "tem", channel, addresses, compose(LETTER))


def test_what_was_stored_is_said() -> None:
    with web_server() as (port, got):
        variables = {"HOOK": f"json://127.0.0.1:{port}/secret", "EMPTY": ""}
        answers = deliver(parcel("HOOK", "EMPTY", "UNSET"), variables)
    unset = Answer(MailState.WAITING, "no_variable")
    assert answers == {"HOOK": Answer(MailState.SENT), "EMPTY": unset, "UNSET": unset}
    assert [(one["path"], one["title"], one["message"].strip()) for one in got] == [("/secret", "Tulos ä €", "Hyvää yötä\n.")]


def test_a_server_that_fails_is_tried_again_and_its_url_not_told() -> None:
    with web_server(500) as (port, got):
        answer = apprise.send(Note("a", "b"), f"json://127.0.0.1:{port}/secret")
    assert (answer.state, answer.reason, len(got)) == (MailState.WAITING, "channel_failed", 1)
    assert "500" in answer.said
    assert "secret" not in answer.said
    assert apprise.send(Note("a", "b"), f"json://127.0.0.1:{port}/").state is MailState.WAITING
    assert apprise.send(Note("a", "b"), "nonsense://x") == Answer(MailState.FAILED, "bad_url")


def test_a_server_that_never_answers() -> None:
    with web_server(hold=threading.Event()) as (port, _):
        answer = apprise.send(Note("a", "b"), f"json://127.0.0.1:{port}/?rto=60", deadline=2.0)
    assert (answer.state, answer.said) == (MailState.WAITING, "no answer in 2 s")


def test_apprise_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert apprise._say("json://x", "a", "b") == ("not_installed", "")


def test_a_new_channel_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, str]] = []

    def board(note: Note, url: str) -> Answer:
        said.append((note.title, url))
        return Answer(MailState.SENT)

    monkeypatch.setattr(channels, "CHANNELS", {"board": board})
    assert [addressed("board:WALL"), addressed("TEAMS")] == [("board", "WALL"), ("apprise", "TEAMS")]
    assert deliver(parcel("WALL", channel="board"), {"WALL": "url"}) == {"WALL": Answer(MailState.SENT)}
    assert said == [("Tulos ä €", "url")]
    assert deliver(parcel("WALL", channel="bord"), {"WALL": "url"}) == {"WALL": Answer(MailState.FAILED, "no_channel", "board")}
