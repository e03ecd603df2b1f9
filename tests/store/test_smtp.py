"""Mail against real servers of aiosmtpd, and against one that never answers."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtplib import SMTPException

from tulosvahti.emit.smtp import send

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = b"Message-ID: <1@x>\r\nSubject: a\r\n\r\n.dot\r\n"


class Server:
    """Takes mail, but not for ``nobody``."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], bytes]] = []

    async def handle_RCPT(self, _s: Any, _n: Any, envelope: Any, address: str, _o: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _s: Any, _n: Any, envelope: Any) -> str:  # noqa: N802
        self.got.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    handler = Server()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def post(port: int, *to: str, starttls: bool = False, username: str = "", timeout: float = 5.0) -> dict[str, str]:
    return asyncio.run(send(CONTENT, "t@x.org", to, "127.0.0.1", port, starttls, username, "", timeout))


def test_partial_refusal_is_given_back(server: tuple[Server, int]) -> None:
    handler, port = server
    assert post(port, "a@x.org", "nobody@x.org") == {"nobody@x.org": "550 no such user"}
    assert handler.got == [(["a@x.org"], CONTENT)]
    assert post(port, "nobody@x.org") == {"nobody@x.org": "550 no such user"}
    assert post(port, "a@x.org") == {}


def test_starttls_is_never_dropped(server: tuple[Server, int]) -> None:
    with pytest.raises(SMTPException):
        post(server[1], "a@x.org", starttls=True)
    with pytest.raises(ValueError, match="encrypted"):
        post(server[1], "a@x.org", username="me")
    assert server[0].got == []


def test_black_hole_ends_at_the_deadline() -> None:
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        start = time.monotonic()
        with pytest.raises((TimeoutError, SMTPException)):
            post(hole.getsockname()[1], "a@x.org", timeout=0.3)
        assert time.monotonic() - start < 3
