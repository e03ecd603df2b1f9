"""Tables and queries of real databases: exact, whole, bounded, and never written to."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import threading
import time
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal

import mariadb
import pytest
from web_server import free_port

from tulosvahti.core.contract import Contract, DeliveryState, Field, FieldType
from tulosvahti.core.text import Text
from tulosvahti.load.sources.database import DatabaseSource
from tulosvahti.load.tables import take
from tulosvahti.problem import Place

FIELDS = (
    Field("code", header="Koodi"),
    Field("amount", FieldType.NUMBER, header="Määrä", decimal_char=","),
    Field("share", FieldType.NUMBER, decimal_char=","),
    Field("n", FieldType.INTEGER),
    Field("day", FieldType.DATE, date_format="%d.%m.%Y"),
    Field("ok", FieldType.BOOLEAN),
    Field("year", FieldType.YEAR),
)
AS_OF = date(2026, 12, 31)
MARIADB_PASSWORD = mariadb.PASSWORD


def rows_of(fetch, source, fields=FIELDS, **contract):
    """Fetch and take in, as a run does."""
    came = fetch(source, fields=fields, **contract)
    declared = Contract("leads", Text(), "leads", fields, Place("inputs/leads.yaml"), fetch=source, **contract)
    taken = take(declared, fetch.root, AS_OF)
    return came, taken


def values(taken):
    names = [name for name in taken.frame.columns if not name.startswith("__")]
    return [tuple(row[name] for name in names) for row in taken.frame.iter_rows(named=True)]


EXPECTED = [
    ("Åäö 'x'", Decimal("12345678901234567890.12"), Decimal("0.1"), 9007199254740993, date(2026, 1, 31), True, 2026),
    ("00123", Decimal("-0.50"), None, None, None, False, None),
]


@pytest.fixture(scope="session")
def maria():
    if mariadb.programs() is None:
        pytest.skip(mariadb.ABSENT)
    import pymysql  # noqa: PLC0415 (an extra)

    with mariadb.server() as (port, place), closing(pymysql.connect(unix_socket=str(place), user="root", autocommit=True)) as root:
        with root.cursor() as cursor:
            cursor.execute("CREATE DATABASE rekisteri CHARACTER SET utf8mb4")
            cursor.execute("CREATE USER reader@'127.0.0.1' IDENTIFIED BY %s", (mariadb.PASSWORD,))
            cursor.execute("GRANT ALL ON rekisteri.* TO reader@'127.0.0.1'")
            cursor.execute("USE rekisteri")
            cursor.execute(
                "CREATE TABLE leads (Koodi VARCHAR(20), Määrä DECIMAL(30,2), share DOUBLE, n BIGINT, day DATE, ok BOOLEAN, year SMALLINT)"
            )
            cursor.execute("SET SESSION sql_mode = ''")
            cursor.execute(
                """INSERT INTO leads VALUES ('Åäö ''x''', 12345678901234567890.12, 0.1, 9007199254740993, '2026-01-31', TRUE, 2026),
                   ('00123', -0.50, NULL, NULL, '0000-00-00', FALSE, NULL)"""
            )
        yield f"mariadb://reader@127.0.0.1:{port}/rekisteri", place


@pytest.fixture
def postgres(postgresql_url):
    import psycopg  # noqa: PLC0415 (an extra)

    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            """CREATE TABLE leads ("Koodi" text, "Määrä" numeric, share double precision, n bigint, day date, ok boolean, year smallint);
               INSERT INTO leads VALUES ('Åäö ''x''', 12345678901234567890.12, 0.1, 9007199254740993, '2026-01-31', true, 2026),
               ('00123', -0.50, 'NaN', NULL, NULL, false, NULL)"""
        )
        yield postgresql_url, connection


@pytest.fixture
def sqlite(fetch):
    with closing(sqlite3.connect(fetch.root / "rekisteri.db")) as connection:
        connection.executescript(
            """CREATE TABLE leads ("Koodi" TEXT, "Määrä" TEXT, share REAL, n INTEGER, day TEXT, ok TEXT, year INTEGER);
               INSERT INTO leads VALUES ('Åäö ''x''', '12345678901234567890,12', 0.1, 9007199254740993, '31.01.2026', 'true', 2026),
               ('00123', '-0,50', NULL, NULL, NULL, 'false', NULL);"""
        )
        yield "sqlite:///rekisteri.db", connection


def test_postgresql_is_read_to_the_digit(fetch, postgres):
    came, taken = rows_of(fetch, DatabaseSource(url=postgres[0], table="leads"), primary_key=("code",))
    assert came.kept.trouble is None
    assert sorted(values(taken), reverse=True) == EXPECTED
    assert taken.delivery.state is DeliveryState.ACCEPTED
    notices = " ".join(came.kept.notices)
    assert "column share: binary floating-point numbers" in notices
    assert "column share: 1 values are NaN or infinite, and are taken as missing" in notices


def test_mariadb_is_read_to_the_digit(fetch, maria):
    fetch.secrets["PW"] = mariadb.PASSWORD
    came, taken = rows_of(fetch, DatabaseSource(url=maria[0], password={"env": "PW"}, table="leads"))
    assert came.kept.trouble is None
    assert sorted(values(taken), reverse=True) == EXPECTED
    assert "column day: 1 days are 0000-00-00, and are taken as missing" in came.kept.notices


def test_sqlite_is_read_to_the_digit(fetch, sqlite):
    came, taken = rows_of(fetch, DatabaseSource(url=sqlite[0], query='SELECT * FROM leads ORDER BY "Koodi" DESC;'))
    assert came.kept.trouble is None
    assert values(taken) == EXPECTED


def test_the_same_rows_are_the_same_content(fetch, postgres):
    url, connection = postgres
    source = DatabaseSource(url=url, table="leads")
    first, _ = rows_of(fetch, source, primary_key=("code",))
    connection.execute("UPDATE leads SET ok = ok")  # the rows lie in another order now
    second, _ = rows_of(fetch, source, primary_key=("code",))
    assert (first.new, second.new) == (True, False)


def test_only_the_columns_of_the_contract_leave_the_database(fetch, postgres):
    url, connection = postgres
    connection.execute("ALTER TABLE leads ADD COLUMN hetu text DEFAULT '010101-0101'")
    came, taken = rows_of(fetch, DatabaseSource(url=url, table="leads"))
    assert taken.delivery.header == tuple(item.column for item in FIELDS)
    assert b"010101" not in fetch.content(came)


def test_moments_are_told_in_the_projects_time_zone(fetch, postgres):
    url, _ = postgres
    query = "SELECT (timestamptz '2025-12-31 22:30Z')::date AS day, timestamptz '2025-12-31 22:00Z' AS at"
    _, taken = rows_of(fetch, DatabaseSource(url=url, query=query), (Field("day", FieldType.DATE), Field("at", FieldType.DATE)))
    assert values(taken) == [(date(2026, 1, 1), date(2026, 1, 1))]


def test_an_empty_table_has_its_columns(fetch, postgres):
    url, connection = postgres
    connection.execute("DELETE FROM leads")
    _, taken = rows_of(fetch, DatabaseSource(url=url, table="leads"), no_rows_means_none=True)
    assert taken.delivery.state is DeliveryState.ACCEPTED
    assert values(taken) == []


def test_many_rows_stream_in_batches(fetch, postgres):
    query = "SELECT 'k' || i AS code, i::numeric / 1000 AS n FROM generate_series(1, 123457) AS i"
    source = DatabaseSource(url=postgres[0], query=query)
    fields = (Field("code"), Field("n", FieldType.NUMBER))
    _, taken = rows_of(fetch, source, fields)
    assert taken.delivery.rows == 123457
    assert taken.frame["n"].sum() == Decimal(123457 * 123458 // 2) / 1000


@pytest.mark.parametrize(
    ("limit", "said"),
    [({"max_rows": 1000}, "it has more than 1000 rows"), ({"max_bytes": "100 kB"}, "its rows take more than 100 kB")],
)
def test_no_more_is_taken_than_allowed(fetch, postgres, limit, said):
    query = "SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 50000) AS i"
    came = fetch(DatabaseSource(url=postgres[0], query=query, **limit))
    assert said in came.kept.trouble.message
    assert not came.kept.came


def test_a_slow_query_is_stopped(fetch, postgres, maria, sqlite):
    fetch.secrets["PW"] = mariadb.PASSWORD
    forever = "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 1000000000) SELECT max(n) AS n FROM x"
    many = "SELECT count(*) AS n FROM " + ", ".join(f"information_schema.columns t{number}" for number in range(6))  # noqa: S608
    for url, query, more in (
        (postgres[0], forever, {}),
        (maria[0], many, {"password": {"env": "PW"}}),
        (sqlite[0], forever, {}),
    ):
        begun = time.monotonic()
        came = fetch(DatabaseSource(url=url, query=query, wait="2 s", **more))
        assert time.monotonic() - begun < 20, url
        assert "did not give all of it within 2 s" in came.kept.trouble.message, url


def test_a_server_that_went_silent_is_left(fetch, maria, monkeypatch):
    """A server that takes the connection and says nothing."""
    with socket.socket() as dumb:
        dumb.bind(("127.0.0.1", 0))
        dumb.listen()
        port = dumb.getsockname()[1]
        for kind in ("postgresql", "mariadb"):
            begun = time.monotonic()
            came = fetch(DatabaseSource(url=f"{kind}://reader@127.0.0.1:{port}/x", table="leads", wait="2 s"))
            assert time.monotonic() - begun < 20
            assert came.kept.trouble is not None


def test_nothing_is_written(fetch, postgres, maria, sqlite):
    """Even a query that the guard does not see through: a function that writes."""
    url, connection = postgres
    connection.execute("CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'DELETE FROM leads RETURNING 1'")
    came = fetch(DatabaseSource(url=url, query="SELECT harmless() AS n"))
    assert "read-only transaction" in came.kept.trouble.message
    import pymysql  # noqa: PLC0415 (an extra)

    with closing(pymysql.connect(unix_socket=str(maria[1]), user="root", autocommit=True, database="rekisteri")) as root, root.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE FUNCTION harmless() RETURNS int MODIFIES SQL DATA BEGIN DELETE FROM leads; RETURN 1; END")
    fetch.secrets["PW"] = mariadb.PASSWORD
    came = fetch(DatabaseSource(url=maria[0], password={"env": "PW"}, query="SELECT harmless() AS n"), "maria")
    assert "READ ONLY transaction" in came.kept.trouble.message
    source = DatabaseSource(url=sqlite[0], query="SELECT 1 AS n")
    object.__setattr__(source, "query", "DELETE FROM leads")
    assert "readonly" in fetch(source, "lite").kept.trouble.message
    assert connection.execute("SELECT count(*) FROM leads").fetchone() == (2,)
    assert sqlite[1].execute("SELECT count(*) FROM leads").fetchone() == (2,)


def test_all_of_it_is_of_one_moment(fetch, postgres):
    """Rows that come while it is read are not in it: the snapshot is the transaction's."""
    url, connection = postgres
    connection.execute("CREATE TABLE t AS SELECT i FROM generate_series(1, 30000) AS i")
    import tulosvahti.load.sources.database as module  # noqa: PLC0415

    plain, done = module._batches, []

    def meanwhile(result):
        for batch in plain(result):
            if not done:
                connection.execute("DELETE FROM t")
                done.append(True)
            yield batch

    module._batches = meanwhile
    try:
        _, taken = rows_of(fetch, DatabaseSource(url=url, query="SELECT i FROM t"), (Field("i", FieldType.INTEGER),))
    finally:
        module._batches = plain
    assert done
    assert taken.delivery.rows == 30000


