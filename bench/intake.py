"""Rows a second and peak memory of intake, against polars, pandas and DuckDB reading the same file bare, interleaved.

``python bench/intake.py [--rows 10000,1000000] [--formats csv,xlsx,parquet,ndjson,two] [--runs 3]``: made-up inspections, seeded: number,
centre of 15, operator, two days, a truth, a fee with cents, a score, a code; CSV with semicolons, decimal commas and Finnish
dates. Each figure is of a whole new process, from its start to its end; medians. Intake is ``take`` in a project that was
opened before and has never seen the file: the child (started first, as the command does), the copy into the input store, every
constraint of the contract, key and all, and the rows written as Parquet. CPU seconds are those of all its processes: of a busy machine they say more. The others
only read the file into memory, with the types that they guess (binary floats for the fees).
``two``: two CSV of six tenths of the rows each, merged on the key (the bare readers drop what stands twice).
A workbook has as many rows as it can where more are asked for. Peak memory is what is resident at most, of parent and child.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = {"parquet": "Parquet", "two": "two CSV, merged"}
MOST_IN_A_SHEET = 1_048_575
INSPECTIONS = """
SELECT i AS id,
    'centre-' || (1 + hash(i) % 15) AS centre,
    'OP-' || lpad((hash(i * 7) % 100000)::VARCHAR, 6, '0') AS operator_id,
    DATE '2020-01-01' + (hash(i * 3) % 1400)::INT AS planned,
    CASE WHEN hash(i * 5) % 10 > 0 THEN DATE '2020-01-05' + (hash(i * 3) % 1400)::INT END AS done,
    CASE hash(i * 11) % 20 WHEN 0 THEN NULL WHEN 1 THEN false ELSE true END AS compliant,
    ((hash(i * 13) % 10000000) / 100)::DECIMAL(12, 2) AS fee,
    (1 + hash(i * 17) % 5)::INT AS score,
    'K' || chr(65 + (hash(i * 19) % 26)::INT) || (hash(i * 23) % 100)::VARCHAR AS code
FROM range(1, {rows} + 1) AS numbers(i)
"""
TEXTS = """
SELECT id, centre, operator_id, strftime(planned, '%d.%m.%Y') AS planned, strftime(done, '%d.%m.%Y') AS done,
    CASE compliant WHEN true THEN 'kyllä' WHEN false THEN 'ei' END AS compliant, replace(fee::VARCHAR, '.', ',') AS fee, score, code
FROM ({inspections})
"""
CONTRACT = """
title: {fi: Tarkastuksia, sv: Inspektioner, en: Inspections}
path: inspections.FORMAT
synthetic: true
source: made by bench/intake.py
encoding: utf-8
dialect: {delimiter: ";"}
primaryKey: [id]
fields:
  - {name: id, type: integer, constraints: {required: true, minimum: 1}}
  - {name: centre, type: string, constraints: {required: true, pattern: "centre-[0-9]{1,2}"}}
  - {name: operator_id, type: string, constraints: {required: true, pattern: "OP-[0-9]{6}"}}
  - {name: planned, type: date, format: "%d.%m.%Y", constraints: {required: true, minimum: 2019-01-01}}
  - {name: done, type: date, format: "%d.%m.%Y"}
  - {name: compliant, type: boolean, trueValues: [kyllä], falseValues: [ei]}
  - {name: fee, type: number, decimalChar: ",", constraints: {minimum: 0}}
  - {name: score, type: integer, constraints: {minimum: 1, maximum: 5}}
  - {name: code, type: string, constraints: {maxLength: 8}}
