"""Words, numbers and dates in the reader's language. A key without a word gives itself back: a message never fails.

Catalogues are the modules of ``locale``; ``{name}`` in a text stands for a detail, already in the reader's form.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from tulosvahti.core.text import LANGUAGES
from tulosvahti.core.verdict import Word
from tulosvahti.emit.locale import en, fi, sv
from tulosvahti.emit.told import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.measure import Reason, Subject
    from tulosvahti.core.rule import Agreement, Rule
    from tulosvahti.core.verdict import Verdict

CATALOGUES: Mapping[str, Mapping[str, str]] = {"fi": fi.WORDS, "sv": sv.WORDS, "en": en.WORDS}
SIGNS: Mapping[Word, str] = {
    Word.MET: "✓",
    Word.MISSED: "✗",
    Word.ON_TRACK: "→",
    Word.AT_RISK: "▲",
    Word.UNKNOWN: "?",
    Word.NOT_DUE: "…",
    Word.MONITORED: "○",
}
"""A sign for each verdict, so that colour is never needed."""
MOST_NAMED = 5
"""Inputs that a sentence names; the others are counted."""
_GROUP_AND_POINT = {"fi": ("\u00a0", ","), "sv": ("\u00a0", ","), "en": (",", ".")}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")
"""As Babel has them for fi_FI, sv_FI and en_GB; a test holds all this to it. Reading its locales took a twentieth of a small run."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_CHANGED_CELL = re.compile(r"(?<=\) )(-?\d+(?:\.\d+)?) → (-?\d+(?:\.\d+)?)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COMPARATORS = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "="}
_TARGET = re.compile(r"(>=|<=|>|<|=)|(\.\.)|(previous)|(\d{4}-\d{2}-\d{2})|(-?\d+(?:\.\d+)?)|(\*)")


def known(language: str) -> str:
    """Give the language itself where it has a catalogue, else English."""
    return language if language in LANGUAGES else "en"


def has_word(key: str, language: str) -> bool:
    """Tell whether the catalogue of a language has the key."""
    return key in CATALOGUES[known(language)]


