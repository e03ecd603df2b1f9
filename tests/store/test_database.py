"""Transactions mean the same on both databases: one writer at a time, and a reader sees one moment."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest
from published import publish_run
from sqlalchemy import func, make_url, select

from tulosvahti.store import schema
from tulosvahti.store.database import move_wal, open_engine
from tulosvahti.store.ledger import Ledger

COUNT = select(func.count()).select_from(schema.runs)


@pytest.fixture
def ledger(tmp_path, ledger_url):
    with closing(Ledger(ledger_url, tmp_path)) as opened:
        yield opened


def test_a_reader_sees_one_moment_and_keeps_no_writer_waiting(ledger):
    with ledger.engine.connect().execution_options(reading=True) as reader:
        assert reader.scalar(COUNT) == 0
        publish_run(ledger)
        assert reader.scalar(COUNT) == 0
    with ledger.engine.connect().execution_options(reading=True) as reader:
        assert reader.scalar(COUNT) == 1


def test_a_writer_waits_for_the_other_and_sees_what_it_wrote(ledger):
    seen = []

    def second():
        with ledger.engine.begin() as connection:
            seen.append(connection.scalar(COUNT))

    with ledger.engine.begin() as first:
        rival = threading.Thread(target=second)
        rival.start()
        rival.join(0.3)
        assert rival.is_alive()
        row = {"as_of": None, "started_at": "", "rules_sha256": "", "engine": "", "state": "done"}
        first.execute(schema.runs.insert().values({**row, "as_of": func.current_date()}))
    rival.join(10)
    assert seen == [1]


def test_the_log_is_moved_into_the_ledger_and_a_fault_there_is_no_fault_of_the_run(tmp_path, caplog):
    with closing(Ledger("sqlite:///l.db", tmp_path)) as ledger:
        publish_run(ledger)
        assert (tmp_path / "l.db-wal").stat().st_size == 0
        with ledger.engine.begin() as connection:
            connection.execute(schema.runs.update().values(reason="more"))
        assert (tmp_path / "l.db-wal").stat().st_size > 0
        with closing(sqlite3.connect(tmp_path / "l.db")) as raw:
            assert raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0] == 0
    engine = open_engine(make_url("sqlite:///broken.db"), tmp_path)
    (tmp_path / "broken.db").write_bytes(b"no ledger" * 999)
    move_wal(engine)
    engine.dispose()
    assert "was not moved" in caplog.text
