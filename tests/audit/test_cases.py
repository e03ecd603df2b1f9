"""Cases met in published budgets and bug reports: a small file, the right answer."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tulosvahti.audit.files import audit_files

DATA = Path(__file__).parent / "data"


def audit_of(*names):
    return audit_files([DATA / name for name in names])


def places(table, cells):
    return [table.table.sheet.place(*cell) for cell in cells]


def relation(table, total):
    found = [r for r in table.relations if table.table.sheet.place(*r.total) == total]
    assert found, f"no relation ends in {total}"
    return found[0]


@pytest.mark.parametrize(
    ("file", "total", "state", "stated", "expected"),
    [
        pytest.param("R02.csv", "C4", "broken", "23496", "24496", id="error-in-the-actual-year"),
        pytest.param("R02.csv", "D4", "holds", "22172", "22172", id="other-years-are-right"),
        pytest.param("R06.csv", "D3", "broken", "-3.2", "-16.5", id="change-that-does-not-follow"),
        pytest.param("R06.csv", "D2", "holds", "14.1", "13.0", id="change-from-rounded-figures"),
        pytest.param("R10.csv", "B8", "holds", "-59860068.49", "-59860068.49", id="sign-turns-at-the-subtotal"),
        pytest.param("R16.csv", "B4", "holds", "9730", "9730", id="revenue-with-a-minus-is-legal"),
        pytest.param("R16.csv", "B7", "broken", "83", "82", id="ratio-recomputed"),
        pytest.param("R22.csv", "F2", "holds", "951093", "951093", id="transfers-out-are-taken-off"),
        pytest.param("R26.csv", "D4", "holds", "15014494.8", "15014494.8", id="total-among-the-rows"),
        pytest.param("R26.csv", "D8", "holds", "22521742.2", "22521742.2", id="total-among-the-rows-next-year"),
        pytest.param("R40.csv", "C6", "holds", "2786543.82", "2786543.82", id="every-row-twice"),
        pytest.param("R42.csv", "D2", "holds", "299535729.96", "299535729.96", id="change-is-start-less-end"),
        pytest.param("R42.csv", "D4", "holds", "-121005848.03", "-121005848.03", id="total-of-changes"),
        pytest.param("R44.csv", "B7", "holds", "600632852", "600632852", id="unmarked-parent-row"),
        pytest.param("R44.csv", "C7", "holds", "-44580324", "-44580324", id="unmarked-parent-row-second-column"),
        pytest.param("B12.csv", "B8", "holds", "4", "4", id="subtotals-are-not-added-again"),
        pytest.param("B20.csv", "B4", "holds", "36.65", "36.6450", id="decimals-not-binary-floats"),
        pytest.param("B22b.csv", "B4", "holds", "2.01", "2.010", id="half-cents"),
        pytest.param("B38.ods", "B5", "holds", "15.0", "15.0", id="repeated-rows-and-cells"),
        pytest.param("B50.csv", "B4", "holds", "7850", "7850", id="merged-municipality-before"),
        pytest.param("B50.csv", "C4", "incomplete", "7980", "6350", id="merged-municipality-after"),
        pytest.param("B52.csv", "C5", "holds", "27778845.63", "27778845.63", id="total-known-by-its-line-number"),
    ],
)
def test_relation(file, total, state, stated, expected):
    (table,) = audit_of(file).audit.tables
    found = relation(table, total)
    assert (found.state, found.stated, found.expected) == (state, Decimal(stated), Decimal(expected))


@pytest.mark.parametrize(
    ("file", "cause", "explained", "cells"),
    [
        pytest.param("R10.csv", "sign_reversed", True, ["B8"], id="sign-by-convention"),
        pytest.param("R12.csv", "rows_not_shown", True, ["B15"], id="note-explains"),
        pytest.param("R40.csv", "doubled_rows", True, [], id="doubled"),
        pytest.param("B50.csv", "absent", True, [], id="row-not-in-yet"),
        pytest.param("B06.xlsx", "not_calculated", False, ["B4"], id="no-stored-result"),
    ],
)
def test_finding(file, cause, explained, cells):
    (table,) = audit_of(file).audit.tables
    found = [f for f in table.findings if f.cause == cause]
    assert found
    assert (found[0].explained, places(table, found[0].cells)) == (explained, cells)


def test_note_names_the_difference():
    (table,) = audit_of("R12.csv").audit.tables
    assert [f.detail[0] for f in table.findings] == ["167", "163"]
    assert not table.broken
    assert "Pääluokat 21 ja 22" in table.findings[0].detail[1]


def test_formula_without_result_is_computed_where_it_is_a_sum():
    (table,) = audit_of("B06.xlsx").audit.tables
    assert table.findings[0].implied == (Decimal(150),)


def test_undecidable_error_names_all_cells_and_accuses_none():
    (table,) = audit_of("R02.csv").audit.tables
    (finding,) = table.findings
    assert finding.cells == ()
    assert set(places(table, finding.suspects)) == {"C2", "C3", "C4"}


def test_difference_by_design_is_not_accused():
    assert not audit_of("R24.csv").audit.needs_attention


def test_same_total_twice_differs_in_one_year():
    ties = [tie for tie in audit_of("R04.csv").audit.ties if tie.state == "differs"]
    assert [(tie.one[1:], tie.other[1:], tie.difference) for tie in ties] == [((1, 3), (2, 3), Decimal(-28))]


def test_two_exports_of_one_data_set():
    audit = audit_of("R28a.csv", "R28b.csv").audit
    assert [(tie.label, tie.state, tie.values, tie.difference) for tie in audit.ties] == [
        ("2023", "differs", (Decimal(81553), Decimal(82923)), Decimal(1370)),
        ("2024", "rounding", (Decimal(87867), Decimal(87869)), Decimal(2)),
    ]
    assert audit.needs_attention


def test_an_amount_moved_between_heads_is_no_contradiction(tmp_path):
    """The figures of case R46, as two books print them, with two heads that agree beside."""
    for name, first, second in (("2018.csv", 7562, 38035), ("2019.csv", 13230, 32366)):
        text = f"Head;2018\n09 Education;{first}\n95 Reserve;{second}\n10 Transport;5210\n20 Other;8111\n"
        (tmp_path / name).write_text(text, encoding="utf-8")
    audit = audit_files([tmp_path / "2018.csv", tmp_path / "2019.csv"]).audit
    assert {tie.label: tie.state for tie in audit.ties} == {
        "09 education": "moved", "95 reserve": "moved", "10 transport": "agrees", "20 other": "agrees",
    }  # fmt: skip
    assert not audit.needs_attention


def test_numbers_as_people_write_them():
    (table,) = audit_of("B02.csv").audit.tables
    values = [table.table.numbers[r, 2].value for r in range(1, 5)]
    assert values == [Decimal("-5.00"), Decimal("2000.00"), Decimal("-1200.00"), Decimal("-50.00")]


def test_misplaced_separators_are_no_numbers():
    (table,) = audit_of("B04.csv").audit.tables
    assert {r: n.value for (r, _), n in table.table.numbers.items()} == {1: Decimal("1234.56"), 5: Decimal("0.2")}
    codes = {notice.code: notice.where for notice in table.notices}
    assert codes["unreadable"] == ("A3", "A4", "A5")
    assert codes["no_leading_digit"] == ("A6",)


def test_stray_space_is_said():
    (table,) = audit_of("R30.csv").audit.tables
    assert table.table.numbers[2, 3].value == Decimal(20342)
    assert any(notice.code == "stray_space" and notice.where == ("D3",) for notice in table.notices)


def test_number_stored_as_text_counts():
    (table,) = audit_of("B44.xlsx").audit.tables
    assert any(notice.code == "number_as_text" for notice in table.table.sheet.notices)
    assert Decimal("1234.50") in {n.value for n in table.table.numbers.values()}


def test_second_header_in_the_middle():
    (table,) = audit_of("R48.csv").audit.tables
    assert table.table.headers == (3,)
    assert table.table.column_label(4, 1) == "Osaston nimi"


def test_same_code_in_two_dimensions():
    (table,) = audit_of("R34.json").audit.tables
    assert [r.stated for r in table.relations] == [Decimal(5652881), Decimal(694392)]


def test_kerning_is_read_by_the_layout_or_said():
    done = audit_of("R14.txt")
    values = {n.value for table in done.audit.tables for n in table.table.numbers.values()}
    assert Decimal(54) not in values
    assert Decimal(5400) in values or any(n.code == "ambiguous_row" for t in done.audit.tables for n in t.table.sheet.notices)


def test_empty_file_is_a_problem_and_the_others_are_audited():
    done = audit_of("B24.csv", "R02.csv")
    assert [problem.message for problem in done.problems] == ["file is empty (0 bytes)"]
    assert len(done.audit.tables) == 1


def test_unit_that_changes_between_years_is_no_error_of_millions():
    ties = audit_of("R50.csv").audit.ties
    assert [tie.state for tie in ties] == ["unit", "rounding", "differs"]
    assert ties[2].difference == Decimal(-95)
