"""What stands at the end of a register and is no row of it: a total that sums the rows up, and notes below it.

Convention: a total is looked for in the last row only. It is known by what its key says (without a key: its first text),
or by a blank key where every figure is the sum of its column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.core.contract import FieldType
from tulosvahti.core.quantity import plain, plain_decimal
from tulosvahti.load.headers import name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.load.records import Records, Value

_WORDS = frozenset({
    "yhteensä", "yht", "summa", "loppusumma", "kaikki yhteensä", "kaikki", "koko maa yhteensä", "totalt", "sammanlagt",
    "summa totalt", "totalsumma", "total", "totals", "sum", "grand total", "in total",
})  # fmt: skip
_PHRASE = re.compile(r"(?:.*\s)?(?:yhteensä|summa|totalt|sammanlagt|total)")
_MARK = re.compile(r"[\s*:.\u00b9\u00b2\u00b3\u2070-\u2079]+\Z|(?<=[^\W\d])\d\)?\Z")
"""Marks of footnotes after a word."""
_NOTE = re.compile(
    r"\s*(?:\(?\d{1,2}\)|\*+|[\u00b9\u00b2\u00b3\u2070-\u2079]|(?:huom|huomautus|lähde|lähteet|källa|källor|anm|obs|source|sources|note|notes)\b[.:]?)"
    r"\s*\S.*",
    re.IGNORECASE | re.DOTALL,
)
_NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})
_LEAST = 2
_LONGEST, _SHOWN = 2000, 80


@dataclass(frozen=True)
class Total:
    """A total row: ``told`` is what it says; ``wrong``: fields whose figure is not the sum, each with a sentence."""

    at: int
    told: str
    notice: str
    wrong: tuple[tuple[str, str], ...] = ()


def found_total(
    contract: Contract,
    texts: Sequence[Sequence[Value]],
    frame: pl.DataFrame,
    faulty: Collection[tuple[int, str]],
    place: str,
) -> Total | None:
    """Give the total row of a delivery; None where the last row is a row as any other.

    ``texts``: the columns of the contract's fields as they stand in the file; ``frame``: the same, typed; ``faulty``:
    cells by row and field that are no values; ``place``: the last row as it is shown.
    """
    at = frame.height - 1
    if contract.keeps_total or at < 1:
        return None
    cells = {item.name: column[at] for item, column in zip(contract.fields, texts, strict=True)}
    word = _word(contract, cells, texts)
    blank = not word and _without_key(contract, cells)
    if not word and not blank:
        return None
    figures = [item for item in contract.fields if item.type in _NUMBERS and item.name not in contract.primary_key and frame[item.name][at] is not None]
    right, wrong, apart = _compared(frame, figures, at, faulty)
    if blank and not word:
        others = [item for item in contract.fields if item not in figures]
        if at < _LEAST or wrong or apart or not right or not all(_blank(item, cells[item.name]) for item in others):
            return None
        if not any(frame[item.name][at] for item in figures):
            return None
    told = word or "without a key"
    notice = f"the last row is a total and no row itself: {place}, {told}"
    if right:
        notice += f"; its figures are the sums of their columns: {', '.join(right)}"
    if apart:
        notice += f"; not compared: {', '.join(apart)}"
    return Total(at, told, notice, tuple(wrong))


def may_be_total(contract: Contract, cells: Mapping[str, Value]) -> bool:
    """Tell whether a last row with these cells, by field, has to be looked at: it is a row as any other where not."""
    if len(cells) > 1 and _is_note([text for text in cells.values() if not isinstance(text, str) or text.strip()]):
        return True
    return not contract.keeps_total and (bool(_word(contract, cells)) or _without_key(contract, cells))


def _without_key(contract: Contract, cells: Mapping[str, Value]) -> bool:
    return bool(contract.primary_key) and all(_blank(contract.field(name), cells[name]) for name in contract.primary_key)


def _word(contract: Contract, cells: Mapping[str, Value], texts: Sequence[Sequence[Value]] = ()) -> str:
    """Give what the row says of itself; empty where it says nothing of a total, or other rows say the same."""
    labels = [item.name for item in contract.fields if item.type is FieldType.STRING]
    names = [item.name for item in contract.fields] if contract.total_row else contract.primary_key or labels[:1]
    columns = dict(zip((item.name for item in contract.fields), texts, strict=False))
    for name in names:
        text = cells[name]
        if not isinstance(text, str) or not text.strip():
            continue
        if contract.total_row:
            found = _MARK.sub("", name_of(text).casefold()) == _MARK.sub("", contract.total_row.casefold())
        else:
            # A code such as TOTAL that stands in many rows names a group: its rows are rows.
            found = says_total(text) and columns.get(name, [text]).count(text) == 1
        if found:
            return repr(name_of(text))
    return ""


def says_total(text: str) -> bool:
    """Tell a text that says of its row that it is a total."""
    said = _MARK.sub("", name_of(text).casefold())
    return said in _WORDS or _PHRASE.fullmatch(said) is not None


def _is_note(cells: Sequence[Value]) -> bool:
    return len(cells) == 1 and isinstance(cells[0], str) and _NOTE.fullmatch(cells[0][:_LONGEST]) is not None


def without_notes(contract: Contract, records: Records) -> tuple[Records, str]:
    """Leave out the notes below a table: last rows in which one cell has something, and that says that it is a note."""
    wanted = {item.column for item in contract.fields}
    columns = [column for name, column in zip(records.header, records.columns, strict=True) if name in wanted]
    found: list[str] = []
    while len(contract.fields) > 1 and len(found) < len(records.numbers):
        at = len(records.numbers) - len(found) - 1
        cells: list[Value]
        if at in records.ragged:
            cells = [records.ragged[at][1].strip(" ;,|\t")]
        else:
            cells = [text for text in (column[at] for column in columns) if not isinstance(text, str) or text.strip()]
        if not _is_note(cells):
            break
        found.append(name_of(str(cells[0])))
    if not found:
        return records, ""
    end = len(records.numbers) - len(found)
    shown = found[-1] if len(found[-1]) <= _SHOWN else f"{found[-1][:_SHOWN]}…"
    kept = replace(
        records,
        columns=[column[:end] for column in records.columns],
        numbers=records.numbers[:end],
        lines=records.lines[:end],
        ragged={at: what for at, what in records.ragged.items() if at < end},
    )
    return kept, f"{len(found)} notes stand below the table and are no rows; the first: {shown!r}"


def _blank(item: Field, value: Value) -> bool:
    return isinstance(value, str) and (not value.strip() or value.strip() in {text.strip() for text in item.missing_values})


def _compared(
    frame: pl.DataFrame, figures: Sequence[Field], at: int, faulty: Collection[tuple[int, str]]
) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """Compare each figure with the sum of its column: those that are it, those that are not, those that need not be."""
    right, wrong, apart = [], [], []
    broken = {name for row, name in faulty if row != at}
    for item in figures:
        values = frame[item.name][:at]
        stated = Decimal(frame[item.name][at])
        total = Decimal(values.sum() or 0)
        shown = f"{item.column} {plain(plain_decimal(stated))}"
        if stated == total and values.null_count() < at:
            right.append(shown)
            continue
        least, most = values.min(), values.max()
        mean = least is not None and Decimal(least) <= stated <= Decimal(most)  # type: ignore[arg-type]
        if item.percent or item.name in broken or least is None or mean:
            # A share or a mean lies among the values it is of; a column with faults has no sum yet.
            apart.append(shown)
            continue
        sentence = (
            f"the total row says {plain(plain_decimal(stated))}, the rows above sum up to {plain(plain_decimal(total))}, "
            f"difference {plain(plain_decimal(stated - total))}: rows are missing, doubled or wrong"
        )
        wrong.append((item.name, sentence))
    return right, wrong, apart
