"""Real workbooks with their formulas hidden: what the audit discovers from the values; and marked formula faults.

``python bench/workbooks.py SHARED/workbooks [--show N]``.

Hidden: the cells' values alone are audited, the formulas are the labels. A sum is found if the audit states an equation
of the same cells (blank ones left out), in whatever order: total = items, or item = total - others. "Algebra": not the
same equation, but one that the workbook's own formulas make true (a total of leaves in place of subtotals), apart.
"But for 0": the same but for cells that hold 0, which no values can show. Precision counts the predicted sums whose
total has a SUM-shaped formula; "wrong" are those that its formula does not make true: they do hold in the values, so
those of a pattern in three lines or more are mostly a second identity (a row sum where the total row's formula adds up
the column; assets less liabilities), so precision is also given without them. A total
with a formula that leads to another sheet or cannot be read is "unread", one without a formula "unlabelled".
Formulas of fewer than two figures, or without a figure of their own, are no labels; nor are sums of nothing but 0.

Faults: the workbook as it is, with its formulas, against the cells that people marked in ``annotations.json``: how many
lie in a finding (its cells, suspects or reasons), how many findings touch none of them, and how many of these lie on
sheets that people went through and marked nothing on.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from formulas import Formula, Linear, Position, formula_of
from shared import accusations, formula, said, share, show

from tulosvahti.audit.audit import audit_table
from tulosvahti.core.audited import AuditedRelation, AuditedTable
from tulosvahti.core.sheet import Sheet, a1
from tulosvahti.core.table import Table, table_of
from tulosvahti.load.sheets import read_sheets

FUNCTIONS = ("average", "share", "relative_change")
DEEPEST = 40
TYPED = Formula("typed")


@dataclass
class Labels:
    """The formulas of one sheet; ``sums`` and ``ratios`` are what can be rediscovered."""

    every: dict[Position, Formula]
    sums: dict[Position, Linear] = field(default_factory=dict)
    zero: set[Position] = field(default_factory=set)
    ratios: dict[Position, Formula] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def labels_of(sheet: Sheet, table: Table) -> Labels:
    """Read the formulas of a sheet against the figures of the table."""
    labels = Labels({(r, c): formula_of(cell.formula) for r, row in enumerate(sheet.rows) for c, cell in enumerate(row) if cell.formula})
    for place, one in labels.every.items():
        figures = [(cell, w) for cell, w in one.terms if cell in table.numbers]
        if one.kind in {"other", "copy", "typed"}:
            labels.counts[one.kind] += 1
        elif place not in table.numbers or len(figures) < 2:
            labels.counts["no figures"] += 1
        elif one.kind == "sum":
            labels.sums[place] = Counter(dict(figures))
            if not any(table.numbers[cell].value for cell, _ in figures):
                labels.zero.add(place)
        else:
            labels.ratios[place] = replace(one, terms=tuple(figures))
    return labels


def equation(total: Position, items: Mapping[Position, int]) -> frozenset[tuple[Position, int]]:
    """Write total = items as one equation, whatever stands on which side."""
    terms = Counter(items)
    terms[total] -= 1
    turn = 1 if min((p, n) for p, n in terms.items() if n)[1] > 0 else -1
    return frozenset((p, turn * n) for p, n in terms.items() if n)


def leaves(labels: Labels, terms: Mapping[Position, int], deep: int = 0) -> Linear:
    """Replace cells by what their formulas add up, down to cells without such a formula."""
    result: Linear = Counter()
    for cell, n in terms.items():
        one = labels.every.get(cell)
        if one is None or one.kind not in {"sum", "copy"} or deep > DEEPEST:
            result[cell] += n
            continue
        for leaf, m in leaves(labels, dict(one.terms), deep + 1).items():
            result[leaf] += n * m
    return Counter({cell: n for cell, n in result.items() if n})


def missing(labels: Labels, table: Table, total: Position, items: Mapping[Position, int]) -> str:
    """Tell what keeps the workbook's formulas from making an equation true: nothing, cells of 0, others; blanks do not count."""
    terms = Counter(items)
    terms[total] -= 1
    left = [table.numbers[cell].value for cell in leaves(labels, terms) if cell in table.numbers]
    return "others" if any(left) else "zeros" if left else "nothing"


