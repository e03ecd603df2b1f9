"""An audit on the terminal: each table around its broken cells, a sentence for each finding, a line that sums it up.

Signs carry the meaning, colour repeats it: ``▶ ◀`` wrong, ``?`` perhaps wrong, ``*`` a remark.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text

from tulosvahti.core.sheet import column_letters
from tulosvahti.emit.audit_cells import marks, notices_of, row_label, source_text
from tulosvahti.emit.audit_view import (
    Counts,
    body_rows,
    cell_shown,
    counts,
    has_something,
    heading,
    number_columns,
    ranked,
    shown_rows,
    unit_text,
    with_gaps,
)
from tulosvahti.emit.audit_words import finding_text, notice_text, relation_text, tie_text
from tulosvahti.emit.words import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from tulosvahti.core.audited import Audit, AuditedTable, AuditFinding
    from tulosvahti.core.table import Table

WIDEST = 120
"""Sentences are no wider, however wide the terminal is."""
ROWS = 14
FINDINGS = 12
NOTICES = 4
LINES = 12
"""So many tables with nothing wrong have a line each; beyond that they share one."""
_STYLES = {"wrong": "bold red", "doubt": "bold yellow", "remark": "cyan", "right": "green"}
_SIGNS = {"wrong": "✗", "doubt": "?", "remark": "*"}
_MARKED = {"wrong": "▶{}◀", "doubt": "?{} ", "remark": "*{} "}
_LINE = re.compile(r"(\d+):\d+$")
_NARROWEST = 9
_LONGEST_WORD = 14
LONGEST_HEAD = 36


def show_audit(audit: Audit, console: Console, language: str, *, every: bool = False) -> None:
    """Print an audit; ``every``: all tables whole, with all their relations, findings and notices."""
    quiet = [t for t in audit.tables if not every and not has_something(t)]
    silent = {id(t) for t in quiet if not notices_of(t)} if len(quiet) > LINES else set()
    after_line = False
    for number, audited in enumerate(audit.tables):
        if id(audited) in silent:
            continue
        whole = every or has_something(audited)
        if number and not (after_line and not whole):
            console.print()
        if whole:
            _show(audited, console, language, every=every)
        else:
            _line(audited, console, language)
        after_line = not whole
    if silent:
        empty = sum(not t.relations for t in quiet if id(t) in silent)
        console.print()
        if len(silent) > empty:
            console.print(Text(f"✓ {word('audit.clean_tables', language, count=len(silent) - empty)}", style="green"))
        if empty:
            console.print(Text(f"○ {word('audit.empty_tables', language, count=empty)}", style="dim"))
    _ties(audit, console, language, every=every)
    console.print()
    _summary(audit, console, language)


def _show(audited: AuditedTable, console: Console, language: str, *, every: bool) -> None:
    facts = [fact for _, fact in counts(audited).facts(language)]
    facts = [fact.replace(" ", "\u00a0") for fact in (*facts, unit_text(audited, language)) if fact]
    source = source_text(audited.table.source, language)
    first, *rest = wrapped(f"{source}  {' · '.join(facts)}", min(console.width, WIDEST))
    name, facts_there = first[: len(source)], first[len(source) :]
    console.print(Text(name, style="bold").append(facts_there, style="not bold dim"), no_wrap=True, crop=False)
    for line in rest:
        console.print(Text(f"  {line}", style="dim"), no_wrap=True, crop=False)
    console.print(_grid(audited, console.width, language, every=every))
    findings = audited.findings if every else audited.findings[:FINDINGS]
    _sentences(console, [(kind_of(f), finding_text(audited, f, language)) for f in findings])
    if len(findings) < len(audited.findings):
        _sentences(console, [("", word("audit.more", language, count=len(audited.findings) - len(findings)))])
    if every:
        _sentences(console, [("", relation_text(audited, r, language)) for r in audited.relations])
    _notices(audited, console, language, every=every)


def _line(audited: AuditedTable, console: Console, language: str) -> None:
    """Say of a table with nothing wrong that it holds."""
    found = counts(audited)
    source = source_text(audited.table.source, language)
    if not found.relations:
        console.print(Text(f"○ {source}: {word('audit.no_relations', language)}", style="dim"))
    else:
        facts = [fact.removeprefix("✓ ") for _, fact in found.facts(language)] + [unit_text(audited, language)]
        line = Text("✓ ", style="green").append(f"{source}: ", style="default")
        console.print(line.append(" · ".join(fact for fact in facts if fact), style="dim"))
    _notices(audited, console, language, every=False)


def kind_of(finding: AuditFinding) -> str:
    """Give the mark of a finding: ``wrong``, ``doubt`` or ``remark``."""
    return "remark" if finding.explained else "wrong" if finding.cells else "doubt"


def _sentences(console: Console, texts: Iterable[tuple[str, str]], style: str = "") -> None:
    """Print sentences, each with its sign before its first line."""
    for kind, text in texts:
        lines = wrapped(text, min(console.width, WIDEST) - 4)
        for number, line in enumerate(lines):
            sign = Text(f"  {_SIGNS.get(kind, kind) if not number else ' '} ", style=_STYLES.get(kind, style))
            console.print(sign.append(line, style=style or "default"), no_wrap=True, crop=False)


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines at its spaces, never at the no-break spaces inside a number."""
    lines: list[str] = []
    for part in text.split(" "):
        if lines and cell_len(lines[-1]) + 1 + cell_len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def _notices(audited: AuditedTable, console: Console, language: str, *, every: bool) -> None:
    notices = notices_of(audited)
    texts = [notice_text(notice, language) for notice in (notices if every else notices[:NOTICES])]
    if audited.left_out:
        what = [word(key, language) if (key := f"audit.function.{name}") else name for name in audited.left_out]
        texts.append(word("audit.left_out", language, what=", ".join(what)))
    if len(notices) > NOTICES and not every:
        texts.append(word("audit.more", language, count=len(notices) - NOTICES))
    _sentences(console, (("·", text) for text in texts), "dim")


