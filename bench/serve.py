"""How heavy the overview is, and how long the server takes for it: 2,000 verdicts, ten years of history in the ledger.

``python bench/serve.py [REQUESTS] [READERS]``: a ledger is seeded in a temporary folder, the dashboard is served from a
process of its own, and the pages are asked for over HTTP, one after the other and then by several readers at once.
"""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
from sqlalchemy import insert

from tulosvahti.cli.starting import start_project
from tulosvahti.store import schema
from tulosvahti.store.ledger import Ledger

VERDICTS, YEARS = 2_000, range(2014, 2024)
SETTLED = 10
"""Seconds in which the server makes the newest run ready, as it does after each run."""
WORDS = ("met", "missed", "on_track", "at_risk", "unknown", "not_due", "monitored")
PATHS = ("/en/overview", "/en/", "/en/runs", "/en/indicators/rule-0007", "/en/alerts", "/en/deliveries", "/api/v1/runs/newest/verdicts")


def verdict(number: int, year: int) -> dict[str, object]:
    """Give a verdict as a run publishes it."""
    word = WORDS[(number * 7 + year) % len(WORDS)]
    title = f"Made-up indicator {number} of the agreement"
    return {
        "rule": f"rule-{number:04}", "kind": "target", "title": dict.fromkeys(("fi", "sv", "en"), title), "subject": {},
        "period": str(year), "verdict": word, "change": "continued" if word in {"missed", "at_risk", "unknown"} else None, "was": None,
        "provisional": False, "binding": True, "in_state_budget": False, "severity": "warning", "owner": f"owner-{number % 20}",
        "observed": f"{number % 100}.{year % 10}", "target": ">= 50", "margin": "1", "unit": "percent", "reason": None,
        "reason_text": None, "cite": {"agreement": "a", "section": f"{number % 40}", "page": 1, "quote": title}, "sums": None,
        "evidence": {"rows": 100, "sql": "SELECT 1"},
    }  # fmt: skip


def outcome(run: int, year: int) -> str:
    """Give the JSON of a run: 200 rules over the ten years up to its own."""
    count = VERDICTS // len(YEARS)
    verdicts = [verdict(number, past) for number in range(count) for past in YEARS]
    sections = {str(number): dict.fromkeys(("fi", "sv", "en"), f"Section {number}") for number in range(40)}
    owners = {f"owner-{number}": dict.fromkeys(("fi", "sv", "en"), f"Owner {number}") for number in range(20)}
    named = dict.fromkeys(("fi", "sv", "en"), "A made-up agreement")
    agreement = {"title": named, "document": "", "agency": named, "owners": owners, "sections": sections}
    return json.dumps({
        "run": {"id": str(run), "as_of": f"{year}-12-31", "rules_sha256": "a", "engine": "0", "lookback": False},
        "inputs": [], "verdicts": verdicts, "findings": [], "problems": [], "agreements": {"a": agreement}, "revisions": [],
    })  # fmt: skip


def seed(root: Path) -> None:
    """Fill a ledger: one run a month for ten years, 2,000 verdicts each."""
    with closing(Ledger("sqlite:///.tulosvahti/ledger.db", root)) as ledger, ledger.transaction() as connection:
        for run, (year, month) in enumerate(((year, month) for year in YEARS for month in range(1, 13)), 1):
            at = datetime(year, month, 28, 5, tzinfo=UTC).isoformat(timespec="microseconds")
            newest = outcome(run, year) if run > len(YEARS) * 12 - 3 else ""
            values = {"id": run, "as_of": date(year, month, 28), "started_at": at, "finished_at": at, "rules_sha256": "a", "engine": "0", "state": "done", "outcome_json": newest}
            connection.execute(insert(schema.runs).values(values))
            told = [verdict(number, past) for number in range(VERDICTS // len(YEARS)) for past in YEARS]
            kept = ("rule", "period", "kind", "verdict", "provisional", "binding", "observed", "target", "margin", "severity", "owner")
            rows = [{name: item[name] for name in kept} | {"run_id": run, "subject": "{}", "evidence": "{}"} for item in told]
            connection.execute(insert(schema.verdicts), rows)
            measured = [{"run_id": run, "rule": item["rule"], "subject": "{}", "period": item["period"], "value": item["observed"], "rows": 1, "unknown_rows": 0} for item in told]
            connection.execute(insert(schema.measurements), measured)


def ask(client: httpx.Client, path: str) -> tuple[float, httpx.Response]:
    """Give the time to the first byte, in milliseconds, and the answer."""
    begun = time.perf_counter()
    with client.stream("GET", path, headers={"Accept-Encoding": "identity"}) as answer:
        first = (time.perf_counter() - begun) * 1000
        answer.read()
    return first, answer


def main(requests: int, readers: int) -> None:
    """Seed, serve, ask and print."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        start_project(root)
        seed(root)
        config = root / "config.toml"
        config.write_text(config.read_text(encoding="utf-8") + '\n[serve]\nlisten = "127.0.0.1:8479"\n', encoding="utf-8")
        server = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-m", "tulosvahti", "serve", "--project", str(root)], stderr=subprocess.PIPE, text=True
        )
        try:
            print(server.stderr.readline().strip() if server.stderr else "")
            time.sleep(SETTLED)
            print(f"{VERDICTS} verdicts, {len(YEARS)} years of history, {len(YEARS) * 12} runs; {requests} requests each")
            print(f"{'page':<42}{'first':>9}{'median':>9}{'worst':>9}{'bytes':>10}{'gzip':>9}   (ms to the first byte)")
            with httpx.Client(base_url="http://127.0.0.1:8479", timeout=60) as client:
                for path in PATHS:
                    cold, answer = ask(client, path)
                    times = [ask(client, path)[0] for _ in range(requests)]
                    size, packed = len(answer.content), len(gzip.compress(answer.content, 5))
                    print(f"{path:<42}{cold:>9.1f}{statistics.median(times):>9.1f}{max(times):>9.1f}{size:>10,}{packed:>9,}   {answer.status_code}")

            def read(_number: int) -> list[float]:
                with httpx.Client(base_url="http://127.0.0.1:8479", timeout=60) as one:
                    return [ask(one, PATHS[0])[0] for _ in range(3)]

            begun = time.perf_counter()
            with ThreadPoolExecutor(readers) as pool:
                times = [item for part in pool.map(read, range(readers)) for item in part]
            spent = time.perf_counter() - begun
            print(f"{readers} readers at once, 3 overviews each: {len(times) / spent:.0f} pages a second, median {statistics.median(times):.0f} ms")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 100)
