"""What came as text is never a formula in a file that is given out: each is opened and its cells' types are looked at."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from delivered import workbook as delivered_workbook
from ruamel.yaml import YAML
from typer.testing import CliRunner

from tulosvahti.cli.commands import app
from tulosvahti.core.contract import Reject
from tulosvahti.emit.book import workbook
from tulosvahti.emit.csvout import to_csv
from tulosvahti.emit.marked_rejects import marked_copy
from tulosvahti.emit.stored import Stored

MARK = "cmd|'/c calc'!A1"
OPENINGS = pytest.mark.parametrize("opening", ["=", "+", "-", "@", "\t", "\r", "\t=", "=1+"])


def hostile_cells(content: bytes | Path) -> list[tuple[str, str]]:
    """Give value and type of each cell in which the text stands."""
    book = openpyxl.load_workbook(content if isinstance(content, Path) else io.BytesIO(content))
    return [(str(cell.value), cell.data_type) for sheet in book for row in sheet.iter_rows() for cell in row if MARK in str(cell.value or "")]


def poisoned(data: object, text: str) -> object:
    if isinstance(data, dict):
        return {name: text if name in {"title", "fi", "sv", "en", "reason_text"} and isinstance(value, str) else poisoned(value, text) for name, value in data.items()}
    return [poisoned(item, text) for item in data] if isinstance(data, list) else data


@OPENINGS
def test_report_as_workbook_and_as_csv(stored: Stored, opening: str) -> None:
    told = Stored(poisoned(stored.data, opening + MARK))
    cells = hostile_cells(workbook(told, "fi"))
    assert cells
    assert {kind for _, kind in cells} <= {"s", "inlineStr"}
    columns = list(csv.reader(io.StringIO(to_csv(told, "fi"), newline="")))
    found = [text for row in columns for text in row if MARK in text]
    assert found
    assert not [text for text in found if text.lstrip()[:1] in {"=", "+", "-", "@", "|", "%"} or text[:1] in {"\t", "\r"}]


@OPENINGS
def test_audit_as_workbook_and_as_rule(tmp_path: Path, opening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("wrong.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerows([["meno", f"{opening}{MARK}"], [f"{opening}{MARK} a", 10], [f"{opening}{MARK} b", 20], ["Muut", 5], ["Yhteensä", 36]])
    CliRunner().invoke(app, ["audit", "wrong.csv", "--xlsx", "marked.xlsx"])
    cells = hostile_cells(Path("marked.xlsx"))
    assert cells
    assert {kind for _, kind in cells} <= {"s", "inlineStr"}
    drafted = CliRunner().invoke(app, ["audit", "wrong.csv", "--rule"]).stdout
    YAML(typ="safe").load(drafted)
    assert drafted
    assert not [line for line in drafted.splitlines() if line.startswith(tuple("=+@\t\r"))]


@OPENINGS
def test_rejects_as_workbook(tmp_path: Path, opening: str) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"

    def as_texts(book: openpyxl.Workbook) -> None:
        for cell in book["S1"]["A"]:
            cell.data_type = "s"

    source.write_bytes(delivered_workbook([["nimi"], [f"{opening}{MARK}"]], change=as_texts))
    reject = Reject(2, 2, f"{opening}{MARK}", f"{opening}{MARK}", f"{opening}{MARK}", cell="S1!A2")
    assert marked_copy(source, [reject], out, "fi")
    cells = hostile_cells(out)
    assert len(cells) > 1, "in its own place, and in the list of errors"
    assert {kind for _, kind in cells} <= {"s", "inlineStr"}
