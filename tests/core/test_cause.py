"""Causes: each code from numbers that show it, and None where they do not decide."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.cause import (
    CAUSE_RANK,
    change_cause,
    difference_cause,
    is_exchange,
    likely_value,
    line_cause,
)


@pytest.mark.parametrize(
    ("stated", "implied", "unit", "cause"),
    [
        ("12435", "12345", "0", "digits_swapped"),
        ("52341", "12345", "0", "digits_swapped"),
        ("12.53", "12.35", "0", "digits_swapped"),
        ("54321", "12345", "0", None),
        ("-40100", "40100", "0", "sign"),
        ("40100", "-40100", "1", "sign"),
        ("1230", "123", "0", "factor_10"),
        ("123", "1230", "0", "factor_10"),
        ("12.3", "1230", "0", "factor_100"),
        ("339819278", "339819.278", "0", "factor_1000"),
        ("-5", "-5000", "0", "factor_1000"),
        ("12445", "12345", "0", "digit_replaced"),
        ("26.5", "27.5", "0", "digit_replaced"),
        ("-12445", "-12345", "0", "digit_replaced"),
        ("1245", "12345", "0", "digit_omitted"),
        ("12", "102", "0", "digit_omitted"),
        ("123445", "12345", "0", "digit_added"),
        ("37", "36.645", "0", "rounding"),
        ("36.64", "36.645", "0", "rounding"),
        ("101", "102", "1", "rounding"),
        ("101", "102", "0", "digit_replaced"),
        ("-12445", "12345", "0", None),
        ("3", "7", "0", None),
        ("5", "57", "0", None),
        ("0", "12345", "0", None),
        ("12345", "0", "0", None),
        ("12345", "12345.00", "0", None),
    ],
)
def test_change(stated: str, implied: str, unit: str, cause: str | None) -> None:
    assert change_cause(Decimal(stated), Decimal(implied), Decimal(unit)) == cause


@given(st.integers(10, 10**15), st.data())
def test_two_exchanged_digits_differ_by_a_multiple_of_nine(
    right: int, data: st.DataObject
) -> None:
    digits = list(str(right))
    one, other = data.draw(
        st.tuples(*[st.integers(0, len(digits) - 1)] * 2).filter(lambda p: p[0] < p[1])
    )
    digits[one], digits[other] = digits[other], digits[one]
    wrong = int("".join(digits))
    cause = change_cause(Decimal(wrong), Decimal(right))
    assert (wrong - right) % 9 == 0
    if len(str(wrong)) == len(str(right)):
        assert cause == ("digits_swapped" if wrong != right else None)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_no_precision_is_lost(stated: int, implied: int) -> None:
    same = change_cause(Decimal(stated), Decimal(implied))
    scaled = (Decimal(n).scaleb(-5) for n in (stated, implied))
    if same not in {"rounding", None}:
        assert change_cause(*scaled) == same
    assert same in CAUSE_RANK


def test_likely_value_is_the_only_slip() -> None:
    stated = Decimal(12435)
    assert likely_value(stated, map(Decimal, range(12341, 12350))) == Decimal(12345)
    assert likely_value(stated, map(Decimal, range(12340, 12437))) is None
    assert likely_value(stated, []) is None


def test_exchange() -> None:
    a, b = Decimal(1), Decimal(2)
    assert is_exchange((a, b), (b, a))
    assert not is_exchange((a, b), (b, b))
    assert not is_exchange((a, a), (a, a))
    assert not is_exchange((None, a), (a, b))


@pytest.mark.parametrize(
    ("total", "terms", "expected"),
    [
        (700_000 - 33_100, [500_000, 166_900, 33_100], ("left_out", (2,))),
        (700_000 + 33_100, [500_000, 166_900, 33_100], ("counted_twice", (2,))),
        (700_000 - 66_201, [500_000, 166_899, 33_101], None),
        (633_798, [500_000, 166_899, 33_101], ("sign", (2,))),
        (-700_000, [500_000, 166_899, 33_101], ("sign", (-1,))),
        (600_000, [500_000, 100_000, 100_000], None),
        (600_004, [500_001, 100_003, 100_003], ("left_out", (1, 2))),
        (6, [5, 3, 1], None),
        (700_001, [500_000, 166_899, 33_101], None),
        (278_654_382, [4, 4, 278_654_378, 278_654_378], ("counted_twice", (1, 3))),
    ],
)
def test_lone_difference(
    total: int, terms: list[int], expected: tuple[str, tuple[int, ...]] | None
) -> None:
    found = difference_cause(total, terms)
    assert (found and (found.code, found.positions)) == expected


def _lines(*rows: list[int]) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)]


A, B, C = [1_003, 2_117, 3_561], [40_119, 0, 60_333], [711, 822, 903]


@pytest.mark.parametrize(
    ("rows", "differences", "expected"),
    [
        ([A, B, C], [-1_003, -2_117, -3_561], ("left_out", (0,))),
        ([A, B, C], [711, 822, 903], ("counted_twice", (2,))),
        ([A, B, C], [-80_238, 0, -120_666], ("sign", (1,))),
        ([A, B, C], [-40_119, 0, -60_333], ("left_out", (1,))),
        ([A, B, C], [-40_119, 7, -60_333], None),
        ([A, B, C], [0, 0, 60_333], None),
        ([A, A, B], [-1_003, -2_117, -3_561], ("counted_twice", (0, 1))),
        ([A, B, C], [5, 6, 7], None),
        ([[1, 2, 0], [3, 4, 5], [7, 8, 9]], [1, 2, 0], None),
    ],
)
def test_a_line_across_relations(
    rows: list[list[int]],
    differences: list[int],
    expected: tuple[str, tuple[int, ...]] | None,
) -> None:
    found = line_cause(differences, [0, 0, 0], _lines(*rows))
    assert (found and (found.code, found.positions)) == expected


def test_unmarked_subtotals() -> None:
    both = [a + b for a, b in zip(A, B, strict=True)]
    for rows, place in (([C, both, A, B], 1), ([A, B, both, C], 2)):
        found = line_cause([-n for n in both], [0] * 3, _lines(*rows))
        assert found is not None
        assert (found.code, found.positions) == ("unmarked_subtotal", (place,))
    others = [c + d for c, d in zip(C, B, strict=True)]
    twice = [-(x + y) for x, y in zip(both, others, strict=True)]
    found = line_cause(twice, [0] * 3, _lines(both, A, B, others, C, B))
    assert found is not None
    assert (found.code, found.positions) == ("unmarked_subtotal", (0, 3))
    assert found.share == tuple(twice)
