"""Connections: how a database is opened, locked and kept from being written to.

SQLite has one lock for all of it, taken when a writer begins. PostgreSQL lets writers go on side by side, each as if it
were alone; where they were not, it undoes one of them, and that one is done anew.

This, `many` and `answers` are the only places that know one database from another. It must not know a table.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from random import uniform
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from reconciler.findings import Exit, Failure
from reconciler.model import Settings
from reconciler.names import Names
from reconciler.store.answers import answering, somebody_was_faster
from reconciler.store.many import copied
from reconciler.words import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds to wait for somebody else's lock, where nothing else is said."""

_TIMES = 12
"""How many times that long to begin anew, where it is not a lock that is waited for."""


class TooNarrow(Exception):
    """The transaction is about to touch what it has not locked."""


def reading(settings: Settings) -> Engine:
    """Return what opens the database of the *settings* for those that only read."""
    return engine(settings.database, writes=False, names=settings.service)


def writing(settings: Settings) -> Engine:
    """Return what opens the database of the *settings* for who applies."""
    patience = settings.lock_timeout.total_seconds()
    return engine(settings.database, writes=True, patience=patience, names=settings.service)


def engine(
    url: str, *, writes: bool, makes: bool = False, patience: float = PATIENCE, names: Names | None = None
) -> Engine:
    """Return what opens connections to *url*; nothing is opened yet. *patience* is for locks, in seconds.

    *names* are those of the service's tables.

    Without *writes* the database refuses every write. Without *makes* a SQLite file that is not there is a failure.
    """
    parsed = _parsed(url)
    if not makes and not _is_there(parsed):
        raise Failure(
            "database",
            "schema",
            problem=_("there is no database {url}").format(url=shown(parsed)),
            remedy=_("look at the setting database, or make one: reconciler db init"),
            exit=Exit.SETTINGS,
        )
    if parsed.get_backend_name() == "sqlite":
        parsed = _located(parsed, "rwc" if makes else "rw")
    elif parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return _opener(parsed, patience, names or Names(), writes=writes)


def exists(url: str) -> bool:
    """Whether there is a database to ask: a SQLite file that is there and not empty, or a server. Makes nothing."""
    return _is_there(_parsed(url))


def locks_all(opener: Engine) -> bool:
    """Whether a lock is on the whole database: who cannot have one region can have none."""
    return opener.dialect.name == "sqlite"


def shown(url: URL | str) -> str:
    """Return the url as a person would write it here: without its password, a file by its path from this folder."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path, here = Path(unquote(parsed.database.removeprefix("file:"))), Path.cwd()
        path = path.relative_to(here) if path.is_relative_to(here) else path
        return f"{parsed.drivername}:///{path}"
    return parsed.render_as_string(hide_password=True)


@contextmanager
def connected(opener: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any exception; what the database refuses is a `Failure`."""
    with answering(shown(opener.url)), opener.begin() as connection:
        yield connection


def transacted(opener: Engine, work: Callable[[Connection], T]) -> T:
    """Do *work* in one transaction, and all of it anew where somebody else was faster, for some time its patience.

    So *work* must decide on what it reads from its connection, and change nothing else. Whenever it is undone somebody
    else has got on, so many machines that share an apply come to an end, though one of them may be last for long.
    """
    until, pause = monotonic() + _TIMES * opener.get_execution_options()["patience"], 0.005
    while True:
        try:
            with answering(shown(opener.url)), opener.begin() as connection:
                return work(connection)
        except TooNarrow:
            continue
        except Failure as failure:
            if not somebody_was_faster(failure) or monotonic() > until:
                raise
        sleep(uniform(pause / 2, pause))  # noqa: S311  (chance, so that the same two do not meet again)
        pause = min(0.5, pause * 2)


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Failure(  # the text is not shown: it may hold a password
            "database",
            "url",
            problem=_("the setting database is not the address of a database"),
            remedy=_("write for example sqlite:///reconciler.db or postgresql+psycopg://user@host/database"),
            exit=Exit.SETTINGS,
        ) from error


@lru_cache(maxsize=8)
def _opener(url: URL, patience: float, names: Names, *, writes: bool) -> Engine:
    """Return what opens connections, the same for the same: each keeps the texts of the statements that it has sent."""
    known = {"patience": patience, "names": names}
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, known, writes=writes)
    return _postgresql(url, known, writes=writes)


def _created(url: URL, options: dict[str, Any], called: dict[str, Any]) -> Engine:
    """Return the engine: without a pool, which a fork would share."""
    try:
        return create_engine(url, poolclass=NullPool, execution_options=options, connect_args=called)
    except (ArgumentError, ImportError) as error:
        raise Failure(
            "database",
            "url",
            problem=_("there is no driver for the database {url}: {reason}").format(url=shown(url), reason=error),
            remedy=_("install the driver of PostgreSQL: pip install 'klagomal-reconciler[postgres]'"),
            exit=Exit.SETTINGS,
        ) from error


# ---- SQLite


def _is_there(url: URL) -> bool:
    if url.get_backend_name() != "sqlite":
        return True
    path = Path(url.database or "none")
    return path.is_dir() or (path.is_file() and path.stat().st_size > 0)


def _located(url: URL, mode: str) -> URL:
    """Return the address of a file wherever one stands, and whether it may be made."""
    path = quote(str(Path(url.database or "").absolute()))
    return url.set(database=f"file:{path}", query={"mode": mode, "uri": "true"})


def _sqlite(url: URL, known: dict[str, Any], *, writes: bool) -> Engine:
    """Open the file; transactions begin when we say so, not when pysqlite does."""
    opener = _created(url, known, {"isolation_level": None, "timeout": known["patience"]})

    @event.listens_for(opener, "connect")
    def prepare(raw: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = raw.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(opener, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return opener


# ---- PostgreSQL


def _postgresql(url: URL, known: dict[str, Any], *, writes: bool) -> Engine:
    """Readers see one moment, and cannot write; writers are as if alone, and wait no longer than *patience*."""
    # What psycopg says of an error that is raised, and handled here, is for nobody: without this it goes to stderr.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    isolation = "SERIALIZABLE" if writes else "REPEATABLE READ"
    options = {**known, "isolation_level": isolation, "postgresql_readonly": not writes}
    called = {"client_encoding": "utf8", "fallback_application_name": "reconciler", "connect_timeout": 10}
    opener = _created(url, options, called)
    for moment in ("do_execute", "do_executemany"):
        event.listen(opener, moment, copied)

    @event.listens_for(opener, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(known['patience'] * 1000))}")

    return opener
