"""Whole runs of apply, on SQLite and PostgreSQL: failed, killed, cut off and run side by side, they leave no harm.

`make soak` tries every statement, 500 kills at random and 50 rounds of eight at once; otherwise a part of it is tried.
"""

import contextlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from little_country import NOW, Country, board, clinic, rules, steps, verdicts
from made_store import observed, problems, sql, writer
from sqlalchemy import Engine, delete, event, insert, select, text
from sqlalchemy.exc import OperationalError

from reconciler import pipeline, store
from reconciler.digests import state_digest
from reconciler.findings import Exit, Failure
from reconciler.model import Settings, State
from reconciler.names import Names
from reconciler.results import Applied
from reconciler.store.tables import metadata, service_tables

SOAK = bool(os.environ.get("RECONCILER_SOAK"))
STEP = 1 if SOAK else 9
KILLS = 500 if SOAK else 8
ROUNDS = 50 if SOAK else 2

TABLES = (*service_tables(Names()), *metadata.sorted_tables)

Rows = dict[str, list[dict[str, Any]]]


def everyday(country: Country) -> None:
    """What needs nobody's word: a clinic is withdrawn, moves, is renamed; clinics and a board are new."""
    country.clinics["12"].remove(clinic(1))
    country.register[clinic(3)] = ("Mottagning 0003", "active", "13")
    country.register[clinic(4)] = ("Nytt namn", "active", "13")
    country.boards["13"] = board("13")
    country.declare("14", 9, 10)


def approved(country: Country) -> None:
    """What needs approvals: many are withdrawn and a region is shut; another board; a row changed by hand."""
    for number in (1, 2, 3):
        country.clinics["12"].remove(clinic(number))
    country.approve("withdraws-too-many", "12", at_most=3)
    country.boards |= {"12": board("12", "X-2", "En annan nämnd"), "14": None}
    country.approve("deactivates-region", "14")
    with store.connected(writer(country.url)) as connection:
        connection.execute(text("UPDATE complaints_clinic SET name = 'by hand' WHERE hsa_id LIKE '%0004'"))


class Land:
    """A country whose database is at an address: applied once, and then changed."""

    def __init__(self, folder: Path, url: str, change: Callable[[Country], None] = everyday) -> None:
        self.url, self.country = url, Country(folder)
        self.country.url = url
        self.country.boards |= {"12": board("12"), "14": board("14")}
        for code, numbers in (("12", (1, 2, 3, *range(21, 29))), ("13", (4, 5)), ("14", (6, 7, 8))):
            self.country.declare(code, *numbers)
        assert self.apply().exit is Exit.DONE
        change(self.country)
        self.before = observed(url)
        self.rows = rows(url)
        changes = pipeline.plan(self.settings(), NOW).changes
        parts = [[one for one in changes if one.region <= last] for last in ("", "12", "13", "14")]
        stages = [store.predicted(self.before, part) for part in parts]
        self.states = [state_digest(stage.clinics, stage.boards) for stage in stages]

    def settings(self, **more: Any) -> Settings:
        return self.country.settings._replace(database=self.url, **more)

    def apply(self, **more: Any) -> Applied:
        return pipeline.apply(self.settings(**more), NOW, "somebody")

    @property
    def left(self) -> list[str]:
        return steps(pipeline.plan(self.settings(), NOW))

    def as_before(self) -> None:
        as_before(self.url, self.rows)


def rows(url: str) -> Rows:
    with store.connected(store.engine(url, writes=False)) as connection:
        return {table.name: [dict(row._mapping) for row in connection.execute(select(table))] for table in TABLES}


def as_before(url: str, held: Rows) -> None:
    """Put every row of every table back."""
    with store.connected(writer(url)) as connection:
        for table in reversed(TABLES):
            connection.execute(delete(table))
        for table in TABLES:
            if held[table.name]:
                connection.execute(insert(table), held[table.name])


