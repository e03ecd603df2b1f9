"""The OpenAPI 3.1 document, made of the addresses themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tulosvahti import __version__
from tulosvahti.web.api import shapes
from tulosvahti.web.api.calls import PAGED, ROOT, ApiAt, Asked

if TYPE_CHECKING:
    from collections.abc import Sequence


def described(addresses: Sequence[ApiAt], dashboard: str) -> dict[str, Any]:
    """Give the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tulosvahti", "version": __version__,
            "description": "What the dashboard shows, for programs. Numbers are exact decimals as strings. It only reads.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": f"{dashboard}{ROOT}"}],
        "security": [{"token": []}],
        "paths": {at.path: {"get": _operation(at)} for at in addresses},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "made by tulosvahti users token"}},
            "schemas": {"Problem": shapes.PROBLEM_JSON},
        },
    }  # fmt: skip


def _operation(at: ApiAt) -> dict[str, Any]:
    shape: Any = at.shape
    if at.paged:
        shape = shapes.shape(items=shapes.listed(shape), total=shapes.COUNT, next=shapes.MAYBE_TEXT)
    tag = {"ETag": {"schema": shapes.TEXT, "description": "for If-None-Match"}}
    answers: dict[str, Any] = {
        "200": {"description": at.about, "headers": tag, "content": {"application/json": {"schema": shape}}},
        "304": {"description": "It is what If-None-Match names."},
        "400": _problem("A parameter is not allowed."),
        "429": _problem("Too many calls; Retry-After says how long to wait."),
        "503": _problem("The ledger cannot be reached, or too much is computed at once."),
    }
    if not at.public:
        answers |= {"401": _problem("The token is missing or does not count."), "403": _problem("The roles do not allow it.")}
    if at.parts:
        answers["404"] = _problem("There is no such thing.")
    found: dict[str, Any] = {
        "summary": at.about,
        "operationId": "".join(part.title() for part in at.path.replace("{", "").replace("}", "").replace(".", "/").split("/")),
        "parameters": [
            *(_parameter(item, "path") for item in at.parts),
            *(_parameter(item, "query") for item in (*at.asked, *(PAGED if at.paged else ()))),
        ],
        "responses": answers,
    }
    return found | ({"security": []} if at.public else {})


def _parameter(item: Asked, place: str) -> dict[str, Any]:
    return {"name": item.name, "in": place, "required": place == "path", "description": item.about, "schema": item.schema}


def _problem(about: str) -> dict[str, Any]:
    return {"description": about, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
