"""The agreement as one matrix: a row for each indicator and subject, a column for each year, a verdict in each cell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tulosvahti.core.verdict import ATTENTION, Word
from tulosvahti.emit.report import ORDER
from tulosvahti.emit.stored import change_of, observed_of, sentence_of, subject_of, title_of, where_of
from tulosvahti.emit.words import verdict_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tulosvahti.emit.stored import Stored

    Judged = Mapping[str, Any]

TIMELESS = ""
"""The column of what has no period: sums, rows, expectations."""
_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class Wanted:
    """What the reader wants to see; empty is everything. ``standing`` is ``binding`` or ``preliminary``."""

    owner: str = ""
    section: str = ""
    verdict: str = ""
    standing: str = ""
    agency: str = ""

    def fits(self, verdict: Judged) -> bool:
        """Tell whether a verdict is wanted."""
        return (
            self.owner in {"", verdict["owner"]}
            and self.section in {"", section_key(verdict)}
            and self.verdict in {"", verdict["verdict"]}
            and self.standing in {"", "binding" if verdict["binding"] else "preliminary"}
            and self.agency in {"", verdict["cite"]["agreement"]}
        )


def section_key(verdict: Judged) -> str:
    """Name a section among those of all agreements."""
    return f"{verdict['cite']['agreement']}/{verdict['cite']['section']}"


def choices(stored: Stored, language: str) -> dict[str, list[tuple[str, str]]]:
    """Give what can be chosen, each with its words, in the agreement's order."""
    owners: dict[tuple[str, str], str] = {}
    sections: dict[str, str] = {}
    agencies: dict[str, str] = {}
    kinds: set[str] = set()
    named = {key: f"{agency} · {title}" for key, title, agency in stored.named_agreements(language)}
    for verdict in stored.verdicts:
        agreement, section = verdict["cite"]["agreement"], section_key(verdict)
        if (verdict["owner"], agreement) not in owners:
            owners[verdict["owner"], agreement] = stored.owner(verdict, language)
        if section not in sections:
            sections[section] = stored.section_name(verdict, language)
        agencies.setdefault(agreement, named.get(agreement, agreement))
        kinds.add(verdict["verdict"])
    # The same key may name another party in another agreement: it is one choice, with both names.
    named_owners: dict[str, dict[str, None]] = {}
    for (owner, _), name in owners.items():
        named_owners.setdefault(owner, {})[name] = None
    return {
        "owner": sorted(((owner, " / ".join(names)) for owner, names in named_owners.items()), key=lambda item: item[1].casefold()),
        "section": list(sections.items()),
        "verdict": [(str(kind), verdict_word(kind, language)) for kind in ORDER if kind in kinds],
        "agency": list(agencies.items()),
    }


def counted(verdicts: Iterable[Judged]) -> list[tuple[Word, int]]:
    """Count the verdicts, worst first."""
    kinds = [verdict["verdict"] for verdict in verdicts]
    return [(kind, kinds.count(kind)) for kind in ORDER]


def attention(verdicts: Iterable[Judged]) -> list[Judged]:
    """Give what needs attention, worst first: by severity, then by verdict, then new before old."""

    def weight(verdict: Judged) -> tuple[int, int, bool]:
        return _SEVERITIES.index(verdict["severity"]), ORDER.index(Word(verdict["verdict"])), verdict["change"] == "continued"

    return sorted((item for item in verdicts if item["verdict"] in ATTENTION), key=weight)


def changed(verdicts: Iterable[Judged]) -> list[Judged]:
    """Give what the run before judged otherwise, or not at all."""
    return [
        item
        for item in verdicts
        if item["change"] not in {None, "continued"} or (item.get("was") and item["was"] != item["verdict"])
    ]


def line(stored: Stored, verdict: Judged, language: str) -> dict[str, Any]:
    """Say one verdict in a line."""
    return {
        "title": title_of(verdict, language),
        "where": where_of(verdict),
        "rule": verdict["rule"],
        "period": verdict["period"] or "",
        "subject": subject_key(verdict),
        "verdict": verdict["verdict"],
        "provisional": verdict["provisional"],
        "critical": verdict["severity"] == "critical",
        "owner": stored.owner(verdict, language),
        "agency": stored.agency(verdict, language),
        "sentence": sentence_of(verdict, language),
        "change": change_of(verdict, language),
    }


def subject_key(verdict: Judged) -> str:
    """Name a subject in an address; empty where there is none."""
    return json.dumps(verdict["subject"], ensure_ascii=False) if verdict["subject"] else ""


@dataclass(frozen=True)
class Matrix:
    """``years`` are the columns, each with what it is in the agreement where all agreements say the same."""

    years: Sequence[tuple[str, str]]
    sections: Sequence[Mapping[str, Any]]
    rows: int


def matrix(stored: Stored, chosen: Sequence[Judged], language: str, address: Callable[[str, str], str]) -> Matrix:
    """Lay the chosen verdicts out; ``address`` gives that of a rule and subject."""
    years = sorted({_year(verdict) for verdict in chosen} - {TIMELESS})
    columns = [*years, *([TIMELESS] if any(_year(item) == TIMELESS for item in chosen) else [])]
    sections: dict[str, dict[str, Any]] = {}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for verdict in chosen:
        key = section_key(verdict)
        section = sections.get(key)
        if section is None:
            section = sections[key] = {"title": stored.section_name(verdict, language), "rows": []}
        name = verdict["rule"], subject_of(verdict)
        row = rows.get(name)
        if row is None:
            row = rows[name] = {
                "rule": verdict["rule"], "title": title_of(verdict, language), "subject": name[1], "cells": {},
                "href": address(verdict["rule"], subject_key(verdict)),
            }  # fmt: skip
            section["rows"].append(row)
        row["cells"].setdefault(_year(verdict), []).append(_cell(verdict, row["href"], language))
    for row in rows.values():
        row["cells"] = [row["cells"].get(year, []) for year in columns]
    standings: dict[str, set[str]] = {}
    for key in {item["cite"]["agreement"] for item in chosen}:
        for known, binding in stored.years(key):
            standings.setdefault(str(known), set()).add("binding" if binding else "preliminary")
    named = [(year, next(iter(standings[year])) if len(standings.get(year, ())) == 1 else "") for year in columns]
    return Matrix(named, list(sections.values()), len(rows))


def _year(verdict: Judged) -> str:
    return (verdict["period"] or "")[:4]


class Cell(NamedTuple):
    """One verdict of the matrix; ``part`` of the year is its period, where it is not the whole."""

    kind: str
    word: str
    href: str
    part: str
    value: str
    binding: bool


def _cell(verdict: Judged, href: str, language: str) -> Cell:
    period = verdict["period"] or ""
    shown = observed_of(verdict, language)
    return Cell(
        verdict["verdict"], verdict_word(verdict["verdict"], language),
        f"{href}{'&' if '?' in href else '?'}period={period}" if period else href,
        period[5:], "" if shown == "–" else shown, verdict["binding"],
    )  # fmt: skip
