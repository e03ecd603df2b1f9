"""Crossfooting: real cases, the annex of the agreement, and laws over random tables."""

# Decimals are compared with integers in tuples, which strict equality calls an error.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import subprocess
import sys
import time
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tulosvahti.core.crossfoot import (
    Crossfooting,
    Figure,
    Interval,
    Relation,
    crossfoot,
    judge,
    sum_intervals,
)
from tulosvahti.core.grid import exact_if_evident, figure_id, grid_relations
from tulosvahti.core.quantity import last_digit_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.grid import Grid

# The annex of kainuu-2023: 18 rows and YHTEENSÄ; 11 columns and maararaha_yhteensa.
ANNEX = [
    [int(n) for n in line.split()]
    for line in """
    14060741 530080 322500 -40100 73200 39900 180300 525000 38200 263200 0 15993021
    12816800 738020 294000 -106400 187300 64700 120100 375000 97600 197400 60900 14845420
    2350400 124500 53900 -15600 54400 41200 0 0 28400 65800 0 2703000
    6028400 203760 138300 -25400 93500 44400 180700 375000 48700 131600 75000 7293960
    6231000 392200 143000 -52300 82000 54800 120500 450000 42700 65800 0 7529700
    9054100 412480 207700 -57200 47900 37400 90400 75000 25000 65800 0 9958580
    5737459 245840 131600 -26300 92000 25500 60300 0 48000 65800 1013000 7393199
    7663600 415140 175800 -54100 132200 46600 120500 150000 68900 65800 0 8784440
    4097300 182060 94000 -18600 58500 26100 60300 0 30500 65800 60900 4656860
    9505300 365560 218100 -46400 62000 33300 60300 75000 32300 65800 60900 10432160
    9902600 486340 227200 -75800 31100 77900 120500 825000 16200 65800 0 11676840
    3285200 175340 75400 -20300 82000 59000 0 0 42700 131600 0 3830940
    9188800 437260 210800 -66900 134500 61100 120500 525000 70100 65800 1317800 12064760
    3687200 188420 84600 -27100 30000 12500 60300 75000 15600 65800 0 4192320
    9360900 487920 214800 -82200 48100 18400 60300 75000 25100 65800 25000 10299120
    24663200 899300 565800 -105300 0 0 0 0 0 197400 183000 26403400
    36559868 0 0 -622000 391300 207200 220000 571600 70000 230000 592500 38220468
    5073600 0 116400 0 0 0 0 0 0 0 0 5190000
    179266468 6284220 3273900 -1442000 1600000 850000 1575000 4096600 700000 1875000 3389000 201468188
    """.strip().splitlines()  # noqa: E501
]
EXACT = Decimal(0)


def _grid(
    cells: Sequence[Sequence[int | None]],
    *,
    unit: Decimal | None = EXACT,
    scale: int = 0,
    weights: Mapping[str, int] | None = None,
) -> Grid:
    columns = [f"k{n}" for n in range(len(cells[0]))]
    return grid_relations(
        [f"r{n}" for n in range(len(cells))],
        columns,
        [[None if n is None else Decimal(n).scaleb(scale) for n in r] for r in cells],
        items=weights,
        total_row=len(cells) - 1,
        total_column=columns[-1],
        unit=unit,
    )


def _foot(cells: Sequence[Sequence[int | None]], **options: object) -> Crossfooting:
    grid = _grid(cells, **options)  # type: ignore[arg-type]
    return crossfoot(grid.figures, grid.relations)


def _column(
    total: str, *items: str, unit: str | None = None, weights: Sequence[int] = ()
) -> Crossfooting:
    """Judge one relation: figures are named t and i1, i2, …; a dot is absent."""
    values = {"t": total, **{f"i{k}": n for k, n in enumerate(items, 1)}}
    figures = {}
    for name, text in values.items():
        value = None if text == "." else Decimal(text)
        declared = (
            last_digit_unit(value or Decimal(0)) if unit is None else Decimal(unit)
        )
        figures[name] = Figure(name, value, declared)
    parts = tuple(
        (f"i{k + 1}", weights[k] if weights else 1) for k in range(len(items))
    )
    return crossfoot(figures, [Relation("sum", "t", parts)])


# ---------------------------------------------------------------- intervals


