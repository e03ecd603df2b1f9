"""Numbers as people print them: every reading of a text, and what the column decides."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tulosvahti.core.printed import is_dash, read_column, readings


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 234", ["1234"]),
        ("1\u00a0234\u00a0567", ["1234567"]),
        ("1\u2009234,50", ["1234.50"]),
        ("1'234.50", ["1234.50"]),
        ("1.234,5", ["1234.5"]),
        ("1,234.5", ["1234.5"]),
        ("1,234", ["1.234", "1234"]),
        ("1.234", ["1.234", "1234"]),
        ("1234,5", ["1234.5"]),
        ("1,234,567", ["1234567"]),
        ("−42", ["-42"]),
        ("42-", ["-42"]),
        ("(42)", ["-42"]),
        ("€ 12", ["12"]),
        ("12 %", ["12"]),
        (",5", ["0.5"]),
        ("1 234 *", ["1234"]),
        ("14,0 2)", ["14.0"]),
        ("1E3", ["1E+3"]),
        ("0,001", ["0.001"]),
        ("-(42)", []),
        ("1 23", []),
        ("12 345 6", []),
        ("1.2.3", []),
        ("abc", []),
        ("12 kpl", []),
        ("", []),
        ("–", []),
    ],
)
def test_readings(text, values):
    assert [one.value for one in readings(text)] == [Decimal(v) for v in values]


def test_the_unit_is_that_of_the_last_printed_digit():
    assert [readings(text)[0].unit for text in ("12", "12,5", "12,50")] == [Decimal(1), Decimal("0.1"), Decimal("0.01")]


@pytest.mark.parametrize(
    ("texts", "decimal", "values"),
    [
        pytest.param(["1,234", "5,6"], ",", ["1.234", "5.6"], id="a-decimal-comma-beside"),
        pytest.param(["1,234", "5.6"], ".", ["1234", "5.6"], id="a-decimal-point-beside"),
        pytest.param(["1.234", "1 000,5"], ",", ["1234", "1000.5"], id="a-point-for-thousands"),
        pytest.param(["1,234", "999"], ".", ["1234", "999"], id="three-digits-without-a-mark"),
        pytest.param(["1.234", "1500"], ".", ["1.234", "1500"], id="four-digits-without-a-mark"),
    ],
)
def test_the_column_decides(texts, decimal, values):
    reading = read_column(texts)
    assert reading.decimal == decimal
    assert [one.value for one in reading.numbers if one] == [Decimal(v) for v in values]
    assert not reading.guessed


def test_what_nothing_decides_is_said():
    reading = read_column(["1,234"])
    assert reading.guessed == (0,)
    assert [one.value for one in reading.numbers if one] == [Decimal(1234)]


def test_a_mark_unlike_the_column_s_is_said():
    assert read_column(["14.0", "13.5", "11,9", "12.2"]).odd == (2,)


@pytest.mark.parametrize(("text", "dash"), [("-", True), ("–", True), ("…", True), ("..", True), ("", False), ("-1", False)])
def test_dashes_are_nothing(text, dash):
    assert is_dash(text) is dash
