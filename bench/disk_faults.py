"""A full disk and I/O errors never corrupt or lose, and the command fails loudly.

Each call that a run makes on its state folder is refused once, with ENOSPC where it needs room and with EIO; then the
state folder is a real disk that is too small, of every size up to enough. After each, the run either says that it was
not completed (exit code 3, a sentence) or left everything as it should be, and the next run is right.

``python bench/disk_faults.py [FAULTS]`` tries FAULTS of each scenario and error, evenly over all (20 by default);
``long`` tries every one. A broken promise is printed and ends it with 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from faulting import STATE, Call, Ran, Right, broken, calls, each, faulty, need_strace, run, table
from kill_at_calls import scenarios

NEEDS_ROOM = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "mkdir", "ftruncate")
NOT_DISK = ("ioctl", "getrandom", "mmap", "munmap", "futex", "dup")
STEP_KIB = 16
ROOM = 8
"""How many times what the undisturbed run leaves a disk must hold to be enough: the ledger stands there with its log and its copy."""


def loud(ran: Ran) -> list[str]:
    """Give what is wrong about how a run said that it was not completed."""
    if ran.code != 3:
        return [f"exit code {ran.code}: {ran.err.strip()[-300:]}"]
    if "Traceback" in ran.err or not ran.err.strip():
        return [f"no sentence: {ran.err.strip()[-300:]}"]
    return []


def judged(root: Path, ran: Ran, right: Right) -> tuple[str, list[str]]:
    """Tell how the run with the fault ended, and what promise it broke."""
    if ran.code == right.code:
        return "no harm", broken(root, ran, right)
    return "failed loudly", loud(ran)


def refused(base: Path, folder: Path, error: str, faults: int | None) -> tuple[list[object], list[str]]:
    """Refuse calls one by one; give the row of the table, and the broken promises."""
    copy = faulty(base)
    sound = copy(folder / "sound")
    right = Right.of(sound, run(sound))
    made = calls(copy(folder / "traced"))
    every = [call for call in made if f"/{STATE}" in call.line and _fits(call, error)]
    wrong: list[str] = []

    def refuse(call: Call, worker: int) -> str:
        root = copy(folder / f"refused{worker}")
        ran = run(root, "-e", f"inject={call.name}:error={error}:when={call.number}")
        ended, why = judged(root, ran, right)
        why += [f"the next run: {said}" for said in broken(root, run(root, later=True), right)]
        wrong.extend(f"{error} at {call.line[:150]}: {said}" for said in why)
        return ended

    counted = Counter(each(refuse, every if faults is None else every[:: max(1, len(every) // faults)]))
    return [error, len(every), counted.total(), counted["failed loudly"], counted["no harm"], len(wrong)], wrong


def _fits(call: Call, error: str) -> bool:
    if error == "ENOSPC":
        return call.name in NEEDS_ROOM and (call.name != "openat" or "O_CREAT" in call.line)
    return call.name not in NOT_DISK


def too_small(base: Path, folder: Path, disks: int | None) -> tuple[list[object], list[str]] | None:
    """Run on disks from nothing to enough; None where nothing can be mounted."""
    copy = faulty(base)
    sound = copy(folder / "sound")
    right = Right.of(sound, run(sound))
    left = sum(path.stat().st_size for path in (sound / STATE).rglob("*") if path.is_file())
    sizes = list(range(STEP_KIB, ROOM * left // 1024, STEP_KIB))
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    for size in sizes if disks is None else sizes[:: max(1, len(sizes) // disks)]:
        root = copy(folder / f"disk{size}")
        (root / STATE).rename(root / "before") if (root / STATE).exists() else (root / "before").mkdir()
        (root / STATE).mkdir()
        if not _mount(root / STATE, f"size={size}k"):
            return None
        try:
            filled = subprocess.run(["cp", "-a", f"{root}/before/.", f"{root}/{STATE}"], check=False, capture_output=True)  # noqa: S603, S607
            if filled.returncode:
                continue  # Too small for what was there before.
            ended, why = judged(root, run(root), right)
            _mount(root / STATE, "remount,size=64m")
            why += [f"the next run: {said}" for said in broken(root, run(root, later=True), right)]
        finally:
            subprocess.run(["umount", str(root / STATE)], check=False)  # noqa: S603, S607
            shutil.rmtree(root)
        counted[ended] += 1
        wrong.extend(f"a disk of {size} KiB: {said}" for said in why)
    return ["a real full disk", len(sizes), counted.total(), counted["failed loudly"], counted["no harm"], len(wrong)], wrong


def _mount(place: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603


def main() -> int:
    """Refuse, run again, judge."""
    need_strace()
    asked = sys.argv[1] if len(sys.argv) > 1 else "20"
    faults = None if asked == "long" else int(asked)
    rows, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="tulosvahti-faults-") as name:
        for title, base in scenarios(Path(name)).items():
            for error in ("ENOSPC", "EIO"):
                row, why = refused(base, Path(name), error, faults)
                rows.append([title, *row])
                wrong += why
            small = too_small(base, Path(name), faults)
            if small is None:
                print("a real full disk: skipped, as only root may mount one")
            else:
                rows.append([title, *small[0]])
                wrong += small[1]
    table(("scenario", "fault", "places", "tried", "failed loudly", "no harm", "broken promises"), rows)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
