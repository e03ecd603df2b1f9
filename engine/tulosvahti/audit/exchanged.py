"""Two neighbouring lines that are off by the same amount either way: figures of theirs changed places.

Where another sum links the two lines, the search for the smallest answer finds it; here they share no sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.audited import AuditFinding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.audited import AuditedRelation, Position
    from tulosvahti.core.table import Table


def with_exchanged(
    table: Table, relations: Sequence[AuditedRelation], findings: Sequence[AuditFinding]
) -> list[AuditFinding]:
    """Put one finding in place of two where exactly one exchange of neighbours mends both their relations."""
    broken = {relation.id: relation for relation in relations if relation.state == "broken"}
    lone = [f for f in findings if not f.cells and len(f.relations) == 1 and f.relations[0] in broken]
    replaced: dict[int, AuditFinding | None] = {}
    for k, one in enumerate(lone):
        for other in lone[k + 1 :]:
            if id(one) in replaced or id(other) in replaced:
                continue
            pairs = _exchanges(table, broken[one.relations[0]], broken[other.relations[0]])
            if len(pairs) == 1:
                (cells,) = pairs
                stated = tuple(table.numbers[cell].value for cell in cells)
                names = (*one.relations, *other.relations)
                replaced[id(one)] = AuditFinding(cells, stated, stated[::-1], "neighbours_exchanged", names)
                replaced[id(other)] = None
    found = [replaced.get(id(finding), finding) for finding in findings]
    return [finding for finding in found if finding is not None]


def _exchanges(table: Table, one: AuditedRelation, other: AuditedRelation) -> list[tuple[Position, Position]]:
    line = 0 if one.axis == "row" else 1
    beside = one.pattern == other.pattern and abs(one.total[line] - other.total[line]) == 1
    if not beside or one.difference is None or other.difference is None or one.function != "sum":
        return []
    numbers = table.numbers
    places = (one.total, *one.items, other.total, *other.items)
    slack = sum(numbers[p].unit for p in places if p in numbers) / 2 if one.rounding != "exact" else 0
    if abs(one.difference + other.difference) > slack or abs(one.difference) <= slack:
        return []
    return [
        (p, q)
        for p, q, weight in zip(one.items, other.items, one.weights, strict=False)
        if p in numbers
        and q in numbers
        and p[1 - line] == q[1 - line]
        and abs(weight * (numbers[q].value - numbers[p].value) - one.difference) <= slack
    ]
