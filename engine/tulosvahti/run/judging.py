"""Judging: each rule with its measurements, in the order of the agreement. One rule's failure stops no other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.found import NotComputedError
from tulosvahti.core.contract import Contract, Delivery, DeliveryState, FieldType
from tulosvahti.core.dated import REPORT_FIELDS, Happening, judge_milestone, judge_narrative
from tulosvahti.core.judge import Setting, input_reason, is_monotone, judge_target
from tulosvahti.core.kept_rows import REJECTED, ROW
from tulosvahti.core.measure import Measurement, Parts, Reason, Subject, measured
from tulosvahti.core.period import Grain, Period, containing, year
from tulosvahti.core.ranges import Range
from tulosvahti.core.rule import (
    Agreement,
    CrossfootSpec,
    ExpectationSpec,
    FigureRef,
    MilestoneSpec,
    NarrativeSpec,
    RowsSpec,
    Rule,
    TargetSpec,
)
from tulosvahti.core.verdict import Json, Verdict, Word
from tulosvahti.run.mapped import looked_up, named
from tulosvahti.run.marked import marked, with_noise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import polars as pl

    from tulosvahti.compute.expectations import ExpectationOutcome
    from tulosvahti.core.kept_rows import KeptRows
    from tulosvahti.run.arithmetic import Table
    from tulosvahti.run.engines import Measures

MEASURED_IN_RUN = "measured_in_run"
"""In the evidence: the earlier run whose measurement this is, as rows and definition are the same."""


@dataclass(frozen=True)
class Facts:
    """What a run judges on: the day, the inputs as taken in, contracts and agreements."""

    as_of: date
    deliveries: Mapping[str, Delivery]
    tables: Mapping[str, KeptRows | pl.DataFrame]
    """The rows of each input that can be measured."""
    contracts: Mapping[str, Contract]
    agreements: Mapping[str, Agreement]
    pushed: frozenset[str] = frozenset()
    """Inputs that are measured in their database."""

    def delivery(self, name: str) -> Delivery:
        """Give an input's delivery; an input that nothing came of is missing."""
        return self.deliveries.get(name) or Delivery(name, DeliveryState.MISSING)

    def setting(self, rule: Rule, name: str, period: Period | None, **more: Any) -> Setting:  # noqa: ANN401 (passed on)
        """Give what judging one verdict needs."""
        binding = self.agreements[rule.cite.agreement].binding(period)
        return Setting(self.as_of, self.delivery(name), binding, **more)


@dataclass
class Judged:
    """What judging gave so far."""

    verdicts: list[Verdict] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)


def judge_rules(
    rules: Sequence[Rule],
    facts: Facts,
    engine: Measures,
    expectations: Mapping[str, ExpectationOutcome],
    every: Mapping[str, Rule],
) -> Judged:
    """Judge rules; ``expectations`` has the outcome of each expectation rule that was run.

    ``every`` has all rules of the project by id: ties cite targets of rules that are not judged now.
    """
    judged = Judged()
    engine.prepare(rule.spec for rule in rules if isinstance(rule.spec, RowsSpec) or (isinstance(rule.spec, TargetSpec) and not rule.spec.measure.mapping))
    for rule in rules:
        spec = rule.spec
        if isinstance(spec, TargetSpec):
            _indicator(rule, spec, facts, engine, judged)
        elif isinstance(spec, MilestoneSpec):
            happenings = _happenings(facts, engine, spec)
            setting = facts.setting(rule, spec.input, containing(spec.due, Grain.YEAR))
            judged.verdicts.append(judge_milestone(rule, spec, happenings, setting))
        elif isinstance(spec, NarrativeSpec):
            judged.verdicts += _narratives(rule, spec, facts, engine)
        elif isinstance(spec, RowsSpec):
            judged.verdicts.append(_rows(rule, spec, facts, engine))
        elif isinstance(spec, ExpectationSpec) and rule.id in expectations:
            judged.verdicts.append(_expectation(rule, spec, facts, expectations[rule.id]))
    for rule in rules:
        if isinstance(rule.spec, CrossfootSpec):
            judged.verdicts.append(_crossfoot(rule, rule.spec, Tables(facts, engine), every, judged.measurements))
    order = {rule.id: index for index, rule in enumerate(rules)}
    judged.verdicts = marked(judged.verdicts, facts.deliveries, facts.contracts, lambda spec: _groups(engine, spec))
    judged.verdicts.sort(key=lambda verdict: order[verdict.rule.id])
    return judged


