"""Files made to hurt: the service that takes them lives, stays small, and says in a sentence what is wrong with each.

All go to one process (``intake_service``), one after the other; its memory and that of its children is measured.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delivered import _record, _wide, delivered, workbook
from grids import opendocument, packed
from quine import quine

if sys.platform == "win32":
    pytest.skip("limits of a process are the system's there", allow_module_level=True)

from intake_service import MOST_MEMORY, TOGETHER, Service, faults_of

from tulosvahti.core.contract import Contract, Field
from tulosvahti.core.text import Text
from tulosvahti.load.tables import take
from tulosvahti.problem import Place

HEAD = "code;Euro;day;fine\n"
ROW = "007;1;01.02.2023;kyllä\n"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    started = Service()
    yield started
    started.close()


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def blown(name: str, head: bytes, piece: bytes, times: int, content: bytes) -> bytes:
    """Give an archive with one part replaced by ``head`` and ``times`` times ``piece``, made without unfolding it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    data = first + block * times + packer.flush()
    size = len(head) + len(piece) * times
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist() if info.filename != name}
    whole = zipped(parts)
    at = whole.rindex(b"PK\x05\x06")
    start = int.from_bytes(whole[at + 16 : at + 20], "little")
    marks = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, 0, len(data), size, len(name), 0)
    local = b"PK\x03\x04" + marks + name.encode() + data
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + marks + struct.pack("<HHHII", 0, 0, 0, 0, start) + name.encode()
    count = int.from_bytes(whole[at + 10 : at + 12], "little") + 1
    listed = whole[start:at] + entry
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(listed), start + len(local), 0)
    return whole[:start] + local + listed + b"PK\x05\x06" + end


def sheet(body: str, parts: dict[str, bytes] | None = None) -> bytes:
    """Give a workbook with this XML as its sheet."""
    with zipfile.ZipFile(io.BytesIO(workbook([["code"]]))) as archive:
        known = {info.filename: archive.read(info) for info in archive.infolist()}
    known["xl/worksheets/sheet1.xml"] = body.encode()
    return zipped(known | (parts or {}))


def worksheet(rows: str) -> str:
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def nested() -> bytes:
    content = HEAD.encode()
    for at in range(50):
        content = zipped({f"{at}.csv" if at == 0 else f"{at}": content})
    return content


def overlapping() -> bytes:
    """Let ten entries share the bytes of one, beside a large honest one that hides it in the sum."""
    honest = os.urandom(20_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        made.writestr("a.csv", b"0" * 1000)
        made.writestr("z.csv", honest)
        for at in range(10):
            info = zipfile.ZipInfo(f"b{at}.csv")
            first = made.filelist[0]
            for name in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(info, name, getattr(first, name))
            made.filelist.append(info)
            made.NameToInfo[info.filename] = info
        made._didModify = True  # type: ignore[attr-defined]
    return out.getvalue()


def lying_parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"code": pa.array(["007"] * 300)}), out)
    content = out.getvalue()
    # 300 as Thrift writes it becomes four milliard, wherever the footer says it.
    footer = content[-int.from_bytes(content[-8:-4], "little") - 8 :]
    lied = footer[:-8].replace(b"\xd8\x04", b"\xfe\xff\xff\xff\x1f")
    return content[: -len(footer)] + lied + len(lied).to_bytes(4, "little") + b"PAR1"


def huge_dictionary() -> bytes:
    out = io.BytesIO()
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 40_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"code": text}), out)
    return out.getvalue()


def aborting() -> bytes:
    """Say that the sheet of an old workbook spans more cells than there is memory for."""
    sheets = _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("S1"))
    cells = [_record(129), _record(148, struct.pack("<IIII", 0, 0xFFFFF, 0, 0x3FFF)), _record(145)]
    cells += [_record(0, struct.pack("<I", 0) + bytes(13)), _record(6, struct.pack("<II", 0, 0) + _wide("code"))]
    cells += [_record(0, struct.pack("<I", 0xFFFFF) + bytes(13)), _record(6, struct.pack("<II", 0x3FFF, 0) + _wide("x"))]
    link = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    return zipped({
        "xl/workbook.bin": _record(131) + _record(143) + sheets + _record(144) + _record(132),
        "xl/_rels/workbook.bin.rels": f'<Relationships><Relationship Id="rId1" Type="{link}" Target="worksheets/sheet1.bin"/></Relationships>'.encode(),
        "xl/worksheets/sheet1.bin": b"".join([*cells, _record(146), _record(130)]),
    })  # fmt: skip


