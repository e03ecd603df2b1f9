"""Which organisation a code stands for on a day: chains, mergers, divisions, renamings back, circles, lost zeros."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from tulosvahti.core.mapping import Step, moved, organisations, padded, shares, told

OLD, NEW = date(2025, 12, 31), date(2026, 1, 1)


def step(code: str, successor: str, day: str = "2026-01-01", share: str = "") -> Step:
    return Step(code, successor, date.fromisoformat(day), Decimal(share) if share else None)


@pytest.mark.parametrize(
    ("steps", "at", "expected"),
    [
        pytest.param([step("A", "X"), step("B", "X")], NEW, {"A": "X", "B": "X", "X": "X"}, id="many-to-one"),
        pytest.param([step("A", "X"), step("B", "X")], OLD, {"A": "A", "B": "B", "X": None}, id="a-merger-cannot-be-taken-apart"),
        pytest.param([step("A", "X")], OLD, {"A": "A", "X": "A"}, id="a-renaming-goes-back"),
        pytest.param([step("A", "X", "2020-01-01"), step("X", "Y")], NEW, {"A": "Y", "X": "Y", "Y": "Y"}, id="chain"),
        pytest.param([step("A", "X", "2020-01-01"), step("X", "Y")], OLD, {"A": "X", "X": "X", "Y": "X"}, id="half-a-chain"),
        pytest.param([step("A", "X", "2020-01-01"), step("X", "Y")], date(2019, 1, 1), {"A": "A", "X": "A", "Y": "A"}, id="a-chain-back"),
        pytest.param([step("A", "X"), step("A", "Y")], NEW, {"A": None, "X": "X", "Y": "Y"}, id="divided"),
        pytest.param([step("A", "X"), step("A", "Y")], OLD, {"A": "A", "X": None, "Y": None}, id="parts-of-a-division-back"),
        pytest.param([step("A", "B"), step("B", "A")], NEW, {"A": None, "B": None}, id="circle"),
        pytest.param([step("B", "C", "2010-01-01"), step("A", "B", "2020-01-01")], NEW, {"A": "B", "B": "C", "C": "C"}, id="a-code-used-again"),
        pytest.param([Step("A", ""), step("B", "A")], NEW, {"A": "A", "B": "A"}, id="code-that-is-there"),
    ],
)
def test_organisations(steps: list[Step], at: date, expected: dict[str, str | None]) -> None:
    assert organisations(steps, at) == expected


def test_lost_zeros_match_where_all_codes_have_one_length() -> None:
    assert padded({"020": "020", "091": "091"}) == {"020": "020", "20": "020", "091": "091", "91": "091"}
    assert padded({"020": "020", "0911": "x"}) == {"020": "020", "0911": "x"}
    assert padded({"A20": "A20"}) == {"A20": "A20"}


def test_what_stays_as_it_is_need_not_be_named() -> None:
    assert moved("c", {"A": "X", "X": "X"}, keeps=True).codes == (("A", "X"),)
    assert moved("c", {"A": "X", "X": "X"}, keeps=False).codes == (("A", "X"), ("X", "X"))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([step("A", "X", share="0.6"), step("A", "Y", share="0.4")], {"X": "0.6", "Y": "0.4"}, id="divided"),
        pytest.param([step("A", "A", share="0.75"), step("A", "Y", share="0.25")], {"A": "0.75", "Y": "0.25"}, id="a-part-keeps-its-code"),
        pytest.param([step("A", "X", "2020-01-01", "0.5"), step("A", "Y", "2020-01-01", "0.5"), step("X", "Y")], {"Y": "1"}, id="parts-that-merge-again"),
        pytest.param([step("A", "B", "2020-01-01"), step("B", "X", share="0.1"), step("B", "Y", share="0.9")], {"X": "0.1", "Y": "0.9"}, id="a-chain-into-a-division"),
        pytest.param([step("A", "X", "2020-01-01", "0.5"), step("A", "Y", "2020-01-01", "0.5"), step("X", "Z", share="0.5"), step("X", "Y", share="0.5")], {"Y": "0.75", "Z": "0.25"}, id="divided-twice"),
        pytest.param([step("A", "X", share="0.6"), step("A", "Y", share="0.5")], None, id="more-than-1"),
        pytest.param([step("A", "X", share="1.2"), step("A", "Y", share="-0.2")], None, id="a-negative-share"),
        pytest.param([step("A", "X", share="1"), step("A", "Y")], None, id="one-is-not-declared"),
        pytest.param([step("A", "X", share="0.6")], None, id="a-part-is-missing"),
        pytest.param([step("A", "X", share="0.6"), step("A", "Y", share="0.4"), step("X", "A", share="0.5"), step("X", "Y", share="0.5")], None, id="circle"),
    ],
)
def test_shares(steps: list[Step], expected: dict[str, str] | None) -> None:
    found = shares(steps, NEW)["A"]
    assert (None if found is None else dict(found)) == (None if expected is None else {name: Fraction(share) for name, share in expected.items()})
    if found is not None and expected is not None:
        assert told("A", found) == "A → " + ", ".join(f"{name} {share}" for name, share in expected.items())
