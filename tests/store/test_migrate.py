"""Migrations: from nothing, again, with a backup, and from a ledger that is none."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import tulosvahti.store
from tulosvahti.store import schema
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.migrate import LedgerError

if TYPE_CHECKING:
    from pathlib import Path


MIGRATIONS = f"{tulosvahti.store.__path__[0]}/migrations"
HELD = "2023-06-05T04:00:00.000000+00:00"


def make_ledger(path: Path, revision: str) -> None:
    """Make a ledger as an engine of before left it."""
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_head_is_the_newest_revision() -> None:
    script = ScriptDirectory(MIGRATIONS)
    assert script.get_current_head() == schema.HEAD


def test_migrated_tables_are_the_schema(tmp_path: Path) -> None:
    Ledger("sqlite:///l.db", tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path}/l.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.METADATA) == []
    engine.dispose()


def test_second_opening_needs_no_alembic(tmp_path: Path) -> None:
    Ledger("sqlite:///l.db", tmp_path).close()
    code = (
        "import sys, pathlib; from tulosvahti.store.ledger import Ledger;"
        f"Ledger('sqlite:///l.db', pathlib.Path({str(tmp_path)!r})).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
    assert not list(tmp_path.glob("*.before-*"))


def test_a_file_with_tables_is_backed_up_and_a_failure_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE verdicts (mine)")
    raw.commit()
    raw.close()
    with pytest.raises(Exception, match="already exists"):
        Ledger("sqlite:///l.db", tmp_path)
    for place in (path, tmp_path / f"l.db.before-{schema.HEAD}"):
        raw = sqlite3.connect(place)
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("verdicts",)]
        raw.close()


def test_newer_ledger_and_no_ledger(tmp_path: Path) -> None:
    Ledger("sqlite:///l.db", tmp_path).close()
    raw = sqlite3.connect(tmp_path / "l.db")
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    with pytest.raises(LedgerError, match="another version than this engine"):
        Ledger("sqlite:///l.db", tmp_path)
    (tmp_path / "text.db").write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger("sqlite:///text.db", tmp_path)


def test_mails_of_before_get_their_addresses(tmp_path: Path) -> None:
    make_ledger(tmp_path / "l.db", "0002")
    raw = sqlite3.connect(tmp_path / "l.db")
    raw.execute("INSERT INTO runs (id, as_of, started_at, rules_sha256, engine, state) VALUES (1, '2023-06-01', '', '', '', 'done')")
    head = b"To: =?utf-8?q?=C3=85sa?= <a@x.org>,\r\n b@x.org\r\n\r\n"
    rows = [("waiting", 2, "421 later", None), ("sent", 1, "", None), ("waiting", 0, "", HELD)]
    for number, (state, attempts, error, hold) in enumerate(rows):
        raw.execute(
            "INSERT INTO outbox (id, run_id, recipient, message_id, content, state, attempts, last_error, created_at, hold_until)"
            " VALUES (?, 1, 'r', ?, ?, ?, ?, ?, '2023-06-01T02:30:00.000000+00:00', ?)",
            (number + 1, f"<{number}@x>", head, state, attempts, error, hold),
        )
    raw.commit()
    raw.close()
    ledger = Ledger("sqlite:///l.db", tmp_path)
    found = [(item.id, item.address, item.state, item.attempts, item.said) for item in ledger.outbox.items(everything=True)]
    parcel = ledger.outbox.claim(datetime(2023, 6, 2, tzinfo=UTC))
    second = ledger.outbox.claim(datetime(2023, 6, 2, tzinfo=UTC))
    later = [ledger.outbox.claim(datetime.fromisoformat(HELD)) for _ in range(2)]
    ledger.close()
    assert found == [
        (1, "a@x.org", "waiting", 2, "421 later"), (1, "b@x.org", "waiting", 2, "421 later"),
        (2, "a@x.org", "sent", 1, ""), (2, "b@x.org", "sent", 1, ""),
        (3, "a@x.org", "waiting", 0, ""), (3, "b@x.org", "waiting", 0, ""),
    ]  # fmt: skip
    assert parcel is not None
    assert (parcel.id, parcel.addresses, parcel.content) == (1, ("a@x.org", "b@x.org"), head)
    assert second is None
    assert {claimed and claimed.id for claimed in later} == {1, 3}
