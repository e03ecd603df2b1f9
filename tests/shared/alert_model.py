"""Alerting once more, written from its description and not from its code, to compare the two on random histories.

Words: ``good``, ``met`` (good for ever), ``unknown``, ``at_risk``, ``missed``; of an input ``accepted`` and ``late``. An
alert that is not in a night's news was not judged. Days are whole; letters are what recipients get.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BADNESS = {"unknown": 1, "at_risk": 2, "missed": 3, "late": 1}


@dataclass
class Letter:
    """One mail: when it was written and, unless it still waits or has failed, accepted."""

    to: str
    urgent: bool
    day: int
    says: dict[str, dict[str, str] | None]
    """What it says of each alert: the word of each bad period, or None for resolved."""
    new: frozenset[str] = frozenset()
    resolved: frozenset[str] = frozenset()
    continued: frozenset[str] = frozenset()
    accepted: int | None = None
    failed: bool = False
    heard: dict[str, int] = field(default_factory=dict)
    """The day since which the reader knows of each alert that it says fires."""

    @property
    def reached(self) -> int:
        return self.day if self.accepted is None else self.accepted


@dataclass
class Thing:
    """One alert: its bad periods as [word, newest met period when it turned bad, overtaken], and how it stands."""

    periods: dict[str, list] = field(default_factory=dict)
    stands: str = "ok"
    nights: int = 0
    since: int = -1

    @property
    def counts(self) -> dict[str, str]:
        return {period: word for period, (word, _, overtaken) in self.periods.items() if not overtaken}

    def live_through(self, news: dict[str, str], day: int, patience: tuple[int, str]) -> None:  # noqa: C901, PLR0912 (one night, told in one piece)
        if not news:
            return
        newest_met = max([period for period, word in news.items() if word == "met"] or [""])
        bad_tonight = False
        for period, word in news.items():
            if word in ("good", "met", "accepted"):
                self.periods.pop(period, None)
            elif word != "unknown":
                bad_tonight = True
                if period in self.periods:
                    self.periods[period][0] = word
                else:
                    self.periods[period] = [word, newest_met, False]
        for period, entry in self.periods.items():
            if newest_met > period and newest_met > entry[1]:
                entry[2] = True
        something_known_is_bad = any(word != "unknown" for word in self.counts.values())
        if not something_known_is_bad:
            for period, word in news.items():
                if word == "unknown":
                    bad_tonight = True
                    stood_beside_it = self.stands in ("pending", "firing") and newest_met > period
                    self.periods.setdefault(period, ["unknown", newest_met, stood_beside_it])
        was = self.stands
        if not self.counts:
            self.nights = 0
            if was == "firing":
                self.stands = "resolved"
            elif was == "pending":
                self.stands = "ok"
        elif was != "firing":
            self.nights += bad_tonight
            self.stands = "firing" if self.is_enough(news, patience) else "pending"
        if self.stands != was:
            self.since = day

    def is_enough(self, news: dict[str, str], patience: tuple[int, str]) -> bool:
        count, unit = patience
        if unit == "runs":
            return self.nights >= count
        fine = [period for period, word in news.items() if word in ("good", "met")]
        after_the_last_good_one = [period for period in self.counts if period > max(fine or [""])]
        return len(after_the_last_good_one) >= count


@dataclass
class Office:
    """Who hears of what: ``owners`` of each alert, ``critical`` alerts, who is told of critical ones besides."""

    owners: dict[str, str]
    critical: set[str]
    boss: str
    patience: dict[str, tuple[int, str]]
    reads: dict[str, str]
    """The input that an alert reads."""
    repeat: dict[str, int]
    escalates: dict[str, tuple[int, str]]


@dataclass
class Model:
    """The whole: what stands, what was written, what people said."""

    office: Office
    things: dict[str, Thing] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    silenced: list[tuple[int, int, str]] = field(default_factory=list)

    def night(self, day: int, news: dict[str, dict[str, str]]) -> list[Letter]:
        for name, said in news.items():
            self.things.setdefault(name, Thing()).live_through(said, day, self.office.patience.get(name, (1, "runs")))
        written = []
        for reader in self.office.repeat:
            for escalated in (False, True):
                mine = [name for name in self.things if self.is_reader(reader, name, day) == (True, escalated)]
                written += self.write(reader, mine, day)
        self.letters += written
        return written

    def accept(self, letter: Letter, day: int) -> None:
        letter.accepted = day
        letter.heard = {name: self.heard_since(letter, name) for name in letter.says}

    def heard_since(self, letter: Letter, name: str) -> int:
        """Give the day since which the reader of a letter knows that an alert fires; settled when it is accepted."""
        if name in letter.heard:
            return letter.heard[name]
        before = self.last(letter.to, name, letter)
        known = before is not None and before.says[name] is not None
        return self.heard_since(before, name) if known else letter.reached

    def last(self, reader: str, name: str, before: Letter | None = None) -> Letter | None:
        """Give the newest letter about an alert that has not failed."""
        until = self.letters.index(before) if before in self.letters else len(self.letters)
        found = [item for item in self.letters[:until] if item.to == reader and not item.failed and name in item.says]
        return found[-1] if found else None

    def knows(self, reader: str, name: str) -> dict[str, str] | None:
        letter = self.last(reader, name)
        return letter.says[name] if letter else None

    def is_quiet(self, name: str, day: int) -> bool:
        its_input = self.things.get(self.office.reads.get(name, ""))
        absent = its_input is not None and its_input.stands in ("pending", "firing")
        return absent or any(start <= day < end and name == muted for start, end, muted in self.silenced)

    def is_taken_care_of(self, name: str) -> bool:
        thing = self.things[name]
        return any(about == name and day >= thing.since for day, about in self.acknowledged) and thing.stands in ("pending", "firing")

    def is_reader(self, reader: str, name: str, day: int) -> tuple[bool, bool]:
        """Say whether somebody hears of an alert, and whether only because others did not answer."""
        thing, office = self.things[name], self.office
        if self.is_quiet(name, day):
            return False, False
        if thing.stands not in ("pending", "firing"):
            return self.knows(reader, name) is not None, False
        own = [office.owners[name]] + ([office.boss] if name in office.critical else [])
        if reader in own:
            return True, False
        for first in own:
            who = first
            while who in office.escalates:
                days, to = office.escalates[who]
                if to in own or self.knows(who, name) is None:
                    break
                long_ago = day - self.heard_since(self.last(who, name), name) >= days
                if not ((long_ago and not self.is_taken_care_of(name)) or self.knows(to, name) is not None):
                    break
                if to == reader:
                    return True, True
                who = to
        return False, False

    def is_new(self, reader: str, name: str) -> bool:
        known = self.knows(reader, name)
        if known is None:
            return True
        return any(
            all(BADNESS[word] > BADNESS[before] for when, before in known.items() if when[:4] == period[:4])
            for period, word in self.things[name].counts.items()
        )

    def write(self, reader: str, mine: list[str], day: int) -> list[Letter]:
        firing = [name for name in mine if self.things[name].stands == "firing"]
        urgent = [name for name in firing if name in self.office.critical and self.is_new(reader, name)]
        rest = [name for name in firing if name not in urgent]
        new = frozenset(name for name in rest if self.is_new(reader, name))
        over = frozenset(
            name for name in mine if self.things[name].stands in ("ok", "resolved") and self.knows(reader, name) is not None
        )
        open_and_loose = [name for name in rest if not self.is_taken_care_of(name)]
        due = False
        if self.office.repeat[reader] and not new and open_and_loose:
            longest = min(self.last(reader, name).reached for name in open_and_loose)
            due = day - longest >= self.office.repeat[reader]
        letters = [self.letter(reader, day, [name], (), (), urgent=True) for name in urgent]
        if new or over or due:
            letters.append(self.letter(reader, day, new, over, [name for name in rest if name not in new]))
        return letters

    def letter(self, reader, day, new, over, continued, *, urgent=False) -> Letter:
        says = {name: dict(self.things[name].counts) for name in (*new, *continued)} | dict.fromkeys(over)
        return Letter(reader, urgent, day, says, frozenset(new), frozenset(over), frozenset(continued))