"""
READERS = {
    ("csv", "polars"): "import polars as pl; n = pl.read_csv(path, separator=';', decimal_comma=True, try_parse_dates=True).height",
    ("csv", "pandas"): "import pandas as pd; n = len(pd.read_csv(path, sep=';', decimal=','))",
    ("csv", "DuckDB"): "import duckdb; c = duckdb.connect(); c.execute(f\"CREATE TABLE t AS SELECT * FROM read_csv('{path}', delim=';', decimal_separator=',')\"); n = c.execute('SELECT count(*) FROM t').fetchone()[0]",
    ("xlsx", "pandas"): "import pandas as pd; n = len(pd.read_excel(path, engine='calamine'))",
    ("ndjson", "polars"): "import polars as pl; n = pl.read_ndjson(path).height",
    ("ndjson", "pandas"): "import pandas as pd; n = len(pd.read_json(path, lines=True))",
    ("ndjson", "DuckDB"): "import duckdb; c = duckdb.connect(); c.execute(f\"CREATE TABLE t AS SELECT * FROM read_json('{path}', format='newline_delimited')\"); n = c.execute('SELECT count(*) FROM t').fetchone()[0]",
    ("two", "polars"): "import glob, polars as pl; n = pl.concat([pl.read_csv(one, separator=';', decimal_comma=True, try_parse_dates=True) for one in sorted(glob.glob(path))]).unique('id', keep='last').height",
    ("two", "pandas"): "import glob, pandas as pd; n = len(pd.concat([pd.read_csv(one, sep=';', decimal=',') for one in sorted(glob.glob(path))]).drop_duplicates('id', keep='last'))",
    ("two", "DuckDB"): "import duckdb; c = duckdb.connect(); c.execute(f\"CREATE TABLE t AS SELECT id, last(columns(*)) FROM read_csv('{path}', delim=';', decimal_separator=',') GROUP BY id\"); n = c.execute('SELECT count(*) FROM t').fetchone()[0]",
    ("parquet", "polars"): "import polars as pl; n = pl.read_parquet(path).height",
    ("parquet", "pandas"): "import pandas as pd; n = len(pd.read_parquet(path))",
    ("parquet", "DuckDB"): "import duckdb; c = duckdb.connect(); c.execute(f\"CREATE TABLE t AS SELECT * FROM read_parquet('{path}')\"); n = c.execute('SELECT count(*) FROM t').fetchone()[0]",
}
AROUND = """
import json, resource, sys
path = sys.argv[1]
{body}
most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([n, most, own]))
"""
OPENED = """
from pathlib import Path
from tulosvahti.load.opened import open_project
open_project(Path(path).parent.parent)
n = 0
"""
INTAKE = """
from tulosvahti.load.intake_apart import started_ahead
with started_ahead():
    from datetime import date
    from pathlib import Path
    from tulosvahti.load.opened import open_project
    from tulosvahti.load.tables import take
    root = Path(path).parent.parent
    project = open_project(root)
    taken = take(project.contracts["inspections"], root, date(2030, 1, 1))
