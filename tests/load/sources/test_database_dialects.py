"""SQL Server and Oracle without a server: the driver that a URL gets, the queries and the session's first statements.

What their own dialects of SQLAlchemy write is looked at; what a server makes of it is not.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects import mssql, oracle

from tulosvahti.load.sources import database
from tulosvahti.load.sources.database_kinds import is_lasting, is_timed_out, kind_of, with_driver
from tulosvahti.load.sources.reading_query import query_fault

DIALECTS = {"mssql": mssql.dialect, "oracle": oracle.dialect}


class Session:
    """A connection that notes what it is told; ``columns``: of any table; ``found``: of any question for one value."""

    def __init__(self, name: str, columns: tuple[str, ...] = (), found: object = None) -> None:
        self.dialect: Any = DIALECTS[name]()
        self.told: list[str] = []
        self.connection = SimpleNamespace(dbapi_connection=SimpleNamespace(timeout=0, call_timeout=0))
        self._columns, self._found = columns, found

    def exec_driver_sql(self, statement: str) -> Any:
        self.told.append(statement)
        return SimpleNamespace(keys=lambda: self._columns, scalar=lambda: self._found)


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("mssql://reader@db.agency.fi/register", "mssql+pyodbc"),
        ("mssql+pymssql://reader@db.agency.fi/register", "mssql+pymssql"),
        ("oracle://reader@db.agency.fi/?service_name=register", "oracle+oracledb"),
        ("oracle+cx_oracle://reader@db.agency.fi/register", "oracle+cx_oracle"),
    ],
)
def test_the_driver_of_a_url(tmp_path: Path, url: str, driver: str) -> None:
    found = with_driver(make_url(url), tmp_path)
    assert found.drivername == driver
    assert (found.username, found.host, dict(found.query)) == ("reader", "db.agency.fi", dict(make_url(url).query))
    assert kind_of(found).package != ""


@pytest.mark.parametrize(
    ("name", "schema", "wanted"),
    [
        ("mssql", "dbo", "SELECT [Koodi], [Määrä ]]; --] FROM [dbo].[Liidit 2026] ORDER BY [Koodi]"),
        ("mssql", "", "SELECT [Koodi], [Määrä ]]; --] FROM [Liidit 2026] ORDER BY [Koodi]"),
        ("oracle", "CRM", 'SELECT "Koodi", "Määrä ]; --" FROM "CRM"."Liidit 2026" ORDER BY "Koodi"'),
        ("oracle", "", 'SELECT "Koodi", "Määrä ]; --" FROM "Liidit 2026" ORDER BY "Koodi"'),
    ],
)
def test_the_query_of_a_table(name: str, schema: str, wanted: str) -> None:
    session = Session(name, ("Muuta", "Määrä ]; --", "Koodi"))
    given: Any = SimpleNamespace(columns=("Koodi", "Määrä ]; --", "Puuttuu"), key=("Koodi",))
    assert database._select(session, "Liidit 2026", schema, given) == wanted  # type: ignore[arg-type]
    assert query_fault(wanted, kind_of(make_url(f"{name}://h/d")).dialect) == ""
    assert session.told == [f"SELECT * FROM {wanted.partition(' FROM ')[2].partition(' ORDER')[0]} WHERE 1 = 0"]  # noqa: S608 (no server is there)


@pytest.mark.parametrize(("state", "last"), [(1, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT"), (0, "sys.databases")])
def test_a_session_of_sql_server(state: int, last: str) -> None:
    session = Session("mssql", found=state)
    told = kind_of(make_url("mssql://h/d")).begin(session, 2.5, "Europe/Helsinki")  # type: ignore[misc, arg-type]
    assert session.told[0] == "SET LOCK_TIMEOUT 2500"
    assert last in session.told[-1]
    assert bool(told) == (state == 0), "without a snapshot it is said that rows may have changed meanwhile"
    assert session.connection.dbapi_connection.timeout == 2


def test_a_session_of_oracle() -> None:
    session = Session("oracle")
    assert kind_of(make_url("oracle://h/d")).begin(session, 2.5, "Europe/Helsinki") == ()  # type: ignore[misc, arg-type]
    assert session.told == ["SET TRANSACTION READ ONLY"]
    assert session.connection.dbapi_connection.call_timeout == 2500


@pytest.mark.parametrize(
    ("dialect", "query", "is_sound"),
    [
        ("tsql", "SELECT TOP 5 [Koodi], SUM([Määrä]) AS n FROM [dbo].[Liidit] WITH (NOLOCK) GROUP BY [Koodi]", True),
        ("tsql", "WITH a AS (SELECT 1 AS n) SELECT n FROM a UNION ALL SELECT 2", True),
        ("tsql", "EXEC xp_cmdshell 'dir'", False),
        ("tsql", "SELECT * FROM OPENROWSET('SQLNCLI', 'x', 'SELECT 1') AS a", False),
        ("tsql", "SELECT 1 AS n; DROP TABLE t", False),
        ("tsql", "SELECT * INTO t2 FROM t", False),
        ("oracle", "SELECT koodi, NVL(maara, 0) FROM crm.liidit FETCH FIRST 5 ROWS ONLY", True),
        ("oracle", "SELECT utl_http.request('http://x') FROM dual", False),
        ("oracle", "SELECT * FROM liidit FOR UPDATE", False),
        ("oracle", "BEGIN NULL; END;", False),
    ],
)  # fmt: skip
def test_declared_queries(dialect: str, query: str, is_sound: bool) -> None:
    assert (query_fault(query, dialect) == "") == is_sound


@pytest.mark.parametrize(
    ("name", "text", "lasting", "timed_out"),
    [
        ("mssql", "('28000', \"[28000] Login failed for user 'reader'. (18456)\")", True, False),
        ("mssql", "('HYT00', '[HYT00] Login timeout expired')", False, True),
        ("mssql", "('08S01', 'Communication link failure')", False, False),
        ("oracle", "ORA-01017: invalid credential or not authorized; logon denied", True, False),
        ("oracle", "DPY-4024: call timeout of 2500 ms exceeded", False, True),
        ("oracle", "ORA-03113: end-of-file on communication channel", False, False),
    ],
)
def test_errors_that_come_again(name: str, text: str, lasting: bool, timed_out: bool) -> None:
    kind = kind_of(make_url(f"{name}://h/d"))
    assert (is_lasting(kind, text), is_timed_out(kind, text)) == (lasting, timed_out)
