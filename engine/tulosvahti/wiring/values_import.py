"""A file of values entered elsewhere: what it would change, cell by cell, before anything does; and its errors marked.

A file only adds: rows that it leaves out stay, and a cell that it leaves blank of a row that has a value is a change that
is shown. What the contract rejects comes in all the same, as an entry that cannot be approved.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti.core.entry import EntryRefusedError, Sort
from tulosvahti.core.kept_rows import ROW, words_of
from tulosvahti.core.worded import words_written
from tulosvahti.load.entered import entered_fields, faults_of_rows, read_entry, written
from tulosvahti.load.files import read_file
from tulosvahti.load.held import store_of
from tulosvahti.load.tables import take_files
from tulosvahti.wiring.values import Beside, enter, entered_contract, entered_rows

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.core.contract import Contract, Field, Reject
    from tulosvahti.core.entry import Entry, Key, Row
    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger


@dataclass(frozen=True)
class CellChange:
    """A cell that would change: what stands there now (None: there is no such row yet) and what would; the fault it has."""

    key: Key
    field: str
    before: str | None
    after: str
    place: str
    fault: str = ""


@dataclass(frozen=True)
class Import:
    """What a file would do: rows to enter, in its order, their cells, rows that say nothing new, and what is left out."""

    rows: tuple[Mapping[str, str], ...]
    changes: tuple[CellChange, ...]
    unchanged: int
    left_out: tuple[str, ...]
    rejects: tuple[Reject, ...]
    seen: Mapping[Key, int]
    """By key: the version that the file is held against."""


def read_import(project: Project, ledger: Ledger, name: str, path: Path, sort: Sort = Sort.ACTUAL) -> Import:
    """Hold a file against what has been entered; nothing is written.

    Raises:
        EntryRefusedError: the file cannot be read as a table with the contract's columns.
        FileNotFoundError: it is not there.
        UnreadableError: it is no file.

    """
    contract = entered_contract(project, name)
    asked = _asked(contract)
    with tempfile.TemporaryDirectory(prefix="tulosvahti-") as folder:
        file = read_file(path, path.name, store_of(Path(folder)))
        taken = take_files([(asked, [file])], Path(folder), date.max.replace(year=9000))[asked.name]
        if taken.rows is None:
            raise EntryRefusedError(f"{taken.delivery.explanation}; {taken.delivery.next_step}")
        read = _texts(asked, taken.rows.path, taken.delivery.rejects)
    standing = {key: row for (key, of), row in entered_rows(ledger, name).items() if of is sort}
    left_out = [f"{item.where}: {item.reason}" for item in taken.delivery.rejects if item.duplicate or not item.column]
    entered: list[tuple[int, Key, dict[str, str]]] = []
    for number, given in read:
        try:
            entered.append((number, *read_entry(contract, given)))
        except EntryRefusedError as error:
            left_out.append(f"record {number}: {error}")
    faults = faults_of_rows(contract, [values for _, _, values in entered])
    rows: list[Mapping[str, str]] = []
    changes: list[CellChange] = []
    for (number, key, values), wrong in zip(entered, faults, strict=True):
        found = _cells(contract, key, values, standing.get(key), number, wrong)
        changes += found
        if found:
            rows.append(values)
    seen = {key: row.newest.id for key, row in standing.items()}
    return Import(tuple(rows), tuple(changes), len(entered) - len(rows), tuple(left_out), taken.delivery.rejects, seen)


def apply_import(  # noqa: PLR0913 (an import, who applies it and why)
    project: Project, ledger: Ledger, name: str, found: Import, by: str, at: datetime, *, sort: Sort = Sort.ACTUAL, reason: str = "",
    beside: Beside | None = None,
) -> list[Entry]:  # fmt: skip
    """Enter the rows of an import as drafts, all of them or none.

    Raises:
        EntryRefusedError: a row may not be entered, or changed since the import was shown.

    """
    return enter(project, ledger, name, found.rows, by, at, sort=sort, reason=reason, seen=found.seen, beside=beside)


def _asked(contract: Contract) -> Contract:
    """Give the contract by which a file of values is read: its own dates and limits are those of what is approved."""
    return replace(
        contract, fields=entered_fields(contract), entered=False, path="file", period="", known_on="", frequency=None,
        max_rejects_percent=Decimal(100),
    )  # fmt: skip


def _texts(contract: Contract, path: Path, rejects: Iterable[Reject]) -> list[tuple[int, dict[str, str]]]:
    """Write the rows as the contract does; a cell that it rejects as it stands in the file."""
    import polars as pl  # noqa: PLC0415 - heavy, and only here

    raw: dict[int, dict[str, str]] = {}
    whole: set[int] = set()
    for item in rejects:
        if item.column:
            raw.setdefault(item.row, {})[item.column] = item.value
        else:
            whole.add(item.row)
    found = []
    for row in pl.read_parquet(path).iter_rows(named=True):
        number = int(row[ROW])
        if number in whole:
            continue
        cells = {item.name: _text(item, row[item.name], row.get(words_of(item.name))) for item in contract.fields}
        faulty = raw.get(number, {})
        found.append((number, cells | {item.name: faulty[item.column] for item in contract.fields if item.column in faulty}))
    return found


def _text(field: Field, value: object, words: str | None) -> str:
    if words is not None:
        return words_written(words, field.decimal_char)
    # Parquet's decimals carry the most digits of their column: 7.5 stays 7.5 beside 7.25.
    if isinstance(value, Decimal):
        value = value.normalize() if value else Decimal(0)
    return written(field, value)


def _cells(  # noqa: PLR0913 (a row, what stands, and what is wrong with it)
    contract: Contract, key: Key, values: Mapping[str, str], row: Row | None, number: int, faults: Mapping[str, str]
) -> list[CellChange]:  # fmt: skip
    before: Mapping[str, str] = row.newest.values if row is not None else {}
    return [
        CellChange(key, name, before.get(name) if row is not None else None, text, f"record {number}", faults.get(name, ""))
        for name, text in values.items()
        if name not in contract.primary_key and (row is None or not _same(contract, name, before.get(name, ""), text))
    ]


def _same(contract: Contract, name: str, one: str, other: str) -> bool:
    """Tell whether two texts say the same: 1 000,50 and 1000,5 do."""
    from tulosvahti.load.cells import read_column  # noqa: PLC0415 - reads values by their field

    if one == other:
        return True
    read = read_column(contract.field(name), [one, other])
    words = [None, None] if read.words is None else read.words.to_list()
    return not read.faults and bool(read.values[0] == read.values[1]) and words[0] == words[1]


def marked_rejects(source: Path, rejects: Sequence[Reject], out: Path, language: str) -> bool:
    """Write a copy of a workbook with the cells marked that a contract rejects; False where it is no such workbook."""
    from tulosvahti.emit.marked_rejects import marked_copy  # noqa: PLC0415

    return marked_copy(source, rejects, out, language)
