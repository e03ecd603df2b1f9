"""Files of one input become its rows: read, typed, held against the contract, merged, written as Parquet.

Imported only where something is read anew: Polars and Pandera take longer to load than a small project to judge.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from tulosvahti.core.contract import DATED, FieldType
from tulosvahti.core.kept_rows import REJECTED
from tulosvahti.load.csv_records import read_records
from tulosvahti.load.cubes import may_be_cube, read_cube
from tulosvahti.load.cubes.rows import records_of
from tulosvahti.load.doubts import doubts_of
from tulosvahti.load.files import File, unpacked
from tulosvahti.load.grid_records import read_grid
from tulosvahti.load.merging import Part, merged
from tulosvahti.load.pandera_schema import pandera_polars
from tulosvahti.load.records import Records, UnreadableError
from tulosvahti.load.row_store import End, Summary
from tulosvahti.load.sheets.formats import START, is_text, named_otherwise
from tulosvahti.load.text_blocks import IrregularError
from tulosvahti.load.typed_rows import COPY, Rows, typed_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tulosvahti.core.contract import Contract
    from tulosvahti.load.merge_blocks import KeptPart

_T = TypeVar("_T")
MOST_LISTED = 10_000
"""Faults of rows that a summary lists; it counts them all."""
LARGE = 1 << 18
"""Bytes from which a text is read block by block: what that takes to load is won back."""
_SQUEEZED = 32
_WORKBOOKS, _JSON = frozenset({".xlsx", ".xlsm"}), frozenset({".json", ".jsonl", ".ndjson"})
_SHORT, _LONG = 18, 38
"""Digits of a number that fits 64 bits, and of the longest."""


def prepare() -> None:
    """Load what is loaded late otherwise, and takes long."""
    pandera_polars()


def read_into(contract: Contract, files: Sequence[File], place: Path, least: int = LARGE) -> Summary:
    """Read deliveries, the latest last, and write their rows to the file ``place``; archives are unpacked beside it.

    ``least``: bytes from which a text is read block by block.

    Raises:
        UnreadableError: with what is wrong and what to do.

    """
    if len(files) == 1 and not contract.several and _weight(files[0]) >= least:
        with suppress(IrregularError):
            return _large(contract, files[0], place)
    every, notices = _apart(files, place.parent)
    if every == list(files) and not contract.several:
        return _kept(contract, _strictly(contract, every[0]), place)
    if len(every) > 1 and not contract.primary_key:
        msg = f"{len(every)} deliveries and no primaryKey by which their rows could be told apart"
        raise UnreadableError(msg, f"name the key in {contract.place.file}, or deliver one file")
    if sum(map(_weight, every)) >= least:
        from tulosvahti.load.merge_blocks import merged_on_disk  # noqa: PLC0415 - small deliveries do without

        parts = [_part(contract, file, place.parent / f"part{at}", least) for at, file in enumerate(every)]
        summary = merged_on_disk(contract, parts, place, MOST_LISTED)
        return replace(summary, notices=(*notices, *summary.notices))
    rows = merged(contract, [Part(file.name, _named(file, partial(_strictly, contract, file))) for file in every])
    return _kept(contract, replace(rows, notices=(*notices, *rows.notices)), place)


def _weight(file: File) -> int:
    """Give about how many bytes of text a file has; of compressed columns a row takes few."""
    return file.size * (_SQUEEZED if file.start(2) in {b"PA", b"PK"} else 1)


def _named(file: File, read: Callable[[], _T]) -> _T:
    """Name the file in what is wrong with it."""
    try:
        return read()
    except UnreadableError as error:
        msg = f"{file.name}: {error}"
        raise UnreadableError(msg, error.next_step) from error


def _part(contract: Contract, file: File, folder: Path, least: int) -> KeptPart:
    """Read one of several deliveries into a folder of its own; which periods it lacks is for all of them to say."""
    from tulosvahti.load.merge_blocks import KeptPart  # noqa: PLC0415

    folder.mkdir()
    place = folder / "rows.parquet"
    alone = replace(contract, frequency=None)

    def read() -> Summary:
        if _weight(file) >= min(least, LARGE):
            with suppress(IrregularError):
                return _large(alone, file, place)
        return _kept(alone, _strictly(alone, file), place)

    summary = _named(file, read)
    for path in folder.iterdir():
        if path != place:
            path.unlink()
    return KeptPart(file.name, summary, place)


def _kept(contract: Contract, rows: Rows, place: Path) -> Summary:
    """Write rows that were read, and sum up."""
    frame = rows.frame.with_columns(_narrowed(rows.frame, item.name) for item in contract.fields if item.type is FieldType.NUMBER)
    frame.write_parquet(place)
    rejects = rows.rejects
    same = frame.height - frame.select(contract.kept).hash_rows().n_unique() if frame.height else 0
    return Summary(
        total=rows.total,
        sound=frame.height - int(frame[REJECTED].sum()),
        rejected=len({(item.file, item.row) for item in rejects if not item.duplicate}),
        copies=len({(item.file, item.row) for item in rejects if item.duplicate and item.reason.startswith(COPY)}),
        height=frame.height,
        header=tuple(rows.header),
        rejects=tuple(rejects[:MOST_LISTED]),
        listed_of=len(rejects),
        notices=(*rows.notices, *doubts_of(contract, frame.lazy(), frame.height, same)),
        marks=rows.marks,
        ends={
            item.name: End(frame[item.name].max(), frame[item.name].null_count())  # type: ignore[arg-type]
            for item in contract.fields
            if item.type in DATED
        },
    )


def _large(contract: Contract, file: File, place: Path) -> Summary:
    """Read a large text or Parquet file block by block.

    Raises:
        IrregularError: it is none, or is one for the strict reader.
        UnreadableError: with what is wrong and what to do.

    """
    if contract.mapping is not None and contract.mapping.share:
        # Shares are added up over all the rows.
        raise IrregularError
    start = file.start(START)
    if start.startswith(b"PAR1"):
        if PurePath(file.name).suffix.lower() not in {".parquet", ".pq"}:
            raise IrregularError
        from tulosvahti.load.block_rows import rows_of  # noqa: PLC0415 - small deliveries do without
        from tulosvahti.load.parquet_blocks import ParquetSource  # noqa: PLC0415

        return rows_of(contract, ParquetSource(contract, file.path), place, MOST_LISTED)
    if start.startswith(b"PK"):
        if PurePath(file.name).suffix.lower() not in _WORKBOOKS:
            raise IrregularError
        from tulosvahti.load.block_rows import rows_of  # noqa: PLC0415
        from tulosvahti.load.grid_blocks import GridSource  # noqa: PLC0415

        return rows_of(contract, GridSource(contract, file.name, file.path, place.parent), place, MOST_LISTED)
    if start.removeprefix(BOM_UTF8).lstrip()[:1] in {b"{", b"["} and PurePath(file.name).suffix.lower() in _JSON:
        from tulosvahti.load.block_rows import rows_of  # noqa: PLC0415
        from tulosvahti.load.json_blocks import JsonSource  # noqa: PLC0415

        return rows_of(contract, JsonSource(contract, file.path, place.parent), place, MOST_LISTED)
    if not is_text(start) or start.removeprefix(BOM_UTF8).lstrip()[:1] in {b"{", b"["}:
        raise IrregularError
    from tulosvahti.load.block_rows import rows_of_text  # noqa: PLC0415 - small deliveries do without

    summary = rows_of_text(contract, file.path, place, MOST_LISTED)
    if named_otherwise(PurePath(file.name)):
        said = f"{file.name} is text by its content, and was opened as such"
        summary = replace(summary, notices=(said, *summary.notices))
    return summary


def _narrowed(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Keep numbers in 64 bits where all of them fit: they are read and added up faster."""
    kind = frame.schema[name]
    scale = kind.scale if isinstance(kind, pl.Decimal) else 0
    most = frame[name].abs().max()
    fits = scale <= _SHORT and (most is None or abs(int(most.scaleb(scale))) < 10**_SHORT)  # type: ignore[union-attr]
    return pl.col(name).cast(pl.Decimal(_SHORT if fits else _LONG, scale))


