"""Documents opened by programs that are not ours: LibreOffice and Poppler, which a machine may lack."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tulosvahti.emit.annual import annual_report
from tulosvahti.emit.book import workbook
from tulosvahti.emit.pdf import print_html, to_pdf
from tulosvahti.emit.stored import decimal_of, title_of
from tulosvahti.emit.words import CATALOGUES, number

if TYPE_CHECKING:
    from tulosvahti.emit.stored import Stored

LANGUAGES = ("fi", "sv", "en")
needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils (pdftotext) is not installed")


def said_by(*command: str, seconds: int = 60) -> str:
    """Run a program of the system; give what it prints."""
    done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603 (names and files of this test)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def opened(path: Path, form: str) -> Path:
    """Let LibreOffice open a file and write it in another form, with a profile of its own."""
    profile = (path.parent / "profile").as_uri()
    given = f"-env:UserInstallation={profile}", "--headless", "--convert-to", form, "--outdir", str(path.parent / "out")
    said = said_by("soffice", *given, str(path), seconds=180)
    found = list((path.parent / "out").glob(f"{path.stem}*"))
    assert len(found) == 1, (found, said)
    (made,) = found
    return made


def text_of(path: Path) -> str:
    return flat(said_by("pdftotext", "-enc", "UTF-8", str(path), "-"))


def flat(text: str) -> str:
    """Leave white space and soft hyphens out: where a line ends is the program's business."""
    return re.sub(r"[\s\u00ad]+", "", text)


def shown_titles(stored: Stored, language: str) -> set[str]:
    return {flat(re.sub(r"[\x00-\x1f]", "", title_of(verdict, language))) for verdict in stored.verdicts}


@needs_poppler
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_says_what_the_page_says(stored: Stored, language: str, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(to_pdf(stored, language))
    text = text_of(path)
    assert [title for title in shown_titles(stored, language) if title not in text] == []
    words = CATALOGUES[language]
    for key in ("ui.summary", "ui.attention", "ui.changes", "ui.contents", "ui.deliveries", "ui.problems", "ui.table"):
        assert flat(words[key]) in text, key
    observed = [number(value, language) for item in stored.verdicts if (value := decimal_of(item["observed"])) is not None]
    assert [shown for shown in observed if flat(shown) not in text] == []
    assert not re.search(r"\b(ui|book|says|verdict|change|state)\.[a-z_]+\b", text)
    facts = said_by("pdfinfo", str(path))
    assert re.search(r"Tagged:\s+yes", facts)
    assert re.search(r"Page size:.*\(A4\)", facts)


def test_the_same_run_has_the_same_bytes_as_pdf_whenever_and_wherever_it_is_made(stored: Stored) -> None:
    first = to_pdf(stored, "fi")
    # What is alive moves what comes after it in memory, where structure used to be known by its address.
    alive = [bytearray(100_000) for _ in range(100)]
    assert to_pdf(stored, "fi") == first
    assert alive


@needs_poppler
def test_the_pdf_has_the_structure_that_readers_aloud_need(stored: Stored, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(to_pdf(stored, "sv"))

    tags = set(re.findall(r"^ *([A-Z][A-Za-z0-9]*)\b", said_by("pdfinfo", "-struct", str(path)), flags=re.MULTILINE))
    assert {"H1", "H2", "H3", "Table", "TR", "TH", "TD", "Figure", "L", "LI"} <= tags
    assert re.search(r"pdfuaid:part\W+1\b", said_by("pdfinfo", "-meta", str(path)))


@needs_poppler
def test_no_page_of_the_pdf_is_blank(stored: Stored, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(to_pdf(stored, "fi"))
    said_by("pdftoppm", "-r", "20", "-gray", str(path), str(tmp_path / "page"))
    pages = sorted(tmp_path.glob("page-*.pgm"))
    assert len(pages) >= 3
    assert [page.name for page in pages if min(page.read_bytes()[-20_000:]) > 200] == []


def test_charts_in_print_have_a_text_alternative_and_nothing_is_fetched(stored: Stored) -> None:
    html = print_html(stored, "fi")
    pictures = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="([^"]+)"', html)
    assert pictures
    assert all(base64.b64decode(source).startswith(b"<svg") and "92,31" in alt for source, alt in pictures)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    assert "<script" not in html


@needs_office
@needs_poppler
@pytest.mark.parametrize("language", LANGUAGES)
def test_libreoffice_reads_every_word_of_the_annual_report(stored: Stored, language: str, tmp_path: Path) -> None:
    path = tmp_path / "annual.docx"
    path.write_bytes(annual_report(stored, language))
    text = text_of(opened(path, "pdf"))
    told = [item for item in stored.verdicts if item["kind"] == "target"]
    titles = {flat(re.sub(r"[\x00-\x1f]", "", title_of(item, language))) for item in told}
    assert [title for title in titles if title not in text] == []
    assert flat(number(Decimal("92.31"), language)) in text


@needs_office
@pytest.mark.parametrize("language", LANGUAGES)
def test_libreoffice_recomputes_the_workbook_to_what_it_shows(stored: Stored, language: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook(stored, language))
    # Sheet 2 holds the verdicts; every formula is computed by LibreOffice itself.
    table = opened(path, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2").read_text(encoding="utf-8")
    titles = shown_titles(stored, language)
    assert [title for title in titles if title not in flat(table)] == []
    assert "92.31" in table or "92,31" in table
    assert not re.search(r"#(REF|NAME|VALUE|DIV/0)|Err:\d", table)
