"""DuckDB, PostgreSQL and Spark give the same numbers to the last decimal: every kind of measure over awkward rows."""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product

import postgresql
import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measurements import (
    AS_OF,
    CENTRES,
    FIELDS,
    KEYS,
    REFERENCES,
    ROW,
    conditions,
    contract_of,
    found,
    frame_of,
    hides,
    other_rows,
    targets,
)

from tulosvahti.compute.engine import Engine
from tulosvahti.compute.measuring import DuckEngine
from tulosvahti.compute.sql_database import SqlDatabase
from tulosvahti.core import expression
from tulosvahti.core.contract import FieldType
from tulosvahti.core.kept_rows import hidden_column
from tulosvahti.core.mapping import Moved
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import Measure, MeasureKind, RowsSpec, TargetSpec

COLUMNS = {
    FieldType.STRING: 'text COLLATE "C"', FieldType.INTEGER: "bigint", FieldType.NUMBER: "numeric", FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date", FieldType.YEAR: "integer",
}  # fmt: skip
CONTRACT = contract_of("seen")
CONTRACTS = {"data": CONTRACT, "other": replace(CONTRACT, name="other")}
KINDS = CONTRACT.kinds


def awkward_rows(count: int) -> list[dict[str, object]]:
    """Make rows with nulls in every field, rejects, decomposed letters, and four of five in one centre."""
    chance = random.Random(7)  # noqa: S311 (not for secrets)

    def some(value: object) -> object:
        return None if chance.random() < 0.12 else value

    return [
        {
            "centre": some("Häme" if chance.random() < 0.8 else chance.choice([*CENTRES, "Öster\\botten_100%", " \u00a0Åbo "])),
            "grade": some(chance.choice("ABCD")), "n": some(chance.randint(-3, 9)),
            "fee": some(Decimal(chance.randint(-(10**14), 10**14)).scaleb(-chance.randint(0, 3))), "ok": some(chance.random() < 0.7),
            "done": some(date(chance.randint(2022, 2024), chance.randint(1, 12), chance.choice([1, 7, 28]))),
            "seen": some(date(2024, 2, chance.randint(1, 28))), "year": some(chance.randint(2022, 2024)),
            "rejected": chance.random() < 0.1,
        }
        for _ in range(count)
    ]  # fmt: skip


def target(kind: MeasureKind, text: str, day: str, by: tuple[str, ...], grain: Grain = Grain.YEAR, where: str = "") -> TargetSpec:
    readers = {
        MeasureKind.SHARE: expression.parse_condition, MeasureKind.COUNT: expression.parse_condition,
        MeasureKind.DISTINCT: expression.parse, MeasureKind.LATEST: expression.parse,
        MeasureKind.RATIO: expression.parse_aggregate, MeasureKind.VALUE: expression.parse_aggregate,
    }  # fmt: skip
    read = readers.get(kind, expression.parse_number)(text, KINDS) if text else None
    scope = expression.parse_condition(where, KINDS) if where else None
    return TargetSpec(Measure("data", kind, read, scope, day, by), grain)


EVERY_KIND = (
    (MeasureKind.COUNT, ""), (MeasureKind.COUNT, "fee IS NOT NULL"), (MeasureKind.DISTINCT, "n"), (MeasureKind.DISTINCT, "fee"),
    (MeasureKind.SUM, "fee"), (MeasureKind.SUM, "n * 1000000000000000"), (MeasureKind.MEAN, "fee - n"), (MeasureKind.MEAN, "abs(fee)"),
    (MeasureKind.SHARE, "n >= 4 AND ok"), (MeasureKind.SHARE, "done <= seen"), (MeasureKind.RATIO, "sum(fee) / count(*)"),
    (MeasureKind.VALUE, "avg(fee) - max(n) + min(fee)"), (MeasureKind.VALUE, "count(DISTINCT centre) / count(ok)"),
    (MeasureKind.LATEST, "fee"),
)  # fmt: skip
GROUPS = (((), "done", Grain.YEAR), (("centre",), "done", Grain.QUARTER), (("grade", "n"), "year", Grain.YEAR), (("centre",), "seen", Grain.WEEK))
TEXTS = (
    "upper(centre) = 'HÄME'", "lower(centre) >= 'h'", "centre LIKE 'H_me'", r"centre LIKE '%\botten_100\%'", "centre LIKE '%100%'",
    "length(centre) = 4", "trim(centre) = 'Åbo'", "centre < 'a'", "centre BETWEEN 'H' AND 'Å'", "centre = ''", "grade IN ('A', 'B', 'Ö')",
    "NULL", "coalesce(ok, FALSE)", "year(done) = 2023 AND month(done) > 6", "done < DATE '2023-07-01'", "fee > 1e2", "n <> 3",
    "CASE WHEN ok THEN fee ELSE 0 END > 0.5",
)  # fmt: skip


