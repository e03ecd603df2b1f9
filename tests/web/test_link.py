"""Links of mails: looking changes nothing, the button does; a foreign or old one does nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from dashboard import browser, token_of

from tulosvahti.core.alert import About, AlertKey
from tulosvahti.core.alert_token import Link, sign
from tulosvahti.store import alerting
from tulosvahti.store.changes import changes


@pytest.fixture
def link(signed):
    with signed.reader.transaction() as connection:
        fired = alerting.remember(connection).alerts[AlertKey(About.RULE, "visits")]
    return Link(fired.key, "agency", fired.since, signed.clock() + timedelta(days=1))


def said(house):
    with house.reader.transaction() as connection:
        return [(item.by, item.key.name) for item in alerting.remember(connection).acknowledgements]


def test_a_link_asks_and_its_button_acknowledges(signed, link):
    token = sign(signed.secret, link)
    visitor = browser(signed)
    for _ in range(2):
        page = visitor.get(f"/acknowledge?token={token}")
        assert page.status_code == 200
        assert said(signed) == []
    done = visitor.post("/en/acknowledge", data={"form_token": token_of(page), "token": token})
    assert done.status_code == 200
    assert said(signed) == [("agency", "visits")]
    with signed.reader.transaction() as connection:
        (change,) = [item for item in changes(connection, 5) if item.deed == "acknowledged"]
    assert (change.author.name, change.author.via) == ("agency", "link")


def test_a_foreign_old_or_cut_link_does_nothing(signed, link, clock):
    visitor = browser(signed)
    good = sign(signed.secret, link)
    page = visitor.get(f"/en/acknowledge?token={good}")
    for token in (sign(b"x" * 32, link), good[:-3], "x", "..", sign(signed.secret, replace(link, expires=clock()))):
        assert visitor.get("/en/acknowledge", params={"token": token}).status_code == 422
        assert visitor.post("/en/acknowledge", data={"form_token": token_of(page), "token": token}).status_code == 422
    assert visitor.post("/en/acknowledge", data={"token": good}).status_code == 403
    older = sign(signed.secret, replace(link, since=link.since - timedelta(days=3)))
    over = visitor.post("/en/acknowledge", data={"form_token": token_of(page), "token": older})
    assert over.status_code == 422
    assert "no longer fires" in over.text
    assert said(signed) == []
