"""Many rows at once, as each database takes them fastest: tuples on SQLite, COPY on PostgreSQL.

All of it goes through SQLAlchemy's own transaction, as every other statement does. What is written, and when, is not
known here.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Connection, Text, cast, collate, column, func, insert, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import IdentifierPreparer, SQLCompiler

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Delete, Dialect, Executable, Table, Update
    from sqlalchemy.engine.interfaces import Compiled, DBAPICursor

    from reconciler.model import HsaId

Row = tuple[Any, ...]


@cache
def _dialect(name: str) -> Dialect:
    """Return what writes statements with parameters by position, without the casts that SQLAlchemy adds for its own."""
    if name == "postgresql":
        from sqlalchemy.dialects import postgresql  # a tenth of a start, and a file needs none of it

        return postgresql.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
    from sqlalchemy.dialects import sqlite

    return sqlite.dialect(paramstyle="qmark")


@cache
def quoting() -> IdentifierPreparer:
    """Return what quotes names as PostgreSQL does, in a text without parameters: a percent sign stands for itself."""
    from sqlalchemy.dialects import postgresql

    return postgresql.dialect(paramstyle="named").identifier_preparer  # type: ignore[no-untyped-call]


def add(connection: Connection, table: Table, keys: Sequence[str], rows: list[Row]) -> int:
    """Add *rows*, which give the columns *keys*; return how many were added."""
    if connection.dialect.name == "postgresql":
        quoted = quoting()
        names = ", ".join(quoted.format_column(table.c[key]) for key in keys)
        return _sent(connection, f"COPY {quoted.format_table(table)} ({names}) FROM STDIN", rows)
    dialect = _dialect(connection.dialect.name)
    return _by_position(connection, insert(table).compile(dialect=dialect, column_keys=list(keys)), keys, rows)


def alter(connection: Connection, statement: Update | Delete, keys: Sequence[str], rows: list[Row]) -> int:
    """Execute the *statement* for each of *rows*, which give its parameters *keys*; return how many rows it hit."""
    return _by_position(connection, statement.compile(dialect=_dialect(connection.dialect.name)), keys, rows)


def _by_position(connection: Connection, compiled: Compiled, keys: Sequence[str], rows: list[Row]) -> int:
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  (it is for all that has parameters)
    places = [keys.index(name) for name in compiled.positiontup or ()]
    if len(places) > 1 and places != list(range(len(keys))):  # of one place `itemgetter` makes no tuple
        rows = list(map(itemgetter(*places), rows))
    return _sent(connection, str(compiled), rows)


def fetched(connection: Connection, statement: Executable) -> Iterator[Row]:
    """Yield the rows as the driver gives them: made into SQLAlchemy's own, a million cost twice as much."""
    result = connection.execute(statement)
    try:
        yield from result.cursor  # type: ignore[misc]
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(str(statement), None, error) from error
    finally:
        result.close()


def names_where(
    connection: Connection, key: ColumnElement[str], name: ColumnElement[str], where: ColumnElement[bool]
) -> dict[HsaId, str]:
    """Return the names by key; of a file they come as one text, which costs two thirds of what rows do."""
    if connection.dialect.name == "postgresql":
        return dict(fetched(connection, select(key, name).where(where)))
    together = func.json_group_object(cast(key, Text), cast(name, Text))
    try:
        text: str = connection.execute(select(together).where(where)).scalar_one()
    except DBAPIError:
        list(fetched(connection, select(key, name.label("name")).where(where)))  # which names the row that is not text
        raise
    found: dict[HsaId, str] = json.loads(text)
    return found


def digests(
    connection: Connection, group: ColumnElement[str], key: ColumnElement[str], name: ColumnElement[str]
) -> dict[str, str]:
    """Return for each value of *group* the digest of its names by key; nothing where the server makes none."""
    if connection.dialect.name != "postgresql":
        return {}
    from sqlalchemy.dialects.postgresql import aggregate_order_by

    parted = "\x1f"
    line = key + parted + cast(func.length(name), Text) + parted + name
    text = func.string_agg(line, aggregate_order_by(literal("\n"), collate(key, "C")))
    made = func.encode(func.sha256(func.convert_to(text, "UTF8")), "hex")
    return dict(fetched(connection, select(group, made).group_by(group)))


def digest_of(names: Mapping[HsaId, str]) -> str:
    """Return what `digests` says of these *names*."""
    lines = [f"{key}\x1f{len(name)}\x1f{name}" for key, name in sorted(names.items())]
    return sha256("\n".join(lines).encode()).hexdigest()


def exactly(connection: Connection, text: ColumnElement[str]) -> ColumnElement[str]:
    """Return the *text* of ours, to be compared letter by letter, however the other side likes to compare its own."""
    return collate(text, "C" if connection.dialect.name == "postgresql" else "BINARY")


def _sent(connection: Connection, text: str, rows: list[Row]) -> int:
    if not rows:
        return 0
    return connection.exec_driver_sql(text, rows, execution_options={"preserve_rowcount": True}).rowcount


def copied(cursor: DBAPICursor, statement: str, parameters: Sequence[Row] | Row, _execution: object) -> bool | None:
    """Send what psycopg does not take as a statement like others: COPY, with its rows; leave all else to SQLAlchemy."""
    if not statement.startswith("COPY "):
        return None
    rows = parameters if isinstance(parameters, list) else [parameters]
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    return True


def one_of(connection: Connection, where: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of *values*, however many they are: they are one parameter."""
    given = json.dumps(sorted(values), ensure_ascii=False)
    if connection.dialect.name == "postgresql":
        each = func.json_array_elements_text(cast(literal(given), JSON))
        return where.in_(select(each))
    return where.in_(select(column("value")).select_from(func.json_each(given)))