def test_interval_ends_and_flags() -> None:
    one, none = Decimal(1), Decimal(0)
    half_open = Interval(none, one, low_open=True)
    assert half_open.times(-2) == Interval(Decimal(-2), Decimal(0), high_open=True)
    assert half_open.times(0) == Interval(none, none)
    assert Interval(None, one).times(-1) == Interval(Decimal(-1), None)
    assert not half_open.meets(Interval(None, none))
    assert Interval(none, one).meets(Interval(one, None))
    assert not Interval(none, one).meets(Interval(one, None, low_open=True))
    assert half_open.plus(Interval(one, None)) == Interval(one, None, low_open=True)
    assert Interval.of_figure(Decimal("12.30")) == Interval(
        Decimal("12.295"), Decimal("12.305")
    )
    assert Interval.of_figure(Decimal(7), Decimal(0)) == Interval(
        Decimal(7), Decimal(7)
    )
    with pytest.raises(ValueError, match="no number lies between"):
        Interval(one, none)
    with pytest.raises(ValueError, match="no number lies between"):
        Interval(one, one, low_open=True)


NUMBERS = st.decimals(-(10**9), 10**9, places=2, allow_nan=False)
PRINTED = st.tuples(NUMBERS, st.sampled_from(["0", "0.01", "0.5", "1", "1000"]))


@given(PRINTED, st.lists(st.tuples(PRINTED, st.sampled_from([1, -1])), min_size=1))
def test_judging_is_the_meeting_of_intervals(
    total: tuple[Decimal, str], items: list[tuple[tuple[Decimal, str], int]]
) -> None:
    figures = {"t": Figure("t", total[0], Decimal(total[1]))}
    for k, ((value, unit), _) in enumerate(items):
        figures[f"i{k}"] = Figure(f"i{k}", value, Decimal(unit))
    parts = tuple((f"i{k}", weight) for k, (_, weight) in enumerate(items))
    (result,) = judge(figures, [Relation("sum", "t", parts)])
    summed = sum_intervals(
        (Interval.of_figure(figures[n].value or EXACT, figures[n].unit), w)
        for n, w in parts
    )
    stated = Interval.of_figure(total[0], Decimal(total[1]))
    assert result.holds == stated.meets(summed)
    assert result.expected == sum(w * value for (value, _), w in items)
    assert result.difference == total[0] - result.expected


# ---------------------------------------------------------------- results


def test_states_of_a_relation() -> None:
    exact, within, coarse, beyond = (
        _column(total, "30.0000", "6.645").results[0]
        for total in ("36.645", "36.65", "36.6", "36.7")
    )
    assert (exact.rounding, exact.difference, exact.holds) == ("exact", 0, True)
    assert (within.rounding, within.holds) == ("within", True)
    assert (coarse.rounding, coarse.holds) == ("within", True)
    assert (beyond.rounding, beyond.state, beyond.holds) == ("beyond", "broken", False)
    (absent,) = _column("3", "1", "2", ".").results
    assert (absent.state, absent.absent) == ("holds", ("i3",))
    (needed,) = _column("9", "1", "2", ".").results
    assert (needed.state, needed.holds, needed.rounding) == (
        "incomplete",
        None,
        "beyond",
    )
    assert (needed.expected, needed.difference) == (3, 6)
    (no_total,) = _column(".", "1", "2").results
    assert (no_total.state, no_total.expected) == ("incomplete", 3)
    assert (no_total.difference, no_total.absent) == (None, ("t",))
    (nothing,) = _column("0", ".", ".").results
    assert (nothing.state, nothing.expected) == ("incomplete", None)


def test_slack_used_is_said() -> None:
    items = ["100"] * 48
    assert not _column("4806", *items).results[0].slack_used
    loose = _column("4807", *items).results[0]
    assert (loose.rounding, loose.slack_used) == ("within", True)
    assert _column("4825", *items).results[0].state == "broken"


def test_structure() -> None:
    figures = {n: Figure(n, Decimal(1), EXACT) for n in "ab"}
    odd = [Relation("empty", "a", ()), Relation("double", "a", (("b", 1), ("b", 1)))]
    found = crossfoot(figures, odd)
    assert [(s.code, s.relation, s.names) for s in found.structure] == [
        ("no_items", "empty", ("a",)),
        ("twice", "double", ("b",)),
    ]
    assert [r.state for r in found.results] == ["incomplete", "broken"]
    with pytest.raises(
        ValueError, match="relation r names a figure that is not given: z"
    ):
        crossfoot(figures, [Relation("r", "a", (("z", 1),))])


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1E+61", "1E-61"])
def test_a_figure_is_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="figure x"):
        Figure("x", Decimal(text), EXACT)
    with pytest.raises(ValueError, match="figure x"):
        Figure("x", Decimal(1), Decimal(-1))


