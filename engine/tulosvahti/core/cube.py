"""A table of a statistical office: dimensions with their codes, and one figure for each combination of codes.

Figures stand in row-major order: the last dimension varies fastest. A figure is an exact number or missing, then with the
symbol that the office put there; a missing one is never 0. Codes belong to their dimension by position: the same code
may stand in two of them (``SSS`` is the whole country in one and both sexes in another).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

TIME, METRIC, GEO = "time", "metric", "geo"
VALUE, SYMBOL, MEANING, PROVISIONAL, REMARK = COLUMNS = ("value", "symbol", "meaning", "provisional", "remark")
"""Columns of a table's rows besides its dimensions."""
MEANINGS = {
    ".": "not applicable, or no figure is given",
    "..": "not available",
    "...": "confidential, or too uncertain to be shown",
    "....": "not available yet",
    ":": "confidential",
    "-": "nil: nothing occurred",
    "": "no figure and no symbol",
}
"""What symbols mean where the office does not say otherwise (PX-file keywords DATASYMBOL1 to 6 and DATASYMBOLNIL)."""


@dataclass(frozen=True)
class Category:
    """One value of a dimension. ``unit`` and ``decimals`` are of what is measured; ``parent`` of a hierarchy."""

    code: str
    text: str = ""
    notes: tuple[str, ...] = ()
    unit: str = ""
    decimals: int | None = None
    parent: str = ""


@dataclass(frozen=True)
class Dimension:
    """One variable; ``role`` is time, metric, geo or empty."""

    code: str
    text: str
    categories: tuple[Category, ...]
    role: str = ""
    notes: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in their order."""
        return tuple(item.code for item in self.categories)


@dataclass(frozen=True)
class Cube:
    """A table. ``symbols``, ``provisional`` and ``remarks`` are by position in ``values``.

    ``not_additive``: why parts need not make their total, in the office's words; empty where nothing says so.
    ``updated``: as the office wrote it.
    """

    dimensions: tuple[Dimension, ...]
    values: Sequence[Decimal | None] = field(repr=False)
    symbols: Mapping[int, str] = field(default_factory=dict, repr=False)
    provisional: frozenset[int] = field(default=frozenset(), repr=False)
    remarks: Mapping[int, str] = field(default_factory=dict, repr=False)
    title: str = ""
    source: str = ""
    table: str = ""
    updated: str = ""
    notes: tuple[str, ...] = ()
    not_additive: str = ""
    symbol_texts: Mapping[str, str] = field(default_factory=dict)
    """What symbols mean where the office says it."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each dimension."""
        return tuple(len(item.categories) for item in self.dimensions)

    @property
    def cells(self) -> int:
        """Number of figures, missing ones too."""
        return prod(self.sizes)

    def meaning(self, symbol: str) -> str:
        """Say what a symbol means."""
        return self.symbol_texts.get(symbol) or MEANINGS.get(symbol, "a symbol that the office does not explain here")

    def at(self, *codes: str) -> int:
        """Give the position of the figure of one code for each dimension.

        Raises:
            KeyError: a dimension has no such code.

        """
        position = 0
        for item, code in zip(self.dimensions, codes, strict=True):
            if code not in item.codes:
                raise KeyError(item.code, code)
            position = position * len(item.categories) + item.codes.index(code)
        return position

    def slice(self, dimension: int, category: int) -> Cube:
        """Give the figures of one category of a dimension, without that dimension; marks and notes of the table stay."""
        inner = prod(self.sizes[dimension + 1 :])
        block = inner * len(self.dimensions[dimension].categories)
        places = [
            start + at for start in range(category * inner, self.cells, block) for at in range(inner)
        ] if block else []  # fmt: skip
        new = {place: at for at, place in enumerate(places)}
        return replace(
            self,
            dimensions=(*self.dimensions[:dimension], *self.dimensions[dimension + 1 :]),
            values=[self.values[place] for place in places],
            symbols={new[place]: symbol for place, symbol in self.symbols.items() if place in new},
            provisional=frozenset(new[place] for place in self.provisional if place in new),
            remarks={new[place]: text for place, text in self.remarks.items() if place in new},
        )

    def figure(self, *codes: str) -> Decimal | None:
        """Give the figure of one code for each dimension; None where it is missing."""
        return self.values[self.at(*codes)]


def strides(sizes: Sequence[int]) -> list[int]:
    """Give how far apart neighbours of each dimension stand."""
    found, step = [], 1
    for size in reversed(sizes):
        found.append(step)
        step *= size
    return found[::-1]
