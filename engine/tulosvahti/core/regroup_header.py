"""The lines of text above and between a table's rows, set over its columns where that is plain.

Convention: a line is set over columns only if it names as many things as there are columns, or stands above them on a
page that kept its layout; any other line is one cell. Names are never made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.regroup_words import words_of
from tulosvahti.core.sheet import BLANK, Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.page import TextPage
    from tulosvahti.core.regroup_edges import Columns
    from tulosvahti.core.regroup_words import Row

_AND = ("ja ", "tai ", "sekä ", "och ", "eller ", "samt ", "and ", "or ")
_LEAST_NAMES = 3


def place_of(page: TextPage, line: int, character: int = 0) -> str:
    """Name a place on a page: ``line:column``, both from 1, after the page of a PDF."""
    place = f"{page.first_line + line}:{character + 1}"
    return place if page.page is None else f"page {page.page}, {place}"


def text_row(
    page: TextPage, line: int, width: int, heading: Row | None, columns: Columns | None
) -> tuple[Cell, ...]:
    """Give a line of text as a row of the sheet; ``heading``: the line as a row of years or column numbers."""
    text = page.lines[line]
    if heading is not None and len(heading.words) == width:
        label = Cell(heading.label, place=place_of(page, line)) if heading.label else BLANK
        return (label, *(Cell(w.text, place=place_of(page, line, w.start)) for w in heading.words))
    chunks = _chunks(text)
    if width > 1 and len(chunks) in {width, width + 1}:
        cells = [Cell(t, place=place_of(page, line, at)) for t, at in chunks]
        return tuple(cells) if len(chunks) > width else (BLANK, *cells)
    if columns is not None and len(chunks) > 1:
        named = _over_columns(page, line, chunks, columns)
        if named is not None:
            return named
    return (Cell(text.strip(), place=place_of(page, line, len(text) - len(text.lstrip()))),)


def _chunks(text: str) -> list[tuple[str, int]]:
    """Cut a line at two spaces or more."""
    result: list[tuple[str, int]] = []
    for word in words_of(text):
        if result and word.gap != "wide":
            start = result[-1][1]
            result[-1] = (text[start : word.end], start)
        else:
            result.append((word.text, word.start))
    return result


def _over_columns(
    page: TextPage, line: int, chunks: Sequence[tuple[str, int]], columns: Columns
) -> tuple[Cell, ...] | None:
    cells = [BLANK] * (len(columns.covers) + 1)
    for text, start in chunks:
        over = [c for c, (left, right) in enumerate(columns.covers) if start < right and start + len(text) > left]
        column = over[0] + 1 if len(over) == 1 else 0
        if len(over) > 1 or cells[column] is not BLANK:
            return None
        cells[column] = Cell(text, place=place_of(page, line, start))
    return tuple(cells)


def names_row(page: TextPage, header: Sequence[int], width: int) -> tuple[Cell, ...] | None:
    """Join column names that are broken over many lines, one under the other; None unless they are just so many.

    A line begins a name if it begins with a capital or a digit and the line above is not broken by a hyphen.
    """
    names: list[tuple[str, int]] = []
    for line in header:
        text = page.lines[line].strip()
        if "  " in text:
            return None
        last = names[-1][0] if names else ""
        if last and _goes_on(last, text):
            names[-1] = (_joined(last, text), names[-1][1])
        else:
            names.append((text, line))
    if width < _LEAST_NAMES or len(names) not in {width, width + 1} or len(names) == len(header):
        return None
    cells = tuple(Cell(text, place=place_of(page, line)) for text, line in names)
    return cells if len(names) > width else (BLANK, *cells)


def _goes_on(last: str, text: str) -> bool:
    if text[:1].islower() or text[:1] in "(/&" or last.endswith(("-", ",", "/")):
        return True
    # A capital torn from its word: MÄÄRÄRAH, A YHTEENSÄ.
    return last.isupper() and len(text.split(maxsplit=1)[0]) == 1 and text.isupper()


def _joined(last: str, text: str) -> str:
    if last.endswith("-") and text[:1].islower() and not text.startswith(_AND):
        return last[:-1] + text
    if last.isupper() and len(text.split(maxsplit=1)[0]) == 1 and text.isupper():
        return last + text
    return f"{last} {text}"
