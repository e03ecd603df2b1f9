"""What is shared out among subjects adds up to what there was, and its range holds every way the rows could lie."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from measurements import contract_of

from tulosvahti.compute.groups import shared_out
from tulosvahti.core.expression import parse_number
from tulosvahti.core.mapping import Moved
from tulosvahti.core.measure import Parts, measured
from tulosvahti.core.period import year
from tulosvahti.core.rule import Measure, MeasureKind

COST = parse_number("fee", contract_of().kinds)
CODES = ("A", "B", "X", None)


@st.composite
def divisions(draw: st.DrawFn) -> Moved:
    cut = Fraction(draw(st.decimals(Decimal("0.01"), Decimal("0.99"), places=2)))
    return Moved("c", (("A", "A*"),), True, (("A*", (("X", cut), ("Y", 1 - cut))),))


@given(divisions(), st.dictionaries(st.sampled_from(CODES), st.tuples(st.integers(1, 9), st.integers(-99, 99)), min_size=1))
def test_nothing_is_lost_and_nothing_is_made(moved: Moved, rows: dict[str | None, tuple[int, int]]) -> None:
    for kind in (MeasureKind.COUNT, MeasureKind.SUM):
        measure = Measure("i", kind, COST if kind is MeasureKind.SUM else None, by=("c",), moved=moved)
        groups = [
            (("A*" if code == "A" else code,), year(2025), Parts(rows=n, taken=n, yes=n, values={"sum": Fraction(total)} if kind is MeasureKind.SUM else {}, bounds={}))
            for code, (n, total) in rows.items()
        ]
        values = [measured(kind, measure.expression, parts, none_is_zero=False)[0] or 0 for _, _, parts in shared_out(measure, groups)]
        assert sum(values) == sum(n if kind is MeasureKind.COUNT else total for n, total in rows.values())


@given(divisions(), st.integers(0, 3), st.integers(0, 3), st.lists(st.integers(2, 9), min_size=6, max_size=6))
def test_the_range_holds_whatever_is_missing(moved: Moved, unsure: int, rejected: int, missing: list[int]) -> None:
    measure = Measure("i", MeasureKind.SUM, COST, by=("c",), moved=moved)
    parts = Parts(rows=9, taken=4 + unsure, yes=4, unsure=unsure, rejected=rejected, values={"sum": Fraction(20)}, bounds={"sum": (Fraction(2), Fraction(9))})
    shares = dict(dict(moved.shared)["A*"])
    for (name,), _, part in shared_out(measure, [(("A*",), year(2025), parts)]):
        value, spread, _, _ = measured(MeasureKind.SUM, COST, part, none_is_zero=False)
        share = shares[name or ""]
        assert value == 20 * share
        truth = share * (20 + sum(missing[: unsure + rejected]))
        assert spread.low is not None
        assert spread.high is not None
        assert spread.low <= truth <= spread.high
