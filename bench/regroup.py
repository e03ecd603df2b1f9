"""Cells recovered from text: correct tables printed with single spaces, read back, counted by kind.

``python bench/regroup.py [--aggrecol TABLES.jsonl.gz] [--annex AGREEMENT.txt] [--tables N] [--seed S] [--lines N]``

Every table's numbers are printed as in Finland, thousands and columns parted by one plain space each, and read by
``text_sheets``, which is told nothing of them. A row is *right* if all its cells are those printed, *wrong* if it was
settled otherwise, *open* if it was said to be ambiguous, *missed* if no table holds it. Then the same with one typing
fault in every tenth table. ``--lines``: how long a book of such tables and prose is timed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "engine"))

from tulosvahti.core.page import TextPage  # noqa: E402 (the engine beside it, installed or not)
from tulosvahti.core.regroup import TextTable, text_sheets  # noqa: E402

Values = list[list[int]]
WORDS = (
    "Uusimaa", "Häme", "Kainuu", "Lappi", "Pohjois-Savo", "Palkat", "Vuokrat", "Muut menot", "Avustukset", "Korot",
    "Palvelujen ostot", "Tarvikkeet", "Etelä-Karjala", "Keski-Suomi", "Hankkeet", "Verotulot", "Myynti", "Maksut",
)  # fmt: skip
WITHOUT = ("columns only", "no sums", "labelled column sums")
"""Kinds that have no row sums."""


@dataclass(frozen=True)
class Printed:
    """A table as it is printed: labels, and the text of every cell."""

    kind: str
    labels: list[str]
    cells: list[list[str]]
    fault: int | None = None  # the row that has a typing fault

    def lines(self) -> list[str]:
        """Give its lines, everything parted by one space."""
        return [" ".join([label, *row]) for label, row in zip(self.labels, self.cells, strict=True)]


def spaced(value: int) -> str:
    """Print an integer as in Finland: thousands parted by a space."""
    return f"{value:,}".replace(",", " ")


def figures(chance: random.Random, rows: int, columns: int) -> Values:
    """Make figures: each column of its own size, round in some tables, with zeros and negative ones."""
    round_to = chance.choice((1, 1, 1, 10, 100))
    zeros = chance.choice((0.0, 0.05, 0.2))
    sizes = [10 ** chance.uniform(1.5, 7) for _ in range(columns)]
    below = [chance.random() < 0.15 for _ in range(columns)]
    table = []
    for _ in range(rows):
        scale = 10 ** chance.uniform(-1, 0.5)
        row = [round(size * scale * chance.uniform(0.1, 1)) // round_to * round_to for size in sizes]
        table.append(
            [0 if chance.random() < zeros else -v if low else v for v, low in zip(row, below, strict=True)]
        )
    return table


def add_total(table: Values) -> Values:
    """Add a row of column sums at the end."""
    return [*table, [sum(column) for column in zip(*table, strict=True)]]


def with_sums(rows: Values) -> Values:
    """Add each row's sum at its end."""
    return [[*row, sum(row)] for row in rows]