# ---------------------------------------------------------------- real cases


def test_r02_income_is_subtracted() -> None:
    """Relations of one item each way: three cells, none of them accused."""
    wrong = _column("23496", "27709", "3213", weights=[1, -1])
    assert (wrong.results[0].expected, wrong.results[0].difference) == (24496, -1000)
    (fault,) = wrong.faults
    assert (fault.cells, fault.located, fault.cause) == ((), False, "digit_replaced")
    assert {m.cells[0]: m.implied[0] for m in fault.alternatives} == {
        "t": 24496,
        "i1": 26709,
        "i2": 4213,
    }
    for right in (("22172", "23522", "1350"), ("22962", "24312", "1350")):
        assert _column(*right, weights=[1, -1]).faults == ()


def test_r10_sign_reversed_at_the_subtotal() -> None:
    costs = ["2637873.75", "-20835.00", "40151768.71"]
    costs += ["18614.39", "14582856.04", "2489790.60"]
    (fault,) = _column("-59860068.49", *costs).faults
    assert (fault.cause, fault.because, fault.cells) == ("sign", ("t",), ())
    first = fault.alternatives[0]
    assert (first.cells, first.implied) == (("t",), (Decimal("59860068.49"),))
    assert first.cause == "sign"


def test_r12_total_includes_rows_not_shown() -> None:
    heads = {
        "91522": "248 1174 1284 2053 6714 42717 9110 2615 3652 2611 14864 370 3943",
        "93840": "239 1101 1275 2059 7934 43524 9095 2533 3704 2698 14526 339 4650",
    }
    for (total, items), rows, apart in zip(
        heads.items(), (91355, 93677), (167, 163), strict=True
    ):
        found = _column(total, *items.split())
        (result,) = found.results
        assert (result.expected, result.difference) == (rows, apart)
        assert result.rounding == "beyond"
        (fault,) = found.faults
        assert (fault.cells, fault.cause, len(fault.alternatives)) == ((), None, 14)


def _parallel(*columns: tuple[str, str]) -> Crossfooting:
    figures, relations = {}, []
    for k, (total, items) in enumerate(columns):
        names = [f"c{k}r{n}" for n in range(len(items.split()) + 1)]
        for name, text in zip(names, [total, *items.split()], strict=True):
            figures[name] = Figure(name, Decimal(text), Decimal(1))
        parts = tuple((name, 1) for name in names[1:])
        relations.append(Relation(f"c{k}", names[0], parts, axis="column"))
    return crossfoot(figures, relations)


def test_r44_unmarked_subtotal_in_every_column() -> None:
    (fault,) = _parallel(
        ("600632852", "99287977 170445366 61343339 109102027 330899509"),
        ("-44580324", "-23194357 2614033 0 2614033 -24000000"),
    ).faults
    assert fault.cause == "unmarked_subtotal"
    assert fault.because == ("c0r2", "c1r2")
    assert (fault.cells, fault.alternatives, fault.explains) == ((), (), 2)


def test_r40_every_row_twice() -> None:
    rows = ["400000", "400000", "2386543.82", "2386543.82"]
    found = _column("2786543.82", *rows, unit="0.01")
    (fault,) = found.faults
    assert (fault.cause, fault.because, fault.cells) == (
        "counted_twice",
        ("i2", "i4"),
        (),
    )


def test_b12_naive_sum_accuses_nobody() -> None:
    (fault,) = _column("4", "1", "1", "2", "1", "1", "2", unit="0").faults
    assert (fault.cells, fault.cause) == ((), None)


def test_b20_b22_rounding_is_decimal() -> None:
    assert _column("36.65", "30.0000", "6.645").results[0].rounding == "within"
    assert _column("2.01", "1.005", "1.005").results[0].rounding == "exact"
    assert _column("2.01", "1.01", "1.01").results[0].rounding == "within"


def test_b50_a_missing_row_is_not_zero() -> None:
    found = _column("7980", "6350", ".")
    assert found.results[0].state == "incomplete"
    (fault,) = found.faults
    assert not fault.located
    by_cell = {m.cells[0]: (m.stated[0], m.implied[0]) for m in fault.alternatives}
    assert by_cell["i2"] == (None, 1630)


