"""Statements built and compiled once, when the program starts: a kill has no time to build them.

On SQLite they run on the driver itself, because SQLAlchemy's way to it costs several times what SQLite needs; values
are converted as the columns' types say, and failures come out as SQLAlchemy's, so that nobody sees a difference.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnDefault, Connection, Delete, Insert, Select, Table, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

Statement = Select[*tuple[Any, ...]] | Insert | Update | Delete


class Prepared:
    """One statement; ``sets`` are the columns that it writes, further values belong to its ``bindparam``s."""

    def __init__(self, statement: Statement, *, sets: tuple[str, ...] = ()) -> None:
        self._statement = statement
        self._sqlite = _OnSqlite(statement, sets)

    def rows(self, conn: Connection, **values: Any) -> list[dict[str, Any]]:
        """The rows that it found, by column name."""
        if conn.dialect.name == "sqlite":
            return self._sqlite.rows(conn, values)
        return [dict(row._mapping) for row in conn.execute(self._statement, values)]

    def one(self, conn: Connection, **values: Any) -> dict[str, Any] | None:
        """The first row that it found."""
        found = self.rows(conn, **values)
        return found[0] if found else None

    def changed(self, conn: Connection, **values: Any) -> int:
        """How many rows it changed."""
        if conn.dialect.name == "sqlite":
            return self._sqlite.run(conn, values).rowcount
        return conn.execute(self._statement, values).rowcount


class InsertIfNew:
    """An insert that a unique key may refuse."""

    def __init__(self, table: Table) -> None:
        self._table = table
        written = [column for column in table.c if column is not table.autoincrement_column]
        self._blank = {
            column.name: column.default.arg if isinstance(column.default, ColumnDefault) else None
            for column in written
        }
        self._sqlite = _OnSqlite(sqlite.insert(table).on_conflict_do_nothing(), tuple(self._blank))

    def __call__(self, conn: Connection, values: Mapping[str, Any]) -> bool:
        """True when the row was inserted, False when a unique key says that it is already there.

        On PostgreSQL this waits for a concurrent insert of the same key to commit or roll back, so that after
        False the other row can be read.
        """
        row = {**self._blank, **values}
        if conn.dialect.name == "sqlite":
            return self._sqlite.run(conn, row).rowcount == 1
        return conn.execute(self._postgresql, row).first() is not None

    @cached_property
    def _postgresql(self) -> Insert:
        from sqlalchemy.dialects import postgresql  # its many types are memory that SQLite need not pay

        return postgresql.insert(self._table).on_conflict_do_nothing().returning(*self._table.primary_key)


class _OnSqlite:
    """The text for the driver, what to make of each value going in, and of each coming out."""

    def __init__(self, statement: Statement, sets: tuple[str, ...]) -> None:
        dialect = sqlite.dialect()
        compiled = statement.compile(dialect=dialect, column_keys=sets or None)
        self._text = str(compiled)
        binds = [compiled.binds[name] for name in compiled.positiontup or ()]
        self._into = tuple(
            (bind.key, bind.value, bind.required or bind.key in sets, bind.type.bind_processor(dialect))
            for bind in binds
        )
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._out = tuple(
            (column.name, column.type.dialect_impl(dialect).result_processor(dialect, None))
            for column in columns
        )

    def run(self, conn: Connection, values: Mapping[str, Any]) -> sqlite3.Cursor:
        given = [
            (values[name] if asked else fixed)
            if convert is None
            else convert(values[name] if asked else fixed)
            for name, fixed, asked, convert in self._into
        ]
        return run_raw(conn, driver_of(conn), self._text, given)

    def rows(self, conn: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            found = self.run(conn, values).fetchall()
        except sqlite3.Error as error:  # a disk may fail between two rows
            raise _as_sqlalchemy(error, conn, self._text) from error
        return [
            {
                name: value if convert is None else convert(value)
                for (name, convert), value in zip(self._out, row, strict=True)
            }
            for row in found
        ]


def driver_of(conn: Connection) -> sqlite3.Connection:
    """The driver's connection under a connection to SQLite."""
    driver = conn.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("the driver is not sqlite3")
    return driver


def run_raw(
    conn: Connection, driver: sqlite3.Connection, text: str, values: Sequence[Any] = ()
) -> sqlite3.Cursor:
    """What the driver found, with nothing in between; its error comes out as SQLAlchemy's."""
    try:
        return driver.execute(text, values)
    except sqlite3.Error as error:
        raise _as_sqlalchemy(error, conn, text) from error


def _as_sqlalchemy(error: sqlite3.Error, conn: Connection, text: str) -> BaseException:
    # without the values: an error's text may be logged
    return DBAPIError.instance(text, None, error, sqlite3.Error, dialect=conn.dialect)
