"""Writes the pages made from the program: `rules.md` and `sv/regler.md` from the rules, `cli.md` from `--help`.

`python docs/generate.py` writes them; with `--check` it ends with 1 where one is stale, and writes nothing. Knows the
rules and the commands by what they say of themselves, and none by name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from textwrap import fill, indent

import click
from click.testing import CliRunner

from reconciler.cli import commands
from reconciler.cli import main as command_line
from reconciler.cli.language import say_in
from reconciler.findings import Rule, Stage
from reconciler.report.json import explain_rule
from reconciler.report.terminal import severity_word, stage_word
from reconciler.rules.registry import RULES
from reconciler.words import _, mark

FOLDER = Path(__file__).parent
WIDTH = 100
MADE = "<!-- made by docs/generate.py; `make docs` makes it anew -->"

STAGES = {
    Stage.SHAPE: mark("They see one file. An error stops the region."),
    Stage.MEANING: mark("They see all region files together. An error stops the region; a duplicate, the clinic."),
    Stage.UPSTREAM: mark("They see the register, the routes and the database. An error stops the clinic or the board."),
    Stage.GUARD: mark("They see the plan. A refusal stops the region, or all; an approval lets it pass."),
    Stage.REVIEW: mark("They see what a pull request means, and who wrote and approved it. An error fails `review`."),
}


def rules_page(language: str) -> str:
    """Return every rule in *language*, by stage, in the order of the code."""
    say_in(language, command_line)
    order = list(Stage)
    rules = sorted(RULES.values(), key=lambda rule: order.index(rule.stage))
    parts = [
        f"# {_('Rules')}\n\n{MADE}\n",
        fill(
            _(
                "`reconciler explain RULE` prints the same. What stands in braces is filled in. An example is a patch "
                "over one good region file and the world around it; what follows `---` is a patch over a second "
                "region's."
            ),
            WIDTH,
        )
        + "\n",
    ]
    for stage, found in groupby(rules, lambda rule: rule.stage):
        parts.append(f"## {_('Stage: {stage}').format(stage=stage_word(stage.value))}\n\n{_(STAGES[stage])}\n")
        parts += [_rule(rule) for rule in found]
    return "\n".join(parts)


def _rule(rule: Rule[...]) -> str:
    told = explain_rule(rule)
    message = f"{severity_word(told['severity'])}: {told['problem']} [{rule.id}]\n{indent(told['remedy'], '    ')}"
    examples = [(_("Okay"), example) for example in told["okay"]] + [
        (_("Flagged"), example) for example in told["flagged"]
    ]
    blocks = [f"{title}:\n\n```yaml\n{example}\n```\n" for title, example in examples]
    return "\n".join([f"### {rule.id}\n\n{told['reason']}\n", f"```text\n{message}\n```\n", *blocks])


def cli_page() -> str:
    """Return `cli.md`: the help of every command."""
    parts = [f"# Commands\n\n{MADE}\n"]
    commands()
    for path in _paths(command_line, ()):
        result = CliRunner().invoke(
            command_line, [*path, "--help"], prog_name="reconciler", terminal_width=WIDTH, catch_exceptions=False
        )
        title = " ".join(("reconciler", *path))
        parts.append(f"## {title}\n\n```text\n$ {title} --help\n{result.output.rstrip()}\n```\n")
    return "\n".join(parts)


def _paths(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _paths(command.commands[name], (*path, name))


def pages() -> dict[Path, str]:
    """Return the pages that are made, by where they stand."""
    # English first: click makes a help option once, and what it was made with in Swedish has no way back.
    made = {FOLDER / "cli.md": cli_page()}
    return {**made, FOLDER / "sv/regler.md": rules_page("sv"), FOLDER / "rules.md": rules_page("en")}


def stale() -> list[Path]:
    """Return the pages that are not what the program says."""
    return [path for path, text in pages().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def run(arguments: list[str]) -> int:
    """Write the pages, or with `--check` tell which are stale; return the exit code."""
    if "--check" not in arguments:
        for path, text in pages().items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    found = stale()
    for path in found:
        print(f"{path.name} is stale: run `make docs`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
