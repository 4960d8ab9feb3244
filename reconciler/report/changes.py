"""Changes as lines: a headline for each region, and a sign, an id and a name for each step.

Reads the documents of plan and apply; knows no screen but through `terminal`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from reconciler.model import REGIONS, RegionCode
from reconciler.plan import action_word
from reconciler.report.terminal import Document, Part, line
from reconciler.words import _, ngettext, number

if TYPE_CHECKING:
    from reconciler.report.terminal import Console

_MANY, _FIRST = 20, 10
SIGNS = {
    "enrol": ("+", "green"),
    "withdraw": ("-", "red"),
    "move": (">", "cyan"),
    "rename": ("~", "yellow"),
    "set-board": ("+", "green"),
    "change-board": ("~", "yellow"),
    "remove-board": ("-", "red"),
}
_VERDICTS = ("apply", "applied", "unchanged", "stopped", "refused", "failed", "not-attempted")
_BLOCKED = frozenset({"stopped", "refused"})
_QUIET = frozenset({"unchanged", "not-attempted"})


class Block(NamedTuple):
    """One region of a plan, and its changes that are worth telling."""

    region: Document
    changes: Sequence[Document]


def blocks(document: Document) -> Iterator[Block]:
    """Return the regions of which there is something to tell; of an unchanged one only what waits.

    That nothing was attempted where nothing is due is told by the count alone.
    """
    waits, changes = waiting(document), document["changes"]
    for region in document["regions"]:
        code = region["region"]
        start, end = (find(changes, code, key=itemgetter("region")) for find in (bisect_left, bisect_right))
        own = changes[start:end]  # each made when it is looked at: never are all there at once
        if region["verdict"] == "unchanged":
            own = [change for change in own if change["subject"] in waits]
        if own or region["because"] or region["verdict"] not in _QUIET:
            yield Block(region, own)


def left_out(document: Document) -> int:
    """Count the changes that are due, but that something stops, refuses, holds or keeps waiting."""
    waits = waiting(document)
    held = {
        one["region"] for one in document["regions"] if one["verdict"] in _BLOCKED or "region-held" in one["because"]
    }
    changes = document["changes"] if held or waits else ()
    return sum(one["region"] in held or one["subject"] in waits for one in changes)


def waiting(document: Document) -> frozenset[str]:
    """Return the subjects of changes that wait for another region, or for two writers to agree."""
    return frozenset(one["subject"] for one in document["findings"] if one["rule"] in ("move-waits", "two-writers"))


def region_block(block: Block, document: Document, console: Console, *, everything: bool) -> None:
    """Print a region's headline and its changes; of many of one kind the first few, unless *everything*."""
    waits = waiting(document)
    done = len(block.changes) - (sum(change["subject"] in waits for change in block.changes) if waits else 0)
    region = block.region
    line(console, (f"{named(region['region'], region['name'])}: ", "bold"), verdict_words(region, done))
    change_lines(block.changes, console, waits, everything=everything)
    line(console)


def change_lines(
    changes: Iterable[Document], console: Console, waits: Collection[str] = (), *, everything: bool = False
) -> None:
    """Print changes, aligned; of many of one kind the first few, unless *everything*."""
    told = [_shown(alike, everything=everything) for _action, alike in groupby(changes, itemgetter("action"))]
    every = [change for shown, _more in told for change in shown]
    widths = (
        max((len(action_word(change["action"])) for change in every), default=0),
        max((len(change["subject"]) for change in every), default=0),
    )
    for shown, more in told:
        for change in shown:
            line(console, *_parts(change, widths, waits))
        if more:
            sign = SIGNS[shown[0]["action"]]
            line(console, "  ", sign, " ", _("… and {n} more; --all shows them").format(n=number(more)))


def _shown(changes: Iterator[Document], *, everything: bool) -> tuple[list[Document], int]:
    """Return those of many that are shown, and how many more there are."""
    several = list(changes if everything else islice(changes, _MANY + 1))
    shown = several if everything or len(several) <= _MANY else several[:_FIRST]
    return shown, len(several) - len(shown) + sum(1 for _change in changes)


