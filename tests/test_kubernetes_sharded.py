"""The job in Kubernetes where several machines share it: each pod does its part, and fails for itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from handed_out import ROOT, said

from reconciler.cli.shards import shard
from reconciler.model import REGIONS

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is missing")


@pytest.fixture
def made(tmp_path: Path) -> str:
    code, printed = said("kubectl", "kustomize", ROOT / "deploy/kubernetes-sharded", HOME=str(tmp_path))
    assert code == 0, printed
    return printed


@pytest.fixture
def job(made: str) -> Any:
    jobs = [one for one in yaml.safe_load_all(made) if one["kind"] == "CronJob"]
    return jobs[0]["spec"]["jobTemplate"]["spec"]


@pytest.mark.parametrize("version", ["1.31", "1.37"])
def test_kubernetes_takes_it(made: str, tmp_path: Path, version: str) -> None:
    (tmp_path / "made.yaml").write_text(made, encoding="utf-8")
    code, told = said("kubernetes-validate", "--strict", "--kubernetes-version", version, tmp_path / "made.yaml")
    assert code == 0, told


def test_the_pods_do_every_region_once(job: Any) -> None:
    (count,) = (one["value"] for one in job["template"]["spec"]["containers"][0]["env"] if "SHARD" in one["name"])
    assert job["completionMode"] == "Indexed"
    assert job["completions"] == job["parallelism"] == int(count)
    pods = [{"JOB_COMPLETION_INDEX": str(index)} for index in range(job["completions"])]
    codes = [code for environ in pods for code in shard(count, environ).of(tuple(REGIONS))]
    assert sorted(codes) == sorted(REGIONS)


def test_a_pod_is_tried_again_and_fails_for_itself(job: Any) -> None:
    assert "backoffLimit" not in job
    assert job["backoffLimitPerIndex"] == 2
    assert [rule["action"] for rule in job["podFailurePolicy"]["rules"]] == ["Ignore", "FailIndex"]
