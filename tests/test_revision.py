"""Findings against a base revision: what somebody else did wrong before makes nobody's pull request red."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from test_cli import MOVED, ROOT, Said, edit

from reconciler.revision import told_new
from reconciler.rules.registry import RULES

SKANE = Path("config/regions/12-skane.yaml")
UPPSALA = Path("config/regions/03-uppsala.yaml")
GONE = "SE2321000032-58PN"


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def commit() -> None:
    git("add", ".")
    git("commit", "-qm", "as it was")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "reconciler.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    return tmp_path


def told(*arguments: str) -> tuple[int, list[tuple[str, int | None, bool | None]]]:
    said = Said("validate", "--format", "json", *arguments)
    findings = said.json()["findings"]
    return said.code, [(one["rule"], one["line"], one["new"]) for one in findings]


def test_without_a_base_nobody_knows_what_is_new(clone: Path) -> None:
    edit(SKANE, MOVED, "SE162321000255-Ö1")
    assert told() == (1, [("hsa-id-malformed", 167, None)])


def test_an_error_that_the_base_has_is_told_and_does_not_count(clone: Path) -> None:
    edit(SKANE, MOVED, "SE162321000255-Ö1")
    commit()
    edit(SKANE, "name: Region Skåne", "# three\n# new\n# lines\nname: Region Skåne")
    assert told("--base", "HEAD") == (0, [("hsa-id-malformed", 170, False)])
    assert json.loads(Said("validate", "--base", "HEAD", "--format", "json").out)["ok"]


def test_a_new_error_beside_an_old_one_counts(clone: Path) -> None:
    edit(SKANE, MOVED, "SE162321000255-Ö1")
    commit()
    edit(SKANE, "  SE162321000255-Ö1:", "  SE162321000255-Å2: Ny\n  SE162321000255-Ö1:")
    assert told("--base", "main") == (1, [("hsa-id-malformed", 167, True), ("hsa-id-malformed", 168, False)])


def test_of_two_alike_as_many_are_old_as_the_base_has() -> None:
    found = RULES["routes-without-parents"].finding()
    assert [one.new for one in told_new([found, found], [found])] == [False, True]
    assert [one.new for one in told_new([found], [])] == [True]


def test_a_file_with_another_name_has_no_new_errors(clone: Path) -> None:
    edit(SKANE, MOVED, "SE162321000255-Ö1")
    commit()
    SKANE.rename(SKANE.with_name("12-region-skane.yaml"))
    assert told("--base", "HEAD") == (0, [("hsa-id-malformed", 167, False)])


def test_a_clinic_that_another_region_has_already_is_a_new_error(clone: Path) -> None:
    commit()
    edit(UPPSALA, "clinics: {}", f"clinics:\n  {MOVED}: Svalöv")
    assert told("--base", "HEAD") == (1, [("duplicate-clinic", 167, True)])


def test_an_approval_that_ended_before_is_not_new(clone: Path) -> None:
    block = (
        '- guard: deactivates-region\n  region: "14"\n  at_most: 1\n'
        "  until: 2020-01-01\n  reason: a\n  approved_by: b\n"
    )
    Path("config/approvals.yaml").write_text(block, encoding="utf-8")
    commit()
    assert told("--base", "HEAD") == (0, [("approval-expired", 1, False)])
    Path("config/approvals.yaml").unlink()
    commit()
    Path("config/approvals.yaml").write_text(block, encoding="utf-8")
    assert told("--base", "HEAD")[1] == [("approval-expired", 1, True)]


def test_clinics_that_the_base_declares_are_known_to_the_live_check(clone: Path) -> None:
    edit(Path("demo/register.csv"), GONE, "SE2321000032-XXXX")
    commit()
    assert told("--live")[0] == 1
    assert told("--live", "--base", "HEAD") == (0, [("enrolled-clinic-unknown", 41, False)])


def test_a_clinic_that_the_base_lacks_is_new_to_the_live_check(clone: Path) -> None:
    edit(Path("demo/register.csv"), GONE, "SE2321000032-XXXX")
    sormland = Path("config/regions/04-sormland.yaml")
    text = sormland.read_text(encoding="utf-8")
    sormland.write_text("".join(one for one in text.splitlines(True) if GONE not in one), encoding="utf-8")
    commit()
    sormland.write_text(text, encoding="utf-8")
    assert told("--live", "--base", "HEAD") == (1, [("clinic-unknown", 41, True)])


def test_who_mends_a_file_has_not_enrolled_its_clinics(clone: Path) -> None:
    edit(Path("demo/register.csv"), GONE, "SE2321000032-XXXX")
    edit(Path("config/regions/04-sormland.yaml"), "version: 1", "version: one")
    commit()
    edit(Path("config/regions/04-sormland.yaml"), "version: one", "version: 1")
    assert told("--live", "--base", "HEAD") == (0, [("enrolled-clinic-unknown", 41, True)])


def test_another_board_under_the_order_of_the_base_is_told_before_it_is_merged(clone: Path) -> None:
    commit()
    edit(SKANE, "SE2321000255-PNEXEMPEL", "SE2321000255-NYPNEXEMPEL")
    code, findings = told("--live", "--base", "HEAD")
    assert (code, [(rule, new) for rule, _line, new in findings if rule.startswith("board-order")]) == (
        1,
        [("board-order-reused", True)],
    )


def test_a_base_that_is_not_there_is_wrong_usage_and_nothing_is_checked(clone: Path) -> None:
    commit()
    said = Said("validate", "--base", "origin/nowhere")
    assert (said.code, said.out) == (64, "")
    assert "there is no revision origin/nowhere" in said.err


def test_a_base_without_the_folder_makes_everything_new(clone: Path) -> None:
    git("commit", "--allow-empty", "-qm", "before")
    edit(SKANE, MOVED, "SE162321000255-Ö1")
    assert told("--base", "HEAD") == (1, [("hsa-id-malformed", 167, True)])
