"""A broken sum of an input points at the cell as it lies in the file, whatever the order of the contract's fields."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from delivered import workbook
from typer.testing import CliRunner

from tulosvahti.cli.commands import app
from tulosvahti.cli.starting import start_project

CONTRACT = """\
title: Jako
path: {name}
dialect: {{delimiter: ";"}}
fields:
  - {{name: total, header: Yhteensä, type: integer}}
  - {{name: centre, header: Keskus, type: string}}
  - {{name: a, type: integer}}
  - {{name: b, type: integer}}
"""
RULES = """\
agreement: agreement-1
section: "3"
title: Summat
rules:
  - id: sums
    title: Summat
    owner: agency
    crossfoot: {input: jako, label: centre, columns: [a, b], total_column: total, total_row: YHT}
"""
ROWS = [["Keskus", "a", "b", "huom.", "Yhteensä"], ["X", 10, 20, "", 30], ["Y", 1, 2, "", 3], ["YHT", 11, 22, "", 80]]


@pytest.mark.parametrize(
    ("name", "cell"),
    [("jako.csv", "E4"), ("jako.xlsx", "E4"), ("lower.xlsx", "F7")],
)
def test_cell(tmp_path: Path, name: str, cell: str) -> None:
    start_project(tmp_path)
    content: bytes = "\n".join(";".join(map(str, row)) for row in ROWS).encode()
    if name == "jako.xlsx":
        content = workbook(ROWS)
    elif name == "lower.xlsx":
        content = workbook([["Jako 2023"], [], [], *(["", *row] for row in ROWS)])
    (tmp_path / "inputs" / name).write_bytes(content)
    (tmp_path / "inputs" / "jako.yaml").write_text(CONTRACT.format(name=name), encoding="utf-8")
    (tmp_path / "rules" / "3-sums.yaml").write_text(RULES, encoding="utf-8")
    options = ["--project", str(tmp_path), "--as-of", "2025-12-31", "--rules", "sums", "--no-alerts", "--json", "-"]
    result = CliRunner().invoke(app, ["run", *options])
    (verdict,) = json.loads(result.stdout)["verdicts"]
    assert verdict["verdict"] == "missed", result.output
    assert cell in json.dumps(verdict["evidence"])
