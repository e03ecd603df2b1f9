"""Quiet hours, free days and due days, by tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tulosvahti.core.alert_calendar import Due, has_passed, held_until, newest_crossed, newest_weekday, next_due
from tulosvahti.core.contract import Contract, Delivery, DeliveryState
from tulosvahti.core.period import Grain, read_period
from tulosvahti.core.route import Quiet, Routes
from tulosvahti.core.text import Text
from tulosvahti.load.free_days import free_days
from tulosvahti.problem import Place

HELSINKI = ZoneInfo("Europe/Helsinki")
NIGHT = Quiet(time(20), time(7))
DAYS_OFF = Quiet(weekends=True, holidays=True)
BOTH = Quiet(time(20), time(7), weekends=True, holidays=True)


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        (None, "2024-03-05T03:00", None),
        (NIGHT, "2024-03-05T05:00", "2024-03-05T07:00"),
        (NIGHT, "2024-03-05T07:00", None),
        (NIGHT, "2024-03-05T19:59", None),
        (NIGHT, "2024-03-05T20:00", "2024-03-06T07:00"),
        (Quiet(time(11), time(13)), "2024-03-05T12:30", "2024-03-05T13:00"),
        (DAYS_OFF, "2024-03-08T23:59", None),
        (DAYS_OFF, "2024-03-09T05:00", "2024-03-11T00:00"),
        (BOTH, "2024-03-08T21:00", "2024-03-11T07:00"),
        # Finnish holidays: Good Friday to Easter Monday, Midsummer Eve, Christmas, Independence Day, Epiphany, May Day.
        (BOTH, "2024-03-28T21:00", "2024-04-02T07:00"),
        (DAYS_OFF, "2024-06-21T05:00", "2024-06-24T00:00"),
        (BOTH, "2024-12-24T05:00", "2024-12-27T07:00"),
        (DAYS_OFF, "2024-12-06T12:00", "2024-12-09T00:00"),
        (DAYS_OFF, "2025-01-01T12:00", "2025-01-02T00:00"),
        (DAYS_OFF, "2025-01-06T12:00", "2025-01-07T00:00"),
        (DAYS_OFF, "2024-05-01T12:00", "2024-05-02T00:00"),
        # The nights when clocks change: 03:30 does not exist on 31 March, and comes twice on 27 October.
        (Quiet(time(22), time(3, 30)), "2024-03-31T01:00", "2024-03-31T04:30"),
        (Quiet(time(22), time(3, 30)), "2024-10-27T01:00", "2024-10-27T03:30"),
    ],
)
def test_held_until(quiet: Quiet | None, at: str, until: str | None) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=HELSINKI)
    free = free_days(Routes(), moment.year)
    found = held_until(quiet, moment, HELSINKI, free)
    assert (found.astimezone(HELSINKI).replace(tzinfo=None).isoformat(timespec="minutes") if found else None) == until
    assert found is None or found > moment


def test_the_second_of_two_equal_hours_is_held_until_its_own_end() -> None:
    moment = datetime(2024, 10, 27, 1, 10, tzinfo=UTC)  # 03:10 for the second time
    assert held_until(Quiet(time(22), time(3, 30)), moment, HELSINKI, ()) == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


def test_a_calendar_without_working_days_does_not_hang() -> None:
    moment = datetime(2024, 3, 5, tzinfo=UTC)
    every = {date(2024, 1, 1) + timedelta(days=number) for number in range(700)}
    held = held_until(DAYS_OFF, moment, UTC, every)
    assert held is not None
    assert held - moment < timedelta(days=70)


def test_free_days_are_those_of_the_declared_country_and_subdivision() -> None:
    assert date(2024, 6, 6) not in free_days(Routes(), 2024)  # Sweden's national day
    assert date(2024, 6, 6) in free_days(Routes(country="SE"), 2024)
    assert date(2024, 6, 9) in free_days(Routes(subdivision="01"), 2024)  # Åland's autonomy day


@pytest.mark.parametrize(
    ("wait", "since", "at", "expected"),
    [
        (timedelta(days=7), "2024-03-01T05:00:40", "2024-03-08T05:00:05", True),
        (timedelta(days=7), "2024-03-01T05:00", "2024-03-07T23:59", False),
        (timedelta(days=1), "2024-03-30T05:00", "2024-03-31T04:00", True),
        (timedelta(hours=12), "2024-03-01T05:00", "2024-03-01T16:59", False),
        (timedelta(hours=12), "2024-03-01T05:00", "2024-03-01T17:00", True),
    ],
)
def test_has_passed(wait: timedelta, since: str, at: str, expected: bool) -> None:
    moments = [datetime.fromisoformat(text).replace(tzinfo=HELSINKI) for text in (since, at)]
    assert has_passed(wait, *moments, HELSINKI) is expected


def test_newest_weekday() -> None:
    monday = date(2024, 3, 4)
    assert [newest_weekday(monday + timedelta(days=number), 0) for number in (0, 3, 6, 7)] == [monday] * 3 + [monday + timedelta(days=7)]
    assert newest_weekday(monday, 4) == date(2024, 3, 1)


def contract(frequency: Grain | None, grace: int) -> Contract:
    return Contract("crm", Text("CRM"), "crm.csv", (), Place("inputs/crm.yaml"), deliverer="ely", frequency=frequency, grace=timedelta(days=grace))


@pytest.mark.parametrize(
    ("frequency", "covered", "as_of", "period", "day"),
    [
        (Grain.MONTH, date(2024, 1, 31), date(2024, 2, 5), "2024-02", date(2024, 3, 15)),
        (Grain.MONTH, date(2024, 1, 31), date(2024, 6, 5), "2024-02", date(2024, 3, 15)),
        (Grain.MONTH, date(2024, 2, 10), date(2024, 2, 12), "2024-02", date(2024, 3, 15)),
        (Grain.QUARTER, date(2023, 12, 31), date(2024, 2, 5), "2024-Q1", date(2024, 4, 15)),
        (Grain.MONTH, None, date(2024, 3, 20), "2024-02", date(2024, 3, 15)),
    ],
)
def test_next_due(frequency: Grain, covered: date | None, as_of: date, period: str, day: date) -> None:
    delivery = Delivery("crm", DeliveryState.ACCEPTED, covered_through=covered)
    assert next_due(contract(frequency, 15), delivery, as_of) == Due("crm", read_period(period), day, "ely")


def test_what_comes_once_is_never_due() -> None:
    assert next_due(contract(None, 0), Delivery("crm", DeliveryState.MISSING), date(2024, 1, 1)) is None


@pytest.mark.parametrize(
    ("period", "over", "expected"),
    [
        ("2024", -31, None), ("2024", -30, -30), ("2024", -8, -30), ("2024", -7, -7), ("2024", -1, -1), ("2024", 0, -1),
        ("2024", 1, 1), ("2024", 6, 1), ("2024", 7, 7), ("2024", 29, 7), ("2024", 30, 30), ("2024", 400, 30),
        # No reminder reaches back into the period before.
        ("2024-03", -30, None), ("2024-03", -7, -7), ("2024-W10", -7, None), ("2024-W10", -1, -1), ("2024-03-05", -1, None), ("2024-03-05", 1, 1),
    ],
)  # fmt: skip
def test_newest_crossed(period: str, over: int, expected: int | None) -> None:
    due = Due("crm", read_period(period), date(2024, 6, 1))
    assert newest_crossed(due, due.day + timedelta(days=over), (30, 7, 1), (1, 7, 30)) == expected
