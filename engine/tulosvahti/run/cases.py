"""The rules' own cases: fixture rows through the same judging as a night, compared with the verdicts they must give.

A case's input covers what it is asked about: freshness is not judged on fixtures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.measuring import DuckEngine
from tulosvahti.core.alert import QUIET_REASONS
from tulosvahti.core.contract import DATED, Contract, Delivery, DeliveryState, Field, FieldType
from tulosvahti.core.kept_rows import words_of
from tulosvahti.core.period_codes import period_of_code
from tulosvahti.core.quantity import NumberTextError, read_number
from tulosvahti.core.route import Routes, rule_matter
from tulosvahti.core.verdict import Verdict
from tulosvahti.load.cells import words_in
from tulosvahti.load.frames import frame_of_values
from tulosvahti.run.judging import Facts, judge_rules, with_cited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.rule import Agreement, Rule

_START = date(2023, 1, 1)


@dataclass(frozen=True)
class Case:
    """One case: fixture rows by input, and what must come of them."""

    rule: str
    name: str
    as_of: date
    inputs: Mapping[str, Sequence[Mapping[str, Any]]]
    expect: Mapping[str, Any]
    place: str = ""


@dataclass(frozen=True)
class CaseOutcome:
    """What came of a case; ``differences`` is empty where it passed."""

    case: Case
    differences: tuple[str, ...]
    needs_expectation: bool = False


def run_case(
    case: Case,
    rules: Mapping[str, Rule],
    contracts: Mapping[str, Contract],
    agreements: Mapping[str, Agreement],
    routes: Routes | None = None,
    expectations: Mapping[str, Any] | None = None,
) -> CaseOutcome:
    """Judge one case."""
    rule = rules.get(case.rule)
    if rule is None:
        return CaseOutcome(case, (f"no rule {case.rule!r} in rules/",))
    unknown = [name for name in case.inputs if name not in contracts]
    if unknown:
        return CaseOutcome(case, (f"no contract for input {', '.join(unknown)}",))
    facts = facts_of(case, rule, contracts, agreements)
    engine = DuckEngine(facts.tables, contracts, case.as_of)
    try:
        judged = judge_rules(with_cited([rule], rules), facts, engine, expectations or {}, rules)
    finally:
        engine.close()
    verdicts = [verdict for verdict in judged.verdicts if verdict.rule.id == rule.id]
    return CaseOutcome(case, tuple(_differences(case, verdicts, routes)))


def facts_of(case: Case, rule: Rule, contracts: Mapping[str, Contract], agreements: Mapping[str, Agreement]) -> Facts:
    """Build the inputs of a case: fixture rows filled up to whole rows of their contracts."""
    frames, deliveries = {}, {}
    for name, rows in case.inputs.items():
        contract = contracts[name]
        frames[name] = frame_of_values(contract, filled(contract, rows))
        deliveries[name] = Delivery(name, DeliveryState.ACCEPTED, rows=len(rows))
    for name in rule.inputs:
        deliveries.setdefault(name, Delivery(name, DeliveryState.MISSING))
    return Facts(case.as_of, deliveries, frames, contracts, agreements)


def filled(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give whole rows: what a fixture leaves out gets a plain value that the contract allows."""
    result: list[dict[str, Any]] = []
    for row in rows:
        given = {name: value for name, value in row.items() if name != "times"}
        for _ in range(int(row.get("times", 1))):
            number = len(result) + 1
            filled_up: dict[str, Any] = {}
            for item in contract.fields:
                value = given.get(item.name)
                if words := words_in(item, value) if item.worded and isinstance(value, str) else "":
                    filled_up |= {item.name: None, words_of(item.name): words}
                else:
                    filled_up[item.name] = _typed(item, value) if item.name in given else _plain(item, contract, number)
            result.append(filled_up)
    return result


