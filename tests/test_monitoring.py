"""The alerts: what they look at is written by the job, and they go off when they should."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from handed_out import BIN, FOLLOW_UPS
from little_country import Country

from reconciler.findings import Exit
from reconciler.monitor.metrics import Ended, write

FOLDER = Path(__file__).parent.parent / "deploy" / "monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    country = Country(tmp_path_factory.mktemp("country"))
    write(country.folder / "job.prom", Ended(datetime.now(UTC), 1.0, Exit.DONE, country.apply()), ["12", "13", "14"])
    return country.folder / "job.prom"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_looks_at_what_is_written(rule: dict[str, Any], written: Path) -> None:
    names = set(re.findall(r"reconciler_\w+", rule["expr"]))
    assert names
    assert names <= set(re.findall(r"^# TYPE (\w+)", written.read_text(encoding="utf-8"), re.MULTILINE))


def test_an_alert_wakes_somebody_or_waits() -> None:
    assert {rule["labels"]["severity"] for rule in RULES} == {"page", "ticket"}


def promtool(*arguments: str | Path, given: str = "") -> None:
    program = shutil.which("promtool", path=f"{BIN}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("promtool is missing: the alerts are not tried; `make check` brings it where there is apt-get")
    ran = subprocess.run([program, *arguments], cwd=FOLDER, input=given, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_alerts_go_off_when_they_should() -> None:
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")


NUMBERS = ("last_run_exit_code", "ticket_exit_code", "unanswered_runs")
RAISED = {
    "inget": [[], [], []],
    "ärende": [["ticket"]] * 3,
    "nytt försök": [[], [], []],
    "nytt försök, tredje gången larm": [[], [], ["page"]],
    "larm": [["page"]] * 3,
}


def written_by(folder: Path, codes: Sequence[Exit]) -> list[dict[str, int]]:
    """Return what runs that end so leave behind, each after the one before."""
    file, told = folder / "job.prom", []
    for code in codes:
        write(file, Ended(datetime.now(UTC), 1.0, code), [])
        numbers = re.findall(r"^reconciler_(\w+) (\d+)\.0$", file.read_text(encoding="utf-8"), re.MULTILINE)
        told.append({name: int(value) for name, value in numbers})
    return told


@pytest.mark.parametrize(
    ("codes", "raised"),
    [
        *(([code] * 3, RAISED[FOLLOW_UPS[code]]) for code in Exit),
        ([3, 69, 75, 3, 0], [["ticket"]] * 4 + [[]]),
        ([4, 70, 4, 143, 0], [["ticket"], ["page", "ticket"], ["ticket"], ["ticket"], []]),
        ([69, 75, 69, 130, 69], [[], [], [], [], ["page"]]),
        ([69, 69, 0, 69, 69], [[]] * 5),
    ],
    ids=str,
)
def test_a_run_that_ends_so_raises_what_the_page_says(
    tmp_path: Path, codes: Sequence[int], raised: list[list[str]]
) -> None:
    """A ticket that goes on from one run to the next is one ticket: nothing is told anew."""
    told = written_by(tmp_path, [Exit(code) for code in codes])
    series = {f"reconciler_{name}": " ".join(str(one[name]) for one in told) for name in NUMBERS}
    asked = 'count by (severity) (ALERTS{alertstate="firing"})'
    expected = [
        {
            "expr": asked,
            "eval_time": f"{hour}h",
            "exp_samples": [{"labels": f'{{severity="{severity}"}}', "value": 1} for severity in severities],
        }
        for hour, severities in enumerate(raised)
    ]
    test = {
        "interval": "1h",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": expected,
    }
    rules = {"rule_files": [str(FOLDER / "alerts.yml")], "evaluation_interval": "1h", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    promtool("test", "rules", tmp_path / "test.yml")


def test_the_numbers_are_named_as_prometheus_wants_them(written: Path) -> None:
    promtool("check", "metrics", given=written.read_text(encoding="utf-8"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")
def test_systemd_takes_what_lets_the_job_write_its_numbers(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    service = (FOLDER.parent / "systemd" / "reconciler.service").read_text(encoding="utf-8")
    (units / "reconciler.service.d").mkdir(parents=True)
    alone = re.sub(r"^(On|Exec|Wants|After).*\n", "", service, flags=re.MULTILINE)
    (units / "reconciler.service").write_text(f"{alone}\n[Service]\nExecStart=/bin/sh\n", encoding="utf-8")
    for target in ("sysinit", "basic", "shutdown"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=one of systemd's own\n", encoding="utf-8")
    (tmp_path / "bin").mkdir()
    shutil.copy("/bin/sh", tmp_path / "bin")
    shutil.copy(FOLDER / "metrics.conf", units / "reconciler.service.d")
    command = ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}", "reconciler.service"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")