@pytest.mark.parametrize(
    ("url", "more", "said"),
    [
        ("postgresql://reader@127.0.0.1:PORT/x", {}, "refused"),
        ("mariadb://reader@127.0.0.1:PORT/x", {}, "Can't connect"),
        ("postgresql://reader@nowhere.invalid/x", {}, "nowhere.invalid"),
        ("sqlite:///missing.db", {}, "unable to open database file"),
        ("oracle://reader@db/x", {}, "the driver of oracle+oracledb is not installed"),
        ("mssql://reader@db/x", {}, "the driver of mssql+pyodbc is not installed"),
        ("strange://reader@db/x", {}, "the driver of strange is not installed"),
    ],
)
def test_what_cannot_be_reached_is_told(fetch, url, more, said):
    came = fetch(DatabaseSource(url=url.replace("PORT", str(free_port())), table="leads", **more))
    assert said in came.kept.trouble.message
    assert came.kept.trouble.next_step


def test_what_the_database_refuses_is_told_at_once(fetch, postgres, maria):
    assert 'relation "nothing" does not exist' in fetch(DatabaseSource(url=postgres[0], table="nothing")).kept.trouble.message
    fetch.secrets["PW"] = "wrong-password-here"
    came = fetch(DatabaseSource(url=maria[0], password={"env": "PW"}, table="leads"))
    assert "Access denied" in came.kept.trouble.message
    assert fetch.pauses == []


