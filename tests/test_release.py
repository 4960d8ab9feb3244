"""What a release is made of, and what catalogues of public software are told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from handed_out import ROOT

from reconciler import __version__

ABOUT = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RELEASE = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))


# ---- publiccode.yml, by its standard


def test_what_the_standard_requires_is_there():
    required = {"publiccodeYmlVersion", "name", "url", "platforms", "developmentStatus", "softwareType", "description"}
    assert required | {"legal", "maintenance", "localisation"} <= set(ABOUT)
    assert ABOUT["developmentStatus"] in ("concept", "development", "beta", "stable", "obsolete")
    assert ABOUT["maintenance"]["type"] in ("none", "internal", "contract", "community")
    assert ABOUT["maintenance"]["type"] == "none" or set(ABOUT["maintenance"]) & {"contacts", "contractors"}


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_description_is_as_long_as_the_standard_has_it(language):
    told = ABOUT["description"][language]
    assert len(told["shortDescription"]) <= 150
    assert 150 <= len(told["longDescription"]) <= 10_000
    assert 5 <= len(told["features"]) <= 20


def test_it_says_what_the_program_is():
    assert ABOUT["legal"]["license"] == PROJECT["license"]
    assert sorted(ABOUT["localisation"]["availableLanguages"]) == ["en", "sv"]
    (python,) = [one for one in ABOUT["dependsOn"]["open"] if one["name"] == "Python"]
    assert PROJECT["requires-python"] == f">={python['versionMin']}"


# ---- the changelog, and the tag


def test_what_is_not_released_stands_first_in_the_changelog():
    headings = re.findall("^## (.*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", heading) for heading in headings[1:])


CHANGELOG = """# Changelog

## Unreleased

## 0.2.0 (2027-01-02)

- What is new.

## 0.1.0 (2026-12-01)

- What was.
"""


def tagged(folder: Path, tag: str, version: str) -> int:
    """Return how the step ends that holds a tag against what is tagged."""
    (folder / "reconciler").mkdir()
    (folder / "reconciler/__init__.py").write_text(f'"""Words."""\n\n__version__ = "{version}"\n', encoding="utf-8")
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (script,) = [step["run"] for step in RELEASE["jobs"]["build"]["steps"] if "notes.md" in step.get("run", "")]
    environ = {"PATH": os.environ["PATH"], "GITHUB_REF_NAME": tag}
    return subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environ, check=False).returncode


def test_a_release_is_told_in_the_words_of_the_changelog(tmp_path):
    assert tagged(tmp_path, "v0.2.0", "0.2.0") == 0
    assert (tmp_path / "notes.md").read_text(encoding="utf-8").strip() == "- What is new."


@pytest.mark.parametrize(("tag", "version"), [("v0.2.1", "0.2.0"), ("v0.3.0", "0.3.0"), ("0.2.0", "0.2.0")])
def test_a_tag_that_is_not_what_is_tagged_is_no_release(tmp_path, tag, version):
    assert tagged(tmp_path, tag, version) != 0


def test_only_the_job_that_publishes_may_and_it_waits_for_somebody():
    build, publish = RELEASE["jobs"]["build"], RELEASE["jobs"]["publish"]
    assert build["permissions"] == {"contents": "read"}
    assert publish["environment"] == "release"
    assert [step for step in publish["steps"] if "checkout" in step.get("uses", "")] == []


# ---- what is built


@pytest.mark.skipif(not os.environ.get("RECONCILER_SOAK"), reason="it installs much: make soak")
def test_a_release_is_built_from_a_clone_with_the_list_of_its_parts(tmp_path):
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], check=True)
    (tmp_path / "clone/.venv").symlink_to(ROOT / ".venv")
    subprocess.run(["make", "--assume-old=.venv/dev.stamp", "dist"], cwd=tmp_path / "clone", check=True)
    (wheel,) = (tmp_path / "clone/dist").glob("*.whl")
    assert f"-{__version__}-" in wheel.name
    parts = json.loads((tmp_path / "clone/dist/parts/reconciler.cdx.json").read_text(encoding="utf-8"))
    assert parts["metadata"]["component"]["version"] == __version__
    names = {part["name"].lower() for part in parts["components"]}
    wanted = {re.match(r"[\w.-]+", one)[0] for one in PROJECT["dependencies"]}
    assert {re.sub("[-_.]+", "-", name) for name in wanted} <= {re.sub("[-_.]+", "-", name) for name in names}
