"""Which rows can have a key twice, found without a table of all keys: a ladder of tests, the cheapest that can tell first.

1. Neighbours: where the file's footer shows its row groups in the order of the key, equal keys stand beside each other. The
   test sees for itself whether they do: a key that is less than the one before it ends it.
2. Bit strings: each whole number of a bounded range sets one bit; a part of the range with fewer bits than rows has doubles.
3. Hashes, sorted: equal keys of any types stand beside each other; the sort spills to disk.

What comes out is a condition that all doubles meet, and few other rows; then the rule's own query counts among these alone.
Where doubles are many, that query reads everything. The tests look at all sound rows: what is unlike every other among all is so
among those that a rule speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tulosvahti.compute.footer import WHOLE
from tulosvahti.compute.keys_sql import complete
from tulosvahti.compute.parts_sql import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tulosvahti.compute.footer import Footer
    from tulosvahti.core.contract import Contract

MOST_DOUBLES = 1_000
"""Keys, or parts of a range, that a condition may list."""
_BITS = 1 << 16
"""Numbers of one bit string."""
_SPARSE = 8
"""Numbers of a range for each row, at most: a bit string of emptier ranges would be larger than the keys."""
_MOST_BITS = 1 << 30


class OutOfOrderError(Exception):
    """The test cannot tell: rows do not come in the order that it needs."""


@dataclass(frozen=True)
class Rung:
    """One test: its query, and what its answer says: a condition, empty where no key is there twice, None: too many are.

    ``among`` raises OutOfOrderError where the next rung has to tell.
    """

    how: str
    sql: str
    among: Callable[[Sequence[tuple[Any, ...]]], str | None]


def ladder(contract: Contract, fields: tuple[str, ...], rows: int, footer: Footer | None) -> Iterator[Rung]:
    """Give the tests that suit a key, the cheapest first."""
    source = f"{quoted('input_' + contract.name)} WHERE NOT __rejected AND {complete(fields)}"
    whole = len(fields) == 1 and contract.field(fields[0]).type in WHOLE
    names = [quoted(name) for name in fields]
    hashed = f"hash({', '.join(names)})"
    named = names[0] if whole else hashed
    if footer is None or footer.in_order(fields[0]):
        before = [f"lag({name}) OVER () AS __b{at}" for at, name in enumerate(names)]
        this, that = f"({', '.join(names)})", f"({', '.join(f'__b{at}' for at in range(len(names)))})"
        yield Rung(
            "neighbours in the order of the file",
            f"SELECT count(CASE WHEN __b0 IS NOT NULL AND {this} < {that} THEN 1 END),"
            f" min(CASE WHEN __b0 IS NOT NULL AND {this} = {that} THEN {named} END, {MOST_DOUBLES + 1})\n"
            f"FROM (SELECT {', '.join([*names, *before])} FROM {source})",
            lambda found: _listed(named, found[0]),
        )
    ends = footer.ends(fields[0]) if footer is not None and whole else None
    if ends is not None and (span := ends[1] - ends[0] + 1) <= min(rows * _SPARSE, _MOST_BITS):
        part = f"({named} - ({ends[0]})) // {_BITS}"
        yield Rung(
            "bit strings",
            f"SELECT __part FROM (SELECT {part} AS __part, count(*) AS __rows,\n"
            f" bit_count(bitstring_agg(({named} - ({ends[0]})) % {_BITS}, 0, {_BITS - 1})) AS __bits\n"
            f"FROM {source} GROUP BY __part) WHERE __bits < __rows LIMIT {MOST_DOUBLES + 1}",
            lambda found: _parts(part, [row[0] for row in found], span // _BITS + 1),
        )
    yield Rung(
        "hashes, sorted",
        f"SELECT count(CASE WHEN __hash < __before THEN 1 END), min(CASE WHEN __hash = __before THEN __hash END, {MOST_DOUBLES + 1})\n"
        f"FROM (SELECT __hash, lag(__hash) OVER () AS __before FROM (SELECT {hashed} AS __hash FROM {source} ORDER BY __hash))",
        lambda found: _listed(hashed, found[0]),
    )


def _listed(named: str, found: tuple[Any, ...]) -> str | None:
    back, doubles = found
    if back:
        raise OutOfOrderError
    if not doubles:
        return ""
    return None if len(doubles) > MOST_DOUBLES else f"{named} IN ({', '.join(map(str, sorted(set(doubles))))})"


def _parts(part: str, found: Sequence[int], parts: int) -> str | None:
    if not found:
        return ""
    # Where doubles are all over the range, a part of it spares nothing.
    return None if len(found) > min(MOST_DOUBLES, parts // 2) else f"{part} IN ({', '.join(map(str, sorted(found)))})"
