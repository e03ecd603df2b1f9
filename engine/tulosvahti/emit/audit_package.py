"""A marked copy of an XLSX or XLSM file: parts of the archive changed where they must be, all others copied.

So charts, pivot tables, macros, images, conditional formats, filters and every extension stay as they are. Changed are
only: the styles (copies with another fill are added), each sheet with a marked cell (its style, and a note), the list
of sheets (one for the findings is added at the end) and what names these parts. What a reader should know: a
conditional format still paints over a mark, an Excel 365 conversation on a cell hides the note put below its text, and
a signature is left out, since the copy is not what was signed.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tulosvahti.core.sheet import a1, column_letters
from tulosvahti.emit.audit_listing import HEADS, SHEET, WIDTHS, headings, link_to, sheet_name
from tulosvahti.emit.audit_notes import MAIN, with_notes
from tulosvahti.emit.audit_sheetxml import map_sheet, marked_sheet
from tulosvahti.emit.audit_styles import Styles
from tulosvahti.emit.audit_xml import (
    UnpatchableError,
    appended,
    ascii_bytes,
    attribute,
    edited,
    escaped,
    proven,
    tree,
    utf8,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tulosvahti.core.audited import Position
    from tulosvahti.emit.audit_listing import Row
    from tulosvahti.emit.audit_xml import Tag

    Marked = Mapping[Position, tuple[str, str]]
    """Cells with their mark and their note."""

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
UNMARKABLE = (UnpatchableError, zipfile.BadZipFile, LookupError, ValueError, NotImplementedError, RuntimeError)
"""What reading and marking a workbook raises where it is not as it must be for a safe change."""
TYPES = "[Content_Types].xml"
LARGEST = 1 << 30
"""A part of more bytes is not unpacked into memory."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SIGNED = re.compile(r"^/?_xmlsignatures/", re.IGNORECASE)


@dataclass(frozen=True)
class Relation:
    """A relationship of a part: its id, the last word of its type, and the part it leads to."""

    id: str
    kind: str
    target: str


