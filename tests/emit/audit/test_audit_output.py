"""JSON, terminal and page. ``UPDATE_GOLDEN=1`` writes the golden files anew."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from tulosvahti.core.audited import Audit, AuditedTable
from tulosvahti.core.sheet import Cell, Notice
from tulosvahti.emit.audit_html import audit_page
from tulosvahti.emit.audit_json import audit_json
from tulosvahti.emit.audit_terminal import show_audit, wrapped
from tulosvahti.emit.audit_view import Counts, counts, shown_rows, unit_text, with_gaps
from tulosvahti.problem import Place, Problem

GOLDEN = Path(__file__).parents[1] / "golden"
NASTY = "<script>alert('å')</script> & \x1b[31m"


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def printed_at(audit: Audit, width: int, language: str, **more: bool) -> str:
    out = io.StringIO()
    show_audit(audit, Console(file=out, width=width), language, **more)
    return out.getvalue()


# JSON


def test_json_has_the_shape_of_the_design(audit: Audit) -> None:
    problem = Problem(Place("rikki.xlsx", 0, 0), "file is empty (0 bytes)", "", "deliver the file again")
    text = audit_json(audit, [problem])
    assert text == audit_json(audit, (problem,))
    assert text.endswith("}\n")
    assert "ä" in text
    found = json.loads(text, parse_float=lambda text: pytest.fail(f"a binary float: {text}"))
    assert list(found) == ["tables", "ties", "problems"]
    first = found["tables"][0]
    assert (first["source"], first["area"], first["rounded_to"]) == ("budjetti.csv", "A1:E6", "0")
    assert first["relations"][2] == {
        "function": "sum", "axis": "row", "label": "Kainuu", "total": "E4", "items": ["B4", "C4", "D4"], "holds": False,
        "stated": "3848520", "expected": "3839520", "difference": "9000", "rounding": "beyond",
    }  # fmt: skip
    finding = first["findings"][0]
    assert finding["cells"] == ["B4"]
    assert (finding["stated"], finding["implied"]) == (["3678200"], ["3687200"])
    assert (finding["cause"], finding["explains"], finding["explained"]) == ("digits_swapped", 2, False)
    assert set(finding["text"]) == {"fi", "sv", "en"}
    undecided = found["tables"][2]["findings"][0]
    assert undecided["cells"] == []
    assert undecided["alternatives"][0] == {"cells": ["B5"], "stated": ["1000"], "implied": ["1040"], "cause": "digit_replaced"}
    assert found["tables"][3]["notices"][0]["code"] == "hidden_rows"
    assert "area" not in found["tables"][5]
    assert found["tables"][5]["relations"][0]["total"] == "13:13"
    assert found["ties"][1]["cells"][1] == {"source": "oikea.csv", "cell": "B4"}
    assert found["problems"][0]["message"] == "file is empty (0 bytes)"


def test_json_numbers_and_weights(make) -> None:
    made = make("L;a;b;c\nx;1 000,50;0,50;1 000,00\ny;;1;\nz;1;2;3\n").relation("D2", "B2 C2", minus="C2")
    made.relation("D3", "B3 C3").relation("D4", "B4 C4", "share", percent=True)
    relations = json.loads(audit_json(Audit((made.done(),))))["tables"][0]["relations"]
    assert relations[0]["weights"] == [1, -1]
    assert relations[0]["difference"] == "0"
    assert (relations[0]["stated"], relations[0]["holds"]) == ("1000", True)
    assert (relations[1]["holds"], relations[1]["stated"], relations[1]["rounding"]) == (None, None, None)
    assert relations[2]["percent"] is True
    assert "weights" not in relations[2]
    big = replace(made.done().relations[0], stated=Decimal("1E+40"), expected=Decimal("-0.00"))
    text = audit_json(Audit((replace(made.done(), relations=(big,)),)))
    assert f'"stated": "1{"0" * 40}"' in text
    assert '"expected": "0"' in text


# terminal


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("width", [40, 80, 110, 160])
@pytest.mark.parametrize("every", [False, True])
def test_terminal_fits_every_width(audit: Audit, width: int, language: str, *, every: bool) -> None:
    text = printed_at(audit, width, language, every=every)
    assert "\x1b" not in text
    assert all(len(line) <= max(width, 62) for line in text.splitlines())
    assert "▶3" in text
    assert "▶212" in text
    assert "audit." not in text


def test_terminal_golden(audit: Audit) -> None:
    golden("audit.80.fi.txt", printed_at(audit, 80, "fi"))
    golden("audit.110.en.txt", printed_at(audit, 110, "en"))


def test_terminal_has_one_line_for_what_is_right(right_budget, explained, make) -> None:
    text = printed_at(Audit((right_budget,)), 80, "fi")
    assert text.splitlines()[0] == "✓ oikea.csv: 9 täsmää · luvut tarkkoja"
    many = (*(replace(right_budget, notices=()) for _ in range(20)), make("A;B\nx;1\n").done())
    text = printed_at(Audit(many), 80, "sv")
    assert "✓ i 20 tabeller stämmer allt" in text
    assert "○ i 1 tabeller hittades inga beräkningar" in text
    assert printed_at(Audit(()), 80, "fi").strip() == "taulukoita 0  laskelmia 0"
    assert "E2 (Uusimaa / Määräraha yhteensä) = B2 + C2 + D2" in printed_at(Audit((right_budget,)), 110, "fi", every=True)


def test_terminal_counts(audit: Audit) -> None:
    total = sum(map(counts, audit.tables), Counts())
    assert (total.relations, total.exact, total.within, total.broken, total.explained, total.unjudged) == (75, 67, 1, 6, 1, 0)
    assert counts(audit.tables[3]).explained == 1


def test_terminal_shows_the_rows_and_columns_that_matter(wide: AuditedTable, broken_budget: AuditedTable) -> None:
    assert shown_rows(wide, 14) == [20, 21, 22, 38, 39]
    assert with_gaps([20, 21, 39], list(range(1, 40))) == [None, 20, 21, None, 39]
    text = printed_at(Audit((wide,)), 80, "fi")
    assert text.count("…") > 4
    assert "⋮" in text
    assert unit_text(replace(broken_budget, exact=False, units=(Decimal("1000.0"), Decimal("1E-17"))), "en") == "rounded to 1,000"


def test_data_cannot_steer_the_terminal(make) -> None:
    made = make(f"L;a [red]b[/red]\n{NASTY};1\n[bold]y;2\nYhteensä;4\n", source=f"x{NASTY}.csv").relation("B4", "B2:B3")
    made.find(remedies=(made.remedy("B4", "3"),))
    audited = replace(made.done(), notices=(Notice("odd\x1b", ("B\x1b2",), ("\x1b[2J",)),))
    text = printed_at(Audit((audited,)), 110, "fi")
    assert "\x1b" not in text
    assert "[bold]y" in text


def test_colour_on_a_terminal_and_numbers_in_one_piece(broken_budget: AuditedTable) -> None:
    out = io.StringIO()
    show_audit(Audit((broken_budget,)), Console(file=out, width=80, force_terminal=True, color_system="standard"), "fi")
    assert "\x1b[1;31m▶3\u00a0678\u00a0200◀" in out.getvalue()
    assert wrapped("on 3\u00a0678\u00a0200 euroa", 8) == ["on", "3\u00a0678\u00a0200", "euroa"]


# page


class Outline(HTMLParser):
    """The ids, links and tables of a page; fails on tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.cells: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given["href"]))
        if tag in {"td", "th"}:
            self.cells.append(given)
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    return found