def _groups(engine: Measures, spec: TargetSpec) -> dict[tuple[Subject, Period | None], Parts]:
    with suppress(NotComputedError):
        return {(subject, period): parts for subject, period, parts in engine.measure(spec).groups}
    return {}


def with_cited(rules: Sequence[Rule], every: Mapping[str, Rule]) -> list[Rule]:
    """Add the rules whose observed values the ties of ``rules`` cite."""
    cited = {
        ref.observed_of
        for rule in rules
        if isinstance(rule.spec, CrossfootSpec)
        for tie in rule.spec.ties
        for ref in (tie.total, *tie.items)
    }
    there = {rule.id for rule in rules}
    return [*rules, *(rule for name, rule in every.items() if name in cited - there)]


def judged_periods(spec: TargetSpec, agreement: Agreement, as_of: date) -> list[Period | None]:
    """Give the periods that get a verdict: those begun with a target, or the next; without targets the years begun."""
    targeted = sorted(period for period, _ in spec.targets)
    begun = [period for period in targeted if period.start <= as_of]
    if targeted:
        return list(begun or targeted[:1])
    if not spec.measure.period:
        return [None]
    if spec.grain is not Grain.YEAR:
        return [containing(as_of, spec.grain)]
    years = [read for number, _ in agreement.years if (read := year(number)).start <= as_of]
    return list(years or [containing(as_of, Grain.YEAR)])


def _indicator(rule: Rule, spec: TargetSpec, facts: Facts, engine: Measures, judged: Judged) -> None:
    found_codes = looked_up(spec, facts.contracts, _changes(spec, facts), engine, facts.as_of)
    spec = found_codes.spec
    measure, sql, failure, earlier = spec.measure, "", found_codes.fault, ""
    groups: dict[tuple[Subject, Period | None], Parts] = {}
    if failure is None and (measure.input in facts.tables or measure.input in facts.pushed):
        try:
            found = engine.measure(spec)
        except NotComputedError as error:
            failure = Reason.of("not_computed", detail=error)
        else:
            groups = {(subject, period): parts for subject, period, parts in found.groups}
            sql, earlier = found.sql, found.run
    contract = facts.contracts[measure.input]
    minimum = _minimum(spec, contract)

    def measurement(subject: Subject, period: Period | None) -> Measurement:
        parts = groups.get((subject, period if measure.period else None), Parts())
        value, spread, reason, workings = measured(
            measure.kind, measure.expression, parts, none_is_zero=contract.no_rows_means_none and not failure
        )
        return Measurement(
            rule.id, subject, period, value, spread, parts.taken, parts.unknown_rows, failure or reason, workings,
            is_monotone(measure, minimum), parts.cases, parts.cases_missing,
        )  # fmt: skip

    subjects = sorted({subject for subject, _ in groups}) or [()]
    grace = spec.grace if spec.grace is not None else contract.grace
    for subject in subjects:
        known = sorted(period for at, period in groups if at == subject and period is not None)
        series = {period: measurement(subject, period) for period in known}
        judged.measurements += series.values()
        for period in judged_periods(spec, facts.agreements[rule.cite.agreement], facts.as_of):
            this = series.get(period) if period else None
            if this is None and period is not None and period.start > facts.as_of and known:
                # Not due yet: what is known by now is shown beside the target.
                this = series[known[-1]]
            this = this or measurement(subject, period)
            before = series.get(period.previous()) if period else None
            more: dict[str, Any] = {"previous": before, "sql": sql}
            if grace is not None:
                more["grace"] = grace
            verdict = judge_target(rule, spec, period, this, facts.setting(rule, measure.input, period, **more))
            more_evidence = {**found_codes.evidence, **({MEASURED_IN_RUN: earlier} if earlier and verdict.evidence else {})}
            judged.verdicts.append(replace(verdict, evidence={**verdict.evidence, **more_evidence}) if more_evidence else verdict)
    judged.verdicts += named(rule, found_codes, judged_periods(spec, facts.agreements[rule.cite.agreement], facts.as_of))


