"""The README's session is replayed: each command is run in its order, and must print what stands there."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

from reconciler.cli import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SESSION = [step for block in BLOCKS for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
LEFT_OUT = "…"
MOMENT = r"\d{4}-\d{2}-\d{2}[T ][\d:.]+(?:\+00:00)?"


def said(arguments: list[str]) -> str:
    both = io.StringIO()
    with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
        run(arguments)
    return both.getvalue()


def pattern(shown: str) -> str:
    """Return what matches an output as it is shown: a line with an ellipsis alone is any lines, a time any time."""
    lines = (r"(?:.*\n)+" if line == LEFT_OUT else line_pattern(line) for line in shown.splitlines())
    return "".join(lines)


def line_pattern(line: str) -> str:
    return MOMENT.join(re.escape(part) for part in re.split(MOMENT, line)) + r"\n"


def test_the_session_goes_as_the_readme_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "reconciler.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTOR", raising=False)
    monkeypatch.delenv("GITLAB_USER_LOGIN", raising=False)
    monkeypatch.setenv("LOGNAME", "you")
    assert len(SESSION) > 10
    for step in SESSION:
        command, _, shown = step.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "reconciler"
        printed = said(arguments)
        assert re.fullmatch(pattern(shown.rstrip("\n")), printed.rstrip("\n") + "\n"), f"$ {command}\n{printed}"