def test_b52_lines_by_number() -> None:
    amounts = {
        "1000": "25978679.97",
        "1021": "701792.88",
        "1033": "1098372.78",
        "1910": "27778845.63",
        "2500": "27778845.63",
        "3020": "-14000000",
    }
    figures = {n: Figure(n, Decimal(v), Decimal("0.01")) for n, v in amounts.items()}
    relations = [
        Relation("assets", "1910", (("1000", 1), ("1021", 1), ("1033", 1))),
        Relation("balance", "2500", (("1910", 1),), "tie", "tie"),
    ]
    found = crossfoot(figures, relations)
    assert [r.rounding for r in found.results] == ["exact", "exact"]
    assert found.faults == ()
    figures["1910"] = Figure("1910", Decimal("27778854.63"), Decimal("0.01"))
    (fault,) = crossfoot(figures, relations).faults
    assert (fault.cells, fault.implied) == (("1910",), (Decimal("27778845.63"),))
    assert (fault.cause, fault.explains) == ("digits_swapped", 2)


# ---------------------------------------------------------------- the annex


def test_the_annex_holds_to_the_euro() -> None:
    found = _foot(ANNEX)
    assert len(found.results) == 19 + 12
    assert {r.rounding for r in found.results} == {"exact"}
    assert found.faults == ()
    assert exact_if_evident(_grid(ANNEX, unit=None)).exact_by_evidence


def _one_digit_changed(value: int) -> list[int]:
    """Give a value with its first, a middle and its last digit raised by one."""
    digits = str(abs(value))
    sign = -1 if value < 0 else 1
    result = []
    for k in sorted({0, len(digits) // 2, len(digits) - 1}):
        other = str(int(digits[k]) % 9 + 1) if digits[k] != "0" else "7"
        result.append(sign * int(digits[:k] + other + digits[k + 1 :]))
    return result


@pytest.mark.parametrize("row", range(19))
def test_a_changed_digit_of_the_annex_is_found(row: int) -> None:
    """In every cell, also of the total row, the total column and the corner."""
    for column in range(12):
        right = ANNEX[row][column]
        for wrong in _one_digit_changed(right):
            cells = [list(line) for line in ANNEX]
            cells[row][column] = wrong
            for grid in (_grid(cells), exact_if_evident(_grid(cells, unit=None))):
                (fault,) = crossfoot(grid.figures, grid.relations).faults
                assert fault.located
                assert fault.cells == (figure_id(row, column),)
                assert (fault.stated, fault.implied) == ((wrong,), (right,))
                assert fault.explains == 2
                if abs(right) > 9:
                    assert fault.cause == "digit_replaced"


# ---------------------------------------------------------------- planted faults


def _changed(changes: Mapping[tuple[int, int], int | None]) -> Crossfooting:
    cells: list[list[int | None]] = [list(line) for line in ANNEX]
    for (row, column), value in changes.items():
        cells[row][column] = value
    return _foot(cells)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({(0, 0): 14_600_741}, "digits_swapped"),
        ({(0, 3): 40_100}, "sign"),
        ({(1, 1): 7_380_200}, "factor_10"),
        ({(5, 2): 207_700_000}, "factor_1000"),
        ({(1, 1): 78_020}, "digit_omitted"),
        ({(1, 1): 7_390_320}, None),
        ({(1, 1): 7_138_020}, "digit_added"),
        ({(4, 1): 143_000, (4, 2): 392_200}, "neighbours_exchanged"),
        ({(4, 1): 412_480, (5, 1): 392_200}, "neighbours_exchanged"),
    ],
)
def test_causes_in_a_table(
    changes: dict[tuple[int, int], int], cause: str | None
) -> None:
    (fault,) = _changed(changes).faults
    assert fault.located
    assert fault.cells == tuple(figure_id(*cell) for cell in changes)
    assert fault.implied == tuple(ANNEX[r][c] for r, c in changes)
    assert (fault.cause, fault.explains) == (cause, 2)


