"""The signed link of a mail: it opens a page that asks, and only its button acknowledges, as mail filters open links too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti import wiring
from tulosvahti.core.alert_token import Link, TokenError, read
from tulosvahti.store.changes import Author, record
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.pages.alerts import title_of

if TYPE_CHECKING:
    from starlette.responses import Response


def ask(page: Page) -> Response:
    """Show what the link is about."""
    token = page.asked("token")
    link = _link(page, token)
    return page.show("link.html.j2", page.say("web.link.title"), token=token, title_of=title_of(page, link.key), link=link, done=False)


def acknowledge(page: Page) -> Response:
    """Acknowledge what the link names."""
    token = page.field("token", needed=True)
    _link(page, token)
    try:
        link = wiring.acknowledge_link(page.project, token, page.now)
    except TokenError:
        raise page.refused("web.link.over") from None
    with page.house.ledger.transaction() as connection:
        record(connection, Author(link.recipient, "link", page.now), "acknowledged", str(link.key))
    return page.show("link.html.j2", page.say("web.said.acknowledged"), token=token, title_of=title_of(page, link.key), link=link, done=True)


def _link(page: Page, token: str) -> Link:
    try:
        return read(page.house.secret, token, page.now)
    except (TokenError, ValueError):
        raise page.refused("web.link.wrong") from None


PAGES = (
    PageAt("/acknowledge", ask, public=True),
    PageAt("/acknowledge", acknowledge, method="POST", public=True),
)