def subtotals(chance: random.Random, rows: int, columns: int) -> Values:
    """Make groups with a sum below each, and a grand total."""
    table: Values = []
    sums: Values = []
    for _ in range(chance.randint(2, 4)):
        group = add_total(with_sums(figures(chance, max(2, rows // 4), columns - 1)))
        table += group
        sums.append(group[-1])
    return [*table, add_total(sums)[-1]]


def two_blocks(chance: random.Random, rows: int, columns: int) -> Values:
    """Make two blocks of columns side by side, each with its sum."""
    left = figures(chance, rows, max(2, columns // 2 - 1))
    right = figures(chance, rows, max(2, columns - columns // 2 - 1))
    return add_total([a + b for a, b in zip(with_sums(left), with_sums(right), strict=True)])


def two_ranks(chance: random.Random, rows: int, columns: int) -> Values:
    """Make counts beside amounts: x1 y1 x2 y2 ... with both sums at the end."""
    pairs = max(2, columns // 2 - 1)
    one, two = with_sums(figures(chance, rows, pairs)), with_sums(figures(chance, rows, pairs))
    return add_total([[v for pair in zip(a, b, strict=True) for v in pair] for a, b in zip(one, two, strict=True)])


def middle(chance: random.Random, rows: int, columns: int) -> Values:
    """Put the row's sum between its items."""
    place = chance.randint(1, columns - 2)
    return add_total([[*r[:place], sum(r), *r[place:]] for r in figures(chance, rows, columns - 1)])


def rounded(chance: random.Random, rows: int, columns: int) -> Values:
    """Round figures and their sums to thousands, each on its own."""
    exact = add_total(with_sums([[v * 37 for v in r] for r in figures(chance, rows, columns - 1)]))
    return [[round(v / 1000) for v in row] for row in exact]


KINDS: dict[str, Callable[[random.Random, int, int], Values]] = {
    "rows and columns": lambda c, n, k: add_total(with_sums(figures(c, n, k - 1))),
    "rows only": lambda c, n, k: with_sums(figures(c, n, k - 1)),
    "first column": lambda c, n, k: add_total([[sum(r), *r] for r in figures(c, n, k - 1)]),
    "first row": lambda c, n, k: add_total(with_sums(figures(c, n, k - 1)))[::-1],
    "subtotals": subtotals,
    "difference": lambda c, n, _: add_total([[a, b, a - b] for a, b in figures(c, n, 2)]),
    "two blocks": two_blocks,
    "middle total": middle,
    "two ranks": two_ranks,
    "rounded": rounded,
    "columns only": lambda c, n, k: add_total(figures(c, n, min(k, 6))),
    "no sums": figures,
}


def synthetic(seed: int, count: int) -> Iterator[Printed]:
    """Make tables of every kind: 3 to 14 columns, 4 to 40 rows."""
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")  # noqa: S311 (figures, not secrets)
        kind = tuple(KINDS)[number % len(KINDS)]
        table = KINDS[kind](chance, chance.randint(4, 40), chance.randint(3, 14))
        labels = [f"{chance.choice(WORDS)} {chr(97 + r % 26)}" for r in range(len(table))]
        if kind not in {"rows only", "no sums"} and chance.random() < 0.7:
            labels[0 if kind == "first row" else -1] = "Yhteensä"
        yield Printed(kind, labels, [[spaced(v) for v in row] for row in table])


def integer(text: str) -> int | None:
    """Read an integer in any of the forms that the labelled tables have."""
    plain = re.sub(r"[\s\u00a0,']", "", text.strip())
    found = re.fullmatch(r"\(?(-?[0-9]+)(?:\.0+)?\)?", plain)
    return None if found is None else -int(found[1]) if plain.startswith("(") else int(found[1])


def labelled(path: Path) -> Iterator[Printed]:
    """Cut out of the labelled tables the parts whose row or column sums are labelled, where all are integers."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        tables = [json.loads(line) for line in file]
    for table in tables:
        for axis, kind in ((0, "labelled row sums"), (1, "labelled column sums")):
            shapes: dict[tuple[int, ...], set[int]] = defaultdict(set)
            for a in table["aggregations"]:
                across = {a["aggregator"][axis], *(i[axis] for i in a["items"])}
                if a["operator"] == "Sum" and len(across) == 1 and len(a["items"]) > 1:
                    along = tuple(sorted({a["aggregator"][1 - axis], *(i[1 - axis] for i in a["items"])}))
                    shapes[along].add(a["aggregator"][axis])
            for along, across in shapes.items():
                rows, columns = (sorted(across), along) if axis == 0 else (along, sorted(across))
                values = [[integer(table["cells"][r][c]) for c in columns] for r in rows]
                known = [[v for v in row if v is not None] for row in values]
                if len(rows) >= 3 and len(columns) >= 2 and all(len(row) == len(columns) for row in known):
                    yield Printed(kind, [f"Rivi {chr(97 + k % 26)}" for k in range(len(rows))],
                                  [[spaced(v) for v in row] for row in known])  # fmt: skip


def mistyped(printed: Printed, chance: random.Random) -> Printed:
    """Put one typing fault into a table: a digit replaced, left out or added, or two exchanged."""
    places = [(r, c) for r, row in enumerate(printed.cells) for c, t in enumerate(row) if len(t) > 1]
    if not places:
        return printed
    r, c = chance.choice(places)
    text = printed.cells[r][c]
    digits = [k for k, d in enumerate(text) if d.isdigit()]
    k = chance.choice(digits)
    fault = chance.choice(("replace", "omit", "add", "swap"))
    if fault == "replace":
        text = text[:k] + chance.choice([d for d in "123456789" if d != text[k]]) + text[k + 1 :]
    elif fault == "omit":
        text = text[:k] + text[k + 1 :]
    elif fault == "add":
        text = text[:k] + chance.choice("123456789") + text[k:]
    else:
        one, two = chance.sample(digits, 2) if len(digits) > 1 else (k, k)
        swapped = list(text)
        swapped[one], swapped[two] = swapped[two], swapped[one]
        text = "".join(swapped)
    if chance.random() < 0.5 and re.sub(r"\D", "", text):
        # As a program prints what was typed; else the groups stay torn as the fault left them.
        value = int(re.sub(r"\D", "", text))
        text = spaced(-value if text.startswith("-") else value)
    text = text.strip()
    cells = [[text if (q, d) == (r, c) else t for d, t in enumerate(row)] for q, row in enumerate(printed.cells)]
    return Printed(printed.kind, printed.labels, cells, r)


def judge(printed: Printed, tables: tuple[TextTable, ...], counts: Counter[str]) -> list[str]:
    """Count the rows of one table; give those that are wrong."""
    settled: dict[int, list[str]] = {}
    openly: dict[int, tuple[tuple[str, ...], ...]] = {}
    for table in tables:
        ambiguous = {a.row: a.readings for a in table.ambiguous}
        for r, row in enumerate(table.sheet.rows):
            line = int(row[0].place.partition(":")[0]) - 1
            if r in ambiguous:
                openly[line] = ambiguous[r]
            elif len(row) > 1:
                settled[line] = [c.text for c in row[1:]]
    wrong = []
    for line, expected in enumerate(printed.cells):
        found = settled.get(line, [])
        closed = [f if f == e.replace(" ", "") else e for e, f in zip(expected, found, strict=False)]
        if line in openly:
            counts["open"] += 1
            counts["among"] += tuple(expected) in openly[line]
        elif not found:
            counts["missed"] += 1
        elif found == expected or (line == printed.fault and found == closed):
            counts["right"] += 1
        else:
            counts["wrong"] += 1
            wrong.append(f"{printed.kind}: {printed.labels[line]} {expected} read as {found}")
    counts["rows"] += len(printed.cells)
    counts["tables"] += 1
    return wrong


def run(tables: list[Printed], title: str, *, show: bool) -> None:
    """Read tables and print the counts by kind."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, float] = defaultdict(float)
    slowest = 0.0
    for printed in tables:
        page = TextPage("bench", tuple(printed.lines()))
        start = time.perf_counter()
        found = text_sheets(page)
        elapsed = time.perf_counter() - start
        seconds[printed.kind] += elapsed
        slowest = max(slowest, elapsed)
        counts[printed.kind]["unsearched"] += sum(n.code == "not_searched" for t in found for n in t.sheet.notices)
        wrong = judge(printed, found, counts[printed.kind])
        if show:
            print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    print(f"\n{title}\n")
    print("| kind | tables | rows | right | % | open | true one shown | missed | wrong | not searched | s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    summed: Counter[str] = Counter()
    for kind, c in counts.items():
        print_row(kind, c, seconds[kind])
        if kind not in WITHOUT:
            summed.update(c)
    print_row("**all with row sums**", summed, sum(s for kind, s in seconds.items() if kind not in WITHOUT))
    print(f"\nSlowest table: {slowest:.2f} s.")


def print_row(kind: str, c: Counter[str], seconds: float) -> None:
    """Print one line of the counts."""
    share = 100 * c["right"] / max(1, c["rows"])
    figures = (c["open"], c["among"], c["missed"], c["wrong"], c["unsearched"], f"{seconds:.2f}")
    print(f"| {kind} | {c['tables']} | {c['rows']} | {c['right']} | {share:.1f} | {' | '.join(map(str, figures))} |")


def annex(path: Path) -> None:
    """Read the whole agreement and hold its annex against the project's own input."""
    with (ROOT / "inputs" / "appropriation_2023.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))[1:]
    start = time.perf_counter()
    found = text_sheets(TextPage("annex", tuple(path.read_text(encoding="utf-8").splitlines())))
    elapsed = time.perf_counter() - start
    given = [[c.text for c in row] for table in found for row in table.sheet.rows]
    right = sum(row in given for row in rows)
    print(f"The agreement ({elapsed:.2f} s): {right} of {len(rows)} rows of {len(rows[0]) - 1} numbers exact.")


def book(lines: int, seed: int) -> list[str]:
    """Make a long text: prose, and tables of every kind between it."""
    chance = random.Random(seed)  # noqa: S311
    result: list[str] = []
    tables = synthetic(seed + 1, lines)
    while len(result) < lines:
        for _ in range(chance.randint(10, 60)):
            words = [chance.choice(WORDS).lower() for _ in range(chance.randint(7, 12))]
            result.append(" ".join(words) + chance.choice(("", "", "", " 2023", f" {chance.randint(1, 900)}", ".")))
        result += ["", "Taulukko", "", *next(tables).lines(), "", ""]
    return result[:lines]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--aggrecol", type=Path, help="labelled real tables (tables.jsonl.gz)")
    arguments.add_argument("--annex", type=Path, help="the agreement's text")
    arguments.add_argument("--tables", type=int, default=600)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--lines", type=int, default=45_000)
    arguments.add_argument("--show", action="store_true", help="print wrong rows on standard error")
    given = arguments.parse_args()
    if given.annex:
        annex(given.annex)
    tables = [*synthetic(given.seed, given.tables), *(labelled(given.aggrecol) if given.aggrecol else ())]
    if tables:
        run(tables, "Correct tables", show=given.show)
        chance = random.Random(given.seed)  # noqa: S311
        tenth = [mistyped(t, chance) if k % 10 == 0 else t for k, t in enumerate(tables)]
        run(tenth, "A typing fault in every tenth table", show=given.show)
        run([mistyped(t, chance) for t in tables], "A typing fault in every table", show=given.show)
    if given.lines:
        lines = book(given.lines, given.seed)
        start = time.perf_counter()
        found = text_sheets(TextPage("book", tuple(lines)))
        rows = sum(len(t.sheet.rows) for t in found)
        elapsed = time.perf_counter() - start
        print(f"\nA book of {len(lines)} lines: {len(found)} tables, {rows} rows in {elapsed:.1f} s.")


if __name__ == "__main__":
    main()
