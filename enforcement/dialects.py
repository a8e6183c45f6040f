"""What the databases that hold a ledger do each in its own way: connections, the lock, many rows at once."""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    Text,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

PATIENCE: Final = 30
"""Seconds that a writer waits for the one before it."""

SILENCE: Final = 300
"""Seconds without a statement after which a server takes a writer for gone, and its turn from it."""

Row = tuple[Any, ...]


class Dialect(Protocol):
    """One kind of database."""

    def engine(self, url: URL) -> Engine:
        """The connections to a database; whatever begins with the option ``writing`` means to write."""

    def lock(self, connection: Connection) -> None:
        """Wait until nobody else writes, and let nobody else until the transaction ends."""

    def reading(self, *, steady: bool) -> Mapping[str, Any]:
        """The options of a connection that reads; if ``steady``, all of it from one moment."""

    def by_index(self, connection: Connection) -> None:
        """Let the transaction's queries go along indexes, in their order, until they have enough."""

    def among(self, column: Column[str]) -> ColumnElement[bool]:
        """A condition: the value of a column is one of those bound as ``names``."""

    def names(self, names: Collection[str]) -> object:
        """What to bind as ``names``: one value, so that there may be any number of them."""

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Add rows, which have a value for each of the first columns of a table, in order."""

    def busy(self, error: DBAPIError) -> bool:
        """Whether somebody else was writing for too long."""


class SQLite:
    """One file, used by the processes of one machine.

    The log (WAL) lets others read while one writes. It is flushed to the disk at each commit
    (``synchronous = FULL``): what was committed is there after the machine lost its power. With NORMAL
    the file would stay whole as well, but the last commits could be gone, while the platform has
    carried their measures out already.
    """

    def engine(self, url: URL) -> Engine:
        """See `Dialect.engine`."""
        engine = create_engine(
            url, connect_args={"timeout": PATIENCE}, hide_parameters=True, pool_pre_ping=False
        )
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "begin", self._begin)
        return engine

    @staticmethod
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # The module for SQLite would begin transactions where it sees fit; `_begin` does.
        connection.isolation_level = None
        _turn_to_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{64 << 10}")
        # The log goes over into the file when it holds 32 MB: what is written to a page in between,
        # and indexes meet the same pages again and again, goes over once.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")

    @staticmethod
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails, instead of waiting, when another
        # one wrote in between: those that mean to write take their turn at once.
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    def lock(self, connection: Connection) -> None:
        """See `Dialect.lock`: BEGIN IMMEDIATE did it."""

    def reading(self, *, steady: bool) -> Mapping[str, Any]:
        """See `Dialect.reading`: any transaction is steady."""
        return {}

    def by_index(self, connection: Connection) -> None:
        """See `Dialect.by_index`: it does."""

    def among(self, column: Column[str]) -> ColumnElement[bool]:
        """See `Dialect.among`."""
        return column.in_(select(func.json_each(bindparam("names")).table_valued("value").c.value))

    def names(self, names: Collection[str]) -> object:
        """See `Dialect.names`."""
        return msgspec.json.encode(list(names)).decode()

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """See `Dialect.insert`."""
        if rows:
            connection.exec_driver_sql(_sqlite_insert(table, len(rows[0])), list(rows))

    def busy(self, error: DBAPIError) -> bool:
        """See `Dialect.busy`."""
        code = getattr(error.orig, "sqlite_errorcode", 0)
        return code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@functools.cache
def _sqlite_insert(table: Table, width: int) -> str:
    columns = list(table.columns)[:width]
    statement = insert(table).values({one.name: bindparam(one.name) for one in columns})
    return str(statement.compile(dialect=sqlite.dialect()))


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    # To turn a new file over, nobody else may be using it, and SQLite does not wait for that.
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            if not busy or time.monotonic() > until:
                raise
            time.sleep(0.01)


class PostgreSQL:
    """A server, used by any number of machines.

    A writer holds an advisory lock until its transaction ends, and has to see all that was committed
    before it got it. READ COMMITTED gives that: each statement sees what was committed when it began,
    those after the lock so see the work of whoever held the lock before, which the server shows
    before it lets go of the lock. A stricter level would take its picture once, before the wait for
    the lock, and the writer would go on from an end of the ledger that is no more. Nothing else can
    come between: who writes facts holds the lock, facts never change, and who reads without the lock
    sees whole transactions.
    """

    def engine(self, url: URL) -> Engine:
        """See `Dialect.engine`."""
        # A connection that was dropped while it lay idle is found out, and made anew, before its use.
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            hide_parameters=True,
        )

    def lock(self, connection: Connection) -> None:
        """See `Dialect.lock`."""
        # The lock is the ledger's, not the database's: a schema for each may hold several.
        connection.execute(_LOCK, {"patience": f"{PATIENCE}s", "silence": f"{SILENCE}s"})

    def reading(self, *, steady: bool) -> Mapping[str, Any]:
        """See `Dialect.reading`; a statement alone needs no words to the server before and after."""
        return {"isolation_level": "REPEATABLE READ" if steady else "AUTOCOMMIT"}

    def by_index(self, connection: Connection) -> None:
        """See `Dialect.by_index`: it would read and sort all, which it takes for quicker."""
        connection.execute(_BY_INDEX)

    def among(self, column: Column[str]) -> ColumnElement[bool]:
        """See `Dialect.among`."""
        return column == any_(bindparam("names", type_=postgresql.ARRAY(_plain(column))))

    def names(self, names: Collection[str]) -> object:
        """See `Dialect.names`."""
        return list(names)

    def insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """See `Dialect.insert`."""
        if rows:
            names, statement = _postgresql_insert(table, len(rows[0]))
            columns = zip(*rows, strict=True)
            arrays = dict(zip(names, map(list, columns), strict=True))
            connection.exec_driver_sql(statement, arrays)

    def busy(self, error: DBAPIError) -> bool:
        """See `Dialect.busy`."""
        return getattr(error.orig, "sqlstate", None) == "55P03"  # lock_not_available


@functools.cache
def _postgresql_insert(table: Table, width: int) -> tuple[list[str], str]:
    """One statement that takes an array for each column, however many rows there are.

    The arrays are sent in binary (``%b``): as text, each value would be quoted and read again.
    """
    columns = list(table.columns)[:width]
    names = [one.name for one in columns]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    arrays = ", ".join(f"%({one.name})b::{_plain(one).compile(dialect)}[]" for one in columns)
    return names, f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608


def _plain(column: Column[Any]) -> TypeEngine[Any]:
    # Values have no collation: columns have.
    return Text() if isinstance(column.type, Text) else column.type


_BY_INDEX: Final = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)"
)
_LOCK: Final = text(
    "SELECT set_config('lock_timeout', :patience, true),"
    # Whatever the server guesses: a writer looks up a few rows, by indexes, and never reads it all.
    " set_config('enable_seqscan', 'off', true),"
    " set_config('idle_in_transaction_session_timeout', :silence, true),"
    # "clau", and then which ledger of the database; 0 while it has no tables yet.
    f" pg_advisory_xact_lock({int.from_bytes(b'clau', 'big')}::bigint << 32"
    " | coalesce(to_regclass('clausal_entry')::oid::bigint, 0))"
)
