"""Situations whose reports are kept: what the files are, and what is asked of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from test_scenarios import SETTINGS, fill, told, yaml

TESTS = Path(__file__).parent
FILE = Path("config/regions/14-vastra-gotaland.yaml")
OTHER = Path("config/regions/12-skane.yaml")
GOOD = TESTS / "scenarios" / "nothing has happened"
EDEN = "SE162321000255-O24371"
AGARD = "SE2321000131-E000000000458"


class Situation(NamedTuple):
    """A name that says what is the matter, how the folder becomes so, and the command that is run in it."""

    name: str
    command: tuple[str, ...]
    make: Callable[[], None]


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    then = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-05-01T12:00:00Z")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, env={**os.environ, **then})


def committed(make: Callable[[], None]) -> None:
    make()
    git("init", "-q", "-b", "main")
    git("add", "config")
    git("commit", "-qm", "base")


def story(name: str) -> Situation:
    def make() -> None:
        shutil.rmtree("config")
        shutil.copytree(TESTS / "scenarios" / name, ".", dirs_exist_ok=True)
        assert told("db", "init")[0] == 0
        fill(Path("reconciler.db"), yaml.safe_load(Path("database.yaml").read_text(encoding="utf-8")) or {})

    return Situation(name, ("plan",), make)


def broken(name: str) -> Situation:
    file = TESTS / "broken" / f"14-{name}.yaml"
    return Situation(name.replace("-", " "), ("validate",), lambda: FILE.write_bytes(file.read_bytes()))


def edit(name: str, old: str, new: str, *command: str) -> Situation:
    return Situation(name, ("validate", *command), lambda: edited(FILE, old, new))


def nothing() -> None:
    pass


def _declared_twice() -> None:
    edited(OTHER, f"  {EDEN}:", f"  {AGARD}: Närhälsan\n  {EDEN}:")


def _many_faults() -> None:
    lines = "".join(f"  SE232100O131-E{number:012}: Mottagning {number}\n" for number in range(14))
    FILE.write_text(FILE.read_text(encoding="utf-8") + lines, encoding="utf-8")


def _old_and_new() -> None:
    committed(lambda: edited(FILE, "E000000000458", "E00000Ö000457"))
    edited(OTHER, EDEN, "SE162321OO0255-O24371")


def _only_old() -> None:
    committed(lambda: edited(FILE, "E000000000458", "E00000Ö000458"))


def _no_register() -> None:
    Path("register.csv").unlink()


def _hostile() -> None:
    name = "::error::x%0A | `y` </details> <!-- @octocat #1 [x](http://x.example) ]]> ##[add-path]x {0} &amp; *z*"
    edited(FILE, "name: Västra Götalandsregionen", f"name: '{name}'")
    FILE.rename(FILE.with_name("14-a|b`c<d>,x::y%0A\n::error::.yaml"))


def _proposal() -> None:
    committed(_with_rights)
    name = "a|b`c<d> ::error::x"
    edited(OTHER, f"  {EDEN}:", f"  SE162321000255-O24372: '{name}'\n  {EDEN}:")
    edited(FILE, "support_order: EXEMPEL-14", "support_order: EXEMPEL-15")


def _with_rights() -> None:
    rights = 'national: [nationell-forvaltare]\nregions: {"12": [region-12-forvaltare], "14": [region-14-forvaltare]}\n'
    Path("config/access.yaml").write_text(rights, encoding="utf-8")


def _only_form() -> None:
    committed(nothing)
    edited(FILE, "version: 1", "# a comment\nversion: 1")


STORIES = (
    "a board is taken away",
    "a board was there before",
    "a clinic closes and its line is deleted",
    "a clinic was enrolled by hand",
    "a list is pasted over another",
    "a new clinic is not activated",
    "a region begins",
    "an enrolled clinic is inactivated",
    "clinic moves from Skåne to Västra Götaland, no file changed yet",
    "clinic moves, and the new region has declared it first",
    "clinic moves, and the old region has deleted it first",
    "nothing has happened",
    "one region's file is broken and the other goes on",
    "somebody changed the database by hand",
)
BROKEN = (
    "alias",
    "anchors",
    "bad-indentation",
    "bell-in-name",
    "bidi-in-name",
    "board-as-list",
    "clinic-in-two-spellings",
    "clinics-as-list",
    "crlf-with-fault",
    "duplicate-top-keys",
    "empty",
    "first-clinic-under-braces",
    "id-en-dash",
    "id-letter-o-in-number",
    "latin-1",
    "many-faults",
    "merge-conflict",
    "missing-blank-after-colon",
    "name-with-colon",
    "nul-in-name",
    "region-of-another-file",
    "swedish-keys",
    "tab-indents-a-clinic",
    "two-documents",
    "without-most-keys",
)
REVIEW = ("review", "--base", "HEAD")
SITUATIONS = (
    *map(story, STORIES),
    *map(broken, BROKEN),
    Situation("all is well", ("validate",), nothing),
    Situation("all is well with the e-services too", ("validate", "--live"), nothing),
    Situation("a clinic in two files", ("validate",), _declared_twice),
    Situation("a clinic in two files, and the register tells", ("validate", "--live"), _declared_twice),
    Situation("more faults than are shown", ("validate",), _many_faults),
    Situation("a fault that the base has, and a new one", ("validate", "--base", "HEAD"), _old_and_new),
    Situation("only a fault that the base has", ("validate", "--base", "HEAD"), _only_old),
    Situation("the register is away", ("validate", "--live"), _no_register),
    Situation("the register is away when it is planned", ("plan",), _no_register),
    Situation("a file is gone", ("validate",), FILE.unlink),
    Situation("a name and a file that want to break out", ("validate",), _hostile),
    Situation("a pull request without a right person", (*REVIEW, "--author", "Region-12-Forvaltare"), _proposal),
    Situation("a pull request that is approved", (*REVIEW, "--approved-by", "nationell-forvaltare"), _proposal),
    Situation("a pull request where nobody has rights", REVIEW, lambda: (committed(nothing), _declared_twice())[1]),
    Situation("a pull request of form alone", REVIEW, _only_form),
    edit("a clinic nobody knows", "E000000000458", "E000000000999", "--live"),
    edit("a broken HSA-id whose clinic another file has", f"{AGARD}: Närhälsan Ågårdsskogen", f"{EDEN}Ö: Eden"),
    edit("a broken HSA-id whose clinic the e-services know", f"{AGARD}:", "E458:", "--live"),
    edit("a region by another name", "name: Västra Götalandsregionen", "name: Västra Götaland"),
    edit("a check digit that does not fit", "SE2321000131-E000000000458", "SE2321000132-E000000000458"),
)


def made(situation: Situation) -> None:
    """Make the situation in the current folder."""
    shutil.copytree(GOOD, ".", dirs_exist_ok=True)
    Path("reconciler.toml").write_text(SETTINGS, encoding="utf-8")
    situation.make()
