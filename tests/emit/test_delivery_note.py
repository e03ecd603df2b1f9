"""The message to a deliverer, in every language beside its golden file; hostile values stay values. ``UPDATE_GOLDEN=1`` writes anew."""

from __future__ import annotations

import email
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from email import policy
from pathlib import Path

import pytest

from tulosvahti.core.arrival import Arrived, How
from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Field, FieldType, Reject
from tulosvahti.core.delivery_note import Note
from tulosvahti.core.drop import Drop
from tulosvahti.core.route import Recipient
from tulosvahti.core.text import Text
from tulosvahti.emit.delivery_note import Told, note_letter
from tulosvahti.problem import Place

GOLDEN = Path(__file__).parent / "golden"
SENT = datetime(2023, 12, 2, 4, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\r\nBcc: z@y.example\x1b[2J =?utf-8?q?x?= {{ 7*7 }} =cmd|'/c calc'!A1 " + "ä" * 200
FIELDS = (
    Field("id", required=True, pattern="L-[0-9]{5}"),
    Field("day", FieldType.DATE, header="Päivä", date_format="%d.%m.%Y", minimum=date(2020, 1, 1)),
    Field("euro", FieldType.NUMBER, decimal_char=",", minimum=Decimal(0), maximum=Decimal("1000.5")),
    Field("state", enum=("A", "B")),
    Field("fine", FieldType.BOOLEAN, true_values=("kyllä",), false_values=("ei",)),
)
CONTRACT = Contract(
    "crm_leads", Text("Liidit <i>", "Leads <i>", "Leads <i>"), "crm.csv", FIELDS, Place("inputs/crm.yaml"), primary_key=("id",),
    deliverer="crm", synthetic=True, drop=Drop("/srv/drop/crm", "leads_*.csv"), max_rejects_percent=Decimal(5),
)  # fmt: skip
FILE = Arrived("leads_<b>2023</b>.csv", "ab" * 32, 1_234_567, "2023-12-01", "crm-export", How.DROP)
REJECTS = tuple(
    Reject(row, row + 1, "euro", HOSTILE if row == 2 else f"x{row}", "not a number: unexpected character 'x'; allowed: digits, decimal mark ','", cell=f"Liidit!C{row}" if row % 2 else "")
    for row in range(2, 15)
)
PARTLY = Delivery(
    "crm_leads", DeliveryState.ACCEPTED, "ab" * 32, 1500, REJECTS, 13, date(2023, 11, 30), date(2023, 11, 30),
    "13 of 1513 rows are rejected", "ask crm to mend the rejected rows", files=(FILE,),
)  # fmt: skip
REFUSED = replace(
    PARTLY, state=DeliveryState.QUARANTINED, rows=0, rejects=(), rejected_rows=0, covered_through=None,
    explanation="file is empty (0 bytes)", next_step="ask crm for the file again",
)  # fmt: skip
CASES = {Note.PARTLY: PARTLY, Note.REFUSED: REFUSED, Note.MENDED: replace(PARTLY, rejects=(), rejected_rows=0)}


def made(note: Note, language: str) -> tuple[bytes, email.message.EmailMessage]:
    what = Told(note, CONTRACT, FILE, CASES[note], datetime(2023, 12, 1, 21, 30, tzinfo=UTC), "leads_old.csv")
    to = Recipient("crm", Text("CRM & co", "CRM & co", "CRM & co"), ("crm@x.example",), language)
    content, trouble = note_letter(what, to, "Vahti <vahti@y.example>", "<1@y.example>", SENT, UTC)
    assert not trouble
    return content, email.message_from_bytes(content, policy=policy.default)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("note", list(Note))
def test_golden(note: Note, language: str) -> None:
    _, mail = made(note, language)
    text = f"Subject: {mail['Subject']}\n\n{mail.get_body(('plain',)).get_content()}".replace("\r\n", "\n")
    place = GOLDEN / f"mail.delivery_{note}.{language}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        place.write_text(text, encoding="utf-8")
    assert text == place.read_text(encoding="utf-8")


@pytest.mark.parametrize("note", list(Note))
def test_same_letter_same_bytes_and_data_is_only_data(note: Note) -> None:
    content, mail = made(note, "fi")
    assert content == made(note, "fi")[0]
    assert mail["Bcc"] is None
    assert list(mail.keys()).count("To") == 1
    html, text = (mail.get_body((kind,)).get_content() for kind in ("html", "plain"))
    assert "<script" not in html
    assert "<b>2023</b>" not in html
    assert "Liidit <i>" not in html
    assert "\x1b" not in html + text
    if note is Note.PARTLY:
        assert "&lt;script&gt;" in html
        assert "{{ 7*7 }}" in text
        assert text.count("Liidit!C") + text.count("tietue ") == 10, "the first ten"
        assert "ja lisäksi 3" in text


def test_a_template_of_the_project_replaces_it_and_the_digests_does_not(tmp_path: Path) -> None:
    (tmp_path / "digest.txt.j2").write_text("of the digest", encoding="utf-8")
    what = Told(Note.REFUSED, CONTRACT, FILE, REFUSED, SENT)
    to = Recipient("crm", Text("CRM"), ("crm@x.example",), "en")
    content, _ = note_letter(what, to, "vahti@y.example", "<1@y.example>", SENT, UTC, tmp_path)
    assert b"of the digest" not in content
