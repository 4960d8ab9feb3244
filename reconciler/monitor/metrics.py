"""What a run leaves behind as numbers, in a file for the textfile collector of Prometheus' node exporter.

The file is the memory as well: what a run cannot know (when a region was settled last, if not by this run) stays as it
was written before. It is written beside and renamed, so that whoever reads it sees all of it or the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reconciler import __version__
from reconciler.findings import Exit, Severity
from reconciler.model import BoardRow, RegionCode
from reconciler.results import Applied, Verdict

SUCCESS = (Exit.DONE, Exit.LEFT_OUT)
"""A run that left something out did all the rest: what it left out is told by its regions."""

_PASSING = (Exit.LOCKED, Exit.INTERRUPTED, Exit.TERMINATED)
"""A run that somebody else stood in the way of says nothing of how things are: what is counted is counted on."""

_TICKETS = (Exit.LEFT_OUT, Exit.REFUSED)

_SETTLED = (Verdict.APPLIED, Verdict.UNCHANGED)


class Ended(NamedTuple):
    """How a run ended, and when; `applied` is None where it did not come so far as to look at regions."""

    now: datetime
    seconds: float
    exit: Exit
    applied: Applied | None = None


class Number(NamedTuple):
    """One metric: its name, what it says, and its values, one for each value of its label; without one, for ""."""

    name: str
    says: str
    values: Mapping[str, float]
    label: str = ""


def write(path: Path, ended: Ended, kept: Collection[RegionCode]) -> None:
    """Write what is known after a run; of the regions only those that are *kept*. Any exception leaves the file."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    for number in _numbers(ended, _before(path), kept):
        gauge = Gauge(number.name, number.says, [number.label] if number.label else [], registry=registry)
        for label, value in sorted(number.values.items()):
            (gauge.labels(label) if number.label else gauge).set(value)
    write_to_textfile(str(path), registry)


Before = Mapping[tuple[str, str], float]


def _before(path: Path) -> Before:
    """Return what the file says now, by metric and region; nothing where it cannot be read."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, sample.labels.get("region", "")): sample.value for sample in samples}


def _numbers(ended: Ended, before: Before, kept: Collection[RegionCode]) -> Iterator[Number]:
    succeeded = "reconciler_last_success_timestamp_seconds"
    now = ended.now.timestamp()
    yield Number("reconciler_build_info", "The version that ran.", {__version__: 1}, "version")
    yield _one("reconciler_last_run_timestamp_seconds", "When the last run ended.", now)
    yield _one("reconciler_last_run_duration_seconds", "How long the last run took.", ended.seconds)
    yield _one("reconciler_last_run_exit_code", "What the last run ended with.", int(ended.exit))
    yield _unanswered(ended.exit, before)
    yield _ticket(ended.exit, before)
    success = now if ended.exit in SUCCESS else before.get((succeeded, ""))
    if success is not None:
        yield _one(succeeded, "When a run ended with 0 or 3 last.", success)
    if ended.applied is not None:
        yield from _of_the_run(ended.applied)
    for number in _of_regions(ended):
        known = {code: before[number.name, code] for code in kept if (number.name, code) in before}
        known.update((code, value) for code, value in number.values.items() if code in kept)
        yield number._replace(values=known)


def _unanswered(code: Exit, before: Before) -> Number:
    name = "reconciler_unanswered_runs"
    so_far = int(before.get((name, ""), 0))
    runs = so_far + 1 if code is Exit.UNANSWERED else so_far if code in _PASSING else 0
    return _one(name, "How many runs in a row ended with 69: a source or the database away.", runs)


def _ticket(code: Exit, before: Before) -> Number:
    """Return what keeps one alert going, whatever happens between two runs that leave the same thing out."""
    name = "reconciler_ticket_exit_code"
    kept = 0 if code is Exit.DONE else before.get((name, ""), 0)
    return _one(name, "3 or 4 from the run that ended so, until a run ends with 0.", code if code in _TICKETS else kept)


def _one(name: str, says: str, value: float) -> Number:
    return Number(name, says, {"": value})


def _of_the_run(applied: Applied) -> Iterator[Number]:
    planned = applied.planned
    severities = dict.fromkeys((one.value for one in Severity), 0)
    for finding in planned.findings:
        severities[finding.severity.value] += 1
    yield _one("reconciler_last_run_changes", "How many changes the last run made.", applied.applied)
    yield Number("reconciler_last_run_findings", "How many findings the last run told.", severities, "severity")
    if planned.register:
        made = planned.register.generated_at.timestamp()
        yield _one("reconciler_register_generated_timestamp_seconds", "When the register said what it said.", made)


def _of_regions(ended: Ended) -> Iterator[Number]:
    applied = ended.applied
    verdicts = {one.code: one.verdict in _SETTLED for one in applied.planned.regions} if applied else {}
    settled = {code: ended.now.timestamp() for code, is_settled in verdicts.items() if is_settled}
    yield _region("last_success_timestamp_seconds", "When the region was settled last.", settled)
    yield _region("settled", "Whether the last run settled the region.", verdicts)
    active = _active(applied) if applied else {}
    yield _region("active", "Whether the region has a board: with one, residents can send.", active)
    missing = _missing(applied) if applied else {}
    yield _region("board_missing", "Whether the last run found the board gone that this tool had set.", missing)


def _region(name: str, says: str, values: Mapping[RegionCode, float]) -> Number:
    return Number(f"reconciler_region_{name}", says, values, "region")


def _active(applied: Applied) -> dict[RegionCode, bool]:
    """Return which regions had a board when the run ended: what it observed, and what it changed."""
    world = applied.planned.world
    if world is None:
        return {}
    active = {one.code: one.code in world.observed.boards for one in applied.planned.regions}
    for change in applied.done:
        if isinstance(change.after or change.before, BoardRow):
            active[change.region] = change.after is not None
    return active


def residents_shut_out(applied: Applied) -> bool:
    """Return whether a region is without the board that this tool had set, and still was when the run ended."""
    active = _active(applied)
    return any(gone and not active.get(code) for code, gone in _missing(applied).items())


def _missing(applied: Applied) -> dict[RegionCode, bool]:
    world = applied.planned.world
    if world is None:
        return {}
    observed, files = world.observed, world.declared.regions
    wanted = {one.code: one.code not in files or bool(files[one.code].board) for one in applied.planned.regions}
    return {
        code: is_wanted and code in observed.managed_boards and code not in observed.boards
        for code, is_wanted in wanted.items()
    }
