"""One indicator: the verdict that is looked at, its other verdicts, its series, and what is behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.judge import expected_share
from tulosvahti.core.period import Grain, containing, read_period
from tulosvahti.core.rule import TargetSpec
from tulosvahti.emit.charts import Series
from tulosvahti.emit.outlook import band, band_after, outlook_text
from tulosvahti.emit.stored import title_of, value_text
from tulosvahti.emit.words import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from tulosvahti.core.forecast import Forecast
    from tulosvahti.core.measure import Subject
    from tulosvahti.core.rule import Rule
    from tulosvahti.emit.stored import Stored
    from tulosvahti.store.looking import Seen

    Judged = Mapping[str, Any]

_TOLD = 40


@dataclass(frozen=True)
class Looked:
    """The verdicts of one rule in one run, and the one that is looked at."""

    all: Sequence[Judged]
    shown: Judged

    @property
    def subject(self) -> Subject:
        """The subject looked at."""
        return tuple(self.shown["subject"].items())


def look(stored: Stored, rule: str, period: str, subject: str) -> Looked | None:
    """Give what a run said of a rule; None where it said nothing, or nothing of that period and subject."""
    mine = [verdict for verdict in stored.verdicts if verdict["rule"] == rule]
    if not mine:
        return None
    if subject:
        try:
            wanted = json.loads(subject)
        except ValueError:
            return None
        of_subject = [verdict for verdict in mine if verdict["subject"] == wanted]
    else:
        of_subject = mine
    if period:
        found = [verdict for verdict in of_subject if verdict["period"] == period]
        return Looked(mine, found[0]) if found else None
    if not of_subject:
        return None
    begun = [v for v in of_subject if not v["period"] or read_period(v["period"]).start <= stored.as_of]
    return Looked(mine, (begun or of_subject)[-1])


def series_by_period(
    stored: Stored, verdict: Judged, values: Sequence[tuple[str, Fraction]], revised: Sequence[tuple[str, Fraction]],
    found: Forecast | None, language: str,
) -> Series:  # fmt: skip
    """Give the chart of periods: observed, the target's steps, what is provisional, what was given earlier, and the forecast."""
    unit = verdict["unit"] or ""
    targets = stored.targets(verdict["rule"]) or {}
    mine = [item for item in stored.verdicts if item["rule"] == verdict["rule"] and item["subject"] == verdict["subject"]]
    return Series(
        title_of(verdict, language),
        unit,
        tuple((label, float(value)) for label, value in values[-_TOLD:]),
        tuple((period, _end(target["low"]), _end(target["high"])) for period, target in targets.items()),
        language,
        tuple((label, value_text(value, unit, language)) for label, value in values[-_TOLD:]),
        provisional=frozenset(item["period"] for item in mine if item["provisional"] and item["period"]),
        revised=tuple((label, float(value)) for label, value in revised),
        forecast=band_after(found, dict(values)),
        foretold=outlook_text(found, unit, language),
    )


def series_within(rule: Rule, verdict: Judged, history: Sequence[Seen], found: Forecast | None, language: str) -> Series | None:
    """Give the chart of one open or ended period: what was known at the end of each month, beside the expected path.

    None where nothing accumulates, or no number is expected.
    """
    spec = rule.spec
    if not (isinstance(spec, TargetSpec) and spec.measure.accumulates and verdict["period"]):
        return None
    period = read_period(verdict["period"])
    target = spec.target_of(period)
    end = (target.low or target.high) if target else None
    if end is None or end.of_previous:
        return None
    path: list[tuple[str, float]] = []
    at = containing(period.start, Grain.MONTH)
    while at.start < period.end:
        path.append((at.key[5:], float(end.value * expected_share(spec.measure, period, at.last_day))))
        at = at.next()
    known: dict[str, str] = {}
    for item in history:
        if item.observed is not None and period.start <= item.as_of < period.end:
            known[f"{item.as_of:%m}"] = item.observed
    unit = verdict["unit"] or ""
    points = tuple((label, float(value)) for label, value in sorted(known.items()))
    ahead = found if found is not None and found.period == period else None
    return Series(
        title_of(verdict, language), unit, points, (), language,
        tuple((label, quantity(Decimal(value), unit, language)) for label, value in sorted(known.items())), path=tuple(path),
        forecast=band(ahead, *points[-1:], end=path[-1][0]) if ahead and (not points or points[-1][0] < path[-1][0]) else (),
        foretold=outlook_text(ahead, unit, language),
    )  # fmt: skip


def _end(text: str | None) -> float | None:
    return None if text is None else float(text)


def turns(history: Sequence[Seen]) -> list[Seen]:
    """Give the verdicts where word, target or value changed, newest first."""
    result: list[Seen] = []
    for item in history:
        last = result[-1] if result else None
        if last is None or (last.verdict, last.observed, last.target) != (item.verdict, item.observed, item.target):
            result.append(item)
    return result[::-1]

