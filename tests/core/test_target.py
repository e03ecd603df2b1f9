"""Target texts as agencies write them, and what meets them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.ranges import Range
from tulosvahti.core.target import TargetTextError, read_target

FORMS = [
    # text, direction, tolerance, shown, met, missed
    ("> 4", None, None, "> 4", "4.000001", "4"),
    (">4,2", None, None, "> 4.2", "4.3", "4.2"),
    (">= 90", None, None, ">= 90", "90", "89.99"),
    ("≥ 90 %", None, None, ">= 90", "90", "89.99"),
    ("< 6", None, None, "< 6", "5.99", "6"),
    ("<8,5", None, None, "< 8.5", "8.4", "9.6"),
    ("<=1 200", None, None, "<= 1200", "1200", "1319"),
    (">= 4,46", None, None, ">= 4.46", "4.46", "4.459"),
    ("yli 50,0", None, None, "> 50", "50.1", "50"),
    ("alle 18", None, None, "< 18", "17.6", "18"),
    ("enintään 6,0", None, None, "<= 6", "6", "6.01"),
    ("vähintään 3,4", None, None, ">= 3.4", "3.4", "3.3"),
    ("minst 3", None, None, ">= 3", "3", "2"),
    ("at most 35", None, None, "<= 35", "35", "44"),
    ("> - 1.9%", None, None, "> -1.9", "-0.07", "-1.9"),
    ("= 100", None, None, "= 100", "100", "99.81"),
    ("3..4", None, None, "3..4", "4", "5"),
    ("1—3", None, None, "1..3", "3", "3.1"),
    ("2,8–3,0", None, None, "2.8..3", "2.8", "3.2"),
    ("4,0", "higher", None, ">= 4", "4", "3.99"),
    ("170", "lower", None, "<= 170", "170", "176"),
    ("60 000 000", "higher", None, ">= 60000000", "113575719", "1"),
    ("70½", "lower", None, "<= 70.5", "70.5", "70.6"),
    ("~ 20", None, "10 %", "~ 20 ± 2", "22", "22.1"),
    ("noin 15", "higher", "2", "~ 15 ± 2", "13", "12"),
]


@pytest.mark.parametrize(("text", "direction", "tolerance", "shown", "met", "missed"), FORMS)
def test_form(text, direction, tolerance, shown, met, missed):
    target = read_target(text, direction=direction, tolerance=tolerance)
    assert target is not None
    assert target.text == shown
    assert target.met_by(Fraction(met))
    assert not target.met_by(Fraction(missed))


@pytest.mark.parametrize("text", ["-", "–", "", "  ", "monitor", "seurataan"])
def test_no_target(text):
    assert read_target(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4,0", "does not say whether more or less is better"),
        ("~ 20", "declare tolerance"),
        (">= ninety", "unexpected character 'n'"),
        (">= 1 20", "thousands are not in groups of three digits"),
        ("4..3", "ends before it starts"),
        (">= 1,2,3", "two decimal marks"),
        ("20/22", "unexpected character '/'"),
    ],
)
def test_refused(text, said):
    with pytest.raises(TargetTextError, match=said):
        read_target(text, direction="higher" if "/" in text else None)


def test_previous_is_resolved_exactly():
    target = read_target(">= previous * 1.02")
    assert target is not None
    assert target.needs_previous
    resolved = target.resolved(Fraction(1, 3))
    assert resolved.text == ">= previous * 1.02"
    assert resolved.met_by(Fraction(102, 300))
    assert not resolved.met_by(Fraction(102, 300) - Fraction(1, 10**12))


@given(st.fractions(), st.fractions(), st.sampled_from(["> 4", ">= 4", "< 4", "<= 4", "= 4", "3..4"]))
def test_range_laws(one, two, text):
    """A range that meets is inside; one that misses has no point that meets; never both."""
    target = read_target(text)
    assert target is not None
    low, high = min(one, two), max(one, two)
    met, missed = target.met_by_all(Range(low, high)), target.missed_by_all(Range(low, high))
    assert not (met and missed)
    for point in (low, high, (low + high) / 2):
        assert not met or target.met_by(point)
        assert not missed or not target.met_by(point)