def _plain(item: Field, contract: Contract, number: int) -> Any:  # noqa: ANN401, PLR0911 (a cell of any type)
    key = item.name in contract.primary_key or item.unique
    if not key and not item.required and not item.enum:
        return None
    if item.enum and not key:
        return _typed(item, item.enum[0])
    if item.type is FieldType.STRING:
        return f"{item.name}-{number}" if key else item.name
    if item.type is FieldType.BOOLEAN:
        return True
    if item.type is FieldType.DATE:
        return _START + timedelta(days=number if key else 0)
    if item.type in DATED and item.type is not FieldType.YEAR:
        return _START
    if item.type is FieldType.YEAR:
        return _START.year
    low = item.minimum if isinstance(item.minimum, Decimal) else Decimal(0)
    value = low + number if key else low
    return int(value) if item.type is FieldType.INTEGER else value


def _typed(item: Field, value: Any) -> Any:  # noqa: ANN401 (a cell of any type)
    if value in item.hidden_values:
        return value
    if value is None or item.type in {FieldType.STRING, FieldType.BOOLEAN}:
        return value if value is None or item.type is FieldType.BOOLEAN else str(value)
    if item.type is FieldType.NUMBER:
        if isinstance(value, str):
            try:
                return read_number(value, decimal_char=item.decimal_char, group_char=item.group_char)
            except NumberTextError:
                return Decimal(value)
        return Decimal(str(value))
    if item.type is FieldType.YEARMONTH:
        year, _, month = str(value).partition("-")
        return date(int(year), int(month[:2]), 1)
    if item.type in {FieldType.YEAR, FieldType.INTEGER}:
        return int(value)
    if item.type in DATED and not isinstance(value, date) and (period := period_of_code(str(value))):
        return period.start
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _differences(case: Case, verdicts: Sequence[Verdict], routes: Routes | None) -> list[str]:
    expect = dict(case.expect)
    period = expect.pop("period", None)
    subject = expect.pop("subject", None)
    found = [
        verdict
        for verdict in verdicts
        if (period is None or (verdict.period and verdict.period.key == str(period)))
        and (subject is None or dict(verdict.subject) == {name: str(value) for name, value in subject.items()})
    ]
    if len(found) != 1:
        there = ", ".join(f"{v.period.key if v.period else '-'} {dict(v.subject) or ''}".strip() for v in verdicts)
        return [f"expected one verdict for period {period}, subject {subject}; there are: {there or 'none'}"]
    verdict = found[0]
    actual: dict[str, Any] = {
        "verdict": str(verdict.word),
        "observed": None if verdict.observed is None else f"{verdict.observed:f}",
        "margin": None if verdict.margin is None else f"{verdict.margin:f}",
        "reason": verdict.reason.code if verdict.reason else None,
        "provisional": verdict.provisional,
        "binding": verdict.binding,
        "rows": verdict.evidence.get("rows"),
        "unknown_rows": verdict.evidence.get("unknown_rows"),
        "cells": [cell for fault in verdict.evidence.get("faults") or [] for cell in fault["cells"]],  # type: ignore[union-attr, index, call-overload]
        "implied": [cell for fault in verdict.evidence.get("faults") or [] for cell in fault["implied"]],  # type: ignore[union-attr, index, call-overload]
        "failing_rows": verdict.evidence.get("failing_rows"),
    }
    if routes is not None:
        told = verdict.needs_attention and actual["reason"] not in QUIET_REASONS
        heard = routes.heard_by(rule_matter(verdict.rule, verdict.word)) if told else ()
        actual["mail_to"] = sorted(item.recipient for item in heard)
    differences = []
    for name, wanted in expect.items():
        if name not in actual:
            differences.append(f"unknown expectation {name!r}; allowed: {', '.join(actual)}")
        elif not _same(wanted, actual[name]):
            differences.append(f"{name}: expected {wanted!r}, got {actual[name]!r}")
    return differences


def _same(wanted: Any, actual: Any) -> bool:  # noqa: ANN401 (values of a case)
    if isinstance(wanted, list):
        return sorted(map(str, wanted)) == sorted(map(str, actual or []))
    if isinstance(wanted, bool) or wanted is None:
        return bool(wanted is actual)
    try:
        return Decimal(str(wanted)) == Decimal(str(actual))
    except ArithmeticError:
        return str(wanted) == str(actual)
