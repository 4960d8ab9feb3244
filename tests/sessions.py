"""Sessions in pages, replayed: each command is run in its order, and must print what stands there.

A line with an ellipsis alone is any lines, a time is any time.
"""

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
LEFT_OUT = "…"
MOMENT = r"\d{4}-\d{2}-\d{2}[T ][\d:.]+(?:\+00:00)?"


def steps(page: str) -> list[str]:
    """Return the commands of a page in Markdown, each with the output that is shown below it."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [step for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def at_the_example(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a copy of the example, as somebody whose login is `you`."""
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "reconciler.toml", folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GITHUB_ACTOR", raising=False)
    monkeypatch.delenv("GITLAB_USER_LOGIN", raising=False)
    monkeypatch.setenv("LOGNAME", "you")


def replay(step: str) -> None:
    """Run one command, and compare what it prints."""
    command, _, shown = step.partition("\n")
    program, *arguments = shlex.split(command)
    assert program == "reconciler"
    printed = said(arguments)
    assert re.fullmatch(pattern(shown.rstrip("\n")), printed.rstrip("\n") + "\n"), f"$ {command}\n{printed}"


def said(arguments: list[str]) -> str:
    both = io.StringIO()
    with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
        run(arguments)
    return both.getvalue()


def pattern(shown: str) -> str:
    lines = (r"(?:.*\n)+" if line == LEFT_OUT else _line_pattern(line) for line in shown.splitlines())
    return "".join(lines)


def _line_pattern(line: str) -> str:
    return MOMENT.join(re.escape(part) for part in re.split(MOMENT, line)) + r"\n"
