"""Reports of a stored run: workbook, Word tables and CSV, opened with other libraries and compared cell by cell.

``UPDATE_GOLDEN=1`` writes ``golden/layout.*.txt`` anew.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest

from tulosvahti.emit.annual import annual_report
from tulosvahti.emit.book import workbook
from tulosvahti.emit.book_sums import _sum
from tulosvahti.emit.csvout import COLUMNS, to_csv
from tulosvahti.emit.locale import report_en, report_fi, report_sv
from tulosvahti.emit.stored import Stored
from tulosvahti.emit.words import number

LANGUAGES = ("fi", "sv", "en")
HOSTILE = "=cmd|'/c calc'!A1 <w:p>&\x00\x1b[31m\u202e "
OURS = re.compile(
    r"=(ROUND\((100\*)?'[^']+'!F\d+([-+/]'[^']+'!F\d+)?,\d+\)|ROUND\(100\*E\d+/\(D\d+\+E\d+\),2\)|[A-Z]+\d+-[A-Z]+\d+"
    r"|(0|SUM\([A-Z0-9:,]+\))(-SUM\([A-Z0-9:,]+\))?|-?\d+/\d+|COUNTIF\('[^']+'!\$E\$2:\$E\$\d+,\"[^\"]+\"\))"
)


def book_of(stored: Stored, language: str = "en", *, values: bool = False) -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook(stored, language)), data_only=values)


def golden(name: str, text: str) -> None:
    path = Path(__file__).parent / "golden" / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    heads = [cell.value for cell in sheet[1]]
    return [dict(zip(heads, [cell.value for cell in row], strict=True)) for row in sheet.iter_rows(min_row=2)]


def poisoned(data: Any, key: str = "") -> Any:
    """Put a hostile text before every text that comes from people or data; codes, dates and numbers stay."""
    codes = {"kind", "verdict", "change", "was", "severity", "state", "period", "as_of", "observed", "margin", "stated", "expected", "difference",
             "implied", "cells", "covered_through", "expected_through", "id", "due", "done_on", "reason", "axis"}  # fmt: skip
    if isinstance(data, dict):
        names = key in {"owners", "sections", "subject", "items", "workings"}
        return {HOSTILE + k if names else k: poisoned(v, k) for k, v in data.items()}
    if isinstance(data, list):
        return [poisoned(item, key) for item in data]
    return HOSTILE + data if isinstance(data, str) and key not in codes else data


def test_each_verdict_is_in_the_workbook_with_its_number_as_a_number(stored: Stored) -> None:
    book = book_of(stored, values=True)
    found = rows_of(book["Verdicts"])
    assert [row["Rule"] for row in found] == [verdict["rule"] for verdict in stored.verdicts]
    assert (found[0]["Observed"], found[0]["Distance to the target"], found[0]["Target"], found[0]["Period"]) == (92.31, 2.31, "≥\u00a090", "2023")
    assert (found[0]["Computed again"], found[0]["Difference"]) == (92.31, 0)
    assert found[0]["Verdict"] == "✓ met"
    assert found[0]["Owner"] == "Ministry of Economic Affairs"
    assert found[7]["Observed"] == 14060741.5
    assert book["Verdicts"].freeze_panes == "B2"
    assert book["Verdicts"].auto_filter.ref == "A1:W10"


def test_a_share_is_computed_again_from_the_cells_of_its_evidence(stored: Stored) -> None:
    book = book_of(stored)
    row = rows_of(book["Verdicts"])[0]
    pointed = re.fullmatch(r"=ROUND\(100\*'Evidence'!(F\d+)/'Evidence'!(F\d+),2\)", row["Computed again"])
    assert pointed
    assert [book["Evidence"][cell].value for cell in pointed.groups()] == [204, 221]
    assert row["Difference"] == "=G2-H2"


def test_what_the_workings_do_not_give_is_not_claimed_to_be_recomputed(stored: Stored) -> None:
    stored.data["verdicts"][0]["observed"] = "93"
    assert rows_of(book_of(stored)["Verdicts"])[0]["Computed again"] is None


def test_the_sums_of_a_table_are_formulas_with_their_exact_results(stored: Stored) -> None:
    formulas, values = (book_of(stored, values=values)["appropriation-2023"] for values in (False, True))
    assert [cell.value for cell in values[7]][:6] == ["Kainuu", 3678200, 188420, 3875620, 3866620, 9000]
    assert (formulas["E7"].value, formulas["F7"].value) == ("=SUM(B7:C7)", "=D7-E7")
    assert (formulas["B9"].value, values["B9"].value, values["B10"].value) == ("=SUM(B5:B7)", 23767341, 9000)
    told = [[cell.value for cell in row] for row in values.iter_rows(min_row=11)]
    assert ["Kainuu", "row", 3875620, 3866620, 9000] in [row[:5] for row in told]
    assert any("B4 (Kainuu / jako_2022) 3,678,200 → 3,687,200" in str(row[0]) for row in told)


@pytest.mark.parametrize(
    ("cells", "formula"),
    [
        ([("B5", 1), ("C5", 1), ("D5", 1)], "=SUM(B5:D5)"),
        ([("B5", 1), ("C5", -1), ("D5", 1)], "=SUM(B5,D5)-SUM(C5)"),
        ([("B5", 1), ("B6", 1), ("B8", 1)], "=SUM(B5:B6,B8)"),
        ([("Z5", 1), ("AA5", 1)], "=SUM(Z5:AA5)"),
        ([("B5", -1)], "=0-SUM(B5)"),
    ],
)
def test_a_sum_names_its_cells(cells: list[tuple[str, int]], formula: str) -> None:
    assert _sum(cells) == formula


def test_a_number_that_a_spreadsheet_cannot_hold_stands_exactly_in_its_note(stored: Stored) -> None:
    stored.data["verdicts"][7]["observed"] = "12345678901234567.25"
    book = book_of(stored)
    assert book["Verdicts"]["G9"].comment.text == "Exact number: 12345678901234567.25"
    assert any("Longer numbers: 1." in str(row[0].value) for row in book["Summary"].iter_rows())


def test_the_summary_counts_and_leads_to_what_it_names(stored: Stored) -> None:
    values = book_of(stored, values=True)["Summary"]
    counted = {row[0].value: row[1].value for row in values.iter_rows() if isinstance(row[1].value, int)}
    assert {name: counted[name] for name in ("✗ missed", "✓ met", "Total", "Rejects", "Findings")} == {
        "✗ missed": 2, "✓ met": 1, "Total": 9, "Rejects": 12, "Findings": 6,
    }  # fmt: skip
    assert any("made-up data" in str(row[0].value) for row in values.iter_rows())
    book = book_of(stored)
    links = [cell.hyperlink.location for sheet in book for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert len(links) > 30
    for location in links:
        sheet, _, cell = location.rpartition("!")
        assert book[sheet.strip("'")][cell].value is not None
    assert book["Rejects"].print_title_rows == "$1:$1"
    assert book["Rejects"].page_setup.orientation == "landscape"


def test_nothing_in_the_data_becomes_a_formula_or_a_link(stored: Stored) -> None:
    bad = replace(stored, data={**poisoned(stored.data), "run": stored.data["run"]})
    book = book_of(bad)
    formulas = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert formulas
    assert [text for text in formulas if not OURS.fullmatch(text)] == []
    content = workbook(bad, "en")
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        text = "".join(package.read(name).decode() for name in package.namelist() if name.endswith((".xml", ".rels")))
    assert 'TargetMode="External"' not in text
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]|_x001B_", text)
    assert "=cmd|'/c calc'!A1 &lt;w:p&gt;&amp;" in text


def test_the_same_run_gives_the_same_bytes(stored: Stored) -> None:
    assert workbook(stored, "fi") == workbook(stored, "fi")
    assert annual_report(stored, "fi") == annual_report(stored, "fi")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_of_nothing_says_so(stored: Stored, language: str) -> None:
    empty = Stored({"run": stored.data["run"], "inputs": [], "verdicts": [], "findings": [], "problems": []})
    book = book_of(empty, language)
    assert len(book.sheetnames) == 8
    assert book.worksheets[1]["A2"].value == {"fi": "Ei yhtään.", "sv": "Inga.", "en": "None."}[language]
    assert annual_report(empty, language)
    assert to_csv(empty, language).splitlines() == [",".join(COLUMNS)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_in_the_readers_language(stored: Stored, language: str) -> None:
    """No key shows, and no heading is another language's."""
    words = {"fi": report_fi.WORDS, "sv": report_sv.WORDS, "en": report_en.WORDS}
    book = book_of(stored, language)
    shown = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None] + book.sheetnames
    document = docx.Document(io.BytesIO(annual_report(stored, language)))
    shown += [paragraph.text for paragraph in document.paragraphs]
    shown += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    assert [text for text in shown if re.match(r"(book|ui|says|kind|state|verdict|change|severity|evidence|working|axis|cause)\.[a-z]", text)] == []
    own = set(words[language].values())
    strange = {text for other in LANGUAGES if other != language for text in words[other].values()} - own
    assert strange & set(shown) == set()
    assert {words[language][f"book.{name}"] for name in ("summary", "verdicts", "again", "rejects")} <= set(shown)


