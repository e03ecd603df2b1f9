"""Audit tables: discover their relations, judge them exactly, and name the cells that break them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from tulosvahti.audit.exchanged import with_exchanged
from tulosvahti.audit.formulas import formula_findings
from tulosvahti.audit.marks import as_printed, mark_findings, restored
from tulosvahti.audit.remarks import explained_by_notes, in_order, remarks
from tulosvahti.audit.units import unit_changes
from tulosvahti.core.audited import Audit, AuditedRelation, AuditedTable, AuditFinding, Remedy
from tulosvahti.core.crossfoot import Figure, Relation, crossfoot, judge
from tulosvahti.core.grid import Grid, exact_by_group
from tulosvahti.core.quantity import decimal_of
from tulosvahti.core.table import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tulosvahti.audit.relations import Stated
    from tulosvahti.core.audited import Position
    from tulosvahti.core.crossfoot import Fault, RelationResult
    from tulosvahti.core.sheet import Sheet
    from tulosvahti.core.table import Table

LEAST_EXACT = 3
"""Sums of a pattern that hold exactly before a single one off by its step is a fault."""
LEAST_OTHER = 4
MOST_BROKEN = 0.25
"""So many lines that break a pattern, for each that keeps it, follow another rule if they are not few."""
SUMS = frozenset({"sum", "difference"})
SHOWN_PLACES = 6


def audit_sheets(sheets: Iterable[Sheet]) -> Audit:
    """Audit every table of the sheets."""
    return Audit(tuple(audit_table(table_of(sheet)) for sheet in sheets))


def audit_table(table: Table) -> AuditedTable:
    """Audit one table."""
    marked = restored(table)
    found, whole = marked.found, marked.table
    relations, findings, exact, units = _judged(whole, found.relations, found.units)
    findings = with_exchanged(whole, relations, findings)
    findings = [*explained_by_notes(whole, relations, findings), *remarks(whole, relations), *formula_findings(table)]
    findings += [*mark_findings(marked, relations), *unit_changes(whole)]
    relations = as_printed(relations, marked)
    return AuditedTable(
        table,
        tuple(relations),
        in_order(findings, relations),
        table.notices,
        exact,
        tuple(unit for unit, _ in units.most_common()),
        found.left_out,
    )


def _name(position: Position) -> str:
    return f"{position[0]}:{position[1]}"


def _place(name: str) -> Position:
    row, _, column = name.partition(":")
    return int(row), int(column)


def _judged(
    table: Table, stated: Sequence[Stated], units: Mapping[Position, Decimal]
) -> tuple[list[AuditedRelation], list[AuditFinding], bool, Counter[Decimal]]:
    figures = {
        _name(position): Figure(_name(position), number.value, number.unit) for position, number in table.numbers.items()
    }
    sums: dict[str, Stated] = {}
    relations: list[Relation] = []
    others: list[tuple[str, Stated]] = []
    for k, one in enumerate(stated):
        name = f"{k}"
        if one.function not in SUMS:
            others.append((name, one))
            continue
        for position in (one.total, *one.items):
            figures.setdefault(_name(position), Figure(_name(position), None, Decimal(0)))
        items = tuple((_name(position), weight) for position, weight in zip(one.items, one.weights, strict=True))
        sums[name] = one
        relations.append(Relation(name, _name(one.total), items, "sum", one.axis, one.label, one.pattern))
    relations = [r for r in relations if not _computed_otherwise(table, sums[r.id], figures)]
    relations = _without_parts(relations, figures)
    grid = exact_by_group(Grid(_as_rounded(figures, relations, units), tuple(relations)))
    footed = crossfoot(grid.figures, relations)
    judged = [_audited(result, sums[result.relation.id]) for result in footed.results]
    unjudged = {result.relation.id for result in footed.results if result.state == "incomplete"}
    findings = [_finding(fault) for fault in footed.faults if not unjudged.issuperset(fault.relations)]
    covered = Counter(_place(n) for r in footed.results if r.state == "holds" for n in (r.relation.total, *(i for i, _ in r.relation.items)))
    for name, one in others:
        relation = judge_ratio(table, name, one, units)
        judged.append(relation)
        if relation.state == "broken":
            findings.append(_ratio_finding(table, relation, covered))
    judged, findings = _without_other_rules(judged, findings)
    judged.sort(key=lambda r: (r.total, int(r.id)))
    used = {n for r in relations for n in (r.total, *(item for item, _ in r.items))}
    steps = Counter(figure.unit for name, figure in grid.figures.items() if name in used and figure.value is not None and figure.unit)
    return judged, findings, grid.exact_by_evidence, steps


def _as_rounded(
    figures: Mapping[str, Figure], relations: Sequence[Relation], units: Mapping[Position, Decimal]
) -> dict[str, Figure]:
    """Take figures for rounded to the step they all share where their sums show it.

    A sum that breaks by its printed digits and holds by the step is rounding if others of its pattern do so too, or if
    too few hold exactly to tell; steps of 3 and 5 are always rounding (figures rounded at random for secrecy).
    """
    steps = ((name, f, units.get(_place(name), f.unit)) for name, f in figures.items())
    stepped = {name: replace(f, unit=unit) for name, f, unit in steps if unit != f.unit}
    if not stepped:
        return dict(figures)
    wide = {**figures, **stepped}
    off: dict[str, list[str]] = defaultdict(list)
    exact: Counter[str] = Counter()
    for printed, rounded in zip(judge(figures, relations), judge(wide, relations), strict=True):
        total = printed.relation.total
        if printed.state == "broken" and rounded.state == "holds" and wide[total].unit > figures[total].unit:
            off[printed.relation.group].append(total)
        exact[printed.relation.group] += printed.rounding == "exact"
    groups = {
        group
        for group, totals in off.items()
        if len(totals) > 1 or exact[group] < LEAST_EXACT or any(wide[t].unit.normalize().as_tuple().digits != (1,) for t in totals)
    }
    members = {n for r in relations if r.group in groups for n in (r.total, *(item for item, _ in r.items))}
    return {name: wide[name] if name in members else figure for name, figure in figures.items()}


def _computed_otherwise(table: Table, one: Stated, figures: Mapping[str, Figure]) -> bool:
    """Tell whether a relation that does not hold ends in a formula: then the workbook says that it is another one."""
    if not table.sheet.at(*one.total).formula:
        return False
    values = [figures[_name(position)] for position in (one.total, *one.items)]
    if values[0].value is None or all(v.value is None for v in values[1:]):
        return False
    total = sum(((v.value or Decimal(0)) * w for v, w in zip(values[1:], one.weights, strict=True)), Decimal(0))
    return abs(values[0].value - total) > sum((v.unit for v in values), Decimal(0)) / 2


def _without_other_rules(
    relations: Sequence[AuditedRelation], findings: Sequence[AuditFinding]
) -> tuple[list[AuditedRelation], list[AuditFinding]]:
    """Leave out lines of a pattern that break it so often, or one after the other, that they follow another rule.

    Not where one cause explains them all: a line left out of every sum.
    """
    caused = {name for finding in findings if finding.cause is not None for name in finding.relations}
    lines: dict[str, list[AuditedRelation]] = defaultdict(list)
    holding: Counter[str] = Counter()
    for relation in relations:
        holding[relation.pattern] += relation.state == "holds"
        if relation.state == "broken" and relation.id not in caused:
            lines[relation.pattern].append(relation)
    other: set[str] = set()
    for pattern, broken in lines.items():
        axis = 0 if broken[0].axis == "row" else 1
        places = sorted(relation.total[axis] for relation in broken)
        in_turn = places[-1] - places[0] == len(places) - 1
        if len(broken) >= LEAST_OTHER and (in_turn or len(broken) > holding[pattern] * MOST_BROKEN):
            other.update(relation.id for relation in broken)
    kept = [finding for finding in findings if not finding.relations or not other.issuperset(finding.relations)]
    still = {name for finding in kept for name in finding.relations}
    return [relation for relation in relations if relation.id not in other - still], kept


def _without_parts(relations: Sequence[Relation], figures: Mapping[str, Figure]) -> list[Relation]:
    """Leave out sums that make up one item of another sum of the same total: they hold only where the rest is 0."""
    rivals: dict[tuple[str, str], list[Relation]] = defaultdict(list)
    for relation in relations:
        rivals[relation.axis, relation.total].append(relation)
    kept = []
    for relation in relations:
        own = {name for name, _ in relation.items}
        beside = {name for other in rivals[relation.axis, relation.total] for name, _ in other.items} - own
        if beside:
            total = sum((w * (figures[name].value or Decimal(0)) for name, w in relation.items), Decimal(0))
            stated = figures[relation.total].value
            if total != stated and any(figures[name].value == total for name in beside):
                continue
        kept.append(relation)
    return kept


def _audited(result: RelationResult, one: Stated) -> AuditedRelation:
    return AuditedRelation(
        result.relation.id,
        one.function,
        one.axis,
        one.total,
        one.items,
        one.weights,
        result.state,
        result.stated,
        result.expected,
        result.difference,
        result.rounding,
        one.pattern,
        one.percent,
        one.label,
    )


def _finding(fault: Fault) -> AuditFinding:
    remedies = tuple(
        Remedy(tuple(_place(c) for c in mend.cells), mend.stated, mend.implied, mend.cause) for mend in fault.alternatives
    )
    return AuditFinding(
        tuple(_place(name) for name in fault.cells),
        fault.stated,
        fault.implied,
        fault.cause,
        fault.relations,
        remedies,
        tuple(_place(name) for name in fault.because),
        cut=fault.cut,
    )


def judge_ratio(table: Table, name: str, one: Stated, units: Mapping[Position, Decimal]) -> AuditedRelation:
    """Judge a mean, a share or a relative change by intervals of its exact figures."""
    numbers = [table.numbers.get(position) for position in one.items]
    total = table.numbers.get(one.total)
    base = AuditedRelation(
        name, one.function, one.axis, one.total, one.items, one.weights, "incomplete",
        total.value if total else None, None, None, None, one.pattern, one.percent, one.label,
    )  # fmt: skip
    known = [(Fraction(n.value), Fraction(units[p]) / 2) for p, n in zip(one.items, numbers, strict=True) if n is not None]
    if total is None or not known or (one.function != "average" and len(known) < 2):
        return base
    low, exact, high = _reached(one, known)
    if exact is None:
        return base
    half = Fraction(units[one.total]) / 2
    value = Fraction(total.value)
    places = max(0, -int(total.value.as_tuple().exponent))
    expected = decimal_of(exact, places)
    within = low is None or high is None or (low - half <= value <= high + half)
    rounding: Literal["exact", "within", "beyond"] = "exact" if expected == total.value else "within" if within else "beyond"
    return replace(
        base, state="holds" if within else "broken", expected=expected, difference=total.value - expected, rounding=rounding
    )


def _reached(one: Stated, terms: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    """Give the least, the plain and the greatest result that the rounded figures allow; None where there is no bound."""
    scale = 100 if one.percent else 1
    if one.function == "average":
        mean = sum((v for v, _ in terms), Fraction(0)) / len(terms)
        reach = sum((h for _, h in terms), Fraction(0)) / len(terms)
        return mean - reach, mean, mean + reach
    (over, over_half), (under, under_half) = terms if one.function == "share" else (terms[1], terms[0])
    if under == 0:
        return None, None, None
    shift = 0 if one.function == "share" else 1
    exact = (over / under - shift) * scale
    if abs(under) <= under_half:
        return None, exact, None
    corners = [(over + a * over_half) / (under + b * under_half) for a in (-1, 1) for b in (-1, 1)]
    return (min(corners) - shift) * scale, exact, (max(corners) - shift) * scale


def _ratio_finding(table: Table, relation: AuditedRelation, covered: Mapping[Position, int]) -> AuditFinding:
    """Accuse the result alone only where what it is computed from is confirmed by sums and itself is not."""
    confirmed = all(covered.get(position, 0) for position in relation.items)
    stated = table.numbers[relation.total].value
    if confirmed or relation.function == "average":
        return AuditFinding((relation.total,), (stated,), (relation.expected,), None, (relation.id,))
    expected = relation.expected
    remedies = (Remedy((relation.total,), (stated,), (expected,), None),) if expected is not None else ()
    return AuditFinding((), (), (), None, (relation.id,), remedies, because=relation.items)
