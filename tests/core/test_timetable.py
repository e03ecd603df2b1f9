"""Slots on the calendar: each once in its local day, also where clocks change, and counted without walking them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_days import broken, years

from tulosvahti.core.timetable import Timetable, clock_changes

HELSINKI = ZoneInfo("Europe/Helsinki")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "year", "changes"),
    [
        ("Europe/Helsinki", 2023, 2),
        ("America/New_York", 2012, 2),
        ("America/Sao_Paulo", 2018, 2),
        ("Asia/Beirut", 2012, 2),
        ("Australia/Lord_Howe", 2012, 2),
        ("Antarctica/Troll", 2013, 2),
        ("Pacific/Apia", 2011, 3),
        ("America/Nuuk", 2024, 2),
    ],
)
def test_each_slot_once_per_local_day(zone, year, changes):
    """A part of `python bench/slots.py`, which does ten years."""
    slots, found, faults = broken(zone, *years(year, 1))
    assert faults == []
    assert found == changes
    assert slots == 11 * (364 if zone == "Pacific/Apia" else 365 + (year % 4 == 0)) + (11 if zone == "Pacific/Apia" else 0)


@pytest.mark.parametrize(
    ("now", "newest", "due"),
    [
        ("2023-03-26T00:59", "2023-03-25T03:30", "2023-03-25T01:30"),
        ("2023-03-26T01:00", "2023-03-26T03:30", "2023-03-26T01:00"),  # The clock jumps from 03:00 to 04:00.
        ("2023-10-29T00:29", "2023-10-28T03:30", "2023-10-28T00:30"),
        ("2023-10-29T00:30", "2023-10-29T03:30", "2023-10-29T00:30"),  # It shows 03:30 here, and an hour later again.
        ("2023-10-29T01:05", "2023-10-29T03:30", "2023-10-29T00:30"),  # It shows 03:05 for the second time.
        ("2023-10-29T01:30", "2023-10-29T03:30", "2023-10-29T00:30"),
    ],
)
def test_a_slot_that_the_clock_skips_or_repeats(now, newest, due):
    timetable = Timetable("30 3 * * *", HELSINKI)
    found = timetable.newest(utc(now))
    assert found == datetime.fromisoformat(newest)
    assert timetable.moment(found) == utc(due)
    following = timetable.next(utc(now))
    assert following == found + timedelta(days=1)
    assert timetable.moment(following) > utc(now)


def test_both_slots_of_one_skipped_hour_stay_two():
    timetable = Timetable("0,30 3 * * *", HELSINKI)
    assert timetable.count(datetime(2023, 3, 26), datetime(2023, 3, 27)) == 2  # noqa: DTZ001
    assert {timetable.moment(slot) for slot in islice(timetable.after(datetime(2023, 3, 26)), 2)} == {utc("2023-03-26T01:00")}  # noqa: DTZ001


def test_clock_changes():
    found = list(clock_changes(HELSINKI, utc("2023-01-01"), utc("2024-01-01")))
    assert [(change.at, f"{change.before:%H:%M}", f"{change.after:%H:%M}") for change in found] == [
        (utc("2023-03-26T01:00"), "03:00", "04:00"),
        (utc("2023-10-29T01:00"), "04:00", "03:00"),
    ]
    assert list(clock_changes(ZoneInfo("UTC"), utc("2023-01-01"), utc("2024-01-01"))) == []


@settings(deadline=None)
@given(
    st.sampled_from(["*/7 * * * *", "0 5 * * *", "15,45 */6 1-7 * MON", "0 0 29 2 *", "30 3 * 3,10 SUN", "59 23 L * *"]),
    st.datetimes(datetime(2011, 1, 1), datetime(2012, 12, 31)),  # noqa: DTZ001
    st.integers(0, 60 * 24 * 20),
    st.sampled_from(["Europe/Helsinki", "Pacific/Apia"]),
)
def test_counting_is_walking(cron, after, minutes, zone):
    timetable = Timetable(cron, ZoneInfo(zone))
    before = after + timedelta(minutes=minutes)
    walked = 0
    for slot in timetable.after(after):
        if slot >= before:
            break
        walked += 1
    assert timetable.count(after, before) == walked


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("61 3 * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 3 31 2 *", "bad day-of-month"),
        ("0 3 * 13 *", "bad month"),
        ("0 3 * * 9", "bad day-of-week"),
        ("0 3 * *", "it has 4 fields"),
        ("0 0 3 * * *", "it has 6 fields"),
        ("", "it has 0 fields"),
    ],
)
def test_bad_expressions(cron, said):
    with pytest.raises(ValueError, match=said):
        Timetable(cron, HELSINKI)
