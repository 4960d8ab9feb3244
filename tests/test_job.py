"""The job as it is run night after night: killed, stopped, started twice, and most often with nothing to do."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from pathlib import Path

import cost
import pytest
from little_country import CODES, Country
from made_store import observed, problems, sql
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, event

from reconciler.cli import run

pytestmark = pytest.mark.usefixtures("unmeasured")

ROOT = Path(__file__).parent.parent
ROUNDS = 50 if os.environ.get("RECONCILER_SOAK") else 5
"""On each of the two databases."""


def begun() -> int:
    """Start the job in a process of its own, which begins at once: what is imported here is imported there."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        code = 99
        with contextlib.suppress(BaseException):
            code = run(["apply", "--metrics-file", "job.prom"])
        os._exit(code)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def numbers() -> dict[str, float]:
    families = text_string_to_metric_families(Path("job.prom").read_text(encoding="utf-8"))
    samples = [sample for family in families for sample in family.samples]
    return {
        " ".join([sample.name, *sample.labels.values()]).removeprefix("reconciler_"): sample.value for sample in samples
    }


def edited(country: Country, draw: random.Random, number: int) -> int:
    """Change files and register as a day does, within what the guards allow; return how many changes follow."""
    changes = 0
    for n, code in enumerate(CODES):
        country.declare(code, *range(1000 * number + 10 * n, 1000 * number + 10 * n + 3))
        theirs = country.clinics[code]
        gone = theirs.pop(draw.randrange(len(theirs) - 3))
        del country.register[gone]
        renamed = theirs[draw.randrange(1, len(theirs) - 3)]
        country.register[renamed] = (f"Mottagning {number}", "active", code)
        changes += 5
    moved = country.clinics["12"].pop(0)
    name = country.register[moved][0]
    country.register[moved] = (name, "active", "14")
    country.clinics["14"].append(moved)
    country.write()
    return changes + 1


@pytest.fixture
def country(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Country:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECONCILER_DATABASE", url)
    made = Country(tmp_path)
    for code in CODES:
        made.declare(code, *range(int(code) * 100, int(code) * 100 + 20))
    return made


def test_killed_stopped_and_started_twice_it_comes_to_the_same_exactly_once(country: Country, url: str) -> None:
    draw = random.Random(1177)
    began = time.monotonic()
    assert ended(begun()) == 0
    takes, changes = time.monotonic() - began, 60
    for number in range(1, ROUNDS + 1):
        changes += edited(country, draw, number)
        before = Path("job.prom").read_bytes()
        jobs = [begun() for _ in range(draw.choice([1, 2]))]
        time.sleep(draw.uniform(0, takes))
        os.kill(draw.choice(jobs), draw.choice([signal.SIGKILL, signal.SIGTERM]))
        codes = [ended(job) for job in jobs]
        told = numbers()
        assert problems(url) == []
        if len(jobs) == 1 and Path("job.prom").read_bytes() != before:
            assert told["last_run_exit_code"] == (max(codes[0], 0)), codes
        assert ended(begun()) == 0
        the_same(country, url, changes, told["last_success_timestamp_seconds"])


def the_same(country: Country, url: str, changes: int, last_success: float) -> None:
    """Demand that what should hold holds, that it was done once, and that the numbers say so."""
    declared = {hsa_id: code for code in CODES for hsa_id in country.clinics[code]}
    assert {str(hsa_id): row.region_code for hsa_id, row in observed(url).clinics.items()} == declared
    assert sql(url, "SELECT count(*) FROM change") == [(changes,)]
    assert problems(url) == []
    assert run(["plan", "--detailed-exitcode"]) == 0
    told = numbers()
    assert told["last_run_exit_code"] == 0
    assert last_success < told["last_success_timestamp_seconds"] == told["last_run_timestamp_seconds"] <= time.time()
    assert {told[f"region_settled {code}"] for code in CODES} == {1}
    (last,) = sql(url, "SELECT status, applied FROM run ORDER BY id DESC LIMIT 1")
    assert last == ("done", told["last_run_changes"])


# ---- nothing to do


def test_a_run_with_nothing_to_do_writes_nothing_to_the_services_tables(country: Country) -> None:
    assert run(["apply"]) == 0
    sent: list[str] = []

    def watch(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", watch)
    try:
        assert run(["apply"]) == 0
    finally:
        event.remove(Engine, "before_cursor_execute", watch)
    writes = [one for one in sent if one.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "COPY"))]
    assert writes
    assert not [one for one in writes if "complaints_" in one]


def test_a_run_with_nothing_to_do_is_cheap(tmp_path: Path) -> None:
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "reconciler.toml", tmp_path)
    environ = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    job = ("--log-format", "json", "apply", "--metrics-file", "job.prom")
    for command in (("db", "init"), job):
        cost.least(*command, folder=tmp_path, environ=environ, times=1)
    assert cost.least(*job, folder=tmp_path, environ=environ) < 1.2
