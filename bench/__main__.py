"""`make bench`: ours, its peers and the floors on the same clinics, and the page `docs/performance.md` of it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import peers
from bench.clinics import Sized, made
from bench.floors import FLOORS
from bench.measure import Program, cost, in_turn, told
from bench.page import OURSELVES, Row, written

ROOT = Path(__file__).parents[1]
PEERS_UP_TO = 100_000
OURS = [sys.executable, "-m", "reconciler"]


def main() -> None:
    """Measure every size, print what was found, and with --write make the page."""
    options = _options()
    there, missing = peers.install() if options.peers else ([], [])
    rows: list[Row] = []
    stations: dict[int, str] = {}
    for clinics in options.sizes:
        for odd in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                sized = made(Path(folder), clinics, odd=odd)
                for row in _measured(sized, there if clinics <= PEERS_UP_TO and not odd else [], options.times):
                    print(row, flush=True)
                    rows.append(row)
                if not odd:
                    stations[clinics] = told([*on_full(sized.folder), "plan", "--timings"], sized.folder)
        if options.write:  # after each size, so that a run that is cut off has not been in vain
            (ROOT / "docs" / "performance.md").write_text(written(rows, missing, stations), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="runs of each; the best counts")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="ours and the floors alone")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def _measured(sized: Sized, there: list[peers.Peer], times: int) -> Iterator[Row]:
    """Measure floors, ours and peers in turn."""
    programs = [*_files_alone()] if sized.odd else [*_floors(sized.folder), *_ours(sized.folder)]
    programs += [Program(peer.task, f"{peer.name} {peer.version}", peer.command(sized)) for peer in there]
    for program, found in in_turn(programs, sized.folder, times):
        yield Row(sized.clinics, sized.odd, program.task, program.who, found)


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
    yield Program("start", "reconciler --version", [*OURS, "--version"])
    yield Program("start", "reconciler --help", [*OURS, "--help"])
    yield from _files_alone()
    yield Program("validate --live", OURSELVES, [*OURS, "validate", "--live"])
    yield Program("apply", OURSELVES, [*OURS, "apply"], lambda: _copied(empty, database))
    yield Program("plan", OURSELVES, [*on_full(folder), "plan", "--detailed-exitcode"])
    yield Program("status", OURSELVES, [*on_full(folder), "status"])


def on_full(folder: Path) -> list[str]:
    """Return ours, on the database that everything was applied to."""
    return [*OURS, "--database", f"sqlite:///{folder / 'full.db'}"]


def _copied(kept: Path, database: Path) -> None:
    shutil.copy(kept, database)


def _floors(folder: Path) -> Iterator[Program]:
    for name in FLOORS:
        command = [sys.executable, ROOT / "bench" / "floors.py", name]
        yield Program("floor", name, command, lambda: (folder / "floor.db").unlink(missing_ok=True))


if __name__ == "__main__":
    main()
