"""The rows of an input as intake leaves them: one Parquet file that is never changed once it is written.

Convention of the file, for everything that reads it (DuckDB's ``read_parquet``, Polars' ``scan_parquet``, Spark):

- one column for each field of the contract, under the field's name and in the contract's order: STRING, INTEGER as BIGINT,
  NUMBER as DECIMAL(18, s) or DECIMAL(38, s) with the most decimals that the content has, BOOLEAN, DATE and YEARMONTH
  (first day) as DATE, YEAR as INT; a missing or faulty cell is null;
- of a field whose contract allows words in place of a number, one more column of texts (``words_of``), null where a number
  or nothing stands: its own column is null there (``core.worded``);
- ``__row`` (BIGINT, never null, ascending): the record number, the header being 1; over several deliveries it counts on;
- ``__rejected`` (BOOLEAN, never null): the row broke the contract; what is sound of it stands beside;
- ``__hidden_NAME`` (BOOLEAN, null is false) for each field of which the contract says how the source hides a value: it did;
- rows that repeat an earlier row's key, and rows that a later delivery replaced, are not there.

Another content, contract or engine gives another file. A path is handed from ``load.tables.Taken.rows`` to whoever reads:
``compute.measuring.DuckEngine`` makes a view of each, and may open nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROW = "__row"
REJECTED = "__rejected"


def hidden_column(name: str) -> str:
    """Name the column that says where the source hides the value of a field."""
    return f"__hidden_{name}"


def words_of(name: str) -> str:
    """Name the column that has what stands in place of a field's number."""
    return f"__words_{name}"


@dataclass(frozen=True)
class KeptRows:
    """A file of rows; ``height``: how many rows it has, rejects among them."""

    path: Path
    height: int
    newest: tuple[tuple[str, date], ...] = ()
    """The newest day of each field that dates rows, where it has one; of a year, its first day."""
