"""What a rule measures, in the reader's words: for people who do not read SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.rule import CrossfootSpec, ExpectationSpec, MilestoneSpec, NarrativeSpec, RowsSpec, TargetSpec
from tulosvahti.emit.words import day, target_text, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Rule


def meaning(rule: Rule, contracts: Mapping[str, Contract], language: str) -> list[tuple[str, str]]:
    """Give the formula of a rule as pairs of what and how."""

    def say(key: str, **details: object) -> str:
        return word(f"means.{key}", language, **details)

    def named(name: str) -> str:
        contract = contracts.get(name)
        title = contract.title.in_language(language) if contract else ""
        return f"{title} ({name})" if title else name

    spec = rule.spec
    if isinstance(spec, TargetSpec):
        measure = spec.measure
        expression = measure.expression.text if measure.expression else "*"
        pairs = [(say("formula"), say(f"{measure.kind}", expression=expression)), (say("data"), named(measure.input))]
        if measure.where:
            pairs.append((say("where"), measure.where.text))
        if measure.by:
            pairs.append((say("by"), ", ".join(measure.by)))
        pairs.append((say("grain"), say(f"grain_{spec.grain}")))
        if measure.period:
            pairs.append((say("dated_by"), measure.period))
        if measure.accumulates:
            pairs.append((say("accumulates"), say("path_declared" if measure.path else "path_linear")))
        if measure.min_rows:
            pairs.append((say("min_rows"), str(measure.min_rows)))
        if spec.warn:
            pairs.append((say("warn"), target_text(spec.warn.text, language)))
        return pairs
    if isinstance(spec, MilestoneSpec):
        return [(say("formula"), say("milestone", key=spec.key)), (say("data"), named(spec.input)), (say("due"), day(spec.due, language))]
    if isinstance(spec, NarrativeSpec):
        dues = ", ".join(f"{period.key}: {day(due, language)}" for period, due in spec.due)
        return [(say("formula"), say("narrative", key=spec.key)), (say("data"), named(spec.input)), (say("due"), dues)]
    if isinstance(spec, RowsSpec):
        pairs = [(say("formula"), say("rows", expression=spec.require.text)), (say("data"), named(spec.input))]
        return [*pairs, (say("where"), spec.where.text)] if spec.where else pairs
    if isinstance(spec, ExpectationSpec):
        return [(say("formula"), say("expectation", name=spec.type)), (say("data"), named(spec.input))]
    assert isinstance(spec, CrossfootSpec)  # noqa: S101 (the last kind there is)
    pairs = []
    if spec.input:
        pairs += [(say("formula"), say("crossfoot", row=spec.total_row or "–", column=spec.total_column or "–")), (say("data"), named(spec.input))]
    pairs += [(say("tie"), f"{tie.total} = {' + '.join(map(str, tie.items))}") for tie in spec.ties]
    return pairs
