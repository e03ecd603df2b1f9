"""What a workbook's formulas show: a number typed over a formula, a range that stops short, a result that is stale.

A formula is compared with its neighbours by where its references lie relative to it; formulas are read only as far as
sums, differences, products, quotients and means of cells go.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.core.audited import AuditFinding
from tulosvahti.core.sheet import a1, column_index

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tulosvahti.core.audited import Position
    from tulosvahti.core.sheet import Sheet
    from tulosvahti.core.table import Table

_REF = re.compile(r"(?<![A-Za-z0-9_!'\]])(\$?)([A-Z]{1,3})(\$?)([0-9]{1,7})(?![A-Za-z0-9_(!])")
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7}):\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_SUM = re.compile(r"=\s*\+?SUM\(([^()]*)\)\s*", re.IGNORECASE)
_CHAIN = re.compile(r"=?\s*([+-]?)\s*\$?([A-Z]{1,3})\$?([0-9]{1,7})")
LEAST_NEIGHBOURS = 3
"""So many formulas of one form, at least, say what stands among them."""


@dataclass(frozen=True)
class SumFormula:
    """A formula that adds cells up: positions with weights 1 or -1; ``ranges`` as written."""

    items: tuple[Position, ...]
    weights: tuple[int, ...]
    ranges: tuple[tuple[Position, Position], ...] = ()


@lru_cache(maxsize=65_536)
def relative(formula: str, row: int, column: int) -> str:
    """Write a formula with its references as seen from its cell, so that copies of it read alike."""

    def seen(found: re.Match[str]) -> str:
        fixed_column, letters, fixed_row, digits = found.groups()
        c = f"C{column_index(letters)}" if fixed_column else f"C[{column_index(letters) - column}]"
        r = f"R{int(digits) - 1}" if fixed_row else f"R[{int(digits) - 1 - row}]"
        return r + c

    return _REF.sub(seen, formula.upper().replace(" ", ""))


@lru_cache(maxsize=65_536)
def sum_formula(formula: str) -> SumFormula | None:
    """Read a sum of ranges and cells, or a chain of cells added and taken off, on one sheet; None for anything else."""
    found = _SUM.fullmatch(formula.upper())
    if found:
        items: list[Position] = []
        ranges: list[tuple[Position, Position]] = []
        for part in re.split(r"[,;]", found[1].replace(" ", "")):
            block = _RANGE.fullmatch(part)
            single = re.fullmatch(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})", part)
            if block:
                first, last = (int(block[2]) - 1, column_index(block[1])), (int(block[4]) - 1, column_index(block[3]))
                if (last[0] - first[0] + 1) * (last[1] - first[1] + 1) > 100_000:
                    return None
                ranges.append((first, last))
                items += [(r, c) for r in range(first[0], last[0] + 1) for c in range(first[1], last[1] + 1)]
            elif single:
                items.append((int(single[2]) - 1, column_index(single[1])))
            else:
                break
        else:
            return SumFormula(tuple(items), (1,) * len(items), tuple(ranges))
    body = formula.upper().replace(" ", "").removeprefix("=")
    inner = re.fullmatch(r"\+?SUM\(([^(),;:]*)\)", body)
    body = inner[1] if inner else body
    if not re.fullmatch(r"[+-]?\$?[A-Z]{1,3}\$?[0-9]{1,7}([+-]\$?[A-Z]{1,3}\$?[0-9]{1,7})+", body):
        return None
    parts = [(m[1], (int(m[3]) - 1, column_index(m[2]))) for m in _CHAIN.finditer(body)]
    return SumFormula(tuple(p for _, p in parts), tuple(-1 if sign == "-" else 1 for sign, _ in parts))


def formula_findings(table: Table) -> Iterator[AuditFinding]:
    """Give what the formulas of a table's sheet show."""
    sheet = table.sheet
    formulas = {(r, c): cell.formula for r, row in enumerate(sheet.rows) for c, cell in enumerate(row) if cell.formula}
    if not formulas:
        return
    results = _results(table, formulas)
    yield from _not_calculated(sheet, formulas, results)
    yield from _stale(table, formulas, results)
    yield from _hard_coded(table, formulas)
    short = list(_short_ranges(table, formulas))
    yield from short
    yield from _unlike(table, formulas, {position for finding in short for position in finding.cells})


