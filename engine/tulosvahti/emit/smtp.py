"""One attempt at handing a message to a mail server, within a deadline that holds whatever the server does.

What the server says of one address is that address's; what goes wrong before is everybody's, and is tried again: no
wrong setting loses a message. Encrypted connections are verified.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

import aiosmtplib

from tulosvahti.core.delivery import Answer, MailState
from tulosvahti.emit.message import ascii_address
from tulosvahti.emit.words import clean

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

SUBMISSIONS = 465
"""The port that speaks TLS from the first byte (RFC 8314)."""
_DEADLINE = 55.0
_EACH_ADDRESS = 15.0
"""Seconds for one of several network addresses of a server."""
_FAREWELL = 2.0
_LONGEST = 500
_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64
"""OpenSSL's numbers of what is wrong with a certificate."""


@dataclass(frozen=True)
class Server:
    """A mail server. ``implicit``: encrypted from the first byte; ``trust``: certificates to trust besides the system's."""

    sender: str
    host: str
    port: int = 587
    starttls: bool = True
    username: str = ""
    password: str = ""
    trust: str = ""
    implicit: bool = False


class _FaultError(Exception):
    """Why nothing can be sent now: a code of ``delivery.*``, and what was said."""

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(reason, said)
        self.reason, self.said = reason, said


class _Client(aiosmtplib.SMTP):
    def close(self) -> None:
        # Ended at once: waiting for the other side's farewell is how an encrypted connection would outlive the deadline.
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        super().close()


def send(
    content: bytes, to: Sequence[str], server: Server, deadline: float = _DEADLINE, tls: ssl.SSLContext | None = None
) -> dict[str, Answer]:
    """Send the bytes as they are; give an answer for every address.

    ``deadline`` is in seconds, over everything, finding the server's network address too. ``tls`` replaces the trust.
    """
    answers: dict[str, Answer] = {}
    rest = _ended(_talk(content, to, server, answers, tls), deadline)
    return {address: answers.get(address, rest) for address in to}


def probe(server: Server, deadline: float = _DEADLINE, tls: ssl.SSLContext | None = None) -> Answer | None:
    """Connect, encrypt, log in and say goodbye; give what would keep mail from being sent, or None."""
    ended = _ended(_talk(b"", (), server, {}, tls), deadline)
    return ended if ended.reason else None


def _ended(talk: Coroutine[Any, Any, None], deadline: float) -> Answer:
    """Let a talk with a server come to its end, or end it; give what holds where the server gave no answer."""
    loop = asyncio.new_event_loop()
    try:
        task = loop.create_task(talk)
        # Not asyncio.timeout: what is being waited for could swallow the one cancellation that it gives.
        loop.run_until_complete(asyncio.wait({task}, timeout=deadline))
        late = not task.done()
        if late:
            task.cancel()
            loop.run_until_complete(asyncio.wait({task}, timeout=1))
        error = TimeoutError() if late else task.exception()
        loop.run_until_complete(asyncio.sleep(0))  # for what was closed
    finally:
        loop.close()
    if error is None:
        return Answer(MailState.WAITING)
    fault = _fault(error)
    return Answer(MailState.WAITING, fault.reason, _shortened(fault.said), halts=True)


async def _talk(
    content: bytes, to: Sequence[str], server: Server, answers: dict[str, Answer], tls: ssl.SSLContext | None
) -> None:
    client = await _connected(server, tls)
    try:
        try:
            await client.mail(ascii_address(parseaddr(server.sender)[1]))
        except aiosmtplib.SMTPSenderRefused as error:
            raise _FaultError("busy" if error.code < 500 else "sender_refused", _said(error)) from None
        accepted = []
        for address in to:
            try:
                await client.rcpt(ascii_address(address))
            except aiosmtplib.SMTPRecipientRefused as error:
                answers[address] = _answer(error, "recipient_refused")
            except ValueError:
                answers[address] = Answer(MailState.FAILED, "bad_address")
            else:
                accepted.append(address)
        if accepted:
            try:
                await client.data(content)
            except aiosmtplib.SMTPDataError as error:
                answers |= dict.fromkeys(accepted, _answer(error, "message_refused"))
            except (aiosmtplib.SMTPServerDisconnected, OSError) as error:
                raise _FaultError("lost", str(error)) from None
            else:
                answers |= dict.fromkeys(accepted, Answer(MailState.SENT))
        # What was said is said: a farewell that fails changes nothing.
        with suppress(aiosmtplib.SMTPException, OSError, ValueError):
            await client.quit(timeout=_FAREWELL)
    finally:
        client.close()


