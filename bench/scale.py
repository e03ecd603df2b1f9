"""Many rules over many rows: the plan, the rules' own queries and a bare scan, in one interleaved run; medians.

``python bench/scale.py [--rows N] [--sets ABC] [--runs N] [--unplanned SETS] [--parquet FILE]``: generated inspections of
15 centres and 5 years, on a frame in memory (the input format is CSV; taking that in is not measured here). Each set is
judged from rule objects to verdicts with evidence texts, without rule files, ledger and report. The scan reads all columns
once (``count`` of each), from the same frame. ``--parquet`` writes the rows and scans the file as well.

The sets: A is 10 rules, B 100, C 1,000: shares, means, sums, counts, least and greatest values per centre and year,
conditions of rows, and values that are in order.
"""

from __future__ import annotations

import argparse
import platform
import random
import resource
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "engine"))

from tulosvahti.compute.measuring import DuckEngine  # noqa: E402 (its place is set above)
from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Field, FieldType  # noqa: E402
from tulosvahti.core.expression import parse_aggregate, parse_condition, parse_number  # noqa: E402
from tulosvahti.core.period import Grain, year  # noqa: E402
from tulosvahti.core.rule import Agreement, Cite, Measure, MeasureKind, RowsSpec, Rule, Spec, TargetSpec  # noqa: E402
from tulosvahti.core.target import read_target  # noqa: E402
from tulosvahti.core.text import Text  # noqa: E402
from tulosvahti.problem import Place  # noqa: E402
from tulosvahti.run.judging import Facts, judge_rules  # noqa: E402

CENTRES = (
    "Uusimaa", "Varsinais-Suomi", "Satakunta", "Häme", "Pirkanmaa", "Kaakkois-Suomi", "Etelä-Savo", "Pohjois-Savo",
    "Pohjois-Karjala", "Keski-Suomi", "Etelä-Pohjanmaa", "Pohjanmaa", "Pohjois-Pohjanmaa", "Kainuu", "Lappi",
)  # fmt: skip
YEARS = range(2020, 2025)
AS_OF = date(2025, 12, 31)
FIELDS = (
    Field("id", FieldType.INTEGER), Field("centre"), Field("operator_id", FieldType.INTEGER), Field("planned", FieldType.DATE),
    Field("done", FieldType.DATE), Field("compliant", FieldType.BOOLEAN), Field("fee", FieldType.NUMBER),
    Field("score", FieldType.INTEGER), Field("code"),
)  # fmt: skip
CONTRACT = Contract("inspections", Text("Inspections"), "inspections.csv", FIELDS, Place("inputs/inspections.yaml"))
KINDS = CONTRACT.kinds
METRICS = (
    (MeasureKind.MEAN, "score", ">= 2"), (MeasureKind.SHARE, "compliant", ">= 70"), (MeasureKind.COUNT, "", ">= 100"),
    (MeasureKind.SUM, "fee", ">= 1000"), (MeasureKind.SHARE, "done IS NULL", "<= 8.1"), (MeasureKind.MEAN, "fee", "<= 361"),
    (MeasureKind.VALUE, "max(fee)", "<= 2300"), (MeasureKind.VALUE, "min(score)", ">= 1"), (MeasureKind.SHARE, "score >= 4", ">= 60"),
    (MeasureKind.SUM, "score", ">= 100"), (MeasureKind.SHARE, "done >= planned", ">= 99"), (MeasureKind.VALUE, "count(done) / count(*)", ">= 0.9"),
)  # fmt: skip
CONDITIONS = (
    "planned IS NOT NULL", "score BETWEEN 1 AND 5", "centre IN (" + ", ".join(f"'{name}'" for name in CENTRES) + ")",
    "code LIKE 'FI-___-__'", "done IS NULL OR done >= planned", "fee BETWEEN 0 AND 2000", "id IS NOT NULL", "centre IS NOT NULL",
    "fee IS NOT NULL", "compliant OR compliant IS NULL OR score IS NOT NULL",
)  # fmt: skip
PLACE = Place("rules/scale.yaml")


