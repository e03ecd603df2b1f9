"""Tables in parts: a selection is cut into blocks under a server's limits, and the answers are put together again.

A block has a half-open range of positions for each dimension. Blocks of one plan cover every cell exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from tulosvahti.core.cube import Cube, Dimension, strides

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

Block = tuple[tuple[int, int], ...]
_STEPS = 20_000
"""Places that the search for the best grid looks at before it takes the best so far."""


class DoNotFitError(Exception):
    """Parts are not what was asked for; the message says which and how."""


@dataclass(frozen=True)
class Bounds:
    """What one query may select: cells, and codes of all variables together; 0: any number."""

    cells: int = 0
    values: int = 0

    def allow(self, sizes: Sequence[int]) -> bool:
        """Tell whether one query may select that many codes of each variable."""
        return (not self.cells or prod(sizes) <= self.cells) and (not self.values or sum(sizes) <= self.values)


def blocks_of(sizes: Sequence[int], bounds: Bounds) -> list[Block]:
    """Cut a selection into as few blocks as a grid or a stack of slabs needs, whichever is fewer.

    Raises:
        DoNotFitError: not even one cell is allowed.

    """
    if not bounds.allow([1] * len(sizes)):
        msg = f"one cell needs {len(sizes)} codes, and the server allows {bounds.values}"
        raise DoNotFitError(msg)
    if bounds.allow(sizes):
        return [tuple((0, size) for size in sizes)]
    grid = _grid(tuple(sizes), bounds)
    slabs = _slabs(bounds)
    if slabs.count(tuple(sizes)) < prod(-(-size // chunk) for size, chunk in zip(sizes, grid, strict=True)):
        return list(slabs.made(tuple((0, size) for size in sizes)))
    cuts = [[(at, min(at + chunk, size)) for at in range(0, size, chunk)] for size, chunk in zip(sizes, grid, strict=True)]
    return [tuple(block) for block in product(*cuts)]


def halves(block: Block) -> list[Block]:
    """Cut a block in two along its longest side; one cell stays as it is."""
    longest = max(range(len(block)), key=lambda at: block[at][1] - block[at][0], default=-1)
    if longest < 0 or block[longest][1] - block[longest][0] < 2:  # noqa: PLR2004
        return [block]
    start, stop = block[longest]
    middle = (start + stop) // 2
    return [(*block[:longest], side, *block[longest + 1 :]) for side in ((start, middle), (middle, stop))]


def _grid(sizes: tuple[int, ...], bounds: Bounds) -> tuple[int, ...]:
    """Give the sides of equal blocks of which fewest are needed (branch and bound, bounded)."""
    order = sorted(range(len(sizes)), key=lambda at: -sizes[at])
    best: tuple[int, tuple[int, ...]] = (prod(sizes), (1,) * len(sizes))
    looked = 0

    def search(depth: int, chosen: tuple[int, ...], blocks: int) -> None:
        nonlocal best, looked
        looked += 1
        rest = [sizes[at] for at in order[depth:]]
        if not bounds.allow([*chosen, *([1] * len(rest))]):
            return
        fewest = blocks
        if bounds.cells:
            fewest = blocks * max(-(-prod(rest) * prod(chosen) // bounds.cells), 1)
        if fewest >= best[0] or looked > _STEPS:
            return
        if depth == len(order):
            sides = [0] * len(order)
            for at, side in zip(order, chosen, strict=True):
                sides[at] = side
            best = (blocks, tuple(sides))
            return
        size = sizes[order[depth]]
        for pieces in _pieces(size):
            search(depth + 1, (*chosen, -(-size // pieces)), blocks * pieces)

    search(0, (), 1)
    return best[1]


def _pieces(size: int) -> Iterator[int]:
    """Give the numbers of pieces that differ in their length, fewest first."""
    last = 0
    for pieces in range(1, size + 1):
        length = -(-size // pieces)
        if length != last:
            yield pieces
            last = length


class _Slabs:
    """Blocks by slabs: cut along one variable into slabs as thick as is allowed, and each slab again."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.count = lru_cache(maxsize=None)(self._count)

    def _cut(self, sizes: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
        """Give each way of cutting: the variable, the thickness of a slab, how many blocks it makes."""
        for at, size in enumerate(sizes):
            if size == 1:
                continue
            others = [*sizes[:at], *sizes[at + 1 :]]
            thick = size - 1
            if self._bounds.cells:
                thick = min(thick, self._bounds.cells // prod(others))
            if self._bounds.values:
                thick = min(thick, self._bounds.values - sum(others))
            thick = max(thick, 1)
            whole, rest = divmod(size, thick)
            slab = (*sizes[:at], thick, *sizes[at + 1 :])
            left = (*sizes[:at], rest, *sizes[at + 1 :])
            yield at, thick, whole * self.count(slab) + (self.count(left) if rest else 0)

    def _count(self, sizes: tuple[int, ...]) -> int:
        if self._bounds.allow(sizes):
            return 1
        return min(blocks for _, _, blocks in self._cut(sizes))

    def made(self, block: Block) -> Iterator[Block]:
        """Give the blocks."""
        sizes = tuple(stop - start for start, stop in block)
        if self._bounds.allow(sizes):
            yield block
            return
        at, thick, _ = min(self._cut(sizes), key=lambda cut: cut[2])
        start, stop = block[at]
        for first in range(start, stop, thick):
            yield from self.made((*block[:at], (first, min(first + thick, stop)), *block[at + 1 :]))


def _slabs(bounds: Bounds) -> _Slabs:
    return _Slabs(bounds)


def fits(part: Cube, asked: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Say how an answer differs from what was asked for (variables with their codes); empty where it does not."""
    codes = dict(asked)
    names = [item.code for item in part.dimensions]
    if missing := [name for name in codes if name not in names]:
        return f"variables are missing: {', '.join(missing)}"
    for item in part.dimensions:
        if item.code not in codes:
            if len(item.categories) != 1:
                return f"there is a variable that was not asked for: {item.code}"
            continue
        got, wanted = set(item.codes), set(codes[item.code])
        if got != wanted:
            lost = [code for code in codes[item.code] if code not in got]
            over = [code for code in item.codes if code not in wanted]
            told = f"{len(lost)} of {len(wanted)} values are missing ({', '.join(lost[:3])})" if lost else ""
            more = f"{len(over)} values were not asked for ({', '.join(over[:3])})" if over else ""
            return f"of {item.code} " + " and ".join(text for text in (told, more) if text)
    return ""


def joined(asked: Sequence[tuple[str, Sequence[str]]], parts: Sequence[tuple[Block, Cube]]) -> Cube:
    """Put answers together; ``asked`` has all variables with all their codes, in the order wanted.

    Raises:
        DoNotFitError: an answer is not its block, or cells are not covered exactly once.

    """
    sizes = [len(codes) for _, codes in asked]
    cells = prod(sizes)
    steps = strides(sizes)
    values: list[Decimal | None] = [None] * cells
    seen = bytearray(cells)
    symbols: dict[int, str] = {}
    remarks: dict[int, str] = {}
    provisional: set[int] = set()
    first = parts[0][1]
    for block, part in parts:
        wanted = [(name, codes[start:stop]) for (name, codes), (start, stop) in zip(asked, block, strict=True)]
        if told := fits(part, wanted):
            raise DoNotFitError(told)
        for at, place in enumerate(_places(part, asked, steps)):
            if seen[place]:
                msg = "a figure came twice"
                raise DoNotFitError(msg)
            seen[place] = 1
            values[place] = part.values[at]
            if at in part.symbols:
                symbols[place] = part.symbols[at]
            if at in part.remarks:
                remarks[place] = part.remarks[at]
            if at in part.provisional:
                provisional.add(place)
    if not all(seen):
        msg = f"{seen.count(0)} of {cells} figures did not come"
        raise DoNotFitError(msg)
    return replace(
        first,
        dimensions=tuple(_whole(name, codes, [part for _, part in parts]) for name, codes in asked),
        values=values,
        symbols=symbols,
        remarks=remarks,
        provisional=frozenset(provisional),
        notes=tuple(dict.fromkeys(note for _, part in parts for note in part.notes)),
        not_additive=next((part.not_additive for _, part in parts if part.not_additive), ""),
        symbol_texts={symbol: text for _, part in parts for symbol, text in part.symbol_texts.items()},
    )


def _places(part: Cube, asked: Sequence[tuple[str, Sequence[str]]], steps: Sequence[int]) -> Iterator[int]:
    """Give where each figure of a part belongs, in the part's own order of variables and codes."""
    offsets = []
    known = {name: (step, {code: at for at, code in enumerate(codes)}) for (name, codes), step in zip(asked, steps, strict=True)}
    for item in part.dimensions:
        step, index = known.get(item.code, (0, {}))
        offsets.append([step * index.get(code, 0) for code in item.codes])
    for moves in product(*offsets):
        yield sum(moves)


def _whole(name: str, codes: Sequence[str], parts: Sequence[Cube]) -> Dimension:
    found = [item for part in parts for item in part.dimensions if item.code == name]
    categories = {one.code: one for item in found for one in item.categories}
    notes = tuple(dict.fromkeys(note for item in found for note in item.notes))
    return replace(found[0], categories=tuple(categories[code] for code in codes), notes=notes)
