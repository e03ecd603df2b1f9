"""What an expression may take: a query that is late, breaks its process or fails leaves its own rule unknown, and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from measurements import AS_OF, contract_of, found, frame_of, rows_of, share

from tulosvahti.compute import duck_ahead
from tulosvahti.compute.duck_process import Bounds, DuckProcess
from tulosvahti.compute.engine import Engine
from tulosvahti.compute.found import LostError, NotComputedError
from tulosvahti.compute.measuring import DuckEngine
from tulosvahti.core import expression
from tulosvahti.core.kept_rows import KeptRows
from tulosvahti.core.period import Grain
from tulosvahti.core.rule import Measure, MeasureKind, RowsSpec, TargetSpec

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS a(x), range(1000) AS b(y) WHERE (x * y) % 7 = 3"


@pytest.fixture
def kept(tmp_path: Path) -> KeptRows:
    frame = frame_of(rows_of(300))
    frame.write_parquet(tmp_path / "rows.parquet")
    return KeptRows(tmp_path / "rows.parquet", frame.height)


def test_a_process_gives_what_a_connection_gives(kept: KeptRows) -> None:
    specs: list[TargetSpec | RowsSpec] = [
        share("ok"), share("n > 2", by=("centre",)), RowsSpec("data", expression.parse_condition("n > 0", contract_of().kinds), key=("fee", "done")),
    ]  # fmt: skip
    specs.append(TargetSpec(Measure("data", MeasureKind.SUM, expression.parse_number("fee", contract_of().kinds), None, "done"), Grain.MONTH))
    results = []
    for table in (kept, frame_of(rows_of(300))):
        with closing(DuckEngine({"data": table}, {"data": contract_of()}, AS_OF)) as engine:
            engine.prepare(specs)
            results.append([found(engine, spec) for spec in specs])
            assert len(engine.passes) == 1
    assert results[0] == results[1]


def test_a_late_query_ends_and_the_next_one_runs(kept: KeptRows) -> None:
    with closing(DuckProcess({"data": kept.path}, Bounds(seconds=1))) as database:
        start = time.monotonic()
        with pytest.raises(NotComputedError, match="did not end in 1 seconds"):
            database.rows(ENDLESS)
        with pytest.raises(NotComputedError, match=r"did not end in 0\.5 seconds"):
            database.rows(ENDLESS, 0.5)
        assert time.monotonic() - start < 30
        assert database.rows("SELECT count(*), sum(fee), max(done) FROM input_data")[0][:2] == (300, Decimal("448.50"))


def test_a_process_that_dies_is_told_and_started_again(kept: KeptRows) -> None:
    with closing(DuckProcess({"data": kept.path}, Bounds())) as database:
        database.rows("SELECT 1")
        os.kill(database._process.pid, signal.SIGKILL)
        with pytest.raises(NotComputedError, match="SIGKILL"):
            database.rows("SELECT 1")
        assert database.rows("SELECT 1") == [(1,)]


def test_a_process_that_was_started_ahead_is_taken(kept: KeptRows) -> None:
    duck_ahead.start_ahead()
    duck_ahead.start_ahead()
    [waiting] = duck_ahead._AHEAD
    with closing(DuckProcess({"data": kept.path}, Bounds())) as database:
        assert database.rows("SELECT count(*) FROM input_data") == [(300,)]
        assert database._process is waiting
    duck_ahead.start_ahead()
    [waiting] = duck_ahead._AHEAD
    duck_ahead.end_ahead()
    assert waiting.returncode is not None
    assert not duck_ahead._AHEAD


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("deaths", [1, 2])
def test_a_process_that_dies_as_it_starts_is_started_once_more(
    kept: KeptRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int, ahead: bool
) -> None:
    (tmp_path / "mortal.py").write_text(
        f"import os, pathlib, signal\nborn = pathlib.Path({str(tmp_path)!r}, 'born')\n"
        "with born.open('a') as file: file.write('.')\n"
        f"if born.stat().st_size <= {deaths}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from tulosvahti.compute.duck_child import main\nmain()\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(duck_ahead, "_MODULE", "mortal")
    if ahead:
        duck_ahead.start_ahead()
        duck_ahead._AHEAD[0].wait()
    with closing(DuckProcess({"data": kept.path}, Bounds())) as database:
        if deaths == 1:
            assert database.rows("SELECT count(*) FROM input_data") == [(300,)]
        else:
            with pytest.raises(NotComputedError, match="SIGKILL"):
                database.rows("SELECT 1")
    assert (tmp_path / "born").stat().st_size == 2


def test_more_than_memory_is_spilled_and_far_more_is_refused(kept: KeptRows) -> None:
    with closing(DuckProcess({"data": kept.path}, Bounds(memory=64 << 20, threads=1))) as database:
        many = "SELECT count(*) FROM (SELECT x FROM range(3000000) AS t(x) ORDER BY hash(x) LIMIT 2999999)"
        assert database.rows(many) == [(2_999_999,)]
        assert 0 < database.memory <= 64 << 20
        with pytest.raises(NotComputedError, match=r"(?i)memory"):
            database.rows("SELECT length(repeat('x', 3000000000))")
        assert database.rows("SELECT 1") == [(1,)]


@pytest.mark.parametrize("sql", [
    "SELECT * FROM read_csv('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/tulosvahti-leak.csv'", "SET memory_limit = '9GB'", "INSTALL httpfs",
    "ATTACH '/tmp/tulosvahti-leak.db'",
])  # fmt: skip
def test_nothing_but_the_inputs_can_be_opened(kept: KeptRows, sql: str) -> None:
    with closing(DuckProcess({"data": kept.path}, Bounds())) as database, pytest.raises(NotComputedError):
        database.rows(sql)


def test_a_child_ends_with_its_parent(kept: KeptRows) -> None:
    code = (
        "from pathlib import Path; import sys, time\n"
        "from tulosvahti.compute.duck_process import Bounds, DuckProcess\n"
        f"d = DuckProcess({{'data': Path({str(kept.path)!r})}}, Bounds()); d.rows('SELECT 1'); print(d._process.pid, flush=True)\n"
        f"d.rows({ENDLESS!r})"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})  # noqa: S603
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child lives on")


class Fragile:
    """A database that fails on queries that hold a text; a fake for what hangs or goes away."""

    keeps_first, reads_in_order, memory = True, False, 0

    def __init__(self, inner: DuckEngine, marker: str, error: type[NotComputedError]) -> None:
        self.inner, self.marker, self.error, self.asked = inner._database, marker, error, []

    def rows(self, sql: str, part: float = 1.0):
        if self.marker in sql:
            self.asked.append(part)
            raise self.error("it did not end")
        return self.inner.rows(sql)

    def sampled(self, name: str, height: int) -> str:
        return self.inner.sampled(name, height)

    def file(self, name: str) -> str:
        return ""

    def written(self, sql: str) -> str:
        return sql

    def close(self) -> None:
        self.inner.close()


def test_one_rule_that_hangs_costs_a_few_deadlines_and_no_other_rule() -> None:
    specs: list[TargetSpec | RowsSpec] = [share(f"n > {at}") for at in range(16)]
    fragile = Fragile(DuckEngine({"data": frame_of(rows_of(50))}, {"data": contract_of()}, AS_OF), '"n" > 7', NotComputedError)
    with closing(Engine(fragile, {"data": contract_of()}, AS_OF, {"data": 50})) as engine:
        engine.prepare(specs)
        assert [found(engine, spec) == "not computed" for spec in specs] == [at == 7 for at in range(16)]
        assert sum(fragile.asked) < 4
        assert not engine.lost


def test_a_database_that_is_gone_is_asked_once() -> None:
    specs: list[TargetSpec | RowsSpec] = [share(f"n > {at}") for at in range(16)]
    fragile = Fragile(DuckEngine({"data": frame_of(rows_of(50))}, {"data": contract_of()}, AS_OF), "SELECT", LostError)
    with closing(Engine(fragile, {"data": contract_of()}, AS_OF, {"data": 50})) as engine:
        engine.prepare(specs)
        assert {str(found(engine, spec)) for spec in specs} == {"not computed"}
        assert len(fragile.asked) == 1
        assert engine.lost == "it did not end"


def test_a_run_loads_no_data_library_of_its_own() -> None:
    code = "import sys, tulosvahti.wiring.runs; print([name for name in ('polars', 'duckdb', 'pandas', 'pyarrow', 'pandera', 'pyspark') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})  # noqa: S603
    assert found.stdout.strip() == "[]"
