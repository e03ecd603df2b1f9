"""Every problem of the project's files, as ``tulosvahti lint`` lists them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tulosvahti.emit.told import told
from tulosvahti.web.page import Page, PageAt

if TYPE_CHECKING:
    from starlette.responses import Response


def problems(page: Page) -> Response:
    """Show the problems: where, what, what is allowed, what to do."""
    return page.show("problems.html.j2", page.say("web.problems.title"), problems=page.project.problems, told=partial(told, language=page.language))


PAGES = (PageAt("/problems", problems, menu="web.nav.problems"),)
