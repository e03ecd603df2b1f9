"""Handing one mail to a server, within a deadline that holds whatever the server does."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import aiosmtplib

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUBMISSIONS = 465
"""The port that speaks TLS from the first byte (RFC 8314)."""
_FAREWELL = 2.0


async def send(  # noqa: PLR0913 - what a mail server asks for
    content: bytes,
    sender: str,
    to: Sequence[str],
    host: str,
    port: int,
    starttls: bool,  # noqa: FBT001
    username: str,
    password: str,
    timeout: float = 55.0,  # noqa: ASYNC109 - the deadline of the whole attempt, not of one wait
    tls: ssl.SSLContext | None = None,
) -> dict[str, str]:
    """Send the bytes as they are; give the recipients that were refused, each with the server's words ("550 ...").

    All recipients can be among them: then nothing was sent. ``timeout`` is in seconds, over everything. ``tls`` is the
    system's trust by default; a certificate that does not verify ends the attempt.

    Raises:
        TimeoutError: the deadline passed; the mail may or may not have been accepted.
        aiosmtplib.SMTPException, OSError: nothing was accepted, or the reply was lost.
        ValueError: a password would travel unencrypted.

    """
    implicit = port == _SUBMISSIONS
    if username and not (starttls or implicit):
        message = "mail: a user name needs an encrypted connection; set starttls = true, or leave the user name out"
        raise ValueError(message)
    client = aiosmtplib.SMTP(
        hostname=host,
        port=port,
        timeout=timeout,
        use_tls=implicit,
        start_tls=starttls and not implicit,
        tls_context=tls or ssl.create_default_context(),
        username=username or None,
        password=password or None,
    )
    try:
        async with asyncio.timeout(timeout):
            await client.connect()
            try:
                refused, _ = await client.sendmail(sender, list(to), content)
            except aiosmtplib.SMTPRecipientsRefused as error:
                return {one.recipient: f"{one.code} {one.message}" for one in error.recipients}
        # The mail is accepted: a farewell that fails must not make it look unsent.
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await client.quit()
        return {recipient: f"{reply.code} {reply.message}" for recipient, reply in refused.items()}
    finally:
        client.close()
