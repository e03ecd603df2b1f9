"""Signed links by which one recipient acknowledges one alert, as it fires now, until a day.

A token is ``PAYLOAD.SIGNATURE``, both base64url: JSON of what it allows, and its HMAC-SHA-256 under the project's
secret. It says nothing secret; it only cannot be made or changed without the secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tulosvahti.core.alert import About, AlertKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class TokenError(ValueError):
    """The link cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Link:
    """What a token allows: a recipient acknowledges an alert that fires since a moment."""

    key: AlertKey
    recipient: str
    since: datetime
    expires: datetime


def sign(secret: bytes, link: Link) -> str:
    """Make the token."""
    moments = [(moment - _EPOCH) // _TICK for moment in (link.since, link.expires)]
    body = json.dumps([link.key.about, link.key.name, link.key.subject, link.recipient, *moments], separators=(",", ":"))
    payload = _encoded(body.encode())
    return f"{payload}.{_encoded(_signature(secret, payload))}"


def read(secret: bytes, token: str, at: datetime) -> Link:
    """Read a token.

    Raises:
        TokenError: it was not made here, was changed, or has expired.

    """
    payload, _, signature = token.partition(".")
    try:
        given = base64.b64decode(signature + "=" * (-len(signature) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        given = b""
    if not hmac.compare_digest(given, _signature(secret, payload)):
        message = "this link was not made by this project, or is cut off; open it from the mail again as a whole"
        raise TokenError(message)
    about, name, subject, recipient, since, expires = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    key = AlertKey(About(about), name, tuple((field, value) for field, value in subject))
    link = Link(key, recipient, _EPOCH + since * _TICK, _EPOCH + expires * _TICK)
    if at >= link.expires:
        message = f"this link ended {link.expires:%Y-%m-%d %H:%M} UTC; use the link of a newer mail, or `tulosvahti alerts acknowledge {key}`"
        raise TokenError(message)
    return link


def _signature(secret: bytes, payload: str) -> bytes:
    return hmac.digest(secret, b"tulosvahti acknowledge " + payload.encode(), "sha256")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
