"""What each rule of the demonstration project measures is said in three languages; charts with a path and marks are drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tulosvahti.emit.charts import Series, _spec, line_charts
from tulosvahti.emit.meaning import meaning
from tulosvahti.load.project import load_project

ROOT = Path(__file__).parents[2]
PROJECT = load_project(ROOT)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_rule_says_what_it_measures(language: str) -> None:
    for rule in PROJECT.rules:
        pairs = meaning(rule, PROJECT.contracts, language)
        assert pairs, rule.id
        assert all(name and value for name, value in pairs), rule.id
        assert not [text for pair in pairs for text in pair if re.search(r"\bmeans\.[a-z_]+|\{[a-z]+\}", text)], rule.id


def test_the_expected_path_is_dashed_the_provisional_hollow_the_revised_crossed() -> None:
    points = (("01", 1.0), ("02", 2.0))
    path = tuple((f"{n:02}", 1.5 * n) for n in range(1, 13))
    item = Series("A", "", points, (), "en", provisional=frozenset({"02"}), revised=(("01", 0.5),), path=path)
    marks = [layer["mark"] for layer in _spec(item)["layer"]]
    assert [mark.get("strokeDash") for mark in marks if mark.get("strokeDash")] == [[5, 4]]
    assert [mark["shape"] for mark in marks if mark.get("shape")] == ["cross"]
    assert [mark["fill"] for mark in marks if mark.get("fill")] == ["white"]
    assert item.enough
    (drawn,) = line_charts([item])
    assert 'role="img"' in drawn


def test_a_chart_without_values_is_none() -> None:
    assert line_charts([Series("A", "", (), (), "fi")]) == [""]
