"""What a pull request means, and who may do that: on real clones, as a job and a person ask it."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from little_country import Country, board, clinic
from test_cli import Said

NATIONAL, SKANE, HALLAND = "nationell-forvaltare", "region-12-forvaltare", "region-13-forvaltare"
ACCESS = f"""national: [{NATIONAL}]
regions:
  "12": [{SKANE}]
  "13": [{HALLAND}]
"""
IN_A_JOB = (
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_EVENT_PATH",
    "GITHUB_OUTPUT",
    "GITLAB_USER_LOGIN",
    "RECONCILER_AUTHOR",
    "RECONCILER_APPROVED_BY",
)


class Clone(Country):
    """A country in git: what is committed first is on the branch main."""

    def access(self, text: str | None = ACCESS) -> None:
        path = self.folder / "config" / "access.yaml"
        if text is None:
            path.unlink()
        else:
            path.write_bytes(text.encode(errors="surrogateescape"))

    def commit(self, subject: str = "as it was") -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", subject)
        return self.git("rev-parse", "HEAD")

    def edit(self, code: str, old: str, new: str) -> None:
        text = self.file(code).read_text(encoding="utf-8")
        assert old in text
        self.file(code).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Three regions, of which 12 and 14 are active, 12 with three clinics; rights, all on main."""
    monkeypatch.chdir(tmp_path)
    for name in IN_A_JOB:
        monkeypatch.delenv(name, raising=False)
    made = Clone(tmp_path)
    made.now = datetime.now(UTC)
    made.declare("12", 1, 2, 3)
    made.declare("14", 9)
    made.boards |= {"12": board("12", "X-12"), "14": board("14", "X-14")}
    made.write()
    made.access()
    (tmp_path / ".gitignore").write_text("reconciler.db\n", encoding="utf-8")
    made.git("init", "-q", "-b", "main")
    made.commit()
    return made


def reviewed(*arguments: str, base: str = "main") -> dict[str, Any]:
    said = Said("review", "--base", base, "--format", "json", *arguments)
    return {"exit": said.code, **said.json()}


