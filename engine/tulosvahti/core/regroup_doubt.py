"""What else a table could be: columns that would hold as well if two of them were one, or one of them two.

Convention: sums of columns that hold apart hold together too (1 + 1 = 2 and 200 + 300 = 500: 1 200 + 1 300 = 2 500),
and those that hold together hold apart where nothing is carried. So column sums alone never tell whether ``1 200`` is
one cell or two; a carry does, or a word that is no later group of a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.regroup_graph import Graph, Reading, fits
from tulosvahti.core.regroup_rows import LEAST_SHARE, direct_patterns, patterns_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tulosvahti.core.regroup_columns import Held
    from tulosvahti.core.regroup_graph import Pattern

    _Change = Callable[[Reading, Graph, int], Reading | None]

Rows = list[Reading | None]


def alternatives(
    rows: Sequence[Reading | None],
    graphs: Sequence[Graph],
    held: Sequence[Held],
    patterns: Sequence[Pattern],
    unit: int = 0,
) -> list[Rows]:
    """Give the other ways to part all rows that the same footings allow, one column more or less.

    A column that a row relation uses cannot be changed alone: the relation would fail.
    """
    width = next((len(r.values) for r in rows if r is not None), 0)
    free = [all(p[c] == 0 for p in patterns) for c in range(width)]
    changes: list[tuple[int, _Change, int]] = []
    for c in range(width):
        if free[c] and c + 1 < width and free[c + 1]:
            # Where a sum is broken there, the row with the wrong figure may be the one that cannot be joined.
            doubted = len(rows) >= 3 and any(d in h.broken for h in held for d in (c, c + 1))
            changes.append((c, _merged, int(doubted)))
        if free[c]:
            changes += [(c, _split_at(groups), 0) for groups in (-3, -2, -1, 1, 2, 3)]
    result: list[Rows | None] = []
    for c, change, spared in changes:
        changed = _tried(rows, graphs, c, change, spared)
        # A finer column that holds by rounding only may be the part of a coarser one that holds a wrong figure.
        near = 0 if change is _merged else unit
        most = [max(bool(h.broken), _broken(rows, h, c, near)) for h in held]
        if changed and all(_broken(changed, h, c, unit) <= m for h, m in zip(held, most, strict=True)):
            result.append(changed)
    for pattern in patterns:
        result.extend(_coarser(rows, graphs, pattern, side, unit) for side in (-1, 1))
    return [changed for changed in result if changed is not None]


def _coarser(
    rows: Sequence[Reading | None], graphs: Sequence[Graph], pattern: Pattern, side: int, unit: int
) -> Rows | None:
    """Join each cell of a row relation to the one before it, or after it, that it does not use: both may be one number.

    What is left must be related as well, in all rows but one: that may have the wrong figure which made the finer
    parting seem better.
    """
    pairs = [min(c, c + side) for c, w in enumerate(pattern) if w and 0 <= c + side < len(pattern)]
    legal = [
        c
        for c in sorted(pairs, reverse=True)
        if 0 in (pattern[c], pattern[c + 1])
        and all(r is None or _merged(r, g, c) is not None for r, g in zip(rows, graphs, strict=True))
    ]
    changed: Rows = []
    for reading, graph in zip(rows, graphs, strict=True):
        other = reading
        for c in legal:
            other = other and _merged(other, graph, c)
        changed.append(other)
    known = [r for r in changed if r is not None]
    if not legal or not known:
        return None
    found = {p for r in known for p in patterns_in(r.values, unit)}
    found |= {p for patterns in direct_patterns(len(known[0].values)) for p in patterns if len(patterns) == 1}
    failed = min((sum(not fits((p,), r.values, unit) for r in known) for p in found), default=len(known))
    return changed if failed <= max(1, (1 - LEAST_SHARE) * len(known)) else None


def _tried(
    rows: Sequence[Reading | None], graphs: Sequence[Graph], column: int, change: _Change, spared: int
) -> Rows | None:
    """Change a column of every row; None if one cannot be changed, or more than are ``spared``."""
    changed = [None if r is None else change(r, g, column) for r, g in zip(rows, graphs, strict=True)]
    failed = sum(r is not None and c is None for r, c in zip(rows, changed, strict=True))
    return changed if failed <= spared else None


def _broken(rows: Sequence[Reading | None], held: Held, column: int, unit: int) -> int:
    """Count the columns, the changed one and the next, in which a footing fails."""
    members = [(weight, reading) for r, weight in held.footing.rows if (reading := rows[r]) is not None]
    if len(members) < len(held.footing.rows):
        return 0
    slack = held.footing.slack(unit)
    return sum(abs(sum(w * m.values[c] for w, m in members)) > slack for c in _near(column, members[0][1]))


def _near(column: int, reading: Reading) -> range:
    return range(column, min(column + 2, len(reading.values)))


def _value(graph: Graph, start: int, end: int) -> int | None:
    return next((value for stop, value in graph.edges[start] if stop == end), None)


def _merged(reading: Reading, graph: Graph, c: int) -> Reading | None:
    cuts, values = reading
    value = _value(graph, cuts[c], cuts[c + 2])
    return None if value is None else Reading((*cuts[: c + 1], *cuts[c + 2 :]), (*values[:c], value, *values[c + 2 :]))


def _split_at(groups: int) -> _Change:
    """Part a cell after so many of its groups; negative: before so many at its end."""
    return lambda reading, graph, c: _split(reading, graph, c, reading.cuts[c + (groups < 0)] + groups)


def _split(reading: Reading, graph: Graph, c: int, at: int) -> Reading | None:
    cuts, values = reading
    if not cuts[c] < at < cuts[c + 1]:
        return None
    first, second = _value(graph, cuts[c], at), _value(graph, at, cuts[c + 1])
    if first is None or second is None:
        return None
    return Reading((*cuts[: c + 1], at, *cuts[c + 1 :]), (*values[:c], first, second, *values[c + 1 :]))