@pytest.mark.parametrize("language", ["fi", "sv", "en", "xx"])
def test_page_stands_alone_and_leads_somewhere(audit: Audit, language: str) -> None:
    page = audit_page(audit, language)
    found = outline(page)
    assert page == audit_page(audit, language)
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert not re.search(r"\b(?:audit|notice|tie|cause)\.[a-z_]+\b", page)
    assert f'<html lang="{"en" if language == "xx" else language}">' in page
    assert any(cell.get("class") == "wrong num" and cell.get("title") for cell in found.cells)
    assert any(cell.get("scope") == "row" for cell in found.cells)
    assert any(cell.get("scope") == "col" for cell in found.cells)
    assert "Lähde" not in page


def test_page_golden(audit: Audit) -> None:
    golden("audit.fi.html", audit_page(replace(audit, tables=(*audit.tables[:4], audit.tables[5])), "fi"))


def test_page_escapes_what_it_shows(make) -> None:
    made = make(f"L{NASTY};a\n{NASTY};1\ny;2\nYhteensä;4\n", source=f"x{NASTY}.csv").relation("B4", "B2:B3")
    made.find("B4", "3", NASTY)
    page = audit_page(Audit((made.done(),)), "en")
    outline(page)
    assert "<script" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;" in page


def test_page_shows_part_of_a_long_table_and_what_is_hidden(make, explained: AuditedTable) -> None:
    lines = ["Otsikko;;", "Laji;2023;2024", *(f"rivi {k};{k};{k}" for k in range(600)), f"Summa;{sum(range(600))};1"]
    made = make("\n".join(lines)).relation("B603", "B3:B602").relation("C603", "C3:C602").find("C603", str(sum(range(600))))
    page = audit_page(Audit((made.done(),)), "fi")
    outline(page)
    assert page.count("<tr") < 20
    assert "599 riviä jätetty pois" in page
    assert "Otsikko" in page
    assert '⊘<span class="vh"> piilotettu</span> 3' in audit_page(Audit((explained,)), "fi")


def test_formula_without_result_is_shown_as_blank(make) -> None:
    made = make("L;a\nx;1\nYht;\n", cells={"B3": Cell("", None, "text", formula="=SUM(B2:B2)", calculated=False)})
    made.find("B3", "1", "not_calculated", relations=(), detail=("=SUM(B2:B2)",))
    assert "▶–◀" in printed_at(Audit((made.done(),)), 80, "fi")
    assert "–<sup>" in audit_page(Audit((made.done(),)), "fi")
