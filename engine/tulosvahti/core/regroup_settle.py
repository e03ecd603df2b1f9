"""A table's rows settled: how many cells a row has, and which words make each, or that this cannot be decided.

Convention: what spacing says comes first, then relations. A number of cells is taken only if relations speak for it and
for no other, or if the layout leaves no other; every row that is not settled keeps all its readings.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_find import Block
from tulosvahti.core.regroup_graph import FREE, Budget, ExhaustedError, Graph, Reading, Rule, graph_of, solutions
from tulosvahti.core.regroup_rows import direct_relations, discovered_relations
from tulosvahti.core.regroup_width import Hypothesis, try_width
from tulosvahti.core.regroup_words import continues, figure, is_year, marks_thousands, only_continues

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.regroup_words import Gap, Row

MOST_WIDTH = 40
MOST_READINGS = 60
"""Readings of an open row that are shown."""
FEASIBLE = 0.75
"""Of the rows, how many must be able to make a number of cells."""
_LIST = 10**6


@dataclass(frozen=True)
class Settled:
    """A table's rows: the reading of each, None where it is open, and then all the readings that are left.

    ``why``: ``forced``, ``spacing`` or ``relations``, or empty where no width was found; ``searched`` False: the steps
    ran out; ``more``: open rows that have more readings than are given.
    """

    width: int
    readings: tuple[Reading | None, ...]
    left: tuple[tuple[Reading, ...], ...]
    why: str
    hypothesis: Hypothesis | None = None
    searched: bool = True
    more: frozenset[int] = frozenset()

    @property
    def open_rows(self) -> int:
        """Count the rows that are not settled."""
        return sum(r is None for r in self.readings)


def settle(rows: Sequence[Row], steps: int, header_width: int = 0) -> Settled:
    """Part the words of a table's rows into cells; ``header_width``: how many columns a header shows, or 0."""
    places = decimals_of(rows)
    rules = _rules(rows)
    marked = _by_spacing(rows, rules, places) if "legal" in rules.values() or "join" in rules.values() else None
    if marked is not None:
        return marked
    free: Mapping[Gap, Rule] = {g: "break" if r == "break" and g != "plain" else "either" for g, r in rules.items()}
    if set(rules.values()) == {"break"}:
        free = rules
    graphs = tuple(graph_of(row, free, places) for row in rows)
    widths = Counter(g.widths[0] for g in graphs if g.fixed)
    if len(widths) == 1 and sum(widths.values()) == len(rows):
        return _plain(graphs, next(iter(widths)), "forced")
    block = Block(tuple(rows), graphs, places, _unit(rows))
    try:
        return _choose(block, _forced_width(widths, len(rows)), header_width, Budget(steps))
    except ExhaustedError:
        return _plain(graphs, _forced_width(widths, len(rows)), "", searched=False)


def decimals_of(rows: Sequence[Row]) -> int:
    """Give the most decimals that any number of the rows has."""
    return max((f.decimals for r in rows for w in r.words if (f := figure(w.text))), default=0)


def _unit(rows: Sequence[Row]) -> int:
    """Give what all figures are multiples of, as far as the words that end one tell: 5 where all are rounded to 5."""
    unit = 0
    for row in rows:
        for word, following in zip(row.words, (*row.words[1:], None), strict=True):
            if following is None or not continues(following.text):
                digits = "".join(c for c in word.text if c.isdecimal())
                unit = math.gcd(unit, int(digits or 0))
    return unit or 1


def _rules(rows: Sequence[Row]) -> Mapping[Gap, Rule]:
    """Find out what the table's spaces mean, from all its rows together."""
    gaps = Counter(w.gap for r in rows for w in r.words[1:])
    words = [w.text for r in rows for w in r.words]
    if _compact(rows) and not any(map(only_continues, words)):
        # Numbers mark their thousands themselves, or not at all: no space does.
        return {"none": "break", "plain": "break", "narrow": "break", "wide": "break"}
    several = [r for r in rows if len(r.words) > 1]
    wide = sum(any(w.gap == "wide" for w in r.words[1:]) for r in several)
    if gaps["narrow"] and (gaps["plain"] or gaps["wide"]):
        return {"none": "join", "plain": "break", "narrow": "join", "wide": "break"}
    if gaps["wide"] and wide * 2 >= len(several):
        return {"none": "legal", "plain": "legal", "narrow": "legal", "wide": "break"}
    return FREE


def _compact(rows: Sequence[Row]) -> bool:
    """Tell whether numbers are printed with thousands marked inside, or not at all: ``14,060,741``, ``14060741``.

    A first number without marks may be a code. ``1,234`` alone may be a decimal fraction: it must be usual.
    """
    later = [w.text for r in rows for w in r.words[1:]]
    words = [w.text for r in rows for w in r.words]
    long = sum(len(w) > 3 and w.isdecimal() and not is_year(w) for w in later)
    marked = [w for w in words if marks_thousands(w)]
    plainly = sum(sum(w.count(c) for c in ".,") != 1 for w in marked)
    fractions = any((f := figure(w)) is not None and f.decimals for w in words)
    usual = len(marked) > 0.4 * len(words) and not fractions
    return long >= 2 or plainly >= 2 or (usual and len(marked) >= 2)


def _by_spacing(rows: Sequence[Row], rules: Mapping[Gap, Rule], places: int) -> Settled | None:
    """Read the rows by their spaces alone; None if that does not give most of them the same number of cells."""
    graphs = tuple(graph_of(row, rules, places) for row in rows)
    widths = Counter(g.widths[0] for g in graphs if g.fixed)
    if not widths:
        return None
    width, count = widths.most_common(1)[0]
    return _plain(graphs, width, "spacing") if count >= 0.7 * len(rows) else None


