"""The series behind charts: what was observed by period, beside the target, for reports and mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tulosvahti.core.quantity import shown
from tulosvahti.core.rule import TargetSpec
from tulosvahti.emit.charts import FEWEST, Series
from tulosvahti.emit.outlook import band_after, outlook, outlook_text
from tulosvahti.emit.stored import title_of
from tulosvahti.emit.words import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from tulosvahti.core.forecast import Forecast
    from tulosvahti.core.measure import Measurement, Subject
    from tulosvahti.core.rule import Rule
    from tulosvahti.core.target import Bound
    from tulosvahti.core.verdict import Outcome
    from tulosvahti.emit.stored import Key, Stored

    Judged = Mapping[str, Any]


def trends(outcome: Outcome, language: str) -> dict[tuple[str, Subject], Series]:
    """Give a series for each rule and subject that has three known values or more, in the order of the measurements."""
    known: dict[tuple[str, Subject], list[Measurement]] = {}
    for item in outcome.measurements:
        if item.value is not None and item.period is not None:
            known.setdefault((item.rule, item.subject), []).append(item)
    rules = {verdict.rule.id: verdict.rule for verdict in outcome.verdicts}
    return {
        key: _series(rules[key[0]], items, language)
        for key, items in known.items()
        if len(items) >= FEWEST and key[0] in rules
    }


def stored_trends(stored: Stored, language: str) -> dict[tuple[str, Subject], Series]:
    """Give the same series of a stored run."""
    known, then = _by_series(stored.values), _by_series(stored.then)
    rules: dict[str, Judged] = {}
    judged: dict[tuple[str, Subject], list[Judged]] = {}
    for verdict in stored.verdicts:
        rules[verdict["rule"]] = verdict
        judged.setdefault((verdict["rule"], tuple(verdict["subject"].items())), []).append(verdict)
    return {
        key: _stored_series(stored, rules[key[0]], items, outlook(stored, judged.get(key, ()), items, then.get(key, {})), language)
        for key, items in known.items()
        if len(items) >= FEWEST and key[0] in rules
    }


def _by_series(values: Mapping[Key, Fraction]) -> dict[tuple[str, Subject], dict[str, Fraction]]:
    found: dict[tuple[str, Subject], dict[str, Fraction]] = {}
    for (rule, subject, period), value in values.items():
        if period:
            found.setdefault((rule, subject), {})[period] = value
    return found


def _stored_series(
    stored: Stored, verdict: Judged, values: Mapping[str, Fraction], found: Forecast | None, language: str
) -> Series:
    unit, items = verdict["unit"] or "", values.items()
    return Series(
        title_of(verdict, language),
        unit,
        tuple((label, float(value)) for label, value in items),
        tuple(
            (period, _float(target["low"]), _float(target["high"]))
            for period, target in (stored.targets(verdict["rule"]) or {}).items()
        ),
        language,
        tuple((label, quantity(shown(value), unit, language)) for label, value in items),
        forecast=band_after(found, values),
        foretold=outlook_text(found, unit, language),
    )


def _float(text: str | None) -> float | None:
    return None if text is None else float(text)


def _series(rule: Rule, items: list[Measurement], language: str) -> Series:
    ordered = [(item.period.key, item.value) for item in items if item.period is not None and item.value is not None]
    spec = rule.spec
    targets = spec.targets if isinstance(spec, TargetSpec) else ()
    ends = tuple((period.key, _place(target.low), _place(target.high)) for period, target in targets)
    return Series(
        rule.title.in_language(language),
        rule.unit,
        tuple((label, float(value)) for label, value in ordered),
        ends,
        language,
        tuple((label, quantity(shown(value), rule.unit, language)) for label, value in ordered),
    )


def _place(end: Bound | None) -> float | None:
    return None if end is None or end.of_previous else float(end.value)
