"""The job as units of systemd: what systemd itself says of them, and who is told how a run went."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from handed_out import FOLLOW_UPS, ROOT, said

from reconciler.findings import Exit

FOLDER = ROOT / "deploy/systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
UNITS = [*SERVICES, *FOLDER.glob("*.timer")]
CODES = sorted(int(code) for code in Exit)

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")


def settings(unit: str, key: str) -> list[str]:
    """Return every value that a unit gives a key."""
    return re.findall(rf"^{key}=(.*)$", (FOLDER / unit).read_text(encoding="utf-8"), re.MULTILINE)


# ---- what systemd says


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A file system with our units where the page says that they go, and with all that they name."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, units)
        for line in settings(unit.name, "ExecStart(?:Pre)?"):
            program = tmp_path / line.split()[0][1:]
            program.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("/bin/sh", program)
    for target in ("sysinit", "basic", "shutdown", "network-online", "time-set", "time-sync", "timers"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=one of systemd's own\n", encoding="utf-8")
    return tmp_path


@needs_systemd
def test_systemd_has_nothing_to_say_of_the_units(root):
    names = [unit.name for unit in UNITS]
    assert said("systemd-analyze", "verify", "--man=no", f"--root={root}", *names) == (0, "")


@needs_systemd
def test_systemd_tells_of_a_unit_that_is_wrong(root):
    unit = root / "etc/systemd/system/reconciler.service"
    unit.write_text(unit.read_text(encoding="utf-8").replace("ProtectSystem=", "ProtectSystems="), encoding="utf-8")
    _code, told = said("systemd-analyze", "verify", "--man=no", f"--root={root}", unit.name)
    assert "Unknown key" in told


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_unit_can_do_little_more_than_its_work(unit):
    code, told = said("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", unit)
    assert code == 0, told.splitlines()[-1]


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="systemd-sysusers is missing")
def test_systemd_makes_the_user_that_the_job_runs_as(tmp_path):
    code, told = said("systemd-sysusers", "--dry-run", f"--root={tmp_path}", FOLDER / "sysusers.conf")
    (user,) = settings("reconciler.service", "User")
    assert (code, f"Creating user '{user}'" in told) == (0, True), told


# ---- what an exit code leads to


def test_the_page_gives_every_exit_code_a_follow_up():
    assert sorted(FOLLOW_UPS) == CODES


def test_the_unit_takes_as_well_done_what_nobody_need_be_woken_for():
    (line,) = settings("reconciler.service", "SuccessExitStatus")
    assert {int(code) for code in line.split()} == {Exit.LEFT_OUT, Exit.LOCKED}


def test_both_ways_a_run_can_end_are_told():
    assert settings("reconciler.service", "On(?:Success|Failure)") == ["reconciler-outcome.service"] * 2


class Outcome:
    """The program that tells how a run went, with a journal and with commands that write down what they are told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = folder / "told"
        self.told.touch()
        (folder / "state").mkdir()
        (folder / "bin").mkdir()
        self._program("journalctl", 'echo "run ${*##*=}"')
        for name in ("ticket", "page"):
            self._program(name, f'echo "{name}: $1: $(cat)" >>{self.told}')

    def _program(self, name: str, does: str) -> None:
        program = self.folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        program.chmod(0o755)

    def of(self, *codes: int, result: str = "", **environ: str) -> list[str]:
        """Return the first word of what is told in the end, when runs have ended with *codes*."""
        for code in codes:
            fine = code in (Exit.DONE, Exit.LEFT_OUT, Exit.LOCKED)
            self._run(str(code), result or ("success" if fine else "exit-code"), environ)
        return [line.partition(":")[0] for line in self.told.read_text(encoding="utf-8").splitlines()]

    def _run(self, code: str, result: str, environ: dict[str, str]) -> None:
        monitor = {
            "MONITOR_EXIT_STATUS": code,
            "MONITOR_SERVICE_RESULT": result,
            "MONITOR_INVOCATION_ID": "1f",
            "STATE_DIRECTORY": str(self.folder / "state"),
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
        }
        programs = {f"RECONCILER_{name.upper()}": f"{self.folder}/bin/{name}" for name in ("ticket", "page")}
        subprocess.run(
            [FOLDER / "reconciler-outcome"], env=monitor | programs | environ, check=True, capture_output=True
        )


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    return Outcome(tmp_path)