class _Details(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def word(key: str, language: str, **details: object) -> str:
    """Give a text of the catalogue with its details; the key itself where there is no such text."""
    text = CATALOGUES[known(language)].get(key)
    if text is None:
        return key
    return text.format_map(_Details({name: str(value) for name, value in details.items()})) if "{" in text else text


def listed(texts: Sequence[str], language: str, *, last: str = "and", most: int = 0) -> str:
    """Join texts as a sentence does; beyond ``most`` the others are counted. ``last``: ``and`` or ``or``."""
    if most and len(texts) > most:
        rest = len(texts) - most
        others = word("audit.others.one", language) if rest == 1 else word("audit.others", language, count=rest)
        texts = [*texts[:most], others]
    if len(texts) < 2:
        return "".join(texts)
    return word(f"audit.{last}", language, list=", ".join(texts[:-1]), last=texts[-1])


def verdict_word(verdict: Word, language: str) -> str:
    """Name a verdict."""
    return word(f"verdict.{verdict}", language)


def reason_text(reason: Reason | None, language: str) -> str:
    """Give the sentence of a reason; its code where no sentence is known, nothing where there is no reason."""
    if reason is None:
        return ""
    details = {name: _detail(name, value, language) for name, value in reason.details}
    key = f"reason.{reason.code}"
    # A sentence has a short form for when a detail is empty.
    if any(not value for value in details.values()) and has_word(f"{key}.short", language):
        key = f"{key}.short"
    if "field" in details and has_word(f"{key}.field", language):
        key = f"{key}.field"
    if not has_word(key, language):
        return reason.code
    return word(key, language, **{name: value or "–" for name, value in details.items()})


def _detail(name: str, value: str, language: str) -> str:
    if name == "warn":
        return target_text(value, language)
    if name == "bounds":
        return bounds_text(value, language)
    if name == "cell":
        return changed_cells(value, language)
    if name in {"detail", "explanation"}:
        return told(value, language)
    if name in {"input", "missing", "figure", "first", "words"}:
        return value
    return figure(value, language)


def changed_cells(text: str, language: str) -> str:
    """Put the numbers of ``C2 (row / column) 100 → 200`` in the reader's form."""
    return _CHANGED_CELL.sub(lambda found: f"{figure(found[1], language)} → {figure(found[2], language)}", text)


def figure(text: str, language: str) -> str:
    """Give a number or an ISO date, written as text, in the reader's form; anything else as it is."""
    if _DAY.fullmatch(text):
        try:
            return day(date.fromisoformat(text), language)
        except ValueError:
            return text
    return number(Decimal(text), language) if _NUMBER.fullmatch(text) else text


def number(value: Decimal, language: str) -> str:
    """Write a decimal with all its own decimals in the reader's form."""
    # As Babel's "#,##0.###", a tenth of its time: a page has thousands of numbers.
    return f"{value:,f}".translate(_marks(known(language)))


@lru_cache(maxsize=8)
def _marks(language: str) -> dict[int, str]:
    """Give what stands in a language for Python's marks in a number."""
    group, point = _GROUP_AND_POINT[language]
    return {ord(","): group, ord("."): point, ord("-"): "\u2212"}


def day(value: date, language: str) -> str:
    """Write a date in the reader's form."""
    if known(language) == "en":
        return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    return f"{value.day}.{value.month}.{value.year}"


def quantity(value: Decimal | None, unit: str, language: str) -> str:
    """Write a value with its unit; a dash where there is none."""
    if value is None:
        return "–"
    name = unit_word(unit, language)
    return f"{number(value, language)}\u00a0{name}" if name else number(value, language)


def observed_text(verdict: Verdict, language: str) -> str:
    """Write what was observed: the value, the day it was done, or how many sums hold."""
    done, relations, broken = (verdict.evidence.get(name) for name in ("done_on", "relations", "broken"))
    if verdict.observed is None and isinstance(done, str):
        return figure(done, language)
    if verdict.observed is None and isinstance(relations, int) and isinstance(broken, list):
        return f"{relations - len(broken)}/{relations}"
    if verdict.observed is None and (said := in_place_of_number(verdict.evidence, verdict.reason.code if verdict.reason else None, verdict.rule.unit, language)):
        return said
    return quantity(verdict.observed, verdict.rule.unit, language)


def in_place_of_number(evidence: Mapping[str, object], reason: str | None, unit: str, language: str) -> str:
    """Write what is known where there is no number: its limits, or a verdict in words; nothing where there is neither."""
    if isinstance(words := evidence.get("stated"), str):
        said = word("stated.words", language, words=words)
        return f"{word('stated.partly_met', language)}: {said}" if reason == "stated_partly_met" else said
    limits = evidence.get("censored")
    said = bounds_text(limits, language) if isinstance(limits, str) else ""
    name = unit_word(unit, language)
    return f"{said}\u00a0{name}" if said and name else said


def bounds_text(text: str, language: str) -> str:
    """Write the limits of a value: ``>= 45, < 90`` becomes "at least 45, under 90", and ``>= 1, <= 3`` "1–3"."""
    ends = [end.partition(" ")[::2] for end in text.split(", ") if end]
    if [sign for sign, _ in ends] == [">=", "<="]:
        return "–".join(figure(end, language) for _, end in ends)
    return ", ".join(f"{word(f'bound.{sign}', language)} {figure(end, language)}" for sign, end in ends)


def unit_word(unit: str, language: str) -> str:
    """Name a unit; a unit that the project invented is its own name."""
    key = f"unit.{unit}"
    return word(key, language) if has_word(key, language) else unit


def target_text(text: str | None, language: str) -> str:
    """Write a target in the reader's form: ``>= 92.5`` becomes ``≥ 92,5``."""
    if not text:
        return "–"

    def put(found: re.Match[str]) -> str:
        if found[1]:
            return _COMPARATORS[found[1]]
        if found[2]:
            return "–"
        if found[3]:
            return word("target.previous", language)
        return "×" if found[6] else figure(found[4] or found[5], language)

    return _TARGET.sub(put, text).replace("≥ ", "≥\u00a0").replace("≤ ", "≤\u00a0")


def owner_name(rule: Rule, agreements: Mapping[str, Agreement], language: str) -> str:
    """Name the owner of a rule as its agreement does."""
    agreement = agreements.get(rule.cite.agreement)
    name = dict(agreement.parties).get(rule.owner) if agreement else None
    return name.in_language(language) if name else rule.owner


def subject_text(subject: Subject) -> str:
    """Name a subject by its values."""
    return ", ".join(value for _, value in subject)


def clean(text: str) -> str:
    """Drop control characters, so that data cannot steer a terminal or a header; line breaks become spaces."""
    if text.isprintable():
        return text
    spaced = re.sub(r"\s+", " ", text) if re.search(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]", text) else text
    return "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs"} or c == "\u00ad")


def printable(value: object) -> object:
    """Drop the control characters of a text, but keep its lines; for templates' ``finalize``."""
    return _CONTROL.sub("", value) if type(value) is str else value
