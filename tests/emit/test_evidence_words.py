"""Each fact of the evidence has its word in each language: its name in the code is nothing to show."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tulosvahti.emit.report import spoken_value
from tulosvahti.emit.words import has_word, listed

ENGINE = Path(__file__).parents[2] / "engine/tulosvahti"
AS_TABLES = {"table", "marks"}


def facts() -> set[str]:
    """Give the names that the code gives to facts: keys of what is called ``evidence``, wherever it is made."""
    found: set[str] = set()
    for path in (*(ENGINE / "core").glob("*.py"), *(ENGINE / "run").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and ast.unparse(node.value) == "evidence":
                found.add(str(node.slice.value))
            elif (isinstance(node, ast.AnnAssign | ast.Assign) and "evidence" in {ast.unparse(at) for at in _targets(node)}) or (
                isinstance(node, ast.keyword) and node.arg == "evidence"
            ):
                made = [] if node.value is None else ast.walk(node.value)
                found |= {str(key.value) for part in made if isinstance(part, ast.Dict) for key in part.keys if isinstance(key, ast.Constant)}
    return found - AS_TABLES


def _targets(node: ast.AnnAssign | ast.Assign) -> list[ast.expr]:
    return [node.target] if isinstance(node, ast.AnnAssign) else node.targets


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_each_fact_has_its_word(language: str) -> None:
    names = facts()
    assert {"rows", "input_sha256", "counted_as", "shared_out", "due", "examples", "not_additive"} <= names
    assert sorted(name for name in names | {"mapping", "measured_in_run"} if not has_word(f"evidence.{name}", language)) == []


def test_a_change_of_organisations_is_said_in_words_and_its_codes_stay() -> None:
    value = {"input": "changes", "at": "2026-01-01", "counted_as": {"rows": "K2"}, "shared_out": {}}
    assert spoken_value("mapping", value, "fi") == "Aineisto changes, päivänä 1.1.2026, lasketaan tunnukselle rows K2"


@pytest.mark.parametrize(
    ("names", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a ja b"), (["a", "b", "c"], "a, b ja c"), (["a", "b", "c", "d"], "a, b ja 2 muuta")],
)
def test_what_is_listed_is_named_or_counted(names: list[str], said: str) -> None:
    assert listed(names, "fi", most=2 if len(names) > 3 else 3) == said
