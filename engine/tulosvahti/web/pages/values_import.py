"""A file of values: what it would change, cell by cell, before anything does; and a copy of it with its errors marked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response

from tulosvahti.core.entry import EntryRefusedError, Sort
from tulosvahti.core.role import Deed
from tulosvahti.emit.told import told
from tulosvahti.store.changes import record
from tulosvahti.web.page import Page, PageAt, Upload
from tulosvahti.web.tickets import taken, ticket

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.entry import Entry
    from tulosvahti.wiring.values_import import Import

_MOST = 1000


def _contract(page: Page) -> Contract:
    contract = page.project.contracts.get(page.part("name"))
    if contract is None or not contract.entered:
        raise page.missing("web.values.no_such", name=page.part("name"))
    if not page.person.may_for(Deed.ENTER, contract.deliverer):
        raise page.refused("web.error.not_yours")
    return contract


def _read(page: Page, contract: Contract, upload: Upload, sort: Sort) -> Import:
    from tulosvahti.wiring.values_import import read_import  # noqa: PLC0415 (loads data libraries)

    try:
        with page.house.computing(), tempfile.TemporaryDirectory(prefix="tulosvahti-") as folder:
            path = Path(folder) / upload.name
            path.write_bytes(upload.content)
            return read_import(page.project, page.ledger, contract.name, path, sort)
    except EntryRefusedError as error:
        raise page.refused("web.deliveries.cannot", why=told(str(error), page.language)) from None


def look(page: Page) -> Response:
    """Show what a file would change; nothing is written."""
    contract = _contract(page)
    found = page.files.get("file", [])
    if not found or not found[0].content:
        raise page.refused("web.deliveries.no_file")
    sort = Sort.FORECAST if page.form.get("sort") == "forecast" else Sort.ACTUAL
    read = _read(page, contract, found[0], sort)
    return page.show(
        "values_import.html.j2", page.say("web.values.import_title", file=found[0].name), contract=contract, read=read, sort=sort,
        ticket=ticket(page, f"values {contract.name} {sort}", found[0]), most=_MOST, say_told=lambda text: told(text, page.language),
        markable=found[0].name.lower().endswith((".xlsx", ".xlsm")),
    )  # fmt: skip


def apply(page: Page) -> Response:
    """Enter what was looked at, as drafts, all of it or nothing."""
    from tulosvahti.wiring.values_import import apply_import  # noqa: PLC0415 (as above)

    contract = _contract(page)
    sort = Sort.FORECAST if page.form.get("sort") == "forecast" else Sort.ACTUAL
    name, sha256, content = taken(page, f"values {contract.name} {sort}")
    reason = page.field("reason")
    read = _read(page, contract, Upload(name, content), sort)

    def beside(connection: Connection, made: list[Entry]) -> None:
        record(connection, page.author, "entered", f"input:{contract.name}", reason, {"file": name, "sha256": sha256, "count": len(made)})

    try:
        made = apply_import(
            page.project, page.house.ledger, contract.name, read, page.person.name, page.now, sort=sort, reason=reason, beside=beside
        )
    except EntryRefusedError as error:
        raise page.refused("web.deliveries.cannot", why="; ".join(told(part, page.language) for part in str(error).split("; "))) from None
    return page.done(f"/values/{contract.name}", "web.said.entered" if made else "web.said.unchanged", sort=str(sort))


def marked(page: Page) -> Response:
    """Give the workbook that was looked at back, with its errors marked."""
    from tulosvahti.wiring.values_import import marked_rejects  # noqa: PLC0415 (as above)

    contract = _contract(page)
    sort = Sort.FORECAST if page.form.get("sort") == "forecast" else Sort.ACTUAL
    name, _, content = taken(page, f"values {contract.name} {sort}")
    read = _read(page, contract, Upload(name, content), sort)
    with tempfile.TemporaryDirectory(prefix="tulosvahti-") as folder:
        source, out = Path(folder) / "source.xlsx", Path(folder) / "marked.xlsx"
        source.write_bytes(content)
        with page.house.computing():
            if not marked_rejects(source, read.rejects, out, page.language):
                raise page.refused("web.values.no_workbook")
        made = out.read_bytes()
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(Path(name).stem)}-marked.xlsx"}
    return Response(made, media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", headers=headers)


PAGES = (
    PageAt("/values/{name}/import", look, Deed.ENTER, method="POST"),
    PageAt("/values/{name}/imported", apply, Deed.ENTER, method="POST"),
    PageAt("/values/{name}/marked", marked, Deed.ENTER, method="POST"),
)
