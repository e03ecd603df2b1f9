"""``database``: a table, or what one SELECT gives, streamed from any database that SQLAlchemy knows into a Parquet file."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from tulosvahti.core.fetched import Fetched, Part, SourceError
from tulosvahti.load.sources.database_kinds import is_lasting, is_timed_out, kind_of, with_driver
from tulosvahti.load.sources.declared import (
    Declared,
    Secret,
    Size,
    Wait,
    bytes_of,
    says_secret,
    seconds_of,
    secret_in_file,
)
from tulosvahti.load.sources.patience import AgainError, patiently
from tulosvahti.load.sources.reading_query import ALLOWED, query_fault
from tulosvahti.load.sources.rows_spooled import BATCH, Limits, Spool
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import URL, Connection, Engine

    from tulosvahti.core.fetched import Given
    from tulosvahti.load.sources.database_kinds import DatabaseKind

_PASSING = frozenset({"OperationalError", "InterfaceError", "InternalError"})
_URLS = "a SQLAlchemy URL such as postgresql://reader@db.agency.fi/register, mariadb://… or sqlite:///FILE"


class DatabaseSource(Declared):
    """A table or a query of a database."""

    url: str = Field(pattern=r"^[A-Za-z][\w+.-]*://\S*$", description=_URLS)
    password: Secret | None = None
    query: str = ""
    table: str = ""
    schema_: str = Field(default="", alias="schema")
    max_rows: int = Field(default=10_000_000, ge=1, le=1_000_000_000)
    max_bytes: Size = "1 GB"
    wait: Wait = "10 min"
    push: bool = Field(default=False, description="measure in the database; nothing is fetched")

    @property
    def shown(self) -> str:
        """The address and the table, without password and options."""
        from sqlalchemy import make_url  # noqa: PLC0415 (heavy)

        address = make_url(self.url).set(query={}, password=None).render_as_string()
        return f"{address} {self._named}" if self.table else address

    @property
    def identity(self) -> str:
        """The address, and what is asked for."""
        return f"database {self.url} {self._named} {self.query}"

    @property
    def _named(self) -> str:
        return f"{self.schema_}.{self.table}" if self.schema_ else self.table

    def problems(self, place: Callable[[tuple[str | int, ...]], Place], root: Path) -> list[Problem]:  # noqa: ARG002
        """See to what the form alone does not tell."""
        from sqlalchemy import make_url  # noqa: PLC0415 (heavy)
        from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

        try:
            url = make_url(self.url)
        except (ArgumentError, ValueError):
            return [Problem(place(("url",)), "url: not the address of a database", _URLS)]
        found = []
        if url.password or any(says_secret(name) for name in url.query):
            found.append(secret_in_file(place(("url",)), "url"))
        if not url.database:
            found.append(Problem(place(("url",)), "url: it names no database", _URLS))
        if bool(self.query) == bool(self.table):
            found.append(Problem(place(()), "give query or table", "one of them"))
        if self.schema_ and not self.table:
            found.append(Problem(place(("schema",)), "schema goes with table", "a query names its own"))
        if self.query and (fault := query_fault(self.query, kind_of(url).dialect)):
            found.append(Problem(place(("query",)), f"query: {fault}", ALLOWED))
        if self.push and url.get_backend_name() != "postgresql":
            found.append(Problem(place(("push",)), "push: only PostgreSQL is measured in", "a postgresql:// URL, or push: false"))
        return found

    def fetch(self, given: Given) -> Fetched:
        """Read all rows, in one transaction that cannot write."""
        from sqlalchemy import make_url  # noqa: PLC0415 (heavy)

        url = with_driver(make_url(self.url), given.root)
        kind = kind_of(url)
        secret = given.secret(self.password.name) if self.password is not None else ""
        until = given.steady() + seconds_of(self.wait)
        step = "see that the database answers, and that this machine may connect"

        def attempt() -> Fetched:
            limit = _Limit(kind, max(until - given.steady(), 1.0))
            with _engine(url, limit, secret, self.shown) as engine, self._told(kind, limit):
                return self._read(engine, limit, given)

        return patiently(given, until, attempt, step)

    def _read(self, engine: Engine, limit: _Limit, given: Given) -> Fetched:
        with closing(engine.connect()) as connection, limit.over(connection):
            told = limit.kind.begin(connection, limit.seconds, given.time_zone)
            statement = self.query.strip().rstrip(";") or _select(connection, self.table, self.schema_, given)
            options = {"stream_results": True, "no_parameters": True, "max_row_buffer": BATCH}
            result = connection.execution_options(**options).exec_driver_sql(statement)
            cursor = result.cursor
            try:
                spool = Spool(list(result.keys()), given.folder, self._limits(), ZoneInfo(given.time_zone))
                spool.take(_batches(result))
            except BaseException:
                limit.abandoned(connection, cursor)
                raise
            connection.rollback()
        target = given.folder / "rows.parquet"
        spool.write(target)
        return Fetched((Part(f"{self.table or given.name}.parquet", target),), (*told, *spool.notices()))

    @contextmanager
    def _told(self, kind: DatabaseKind, limit: _Limit) -> Iterator[None]:
        """Turn a driver's error into a sentence; its statement and its values are left out."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError  # noqa: PLC0415 (heavy)

        try:
            yield
        except SourceError as error:
            msg = f"{self.shown}: {error}"
            raise SourceError(msg, error.next_step) from error
        except SQLAlchemyError as error:
            text = " ".join(str(getattr(error, "orig", None) or error).split())
            if limit.passed or is_timed_out(kind, text):
                msg = f"{self.shown} did not give all of it within {self.wait}"
                raise SourceError(msg, "make the query lighter, or raise `wait` in the contract") from error
            said = f"{self.shown} cannot be read: {text}"
            passing = isinstance(error, DBAPIError) and type(error).__name__ in _PASSING
            if passing and not is_lasting(kind, text):
                raise AgainError(said) from error
            raise SourceError(said, "mend the contract, or ask the keeper of the database") from error

    def _limits(self) -> Limits:
        return Limits(self.max_rows, bytes_of(self.max_bytes))


