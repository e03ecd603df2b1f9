"""A stored run, read back for its reports: what was judged is its JSON, what came before is the ledger's measurements.

A run of before agreements were stored with it names them by their keys.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tulosvahti.core.period import read_period
from tulosvahti.core.quantity import shown
from tulosvahti.core.verdict import Change, Word
from tulosvahti.emit.words import MOST_NAMED, figure, has_word, in_place_of_number, listed, quantity, target_text, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tulosvahti.core.verdict import Outcome

Key = tuple[str, tuple[tuple[str, str], ...], str]
"""Rule, subject, period."""


@dataclass(frozen=True)
class Point:
    """What a run measured for one rule, subject and period."""

    key: Key
    value: Fraction | None
    rows: int
    unknown_rows: int


def stored_of(outcome: Outcome, text: str) -> Stored:
    """Give a run that has just been judged as it will be read back; ``text`` is its JSON."""
    points = [
        Point((item.rule, item.subject, item.period.key if item.period else ""), item.value, item.rows, item.unknown_rows)
        for item in outcome.measurements
    ]
    return Stored(json.loads(text), points)


@dataclass(frozen=True)
class Stored:
    """One run as it was published.

    ``revised``: the values that earlier runs gave to periods that had ended, newest last. ``then``: what was known of the
    same period of the years before by the same day.
    """

    data: Mapping[str, Any]
    points: Sequence[Point] = ()
    revised: Mapping[Key, Sequence[Fraction]] = field(default_factory=dict)
    then: Mapping[Key, Fraction] = field(default_factory=dict)

    @property
    def run(self) -> Mapping[str, Any]:
        """The run's own facts."""
        found: Mapping[str, Any] = self.data["run"]
        return found

    @property
    def as_of(self) -> date:
        """The day of knowledge."""
        return date.fromisoformat(self.run["as_of"])

    @property
    def verdicts(self) -> Sequence[Mapping[str, Any]]:
        """The verdicts, in the agreement's order."""
        found: Sequence[Mapping[str, Any]] = self.data["verdicts"]
        return found

    @property
    def synthetic(self) -> Sequence[str]:
        """The inputs that are made up."""
        return [item["name"] for item in self.data["inputs"] if item.get("synthetic")]

    def made_up(self, language: str) -> Mapping[str, str]:
        """Give the titles of the inputs that are made up, by name; the names themselves where no titles were stored."""
        return {item["name"]: titled_input(item, language) for item in self.data["inputs"] if item.get("synthetic")}

    def made_up_named(self, language: str) -> str:
        """Name the inputs that are made up, the first of them; nothing where none is."""
        return listed(list(self.made_up(language).values()), language, most=MOST_NAMED)

    @cached_property
    def values(self) -> Mapping[Key, Fraction]:
        """The known values."""
        return {point.key: point.value for point in self.points if point.value is not None}

    @property
    def year(self) -> int:
        """The year that most of the targets judged belong to."""
        years = Counter(read_period(v["period"]).start.year for v in self.verdicts if v["period"] and v["kind"] == "target")
        return max(years, key=lambda year: (years[year], year), default=self.as_of.year)

    def title(self, language: str) -> str:
        """Name the agreement, or the agreements, of the run."""
        named = [_in(item.get("title"), language) or key for key, item in self._agreements.items()]
        return " · ".join(named) or word("ui.report", language)

    def first_title(self, language: str) -> str:
        """Name the first agreement alone."""
        first = next(iter(self._agreements.items()), None)
        return (_in(first[1].get("title"), language) or first[0]) if first else word("ui.report", language)

    def documents(self, language: str) -> Sequence[tuple[str, str, str]]:
        """Give title, document and agency of each agreement."""
        return [
            (_in(item.get("title"), language) or key, item.get("document") or "–", _in(item.get("agency"), language) or "–")
            for key, item in self._agreements.items()
        ]

    def named_agreements(self, language: str) -> Sequence[tuple[str, str, str]]:
        """Give key, title and agency of each agreement."""
        return [(key, title, agency) for key, (title, _, agency) in zip(self._agreements, self.documents(language), strict=True)]

    def title_of_agreement(self, key: str, language: str) -> str:
        """Name an agreement."""
        return _in(self._agreements.get(key, {}).get("title"), language) or key

    @property
    def is_first(self) -> bool:
        """Tell whether there was nothing to compare the run with."""
        new = all(item["change"] == Change.OPENED for item in self.data["findings"])
        return new and not any(item.get("was") for item in self.verdicts)

    def years(self, agreement: str) -> Sequence[tuple[int, bool]]:
        """Give the years of an agreement and whether each is binding; none for a run of before they were stored."""
        found = self._agreements.get(agreement, {}).get("years", {})
        return [(int(year), binding) for year, binding in found.items()]

    def targets(self, rule: str) -> Mapping[str, Mapping[str, str]] | None:
        """Give the dated targets of a rule by period; None where it has no target, or none was stored."""
        found: Mapping[str, Mapping[str, str]] | None = self._rules.get(rule, {}).get("targets")
        return found

    def accumulates(self, rule: str) -> bool | None:
        """Tell whether a rule's value grows while its period is open; None for a run of before that was stored."""
        found: bool | None = self._rules.get(rule, {}).get("accumulates")
        return found

    def note(self, rule: str, language: str) -> str:
        """Give the note of a rule."""
        return _in(self._rules.get(rule, {}).get("note"), language)

    def agencies(self, language: str) -> str:
        """Name whose agreements they are, with the documents."""
        parts = [f"{_in(item['agency'], language)} ({item['document']})" for item in self._agreements.values() if item.get("agency")]
        return " · ".join(dict.fromkeys(parts))

    def section_title(self, verdict: Mapping[str, Any], language: str) -> str:
        """Name the section that a verdict cites."""
        agreement = self._agreements.get(verdict["cite"]["agreement"], {})
        return _in(agreement.get("sections", {}).get(verdict["cite"]["section"]), language)

    def agency(self, verdict: Mapping[str, Any], language: str) -> str:
        """Name the agency of a verdict's agreement where the run has several agreements; nothing where it has one."""
        key = verdict["cite"]["agreement"]
        return _in(self._agreements.get(key, {}).get("agency"), language) or key if len(self._agreements) > 1 else ""

    def section_name(self, verdict: Mapping[str, Any], language: str) -> str:
        """Name the section that a verdict cites by number and title, and its agency where that needs saying."""
        name = f"{verdict['cite']['section']} {self.section_title(verdict, language)}".strip()
        return " · ".join(filter(None, (name, self.agency(verdict, language))))

    def owner(self, verdict: Mapping[str, Any], language: str) -> str:
        """Name the owner as the agreement does."""
        owners = self._agreements.get(verdict["cite"]["agreement"], {}).get("owners", {})
        return _in(owners.get(verdict["owner"]), language) or str(verdict["owner"])

    def sections(self) -> Iterator[tuple[tuple[str, str], Sequence[Mapping[str, Any]]]]:
        """Give the verdicts of each section, in order; a section stands once."""
        found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for verdict in self.verdicts:
            found.setdefault((verdict["cite"]["agreement"], verdict["cite"]["section"]), []).append(verdict)
        yield from found.items()

    @property
    def _rules(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data.get("rules") or {}
        return found

    @property
    def _agreements(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data.get("agreements") or {}
        return found


def _in(texts: Mapping[str, str] | None, language: str) -> str:
    return (texts or {}).get(language, "")


def titled_input(item: Mapping[str, Any], language: str) -> str:
    """Name an input as its contract does; by its key where no title was stored."""
    return _in(item.get("title"), language) or str(item["name"])


def key_of(verdict: Mapping[str, Any]) -> Key:
    """Give what a verdict or finding is about."""
    return verdict["rule"], tuple(verdict["subject"].items()), verdict["period"] or ""


def title_of(verdict: Mapping[str, Any], language: str) -> str:
    """Name the indicator of a verdict."""
    return _in(verdict["title"], language) or str(verdict["rule"])


def subject_of(item: Mapping[str, Any]) -> str:
    """Name the subject of a verdict or finding."""
    return ", ".join(str(value) for value in item["subject"].values())


def decimal_of(text: str | None) -> Decimal | None:
    """Read a stored decimal."""
    return None if text is None else Decimal(text)


def reason_of(verdict: Mapping[str, Any], language: str) -> str:
    """Give the sentence of a verdict's reason."""
    return _in(verdict["reason_text"], language)


def where_of(item: Mapping[str, Any]) -> str:
    """Name period and subject of a verdict or finding."""
    return ", ".join(part for part in (item["period"] or "", subject_of(item)) if part)


def change_of(verdict: Mapping[str, Any], language: str) -> str:
    """Say what became of a verdict since the run before; nothing where it is as it was."""
    was = verdict.get("was")
    before = word("change.was", language, was=word(f"verdict.{was}", language)) if was and was != verdict["verdict"] else ""
    if not verdict["change"]:
        return before
    said = word(f"change.{verdict['change']}", language)
    return f"{said} ({before})" if before else said


def sentence_of(verdict: Mapping[str, Any], language: str) -> str:
    """Say in one sentence why the verdict is what it is."""
    observed = observed_of(verdict, language)
    says = word(f"says.{verdict['verdict']}", language, observed=observed, target=target_text(verdict["target"], language))
    if not verdict["reason"]:
        return says
    reason = reason_of(verdict, language)
    both = verdict["observed"] is not None and verdict["verdict"] in {Word.AT_RISK, Word.MISSED}
    return f"{says} {reason}" if both else reason


def observed_of(verdict: Mapping[str, Any], language: str) -> str:
    """Write what was observed: the value, the day it was done, or how many sums hold."""
    done, relations, broken = (verdict["evidence"].get(name) for name in ("done_on", "relations", "broken"))
    if verdict["observed"] is None and isinstance(done, str):
        return figure(done, language)
    if verdict["observed"] is None and isinstance(relations, int) and isinstance(broken, list):
        return f"{relations - len(broken)}/{relations}"
    if verdict["observed"] is None and (said := in_place_of_number(verdict["evidence"], verdict["reason"], verdict["unit"] or "", language)):
        return said
    return quantity(decimal_of(verdict["observed"]), verdict["unit"] or "", language)


def value_text(value: Fraction, unit: str, language: str) -> str:
    """Write a measured value."""
    return quantity(shown(value), unit, language)


def word_or_name(group: str, name: str, language: str) -> str:
    """Give the word for a name of the engine's; the name itself where it is the project's own."""
    key = f"{group}.{name}"
    return word(key, language) if has_word(key, language) else name
