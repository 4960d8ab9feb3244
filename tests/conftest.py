"""What the tests share: every one begins in English and outside of any job, those of the database run on both.

`url` is a database with all tables, `nothing` one without any; each test has one of its own. `server` is the PostgreSQL
server, for what only it has.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import postgres
import pytest

from reconciler import store
from reconciler.cli import logs
from reconciler.words import speak

# How long an example takes says how busy the machine is. What must be fast is measured in CPU, in tests of its own.
hypothesis.settings.register_profile("reconciler", deadline=None)
hypothesis.settings.load_profile("reconciler")

DATABASES = ("sqlite", "postgresql")
_NUMBERS = count(1)

for name in ("LC_ALL", "LC_MESSAGES", "RECONCILER_LANG", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
    os.environ.pop(name, None)
os.environ["LANG"] = "C.UTF-8"
# A program that is started runs as an installed one does, from bytecode: without, a start costs three times as much.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_finish() -> None:
    """Have no collection of garbage look again at what stays to the end: all that was imported and all tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    os.environ["LANGUAGE"] = "en"
    speak("en")
    yield
    speak("en")
    logs.start(None, None)


@pytest.fixture(autouse=True)
def _unlogged() -> Iterator[None]:
    """What `--log-level` has started ends with the test."""
    yield
    log = logging.getLogger("reconciler")
    log.handlers.clear()
    log.propagate = True
    log.setLevel(logging.NOTSET)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is played at length, or in many processes, comes to no line that the rest does not: do not count its lines.

    To count them costs as much again, and a fifth of a second for each process.
    """
    counting = sys.gettrace()
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    sys.settrace(None)
    yield
    sys.settrace(counting)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    running = postgres.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    made = tmp_path_factory.mktemp("made") / "reconciler.db"
    store.init(f"sqlite:///{made}")
    return made.read_bytes()


@pytest.fixture(scope="session")
def made_schema(server: postgres.Server) -> str:
    """What makes, in a schema called `made`, what is made once here; to replay it costs a fifth of making it anew."""
    store.init(server.make_schema("made"), trial=True)
    dump = server.run("pg_dump", "--schema=made", "--no-owner", "--inserts", "postgres").decode()
    return "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))  # what only psql understands


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(database: str, nothing: str, request: pytest.FixtureRequest) -> str:
    """The address of a database with all tables and the 21 regions."""
    if database == "sqlite":
        Path(nothing.removeprefix("sqlite:///")).write_bytes(request.getfixturevalue("made_file"))
    else:
        server: postgres.Server = request.getfixturevalue("server")
        server.fill_schema(nothing.rpartition("%3D")[2], request.getfixturevalue("made_schema"))
    return nothing


@pytest.fixture
def nothing(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables; on SQLite, of a file that is not there."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path}/reconciler.db"
    else:
        server: postgres.Server = request.getfixturevalue("server")
        name = f"test_{next(_NUMBERS)}"
        yield server.make_schema(name)
        server.drop_schema(name)