def relation_of(source: DatabaseSource) -> str:
    """Give the SELECT of a source that is measured in PostgreSQL."""
    if source.query:
        return source.query.strip().rstrip(";")
    names = [name.replace('"', '""') for name in (source.schema_, source.table) if name]
    return "SELECT * FROM " + ".".join(f'"{name}"' for name in names)  # noqa: S608 (quoted)


def engine_there(source: DatabaseSource, root: Path, secret: str) -> Engine:
    """Give the engine of a source that is measured in its database.

    Raises:
        SourceError: its driver is not installed.

    """
    from sqlalchemy import make_url  # noqa: PLC0415 (heavy)

    url = with_driver(make_url(source.url), root)
    return _made(url, _Limit(kind_of(url), seconds_of(source.wait)), secret, source.shown)


def _select(connection: Connection, table: str, schema: str, given: Given) -> str:
    """Write the query of a table: the contract's columns of those that it has, in the order of the contract's key."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    name = f"{quote(schema)}.{quote(table)}" if schema else quote(table)
    has = list(connection.exec_driver_sql(f"SELECT * FROM {name} WHERE 1 = 0").keys())  # noqa: S608 (quoted)
    wanted = [column for column in given.columns if column in has] or has
    ordered = [quote(column) for column in given.key if column in has]
    order = f" ORDER BY {', '.join(ordered)}" if ordered and len(ordered) == len(given.key) else ""
    return f"SELECT {', '.join(map(quote, wanted))} FROM {name}{order}"  # noqa: S608 (quoted)


def _batches(result: Any) -> Iterator[Sequence[Sequence[Any]]]:  # noqa: ANN401 (SQLAlchemy's)
    while rows := result.fetchmany(BATCH):
        yield rows


class _Limit:
    """How long a statement may last: then it is stopped from beside, whatever the server does."""

    def __init__(self, kind: DatabaseKind, seconds: float) -> None:
        self.kind, self.seconds, self.passed = kind, seconds, False

    @contextmanager
    def over(self, connection: Connection) -> Iterator[None]:
        """Stop what the connection does when the time is up."""
        timer = threading.Timer(self.seconds, self._stop, (connection.connection.dbapi_connection,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def abandoned(self, connection: Connection, cursor: Any) -> None:  # noqa: ANN401 (a driver's)
        """Let go of a result without waiting for what is left of it."""
        with suppress(Exception):
            self.kind.let_go(cursor)
            cursor.close()
        connection.invalidate()

    def _stop(self, raw: Any) -> None:  # noqa: ANN401 (a driver's connection)
        self.passed = True
        with suppress(Exception):
            self.kind.stop(raw)


@contextmanager
def _engine(url: URL, limit: _Limit, secret: str, shown: str) -> Iterator[Engine]:
    engine = _made(url, limit, secret, shown)
    try:
        yield engine
    finally:
        engine.dispose()


def _made(url: URL, limit: _Limit, secret: str, shown: str) -> Engine:
    from sqlalchemy import create_engine  # noqa: PLC0415 (heavy)
    from sqlalchemy.exc import NoSuchModuleError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    kind = limit.kind
    arguments = dict(kind.connect(limit.seconds)) | ({"password": kind.password(secret)} if secret else {})
    try:
        return create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    except (ImportError, NoSuchModuleError) as error:
        msg = f"{shown} cannot be read: the driver of {url.drivername} is not installed"
        step = f"install it: pip install {kind.package!r}" if " " not in kind.package else f"install {kind.package}"
        raise SourceError(msg, step) from error
