"""What the sheets of an Excel workbook share: texts, number formats and the way days are counted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tulosvahti.load.sheets.archive import DAMAGE, Archive, parse, parser
from tulosvahti.load.sheets.number_format import BUILT_IN, GENERAL, NumberFormat, compiled
from tulosvahti.load.sheets.reading import BrokenSheetError

if TYPE_CHECKING:
    from tulosvahti.load.sheets.wire import Writer

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Strings(Protocol):
    """Texts in their order."""

    def append(self, text: str, /) -> None:
        """Add one."""

    def __getitem__(self, at: int, /) -> str:
        """Give one; LookupError: there is none."""


@dataclass
class Book:
    """What all sheets share.

    ``strings``: texts that cells name by number; ``formats``: of each cell style; ``stale``: the workbook asks to be
    calculated when it is opened, so its stored results may be none.
    """

    strings: Strings = field(default_factory=list[str])
    formats: list[NumberFormat] = field(default_factory=list)
    from_1904: bool = False
    stale: bool = False


def read_shared(archive: Archive, links: dict[str, tuple[str, str]], book: Book, out: Writer) -> None:
    """Read the texts and styles that the sheets share; where these are broken, the numbers are still right."""
    parts = {kind: part for kind, part in links.values() if kind in ("sharedStrings", "styles")}
    what = {"sharedStrings": "the texts of the cells", "styles": "the number formats"}
    for kind, part in parts.items():
        try:
            if kind == "styles":
                _styles(archive, part, book)
            else:
                _strings(archive, part, book)
        except (BrokenSheetError, *DAMAGE) as error:
            step = "open the workbook in a spreadsheet program and save it again"
            out.problem(f"{what[kind]} cannot be read to their end: {error}", next_step=step)


def _styles(archive: Archive, part: str, book: Book) -> None:
    codes = dict(BUILT_IN)
    inside = [False]

    def start(tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "numFmt":
            codes[int(attributes.get("numFmtId", "-1"))] = attributes.get("formatCode", GENERAL)
        elif name == "cellXfs":
            inside[0] = True
        elif name == "xf" and inside[0]:
            book.formats.append(compiled(codes.get(int(attributes.get("numFmtId", "0")), GENERAL)))

    def end(tag: str) -> None:
        if tag.rpartition(":")[2] == "cellXfs":
            inside[0] = False

    made = parser()
    made.StartElementHandler, made.EndElementHandler = start, end
    parse(made, archive.chunks(part))


def _strings(archive: Archive, part: str, book: Book) -> None:
    """Read the shared texts: runs are joined, and readings beside Asian text left out."""
    pieces: list[str] = []
    open_tags: list[str] = []

    def start(tag: str, _: dict[str, str]) -> None:
        open_tags.append(tag.rpartition(":")[2])

    def end(_: str) -> None:
        if open_tags.pop() == "si":
            book.strings.append(unescaped("".join(pieces)))
            pieces.clear()

    def data(text: str) -> None:
        if open_tags[-1] == "t" and "rPh" not in open_tags:
            pieces.append(text)

    made = parser()
    made.StartElementHandler, made.EndElementHandler, made.CharacterDataHandler = start, end, data
    parse(made, archive.chunks(part))


def unescaped(text: str) -> str:
    """Give the characters that XML cannot hold and Excel writes as ``_x000D_``."""
    if "_x" not in text:
        return text
    made = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return made.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
