"""Alerts as people have them: nights on a virtual clock that starts now, and the commands between them."""

from __future__ import annotations

import email
import json
import re
import sqlite3
from datetime import UTC, date, datetime, timedelta
from email import policy

import pytest

from tulosvahti import wiring
from tulosvahti.core.alert_token import TokenError
from tulosvahti.load.project import load_project
from tulosvahti.store.secret import SecretError, project_secret

from .conftest import VISITS, VISITS_CONTRACT, VISITS_RULES

DEAR = VISITS.replace("30,00", "9 000,00")
DEARER = VISITS.replace("30,00", "19 000,00")
ROUTES = """\
default: agency
recipients:
  agency: {name: Virasto, mail: results@agency.example, language: en}
  registry: {name: Rekisteri, mail: registry@agency.example, language: fi}
"""
DAY = date(2025, 10, 1)


class Nights:
    """A project lived through night by night; each gives the mails that were written, as (address, subject)."""

    def __init__(self, project) -> None:
        self.project, self.start, self.number = project, datetime.now(UTC).replace(microsecond=0), -1
        self.seen: set[str] = set()
        self.files: dict = {}
        project.write("alerts/routes.yaml", ROUTES)
        config = (project.root / "config.toml").read_text(encoding="utf-8")
        project.write("config.toml", re.sub(r"languages = .*", 'languages = ["en"]', config))

    @property
    def now(self) -> datetime:
        return self.start + timedelta(days=self.number, minutes=-1)

    def run(self, days: int = 1, **more) -> list[tuple[str, str]]:
        return sorted((mail["To"].addresses[0].username, str(mail["Subject"])) for mail in self.opened(days, **more))

    def opened(self, days: int = 1, **more) -> list:
        self.number += days
        more.setdefault("as_of", DAY + timedelta(days=self.number))
        wiring.run_once(self.loaded(), expectations=False, clock=lambda: self.now, **more)
        paths = [path for path in (self.project.root / ".tulosvahti/outbox").glob("*.eml") if path.name not in self.seen]
        self.seen |= {path.name for path in paths}
        return [email.message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]

    def loaded(self):
        """Read the project, anew where a file of it has changed."""
        files = {path: path.read_bytes() for path in self.project.root.glob("**/*.[yt]*ml")}
        if files != self.files:
            self.files, self.project_read = files, load_project(self.project.root)
        return self.project_read

    def alerts(self, *more: str) -> dict:
        result = self.project.call("alerts", "list", "--json", *more)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def states(self) -> dict[str, str]:
        return {item["alert"]: item["state"] for item in self.alerts("--all")["alerts"] if item["state"] != "ok"}

    def costs(self, text: str) -> None:
        self.project.write("inputs/visits.csv", text)


@pytest.fixture
def nights(project) -> Nights:
    return Nights(project)


def test_thirty_unchanged_nights_are_one_mail_and_the_configured_reminders(nights):
    nights.project.write("alerts/routes.yaml", ROUTES + "repeat: 7 d\n")
    nights.costs(DEAR)
    by_night = [nights.run() for _ in range(30)]
    assert {number: len(mails) for number, mails in enumerate(by_night) if mails} == {0: 1, 7: 1, 14: 1, 21: 1, 28: 1}
    assert by_night[0][0][1].startswith("Tulosvahti")
    assert "reminder" in by_night[7][0][1]
    nights.costs(VISITS)
    assert [subject.partition(": ")[2] for _, subject in nights.run()] == ["1 resolved"]
    assert [nights.run() for _ in range(3)] == [[], [], []]


def test_without_a_repeat_interval_nothing_is_repeated(nights):
    nights.costs(DEAR)
    assert [len(nights.run(30)) for _ in range(3)] == [1, 0, 0]


def test_what_was_never_told_is_never_told_to_be_resolved(nights):
    nights.costs(DEAR)
    assert nights.run(alerts=False) == []
    nights.costs(VISITS)
    assert nights.run() == []
    nights.project.write("rules/2-visits.yaml", VISITS_RULES.replace("    unit: eur\n", "    unit: eur\n    for: 2 runs\n"))
    nights.costs(DEAR)
    assert nights.run() == []
    assert nights.states() == {"visit-costs": "pending"}
    nights.costs(VISITS)
    assert nights.run() == []
    nights.costs(DEAR)
    assert [len(nights.run()), len(nights.run())] == [0, 1]


