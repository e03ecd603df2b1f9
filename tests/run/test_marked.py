"""What an office says of its figures, in the verdicts: provisional, and sums that are followed but not judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tulosvahti.cli.commands import app
from tulosvahti.cli.starting import start_project

NOTE = "Röjandeskydd med Cell Key Method (CKM): redovisade delar summerar inte alltid till totalen."
TABLE = {
    "version": "2.0", "class": "dataset", "label": "Folkmängd", "source": "SCB", "updated": "2026-04-01T05:00:00Z",
    "id": ["Kon", "Tid"], "size": [3, 2], "role": {"time": ["Tid"]},
    "dimension": {"Kon": {"category": {"index": ["TotSa", "1", "2"]}}, "Tid": {"category": {"index": ["2024", "2025"]}}},
    "value": [1200, 1204, 600, 611, 600, 598],
}  # fmt: skip
LONG = """\
title: Folkmängd
path: people.json
primaryKey: [sex, year]
period: year
fields:
  - {name: sex, header: Kon, type: string}
  - {name: year, header: Tid, type: year}
  - {name: people, header: value, type: integer}
  - {name: preliminary, header: provisional, type: boolean}
  - {name: why, header: symbol, type: string}
"""
WIDE = """\
title: Folkmängd 2025
path: wide.csv
fields:
  - {name: sex, type: string}
  - {name: people, type: integer}
"""
RULES = """\
agreement: agreement-1
section: "3"
title: Väki
rules:
  - id: women
    title: Naiset
    owner: agency
    measure: {input: people, sum: people, where: "sex = '2'", period: year}
    target: {2024: ">= 500", 2025: ">= 500"}
  - id: growth
    title: Kasvu
    owner: agency
    measure: {input: people, latest: people, where: "sex = 'TotSa'", period: year}
    target: {2025: ">= previous"}
  - id: both
    title: Yhteensä
    owner: agency
    measure: {input: people, sum: people, where: "sex <> 'TotSa'", period: year}
    target: {2025: ">= 1000"}
  - id: sums
    title: Summat
    owner: agency
    crossfoot: {input: wide, label: sex, columns: [people], total_row: TotSa}
