"""What a simulated service meets: a small project, deliveries and verdicts, a mail server, a clock; all by a seed.

The evaluation reads its verdicts out of the delivered files, so that it is as pure as the real one: the same files give
the same outcome. Everything after it is the product's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tulosvahti import __version__
from tulosvahti.cli.starting import start_project
from tulosvahti.core.contract import Delivery, DeliveryState
from tulosvahti.core.delivery import Answer, MailState
from tulosvahti.core.finding import compare
from tulosvahti.core.measure import Reason
from tulosvahti.core.verdict import Outcome, Verdict, Word
from tulosvahti.load.project import Project, load_project
from tulosvahti.run.nightly import chosen, needed_inputs

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tulosvahti.run.nightly import Before, Request

CONFIG = """
name = "A"
languages = ["en"]
time_zone = "Europe/Helsinki"
[schedule]
nightly = "30 3 * * *"
retries = 3
retry_after = "10 min"
[schedule.jobs.weekly]
cron = "0 6 * * 1"
rules = "yard-*"
missed = "skip"
[schedule.jobs.deliveries]
on_delivery = "*"
[mail]
sender = "tulosvahti@bench.example"
host = "mail.bench.example"
operator = "operator@bench.example"
"""
RULES = """
agreement: agreement-1
section: "1"
title: {en: All}
rules:
"""
OWNERS = {"leads-all": "ann", "leads-grave": "ann", "yard-north": "ben", "yard-south": "cia"}
INPUTS = {"leads": ("leads-all", "leads-grave"), "yard": ("yard-north", "yard-south")}
SUBJECTS = {"leads-all": ("", "Kajaani", "Sotkamo")}
ROUTES = """
default: ben
repeat: 7 d
recipients:
  ann: {name: {en: Ann}, mail: [ann@bench.example, anna@bench.example], language: en, escalation: {after: 3 d, to: eve}}
  ben: {name: {en: Ben}, mail: ben@bench.example, language: en, quiet: {start: "20:00", end: "07:00"}}
  cia: {name: {en: Cia}, mail: [cia@bench.example, gone@bench.example], language: en}
  eve: {name: {en: Eve}, mail: eve@bench.example, language: en}
routes:
  - match: {rule: "yard-*"}
    for: 2 runs
