"""What a rule measures, in the reader's words: for people who do not read SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.rule import CrossfootSpec, ExpectationSpec, MilestoneSpec, NarrativeSpec, RowsSpec, TargetSpec
from tulosvahti.emit.told import told
from tulosvahti.emit.words import day, target_text, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.expressed import Expression
    from tulosvahti.core.rule import Rule


def meaning(rule: Rule, contracts: Mapping[str, Contract], language: str) -> list[tuple[str, str]]:
    """Give the formula of a rule as pairs of what and how."""
    said = _Said(contracts, language)
    spec = rule.spec
    if isinstance(spec, TargetSpec):
        return said.target(spec)
    if isinstance(spec, CrossfootSpec):
        return said.crossfoot(spec)
    if isinstance(spec, MilestoneSpec):
        return [*said.of("milestone", spec.input, name=spec.key), (said.say("due"), day(spec.due, language))]
    if isinstance(spec, NarrativeSpec):
        dues = ", ".join(f"{period.key}: {day(due, language)}" for period, due in spec.due)
        return [*said.of("narrative", spec.input, name=spec.key), (said.say("due"), dues)]
    if isinstance(spec, RowsSpec):
        return said.of("rows", spec.input, expression=spec.text) + said.where(spec.where)
    assert isinstance(spec, ExpectationSpec)  # noqa: S101 (the last kind there is)
    return said.of("expectation", spec.input, name=spec.type)


@dataclass(frozen=True)
class _Said:
    contracts: Mapping[str, Contract]
    language: str

    def say(self, means: str, /, **details: object) -> str:
        return word(f"means.{means}", self.language, **details)

    def of(self, means: str, source: str, /, **details: object) -> list[tuple[str, str]]:
        contract = self.contracts.get(source)
        title = contract.title.in_language(self.language) if contract else ""
        named = f"{title} ({source})" if title else source
        return [(self.say("formula"), self.say(means, **details)), (self.say("data"), named)]

    def where(self, condition: Expression | None) -> list[tuple[str, str]]:
        return [(self.say("where"), condition.text)] if condition else []

    def target(self, spec: TargetSpec) -> list[tuple[str, str]]:
        measure = spec.measure
        expression = measure.expression.text if measure.expression else "*"
        pairs = self.of(str(measure.kind), measure.input, expression=expression) + self.where(measure.where)
        pairs += [
            (self.say("by"), ", ".join(measure.by)),
            (self.say("grain"), self.say(f"grain_{spec.grain}")),
            (self.say("dated_by"), measure.period),
            (self.say("accumulates"), self.say("path_declared" if measure.path else "path_linear") if measure.accumulates else ""),
            (self.say("min_rows"), f"{measure.cases} {measure.min_rows}" if measure.cases else str(measure.min_rows or "")),
            (self.say("warn"), target_text(spec.warn.text, self.language) if spec.warn else ""),
        ]
        return [pair for pair in pairs if pair[1]]

    def crossfoot(self, spec: CrossfootSpec) -> list[tuple[str, str]]:
        pairs = self.of("crossfoot", spec.input, row=spec.total_row or "–", column=spec.total_column or "–") if spec.input else []
        return pairs + [(self.say("tie"), " = ".join([told(str(tie.total), self.language), " + ".join(told(str(item), self.language) for item in tie.items)])) for tie in spec.ties]
