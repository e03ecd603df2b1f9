"""The SQL of a pass: its keys, its named expressions, and the parts of each cell.

Conditions that take few combinations are folded: rows are summed up once, by the keys and by what these conditions say of them, and
parts over some of the rows are made of such groups, not of rows. What a condition says of keys alone is told of the groups. A sample
tells how many groups to expect (``folding``); a wrong guess costs time, never exactness.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tulosvahti.compute.parts_sql import quoted
from tulosvahti.core.cells import Merge

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

EXAMPLES = 20
"""Failing rows listed in evidence; counts are always exact."""


class Is(Enum):
    """What a condition says of a row."""

    TRUE = "{}"
    FALSE = "NOT {}"
    UNKNOWN = "{} IS NULL"


@dataclass(frozen=True)
class When:
    """The rows of which a named condition says so."""

    name: str
    said: Is = Is.TRUE

    def __str__(self) -> str:
        """Give its SQL."""
        return self.said.value.format(self.name)


@dataclass(frozen=True)
class Part:
    """A part of a cell: what ``function`` makes of a named value over some rows; of no value: their number.

    ``first`` is the least row numbers, ``distinct`` the number of different values.
    """

    function: str
    value: str = ""
    when: tuple[When, ...] = ()

    @property
    def merge(self) -> Merge:
        """How such parts of several cells become one."""
        return _MERGES[self.function]


_MERGES = {
    "count": Merge.COUNT, "sum": Merge.ADD, "min": Merge.LEAST, "max": Merge.GREATEST, "first": Merge.FIRST, "distinct": Merge.ALONE,
}  # fmt: skip


@dataclass
class Draft:
    """A query in the making: keys and named expressions with their aliases, and parts."""

    input: str
    known: str = ""
    """The condition on the rows that are read."""
    joins: dict[str, None] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    """By the alias of a key: its value, made of what rows are grouped by."""
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    """By what conditions are made of, where keys tell it: the field that it speaks of, and a value of that field."""
    named: dict[str, str] = field(default_factory=dict)
    reads: dict[str, frozenset[str]] = field(default_factory=dict)
    """By the alias of a condition: what it is made of; empty: it cannot be told from keys."""
    parts: dict[Part, None] = field(default_factory=dict)

    def key(self, sql: str, shown: str = "{}") -> int:
        """Give the place of a key."""
        alias = self.keys.setdefault(sql, f"__k{len(self.keys)}")
        self.shown[alias] = shown.format(alias)
        return list(self.keys).index(sql)

    def field_key(self, name: str) -> int:
        """Give the place of a key that is a field."""
        place = self.key(name)
        self.fields[name] = {name: self.keys[name]}
        return place

    def name(self, sql: str) -> str:
        """Name the value of an expression."""
        return self.named.setdefault(sql, f"__e{len(self.named)}")

    def condition(self, sql: str, reads: frozenset[str]) -> str:
        """Name a condition."""
        name = self.name(sql)
        self.reads[name] = reads
        return name

    def part(self, function: str, value: str = "", when: Sequence[When] = ()) -> int:
        """Give the place of a part."""
        made = Part(function, value, tuple(when))
        self.parts.setdefault(made)
        return list(self.parts).index(made)

    def told(self) -> list[str]:
        """Give the conditions that keys tell."""
        values = {part.value for part in self.parts}
        return [name for name, reads in self.reads.items() if reads and reads <= self.fields.keys() and name not in values]

    def foldable(self) -> list[str]:
        """Give the conditions that only rows tell."""
        told = self.told()
        return [name for name in self.reads if name not in told]

    def rows(self, without: Collection[str] = (), table: str = "") -> str:
        """Write the rows that are read, with keys and named expressions."""
        named = {sql: alias for sql, alias in self.named.items() if alias not in without}
        inner = ", ".join(["__row", *(f"({sql}) AS {alias}" for sql, alias in (self.keys | named).items())])
        where = f" WHERE {self.known}" if self.known else ""
        source = " ".join([table or quoted("input_" + self.input), *self.joins])
        return f"SELECT {inner} FROM {source}{where}"

    def written(self, parts: Sequence[Part], folded: Sequence[str] | None = None) -> str:
        """Write the query: first the keys, then some of the parts. ``folded``: some of ``foldable``; None: nothing is."""
        by, keys = ", ".join(self.keys.values()), ", ".join(self.shown.values())
        told = [] if folded is None else self.told()
        if not folded and not told:
            return f"SELECT {keys}, {', '.join(map(_of_rows, parts))}\nFROM ({self.rows()})\nGROUP BY {by}"
        sums: dict[str, str] = {}
        listed = _listed(parts, folded or (), told)
        made = ", ".join(_of_groups(part, {*told, *(folded or ())}, listed, sums) for part in parts)
        groups = ", ".join([by, *(folded or ())])
        source = f"SELECT {groups}, {', '.join(f'{sql} AS {alias}' for sql, alias in sums.items())}\nFROM ({self.rows(told)})\nGROUP BY {groups}"
        return f"SELECT {keys}, {made}\nFROM ({self._with_told(source, told)})\nGROUP BY {by}"

    def _with_told(self, groups: str, told: Sequence[str]) -> str:
        if not told:
            return groups
        read = sorted({item for name in told for item in self.reads[name]}, key=lambda item: item in self.keys)
        fields = {name: sql for item in read for name, sql in self.fields[item].items()}
        named = ", ".join(f"{sql} AS {name}" for name, sql in fields.items())
        said = ", ".join(f"({sql}) AS {alias}" for sql, alias in self.named.items() if alias in told)
        return f"SELECT *, {said} FROM (SELECT *, {named} FROM ({groups}))"

    def groups(self, names: Sequence[str], sample: str) -> str:
        """Write the query that counts, over a sample of the table, the groups that keys and these conditions make.

        It gives the numbers of groups, of those of one row, and of those of two; then of each condition how many rows meet it, how
        many do not, and of how many it is not known.
        """
        by = ", ".join([*self.keys.values(), *names])
        ones = [f"count(CASE WHEN __n = {number} THEN 1 END)" for number in (1, 2)]
        said = [f"sum(CASE WHEN {When(name, said)} THEN __n END)" for name in names for said in Is]
        return (
            f"SELECT {', '.join(['count(*)', *ones, *said])}\n"
            f"FROM (SELECT {by}, count(*) AS __n FROM ({self.rows(self.told(), sample)}) GROUP BY {by})"
        )


def _case(when: Sequence[When], value: str) -> str:
    return f"CASE WHEN {' AND '.join(map(str, when))} THEN {value} END" if when else value


def _of_rows(part: Part) -> str:
    """Write a part as it is made of rows."""
    if part.function == "first":
        return f"min({_case(part.when, '__row')}, {EXAMPLES})"
    if part.function == "distinct":
        return f"count(DISTINCT {_case(part.when, part.value)})"
    if not part.value:
        return f"count({_case(part.when, '1')})" if part.when else "count(*)"
    return f"{part.function}({_case(part.when, part.value)})"


def _of_groups(part: Part, folded: Collection[str], listed: str, sums: dict[str, str]) -> str:
    """Write a part as it is made of groups, which have ``sums``; what is not folded is asked of rows."""
    of_groups = [item for item in part.when if item.name in folded]
    of_rows = tuple(item for item in part.when if item.name not in folded)
    sql = listed if part.function == "first" and not of_rows else _of_rows(Part(part.function, part.value, of_rows))
    alias = sums.setdefault(sql, f"__s{len(sums)}")
    if part.function == "first":
        chosen = f" FILTER (WHERE {' AND '.join(map(str, of_groups))})" if of_groups else ""
        return f"list_sort(flatten(list({alias}){chosen}))[:{EXAMPLES}]"
    if part.function == "count":
        return f"coalesce(sum({_case(of_groups, alias)}), 0)"
    return f"{part.function}({_case(of_groups, alias)})"


def _listed(parts: Sequence[Part], folded: Sequence[str], told: Sequence[str]) -> str:
    """Write the least row numbers of a group, for all parts that ask for those of some groups; other groups have none."""
    asked: dict[str, None] = {}
    for part in parts:
        names = [item.name for item in part.when]
        if part.function == "first" and {*names} <= {*folded, *told}:
            # Of what is said of rows the last is what they fail, which is rare.
            asked.setdefault(next((str(item) for item in reversed(part.when) if item.name in folded), "TRUE"))
    return f"min(CASE WHEN {' OR '.join(asked)} THEN __row END, {EXAMPLES})"
