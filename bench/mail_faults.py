"""Mail under faults and kills: no alert lost, none without a finding, at most one copy too many per kill or lost reply.

Rival processes publish runs and deliver over one real SQLite ledger, to a real mail server that fails one attempt in
five, while processes are killed with SIGKILL at random moments. The clock is virtual: it moves when nobody is busy.

``python bench/mail_faults.py`` is the size of CI (1,000 messages, 60 kills); ``--kills 500`` the long one. Ends with 1
when a promise breaks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests" / "shared")]

from mail_server import LOST, Inbox, mail_server  # noqa: E402 (found beside the tests)

from tulosvahti.core.alert import About, AlertKey  # noqa: E402
from tulosvahti.core.alert_plan import Tell  # noqa: E402
from tulosvahti.core.delivery import Parcel, Posting  # noqa: E402
from tulosvahti.core.route import Recipient  # noqa: E402
from tulosvahti.core.rule import Cite, MilestoneSpec, Rule  # noqa: E402
from tulosvahti.core.text import Text  # noqa: E402
from tulosvahti.core.verdict import Change, Finding, Outcome, Verdict, Word  # noqa: E402
from tulosvahti.emit.message import Letter, compose  # noqa: E402
from tulosvahti.emit.operator import unreached  # noqa: E402
from tulosvahti.emit.smtp import Server, send  # noqa: E402
from tulosvahti.problem import Place  # noqa: E402
from tulosvahti.run.delivery import deliver_due  # noqa: E402
from tulosvahti.store.ledger import Ledger  # noqa: E402
from tulosvahti.store.lock import LockedError, RunLock  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.delivery import Answer
    from tulosvahti.store.outbox import Item

START = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
DAY = date(2023, 5, 31)
SENDER = "tulosvahti@bench.example"
OPERATOR = Recipient("operator", Text(en="Operator"), ("operator@bench.example",), "fi")
RIVALS = 2
SECONDS = 900
"""What the simulation may take."""
A_RUN = 5
"""Messages that one run publishes."""


@dataclass(frozen=True)
class Stand:
    """Where the simulation stands: a folder, the server's port, and how many messages are wanted."""

    folder: Path
    port: int
    messages: int


class Shared:
    """The virtual clock, in seconds since the start, and who is busy: memory that all processes share."""

    def __init__(self) -> None:
        """Make it; forked processes keep it."""
        self._memory = mmap.mmap(-1, 8 + RIVALS)

    def now(self) -> datetime:
        """Read the clock."""
        return START + timedelta(seconds=struct.unpack_from("d", self._memory)[0])

    def put(self, moment: datetime) -> None:
        """Set the clock."""
        struct.pack_into("d", self._memory, 0, (moment - START).total_seconds())

    def busy(self, rival: int, *, yes: bool) -> None:
        """Say whether a process is at work."""
        self._memory[8 + rival] = yes

    def idle(self) -> bool:
        """Tell whether nobody is."""
        return not any(self._memory[8:])


# The server: a process of its own, which writes down all it accepted.


