"""Formulas: shared ones moved to their cells, and those of OpenDocument in Excel's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.formula.translate import Translator
from openpyxl.utils import get_column_letter

from tulosvahti.load.sheets.open_formula import translated
from tulosvahti.load.sheets.shared_formula import SharedFormula


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("SUM(B2:C2)", "SUM(C4:D4)"),
        ("$B2+B$2+$B$2", "$B4+C$2+$B$2"),
        ("Sheet2!A1+'My A1'!B2", "Sheet2!B3+'My A1'!C4"),
        ('IF(A1="B2","C3 ""D4""",1)', 'IF(B3="B2","C3 ""D4""",1)'),
        ("LOG10(A1)+ATAN2(A1,B1)", "LOG10(B3)+ATAN2(B3,C3)"),
        ("SUM(A:A)+SUM($A:$B)+SUM(2:3)", "SUM(B:B)+SUM($A:$B)+SUM(4:5)"),
        ("taxes2024*A1+AB_1+x.A1", "taxes2024*B3+AB_1+x.A1"),
        ("[1]Sheet1!A1+Table1[A1]", "[1]Sheet1!B3+Table1[A1]"),
        ("#REF!+A1", "#REF!+B3"),
        ("A1048576", "B2"),
        ("XFE1+ABC9999999", "XFE1+ABC9999999"),
    ],
)
def test_shared(formula: str, moved: str) -> None:
    assert SharedFormula(formula, 0, 0).at(2, 1) == moved


_REFERENCE = st.builds(
    lambda column, row, left, top: f"{left}{get_column_letter(column)}{top}{row}",
    st.integers(5, 800), st.integers(5, 5000), st.sampled_from(["", "$"]), st.sampled_from(["", "$"]),
)  # fmt: skip


@given(st.lists(_REFERENCE, min_size=1, max_size=4), st.sampled_from("+-,:"), st.integers(-4, 50), st.integers(-4, 50))
def test_shared_as_openpyxl_does(references: list[str], mark: str, down: int, right: int) -> None:
    formula = f"SUM({mark.join(references)})" if mark != ":" else f"SUM({':'.join((references * 2)[:2])})"
    there = f"{get_column_letter(10 + right)}{10 + down}"
    expected = Translator(f"={formula}", origin="J10").translate_formula(there)
    assert "=" + SharedFormula(formula, 9, 9).at(9 + down, 9 + right) == expected


@pytest.mark.parametrize(
    ("formula", "excel"),
    [
        ("of:=SUM([.B2:.B4])", "=SUM(B2:B4)"),
        ("of:=SUM([.B2];[$Other.A1])", "=SUM(B2,Other!A1)"),
        ("of:=[$'My sheet'.$B$2:.B3]", "='My sheet'!$B$2:B3"),
        ('of:=IF([.A1]="a;[.b]";1;0)', '=IF(A1="a;[.b]",1,0)'),
        ("oooc:=SUM([.A1:.A2])", "=SUM(A1:A2)"),
        ("=1+2", "=1+2"),
        ("of:=SUM([.A1]~[.B1])", "=SUM(A1,B1)"),
    ],
)
def test_open_formulas(formula: str, excel: str) -> None:
    assert translated(formula) == excel
