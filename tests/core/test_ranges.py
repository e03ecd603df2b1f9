"""Laws of ranges: what arithmetic makes of values lies in what it makes of their ranges, and no end is claimed in vain."""

from __future__ import annotations

import operator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.comparators import WORDS, sign_of
from tulosvahti.core.quantity import NumberTextError, read_number
from tulosvahti.core.ranges import Range
from tulosvahti.core.target import read_target
from tulosvahti.core.worded import NO_WORDS, limit_of, range_of, worded

NEAR = Fraction(1, 10**6)
ENDS = st.integers(-3, 3).map(Fraction)


@st.composite
def ranges(draw):
    low, high = sorted((draw(ENDS), draw(ENDS)))
    found = Range(draw(st.sampled_from([low, None])), draw(st.sampled_from([high, None])), draw(st.booleans()), draw(st.booleans()))
    found = Range(found.low, found.high, found.low_open and found.low is not None, found.high_open and found.high is not None)
    return found if not found.is_empty else Range.exact(low)


def points(found: Range) -> list[Fraction]:
    low = found.low if found.low is not None else min(found.high or Fraction(0), Fraction(0)) - 100
    high = found.high if found.high is not None else max(found.low or Fraction(0), Fraction(0)) + 100
    return [item for item in {low, low + NEAR, (low + high) / 2, Fraction(0), high - NEAR, high} if found.holds(item)]


@given(ranges(), ranges(), st.sampled_from([operator.add, operator.mul, operator.sub]))
def test_arithmetic_of_values_lies_in_that_of_ranges(one, two, sign):
    found = sign(one, two) if sign is not operator.sub else one + -two
    made = [sign(a, b) for a in points(one) for b in points(two)]
    assert all(map(found.holds, made))
    for end, is_open in ((found.low, found.low_open), (found.high, found.high_open)):
        assert end is None or is_open is (end not in made), "an end is open where nothing reaches it, and only there"
        assert end is None or min(abs(item - end) for item in made) < Fraction(1, 1000), "and values come near it"


@given(ranges(), ranges(), st.sampled_from([(min, Range.or_less), (max, Range.or_more)]))
def test_the_lesser_and_the_greater(one, two, both):
    choose, of_ranges = both
    found = of_ranges(one, two)
    made = [choose(a, b) for a in points(one) for b in points(two)]
    assert all(map(found.holds, made))
    assert all(end is None or is_open is (end not in made) for end, is_open in ((found.low, found.low_open), (found.high, found.high_open)))


@given(ranges(), ranges())
def test_what_lies_in_both(one, two):
    found = one.within(two)
    assert all(found.holds(item) is (one.holds(item) and two.holds(item)) for item in {*points(one), *points(two)})


@given(ranges())
def test_reciprocals(one):
    if one == Range.exact(0):
        with pytest.raises(ZeroDivisionError):
            one.reciprocal()
        return
    found, made = one.reciprocal(), [1 / item for item in points(one) if item]
    assert all(map(found.holds, made))
    assert all(end is None or is_open is (end not in made) for end, is_open in ((found.low, found.low_open), (found.high, found.high_open)))


@given(ranges(), st.integers(1, 4))
def test_so_many_values_of_one_range(one, count):
    total = Range.exact(0)
    for _ in range(count):
        total += one
    assert one.times(Fraction(count)) == total
    assert worded([(text, count) for text in ["<= 3"]]).total == Range(None, Fraction(3 * count))


@given(ranges(), st.sampled_from(["> 2", ">= 2", "< 2", "<= 2", "= 2", "1..2"]))
def test_a_target_is_met_or_missed_by_all_of_a_range_exactly(found, text):
    target = read_target(text)
    met = [target.met_by(item) for item in points(found)]
    assert target.met_by_all(found) is all(met)
    if not text.startswith(("=", "1")):
        assert target.missed_by_all(found) is (not any(met))
    assert not target.missed_by_all(found) or not any(met)


@pytest.mark.parametrize(
    ("limit", "target", "met", "missed"),
    [
        ("< 90", ">= 90", False, True),
        ("< 90", "> 90", False, True),
        ("< 90", "<= 90", True, False),
        ("< 90", "< 90", True, False),
        ("<= 90", "< 90", False, False),
        ("<= 90", "<= 90", True, False),
        ("<= 90", ">= 90", False, False),
        ("<= 90", "> 90", False, True),
        ("> 50", ">= 50", True, False),
        ("> 50", "> 50", True, False),
        ("> 50", "<= 50", False, True),
        (">= 50", "> 50", False, False),
        (">= 50", "< 50", False, True),
        ("> 50", "= 50", False, True),
        ("< 90", ">= 80", False, False),
        (">= 1, <= 3", "1..3", True, False),
        (">= 2, <= 4", "1..3", False, False),
        (">= 4, <= 5", "1..3", False, True),
        (">= 1, <= 3", ">= 1", True, False),
        (">= 1, <= 3", "< 1", False, True),
    ],
)
def test_a_limit_against_a_target_of_the_same_number(limit, target, met, missed):
    found, read = range_of(limit), read_target(target)
    assert (read.met_by_all(found), read.missed_by_all(found)) == (met, missed)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("Alle 90", "< 90"),
        ("alle 90", "< 90"),
        ("under\u00a090", "< 90"),
        ("yli 50,0", "> 50"),
        ("över 1\u00a0234,50", "> 1234.5"),
        ("enintään 5", "<= 5"),
        ("vähintään 3", ">= 3"),
        ("högst 5", "<= 5"),
        ("Minst 3", ">= 3"),
        ("at most 5", "<= 5"),
        ("less than 0,5", "< 0.5"),
        ("< 0,5", "< 0.5"),
        ("<0,5", "< 0.5"),
        (">= 10", ">= 10"),
        ("≥10", ">= 10"),
        ("< -1,9", "< -1.9"),
        ("1—3", ">= 1, <= 3"),
        ("2,8 – 3,0", ">= 2.8, <= 3"),
        ("1\u00a0000–2\u00a0000", ">= 1000, <= 2000"),
        ("-5 – -3", ">= -5, <= -3"),
        ("3..4", ">= 3, <= 4"),
        ("90–80", ""),
        ("1-3", ""),
        ("–5", ""),
        ("45", ""),
        ("noin 45", ""),
        ("= 45", ""),
        ("Toteutunut osittain", ""),
        ("allekirjoitettu 5", ""),
    ],
)
def test_limits_as_people_write_them(text, limit):
    assert limit_of(text, lambda body: read_number(body, decimal_char=",", group_char=" ")) == limit


def test_a_sign_without_a_number_is_no_limit():
    with pytest.raises(NumberTextError):
        limit_of("alle kymmenen", read_number)


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_is_taken_whole(word):
    assert sign_of(f"{word} 5") == (WORDS[word], "5")


def test_ends_in_words_of_their_own():
    assert Range(Fraction(45), Fraction(135), high_open=True).text == ">= 45, < 135"
    assert Range(None, None).text == ""
    assert NO_WORDS.total == Range.exact(0)
