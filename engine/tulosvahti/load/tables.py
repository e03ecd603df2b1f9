"""Deliveries: the file of a contract becomes typed rows, rejects with reasons, and a state with a next step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.core.contract import DATED, Contract, Delivery, DeliveryState, FieldType, Notice, Reject
from tulosvahti.core.period import containing
from tulosvahti.core.quantity import plain, plain_decimal
from tulosvahti.load.cells import read_column
from tulosvahti.load.csv_records import read_records
from tulosvahti.load.grid_records import read_grid, repeated
from tulosvahti.load.records import Records, UnreadableError, Value, text_of_value
from tulosvahti.load.sheets.formats import is_text, named_otherwise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROW = "__row"
REJECTED = "__rejected"
MAX_REJECTS_PERCENT = Decimal(10)


@dataclass(frozen=True)
class Taken:
    """A delivery with its rows; ``frame`` is None where nothing can be measured."""

    delivery: Delivery
    frame: pl.DataFrame | None = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class _Rows:
    """Typed rows and what was wrong with the rest; ``total`` counts both."""

    total: int
    header: Sequence[str]
    frame: pl.DataFrame
    rejects: list[Reject]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Faults:
    """What is known to be wrong so far: rows without their cells, single cells by row and field, and the rejects."""

    ragged: set[int]
    cells: set[tuple[int, str]]
    rejects: list[Reject]


def take(contract: Contract, root: Path, as_of: date) -> Taken:
    """Take the delivery of a contract as it is known on ``as_of``."""
    expected = contract.expected_through(as_of)
    path = root / "inputs" / contract.path
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        delivery = Delivery(
            contract.name,
            DeliveryState.MISSING,
            expected_through=expected,
            explanation=f"file {contract.path} does not exist",
            next_step=f"ask {_deliverer(contract)} for the file, or mend `path` in {contract.place.file}",
            synthetic=contract.synthetic,
        )
        return Taken(delivery, None, b"")
    except OSError as error:
        fault = UnreadableError(f"file cannot be opened: {error.strerror}", "mend the rights of the file or `path`")
        return _quarantined(contract, b"", expected, fault)
    try:
        records = _read(contract, contract.path, content)
        places = _places(contract, records.header)
    except UnreadableError as error:
        return _quarantined(contract, content, expected, error)
    return _judged(contract, content, as_of, _typed(contract, records, places))


def _read(contract: Contract, name: str, content: bytes) -> Records:
    """Read a file by what is in it: text with the contract's dialect, everything else as a grid."""
    if not is_text(content):
        return read_grid(contract, name, content)
    records = read_records(contract, content)
    if named_otherwise(PurePath(name)):
        records = replace(records, notices=(f"{name} is text by its content, and was opened as such",))
    return records


def _deliverer(contract: Contract) -> str:
    return contract.deliverer or "the deliverer"


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


def _places(contract: Contract, header: Sequence[str]) -> list[int]:
    """Find the columns of the contract in the header.

    Raises:
        UnreadableError: where a name is missing or stands twice.

    """
    if twice := repeated(header):
        msg = f"column {twice[0]!r} stands {header.count(twice[0])} times in the header"
        raise UnreadableError(msg, "give every column its own name in the file")
    missing = [item.column for item in contract.fields if item.column not in header]
    if missing:
        wanted = {item.column for item in contract.fields}
        strangers = [name for name in header if name not in wanted]
        parts = []
        for name in missing:
            near = get_close_matches(name, strangers, n=1, cutoff=0.6)
            parts.append(f"column {name!r} is missing" + (f" (renamed to {near[0]!r}?)" if near else ""))
        msg = f"{', '.join(parts)}; found: {', '.join(name for name in header if name)}"
        step = f"ask {_deliverer(contract)} for the column, or name it with `header` in {contract.place.file}"
        raise UnreadableError(msg, step)
    return [header.index(item.column) for item in contract.fields]


def _typed(contract: Contract, records: Records, places: list[int]) -> _Rows:
    """Type the rows and collect their rejects; rows that repeat a key leave the frame."""
    rejects: list[Reject] = []
    notices = list(records.notices)
    ragged = set(records.ragged)
    for at, (width, text) in sorted(records.ragged.items()):
        reason = f"row has {width} cells; allowed: {len(records.header)}, as in the header"
        rejects.append(Reject(*records.place(at), "", text, reason))
    texts = [records.columns[place] for place in places]
    faulty: set[tuple[int, str]] = set()
    columns = []
    for item, column, place in zip(contract.fields, texts, places, strict=True):
        typed = read_column(item, column)
        for at, reason in typed.faults:
            if at not in ragged:
                faulty.add((at, item.name))
                rejects.append(_reject(records, at, item.column, place, column[at], reason))
        if typed.unusual:
            first = typed.unusual[0]
            where = records.address(first, place) or f"record {records.numbers[first]}"
            notices.append(
                f"column {item.column!r}: {len(typed.unusual)} numbers are written unusually; "
                f"the first: {where}, {column[first]!r} read as {plain(plain_decimal(Decimal(typed.values[first])))}"
            )
        values = typed.values
        if ragged:
            values = _nulled(values, ragged)
        columns.append(values)
    numbers = pl.Series(ROW, records.numbers, dtype=pl.Int64)
    frame = pl.DataFrame([*columns, numbers])
    gone = _broken(contract, records, frame, places, _Faults(ragged, faulty, rejects))
    names = sorted({name for _, name in faulty})
    frame = frame.with_columns(_nulled(frame[name], {at for at, column in faulty if column == name}) for name in names)
    bad = {item.row for item in rejects}
    flags = pl.Series(REJECTED, [number in bad for number in numbers.to_list()], dtype=pl.Boolean)
    frame = frame.with_columns(flags)
    if gone:
        frame = frame.filter(~pl.col(ROW).is_in([records.numbers[at] for at in sorted(gone)]))
    ordered = sorted(rejects, key=lambda item: (item.row, item.column, item.reason))
    return _Rows(len(records.numbers), records.header, frame, ordered, tuple(notices))