assert taken.rows is not None, taken.delivery.explanation
assert not taken.delivery.rejects, taken.delivery.rejects[:3]
n = taken.delivery.rows
"""


def make(form: str, rows: int, folder: Path) -> Path:
    """Write a project with one input of so many rows."""
    import duckdb  # noqa: PLC0415 (where the figures are taken it is loaded by who needs it)

    inputs = folder / "inputs"
    inputs.mkdir(parents=True)
    (folder / "rules").mkdir()
    (folder / "config.toml").write_text('languages = ["fi"]\ntime_zone = "Europe/Helsinki"\n[name]\nfi = "Bench"\n', encoding="utf-8")
    contract = CONTRACT.replace("inspections.FORMAT", "inspections_*.csv" if form == "two" else f"inspections.{form}")
    if form not in {"csv", "two"}:
        contract = contract.replace('encoding: utf-8\ndialect: {delimiter: ";"}\n', "").replace('decimalChar: ",", ', "")
        contract = contract.replace(', format: "%d.%m.%Y"', "").replace(", trueValues: [kyllä], falseValues: [ei]", "")
    (inputs / "inspections.yaml").write_text(contract, encoding="utf-8")
    path = inputs / ("inspections_*.csv" if form == "two" else f"inspections.{form}")
    query = INSPECTIONS.format(rows=rows)
    with duckdb.connect() as connection:
        if form == "csv":
            connection.execute(f"COPY ({TEXTS.format(inspections=query)}) TO '{path}' (DELIMITER ';', HEADER, QUOTE '')")
        elif form == "two":
            for number, part in enumerate((f"id <= {rows * 6 // 10}", f"id > {rows * 4 // 10}"), 1):
                connection.execute(f"COPY ({TEXTS.format(inspections=query)} WHERE {part}) TO '{inputs}/inspections_{number}.csv' (DELIMITER ';', HEADER, QUOTE '')")
        elif form == "ndjson":
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT json)")
        elif form == "parquet":
            connection.execute(f"COPY ({query}) TO '{path}'")
        else:
            write_workbook(path, connection.execute(query))
    return path


def write_workbook(path: Path, found: object) -> None:
    """Write rows into a sheet."""
    import xlsxwriter  # noqa: PLC0415

    with xlsxwriter.Workbook(path, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("Tarkastukset")
        sheet.write_row(0, 0, [column[0] for column in found.description])  # type: ignore[attr-defined]
        at = 1
        while block := found.fetchmany(10_000):  # type: ignore[attr-defined]
            for row in block:
                sheet.write_row(at, 0, [float(cell) if cell.__class__.__name__ == "Decimal" else cell for cell in row])
                at += 1


def measured(body: str, path: Path) -> tuple[float, int, int, int, float]:
    """Run one process; give seconds, rows, peak of all and of the parent in KiB, and processor seconds of all.

    Raises:
        SystemExit: it failed.

    """
    environment = os.environ | {"PYTHONPATH": str(ROOT / "engine")}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", AROUND.format(body=body), str(path)], env=environment, capture_output=True, check=False)  # noqa: S603
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode:
        sys.exit(done.stderr.decode(errors="replace"))
    # A library may draw its progress before.
    rows, most, own = json.loads(done.stdout[done.stdout.rindex(b"[") :])
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, rows, most, own, used


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,1000000")
    parser.add_argument("--formats", default="csv,xlsx,parquet")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"Medians of {asked.runs} whole processes, interleaved. Python {platform.python_version()}, {os.cpu_count()} processors, load at the start {load:.1f}.\n")
    print("| format | rows | intake / fastest bare | the same of CPU | intake s | CPU s | rows/s | peak MiB (parent) | polars s, MiB | pandas s, MiB | DuckDB s, MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for form in asked.formats.split(","):
        for rows in map(int, asked.rows.split(",")):
            wanted = min(rows, MOST_IN_A_SHEET) if form == "xlsx" else rows
            with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
                compare(form, make(form, wanted, Path(name)), wanted, asked.runs)
            if wanted < rows:
                break


def compare(form: str, path: Path, rows: int, runs: int) -> None:
    """Measure one file with everything that reads it, and print its line."""
    found: dict[str, list[tuple[float, int, int, int, float]]] = {}
    for _ in range(runs):
        subprocess.run(["rm", "-rf", str(path.parent.parent / ".tulosvahti")], check=True)  # noqa: S603, S607
        measured(OPENED, path)
        found.setdefault("intake", []).append(measured(INTAKE, path))
        for (of, name), body in READERS.items():
            if of == form:
                found.setdefault(name, []).append(measured(body, path))
    for name, results in found.items():
        if any(result[1] != rows for result in results):
            sys.exit(f"{name} read {results[0][1]} rows of {rows}")
    seconds = {name: statistics.median(result[0] for result in results) for name, results in found.items()}
    peaks = {name: max(result[2] for result in results) // 1024 for name, results in found.items()}
    parent = max(result[3] for result in found["intake"]) // 1024
    used = {name: statistics.median(result[4] for result in results) for name, results in found.items()}
    ours, our_cpu = seconds.pop("intake"), used.pop("intake")
    bare = [f"{seconds[name]:.2f}, {peaks[name]}" if name in seconds else "–" for name in ("polars", "pandas", "DuckDB")]
    print(
        f"| {NAMES.get(form, form.upper())} | {rows:,} | {ours / min(seconds.values()):.2f} | "
        f"{our_cpu / min(used.values()):.2f} | {ours:.2f} | {our_cpu:.2f} | "
        f"{rows / ours:,.0f} | {peaks['intake']} ({parent}) | {' | '.join(bare)} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
