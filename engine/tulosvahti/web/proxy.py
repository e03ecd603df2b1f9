"""Sign-in by a reverse proxy: it says who asks in headers, and proves that it is the proxy.

Only peers that are ``trusted`` are believed. With ``signed`` (the default) the headers carry an HMAC-SHA-256, in hex, of
``TIME LF USER LF ROLES LF OWNERS`` under the shared secret, and are good for a minute; without, they carry the secret.
Roles and owners are lists with commas.
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING

from tulosvahti.core.role import Person, Role
from tulosvahti.web.guarding import in_networks

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.datastructures import Headers

    from tulosvahti.load.settings import ProxyConfig

LOG = logging.getLogger("tulosvahti.web")
USER, ROLES, OWNERS = "tulosvahti-user", "tulosvahti-roles", "tulosvahti-owners"
TIME, SIGNATURE, SECRET = "tulosvahti-time", "tulosvahti-signature", "tulosvahti-secret"
_GOOD_FOR = 60


def signature(secret: str, time: str, user: str, roles: str, owners: str) -> str:
    """Give what a proxy signs with."""
    said = f"{time}\n{user}\n{roles}\n{owners}"
    return hmac.new(secret.encode(), said.encode("latin-1", "replace"), "sha256").hexdigest()


def proxied(config: ProxyConfig, secret: str, headers: Headers, peer: str, at: datetime) -> Person | None:
    """Give whom the proxy says to ask; None where it says nothing, or is not to be believed."""
    user, roles, owners = (headers.get(name, "") for name in (USER, ROLES, OWNERS))
    if not user:
        return None
    if not secret or not in_networks(peer, config.trusted):
        LOG.warning("headers that name a person came from %s, which is no proxy of ours", peer)
        return None
    if config.signed:
        time = headers.get(TIME, "")
        fresh = time.isascii() and time.isdecimal() and len(time) < 15 and abs(at.timestamp() - int(time)) <= _GOOD_FOR
        good = fresh and hmac.compare_digest(headers.get(SIGNATURE, "").encode(), signature(secret, time, user, roles, owners).encode())
    else:
        good = hmac.compare_digest(headers.get(SECRET, "").encode(), secret.encode())
    if not good:
        LOG.warning("headers of the proxy %s are not signed as they should be, or are older than a minute", peer)
        return None
    known = {str(role) for role in Role}
    return Person(
        _text(user), frozenset(Role(one) for one in _listed(roles) if one in known), frozenset(_listed(owners)), "proxy"
    )


def _text(value: str) -> str:
    """Headers come as Latin-1; a proxy writes UTF-8."""
    try:
        return value.encode("latin-1").decode()[:200]
    except UnicodeError:
        return value[:200]


def _listed(value: str) -> list[str]:
    return [part.strip() for part in _text(value).split(",") if part.strip()]