def parts(document: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    return [(one["region"], one["kind"], one["subject"]) for one in document["parts"]]


def rules(document: dict[str, Any]) -> list[str]:
    return [one["rule"] for one in document["findings"]]


def needs(document: dict[str, Any]) -> list[list[list[str]]]:
    return [part["needs"] for part in document["parts"]]


# ---- what it means


def test_nothing_changed_means_nothing(clone: Clone) -> None:
    told = reviewed()
    assert (told["exit"], told["meaning"], told["parts"], told["ok"]) == (0, "none", [], True)


def test_comments_order_names_and_form_change_no_outcome(clone: Clone) -> None:
    clone.clinics["12"].reverse()
    clone.write()
    clone.edit("12", "  SE2321000131-E000000000001: En mottagning", "  # hit\n  se2321000131-e000000000001: 'Ny'")
    clone.file("13").rename(clone.file("13").with_name("13-halland.yaml"))
    clone.commit("form")
    told = reviewed(base="HEAD~1")
    assert (told["exit"], told["meaning"], told["parts"]) == (0, "none", [])
    assert Said("review", "--base", "HEAD~1").out == "changes no outcome: what is declared means what it meant\n"


def test_clinics_are_added_withdrawn_and_moved(clone: Clone) -> None:
    clone.declare("13", 4)
    clone.clinics["12"].remove(clinic(1))
    clone.clinics["12"].remove(clinic(2))
    clone.clinics["14"].append(clinic(2))
    clone.write()
    told = reviewed("--author", NATIONAL)
    assert parts(told) == [
        ("12", "withdraw", clinic(1)),
        ("13", "enrol", clinic(4)),
        ("14", "move", clinic(2)),
    ]
    assert (told["exit"], told["meaning"]) == (0, "changes")
    assert [one["line"] for one in told["parts"]] == [None, 6, 10]
    assert {kind: n for kind, n in told["summary"].items() if n} == {"enrol": 1, "withdraw": 1, "move": 1}


def test_boards_are_set_changed_and_removed_and_regions_start_and_stop(clone: Clone) -> None:
    clone.boards |= {"12": board("12", "X-99", "Nämnden"), "13": board("13", "X-13"), "14": None}
    clone.write()
    told = reviewed("--author", NATIONAL)
    assert [kind for _region, kind, _subject in parts(told)] == ["change-board", "set-board", "remove-board"]
    assert [(one["region"], one["active"]) for one in told["activity"]] == [("13", True), ("14", False)]
    said = Said("review", "--base", "main", "--author", NATIONAL).out
    assert "13 Region Halland: 1 part; becomes active: its residents can send from then on" in said
    assert "14 Västra Götalandsregionen: 1 part; stops being active" in said
    assert "Patientnämnden, order X-13" in said


def test_of_a_board_under_another_order_the_orders_are_shown(clone: Clone) -> None:
    clone.boards["12"] = board("12", "X-99")
    clone.write()
    said = Said("review", "--base", "main", "--author", NATIONAL).out
    assert "Patientnämnden, order X-12 → X-99" in said


def test_approvals_are_added_changed_and_removed(clone: Clone) -> None:
    clone.approve("deactivates-region", "14")
    clone.approve("withdraws-too-many", "12", 2)
    clone.approve("withdraws-too-many", "12", 2)
    clone.git("checkout", "-qb", "before")
    clone.commit()
    clone.approvals[1]["at_most"] = 3
    del clone.approvals[2], clone.approvals[0]
    clone.approve("config-went-back", None)
    told = reviewed("--author", NATIONAL, base="before")
    assert parts(told) == [
        ("12", "change-approval", "withdraws-too-many"),
        ("12", "remove-approval", "withdraws-too-many"),
        ("14", "remove-approval", "deactivates-region"),
        (None, "add-approval", "config-went-back"),
    ]
    assert [told["parts"][0][side]["at_most"] for side in ("before", "after")] == [2, 3]
    assert needs(told) == [[["national"]]] * 4
    said = Said("review", "--base", "before", "--author", NATIONAL).out
    assert "  ~ change approval  withdraws-too-many  at most 3 until" in said
    assert "4 parts: 1 approval added, 1 approval changed, 2 approvals removed" in said


def test_rights_are_granted_and_revoked(clone: Clone) -> None:
    clone.access(ACCESS.replace(HALLAND, "en-annan").replace(NATIONAL, f"{NATIONAL}, en-till"))
    told = reviewed("--author", NATIONAL)
    assert parts(told) == [
        ("13", "grant-right", "en-annan"),
        ("13", "revoke-right", HALLAND),
        (None, "grant-right", "en-till"),
    ]
    said = Said("review", "--base", "main", "--author", NATIONAL).out
    assert "  - revoke right  region-13-forvaltare  (needs: national)" in said
    assert "3 parts: 2 rights granted, 1 right revoked" in said


def test_settings_are_a_part_where_they_mean_something_else(clone: Clone) -> None:
    toml = clone.folder / "reconciler.toml"
    toml.write_text("# a comment\n" + toml.read_text(encoding="utf-8"), encoding="utf-8")
    assert parts(reviewed()) == []
    toml.write_text(toml.read_text(encoding="utf-8") + '[severity]\nclinic-name-differs = "off"\n', encoding="utf-8")
    assert parts(reviewed("--author", NATIONAL)) == [(None, "change-settings", "reconciler.toml")]


def test_a_settings_file_that_was_no_toml_is_another_one(clone: Clone) -> None:
    toml = clone.folder / "reconciler.toml"
    right = toml.read_text(encoding="utf-8")
    toml.write_text("not = [toml", encoding="utf-8")
    clone.commit()
    toml.write_text(right, encoding="utf-8")
    assert parts(reviewed("--author", NATIONAL)) == [(None, "change-settings", "reconciler.toml")]


def test_of_other_files_nobody_can_tell_what_they_mean(clone: Clone) -> None:
    for number in range(7):
        (clone.folder / f"{number}.md").write_text("x", encoding="utf-8")
    clone.commit("pages")
    told = reviewed(base="HEAD~1")
    assert (told["exit"], told["meaning"], len(told["elsewhere"])) == (0, "unknown", 7)
    said = Said("review", "--base", "HEAD~1").out
    assert "7 files changed elsewhere are not looked at: 0.md, 1.md, 2.md, 3.md, 4.md, …" in said


def test_what_cannot_be_read_is_told_and_not_guessed(clone: Clone) -> None:
    clone.edit("12", "version: 1", "version: one")
    clone.declare("13", 4)
    clone.edit("12", "version: 1", "version: one")
    told = reviewed("--author", NATIONAL)
    assert (told["exit"], told["meaning"], told["unread"]) == (1, "unknown", ["12"])
    assert parts(told) == [("13", "enrol", clinic(4))]
    assert "what was changed in 12 Region Skåne cannot be read" in Said("review", "--base", "main").out


def test_a_file_that_is_gone_withdraws_nobody(clone: Clone) -> None:
    clone.file("12").unlink()
    told = reviewed()
    assert (told["exit"], told["unread"], parts(told)) == (1, ["12"], [])
    assert "nobody can tell from the region files what it means" in Said("review", "--base", "main").out


def test_a_file_that_was_broken_before_is_not_this_changes_fault(clone: Clone) -> None:
    clone.edit("12", "version: 1", "version: one")
    clone.commit()
    assert (reviewed()["exit"], reviewed()["meaning"]) == (0, "none")


def test_nothing_is_slipped_into_a_file_while_it_cannot_be_read(clone: Clone) -> None:
    clone.edit("12", "version: 1", "version: one")
    clone.commit()
    clone.edit("12", clinic(1), clinic(7))
    told = reviewed("--author", SKANE)
    assert (told["exit"], told["meaning"], parts(told)) == (
        1,
        "unknown",
        [("12", "change-unread", "config/regions/12-region.yaml")],
    )
    assert [one["rule"] for one in told["findings"] if one["new"]] == ["unread-changed-without-right"]
    assert reviewed("--author", NATIONAL)["exit"] == 0
    assert "1 part: 1 unreadable file changed" in Said("review", "--base", "main", "--author", NATIONAL).out


def test_who_mends_a_file_changes_its_clinics_by_what_the_text_held(clone: Clone) -> None:
    clone.edit("12", "version: 1", "version: one")
    clone.commit()
    clone.clinics["12"].remove(clinic(1))
    clone.write()
    assert parts(reviewed()) == [("12", "withdraw", clinic(1)), ("12", "set-board", "SE2321000131-PN12")]


def test_a_line_of_two_that_goes_is_a_move_to_where_the_other_stands(clone: Clone) -> None:
    clone.clinics["13"].append(clinic(1))
    clone.write()
    clone.commit("twice")
    assert parts(reviewed(base="HEAD~1")) == [("13", "enrol", clinic(1))]
    clone.clinics["12"].remove(clinic(1))
    clone.write()
    assert parts(reviewed()) == [("13", "move", clinic(1))]


def test_what_others_have_merged_since_is_no_part_of_it(clone: Clone) -> None:
    clone.git("checkout", "-qb", "proposal")
    clone.declare("13", 4)
    clone.commit("mine")
    mine = dict(clone.clinics)
    clone.git("checkout", "-q", "main")
    clone.clinics["13"] = []
    clone.declare("14", 5)
    clone.commit("somebody else's")
    clone.git("checkout", "-q", "proposal")
    clone.clinics = mine
    told = reviewed("--author", HALLAND)
    assert (told["exit"], parts(told)) == (0, [("13", "enrol", clinic(4))])
    assert told["base"]["commit"] != told["base"]["since"]


def test_a_long_list_is_cut_and_shown_with_all(clone: Clone) -> None:
    clone.declare("13", *range(100, 150))
    short, long = (Said("review", "--base", "main", *more).out for more in ([], ["--all"]))
    assert "… and 10 more; --all shows them" in short
    assert (short.count("  + enrol"), long.count("  + enrol")) == (40, 50)


# ---- who may do that


@pytest.mark.parametrize("people", [["--author", HALLAND], ["--author", NATIONAL], ["--approved-by", HALLAND.upper()]])
def test_a_region_changes_its_clinics(clone: Clone, people: list[str]) -> None:
    clone.declare("13", 4)
    told = reviewed(*people)
    assert (told["exit"], rules(told), needs(told)) == (0, [], [[["13", "national"]]])
    assert told["parts"][0]["permitted"]


@pytest.mark.parametrize("people", [[], ["--author", SKANE], ["--author", SKANE, "--approved-by", "somebody"]])
def test_nobody_else_does(clone: Clone, people: list[str]) -> None:
    clone.declare("13", 4, 5)
    told = reviewed(*people)
    assert (told["exit"], rules(told)) == (1, ["clinic-changed-without-right"] * 2)
    assert not told["parts"][0]["permitted"]
    assert told["findings"][0]["remedy"] == f"have it approved by {NATIONAL} or {HALLAND}"


def test_a_move_between_files_takes_both_regions(clone: Clone) -> None:
    clone.clinics["13"].append(clone.clinics["12"].pop(0))
    clone.write()
    assert needs(reviewed()) == [[["12", "national"], ["13", "national"]]]
    told = reviewed("--author", SKANE)
    assert (told["exit"], rules(told)) == (1, ["clinic-moved-without-right"])
    assert told["findings"][0]["remedy"].startswith(f"have it approved by {NATIONAL} or {HALLAND}; where")
    assert reviewed("--author", SKANE, "--approved-by", HALLAND)["exit"] == 0
    assert "the register was not asked whether it shows the moves" in Said("review", "--base", "main").out


@pytest.mark.parametrize("author", [SKANE, HALLAND])
def test_a_move_that_the_register_shows_takes_either_region(clone: Clone, author: str) -> None:
    moved = clone.clinics["12"].pop(0)
    clone.clinics["13"].append(moved)
    clone.register[moved] = ("Mottagningen", "active", "13")
    clone.write()
    clone.git("checkout", "-q", "HEAD", "--", "register.csv")
    found = rules(reviewed("--live", "--author", author))
    assert {"clinic-of-other-region", "clinic-moved-without-right"} <= set(found)
    clone.write()
    told = reviewed("--live", "--author", author)
    assert (told["exit"], needs(told), told["parts"][0]["shown"]) == (0, [[["12", "13", "national"]]], "13")
    assert told["parts"][0]["after"]["name"] == "Mottagningen"
    assert "the e-services show it" in Said("review", "--base", "main", "--live", "--author", author).out


def test_half_of_a_move_that_the_register_shows_takes_either_region(clone: Clone) -> None:
    first, second, _third = clone.clinics["12"]
    clone.register |= dict.fromkeys((first, second), ("Mottagningen", "active", "13"))
    clone.clinics["12"].remove(first)
    clone.clinics["13"].append(second)
    clone.write()
    told = reviewed("--live", "--author", SKANE)
    assert parts(told) == [("12", "withdraw", first), ("13", "enrol", second)]
    assert needs(told) == [[["12", "13", "national"]]] * 2


def test_a_move_that_the_register_shows_elsewhere_is_told(clone: Clone) -> None:
    moved = clone.clinics["12"].pop(0)
    clone.clinics["13"].append(moved)
    clone.register[moved] = ("Mottagningen", "active", "14")
    clone.write()
    said = Said("review", "--base", "main", "--live", "--author", NATIONAL).out
    assert "(the e-services have it in 14 Västra Götalandsregionen, needs: 12 and 13)" in said


@pytest.mark.parametrize("people", [["--author", NATIONAL], ["--author", HALLAND, "--approved-by", NATIONAL]])
def test_a_board_is_set_nationally(clone: Clone, people: list[str]) -> None:
    clone.boards["13"] = board("13", "X-13")
    clone.write()
    assert reviewed(*people)["exit"] == 0
    told = reviewed("--author", HALLAND)
    assert (told["exit"], [one for one in rules(told) if one.endswith("right")]) == (1, ["board-changed-without-right"])


def test_approvals_rights_and_settings_are_national(clone: Clone) -> None:
    clone.approve("deactivates-region", "14")
    clone.access(ACCESS.replace(NATIONAL, f"{NATIONAL}, {SKANE}"))
    toml = clone.folder / "reconciler.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('"12", ', ""), encoding="utf-8")
    told = reviewed("--author", SKANE)
    assert (told["exit"], sorted(rules(told))) == (
        1,
        ["access-changed-without-right", "approval-changed-without-right", "settings-changed-without-right"],
    )
    assert reviewed("--author", NATIONAL)["exit"] == 0


def test_who_edits_the_rights_in_the_same_change_gains_nothing_by_it(clone: Clone) -> None:
    clone.boards["13"] = board("13", "X-13")
    clone.write()
    clone.access(ACCESS.replace(NATIONAL, HALLAND))
    told = reviewed("--author", HALLAND)
    assert {"board-changed-without-right", "access-changed-without-right"} <= set(rules(told))


def test_a_register_that_is_away_is_told_and_the_rest_goes_on(clone: Clone) -> None:
    clone.clinics["13"].append(clone.clinics["12"].pop(0))
    clone.write()
    (clone.folder / "register.csv").unlink()
    told = reviewed("--live", "--author", NATIONAL)
    assert (told["exit"], told["register"]["asked"], len(told["parts"])) == (69, False, 1)


def test_rights_that_are_a_folder_are_nobodys(clone: Clone) -> None:
    clone.access(None)
    (clone.folder / "config" / "access.yaml").mkdir()
    assert rules(Said("validate", "--format", "json").json()) == ["file-unreadable"]


def test_rights_are_those_of_the_base_as_it_is_now(clone: Clone) -> None:
    clone.git("checkout", "-qb", "proposal")
    clone.git("checkout", "-q", "main")
    clone.access(ACCESS.replace(HALLAND, "en-annan"))
    clone.commit("no longer")
    clone.git("checkout", "-q", "proposal")
    clone.declare("13", 4)
    assert rules(reviewed("--author", HALLAND)) == ["clinic-changed-without-right"]
    assert rules(reviewed("--author", "en-annan")) == []


def test_without_rights_on_the_base_it_is_told_and_not_checked(clone: Clone) -> None:
    clone.access(None)
    clone.commit()
    clone.access()
    clone.boards["13"] = board("13", "X-13")
    clone.write()
    told = reviewed("--author", "somebody")
    assert (told["exit"], told["checked"], told["parts"][0]["permitted"]) == (0, False, None)
    said = Said("review", "--base", "main").out
    assert "(needs: national)" in said
    assert "the base has no access.yaml: whose right each part takes is told, and not checked" in said


@pytest.mark.parametrize(
    "text", ["", "national: []\nregions: {'99': []}\n", "[]", "national: [x y]\nregions: {}\n", "\t"]
)
def test_rights_that_cannot_be_read_are_nobodys(clone: Clone, text: str) -> None:
    clone.access(text)
    assert Said("validate").code == 1
    told = reviewed("--author", NATIONAL)
    assert (told["exit"], parts(told)) == (1, [])
    clone.commit()
    clone.declare("13", 4)
    assert "clinic-changed-without-right" in rules(reviewed("--author", NATIONAL))


def test_where_nobody_has_the_right_yet_it_is_said(clone: Clone) -> None:
    clone.access("national: []\nregions: {}\n")
    clone.commit()
    clone.declare("13", 4)
    (finding,) = reviewed("--author", SKANE)["findings"]
    assert finding["remedy"].startswith("have it approved by somebody with that right, whom the access.yaml")


def test_of_many_with_the_right_some_are_named(clone: Clone) -> None:
    clone.access("national: [" + ", ".join(f"nummer-{n:02}" for n in range(12)) + "]\nregions: {}\n")
    clone.commit()
    clone.declare("13", 4)
    (finding,) = reviewed("--author", SKANE)["findings"]
    assert finding["remedy"].endswith(" or nummer-09, or one of 2 more")


def test_who_is_not_named_is_asked_to_be(clone: Clone) -> None:
    clone.declare("13", 4)
    assert "nobody is named: --author and --approved-by say who" in Said("review", "--base", "main").out


# ---- the order of a board


def test_an_order_that_another_board_had_long_ago_is_told(clone: Clone) -> None:
    clone.boards["12"] = board("12", "X-99")
    clone.write()
    clone.commit("another order")
    clone.boards["13"] = board("13", "X-12")
    clone.write()
    told = reviewed("--author", NATIONAL)
    finding = next(one for one in told["findings"] if one["rule"] == "board-order-used")
    assert (told["exit"], finding["line"]) == (1, 7)
    assert finding["problem"] == "the order X-12 was that of another patient board: SE2321000131-PN12 (12 Region Skåne)"


def test_an_order_that_came_and_went_on_a_branch_is_used_too(clone: Clone) -> None:
    clone.git("checkout", "-qb", "side")
    for one in (board("13", "X-77"), None):
        clone.boards["13"] = one
        clone.write()
        clone.commit("on a branch")
    clone.git("checkout", "-q", "main")
    clone.git("commit", "-q", "--allow-empty", "-m", "meanwhile")
    clone.git("merge", "-q", "--no-ff", "-m", "merged", "side")
    clone.boards["14"] = {**board("14", "X-77"), "hsa_id": "SE2321000131-PN15"}
    clone.write()
    assert "board-order-used" in rules(reviewed("--author", NATIONAL))


def test_the_settings_of_a_clone_change_nothing(clone: Clone) -> None:
    for key, value in (("log.showSignature", "true"), ("diff.noprefix", "true"), ("diff.interHunkContext", "99")):
        clone.git("config", key, value)
    clone.boards["12"] = board("12", "X-99")
    clone.write()
    clone.commit("another order")
    clone.boards["13"] = board("13", "X-12")
    clone.write()
    assert "board-order-used" in rules(reviewed("--author", NATIONAL))


def test_the_same_board_under_its_order_is_not_another_one(clone: Clone) -> None:
    clone.boards["14"] = None
    clone.write()
    clone.commit("taken away")
    clone.boards["14"] = board("14", "X-14")
    clone.write()
    assert "board-order-used" not in rules(reviewed("--author", NATIONAL))
    clone.boards["14"] = {**board("14", "X-14"), "hsa_id": "SE2321000131-PN15"}
    clone.write()
    assert "board-order-used" in rules(reviewed("--author", NATIONAL))


def test_one_fault_about_an_order_is_told_once(clone: Clone) -> None:
    clone.boards["14"] = {**board("14", "X-14"), "hsa_id": "SE2321000131-PN15"}
    clone.write()
    found = rules(reviewed("--live", "--author", NATIONAL))
    assert [one for one in found if one.startswith("board-order")] == ["board-order-reused"]


def test_a_board_without_an_order_is_not_looked_for(clone: Clone) -> None:
    clone.boards["13"] = board("13", "X-13")
    clone.write()
    clone.edit("13", '"X-13"', "null")
    assert "board-order-used" not in rules(reviewed("--author", NATIONAL))


# ---- what git cannot tell


def shallow(clone: Clone, folder: str) -> Path:
    target = clone.folder / folder
    command = ["git", "clone", "-q", "--depth", "1", "--no-single-branch", f"file://{clone.folder}", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def test_a_shallow_clone_that_cannot_tell_says_so(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    clone.git("checkout", "-qb", "proposal")
    clone.boards["13"] = board("13", "X-13")
    clone.write()
    clone.commit("a board")
    target = shallow(clone, "shallow")
    monkeypatch.chdir(target)
    said = Said("review", "--base", "origin/main")
    assert (said.code, "the clone is shallow, so nobody can tell where origin/main was left" in said.err) == (69, True)
    text = (target / "config/regions/13-region.yaml").read_text(encoding="utf-8")
    (target / "config/regions/13-region.yaml").write_text(text.replace("X-13", "X-14"), encoding="utf-8")
    said = Said("review", "--base", "HEAD")
    assert (said.code, "the clone is shallow, so nobody can tell which boards" in said.err) == (69, True)


def test_a_base_that_has_nothing_in_common_is_compared_with_as_it_is(clone: Clone) -> None:
    clone.git("checkout", "-q", "--orphan", "other")
    clone.declare("13", 4)
    clone.commit("anew")
    told = reviewed("--author", NATIONAL)
    assert (parts(told), told["base"]["commit"]) == ([("13", "enrol", clinic(4))], told["base"]["since"])


def test_a_base_that_is_not_there_is_wrong_usage(clone: Clone) -> None:
    said = Said("review", "--base", "origin/nowhere")
    assert (said.code, "there is no revision origin/nowhere" in said.err) == (64, True)


def test_settings_outside_of_the_clone_are_nobodys_part(clone: Clone, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "reconciler.toml"
    elsewhere.write_text('regions = ["12", "13", "14"]\ndemo = true\n', encoding="utf-8")
    said = Said("--settings", str(elsewhere), "--config", "config", "review", "--base", "main", "--format", "json")
    assert (said.code, said.json()["meaning"]) == (0, "none")


def test_a_job_with_settings_of_its_own_sees_that_those_of_the_clone_change(
    clone: Clone, tmp_path_factory: Any
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "reconciler.toml"
    elsewhere.write_text('regions = ["12", "13", "14"]\ndemo = true\n', encoding="utf-8")
    (clone.folder / "reconciler.toml").unlink()
    ask = ("--settings", str(elsewhere), "--config", "config", "review", "--base", "main", "--format", "json")
    assert parts(Said(*ask, "--author", NATIONAL).json()) == [(None, "change-settings", "reconciler.toml")]


# ---- who it was, as the job knows


def event(folder: Path, **more: Any) -> str:
    told = {"pull_request": {"user": {"login": "region-13-Forvaltare"}, "head": {"sha": "abc"}}, **more}
    path = folder / "event.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return str(path)


def people(*arguments: str) -> tuple[str | None, list[str]]:
    told = reviewed(*arguments)
    return told["author"], told["approved_by"]


def test_a_job_of_github_knows_who_wrote_it(clone: Clone, tmp_path_factory: Any, monkeypatch: Any) -> None:
    folder = tmp_path_factory.mktemp("job")
    monkeypatch.setenv("GITHUB_ACTOR", "who-started-it")
    assert people() == ("who-started-it", [])
    monkeypatch.setenv("GITHUB_EVENT_PATH", event(folder))
    assert people() == ("region-13-Forvaltare", [])
    assert people("--author", "a", "--approved-by", "b") == ("a", ["b"])
    monkeypatch.setenv("RECONCILER_AUTHOR", "c")
    monkeypatch.setenv("RECONCILER_APPROVED_BY", " d, e\nf ")
    assert people() == ("c", ["d", "e", "f"])
    monkeypatch.setenv("RECONCILER_APPROVED_BY", "d d,,d")
    assert people() == ("c", ["d"])


@pytest.mark.parametrize(
    ("state", "commit", "approved"), [("approved", "abc", ["x"]), ("approved", "older", []), ("commented", "abc", [])]
)
def test_an_approval_counts_for_the_commit_that_it_is_of(
    clone: Clone, tmp_path_factory: Any, monkeypatch: Any, state: str, commit: str, approved: list[str]
) -> None:
    given = {"state": state, "commit_id": commit, "user": {"login": "x"}}
    monkeypatch.setenv("GITHUB_EVENT_PATH", event(tmp_path_factory.mktemp("job"), review=given))
    assert people()[1] == approved


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pull_request": null}', '{"pull_request": {"user": 3}}'])
def test_an_event_that_says_something_else_says_nothing(
    clone: Clone, tmp_path_factory: Any, monkeypatch: Any, text: str
) -> None:
    path = tmp_path_factory.mktemp("job") / "event.json"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
    assert people() == (None, [])


def test_a_job_of_gitlab_knows_who_started_it(clone: Clone, monkeypatch: Any) -> None:
    monkeypatch.setenv("GITLAB_USER_LOGIN", SKANE)
    assert people() == (SKANE, [])


# ---- for the next steps of a job


def test_a_job_hands_on_what_it_means(clone: Clone, tmp_path_factory: Any, monkeypatch: Any) -> None:
    output = tmp_path_factory.mktemp("job") / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    Said("review", "--base", "main", "--format", "github")
    assert output.read_text(encoding="utf-8").endswith("failures=0\nmeaning=none\nparts=0\n")


def test_warnings_fail_where_that_is_asked_for(clone: Clone) -> None:
    clone.boards["13"] = board("13", "X-13")
    clone.write()
    assert Said("review", "--base", "main", "--author", NATIONAL).code == 0
    assert Said("review", "--base", "main", "--author", NATIONAL, "--strict").code == 1
