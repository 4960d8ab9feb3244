"""A month at the complaints service, day by day: git with a remote, register and TAK over HTTP, PostgreSQL, the job.

What happens is told by whoever uses it; here stands how it happens, and the log that is kept of it. Time alone is
imagined: the clock of the command line is set to the day.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import made_tak
import pytest
import register_server
import tak_server

from reconciler.cli import run

ROOT = Path(__file__).parent.parent
FIRST = datetime(2026, 6, 1, 6, 23, tzinfo=ZoneInfo("Europe/Stockholm"))
DAYS = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")
_REGION = re.compile(r"(\d\d) [^:/]+: (.*)")

SETTINGS = """\
lang = "sv"
demo = true
[register]
source = "http"
url = "{register}"
retries = 0
[routes]
source = "coop"
url = "{tak}/coop/api/v2"
platform = "NTJP"
environment = "TEST"
domain = "{domain}"
ignore = ["{own}"]
retries = 0
"""


class Month:
    """The month, while it lasts. `log` is what happened, as somebody would tell it."""

    def __init__(self, folder: Path, register: register_server.Stand, tak: tak_server.Stand) -> None:
        self.register, self.tak = register, tak
        self.clinics = _rows()
        self.routes = [made_tak.OWN]
        self.day, self.hours = 0, (FIRST.hour,)
        self.now = FIRST
        self.log: list[str] = []
        self.said: list[str] = []
        self.remote, self.desk, self.job = folder / "origin.git", folder / "desk", folder / "job"
        _git(folder, "init", "-q", "--bare", "-b", "main", str(self.remote))
        _git(folder, "clone", "-q", str(self.remote), str(self.desk))
        _git(self.desk, "switch", "-q", "-c", "main")
        shutil.copytree(ROOT / "config", self.desk / "config")
        parts = {"tak": tak.url, "domain": made_tak.COMPLAINTS, "own": made_tak.OWN}
        settings = SETTINGS.format(register=register.url, **parts)
        (self.desk / "reconciler.toml").write_text(settings, encoding="utf-8")
        self._pushed("inledning")
        _git(folder, "clone", "-q", str(self.remote), str(self.job))

    # ---- what people do

    def tell(self, text: str) -> None:
        """Write into the log what somebody would tell."""
        self.log.append(f"  {text}")

    @contextlib.contextmanager
    def proposal(self, title: str, *, looked_at: bool = True) -> Iterator[Path]:
        """Change files on a branch, have the check of the pull request look at them, and merge."""
        _git(self.desk, "switch", "-q", "-c", "forslag")
        yield self.desk / "config"
        _git(self.desk, "commit", "-qam", title)
        if looked_at:
            code, said = self.command(self.desk, "validate", "--base", "main")
            self.tell(f"förslag: {title}: kontrollen slutar med {code}")
            assert code == 0, said
        else:
            self.tell(f"sammanfogat utan kontroll: {title}")
        _git(self.desk, "switch", "-q", "main")
        _git(self.desk, "merge", "-q", "--no-ff", "-m", f"Sammanfoga: {title}", "forslag")
        _git(self.desk, "branch", "-q", "-D", "forslag")
        _git(self.desk, "push", "-q", "origin", "main")

    def checked(self, title: str, edit: dict[Path, tuple[str, str]]) -> int:
        """Have the check look at an edit that goes no further; return its exit code."""
        before = {path: path.read_text(encoding="utf-8") for path in edit}
        for path, (old, new) in edit.items():
            path.write_text(before[path].replace(old, new, 1), encoding="utf-8")
        code, said = self.command(self.desk, "validate", "--base", "main")
        self.tell(f"förslag: {title}: kontrollen slutar med {code}")
        self.log += [f"    {line}" for line in said if ": fel: " in line]
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
        return code

    def region(self, code: str) -> Path:
        """Return the file of a region, on the desk of whoever edits it."""
        return next((self.desk / "config" / "regions").glob(f"{code}-*.yaml"))

    def _pushed(self, title: str) -> None:
        _git(self.desk, "add", "-A")
        _git(self.desk, "commit", "-qm", title)
        _git(self.desk, "push", "-q", "origin", "main")

    # ---- what the job does

    def night(self) -> None:
        """Let it be the morning of the next day."""
        self.day += 1
        self.now = FIRST + timedelta(days=self.day - 1)
        self.log.append(f"{self.now.day} juni, {DAYS[self.now.weekday()]}")
        self._answers()

    def runs(self) -> int:
        """Run the job as its unit does: what is merged is fetched, and applied; return its exit code."""
        _git(self.job, "pull", "-q", "--ff-only")
        return self.applies()

    def applies(self) -> int:
        """Apply what the job's clone holds, every hour that it runs in a day, and log what it says the first time."""
        codes = []
        for number, hour in enumerate(self.hours):
            self.now = self.now.replace(hour=hour)
            self._answers()
            code, said = self.command(self.job, "apply")
            codes.append(code)
            if not number:
                self._kept(code, said)
        assert len(set(codes)) == 1, codes
        return codes[0]

    def _kept(self, code: int, said: list[str]) -> None:
        """Log what the job says, but for what it said the last time, and for places and counts."""
        counts = re.compile(r"\s|körning|21 regioner|\d+ av |$")
        told = [_steady(line) for line in said if not counts.match(line)]
        done = next((line.partition(": ")[2] for line in said if line.startswith("körning")), "inget ändrades")
        new = [line for line in _together(told) if line not in self.said and line != "inget att göra"]
        self.tell(f"jobbet slutar med {code}: {done}")
        self.log += [f"    {line}" for line in new]
        self.said = told

    def command(self, folder: Path, *arguments: str) -> tuple[int, list[str]]:
        """Run a command in a folder; return its exit code and the lines that it said."""
        said, here = io.StringIO(), Path.cwd()
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                return run(list(arguments)), said.getvalue().splitlines()
        finally:
            os.chdir(here)

    def _answers(self) -> None:
        """Let register and TAK say what holds, as of an hour ago."""
        made = self.now - timedelta(hours=1)
        entries = [dict(zip(("hsa_id", "name", "status", "region_code"), row, strict=True)) for row in self.clinics]
        head = {"format": "reconciler/register/1", "generated_at": made.isoformat(), "complete": True}
        self.register.document = {**head, "clinics": entries}
        routes = tuple(made_tak.Route(address) for address in self.routes)
        self.tak.tak = tak_server.tak(made_tak.dump(numbers=True, routes=routes, made=made.isoformat()))

    def of(self, hsa_id: str) -> list[str]:
        """Return what the register says of a clinic, to be changed: id, name, status, region."""
        return next(row for row in self.clinics if row[0] == hsa_id)


