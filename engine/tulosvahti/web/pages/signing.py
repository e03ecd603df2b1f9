"""Signing in and out: by a local account, or by the agency's provider."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse

from tulosvahti.core.role import Person
from tulosvahti.store import people
from tulosvahti.web import passwords
from tulosvahti.web.oidc import BACK, OidcError
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.refusal import Refusal
from tulosvahti.web.whoever import cookie_name, set_cookie, sign_in, sign_out

if TYPE_CHECKING:
    from starlette.responses import Response

LOG = logging.getLogger("tulosvahti.web")
_MINUTES = 600


def asked(page: Page, problem: str = "", status: int = 200) -> Response:
    """Show the ways in."""
    if page.person.roles:
        return RedirectResponse(_next(page, page.asked("next")), HTTPStatus.SEE_OTHER)
    name = page.form.get("name", "")
    then = page.form.get("next", "") or page.asked("next")
    return page.show(
        "sign_in.html.j2", page.say("web.sign_in.title"), status, ways=page.house.serve.sign_in, then=then, name=name, problem=problem
    )


def local(page: Page) -> Response:
    """Sign in by name and password."""
    house = page.house
    if "local" not in house.serve.sign_in:
        raise page.missing("web.error.no_page")
    name, password = page.form.get("name", "").strip()[:200], page.form.get("password", "")
    client = page.request.state.client
    wait = max(house.sign_in_from.wait(client), house.sign_in_as.wait(name.casefold(), counts=False))
    if wait:
        LOG.warning("sign-in of %r from %s was put off: too many tries", name, client)
        refusal = Refusal(HTTPStatus.TOO_MANY_REQUESTS, "web.sign_in.too_often", minutes=-(-wait // 60))
        refusal.headers["Retry-After"] = str(wait)
        raise refusal
    with house.reader.transaction() as connection:
        found = people.account(connection, name)
    good = passwords.right("" if found is None or found.disabled else found.password_hash, password)
    if not good or found is None:
        house.sign_in_as.wait(name.casefold())
        LOG.warning("sign-in of %r from %s failed", name, client)
        return asked(page, page.say("web.sign_in.wrong"), HTTPStatus.UNAUTHORIZED)
    house.sign_in_as.forget(name.casefold())
    if passwords.outdated(found.password_hash):
        renewed = passwords.hashed(password)
        with house.ledger.transaction() as connection:
            people.renew_hash(connection, name, renewed)
    return _in(page, found.person, page.form.get("next", ""))


def leave(page: Page) -> Response:
    """Go to the provider."""
    if "oidc" not in page.house.serve.sign_in:
        raise page.missing("web.error.no_page")
    try:
        leaving = page.house.provider.leave(page.now.timestamp(), page.asked("next"))
    except OidcError as error:
        LOG.error("sign-in by the provider: %s", error)  # noqa: TRY400 (its text says it all)
        return asked(page, page.say(error.key), HTTPStatus.BAD_GATEWAY)
    response = RedirectResponse(leaving.url, HTTPStatus.SEE_OTHER)
    set_cookie(page.house, "oidc", leaving.kept, _MINUTES, response)
    return response


def come_back(page: Page) -> Response:
    """Take what the provider says of who it was."""
    house = page.house
    if "oidc" not in house.serve.sign_in:
        raise page.missing("web.error.no_page")
    kept = page.request.cookies.get(cookie_name(house, "oidc"), "")
    address = f"{house.project.config.dashboard}{BACK}?{page.request.url.query}"
    try:
        person, then = house.provider.come_back(page.now.timestamp(), kept, address, page.request.query_params)
    except OidcError as error:
        LOG.warning("sign-in by the provider: %s", error)
        return asked(page, page.say(error.key), HTTPStatus.UNAUTHORIZED)
    response = _in(page, person, then)
    set_cookie(house, "oidc", "", None, response)
    return response


def _in(page: Page, person: Person, then: str) -> Response:
    if not person.roles:
        LOG.warning("%r has signed in (%s) but has no role", person.name, person.via)
        return asked(page, page.say("web.sign_in.no_role", name=person.name), HTTPStatus.FORBIDDEN)
    sign_in(page, person)
    LOG.info("%r has signed in (%s) from %s", person.name, person.via, page.request.state.client)
    return RedirectResponse(_next(page, then), HTTPStatus.SEE_OTHER)


def _next(page: Page, then: str) -> str:
    """Give a page of ours: an address that leads elsewhere leads to the first page."""
    parts = urlsplit(then)
    ours = then.startswith("/") and not then.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return then if ours and then.isprintable() and "\\" not in then and "/sign-" not in then else page.url("/")


def out(page: Page) -> Response:
    """Sign out."""
    sign_out(page)
    return RedirectResponse(page.url("/sign-in", said="signed_out"), HTTPStatus.SEE_OTHER)


PAGES = (
    PageAt("/sign-in", asked, public=True),
    PageAt("/sign-in", local, method="POST", public=True),
    PageAt("/sign-in/oidc", leave, public=True),
    PageAt(BACK, come_back, public=True),
    PageAt("/sign-out", out, method="POST", public=True),
)