class Package:
    """The parts of an archive while some are changed."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Keep the archive; its parts are read as they are asked for."""
        self._archive = archive
        self._names = {name.lstrip("/").casefold(): name for name in archive.namelist()}
        self.changed: dict[str, bytes] = {}

    def has(self, name: str) -> bool:
        """Tell whether there is such a part, whatever the case of its letters."""
        return name in self.changed or name.casefold() in self._names

    def read(self, name: str) -> bytes:
        """Give a part as it is now.

        Raises:
            UnpatchableError: it is not there, or too large.

        """
        if name in self.changed:
            return self.changed[name]
        real = self._names.get(name.casefold())
        if real is None or self._archive.getinfo(real).file_size > LARGEST:
            msg = f"the part {name} is missing or too large"
            raise UnpatchableError(msg)
        return utf8(self._archive.read(real))

    def write(self, name: str, data: bytes) -> None:
        """Change a part, or add it; what is XML must still be well-formed."""
        if not name.endswith(".vml"):
            proven(data)
        self.changed[name] = data

    def free(self, pattern: str) -> str:
        """Give a name that no part has; ``{}`` in the pattern is a number."""
        number = 1
        while self.has(pattern.format(number)):
            number += 1
        return pattern.format(number)

    def relations(self, part: str) -> list[Relation]:
        """Give the relationships of a part inside the archive."""
        path = rels_of(part)
        if not self.has(path):
            return []
        folder = posixpath.dirname(part)
        result = []
        for tag in tree(self.read(path)).children:
            given = tag.attributes
            if given.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, unquote(given.get("Target", "")))).lstrip("/")
                result.append(Relation(given.get("Id", ""), given.get("Type", "").rpartition("/")[2], target))
        return result

    def relate(self, part: str, kind: str, target: str, base: str) -> str:
        """Add a relationship and give its id."""
        path = rels_of(part)
        if not self.has(path):
            space = "http://schemas.openxmlformats.org/package/2006/relationships"
            self.changed[path] = ascii_bytes(f'{_HEAD}<Relationships xmlns="{space}"></Relationships>')
        data = self.read(path)
        root = tree(data)
        taken = {tag.attributes.get("Id", "") for tag in root.children}
        number = len(taken) + 1
        while f"rId{number}" in taken:
            number += 1
        text = f'<{root.prefix}Relationship Id="rId{number}" Type="{base}/{kind}" Target="/{attribute(target)}"/>'
        self.write(path, edited(data, [appended(data, root, text)]))
        return f"rId{number}"

    def declare(self, name: str, content: str, *, extension: bool = False) -> None:
        """Say what a new part is: by its name, or by its extension."""
        data = self.read(TYPES)
        root = tree(data)
        if extension:
            ending = name.rpartition(".")[2]
            if any(
                t.local == "Default" and t.attributes.get("Extension", "").casefold() == ending for t in root.children
            ):
                return
            # Defaults stand first.
            text = f'<{root.prefix}Default Extension="{ending}" ContentType="{content}"/>'
            self.write(TYPES, edited(data, [(root.opened, root.opened, ascii_bytes(text))]))
            return
        text = f'<{root.prefix}Override PartName="/{attribute(name)}" ContentType="{content}"/>'
        self.write(TYPES, edited(data, [appended(data, root, text)]))

    def unsigned(self) -> None:
        """Leave signatures out."""
        if not any(_SIGNED.match(name) for name in self._names):
            return
        for path, names in (("_rels/.rels", ("Target",)), (TYPES, ("PartName",))):
            data = self.read(path)
            cut = [t for t in tree(data).children if any(_SIGNED.match(t.attributes.get(name, "")) for name in names)]
            self.write(path, edited(data, [(tag.start, tag.end, b"") for tag in cut]))

    def save(self, out: Path) -> None:
        """Write the archive: parts in their order, new ones at the end."""
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            written = set()
            for info in self._archive.infolist():
                name = info.filename.lstrip("/")
                if info.is_dir() or _SIGNED.match(name) or name in written:
                    continue
                written.add(name)
                fresh = zipfile.ZipInfo(info.filename, info.date_time)
                fresh.compress_type = zipfile.ZIP_DEFLATED
                fresh.external_attr = info.external_attr
                changed = next((self.changed[key] for key in self.changed if key.casefold() == name.casefold()), None)
                if changed is not None:
                    target.writestr(fresh, changed)
                else:
                    with (
                        self._archive.open(info) as part,
                        target.open(fresh, "w", force_zip64=info.file_size > LARGEST) as sink,
                    ):
                        shutil.copyfileobj(part, sink, 1 << 20)
            for name, data in self.changed.items():
                if name.casefold() not in self._names:
                    target.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def rels_of(part: str) -> str:
    """Name the part that holds a part's relationships."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def sheet_names(package: Package) -> list[str]:
    """Give the names of a workbook's sheets, in order."""
    _, listed, _ = _book(package)
    return [tag.attributes.get("name", "") for tag in listed.children]


def has_macros(package: Package) -> bool:
    """Tell whether the workbook is of the kind that may have macros."""
    path, _, _ = _book(package)
    names = (t for t in tree(package.read(TYPES)).children if t.attributes.get("PartName", "").lstrip("/") == path)
    return any("macroEnabled" in tag.attributes.get("ContentType", "") for tag in names)


def _book(package: Package) -> tuple[str, Tag, str]:
    """Give the workbook's part, its list of sheets, and the namespace of its relationships."""
    path = next((r.target for r in package.relations("") if r.kind == "officeDocument"), "")
    book = tree(package.read(path))
    listed = book.child("sheets")
    if listed is None:
        msg = "the workbook lists no sheets"
        raise UnpatchableError(msg)
    strict = any(value.startswith("http://purl.oclc.org/ooxml/") for value in book.attributes.values())
    return path, listed, STRICT if strict else OFFICE


def mark_package(
    package: Package, sheets: Mapping[str, Marked], rows: Sequence[Row], sheet_of: Mapping[str, str], language: str
) -> None:
    """Mark cells of named sheets and add the sheet of findings.

    ``sheet_of``: the workbook's sheet of each source.

    Raises:
        UnpatchableError: something in the file is not as it has to be.

    """
    path, listed, base = _book(package)
    related = {r.id: r for r in package.relations(path)}
    parts = {tag.attributes.get("name", ""): related.get(_id_of(tag)) for tag in listed.children}
    styles_path = next((r.target for r in related.values() if r.kind == "styles"), "")
    styles = Styles(package.read(styles_path))
    for name, marked in sheets.items():
        found = parts.get(name)
        if marked and found is not None and found.kind == "worksheet":
            _mark_sheet(package, found.target, marked, styles, base)
    part = package.free("xl/worksheets/sheet{}.xml")
    package.write(part, _listing(styles, rows, sheet_of, base, language))
    package.declare(part, f"{_SPREADSHEET}.worksheet+xml")
    relation = package.relate(path, "worksheet", part, base)
    number = max((int(tag.attributes.get("sheetId", "0")) for tag in listed.children), default=0) + 1
    name = attribute(sheet_name(SHEET, list(parts)))
    text = f'<{listed.prefix}sheet xmlns:r="{base}" name="{name}" sheetId="{number}" r:id="{relation}"/>'
    data = package.read(path)
    package.write(path, edited(data, [appended(data, listed, text)]))
    package.write(styles_path, styles.data)
    package.unsigned()


