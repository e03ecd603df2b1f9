"""Digests through Debian's Postfix, from the bytes to the mailbox. ``.ci/postfix`` starts it and runs this."""

from __future__ import annotations

import email
import os
import time
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.alert import About, Alert, AlertKey, AlertState, Open
from tulosvahti.core.alert_plan import MailKind, Message, Shown, Standing
from tulosvahti.core.delivery import MailState
from tulosvahti.core.route import Recipient, rule_matter
from tulosvahti.core.text import Text
from tulosvahti.emit.letters import Desk
from tulosvahti.emit.mail import letter
from tulosvahti.emit.message import Letter, compose
from tulosvahti.emit.smtp import Server, send

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import EmailMessage

    from tulosvahti.core.rule import Agreement
    from tulosvahti.core.verdict import Outcome

WHERE = os.environ.get("TULOSVAHTI_POSTFIX", "")
pytestmark = pytest.mark.skipif(not WHERE, reason=".ci/postfix starts Postfix and sets TULOSVAHTI_POSTFIX")
SENT = datetime(2023, 12, 2, 4, 0, tzinfo=UTC)
SENDER = "Tulosvahti Ä <tulosvahti@kainuu.example>"


def server() -> Server:
    folder, port = WHERE.split()
    return Server(SENDER, "127.0.0.1", int(port), starttls=True, trust=f"{folder}/trust.pem")


def arrived(box: str, message_id: str) -> tuple[bytes, EmailMessage]:
    folder = Path(WHERE.split()[0]) / "mail" / box / "new"
    for _ in range(200):
        for path in folder.glob("*"):
            content = path.read_bytes()
            message = email.message_from_bytes(content, policy=policy.default)
            if message["Message-ID"] == message_id:
                return content, message  # type: ignore[return-value]
        time.sleep(0.05)
    pytest.fail(f"{message_id} did not arrive in {box}")


def body_lines(content: bytes) -> list[bytes]:
    """Give what stands below the header, whatever ends its lines."""
    return content.replace(b"\r\n", b"\n").partition(b"\n\n")[2].splitlines()


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_digest_arrives_as_it_was_made(outcome: Outcome, agreements: Mapping[str, Agreement], language: str) -> None:
    name = Text(fi="Työ- ja elinkeinoministeriö, Åland", sv="Arbets- och näringsministeriet", en="Ministry")
    recipient = Recipient("tem", name, ("ely@kainuu.example", "toinen@kainuu.example"), language)
    message_id = f"<digest.{language}@kainuu.example>"
    shown = {AlertKey(About.RULE, verdict.rule.id): Shown(verdict=verdict) for verdict in outcome.verdicts}
    new = tuple(
        Standing(Alert(key, AlertState.FIRING, SENT, 1, {verdict.key[2]: Open(verdict.word)}), rule_matter(verdict.rule, verdict.word))
        for key, verdict in zip(shown, outcome.verdicts, strict=True)
    )
    desk = Desk(outcome, shown, agreements, {}, {"tem": recipient}, UTC)
    content, _ = letter(Message("tem", MailKind.DIGEST, new=new), desk, SENDER, message_id, SENT)
    answers = send(content, [*recipient.mail, "nobody@kainuu.example", "x@elsewhere.example"], server())
    assert [answer.state for answer in answers.values()] == [MailState.SENT, MailState.SENT, MailState.FAILED, MailState.FAILED]
    assert "5.1.1" in answers["nobody@kainuu.example"].said
    made = email.message_from_bytes(content, policy=policy.default)
    for box in ("ely", "toinen"):
        raw, message = arrived(box, message_id)
        for header in ("Subject", "From", "To", "List-Id", "Auto-Submitted", "References", "Date"):
            assert message[header] == made[header]
        assert body_lines(raw) == body_lines(content)
        assert not message.defects
    assert message["To"].addresses[0].display_name == name.in_language(language)
    if language == "fi":
        text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "Työ- ja elinkeinoministeriö, Åland: tämä koskee" in text


def test_long_and_hostile_subjects_arrive(outcome: Outcome) -> None:
    for number, subject in enumerate(["Åäö " * 200, "x" * 1200, "a\r\nBcc: toinen@kainuu.example\r\n\r\nb", "=?utf-8?q?=0d=0aBcc:_x?= ä"]):
        message_id = f"<subject.{number}@kainuu.example>"
        letter = Letter(message_id, SENDER, (("Å", "ely@kainuu.example"),), subject, ".\n..\nFrom x\n" + "ä" * 3000, "<p>ä</p>", SENT, "fi")
        content = compose(letter)
        assert send(content, ["ely@kainuu.example"], server())["ely@kainuu.example"].state is MailState.SENT
        raw, message = arrived("ely", message_id)
        assert message["Bcc"] is None
        assert message["Subject"] == " ".join(subject.replace("=?", "= ?").split())
        assert body_lines(raw) == body_lines(content)
        assert message.get_body(("plain",)).get_content().splitlines()[:3] == [".", "..", "From x"]  # type: ignore[union-attr]
