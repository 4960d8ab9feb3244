"""The job in Kubernetes and its container: what their checkers say, and what an exit code leads to."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from handed_out import BIN, FOLLOW_UPS, ROOT, said

from reconciler.findings import Exit

FOLDER = ROOT / "deploy/kubernetes"
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
CODES = sorted(int(code) for code in Exit)
RETRIED = {code for code, follow_up in FOLLOW_UPS.items() if "nytt försök" in follow_up}
WELL_DONE = {Exit.DONE, Exit.LEFT_OUT, Exit.LOCKED}

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is missing")
needs_hadolint = pytest.mark.skipif(
    not shutil.which("hadolint", path=BIN), reason="hadolint is not there for this machine"
)


@pytest.fixture
def job() -> Any:
    return yaml.safe_load((FOLDER / "cronjob.yaml").read_text(encoding="utf-8"))["spec"]["jobTemplate"]["spec"]


# ---- what the checkers say


@needs_kubectl
@pytest.mark.parametrize("version", ["1.31", "1.37"])
def test_kubernetes_takes_what_kustomize_makes(tmp_path, version):
    code, made = said("kubectl", "kustomize", FOLDER, HOME=str(tmp_path))
    assert code == 0, made
    assert [one["kind"] for one in yaml.safe_load_all(made)] == ["Namespace", "ConfigMap", "CronJob", "NetworkPolicy"]
    (tmp_path / "made.yaml").write_text(made, encoding="utf-8")
    code, told = said("kubernetes-validate", "--strict", "--kubernetes-version", version, tmp_path / "made.yaml")
    assert code == 0, told


def test_the_checker_knows_a_key_that_kubernetes_does_not(tmp_path):
    text = (FOLDER / "cronjob.yaml").read_text(encoding="utf-8")
    (tmp_path / "made.yaml").write_text(text.replace("concurrencyPolicy", "concurrentPolicy"), encoding="utf-8")
    code, told = said("kubernetes-validate", "--strict", tmp_path / "made.yaml")
    assert code != 0
    assert "concurrentPolicy" in told


def test_every_container_can_do_little_more_than_its_work(job):
    pod = job["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in [*pod["initContainers"], *pod["containers"]]:
        nothing = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert container["securityContext"] == nothing
        assert "limits" in container["resources"]


def test_one_job_at_a_time_and_nobody_reaches_it():
    cronjob = yaml.safe_load((FOLDER / "cronjob.yaml").read_text(encoding="utf-8"))["spec"]
    assert cronjob["concurrencyPolicy"] == "Forbid"
    assert cronjob["startingDeadlineSeconds"] < 3600, "one that is too late leaves its place to the next"
    policy = yaml.safe_load((FOLDER / "networkpolicy.yaml").read_text(encoding="utf-8"))["spec"]
    assert (policy["podSelector"], policy["ingress"]) == ({}, [])
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}


@needs_hadolint
def test_the_container_is_built_as_it_should_be():
    assert said("hadolint", "Containerfile") == (0, "")


@needs_hadolint
def test_the_checker_of_containers_finds_what_is_wrong(tmp_path):
    (tmp_path / "Containerfile").write_text(CONTAINERFILE.replace("WORKDIR /repo", "WORKDIR repo"), encoding="utf-8")
    assert "DL3000" in said("hadolint", tmp_path / "Containerfile")[1]


def test_the_container_gets_all_that_the_program_is_built_from():
    copied = {word for line in re.findall("^COPY ([^-].*)$", CONTAINERFILE, re.MULTILINE) for word in line.split()[:-1]}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build = project["tool"]["hatch"]["build"]
    wheel, about = build["targets"]["wheel"], project["project"]
    named = {"pyproject.toml", about["readme"], *about["license-files"], build["hooks"]["custom"]["path"]}
    assert copied == {"constraints.txt", *named, *wheel["packages"], *wheel["force-include"]}


def test_the_container_runs_as_whom_the_job_expects(job):
    assert f"USER {job['template']['spec']['securityContext']['runAsUser']}:" in CONTAINERFILE


# ---- what an exit code leads to


def ended(script: str, tmp_path: Path, code: int) -> int:
    """Return how the container ends when the program ends with *code*."""
    for program, does in (("reconciler", f"exit {code}"), ("sleep", "exit 0")):
        (tmp_path / program).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    return subprocess.run(["sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False).returncode


@pytest.mark.parametrize("code", CODES)
def test_the_container_takes_as_well_done_what_the_units_do(job, tmp_path, code):
    (container,) = job["template"]["spec"]["containers"]
    assert ended(container["args"][0], tmp_path, code) == (0 if code in WELL_DONE else code)


def test_a_pod_that_has_to_go_lets_the_program_end_by_itself(job, tmp_path):
    (container,) = job["template"]["spec"]["containers"]
    begins = "trap 'sleep 0.2; exit 143' TERM; echo >begun; while :; do sleep 0.1; done"
    for program, does in (("reconciler", begins), ("reconciler-numbers", 'echo "$1" >>numbers')):
        (tmp_path / program).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    pod = subprocess.Popen([*container["command"], *container["args"]], env=environ, cwd=tmp_path)
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    pod.terminate()
    assert pod.wait(timeout=30) == Exit.TERMINATED
    assert (tmp_path / "numbers").read_text(encoding="utf-8").split() == ["fetch", "push"]


@pytest.mark.parametrize("code", [code for code in CODES if code not in WELL_DONE])
def test_the_job_is_tried_again_where_the_page_says_so(job, code):
    (policy,) = [rule["onExitCodes"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert policy["operator"] == "NotIn"
    assert (code in policy["values"]) == (code in RETRIED)
    assert policy["containerName"] == job["template"]["spec"]["containers"][0]["name"]


def test_the_third_attempt_in_a_row_is_the_last(job):
    assert job["backoffLimit"] == 2
