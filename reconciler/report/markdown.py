"""Results as Markdown, for a comment on a pull request: the headline first, then a table for each region.

What is put out is escaped by default: the template lays out, and no text can leave its cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.plan import action_word
from reconciler.report import escapes
from reconciler.report.changes import blocks, cause_word, detail, named, verdict_words, waiting
from reconciler.report.excerpt import NOWHERE, Places
from reconciler.report.review import by_region, kind_word, part_detail, remarks, review_verdict
from reconciler.report.terminal import at, severity_word, source_word
from reconciler.report.text import approval_words, plan_verdict, verdict
from reconciler.words import _, ngettext, number

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

Document = dict[str, Any]

LONGEST = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""

_MANY = 10
_ROOM = 500
_SIGNS = {"error": "❌", "warning": "⚠️", "note": "ℹ️"}


class Block(NamedTuple):
    """What is said in several lines, such as an approval to paste."""

    title: str
    text: str


class Table(NamedTuple):
    """Rows of cells below heads, folded under what is said of them where they are many."""

    said: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]

    @property
    def fold(self) -> bool:
        """Whether there are many."""
        return len(self.rows) > _MANY


class Section(NamedTuple):
    """What is told of one region, or of all."""

    title: str
    tables: list[Table]
    blocks: list[Block]


def markdown(document: Document, _places: Places = NOWHERE) -> str:
    """Return a validation, a plan or a review, cut at 60,000 characters with a word about it."""
    headline, *lines = _verdict(document)
    found = document["findings"]
    made = _template().render(
        headline=headline,
        lines=[*lines, *("; ".join(approval_words(use)) for use in document.get("approvals", ()))],
        failures=[{**one, "source": source_word(one["source"])} for one in document["failures"]],
        new=_sections([one for one in found if one["new"] is not False], _changes(document)),
        old=_sections([one for one in found if one["new"] is False], {}),
        words={"old": _("Already on the base"), "away": _("That is not caused by the change: try again later.")},
    )
    return cut(made.strip() + "\n", LONGEST)


def _verdict(document: Document) -> list[str]:
    if "parts" in document:
        return review_verdict(document)
    return plan_verdict(document) if "changes" in document else [verdict(document)]


def cut(text: str, longest: int) -> str:
    """Return whole lines of *text*, *longest* characters at most; what is open is closed, and the cut is told."""
    if len(text) <= longest:
        return text
    lines = text.split("\n")
    ends = accumulate(len(line) + 1 for line in lines)
    kept = [line for line, end in zip(lines, ends, strict=True) if end <= longest - _ROOM]
    inside = _Open()
    for line in kept:
        inside.read(line)
    more = text.count("\n") - len(kept)
    told = ngettext(
        "Cut here: {n} line more; the report as text or JSON has all.",
        "Cut here: {n} lines more; the report as text or JSON has all.",
        more,
    ).format(n=number(more))
    return "\n".join([*kept, *inside.closers(), "", f"**{told}**", ""])


class _Open:
    """What is open at a line: a fence, folded parts."""

    def __init__(self) -> None:
        self.fence = ""
        self.folds = 0

    def read(self, line: str) -> None:
        """Go past a line."""
        run = line[: len(line) - len(line.lstrip("`"))]
        if self.fence:
            self.fence = "" if line == self.fence else self.fence
        elif len(run) >= 3:
            self.fence = run
        else:
            self.folds += line.startswith("<details>") - line.startswith("</details>")

    def closers(self) -> Iterator[str]:
        """Return the lines that close what is open."""
        if self.fence:
            yield self.fence
        for _fold in range(self.folds):
            yield from ("", "</details>")


# ---- the parts


def _sections(found: Iterable[Document], changes: dict[str, tuple[str, list[Table]]]) -> list[Section]:
    """Return one for each region of which there is something to tell; what is about all of them comes last."""
    by_region: dict[str, list[Document]] = {code: [] for code in changes}
    for told in found:
        by_region.setdefault(told["region"] or "", []).append(told)
    return [
        _section(*changes.get(code, (named(code) or _("All regions"), [])), by_region[code])
        for code in sorted(by_region, key=lambda code: (not code, code))
    ]


def _section(title: str, changes: list[Table], found: list[Document]) -> Section:
    said = ngettext("{n} finding", "{n} findings", len(found)).format(n=number(len(found)))
    heads = (_("place"), _("what is wrong"), _("what to do"), _("rule"))
    tables = [Table(said, heads, [_finding(told) for told in found])] if found else []
    blocks = [Block(f"{told['rule']}: {_first(told['remedy'])}", told["remedy"]) for told in found]
    return Section(title, tables + changes, [block for block in blocks if "\n" in block.text])


def _first(text: str) -> str:
    return text.partition("\n")[0]


def _finding(told: Document) -> tuple[str, ...]:
    weight = f"{_SIGNS[told['severity']]} {severity_word(told['severity'])}"
    places = ", ".join([at(told), *map(at, told["related"])])
    return (places or "–", f"{weight}: {told['problem']}", _first(told["remedy"]), told["rule"])


def _changes(document: Document) -> dict[str, tuple[str, list[Table]]]:
    """Return each region's headline and the table of its changes, or of a review's parts, where it has any."""
    if "parts" in document:
        return {parts[0]["region"] or "": (title, [_parts(parts)]) for title, parts in by_region(document)}
    if "changes" not in document:
        return {}
    waits, made = waiting(document), {}
    for region, changes in blocks(document):
        done = sum(change["subject"] not in waits for change in changes)
        said = ngettext("{n} change", "{n} changes", len(changes)).format(n=number(len(changes)))
        title = f"{named(region['region'], region['name'])}: {verdict_words(region, done)}"
        heads = (_("change"), "HSA-id", _("name"), _("why"))
        table = Table(said, heads, [_change(change, waits) for change in changes])
        made[region["region"]] = (title, [table] if changes else [])
    return made


def _change(change: Document, waits: frozenset[str]) -> tuple[str, ...]:
    why = [cause_word(change["cause"])] if change["cause"] != "config" else []
    why += [_("waits")] if change["subject"] in waits else []
    return (action_word(change["action"]), change["subject"], detail(change), ", ".join(why))


def _parts(parts: list[Document]) -> Table:
    said = ngettext("{n} part", "{n} parts", len(parts)).format(n=number(len(parts)))
    heads = (_("part"), _("subject"), _("what"), _("right"))
    rows: list[tuple[str, ...]] = [
        (kind_word(one["kind"]), one["subject"], part_detail(one), ", ".join(remarks(one))) for one in parts
    ]
    return Table(said, heads, rows)


# ---- how it is put out


@cache
def _template() -> Template:
    import jinja2  # only this format pays for it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=_escaped,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"summary": _summary, "fenced": _fenced}
    return environment.get_template("result.md.jinja")


def _escaped(value: object) -> Markup:
    from markupsafe import Markup

    return value if isinstance(value, Markup) else Markup(escapes.markdown(str(value)))  # noqa: S704


def _summary(text: str) -> Markup:
    from markupsafe import escape

    return escape(escapes.escape(text))


def _fenced(text: str) -> Markup:
    from markupsafe import Markup

    shown = "\n".join(map(escapes.escape, text.split("\n")))
    fence = escapes.fence(shown)
    return Markup(f"{fence}\n{shown}\n{fence}")  # noqa: S704  (nothing in it ends the fence)
