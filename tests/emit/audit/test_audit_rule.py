"""The drafted rule passes lint in a fresh project, is met on the right table and missed on a wrong one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tulosvahti.cli.starting import start_project
from tulosvahti.core.sheet import Cell
from tulosvahti.core.verdict import Word
from tulosvahti.emit.audit_rule import crossfoot_draft, crossfoot_rule
from tulosvahti.load.project import load_project
from tulosvahti.wiring import run_once

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.core.audited import AuditedTable

NESTED = """Momentti;Tulot;Menot;Netto
"A: ""Uusi"" #1";1 200,50;-200,25;1 400,75
B: 'toinen';300,00;100,00;200,00
Ryhmä 1;1 500,50;-100,25;1 600,75
Ärät & öylätit;10,00;–;10,00
"@kaava";20,25;5,05;15,20
Ryhmä 2;30,25;5,05;25,20
Kaikki yhteensä;1 530,75;-95,20;1 625,95
"""


def verdict_on(folder: Path, audited: AuditedTable, text: str, delimiter: str = ";") -> Word:
    """Give the rule's verdict on a file, in a fresh project that the two drafted files are put into."""
    draft = crossfoot_draft(audited, delimiter=delimiter)
    assert draft is not None
    both = crossfoot_rule(audited, delimiter=delimiter)
    _, contract, rule = both.split("---\n")
    assert draft.contract in contract
    assert draft.rule in rule
    start_project(folder)
    (folder / "inputs" / f"{draft.name}.yaml").write_text(contract, encoding="utf-8")
    (folder / "rules" / f"{draft.name}.yaml").write_text(rule, encoding="utf-8")
    project = load_project(folder)
    assert project.problems == ()
    (path,) = (item.path for name, item in project.contracts.items() if name == draft.name)
    (folder / "inputs" / path).write_text(text, encoding="utf-8")
    done = run_once(project, date(2025, 12, 31), rules=f"{draft.name.replace('_', '-')}-sums", expectations=False, alerts=False)
    (verdict,) = done.outcome.verdicts
    return verdict.word


def test_rule_of_rows_and_columns(tmp_path, right_budget, broken_budget, make) -> None:
    right = "\n".join(";".join(cell.text for cell in row) for row in right_budget.table.sheet.rows)
    assert verdict_on(tmp_path / "a", right_budget, right) is Word.MET
    assert verdict_on(tmp_path / "b", right_budget, right.replace("6 028 400", "6 028 401")) is Word.MISSED
    # Drafted from a table with a wrong cell it guards the same.
    assert verdict_on(tmp_path / "c", broken_budget, right) is Word.MET


def test_rule_with_subtotals_and_a_subtracted_column(tmp_path, make) -> None:
    text = NESTED.replace('"A: ""Uusi"" #1"', 'A: "Uusi" #1').replace('"@kaava"', "@kaava")
    made = make(text, "ryhmät 2024.csv", table_more={"exact": True, "units": (Decimal("0.01"),)})
    for row in range(2, 9):
        made.relation(f"D{row}", f"B{row} C{row}", "difference", minus=f"C{row}")
    for column in "BCD":
        made.relation(f"{column}4", f"{column}2:{column}3").relation(f"{column}7", f"{column}5:{column}6")
        made.relation(f"{column}8", f"{column}4 {column}7")
    audited = made.done()
    said = crossfoot_rule(audited)
    assert 'subtracted: ["menot"]' in said
    assert 'total_row: "Kaikki yhteensä"' in said
    assert '"Ryhmä 2": ["Ärät & öylätit", "@kaava"]' in said
    assert 'missingValues: ["", "–"]' in said
    assert 'decimalChar: ","' in said
    assert verdict_on(tmp_path / "a", audited, NESTED) is Word.MET
    assert verdict_on(tmp_path / "b", audited, NESTED.replace("20,25", "20,35")) is Word.MISSED


def test_what_cannot_be_said_is_named(tmp_path, make) -> None:
    text = "Kunta;2023;2024;Muutos\nPuolanka;100;110;10,0\nHyrynsalmi;200;190;-5,0\nYhteensä;300;300;0,0\n"
    made = make(text, "muutos.csv").foot("B2", "C3", 4, "")
    for row in (2, 3, 4):
        made.relation(f"D{row}", f"B{row} C{row}", "relative_change", percent=True)
    audited = made.done()
    said = crossfoot_rule(audited)
    assert "# not guarded by this rule (3 of 5 relations):" in said
    assert "#   relative_change: ✓ D2 (Puolanka / Muutos) = (C2 − B2) / B2 × 100 = 10.0" in said
    assert 'columns: ["c_2023", "c_2024"]' in said
    assert verdict_on(tmp_path / "a", audited, text) is Word.MET
    assert verdict_on(tmp_path / "b", audited, text.replace("200", "250", 1)) is Word.MISSED


def test_no_sum_gives_comments_alone(make) -> None:
    made = make("A;B\nx;1\ny;2\n", "pieni.csv")
    said = crossfoot_rule(made.relation("B3", "B2 B2", "share").done())
    assert said.startswith("# pieni.csv: no sum here can be guarded")
    assert all(line.startswith("#") for line in said.splitlines())


def test_a_workbook_says_what_to_deliver(wide) -> None:
    said = crossfoot_rule(wide)
    assert "# before it is delivered: save the table as CSV in UTF-8" in said
    assert 'path: "kunnat_2024.csv"' in said


def test_repeated_labels_and_headers_are_told(make) -> None:
    text = "Vuosi 2024;;\nLaji;Summa;Summa\nPalkat;1;2\nPalkat;3;4\n(väliotsikko);;\nYhteensä;4;6\n"
    made = make(text, "outo.csv").relation("B6", "B3:B4").relation("C6", "C3:C4")
    said = crossfoot_rule(made.done())
    assert "no sum here can be guarded" in said
    made = make(text.replace("Palkat;3", "Muut;3"), "outo.csv").relation("B6", "B3:B4").relation("C6", "C3:C4")
    said = crossfoot_rule(made.done())
    assert "give it one header row, each name once" in said
    assert "leave out the rows without figures: 5" in said


@pytest.mark.parametrize("nasty", ['x"; y: [1', "a\nb", "- # & * !tag", "100 %", "{}", "\x1b[31m", "no", "é\u2028z"])
def test_labels_cannot_break_out_of_the_yaml(tmp_path, make, nasty) -> None:
    made = make("L;V\nNASTY;1\ny;2\nTotal;3\n", "x.csv", cells={"A2": Cell(nasty), "A4": Cell(f"Total {nasty}")})
    audited = made.relation("B4", "B2:B3").done()
    draft = crossfoot_draft(audited)
    assert draft is not None
    start_project(tmp_path)
    (tmp_path / "inputs" / f"{draft.name}.yaml").write_text(draft.contract, encoding="utf-8")
    (tmp_path / "rules" / f"{draft.name}.yaml").write_text(draft.rule, encoding="utf-8")
    assert load_project(tmp_path).problems == ()
