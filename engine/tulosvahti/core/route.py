"""Who hears of a finding: the rule's owner, and everybody whose route matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.verdict import Finding


@dataclass(frozen=True)
class Recipient:
    """Somebody who gets mail: a key, addresses, a language. ``channels`` are environment variables that hold URLs."""

    key: str
    name: Text
    mail: tuple[str, ...]
    language: str = "en"
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """Further recipients of the findings that match; each key of ``match`` has allowed values (globs)."""

    match: tuple[tuple[str, tuple[str, ...]], ...]
    also: tuple[str, ...]

    def matches(self, finding: Finding) -> bool:
        """Tell whether every key of the match allows the finding."""
        verdict = finding.verdict
        facts = {
            "rule": verdict.rule.id,
            "owner": verdict.rule.owner,
            "section": verdict.rule.cite.section,
            "severity": str(verdict.rule.severity),
            "verdict": str(verdict.word),
            "kind": verdict.rule.kind,
        }
        return all(any(fnmatchcase(facts[key], allowed) for allowed in values) for key, values in self.match)


@dataclass(frozen=True)
class Routes:
    """All routes of a project. ``default`` hears of what has no recipient of its own."""

    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    default: str = ""

    def recipients_of(self, finding: Finding) -> tuple[str, ...]:
        """Give the keys of everybody who hears of a finding, each once."""
        owner = finding.verdict.rule.owner
        first = owner if owner in self.recipients else self.default
        further = [key for route in self.routes if route.matches(finding) for key in route.also]
        return tuple(dict.fromkeys(key for key in (first, *further) if key in self.recipients))


def digests(findings: Sequence[Finding], routes: Routes) -> dict[str, tuple[Finding, ...]]:
    """Give each recipient's findings; only recipients for whom something is new are in it."""
    gathered: dict[str, list[Finding]] = {}
    for finding in findings:
        for key in routes.recipients_of(finding):
            gathered.setdefault(key, []).append(finding)
    return {
        key: tuple(items)
        for key, items in sorted(gathered.items())
        if any(item.change is not Change.CONTINUED for item in items)
    }
