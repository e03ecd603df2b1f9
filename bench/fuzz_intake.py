"""A seeded fuzz of the intake: broken files of every format, each through the real intake of one lasting process.

``python bench/fuzz_intake.py [FILES] [--seed N] [--only SEED]``; 2,000 files by default. For each file is asserted that it
ends accepted, late or quarantined, with sentences that people understand; that the process which took it lives; that neither
it nor a child of it used more than 1 GiB, nor the file more than 30 seconds. Each fiftieth file is taken twice and must end
the same. Prints figures and a digest of all ends; ends with 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests/shared")]

from delivered import delivered  # noqa: E402 (found beside the tests)
from intake_service import MOST_MEMORY, TOGETHER, Service, faults_of  # noqa: E402 (found beside the tests)
from mutated import mutated  # noqa: E402

_AGAIN = 50


def main() -> int:
    """Take all the files; give the exit code."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("files", nargs="?", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", type=int)
    asked = arguments.parse_args()
    seeds = [asked.only] if asked.only is not None else range(asked.seed * 1_000_000, asked.seed * 1_000_000 + asked.files)
    ends: Counter[tuple[str, str]] = Counter()
    digest, broken, slowest, most, began = hashlib.sha256(), 0, (0.0, 0), {"own": 0.0, "child": 0.0}, time.monotonic()
    working = Service()
    for at, seed in enumerate(seeds):
        name, content = mutated(seed)
        got = working.take(name, content)
        faults = ["the process died"] if got is None else faults_of(*got)
        if got is not None:
            end, used = got
            if at % _AGAIN == 0 and (again := working.take(name, content)) is not None and again[0] != end:
                faults.append(f"ended otherwise when taken again: {end['why']!r}, {again[0]['why']!r}")
            digest.update(json.dumps([seed, end], sort_keys=True).encode())
            ends[name.partition(".")[2], end["state"]] += 1
            slowest = max(slowest, (used["seconds"], seed))
            most = {who: max(value, used[who]) for who, value in most.items()}
            if asked.only is not None:
                print(json.dumps(end, indent=1, ensure_ascii=False)[:5000])
        for fault in faults:
            broken += 1
            print(f"seed {seed} ({name}, {len(content)} bytes): {fault}", flush=True)
    for _ in range(TOGETHER):
        # What the last child used is known when the next one begins.
        _, used = working.take("leads.csv", delivered("csv")) or ({}, {"own": 0.0, "child": 0.0})
        most = {who: max(value, used[who]) for who, value in most.items()}
    if max(most.values()) > MOST_MEMORY:
        broken += 1
        print(f"used {most}")
    working.close()
    states = sorted({state for _, state in ends})
    print("| named | " + " | ".join(states) + " |")
    print("| --- |" + " ---: |" * len(states))
    for ending in sorted({ending for ending, _ in ends}):
        print(f"| {ending} | " + " | ".join(str(ends[ending, state]) for state in states) + " |")
    print(
        f"{sum(ends.values())} files, {broken} broken promises; most memory {most['child'] / 1024:.0f} MiB of a child, "
        f"{most['own'] / 1024:.0f} MiB of the service; the slowest took {slowest[0]:.1f} s (seed {slowest[1]}); "
        f"{time.monotonic() - began:.0f} s; digest {digest.hexdigest()[:16]}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
