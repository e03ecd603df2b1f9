"""A declared query: one SELECT that reads, and nothing else. It is parsed in the server's own dialect.

The read-only transaction guards the data whatever a query says; this guards what such a transaction lets through (files
of the server, sequences, other servers, sleeping), and says so before anything is connected.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

ALLOWED = "one SELECT, also with WITH and UNION, that only reads"
_RUN_BY_SERVER = re.compile(r"/\*M?!")
_PACKAGES = re.compile(r"(?:utl|dbms|owa|htp)_?\w*", re.IGNORECASE)
"""Oracle's, which do anything."""
_FORBIDDEN = re.compile(
    r"""(?: pg_(?!typeof|size_pretty|get_)\w*       # PostgreSQL's keepers' functions: files, sleep, signals, locks, logs
        | lo_\w+ | dblink\w* | query_to_\w+ | table_to_\w+ | database_to_\w+ | schema_to_\w+ | cursor_to_\w+
        | set_config | nextval | setval | txid_\w+ | xact_\w+ | current_setting
        | sleep | benchmark | load_file | \w*_lock | is_(?:free|used)_lock | sys_(?:exec|eval|get|set) | master_pos_wait
        | source_pos_wait | (?:wait_)\w+                                              # MariaDB, MySQL
        | load_extension | readfile | writefile | edit | fts3_tokenizer                # SQLite
        | openrowset | opendatasource | openquery | openxml | xp_\w+ | sp_\w+          # SQL Server
        | httpuritype | sys_context | bfilename | extractvalue    # Oracle
        )""",
    re.VERBOSE | re.IGNORECASE,
)


def query_fault(query: str, dialect: str) -> str:
    """Say what keeps a query from being used; empty where nothing does."""
    import sqlglot  # noqa: PLC0415 (heavy)
    from sqlglot import exp  # noqa: PLC0415

    if _RUN_BY_SERVER.search(query):
        return "it holds a comment that the server would run (/*! … */)"
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # It warns of what is refused here anyway.
    try:
        found = [item for item in sqlglot.parse(query, dialect=dialect or None) if item is not None]
    except sqlglot.errors.SqlglotError as error:
        return f"it cannot be read: {_first(error)}"
    finally:
        logger.setLevel(level)
    if len(found) != 1:
        return f"it holds {len(found)} statements"
    tree = found[0]
    if not isinstance(tree, exp.Query):
        return f"it is no SELECT but {tree.key.upper()}"
    for node in tree.walk():
        if fault := _node_fault(node):
            return fault
    return ""


def _node_fault(node: exp.Expr) -> str:
    from sqlglot import exp  # noqa: PLC0415 (heavy)

    if isinstance(node, exp.Into):
        return "SELECT … INTO writes"
    if isinstance(node, exp.Lock):
        return "FOR UPDATE and FOR SHARE lock rows"
    if isinstance(node, exp.PropertyEQ):
        return "it sets a variable"
    if isinstance(node, exp.DML | exp.DDL | exp.Command) and not isinstance(node, exp.Query):
        return f"{node.key.upper()} changes data"
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func) and _PACKAGES.fullmatch(node.this.name):
        return f"the package {node.this.name.lower()} does more than read the data"
    if isinstance(node, exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        if _FORBIDDEN.fullmatch(name):
            return f"the function {name.lower()} does more than read the data"
    return ""


def _first(error: Exception) -> str:
    text = re.sub(r"\x1b\[\d*m", "", str(error)).split("\n")[0]
    return text[:1].lower() + text[1:].rstrip()
