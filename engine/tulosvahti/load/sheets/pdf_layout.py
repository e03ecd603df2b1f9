"""Glyphs of a page to lines of text that keep its columns apart.

Convention: lengths in points; along a line ``left`` grows to the right, across lines ``base`` grows upward. Spaces are
set by what stands where, not by what the file says: people see gaps, and programs write digits apart or spaces of no
width. No-break and thin spaces are kept, for they part the groups of a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from statistics import median, median_low
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDEST = 2000
_SPOKEN = 0.08
"""Of the height of a line: the least gap at which a space that the file has is seen."""
_SILENT = 0.12
"""The least gap that is a space though the file has none."""
_NORMAL = 0.22, 0.38
"""The spaces between words, narrow and wide; twice the least of a line parts columns."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character and its box on the page; ``angle``: the turn of its line, clockwise, in radians."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    angle: float = 0.0


@dataclass(slots=True)
class _Line:
    """Glyphs on one line; ``bottom`` and ``top`` of the first, so that raised marks do not widen it."""

    bottom: float
    top: float
    glyphs: list[Glyph]

    def overlap(self, glyph: Glyph) -> float:
        """Give how much of the lower of the two heights they share, 0 to 1."""
        shared = min(self.top, glyph.top) - max(self.bottom, glyph.bottom)
        return shared / max(min(self.top - self.bottom, glyph.top - glyph.bottom), 0.1)


def laid_out(glyphs: Iterable[Glyph]) -> list[str]:
    """Give the lines of a page: those of the direction most of it is written in, then the others'."""
    groups: dict[int, list[Glyph]] = {}
    for glyph in glyphs:
        groups.setdefault(round(glyph.angle * 180 / pi) % 360, []).append(glyph)
    lines: list[str] = []
    for degrees, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        if lines:
            lines.append("")
        lines += _written(_turned(group, degrees) if degrees else group)
    return lines


def _turned(glyphs: list[Glyph], degrees: int) -> list[Glyph]:
    """Turn glyphs so that their line runs to the right."""
    along, across = cos(degrees * pi / 180), sin(degrees * pi / 180)
    turned = []
    for item in glyphs:
        corners = [(x, y) for x in (item.left, item.right) for y in (item.bottom, item.top)]
        us, vs = [x * along - y * across for x, y in corners], [x * across + y * along for x, y in corners]
        turned.append(Glyph(item.text, min(us), min(vs), max(us), max(vs)))
    return turned


def _written(glyphs: list[Glyph]) -> list[str]:
    seen = [item for item in glyphs if item.text != " "]
    if not seen:
        return []
    width = max(median(item.right - item.left for item in seen), 0.5)
    start = min(item.left for item in seen)
    lines = _lines(glyphs)
    steps = [above.bottom - below.bottom for above, below in pairwise(lines)]
    usual = median_low(steps) if steps else 0.0
    texts: list[str] = []
    for at, line in enumerate(lines):
        if at and steps[at - 1] > 1.7 * max(usual, line.top - line.bottom):
            texts.append("")
        texts.append(_text(line, start, width))
    return texts


def _lines(glyphs: Sequence[Glyph]) -> list[_Line]:
    """Gather glyphs that share at least half of their height, from the top down."""
    lines: list[_Line] = []
    spaces = []
    last: _Line | None = None
    # The tall ones first: what is raised or lowered beside them then joins their line.
    for item in sorted(glyphs, key=lambda item: (-round(item.top - item.bottom), -item.bottom, item.left)):
        if item.text == " ":
            spaces.append(item)
            continue
        if last is None or last.overlap(item) < 0.5:  # noqa: PLR2004 - half
            last = max(lines, key=lambda line, item=item: line.overlap(item), default=None)  # type: ignore[misc]
            if last is None or last.overlap(item) < 0.5:  # noqa: PLR2004
                last = _Line(item.bottom, item.top, [])
                lines.append(last)
        last.glyphs.append(item)
    for item in spaces:
        best = max(lines, key=lambda line, item=item: line.overlap(item), default=None)  # type: ignore[misc]
        if best is not None and best.overlap(item) >= 0.5:  # noqa: PLR2004
            best.glyphs.append(item)
    return sorted(lines, key=lambda line: -line.bottom)


def _text(line: _Line, start: float, width: float) -> str:
    """Write a line: one space between words, and after a wide gap on at the place on the page."""
    parts: list[str] = []
    length = 0
    height = line.top - line.bottom
    spaced = _spaced(line)
    gaps = [gap for gap, said, _ in spaced if gap >= (_SPOKEN if said else _SILENT) * height]
    wide = 2 * min(max(min(gaps, default=0.0), _NORMAL[0] * height), _NORMAL[1] * height)
    for gap, said, item in spaced:
        if not length or gap > wide:
            column = min(max(round((item.left - start) / width), length + 2 if length else 0), _WIDEST)
            parts.append(" " * (column - length))
        elif gap >= (_SPOKEN if said else _SILENT) * height:
            parts.append(" ")
        else:
            parts.append("")
        parts.append(item.text)
        length += len(parts[-2]) + len(item.text)
    return "".join(parts)


def _spaced(line: _Line) -> list[tuple[float, bool, Glyph]]:
    """Give the glyphs from left to right, each with the gap before it and whether the file has a space there."""
    found: list[tuple[float, bool, Glyph]] = []
    end: float | None = None
    said = False
    for item in sorted(line.glyphs, key=lambda item: (item.left, item.text != " ")):
        if item.text == " ":
            said = True
            continue
        found.append((0.0 if end is None else item.left - end, said, item))
        end = item.right if end is None else max(end, item.right)
        said = False
    return found