def suite() -> list[TargetSpec | RowsSpec]:
    """Give the measurements: every kind for every kind of group, and every condition."""
    specs: list[TargetSpec | RowsSpec] = [target(kind, text, day, by, grain) for (kind, text), (by, day, grain) in product(EVERY_KIND, GROUPS)]
    specs += [target(MeasureKind.SUM, "fee", "done", (), grain) for grain in Grain]
    counting = [target(kind, text, "done", by) for kind, text in EVERY_KIND for by in ((), ("centre", "grade"))]
    specs += [replace(spec, measure=replace(spec.measure, cases="n")) for spec in counting]
    specs += [target(MeasureKind.SUM, "fee", "done", (), Grain.YEAR, f"centre = '{name}'") for name in ("Häme", "häme", "Ha\u0308me", "Nowhere")]
    specs += [target(MeasureKind.SHARE, "done < period_end AND done > period_start", "done", ("grade",), grain) for grain in Grain]
    specs += [target(MeasureKind.SHARE, "ok", "done", (), Grain.YEAR, where) for where in TEXTS]
    specs += [RowsSpec("data", expression.parse_condition(text, KINDS), key=("centre", "n")) for text in TEXTS]
    where = expression.parse_condition("grade = 'A'", KINDS)
    specs += [RowsSpec("data", expression.parse_condition("n > 0 AND ok", KINDS), where, missing, ("n",)) for missing in ("unknown", "fail", "pass")]
    ways = ((None, "unknown"), (where, "fail"), (None, "pass"))
    specs += [RowsSpec("data", None, *ways[at % 3], ("n",), unique=key) for at, key in enumerate(KEYS)]
    specs += [RowsSpec("data", None, *ways[at % 3], ("n",), references=one) for at, one in enumerate(REFERENCES)]
    return specs


def mapped() -> list[TargetSpec | RowsSpec]:
    """Give measurements whose centres are counted as others, one of them shared out, as they are when a run judges."""
    parts = (("Uusi", Fraction(3, 5)), ("Häme", Fraction(2, 5)))
    moves = [
        Moved("centre", (("Häme", "Häme → Uusi 0.6, Häme 0.4"), ("Ha\u0308me", None), ("häme", "Uusi")), keeps, (("Häme → Uusi 0.6, Häme 0.4", parts),))
        for keeps in (True, False)
    ]
    specs = [target(kind, text, "done", by) for kind, text in EVERY_KIND if kind in {MeasureKind.COUNT, MeasureKind.SUM, MeasureKind.RATIO} for by in (("centre",), ("grade", "centre"))]
    return [replace(spec, measure=replace(spec.measure, moved=move)) for spec, move in product(specs, moves)]


def numbers_of(engine: Engine, spec: TargetSpec | RowsSpec) -> object:
    """Give what was found, without the SQL that found it."""
    result = found(engine, spec)
    if isinstance(result, str):
        return result
    return (result.met, result.failed, result.unknown, result.examples) if isinstance(spec, RowsSpec) else result[0]


def agree(engine: Engine, specs: list[TargetSpec | RowsSpec], rows: list[dict[str, object]], *, planned: bool = True) -> None:
    """Hold an engine against one query a rule on DuckDB."""
    frames = {"data": frame_of(rows), "other": frame_of(other_rows(rows))}
    with closing(DuckEngine(frames, CONTRACTS, AS_OF)) as oracle:
        expected = [numbers_of(oracle, spec) for spec in specs]
    if planned:
        engine.prepare(specs)
    for spec, wanted in zip(specs, expected, strict=True):
        assert numbers_of(engine, spec) == wanted, engine.query_of(spec)


