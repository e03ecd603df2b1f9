"""The encoding of a text whose contract names none: a byte order mark, UTF-8, or what the letters å, ä and ö tell.

Convention: what two encodings would read differently is refused with both, never guessed.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import islice

from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sheets.decoding import wide_encoding

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),     # begins as UTF-16 does, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_LETTERS = "åäöÅÄÖéÉüÜ"
_RIVALS = ("cp850", "mac-roman")
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")
_DIFFERENT = re.compile(rb"[\xa4\xa6\xa8\xb4\xb8\xbc-\xbe]")
"""Bytes that ISO-8859-15 reads otherwise than the other two: the euro sign, Š, Ž, Œ."""
_UTF8_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_LOOK = 1 << 16
_MOST = 1 << 22
_WORDS = 5000


@dataclass(frozen=True)
class Encoding:
    """How a text is read: the codec's name, the bytes of the mark before the text, and what is to be said of it."""

    name: str
    mark: int = 0
    notice: str = ""


def marked(content: bytes) -> Encoding | None:
    """Give the encoding that a byte order mark shows."""
    for mark, name in MARKS:
        if content.startswith(mark):
            return Encoding(name, len(mark))
    return None


def told(content: bytes, file: str) -> Encoding:
    """Tell the encoding of a text from its bytes; ``file`` is the contract's, for what to do.

    Raises:
        UnreadableError: the bytes are of no encoding that is known here, or of several that read them differently.

    """
    found = marked(content)
    if found is not None:
        return found
    if name := wide_encoding(content[:_LOOK]):
        return Encoding(name, 0, f"the encoding is not declared and was told from the bytes: {name}, without a mark")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" not in content[:_LOOK]:
            return _single(content, error, file)
    return Encoding("utf-8")


def _single(content: bytes, error: UnicodeDecodeError, file: str) -> Encoding:
    """Tell Windows-1252, ISO-8859-1 and ISO-8859-15 from each other, from a broken UTF-8 and from older codes."""
    step = f"declare the file's `encoding` in {file}, or save the file as utf-8"
    around = content[max(error.start - _LOOK, 0) : error.start + _MOST]
    broken = len(_HIGH.findall(_UTF8_CHARACTER.sub(b"", around)))
    line = content.count(b"\n", 0, error.start) + 1
    byte = f"byte {error.start} on line {line} (0x{content[error.start]:02x})"
    if len(_UTF8_CHARACTER.findall(around)) > broken:
        msg = f"{byte} is not utf-8, though the rest of the file is"
        raise UnreadableError(msg, step)
    words = list(islice((found[0] for found in _WORD.finditer(around) if not found[0].isascii()), _WORDS))
    letters = {name: _letters(words, name) for name in ("cp1252", *_RIVALS)}
    rival = max(_RIVALS, key=lambda name: letters[name])
    if letters[rival] > letters["cp1252"]:
        sample = next(word for word in words if _letters([word], rival)).decode(rival)
        msg = f"{byte} is not utf-8, and no encoding is declared; {rival} would read words such as {sample!r}"
        raise UnreadableError(msg, step)
    if not letters["cp1252"] or 2 * letters["cp1252"] < sum(len(_HIGH.findall(word)) for word in words):
        shown = f"windows-1252 reads it {_shown(content, error.start, 'cp1252')}, cp850 {_shown(content, error.start, 'cp850')}"
        msg = f"{byte} is not utf-8, no encoding is declared, and no å, ä or ö tells which it is: {shown}"
        raise UnreadableError(msg, step)
    if _WINDOWS_ONLY.search(content):
        return Encoding("cp1252", 0, _said("windows-1252"))
    differs = _DIFFERENT.search(content)
    if differs:
        at = differs.start()
        line = content.count(b"\n", 0, at) + 1
        msg = (
            f"no encoding is declared, and byte {at} on line {line} (0x{content[at]:02x}) is {_shown(content, at, 'cp1252')} "
            f"in windows-1252 and iso-8859-1 and {_shown(content, at, 'iso8859-15')} in iso-8859-15"
        )
        raise UnreadableError(msg, step)
    return Encoding("cp1252", 0, _said("windows-1252 (iso-8859-1 and iso-8859-15 read it the same)"))


def _said(name: str) -> str:
    return f"the encoding is not declared and was told from the letters å, ä and ö: {name}"


def _shown(content: bytes, at: int, encoding: str) -> str:
    return repr(content[at : at + 1].decode(encoding, "replace"))


def _letters(words: list[bytes], encoding: str) -> int:
    """Count the letters of Finnish and Swedish that an encoding reads in words."""
    count = 0
    for word in words:
        text = word.decode(encoding, "replace")
        if text.isalpha() and len(text) > 1:
            count += sum(letter in _LETTERS for letter in text)
    return count
