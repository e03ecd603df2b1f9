"""Form tokens: a form is taken only from a page that this dashboard gave to the same browser and person.

The token is an HMAC of the session (or, before sign-in, of a random cookie) under the project's secret. It is masked
with new random bytes in each page, so that compressed pages tell nothing of it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets

_LENGTH = 32


def made(secret: bytes, bound_to: str) -> str:
    """Make a token for what it is bound to."""
    pad = secrets.token_bytes(_LENGTH)
    return base64.urlsafe_b64encode(pad + _xor(pad, _mac(secret, bound_to))).decode().rstrip("=")


def right(secret: bytes, bound_to: str, token: str) -> bool:
    """Tell whether a token was made here for the same."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        return False
    pad, masked = raw[:_LENGTH], raw[_LENGTH:]
    return len(raw) == 2 * _LENGTH and hmac.compare_digest(_xor(pad, masked), _mac(secret, bound_to))


def _mac(secret: bytes, bound_to: str) -> bytes:
    return hmac.digest(secret, b"tulosvahti form " + bound_to.encode(), "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
