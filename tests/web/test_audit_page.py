"""A table file that is dropped on the page: its broken cells, a marked workbook, a rule; hostile files."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from dashboard import browser, token_of

from tulosvahti.audit.apart import Bounds
from tulosvahti.audit.child import FOUND
from tulosvahti.emit.words import word

BROKEN = "centre,a,b,total\nNorth,100,20,120\nSouth,200,30,230\nEast,300,45,345\nWest,410,50,460\nAll,1010,145,1165\n"


def handed_in(visitor, name: str, content: bytes):
    token = token_of(visitor.get("/en/audit"))
    return visitor.post("/en/audit", data={"form_token": token}, files={"file": (name, content, "text/csv")})


def test_a_table_with_a_wrong_cell_is_shown_with_it_marked_and_its_relations(reading):
    answer = handed_in(reading, "table.csv", BROKEN.encode())
    assert answer.status_code == 303
    where = answer.headers["location"]
    page = reading.get(where).text
    assert "Audit of table.csv" in page
    assert re.search(r'class="(wrong|doubt)[^"]*"', page)
    assert re.search(r'<a class="sum" href="#t1r\d+" data-relations="t1r\d+ t1r\d+"', page)
    assert "tulosvahti-audit-" not in page
    book = reading.get(f"{where}/marked.xlsx")
    assert book.content.startswith(b"PK")
    assert "crossfoot" in reading.get(f"{where}/rule.yaml").text


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b""), ("../../etc/passwd", b"x,y\n1,2\n"), ("a.xlsx", b"PK\x03\x04broken"), ("a.pdf", b"%PDF-1.4\nbroken"), ("<b>.csv", b"<script>,a\n1,2\n"), ("a.bin", bytes(range(256)) * 10)],
)
def test_a_file_that_is_no_table_is_told(reading, name, content):
    answer = handed_in(reading, name, content)
    assert answer.status_code in {303, 400}
    if answer.status_code == 303:
        page = reading.get(answer.headers["location"])
        assert page.status_code == 200
        assert "<script>," not in page.text
        assert "<b>.csv" not in page.text
        assert "Traceback" not in page.text


def test_somebody_else_does_not_see_it_and_it_ends(reading, house, clock):
    where = handed_in(reading, "table.csv", BROKEN.encode()).headers["location"]
    assert browser(house).get(where).status_code == 404
    clock.pass_by(hours=2)
    assert reading.get(where).status_code == 404


def test_no_file_is_told(reading):
    token = token_of(reading.get("/en/audit"))
    answer = reading.post("/en/audit", data={"form_token": token})
    assert answer.status_code == 400
    assert "No file came." in answer.text


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (Bounds(seconds=0.01), "it took longer than 0.01 seconds"),
        (Bounds(memory=1 << 20), "it needed more than 1 MB of memory"),
        (Bounds(file=100), "broke off"),
    ],
)
def test_an_audit_that_costs_too_much_is_ended_and_a_page_says_so(house, reading, bounds, said):
    house.audit_bounds = bounds
    answer = handed_in(reading, "table.csv", BROKEN.encode())
    assert answer.status_code == 422
    assert said in answer.text
    assert "Traceback" not in answer.text
    house.audit_bounds = Bounds()
    assert handed_in(reading, "table.csv", BROKEN.encode()).status_code == 303


def test_what_is_handed_in_does_not_pass_for_what_was_found(reading, tmp_path):
    """A file named as ours is data, and is never loaded."""

    class Touches:
        def __reduce__(self):
            return Path.touch, (tmp_path / "loaded",)

    answer = handed_in(reading, FOUND, pickle.dumps(Touches()))
    if answer.status_code == 303:
        reading.get(answer.headers["location"])
    assert not (tmp_path / "loaded").exists()


def test_another_language_is_made_when_it_is_asked_for(reading):
    where = handed_in(reading, "table.csv", BROKEN.encode()).headers["location"]
    pages = {code: reading.get(where.replace("/en/", f"/{code}/")).text for code in ("en", "fi")}
    for code, other in (("en", "fi"), ("fi", "en")):
        assert word("audit.summary", code) in pages[code]
        assert word("audit.summary", other) not in pages[code]
