"""What is handed out asks of the program only what it knows."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from handed_out import ROOT

from reconciler.cli import commands, main

FILES = sorted(
    path
    for pattern in ("deploy/**/*", "templates/*", "docs/operations.md", ".github/**/*", "Containerfile")
    for path in ROOT.glob(pattern)
    if path.is_file()
)
COMMANDS = "|".join(commands())


def command_lines() -> set[str]:
    """Return every command line of ours in the files, up to where it ends, a comment or another command begins."""
    text = "\n".join(re.sub(r"\n +--", " --", path.read_text(encoding="utf-8")) for path in FILES)
    return {line.strip() for line in re.findall(rf"\breconciler ((?:{COMMANDS}) ?[^\n`|;&(]*)", text)}


@pytest.mark.parametrize("line", sorted(command_lines()))
def test_a_command_line_that_is_handed_out_is_one_that_the_program_takes(line):
    words = shlex.split(line)
    command: click.Command | None = main
    with main.make_context("reconciler", words) as context:
        while isinstance(command, click.Group):
            command = command.get_command(context, words.pop(0))
        assert command
        command.make_context(command.name, words, parent=context)


def test_there_are_command_lines_to_look_at():
    assert {"apply", "db init", "db grants"} <= command_lines()
