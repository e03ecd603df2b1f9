"""Running totals: a column in which each figure is the one above it plus the figure beside it (and so along rows).

A relation is of two lines, ``C5 = C4 + B5``, so that a wrong running total lies in two of them and can be pointed at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tulosvahti.audit.labelled import is_total

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.discovery.lines import Lines

WORDS = re.compile(r"kumul|cumul|kertym|running|to date|ytd|balance|saldo|ackum|hittills", re.IGNORECASE)
"""Without such a word the first running total must be the first figure added."""
LEAST_STEPS = 3
"""So many steps, at least, must hold."""
LEAST_SHARE = 0.6
LEAST_BITS = 30.0
MOST_POSITIONS = 60


def running_totals(lines: Lines, line_labels: Sequence[str]) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Give running position, added position, and the steps (line before, line) in which the one should follow.

    A step that does not hold is among them where those that hold are so many that it is a fault.
    """
    if len(lines.numeric) > MOST_POSITIONS:
        return
    kept = np.array([k for k in range(lines.count) if not is_total(line_labels[k])], int)
    for running in lines.numeric:
        for added in lines.numeric:
            if running == added:
                continue
            rows = kept[lines.there[kept, running] & lines.there[kept, added]]
            if len(rows) <= LEAST_STEPS:
                continue
            before, here = rows[:-1], rows[1:]
            steps = lines.zeroed[here, added]
            off = np.abs(lines.zeroed[here, running] - lines.zeroed[before, running] - steps)
            slack = lines.halves[here, running] + lines.halves[before, running] + lines.halves[here, added]
            holds = off <= slack + 1e-9 * np.abs(lines.zeroed[here, running])
            shows = holds & (np.abs(steps) > 2 * slack)
            if shows.sum() < LEAST_STEPS or shows.sum() < LEAST_SHARE * len(holds):
                continue
            sizes, first = np.unique(np.abs(steps[shows]), return_index=True)
            bits = float(np.log2(sizes / np.maximum(2 * slack[shows][first], 1e-12)).clip(0, 40).sum())
            starts = bool(abs(lines.zeroed[rows[0], running] - lines.zeroed[rows[0], added]) <= slack[0])
            if bits >= LEAST_BITS and (starts or WORDS.search(lines.labels[running])) and not _constant(steps):
                yield running, added, list(zip(before.tolist(), here.tolist(), strict=True))


def _constant(steps: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Tell whether every step is the same: an ordinal number counts, it adds nothing up."""
    return len(np.unique(steps)) < 3  # noqa: PLR2004

