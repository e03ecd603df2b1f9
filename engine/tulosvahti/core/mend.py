"""Faults: the smallest sets of cells whose change mends what is broken.

Convention: a change is implied minus stated, in the integers of ``system``.
"""

from __future__ import annotations

from itertools import chain, combinations
from math import gcd
from typing import TYPE_CHECKING

from tulosvahti.core.cause import (
    CAUSE_RANK,
    LineCause,
    change_cause,
    difference_cause,
    is_exchange,
    line_cause,
)
from tulosvahti.core.relation import Fault, Mend

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from tulosvahti.core.system import Answer, System

MOST_CELLS = 3
"""A set of more cells is looked for only as cells that stand out one by one."""
MOST_ANSWERS = 5000
"""More sets of cells than this are not listed; the fault is then marked as cut."""
MOST_CROSSINGS = 400
"""Where more cells lie in two broken relations, pairs of them are not looked at."""
LEAST_ODDS = 10
"""A cell stands out if its change is so many times what chance would bring about."""
MOST_REFINED = 30
"""For more answers than this no typing slip is looked for within rounding."""


def line_faults(system: System) -> list[Fault]:
    """Find lines that are counted wrongly in several parallel relations at once."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for k, relation in enumerate(system.relations):
        if system.judged[k]:
            key = (
                relation.axis,
                relation.kind,
                relation.group,
                str(len(relation.items)),
            )
            groups.setdefault(key, []).append(k)
    faults = []
    for group in groups.values():
        before = [k for k in group if abs(system.difference[k]) > system.slack[k]]
        terms = [
            [w * system.values[n] for n, w in system.relations[k].items] for k in group
        ] if len(before) > 1 else []  # fmt: skip
        found = terms and line_cause(
            [system.difference[k] for k in group],
            [system.slack[k] for k in group],
            terms,
        )
        if not found:
            continue
        for k, share in zip(group, found.share, strict=True):
            system.difference[k] -= share
        mended = [k for k in before if abs(system.difference[k]) <= system.slack[k]]
        faults.append(_line_fault(system, found, mended))
    return faults


def _line_fault(system: System, found: LineCause, mended: Sequence[int]) -> Fault:
    relations = [system.relations[k] for k in mended]
    because = [r.items[place][0] for place in found.positions for r in relations]
    results = [system.figures[r.total].value for r in relations]
    wrong = [r.total for r in relations]
    changes = [
        sum(w * system.values[n] for n, w in r.items) - system.values[r.total]
        for r in relations
    ]
    if found.code == "sign":
        wrong = because
        changes = [-2 * system.values[name] for name in because]
        results = [system.figures[name].value for name in because]
    implied = tuple(
        system.decimal(system.values[name] + by, (name,))
        for name, by in zip(wrong, changes, strict=True)
    )
    mend = Mend(tuple(wrong), tuple(results), implied, found.code)
    return Fault(
        (),
        (),
        (),
        found.code,
        tuple(r.id for r in relations),
        () if found.code == "unmarked_subtotal" else (mend,),
        tuple(because),
    )


def component_faults(system: System, broken: list[int]) -> list[Fault]:
    """Explain linked broken relations: the smallest sets, else what stands out.

    What stands out is kept only where it explains at least half of them.
    """
    faults: list[Fault] = []
    left = broken
    while left:
        search = Search(system, left)
        answers = search.smallest()
        if answers and not search.cut:
            return faults + _block_faults(system, left, answers)
        moves = search.standing_out()
        if not moves:
            if 2 * len(left) > len(broken):
                faults, left = [], broken
            return [*faults, _fault(system, left, answers, cut=True)]
        for answer, covered in moves:
            faults.append(_fault(system, covered, [answer]))
        for answer, _ in moves:
            system.change(answer)
        left = [k for k in left if abs(system.difference[k]) > system.slack[k]]
    return faults


def _common(one: Mapping[str, int], other: Mapping[str, int]) -> list[str]:
    small, large = sorted((one, other), key=len)
    return [name for name in small if name in large]


class Search:
    """The smallest sets of cells that mend these broken relations and break none."""

    def __init__(self, system: System, broken: list[int]) -> None:
        """Count how many of the broken relations each cell lies in."""
        self.system, self.broken, self.cut = system, broken, False
        self.cover: dict[str, int] = {}
        for k in broken:
            for name in system.members[k]:
                self.cover[name] = self.cover.get(name, 0) + 1
        self.most = sorted(self.cover.values(), reverse=True)[:MOST_CELLS]

    def smallest(self) -> list[Answer]:
        """Give every set of the smallest size; empty where three cells do not do."""
        for size in range(1, MOST_CELLS + 1):
            if size == 2 and (found := self._exchanges(len(self.broken))):
                return list(found)
            if sum(self.most[:size]) < len(self.broken):
                continue
            seen: set[frozenset[str]] = set()
            answers = []
            for answer in self._extend((), size, seen):
                answers.append(answer)
                if size > 1 and len(answers) >= MOST_ANSWERS:
                    self.cut = True
                    break
            if answers or self.cut:
                return answers
        return []

    def _extend(
        self, chosen: tuple[str, ...], left: int, seen: set[frozenset[str]]
    ) -> Iterator[Answer]:
        system = self.system
        unmet = [
            k for k in self.broken if not any(c in system.members[k] for c in chosen)
        ]
        if left == 0:
            if not unmet and (changes := system.solve(chosen)):
                yield self._answer(chosen, changes)
            return
        for cell in self._pool(chosen, left, unmet):
            key = frozenset((*chosen, cell))
            if cell in chosen or key in seen:
                continue
            seen.add(key)
            if len(key) > 1 or left > 1:
                system.steps -= 1
                if system.steps < 0:
                    self.cut = True
                    return
            yield from self._extend((*chosen, cell), left - 1, seen)

    def _pool(
        self, chosen: tuple[str, ...], left: int, unmet: list[int]
    ) -> Iterable[str]:
        """Give the cells of which the set must contain one."""
        system = self.system
        linked = system.touched(chosen)
        if not unmet:
            return dict.fromkeys(n for k in linked for n in system.members[k])
        pivot = system.members[min(unmet, key=lambda k: (len(system.members[k]), k))]
        if left > 1:
            spare = (left - 1) * self.most[0]
            return [
                name
                for name in pivot
                if len(unmet) <= spare
                or sum(name in system.members[k] for k in unmet) >= len(unmet) - spare
            ]
        names: Iterable[str] = pivot
        if chosen and system.solve(chosen) is None:
            names = dict.fromkeys(
                n for k in linked for n in _common(pivot, system.members[k])
            )
        return [name for name in names if all(name in system.members[k] for k in unmet)]

    def _answer(self, cells: Sequence[str], changes: Sequence[int]) -> Answer:
        pairs = zip(cells, changes, strict=True)
        return tuple(sorted(pairs, key=lambda pair: self.system.order[pair[0]]))

    def _exchanges(self, least: int) -> dict[Answer, frozenset[int]]:
        """Find exchanged neighbours that mend at least so many broken relations."""
        system, broken = self.system, set(self.broken)
        found: dict[Answer, frozenset[int]] = {}
        pairs = dict.fromkeys(
            tuple(sorted((cell, other), key=lambda name: system.order[name]))
            for cell in self.cover
            for other in system.beside(cell)
        )
        for one, other in pairs:
            by = system.values[other] - system.values[one]
            touched = set(system.uses[one]) ^ set(system.uses[other])
            covered = frozenset(broken & touched)
            present = None not in (
                system.figures[one].value,
                system.figures[other].value,
            )
            plausible = by and present and len(covered) >= max(least, 2)
            if plausible and system.fits({one: by, other: -by}):
                found[((one, by), (other, -by))] = covered
        return found

    def standing_out(self) -> list[tuple[Answer, list[int]]]:
        """Find cells that mend two broken relations or more, beyond chance and rivals.

        First cells alone and exchanged neighbours, then pairs that meet in a relation.
        """
        system = self.system
        crossings = [name for name, count in self.cover.items() if count > 1]
        moves = self._exchanges(2)
        for cell in crossings:
            if changes := system.solve((cell,)):
                moves[((cell, changes[0]),)] = self._covered((cell,))
        found = self._unrivalled(moves, len(crossings))
        if found or len(crossings) > MOST_CROSSINGS:
            return found
        pairs = dict.fromkeys(
            pair
            for k in self.broken
            for pair in combinations(
                [c for c in crossings if c in system.members[k]], 2
            )
        )
        moves = {
            self._answer(pair, changes): self._covered(pair)
            for pair in pairs
            if (changes := system.solve(pair))
        }
        return self._unrivalled(moves, len(pairs))

    def _covered(self, cells: Iterable[str]) -> frozenset[int]:
        touched = (k for cell in cells for k in self.system.uses[cell])
        return frozenset(self.broken).intersection(touched)

    def _unrivalled(
        self, moves: Mapping[Answer, frozenset[int]], tried: int
    ) -> list[tuple[Answer, list[int]]]:
        """Keep moves without a rival that are too large for a coincidence."""
        step = gcd(*(self.system.difference[k] for k in self.broken))
        rivals: dict[int, int] = {}
        for covered in moves.values():
            for k in covered:
                rivals[k] = rivals.get(k, 0) + 1
        result = []
        for answer, covered in moves.items():
            blur = max(step, *(2 * self.system.slack[k] for k in covered))
            rare = all(abs(by) >= LEAST_ODDS * tried * blur for _, by in answer)
            if rare and all(rivals[k] == 1 for k in covered):
                result.append((answer, sorted(covered)))
        return result


def _block_faults(
    system: System, broken: list[int], answers: list[Answer]
) -> list[Fault]:
    """Split the answers where they fall apart into independent blocks."""
    block = {k: k for k in broken}
    parts = [
        [(g, _covered(system, block, g)) for g in _linked(system, a)] for a in answers
    ]
    for _, covered in chain.from_iterable(parts):
        joined = {block[k] for k in covered}
        if len(joined) > 1:
            block = {k: min(joined) if b in joined else b for k, b in block.items()}
    found: dict[int, dict[Answer, None]] = {}
    for groups in parts:
        whole: dict[int, list[tuple[str, int]]] = {}
        for group, covered in groups:
            whole.setdefault(block[covered[0]], []).extend(group)
        for key, pairs in whole.items():
            found.setdefault(key, {})[tuple(pairs)] = None
    return [
        _fault(system, [k for k in broken if block[k] == key], list(found[key]))
        for key in found
    ]


def _covered(system: System, broken: Container[int], answer: Answer) -> list[int]:
    return [k for name, _ in answer for k in system.uses[name] if k in broken]


def _linked(system: System, answer: Answer) -> list[Answer]:
    """Split an answer into groups of cells that share no relation."""
    groups: list[Answer] = []
    for name, by in answer:
        uses = set(system.uses[name])
        near = [
            g for g in groups if any(uses.intersection(system.uses[n]) for n, _ in g)
        ]
        merged = ((name, by), *chain.from_iterable(near))
        groups = [g for g in groups if g not in near]
        groups.append(tuple(sorted(merged, key=lambda pair: system.order[pair[0]])))
    return groups


def _fault(
    system: System, broken: Sequence[int], answers: list[Answer], *, cut: bool = False
) -> Fault:
    relations = tuple(system.relations[k].id for k in broken)
    mends = [_mend(system, a, refine=len(answers) <= MOST_REFINED) for a in answers]
    mends.sort(key=lambda mend: CAUSE_RANK[mend.cause])
    if len(mends) == 1 and not cut:
        only = mends[0]
        return Fault(only.cells, only.stated, only.implied, only.cause, relations)
    found = None
    if len(broken) == 1:
        k = broken[0]
        relation = system.relations[k]
        terms = [w * system.values[name] for name, w in relation.items]
        found = difference_cause(system.difference[k] + sum(terms), terms)
        names = (*(name for name, _ in relation.items), relation.total)
        because = tuple(names[place] for place in found.positions) if found else ()
    shared = (
        set(answers[0]).intersection(*answers[1:]) if answers and not cut else set()
    )
    cells = tuple(name for name, _ in sorted(shared, key=lambda p: system.order[p[0]]))
    causes = {mend.cause for mend in mends}
    return Fault(
        cells,
        tuple(system.figures[name].value for name in cells),
        tuple(system.decimal(system.values[n] + dict(shared)[n], (n,)) for n in cells),
        found.code if found else causes.pop() if len(causes) == 1 else None,
        relations,
        tuple(mends),
        because if found else (),
        cut,
    )


def _mend(system: System, answer: Answer, *, refine: bool) -> Mend:
    if refine and len(answer) == 1:
        answer = ((answer[0][0], system.slip(*answer[0])),)
    cells = tuple(name for name, _ in answer)
    stated = tuple(system.figures[name].value for name in cells)
    implied = tuple(system.decimal(system.values[n] + by, (n,)) for n, by in answer)
    causes = {
        None if old is None else change_cause(old, new, system.figures[name].unit)
        for name, old, new in zip(cells, stated, implied, strict=True)
    }
    cause = causes.pop() if len(causes) == 1 else None
    if is_exchange(stated, implied):
        beside = cells[1] in system.beside(cells[0])
        cause = "neighbours_exchanged" if beside else None
    return Mend(cells, stated, implied, cause)
