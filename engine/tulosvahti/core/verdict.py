"""Verdicts: what is said of a rule for one subject and period, and everything needed to prove it.

``observed`` and ``margin`` are decimals for reading; comparison was on exact fractions. ``evidence`` is plain JSON data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from tulosvahti.core.measure import Measurement, Reason, Subject

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tulosvahti.core.contract import Delivery
    from tulosvahti.core.period import Period
    from tulosvahti.core.revision import Revision
    from tulosvahti.core.rule import Rule
    from tulosvahti.problem import Problem

Json = None | bool | int | str | list["Json"] | Mapping[str, "Json"]


class Word(StrEnum):
    """The verdicts."""

    MET = "met"
    MISSED = "missed"
    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    UNKNOWN = "unknown"
    NOT_DUE = "not_due"
    MONITORED = "monitored"


ATTENTION = frozenset({Word.MISSED, Word.AT_RISK, Word.UNKNOWN})
"""Verdicts that open a finding."""
FROZEN = frozenset({Word.UNKNOWN})
"""Verdicts that never resolve a finding."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one rule, for one subject and period. ``period`` is None for rules without one."""

    rule: Rule
    subject: Subject
    period: Period | None
    word: Word
    provisional: bool = False
    binding: bool = True
    observed: Decimal | None = None
    target: str | None = None
    margin: Decimal | None = None
    reason: Reason | None = None
    evidence: Mapping[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, Subject, str]:
        """What the verdict is about, from run to run."""
        return self.rule.id, self.subject, self.period.key if self.period else ""

    @property
    def needs_attention(self) -> bool:
        """Tell whether the verdict opens a finding."""
        return self.word in ATTENTION


class Change(StrEnum):
    """What became of a finding since the last run."""

    OPENED = "opened"
    CHANGED = "changed"
    CONTINUED = "continued"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Finding:
    """A verdict that needs attention, followed from run to run. ``was`` is the last run's verdict."""

    verdict: Verdict
    change: Change
    was: Word | None = None
    first_run: str = ""


@dataclass(frozen=True)
class Outcome:
    """Everything one run found. ``previous`` is the last run's verdict by key."""

    run: str
    as_of: date
    rules_sha256: str
    engine: str
    deliveries: tuple[Delivery, ...]
    verdicts: tuple[Verdict, ...]
    measurements: tuple[Measurement, ...] = ()
    """Also of earlier periods: the series behind the charts."""
    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    previous: Mapping[tuple[str, Subject, str], Word] = field(default_factory=dict)
    lookback: bool = False
    """True where ``as_of`` is before the newest run's: nothing is alerted."""
    revisions: tuple[Revision, ...] = ()
    """What other content changed in closed periods."""
    lost: str = ""
    """Why a database could not be reached, where one could not: what is measured in it is unknown, the run not complete."""
