"""What calamine leaves out of XLS and XLSB cells: which hold an error, and which are shown as percents.

Convention: rows and columns count from 0. Whatever is not as the formats' descriptions have it ([MS-XLS], [MS-XLSB]) ends
the look with what is known so far being nothing: a caller then knows no marks at all, and says so.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tulosvahti.load.sheets.number_format import BUILT_IN, GENERAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA"}
_FREE, _SECTOR_LIST, _MOST = 0xFFFFFFFA, 76, 1 << 28
_RESULT_IS_ERROR = 2


class StrangeError(ValueError):
    """The file is not as its format is described."""


@dataclass
class Marks:
    """Of one sheet, by row and column: errors as people see them, and the codes of percent formats."""

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    percents: dict[tuple[int, int], str] = field(default_factory=dict)


def marks_of(path: Path) -> dict[str, Marks] | None:
    """Give the marks of each sheet by its name; None where they cannot be told."""
    try:
        content = path.read_bytes()
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return _of_xlsb(archive)
        return _of_xls(_stream(content))
    except (struct.error, IndexError, KeyError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
        return None


def _of_xls(book: bytes) -> dict[str, Marks]:
    codes, styles, sheets = dict(BUILT_IN), [], []
    for kind, data in _records(book, 0):
        if kind == 0x0809 and _u16(data, 0) != 0x0600:
            raise StrangeError  # before 1997, records were others
        if kind == 0x041E:
            codes[_u16(data, 0)] = _text(data[2:])
        elif kind == 0x00E0:
            styles.append(_u16(data, 2))
        elif kind == 0x0085:
            size = data[6]
            name = data[8 : 8 + 2 * size].decode("utf-16-le") if data[7] & 1 else data[8 : 8 + size].decode("latin-1")
            sheets.append((name, struct.unpack_from("<I", data)[0]))
    percent = [codes.get(item, GENERAL) if "%" in codes.get(item, "") else "" for item in styles]
    return {name: _old_sheet(book, start, percent) for name, start in sheets}


def _old_sheet(book: bytes, start: int, percent: list[str]) -> Marks:
    marks = Marks()
    for kind, data in _records(book, start):
        if kind in {0x0203, 0x027E, 0x0006, 0x0205}:
            at = (_u16(data, 0), _u16(data, 2))
            _percent(marks, at, percent, _u16(data, 4))
            if kind == 0x0205 and data[7]:
                marks.errors[at] = ERRORS[data[6]]
            elif kind == 0x0006 and data[12:14] == b"\xff\xff" and data[6] == _RESULT_IS_ERROR:
                marks.errors[at] = ERRORS[data[8]]
        elif kind == 0x00BD:
            row, first = _u16(data, 0), _u16(data, 2)
            for number in range((len(data) - 6) // 6):
                _percent(marks, (row, first + number), percent, _u16(data, 4 + 6 * number))
    return marks


def _percent(marks: Marks, at: tuple[int, int], percent: list[str], style: int) -> None:
    if style < len(percent) and percent[style]:
        marks.percents[at] = percent[style]


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Give the records of a substream, to its end."""
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        if kind == 0x000A:
            return
        yield kind, book[at + 4 : at + 4 + size]
        at += 4 + size