def _results(table: Table, formulas: Mapping[Position, str]) -> dict[Position, Decimal]:
    """Compute sum formulas without a stored result, from what they refer to (computed first where that lacks one too)."""
    sheet = table.sheet
    results: dict[Position, Decimal] = {}
    waiting = [p for p in formulas if not sheet.at(*p).calculated]
    for _ in range(20):
        left = []
        for position in waiting:
            value = _computed(table, formulas[position], results)
            if value is None:
                left.append(position)
            else:
                results[position] = value
        if len(left) == len(waiting):
            break
        waiting = left
    return results


def _computed(table: Table, formula: str, results: Mapping[Position, Decimal]) -> Decimal | None:
    """Compute a sum formula exactly; None where it is none, or refers to what is not known."""
    parsed = sum_formula(formula)
    if parsed is None:
        return None
    total = Decimal(0)
    for position, weight in zip(parsed.items, parsed.weights, strict=True):
        cell = table.sheet.at(*position)
        if position in results:
            total += weight * results[position]
        elif not cell.calculated or cell.kind == "error":
            return None
        elif cell.value is not None and cell.kind == "number":
            total += weight * cell.value
    return total


def _not_calculated(sheet: Sheet, formulas: Mapping[Position, str], results: Mapping[Position, Decimal]) -> Iterator[AuditFinding]:
    for position in sorted(p for p in formulas if not sheet.at(*p).calculated):
        yield AuditFinding((position,), (None,), (results.get(position),), "not_calculated", detail=(formulas[position],))


def _stale(table: Table, formulas: Mapping[Position, str], results: Mapping[Position, Decimal]) -> Iterator[AuditFinding]:
    """Compare stored results of sums with their cells as stored: a total that an edit left behind."""
    for position, formula in sorted(formulas.items()):
        cell = table.sheet.at(*position)
        if cell.value is None or not cell.calculated:
            continue
        value = _computed(table, formula, results)
        if value is None or not _apart(value, cell.value):
            continue
        yield AuditFinding((position,), (cell.value,), (value,), "stale_total", detail=(formula,))


def _apart(one: Decimal, other: Decimal) -> bool:
    """Tell whether two results differ by more than a spreadsheet's own rounding."""
    return abs(one - other) > max(abs(one), abs(other)) * Decimal("1e-9") + Decimal("1e-9")


def _hard_coded(table: Table, formulas: Mapping[Position, str]) -> Iterator[AuditFinding]:
    """Find a lone number among formulas of one form, along a row or a column."""
    sheet = table.sheet
    seen: set[Position] = set()
    for along in (0, 1):
        lines: dict[int, dict[int, str]] = defaultdict(dict)
        for (r, c), formula in formulas.items():
            line, place = (r, c) if along == 0 else (c, r)
            lines[line][place] = relative(formula, r, c)
        for line, forms in sorted(lines.items()):
            places = sorted(forms)
            for place in _gaps(places, forms):
                position = (line, place) if along == 0 else (place, line)
                cell = sheet.at(*position)
                if position in seen or cell.value is None or cell.formula or cell.kind != "number":
                    continue
                beside = forms[max(p for p in places if p < place)]
                origin = (line, max(p for p in places if p < place)) if along == 0 else (max(p for p in places if p < place), line)
                implied = _computed(table, _moved(formulas[origin], origin, position), {})
                if implied is not None and not _apart(implied, cell.value):
                    continue
                seen.add(position)
                yield AuditFinding((position,), (cell.value,), (implied,), "hard_coded", because=(origin,), detail=(beside,))


def _gaps(places: Sequence[int], forms: Mapping[int, str]) -> Iterator[int]:
    """Give places without a formula between formulas of one form, with enough of them on both sides together."""
    for before, after in pairwise(places):
        if after - before != 2 or forms[before] != forms[after]:
            continue
        same = sum(1 for p in places if abs(p - before) <= 8 and forms[p] == forms[before])
        if same >= LEAST_NEIGHBOURS:
            yield before + 1


def _moved(formula: str, origin: Position, target: Position) -> str:
    """Give a formula as it reads when copied from one cell to another."""
    rows, columns = target[0] - origin[0], target[1] - origin[1]

    def shifted(found: re.Match[str]) -> str:
        fixed_column, letters, fixed_row, digits = found.groups()
        row = int(digits) - 1 + (0 if fixed_row else rows)
        column = column_index(letters) + (0 if fixed_column else columns)
        return a1(row, column) if row >= 0 and column >= 0 else "#REF!"

    return _REF.sub(shifted, formula)