CHANGES = {
    "12": ["12 withdraw 0001"],
    "13": ["13 move 0003", "13 rename 0004", "13 set-board PN13"],
    "14": ["14 enrol 0009", "14 enrol 0010"],
}


@pytest.fixture
def land(url: str, tmp_path: Path) -> Land:
    (tmp_path / "land").mkdir()
    return Land(tmp_path / "land", url)


@contextlib.contextmanager
def at_statement(number: int, moment: str, act: Callable[[], None]) -> Iterator[list[str]]:
    """Do something at the *number*-th statement or commit of whatever connects."""
    seen: list[str] = []

    def step(*arguments: Any) -> None:
        seen.append(arguments[2] if len(arguments) > 2 else "COMMIT")
        if len(seen) == number:
            act()

    event.listen(Engine, moment, step)
    try:
        yield seen
    finally:
        event.remove(Engine, moment, step)


def each_region_is_before_or_after(land: Land) -> None:
    now = observed(land.url)
    assert state_digest(now.clinics, now.boards) in land.states
    assert problems(land.url) == []


# ---- the nth statement fails


def fail() -> None:
    raise OperationalError("the statement", {}, sqlite3.OperationalError("disk I/O error"))


def failed_at(land: Land, number: int) -> Applied | Failure:
    with at_statement(number, "before_cursor_execute", fail):
        try:
            return land.apply()
        except Failure as failure:
            return failure


@pytest.mark.parametrize("change", [everyday, approved])
def test_whichever_statement_fails_it_is_said_once_and_undone(
    url: str, tmp_path: Path, change: Callable[[Country], None]
) -> None:
    (tmp_path / "land").mkdir()
    land = Land(tmp_path / "land", url, change)
    due = {code: [step for step in land.left if step.startswith(code)] for code in CHANGES}
    with at_statement(0, "before_cursor_execute", fail) as seen:
        assert land.apply().exit is Exit.DONE
    last = len(seen)
    assert last > 60
    for number in range(1, last + 1, STEP):
        land.as_before()
        result = failed_at(land, number)
        if isinstance(result, Failure):
            assert result.exit is Exit.UNANSWERED
            assert observed(land.url) == land.before
            continue
        told = [failure.problem for failure in result.planned.failures]
        assert result.exit is Exit.UNANSWERED
        assert len(told) == 1
        assert "disk I/O error" in told[0]
        each_region_is_before_or_after(land)
        done = [code for code, verdict in verdicts(result).items() if verdict == "applied"]
        assert result.applied == sum(len(due[code]) for code in done)
        assert {code for (code,) in sql(land.url, "SELECT region FROM approval_used")} <= set(done)
        assert land.left == [step for code in due if code not in done for step in due[code]]


# ---- kill -9


def killed(land: Land, at: Callable[[], contextlib.AbstractContextManager[object]], wait: float | None = None) -> bool:
    """Apply in a process of its own, which is killed; say whether it was."""
    child = os.fork()
    if child == 0:
        with at():
            code = land.apply().exit
        os._exit(code)
    if wait is not None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def kill_me() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def heals(land: Land, after: State) -> None:
    """What a kill left is whole, its lock is gone within a second, and the next run does the rest."""
    each_region_is_before_or_after(land)
    result = land.apply(lock_timeout=land.settings().lock_timeout / 10)
    assert (result.exit, land.left) == (Exit.DONE, [])
    assert observed(land.url) == after
    assert problems(land.url) == []
    assert sql(land.url, "SELECT count(*) FROM change WHERE run > 1") == [(6,)]


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "commit"])
@pytest.mark.usefixtures("unmeasured")
def test_killed_at_any_statement_the_next_run_does_the_rest(land: Land, moment: str) -> None:
    with at_statement(0, moment, kill_me) as seen:
        assert land.apply().exit is Exit.DONE
    after = observed(land.url)
    begun = next(place for place, said in enumerate(seen) if moment == "commit" or "INSERT INTO run" in said)
    for number in range(1, len(seen) + 1, 1 if moment == "commit" else STEP):
        land.as_before()
        assert killed(land, lambda at=number: at_statement(at, moment, kill_me))
        if moment != "commit" and begun + 2 < number < len(seen):
            assert sql(land.url, "SELECT status, finished FROM run WHERE id > 1") == [("started", None)]
        heals(land, after)


