"""Cutting a selection into blocks and joining the answers: every cell exactly once, whatever the limits."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.core.cube import Category, Cube, Dimension
from tulosvahti.core.cube_parts import Block, Bounds, DoNotFitError, blocks_of, fits, halves, joined

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def table(asked: list[tuple[str, tuple[str, ...]]], whole: list[tuple[str, tuple[str, ...]]], *, turned: bool = False) -> Cube:
    """Give a part as a server would: its figure tells which cell it is; every seventh is missing."""
    order = list(reversed(asked)) if turned else asked
    places = {name: {code: at for at, code in enumerate(codes)} for name, codes in whole}
    steps = {}
    step = 1
    for name, codes in reversed(whole):
        steps[name] = step
        step *= len(codes)
    values: list[Decimal | None] = []
    symbols, provisional = {}, set()
    for at, chosen in enumerate(product(*(codes for _, codes in order))):
        cell = sum(places[name][code] * steps[name] for (name, _), code in zip(order, chosen, strict=True))
        values.append(None if cell % 7 == 0 else Decimal(cell))
        if cell % 7 == 0:
            symbols[at] = "."
        if cell % 5 == 0:
            provisional.add(at)
    dimensions = tuple(Dimension(name, name, tuple(Category(code, code) for code in codes)) for name, codes in order)
    return Cube(dimensions, values, symbols, frozenset(provisional))


def asked_for(sizes: list[int]) -> list[tuple[str, tuple[str, ...]]]:
    # The same codes in every variable: they belong to it by position.
    return [(f"v{at}", tuple(f"c{number}" for number in range(size))) for at, size in enumerate(sizes)]


def part_of(whole: list[tuple[str, tuple[str, ...]]], block: Block) -> list[tuple[str, tuple[str, ...]]]:
    return [(name, codes[start:stop]) for (name, codes), (start, stop) in zip(whole, block, strict=True)]


@settings(max_examples=300, deadline=None)
@given(SIZES, st.integers(1, 80), st.integers(0, 20))
def test_every_cell_is_in_exactly_one_block_and_no_block_passes_the_limits(sizes: list[int], cells: int, values: int) -> None:
    bounds = Bounds(cells, values if values >= len(sizes) else 0)
    blocks = blocks_of(sizes, bounds)
    seen = [cell for block in blocks for cell in product(*(range(*side) for side in block))]
    assert sorted(seen) == sorted(product(*map(range, sizes)))
    assert all(bounds.allow([stop - start for start, stop in block]) for block in blocks)


@settings(max_examples=200, deadline=None)
@given(SIZES, st.integers(1, 80), st.booleans(), st.randoms(use_true_random=False))
def test_any_cutting_gives_the_same_cells_as_one_query(sizes, cells, turned, random) -> None:
    whole = asked_for(sizes)
    one = table(whole, whole)
    parts = [(block, table(part_of(whole, block), whole, turned=turned)) for block in blocks_of(sizes, Bounds(cells))]
    random.shuffle(parts)
    together = joined(whole, parts)
    assert (together.values, together.symbols, together.provisional) == (one.values, one.symbols, one.provisional)
    assert together.sizes == tuple(sizes)


@settings(deadline=None)
@given(SIZES, st.integers(1, 40), st.data())
def test_a_part_that_is_lost_or_cut_is_seen(sizes, cells, data) -> None:
    whole = asked_for(sizes)
    parts = [(block, table(part_of(whole, block), whole)) for block in blocks_of(sizes, Bounds(cells))]
    at = data.draw(st.integers(0, len(parts) - 1))
    if len(parts) > 1:
        with pytest.raises(DoNotFitError, match="figures did not come"):
            joined(whole, [*parts[:at], *parts[at + 1 :]])
        with pytest.raises(DoNotFitError, match="came twice"):
            joined(whole, [*parts, parts[at]])
    block, part = parts[at]
    longest = max(range(len(sizes)), key=lambda axis: block[axis][1] - block[axis][0])
    if block[longest][1] - block[longest][0] > 1:
        start, stop = block[longest]
        cut = (*block[:longest], (start, stop - 1), *block[longest + 1 :])
        with pytest.raises(DoNotFitError, match=f"of v{longest} 1 of {stop - start} values are missing"):
            joined(whole, [(block, table(part_of(whole, cut), whole))])
    assert not fits(part, part_of(whole, block))


@pytest.mark.parametrize(
    ("sizes", "bounds", "blocks"),
    [
        ([2100, 2000], Bounds(100_000), 42),
        ([10_000, 400], Bounds(120_000, 120_000), 34),
        ([290, 2, 101, 30], Bounds(150_000), 12),
        ([6000], Bounds(100_000, 5000), 2),
        ([3, 3], Bounds(), 1),
    ],
)
def test_as_few_queries_as_the_limits_allow(sizes: list[int], bounds: Bounds, blocks: int) -> None:
    found = blocks_of(sizes, bounds)
    fewest = -(-prod(sizes) // bounds.cells) if bounds.cells else 1
    assert len(found) == max(blocks, fewest)


def test_a_limit_below_one_cell_is_told() -> None:
    with pytest.raises(DoNotFitError, match="one cell needs 3 codes, and the server allows 2"):
        blocks_of([2, 2, 2], Bounds(100, 2))


def test_halves_cover_their_block() -> None:
    assert halves(((0, 2), (4, 9))) == [((0, 2), (4, 6)), ((0, 2), (6, 9))]
    assert halves(((3, 4),)) == [((3, 4),)]
