"""Every kind of mail in every language, beside its golden file. ``UPDATE_GOLDEN=1`` writes them anew."""

from __future__ import annotations

import email
import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import policy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tulosvahti.core.alert import About, Alert, AlertKey, AlertState, Open
from tulosvahti.core.alert_calendar import Due
from tulosvahti.core.alert_mute import Silence, materiality
from tulosvahti.core.alert_plan import MailKind, Message, Reminded, Shown, Standing, Tell, due_key
from tulosvahti.core.contract import Contract, Delivery, DeliveryState
from tulosvahti.core.period import read_period
from tulosvahti.core.route import Recipient, input_matter, rule_matter
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Outcome, Word
from tulosvahti.emit.letters import Desk
from tulosvahti.emit.mail import letter
from tulosvahti.problem import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tulosvahti.core.rule import Agreement

GOLDEN = Path(__file__).parent / "golden"
LANGUAGES = ("fi", "sv", "en")
SENT = datetime(2023, 12, 2, 4, 0, tzinfo=UTC)
NASTY_NAME = "Ylläpito =?utf-8?q?=0d=0aBcc:_x=40y.example?=\r\nBcc: z@y.example"
GRANTS = Contract("grants", Text("Avustukset <i>", "Bidrag <i>", "Grants <i>"), "grants.csv", (), Place("inputs/grants.yaml"), deliverer="tem", source="Rekisteri & ote", synthetic=True)


@pytest.fixture
def desk(outcome: Outcome, agreements: Mapping[str, Agreement], recipient: Recipient) -> Desk:
    """Give the desk of a run where everything that can be said is there to be said."""
    shown = {AlertKey(About.RULE, item.rule.id): Shown(verdict=item) for item in outcome.verdicts}
    waiting = tuple(item.rule for item in outcome.verdicts)
    late = Delivery("grants", DeliveryState.LATE, covered_through=date(2023, 10, 31), expected_through=date(2023, 11, 30))
    broken = Delivery("surveys", DeliveryState.QUARANTINED, explanation="column “score” is missing")
    shown[AlertKey(About.INPUT, "grants")] = Shown(delivery=late, waiting=waiting)
    shown[AlertKey(About.INPUT, "surveys")] = Shown(delivery=broken, waiting=waiting[:1])
    contracts = {"grants": GRANTS, "surveys": replace(GRANTS, name="surveys", title=Text("Kyselyt", "Enkäter", "Surveys"), deliverer="unlisted", synthetic=False)}
    people = {"tem": recipient, "boss": Recipient("boss", Text(NASTY_NAME), ("boss@tem.example",), "fi")}

    def link(reader: str, standing: Standing) -> str:
        return f"https://watch.example/acknowledge?token={reader}.{standing.key.name}&x=1"

    return Desk(outcome, shown, agreements, contracts, people, UTC, link)


def standing(desk: Desk, name: str, *, resolved: bool = False, **more: object) -> Standing:
    """Make the alert of a rule or an input of the desk."""
    key = AlertKey(About.INPUT, name) if name in desk.contracts else AlertKey(About.RULE, name)
    shown = desk.shown[key]
    since = datetime(2023, 11, 20, tzinfo=UTC)
    state = AlertState.RESOLVED if resolved else AlertState.FIRING
    if shown.verdict:
        opened = {} if resolved else {shown.verdict.key[2]: Open(shown.verdict.word)}
        return Standing(Alert(key, state, since, 1, opened), rule_matter(shown.verdict.rule, shown.verdict.word), materiality(shown.verdict), **more)  # type: ignore[arg-type]
    word = "" if resolved else str(shown.delivery.state)  # type: ignore[union-attr]
    return Standing(Alert(key, state, since, 1, {"": Open(word)} if word else {}), input_matter(desk.contracts[name], word, ()), **more)  # type: ignore[arg-type]


