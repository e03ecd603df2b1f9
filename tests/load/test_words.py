"""Limits in place of numbers, from each form of file: read where the contract allows them, refused with what to do where not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from delivered import workbook

from tulosvahti.core.contract import Contract, DeliveryState, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.core.worded import words_written
from tulosvahti.load import rows_read
from tulosvahti.load.cells import read_column
from tulosvahti.load.entered import faults_of
from tulosvahti.load.files import File
from tulosvahti.load.frames import frame_of_values
from tulosvahti.load.tables import Taken, take
from tulosvahti.problem import Place
from tulosvahti.run.cases import filled

STATED = (("met", "Toteutui"), ("partly_met", "Toteutunut osittain"), ("missed", "Ei toteutunut"))
ACTUAL = Field("v", FieldType.NUMBER, decimal_char=",", censored=True, stated=STATED, required=True, minimum=Decimal(0))
CONTRACT = Contract("w", Text(), "w.csv", (Field("id"), ACTUAL), Place("inputs/w.yaml"), delimiter=";", max_rejects_percent=Decimal(100))
CELLS = ["45", "Alle 90", "yli\u00a050,0", "< 0,5", "2,8—7", "45,5", "Toteutunut  Osittain", "ei toteutunut"]
KEPT = [(Decimal(45), None), (None, "< 90"), (None, "> 50"), (None, "< 0.5"), (None, ">= 2.8, <= 7"), (Decimal("45.5"), None), (None, "partly_met: Toteutunut Osittain"), (None, "missed: ei toteutunut")]


def taken(root: Path, name: str, content: bytes, contract: Contract = CONTRACT) -> Taken:
    (root / "inputs").mkdir(exist_ok=True)
    (root / "inputs" / name).write_bytes(content)
    return take(replace(contract, path=name), root, date(2026, 6, 30))


def kept(found: Taken) -> list[tuple[object, ...]]:
    assert found.frame is not None, found.delivery.explanation
    return found.frame.select("v", "__words_v").rows()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.csv", ("id;v\n" + "".join(f"a{at};{cell}\n" for at, cell in enumerate(CELLS))).encode()),
        ("w.csv", ("id;v\n" + "".join(f'"a{at}";"{cell}"\n' for at, cell in enumerate(CELLS))).encode("utf-16")),
        ("w.xlsx", workbook([["id", "v"], *([f"a{at}", 45 if cell == "45" else cell] for at, cell in enumerate(CELLS))])),
        ("w.json", json.dumps([{"id": f"a{at}", "v": 45 if cell == "45" else cell} for at, cell in enumerate(CELLS)]).encode()),
    ],
    ids=["csv", "utf-16", "xlsx", "json"],
)
def test_limits_in_each_form_of_file(tmp_path: Path, name: str, content: bytes) -> None:
    found = taken(tmp_path, name, content, replace(CONTRACT, encoding="utf-16" if content[:2] == b"\xff\xfe" else "utf-8"))
    assert kept(found) == KEPT
    assert found.delivery.rejects == ()
    assert found.delivery.state is DeliveryState.ACCEPTED


def test_a_form_that_is_told_from_the_values_is_told_from_limits_too(tmp_path: Path) -> None:
    contract = replace(CONTRACT, fields=(Field("id"), replace(ACTUAL, decimal_char=".", form_open=True)))
    assert kept(taken(tmp_path, "w.csv", b"id;v\na;yli 50,0\nb;3\n", contract)) == [(None, "> 50"), (Decimal(3), None)]


@pytest.mark.parametrize(
    ("cell", "field", "reason"),
    [
        ("Alle 90", replace(ACTUAL, censored=False, stated=()), "a limit and no number; allowed: digits, decimal mark ',', no thousands separator, '%' at the end; `censored: true` of the field in the contract allows limits"),
        ("yli 9", Field("v", FieldType.INTEGER), "a limit and no number; allowed: digits, decimal mark '.', no thousands separator, '%' at the end; `censored: true` of the field in the contract allows limits"),
        ("alle 0", ACTUAL, "no value that the field can have lies there; allowed: >= 0"),
        ("alle kymmenen", ACTUAL, "not a number: unexpected character 'a'; allowed: digits, decimal mark ',', no thousands separator, '%' at the end"),
        ("noin 45", ACTUAL, "not a number: unexpected character 'n'; allowed: digits, decimal mark ',', no thousands separator, '%' at the end"),
    ],
)  # fmt: skip
def test_what_is_no_limit(cell: str, field: Field, reason: str) -> None:
    assert read_column(replace(field, percent=True), [cell]).faults == ((0, reason),)


def test_what_is_missing_stays_missing_and_is_refused_where_a_value_is_required(tmp_path: Path) -> None:
    contract = replace(CONTRACT, fields=(Field("id"), replace(ACTUAL, missing_values=("", "ei mitattu"))))
    found = taken(tmp_path, "w.csv", b"id;v\na;ei mitattu\nb;alle 5\n", contract)
    assert kept(found) == [(None, None), (None, "< 5")]
    assert [(item.row, item.reason) for item in found.delivery.rejects] == [(2, "required value is missing")]


def test_other_contracts_keep_no_words(tmp_path: Path) -> None:
    contract = replace(CONTRACT, fields=(Field("id"), replace(ACTUAL, censored=False, stated=())))
    found = taken(tmp_path, "w.csv", b"id;v\na;45\n", contract)
    assert found.frame is not None
    assert found.frame.columns == ["id", "v", "__row", "__rejected"]


@pytest.mark.parametrize("name", ["w.csv", "w.xlsx", "w.json", "w.ndjson"])
def test_large_files_of_each_form_are_read_by_blocks(tmp_path: Path, name: str) -> None:
    rows = [[f"a{at}", cell if (cell := CELLS[at % 8]) != "45" else 45] for at in range(300)]
    records = [json.dumps({"id": one, "v": two}) for one, two in rows]
    content = {
        "w.csv": "id;v\n" + "".join(f"{one};{two}\n" for one, two in rows), "w.json": f"[{','.join(records)}]", "w.ndjson": "\n".join(records),
    }.get(name)  # fmt: skip
    (tmp_path / name).write_bytes(workbook([["id", "v"], *rows]) if content is None else content.encode())
    size = (tmp_path / name).stat().st_size
    file, contract = File(name, tmp_path / name, "", size), replace(CONTRACT, primary_key=("id",), path=name)
    found = rows_read._large(contract, file, tmp_path / "rows.parquet")
    assert found.rejects == ()
    assert pl.read_parquet(tmp_path / "rows.parquet").select("v", "__words_v").rows() == [KEPT[at % 8] for at in range(300)]


def test_large_files_and_merged_ones_are_read_alike(tmp_path: Path) -> None:
    contract = replace(CONTRACT, primary_key=("id",), path="w_*.csv")
    first = ("id;v\n" + "".join(f"a{at};{CELLS[at % 8]}\n" for at in range(300))).encode()
    second = ("id;v\n" + "".join(f"a{at};{CELLS[(at + at % 2) % 8]}\n" for at in range(200, 400))).encode()
    files = []
    for name, content in (("w_1.csv", first), ("w_2.csv", second)):
        (tmp_path / name).write_bytes(content)
        files.append(File(name, tmp_path / name, hashlib.sha256(content).hexdigest(), len(content)))
    read = []
    for least in (1, 1 << 30):
        folder = tmp_path / f"by-{least}"
        folder.mkdir()
        summary = rows_read.read_into(contract, files, folder / "rows.parquet", least)
        read.append((summary, pl.read_parquet(folder / "rows.parquet").select("id", "v", "__words_v", "__row").rows()))
    (large, many), (small, few) = read
    assert many == few
    assert (large.rejects, large.copies, large.sound) == (small.rejects, small.copies, small.sound)
    assert any("v < 90 → > 50" in item.reason for item in small.rejects)
    assert f"{sum(at % 2 == 0 for at in range(200, 300))} rows stand in several deliveries with the same values and are counted once" in small.notices


def test_a_total_over_limits_is_not_compared(tmp_path: Path) -> None:
    found = taken(tmp_path, "w.csv", "id;v\na;45\nb;alle 90\nc;10\nyhteensä;130\n".encode())
    assert found.delivery.rejects == ()
    assert kept(found) == [(Decimal(45), None), (None, "< 90"), (Decimal(10), None)]
    assert "not compared: v 130" in "; ".join(item.message for item in found.delivery.notices)


def test_entered_values_may_be_limits() -> None:
    assert faults_of(CONTRACT, {"id": "a", "v": "alle 90"}) == {}
    assert faults_of(CONTRACT, {"id": "a", "v": ""}) == {"v": "required value is missing"}
    kept = ["< 0.5", "partly_met: Toteutunut osittain"]
    field = replace(ACTUAL, stated=(("met", "Toteutui"), ("partly_met", "toteutunut osittain")))
    assert read_column(field, [words_written(item, ",") for item in kept]).words.to_list() == kept


def test_cases_of_rules_may_have_words() -> None:
    rows = filled(CONTRACT, [{"id": "a", "v": "alle 90"}, {"id": "b", "v": "toteutui"}, {"id": "c", "v": 45}])
    assert [(row["v"], row.get("__words_v")) for row in rows] == [(None, "< 90"), (None, "met: toteutui"), (Decimal(45), None)]
    assert frame_of_values(CONTRACT, rows)["__words_v"].to_list() == ["< 90", "met: toteutui", None]