def test_the_annual_report_has_target_actual_and_the_years_before(stored: Stored) -> None:
    document = docx.Document(io.BytesIO(annual_report(stored, "fi")))
    table = document.tables[0]
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert cells[0] == ["Mittari", "Tavoite 2023", "Toteuma 2023", "2022", "2021", "2020", "Arvio"]
    assert cells[1] == [
        "Elintarvikeketjun turvallisuus 1", "≥\u00a090\u00a0% 2", "92,31\u00a0%", "91\u00a0%", "89,25\u00a0% 3", "88,5\u00a0%", "✓ täyttyi",
    ]  # fmt: skip
    notes = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Tulosvahti Note"]
    assert notes[:3] == [
        "1 Tieto perustuu keksittyyn aineistoon, ei todelliseen rekisteriin.", "2 Tavoite on talousarviossa.",
        "3 Tarkistettu luku: 2021 oli aiemmin 87\u00a0%.",
    ]  # fmt: skip
    assert any(text.startswith("4 Ennakkotieto") for text in notes)
    assert cells[3][2] == "81 4"
    assert [row.cells[1].text for row in document.tables[1].rows] == ["Määräaika", "31.12.2023"]
    warned = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Tulosvahti Warning"]
    assert len(warned) == 1
    assert "crm" in warned[0]


