"""Large texts, read block by block: the same rows, rejects, reasons, numbers and lines as the strict reader gives."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_ways import Came, agreed

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.period import Grain
from tulosvahti.core.text import Text
from tulosvahti.load import parquet_blocks, rows_read
from tulosvahti.load.block_rows import rows_of, rows_of_text
from tulosvahti.load.files import File
from tulosvahti.load.parquet_blocks import ParquetSource
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.row_store import Summary
from tulosvahti.load.text_blocks import IrregularError
from tulosvahti.problem import Place

FIELDS = (
    Field("id", required=True, pattern="[A-Z]-[0-9]{2}"),
    Field("euro", FieldType.NUMBER, decimal_char=",", group_char=" ", minimum=Decimal(0), missing_values=("", "-", "-9,9"), hidden_values=("-", "-9,9")),
    Field("day", FieldType.DATE, header="päivä", date_format="%d.%m.%Y", maximum=date(2023, 12, 31)),
    Field("n", FieldType.INTEGER, minimum=Decimal(-5), maximum=Decimal(90), missing_values=("", "91"), hidden_values=("91",)),
    Field("note", enum=("ok", "ö", "a;b", 'x"y')),
    Field("on", FieldType.BOOLEAN, true_values=("k",), false_values=("e",)),
    Field("year", FieldType.YEAR),
)
HEAD = "id;euro;päivä;n;extra;note;on;year"


def contract(**changes: object) -> Contract:
    base: dict[str, object] = {"delimiter": ";", "primary_key": ("id",), "comment_char": "#", "frequency": Grain.MONTH, "period": "day"}
    return Contract("leads", Text(), "leads.csv", FIELDS, Place("inputs/leads.yaml"), **(base | changes))  # type: ignore[arg-type]


def read(of: Contract, content: bytes, folder: Path, *, size: int | None) -> Came:
    """Read by blocks of ``size`` bytes, or strictly; a refusal as its sentence."""
    held, place = folder / "held", folder / "rows.parquet"
    held.write_bytes(content)
    place.unlink(missing_ok=True)
    try:
        if size is None:
            file = File("leads.csv", held, hashlib.sha256(content).hexdigest(), len(content))
            summary = rows_read.read_into(of, [file], place, least=1 << 60)
        else:
            summary = rows_of_text(of, held, place, rows_read.MOST_LISTED, size)
    except UnreadableError as error:
        return str(error), None
    return summary, pl.read_parquet(place)


def agree(of: Contract, content: bytes, size: int = 200) -> bool:
    """Hold one way against the other; False: it is left to the strict reader."""
    return agreed(lambda folder: read(of, content, folder, size=size), lambda folder: read(of, content, folder, size=None))


CELLS = {
    "id": st.sampled_from(["A-01", "A-02", "A-03", "B-10", "B-11", "C-00", "D-77", "x", "", " A-01", "id", "yhteensä"]),
    "euro": st.sampled_from(["1", "2,5", "0,125", "1 234,50", "-", "", "-9,9", "-1", "1.5", ",5", "1,", "(3)", "3-", "1e5", "+4", "12345678901234567890", "0,1234567890123456789", " 7 ", "1\u00a0000", "12 34"]),
    "day": st.sampled_from(["1.2.2023", "31.12.2023", "30.02.2023", "2023-01-01", "", "1.1.2024"]),
    "n": st.sampled_from(["0", "-0", "007", "91", "-6", "+5", "1,0", "", "9223372036854775808", "\u0663", "1.0", " 3"]),
    "extra": st.sampled_from(["", "x", "anything"]),
    "note": st.sampled_from(["ok", "ö", "", " ", '"a;b"', '"x""y"', "no", '"ok"']),
    "on": st.sampled_from(["k", "e", "", "x"]),
    "year": st.sampled_from(["2023", "", "23"]),
}
ROWS = st.tuples(*CELLS.values()).map(";".join)
ODD = st.sampled_from(["", "# a comment", "  ", "A-01;1", "B-10;2,5;1.2.2023;1;x;ok;k;2023;more", ";;;;;;;", '"', 'A-01;"1;', 'A"b;1;;;;;;', "\x00", "a\rb", "id;euro", '"two\nlines";1;;;;;;', "\x1c;;;;;;;"])


@given(st.lists(ROWS, max_size=25), st.lists(st.tuples(st.integers(0, 25), ODD), max_size=2), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from([60, 200, 100_000]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_readers_agree(rows: list[str], odd: list[tuple[int, str]], end: str, last: bool, size: int) -> None:
    lines = [HEAD, *rows]
    for at, line in odd:
        lines.insert(min(at, len(lines)), line)
    text = end.join(lines) + (end if last else "")
    agree(contract(), text.encode(), size)
    agree(contract(primary_key=("id", "n"), quote_char="", comment_char=""), text.encode("utf-8-sig"), size)


@given(st.lists(st.text("0123456789,.- '\u00a0()+%", max_size=8), min_size=1, max_size=30), st.sampled_from([",", "."]), st.sampled_from(["", " ", ".", "'"]), st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_numbers_are_the_same_numbers(texts: list[str], mark: str, group: str, is_open: bool, percent: bool) -> None:
    if mark == group:
        return
    fields = (Field("a"), Field("x", FieldType.NUMBER, decimal_char=mark, group_char=group, form_open=is_open, percent=percent), Field("i", FieldType.INTEGER, decimal_char=mark, group_char=group, form_open=is_open))
    body = "".join(f"r;{text};{text}\n" for text in texts)
    agree(replace(contract(primary_key=(), period=""), fields=fields), f"a;x;i\n{body}".encode(), 40)


@given(st.lists(st.sampled_from(["020", "20", "5", "0", "", "9", "1234", "x", " 20", "\u0662\u0660", "-1"]), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_codes_are_filled_up_the_same_way(codes: list[str]) -> None:
    fields = (Field("a"), Field("code", pattern="[0-9]{3}", missing_values=("", "9")))
    body = "".join(f"{at};{code}\n" for at, code in enumerate(codes))
    agree(replace(contract(primary_key=(), period=""), fields=fields), f"a;code\n{body}".encode(), 40)


WORDED = st.sampled_from(["1", "45,5", "Alle 90", "alle\u00a090", "yli 50,0", "< 0,5", "<= -1", "Toteutui", "toteutui ", "Ei  toteutunut", "osin", "", "-", "noin 5", "alle x", "alle -3", "90 alle", "0,125"])


@given(st.lists(st.tuples(WORDED, WORDED), min_size=1, max_size=40), st.booleans(), st.booleans(), st.sampled_from([40, 200, 100_000]))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_words_in_place_of_numbers_are_the_same(cells: list[tuple[str, str]], is_open: bool, required: bool, size: int) -> None:
    stated = (("met", "Toteutui"), ("missed", "Ei toteutunut"))
    fields = (
        Field("a"),
        Field("x", FieldType.NUMBER, decimal_char=",", form_open=is_open, censored=True, stated=stated, missing_values=("", "-"), required=required, minimum=Decimal(-2)),
        Field("n", FieldType.INTEGER, decimal_char=",", censored=True),
    )
    for key in ((), ("a",)):
        body = "".join(f"r{at if key else at % 3};{one};{two}\n" for at, (one, two) in enumerate(cells))
        agree(replace(contract(primary_key=key, period=""), fields=fields), f"a;x;n\n{body}".encode(), size)


def test_words_in_place_of_numbers_are_read_by_blocks() -> None:
    fields = (Field("a"), Field("x", FieldType.NUMBER, decimal_char=",", censored=True, required=True))
    body = "".join(f"r{at};{'alle 90' if at % 7 == 3 else f'{at},5'}\n" for at in range(200))
    assert agree(replace(contract(primary_key=("a",), period=""), fields=fields), f"a;x\n{body}".encode(), 300)


def test_a_total_without_a_key_is_left_to_the_strict_reader() -> None:
    fields = (Field("a"), Field("n", FieldType.INTEGER))
    assert not agree(replace(contract(primary_key=(), period=""), fields=fields), b"a;n\nx;1\ny;2\nYhteens\xc3\xa4;3\n", 1 << 20)


PLAIN = [f"A-{at:02};{at},50;1.2.2023;{at % 90};;ok;k;2023" for at in range(60)]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines,
        lambda lines: [*lines[:20], "A-20;x;1.2.2023;1;;ok;k;2023", *lines[21:]],                     # a fault
        lambda lines: [*lines[:20], "bad;-1;1.2.2025;99;;no;x;23", *lines[21:]],                      # constraints
        lambda lines: [*lines, lines[3], lines[40].replace("2023", "2022"), lines[3]],                # repeated keys
        lambda lines: [*lines[:20], "bad;1;;;;;;", "bad;1;;;;;;", *lines[21:], "bad;1;;;;;;"],        # repeated and bad
        lambda lines: [*lines[:20], "short;row", "", "# comment", "a;b;c;d;e;f;g;h;i;j", *lines[20:]],
        lambda lines: [*lines[:20], 'A-90;"2,5";"1.2.2023";5;"q""q;";"ö";k;2023', *lines[20:]],       # quotes
        lambda lines: [*lines[:20], "A-91;0,12345;1.2.2023;5;;ok;k;2023", *lines[20:]],               # more decimals later
        lambda lines: [*lines[:20], "A-92;12345678901234567890;;5;;ok;k;2023", *lines[20:]],          # more digits later
        lambda lines: [*lines[:20], "A-93;,5;;5;;ok;k;2023", "A-94;20 000,5;;5;;ok;k;2023", *lines[20:]],
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252"])
def test_these_are_read_by_blocks(change, encoding: str) -> None:
    text = "\n".join([HEAD, *change(list(PLAIN))]) + "\n"
    declared = encoding if encoding != "utf-8-sig" else "utf-8"
    assert agree(contract(encoding=declared), text.encode(encoding), 300)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "\n" + HEAD + "\nA-01;1;;;;;;\n",                        # two headers
        "a;b\n" + HEAD + "\nA-01;1;;;;;;\n",                            # a header further down
        HEAD + "\nA-01;5;;;;;;\nyhteensä;5;;;;;;\n",                    # a total
        HEAD + '\nA-01;5 "x;;;;;;\n',                                   # a quote inside
        HEAD + '\nA-01;"5\n6";;;;;;\n',                                 # a line end inside quotes
        HEAD + "\nA-01;5\rA-02;;;;;;\n",                                # a carriage return alone
        HEAD + "\nA-01;\0;;;;;;\n",
        HEAD + "\nA-01;" + "1" * 200_000 + ";;;;;;\n",
        "sep=;\n" + HEAD + "\nA-01;1;;;;;;\n",
    ],
)  # fmt: skip
def test_these_are_left_to_the_strict_reader(text: str) -> None:
    assert not agree(contract(), text.encode(), 1 << 20)


VALUES = {
    "id": pl.Series(["A-01", "A-02", None, "A-02", "A-03", "x", "A-02", "yhteens\u00e4 "], dtype=pl.String),
    "euro": pl.Series(["1.50", "-2.25", None, "3.00", "0.00", "4.00", "-2.25", "9.00"], dtype=pl.String).cast(pl.Decimal(9, 2)),
    "p\u00e4iv\u00e4": pl.Series([date(2023, 1, 1), date(2024, 2, 2), None, date(2023, 3, 3)] * 2, dtype=pl.Date),
    "n": pl.Series([1, -9, None, 4, 90, 91, -9, 3], dtype=pl.Int16),
    "extra": pl.Series([1.5, None] * 4),
    "note": pl.Series(["ok", "", " ", "no", None, "a;b", "", "ok"], dtype=pl.String),
    "on": pl.Series([True, False, None, True] * 2, dtype=pl.Boolean),
    "year": pl.Series([2023, None, 23, 2024] * 2, dtype=pl.Int32),
}


@pytest.mark.parametrize("rows", [0, 1, 4, 7])
@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame,
        lambda frame: frame.with_columns(pl.col("id").cast(pl.Categorical).cast(pl.String), pl.col("euro").cast(pl.Decimal(30, 4))),
        lambda frame: frame.with_columns(pl.col("euro").cast(pl.Float64)),
        lambda frame: frame.with_columns(pl.col("n").cast(pl.String)),
        lambda frame: frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in ("id", "note")),
        lambda frame: pl.concat([frame, frame.clear(1)]),
    ],
)
def test_parquet_by_blocks_is_what_it_is_cell_by_cell(tmp_path: Path, rows: int, change, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_blocks, "_ROWS", 2)
    frame = change(pl.DataFrame(VALUES).head(rows))
    held = tmp_path / "leads.parquet"
    frame.write_parquet(held)
    files = [File("leads.parquet", held, "0" * 64, held.stat().st_size)]
    of = contract()
    strict = rows_read.read_into(of, files, tmp_path / "strict.parquet", least=1 << 60)
    try:
        found = rows_of(of, ParquetSource(of, held), tmp_path / "rows.parquet", rows_read.MOST_LISTED)
    except IrregularError:
        assert not rows or frame.schema["euro"] == pl.Float64 or frame.schema["n"] == pl.String or not frame["id"].count() or rows < frame.height
        return
    assert found == strict
    assert pl.read_parquet(tmp_path / "rows.parquet").rows() == pl.read_parquet(tmp_path / "strict.parquet").rows()


@pytest.mark.parametrize("again", ["id;name;code", "name;id;code", "code;name;id"])
def test_a_header_of_texts_that_comes_again_is_the_strict_readers(again: str, tmp_path: Path) -> None:
    texts = Contract("words", Text(), "leads.csv", tuple(map(Field, ("id", "name", "code"))), Place("inputs/words.yaml"), delimiter=";")
    content = f"id;name;code\na;b;c\n{again}\nd;e;f\n".encode()
    summary, _ = read(texts, content, tmp_path, size=None)
    assert isinstance(summary, Summary)
    assert summary.sound == (2 if again == "id;name;code" else 1)
    with pytest.raises(IrregularError):
        rows_of_text(texts, tmp_path / "held", tmp_path / "rows.parquet", rows_read.MOST_LISTED, 1 << 20)


@pytest.mark.parametrize("size", [4_000, 16 << 20], ids=["many blocks", "one block"])
@pytest.mark.parametrize("column", [5, 4], ids=["read", "not read"])
@pytest.mark.parametrize("place", [0, 3_000, 5_999], ids=["first", "middle", "last"])
@pytest.mark.parametrize("odd", [b"\xff", b"\xe2\x82", b"\xed\xa0\x80"])
def test_bytes_that_are_no_utf_8_are_never_replaced(tmp_path: Path, odd: bytes, place: int, column: int, size: int) -> None:
    head, row = HEAD.encode(), "A-{:02};1;1.2.2023;1;extra;\u00f6;k;2023"
    rows = [row.format(at % 100).encode() for at in range(6_000)]
    of, held = contract(primary_key=(), quote_char=""), tmp_path / "held"
    held.write_bytes(b"\n".join([head, *rows, b""]))
    assert rows_of_text(of, held, tmp_path / "rows.parquet", rows_read.MOST_LISTED, size).sound == len(rows)
    cells = rows[place].split(b";")
    cells[column] += odd
    rows[place] = b";".join(cells)
    held.write_bytes(b"\n".join([head, *rows, b""]))
    with pytest.raises((IrregularError, UnreadableError)):
        rows_of_text(of, held, tmp_path / "rows.parquet", rows_read.MOST_LISTED, size)
    content = held.read_bytes()
    with pytest.raises(UnreadableError, match="is not utf-8"):
        rows_read.read_into(of, [File("leads.csv", held, hashlib.sha256(content).hexdigest(), len(content))], tmp_path / "kept.parquet", least=1)
