"""Laws of discovery: what is found holds, and does not depend on order, direction, scale or number format."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from audit_tables import audited, named
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def footed_tables(draw):
    """Rows of figures with a total column and a total row; three digits at least, no two figures alike."""
    rows, columns = draw(st.integers(3, 7)), draw(st.integers(3, 6))
    figures = draw(st.lists(st.integers(1_000, 999_999), min_size=rows * columns, max_size=rows * columns, unique=True))
    body = [figures[r * columns : (r + 1) * columns] for r in range(rows)]
    body = [[*row, sum(row)] for row in body]
    return [*body, [sum(column) for column in zip(*body, strict=True)]]


def with_labels(body, write=str):
    header = ["rivi", *(f"sarake {c}" for c in range(len(body[0]) - 1)), "yhteensä"]
    names = [*(f"erä {r}" for r in range(len(body) - 1)), "Yhteensä"]
    return [header, *([name, *map(write, row)] for name, row in zip(names, body, strict=True))]


def totals(audit):
    return {(f, t) for f, t, _ in named(audit)}


@settings(max_examples=25, deadline=None)
@given(footed_tables())
def test_every_row_and_column_sum_is_found_and_nothing_accused(body):
    audit = audited(with_labels(body))
    place = audit.table.sheet.place
    last_row, last_column = len(body), len(body[0])
    wanted = {("sum", place(r, last_column)) for r in range(1, last_row + 1)}
    wanted |= {("sum", place(last_row, c)) for c in range(1, last_column + 1)}
    assert wanted <= totals(audit)
    assert not audit.broken
    assert not audit.findings


@settings(max_examples=15, deadline=None)
@given(footed_tables())
def test_relations_hold_within_their_rounding(body):
    audit = audited(with_labels(body))
    for relation in audit.relations:
        if relation.function == "sum" and relation.state == "holds":
            values = [audit.table.numbers[i].value * w for i, w in zip(relation.items, relation.weights, strict=True)]
            assert abs(relation.stated - sum(values)) <= Decimal(len(values) + 1) / 2
            assert relation.difference == relation.stated - sum(values)


@settings(max_examples=15, deadline=None)
@given(footed_tables(), st.randoms(use_true_random=False))
def test_order_of_the_items_does_not_matter(body, random):
    shuffled = [*random.sample(body[:-1], len(body) - 1), body[-1]]
    assert {len(i) for _, _, i in named(audited(with_labels(body)))} == {len(i) for _, _, i in named(audited(with_labels(shuffled)))}
    assert totals(audited(with_labels(body))) == totals(audited(with_labels(shuffled)))


@settings(max_examples=15, deadline=None)
@given(footed_tables())
def test_direction_does_not_matter(body):
    turned = [list(column) for column in zip(*body, strict=True)]
    one, other = audited(with_labels(body)), audited(with_labels(turned))
    swapped = {(r.function, (r.total[1], r.total[0])) for r in other.relations if r.state == "holds"}
    assert {(r.function, r.total) for r in one.relations if r.state == "holds"} == swapped


@settings(max_examples=15, deadline=None)
@given(footed_tables())
def test_scale_does_not_matter(body):
    larger = [[value * 1000 for value in row] for row in body]
    assert named(audited(with_labels(body))) == named(audited(with_labels(larger)))


def spaced(value):
    return f"{value:,}".replace(",", " ")


def thin(value):
    return f"{value:,}".replace(",", "\u2009")


def pointed(value):
    return f"{value:,}".replace(",", ".")


def with_comma(value):
    return spaced(value) + ",00"


def with_apostrophes(value):
    return f"{value:,}".replace(",", "’")


@pytest.mark.parametrize("write", [spaced, thin, "{:,}".format, with_comma, with_apostrophes, "{:,}.00".format, "{} €".format])
@settings(max_examples=6, deadline=None)
@given(footed_tables())
def test_number_format_does_not_matter(write, body):
    assert named(audited(with_labels(body))) == named(audited(with_labels(body, write)))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_difference_in_any_order_of_rows(order):
    rows = [["Tuotot", 27709, 23522, 24312], ["Kulut", 3213, 1350, 1350], ["Netto", 24496, 22172, 22962]]
    audit = audited([["", "2024", "2025", "2026"], *(rows[k] for k in order)])
    assert len([r for r in audit.relations if r.state == "holds" and len(r.items) == 2]) == 3


def test_subtotals_without_marks_are_not_added_twice():
    body = [["a", 120, 317], ["b", 245, 518], ["ab", 365, 835], ["c", 411, 209], ["d", 132, 788], ["cd", 543, 997], ["kaikki", 908, 1832]]
    found = named(audited([["erä", "2023", "2024"], *body]))
    assert ("sum", "B8", ("B4", "B7")) in found
    assert ("sum", "B4", ("B2", "B3")) in found


def test_of_which_rows_are_left_out_of_the_total():
    body = [["Palkat", 5210], ["josta vakituiset", 4100], ["Vuokrat", 1310], ["Muut", 480], ["Yhteensä", 7000]]
    found = named(audited([["erä", "2023"], *body]))
    assert ("sum", "B6", ("B2", "B4", "B5")) in found


def test_empty_and_wordy_sheets_have_nothing():
    assert named(audited([["a", "b"], ["c", "d"]])) == set()
    assert named(audited([[]])) == set()
