"""The rules of the house, made of code: floors, a quick start, small files, and nothing of anybody's machine."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import cost
import pytest

from reconciler.findings import Exit
from reconciler.plan import BoardOutcome, Outcome

ROOT = Path(__file__).parent.parent
MODULES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("reconciler/**/*.py"))
}
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("demo/*.md"), *ROOT.glob("deploy/**/*.md")])
HEAVY = {
    "sqlalchemy",
    "jsonschema",
    "jsonschema_rs",
    "rich",
    "yaml",
    "alembic",
    "rapidfuzz",
    "stdnum",
    "urllib3",
    "jinja2",
}
QUIET = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "RECONCILER_"))}


def imported_by(*arguments: str) -> set[str]:
    """Return the top-level packages that a run of the command imports."""
    command = [sys.executable, "-X", "importtime", "-m", "reconciler", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    names = re.findall(r"^import time:[^|]+\|[^|]+\|\s*([\w.]+)", ran.stderr, re.MULTILINE)
    return {name.partition(".")[0] for name in names}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---- floors


def test_a_module_imports_only_from_the_floors_below_its_own():
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    ran = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


# ---- start-up


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(flag):
    assert imported_by(flag) & HEAVY == set()


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_answer_at_once(flag, language):
    assert cost.least(flag, folder=ROOT, environ=QUIET | {"RECONCILER_LANG": language}, times=5) < 0.15


@pytest.mark.parametrize(("command", "seconds"), [("validate", 0.6), ("plan", 1.2)])
def test_the_example_is_validated_and_planned_in_a_moment(command, seconds):
    assert cost.least(command, folder=ROOT, environ=QUIET) < seconds


def test_validate_needs_no_database():
    imported = imported_by("validate")
    assert "yaml" in imported
    assert imported & {"sqlalchemy", "alembic", "jinja2"} == set()


# ---- the code


def test_every_module_says_what_it_is_for():
    assert [name for name, text in MODULES.items() if not ast.get_docstring(ast.parse(text))] == []


def test_no_module_is_too_long_to_be_read_at_once():
    lengths = {name: len(text.splitlines()) for name, text in MODULES.items()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_no_file_names_a_folder_of_somebodys_machine():
    machine = re.compile(rb"(?<![\w.$}])/(?:home|root|Users|work|tmp)/")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    assert files
    assert [relative(file) for file in files if machine.search(file.read_bytes())] == []


# ---- the words


def test_every_text_has_its_swedish():
    """`make words` lists what is missing; write it in `reconciler.po`, and run it again."""
    command = [sys.executable, "catalogue.py", "--check"]
    ran = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True, check=False)
    assert ran.stderr == ""


# ---- the pages


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_between_the_pages_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    targets = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in targets if not (page.parent / link).exists()] == []


def test_the_readme_explains_every_exit_code():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("## Exit codes")[2].partition("\n## ")[0]
    first_cells = " ".join(re.findall(r"^\| ([0-9, ]+) \|", table, re.MULTILINE))
    assert {int(code) for code in re.findall(r"\d+", first_cells)} == {int(code) for code in Exit}


@pytest.mark.parametrize("outcome", [*Outcome, *BoardOutcome], ids=str)
def test_the_page_of_the_line_explains_every_outcome(outcome):
    assert f"`{outcome.value}`" in (ROOT / "docs/flow.md").read_text(encoding="utf-8")


def test_the_decisions_are_numbered_without_gaps():
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
