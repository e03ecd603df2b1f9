"""Rows of a large text that repeat an earlier row's key: taken out of the rows, and told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import DATED, Reject
from tulosvahti.core.kept_rows import REJECTED, ROW
from tulosvahti.load.mixed_columns import shown
from tulosvahti.load.row_store import End
from tulosvahti.load.text_blocks import IrregularError
from tulosvahti.load.typed_rows import COPY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tulosvahti.core.contract import Contract
    from tulosvahti.load.row_store import Summary


@dataclass(frozen=True)
class Repeated:
    """A row whose key may stand more than once: record number, line, key, its cells, and the address of the first of the key."""

    number: int
    line: int
    key: tuple[Any, ...]
    cells: tuple[Any, ...]
    address: str = ""


def without_repeats(contract: Contract, summary: Summary, rows: Sequence[Repeated], place: Path, most_listed: int) -> Summary:
    """Take out of the file ``place`` what repeats an earlier row, and give the summary of what is left.

    Raises:
        IrregularError: more is wrong with these rows than is listed.

    """
    first: dict[tuple[Any, ...], Repeated] = {}
    later = [(row, original) for row in rows if (original := first.setdefault(row.key, row)) is not row]
    if not later:
        return summary
    gone = pl.Series([row.number for row, _ in later], dtype=pl.Int64)
    flagged = pl.scan_parquet(place).filter(pl.col(ROW).is_in(gone.implode()) & pl.col(REJECTED)).select(ROW).collect()
    bad = set(flagged.to_series().to_list())
    if bad and summary.listed_of > len(summary.rejects):
        raise IrregularError
    copies = {row.number for row, original in later if row.cells == original.cells}
    rejects = [item for item in summary.rejects if item.row not in copies]
    listed = summary.listed_of - (len(summary.rejects) - len(rejects)) + len(later)
    places = {item.name: at for at, item in enumerate(contract.fields)}
    names = ", ".join(contract.field(name).column for name in contract.primary_key)
    for row, original in later:
        copy = row.number in copies
        reason = f"{COPY if copy else 'same key as'} record {original.number}" + ("" if copy else " with other values")
        value = ", ".join(shown(row.cells[places[name]]) for name in contract.primary_key)
        rejects.append(Reject(row.number, row.line, names, value, reason, duplicate=copy, cell=row.address))
    left = place.with_name("left.parquet")
    kept = pl.scan_parquet(place).filter(~pl.col(ROW).is_in(gone.implode()))
    kept.sink_parquet(left, compression="snappy")
    left.replace(place)
    dated = [item.name for item in contract.fields if item.type in DATED]
    rest = pl.scan_parquet(place)
    ends = rest.select([pl.col(name).max() for name in dated]).collect()
    blanks = rest.select([pl.col(name).null_count() for name in dated]).collect()
    height = summary.height - len(gone)
    remaining = summary.height - summary.sound - len(bad)
    return replace(
        summary,
        sound=height - remaining,
        rejected=summary.rejected - len(bad & copies) + len([1 for row, _ in later if row.number not in copies | bad]),
        copies=len(copies),
        height=height,
        rejects=tuple(sorted(rejects, key=lambda item: (item.row, item.column, item.reason))[:most_listed]),
        listed_of=listed,
        ends={name: End(ends[name][0], blanks[name][0]) for name in dated},
    )
