"""Bytes to text: byte order marks, UTF-8, UTF-16, and what old programs wrote."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),     # begins as UTF-16 does, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_UTF8 = frozenset({"utf-8", "ascii", "us-ascii", "utf8"})
_LOOK = 1 << 16
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE
)


@dataclass(frozen=True)
class Decoded:
    """A text and how it was read; ``odd``: the encoding was neither marked nor UTF-8; ``lost``: bytes that are none."""

    text: str
    encoding: str
    odd: bool = False
    lost: int = 0


def decoded(content: bytes, *, start_only: bool = False, declared: bool = False) -> Decoded | None:
    """Read bytes as text; None where they are no text.

    ``start_only``: the end may be cut inside a character; ``declared``: believe the page's own ``charset``.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _checked(content[len(mark) :], encoding, start_only=start_only)
    wide = wide_encoding(content[:_LOOK])
    if wide:
        return _checked(content, wide, start_only=start_only, odd=True)
    if content.find(b"\0", 0, _LOOK) >= 0:
        return None
    said = _DECLARED.search(content, 0, 4096) if declared else None
    if said and (encoding := _known(said[1].decode("ascii"))) and encoding not in _UTF8:
        return _checked(content, encoding, start_only=start_only)
    return _unmarked(content, start_only=start_only)


def _unmarked(content: bytes, *, start_only: bool) -> Decoded | None:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content, not start_only)
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        lost = text.count("\ufffd")
        # A few broken bytes among many right ones: the file is UTF-8 all the same.
        if sum(len(part) for part in re.findall(r"[^\x00-\x7f\ufffd]+", text)) > 10 * lost:
            return Decoded(text, "utf-8", lost=lost) if _is_text(text) else None
        return _old(content)
    return Decoded(text, "utf-8") if _is_text(text) else None


def _old(content: bytes) -> Decoded | None:
    for encoding in ("cp1252", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return Decoded(text, encoding, odd=True) if _is_text(text) else None
    return None


def _checked(content: bytes, encoding: str, *, start_only: bool, odd: bool = False) -> Decoded | None:
    try:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(content, not start_only)
    except (UnicodeError, ValueError):
        return None
    lost = text.count("\ufffd")
    if lost * 20 > len(text) or not _is_text(text):
        return None
    return Decoded(text, encoding, odd=odd, lost=lost)


def wide_encoding(start: bytes) -> str:
    """Recognise UTF-16 without a mark: every other byte of most texts is zero."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    pairs = len(start) // 2
    if pairs and odd > 0.4 * pairs and even < 0.02 * pairs:
        return "utf-16-le"
    return "utf-16-be" if pairs and even > 0.4 * pairs and odd < 0.02 * pairs else ""


def _is_text(text: str) -> bool:
    start = text[:_LOOK]
    return len(_BINARY.findall(start)) * 50 <= len(start) and "\0" not in text


def _known(name: str) -> str:
    try:
        info = codecs.lookup(name)
    except LookupError:
        return ""
    # Browsers read these as Windows' own, and so do the programs that write them.
    return "cp1252" if info.name in ("iso8859-1", "ascii") else info.name
