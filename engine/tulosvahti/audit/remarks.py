"""Remarks: what an auditor should know that is no fault: a note that explains a difference, a sign by convention.

A finding here is ``explained``, or speaks of what cannot be judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.audited import AuditFinding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.audited import AuditedRelation
    from tulosvahti.core.table import Table


def explained_by_notes(table: Table, relations: Sequence[AuditedRelation], findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """Turn a total's difference into a remark where its label carries the mark of a note below the table."""
    by_id = {relation.id: relation for relation in relations}
    result = []
    for finding in findings:
        broken = [by_id[name] for name in finding.relations]
        notes = {table.note_of(relation.total[0]) for relation in broken}
        if len(broken) == 1 and notes != {""} and not finding.cells:
            (relation,) = broken
            detail = (str(relation.difference), *sorted(notes))
            remark = AuditFinding(
                (relation.total,), (relation.stated,), (relation.expected,), "rows_not_shown", finding.relations,
                explained=True, detail=detail,
            )  # fmt: skip
            result.append(remark)
        else:
            result.append(finding)
    return result


def remarks(table: Table, relations: Sequence[AuditedRelation]) -> Iterator[AuditFinding]:
    """Give remarks on relations that hold, or cannot be judged."""
    for relation in relations:
        if relation.function != "sum":
            continue
        if relation.state == "holds" and set(relation.weights) == {-1}:
            expected = None if relation.expected is None else -relation.expected
            yield AuditFinding(
                (relation.total,), (relation.stated,), (expected,), "sign_reversed", (relation.id,), explained=True
            )
        elif relation.state == "holds" and _every_row_twice(table, relation):
            twice = tuple((r + 1, c) for r, c in relation.items)
            yield AuditFinding((), (), (), "doubled_rows", (relation.id,), because=(*relation.items, *twice), explained=True)
        elif relation.state == "incomplete" and relation.stated is not None:
            absent = tuple(p for p in relation.items if p not in table.numbers)
            if len(absent) == 1 and relation.difference is not None:
                weight = relation.weights[relation.items.index(absent[0])]
                remedy = Remedy(absent, (None,), (weight * relation.difference,), "absent")
                yield AuditFinding((), (), (), "absent", (relation.id,), (remedy,), absent, explained=True)


def _every_row_twice(table: Table, relation: AuditedRelation) -> bool:
    """Tell whether each item stands again in the row below it, outside the sum."""
    if relation.axis != "column" or len(relation.items) < 2:
        return False
    own = set(relation.items)
    for r, c in relation.items:
        below = table.numbers.get((r + 1, c))
        here = table.numbers.get((r, c))
        if (r + 1, c) in own or below is None or here is None or below.value != here.value or not here.value:
            return False
    return True


def in_order(findings: Sequence[AuditFinding], relations: Sequence[AuditedRelation]) -> tuple[AuditFinding, ...]:
    """Put findings in reading order, faults before remarks."""
    totals = {relation.id: relation.total for relation in relations}

    def key(finding: AuditFinding) -> tuple[bool, tuple[int, int]]:
        places = [*finding.cells, *(totals[name] for name in finding.relations), *finding.because]
        return finding.explained, min(places, default=(0, 0))

    return tuple(sorted(findings, key=key))
