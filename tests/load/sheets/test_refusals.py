"""Files that cannot be read: each says why and what to do, and none takes the others with it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tulosvahti.load.sheets import ALLOWED, Limits, apart, read_sheets
from tulosvahti.load.sheets.wire import Assembler

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.load.sheets import Reading

    Read = Callable[..., Reading]

DATA = Path(__file__).parent / "data"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0")


def _stream(name: str) -> bytes:
    return OLE + name.encode("utf-16-le").ljust(128, b"\0")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "file is empty (0 bytes)"),
        ("a.csv", b" \r\n\n", "file has nothing but white space"),
        ("a.csv", b"a;b\n\0;1\n", "file is neither text nor a workbook: its bytes are of no format that is read"),
        ("a.csv", b"a;b\n" * 20_000 + b"\0", "file has bytes that are of no text"),
        ("a.xlsx", _stream("EncryptedPackage"), "file is a workbook with a password"),
        ("a.doc", _stream("WordDocument"), "file is a Word document"),
        ("a.xls", OLE, "file is an OLE file without a workbook"),
        ("a.xls", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "file is an Excel 2003 XML workbook"),
        ("a.xml", b'<?xml version="1.0"?><a>1</a>', "file is an XML file"),
        ("a.rtf", rb"{\rtf1 a}", "file is an RTF document"),
        ("a.mht", b"MIME-Version: 1.0\n", "file is a web archive (MHTML)"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "file is an image"),
        ("a.gz", b"\x1f\x8b\x08\0\0", "file is a compressed file"),
        ("a.parquet", b"PAR1\0\0", "file is a damaged Parquet file: Parquet file size is 6 bytes, smaller than the minimum file footer (8 bytes)"),
        ("a.arrow", b"ARROW1\0\0", "file is an Arrow file"),
        ("a.db", b"SQLite format 3\0", "file is an SQLite database"),
        ("a.xlsx", b"PK\x03\x04 and no more", "file is a damaged or unfinished zip archive: File is not a zip file"),
    ],
)  # fmt: skip
def test_refused(read: Read, name: str, content: bytes, message: str) -> None:
    reading = read(name, content)
    assert (reading.sheets, reading.pages) == ((), ())
    (problem,) = reading.problems
    assert (problem.message, Path(problem.place.file).name) == (message, name)
    assert problem.next_step


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("word/document.xml", "file is a Word document"),
        ("ppt/presentation.xml", "file is a PowerPoint presentation"),
        ("a.csv", "file is a zip archive"),
    ],
)
def test_other_archives(tmp_path: Path, part: str, message: str) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(part, "x")
    (problem,) = read_sheets(path).problems
    assert (problem.message, problem.allowed) == (message, ALLOWED)


def test_places_that_are_no_files(tmp_path: Path) -> None:
    def message(path: Path) -> str:
        (problem,) = read_sheets(path).problems
        assert problem.next_step
        return problem.message

    assert message(tmp_path) == "this is a folder, not a file"
    assert message(tmp_path / "no.csv") == "file does not exist"
    assert message(tmp_path / "a\0b") == "file does not exist"
    assert message(Path(os.devnull)) == "this is a device or a pipe, not a file"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="an administrator may read everything")
def test_no_rights(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a;b\n")
    path.chmod(0)
    (problem,) = read_sheets(path).problems
    assert problem.message == "file cannot be opened: Permission denied"


def test_a_file_too_large(read: Read) -> None:
    (problem,) = read("a.csv", b"a;b\n" * 1000, limits=Limits(size=1024)).problems
    assert (problem.message, problem.allowed) == ("file is too large (3.91 kB)", "at most 1 kB")


def test_a_name_that_cannot_be_printed(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe4.csv"))
    try:
        path.write_text("a;b\n1;2\n")
    except OSError:
        pytest.skip("this file system takes no such name")
    reading = read_sheets(path)
    assert reading.sheets[0].source == "\ufffd.csv"
    assert reading.path.encode()


def test_a_zip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook>" + b" " * 50_000_000)
    began = time.monotonic()
    (problem,) = read_sheets(path, limits=Limits(unpacked=10_000_000)).problems
    assert problem.message == "file unfolds to more than 9.54 MB"
    assert time.monotonic() - began < 10


def test_a_password_on_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(bytes(content))
    (problem,) = read_sheets(path).problems
    assert problem.message == "the archive has a password"


_READERS = {
    "crash": ("import os\nos.abort()", "the reader crashed on this file (SIGABRT)"),
    "exit": ("import sys\nsys.exit(7)", "the reader crashed on this file (exit code 7)"),
    "hang": (
        "import subprocess, time\nsubprocess.Popen(['sleep', '60'])\ntime.sleep(60)",
        "reading did not end in 1 seconds",
    ),
    "babble": ("print('[\"sheet\", 1, 2, 3]')", "the reader gave what cannot be understood"),
    "noise": ("print('hello')", "the reader gave what cannot be understood"),
    "silence": ("", "the reader crashed on this file (exit code 0)"),
}


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("kind", list(_READERS))
def test_readers_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    code, message = _READERS[kind]
    said = 'print(\'["sheet","!A",false]\\n["rows",[[1,["a"]]]]\\n["end",[],[],[],false,[]]\', flush=True)\n'
    (tmp_path / "fake_reader.py").write_text(said + code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(apart, "_MODULE", "fake_reader")
    reading = read_sheets(DATA / "B06.xlsx", limits=Limits(seconds=1 if kind == "hang" else 30))
    (problem,) = reading.problems
    assert problem.message.startswith(message)
    assert problem.next_step
    assert [sheet.source for sheet in reading.sheets] == ["B06.xlsx!A"]  # what was read is kept


def test_a_module_beside_the_tables_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    (tmp_path / "book.xlsx").write_bytes((DATA / "B06.xlsx").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert not read_sheets(Path("book.xlsx")).problems


def test_memory_is_bounded(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    path = tmp_path / "a.json"
    path.write_text("[" + "[1],\n" * 2_000_000 + "[1]]")
    (problem,) = read_sheets(path, limits=Limits(memory=200_000_000)).problems
    assert "memory" in problem.message or "crashed" in problem.message


def test_what_the_child_may_not_say() -> None:
    assembler = Assembler("a")
    for line in (b"7", b'["nothing"]', b'["rows",[[1,[[1,2,3,4,5,6,7,8]]]]]', b"{", b'["end"]', b'["__init__"]'):
        with pytest.raises((ValueError, TypeError, LookupError, ArithmeticError, AttributeError)):
            assembler.feed(line)


def test_text_needs_no_library_for_workbooks() -> None:
    code = (
        "import sys; from pathlib import Path; from tulosvahti.load.sheets import read_sheets;"
        f"assert read_sheets(Path({str(DATA / 'B16.csv')!r})).sheets;"
        "assert not {'openpyxl', 'python_calamine', 'pypdfium2', 'html.parser', 'polars'} & set(sys.modules)"
    )
    engine = str(Path(apart.__file__).parents[3])
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": engine})  # noqa: S603


@pytest.mark.parametrize("name", ["B06.xlsx", "B38.ods", "budjetti.xls", "R32.json", "B16.csv", "B14.csv"])
def test_damaged_files_give_sheets_or_problems(tmp_path: Path, name: str) -> None:
    chance = random.Random(name)  # noqa: S311 - a test's
    whole = (DATA / name).read_bytes()
    for number in range(8 if name.endswith("csv") else 4):
        content = bytearray(whole)
        if number % 2:
            del content[chance.randrange(len(content)) :]
        else:
            for _ in range(10):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path = tmp_path / f"{number}{Path(name).suffix}"
        path.write_bytes(bytes(content))
        reading = read_sheets(path)
        assert reading.sheets or reading.pages or reading.problems
        assert all(item.message and item.next_step for item in reading.problems)
