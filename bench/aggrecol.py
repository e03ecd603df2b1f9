"""Discovery of relations held against 199 labelled real tables (AggreCol's data) and the published method.

``python bench/aggrecol.py SHARED/aggrecol [--jobs 2] [--show N]``. The rules are those of the data's own ``score.py``,
which is loaded, not copied: a prediction is right if function, total and the set of items that are not blank agree.

How to read it: precision, recall and F1 by function; the mean of the tables' own F1 (a table with nothing labelled and
nothing predicted counts 1) says how a table fares that comes alone, the share of tables all right how often nothing
is to be mended by hand. "Accused" are tables in which a relation is said to be broken or a cell to be wrong: the tables
are real and may hold real errors, so look at each (``--show``).
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from shared import Rows, accusations, audited_text, mapped, share, show  # first: numpy to one thread

OPERATORS = {"sum": "Sum", "difference": "Subtract", "average": "Average", "share": "Division", "relative_change": "RelativeChange"}
PUBLISHED = {
    "Sum": (0.743, 0.648, 0.692),
    "Average": (0.811, 0.577, 0.675),
    "Division": (0.786, 0.880, 0.830),
    "RelativeChange": (0.835, 0.841, 0.838),
    "All": (0.762, 0.701, 0.730),
}
"""AggreCol's own code on the same tables, from the data's README; tables all right: 39.7 %."""
TACLE = 0.08
"""TaCLe's F1 over all, as the issue states it."""


@dataclass
class Given:
    """One labelled table."""

    name: str
    cells: Rows
    labels: list[dict[str, Any]]


@dataclass
class Got:
    """What the audit said of it; ``predicted``: operator, total, items."""

    predicted: list[tuple[str, tuple[int, int], tuple[tuple[int, int], ...]]]
    accused: list[str]
    seconds: float
    cells: int


@dataclass
class Score:
    """Labels, labels found, predictions, predictions right; by operator, and of which tables."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, operator: str, what: str, by: int = 1) -> None:
        """Count one thing under its operator and under all."""
        self.counts[operator][what] += by
        self.counts["All"][what] += by

    def figures(self, operator: str) -> tuple[float, float, float]:
        """Give precision, recall, F1; without labels and predictions all are 1."""
        c = self.counts[operator]
        precision = c["right"] / c["predicted"] if c["predicted"] else 1.0
        recall = c["found"] / c["labels"] if c["labels"] else 1.0
        both = precision + recall
        return precision, recall, 2 * precision * recall / both if both else 0.0


def audit(given: Given) -> Got:
    """Audit one table."""
    audited, seconds = audited_text(given.name, given.cells)
    predicted = [(OPERATORS[r.function], r.total, r.items) for r in audited.relations if r.state == "holds"]
    return Got(predicted, accusations(audited), seconds, sum(map(len, given.cells)))


def scored(rules: ModuleType, given: Given, got: Got, total: Score) -> tuple[Score, list[str]]:
    """Score one table by the data's own rules; also add it to the whole. Lists what is missed and what is too much."""
    own = Score()
    gold = list(dict.fromkeys((a["operator"], tuple(a["aggregator"]), tuple(map(tuple, a["items"]))) for a in given.labels))
    guesses = {}
    for prediction in got.predicted:
        forms = rules.forms(*prediction)
        guesses.setdefault(forms[0], forms)
    found: set[int] = set()
    off: list[str] = []
    for first, forms in guesses.items():
        hits = {k for k, label in enumerate(gold) for form in forms if rules.same(label, form, given.cells)}
        found |= hits
        for score in (own, total):
            score.add(first[0], "predicted")
            score.add(first[0], "right", bool(hits))
        if not hits:
            off.append(f"too much: {first}")
    for k, label in enumerate(gold):
        for score in (own, total):
            score.add(label[0], "labels")
            score.add(label[0], "found", k in found)
        if k not in found:
            off.append(f"missed: {label}")
    return own, off


def load_rules(path: Path) -> ModuleType:
    """Load the data's scorer.

    Raises:
        SystemExit: it is not there.

    """
    spec = importlib.util.spec_from_file_location("score", path)
    if spec is None or spec.loader is None or not path.exists():
        raise SystemExit(f"{path}: no scorer; give the folder with tables.jsonl.gz and score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, help="holds tables.jsonl.gz and score.py")
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--show", type=int, default=0, metavar="N", help="list accused tables, and the N worst with up to N of their faults each")
    given = arguments.parse_args()
    rules = load_rules(given.folder / "score.py")
    with gzip.open(given.folder / "tables.jsonl.gz", "rt", encoding="utf-8") as file:
        tables = [Given(f"{t['file']} {t['table']}", t["cells"], t["aggregations"]) for t in map(json.loads, file)]
    total = Score()
    results = []
    for table, got in zip(tables, mapped(audit, tables, given.jobs), strict=True):
        own, off = scored(rules, table, got, total)
        results.append((own.figures("All")[2], table, got, off))
    rows = []
    for name, published in PUBLISHED.items():
        c, figures = total.counts[name], total.figures(name)
        tacle = TACLE if name == "All" else "–"
        rows.append((name, *figures, c["labels"], c["found"], c["predicted"], c["right"], *published, tacle))
    show("Relations discovered in labelled tables", ("function", "P", "R", "F1", "labels", "found", "predicted", "right",
         "AggreCol P", "AggreCol R", "AggreCol F1", "TaCLe F1"), rows)  # fmt: skip
    whole = sum(not off for *_, off in results)
    accused = [(table, got) for _, table, got, _ in results if got.accused]
    slowest = max(results, key=lambda r: r[2].seconds)
    show("Tables", ("what", "measured", "AggreCol"), [
        ("tables", len(results), len(results)),
        ("mean of the tables' F1", sum(r[0] for r in results) / len(results), "–"),
        ("all right", share(whole, len(results)), "39.7 %"),
        ("accused", f"{len(accused)} ({share(len(accused), len(results))})", "–"),
        ("seconds in all", sum(r[2].seconds for r in results), "–"),
        ("slowest table, s", slowest[2].seconds, "–"),
    ])  # fmt: skip
    print(f"\nSlowest: {slowest[1].name}, {slowest[2].cells} cells.")
    if given.show:
        print("\nAccused:")
        for table, got in accused:
            print(f"  {table.name}")
            for line in got.accused[: given.show]:
                print(f"      {line}")
        print("\nWorst:")
        for f1, table, _, off in sorted(results, key=lambda r: r[0])[: given.show]:
            print(f"  {f1:.2f} {table.name}: {len(off)} faults")
            for line in off[: given.show]:
                print(f"      {line}")


if __name__ == "__main__":
    main()
