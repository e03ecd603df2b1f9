"""Correct tables of many shapes, drawn by a seed: what ``bench/planted.py`` plants its faults in.

A table is a set of leaves and of formulas: a row (or a column) that adds up others with weights, in every column (row).
Values are exact; what is printed is rounded to the table's unit and to each column's decimals. Rows and columns of a
``Drawn`` count from 0 without its header; ``rows_of`` puts the header and the labels around them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

Position = tuple[int, int]
Weights = tuple[tuple[int, int], ...]
"""Lines (rows or columns) with their weights."""
@dataclass(frozen=True)
class Words:
    """Labels of one language; ``flows``: income, costs, net."""

    names: str
    kinds: str
    heads: str
    totals: tuple[str, ...]
    part: str
    share: str
    mean: str
    change: str
    flows: tuple[str, str, str]
    refund: str
    title: str


WORDS = {
    "fi": Words(
        """Palkat Vuokrat Tarvikkeet Avustukset Matkat Koulutus Viestintä Siivous Energia Kalusto Asiantuntijat Vakuutukset
        Korot Poistot Tutkimus Neuvonta Rakentaminen Kunnossapito Liikenne Vesihuolto""",
        "valtio kunnat hankkeet muut",
        "Uusimaa Häme Satakunta Pirkanmaa Kainuu Lappi Pohjanmaa Kymi Karjala Savo Päijänne Saimaa Åland Länsi Etelä Itä",
        ("Yhteensä", "Kaikkiaan"), "josta", "Osuus, %", "Keskiarvo", "Muutos, %", ("Tuotot", "Kulut", "Netto"),
        "Palautukset", "Taulukko 3. Menot",
    ),
    "sv": Words(
        """Löner Hyror Material Bidrag Resor Utbildning Kommunikation Städning Energi Inventarier Experter Försäkringar Räntor
        Avskrivningar Forskning Rådgivning Byggande Underhåll Trafik Vatten""",
        "staten kommunerna projekten övriga",
        "Nyland Tavastland Satakunda Birkaland Kajana Lappland Österbotten Kymmene Karelen Savolax Norr Söder Åland Mitt Öst Väst",
        ("Summa", "Totalt"), "därav", "Andel, %", "Medelvärde", "Förändring, %", ("Intäkter", "Kostnader", "Netto"),
        "Återbetalningar", "Tabell 3. Utgifter",
    ),
    "en": Words(
        """Salaries Rents Supplies Grants Travel Training Outreach Cleaning Energy Equipment Experts Insurance Interest
        Depreciation Research Advice Construction Maintenance Transport Water""",
        "state municipalities projects other",
        "North South East West Centre Coast Lakes Islands Hills Plains Harbour Valley Forest Border Upper Lower",
        ("Total", "Grand total"), "of which", "Share, %", "Average", "Change, %", ("Income", "Costs", "Net"),
        "Refunds", "Table 3. Spending",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Relation:
    """A relation that holds in the table; ``function`` as in the audit (a difference is a sum with weights)."""

    function: str
    axis: str
    total: Position
    items: tuple[tuple[Position, int], ...]


@dataclass
class Drawn:
    """A table with all that is known of it; ``exact`` holds values in the unit of the leaves, ``unit`` what is printed."""

    shape: str
    language: str
    labels: list[str]
    heads: list[str]
    rows: dict[int, Weights]
    columns: dict[int, Weights]
    averages: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Columns that are the mean of others."""
    shares: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Columns that are a column's share, in per cent, of its value in a row: (column, row)."""
    parts: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Columns that are the share, in per cent, of a column in another: (part, whole)."""
    changes: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Columns that are the change, in per cent, from a column to another."""
    mean_rows: dict[int, tuple[int, ...]] = field(default_factory=dict)
    exact: dict[Position, Fraction] = field(default_factory=dict)
    unit: int = 1
    decimals: int = 0
    style: Mapping[str, str] = field(default_factory=dict)

    @property
    def ratios(self) -> set[int]:
        """Columns that are added up by nothing."""
        return {*self.averages, *self.shares, *self.parts, *self.changes}

    def compute(self, dropped: tuple[str, int, int] | None = None, weight: int = 0) -> None:
        """Compute all that is not a leaf; ``dropped`` (axis, total, item) counts so many times in that total."""
        for axis, formulas in (("column", self.columns), ("row", self.rows)):
            for total, items in formulas.items():
                weights = [(i, w * weight if dropped == (axis, total, i) else w) for i, w in items]
                across: Iterable[int] = range(len(self.labels)) if axis == "column" else range(len(self.heads))
                for k in across:
                    cells = [((k, i) if axis == "column" else (i, k), w) for i, w in weights]
                    if all(cell in self.exact for cell, _ in cells):
                        self.exact[(k, total) if axis == "column" else (total, k)] = sum((self.exact[c] * w for c, w in cells), Fraction(0))
        self._compute_ratios()

    def _compute_ratios(self) -> None:
        for r in range(len(self.labels)):
            for c in self.ratios:
                self.exact.pop((r, c), None)
        for r, items in self.mean_rows.items():
            for c in range(len(self.heads)):
                self.exact.pop((r, c), None)
                self._put((r, c), [(i, c) for i in items], lambda v: sum(v, Fraction(0)) / len(v))
        for r in range(len(self.labels)):
            for c, items in self.averages.items():
                self._put((r, c), [(r, i) for i in items], lambda v: sum(v, Fraction(0)) / len(v))
            for c, (column, row) in self.shares.items():
                self._put((r, c), [(r, column), (row, column)], lambda v: 100 * v[0] / v[1])
            for c, (part, whole) in self.parts.items():
                self._put((r, c), [(r, part), (r, whole)], lambda v: 100 * v[0] / v[1])
            for c, (start, end) in self.changes.items():
                self._put((r, c), [(r, start), (r, end)], lambda v: 100 * (v[1] - v[0]) / v[0])

    def _put(self, cell: Position, needed: Sequence[Position], way: Callable[[list[Fraction]], Fraction]) -> None:
        if all(n in self.exact for n in needed):
            values = [self.exact[n] for n in needed]
            if len(values) != 2 or (values[0] and values[1]):
                self.exact[cell] = way(values)

    def relations(self) -> list[Relation]:
        """Give every relation whose figures are all printed."""
        height, width = range(len(self.labels)), range(len(self.heads))
        found = [Relation("sum", "row", (r, t), tuple(((r, i), w) for i, w in items)) for t, items in self.columns.items() for r in height if r not in self.mean_rows]
        found += [Relation("sum", "column", (t, c), tuple(((i, c), w) for i, w in items)) for t, items in self.rows.items() for c in width if c not in self.ratios]
        found += [Relation("average", "row", (r, t), tuple(((r, i), 1) for i in items)) for t, items in self.averages.items() for r in height]
        found += [Relation("average", "column", (t, c), tuple(((i, c), 1) for i in items)) for t, items in self.mean_rows.items() for c in width]
        found += [Relation("share", "column", (r, t), (((r, c), 1), ((row, c), 1))) for t, (c, row) in self.shares.items() for r in height if r != row]
        found += [Relation("share", "row", (r, t), (((r, a), 1), ((r, b), 1))) for t, (a, b) in self.parts.items() for r in height]
        found += [Relation("relative_change", "row", (r, t), (((r, a), 1), ((r, b), 1))) for t, (a, b) in self.changes.items() for r in height]
        return [r for r in found if r.total in self.exact and all(c in self.exact for c, _ in r.items)]

    def places(self, column: int) -> int:
        """Give the decimals printed in a column."""
        return 1 if column in self.ratios else self.decimals

    def printed(self) -> dict[Position, Decimal]:
        """Round to what is printed."""
        result = {}
        for (r, c), value in self.exact.items():
            scale = 1 if c in {*self.shares, *self.parts, *self.changes} else self.unit
            places = self.places(c) + (r in self.mean_rows and not self.places(c))
            number = value / scale
            digits = Decimal(number.numerator) / Decimal(number.denominator)
            result[r, c] = digits.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        return result

    def text(self, value: Decimal) -> str:
        """Print a number in the table's way; 0 may be a dash."""
        if not value and self.style["zero"]:
            return self.style["zero"]
        plain = f"{abs(value):,f}"
        plain = plain.translate(str.maketrans({",": self.style["group"], ".": self.style["decimal"]}))
        if value >= 0:
            return plain
        return f"({plain})" if self.style["minus"] == "()" else self.style["minus"] + plain

    def rows_of(self, printed: Mapping[Position, Decimal]) -> list[list[str]]:
        """Give the table's texts: header, labels, figures."""
        head = ["", *self.heads]
        body = [[label, *(self.text(printed[r, c]) if (r, c) in printed else "" for c in range(len(self.heads)))] for r, label in enumerate(self.labels)]
        above = [[self.style["title"], *[""] * len(self.heads)]] if self.style["title"] else []
        return [*above, head, *body]


