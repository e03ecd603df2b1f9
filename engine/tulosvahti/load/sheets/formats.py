"""Which format a file is, by what is in it: the list of all formats, one line each.

Convention: a format is one module here with ``read(path, out)``, which runs in the child, or, for plain text, with
``read(path, text, limits)`` in the process itself.
"""

from __future__ import annotations

import mmap
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.load.sheets.archive import DAMAGE, Archive
from tulosvahti.load.sheets.decoding import decoded
from tulosvahti.load.sheets.reading import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path, PurePath

ALLOWED = "CSV or other text, XLSX, XLSM, XLS, XLSB, ODS, FODS, HTML, JSON, Parquet, PDF"
START = 1 << 16
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"7z", b"\xfd7zXZ", b"Rar!")
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"PAR1", b"ARROW1", b"%PDF-", b"SQLite format 3", *_COMPRESSED)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Head:
    """What is known of a file before it is read.

    ``start``: its first bytes; ``text``: the same as text, None for binary files; ``parts``: of a zip archive, in
    small letters; ``kind``: what an OpenDocument archive says it is; ``streams``: of an OLE file, those asked for.
    """

    start: bytes
    text: str | None
    parts: frozenset[str] = frozenset()
    kind: str = ""
    streams: frozenset[str] = frozenset()

    def markup(self, *words: str) -> bool:
        """Tell whether it is a text of tags in which one of the words stands."""
        text = (self.text or "").lstrip().lower()
        return text.startswith("<") and any(word in text for word in words)


@dataclass(frozen=True)
class Format:
    """A format: its name, the file name endings it comes with, the module that reads it, and how it is known."""

    name: str
    endings: tuple[str, ...]
    module: str
    fits: Callable[[Head], bool]
    apart: bool = True


_JSON = re.compile(r"""\s*(?:\{\s*["}]|\[\s*(?:[\[{"\]]|-?\d|true|false|null))""")

FORMATS = (
    Format("pdf", ("pdf",), "pdf_pages", lambda head: b"%PDF-" in head.start[:1024]),
    Format("parquet", ("parquet", "parq", "pq"), "parquet_rows", lambda head: head.start.startswith(b"PAR1")),
    Format("xlsx", ("xlsx", "xlsm", "xltx", "xltm"), "ooxml", lambda head: _has(head, "xl/", ".xml")),
    Format("xlsb", ("xlsb",), "binary_workbook", lambda head: _has(head, "xl/", ".bin")),
    Format("ods", ("ods", "ots"), "opendocument", lambda head: "spreadsheet" in head.kind),
    Format("xls", ("xls", "xlt"), "binary_workbook", lambda head: bool(head.streams & {"Workbook", "Book"})),
    Format("fods", ("fods", "xml"), "opendocument", lambda head: head.markup("<office:document")),
    Format("html", ("html", "htm", "xhtml"), "html_tables",
           lambda head: head.markup("<html", "<table", "doctype html")),
    Format("json", ("json", "jsonl", "ndjson", "geojson"), "json_tables", lambda head: bool(_JSON.match(head.text or ""))),
    Format("text", ("csv", "tsv", "tab", "txt", "asc", "md", "prn"), "delimited",
           lambda head: head.text is not None and not head.markup("<?xml"), apart=False),
)  # fmt: skip

_SAVE = "open it in the program that made it and save the tables as XLSX or CSV"
_Refusal = tuple[str, "Callable[[Head], bool]", str]
_BEFORE: tuple[_Refusal, ...] = (
    ("a workbook with a password", lambda head: "EncryptedPackage" in head.streams, "save it without a password"),
    ("an Excel 2003 XML workbook", lambda head: head.markup("schemas-microsoft-com:office:spreadsheet"), _SAVE),
    ("a web archive (MHTML)", lambda head: (head.text or "").lstrip()[:13].lower() == "mime-version:", _SAVE),
    ("an RTF document", lambda head: head.start.startswith(b"{\\rtf"), _SAVE),
)
"""Files that look like a format that is read and are not."""
_AFTER: tuple[_Refusal, ...] = (
    ("a Word document", lambda head: "word/document.xml" in head.parts or "WordDocument" in head.streams, _SAVE),
    ("a PowerPoint presentation", lambda head: "ppt/presentation.xml" in head.parts, _SAVE),
    ("a Numbers document", lambda head: any(name.startswith("index/") for name in head.parts), _SAVE),
    ("an OpenDocument file without sheets", lambda head: "opendocument" in head.kind, _SAVE),
    ("an XML file", lambda head: head.markup("<?xml"), _SAVE),
    ("a zip archive", lambda head: head.start.startswith(b"PK"), "unpack it and name the files inside"),
    ("an OLE file without a workbook", lambda head: head.start.startswith(_OLE), _SAVE),
    ("a compressed file", lambda head: head.start.startswith(_COMPRESSED), "unpack it first"),
    ("an image", lambda head: head.start.startswith((b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"\xff\xd8\xff")),
     "read the text of the image with another program (OCR) and save it as text"),
    ("an Arrow file", lambda head: head.start.startswith(b"ARROW1"), "save the table as Parquet or CSV"),
    ("an SQLite database", lambda head: head.start.startswith(b"SQLite format 3"), "save the table as CSV"),
)  # fmt: skip
"""Files that are none of the formats, by their names, for the message."""
_STREAMS = ("EncryptedPackage", "Workbook", "Book", "WordDocument")


