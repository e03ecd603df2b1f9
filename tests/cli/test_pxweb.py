"""A night on an office's table: fetched, judged, revised by the office, and judged on what came last while it is down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pxweb_server import PATH, V1, Office
from typer.testing import CliRunner
from web_server import Answer, web_server

from tulosvahti.cli.commands import app
from tulosvahti.cli.starting import start_project

CONTRACT = """\
title: Väestö
fetch: {{pxweb: {{api: 1, url: {url}, table: {table}, select: {{Alue: "*", Vuosi: top(2)}}}}}}
period: year
primaryKey: [area, year]
fields:
  - {{name: area, header: Alue, type: string}}
  - {{name: year, header: Vuosi, type: year}}
  - {{name: people, header: value, type: integer}}
"""
RULES = """\
agreement: agreement-1
section: "3"
title: Väki
rules:
  - id: people
    title: Väki
    owner: agency
    measure: {input: people, latest: people, where: "area = 'KU091'", period: year}
    target: {2024: ">= 4", 2025: ">= 5"}
"""


def run(root: Path) -> tuple[dict[str, tuple[str, bool, str | None]], list[str]]:
    options = ["--project", str(root), "--as-of", "2026-06-30", "--rules", "people", "--no-alerts", "--json", "-"]
    result = CliRunner().invoke(app, ["run", *options])
    found = json.loads(result.stdout)
    verdicts = {item["period"]: (item["verdict"], item["provisional"], item["observed"]) for item in found["verdicts"]}
    return verdicts, found["inputs"][0]["notices"]


def test_a_revision_shows_as_a_changed_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    start_project(tmp_path)
    office = Office({"Alue": ["SSS", "KU091"], "Vuosi": ["2023", "2024", "2025"]}, time="Vuosi")
    office.value_notes = {"Vuosi": {"2025": ["* ennakkotieto"]}}
    (tmp_path / "rules" / "3-people.yaml").write_text(RULES, encoding="utf-8")
    with web_server() as web:
        web.answer_to = office.answer_to
        contract = CONTRACT.format(url=web.url + V1, table=PATH)
        (tmp_path / "inputs" / "people.yaml").write_text(contract, encoding="utf-8")
        verdicts, notices = run(tmp_path)
        assert verdicts == {"2024": ("met", False, "4"), "2025": ("met", True, "5")}
        assert "2 of 4 figures are preliminary: what rests on them is provisional" in notices
        # The office takes the figure back: nothing but the figure changes.
        office.symbols = {5: ".."}
        verdicts, notices = run(tmp_path)
        assert verdicts["2025"] == ("unknown", True, None)
        assert "1 of 4 figures are missing, '..': not available" in notices
        web.answer_to = lambda _asked: Answer(404)
        verdicts, notices = run(tmp_path)
        assert verdicts["2024"] == ("met", False, "4")
        assert notices[0].endswith("is used")
