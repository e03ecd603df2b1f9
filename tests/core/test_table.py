"""Which cells of a sheet are headers, labels, notes and figures."""

from __future__ import annotations

from decimal import Decimal

from audit_tables import sheet_of

from tulosvahti.core.table import table_of


def table(*rows):
    return table_of(sheet_of(rows))


def test_a_header_of_two_rows_names_the_columns():
    found = table(["", "Menot", "Menot"], ["", "2021", "2022"], ["Palkat", "10", "12"], ["Vuokrat", "7", "8"])
    assert found.body == 2
    assert [found.column_labels[c] for c in (1, 2)] == ["Menot 2021", "Menot 2022"]
    assert found.row_label(2) == "Palkat"
    assert found.numbers[3, 2].value == Decimal(8)


def test_years_down_the_side_are_labels():
    found = table(["Vuosi", "Menot"], ["2020", "10"], ["2021", "12"], ["2022", "15"])
    assert {c for _, c in found.numbers} == {1}


def test_dashes_and_blanks_are_absent_not_zero():
    found = table(["", "a", "b"], ["x", "1", "–"], ["y", "", "N/A"], ["z", "3", "0"])
    assert sorted(found.numbers) == [(1, 1), (3, 1), (3, 2)]
    assert found.filled(1, 2)
    assert not found.filled(2, 1)


def test_a_second_header_in_the_middle_is_no_row_of_figures():
    found = table(
        ["", "Tammikuu", "Helmikuu"], ["Palkat", "10", "12"], ["Vuokrat", "7", "8"],
        ["", "Maaliskuu", "Huhtikuu"], ["Palkat", "11", "13"], ["Vuokrat", "6", "9"],
    )  # fmt: skip
    assert found.headers == (3,)
    assert [found.column_label(r, 1) for r in (1, 4)] == ["Tammikuu", "Maaliskuu"]
    assert all(r != 3 for r, _ in found.numbers)


def test_a_note_below_explains_the_row_whose_mark_it_carries():
    found = table(["", "2021"], ["Palkat", "10"], ["Yhteensä 1)", "17"], ["1) sisältää siirrot, joita ei ole eritelty", ""])
    assert found.note_of(2) == "1) sisältää siirrot, joita ei ole eritelty"
    assert found.note_of(1) == ""
    assert found.row_label(2) == "Yhteensä"


def test_what_looks_like_a_figure_and_cannot_be_read_is_said():
    found = table(["", "a"], ["x", "12"], ["y", "1 2 3"], ["z", "15"])
    (notice,) = found.notices
    assert (notice.code, notice.where, notice.detail) == ("unreadable", ("B3",), ("1 2 3",))


def test_columns_with_different_decimal_marks_are_said():
    found = table(["", "a", "b"], ["x", "1,5", "1.5"], ["y", "2,5", "2.5"])
    assert found.decimals == {1: ",", 2: "."}
    assert [notice.code for notice in found.notices] == ["marks_mixed"]
    assert found.numbers[1, 1].value == found.numbers[1, 2].value
