"""From a measurement to a verdict. Unknown never passes; strict is strict; comparison is on exact fractions.

An open period is judged on what is known and marked provisional; an accumulating one against its expected path.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.measure import ALL_NULL, SUPPRESSED, TOO_FEW, Reason
from tulosvahti.core.quantity import plain, shown
from tulosvahti.core.rule import MeasureKind, TargetSpec
from tulosvahti.core.verdict import Json, Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.measure import Measurement
    from tulosvahti.core.period import Period
    from tulosvahti.core.rule import Measure, Rule
    from tulosvahti.core.target import Target

_SILENT = {"no_rows", "no_rows_in_scope", ALL_NULL, SUPPRESSED}


@dataclass(frozen=True)
class Setting:
    """What the judging of one verdict needs beside the measurement."""

    as_of: date
    delivery: Delivery
    binding: bool
    grace: timedelta = timedelta()
    previous: Measurement | None = None
    """The measurement of the period before."""
    sql: str = ""


@dataclass(frozen=True)
class _Said:
    word: Word
    reason: Reason | None = None
    provisional: bool = False


def judge_target(rule: Rule, spec: TargetSpec, period: Period | None, measurement: Measurement, setting: Setting) -> Verdict:
    """Judge one measurement against the target of its period."""
    target = spec.target_of(period)
    said = _said(spec, target, period, measurement, setting)
    if target is not None and target.needs_previous and (possible := _resolved(target, setting.previous)):
        target, *ends = possible
        words = [_said(spec, end, period, measurement, setting) for end in ends]
        # What holds at both ends of the previous value holds between them.
        said = words[0] if words[0].word is words[1].word else _Said(Word.UNKNOWN, Reason("previous_unknown"), words[0].provisional)
    compared = target is not None and not target.needs_previous
    observed = measurement.value
    evidence: dict[str, Json] = {
        "rows": measurement.rows,
        "unknown_rows": measurement.unknown_rows,
        "workings": dict(measurement.workings),
        "sql": setting.sql,
        "input": setting.delivery.name,
        "input_sha256": setting.delivery.sha256,
    }
    if measurement.cases is not None:
        evidence["cases"] = plain(shown(measurement.cases))
    if measurement.stated and measurement.reason is not None:
        evidence["stated"] = dict(measurement.reason.details)["words"]
    if measurement.is_censored:
        evidence["censored"] = measurement.range.text
    elif observed is not None and not measurement.range.is_exact:
        evidence["range"] = [None if end is None else plain(shown(end)) for end in (measurement.range.low, measurement.range.high)]
    margin = None
    if target is not None and compared and observed is not None:
        margin = shown(target.margin(observed))
    return Verdict(
        rule,
        measurement.subject,
        period,
        said.word,
        provisional=said.provisional,
        binding=setting.binding,
        observed=None if observed is None else shown(observed, _same_side(target, observed) if compared else None),
        target=target.text if target is not None else None,
        margin=margin,
        reason=said.reason,
        evidence=evidence,
    )


def _resolved(target: Target, previous: Measurement | None) -> tuple[Target, Target, Target] | None:
    """Put the previous value, and both ends of where it can lie, in place of the reference."""
    if previous is None or previous.value is None or previous.range.low is None or previous.range.high is None:
        return None
    low, high = previous.range.low, previous.range.high
    return target.resolved(previous.value), target.resolved(low), target.resolved(high)


def _same_side(target: Target | None, value: Fraction) -> Callable[[Fraction], bool] | None:
    if target is None:
        return None
    met = target.met_by(value)
    return lambda printed: target.met_by(printed) is met


def input_reason(delivery: Delivery) -> Reason | None:
    """Say why nothing can be measured on an input; None where rows are there."""
    if delivery.state is DeliveryState.MISSING:
        return Reason.of("input_missing", input=delivery.name)
    if delivery.state is DeliveryState.QUARANTINED:
        return Reason.of("input_quarantined", input=delivery.name, explanation=delivery.explanation)
    return None


def late_reason(delivery: Delivery, period: Period | None) -> Reason | None:
    """Say that what is due of a period has not come; None where it has."""
    if not delivery.is_late_for(period):
        return None
    return Reason.of(
        "input_late", input=delivery.name, covered=delivery.covered_through or "", expected=delivery.expected_through or ""
    )


def _said(  # noqa: PLR0911 (one answer a case, in the order of the design)
    spec: TargetSpec, target: Target | None, period: Period | None, measurement: Measurement, setting: Setting
) -> _Said:
    as_of, delivery = setting.as_of, setting.delivery
    if period is not None and period.start > as_of and not _measured_without_time(spec):
        return _Said(Word.NOT_DUE)
    absent = input_reason(delivery)
    if absent:
        return _Said(Word.UNKNOWN, absent)
    if target is None:
        return _Said(Word.MONITORED, measurement.reason)
    silent = measurement.value is None and measurement.reason is not None and measurement.reason.code in _SILENT
    if silent and period is not None and delivery.nothing_due_yet(period):
        return _Said(Word.NOT_DUE, Reason.of("nothing_due_yet", input=delivery.name))
    if late := late_reason(delivery, period):
        return _Said(Word.UNKNOWN, late)
    if reason := _too_little(spec.measure, measurement):
        return _Said(Word.UNKNOWN, reason)
    if target.needs_previous and not measurement.stated:
        return _Said(Word.UNKNOWN, Reason("previous_unknown"))
    final = period is None or (period.has_ended(as_of) and as_of >= period.last_day + setting.grace)
    if measurement.stated:
        # There is no word for partly: what was not met was missed, and the reason says the rest.
        return _Said(Word.MET if measurement.stated == "met" else Word.MISSED, measurement.reason, not final)
    if spec.measure.accumulates and not final and period is not None:
        return _accumulating(spec, target, period, measurement, as_of)
    return _level(spec, target, measurement, provisional=not final)


def _too_little(measure: Measure, measurement: Measurement) -> Reason | None:
    """Say that there is no value, or that it rests on too little; None: it can be judged."""
    absent = measurement.reason if measurement.value is None and not measurement.is_censored and not measurement.stated else None
    if not measure.cases:
        few = Reason.of(TOO_FEW, rows=measurement.rows, needed=measure.min_rows)
        return absent or (few if measurement.rows < measure.min_rows else None)
    if (absent and absent.code != ALL_NULL) or (measurement.cases or 0) >= measure.min_rows:
        return absent
    if measurement.cases_missing:
        return absent or Reason.of("cases_missing", field=measure.cases, rows=measurement.cases_missing)
    return Reason.of(TOO_FEW, field=measure.cases, rows=plain(shown(measurement.cases or Fraction(0))), needed=measure.min_rows)


def _measured_without_time(spec: TargetSpec) -> bool:
    return not spec.measure.period and not spec.targets


def _level(spec: TargetSpec, target: Target, measurement: Measurement, *, provisional: bool) -> _Said:
    found, warn = measurement.range, spec.warn
    if target.missed_by_all(found):
        return _Said(Word.MISSED, None, provisional)
    if not target.met_by_all(found):
        return _Said(Word.UNKNOWN, _unknown_rows(measurement), provisional)
    value = measurement.value
    if provisional and warn is not None and (warn.missed_by_all(found) if value is None else not warn.met_by(value)):
        return _Said(Word.AT_RISK, Reason.of("within_warning", warn=warn.text), provisional)
    return _Said(Word.MET, None, provisional)


def _unknown_rows(measurement: Measurement) -> Reason | None:
    if measurement.is_censored:
        return measurement.reason
    ends = ["" if end is None else plain(shown(end)) for end in (measurement.range.low, measurement.range.high)]
    return Reason.of("unknown_rows", low=ends[0], high=ends[1], rows=measurement.unknown_rows)


def _accumulating(spec: TargetSpec, target: Target, period: Period, measurement: Measurement, as_of: date) -> _Said:
    low, high = measurement.range.low, measurement.range.high
    if measurement.monotone and target.exceeded_by_all(measurement.range):
        return _Said(Word.MISSED)
    if target.met_by_all(measurement.range) and target.direction == "higher":
        return _Said(Word.MET, None, not measurement.monotone)
    share = expected_share(spec.measure, period, as_of)
    at_risk = False
    expected = None
    if target.low is not None:
        expected = target.low.value * share
        at_risk = low is None or low < expected
    elif target.high is not None:
        expected = target.high.value * share
        at_risk = high is None or high > expected
    reason = None if expected is None else Reason.of("before_path", expected=plain(shown(expected)))
    return _Said(Word.AT_RISK if at_risk else Word.ON_TRACK, reason, provisional=True)


def expected_share(measure: Measure, period: Period, as_of: date) -> Fraction:
    """Give the share of the target expected by the evening of ``as_of``: linear, or between declared days linear."""
    elapsed, days = period.elapsed(as_of)
    if not measure.path:
        return Fraction(elapsed, days)
    points = [(0, Fraction(0))]
    for month, day, share in measure.path:
        year = period.last_day.year
        on = _day_of(year, month, day)
        points.append((period.elapsed(on)[0], Fraction(share)))
    points.append((days, Fraction(1)))
    points.sort()
    for (before, low), (after, high) in pairwise(points):
        if before <= elapsed <= after and after > before:
            return low + (high - low) * Fraction(elapsed - before, after - before)
    return Fraction(1)


def _day_of(year: int, month: int, day: int) -> date:
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day, last))


def is_monotone(measure: Measure, minimum: object) -> bool:
    """Tell whether an accumulating value can only grow: counts, and sums of what is never negative."""
    if measure.kind in {MeasureKind.COUNT, MeasureKind.DISTINCT}:
        return True
    return measure.kind is MeasureKind.SUM and minimum is not None and not isinstance(minimum, date) and minimum >= 0  # type: ignore[operator]