"""


def judged(root: Path, table: dict[str, Any], *, long: str = "", wide: str = "", noise: str = "", cells: str = "A;1204\n") -> dict[Any, Any]:
    start_project(root)
    inputs = root / "inputs"
    (inputs / "people.json").write_text(json.dumps(table), encoding="utf-8")
    (inputs / "people.yaml").write_text(LONG + long, encoding="utf-8")
    # R24, in the form in which it is delivered as CSV.
    (inputs / "wide.csv").write_text(f"sex,people\n1,611\n2,598\nTotSa,{cells.strip().partition(';')[2]}\n", encoding="utf-8")
    (inputs / "wide.yaml").write_text(WIDE + wide, encoding="utf-8")
    (root / "rules" / "3-people.yaml").write_text(RULES.replace("total_row: TotSa", f"total_row: TotSa{noise}"), encoding="utf-8")
    options = ["--project", str(root), "--as-of", "2026-06-30", "--rules", "women,growth,both,sums", "--no-alerts", "--json", "-"]
    result = CliRunner().invoke(app, ["run", *options])
    return {(item["rule"], item["period"]): item for item in json.loads(result.stdout)["verdicts"]}


def noted(**changes: Any) -> dict[str, Any]:
    time = {"category": {"index": ["2024", "2025"], "note": {"2025": ["Preliminära uppgifter\r\n"]}}}
    return TABLE | {"dimension": TABLE["dimension"] | {"Tid": time}} | changes


@pytest.mark.parametrize("long", ["", "provisional: preliminary\n"])
def test_what_rests_on_preliminary_figures_is_provisional(tmp_path: Path, long: str) -> None:
    verdicts = judged(tmp_path, noted(), long=long)
    assert {key: (item["verdict"], item["provisional"]) for key, item in verdicts.items()} == {
        ("women", "2024"): ("met", False),
        ("women", "2025"): ("met", True),
        ("growth", "2025"): ("met", True),
        ("both", "2025"): ("met", True),
        ("sums", None): ("missed", False),
    }
    said = verdicts["women", "2025"]["evidence"]["preliminary"]
    assert said == ("preliminary: 1" if long else "Preliminära uppgifter (2025)")


def test_a_target_of_the_previous_value_is_provisional_where_that_is(tmp_path: Path) -> None:
    time = {"category": {"index": ["2024", "2025"], "note": {"2024": ["Ennakkotieto"]}}}
    verdicts = judged(tmp_path, TABLE | {"dimension": TABLE["dimension"] | {"Tid": time}})
    assert verdicts["growth", "2025"]["provisional"]
    assert not verdicts["women", "2025"]["provisional"]


def test_only_the_rows_that_are_marked_count_where_a_field_says_so(tmp_path: Path) -> None:
    flags = TABLE | {"status": {"5": "p"}}
    verdicts = judged(tmp_path, flags, long="provisional: preliminary\n")
    assert verdicts["women", "2025"]["provisional"]
    assert not verdicts["growth", "2025"]["provisional"]


def test_a_missing_figure_is_unknown_and_never_0(tmp_path: Path) -> None:
    verdicts = judged(tmp_path, TABLE | {"value": [1200, 1204, 600, 611, 600, None], "status": {"5": ".."}})
    assert (verdicts["women", "2025"]["verdict"], verdicts["women", "2025"]["reason"]) == ("unknown", "all_null")
    assert verdicts["both", "2025"]["verdict"] == "unknown"
    said = {".. (not available)": 1}
    assert verdicts["women", "2025"]["evidence"]["missing_figures"] == said
    assert verdicts["both", "2025"]["evidence"]["missing_figures"] == said
    assert "missing_figures" not in verdicts["women", "2024"]["evidence"]


def test_a_figure_that_the_office_hides_is_hidden(tmp_path: Path) -> None:
    table = TABLE | {"value": [1200, 1204, 600, 611, 600, None], "status": {"5": ".."}}
    verdicts = judged(tmp_path, table, long="missingValues: ['', {value: '..', label: hidden, means: suppressed}]\n")
    assert (verdicts["women", "2025"]["verdict"], verdicts["women", "2025"]["reason"]) == ("unknown", "suppressed")
    assert verdicts["women", "2025"]["evidence"]["missing_figures"] == {".. (not available)": 1}


def test_r24_sums_of_a_source_that_is_not_additive_are_followed_and_not_judged(tmp_path: Path) -> None:
    sums = judged(tmp_path, TABLE, wide=f'additive: "{NOTE}"\n')["sums", None]
    assert (sums["verdict"], sums["reason"]) == ("monitored", "not_additive")
    assert NOTE in sums["reason_text"]["sv"]
    assert sums["evidence"]["broken"][0]["difference"] == "-5"
    assert set(sums["reason_text"]) == {"fi", "sv", "en"}


def test_sums_that_hold_by_chance_prove_nothing_either(tmp_path: Path) -> None:
    sums = judged(tmp_path, TABLE, wide="additive: false\n", cells="A;1209")["sums", None]
    assert (sums["verdict"], sums["reason"]) == ("monitored", "not_additive")


def test_a_sum_that_cannot_be_tried_stays_unknown(tmp_path: Path) -> None:
    sums = judged(tmp_path, TABLE, wide="additive: false\n", cells="A;")["sums", None]
    assert (sums["verdict"], sums["reason"]) == ("unknown", "total_absent")


def test_without_the_note_the_same_difference_is_a_fault(tmp_path: Path) -> None:
    assert judged(tmp_path, TABLE)["sums", None]["verdict"] == "missed"


@pytest.mark.parametrize(("cells", "word"), [("A;1204", "met"), ("A;1209", "met"), ("A;5204", "missed")])
def test_a_declared_noise_is_judged_by(tmp_path: Path, cells: str, word: str) -> None:
    sums = judged(tmp_path, TABLE, wide="additive: false\n", noise=", noise: 8", cells=cells)["sums", None]
    assert sums["verdict"] == word
    assert sums["evidence"]["noise"] == "8"


def test_adding_figures_of_such_a_source_is_said(tmp_path: Path) -> None:
    verdicts = judged(tmp_path, TABLE | {"note": [NOTE]})
    assert verdicts["both", "2025"]["verdict"] == "met"
    assert verdicts["both", "2025"]["evidence"]["not_additive"] == NOTE
    assert "not_additive" not in verdicts["women", "2025"]["evidence"]