@pytest.mark.usefixtures("unmeasured")
def test_killed_at_random_the_next_run_does_the_rest(land: Land) -> None:
    began = time.monotonic()
    land.apply()
    takes, after = time.monotonic() - began, observed(land.url)
    chance = random.Random(5)
    for _kill in range(KILLS):
        land.as_before()
        killed(land, contextlib.nullcontext, wait=chance.uniform(0, takes))
        heals(land, after)


# ---- eight at once


@pytest.mark.usefixtures("unmeasured")
def test_eight_at_once_do_everything_exactly_once(land: Land) -> None:
    for _round in range(ROUNDS):
        land.as_before()
        children = [
            os.fork() or os._exit(land.apply(lock_timeout=land.settings().lock_timeout * 6).exit) for _ in range(8)
        ]
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 8
        assert land.left == []
        assert problems(land.url) == []
        done = sql(land.url, "SELECT region, action, subject FROM change WHERE run > 1 ORDER BY region, sequence")
        assert [f"{code} {action} {str(subject)[-4:]}" for code, action, subject in done] == [
            step for steps in CHANGES.values() for step in steps
        ]
        assert sql(land.url, "SELECT count(*) FROM run WHERE status = 'done'") == [(9,)]


# ---- locks, holds and signals


def test_a_region_that_somebody_holds_is_not_attempted(land: Land, database: str) -> None:
    hasty = {"lock_timeout": land.settings().lock_timeout / 100}
    with store.connected(writer(land.url)) as other:
        other.execute(text("UPDATE complaints_region SET updated_at = 'x' WHERE region_code = '13'"))
        if database == "sqlite":
            with pytest.raises(Failure, match="locked") as failure:
                land.apply(**hasty)
            assert failure.value.exit is Exit.LOCKED
            return
        result = land.apply(**hasty)
    assert verdicts(result) == {"12": "applied", "13": "not-attempted", "14": "applied"}
    assert (result.exit, result.applied) == (Exit.LOCKED, 3)
    assert [failure.problem for failure in result.planned.failures] == ["region 13 is locked by somebody else"]
    assert land.left == CHANGES["13"]


def test_where_one_lock_holds_all_the_rest_is_not_attempted(land: Land, database: str) -> None:
    """The lock is taken by another just before the first region."""
    held: list[Any] = []

    def hold() -> None:
        other = writer(land.url).connect()
        held.append((other, other.begin()))
        other.execute(text("UPDATE complaints_region SET updated_at = 'x' WHERE region_code = '12'"))

    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [part.close() for pair in held for part in reversed(pair)])
        really = store.keep_incoming
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(store, "keep_incoming", lambda *all_: (really(*all_), hold()))
        result = land.apply(lock_timeout=land.settings().lock_timeout / 100)
    waits = "not-attempted"
    others = {"12": waits, "13": waits, "14": waits if database == "sqlite" else "applied"}
    assert verdicts(result) == others
    assert result.exit is Exit.LOCKED


def test_a_region_on_hold_is_planned_and_not_applied(land: Land) -> None:
    result = land.apply(hold=("13",))
    assert verdicts(result) == {"12": "applied", "13": "not-attempted", "14": "applied"}
    assert rules(result) >= {"region-held", "move-waits"}
    assert land.left == CHANGES["13"]
    planned = pipeline.plan(land.settings(hold=("13",)), NOW)
    assert verdicts(planned) == {"12": "unchanged", "13": "apply", "14": "unchanged"}
    assert planned.regions[1].because == ("move-waits", "region-held")
    assert land.apply(hold=("14",)).exit is Exit.DONE


