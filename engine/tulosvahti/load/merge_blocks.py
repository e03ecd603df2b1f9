"""Large deliveries of one input become one table on disk: what ``merging`` does in memory, with the same result.

Each delivery lies there typed, as Parquet. DuckDB finds the rows that a later delivery has too, within a bound of memory and
with the rest on disk; what is left is written row group by row group. In memory is a bit for each row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tulosvahti.core.contract import DATED, FieldType
from tulosvahti.core.kept_rows import REJECTED, ROW
from tulosvahti.load.cells import DIGITS
from tulosvahti.load.doubts import COPIES, HIDDEN, doubts_of
from tulosvahti.load.merging import conflict, replaced, too_long
from tulosvahti.load.row_store import End, Summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb
    import numpy.typing as npt

    from tulosvahti.core.contract import Contract, Reject

_MEMORY = "256MiB"
_ROWS = 250_000
_SHORT = 18


@dataclass(frozen=True)
class KeptPart:
    """One delivery: its name, what reading it gave, and where its rows are."""

    name: str
    summary: Summary
    path: Path


def merged_on_disk(contract: Contract, parts: Sequence[KeptPart], place: Path, most_listed: int) -> Summary:
    """Merge deliveries, the latest last, into the file ``place``; errors as of ``merging.merged``."""
    merge = _Merge(contract, parts, place.parent)
    found = merge.found(most_listed)
    rejects = [*merge.rejects(), *found.conflicts][:most_listed]
    height, bad, ends = merge.write(place)
    said = [(part.name, notice) for part in parts for notice in part.summary.notices]
    notices = [f"{name}: {notice}" for name, notice in said if not (COPIES in notice or HIDDEN in notice)]
    notices += replaced(found.copies, found.count)
    notices += doubts_of(contract, pl.scan_parquet(place), height, 0)
    # Without a key there is one delivery: what is odd in its rows is so in all of them.
    notices += [notice for _, notice in said if COPIES in notice]
    return Summary(
        total=sum(part.summary.total for part in parts) - len(found.losers),
        sound=height - bad,
        rejected=sum(part.summary.rejected for part in parts) - found.bad,
        copies=sum(part.summary.copies for part in parts),
        height=height,
        header=tuple(dict.fromkeys(name for part in parts for name in part.summary.header)),
        rejects=tuple(rejects),
        listed_of=sum(part.summary.listed_of for part in parts) + found.count,
        notices=tuple(notices),
        marks=tuple(dict.fromkeys(mark for part in parts for mark in part.summary.marks)),
        ends=ends,
    )


@dataclass(frozen=True)
class _Found:
    """Rows that a later delivery has too: how many are the same there, how many are not, and the first of these.

    ``bad``: how many of them have rejects.
    """

    losers: npt.NDArray[np.int64]
    copies: int
    count: int
    bad: int
    conflicts: tuple[Reject, ...]


class _Merge:
    """One merge; rows are numbered on over all deliveries."""

    def __init__(self, contract: Contract, parts: Sequence[KeptPart], folder: Path) -> None:
        self._contract, self._parts, self._folder = contract, parts, folder
        self._starts: list[int] = []
        start = 0
        for part in parts:
            self._starts.append(start)
            last = pl.scan_parquet(part.path).select(pl.col(ROW).max()).collect().item() or 0
            beyond = part.summary.total + 1 if part.summary.listed_of > len(part.summary.rejects) else 0
            start += max([1, last, beyond, *(item.row for item in part.summary.rejects)])
        self._lost = np.zeros(start + 1, bool)
        self._types = dict(self._numbers())

    def found(self, most: int) -> _Found:
        """Find the rows that a later delivery has too; list at most so many that have other values there."""
        import duckdb  # noqa: PLC0415 - few inputs are merged

        if not self._contract.primary_key:
            return _Found(np.empty(0, np.int64), 0, 0, 0, ())
        settings: dict[str, Any] = {
            "memory_limit": _MEMORY,
            "threads": 2,
            "temp_directory": str(self._folder / "spilled"),
            "preserve_insertion_order": False,
        }
        with duckdb.connect(str(self._folder / "merge.duckdb"), config=settings) as connection:
            try:
                found = self._compared(connection, most)
            except duckdb.ConversionException as error:
                raise too_long(self._contract) from error
        self._lost[found.losers] = True
        return found

    def _compared(self, connection: duckdb.DuckDBPyConnection, most: int) -> _Found:
        names = self._contract.kept
        key = ", ".join(map(_quoted, self._contract.primary_key))
        whole = " AND ".join(f"{_quoted(name)} IS NOT NULL" for name in self._contract.primary_key)
        same = " AND ".join(f"l.{_quoted(name)} IS NOT DISTINCT FROM w.{_quoted(name)}" for name in names)
        every = " UNION ALL ".join(
            f"SELECT {', '.join(map(self._cast, names))}, {REJECTED}, {ROW} + {start} AS {ROW} FROM read_parquet('{_text(part.path)}')"
            for part, start in zip(self._parts, self._starts, strict=True)
        )
        connection.execute(f"CREATE VIEW every AS {every}")
        connection.execute(f"CREATE TABLE last AS SELECT {key}, max({ROW}) AS __winner FROM every WHERE {whole} GROUP BY {key} HAVING count(*) > 1")
        connection.execute(
            f"CREATE TABLE lost AS SELECT l.{ROW}, __winner, l.{REJECTED}, {same} AND NOT l.{REJECTED} AND NOT w.{REJECTED} AS __same"
            f" FROM every AS l JOIN last USING ({key}) JOIN every AS w ON w.{ROW} = __winner WHERE l.{ROW} < __winner"
        )
        counts = connection.execute(f"SELECT count(*) FILTER (__same), count(*) FILTER (NOT __same), count(*) FILTER ({REJECTED}) FROM lost").fetchone()
        copies, count, bad = counts or (0, 0, 0)
        pairs = connection.execute(f"SELECT {ROW}, __winner FROM lost WHERE NOT __same ORDER BY {ROW} LIMIT {most}").fetchall()
        losers = connection.execute(f"SELECT {ROW} FROM lost").fetchnumpy()[ROW]
        return _Found(np.asarray(losers, np.int64), copies, count, bad, tuple(self._conflicts(pairs)))

    def _conflicts(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Reject]:
        wanted = pl.Series([at for pair in pairs for at in pair], dtype=pl.Int64)
        rows: dict[int, dict[str, Any]] = {}
        for start, part in zip(self._starts, self._parts, strict=True):
            found = pl.scan_parquet(part.path).filter((pl.col(ROW) + start).is_in(wanted.implode())).collect()
            rows |= {row[ROW] + start: row for row in found.rows(named=True)}
        for at, winner in pairs:
            place, later = self._part(at), self._part(winner)
            yield conflict(self._contract, rows[at], rows[winner], self._parts[place].name, self._parts[later].name)

    def _part(self, at: int) -> int:
        return int(np.searchsorted(self._starts, at, side="left")) - 1

    def rejects(self) -> Iterator[Reject]:
        """Give what is listed of each delivery; a row that came anew counts no more."""
        for part, start in zip(self._parts, self._starts, strict=True):
            for item in part.summary.rejects:
                found = replace(item, file=part.name)
                if not item.duplicate and self._lost[item.row + start]:
                    found = replace(found, duplicate=True, reason=f"{item.reason}; a later delivery has the row anew")
                yield found

    def write(self, place: Path) -> tuple[int, int, dict[str, End]]:
        """Write the rows that are left; give how many there are, how many of them are rejected, and the ends.

        Raises:
            UnreadableError: their numbers have more digits together than can be kept.

        """
        import pyarrow.parquet as pq  # noqa: PLC0415

        writer: Any = None
        height = bad = 0
        ends: dict[str, list[Any]] = {item.name: [None, 0] for item in self._contract.fields if item.type in DATED}
        try:
            for start, part in zip(self._starts, self._parts, strict=True):
                with pq.ParquetFile(part.path, memory_map=False, pre_buffer=False) as file:
                    for batch in file.iter_batches(_ROWS):
                        frame = self._left(pl.DataFrame(pl.from_arrow(batch)), start)
                        height += frame.height
                        bad += int(frame[REJECTED].sum())
                        for name, end in ends.items():
                            last = frame[name].max()
                            end[0] = last if end[0] is None else end[0] if last is None else max(end[0], last)
                            end[1] += frame[name].null_count()
                        table = frame.to_arrow()
                        writer = writer or pq.ParquetWriter(place, table.schema, compression="snappy")
                        writer.write_table(table.cast(writer.schema))
        except pl.exceptions.InvalidOperationError as error:
            raise too_long(self._contract) from error
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            pl.read_parquet(self._parts[0].path).with_columns(pl.col(name).cast(kind) for name, kind in self._types.items()).write_parquet(place)
        return height, bad, {name: End(*end) for name, end in ends.items()}

    def _left(self, frame: pl.DataFrame, start: int) -> pl.DataFrame:
        numbers = frame[ROW] + start
        frame = frame.with_columns(numbers.alias(ROW)).filter(pl.Series(~self._lost[numbers.to_numpy()]))
        return frame.with_columns(pl.col(name).cast(kind) for name, kind in self._types.items())

    def _numbers(self) -> Iterator[tuple[str, pl.Decimal]]:
        """Give exact columns the decimals of the delivery that has most, in 64 bits where all of them fit."""
        for item in self._contract.fields:
            if item.type is not FieldType.NUMBER:
                continue
            scans = [pl.scan_parquet(part.path).select(pl.col(item.name)) for part in self._parts]
            scale = max(kind.scale for scan in scans if isinstance(kind := scan.collect_schema()[item.name], pl.Decimal))
            most = [value for scan in scans if (value := scan.select(pl.col(item.name).abs().max()).collect().item()) is not None]
            fits = scale <= _SHORT and all(abs(int(value.scaleb(scale))) < 10**_SHORT for value in most)
            yield item.name, pl.Decimal(_SHORT if fits else DIGITS, scale)

    def _cast(self, name: str) -> str:
        kind = self._types.get(name)
        return _quoted(name) if kind is None else f"CAST({_quoted(name)} AS DECIMAL({DIGITS}, {kind.scale})) AS {_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(path: Path) -> str:
    return str(path).replace("'", "''")