def _short_ranges(table: Table, formulas: Mapping[Position, str]) -> Iterator[AuditFinding]:
    """Find sums whose one range leaves out a figure at its end, where its neighbours' ranges do not or nothing else sums it."""
    reported: set[Position] = set()
    for position, formula in sorted(formulas.items()):
        parsed = sum_formula(formula)
        if parsed is None or len(parsed.ranges) != 1 or position in reported:
            continue
        (top, left), (bottom, right) = parsed.ranges[0]
        own = relative(formula, *position)
        for missing in _beyond(table, position, (top, left, bottom, right)):
            longer = _longer_neighbours(formulas, position, own, missing)
            if longer:
                reported.add(position)
                stated = table.sheet.at(*position).value
                amount = table.numbers[missing].value
                implied = None if stated is None else stated + amount
                yield AuditFinding(
                    (position,), (stated,), (implied,), "short_range", because=(missing,), detail=(formula,)
                )
                break


def _beyond(table: Table, position: Position, block: tuple[int, int, int, int]) -> Iterator[Position]:
    """Give the figures just outside a one-line range: between it and its total, or before its start."""
    top, left, bottom, right = block
    r, c = position
    if left == right == c:
        ends = [bottom + 1] if r > bottom else []
        ends += [top - 1]
        candidates = [(end, c) for end in ends if end != r]
    elif top == bottom == r:
        ends = [right + 1] if c > right else []
        ends += [left - 1]
        candidates = [(r, end) for end in ends if end != c]
    else:
        return
    for candidate in candidates:
        number = table.numbers.get(candidate)
        if number is not None and number.value and not table.sheet.at(*candidate).formula:
            yield candidate


def _longer_neighbours(formulas: Mapping[Position, str], position: Position, own: str, missing: Position) -> bool:
    """Tell whether the formulas beside (same row, or same column) sum one more than this one, at the same end."""
    r, c = position
    vertical = missing[1] == c
    beside: Iterable[Position] = ((r, c + d) for d in (-2, -1, 1, 2)) if vertical else ((r + d, c) for d in (-2, -1, 1, 2))
    longer = same = 0
    for place in beside:
        formula = formulas.get(place)
        if formula is None:
            continue
        form = relative(formula, *place)
        if form == own:
            same += 1
            continue
        parsed = sum_formula(formula)
        shifted = (missing[0] + place[0] - r, missing[1] + place[1] - c)
        longer += parsed is not None and shifted in parsed.items and len(parsed.ranges) == 1
    return longer > same



def _unlike(table: Table, formulas: Mapping[Position, str], known: Collection[Position]) -> Iterator[AuditFinding]:
    """Find sums that reach over other cells than those beside them: a remark, as what they leave out may be meant.

    Compared are neighbours in a row that each sum their own column, and neighbours in a column that sum their own row.
    """
    for block in _blocks(formulas):
        forms = {position: _reach(formulas[position], position) for position in block}
        (usual, times), *_ = Counter(forms.values()).most_common()
        if 2 * times <= len(block):
            if times < len(block) / 3:
                yield AuditFinding((), (), (), "formulas_differ", because=tuple(block), explained=True)
            continue
        origin = next(position for position in block if forms[position] == usual)
        for position in block:
            if forms[position] == usual or position in known:
                continue
            moved = _moved(formulas[origin], origin, position)
            stated, implied = table.sheet.at(*position).value, _computed(table, moved, {})
            yield AuditFinding(
                (position,), (stated,), (implied,), "formula_differs", because=(origin,), explained=True, detail=(moved,)
            )


def _reach(formula: str, position: Position) -> frozenset[tuple[int, int, int]]:
    """Give the cells that a sum reaches over, as seen from its own, with their weights."""
    parsed = sum_formula(formula)
    items = zip(parsed.items, parsed.weights, strict=True) if parsed else ()
    return frozenset((r - position[0], c - position[1], weight) for (r, c), weight in items)


def _blocks(formulas: Mapping[Position, str]) -> Iterator[list[Position]]:
    """Give neighbours, three or more side by side, that each sum cells of their own line across."""
    across: tuple[list[Position], list[Position]] = ([], [])
    for position, formula in formulas.items():
        parsed = sum_formula(formula)
        for axis in (0, 1):
            if parsed and all(item[axis] == position[axis] for item in parsed.items):
                across[axis].append(position)
    for axis, positions in enumerate(across):
        block: list[Position] = []
        for position in [*sorted(positions, key=lambda p: (p[1 - axis], p[axis])), (-2, -2)]:
            beside = block and position[1 - axis] == block[-1][1 - axis] and position[axis] == block[-1][axis] + 1
            if not beside:
                if len(block) >= LEAST_NEIGHBOURS:
                    yield block
                block = []
            block.append(position)