def test_what_was_not_judged_and_what_vanished_resolves_nothing(nights):
    nights.costs(DEAR)
    nights.run()
    nights.costs(VISITS)
    assert nights.run(rules="visits") == []
    nights.project.write("rules/2-visits.yaml", VISITS_RULES.replace("visit-costs", "visit-expenses"))
    assert nights.run() == []
    assert [item["alert"] for item in nights.alerts()["alerts"]] == []  # no rule of the project has it any more
    nights.project.write("rules/2-visits.yaml", VISITS_RULES)
    assert nights.run()[0][1].endswith("1 resolved")


def test_a_missing_input_is_one_alert_to_its_deliverer_and_silences_its_rules(nights):
    nights.project.write("inputs/visits.yaml", VISITS_CONTRACT.replace("period:", "deliverer: registry\nperiod:", 1))
    nights.costs(DEAR)
    assert [to for to, _ in nights.run()] == ["results"]
    path = nights.project.root / "inputs/visits.csv"
    path.unlink()
    ((to, subject),) = nights.run()
    assert (to, subject.partition(": ")[2]) == ("registry", "1 uutta tai muuttunutta")
    assert nights.states() == {"visit-costs": "firing", "input:visits": "firing"}
    muted = {item["alert"]: item["muted_by"] for item in nights.alerts()["alerts"]}
    assert muted["visit-costs"] == "input:visits"
    assert nights.run() == []
    nights.costs(VISITS)
    assert [(to, subject.partition(": ")[2]) for to, subject in nights.run()] == [("registry", "1 korjaantunutta"), ("results", "1 resolved")]


def test_mails_that_wait_for_a_server_count_as_under_way(nights):
    nights.project.write("config.toml", (nights.project.root / "config.toml").read_text().replace("[mail]", '[mail]\nhost = "127.0.0.1"\nport = 9'))
    nights.costs(DEAR)
    nights.run()
    nights.run()
    with sqlite3.connect(nights.project.root / ".tulosvahti/ledger.db") as raw:
        assert raw.execute("SELECT count(*) FROM outbox").fetchone() == (1,)
        assert raw.execute("SELECT count(*) FROM told").fetchone() == (0,)
    raw.close()


def test_quiet_hours_hold_mail_and_it_goes_once(nights):
    clock = nights.now + timedelta(days=1)
    start, end = (f"{clock + timedelta(hours=hours):%H:%M}" for hours in (-1, 1))
    config = re.sub(r'time_zone = ".*"', 'time_zone = "UTC"', (nights.project.root / "config.toml").read_text())
    nights.project.write("config.toml", config)
    nights.project.write("alerts/routes.yaml", ROUTES + f'quiet: {{start: "{start}", end: "{end}"}}\n')
    nights.costs(DEAR)
    nights.number += 1
    day = DAY + timedelta(days=nights.number)
    done = wiring.run_once(nights.loaded(), day, expectations=False, clock=lambda: nights.now)
    assert [text for text in done.troubles if text.startswith("mails held by quiet hours: 1, until ")]
    assert done.mails == ()
    nights.start += timedelta(minutes=10)
    assert nights.run(0) == []
    nights.start += timedelta(hours=2)
    assert len(nights.run(0)) == 1


def test_acknowledging_ends_reminders_until_something_worse(nights):
    nights.project.write("alerts/routes.yaml", ROUTES.replace("language: en}", "language: en, escalation: {after: 2 d, to: registry}}") + "repeat: 3 d\n")
    nights.costs(DEAR)
    nights.run()
    result = nights.project.call("alerts", "acknowledge", "visit-c*", "--by", "Maija", "--note", "laskutus korjaa")
    assert result.stdout == "visit-costs: acknowledged by Maija\n"
    assert [nights.run() for _ in range(5)] == [[]] * 5
    (alert,) = [item for item in nights.alerts()["alerts"] if item["alert"] == "visit-costs"]
    assert (alert["acknowledged"]["by"], alert["acknowledged"]["note"]) == ("Maija", "laskutus korjaa")
    assert set(alert["told"]) == {"agency"}
    nights.costs(VISITS)
    assert [to for to, _ in nights.run()] == ["results"]
    nights.costs(DEAR)
    assert [to for to, _ in nights.run()] == ["results"]
    nights.run()
    assert [to for to, _ in nights.run()] == ["registry"]  # a new firing was not acknowledged
    assert "  told agency" in nights.project.call("alerts", "list").stdout


