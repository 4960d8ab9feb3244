"""A quarter of hourly runs: people edit, the e-services change, somebody writes to the database, and much goes wrong.

At every hour the log accounts for every row; at the end all has come right, and every change can be explained.
`make soak` plays the 92 days on each database; otherwise a few are played, on SQLite.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import DATABASES
from little_country import CODES, Country, board, clinic
from sqlalchemy import text
from test_apply import at_statement

from reconciler import logbook, store
from reconciler.findings import Exit, Failure
from reconciler.model import State
from reconciler.report import logbook as documents

SOAK = bool(os.environ.get("RECONCILER_SOAK"))
DAYS = 92 if SOAK else 3
USUAL = {Exit.DONE, Exit.LEFT_OUT, Exit.REFUSED, Exit.ERRORS}
Key = tuple[str, str]


class Quarter:
    """A country over the hours, and all that was done to it by others than the program."""

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.country = Country(folder)
        self.country.url = url
        self.rows: dict[Key, tuple[str, ...]] = {}
        self.seen = 0
        self.by_hand: set[Key] = set()
        self.ever_by_hand: set[Key] = set()
        self.by_register: set[str] = set()
        self.days: list[tuple[datetime, dict[Key, tuple[str, ...]]]] = []
        self.told: Counter[str] = Counter()
        self.killed = 0
        self.set('max_age = "off"', 'max_age = "36h"')
        self.set("demo = true", 'demo = true\nlock_timeout = "1s"')
        (folder / ".gitignore").write_text("reconciler.db*\nregister.csv\n")
        self.country.git("init", "-q", "-b", "main")
        for place, code in enumerate(CODES):
            self.country.boards[code] = board(code)
            self.country.declare(code, *range(100 * place, 100 * place + 30))
        self.commit("all")
        assert self.applied() is Exit.DONE
        self.account()

    def set(self, old: str, new: str) -> None:
        path = self.country.folder / "reconciler.toml"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    # ---- what others do

    def commit(self, code: str) -> None:
        self.country.write()
        self.country.git("add", "-A")
        self.country.git("commit", "-q", "--allow-empty", "-m", "edit", author=f"administrator of {code}")

    def edits(self) -> None:
        code = self.chance.choice(CODES)
        lines = self.country.clinics[code]
        match self.chance.randrange(6):
            case 0 if len(lines) > 3:
                for hsa_id in self.chance.sample(lines, min(len(lines), self.chance.choice([1, 1, 1, 8]))):
                    lines.remove(hsa_id) if len(lines) > 3 else None
            case 1:
                order = f"X-{self.country.now:%j%H}"
                self.country.boards[code] = board(code, order, f"Nämnden {order}")
            case 2:
                self.country.boards[code] = None if self.chance.random() < 0.2 else self.country.boards[code]
            case _:
                number = self.chance.randrange(1000)
                if clinic(number) not in self.country.register:
                    self.country.declare(code, number)
        self.commit(code)

    def e_services(self) -> None:
        hsa_id = self.chance.choice(sorted(self.country.register))
        name, status, code = self.country.register[hsa_id]
        self.country.register[hsa_id] = self.chance.choice(
            [
                (name, status, self.chance.choice(CODES)),
                (f"{name} {self.country.now:%H}", status, code),
                (name, "inactive" if status == "active" else "active", code),
            ]
        )
        self.by_register.add(hsa_id)

    def lines_follow(self) -> None:
        """People move each line to where the e-services say that the clinic is."""
        for code in CODES:
            for hsa_id in list(self.country.clinics[code]):
                where = self.country.register[hsa_id][2]
                if where != code:
                    self.country.clinics[code].remove(hsa_id)
                    self.country.clinics[where] += [] if hsa_id in self.country.clinics[where] else [hsa_id]
        self.commit("all")

    def somebody_else(self) -> None:
        """Write to the service's tables, and note it as a row that the log cannot know."""
        code = self.chance.choice(CODES)
        enrolled = sorted(name for kind, name in self.rows if kind == "clinic")
        hsa_id = self.chance.choice(enrolled)
        match self.chance.randrange(5):
            case 0:
                self.put("clinic", clinic(2000 + len(self.ever_by_hand)), (code, "by hand"))
            case 1:
                self.put("clinic", hsa_id, None)
            case 2:
                self.put("board", code, (f"SE2321000131-PN{code}", "by hand"))
            case _:
                self.put("clinic", hsa_id, (code, "by hand"))

    def put(self, kind: str, name: str, row: tuple[str, str] | None) -> None:
        if kind == "board":
            self.country.sql(
                "UPDATE complaints_region SET board_hsa_id = ?, board_name = ? WHERE region_code = ?",
                (*(row or (None, None)), name),
            )
        elif row is None:
            self.country.sql("DELETE FROM complaints_clinic WHERE hsa_id = ?", (name,))
        else:
            moment = store.as_text(self.country.now)
            self.country.sql(
                "INSERT INTO complaints_clinic VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (hsa_id) DO UPDATE SET region_code = excluded.region_code, name = excluded.name",
                (name, *row, moment, moment),
            )
        self.rows = {key: old for key, old in self.rows.items() if key != (kind, name)}
        if row is not None:
            self.rows[kind, name] = row
        self.by_hand.add((kind, name))
        self.ever_by_hand.add((kind, name))

    def approves(self) -> None:
        """Paste what the refusals of now say."""
        planned = self.country.plan()
        for one in planned.judged.judgement.refusals if planned.judged else ():
            self.country.approve(one.rule.id, one.region, int(str(one.values["count"])))
        self.commit("all")

    # ---- what goes wrong

    @contextlib.contextmanager
    def register_as(self, change: Callable[[list[str]], list[str]] | None) -> Any:
        path = self.country.folder / "register.csv"
        text = path.read_text(encoding="utf-8")
        path.unlink() if change is None else path.write_text("\n".join(change(text.splitlines())) + "\n")
        yield
        path.write_text(text, encoding="utf-8")

    @contextlib.contextmanager
    def locked(self) -> Any:
        """Somebody else writes to all regions, and takes his time."""
        with store.connected(store.engine(self.country.url, writes=True)) as other:
            other.execute(text("UPDATE complaints_region SET updated_at = updated_at"))
            yield

    @contextlib.contextmanager
    def old_commit(self) -> Any:
        self.country.git("stash", "-q", "--include-untracked") if self.country.git("status", "--porcelain") else None
        self.country.git("checkout", "-q", "HEAD~1")
        yield
        self.country.git("checkout", "-q", "main")

    @contextlib.contextmanager
    def broken_file(self) -> Any:
        path = self.country.file(self.chance.choice(CODES))
        path.write_text(path.read_text(encoding="utf-8") + "  SE2321000131-E1 no colon\n", encoding="utf-8")
        yield
        self.country.write()

    def fault(self) -> tuple[contextlib.AbstractContextManager[Any], set[Exit]]:
        old = [f"# generated_at: {(self.country.now - timedelta(hours=40)).isoformat()}"]
        on_a_server = set() if self.country.url.startswith("sqlite:") else USUAL  # where only what is due is locked
        return self.chance.choice(
            [
                (self.register_as(None), {Exit.UNANSWERED}),
                (self.register_as(lambda lines: lines[: len(lines) // 2]), USUAL),
                (self.register_as(lambda lines: old + lines[1:]), {Exit.UNANSWERED}),
                (self.locked(), {Exit.LOCKED, Exit.REFUSED, *on_a_server}),
                (self.old_commit(), USUAL),
                (self.broken_file(), {Exit.LEFT_OUT, Exit.REFUSED}),
            ]
        )

    def applied(self) -> Exit:
        try:
            return self.country.apply().exit
        except Failure as failure:
            return failure.exit

    def killed_while_it_runs(self) -> None:
        """Apply in a process of its own, which is killed or told to stop at some statement."""
        number = self.chance.randrange(1, self.chance.choice([15, 30, 60]))
        how = self.chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        child = os.fork()
        if child == 0:

            def heard(_number: int, _frame: object) -> None:
                raise KeyboardInterrupt("SIGTERM")

            signal.signal(signal.SIGTERM, heard)
            with at_statement(number, "before_cursor_execute", lambda: os.kill(os.getpid(), how)):
                try:
                    self.applied()
                finally:
                    os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.killed += ended == -signal.SIGKILL

    # ---- the hours

    def hour(self, *, faults: bool = True) -> None:
        country, chance = self.country, self.chance
        country.now += timedelta(hours=1)
        country.made = (country.now - timedelta(minutes=5)).isoformat()
        if chance.random() < 0.25:
            self.edits()
        if chance.random() < 0.2:
            self.e_services()
        if chance.random() < 0.05:
            self.somebody_else()
        if chance.random() < 0.1:
            self.approves()
        if chance.random() < 0.1:
            self.lines_follow()
        self.commit("all") if country.git("status", "--porcelain") else country.write()
        what = chance.random() if faults else 1
        if what < 0.1:
            self.killed_while_it_runs()
        elif what < 0.25:
            trouble, codes = self.fault()
            with trouble:
                code = self.applied()
            assert code in codes
            self.told[code.name] += 1
        else:
            code = self.applied()
            assert code in USUAL
            self.told[code.name] += 1
        self.account()

    def account(self) -> None:
        """Follow the log from row to row: what each change found was there, and what it left is there now."""
        columns = "id, region, action, subject, before, after, cause, path, line"
        for row in self.country.sql(f"SELECT {columns} FROM change WHERE id > ? ORDER BY id", (self.seen,)):
            self.seen, region, action, subject, before, after, cause, path, line = row
            key = ("board", region) if action.endswith("board") else ("clinic", subject)
            assert self.rows.pop(key, None) == (before and tuple(json.loads(before).values())), row
            if after:
                self.rows[key] = tuple(json.loads(after).values())
            assert path, row
            assert cause != "drift" or key in self.by_hand, row
            assert cause != "register" or subject in self.by_register, row
            assert cause != "config" or key not in self.by_hand or (before and "by hand" in before) or line, row
            self.by_hand.discard(key)
        held = {("clinic", key): tuple(row) for key, row in self.state().clinics.items()}
        held |= {("board", key): tuple(row) for key, row in self.state().boards.items()}
        assert self.rows == held

    def state(self) -> State:
        with store.connected(store.engine(self.country.settings.database, writes=False)) as connection:
            return store.observe(connection)


@pytest.mark.parametrize("database", DATABASES if SOAK else DATABASES[:1])
def test_a_quarter_of_hourly_runs_ends_well(url: str, tmp_path: Path) -> None:
    quarter = Quarter(tmp_path, url, seed=7)
    for hour in range(24 * DAYS):
        quarter.hour()
        if hour % 24 == 0:
            quarter.days.append((quarter.country.now, dict(quarter.rows)))
    converges(quarter)
    every_change_is_explained(quarter)
    every_day_can_be_told(quarter)


def converges(quarter: Quarter) -> None:
    """All that is due is done: what is left are errors that people have to decide, and no change is due."""
    country = quarter.country
    country.now += timedelta(days=8)  # what two writers fought over is forgotten
    country.made = country.now.isoformat()
    country.write()
    for _attempt in range(5):
        quarter.approves()
        quarter.applied()
    quarter.account()
    planned = country.plan()
    assert (planned.changes, planned.judged and planned.judged.judgement.refusals) == ((), ())
    assert logbook.verify(country.settings).problems == ()
    unfinished = country.sql("SELECT count(*) FROM run WHERE finished IS NULL AND status = 'started'")
    assert unfinished[0][0] <= quarter.killed
    assert (quarter.killed > 0, quarter.told["DONE"] > 0, quarter.told["UNANSWERED"] > 0) == (True, True, True)


def every_change_is_explained(quarter: Quarter) -> None:
    """History tells of each change who, when and why: the author of a line, the approval by name, the register."""
    told = documents.history(logbook.history(quarter.country.settings, store.Wanted()))["changes"]
    assert len(told) == quarter.seen
    for one in told:
        assert (one["actor"], len(one["commit"] or ""), one["register"][:7]) == ("somebody", 40, "sha256:"), one
        assert one["author"] is not None, one
        assert one["author"]["name"].startswith("administrator"), one
        assert all(approval["guard"] for approval in one["approvals"]), one


def every_day_can_be_told(quarter: Quarter) -> None:
    """What was enrolled at a moment is known, but for the rows that somebody else has written."""
    for moment, rows in quarter.days:
        then = logbook.at(quarter.country.settings, moment).state
        told = {("clinic", key): tuple(row) for key, row in then.clinics.items()}
        told |= {("board", key): tuple(row) for key, row in then.boards.items()}
        others = quarter.ever_by_hand
        assert {key: row for key, row in told.items() if key not in others} == {
            key: row for key, row in rows.items() if key not in others
        }