def test_a_column_of_several_kinds_is_refused(fetch, sqlite):
    sqlite[1].execute("INSERT INTO leads (share) VALUES ('0,5')")
    sqlite[1].commit()
    came = fetch(DatabaseSource(url=sqlite[0], table="leads"))
    assert "column share holds binary numbers and texts (such as '0,5')" in came.kept.trouble.message


def test_doubled_names_and_too_many_digits_are_refused(fetch, postgres):
    came = fetch(DatabaseSource(url=postgres[0], query="SELECT 1 AS a, 2 AS a"))
    assert "several columns of the name 'a'" in came.kept.trouble.message
    came = fetch(DatabaseSource(url=postgres[0], query="SELECT 10::numeric ^ 40 AS a"))
    assert "more than 38 digits" in came.kept.trouble.message


def test_mariadb_tells_moments_in_the_projects_time_zone_or_says_that_it_cannot(fetch, maria):
    fetch.secrets["PW"] = mariadb.PASSWORD
    came = fetch(DatabaseSource(url=maria[0], password={"env": "PW"}, query="SELECT now() AS n"))
    assert came.kept.trouble is None
    assert any("does not know the time zone Europe/Helsinki" in notice for notice in came.kept.notices)


def test_other_values_become_text(fetch, postgres):
    query = """SELECT '[1, "ä"]'::jsonb AS j, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u, '\\x00ff'::bytea AS b,
                      interval '1 day' AS i, ARRAY['x', 'y'] AS a, time '10:00' AS t, 7::numeric(20, 4) AS d"""
    fields = tuple(Field(name) for name in "jubiat")
    _, taken = rows_of(fetch, DatabaseSource(url=postgres[0], query=query), fields)
    assert values(taken) == [('[1, "ä"]', "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00ff", str(timedelta(days=1)), '["x", "y"]', "10:00:00")]


