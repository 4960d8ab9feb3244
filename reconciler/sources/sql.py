"""The register from a database: one SELECT for the records, one for when they were made. It only reads.

Any database that SQLAlchemy has a driver for. What the columns are called there, and which words mean active, is for
the SELECT to put right.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.findings import Exit, Failure
from reconciler.model import RegisterSettings
from reconciler.sources.patience import in_time
from reconciler.sources.record import FIELDS, Answer, in_row
from reconciler.sources.trouble import of_time
from reconciler.words import _

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine


def read(settings: RegisterSettings) -> Answer:
    """Return the records that the two queries give, within the limit of time."""
    if not (settings.http.url and settings.query and settings.generated_at_query):
        raise Failure(
            "register",
            "missing",
            problem=_("the settings do not say what to ask the database"),
            remedy=_("write url, query and generated_at_query in the table [register] of the settings"),
            exit=Exit.SETTINGS,
        )
    limit = settings.http.total_timeout
    late = of_time("register", settings.http.url, limit)
    return in_time(limit.total_seconds(), lambda _given_up: _asked(settings), late)


def _asked(settings: RegisterSettings) -> Answer:
    from sqlalchemy import text  # wanted only where a database is asked
    from sqlalchemy.exc import SQLAlchemyError

    opener = _opened(settings)
    try:
        with opener.connect() as connection:
            only_read(connection)
            made = connection.execute(text(settings.generated_at_query)).scalar()
            found = connection.execute(text(settings.query))
            columns = [name.lower() for name in tuple(found.keys())]
            rows = [dict(zip(columns, row, strict=True)) for row in found]
            connection.rollback()
    except SQLAlchemyError as error:
        raise _failure(settings.http.url, error) from error
    finally:
        opener.dispose()
    if sorted(columns) != sorted(FIELDS):
        problem = _("the query gives the columns {columns}, not {fields}")
        raise _wrong(problem.format(columns=", ".join(columns), fields=", ".join(FIELDS)))
    return Answer(_as_text(made), [(range(1, len(rows) + 1), rows)], in_row)


def _as_text(made: Any) -> object:
    return made.isoformat() if isinstance(made, datetime) else made


def _opened(settings: RegisterSettings) -> Engine:
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    try:
        url = make_url(settings.http.url)
        url = _with_account(url, settings)
        if url.get_backend_name() == "sqlite":
            url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
        return create_engine(url, poolclass=NullPool)
    except (ArgumentError, ImportError, ValueError) as error:
        raise Failure(
            "register",
            "address",
            problem=_("{url} is not a database that can be asked here").format(url=settings.http.url),
            remedy=_("write for example postgresql+psycopg://server/name, and install the driver"),
            exit=Exit.SETTINGS,
        ) from error


def _with_account(url: URL, settings: RegisterSettings) -> URL:
    http = settings.http
    password = http.password
    if http.password_file and not password:
        from reconciler.sources.http import from_file

        password = from_file("register", http, "password")
    return url.set(username=http.user or None, password=password or None) if http.user else url


_FROM_NOW_ON = {
    "sqlite": "PRAGMA query_only=ON",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
"""What makes a session only read: also where a query ends its transaction, and goes on."""


def only_read(connection: Connection) -> None:
    """Have the database refuse whatever would write, as far as it can: a role that may only read is better still."""
    name = connection.dialect.name
    if name in _FROM_NOW_ON:
        connection.exec_driver_sql(_FROM_NOW_ON[name])
        connection.commit()
    elif name == "oracle":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _wrong(problem: str) -> Failure:
    return Failure("register", "malformed", problem=problem, remedy=_("put query right in the settings"))


def _failure(url: str, error: Exception) -> Failure:
    from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    problem = _("{url}: {reason}").format(url=url, reason=reason)
    if isinstance(error, (ProgrammingError, OperationalError, InterfaceError)) and "syntax" not in reason:
        remedy = _("see that it is up, that its tables are there, and that you may read them")
        return Failure("register", "unanswered", problem=problem, remedy=remedy)
    return _wrong(problem)
