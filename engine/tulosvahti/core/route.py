"""Who hears of an alert, and when: its owner, everybody whose route matches, and those it is escalated to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tulosvahti.core.rule import Severity, Wait
from tulosvahti.core.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.contract import Contract
    from tulosvahti.core.rule import Rule

FACTS = ("rule", "owner", "section", "severity", "verdict", "kind", "input")
"""What a route can match."""
INPUT_KIND = "input"
"""The ``kind`` of an alert that is about an input."""
DELIVERY_KIND = "delivery"
"""The ``kind`` of a message that is about one delivery."""


@dataclass(frozen=True)
class Quiet:
    """When mail is held: hours of the day (start inclusive, end exclusive, over midnight too), and whole days."""

    start: time | None = None
    end: time | None = None
    weekends: bool = False
    holidays: bool = False
    critical: bool = False
    """Whether critical alerts are held too."""


@dataclass(frozen=True)
class Escalation:
    """Who hears of it next, when nobody has acknowledged it so long after it was told."""

    after: timedelta
    to: str


@dataclass(frozen=True)
class Recipient:
    """Somebody who gets mail: a key, addresses, a language, and who stands in when nothing is heard from them.

    ``channels`` are environment variables that hold URLs.
    """

    key: str
    name: Text
    mail: tuple[str, ...]
    language: str = "en"
    repeat: int | None = None
    """Days between reminders of what still fires; 0: never; None: as the project."""
    escalation: Escalation | None = None
    deputy: str = ""
    manager: str = ""
    quiet: Quiet | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matter:
    """What routes look at: facts of one alert; each has one value, or several that any may match."""

    facts: Mapping[str, tuple[str, ...]]

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return Severity(self.facts["severity"][0])

    @property
    def owner(self) -> str:
        """The rule's owner, or the input's deliverer."""
        return self.facts["owner"][0]


def rule_matter(rule: Rule, word: str) -> Matter:
    """Give the facts of a rule whose verdict is ``word``."""
    return Matter(
        {
            "rule": (rule.id,),
            "owner": (rule.owner,),
            "section": (rule.cite.section,),
            "severity": (rule.severity,),
            "verdict": (word,),
            "kind": (rule.kind,),
            "input": rule.inputs,
        }
    )


def input_matter(contract: Contract, state: str, rules: Sequence[Rule]) -> Matter:
    """Give the facts of an input whose delivery is ``state``; it matters as much as the rules that read it."""
    severities = [rule.severity for rule in rules if contract.name in rule.inputs]
    worst = min(severities, key=list(Severity).index, default=Severity.INFO)
    return Matter(
        {
            "rule": (),
            "owner": (contract.deliverer,),
            "section": (),
            "severity": (worst,),
            "verdict": (state,),
            "kind": (INPUT_KIND,),
            "input": (contract.name,),
        }
    )


def delivery_matter(contract: Contract, word: str, rules: Sequence[Rule]) -> Matter:
    """Give the facts of one delivery: ``quarantined``, ``accepted_with_rejects`` or, in order again, ``accepted``."""
    found = input_matter(contract, word, rules)
    return Matter({**found.facts, "kind": (DELIVERY_KIND,)})


class Why(StrEnum):
    """Why somebody hears of an alert."""

    OWNER = "owner"
    DEFAULT = "default"
    ROUTE = "route"
    ESCALATION = "escalation"


@dataclass(frozen=True)
class Heard:
    """Somebody who hears of an alert; ``route`` counts from 0; ``escalated_from`` names who did not answer."""

    recipient: str
    why: Why
    route: int = -1
    escalated_from: str = ""


@dataclass(frozen=True)
class Route:
    """Further recipients of the alerts that match, and how long it must be bad before anybody is told."""

    match: tuple[tuple[str, tuple[str, ...]], ...]
    also: tuple[str, ...] = ()
    wait: Wait | None = None

    def matches(self, matter: Matter) -> bool:
        """Tell whether every key of the match allows one of the values (globs)."""
        return all(
            any(fnmatchcase(value, allowed) for value in matter.facts[key] for allowed in values)
            for key, values in self.match
        )


@dataclass(frozen=True)
class Summary:
    """A weekly summary; weekdays count from Monday, 0."""

    to: str
    weekday: int


@dataclass(frozen=True)
class Routes:
    """All of ``alerts/routes.yaml``. ``default`` hears of what has no recipient of its own."""

    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    default: str = ""
    repeat: int = 0
    quiet: Quiet | None = None
    country: str = "FI"
    subdivision: str = ""
    before: tuple[int, ...] = (30, 7, 1)
    after: tuple[int, ...] = (1, 7, 30)
    summaries: tuple[Summary, ...] = ()

    def heard_by(self, matter: Matter) -> tuple[Heard, ...]:
        """Give everybody who hears of an alert, each once, with the first reason why."""
        found: dict[str, Heard] = {}
        for heard in self._heard(matter):
            if heard.recipient in self.recipients:
                found.setdefault(heard.recipient, heard)
        return tuple(found.values())

    def _heard(self, matter: Matter) -> Iterator[Heard]:
        owner = matter.owner
        yield Heard(owner, Why.OWNER) if owner in self.recipients else Heard(self.default, Why.DEFAULT)
        for index, route in enumerate(self.routes):
            if route.matches(matter):
                yield from (Heard(key, Why.ROUTE, index) for key in route.also)

    def wait_of(self, matter: Matter) -> Wait | None:
        """Give the wait of the first matching route that has one."""
        return next((route.wait for route in self.routes if route.wait is not None and route.matches(matter)), None)

    def deliverer(self, named: str) -> str:
        """Give who is reminded of what a contract's deliverer owes; empty where nobody can be."""
        return next((key for key in (named, self.default) if key in self.recipients), "")

    def repeat_of(self, recipient: str) -> int:
        """Give the days between reminders; 0: never."""
        own = self.recipients[recipient].repeat
        return self.repeat if own is None else own

    def quiet_of(self, recipient: str) -> Quiet | None:
        """Give when mail to somebody is held."""
        return self.recipients[recipient].quiet or self.quiet
