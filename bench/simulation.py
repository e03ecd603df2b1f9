"""Deterministic simulation: weeks of the service in a second, with a seeded clock, mail server, disk and world.

``python bench/simulation.py`` lives 300 histories, ``--seeds 10000`` the long run, ``--first N`` from another seed on;
``--seed N`` lives one and prints it. Each tenth history is lived twice and must come out the same. A broken promise
is printed with its seed and ends it with 1. What is simulated, and what is not, says ``tests/shared/simulated_disk.py``.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests" / "shared")]

from shared import show  # noqa: E402 (found beside this)
from simulated import BrokenError, Lived, live  # noqa: E402 (found beside the tests)


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """Give this process's folder: in memory where the system has such a place, as nothing here loses its power."""
    memory = Path("/dev/shm")  # noqa: S108 (a name is made up in it)
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)


def one(seed: int) -> tuple[int, str, Counter[str]]:
    """Live one history; give its seed, what was broken, and its figures."""
    gc.disable()
    try:
        lived = live(seed, Path(folder().name))
        again = live(seed, Path(folder().name)) if seed % 10 == 0 else lived
    except (Exception, BrokenError) as error:  # noqa: BLE001 (whatever it is, it has a seed)
        return seed, f"{type(error).__name__}: {error}", Counter()
    finally:
        gc.enable()
        gc.collect()
    broken = "" if lived.digest == again.digest else "the same seed gave another history"
    return seed, broken, Counter({**lived.count, "lived twice, with the same history": seed % 10 == 0})


def replay(seed: int) -> int:
    """Live one history and print it."""
    lived = Lived(seed)
    try:
        live(seed, Path(folder().name), lived)
    except (Exception, BrokenError) as error:  # noqa: BLE001 (as above)
        print("\n".join(lived.lines))
        print(f"seed {seed} broke: {type(error).__name__}: {error}")
        return 1
    print("\n".join([*lived.lines, f"seed {seed}: {lived.digest}"]))
    return 0


def main() -> int:
    """Live the histories on every core."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=300)
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--seed", type=int)
    asked = options.parse_args()
    if asked.seed is not None:
        return replay(asked.seed)
    began, total, broken = time.monotonic(), Counter[str](), 0
    with ProcessPoolExecutor() as pool:
        for seed, why, count in pool.map(one, range(asked.first, asked.first + asked.seeds), chunksize=5):
            total += count
            if why:
                broken += 1
                print(f"seed {seed} broke: {why[:1000]}", flush=True)
    figures = {"histories": asked.seeds, **total, "broken promises": broken, "seconds": round(time.monotonic() - began)}
    show("", ("simulated", "figure"), list(figures.items()))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