def _steady(line: str) -> str:
    """Return what is said without what is another each time: ports and commits."""
    return re.sub(r"\b[0-9a-f]{12}\b", "…", re.sub(r"http://127\.0\.0\.1:\d+", "https://register.example.org", line))


def _together(lines: list[str]) -> Iterator[str]:
    """Yield the lines; regions that say the same in one, if they are many."""
    said: dict[str, list[str]] = {}
    for line in lines:
        if match := _REGION.fullmatch(line):
            said.setdefault(match[2], []).append(match[1])
    for line in lines:
        match = _REGION.fullmatch(line)
        codes = said[match[2]] if match else []
        if match is None or len(codes) < 5:
            yield line
        elif match[1] == codes[0]:
            yield f"{len(codes)} regioner: {match[2]}"


def _rows() -> list[list[str]]:
    lines = (ROOT / "demo" / "register.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.reader(line for line in lines if not line.startswith("#")))[1:]


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=förvaltningen", "-c", "user.email=forvaltningen@example.org", "-c", "commit.gpgsign=false"]
    ran = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


git = _git


@contextlib.contextmanager
def month(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Month]:
    """Begin the month on an empty database."""
    register, tak = register_server.Stand({}), tak_server.Stand({})
    with (
        register_server.serving(register),
        register_server.serving(tak, handler=tak_server.Handler) as address,
    ):
        tak.url = address.removesuffix("/register")
        made = Month(folder, register, tak)
        monkeypatch.setenv("RECONCILER_DATABASE", url)
        monkeypatch.setenv("RECONCILER_METRICS_FILE", str(folder / "job.prom"))
        for module in ("line", "watch"):
            monkeypatch.setattr(f"reconciler.cli.{module}.now", lambda: made.now.astimezone(ZoneInfo("UTC")))
        yield made
