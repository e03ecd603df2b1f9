"""PDF: columns stay apart, numbers stay together, and files without text say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.sheet import Notice
from tulosvahti.load.sheets import Limits, read_sheets
from tulosvahti.load.sheets.pdf_layout import Glyph, laid_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Pdf = Callable[..., Path]


def _at(x: int, y: int, text: str, size: int = 12, font: str = "F1") -> str:
    return f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n"


def test_columns(pdf: Pdf) -> None:
    rows = [("Palkat", "1 234,50", "5"), ("Muut menot", "100,00", "6"), ("Yhteensä", "1 334,50", "11")]
    drawing = "".join(
        _at(72, 700 - 20 * at, label) + _at(300, 700 - 20 * at, first) + _at(400, 700 - 20 * at, last)
        for at, (label, first, last) in enumerate(rows)
    )
    reading = read_sheets(pdf(drawing, "", drawing))
    assert not reading.problems
    assert reading.notices == (Notice("pages_without_text", (), ("2",)),)
    first, second = reading.pages
    assert (first.source, first.page, second.source) == ("book.pdf, page 1", 1, "book.pdf, page 3")
    assert [line.split("  ")[0] for line in first.lines] == ["Palkat", "Muut menot", "Yhteensä"]
    columns = [line.index(text) for line, (_, text, _) in zip(first.lines, rows, strict=True)]
    assert len(set(columns)) == 1
    assert all("   " in line.split(label)[1] for line, (label, _, _) in zip(first.lines, rows, strict=True))


@pytest.mark.parametrize(
    ("drawing", "lines"),
    [
        (_at(72, 700, "1B234C567", font="F2"), ["1\u00a0234\u2009567"]),
        (_at(72, 700, "yhteens\\344") + _at(122, 704, "1\\)", 7), ["yhteensä1)"]),                # a raised mark
        (_at(72, 680, "b") + _at(72, 700, "a"), ["a", "b"]),
        (_at(72, 700, "a") + _at(72, 685, "b") + _at(72, 600, "c"), ["a", "b", "", "c"]),         # a gap between blocks
        ("BT /F1 12 Tf 72 700 Td [(5) -40 (4) 30 (0) -20 (0)] TJ ET", ["5400"]),                  # digits set apart
        ("BT /F1 12 Tf 72 700 Td [(54 ) 278 (00)] TJ ET", ["5400"]),                              # a space nobody sees
        ("BT /F1 12 Tf 72 700 Td [(a) -300 (b) -3000 (c)] TJ ET", ["a b     c"]),
        ("BT /F1 12 Tf 0 1 -1 0 300 400 Tm (sivulla) Tj ET" + _at(72, 700, "p\\344\\344teksti"), ["pääteksti", "", "sivulla"]),
        ("BT /F1 12 Tf 0 1 -1 0 300 400 Tm (ab) Tj ET BT /F1 12 Tf 0 1 -1 0 320 400 Tm (cd) Tj ET", ["ab", "cd"]),
    ],
)  # fmt: skip
def test_layout(pdf: Pdf, drawing: str, lines: list[str]) -> None:
    reading = read_sheets(pdf(drawing))
    assert not reading.problems
    assert list(reading.pages[0].lines) == lines


def test_a_file_without_text(pdf: Pdf) -> None:
    (problem,) = read_sheets(pdf("0 0 100 100 re f")).problems
    assert problem.message == "file has no text (scanned?)"
    assert "OCR" in problem.next_step


def test_too_many_pages(pdf: Pdf) -> None:
    reading = read_sheets(pdf(*[_at(72, 700, "a")] * 3), limits=Limits(pages=2))
    assert len(reading.pages) == 2
    assert [item.message for item in reading.problems] == ["file has 3 pages, of which the first 2 are read"]


def test_a_password(pdf: Pdf) -> None:
    path = pdf(_at(72, 700, "a"))
    # An encryption dictionary whose passwords fit nothing.
    locked = "/Encrypt<</Filter/Standard/V 1/R 2/O<{0}>/U<{0}>/P -1>>/ID[<00><00>]".format("00" * 32)
    path.write_bytes(path.read_bytes().replace(b"/Root 1 0 R", f"/Root 1 0 R{locked}".encode()))
    (problem,) = read_sheets(path).problems
    assert (problem.message, problem.next_step) == ("file is a PDF with a password", "save it without a password")


def test_a_damaged_file(pdf: Pdf) -> None:
    path = pdf(_at(72, 700, "a"))
    path.write_bytes(b"%PDF-1.4\n" + b"x" * 100)
    (problem,) = read_sheets(path).problems
    assert problem.message.startswith("PDF cannot be opened: ")


def test_nothing_is_laid_out_of_nothing() -> None:
    assert laid_out([]) == []
    assert laid_out([Glyph(" ", 0, 0, 5, 10)]) == []
    assert laid_out([Glyph("a", 0, 0, 0, 0), Glyph("b", 1e9, 0, 1e9, 0)])[0].startswith("a")