def test_a_silence_mutes_mail_not_state_and_its_end_is_announced(nights):
    result = nights.project.call("alerts", "silence", "visit-*", "--until", f"{nights.start + timedelta(days=2):%Y-%m-%dT%H:%M+00:00}", "--reason", "muutto", "--by", "Maija")
    assert result.exit_code == 0, result.output
    assert "it matches visit-costs" in result.stdout
    nights.number = 0
    nights.costs(DEAR)
    assert [nights.run(), nights.run()] == [[], []]
    assert nights.states()["visit-costs"] == "firing"
    assert nights.alerts()["silences"][0]["reason"] == "muutto"
    (mail,) = nights.opened()
    assert "visit-*: silenced by Maija until" in mail.get_body(("plain",)).get_content()
    assert "1 new or changed" in mail["Subject"]
    assert nights.run() == []


def test_a_waiver_holds_until_it_is_worse_than_the_limit_and_until_its_end(nights):
    nights.costs(DEAR)
    nights.run()
    until = f"{nights.start + timedelta(days=5):%Y-%m-%d}"
    result = nights.project.call("alerts", "waive", "visit-costs", "--approver", "Johtaja", "--reason", "sopimus", "--until", until, "--limit", "12 000".replace(" ", ""))
    assert result.exit_code == 0, result.output
    assert [nights.run(), nights.run()] == [[], []]
    assert nights.alerts()["alerts"][0]["muted_by"] == "waiver 1"
    nights.costs(DEARER)
    ((_, subject),) = nights.run()
    assert subject.endswith("1 new or changed")
    assert nights.run() == []
    nights.costs(DEAR)
    assert nights.run() == []
    assert [len(nights.run()) for _ in range(4)].count(1) == 1  # its end fires again, once
    nights.costs(VISITS)
    assert nights.run()[0][1].endswith("1 resolved")


def test_deliverers_are_reminded_of_due_days_also_after_nights_that_did_not_run(nights):
    nights.project.write("inputs/visits.yaml", VISITS_CONTRACT.replace("period:", "deliverer: registry\nfrequency: quarter\ngrace: 40 d\nperiod:", 1))
    nights.costs(VISITS.replace("05.02.2025", "30.09.2025"))
    # Quarter 4 is due on 9 February 2026.
    subjects = {}
    for day in ("2026-01-05", "2026-01-10", "2026-01-20", "2026-02-06", "2026-02-07", "2026-02-08", "2026-02-09", "2026-02-17", "2026-02-18"):
        subjects[day] = [subject for to, subject in nights.run(as_of=date.fromisoformat(day)) if to == "registry"]
    assert {day: len(found) for day, found in subjects.items() if found} == {"2026-01-10": 1, "2026-02-06": 1, "2026-02-07": 1, "2026-02-09": 1, "2026-02-17": 1}
    assert all("määräpäivä" in found[0] for day, found in subjects.items() if found and day != "2026-02-09")


