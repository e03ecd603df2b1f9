"""Who is mailed about a delivery: its deliverer, once for each, whatever night or folder it came by; and once when it is mended."""

from __future__ import annotations

import email
import os
from email import policy

import pytest

ROUTES = """\
default: controller
recipients:
  controller: {name: Ohjaus, mail: ohjaus@x.example, language: fi}
  register: {name: Rekisteri, mail: rekisteri@x.example, language: en}
routes:
  - match: {kind: delivery, verdict: [quarantined]}
    also: [controller]
"""
HEAD = "visit_id;visited_on;cost\n"
SOUND = HEAD + "a;03.02.2025;1\nb;04.02.2025;2,25\nc;05.02.2025;30,00\n"
PARTLY = SOUND + "d;31.02.2025;x\n"
OTHER_PARTLY = SOUND + "e;01.03.2025;y\n"
BROKEN = "visit_id;cost\na;1\n"


@pytest.fixture
def noted(project):
    contract = (project.root / "inputs" / "visits.yaml").read_text(encoding="utf-8")
    project.write("inputs/visits.yaml", contract + "deliverer: register\ndrop: {folder: in, complete: rename}\n")
    project.write("alerts/routes.yaml", ROUTES)
    (project.root / "in").mkdir()
    project.write("inputs/visits.csv", SOUND)
    return project


def mails(project, who: str = "rekisteri@x.example") -> list[str]:
    """Give the subjects of the mails to somebody, in the order in which they were written."""
    found = []
    for path in sorted((project.root / ".tulosvahti" / "outbox").rglob("*.eml"), key=lambda path: path.stat().st_mtime_ns):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        if who in str(mail["To"]):
            found.append(str(mail["Subject"]))
    return found


def night(project, content: str | None = None) -> None:
    if content is not None:
        project.write("inputs/visits.csv", content)
    project.run("--no-expectations")


def test_from_night_to_night(noted):
    night(noted)
    assert mails(noted) == []
    night(noted, PARTLY)
    assert mails(noted) == ["Delivery accepted in part: Käynnit (visits.csv), rows rejected: 1"]
    night(noted)
    os.utime(noted.root / "inputs" / "visits.csv", (0, 0))
    night(noted)
    assert len(mails(noted)) == 1, "the same content is nothing new"
    night(noted, OTHER_PARTLY)
    assert len(mails(noted)) == 2
    night(noted, BROKEN)
    assert mails(noted)[2:] == ["Delivery not accepted: Käynnit (visits.csv)"], "and no digest about the same"
    assert [one for one in mails(noted, "ohjaus@x.example") if "Toimitusta" in one] == ["Toimitusta ei hyväksytty: Käynnit (visits.csv)"]
    night(noted)
    night(noted, SOUND)
    night(noted)
    assert mails(noted)[3:] == ["Delivery in order: Käynnit (visits.csv)"]


def test_a_dropped_delivery_is_told_at_once(noted):
    night(noted)
    noted.write("in/new.csv", BROKEN)
    assert noted.call("deliveries", "take").exit_code == 1
    assert mails(noted) == ["Delivery not accepted: Käynnit (new.csv)"]
    night(noted)
    assert len(mails(noted)) == 1
    noted.write("in/newer.csv", SOUND + "z;01.03.2025;3\n")
    noted.call("deliveries", "take")
    night(noted)
    assert mails(noted)[1:] == ["Delivery in order: Käynnit (newer.csv)"]


def test_what_came_before_the_first_run_is_told_by_it(noted):
    noted.write("in/new.csv", BROKEN)
    noted.call("deliveries", "take")
    assert mails(noted) == []
    night(noted)
    assert mails(noted) == ["Delivery not accepted: Käynnit (new.csv)"]


def test_a_silence_holds_it_back_and_its_end_lets_it_go(noted):
    night(noted)
    assert noted.call("alerts", "silence", "input:visits", "--until", "2999-01-01", "--reason", "the register moves").exit_code == 0
    night(noted, BROKEN)
    assert mails(noted) == []


def test_a_lookback_tells_nobody(noted):
    night(noted)
    noted.write("inputs/visits.csv", BROKEN)
    noted.run("--no-expectations", as_of="2025-06-30")
    assert mails(noted) == []


def test_route_is_shown(noted):
    told = noted.call("alerts", "test-route", "input:visits").stdout
    assert "input:visits quarantined\n  of the delivery, a message of its own:\n  register <rekisteri@x.example>: deliverer of the input; once for each" in told
    assert "  controller <ohjaus@x.example>: route 1 matches verdict quarantined, kind delivery; once for each delivery" in told
    partly = noted.call("alerts", "test-route", "input:visits", "--verdict", "accepted_with_rejects").stdout.splitlines()
    assert len(partly) == 3
    assert partly[2].startswith("  register <rekisteri@x.example>: deliverer of the input; once for each delivery")
