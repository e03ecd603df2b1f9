"""The application: every page at its address, who may open it, and what is said where something goes wrong."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Route

from tulosvahti.store.database import LedgerError
from tulosvahti.web.api.addresses import ADDRESSES
from tulosvahti.web.api.calls import ROOT, ApiAt, answered, problem
from tulosvahti.web.assets import asset
from tulosvahti.web.forms import Form, read_form, see_to_it
from tulosvahti.web.guarding import Guard, TooLargeError, host_names
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.pages import PAGES
from tulosvahti.web.refusal import Refusal
from tulosvahti.web.speaking import Speaking
from tulosvahti.web.whoever import recognised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from tulosvahti.web.house import House

LOG = logging.getLogger("tulosvahti.web")
_MEGABYTE = 1_000_000


def application(house: House, pages: Sequence[PageAt] = PAGES) -> Starlette:
    """Give the application over a house; ``pages`` are those of :mod:`tulosvahti.web.pages`."""
    menu = tuple(page for page in pages if page.menu)
    routes = [Route("/static/{name}", asset, methods=["GET"])]
    by_path: dict[str, dict[str, PageAt]] = {}
    for page in pages:
        by_path.setdefault(page.path, {})[page.method] = page
    routes += [
        Route(path, partial(_answer, house, menu, at), methods=list(at), name=path)
        for path, at in by_path.items()
    ]
    routes += [Route(f"{ROOT}{at.path}", partial(_called, house, at), methods=["GET"]) for at in ADDRESSES]
    hosts = host_names(house.serve.address[0], house.serve.hosts, house.project.config.dashboard)
    guard = Middleware(
        Guard, hosts, house.serve.forwarded_by, house.serve.upload_mb * _MEGABYTE, https=house.https, prefix=house.prefix
    )
    middleware = [
        guard,
        Middleware(Speaking, lambda: house.project.config.languages, https=house.https),
        Middleware(GZipMiddleware, minimum_size=600, compresslevel=5),
    ]
    failing = partial(_failed, house, menu)
    app = Starlette(routes=routes, middleware=middleware, exception_handlers={Refusal: failing, HTTPException: failing})
    app.router.redirect_slashes = False
    return app


async def _answer(house: House, menu: Sequence[PageAt], at: dict[str, PageAt], request: Request) -> Response:
    asked = at["GET" if request.method == "HEAD" else request.method]
    try:
        form = await read_form(request, house.serve.upload_mb * _MEGABYTE) if asked.method == "POST" else Form()
        return await run_in_threadpool(_answered, house, menu, asked, request, form)
    except Exception as error:  # noqa: BLE001 (inside the guard, so that this answer has its headers too)
        return await _failed(house, menu, request, error)


async def _called(house: House, at: ApiAt, request: Request) -> Response:
    return await run_in_threadpool(lambda: answered(page_of_failure(house, (), request), at))


def _answered(house: House, menu: Sequence[PageAt], asked: PageAt, request: Request, form: Form) -> Response:
    page = page_of(house, menu, request)
    if not asked.public and not page.person.roles:
        if asked.method == "GET" and not page.partial:
            return RedirectResponse(page.url("/sign-in", next=page.here()), HTTPStatus.SEE_OTHER)
        raise Refusal(HTTPStatus.UNAUTHORIZED, "web.error.signed_out")
    if asked.method == "POST":
        see_to_it(request, house.secret, page.bound_to, form)
    if not asked.public and not page.may(asked.deed):
        key = "web.error.read_only" if house.open_to_all else "web.error.not_allowed"
        raise Refusal(HTTPStatus.FORBIDDEN, key)
    page.form, page.several, page.files = form.fields, form.several, form.files
    response = asked.answer(page)
    for cookie in page.cookies:
        cookie(response)
    return response


def page_of(house: House, menu: Sequence[PageAt], request: Request) -> Page:
    """Say who asks, and make what the page functions are handed."""
    person, bound_to, cookies = recognised(house, request)
    return Page(house, request, request.state.language, person, bound_to, tuple(menu), cookies=cookies)


async def _failed(house: House, menu: Sequence[PageAt], request: Request, error: Exception) -> Response:
    return await run_in_threadpool(_told, house, menu, request, error)


def _told(house: House, menu: Sequence[PageAt], request: Request, error: Exception) -> Response:
    """Say what went wrong in the reader's language; what is ours to mend is logged under a number that is shown."""
    status, key, details = _meaning(error)
    if request.url.path.removeprefix(house.prefix).startswith("/api/"):
        allow = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        return problem(status, status.description or status.phrase, allow)
    headers = dict(error.headers or {}) if isinstance(error, Refusal | HTTPException) else {}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        number = secrets.token_hex(4)
        details["number"] = number
        unexpected = status == HTTPStatus.INTERNAL_SERVER_ERROR
        LOG.error("%s %s (%s): %s", request.method, request.url.path, number, error, exc_info=error if unexpected else None)
    page = page_of_failure(house, menu, request)
    shown = {name: str(value)[:300] for name, value in details.items()}
    response = page.show("error.html.j2", page.say("web.error.title"), status, sentence=page.say(key, **shown), code=int(status))
    response.headers.update(headers)
    return response


def page_of_failure(house: House, menu: Sequence[PageAt], request: Request) -> Page:
    """Make a page also where the ledger says nothing of who asks."""
    if not hasattr(request.state, "language"):
        request.state.language, request.state.path_language = house.project.config.languages[0], ""
    try:
        return page_of(house, menu, request)
    except (LedgerError, DBAPIError, PoolTimeoutError):
        from tulosvahti.core.role import NOBODY  # noqa: PLC0415 (rare)

        return Page(house, request, request.state.language, NOBODY, "", tuple(menu))


def _meaning(error: Exception) -> tuple[HTTPStatus, str, dict[str, object]]:
    if isinstance(error, Refusal):
        return error.status, error.key, dict(error.details)
    if isinstance(error, TooLargeError):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "web.error.too_large", {"limit": max(error.limit // _MEGABYTE, 1)}
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        known = {HTTPStatus.NOT_FOUND: "web.error.no_page", HTTPStatus.METHOD_NOT_ALLOWED: "web.error.method"}
        return status, known.get(status, "web.error.form"), {}
    if isinstance(error, (LedgerError, DBAPIError, PoolTimeoutError)):
        return HTTPStatus.SERVICE_UNAVAILABLE, "web.error.ledger", {}
    return HTTPStatus.INTERNAL_SERVER_ERROR, "web.error.ours", {}
