from __future__ import annotations

from datetime import date

import pytest

from tulosvahti.core.period_codes import in_order, period_of_code


@pytest.mark.parametrize(
    ("code", "key", "start"),
    [
        ("2024", "2024", date(2024, 1, 1)),
        ("2024H1", "2024-H1", date(2024, 1, 1)),
        ("2024H2", "2024-H2", date(2024, 7, 1)),
        ("2024Q3", "2024-Q3", date(2024, 7, 1)),
        ("2024K3", "2024-Q3", date(2024, 7, 1)),
        ("2024M03", "2024-03", date(2024, 3, 1)),
        ("2024-03", "2024-03", date(2024, 3, 1)),
        ("2024W05", "2024-W05", date(2024, 1, 29)),
        ("2026V01", "2026-W01", date(2025, 12, 29)),
        ("2020U53", "2020-W53", date(2020, 12, 28)),
        ("2024-07-26", "2024-07-26", date(2024, 7, 26)),
        ("2024M07D26", "2024-07-26", date(2024, 7, 26)),
        ("2024*", "2024", date(2024, 1, 1)),
        ("2024Q2 *", "2024-Q2", date(2024, 4, 1)),
    ],
)
def test_codes_that_name_a_period(code: str, key: str, start: date) -> None:
    period = period_of_code(code)
    assert period is not None
    assert (period.key, period.start) == (key, start)


@pytest.mark.parametrize(
    "code", ["", "50", "202401", "2024M13", "2024Q5", "2024W54", "2021W53", "2022-2024", "2023/24", "Time01", "SSS", "２０２４", "0000"]
)
def test_codes_that_name_none_or_not_for_sure(code: str) -> None:
    assert period_of_code(code) is None


def test_order_is_by_time_and_stays_where_a_code_is_no_period() -> None:
    assert in_order(["2024M02", "2023M12", "2024M01"]) == ["2023M12", "2024M01", "2024M02"]
    assert in_order(["50", "49", "2024"]) == ["50", "49", "2024"]