def draw(shape: str, chance: random.Random) -> Drawn:
    """Draw a table of a shape."""
    language = chance.choice(tuple(WORDS))
    table = SHAPES[shape](chance, language)
    table.shape = shape
    if shape == "rounded":
        table.unit = 1000
    elif chance.random() < 0.4:
        table.decimals = chance.choice((1, 2))
    english = language == "en"
    table.style = {
        "group": chance.choice((",", "") if english else (" ", "\u00a0", "")),
        "decimal": "." if english else ",",
        "minus": chance.choice(("-", "()") if english else ("-", "−")),
        "zero": "" if table.ratios or table.mean_rows else chance.choice(("", "", "", "–")),
        "title": chance.choice(("", "", WORDS[language].title)),
    }
    size = chance.uniform(1.5, 5.5) + 3 * (shape == "rounded")
    scale = 10**table.decimals
    for r in range(len(table.labels)):
        level = size + chance.gauss(0, 0.5)
        for c in range(len(table.heads)):
            if r not in table.rows and c not in table.columns:
                value = round(scale * 10 ** (level + chance.gauss(0, 0.25)))
                table.exact[r, c] = Fraction(0 if chance.random() < 0.04 else max(1, value), scale)
    table.compute()
    return table


def _labels(chance: random.Random, language: str, count: int) -> list[str]:
    names, kinds = WORDS[language].names.split(), WORDS[language].kinds.split()
    if count <= len(names):
        return chance.sample(names, count)
    return chance.sample([f"{name}, {kind}" for name in names for kind in kinds], count)