def test_independent_faults_are_named_one_by_one() -> None:
    spots = [(0, 0), (3, 1), (7, 2), (9, 5), (12, 8), (16, 10)]
    for count in range(1, len(spots) + 1):
        changes = {
            (r, c): ANNEX[r][c] + 1013 * k + k % 2 for k, (r, c) in enumerate(spots, 3)
        }
        found = _changed(dict(list(changes.items())[:count]))
        assert [f.cells for f in found.faults] == [
            (figure_id(*s),) for s in spots[:count]
        ]
        assert all(f.located and f.explains == 2 for f in found.faults)
    paired = {(2, 0): 1, (2, 1): 2, (8, 4): 17, (9, 5): 99_991, (12, 8): 12_347}
    assert [f.cells for f in _changed(paired).faults] == [
        ("r3c1", "r3c2"),
        ("r9c5",),
        ("r10c6",),
        ("r13c9",),
    ]
    same_row = _changed({(2, 0): 1, (2, 1): 2}).faults
    assert [(f.cells, f.implied) for f in same_row] == [
        (("r3c1", "r3c2"), (2_350_400, 124_500))
    ]


def test_many_small_coincidences_accuse_nobody() -> None:
    spots = [(0, 0), (3, 1), (7, 2), (9, 5), (12, 8), (16, 10)]
    found = _changed({(r, c): ANNEX[r][c] + k for k, (r, c) in enumerate(spots, 3)})
    assert found.cut
    assert all(not f.cells for f in found.faults)


def test_equal_faults_cannot_be_told_apart() -> None:
    (fault,) = _changed({(0, 0): 14_060_841, (1, 1): 738_120}).faults
    assert (fault.cells, fault.located, fault.explains) == ((), False, 4)
    assert [m.cells for m in fault.alternatives] == [("r1c1", "r2c2"), ("r1c2", "r2c1")]


def test_what_all_answers_share_is_stated() -> None:
    """A tie accuses the corner, the column behind it has no rows to decide."""
    names = ["a", "b", "c", "s", "u"]
    values = dict(zip(names, (10_000, 20_000, 30_000, 61_000, 60_000), strict=True))
    figures = {n: Figure(n, Decimal(v), EXACT) for n, v in values.items()}
    relations = [
        Relation("sum", "s", (("a", 1), ("b", 1), ("c", 1))),
        Relation("tie", "u", (("s", 1),)),
    ]
    (fault,) = crossfoot(figures, relations).faults
    assert (fault.cells, fault.implied, fault.explains) == (("s",), (60_000,), 2)


def test_an_absent_cell_is_named_with_its_value() -> None:
    found = _changed({(6, 9): None})
    (fault,) = found.faults
    assert (fault.cells, fault.stated, fault.implied) == (
        ("r7c10",),
        (None,),
        (65_800,),
    )
    assert (fault.located, fault.cause) == (True, None)
    assert sum(r.state == "incomplete" for r in found.results) == 2
    corner = _changed({(18, 11): None})
    assert corner.faults == ()
    assert [r.absent for r in corner.results if r.absent] == [("r19c12",)] * 2


def test_a_blank_that_means_nothing_does_not_hide_a_fault() -> None:
    found = _changed({(0, 10): None, (0, 0): 14_060_742})
    (fault,) = found.faults
    assert (fault.cells, fault.located) == (("r1c1",), True)
    assert [r.state for r in found.results if r.state != "holds"] == ["broken"] * 2


@pytest.mark.parametrize("row", [0, 6, 13])
def test_a_row_that_the_total_leaves_out_or_counts_twice(row: int) -> None:
    for factor, code in ((-1, "left_out"), (1, "counted_twice"), (-2, "sign")):
        cells = [list(line) for line in ANNEX]
        cells[18] = [a + factor * b for a, b in zip(cells[18], cells[row], strict=True)]
        (fault,) = _foot(cells).faults
        concerned = [c for c in range(12) if ANNEX[row][c]]
        assert fault.cause == code
        assert fault.because == tuple(figure_id(row, c) for c in concerned)
        assert (fault.cells, fault.explains) == ((), len(concerned))
        if code != "sign":
            (mend,) = fault.alternatives
            assert mend.cells == tuple(figure_id(18, c) for c in concerned)
            assert mend.implied == tuple(ANNEX[18][c] for c in concerned)


def test_a_wrong_cell_beside_a_row_left_out_is_found_too() -> None:
    cells = [list(line) for line in ANNEX]
    cells[18] = [a - b for a, b in zip(cells[18], cells[5], strict=True)]
    cells[2][1] += 901
    found = _foot(cells)
    assert {(f.cause, f.cells) for f in found.faults} == {
        ("left_out", ()),
        (None, ("r3c2",)),
    }