def message(kind: MailKind, desk: Desk, reader: str = "tem") -> Message:
    """Make a mail of a kind, with everything that can be in it."""
    new = (standing(desk, "satisfaction"), standing(desk, "hectares"), standing(desk, "lead-time"), standing(desk, "grants"), standing(desk, "surveys"))
    continued = (standing(desk, "grants", acknowledged=True), standing(desk, "hectares", lapsed_at=SENT))
    resolved = (standing(desk, "food-chain", resolved=True), standing(desk, "surveys", resolved=True))
    was = {resolved[0].key: "at_risk", resolved[1].key: "quarantined", new[0].key: "at_risk"}
    critical = (standing(desk, "appropriation-2023"),)
    silence = Silence(4, SENT, "Maija\r\nBcc: x", "grant*", "muutto <kesken>", datetime(2023, 12, 1, 22, tzinfo=UTC))
    before = Due("grants", read_period("2023-11"), date(2023, 12, 8), "tem")
    after = Due("surveys", read_period("2023-Q3"), date(2023, 11, 25), "unlisted")
    muted = (replace(new[0], muted="silence 4"), replace(new[1], muted="waiver 2"), replace(new[2], muted="input:crm"))
    parts: dict[MailKind, dict[str, object]] = {
        MailKind.DIGEST: {"new": new, "resolved": resolved, "continued": continued, "was": was, "silences": (silence,)},
        MailKind.IMMEDIATE: {"new": critical},
        MailKind.REMINDER: {"continued": (*critical, *continued)},
        MailKind.ESCALATION: {"new": new[:1], "escalated": {new[0].key: "tem"}},
        MailKind.RESOLVED: {"resolved": resolved, "was": was},
        MailKind.SUMMARY: {"new": muted, "resolved": resolved, "continued": continued},
        MailKind.DUE: {"reminded": (Reminded(before, -7), Reminded(after, 7, 1), Reminded(replace(before, day=date(2023, 12, 2)), -1))},
        MailKind.SILENCE_ENDED: {"silences": (silence,)},
    }
    return Message(reader, kind, **parts[kind])  # type: ignore[arg-type]


def parsed(content: bytes):
    return email.message_from_bytes(content, policy=policy.default)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MailKind)
