"""What is handed out for GitHub: its checkers have nothing to say, and the action does in a job what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import github_server
import pytest
import yaml
from github_server import REPOSITORY, GitHub
from handed_out import BIN, ROOT, said
from little_country import Country

from reconciler.cli import main
from reconciler.model import REGIONS

pytestmark = pytest.mark.usefixtures("unmeasured")

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
OURS = ("./", "./.reconciler")


# ---- what the checkers say


def test_the_workflows_are_such_as_github_takes():
    code, told = said("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    assert code == 0, told


def test_the_action_is_such_as_github_takes():
    code, told = said("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml")
    assert code == 0, told


def test_the_issue_forms_are_such_as_github_takes():
    forms = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    code, told = said("check-jsonschema", "--builtin-schema", "vendor.github-issue-forms", *forms)
    assert code == 0, told


def zizmor(folder: Path) -> tuple[int, str]:
    return said("zizmor", "--offline", "--no-progress", "--strict-collection", "--persona=pedantic", "-q", folder)


def test_nobody_can_get_further_through_a_workflow_than_is_meant():
    code, told = zizmor(ROOT)
    assert code == 0, told


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("  pull_request:\n", "  pull_request_target:\n"),
        ("          command: review\n", "          command: review\n      - run: echo ${{ github.head_ref }}\n"),
        ("08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "v5"),
        ("permissions: {}", "permissions: write-all"),
    ],
)
def test_the_check_finds_what_would_let_somebody_further(tmp_path, right, wrong):
    workflows = tmp_path / ".github/workflows"
    workflows.mkdir(parents=True)
    text = (ROOT / ".github/workflows/validate.yml").read_text(encoding="utf-8")
    assert right in text
    shutil.copy(ROOT / ".github/zizmor.yml", tmp_path / ".github")
    (workflows / "validate.yml").write_text(text, encoding="utf-8")
    assert zizmor(tmp_path)[0] == 0
    (workflows / "validate.yml").write_text(text.replace(right, wrong), encoding="utf-8")
    assert zizmor(tmp_path)[0] != 0


def test_nothing_that_was_typed_is_part_of_a_script():
    steps = [step for job in jobs() for step in job["steps"]] + ACTION["runs"]["steps"]
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []


@pytest.mark.skipif(not shutil.which("shellcheck", path=BIN), reason="shellcheck is not there for this machine")
@pytest.mark.parametrize("script", ["github/run.sh", "systemd/reconciler-outcome", "systemd/reconciler-by-hand"])
def test_a_script_does_nothing_by_mistake(script):
    assert said("shellcheck", ROOT / "deploy" / script) == (0, "")


@pytest.mark.skipif(not shutil.which("shellcheck", path=BIN), reason="shellcheck is not there for this machine")
@pytest.mark.parametrize("file", ["deploy/kubernetes/cronjob.yaml", "templates/apply.yml", "templates/validate.yml"])
def test_a_script_inside_another_file_does_nothing_by_mistake(file, tmp_path):
    """Those of the workflows are zizmor's and the action's."""
    scripts = [script for one in yaml.safe_load_all((ROOT / file).read_text(encoding="utf-8")) for script in found(one)]
    assert scripts
    for number, script in enumerate(scripts):
        (tmp_path / f"{number}.sh").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    assert said("shellcheck", *sorted(tmp_path.iterdir())) == (0, "")


def found(part: Any) -> Iterator[str]:
    """Yield what a shell runs: a `script` of GitLab, and what `sh -c` gets in Kubernetes."""
    if isinstance(part, dict):
        if "script" in part:
            yield "\n".join(part["script"])
        if part.get("command") == ["/bin/sh", "-c"]:
            yield part["args"][0]
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from found(one)


def test_every_region_has_those_who_must_look_at_its_file():
    lines = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    patterns = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*", "what nobody else is named for"
    for code in REGIONS:
        assert patterns.count(f"/config/regions/{code}-*") == 1


# ---- what the workflows ask of the program


def jobs() -> Iterator[dict[str, Any]]:
    for workflow in WORKFLOWS:
        yield from yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()


def asked() -> list[dict[str, str]]:
    """Return what each step of a workflow gives our action."""
    return [step["with"] for job in jobs() for step in job["steps"] if step.get("uses") in OURS]


def test_the_workflows_ask_for_what_the_issue_is_about():
    assert {one["command"] for one in asked()} == {"review", "plan", "apply", "follow", "import"}


@pytest.mark.parametrize("given", asked(), ids=lambda given: given["command"])
def test_a_step_gives_the_action_what_it_takes_and_the_program_what_it_knows(job, given):
    assert set(given) <= set(ACTION["inputs"])
    job.program('echo "$@" >words')
    job.step(**{key.replace("-", "_"): re.sub(r"\$\{\{.*?}}", "7", value) for key, value in given.items()} | OFFLINE)
    words = (job.folder / "words").read_text(encoding="utf-8").split()
    with main.make_context("reconciler", words) as context:
        command = main.get_command(context, words[0])
        assert command
        command.make_context(words[0], words[1:], parent=context)


OFFLINE = {"comment": "false", "ticket": "false", "propose": ""}


# ---- the action in a job


class Job:
    """A job of GitHub in a little country, with a stand-in for its API."""

    def __init__(self, folder: Path, github: GitHub) -> None:
        self.country, self.github, self.folder = Country(folder / "repo"), github, folder / "repo"
        self.temp = folder / "temp"
        bin_folder = self.temp / "reconciler/bin"
        bin_folder.mkdir(parents=True)
        for program in ("python", "reconciler"):
            self.program(f'exec {BIN}/{program} "$@"', program)
        self.country.boards["14"] = None
        self.country.declare("14", 1, 2, 3)
        self.country.git("init", "-q", "-b", "main")
        self.commit()
        self.log = ""

    def program(self, does: str, called: str = "reconciler") -> None:
        """Put a program where the action installs ours."""
        program = self.temp / "reconciler/bin" / called
        program.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        program.chmod(0o755)

    def commit(self) -> None:
        self.country.git("add", "-A", ":!reconciler.db", ":!register.csv")
        self.country.git("commit", "-qm", "one")

    def anew(self) -> None:
        """Begin another job, whose folder for what is passing is empty."""
        for name in ("said", "shared"):
            shutil.rmtree(self.temp / "reconciler" / name, ignore_errors=True)

    def step(self, about: str = "pull_request", **inputs: str) -> int:
        """Run the action as a step; return how the step ends."""
        defaults = {key: str(one.get("default", "")) for key, one in ACTION["inputs"].items()}
        given = defaults | {key.replace("_", "-"): value for key, value in inputs.items()}
        event = self.temp / "event.json"
        told = {"number": 7, "user": {"login": "author"}, "head": {"sha": "now"}}
        event.write_text(json.dumps({about: told}), encoding="utf-8")
        (step,) = ACTION["runs"]["steps"]
        environ = {key: given[re.fullmatch(r"\$\{\{ inputs\.(.+) }}", value)[1]] for key, value in step["env"].items()}
        environ |= {
            "TOKEN": "a token",
            "PAUSE": "0",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "GITHUB_REF_NAME": "main",
            "RUNNER_TEMP": str(self.temp),
            "RECONCILER_LANG": "sv",
        }
        known = {key: os.environ[key] for key in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG") if key in os.environ}
        ran = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=self.folder,
            env=known | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log = ran.stdout
        return ran.returncode

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in (self.temp / "output").read_text(encoding="utf-8").splitlines())


@pytest.fixture
def github() -> Iterator[GitHub]:
    with github_server.running() as stand:
        yield stand


@pytest.fixture
def job(tmp_path: Path, github: GitHub) -> Job:
    return Job(tmp_path, github)


def bodies(github: GitHub, number: int = 7) -> list[str]:
    return [one["body"] for one in github.comments.get(number, [])]


def test_a_proposal_gets_one_comment_of_all_that_its_job_has_said(job, github):
    github.comment(7, "<!-- reconciler --> so says a person", "User")
    assert job.step(command="validate", comment="true") == 0
    assert job.step(command="plan", comment="true") == 0
    person, ours = bodies(github)
    assert person == "<!-- reconciler --> so says a person"
    assert ours.startswith("<!-- reconciler -->\n\n## 3 regioner, 3 mottagningar: inget att anmärka\n")
    assert ours.count("\n## ") == 2
    assert github.wrote == ["POST issues/7/comments", f"PATCH issues/comments/{github.comments[7][1]['id']}"]
    assert job.outputs() == {"errors": "0", "warnings": "0", "notes": "3", "failures": "0", "changes": "3"} | {
        "exit-code": "0",
        "fingerprint": job.outputs()["fingerprint"],
    }


def test_the_comment_is_kept_up_to_date_when_the_proposal_changes(job, github):
    file = job.country.file("14")
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("name: Väs", "name: Ös"), encoding="utf-8")
    assert job.step(command="validate", comment="true", format="sarif=a.sarif\njunit=b.xml") == 1
    assert "::error file=config/regions/14-region.yaml,line=3," in job.log
    assert (job.folder / "a.sarif").is_file()
    assert (job.folder / "b.xml").is_file()
    assert "❌" in bodies(github)[0]
    file.write_text(good, encoding="utf-8")
    job.anew()
    assert job.step(command="validate", comment="true") == 0
    (ours,) = bodies(github)
    assert "❌" not in ours


def test_ours_is_found_behind_many_other_comments(job, github):
    for number in range(150):
        github.comment(7, f"word {number}", "User")
    job.step(command="validate", comment="true")
    job.step(command="validate", comment="true")
    assert len(bodies(github)) == 151


def test_a_fault_that_the_base_has_is_not_the_proposals(job, github):
    file = job.country.file("14")
    file.write_text(file.read_text(encoding="utf-8").replace("name: Väs", "name: Ös"), encoding="utf-8")
    job.commit()
    job.country.declare("13", 4)
    job.country.file("14").write_text(job.country.git("show", "HEAD:config/regions/14-region.yaml"), encoding="utf-8")
    assert job.step(command="validate", base="HEAD", comment="true") == 0
    assert "Fanns redan före" in bodies(github)[0]


def test_a_source_that_is_away_is_not_caused_by_the_change(job, github):
    (job.folder / "register.csv").unlink()
    assert job.step(command="plan", comment="true", unanswered="passes") == 0
    assert "Det beror inte på ändringen: försök igen senare." in bodies(github)[0]
    assert "::warning title=reconciler::det beror inte på ändringen: plan fick inget svar (69)" in job.log
    assert job.step(command="plan") == 69


def test_a_command_that_ends_before_it_says_anything_is_in_the_comment_too(job, github):
    (job.folder / "reconciler.toml").write_text("langg = 'sv'\n", encoding="utf-8")
    assert job.step(command="plan", comment="true") == 78
    assert "langg" in bodies(github)[0]


def test_in_the_job_of_a_fork_the_checks_go_on_and_the_comment_is_left_out(job, github):
    github.read_only = True
    assert job.step(command="validate", comment="true") == 0
    assert "::warning title=reconciler::jobbet får inte det hos GitHub: POST issues/7/comments: 403" in job.log


def test_a_github_that_is_broken_is_told(job, github):
    github.broken = True
    assert job.step(command="validate", comment="true") == 70
    assert "GET issues/7/comments?per_page=100&page=1: 500" in job.log


def test_a_text_that_is_too_long_is_cut_with_a_word_about_it(job, github):
    job.country.clinics["14"] = []
    job.country.declare("14", *range(1, 900))
    for command in ("plan", "plan"):
        job.step(command=command, comment="true")
    (ours,) = bodies(github)
    assert 40_000 < len(ours) < 65_536
    assert ours.count("**Avkortat här: ") == 2


ACCESS = """
national: [nationell]
regions:
  "14": [fjorton]
