"""Which conditions of a pass are folded: as many as leave few groups, the surest first; a sample of the rows tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.compute.cells_sql import Draft

MOST_GROUPS = 50_000
"""Groups of one pass; of many more, rows are counted faster than folded."""


def folded(draft: Draft, sample: str, run: Callable[[str], list[tuple[Any, ...]]]) -> list[str]:
    """Choose among the foldable conditions of a draft; ``sample``: some rows of its table, in its place.

    Raises:
        NotComputedError: the sample could not be read.

    """
    names = draft.foldable()
    every = len(names)
    while names:
        groups, once, twice, *said = run(draft.groups(names, sample))[0]
        # Each group holds the parts of what is not folded.
        if _expected(groups, once, twice) * (1 + every - len(names)) <= MOST_GROUPS:
            break
        sure = {name: max(said[at * 3 : at * 3 + 3], key=lambda count: count or 0) or 0 for at, name in enumerate(names)}
        names = sorted(names, key=lambda name: -sure[name])[: len(names) // 2]
    return names


def _expected(groups: int, once: int, twice: int) -> float:
    """Guess the number of groups of all rows: those seen, and by how rarely they were seen, those not seen (Chao's estimate)."""
    return groups + once * once / (2 * max(twice, 1))
