"""Random histories of nights, lived through by the engine and by the model beside it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from alert_model import Letter, Model, Office
from answering import answered

from tulosvahti.core.alert import AT_ONCE, About, Alert, AlertKey, Sign, advance
from tulosvahti.core.alert_mute import Acknowledgement, Silence, matches
from tulosvahti.core.alert_plan import Message, Moment, Standing, Tell, Told, plan
from tulosvahti.core.delivery import MailState, Posting
from tulosvahti.core.route import Escalation, Matter, Recipient, Route, Routes
from tulosvahti.core.rule import Wait, WaitUnit
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Outcome
from tulosvahti.store import alerting
from tulosvahti.store.ledger import Ledger

START = datetime(2024, 1, 1, 3, 0, tzinfo=UTC)
OWNERS = {"plain": "ann", "grave": "ann", "months": "ann", "reader": "ben", "input:data": "ben"}
MONTHS = ("2023-10", "2023-11", "2023-12", "2024-01", "2024-02")
OFFICE = Office(
    owners=OWNERS,
    critical={"grave"},
    boss="eve",
    patience={"months": (2, "periods"), "reader": (2, "runs")},
    reads={"reader": "input:data"},
    repeat={"ann": 7, "ben": 0, "eve": 3, "dan": 0},
    escalates={"ann": (3, "dan"), "dan": (4, "eve")},
)
ROUTES = Routes(
    {
        name: Recipient(name, Text(name), (f"{name}@x.example",), repeat=days, escalation=step)
        for name, days in OFFICE.repeat.items()
        for step in [Escalation(timedelta(days=OFFICE.escalates[name][0]), OFFICE.escalates[name][1]) if name in OFFICE.escalates else None]
    },
    (
        Route((("severity", ("critical",)),), ("eve",)),
        Route((("rule", ("months",)),), wait=Wait(2, WaitUnit.PERIODS)),
        Route((("rule", ("reader",)),), wait=Wait(2, WaitUnit.RUNS)),
    ),
    "ben",
)


def key_of(name: str) -> AlertKey:
    about, _, rest = name.rpartition(":")
    return AlertKey(About(about or "rule"), rest)


def at(day: int) -> datetime:
    return START + timedelta(days=day)


@dataclass
class Post:
    """An outbox and its log, as the ledger keeps them, but in memory."""

    mails: list[tuple[Message, int]] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    told: dict[int, tuple[datetime, dict[AlertKey, datetime]]] = field(default_factory=dict)

    def put(self, message: Message, day: int) -> int:
        self.mails.append((message, day))
        self.state.append("waiting")
        return len(self.mails) - 1

    def settle(self, number: int, state: str, day: int) -> None:
        if state == "sent":
            message = self.mails[number][0]
            before = self.log(number)
            first = {}
            for tell in message.tells:
                last = before.get((message.recipient, tell.key))
                first[tell.key] = last.first_at if last is not None and last.firing else at(day)
            self.told[number] = at(day), first
        self.state[number] = state

    def log(self, before: int | None = None) -> dict[tuple[str, AlertKey], Told]:
        found: dict[tuple[str, AlertKey], Told] = {}
        for number, (message, day) in enumerate(self.mails[:before]):
            if self.state[number] == "failed":
                continue
            for tell in message.tells:
                place = message.recipient, tell.key
                last = found.get(place)
                first = last.first_at if last is not None and last.firing else at(day)
                moment = at(day)
                if number in self.told:
                    moment, firsts = self.told[number]
                    first = firsts[tell.key]
                found[place] = Told(moment, first, tell.firing, tell.words)
        return found


class LedgerPost:
    """The same, kept by a real ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.count = ledger, 0

    def put(self, message: Message, day: int) -> int:
        self.count += 1
        run = self.ledger.start_run(at(day).date(), at(day), "", "")
        mail = Posting(message.recipient, str(self.count), b"", (("mail", "a@example.org"),), tells=message.tells)
        self.ledger.publish(Outcome(run, at(day).date(), "", "", (), ()), at(day), [mail])
        return self.count

    def settle(self, number: int, state: str, day: int) -> None:
        answered(self.ledger, str(number), MailState(state), at(day))

    def log(self) -> dict[tuple[str, AlertKey], Told]:
        with self.ledger.transaction(reading=True) as connection:
            return dict(alerting.remember(connection).log)


