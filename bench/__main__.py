"""`make bench`: ours, its peers and the floors on the same clinics, and the page `docs/performance.md` of it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import peers
from bench.clinics import Sized, made
from bench.floors import FLOORS
from bench.measure import Program, cost, in_turn, said, told
from bench.page import OURSELVES, Measured, Row, Writing, written
from bench.server import Anew, started

ROOT = Path(__file__).parents[1]
PEERS_UP_TO = SERVER_UP_TO = WRITING_AT = 100_000
OURS = [sys.executable, "-m", "reconciler"]


def main() -> None:
    """Measure every size, print what was found, and with --write make the page."""
    options = _options()
    there, missing = peers.install() if options.peers else ([], [])
    found = Measured([], missing, {}, [])
    with started() as postgresql:
        for clinics in options.sizes:
            for odd in (False, True):
                with tempfile.TemporaryDirectory() as folder:
                    _measure(made(Path(folder), clinics, odd=odd), there, postgresql, options.times, found)
            if options.write:  # after each size, so that a run that is cut off has not been in vain
                (ROOT / "docs" / "performance.md").write_text(written(found), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="turns; the best run counts")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="ours and the floors alone")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def _measure(sized: Sized, there: list[peers.Peer], postgresql: Anew | None, times: int, found: Measured) -> None:
    """Measure floors, ours and peers in turn; of odd lines, ours alone."""
    if sized.odd:
        programs = [*_files_alone()]
    else:
        programs = [*_floors(sized.folder), *_ours(sized.folder)]
        if postgresql and sized.clinics <= SERVER_UP_TO:
            programs += _on_a_server(sized.folder, postgresql)
        if sized.clinics <= PEERS_UP_TO:
            programs += [Program(peer.task, f"{peer.name} {peer.version}", peer.command(sized)) for peer in there]
    for program, what in in_turn(programs, sized.folder, times):
        found.rows.append(Row(sized.clinics, sized.odd, program.task, program.who, what))
        print(found.rows[-1], flush=True)
    if not sized.odd:
        found.stations[sized.clinics] = _stations(sized.folder)
        if sized.clinics == WRITING_AT:
            found.writing.extend(_writing(sized.folder, postgresql, times))


def _stations(folder: Path) -> dict[str, str]:
    """Return where the time goes of a plan with nothing to do, and of an apply of everything."""
    _copied(folder / "empty.db", folder / "reconciler.db")
    commands = {"plan": [*on_full(folder), "plan"], "apply": [*OURS, "apply"]}
    return {name: told([*command, "--timings"], folder) for name, command in commands.items()}


def _writing(folder: Path, postgresql: Anew | None, times: int) -> Iterator[Writing]:
    """Measure the writing of rows alone, ours beside the driver's own way: the best of each."""
    for database in ("SQLite", *(["PostgreSQL"] if postgresql else [])):
        runs = []
        for _turn in range(times):
            for name in ("ours", "raw"):
                (folder / f"{name}.db").unlink(missing_ok=True)
            urls = [
                postgresql(name) if postgresql and database == "PostgreSQL" else f"sqlite:///{name}.db"
                for name in ("ours", "raw")
            ]
            runs.append(json.loads(said([sys.executable, ROOT / "bench" / "writing.py", *urls], folder)))
        yield Writing(database, min(run["ours"] for run in runs), min(run["raw"] for run in runs))
        print(f"{WRITING_AT:>9,}  writing alone    {database:<26} {runs}", flush=True)


def _files_alone() -> Iterator[Program]:
    yield Program("validate", OURSELVES, [*OURS, "validate"])


def _ours(folder: Path) -> Iterator[Program]:
    """What ours does: at the start, with the files, with the register, on an empty database, and on one that fits."""
    empty, database = folder / "empty.db", folder / "reconciler.db"
    cost([*OURS, "db", "init"], folder)
    shutil.copy(database, empty)
    cost([*OURS, "apply"], folder)
    shutil.move(database, folder / "full.db")
    yield Program("start", "python", [sys.executable, "-c", "pass"])
    yield Program("start", "sqlalchemy alone", [sys.executable, "-c", "import sqlalchemy.dialects.sqlite"])
    yield Program("start", "reconciler --version", [*OURS, "--version"])
    yield Program("start", "reconciler --help", [*OURS, "--help"])
    yield from _files_alone()
    yield Program("validate --live", OURSELVES, [*OURS, "validate", "--live"])
    yield Program("apply", OURSELVES, [*OURS, "apply"], lambda: _copied(empty, database))
    yield Program("plan", OURSELVES, [*on_full(folder), "plan", "--detailed-exitcode"])
    yield Program("status", OURSELVES, [*on_full(folder), "status"])


def _on_a_server(folder: Path, postgresql: Anew) -> Iterator[Program]:
    """Ours on PostgreSQL: all of it on empty tables, and nothing to do on full ones."""
    full, empty = (_on(postgresql(name)) for name in ("full", "empty"))
    made_ready = ["db", "init", "--with-service-tables"]
    cost([*full, *made_ready], folder)
    cost([*full, "apply"], folder)

    def emptied() -> None:
        postgresql("empty")
        cost([*empty, *made_ready], folder)

    yield Program("apply, PostgreSQL", OURSELVES, [*empty, "apply"], emptied)
    yield Program("plan, PostgreSQL", OURSELVES, [*full, "plan", "--detailed-exitcode"])


def _on(url: str) -> list[str]:
    return [*OURS, "--database", url]


def on_full(folder: Path) -> list[str]:
    """Return ours, on the database that everything was applied to."""
    return _on(f"sqlite:///{folder / 'full.db'}")


def _copied(kept: Path, database: Path) -> None:
    shutil.copy(kept, database)


def _gone(path: Path) -> None:
    path.unlink(missing_ok=True)


_FLOOR_OF = {"reading bytes": "validate", "libyaml events": "plan", "raw executemany, SQLite": "apply"}


def _floors(folder: Path) -> Iterator[Program]:
    for name in FLOORS:
        command = [sys.executable, ROOT / "bench" / "floors.py", name]
        yield Program("floor", name, command, partial(_gone, folder / "floor.db"), beside=_FLOOR_OF[name])


if __name__ == "__main__":
    main()
