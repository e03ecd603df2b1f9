"""A ZIP archive whose one file is the archive itself: whoever unfolds archives in archives never ends.

The compressed bytes are a programme of two words, each of five bytes: ``L x`` writes the next x bytes (a stored block),
``R x`` writes the last x bytes of what was written once more (a block with fixed codes). Such a programme can write itself
with anything before and behind it, here the headers of the archive: described by R. Cox, "Zip Files All The Way Down", 2010.
"""

from __future__ import annotations

import struct
import zlib

_UNIT = 5
_PREFIX, _SUFFIX = 75, 100
"""Lengths of the headers: what is repeated is then one copy and a last byte that takes nine bits, five bytes together."""


def quine(name: str = "data.csv") -> bytes:
    """Make the archive; ``name`` is that of the file in it."""
    size = len(_archive(name, 0, 0))
    # The checksum is part of what it is of; each of its bits changes the checksum in its own way, whatever the others are.
    start = zlib.crc32(_archive(name, size, 0))
    rows = [((zlib.crc32(_archive(name, size, 1 << bit)) ^ start ^ (1 << bit)), 1 << bit) for bit in range(32)]
    checksum = _solved(rows, start)
    return _archive(name, size, checksum)


def _archive(name: str, size: int, checksum: int) -> bytes:
    packed = max(size - _PREFIX - _SUFFIX, 0)
    shape = struct.pack("<HHHHHLLL", 20, 0, zlib.DEFLATED, 0, 33, checksum, packed, size)
    extra = _PREFIX - 30 - len(name)
    before = b"PK\3\4" + shape + struct.pack("<HH", len(name), extra) + name.encode() + struct.pack("<HH", 0xFFFF, extra - 4) + bytes(extra - 4)
    entry = b"PK\1\2" + struct.pack("<H", 20) + shape + struct.pack("<HHHHHLL", len(name), 0, 0, 0, 0, 0, 0) + name.encode()
    comment = b"." * (_SUFFIX - len(entry) - 22 - 1) + b"\xff"
    behind = entry + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(entry), _PREFIX + packed, len(comment)) + comment
    assert (len(before), len(behind)) == (_PREFIX, _SUFFIX)
    return before + _programme(before, behind) + behind


def _programme(before: bytes, behind: bytes) -> bytes:
    first, last = len(before) + _UNIT, len(behind) + _UNIT
    write_first, write_last = _write(first), _write(last)
    again_first, again_last = _repeat(first, before + write_first), _repeat(last, behind, final=True)
    none, one, four, again = _write(0), _write(_UNIT), _write(4 * _UNIT), _repeat_four()
    return b"".join([
        write_first, before, write_first,
        again_first,
        one, again_first,
        one, one,
        four, again_first, one, one, four,
        again,
        four, again, four, again, four,
        again,
        four, again, none, none, write_last,
        again,
        none, none, write_last, again_last, behind,
        again_last,
    ])  # fmt: skip


def _write(size: int) -> bytes:
    return struct.pack("<BHH", 0, size, size ^ 0xFFFF)


def _repeat(size: int, text: bytes, *, final: bool = False) -> bytes:
    """Repeat ``size`` bytes, of which ``text`` are the last: a copy of all but one (67 to 114) and the last (144 to 255)."""
    length = size - 1
    code, least = next((code, least) for code, least in ((277, 67), (278, 83), (279, 99)) if least <= length < least + 16)
    distance, from_ = next((code, least) for code, least in ((12, 65), (13, 97)) if least <= size < least + 32)
    bits = [
        (int(final) | 1 << 1, 3, False), (code - 256, 7, True), (length - least, 4, False), (distance, 5, True), (size - from_, 5, False),
        (0b110010000 + text[-1] - 144, 9, True), (0, 7, True),
    ]  # fmt: skip
    return _packed(bits)


def _repeat_four() -> bytes:
    """Repeat 20 bytes: two copies of ten."""
    copy = [(264 - 256, 7, True), (8, 5, True), (20 - 17, 3, False)]
    return _packed([(1 << 1, 3, False), *copy, *copy, (0, 7, True)])


def _packed(bits: list[tuple[int, int, bool]]) -> bytes:
    """Pack values of so many bits, the lowest first; codes have their highest first."""
    number, at = 0, 0
    for value, width, code in bits:
        number |= (int(f"{value:0{width}b}"[::-1], 2) if code else value) << at
        at += width
    assert at == 8 * _UNIT
    return number.to_bytes(_UNIT, "little")


def _solved(rows: list[tuple[int, int]], wanted: int) -> int:
    """Choose the rows whose left sides come to what is wanted, without carrying; give the sum of their right sides."""
    found = 0
    for bit in range(32):
        pivot = next((row for row in rows if row[0] >> bit & 1), None)
        if pivot is None:
            assert not wanted >> bit & 1, "no checksum fits: take another length"
            continue
        rows = [(row[0] ^ pivot[0], row[1] ^ pivot[1]) if row[0] >> bit & 1 else row for row in rows if row is not pivot]
        if wanted >> bit & 1:
            wanted, found = wanted ^ pivot[0], found ^ pivot[1]
    return found
