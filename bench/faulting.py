"""What the fault proofs share: a small project, a run under strace, and what must hold of the run after it.

The run is the program itself, with its modules loaded beforehand, so that the system calls are its own and not those
of imports. strace counts the calls of one name apart: a place is (name, number).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tulosvahti.cli.starting import start_project

STATE = ".tulosvahti"
AS_OF = "2025-12-31"
PROGRAM = """\
import contextlib, importlib, os, sys
names = sys.argv.pop(1)
leave = os._exit
def note(code):
    if not os.path.exists(names):
        with open(names, "w") as stream:
            stream.write(" ".join(name for name in list(sys.modules) if not name.startswith("_")))
    leave(code)
os._exit = note
if os.path.exists(names):
    for name in open(names).read().split():
        with contextlib.suppress(Exception):
            importlib.import_module(name)
from tulosvahti.cli import main
if os.environ.get("LATER"):
    import datetime
    import tulosvahti.store.outbox
    tulosvahti.store.outbox.FARTHEST = datetime.timedelta(0)
main()
"""
_CALL = re.compile(r"^(\w+)\((.*)$")
_DIGITS = re.compile(rb"\d+")


@dataclass(frozen=True)
class Ran:
    """How a run ended: 0 nothing to see, 1 attention, 2 problem, 3 not completed, below 0 or 137 killed."""

    code: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        """Tell whether a signal ended it."""
        return self.code in {-9, 137}


@dataclass(frozen=True)
class Call:
    """A system call of the reference run."""

    name: str
    number: int
    line: str


def need_strace() -> None:
    """Have strace, or end with the reason: as root Debian's package is installed."""
    if shutil.which("strace") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qqy", "strace"], check=False, stdout=subprocess.DEVNULL)  # noqa: S607
    if shutil.which("strace") is None:
        print("skipped: strace is not installed; on Debian: apt-get install strace")
        sys.exit(0)
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], check=False, capture_output=True, text=True)  # noqa: S603, S607
    if tried.returncode:
        print(f"skipped: strace may not trace here: {tried.stderr.strip()}")
        sys.exit(0)


def small_project(root: Path) -> Path:
    """Make a project of two rules, in one language, whose one target is missed: one finding, one mail."""
    start_project(root)
    config = root / "config.toml"
    text = config.read_text(encoding="utf-8").replace('["en", "fi", "sv"]', '["en"]')
    config.write_text(f'{text}\n[dashboard]\nurl = "https://agency.example"\n', encoding="utf-8")
    scores(root, 3)
    return root


def scores(root: Path, score: int) -> None:
    """Let every answer be ``score``; the target is more than 4."""
    rows = "".join(f"{number};03.0{number}.2025;{score}\n" for number in (1, 2, 3))
    (root / "inputs" / "survey.csv").write_text(f"answer_id;answered_on;score\n{rows}", encoding="utf-8")


def run(root: Path, *strace: str, later: bool = False) -> Ran:
    """Run the project, under strace where it has arguments; ``later`` is when every attempt at mail is due again."""
    names = root.parent / "modules"
    command = [sys.executable, "-c", PROGRAM, str(names), "run", "--as-of", AS_OF, "--project", str(root)]
    command += ["--json", str(root / "result.json")]
    # Without -f: what a run starts for reading and measuring is not traced, and no fault is injected into it.
    traced = ["strace", "-o", os.devnull, *strace, *command] if strace else command
    environment = {**os.environ, "LATER": "1" if later else ""}
    (root / "result.json").unlink(missing_ok=True)
    done = subprocess.run(traced, check=False, capture_output=True, text=True, timeout=120, env=environment)  # noqa: S603
    return Ran(done.returncode, done.stdout, done.stderr)


def calls(root: Path) -> list[Call]:
    """Give the calls of a run's first thread, from the first that touches the state folder; the run is made."""
    log = root.parent / "strace.log"
    run(root, "-y", "-s", "200", "-o", str(log))
    counted: Counter[str] = Counter()
    found, begun = [], False
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _CALL.match(line)
        if match is None:
            continue
        name, rest = match.groups()
        counted[name] += 1
        begun = begun or f"{root}/{STATE}" in rest
        if begun and name not in {"exit_group", "execve"}:
            found.append(Call(name, counted[name], f"{name}({rest}"))
    return found


def faulty(root: Path) -> Callable[[Path], Path]:
    """Give what makes a fresh copy of a project."""

    def copy(target: Path) -> Path:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(root, target)
        return target

    return copy


def result_of(root: Path) -> dict[str, object]:
    """Give what a run judged, without its number, that of the run that measured, and what was new in it."""
    found = json.loads((root / "result.json").read_text(encoding="utf-8"))
    found["run"].pop("id")
    for item in (*found["verdicts"], *found["findings"]):
        item.pop("change", None)
        item.pop("was", None)
        # A run that a fault cut short may have measured for the next one: the numbers are the same, their run is not.
        item.get("evidence", {}).pop("measured_in_run", None)
    return {**found, "findings": sorted(json.dumps(item, sort_keys=True) for item in found["findings"])}


@dataclass(frozen=True)
class Right:
    """What holds after the run that nothing disturbed."""

    code: int
    result: dict[str, object]
    findings: list[tuple[object, ...]]
    mails: int

    @classmethod
    def of(cls, root: Path, ran: Ran) -> Right:
        """Take it from a project where it is so."""
        return cls(ran.code, result_of(root), findings_of(root), len(eml_files(root)))


