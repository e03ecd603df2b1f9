"""A kill at any system call of a run leaves a state from which the next run is right.

``python bench/kill_at_calls.py [KILLS]`` kills at KILLS calls of each scenario, evenly over all of them and one more of
each kind that changes a file (30 by default); ``long`` kills at every call. A broken promise is printed and ends it with 1.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from faulting import (
    Call,
    Right,
    broken,
    calls,
    each,
    faulty,
    left_behind,
    need_strace,
    run,
    scores,
    small_project,
    table,
)

CHANGING = ("write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "mkdir", "ftruncate", "flock", "chmod")


def scenarios(folder: Path) -> dict[str, Path]:
    """Make a project that never ran, and one where the run resolves what an earlier one opened."""
    fresh = small_project(folder / "fresh")
    later = small_project(folder / "later")
    run(later)
    scores(later, 5)
    return {"the first run": fresh, "a run that resolves": later}


def chosen(every: list[Call], kills: int | None) -> list[Call]:
    """Give every call, or some: evenly, and of each kind that changes something the middle one."""
    if kills is None:
        return every
    some = dict.fromkeys(every[::max(1, len(every) // kills)])
    for name in CHANGING:
        of_kind = [call for call in every if call.name == name and ".tulosvahti" in call.line]
        some.update(dict.fromkeys(of_kind[len(of_kind) // 2 :][:1]))
    return list(some)


def main() -> int:
    """Kill, run again, judge."""
    need_strace()
    asked = sys.argv[1] if len(sys.argv) > 1 else "30"
    kills = None if asked == "long" else int(asked)
    rows, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="tulosvahti-faults-") as name:
        folder = Path(name)
        for title, base in scenarios(folder).items():
            copy = faulty(base)
            sound = copy(folder / "sound")
            right = Right.of(sound, run(sound))
            every = calls(copy(folder / "traced"))
            seen: dict[str, list[str]] = {}
            counted: Counter[str] = Counter()

            def kill(call: Call, worker: int) -> str:
                """Kill a run at a call; the run after it is made where no earlier kill left the same state."""
                root = copy(folder / f"killed{worker}")  # noqa: B023 (called in this turn of the loop)
                ran = run(root, "-e", f"inject={call.name}:signal=KILL:when={call.number}")
                if not ran.killed:
                    return "not reached"
                left = left_behind(root, folder / f"looked{worker}")
                if left not in seen:  # noqa: B023
                    seen[left] = broken(root, run(root, later=True), right)  # noqa: B023
                wrong.extend(f"{title}, killed at {call.line[:120]}: {why}" for why in seen[left])  # noqa: B023
                return "killed"

            picked = chosen(every, kills)
            counted.update(each(kill, picked))
            rows.append((title, len(every), counted["killed"], counted["not reached"], len(seen), len(wrong)))
    table(("scenario", "system calls", "kills", "call not reached", "different states left", "broken promises so far"), rows)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
