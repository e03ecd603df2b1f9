"""A city's cash reports: clean rows must stay unaccused, natural faults of the extraction must be named.

``python bench/cash_reports.py SHARED/cash-reports [--show]``.

Cleaned: every file as a table of categories by twelve months and their total; each finding and each broken relation is
a false alarm. Extracted: every page as it is read and audited; its rows are matched to the cleaned ones by their
values, and a cell is wrong if what stands in it is not how the cleaned value would be printed: a decimal comma
("14,0"), other digits, garbage or nothing. "Read right": the reading gives the cleaned value all the same, so the cell
needs no finding. A wrong cell in a row of twelve months and a total that are numbers but for it, and in which it alone
is misread, can be named: "named and right" is a finding of that cell, or one whose only remedy it is, with the cleaned value, "suspected" is one among
others. A finding is "on no wrong cell" if neither its cells and suspects (nor, where it names none, the cells of its
relations) are known to be wrong: the page's other columns are not in the cleaned data, so look at each (``--show``);
"on clean rows" are those that suspect a cell of a row in which all is read right.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from shared import accusations, audited_text, said, share, show

from tulosvahti.audit.audit import audit_table
from tulosvahti.core.audited import AuditedTable, AuditFinding
from tulosvahti.core.sheet import Sheet, a1
from tulosvahti.core.table import Table, table_of
from tulosvahti.load.sheets import read_sheets

MONTHS = 12
KINDS = ("comma", "digits", "garbage", "empty")


@dataclass
class Wrong:
    """A cell that is not printed as it should be."""

    place: tuple[int, int]
    text: str
    right: Decimal
    kind: str
    read_right: bool
    alone: bool = False


@dataclass
class Page:
    """One extracted page: its wrong cells, and the rows in which all is read right."""

    name: str
    matched: int = 0
    clean: set[int] = field(default_factory=set)
    wrong: list[Wrong] = field(default_factory=list)


def cleaned_rows(path: Path) -> dict[str, list[Decimal]]:
    """Read a cleaned file: category to twelve months and total."""
    rows: dict[str, dict[int, Decimal]] = defaultdict(dict)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["category"]][int(row["fiscal_month"])] = Decimal(row["amount"])
    return {name: [months[m] for m in range(1, MONTHS + 2)] for name, months in rows.items() if len(months) == MONTHS + 1}


def matched(sheet: Sheet, table: Table, known: Mapping[str, Sequence[Decimal]]) -> Page:
    """Match rows to cleaned ones, most of whose figures they show, and look at each cell."""
    page = Page(sheet.source)
    left = dict(known)
    for row in range(len(sheet.rows)):
        numbers = {c: table.numbers[row, c].value for c in range(1, MONTHS + 2) if (row, c) in table.numbers}
        best = max(left, key=lambda name: _agreed(numbers, left[name]), default="")
        if not best or not _matches(numbers, left[best]):
            continue
        values = left.pop(best)
        page.matched += 1
        wrong = [one for k, v in enumerate(values, 1) if (one := _wrong(sheet, table, (row, k), v)) is not None]
        misread = [one for one in wrong if not one.read_right]
        present = sum((row, k) in table.numbers for k in range(1, MONTHS + 2))
        complete = present >= MONTHS + 1 - len(misread) and len(misread) == 1
        for one in misread:
            one.alone = complete
        page.wrong += wrong
        if not misread:
            page.clean.add(row)
    return page


def _agreed(numbers: Mapping[int, Decimal], values: Sequence[Decimal]) -> tuple[int, int]:
    """Count the figures that agree: those that are not 0 first."""
    same = [v for k, v in enumerate(values, 1) if numbers.get(k) == v]
    return sum(map(bool, same)), len(same)


def _matches(numbers: Mapping[int, Decimal], values: Sequence[Decimal]) -> bool:
    telling, same = _agreed(numbers, values)
    return same >= 7 and telling >= 1 and 2 * telling >= sum(map(bool, values))


def _wrong(sheet: Sheet, table: Table, place: tuple[int, int], right: Decimal) -> Wrong | None:
    text = sheet.at(*place).text.strip()
    number = table.numbers.get(place)
    read = number is not None and number.value == right
    plain = text.replace("$", "").strip()
    shown = f"{abs(right):,.1f}"
    if plain in ({shown, f"-{shown}", f"({shown})"} if right else {shown, "", "-", "0"}):
        return None
    if not text:
        return Wrong(place, text, right, "empty", read)
    if not any(c.isdigit() for c in text) or any(c.isalpha() for c in text):
        return Wrong(place, text, right, "garbage", read)
    kind = "comma" if "," in plain and [c for c in plain if c.isdigit()] == [c for c in shown if c.isdigit()] else "digits"
    return Wrong(place, text, right, kind, read)


def _certain(finding: AuditFinding) -> list[tuple[tuple[int, int], Decimal | None]]:
    """Give the cells that a finding is sure of: its own, or those of its only remedy."""
    if not finding.cells and len(finding.remedies) == 1:
        return list(zip(finding.remedies[0].cells, finding.remedies[0].implied, strict=True))
    return list(zip(finding.cells, finding.implied, strict=True))


def judge(page: Page, audited: AuditedTable, counts: dict[str, Counter[str]], notes: list[str]) -> None:
    """Count what the findings say of the wrong cells and of the clean rows."""
    named = {cell: implied for f in audited.findings for cell, implied in _certain(f)}
    suspects = {cell for f in audited.findings for cell in f.suspects}
    bad = {one.place for one in page.wrong if not one.read_right}
    for one in page.wrong:
        c = counts[one.kind]
        c["cells"] += 1
        c["read right"] += one.read_right
        if one.read_right:
            c["accused though right"] += one.place in named
            continue
        c["alone in a complete row"] += one.alone
        right = one.place in named and named[one.place] == one.right
        how = "named and right" if right else "named, other value" if one.place in named else "suspected" if one.place in suspects else "missed"
        c[f"{how} (alone)" if one.alone else f"{how} (others)"] += 1
        if not right:
            notes.append(f"{page.name} {a1(*one.place)}: {one.text!r} for {one.right}: {how}{', alone' if one.alone else ''}")
    members = {r.id: {r.total, *r.items} for r in audited.relations}
    for finding in audited.findings:
        if finding.explained:
            continue
        counts["findings"]["all"] += 1
        cells = set(finding.suspects)
        counts["findings"]["without a cell"] += not cells
        if (cells or set().union(*(members[name] for name in finding.relations))) & bad:
            continue
        rows = {r for r, _ in cells} & page.clean
        counts["findings"]["on no wrong cell"] += 1
        counts["findings"]["on clean rows"] += bool(rows)
        counts["findings"]["certain on clean rows"] += bool({r for (r, _), _ in _certain(finding)} & page.clean)
        notes.append(f"{page.name}: no wrong cell in {said(finding)}")


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, help="holds cleaned/ and extracted/")
    arguments.add_argument("--show", action="store_true", help="list what is accused or missed")
    given = arguments.parse_args()
    notes: list[str] = []
    known = {path.stem: cleaned_rows(path) for path in sorted((given.folder / "cleaned").glob("*.csv"))}
    clean: Counter[str] = Counter()
    for name, rows in known.items():
        head = ["", *(f"Month {m}" for m in range(1, MONTHS + 1)), "Total"]
        table = [head, *([category, *map(str, values)] for category, values in rows.items())]
        audited, _ = audited_text(name, table)
        accused = accusations(audited)
        sums = {r.total[0] for r in audited.relations if r.axis == "row" and r.function == "sum" and r.state == "holds"}
        clean += Counter(
            files=1, rows=len(rows), related=len(sums), findings=sum(not f.explained for f in audited.findings),
            broken=len(audited.broken), accused=bool(accused),
        )  # fmt: skip
        notes += [f"cleaned {name}: {line}" for line in accused]
    show("Cleaned files", ("files", "rows", "row sums found", "findings", "broken relations", "files accused"),
         [[clean[n] for n in ("files", "rows", "related", "findings", "broken", "accused")]])  # fmt: skip
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted((given.folder / "extracted").glob("*.csv")):
        quarter = path.name.partition("-pg")[0].replace("_", "-")
        rows = {f"{kind} {name}": v for kind in ("revenue", "spending") for name, v in known.get(f"{quarter}-{kind}", {}).items()}
        for sheet in read_sheets(path).sheets:
            table = table_of(sheet)
            page = matched(sheet, table, rows)
            counts["pages"]["all"] += 1
            counts["rows"]["matched"] += page.matched
            counts["rows"]["read right"] += len(page.clean)
            judge(page, audit_table(table), counts, notes)
    print_counts(counts)
    if given.show:
        print("\n" + "\n".join(notes))


def print_counts(counts: Mapping[str, Counter[str]]) -> None:
    """Print what was found on the extracted pages."""
    print(f"\n{counts['pages']['all']} extracted pages, {counts['rows']['matched']} rows matched, {counts['rows']['read right']} of them read right.")
    names = ("named and right", "named, other value", "suspected", "missed")
    total: Counter[str] = sum((counts[kind] for kind in KINDS), Counter())
    rows = []
    for kind, c in [*((kind, counts[kind]) for kind in KINDS), ("all", total)]:
        alone = c["alone in a complete row"]
        rows.append((kind, c["cells"], c["read right"], c["accused though right"], alone, *(c[f"{n} (alone)"] for n in names),
                     share(c["named and right (alone)"], alone), *(c[f"{n} (others)"] for n in names)))  # fmt: skip
    show("Wrong cells of the extracted pages", ("printed wrong", "cells", "read right", "of these accused", "misread, alone in a complete row",
         *names, "named and right %", *(f"others: {n}" for n in names)), rows)  # fmt: skip
    found = counts["findings"]
    names = ("all", "without a cell", "on no wrong cell", "on clean rows", "certain on clean rows")
    show("Findings on the extracted pages", names, [[found[n] for n in names]])


if __name__ == "__main__":
    main()
