"""Random histories of nights against the model of alerting that the tests keep: every mail of every night compared.

``python bench/alert_histories.py [HISTORIES]``; 10,000 by default. Prints the figure; ends with 1 at a difference.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests/shared")]

from alert_histories import live  # noqa: E402 (found beside the tests)

NIGHTS, DEFAULT = 30, 10_000


def one(seed: int) -> tuple[int, str]:
    """Give the mails of one history, and the difference where there is one."""
    try:
        return live(seed, NIGHTS), ""
    except AssertionError as error:
        return 0, str(error)


def main() -> int:
    """Run the histories on every core."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    start = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(one, range(count), chunksize=50))
    differences = [text for _, text in results if text]
    for text in differences[:5]:
        print(text)
    mails = sum(number for number, _ in results)
    took = time.perf_counter() - start
    print(f"{count} histories of {NIGHTS} nights, {mails} mails compared, {len(differences)} differences, {took:.0f} s")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
