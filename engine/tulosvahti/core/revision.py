"""Revisions: what other content of an input changed in periods that were closed and judged.

Compared is the newest known verdict of a key with the one of now, and only where the inputs of its rule have other bytes
than both that verdict and the newest run had: each change is told once. Unknown for want of an input revises nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from tulosvahti.core.quantity import plain, shown
from tulosvahti.core.verdict import FROZEN, Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.measure import Measurement, Subject
    from tulosvahti.core.rule import Rule
    from tulosvahti.core.verdict import Verdict

Key = tuple[str, "Subject", str]


@dataclass(frozen=True)
class Judged:
    """A verdict as an earlier run gave it, and the digests of the inputs that the run took in.

    ``observed`` is a decimal as text.
    """

    run: str
    as_of: date
    started_at: str
    word: Word
    provisional: bool
    observed: str | None
    rules_sha256: str
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What a run measured of a rule that was not judged for the period; ``value`` is a fraction as text."""

    run: str
    as_of: date
    started_at: str
    value: Fraction | None
    rules_sha256: str
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class History:
    """What earlier runs said: the newest verdict of each key, the newest known one, and the values measured.

    ``came``: by input, when each content was logged last, by its digest.
    """

    newest: Mapping[Key, Judged] = field(default_factory=dict)
    known: Mapping[Key, Judged] = field(default_factory=dict)
    seen: Mapping[Key, Seen] = field(default_factory=dict)
    came: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Because:
    """An input whose content is another: both digests, and the files that are new since."""

    input: str
    before: str
    now: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revision:
    """A closed period whose verdict or value is another now. Words are None where only a value was measured."""

    rule: Rule
    subject: Subject
    period: str
    before_run: str
    before_word: Word | None
    word: Word | None
    before_observed: str | None
    observed: str | None
    because: tuple[Because, ...]
    rules_changed: bool = False
    """True where the project's rules are others too: the content need not be the only cause."""

    @property
    def key(self) -> Key:
        """What was revised."""
        return self.rule.id, self.subject, self.period


def revised(
    verdicts: Sequence[Verdict],
    measurements: Sequence[Measurement],
    deliveries: Sequence[Delivery],
    history: History,
    rules_sha256: str,
) -> tuple[Revision, ...]:
    """Give the revisions of a run, in the order of its verdicts, then of its measurements."""
    now = {item.name: item for item in deliveries}
    found: list[Revision] = []
    for verdict in verdicts:
        known, newest = history.known.get(verdict.key), history.newest.get(verdict.key)
        if known is None or newest is None or verdict.period is None or known.provisional:
            continue
        if verdict.period.last_day > known.as_of or not _changed(verdict.rule, newest.inputs, now):
            continue
        usable = all(now[name].usable for name in verdict.rule.inputs if name in now)
        because = _because(verdict.rule, known.inputs, known.started_at, now, history)
        observed = None if verdict.observed is None else plain(verdict.observed)
        same = verdict.word is known.word and observed == known.observed
        if same or not because or (verdict.word in FROZEN and not usable):
            continue
        found.append(
            Revision(
                verdict.rule, verdict.subject, verdict.period.key, known.run, known.word, verdict.word,
                known.observed, observed, because, known.rules_sha256 != rules_sha256,
            )
        )  # fmt: skip
    return (*found, *_values(verdicts, measurements, now, history, rules_sha256))


def _values(
    verdicts: Sequence[Verdict], measurements: Sequence[Measurement], now: Mapping[str, Delivery], history: History, rules_sha256: str
) -> list[Revision]:
    """Give what changed of values that have no verdict: of rules without targets, and periods before the first one."""
    rules = {verdict.rule.id: verdict.rule for verdict in verdicts}
    judged = {verdict.key for verdict in verdicts}
    found = []
    for item in measurements:
        rule, period = rules.get(item.rule), item.period
        if rule is None or period is None:
            continue
        key = item.rule, item.subject, period.key
        before = history.seen.get(key)
        if key in judged or before is None or period.last_day > before.as_of or before.value == item.value:
            continue
        because = _because(rule, before.inputs, before.started_at, now, history)
        if because:
            texts = [None if value is None else plain(shown(value)) for value in (before.value, item.value)]
            changed = before.rules_sha256 != rules_sha256
            found.append(Revision(rule, item.subject, period.key, before.run, None, None, texts[0], texts[1], because, changed))
    return found


def _changed(rule: Rule, before: Mapping[str, str], now: Mapping[str, Delivery]) -> bool:
    return any(before.get(name) != now[name].sha256 for name in rule.inputs if name in now)


def _because(
    rule: Rule, before: Mapping[str, str], since: str, now: Mapping[str, Delivery], history: History
) -> tuple[Because, ...]:
    found = []
    for name in rule.inputs:
        was, delivery = before.get(name, ""), now.get(name)
        if delivery is None or not was or was == delivery.sha256:
            continue
        came = history.came.get(name, {})
        new = tuple(file.name for file in delivery.files if came.get(file.sha256, since) >= since)
        found.append(Because(name, was, delivery.sha256, new or tuple(file.name for file in delivery.files)))
    return tuple(found)
