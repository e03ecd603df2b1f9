"""Averages, shares and relative changes along one axis."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.core.discovery.candidates import MOST_STRIDE, mean_runs, sampled
from tulosvahti.core.discovery.pattern import Pattern, averaged, divided, share_bits
from tulosvahti.core.discovery.structure import place_cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.discovery.lines import Lines

AVERAGE_WORDS = re.compile(r"average|\bavg\b|\bave\b|\bmean|keskiarvo|keskim|medel|durchschn|Ø", re.IGNORECASE)
SHARE_WORDS = re.compile(r"%|percent|share|ratio|\bper\b|/|\brate|osuus|osuud|andel|pct|proportion|anteil|pros", re.IGNORECASE)
CHANGE_WORDS = re.compile(r"change|growth|muutos|förändr|increase|%|diff|veränd|kasvu|ökning", re.IGNORECASE)
LEAST_AVERAGE = 8.0
LOOSE_AVERAGE = 25.0
"""What the mean of a part of a run needs, and in at least so many lines."""
LEAST_LINES = 5
LEAST_SHARE = 8.0
SHAPED_SHARE = 14.0
FARTHEST = 40
"""In a wide table no dividend stands farther from its divisor than this."""
WIDE = 90
LEAST_FAMILY = 3
FAMILY_BITS = 15.0
WEAK_SHARE = 3.0
MOST_WEAK = 40
"""Weak ratios are looked for among at most this many positions."""
MOST_LINES = 24
"""Lines in which quotients are looked up."""
MOST_FITTING = 8
"""A quotient that would fit more results of its line is no evidence."""


def find_averages(lines: Lines, totals: frozenset[int], sums: Sequence[Pattern]) -> list[Pattern]:
    """Give the means of runs of positions; ``totals``: positions known to be sums, left out of a run as a whole.

    A run that holds a sum together with all its items has no mean worth telling: ``sums``.
    """
    families = [(p.total, frozenset(p.items)) for p in sums]
    seen: dict[tuple[int, tuple[int, ...]], Pattern] = {}
    loose: set[tuple[int, tuple[int, ...]]] = set()
    for total, items, whole in _mean_candidates(lines, totals):
        own = set(items)
        if (total, items) in seen or any(parent in own and children <= own for parent, children in families):
            continue
        pattern = averaged(lines, total, items)
        if pattern.holds:
            seen[total, items] = pattern
            if not whole:
                loose.add((total, items))
    ranked = []
    for p in seen.values():
        bonus = 5.0 if AVERAGE_WORDS.search(lines.labels[p.total]) else 0.0
        place = place_cost(lines, p, {})
        score = p.bits - p.split - place - lines.bits + bonus
        if score >= (LOOSE_AVERAGE if (p.total, p.items) in loose else LEAST_AVERAGE):
            ranked.append(replace(p, place=place, score=score))
    best: dict[int, Pattern] = {}
    # Which figures exactly: how well they fit says more than how simply they lie.
    for p in sorted(ranked, key=lambda p: (0.7 * -p.place - p.score, p.total, p.items)):
        best.setdefault(p.total, p)
    return list(best.values())


def _mean_candidates(lines: Lines, totals: frozenset[int]) -> Iterator[tuple[int, tuple[int, ...], bool]]:
    """Give (result, items, whether a word or a whole run speaks for it)."""
    positions = lines.numeric
    broad = lines.count >= LEAST_LINES and len(positions) <= WIDE
    named = [q for q in positions if AVERAGE_WORDS.search(lines.labels[q])]
    sequences = [(list(positions), False)]
    if totals:
        sequences.append(([q for q in positions if q not in totals], False))
    if named:
        for stride in range(2, min(MOST_STRIDE // 2, lines.width // 2) + 1):
            sequences += [([q for q in positions if q % stride == offset], True) for offset in range(stride)]
    for k, (sequence, odd) in enumerate(sequences):
        for total, items in mean_runs(lines, sequence, named if not k else [], broad=broad or odd):
            word = total in named
            if total in totals or (not word and (odd or len(items) < 3)):
                continue
            whole = word or _whole_run(sequence, total, items)
            if whole or broad:
                yield total, items, whole


def _whole_run(sequence: list[int], total: int, items: tuple[int, ...]) -> bool:
    """Tell whether a run goes on until its numbers end: a mean of less needs a word for it."""
    far = items[-1] if total < items[0] else items[0]
    beyond = sequence.index(far) + (1 if total < items[0] else -1)
    return not 0 <= beyond < len(sequence) or abs(sequence[beyond] - far) > 1


def find_ratios(lines: Lines, totals: frozenset[int], results: frozenset[int]) -> list[Pattern]:
    """Give shares and relative changes.

    ``totals``: sums, likely divisors; ``results``: positions computed otherwise, unlikely to be ratios.
    """
    every = [*_divisions(lines, totals, change=False), *_divisions(lines, totals, change=True)]
    alike: dict[tuple[object, ...], list[Pattern]] = defaultdict(list)
    for p in every:
        alike[_moved(p)].append(p)
    found = []
    for family in alike.values():
        # Weak one by one, the same ratio in every block is strong: it is named once, and each block adds its evidence.
        bits = sum(p.bits - p.split for p in family)
        strong = len(family) >= LEAST_FAMILY and bits - family[0].place >= FAMILY_BITS
        found += [replace(p, score=max(p.score, LEAST_SHARE + 1)) if strong and not p.fails else p for p in family]
    found = [p for p in found if p.score > 4]
    clear = [p for p in found if p.score > LEAST_SHARE]
    fixed = Counter(_fixed(p) for p in clear)
    moved = Counter(_moved(p) for p in clear)

    def worth(p: Pattern) -> float:
        return p.score + min(8, 2 * max(fixed[_fixed(p)], moved[_moved(p)])) - 6 * (p.total in results)

    used: set[int] = set()
    triples: set[frozenset[int]] = set()
    accepted = []
    for p in sorted(found, key=lambda p: (-worth(p), p.total, p.items)):
        triple = frozenset((p.total, *p.items))
        if (p.score < LEAST_SHARE and worth(p) < SHAPED_SHARE) or p.total in used or triple in triples:
            continue
        used.add(p.total)
        triples.add(triple)
        accepted.append(p)
    return accepted


def _fixed(p: Pattern) -> tuple[object, ...]:
    """Name a shape: dividend beside the result, always the same divisor."""
    over, under = _operands(p)
    return p.function, over - p.total, under


def _moved(p: Pattern) -> tuple[object, ...]:
    over, under = _operands(p)
    return p.function, over - p.total, under - p.total


def _operands(p: Pattern) -> tuple[int, int]:
    return (p.items[1], p.items[0]) if p.function == "relative_change" else (p.items[0], p.items[1])


def _divisions(lines: Lines, totals: frozenset[int], *, change: bool) -> Iterator[Pattern]:
    words = CHANGE_WORDS if change else SHARE_WORDS
    for percent in (False, True):
        for total, over, under in _likely(lines, words, change=change, percent=percent):
            p = divided(lines, total, over, under, change=change, percent=percent)
            place = math.log2(1 + abs(over - total)) + math.log2(1 + abs(under - total)) + 2 + lines.bits + percent
            word = bool(words.search(lines.labels[total])) or bool(lines.percent[:, total].any())
            score = p.bits - p.split - place + 3 * word + 2 * (under in totals)
            if score > 4 or (p.bits > 3 and not p.fails):
                yield replace(p, place=place, score=score)


def _likely(lines: Lines, words: re.Pattern[str], *, change: bool, percent: bool) -> list[tuple[int, int, int]]:
    """Give (result, dividend, divisor) that fit in several of the fullest lines.

    All quotients of a line are looked up among its results at once; where many results would fit, none is evidence.
    """
    positions = np.array([q for q in lines.numeric if lines.zeroed[:, q].any()], dtype=np.int64)
    results = np.array([q for q in positions if _like_a_ratio(lines, int(q), words)], dtype=np.int64)
    if len(positions) < 3 or not len(results):
        return []
    near = np.abs(positions[:, None] - positions[None, :]) <= FARTHEST
    if len(positions) <= WIDE:
        near[:] = True
    np.fill_diagonal(near, val=False)
    over, under = np.nonzero(near)
    rows = sampled(lines, len(over))[:MOST_LINES]
    codes, gains = [], []
    scale = 100.0 if percent else 1.0
    for row in rows:
        there = results[lines.there[row, results]]
        value = lines.zeroed[row, positions]
        known = (value[under] != 0) & lines.there[row, positions[over]] & ((value[over] != 0) | change)
        a, b = over[known], under[known]
        if not len(there) or not len(a):
            continue
        half = lines.halves[row, positions]
        quotient = value[a] / value[b]
        reach = (half[a] + np.abs(quotient) * half[b]) / np.abs(value[b]) * scale
        expected = (quotient - 1 if change else quotient) * scale
        order = there[np.argsort(lines.zeroed[row, there], kind="stable")]
        stated = lines.zeroed[row, order]
        slack = (reach + lines.halves[row, there].max()) * (1 + 1e-9) + 1e-12
        first = np.searchsorted(stated, expected - slack, "left")
        count = np.searchsorted(stated, expected + slack, "right") - first
        kept = np.flatnonzero((count > 0) & (count <= MOST_FITTING) & (np.abs(expected) != scale) & (expected != 0))
        pair = np.repeat(kept, count[kept])
        if not len(pair):
            continue
        begin = np.cumsum(count[kept]) - count[kept]
        place = first[pair] + np.arange(len(pair)) - np.repeat(begin, count[kept])
        target = order[place]
        fits = np.abs(stated[place] - expected[pair]) <= lines.halves[row, target] + reach[pair] + 1e-9
        fits &= (stated[place] != 0) & (target != positions[a[pair]]) & (target != positions[b[pair]])
        pair, target, place = pair[fits], target[fits], place[fits]
        codes.append((target * lines.width + positions[a[pair]]) * lines.width + positions[b[pair]])
        gains.append(share_bits(stated[place], lines.steps[row, target], reach[pair]))
    if not codes:
        return []
    unique, inverse = np.unique(np.concatenate(codes), return_inverse=True)
    bits = np.bincount(inverse, weights=np.concatenate(gains))
    found = unique[bits >= (WEAK_SHARE if len(positions) <= MOST_WEAK else LEAST_SHARE + 2)]
    return [(int(c // lines.width**2), int(c // lines.width % lines.width), int(c % lines.width)) for c in found]


def _like_a_ratio(lines: Lines, position: int, words: re.Pattern[str]) -> bool:
    here = lines.values[lines.there[:, position], position]
    if (here != np.rint(here)).any() or lines.percent[:, position].any():
        return True
    return bool((np.abs(here) <= 1000).all() and words.search(lines.labels[position]))