def test_links_acknowledge_one_alert_for_one_recipient_and_only_where_a_dashboard_answers(nights):
    nights.costs(DEAR)
    nights.run()
    secret = nights.project.root / ".tulosvahti/secret"
    assert not secret.exists()
    nights.costs(VISITS)
    nights.run()
    nights.project.write("config.toml", (nights.project.root / "config.toml").read_text() + '\n[dashboard]\nurl = "https://watch.example/"\n')
    nights.costs(DEAR)
    (mail,) = nights.opened()
    opened = load_project(nights.project.root)
    (token,) = re.findall(r"https://watch\.example/acknowledge\?token=(\S+)", mail.get_body(("plain",)).get_content())
    assert secret.stat().st_mode & 0o777 == 0o600
    for _ in range(2):
        link = wiring.acknowledge_link(opened, token, nights.now)
        assert (str(link.key), link.recipient) == ("visit-costs", "agency")
    with sqlite3.connect(nights.project.root / ".tulosvahti/ledger.db") as raw:
        assert raw.execute('SELECT "by", via FROM acknowledgements').fetchall() == [("agency", "link")]
    raw.close()
    with pytest.raises(TokenError, match="open it from the mail again"):
        wiring.acknowledge_link(opened, token[:-4] + "AAAA", nights.now)
    with pytest.raises(TokenError, match="this link ended"):
        wiring.acknowledge_link(opened, token, nights.now + timedelta(days=31))
    nights.costs(VISITS)
    nights.run()
    with pytest.raises(TokenError, match="visit-costs no longer fires as it did"):
        wiring.acknowledge_link(opened, token, nights.now)
    secret.chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600 it"):
        project_secret(secret.parent)
    nights.costs(DEAR)
    (mail,) = nights.opened()  # the mail goes out all the same
    assert "acknowledge?token" not in mail.as_string()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acknowledge", "visit-costz"), "no alert 'visit-costz' is pending or fires; there are: visit-costs"),
        (("silence", "visit-costs"), "--until, --reason are missing; nothing was recorded"),
        (("silence", "visit-costs", "--until", "2999-01-01", "--reason", "  "), "--reason is missing"),
        (("silence", "visit-costs", "--until", "soon", "--reason", "x"), "--until: 'soon' is not a day; allowed: YYYY-MM-DD"),
        (("silence", "visit-costs", "--until", "2020-01-01", "--reason", "x"), "--until: 2020-01-01 is past; give a day from"),
        (("silence", "visit-costs", "--until", "9999-12-31", "--reason", "x"), "--until: '9999-12-31' is not a day"),
        (("silence", "visit-kosts", "--until", "2999-01-01", "--reason", "x"), "no rule or input 'visit-kosts'; allowed: the id of a rule, or input: and the name of an input; * matches several; did you mean 'visit-costs'?"),
        (("waive", "visit-costs", "--reason", "x"), "--approver, --until, --limit are missing"),
        (("waive", "visit-costs", "--approver", "a", "--reason", "x", "--until", "2999-01-01", "--limit", "much"), "--limit: 'much' is not a number"),
        (("waive", "visit-costs", "--approver", "a", "--reason", "x", "--until", "2999-01-01", "--limit", "inf"), "--limit: 'inf' is not a number"),
        (("test-route", "visit-kosts"), "no rule or input 'visit-kosts'"),
        (("test-route", "visit-costs", "--verdict", "late"), "--verdict: 'late' is not known for visit-costs; allowed: missed, at_risk, unknown"),
        (("test-route", "input:visits", "--verdict", "missed"), "allowed: late, missing, quarantined"),
        (("test-route", "visit-costs", "--as-of", "x"), "--as-of: 'x' is not a date"),
    ],
)
def test_bad_calls_are_refused_with_a_sentence_and_record_nothing(nights, arguments, said):
    nights.costs(DEAR)
    nights.run()
    result = nights.project.call("alerts", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    found = nights.alerts("--all")
    assert (found["silences"], found["waivers"]) == ([], [])


def test_test_route_says_who_and_why(nights):
    nights.project.write(
        "alerts/routes.yaml",
        """\
default: agency
repeat: 14 d
quiet: {start: "00:00", end: "23:59"}
recipients:
  agency: {name: A, mail: a@x.example, escalation: {after: 3 d, to: boss}}
  boss: {name: B, mail: [b@x.example, c@x.example], quiet: {start: "03:00", end: "03:01"}}
routes:
  - {match: {verdict: [missed], rule: [visit-*]}, also: [boss], for: 2 periods}
""",
    )
    missed = nights.project.call("alerts", "test-route", "visit-costs", "--verdict", "missed").stdout
    assert "visit-costs missed\n  after 2 periods\n  agency <a@x.example>: owner of the rule; in the digest" in missed
    assert "boss <b@x.example, c@x.example>: route 1 matches rule visit-*, verdict missed; in the digest" in missed
    assert "    boss <b@x.example, c@x.example>: escalation, 3 days without acknowledgement" in missed
    assert "reminded every 14 days" in missed
    every = nights.project.call("alerts", "test-route", "visit-costs").stdout
    assert re.findall(r"^visit-costs (\w+)", every, re.MULTILINE) == ["missed", "at_risk", "unknown"]
    assert "default, as the deliverer of the input (none) is no recipient" in nights.project.call("alerts", "test-route", "input:visits").stdout
    nights.costs(DEAR)
    judged = nights.project.call("alerts", "test-route", "visit-costs", "--as-of", "2025-12-31")
    assert judged.stdout.startswith("as of 2025-12-31: 2025 missed\nvisit-costs missed\n")
    nights.costs(VISITS)
    assert "nobody would hear of it" in nights.project.call("alerts", "test-route", "visit-costs", "--as-of", "2025-12-31").stdout
    assert not (nights.project.root / ".tulosvahti/outbox").exists()
    nights.project.call("alerts", "silence", "visit-costs", "--until", "2999-01-01", "--reason", "muutto")
    nights.project.call("alerts", "waive", "visit-costs", "--until", "2999-01-01", "--reason", "x", "--approver", "y", "--limit", "8,5")
    said = nights.project.call("alerts", "test-route", "visit-costs", "--verdict", "missed").stdout
    assert "no mail: silence 1 by" in said
    assert "no mail unless worse than 8.5: waiver 1 approved by y" in said


def test_nothing_to_list(nights):
    assert nights.project.call("alerts", "list").stdout == "nothing is pending, nothing fires\n"
    assert nights.alerts() == {"alerts": [], "silences": [], "waivers": []}
