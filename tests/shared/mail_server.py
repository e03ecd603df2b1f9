"""A real mail server of aiosmtpd, on a free port, that fails as it is told to."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOST = "lost"
"""The message is accepted, and the connection ends before the reply."""


@dataclass
class Inbox:
    """What came in, as (Message-ID, addresses, bytes), and what goes wrong next.

    ``fault(stage, what)`` is asked for a reply such as "451 later" at ``MAIL`` (the sender), ``RCPT`` (an address) and
    ``DATA`` (the Message-ID); ``LOST`` at DATA accepts and breaks off. "" is no fault.
    """

    fault: Callable[[str, str], str] = lambda _stage, _what: ""
    port: int = 0
    got: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Take the sender."""
        reply = self.fault("MAIL", address)
        if not reply:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """Take a recipient."""
        reply = self.fault("RCPT", address)
        if not reply:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take the message."""
        message_id = str(message_from_bytes(envelope.content)["Message-ID"])
        reply = self.fault("DATA", message_id)
        if reply in {"", LOST}:
            with self.lock:
                self.got.append((message_id, tuple(envelope.rcpt_tos), envelope.content))
        if reply == LOST:
            server.transport.abort()
        return reply or "250 OK"


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def mail_server(inbox: Inbox, **options: Any) -> Iterator[Inbox]:
    """Run a server; ``options`` are those of aiosmtpd's Controller and SMTP."""
    inbox.port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port, **options)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()
