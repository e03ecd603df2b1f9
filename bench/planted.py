"""Faults planted in correct tables: whether the cell is named, or among the suspects, and what else is accused.

``python bench/planted.py [--seed 1] [--count 150] [--jobs 2] [--show N]``.

Clean: tables of many shapes (``drawn.py``) as they are; a table with any finding or broken relation is accused. "Found"
are the relations that the table was made of and that the audit states as such, whichever side they are written on;
"others" hold too but were not meant (mostly they follow from those).

Planted: each table that is not accused gets one fault of each cause that it can have. "One relation" are faults that
break one of the table's sums: several cells could be wrong, so a set of suspects is all that there is to find, unless a
typing slip fits one alone; "two or more" break several, "ratio" only a mean, a share or a change. "Decided": the
table's sums leave one cell that could be wrong (the limit for "named", but for slips). "Named": the finding is of that
cell and no other, or its first remedy is; "value": with the value that stood there; "cause": with the cause planted;
"in set": it is among the suspects, whose mean number is "size". "Elsewhere": faults for which another finding speaks of
none of the cells concerned. For a line left out or counted twice the cells named in the reason must be that line's.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from drawn import SHAPES, Drawn, Position, Relation, draw
from shared import accusations, as_csv, audited_text, mapped, places, said, share, show

from tulosvahti.core.audited import AuditedTable, AuditFinding

GROUPS = ("one relation", "two or more", "ratio")
TRIES = 60
MOST_FAILURES = 4


@dataclass
class Planted:
    """A faulty table; ``cells`` are wrong, ``line`` the cells of a line counted wrongly (then ``cells`` its totals)."""

    cause: str
    printed: dict[Position, Decimal]
    cells: frozenset[Position]
    right: dict[Position, Decimal]
    line: frozenset[Position] = frozenset()
    broken: tuple[Relation, ...] = ()
    texts: Mapping[Position, str] | None = None

    @property
    def group(self) -> str:
        """Give the group that the fault is counted in."""
        sums = [relation for relation in self.broken if relation.function == "sum"]
        return GROUPS[2] if not sums else GROUPS[0] if len(sums) == 1 else GROUPS[1]


@dataclass
class Outcome:
    """What one table gave: counts by (cause, group), and its failures as text."""

    shape: str
    clean: Counter[str]
    counts: dict[tuple[str, str], Counter[str]]
    notes: list[tuple[str, str]]
    seconds: list[float]


def holds(table: Drawn, relation: Relation, printed: Mapping[Position, Decimal]) -> bool:
    """Judge a relation of printed figures within their rounding."""
    low, high = reach(table, relation, printed)
    return low <= 0 <= high


def reach(table: Drawn, relation: Relation, printed: Mapping[Position, Decimal]) -> tuple[Decimal, Decimal]:
    """Give the least and the greatest difference (stated minus expected) that rounding allows; exact tables have none."""
    stated = printed[relation.total]
    values = [printed[cell] for cell, _ in relation.items]
    half = Decimal(1).scaleb(int(stated.as_tuple().exponent)) / 2
    if relation.function == "sum":
        off = stated - sum(v * w for v, (_, w) in zip(values, relation.items, strict=True))
        slack = half * (len(values) + 1) if table.unit != 1 else Decimal(0)
        return off - slack, off + slack
    if relation.function == "average":
        expected = sum(values) / len(values)
    elif not values[1] or not values[0]:
        return Decimal(0), Decimal(0)
    else:
        expected = 100 * values[0] / values[1] if relation.function == "share" else 100 * (values[1] - values[0]) / values[0]
    own = Decimal(1).scaleb(int(values[0].as_tuple().exponent)) / 2 if table.unit != 1 else Decimal(0)
    slack = half + (own if relation.function == "average" else abs(expected) * own / min(abs(v) for v in values) * 2)
    return stated - expected - slack, stated - expected + slack


def decided(table: Drawn, planted: Planted, relations: Sequence[Relation]) -> bool:
    """Tell whether the sums leave one cell that could be wrong: it mends all broken ones and breaks none."""
    sums = [relation for relation in relations if relation.function == "sum"]
    broken = [relation for relation in planted.broken if relation.function == "sum"]
    weights = [{relation.total: -1, **dict(relation.items)} for relation in sums]
    candidates = set.intersection(*({r.total, *(c for c, _ in r.items)} for r in broken)) if broken else set()
    answers = 0
    for cell in candidates:
        low, high = Decimal("-Infinity"), Decimal("Infinity")
        for relation, terms in zip(sums, weights, strict=True):
            if cell in terms:
                ends = sorted(end * terms[cell] for end in reach(table, relation, planted.printed))
                low, high = max(low, ends[0]), min(high, ends[1])
        answers += low <= high
    return answers == 1


def _digits(value: Decimal) -> str:
    return str(abs(int(value.scaleb(-int(value.as_tuple().exponent)))))


def _of_digits(digits: str, like: Decimal) -> Decimal:
    value = Decimal(int(digits)).scaleb(int(like.as_tuple().exponent))
    return -value if like < 0 else value


def _swapped(value: Decimal, chance: random.Random) -> Decimal:
    digits = _digits(value)
    k = chance.randrange(max(1, len(digits) - 1))
    return _of_digits(digits[:k] + digits[k : k + 2][::-1] + digits[k + 2 :], value)


def _replaced(value: Decimal, chance: random.Random) -> Decimal:
    digits = _digits(value)
    k = chance.randrange(len(digits))
    return _of_digits(digits[:k] + chance.choice("0123456789") + digits[k + 1 :], value)


def _omitted(value: Decimal, chance: random.Random) -> Decimal:
    digits = _digits(value)
    k = chance.randrange(len(digits))
    return _of_digits(digits[:k] + digits[k + 1 :] or "0", value)


def _added(value: Decimal, chance: random.Random) -> Decimal:
    digits = _digits(value)
    k = chance.randrange(len(digits) + 1)
    return _of_digits(digits[:k] + chance.choice("0123456789") + digits[k:], value)


def _times(value: Decimal, chance: random.Random, *, factor: int) -> Decimal:
    less = value / factor
    places = int(value.as_tuple().exponent)
    if less == less.quantize(Decimal(1).scaleb(places)) and chance.random() < 0.5:
        return less.quantize(Decimal(1).scaleb(places))
    return value * factor


def _random(value: Decimal, chance: random.Random) -> Decimal:
    size = Decimal(chance.uniform(0.2, 3)) * abs(value)
    return size.quantize(Decimal(1).scaleb(int(value.as_tuple().exponent)))


SLIPS: dict[str, Callable[[Decimal, random.Random], Decimal]] = {
    "digits_swapped": _swapped,
    "sign": lambda value, _: -value,
    "factor_10": partial(_times, factor=10),
    "factor_1000": partial(_times, factor=1000),
    "digit_replaced": _replaced,
    "digit_omitted": _omitted,
    "digit_added": _added,
    "random": _random,
}
CAUSES = (*SLIPS, "neighbours_exchanged", "stale_total", "left_out", "counted_twice")
LINES = frozenset({"left_out", "counted_twice"})
NAMED_AS = {"random": None, "stale_total": None}


def plant(table: Drawn, cause: str, chance: random.Random) -> Planted | None:
    """Plant one fault that shows; None where the table has no place for it."""
    right = table.printed()
    relations = table.relations()
    related = sorted({cell for relation in relations for cell in (relation.total, *(c for c, _ in relation.items))})
    for _ in range(TRIES):
        if cause in SLIPS:
            planted = _slip(cause, right, chance.choice(related), chance)
        elif cause == "neighbours_exchanged":
            planted = _exchange(table, right, chance.choice(related), chance)
        elif cause == "stale_total":
            planted = _stale(table, right, chance)
        else:
            planted = _miscounted(table, cause, right, chance)
        if planted is None:
            continue
        planted.broken = tuple(r for r in relations if not holds(table, r, planted.printed))
        if planted.broken:
            return planted
    return None


def _slip(cause: str, right: Mapping[Position, Decimal], cell: Position, chance: random.Random) -> Planted | None:
    value = right[cell]
    if not value or (cause.startswith("digit") and len(_digits(value)) < 3):
        return None
    wrong = SLIPS[cause](value, chance)
    return None if wrong == value else Planted(cause, {**right, cell: wrong}, frozenset({cell}), {cell: value})


def _exchange(table: Drawn, right: Mapping[Position, Decimal], cell: Position, chance: random.Random) -> Planted | None:
    down, across = chance.choice(((1, 0), (0, 1)))
    other = (cell[0] + down, cell[1] + across)
    if other not in right or right[other] == right[cell] or table.ratios & {cell[1], other[1]}:
        return None
    if {cell[0], other[0]} & {*table.mean_rows}:
        return None
    wrong = {**right, cell: right[other], other: right[cell]}
    return Planted("neighbours_exchanged", wrong, frozenset({cell, other}), {cell: right[cell], other: right[other]})


def _stale(table: Drawn, right: Mapping[Position, Decimal], chance: random.Random) -> Planted | None:
    """Edit a leaf and recompute all but one total above it."""
    leaves = [c for c in table.exact if c[0] not in table.rows and c[1] not in {*table.columns, *table.ratios} and c[0] not in table.mean_rows]
    leaf = chance.choice(leaves)
    above = [r.total for r in table.relations() if r.function == "sum" and leaf in dict(r.items)]
    if not above:
        return None
    total = chance.choice(above)
    before = dict(table.exact)
    table.exact[leaf] = round(table.exact[leaf] * chance.randint(20, 300) * 10**table.decimals / 100) / (table.exact[leaf] * 0 + 10**table.decimals)
    table.compute()
    edited = table.printed()
    table.exact = before
    if total not in edited or edited[total] == right[total]:
        return None
    return Planted("stale_total", {**edited, total: right[total]}, frozenset({total}), {total: edited[total]})


def _miscounted(table: Drawn, cause: str, right: Mapping[Position, Decimal], chance: random.Random) -> Planted | None:
    """Leave a line out of a total, or count it twice, everywhere, and compute what is above from that."""
    axis = "row" if table.rows else "column"
    formulas = table.rows or table.columns
    usable = {total: items for total, items in formulas.items() if len(items) > 2}
    if not usable or table.shares:
        return None
    total = chance.choice(tuple(usable))
    line = chance.choice(usable[total])[0]
    before = dict(table.exact)
    table.compute((axis, total, line), 0 if cause == "left_out" else 2)
    wrong = table.printed()
    table.exact = before
    k = 0 if axis == "row" else 1
    cells = {cell for cell in right if cell[k] == total and wrong[cell] != right[cell]}
    return Planted(cause, wrong, frozenset(cells), {c: right[c] for c in cells}, frozenset(c for c in right if c[k] == line))


def judge(table: Drawn, planted: Planted, top: int, audited: AuditedTable, counts: Counter[str]) -> str:
    """Count what the audit made of it; the worst is returned, empty if all is well."""
    findings = [finding for finding in audited.findings if not finding.explained]
    shift = {(r + top, c + 1): (r, c) for r, c in planted.printed}
    concerned = planted.cells | planted.line
    best, size, cause = "missed", 0, "none"
    elsewhere = False
    for finding in findings:
        suspects = _moved(finding.suspects, shift)
        because = _moved(finding.because, shift)
        if not (suspects | because) & concerned:
            elsewhere = True
            continue
        how = _how(planted, finding, shift)
        if best in {"missed", "other set"} or how.startswith("named"):
            best, size, cause = how, max(1, len(suspects)), finding_cause(finding)
    counts["faults"] += 1
    counts["cause"] += cause == NAMED_AS.get(planted.cause, planted.cause)
    counts["missed"] += best == "missed"
    counts["named"] += best.startswith("named")
    counts["value"] += best == "named with value"
    counts["in set"] += best in {"named", "named with value", "in set"}
    counts["size"] += size
    counts["sized"] += size > 0
    counts["elsewhere"] += elsewhere
    if not planted.line and not planted.cells & set(table.rows):
        counts["decided"] += decided(table, planted, table.relations())
    return "" if best == "named with value" and not elsewhere else f"{best}{', also elsewhere' if elsewhere else ''}"


def finding_cause(finding: AuditFinding) -> str | None:
    """Give the cause of a finding, or of its likeliest remedy."""
    return finding.cause or (finding.remedies[0].cause if finding.remedies else None)


def _moved(cells: Sequence[Position], shift: Mapping[Position, Position]) -> set[Position]:
    return {shift.get(cell, (-1, -1)) for cell in cells}


def _how(planted: Planted, finding: AuditFinding, shift: Mapping[Position, Position]) -> str:
    suspects, because = _moved(finding.suspects, shift), _moved(finding.because, shift)
    if planted.line:
        if because and because <= planted.line and finding.cause == planted.cause:
            return "named with value"
        return "in set" if because & planted.line else "other set"
    cells, implied = finding.cells, finding.implied
    if not cells and finding.remedies:
        cells, implied = finding.remedies[0].cells, finding.remedies[0].implied
    if _moved(cells, shift) == planted.cells:
        values = {shift[cell]: value for cell, value in zip(cells, implied, strict=True)}
        return "named with value" if values == planted.right else "named"
    return "in set" if planted.cells <= suspects else "other set"


def work(seed: int, number: int) -> Outcome:
    """Draw a table, audit it clean, and with each fault."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 (figures, not secrets)
    shape = tuple(SHAPES)[number % len(SHAPES)]
    table = draw(shape, chance)
    printed = table.printed()
    rows = table.rows_of(printed)
    top = len(rows) - len(table.labels)
    audited, seconds = audited_text(shape, rows)
    clean, notes = clean_counts(table, top, audited, rows)
    outcome = Outcome(shape, clean, defaultdict(Counter), notes, [seconds])
    if clean["accused"]:
        return outcome
    for cause in CAUSES:
        planted = plant(table, cause, chance)
        if planted is None:
            continue
        rows = table.rows_of(planted.printed)
        audited, seconds = audited_text(shape, rows)
        outcome.seconds.append(seconds)
        failed = judge(table, planted, top, audited, outcome.counts[cause, planted.group])
        if failed:
            there = {(r + top, c + 1): v for (r, c), v in planted.right.items()}
            told = [f"  right: {', '.join(f'{places([c])} {v}' for c, v in sorted(there.items())[:MOST_FAILURES])}"]
            if planted.line:
                told.append(f"  line: {places(sorted((r + top, c + 1) for r, c in planted.line)[:MOST_FAILURES])}")
            told += [f"  said: {said(finding)[:300]}" for finding in audited.findings[:MOST_FAILURES]]
            outcome.notes.append((f"{cause}, {planted.group}: {failed}", f"{number} {shape}\n" + "\n".join(told) + "\n" + as_csv(rows)))
    return outcome


