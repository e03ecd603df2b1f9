"""Reading a form: fields and files, with bounds; and whether it came from a page of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from tulosvahti.web import tokens
from tulosvahti.web.page import Upload
from tulosvahti.web.refusal import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

TOKEN = "form_token"  # noqa: S105 (a field's name)
HEADER = "x-form-token"
_FIELDS = 20_000
_FILES = 20


@dataclass(frozen=True)
class Form:
    """What a form said."""

    fields: dict[str, str] = field(default_factory=dict)
    several: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)


async def read_form(request: Request, largest: int) -> Form:
    """Read the form of a request.

    Raises:
        Refusal: it is no form, or has too many parts.

    """
    form = Form()
    try:
        async with request.form(max_files=_FILES, max_fields=_FIELDS, max_part_size=largest) as sent:
            for name, value in sent.multi_items():
                if isinstance(value, UploadFile):
                    if value.filename:
                        upload = Upload(_file_name(value.filename), await value.read())
                        form.files.setdefault(name, []).append(upload)
                else:
                    form.fields[name] = value
                    form.several.setdefault(name, []).append(value)
    except HTTPException as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "web.error.form") from error
    return form


def _file_name(name: str) -> str:
    """Give the last part of a name, without what could lead elsewhere or steer anything."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(c for c in last if c.isprintable()).strip().lstrip(".")
    return plain[-150:] or "file"


def see_to_it(request: Request, secret: bytes, bound_to: str, form: Form) -> None:
    """Take the form only where one of our own pages gave it to this browser.

    Raises:
        Refusal: it came from elsewhere, or the page was open for too long.

    """
    origin = request.headers.get("origin", "")
    foreign = origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refusal(HTTPStatus.FORBIDDEN, "web.error.foreign_form")
    token = form.fields.get(TOKEN) or request.headers.get(HEADER, "")
    if not tokens.right(secret, bound_to, token):
        raise Refusal(HTTPStatus.FORBIDDEN, "web.error.old_form")
