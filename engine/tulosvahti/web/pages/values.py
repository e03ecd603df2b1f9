"""Values by hand: a grid that takes paste from a spreadsheet, the verdicts before submitting, and approval by somebody else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response

from tulosvahti import wiring
from tulosvahti.core.entry import DECIDING, REASONED, EntryRefusedError, EntryState, Row, Sort, may_start
from tulosvahti.core.entry import Deed as Done
from tulosvahti.core.role import Deed
from tulosvahti.emit.told import told
from tulosvahti.store.changes import record
from tulosvahti.store.entries import attach
from tulosvahti.store.inputs import InputStore, InputStoreError
from tulosvahti.web.page import Page, PageAt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.entry import Entry, Key
    from tulosvahti.wiring.values import Change

_ROWS = 2000
_BLANK = 3
_LONG = 60
_WORDS = {
    Done.SUBMIT: "submitted", Done.WITHDRAW: "withdrawn", Done.RETURN: "returned", Done.APPROVE: "approved", Done.LOCK: "locked",
    Done.UNLOCK: "unlocked", Done.RETRACT: "retracted",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A row of the grid: its version, what blocks its approval, what needs a reason for it, and what may be done with it."""

    row: Row
    faults: Mapping[str, str]
    jumps: Mapping[str, str]
    deeds: tuple[Done, ...]


def overview(page: Page) -> Response:
    """List the inputs that people enter."""
    found = [item for item in page.project.contracts.values() if item.entered]
    return page.show("values_all.html.j2", page.say("web.values.title"), contracts=found, may_for=page.person.may_for)


def _contract(page: Page) -> Contract:
    contract = page.project.contracts.get(page.part("name"))
    if contract is None or not contract.entered:
        raise page.missing("web.values.no_such", name=page.part("name"))
    return contract


def _sort(page: Page) -> Sort:
    return Sort(page.form.get("sort") or page.asked("sort", "actual", [str(one) for one in Sort]))


def grid(page: Page, problem: str = "", status: int = 200, given: list[dict[str, str]] | None = None, changes: list[Change] | None = None) -> Response:
    """Show the rows of an input; ``given`` are rows that were sent and not taken yet."""
    from tulosvahti.load.entered import entered_fields, faults_of_rows  # noqa: PLC0415 (loads data libraries)
    from tulosvahti.wiring import values  # noqa: PLC0415 (as above)

    contract, sort = _contract(page), _sort(page)
    rows = [row for (_, of), row in values.entered_rows(page.ledger, contract.name).items() if of is sort]
    faults = faults_of_rows(contract, [row.newest.values for row in rows]) if rows else []
    jumps = values.jumps_of_chosen(contract, rows, rows)
    lines = [Line(row, wrong, far, _deeds(page, contract, row)) for row, wrong, far in zip(rows, faults, jumps, strict=True)]
    fields = entered_fields(contract)
    seen = given if given is not None else []
    return page.show(
        "values.html.j2", contract.title.in_language(page.language), status, contract=contract, fields=fields, lines=lines,
        sort=sort, sorts=list(Sort), problem=problem, given=seen, blanks=_BLANK, changes=changes, kind_of=_kind, reasoned=REASONED,
        may_enter=page.person.may_for(Deed.ENTER, contract.deliverer), say_told=lambda text: told(text, page.language),
        done_word=lambda deed: page.say(f"web.values.do.{deed}"), sendable=not given,
    )  # fmt: skip


def _kind(field: Field) -> str:
    """Tell how a field is entered."""
    if field.enum or field.type == "boolean":
        return "choice"
    return "long" if field.type == "string" and (field.max_length or 0) > _LONG else "text"


def _deeds(page: Page, contract: Contract, row: Row) -> tuple[Done, ...]:
    return tuple(deed for deed in Done if may_start(row.newest, deed) and _may(page, contract, deed))


def _may(page: Page, contract: Contract, deed: Done) -> bool:
    return page.may(Deed.APPROVE) if deed in DECIDING else page.person.may_for(Deed.ENTER, contract.deliverer)


def enter(page: Page) -> Response:
    """Keep the rows of the grid as drafts, or only show which verdicts they would change."""
    from tulosvahti.wiring import values  # noqa: PLC0415 (as above)

    contract, sort = _contract(page), _sort(page)
    if not page.person.may_for(Deed.ENTER, contract.deliverer):
        raise page.refused("web.error.not_yours")
    rows, seen = _sent(page, contract)
    if not rows:
        return grid(page, page.say("web.values.nothing"), 422)
    try:
        if page.form.get("deed") == "try":
            return grid(page, given=rows, changes=_tried(page, contract, rows))
        files = [
            values.kept_evidence(page.project, upload.name, upload.content, page.person.name, page.now)
            for upload in page.files.get("evidence", [])
        ]

        def beside(connection: Connection, made: list[Entry]) -> None:
            for entry in made:
                for file in files:
                    attach(connection, entry.id, file)
            _record(page, connection, "entered", contract, made)

        made = values.enter(
            page.project, page.house.ledger, contract.name, rows, page.person.name, page.now, sort=sort,
            reason=page.field("reason"), seen=seen, beside=beside,
        )  # fmt: skip
    except EntryRefusedError as error:
        return grid(page, _said(page, error), 422, given=rows)
    return page.done(f"/values/{contract.name}", "web.said.entered" if made else "web.said.unchanged", sort=str(sort))


