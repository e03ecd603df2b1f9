"""Parquet: the columns of a file with their exact values; a binary number is the shortest decimal that gives it again.

Convention: the first row names the columns; what is neither number, day, text nor truth is given as text.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.load.sheets.reading import RefusedError
from tulosvahti.load.sheets.wire import DATE, NUMBER, TEXT, TRUTH

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.sheets.wire import WireCell, Writer

_ROWS = 10_000
_WIDEST = 16_384
_STEP = "write it again with the program that made it, or deliver the table as CSV"


def read(path: Path, out: Writer) -> None:
    """Read the table of a file.

    Raises:
        RefusedError: it is damaged, or a limit is passed.

    """
    import pyarrow as pa  # noqa: PLC0415 - only in the child
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            names = list(file.schema_arrow.names)
            rows, width = file.metadata.num_rows, len(names)
            if width > _WIDEST:
                msg = f"file has {width} columns"
                raise RefusedError(msg, f"at most {_WIDEST} columns", "deliver the columns of the contract only")
            if rows * width > out.limits.cells:
                msg = f"file has {rows * width} cells"
                raise RefusedError(msg, f"at most {out.limits.cells} cells", "split the file")
            out.total(1)
            out.sheet("")
            out.row([[name, TEXT] if name else 0 for name in names])
            for batch in file.iter_batches(_ROWS, use_threads=False):
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    out.row([_cell(value) for value in values])
            out.end()
    except (pa.ArrowException, ValueError, OSError) as error:
        msg = f"file is a damaged Parquet file: {error}"
        raise RefusedError(msg, next_step=_STEP) from error


def _cell(value: Any) -> WireCell:  # noqa: ANN401 - what Arrow gives
    if value is None:
        return 0
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ["TRUE" if value else "FALSE", TRUTH]
    if isinstance(value, float) and not math.isfinite(value):
        return 0 if math.isnan(value) else [str(value), TEXT]
    if isinstance(value, int | float | Decimal):
        number = f"{Decimal(str(value)):f}"
        return [number, NUMBER, number]
    if isinstance(value, datetime):
        whole = value.time() == time() and value.tzinfo is None
        return [value.date().isoformat() if whole else value.isoformat(" "), DATE]
    if isinstance(value, date | time):
        return [value.isoformat(), DATE]
    return str(value)