def _u16(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<H", data, at)[0])


def _text(data: bytes) -> str:
    size, wide = _u16(data, 0), data[2] & 1
    return data[3 : 3 + 2 * size].decode("utf-16-le") if wide else data[3 : 3 + size].decode("latin-1")


def _stream(content: bytes) -> bytes:
    """Give the stream of the workbook out of its OLE container."""
    sector = 1 << _u16(content, 30)
    small = 1 << _u16(content, 32)
    directory, cutoff, small_list = (struct.unpack_from("<I", content, at)[0] for at in (48, 56, 60))
    listed = [item for item in struct.unpack_from("<109I", content, _SECTOR_LIST) if item < _FREE]
    more = struct.unpack_from("<I", content, 68)[0]
    while more < _FREE and len(listed) * sector < len(content):
        block = struct.unpack_from(f"<{sector // 4}I", content, (more + 1) * sector)
        listed += [item for item in block[:-1] if item < _FREE]
        more = block[-1]
    table = [item for at in listed for item in struct.unpack_from(f"<{sector // 4}I", content, (at + 1) * sector)]

    def chain(start: int, links: list[int], source: bytes, size: int, shift: int) -> bytes:
        pieces, at = [], start
        while at < _FREE:
            pieces.append(source[(at + shift) * size : (at + shift + 1) * size])
            at = links[at]
            if len(pieces) * size > min(len(content) + size, _MOST):
                raise StrangeError  # a chain without end
        return b"".join(pieces)

    entries = chain(directory, table, content, sector, 1)
    root = entries[:128]
    for at in range(0, len(entries), 128):
        entry = entries[at : at + 128]
        name = entry[: max(_u16(entry, 64) - 2, 0)].decode("utf-16-le", "replace")
        if name in {"Workbook", "Book"}:
            start, size = struct.unpack_from("<II", entry, 116)
            if size >= cutoff:
                return chain(start, table, content, sector, 1)[:size]
            inner = chain(struct.unpack_from("<I", root, 116)[0], table, content, sector, 1)
            links = list(struct.unpack(f"<{len(raw) // 4}I", raw)) if (raw := chain(small_list, table, content, sector, 1)) else []
            return chain(start, links, inner, small, 0)[:size]
    raise StrangeError


def _of_xlsb(archive: zipfile.ZipFile) -> dict[str, Marks]:
    links = {}
    for tag in re.findall(r"<Relationship\b[^>]*>", archive.read("xl/_rels/workbook.bin.rels").decode()):
        link, target = re.search(r'\bId="([^"]+)"', tag), re.search(r'\bTarget="([^"]+)"', tag)
        if link and target:
            links[link[1]] = target[1]
    percent = _styles(archive)
    found: dict[str, Marks] = {}
    for kind, data in _parts(archive.read("xl/workbook.bin")):
        if kind == 156:
            key, rest = _wide(data, 8)
            name, _ = _wide(data, rest)
            found[name] = _sheet(archive.read("xl/" + links[key].removeprefix("/xl/")), percent)
    return found


def _styles(archive: zipfile.ZipFile) -> list[str]:
    """Give the percent code of each cell style, empty for the others."""
    if "xl/styles.bin" not in archive.namelist():
        return []
    codes, styles, inside = dict(BUILT_IN), [], False
    for kind, data in _parts(archive.read("xl/styles.bin")):
        if kind == 44:
            codes[_u16(data, 0)] = _wide(data, 2)[0]
        elif kind in {617, 618}:
            inside = kind == 617
        elif kind == 47 and inside:
            styles.append(codes.get(_u16(data, 2), GENERAL))
    return [code if "%" in code else "" for code in styles]


def _sheet(content: bytes, percent: list[str]) -> Marks:
    marks, row = Marks(), 0
    for kind, data in _parts(content):
        if kind == 0:
            row = struct.unpack_from("<I", data)[0]
        elif 1 <= kind <= 11:
            at = (row, struct.unpack_from("<I", data)[0])
            if kind in {2, 5, 9}:
                _percent(marks, at, percent, int.from_bytes(data[4:7], "little"))
            elif kind in {3, 11}:
                marks.errors[at] = ERRORS[data[8]]
    return marks


def _parts(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the records of a part of an XLSB file."""
    at, end = 0, len(content)
    while at < end:
        kind = content[at]
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | content[at] << 7
            at += 1
        size = shift = 0
        for _ in range(4):
            byte = content[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield kind, content[at : at + size]
        at += size


def _wide(data: bytes, at: int) -> tuple[str, int]:
    """Give a text and the place after it."""
    size = struct.unpack_from("<I", data, at)[0]
    end = at + 4 + 2 * size
    return data[at + 4 : end].decode("utf-16-le"), end