def _sent(page: Page, contract: Contract) -> tuple[list[dict[str, str]], dict[Key, int]]:
    """Read the grid: fields ``FIELD.N``, and ``seen.N`` for the version that was looked at. Blank rows are no rows."""
    from tulosvahti.load.entered import entered_fields, read_entry  # noqa: PLC0415 (as above)

    fields = entered_fields(contract)
    numbers = sorted({int(name.rpartition(".")[2]) for name in page.form if name.rpartition(".")[2].isdecimal()})[:_ROWS]
    rows: list[dict[str, str]] = []
    seen: dict[Key, int] = {}
    for number in numbers:
        given = {item.name: _typed(item, page.form.get(f"{item.name}.{number}", "")) for item in fields}
        if not any(text for name, text in given.items() if name not in contract.primary_key or f"seen.{number}" not in page.form):
            continue
        rows.append(given)
        looked_at = page.form.get(f"seen.{number}", "0")
        with suppress(EntryRefusedError):
            seen[read_entry(contract, given)[0]] = int(looked_at) if looked_at.isdecimal() else 0
    return rows, seen


def _typed(field: Field, text: str) -> str:
    """Take a number as people here write or paste it, ``1 000,50`` or ``1000.50``, in the contract's form."""
    plain = text.strip()
    if field.type not in {"number", "integer"} or not plain:
        return plain
    squeezed = "".join(c for c in plain if not c.isspace()).replace("\u2212", "-")
    if squeezed.count(",") + squeezed.count(".") > 1:
        return plain
    return squeezed.replace(",", ".").replace(".", field.decimal_char)


def _tried(page: Page, contract: Contract, rows: list[dict[str, str]]) -> list[Change]:
    from tulosvahti.wiring import values  # noqa: PLC0415 (as above)

    as_of = wiring.default_as_of(page.project, page.now)
    with page.house.computing():
        found = values.try_out(page.project, page.ledger, contract.name, as_of, rows, by=page.person.name)
    return sorted(found, key=lambda change: not change.moved)


def decide(page: Page) -> Response:
    """Submit, withdraw, return, approve, lock, unlock or retract the chosen rows, all of them or none."""
    from tulosvahti.wiring import values  # noqa: PLC0415 (as above)

    contract, sort = _contract(page), _sort(page)
    wanted = page.form.get("deed", "")
    if wanted not in {str(one) for one in Done}:
        raise page.refused("web.error.form")
    deed = Done(wanted)
    if not _may(page, contract, deed):
        raise page.refused("web.error.not_yours")
    rows = values.entered_rows(page.ledger, contract.name)
    chosen = set(page.several.get("row", []))
    keys = [at for at, row in rows.items() if at[1] is sort and str(row.newest.id) in chosen]
    if not keys:
        return grid(page, page.say("web.values.none_chosen"), 422)
    reason = page.field("reason")

    def beside(connection: Connection, done: list[Entry]) -> None:
        _record(page, connection, _WORDS[deed], contract, done)

    try:
        values.decide(page.project, page.house.ledger, contract.name, keys, deed, page.person.name, page.now, reason, beside)
    except EntryRefusedError as error:
        return grid(page, _said(page, error), 422)
    return page.done(f"/values/{contract.name}", "web.said.decided", sort=str(sort))


def history(page: Page) -> Response:
    """Show every version of a row, and every step of each."""
    from tulosvahti.wiring import values  # noqa: PLC0415 (as above)

    contract, number = _contract(page), page.part("id")
    rows = values.entered_rows(page.ledger, contract.name)
    row = next((row for row in rows.values() if any(str(item.id) == number for item in row.versions)), None)
    if row is None:
        raise page.missing("web.values.no_row")
    return page.show(
        "values_row.html.j2", ", ".join(row.key), contract=contract, row=row, counting=row.counting, states=EntryState,
        done_word=lambda deed: page.say(f"web.deed.{_WORDS[deed]}"),
    )  # fmt: skip


def evidence(page: Page) -> Response:
    """Give a file of evidence, never to be opened by the browser itself."""
    from tulosvahti.wiring import values  # noqa: PLC0415 (as above)

    contract, sha256 = _contract(page), page.part("sha256")
    entries = [entry for row in values.entered_rows(page.ledger, contract.name).values() for entry in row.versions]
    found = next((item for entry in entries for item in entry.attachments if item.sha256 == sha256), None)
    if found is None:
        raise page.missing("web.values.no_file")
    try:
        content = InputStore(page.project.root).read(sha256)
    except InputStoreError:
        raise page.missing("web.values.no_file") from None
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name)}", "Content-Security-Policy": "sandbox; default-src 'none'"}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _record(page: Page, connection: Connection, deed: str, contract: Contract, entries: list[Entry]) -> None:
    """Name the rows together in the history of changes; each version and step has who and why of its own."""
    if entries:
        rows = [", ".join(entry.key) for entry in entries]
        record(connection, page.author, deed, f"input:{contract.name}", page.field("reason"), {"rows": rows[:100], "count": len(rows)})


def _said(page: Page, error: EntryRefusedError) -> str:
    return "; ".join(told(part, page.language) for part in str(error).split("; "))


PAGES = (
    PageAt("/values", overview, menu="web.nav.values"),
    PageAt("/values/{name}", grid),
    PageAt("/values/{name}", enter, Deed.ENTER, method="POST"),
    PageAt("/values/{name}/decided", decide, Deed.ENTER, method="POST"),
    PageAt("/values/{name}/rows/{id}", history),
    PageAt("/values/{name}/evidence/{sha256}", evidence),
)
