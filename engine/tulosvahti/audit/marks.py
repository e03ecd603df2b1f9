"""Decimal marks that were lost or changed in printing or extraction: ``2816`` and ``17 3`` among figures of one decimal.

A figure is read anew only where a sum confirms it: with the mark restored the sum holds, without it it does not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

from tulosvahti.audit.relations import Related, related
from tulosvahti.core.audited import AuditFinding
from tulosvahti.core.printed import readings
from tulosvahti.core.quantity import APOSTROPHES, MINUS, SPACES
from tulosvahti.core.table import Number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tulosvahti.audit.relations import Stated
    from tulosvahti.core.audited import AuditedRelation, Position
    from tulosvahti.core.table import Table

LEAST_SHARE = 0.6
"""So many of a column's figures have the same number of decimals where one without them has lost its mark."""
LEAST_FIGURES = 4
MOST_DOUBTS = 10
"""In a line with more doubtful figures only all of them together are read anew."""
_LOOKS = str.maketrans({"O": "0", "o": "0", "Q": "0", "D": "0", "l": "1", "I": "1", "|": "1", "S": "5", "B": "8", "Z": "2"})
"""Letters that are taken for digits in scanned figures, and the digit that each stands for."""
_SPLIT = re.compile(rf"[.,{APOSTROPHES}{SPACES}]+")


@dataclass(frozen=True)
class Marked:
    """A table read with its lost marks restored, what is related in it, and where they were: the figures as printed."""

    table: Table
    found: Related
    restored: Mapping[Position, Number | None] = field(default_factory=dict)


def restored(table: Table) -> Marked:
    """Read figures without their decimal mark anew where that makes a sum hold that otherwise does not."""
    doubtful = _doubtful(table)
    if not doubtful:
        return Marked(table, related(table))
    whole = replace(table, numbers={**table.numbers, **doubtful})
    found = related(whole)
    sure = _confirmed(table, found.relations, doubtful)
    if len(sure) < len(doubtful):
        whole = replace(table, numbers={**table.numbers, **{place: doubtful[place] for place in sure}})
        found = related(whole)
    return Marked(whole, found, {place: table.numbers.get(place) for place in sure})


def _doubtful(table: Table) -> dict[Position, Number]:
    """Give the figures that may have lost their mark, as they would be with it."""
    by_column: dict[int, list[int]] = defaultdict(list)
    texts: dict[Position, str] = {}
    for r in range(table.body, table.height):
        for c in range(table.width):
            cell = table.sheet.at(r, c)
            if cell.kind == "text" and cell.value is None and cell.text.strip():
                texts[r, c] = cell.text.strip()
                if (r, c) in table.numbers:
                    by_column[c].append(_decimals(table.numbers[r, c]))
    every = _usual([d for column in by_column.values() for d in column])
    usual = {c: _usual(column) or every for c, column in by_column.items()}
    result = {}
    for (r, c), text in texts.items():
        places = usual.get(c, 0)
        here = table.numbers.get((r, c))
        if not places or (here is not None and (_decimals(here) or here.percent)):
            continue
        value = with_mark(text, places)
        if value is not None and (here is None or value != here.value):
            result[r, c] = Number(value, Decimal(1).scaleb(-places))
    return result


def _decimals(number: Number) -> int:
    return max(0, -int(number.value.as_tuple().exponent))


def _usual(decimals: Sequence[int]) -> int:
    """Give the number of decimals that figures share; 0 where they do not, or where zeros at the end are not printed."""
    counts = Counter(decimals)
    if not counts or sum(counts.values()) < LEAST_FIGURES:
        return 0
    places, times = counts.most_common(1)[0]
    return places if times >= LEAST_SHARE * len(decimals) and not any(0 < d < places for d in counts) else 0


def with_mark(text: str, places: int) -> Decimal | None:
    """Read a text as a figure of so many decimals whose mark is lost, doubled or a blank; None where it cannot be one."""
    for mark in MINUS:
        text = text.replace(mark, "-")
    negative = text.startswith(("-", "(")) or text.endswith("-")
    body = text.strip("()-" + SPACES)
    if any(c.isalpha() for c in body):
        body = body.translate(_LOOKS)
        found = readings(body)
        if found and -int(found[0].value.as_tuple().exponent) == places:
            return -found[0].value if negative else found[0].value
    *groups, last = _SPLIT.split(body)
    if not all(part.isdecimal() and part.isascii() for part in (*groups, last)):
        return None
    if groups and (len(last) != places or any(len(part) != 3 for part in groups[1:])):
        return None
    digits = "".join((*groups, last))
    if len(digits) <= places or (not groups and len(digits) > places + 1 and digits.startswith("0")):
        return None
    value = Decimal(digits).scaleb(-places)
    return -value if negative and value else value


