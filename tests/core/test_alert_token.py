"""Signed links: only ours, only for one alert and recipient, only until they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tulosvahti.core.alert import About, AlertKey
from tulosvahti.core.alert_token import Link, TokenError, read, sign

SECRET = b"s" * 32
NOW = datetime(2024, 3, 5, 3, 0, 0, 123456, tzinfo=UTC)
LINK = Link(AlertKey(About.RULE, "leads", (("centre", "Kainuu “Ä”"),)), "tem", NOW - timedelta(days=1), NOW + timedelta(days=30))


def test_a_token_reads_back_as_what_was_signed() -> None:
    token = sign(SECRET, LINK)
    assert read(SECRET, token, NOW) == LINK
    assert token == sign(SECRET, LINK)
    assert all(c.isalnum() or c in "-_." for c in token)


def test_any_change_of_the_payload_is_refused() -> None:
    token = sign(SECRET, LINK)
    for index in range(token.index(".") + 1):
        changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
        with pytest.raises(TokenError, match="not made by this project"):
            read(SECRET, changed, NOW)


@pytest.mark.parametrize("token", ["", ".", "x", "ä.ö", "e30.e30", sign(b"t" * 32, LINK), sign(SECRET, LINK)[:-3], sign(SECRET, LINK).partition(".")[0]])
def test_foreign_and_broken_tokens_are_refused(token: str) -> None:
    with pytest.raises(TokenError, match="open it from the mail again"):
        read(SECRET, token, NOW)


def test_a_token_ends() -> None:
    token = sign(SECRET, LINK)
    assert read(SECRET, token, LINK.expires - timedelta(microseconds=1)) == LINK
    with pytest.raises(TokenError, match="this link ended 2024-04-04 03:00 UTC; use the link of a newer mail"):
        read(SECRET, token, LINK.expires)