def compare(labels: Labels, audited: AuditedTable) -> tuple[Counter[str], list[str]]:
    """Hold the discovered sums and ratios against the labels."""
    table, counts, off = audited.table, Counter(labels.counts), []
    gold = {equation(total, items): total for total, items in labels.sums.items()}
    found: set[Position] = set()
    implied: set[Position] = set()
    lines = Counter(r.pattern for r in audited.relations if r.state == "holds")
    for relation in audited.relations:
        if relation.state != "holds" or relation.function not in {"sum", "difference"}:
            continue
        items = Counter({i: w for i, w in zip(relation.items, relation.weights, strict=True) if i in table.numbers})
        hit = gold.get(equation(relation.total, items))
        one = labels.every.get(relation.total, TYPED)
        lacking = missing(labels, table, relation.total, items)
        if hit is not None:
            found.add(hit)
            counts["right"] += 1
        elif lacking != "others":
            implied |= {relation.total, *items} & set(labels.sums)
            counts["by algebra" if lacking == "nothing" else "but for 0"] += 1
        elif one.kind == "typed":
            counts["unlabelled"] += 1
        elif one.kind in {"other", "copy"}:
            counts["unread"] += 1
        else:
            counts["wrong"] += 1
            counts["wrong in lines"] += lines[relation.pattern] >= 3
            off.append(f"wrong: {formula(relation)}, in {lines[relation.pattern]} lines")
    wanted = set(labels.sums) - labels.zero
    counts["sums"], counts["zero"] = len(wanted), len(labels.zero)
    counts["found"] = len(found & wanted)
    totals = {r.total for r in audited.relations if r.state == "holds"} & implied
    counts["found by algebra"] = len((totals & wanted) - found)
    off += [f"missed: {_shown(place, labels.sums[place], table)}" for place in sorted(wanted - found - totals)]
    ratios, missed = _ratios(labels, audited)
    return counts + ratios, off + missed


def _ratios(labels: Labels, audited: AuditedTable) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    off: list[str] = []
    predicted: dict[Position, list[AuditedRelation]] = defaultdict(list)
    for relation in audited.relations:
        if relation.state == "holds":
            predicted[relation.total].append(relation)
    for place, one in labels.ratios.items():
        cells = [cell for cell, _ in one.terms]
        counts[one.kind] += 1
        hit = any(r.function == one.kind and _same(r, cells, audited.table) for r in predicted[place])
        counts[f"{one.kind} found"] += hit
        if not hit:
            off.append(f"missed: {a1(*place)} ({audited.table.numbers[place].value}) = {one.kind} of {' '.join(a1(*c) for c in cells)}")
    return counts, off


def _same(relation: AuditedRelation, cells: list[Position], table: Table) -> bool:
    items = [i for i in relation.items if i in table.numbers]
    return set(items) == set(cells) if relation.function == "average" else items == cells


def _shown(place: Position, items: Mapping[Position, int], table: Table) -> str:
    terms = " ".join(f"{'-' if n < 0 else ''}{a1(*cell)}" for cell, n in items.items())
    return f"{a1(*place)} ({table.numbers[place].value}) = {terms[:120]}"


def hidden(sheet: Sheet) -> Sheet:
    """Leave the values alone."""
    return replace(sheet, rows=tuple(tuple(replace(cell, formula="") for cell in row) for row in sheet.rows))


def marked_of(path: Path) -> dict[str, dict[str, set[Position]]]:
    """Read the marked cells by workbook and sheet; the file counts columns and rows from 1."""
    books = json.loads(path.read_text(encoding="utf-8"))
    return {
        book: {name.strip(): {(row - 1, column - 1) for column, row, *_ in sheet["bugs"]} for name, sheet in sheets.items()}
        for book, sheets in books.items()
    }


