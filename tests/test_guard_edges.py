"""Guards and approvals through the command line, on both databases: nothing, one, at the threshold, one more.

Each test says what a person does, what `plan` says, and that `apply` does that: what is refused leaves every row of the
service as it was, what passes leaves nothing to do.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import DATABASES
from little_country import CODES, Country, board, clinic
from made_store import observed, problems, sql
from sqlalchemy import Engine, event
from test_scenarios import told

from reconciler.model import REGIONS

SOAK = bool(os.environ.get("RECONCILER_SOAK"))
one_is_enough = pytest.mark.parametrize("database", DATABASES if SOAK else DATABASES[:1])
LOOSE = """
[guards]
withdraws-too-many = { floor = 99, percent = 100, ceiling = 99 }
withdraws-too-many-nationally = { floor = 99, percent = 100, ceiling = 99 }
register-shrunk = { floor = 99, percent = 100, ceiling = 99 }
register-churned = { floor = 99, percent = 100, ceiling = 99 }
"""


def loose(*but: str) -> str:
    """Settings in which only the thresholds of *but* are the product's own."""
    return "\n".join(line for line in LOOSE.splitlines() if not line.startswith(tuple(f"{one} =" for one in but)))


class Land:
    """A country whose database is at an address, asked through the command line."""

    def __init__(self, folder: Path, url: str, more: str = "", codes: tuple[str, ...] = ("12", "13", "14")) -> None:
        folder.mkdir()
        self.url, self.country = url, Country(folder, more, codes)
        self.country.now = datetime.now(UTC)

    def said(self, command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        flags = ("--settings", str(self.country.folder / "reconciler.toml"), "--database", self.url)
        code, out = told(*flags, command, *arguments, "--format", "json")
        return code, json.loads(out)

    def begin(self) -> None:
        assert self.said("apply")[0] == 0

    def refuses(self, guard: str, region: str | None) -> dict[str, Any]:
        """Plan and apply refuse, for that reason alone, and every row is as it was. Return what is planned."""
        before = observed(self.url)
        code, planned = self.said("plan")
        refused = [(one["rule"], one["region"]) for one in planned["findings"] if one["severity"] == "error"]
        assert (code, refused) == (4, [(guard, region)])
        code, applied = self.said("apply")
        assert code == (4 if region is None else 3)
        held = {one["region"]: one["verdict"] for one in applied["regions"]}
        assert held[region or "12"] == "refused"
        assert refused == [(one["rule"], one["region"]) for one in applied["findings"] if one["severity"] == "error"]
        assert observed(self.url) == before
        return planned

    def passes(self, changes: int) -> dict[str, Any]:
        """Plan shows so many changes, apply makes them, and then there is nothing to do. Return what is planned."""
        code, planned = self.said("plan")
        assert (code, len(planned["changes"])) == (0, changes)
        code, applied = self.said("apply")
        assert (code, applied["applied"]) == (0, changes)
        assert self.said("plan", "--detailed-exitcode")[0] == 0
        assert problems(self.url) == []
        return planned

    def taken(self) -> list[tuple[object, ...]]:
        return sql(self.url, "SELECT region, taken FROM approval_used ORDER BY run, region")

    def rules(self, document: dict[str, Any]) -> list[str]:
        return [one["rule"] for one in document["findings"] if one["rule"].startswith("approval")]

    def withdraw(self, code: str, number: int) -> None:
        del self.country.clinics[code][:number]
        self.country.write()


@pytest.fixture
def lands(url: str, tmp_path: Path) -> Callable[..., Land]:
    return lambda *more, **others: Land(tmp_path / "land", url, *more, **others)


# ---- thresholds


@one_is_enough
@pytest.mark.parametrize(
    ("size", "withdrawn", "is_refused"),
    [(25, 0, False), (25, 1, False), (25, 5, False), (25, 6, True), (60, 11, True), (1, 1, False), (2, 2, True)],
)
def test_a_region_loses_a_few_clinics_at_a_time(
    lands: Callable[..., Land], size: int, withdrawn: int, is_refused: bool
) -> None:
    land = lands(loose("withdraws-too-many"))
    land.country.declare("12", *range(size))
    land.country.declare("14", 900)
    land.begin()
    land.withdraw("12", withdrawn)
    land.refuses("withdraws-too-many", "12") if is_refused else land.passes(withdrawn)


@one_is_enough
@pytest.mark.parametrize(("more", "is_refused"), [(0, False), (1, True)])
def test_the_country_loses_a_few_clinics_at_a_time_all_regions_at_once(
    lands: Callable[..., Land], more: int, is_refused: bool
) -> None:
    """All 21 regions with 20 clinics: 5 percent of 420 is 21, which is one for each."""
    land = lands(loose("withdraws-too-many-nationally"), codes=tuple(REGIONS))
    for place, code in enumerate(REGIONS):
        land.country.declare(code, *range(1000 * place, 1000 * place + 20))
    land.begin()
    for code in REGIONS:
        land.withdraw(code, 1)
    land.withdraw("12", more)
    land.refuses("withdraws-too-many-nationally", None) if is_refused else land.passes(21)


@one_is_enough
@pytest.mark.parametrize(
    ("size", "gone", "is_refused"), [(20, 0, False), (20, 2, False), (20, 3, True), (1, 1, False), (2, 2, True)]
)
def test_a_register_loses_a_few_clinics_at_a_time(
    lands: Callable[..., Land], size: int, gone: int, is_refused: bool
) -> None:
    land = lands(loose("register-shrunk"))
    ids = land.country.declare("12", *range(size))
    land.country.declare("14", 900)
    land.begin()
    for hsa_id in ids[:gone]:
        del land.country.register[hsa_id]
    land.country.write()
    land.refuses("register-shrunk", "12") if is_refused else land.passes(0)


@one_is_enough
@pytest.mark.parametrize(("renamed", "is_refused"), [(1, False), (4, False), (5, True)])
def test_a_register_changes_its_mind_of_a_few_clinics_at_a_time(
    lands: Callable[..., Land], renamed: int, is_refused: bool
) -> None:
    land = lands(loose("register-churned"))
    ids = land.country.declare("12", *range(20))
    land.country.declare("14", 900)
    land.begin()
    land.country.register |= dict.fromkeys(ids[:renamed], ("Nytt namn", "active", "12"))
    land.country.write()
    land.refuses("register-churned", "12") if is_refused else land.passes(renamed)


@one_is_enough
@pytest.mark.parametrize(("minutes", "is_refused"), [(0, False), (1, True)])
def test_a_register_may_stand_still_for_so_long(lands: Callable[..., Land], minutes: int, is_refused: bool) -> None:
    land = lands('unmoved_after = "14d"\n')
    land.country.declare("12", 1)
    land.begin()
    made = datetime.fromisoformat(land.country.made) + timedelta(days=14, minutes=minutes)
    land.country.made = made.isoformat()
    land.country.write()
    if not is_refused:
        land.passes(0)
        return
    code, planned = land.said("plan")
    assert (code, {one["rule"] for one in planned["findings"]}) == (4, {"register-unmoved", "clinic-name-differs"})
    for region in ("12", "13", "14"):
        land.country.approve("register-unmoved", region)
    assert land.said("apply")[0] == 0
    assert land.said("plan")[0] == 0


# ---- what is always refused


@one_is_enough
@pytest.mark.parametrize(
    ("size", "active", "is_refused"), [(1, True, True), (1, False, False), (2, True, False), (0, True, False)]
)
def test_an_active_region_keeps_its_last_clinic(
    lands: Callable[..., Land], size: int, active: bool, is_refused: bool
) -> None:
    land = lands(loose())
    land.country.boards["12"] = board("12") if active else None
    land.country.declare("12", *range(size))
    land.country.declare("14", 900)
    land.begin()
    land.withdraw("12", 1)
    land.refuses("withdraws-last-clinic", "12") if is_refused else land.passes(min(size, 1))


def test_a_region_without_clinics_is_shut_by_an_approval_alone(lands: Callable[..., Land]) -> None:
    land = lands()
    land.country.boards["12"] = board("12")
    land.country.declare("14", 900)
    land.begin()
    land.country.boards["12"] = None
    land.country.write()
    land.refuses("deactivates-region", "12")
    land.country.approve("deactivates-region", "12")
    land.passes(1)
    assert land.taken() == [("12", 1)]


def test_a_board_changed_by_hand_is_not_overwritten(lands: Callable[..., Land]) -> None:
    land = lands()
    land.country.boards["12"] = board("12")
    land.country.declare("12", 1)
    land.begin()
    sql(land.url, "UPDATE complaints_region SET board_name = 'Hand' WHERE region_code = '12'")
    land.country.declare("12", 2)
    land.refuses("board-changed-elsewhere", "12")
    land.country.approve("board-changed-elsewhere", "12")
    land.passes(2)


@one_is_enough
def test_an_old_commit_is_not_applied(lands: Callable[..., Land]) -> None:
    land = lands(loose())
    country = land.country
    (country.folder / ".gitignore").write_text("reconciler.db\n")
    country.declare("12", 1, 2)
    country.git("init", "-q", "-b", "main")
    country.git("add", ".")
    country.git("commit", "-qm", "two")
    land.begin()
    country.declare("12", 3)
    country.git("commit", "-qam", "three")
    land.begin()
    country.git("checkout", "-q", "HEAD~1")
    land.refuses("config-went-back", None)
    country.git("checkout", "-q", "main")
    country.git("revert", "--no-edit", "HEAD")
    land.passes(1)


def test_a_first_run_has_nothing_to_be_measured_by(lands: Callable[..., Land]) -> None:
    """A database filled by hand, and a country that nobody manages yet: what is not declared stays."""
    land = lands()
    sql(land.url, "INSERT INTO complaints_clinic VALUES (:id, '12', 'By hand', 't', 't')", id=clinic(900))
    for code, first in (("12", 1), ("13", 101), ("14", 201)):
        land.country.boards[code] = board(code)
        land.country.declare(code, *range(first, first + 30))
    planned = land.passes(93)
    assert clinic(900) in observed(land.url).clinics
    assert land.rules(planned) == []


@one_is_enough
def test_a_part_of_a_plan_is_refused_for_what_concerns_it_and_nothing_else(lands: Callable[..., Land]) -> None:
    """Region 12 would lose 6 of 25; 14 gains a clinic of its own, and 13 one that would leave 12."""
    land = lands(loose("withdraws-too-many"))
    ids = land.country.declare("12", *range(25))
    land.country.declare("14", 900)
    land.begin()
    land.country.register[ids[-1]] = ("Mottagning", "active", "13")
    land.country.declare("14", 901)
    land.withdraw("12", 6)
    codes = {code: (land.said("plan", "--region", code)[0], land.said("apply", "--region", code)[0]) for code in CODES}
    assert codes == {"12": (4, 3), "13": (4, 3), "14": (0, 0)}


# ---- approvals


@pytest.fixture
def twelve(lands: Callable[..., Land]) -> Land:
    """Region 12 would lose 6 of 25 clinics, where 5 may go."""
    land = lands(loose("withdraws-too-many"))
    land.country.declare("12", *range(25))
    land.country.declare("14", *range(900, 910))
    land.begin()
    land.withdraw("12", 6)
    return land


def test_an_approval_is_shown_in_the_plan_before_it_is_used(twelve: Land) -> None:
    twelve.country.approve("withdraws-too-many", "12", at_most=6)
    (shown,) = twelve.passes(6)["approvals"]
    assert (shown["guard"], shown["region"], shown["at_most"], shown["taken"], shown["takes"]) == (
        *("withdraws-too-many", "12", 6, 0, 6),
    )
    assert shown["path"].endswith("approvals.yaml")
    assert twelve.taken() == [("12", 6)]


@pytest.mark.parametrize(
    ("approval", "said", "words"),
    [
        (("withdraws-too-many", "12", 5), "approval-exhausted", "for 5 in all, of which 0 are taken, and 6 are needed"),
        (("withdraws-too-many", "12", 6, -1), "approval-expired", "ended on"),
        (("withdraws-too-many", "14", 6), "approval-for-other-region", "for region 14, and what is refused is in 12"),
        (("withdraws-last-clinic", "12", 6), "approval-unused", "not needed"),
        (("withdraws-too-many-nationally", None, 6), "approval-unused", "not needed"),
    ],
)
def test_an_approval_that_does_not_help_says_why(
    twelve: Land, approval: tuple[Any, ...], said: str, words: str
) -> None:
    twelve.country.approve(*approval)
    planned = twelve.refuses("withdraws-too-many", "12")
    assert (twelve.rules(planned), planned["approvals"]) == ([said], [])
    (finding,) = [one for one in planned["findings"] if one["rule"] == said]
    assert words in finding["problem"]
    assert finding["remedy"]
    assert (Path(finding["path"]).name, finding["line"]) == ("approvals.yaml", 1)


def test_an_approval_is_spent_when_it_is_used(twelve: Land) -> None:
    """Nine of the ten that may go are taken at once; two more are too many for what is left."""
    twelve.country.approve("withdraws-too-many", "12", at_most=9)
    twelve.passes(6)
    twelve.withdraw("12", 3)
    assert twelve.rules(twelve.passes(3)) == ["approval-unused"]  # three of nineteen may go without
    twelve.withdraw("12", 4)
    planned = twelve.refuses("withdraws-too-many", "12")
    assert twelve.rules(planned) == ["approval-exhausted"]
    assert twelve.taken() == [("12", 6)]


def test_approvals_of_all_regions_are_used_at_once_each_by_its_own(lands: Callable[..., Land]) -> None:
    land = lands(codes=tuple(REGIONS))
    land.country.boards |= {code: board(code) for code in REGIONS}
    land.country.declare("14", 900)
    land.begin()
    land.country.boards |= dict.fromkeys(REGIONS)
    for code in REGIONS:
        land.country.approve("deactivates-region", code)
    assert len(land.passes(21)["approvals"]) == 21
    assert land.taken() == [(code, 1) for code in sorted(REGIONS)]


# ---- a kill between two regions of one approval


@contextlib.contextmanager
def killed_before_change(number: int) -> Any:
    """Kill this process where the changes of the *number*-th region are logged."""
    seen = []

    def step(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(re.match(r'(INSERT INTO|COPY) "?change\b', statement) is not None)
        if sum(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    yield
    event.remove(Engine, "before_cursor_execute", step)


def killed(land: Land, number: int) -> None:
    child = os.fork()
    if child == 0:
        with killed_before_change(number):
            land.said("apply")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("at_most", [6, 5])
def test_a_run_killed_between_two_regions_goes_on_with_the_same_approval(
    lands: Callable[..., Land], at_most: int
) -> None:
    """Six of twelve clinics of 12 move, three to 13 and three to 14; after three, nine are left, of which one may."""
    land = lands(loose("withdraws-too-many"))
    ids = land.country.declare("12", *range(12))
    land.begin()
    for hsa_id, code in zip(ids, ["13"] * 3 + ["14"] * 3, strict=False):
        land.country.register[hsa_id] = (land.country.register[hsa_id][0], "active", code)
    land.country.approve("withdraws-too-many", "12", at_most)
    if at_most == 5:
        land.refuses("withdraws-too-many", "12")
        return
    killed(land, 2)
    assert [row.region_code for row in observed(land.url).clinics.values()].count("13") == 3
    assert land.taken() == [("13", 3)]
    (shown,) = land.passes(3)["approvals"]
    assert (shown["taken"], shown["takes"]) == (3, 3)
    assert land.taken() == [("13", 3), ("14", 3)]
    for hsa_id in ids[6:8]:
        land.country.register[hsa_id] = (land.country.register[hsa_id][0], "active", "13")
    land.country.write()
    assert land.rules(land.refuses("withdraws-too-many", "12")) == ["approval-exhausted"]