def _confirmed(table: Table, relations: Sequence[Stated], doubtful: Mapping[Position, Number]) -> set[Position]:
    """Give the figures that some sum needs read anew and none needs as printed."""
    anew: set[Position] = set()
    printed: set[Position] = set()
    for one in relations:
        members = ((one.total, -1), *zip(one.items, one.weights, strict=True))
        open_ = [(place, weight) for place, weight in members if place in doubtful]
        if one.function not in {"sum", "difference"} or not open_:
            continue
        known = [(n, w) for place, w in members if place not in doubtful and (n := table.numbers.get(place)) is not None]
        rest = sum((n.value * w for n, w in known), Decimal(0))
        slack = sum((n.unit for n, _ in known), Decimal(0)) / 2
        choices = [[doubtful[place], *([table.numbers[place]] if place in table.numbers else [])] for place, _ in open_]
        if len(open_) > MOST_DOUBTS:
            choices = [choice[:1] for choice in choices]
        fits = [
            chosen
            for chosen in product(*choices)
            if abs(rest + sum(n.value * w for n, (_, w) in zip(chosen, open_, strict=True)))
            <= slack + sum((n.unit for n in chosen), Decimal(0)) / 2
        ]
        # Where several readings hold, a sum decides nothing of the figures in which they differ.
        for k, (place, _) in enumerate(open_):
            if fits and all(chosen[k] is doubtful[place] for chosen in fits):
                anew.add(place)
            elif fits and not any(chosen[k] is doubtful[place] for chosen in fits):
                printed.add(place)
    return anew - printed


def mark_findings(marked: Marked, relations: Sequence[AuditedRelation]) -> Iterator[AuditFinding]:
    """Give the figures read anew, and those whose mark differs from the table's, with the sums that confirm them."""
    confirming: dict[Position, list[str]] = defaultdict(list)
    for relation in relations:
        if relation.state == "holds" and relation.function in {"sum", "difference"}:
            for place in (relation.total, *relation.items):
                confirming[place].append(relation.id)
    numbers = marked.table.numbers
    for place, printed in marked.restored.items():
        names = tuple(confirming[place])
        stated = printed.value if printed else None
        yield AuditFinding((place,), (stated,), (numbers[place].value,), "decimal_mark", names)
    for place, stated in _other_marks(marked.table).items():
        if confirming[place]:
            names = tuple(confirming[place])
            yield AuditFinding((place,), (stated,), (numbers[place].value,), "decimal_mark", names, explained=True)


def _other_marks(table: Table) -> dict[Position, Decimal]:
    """Give figures with another decimal mark than their column, and what they say if read with the column's."""
    result = {}
    for (r, c), number in table.numbers.items():
        mark = table.decimals.get(c)
        cell = table.sheet.at(r, c)
        found = readings(cell.text) if mark and cell.kind == "text" and cell.value is None else ()
        if len(found) == 1 and found[0].decimal and found[0].decimal != mark:
            value = number.value.scaleb(_decimals(number))
            result[r, c] = value
    return result


def as_printed(relations: Sequence[AuditedRelation], marked: Marked) -> list[AuditedRelation]:
    """Say of relations with figures read anew what they are as printed: broken, or not to be judged."""
    result = []
    for relation in relations:
        places = (relation.total, *relation.items)
        if relation.state != "holds" or not any(place in marked.restored for place in places):
            result.append(relation)
            continue
        values = [_printed_value(marked, place) for place in places]
        if any(value is None and place in marked.restored for value, place in zip(values, places, strict=True)):
            result.append(replace(relation, state="incomplete", stated=values[0], expected=None, difference=None, rounding=None))
            continue
        stated = values[0] or Decimal(0)
        expected = sum((w * (v or Decimal(0)) for w, v in zip(relation.weights, values[1:], strict=True)), Decimal(0))
        result.append(
            replace(relation, state="broken", stated=stated, expected=expected, difference=stated - expected, rounding="beyond")
        )
    return result


def _printed_value(marked: Marked, place: Position) -> Decimal | None:
    number = marked.restored[place] if place in marked.restored else marked.table.numbers.get(place)
    return number.value if number else None
