"""What is said in each situation, in every format and both languages, is what was kept, read and found good.

`make goldens` keeps it anew: then read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from golden_sessions import SESSIONS, Session, gone_through
from golden_situations import SITUATIONS, Situation, made, nothing
from readers import broken_rules_of
from test_cli import Said

from reconciler import __version__
from reconciler.cli.formats import NAMES

GOLDENS = Path(__file__).parent / "goldens"


def reports(situation: Situation, language: str) -> dict[str, str]:
    """Run once, and return what each format says."""
    outputs = [f"--format={name}={name}.out" for name in NAMES]
    Said("--lang", language, *situation.command, *outputs)
    return {name: Path(f"{name}.out").read_text(encoding="utf-8") for name in NAMES}


def unchanging(text: str, folder: Path) -> str:
    """Leave out what is another thing on another day, in another place or version."""
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"until: [0-9-]{10}", "until: in a week", text)
    return text.replace(f'"{__version__}"', '"VERSION"')


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("situation", SITUATIONS, ids=[one.name for one in SITUATIONS])
def test_what_is_said_is_what_was_kept(
    situation: Situation, language: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("golden")
    monkeypatch.chdir(folder)
    made(situation)
    said = reports(situation, language)
    assert {name: broken_rules_of(name, text) for name, text in said.items()} == {name: [] for name in NAMES}
    text = unchanging("".join(f"======== {name}\n{report}\n" for name, report in said.items()), folder)
    kept = GOLDENS / f"{situation.name}.{language}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        GOLDENS.mkdir(exist_ok=True)
        kept.write_bytes(text.encode())
    assert text.encode() == kept.read_bytes()


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("session", SESSIONS, ids=[one.name for one in SESSIONS])
def test_a_session_goes_as_it_was_kept(
    session: Session, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTOR", "anna")
    made(Situation(session.name, (), nothing))
    text = gone_through(session, language, tmp_path)
    kept = GOLDENS / f"session, {session.name}.{language}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        kept.write_bytes(text.encode())
    assert text.encode() == kept.read_bytes()


def test_there_are_many_situations_and_no_golden_without_one() -> None:
    assert len(SITUATIONS) >= 40
    names = [one.name for one in SITUATIONS] + [f"session, {one.name}" for one in SESSIONS]
    wanted = {f"{name}.{language}.txt" for name in names for language in ("en", "sv")}
    assert {path.name for path in GOLDENS.iterdir()} == wanted


def test_a_report_is_the_same_bytes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(SITUATIONS[4])
    assert reports(SITUATIONS[4], "sv") == reports(SITUATIONS[4], "sv")


def test_the_json_report_fits_its_schema_in_swedish_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(SITUATIONS[0])
    document = json.loads(reports(SITUATIONS[0], "sv")["json"])
    schema = Path(__file__).parents[1] / "schemas" / "plan.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text(encoding="utf-8")))
