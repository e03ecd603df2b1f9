"""Rows as a database gives them become one Parquet file: exact, whatever their number, in little memory.

A column's type is known only when its last row has come: batches go to disk as they are, each column typed by what is in
it; then the types are joined and the batches written anew. Numbers stay exact: whole numbers and decimals become
decimals of the most decimal places; binary numbers stay binary, and are named.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tulosvahti.core.fetched import SourceError
from tulosvahti.load.amounts import amount

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

BATCH = 10_000
_DIGITS, _IN_64_BITS = 38, 18
_EXACT = 1 << 53
"""Whole numbers up to here are binary numbers too."""


class Kind(StrEnum):
    """What a column holds."""

    NOTHING = "nothing"
    TRUTH = "truth values"
    WHOLE = "whole numbers"
    DECIMAL = "decimal numbers"
    BINARY = "binary numbers"
    DAY = "days"
    MOMENT = "moments"
    TEXT = "texts"


@dataclass
class _Column:
    name: str
    kind: Kind = Kind.NOTHING
    scale: int = 0
    digits: int = 1
    """Before the decimal mark."""
    no_numbers: int = 0
    no_days: int = 0
    example: str = ""


@dataclass(frozen=True)
class Limits:
    """The most rows, and the most bytes of them as they are set down."""

    rows: int
    bytes: int


class Spool:
    """Takes rows, and gives the file at the end. ``zone``: in which moments that know their zone are told."""

    def __init__(self, names: Sequence[str], folder: Path, limits: Limits, zone: tzinfo) -> None:
        """Name the columns and a folder of its own."""
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            msg = f"the query gives several columns of the name {doubled[0]!r}"
            raise SourceError(msg, "name them apart in the query: … AS name")
        self._columns = [_Column(name) for name in names]
        self._path, self._limits, self._zone = folder / "spooled.arrow", limits, zone
        self.rows = 0

    def take(self, batches: Iterable[Sequence[Sequence[Any]]]) -> None:
        """Set down every batch of rows.

        Raises:
            SourceError: there are too many, or a column holds what does not go together.

        """
        import pyarrow as pa  # noqa: PLC0415 (heavy)

        with self._path.open("wb") as file:
            for batch in batches:
                self.rows += len(batch)
                if self.rows > self._limits.rows:
                    msg = f"it has more than {self._limits.rows} rows"
                    raise SourceError(msg, "ask for less in the query, or raise max_rows in the contract")
                arrays = [self._array(column, values) for column, values in zip(self._columns, zip(*batch, strict=True), strict=True)]
                table = pa.Table.from_arrays(arrays, names=[str(number) for number in range(len(arrays))])
                with pa.ipc.new_stream(file, table.schema) as writer:
                    writer.write_table(table)
                if file.tell() > self._limits.bytes:
                    msg = f"its rows take more than {amount(self._limits.bytes)}"
                    raise SourceError(msg, "ask for less in the query, or raise max_bytes in the contract")

    def write(self, target: Path) -> None:
        """Write all of it as Parquet."""
        import pyarrow as pa  # noqa: PLC0415 (heavy)
        import pyarrow.parquet as pq  # noqa: PLC0415

        schema = pa.schema([pa.field(column.name, self._type(column)) for column in self._columns])
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for table in self._spooled():
                arrays = [_joined(table.column(at), field.type) for at, field in enumerate(schema)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        self._path.unlink()

    def notices(self) -> list[str]:
        """Say what is to know of the columns."""
        found = []
        binary = [column.name for column in self._columns if column.kind is Kind.BINARY]
        if binary:
            found.append(
                f"{_listed(binary)}: binary floating-point numbers, each read as the shortest decimal that gives it again; "
                "for exact figures let the database give NUMERIC"
            )
        for column in self._columns:
            if column.no_numbers:
                found.append(f"column {column.name}: {column.no_numbers} values are NaN or infinite, and are taken as missing")
            if column.no_days:
                found.append(f"column {column.name}: {column.no_days} days are 0000-00-00, and are taken as missing")
        return found

    def _array(self, column: _Column, values: Sequence[Any]) -> pa.Array:
        types = {type(value) for value in values} - {type(None)}
        if len(types) == 1 and (found := self._of_one_type(column, types.pop(), values)) is not None:
            return found
        return self._of_any_type(column, values)

    def _of_one_type(self, column: _Column, type_: type, values: Sequence[Any]) -> pa.Array | None:
        """Take a column of one type as a whole; None where a value needs looking at."""
        import pyarrow as pa  # noqa: PLC0415 (heavy)
        import pyarrow.compute as pc  # noqa: PLC0415

        kind = _FAST.get(type_)
        if kind is None:
            return None
        try:
            found = pa.array(values, type=None if kind is Kind.DECIMAL else _SPOOLED[kind]())
        except (pa.ArrowException, OverflowError, ValueError):
            return None
        if kind is Kind.BINARY and not pc.all(pc.is_finite(found)).as_py():
            return None
        if kind is Kind.TEXT and pc.any(pc.starts_with(found, "0000-00-00")).as_py():
            return None
        if kind is Kind.MOMENT and any(value is not None and value.tzinfo is not None for value in values):
            return None
        column.kind = _with(column, column.kind, kind, values)
        if kind is Kind.WHOLE:
            ends = pc.min_max(found).as_py()
            column.digits = max(column.digits, *(len(str(abs(end))) for end in ends.values()))
        elif kind is Kind.DECIMAL:
            if found.type.precision > _DIGITS:
                return None
            self._widen(column, found.type.scale, found.type.precision - found.type.scale)
        return found

    def _of_any_type(self, column: _Column, values: Sequence[Any]) -> pa.Array:
        """Look at each value."""
        import pyarrow as pa  # noqa: PLC0415 (heavy)

        plain = [None if value is None else self._plain(column, value) for value in values]
        kind = Kind.NOTHING
        for type_ in {type(value) for value in plain}:
            kind = _with(column, kind, _kind_of(type_), plain)
        column.kind = _with(column, column.kind, kind, plain)
        if kind in {Kind.WHOLE, Kind.DECIMAL}:
            return self._exact(column, plain)
        return pa.array(plain, type=_SPOOLED[kind]())

    def _exact(self, column: _Column, plain: Sequence[Any]) -> pa.Array:
        import pyarrow as pa  # noqa: PLC0415 (heavy)

        numbers = [None if value is None else Decimal(value) for value in plain]
        scale = digits = 0
        for number in numbers:
            if number is not None:
                _, figures, exponent = number.as_tuple()
                scale = max(scale, -int(exponent))
                digits = max(digits, len(figures) + int(exponent))
        self._widen(column, scale, digits)
        return pa.array(numbers, type=pa.decimal128(_DIGITS, scale))

    def _widen(self, column: _Column, scale: int, digits: int) -> None:
        column.scale, column.digits = max(column.scale, scale), max(column.digits, digits)
        if column.scale + column.digits > _DIGITS:
            msg = f"column {column.name}: its numbers have more than {_DIGITS} digits together"
            raise SourceError(msg, "round them in the query, or give them as text")

    def _plain(self, column: _Column, value: Any) -> Any:  # noqa: ANN401, PLR0911 (what drivers give)
        if isinstance(value, str):
            if value.startswith("0000-00-00"):
                column.no_days += 1
                return None
            return value
        if isinstance(value, bool | int | date) and not isinstance(value, datetime):
            return value
        if isinstance(value, float | Decimal):
            if math.isfinite(value):
                return value
            column.no_numbers += 1
            return None
        if isinstance(value, datetime):
            return value if value.tzinfo is None else value.astimezone(self._zone).replace(tzinfo=None)
        if isinstance(value, time | timedelta):
            return str(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value).hex()
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False, default=str)
        return str(value)

    def _spooled(self) -> Iterator[pa.Table]:
        import pyarrow as pa  # noqa: PLC0415 (heavy)

        with pa.memory_map(str(self._path)) as file:
            end = file.size()
            while file.tell() < end:
                with pa.ipc.open_stream(file) as reader:
                    yield reader.read_all()

    def _type(self, column: _Column) -> pa.DataType:
        import pyarrow as pa  # noqa: PLC0415 (heavy)

        if column.kind is Kind.DECIMAL or (column.kind is Kind.WHOLE and column.digits > _IN_64_BITS):
            return pa.decimal128(_DIGITS, column.scale)
        return _SPOOLED[column.kind]()


def _kind_of(type_: type) -> Kind:
    for kinds, kind in _KINDS:
        if issubclass(type_, kinds):
            return kind
    return Kind.TEXT


def _with(column: _Column, one: Kind, other: Kind, values: Sequence[Any]) -> Kind:
    """Join two kinds of one column."""
    if one is other or Kind.NOTHING in {one, other}:
        return one if other is Kind.NOTHING else other
    both = {one, other}
    if both == {Kind.WHOLE, Kind.DECIMAL}:
        return Kind.DECIMAL
    if both <= {Kind.WHOLE, Kind.DECIMAL, Kind.BINARY}:
        return Kind.BINARY
    if both == {Kind.DAY, Kind.MOMENT}:
        return Kind.MOMENT
    example = next((value for value in values if value is not None and _kind_of(type(value)) is other), "")
    msg = f"column {column.name} holds {one} and {other} (such as {str(example)[:40]!r})"
    raise SourceError(msg, f"let the query give one kind: CAST({column.name} AS …)")


def _joined(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa  # noqa: PLC0415 (heavy)

    if values.type == wanted:
        return values
    if pa.types.is_floating(wanted) and (pa.types.is_decimal(values.type) or pa.types.is_integer(values.type)):
        found = values.to_pylist()
        if any(value is not None and Decimal(float(value)) != value and abs(value) >= _EXACT for value in found):
            msg = "whole numbers beyond 2^53 stand among binary numbers"
            raise SourceError(msg, "let the query give one kind: CAST(… AS NUMERIC)")
        return pa.chunked_array([pa.array([None if value is None else float(value) for value in found], wanted)])
    return values.cast(wanted)


def _listed(names: Sequence[str]) -> str:
    return f"column {names[0]}" if len(names) == 1 else f"columns {', '.join(names)}"


def _arrow(name: str, *arguments: str) -> Any:  # noqa: ANN401 (a type of Arrow's, made when it is needed)
    def made() -> Any:  # noqa: ANN401
        import pyarrow as pa  # noqa: PLC0415 (heavy)

        return getattr(pa, name)(*arguments)

    return made


_KINDS: tuple[tuple[Any, Kind], ...] = (
    (type(None), Kind.NOTHING),
    (bool, Kind.TRUTH),
    (int, Kind.WHOLE),
    (Decimal, Kind.DECIMAL),
    (float, Kind.BINARY),
    (datetime, Kind.MOMENT),
    (date, Kind.DAY),
    (str, Kind.TEXT),
)
_FAST = {
    bool: Kind.TRUTH, int: Kind.WHOLE, Decimal: Kind.DECIMAL, float: Kind.BINARY, datetime: Kind.MOMENT, date: Kind.DAY, str: Kind.TEXT,
}  # fmt: skip
_SPOOLED = {
    Kind.NOTHING: _arrow("null"),
    Kind.TRUTH: _arrow("bool_"),
    Kind.WHOLE: _arrow("int64"),
    Kind.BINARY: _arrow("float64"),
    Kind.DAY: _arrow("date32"),
    Kind.MOMENT: _arrow("timestamp", "us"),
    Kind.TEXT: _arrow("string"),
}
