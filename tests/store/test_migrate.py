"""Migrations: from nothing, again, with a backup, and from a ledger that is none."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import tulosvahti.store
from tulosvahti.store import schema
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.migrate import LedgerError

if TYPE_CHECKING:
    from pathlib import Path


def test_head_is_the_newest_revision() -> None:
    script = ScriptDirectory(f"{tulosvahti.store.__path__[0]}/migrations")
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
