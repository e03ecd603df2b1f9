"""The bytes of a mail: what any server passes on, and what data cannot do to it."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulosvahti.emit.message import Letter, Picture, ascii_address, compose, domain_of, thread_root
from tulosvahti.emit.words import clean

SENT = datetime(2023, 12, 2, 4, 0, tzinfo=UTC)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "List-Id", "Auto-Submitted", "Content-Language", "In-Reply-To",
    "References", "Content-Type", "MIME-Version",
}  # fmt: skip
NASTY = (
    st.text(max_size=300)
    | st.sampled_from(
        [
            "a\r\nBcc: x@y.example", "a\n\n<html>", "=?utf-8?q?=0d=0aBcc:_x@y.example?=", "=?utf-8?b?DQpCY2M6IHg=?=", "",
            "ä" * 2000, "a" * 2000, "y " * 900, "\ud800\x00\x1b[31m", "\u2028Bcc: x", 'Työ; "a" <b@c>, d@e', "é\u200f\u202ea", "  ",
        ]
    )
)  # fmt: skip


def letter(**more: object) -> Letter:
    given: dict[str, object] = {
        "message_id": "<1@x.example>", "sender": "Tulosvahti <t@x.example>", "to": (("Åsa Öljymäki", "a@y.example"),),
        "subject": "Tulos ä", "text": "Hyvää yötä\n", "html": "<p>Hyvää yötä</p>", "sent_at": SENT, "language": "fi",
        "thread": ("a", "leads"), **more,
    }  # fmt: skip
    return Letter(**given)  # type: ignore[arg-type]


@given(NASTY, NASTY, NASTY, NASTY)
def test_data_makes_no_header_and_no_long_line(subject: str, name: str, text: str, html: str) -> None:
    content = compose(letter(subject=subject, to=((name, "a@y.example"), (name, "b@y.example")), text=text, html=html))
    assert content.isascii()
    assert b"\r\n" in content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    for rules in (policy.default, policy.compat32):
        message = email.message_from_bytes(content, policy=rules)  # type: ignore[arg-type]
        assert set(message.keys()) == HEADERS
        assert len(message.keys()) == len(HEADERS)
        assert not message.defects
    parsed = email.message_from_bytes(content, policy=policy.default)
    assert [one.addr_spec for one in parsed["To"].addresses] == ["a@y.example", "b@y.example"]
    # A reader that decodes twice finds nothing more than one that decodes once.
    old = str(make_header(decode_header(email.message_from_bytes(content)["Subject"] or "")))
    assert old.split() == clean(subject).replace("=?", "= ?").split()
    assert "=?" not in old


@pytest.mark.parametrize(
    "subject",
    ["Tulosvahti 2.12.2023: 3 uutta tai muuttunutta, 1 korjattu, 12 ennallaan, Työ- ja elinkeinoministeriö " * 4, "åäö ÅÄÖ", "plain", "€" * 300, "🜁 " * 90, "a" * 300],
)
def test_long_subjects_come_back_as_they_were(subject: str) -> None:
    parsed = email.message_from_bytes(compose(letter(subject=subject)), policy=policy.default)
    assert parsed["Subject"] == subject.strip()


def test_mailboxes() -> None:
    many = (("Åsa", "a@y.example"), ("", "b@y.example"), ("Dr. B", "c.d@kainuu-yhtiö.example"), ("x", "ä@y.example"), ("x", "no address"))
    content = compose(letter(to=many, sender="Työ <t@x.example>"))
    parsed = email.message_from_bytes(content, policy=policy.default)
    got = [(one.display_name, one.addr_spec) for one in parsed["To"].addresses]
    assert got == [("Åsa", "a@y.example"), ("", "b@y.example"), ("Dr. B", "c.d@xn--kainuu-yhti-1fb.example")]
    assert parsed["From"].addresses[0].display_name == "Työ"
    assert b"To: undisclosed-recipients:;\r\n" in compose(letter(to=(("x", "ä@y.example"),)))
    with pytest.raises(ValueError, match="allowed: name@domain"):
        ascii_address("ä@y.example")
    assert [domain_of(one) for one in ("a@b.example", "A <a@ä.example>", "")] == ["b.example", "xn--4ca.example", "tulosvahti.invalid"]


def test_a_thread_is_stable_and_only_its_own() -> None:
    first, second = (email.message_from_bytes(compose(letter(message_id=f"<{n}@x.example>"))) for n in (1, 2))
    assert first["References"] == second["References"] == first["In-Reply-To"] == thread_root(("a", "leads"), "x.example")
    roots = {thread_root(one, "x.example") for one in (("a", "leads"), ("b", "leads"), ("a", "digest"), ("al", "eads"))}
    assert len(roots) == 4
    assert email.message_from_bytes(compose(letter(thread=())))["References"] is None


def test_pictures_are_inside() -> None:
    png = b"\x89PNG" + bytes(range(256)) * 3
    content = compose(letter(html='<img src="cid:leads">', pictures=(Picture("leads", png),)))
    assert content == compose(letter(html='<img src="cid:leads">', pictures=(Picture("leads", png),)))
    parsed = email.message_from_bytes(content, policy=policy.default)
    plain, related = parsed.iter_parts()
    assert (plain.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    page, picture = related.iter_parts()
    assert page.get_content().strip() == '<img src="cid:leads">'
    assert (picture["Content-ID"], picture.get_content_disposition(), picture.get_content()) == ("<leads>", "inline", png)
    assert parsed.get_boundary() != related.get_boundary()
