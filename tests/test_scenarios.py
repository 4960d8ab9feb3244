"""One folder, one story: plan it, compare with what was expected, apply it, and then nothing is left to do.

A story's `expected.txt` is what `plan` prints, and its last line the exit codes of plan, apply and the plan after.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml

from reconciler.cli import run

STORIES = sorted(path for path in (Path(__file__).parent / "scenarios").iterdir() if path.is_dir())
SETTINGS = """
lang = "en"
demo = true
regions = ["12", "14"]
[register]
path = "register.csv"
max_age = "off"
"""


def told(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = run(list(arguments))
    return code, out.getvalue()


@pytest.fixture
def story(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "story"
    shutil.copytree(request.param, folder)
    monkeypatch.chdir(folder)
    Path("reconciler.toml").write_text(SETTINGS, encoding="utf-8")
    assert told("db", "init")[0] == 0
    fill(Path("reconciler.db"), yaml.safe_load(Path("database.yaml").read_text(encoding="utf-8")) or {})
    return Path(request.param)


def fill(database: Path, held: dict[str, dict[str, list[str]]]) -> None:
    now = "2026-05-01T00:00:00+00:00"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for hsa_id, (region, name) in held.get("clinics", {}).items():
            connection.execute("INSERT INTO complaints_clinic VALUES (?, ?, ?, ?, ?)", (hsa_id, region, name, now, now))
        for hsa_id, (declared_in, region, name) in held.get("managed", {}).items():
            connection.execute(
                "INSERT INTO managed_clinic (hsa_id, declared_in, region_code, name, run_id) VALUES (?, ?, ?, ?, 0)",
                (hsa_id, declared_in, region, name),
            )
        for region, (hsa_id, name, order) in held.get("boards", {}).items():
            connection.execute(
                "UPDATE complaints_region SET board_hsa_id = ?, board_name = ? WHERE region_code = ?",
                (hsa_id, name, region),
            )
            if order:
                connection.execute(
                    "INSERT INTO managed_board VALUES (?, ?, ?, ?, 0)",
                    (region, hsa_id, name, order),
                )


@pytest.mark.parametrize("story", STORIES, indirect=True, ids=[path.name for path in STORIES])
def test_the_story_goes_as_told(story: Path) -> None:
    planned, text = told("plan")
    applied, _ = told("apply")
    again, after = told("plan", "--detailed-exitcode")
    text = re.sub(r"until: [0-9-]{10}", "until: in a week", text)
    result = f"{text}-- plan {planned}, apply {applied}, plan again {again}\n"
    if os.environ.get("UPDATE_STORIES"):
        (story / "expected.txt").write_text(result, encoding="utf-8")
    assert result == (story / "expected.txt").read_text(encoding="utf-8")
    if planned == 0:
        assert again == 0
        assert "nothing to do" in after
