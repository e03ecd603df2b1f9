"""What people say to alerts: acknowledgements, silences and waivers. Each is a row that is never changed.

An alert is muted by an input that its rule reads and that did not come, by a silence, or by a waiver that still covers
it. Muting holds mail back; the alert's state goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tulosvahti.core.rule import TargetSpec
from tulosvahti.core.verdict import FROZEN, Word

if TYPE_CHECKING:
    from datetime import datetime

    from tulosvahti.core.alert import Alert, AlertKey
    from tulosvahti.core.verdict import Verdict


@dataclass(frozen=True)
class Acknowledgement:
    """Somebody is on it: no reminder and no escalation until something new comes or it fires anew."""

    id: int
    at: datetime
    by: str
    key: AlertKey
    note: str = ""

    def covers(self, alert: Alert) -> bool:
        """Tell whether it was said of the alert as it fires now, not of an earlier time."""
        return self.key == alert.key and alert.active and alert.since is not None and self.at >= alert.since


@dataclass(frozen=True)
class Silence:
    """No mail of the alerts that match, until it ends."""

    id: int
    at: datetime
    by: str
    pattern: str
    reason: str
    ends: datetime

    def in_force(self, at: datetime) -> bool:
        """Tell whether it mutes at a moment."""
        return self.at <= at < self.ends


@dataclass(frozen=True)
class Waiver:
    """An approved exception: no mail of the alert until it ends, or until it is worse than the limit."""

    id: int
    at: datetime
    by: str
    pattern: str
    approver: str
    reason: str
    ends: datetime
    limit: Decimal


def matches(pattern: str, key: AlertKey) -> bool:
    """Tell whether a glob means the alert; the name of a rule means all its subjects."""
    return any(pattern == text or fnmatchcase(text, pattern) for text in (str(key), str(replace(key, subject=()))))


def extent(verdict: Verdict, as_of: date) -> Decimal | None:
    """Give the figure that a waiver limits: observed, euros, failing rows or days late; None where none is known.

    For a target where less is better, and for everything but targets, more is worse.
    """
    kind = verdict.rule.kind
    if kind == "target":
        return verdict.observed
    if kind == "crossfoot":
        return money(verdict)
    if kind in {"milestone", "narrative"}:
        due, done = verdict.evidence.get("due"), verdict.evidence.get("done_on")
        if not isinstance(due, str):
            return None
        until = date.fromisoformat(done) if isinstance(done, str) else as_of
        return Decimal((until - date.fromisoformat(due)).days)
    rows = verdict.evidence.get("failing_rows")
    return Decimal(rows) if isinstance(rows, int) else None


def exceeds(verdict: Verdict, limit: Decimal, as_of: date) -> bool:
    """Tell whether a bad verdict is worse than a waiver allows; a figure that is not known is not worse."""
    figure = extent(verdict, as_of)
    if verdict.word in FROZEN or figure is None:
        return False
    return figure < limit if lower_is_worse(verdict) else figure > limit


def lower_is_worse(verdict: Verdict) -> bool:
    """Tell on which side of its limit a verdict's figure is worse; below a range's low end counts as low."""
    spec = verdict.rule.spec
    target = spec.target_of(verdict.period) if isinstance(spec, TargetSpec) else None
    if target is None or target.low is None:
        return False
    if target.high is None:
        return True
    return verdict.observed is not None and not target.low.passes_below(Fraction(verdict.observed))


def money(verdict: Verdict) -> Decimal:
    """Give how much money the broken sums are about: what the smallest mend would change, else the largest gap."""
    pairs = [
        (stated, implied)
        for fault in _listed(verdict, "faults")
        for stated, implied in zip(fault["stated"], fault["implied"], strict=False)
    ]
    mended = sum((abs(_number(implied) - _number(stated)) for stated, implied in pairs), Decimal(0))
    return mended or max((abs(_number(item["difference"])) for item in _listed(verdict, "broken")), default=Decimal(0))


def materiality(verdict: Verdict) -> Decimal:
    """Give how far off a verdict is: euros of broken sums, share of failing rows, shortfall relative to the target."""
    if verdict.rule.kind == "crossfoot":
        return money(verdict)
    rows, failing = verdict.evidence.get("rows"), verdict.evidence.get("failing_rows")
    if isinstance(rows, int) and isinstance(failing, int) and rows:
        return Decimal(failing) / rows
    if verdict.observed is None or verdict.word not in {Word.MISSED, Word.AT_RISK}:
        return Decimal(0)
    expected = dict(verdict.reason.details).get("expected") if verdict.reason else None
    if expected:
        limit = Decimal(expected)
        gap = abs(limit - verdict.observed)
    else:
        gap = max(-(verdict.margin or Decimal(0)), Decimal(0))
        limit = verdict.observed + (gap if lower_is_worse(verdict) else -gap)
    return gap / abs(limit) if limit else gap


def _listed(verdict: Verdict, name: str) -> list[Any]:
    found = verdict.evidence.get(name)
    return list(found) if isinstance(found, list) else []


def _number(text: object) -> Decimal:
    try:
        return Decimal(str(text))
    except ArithmeticError:
        return Decimal(0)
