"""Deliveries of one input become one table: on a key that several have, the latest wins and the others are listed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import FieldType, Reject
from tulosvahti.core.kept_rows import REJECTED, ROW, words_of
from tulosvahti.core.quantity import plain, plain_decimal
from tulosvahti.load.cells import DIGITS
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.typed_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tulosvahti.core.contract import Contract, Field

_MOST_CHANGES = 3


@dataclass(frozen=True)
class Part:
    """One delivery with its rows."""

    name: str
    rows: Rows


def merged(contract: Contract, parts: Sequence[Part]) -> Rows:
    """Merge deliveries, the latest last; ``__row`` counts on over all of them.

    Raises:
        UnreadableError: their numbers have more digits together than can be kept.

    """
    frames, starts, start = [], [], 0
    for part in parts:
        starts.append(start)
        frames.append(part.rows.frame.with_columns(pl.col(ROW) + start))
        start += max([1, *part.rows.frame[ROW].to_list(), *(item.row for item in part.rows.rejects)])
    frame = _joined(contract, frames)
    places = {row: (at, row - starts[at]) for at, one in enumerate(frames) for row in one[ROW].to_list()}
    losers, copies, conflicts = _losers(contract, frame, parts, places)
    gone = {places[row] for row in losers}
    rejects = []
    for at, part in enumerate(parts):
        for item in part.rows.rejects:
            found = replace(item, file=part.name)
            if (at, item.row) in gone and not item.duplicate:
                found = replace(found, duplicate=True, reason=f"{item.reason}; a later delivery has the row anew")
            rejects.append(found)
    notices = [f"{part.name}: {notice}" for part in parts for notice in part.rows.notices]
    notices += replaced(copies, len(conflicts))
    total = sum(part.rows.total for part in parts) - len(losers)
    header = list(dict.fromkeys(name for part in parts for name in part.rows.header))
    frame = frame.filter(~pl.col(ROW).is_in(sorted(losers)))
    marks = tuple(dict.fromkeys(mark for part in parts for mark in part.rows.marks))
    return Rows(total, header, frame, [*rejects, *conflicts], tuple(notices), marks)


def _joined(contract: Contract, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put the frames below each other; exact columns get the decimals of the one that has most."""
    casts = []
    for item in contract.fields:
        if item.type is FieldType.NUMBER:
            scale = max(kind.scale for frame in frames if isinstance(kind := frame.schema[item.name], pl.Decimal))
            casts.append(pl.col(item.name).cast(pl.Decimal(DIGITS, scale)))
    try:
        return pl.concat([frame.with_columns(casts) for frame in frames])
    except pl.exceptions.InvalidOperationError as error:
        raise too_long(contract) from error


def too_long(contract: Contract) -> UnreadableError:
    """Refuse numbers that have more digits together than can be kept."""
    msg = f"the numbers of the deliveries have more than {DIGITS} digits together"
    return UnreadableError(msg, f"ask {contract.sender} for fewer decimals")


def replaced(copies: int, conflicts: int) -> Iterator[str]:
    """Say how many rows a later delivery has too, with the same values and with others."""
    if copies:
        yield f"{copies} rows stand in several deliveries with the same values and are counted once"
    if conflicts:
        yield f"{conflicts} rows were replaced by those of a later delivery, with other values"


def _losers(
    contract: Contract, frame: pl.DataFrame, parts: Sequence[Part], places: dict[int, tuple[int, int]]
) -> tuple[set[int], int, list[Reject]]:
    """Give the rows that a later delivery has too, how many of them are the same there, and a line for each other."""
    if not contract.primary_key:
        # One delivery, of which nothing is known that could stand twice.
        return set(), 0, []
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    losers: set[int] = set()
    copies = 0
    conflicts = []
    for row in reversed(frame.rows(named=True)):
        key = tuple(row[name] for name in contract.primary_key)
        if None in key:
            continue
        winner = newest.setdefault(key, row)
        if winner is row:
            continue
        losers.add(row[ROW])
        same = all(row[name] == winner[name] for name in contract.kept)
        if same and not row[REJECTED] and not winner[REJECTED]:
            copies += 1
            continue
        (at, number), (later, later_number) = places[row[ROW]], places[winner[ROW]]
        old, new = row | {ROW: number}, winner | {ROW: later_number}
        conflicts.append(conflict(contract, old, new, parts[at].name, parts[later].name))
    return losers, copies, conflicts[::-1]


def conflict(contract: Contract, row: Mapping[str, Any], winner: Mapping[str, Any], name: str, later: str) -> Reject:
    """List a row that a later delivery has with other values; the rows are numbered as in their own deliveries."""
    cells = [(item.name, _cell(item, row), _cell(item, winner)) for item in contract.fields]
    changes = [f"{name} {_shown(was)} → {_shown(now)}" for name, was, now in cells if was != now]
    told = ", ".join(changes[:_MOST_CHANGES]) + (f" and {len(changes) - _MOST_CHANGES} more" * (len(changes) > _MOST_CHANGES))
    reason = f"replaced by record {winner[ROW]} of {later}" + (f": {told}" if told else "")
    columns = ", ".join(contract.field(name).column for name in contract.primary_key)
    value = ", ".join(_shown(row[name]) for name in contract.primary_key)
    return Reject(row[ROW], row[ROW], columns, value, reason, duplicate=True, file=name)


def _cell(item: Field, row: Mapping[str, Any]) -> object:
    """Give a cell's number, or the words in its place."""
    return row[item.name] if row[item.name] is not None or not item.worded else row[words_of(item.name)]


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(plain_decimal(value))
    return "nothing" if value is None else str(value)
