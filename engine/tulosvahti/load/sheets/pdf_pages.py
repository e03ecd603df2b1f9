"""PDF files: the text of each page, laid out by where it stands.

PDFium is asked for the characters and their boxes: it reads a page in some milliseconds, and what other programs find
damaged it mostly still reads.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
from pypdfium2 import raw

from tulosvahti.load.sheets.pdf_layout import Glyph, laid_out
from tulosvahti.load.sheets.reading import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tulosvahti.load.sheets.wire import Writer

_HYPHENS = frozenset({0x02, 0xAD, 0xFFFE})
"""What PDFium gives for a hyphen at the end of a line."""
_OCR = "recognise its text with another program (OCR) and read the result"


def read(path: Path, out: Writer) -> None:
    """Read the pages of a file.

    Raises:
        RefusedError: it has a password, no page of it can be read, or none has text.

    """
    try:
        book = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            msg = "file is a PDF with a password"
            raise RefusedError(msg, next_step="save it without a password") from error
        msg = f"PDF cannot be opened: {error}"
        step = "open it in a PDF program and save it again, or ask for a new copy"
        raise RefusedError(msg, next_step=step) from error
    total = len(book)
    most = min(total, out.limits.pages)
    out.total(most)
    empty = []
    for number in range(1, most + 1):
        try:
            lines = _page(book, number - 1)
        except pdfium.PdfiumError as error:
            out.problem(f"page {number} cannot be read: {error}", next_step="the other pages are read")
            continue
        if lines:
            out.page(number, lines)
        else:
            empty.append(str(number))
    if len(empty) == total:
        msg = "file has no text (scanned?)"
        raise RefusedError(msg, "PDF with text", _OCR)
    if empty:
        out.notice("pages_without_text", *empty)
    if total > most:
        step = "split the file"
        out.problem(f"file has {total} pages, of which the first {most} are read", f"at most {most} pages", step)


def _page(book: Any, index: int) -> list[str]:  # noqa: ANN401 - PDFium has no types
    page = book[index]
    text = page.get_textpage()
    try:
        return laid_out(_glyphs(text))
    finally:
        text.close()
        page.close()


def _glyphs(text: Any) -> Iterator[Glyph]:  # noqa: ANN401
    box = raw.FS_RECTF()
    place = ctypes.byref(box)
    for at in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, at)
        # Spaces and line ends that PDFium adds are guesses; where the characters stand says more.
        if code in (0x0A, 0x0D) or raw.FPDFText_IsGenerated(text, at) == 1:
            continue
        if not raw.FPDFText_GetLooseCharBox(text, at, place):
            continue
        angle = raw.FPDFText_GetCharAngle(text, at)
        yield Glyph(_shown(code), box.left, box.bottom, box.right, box.top, max(angle, 0.0))


def _shown(code: int) -> str:
    if code in _HYPHENS:
        return "-"
    return chr(code) if code >= 0x20 and not 0xD800 <= code < 0xE000 else "\ufffd"  # noqa: PLR2004 - Unicode's