@pytest.mark.parametrize("cut", [KeyboardInterrupt("SIGTERM"), KeyboardInterrupt(), None])
def test_who_is_cut_off_while_it_commits_tells_what_was_committed(
    land: Land, monkeypatch: pytest.MonkeyPatch, cut: BaseException | None
) -> None:
    gone = Failure("database", "unanswered", problem="the database is gone", remedy="see that it is up")
    really = store.settle_region

    def settle_region(engine: Engine, run: int, code: str, *rest: Any, **more: Any) -> store.Done:
        done = really(engine, run, code, *rest, **more)
        if code == "13":
            raise cut or gone
        return done

    monkeypatch.setattr(store, "settle_region", settle_region)
    result = land.apply()
    assert verdicts(result) == {"12": "applied", "13": "applied", "14": "not-attempted"}
    assert result.applied == 4
    codes = {"('SIGTERM',)": Exit.TERMINATED, "()": Exit.INTERRUPTED}
    assert result.exit is codes.get(str(cut.args) if cut else "", Exit.UNANSWERED)
    monkeypatch.undo()
    assert land.left == CHANGES["14"]


def test_where_the_log_cannot_be_asked_nothing_is_claimed(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Failure("database", "unanswered", problem="the database is gone", remedy="see that it is up")

    def away(*_all: Any, **_more: Any) -> Any:
        raise gone

    monkeypatch.setattr(store, "settle_region", away)
    monkeypatch.setattr(store, "logged", away)
    result = land.apply()
    assert verdicts(result) == {"12": "failed", "13": "not-attempted", "14": "not-attempted"}
    assert (result.applied, result.exit) == (0, Exit.UNANSWERED)


def slowly(land: Land, database: str) -> None:
    """Make the enrolling of one clinic in region 14 take its time."""
    if database == "sqlite":
        slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n"
        sql(land.url, f"CREATE TRIGGER slow AFTER INSERT ON complaints_clinic BEGIN SELECT ({slow}); END")
    else:
        body = "CREATE FUNCTION slow() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(2); RETURN NEW; END' LANGUAGE plpgsql"
        sql(land.url, body)
        sql(land.url, "CREATE TRIGGER slow AFTER INSERT ON complaints_clinic FOR EACH ROW EXECUTE FUNCTION slow()")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGINT, Exit.INTERRUPTED)])
def test_a_signal_in_a_region_rolls_it_back(land: Land, database: str, number: signal.Signals, code: Exit) -> None:
    slowly(land, database)
    child = os.fork()
    if child == 0:

        def heard(_number: int, _frame: object) -> None:
            raise KeyboardInterrupt(*(["SIGTERM"] if number is signal.SIGTERM else []))

        signal.signal(number, heard)
        os._exit(land.apply().exit)
    for _attempt in range(200):
        with store.connected(store.engine(land.url, writes=False)) as connection:
            if connection.scalar(text("SELECT count(*) FROM change WHERE run > 1 AND region = '13'")) == 3:
                break
        time.sleep(0.02)
    time.sleep(0.05)
    os.kill(child, number)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
    sql(land.url, "DROP TRIGGER slow" + ("" if database == "sqlite" else " ON complaints_clinic"))
    assert land.left == CHANGES["14"]
    assert sql(land.url, "SELECT status, applied FROM run WHERE id > 1") == [("interrupted", 4)]


def test_a_signal_that_comes_too_late_stops_nothing(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    really = store.finish_run

    def finish_run(*rest: Any) -> None:
        signal.raise_signal(signal.SIGINT)  # to this thread: another, of a test before, would not have it wait
        really(*rest)

    monkeypatch.setattr(store, "finish_run", finish_run)
    assert (land.apply().exit, land.left) == (Exit.DONE, [])
