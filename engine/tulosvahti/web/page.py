"""What a page function is handed, and what it hands back. See :mod:`tulosvahti.web` for how to add a page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse, RedirectResponse, Response

from tulosvahti.core.role import Deed, Person
from tulosvahti.core.text import LANGUAGES
from tulosvahti.core.verdict import Word
from tulosvahti.emit import words
from tulosvahti.emit.compiled import pages
from tulosvahti.store.changes import Author, record
from tulosvahti.web import tokens
from tulosvahti.web.assets import asset_name
from tulosvahti.web.refusal import Refusal

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection
    from starlette.requests import Request

    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger
    from tulosvahti.web.house import House

_OWN_NAMES = {"fi": "Suomi", "sv": "Svenska", "en": "English"}


@dataclass(frozen=True)
class Upload:
    """A file that came with a form, whole in memory or on disk by Starlette's choice; read once."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class PageAt:
    """One address of the dashboard. ``menu`` is the word of its place in the navigation; empty: it has none."""

    path: str
    answer: Callable[[Page], Response]
    deed: Deed = Deed.READ
    menu: str = ""
    method: str = "GET"
    public: bool = False
    """True where it is for people who have not signed in yet, too."""


@dataclass
class Page:
    """One request: who asks what, when, in which language, of which project and ledger."""

    house: House
    request: Request
    language: str
    person: Person
    bound_to: str
    """What form tokens are bound to: the session, or a cookie of the browser."""
    menu: tuple[PageAt, ...] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, list[str]] = field(default_factory=dict)
    """Every value of a field that stands more than once."""
    files: Mapping[str, list[Upload]] = field(default_factory=dict)
    cookies: list[Callable[[Response], None]] = field(default_factory=list)
    """What is to be set or removed in the browser with the answer."""

    @cached_property
    def project(self) -> Project:
        """The project as it is now, the same throughout this request."""
        return self.house.project

    @property
    def ledger(self) -> Ledger:
        """The ledger, for reading."""
        return self.house.reader

    @cached_property
    def now(self) -> datetime:
        """The moment of this request."""
        return self.house.clock()

    @property
    def partial(self) -> bool:
        """Tell whether htmx asks for a fragment, and not for a page."""
        headers = self.request.headers
        return headers.get("hx-request") == "true" and headers.get("hx-boosted") != "true"

    # What was asked.

    def part(self, name: str) -> str:
        """Give a part of the path, such as ``{run}`` in ``/runs/{run}``."""
        return str(self.request.path_params[name])

    def asked(self, name: str, default: str = "", allowed: Collection[str] | None = None) -> str:
        """Give a query parameter; one that is not ``allowed`` is refused, an empty one is the default."""
        value = self.request.query_params.get(name, "") or default
        if allowed is not None and value and value not in allowed:
            raise Refusal(HTTPStatus.BAD_REQUEST, "web.error.parameter", name=name, value=value, allowed=", ".join(allowed))
        return value

    def asked_number(self, name: str, default: int, least: int = 1, most: int = 1_000_000) -> int:
        """Give a whole number of the query."""
        text = self.request.query_params.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most):
            raise Refusal(HTTPStatus.BAD_REQUEST, "web.error.parameter", name=name, value=text, allowed=f"{least}–{most}")
        return int(text)

    def field(self, name: str, *, needed: bool = False, longest: int = 4000) -> str:
        """Give a field of the form, without blanks around it; a needed one that is empty is refused."""
        text = self.form.get(name, "").strip()
        if len(text) > longest:
            raise Refusal(HTTPStatus.BAD_REQUEST, "web.error.too_long", field=self.say(f"web.field.{name}"), longest=longest)
        if needed and not text:
            raise Refusal(HTTPStatus.BAD_REQUEST, "web.error.field_missing", field=self.say(f"web.field.{name}"))
        return text

    # What the reader sees.

    def say(self, key: str, **details: object) -> str:
        """Give a text of the catalogue."""
        return words.word(key, self.language, **details)

    def url(self, path: str, language: str = "", **query: object) -> str:
        """Give the address of a page, in the language of this one where that stands in the path."""
        spoken = language or self.request.state.path_language
        asked = urlencode({name: value for name, value in query.items() if value not in ("", None)})
        return f"{self.house.prefix}{f'/{spoken}' if spoken else ''}{path}" + (f"?{asked}" if asked else "")

    def here(self, language: str = "", **query: object) -> str:
        """Give the address of this page, in a language, or with other query parameters."""
        asked: dict[str, Any] = {**self.request.query_params, **query}
        asked.pop("said", None)
        return self.url(self.request.scope["path"], language, **asked)

    def asset(self, name: str) -> str:
        """Give the address of a file of ``web/static``."""
        return f"{self.house.prefix}/static/{asset_name(name)}"

    def number(self, value: Decimal | float | str | None, unit: str = "") -> str:
        """Write a number as the reader does."""
        return words.quantity(None if value is None else Decimal(str(value)), unit, self.language)

    def day(self, value: date | None) -> str:
        """Write a day as the reader does."""
        return "–" if value is None else words.day(value, self.language)

    def moment(self, value: datetime | None) -> str:
        """Write a moment as the reader does, in the project's time zone."""
        if value is None:
            return "–"
        local = value.astimezone(ZoneInfo(self.project.config.time_zone))
        return f"{words.day(local.date(), self.language)} {local:%H.%M}" if self.language != "en" else f"{words.day(local.date(), 'en')} {local:%H:%M}"

    def show(self, template: str, title: str, status: int = 200, **view: Any) -> Response:  # noqa: ANN401
        """Give the page of a template."""
        shown = {
            "page": self, "title": title, "say": self.say, "url": self.url, "language": self.language, "person": self.person,
            "Deed": Deed, "signs": words.SIGNS, "words": Word, "form_token": self.form_token, "languages": self._languages(),
            "said": self._said(), "moment_of": datetime.fromisoformat, **view,
        }  # fmt: skip
        text = pages("tulosvahti.web").get_template(template).render(shown)
        return HTMLResponse(text, status, {"Content-Language": self.language, "Vary": "Cookie, Accept-Language, HX-Request"})

    def done(self, path: str, said: str, **query: str) -> Response:
        """Send the reader on after a form was taken; ``said`` is a key ``web.said.…`` that is told there."""
        return RedirectResponse(self.url(path, said=said.removeprefix("web.said."), **query), HTTPStatus.SEE_OTHER)

    def missing(self, key: str, **details: object) -> Refusal:
        """Give what says that there is no such thing; to be raised."""
        return Refusal(HTTPStatus.NOT_FOUND, key, **details)

    def refused(self, key: str, **details: object) -> Refusal:
        """Give what says why a form cannot be taken; to be raised."""
        return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, key, **details)

    def parties(self) -> dict[str, str]:
        """Name the parties of every agreement by their keys; a key that two agreements give to others has both names."""
        found: dict[str, dict[str, None]] = {}
        for agreement in self.project.agreements.values():
            for key, name in agreement.parties:
                found.setdefault(key, {})[name.in_language(self.language)] = None
        return {key: " / ".join(names) for key, names in found.items()}

    # What changes something.

    @property
    def author(self) -> Author:
        """The person as the history of changes names them."""
        return Author(self.person.name, self.person.via, self.now)

    @contextmanager
    def change(self, deed: str, about: str, why: str = "", **details: object) -> Iterator[Connection]:
        """Give a transaction of the ledger; what is done in it is kept together with its line in the history, or not at all."""
        with self.house.ledger.transaction() as connection:
            yield connection
            record(connection, self.author, deed, about, why, details)

    # Who may.

    def may(self, deed: Deed) -> bool:
        """Tell whether the person may do something."""
        return self.person.may(deed)

    def form_token(self) -> str:
        """Give a token for a form of this page."""
        return tokens.made(self.house.secret, self.bound_to)

    def _said(self) -> str:
        key = f"web.said.{self.request.query_params.get('said', '')}"
        return self.say(key) if words.has_word(key, self.language) else ""

    def _languages(self) -> list[tuple[str, str, str]]:
        allowed = [code for code in self.project.config.languages if code in LANGUAGES]
        return [(code, _OWN_NAMES[code], self.here(code)) for code in allowed]


def compile_templates() -> None:
    """Compile every template, so that no reader waits for it."""
    environment = pages("tulosvahti.web")
    for name in environment.list_templates():
        environment.get_template(name)
