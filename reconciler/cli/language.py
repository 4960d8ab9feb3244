"""Which language is spoken, and the help in it: decided before click reads the command line, since click speaks too.

Flag over environment over settings over locale. It knows click's commands as a tree of texts, and none of them by name.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from inspect import cleandoc
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

import click

from reconciler.words import LOCALE, _, speak

LANGUAGES = ("sv", "en")
HELP_OPTIONS = ["-h", "--help"]
_SETTING = re.compile(r"""\s*lang\s*=\s*["'](sv|en)["']\s*(?:#.*)?""")
_FIRST_WINS = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def choose(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the language to speak; a wrong one is passed over here, and told where flags and settings are read."""
    wanted = (_given(arguments, "--lang"), environ.get("RECONCILER_LANG"), _of_settings(arguments, environ))
    return next((language for language in wanted if language in LANGUAGES), None) or _of_locale(environ)


def _given(arguments: Sequence[str], flag: str) -> str | None:
    for argument, value in zip_longest(arguments, arguments[1:]):
        if argument == flag:
            return value
        if argument.startswith(f"{flag}="):
            return argument.partition("=")[2]
    return None


def _of_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Look for the one line: to read all of the settings costs more than `--help` may."""
    named = _given(arguments, "--settings") or environ.get("RECONCILER_SETTINGS")
    here = Path.cwd()
    above = (folder / "reconciler.toml" for folder in (here, *here.parents))
    path = Path(named) if named else next((file for file in above if file.is_file()), None)
    try:
        text = path.read_text(encoding="utf-8-sig") if path else ""
    except (OSError, ValueError):
        return None
    head = f"\n{text}".partition("\n[")[0]
    return next((match[1] for line in head.splitlines() if (match := _SETTING.fullmatch(line))), None)


def _of_locale(environ: Mapping[str, str]) -> str:
    first = next((environ[name] for name in _FIRST_WINS if environ.get(name)), "")
    return "sv" if re.match(r"sv\b|sv_", first) else "en"


# ---- the help


def say_in(language: str, command: click.Command) -> None:
    """Say every text in *language* from now on: our own, click's, and the help of *command* and all below it."""
    speak(language)
    os.environ["LANGUAGE"] = language  # the only way that click's texts, which gettext gives, are told the language
    gettext.bindtextdomain("reconciler", str(LOCALE))
    gettext.textdomain("reconciler")
    say_anew(command)


def say_anew(command: click.Command) -> None:
    """Put the help of *command* and all below it that is loaded into the language that is spoken."""
    _say(_spots(command))


def say_name(command: click.Command) -> None:
    """Put into the language that is spoken what *command* is said to be in the list of commands."""
    _say(_spots_of(command))


def sayings(command: click.Command) -> Iterator[str]:
    """Return the texts of *command* and all below it, in English."""
    return (english for _owner, _name, english in _spots(command))


Spot: TypeAlias = "tuple[object, str, str]"
"""What has a text, the name of the attribute, and the English that stands there when it is first looked at."""


def _say(spots: Iterable[Spot]) -> None:
    for owner, name, english in spots:
        setattr(owner, name, _(english))


def _spots(command: click.Command) -> Iterator[Spot]:
    for owner in (command, *_parameters(command)):
        yield from _spots_of(owner)
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _spots(below)


def _parameters(command: click.Command) -> list[click.Parameter]:
    """Return the parameters of *command*.

    Click makes `--help` once, when it is first asked for, in the language spoken then: that has to be English.
    """
    spoken = gettext.textdomain()
    gettext.textdomain("")
    try:
        return command.get_params(click.Context(command, help_option_names=HELP_OPTIONS))
    finally:
        gettext.textdomain(spoken)


@cache
def _spots_of(owner: click.Command | click.Parameter) -> tuple[Spot, ...]:
    names = ("help", "metavar", "options_metavar", "subcommand_metavar")
    return tuple((owner, name, cleandoc(text)) for name in names if (text := getattr(owner, name, None)))
