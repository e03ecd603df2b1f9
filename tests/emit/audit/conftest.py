"""Audited tables made by hand: a small CSV text, relations written as formulas, findings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tulosvahti.core.audited import Audit, AuditedRelation, AuditedTable, AuditFinding, Remedy, Tie
from tulosvahti.core.sheet import Cell, Notice, Sheet
from tulosvahti.core.table import table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tulosvahti.core.audited import Position

BUDGET = """ELY-keskus;Jako 2022;Matkat;Säästöt;Määräraha yhteensä
Uusimaa;14 060 741;530 080;-40 100;14 550 721
Häme;6 028 400;203 760;-12 000;6 220 160
Kainuu;3 678 200;188 420;-27 100;3 848 520
Etelä-Pohjanmaa;5 100 000;99 000;-1 000;5 198 000
YHTEENSÄ;28 876 341;1 021 260;-80 200;29 817 401
"""
COLUMN = re.compile(r"([A-Z]+)(\d+)")


def position(name: str) -> Position:
    """Give ``B4`` as row and column."""
    letters, row = COLUMN.fullmatch(name).groups()
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(row) - 1, column - 1


def positions(names: str) -> tuple[Position, ...]:
    """Give ``B4 C4`` or ``B2:B5`` as positions."""
    result: list[Position] = []
    for name in names.split():
        first, _, last = name.partition(":")
        (top, left), (bottom, right) = position(first), position(last or first)
        result += [(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)]
    return tuple(result)


@dataclass
class Made:
    """A table while it is made; everything is named in A1 form."""

    text: str
    source: str = "budjetti.csv"
    relations: list[AuditedRelation] = field(default_factory=list)
    findings: list[AuditFinding] = field(default_factory=list)
    sheet_more: dict[str, Any] = field(default_factory=dict)
    table_more: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)
    places: bool = False

    @property
    def table(self) -> Any:
        rows = []
        for r, line in enumerate(self.text.rstrip("\n").split("\n")):
            rows.append(
                tuple(
                    self.cells.get(f"{chr(65 + c)}{r + 1}" if c < 26 else "", Cell(text, place=f"{r + 10}:{c * 12 + 1}" if self.places else ""))
                    for c, text in enumerate(line.split(";"))
                )
            )
        return table_of(Sheet(self.source, tuple(rows), **self.sheet_more))

    def value(self, name: str | Position) -> Decimal | None:
        at = position(name) if isinstance(name, str) else name
        number = self.table.numbers.get(at)
        return number.value if number else None

    def relation(self, total: str, items: str, function: str = "sum", minus: str = "", **more: Any) -> Made:
        """Add a relation, judged exactly."""
        table = self.table
        at, there = position(total), positions(items)
        weights = tuple(-1 if p in positions(minus) else 1 for p in there)
        numbers = [table.numbers[p].value if p in table.numbers else None for p in there]
        stated = table.numbers[at].value if at in table.numbers else None
        expected = difference = rounding = None
        state = "incomplete"
        if None not in numbers and stated is not None:
            if function in {"sum", "difference"}:
                expected = sum((w * n for w, n in zip(weights, numbers, strict=True)), Decimal(0))
            elif function == "average":
                expected = round(sum(numbers) / len(numbers), 2)
            elif function == "share":
                expected = round(numbers[0] / numbers[1] * (100 if more.get("percent") else 1), 1)
            else:
                expected = round((numbers[1] - numbers[0]) / numbers[0] * 100, 1)
            difference = stated - expected
            slack = more.pop("slack", Decimal(0))
            rounding = "exact" if not difference else "within" if abs(difference) <= slack else "beyond"
            state = "broken" if rounding == "beyond" else "holds"
        axis = "row" if there and there[0][0] == at[0] else "column"
        label = table.row_label(at[0]) if axis == "row" else table.column_label(*at)
        made = AuditedRelation(
            str(len(self.relations)), function, axis, at, there, weights, state, stated, expected, difference, rounding,
            more.pop("pattern", f"{axis}:{function}"), more.pop("percent", False), label,
        )  # fmt: skip
        self.relations.append(replace(made, **more))
        return self

    def foot(self, first: str, last: str, total_row: int, total_column: str, minus: str = "") -> Made:
        """Add the row and column sums of a block ``first`` to ``last``."""
        (top, left), (bottom, right) = position(first), position(last)
        for r in [*range(top, bottom + 1), *([total_row - 1] if total_row else [])]:
            if total_column:
                taken = " ".join(f"{letter}{r + 1}" for letter in minus.split())
                self.relation(f"{total_column}{r + 1}", f"{chr(65 + left)}{r + 1}:{chr(65 + right)}{r + 1}", minus=taken)
        if total_row:
            for c in [*range(left, right + 1), *([position(f"{total_column}1")[1]] if total_column else [])]:
                self.relation(f"{chr(65 + c)}{total_row}", f"{chr(65 + c)}{top + 1}:{chr(65 + c)}{bottom + 1}")
        return self

    def find(self, cells: str = "", implied: str = "", cause: str | None = None, **more: Any) -> Made:
        """Add a finding; its relations are the broken ones unless they are named."""
        at = positions(cells)
        given = tuple(Decimal(text) if text != "-" else None for text in implied.split()) or (None,) * len(at)
        broken = tuple(r.id for r in self.relations if r.state == "broken")
        more["because"] = positions(more.get("because", ""))
        more.setdefault("relations", broken)
        self.findings.append(AuditFinding(at, tuple(self.value(p) for p in at), given, cause, **more))
        return self

    def remedy(self, cells: str, implied: str, cause: str | None = None) -> Remedy:
        """Make a remedy."""
        at = positions(cells)
        return Remedy(at, tuple(self.value(p) for p in at), tuple(Decimal(text) for text in implied.split()), cause)

    def done(self) -> AuditedTable:
        """Give the audited table."""
        table = self.table
        units = tuple(sorted({n.unit for n in table.numbers.values()}, reverse=True))
        given = {"units": units, "notices": table.notices, **self.table_more}
        return AuditedTable(table, tuple(self.relations), tuple(self.findings), **given)


@pytest.fixture
def make() -> Callable[..., Made]:
    """Give the maker of tables."""
    return Made


@pytest.fixture
def broken_budget() -> AuditedTable:
    """A row and a column that meet in one wrong cell, two digits swapped."""
    made = Made(BUDGET, table_more={"exact": True}).foot("B2", "D5", 6, "E")
    return made.find("B4", "3687200", "digits_swapped").done()


@pytest.fixture
def right_budget() -> AuditedTable:
    """The same table with nothing wrong."""
    text = BUDGET.replace("3 678 200", "3 687 200")
    return Made(text, "oikea.csv", table_more={"exact": True}).foot("B2", "D5", 6, "E").done()


@pytest.fixture
def undecided() -> AuditedTable:
    """One broken column sum: any of its cells may be wrong."""
    made = Made("Laji;2023\nPalkat;700\nVuokrat;250\nMuut;90\nYhteensä;1 000\n", "menot.csv").foot("B2", "B4", 5, "")
    pairs = [("B5", "1040", "digit_replaced"), ("B2", "660", None), ("B3", "210", "digit_replaced"), ("B4", "50", "digit_replaced")]
    return made.find(remedies=tuple(made.remedy(*pair) for pair in pairs)).done()


@pytest.fixture
def explained() -> AuditedTable:
    """A total with rows that are not shown, and a note that says so; a hidden row; a total off by rounding."""
    text = "Pääluokka;2024;2025\nValtioneuvosto;41 000;42 500\nEduskunta;50 355;51 177\nMenot yhteensä 1);91 522;93 678\n1) Summassa ovat mukana myös pääluokat 35 ja 36.;;\n"
    made = Made(text, "momentit.csv", sheet_more={"hidden_rows": frozenset({2})}, table_more={"units": (Decimal(1000),)})
    made.relation("B4", "B2:B3").relation("C4", "C2:C3", slack=Decimal(1))
    note = "1) Summassa ovat mukana myös pääluokat 35 ja 36."
    made.find("B4", "91355", "rows_not_shown", explained=True, relations=("0",), detail=("167", note))
    return made.find("C4", "93677", "rounding", explained=True, relations=("1",)).done()


@pytest.fixture
def wide() -> AuditedTable:
    """40 rows and 14 columns, one wrong cell in the middle."""
    months = ["tammi", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu"]
    rows = [["Kunta", *months, "Koko vuosi"]]
    totals = [0] * 13
    for k in range(38):
        values = [1000 * (k + 1) + 37 * c * (k % 5 + 1) + c for c in range(12)]
        totals = [a + b for a, b in zip(totals, [*values, sum(values)], strict=True)]
        shown = [*values, sum(values)]
        if k == 20:
            shown[6] *= 10
        rows.append([f"Kunta {k + 1:02d}, jolla on melko pitkä nimi", *map(str, shown)])
    rows.append(["Yhteensä", *map(str, totals)])
    made = Made("\n".join(";".join(row) for row in rows), "kunnat.xlsx!2024", table_more={"exact": True}).foot("B2", "M39", 40, "N")
    return made.find("H22", str(made.value("H22") / 10), "factor_10").done()


@pytest.fixture
def printed() -> AuditedTable:
    """A table in the text of a page: cells have a line and a column."""
    made = Made("Yksikkö;2023;2024\nPohjoinen;120;130\nEteläinen;80;75\nYhteensä;200;250\n", "kirja.pdf, page 12", places=True)
    made.foot("B2", "C3", 4, "")
    remedies = (made.remedy("C4", "205"), made.remedy("C2", "175"), made.remedy("C3", "120"))
    return made.find(remedies=remedies).done()


@pytest.fixture
def audit(  # noqa: PLR0913 (one of each)
    broken_budget: AuditedTable, right_budget: AuditedTable, undecided: AuditedTable, explained: AuditedTable, wide: AuditedTable, printed: AuditedTable
) -> Audit:
    """Everything at once, with ties."""
    ties = (
        Tie("same_total", "YHTEENSÄ", (0, 5, 4), (1, 5, 4), (Decimal(29817401), Decimal(29817401)), Decimal(0), "agrees"),
        Tie("same_row", "Kainuu", (0, 3, 1), (1, 3, 1), (Decimal(3678200), Decimal(3687200)), Decimal(9000), "differs"),
    )
    noticed = replace(broken_budget, notices=(Notice("number_as_text", ("B2", "B3")), Notice("a_new_code", ("C4",), ("x",))))
    return Audit((noticed, right_budget, undecided, explained, wide, printed), ties)