@dataclass
class Engine:
    """The engine's own pieces, put together as a run does."""

    post: Post | LedgerPost = field(default_factory=Post)
    alerts: dict[AlertKey, Alert] = field(default_factory=dict)
    acknowledged: list[Acknowledgement] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)

    def night(self, day: int, news: dict[str, dict[str, str]]) -> list[Message]:
        for name, said in news.items():
            key = key_of(name)
            signs = [Sign(period, word, word == "met") for period, word in said.items()]
            before = self.alerts.get(key, Alert(key))
            wait = ROUTES.wait_of(matter(name, "")) or AT_ONCE
            self.alerts[key] = advance(before, signs, at(day), wait)
        absent = {key.name for key, alert in self.alerts.items() if key.about is About.INPUT and alert.active}
        standings = []
        for key, alert in self.alerts.items():
            muted = "input" if key.name == "reader" and "data" in absent else ""
            if any(item.in_force(at(day)) and matches(item.pattern, key) for item in self.silences):
                muted = "silence"
            acknowledged = any(item.covers(alert) for item in self.acknowledged)
            standings.append(Standing(alert, matter(str(key), alert.word), muted=muted, acknowledged=acknowledged))
        moment = Moment(at(day), UTC, date(2024, 1, 1))
        return plan(standings, [], [], ROUTES, self.post.log(), moment)


def matter(name: str, word: str) -> Matter:
    about, _, rest = name.rpartition(":")
    severity = "critical" if name in OFFICE.critical else "warning"
    return Matter(
        {
            "rule": () if about else (rest,), "owner": (OWNERS[name],), "section": (), "severity": (severity,),
            "verdict": (word,), "kind": ("input" if about else "target",), "input": (),
        }
    )  # fmt: skip


def live(seed: int, nights: int = 30, post: Post | LedgerPost | None = None) -> int:
    """Live one history twice and compare every mail of every night; give the number of mails."""
    chance = random.Random(seed)  # noqa: S311
    model, engine = Model(OFFICE), Engine(post or Post())
    news: dict[str, dict[str, str]] = {name: {"": "good"} for name in OWNERS} | {"months": {MONTHS[0]: "good"}, "input:data": {"": "accepted"}}
    open_mails: list[tuple[int, Letter, str, int]] = []
    day = count = 0
    for _ in range(nights):
        day += chance.choice((1, 1, 1, 1, 2, 4))
        _turn(chance, news)
        tonight = {name: dict(said) for name, said in news.items() if chance.random() > 0.1}
        for number, letter, state, when in list(open_mails):
            if when <= day:
                open_mails.remove((number, letter, state, when))
                _settle(engine, model, number, letter, state, day)
        if chance.random() < 0.15:
            name = chance.choice(list(OWNERS))
            model.acknowledged.append((day, name))
            engine.acknowledged.append(Acknowledgement(0, at(day), "x", key_of(name)))
        if chance.random() < 0.1:
            name, days = chance.choice(list(OWNERS)), chance.choice((1, 3, 8))
            model.silenced.append((day, day + days, name))
            engine.silences.append(Silence(len(engine.silences), at(day), "x", name, "why", at(day + days)))
        messages, letters = engine.night(day, tonight), model.night(day, tonight)
        got = sorted(_seen(message) for message in messages)
        wanted = sorted((item.to, item.urgent, sorted(item.new), sorted(item.resolved), sorted(item.continued)) for item in letters)
        assert got == wanted, f"seed {seed}, day {day}: the engine gives {got}, the model {wanted}"
        count += len(messages)
        unpaired = list(letters)
        for message in messages:
            letter = next(item for item in unpaired if (item.to, item.urgent, sorted(item.new), sorted(item.resolved), sorted(item.continued)) == _seen(message))
            unpaired.remove(letter)
            number = engine.post.put(message, day)
            fate = chance.choices((("sent", 0), ("sent", chance.randint(1, 6)), ("failed", chance.randint(0, 3))), (7, 2, 1))[0]
            if fate[1] == 0:
                _settle(engine, model, number, letter, fate[0], day)
            else:
                open_mails.append((number, letter, fate[0], day + fate[1]))
    return count


def _settle(engine: Engine, model: Model, number: int, letter: Letter, state: str, day: int) -> None:
    engine.post.settle(number, state, day)
    if state == "sent":
        model.accept(letter, day)
    else:
        letter.failed = True


def _seen(message: Message) -> tuple[str, bool, list[str], list[str], list[str]]:
    parts = [sorted(str(item.key) for item in items) for items in (message.new, message.resolved, message.continued)]
    urgent = parts[0] == ["grave"] and not parts[1] and not parts[2] and message.tells == (Tell(key_of("grave"), words=message.new[0].alert.words),)
    return message.recipient, urgent and _is_urgent(message), *parts


def _is_urgent(message: Message) -> bool:
    return message.kind in {"immediate", "escalation"}


def _turn(chance: random.Random, news: dict[str, dict[str, str]]) -> None:
    """Let the world go on: most things stay, some turn; a month may begin."""
    for name, said in news.items():
        for period in said:
            if name == "input:data":
                if chance.random() < 0.15:
                    said[period] = chance.choice(("accepted", "accepted", "late"))
            elif chance.random() < 0.2:
                said[period] = chance.choice(("good", "good", "met", "unknown", "at_risk", "missed"))
    months = news["months"]
    if chance.random() < 0.1 and (later := [month for month in MONTHS if month > max(months)]):
        months[later[0]] = "good"
    if chance.random() < 0.03 and len(months) > 1:
        del months[min(months)]