def _changes(spec: TargetSpec, facts: Facts) -> Delivery | None:
    return facts.delivery(spec.measure.mapping.input) if spec.measure.mapping else None


def _minimum(spec: TargetSpec, contract: Contract) -> object:
    expression = spec.measure.expression
    if expression is None or expression.text not in contract.kinds:
        return None
    return contract.field(expression.text).minimum


def _happenings(facts: Facts, engine: Measures, spec: MilestoneSpec) -> list[Happening]:
    if spec.input not in facts.tables:
        return []
    rows = engine.look(spec.input, [ROW, REJECTED, spec.done_field], (spec.key_field, spec.key))
    return [Happening(row[ROW], row[spec.done_field], rejected=row[REJECTED]) for row in rows]


def _narratives(rule: Rule, spec: NarrativeSpec, facts: Facts, engine: Measures) -> list[Verdict]:
    contract = facts.contracts[spec.input]
    rows = []
    if spec.input in facts.tables:
        columns = [ROW, REJECTED, "dated", contract.period, *REPORT_FIELDS]
        rows = engine.look(spec.input, columns, (spec.key_field, spec.key))
    verdicts = []
    for period, due in spec.due:
        mine = [
            Happening(row[ROW], row["dated"], tuple(name for name in REPORT_FIELDS if _blank(row[name])), row[REJECTED])
            for row in rows
            if _in_period(row[contract.period], contract.field(contract.period).type, period)
        ]
        setting = facts.setting(rule, spec.input, period)
        verdicts.append(judge_narrative(rule, period, due, spec.lead, mine, setting))
    return verdicts


def _blank(value: object) -> bool:
    return value is None or not str(value).strip()


def _in_period(value: Any, kind: FieldType, period: Period) -> bool:  # noqa: ANN401 (a cell)
    if value is None:
        return False
    return bool(value == period.start.year) if kind is FieldType.YEAR else period.contains(value)


def _rows(rule: Rule, spec: RowsSpec, facts: Facts, engine: Measures) -> Verdict:
    delivery = facts.delivery(spec.input)
    evidence: dict[str, Json] = {"input": spec.input, "input_sha256": delivery.sha256}
    if spec.references is not None and spec.references.input != spec.input:
        evidence |= {"referred_input": spec.references.input, "referred_sha256": facts.delivery(spec.references.input).sha256}
    for name in rule.inputs:
        if absent := input_reason(facts.delivery(name)):
            return Verdict(rule, (), None, Word.UNKNOWN, reason=absent, evidence=evidence)
    try:
        found = engine.rows(spec)
    except NotComputedError as error:
        reason = Reason.of("not_computed", detail=error)
        return Verdict(rule, (), None, Word.UNKNOWN, reason=reason, evidence=evidence)
    evidence |= {
        "rows": found.met + found.failed,
        "unknown_rows": found.unknown,
        "failing_rows": found.failed,
        "examples": [dict(example) for example in found.examples],
        "sql": found.sql,
    }
    if found.run:
        evidence[MEASURED_IN_RUN] = found.run
    if found.failed:
        first = ", ".join(f"{name} {value}" for name, value in found.examples[0].items())
        word, reason = Word.MISSED, Reason.of("failing_rows", count=found.failed, first=first)
    elif found.unknown:
        code = "unknown_partners" if spec.references is not None else "unknown_operands"
        word, reason = Word.UNKNOWN, Reason.of(code, count=found.unknown)
    elif not found.met:
        word, reason = Word.UNKNOWN, Reason("no_rows")
    else:
        return Verdict(rule, (), None, Word.MET, evidence=evidence)
    return Verdict(rule, (), None, word, reason=reason, evidence=evidence)


def _expectation(rule: Rule, spec: ExpectationSpec, facts: Facts, outcome: ExpectationOutcome) -> Verdict:
    delivery = facts.delivery(spec.input)
    evidence: dict[str, Json] = {
        "input": spec.input,
        "input_sha256": delivery.sha256,
        "rows": outcome.evaluated,
        "failing_rows": outcome.unexpected,
        "examples": list(outcome.examples),
        "expectation": spec.type,
    }
    if outcome.run:
        evidence[MEASURED_IN_RUN] = outcome.run
    if absent := input_reason(delivery):
        return Verdict(rule, (), None, Word.UNKNOWN, reason=absent, evidence=evidence)
    if outcome.success is None:
        reason = Reason.of(outcome.reason or "not_computed", detail=outcome.detail)
        return Verdict(rule, (), None, Word.UNKNOWN, reason=reason, evidence=evidence)
    if outcome.success:
        return Verdict(rule, (), None, Word.MET, evidence=evidence)
    first = outcome.examples[0] if outcome.examples else ""
    reason = Reason.of("failing_rows", count=outcome.unexpected, first=first)
    return Verdict(rule, (), None, Word.MISSED, reason=reason, evidence=evidence)


