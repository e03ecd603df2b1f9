"""The shapes of the API's answers, as JSON Schema. Decimals are strings; moments and days are ISO 8601."""

from __future__ import annotations

from typing import Any

from tulosvahti.core.alert import AlertState
from tulosvahti.core.arrival import Fate, How
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.verdict import Change, Word
from tulosvahti.store.ledger import RunState

TEXT: dict[str, Any] = {"type": "string"}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
DECIMAL: dict[str, Any] = {"type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "description": "an exact decimal"}
DAY: dict[str, Any] = {"type": ["string", "null"], "format": "date"}
MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
MAYBE_MOMENT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
FLAG: dict[str, Any] = {"type": "boolean"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
ANYTHING: dict[str, Any] = {}
SUBJECT: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}
TEXTS: dict[str, Any] = {"type": "object", "properties": dict.fromkeys(("fi", "sv", "en"), TEXT), "required": ["fi", "sv", "en"]}


def one_of(words: Any, *, maybe: bool = False) -> dict[str, Any]:  # noqa: ANN401 (an enumeration)
    """Give the shape of a word of an enumeration."""
    found = [str(item) for item in words]
    return {"type": ["string", "null"], "enum": [*found, None]} if maybe else {"type": "string", "enum": found}


def shape(**parts: dict[str, Any]) -> dict[str, Any]:
    """Give the shape of an object whose parts are all there."""
    return {"type": "object", "properties": parts, "required": list(parts)}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    """Give the shape of a list."""
    return {"type": "array", "items": item}


RUN = shape(
    id=TEXT, as_of=DAY, state=one_of(RunState), started_at=MOMENT, finished_at=MAYBE_MOMENT, rules_sha256=TEXT, engine=TEXT,
    lookback=FLAG, forced_rules=TEXT, reason=TEXT,
)  # fmt: skip
VERDICT = shape(
    rule=TEXT, kind=TEXT, title=TEXTS, subject=SUBJECT, period=MAYBE_TEXT, verdict=one_of(Word), change=one_of(Change, maybe=True),
    provisional=FLAG, binding=FLAG, severity=TEXT, owner=TEXT, observed=DECIMAL, target=MAYBE_TEXT, margin=DECIMAL, unit=MAYBE_TEXT,
    reason=MAYBE_TEXT, reason_text={"anyOf": [TEXTS, {"type": "null"}]}, cite={"type": "object"}, evidence={"type": "object"},
)  # fmt: skip
FINDING = shape(rule=TEXT, subject=SUBJECT, period=MAYBE_TEXT, change=one_of(Change), was=MAYBE_TEXT, verdict=one_of(Word))
INPUT = shape(
    name=TEXT, sha256=TEXT, rows=COUNT, rejects=COUNT, state=one_of(DeliveryState), synthetic=FLAG, explanation=TEXT, next_step=TEXT,
    covered_through=DAY, expected_through=DAY, rejected=listed({"type": "object"}), notices=listed(TEXT),
)  # fmt: skip
PROBLEM = shape(file=TEXT, line=COUNT, column=COUNT, message=TEXT, allowed=TEXT, next_step=TEXT, rule=MAYBE_TEXT)
RULE = shape(
    id=TEXT, kind=TEXT, title=TEXTS, owner=TEXT, unit=MAYBE_TEXT, severity=TEXT, in_state_budget=FLAG, inputs=listed(TEXT),
    cite=shape(agreement=TEXT, section=TEXT, page=ANYTHING, quote=TEXT),
)  # fmt: skip
PAST = shape(
    run=TEXT, as_of=DAY, subject=SUBJECT, period=MAYBE_TEXT, verdict=one_of(Word), provisional=FLAG, observed=DECIMAL,
    target=MAYBE_TEXT, margin=DECIMAL, rules_sha256=TEXT,
)  # fmt: skip
DELIVERY = shape(
    id=COUNT, input=TEXT, place=TEXT, file=TEXT, sha256=TEXT, size=COUNT, arrived_at=MOMENT, how=one_of(How), by=TEXT, state=one_of(Fate),
    rows=COUNT, rejects=COUNT, explanation=TEXT, next_step=TEXT, run=TEXT,
)  # fmt: skip
ALERT = shape(
    alert=TEXT, about=TEXT, name=TEXT, subject=SUBJECT, state=one_of(AlertState), since=MAYBE_MOMENT, verdict=MAYBE_TEXT,
    periods={"type": "object", "additionalProperties": TEXT}, severity=TEXT, muted_by=MAYBE_TEXT,
    acknowledged={"anyOf": [shape(by=TEXT, at=MOMENT, note=TEXT), {"type": "null"}]},
    told=listed(shape(recipient=TEXT, at=MOMENT, firing=FLAG)),
)  # fmt: skip
PROBLEM_JSON = shape(type=TEXT, title=TEXT, status={"type": "integer"}, detail=TEXT)
