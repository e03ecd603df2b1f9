"""What sources say of their figures, put into the verdicts that rest on them.

Figures that may still change make a verdict provisional, whatever it is; the next run reads them again. Where the source
says that parts need not make their total, sums are followed and not judged (``monitored``): a difference there is no
fault, and that none shows is no proof; what was found stays in the evidence. A rule that declares ``noise`` is judged: by
how far figures may be off.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.core.fetched import MarkKind
from tulosvahti.core.measure import Reason
from tulosvahti.core.period import Period, read_period
from tulosvahti.core.rule import CrossfootSpec, ExpectationSpec, MeasureKind, RowsSpec, TargetSpec
from tulosvahti.core.verdict import Json, Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tulosvahti.core.contract import Contract, Delivery
    from tulosvahti.core.measure import Parts, Subject

    Measured = Mapping[tuple[Subject, Period | None], Parts]
    Measure = Callable[[TargetSpec], Measured]
    Sets = Mapping[str, Delivery]

_ADDED = frozenset({MeasureKind.SUM, MeasureKind.MEAN, MeasureKind.RATIO, MeasureKind.VALUE})
_SAID = 200


def with_noise(spec: CrossfootSpec) -> CrossfootSpec:
    """Give a table's arithmetic in which each figure stands for all that the source may have made it from."""
    if spec.noise is None:
        return spec
    return replace(spec, rounded_to=(spec.rounded_to or Decimal(0)) + 2 * spec.noise)


def marked(verdicts: Iterable[Verdict], sets: Sets, contracts: Mapping[str, Contract], measure: Measure) -> list[Verdict]:
    """Put into each verdict what its inputs say of their figures.

    ``measure`` gives the groups of a measurement; what cannot be computed has none.
    """
    return [
        _provisional(_missing(_additive(verdict, sets), contracts, measure), sets, contracts, measure) for verdict in verdicts
    ]


def _missing(verdict: Verdict, contracts: Mapping[str, Contract], measure: Measure) -> Verdict:
    """Say which symbols stand in place of the figures that a verdict lacks, and how often."""
    spec = verdict.rule.spec
    if not isinstance(spec, TargetSpec) or not verdict.evidence.get("unknown_rows"):
        return verdict
    from tulosvahti.core.cube import MEANINGS, SYMBOL, VALUE  # noqa: PLC0415 (only where figures are missing)

    contract = contracts.get(spec.measure.input)
    fields = {item.column: item.name for item in contract.fields} if contract is not None else {}
    if contract is None or SYMBOL not in fields or VALUE not in fields:
        return verdict
    where = _and(spec, f"{fields[SYMBOL]} IS NOT NULL AND {fields[VALUE]} IS NULL")
    by = (*spec.measure.by, fields[SYMBOL])
    found: dict[str, Json] = {}
    for (subject, period), parts in (_counted(spec, where, by, contract, measure) or {}).items():
        if subject[:-1] == verdict.subject and (period == verdict.period or not spec.measure.period) and parts.taken:
            symbol = subject[-1][1]
            found[f"{symbol} ({MEANINGS[symbol]})" if symbol in MEANINGS else symbol] = parts.taken
    return replace(verdict, evidence={**verdict.evidence, "missing_figures": found}) if found else verdict


def _additive(verdict: Verdict, sets: Sets) -> Verdict:
    spec = verdict.rule.spec
    notes = [
        (name, mark.text[:_SAID])
        for name in verdict.rule.inputs
        if name in sets
        for mark in sets[name].marks
        if mark.kind is MarkKind.NOT_ADDITIVE
    ]
    if not notes:
        return verdict
    name, note = notes[0]
    evidence: dict[str, Json] = {**verdict.evidence, "not_additive": note}
    if isinstance(spec, TargetSpec):
        rows = verdict.evidence.get("rows")
        return replace(verdict, evidence=evidence) if spec.measure.kind in _ADDED and rows not in {0, 1} else verdict
    if not isinstance(spec, CrossfootSpec) or "relations" not in verdict.evidence:
        return verdict
    if spec.noise is not None:
        return replace(verdict, evidence={**evidence, "noise": str(spec.noise)})
    if verdict.word is Word.UNKNOWN:
        # Figures that cannot even be found are another matter.
        return replace(verdict, evidence=evidence)
    reason = Reason.of("not_additive", input=name, note=note)
    return replace(verdict, word=Word.MONITORED, reason=reason, evidence=evidence)


def _provisional(verdict: Verdict, sets: Sets, contracts: Mapping[str, Contract], measure: Measure) -> Verdict:
    if verdict.word is Word.NOT_DUE:
        return verdict
    spec = verdict.rule.spec
    if isinstance(spec, TargetSpec):
        name = spec.measure.input
        contract = contracts.get(name)
        if contract is not None and contract.provisional:
            rows = _rows(verdict, spec, contract, measure)
            said = f"{contract.provisional}: {rows}" if rows else ""
        else:
            said = _said(sets.get(name), _periods(verdict, spec))
    elif isinstance(spec, CrossfootSpec | RowsSpec | ExpectationSpec):
        said = next((text for name in verdict.rule.inputs if (text := _said(sets.get(name), []))), "")
    else:
        said = ""
    return replace(verdict, provisional=True, evidence={**verdict.evidence, "preliminary": said}) if said else verdict


def _periods(verdict: Verdict, spec: TargetSpec) -> list[Period]:
    """Give the periods whose figures a verdict rests on; none: all."""
    if verdict.period is None or not spec.measure.period:
        return []
    target = spec.target_of(verdict.period)
    before = [verdict.period.previous()] if target is not None and target.needs_previous else []
    return [verdict.period, *before]


def _said(delivery: Delivery | None, periods: list[Period]) -> str:
    """Give what the source says of figures of these periods that may still change, with the periods it says it of."""
    marks = [mark for mark in delivery.marks if mark.kind is MarkKind.PROVISIONAL] if delivery is not None else []
    found = [mark for mark in marks if not periods or _touches(mark.of, periods)]
    if not found:
        return ""
    of = [mark.of for mark in found if mark.of]
    return f"{found[0].text[:_SAID]} ({', '.join(of)})" if of else found[0].text[:_SAID]


def _touches(of: str, periods: list[Period]) -> bool:
    try:
        marked_period = read_period(of)
    except ValueError:
        return True
    return any(marked_period.start < period.end and period.start < marked_period.end for period in periods)


def _rows(verdict: Verdict, spec: TargetSpec, contract: Contract, measure: Measure) -> int:
    """Count the measured rows that the contract's field marks as preliminary."""
    groups = _counted(spec, _and(spec, contract.provisional), spec.measure.by, contract, measure)
    if groups is None:
        return 1
    keys: list[Period | None] = [*_periods(verdict, spec)] or [None]
    return sum(parts.taken for (subject, period), parts in groups.items() if subject == verdict.subject and period in keys)


def _and(spec: TargetSpec, condition: str) -> str:
    where = spec.measure.where
    return f"({where.text}) AND {condition}" if where is not None else condition


def _counted(spec: TargetSpec, where: str, by: tuple[str, ...], contract: Contract, measure: Measure) -> Measured | None:
    """Count rows of an indicator's scope that meet a condition more; None where both together are too long to be read."""
    from tulosvahti.core.expression import ExpressionError, parse_condition  # noqa: PLC0415 (heavy, and seldom asked for)

    try:
        condition = parse_condition(where, contract.kinds)
    except ExpressionError:
        return None
    counted = replace(spec.measure, kind=MeasureKind.COUNT, expression=None, where=condition, by=by, accumulates=False)
    return measure(replace(spec, measure=counted))