async def _connected(server: Server, tls: ssl.SSLContext | None) -> _Client:
    """Connect, encrypt and log in."""
    encrypted = server.starttls or server.implicit
    if server.username and not encrypted:
        raise _FaultError("unencrypted_password")
    context = tls or (_trust(server.trust) if encrypted else None)
    client = _Client(
        hostname=server.host,
        sock=await _connection(server.host, server.port),
        local_hostname=_own_name(server.sender),
        timeout=_DEADLINE * 2,  # the deadline is over everything, not over one wait
        use_tls=server.implicit,
        start_tls=False,
        tls_context=context,
    )
    try:
        await _make_ready(client, server)
    except BaseException:
        client.close()
        raise
    return client


def _trust(file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if file:
        try:
            context.load_verify_locations(cafile=file)
        except OSError as error:
            raise _FaultError("bad_trust_file", f"{file}: {error}") from None
    return context


async def _make_ready(client: _Client, server: Server) -> None:
    await client.connect()
    if server.starttls and not server.implicit:
        await client.ehlo()
        if not client.supports_extension("starttls"):
            raise _FaultError("no_starttls")
        await client.starttls()
    if server.username:
        await client.ehlo()
        if not client.supported_auth_methods:
            raise _FaultError("no_login")
        await client.login(server.username, server.password)


async def _connection(host: str, port: int) -> socket.socket:
    """Connect to the first network address that answers."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[tuple[socket.AddressFamily, Any]]] = loop.create_future()

    def found_or_not(listed: list[tuple[socket.AddressFamily, Any]] | None, error: str) -> None:
        if not found.done() and listed is not None:
            found.set_result(listed)
        elif not found.done():
            found.set_exception(_FaultError("unknown_host", error))

    def look_up() -> None:
        # In a thread that nobody waits for: a name server that does not answer holds up neither deadline nor exit.
        listed: list[tuple[socket.AddressFamily, Any]] | None = None
        fault = ""
        try:
            listed = [(one[0], one[4]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            fault = str(error)
        with suppress(RuntimeError):  # the loop is closed: the deadline has passed
            loop.call_soon_threadsafe(found_or_not, listed, fault)

    threading.Thread(target=look_up, daemon=True).start()
    faults = []
    for family, address in await found:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)  # noqa: FBT003 (its only argument)
        try:
            await asyncio.wait_for(loop.sock_connect(connection, address), _EACH_ADDRESS)
        except (OSError, TimeoutError) as error:
            connection.close()
            faults.append(str(error) or "no answer")
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise _FaultError("unreachable", "; ".join(dict.fromkeys(faults)))


def _own_name(sender: str) -> str:
    """Give the name that the machine greets with; one without a domain is refused by many servers."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def _answer(error: aiosmtplib.SMTPResponseException, reason: str) -> Answer:
    """Give 5xx as final, and all else as a "later"."""
    final = 500 <= error.code < 600
    return Answer(MailState.FAILED if final else MailState.WAITING, reason if final else "deferred", _shortened(_said(error)))


def _fault(error: BaseException) -> _FaultError:  # noqa: PLR0911 (one fault a line)
    """Give the fault behind an error, looking through what wraps it."""
    causes = [error]
    while (cause := causes[-1].__cause__) is not None and cause not in causes:
        causes.append(cause)
    for cause in causes:
        match cause:
            case _FaultError():
                return cause
            case ssl.SSLCertVerificationError():
                codes = {_EXPIRED: "certificate_expired", _NOT_YET: "certificate_expired", _OTHER_NAME: "certificate_name", _OTHER_ADDRESS: "certificate_name"}
                return _FaultError(codes.get(cause.verify_code, "certificate_untrusted"), cause.verify_message)
            case ssl.SSLError():
                return _FaultError("no_encryption", str(cause))
            case aiosmtplib.SMTPAuthenticationError():
                return _FaultError("busy" if cause.code < 500 else "wrong_password", _said(cause))
            case aiosmtplib.SMTPResponseException():
                return _FaultError("busy" if cause.code < 500 else "server_refused", _said(cause))
            case TimeoutError():
                return _FaultError("deadline")
    return _FaultError("broken_off", str(causes[-1]) or type(causes[-1]).__name__)


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {error.message}"


def _shortened(text: str) -> str:
    said = clean(text.encode(errors="replace").decode()).strip()
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
