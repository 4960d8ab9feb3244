"""What a pull request means, in words and lines: made from the document of `review`, for text and for Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from reconciler.plan import action_word
from reconciler.report.changes import SIGNS, action_count, detail, named
from reconciler.report.excerpt import NOWHERE, Places
from reconciler.report.terminal import Document, Part, failures, findings, line
from reconciler.words import _, ngettext, number

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN_FILES = 5


def review(document: Document, console: Console, *, places: Places = NOWHERE, everything: bool = False) -> None:
    """Print the parts, region by region, what is said about them, and what comes of it all."""
    for title, parts in by_region(document):
        line(console, (title, "bold"))
        kinds = max(len(kind_word(part["kind"])) for part in parts)
        subjects = max(len(part["subject"]) for part in parts)
        shown = parts if everything or len(parts) <= _MANY else parts[:_MANY]
        for part in shown:
            line(console, *_columns(part, kinds, subjects))
        if len(shown) < len(parts):
            line(console, "  ", _("… and {n} more; --all shows them").format(n=number(len(parts) - len(shown))))
        line(console)
    findings((one for one in document["findings"] if one["new"] is not False), console, places)
    failures(document["failures"], console)
    for said in review_verdict(document):
        line(console, said)


_MANY = 40


def by_region(document: Document) -> Iterator[tuple[str, list[Document]]]:
    """Return the parts of each region below what is to be said of it; those of none last."""
    active = {one["region"]: one["active"] for one in document["activity"]}
    grouped: dict[str | None, list[Document]] = {}
    for part in document["parts"]:
        grouped.setdefault(part["region"], []).append(part)
    for code, parts in grouped.items():
        title = named(code) if code else _("The whole country")
        count = ngettext("{n} part", "{n} parts", len(parts)).format(n=number(len(parts)))
        yield f"{title}: {count}" + (f"; {activity_words(active=active[code])}" if code in active else ""), parts


def activity_words(*, active: bool) -> str:
    """Return what it means for residents that a region gets its board, or loses it."""
    if active:
        return _("becomes active: its residents can send from then on")
    return _("stops being active: its residents cannot send any more")


def _columns(part: Document, kinds: int, subjects: int) -> Iterator[Part]:
    yield "  "
    yield _sign(part["kind"])
    yield f" {kind_word(part['kind']).ljust(kinds)}  {part['subject'].ljust(subjects)}  {part_detail(part)}".rstrip()
    yield (f"  ({', '.join(remarks(part))})", "dim")


def _sign(kind: str) -> tuple[str, str]:
    if kind in SIGNS:
        return SIGNS[kind]
    return SIGNS[{"add": "enrol", "grant": "enrol", "change": "rename"}.get(kind.partition("-")[0], "withdraw")]


def kind_word(kind: str) -> str:
    """Return what a part does, in words."""
    words = {
        "add-approval": _("add approval"),
        "change-approval": _("change approval"),
        "remove-approval": _("remove approval"),
        "grant-right": _("grant right"),
        "revoke-right": _("revoke right"),
        "change-settings": _("change settings"),
        "change-unread": _("change what cannot be read"),
    }
    return words.get(kind) or action_word(kind)


def part_detail(part: Document) -> str:
    """Return what a reader needs beside the subject."""
    row = part["after"] or part["before"] or {}
    if "support_order" in row:
        return _board_detail(part)
    if "at_most" in row:
        return _("at most {at_most} until {until}: {reason} ({approved_by})").format(**row)
    return detail({**part, "action": part["kind"]}) if "name" in row else ""


def _board_detail(part: Document) -> str:
    """Return the board, from which where another was there, and its order; where only that is another one, that."""
    before, after = part["before"] or {}, part["after"] or {}
    same = before and after and all(before[key] == after[key] for key in ("board_hsa_id", "board_name"))
    if same:
        orders = {"before": before["support_order"] or "–", "after": after["support_order"] or "–"}
        return _("{name}, order {before} → {after}").format(name=after["board_name"], **orders)
    told = detail({**part, "action": part["kind"]})
    order = after.get("support_order")
    return _("{name}, order {order}").format(name=told, order=order) if order else told


def remarks(part: Document) -> list[str]:
    """Return whose right a part takes, and what the e-services say of it."""
    said = []
    if part["shown"] and part["kind"] == "move":
        is_there = part["shown"] == part["region"]
        shown = _("the e-services show it") if is_there else _("the e-services have it in {region}")
        said.append(shown.format(region=named(part["shown"])))
    needs = _(" and ").join(_right(one) for one in part["needs"])
    said.append(_("needs: {whom}").format(whom=needs))
    if part["permitted"] is False:
        said.append(_("lacking"))
    return said


def _right(whose: Iterable[str]) -> str:
    """Return whose right it is; that a national one does everywhere goes without saying."""
    regions = [one for one in whose if one != "national"]
    return _(" or ").join(regions) or _("national")


def review_verdict(document: Document) -> list[str]:
    """Return what comes of it all: the headline, and what is to be known beside it."""
    return [
        _headline(document),
        *([_not_read(document["unread"])] if document["unread"] else []),
        *([_not_looked_at(document["elsewhere"])] if document["elsewhere"] else []),
        *_about_rights(document),
    ]


def _headline(document: Document) -> str:
    count = len(document["parts"])
    if document["meaning"] == "none":
        return _("changes no outcome: what is declared means what it meant")
    if not count:
        return _("nobody can tell from the region files what it means")
    said = ngettext("{n} part", "{n} parts", count).format(n=number(count))
    return f"{said}: " + ", ".join(kind_count(kind, n) for kind, n in document["summary"].items() if n)


def kind_count(kind: str, count: int) -> str:
    """Return how many parts of one kind there are."""
    words = {
        "add-approval": ngettext("{n} approval added", "{n} approvals added", count),
        "change-approval": ngettext("{n} approval changed", "{n} approvals changed", count),
        "remove-approval": ngettext("{n} approval removed", "{n} approvals removed", count),
        "grant-right": ngettext("{n} right granted", "{n} rights granted", count),
        "revoke-right": ngettext("{n} right revoked", "{n} rights revoked", count),
        "change-settings": _("settings changed"),
        "change-unread": ngettext("{n} unreadable file changed", "{n} unreadable files changed", count),
    }
    return words[kind].format(n=number(count)) if kind in words else action_count(kind, count)


def _not_read(codes: list[str]) -> str:
    regions = ", ".join(named(code) for code in codes)
    return _("what was changed in {regions} cannot be read, and is not in this").format(regions=regions)


def _not_looked_at(paths: list[str]) -> str:
    shown = ", ".join(paths[:_SHOWN_FILES]) + (", …" if len(paths) > _SHOWN_FILES else "")
    said = ngettext(
        "{n} file changed elsewhere is not looked at: {paths}",
        "{n} files changed elsewhere are not looked at: {paths}",
        len(paths),
    )
    return said.format(n=number(len(paths)), paths=shown)


def _about_rights(document: Document) -> Iterator[str]:
    """Tell what could not be known: who has which right, who wrote it, whether the e-services show a move."""
    if not document["parts"]:
        return
    if not document["checked"]:
        yield _("the base has no access.yaml: whose right each part takes is told, and not checked")
    elif not document["author"] and not document["approved_by"]:
        yield _("nobody is named: --author and --approved-by say who wrote and approved it")
    if not document["register"]["asked"] and any(part["kind"] == "move" for part in document["parts"]):
        yield _("the register was not asked whether it shows the moves: --live asks it")
