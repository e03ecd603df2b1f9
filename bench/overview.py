"""The overview of 2,000 verdicts over ten years of nightly runs: time of the server, bytes of the page.

``python bench/overview.py [VERDICTS] [NIGHTS]``. A ledger is made whose nights each judged VERDICTS (all but the newest
hold a sample of them, so that it is made in minutes; the tables keep their indexes), then pages are asked for in process.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import insert

from tulosvahti.cli.starting import start_project
from tulosvahti.store import schema
from tulosvahti.store.ledger import Ledger
from tulosvahti.web.app import application
from tulosvahti.web.house import House

WORDS = ("met", "missed", "on_track", "at_risk", "unknown", "not_due", "monitored")
YEARS = 10
PAGES = ("/en/overview", "/en/overview?verdict=missed", "/en/indicators/rule-7?period=2025", "/en/findings", "/en/runs", "/en/compare")


def verdict(number: int, run: int) -> dict[str, object]:
    """Make a verdict; one in fifty changes from night to night."""
    rule, year = divmod(number, YEARS)
    kind = WORDS[(number + (run if number % 50 == 0 else 0)) % len(WORDS)]
    return {
        "rule": f"rule-{rule}", "kind": "target", "title": dict.fromkeys(("fi", "sv", "en"), f"Indicator number {rule} of the agreement, as it is named"),
        "subject": {}, "period": str(2016 + year), "verdict": kind, "change": None, "was": None, "provisional": year == YEARS - 1,
        "binding": year < 8, "in_state_budget": False, "severity": "warning", "owner": f"owner-{rule % 12}", "observed": f"{rule}.{year}",
        "target": f">= {rule}", "margin": "0.1", "unit": "percent", "reason": None, "reason_text": None,
        "cite": {"agreement": "bench", "section": f"{rule // 20}", "page": 3, "quote": "as the agreement says it"}, "sums": None,
        "evidence": {"input": "register", "rows": 1000, "sql": "SELECT count(*) FROM register WHERE a = 1 " * 10},
    }  # fmt: skip


def outcome(run: int, as_of: date, verdicts: list[dict[str, object]]) -> str:
    """Write a run as it is published."""
    sections = {f"{number}": dict.fromkeys(("fi", "sv", "en"), f"Section {number}") for number in range(40)}
    agreement = {"title": {"en": "Bench"}, "document": "", "agency": {"en": "Agency"}, "years": {str(2016 + n): n < 8 for n in range(YEARS)}, "owners": {}, "sections": sections}
    facts = {"id": str(run), "as_of": as_of.isoformat(), "rules_sha256": "0" * 64, "engine": "bench", "lookback": False}
    return json.dumps({"run": facts, "inputs": [], "verdicts": verdicts, "findings": [], "problems": [], "agreements": {"bench": agreement}, "rules": {}})


def fill(ledger: Ledger, count: int, nights: int) -> None:
    """Fill the ledger."""
    first = date(2026, 1, 1) - timedelta(days=nights)
    for run in range(1, nights + 1):
        newest = run == nights
        as_of = first + timedelta(days=run)
        at = datetime.combine(as_of, datetime.min.time(), UTC).isoformat(timespec="microseconds")
        verdicts = [verdict(n, run) for n in range(count)] if newest else [verdict(n, run) for n in range(run % 50, count, 50)]
        with ledger.transaction() as connection:
            text = outcome(run, as_of, verdicts) if newest or run == nights - 1 else ""
            values = {"id": run, "as_of": as_of, "started_at": at, "finished_at": at, "rules_sha256": "0" * 64, "engine": "bench", "state": "done", "outcome_json": text}
            connection.execute(insert(schema.runs).values(values))
            connection.execute(insert(schema.verdicts), [
                {"run_id": run, "rule": v["rule"], "subject": "{}", "period": v["period"], "kind": "target", "verdict": v["verdict"], "provisional": False,
                 "binding": True, "observed": v["observed"], "target": v["target"], "margin": None, "reason": None, "evidence": "{}", "severity": "warning", "owner": v["owner"]}
                for v in verdicts
            ])  # fmt: skip
            if newest:
                connection.execute(insert(schema.measurements), [
                    {"run_id": run, "rule": v["rule"], "subject": "{}", "period": v["period"], "value": "12", "rows": 5, "unknown_rows": 0} for v in verdicts
                ])  # fmt: skip


async def ask(house: House) -> None:
    """Ask for each page: the first time, then twenty times; print what it took."""
    transport = httpx.ASGITransport(application(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as visitor:
        for path in PAGES:
            times = []
            for _ in range(21):
                start = time.perf_counter()
                answer = await visitor.get(path, headers={"Accept-Encoding": "identity"})
                times.append(1000 * (time.perf_counter() - start))
                answer.raise_for_status()
            sent = len(gzip.compress(answer.content, 5))
            print(f"{path:40} first {times[0]:6.0f} ms, median {statistics.median(times[1:]):6.0f} ms, "
                  f"page {len(answer.content) / 1000:7.0f} kB, sent {sent / 1000:6.0f} kB")  # fmt: skip


def main() -> None:
    """Make the ledger and ask."""
    count, nights = (int(sys.argv[n]) if len(sys.argv) > n else default for n, default in ((1, 2000), (2, 3650)))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        start_project(root)
        with closing(House(root)) as house:
            start = time.perf_counter()
            fill(house.ledger, count, nights)
            size = (root / ".tulosvahti" / "ledger.db").stat().st_size / 1e6
            print(f"{count} verdicts, {nights} nights: ledger of {size:.0f} MB made in {time.perf_counter() - start:.0f} s")
            asyncio.run(ask(house))


if __name__ == "__main__":
    main()