def _reject(records: Records, at: int, column: str, place: int, value: Value, reason: str) -> Reject:  # noqa: PLR0913
    return Reject(*records.place(at), column, text_of_value(value), reason, cell=records.address(at, place))


def _nulled(values: pl.Series, places: set[int]) -> pl.Series:
    keep = pl.Series([at not in places for at in range(len(values))], dtype=pl.Boolean)
    return values.to_frame().select(pl.when(pl.lit(keep)).then(pl.col(values.name)).alias(values.name)).to_series()


def _broken(
    contract: Contract,
    records: Records,
    frame: pl.DataFrame,
    places: list[int],
    faults: _Faults,
) -> set[int]:
    """Run the constraints; add their rejects and faults, and give the rows that repeat a key."""
    from tulosvahti.load.pandera_schema import KEY, breaks, compile_schema  # noqa: PLC0415 - imports Pandera

    ragged, faulty, rejects = faults.ragged, faults.cells, faults.rejects
    by_name = dict(zip((item.name for item in contract.fields), zip(contract.fields, places, strict=True), strict=True))
    before = set(faulty)
    repeats: list[int] = []
    for found in breaks(compile_schema(contract), frame) if frame.height else []:
        if found.at in ragged or (found.at, found.column) in before:
            continue
        if found.reason == KEY:
            repeats.append(found.at)
            continue
        item, place = by_name[found.column]
        faulty.add((found.at, found.column))
        value = records.columns[place][found.at]
        rejects.append(_reject(records, found.at, item.column, place, value, found.reason))
    if not repeats:
        return set()
    keys = frame.select(contract.primary_key).rows()
    first: dict[tuple[object, ...], int] = {}
    for at, key in enumerate(keys):
        if at not in ragged:
            first.setdefault(key, at)
    gone = set(repeats)
    for at in repeats:
        original = first[keys[at]]
        copy = all(records.columns[place][at] == records.columns[place][original] for place in places)
        said = "exact copy of" if copy else "same key as"
        reason = f"{said} record {records.numbers[original]}" + ("" if copy else " with other values")
        value = ", ".join(text_of_value(records.columns[by_name[name][1]][at]) for name in contract.primary_key)
        names = ", ".join(by_name[name][0].column for name in contract.primary_key)
        if copy:
            number = records.numbers[at]
            rejects[:] = [item for item in rejects if item.row != number]
        address = records.address(at, by_name[contract.primary_key[0]][1])
        rejects.append(Reject(*records.place(at), names, value, reason, duplicate=copy, cell=address))
    return gone


def _judged(contract: Contract, content: bytes, as_of: date, rows: _Rows) -> Taken:
    total, frame, rejects = rows.total, rows.frame, rows.rejects
    expected = contract.expected_through(as_of)
    rejected = len({item.row for item in rejects if not item.duplicate})
    copies = len({item.row for item in rejects if item.duplicate})
    sound = frame.height - int(frame[REJECTED].sum())
    limit = MAX_REJECTS_PERCENT if contract.max_rejects_percent is None else contract.max_rejects_percent
    if rejected * 100 > limit * total:
        worst = next(item for item in rejects if not item.duplicate)
        msg = (
            f"{rejected} of {total} rows are rejected, more than {limit:f} %; the first: "
            f"{worst.cell or f'record {worst.row} (line {worst.line})'}, {worst.column or 'whole row'}: {worst.reason}"
        )
        step = f"ask {_deliverer(contract)} to mend the rows and deliver again"
        fault = UnreadableError(msg, step)
        taken = _quarantined(contract, content, expected, fault)
        counted = replace(taken.delivery, rows=sound, rejected_rows=rejected, rejects=tuple(rejects), notices=tuple(map(Notice, rows.notices)))
        return replace(taken, delivery=counted)
    covered = _covered(contract, frame, as_of)
    late = expected is not None and bool(contract.period) and (covered is None or covered < expected)
    notices = (*map(Notice, rows.notices), *_notices(contract, rows.header, copies))
    explanation = step = ""
    if late and expected is not None:
        reach = f"content reaches {covered.isoformat()}" if covered else "no row is known yet"
        explanation = f"{reach}; it was due to reach {expected.isoformat()}"
        step = f"ask {_deliverer(contract)} for content up to {expected.isoformat()}"
    elif rejected:
        explanation = f"{rejected} of {total} rows are rejected"
        step = f"ask {_deliverer(contract)} to mend the rejected rows"
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
    )
    return Taken(delivery, frame, content)


def _notices(contract: Contract, header: Sequence[str], copies: int) -> tuple[Notice, ...]:
    wanted = {item.column for item in contract.fields}
    strangers = [name for name in header if name not in wanted and name]
    found = [Notice(f"column {name!r} is not in the contract and is ignored") for name in strangers]
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