# the table


def _grid(audited: AuditedTable, width: int, language: str, *, every: bool) -> Grid:
    """Lay out the rows and columns that matter within a width."""
    table = audited.table
    rows = body_rows(audited) if every else shown_rows(audited, ROWS)
    gapped = with_gaps(rows, body_rows(audited))
    texts = _texts(audited, rows, language)
    numbers = [_row_number(table, row) for row in rows]
    labels = [f"⊘ {label}" if row in table.sheet.hidden_rows else label for row, label in _labels(table, rows)]
    side = max((len(text) for text in numbers), default=1)
    label_width = min(max((cell_len(text) for text in labels), default=4), max(16, width * 27 // 100))
    columns, widths = _columns(audited, rows, texts, width - side - label_width - 4)
    shown = with_gaps(columns, number_columns(audited))
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("", justify="right", width=side, style="dim", no_wrap=True)
    grid.add_column("", width=label_width, no_wrap=True, overflow="ellipsis")
    heads = {c: _folded(_head(table, rows, c), widths[c]) for c in columns}
    tallest = max(map(len, heads.values()), default=0)
    for column in shown:
        if column is None:
            grid.add_column("…", width=1, style="dim")
        else:
            head = _heading(table, column, [""] * (tallest - len(heads[column])) + heads[column])
            grid.add_column(head, justify="right", width=widths[column], no_wrap=True)
    totals = {r.total[0] for r in audited.relations if r.axis == "column"}
    for row in gapped:
        if row is None:
            grid.add_row("⋮", "", *["" if column is None else "⋮" for column in shown], style="dim")
            continue
        at = rows.index(row)
        cells = [
            Text("…") if c is None else Text(texts[row, c][0], style=_STYLES.get(texts[row, c][1], "")) for c in shown
        ]
        hidden = row in table.sheet.hidden_rows
        grid.add_row(numbers[at], Text(labels[at]), *cells, style="dim" if hidden else "bold" if row in totals else "")
    return grid


def _texts(audited: AuditedTable, rows: Sequence[int], language: str) -> dict[tuple[int, int], tuple[str, str]]:
    """Give each cell's text with its mark; where a column has a mark the others keep its place free."""
    found = marks(audited)
    columns = number_columns(audited)
    marked = {c for r, c in found if r in set(rows)}
    result = {}
    for row in rows:
        for column in columns:
            text = cell_shown(audited.table, (row, column), language)
            mark = found.get((row, column), ("", ()))[0]
            if mark:
                text = _MARKED[mark].format(text or "–")
            elif column in marked:
                text += " "
            result[row, column] = text, mark
    return result


def _columns(
    audited: AuditedTable, rows: Sequence[int], texts: dict[tuple[int, int], tuple[str, str]], room: int
) -> tuple[list[int], dict[int, int]]:
    """Choose the columns that fit, the highest ranked first, with room for the signs of what is left out."""
    table = audited.table
    ranks = ranked(audited, 1)
    columns = number_columns(audited)
    widths = {}
    for column in columns:
        words = _head(table, rows, column).split()
        longest = min(max(map(cell_len, words), default=0), _LONGEST_WORD)
        widths[column] = max([_NARROWEST, longest, *(cell_len(texts[row, column][0]) for row in rows)])
    taken: list[int] = []
    for column in sorted(columns, key=lambda c: (ranks.get(c, 9), c)):
        trial = sorted([*taken, column])
        gaps = sum(one is None for one in with_gaps(trial, columns))
        if sum(widths[c] + 2 for c in trial) + 3 * gaps <= room or not taken:
            taken = trial
    return taken, widths


def _head(table: Table, rows: Sequence[int], column: int) -> str:
    return heading(table, rows, column, LONGEST_HEAD).replace("_", " ")


def _folded(text: str, width: int) -> list[str]:
    """Break a heading into lines; a word that is too long is cut."""
    return [line if cell_len(line) <= width else f"{line[: width - 1]}…" for line in wrapped(text, width)]


def _heading(table: Table, column: int, lines: Sequence[str]) -> Text:
    """Give a heading with the column's letter above it, where the source has one."""
    first = next((p for p in table.numbers if p[1] == column), (0, column))
    text = Text()
    if not table.sheet.at(*first).place:
        sign = "⊘ " if column in table.sheet.hidden_columns else ""
        text.append(f"{sign}{column_letters(column)}\n", style="dim")
    return text.append("\n".join(lines))


def _row_number(table: Table, row: int) -> str:
    """Give the row's number in its sheet, or its line in a text."""
    places = (table.sheet.at(row, c).place for c in range(table.width))
    found = next((line for place in places if (line := _LINE.search(place))), None)
    return found[1] if found else str(row + 1)


def _labels(table: Table, rows: Sequence[int]) -> list[tuple[int, str]]:
    return [(row, row_label(table, row, 60)) for row in rows]


# the end


def _ties(audit: Audit, console: Console, language: str, *, every: bool) -> None:
    ties = [tie for tie in audit.ties if every or tie.state not in {"agrees", "rounding"}]
    if not ties:
        return
    console.print()
    console.print(Text(word("audit.ties", language), style="bold"))
    kinds = {"differs": "wrong", "moved": "remark", "unit": "remark"}
    shown = ties if every else ties[:FINDINGS]
    _sentences(console, [(kinds.get(tie.state, ""), tie_text(audit, tie, language)) for tie in shown])
    if len(shown) < len(ties):
        _sentences(console, [("", word("audit.more", language, count=len(ties) - len(shown)))])


def _summary(audit: Audit, console: Console, language: str) -> None:
    total = sum((counts(audited) for audited in audit.tables), Counts())
    items = [("bold", f"{word('audit.tables', language)} {len(audit.tables)}")]
    items += [("bold", f"{word('audit.relations', language)} {total.relations}")]
    items += [(_STYLES[kind], fact) for kind, fact in total.facts(language)]
    line = Text()
    for style, text in items:
        if line and cell_len(line.plain) + 2 + cell_len(text) > min(console.width, WIDEST):
            console.print(line, no_wrap=True)
            line = Text()
        line.append("  " if line else "").append(text, style=style)
    console.print(line, no_wrap=True)