def inspections(rows: int) -> pl.DataFrame:
    """Generate the rows, in the order of their planned days; the same for the same number."""
    chance = random.Random(rows)  # noqa: S311 (not for secrets)
    some = 1 << 20

    def drawn(choices: list[object], kind: pl.DataType | type[pl.DataType]) -> pl.Series:
        block = pl.Series(chance.choices(choices, k=min(rows, some)), dtype=kind)
        return pl.concat([block.shuffle(seed) for seed in range(-(-rows // some))])[:rows]

    at = pl.int_range(rows, eager=True)
    codes = [f"FI-{number:03}-{letter}A" for number in range(1000) for letter in "ABCDEF"]
    fees = [Decimal(round(chance.gammavariate(3, 12000))).scaleb(-2) for _ in range(50_000)]
    frame = pl.DataFrame(
        {
            "id": at + 1,
            "centre": drawn([name for place, name in enumerate(CENTRES) for _ in range(20 - place)], pl.String),
            "operator_id": drawn(list(range(1, 50_001)), pl.Int64),
            "days": (at * 1827 // rows).cast(pl.Int32),
            "delay": drawn([None] * 8 + [round(chance.gammavariate(2, 9)) for _ in range(92)], pl.Int32),
            "compliant": drawn([None] * 3 + [True] * 75 + [False] * 22, pl.Boolean),
            "fee": drawn(list(fees), pl.Decimal(38, 2)),
            "score": drawn([1, 2, 2, *[3] * 5, *[4] * 8, *[5] * 4] * 5000 + [9], pl.Int64),
            "code": drawn([*codes, "fi7"], pl.String),
        }
    )
    planned = pl.lit(date(2020, 1, 1)) + pl.duration(days="days")
    return frame.select(
        "id", "centre", "operator_id", planned.alias("planned"), (planned + pl.duration(days="delay")).alias("done"),
        "compliant", "fee", "score", "code", pl.int_range(2, rows + 2).alias("__row"), pl.lit(value=False).alias("__rejected"),
    )  # fmt: skip


def metric(at: int, centre: str = "", only: int | None = None) -> TargetSpec:
    """Make a measure with its targets: of one year, or of all."""
    kind, text, target = METRICS[at % len(METRICS)]
    readers = {MeasureKind.SHARE: parse_condition, MeasureKind.VALUE: parse_aggregate}
    read = readers.get(kind, parse_number)(text, KINDS) if text else None
    where = parse_condition(f"centre = '{centre}'", KINDS) if centre else None
    due = [year(only)] if only else [year(number) for number in YEARS]
    return TargetSpec(Measure("inspections", kind, read, where, "planned"), Grain.YEAR, tuple((item, read_target(target)) for item in due))


def rules_of(name: str) -> list[Rule]:
    """Give a set of rules."""
    size = {"A": 10, "B": 100, "C": 1000}[name]
    key = ("id",)
    specs: list[Spec] = [RowsSpec("inspections", parse_condition(text, KINDS), key=key) for text in CONDITIONS[: size // 2]]
    specs += [metric(at) for at in range(min(len(METRICS), size - len(specs)))]
    places = [(centre, number) for number in YEARS for centre in CENTRES]
    if name == "B":
        specs += [metric(index % 2, centre, number) for index, (centre, number) in enumerate(places)]
    if name == "C":
        specs += [metric(at, centre, number) for centre, number in places for at in range(len(METRICS))]
        for text in CONDITIONS:
            wheres = [parse_condition(f"centre = '{centre}'", KINDS) for centre in CENTRES]
            specs += [RowsSpec("inspections", parse_condition(text, KINDS), where, key=key) for where in wheres]
    cite = Cite("scale", "1", Text("Scale"))
    return [Rule(f"{name}{at:04}", Text("rule"), "owner", cite, spec, PLACE) for at, spec in enumerate(specs[:size])]


def judged(rules: list[Rule], frame: pl.DataFrame, *, plan: bool) -> tuple[list[object], int]:
    """Judge; give what came out, and the number of passes."""
    delivery = Delivery("inspections", DeliveryState.ACCEPTED, rows=frame.height)
    agreement = Agreement("scale", Text("Scale"), "", Text("Agency"), years=tuple((number, True) for number in YEARS))
    facts = Facts(AS_OF, {"inspections": delivery}, {"inspections": frame}, {"inspections": CONTRACT}, {"scale": agreement})
    with closing(DuckEngine(facts.tables, facts.contracts, AS_OF)) as engine:
        if not plan:
            engine.prepare = lambda _specs: None  # type: ignore[method-assign]
        verdicts = judge_rules(rules, facts, engine, {}, {rule.id: rule for rule in rules}).verdicts
        return [(item.rule.id, item.period, item.word, item.observed, item.evidence) for item in verdicts], len(engine.passes)


def scanned(source: str, frame: pl.DataFrame | None) -> None:
    """Read all columns once."""
    with closing(duckdb.connect(":memory:")) as connection:
        if frame is not None:
            connection.register("rows", frame)
        columns = ", ".join(f"count({item.name}), max({item.name})" for item in FIELDS)
        connection.execute(f"SELECT {columns} FROM {source}").fetchall()  # noqa: S608 (names of this file)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sets", default="ABC")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--unplanned", default="AB", help="sets that are also judged by one query a rule")
    parser.add_argument("--parquet", action="store_true", help="scan a Parquet file of the rows as well")
    asked = parser.parse_args()
    frame = inspections(asked.rows)
    sets = {name: rules_of(name) for name in asked.sets}
    took: dict[str, list[float]] = {}
    results: dict[str, tuple[list[object], int]] = {}

    def timed(name: str, work: object) -> None:
        start = time.perf_counter()
        found = work()  # type: ignore[operator]
        took.setdefault(name, []).append(time.perf_counter() - start)
        if found is not None:
            results[name] = found

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        if asked.parquet:
            frame.write_parquet(path, row_group_size=122_880)
        for turn in range(asked.runs):
            timed("scan of the frame", lambda: scanned("rows", frame))
            if asked.parquet:
                timed("scan of Parquet", lambda: scanned(f"'{path}'", None))
            for name, rules in sets.items():
                timed(f"{name} planned", lambda rules=rules: judged(rules, frame, plan=True))
                if name in asked.unplanned and turn < 3:  # noqa: PLR2004 (the slow ones, three times)
                    timed(f"{name} unplanned", lambda rules=rules: judged(rules, frame, plan=False))
    scan = statistics.median(took["scan of the frame"])
    print(f"{asked.rows:,} rows, Python {platform.python_version()}, DuckDB {duckdb.__version__}; ", end="")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most, with the frame and its making\n")
    print("| what | times the scan | median s | least s | passes | runs |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, seconds in took.items():
        passes = results[name][1] if name in results and "unplanned" not in name else ""
        median = statistics.median(seconds)
        print(f"| {name} | {median / scan:.1f} | {median:.2f} | {min(seconds):.2f} | {passes} | {len(seconds)} |")
    for name in sets:
        if f"{name} unplanned" in results and results[f"{name} unplanned"][0] != results[f"{name} planned"][0]:
            sys.exit(f"set {name}: planned and unplanned verdicts differ")


if __name__ == "__main__":
    main()
