"""An audit of a table file that is handed in: the table with its broken cells, a marked workbook, and a rule to guard it."""

from __future__ import annotations

import shutil
from http import HTTPStatus
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from tulosvahti.audit.files import audit_files
from tulosvahti.core.role import Deed
from tulosvahti.emit.audit_html import audit_body
from tulosvahti.emit.audit_rule import crossfoot_rule
from tulosvahti.emit.audit_workbook import marked_workbook
from tulosvahti.web import kept
from tulosvahti.web.page import Page, PageAt
from tulosvahti.web.refusal import Refusal

if TYPE_CHECKING:
    from tulosvahti.audit.files import FilesAudited

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
    path = folder / uploads[0].name
    try:
        path.write_bytes(uploads[0].content)
        with page.house.computing():
            found = audit_files([path])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return RedirectResponse(page.url(f"/audit/{kept.keep(page, path, found)}"), HTTPStatus.SEE_OTHER)


def _kept(page: Page) -> kept.Kept:
    found = kept.kept(page, page.part("audit"))
    if found is None:
        raise page.missing("web.audit.gone")
    return found


def show(page: Page) -> Response:
    """Show the tables of the file, their broken cells marked."""
    item = _kept(page)
    found: FilesAudited = item.found
    body = audit_body(found.audit, page.language, found.problems).replace(f"{item.path.parent}/", "")
    return page.show(
        "audit_result.html.j2", page.say("web.audit.result", name=item.path.name), name=page.part("audit"),
        body=Markup(body), tables=len(found.audit.tables),  # noqa: S704 (escaped by its own template)
    )  # fmt: skip


def workbook(page: Page) -> Response:
    """Give the file as a workbook, its broken cells coloured and commented."""
    item = _kept(page)
    found: FilesAudited = item.found
    if not found.audit.tables:
        raise page.missing("web.audit.no_table")
    with page.house.computing():
        out = item.path.parent / f"marked.{page.language}{'.xlsm' if item.path.suffix.lower() == '.xlsm' else '.xlsx'}"
        marked_workbook(item.path, found.audit.tables, out, page.language)
    return Response(out.read_bytes(), media_type=_BOOK, headers={"Content-Disposition": f'attachment; filename="audit{out.suffix}"'})


def rule(page: Page) -> Response:
    """Give a rule for each table that would guard it every night."""
    found: FilesAudited = _kept(page).found
    if not found.audit.tables:
        raise page.missing("web.audit.no_table")
    text = "\n".join(crossfoot_rule(audited) for audited in found.audit.tables)
    return Response(text, media_type="text/yaml; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="rule.yaml"'})


PAGES = (
    PageAt("/audit", ask, menu="web.nav.audit", deed=Deed.AUDIT),
    PageAt("/audit", take, method="POST", deed=Deed.AUDIT),
    PageAt("/audit/{audit}", show, deed=Deed.AUDIT),
    PageAt("/audit/{audit}/marked.xlsx", workbook, deed=Deed.AUDIT),
    PageAt("/audit/{audit}/rule.yaml", rule, deed=Deed.AUDIT),
)
