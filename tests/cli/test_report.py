"""``report``: stored runs in every form, as they were judged."""

from __future__ import annotations

import csv
import io
import sys

import docx
import openpyxl
import pytest

from cli.conftest import VISITS


def verdicts(path):
    sheet = openpyxl.load_workbook(path, data_only=True)["Verdicts"]
    heads = [cell.value for cell in sheet[1]]
    return {row[heads.index("Rule")].value: row[heads.index("Observed")].value for row in sheet.iter_rows(min_row=2)}


def test_a_past_run_is_reported_as_it_was_judged(project):
    project.run()
    project.write("inputs/visits.csv", VISITS + "d;06.02.2025;5,00\n")
    project.run()
    project.write("rules/visits.yaml", "not a rule file\n")
    old, new = (project.call("report", "--format", "xlsx", *run).stdout.strip() for run in (("--run", "1"), ()))
    assert (old, new) == tuple(str(project.root / f".tulosvahti/reports/run-{run}.en.xlsx") for run in (1, 2))
    assert (verdicts(old)["visits"], verdicts(new)["visits"]) == (3, 4)
    first = next(csv.DictReader(io.StringIO(project.call("report", "--format", "csv", "--run", "1").stdout, newline="")))
    assert first["run"] == "1"


def test_a_figure_that_changed_after_its_period_is_marked_as_revised(project):
    project.run(as_of="2026-02-10")
    project.write("inputs/visits.csv", VISITS + "d;06.02.2025;5,00\n")
    project.run(as_of="2026-02-11")
    path = project.root / "year.docx"
    assert project.call("report", "--format", "docx", "--language", "en", "--out", str(path)).exit_code == 0
    notes = [item.text for item in docx.Document(str(path)).paragraphs if item.style.name == "Tulosvahti Note"]
    assert any("Revised: 2025 was given as 3 before." in text for text in notes)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("form", ["html", "pdf", "xlsx", "docx", "csv", "json"])
def test_every_form_in_every_language(project, form, language):
    project.run()
    path = project.root / "out" / f"a.{form}"
    result = project.call("report", "--format", form, "--language", language, "--out", str(path))
    assert (result.exit_code, result.stdout.strip()) == (0, str(path))
    assert path.stat().st_size > 500


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "odt"], "--format: 'odt' is not known; allowed: html, pdf, xlsx, docx, csv, json"),
        (["--language", "de"], "--language: 'de' is not known; allowed: fi, sv, en"),
        (["--format", "xlsx", "--run", "99"], "no such run"),
        (["--format", "csv", "--run", "-1"], "no such run"),
        (["--format", "json", "--run", "99"], "no such run"),
        (["--run", "99"], "no such run"),
        (["--format", "pdf", "--run", "99"], "no such run"),
    ],
)
def test_a_wrong_call_says_what_is_allowed(project, arguments, said):
    project.run()
    result = project.call("report", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_a_place_that_cannot_be_written_is_said(project):
    project.run()
    result = project.call("report", "--format", "csv", "--out", str(project.root / "config.toml" / "a.csv"))
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr


def test_word_tables_without_python_docx_say_what_to_install(project, monkeypatch):
    project.run()
    monkeypatch.setitem(sys.modules, "docx", None)
    result = project.call("report", "--format", "docx")
    assert result.exit_code == 2
    assert "pip install 'tulosvahti[reports]'" in result.stderr


def test_a_page_of_a_past_run_in_a_language_that_the_project_does_not_have(project):
    project.run()
    project.write("inputs/visits.csv", VISITS + "d;06.02.2025;5,00\n")
    project.run()
    path = project.root / "old.html"
    assert project.call("report", "--run", "1", "--language", "sv", "--out", str(path)).exit_code == 0
    page = path.read_text(encoding="utf-8")
    assert '<html lang="sv">' in page
    assert "På två minuter" in page
    assert "Körning 1" in page


def test_the_page_of_a_run_is_the_one_that_the_run_wrote(project):
    project.run()
    written = project.root / ".tulosvahti/reports/run-1.en.html"
    before = written.read_bytes()
    assert project.call("report", "--language", "en").stdout.strip() == str(written)
    assert written.read_bytes() == before
