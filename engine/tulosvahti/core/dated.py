"""Milestones and narratives: due on a day, done or not. A day is known on its own evening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.judge import input_reason, late_reason
from tulosvahti.core.measure import Reason
from tulosvahti.core.period import Grain, containing
from tulosvahti.core.verdict import Json, Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, timedelta

    from tulosvahti.core.judge import Setting
    from tulosvahti.core.period import Period
    from tulosvahti.core.rule import MilestoneSpec, Rule

REPORT_FIELDS = ("author", "dated", "text", "reference")
"""What a narrative needs, in the order of the sentence about what is missing."""


@dataclass(frozen=True)
class Happening:
    """One row about the key: the day, and the fields that are still blank."""

    row: int
    day: date | None
    blank: tuple[str, ...] = ()
    rejected: bool = False


def judge_milestone(rule: Rule, spec: MilestoneSpec, happenings: Sequence[Happening], setting: Setting) -> Verdict:
    """Judge a milestone on the rows with its key."""
    period = containing(spec.due, Grain.YEAR)
    return _judge(rule, period, spec.due, spec.lead, happenings, setting)


def judge_narrative(  # noqa: PLR0913 (each is one fact)
    rule: Rule, period: Period, due: date, lead: timedelta, happenings: Sequence[Happening], setting: Setting
) -> Verdict:
    """Judge the completeness of one year's report."""
    return _judge(rule, period, due, lead, happenings, setting)


def _judge(  # noqa: PLR0913
    rule: Rule, period: Period, due: date, lead: timedelta, happenings: Sequence[Happening], setting: Setting
) -> Verdict:
    known = [item for item in happenings if item.day is None or item.day <= setting.as_of]
    whole = [item for item in known if item.day is not None and not item.blank and not item.rejected]
    done = min((item.day for item in whole if item.day is not None), default=None)
    word, reason = _word(done, due, lead, known, setting, period)
    evidence: dict[str, Json] = {
        "rows": len(known),
        "due": due.isoformat(),
        "done_on": done.isoformat() if done else None,
        "row_numbers": [item.row for item in known],
        "input": setting.delivery.name,
        "input_sha256": setting.delivery.sha256,
    }
    return Verdict(rule, (), period, word, binding=setting.binding, target=due.isoformat(), reason=reason, evidence=evidence)


def _word(  # noqa: PLR0911, PLR0913 (one answer a case)
    done: date | None, due: date, lead: timedelta, known: Sequence[Happening], setting: Setting, period: Period
) -> tuple[Word, Reason | None]:
    as_of = setting.as_of
    if absent := input_reason(setting.delivery):
        return Word.UNKNOWN, absent
    if done is not None:
        return (Word.MET, None) if done <= due else (Word.MISSED, Reason.of("late", done=done.isoformat()))
    if any(item.rejected for item in known):
        return Word.UNKNOWN, Reason.of("unknown_operands", count=sum(item.rejected for item in known))
    missing = next((item.blank for item in known if item.blank), ())
    if as_of >= due:
        if late := late_reason(setting.delivery, containing(due, Grain.DAY) if due >= period.start else None):
            return Word.UNKNOWN, late
        return Word.MISSED, Reason.of("incomplete", missing=", ".join(missing)) if missing else Reason("not_done")
    if as_of >= due - lead and lead.days:
        return Word.AT_RISK, Reason.of("incomplete", missing=", ".join(missing)) if missing else Reason("not_done")
    return Word.NOT_DUE, None