def test_everything_broken_is_cut_and_said() -> None:
    cells = [[(7919 * r * r + 104_729 * c * c * (r + 1)) % 99_991 for c in range(30)]
             for r in range(1, 1001)]  # fmt: skip
    started = time.perf_counter()
    found = _foot(cells)
    assert time.perf_counter() - started < 20
    assert found.cut
    assert all(not f.cells for f in found.faults)
    assert sum(f.explains for f in found.faults) == 1030


# ---------------------------------------------------------------- laws


@st.composite
def tables(draw: st.DrawFn, *, least: int = 2) -> list[list[int]]:
    """Draw a correct table with a total row and a total column."""
    rows, columns = draw(st.integers(least, 8)), draw(st.integers(least, 8))
    number = st.one_of(st.just(0), st.integers(-99, 99), st.integers(-(10**7), 10**7))
    body = draw(
        st.lists(
            st.lists(number, min_size=columns, max_size=columns),
            min_size=rows,
            max_size=rows,
        )
    )
    return _totalled(body)


def _totalled(
    body: Sequence[Sequence[int]], weights: Sequence[int] = ()
) -> list[list[int]]:
    signs = weights or [1] * len(body[0])
    rows = [[*r, sum(w * n for w, n in zip(signs, r, strict=True))] for r in body]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


slow = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@slow
@given(tables(least=1), st.sampled_from([EXACT, None, Decimal(10)]))
def test_a_correct_table_never_yields_a_fault(
    cells: list[list[int]], unit: Decimal | None
) -> None:
    found = _foot(cells, unit=unit)
    assert found.faults == ()
    assert {r.rounding for r in found.results} == {"exact"}
    assert found.structure == ()


@slow
@given(tables(), st.data())
def test_a_changed_digit_is_located_exactly(
    cells: list[list[int]], data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(cells) - 1))
    column = data.draw(st.integers(0, len(cells[0]) - 1))
    right = cells[row][column]
    wrong = data.draw(st.sampled_from(_one_digit_changed(right)))
    cells[row][column] = wrong
    (fault,) = _foot(cells).faults
    assert fault.located
    assert fault.cells == (figure_id(row, column),)
    assert (fault.stated, fault.implied, fault.explains) == ((wrong,), (right,), 2)


def _summary(found: Crossfooting, names: Mapping[str, str]) -> list[object]:
    """Give what faults say, free of order; ``names`` maps figure ids back."""

    def renamed(cells: Sequence[str], values: Sequence[object]) -> frozenset[object]:
        return frozenset(zip([names.get(c, c) for c in cells], values, strict=True))

    return sorted(
        (
            (
                sorted(map(str, renamed(f.cells, f.implied))),
                sorted(
                    (sorted(map(str, renamed(m.cells, m.implied))), str(m.cause))
                    for m in f.alternatives
                ),
                f.cause,
                f.explains,
            )
            for f in found.faults
        ),
        key=str,
    )


@slow
@given(tables(), st.data())
def test_permuting_rows_gives_the_same_faults(
    cells: list[list[int]], data: st.DataObject
) -> None:
    rows, columns = len(cells) - 1, len(cells[0])
    for _ in range(data.draw(st.integers(1, 2))):
        row, column = (
            data.draw(st.integers(0, rows)),
            data.draw(st.integers(0, columns - 1)),
        )
        cells[row][column] += data.draw(st.integers(1, 10**6))
    order = data.draw(st.permutations(range(rows)))
    first = _foot(cells)
    # Neighbours and runs of rows are what permuting rows takes away.
    by_order = {"neighbours_exchanged", "unmarked_subtotal"}
    assume(not by_order.intersection(f.cause for f in first.faults))
    assume(not any(m.cause in by_order for f in first.faults for m in f.alternatives))
    second = _foot([*(cells[k] for k in order), cells[-1]])
    assume(not by_order.intersection(f.cause for f in second.faults))
    assume(not any(m.cause in by_order for f in second.faults for m in f.alternatives))
    names = {
        figure_id(new, c): figure_id(old, c)
        for new, old in enumerate(order)
        for c in range(columns)
    }
    assert _summary(first, {}) == _summary(second, names)


