"""One call of the API: who asks, its parameters read as they are declared, and the answer with its tag."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.responses import Response

from tulosvahti.core.role import Deed, Person
from tulosvahti.emit.words import word
from tulosvahti.store import people
from tulosvahti.store.database import LedgerError
from tulosvahti.web.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from tulosvahti.web.page import Page

LOG = logging.getLogger("tulosvahti.web")
ROOT = "/api/v1"
LARGEST = 500
_USUAL = 100
_LARGEST_NUMBER = 999_999_999


@dataclass(frozen=True)
class Asked:
    """A parameter: a text of a form, one of some words, or a whole number from ``least`` to ``most``."""

    name: str
    about: str
    form: str = r"[A-Za-z0-9_.:-]{1,200}"
    words: tuple[str, ...] = ()
    number: bool = False
    least: int = 1
    most: int = _LARGEST_NUMBER

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        if self.number:
            return {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"type": "string", "enum": list(self.words)} if self.words else {"type": "string", "pattern": f"^(?:{self.form})$"}

    def read(self, text: str) -> str:
        """Give the value, or refuse it in words."""
        if self.number:
            good = re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is not None and self.least <= int(text) <= self.most
        else:
            good = text in self.words if self.words else re.fullmatch(self.form, text, re.ASCII) is not None
        if not good:
            allowed = f"{self.least} to {self.most}" if self.number else ", ".join(self.words) or f"a text like {self.form}"
            raise Refused(HTTPStatus.BAD_REQUEST, f"{self.name}: {text[:100]!r} is not allowed; allowed: {allowed}")
        return text


PAGED = (
    Asked("size", "How many at a time.", number=True, most=LARGEST),
    Asked("page", "Which of them, from 1.", number=True, most=1_000_000),
)


class Refused(Exception):  # noqa: N818 (it is no fault of the program)
    """An answer that says why not."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Say why."""
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


@dataclass(frozen=True)
class ApiAt:
    """One address. ``shape`` is the JSON Schema of the answer, or of one item of it where it is ``paged``."""

    path: str
    answer: Callable[[Call], Any]
    about: str
    shape: Mapping[str, Any]
    asked: tuple[Asked, ...] = ()
    parts: tuple[Asked, ...] = ()
    paged: bool = False
    deed: Deed = Deed.READ
    public: bool = False


@dataclass(frozen=True)
class Call:
    """What an address is handed."""

    page: Page
    given: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> str:
        """Give a part of the path."""
        return self.given[name]

    def asked(self, name: str) -> str:
        """Give a parameter, or an empty text."""
        return self.given.get(name, "")

    @property
    def first(self) -> int:
        """How many items come before those asked for."""
        return (int(self.given.get("page", "1")) - 1) * self.size

    @property
    def size(self) -> int:
        """How many items are asked for."""
        return int(self.given.get("size", str(_USUAL)))


def missing(what: str) -> Refused:
    """Say that there is no such thing; to be raised."""
    return Refused(HTTPStatus.NOT_FOUND, what)


def answered(page: Page, at: ApiAt) -> Response:
    """Answer a call, or say why not as problem+json."""
    request = page.request
    try:
        if not at.public:
            _let_in(page, at)
        given = _given(request, at)
        found = at.answer(Call(page, given))
        if at.paged:
            found = _part(page, found, Call(page, given))
    except Refused as refusal:
        return problem(refusal.status, refusal.detail, refusal.headers)
    except Refusal as refusal:
        return problem(refusal.status, word(refusal.key, "en", **refusal.details))
    except (LedgerError, DBAPIError, PoolTimeoutError) as error:
        return failed(page, HTTPStatus.SERVICE_UNAVAILABLE, "the ledger cannot be reached just now; try again", error)
    except Exception as error:  # noqa: BLE001 (told under a number, as pages do)
        return failed(page, HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the program", error)
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if tag in [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def failed(page: Page, status: HTTPStatus, detail: str, error: Exception) -> Response:
    """Log a fault under a number, and tell the number."""
    number = secrets.token_hex(4)
    LOG.error("%s %s (%s): %s", page.request.method, page.request.url.path, number, error, exc_info=error)
    return problem(status, f"{detail}; its number in the log is {number}")


def problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Give an error as RFC 9457 has it."""
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return Response(json.dumps(body, ensure_ascii=False), status, dict(headers or {}), "application/problem+json")


def _let_in(page: Page, at: ApiAt) -> None:
    """See who asks: by a token, or as on the pages; and how often they did."""
    house, request = page.house, page.request
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    person: Person = page.person
    if scheme:
        with house.reader.transaction() as connection:
            found = people.token_holder(connection, token.strip(), page.now) if scheme.lower() == "bearer" else None
        if found is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "the token is not known, has ended or was revoked", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        person = found
    wait = house.api_calls.wait(f"{person.via} {person.name} {request.state.client if person.via in {'', 'none'} else ''}")
    if wait:
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, f"too many calls; wait {wait} s", {"Retry-After": str(wait)})
    if not person.roles:
        raise Refused(HTTPStatus.UNAUTHORIZED, "a token is needed: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})
    if not person.may(at.deed):
        raise Refused(HTTPStatus.FORBIDDEN, "the roles of this token do not allow it")


def _given(request: Request, at: ApiAt) -> dict[str, str]:
    known = {item.name: item for item in (*at.asked, *(PAGED if at.paged else ()))}
    found: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        if name not in known:
            raise Refused(HTTPStatus.BAD_REQUEST, f"there is no parameter {name[:100]!r}; allowed: {', '.join(known) or 'none'}")
        if name in found:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{name} is given twice")
        found[name] = known[name].read(text)
    for item in at.parts:
        try:
            found[item.name] = item.read(str(request.path_params[item.name]))
        except Refused as refusal:
            raise missing(refusal.detail) from None
    return found


def _part(page: Page, items: Sequence[Any], call: Call) -> dict[str, Any]:
    """Give the items asked for, how many there are in all, and where the next ones are."""
    chosen = list(items[call.first : call.first + call.size])
    number = call.first // call.size + 1
    more = call.first + call.size < len(items)
    query = {**page.request.query_params, "page": str(number + 1), "size": str(call.size)}
    following = f"{page.house.prefix}{page.request.scope['path']}?{urlencode(query)}" if more else None
    return {"items": chosen, "total": len(items), "next": following}
