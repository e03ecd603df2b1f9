"""Periods: half-open, named, one after the other."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.period import Grain, containing, expected_through, read_period


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(list(Grain)))
def test_laws(day, grain):
    period = containing(day, grain)
    assert period.contains(day)
    assert period.next().start == period.end
    assert period.next().previous() == period
    assert read_period(period.key) == period
    assert not period.has_ended(period.end - timedelta(days=2))
    assert period.has_ended(period.last_day)


@pytest.mark.parametrize(
    ("day", "key"),
    [
        (date(2025, 12, 28), "2025-W52"),
        (date(2025, 12, 29), "2026-W01"),
        (date(2026, 1, 4), "2026-W01"),
        (date(2021, 1, 3), "2020-W53"),
    ],
)
def test_iso_week_year(day, key):
    assert containing(day, Grain.WEEK).key == key


@pytest.mark.parametrize("text", ["2023-H3", "23", "2023-13", "2023-W54", "2023-Q0", "2023/1", ""])
def test_refused(text):
    with pytest.raises(ValueError, match="is not a period"):
        read_period(text)


@pytest.mark.parametrize(
    ("as_of", "grain", "grace", "through"),
    [
        (date(2023, 11, 30), Grain.MONTH, 15, date(2023, 10, 31)),
        (date(2023, 11, 30), Grain.MONTH, 0, date(2023, 11, 30)),
        (date(2023, 11, 30), Grain.YEAR, 30, date(2022, 12, 31)),
        (date(2024, 1, 30), Grain.YEAR, 30, date(2023, 12, 31)),
        (date(2024, 1, 29), Grain.YEAR, 30, date(2022, 12, 31)),
        (date(2023, 11, 30), Grain.QUARTER, 45, date(2023, 9, 30)),
    ],
)
def test_expected_through(as_of, grain, grace, through):
    assert expected_through(as_of, grain, timedelta(days=grace)) == through
