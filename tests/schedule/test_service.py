"""The service on a real project and ledger, with a clock of its own; runs are as small as a run can be, or real."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tulosvahti import wiring
from tulosvahti.cli.starting import start_project
from tulosvahti.core.slots import Due, Plan
from tulosvahti.core.verdict import Outcome
from tulosvahti.load.project import load_project
from tulosvahti.problem import ProblemsError
from tulosvahti.run.claimed import Beginning, Result, run_claimed
from tulosvahti.schedule.reading import Reading
from tulosvahti.schedule.service import Nights, serve, standing_by
from tulosvahti.store.lock import RunLock
from tulosvahti.store.slots import LostLeaseError, Slot

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.core.slots import Job
    from tulosvahti.load.project import Project
    from tulosvahti.store.ledger import Ledger
    from tulosvahti.store.slots import Claim

HEAD = 'name = "A"\ntime_zone = "Europe/Helsinki"\n'
NIGHTLY = HEAD + '[schedule]\nnightly = "0 3 * * *"\nretries = 2\nretry_after = "10 min"\n'


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class House:
    """A project, the time in it, what was run, and what goes wrong next."""

    def __init__(self, root: Path, config: str = NIGHTLY) -> None:
        start_project(root)
        (root / "config.toml").write_text(config, encoding="utf-8")
        self.now = utc("2023-06-05T12:00")
        self.root = root
        self.project = load_project(root)
        self.ran: list[str] = []
        self.progress: list[datetime] = []
        self.faults: list[Exception] = []

    def run(self, project: Project, ledger: Ledger, claim: Claim, due: Due, job: Job, *_: object) -> wiring.Done:
        def work(run: str) -> Result:
            if self.faults:
                raise self.faults.pop()
            return Result(Outcome(run, self.now.date(), "abc", "0.1.0", (), ()))

        done = run_claimed(ledger, claim, Beginning(self.now.date(), "abc", "0.1.0"), work, lambda: self.now, job.retry_at)
        self.ran.append(due.slot)
        return wiring.Done(done.outcome, "", project.root, (), 0)

    def nights(self) -> Nights:
        return Nights(lambda: self.project, lambda: self.now, self.run, lambda: self.progress.append(self.now))

    def slots(self, job: str = "nightly") -> list[Slot]:
        with closing(wiring.open_ledger(self.project)) as ledger:
            return ledger.slots.newest(job, 9)

    def ticks(self, nights: Nights, *moments: str) -> list[str]:
        """Tick at moments; give the slots that ran."""
        before = len(self.ran)
        for moment in moments:
            self.now = utc(moment)
            nights.tick()
        return self.ran[before:]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_new_project_waits_for_its_first_slot_also_when_the_machine_is_down_then(house: House) -> None:
    assert house.ticks(house.nights(), "2023-06-05T12:00", "2023-06-05T23:59") == []
    # The service was down from then on, and starts again in the afternoon.
    assert house.ticks(house.nights(), "2023-06-06T12:00", "2023-06-06T12:01") == ["2023-06-06T03:00"]
    assert house.slots()[0].late == timedelta(hours=12)


def test_missed_slots_are_one_run_and_a_counted_row(house: House, caplog: pytest.LogCaptureFixture) -> None:
    nights = house.nights()
    house.ticks(nights, "2023-06-05T12:00")
    assert house.ticks(nights, "2023-06-09T12:00", "2023-06-09T12:01") == ["2023-06-09T03:00"]
    assert [(slot.slot, slot.skipped) for slot in house.slots()][:2] == [("2023-06-09T03:00", 0), ("2023-06-08T03:00", 3)]
    assert "3 slots from 2023-06-06T03:00 to 2023-06-08T03:00 recorded as skipped" in caplog.text


def test_a_clock_that_jumps_ten_years_and_back_loses_no_night(house: House) -> None:
    nights = house.nights()
    house.ticks(nights, "2023-06-05T12:00")
    assert house.ticks(nights, "2033-06-05T12:00", "2033-06-05T12:01") == ["2033-06-05T03:00"]
    assert house.slots()[1].skipped == 3652
    assert house.ticks(nights, "2023-06-05T12:05", "2023-06-06T12:00", "2023-06-07T12:00") == [
        "2023-06-06T03:00",
        "2023-06-07T03:00",
    ]


def test_a_failed_run_is_tried_again_after_its_delay_and_given_up_in_the_end(house: House, caplog: pytest.LogCaptureFixture) -> None:
    nights = house.nights()
    house.ticks(nights, "2023-06-05T12:00")
    house.faults = [OSError("disk full") for _ in range(4)]
    for moment, left in (("00:00", 3), ("00:09", 3), ("00:10", 2), ("00:19", 2), ("00:20", 1), ("00:31", 1), ("12:00", 1)):
        assert house.ticks(nights, f"2023-06-06T{moment}") == []
        assert len(house.faults) == left, moment
    assert "(attempt 1); it is tried again at 2023-06-06 00:10:00 UTC" in caplog.text
    assert "(attempt 3); it is given up" in caplog.text
    assert nights.failed == 3
    assert house.ticks(nights, "2023-06-07T00:00", "2023-06-07T00:10") == ["2023-06-07T03:00"]


def test_a_run_by_hand_is_waited_for_and_told_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    nights = house.nights()
    house.ticks(nights, "2023-06-05T12:00")
    with RunLock(house.root / ".tulosvahti/run.lock"):
        assert house.ticks(nights, "2023-06-06T00:00", "2023-06-06T00:01") == []
    assert caplog.text.count("a run is under way") == 1
    assert len(house.progress) == 3
    assert house.ticks(nights, "2023-06-06T00:02") == ["2023-06-06T03:00"]


def test_two_services_without_a_common_lock_run_a_slot_once(house: House) -> None:
    one, other = house.nights(), house.nights()
    house.ticks(one, "2023-06-05T12:00")
    house.now = utc("2023-06-06T00:00")
    threads = [threading.Thread(target=nights.tick) for nights in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert house.ran == ["2023-06-06T03:00"]


def test_a_lost_lease_is_told_and_is_no_failure(house: House, caplog: pytest.LogCaptureFixture) -> None:
    nights = house.nights()
    house.ticks(nights, "2023-06-05T12:00")
    house.faults = [LostLeaseError("it is no longer held")]
    assert house.ticks(nights, "2023-06-06T00:00") == []
    assert "it is no longer held" in caplog.text
    assert nights.failed == 0


def test_a_killed_run_is_taken_over_at_once_on_the_same_machine(house: House) -> None:
    nights = house.nights()
    house.ticks(nights, "2023-06-05T12:00")
    tonight = Plan(Due("2023-06-06T03:00", utc("2023-06-06T00:00"), "*"))
    with closing(wiring.open_ledger(house.project)) as ledger, RunLock(house.root / ".tulosvahti/run.lock") as killed:
        assert ledger.slots.claim("nightly", lambda _: tonight, None, killed.owner, lambda: utc("2023-06-06T00:00"))[0]
    assert house.ticks(nights, "2023-06-06T00:00:15") == ["2023-06-06T03:00"]
    assert house.slots()[0].epoch == 2


def test_it_is_taken_over_at_once_by_a_clock_that_goes_on_too(house: House) -> None:
    def clock() -> datetime:
        house.now += timedelta(milliseconds=1)
        return house.now

    nights = Nights(lambda: house.project, clock, house.run)
    house.ticks(nights, "2023-06-05T12:00")
    tonight = Plan(Due("2023-06-06T03:00", utc("2023-06-06T00:00"), "*"))
    with closing(wiring.open_ledger(house.project)) as ledger, RunLock(house.root / ".tulosvahti/run.lock") as killed:
        assert ledger.slots.claim("nightly", lambda _: tonight, None, killed.owner, lambda: utc("2023-06-06T00:00"))[0]
    assert house.ticks(nights, "2023-06-06T00:00:15") == ["2023-06-06T03:00"]


def test_a_broken_ledger_never_ends_the_service(house: House, caplog: pytest.LogCaptureFixture) -> None:
    (house.root / ".tulosvahti").mkdir()
    (house.root / ".tulosvahti/ledger.db").write_text("no database" * 999)
    nights = house.nights()
    assert house.ticks(nights, "2023-06-05T12:00", "2023-06-05T12:01") == []
    assert caplog.text.count("not a ledger") == 1
    assert nights.failed == 2
    assert house.progress == [], "a watchdog must not be fed"


def test_serve_ticks_until_stopped() -> None:
    stop, enough, count = threading.Event(), threading.Event(), [0]

    def tick() -> None:
        count[0] += 1
        if count[0] == 3:
            enough.set()

    service = threading.Thread(target=serve, args=(tick, stop, 0.05))
    service.start()
    assert enough.wait(10)
    stop.set()
    service.join(10)
    assert not service.is_alive()


def test_a_second_service_stands_by_and_takes_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ticked: list[str] = []
    progressed: list[str] = []

    def service(name: str) -> tuple[RunLock, object]:
        lock = RunLock(tmp_path / "service.lock", "another service runs the nights of this project")
        return lock, standing_by(lock, lambda: ticked.append(name), lambda: progressed.append(name))

    (first_lock, first), (_, second) = service("first"), service("second")
    for tick in (first, second, second, first):
        tick()
    assert ticked == ["first", "first"]
    assert progressed == ["second", "second"]  # Standing by is no standstill.
    assert caplog.text.count("another service runs the nights of this project (process") == 1
    assert "stands by" in caplog.text
    first_lock.__exit__(None, None, None)
    second()
    assert ticked[-1] == "second"


def test_the_project_is_read_again_when_a_file_changed_and_kept_while_it_is_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start_project(tmp_path)
    reading = Reading(tmp_path, lambda: utc("2023-06-05T12:00"))
    first = reading()
    assert reading() is first
    config = tmp_path / "config.toml"
    sound = config.read_text(encoding="utf-8")
    config.write_text(sound.replace("0 5 * * *", "0 99 * * *"), encoding="utf-8")
    assert reading() is first
    assert reading() is first
    assert caplog.text.count("is not a schedule: bad hour") == 1
    config.write_text(sound.replace("0 5 * * *", "30 3 * * *"), encoding="utf-8")
    assert reading().config.schedule.jobs[0].cron == "30 3 * * *"
    assert "falls into hours that the clock of Europe/Helsinki changes" in caplog.text


def test_a_project_that_never_was_sound_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("name = 1\n", encoding="utf-8")
    with pytest.raises(ProblemsError):
        Reading(tmp_path, lambda: utc("2023-06-05T12:00"))()


def test_a_delivery_runs_the_rules_that_depend_on_it(tmp_path: Path) -> None:
    """With real runs: the first judges everything by hand, the others what was delivered."""
    house = House(tmp_path, HEAD + 'as_of = 2025-12-31\n[schedule.jobs.deliveries]\non_delivery = "*"\nrules = "service-*"\n')
    nights = Nights(lambda: house.project, lambda: house.now)
    wiring.run_once(house.project, house.project.config.as_of, expectations=False, clock=lambda: house.now)
    path = tmp_path / "inputs/survey.csv"

    def deliver(text: str) -> None:
        path.write_text(text, encoding="utf-8")
        settled = (house.now - timedelta(minutes=1)).timestamp()
        os.utime(path, (settled, settled))

    def runs() -> list[str]:
        with closing(wiring.open_ledger(house.project)) as ledger:
            return [run.forced_rules for run in ledger.runs()]

    rows = path.read_text(encoding="utf-8")
    deliver(rows)
    assert nights.tick() == [], "the same bytes again are no delivery"
    path.write_text(rows + "9999,2025-06-01,1\n", encoding="utf-8")
    os.utime(path, (house.now.timestamp(),) * 2)
    assert nights.tick() == [], "the file is still being written"
    deliver(rows + "9999,2025-06-01,1\n")
    assert len(nights.tick()) == 1
    assert nights.tick() == []
    assert runs() == ["service-satisfaction", ""]
    deliver(rows)
    assert len(nights.tick()) == 1, "the bytes of before are a delivery too"
    assert nights.tick() == []
    path.unlink()
    assert nights.tick() == [], "what was taken away is no delivery"
    assert [slot.state for slot in house.slots("deliveries")] == ["done", "done"]


def _with_drop(house: House) -> None:
    contract = house.root / "inputs" / "survey.yaml"
    contract.write_text(contract.read_text(encoding="utf-8") + "drop: {folder: in, complete: rename}\n", encoding="utf-8")
    (house.root / "in").mkdir()
    house.project = load_project(house.root)
    assert not house.project.problems


def test_a_tick_takes_what_was_dropped_and_its_job_judges_it(tmp_path: Path) -> None:
    house = House(tmp_path, HEAD + 'as_of = 2025-12-31\n[schedule.jobs.deliveries]\non_delivery = "*"\nrules = "service-*"\n')
    _with_drop(house)
    place = tmp_path / "inputs" / "survey.csv"
    nights = Nights(lambda: house.project, lambda: house.now)
    wiring.run_once(house.project, datetime(2025, 12, 31, tzinfo=UTC).date(), expectations=False, clock=lambda: house.now - timedelta(hours=1))
    sound = place.read_bytes()
    (tmp_path / "in" / "new.csv").write_text("no such columns\n", encoding="utf-8")
    (done,) = nights.tick()
    (judged,) = [item for item in done.outcome.deliveries if item.name == "survey"]
    assert judged.state == "quarantined"
    assert ", new.csv of 2023-06-05, was refused: column " in judged.explanation
    assert place.read_bytes() == sound
    house.now += timedelta(minutes=1)
    assert nights.tick() == [], "a refused delivery is judged once"
    (tmp_path / "in" / "new.csv").write_bytes(sound + b"\n")
    house.now += timedelta(minutes=1)
    (done,) = nights.tick()
    assert place.read_bytes() == sound + b"\n"
    assert [item.state for item in done.outcome.deliveries if item.name == "survey"] == ["accepted"]


def test_a_place_out_of_reach_stops_no_night(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = House(tmp_path)
    _with_drop(house)
    place = tmp_path / "inputs" / "survey.csv"
    (tmp_path / "in" / "new.csv").write_bytes(place.read_bytes() + b"\n")
    place.unlink()
    place.mkdir()
    nights = house.nights()
    assert house.ticks(nights, "2023-06-05T12:00", "2023-06-06T00:01", "2023-06-06T00:02") == ["2023-06-06T03:00"]
    told = [record.message for record in caplog.records if "cannot be taken" in record.message]
    assert len(told) == 1
    assert "see to the rights of inputs/" in told[0]
    place.rmdir()
    house.ticks(nights, "2023-06-06T00:03")
    assert place.read_bytes().endswith(b"\n\n")