def faults(audited: AuditedTable, marked: set[Position] | None) -> tuple[Counter[str], list[str]]:
    """Hold the findings of a sheet with its formulas against the marked cells; None: nobody went through the sheet."""
    counts: Counter[str] = Counter()
    lines: list[str] = []
    seen: set[Position] = set()
    for finding in audited.findings:
        cells = {*finding.suspects, *finding.because}
        hits = cells & (marked or set())
        seen |= hits
        if finding.explained:
            counts["explained"] += 1
        elif hits:
            counts["findings on them"] += 1
        elif marked is None:
            counts["on other sheets"] += 1
        else:
            counts["false alarms"] += 1
            lines.append(f"elsewhere: {said(finding)}")
    counts["marked"], counts["found"] = len(marked or ()), len(seen)
    if missed := sorted((marked or set()) - seen):
        lines.append(f"not found: {' '.join(a1(*c) for c in missed[:30])}")
    return counts, lines


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, help="holds the workbooks and annotations.json")
    arguments.add_argument("--show", type=int, default=0, metavar="N", help="list up to N disagreements of each sheet")
    given = arguments.parse_args()
    marked = marked_of(given.folder / "annotations.json")
    found: dict[str, Counter[str]] = {}
    judged: dict[str, Counter[str]] = {}
    notes: list[str] = []
    for path in sorted(given.folder.glob("*.xls*")):
        found[path.name], judged[path.name] = Counter(), Counter()
        for sheet in read_sheets(path).sheets:
            plain = hidden(sheet)
            table = table_of(plain)
            if not table.numbers:
                continue
            audited = audit_table(table)
            counts, off = compare(labels_of(sheet, table), audited)
            found[path.name] += counts
            accused = accusations(audited)
            found[path.name]["accused"] += len(accused)
            notes += [f"{sheet.source}: {line}" for line in [*off, *(f"accused: {line}" for line in accused)][: given.show]]
            marks = marked.get(path.name, {}).get(sheet.source.partition("!")[2].strip())
            counts, off = faults(audit_table(table_of(sheet)), marks)
            judged[path.name] += counts
            notes += [f"{sheet.source}: formulas: {line}" for line in off[: given.show]]
    print_found(found)
    print_judged(judged)
    if notes:
        print("\n" + "\n".join(notes))


def print_found(found: Mapping[str, Counter[str]]) -> None:
    """Print what was discovered from values."""
    total: Counter[str] = sum(found.values(), Counter())
    rows = [_found_row(name, c) for name, c in [*found.items(), ("all", total)]]
    show("Formulas hidden: sums rediscovered from values", ("workbook", "sums", "found", "by algebra", "recall", "with algebra",
         "predicted", "right", "by algebra", "but for 0", "wrong", "in 3 lines", "unread", "unlabelled", "precision", "without those", "all zero", "accusations"), rows)  # fmt: skip
    rows = [(name, total[name], total[f"{name} found"], share(total[f"{name} found"], total[name])) for name in FUNCTIONS]
    show("Other formulas rediscovered", ("function", "labels", "found", "recall"), rows)
    print(f"\nFormulas that are no label: {total['other']} other, {total['copy']} copies, {total['typed']} typed numbers, {total['no figures']} without figures.")


def _found_row(name: str, c: Counter[str]) -> Sequence[object]:
    right = c["right"] + c["by algebra"] + c["but for 0"]
    return (
        name, c["sums"], c["found"], c["found by algebra"], share(c["found"], c["sums"]),
        share(c["found"] + c["found by algebra"], c["sums"]),
        right + c["wrong"] + c["unread"] + c["unlabelled"], c["right"], c["by algebra"], c["but for 0"], c["wrong"], c["wrong in lines"], c["unread"], c["unlabelled"],
        share(right, right + c["wrong"]), share(right, right + c["wrong"] - c["wrong in lines"]), c["zero"], c["accused"],
    )  # fmt: skip


def print_judged(judged: Mapping[str, Counter[str]]) -> None:
    """Print how marked faults fared."""
    names = ("marked", "found", "findings on them", "false alarms", "on other sheets", "explained")
    total: Counter[str] = sum(judged.values(), Counter())
    rows = [(name, *(c[n] for n in names), share(c["found"], c["marked"])) for name, c in [*judged.items(), ("all", total)]]
    show("Formulas shown: cells that people marked as faults", ("workbook", *names, "found %"), rows)


if __name__ == "__main__":
    main()
