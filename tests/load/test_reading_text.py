"""What the contract of a text leaves open is told from the file, strictly, and said; what it leaves undecided is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tulosvahti.core.contract import Contract, DeliveryState
from tulosvahti.load.contracts import load_contracts
from tulosvahti.load.tables import Taken, take

AS_OF = date(2026, 6, 30)
NAMED = "fields: [{name: kunta}, {name: arvo, type: number}]"
DECLARED = 'dialect: {delimiter: ";"}\nencoding: utf-8\n'
TEXT = "kunta;arvo\nÄhtäri;1,5\nPäijänne;2\n"


def contract(root: Path, text: str, name: str = "d.csv") -> Contract:
    (root / "inputs").mkdir(exist_ok=True)
    (root / "inputs" / "d.yaml").write_text(f"title: d\npath: {name}\nmax_rejects: 100 %\n{text}\n", encoding="utf-8")
    contracts, problems = load_contracts(root)
    assert problems == []
    return contracts["d"]


def taken(root: Path, text: str, content: str | bytes, name: str = "d.csv") -> Taken:
    of = contract(root, text, name)
    (root / "inputs" / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return take(of, root, AS_OF)


def rows(found: Taken) -> list[tuple[Any, ...]]:
    assert found.frame is not None, found.delivery.explanation
    return found.frame.drop("__row", "__rejected").rows()


def said(found: Taken) -> list[str]:
    return [item.message for item in found.delivery.notices]


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        ("kunta,arvo\na,1\n", None),
        ("kunta;arvo\na;1\n", "the dialect is not declared and was told from the file: delimiter semicolon ';'"),
        ("kunta\tarvo\na\t1\n", "the dialect is not declared and was told from the file: delimiter tab"),
        ("kunta|arvo\na|1\n", "the dialect is not declared and was told from the file: delimiter bar '|'"),
        ("sep=;\nkunta;arvo\na;1\n", "the dialect is not declared and was told from the file: delimiter semicolon ';' (the file's own line sep= names it)"),
        ("'kunta';'arvo'\n'a';'1'\n", "the dialect is not declared and was told from the file: delimiter semicolon ';', quotes \"'\""),
        ('kunta;arvo\n"a";"1"\n', "the dialect is not declared and was told from the file: delimiter semicolon ';'"),
    ],
)  # fmt: skip
def test_dialect(tmp_path: Path, content: str, notice: str | None) -> None:
    found = taken(tmp_path, NAMED, content)
    assert rows(found) == [("a", 1)]
    assert said(found) == ([notice] if notice else [])


def test_a_word_in_apostrophes_is_no_quote(tmp_path: Path) -> None:
    assert rows(taken(tmp_path, NAMED, "kunta;arvo\n'a';1\n'b';2\n")) == [("'a'", 1), ("'b'", 2)]


def test_declared_dialect_is_not_told(tmp_path: Path) -> None:
    found = taken(tmp_path, "dialect: {delimiter: \",\", quoteChar: '\"'}\n" + NAMED, "kunta;arvo\na;1\n")
    assert found.delivery.explanation.startswith("column 'kunta' is missing")


def test_two_dialects_that_read_different_cells_are_refused(tmp_path: Path) -> None:
    found = taken(tmp_path, "fields: [{name: a}, {name: b}]", "a,x\tb\n1,2\t3\n")
    assert found.delivery.state is DeliveryState.QUARANTINED
    assert found.delivery.explanation == (
        "no dialect is declared, and comma ',' with quotes '\"' and tab with quotes '\"' read different cells"
    )
    assert found.delivery.next_step == "declare `dialect: {delimiter: …}` in inputs/d.yaml"


def test_case_b16_with_nothing_declared(tmp_path: Path) -> None:
    content = (Path(__file__).parent / "sheets" / "data" / "B16.csv").read_bytes()
    text = "fields: [{name: Date, type: date}, {name: Location}, {name: Count, type: number}]"
    found = taken(tmp_path, text, content)
    ((day, place, count),) = rows(found)
    assert (day, count) == (None, Decimal("97100.7"))
    assert ";" in place
    assert [item.reason for item in found.delivery.rejects] == [
        "not a date or no such day; allowed: %Y-%m-%d, such as 2023-03-31"
    ]


@pytest.mark.parametrize(
    ("encoding", "notice"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", None),
        ("utf-32", None),
        ("utf-16-le", "the encoding is not declared and was told from the bytes: utf-16-le, without a mark"),
        ("cp1252", "the encoding is not declared and was told from the letters å, ä and ö: windows-1252 (iso-8859-1 and iso-8859-15 read it the same)"),
        ("iso-8859-1", "the encoding is not declared and was told from the letters å, ä and ö: windows-1252 (iso-8859-1 and iso-8859-15 read it the same)"),
    ],
)  # fmt: skip
def test_encoding(tmp_path: Path, encoding: str, notice: str | None) -> None:
    found = taken(tmp_path, "dialect: {delimiter: \";\", quoteChar: '\"'}\n" + NAMED, TEXT.replace(",", ".").encode(encoding))
    assert rows(found) == [("Ähtäri", Decimal("1.5")), ("Päijänne", 2)]
    assert said(found) == ([notice] if notice else [])


def test_windows_is_told_by_its_own_marks(tmp_path: Path) -> None:
    found = taken(tmp_path, NAMED, "kunta,arvo\nÄhtäri – €,1\n".encode("cp1252"))
    assert rows(found) == [("Ähtäri – €", 1)]
    assert said(found) == ["the encoding is not declared and was told from the letters å, ä and ö: windows-1252"]


@pytest.mark.parametrize(
    ("content", "explanation"),
    [
        ("Äänekoski €".encode("iso-8859-15"), "no encoding is declared, and byte 21 on line 2 (0xa4) is '¤' in windows-1252 and iso-8859-1 and '€' in iso-8859-15"),
        ("Päätös äänestää".encode("cp850"), "byte 12 on line 2 (0x84) is not utf-8, and no encoding is declared; cp850 would read words such as 'Päätös'"),
        ("Päätös äänestää".encode("mac-roman"), "byte 12 on line 2 (0x8a) is not utf-8, and no encoding is declared; mac-roman would read words such as 'Päätös'"),
        (b"a \x96 b", "byte 13 on line 2 (0x96) is not utf-8, no encoding is declared, and no å, ä or ö tells which it is: windows-1252 reads it '–', cp850 'û'"),
        ("Ähtäri Äänekoski ".encode() + b"\xe4", "byte 32 on line 2 (0xe4) is not utf-8, though the rest of the file is"),
    ],
)  # fmt: skip
def test_encoding_that_cannot_be_told(tmp_path: Path, content: bytes, explanation: str) -> None:
    found = taken(tmp_path, NAMED, b"kunta,arvo\n" + content + b",1\n")
    assert found.delivery.explanation == explanation
    assert found.delivery.next_step == "declare the file's `encoding` in inputs/d.yaml, or save the file as utf-8"


def test_declared_encoding_is_not_told(tmp_path: Path) -> None:
    found = taken(tmp_path, DECLARED + NAMED, TEXT.encode("cp1252"))
    assert found.delivery.explanation == "byte 11 on line 2 (0xc4) is not utf-8, the declared encoding"


@pytest.mark.parametrize(
    ("texts", "values", "form"),
    [
        (["1.5", "2"], [Decimal("1.5"), 2], None),
        (["1,5", "2"], [Decimal("1.5"), 2], "decimal mark ','"),
        (["1 234,50", "2"], [Decimal("1234.50"), 2], "decimal mark ',', thousands separated by ' '"),
        (["1\u202f234", "2\u00a0000"], [1234, 2000], "decimal mark '.', thousands separated by ' '"),
        (["1.234,5", "2.000"], [Decimal("1234.5"), 2000], "decimal mark ',', thousands separated by '.'"),
        (["1,234.5", "2,000"], [Decimal("1234.5"), 2000], "decimal mark '.', thousands separated by ','"),
        (["1'234.5", "2’000"], [Decimal("1234.5"), 2000], "decimal mark '.', thousands separated by \"'\""),
        (["1.234", "0.125"], [Decimal("1.234"), Decimal("0.125")], None),
        (["1,234", "0,125"], [Decimal("1.234"), Decimal("0.125")], "decimal mark ','"),
        (["12,5-", "(3)"], [Decimal("-12.5"), -3], "decimal mark ','"),
        (["1.5", "2.5", "x"], [Decimal("1.5"), Decimal("2.5"), None], None),
        (["1.5", "2.5", "3,5"], [Decimal("1.5"), Decimal("2.5"), None], None),
    ],
)
def test_form_of_numbers(tmp_path: Path, texts: list[str], values: list[Any], form: str | None) -> None:
    found = taken(tmp_path, DECLARED + NAMED, "kunta;arvo\n" + "".join(f'k;"{text}"\n' for text in texts))
    assert [row[1] for row in rows(found)] == values
    told = [f"column 'arvo': the form of its numbers is not declared and was told from them: {form}"]
    assert said(found) == (told if form else [])


@pytest.mark.parametrize(
    ("texts", "explanation"),
    [
        (["1.234"], "'1.234' is 1.234 with decimal mark '.' or 1234 with decimal mark ',' and thousands '.'"),
        (["1,234", "12,500"], "'1,234' is 1.234 with decimal mark ',' or 1234 with decimal mark '.' and thousands ','"),
        (["1.5", "2,5"], "'1.5' is 1.5 with decimal mark '.' or no number with decimal mark ','"),
    ],
)
def test_form_of_numbers_that_cannot_be_told(tmp_path: Path, texts: list[str], explanation: str) -> None:
    found = taken(tmp_path, DECLARED + NAMED, "kunta;arvo\n" + "".join(f'k;"{text}"\n' for text in texts))
    assert found.delivery.state is DeliveryState.QUARANTINED
    assert found.delivery.explanation == f"column 'arvo': no decimal mark is declared, and {explanation}"
    assert found.delivery.next_step == "declare `decimalChar` (and `groupChar`) of arvo in inputs/d.yaml"


@pytest.mark.parametrize(
    ("head", "more", "notice"),
    [
        ("Otsikko;;\n\nkunta;2023 miehet;2023 naiset", "", "the header was found below 1 other records, which are no rows"),
        ("kunta;2023;\n;miehet;naiset", "", "the header has 2 rows, whose names are joined"),
        ("Taulu 1;;\n;2023;\nkunta;miehet;naiset", "", "the header was found below 1 other records, which are no rows; its names are joined from 2 rows"),
        ("kunta;2023;\n;miehet;naiset", "header_rows: 2\n", None),
        ("Taulu 1;;\nkunta;2023;\n;miehet;naiset", "header_row: 2\nheader_rows: 2\n", None),
        (' kunta ;"2023\n miehet";2023\u00a0naiset ', "", None),
    ],
)  # fmt: skip
def test_header(tmp_path: Path, head: str, more: str, notice: str | None) -> None:
    fields = "fields: [{name: kunta}, {name: m, header: 2023 miehet, type: integer}, {name: n, header: 2023 naiset, type: integer}]"
    found = taken(tmp_path, DECLARED + more + fields, f"{head}\na;1;2\nb;3;4\n")
    assert rows(found) == [("a", 1, 2), ("b", 3, 4)]
    assert said(found) == ([notice] if notice else [])


def test_a_name_twice_that_the_contract_does_not_name_is_no_fault(tmp_path: Path) -> None:
    found = taken(tmp_path, DECLARED + NAMED, "kunta;muu;arvo;muu\na;x;1;y\n")
    assert rows(found) == [("a", 1)]


REGISTER = 'primaryKey: [id]\nfields: [{name: id}, {name: a, type: number, decimalChar: ","}, {name: b, type: integer}, {name: pvm, type: date}]'
ROWS = "id;a;b;pvm\nk1;1,5;2;2026-01-01\nk2;2,25;3;2026-01-02\n"


@pytest.mark.parametrize(
    ("last", "more", "height", "notice", "reasons"),
    [
        ("Yhteensä;3,75;5;", "", 2, "the last row is a total and no row itself: record 4, 'Yhteensä'; its figures are the sums of their columns: a 3.75, b 5", []),
        ("SUMMA:;3,75;5;", "", 2, "the last row is a total and no row itself: record 4, 'SUMMA:'; its figures are the sums of their columns: a 3.75, b 5", []),
        ("Totalt;3,75;;", "", 2, "the last row is a total and no row itself: record 4, 'Totalt'; its figures are the sums of their columns: a 3.75", []),
        ("Total;2;5;", "", 2, "the last row is a total and no row itself: record 4, 'Total'; its figures are the sums of their columns: b 5; not compared: a 2", []),
        (";3,75;5;", "", 2, "the last row is a total and no row itself: record 4, without a key; its figures are the sums of their columns: a 3.75, b 5", []),
        ("Koko maa;3,75;5;", "total_row: Koko maa\n", 2, "the last row is a total and no row itself: record 4, 'Koko maa'; its figures are the sums of their columns: a 3.75, b 5", []),
        ("Yhteensä;3,85;5;", "", 3, "the last row is a total and no row itself: record 4, 'Yhteensä'; its figures are the sums of their columns: b 5", [("a", "3,85", "the total row says 3.85, the rows above sum up to 3.75, difference 0.1: rows are missing, doubled or wrong")]),
        ("Yhteensä;3,75;5;", "total_row: keep\n", 3, None, []),
        ("Yhteensä;3,75;5;", "total_row: Koko maa\n", 3, None, []),
        ("k3;3,75;5;", "", 3, None, []),
        (";3,75;6;", "", 3, None, [("id", "", "required value is missing")]),
    ],
)  # fmt: skip
def test_total_row(tmp_path: Path, last: str, more: str, height: int, notice: str | None, reasons: list[Any]) -> None:
    found = taken(tmp_path, DECLARED + more + REGISTER, f"{ROWS}{last}\n")
    assert found.frame is not None
    assert found.frame.height == height
    assert said(found) == ([notice] if notice else [])
    assert [(item.column, item.value, item.reason) for item in found.delivery.rejects] == reasons
    assert (found.delivery.rows, found.delivery.rejected_rows) == (height - bool(reasons), int(bool(reasons)))


def test_a_total_beside_a_reject_is_not_compared(tmp_path: Path) -> None:
    found = taken(tmp_path, DECLARED + REGISTER, "id;a;b;pvm\nk1;x;2;\nk2;2;3;\nYhteensä;9;5;\n")
    assert [(item.row, item.column) for item in found.delivery.rejects] == [(2, "a")]
    assert said(found) == [
        "the last row is a total and no row itself: record 4, 'Yhteensä'; its figures are the sums of their columns: b 5; not compared: a 9"
    ]


@pytest.mark.parametrize(
    ("middle", "rejected", "first"),
    [
        ("id;a;b;pvm", [4], "the header stands here again: two tables in one file; allowed: one header, at the top"),
        (" id ;a;b; pvm", [4], "the header stands here again: two tables in one file; allowed: one header, at the top"),
        ("pvm;id;a;b", [4, 5], "another header stands here: it begins another table; allowed: one table in a file"),
        ("tunnus;määrä;kappaletta;päivä", [4, 5], "another header stands here: it begins another table; allowed: one table in a file"),
        ("id;määrä;b;päivä", [4, 5], "another header stands here: it begins another table; allowed: one table in a file"),
        ("id;a;b;pvm;lisä", [4, 5], "another header stands here: it begins another table; allowed: one table in a file"),
    ],
)
def test_header_in_the_middle(tmp_path: Path, middle: str, rejected: list[int], first: str) -> None:
    found = taken(tmp_path, DECLARED + REGISTER, f"{ROWS}{middle}\nk4;1;1;2026-01-04\n")
    assert [item.row for item in found.delivery.rejects] == rejected
    assert found.delivery.rejects[0].reason == first
    assert [row[0] for row in rows(found)] == ["k1", "k2", None, "k4" if rejected == [4] else None]


def test_a_row_without_values_is_no_header(tmp_path: Path) -> None:
    found = taken(tmp_path, DECLARED + REGISTER, f"{ROWS}k3;ei tietoa;ei tietoa;ei tietoa\nk4;1;1;2026-01-04\n")
    assert {item.row for item in found.delivery.rejects} == {4}
    assert rows(found)[-1][0] == "k4"


def test_case_r48_spending_and_income_in_one_file(tmp_path: Path) -> None:
    content = (Path(__file__).parents[1] / "audit" / "data" / "R48.csv").read_bytes()
    fields = (
        "fields: [{name: paaluokka, header: Pääluokan numero}, {name: luku, header: Menoluvun numero}, "
        "{name: maararaha, header: Määräraha, type: integer}, {name: toteutuma, header: Toteutuma 2022, type: integer}]"
    )
    found = taken(tmp_path, fields, content)
    assert rows(found)[:2] == [("21", "01", 23865000, 21659248), ("36", "01", 3190510000, 840266997)]
    assert [item.row for item in found.delivery.rejects] == [4, 5]
    assert found.delivery.rejects[1].reason == (
        "stands below the header of another table in record 4; allowed: one table in a file"
    )