def long_line(place: Path) -> None:
    """Write a gibibyte without a line end."""
    piece = b"x" * (1 << 20)
    with place.open("wb") as out:
        out.write(HEAD.encode() + b"007;")
        for _ in range(1024):
            out.write(piece)


_LAUGHS = "<!DOCTYPE a [<!ENTITY b0 'ha'>" + "".join(f"<!ENTITY b{at} '{f'&b{at - 1};' * 10}'>" for at in range(1, 20)) + "]>"
_OUTSIDE = '<!DOCTYPE a [<!ENTITY b19 SYSTEM "file:///etc/passwd">]>'
_CELLS = worksheet('<row r="1"><c r="A1" t="inlineStr"><is><t>&b19;</t></is></c></row>')
_REPEATED = '<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell></table:table-row>'
_FAR = worksheet("".join(f'<row r="{at}"><c r="XFD{at}"><v>1</v></c></row>' for at in range(1, 100_001)))

Case = tuple[str, "bytes | Callable[[Path], object]", str]
CASES: dict[str, Callable[[], Case]] = {
    "zip-bomb": lambda: ("leads.zip", blown("a.csv", HEAD.encode(), b"0" * (1 << 24), 240, zipped({"b.csv": b"x"})), "zip archive is refused: 'a.csv' unfolds"),
    "workbook-bomb": lambda: ("leads.xlsx", blown("xl/worksheets/sheet1.xml", worksheet("")[:-12].encode(), b" " * (1 << 24), 240, workbook([["code"]])), "file unfolds to more than 2 GB"),
    "shared-strings-bomb": lambda: ("leads.xlsx", blown("xl/sharedStrings.xml", f'<sst xmlns="{_MAIN}">'.encode(), b"<si><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></si>" * 200_000, 200, workbook([["code"]])), ""),
    "archive-in-archive-without-end": lambda: ("leads.zip", nested(), "zip archive is refused: '49' in it is an archive itself"),
    "quine-zip": lambda: ("leads.zip", quine("leads.csv"), "zip archive is refused: 'leads.csv' in it is an archive itself"),
    "quine-zip-by-name": lambda: ("leads.zip", quine("leads.zip"), "zip archive is refused: 'leads.zip' in it is an archive itself"),
    "quine-workbook": lambda: ("leads.xlsx", quine("xl/workbook.xml"), ""),
    "overlapping-zip": lambda: ("leads.zip", overlapping(), "zip archive is refused: its files overlap"),
    "billions-of-cells": lambda: ("leads.xlsx", sheet(_FAR), "file has more than 20000000 cells"),
    "billions-of-cells-ods": lambda: ("leads.ods", packed(opendocument(_REPEATED)), "file has more than 20000000 cells"),
    "billions-of-merged-cells": lambda: ("leads.xlsx", sheet(f'<worksheet xmlns="{_MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c></row></sheetData><mergeCells>' + '<mergeCell ref="A1:XFD1048576"/>' * 1000 + "</mergeCells></worksheet>"), ""),
    "entities": lambda: ("leads.xlsx", sheet(_LAUGHS + _CELLS), "sheet 'S1' cannot be read: it declares a document type"),
    "external-entity": lambda: ("leads.xlsx", sheet(_OUTSIDE + _CELLS), "sheet 'S1' cannot be read: it declares a document type"),
    "entities-ods": lambda: ("leads.ods", packed((_LAUGHS + opendocument("<table:table-row><table:table-cell><text:p>&b19;</text:p></table:table-cell></table:table-row>").decode().partition("?>")[2]).encode()), "document cannot be read to its end"),
    "entities-html": lambda: ("leads.html", f"<!DOCTYPE html>{_LAUGHS}<table><tr><td>code</td></tr><tr><td>&b19;</td></tr></table>".encode(), ""),
    "workbook-that-aborts-its-reader": lambda: ("leads.xlsb", aborting(), ""),
    "long-line": lambda: ("leads.csv", long_line, ""),
    "100-000-columns": lambda: ("leads.csv", (";".join(f"c{at}" for at in range(100_000)) + "\n" + ";" * 99_999 + "\n").encode(), "column 'code' is missing"),
    "100-000-columns-json": lambda: ("leads.json", json.dumps([{f"c{at}": at for at in range(100_000)}] * 2).encode(), "no row has a column of the contract"),
    "100-000-columns-parquet": lambda: ("leads.parquet", _wide_parquet(), "file has 100000 columns"),
    "nul-bytes": lambda: ("leads.csv", (HEAD + ROW).encode() + b"008;\0;;\n", "file has a NUL byte on line 3 and is not text"),
    "only-nul-bytes": lambda: ("leads.csv", lambda place: _sparse(place, 1 << 28), ""),
    "path-traversal": lambda: ("leads.zip", zipped({"../../../etc/cron.d/a.csv": HEAD.encode()}), "zip archive is refused: the name '../../../etc/cron.d/a.csv' leads out of the archive"),
    "deep-json": lambda: ("leads.json", b"[" * 1_000_000, ""),
    "deep-json-in-a-record": lambda: ("leads.json", b'[{"code":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", ""),
    "long-number-json": lambda: ("leads.json", b'[{"code":"007","Euro":' + b"9" * 5_000_000 + b',"day":null,"fine":null}]', ""),
    "lying-parquet": lambda: ("leads.parquet", lying_parquet(), ""),
    "huge-dictionary-parquet": lambda: ("leads.parquet", huge_dictionary(), ""),
    "nested-html": lambda: ("leads.html", b"<table>" + b"<div>" * 1_000_000, ""),
    "nested-tables-html": lambda: ("leads.html", b"<table><tr><td>" * 100_000, ""),
    "html-spans": lambda: ("leads.html", b'<table><tr><td rowspan="65534" colspan="1000">code</td></tr>' + b"<tr></tr>" * 70_000 + b"</table>", ""),
}  # fmt: skip


def _sparse(place: Path, size: int) -> None:
    with place.open("wb") as out:
        out.truncate(size)


def _wide_parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({f"c{at}": [1] for at in range(100_000)}), out)
    return out.getvalue()


