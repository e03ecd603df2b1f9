"""Migrations: from nothing, again, with a backup, killed at every statement, and from a ledger that is none."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url, text

from tulosvahti.store import schema
from tulosvahti.store.database import LedgerError, open_engine
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.migrate import migrate
from tulosvahti.store.revisions import MIGRATIONS

if TYPE_CHECKING:
    from sqlalchemy import Engine

CHAIN = """\
revision, down_revision, branch_labels, depends_on = {revision!r}, {down!r}, None, None
from alembic import op
def upgrade():
    for statement in {statements!r}:
        op.execute(statement)
"""
OLD = ("CREATE TABLE told (id INTEGER PRIMARY KEY, words TEXT NOT NULL)",)
NEW = (
    "CREATE TABLE told_new (id INTEGER PRIMARY KEY, words TEXT NOT NULL, loud TEXT NOT NULL)",
    "INSERT INTO told_new SELECT id, words, upper(words) FROM told",
    "DROP TABLE told",
    "ALTER TABLE told_new RENAME TO told",
    "CREATE INDEX told_loud ON told (loud)",
    "UPDATE told SET words = 'new'",
)
KILLED_AT_EACH_STATEMENT = """\
import os, pathlib, signal, sys
import alembic.command, alembic.config
from sqlalchemy import event, make_url
from tulosvahti.store.database import open_engine
from tulosvahti.store.migrate import migrate

url, root, folder = make_url(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])

def child(limit):
    engine, seen = open_engine(url, root), 0
    def count(*_):
        nonlocal seen
        seen += 1
        if seen > limit:
            os.kill(os.getpid(), signal.SIGKILL)
    for place in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(engine, place, count)
    migrate(engine, root / "l.db", folder, "b")
    engine.dispose()

for limit in range(1000):
    pid = os.fork()
    if pid == 0:
        try:
            child(limit)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(limit, code, flush=True)
    sys.stdin.readline()
    if code != -signal.SIGKILL:
        break
"""


HELD = "2023-06-05T04:00:00.000000+00:00"


def test_head_is_the_newest_revision() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert script.get_current_head() == schema.HEAD


def test_migrated_tables_are_the_schema(tmp_path: Path, ledger_url: str) -> None:
    with closing(Ledger(ledger_url, tmp_path)) as ledger, ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.METADATA) == []


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


def state(engine: Engine) -> tuple[str, list[tuple[object, ...]]]:
    with engine.connect().execution_options(reading=True) as connection:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return revision, [tuple(row) for row in connection.execute(text("SELECT * FROM told"))]


def test_killed_at_any_statement_it_is_the_old_or_the_new_revision(tmp_path: Path, ledger_url: str) -> None:
    """A real process is killed before and after each statement, and before the commit; then the next one succeeds."""
    folder = tmp_path / "chain"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_bytes((MIGRATIONS / "env.py").read_bytes())
    for revision, down, statements in (("a", None, OLD), ("b", "a", NEW)):
        made = CHAIN.format(revision=revision, down=down, statements=statements)
        (folder / "versions" / f"{revision}.py").write_text(made, encoding="utf-8")
    url = ledger_url.replace(".tulosvahti/ledger.db", "l.db")
    engine = open_engine(make_url(url), tmp_path)
    migrate(engine, tmp_path / "l.db", folder, "a")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO told VALUES (1, 'old')"))
    old, new = ("a", [(1, "old")]), ("b", [(1, "new", "OLD")])
    assert state(engine) == old
    command = [sys.executable, "-c", KILLED_AT_EACH_STATEMENT, url, str(tmp_path), str(folder)]
    kills = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:  # noqa: S603
        assert killer.stdout
        assert killer.stdin
        for line in killer.stdout:
            limit, code = line.split()
            kills += code == "-9"
            expected = old if code == "-9" else new
            assert state(engine) == expected, f"killed at {limit}"
            killer.stdin.write("\n")
            killer.stdin.flush()
    engine.dispose()
    assert killer.returncode == 0
    assert code == "0"
    assert kills > 2 * len(NEW)
    copy = open_engine(make_url("sqlite:///l.db.before-b"), tmp_path)
    assert state(copy) == old
    copy.dispose()


def test_rivals_open_a_new_ledger_at_once(tmp_path: Path, ledger_url: str) -> None:
    code = (
        "import sys, pathlib; from tulosvahti.store.ledger import Ledger; sys.stdin.read();"
        "Ledger(sys.argv[1], pathlib.Path(sys.argv[2])).close()"
    )
    command = [sys.executable, "-c", code, ledger_url, str(tmp_path)]
    with ExitStack() as stack:
        rivals = [stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE)) for _ in range(4)]  # noqa: S603
        for rival in rivals:
            assert rival.stdin
            rival.stdin.close()
        assert [rival.wait() for rival in rivals] == [0] * len(rivals)
    with closing(Ledger(ledger_url, tmp_path)) as ledger:
        assert ledger.runs() == []


@pytest.mark.parametrize("url", ["postgresql+psycopg://nobody@127.0.0.1:1/none", "sqlite:////proc/none/l.db"])
def test_a_ledger_out_of_reach_is_a_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(LedgerError, match=r"the ledger .* cannot be used: .* mend the cause and try again"):
        Ledger(url, tmp_path)


def test_an_unknown_database_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="allowed: sqlite and postgresql"):
        Ledger("oracl://host/db", tmp_path)


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


def test_mails_of_before_get_their_addresses(tmp_path: Path, ledger_url: str) -> None:
    head = b"To: =?utf-8?q?=C3=85sa?= <a@x.org>,\r\n b@x.org\r\n\r\n"
    engine = open_engine(make_url(ledger_url), tmp_path)
    migrate(engine, tmp_path / "l.db", head="0002")
    rows = [("waiting", 2, "421 later", None), ("sent", 1, "", None), ("waiting", 0, "", HELD)]
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO runs (id, as_of, started_at, rules_sha256, engine, state) VALUES (1, '2023-06-01', '', '', '', 'done')")
        )
        for number, row in enumerate(rows):
            values = {"id": number + 1, "mail": f"<{number}@x>", "content": head, **dict(zip("sneh", row, strict=True))}
            insert = (
                "INSERT INTO outbox (id, run_id, recipient, message_id, content, state, attempts, last_error, created_at, hold_until)"
                " VALUES (:id, 1, 'r', :mail, :content, :s, :n, :e, '2023-06-01T02:30:00.000000+00:00', :h)"
            )
            connection.execute(text(insert), values)
    engine.dispose()
    ledger = Ledger(ledger_url, tmp_path)
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
