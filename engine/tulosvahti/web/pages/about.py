"""What this is, and whose work is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti import __version__
from tulosvahti.web.page import Page, PageAt

if TYPE_CHECKING:
    from starlette.responses import Response


def about(page: Page) -> Response:
    """Show the version, how to get around by keyboard, and the licences."""
    return page.show("about.html.j2", page.say("web.about.title"), version=__version__)


PAGES = (PageAt("/about", about, public=True),)
