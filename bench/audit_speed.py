"""Time and memory of the audit: one table, its growth, a workbook, a long book of text; medians of three runs.

``python bench/audit_speed.py [--runs 3] [--lines 45000] [--only table|growth|workbook|book]``.

Each run is a new process, forked after the first use of everything; "memory" is by how much its most resident memory
exceeds what it began with. "CPU s" is what the run and its own children computed: on a busy machine it tells more than
the seconds by the clock. "us/cell", of that, makes the growth readable: it stays level if growth is linear in cells. The
workbook is timed from the file to the last finding; the book from its pages of text (some 41 lines each) to the last
finding, recovering the cells apart from auditing them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from shared import audited_text, sheet_of, show

from tulosvahti.audit.audit import audit_table
from tulosvahti.core.page import TextPage
from tulosvahti.core.table import table_of
from tulosvahti.load.sheets import read_sheets

GROUP = 24
"""Rows under one subtotal."""
GROWTH = ((250, 30), (500, 30), (1000, 30), (2000, 30), (4000, 30), (100, 10), (100, 30), (100, 100))
PAGE = 41
NAMES = (
    "Toimintamenot", "Palkat", "Vuokrat", "Avustukset", "Siirtomenot", "Investoinnit", "Matkat",
    "Koulutus", "Tutkimus", "Kunnossapito", "Rakentaminen", "Liikenne", "Korot", "Verot",
    "Lainat", "Eläkkeet", "Tarvikkeet", "Palvelut", "Viestintä", "Energia",
)
PROSE = (
    "määräraha", "hallitus", "esitys", "vuonna", "valtion", "menot", "tulot", "kehitys",
    "arvioidaan", "talouden", "mukaan", "momentille", "myönnetään", "toiminta", "tavoitteet", "tuottavuus",
    "palvelut", "osuus", "kasvaa", "vähenee", "lisäksi", "sekä", "että", "on",
)


def numbers(rows: int, columns: int, chance: random.Random) -> list[list[int]]:
    """Make a table with row sums, subtotals after every 24 rows, and a grand total."""
    table: list[list[int]] = []
    grand = [0] * columns
    block = [0] * columns
    for r in range(rows - 1):
        if r % (GROUP + 1) == GROUP:
            table.append(block)
            grand = [a + b for a, b in zip(grand, block, strict=True)]
            block = [0] * columns
            continue
        figures = [round(10 ** chance.gauss(4, 0.6)) for _ in range(columns - 1)]
        row = [*figures, sum(figures)]
        table.append(row)
        block = [a + b for a, b in zip(block, row, strict=True)]
    if any(block):
        table.append(block)
        grand = [a + b for a, b in zip(grand, block, strict=True)]
    return [*table, grand]


def labelled(table: Sequence[Sequence[int]]) -> list[list[str]]:
    """Put labels and a header around figures."""
    head = ["", *(f"Yksikkö {k}" for k in range(1, len(table[0]))), "Yhteensä"]
    names = [f"{NAMES[k % len(NAMES)]} {k}" if k % (GROUP + 1) != GROUP else f"Luku {k}" for k in range(len(table))]
    names[-1] = "Kaikki yhteensä"
    return [head, *([name, *map(str, row)] for name, row in zip(names, table, strict=True))]


def measured(work: Callable[[], Any], runs: int) -> tuple[float, float, float, Any]:
    """Give the median seconds of some runs, by the clock and computed, the most megabytes of one, and what the last gave."""
    context = multiprocessing.get_context("fork")
    results = []
    for _ in range(runs):
        near, far = context.Pipe(duplex=False)
        child = context.Process(target=_measure, args=(work, far))
        child.start()
        far.close()
        results.append(near.recv())
        child.join()
    return statistics.median(r[0] for r in results), statistics.median(r[1] for r in results), max(r[2] for r in results), results[-1][3]


def _measure(work: Callable[[], Any], answer: Any) -> None:  # noqa: ANN401 (the end of a pipe)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, computed = time.perf_counter(), _computed()
    got = work()
    seconds, computed = time.perf_counter() - start, _computed() - computed
    answer.send((seconds, computed, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024, got))


def _computed() -> float:
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def one_table(rows: int, columns: int, runs: int) -> tuple[object, ...]:
    """Measure one table; count what was found in it."""
    cells = labelled(numbers(rows, columns, random.Random(rows)))  # noqa: S311 (figures, not secrets)

    def work() -> tuple[int, int, str]:
        audited, _ = audited_text("", cells)
        return sum(r.state == "holds" for r in audited.relations), len(audited.findings), ", ".join(audited.left_out) or "–"

    seconds, computed, memory, found = measured(work, runs)
    return f"{rows} x {columns}", seconds, computed, f"{1e6 * computed / (rows * columns):,.0f}", f"{memory:.0f}", *found


def tables(sizes: Sequence[tuple[int, int]], runs: int, title: str) -> None:
    """Measure and print a table of sizes."""
    show(title, ("rows x columns", "s", "CPU s", "us/cell", "memory, MB", "relations held", "findings", "not looked for"),
         [one_table(rows, columns, runs) for rows, columns in sizes])  # fmt: skip


def workbook(runs: int, sheets: int = 100, rows: int = 100, columns: int = 12) -> None:
    """Measure a workbook from the file to the last finding."""
    chance = random.Random(1)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        book = Workbook(write_only=True)
        for k in range(sheets):
            sheet = book.create_sheet(f"Luku {k + 1}")
            head, *body = labelled(numbers(rows, columns, chance))
            sheet.append(head)
            for label, *figures in body:
                sheet.append([label, *map(int, figures)])
        book.save(path)
        reading, _, _, _ = measured(lambda: len(read_sheets(path).sheets), runs)

        def work() -> int:
            return sum(len(audit_table(table_of(sheet)).relations) for sheet in read_sheets(path).sheets)

        seconds, computed, memory, found = measured(work, runs)
        show("A workbook", ("sheets of rows x columns", "s", "CPU s", "of it reading", "memory, MB", "relations"),
             [(f"{sheets} of {rows} x {columns}", seconds, computed, reading, f"{memory:.0f}", found)])  # fmt: skip


def printed(value: int) -> str:
    """Print a number with plain spaces between thousands."""
    return f"{value:,}".replace(",", " ").replace("-", "−")


def book(lines: int, chance: random.Random) -> Iterator[str]:
    """Write a budget book: prose, and tables of 5 to 40 rows with a total row, half of them with row sums."""
    count = 0
    while count < lines:
        prose = chance.randint(8, 60)
        for _ in range(prose):
            yield " ".join(chance.choice(PROSE) for _ in range(chance.randint(7, 12))) + chance.choice((".", "", " 2024."))
        rows, columns = chance.randint(5, 40), chance.randint(2, 6)
        summed = columns > 2 and chance.random() < 0.5
        figures = [[round(10 ** chance.gauss(4, 0.8)) for _ in range(columns - summed)] for _ in range(rows)]
        figures = [[*row, sum(row)] if summed else row for row in figures]
        figures.append([sum(column) for column in zip(*figures, strict=True)])
        names = [f"{chance.randint(1, 9):02d}. {chance.choice(NAMES)}" for _ in range(rows)] + ["Yhteensä"]
        yield ""
        yield " ".join(str(2024 - k) for k in range(columns - summed)) + (" Yhteensä" if summed else "")
        for name, row in zip(names, figures, strict=True):
            yield f"{name} {' '.join(map(printed, row))}"
        yield ""
        count += prose + rows + 4


def text(runs: int, lines: int) -> None:
    """Measure a book of text, page by page."""
    from tulosvahti.core.regroup import text_sheets  # noqa: PLC0415 (only this part needs it)

    whole = list(book(lines, random.Random(1)))[:lines]  # noqa: S311
    pages = [TextPage(f"book, page {k // PAGE + 1}", tuple(whole[k : k + PAGE])) for k in range(0, lines, PAGE)]
    recovering, _, _, _ = measured(lambda: sum(len(text_sheets(page)) for page in pages), runs)

    def work() -> tuple[int, int, int, float]:
        slowest, results = 0.0, []
        for page in pages:
            for found in text_sheets(page):
                start = time.perf_counter()
                results.append(audit_table(table_of(found.sheet)))
                slowest = max(slowest, time.perf_counter() - start)
        return len(results), sum(r.state == "holds" for a in results for r in a.relations), sum(len(a.findings) for a in results), slowest

    seconds, computed, memory, found = measured(work, runs)
    show("A budget book of text", ("lines", "pages", "s", "CPU s", "of it recovering cells", "memory, MB", "tables", "relations held", "findings", "slowest audit, s"),
         [(str(lines), len(pages), seconds, computed, recovering, f"{memory:.0f}", *found)])  # fmt: skip


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--lines", type=int, default=45_000)
    arguments.add_argument("--only", choices=("table", "growth", "workbook", "book"))
    given = arguments.parse_args()
    audit_table(table_of(sheet_of("", labelled(numbers(20, 5, random.Random(0))))))  # noqa: S311 (imports, first use)
    if given.only in {None, "table"}:
        tables([(1000, 30)], given.runs, "One table")
    if given.only in {None, "growth"}:
        tables(GROWTH, given.runs, "Growth")
    if given.only in {None, "workbook"}:
        workbook(given.runs)
    if given.only in {None, "book"}:
        text(given.runs, given.lines)


if __name__ == "__main__":
    main()