def _plain(
    graphs: Sequence[Graph], width: int, why: str, *, searched: bool = True, block: Block | None = None
) -> Settled:
    """Settle what has one reading only, of that width; everything else is open."""
    readings: list[Reading | None] = []
    left: list[tuple[Reading, ...]] = []
    more = set()
    usual = Counter(w for g in graphs for w in g.widths).most_common(1)[0][0]
    for r, graph in enumerate(graphs):
        settled = bool(width) and graph.fixed and graph.widths[0] == width
        readings.append(solutions(graph, width, (), Budget(_LIST))[0] if settled else None)
        found, cut = ((), False) if settled else _all_readings(graph, graph.widths)
        left.append((*found, *_torn_readings(block, r, usual)) if block and not graph.count(usual) else found)
        if cut:
            more.add(r)
    return Settled(width, tuple(readings), tuple(left), why if width else "", None, searched, frozenset(more))


def _all_readings(graph: Graph, widths: Sequence[int]) -> tuple[tuple[Reading, ...], bool]:
    """List readings up to the most that are shown; tell whether there are more."""
    result: list[Reading] = []
    for width in widths:
        ways = graph.count(width)
        if len(result) + ways > MOST_READINGS:
            return tuple(result), True
        if ways:
            result.extend(solutions(graph, width, (), Budget(_LIST)))
    return tuple(result), False


def _torn_readings(block: Block, r: int, width: int) -> list[Reading]:
    """Give the readings of a row that has none of that width otherwise: digits torn apart are one number."""
    graph = graph_of(block.rows[r], FREE, block.places, loose=True)
    return solutions(graph, width, (), Budget(_LIST)) if 0 < graph.count(width) <= MOST_READINGS else []


def _forced_width(widths: Counter[int], count: int) -> int:
    """Give the width that most rows leave no choice about, or 0."""
    if not widths:
        return 0
    width, votes = widths.most_common(1)[0]
    return width if votes >= 2 and 2 * votes >= count and votes > 0.6 * sum(widths.values()) else 0


def _choose(block: Block, forced: int, header_width: int, budget: Budget) -> Settled:
    widths = [forced] if forced else _possible(block.graphs)
    found = _hypotheses(block, widths, budget, 0, given=bool(forced))
    if not any(h.evident and h.complete for h in found):
        found += _hypotheses(block, widths, budget, block.unit, given=bool(forced))
    evident = sorted((h for h in found if h.evident), key=lambda h: h.score, reverse=True)
    if evident:
        best = evident[0]
        rivals = [h for h in evident[1:] if h.width != best.width and _rivals(best, h)]
        return _finish(block, best, rivals, "relations")
    if forced:
        return _finish(block, found[0], [], "forced")
    fixed = [g.widths[0] for g in block.graphs if g.fixed]
    if header_width in widths and fixed and set(fixed) == {header_width}:
        return _finish(block, try_width(block, header_width, [], budget, given=True), [], "forced")
    return _plain(block.graphs, 0, "", block=block)


def _possible(graphs: Sequence[Graph]) -> list[int]:
    counts = Counter(w for g in graphs for w in g.widths)
    least = max(2, FEASIBLE * len(graphs))
    return sorted(w for w, n in counts.items() if n >= least and w <= MOST_WIDTH)


def _hypotheses(
    block: Block, widths: Sequence[int], budget: Budget, unit: int, *, given: bool
) -> list[Hypothesis]:
    """Try the widths: those with a row relation in as many rows as any, or all of them where no row has one."""
    relations = {w: direct_relations(block.graphs, w, budget, unit) for w in widths}
    if not any(relations.values()):
        relations = {w: discovered_relations(block.graphs, w, budget, unit) for w in widths}
    most = max((f.weight for found in relations.values() for f in found), default=0.0)
    # A width that explains two rows less than another is out, whatever its columns say.
    near = [w for w in widths if most < 2 or any(f.weight > most - 2 for f in relations[w])]
    return [try_width(block, w, relations[w], budget, unit=unit, given=given) for w in near]


def _rivals(best: Hypothesis, other: Hypothesis) -> bool:
    """Tell whether another width explains as much: it fails where the best one holds in fewer than two places."""
    if best.rows_shown - other.rows_shown >= 2:
        return False
    return not (best.cells_held >= 2 and (not other.held or other.cells_broken - best.cells_broken >= 2))


def _finish(block: Block, best: Hypothesis, rivals: Sequence[Hypothesis], why: str) -> Settled:
    """Take the best one's rows where no other explains as much; else every row keeps what any of them leaves of it."""
    doubt = bool(rivals or best.others)
    readings: list[Reading | None] = []
    left: list[tuple[Reading, ...]] = []
    more: set[int] = set()
    for r, graph in enumerate(block.graphs):
        reading = None if doubt else best.readings[r]
        readings.append(reading)
        shown: dict[Reading, None] = {}
        for h in () if reading else (best, *rivals):
            first = h.readings[r]
            known = (first,) if first is not None else h.left[r]
            if not known:
                known, cut = _all_readings(graph, (h.width,))
                if cut:
                    more.add(r)
            shown.update(dict.fromkeys((*known, *(o for rows in h.others if (o := rows[r]) is not None))))
        if reading is None and not shown:
            found, cut = _all_readings(graph, graph.widths)
            shown.update(dict.fromkeys((*found, *_torn_readings(block, r, best.width))))
            if cut:
                more.add(r)
        left.append(tuple(shown)[:MOST_READINGS])
    return Settled(best.width, tuple(readings), tuple(left), why, best, more=frozenset(more))
