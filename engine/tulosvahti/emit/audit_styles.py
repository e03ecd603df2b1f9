"""A workbook's styles with marked copies: the same font, border and number format on another fill.

A font so light that it would not be read on the mark's fill is made dark in the copy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tulosvahti.emit.audit_xml import UnpatchableError, appended, ascii_bytes, edited, tree, with_attribute

if TYPE_CHECKING:
    from tulosvahti.emit.audit_xml import Edit, Tag

FILLS = {"wrong": "FFFFC0C0", "doubt": "FFFFEB9C", "remark": "FFCFE4F7"}
INK = "FF1D232B"
_LIGHT = 150
"""A font colour of at least this brightness (0 to 255) is not read on a light fill."""
_LIGHT_THEME = {0, 2}
_LIGHT_INDEXED = {1, 9, 5, 13, 7, 15, 26, 27, 34, 35, 41, 42, 43, 47, 22}
_FACE = '<name val="Arial"/><family val="2"/></font>'
_PLAIN = f'<font><sz val="10"/>{_FACE}'
_SOLID = '<fill><patternFill patternType="solid"><fgColor rgb="{}"/><bgColor indexed="64"/></patternFill></fill>'
OWN = {
    "head": (f'<font><b/><sz val="10"/>{_FACE}', _SOLID.format("FFE9EEF4"), 0),
    "text": (_PLAIN, "", 0),
    "whole": (_PLAIN, "", 3),
    "places": (_PLAIN, "", 4),
    "link": (f'<font><u/><sz val="10"/><color rgb="FF0B5394"/>{_FACE}', "", 0),
}
"""Styles of the sheet of findings: font, fill, number format."""


class Styles:
    """The styles part while marked styles are asked for; ``data`` gives it with all of them."""

    def __init__(self, data: bytes) -> None:
        """Read what is there.

        Raises:
            UnpatchableError: the part lacks fonts, fills or cell formats.

        """
        self._data = data
        root = tree(data)
        parts = [root.child(name) for name in ("fonts", "fills", "cellXfs")]
        if any(part is None or not part.children for part in parts):
            msg = "the styles have no fonts, fills or formats"
            raise UnpatchableError(msg)
        self._fonts, self._fills, self._formats = (part for part in parts if part is not None)
        self._prefix = root.prefix
        self._new: dict[str, list[bytes]] = {"fonts": [], "fills": [], "cellXfs": []}
        self._known: dict[tuple[int, str], int] = {}
        self._fill_of: dict[str, int] = {}
        self._dark: dict[int, int] = {}

    def marked(self, style: int, kind: str) -> int:
        """Give the style of a cell with a mark."""
        if (style, kind) not in self._known:
            formats = self._formats.children
            base = formats[style] if 0 <= style < len(formats) else formats[0]
            tag = with_attribute(self._data[base.start : base.opened], "fillId", str(self._fill(kind)))
            tag = with_attribute(tag, "applyFill", "1")
            font = int(base.attributes.get("fontId", "0"))
            dark = self._readable(font)
            if dark != font:
                tag = with_attribute(with_attribute(tag, "fontId", str(dark)), "applyFont", "1")
            self._known[style, kind] = self._add("cellXfs", tag + self._data[base.opened : base.end])
        return self._known[style, kind]

    def own(self, kind: str) -> int:
        """Give a style of the sheet of findings."""
        if (-1, kind) not in self._known:
            font, fill, number = OWN[kind]
            p = self._prefix
            font_id = self._add("fonts", self._prefixed(font))
            fill_id = self._add("fills", self._prefixed(fill)) if fill else 0
            xf = (
                f'<{p}xf numFmtId="{number}" fontId="{font_id}" fillId="{fill_id}" borderId="0" xfId="0" '
                f'applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1">'
                f'<{p}alignment vertical="top" wrapText="1"/></{p}xf>'
            )
            self._known[-1, kind] = self._add("cellXfs", ascii_bytes(xf))
        return self._known[-1, kind]

    @property
    def data(self) -> bytes:
        """Give the part with everything that was asked for."""
        edits: list[Edit] = []
        for tag in (self._fonts, self._fills, self._formats):
            new = self._new[tag.local]
            if not new:
                continue
            edits.append(appended(self._data, tag, b"".join(new).decode("utf-8")))
            if "count" in tag.attributes:
                opened = with_attribute(self._data[tag.start : tag.opened], "count", str(len(tag.children) + len(new)))
                edits.append((tag.start, tag.opened, opened))
        return edited(self._data, edits)

    def _add(self, part: str, text: bytes) -> int:
        there = {"fonts": self._fonts, "fills": self._fills, "cellXfs": self._formats}[part]
        self._new[part].append(text)
        return len(there.children) + len(self._new[part]) - 1

    def _fill(self, kind: str) -> int:
        if kind not in self._fill_of:
            self._fill_of[kind] = self._add("fills", self._prefixed(_SOLID.format(FILLS[kind])))
        return self._fill_of[kind]

    def _prefixed(self, text: str) -> bytes:
        """Write elements with the part's own prefix."""
        return ascii_bytes(re.sub(r"<(/?)", rf"<\1{self._prefix}", text))

    def _readable(self, font: int) -> int:
        """Give the font itself, or its dark copy where it is light."""
        if font in self._dark:
            return self._dark[font]
        self._dark[font] = font
        if 0 <= font < len(self._fonts.children):
            tag = self._fonts.children[font]
            colour = tag.child("color")
            if colour is not None and _is_light(colour):
                ink = ascii_bytes(f'<{colour.name} rgb="{INK}"/>')
                self._dark[font] = self._add(
                    "fonts", self._data[tag.start : colour.start] + ink + self._data[colour.end : tag.end]
                )
        return self._dark[font]


def _is_light(colour: Tag) -> bool:
    given = colour.attributes
    tint = float(given.get("tint", "0") or 0)
    if "rgb" in given:
        code = given["rgb"][-6:]
        red, green, blue = (int(code[k : k + 2], 16) for k in (0, 2, 4))
        return (299 * red + 587 * green + 114 * blue) / 1000 >= _LIGHT
    if "theme" in given:
        return (int(given["theme"]) in _LIGHT_THEME and tint > -0.4) or tint >= 0.5
    return "indexed" in given and int(given["indexed"]) in _LIGHT_INDEXED
