"""A large text or Parquet file becomes rows without ever being in memory: typed, held against the contract and written block by block.

It gives what the strict reader gives (``csv_records``, ``typed_rows``), which is its oracle in the tests, or gives up with
``IrregularError`` and leaves the file to it: where the header is not one line at the top, where something looks like a
second table or a total, where a text cannot be proven to be regular. Memory is that of a few blocks (``text_blocks.BLOCK``)
and of 8 bytes for a row of those whose keys are compared at one time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from tulosvahti.core.contract import DATED, FieldType, Reject
from tulosvahti.core.kept_rows import REJECTED, ROW
from tulosvahti.load.block_columns import NUMBERS, BlockColumn, RescaleError, Scale, TooOddError, Typed, telling
from tulosvahti.load.block_head import TextSource, as_utf8
from tulosvahti.load.block_keys import Seen
from tulosvahti.load.block_repeats import Repeated, without_repeats
from tulosvahti.load.cells import hidden_marks, unusual_notice
from tulosvahti.load.doubts import doubts_of
from tulosvahti.load.headers import name_of
from tulosvahti.load.mixed_columns import read_cells, see_all, shown, texts_of
from tulosvahti.load.number_forms import Settled, settled
from tulosvahti.load.pandera_schema import breaks, compile_schema
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import End, Summary
from tulosvahti.load.text_blocks import BLOCK, Block, IrregularError
from tulosvahti.load.total_rows import may_be_total

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tulosvahti.core.contract import Contract, Field

_MOST_REPEATS = 100_000


@dataclass
class _Found:
    """What the blocks gave so far."""

    total: int = 0
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    listed_of: int = 0
    ends: dict[str, End] = field(default_factory=dict)
    unusual: dict[str, tuple[int, str, Any]] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    """The cells of the last row, as they stand there."""
    height: int = 0


class Source(Protocol):
    """A file in blocks."""

    header: tuple[str, ...]
    notices: tuple[str, ...]
    width: int
    delimiter: str

    def scale(self, item: Field, values: pl.Series, /) -> Scale:
        """Give what is known of the digits of a column, from its first block."""

    def blocks(self) -> Iterator[Block]:
        """Give the rows, from the first."""

    def address(self, number: int, item: Field, /) -> str:
        """Name a cell of a row as its readers will look for it; empty where it has a line."""


def rows_of_text(contract: Contract, path: Path, place: Path, most_listed: int, size: int = BLOCK) -> Summary:
    """Read a text and write its rows to ``place``; ``size``: bytes of a block.

    Raises:
        IrregularError: it is one for the strict reader.
        UnreadableError: with what is wrong and what to do.

    """
    return rows_of(contract, TextSource(contract, as_utf8(contract, path, place.parent / "utf-8"), size), place, most_listed)


def rows_of(contract: Contract, source: Source, place: Path, most_listed: int) -> Summary:
    """Read a file and write its rows to ``place``; errors as of ``rows_of_text``."""
    scales: dict[str, Scale] = {}
    forms: list[Settled] | None = None
    for _ in range(4):
        reading = _Reading(contract, source, place, scales, forms, most_listed)
        try:
            found = reading.run()
        except RescaleError:
            reading.measure()
            continue
        except TooOddError as error:
            raise IrregularError from error
        if reading.forms_now() == reading.forms:
            return found
        forms = reading.forms_now()
    raise IrregularError


class _Reading:
    """One reading of a text, from its first row to its last."""

    def __init__(  # noqa: PLR0913 (what a reading is made of)
        self, contract: Contract, source: Source, place: Path, scales: dict[str, Scale], forms: list[Settled] | None,
        most_listed: int,
    ) -> None:  # fmt: skip
        self._contract, self._source, self._place = contract, source, place
        self._scales, self._most_listed = scales, most_listed
        self._columns: list[BlockColumn] = []
        self._found = _Found()
        self._seen = {name: Seen(place.parent / f"key{at}", names) for at, (name, names) in enumerate(_uniques(contract))}
        self.forms = forms or []
        self._copies = None
        if not contract.primary_key:
            self._copies = Seen(place.parent / "copies", contract.kept, blank=True)

    def run(self) -> Summary:
        """Read it.

        Raises:
            IrregularError, RescaleError, TooOddError: it has to be read otherwise.

        """
        from polars.io.plugins import register_io_source  # noqa: PLC0415

        frames = self._frames()
        first = next(frames, None)
        if first is None:
            raise IrregularError
        failure: list[Exception] = []

        def source(*_: object) -> Iterator[pl.DataFrame]:
            try:
                yield first
                yield from frames
            except Exception as error:
                failure.append(error)
                raise

        try:
            rows = register_io_source(source, schema=first.schema)
            rows.sink_parquet(self._place, compression="snappy")
        except pl.exceptions.PolarsError:
            if failure:
                raise failure[0] from None
            raise
        if failure:
            raise failure[0]
        if self._found.last and may_be_total(self._contract, self._found.last):
            raise IrregularError
        return self._summary()

    def forms_now(self) -> list[Settled]:
        """Give the form of each column's numbers, as all of the text tells it."""
        file = self._contract.place.file
        return [settled(item, column.marked, file) for item, column in zip(self._contract.fields, self._columns, strict=True)]

    def measure(self) -> None:
        """Look at all the numbers, so that the next reading has the types that hold them."""
        columns = [(at, column) for at, column in enumerate(self._columns) if column.item.type is FieldType.NUMBER]
        for _, column in columns:
            column.scale.whole, column.scale.places = 1, 0
        for block in self._source.blocks():
            for at, column in columns:
                see_all(column, block.texts[at])
        for _, column in columns:
            column.scale.settled = True

    def _frames(self) -> Iterator[pl.DataFrame]:
        schema: Any = None
        for block in _ahead(self._source.blocks()):
            if not self._columns:
                self._begin(block)
            # Not before: Pandera may be loading while the first block is parted.
            schema = schema or compile_schema(self._contract, whole=False)
            yield self._frame(block, schema)

    def _begin(self, block: Block) -> None:
        if not self.forms:
            file = self._contract.place.file
            try:
                self.forms = [
                    settled(item, telling(texts_of(texts)) if item.form_open else (), file)
                    for item, texts in zip(self._contract.fields, block.texts, strict=True)
                ]
            except UnreadableError as error:
                # More of the text may tell what its start does not.
                raise IrregularError from error
        for item, texts in zip(self._contract.fields, block.texts, strict=True):
            self._scales.setdefault(item.name, self._source.scale(item, texts))
        self._columns = [
            BlockColumn(form.field, self._scales[item.name], form_open=item.form_open)
            for item, form in zip(self._contract.fields, self.forms, strict=True)
        ]

    def _frame(self, block: Block, schema: Any) -> pl.DataFrame:  # noqa: ANN401 (Pandera's)
        found, contract = self._found, self._contract
        typed = []
        for column, texts in zip(self._columns, block.texts, strict=True):
            column.see_marked(texts_of(texts))
            typed.append(read_cells(column, texts))
            if column.fresh_unusual and column.first_unusual is not None:
                at, text, value = column.first_unusual
                found.unusual[column.item.name] = int(block.numbers[at]), text, value
        self._refuse_headers(block, typed[0])
        self._refuse_tables(block, typed)
        frame = pl.DataFrame([*(item.values for item in typed), *(item.words for item in typed if item.words is not None)])
        for seen in self._seen.values():
            seen.see(frame)
        rejects, frame = self._held_against(block, frame, typed, schema)
        for number, line, width, text in block.ragged:
            reason = f"row has {width} cells; allowed: {self._source.width}, as in the header"
            rejects.append(Reject(number, line, "", text, reason))
        bad = {item.row for item in rejects}
        numbers = pl.Series(ROW, block.numbers, dtype=pl.Int64)
        flags = numbers.is_in(sorted(bad)) if bad else pl.repeat(value=False, n=len(numbers), eager=True)
        hidden = [hidden_marks(item, texts_of(texts)) for item, texts in zip(contract.fields, block.texts, strict=True) if item.hidden_values]
        frame = frame.with_columns(*hidden, numbers, flags.alias(REJECTED))
        if block.ragged:
            nothing = pl.DataFrame({ROW: [item[0] for item in block.ragged], REJECTED: [True] * len(block.ragged)}, schema={ROW: pl.Int64, REJECTED: pl.Boolean})
            frame = pl.concat([frame, nothing], how="diagonal").sort(ROW)
        if self._copies is not None:
            self._copies.see(frame)
        found.total += frame.height
        found.height += frame.height
        found.rejected += len(bad)
        found.listed_of += len(rejects)
        if len(found.rejects) < self._most_listed:
            found.rejects += sorted(rejects, key=lambda item: (item.row, item.column, item.reason))
        for item in contract.fields:
            if item.type in DATED:
                found.ends[item.name] = _later(found.ends.get(item.name), frame[item.name])
        if len(block.numbers):
            found.last = {item.name: shown(texts[-1]) for item, texts in zip(contract.fields, block.texts, strict=True)}
        if block.ragged and (not len(block.numbers) or block.ragged[-1][0] > block.numbers[-1]):
            found.last = {}
        return frame

    def _held_against(self, block: Block, frame: pl.DataFrame, typed: list[Typed], schema: Any) -> tuple[list[Reject], pl.DataFrame]:  # noqa: ANN401
        contract = self._contract
        at_field = {item.name: at for at, item in enumerate(contract.fields)}
        faulty: dict[str, set[int]] = {item.name: set(one.faults) for item, one in zip(contract.fields, typed, strict=True)}
        rejects = [
            self._reject(block, at, item, text, reason)
            for item, one in zip(contract.fields, typed, strict=True)
            for at, (reason, text) in one.faults.items()
        ]
        before = {name: set(places) for name, places in faulty.items()}
        broken: dict[str, set[int]] = {}
        for item in breaks(schema, frame) if frame.height else []:
            if item.at in before[item.column]:
                continue
            place = at_field[item.column]
            broken.setdefault(item.column, set()).add(item.at)
            rejects.append(self._reject(block, item.at, contract.fields[place], shown(block.texts[place][item.at]), item.reason))
        if broken:
            frame = frame.with_columns(
                pl.when(~pl.int_range(pl.len()).is_in(sorted(places))).then(pl.col(name)).alias(name) for name, places in broken.items()
            )
        return rejects, frame

    def _reject(self, block: Block, at: int, item: Field, text: str, reason: str) -> Reject:
        number = int(block.numbers[at])
        return Reject(number, int(block.lines[at]), item.column, text, reason, cell=self._source.address(number, item))

    def _refuse_headers(self, block: Block, first: Typed) -> None:
        """Give up where a column's own name stands in it: a header may stand there again. Of texts alone, in any column."""
        fields = self._contract.fields
        if len(fields) == 1 or (fields[0].type in NUMBERS and fields[0].column[:1].isalpha() and not first.values.null_count()):
            # Numbers all of them.
            return
        only_texts = all(item.type is FieldType.STRING for item in fields)
        for item, cells in zip(fields, block.texts, strict=True) if only_texts else [(fields[0], block.texts[0])]:
            texts = texts_of(cells)
            if texts.dtype != pl.String:
                continue
            like = texts.filter(texts.str.contains(item.column.split()[0], literal=True))
            if any(name_of(text) == item.column for text in like.unique().to_list()):
                raise IrregularError

    def _refuse_tables(self, block: Block, typed: list[Typed]) -> None:
        """Give up where a row may be the header of another table."""
        fields = self._contract.fields
        names = {item.column for item in fields}
        if any(len({name_of(cell) for cell in text.split(self._source.delimiter)} & names) for *_, text in block.ragged):
            raise IrregularError
        others = [set(one.faults) for item, one in zip(fields, typed, strict=True) if item.type is not FieldType.STRING]
        if len(fields) > 1 and others and set.intersection(*others):
            raise IrregularError

    def _summary(self) -> Summary:
        found = self._found
        notices = [*self._source.notices, *(form.notice for form in self.forms if form.notice)]
        for column in self._columns:
            if column.unusual:
                number, text, value = found.unusual[column.item.name]
                where = self._source.address(number, column.item) or f"record {number}"
                notices.append(unusual_notice(column.item, column.unusual, where, text, value))
        summary = Summary(
            total=found.total,
            sound=found.height - found.rejected,
            rejected=found.rejected,
            copies=0,
            height=found.height,
            header=self._source.header,
            rejects=tuple(found.rejects[: self._most_listed]),
            listed_of=found.listed_of,
            notices=tuple(notices),
            marks=(),
            ends=found.ends,
        )
        repeated = [name for name, seen in self._seen.items() if seen.repeats()]
        if any(repeated):
            raise IrregularError
        if repeated:
            summary = self._without_repeats(summary)
        same = self._copies.repeats() if self._copies is not None else 0
        doubts = doubts_of(self._contract, pl.scan_parquet(self._place), summary.height, same)
        return replace(summary, notices=(*summary.notices, *doubts))

    def _without_repeats(self, summary: Summary) -> Summary:
        """Take the rows out that repeat an earlier row's key; a second look at the text tells which they are."""
        numbers = self._seen[""].repeated()
        rows: list[Repeated] = []
        for block in self._source.blocks():
            keyed = [at for at, item in enumerate(self._contract.fields) if item.name in self._contract.primary_key]
            typed = {self._contract.fields[at].name: read_cells(self._columns[at], block.texts[at]).values for at in keyed}
            frame = pl.DataFrame([typed[name] for name in self._contract.primary_key])
            for at in self._seen[""].among(frame, numbers):
                cells = tuple(column[at] for column in block.texts)
                number = int(block.numbers[at])
                address = self._source.address(number, self._contract.field(self._contract.primary_key[0]))
                rows.append(Repeated(number, int(block.lines[at]), frame.row(at), cells, address))
            if len(rows) > _MOST_REPEATS:
                raise IrregularError
        return without_repeats(self._contract, summary, rows, self._place, self._most_listed)


def _ahead(found: Iterator[Block]) -> Iterator[Block]:
    """Part the next block while one is typed."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, found, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, found, None)
            yield block


def _uniques(contract: Contract) -> list[tuple[str, tuple[str, ...]]]:
    """Name what may stand once only: the key under an empty name, and fields."""
    found = [("", contract.primary_key)] if contract.primary_key else []
    return [*found, *((item.name, (item.name,)) for item in contract.fields if item.unique)]


def _later(end: End | None, values: pl.Series) -> End:
    last: Any = values.max()
    missing = values.null_count()
    if end is None:
        return End(last, missing)
    newest = last if end.last is None else end.last if last is None else max(last, end.last)
    return End(newest, end.missing + missing)
