"""Candidates for sums: positions whose numbers add up to another's in enough lines to be worth judging.

Each generator yields (total, items) with items in rising order. They are searches only: generous, and bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.core.discovery.lines import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.discovery.lines import Floats, Ints, Lines

Candidate = tuple[int, tuple[int, ...]]
LONGEST_RUN = 500
"""No run of more positions is looked for, unless it ends where the numbers do."""
LEAST_BITS = 6.0
SAMPLE = 5_000
"""Numbers looked at for each total; more lines than that allows are sampled."""
MOST_FREE = 60
"""Runs that do not touch their total are looked for among at most this many positions."""
MOST_PAIRED = 300
MOST_SCANNED = 120
"""Among more positions runs are looked up instead of tried one by one."""
MOST_LOOKED_UP = 12
MOST_LOOKED_AT = 3000
MOST_FITTING = 16
"""A running sum that comes back to the same height more often than this says nothing."""
MOST_STRIDE = 12
LEAST_HOLED = 4
"""Runs of at least so many are looked for with a hole."""


def sampled(lines: Lines, width: int) -> Ints:
    """Choose the lines to search in: the fullest, then evenly among the rest."""
    most = max(8, SAMPLE // max(1, min(width, LONGEST_RUN)))
    if lines.count <= most:
        return np.arange(lines.count)
    order = np.argsort(-(lines.there & (lines.zeroed != 0)).sum(1), kind="stable")
    rest = order[most // 2 :]
    chosen = np.concatenate([order[: most // 2], rest[:: max(1, len(rest) // (most - most // 2))]])
    return np.unique(chosen)


def runs(lines: Lines, positions: Sequence[int], *, free: bool = False) -> Iterator[Candidate]:
    """Give runs of the positions next to a total (up to two others between), or with ``free`` anywhere."""
    width = len(positions)
    if width < 3:
        return
    if width > MOST_SCANNED:
        yield from _looked_up(lines, positions)
    else:
        yield from _scanned(lines, positions, range(width), free=free, averages=False)


def mean_runs(lines: Lines, positions: Sequence[int], named: Sequence[int], *, broad: bool) -> Iterator[Candidate]:
    """Give runs whose mean a position may be: any for the ``named`` ones (or all, if ``broad``), whole blocks for others."""
    width = len(positions)
    if width < 3:
        return
    wanted = set(named)
    places = [k for k in range(width) if broad or positions[k] in wanted]
    yield from _scanned(lines, positions, places, free=bool(named) and width <= MOST_FREE, averages=True)
    if broad:
        return
    starts = [k for k in range(width) if not k or positions[k] - positions[k - 1] > 1]
    block = 0
    for k in range(width):
        block = k if k in starts[1:] else block
        if k - block >= 2:
            yield positions[k], tuple(positions[block:k])


def _scanned(
    lines: Lines, positions: Sequence[int], places: Sequence[int], *, free: bool, averages: bool
) -> Iterator[Candidate]:
    """Try every run that begins beside a total, growing it position by position."""
    width = len(positions)
    chosen = sampled(lines, width)
    values, halves = part_of(lines.zeroed, chosen, positions), part_of(lines.halves, chosen, positions)
    there, units = part_of(lines.there, chosen, positions), part_of(lines.steps, chosen, positions)
    sums, slacks = _prefixed(values), _prefixed(halves)
    counts, shown = _prefixed(there.astype(np.float64)), _prefixed((values != 0).astype(np.float64))
    # One line of many fits by chance: it must pay for being named.
    least = LEAST_BITS + np.log2(max(1, len(chosen) / 8))
    for k in places:
        rows = np.flatnonzero(there[:, k] & (values[:, k] != 0))
        if not len(rows):
            continue
        stated, half, unit = values[rows, k : k + 1], halves[rows, k : k + 1], units[rows, k : k + 1]
        for start, end, forward in _segments(k, width, free=free):
            parts = []
            for part in (sums, slacks, counts, shown):
                picked = part[rows]
                edge = picked[:, start : start + 1]
                parts.append(picked[:, start + 1 : end + 1] - edge if forward else edge - picked[:, end:start])
            total, slack, count, seen = parts
            if averages:
                total, slack = total / np.maximum(count, 1), slack / np.maximum(count, 1)
            difference = np.abs(total - stated)
            fits = (count > 0) & (seen > 0) & (difference <= (slack + half) * (1 + 1e-9) + 1e-12 * np.abs(stated))
            if not fits.any():
                continue
            bits = np.where(fits, np.log2(1 + np.abs(stated) / (2 * difference + unit)), 0.0).sum(0)
            for x in np.flatnonzero(bits >= least).tolist():
                first, last = (start, start + x) if forward else (end + x, start - 1)
                if last > first:
                    yield positions[k], tuple(positions[first : last + 1])


def _looked_up(lines: Lines, positions: Sequence[int]) -> Iterator[Candidate]:
    """Find runs beside their totals by looking up where the running sum must end: near-linear in the positions.

    A run ends in a figure that is not 0 in the line that shows it; it is given again with the zeros that follow.
    """
    width = len(positions)
    rows = sampled(lines, width)[:MOST_LOOKED_UP]
    values, halves = part_of(lines.zeroed, rows, positions), part_of(lines.halves, rows, positions)
    steps = part_of(lines.steps, rows, positions)
    codes, gains = [], []
    for value, half, step in zip(values, halves, steps, strict=True):
        shown = np.flatnonzero(value)
        if len(shown) < 3:
            continue
        sums = np.concatenate([[0.0], value.cumsum()])
        slack = half[shown] + 12 * float(np.median(half[shown])) + 1e-9 * np.abs(value[shown])
        for forward in (True, False):
            # Where a run may end: after (or before) a figure that is not 0.
            ends = shown + 1 if forward else shown
            order = ends[np.argsort(sums[ends], kind="stable")]
            heights = sums[order]
            for gap in (1, 2, 3):
                start = np.clip(shown + gap if forward else shown + 1 - gap, 0, width)
                aim = sums[start] + (value[shown] if forward else -value[shown])
                first = np.searchsorted(heights, aim - slack, "left")
                count = np.searchsorted(heights, aim + slack, "right") - first
                kept = np.flatnonzero((count > 0) & (count <= MOST_FITTING))
                which = np.repeat(kept, count[kept])
                if not len(which):
                    continue
                begin = np.cumsum(count[kept]) - count[kept]
                place = first[which] + np.arange(len(which)) - np.repeat(begin, count[kept])
                end, begun = order[place], start[which]
                length = end - begun if forward else begun - end
                good = np.flatnonzero((length >= 1) & (length <= MOST_LOOKED_AT))
                which, place, end, begun = which[good], place[good], end[good], begun[good]
                off = np.abs(heights[place] - aim[which])
                low, high = np.minimum(begun, end), np.maximum(begun, end)
                codes.append((shown[which] * (width + 1) + low) * (width + 1) + high)
                gains.append(np.log2(1 + np.abs(value[shown[which]]) / (2 * off + step[shown[which]])))
    if not codes:
        return
    unique, inverse = np.unique(np.concatenate(codes), return_inverse=True)
    bits = np.bincount(inverse, weights=np.concatenate(gains))
    base = width + 1
    empty = (values == 0).all(axis=0).tolist()
    # Among many runs some come near by chance: what one line shows must outweigh their number.
    for code in unique[bits >= LEAST_BITS + np.log2(width)].tolist():
        k, low, high = code // base**2, code // base % base, code % base
        if high - low >= 2:
            yield positions[k], tuple(positions[low:high])
        wide_low, wide_high = low, high
        while k >= high and wide_low > 0 and empty[wide_low - 1]:
            wide_low -= 1
        while k < low and wide_high < width and empty[wide_high]:
            wide_high += 1
        if (wide_low, wide_high) != (low, high) and wide_high - wide_low >= 2:
            yield positions[k], tuple(positions[wide_low:wide_high])


def _prefixed(part: Floats) -> Floats:
    result: Floats = np.concatenate([np.zeros((part.shape[0], 1)), part.cumsum(1)], axis=1)
    return result


def _segments(k: int, width: int, *, free: bool) -> Iterator[tuple[int, int, bool]]:
    """Give (start, end, forward): runs grow from ``start`` to ``end``, away from the total at ``k``."""
    for gap in (1,) if free else (1, 2, 3):
        if k + gap < width:
            yield k + gap, min(width, k + gap + LONGEST_RUN), True
        if k + 1 - gap > 0:
            yield k + 1 - gap, max(0, k + 1 - gap - LONGEST_RUN), False
    if free:
        for start in range(width):
            if start < k:
                yield start, k, True
            elif start > k + 1:
                yield start, width, True


def progressions(lines: Lines) -> Iterator[Candidate]:
    """Give every 2nd to 8th position, the total standing just before or after, out of step."""
    for stride in range(2, 9):
        for offset in range(stride):
            positions = [q for q in range(offset, lines.width, stride) if lines.there[:, q].any()]
            for i in range(len(positions) - 1):
                block = positions[i:]
                total = lines.zeroed[:, block].cumsum(1)
                slack = lines.halves[:, block].cumsum(1)
                shown = (lines.zeroed[:, block] != 0).cumsum(1)
                for j in range(1, len(block)):
                    for t in (block[0] - 1, block[0] - 2, block[0] - 3, block[j] + 1, block[j] + 2, block[j] + 3):
                        if not 0 <= t < lines.width or (t - offset) % stride == 0:
                            continue
                        stated = lines.zeroed[:, t]
                        fits = lines.there[:, t] & (stated != 0) & (shown[:, j] > 1)
                        fits &= np.abs(total[:, j] - stated) <= slack[:, j] + lines.halves[:, t] + 1e-9
                        if fits.sum() >= max(2, 0.02 * lines.count):
                            yield t, tuple(block[: j + 1])


def pairs(lines: Lines, positions: Sequence[int]) -> Iterator[Candidate]:
    """Give totals of any two positions."""
    kept = [q for q in positions if lines.zeroed[:, q].any()]
    width = len(kept)
    if not 3 <= width <= MOST_PAIRED:
        return
    chosen = sampled(lines, width)
    values, halves = part_of(lines.zeroed, chosen, kept), part_of(lines.halves, chosen, kept)
    there, units = part_of(lines.there, chosen, kept), part_of(lines.steps, chosen, kept)
    for a in range(width):
        both = there[:, a : a + 1] & there[:, a + 1 :] & (values[:, a : a + 1] != 0) & (values[:, a + 1 :] != 0)
        rows = np.flatnonzero(both.any(1))
        if not len(rows):
            continue
        # Shape: line, partner, total.
        total = (values[rows, a : a + 1] + values[rows][:, a + 1 :])[:, :, None]
        slack = (halves[rows, a : a + 1] + halves[rows][:, a + 1 :])[:, :, None] + halves[rows][:, None, :]
        stated = values[rows][:, None, :]
        difference = np.abs(total - stated)
        fits = both[rows][:, :, None] & (stated != 0) & (difference <= slack * (1 + 1e-9) + 1e-12 * np.abs(stated))
        if not fits.any():
            continue
        line, partner, target = np.nonzero(fits)
        smaller = np.minimum(np.abs(values[rows[line], a]), np.abs(values[rows[line], a + 1 + partner]))
        smaller = np.minimum(smaller, np.abs(values[rows[line], target]))
        gain = np.log2(1 + smaller / (2 * difference[line, partner, target] + units[rows[line], target]))
        bits = np.zeros((width - a - 1, width))
        np.add.at(bits, (partner, target), gain)
        for p, t in zip(*np.nonzero(bits >= 10 + np.log2(max(1, len(chosen) / 8))), strict=True):
            if t not in (a, a + 1 + p):
                yield kept[t], (kept[a], kept[a + 1 + p])


def _sides(positions: Sequence[int], total: int) -> Iterator[list[int]]:
    yield [q for q in positions if q != total]
    yield [q for q in positions if q < total]
    yield [q for q in positions if q > total]


def fitted(lines: Lines, positions: Sequence[int]) -> Iterator[Candidate]:
    """Give totals of any positions, by least squares where there are more lines than positions."""
    kept = [q for q in positions if (lines.zeroed[:, q] != 0).sum() >= 2]
    sides = [(t, others) for t in kept for others in _sides(kept, t)]
    for t, others in sides:
        if len(others) < 2:
            continue
        rows = np.flatnonzero(lines.there[:, t] & (lines.zeroed[:, t] != 0) & lines.there[:, others].any(1))
        if len(rows) < len(others) + 2:
            continue
        rows = rows[:: max(1, len(rows) // (8 * len(others)))]
        stated = lines.zeroed[rows, t]
        scaled = part_of(lines.zeroed, rows, others) / stated[:, None]
        for _ in range(2):
            weights = np.linalg.lstsq(scaled, np.ones(len(scaled)), rcond=None)[0]
            off = np.abs(scaled @ weights - 1)
            bad = off > max(1e-6, 5 * float(np.median(off)))
            if not bad.any() or len(off) - bad.sum() < len(others) + 2:
                break
            scaled = scaled[~bad]
        whole = np.rint(weights)
        if (np.abs(weights - whole) < 0.02).all() and set(whole) <= {0.0, 1.0} and whole.sum() >= 2:
            yield t, tuple(q for q, w in zip(others, whole, strict=True) if w)


def holed(lines: Lines, positions: Sequence[int]) -> Iterator[Candidate]:
    """Give runs that begin beside their total, less one position inside: it is what the run has too much."""
    chosen = sampled(lines, len(positions))
    values, halves = part_of(lines.zeroed, chosen, positions), part_of(lines.halves, chosen, positions)
    there = part_of(lines.there, chosen, positions)
    for k, total in enumerate(positions):
        rows = np.flatnonzero(there[:, k] & (values[:, k] != 0))
        if len(rows) < 2:
            continue
        stated, slack = values[rows, k : k + 1], halves[rows, k : k + 1]
        for forward in (True, False):
            beside = slice(k + 1, None) if forward else slice(k - 1, None, -1) if k else slice(0, 0)
            side, near = values[rows, beside], halves[rows, beside]
            over = np.cumsum(side, axis=1) - stated
            reach = (np.cumsum(near, axis=1) + slack) * (1 + 1e-9)
            for end in range(LEAST_HOLED - 1, side.shape[1]):
                fits = (np.abs(side[:, :end] - over[:, end : end + 1]) <= reach[:, end : end + 1]) & (side[:, :end] != 0)
                for hole in np.flatnonzero(fits.sum(0) >= max(2, len(rows) / 2)):
                    kept = [x for x in range(end + 1) if x != hole]
                    yield total, tuple(sorted(positions[k + 1 + x if forward else k - 1 - x] for x in kept))
