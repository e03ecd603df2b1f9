"""Records become typed rows: the columns of the contract, what was wrong with the rest, and no key twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.core.contract import Reject
from tulosvahti.core.kept_rows import REJECTED, ROW, words_of
from tulosvahti.load.cells import Column, hidden_marks, read_column, unusual_notice
from tulosvahti.load.grid_records import repeated
from tulosvahti.load.mapped import unshared
from tulosvahti.load.number_forms import settled
from tulosvahti.load.records import Records, UnreadableError, Value, text_of_value
from tulosvahti.load.second_tables import glued
from tulosvahti.load.total_rows import Total, found_total, without_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.fetched import Mark

COPY = "exact copy of"
_LISTED = 30
_LONGEST = 60


@dataclass(frozen=True)
class Rows:
    """Typed rows and what was wrong with the rest; ``total`` counts both."""

    total: int
    header: Sequence[str]
    frame: pl.DataFrame
    rejects: list[Reject]
    notices: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class _Faults:
    """What is known to be wrong so far: rows without their cells, single cells by row and field, and the rejects."""

    ragged: set[int]
    cells: set[tuple[int, str]]
    rejects: list[Reject]


def places_of(contract: Contract, header: Sequence[str]) -> list[int]:
    """Find the columns of the contract in the header.

    Raises:
        UnreadableError: where a name is missing or stands twice.

    """
    wanted = {item.column for item in contract.fields}
    if twice := [name for name in repeated(header) if name in wanted]:
        msg = f"column {twice[0]!r} stands {header.count(twice[0])} times in the header"
        raise UnreadableError(msg, "give every column its own name in the file")
    missing = [item.column for item in contract.fields if item.column not in header]
    if missing:
        strangers = [name for name in header if name not in wanted]
        parts = []
        for name in missing[:_LISTED]:
            near = get_close_matches(name, strangers, n=1, cutoff=0.6)
            parts.append(f"column {name!r} is missing" + (f" (renamed to {near[0]!r}?)" if near else ""))
        msg = f"{', '.join(parts)}; found: {_listed([name for name in header if name])}"
        step = f"ask {contract.sender} for the column, or name it with `header` in {contract.place.file}"
        raise UnreadableError(msg, step)
    return [header.index(item.column) for item in contract.fields]


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(name[:_LONGEST] for name in names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def typed_rows(contract: Contract, records: Records) -> Rows:
    """Type the rows and collect their rejects; rows that repeat a key leave the frame.

    Raises:
        UnreadableError: where a column is missing or stands twice.

    """
    places = places_of(contract, records.header)
    records, below = without_notes(contract, records) if records.keys is None else (records, "")
    rejects: list[Reject] = []
    notices = [*records.notices, *([below] if below else [])]
    ragged = set(records.ragged)
    for at, (width, text) in sorted(records.ragged.items()):
        reason = f"row has {width} cells; allowed: {len(records.header)}, as in the header"
        rejects.append(Reject(*records.place(at), "", text, reason))
    texts = [records.columns[place] for place in places]
    forms = [settled(item, column, contract.place.file) for item, column in zip(contract.fields, texts, strict=True)]
    notices += [form.notice for form in forms if form.notice]
    read = [read_column(form.field, column) for form, column in zip(forms, texts, strict=True)]
    _apart(contract, records, places, read, ragged, rejects)
    faulty: set[tuple[int, str]] = set()
    columns, beside, hidden = [], [typed.words for typed in read if typed.words is not None], []
    for item, column, place, typed in zip(contract.fields, texts, places, read, strict=True):
        for at, reason in typed.faults:
            if at not in ragged:
                faulty.add((at, item.name))
                rejects.append(_reject(records, at, item.column, place, column[at], reason))
        if typed.unusual:
            first = typed.unusual[0]
            where = records.address(first, place) or f"record {records.numbers[first]}"
            notices.append(unusual_notice(item, len(typed.unusual), where, text_of_value(column[first]), typed.values[first]))
        columns.append(typed.values)
        if item.hidden_values:
            hidden.append(hidden_marks(item, pl.Series([text if isinstance(text, str) else None for text in column], dtype=pl.String)))
    columns = [_nulled(values, ragged) if ragged else values for values in (*columns, *beside, *hidden)]
    numbers = pl.Series(ROW, records.numbers, dtype=pl.Int64)
    frame = pl.DataFrame([*columns, numbers])
    faults = _Faults(ragged, faulty, rejects)
    total = _total(contract, records, frame, places, faults)
    summed = total is not None and not total.wrong
    if total is not None:
        notices.append(total.notice)
        frame = frame.with_columns(_nulled(frame[name], {total.at}) for name in contract.kept)
    gone = _broken(contract, records, frame, places, faults)
    if total is not None and summed:
        gone.add(total.at)
    names = sorted({name for _, name in faulty})
    frame = frame.with_columns(_nulled(frame[name], {at for at, column in faulty if column == name}) for name in names)
    bad = {item.row for item in rejects}
    flags = pl.Series(REJECTED, [number in bad for number in numbers.to_list()], dtype=pl.Boolean)
    frame = frame.with_columns(flags)
    if gone:
        frame = frame.filter(~pl.col(ROW).is_in([records.numbers[at] for at in sorted(gone)]))
    ordered = sorted(rejects, key=lambda item: (item.row, item.column, item.reason))
    return Rows(len(records.numbers) - summed, records.header, frame, ordered, tuple(notices), records.marks)


def _apart(  # noqa: PLR0913 - what typed_rows has so far
    contract: Contract, records: Records, places: Sequence[int], read: Sequence[Column], ragged: set[int], rejects: list[Reject]
) -> None:
    """Set headers in the middle, and what stands below one of another table, apart from the rows."""
    if records.keys is not None:
        # Rows that were made of a table's codes: none of them is a header or stands below one.
        return
    texts = [records.columns[place] for place in places]
    faults = {item.name: [at for at, _ in typed.faults] for item, typed in zip(contract.fields, read, strict=True)}
    odd = [(at, re.split(r"[;,|\t]", text)) for at, (_, text) in records.ragged.items()]
    found = glued(contract, texts, faults, odd)
    for at in found.again:
        ragged.add(at)
        reason = "the header stands here again: two tables in one file; allowed: one header, at the top"
        rejects.append(_reject(records, at, "", places[0], texts[0][at], reason))
    if found.other is None:
        return
    reason = "another header stands here: it begins another table; allowed: one table in a file"
    number = records.numbers[found.other]
    below = f"stands below the header of another table in record {number}; allowed: one table in a file"
    rejects[:] = [item for item in rejects if item.row < number]
    for at in range(found.other, len(records.numbers)):
        ragged.add(at)
        rejects.append(_reject(records, at, "", places[0], texts[0][at], reason if at == found.other else below))


def _total(contract: Contract, records: Records, frame: pl.DataFrame, places: Sequence[int], faults: _Faults) -> Total | None:
    """Set the total at the end apart; one whose figures are not the sums is a reject."""
    last = frame.height - 1
    if last in faults.ragged or records.keys is not None:
        return None
    texts = [records.columns[place] for place in places]
    where = records.address(last, places[0]) or f"record {records.numbers[last]}" if last >= 0 else ""
    words = {(at, item.name) for item in contract.fields if item.worded for at in frame[words_of(item.name)].is_not_null().arg_true()}
    total = found_total(contract, texts, frame, faults.cells | words, where)
    if total is None:
        return None
    number = records.numbers[last]
    faults.rejects[:] = [item for item in faults.rejects if item.row != number]
    faults.cells.difference_update({cell for cell in faults.cells if cell[0] == last})
    faults.ragged.add(last)
    by_name = {item.name: (item, place) for item, place in zip(contract.fields, places, strict=True)}
    for name, sentence in total.wrong:
        item, place = by_name[name]
        faults.rejects.append(_reject(records, last, item.column, place, records.columns[place][last], sentence))
    return total


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
    if contract.mapping is not None and contract.mapping.share:
        item, place = by_name[contract.mapping.share]
        for at, reason in unshared(contract.mapping, frame):
            if at not in ragged and (at, item.name) not in before:
                faulty.add((at, item.name))
                rejects.append(_reject(records, at, item.column, place, records.columns[place][at], reason))
    if not repeats:
        return set()
    keys = frame.select(contract.primary_key).rows()
    first: dict[tuple[object, ...], int] = {}
    for at, key in enumerate(keys):
        if at not in ragged:
            first.setdefault(key, at)
    gone = set(repeats)
    copies: set[int] = set()
    again = []
    for at in repeats:
        original = first[keys[at]]
        copy = all(records.columns[place][at] == records.columns[place][original] for place in places)
        said = COPY if copy else "same key as"
        reason = f"{said} record {records.numbers[original]}" + ("" if copy else " with other values")
        value = ", ".join(text_of_value(records.columns[by_name[name][1]][at]) for name in contract.primary_key)
        names = ", ".join(by_name[name][0].column for name in contract.primary_key)
        if copy:
            copies.add(records.numbers[at])
        address = records.address(at, by_name[contract.primary_key[0]][1])
        again.append(Reject(*records.place(at), names, value, reason, duplicate=copy, cell=address))
    rejects[:] = [*(item for item in rejects if item.row not in copies), *again]
    return gone
