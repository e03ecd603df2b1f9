"""Read quickly or with care, a file says the same in the same places; what is to be told is read with care."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulosvahti.load.careful_yaml import read_with_care
from tulosvahti.load.quick_yaml import read_quickly
from tulosvahti.load.source import Source, read_yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("rules", "inputs", "alerts", "tests/rules", "engine/tulosvahti/starter") for path in (ROOT / folder).rglob("*.yaml"))
PIECES = (
    "a: ", "b: ", "- ", "[", "]", "{", "}", ", ", ": ", ":", "\n", "\n  ", "\n    ", "# c", "'", '"', "x", "2023", "2023-02-30", "1.5", "1e5", "0x1F", "~", "null",
    "true", "yes", "? ", "|\n  t\n", ">-\n  u v\n  w\n", "|+\n  z\n\n", "é", "\\n", "a b", "count(*)", "--", "...", "%", "@", "<<", "=", "1_0", "07", "+1", ".5", "-.inf",
    "http://x:1", "a:b", "2023: ", "'q': ", '"k":1', "{a: 1, b: [c, d]}", "\n- a: 1\n  b: 2", "\nc:\n  - 1\n  -\n  - x\n", "\U0001d518", "\u00a0", " #", "a#b", "12:30",
    "2001-12-14 21:59:43", "1.1.3", "3..4", ">= 90", "{2023: '>= 1', 2024: \"> 2\"}", "\t", "- [1, '2']\n",
)  # fmt: skip


def with_care(text: str) -> Source:
    source = Source("f.yaml", lines=text.split("\n"))
    read_with_care(text, source, refers=True)
    return source


def typed(data: Any) -> Any:
    """Give data with the types of all parts."""
    if isinstance(data, dict):
        return [(type(key), key, typed(value)) for key, value in data.items()]
    return [typed(item) for item in data] if isinstance(data, list) else (type(data), data)


def agree(text: str) -> bool:
    """Hold both ways against each other; tell whether the quick one reads it."""
    quick = read_quickly(text)
    if quick is not None:
        careful = with_care(text)
        if any("overlap in comment" in problem.message for problem in careful.problems):
            # A fault of ruamel.yaml, of texts that are right: it puts comments down twice.
            return True
        assert not careful.problems, text
        assert typed(quick[0]) == typed(careful.data), text
        assert quick[1] == careful.places, text
    return quick is not None


def test_the_projects_own_files_are_read_quickly() -> None:
    assert len(FILES) > 50
    assert [path for path in FILES if not agree(path.read_text(encoding="utf-8"))] == []


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map(lambda pieces: "k: " + "".join(pieces)))
def test_drawn_texts_are_read_alike(text: str) -> None:
    agree(text)


@pytest.mark.parametrize("text", [
    "", "x", "a: &b 1", "a: !!str 1", "a: 1\na: 2", "a:\nb: 1", "a: 0x1F", "a: 1_000", "a: 1e5", "a: 2001-12-14 21:59:43", "a: [1", "a: |#x\n  y", "1.5: a", "? [a]\n: b",
    "<<: {a: 1}", "a:\t1", "---\na: 1", "%YAML 1.1\n---\na: no", 'a: ["k":1""]', "a: \u2028b", "a: " + "[" * 60 + "]" * 60, "a: " + "[" * 100_000,
])  # fmt: skip
def test_what_is_faulty_or_read_otherwise_is_left_to_the_careful_way(text: str, tmp_path: Path) -> None:
    assert read_quickly(text) is None
    (tmp_path / "f.yaml").write_text(text, encoding="utf-8")
    careful, read = with_care(text), read_yaml(tmp_path / "f.yaml", "f.yaml")
    assert typed(read.data) == typed(careful.data) or read.problems


def test_without_libyaml_all_is_read_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    assert read_quickly("a: 1") is None
