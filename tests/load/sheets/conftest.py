"""Files to read: the cases' own, and workbooks, documents and PDFs written part by part."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.sheet import Sheet
from tulosvahti.load.sheets import Reading, read_sheets

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"
_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def texts(sheet: Sheet) -> list[list[str]]:
    return [[cell.text for cell in row] for row in sheet.rows]


@pytest.fixture
def case() -> Callable[[str], Reading]:
    """Read the input of a case."""
    return lambda name: read_sheets(DATA / name)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Write a file and read it."""

    def write(name: str, content: str | bytes, **options: object) -> Reading:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_sheets(path, **options)  # type: ignore[arg-type]

    return write


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Write an XLSX file from the XML of its sheets."""

    def write(*sheets: str, parts: dict[str, str] | None = None, workbook: str = "", styles: str = "") -> Path:
        names = range(1, len(sheets) + 1)
        listed = "".join(f'<sheet name="S{at}" sheetId="{at}" r:id="rId{at}"/>' for at in names)
        links = "".join(
            f'<Relationship Id="rId{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
            for at in names
        )
        links += f'<Relationship Id="st" Type="{_RELATIONS}/styles" Target="/xl/styles.xml"/>' if styles else ""
        content = {
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" Type="{_RELATIONS}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets>'
            f"{workbook}</workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>',
        }
        if styles:
            content["xl/styles.xml"] = f'<styleSheet xmlns="{_SPREADSHEET}">{styles}</styleSheet>'
        for at, sheet in zip(names, sheets, strict=True):
            whole = (
                sheet
                if sheet.startswith(("<?", "<!", "<x:"))
                else f'<worksheet xmlns="{_SPREADSHEET}">{sheet}</worksheet>'
            )
            content[f"xl/worksheets/sheet{at}.xml"] = whole
        return archive(tmp_path / "book.xlsx", content | (parts or {}))

    return write


def archive(path: Path, parts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            made.writestr(name, text)
    return path


@pytest.fixture
def document(tmp_path: Path) -> Callable[..., Path]:
    """Write an ODS file from the XML of its tables."""

    def write(tables: str, *, styles: str = "", parts: dict[str, str] | None = None) -> Path:
        names = ("office", "table", "text", "style", "drawing")
        spaces = " ".join(f'xmlns:{"draw" if name == "drawing" else name}="{_ODF}:{name}:1.0"' for name in names)
        spaces += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
        content = (
            f"<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
        )
        kind = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}
        return archive(tmp_path / "book.ods", kind | {"content.xml": content} | (parts or {}))

    return write


@pytest.fixture
def pdf(tmp_path: Path) -> Callable[..., Path]:
    """Write a PDF of pages, each given by its drawing commands; font F2 has no-break and thin spaces as B and C."""

    def write(*pages: str) -> Path:
        kids = " ".join(f"{6 + 2 * at} 0 R" for at in range(len(pages)))
        unicode = (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def 1 begincodespacerange"
            " <00><FF> endcodespacerange 1 beginbfrange <30><39><0030> endbfrange"
            " 2 beginbfchar <42><00A0> <43><2009> endbfchar endcmap end end"
        )
        objects = [
            "<</Type/Catalog/Pages 2 0 R>>",
            f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 5 0 R>>",
            f"<</Length {len(unicode)}>>stream\n{unicode}\nendstream",
        ]
        for at, drawing in enumerate(pages):
            fonts = "/Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>"
            objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {7 + 2 * at} 0 R{fonts}>>")
            objects.append(f"<</Length {len(drawing.encode('cp1252'))}>>stream\n{drawing}\nendstream")
        out, starts = b"%PDF-1.4\n", []
        for number, item in enumerate(objects, 1):
            starts.append(len(out))
            out += f"{number} 0 obj\n{item}\nendobj\n".encode("cp1252")
        table = "".join(f"{start:010} 00000 n \n" for start in starts)
        end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\n"
        path = tmp_path / "book.pdf"
        path.write_bytes(out + f"{end}startxref\n{len(out)}\n%%EOF".encode())
        return path

    return write
