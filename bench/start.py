"""Start to verdicts on the demo project, ``--help`` and import time; medians, printed as a Markdown table.

``python bench/start.py [RUNS]``: each figure is the wall time of a new process. Only the standard library is used.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ALLOWED_EXITS = (0, 1)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT / "engine")}
"""As where it is installed: compiled once, and found from any folder."""
PROGRAM = (sys.executable, "-m", "tulosvahti")


def copy_project(target: Path) -> None:
    """Copy what makes a project; state and code stay behind."""
    for folder in ("rules", "inputs", "alerts"):
        shutil.copytree(ROOT / folder, target / folder)
    shutil.copyfile(ROOT / "config.toml", target / "config.toml")


def seconds(command: tuple[str, ...], folder: Path) -> float:
    """Give the wall time of one process.

    Raises:
        SystemExit: the command failed.

    """
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, env=ENVIRONMENT)  # noqa: S603 (the program itself)
    elapsed = time.perf_counter() - start
    if done.returncode not in ALLOWED_EXITS:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return elapsed


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    cases = {
        "`run --no-alerts --no-expectations`": (*PROGRAM, "run", "--no-alerts", "--no-expectations"),
        "`run --no-alerts`": (*PROGRAM, "run", "--no-alerts"),
        "`--help`": (*PROGRAM, "--help"),
        "`import tulosvahti`": (sys.executable, "-c", "import tulosvahti"),
        "`import tulosvahti.cli`": (sys.executable, "-c", "import tulosvahti.cli"),
        "Python alone": (sys.executable, "-c", "pass"),
    }
    print(f"Median of {runs} runs, Python {platform.python_version()}, {os.cpu_count()} processors.\n")
    print("| what | median s | least s | most s |")
    print("| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        for title, command in cases.items():
            seconds(command, folder)  # the first one compiles and migrates
            taken = [seconds(command, folder) for _ in range(runs)]
            print(f"| {title} | {statistics.median(taken):.2f} | {min(taken):.2f} | {max(taken):.2f} |", flush=True)


if __name__ == "__main__":
    main()