def _heads(chance: random.Random, language: str, count: int) -> list[str]:
    if count <= 8 and chance.random() < 0.3:
        first = chance.randint(2008, 2022)
        return [str(first + k) for k in range(count)]
    return chance.sample(WORDS[language].heads.split(), count)


def _ones(lines: Iterable[int]) -> Weights:
    return tuple((line, 1) for line in lines)


def _total(chance: random.Random, language: str) -> str:
    return chance.choice(WORDS[language].totals)


def _flat(chance: random.Random, language: str) -> Drawn:
    n, m = chance.randint(3, 58), chance.randint(2, 14)
    total = _total(chance, language)
    return Drawn("", language, [*_labels(chance, language, n), total], [*_heads(chance, language, m), total],
                 {n: _ones(range(n))}, {m: _ones(range(m))})  # fmt: skip


def _total_row(chance: random.Random, language: str) -> Drawn:
    n, m = chance.randint(3, 40), chance.randint(2, 10)
    return Drawn("", language, [*_labels(chance, language, n), _total(chance, language)], _heads(chance, language, m), {n: _ones(range(n))}, {})


def _total_column(chance: random.Random, language: str) -> Drawn:
    n, m = chance.randint(3, 40), chance.randint(2, 12)
    return Drawn("", language, _labels(chance, language, n), [*_heads(chance, language, m), _total(chance, language)], {}, {m: _ones(range(m))})


def _groups(chance: random.Random, language: str, *, first: bool, column: bool) -> Drawn:
    """Two levels: groups of 2 to 6 rows with a subtotal before or after, and a grand total of the subtotals."""
    sizes = [chance.randint(2, 6) for _ in range(chance.randint(2, 8))]
    names = iter(_labels(chance, language, sum(sizes) + len(sizes)))
    labels: list[str] = []
    rows: dict[int, Weights] = {}
    for size in sizes:
        start = len(labels)
        labels += [next(names) for _ in range(size + 1)]
        total, items = (start, range(start + 1, start + size + 1)) if first else (start + size, range(start, start + size))
        rows[total] = _ones(items)
    grand = _ones(rows)
    labels.append(_total(chance, language))
    rows[len(labels) - 1] = grand
    m = chance.randint(2, 9)
    heads = _heads(chance, language, m)
    columns: dict[int, Weights] = {}
    if column:
        heads.append(_total(chance, language))
        columns[m] = _ones(range(m))
    return Drawn("", language, labels, heads, rows, columns)


def _before(chance: random.Random, language: str) -> Drawn:
    n, m = chance.randint(3, 40), chance.randint(2, 12)
    total = _total(chance, language)
    return Drawn("", language, [total, *_labels(chance, language, n)], [total, *_heads(chance, language, m)],
                 {0: _ones(range(1, n + 1))}, {0: _ones(range(1, m + 1))})  # fmt: skip


