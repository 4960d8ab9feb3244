"""A rule's docstring taken apart: the reason, and the examples that are okay and that are flagged.

Knows how a docstring is laid out, and nothing of how a page looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import dedent
from typing import NamedTuple

from reconciler.findings import Rule

_OKAY, _FLAGGED = "Okay:", "Flagged:"


class RulePage(NamedTuple):
    """What a rule's docstring says. Each example is YAML: a patch over one good region file and its world."""

    reason: str
    okay: tuple[str, ...]
    flagged: tuple[str, ...]


def page(rule: Rule[...]) -> RulePage:
    """Return the reason, one line a paragraph, and the examples of *rule*."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in rule.reason.splitlines():
        if line in (_OKAY, _FLAGGED):
            sections.append((line, []))
        else:
            sections[-1][1].append(line)
    return RulePage(_unwrapped(sections[0][1]), _examples(sections, _OKAY), _examples(sections, _FLAGGED))


def _examples(sections: Iterable[tuple[str, list[str]]], title: str) -> tuple[str, ...]:
    return tuple(dedent("\n".join(lines)).strip("\n") for name, lines in sections if name == title)


def _unwrapped(lines: Iterable[str]) -> str:
    paragraphs = "\n".join(lines).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
