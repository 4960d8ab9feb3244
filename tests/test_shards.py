"""Several machines share an apply: each has its regions, the database keeps them apart, the guards see everything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from little_country import Country, clinic
from made_store import observed, problems, sql

from reconciler.cli import run
from reconciler.cli.shards import Shard
from reconciler.findings import Exit
from reconciler.model import REGIONS

ROOT = Path(__file__).parent.parent
COUNT = 4


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.fixture
def folder(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "reconciler.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECONCILER_DATABASE", url)
    return tmp_path


def begun(index: int, *arguments: str) -> subprocess.Popen[str]:
    """Start one of the pods of an indexed job, which Kubernetes numbers from 0."""
    environ = os.environ | {"RECONCILER_SHARD": str(COUNT), "JOB_COMPLETION_INDEX": str(index)}
    command = [sys.executable, "-m", "reconciler", "--log-format", "json", *arguments, "apply"]
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def killed_in_the_middle(shard: subprocess.Popen[str]) -> str:
    """Kill it without warning when the first of its regions is done, and return that region."""
    assert shard.stderr is not None
    for line in shard.stderr:
        event = json.loads(line)
        if event.get("verdict") == "applied":
            break
    shard.kill()
    assert shard.wait() == -9
    shard.stderr.close()
    return str(event["region"])


def ended(shard: subprocess.Popen[str]) -> list[dict[str, object]]:
    """Wait for its end, and return what it told."""
    _nothing, told = shard.communicate()
    assert shard.returncode == 0, told
    return [json.loads(line) for line in told.splitlines()]


@pytest.mark.usefixtures("unmeasured")
def test_four_machines_and_one_that_is_killed_do_every_region_exactly_once(folder: Path, url: str) -> None:
    shards = [begun(index) for index in range(COUNT)]
    first = killed_in_the_middle(shards[1])
    told = [event for index in (0, 2, 3) for event in ended(shards[index])]
    told += ended(begun(1))
    settled = [event["region"] for event in told if event["event"] == "region"]
    assert sorted(str(code) for code in settled) == sorted(REGIONS)
    assert {event["verdict"] for event in told if event.get("region") == first} == {"unchanged"}
    assert sql(url, "SELECT count(*), count(DISTINCT subject) FROM change") == [(668, 668)]
    assert len(observed(url).clinics) == 660
    assert problems(url) == []
    assert run(["plan", "--detailed-exitcode"]) == Exit.DONE
    assert sql(url, "SELECT status, count(*) FROM run GROUP BY status ORDER BY status") == [("done", 4), ("started", 1)]
    for shard in [begun(index, "--settings", "demo/tomorrow.toml") for index in range(COUNT)]:
        ended(shard)
    moved = "SELECT region, action FROM change WHERE cause = 'register' ORDER BY region"
    assert sql(url, moved) == [("06", "rename"), ("10", "move")]
    assert sql(url, "SELECT count(*) FROM change") == [(670,)]
    assert problems(url) == []


# ---- how it is divided


@pytest.mark.parametrize("count", range(1, len(REGIONS) + 1))
def test_every_region_is_in_exactly_one_shard(count: int) -> None:
    codes = tuple(REGIONS)
    parts = [Shard(number, count).of(codes) for number in range(1, count + 1)]
    assert sorted(code for part in parts for code in part) == sorted(codes)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Country:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECONCILER_DATABASE", raising=False)
    made = Country(tmp_path)
    for code in ("12", "13", "14"):
        made.declare(code, *range(int(code) * 100, int(code) * 100 + 10))
    return made


@pytest.mark.parametrize(("arguments", "index"), [(("--shard", "2/3"), None), (("--shard", "3"), "1")])
def test_a_shard_does_its_own_regions_and_no_other(
    country: Country, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], index: str | None
) -> None:
    if index:
        monkeypatch.setenv("JOB_COMPLETION_INDEX", index)
    assert run(["apply", *arguments]) == Exit.DONE
    assert set(country.enrolled().values()) == {"13"}


def test_the_guards_judge_the_whole_plan_in_every_shard(country: Country) -> None:
    run(["apply"])
    for code in ("12", "13", "14"):
        country.clinics[code] = country.clinics[code][:-2]
    country.write()
    assert [run(["apply", "--shard", f"{number}/3"]) for number in (1, 2, 3)] == [Exit.REFUSED] * 3
    assert len(country.enrolled()) == 30


def test_a_clinic_that_moves_to_the_region_of_another_shard_follows_there(country: Country) -> None:
    run(["apply"])
    country.register[clinic(1205)] = ("Mottagning 1205", "active", "14")
    country.write()
    assert run(["apply", "--shard", "1/3"]) == Exit.DONE
    assert country.enrolled()[clinic(1205)] == "12"
    assert run(["apply", "--shard", "3/3"]) == Exit.DONE
    assert country.enrolled()[clinic(1205)] == "14"


def test_a_clinic_that_moves_to_a_region_that_is_not_kept_follows_in_the_first_shard(country: Country) -> None:
    run(["apply"])
    country.register[clinic(1205)] = ("Mottagning 1205", "active", "25")
    country.write()
    assert run(["apply", "--shard", "2/3"]) == Exit.DONE
    assert country.enrolled()[clinic(1205)] == "12"
    assert run(["apply", "--shard", "1/3"]) == Exit.DONE
    assert country.enrolled()[clinic(1205)] == "25"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shard", "two"], "two is not a shard such as 2/4"),
        (["--shard", "0/3"], "there is no shard 0 of 3"),
        (["--shard", "4/3"], "there is no shard 4 of 3"),
        (["--shard", "1/4"], "4 shards are more than the 3 regions that are kept"),
        (["--shard", "3"], "3 does not say which shard this is, and JOB_COMPLETION_INDEX is not set: write 1/3"),
        (["--shard", "1/3", "--region", "12"], "--shard and --region exclude each other"),
        (["--shard", "1/3", "--expect", f"sha256:{'0' * 64}"], "--shard and PLAN exclude each other"),
    ],
)
def test_a_shard_that_cannot_be_is_refused(
    country: Country, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["apply", *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err
    assert country.enrolled() == {}
