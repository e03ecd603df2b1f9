"""Rows as plain data and back: the same values of the same types."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pytest

from tulosvahti.compute.remembering import plain_rows, rows_of

ROW = {"text": "ä", "none": None, "whole": 10**20, "flag": True, "day": date(2025, 2, 3), "number": Decimal("1000.50"), "zero": Decimal("0.00")}


@pytest.mark.parametrize("rows", [[], [ROW], [ROW, ROW | {"text": None, "day": None}]])
def test_rows_come_back_as_they_were(rows: list[dict[str, object]]) -> None:
    back = rows_of(json.loads(json.dumps(plain_rows(rows))))
    assert back == rows
    assert [[(type(value), str(value)) for value in row.values()] for row in back] == [[(type(value), str(value)) for value in row.values()] for row in rows]


@pytest.mark.parametrize("value", [1.5, datetime(2025, 1, 1), b"x"])  # noqa: DTZ001
def test_what_plain_data_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        plain_rows([{"value": value}])
