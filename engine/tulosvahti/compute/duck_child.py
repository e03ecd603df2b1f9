"""The child process that holds DuckDB: reads queries line by line, answers line by line, and ends with its parent.

Run as ``python -m tulosvahti.compute.duck_child``. The first line is the order: ``files`` (input to Parquet file), ``memory``
(bytes), ``spill`` (a folder), ``threads`` (0: as many as there are processors). It says when it is ready. A query is ``{"sql": …}``; an answer is
``{"kinds": …, "rows": …, "seconds": …, "memory": …}`` or ``{"error": …}``. Decimals and days travel as texts.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import duckdb

_BESIDE = 1 << 30
"""Bytes of address space beside what DuckDB may use: the interpreter, its libraries, stacks."""


def main() -> None:
    """Answer until the parent lets go."""
    # What a library prints must not get between the lines.
    pipe = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    questions: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(questions,), daemon=True).start()
    wanted = json.loads(questions.get())
    _bound(int(wanted["memory"]))
    with os.fdopen(pipe, "w", encoding="utf-8") as out:
        try:
            connection = opened(wanted["files"], wanted["memory"], wanted["spill"], wanted["threads"])
        except duckdb.Error as error:
            _answer(out, {"error": str(error)})
            return
        _answer(out, {"ready": True})
        while line := questions.get():
            _answer(out, _asked(connection, json.loads(line)["sql"]))


def _listen(questions: SimpleQueue[str]) -> None:
    """Take questions in while a query runs, so that the end of the parent ends it."""
    for line in sys.stdin:
        questions.put(line)
    os._exit(0)


def _answer(out: Any, answer: dict[str, Any]) -> None:  # noqa: ANN401 (a text stream)
    with suppress(BrokenPipeError):
        out.write(json.dumps(answer, default=str, ensure_ascii=False) + "\n")
        out.flush()


def opened(files: dict[str, str], memory: int, spill: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Open the inputs as views ``input_NAME``; nothing else can be read, and no setting changed, after that."""
    settings: dict[str, Any] = {"memory_limit": f"{memory}B", "temp_directory": spill, "preserve_insertion_order": False}
    if threads:
        settings["threads"] = threads
    connection = duckdb.connect(":memory:", config=settings)
    run = connection.execute
    run("SET enable_progress_bar = false")
    run("PRAGMA enable_profiling = 'no_output'")
    run(f"SET allowed_paths = [{', '.join(map(_text, files.values()))}]")
    run("SET enable_external_access = false")
    for name, path in files.items():
        quoted = '"' + f"input_{name}".replace('"', '""') + '"'
        run(f"CREATE VIEW {quoted} AS SELECT * FROM read_parquet({_text(path)})")
    run("SET lock_configuration = true")
    return connection


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        found = connection.execute(sql)
        kinds = [_kind(str(column[1])) for column in found.description or ()]
        rows = found.fetchall()
    except (duckdb.Error, MemoryError) as error:
        return {"error": str(error) or type(error).__name__}
    return {"kinds": kinds, "rows": rows, "seconds": time.perf_counter() - start, "memory": _peak(connection)}


def _kind(name: str) -> str:
    return "decimal" if name.startswith("DECIMAL") else "date" if name == "DATE" else ""


def _peak(connection: duckdb.DuckDBPyConnection) -> int:
    """Give the most bytes that the last query held; releases name it differently."""
    try:
        told = json.loads(connection.get_profiling_information(format="json"))
        return int(told["system"]["peak_buffer_memory"] if "system" in told else told["system_peak_buffer_memory"])
    except (duckdb.Error, AttributeError, ValueError, LookupError, TypeError):
        return 0


def _bound(memory: int) -> None:
    """Bound the address space where the system can; the parent's clock bounds time."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, 4 * memory + _BESIDE), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):
            _, hard = resource.getrlimit(what)
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
