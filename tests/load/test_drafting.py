"""Drafted contracts: what a file shows, what a person has to decide, and that the draft takes the file it came from."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from delivered import delivered, workbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.sheet import Cell
from tulosvahti.load.column_forms import form_of
from tulosvahti.load.contracts import load_contracts
from tulosvahti.load.drafting import UndraftableError, drafted
from tulosvahti.load.tables import take

DATA = Path(__file__).parent / "sheets" / "data"
INPUTS = Path(__file__).parents[2] / "inputs"


def draft(root: Path, name: str, content: bytes) -> tuple[str, Any]:
    """Draft the contract of a file and take the file by it."""
    (root / "inputs").mkdir(exist_ok=True)
    path = root / "inputs" / name
    path.write_bytes(content)
    text = drafted(path)
    (root / "inputs" / "case.yaml").write_text(text, encoding="utf-8")
    contracts, problems = load_contracts(root)
    assert problems == [], text
    return text, take(contracts["case"], root, date(2026, 6, 30))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (["1 234,50", "-7", "1"], 'type: number, decimalChar: ",", groupChar: " "'),
        (["1,5", "2"], 'type: number, decimalChar: ","'),
        (["1.55", "2"], "type: number"),
        (["1", "2"], "type: integer"),
        (["57 %", "90,5 %"], 'type: number, decimalChar: ",", bareNumber: false'),
        (["020", "005"], 'type: string, constraints: {required: true, pattern: "[0-9]{3}"}'),
        (["L-01", "L-02"], 'type: string, constraints: {required: true, pattern: "L-[0-9]{2}"}'),
        (["31.12.2023", "01.02.2023"], 'type: date, format: "%d.%m.%Y"'),
        (["2023-12-31"], "type: date, constraints"),
        (["20231231", "20230101"], 'type: date, format: "%Y%m%d"'),
        (["2023-12", "2024-01"], "type: yearmonth"),
        (["2023", "2024"], "type: year"),
        (["kyllä", "ei", "ei"], 'type: boolean, trueValues: ["kyllä"], falseValues: ["ei"]'),
        (["a", "b", "a", "b", "a", "b"], "type: string, constraints: {required: true, enum: [a, b]}"),
        (["45", "Alle 90", "7"], "type: integer, censored: true, constraints: {required: true}}"),
        (["yli 50,0", "45", "Toteutunut osittain"], 'type: number, decimalChar: ",", censored: true, stated: {"partly_met": ["Toteutunut osittain"]}, constraints'),
        (["Ei toteutunut", "4"], 'type: integer, stated: {"missed": ["Ei toteutunut"]}'),
        (["alle 18-vuotiaat", "45"], "type: string"),
        (["5", "..", "7"], "type: integer}"),
        (["1.2,3", "x"], "type: string, constraints"),
    ],
)  # fmt: skip
def test_field(tmp_path: Path, values: list[str], field: str) -> None:
    text, taken = draft(tmp_path, "case.csv", ("id;v\n" + "".join(f"x{at};{value}\n" for at, value in enumerate(values))).encode())
    assert field in next(line for line in text.splitlines() if "{name: v," in line or '{name: "v"' in line)
    assert (taken.delivery.state, taken.delivery.rejects) == (DeliveryState.ACCEPTED, ()), text


@pytest.mark.parametrize(
    ("values", "comment"),
    [
        (["04/07/20"], "a date as %d/%m/%y or as %m/%d/%y: set type: date and the right format"),
        (["1.234", "5.678"], "numbers with decimal mark '.', or with decimal mark ',' and thousands '.': set type: number, decimalChar and groupChar"),
        ([f"{at:02}.01.2023" for at in range(1, 31)] + ["32.01.2023"], "1 of 31 values do not fit, such as '32.01.2023': they will be rejects"),
        ([str(at) for at in range(3000, 3030)] + ["many"], "1 of 31 values do not fit, such as 'many': they will be rejects"),
        (["", ""], "no value at all: the type is not known"),
    ],
)  # fmt: skip
def test_comment(tmp_path: Path, values: list[str], comment: str) -> None:
    text, _ = draft(tmp_path, "case.csv", ("id;v\n" + "".join(f"x{at};{value}\n" for at, value in enumerate(values))).encode())
    assert f"  # {comment}" in text.splitlines()


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("id;v\na;1\nb;1\n", "primaryKey: [id]"),
        ("v;kunta;vuosi\n1;020;2023\n1;020;2024\n3;005;2023\n", "primaryKey: [kunta, vuosi]"),
        ("n\n1,5\n2,5\n", "# primaryKey: […]"),
    ],
)
def test_key(tmp_path: Path, content: str, key: str) -> None:
    text, _ = draft(tmp_path, "case.csv", content.encode())
    assert any(line.startswith(key) for line in text.splitlines()), text


@pytest.mark.parametrize("ending", ["csv", "xlsx", "xls", "ods", "json", "parquet"])
def test_every_format_takes_its_own_file(tmp_path: Path, ending: str) -> None:
    text, taken = draft(tmp_path, f"case.{ending}", delivered(ending))
    assert taken.delivery.rejects == (), text
    assert taken.delivery.rows == 6
    assert taken.frame is not None
    assert taken.frame["day"].max() == date(2023, 12, 31)


@pytest.mark.parametrize("name", ["B16.csv", "B14.csv", "B44.xlsx", "B08.xlsx", "B38.ods", "R46.csv"])
def test_cases_take_their_own_file(tmp_path: Path, name: str) -> None:
    text, taken = draft(tmp_path, name, (DATA / name).read_bytes())
    assert taken.delivery.state is DeliveryState.ACCEPTED, (text, taken.delivery.explanation)


@pytest.mark.parametrize("path", sorted(INPUTS.glob("*.csv")), ids=lambda path: path.stem)
def test_inputs_of_the_project(tmp_path: Path, path: Path) -> None:
    text, taken = draft(tmp_path, path.name, path.read_bytes())
    assert taken.delivery.state is DeliveryState.ACCEPTED, (text, taken.delivery.explanation)


def test_title_above_and_names_that_are_no_words(tmp_path: Path) -> None:
    content = workbook([["Raportti 2023"], [], ["Kunta nro", "2024 €", "no"], ["020", 1.5, "a"], ["005", 2, "b"]])
    text, taken = draft(tmp_path, "case.xlsx", content)
    assert "header_row: 3" in text
    assert '{name: kunta_nro, header: "Kunta nro",' in text
    assert '{name: c_2024, header: "2024 €", type: number,' in text
    assert '{name: "no", type: string' in text
    assert taken.delivery.rows == 2


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.xlsx", b"PK\x03\x04"), ("a.pdf", b"%PDF-1.4")])
def test_nothing_to_draft_from(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UndraftableError):
        drafted(tmp_path / name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text("aä#:{}[]'\"%&*!|>-0 \t1.,€\u2028", max_size=8), st.text("0123456789.,- %", max_size=8)), min_size=1, max_size=12))
def test_whatever_stands_there_the_draft_is_a_sound_contract(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    import csv  # noqa: PLC0415
    import io  # noqa: PLC0415

    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([("nimi", "arvo"), *rows])
    draft(tmp_path, "case.csv", out.getvalue().encode())


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (["2024Q1", "2024Q2", "2025Q1"], "quarter"),
        (["2024K1", "2024K2", "2025K1"], "quarter"),
        (["2024H1", "2024H2", "2025H1"], "half-year"),
        (["2024M01", "2024M02", "2025M01"], "yearmonth"),
        (["2024W01", "2024W02", "2025W01"], "week"),
        (["2024Q1", "2024M02", "2025Q1"], "string"),
        (["2024Q1", "2024Q2", "2025Q1*"], "string"),
    ],
)
def test_periods_as_statistics_code_them(codes: list[str], kind: str) -> None:
    cells = [Cell(code) for code in codes]
    assert form_of(cells).type == kind


TWO_ROWS = [[None, "2023", None, "2024", None], ["kunta", "naiset", "miehet", "naiset", "miehet"], ["020", 1, 2, 3, 4], ["091", 5, 6, 7, 8], ["Yhteensä", 6, 8, 10, 12]]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_two_rows_of_names_and_a_total(tmp_path: Path, ending: str) -> None:
    lines = [";".join("" if cell is None else str(cell) for cell in row) for row in TWO_ROWS]
    content = workbook(TWO_ROWS) if ending == "xlsx" else ("\n".join(lines) + "\n").encode()
    text, taken = draft(tmp_path, f"case.{ending}", content)
    assert "header_row: 1\n" in text
    assert "header_rows: 2 " in text
    assert "total_row: Yhteensä " in text
    assert "primaryKey: [kunta]" in text
    assert taken.frame is not None, taken.delivery.explanation
    assert taken.frame.drop("__row", "__rejected").rows() == [("020", 1, 2, 3, 4), ("091", 5, 6, 7, 8)]
    assert not taken.delivery.rejects


@pytest.mark.parametrize(
    "content",
    ["a;b\n1;2\nx;3\n", "Otsikko\na;a\n1;2\n", "a;b\nyhteensä;2\nx;3\nyhteensä;5\n"],
)
def test_neither_where_the_file_shows_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "case.csv").write_text(content, encoding="utf-8")
    text = drafted(tmp_path / "case.csv")
    assert "header_rows" not in text
    assert "total_row" not in text
