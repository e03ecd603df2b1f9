"""What the core's values look like as rows of the ledger, and subjects back again."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from decimal import Decimal

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.measure import Measurement, Subject
    from tulosvahti.core.verdict import Verdict
    from tulosvahti.problem import Problem


def subject_text(subject: Subject) -> str:
    """Write a subject as a JSON object, its fields in the order of the rule."""
    return _json(dict(subject))


def subject_of(text: str) -> Subject:
    """Read a subject back."""
    return tuple(json.loads(text).items())


def input_row(run: int, delivery: Delivery) -> dict[str, Any]:
    """Make the row of a delivery."""
    return {
        "run_id": run,
        "name": delivery.name,
        "sha256": delivery.sha256,
        "rows": delivery.rows,
        "rejects": delivery.rejected_rows,
        "state": delivery.state.value,
        "covered_through": delivery.covered_through,
        "expected_through": delivery.expected_through,
        "explanation": delivery.explanation,
        "next_step": delivery.next_step,
    }


def reject_rows(run: int, deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """Make the rows of everything that was rejected."""
    return [
        {
            "run_id": run,
            "input": delivery.name,
            "row": reject.row,
            "line": reject.line,
            "column": reject.column,
            "value": reject.value,
            "reason": reject.reason,
            "cell": reject.cell,
            "file": reject.file,
        }
        for delivery in deliveries
        for reject in delivery.rejects
    ]


def verdict_row(run: int, verdict: Verdict) -> dict[str, Any]:
    """Make the row of a verdict."""
    rule, subject, period = verdict.key
    reason = verdict.reason
    return {
        "run_id": run,
        "rule": rule,
        "subject": subject_text(subject),
        "period": period,
        "kind": verdict.rule.kind,
        "verdict": verdict.word.value,
        "provisional": verdict.provisional,
        "binding": verdict.binding,
        "observed": _decimal(verdict.observed),
        "target": verdict.target,
        "margin": _decimal(verdict.margin),
        "reason": None if reason is None else _json({"code": reason.code, "details": dict(reason.details)}),
        "evidence": _json(verdict.evidence),
        "severity": verdict.rule.severity.value,
        "owner": verdict.rule.owner,
    }


def measurement_row(run: int, measurement: Measurement) -> dict[str, Any]:
    """Make the row of a measurement; its value is an exact fraction: ``1200/13``."""
    return {
        "run_id": run,
        "rule": measurement.rule,
        "subject": subject_text(measurement.subject),
        "period": measurement.period.key if measurement.period else "",
        "value": None if measurement.value is None else str(measurement.value),
        "rows": measurement.rows,
        "unknown_rows": measurement.unknown_rows,
    }


def problem_row(run: int, problem: Problem) -> dict[str, Any]:
    """Make the row of a problem."""
    return {"run_id": run, **problem.parts()}


def moment(at: datetime) -> str:
    """Write a moment in UTC, so that texts sort as moments do.

    Raises:
        ValueError: it has no time zone.

    """
    if at.tzinfo is None:
        message = f"{at} has no time zone"
        raise ValueError(message)
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=dict)
