"""What the values of a column are: the first form that reads all of them, unless another reads them otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from tulosvahti.core.comparators import sign_of
from tulosvahti.core.contract import DATED, FieldType
from tulosvahti.core.period_codes import PRELIMINARY, period_of_code
from tulosvahti.core.quantity import NumberTextError, read_number
from tulosvahti.core.worded import stated_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.sheet import Cell

MISSING = frozenset({"", "-", "–", ".", "..", "...", "n/a", "N/A", "NA", "#N/A", "null", "NULL", "ei tietoa", "uppgift saknas"})
_TRUTHS = (("kyllä", "ei"), ("Kyllä", "Ei"), ("KYLLÄ", "EI"), ("ja", "nej"), ("Ja", "Nej"), ("yes", "no"), ("Yes", "No"),
           ("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("K", "E"))  # fmt: skip
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d")
_NUMBERS = ((",", " "), (".", ""), (",", "."), (".", ","), (".", "'"))
_WRONG = Decimal("0.05")
_YEARS = range(1900, 2101)


_STATED = {
    "met": ("toteutui", "toteutunut", "uppnåddes", "uppnått", "met", "achieved"),
    "partly_met": ("toteutui osittain", "toteutunut osittain", "osittain toteutunut", "delvis uppnått", "partly met", "partly achieved"),
    "missed": ("ei toteutunut", "uppnåddes inte", "inte uppnått", "ej uppnått", "not met", "not achieved"),
}
"""Words that stand in place of numbers as a verdict, as agencies print them."""
Option: TypeAlias = "str | list[str] | bool | dict[str, list[str]]"


@dataclass(frozen=True)
class Form:
    """The type of a field and how it is written; ``pattern``: of codes that all look the same."""

    type: str = "string"
    options: tuple[tuple[str, Option], ...] = ()
    pattern: str = ""
    comments: tuple[str, ...] = ()


def form_of(cells: Sequence[Cell]) -> Form:
    """Give the form of a column from its cells, those with nothing in them left out."""
    if not cells:
        return Form(comments=("no value at all: the type is not known",))
    texts = [cell.text.strip() for cell in cells]
    kinds = {cell.kind for cell in cells}
    if kinds == {"date"}:
        days = [(cell.day or cell.text).replace("T", " ").removesuffix(" 00:00:00") for cell in cells]
        return _dated(days) or Form(comments=("dates with a time of day: as text until the contract says how",))
    if kinds == {"truth"}:
        return Form("boolean")
    if kinds == {"number"}:
        return _typed(cells, texts)
    if "error" in kinds or any(not cell.calculated for cell in cells):
        return Form(comments=("cells with errors or formulas that are not calculated: mend the workbook",))
    plain = [text[1:] if text[:1] == "'" else text for text in texts]
    return _truth(texts) or _dated(texts) or _numbers(plain) or _worded(plain) or _mostly(texts) or _code(texts)


def _worded(texts: Sequence[str]) -> Form | None:
    """Read numbers, in place of which limits stand, or words that state a verdict."""
    meanings = [(said, words) for said, known in _STATED.items() for words in known]
    stated = {text: said.partition(": ")[0] for text in texts if (said := stated_of(text, meanings))}
    bare = [sign_of(text) for text in texts if text not in stated]
    limits = [sign for sign, _ in bare if sign in {"<", "<=", ">", ">="}]
    form = _numbers([rest for _, rest in bare]) if stated or limits else None
    if form is None or form.type == "string":
        return None
    by_meaning = {meaning: list(dict.fromkeys(text for text in texts if stated.get(text) == meaning)) for meaning in _STATED}
    options: list[tuple[str, Option]] = [("censored", True)] if limits else []
    options += [("stated", {meaning: words for meaning, words in by_meaning.items() if words})] if stated else []
    told = f"{len(limits)} limits and {len(texts) - len(bare)} verdicts in words stand in place of numbers: is that what they mean?"
    return replace(form, options=(*form.options, *options), comments=(*form.comments, told))


def _mostly(texts: Sequence[str]) -> Form | None:
    """Read a long column in which a few values are wrong: they are what a contract is for, and are named."""
    for read, fits in ((_dated, _is_day), (_numbers, _is_number)):
        fit = {text: fits(text) for text in set(texts)}
        wrong = [text for text in texts if not fit[text]]
        form = read([text for text in texts if fit[text]]) if 0 < len(wrong) <= len(texts) * _WRONG else None
        if form is not None:
            told = f"{len(wrong)} of {len(texts)} values do not fit, such as {wrong[0][:40]!r}: they will be rejects"
            return replace(form, comments=(*form.comments, told))
    return None


def _is_day(text: str) -> bool:
    return any(_day(text, form) is not None for form in _DATES)


def _is_number(text: str) -> bool:
    return not re.fullmatch(r"0\d+", text) and any(_numbers_read([text], form) is not None for form in _NUMBERS)


def _numbers_read(texts: Sequence[str], form: tuple[str, str]) -> list[Decimal] | None:
    try:
        return [read_number(text.removesuffix("%").rstrip(), decimal_char=form[0], group_char=form[1]) for text in texts]
    except NumberTextError:
        return None


def _typed(cells: Sequence[Cell], texts: Sequence[str]) -> Form:
    """Read numbers of a workbook: codes that are filled with zeros stay texts."""
    if any(re.fullmatch(r"0\d+", text) for text in texts):
        return _code(texts)
    values = [cell.value for cell in cells if cell.value is not None]
    percent = ["%" in cell.format for cell in cells]
    if any(percent):
        mixed = () if all(percent) else ("some cells are percents and some plain numbers: which is right?",)
        return Form("number", comments=("percent cells: 57 % is read as 57", *mixed))
    whole = all(value == value.to_integral_value() for value in values)
    if whole and all(int(value) in _YEARS for value in values):
        return Form("year")
    return Form("integer" if whole else "number")


def _truth(texts: Sequence[str]) -> Form | None:
    found = set(texts)
    for true, false in _TRUTHS:
        if found == {true, false}:
            return Form("boolean", (("trueValues", [true]), ("falseValues", [false])))
    return None


def _dated(texts: Sequence[str]) -> Form | None:
    distinct = set(texts)
    if all(re.fullmatch(r"\d{4}", text) and int(text) in _YEARS for text in distinct):
        return Form("year")
    if all(re.fullmatch(r"\d{4}-(?:0[1-9]|1[0-2])", text) for text in distinct):
        return Form("yearmonth")
    if coded := _coded(distinct):
        return coded
    fitting: dict[str, dict[str, date]] = {}
    for form in _DATES:
        days = {text: _day(text, form) for text in distinct}
        known = {text: day for text, day in days.items() if day is not None}
        if len(known) == len(distinct):
            fitting[form] = known
    if not fitting:
        return None
    form, first = next(iter(fitting.items()))
    others = [other for other, days in fitting.items() if days != first]
    if others:
        return Form(comments=(f"a date as {form} or as {', '.join(others)}: set type: date and the right format",))
    return Form("date", () if form == "%Y-%m-%d" else (("format", form),))


def _coded(texts: set[str]) -> Form | None:
    """Know periods as statistics code them, all of one kind: ``2024Q1``."""
    found = [period_of_code(text) for text in texts if not text.endswith(PRELIMINARY)]
    periods = [period for period in found if period is not None and period.start.year in _YEARS]
    if len(periods) != len(texts):
        return None
    kinds = {kind for kind, grain in DATED.items() for period in periods if period.grain is grain}
    return Form(str(kinds.pop())) if len(kinds) == 1 and FieldType.DATE not in kinds else None


def _day(text: str, form: str) -> date | None:
    if ("%Y" in form and not re.search(r"\d{4}", text)) or (form == "%Y%m%d" and not re.fullmatch(r"\d{8}", text)):
        return None
    try:
        day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def _numbers(texts: Sequence[str]) -> Form | None:
    if any(re.fullmatch(r"0\d+", text) for text in texts):
        return None
    percent = any(text.endswith("%") for text in texts)
    bare = [text.removesuffix("%").rstrip() for text in texts]
    fitting: dict[tuple[str, str], list[Decimal]] = {}
    for form in _NUMBERS:
        read = _numbers_read(bare, form)
        if read is not None:
            fitting[form] = read
    if not fitting:
        return None
    (decimal_char, group_char), values = next(iter(fitting.items()))
    other = next((form for form, found in fitting.items() if found != values), None)
    if other is not None:
        one, two = _told(decimal_char, group_char), _told(*other)
        return Form(comments=(f"numbers with {one}, or with {two}: set type: number, decimalChar and groupChar",))
    grouped = any(re.search(r"\d[ \u00a0\u2009\u202f.,'’]\d{3}(?!\d)", text) for text in bare) and group_char
    marked = any(decimal_char in text for text in bare)
    options: list[tuple[str, Option]] = []
    if decimal_char != "." and (marked or grouped):
        options.append(("decimalChar", decimal_char))
    if grouped and any(group_char in re.sub(r"\s", " ", text) for text in bare):
        options.append(("groupChar", group_char))
    if percent:
        options.append(("bareNumber", False))
    whole = not percent and not marked
    return Form("integer" if whole else "number", tuple(options))


def _told(decimal_char: str, group_char: str) -> str:
    return f"decimal mark {decimal_char!r}" + (f" and thousands {group_char!r}" if group_char else "")


def _code(texts: Sequence[str]) -> Form:
    """Find the pattern of codes: letters as they are where they are the same, digits as digits."""
    shapes = {re.sub(r"[0-9]", "0", text) for text in texts}
    if len(shapes) == 1 and (shape := shapes.pop()) and "0" in shape and len(shape) <= 40 and " " not in shape:  # noqa: PLR2004
        runs = re.findall(r"0+|[^0]+", shape)
        pattern = "".join(f"[0-9]{{{len(run)}}}" if run[0] == "0" else re.escape(run) for run in runs)
        return Form(pattern=pattern.replace("\\-", "-"))
    return Form()