"""


def given(name: str, state: str = "APPROVED", commit: str = "now") -> dict[str, Any]:
    return {"user": {"login": name}, "state": state, "commit_id": commit}


@pytest.mark.parametrize(
    ("reviews", "ends"),
    [
        ([], 1),
        ([given("fjorton")], 0),
        ([given("somebody")], 1),
        ([given("fjorton", commit="before")], 1),
        ([given("fjorton"), given("fjorton", "CHANGES_REQUESTED")], 1),
        ([given("fjorton"), given("fjorton", "COMMENTED")], 0),
        ([given("somebody")] * 120 + [given("fjorton")], 0),
    ],
)
def test_a_proposal_needs_the_approval_of_whoever_may_do_it(job, github, reviews, ends):
    (job.folder / "config/access.yaml").write_text(ACCESS, encoding="utf-8")
    job.commit()
    job.country.declare("14", 4)
    github.reviews = reviews
    assert job.step(command="review", base="HEAD", comment="true") == ends, job.log


def mistyped(job: Job) -> None:
    file = job.country.file("14")
    text = file.read_text(encoding="utf-8").replace("SE2321000131-E000000000002", "se2321000131-E000000000002")
    file.write_text(text, encoding="utf-8")


def test_a_fix_is_offered_on_its_line_once(job, github):
    mistyped(job)
    for _push in range(2):
        job.step(command="review", base="HEAD", comment="true")
        job.anew()
    (offered,) = github.on_lines
    assert (offered["path"], offered["line"]) == ("config/regions/14-region.yaml", 7)
    assert "suggestion\n  SE2321000131-E000000000002: En mottagning\n" in offered["body"]
    assert github.wrote.count("POST pulls/7/reviews") == 1


def test_a_fix_that_github_does_not_show_is_left_out(job, github):
    mistyped(job)
    github.shown = False
    job.step(command="review", base="HEAD", comment="true")
    assert "jobbet får inte det hos GitHub: POST pulls/7/reviews: 422" in job.log
    assert job.outputs()["exit-code"] in ("0", "1")


# ---- apply


def test_an_apply_whose_all_is_done_says_so_and_opens_nothing(job, github):
    assert job.step(command="apply", ticket="true") == 0
    assert (github.issues, job.outputs()["exit-code"]) == ([], "0")


def test_what_is_left_out_opens_one_ticket_which_is_closed_when_all_is_done(job, github):
    good = job.country.file("14").read_text(encoding="utf-8")
    job.country.file("14").write_text("version: 1\n", encoding="utf-8")
    job.commit()
    for _night in range(2):
        assert job.step(command="apply", ticket="true") == 0
    (issue,) = github.issues
    assert issue["title"] == "Jobbet lämnade någon region eller mottagning utanför (3)"
    assert issue["state"] == "open"
    assert "14-region.yaml" in issue["body"]
    assert "::" not in issue["body"].replace("::warning", "")
    job.country.file("14").write_text(good, encoding="utf-8")
    job.commit()
    assert job.step(command="apply", ticket="true") == 0
    assert issue["state"] == "closed"


def test_a_national_guard_opens_a_ticket_and_fails_the_job(job, github):
    job.program("exit 4")
    assert job.step(command="apply", ticket="true") == 4
    assert [one["title"] for one in github.issues] == ["En nationell spärr stoppade jobbet (4)"]


@pytest.mark.parametrize(("code", "step"), [(0, 0), (3, 0), (75, 0), (69, 69), (4, 4), (70, 70), (78, 78), (143, 143)])
def test_how_a_step_ends(job, code, step):
    job.program(f"exit {code}")
    assert job.step(command="apply") == step


@pytest.mark.parametrize("code", [69, 75])
def test_it_is_tried_again_when_nobody_answers_or_somebody_else_runs(job, code):
    job.program(f'echo x >>tries; [ "$(grep -c x tries)" -ge 3 ] || exit {code}')
    assert job.step(command="apply", attempts="3") == 0
    assert (job.folder / "tries").read_text(encoding="utf-8") == "x\n" * 3


@pytest.mark.parametrize("code", [3, 4, 70, 78])
def test_what_would_end_the_same_way_is_not_tried_again(job, code):
    job.program(f"echo x >>tries; exit {code}")
    job.step(command="apply", attempts="3")
    assert (job.folder / "tries").read_text(encoding="utf-8") == "x\n"


# ---- follow, and the forms


@pytest.fixture
def remote(job: Job, tmp_path: Path) -> Path:
    there = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", there], check=True)
    job.country.git("remote", "add", "origin", str(there))
    job.country.git("push", "-q", "origin", "main")
    job.step(command="apply")
    return there


def night(job: Job) -> int:
    """Run the nightly job on a fresh clone, as it begins."""
    job.country.git("switch", "-q", "main")
    job.country.git("fetch", "-q", "--prune", "origin")
    job.country.git("branch", "-q", "-D", "reconciler/follow") if job.country.git("branch", "--list", "r*") else None
    return job.step(command="follow", arguments="--branch=reconciler/follow", propose="reconciler/follow", title="Följ")


def at(remote: Path, what: str) -> str:
    ran = subprocess.run(["git", "-C", remote, "rev-parse", what], capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def test_what_the_register_has_changed_is_one_proposal_until_somebody_takes_it(job, github, remote):
    assert night(job) == 0
    (pull,) = github.pulls
    assert (pull["head"], pull["base"], pull["title"]) == ("reconciler/follow", "main", "Följ")
    assert "+  SE2321000131-E000000000001: Mottagning 0001" in pull["body"]
    first = at(remote, "reconciler/follow")
    assert night(job) == 0
    assert at(remote, "reconciler/follow") == first, "nothing new, so nothing is sent"
    assert len(github.pulls) == 1
    job.country.git("merge", "-q", "--ff-only", "origin/reconciler/follow")
    job.country.git("push", "-q", "origin", "main")
    assert night(job) == 0
    assert pull["state"] == "closed"


FORM = """### Region

