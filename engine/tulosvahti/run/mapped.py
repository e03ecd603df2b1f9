"""Series across a break: a rule whose subjects are counted as the organisations of a chosen day.

The changes are looked up when a run judges, and stand in the rule's own SQL. Codes for which nothing can be said are
subjects of their own, unknown and named; their rows are unknown rows of every other subject.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.found import NotComputedError
from tulosvahti.core.judge import input_reason
from tulosvahti.core.mapping import Step, moved, share_text, shares, told
from tulosvahti.core.measure import Reason
from tulosvahti.core.rule import Measure, MeasureKind, Rule, TargetSpec
from tulosvahti.core.verdict import Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tulosvahti.core.contract import Contract, Delivery
    from tulosvahti.core.period import Period
    from tulosvahti.core.verdict import Json
    from tulosvahti.run.engines import Measures

MOST_NAMED = 20
"""Unknown codes that get a verdict of their own; all are counted."""


@dataclass(frozen=True)
class Lookup:
    """What came of looking the changes up: the fault, or the evidence and the codes of which nothing can be said."""

    spec: TargetSpec
    fault: Reason | None = None
    evidence: Mapping[str, Json] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def looked_up(
    spec: TargetSpec, contracts: Mapping[str, Contract], changes: Delivery | None, engine: Measures, as_of: date
) -> Lookup:
    """Look up the organisations that a measure is counted by; a measure without a mapping stays as it is."""
    mapping = spec.measure.mapping
    if mapping is None:
        return Lookup(spec)
    if changes is None or (absent := input_reason(changes)):
        return Lookup(spec, absent if changes is not None else Reason.of("input_missing", input=mapping.input))
    fields, at = contracts[mapping.input].mapping, mapping.at or as_of
    if fields is None:
        return Lookup(spec, Reason.of("not_computed", detail=f"{mapping.input} says no changes"))
    try:
        names = [fields.code, fields.successor, fields.valid_from, *([fields.share] if fields.share else [])]
        rows = engine.look(mapping.input, [*names, "__rejected"])
        counted = replace(spec, measure=Measure(spec.measure.input, MeasureKind.COUNT, None, by=(mapping.field,)))
        lying = {subject[0][1]: parts.rows for subject, _, parts in engine.measure(counted).groups}
    except NotComputedError as error:
        return Lookup(spec, Reason.of("not_computed", detail=error))
    steps = (
        Step(row[fields.code], row[fields.successor] or "", row[fields.valid_from], row[fields.share] if fields.share else None)
        for row in rows if row[fields.code] and not row["__rejected"]
    )  # fmt: skip
    whole = shares(steps, at)
    # A change that breaks its contract may be any change.
    whole |= {row[fields.code]: None for row in rows if row["__rejected"] and row[fields.code]}
    divided = {code: parts for code, parts in whole.items() if parts is not None and len(parts) > 1 and _is_shareable(spec.measure)}
    labels = {code: told(code, parts) for code, parts in divided.items()}
    codes = {code: labels.get(code) or (parts[0][0] if parts is not None and len(parts) == 1 else None) for code, parts in whole.items()}
    found = moved(mapping.field, codes, keeps=not fields.lists_all, shared={labels[code]: parts for code, parts in divided.items()})
    known = dict(found.codes)
    unsaid = sorted(code for code in lying if known.get(code, code if found.keeps else None) is None)
    zeros = sorted(code for code in lying if code not in codes and known.get(code) is not None)
    evidence: dict[str, Any] = {
        "input": mapping.input,
        "input_sha256": changes.sha256,
        "field": mapping.field,
        "at": at.isoformat(),
        "counted_as": {code: known[code] for code in sorted(lying) if known.get(code) not in {None, code}},
    }
    out = {code: dict(found.shared)[known[code] or ""] for code in sorted(lying) if known.get(code) in dict(found.shared)}
    if out:
        evidence["shared_out"] = {code: {name: share_text(share) for name, share in parts} for code, parts in out.items()}
    if zeros:
        evidence["leading_zeros_added"] = zeros
    if unsaid:
        evidence["unknown_codes"] = {code: lying[code] for code in unsaid}
    bad = sum(bool(row["__rejected"]) for row in rows)
    if bad:
        evidence["rejected_changes"] = bad
    return Lookup(replace(spec, measure=replace(spec.measure, moved=found)), None, {"mapping": evidence}, tuple(unsaid))


def _is_shareable(measure: Measure) -> bool:
    from tulosvahti.compute.groups import is_shareable  # noqa: PLC0415 - parses SQL; few changes are divisions

    return is_shareable(measure)


def named(rule: Rule, found: Lookup, periods: Sequence[Period | None]) -> list[Verdict]:
    """Give a verdict for each code of which nothing can be said, for the newest period."""
    mapping = found.spec.measure.mapping
    if mapping is None or not periods:
        return []
    details = {"input": mapping.input, "day": found.evidence["mapping"]["at"]} if found.unknown else {}  # type: ignore[index,call-overload]
    by = found.spec.measure.by
    return [
        Verdict(
            rule,
            tuple((name, code if name == mapping.field else "") for name in by),
            periods[-1],
            Word.UNKNOWN,
            reason=Reason.of("unmapped", detail=code, **details),
            evidence=found.evidence,
        )
        for code in found.unknown[:MOST_NAMED]
    ]
