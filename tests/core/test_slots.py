"""The policy: which slot runs, which are skipped, what is tried again; and what a delivery triggers."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tulosvahti.core.slots import Due, Job, Judged, Known, Missed, Plan, Waiting, calendar_plan, delivery_plan
from tulosvahti.core.timetable import Timetable

NIGHTLY = Job("nightly", "0 3 * * *", max_late=timedelta(hours=2))
SKIPPING = replace(NIGHTLY, missed=Missed.SKIP)
DELIVERIES = Job("deliveries", on_delivery="crm,pay*", retries=1)
HELSINKI = ZoneInfo("Europe/Helsinki")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def waiting(attempts: int = 1, retry_at: str = "2023-06-05T00:10", slot: str = "2023-06-05T03:00") -> Waiting:
    return Waiting(Due(slot, utc("2023-06-05T00:00"), "*"), attempts, utc(retry_at))


def said(plan: Plan) -> tuple[str, str, int, str]:
    skipped = plan.skipped
    return (
        plan.run.slot if plan.run else "",
        f"{skipped.oldest}..{skipped.newest}" if skipped else "",
        skipped.count if skipped else 0,
        plan.gives_up,
    )


NEW = ("", "2023-06-05T03:00..2023-06-05T03:00", 0, "")
NOTHING = ("", "", 0, "")
TONIGHT = ("2023-06-05T03:00", "", 0, "")


@pytest.mark.parametrize(
    ("job", "known", "now", "planned"),
    [
        (NIGHTLY, Known(), "2023-06-05T12:00", NEW),
        (NIGHTLY, Known("2023-06-05T03:00"), "2023-06-05T23:59", NOTHING),
        (NIGHTLY, Known("2023-06-04T03:00"), "2023-06-05T00:00", TONIGHT),
        (NIGHTLY, Known("2023-06-04T03:00"), "2023-06-04T23:59:59", NOTHING),
        # Missed: the newest runs however late, and the others are one counted range.
        (NIGHTLY, Known("2023-06-04T03:00"), "2023-06-05T23:00", TONIGHT),
        (NIGHTLY, Known("2023-06-01T03:00"), "2023-06-05T12:00", ("2023-06-05T03:00", "2023-06-02T03:00..2023-06-04T03:00", 3, "")),
        # Skipping: late by two hours still runs, by more does not.
        (SKIPPING, Known("2023-06-04T03:00"), "2023-06-05T02:00", TONIGHT),
        (SKIPPING, Known("2023-06-04T03:00"), "2023-06-05T02:00:01", ("", "2023-06-05T03:00..2023-06-05T03:00", 1, "")),
        (SKIPPING, Known("2023-06-01T03:00"), "2023-06-05T12:00", ("", "2023-06-02T03:00..2023-06-05T03:00", 4, "")),
        (SKIPPING, Known("2023-06-01T03:00"), "2023-06-05T01:00", ("2023-06-05T03:00", "2023-06-02T03:00..2023-06-04T03:00", 3, "")),
        # A clock that was put back: nothing is due until time has passed again.
        (NIGHTLY, Known("2023-06-05T03:00"), "2023-06-01T12:00", NOTHING),
        # Tried again: not before its time, not for ever, and not when the next slot has come.
        (NIGHTLY, Known("2023-06-05T03:00", waiting()), "2023-06-05T00:09", NOTHING),
        (NIGHTLY, Known("2023-06-05T03:00", waiting()), "2023-06-05T00:10", TONIGHT),
        (NIGHTLY, Known("2023-06-05T03:00", waiting(retry_at="2033-06-05T00:10")), "2023-06-05T00:05", TONIGHT),
        (NIGHTLY, Known("2023-06-05T03:00", waiting(3)), "2023-06-05T00:10", TONIGHT),
        (NIGHTLY, Known("2023-06-05T03:00", waiting(4)), "2023-06-05T00:10", ("", "", 0, "given up: it was begun 4 times and never ended")),
        (NIGHTLY, Known("2023-06-05T03:00", waiting()), "2023-06-06T00:00", ("2023-06-06T03:00", "", 0, "slot 2023-06-06T03:00 came before it was tried again")),
        (SKIPPING, Known("2023-06-05T03:00", waiting()), "2023-06-05T12:00", TONIGHT),
    ],
)  # fmt: skip
def test_a_job_with_a_timetable(job, known, now, planned):
    assert said(calendar_plan(job, Timetable(job.cron, HELSINKI), utc(now), known)) == planned


@pytest.mark.parametrize("cron", ["0 3 * * *", "* * * * *"])
def test_a_clock_that_jumps_ten_years_is_quick_and_runs_one(cron):
    began = time.process_time()
    plan = calendar_plan(Job("job", cron), Timetable(cron, HELSINKI), utc("2033-06-01T12:00"), Known("2023-06-01T15:00"))
    assert time.process_time() - began < 2
    assert plan.run
    assert plan.run.slot.startswith("2033-06-01")
    assert plan.skipped
    assert plan.skipped.count == (3652 if cron == "0 3 * * *" else 3653 * 24 * 60 - 1)


def test_a_timetable_without_slots_plans_nothing():
    never = Timetable("0 0 */29 2 MON#5", HELSINKI)
    assert calendar_plan(Job("never", never.cron), never, utc("2023-06-01"), Known()) == Plan()
    assert never.next(utc("2023-06-01")) is None


JUDGED = {
    "leads": Judged("7", {"crm": "a1"}),
    "salaries": Judged("7", {"payroll": "b1", "crm": "a1"}),
    "late": Judged("6", {"payments": ""}),
    "other": Judged("7", {"survey": "c1"}),
}


@pytest.mark.parametrize(
    ("arrived", "rules", "named"),
    [
        ({"crm": "a1", "payroll": "b1"}, None, ""),
        ({"crm": "a2", "payroll": "b1"}, "leads,salaries", "crm "),
        ({"crm": "a1", "payroll": "b2"}, "salaries", "payroll "),
        ({"payments": "d1"}, "late", "payments "),  # What was missing has come.
        ({"crm": "a2", "payroll": "b2"}, "leads,salaries", "crm, payroll "),
        ({"survey": "c2"}, None, ""),  # Not among the inputs of the job.
        ({}, None, ""),  # What is gone, or still being written, is no delivery.
    ],
)
def test_a_delivery_triggers_the_rules_that_depend_on_it(arrived, rules, named):
    plan = delivery_plan(DELIVERIES, arrived, JUDGED, utc("2023-06-01"), Known())
    assert (plan.run.rules if plan.run else None) == rules
    assert (plan.run.slot if plan.run else "").startswith(named)


def test_each_delivery_is_a_slot_of_its_own_also_of_the_same_bytes():
    def slot(digest: str, run: str, judged: str) -> str:
        plan = delivery_plan(DELIVERIES, {"crm": digest}, {"leads": Judged(run, {"crm": judged})}, utc("2023-06-01"), Known())
        assert plan.run
        return plan.run.slot

    assert slot("a2", "7", "a1") == slot("a2", "7", "a1")
    assert len({slot("a2", "7", "a1"), slot("a1", "8", "a2"), slot("a2", "9", "a1")}) == 3


def test_a_delivery_that_failed_waits_for_its_time():
    known = Known(waiting=waiting(slot="crm 1"))
    changed = {"crm": "a2"}
    assert not delivery_plan(DELIVERIES, changed, JUDGED, utc("2023-06-05T00:09"), known)
    assert delivery_plan(DELIVERIES, changed, JUDGED, utc("2023-06-05T00:10"), known).run == known.waiting.due
