"""What must hold after every step of a simulated history, and what at its end; read from a copy of the ledger's files."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from simulated_world import ROUTES, days
from yaml import safe_load

from tulosvahti.core.alert import RANK
from tulosvahti.core.delivery import FARTHEST, PATIENCE
from tulosvahti.store.schema import APPEND_ONLY, NEVER_REMOVED

if TYPE_CHECKING:
    from simulated_world import Clock, MailServer

    from tulosvahti.core.verdict import Outcome

ZONE = ZoneInfo("Europe/Helsinki")
RETRIES = 3
Row = dict[str, Any]
Books = dict[str, list[Row]]


@dataclass(frozen=True)
class Written:
    """What a run meant to publish."""

    verdicts: int
    inputs: int
    opened: int
    resolved: int
    moved: int
    mails: tuple[str, ...]


def written(outcome: Outcome, moved: int, mails: list[str]) -> Written:
    """Count what a run is about to publish; a lookback changes and tells nothing."""
    told = not outcome.lookback
    changes = Counter(str(finding.change) for finding in outcome.findings) if told else Counter()
    return Written(
        len(outcome.verdicts), len(outcome.deliveries), changes["opened"], changes["resolved"],
        moved if told else 0, tuple(sorted(mails)) if told else (),
    )  # fmt: skip


def read_books(files: list[Path], aside: Path, *, thoroughly: bool) -> tuple[Books, str]:
    """Read every table; give them, and what is wrong with the file."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for path in files:
        if path.exists():
            shutil.copyfile(path, aside / path.name)
    with closing(sqlite3.connect(aside / files[0].name)) as raw:
        raw.row_factory = lambda cursor, row: {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
        tables = {row["name"] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        books = {
            name: raw.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall() if name in tables else []  # noqa: S608
            for name in (*APPEND_ONLY, *NEVER_REMOVED)
        }
        sound = raw.execute("PRAGMA integrity_check").fetchone()["integrity_check"] if thoroughly else "ok"
    return books, "" if sound == "ok" else f"integrity_check: {sound}"


def digest(books: Books) -> str:
    """Name everything that the books hold."""
    return hashlib.sha256(repr(sorted(books.items())).encode()).hexdigest()[:16]


@dataclass
class Promises:
    """The promises of one history. Each question gives what is broken, as texts."""

    clock: Clock
    server: MailServer
    owners: dict[str, str]
    planned: dict[int, Written] = field(default_factory=dict)
    before: Books = field(default_factory=dict)

    def after_a_step(self, books: Books) -> list[str]:
        """Tell what is broken while things are still under way."""
        broken = [*self._history(books), *self._runs(books), *self._slots(books), *self._mails(books), *self._told(books)]
        self.before = books
        return broken

    def _history(self, books: Books) -> list[str]:
        broken = []
        for name in APPEND_ONLY:
            old = self.before.get(name, [])
            if books[name][: len(old)] != old:
                broken.append(f"history: rows of {name} were changed or removed")
        for name, keys in {
            "runs": ("id",), "findings": ("id",), "outbox": ("id", "message_id", "content", "tells_json"),
            "outbox_addresses": ("outbox_id", "channel", "address"), "slots": ("job", "slot"),
        }.items():  # fmt: skip
            old = {tuple(row[key] for key in keys) for row in self.before.get(name, [])}
            if not old <= {tuple(row[key] for key in keys) for row in books[name]}:
                broken.append(f"history: rows of {name} were removed or altered")
        ended = {row["id"]: row for row in books["runs"]}
        broken += [
            f"history: run {row['id']} ended and was changed"
            for row in self.before.get("runs", [])
            if row["state"] != "running" and ended.get(row["id"]) != row
        ]
        final = {(row["outbox_id"], row["address"]): row for row in books["outbox_addresses"]}
        return broken + [
            f"mail: {key} was accepted and is {final[key]['state']} now"
            for row in self.before.get("outbox_addresses", [])
            if row["state"] == "sent" and final.get(key := (row["outbox_id"], row["address"]), row)["state"] != "sent"
        ]

    def _runs(self, books: Books) -> list[str]:
        """All or nothing of each run, and one effect of each slot."""
        count = {
            name: Counter(row[key] for row in books[name])
            for name, key in (("verdicts", "run_id"), ("run_inputs", "run_id"), ("alert_changes", "run_id"))
        }
        opened = Counter(row["first_run"] for row in books["findings"])
        resolved = Counter(row["resolved_run"] for row in books["findings"])
        mails: dict[int, list[str]] = {}
        for row in books["outbox"]:
            if row["kind"] != "operator":
                mails.setdefault(row["run_id"], []).append(row["message_id"])
        broken = []
        for run in books["runs"]:
            number = run["id"]
            nothing = Written(0, 0, 0, 0, 0, ())
            wanted = self.planned.get(number, nothing) if run["state"] == "done" else nothing
            found = Written(
                count["verdicts"][number], count["run_inputs"][number], opened[number], resolved[number],
                count["alert_changes"][number], tuple(sorted(mails.get(number, []))),
            )  # fmt: skip
            if found != wanted:
                broken.append(f"run {number} ({run['state']}) is not whole: {found} instead of {wanted}")
        effects = Counter((row["job"], row["slot"]) for row in books["runs"] if row["state"] == "done")
        broken += [f"slot {key} had {times} effects" for key, times in effects.items() if times > 1]
        done = {(row["job"], row["slot"]): row["run_id"] for row in books["slots"] if row["state"] == "done"}
        of_runs = {(row["job"], row["slot"]): row["id"] for row in books["runs"] if row["state"] == "done"}
        if done != of_runs:
            broken.append(f"slots and runs tell different things: {set(done.items()) ^ set(of_runs.items())}")
        return broken

    def _slots(self, books: Books) -> list[str]:
        """No slot before its time; none given up before its tries are used up."""
        broken = []
        for row in books["slots"]:
            if row["started_at"] and row["started_at"] < row["due_at"]:
                broken.append(f"slot {row['job']} {row['slot']} began at {row['started_at']}, before it was due")
            if row["state"] == "failed" and row["job"] != "by hand" and row["epoch"] <= RETRIES and "came before" not in row["reason"]:
                broken.append(f"slot {row['job']} {row['slot']} was given up after {row['epoch']} tries: {row['reason']}")
        return broken

    def _mails(self, books: Books) -> list[str]:
        """Copies, bytes, refusals: what the server saw beside what the outbox says."""
        stored = {row["message_id"]: row for row in books["outbox"]}
        names = {row["id"]: row["message_id"] for row in books["outbox"]}
        states = {(names[row["outbox_id"]], row["address"]): row for row in books["outbox_addresses"]}
        ends = {row["id"]: row["state"] for row in books["runs"]}
        broken = []
        for one, digests in self.server.digests.items():
            row = stored.get(one)
            if row is None or digests != {hashlib.sha256(row["content"]).hexdigest()}:
                broken.append(f"mail: {one} was sent with other bytes than those stored, or was never committed")
            elif ends[row["run_id"]] != "done":
                broken.append(f"mail: {one} was sent for run {row['run_id']}, which is {ends[row['run_id']]}")
        broken += self._copies(states)
        for place, row in states.items():
            first, end = row["first_attempt_at"], row["ended_at"]
            if row["state"] == "sent" and not self.server.copies[place]:
                broken.append(f"mail: {place} is said to be sent and never was accepted")
            if row["state"] == "failed" and place not in self.server.refused:
                lasted = datetime.fromisoformat(end) - datetime.fromisoformat(first)
                if lasted < PATIENCE - timedelta(hours=3):
                    broken.append(f"mail: {place} was given up after {lasted} without a final refusal")
            if row["state"] == "waiting":
                last = max(self.clock.highest + FARTHEST, _moment(stored[place[0]]["hold_until"]))
                if _moment(row["next_attempt_at"]) > last:
                    broken.append(f"mail: {place} waits until {row['next_attempt_at']}")
        return broken

    def _copies(self, states: dict[tuple[str, str], Row]) -> list[str]:
        """One copy too many for each reply that was lost, and for each fault before acceptance was recorded; no more."""
        broken = []
        for place, faults in self.server.unrecorded:
            if place in states and states[place]["state"] != "sent":
                if self.server.faults() > faults:
                    self.server.lost[place] += 1  # the fault came between acceptance and its record
                else:
                    broken.append(f"mail: {place} was accepted and not recorded, without a fault")
        self.server.unrecorded.clear()
        for place, copies in self.server.copies.items():
            if copies > 1 + self.server.lost[place]:
                broken.append(f"mail: {copies} copies to {place}, of at most {1 + self.server.lost[place]}")
        return broken

    def _told(self, books: Books) -> list[str]:
        """What is logged as told was accepted; what was sent has a finding behind it."""
        sent: dict[int, int] = {}
        names = {row["id"]: row["message_id"] for row in books["outbox"]}
        for row in books["outbox_addresses"]:
            if row["state"] == "sent":
                sent[row["outbox_id"]] = sent.get(row["outbox_id"], 0) + self.server.copies[names[row["outbox_id"]], row["address"]]
        told = {row["outbox_id"] for row in books["told"]}
        broken = [f"told: mail {number} is logged as told, and nobody accepted it" for number in told if not sent.get(number)]
        changed = {(row["about"], row["name"], row["subject"]): row["run_id"] for row in reversed(books["alert_changes"])}
        for row in books["outbox"]:
            tells = json.loads(row["tells_json"])
            if tells and row["id"] in sent and row["id"] not in told:
                broken.append(f"told: mail {row['id']} was accepted and is not logged")
            for about, name, subject, *_ in tells:
                if about in {"rule", "input"} and changed.get((about, name, subject), row["run_id"] + 1) > row["run_id"]:
                    broken.append(f"mail {row['id']} tells {name} {subject}, with no finding behind it")
        return broken

    def in_the_end(self, books: Books, calm: str, seen_to: set[str]) -> list[str]:
        """Tell what is broken when nothing has failed for days, and all that was late has had its time.

        ``calm`` is the day's end from which nothing failed; ``seen_to`` are nights that had been seen to before, by a
        clock that was ahead.
        """
        return [*self._all_seen_to(books, calm, seen_to), *self._all_delivered(books), *self._all_heard(books)]

    def _all_seen_to(self, books: Books, calm: str, seen_to: set[str]) -> list[str]:
        broken = [
            f"slot {row['job']} {row['slot']} is {row['state']} in the end"
            for row in books["slots"]
            if row["state"] in {"running", "retry"} and row["due_at"] <= self.clock.at.isoformat()
        ]
        for job, time, weekday in (("nightly", "03:30", None), ("weekly", "06:00", 0)):
            mine = [row for row in books["slots"] if row["job"] == job]
            ranges = [(row["oldest"], row["slot"]) for row in mine if row["state"] == "skipped"]
            rows = {row["slot"]: row["state"] for row in mine}
            # A job begins with its first look, or with the newest one where the clock was put back before that.
            first = date.fromisoformat(max(row["slot"] for row in mine if row["state"] == "skipped" and not row["skipped"])[:10])
            for day in days(first, self.clock.at.astimezone(ZONE).date()):
                slot = f"{day}T{time}"
                if (weekday is not None and day.weekday() != weekday) or self.clock.at.astimezone(ZONE).isoformat() < slot:
                    continue
                seen = rows.get(slot)
                if seen is None and not any(oldest <= slot <= newest for oldest, newest in ranges):
                    broken.append(f"slot {job} {slot} neither ran nor was skipped")
                if job == "nightly" and slot > calm and slot not in seen_to and seen != "done":
                    broken.append(f"slot {job} {slot} is {seen} though nothing failed any more")
        return broken

    def _all_delivered(self, books: Books) -> list[str]:
        kinds = {row["id"]: row["kind"] for row in books["outbox"]}
        broken = [
            f"mail {row['outbox_id']} to {row['address']} is {row['state']} in the end, next attempt {row['next_attempt_at']}"
            for row in books["outbox_addresses"]
            if row["state"] == "waiting" and _moment(row["next_attempt_at"]) <= self.clock.at
        ]
        return broken + [
            f"mail {row['outbox_id']} to {row['address']} failed, and the operator was not told"
            for row in books["outbox_addresses"]
            if row["state"] == "failed" and row["told_in"] is None and kinds[row["outbox_id"]] != "operator"
        ]

    def _all_heard(self, books: Books) -> list[str]:
        """Whoever owns what fires has heard of it, as bad as it is; whoever heard of what is over has heard that.

        What was silenced at the last run is told by the next one, which need not have come: a clock that was ahead may have seen to it.
        """
        *_, decided = ["", *(row["finished_at"] for row in books["runs"] if row["state"] == "done")]
        silenced = {row["pattern"] for row in books["silences"] if row["at"] <= decided <= row["ends"]}
        newest: dict[tuple[str, str, str], Row] = {}
        for row in books["alert_changes"]:
            newest[row["about"], row["name"], row["subject"]] = row
        last: dict[tuple[str, tuple[str, str, str]], Row] = {}
        for row in sorted(books["told"], key=lambda row: row["outbox_id"]):
            last[row["recipient"], (row["about"], row["name"], row["subject"])] = row
        broken = []
        for key, alert in newest.items():
            if key[1] in silenced:
                continue
            said = {period: word for period, (word, _, closed) in json.loads(alert["open_json"]).items() if not closed}
            if alert["state"] == "firing":
                owner = self.owners.get(key[1], "ben")
                told = last.get((owner, key))
                heard = json.loads(told["words_json"]) if told and told["firing"] else {}
                if any(RANK[word] > RANK.get(heard.get(period, ""), 0) for period, word in said.items()):
                    broken.append(f"alert {key} fires with {said}, and {owner} heard {heard}")
            elif alert["state"] != "pending":
                broken += [
                    f"alert {key} is over, and {who} was not told"
                    for (who, about), told in last.items()
                    if about == key and told["firing"] and who in RECIPIENTS
                ]
        return broken


RECIPIENTS = set(safe_load(ROUTES)["recipients"])


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
