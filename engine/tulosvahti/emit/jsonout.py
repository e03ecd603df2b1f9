"""A run as JSON: numbers are decimal strings, order is the agreement's, the same outcome gives the same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tulosvahti.core.quantity import plain, shown
from tulosvahti.core.rule import CrossfootSpec, TargetSpec
from tulosvahti.core.text import LANGUAGES
from tulosvahti.emit.words import reason_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tulosvahti.core.contract import Contract, Delivery
    from tulosvahti.core.revision import Revision
    from tulosvahti.core.rule import Agreement, Rule
    from tulosvahti.core.target import Bound
    from tulosvahti.core.text import Text
    from tulosvahti.core.verdict import Finding, Outcome, Verdict, Word
    from tulosvahti.problem import Problem


def to_json(outcome: Outcome, agreements: Mapping[str, Agreement], contracts: Mapping[str, Contract] | None = None) -> str:
    """Write the outcome in the shape of DESIGN §5, ending with a newline.

    ``agreements`` and ``contracts`` say what its names stand for.
    """
    titles = {name: contract.title for name, contract in (contracts or {}).items() if contract.title}
    by_key = {finding.verdict.key: finding for finding in outcome.findings}
    shape = {
        "run": {
            "id": outcome.run,
            "as_of": outcome.as_of.isoformat(),
            "rules_sha256": outcome.rules_sha256,
            "engine": outcome.engine,
            "lookback": outcome.lookback,
        },
        "inputs": [_input(delivery, titles.get(delivery.name)) for delivery in outcome.deliveries],
        "verdicts": [_verdict(verdict, by_key.get(verdict.key), outcome.previous.get(verdict.key)) for verdict in outcome.verdicts],
        "findings": [_finding(finding) for finding in outcome.findings],
        "revisions": [_revision(revision) for revision in outcome.revisions],
        "problems": [_problem(problem) for problem in outcome.problems],
        "agreements": _agreements(outcome, agreements),
        "rules": _rules(outcome),
    }
    return indented(shape) + "\n"


def indented(value: object, margin: str = "\n") -> str:
    """Write plain data as ``json.dumps`` does without ASCII and with an indent of one, in a third of its time."""
    if isinstance(value, dict) and value:
        inner = margin + " "
        parts = [f"{_quoted(name if isinstance(name, str) else json.dumps(name))}: {indented(item, inner)}" for name, item in value.items()]
        return "{" + inner + ("," + inner).join(parts) + margin + "}"
    if isinstance(value, list | tuple) and value:
        inner = margin + " "
        return "[" + inner + ("," + inner).join([indented(item, inner) for item in value]) + margin + "]"
    if type(value) is str:
        return _quoted(value)
    return str(value) if type(value) is int else json.dumps(value, ensure_ascii=False)


_quoted = json.encoder.encode_basestring


def _agreements(outcome: Outcome, agreements: Mapping[str, Agreement]) -> dict[str, Any]:
    """Name what the verdicts cite as it was called that day: reports of a past run are made of this."""
    shapes: dict[str, Any] = {}
    for verdict in outcome.verdicts:
        rule, key = verdict.rule, verdict.rule.cite.agreement
        agreement = agreements.get(key)
        if key not in shapes:
            shapes[key] = {
                "title": _texts(agreement.title) if agreement else None,
                "document": agreement.document if agreement else "",
                "agency": _texts(agreement.agency) if agreement else None,
                "years": {str(year): binding for year, binding in agreement.years} if agreement else {},
                "owners": {name: _texts(text) for name, text in agreement.parties} if agreement else {},
                "sections": {},
            }
        shapes[key]["sections"].setdefault(rule.cite.section, _texts(rule.cite.section_title))
    return shapes


def _texts(text: Text) -> dict[str, str]:
    return {language: text.in_language(language) for language in LANGUAGES}


def _rules(outcome: Outcome) -> dict[str, Any]:
    """Give what a report says of a rule whatever its verdict: its note, every dated target with its ends, what it does in a period."""
    rules = {verdict.rule.id: verdict.rule for verdict in outcome.verdicts}
    return {
        name: {
            "note": _texts(rule.note) if rule.note else None,
            "targets": _targets(rule),
            "accumulates": isinstance(rule.spec, TargetSpec) and rule.spec.measure.accumulates,
        }
        for name, rule in rules.items()
    }


def _targets(rule: Rule) -> dict[str, dict[str, str | None]] | None:
    if not isinstance(rule.spec, TargetSpec):
        return None
    return {
        period.key: {"text": target.text, "low": _end(target.low), "high": _end(target.high)}
        for period, target in rule.spec.targets
    }


def _end(bound: Bound | None) -> str | None:
    """Give an end of a target; none where it hangs on the period before."""
    return None if bound is None or bound.of_previous else plain(shown(bound.value))


def _sums(rule: Rule) -> dict[str, Any] | None:
    """Say which cells of a table are added to which, so that a reader can add them again."""
    spec = rule.spec
    if not isinstance(spec, CrossfootSpec) or not spec.input:
        return None
    return {
        "items": {name: -1 if name in spec.subtracted else 1 for name in spec.columns if name != spec.total_column},
        "total_column": spec.total_column,
        "total_row": spec.total_row,
        "subtotals": {parent: list(children) for parent, children in spec.subtotals},
    }


def _input(delivery: Delivery, title: Text | None) -> dict[str, Any]:
    return {
        "name": delivery.name,
        **({"title": _texts(title)} if title else {}),
        "sha256": delivery.sha256,
        "rows": delivery.rows,
        "rejects": delivery.rejected_rows,
        "state": str(delivery.state),
        "synthetic": delivery.synthetic,
        "explanation": delivery.explanation,
        "next_step": delivery.next_step,
        "covered_through": delivery.covered_through.isoformat() if delivery.covered_through else None,
        "expected_through": delivery.expected_through.isoformat() if delivery.expected_through else None,
        "rejected": [
            {"row": item.row, "line": item.line, "column": item.column, "value": item.value, "reason": item.reason}
            | ({"cell": item.cell} if item.cell else {})
            | ({"file": item.file} if item.file else {})
            for item in delivery.rejects
        ],
        "notices": [notice.message for notice in delivery.notices],
        **({"marks": [{"kind": mark.kind, "text": mark.text, "of": mark.of} for mark in delivery.marks]} if delivery.marks else {}),
    }


def _verdict(verdict: Verdict, finding: Finding | None, before: Word | None) -> dict[str, Any]:
    rule = verdict.rule
    was = finding.was if finding and finding.was else before
    return {
        "rule": rule.id,
        "kind": rule.kind,
        "title": _texts(rule.title),
        "subject": dict(verdict.subject),
        "period": verdict.period.key if verdict.period else None,
        "verdict": str(verdict.word),
        "change": str(finding.change) if finding else None,
        "was": str(was) if was else None,
        "provisional": verdict.provisional,
        "binding": verdict.binding,
        "in_state_budget": rule.in_state_budget,
        "severity": str(rule.severity),
        "owner": rule.owner,
        "observed": _number(verdict.observed),
        "target": verdict.target,
        "margin": _number(verdict.margin),
        "unit": rule.unit or None,
        "reason": verdict.reason.code if verdict.reason else None,
        "reason_text": {language: reason_text(verdict.reason, language) for language in LANGUAGES} if verdict.reason else None,
        "cite": {"agreement": rule.cite.agreement, "section": rule.cite.section, "page": rule.cite.page, "quote": rule.cite.quote},
        "sums": _sums(rule),
        "evidence": _sorted(verdict.evidence),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    verdict = finding.verdict
    return {
        "rule": verdict.rule.id,
        "subject": dict(verdict.subject),
        "period": verdict.period.key if verdict.period else None,
        "change": str(finding.change),
        "was": str(finding.was) if finding.was else None,
        "verdict": str(verdict.word),
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "rule": revision.rule.id,
        "subject": dict(revision.subject),
        "period": revision.period,
        "before": {"run": revision.before_run, "verdict": revision.before_word and str(revision.before_word), "observed": revision.before_observed},
        "after": {"verdict": revision.word and str(revision.word), "observed": revision.observed},
        "because": [
            {"input": item.input, "sha256_before": item.before, "sha256": item.now, "files": list(item.files)} for item in revision.because
        ],
        "rules_changed": revision.rules_changed,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {**problem.parts(), "rule": problem.rule or None}


def _number(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _sorted(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if name == "workings" else _plain(value) for name, value in sorted(evidence.items())}


def _plain(value: Any) -> Any:  # noqa: ANN401 (JSON data)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in sorted(value.items())}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
