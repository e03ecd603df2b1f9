"""Deliveries: the file of a contract becomes typed rows, rejects with reasons, and a state with a next step.

``take`` gives the delivery as it is judged on a day, and its rows as ``core.kept_rows.KeptRows``: a Parquet file in the row
store (``row_store``), made by ``rows_read`` where the same content was not read under the same contract before. Whoever
reads the rows reads them from that file, and only the columns that it needs.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DATED, Contract, Delivery, DeliveryState, FieldType, Notice
from tulosvahti.core.fetched import Mark, MarkKind
from tulosvahti.core.period import containing
from tulosvahti.load.fetched import never_came, take_kept
from tulosvahti.load.files import File, manifest, paths_of, read_file
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import Entry, RowStore, Summary, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from tulosvahti.core.kept_rows import KeptRows

MAX_REJECTS_PERCENT = Decimal(10)
_LISTED = 20


@dataclass(frozen=True)
class Taken:
    """A delivery with its rows; ``rows`` is None where nothing can be measured."""

    delivery: Delivery
    rows: KeptRows | None
    content: bytes = field(repr=False)
    """The file, or the list of the files' digests where the contract has several."""
    parts: tuple[bytes, ...] = field(default=(), repr=False)
    """The files of that list."""

    @property
    def frame(self) -> pl.DataFrame | None:
        """All the rows in memory, numbers as DECIMAL(38, s): for looking at a small table, never for a run."""
        if self.rows is None:
            return None
        import polars as pl  # noqa: PLC0415 - a run reads the file itself

        frame = pl.read_parquet(self.rows.path)
        longer = {name: pl.Decimal(38, kind.scale) for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal)}
        return frame.cast(longer)  # type: ignore[arg-type]


def take(contract: Contract, root: Path, as_of: date, store: RowStore | None = None) -> Taken:
    """Take the deliveries of a contract as they are known on ``as_of``; their rows go to the project's row store."""
    store = store or RowStore.of(root)
    if contract.fetch is not None:
        try:
            return take_kept(contract, root, as_of, partial(take_files, store=store))
        except FileNotFoundError:
            return Taken(never_came(contract, root, as_of), None, b"")
        except UnreadableError as error:
            return _quarantined(contract, b"", contract.expected_through(as_of), error)
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
    return take_files(contract, files, as_of, store)


def take_files(contract: Contract, files: Sequence[File], as_of: date, store: RowStore) -> Taken:
    """Take deliveries from their bytes, the latest last."""
    content = manifest((file.name, file.sha256) for file in files) if contract.several else files[0].content
    try:
        taken = _judged(contract, content, as_of, _entry(contract, files, store))
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


def _entry(contract: Contract, files: Sequence[File], store: RowStore) -> Entry:
    key = key_of(contract, ((file.name, file.sha256) for file in files))
    found = store.find(contract.name, key)
    if found is not None:
        return found
    from tulosvahti.load.rows_read import read_into  # noqa: PLC0415 - imports Polars and Pandera

    with store.making(contract.name) as folder:
        place = folder / "rows.parquet"
        summary = read_into(contract, files, place)
        return store.keep(contract.name, key, place, summary)


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


def _judged(contract: Contract, content: bytes, as_of: date, entry: Entry) -> Taken:
    read = entry.summary
    total, rejected, rejects = read.total, read.rejected, read.rejects
    expected = contract.expected_through(as_of)
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
        told = tuple(map(Notice, read.notices))
        counted = replace(
            taken.delivery, rows=read.sound, rejected_rows=rejected, rejects=rejects, notices=told
        )
        return replace(taken, delivery=counted)
    covered = _covered(contract, entry, as_of)
    late = expected is not None and bool(contract.period) and (covered is None or covered < expected)
    notices = (*map(Notice, read.notices), *_notices(contract, read))
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
        rows=read.sound,
        rejects=rejects,
        rejected_rows=rejected,
        covered_through=covered,
        expected_through=expected,
        explanation=explanation,
        next_step=step,
        notices=notices,
        marks=(*read.marks, *_declared(contract)),
        synthetic=contract.synthetic,
        header=read.header,
    )
    return Taken(delivery, entry.rows, content)


def _declared(contract: Contract) -> tuple[Mark, ...]:
    """Give what the contract itself says of the figures."""
    return (Mark(MarkKind.NOT_ADDITIVE, contract.not_additive),) if contract.not_additive else ()


def _notices(contract: Contract, read: Summary) -> tuple[Notice, ...]:
    wanted = {item.column for item in contract.fields}
    strangers = [name for name in read.header if name not in wanted and name]
    found = [Notice(f"column {name!r} is not in the contract and is ignored") for name in strangers[:_LISTED]]
    if len(strangers) > _LISTED:
        found.append(Notice(f"{len(strangers) - _LISTED} more columns are not in the contract and are ignored"))
    if read.copies:
        found.append(Notice(f"{read.copies} rows are exact copies of earlier rows and are counted once"))
    return tuple(found)


def _covered(contract: Contract, entry: Entry, as_of: date) -> date | None:
    """Give the last day that the content known on ``as_of`` reaches."""
    grain = DATED.get(contract.field(contract.period).type) if contract.period else None
    if grain is None:
        return None
    newest = _newest(contract, entry, as_of)
    if newest is None:
        return None
    start = newest if isinstance(newest, date) else date(int(newest), 1, 1)
    last = containing(start, grain).last_day
    return last if contract.frequency is None else containing(last, contract.frequency).last_day


def _newest(contract: Contract, entry: Entry, as_of: date) -> date | int | None:
    """Give the newest day, month or year known; the summary has it where nothing of the content lies after ``as_of``."""
    ends = entry.summary.ends
    last = [ends[name].last for name in (contract.known_on, contract.period) if name]
    known = not contract.known_on or not ends[contract.known_on].missing
    if known and all(item is None or _is_by(item, as_of) for item in last):
        return ends[contract.period].last
    import duckdb  # noqa: PLC0415 - not for --help

    conditions = [_not_after(contract, name, as_of) for name in (contract.known_on, contract.period) if name]
    sql = f"SELECT max({_quoted(contract.period)}) FROM read_parquet(?) WHERE {' AND '.join(conditions)}"  # noqa: S608 - quoted
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(sql, [str(entry.rows.path)]).fetchone()
    return None if found is None else found[0]


def _is_by(value: date | int, as_of: date) -> bool:
    return value <= as_of if isinstance(value, date) else value <= as_of.year


def _not_after(contract: Contract, name: str, as_of: date) -> str:
    year = contract.field(name).type is FieldType.YEAR
    return f"{_quoted(name)} <= {as_of.year}" if year else f"{_quoted(name)} < DATE '{(as_of + timedelta(days=1)).isoformat()}'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
