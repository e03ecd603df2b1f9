"""Cases met in published files and bug reports, and others of their kinds, each with its contract and its right answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.period import Grain, containing
from tulosvahti.load.contracts import load_contracts
from tulosvahti.load.tables import Taken, take

SEMICOLON = 'dialect: {delimiter: ";"}\n'


def taken(root: Path, contract: str, content: str, as_of: date = date(2026, 6, 30)) -> Taken:
    (root / "inputs").mkdir(exist_ok=True)
    (root / "inputs" / "d.csv").write_text(content, encoding="utf-8")
    text = f"title: d\npath: d.csv\ndeliverer: tem\nmax_rejects: 100 %\n{contract}\n"
    (root / "inputs" / "d.yaml").write_text(text, encoding="utf-8")
    contracts, problems = load_contracts(root)
    assert problems == []
    return take(contracts["d"], root, as_of)


def rows(found: Taken) -> list[tuple[Any, ...]]:
    assert found.frame is not None, found.delivery.explanation
    return found.frame.drop("__row", "__rejected").rows()


def said(found: Taken) -> list[str]:
    return [item.message for item in found.delivery.notices]


def test_r12_a_footnote_is_no_row_and_a_mark_is_no_digit(tmp_path: Path) -> None:
    content = "pääluokka;2027\n23. Kanslia;248\n24. Ulko;1 174\nPääluokat yhteensä1;1 589\n1) Pääluokat 21 ja 22 sisältyvät loppusummaan.;\n"
    contract = SEMICOLON + 'primaryKey: [p]\nfields: [{name: p, header: pääluokka}, {name: v, header: "2027", type: integer, groupChar: " "}]'
    found = taken(tmp_path, contract, content)
    assert rows(found)[:2] == [("23. Kanslia", 248), ("24. Ulko", 1174)]
    assert said(found)[0] == "1 notes stand below the table and are no rows; the first: '1) Pääluokat 21 ja 22 sisältyvät loppusummaan.'"
    (reject,) = found.delivery.rejects
    assert reject.reason.startswith("the total row says 1589, the rows above sum up to 1422, difference 167")


@pytest.mark.parametrize("note", ["* ennakkotieto", "Lähde: Tilastokeskus;", "Källa: SCB", "¹ alustava;", "(2) ei sisällä alv:tä"])
def test_notes_below_a_table(tmp_path: Path, note: str) -> None:
    found = taken(tmp_path, SEMICOLON + "fields: [{name: a}, {name: n, type: integer}]", f"a;n\nx;1\ny;2\n{note}\n")
    assert rows(found) == [("x", 1), ("y", 2)]
    assert found.delivery.rejects == ()


def test_a_last_row_with_one_value_is_a_row(tmp_path: Path) -> None:
    found = taken(tmp_path, SEMICOLON + "fields: [{name: a}, {name: n, type: integer}]", "a;n\nx;1\nPertunmaa;\n")
    assert rows(found) == [("x", 1), ("Pertunmaa", None)]


def test_r20_words_where_numbers_are_expected_are_neither_missing_nor_zero(tmp_path: Path) -> None:
    content = "mittari;toteutuma\na;Toteutunut osittain\nb;45\nc;Alle 90\nd;<0\n"
    found = taken(tmp_path, SEMICOLON + "fields: [{name: mittari}, {name: toteutuma, type: number}]", content)
    assert [row[1] for row in rows(found)] == [None, 45, None, None]
    assert [(item.row, item.value) for item in found.delivery.rejects] == [(2, "Toteutunut osittain"), (4, "Alle 90"), (5, "<0")]
    words, *limits = [item.reason for item in found.delivery.rejects]
    assert words.startswith("not a number")
    assert all("censored" in reason for reason in limits), limits


def test_r26_total_as_a_code_in_the_data_is_a_row(tmp_path: Path) -> None:
    content = "state,year,fund,paid\nIreland,2007,ERDF,1.5\nIreland,2007,ESF,1.5\nIreland,2007,TOTAL,3\nEU28,2007,TOTAL,3\n"
    contract = "primaryKey: [state, year, fund]\nfields: [{name: state}, {name: year, type: year}, {name: fund}, {name: paid, type: number}]"
    found = taken(tmp_path, contract, content)
    assert len(rows(found)) == 4
    assert found.delivery.rejects == ()


def test_r36_a_rename_is_not_a_new_item(tmp_path: Path) -> None:
    content = "vuosi;koodi;nimi\n2024;32.01.02;Elinkeinokeskus (siirt\n2025;32.01.02;ELINKEINOKESKUS (SI\n"
    contract = SEMICOLON + "primaryKey: [vuosi, koodi]\nfields: [{name: vuosi, type: year}, {name: koodi}, {name: nimi}]"
    assert [row[1] for row in rows(taken(tmp_path, contract, content))] == ["32.01.02", "32.01.02"]


def test_r40_every_row_twice_is_not_deleted(tmp_path: Path) -> None:
    content = "znak;polozka;vysledek\n04001;42;400000\n04001;42;400000\nCELKEM;;400000\n"
    contract = SEMICOLON + 'total_row: CELKEM\nfields: [{name: znak}, {name: polozka}, {name: vysledek, type: number, decimalChar: ","}]'
    found = taken(tmp_path, contract, content)
    assert [row[0] for row in rows(found)[:2]] == ["04001", "04001"]
    assert "not compared: vysledek 400000" in " ".join(said(found))


def test_b18_codes_stay_text(tmp_path: Path) -> None:
    content = "kunta;maakunta\n020;06\n005;14\n"
    assert rows(taken(tmp_path, SEMICOLON + "fields: [{name: kunta}, {name: maakunta}]", content)) == [("020", "06"), ("005", "14")]


def test_b28_freshness_is_of_the_content(tmp_path: Path) -> None:
    contract = SEMICOLON + (
        "period: metric_date\nfrequency: month\ngrace: 5 d\n"
        "fields: [{name: rivi}, {name: metric_date, type: date}, {name: extracted_at}]"
    )
    found = taken(tmp_path, contract, "rivi;metric_date;extracted_at\n1;2026-06-01;2026-08-10T06:00:00Z\n", date(2026, 8, 10))
    assert found.delivery.state is DeliveryState.LATE
    assert found.delivery.explanation.startswith("content reaches 2026-06-30; it was due to reach 2026-07-31")


def test_b30_iso_weeks_of_read_days(tmp_path: Path) -> None:
    found = taken(tmp_path, SEMICOLON + "fields: [{name: pvm, type: date}, {name: n, type: integer}]", "pvm;n\n2025-12-28;1\n2025-12-29;1\n2026-01-01;1\n2021-01-03;1\n")
    assert [containing(row[0], Grain.WEEK).key for row in rows(found)] == ["2025-W52", "2026-W01", "2026-W01", "2020-W53"]


@pytest.mark.parametrize("mark", ["", "..", "-", "n/a"])
def test_b36_b46_a_missing_value_is_no_zero(tmp_path: Path, mark: str) -> None:
    contract = SEMICOLON + 'missingValues: ["", "..", "-", "n/a"]\nfields: [{name: alue}, {name: osuus, type: number, decimalChar: ","}]'
    found = taken(tmp_path, contract, f"alue;osuus\nA;100,0\nB;71,2\nC;{mark}\n")
    assert [row[1] for row in rows(found)] == [100, Decimal("71.2"), None]
    assert found.delivery.rejects == ()


def test_b50_a_merged_municipality_is_missing_and_not_zero(tmp_path: Path) -> None:
    contract = SEMICOLON + 'primaryKey: [kunta]\nfields: [{name: kunta}, {name: a, header: "2024", type: integer, groupChar: " "}, {name: b, header: "2025", type: integer, groupChar: " "}]'
    found = taken(tmp_path, contract, "kunta;2024;2025\nMäntyharju;6 200;6 350\nPertunmaa;1 650;\nYhteensä;7 850;7 980\n")
    assert rows(found)[:2] == [("Mäntyharju", 6200, 6350), ("Pertunmaa", 1650, None)]
    (reject,) = found.delivery.rejects
    assert (reject.column, reject.reason.partition(":")[0]) == ("2025", "the total row says 7980, the rows above sum up to 6350, difference 1630")