def _id_of(tag: Tag) -> str:
    return next((value for key, value in tag.attributes.items() if key.rpartition(":")[2] == "id"), "")


def _mark_sheet(package: Package, part: str, marked: Marked, styles: Styles, base: str) -> None:
    data = package.read(part)
    found = map_sheet(data, {row for row, _ in marked})
    relations = package.relations(part)
    comments = next((r.target for r in relations if r.kind == "comments"), "")
    drawing = next((r.target for r in relations if r.id == found.legacy), "") if found.legacy else ""
    if found.legacy and not drawing:
        msg = "a sheet's drawing of notes is missing"
        raise UnpatchableError(msg)
    texts = {cell: text for cell, (_, text) in marked.items() if text}
    notes = with_notes(
        texts, found, package.read(comments) if comments else None, package.read(drawing) if drawing else None
    )
    if not comments:
        comments = package.free("xl/comments{}.xml")
        package.relate(part, "comments", comments, base)
        package.declare(comments, f"{_SPREADSHEET}.comments+xml")
    legacy = None
    if not drawing:
        drawing = package.free("xl/drawings/vmlDrawing{}.vml")
        legacy = package.relate(part, "vmlDrawing", drawing, base), base
        package.declare(drawing, "application/vnd.openxmlformats-officedocument.vmlDrawing", extension=True)
    package.write(comments, notes.comments)
    package.write(drawing, notes.drawing)
    kinds = {cell: kind for cell, (kind, _) in marked.items()}
    package.write(part, marked_sheet(data, found, kinds, styles.marked, legacy))


def _listing(styles: Styles, rows: Sequence[Row], sheet_of: Mapping[str, str], base: str, language: str) -> bytes:
    lines = [_line(1, [_text(text, styles.own("head"), 1, c) for c, text in enumerate(headings(language))])]
    links = []
    for number, row in enumerate(rows, 2):
        cells = []
        for column, (head, text) in enumerate(zip(HEADS, row.texts, strict=True)):
            value = {"stated": row.stated, "implied": row.implied}.get(head)
            if head == "kind":
                cells.append(_text(text, styles.marked(styles.own("text"), row.kind), number, column))
            elif value is not None:
                style = styles.own("whole" if value == value.to_integral_value() else "places")
                cells.append(f'<c r="{a1(number - 1, column)}" s="{style}"><v>{value:f}</v></c>')
            else:
                linked = head == "cell" and row.place is not None and row.source in sheet_of
                cells.append(_text(text, styles.own("link" if linked else "text"), number, column))
        lines.append(_line(number, cells))
        if row.place is not None and row.source in sheet_of:
            target = attribute(link_to(sheet_of[row.source], a1(*row.place)))
            links.append(f'<hyperlink ref="C{number}" location="{target}" display="{attribute(row.texts[2])}"/>')
    columns = "".join(
        f'<col min="{c}" max="{c}" width="{width}" customWidth="1"/>' for c, width in enumerate(WIDTHS, 1)
    )
    main = MAIN if base == OFFICE else "http://purl.oclc.org/ooxml/spreadsheetml/main"
    return ascii_bytes(
        f'{_HEAD}<worksheet xmlns="{main}" xmlns:r="{base}">'
        '<sheetPr><tabColor rgb="FFA3161C"/><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f"</sheetView></sheetViews><cols>{columns}</cols><sheetData>{''.join(lines)}</sheetData>"
        f"{'<hyperlinks>' + ''.join(links) + '</hyperlinks>' if links else ''}"
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>'
    )


def _line(number: int, cells: Sequence[str]) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def _text(text: str, style: int, row: int, column: int) -> str:
    body = f'<is><t xml:space="preserve">{escaped(text)}</t></is>'
    return f'<c r="{column_letters(column)}{row}" s="{style}" t="inlineStr">{body}</c>'
