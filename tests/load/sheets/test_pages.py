"""Web pages and JSON: tables as they are shown, also where the tags are broken."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.sheet import Area, Cell, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.load.sheets import Reading

    Read = Callable[..., Reading]


def _texts(reading: Reading) -> list[list[list[str]]]:
    assert not reading.problems
    return [[[cell.text for cell in row] for row in sheet.rows] for sheet in reading.sheets]


@pytest.mark.parametrize(
    ("content", "tables"),
    [
        ("<table><tr><td>a</td><td>b</td></tr></table>", [[["a", "b"]]]),
        ("<html><table><tr><th>a<th>b<tr><td>1<td>2</table>", [[["a", "b"], ["1", "2"]]]),     # no end tags
        ("<table><td>a<td>b", [[["a", "b"]]]),
        ("<table><tr><td>1&nbsp;234<br>x &amp; y</td></tr></table></div></table></td>", [[["1\u00a0234 x & y"]]]),
        ("<table><tr><td>a\n  b<p>c</p></td></tr></table>", [[["a b c"]]]),
        ("<table><tr><td>50<sup>2</sup></td><td>H<sub>2</sub>O</td></tr></table>", [[["50²", "H₂O"]]]),
        ("<table><tr><td>a<table><tr><td>in</table>b</td><td>c</table>", [[["ab", "c"]], [["in"]]]),
        ("<table><caption>t</caption><tr><td>a<script>x<y</script><style>z</style></td></tr></table>", [[["a"]]]),
        ("<html><head><title>t<table><tr><td/><td>b</table>", [[["", "b"]]]),
    ],
)  # fmt: skip
def test_tables(read: Read, content: str, tables: list[list[list[str]]]) -> None:
    assert _texts(read("page.html", content)) == tables


def test_names_and_empty_tables(read: Read) -> None:
    reading = read("page.html", "<table></table><table><tr><td>a</table>")
    assert [sheet.source for sheet in reading.sheets] == ["page.html#2"]
    (problem,) = read("page.html", "<html><p>x").problems
    assert (problem.message, problem.next_step) == ("file has no tables", "name a file with a table in it")


def test_spans_and_what_is_hidden(read: Read) -> None:
    content = (
        '<table><tr><th rowspan=2>a<th colspan="2">b<th style="display:none">h'
        "<tr><td>c<td>d<td style='DISPLAY : none'>h"
        '<tr style="visibility:collapse"><td>e<td rowspan="99999999999">f</table><table hidden><tr><td>g</table>'
    )
    first, second = read("page.html", content).sheets
    assert [[cell.text for cell in row] for row in first.rows] == [["a", "b", "", "h"], ["", "c", "d", "h"], ["e", "f"]]
    assert first.merged == (Area(0, 0, 1, 0), Area(0, 1, 0, 2))
    assert (first.hidden_rows, first.hidden_columns) == (frozenset({2}), frozenset({3}))
    assert (first.hidden, second.hidden) == (False, True)


def test_a_page_named_as_a_workbook(read: Read) -> None:
    content = '<html xmlns:x="urn:schemas-microsoft-com:office:excel"><meta charset=windows-1252><table><tr><td>yö<td x:num="1234.5" x:fmla="=SUM(B1:B2)">1 234,5</table>'
    reading = read("book.xls", content.encode("cp1252"))
    assert reading.notices == (Notice("opened_by_content", (), ("xls", "html")),)
    assert reading.sheets[0].rows[0] == (Cell("yö"), Cell("1 234,5", Decimal("1234.5"), "number", "", "=SUM(B1:B2)"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(read: Read, encoding: str) -> None:
    reading = read("page.html", "<table><tr><td>yö</table>".encode(encoding))
    assert _texts(reading) == [[["yö"]]]
    assert reading.notices == ((Notice("encoding", (), ("cp1252",)),) if encoding == "cp1252" else ())


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "R32.json",
            [
                ["Vuosineljännes", "Alue", "Indeksi (2020=100)"],
                ["2023Q4", "pks", "94.8"],
                ["2024Q1", "pks", "."],
                ["2024Q2", "pks", "93.7"],
            ],
        ),
        (
            "R38.json",
            [
                ["", "value"],
                ["report.rows", "7418485"],
                ["report.duplicate_fingerprints", "124482"],
                ["report.missing_months", "2"],
                ["report.latest_period", "2025-11-01"],
                ["report.run", "2026-03-09"],
                ["report.freshness_days", "128"],
            ],
        ),
    ],
)
def test_json_cases(case: Callable[[str], Reading], name: str, rows: list[list[str]]) -> None:
    assert _texts(case(name)) == [rows]


def test_the_same_code_in_two_dimensions(case: Callable[[str], Reading]) -> None:
    (rows,) = _texts(case("R34.json"))
    assert rows[1] == ["SSS", "SSS", "2025", "5652881"]


_CUBE = (
    '{"class":"dataset","id":["a","b"],"size":[2,2],"value":[1,2.50,null,4e3],"dimension":{"a":{"label":"Alue",'
    '"category":{"index":{"y":1,"x":0},"label":{"x":"X","y":"Y"}}},"b":{"category":{"index":["p","q"]}}}}'
)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('[{"a":1,"b":"x"},{"a":2.50,"c":null}]', [["a", "b", "c"], ["1", "x"], ["2.50"]]),
        ('{"data":[{"a":true}],"count":1}', [["a"], ["TRUE"]]),
        ('[["a","b"],[1,2]]', [["a", "b"], ["1", "2"]]),
        ('{"a":1}\n{"a":2}\n', [["a"], ["1"], ["2"]]),
        (_CUBE, [["Alue", "b", "value"], ["X", "p", "1"], ["X", "q", "2.50"], ["Y", "p"], ["Y", "q", "4000"]]),
        ('{"dataset":' + _CUBE.replace("[1,2.50,null,4e3]", '{"3":7}') + "}",
         [["Alue", "b", "value"], ["X", "p"], ["X", "q"], ["Y", "p"], ["Y", "q", "7"]]),
        ('{"a":"\\ud800"}', [["", "value"], ["a", "\ufffd"]]),
        ('{"a":1e999999999, "b":NaN}', [["", "value"], ["a", "1E+999999999"], ["b", "NaN"]]),
    ],
)  # fmt: skip
def test_json(read: Read, content: str, rows: list[list[str]]) -> None:
    reading = read("a.json", content)
    assert _texts(reading) == [rows]
    assert reading.sheets[0].source == "a.json"


def test_json_numbers_are_exact(read: Read) -> None:
    (sheet,) = read("a.json", '{"a":0.10,"b":1e999999999,"c":123456789012345678901234567890}').sheets
    assert sheet.at(1, 1) == Cell("0.10", Decimal("0.10"), "number")
    assert sheet.at(2, 1) == Cell("1E+999999999")  # arithmetic on it would not end
    assert sheet.at(3, 1).value == Decimal(123456789012345678901234567890)


@pytest.mark.parametrize("content", ['{"a":1', "[1,2", '{"a":1}x', "[" * 100_000])
def test_json_that_is_none(read: Read, content: str) -> None:
    (problem,) = read("a.json", content).problems
    assert problem.next_step