def findings_of(root: Path) -> list[tuple[object, ...]]:
    """Give the findings, and whether they are open."""
    with closing(sqlite3.connect(root / STATE / "ledger.db")) as raw:
        query = "SELECT rule, subject, period, verdict, resolved_run IS NULL FROM findings ORDER BY 1, 2, 3, 5"
        return raw.execute(query).fetchall()


def eml_files(root: Path) -> list[Path]:
    """Give the mails that were written."""
    return sorted((root / STATE / "outbox").glob("*.eml"))


def broken(root: Path, ran: Ran, right: Right) -> list[str]:
    """Give what does not hold after the run that followed a fault; ``root`` is the project, ``ran`` the run."""
    said = []
    if ran.code != right.code:
        said.append(f"exit code {ran.code} instead of {right.code}: {ran.err.strip()[-300:]}")
    elif not _settled(result_of(root), right.result):
        said.append("other verdicts")
    if not (root / STATE / "ledger.db").exists():
        return [*said, "no ledger"]
    with closing(sqlite3.connect(root / STATE / "ledger.db")) as raw:
        if raw.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            said.append("the ledger is damaged")
        if raw.execute("SELECT count(*) FROM runs WHERE state = 'running'").fetchone() != (0,):
            said.append("a run is still under way")
        if raw.execute("SELECT count(*) FROM runs WHERE state = 'done'").fetchone() == (0,):
            said.append("no run is done")
        waiting = raw.execute("SELECT count(*) FROM outbox_addresses WHERE state = 'waiting'").fetchone()[0]
        kept = raw.execute("SELECT count(*) FROM outbox").fetchone()[0]
        named = {row[0] for row in raw.execute("SELECT DISTINCT sha256 FROM run_inputs")}
    if findings_of(root) != right.findings:
        said.append(f"findings {findings_of(root)} instead of {right.findings}")
    if (waiting, kept, len(eml_files(root))) != (0, right.mails, right.mails):
        said.append(f"{kept} mails kept, {waiting} wait, {len(eml_files(root))} written; right are {right.mails}")
    said += [f"{path.name}: a mail that is cut" for path in eml_files(root) if b"\n--" not in path.read_bytes()[-200:]]
    stored = {path.parent.name + path.name: path for path in (root / STATE / "store").glob("??/*") if path.name[0] != "."}
    said += [f"input {name} is not what it was" for name, path in stored.items() if _sha256(path) != name]
    said += [f"input {name} is not stored" for name in named - set(stored)]
    pages = list((root / STATE / "reports").glob("*.html"))
    said += [f"{path.name}: a report that is cut" for path in pages if "</html>" not in path.read_text(encoding="utf-8")[-20:]]
    if f"{STATE}/reports/latest.en.html" not in {path.relative_to(root).as_posix() for path in pages}:
        said.append("no report")
    return said


def _settled(found: dict[str, object], right: dict[str, object]) -> bool:
    """Compare results; what the disturbed run already told of as resolved or revised is no longer in the next."""
    one, other = dict(found), dict(right)
    told = all(
        {json.dumps(item, sort_keys=True) for item in one.pop(name)} <= {json.dumps(item, sort_keys=True) for item in other.pop(name)}  # type: ignore[attr-defined]
        for name in ("findings", "revisions")
    )
    return told and one == other


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def left_behind(root: Path, scratch: Path) -> str:
    """Name the state that a killed run left: two with the same name are alike but for moments and random names.

    The ledger is read from a copy, by SQLite, which recovers it; a copy that is damaged is named so.
    """
    digest = hashlib.sha256()
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for path in sorted((root / STATE).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.name.startswith("ledger.db"):
            shutil.copy(path, scratch / path.name)
        elif path.is_file():
            part = re.sub(r"\.part-\w+", ".part", name)
            content = path.read_bytes()
            digest.update(f"{part} {len(content)}".encode() + _DIGITS.sub(b"9", content) + b"\0")
        else:
            digest.update(f"{name}/".encode())
    if (scratch / "ledger.db").exists():
        with closing(sqlite3.connect(scratch / "ledger.db")) as raw:
            told = raw.execute("PRAGMA integrity_check").fetchall()
            if told != [("ok",)]:
                return f"damaged: {told}"
            for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").fetchall():
                for row in raw.execute(f'SELECT * FROM "{table}"').fetchall():  # noqa: S608
                    digest.update(_DIGITS.sub(b"9", repr(row).encode()) + table.encode())
                    digest.update(repr([value for value in row if isinstance(value, int)]).encode())
    return digest.hexdigest()


def each(work: Callable[[Call, int], str], chosen: Sequence[Call], workers: int = 2) -> Iterable[str]:
    """Do the work for each call, some at a time; each worker has a number of its own to name its folders."""
    free = list(range(workers))

    def one(call: Call) -> str:
        number = free.pop()
        try:
            return work(call, number)
        finally:
            free.append(number)

    with ThreadPoolExecutor(workers) as pool:
        for done, word in enumerate(pool.map(one, chosen), 1):
            if sys.stderr.isatty():
                print(f"\r{done} of {len(chosen)}", end="", file=sys.stderr)
            yield word


def table(title: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(title) + " |")
    print("| --- |" + " ---: |" * (len(title) - 1))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