14 Västra Götalandsregionen

### Mottagningar att ansluta

{rows}
"""


def filled_in(job: Job, *rows: str) -> int:
    job.anew()
    job.country.git("switch", "-q", "main")
    job.country.git("checkout", "-q", "--", "config")
    given = next(one for one in asked() if one["command"] == "import")
    given = {key: re.sub(r"\$\{\{.*?}}", "7", value) for key, value in given.items()}
    return job.step("issue", **given | {"stdin": FORM.format(rows="\n".join(rows))})


def test_a_form_becomes_a_proposal_and_what_cannot_be_taken_is_told(job, github, remote):
    there = job.country.clinics["14"][0]
    csv = (job.folder / "register.csv").read_text(encoding="utf-8")
    new, other = there[:-1] + "9", there[:-1] + "7"
    (job.folder / "register.csv").write_text(csv + f"{new},Nya,active,14\n{other},Andra,active,14\n", encoding="utf-8")
    unknown = there[:-1] + "8"
    assert filled_in(job, new, unknown, "$(touch broken)`touch broken`") == 1
    (pull,) = github.pulls
    assert pull["head"] == "reconciler/issue-7"
    assert pull["body"].endswith("\n\nCloses #7")
    assert "+  " + new in pull["body"]
    assert unknown in bodies(github)[0]
    assert at(remote, "reconciler/issue-7^") == at(remote, "main")
    assert not (job.folder / "broken").exists()
    assert filled_in(job, new, other) == 0
    assert len(github.pulls) == 1
    assert "+  " + other in pull["body"]
    assert at(remote, "reconciler/issue-7") == job.country.git("rev-parse", "reconciler/issue-7")
    assert len(bodies(github)) == 1
    assert unknown not in bodies(github)[0]


def test_a_form_of_nothing_new_is_no_proposal(job, github, remote):
    assert filled_in(job, job.country.clinics["14"][0]) == 0
    assert github.pulls == []
