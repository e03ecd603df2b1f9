"""Tables of statistical offices as rows of a delivery: one row for each figure, missing ones too.

Columns: ``CODE`` of each dimension with its codes, ``CODE.text`` with their names, ``CODE.parent`` in a hierarchy, and
``value``, ``symbol`` (why it is missing), ``meaning`` of the symbol, ``provisional`` (``true`` or ``false``), ``remark``.
A dimension's column may also be asked for by the dimension's name, and then has names. A contract that names contents
(values of what is measured, by code or name) gets a column of figures for each of them, with ``NAME.symbol`` beside it,
and one row for all of them. Only the contract's columns are
made. The asterisk of a preliminary period is taken off its code: it is in ``provisional``.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from tulosvahti.core.contract import FieldType
from tulosvahti.core.cube import COLUMNS, MEANING, METRIC, PROVISIONAL, REMARK, SYMBOL, TIME, VALUE, strides
from tulosvahti.core.fetched import Mark, MarkKind
from tulosvahti.core.period_codes import PRELIMINARY, period_of_code
from tulosvahti.core.quantity import plain
from tulosvahti.load.cubes.marks import read_stamp, says_preliminary
from tulosvahti.load.records import Odd, Records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.cube import Category, Cube, Dimension
    from tulosvahti.load.records import Value

TRUE, FALSE = "true", "false"
_NOTES, _LONGEST = 20, 300


def records_of(contract: Contract, cube: Cube) -> Records:
    """Make the rows of a table that the contract asks for."""
    wanted = {item.column: item for item in contract.fields}
    offered = dict(_columns(contract, cube))
    rows = cube
    if contents := _contents(cube, wanted.keys() - offered.keys()):
        rows = next(iter(contents.values()))
        offered = dict(_wide(contract, contents))
    # What is only on offer is no column that the contract ignores; where one is missing, it may be what was meant.
    header = list(offered) if wanted.keys() - offered.keys() else [title for title in offered if title in wanted]
    columns = [offered[title](wanted[title]) if title in wanted else [] for title in header]
    numbers = range(2, rows.cells + 2)
    notices = (*_notices(cube), *_unread(rows, wanted.keys()))
    return Records(header, columns, numbers, numbers, notices=notices, keys=_Keys(rows), marks=tuple(_marks(cube)))


def _unread(cube: Cube, names: AbstractSet[str]) -> Iterable[str]:
    """Tell which variables of several values the contract does not read: their rows look the same, and would be added."""
    for item in cube.dimensions:
        read = {item.code, item.text, f"{item.code}.code", f"{item.code}.text"} & names
        if not read and len(item.categories) > 1:
            yield (
                f"variable {item.code!r} has {len(item.categories)} values and no field reads it: rows that it tells apart "
                "look the same, and sums count all of them"
            )


def _contents(cube: Cube, names: AbstractSet[str]) -> dict[str, Cube]:
    """Give the figures of each of the contents that are asked for by name; none where the contract names none."""
    for at, item in enumerate(cube.dimensions):
        if item.role == METRIC:
            found = {name: index for index, one in enumerate(item.categories) for name in (one.code, one.text) if name in names}
            return {name: cube.slice(at, index) for name, index in found.items()}
    return {}


def _wide(contract: Contract, contents: Mapping[str, Cube]) -> Iterable[tuple[str, Callable[[Field], Sequence[Value]]]]:
    first = next(iter(contents.values()))
    own = {VALUE, SYMBOL, MEANING, REMARK}
    yield from ((title, make) for title, make in _columns(contract, first) if title not in own)
    for name, part in contents.items():
        yield name, partial(_values, cube=part, zeros=frozenset(contract.zero_symbols))
        yield f"{name}.{SYMBOL}", partial(_symbols, cube=part)
    marked = frozenset(at for part in contents.values() for at in part.provisional)
    yield PROVISIONAL, lambda _: [TRUE if at in marked else FALSE for at in range(first.cells)]


def _symbols(_: Field, cube: Cube) -> Sequence[Value]:
    return [cube.symbols.get(at, "") for at in range(cube.cells)]


class _Keys:
    """What each row is about, as a reject names it: made only for the rows that are asked for."""

    def __init__(self, cube: Cube) -> None:
        self._cube = cube
        self._steps = strides(cube.sizes)

    def __getitem__(self, at: int) -> str:
        """Name the codes of a row: ``Alue KU091, Vuosi 2025``."""
        return ", ".join(
            f"{item.code} {item.categories[at // step % len(item.categories)].code}"
            for item, step in zip(self._cube.dimensions, self._steps, strict=True)
        )


def _columns(contract: Contract, cube: Cube) -> Iterable[tuple[str, Callable[[Field], Sequence[Value]]]]:
    steps = strides(cube.sizes)
    for item, step in zip(cube.dimensions, steps, strict=True):
        # A dimension that is called like one of our own columns keeps its place behind its own name.
        if item.text != item.code:
            yield item.text, _texts(cube, item, step, lambda one: one.text)
    for item, step in zip(cube.dimensions, steps, strict=True):
        title = f"{item.code}.code" if item.code in COLUMNS else item.code
        codes = _code_in_time if item.role == TIME else _code
        yield title, _texts(cube, item, step, codes)
        yield f"{item.code}.text", _texts(cube, item, step, lambda one: one.text)
        if any(one.parent for one in item.categories):
            yield f"{item.code}.parent", _texts(cube, item, step, lambda one: one.parent)
    zeros = frozenset(contract.zero_symbols)
    yield VALUE, partial(_values, cube=cube, zeros=zeros)
    yield SYMBOL, partial(_symbols, cube=cube)
    yield MEANING, lambda _: [_meaning(cube, at) for at in range(cube.cells)]
    yield PROVISIONAL, lambda _: [TRUE if at in cube.provisional else FALSE for at in range(cube.cells)]
    yield REMARK, lambda _: [cube.remarks.get(at, "") for at in range(cube.cells)]


def _code(one: Category) -> str:
    return one.code


def _code_in_time(one: Category) -> str:
    bare = one.code.rstrip().removesuffix(PRELIMINARY)
    return bare if period_of_code(bare) is not None else one.code


def _texts(cube: Cube, item: Dimension, step: int, text: Callable[[Category], str]) -> Callable[[Field], Sequence[Value]]:
    def made(_: Field) -> Sequence[Value]:
        block: list[Value] = [text(one) for one in item.categories for _ in range(step)]
        return block * (cube.cells // len(block)) if block else []

    return made


def _values(field: Field, cube: Cube, zeros: frozenset[str]) -> Sequence[Value]:
    kind = field.type
    # A symbol that the contract knows stands in place of its figure, as in any other file.
    instead = {at: symbol for at, symbol in cube.symbols.items() if symbol in field.missing_values}
    if kind is FieldType.STRING:
        return [instead.get(at, "") if value is None else plain(value) for at, value in enumerate(cube.values)]
    nil = {at for at, symbol in cube.symbols.items() if symbol in zeros}
    found: list[Value] = []
    for at, value in enumerate(cube.values):
        if value is None:
            found.append((0 if kind is FieldType.INTEGER else Decimal(0)) if at in nil else instead.get(at, ""))
        elif kind is FieldType.NUMBER:
            found.append(value)
        elif kind is FieldType.INTEGER and value == value.to_integral_value():
            found.append(int(value))
        else:
            found.append(Odd(plain(value), f"a figure with its digits is no {kind}; allowed: type number, or integer"))
    return found


def _meaning(cube: Cube, at: int) -> str:
    return cube.meaning(cube.symbols.get(at, "")) if cube.values[at] is None else ""


def _marks(cube: Cube) -> Iterable[Mark]:
    """Give what the office says of its figures: which periods are preliminary, and whether parts make their total."""
    if cube.not_additive:
        yield Mark(MarkKind.NOT_ADDITIVE, cube.not_additive)
    times = [(item, step) for item, step in zip(cube.dimensions, strides(cube.sizes), strict=True) if item.role == TIME]
    if cube.provisional and not times:
        yield Mark(MarkKind.PROVISIONAL, "preliminary")
    for item, step in times[:1]:
        size = len(item.categories)
        for index in sorted({at // step % size for at in cube.provisional}):
            category = item.categories[index]
            period = period_of_code(category.code)
            text = next((note for note in (*category.notes, *item.notes) if says_preliminary(note)), "preliminary")
            yield Mark(MarkKind.PROVISIONAL, text, period.key if period else "")


def _notices(cube: Cube) -> Iterable[str]:
    stamp = read_stamp(cube.updated)
    said = ", ".join(
        part
        for part in (
            cube.table and f"table {cube.table}",
            cube.title and f"{cube.title[:_LONGEST]!r}",
            cube.source and f"source {cube.source}",
            cube.updated and f"updated {stamp.isoformat() if stamp else cube.updated}",
        )
        if part
    )
    if said:
        yield said
    missing = Counter(cube.symbols.get(at, "") for at, value in enumerate(cube.values) if value is None)
    for symbol, count in sorted(missing.items()):
        shown = f"{symbol!r}" if symbol else "blank"
        yield f"{count} of {cube.cells} figures are missing, {shown}: {cube.meaning(symbol)}"
    if cube.provisional:
        yield f"{len(cube.provisional)} of {cube.cells} figures are preliminary: what rests on them is provisional"
    if cube.not_additive:
        yield f"the source is not additive: {cube.not_additive[:_LONGEST]}"
    for note in cube.notes[:_NOTES]:
        yield f"note of the source: {note[:_LONGEST]}"
    if len(cube.notes) > _NOTES:
        yield f"the source has {len(cube.notes) - _NOTES} more notes"
    for item in cube.dimensions:
        marked = {note: one for one in item.categories for note in one.notes}
        for note, one in list(marked.items())[:_NOTES]:
            yield f"note of the source on {item.code} {one.code}: {note[:_LONGEST]}"
