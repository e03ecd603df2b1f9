"""Passwords: Argon2id, few at a time, and as slow for a name that is not there as for one that is."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 200
_AT_ONCE = threading.BoundedSemaphore(4)
"""Each takes 64 MB for a moment."""


def weakness(password: str, name: str) -> str:
    """Give the word for what is wrong with a new password; empty where nothing is."""
    if len(password) < SHORTEST:
        return "web.password.short"
    if len(password) > LONGEST:
        return "web.password.long"
    plain = password.casefold()
    if (len(name) > 2 and name.casefold() in plain) or len(set(plain)) < 5:
        return "web.password.guessed"
    return ""


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 (only where local accounts are)

    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher().hash("a password that nobody has")


def hashed(password: str) -> str:
    """Give the hash that is kept."""
    with _AT_ONCE:
        return _hasher().hash(password)


def right(kept: str, password: str) -> bool:
    """Tell whether a password is the one of a hash; an empty hash is nobody's, and takes as long."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 (as above)

    with _AT_ONCE:
        try:
            return _hasher().verify(kept or _nobodys(), password[: LONGEST + 1]) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Tell whether the hash was made with weaker settings than today's."""
    return _hasher().check_needs_rehash(kept)
