"""The audit command: exit codes, several files at once, files that cannot be read, and what it writes."""

from __future__ import annotations

import json
import zipfile

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from tulosvahti.cli.commands import app

RIGHT = "Menot;Kainuu;Lappi;Yhteensä\nPalkat;1 204;2 318;3 522\nVuokrat;417;906;1 323\nMatkat;88;141;229\nYhteensä;1 709;3 365;5 074\n"
WRONG = RIGHT.replace("Vuokrat;417;", "Vuokrat;471;")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "right.csv").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "wrong.csv").write_text(WRONG, encoding="utf-8")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)) * 20)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param(["right.csv"], 0, id="right"),
        pytest.param(["wrong.csv"], 1, id="a-broken-sum"),
        pytest.param(["right.csv", "wrong.csv"], 1, id="one-of-two"),
        pytest.param(["right.csv", "empty.csv"], 2, id="one-cannot-be-read"),
        pytest.param(["."], 2, id="a-folder"),
    ],
)
def test_exit_codes(folder, files, code):
    assert call(*files).exit_code == code


@pytest.mark.parametrize("bad", ["empty.csv", "broken.xlsx", "bytes.csv", "not-there.csv"])
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_audited(folder, bad):
    done = call(bad, "wrong.csv", "--language", "en")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{bad}: ")
    assert "Traceback" not in done.stderr
    assert "Cell B3 (Vuokrat / Kainuu) says 471 but should say 417: two digits are swapped." in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("language", "said"),
    [("fi", "pitäisi olla 417"), ("sv", "borde"), ("en", "should say 417")],
)
def test_the_three_languages(folder, language, said):
    assert said in " ".join(call("wrong.csv", "--language", language).stdout.split())


def test_a_language_that_is_none(folder):
    done = call("right.csv", "--language", "de")
    assert done.exit_code == 2
    assert done.stderr == "--language: 'de' is not known; allowed: fi, sv, en\n"


def test_json_names_the_cell_the_value_and_the_cause(folder):
    done = call("wrong.csv", "empty.csv", "--json", "-")
    found = json.loads(done.stdout)
    (table,) = found["tables"]
    (finding,) = table["findings"]
    assert (finding["cells"], finding["stated"], finding["implied"], finding["cause"], finding["explains"]) == (
        ["B3"], ["471"], ["417"], "digits_swapped", 2,
    )  # fmt: skip
    broken = [(r["axis"], r["total"], r["difference"], r["rounding"]) for r in table["relations"] if r["holds"] is False]
    assert broken == [("row", "D3", "-54", "beyond"), ("column", "B5", "-54", "beyond")]
    assert [problem["file"] for problem in found["problems"]] == ["empty.csv"]


def test_the_same_files_give_the_same_bytes(folder):
    assert call("wrong.csv", "--json", "-").stdout == call("wrong.csv", "--json", "-").stdout


def test_a_page_tells_what_was_found_and_what_could_not_be_read(folder):
    call("wrong.csv", "empty.csv", "--html", "out/audit.html", "--language", "en")
    page = (folder / "out" / "audit.html").read_text(encoding="utf-8")
    assert "two digits are swapped" in page
    assert "Files that could not be read" in page
    assert "empty.csv: file is empty" in page


def test_workbooks_of_several_files_go_into_a_folder(folder):
    done = call("right.csv", "wrong.csv", "--xlsx", "marked")
    assert done.exit_code == 1
    assert sorted(path.name for path in (folder / "marked").iterdir()) == ["right-audit.xlsx", "wrong-audit.xlsx"]
    book = load_workbook(folder / "marked" / "wrong-audit.xlsx")
    (cell,) = [c for sheet in book for row in sheet.iter_rows() for c in row if c.comment and c.coordinate == "B3"]
    assert "417" in cell.comment.text
    assert cell.fill.fgColor.rgb not in {"00000000", None}


def test_a_workbook_is_never_written_over_itself(folder):
    call("wrong.csv", "--xlsx", "book.xlsx")
    before = (folder / "book.xlsx").read_bytes()
    done = call("book.xlsx", "--xlsx", "book.xlsx")
    assert done.exit_code == 2
    assert "name another one" in done.stderr
    assert (folder / "book.xlsx").read_bytes() == before
    assert zipfile.is_zipfile(folder / "book.xlsx")


def test_a_rule_that_guards_the_table_runs_in_a_new_project(folder):
    """The printed contract and rule, saved as named, give a project whose run points at the wrong cell."""
    CliRunner().invoke(app, ["init", "project"])
    text = call("wrong.csv", "--rule").stdout
    contract, rule = (part.strip() + "\n" for part in text.split("\n# inputs/", 1)[1].split("\n---\n"))
    (folder / "project/inputs" / contract.splitlines()[0]).write_text(contract.split("\n", 1)[1], encoding="utf-8")
    rule = rule.removeprefix("# rules/")
    (folder / "project/rules" / rule.splitlines()[0]).write_text(rule.split("\n", 1)[1], encoding="utf-8")
    (folder / "project/inputs/wrong.csv").write_text(WRONG, encoding="utf-8")
    done = CliRunner().invoke(app, ["run", "--project", "project", "--json", "-", "--no-alerts", "--rules", "wrong-sums"])
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert (verdict["rule"], verdict["verdict"]) == ("wrong-sums", "missed")
    assert "417" in json.dumps(verdict["evidence"])