def _has(head: Head, folder: str, ending: str) -> bool:
    """Tell whether a zip archive has a workbook of Excel's."""
    return any(name.startswith(folder) and name.endswith(f"workbook{ending}") for name in head.parts)


def known_head(start: bytes) -> Head:
    """Give what the first bytes alone tell; enough for plain text."""
    read = decoded(start, start_only=len(start) >= START)
    return Head(start, read.text if read else None)


def is_text(content: bytes) -> bool:
    """Tell whether bytes are to be read as text with a dialect: no archive, workbook, page, JSON or Parquet is."""
    if content.startswith(_MAGIC):
        return False
    head = known_head(content[:START])
    try:
        return head.text is None or recognised(head).name == "text"
    except RefusedError:
        return False


def named_otherwise(name: PurePath) -> bool:
    """Tell whether a text has the name of a format that is not text."""
    text = next(item for item in FORMATS if item.name == "text")
    return misnamed(name, text)


def full_head(path: Path, unpacked: int) -> Head:
    """Look into archives too; for the child.

    Raises:
        RefusedError: an archive that cannot be opened.

    """
    with path.open("rb") as file:
        start = file.read(START)
        head = known_head(start)
        if start.startswith(_OLE):
            return Head(start, None, streams=_streams(file.fileno()))
    if not start.startswith(b"PK"):
        return head
    with Archive(path, unpacked) as archive:
        kind = ""
        if "mimetype" in archive.names:
            try:
                kind = archive.whole("mimetype").decode("ascii", "replace")
            except (*DAMAGE, zipfile.LargeZipFile):
                kind = ""
        # Programs that write the archive by hand leave the type out.
        if not kind and {"content.xml", "meta-inf/manifest.xml"} <= archive.names:
            kind = "opendocument.spreadsheet"
        return Head(start, None, archive.names, kind)


def _streams(file: int) -> frozenset[str]:
    """Find the names of the streams that tell one OLE file from another."""
    with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as content:
        return frozenset(name for name in _STREAMS if _listed(content, name.encode("utf-16-le") + b"\0\0"))


def _listed(content: mmap.mmap, name: bytes) -> bool:
    """Tell whether a name begins an entry of the list of streams; entries are 128 bytes long."""
    at = content.find(name)
    while at >= 0 and at % 128:
        at = content.find(name, at + 1)
    return at >= 0


def recognised(head: Head) -> Format:
    """Give the format of a file.

    Raises:
        RefusedError: it is none that is read, with what it is.

    """
    for what, fits, step in _BEFORE:
        if fits(head):
            raise RefusedError(f"file is {what}", ALLOWED, step)
    for item in FORMATS:
        if item.fits(head):
            return item
    for what, fits, step in _AFTER:
        if fits(head):
            raise RefusedError(f"file is {what}", ALLOWED, step)
    msg = "file is neither text nor a workbook: its bytes are of no format that is read"
    raise RefusedError(msg, ALLOWED, "save the table as XLSX or CSV")


def ending(path: PurePath) -> str:
    """Give the ending of a file's name, in small letters, without the dot."""
    return path.suffix.lower().removeprefix(".")


def misnamed(path: PurePath, found: Format) -> bool:
    """Tell whether the name promises another format."""
    end = ending(path)
    return end not in found.endings and any(end in item.endings for item in FORMATS)
