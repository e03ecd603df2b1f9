"""A stored run as a PDF: tagged after PDF/UA, with bookmarks, on A4, the pages numbered.

The layout is its own: the page for screens, with its grids and long rows, takes a layout engine minutes. Here every
table has fixed columns, and nothing is laid out twice.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from typing import TYPE_CHECKING, Any

from tulosvahti.emit.compiled import pages
from tulosvahti.emit.report import view_of

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.emit.stored import Stored

_LABEL = re.compile(r'aria-label="([^"]*)"')


def to_pdf(stored: Stored, language: str, pictures: Path | None = None) -> bytes:
    """Give the report of a run. ``pictures`` is a folder of charts that were drawn before.

    Raises:
        ModuleNotFoundError: WeasyPrint is not installed.

    """
    from weasyprint import HTML  # noqa: PLC0415 (heavy, and an extra)

    html = print_html(stored, language, pictures)
    identifier = hashlib.sha256(html.encode()).digest()[:16]
    written: bytes = HTML(string=html, url_fetcher=_only_inside).write_pdf(
        pdf_variant="pdf/ua-1", pdf_identifier=identifier, finisher=_numbered
    )
    return written


def _numbered(_document: object, pdf: Any) -> None:  # noqa: ANN401 (of WeasyPrint, an extra)
    """Give the headings of tables numbers for names, not their addresses in memory: the same run has the same bytes."""
    numbers: dict[Any, str] = {}
    elements = [item for item in pdf.objects if isinstance(item, dict) and item.get("Type") == "/StructElem"]
    for item in elements:
        if "ID" in item:
            item["ID"].string = numbers.setdefault(item["ID"].string, f"h{len(numbers)}")
    for item in elements:
        for name in item.get("A", {}).get("Headers", ()):
            # One object may stand in the lists of several cells.
            name.string = numbers.get(name.string, name.string)


def print_html(stored: Stored, language: str, pictures: Path | None = None) -> str:
    """Give the page that is printed."""
    view = view_of(stored, language, pictures)
    for section in view["sections"]:
        for rule in section["rules"]:
            rule["charts"] = [{**_picture(name, str(svg)), "foretold": foretold} for name, svg, foretold in rule["charts"]]
    return pages("tulosvahti.emit").get_template("print.html.j2").render(view, day=stored.as_of.isoformat())


def _picture(name: str, svg: str) -> dict[str, Any]:
    label = _LABEL.search(svg)
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return {"name": name, "source": source, "alt": unescape(label[1]) if label else ""}


def _only_inside(url: str, *_: object, **__: object) -> dict[str, Any]:
    """Fetch what the page itself holds, and nothing else."""
    from weasyprint import default_url_fetcher  # noqa: PLC0415

    if not url.startswith("data:"):
        message = f"{url} lies outside the report"
        raise ValueError(message)
    fetched: dict[str, Any] = default_url_fetcher(url)
    return fetched
