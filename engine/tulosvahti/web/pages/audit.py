"""An audit of a table file that is handed in: the table with its broken cells, a marked workbook, and a rule to guard it."""

from __future__ import annotations

import shutil
from http import HTTPStatus
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from tulosvahti.audit.apart import EndedError, made
from tulosvahti.core.role import Deed
from tulosvahti.web import kept
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

_BOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def ask(page: Page) -> Response:
    """Show where to drop a file."""
    return page.show("audit.html.j2", page.say("web.audit.title"), limit=page.house.serve.upload_mb)


def take(page: Page) -> Response:
    """Audit what was handed in; it is kept an hour."""
    uploads = [upload for items in page.files.values() for upload in items]
    if not uploads:
        raise Refusal(HTTPStatus.BAD_REQUEST, "web.audit.no_file")
    folder = kept.new_folder(page)
    # What is handed in may have any name, and must not pass for what is made of it.
    path = folder / "given" / uploads[0].name
    try:
        for part in ("given", "made"):
            (folder / part).mkdir()
        path.write_bytes(uploads[0].content)
        tables = _made(page, folder, path, f"body.{page.language}.html")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return RedirectResponse(page.url(f"/audit/{kept.keep(page, folder, path, tables)}"), HTTPStatus.SEE_OTHER)


def _made(page: Page, folder: Path, path: Path, name: str) -> int:
    """Have a file made in a process of its own; give the number of tables.

    Raises:
        Refusal: the process took too much, or crashed.

    """
    try:
        with page.house.computing():
            return made(path, folder / "made", [name], page.house.audit_bounds)
    except EndedError as error:
        megabytes = error.bounds.memory >> 20
        raise page.refused(f"web.audit.ended.{error.why}", seconds=f"{error.bounds.seconds:g}", megabytes=megabytes) from None


def _file(page: Page, name: str, *, tabled: bool = True) -> tuple[kept.Kept, bytes]:
    """Give what is made of the file that was kept, from before or made now."""
    item = kept.kept(page, page.part("audit"))
    if item is None:
        raise page.missing("web.audit.gone")
    if tabled and not item.found:
        raise page.missing("web.audit.no_table")
    place = item.folder / "made" / name.replace("ENDING", ".xlsm" if item.path.suffix.lower() == ".xlsm" else ".xlsx")
    if not place.exists():
        _made(page, item.folder, item.path, place.name)
    return item, place.read_bytes()


def show(page: Page) -> Response:
    """Show the tables of the file, their broken cells marked."""
    item, body = _file(page, f"body.{page.language}.html", tabled=False)
    return page.show(
        "audit_result.html.j2", page.say("web.audit.result", name=item.path.name), name=page.part("audit"),
        body=Markup(body.decode().replace(f"{item.path.parent}/", "")), tables=item.found,  # noqa: S704 (escaped by its own template)
    )  # fmt: skip


def workbook(page: Page) -> Response:
    """Give the file as a workbook, its broken cells coloured and commented."""
    item, book = _file(page, f"marked.{page.language}ENDING")
    name = "audit.xlsm" if item.path.suffix.lower() == ".xlsm" else "audit.xlsx"
    return Response(book, media_type=_BOOK, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def rule(page: Page) -> Response:
    """Give a rule for each table that would guard it every night."""
    text = _file(page, "rule.yaml")[1]
    return Response(text, media_type="text/yaml; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="rule.yaml"'})


PAGES = (
    PageAt("/audit", ask, menu="web.nav.audit", deed=Deed.AUDIT),
    PageAt("/audit", take, method="POST", deed=Deed.AUDIT),
    PageAt("/audit/{audit}", show, deed=Deed.AUDIT),
    PageAt("/audit/{audit}/marked.xlsx", workbook, deed=Deed.AUDIT),
    PageAt("/audit/{audit}/rule.yaml", rule, deed=Deed.AUDIT),
)
