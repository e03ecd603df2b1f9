"""Forecasts: what they are made of, where there is none, and what holds of every one."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.forecast import Series, forecast
from tulosvahti.core.period import read_period, year

JUNE = date(2025, 6, 30)
AMOUNTS = st.fractions(min_value=1, max_value=10_000, max_denominator=20)


def _years(values, newest=2024):
    return {year(newest - n): Fraction(value) for n, value in enumerate(values)}


def _growing(now, ends, then):
    return Series({**_years(ends), year(2025): Fraction(now)}, _years(then), accumulates=True)


def test_what_is_known_is_divided_by_the_share_of_the_years_before():
    found = forecast(_growing(60, [100, 200, 300], [50, 100, 150]), year(2025), JUNE)
    assert found
    assert (found.value, found.low, found.high, found.share) == (120, 120, 120, Fraction(1, 2))
    assert (found.way, found.tried) == ("season", 3)


def test_the_band_is_as_wide_as_the_worst_error_of_the_years_before():
    # Without the newest year half had come: it would have been held to end at 120, and ended at 100.
    found = forecast(_growing(60, [100, 100, 100], [60, 50, 50]), year(2025), JUNE)
    assert found
    assert found.value == 60 / Fraction(160, 300)
    assert (found.low, found.high) == (found.value * Fraction(5, 6), found.value * Fraction(7, 6))


@pytest.mark.parametrize(
    ("now", "ends", "then"),
    [
        (60, [100, 100], [50, 50]),  # two years
        (0, [100, 100, 100], [50, 50, 50]),  # nothing yet
        (60, [100, 100, 100], [50, 50, 0]),  # nothing then: two years are left
        (60, [100, 100, 100], [50, 50, 5]),  # an error of more than the whole
    ],
)
def test_too_little_allows_no_forecast_of_what_accumulates(now, ends, then):
    assert forecast(_growing(now, ends, then), year(2025), JUNE) is None


def test_quarters_are_compared_with_the_same_quarter_of_the_years_before():
    quarter = read_period("2025-Q2")
    known = {read_period(f"{n}-Q2"): Fraction(100) for n in (2022, 2023, 2024)} | {read_period("2025-Q1"): Fraction(7)}
    then = {read_period(f"{n}-Q2"): Fraction(25) for n in (2022, 2023, 2024)}
    found = forecast(Series({**known, quarter: Fraction(10)}, then, accumulates=True), quarter, date(2025, 4, 20))
    assert found
    assert found.value == 40


def test_a_yearly_level_is_held_to_stay_as_it_was():
    found = forecast(Series(_years([90, 88, 91, 87, 85, 86]), {}, accumulates=False), year(2025), JUNE)
    assert found
    assert (found.value, found.low, found.high) == (90, 86, 94)
    assert (found.way, found.tried) == ("last", 5)


def test_no_band_leaves_what_a_share_can_be_nor_goes_below_zero():
    high = forecast(Series(_years([98, 90, 98, 97, 96, 97]), {}, accumulates=False, percent=True), year(2025), JUNE)
    low = forecast(Series(_years([2, 10, 2, 3, 4, 3]), {}, accumulates=False), year(2025), JUNE)
    assert high
    assert low
    assert (high.low, high.high) == (90, 100)
    assert (low.low, low.high) == (0, 10)


@pytest.mark.parametrize(
    "series",
    [
        Series(_years([90, 88, 91, 87, 85]), {}, accumulates=False),
        Series({**_years([90]), **_years([88, 91, 87, 85, 86, 84], 2022)}, {}, accumulates=False),  # a year is missing
        Series({**_years([90, 88, 91, 87, 85, 86]), year(2025): Fraction(95)}, {}, accumulates=True),  # more has come already
    ],
)
def test_too_little_allows_no_forecast_of_a_year(series):
    assert forecast(series, year(2025), JUNE) is None


@pytest.mark.parametrize("as_of", [date(2024, 12, 31), date(2025, 12, 31), date(2026, 1, 1)])
def test_only_a_period_that_is_open_has_a_forecast(as_of):
    series = _growing(60, [100, 200, 300], [50, 100, 150])
    assert forecast(series, year(2025), as_of) is None


@given(st.lists(st.tuples(AMOUNTS, st.fractions(min_value=0, max_value=1, max_denominator=50)), min_size=3, max_size=10), AMOUNTS)
def test_every_forecast_lies_in_its_band_and_not_below_what_is_known(before, now):
    ends = [end for end, _ in before]
    found = forecast(_growing(now, ends, [end * part for end, part in before]), year(2025), JUNE)
    if found is not None:
        assert found.low <= found.value <= found.high
        assert found.low >= now


@given(st.lists(AMOUNTS, min_size=6, max_size=10), AMOUNTS, st.integers(2, 9))
def test_a_forecast_grows_with_the_unit(ends, now, factor):
    then = [end / 3 for end in ends]
    one = forecast(_growing(now, ends, then), year(2025), JUNE)
    other = forecast(_growing(now * factor, [end * factor for end in ends], [part * factor for part in then]), year(2025), JUNE)
    assert one
    assert other
    assert (other.value, other.low, other.high) == (one.value * factor, one.low * factor, one.high * factor)