def test_a_figure_of_the_annual_report_is_given_in_full(stored: Stored) -> None:
    document = docx.Document(io.BytesIO(annual_report(stored, "sv")))
    told = {cells[0]: cells[2] for table in document.tables for row in table.rows if (cells := [cell.text for cell in row.cells])}
    assert told["Seurattava luku (sv)"] == number(Decimal("14060741.5"), "sv")


def test_every_look_of_the_annual_report_is_a_named_style(stored: Stored) -> None:
    document = docx.Document(io.BytesIO(annual_report(stored, "en")))
    cells = [paragraph for table in document.tables for row in table.rows for cell in row.cells for paragraph in cell.paragraphs]
    everything = [*document.paragraphs, *cells]
    assert {paragraph.style.name for paragraph in everything} <= {
        "Title", "Subtitle", "Heading 1", "Heading 2",
        *(f"Tulosvahti {name}" for name in ("Text", "Warning", "Note", "Head", "Head Number", "Cell", "Number")),
    }  # fmt: skip
    assert {table.style.name for table in document.tables} == {"Tulosvahti Table"}
    assert all(run.font.size is None and run.font.bold is None for paragraph in everything for run in paragraph.runs)
    assert all("w:tblHeader" in table.rows[0]._tr.xml for table in document.tables)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_texts_in_the_annual_report(stored: Stored, language: str) -> None:
    bad = replace(stored, data={**poisoned(stored.data), "run": stored.data["run"]})
    document = docx.Document(io.BytesIO(annual_report(bad, language)))
    assert document.paragraphs[0].text.startswith("=cmd|'/c calc'!A1 <w:p>&[31m ")
    assert document.tables[0].rows[1].cells[0].text.startswith("=cmd|'/c calc'!A1 <w:p>&[31m ")


def test_csv_has_a_row_for_each_verdict_with_decimal_strings(stored: Stored) -> None:
    found = list(csv.DictReader(io.StringIO(to_csv(stored, "sv"), newline="")))
    assert [row["rule"] for row in found] == [verdict["rule"] for verdict in stored.verdicts]
    first = found[0]
    assert (first["observed"], first["margin"], first["target"], first["binding"]) == ("92.31", "2.31", ">= 90", "true")
    assert (first["verdict"], first["verdict_text"], first["synthetic"]) == ("met", "uppnått", "true")
    assert found[-1]["observed"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "|calc", "%x", " =1", "\t=1", "-", "1\r\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"])
def test_csv_quotes_what_a_spreadsheet_would_compute(stored: Stored, text: str) -> None:
    stored.data["verdicts"][0]["title"] = dict.fromkeys(LANGUAGES, text)
    stored.data["verdicts"][0]["margin"] = "-1.5"
    first = next(csv.DictReader(io.StringIO(to_csv(stored, "en"), newline="")))
    assert first["margin"] == "-1.5"
    assert not re.match(r"\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]", first["title"])
    assert "\n" not in first["title"]


def test_a_run_of_before_agreements_were_stored_is_named_by_its_keys(stored: Stored) -> None:
    old = {key: value for key, value in stored.data.items() if key != "agreements"}
    old["verdicts"] = [
        {key: value for key, value in verdict.items() if key != "sums"} | {"cite": {"agreement": "kainuu-2023", "section": "1.1"}}
        for verdict in stored.verdicts
    ]
    book = book_of(Stored(old), values=True)
    assert rows_of(book["Verdicts"])[0]["Owner"] == "tem"
    assert [cell.value for cell in book["appropriation-2023"][7]][:4] == ["Kainuu", 3678200, 188420, 3875620]
    assert docx.Document(io.BytesIO(annual_report(Stored(old), "fi"))).paragraphs[0].text == "Tulosraportti"


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheets_and_tables_are_laid_out_as_before(stored: Stored, language: str) -> None:
    book = book_of(stored, language)
    lines = [f"{sheet.title}: {' | '.join(str(cell.value) for cell in sheet[1] if cell.value)}" for sheet in book]
    document = docx.Document(io.BytesIO(annual_report(stored, language)))
    lines += [f"{paragraph.style.name}: {paragraph.text}" for paragraph in document.paragraphs]
    lines += [f"{table.style.name}: {' | '.join(cell.text for cell in row.cells)}" for table in document.tables for row in table.rows]
    golden(f"layout.{language}.txt", "\n".join(lines) + "\n")