"""
GONE = "gone@bench.example"
WORDS = (Word.MET, Word.MET, Word.MET, Word.MISSED, Word.MISSED, Word.AT_RISK, Word.UNKNOWN)


@cache
def small_project() -> Project:
    """Read the project once; where it stands is set for each history."""
    with TemporaryDirectory() as name:
        root = Path(name)
        start_project(root)
        (root / "config.toml").write_text(CONFIG, encoding="utf-8")
        contract = (root / "inputs" / "survey.yaml").read_text(encoding="utf-8")
        (root / "inputs" / "survey.yaml").unlink()
        for one in INPUTS:
            text = contract.replace("survey.csv", f"{one}.csv").replace("source:", "deliverer: ben\nsource:")
            (root / "inputs" / f"{one}.yaml").write_text(text, encoding="utf-8")
        rules = "".join(
            f"  - id: {rule}\n    title: {{en: {rule}}}\n    owner: agency\n    severity: {'critical' if 'grave' in rule else 'warning'}\n"
            f"    rows: {{input: {one}, require: answered_on IS NOT NULL}}\n"
            for one, names in INPUTS.items()
            for rule in names
        )
        (root / "rules" / "1-service.yaml").write_text(RULES + rules, encoding="utf-8")
        (root / "alerts" / "routes.yaml").write_text(ROUTES, encoding="utf-8")
        project = load_project(root)
    assert not project.problems, project.problems
    return replace(project, rules=tuple(replace(rule, owner=OWNERS[rule.id]) for rule in project.rules))


class Clock:
    """The clock of the whole history. It goes on a little whenever it is read."""

    def __init__(self, at: datetime) -> None:
        self.at = self.highest = at

    def __call__(self) -> datetime:
        self.move(timedelta(milliseconds=7))
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by
        self.highest = max(self.highest, self.at)


class Deliveries:
    """What has been delivered: for each input its state and the words that its rules get."""

    def __init__(self, folder: Path, clock: Clock, chance: random.Random) -> None:
        self.folder, self.clock, self.chance = folder, clock, chance
        folder.mkdir(parents=True, exist_ok=True)
        self.words = {f"{rule} {subject}": Word.MET for rule in OWNERS for subject in SUBJECTS.get(rule, ("",))}
        self.states = dict.fromkeys(INPUTS, "accepted")
        for one in INPUTS:
            self.write(one)

    def turn(self) -> str:
        """Let something be delivered anew, be late, be broken, or vanish."""
        one = self.chance.choice(list(INPUTS))
        self.states[one] = self.chance.choices(("accepted", "late", "quarantined", "missing"), (12, 2, 1, 1))[0]
        mine = [key for key in self.words if key.split()[0] in INPUTS[one]]
        for key in self.chance.sample(mine, self.chance.randint(0, len(mine))):
            self.words[key] = self.chance.choice(WORDS)
        self.write(one)
        return f"{one} {self.states[one]} " + " ".join(f"{key.strip()}={self.words[key]}" for key in mine)

    def settle(self) -> None:
        """Let everything be delivered in time; the words stay."""
        for one in INPUTS:
            self.states[one] = "accepted"
            self.write(one)

    def write(self, one: str) -> None:
        path = self.folder / f"{one}.csv"
        if self.states[one] == "missing":
            path.unlink(missing_ok=True)
            return
        # A subject that vanishes says nothing any more: its word is left out.
        words = {
            key: word for key, word in self.words.items()
            if key.split()[0] in INPUTS[one] and not (key.endswith("Sotkamo") and word is Word.UNKNOWN)
        }  # fmt: skip
        path.write_text(json.dumps({"state": self.states[one], "words": words}), encoding="utf-8")
        past = self.clock.at.timestamp() - 60
        os.utime(path, (past, past))


def evaluation(meanwhile: Callable[[], None]) -> Callable[..., Outcome]:
    """Give an evaluation of the delivered files; ``meanwhile`` is what happens while it goes on."""

    def evaluate(project: Project, request: Request, before: Before, keep: Callable[[bytes], str]) -> Outcome:
        asked = chosen(project.rules, request.rules)
        deliveries, verdicts = [], []
        for name in needed_inputs(asked):
            path = project.root / "inputs" / f"{name}.csv"
            content = path.read_bytes() if path.exists() else b""
            said = json.loads(content) if content else {"state": "missing", "words": {}}
            state = DeliveryState(said["state"])
            deliveries.append(Delivery(name, state, keep(content) if content else "", 3, explanation="", next_step=""))
            for rule in asked:
                if name not in rule.inputs:
                    continue
                if state is not DeliveryState.ACCEPTED:
                    verdicts.append(Verdict(rule, (), None, Word.UNKNOWN, reason=Reason.of(f"input_{state}", input=name)))
                    continue
                for key, word in said["words"].items():
                    which, _, subject = key.partition(" ")
                    if which == rule.id:
                        about = (("centre", subject),) if subject else ()
                        reason = Reason("no_rows") if word == Word.UNKNOWN else None
                        verdicts.append(Verdict(rule, about, None, Word(word), reason=reason, evidence={"rows": 3}))
        meanwhile()
        lookback = before.newest_as_of is not None and request.as_of < before.newest_as_of
        findings = compare(verdicts, {} if lookback else before.findings, request.run)
        return Outcome(
            request.run, request.as_of, project.rules_sha256, __version__, tuple(deliveries), tuple(verdicts),
            findings=findings, previous=before.verdicts, lookback=lookback,
        )  # fmt: skip

    return evaluate


@dataclass
class MailServer:
    """A mail server that answers as the seed says; what it accepted is written down."""

    clock: Clock
    chance: random.Random
    meanwhile: Callable[[], None]
    calm: bool = False
    copies: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Replies that were lost after acceptance."""
    refused: set[tuple[str, str]] = field(default_factory=set)
    digests: dict[str, set[str]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    unrecorded: list[tuple[tuple[str, str], int]] = field(default_factory=list)
    """What was accepted and answered so in this step, with the faults before it."""
    faults: Callable[[], int] = lambda: 0
    count: Counter[str] = field(default_factory=Counter)

    def send(self, content: bytes, to: Sequence[str], _server: object) -> dict[str, Answer]:
        """Answer for every address, as :func:`tulosvahti.emit.smtp.send` does."""
        found = re.search(rb"^Message-ID: (<[^>]+>)\r$", content, re.MULTILINE)
        assert found, content
        message_id = found[1].decode()
        self.digests.setdefault(message_id, set()).add(hashlib.sha256(content).hexdigest())
        self.meanwhile()
        what = "fine" if self.calm else self.chance.choices(
            ("fine", "mixed", "down", "lost", "slow", "crash"), (60, 15, 10, 8, 5, 2)
        )[0]  # fmt: skip
        self.count[what] += 1
        if what == "down":
            answers = dict.fromkeys(to, Answer(MailState.WAITING, "broken_off", "", halts=True))
        elif what == "crash":
            self.said.append(f"{message_id[:12]} sender fails")
            raise RuntimeError("the sender failed")
        elif what in {"lost", "slow"}:
            self.clock.move(timedelta(seconds=55 if what == "slow" else 1))
            for one in to:
                if one != GONE and (what == "lost" or self.chance.random() < 0.5):
                    self._accept(message_id, one)
                    self.lost[message_id, one] += 1
            answers = dict.fromkeys(to, Answer(MailState.WAITING, "lost" if what == "lost" else "deadline", "", halts=True))
        else:
            answers = {one: self._answer(message_id, one, what) for one in to}
        self.said.append(f"{message_id[:12]} {what} " + " ".join(f"{one.split('@')[0]}:{item.state}" for one, item in answers.items()))
        return answers

    def _answer(self, message_id: str, address: str, what: str) -> Answer:
        drawn = "gone" if address == GONE else self.chance.choice(("", "later", "gone")) if what == "mixed" else ""
        if drawn == "later":
            return Answer(MailState.WAITING, "deferred", "451 later")
        if drawn == "gone":
            self.refused.add((message_id, address))
            return Answer(MailState.FAILED, "recipient_refused", "550 no such user")
        self._accept(message_id, address)
        self.unrecorded.append(((message_id, address), self.faults()))
        return Answer(MailState.SENT)

    def _accept(self, message_id: str, address: str) -> None:
        self.copies[message_id, address] += 1


def days(first: date, last: date) -> list[date]:
    """Give every day from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
