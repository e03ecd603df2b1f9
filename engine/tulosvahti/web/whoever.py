"""Who asks: told by the session, the proxy or the token of a request, or by nobody having to sign in."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from tulosvahti.core.role import LOCAL, NOBODY, Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from tulosvahti.web.house import House

_DAY = 86_400


def cookie_name(house: House, name: str) -> str:
    """Give the name of a cookie: bound to this host alone where people come by https."""
    return f"__Host-tulosvahti-{name}" if house.https else f"tulosvahti-{name}"


def recognised(house: House, request: Request) -> tuple[Person, str, list[Callable[[Response], None]]]:
    """Give who asks, what form tokens are bound to, and the cookies to set with the answer."""
    cookies: list[Callable[[Response], None]] = []
    seed = request.cookies.get(cookie_name(house, "form"), "")
    if not 20 < len(seed) < 100:
        seed = secrets.token_urlsafe(32)
        name = cookie_name(house, "form")
        cookies.append(
            lambda response: response.set_cookie(name, seed, max_age=_DAY, secure=house.https, httponly=True, samesite="lax")
        )
    return (LOCAL if house.open_to_all else NOBODY), f"browser {seed}", cookies
