"""Side by side: subjects of one indicator, agencies that share one, years of a section's indicators, centres and headings of a table."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tulosvahti.core.text import LANGUAGES
from tulosvahti.emit.stored import subject_of, title_of, value_text
from tulosvahti.emit.words import figure, number
from tulosvahti.web.views.matrix import subject_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tulosvahti.core.measure import Subject
    from tulosvahti.emit.stored import Stored

    Judged = Mapping[str, Any]
    Values = Sequence[tuple[Subject, str, Fraction | None]]

WIDEST = 160
"""Pixels of the longest bar."""
COLUMNS = 8
"""Years, newest, that stand side by side."""


@dataclass(frozen=True)
class Ranked:
    """One line of a ranking: its place (ties share one), name, value, and the length of its bar."""

    place: int
    name: str
    value: str
    bar: int
    verdict: str = ""
    rule: str = ""
    below: bool = False
    """True where the value is negative."""


def comparable(stored: Stored, language: str) -> list[tuple[str, str]]:
    """Give the rules with more than one subject, and the tables, by their titles."""
    subjects: dict[str, set[str]] = {}
    titles: dict[str, str] = {}
    for verdict in stored.verdicts:
        if verdict["rule"] not in titles:
            titles[verdict["rule"]] = " · ".join(filter(None, (title_of(verdict, language), stored.agency(verdict, language))))
        if verdict["subject"]:
            subjects.setdefault(verdict["rule"], set()).add(subject_of(verdict))
        if isinstance(verdict["evidence"].get("table"), dict):
            subjects.setdefault(verdict["rule"], {"", "table"})
    return [(name, titles[name]) for name in titles if len(subjects.get(name, ())) > 1]


def ranking(values: Sequence[tuple[str, Fraction, Mapping[str, str]]], shown: Callable[[Fraction], str]) -> list[Ranked]:
    """Rank what has a value, the greatest first; equal values share a place."""
    ordered = sorted(values, key=lambda item: (-item[1], item[0]))
    longest = max((abs(value) for _, value, _ in ordered), default=None) or 1
    result: list[Ranked] = []
    for n, (name, value, more) in enumerate(ordered):
        place = result[-1].place if n and ordered[n - 1][1] == value else n + 1
        bar = max(1, round(WIDEST * abs(value) / longest)) if value else 0
        result.append(Ranked(place, name, shown(value), bar, below=value < 0, **more))
    return result


def by_subject(stored: Stored, rule: str, values: Values, period: str, language: str) -> dict[str, Any]:
    """Compare the subjects of a rule: a ranking of one period, and every period in a table."""
    mine = {(subject_of(item), item["period"] or ""): item for item in stored.verdicts if item["rule"] == rule}
    known = {(", ".join(name for _, name in subject), at): value for subject, at, value in values if subject and value is not None}
    seen: dict[str, str] = {}
    for (name, _), item in mine.items():
        if name:
            seen.setdefault(name, subject_key(item))
    return {**_side_by_side(mine, known, period, language), "multiples": list(seen.items())}


def shared(stored: Stored, language: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Give the indicators that several agreements have, by the first one's rule: title, and the rule of each agreement.

    They are told by their titles in every language, and their unit.
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    titles: dict[str, str] = {}
    for verdict in stored.verdicts:
        if verdict["kind"] == "target" and not verdict["subject"]:
            name = (*(str(verdict["title"].get(code)) for code in LANGUAGES), verdict["unit"] or "")
            found.setdefault(name, {}).setdefault(verdict["cite"]["agreement"], verdict["rule"])
            titles.setdefault(verdict["rule"], title_of(verdict, language))
    groups = (rules for rules in found.values() if len(rules) > 1)
    return {first: (titles[first], rules) for rules in groups for first in [next(iter(rules.values()))]}


def by_agency(stored: Stored, rules: Mapping[str, str], values: Mapping[str, Values], period: str, language: str) -> dict[str, Any]:
    """Compare the agencies that share an indicator; ``rules``: that of each agreement, ``values``: of each rule."""
    documents = {key: (title, agency) for key, title, agency in stored.named_agreements(language)}
    agencies = [documents[key][1] for key in rules]
    # Two agreements of one agency are told apart by their titles.
    names = {rule: documents[key][1] if agencies.count(documents[key][1]) == 1 else documents[key][0] for key, rule in rules.items()}
    mine = {(names[item["rule"]], item["period"] or ""): item for item in stored.verdicts if item["rule"] in names and not item["subject"]}
    known = {(names[rule], at): value for rule, of in values.items() for subject, at, value in of if not subject and value is not None}
    return {**_side_by_side(mine, known, period, language), "multiples": []}


def _side_by_side(mine: Mapping[tuple[str, str], Judged], known: Mapping[tuple[str, str], Fraction], period: str, language: str) -> dict[str, Any]:
    """Rank what is known of one period by name, and lay every period out; both are by name and period."""
    any_of = next(iter(mine.values()))
    unit = any_of["unit"] or ""
    periods = sorted({at for _, at in known}, reverse=True)[:COLUMNS]
    chosen = period if period in periods else next((at for at in periods if any((name, at) in mine for name, _ in known)), periods[0] if periods else "")
    lines = [
        (name, value, {"verdict": mine[name, at]["verdict"], "rule": mine[name, at]["rule"]} if (name, at) in mine else {})
        for (name, at), value in known.items()
        if at == chosen
    ]
    names = sorted({name for name, _ in known})
    return {
        "title": title_of(any_of, language),
        "period": chosen,
        "periods": periods,
        "choices": [(at, at) for at in periods],
        "ranking": ranking(lines, lambda value: value_text(value, unit, language)),
        "table": [(name, [value_text(known[name, at], unit, language) if (name, at) in known else "–" for at in periods]) for name in names],
    }


def by_year(stored: Stored, rules: Mapping[str, Values], language: str) -> dict[str, Any]:
    """Put the years of indicators side by side."""
    first: dict[str, Judged] = {}
    for verdict in stored.verdicts:
        first.setdefault(verdict["rule"], verdict)
    known: dict[tuple[str, str], dict[str, Fraction]] = {}
    for rule, values in rules.items():
        for subject, period, value in values:
            if value is not None and len(period) == 4:
                known.setdefault((rule, ", ".join(name for _, name in subject)), {})[period] = value
    years = sorted({year for values in known.values() for year in values}, reverse=True)[:COLUMNS][::-1]
    rows = [
        {
            "rule": rule,
            "title": title_of(first[rule], language),
            "subject": subject,
            "cells": [value_text(values[year], first[rule]["unit"] or "", language) if year in values else "–" for year in years],
        }
        for (rule, subject), values in known.items()
        if rule in first
    ]
    return {"years": years, "rows": rows}


def by_heading(verdict: Judged, heading: str, language: str) -> dict[str, Any]:
    """Compare the rows of a table by one of its columns: ranking and share; totals are left out."""
    table: Any = verdict["evidence"]["table"]
    sums: Any = verdict.get("sums") or {}
    columns = list(table["columns"])
    chosen = heading if heading in columns else sums.get("total_column") if sums.get("total_column") in columns else columns[-1]
    at = columns.index(chosen)
    totals = {sums.get("total_row", ""), *sums.get("subtotals", {})} - {""}
    cells = [(row["label"], row["cells"][at]) for row in table["rows"] if row["label"] not in totals and row["cells"][at] is not None]
    whole = sum((Decimal(cell) for _, cell in cells), Decimal(0))

    def shown(value: Any) -> str:  # noqa: ANN401 (an exact number)
        amount = Decimal(value.numerator) / Decimal(value.denominator)
        text = figure(f"{amount:f}", language)
        if not whole or any(Decimal(cell) < 0 for _, cell in cells):
            return text
        return f"{text} ({number((100 * amount / whole).quantize(Decimal('0.1')), language)}\u00a0%)"

    return {
        "title": title_of(verdict, language),
        "headings": [(name, name.replace("_", " ")) for name in columns],
        "heading": chosen,
        "ranking": ranking([(label, Fraction(cell), {}) for label, cell in cells], shown),
    }
