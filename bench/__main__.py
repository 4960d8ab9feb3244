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
from bench.measure import Cost, FailedError, cost
from bench.page import Row, written

ROOT = Path(__file__).parents[1]
PEERS_UP_TO = 100_000
OURS = [sys.executable, "-m", "reconciler"]


def main() -> None:
    """Measure every size, print what was found, and with --write make the page."""
    options = _options()
    there, missing = peers.install() if options.peers else ([], [])
    rows: list[Row] = []
    for clinics in options.sizes:
        for odd in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                sized = made(Path(folder), clinics, odd=odd)
                for row in _measured(sized, there if clinics <= PEERS_UP_TO and not odd else [], options.times):
                    print(row, flush=True)
                    rows.append(row)
    if options.write:
        (ROOT / "docs" / "performance.md").write_text(written(rows, missing), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="runs of each; the best counts")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="ours and the floors alone")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def _measured(sized: Sized, there: list[peers.Peer], times: int) -> Iterator[Row]:
    """Measure floors, ours and peers in turn."""
    if sized.odd:
        yield _row(sized, "validate", "reconciler", cost([*OURS, "validate"], sized.folder, times=times))
        return
    for name in FLOORS:
        yield _row(sized, "floor", name, _floor(name, sized, times))
    yield from _ours(sized, times)
    for peer in there:
        try:
            found = cost(peer.command(sized), sized.folder, times=times)
        except FailedError as failed:
            print(failed, file=sys.stderr)
            continue
        yield _row(sized, peer.task, f"{peer.name} {peer.version}", found)


def _ours(sized: Sized, times: int) -> Iterator[Row]:
    folder = sized.folder
    yield _row(sized, "validate", "reconciler", cost([*OURS, "validate"], folder, times=times))
    yield _row(sized, "validate --live", "reconciler", cost([*OURS, "validate", "--live"], folder, times=times))
    database, kept = folder / "reconciler.db", folder / "empty.db"
    cost([*OURS, "db", "init"], folder, times=1)
    shutil.copy(database, kept)
    applied = cost([*OURS, "apply"], folder, times=times, before=lambda: _copied(kept, database))
    yield _row(sized, "apply", "reconciler", applied)
    yield _row(sized, "plan", "reconciler", cost([*OURS, "plan", "--detailed-exitcode"], folder, times=times))


def _copied(kept: Path, database: Path) -> None:
    shutil.copy(kept, database)


def _floor(name: str, sized: Sized, times: int) -> Cost:
    command = [sys.executable, ROOT / "bench" / "floors.py", name]
    return cost(command, sized.folder, times=times, before=lambda: (sized.folder / "floor.db").unlink(missing_ok=True))


def _row(sized: Sized, task: str, who: str, found: Cost) -> Row:
    return Row(sized.clinics, sized.odd, task, who, found)


if __name__ == "__main__":
    main()
