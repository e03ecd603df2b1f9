"""The address without a path leads to the overview."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from tulosvahti.web.page import Page, PageAt

if TYPE_CHECKING:
    from starlette.responses import Response


def start(page: Page) -> Response:
    """Lead to the overview."""
    return RedirectResponse(page.url("/overview"), HTTPStatus.SEE_OTHER)


PAGES = (PageAt("/", start),)
