"""Many rules over many rows, beside a bare scan and beside peers, as whole processes in one interleaved run; medians.

``python bench/scale.py [--rows N] [--random] [--sets ABC] [--runs N] [--projects] [--unplanned SETS] [--peers DIR --peer NAME…]``:
generated inspections of 15 centres and 5 years, the operators that they refer to, and a budget of 200,000 rows with row sums, as
files of the row store; with ``--random`` the inspections lie in random order. Each set is judged from rule objects to verdicts
with evidence; with ``--projects`` also by ``tulosvahti run`` in a project (rule files, ledger, report), whose inputs were taken
in before. The scan counts and takes the greatest of all columns of the inspections. ``--unplanned``: sets that are judged by one
query a rule too, and must come out the same. ``--peers``: a folder with a harness of peers (``cmds.sh``, ``venvs``, ``data``),
which judge sets of their own of the same kinds and sizes over the same inspections and operators and a budget of that size.

CPU seconds of a process with its children come first: on a machine that does other things, walls say little.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

if "--judge" not in sys.argv:  # what is measured loads what the engine loads, and nothing else
    import duckdb
    import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "engine"))

from tulosvahti.compute.measuring import DuckEngine  # noqa: E402 (its place is set above)
from tulosvahti.core.contract import Contract, Delivery, DeliveryState, Field, FieldType  # noqa: E402
from tulosvahti.core.expression import parse_aggregate, parse_condition, parse_number  # noqa: E402
from tulosvahti.core.kept_rows import KeptRows  # noqa: E402
from tulosvahti.core.period import Grain, year  # noqa: E402
from tulosvahti.core.rule import Agreement, Cite, Measure, MeasureKind, Reference, RowsSpec, Rule, Spec, TargetSpec  # noqa: E402
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
MONTHS = tuple(f"m{number:02}" for number in range(1, 13))
CONTRACTS = {
    name: Contract(name, Text(name.capitalize()), f"{name}.csv", fields, Place(f"inputs/{name}.yaml"), primary_key=key)
    for name, fields, key in (
        ("inspections", FIELDS, ()),
        ("operators", (Field("operator_id", FieldType.INTEGER),), ("operator_id",)),
        ("budget", (Field("unit", FieldType.INTEGER), *(Field(name, FieldType.NUMBER) for name in (*MONTHS, "total"))), ("unit",)),
    )
}
KINDS = CONTRACTS["inspections"].kinds
OPERATORS, BUDGET = 50_000, 200_000
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
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT / "engine")}
"""As where it is installed: compiled once."""


def tables(rows: int, *, in_random_order: bool) -> dict[str, pl.DataFrame]:
    """Generate the inputs."""
    frame = inspections(rows)
    if in_random_order:
        frame = frame.sample(fraction=1, shuffle=True, seed=rows).with_columns(pl.int_range(2, rows + 2).alias("__row"))
    chance = random.Random(BUDGET)  # noqa: S311 (not for secrets)
    cents = [pl.Series(name, chance.choices(range(5_000_000), k=1000) * (BUDGET // 1000)).shuffle(at) for at, name in enumerate(MONTHS)]
    budget = pl.DataFrame(cents).with_columns(total=pl.sum_horizontal(MONTHS) + pl.when(pl.int_range(BUDGET) % 8000 == 7).then(1).otherwise(0))
    budget = budget.select(pl.int_range(1, BUDGET + 1).alias("unit"), (pl.all().cast(pl.Decimal(18, 2)) / pl.lit(100).cast(pl.Decimal(18, 2))).cast(pl.Decimal(18, 2)))
    operators = pl.DataFrame({"operator_id": range(1, OPERATORS + 1)})
    return {"inspections": frame, "operators": _numbered(operators), "budget": _numbered(budget)}


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.int_range(2, frame.height + 2).alias("__row"), pl.lit(value=False).alias("__rejected"))


def inspections(rows: int) -> pl.DataFrame:
    """Generate the rows, in the order of their planned days: three ids are doubles, and a few operators are nobody."""
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
            "id": pl.select(pl.when(at.is_in([rows // 2, rows // 3, rows // 4])).then(at).otherwise(at + 1)).to_series(),
            "centre": drawn([name for place, name in enumerate(CENTRES) for _ in range(20 - place)], pl.String),
            "operator_id": drawn([*range(1, OPERATORS + 1)] * 10 + [OPERATORS + 7], pl.Int64),
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


def rows(text: str, centre: str = "") -> RowsSpec:
    """Make a condition on rows: of one centre, or of all."""
    where = parse_condition(f"centre = '{centre}'", KINDS) if centre else None
    return RowsSpec("inspections", parse_condition(text, KINDS), where, key=("id",))


def rules_of(name: str) -> list[Rule]:
    """Give a set of rules."""
    size = {"A": 10, "B": 100, "C": 1000, "E": 20}[name]
    specs: list[Spec] = [rows(text) for text in CONDITIONS[: 5 if name == "A" else 10]]
    specs += [RowsSpec("inspections", key=("id",), unique=("id",))]
    if name != "E":
        summed = parse_condition(f"{' + '.join(MONTHS)} = total", CONTRACTS["budget"].kinds)
        specs += [RowsSpec("budget", summed, key=("unit",))]
    if name == "A":
        specs += [metric(0), metric(1, "Lappi", 2023), metric(2, "Häme", 2024)]
    else:
        specs += [RowsSpec("inspections", key=("id",), references=Reference(("operator_id",), "operators", ("operator_id",)))]
        specs += [metric(at) for at in range(len(METRICS))]
    places = [(centre, number) for number in YEARS for centre in CENTRES]
    if name == "B":
        specs += [metric(index % 2, centre, number) for index, (centre, number) in enumerate(places)]
    if name == "C":
        specs += [metric(at, centre, number) for centre, number in places for at in range(len(METRICS))]
        specs += [RowsSpec("inspections", None, parse_condition(f"year(planned) = {number}", KINDS), key=("id",), unique=("id",)) for number in YEARS]
        specs += [rows(text, centre) for text in CONDITIONS for centre in CENTRES]
    cite = Cite("scale", "1", Text("Scale"))
    return [Rule(f"{name}{at:04}", Text("rule"), "owner", cite, spec, PLACE) for at, spec in enumerate(specs[:size])]


def judged(name: str, folder: Path, *, plan: bool = True) -> list[object]:
    """Judge a set over files of the row store; give what came out."""
    rules = rules_of(name)
    kept = {name: KeptRows(folder / f"{name}.parquet", int((folder / f"{name}.rows").read_text())) for name in CONTRACTS}
    deliveries = {name: Delivery(name, DeliveryState.ACCEPTED, rows=item.height) for name, item in kept.items()}
    agreement = Agreement("scale", Text("Scale"), "", Text("Agency"), years=tuple((number, True) for number in YEARS))
    facts = Facts(AS_OF, deliveries, kept, CONTRACTS, {"scale": agreement})
    with closing(DuckEngine(facts.tables, facts.contracts, AS_OF)) as engine:
        if not plan:
            engine.prepare = lambda _specs: None  # type: ignore[method-assign]
        verdicts = judge_rules(rules, facts, engine, {}, {rule.id: rule for rule in rules}).verdicts
        return [(item.rule.id, item.period, item.word, item.observed, item.evidence) for item in verdicts]


SCAN = (
    "import sys, duckdb; duckdb.connect().execute('SELECT ' + ', '.join(f'count({name}), max({name})' for name in sys.argv[2:])"
    " + f\" FROM '{sys.argv[1]}'\").fetchall()"
)


def written_rows(spec: RowsSpec) -> str:
    """Write a rule of rows as a rule file has it."""
    said = f'require: "{spec.require.text}"' if spec.require else f"unique: [{', '.join(spec.unique)}]"
    if found := spec.references:
        said = f"references: {{fields: [{', '.join(found.fields)}], input: {found.input}}}"
    where = f', where: "{spec.where.text}"' if spec.where else ""
    return f"    rows: {{input: {spec.input}, {said}{where}, key: [{', '.join(spec.key)}]}}"


def written_project(root: Path, name: str, frames: dict[str, pl.DataFrame]) -> None:
    """Write a set as a project with its rows as deliveries."""
    for folder in ("rules", "inputs", "alerts"):
        (root / folder).mkdir(parents=True)
    lines = ["agreement: scale", "section: '1'", "title: Scale", "rules:"]
    for rule in rules_of(name):
        lines += [f"  - id: {rule.id.lower()}", "    title: rule", "    quote: words", "    owner: agency"]
        spec = rule.spec
        if isinstance(spec, TargetSpec):
            measure = spec.measure
            text = measure.expression.text if measure.expression else "*"
            where = f', where: "{measure.where.text}"' if measure.where else ""
            lines.append(f'    measure: {{input: inspections, {measure.kind}: "{text}"{where}, period: planned}}')
            lines.append("    target: {" + ", ".join(f'{period.key}: "{target.text}"' for period, target in spec.targets) + "}")
        elif isinstance(spec, RowsSpec):
            lines.append(written_rows(spec))
    (root / "rules/scale.yaml").write_text("\n".join(lines) + "\n")
    years = ", ".join(f"{number}: binding" for number in YEARS)
    parties = "parties: {agency: Agency}"
    (root / "rules/agreements.yaml").write_text(
        "agreements:\n  scale: {title: Scale, document: D/1, signed_on: 2019-12-12, agency: Agency, years: {" + years + "}, " + parties + "}\n"
    )
    (root / "config.toml").write_text(
        f'name = "Scale"\nlanguages = ["en"]\nas_of = {AS_OF}\n[mail]\nsender = "a@b.example"\n[compute]\ndata_docs = false\n'
    )
    (root / "alerts/routes.yaml").write_text(
        "default: agency\nrecipients:\n  agency: {name: Agency, mail: agency@agency.example, language: en}\n"
    )
    for contract in CONTRACTS.values():
        fields = "\n".join(f"  - {{name: {field.name}, type: {field.type}}}" for field in contract.fields)
        text = f"title: {contract.name}\npath: {contract.name}.parquet\nsynthetic: true\nprimaryKey: [{', '.join(contract.primary_key)}]\nfields:\n{fields}\n"
        (root / f"inputs/{contract.name}.yaml").write_text(text)
        frames[contract.name].drop("__row", "__rejected").write_parquet(root / f"inputs/{contract.name}.parquet")


@dataclass
class Took:
    """What a whole process took, with its children: seconds of processors, of the clock, and the MiB of all at their most."""

    cpu: float
    wall: float
    mib: float


def took(command: list[str], folder: Path) -> Took:
    """Run a command and say what it took; an exit code above 1 ends all."""
    start = time.perf_counter()
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder, env=ENVIRONMENT)  # noqa: S603
        most: dict[int, int] = {}
        over = threading.Event()
        watch = threading.Thread(target=_watched, args=(process.pid, most, over))
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        over.set()
        watch.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode > 1:
        sys.exit(f"{shlex.join(command)}: exit code {process.returncode}\n{(folder / 'out').read_text()[-2000:]}")
    return Took(used.ru_utime + used.ru_stime, wall, sum(most.values()) / 1024)


def _watched(pid: int, most: dict[int, int], over: threading.Event) -> None:
    """Note the most memory that a process and each of its descendants ever had, in KiB."""
    while not over.wait(0.02):
        waiting = [pid]
        while waiting:
            one = waiting.pop()
            with suppress(OSError, ValueError, IndexError):
                status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
                most[one] = int(status.split("VmHWM:")[1].split()[0])
                waiting += map(int, Path(f"/proc/{one}/task/{one}/children").read_text(encoding="utf-8").split())


def peer_commands(folder: Path, names: list[str], sets: str, frame: pl.DataFrame) -> dict[str, list[str]]:
    """Give the peers' commands, as the harness has them, over the same inspections as its file."""
    found, rows = {}, "20" if frame.height == 20 else "scale"  # noqa: PLR2004 (the peers leave things out of their everyday set)
    columns = {"planned": "planned_date", "done": "done_date"}
    theirs = frame.drop("__row", "__rejected").rename(columns).with_columns(pl.col("fee").cast(pl.Decimal(10, 2)), pl.col("score").cast(pl.Int8), pl.col("operator_id").cast(pl.Int32))
    theirs.write_parquet(folder / f"data/insp_{rows}.parquet", row_group_size=122_880)
    for name in names:
        for size in sets:
            line = subprocess.run(["bash", "-c", f". ./cmds.sh; cmd {shlex.quote(name)} {size} {rows}"], cwd=folder, check=True, capture_output=True, text=True).stdout  # noqa: S603, S607
            found[f"{size} {name}"] = ["bash", "-c", f"cd {shlex.quote(str(folder))} && exec {line.strip()}"]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--random", action="store_true", help="rows in random order")
    parser.add_argument("--sets", default="ABC")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--unplanned", default="", help="sets that are also judged by one query a rule, once, and compared")
    parser.add_argument("--projects", action="store_true", help="whole runs as well, with rule files, ledger and report")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--peer", nargs="*", default=[])
    parser.add_argument("--peer-sets", default="")
    parser.add_argument("--judge", nargs=2, metavar=("SET", "FOLDER"), help="judge one set once: what is measured")
    asked = parser.parse_args()
    if asked.judge:
        judged(asked.judge[0], Path(asked.judge[1]))
        return
    found: dict[str, list[Took]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = tables(asked.rows, in_random_order=asked.random)
        frames["inspections"] = frames["inspections"].with_columns(pl.col("fee").cast(pl.Decimal(18, 2)))
        for what, frame in frames.items():
            frame.write_parquet(folder / f"{what}.parquet", row_group_size=122_880)
            (folder / f"{what}.rows").write_text(str(frame.height))
        commands = {"scan": [sys.executable, "-c", SCAN, str(folder / "inspections.parquet"), *(field.name for field in FIELDS)]}
        for one in asked.sets:
            commands[f"{one} measured"] = [sys.executable, __file__, "--judge", one, str(folder)]
            if asked.projects:
                written_project(folder / one, one, frames)
                run = [sys.executable, "-m", "tulosvahti", "run", "--no-alerts", "--no-cache", "--project", str(folder / one)]
                print(f"{one}: taken in and judged in {took(run, folder).wall:.0f} s", file=sys.stderr)
                commands[f"{one} tulosvahti run"] = run
                commands[f"{one} tulosvahti run, nothing new"] = [word for word in run if word != "--no-cache"]
                # What is measured without the cache is not remembered.
                took(commands[f"{one} tulosvahti run, nothing new"], folder)
        if asked.peers:
            commands |= peer_commands(asked.peers, asked.peer, asked.peer_sets or asked.sets, frames["inspections"])
        del frames, frame
        for _ in range(asked.runs):
            for what, command in commands.items():
                found.setdefault(what, []).append(took(command, folder))
                print(what, found[what][-1], file=sys.stderr)
        for one in asked.unplanned:
            if judged(one, folder) != judged(one, folder, plan=False):
                sys.exit(f"set {one}: planned and unplanned verdicts differ")
    middle = {what: Took(*(statistics.median(getattr(item, name) for item in items) for name in ("cpu", "wall", "mib"))) for what, items in found.items()}
    print(f"{asked.rows:,} rows{' in random order' if asked.random else ''}, {asked.runs} runs, Python {platform.python_version()}, DuckDB {duckdb.__version__}, load {os.getloadavg()[0]:.0f}\n")
    print("| what | CPU, times the scan | CPU s | wall s | MiB |\n| --- | ---: | ---: | ---: | ---: |")
    for what, item in middle.items():
        print(f"| {what} | {item.cpu / middle['scan'].cpu:.1f} | {item.cpu:.2f} | {item.wall:.2f} | {item.mib:.0f} |")


if __name__ == "__main__":
    main()