class Wire:
    """A wire to a server's socket that goes dead after so many bytes, with both ends open."""

    def __init__(self, upstream, most):
        self.upstream, self.most, self.passed = upstream, most, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.socket.accept()[0]
                far = socket.socket(socket.AF_INET if isinstance(self.upstream, tuple) else socket.AF_UNIX)
                far.connect(self.upstream)
                self.ends += [near, far]
                threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source, target, counted):
        with contextlib.suppress(OSError):
            while piece := source.recv(4096):
                if counted:
                    self.passed += len(piece)
                if self.passed > self.most:
                    continue
                target.sendall(piece)

    def close(self):
        for one in (self.socket, *self.ends):
            one.close()


def test_a_server_that_goes_dead_in_the_middle_is_left(fetch, postgres, maria):
    from sqlalchemy import make_url  # noqa: PLC0415 (heavy)

    fetch.secrets["PW"] = mariadb.PASSWORD
    folder = make_url(postgres[0]).query["host"]
    for kind, upstream, more in (
        ("postgresql://tulosvahti@127.0.0.1:PORT/postgres", f"{folder}/.s.PGSQL.5432", {}),
        ("mariadb://reader@127.0.0.1:PORT/rekisteri", ("127.0.0.1", make_url(maria[0]).port), {"password": {"env": "PW"}}),
    ):
        with contextlib.closing(Wire(upstream, 200_000)) as wire:
            begun = time.monotonic()
            query = "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 900) SELECT a.n, b.n AS m FROM x a, x b"
            came = fetch(DatabaseSource(url=kind.replace("PORT", str(wire.port)), query=query, wait="4 s", **more))
            assert time.monotonic() - begun < 15, kind
            assert wire.passed > 200_000, came.kept.trouble
            assert "did not give all of it within 4 s" in came.kept.trouble.message, kind
