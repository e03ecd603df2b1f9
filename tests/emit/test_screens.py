"""A plain stream gets the letters that Rich puts on a terminal without colours."""

from __future__ import annotations

from io import StringIO

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tulosvahti.emit.screens import _NARROW, COLUMNS, WHOLE, WIDTH, Plain, Terminal, wrapped

LETTERS = st.characters(codec="utf-8", exclude_categories=["C"]) | st.sampled_from("abcdefgh    åäö\xa0–≥→✓✗▲○…−漢é\u0301")
TEXTS = st.text(LETTERS, max_size=260) | st.lists(st.text("abcå-≥", max_size=30), max_size=20).map(" ".join) | st.text("a ", max_size=230)
ROWS = st.lists(st.tuples(*[st.text(LETTERS, max_size=60) for _ in COLUMNS]), max_size=3)


def both(use) -> tuple[str, str]:
    plain, drawn = StringIO(), StringIO()
    use(Plain(plain))
    use(Terminal(Console(file=drawn, width=WHOLE)))
    return plain.getvalue(), drawn.getvalue()


@given(TEXTS, st.sampled_from([0, 2]))
@example("", 0)
@example("", 2)
@example("x" * 300, 0)
@example("a\nb\n\nc", 0)
def test_texts(text, indent):
    plain, drawn = both(lambda screen: screen.text(text, "dim", indent=indent))
    assert plain == drawn


@given(st.lists(TEXTS, max_size=4), st.booleans())
def test_lines(texts, whole):
    plain, drawn = both(lambda screen: screen.line([(text, "bold") for text in texts], whole=whole))
    assert plain == drawn


@given(st.tuples(*[st.text(LETTERS, min_size=1, max_size=20) for _ in COLUMNS]), ROWS)
@example(("[a]", "[/b]", "[bold]c", "d", "e", "f"), [])
def test_tables(heads, rows):
    plain, drawn = both(lambda screen: screen.table(heads, [[(cell, "") for cell in row] for row in rows]))
    assert plain == drawn
    assert all(cell_len(line) == WIDTH for line in plain.splitlines())


def test_letters_taken_for_narrow_are():
    narrow = [chr(code) for code in range(0x20, 0x3000) if _NARROW.fullmatch(chr(code))]
    assert len(narrow) > 700
    assert {cell_len(letter) for letter in narrow} == {1}


@given(TEXTS, st.integers(2, 40))
def test_no_line_is_wider(text, width):
    assert all(cell_len(line) <= width for line in wrapped(text, width))
