"""A page of text cut into the runs of lines that can be tables, prose left out, broken labels joined.

Convention: lines count from 0 on the page. A run needs two rows that end in numbers; where every row ends in one number
only, three, for prose does that too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.core.regroup_words import Row, absorb, figure, is_year, read_row

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TEXT_BETWEEN = 3
MOST_BLANK_BETWEEN = 4
MOST_HEADER = 100
LONG_LINE = 90
PROSE_WORDS = 9


@dataclass(frozen=True)
class Run:
    """Lines that can be a table: ``header`` above it, ``texts`` between its rows that are no row's label.

    ``headings``: rows of years or of column numbers, with the lines they stand on; ``width``: how many these name.
    """

    rows: tuple[Row, ...]
    header: tuple[int, ...] = ()
    texts: tuple[int, ...] = ()
    headings: tuple[Row, ...] = ()
    width: int = 0


def runs_of(lines: Sequence[str]) -> list[Run]:
    """Cut a page into runs, in order."""
    found = {i: row for i, text in enumerate(lines) if (row := read_row(i, text)) is not None and not _sentence(row)}
    kept: list[list[Row]] = []
    for i in sorted(found):
        if kept and _goes_on(lines, kept[-1][-1].line, i):
            kept[-1].append(found[i])
        else:
            kept.append([found[i]])
    result: list[Run] = []
    end = 0
    for rows in kept:
        run = _run(lines, rows, end)
        if run is not None:
            result.append(run)
            end = max(rows[-1].line, *run.rows[-1].carried) + 1 if run.rows[-1].carried else rows[-1].line + 1
    return result


def parts_of(run: Run, lines: Sequence[str]) -> list[Run]:
    """Cut a run where text and blank lines stand between its rows: tables that stand close together."""
    usual = _usual_gap(run.rows)
    groups: list[list[Row]] = [[run.rows[0]]]
    for before, row in zip(run.rows, run.rows[1:], strict=False):
        between = [i for i in range(before.line + 1, row.line) if i not in before.carried + row.carried]
        texts = [i for i in between if lines[i].strip()]
        headed = any(before.line < h.line < row.line for h in run.headings)
        if headed or (texts and len(between) - len(texts) > usual * (len(texts) + 1)) or len(texts) > 1:
            groups.append([row])
        else:
            groups[-1].append(row)
    alone = [rows[0].line for rows in groups if len(rows) == 1]
    groups = [rows for rows in groups if len(rows) > 1]
    if len(groups) < 2:
        return [run]
    result: list[Run] = []
    previous = -1
    texts = sorted((*run.texts, *alone))
    for k, rows in enumerate(groups):
        first, last = rows[0].line, rows[-1].line
        # What stands after the last table's last row is its own.
        end = last if k + 1 < len(groups) else max((last, *texts))
        headings = tuple(h for h in run.headings if previous < h.line <= end)
        above = tuple(i for i in (*(() if k else run.header), *texts) if previous < i < first)
        inner = tuple(i for i in texts if first < i <= end)
        result.append(Run(tuple(rows), above, inner, headings, _named(headings)))
        previous = last
    return result


def _goes_on(lines: Sequence[str], before: int, row: int) -> bool:
    between = lines[before + 1 : row]
    texts = [t for t in between if t.strip()]
    return (
        len(texts) <= MOST_TEXT_BETWEEN
        and len(between) - len(texts) <= MOST_BLANK_BETWEEN
        and not any(_prose(t) for t in texts)
    )


def _prose(text: str) -> bool:
    stripped = text.strip()
    return "  " not in stripped and (len(stripped) > LONG_LINE or stripped.count(" ") >= PROSE_WORDS)


def _sentence(row: Row) -> bool:
    """Tell whether a line is a sentence that ends in a number by chance."""
    words = row.label.split()
    single = figure(" ".join(w.text for w in row.words)) is not None
    broken = any(w[-1] in ".,;:" and w[:1].isalnum() and len(w) > 2 for w in words[:-1])
    return single and (len(words) >= PROSE_WORDS or (len(words) >= 5 and broken))


def _is_heading(row: Row) -> bool:
    words = [w.text for w in row.words]
    if all(is_year(w) for w in words) and len(words) > 1:
        return True
    return len(words) > 2 and words == [str(n) for n in range(1, len(words) + 1)]


def _named(headings: Sequence[Row]) -> int:
    counts = Counter(len(h.words) for h in headings)
    return counts.most_common(1)[0][0] if len(counts) == 1 else 0


def _run(lines: Sequence[str], found: Sequence[Row], end: int) -> Run | None:
    headings = tuple(r for r in found if _is_heading(r))
    rows = _number_labels([r for r in found if r not in headings])
    if len(rows) < 2 or not _tabular(rows, lines):
        return None
    rows, taken = _join_labels(lines, rows, end, {h.line for h in headings})
    first = min(rows[0].line, *rows[0].carried) if rows[0].carried else rows[0].line
    header = _header(lines, first, end)
    last = rows[-1].line
    texts = tuple(
        i for i in range(first, last) if lines[i].strip() and i not in taken and not any(r.line == i for r in found)
    )
    return Run(tuple(rows), header, texts, headings, _named(headings))


def _number_labels(rows: Sequence[Row]) -> list[Row]:
    """Leave to the labels what counts them: years in every row's first place, ``Alue 1``, ``Alue 2``, ``Alue 3``."""
    alike: dict[str, list[int]] = {}
    for r, row in enumerate(rows):
        if len(row.words) > 1 and row.words[0].text.isdecimal():
            alike.setdefault(row.label, []).append(r)
    result = list(rows)
    for label, members in alike.items():
        first = [int(rows[r].words[0].text) for r in members]
        years = all(is_year(rows[r].words[0].text) for r in members)
        counted = all(b == a + 1 for a, b in pairwise(first))
        if label and counted and (len(members) >= 3 or (years and len(members) == 2)):
            pass
        elif not (not label and years and len(set(first)) == len(first) == len(rows) >= 3):
            continue
        for r in members:
            result[r] = absorb(rows[r], 1)
    return result


