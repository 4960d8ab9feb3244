"""The Swedish of every text: gathered from the program, kept in one `.po`, compiled when the program is installed.

`python catalogue.py` brings the `.po` in line with the program and compiles it, `--check` tells what is missing,
`--compile` only compiles. A build (`pip install`, also of a checkout) compiles too, by `get_build_hook`.

The `.po` is sorted by the English text and holds no places and no dates, so that two people's additions merge; what a
merge has made of it (markers, doubled lines) is put right when it is read.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent
PO = ROOT / "reconciler/locale/sv/LC_MESSAGES/reconciler.po"
MO = PO.with_suffix(".mo")
HEADER = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
    '"Language: sv\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
)
SAYS = {"_": 1, "mark": 1, "ngettext": 2}
"""What texts pass through, and how many of the arguments are texts."""
Texts = set[str | tuple[str, str]]


# ---- what there is to say


def texts() -> Texts:
    """Return every text that the program, and click for it, can say to a person; with two forms where it counts."""
    import click  # a build has neither click nor the program

    found: Texts = set()
    for folder in (ROOT / "reconciler", ROOT / "docs", Path(click.__file__).parent):
        found.update(text for file in folder.glob("**/*.py") for text in _of_source(file.read_text(encoding="utf-8")))
    return found | set(_of_rules()) | set(_of_commands())


def _of_source(source: str) -> Iterator[str | tuple[str, str]]:
    """Find the calls in the syntax tree: Babel's own search passes over those that stand inside an f-string."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (count := SAYS.get(node.func.id)):
            said = [argument.value for argument in node.args[:count] if isinstance(argument, ast.Constant)]
            if len(said) == count:
                yield said[0] if count == 1 else (said[0], said[1])


def _of_rules() -> Iterator[str]:
    from reconciler.report.rule_page import page
    from reconciler.rules.registry import RULES

    for rule in RULES.values():
        yield from (rule.problem, rule.remedy, *page(rule).reason.split("\n\n"))


def _of_commands() -> Iterator[str]:
    from reconciler.cli import commands, main
    from reconciler.cli.language import sayings

    commands()
    yield from sayings(main)


# ---- the file


def read() -> Catalog:
    """Return what the `.po` holds, whatever a merge has made of it: of two translations the last counts."""
    text = PO.read_text(encoding="utf-8") if PO.is_file() else HEADER
    text = re.sub(r"^(<{7}|\|{7}|={7}|>{7}).*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r'^msgstr ".*"\n(?=msgstr ")', "", text, flags=re.MULTILINE)
    return read_po(io.BytesIO(text.encode()), locale="sv")


def merged(held: Catalog, wanted: Texts) -> Catalog:
    """Return a catalogue of exactly the *wanted* texts, with the translations that are *held*."""
    new = Catalog(locale="sv", fuzzy=False)
    for text in sorted(wanted, key=_first):
        old = held.get(_first(text))
        fits = old is not None and isinstance(old.string, str) == isinstance(text, str)
        new.add(text, old.string if old and fits else "", flags=old.flags & {"fuzzy"} if old else ())
    return new


def _first(text: str | tuple[str, str]) -> str:
    return text if isinstance(text, str) else text[0]


def written(catalogue: Catalog) -> str:
    """Return the text of the `.po`."""
    out = io.BytesIO()
    write_po(out, catalogue, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    plain = re.sub(r"^#, (?!.*fuzzy).*\n", "", out.getvalue().decode(), flags=re.MULTILINE)  # python-brace-format
    return HEADER + plain.strip("\n") + "\n"


def compiled() -> None:
    """Write the `.mo` that the program reads."""
    with MO.open("wb") as file:
        write_mo(file, read())


# ---- what is wrong with it


def faults(catalogue: Catalog) -> Iterator[str]:
    """Say which texts have no Swedish, an uncertain one, or one whose placeholders are others."""
    for message in catalogue:
        if not message.id:
            continue
        if message.fuzzy:
            yield f"fuzzy: {_first(message.id)}"
        elif not all(_forms(message.string)):
            yield f"no Swedish: {_first(message.id)}"
        elif wrong := [form for form in _forms(message.string) if not _fits(message, form)]:
            yield f"other placeholders: {_first(message.id)} → {wrong[0]}"


def _forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _fits(message: Message, form: str) -> bool:
    """Whether *form* has the placeholders of one of the English forms: `one clinic` may leave out the number."""
    return any(_placeholders(form) == _placeholders(english) for english in _forms(message.id))


def _placeholders(text: str) -> set[str]:
    try:
        named = {
            f"{name}!{conversion}:{spec}"
            for _text, name, spec, conversion in Formatter().parse(text)
            if name is not None
        }
    except ValueError:
        named = {"not a format"}
    return named | set(re.findall(r"%\(\w+\)\w", text))


# ---- run


def get_build_hook() -> type[Any]:
    """Return what hatchling calls when the program is built or installed: the `.mo` is made then."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class Compiled(BuildHookInterface[Any]):
        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (the plugin's form)
            compiled()
            build_data["artifacts"].append(str(MO.relative_to(ROOT)))

    return Compiled


def run(arguments: list[str]) -> int:
    """Bring the file in line with the program, or only check or compile it; return the exit code."""
    if "--compile" in arguments:
        compiled()
        return 0
    wanted = merged(read(), texts())
    if "--check" not in arguments:
        PO.write_text(written(wanted), encoding="utf-8")
        compiled()
    return _told(list(faults(wanted)))


def _told(found: list[str]) -> int:
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