TOLD = {
    "inget": [[], [], []],
    "ärende": [["ticket"]] * 3,
    "nytt försök": [[], [], []],
    "nytt försök, tredje gången larm": [[], [], ["page"]],
    "larm": [["page"], ["page"] * 2, ["page"] * 3],
}


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("code", CODES)
def test_a_run_that_ends_so_again_and_again_is_told_as_the_page_says(outcome, code, times):
    assert outcome.of(*[code] * times) == TOLD[FOLLOW_UPS[code]][times - 1]


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([3, 3, 0, 3], ["ticket", "ticket"]),
        ([3, 69, 3], ["ticket"]),
        ([3, 4], ["ticket", "ticket"]),
        ([69, 69, 0, 69, 69], []),
        ([69, 75, 69, 130, 69], ["page"]),
        ([69, 69, 69, 69], ["page", "page"]),
        ([3, 75, 3], ["ticket"]),
    ],
)
def test_what_came_before_counts(outcome, codes, told):
    assert outcome.of(*codes) == told


@pytest.mark.parametrize("result", ["timeout", "signal", "oom-kill", "core-dump"])
def test_a_run_that_did_not_end_by_itself_wakes_somebody(outcome, result):
    assert outcome.of(0, result=result) == ["page"]


def test_who_is_told_gets_a_headline_and_what_was_said(outcome):
    outcome.of(78)
    assert outcome.told.read_text(encoding="utf-8") == "page: reconciler: körningen misslyckades (78): run 1f\n"


def test_without_commands_of_their_own_it_stays_in_the_journal(outcome):
    assert outcome.of(78, 3, RECONCILER_PAGE="", RECONCILER_TICKET="") == []


# ---- how the files get there


def test_a_git_server_that_does_not_answer_is_like_a_register_that_does_not(tmp_path):
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", tmp_path / "repo"], check=True)
    subprocess.run(["git", "-C", tmp_path / "repo", "remote", "set-url", "origin", tmp_path / "gone"], check=True)
    (line,) = settings("reconciler.service", "ExecStartPre")
    shell = re.fullmatch("/bin/sh -c '(.*)'", line)
    assert shell
    ran = subprocess.run(["sh", "-c", shell[1]], cwd=tmp_path / "repo", capture_output=True, check=False)
    assert ran.returncode == Exit.UNANSWERED


# ---- by hand


def test_by_hand_it_is_the_same_as_the_job_runs(tmp_path):
    """With the paths of the page moved to a folder, and somebody who is root."""
    program = (FOLDER / "reconciler-by-hand").read_text(encoding="utf-8")
    for place in ("/etc/reconciler", "/var/lib/reconciler", "/opt/reconciler"):
        program = program.replace(place, f"{tmp_path}{place}")
    for folder in ("etc/reconciler/secrets", "var/lib/reconciler/repo", "opt/reconciler/bin", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    for name, does in (("opt/reconciler/bin/reconciler", 'echo "$PWD $*"; env'), ("bin/id", "echo ${ME:-0}")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    lines = [
        "# a word",
        "RECONCILER_DATABASE=postgresql+psycopg://reconciler@db/x?application_name=a b",
        "RECONCILER_REGISTER_PASSWORD_FILE=/run/credentials/reconciler.service/secret_register",
    ]
    (tmp_path / "etc/reconciler/environment").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    command = ["sh", "-c", program, "reconciler", "history", "--since", "2026-05-01"]
    ran = subprocess.run(command, env=path, capture_output=True, text=True, check=True)
    first, *environ = ran.stdout.splitlines()
    assert first == f"{tmp_path}/var/lib/reconciler/repo history --since 2026-05-01"
    assert lines[1] in environ
    assert f"RECONCILER_REGISTER_PASSWORD_FILE={tmp_path}/etc/reconciler/secrets/register" in environ
    assert f"PGPASSFILE={tmp_path}/etc/reconciler/secrets/pgpass" in environ
    assert subprocess.run(command, env=path | {"ME": "1000"}, capture_output=True, check=False).returncode == Exit.USAGE