def _tabular(rows: Sequence[Row], lines: Sequence[str]) -> bool:
    """Tell a table from prose whose lines end in a number now and then."""
    wordy = sum(r.label.count(" ") >= PROSE_WORDS for r in rows)
    if 3 * wordy > len(rows):
        return False
    single = sum(figure(" ".join(w.text for w in r.words)) is not None for r in rows)
    if 2 * single <= len(rows):
        return True
    texts = sum(1 for i in range(rows[0].line, rows[-1].line) if lines[i].strip()) - len(rows) + 1
    return len(rows) >= 3 and texts < len(rows)


def _usual_gap(rows: Sequence[Row]) -> int:
    """Give how many lines usually stand between two rows: blank ones, in a page whose every line is parted."""
    gaps = Counter(b.line - a.line - 1 for a, b in pairwise(rows))
    return gaps.most_common(1)[0][0] if gaps else 0


def _join_labels(
    lines: Sequence[str], rows: Sequence[Row], end: int, heads: set[int]
) -> tuple[list[Row], set[int]]:
    """Join a label broken over lines to its row's; give also the lines that were taken."""
    apart = _usual_gap(rows) > 0
    where = {r.line for r in rows} | heads
    result: list[Row] = []
    taken: set[int] = set()
    for row in rows:
        above: list[int] = []
        i = row.line - 1
        while i >= end and lines[i].strip() and i not in where and i not in taken and not _prose(lines[i]):
            label = lines[above[0]].strip() if above else row.label
            if not (apart or not label or lines[i].rstrip().endswith("-") or _continues(label)):
                break
            above.insert(0, i)
            i -= 1
        if len(above) > MOST_TEXT_BETWEEN or (apart and i >= 0 and i in where):
            above = []
        below: list[int] = []
        i = row.line + 1
        while i < len(lines) and lines[i].strip() and i not in where and not _prose(lines[i]):
            if not (_continues(lines[i].strip()) and row.label):
                break
            below.append(i)
            i += 1
        if i in where or len(below) > 2:
            # The text stands right above another row: it may be that one's.
            below = []
        taken.update(above, below)
        label = ""
        for part in (*(lines[i].strip() for i in above), row.label, *(lines[i].strip() for i in below)):
            label = label[:-1] + part if label.endswith("-") and _continues(part) else f"{label} {part}".strip()
        result.append(replace(row, label=label, carried=(*above, *below)) if above or below else row)
    return result, taken


def _continues(text: str) -> bool:
    return text[:1].islower()


def _header(lines: Sequence[str], first: int, end: int) -> tuple[int, ...]:
    """Take the lines above a table as its header, up to prose, a wide blank or another table."""
    result: list[int] = []
    blank = 0
    for i in range(first - 1, max(end, first - MOST_HEADER) - 1, -1):
        if not lines[i].strip():
            blank += 1
            if blank > 2:
                break
            continue
        blank = 0
        if _prose(lines[i]):
            break
        result.append(i)
    return tuple(reversed(result))