def _of_which(chance: random.Random, language: str) -> Drawn:
    """Rows some of which are followed by parts of them; the total leaves the parts out."""
    n, m = chance.randint(3, 12), chance.randint(2, 8)
    names = iter(_labels(chance, language, 4 * n))
    word = WORDS[language].part
    labels: list[str] = []
    rows: dict[int, Weights] = {}
    top: list[int] = []
    for k in range(n):
        top.append(len(labels))
        labels.append(next(names))
        if k == 0 or chance.random() < 0.4:
            parts = range(len(labels), len(labels) + chance.randint(2, 3))
            rows[top[-1]] = _ones(parts)
            labels += [f"{word} {next(names).lower()}" for _ in parts]
    total = _total(chance, language)
    labels.append(total)
    rows[len(labels) - 1] = _ones(top)
    return Drawn("", language, labels, [*_heads(chance, language, m), total], rows, {m: _ones(range(m))})


def _subtracted(chance: random.Random, language: str) -> Drawn:
    """Columns of which one is subtracted: spending less refunds."""
    n, m = chance.randint(4, 40), chance.randint(2, 6)
    total = _total(chance, language)
    heads = [*_heads(chance, language, m), WORDS[language].refund, total]
    return Drawn("", language, [*_labels(chance, language, n), total], heads, {n: _ones(range(n))}, {m + 1: (*_ones(range(m)), (m, -1))})


def _years(chance: random.Random, language: str) -> Drawn:
    n, first = chance.randint(3, 30), chance.randint(2008, 2020)
    return Drawn("", language, [*_labels(chance, language, n), _total(chance, language)], [str(first + k) for k in range(4)], {n: _ones(range(n))}, {})


def _difference(chance: random.Random, language: str) -> Drawn:
    """Income with its kinds, costs with theirs, and what is left."""
    a, b, m = chance.randint(2, 8), chance.randint(2, 12), chance.randint(3, 10)
    income, costs, net = WORDS[language].flows
    names = _labels(chance, language, a + b)
    labels = [income, *names[:a], costs, *names[a:], net]
    rows = {0: _ones(range(1, a + 1)), a + 1: _ones(range(a + 2, a + b + 2)), a + b + 2: ((0, 1), (a + 1, -1))}
    return Drawn("", language, labels, _heads(chance, language, m), rows, {})


def _averages(chance: random.Random, language: str) -> Drawn:
    n, m = chance.randint(4, 30), chance.randint(3, 12)
    word = WORDS[language].mean
    if chance.random() < 0.5:
        return Drawn("", language, _labels(chance, language, n), [*_heads(chance, language, m), word], {}, {}, averages={m: tuple(range(m))})
    return Drawn("", language, [*_labels(chance, language, n), word], _heads(chance, language, m), {}, {}, mean_rows={n: tuple(range(n))})


def _shares(chance: random.Random, language: str) -> Drawn:
    """Pairs of columns: an amount, and its share of the total row's."""
    n, m = chance.randint(3, 30), chance.randint(1, 4)
    names = _heads(chance, language, m)
    heads = [text for name in names for text in (name, WORDS[language].share)]
    return Drawn("", language, [*_labels(chance, language, n), _total(chance, language)], heads, {n: _ones(range(n))}, {},
                 shares={2 * k + 1: (2 * k, n) for k in range(m)})  # fmt: skip


def _parts(chance: random.Random, language: str) -> Drawn:
    """Two columns with their sum, and the first's share of it."""
    n = chance.randint(3, 30)
    total = _total(chance, language)
    heads = [*chance.sample(WORDS[language].heads.split(), 2), total, WORDS[language].share]
    return Drawn("", language, [*_labels(chance, language, n), total], heads, {n: _ones(range(n))}, {2: _ones(range(2))}, parts={3: (0, 2)})


def _changes(chance: random.Random, language: str) -> Drawn:
    n, first = chance.randint(3, 30), chance.randint(2008, 2020)
    return Drawn("", language, [*_labels(chance, language, n), _total(chance, language)], [str(first), str(first + 1), WORDS[language].change],
                 {n: _ones(range(n))}, {}, changes={2: (0, 1)})  # fmt: skip


SHAPES: dict[str, Callable[[random.Random, str], Drawn]] = {
    "rows and columns": _flat,
    "total row": _total_row,
    "total column": _total_column,
    "subtotals after": lambda c, s: _groups(c, s, first=False, column=c.random() < 0.6),
    "subtotals before": lambda c, s: _groups(c, s, first=True, column=c.random() < 0.6),
    "totals first": _before,
    "of which": _of_which,
    "subtracted column": _subtracted,
    "four years": _years,
    "income, costs, net": _difference,
    "averages": _averages,
    "shares": _parts,
    "shares of the total row": _shares,
    "changes": _changes,
    "rounded": lambda c, s: c.choice((_flat, _total_row, lambda c, s: _groups(c, s, first=False, column=True)))(c, s),
}
