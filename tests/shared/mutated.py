"""Deliveries that are broken on purpose, from a seed: bits, cuts and splices, and what hurts a format where it is weak.

Convention: ``mutated(seed)`` gives the same name and bytes for the same seed, whatever was asked before. Nothing here takes
a second to make; the largest file is a few megabytes.
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from typing import Any

from delivered import delivered

ENDINGS = ("csv", "xlsx", "xlsm", "xls", "xlsb", "ods", "fods", "html", "json", "ndjson", "parquet", "zip")
_ZIPPED = frozenset({"xlsx", "xlsm", "xlsb", "ods", "zip"})
_MARKED = frozenset({"fods", "html"})
_WORDS = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe4", b'"', b"'", b";", b",", b"\r", b"\n", b"\t", b"-", b"(", b"%", b"=1+1", b"@SUM(A1)",
    b"1e999999", b"NaN", b"-0", b"99999999999999999999999999999999999999999999", b"\xc2\xa0", b"\xe2\x88\x92", b"0.1.2", b"1904",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&#x10FFFF;", b"]]>", b"<!--", b"<table>", b"</row>", b"\x1a", b"2147483648",
    b"sep=;\n", b"id;Euro\n", b"{{", b"]", b"null", b"\\u0000", b"\\ud800", b"PK\x03\x04", b"PAR1", b"%PDF-", b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_NUMBERS = ("0", "-1", "1048577", "16385", "4294967295", "999999999999999999999", "1e308", "NaN", "", "ZZZZZZ99999999", "A1:XFD1048576")
_MOST = 4_000_000


def mutated(seed: int) -> tuple[str, bytes]:
    """Give the name and the bytes of one broken delivery."""
    draw = random.Random(seed)  # noqa: S311 - a seed, not a secret
    ending = ENDINGS[seed % len(ENDINGS)]
    content = _sound(ending)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        content = draw.choice(_ways(ending))(draw, content)[:_MOST]
    named = ending if draw.random() < 0.9 else draw.choice(ENDINGS)
    return f"leads.{named}", content


def _sound(ending: str) -> bytes:
    if ending not in _ZIPPED:
        return delivered(ending)
    if ending == "zip":
        parts = {"1.csv": _sound("csv"), "2.xlsx": _sound("xlsx")}
    else:
        with zipfile.ZipFile(io.BytesIO(delivered(ending))) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        # It holds the time at which it was made.
        parts.pop("docProps/core.xml", None)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _ways(ending: str) -> tuple[Any, ...]:
    plain = (_flip, _flip, _cut, _splice, _insert, _repeat)
    if ending in _ZIPPED:
        return (*plain, _member, _member, _member, _member, _directory)
    if ending in _MARKED:
        return (*plain, _markup, _markup, _markup, _markup)
    if ending in {"json", "ndjson"}:
        return (*plain, _tree, _tree, _tree, _deep)
    if ending == "csv":
        return (*plain, _cell, _cell, _cell, _long, _recoded)
    return (*plain, _field, _field)


def _flip(draw: random.Random, content: bytes) -> bytes:
    made = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        if made:
            made[draw.randrange(len(made))] ^= 1 << draw.randrange(8)
    return bytes(made)


def _cut(draw: random.Random, content: bytes) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] if draw.random() < 0.7 else content[at:]


def _splice(draw: random.Random, content: bytes) -> bytes:
    one, two = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    at = draw.randrange(len(content) + 1)
    rest = content[:one] + content[two:] if draw.random() < 0.5 else content
    return rest[:at] + content[one:two] + rest[at:]


def _insert(draw: random.Random, content: bytes) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.choice(_WORDS) * draw.choice((1, 1, 1, 2, 40)) + content[at:]


def _repeat(draw: random.Random, content: bytes) -> bytes:
    at = draw.randrange(len(content) + 1)
    piece = content[at : at + draw.choice((1, 4, 30, 200))]
    return content[:at] + piece * draw.choice((3, 100, 5000)) + content[at:]


def _field(draw: random.Random, content: bytes) -> bytes:
    """Put an extreme number where a length or an offset may stand."""
    size = draw.choice((1, 2, 4, 8))
    at = draw.randrange(max(len(content) - size, 1))
    value = draw.choice((0, 1, 0x7F, 0x80, 0xFF, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)) % 2 ** (8 * size)
    return content[:at] + value.to_bytes(size, "little") + content[at + size :]


def _member(draw: random.Random, content: bytes) -> bytes:
    """Break one part of an archive and pack it again, with the right checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {info.filename: archive.read(info) for info in archive.infolist()}
    except Exception:  # noqa: BLE001 - an archive that is broken already
        return _flip(draw, content)
    if not parts:
        return content
    name = draw.choice(sorted(parts))
    way = draw.choice((_markup, _markup, _markup, _flip, _cut, _insert, _repeat, _field))
    kept = dict(parts)
    kept[name] = way(draw, parts[name])[:_MOST]
    if draw.random() < 0.1:
        kept[draw.choice(("../../a.csv", "a\0.csv", "b.zip", "/etc/passwd", name.upper(), "c.csv"))] = kept.pop(name)
    if draw.random() < 0.1:
        kept.pop(draw.choice(sorted(kept)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", draw.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as made:
        for part, data in kept.items():
            made.writestr(zipfile.ZipInfo(part.replace("\0", "?")), data)
    return out.getvalue()


def _directory(draw: random.Random, content: bytes) -> bytes:
    """Lie in the list of an archive's parts."""
    at = content.rfind(b"PK\x01\x02")
    if at < 0:
        return _flip(draw, content)
    where = at + draw.choice((8, 10, 16, 20, 24, 28, 30, 42))
    return content[:where] + draw.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\0\0\0")) + content[where + 4 :]


def _markup(draw: random.Random, content: bytes) -> bytes:
    """Break a text of tags: an attribute, an element, the nesting, an entity."""
    tags = list(re.finditer(rb"<[^<>]{1,200}>", content[:200_000]))
    if not tags:
        return _insert(draw, content)
    tag = draw.choice(tags)
    kind = draw.randrange(7)
    if kind == 0:
        return content[: tag.start()] + content[tag.end() :]
    if kind == 1:
        return content[: tag.end()] + tag[0] * draw.choice((1, 50, 20_000)) + content[tag.end() :]
    if kind == 2:
        return content[: tag.start()] + b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>&b;" + content[tag.start() :]
    if kind == 3:
        values = list(re.finditer(rb'"[^"<>]*"', tag[0]))
        if values:
            value = draw.choice(values)
            new = tag[0][: value.start()] + b'"' + draw.choice(_NUMBERS).encode() + b'"' + tag[0][value.end() :]
            return content[: tag.start()] + new + content[tag.end() :]
    if kind == 4:
        return content[: tag.end()] + draw.choice(_NUMBERS).encode() + content[tag.end() :]
    if kind == 5:
        return content[: tag.end()] + b"<a>" * draw.choice((10, 10_000)) + content[tag.end() :]
    name = re.match(rb"</?([A-Za-z:]+)", tag[0])
    swapped = tag[0].replace(name[1], draw.choice((b"c", b"row", b"t", b"v", b"f", b"td", b"table:table-cell"))) if name else b""
    return content[: tag.start()] + swapped + content[tag.end() :]


def _tree(draw: random.Random, content: bytes) -> bytes:
    """Put another value somewhere in a JSON text."""
    values: tuple[Any, ...] = (None, True, "", "x" * 1000, -1, 10**400, 1.5, [], {}, [[[]]], {"code": {"code": 1}}, "=cmd()", "2023-02-30", "\ud800")
    try:
        lines = [json.loads(line) for line in content.splitlines()] if content[:1] == b"{" else [json.loads(content)]
    except (ValueError, RecursionError):
        return _flip(draw, content)
    places: list[tuple[Any, Any]] = [(lines, at) for at in range(len(lines))]
    for holder, at in places:
        value = holder[at]
        if len(places) < 2000 and isinstance(value, dict | list):
            places += [(value, key) for key in (value if isinstance(value, dict) else range(len(value)))]
    holder, at = draw.choice(places or [([None], 0)])
    holder[at] = draw.choice(values)
    return b"\n".join(json.dumps(line).encode() for line in lines)


def _deep(draw: random.Random, content: bytes) -> bytes:
    depth = draw.choice((100, 5000, 200_000))
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.choice((b"[", b'{"a":')) * depth + content[at:]


def _cell(draw: random.Random, content: bytes) -> bytes:
    """Put something else in a cell, or a cell too many in a row."""
    rows = content.split(b"\n")
    at = draw.randrange(len(rows))
    cells = rows[at].split(b";")
    cells[draw.randrange(len(cells))] = draw.choice((*_WORDS, b"yhteens\xc3\xa4", b'"a\nb"', b'"', b"1.234,5", b"x" * 5000))
    rows[at] = b";".join(cells[: draw.choice((1, 9, 9, 9))])
    return b"\n".join(rows)


def _long(draw: random.Random, content: bytes) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.choice((b"x", b";", b'"', b"1")) * draw.choice((1000, 200_000, 2_000_000)) + content[at:]


def _recoded(draw: random.Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(draw.choice(("utf-16", "utf-16-le", "utf-32", "cp1252", "cp850", "cp037")), "replace")
