"""Claims on a real SQLite file: one owner at a time, one effect per slot, and nothing from a lease that was lost."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from tulosvahti.core.contract import Delivery, DeliveryState
from tulosvahti.core.delivery import Posting
from tulosvahti.core.finding import compare
from tulosvahti.core.rule import Cite, MilestoneSpec, Rule
from tulosvahti.core.slots import Due, Known, Plan, Skipped
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Outcome, Verdict, Word
from tulosvahti.problem import Place
from tulosvahti.run.claimed import Beginning, Heartbeat, Result, run_claimed
from tulosvahti.store.ledger import Ledger, RunState
from tulosvahti.store.lock import LockedError
from tulosvahti.store.slots import BY_HAND, Claim, LostLeaseError, SlotState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2023, 6, 1, 2, 0, 30, tzinfo=UTC)
SHOWN = datetime(2023, 6, 1, 5, 0)  # noqa: DTZ001 - nominal
DUE = Due("2023-06-01T05:00", datetime(2023, 6, 1, 2, 0, tzinfo=UTC), "*")
DAY = date(2023, 5, 31)
MINUTE = timedelta(minutes=1)


def plan(known: Known) -> Plan:
    """Run the slot of that morning, once, and again where it waits."""
    if known.waiting:
        return Plan(known.waiting.due)
    return Plan() if known.newest else Plan(DUE)


def claim(ledger: Ledger, owner: str = "a", now: datetime = NOW, dead: tuple[str, ...] = (), shown: datetime = SHOWN) -> Claim | None:
    return ledger.slots.claim("nightly", plan, shown, owner, lambda: now, dead)[0]


def outcome(run: str) -> Outcome:
    rule = Rule("leads", Text(), "mmm", Cite("kainuu", "1", Text()), MilestoneSpec("m", "leads", DAY), Place("r.yaml"))
    verdict = Verdict(rule, (), None, Word.MISSED)
    delivery = Delivery("crm", DeliveryState.ACCEPTED, "ff", 3)
    return Outcome(run, DAY, "abc", "0.1.0", (delivery,), (verdict,), findings=compare([verdict], {}, run))


def publish(ledger: Ledger, run: str, held: Claim, now: datetime = NOW) -> None:
    ledger.publish(outcome(run), now, [Posting("mmm", f"<{run}@y>", b"mail", (("mail", "a@example.org"),))], claim=held)


def written(ledger: Ledger) -> tuple[int, int, int]:
    """Count what runs published: verdicts, findings, mails."""
    told = len(ledger.history("leads"))
    return told, len(ledger.open_findings()), len(ledger.outbox.items())


def test_one_of_two_gets_the_slot_and_its_lateness_is_kept(ledger: Ledger) -> None:
    first = claim(ledger)
    assert first == Claim("nightly", DUE.slot, "a", 1)
    with pytest.raises(LockedError, match=r"a run is under way \(nightly, slot 2023-06-01T05:00, by a since 2023-06-01T02"):
        claim(ledger, "b")
    run = ledger.start_run(DAY, NOW, "abc", "0.1.0", claim=first)
    publish(ledger, run, first, NOW + MINUTE)
    assert claim(ledger, "b") is None
    assert written(ledger) == (1, 1, 1)
    (slot,) = ledger.slots.newest("nightly")
    assert (slot.state, slot.late, slot.run, slot.finished_at) == (SlotState.DONE, timedelta(seconds=30), run, NOW + MINUTE)
    assert (slot.due_at, slot.started_at) == (DUE.at, NOW)


def test_a_lease_that_ended_is_taken_over_and_its_old_owner_writes_nothing(ledger: Ledger) -> None:
    old = claim(ledger)
    assert old
    first_run = ledger.start_run(DAY, NOW, "abc", "0.1.0", claim=old)
    later = NOW + ledger.slots.lease
    new = claim(ledger, "b", later)
    assert new == Claim("nightly", DUE.slot, "b", 2)
    second_run = ledger.start_run(DAY, later, "abc", "0.1.0", claim=new)
    assert [(run.id, run.state) for run in ledger.runs()] == [(second_run, RunState.RUNNING), (first_run, RunState.FAILED)]
    deeds: list[Callable[[], object]] = [
        lambda: publish(ledger, first_run, old, later),
        lambda: ledger.slots.renew(old, later),
        lambda: ledger.fail_run(first_run, later, "x", claim=old),
        lambda: ledger.start_run(DAY, later, "abc", "0.1.0", claim=old),
        lambda: ledger.slots.fail(old, later, "x", None),
    ]
    for deed in deeds:
        with pytest.raises(LostLeaseError, match="no longer held by a"):
            deed()
    assert written(ledger) == (0, 0, 0)
    assert len(ledger.runs()) == 2
    publish(ledger, second_run, new, later)
    assert written(ledger) == (1, 1, 1)


def test_a_lease_that_ended_writes_nothing_though_nobody_took_it_over(ledger: Ledger) -> None:
    held = claim(ledger)
    assert held
    run = ledger.start_run(DAY, NOW, "abc", "0.1.0", claim=held)
    with pytest.raises(LostLeaseError):
        publish(ledger, run, held, NOW + ledger.slots.lease)
    with pytest.raises(LostLeaseError):
        ledger.slots.renew(held, NOW + ledger.slots.lease)
    assert written(ledger) == (0, 0, 0)


def test_a_renewed_lease_holds(ledger: Ledger) -> None:
    held = claim(ledger)
    assert held
    ledger.slots.renew(held, NOW + ledger.slots.lease * 0.9)
    later = NOW + ledger.slots.lease * 1.5
    with pytest.raises(LockedError):
        claim(ledger, "b", later)
    publish(ledger, ledger.start_run(DAY, NOW, "abc", "0.1.0", claim=held), held, later)


def test_an_owner_that_is_known_to_be_dead_is_taken_over_at_once(ledger: Ledger) -> None:
    claim(ledger)
    assert claim(ledger, "b", NOW + MINUTE, dead=("z", "a")) == Claim("nightly", DUE.slot, "b", 2)


def test_a_clock_that_was_ten_years_ahead_locks_nobody_out(ledger: Ledger) -> None:
    ahead = NOW.replace(year=2033)
    held, _ = ledger.slots.claim("nightly", lambda _: Plan(Due("2033-06-01T05:00", ahead, "*")), SHOWN, "a", lambda: ahead)
    assert held
    assert claim(ledger, "b") == Claim("nightly", DUE.slot, "b", 1), "the slot of 2033 is no slot of today"


def test_a_failed_slot_waits_and_is_tried_again_or_given_up(ledger: Ledger) -> None:
    held = claim(ledger)
    assert held
    run = ledger.start_run(DAY, NOW, "abc", "0.1.0", claim=held)
    ledger.fail_run(run, NOW, "disk full", claim=held, retry_at=NOW + MINUTE)
    (slot,) = ledger.slots.newest("nightly")
    assert (slot.state, slot.retry_at, slot.reason) == (SlotState.RETRY, NOW + MINUTE, "disk full")
    seen = []
    ledger.slots.claim("nightly", lambda known: seen.append(known) or Plan(gives_up="enough"), SHOWN, "a", lambda: NOW)
    assert seen[0].waiting.attempts == 1
    assert seen[0].waiting.due == DUE
    (slot,) = ledger.slots.newest("nightly")
    assert (slot.state, slot.reason) == (SlotState.FAILED, "enough")


def test_skipped_slots_are_one_counted_row(ledger: Ledger) -> None:
    skipped = Skipped("2023-05-31T05:00", "2023-05-20T05:00", 12, NOW - timedelta(days=1), "the machine was down")
    held, _ = ledger.slots.claim("nightly", lambda _: Plan(DUE, skipped), SHOWN, "a", lambda: NOW)
    assert held
    newest, row = ledger.slots.newest("nightly", 5)
    assert newest.slot == "2023-06-01T05:00"
    assert (row.state, row.skipped, row.oldest, row.slot) == (SlotState.SKIPPED, 12, "2023-05-20T05:00", "2023-05-31T05:00")


def test_runs_by_hand_and_jobs_keep_each_other_out(ledger: Ledger) -> None:
    by_hand = ledger.slots.claim_by_hand("crm-*", "a", lambda: NOW)
    assert by_hand.job == BY_HAND
    with pytest.raises(LockedError, match="by hand"):
        claim(ledger, "b")
    held = claim(ledger, "b", NOW + ledger.slots.lease)
    assert held is not None, "a killed run by hand blocks nobody for longer than its lease"
    assert ledger.slots.newest(BY_HAND)[0].state is SlotState.FAILED
    with pytest.raises(LockedError, match="nightly"):
        ledger.slots.claim_by_hand("*", "c", lambda: NOW + ledger.slots.lease)


def test_whether_a_claim_is_worth_trying(ledger: Ledger) -> None:
    def worth() -> bool:
        return ledger.slots.may_be_due("nightly", plan, SHOWN)

    assert worth()
    held = claim(ledger)
    assert held
    assert worth(), "somebody runs, or was killed: only a claim can tell"
    publish(ledger, ledger.start_run(DAY, NOW, "abc", "0.1.0", claim=held), held)
    assert not worth()
    assert not ledger.slots.may_be_due("nightly", lambda _: Plan(DUE), SHOWN), "a slot that is over is not due"
    assert ledger.slots.claim("nightly", lambda _: Plan(DUE), SHOWN, "b", lambda: NOW)[0] is None


def test_what_was_judged_on_which_bytes(ledger: Ledger) -> None:
    held = claim(ledger)
    assert held
    assert ledger.slots.judged() == {}
    run = ledger.start_run(DAY, NOW, "abc", "0.1.0", claim=held)
    publish(ledger, run, held)
    assert {rule: (past.run, dict(past.inputs)) for rule, past in ledger.slots.judged().items()} == {"leads": (run, {"crm": "ff"})}


def test_a_future_day_makes_no_lookback_of_today(ledger: Ledger) -> None:
    run = ledger.start_run(DAY, NOW, "abc", "0.1.0")
    ledger.publish(outcome(run), NOW, [])
    assert ledger.newest_as_of() == DAY
    assert ledger.newest_as_of(DAY) == DAY
    assert ledger.newest_as_of(DAY - timedelta(days=1)) is None


BEGINNING = Beginning(DAY, "abc", "0.1.0")


def test_a_run_under_its_claim(ledger: Ledger) -> None:
    held = claim(ledger)
    assert held
    result = run_claimed(ledger, held, BEGINNING, lambda run: Result(outcome(run), [Posting("mmm", "<1@y>", b"", (("mail", "a@example.org"),))]), lambda: NOW)
    assert result.outcome.run == "1"
    assert written(ledger) == (1, 1, 1)


@pytest.mark.parametrize("again", [None, NOW + MINUTE])
def test_a_run_that_fails_is_tried_again_as_declared(ledger: Ledger, again: datetime | None) -> None:
    held = claim(ledger)
    assert held

    def work(_: str) -> Result:
        message = "disk full"
        raise OSError(message)

    with pytest.raises(OSError, match="disk full"):
        run_claimed(ledger, held, BEGINNING, work, lambda: NOW, lambda attempt, _: again if attempt == 1 else None)
    (slot,) = ledger.slots.newest("nightly")
    assert (slot.state, slot.retry_at, slot.reason) == (SlotState.RETRY if again else SlotState.FAILED, again, "disk full")
    assert ledger.runs()[0].state is RunState.FAILED


def test_a_run_that_cannot_begin_leaves_its_slot_to_be_tried_again(ledger: Ledger) -> None:
    held = claim(ledger)
    assert held
    unwritable = replace(BEGINNING, as_of="no day")
    with pytest.raises(StatementError):
        run_claimed(ledger, held, unwritable, lambda run: Result(outcome(run)), lambda: NOW, lambda _, now: now + MINUTE)
    assert ledger.slots.newest("nightly")[0].state is SlotState.RETRY


def test_what_a_ledger_that_fails_leaves_is_a_sentence_without_values(ledger: Ledger) -> None:
    """The reason stays for ever and is shown: no statement with the mails that it would have written."""
    held = claim(ledger)
    assert held
    twice = [Posting("mmm", "<1@y>", b"salary of A. Person", (("mail", "a@example.org"),))] * 2
    with pytest.raises(IntegrityError) as raised:
        run_claimed(ledger, held, BEGINNING, lambda run: Result(outcome(run), twice), lambda: NOW)
    assert "salary" not in str(raised.value)
    reason = ledger.runs()[0].reason
    assert "unique" in reason.lower()
    assert [word for word in ("INSERT", "salary", "<1@y>", "\n") if word in reason] == []


def test_a_run_whose_lease_was_lost_on_the_way_writes_nothing(ledger: Ledger) -> None:
    held = claim(ledger)
    assert held
    now = [NOW]

    def work(run: str) -> Result:
        now[0] += ledger.slots.lease
        assert claim(ledger, "b", now[0])
        return Result(outcome(run), [Posting("mmm", "<1@y>", b"", (("mail", "a@example.org"),))])

    with pytest.raises(LostLeaseError):
        run_claimed(ledger, held, BEGINNING, work, lambda: now[0])
    assert written(ledger) == (0, 0, 0)
    assert ledger.slots.newest("nightly")[0].owner == "b"


def test_the_heartbeat_renews_and_tells_when_it_cannot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Ledger("sqlite:///l.db", tmp_path, lease=timedelta(seconds=0.3))) as ledger:
        held = claim(ledger, now=datetime.now(UTC))
        assert held
        beats: list[int] = []
        with Heartbeat(ledger.slots, held, lambda: datetime.now(UTC), lambda: beats.append(1)) as heart:
            heart._over.wait(0.9)  # Three leases long.
            assert len(beats) > 3
            ledger.slots.renew(held, datetime.now(UTC))
            ledger.slots.fail(held, datetime.now(UTC), "gone", None)
            heart._thread.join(5)
        assert "no longer held by a" in caplog.text
