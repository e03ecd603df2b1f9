"""Deliveries: the file of a contract becomes typed rows, rejects with reasons, and a state with a next step."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.core.contract import DATED, Contract, Delivery, DeliveryState, FieldType, Notice
from tulosvahti.core.period import containing
from tulosvahti.load.csv_records import read_records
from tulosvahti.load.files import File, manifest, paths_of, read_file, unpacked
from tulosvahti.load.grid_records import read_grid
from tulosvahti.load.merging import Part, merged
from tulosvahti.load.records import Records, UnreadableError
from tulosvahti.load.sheets.formats import is_text, named_otherwise
from tulosvahti.load.typed_rows import COPY, REJECTED, Rows, typed_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_REJECTS_PERCENT = Decimal(10)
_LISTED = 20


@dataclass(frozen=True)
class Taken:
    """A delivery with its rows; ``frame`` is None where nothing can be measured."""

    delivery: Delivery
    frame: pl.DataFrame | None = field(repr=False)
    content: bytes = field(repr=False)
    """The file, or the list of the files' digests where the contract has several."""
    parts: tuple[bytes, ...] = field(default=(), repr=False)
    """The files of that list."""


def take(contract: Contract, root: Path, as_of: date) -> Taken:
    """Take the deliveries of a contract as they are known on ``as_of``."""
    names = {path: os.path.relpath(path, root / "inputs") for path in paths_of(contract, root)}
    try:
        if contract.several:
            files = [read_file(path, name, links=False) for path, name in names.items()]
        else:
            files = [read_file(path, contract.path) for path in names]
    except FileNotFoundError as error:
        return _missing(contract, as_of, f"file {names[Path(error.filename)]} does not exist")
    except UnreadableError as error:
        return _quarantined(contract, b"", contract.expected_through(as_of), error)
    if not files:
        return _missing(contract, as_of, f"no file matches {', '.join(contract.sources)}")
    return take_files(contract, files, as_of)


def take_files(contract: Contract, files: Sequence[File], as_of: date) -> Taken:
    """Take deliveries from their bytes, the latest last."""
    content = manifest((file.name, file.sha256) for file in files) if contract.several else files[0].content
    try:
        taken = _judged(contract, content, as_of, _rows(contract, files))
    except UnreadableError as error:
        taken = _quarantined(contract, content, contract.expected_through(as_of), error)
    delivery = replace(taken.delivery, files=tuple(file.arrived for file in files))
    return replace(taken, delivery=delivery, parts=tuple(file.content for file in files) if contract.several else ())


def _missing(contract: Contract, as_of: date, explanation: str) -> Taken:
    delivery = Delivery(
        contract.name,
        DeliveryState.MISSING,
        expected_through=contract.expected_through(as_of),
        explanation=explanation,
        next_step=f"ask {contract.sender} for the file, or mend `path` in {contract.place.file}",
        synthetic=contract.synthetic,
    )
    return Taken(delivery, None, b"")


def _rows(contract: Contract, files: Sequence[File]) -> Rows:
    """Read the rows of all the files and of what is packed in them; the same content twice is read once."""
    apart: dict[str, File] = {}
    notices = []
    for file in files:
        for inner in unpacked(file):
            before = apart.pop(inner.sha256, None)
            if before is not None:
                notices.append(f"{inner.name} has the same content as {before.name} and is counted once")
            apart[inner.sha256] = inner
    every = list(apart.values())
    if every == list(files) and not contract.several:
        return typed_rows(contract, _read(contract, every[0].name, every[0].content))
    if len(every) > 1 and not contract.primary_key:
        msg = f"{len(every)} deliveries and no primaryKey by which their rows could be told apart"
        raise UnreadableError(msg, f"name the key in {contract.place.file}, or deliver one file")
    parts = []
    for file in every:
        try:
            rows = typed_rows(contract, _read(contract, file.name, file.content))
        except UnreadableError as error:
            msg = f"{file.name}: {error}"
            raise UnreadableError(msg, error.next_step) from error
        parts.append(Part(file.name, rows))
    rows = merged(contract, parts)
    return replace(rows, notices=(*notices, *rows.notices))


def _read(contract: Contract, name: str, content: bytes) -> Records:
    """Read a file by what is in it: text with the contract's dialect, everything else as a grid."""
    if not is_text(content):
        return read_grid(contract, name, content)
    records = read_records(contract, content)
    if named_otherwise(PurePath(name)):
        records = replace(records, notices=(f"{name} is text by its content, and was opened as such",))
    return records