@pytest.mark.parametrize("kind", list(CASES))
def test_hostile_file(service: Service, kind: str) -> None:
    name, content, explanation = CASES[kind]()
    got = service.take(name, content)
    assert got is not None, "the service died"
    end, used = got
    assert faults_of(end, used) == [], (end, used)
    assert end["state"] == "quarantined"
    assert end["why"].startswith(explanation)
    after, _ = service.take("leads.csv", delivered("csv")) or ({}, {})
    assert after["state"] == "accepted"


def test_the_quine_is_one() -> None:
    archive = quine("leads.csv")
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.read("leads.csv") == archive


def test_no_child_took_more_than_it_may(service: Service) -> None:
    """What a child used is known when it has ended: after as many files as one child reads, all of them have."""
    for _ in range(TOGETHER):
        got = service.take("leads.csv", delivered("csv"))
        assert got is not None
    assert got[1]["child"] < MOST_MEMORY
    assert got[1]["own"] < MOST_MEMORY


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    """What is judged is what is kept: the copy as it was, not what came after."""
    (tmp_path / "inputs").mkdir()
    place = tmp_path / "inputs" / "d.csv"
    place.write_text("id;n\n" + "".join(f"{at};{at}\n" for at in range(50_000)))
    stop = threading.Event()

    def grow() -> None:
        with place.open("a") as out:
            at = 50_000
            while not stop.is_set():
                out.write(f"{at};{at}\n")
                out.flush()
                at += 1

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        contract = Contract("d", Text(), "d.csv", (Field("id"), Field("n")), Place("inputs/d.yaml"), delimiter=";")
        found: Any = take(contract, tmp_path, date(2026, 6, 30))
    finally:
        stop.set()
        writer.join()
    assert found.delivery.explanation in {"", f"{found.delivery.rejected_rows} of {found.delivery.rows + found.delivery.rejected_rows} rows are rejected"}
    kept = [path for path in (tmp_path / ".tulosvahti").rglob("*") if path.is_file() and path.name.startswith(found.delivery.sha256[2:])]
    assert kept
    assert kept[0].read_bytes().count(b"\n") - 1 <= found.delivery.rows + found.delivery.rejected_rows <= kept[0].read_bytes().count(b"\n")
