"""Each arrival is one row, with what became of it; on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from tulosvahti.core.arrival import Arrived, Fate, How
from tulosvahti.core.contract import Delivery, DeliveryState, Reject
from tulosvahti.core.verdict import Outcome
from tulosvahti.store import deliveries

if TYPE_CHECKING:
    from tulosvahti.store.ledger import Ledger

NOW = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
DAY = date(2023, 5, 31)
A, B = "a" * 64, "b" * 64


def file(sha256: str = A, written: str = "2023-05-30", name: str = "crm.csv") -> Arrived:
    return Arrived(name, sha256, 3_000_000_000, written, "crm-export")


def night(ledger: Ledger, *files: Arrived, state: DeliveryState = DeliveryState.ACCEPTED, rejects: int = 0, lookback: bool = False) -> None:
    """Run a night that finds these files at the places of one input."""
    number = ledger.start_run(DAY, NOW, "abc", "0.1.0")
    bad = tuple(Reject(row, row, "n", "x", "not a number", cell=f"S1!B{row}", file=files[-1].name) for row in range(2, 2 + rejects))
    delivery = Delivery("crm", state, A, 7, bad, rejects, explanation="why" if state is not DeliveryState.ACCEPTED or bad else "", next_step="mend", files=files)
    ledger.publish(Outcome(number, DAY, "abc", "0.1.0", (delivery,), (), lookback=lookback), NOW + timedelta(minutes=1), [])


def listed(ledger: Ledger) -> list[deliveries.Logged]:
    with ledger.transaction(reading=True) as connection:
        return deliveries.logged(connection)


def test_an_arrival_is_logged_once_however_often_it_is_read(ledger: Ledger) -> None:
    for _ in range(3):
        night(ledger, file())
    (found,) = listed(ledger)
    assert (found.input, found.place, found.file, found.how) == ("crm", "crm.csv", file(), How.PATH)
    assert (found.became.state, found.became.rows, found.run) == (Fate.ACCEPTED, 7, "1")


def test_the_same_content_three_times_is_three_arrivals(ledger: Ledger) -> None:
    for day in ("2023-05-28", "2023-05-29", "2023-05-30"):
        night(ledger, file(written=day))
    assert [item.file.written for item in listed(ledger)] == ["2023-05-30", "2023-05-29", "2023-05-28"]


def test_the_same_content_beside_itself_is_counted_once(ledger: Ledger) -> None:
    night(ledger, file(name="crm_1.csv"), file(name="crm_2.csv"))
    assert {item.file.name: item.became.state for item in listed(ledger)} == {"crm_1.csv": Fate.ACCEPTED, "crm_2.csv": Fate.DUPLICATE}


def test_other_content_is_another_arrival_and_the_old_one_stays(ledger: Ledger) -> None:
    night(ledger, file())
    night(ledger, file(B), state=DeliveryState.QUARANTINED)
    new, old = listed(ledger)
    assert (new.file.sha256, new.became.state, new.became.explanation, new.became.next_step) == (B, Fate.QUARANTINED, "why", "mend")
    assert (old.file.sha256, old.became.state) == (A, Fate.ACCEPTED)


def test_a_state_that_moves_is_a_row_more(ledger: Ledger) -> None:
    night(ledger, file())
    night(ledger, file(), state=DeliveryState.LATE, lookback=True)
    assert listed(ledger)[0].became.state is Fate.ACCEPTED, "a lookback moves no state"
    night(ledger, file(), state=DeliveryState.LATE)
    assert (listed(ledger)[0].became.state, listed(ledger)[0].run) == (Fate.LATE, "3")


def test_rejects_belong_to_the_file_that_has_them(ledger: Ledger) -> None:
    night(ledger, file(name="crm_1.csv"), file(B, name="crm_2.csv"), rejects=2)
    found = {item.file.name: item.became for item in listed(ledger)}
    assert (found["crm_1.csv"].state, found["crm_1.csv"].rejects) == (Fate.ACCEPTED, 0)
    assert (found["crm_2.csv"].state, found["crm_2.csv"].rejects) == (Fate.PARTLY, 2)
    with ledger.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT cell, file FROM rejects ORDER BY id").all()
    assert [tuple(row) for row in kept] == [("S1!B2", "crm_2.csv"), ("S1!B3", "crm_2.csv")]
