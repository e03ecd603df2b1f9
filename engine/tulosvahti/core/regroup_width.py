"""One number of cells tried on a table: what its rows' relations, then its columns' leave of every row.

Convention: a row is settled only where one reading is left and something independent of the choice says so: figures
that agree with more digits than there were ways to choose, or columns that hold with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_columns import Held, Scan, guesses, judge
from tulosvahti.core.regroup_doubt import alternatives
from tulosvahti.core.regroup_find import Finder, best_match
from tulosvahti.core.regroup_graph import Budget, Reading, solutions
from tulosvahti.core.regroup_joint import Options, narrow, of_graph, of_readings
from tulosvahti.core.regroup_rows import SURE, Filtered, grain_of, surprise_of
from tulosvahti.core.regroup_words import figure

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tulosvahti.core.regroup_columns import Footing
    from tulosvahti.core.regroup_find import Block

ROW_ALONE = 2.5
"""Digits of evidence with which a row's own sum settles it where no column confirms."""
ROW_USUAL = 1.0
"""The same where every cell is of the size and sign that its column has in the other rows."""
SIZES = 10
LEAST_SETTLED = 0.6
MOST_EXACT = 6
MOST_CHOICES = 40

Rows = list[Reading | None]


@dataclass(frozen=True)
class Hypothesis:
    """A table read with ``width`` cells a row.

    ``readings``: settled rows, None where a row is open; ``left``: what an open row can be as far as was found out,
    nothing where that is not known. ``relation``: the row relation, if there is one; ``held``: the footings.
    ``others``: ways to part all rows that the same relations allow.
    """

    width: int
    readings: tuple[Reading | None, ...]
    left: tuple[tuple[Reading, ...], ...]
    relation: Filtered | None
    held: tuple[Held, ...]
    others: tuple[tuple[Reading | None, ...], ...] = ()

    @property
    def rows_shown(self) -> float:
        """Count the rows that the row relations explain, in whole or in part."""
        return self.relation.weight if self.relation else 0.0

    @property
    def cells_held(self) -> int:
        """Count the columns that hold, over all footings."""
        return sum(len(h.columns) for h in self.held)

    @property
    def cells_broken(self) -> int:
        """Count the columns that do not."""
        return sum(len(h.broken) for h in self.held)

    @property
    def complete(self) -> bool:
        """Tell whether what speaks for this width fails nowhere, or but once as a wrong figure makes it fail."""
        if self.relation is None:
            return bool(self.held) and not self.cells_broken
        failed = self.relation.able - len(self.relation.shown)
        return failed <= max(1, len(self.readings) // 20) and self.cells_broken <= max(1, self.cells_held // 20)

    @property
    def score(self) -> tuple[float, int]:
        """Give what speaks for this width: more is better; of equals the one with fewer cells."""
        return self.rows_shown + self.cells_held - 2 * self.cells_broken, -self.width

    @property
    def evident(self) -> bool:
        """Tell whether anything but the layout speaks for this width."""
        return self.relation is not None or bool(self.held)


def try_width(
    block: Block, width: int, relations: Sequence[Filtered], budget: Budget, *, unit: int = 0, given: bool = False
) -> Hypothesis:
    """Read a table with that many cells a row and those row relations, the best first.

    ``given``: the layout says so, so that a row with one reading needs nothing else.

    Raises:
        ExhaustedError: the search takes more than the budget.

    """
    trial = _Trial(block, width, [g.count(width) for g in block.graphs], budget, unit)
    relation = relations[0] if relations else None
    held, rows = trial.columns(trial.first_readings(relation, relations[1:]), relation)
    held, rows, joint = trial.jointly(relation, held, rows)
    contested = trial.contested(held, rows, relation)
    sure = trial.evidence(relation, held, {r: row for r, row in enumerate(rows) if row and r not in contested}, joint)
    if given and relation is None:
        # One reading of the width that the layout gives is enough, if it is like the others.
        sure |= {r: ROW_USUAL for r, row in enumerate(rows) if row and r not in contested and r not in sure}
    if relation is not None and not relation.unit:
        added = {r for h in held for r, _ in h.footing.rows}
        near = {r: reading for r, reading in trial.nearly(relation, rows).items() if r not in added}
        if len(relation.shown) < MOST_EXACT or len(near) > 1:
            # One row that misses its sum by a little among many exact ones is wrong rather than rounded.
            sure |= dict.fromkeys(near, ROW_USUAL)
            rows = [near.get(r, row) for r, row in enumerate(rows)]
    settled = _settled(rows, sure)
    covered = relation is None or all(any(p[c] for p in relation.patterns) for c in range(width))
    if not covered and sum(s is not None for s in settled) < LEAST_SETTLED * len(rows):
        # Columns outside the relation, open in most rows: in the others they are no surer, but for other columns' sums.
        settled = [s if sure.get(r) == math.inf else None for r, s in enumerate(settled)]
    if relation is None and not given and any(trial.sums(h.broken, rows) for h in held):
        # Columns that do not all hold are no second witness for the number of columns.
        settled = [s if block.graphs[r].fixed else None for r, s in enumerate(settled)]
    left = []
    for r, row in enumerate(settled):
        found = rows[r]
        known = (*(relation.readings[r] if relation else ()), *contested.get(r, ()), *((found,) if found else ()))
        left.append(() if row else tuple(dict.fromkeys(known)))
    patterns = relation.patterns if relation else ()
    others = [] if given else alternatives(settled, block.graphs, held, patterns, unit)
    return Hypothesis(width, tuple(settled), tuple(left), relation, tuple(held), tuple(map(tuple, others)))


def _settled(rows: Rows, sure: dict[int, float]) -> Rows:
    """Settle the rows with evidence enough; less is enough for a row that is like the others."""
    grain = grain_of([row.values for row in rows if row])
    result: Rows = []
    for r, row in enumerate(rows):
        needed = ROW_ALONE
        if row and ROW_USUAL <= sure.get(r, -math.inf) < ROW_ALONE:
            others = [q.values for o in sure if o != r and (q := rows[o])]
            needed = ROW_USUAL if _like(row.values, others, grain) else ROW_ALONE
        result.append(row if sure.get(r, -math.inf) >= needed else None)
    return result


def _like(values: Sequence[int], others: Sequence[Sequence[int]], grain: int) -> bool:
    """Tell whether a row's cells are like those above and below: a wrong grouping hardly ever is."""
    if len(others) < 3 or any(v % grain for v in values):
        return False
    for c, value in enumerate(values):
        column = [abs(o[c]) for o in others if o[c]]
        if value and not (column and min(column) <= SIZES * abs(value) and abs(value) <= SIZES * max(column)):
            return False
        if value < 0 and all(o[c] >= 0 for o in others):
            return False
    return True


@dataclass(frozen=True)
class _Trial:
    """A table at one width: what its steps share. ``ways``: each row's readings at this width."""

    block: Block
    width: int
    ways: Sequence[int]
    budget: Budget
    unit: int

    def sums(self, columns: Collection[int], rows: Rows) -> list[int]:
        """Leave out the columns of percentages and fractions, which nobody adds up."""
        read = [(row, r.cuts) for row, r in zip(self.block.rows, rows, strict=True) if r is not None]

        def ratio(c: int) -> bool:
            texts = [row.cell(cuts[c], cuts[c + 1]) for row, cuts in read]
            return any("%" in t or ((f := figure(t)) is not None and f.decimals > 0) for t in texts)

        return [c for c in columns if not ratio(c)]

    def nearly(self, relation: Filtered, rows: Rows) -> dict[int, Reading]:
        """Read the rows that are still open so that an exact relation fails by no more than rounding."""
        result: dict[int, Reading] = {}
        for r, graph in enumerate(self.block.graphs):
            if self.ways[r] and rows[r] is None and not relation.readings[r]:
                found = solutions(graph, self.width, relation.patterns, self.budget, unit=1)
                digits = surprise_of(relation.patterns, found, self.ways[r], unit=1)
                if len(found) == 1 and digits >= ROW_ALONE:
                    result[r] = found[0]
        return result

    def first_readings(self, relation: Filtered | None, others: Sequence[Filtered]) -> Rows:
        """Give the rows of which one reading is left by their relation, or which have only one."""
        result: Rows = []
        for r, graph in enumerate(self.block.graphs):
            kept = relation.readings[r] if relation else ()
            if not kept and self.ways[r] == 1 and (relation is None or graph.fixed):
                # A row that can be read in one way only keeps that reading, whatever it adds up to.
                kept = tuple(solutions(graph, self.width, (), self.budget))
            if relation is None and self.block.rows[r].doubtful:
                # What stands before may be the beginning of the first cell.
                kept = ()
            against = any(r in o.shown and not set(o.readings[r]) & set(kept) for o in others)
            result.append(kept[0] if len(kept) == 1 and not against else None)
        return result

    def columns(self, first: Rows, relation: Filtered | None) -> tuple[list[Held], Rows]:
        """Find the footings in the direction that more columns speak for."""
        finder = Finder(self.block, self.width, relation, self.budget)
        best: tuple[list[Held], Rows] = ([], first)
        for upward in (False, True):
            scan = Scan(list(first), self.width, finder, self.budget, self.unit)
            found = scan.run(upward=upward)
            if sum(len(h.columns) for h in found[0]) > sum(len(h.columns) for h in best[0]):
                best = found
        return best

    def jointly(
        self, relation: Filtered | None, held: list[Held], rows: Rows
    ) -> tuple[list[Held], Rows, set[int]]:
        """Narrow the rows that are still open together, by the footings found or else by the likeliest ones."""
        open_rows = {r for r, reading in enumerate(rows) if reading is None and self.ways[r]}
        if not open_rows:
            return held, rows, set()
        sets = guesses(self.block.labels)
        if any(open_rows & {r for r, _ in h.footing.rows} for h in held):
            sets.insert(0, [h.footing for h in held])
        answers: list[tuple[list[Footing], list[Options | None]]] = []
        for footings in sets:
            members = {r for f in footings for r, _ in f.rows}
            if not members & open_rows:
                continue
            most = sum(sum(map(str.isdecimal, self.block.rows[f.total].text)) for f in footings)
            if most - self._choices(members, rows) < SURE:
                # However the sums came out, there would be too many ways to choose.
                continue
            options = [self._options(relation, rows, r) if r in members else None for r in range(len(rows))]
            narrowed = narrow(options, footings, self.width, self.budget, self.unit)
            if narrowed is not None and self._joint_surprise(narrowed, footings, rows, len(sets)) >= SURE:
                answers.append((footings, narrowed))
        result = list(rows)
        known: set[int] = set()
        for r in sorted(open_rows):
            alone = {o.only() for _, narrowed in answers if (o := narrowed[r]) is not None}
            if len(alone) == 1 and (reading := alone.pop()) is not None:
                result[r] = reading
                known.add(r)
        complete = [f for f in answers[0][0] if all(result[r] for r, _ in f.rows)] if answers else []
        known_footings = {h.footing for h in held}
        more = [judge(f, result, self.unit) for f in complete if f not in known_footings]
        return [*held, *more], result, known

    def _options(self, relation: Filtered | None, rows: Rows, r: int) -> Options | None:
        reading = rows[r]
        if reading is not None:
            return of_readings([reading])
        if relation and relation.readings[r]:
            return of_readings(relation.readings[r])
        return of_graph(self.block.graphs[r], self.width) if self.ways[r] else None

    def _choices(self, members: set[int], rows: Rows) -> float:
        """Give the digits that the choice of all open rows' readings has."""
        return sum(math.log10(max(1, self.ways[r])) for r in members if rows[r] is None)

    def _joint_surprise(
        self, narrowed: Sequence[Options | None], footings: Sequence[Footing], rows: Rows, tried: int
    ) -> float:
        """Give the digits of the totals that agree, less those of all the choices there were."""
        digits = 0.0
        for footing in footings:
            total = narrowed[footing.total]
            grain = self.block.graphs[footing.total].grain * (2 * footing.slack(self.unit) + 1)
            if total is not None:
                least = (min(abs(v) for v in total.values(c)) for c in range(self.width))
                digits += sum(math.log10(v / grain + 1) for v in least)
        members = {r for f in footings for r, _ in f.rows}
        return digits - self._choices(members, rows) - math.log10(max(1, tried))

    def contested(
        self, held: Sequence[Held], rows: Rows, relation: Filtered | None
    ) -> dict[int, tuple[Reading, ...]]:
        """Find the rows whose own sum chose one reading while columns would hold with another.

        Footings that do not hold are asked too, with each reading of the open rows: a wrong grouping may be why.
        """
        known = {h.footing for h in held}
        tried = [(h, rows) for h in held if len(h.broken) >= 2]
        for footing in {f for footings in guesses(self.block.labels) for f in footings} - known:
            open_rows = [r for r, _ in footing.rows if rows[r] is None]
            left = [relation.readings[r] if relation else () for r in open_rows]
            if math.prod(map(len, left)) <= MOST_CHOICES:
                for choice in product(*left):
                    variant = list(rows)
                    for r, chosen in zip(open_rows, choice, strict=True):
                        variant[r] = chosen
                    tried.append((judge(footing, variant, self.unit), variant))
        result: dict[int, tuple[Reading, ...]] = {}
        for one, variant in tried:
            values = {r: reading.values for r, _ in one.footing.rows if (reading := variant[r]) is not None}
            whole = [sum(w * values[q][c] for q, w in one.footing.rows) for c in range(self.width)]
            for r, weight in one.footing.rows if len(one.broken) >= 2 else ():
                need = [values[r][c] - weight * whole[c] for c in range(self.width)]
                wrong = 1 if one.footing not in known else len(one.broken) - 2
                match = best_match(self.block.graphs[r], self.width, need, wrong, self.budget)
                others = tuple(m for m in match.readings if m != variant[r]) if match else ()
                if others and sum(map(bool, need)) >= 3:
                    result[r] = (*result.get(r, ()), *others)
        return result

    def evidence(
        self, relation: Filtered | None, held: Sequence[Held], rows: dict[int, Reading], joint: set[int]
    ) -> dict[int, float]:
        """Give the digits of evidence for each row's reading; without end where columns confirm it."""
        confirmed = {
            r for h in held if len(h.broken) <= 1 or len(h.columns) > 3 * len(h.broken) for r, _ in h.footing.rows
        }
        grain = grain_of([row.values for row in rows.values()])
        first = {r for h in held if 0 not in h.broken for r, _ in h.footing.rows}
        covered = relation is not None and any(p[0] for p in relation.patterns)
        result: dict[int, float] = {}
        for r in rows:
            if self.block.rows[r].doubtful and not (
                (r in confirmed and r in first) or (covered and relation and relation.readings[r])
            ):
                # What stands before the first cell may be its beginning.
                continue
            if r in confirmed or r in joint or (self.block.graphs[r].fixed and self.ways[r] == 1):
                result[r] = math.inf
            elif relation is not None and relation.readings[r]:
                found = relation.readings[r]
                result[r] = surprise_of(relation.patterns, found, self.ways[r], unit=relation.unit, grain=grain)
            elif relation is None and self.ways[r] == 1 and (held or joint):
                result[r] = ROW_USUAL
        return result