def _parts(change: Document, widths: tuple[int, int], waits: Collection[str]) -> Iterator[Part]:
    yield "  "
    yield SIGNS[change["action"]]
    yield f" {action_word(change['action']).ljust(widths[0])}  {change['subject'].ljust(widths[1])}  {detail(change)}"
    remarks = [cause_word(change["cause"])] if change["cause"] != "config" else []
    remarks += [_("waits")] if change["subject"] in waits else []
    if remarks:
        yield (f"  ({', '.join(remarks)})", "dim")


def detail(change: Document) -> str:
    """Return what a reader needs beside the id: the name, and for what changes, from what."""
    before, after = change["before"] or {}, change["after"] or {}
    match change["action"]:
        case "move":
            return _("{name}, from {region}").format(name=after["name"], region=named(before["region_code"]))
        case "rename":
            return f"{before['name']} → {after['name']}"
        case "change-board":
            return f"{before['board_hsa_id']} {before['board_name']} → {after['board_name']}"
        case "set-board" | "remove-board":
            return str((after or before)["board_name"])
        case _:
            return str((after or before)["name"])


def named(code: RegionCode, name: str | None = None) -> str:
    """Return a region as `14 Västra Götalandsregionen`."""
    return f"{code} {name or REGIONS.get(code, '')}".rstrip()


def verdict_words(region: Document, count: int) -> str:
    """Return what becomes of a region, and the rules that have a part in it."""
    verdict, rules = region["verdict"], ", ".join(region["because"])
    words = {
        "unchanged": _("unchanged"),
        "apply": ngettext("{n} change", "{n} changes", count),
        "applied": ngettext("{n} change applied", "{n} changes applied", count),
        "stopped": _("stopped"),
        "refused": _("refused"),
        "failed": _("failed, rolled back"),
        "not-attempted": _("not attempted"),
    }
    said = words[verdict].format(n=number(count))
    if not rules:
        return said
    if verdict in _BLOCKED:
        return _("{said} by {rules}").format(said=said, rules=rules)
    return _("{said}; something is left out by {rules}").format(said=said, rules=rules)


def action_count(action: str, count: int) -> str:
    """Return how many changes of one kind there are: `660 enrol`."""
    words = {
        "enrol": ngettext("{n} enrol", "{n} enrol", count),
        "withdraw": ngettext("{n} withdraw", "{n} withdraw", count),
        "move": ngettext("{n} move", "{n} move", count),
        "rename": ngettext("{n} rename", "{n} rename", count),
        "set-board": ngettext("{n} set board", "{n} set board", count),
        "change-board": ngettext("{n} change board", "{n} change board", count),
        "remove-board": ngettext("{n} remove board", "{n} remove board", count),
    }
    return words[action].format(n=number(count))


def cause_word(cause: str) -> str:
    """Return why a change is due that no file asked for, in a word."""
    return {"drift": _("drift"), "register": _("register")}[cause]


def verdict_counts(regions: Iterable[Document]) -> str:
    """Return how many regions got which verdict: `21 regions: 1 to change, 20 unchanged`."""
    got = [region["verdict"] for region in regions]
    counts = ", ".join(_verdict_count(verdict, got.count(verdict)) for verdict in _VERDICTS if verdict in got)
    return ngettext("{n} region", "{n} regions", len(got)).format(n=number(len(got))) + f": {counts}"


def _verdict_count(verdict: str, count: int) -> str:
    words = {
        "apply": ngettext("{n} to change", "{n} to change", count),
        "applied": ngettext("{n} changed", "{n} changed", count),
        "unchanged": ngettext("{n} unchanged", "{n} unchanged", count),
        "stopped": ngettext("{n} stopped", "{n} stopped", count),
        "refused": ngettext("{n} refused", "{n} refused", count),
        "failed": ngettext("{n} failed", "{n} failed", count),
        "not-attempted": ngettext("{n} not attempted", "{n} not attempted", count),
    }
    return words[verdict].format(n=number(count))
