"""The total at the end of a register: a row that sums the others up is no row itself.

Convention: a total is looked for in the last row only, of a contract with a primary key or a named total. It is known by
what its key says, or by a blank key where every figure is the sum of its column.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.core.contract import FieldType
from tulosvahti.core.quantity import plain, plain_decimal
from tulosvahti.load.headers import name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.load.records import Value

_WORDS = frozenset({
    "yhteensä", "yht", "summa", "loppusumma", "kaikki yhteensä", "kaikki", "koko maa yhteensä", "totalt", "sammanlagt",
    "summa totalt", "totalsumma", "total", "totals", "sum", "grand total", "in total",
})  # fmt: skip
_NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})
_LEAST = 2


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
    if contract.keeps_total or at < 1 or not (contract.primary_key or contract.total_row):
        return None
    cells = {item.name: column[at] for item, column in zip(contract.fields, texts, strict=True)}
    word = _word(contract, cells)
    blank = not word and all(_blank(contract.field(name), cells[name]) for name in contract.primary_key)
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
    """Tell whether a last row with these cells, by field, has to be looked at: ``found_total`` says None of all others."""
    if contract.keeps_total or not (contract.primary_key or contract.total_row):
        return False
    return bool(_word(contract, cells)) or all(_blank(contract.field(name), cells[name]) for name in contract.primary_key)


def _word(contract: Contract, cells: Mapping[str, Value]) -> str:
    """Give what the row says of itself; empty where it says nothing of a total."""
    wanted = {contract.total_row.casefold()} if contract.total_row else _WORDS
    names = [item.name for item in contract.fields] if contract.total_row else contract.primary_key
    for name in names:
        text = cells[name]
        if isinstance(text, str) and name_of(text).casefold().rstrip(" :.") in {word.rstrip(" :.") for word in wanted}:
            return repr(name_of(text))
    return ""


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
