"""The ledger on real SQLite files and on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from answering import answered
from sqlalchemy import Integer, text
from sqlalchemy.exc import IntegrityError

from tulosvahti.core.alert import About, Alert, AlertKey, AlertState, Open
from tulosvahti.core.alert_plan import Tell
from tulosvahti.core.arrival import Arrived, Fate, How
from tulosvahti.core.contract import Delivery, DeliveryState, Reject
from tulosvahti.core.delivery import MailState, Posting
from tulosvahti.core.entry import Attachment, Deed
from tulosvahti.core.finding import compare
from tulosvahti.core.measure import Measurement, Reason, Subject
from tulosvahti.core.period import Grain, Period
from tulosvahti.core.rule import Cite, MilestoneSpec, Rule
from tulosvahti.core.text import Text
from tulosvahti.core.verdict import Outcome, Verdict, Word
from tulosvahti.problem import Place, Problem
from tulosvahti.store import alerting, deliveries, entries, schema, schema_people
from tulosvahti.store.database import LedgerError
from tulosvahti.store.ledger import Ledger, RunState

NOW = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
DAY = date(2023, 5, 31)
YEAR = Period(date(2023, 1, 1), date(2024, 1, 1), Grain.YEAR)
LEADS = AlertKey(About.RULE, "leads")
KAJAANI: Subject = (("municipality", "Kajaani"), ("area", "Ä"))


def verdict(word: Word, rule: str = "leads", subject: Subject = ()) -> Verdict:
    spec = MilestoneSpec("milestones", rule, DAY)
    made = Rule(rule, Text(), "mmm", Cite("kainuu", "1", Text()), spec, Place("rules/a.yaml", 1, 1))
    return Verdict(
        made, subject, YEAR, word, observed=Decimal("99.81"), target=">= 100", margin=Decimal("-0.19"),
        reason=Reason.of("late", input="crm"), evidence={"rows": 3},
    )


def run(ledger: Ledger, *verdicts: Verdict, day: date = DAY, lookback: bool = False, mail: str = "") -> Outcome:
    number = ledger.start_run(day, NOW, "abc", "0.1.0")
    before = ledger.open_findings()
    outcome = Outcome(
        number, day, "abc", "0.1.0",
        (Delivery("crm", DeliveryState.ACCEPTED, "ff", 3, (Reject(2, 2, "n", "x", "not a number"),), 1, DAY),),
        verdicts,
        (Measurement("leads", KAJAANI, YEAR, Fraction(1200, 13), rows=13),),
        compare(verdicts, before, number),
        (Problem(Place("rules/b.yaml", 3, 1), "no such input"),),
        lookback=lookback,
    )
    tells = (Tell(LEADS, words={"2023": "missed"}),)
    mails = [Posting("mmm", mail, b"bytes", (("mail", "a@example.org"),), tells=tells)] if mail else []
    moved = [Alert(LEADS, AlertState.FIRING, NOW, 1, {"2023": Open("missed")})] if mail else []
    ledger.publish(outcome, NOW, mails, f'{{"run": "{number}"}}', moved)
    return outcome


def rows(ledger: Ledger, query: str) -> list[tuple[Any, ...]]:
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_first_run_and_its_rows(ledger: Ledger) -> None:
    assert ledger.newest_as_of() is None
    assert ledger.open_findings() == {}
    assert ledger.previous_verdicts() == {}
    outcome = run(ledger, verdict(Word.MISSED, subject=KAJAANI), verdict(Word.MET, "broadcasts"))
    assert outcome.run == "1"
    assert ledger.newest_as_of() == DAY
    assert ledger.open_findings() == {("leads", KAJAANI, "2023"): (Word.MISSED, "1")}
    assert ledger.previous_verdicts() == {
        ("leads", KAJAANI, "2023"): Word.MISSED,
        ("broadcasts", (), "2023"): Word.MET,
    }
    assert ledger.outcome_json("1") == '{"run": "1"}'
    assert ledger.outcome_json("9") is None
    past = ledger.history("leads")[0]
    assert (past.run, past.subject, past.verdict, past.observed) == ("1", KAJAANI, Word.MISSED, "99.81")
    assert ledger.runs()[0].state is RunState.DONE
    assert rows(ledger, "SELECT value FROM measurements") == [("1200/13",)]
    assert rows(ledger, "SELECT input, reason FROM rejects") == [("crm", "not a number")]
    assert rows(ledger, "SELECT file, line FROM problems") == [("rules/b.yaml", 3)]
    if ledger.engine.dialect.name == "sqlite":
        assert rows(ledger, "PRAGMA journal_mode") == [("wal",)]
        assert rows(ledger, "PRAGMA synchronous") == [(2,)]  # FULL


def test_unknown_freezes_and_met_resolves(ledger: Ledger) -> None:
    key = ("leads", (), "2023")
    run(ledger, verdict(Word.AT_RISK))
    run(ledger, verdict(Word.UNKNOWN))
    assert ledger.open_findings() == {key: (Word.AT_RISK, "1")}
    run(ledger, verdict(Word.MISSED))
    assert ledger.open_findings() == {key: (Word.MISSED, "1")}
    run(ledger, verdict(Word.MET))
    assert ledger.open_findings() == {}
    run(ledger, verdict(Word.MISSED))
    assert ledger.open_findings() == {key: (Word.MISSED, "5")}


def test_partial_run_hides_nothing(ledger: Ledger) -> None:
    run(ledger, verdict(Word.MISSED), verdict(Word.MET, "other"))
    run(ledger, verdict(Word.MET, "other"))
    assert ledger.previous_verdicts()["leads", (), "2023"] is Word.MISSED
    assert ("leads", (), "2023") in ledger.open_findings()


def test_lookback_touches_neither_findings_nor_outbox(ledger: Ledger) -> None:
    run(ledger, verdict(Word.MET))
    run(ledger, verdict(Word.MISSED), day=date(2023, 1, 31), lookback=True, mail="<x@y>")
    assert ledger.open_findings() == {}
    assert ledger.outbox.items(everything=True) == []
    assert ledger.newest_as_of() == DAY
    assert ledger.previous_verdicts() == {("leads", (), "2023"): Word.MET}


def test_failed_run_leaves_nothing_behind(ledger: Ledger) -> None:
    run(ledger, verdict(Word.MET), mail="<1@y>")
    with pytest.raises(IntegrityError):
        run(ledger, verdict(Word.MISSED), mail="<1@y>")
    assert ledger.open_findings() == {}
    ledger.fail_run("2", NOW, "disk full")
    assert (ledger.runs()[0].state, ledger.runs()[0].reason) == (RunState.FAILED, "disk full")
    with pytest.raises(LedgerError, match="run 2 is not under way"):
        ledger.fail_run("2", NOW, "again")


def test_killed_run_is_failed_by_the_next(ledger: Ledger) -> None:
    ledger.start_run(DAY, NOW, "abc", "0.1.0")
    ledger.start_run(DAY, NOW, "abc", "0.1.0")
    assert [run.state for run in ledger.runs()] == [RunState.RUNNING, RunState.FAILED]
    assert ledger.runs()[1].reason == "the process ended before the run did"


@pytest.mark.parametrize("table", [*schema.APPEND_ONLY, *schema.NEVER_REMOVED])
def test_history_is_append_only(ledger: Ledger, table: str) -> None:
    run(ledger, verdict(Word.MISSED), mail="<1@y>")
    answered(ledger, "<1@y>", MailState.WRITTEN, NOW)
    ledger.slots.claim_by_hand("*", "me", lambda: NOW)
    with ledger.transaction() as connection:
        alerting.acknowledge(connection, LEADS, "me", NOW)
        alerting.silence(connection, "leads", "me", NOW, ends=NOW, reason="why")
        alerting.waive(connection, "leads", "me", NOW, approver="you", ends=NOW, reason="why", limit=Decimal(1))
        number = deliveries.arrive(connection, "crm", "crm.csv", Arrived("crm.csv", "ff", 3), How.DROP, NOW)
        deliveries.settle(connection, number, deliveries.Became(Fate.ACCEPTED, 3), NOW, 1)
        told = {"delivery_id": number, "kind": "refused", "recipient": "tem", "outbox_id": 1}
        connection.execute(schema.delivery_messages.insert().values(told))
        revised = {"run_id": 1, "rule": "leads", "subject": "{}", "period": "2022", "before_run": 1, "because_json": "[]"}
        connection.execute(schema.revisions.insert().values(revised))
        for name in (*schema_people.APPEND_ONLY, *schema_people.NEVER_REMOVED):
            made = schema.METADATA.tables[name]
            needed = [item for item in made.c if item.name != "id" and not item.nullable and item.server_default is None]
            connection.execute(made.insert().values({item.name: 1 if isinstance(item.type, Integer) else "x" for item in needed}))
        entered = entries.enter(connection, "sick_leave", ("2023",), {"days": "7"}, "me", NOW)
        entries.do(connection, entered, Deed.SUBMIT, "me", NOW)
        entries.attach(connection, entered, Attachment("a.pdf", "ff", 3, "me", NOW))
    deeds = [f"DELETE FROM {table}"]  # noqa: S608
    if table in schema.APPEND_ONLY:
        column = schema.METADATA.tables[table].columns[0].name
        deeds.append(f"UPDATE {table} SET {column} = {column}")  # noqa: S608
    if ledger.engine.dialect.name == "postgresql":
        deeds.append(f"TRUNCATE {table} CASCADE")
    for deed in deeds:
        with pytest.raises(IntegrityError, match="append-only"), ledger.engine.begin() as connection:
            connection.execute(text(deed))
    assert rows(ledger, f"SELECT count(*) FROM {table}") != [(0,)]  # noqa: S608


def test_publish_of_a_run_that_is_done_is_refused(ledger: Ledger) -> None:
    outcome = run(ledger, verdict(Word.MET))
    with pytest.raises(LedgerError, match="not under way"):
        ledger.publish(replace(outcome), NOW, [])
