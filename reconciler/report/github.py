"""Findings as workflow commands, which GitHub shows on their lines; and what a step hands on to the next ones.

GitHub shows ten errors and ten warnings of a step, and passes over the rest without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from reconciler.report.escapes import workflow_message, workflow_property
from reconciler.report.excerpt import NOWHERE, Places
from reconciler.report.terminal import source_word
from reconciler.words import _, ngettext

Document = dict[str, Any]

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
_SHOWN = {"error": 10, "warning": 10, "notice": 9}


def github(document: Document, _places: Places = NOWHERE) -> str:
    """Return the commands: of each level the first ones, what is new before all; the last tells how many more."""
    new = [one for one in document["findings"] if one["new"] is not False]
    said: dict[str, list[str]] = {level: [] for level in _SHOWN}
    said["error"] += map(_failure, document["failures"])
    for told in new:
        level = _LEVELS[told["severity"]]
        said[level].append(_command(level, _properties(told), f"{told['problem']}\n{told['remedy']}"))
    lines = [command for level, commands in said.items() for command in islice(commands, _SHOWN[level])]
    more = sum(map(len, said.values())) - len(lines)
    return "".join(f"{line}\n" for line in [*lines, *_more(more, len(document["findings"]) - len(new))])


def outputs(document: Document) -> str:
    """Return what the next steps can read: one `name=value` a line, numbers, digests and fixed words only."""
    counts = dict.fromkeys(_LEVELS, 0)
    for told in document["findings"]:
        counts[told["severity"]] += told["new"] is not False
    values = {f"{name}s": count for name, count in counts.items()} | {"failures": len(document["failures"])}
    if "changes" in document:
        values |= {"changes": len(document["changes"]), "fingerprint": document["fingerprint"]}
    if "parts" in document:
        values |= {"meaning": document["meaning"], "parts": len(document["parts"])}
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _more(more: int, old: int) -> Iterator[str]:
    said = []
    if more:
        said.append(ngettext("{n} finding more", "{n} findings more", more).format(n=more))
    if old:
        said.append(ngettext("{n} already on the base", "{n} already on the base", old).format(n=old))
    if said:
        yield _command("notice", {"title": "reconciler"}, ", ".join(said) + ": " + _("see the log and the summary"))


def _properties(told: Document) -> Document:
    whole_line = {"file": told["path"], "line": told["line"], "endLine": told["end_line"]}
    columns = {"col": told["column"], "endColumn": told["end_column"]}
    one_line = told["end_line"] == told["line"]
    return {**whole_line, **(columns if one_line else {}), "title": told["rule"]}


def _failure(failure: Document) -> str:
    title = f"{source_word(failure['source'])}: {failure['kind']}"
    return _command("error", {"title": title}, f"{failure['problem']}\n{failure['remedy']}")


def _command(level: str, properties: Document, message: str) -> str:
    known = ",".join(f"{name}={workflow_property(value)}" for name, value in properties.items() if value is not None)
    return f"::{level} {known}::{workflow_message(message)}"
