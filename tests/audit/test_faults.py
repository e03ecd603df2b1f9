"""Faults of point after point: one planted in a small table, named with the right value, and the table as it was unaccused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from audit_tables import audited

BUDGET = [
    ["Menot", "Uusimaa", "Kainuu", "Lappi", "Palautukset", "Yhteensä"],
    ["Palkat", "12 340", "4 511", "7 032", "1 204", "22 679"],
    ["Vuokrat", "3 218", "1 907", "2 664", "318", "7 471"],
    ["Matkat", "877", "1 243", "1 951", "97", "3 974"],
    ["Hankinnat", "5 409", "2 316", "3 118", "705", "10 138"],
    ["Koulutus", "1 122", "438", "669", "51", "2 178"],
    ["Yhteensä", "22 966", "10 415", "15 434", "2 375", "46 440"],
]
MARKS = [
    ["", "Q1", "Q2", "Q3", "Q4", "Total"],
    ["Property", "17.3", "22.1", "19.0", "20.4", "78.8"],
    ["Wages", "94.4", "105.3", "82.7", "97.3", "379.7"],
    ["Transfer", "14.0", "11.9", "13.4", "13.8", "53.1"],
    ["Sales", "281.6", "208.5", "189.3", "275.6", "955.0"],
    ["Total", "407.3", "347.8", "304.4", "407.1", "1,466.6"],
]


def changed(rows, **cells):
    """Put texts into cells, named as in A1."""
    result = [list(row) for row in rows]
    for name, text in cells.items():
        result[int(name[1:]) - 1][ord(name[0]) - 65] = text
    return result


def found(audit):
    place = audit.table.sheet.place
    return [(f.cause, [place(*c) for c in f.cells], list(f.implied), f.explained) for f in audit.findings]


def test_a_column_that_is_taken_off_is_known_and_nothing_accused():
    audit = audited(BUDGET)
    place = audit.table.sheet.place
    taken = {(place(*r.total), r.weights) for r in audit.relations if r.axis == "row"}
    assert taken == {(f"F{row}", (1, 1, 1, -1)) for row in range(2, 8)}
    assert not audit.findings
    assert not audit.broken


@pytest.mark.parametrize(
    ("cell", "text", "cause", "right"),
    [
        pytest.param("C3", "1 970", "digits_swapped", "1907", id="swapped"),
        pytest.param("D5", "31 180", "factor_10", "3118", id="ten-times"),
        pytest.param("E3", "−318", "sign", "318", id="sign-of-what-is-taken-off"),
        pytest.param("B4", "87", "digit_omitted", "877", id="digit-lost"),
    ],
)
def test_a_slip_where_a_row_and_a_column_meet(cell, text, cause, right):
    assert found(audited(changed(BUDGET, **{cell: text}))) == [(cause, [cell], [Decimal(right)], False)]


@pytest.mark.parametrize(
    ("cell", "text", "stated", "right"),
    [
        pytest.param("B5", "2816", "2816", "281.6", id="mark-lost"),
        pytest.param("B2", "17 3", None, "17.3", id="blank-for-the-mark"),
        pytest.param("D2", "190", "190", "19.0", id="mark-lost-before-0"),
        pytest.param("F6", "1.466.6", None, "1466.6", id="point-for-thousands"),
        pytest.param("D4", "l3.4", None, "13.4", id="letter-for-a-digit"),
    ],
)
def test_a_lost_decimal_mark_is_restored_where_sums_confirm_it(cell, text, stated, right):
    audit = audited(changed(MARKS, **{cell: text}))
    (finding,) = audit.findings
    assert (finding.cause, [audit.table.sheet.place(*c) for c in finding.cells]) == ("decimal_mark", [cell])
    assert finding.stated == (None if stated is None else Decimal(stated),)
    assert finding.implied == (Decimal(right),)
    assert not finding.explained
    assert len(finding.relations) == 2
    assert {r.state for r in audit.relations if r.id in finding.relations} == {"incomplete" if stated is None else "broken"}


def test_another_decimal_mark_is_told_and_breaks_nothing():
    audit = audited(changed(MARKS, C4="11,9"))
    assert found(audit) == [("decimal_mark", ["C4"], [Decimal("11.9")], True)]
    assert not audit.broken


@pytest.mark.parametrize("text", ["173", "17 8", "abc"])
def test_a_mark_is_not_restored_to_what_the_sums_do_not_confirm(text):
    audit = audited(changed(MARKS, B2=text, F2="80.0", B6="411.3"))
    assert all(f.cause != "decimal_mark" for f in audit.findings)


TOTALS = [
    ["", "2021", "2022", "2023", "2024"],
    ["Pay", "1041", "1187", "1322", "1409"],
    ["Rent", "377", "402", "431", "466"],
    ["Travel", "96", "58", "112", "131"],
    ["Supplies", "213", "254", "198", "307"],
    ["Training", "64", "71", "83", "77"],
    ["Total", "1791", "1972", "2146", "2390"],
]


def less(line, sign):
    """Leave a line out of the total row in every column, or count it twice."""
    amounts = [int(v) for v in TOTALS[line][1:]]
    total = [str(int(v) + sign * a) for v, a in zip(TOTALS[-1][1:], amounts, strict=True)]
    return [*TOTALS[:-1], ["Total", *total]]


@pytest.mark.parametrize(("sign", "cause"), [(-1, "left_out"), (1, "counted_twice")])
def test_a_line_counted_wrongly_in_every_column(sign, cause):
    assert not audited(TOTALS).findings
    audit = audited(less(3, sign))
    (finding,) = audit.findings
    assert finding.cause == cause
    assert {r for r, _ in finding.because} == {3}
    assert finding.explains == 4


def test_parts_of_a_line_are_no_line_left_out():
    rows = [*TOTALS[:4], ["of which abroad", "31", "22", "45", "52"], *TOTALS[4:]]
    assert not audited(rows).findings


def test_two_neighbours_exchanged():
    audit = audited(changed(BUDGET, B3="1 907", C3="3 218"))
    (finding,) = audit.findings
    first = finding.remedies[0] if finding.remedies else finding
    assert (first.cause, [audit.table.sheet.place(*c) for c in first.cells]) == ("neighbours_exchanged", ["B3", "C3"])


MONTHS = [
    ["kuukausi", "menot", "kertymä"],
    ["tammikuu", "12 340", "12 340"],
    ["helmikuu", "9 871", "22 211"],
    ["maaliskuu", "14 025", "36 236"],
    ["huhtikuu", "11 008", "47 244"],
    ["toukokuu", "13 667", "60 911"],
    ["kesäkuu", "8 452", "69 363"],
    ["Yhteensä", "69 363", ""],
]


def test_running_totals_are_known():
    audit = audited(MONTHS)
    place = audit.table.sheet.place
    running = {place(*r.total): [place(*i) for i in r.items] for r in audit.relations if r.total[1] == 2}
    assert running == {f"C{row}": [f"C{row - 1}", f"B{row}"] for row in range(3, 8)}
    assert not audit.findings


@pytest.mark.parametrize(
    ("cell", "text", "cause", "right"),
    [
        pytest.param("C4", "36 326", "digits_swapped", "36236", id="the-running-total"),
        pytest.param("B5", "11 080", "digits_swapped", "11008", id="what-is-added"),
    ],
)
def test_a_slip_in_running_totals(cell, text, cause, right):
    assert found(audited(changed(MONTHS, **{cell: text}))) == [(cause, [cell], [Decimal(right)], False)]


def test_ordinal_numbers_and_balances_are_no_running_totals():
    rows = [["nro", "1", "saldo"], *([str(k), "1", str(100 * k + k % 3)] for k in range(1, 9))]
    assert not [r for r in audited(rows).relations if r.state == "broken"]


YEARS = [
    ["Menot", "2021", "2022", "2023"],
    ["Palkat", "10 411 208", "10 873", "11 322"],
    ["Vuokrat", "377 402", "402", "431"],
    ["Matkat", "96 077", "58", "112"],
    ["Koulutus", "64 113", "71", "83"],
]


def test_a_change_of_unit_between_years_is_told():
    (finding,) = audited(YEARS).findings
    assert (finding.cause, finding.detail, finding.explained) == ("unit_change", ("1/1000",), True)
    assert {c for _, c in finding.because} == {2}


@pytest.mark.parametrize("factor", [1, 8, 60])
def test_growth_is_no_change_of_unit(factor):
    rows = [YEARS[0], *([name, str(100 + k), str((100 + k) * factor), str(110 + k)] for k, (name, *_) in enumerate(YEARS[1:]))]
    assert all(f.cause != "unit_change" for f in audited(rows).findings)


def test_neighbours_exchanged_where_no_sum_links_them():
    (finding,) = audited(changed(TOTALS, B3="402", C3="377")).findings
    assert (finding.cause, finding.cells, finding.implied) == (
        "neighbours_exchanged", ((2, 1), (2, 2)), (Decimal(377), Decimal(402)),
    )  # fmt: skip
    assert finding.explains == 2
