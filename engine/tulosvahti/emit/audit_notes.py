"""Notes (comments) of a worksheet: their part and the drawing of their boxes, new or added to what is there.

A note that a cell has is kept; what the audit says is put below it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import a1
from tulosvahti.emit.audit_xml import UnpatchableError, appended, ascii_bytes, edited, escaped, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tulosvahti.core.audited import Position
    from tulosvahti.emit.audit_sheetxml import SheetMap
    from tulosvahti.emit.audit_xml import Edit, Tag

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
AUTHOR = "Tulosvahti"
WIDTH = 330
"""Pixels of a box; its height follows its text."""
_LINE, _CHARACTERS = 16, 48
_SPACES = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_SHAPE_TYPE = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_END = re.compile(rb"</(?:\w+:)?xml\s*>\s*$")
_SHAPE_ID = re.compile(rb"_x0000_s(\d+)")


@dataclass(frozen=True)
class Notes:
    """Both parts of a worksheet's notes."""

    comments: bytes
    drawing: bytes


def with_notes(texts: Mapping[Position, str], sheet: SheetMap, comments: bytes | None, drawing: bytes | None) -> Notes:
    """Give the parts with a note on each cell; what is None is made.

    Raises:
        UnpatchableError: a part is not as it should be.

    """
    base = comments or ascii_bytes(
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<comments xmlns="{MAIN}"><authors></authors><commentList></commentList></comments>'
    )
    written, fresh = _comments(base, texts)
    drawn = drawing or ascii_bytes(
        f'<xml {_SPACES}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>'
        f"{_SHAPE_TYPE}</xml>"
    )
    return Notes(written, _drawn(drawn, {cell: texts[cell] for cell in fresh}, sheet))


def _comments(data: bytes, texts: Mapping[Position, str]) -> tuple[bytes, list[Position]]:
    """Give the comments with the texts put in, and the cells that had none."""
    root = tree(data)
    authors, listed = root.child("authors"), root.child("commentList")
    if authors is None or listed is None:
        msg = "a sheet's comments have no authors or no list"
        raise UnpatchableError(msg)
    p = root.prefix
    there = {tag.attributes.get("ref", "").replace("$", ""): tag for tag in listed.children}
    edits: list[Edit] = [appended(data, authors, f"<{p}author>{AUTHOR}</{p}author>")]
    number = len(authors.children)
    new: list[str] = []
    fresh: list[Position] = []
    for cell, text in sorted(texts.items()):
        old = there.get(a1(*cell))
        if old is not None:
            edits += _below(data, old, text, p)
            continue
        fresh.append(cell)
        runs = f'<{p}r><{p}t xml:space="preserve">{escaped(text)}</{p}t></{p}r>'
        new.append(f'<{p}comment ref="{a1(*cell)}" authorId="{number}"><{p}text>{runs}</{p}text></{p}comment>')
    if new:
        edits.append(appended(data, listed, "".join(new)))
    return edited(data, edits), fresh


def _below(data: bytes, comment: Tag, text: str, p: str) -> list[Edit]:
    """Put a text below what a comment says; a plain text becomes a run, for runs follow no plain text."""
    body = comment.child("text")
    if body is None:
        msg = "a comment has no text"
        raise UnpatchableError(msg)
    opened = f'<{p}r><{p}t xml:space="preserve">\n\n{escaped(f"{AUTHOR}: {text}")}</{p}t></{p}r>'
    runs = [tag for tag in body.children if tag.local in {"t", "r"}]
    if not runs:
        return [appended(data, body, opened)]
    edits: list[Edit] = []
    for tag in runs:
        if tag.local == "t":
            edits += [(tag.start, tag.start, ascii_bytes(f"<{p}r>")), (tag.end, tag.end, ascii_bytes(f"</{p}r>"))]
    last = runs[-1].end
    return [*edits, (last, last, ascii_bytes(opened))]


def _drawn(data: bytes, texts: Mapping[Position, str], sheet: SheetMap) -> bytes:
    """Put a box for each text into a drawing, which need not be well-formed XML."""
    end = _END.search(data)
    if end is None:
        msg = "a sheet's drawing of notes has no end"
        raise UnpatchableError(msg)
    number = max([1024, *(int(found) for found in _SHAPE_ID.findall(data) if len(found) < 9)])
    head = data[:4096]
    spaced = all(f"xmlns:{prefix}=".encode() in head for prefix in "vox")
    shapes = [] if b'id="_x0000_t202"' in data or b"id='_x0000_t202'" in data else [_SHAPE_TYPE]
    shapes += [_shape(number + k, cell, text, sheet) for k, (cell, text) in enumerate(sorted(texts.items()), 1)]
    body = "".join(shapes)
    if not spaced:
        body = body.replace("<v:shape ", f"<v:shape {_SPACES} ").replace("<v:shapetype ", f"<v:shapetype {_SPACES} ")
    return data[: end.start()] + ascii_bytes(body) + data[end.start() :]


def _shape(number: int, cell: Position, text: str, sheet: SheetMap) -> str:
    lines = sum(1 + len(line) // _CHARACTERS for line in text.split("\n")) + 1
    row, column = cell
    across = _stretch(column + 1, 15, WIDTH, sheet.width)
    down = _stretch(max(row - 1, 0), 10, min(lines, 30) * _LINE, sheet.height)
    # Left column, top row, right column, bottom row, each with its pixels.
    anchor = ", ".join(str(number) for corner in zip(across, down, strict=True) for end in corner for number in end)
    return (
        f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:60pt;margin-top:2pt;'
        f'width:{WIDTH * 3 // 4}pt;height:{lines * _LINE * 3 // 4}pt;z-index:{number % 1024 + 1};visibility:hidden" '
        'fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
        '<v:path o:connecttype="none"/>'
        '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
        f'<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor>'
        f"<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )


def _stretch(first: int, offset: int, pixels: int, size_of: Callable[[int], int]) -> list[tuple[int, int]]:
    """Give where a length begins and ends, as cells and pixels in them."""
    last, left = first, offset + pixels
    while left > (size := size_of(last)) and last < first + 200:
        left -= size
        last += 1
    return [(first, offset), (last, max(left, 0))]
