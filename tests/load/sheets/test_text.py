"""Text: which character parts its cells, what encoding it has, and what is no table."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.core.sheet import Notice
from tulosvahti.load.sheets import Limits
from tulosvahti.load.sheets.decoding import decoded
from tulosvahti.load.sheets.dialect import chosen
from tulosvahti.load.sheets.quoting import Dialect, records

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.load.sheets import Reading

    Read = Callable[..., Reading]


def _texts(reading: Reading) -> list[list[str]]:
    assert not reading.problems
    (sheet,) = reading.sheets
    return [[cell.text for cell in row] for row in sheet.rows]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("B04.csv", [["v"], ["1.234,56"], ["1.2,3"], ["1,2,3"], ["1a.2,3"], [",2"]]),
        ("B14.csv", [["mittari", "arvo"], ["Ä", "1"]]),
        (
            "B16.csv",
            [["Country", "Location", "Count", "Date"], ["X", "35.86166;104.19397", "97100,7", "04/07/20"]],
        ),
        ("B26.csv", [["sarake"], [], [], []]),
        (
            "R30.csv",
            [
                ["indicator", "initial target", "revised target", "result"],
                ["Applicants", "3,300", "N/A", "4,800"],
                ["Exam takers", "20,000", "N/A", "20, 342"],
            ],
        ),
    ],
)
def test_cases(case: Read, name: str, rows: list[list[str]]) -> None:
    assert _texts(case(name)) == rows


def test_glued_tables_keep_their_width_and_zeros(case: Read) -> None:
    rows = _texts(case("R48.csv"))
    assert {len(row) for row in rows} == {7}
    assert rows[1][:3] == ["21", "EDUSKUNTA", "01"]


def test_tabs(case: Read) -> None:
    assert _texts(case("R46.csv"))[1] == ["2018", "09", "2018", "ESTIMATE", "7562"]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a|b\n1|2\n", [["a", "b"], ["1", "2"]]),
        ("a;1,5\nb;2,5\n", [["a", "1,5"], ["b", "2,5"]]),                           # commas are decimal marks
        ("1 234,5;2 345,6\n3 456,7;4 567,8\n", [["1 234,5", "2 345,6"], ["3 456,7", "4 567,8"]]),
        ("a\tb, c\n1,5\t2,5\n", [["a", "b, c"], ["1,5", "2,5"]]),
        ('x,y\r\n"a ""q"", b",2\r\n', [["x", "y"], ['a "q", b', "2"]]),
        ('x;y\n"two\nlines";2\nz;3\n', [["x", "y"], ["two\nlines", "2"], ["z", "3"]]),
        ("a;b\n\n1;2\n", [["a", "b"], [], ["1", "2"]]),                              # the blank record counts
        ("Title\n\na;b;c\n1;2;3\n4;5;6\nnote\n", [["Title"], [], ["a", "b", "c"], ["1", "2", "3"], ["4", "5", "6"], ["note"]]),
        ("a;b;c\n1;2\n3;4;5;6\n7;8;9\n", [["a", "b", "c"], ["1", "2"], ["3", "4", "5", "6"], ["7", "8", "9"]]),
        ('a, "b, c", d\n1, "2, 3", 4\n', [["a", "b, c", "d"], ["1", "2, 3", "4"]]),
        ("a;  b\nc;d\n", [["a", "  b"], ["c", "d"]]),                                # spaces tell depth
        ("a;b;c\n", [["a", "b", "c"]]),
        ("a\rb\r", [["a"], ["b"]]),
        ("v\n1,5\n2,5\n", [["v"], ["1,5"], ["2,5"]]),
        ("a;b\nx\x0by;\u2028\n", [["a", "b"], ["x\x0by", "\u2028"]]),                # no line ends, these
    ],
)  # fmt: skip
def test_tables(read: Read, content: str, rows: list[list[str]]) -> None:
    assert _texts(read("t.csv", content)) == rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.txt", "Toiminta-ajatus\n\nKeskus edistää alueita, joilla toimii.\nSe on, kuten muut, virasto.\n"),
        ("t.txt", "Palkat      1 234,50\nMuut          100,00\nYhteensä    1 334,50\n"),
        ("t.csv", "Salaries      1,234     5,678\nOther           100       200\nTotal         1,334     5,878\n"),
        ("t.csv", "Elinkeino-, liikenne- ja muut\n" + "keskukset toimivat\nalueillaan\n" * 20 + "hyvin, tai, ei\n"),
    ],
)
def test_running_text_and_text_laid_out_with_spaces_is_a_page(read: Read, name: str, content: str) -> None:
    reading = read(name, content)
    assert not reading.sheets
    (page,) = reading.pages
    assert (page.source, page.first_line, page.page) == (name, 1, None)
    assert list(page.lines) == content.splitlines()


def test_text_of_a_case_is_a_page(case: Read) -> None:
    (page,) = case("R14.txt").pages
    assert page.lines[3] == "Kustannukset yhteensä 54 0 0"


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_a_table_in_a_text_file_is_a_sheet(read: Read, delimiter: str) -> None:
    content = "\n".join(delimiter.join(row) for row in (["erä", "2024"], ["palkat", "5"], ["muut", "6"]))
    assert len(_texts(read("t.txt", content))[0]) == 2


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        ("erä;1\nyö;2\n".encode(), None),
        ("erä;1\nyö;2\n".encode("utf-8-sig"), None),
        ("erä;1\nyö;2\n".encode("utf-16"), None),
        ("erä;1\nyö;2\n".encode("utf-32"), None),
        ("\ufefferä;1\nyö;2\n".encode("utf-16-be"), None),
        ("erä;1\nyö;2\n".encode("utf-16-le"), Notice("encoding", (), ("utf-16-le",))),
        ("erä;1\nyö;2\n".encode("cp1252"), Notice("encoding", (), ("cp1252",))),
    ],
)
def test_encodings(read: Read, content: bytes, notice: Notice | None) -> None:
    reading = read("t.csv", content)
    assert _texts(reading) == [["erä", "1"], ["yö", "2"]]
    assert reading.notices == ((notice,) if notice else ())


def test_bytes_that_windows_does_not_know() -> None:
    read_as = decoded(b"\xe4\x81;1\n")
    assert read_as is not None
    assert (read_as.text, read_as.encoding, read_as.odd) == ("ä\x81;1\n", "latin-1", True)


def test_one_broken_byte_does_not_change_the_encoding(read: Read) -> None:
    reading = read("t.csv", "ääääääääääääääää;1\n".encode() + b"b\xe4;2\n")
    assert _texts(reading) == [["ääääääääääääääää", "1"], ["b\ufffd", "2"]]
    assert reading.notices == (Notice("characters_lost", (), ("utf-8", "1")),)


def test_a_line_for_excel_is_a_blank_record(read: Read) -> None:
    reading = read("t.csv", "sep=|\na|b;c\n1|2;3\n")
    assert _texts(reading) == [[], ["a", "b;c"], ["1", "2;3"]]
    assert reading.sheets[0].notices == (Notice("separator_line", ("A1",), ("|",)),)


@pytest.mark.parametrize(
    ("content", "rows", "where"),
    [
        ('a;b\n"5 pipe;2\nc;3\n', [["a", "b"], ['"5 pipe', "2"], ["c", "3"]], ("2:1",)),
        ('a;b;c\n"5 pipe;2;3\nc;3;4\nd;"x";5\n', [["a", "b", "c"], ['"5 pipe', "2", "3"], ["c", "3", "4"], ["d", "x", "5"]], ("2:1",)),
        ('"x";1\n"y;2\n"z";3\n', [["x", "1"], ['"y', "2"], ["z", "3"]], ("2:1",)),
    ],
)  # fmt: skip
def test_an_unclosed_quote_swallows_nothing(read: Read, content: str, rows: list[list[str]], where: tuple[str]) -> None:
    reading = read("t.csv", content)
    assert _texts(reading) == rows
    assert reading.sheets[0].notices == (Notice("unclosed_quote", where),)


def test_a_cell_that_csv_refuses_is_read(read: Read) -> None:
    long = "x" * 140_000
    rows = _texts(read("t.csv", f'a;b\n"{long};1\nc;2\n'))
    assert rows == [["a", "b"], [f'"{long}', "1"], ["c", "2"]]


def test_limits(read: Read) -> None:
    reading = read("t.csv", "a;b\n" * 100, limits=Limits(cells=50))
    assert [str(item.message) for item in reading.problems] == ["file has more than 50 cells"]


_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


@given(st.lists(st.lists(_CELL, min_size=2, max_size=4), min_size=1, max_size=5), st.sampled_from(";\t,|"))
def test_what_was_written_is_read(rows: list[list[str]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    literal: list[int] = []
    lines = list(io.StringIO(out.getvalue(), newline=""))
    assert list(records(lines, Dialect(delimiter), literal)) == rows
    assert not literal


@given(st.text(max_size=200), st.booleans())
def test_any_text_gets_an_answer(text: str, table: bool) -> None:
    chosen(text, table=table)