def _apart(files: Sequence[File], folder: Path) -> tuple[list[File], list[str]]:
    """Give the files and what is packed in them, the same content once, and what is to be said of that."""
    apart: dict[str, File] = {}
    notices = []
    for file in files:
        for inner in unpacked(file, folder):
            before = apart.pop(inner.sha256, None)
            if before is not None:
                notices.append(f"{inner.name} has the same content as {before.name} and is counted once")
            apart[inner.sha256] = inner
    return list(apart.values()), notices


def _strictly(contract: Contract, file: File) -> Rows:
    return typed_rows(contract, _read(contract, file))


def _read(contract: Contract, file: File) -> Records:
    """Read a file by what is in it: an office's table, text with the contract's dialect, everything else as a grid."""
    start = file.start(START)
    if start.removeprefix(BOM_UTF8).lstrip()[:1] in {b"{", b"["}:
        content = file.path.read_bytes()
        if may_be_cube(content) and (cube := read_cube(content, dataset=contract.sheet)) is not None:
            return records_of(contract, cube)
    if not is_text(start):
        return read_grid(contract, file.name, file.path)
    records = read_records(contract, file.path.read_bytes())
    if named_otherwise(PurePath(file.name)):
        said = f"{file.name} is text by its content, and was opened as such"
        records = replace(records, notices=(said, *records.notices))
    return records
