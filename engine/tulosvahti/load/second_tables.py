"""A header in the middle of a table: files glued together.

The same header again is a row that is none; another header begins another table, and what stands below it is not of the
contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.contract import FieldType
from tulosvahti.load.headers import name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tulosvahti.core.contract import Contract
    from tulosvahti.load.records import Value

_FEWEST = 2


@dataclass(frozen=True)
class Glued:
    """Rows that are headers: ``again`` the same one; ``other``: the first of another table, which goes on to the end."""

    again: tuple[int, ...] = ()
    other: int | None = None


def glued(
    contract: Contract,
    texts: Sequence[Sequence[Value]],
    faults: Mapping[str, Collection[int]],
    ragged: Iterable[tuple[int, Sequence[str]]],
) -> Glued:
    """Find the headers below the first.

    ``texts``: the columns of the contract's fields as they stand in the file; ``faults``: rows by field whose cell is no
    value of it; ``ragged``: rows of another width, with their cells.
    """
    fields = contract.fields
    if len(fields) < _FEWEST:
        return Glued()
    names = [item.column for item in fields]
    again = tuple(at for at in _at(texts[0], names[0]) if _row(texts, at) == names)
    others = [at for at, cells in ragged if len({name_of(cell) for cell in cells} & set(names)) >= min(_FEWEST, len(names))]
    typed = [item.name for item in fields if item.type is not FieldType.STRING]
    if typed:
        shared = set.intersection(*(set(faults.get(name, ())) for name in typed))
    else:
        # Of texts alone, a header is known by the names in it.
        shared = {at for column, name in zip(texts, names, strict=True) for at in _at(column, name)}
    others += [at for at in shared if at not in again and _is_header(_row(texts, at), names, len(typed))]
    return Glued(again, min(others, default=None))


def _is_header(row: Sequence[str], names: Sequence[str], typed: int) -> bool:
    """Tell names of columns from a row of bad values: some are the contract's own, or all are different words."""
    if not typed:
        return set(row) == set(names)
    own = set(row) & set(names)
    if len(own) >= _FEWEST or any(cell == name for cell, name in zip(row, names, strict=True)):
        return True
    words = all(cell and any(mark.isalpha() for mark in cell) and not cell[0].isdigit() for cell in row)
    return typed >= _FEWEST and words and len(set(row)) == len(row)


def _at(column: Sequence[Value], name: str) -> list[int]:
    return [at for at, text in enumerate(column) if isinstance(text, str) and name in text and name_of(text) == name]


def _row(texts: Sequence[Sequence[Value]], at: int) -> list[str]:
    return [name_of(text) if isinstance(text, str) else "" for text in (column[at] for column in texts)]
