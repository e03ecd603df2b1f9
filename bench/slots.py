"""Each calendar slot once per local day: 7 zones, 11 times, 10 years, changing days included.

``python bench/slots.py [FIRST_YEAR] [YEARS]`` ticks the policy through them (2010 and 10 years by default), compares with
days and moments found by walking the clock, prints a table, and ends with 1 where one slot went otherwise.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests" / "shared")]

from local_days import ZONES, broken, years  # noqa: E402 - found by the line above


def main(first: int, count: int) -> int:
    """Do all zones, two at a time."""
    began, wrong, total = time.perf_counter(), 0, 0
    print(f"| zone, {first}-{first + count - 1} | changes of the clock | slots | each once |\n| --- | ---: | ---: | --- |")
    start, end = years(first, count)
    with ProcessPoolExecutor(2) as pool:
        done = pool.map(partial(broken, start=start, end=end), ZONES)
        for zone, (slots, changes, faults) in zip(ZONES, done, strict=True):
            print(f"| {zone} | {changes} | {slots} | {'yes' if not faults else f'{len(faults)} faults'} |", flush=True)
            for fault in faults[:20]:
                print(fault, file=sys.stderr)
            wrong, total = wrong + len(faults), total + slots
    print(f"\n{total} slots, {wrong} faults, {time.perf_counter() - began:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*given, *(2010, 10)[len(given) :]))
