"""The components for GitLab: its schema has nothing to say, and their scripts do what they are for."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from handed_out import BIN, FOLLOW_UPS, ROOT, said
from little_country import Country

from reconciler.findings import Exit

TEMPLATES = sorted((ROOT / "templates").glob("*.yml"))


def documents(template: Path) -> list[Any]:
    return list(yaml.safe_load_all(template.read_text(encoding="utf-8")))


JOBS = {name: job for template in TEMPLATES for name, job in documents(template)[1].items()}


def checked(folder: Path, documents: list[Any]) -> tuple[int, str]:
    """Return what GitLab's schema says; it knows one document a file."""
    files = [folder / f"{number}.json" for number in range(len(documents))]
    for file, document in zip(files, documents, strict=True):
        file.write_text(json.dumps(document), encoding="utf-8")
    return said("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", *files)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_component_is_such_as_gitlab_takes(tmp_path, template):
    code, told = checked(tmp_path, documents(template))
    assert code == 0, told


def test_the_schema_finds_what_is_wrong(tmp_path):
    code, told = checked(tmp_path, [{"job": {"script": ["true"], "retry": {"max": 5}}}])
    assert code != 0
    assert "retry" in told


def test_what_is_given_from_outside_is_never_part_of_a_script():
    assert [name for name, job in JOBS.items() if "$[[" in str(job["script"])] == []


# ---- what the jobs do


@pytest.fixture
def country(tmp_path: Path) -> Country:
    country = Country(tmp_path)
    country.declare("14", 1, 2, 3)
    country.git("init", "-q")
    country.git("add", "config", "reconciler.toml")
    country.git("commit", "-qm", "one")
    return country


def ran(country: Country, name: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script as GitLab does, with its variables."""
    known = {key: os.environ[key] for key in ("HOME", "COVERAGE_PROCESS_CONFIG") if key in os.environ}
    given = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": country.git("rev-parse", "HEAD"), "RECONCILER_DATABASE_READ": ""}
    variables = {key: given.get(value.removeprefix("$"), value) for key, value in JOBS[name]["variables"].items()}
    environ = known | given | variables | {"PATH": f"{BIN}:/usr/bin:/bin"}
    script = "set -e\n" + "\n".join(JOBS[name]["script"])
    return subprocess.run(
        ["sh", "-c", script], cwd=country.folder, env=environ, capture_output=True, text=True, check=False
    )


def test_a_proposal_with_a_fault_fails_and_gitlab_finds_it_on_its_line(country):
    file = country.file("14")
    file.write_text(file.read_text(encoding="utf-8").replace("name: Väs", "name: Ös"), encoding="utf-8")
    assert ran(country, "reconciler-validate").returncode == Exit.ERRORS
    reports = JOBS["reconciler-validate"]["artifacts"]["reports"]
    (found,) = json.loads((country.folder / reports["codequality"]).read_text(encoding="utf-8"))
    assert found["location"]["path"] == "config/regions/14-region.yaml"
    assert (country.folder / reports["junit"]).is_file()


def test_a_proposal_is_told_by_what_it_means(country):
    country.declare("14", 4)
    assert ran(country, "reconciler-review").returncode == 0
    (page,) = JOBS["reconciler-review"]["artifacts"]["paths"]
    assert "## 1 del: 1 anslutning" in (country.folder / page).read_text(encoding="utf-8")


def test_a_proposal_is_planned_with_the_settings_that_hold_without_it(country):
    (country.folder / "reconciler.toml").write_text("wrong = true\n", encoding="utf-8")
    done = ran(country, "reconciler-plan")
    assert done.returncode == 0, done.stderr
    (page,) = JOBS["reconciler-plan"]["artifacts"]["paths"]
    assert "## 3 ändringar" in (country.folder / page).read_text(encoding="utf-8")


def test_a_register_that_is_away_does_not_fail_a_proposal(country):
    (country.folder / "register.csv").unlink()
    assert ran(country, "reconciler-plan").returncode in JOBS["reconciler-plan"]["allow_failure"]["exit_codes"]


def test_what_is_merged_is_applied(country):
    assert ran(country, "reconciler-apply").returncode == 0
    assert len(country.enrolled()) == 3


def test_what_an_exit_code_leads_to_is_what_the_page_says():
    job = JOBS["reconciler-apply"]
    again = {code for code, follow_up in FOLLOW_UPS.items() if "nytt försök" in follow_up and code < 128}
    assert set(job["retry"]["exit_codes"]) == again
    assert set(job["allow_failure"]["exit_codes"]) == {Exit.LEFT_OUT, Exit.LOCKED}