def clean_counts(table: Drawn, top: int, audited: AuditedTable, rows: Sequence[Sequence[str]]) -> tuple[Counter[str], list[tuple[str, str]]]:
    """Count accusations, and the relations found, on the table as it should be."""
    accused = accusations(audited)
    wanted = {_equation(r.function, (r.total[0] + top, r.total[1] + 1), [((c[0] + top, c[1] + 1), w) for c, w in r.items]) for r in table.relations()}
    stated = {
        _equation("sum" if r.function == "difference" else r.function, r.total,
                  [(i, w) for i, w in zip(r.items, r.weights, strict=True) if i in audited.table.numbers])
        for r in audited.relations if r.state == "holds"
    }  # fmt: skip
    shown = {e for e in wanted if sum(cell in audited.table.numbers for cell, _ in e[1]) == len(e[1])}
    clean = Counter(tables=1, accused=bool(accused), relations=len(shown), found=len(shown & stated), others=len(stated - wanted))
    notes = [("clean table accused", f"{table.shape}\n" + "\n".join(f"  said: {line[:300]}" for line in accused[:MOST_FAILURES]) + "\n" + as_csv(rows))] if accused else []
    return clean, notes


def _equation(function: str, total: Position, items: Sequence[tuple[Position, int]]) -> tuple[str, frozenset[tuple[Position, int]]]:
    if function in {"share", "relative_change"}:
        return function, frozenset({(total, -1), *((cell, k) for k, (cell, _) in enumerate(items))})
    terms = {total: -1, **dict(items)}
    turn = 1 if terms[min(terms)] > 0 or function == "average" else -1
    return function, frozenset((cell, turn * w) for cell, w in terms.items())


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=150, help="tables drawn, shapes in turn")
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--show", type=int, default=0, metavar="N", help="print up to N failures of each kind with their tables")
    given = arguments.parse_args()
    clean: dict[str, Counter[str]] = defaultdict(Counter)
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    shapes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    notes: dict[str, list[str]] = defaultdict(list)
    seconds: list[float] = []
    for outcome in mapped(partial(work, given.seed), range(given.count), given.jobs):
        clean[outcome.shape] += outcome.clean
        for (cause, group), c in outcome.counts.items():
            counts[cause, group] += c
            shapes[outcome.shape, f"{group}, line" if cause in LINES else group] += c
        for kind, note in outcome.notes:
            notes[kind].append(note)
        seconds += outcome.seconds
    print_clean(clean)
    print_counts(counts)
    print_shapes(shapes)
    print(f"\n{len(seconds)} audits, {sum(seconds):.1f} s in all, slowest {max(seconds):.2f} s.")
    if given.show:
        for kind, found in sorted(notes.items()):
            print(f"\n## {kind}: {len(found)}\n")
            print("\n".join(found[: given.show]))
    sys.stdout.flush()