@dataclass(frozen=True)
class Tables:
    """Inputs as the tables that lie in their files."""

    facts: Facts
    engine: Measures

    def table(self, name: str, label: str, columns: Sequence[str]) -> Table | None:
        """Give a table input as it lies in its file; None where it cannot be read or has no such columns."""
        contract = self.facts.contracts[name]
        names = {item.name for item in contract.fields}
        if name not in self.facts.tables or not names.issuperset([label, *columns]):
            return None
        from tulosvahti.core.sheet import column_letters  # noqa: PLC0415 (only where sums are judged)

        header = self.facts.delivery(name).header or tuple(item.column for item in contract.fields)
        letters = tuple(column_letters(header.index(contract.field(column).column)) for column in columns)
        rows = self.engine.look(name, [ROW, label, *columns])
        from tulosvahti.run.arithmetic import Table  # noqa: PLC0415 (only where sums are judged)

        return Table(
            contract.path,
            tuple(str(row[label] or "") for row in rows),
            tuple(columns),
            letters,
            tuple(tuple(None if row[column] is None else Decimal(row[column]) for column in columns) for row in rows),
            tuple(int(row[ROW]) for row in rows),
        )


def _crossfoot(
    rule: Rule, spec: CrossfootSpec, tables: Tables, every: Mapping[str, Rule], measurements: Sequence[Measurement]
) -> Verdict:
    evidence: dict[str, Json] = {}
    table, facts = None, tables.facts
    for name in rule.inputs:
        if absent := input_reason(facts.delivery(name)):
            return Verdict(rule, (), None, Word.UNKNOWN, reason=absent, evidence={"input": name})
    if spec.input:
        evidence = {"input": spec.input, "input_sha256": facts.delivery(spec.input).sha256}
        columns = [*spec.columns, spec.total_column] if spec.total_column else list(spec.columns)
        table = tables.table(spec.input, spec.label, columns)
        if table is None or not table.labels:
            return Verdict(rule, (), None, Word.UNKNOWN, reason=Reason("no_rows"), evidence=evidence)

    def resolve(ref: FigureRef) -> Decimal | None:
        if ref.input:
            label = next((other.spec.label for other in every.values() if isinstance(other.spec, CrossfootSpec) and other.spec.input == ref.input), "")  # fmt: skip
            other = tables.table(ref.input, spec.label if spec.input == ref.input else label, [ref.column])
            return other.figure(ref.row, ref.column) if other else None
        if ref.target_of:
            return _target_figure(every.get(ref.target_of), ref.period)
        return _observed_figure(measurements, ref)

    from tulosvahti.run.arithmetic import judge_crossfoot  # noqa: PLC0415 (only where sums are judged)

    return judge_crossfoot(rule, with_noise(spec), table, resolve, evidence)


def _target_figure(rule: Rule | None, period: Period | None) -> Decimal | None:
    if rule is None or not isinstance(rule.spec, TargetSpec):
        return None
    target = rule.spec.target_of(period)
    bound = (target.low or target.high) if target else None
    return _as_decimal(bound.value) if bound and not bound.of_previous else None


def _observed_figure(measurements: Sequence[Measurement], ref: FigureRef) -> Decimal | None:
    found = [item for item in measurements if item.rule == ref.observed_of and item.period == ref.period and not item.subject]
    value = found[0].value if len(found) == 1 and found[0].range == Range(found[0].value, found[0].value) else None
    return None if value is None else _as_decimal(value)


def _as_decimal(value: Fraction) -> Decimal | None:
    denominator = value.denominator
    while denominator % 10 == 0:
        denominator //= 10
    for factor in (2, 5):
        while denominator % factor == 0:
            denominator //= factor
    return Decimal(value.numerator) / Decimal(value.denominator) if denominator == 1 else None