def test_each_kind(kind: MailKind, language: str, desk: Desk) -> None:
    people = {**desk.recipients, "tem": replace(desk.recipients["tem"], language=language)}
    desk = replace(desk, recipients=people)
    make = lambda: letter(message(kind, desk), desk, "tulosvahti@kainuu.example", "<run3.tem.abc@kainuu.example>", SENT)  # noqa: E731
    content, trouble = make()
    assert (content, trouble) == make()
    assert trouble == ""
    mail = parsed(content)
    assert not mail.defects
    assert (mail["Auto-Submitted"], mail["Bcc"], mail["Message-ID"]) == ("auto-generated", None, "<run3.tem.abc@kainuu.example>")
    assert [item.addr_spec for item in mail["To"].addresses] == ["ely@tem.example", "b@tem.example"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    plain, rich = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    assert not re.search(r"<script|<i>|<kesken>", rich)
    assert "\x1b" not in plain + rich
    assert "{" not in plain
    assert not re.search(r"\b(?:ui|mail|verdict|change|says|state)\.[a-z_]+\b", plain + rich)
    shown = f"Subject: {mail['Subject']}\n\n{plain}"
    path = GOLDEN / f"mail.{kind}.{language}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
        (GOLDEN.parent / f"look.{kind}.{language}.html").write_text(rich, encoding="utf-8") if os.environ.get("LOOK") else None
    assert shown == path.read_text(encoding="utf-8")


def test_names_and_titles_put_nothing_into_headers(desk: Desk) -> None:
    content, _ = letter(message(MailKind.ESCALATION, desk, "boss"), desk, "a@b.example", "<1@b.example>", SENT)
    mail = parsed(content)
    assert (mail["Bcc"], len(mail["To"].addresses)) == (None, 1)
    assert "=?utf-8?q?=0d" not in str(mail["To"])


def test_links_are_there_only_for_what_fires(desk: Desk) -> None:
    def links(kind: MailKind, of: Desk) -> list[str]:
        content, _ = letter(message(kind, of), of, "a@b.example", "<1@b.example>", SENT)
        return re.findall(r'href="([^"]*)"', list(parsed(content).iter_parts())[1].get_content())

    assert links(MailKind.RESOLVED, desk) == []
    assert links(MailKind.IMMEDIATE, desk) == ["https://watch.example/acknowledge?token=tem.appropriation-2023&amp;x=1"]
    assert links(MailKind.DIGEST, replace(desk, link=lambda _reader, _standing: "")) == []


def test_what_was_resolved_before_today_is_named_without_a_verdict(desk: Desk) -> None:
    gone = Standing(Alert(AlertKey(About.RULE, "old-rule"), AlertState.RESOLVED, SENT), rule_matter(desk.outcome.verdicts[0].rule, ""))
    shown = {**desk.shown, gone.key: Shown()}
    content, _ = letter(Message("tem", MailKind.RESOLVED, resolved=(gone,)), replace(desk, shown=shown), "a@b.example", "<1@b.example>", SENT)
    assert "✓ korjaantunut: old-rule" in next(iter(parsed(content).iter_parts())).get_content()


def test_a_projects_own_templates_and_what_fails_in_them(desk: Desk, tmp_path: Path) -> None:
    def make(kind: MailKind) -> tuple[str, str, str]:
        content, trouble = letter(message(kind, desk), desk, "a@b.example", "<1@b.example>", SENT, templates=tmp_path)
        plain, rich = (part.get_content() for part in parsed(content).iter_parts())
        return plain, rich, trouble

    (tmp_path / "digest.txt.j2").write_text("Hei {{ recipient }}: {{ groups | length }}", encoding="utf-8")
    (tmp_path / "digest.html.j2").write_text("<p>{{ groups[0][1][0].title }}</p>", encoding="utf-8")
    (tmp_path / "due.txt.j2").write_text("Muistakaa: {{ reminded[0].title }}", encoding="utf-8")
    plain, rich, trouble = make(MailKind.DIGEST)
    assert (plain.strip().endswith(": 3"), trouble) == (True, "")
    assert "&lt;script&gt;" in rich
    plain, _, trouble = make(MailKind.DUE)
    assert plain.startswith("Muistakaa: Avustukset")
    assert "digest.html.j2" in trouble  # a reminder has no groups: the built-in form was sent
    (tmp_path / "digest.txt.j2").write_text("{{ nobody }}", encoding="utf-8")
    (tmp_path / "digest.html.j2").write_text("{{ ''.__class__.__mro__ }}", encoding="utf-8")
    plain, _, trouble = make(MailKind.DIGEST)
    assert "Uutta tai muuttunutta" in plain
    assert "digest.txt.j2:1: 'nobody' is undefined" in trouble
    assert "digest.html.j2" in trouble


def test_a_mail_shows_the_trend_of_a_missed_target(desk: Desk, tmp_path: Path) -> None:
    missed = {
        key: replace(shown, verdict=replace(shown.verdict, word=Word.MISSED))
        for key, shown in desk.shown.items()
        if shown.verdict and key.name in {"food-chain", "leads"}
    }
    desk = replace(desk, shown={**desk.shown, **missed})
    said = Message("tem", MailKind.DIGEST, new=tuple(standing(desk, key.name) for key in missed))
    make = lambda: letter(said, desk, "a@b.example", "<1@b.example>", SENT, pictures=tmp_path)[0]  # noqa: E731
    _, related = parsed(make()).iter_parts()
    page, *pictures = related.iter_parts()
    # The other one has no earlier periods, so there is nothing to draw.
    assert [picture["Content-ID"] for picture in pictures] == ["<chart1>"]
    assert pictures[0].get_content().startswith(b"\x89PNG")
    assert re.findall(r'src="cid:(\w+)" alt="([^"]{9})', page.get_content()) == [("chart1", "Toteuma j")]
    (drawn,) = tmp_path.glob("*.png")
    assert drawn.read_bytes() == pictures[0].get_content()
    assert make() == make()
    assert max(map(len, make().split(b"\r\n"))) <= 78


def test_what_a_mail_is_about_alone_is_its_thread(desk: Desk) -> None:
    hectares, grants = standing(desk, "hectares"), standing(desk, "grants")
    one, other = (Tell(item.key) for item in (hectares, grants))
    week = Tell(AlertKey(About.SUMMARY, "2023-12-01"))
    due = Due("grants", read_period("2023-11"), date(2023, 12, 8), "tem")

    def thread(kind: MailKind, *tells: Tell, **more: object) -> str:
        content, _ = letter(Message("tem", kind, tells=tells, **more), desk, "a@b.example", "<1@b.example>", SENT)  # type: ignore[arg-type]
        return str(parsed(content)["References"])

    alone = thread(MailKind.IMMEDIATE, one, new=(hectares,))
    assert alone == thread(MailKind.RESOLVED, replace(one, firing=False), resolved=(hectares,))
    digest = thread(MailKind.DIGEST, one, other, new=(hectares, grants))
    assert digest == thread(MailKind.REMINDER, one, other, continued=(hectares, grants))
    before, after = (thread(MailKind.DUE, Tell(due_key(due, days)), reminded=(Reminded(due, days),)) for days in (-7, 1))
    assert before == after
    assert len({alone, digest, before, thread(MailKind.SUMMARY, week)}) == 4


def test_materiality(outcome: Outcome) -> None:
    found = {item.rule.id: materiality(item) for item in outcome.verdicts if item.word in {Word.MISSED, Word.AT_RISK}}
    assert found["appropriation-2023"] == 9000
    assert found["satisfaction"] == 0
    assert 0.33 < found["hectares"] < 0.34
