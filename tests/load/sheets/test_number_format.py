"""Number formats: what a person sees, and never a wrong number."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.load.sheets.number_format import BUILT_IN, compiled, plain
from tulosvahti.load.sheets.numerals import is_numeral, moment, stored

ACCOUNTING = r'_(* #,##0.00_);_(* \(#,##0.00\);_(* "-"??_);_(@_)'


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        ("General", "1234.5", "1234.5"),
        ("0", "1234.5", "1235"),
        ("0", "0.5", "1"),
        ("0.00", "5", "5.00"),
        ("0.00", "1.005", "1.01"),  # halves away from zero, in decimals
        ("0.00", "-1.005", "-1.01"),
        ("#,##0", "1234567", "1,234,567"),
        ("#,##0", "999", "999"),
        ("#,##0.00", "-1234.5", "-1,234.50"),
        ("#,##0;(#,##0)", "-1234", "(1,234)"),
        ("#,##0;[Red]-#,##0", "-1234", "-1,234"),
        ("0.0%", "0.5678", "56.8%"),
        ("0 %", "0.0049", "0 %"),
        ("0.0 %", "1e-05", "0.0 %"),
        ("#,##0,", "1234567", "1,235"),
        ("0.0,,", "1234567", "1.2"),
        ('#,##0.0,," M€"', "1234567890", "1,234.6 M€"),
        (r"#\ ##0", "1234567", "1234 567"),
        (r"#\ ###\ ##0", "1234567", "1 234 567"),
        (r"#\ ###\ ##0,", "1400586000", "1 400 586"),
        (r"#\ ##0.00", "12.5", "12.50"),
        ('#,##0 "€"', "1234", "1,234 €"),
        ("[$€-40B] #,##0", "1234", "€ 1,234"),
        ('"$"#,##0', "-5", "-$5"),
        ("000", "7", "007"),
        ("0,000", "7", "0,007"),
        ("0.0#", "1.5", "1.5"),
        ("0.0#", "1.256", "1.26"),
        ("#.##", "0.5", ".5"),
        ("0.##", "5", "5"),
        (ACCOUNTING, "1234.5", "1,234.50"),
        (ACCOUNTING, "-1234.5", "(1,234.50)"),
        (ACCOUNTING, "0", "-"),
        ('"yes";"no"', "-1", "no"),
        ("0.00", "123456789012345", "123456789012345.00"),
        # Beyond what is known, or nothing to see: the plain number.
        ("# ?/?", "1.5", "1.5"),
        ("0.00E+00", "1234.5", "1234.5"),
        ("[>=1000]0.0,;0", "1234", "1234"),
        ("000-00", "12345", "12345"),
        ('0"."0', "12", "12"),
        (";;;", "5", "5"),
        ("0;;", "-5", "-5"),
        ("#", "0", "0"),
        ("[DBNum1]0", "5", "5"),
        ("0.0.0", "5", "5"),
        ("@", "5", "5"),
    ],
)
def test_shown(code: str, number: str, text: str) -> None:
    assert compiled(code).kind == "number"
    assert compiled(code).shown(number) == text


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        ("yyyy-mm-dd", "45351", "2024-02-29"),
        (BUILT_IN[14], "45351", "2024-02-29"),
        ("d.m.yyyy h:mm", "45351.5", "2024-02-29 12:00:00"),
        ("mmm-yy", "45351", "2024-02"),
        ("yyyy", "45351", "2024"),
        ("h:mm", "0.75", "18:00:00"),
        ("[h]:mm", "1.5625", "37:30:00"),
        (r'[$-40B]d\. mmmm"ta "yyyy', "45351", "2024-02-29"),
        ("yyyy-mm-dd", "60", "1900-02-29"),
        ("yyyy-mm-dd", "1", "1900-01-01"),
        ("yyyy-mm-dd h:mm", "45350.999999", "2024-02-29 00:00:00"),
        ("yyyy-mm-dd", "-5", None),
        ("yyyy-mm-dd", "3000000", None),
    ],
)
def test_dates(code: str, number: str, text: str | None) -> None:
    assert compiled(code).kind == "date"
    assert moment(number, code, from_1904=False) == text


def test_days_from_1904() -> None:
    assert moment("1", "yyyy-mm-dd", from_1904=True) == "1904-01-02"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.56999999999999995", "0.57"),
        ("0.1", "0.1"),
        ("123456789012345678", "123456789012345678"),
        ("1E+20", "1e+20"),
        ("-12.50", "-12.50"),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("", None),
        ("1" * 400, None),
    ],
)
def test_stored_numbers_have_fifteen_digits(text: str, number: str | None) -> None:
    assert stored(text) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [("1e+20", "100000000000000000000"), ("1.5e-07", "0.00000015"), ("1e+300", "1E+300"), ("5.0", "5"), ("10", "10")],
)
def test_plain(number: str, text: str) -> None:
    assert plain(number) == text


@pytest.mark.parametrize(
    "text",
    [
        "100",
        "'200",
        "1 234,50",
        "1\u00a0234",
        "1.234,56",
        "-5",
        "5-",
        "(1,234)",
        "5 %",
        "€ 5",
        "5 €",
        ",2",
        "0,5",
        "0",
        "1,234,567.89",
    ],
)
def test_numbers_as_text(text: str) -> None:
    assert is_numeral(text)


@pytest.mark.parametrize(
    "text", ["020", "06", "1.2.2024", "04/07/20", "n/a", "5 kpl", "1)", "..", "", "-", "2023-24", "12.28.50", "A1"]
)
def test_no_numbers(text: str) -> None:
    assert not is_numeral(text)


_CODES = st.sampled_from(
    [code for code in BUILT_IN.values() if compiled(code).kind == "number"] + [r"#\ ##0.0", "0.0#,", "##,#"]
)


@given(_CODES, st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 14))
def test_what_is_shown_is_the_number_rounded(code: str, digits: int, places: int) -> None:
    number = Decimal(digits).scaleb(-places)
    shown = compiled(code).shown(f"{number:f}")
    bare = re.sub(r"[ ,()%-]", "", shown)
    scale = -2 if "%" in code else 3 if code.endswith("#,") and compiled(code).sections else 0
    if bare in ("", "."):
        assert number == 0
        return
    seen = Decimal(bare).scaleb(scale)
    unit = Decimal(1).scaleb(scale - len(bare.partition(".")[2]))
    assert abs(seen - abs(number)) <= unit / 2
    assert (number < 0) == (shown.startswith(("-", "(")) and shown != "-")


@given(st.text(max_size=30), st.integers(-(10**9), 10**9))
def test_any_code_shows_something(code: str, number: int) -> None:
    assert compiled(code).shown(str(number))
