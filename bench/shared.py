"""What the benchmarks of the audit share: text cells in, audited tables out, figures as Markdown tables.

Import it before anything that imports numpy: it keeps numpy to one thread, as two processes share two cores.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import csv
import io
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from tulosvahti.audit.audit import audit_table
from tulosvahti.core.audited import AuditedRelation, AuditedTable, AuditFinding, Position
from tulosvahti.core.sheet import Cell, Sheet, a1
from tulosvahti.core.table import table_of

Given = TypeVar("Given")
Got = TypeVar("Got")
Rows = Sequence[Sequence[str]]


def sheet_of(source: str, rows: Rows) -> Sheet:
    """Make a sheet of texts, as a CSV file gives them."""
    return Sheet(source, tuple(tuple(Cell(text) for text in row) for row in rows))


def audited_text(source: str, rows: Rows) -> tuple[AuditedTable, float]:
    """Audit a table of texts; give the seconds it took, too."""
    start = time.perf_counter()
    audited = audit_table(table_of(sheet_of(source, rows)))
    return audited, time.perf_counter() - start


def accusations(audited: AuditedTable) -> list[str]:
    """Say what of the table is accused: findings that nothing explains, and broken relations that no finding names."""
    named = {name for finding in audited.findings for name in finding.relations}
    loud = [said(finding) for finding in audited.findings if not finding.explained]
    return loud + [formula(relation) for relation in audited.broken if relation.id not in named]


def said(finding: AuditFinding) -> str:
    """Put a finding in one line."""
    cells = ", ".join(f"{a1(*c)} {s} -> {i}" for c, s, i in zip(finding.cells, finding.stated, finding.implied, strict=True))
    others = "; ".join(_remedy(remedy.cells, remedy.implied) for remedy in finding.remedies[:4]) if not finding.cells else ""
    because = f", because of {' '.join(map(places, [finding.because]))}" if finding.because else ""
    return f"{cells or f'one of {others}'} ({finding.cause}, {finding.explains} relations{because})"


def _remedy(cells: Sequence[Position], implied: Sequence[object]) -> str:
    return " with ".join(f"{a1(*cell)} -> {value}" for cell, value in zip(cells, implied, strict=True))


def formula(relation: AuditedRelation) -> str:
    """Put a relation in one line."""
    items = " ".join(f"{'-' if w < 0 else ''}{a1(*i)}" for i, w in zip(relation.items, relation.weights, strict=True))
    off = f", off by {relation.difference}" if relation.state == "broken" else ""
    return f"{a1(*relation.total)} = {relation.function} of {items} ({relation.state}{off})"


def places(cells: Iterable[Position]) -> str:
    """Name cells in A1 form."""
    return " ".join(a1(*cell) for cell in cells)


def as_csv(rows: Rows) -> str:
    """Show a table as lines of CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(rows)
    return text.getvalue()


def mapped(work: Callable[[Given], Got], given: Sequence[Given], jobs: int) -> Iterable[Got]:
    """Do the work in so many processes, in order."""
    if jobs <= 1:
        yield from map(work, given)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, given, chunksize=1)


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table; numbers to the right."""
    print(f"\n{title}\n" if title else "")
    texts = [[_text(value) for value in row] for row in rows]
    widths = [max(3, len(name), *(len(row[k]) for row in texts)) if texts else len(name) for k, name in enumerate(head)]
    print("| " + " | ".join(name.ljust(w) if k == 0 else name.rjust(w) for k, (name, w) in enumerate(zip(head, widths, strict=True))) + " |")
    print("| " + " | ".join("-" * w if k == 0 else "-" * (w - 1) + ":" for k, w in enumerate(widths)) + " |")
    for row in texts:
        print("| " + " | ".join(t.ljust(w) if k == 0 else t.rjust(w) for k, (t, w) in enumerate(zip(row, widths, strict=True))) + " |", flush=True)


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def share(part: int, whole: int) -> str:
    """Give a share in per cent, a dash where there is nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"
