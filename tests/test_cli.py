"""The command line as a person and a job meet it: what it prints where, and how it ends, on the real example."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from spoken import Said

from reconciler import __main__ as entry
from reconciler import __version__, validation
from reconciler.findings import Exit

ROOT = Path(__file__).parent.parent
MOVED = "SE162321000255-O25177"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "reconciler.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def applied(example: Path) -> Path:
    assert Said("db", "init").code == 0
    assert Said("apply").code == 0
    return example


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_example_is_valid_offline_and_live(example: Path) -> None:
    assert Said("validate").code == 0
    assert Said("validate", "--live").code == 0
    assert Said("validate", "--format", "json").json()["summary"]["clinics"] == 660


def test_validate_live_asks_and_says_when_nobody_answers(example: Path) -> None:
    (example / "demo" / "register.csv").unlink()
    said = Said("validate", "--live", "--format", "json")
    assert (said.code, said.json()["failures"][0]["kind"], said.json()["ok"]) == (69, "missing", False)


def test_every_fault_of_every_file_is_told_in_one_run(example: Path) -> None:
    regions = example / "config" / "regions"
    edit(regions / "01-stockholm.yaml", "Region Stockholm", "Stockholms län")
    edit(regions / "12-skane.yaml", MOVED, "SE162321OO0255-O11116")
    (regions / "25-norrbotten.yaml").unlink()
    (regions / "99-nowhere.yaml").write_text("", encoding="utf-8")
    shutil.copy(regions / "14-vastra-gotaland.yaml", regions / "14-again.yaml")
    said = Said("validate", "--format", "json")
    assert said.code == 1
    assert {finding["rule"] for finding in said.json()["findings"]} == {
        "region-name-differs",
        "hsa-id-malformed",
        "region-file-missing",
        "file-name-without-region",
        "region-declared-twice",
    }


def test_a_clinic_in_two_files_is_told_with_both_places(example: Path) -> None:
    edit(example / "config" / "regions" / "03-uppsala.yaml", "clinics: {}", f"clinics:\n  {MOVED}: Svalöv")
    (finding,) = Said("validate", "--format", "json").json()["findings"]
    assert (finding["rule"], finding["related"][0]["path"]) == ("duplicate-clinic", "config/regions/03-uppsala.yaml")


def test_an_example_board_is_refused_where_it_is_no_demo(example: Path) -> None:
    edit(example / "reconciler.toml", "demo = true", "demo = false")
    assert Said("validate").code == 1
    assert Said("db", "init").code == 0
    said = Said("apply", "--format", "json")
    assert (said.code, said.json()["summary"]["enrol"], said.json()["summary"]["set-board"]) == (3, 660, 0)


def test_plan_before_there_is_a_database_compares_with_an_empty_one_and_makes_none(example: Path) -> None:
    said = Said("plan")
    assert (said.code, "compared with an empty one" in said.err) == (0, True)
    assert Said("status").code == 0
    assert not (example / "reconciler.db").exists()


def test_apply_and_check_without_a_database_name_the_command_that_makes_one(example: Path) -> None:
    for command in (["apply"], ["db", "check"]):
        said = Said(*command)
        assert (said.code, "reconciler db init" in said.err) == (78, True)
    assert not (example / "reconciler.db").exists()


def test_after_apply_nothing_is_left_to_do(applied: Path) -> None:
    assert Said("plan", "--detailed-exitcode").code == 0
    again = Said("apply", "--format", "json").json()
    assert (again["run"], again["applied"], again["changes"]) == (2, 0, [])
    assert Said("db", "check").code == 0
    assert Said("db", "upgrade").code == 0


def test_plan_tells_changes_from_none_where_asked(example: Path) -> None:
    assert (Said("plan").code, Said("plan", "--detailed-exitcode").code) == (0, 2)


def test_only_the_regions_asked_for_are_done(example: Path) -> None:
    Said("db", "init")
    said = Said("apply", "--region", "10", "--region", "18", "--format", "json")
    assert [region["verdict"] for region in said.json()["regions"]] == ["applied", "applied"]
    rows = {region["region"]: region["enrolled"] for region in Said("status", "--format", "json").json()["regions"]}
    assert (rows["10"], rows["18"], rows["14"]) == (20, 4, 0)
    assert Said("plan", "--region", "10", "--detailed-exitcode").code == 0
    assert Said("plan", "--region", "99").code == 64


def test_the_day_after_is_followed(applied: Path) -> None:
    edit(applied / "reconciler.toml", "register.csv", "register-tomorrow.csv")
    plan = Said("plan", "--format", "json").json()
    assert {change["action"] for change in plan["changes"]} == {"move", "rename"}
    rules = {finding["rule"] for finding in plan["findings"]}
    assert rules == {"clinic-moved", "enrolled-clinic-inactive", "enrolled-clinic-unknown", "clinic-name-differs"}
    assert Said("apply").code == 0
    assert Said("plan", "--detailed-exitcode").code == 0


def test_two_plans_are_the_same_bytes(applied: Path) -> None:
    assert Said("plan", "--format", "json").out == Said("plan", "--format", "json").out


def test_the_fingerprint_does_not_know_a_comment(example: Path) -> None:
    before = Said("plan", "--format", "json").json()
    edit(example / "config" / "regions" / "03-uppsala.yaml", "version: 1", "# a comment\nversion: 1")
    after = Said("plan", "--format", "json").json()
    assert before["fingerprint"] == after["fingerprint"]
    assert before["config"] != after["config"]


def test_a_log_that_was_altered_does_not_pass_the_check(applied: Path) -> None:
    assert Said("db", "check").code == 0
    with contextlib.closing(sqlite3.connect("reconciler.db")) as connection, connection:
        connection.execute("UPDATE change SET subject = 'SE2321000131-X' WHERE region = '14' AND sequence = 3")
    said = Said("db", "check")
    assert (said.code, said.out) == (78, "the log of region 14 does not fit from change 3 on\n")


def test_the_version_is_said_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["reconciler", "--version"])
    entry.main()
    assert capsys.readouterr().out == f"reconciler {__version__}\n"


def test_a_git_that_does_not_answer_stops_the_run(applied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (applied / ".git").mkdir()
    edit(applied / "reconciler.toml", "register.csv", "register-tomorrow.csv")
    said = Said("apply", "--format", "json")
    assert (said.code, said.json()["failures"][0]["source"]) == (69, "git")
    assert said.json()["applied"] == 0


def test_status_shows_boards_activity_and_the_last_run(applied: Path) -> None:
    status = Said("status", "--format", "json").json()
    assert len(status["regions"]) == 21
    assert sum(region["active"] for region in status["regions"]) == 8
    assert (status["last_run"]["id"], status["last_run"]["status"]) == (1, "done")
    assert "SE2321000131-PNEXEMPEL" in Said("status").out


def test_status_without_a_register_shows_the_database_and_says_what_failed(applied: Path) -> None:
    (applied / "demo" / "register.csv").unlink()
    said = Said("status", "--format", "json")
    regions = {region["region"]: region for region in said.json()["regions"]}
    assert (said.code, regions["14"]["enrolled"], regions["14"]["pending"]) == (69, 313, None)


def test_a_register_that_is_away_stops_the_run(applied: Path) -> None:
    (applied / "demo" / "register.csv").unlink()
    for command in ("plan", "apply"):
        said = Said(command, "--format", "json")
        assert (said.code, said.json()["failures"][0]["source"]) == (69, "register")
    assert Said("explain", MOVED).code == 69


def test_a_region_that_is_stopped_keeps_its_last_word(applied: Path) -> None:
    edit(applied / "config" / "regions" / "14-vastra-gotaland.yaml", "version: 1", "version: 2")
    said = Said("apply", "--format", "json")
    verdicts = {region["region"]: region["verdict"] for region in said.json()["regions"]}
    assert (said.code, verdicts["14"], verdicts["12"]) == (3, "stopped", "unchanged")
    regions = {region["region"]: region for region in Said("status", "--format", "json").json()["regions"]}
    assert (regions["14"]["declared"], regions["14"]["enrolled"]) == (None, 313)


def test_a_move_waits_for_a_region_that_is_stopped(applied: Path) -> None:
    edit(applied / "reconciler.toml", "register.csv", "register-tomorrow.csv")
    edit(applied / "config" / "regions" / "10-blekinge.yaml", "version: 1", "version: 2")
    said = Said("apply", "--format", "json")
    assert said.code == 3
    assert "move-waits" in {finding["rule"] for finding in said.json()["findings"]}
    with contextlib.closing(sqlite3.connect("reconciler.db")) as connection:
        row = connection.execute("SELECT region_code FROM complaints_clinic WHERE hsa_id = ?", (MOVED,)).fetchone()
    assert row == ("12",)


def test_a_national_guard_stops_everything(applied: Path) -> None:
    for path in (applied / "config" / "regions").iterdir():
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.partition("clinics:\n")[0] + "clinics: {}\n" if "clinics:\n" in text else text, encoding="utf-8"
        )
    before = (applied / "reconciler.db").read_bytes()
    said = Said("apply", "--format", "json")
    assert (said.code, said.json()["run"], said.json()["applied"]) == (4, None, 0)
    assert (applied / "reconciler.db").read_bytes() == before


def test_an_old_commit_is_not_applied_again(applied: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("add", "config")
    git("commit", "-qm", "one")
    edit(applied / "config" / "regions" / "18-orebro-lan.yaml", "Karlskoga", "Degerfors")
    git("commit", "-qam", "two")
    assert Said("apply").code == 0
    git("checkout", "-q", "HEAD~1")
    assert Said("apply").code == 0, "nothing to do is never refused"
    edit(applied / "reconciler.toml", "register.csv", "register-tomorrow.csv")
    said = Said("apply", "--format", "json")
    assert said.code == 4
    assert "config-went-back" in {finding["rule"] for finding in said.json()["findings"]}


def test_a_clinic_is_explained(applied: Path) -> None:
    said = Said("explain", MOVED.lower(), "--format", "json")
    story = said.json()
    assert (story["clinic"], story["outcome"], story["enrolled"]["region_code"]) == (MOVED, "in-place", "12")
    assert story["declared"][0]["path"] == "config/regions/12-skane.yaml"
    assert "Helsa Vårdcentral Bromölla" in Said("explain", MOVED).out
    assert Said("explain", "SE2321000131-E999999999999").code == 0


def test_a_clinic_whose_file_cannot_be_read_is_explained_by_what_is_wrong_with_the_file(example: Path) -> None:
    with (example / "config/regions/14-vastra-gotaland.yaml").open("a", encoding="utf-8") as file:
        file.write("clinics: {}\n")
    said = Said("explain", "SE2321000131-E000000000458").out
    assert ("no file that can be read declares it" in said, "[duplicate-key]" in said) == (True, True)
    assert "[duplicate-key]" not in Said("explain", "SE2321000016-F1Z7").out


def test_a_rule_is_explained_and_a_close_one_offered(example: Path) -> None:
    assert "Only clinics activated" in Said("explain", "clinic-not-active").out
    Said("explain", "clinic-not-active", "--format", "json").json()
    said = Said("explain", "clinic-not-activ")
    assert (said.code, "did you mean clinic-not-active?" in said.err) == (64, True)
    assert Said("explain", "x" * 40).code == 64


def test_wrong_usage_and_wrong_settings_have_their_own_codes(example: Path) -> None:
    assert Said("plan", "--no-such-flag").code == 64
    assert Said("--config", "gone", "validate").code == 78
    assert Said("--database", "nonsense", "plan").code == 78
    assert Said("--version").code == 0
    edit(example / "reconciler.toml", "demo =", "dmeo =")
    assert "demo" in Said("validate").err


def test_the_settings_can_be_named(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(example / "config")
    assert Said("--settings", "../reconciler.toml", "validate").code == 0


def test_a_bug_prints_a_block_to_paste(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "examine", lambda *_a, **_k: 1 / 0)
    said = Said("validate")
    assert (said.code, "ZeroDivisionError" in said.err, "```" in said.err) == (70, True, True)


def test_an_interruption_is_told(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_a: object, **_k: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(validation, "examine", interrupted)
    assert Said("validate").code == Exit.INTERRUPTED


def test_a_reader_that_has_seen_enough_is_no_fault(example: Path) -> None:
    command = f"{sys.executable} -m reconciler plan --all | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert "Traceback" not in done.stderr


def test_the_actor_is_who_started_it(applied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "LOGNAME", "USER"):
        monkeypatch.delenv(name, raising=False)
    Said("apply")
    assert Said("status", "--format", "json").json()["last_run"]["actor"] == f"uid {os.getuid()}"
    monkeypatch.setenv("GITHUB_ACTOR", "someone")
    Said("apply")
    assert Said("status", "--format", "json").json()["last_run"]["actor"] == "someone"


def test_a_database_that_someone_else_holds_is_said_so(applied: Path) -> None:
    edit(applied / "reconciler.toml", "register.csv", "register-tomorrow.csv")
    edit(applied / "reconciler.toml", "demo =", 'lock_timeout = "1s"\ndemo =')
    with contextlib.closing(sqlite3.connect("reconciler.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = Said("apply")
        other.execute("ROLLBACK")
    assert said.code == 75


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_rolls_the_region_at_hand_back_and_says_what_was_done(example: Path, number: int, code: int) -> None:
    Said("db", "init")
    # A trigger makes the region that enrols the last clinic slow, so that the signal meets a transaction.
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) SELECT count(*) FROM n"
    with contextlib.closing(sqlite3.connect("reconciler.db")) as connection, connection:
        connection.execute(
            "CREATE TRIGGER slow AFTER INSERT ON complaints_clinic WHEN NEW.region_code = '14' "
            f"BEGIN SELECT ({slow}); END"
        )
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored, in children too
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--format", "json"], stdout=subprocess.PIPE
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.closing(sqlite3.connect("reconciler.db")) as connection:
            if connection.execute("SELECT count(*) FROM complaints_clinic WHERE region_code = '12'").fetchone() != (0,):
                break
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    out, _err = process.communicate(timeout=120)
    verdicts = {region["region"]: region["verdict"] for region in json.loads(out)["regions"]}
    assert json.loads(out)["failures"] == []
    assert process.returncode == code
    assert (verdicts["12"], verdicts["14"], verdicts["25"]) == ("applied", "not-attempted", "not-attempted")
    with contextlib.closing(sqlite3.connect("reconciler.db")) as connection:
        assert connection.execute("SELECT status FROM run").fetchall() == [("interrupted",)]
