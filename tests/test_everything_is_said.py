"""No text that a person reads goes round the catalogue: in a language of brackets, nothing stands outside them.

What may stand outside is data: names from the files, ids of rules, commands and flags.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from golden_situations import SITUATIONS, Situation, made
from test_cli import Said

from reconciler import words
from reconciler.cli import commands as all_commands
from reconciler.cli import language, main
from reconciler.model import REGIONS
from reconciler.rules.registry import RULES
from reconciler.words import _

ROOT = Path(__file__).parent.parent


def commands() -> Iterator[list[str]]:
    """Return the names of all commands, flags and choices: they are the same in every language."""
    all_commands()
    below = [main]
    while below:
        command = below.pop()
        below += command.commands.values() if isinstance(command, click.Group) else ()
        flags = [flag for option in command.params for flag in (*option.opts, *getattr(option.type, "choices", ()))]
        yield ["reconciler", "help", command.name or "", *flags]


WORD = re.compile(r"[^\W\d_][\w-]+")
PLACE = re.compile(r"config/\S+|SE[0-9]+-\S+|\\[ux][0-9a-f]+")
NAMES = " ".join((*REGIONS.values(), *RULES, "HSA-id", "details", "summary"))
FIXED = {*WORD.findall(NAMES), *(word for owner in commands() for word in WORD.findall(" ".join(owner)))}
OTHERS = (
    ("status",),
    ("apply",),
    ("db", "check"),
    ("explain", "3"),
    ("explain", "SE2321000131-E000000000458"),
    ("validate", "--live"),
    ("--help",),
    ("validat",),
)


@pytest.fixture(scope="module")
def bracketed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make a catalogue in which each text is itself, in brackets, and let it be the Swedish one."""
    sys.path.insert(0, str(ROOT))
    import catalogue  # noqa: PLC0415  (found by that path alone)

    sys.path.remove(str(ROOT))
    made_up = Catalog(locale="sv")
    for text in catalogue.texts():
        forms = (text,) if isinstance(text, str) else text
        said = tuple(f"⟦{form}⟧" for form in forms)
        made_up.add(text, said[0] if isinstance(text, str) else said)
    folder = tmp_path_factory.mktemp("locale")
    file = io.BytesIO()
    write_mo(file, made_up)
    (folder / "sv/LC_MESSAGES").mkdir(parents=True)
    (folder / "sv/LC_MESSAGES/reconciler.mo").write_bytes(file.getvalue())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "LOCALE", folder)
        patch.setattr(language, "LOCALE", folder)
        yield


def outside(text: str) -> set[str]:
    """Return the words of *text* that stand in no brackets; of a bracket within another, the outer one counts."""
    depth, kept = 0, []
    for sign in text:
        depth += (sign == "⟦") - (sign == "⟧")
        kept.append(sign if depth == 0 else " ")
    return set(WORD.findall(PLACE.sub(" ", "".join(kept).replace("⟧", " "))))


def data(folder: Path) -> set[str]:
    """Return every word of the files that a situation has."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix in {".yaml", ".csv", ".toml"}]
    return set(WORD.findall(" ".join(path.read_text(encoding="utf-8", errors="replace") for path in files)))


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("situation", SITUATIONS[::3], ids=[one.name for one in SITUATIONS[::3]])
def test_a_report_says_nothing_but_what_can_be_translated(
    bracketed: None, situation: Situation, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made(situation)
    said = Said("--lang", "sv", *situation.command, "--format", form)
    assert "⟦" in said.out
    assert outside(said.out + said.err) - data(tmp_path) - FIXED == set()


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_a_command_says_nothing_but_what_can_be_translated(
    bracketed: None, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made(SITUATIONS[0])
    said = Said("--lang", "sv", *command)
    assert _("drift") == "⟦drift⟧"
    assert outside(said.out + said.err) - data(tmp_path) - FIXED - set(command) == set()