def filled(connection: sqlalchemy.Connection, table: str, rows: list[dict[str, object]]) -> None:
    """Put rows into a table of PostgreSQL."""
    columns = ", ".join(f'"{item.name}" {COLUMNS[item.type]}' for item in FIELDS)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    connection.exec_driver_sql(f"CREATE TABLE {table} ({columns}, {hidden_column('fee')} boolean, __row bigint, __rejected boolean)")
    values = [(*(row[item.name] for item in FIELDS), hides(row), at, row["rejected"]) for at, row in enumerate(rows, 2)]
    if values:
        marks = ", ".join(["%s"] * len(values[0]))
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608 (a name of ours, and marks)
    connection.commit()


@pytest.fixture(scope="module")
def database():
    if postgresql.programs() is None:
        pytest.skip(postgresql.ABSENT)
    with postgresql.server() as url:
        engine = sqlalchemy.create_engine(url)
        yield engine
        engine.dispose()


def postgres_engine(database: sqlalchemy.Engine, rows: list[dict[str, object]]) -> Engine:
    with database.connect() as connection:
        filled(connection, "data", rows)
        filled(connection, "other", other_rows(rows))
    tables = {name: f"SELECT * FROM {name}" for name in CONTRACTS}  # noqa: S608 (names of ours)
    return Engine(SqlDatabase(database, tables), CONTRACTS, AS_OF, {"data": len(rows), "other": len(other_rows(rows))})


@pytest.mark.parametrize("count", [0, 1, 900])
@pytest.mark.parametrize("planned", [True, False], ids=["planned", "own queries"])
def test_postgresql(database, planned: bool, count: int) -> None:
    rows = awkward_rows(count)
    with closing(postgres_engine(database, rows)) as engine:
        agree(engine, suite(), rows, planned=planned)
        assert not planned or sum(len(run.done.read) for run in engine.passes) > 80


def test_postgresql_on_mapped_subjects(database) -> None:
    rows = awkward_rows(300)
    with closing(postgres_engine(database, rows)) as engine:
        agree(engine, mapped(), rows, planned=False)


def test_postgresql_on_drawn_measurements(database) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ROW, max_size=30), st.lists(targets() | conditions(), min_size=4, max_size=10))
    def same(rows: list[dict[str, object]], specs: list[TargetSpec | RowsSpec]) -> None:
        with closing(postgres_engine(database, rows)) as engine:
            agree(engine, specs, rows)

    same()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory):
    """Give a way to a Spark master with two workers, each a process of its own, and stop them."""
    pytest.importorskip("pyspark", reason="PySpark is not installed (the extra `spark`)")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed; on Debian: apt-get install default-jre-headless")
    from pyspark.sql import SparkSession  # noqa: PLC0415 (an extra)

    from tulosvahti.compute.spark import SparkDatabase  # noqa: PLC0415 (as above)

    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.sql.shuffle.partitions": "2", "spark.executor.memory": "512m", "spark.driver.memory": "512m",
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"), "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",  # compiling it takes longer than these few rows
    }  # fmt: skip

    def opened(rows: list[dict[str, object]]) -> Engine:
        files = {"data": rows, "other": other_rows(rows)}
        for name, some in files.items():
            frame_of(some).write_parquet(folder / f"{name}.parquet")
        base = SparkDatabase("local-cluster[2,1,512]", {name: str(folder / f"{name}.parquet") for name in files}, settings)
        return Engine(base, CONTRACTS, AS_OF, {name: len(some) for name, some in files.items()})

    yield opened
    if session := SparkSession.getActiveSession():
        session.stop()


def test_spark(cluster) -> None:
    rows = awkward_rows(900)
    with closing(cluster(rows)) as engine:
        agree(engine, suite(), rows)
        tracker = engine._database._session.sparkContext._jsc.sc().statusTracker()
        assert len(tracker.getExecutorInfos()) == 3, "the driver and two executors"
        own = [*(spec for at, spec in enumerate(suite()) if at % 20 == 0), *mapped()[::4]]
        fresh = Engine(engine._database, CONTRACTS, AS_OF, {"data": len(rows), "other": len(other_rows(rows))})
        agree(fresh, own, rows, planned=False)