def _quarantined(contract: Contract, content: bytes, expected: date | None, fault: UnreadableError) -> Taken:
    delivery = Delivery(
        contract.name,
        DeliveryState.QUARANTINED,
        sha256=hashlib.sha256(content).hexdigest(),
        expected_through=expected,
        explanation=str(fault),
        next_step=fault.next_step,
        synthetic=contract.synthetic,
    )
    return Taken(delivery, None, content)


def _judged(contract: Contract, content: bytes, as_of: date, rows: Rows) -> Taken:
    total, frame, rejects = rows.total, rows.frame, rows.rejects
    expected = contract.expected_through(as_of)
    rejected = len({(item.file, item.row) for item in rejects if not item.duplicate})
    copies = len({(item.file, item.row) for item in rejects if item.duplicate and item.reason.startswith(COPY)})
    sound = frame.height - int(frame[REJECTED].sum())
    limit = MAX_REJECTS_PERCENT if contract.max_rejects_percent is None else contract.max_rejects_percent
    if rejected * 100 > limit * total:
        worst = next(item for item in rejects if not item.duplicate)
        msg = (
            f"{rejected} of {total} rows are rejected, more than {limit:f} %; the first: "
            f"{worst.where}, {worst.column or 'whole row'}: {worst.reason}"
        )
        step = f"ask {contract.sender} to mend the rows and deliver again"
        fault = UnreadableError(msg, step)
        taken = _quarantined(contract, content, expected, fault)
        told = tuple(map(Notice, rows.notices))
        counted = replace(
            taken.delivery, rows=sound, rejected_rows=rejected, rejects=tuple(rejects), notices=told
        )
        return replace(taken, delivery=counted)
    covered = _covered(contract, frame, as_of)
    late = expected is not None and bool(contract.period) and (covered is None or covered < expected)
    notices = (*map(Notice, rows.notices), *_notices(contract, rows.header, copies))
    explanation = step = ""
    if late and expected is not None:
        reach = f"content reaches {covered.isoformat()}" if covered else "no row is known yet"
        explanation = f"{reach}; it was due to reach {expected.isoformat()}"
        step = f"ask {contract.sender} for content up to {expected.isoformat()}"
    elif rejected:
        explanation = f"{rejected} of {total} rows are rejected"
        step = f"ask {contract.sender} to mend the rejected rows"
    elif not total:
        explanation = "file has a header and no rows"
    delivery = Delivery(
        contract.name,
        DeliveryState.LATE if late else DeliveryState.ACCEPTED,
        sha256=hashlib.sha256(content).hexdigest(),
        rows=sound,
        rejects=tuple(rejects),
        rejected_rows=rejected,
        covered_through=covered,
        expected_through=expected,
        explanation=explanation,
        next_step=step,
        notices=notices,
        synthetic=contract.synthetic,
        header=tuple(rows.header),
    )
    return Taken(delivery, frame, content)


def _notices(contract: Contract, header: Sequence[str], copies: int) -> tuple[Notice, ...]:
    wanted = {item.column for item in contract.fields}
    strangers = [name for name in header if name not in wanted and name]
    found = [Notice(f"column {name!r} is not in the contract and is ignored") for name in strangers[:_LISTED]]
    if len(strangers) > _LISTED:
        found.append(Notice(f"{len(strangers) - _LISTED} more columns are not in the contract and are ignored"))
    if copies:
        found.append(Notice(f"{copies} rows are exact copies of earlier rows and are counted once"))
    return tuple(found)


def _covered(contract: Contract, frame: pl.DataFrame, as_of: date) -> date | None:
    """Give the last day that the content known on ``as_of`` reaches."""
    if not contract.period:
        return None
    known = frame
    if contract.known_on:
        known = known.filter(_not_after(contract, contract.known_on, as_of))
    known = known.filter(_not_after(contract, contract.period, as_of))
    newest = known[contract.period].max()
    grain = DATED.get(contract.field(contract.period).type)
    if newest is None or grain is None:
        return None
    start = newest if isinstance(newest, date) else date(int(str(newest)), 1, 1)
    last = containing(start, grain).last_day
    return last if contract.frequency is None else containing(last, contract.frequency).last_day


def _not_after(contract: Contract, name: str, as_of: date) -> pl.Expr:
    if contract.field(name).type is FieldType.YEAR:
        return pl.col(name) <= as_of.year
    return pl.col(name) < pl.lit(as_of + timedelta(days=1))
