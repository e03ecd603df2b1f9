"""Excel workbooks (XLSX, XLSM): the parts of the archive around the sheets, and the sheets one after another.

Element names are compared without their prefix, so that files in the strict dialect and with prefixes are read too.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tulosvahti.load.sheets.archive import DAMAGE, Archive, parse, walk
from tulosvahti.load.sheets.ooxml_book import Book, read_shared
from tulosvahti.load.sheets.ooxml_rows import RowReader
from tulosvahti.load.sheets.reading import BrokenSheetError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.sheets.wire import Writer

_UNKNOWN = ("worksheet", "that the workbook does not name")


@dataclass(frozen=True)
class Entry:
    """A sheet as the workbook names it; ``link`` is the id of its relation, ``part`` where it is in the archive."""

    name: str
    link: str
    hidden: bool
    part: str = ""


def read(path: Path, out: Writer) -> None:
    """Read the sheets of a workbook.

    Raises:
        RefusedError: no part of it can be read, or a limit is passed.

    """
    with Archive(path, out.limits.unpacked) as archive:
        book = Book()
        sheets = opened(archive, book, out)
        out.total(len(sheets))
        for entry in sheets:
            read_sheet(archive, entry, book, out)


def opened(archive: Archive, book: Book, out: Writer) -> list[Entry]:
    """Read what the sheets share into ``book``, and give the sheets; errors as of ``read``."""
    main = _main_part(archive)
    try:
        entries = _entries(archive, main, book)
        links = _links(archive, main)
    except (BrokenSheetError, *DAMAGE) as error:
        msg = f"the list of sheets cannot be read: {error}"
        raise RefusedError(msg, next_step="open the file in a spreadsheet program and save it again") from error
    if book.from_1904:
        out.notice("days_from_1904")
    read_shared(archive, links, book, out)
    found = [replace(entry, part=links.get(entry.link, _UNKNOWN)[1]) for entry in entries]
    return [entry for entry in found if links.get(entry.link, _UNKNOWN)[0] == "worksheet"]


def read_sheet(archive: Archive, entry: Entry, book: Book, out: Writer, most: int = 0) -> None:
    """Read a sheet; one that cannot be read is a problem. ``most``: rows after which the rest is not looked at."""
    out.sheet(f"!{entry.name}", hidden=entry.hidden)
    try:
        reader = RowReader(book, out)
        if most:
            for piece in archive.chunks(entry.part):
                reader.parser.Parse(piece, False)  # noqa: FBT003 - the parser's own signature
                if out.rows >= most:
                    break
        else:
            parse(reader.parser, archive.chunks(entry.part))
        reader.end()
    except (BrokenSheetError, *DAMAGE) as error:
        out.drop()
        out.problem(*broken(entry.name, error))


def broken(name: str, error: Exception) -> tuple[str, str, str]:
    """Say that a sheet cannot be read, what is allowed and what to do."""
    step = "open the workbook in a spreadsheet program and save it again; its other sheets are read"
    return f"sheet {name!r} cannot be read: {error}", "", step


def _main_part(archive: Archive) -> str:
    """Find the workbook's own part: where the archive says it is, else where it always is."""
    found: list[str] = []

    def take(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            found.append(attributes.get("Target", ""))

    try:
        walk(archive.chunks("_rels/.rels"), take)
    except (BrokenSheetError, *DAMAGE):
        found.clear()
    name = found[0].lstrip("/") if found else "xl/workbook.xml"
    return name if name.lower() in archive.names else "xl/workbook.xml"


def _entries(archive: Archive, main: str, book: Book) -> list[Entry]:
    entries: list[Entry] = []

    def take(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            link = next((text for name, text in attributes.items() if name.rpartition(":")[2] == "id"), "")
            entries.append(Entry(attributes.get("name", ""), link, attributes.get("state", "visible") != "visible"))
        elif tag == "workbookPr":
            book.from_1904 = _yes(attributes.get("date1904"))
        elif tag == "calcPr":
            book.stale = _yes(attributes.get("fullCalcOnLoad"))

    walk(archive.chunks(main), take)
    return entries


def _yes(text: str | None) -> bool:
    return text in ("1", "true", "on")


def _links(archive: Archive, main: str) -> dict[str, tuple[str, str]]:
    """Give kind and part of each relation of the workbook."""
    folder, name = posixpath.split(main)
    links: dict[str, tuple[str, str]] = {}

    def take(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship":
            target = attributes.get("Target", "").replace("\\", "/")
            part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            links[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], part)

    walk(archive.chunks(posixpath.join(folder, "_rels", f"{name}.rels")), take)
    return links
