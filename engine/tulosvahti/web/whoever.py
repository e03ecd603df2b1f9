"""Who asks: told by the session, the proxy or nobody having to sign in; and the beginning and end of sessions."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from tulosvahti.core.role import LOCAL, NOBODY, Person
from tulosvahti.store import people
from tulosvahti.web.proxy import proxied

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from tulosvahti.web.house import House
    from tulosvahti.web.page import Page

    Cookies = list[Callable[[Response], None]]

_DAY = 86_400
_SEEN_AGAIN = timedelta(minutes=1)


def cookie_name(house: House, name: str) -> str:
    """Give the name of a cookie: bound to this host alone where people come by https."""
    return f"__Host-tulosvahti-{name}" if house.https else f"tulosvahti-{name}"


def set_cookie(house: House, name: str, value: str, age: int | None, response: Response) -> None:
    """Set a cookie that scripts and other sites never get; an empty ``value`` removes it."""
    if value:
        response.set_cookie(cookie_name(house, name), value, max_age=age, secure=house.https, httponly=True, samesite="lax")
    else:
        response.delete_cookie(cookie_name(house, name), secure=house.https, httponly=True, samesite="lax")


def recognised(house: House, request: Request) -> tuple[Person, str, Cookies]:
    """Give who asks, what form tokens are bound to, and the cookies to set with the answer."""
    cookies: Cookies = []
    session = request.cookies.get(cookie_name(house, "session"), "")
    if session and not house.open_to_all:
        found = _in_session(house, session)
        if found is not None:
            return found, f"session {session}", cookies
        cookies.append(partial(set_cookie, house, "session", "", None))
    seed = request.cookies.get(cookie_name(house, "form"), "")
    if not 20 < len(seed) < 100:
        seed = secrets.token_urlsafe(32)
        cookies.append(partial(set_cookie, house, "form", seed, _DAY))
    if house.open_to_all:
        return LOCAL, f"browser {seed}", cookies
    if "proxy" in house.serve.sign_in:
        person = proxied(house.serve.proxy, house.proxy_secret, request.headers, request.state.peer, house.clock())
        if person is not None:
            return person, f"proxy {person.name} {seed}", cookies
    return NOBODY, f"browser {seed}", cookies


def _in_session(house: House, session: str) -> Person | None:
    at, idle = house.clock(), timedelta(minutes=house.serve.idle_minutes)
    with house.reader.transaction() as connection:
        found = people.in_session(connection, session, at, idle)
    if found is None:
        return None
    person, seen = found
    if person.via not in house.serve.sign_in:
        return None
    if at - seen >= _SEEN_AGAIN:
        house.later(partial(_see, house, session))
    return person


def _see(house: House, session: str) -> None:
    with house.ledger.transaction() as connection:
        people.see(connection, session, house.clock())


def sign_in(page: Page, person: Person) -> None:
    """Begin a session for somebody who proved who they are; an older one of this browser ends."""
    house = page.house
    old = page.request.cookies.get(cookie_name(house, "session"), "")
    longest = timedelta(hours=house.serve.longest_hours)
    with house.ledger.transaction() as connection:
        if old:
            people.end_session(connection, old)
        session = people.begin_session(connection, person, page.now, longest)
    page.cookies = [partial(set_cookie, house, "session", session, int(longest.total_seconds()))]


def sign_out(page: Page) -> None:
    """End the session of this browser."""
    session = page.request.cookies.get(cookie_name(page.house, "session"), "")
    if session:
        with page.house.ledger.transaction() as connection:
            people.end_session(connection, session)
    page.cookies = [partial(set_cookie, page.house, "session", "", None)]
