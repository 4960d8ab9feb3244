"""Whatever people, the e-services and crashes do, in whatever order: a run does what a plain model says, and no more.

`make soak` plays 300 sequences of 40 steps on each database; otherwise a part of that is played.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from little_country import CODES, Country, board, clinic, verdicts
from plain_model import Model
from postgres import Server
from sqlalchemy import Engine, event

from reconciler import saved, store
from reconciler.findings import Exit
from reconciler.report import json as documents
from reconciler.results import Applied, Planned
from reconciler.store.tables import metadata

pytestmark = pytest.mark.usefixtures("unmeasured")

SOAK = bool(os.environ.get("RECONCILER_SOAK"))
STEPS = 40 if SOAK else 25
SEQUENCES = {"sqlite": 300, "postgresql": 300} if SOAK else {"sqlite": 10, "postgresql": 2}
TABLES = ("complaints_clinic", "complaints_region", *sorted(metadata.tables))
codes, numbers = st.sampled_from(CODES), st.integers(1, 15)
boards = st.one_of(st.none(), st.builds(lambda *one: one, st.sampled_from("AB"), st.sampled_from(["X-1", "X-2"])))
MEANWHILE = ["moves", "moves", "moves with its line", "is forgotten", "is moved by hand"]

GUARDS = """
[guards]
withdraws-too-many = { floor = 2, percent = 20, ceiling = 10 }
register-churned = { floor = 4, percent = 20, ceiling = 50 }
"""


class KilledError(BaseException):
    """A kill -9, as near as it comes within one process: nothing of ours runs after it."""


@contextlib.contextmanager
def killed_at(number: int) -> Iterator[None]:
    """Kill the run at the *number*-th of its statements."""
    left = number

    def step(*_arguments: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KilledError

    event.listen(Engine, "before_cursor_execute", step)
    try:
        yield
    except KilledError:
        pass
    finally:
        event.remove(Engine, "before_cursor_execute", step)


class Life(RuleBasedStateMachine):
    """A country of three regions, and what a model says of it: in a file, or on a server."""

    def __init__(self, server: Server | None = None) -> None:
        super().__init__()
        self.folder, self.server = Path(mkdtemp(prefix="reconciler-model-")), server
        self.country, self.model = Country(self.folder, GUARDS), Model()
        if server:
            self.country.url = server.make_schema(self.folder.name)
            store.init(self.country.url, trial=True)
        self.broken: set[str] = set()
        self.saved: saved.SavedPlan | None = None
        self.planned_of: tuple[object, ...] = ()
        self.country.boards["12"] = board("12")
        for code, first in zip(CODES, (1, 6, 11), strict=True):
            self.country.declare(code, *range(first, first + 4))
        self.run(self.country.apply)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)
        if self.server:
            self.server.drop_schema(self.folder.name)

    def write(self) -> None:
        self.country.write()
        for code in self.broken:
            path = self.country.file(code)
            path.write_text(path.read_text(encoding="utf-8").replace("name:", "namn:", 1), encoding="utf-8")

    # ---- files

    @rule(code=codes, ids=st.lists(numbers, min_size=1, max_size=4, unique=True))
    def declare(self, code: str, ids: list[int]) -> None:
        for hsa_id in map(clinic, ids):
            if hsa_id not in self.country.clinics[code]:
                self.country.clinics[code].append(hsa_id)
        self.write()

    @rule(which=st.lists(st.integers(0, 99), min_size=1, max_size=3))
    def delete_lines(self, which: list[int]) -> None:
        for number in which:
            lines = [(code, hsa_id) for code in CODES for hsa_id in self.country.clinics[code]]
            if lines:
                code, hsa_id = lines[number % len(lines)]
                self.country.clinics[code].remove(hsa_id)
        self.write()

    @rule(which=st.integers(0, 99), further=st.integers(1, 2), meanwhile=st.sampled_from(MEANWHILE))
    def a_line_goes_and_its_clinic_too(self, which: int, further: int, meanwhile: str) -> None:
        """Delete a line, and before anybody looks the clinic is no longer where it was; then look."""
        lines = [(home, hsa_id) for home in CODES for hsa_id in self.country.clinics[home]]
        if not lines:
            return
        home, hsa_id = lines[which % len(lines)]
        code = CODES[(CODES.index(home) + further) % len(CODES)]
        self.country.clinics[home].remove(hsa_id)
        name = self.country.register.get(hsa_id, ("Ett", "active", home))[0]
        if meanwhile == "is forgotten":
            self.country.register.pop(hsa_id, None)
        elif meanwhile == "is moved by hand" and hsa_id in self.model.clinics:
            self.move_by_hand(hsa_id, (code, self.model.clinics[hsa_id][1]))
        else:
            self.country.register[hsa_id] = (name, "active", code)
        if meanwhile == "moves with its line" and hsa_id not in self.country.clinics[code]:
            self.country.clinics[code].append(hsa_id)
        self.write()
        self.plan()

    @rule(code=codes, wanted=boards)
    def order_a_board(self, code: str, wanted: tuple[str, str] | None) -> None:
        self.country.boards[code] = None
        if wanted:
            self.country.boards[code] = board(code, wanted[1]) | {"hsa_id": f"SE2321000131-PN{code}{wanted[0]}"}
        self.write()

    @rule(code=codes)
    def break_or_mend_a_file(self, code: str) -> None:
        self.broken ^= {code}
        self.write()

    # ---- the e-services

    @rule(
        ids=st.lists(numbers, min_size=1, max_size=3),
        name=st.sampled_from(["Ett", "Ett annat", "Ett tredje"]),
        status=st.sampled_from(["active", "active", "active", "inactive"]),
        code=codes,
    )
    def register(self, ids: list[int], name: str, status: str, code: str) -> None:
        self.country.register |= {clinic(number): (name, status, code) for number in ids}
        self.write()

    @rule(number=numbers)
    def forget(self, number: int) -> None:
        self.country.register.pop(clinic(number), None)
        self.write()

    # ---- somebody else writes to the database

    @rule(code=codes, number=numbers)
    def enrol_by_hand(self, code: str, number: int) -> None:
        if clinic(number) not in self.model.clinics:
            self.country.sql(
                "INSERT INTO complaints_clinic VALUES (?, ?, 'by hand', 'then', 'then')", (clinic(number), code)
            )
            self.model.clinics[clinic(number)] = (code, "by hand")

    @precondition(lambda self: self.model.clinics)
    @rule(which=st.integers(0, 99), code=st.one_of(st.none(), codes))
    def change_by_hand(self, which: int, code: str | None) -> None:
        """Rename a clinic, or move it, or delete it."""
        hsa_id = sorted(self.model.clinics)[which % len(self.model.clinics)]
        if which % 5 == 0:
            self.country.sql("DELETE FROM complaints_clinic WHERE hsa_id = ?", (hsa_id,))
            del self.model.clinics[hsa_id]
            return
        where, name = self.model.clinics[hsa_id]
        self.move_by_hand(hsa_id, (code, name) if code else (where, "renamed"))

    def move_by_hand(self, hsa_id: str, row: tuple[str, str]) -> None:
        self.country.sql("UPDATE complaints_clinic SET region_code = ?, name = ? WHERE hsa_id = ?", (*row, hsa_id))
        self.model.clinics[hsa_id] = row

    @rule(code=codes, name=st.sampled_from(["By hand", None]))
    def change_a_board_by_hand(self, code: str, name: str | None) -> None:
        row = (f"SE2321000131-PN{code}A", name) if name else (None, None)
        self.country.sql(
            "UPDATE complaints_region SET board_hsa_id = ?, board_name = ? WHERE region_code = ?", (*row, code)
        )
        self.model.boards.pop(code, None)
        if name:
            self.model.boards[code] = (f"SE2321000131-PN{code}A", name)

    # ---- plans

    def blocked(self, planned: Planned) -> tuple[set[str], set[str]]:
        """Return the regions that are stopped or refused, and the rows that are left alone."""
        told = [one for one in planned.findings if one.rule.id == "two-writers"]
        held = {code for code, verdict in verdicts(planned).items() if verdict in ("stopped", "refused")}
        return held, {str(one.values["row"]) for one in told}

    def seen(self) -> tuple[object, ...]:
        """Return what makes a plan the same: what is there, and what should be."""
        return (dict(self.model.clinics), dict(self.model.boards), self.model.settled(self.country, self.broken))

    @rule()
    def plan(self) -> None:
        planned = self.country.plan()
        assert documents.dump(documents.plan(planned)) == documents.dump(documents.plan(self.country.plan()))
        assert {code for code, verdict in verdicts(planned).items() if verdict == "stopped"} == self.broken
        clinics, board_rows = self.model.settled(self.country, self.broken)
        changed = {
            key for key in clinics.keys() | self.model.clinics.keys() if clinics.get(key) != self.model.clinics.get(key)
        }
        changed |= {code for code in CODES if board_rows.get(code) != self.model.boards.get(code)}
        rows = [change.region if "board" in change.action.value else change.subject for change in planned.changes]
        assert sorted(rows) == sorted(changed)

    @rule()
    def save_a_plan(self) -> None:
        path = self.folder / "plan.json"
        saved.write(path, documents.dump(documents.plan(self.country.plan())))
        self.saved, self.planned_of = saved.read(path), self.seen()

    @rule()
    def approve_what_is_refused(self) -> None:
        for one in self.country.plan().judged.judgement.refusals:
            self.country.approve(one.rule.id, one.region, int(str(one.values["count"])))
        self.write()

    # ---- runs

    @rule()
    def apply(self) -> None:
        self.run(self.country.apply)

    @precondition(lambda self: self.saved)
    @rule()
    def apply_the_saved_plan(self) -> None:
        assert self.saved is not None
        if self.planned_of == self.seen():
            self.run(lambda: self.country.apply(self.saved))
            return
        before = self.everything()
        result = self.country.apply(self.saved)
        assert (result.exit, result.run) == (Exit.PLAN_STALE, None)
        assert self.everything() == before

    @rule(number=st.integers(10, 90))
    def crash(self, number: int) -> None:
        held, rows = self.blocked(self.country.plan())
        stages = self.model.run(self.country, self.broken, held, rows)
        with killed_at(number):
            self.country.apply()
        now = self.held()
        self.model = next(stage for stage in stages if stage.held() == now)

    @rule()
    def two_at_once(self) -> None:
        """Another process applies at the same time: together they do what one would."""
        held, rows = self.blocked(self.country.plan())
        expected = self.model.run(self.country, self.broken, held, rows)[-1]
        child = os.fork()
        if child == 0:
            self.country.apply()
            os._exit(0)
        self.country.apply()
        assert os.waitpid(child, 0)[1] == 0
        self.model = expected
        assert self.held() == expected.held()

    def run(self, act: Callable[[], Applied]) -> None:
        before, rows_before = self.country.plan(), self.rows()
        held, rows = self.blocked(before)
        expected = self.model.run(self.country, self.broken, held, rows)[-1]
        result = act()
        assert self.held() == expected.held()
        self.model = expected
        after = self.rows()
        changed = {
            change.subject if change.action.value[-5:] != "board" else change.region for change in before.changes
        }
        assert {key: row for key, row in after.items() if key not in changed} == {
            key: row for key, row in rows_before.items() if key not in changed
        }
        if before.judged.judgement.national:
            assert (result.exit, result.run, after) == (Exit.REFUSED, None, rows_before)
        left = self.country.plan()
        assert self.waits(left, held, rows) or not left.changes
        with store.connected(store.engine(self.country.settings.database, writes=False)) as connection:
            assert store.verify_chain(connection) == []

    def waits(self, left: Planned, held: set[str], rows: set[str]) -> bool:
        """Whether all that is left to do was stopped, refused or left alone."""
        return all(
            change.touches & held or change.subject in rows or change.region in rows or left.judged.waits(change)
            for change in left.changes
        )

    def everything(self) -> list[list[tuple[object, ...]]]:
        """Return every row of every table."""
        return [sorted(self.country.sql(f"SELECT * FROM {table}"), key=repr) for table in TABLES]

    def rows(self) -> dict[str, tuple[object, ...]]:
        """Return every row of the service, whole, with its times."""
        tables = ("complaints_clinic", "complaints_region")
        return {row[0]: row for table in tables for row in self.country.sql(f"SELECT * FROM {table}")}

    def held(self) -> tuple[object, ...]:
        """Return what the database holds, as the model says it."""
        with store.connected(store.engine(self.country.settings.database, writes=False)) as connection:
            state = store.observe(connection)
        parts = (state.clinics, state.boards, state.managed_clinics, state.managed_boards)
        return tuple({key: tuple(row) for key, row in part.items()} for part in parts)

    @rule(hours=st.sampled_from([1, 5, 100]))
    def wait(self, hours: int) -> None:
        self.country.now += timedelta(hours=hours)


@pytest.mark.parametrize("meanwhile", sorted(set(MEANWHILE)))
def test_a_clinic_whose_line_goes_with_it_is_treated_as_the_model_says(meanwhile: str) -> None:
    """Chance seldom brings these about, so each is played once."""
    life = Life()
    try:
        life.a_line_goes_and_its_clinic_too(which=0, further=1, meanwhile=meanwhile)
        life.apply()
    finally:
        life.teardown()


def test_a_run_does_what_the_model_says(database: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("server") if database == "postgresql" else None
    played = settings(
        max_examples=SEQUENCES[database],
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(lambda: Life(server), settings=played)
