"""The newest day, month or year that an input's rows reach, as it is known on a day.

The summary of the rows has it where nothing lies after that day. Else the file is asked, and the answer is kept beside it
with the day from which it may be another: most nights ask nothing. An answer that is damaged or foreign is asked again.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tulosvahti.core.contract import DATED, Contract, FieldType
from tulosvahti.core.period import containing
from tulosvahti.load.row_store import KNOWN, digest_of

if TYPE_CHECKING:
    from types import TracebackType

    import duckdb

    from tulosvahti.load.row_store import Entry


class Reach:
    """Asks the rows of several inputs over one connection, which is opened where a file has to be asked; used with ``with``."""

    _connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close what was opened."""
        if self._connection is not None:
            self._connection.close()

    def covered(self, contract: Contract, entry: Entry, as_of: date) -> date | None:
        """Give the last day that the content known on ``as_of`` reaches."""
        grain = DATED.get(contract.field(contract.period).type) if contract.period else None
        if grain is None:
            return None
        newest = self._newest(contract, entry, as_of)
        if newest is None:
            return None
        start = newest if isinstance(newest, date) else date(int(newest), 1, 1)
        last = containing(start, grain).last_day
        return last if contract.frequency is None else containing(last, contract.frequency).last_day

    def _newest(self, contract: Contract, entry: Entry, as_of: date) -> date | int | None:
        ends = entry.summary.ends
        last = [ends[name].last for name in (contract.known_on, contract.period) if name]
        known = not contract.known_on or not ends[contract.known_on].missing
        if known and all(item is None or _is_by(item, as_of) for item in last):
            return ends[contract.period].last
        place, asked = entry.rows.path.with_suffix(KNOWN), [contract.period, contract.known_on]
        with suppress(OSError, ValueError, TypeError, LookupError):
            return _read(json.loads(place.read_bytes()), asked, as_of)
        newest, until = self._asked(contract, entry.rows.path, as_of)
        _keep(place, [*asked, as_of.isoformat(), _text(until), _text(newest)])
        return newest

    def _asked(self, contract: Contract, path: Path, as_of: date) -> tuple[date | int | None, date | None]:
        """Give what is newest by then, and the day from which more rows are known."""
        import duckdb  # noqa: PLC0415 - most runs ask no file

        if self._connection is None:
            self._connection = duckdb.connect(":memory:")
        period = _quoted(contract.period)
        day = f"make_date({period}, 1, 1)" if contract.field(contract.period).type is FieldType.YEAR else period
        known = _quoted(contract.known_on) if contract.known_on else day
        # A row that lacks one of them is never known; `greatest` would leave it out of what it compares.
        sql = f"""SELECT max(period) FILTER (since <= $day), min(since) FILTER (since > $day) FROM (
            SELECT {period} AS period, greatest({day}, {known}) AS since FROM read_parquet($path)
            WHERE {day} IS NOT NULL AND {known} IS NOT NULL)"""  # noqa: S608 - names are quoted
        newest, until = self._connection.execute(sql, {"day": as_of, "path": str(path)}).fetchall()[0]
        return newest, until


def _read(kept: dict[str, Any], asked: list[str], as_of: date) -> date | int | None:
    """Read a kept answer.

    Raises:
        LookupError, TypeError, ValueError: it is none, or one to another question.

    """
    *question, since, until, newest = kept["body"]
    day = as_of.isoformat()
    if kept["digest"] != digest_of(kept["body"]) or question != asked or day < since or (until is not None and day >= until):
        raise LookupError(question)
    return date.fromisoformat(newest) if isinstance(newest, str) else newest


def _keep(place: Path, body: list[Any]) -> None:
    with suppress(OSError):
        handle, part = tempfile.mkstemp(dir=place.parent, prefix=".new-", suffix=KNOWN)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"digest": digest_of(body), "body": body}, stream)
        Path(part).replace(place)


def _text(value: date | int | None) -> str | int | None:
    return value.isoformat() if isinstance(value, date) else value


def _is_by(value: date | int, as_of: date) -> bool:
    return value <= as_of if isinstance(value, date) else value <= as_of.year


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
