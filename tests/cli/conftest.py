"""A small project of two inputs, so that one can break while the other is still judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tulosvahti.cli.commands import app
from tulosvahti.cli.starting import start_project

VISITS_CONTRACT = """\
title: Käynnit
path: visits.csv
dialect: {delimiter: ";"}
period: visited_on
primaryKey: [visit_id]
max_rejects: 60 %
fields:
  - {name: visit_id, type: string, constraints: {required: true}}
  - {name: visited_on, type: date, format: "%d.%m.%Y"}
  - {name: cost, type: number, decimalChar: ",", groupChar: " ", constraints: {minimum: 0}}
"""
VISITS = """\
visit_id;visited_on;cost
a;03.02.2025;1 000,50
b;04.02.2025;2,25
c;05.02.2025;30,00
"""
VISITS_RULES = """\
agreement: agreement-1
section: "2"
title: Käynnit
rules:
  - id: visits
    title: Käyntien määrä
    quote: Käyntien määrä
    owner: agency
    measure: {input: visits, count: visit_id, period: visited_on}
    target: {2025: ">= 3"}
  - id: visit-costs
    title: Käyntien kustannus
    quote: Kustannus
    owner: agency
    unit: eur
    measure: {input: visits, sum: cost, period: visited_on}
    target: {2025: "<= 2000"}
"""


class Project:
    """A project folder and its command line."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text, encoding="utf-8")

    def call(self, *arguments: str):
        return CliRunner().invoke(app, [*arguments, "--project", str(self.root)])

    def run(self, *arguments: str, as_of: str = "2025-12-31"):
        target = self.root / "result.json"
        target.unlink(missing_ok=True)
        result = self.call("run", "--as-of", as_of, "--json", str(target), *arguments)
        return result, json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}


@pytest.fixture
def project(tmp_path):
    start_project(tmp_path)
    made = Project(tmp_path)
    made.write("inputs/visits.yaml", VISITS_CONTRACT)
    made.write("inputs/visits.csv", VISITS)
    made.write("rules/2-visits.yaml", VISITS_RULES)
    return made


def words(result: dict) -> dict[str, str]:
    """Give each rule's verdict for 2025, or its only one."""
    return {item["rule"]: item["verdict"] for item in result["verdicts"] if item["period"] in {"2025", None, ""}}