def serve(folder: Path, seed: int) -> None:
    """Take mail, and fail as often as the simulation wants."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    log = (folder / "server.jsonl").open("a", encoding="utf-8", buffering=1)
    asked: Counter[str] = Counter()

    def fault(stage: str, what: str) -> str:
        asked[stage] += 1
        reply = ""
        if stage == "RCPT" and what.startswith("gone"):
            return "550 no such user"
        if stage == "MAIL" and chance.random() < 0.04:
            reply = chance.choice(["421 closing", "451 later"])
        elif stage == "RCPT" and chance.random() < 0.035:
            reply = chance.choice(["421 closing", "451 greylisted", "452 mailbox full"])
        elif stage == "DATA" and chance.random() < 0.11:
            reply = chance.choice(["421 closing", "451 later", "452 disk full", LOST, LOST])
        if reply:
            asked["fault"] += 1
            log.write(json.dumps({"fault": f"{reply[:4].strip()} at {stage}", "what": what}) + "\n")
        return reply

    inbox = Inbox(fault)
    with mail_server(inbox):
        (folder / "port").write_text(str(inbox.port))
        told = 0
        while not (folder / "stop").exists():
            time.sleep(0.01)
            with inbox.lock:
                new, told = inbox.got[told:], len(inbox.got)
            for message_id, addresses, content in new:
                digest = hashlib.sha256(content).hexdigest()
                log.write(json.dumps({"id": message_id, "to": addresses, "sha256": digest}) + "\n")
        log.write(json.dumps({"asked": asked["MAIL"], "faults": asked["fault"]}) + "\n")
    log.close()


# A rival: publishes runs and delivers, until it is killed.


def work(place: Stand, shared: Shared, rival: int) -> None:
    """Do what the service does."""
    server = Server(SENDER, "127.0.0.1", place.port, starttls=False)
    with closing(Ledger("sqlite:///ledger.db", place.folder)) as ledger:
        senders = {"mail": lambda parcel: attempt(parcel, server)}
        while True:
            shared.busy(rival, yes=True)
            publish(ledger, place, shared)
            deliver_due(ledger.outbox, senders, shared.now, tell)
            shared.busy(rival, yes=False)
            time.sleep(0.02)


def attempt(parcel: Parcel, server: Server) -> dict[str, Answer]:
    """Make one attempt at the real server."""
    return send(parcel.content, parcel.addresses, server)


def tell(failures: Sequence[Item], at: datetime) -> Posting:
    """Make the message to the operator."""
    key = repr([(item.id, item.address, item.attempts) for item in failures])
    return unreached(OPERATOR, [(item.address, item.said) for item in failures], SENDER, key, at)


def publish(ledger: Ledger, place: Stand, shared: Shared) -> None:
    """Publish a run with new findings and a message for each."""
    try:
        with RunLock(place.folder / "run.lock"):
            known = len(ledger.open_findings())
            if known >= place.messages:
                return
            run = ledger.start_run(DAY, shared.now(), "abc", "bench")
            findings = tuple(finding(number, run) for number in range(known, known + A_RUN))
            outcome = Outcome(run, DAY, "abc", "bench", (), tuple(one.verdict for one in findings), (), findings)
            mails = [message(one, number, run, shared.now()) for number, one in enumerate(findings, known)]
            ledger.publish(outcome, shared.now(), mails)
    except LockedError:
        return


def finding(number: int, run: str) -> Finding:
    """Make a missed target."""
    spec = MilestoneSpec("milestones", "m", DAY)
    rule = Rule(f"rule-{number}", Text(fi=f"Tavoite {number} äö"), "mmm", Cite("a", "1", Text()), spec, Place("a.yaml", 1, 1))
    return Finding(Verdict(rule, (), None, Word.MISSED), Change.OPENED, None, run)


def message(one: Finding, number: int, run: str, at: datetime) -> Posting:
    """Make its message: one to three addresses, some of which no longer exist."""
    rule = one.verdict.rule.id
    names = [f"{rule}.{place}" for place in range(1 + number % 3)] + ([f"gone.{rule}"] if number % 20 == 0 else [])
    to = tuple(f"{name}@bench.example" for name in names)
    message_id = f"<{rule}.run{run}@bench.example>"
    title = one.verdict.rule.title.in_language("fi")
    letter = Letter(message_id, SENDER, tuple(("", one) for one in to), title, f"{title}\n", f"<p>{title}</p>", at, "fi", (rule,))
    tells = (Tell(AlertKey(About.RULE, rule), words={"": "missed"}),)
    return Posting(rule, message_id, compose(letter), tuple(("mail", one) for one in to), tells=tells)


# The parent: starts, kills, turns the clock, and looks at what came of it.


def start(place: Stand, shared: Shared, rival: int) -> int:
    """Start a rival; the parent has one thread only, so a fork is sound."""
    shared.busy(rival, yes=True)
    number = os.fork()
    if number == 0:
        try:
            work(place, shared, rival)
        finally:
            os._exit(3)
    return number


def simulate(place: Stand, kills: int, seed: int) -> int:
    """Run it to the end; give how many kills there were."""
    chance = random.Random(seed)  # noqa: S311
    shared = Shared()
    rivals = [start(place, shared, rival) for rival in range(RIVALS)]
    # Killed when so many messages have been accepted, wherever the process then is.
    marks = sorted(chance.randrange(place.messages * 95 // 100) for _ in range(kills))
    killed, quiet = 0, 0
    limit = time.monotonic() + SECONDS
    try:
        while time.monotonic() < limit:
            time.sleep(chance.random() / 100)
            if any(os.waitpid(number, os.WNOHANG)[0] for number in rivals):
                message = "a rival ended by itself: see its traceback above"
                raise RuntimeError(message)
            if killed < kills and int(rows(place, "SELECT COUNT(*) FROM told")[0][0]) >= marks[killed]:
                rival = chance.randrange(RIVALS)
                os.kill(rivals[rival], signal.SIGKILL)
                os.waitpid(rivals[rival], 0)
                killed += 1
                rivals[rival] = start(place, shared, rival)
            quiet = quiet + 1 if shared.idle() else 0
            if quiet < 3:
                continue
            coming = next_moment(place)
            if coming is not None:
                shared.put(max(shared.now(), coming))
            else:
                return killed
            quiet = 0
        return killed  # what has not come to an end is told as broken
    finally:
        for number in rivals:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)


def rows(place: Stand, query: str) -> list[tuple[str, ...]]:
    """Ask the ledger."""
    with closing(sqlite3.connect(place.folder / "ledger.db")) as raw:
        return raw.execute(query).fetchall()


def next_moment(place: Stand) -> datetime | None:
    """Give when something next comes due; None where nothing waits."""
    query = "SELECT MIN(MAX(next_attempt_at, COALESCE(leased_until, ''))) FROM outbox_addresses WHERE state = 'waiting'"
    found = rows(place, query)[0][0]
    return datetime.fromisoformat(found) if found else None


def judge(place: Stand, kills: int, seconds: float, now: str) -> bool:
    """Print the table; tell whether every promise was kept."""
    log = [json.loads(line) for line in (place.folder / "server.jsonl").read_text(encoding="utf-8").splitlines()]
    got = [entry for entry in log if "id" in entry]
    faults = Counter(entry["fault"] for entry in log if "fault" in entry)
    lost = Counter(entry["what"] for entry in log if entry.get("fault", "").startswith(LOST))
    tries = next(entry["asked"] for entry in log if "asked" in entry)
    stored = {row[0]: hashlib.sha256(row[1]).hexdigest() for row in rows(place, "SELECT message_id, content FROM outbox")}
    found = {f"{rule}.run{run}" for rule, run in rows(place, "SELECT rule, first_run FROM findings")}
    addresses = rows(
        place,
        "SELECT m.message_id, m.kind, a.address, a.state, t.message_id FROM outbox_addresses a "
        "JOIN outbox m ON m.id = a.outbox_id LEFT JOIN outbox t ON t.id = a.told_in",
    )
    accepted: dict[str, set[str]] = defaultdict(set)
    extra: Counter[str] = Counter()
    for entry in got:
        again = accepted[entry["id"]].intersection(entry["to"])
        extra[entry["id"]] += bool(again)
        accepted[entry["id"]].update(entry["to"])
    asked_for = Counter(row[0] for row in addresses)
    digests = [row for row in addresses if row[1] != "operator"]
    committed = {row[0] for row in digests}
    logged = Counter(row[0] for row in rows(place, "SELECT m.message_id FROM told t JOIN outbox m ON m.id = t.outbox_id"))
    ended = all(row[3] in {"sent", "failed"} for row in addresses)
    promises = {
        "addresses whose alert was lost": sum(row[3] == "sent" and row[2] not in accepted[row[0]] for row in digests)
        + sum(row[3] not in {"sent", "failed"} for row in digests)
        + sum(row[3] == "failed" and not (row[2].startswith("gone") and accepted[row[4] or ""]) for row in digests),
        "findings without a message": len(found ^ {one[1:].partition("@")[0] for one in committed}),
        "messages that no finding stands behind": sum(
            not one.startswith("<operator.") and one[1:].partition("@")[0] not in found for one in accepted
        ),
        "messages with other bytes than the stored ones": sum(stored.get(entry["id"]) != entry["sha256"] for entry in got),
        "extra copies beyond one per kill or lost reply": max(
            0, sum(max(0, count - lost[one]) for one, count in extra.items()) - kills
        ),
        "messages told twice, or accepted and not told": sum(logged[one] != bool(accepted[one]) for one in committed),
        "addresses that never came to an end": int(not ended),
    }
    print(f"| {'what':<52} | {'figure':>12} |\n| {'-' * 52} | {'-' * 11}: |")
    figures = {
        "messages (addresses)": f"{len(stored)} ({len(addresses)})",
        "attempts at the server": tries,
        "attempts that met a fault": f"{sum(faults.values())} ({sum(faults.values()) * 100 // max(tries, 1)} %)",
        **{f"… {kind}": count for kind, count in sorted(faults.items())},
        "… transactions that took a part of the addresses": sum(len(entry["to"]) < asked_for[entry["id"]] for entry in got),
        "addresses refused for good, told to the operator": sum(row[3] == "failed" for row in digests),
        "kill -9": kills,
        "lost replies": sum(lost.values()),
        "extra copies": sum(extra.values()),
        "virtual time": now,
        "seconds": f"{seconds:.0f}",
    }
    for what, figure in (figures | {f"**{what}**": broken for what, broken in promises.items()}).items():
        print(f"| {what:<52} | {figure!s:>12} |")
    return not any(promises.values())


def main() -> None:
    """Run the simulation."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=1000)
    options.add_argument("--kills", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--serve", type=Path)
    asked = options.parse_args()
    if asked.serve:
        serve(asked.serve, asked.seed)
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, __file__, "--serve", name, "--seed", str(asked.seed)]
        server = subprocess.Popen(command)  # noqa: S603 (this script)
        try:
            while not (folder / "port").exists() or not (folder / "port").read_text():
                time.sleep(0.02)
            place = Stand(folder, int((folder / "port").read_text()), asked.messages)
            Ledger("sqlite:///ledger.db", folder).close()
            kills = simulate(place, asked.kills, asked.seed)
        finally:
            (folder / "stop").touch()
            server.wait(10)
        last = rows(place, "SELECT MAX(ended_at) FROM outbox_addresses")[0][0]
        kept = judge(place, kills, time.monotonic() - began, str(datetime.fromisoformat(last) - START)[:-7])
    print("every promise was kept" if kept else "A PROMISE WAS BROKEN")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