@slow
@given(tables(), st.data(), st.sampled_from([3, -3]))
def test_scaling_by_1000_gives_the_same(
    cells: list[list[int]], data: st.DataObject, scale: int
) -> None:
    row = data.draw(st.integers(0, len(cells) - 1))
    column = data.draw(st.integers(0, len(cells[0]) - 1))
    cells[row][column] += data.draw(st.integers(1, 10**6))
    plain, scaled = _foot(cells), _foot(cells, scale=scale)
    for one, other in zip(plain.faults, scaled.faults, strict=True):
        assert one.cells == other.cells
        assert [v.scaleb(scale) for v in one.implied] == list(other.implied)
    assert [r.state for r in plain.results] == [r.state for r in scaled.results]


@slow
@given(tables(), st.sampled_from([1, 10, 1000]), st.booleans())
def test_rounding_a_correct_table_never_breaks_it(
    cells: list[list[int]],
    unit: int,
    declare: bool,
) -> None:
    step = Decimal(unit)
    rounded = [
        [int((Decimal(n) / step).quantize(Decimal(1), ROUND_HALF_UP)) for n in row]
        for row in cells
    ]
    found = _foot(rounded, unit=Decimal(1) if declare else None)
    assert found.faults == ()
    assert all(r.rounding in {"exact", "within"} for r in found.results)


@slow
@given(tables(), st.data())
def test_subtracted_columns(cells: list[list[int]], data: st.DataObject) -> None:
    width = len(cells[0]) - 1
    signs = data.draw(
        st.lists(st.sampled_from([1, -1]), min_size=width, max_size=width)
    )
    weights = {f"k{n}": sign for n, sign in enumerate(signs)}
    cells = _totalled([row[:-1] for row in cells[:-1]], signs)
    assert _foot(cells, weights=weights).faults == ()
    row, column = (
        data.draw(st.integers(0, len(cells) - 1)),
        data.draw(st.integers(0, width)),
    )
    cells[row][column] += 137
    (fault,) = _foot(cells, weights=weights).faults
    assert fault.cells == (figure_id(row, column),)
    assert fault.implied == (cells[row][column] - 137,)


@slow
@given(tables(least=3), st.data())
def test_every_answer_mends_everything(
    cells: list[list[int]], data: st.DataObject
) -> None:
    """Whatever is broken: making the changes of one answer leaves nothing broken."""
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.integers(0, len(cells) - 1))
        cells[row][data.draw(st.integers(0, len(cells[0]) - 1))] += data.draw(
            st.integers(-500, 500)
        )
    unit = data.draw(st.sampled_from([EXACT, Decimal(1)]))
    grid = _grid(cells, unit=unit)
    found = crossfoot(grid.figures, grid.relations)
    broken = {r.relation.id for r in found.results if r.holds is False}
    assert {name for f in found.faults for name in f.relations} == broken
    if any(f.cut or f.cause in {"sign", "unmarked_subtotal"} for f in found.faults):
        return
    figures = dict(grid.figures)
    for fault in found.faults:
        cells_of, implied = fault.cells, fault.implied
        if fault.alternatives:
            cells_of, implied = (
                fault.alternatives[0].cells,
                fault.alternatives[0].implied,
            )
        for name, value in zip(cells_of, implied, strict=True):
            figures[name] = Figure(name, value, unit)
    assert all(r.holds for r in judge(figures, grid.relations))


def test_the_answer_does_not_depend_on_the_hash_seed() -> None:
    script = (
        "import random;from decimal import Decimal as D;"
        "from tulosvahti.core.crossfoot import crossfoot;"
        "from tulosvahti.core.grid import grid_relations;"
        "r=random.Random(5);"
        "m=[[D(r.randrange(90)) for _ in range(6)] for _ in range(6)];"
        "g=grid_relations([str(k) for k in range(6)],list('abcdef'),m,total_row=5,"
        "total_column='f');print(crossfoot(g.figures,g.relations));"
        "m=[[D(r.randrange(90)) for _ in range(5)] for _ in range(5)];"
        "m=[q+[sum(q)] for q in m];m.append([sum(c) for c in zip(*m)]);m[0][1]+=40;"
        "m[0][3]-=40;g=grid_relations([str(k) for k in range(6)],list('abcdef'),m,"
        "total_row=5,total_column='f');print(crossfoot(g.figures,g.relations))"
    )
    printed = {
        subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