def print_clean(clean: Mapping[str, Counter[str]]) -> None:
    """Print what was said of correct tables."""
    total: Counter[str] = sum(clean.values(), Counter())
    rows = [
        (shape, c["tables"], c["accused"], share(c["accused"], c["tables"]), c["relations"], share(c["found"], c["relations"]), c["others"])
        for shape, c in [*clean.items(), ("all", total)]
    ]
    show("Correct tables", ("shape", "tables", "accused", "%", "relations", "found", "others"), rows)


def print_counts(counts: Mapping[tuple[str, str], Counter[str]]) -> None:
    """Print how planted faults were told, by cause, apart by how many relations they break."""
    for group in GROUPS:
        chosen = [(cause, counts[cause, group]) for cause in CAUSES if (cause, group) in counts]
        total: Counter[str] = sum((c for _, c in chosen), Counter())
        rows = [
            (cause, n := c["faults"], share(c["decided"], n), share(c["named"], n), share(c["value"], n), share(c["cause"], n),
             share(c["in set"], n), f"{c['size'] / c['sized']:.1f}" if c["sized"] else "–", share(c["missed"], n), share(c["elsewhere"], n))
            for cause, c in [*chosen, ("all", total)]
        ]  # fmt: skip
        show(f"Planted faults that break {group}", ("cause", "faults", "decided", "named", "value", "cause", "in set", "size", "missed", "elsewhere"), rows)


def print_shapes(shapes: Mapping[tuple[str, str], Counter[str]]) -> None:
    """Print the same by shape: cells, and lines counted wrongly, in one column for each group."""
    groups = [*GROUPS, f"{GROUPS[1]}, line"]
    rows = []
    for shape in SHAPES:
        row: list[object] = [shape]
        for group in groups:
            c = shapes.get((shape, group), Counter())
            row += [c["faults"], share(c["named"], c["faults"]), share(c["missed"], c["faults"])]
        rows.append(row)
    head = [f"{group}: {what}" for group in groups for what in ("faults", "named", "missed")]
    show("Planted faults by shape (a line: left out, counted twice)", ("shape", *head), rows)


if __name__ == "__main__":
    main()
