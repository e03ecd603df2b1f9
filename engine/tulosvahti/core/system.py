"""Relations as integers: judged, narrowed, solved for the change of a few cells.

Convention: one integer is half of the last digit of the whole table, so that half a
unit is whole; a difference is stated minus expected. Nothing here is a float.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from tulosvahti.core.cause import likely_value
from tulosvahti.core.quantity import last_digit_unit
from tulosvahti.core.relation import EXACT, Figure, Relation, RelationResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Answer = tuple[tuple[str, int], ...]
"""Cells in table order, each with the change it would need."""


_WIDE = Context(prec=400)


@cache
def _step(exponent: int) -> Decimal:
    return Decimal(1).scaleb(exponent)


class System:
    """The relations as integers; ``difference`` moves on as faults are taken out."""

    def __init__(
        self, figures: Mapping[str, Figure], relations: Sequence[Relation], steps: int
    ) -> None:
        """Scale the figures; ``steps`` is what a search may spend."""
        self.figures, self.relations, self.steps = figures, relations, steps
        numbers = (
            n for f in figures.values() for n in (f.value, f.unit) if n is not None
        )
        self.exponent = min((int(n.as_tuple().exponent) for n in numbers), default=0)
        self.exponent = min(self.exponent, 0)
        self.places = {
            i: 0 if f.value is None else min(0, int(f.value.as_tuple().exponent))
            for i, f in figures.items()
        }
        self.values = {i: 2 * self._scaled(f.value) for i, f in figures.items()}
        self.order = {name: k for k, name in enumerate(figures)}
        self.uses: dict[str, list[int]] = {name: [] for name in figures}
        self.members: list[dict[str, int]] = []
        self.difference: list[int] = []
        self.slack: list[int] = []
        self.absent: list[tuple[str, ...]] = []
        self.judged: list[bool] = []
        halves = {
            i: 0 if f.value is None else self._scaled(f.unit)
            for i, f in figures.items()
        }
        for k, relation in enumerate(relations):
            members = self._members(relation)
            for name in members:
                self.uses[name].append(k)
            absent = tuple(n for n, _ in relation.items if figures[n].value is None)
            self.members.append(members)
            self.difference.append(sum(a * self.values[n] for n, a in members.items()))
            self.slack.append(sum(abs(a) * halves[n] for n, a in members.items()))
            self.absent.append(absent)
            known = figures[relation.total].value is not None
            self.judged.append(known and len(absent) < len(relation.items))
        self.halves = halves
        self._beside: dict[str, list[str]] = {}

    def _scaled(self, number: Decimal | None) -> int:
        return 0 if number is None else int(EXACT.scaleb(number, -self.exponent))

    def _members(self, relation: Relation) -> dict[str, int]:
        names = (relation.total, *(name for name, _ in relation.items))
        strangers = ", ".join(name for name in names if name not in self.figures)
        if strangers:
            msg = (
                f"relation {relation.id} names a figure that is not given: {strangers}"
            )
            raise ValueError(msg)
        members = {relation.total: 1}
        for name, weight in relation.items:
            members[name] = members.get(name, 0) - weight
        return {name: factor for name, factor in members.items() if factor}

    def decimal(self, number: int, like: Iterable[str]) -> Decimal:
        """Turn an integer back, with no more decimals than the named figures have."""
        exact = EXACT.scaleb(Decimal(number * 5), self.exponent - 1)
        wanted = min((self.places[name] for name in like), default=0)
        with_places = _WIDE.quantize(exact, _step(wanted))
        return with_places if with_places == exact else exact.normalize(EXACT)

    def results(self) -> tuple[RelationResult, ...]:
        """Judge every relation on its own."""
        return tuple(self._result(k) for k in range(len(self.relations)))

    def _result(self, k: int) -> RelationResult:
        relation, names, absent = self.relations[k], self.members[k], self.absent[k]
        stated = self.figures[relation.total].value
        if stated is None:
            absent = (relation.total, *absent)
        items = [name for name, _ in relation.items]
        expected = None
        if len(self.absent[k]) < len(items):
            total = sum(w * self.values[n] for n, w in relation.items)
            expected = self.decimal(total, items)
        if not self.judged[k]:
            return RelationResult(
                relation, "incomplete", stated, expected, None, None, absent=absent
            )
        d, slack = self.difference[k], self.slack[k]
        squares = sum((a * self.halves[n]) ** 2 for n, a in names.items())
        within = abs(d) <= slack
        state: Literal["holds", "broken", "incomplete"] = (
            "holds" if within else "broken"
        )
        if not within and any(self.solve((name,)) for name in absent):
            state = "incomplete"
        rounding: Literal["exact", "within", "beyond"] = (
            "within" if within else "beyond"
        )
        return RelationResult(
            relation,
            state,
            stated,
            expected,
            self.decimal(d, (relation.total, *items)),
            "exact" if d == 0 else rounding,
            # 3u * sqrt((n + 1) / 12), squared; one unit is two halves on this scale.
            slack_used=within and d * d > 3 * squares,
            absent=absent,
        )

    def broken(self) -> list[int]:
        """Give the relations that do not hold within rounding."""
        return [
            k
            for k, d in enumerate(self.difference)
            if self.judged[k] and abs(d) > self.slack[k]
        ]

    def components(self) -> list[list[int]]:
        """Group the broken relations that figures link, through holding ones too."""
        left, result, seen = self.broken(), [], set[int]()
        for start in left:
            if start in seen:
                continue
            seen.add(start)
            queue, names = [start], set[str]()
            while queue:
                for name in self.members[queue.pop()].keys() - names:
                    names.add(name)
                    fresh = [k for k in self.uses[name] if k not in seen]
                    fresh = [k for k in fresh if self.judged[k]]
                    seen.update(fresh)
                    queue += fresh
            result.append([k for k in left if any(n in names for n in self.members[k])])
        return result

    def touched(self, cells: Sequence[str]) -> list[int]:
        """Give the relations that a change of these cells is bound by."""
        found = dict.fromkeys(k for cell in cells for k in self.uses[cell])
        return [k for k in found if self.judged[k] or self._becomes_known(k, cells)]

    def _becomes_known(self, k: int, cells: Sequence[str]) -> bool:
        total = self.relations[k].total
        if self.figures[total].value is None:
            return total in cells
        return any(cell in self.absent[k] for cell in cells)

    def fits(self, changes: Mapping[str, int]) -> bool:
        """Tell whether every touched relation holds once the changes are made."""
        for k in self.touched(list(changes)):
            members = self.members[k]
            change = sum(members.get(name, 0) * by for name, by in changes.items())
            if abs(self.difference[k] + change) > self.slack[k]:
                return False
        return True

    def solve(self, cells: tuple[str, ...]) -> tuple[int, ...] | None:
        """Find changes of exactly these cells that make all their relations hold."""
        rows = self.touched(cells)
        bounds: Bounds = dict.fromkeys(cells, (None, None))
        if not self._narrow(bounds, rows):
            return None
        for cell in cells:
            aim = self._aim(cell, bounds, rows)
            bounds[cell] = (aim, aim)
            if not self._narrow(bounds, rows):
                return None
        changes = {cell: low or 0 for cell, (low, _) in bounds.items()}
        return tuple(changes.values()) if self.fits(changes) else None

    def _narrow(self, bounds: Bounds, rows: Sequence[int]) -> bool:
        for _ in range(4 * len(bounds)):
            before = dict(bounds)
            for k in rows:
                members = self.members[k]
                inside = [cell for cell in bounds if cell in members]
                for cell in inside:
                    span = (-self.slack[k] - self.difference[k],
                            self.slack[k] - self.difference[k])  # fmt: skip
                    others = [c for c in inside if c != cell]
                    low, high = _remaining(
                        span, [(members[c], bounds[c]) for c in others]
                    )
                    low, high = _divided(low, high, members[cell])
                    was_low, was_high = bounds[cell]
                    low = max(
                        (n for n in (low, was_low) if n is not None), default=None
                    )
                    high = min(
                        (n for n in (high, was_high) if n is not None), default=None
                    )
                    if low is not None and high is not None and low > high:
                        return False
                    bounds[cell] = (low, high)
            if before == bounds or len(bounds) == 1:
                break
        return True

    def _aim(self, cell: str, bounds: Bounds, rows: Sequence[int]) -> int:
        low, high = bounds[cell]
        if low is not None and low == high:
            return low
        alone = [
            k for k in rows if [c for c in bounds if c in self.members[k]] == [cell]
        ]
        aim = 0
        if alone:
            k = min(alone, key=lambda k: (self.slack[k], k))
            aim = -self.difference[k] // self.members[k][cell]
        elif low is not None and high is not None:
            aim = (low + high) // 2
        start, step = self.values[cell], self.step(cell)
        nearest = (start + aim + step // 2) // step * step - start
        for change in (nearest, nearest - step, nearest + step, aim):
            if (low is None or low <= change) and (high is None or change <= high):
                return change
        return low if low is not None and aim < low else high or 0

    def step(self, cell: str) -> int:
        """Give the distance between values that this figure could print."""
        value, unit = self.figures[cell].value, self.figures[cell].unit
        return 2 * self._scaled(unit or last_digit_unit(value or Decimal(0)))

    def slip(self, cell: str, change: int) -> int:
        """Prefer, among the changes that rounding leaves open, the only typing slip."""
        bounds: Bounds = {cell: (None, None)}
        self._narrow(bounds, self.touched((cell,)))
        (low, high), start, step = bounds[cell], self.values[cell], self.step(cell)
        stated = self.figures[cell].value
        if stated is None or low is None or high is None or high - low > 64 * step:
            return change
        first = -(-(start + low) // step) * step
        choice = range(first, start + high + 1, step)
        likely = likely_value(stated, [self.decimal(n, (cell,)) for n in choice])
        return change if likely is None else 2 * self._scaled(likely) - start

    def beside(self, cell: str) -> list[str]:
        """Give the items of equal weight that stand next to this one in a relation."""
        if not self._beside:
            for relation in self.relations:
                for (one, weight), (other, factor) in pairwise(relation.items):
                    if weight == factor:
                        self._beside.setdefault(one, []).append(other)
                        self._beside.setdefault(other, []).append(one)
        return self._beside.get(cell, [])

    def change(self, answer: Iterable[tuple[str, int]]) -> None:
        """Take an explained fault out of the differences."""
        for name, by in answer:
            for k in self.uses[name]:
                self.difference[k] += self.members[k][name] * by


Bounds = dict[str, tuple[int | None, int | None]]


def _remaining(
    span: tuple[int, int], others: Iterable[tuple[int, tuple[int | None, int | None]]]
) -> tuple[int | None, int | None]:
    """Take what the other changes could contribute off both ends."""
    low: int | None = span[0]
    high: int | None = span[1]
    for factor, ends in others:
        least, most = ends if factor > 0 else ends[::-1]
        low = None if low is None or most is None else low - factor * most
        high = None if high is None or least is None else high - factor * least
    return low, high


def _divided(
    low: int | None, high: int | None, factor: int
) -> tuple[int | None, int | None]:
    if factor < 0:
        low, high = (None if n is None else -n for n in (high, low))
        factor = -factor
    return (
        None if low is None else -(-low // factor),
        None if high is None else high // factor,
    )
