"""What a declared query may be."""

from __future__ import annotations

import pytest

from tulosvahti.load.sources.reading_query import query_fault


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("postgres", "SELECT a, b::numeric(10, 2) AS b FROM s.t WHERE c ILIKE '%ä%' ORDER BY 1"),
        ("postgres", "WITH x AS (SELECT 1 AS a) SELECT a FROM x UNION ALL SELECT 2;"),
        ("postgres", "SELECT date_trunc('month', day) AS m, count(*) FILTER (WHERE ok) AS n FROM t GROUP BY 1"),
        ("postgres", "SELECT ':x', '100 %' AS share, replace(a, ',', '.') AS r FROM t"),
        ("mysql", "SELECT `Määrä`, IFNULL(a, 0) AS a, DATE_FORMAT(d, '%d.%m.%Y') AS d FROM t LIMIT 5"),
        ("sqlite", "SELECT strftime('%Y', d) AS y FROM t"),
        ("tsql", "SELECT TOP 5 [a b] FROM dbo.t WITH (NOLOCK)"),
        ("oracle", "SELECT NVL(a, 0) AS a FROM t WHERE ROWNUM < 5"),
        ("", "SELECT a FROM t"),
    ],
)
def test_reading_is_allowed(dialect, query):
    assert query_fault(query, dialect) == ""


@pytest.mark.parametrize(
    ("dialect", "query", "said"),
    [
        ("postgres", "DELETE FROM t", "it is no SELECT but DELETE"),
        ("postgres", "SELECT 1; DROP TABLE t", "it holds 2 statements"),
        ("postgres", "", "it holds 0 statements"),
        ("postgres", "-- nothing", "it holds 0 statements"),
        ("postgres", "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "DELETE changes data"),
        ("postgres", "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x", "INSERT changes data"),
        ("postgres", "WITH x AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM x", "UPDATE changes data"),
        ("postgres", "SELECT * INTO u FROM t", "SELECT … INTO writes"),
        ("postgres", "SELECT * FROM t FOR UPDATE", "FOR UPDATE and FOR SHARE lock rows"),
        ("postgres", "SELECT pg_sleep(100)", "the function pg_sleep does more than read the data"),
        ("postgres", "SELECT * FROM t WHERE a = pg_read_file('/etc/passwd')", "the function pg_read_file does more"),
        ("postgres", "SELECT nextval('s')", "the function nextval does more"),
        ("postgres", "SELECT * FROM dblink('x', 'DELETE FROM t') AS t(a int)", "the function dblink does more"),
        ("postgres", "SELECT set_config('a', 'b', false)", "the function set_config does more"),
        ("postgres", "COPY t TO '/tmp/x'", "it is no SELECT but COPY"),
        ("postgres", "EXPLAIN SELECT 1", "it is no SELECT but COMMAND"),
        ("postgres", "CALL f()", "it is no SELECT but COMMAND"),
        ("postgres", "selec 1", "it cannot be read: invalid expression / Unexpected token"),
        ("mysql", "SELECT a INTO OUTFILE '/tmp/x' FROM t", "it cannot be read"),
        ("mysql", "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */", "a comment that the server would run"),
        ("mysql", "SELECT 1 /*M!100100 , sleep(9) */", "a comment that the server would run"),
        ("mysql", "SELECT sleep(9)", "the function sleep does more"),
        ("mysql", "SELECT load_file('/etc/passwd')", "the function load_file does more"),
        ("mysql", "SELECT get_lock('a', 9)", "the function get_lock does more"),
        ("mysql", "SELECT @a := 1", "it sets a variable"),
        ("sqlite", "PRAGMA writable_schema = 1", "it is no SELECT but PRAGMA"),
        ("sqlite", "ATTACH 'x' AS y", "it is no SELECT but ATTACH"),
        ("sqlite", "SELECT load_extension('x')", "the function load_extension does more"),
        ("tsql", "SELECT * FROM OPENROWSET('a', 'b', 'c')", "the function openrowset does more"),
        ("oracle", "SELECT utl_http.request('http://a') FROM dual", "the package utl_http does more"),
        ("postgres", "SELECT pg_catalog.pg_sleep(9)", "the function pg_sleep does more"),
    ],
)
def test_everything_else_is_refused(dialect, query, said):
    assert said in query_fault(query, dialect)
