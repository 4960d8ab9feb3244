"""The components for GitLab: its schema has nothing to say, and their scripts do what they are for."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gitlab_server
import pytest
import yaml
from gitlab_server import GitLab
from handed_out import BIN, FOLLOW_UPS, ROOT, said
from little_country import Country

from reconciler.findings import Exit

pytestmark = pytest.mark.usefixtures("unmeasured")

CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
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
    for source, name in re.findall("^COPY --chmod=755 (\\S+) /usr/local/bin/(\\S+)$", CONTAINERFILE, re.MULTILINE):
        (country.folder / "bin").mkdir(exist_ok=True)
        (country.folder / "bin" / name).symlink_to(ROOT / source)
    return country


def ran(country: Country, name: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script as GitLab does, with its variables, where the container has its programs."""
    known = {key: os.environ[key] for key in ("HOME", "COVERAGE_PROCESS_CONFIG") if key in os.environ}
    given = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": country.git("rev-parse", "HEAD"), "RECONCILER_DATABASE_READ": ""}
    variables = {key: given.get(value.removeprefix("$"), value) for key, value in JOBS[name]["variables"].items()}
    environ = known | given | variables | environ | {"PATH": f"{country.folder}/bin:{BIN}:/usr/bin:/bin"}
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


# ---- one ticket


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with gitlab_server.running() as stand:
        yield stand


def applied(country: Country, gitlab: GitLab, **environ: str) -> subprocess.CompletedProcess[str]:
    known = {
        "CI_API_V4_URL": gitlab.url,
        "CI_PROJECT_ID": "7",
        "CI_JOB_URL": "https://gitlab.example.org/jobs/12",
        "RECONCILER_TICKET_TOKEN": "a token",
    }
    return ran(country, "reconciler-apply", **known | environ)


def breaks(country: Country, code: str) -> None:
    country.file(code).write_text("clinics: [", encoding="utf-8")


def test_what_a_run_leaves_out_is_one_ticket_until_nothing_is(country, gitlab):
    country.declare("13", 4)
    good = country.file("13").read_text(encoding="utf-8")
    breaks(country, "13")
    assert applied(country, gitlab).returncode == Exit.LEFT_OUT
    (issue,) = gitlab.issues
    assert (issue["title"], issue["labels"]) == (
        "Jobbet lämnade någon region eller mottagning utanför (3)",
        "reconciler",
    )
    assert issue["description"].startswith("https://gitlab.example.org/jobs/12\n\n```\n")
    assert "yaml-malformed" in issue["description"]
    (country.folder / "register.csv").rename(country.folder / "away")
    assert applied(country, gitlab).returncode == Exit.UNANSWERED
    (country.folder / "away").rename(country.folder / "register.csv")
    assert applied(country, gitlab).returncode == Exit.LEFT_OUT
    assert gitlab.wrote == ["POST issues", "PUT issues/1"]
    country.file("13").write_text(good, encoding="utf-8")
    assert applied(country, gitlab).returncode == Exit.DONE
    assert (issue["state"], len(gitlab.issues)) == ("closed", 1)
    assert applied(country, gitlab).returncode == Exit.DONE
    assert gitlab.wrote[2:] == ["PUT issues/1"]
    breaks(country, "13")
    applied(country, gitlab)
    assert [one["state"] for one in gitlab.issues] == ["closed", "opened"]


def test_a_national_guard_is_a_ticket_too(country, gitlab):
    country.declare("14", *range(10, 40))
    assert applied(country, gitlab).returncode == Exit.DONE
    country.clinics["14"] = country.clinics["14"][:3]
    country.write()
    assert applied(country, gitlab).returncode == Exit.REFUSED
    assert [one["title"] for one in gitlab.issues] == ["En nationell spärr stoppade jobbet (4)"]


def test_an_issue_of_somebody_else_is_left_alone(country, gitlab):
    gitlab.issues.append({"iid": 9, "state": "opened", "labels": "reconciler", "author": "a person", "title": "mine"})
    breaks(country, "14")
    applied(country, gitlab)
    assert [one["title"] == "mine" for one in gitlab.issues] == [True, False]


def test_nothing_in_the_files_is_obeyed_in_a_ticket(country, gitlab):
    country.file("14").write_text("version: 1\nregion: '14'\n```\n/close\n@all: x\n", encoding="utf-8")
    applied(country, gitlab)
    (issue,) = gitlab.issues
    inside = issue["description"].split("\n\n", 1)[1].split("\n")
    assert inside[0] == inside[-1]
    assert set(inside[0]) == {"`"}
    assert inside[0] not in inside[1:-1]


@pytest.mark.parametrize("trouble", ["no token", "wrong token", "away"])
def test_a_ticket_that_cannot_be_opened_is_said_and_the_job_ends_as_it_did(country, gitlab, trouble):
    breaks(country, "14")
    environ = {"no token": {"RECONCILER_TICKET_TOKEN": ""}, "away": {"CI_API_V4_URL": "http://127.0.0.1:1"}}
    gitlab.token = "another" if trouble == "wrong token" else gitlab.token
    done = applied(country, gitlab, **environ.get(trouble, {}))
    assert done.returncode == Exit.LEFT_OUT
    assert done.stderr.splitlines()[-1].startswith("inget ärende: ")
    assert gitlab.issues == []


def test_what_an_exit_code_leads_to_is_what_the_page_says():
    job = JOBS["reconciler-apply"]
    again = {code for code, follow_up in FOLLOW_UPS.items() if "nytt försök" in follow_up and code < 128}
    assert set(job["retry"]["exit_codes"]) == again
    assert set(job["allow_failure"]["exit_codes"]) == {Exit.LEFT_OUT, Exit.LOCKED}
