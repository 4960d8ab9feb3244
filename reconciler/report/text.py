"""Results for people, made from the JSON documents and from nothing else, so that the two cannot drift.

Each function prints one command's document. How a line gets on the screen is told in `terminal`, how changes look in
`changes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.findings import Exit
from reconciler.report.changes import (
    action_count,
    blocks,
    change_lines,
    left_out,
    named,
    region_block,
    verdict_counts,
)
from reconciler.report.escapes import escape
from reconciler.report.excerpt import NOWHERE, Places
from reconciler.report.exits import exit_page
from reconciler.report.review import review
from reconciler.report.terminal import (
    Document,
    at,
    console,
    failures,
    findings,
    line,
    moment,
    paragraph,
    print_table,
    run_status,
    severity_word,
    source_word,
    stage_word,
    styled,
)
from reconciler.words import _, ngettext, number

if TYPE_CHECKING:
    from rich.table import Table

    from reconciler.report.terminal import Console

__all__ = [
    "apply",
    "console",
    "escape",
    "explain_clinic",
    "explain_exit",
    "explain_rule",
    "failures",
    "plan",
    "review",
    "status",
    "validate",
]


# ---- region files


def draft(document: Document, console: Console, *, places: Places = NOWHERE, diffs: bool = True) -> None:
    """Print how files change, what is said about it, and whether it is done."""
    for file in document["files"] if diffs else ():
        for text in file["diff"].splitlines():
            line(console, (text, _DIFF_STYLES.get(text[:1], "")))
    findings(document["findings"], console, places)
    failures(document["failures"], console)
    for file in document["files"] if document["written"] else ():
        line(console, _("{path} is written").format(path=file["path"]))
    if not document["files"] and not document["findings"] and not document["failures"]:
        line(console, _("nothing to do"))


_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


# ---- validate


def validate(document: Document, console: Console, *, places: Places = NOWHERE) -> None:
    """Print findings and failures, and how many there are; what the base has as well comes last, and apart."""
    old = [one for one in document["findings"] if one["new"] is False]
    findings((one for one in document["findings"] if one["new"] is not False), console, places)
    if old:
        line(console, (_("already on the base:"), "bold"))
        findings(old, console, places)
    failures(document["failures"], console)
    line(console, verdict(document))


def verdict(document: Document) -> str:
    """Return how a validation ended, in one line: what was read, and what is wrong with it."""
    new, old = ({"error": 0, "warning": 0, "note": 0} for _half in range(2))
    for one in document["findings"]:
        (old if one["new"] is False else new)[one["severity"]] += 1
    nothing = _("nothing new is wrong") if any(old.values()) else _("nothing is wrong")
    if document["failures"]:
        nothing = _("as far as could be checked, nothing is wrong")
    said = f"{_read(document['summary'])}: {_severities(new) or nothing}"
    return said + (_("; already on the base: {counts}").format(counts=_severities(old)) if any(old.values()) else "")


def _read(summary: Document) -> str:
    regions = ngettext("{n} region", "{n} regions", summary["regions"]).format(n=number(summary["regions"]))
    clinics = ngettext("{n} clinic", "{n} clinics", summary["clinics"]).format(n=number(summary["clinics"]))
    return f"{regions}, {clinics}"


def _severities(summary: Document) -> str:
    errors, warnings, notes = summary["error"], summary["warning"], summary["note"]
    counts = (
        errors and ngettext("{n} error", "{n} errors", errors).format(n=number(errors)),
        warnings and ngettext("{n} warning", "{n} warnings", warnings).format(n=number(warnings)),
        notes and ngettext("{n} note", "{n} notes", notes).format(n=number(notes)),
    )
    return ", ".join(count for count in counts if count)


# ---- plan and apply


def plan(document: Document, console: Console, *, everything: bool = False, places: Places = NOWHERE) -> None:
    """Print what would change, region by region, what is said about it, and a summary.

    More than 20 changes of one kind in a region are shown as the first 10, unless *everything*.
    """
    _memory(document["register"], console)
    _body(document, console, places, everything=everything)
    for said in plan_verdict(document):
        line(console, said)


def plan_verdict(document: Document) -> list[str]:
    """Return how a plan ended: how many changes of which kind, and how many regions got which verdict."""
    changes, held = len(document["changes"]), left_out(document)
    if document["failures"] and not changes:
        return [_("nothing was planned: what should hold cannot be known without what failed")]
    if not changes:
        return [_("nothing to do"), verdict_counts(document["regions"])]
    said = ngettext("{n} change", "{n} changes", changes).format(n=number(changes)) + f": {_actions(document)}"
    said += _("; {n} of them left out").format(n=number(held)) if held else ""
    return [said, verdict_counts(document["regions"])]


def apply(document: Document, console: Console, *, everything: bool = False, places: Places = NOWHERE) -> None:
    """Print what was changed, region by region, what is said about it, and a summary."""
    _memory(document["register"], console)
    _body(document, console, places, everything=everything)
    changes, applied, run = len(document["changes"]), document["applied"], document["run"]
    if not changes and any(one["source"] != "plan" for one in document["failures"]):
        line(console, _("nothing was applied: what should hold cannot be known without what failed"))
        return
    if not changes and not applied:
        line(console, _("nothing to do"))
    else:
        said = ngettext("{applied} of {n} change applied", "{applied} of {n} changes applied", changes)
        before = _("run {run}: ").format(run=run) if run is not None else ""
        line(console, before + said.format(applied=number(applied), n=number(changes)))
    line(console, verdict_counts(document["regions"]))


def _memory(register: Document, console: Console) -> None:
    """Say first of all that the register is the last good one, where it is, and why."""
    because = register["cached_because"]
    if because:
        told = _("the register does not answer; this rests on the last good one, of {time}: {problem}")
        line(console, told.format(time=moment(register["generated_at"]), problem=because["problem"]))


def _body(document: Document, console: Console, places: Places, *, everything: bool) -> None:
    for block in blocks(document):
        region_block(block, document, console, everything=everything)
    _approvals(document["approvals"], console)
    findings(document["findings"], console, places)
    failures(document["failures"], console)
    if document["findings"] or document["failures"]:
        line(console)


def _approvals(approvals: Iterable[Document], console: Console) -> None:
    for use in approvals:
        told, until = approval_words(use)
        line(console, told)
        line(console, "    ", until)


def approval_words(use: Document) -> tuple[str, str]:
    """Return what an approval that is used lets pass, and until when."""
    told = _("{place}: the approval of {guard} for {region} is used: it takes {takes}, {taken} of {at_most} were taken")
    region = named(use["region"]) if use["region"] else _("the country")
    until = _("it holds until {until}").format(until=use["until"])
    return told.format(**{**use, "region": region}, place=at(use)), until


def _actions(document: Document) -> str:
    return ", ".join(action_count(action, count) for action, count in document["summary"].items() if count)


def simulate(document: Document, console: Console, *, everything: bool = False, places: Places = NOWHERE) -> None:
    """Print the plan in the world that was imagined, and how an apply would end there."""
    plan(document, console, everything=everything, places=places)
    code = Exit(document["exit_of_apply"])
    said = _("apply would end with {code}: {meaning}").format(code=code.value, meaning=exit_page(code).meaning)
    line(console, said)


# ---- doctor


def doctor(document: Document, console: Console) -> None:
    """Print a line for each thing that was looked at, and below it what to do."""
    for check in document["checks"]:
        line(console, (source_word(check["subject"]), "bold red" if check["exit"] else ""), f": {check['said']}")
        if check["remedy"]:
            paragraph(console, check["remedy"])


# ---- status


def status(document: Document, console: Console) -> None:
    """Print the table of the regions, and the last run."""
    failures(document["failures"], console)
    print_table(console, _table(document["regions"]))
    line(console)
    line(console, _last_run(document["last_run"]))


def _table(regions: Iterable[Document]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in (_("code"), _("region"), _("active"), _("patient board"), _("its HSA-id")):
        table.add_column(title)
    for title in (_("declared"), _("enrolled"), _("pending"), _("unmanaged")):
        table.add_column(title, justify="right")
    for region in regions:
        board = region["board"] or {"name": "–", "hsa_id": "–"}
        active = _("yes") if region["active"] else _("no")
        counts = (region[key] for key in ("declared", "enrolled", "pending", "unmanaged"))
        cells = (region["region"], region["name"], active, board["name"], board["hsa_id"], *map(_count, counts))
        table.add_row(*(styled(cell) for cell in cells))
    return table


def _count(count: int | None) -> str:
    return "?" if count is None else number(count)


def _last_run(run: Document | None) -> str:
    if run is None:
        return _("no run yet")
    if run["finished"] is None:
        said = _("last run: {id} by {actor}, begun {started} and not ended")
    else:
        said = ngettext(
            "last run: {id} by {actor}, {finished}: {status}, {applied} change",
            "last run: {id} by {actor}, {finished}: {status}, {applied} changes",
            run["applied"] or 0,
        )
    times = {key: moment(run[key]) for key in ("started", "finished")}
    return said.format(**{**run, **times, "status": run_status(run["status"]), "applied": number(run["applied"] or 0)})


# ---- explain


def explain_rule(document: Document, console: Console) -> None:
    """Print what a rule is for, what it says, and its examples."""
    line(
        console, (document["rule"], "bold"), f": {severity_word(document['severity'])}, {stage_word(document['stage'])}"
    )
    line(console)
    paragraph(console, document["reason"], indent="")
    line(console)
    if document["settable"]:
        line(console, _("its severity can be set in the table [severity] of the settings"))
        line(console)
    line(console, (_("problem: "), "bold"), document["problem"])
    paragraph(console, _("remedy: ") + document["remedy"], indent="")
    for title, examples in ((_("okay:"), document["okay"]), (_("flagged:"), document["flagged"])):
        for example in examples:
            line(console)
            line(console, (title, "bold"))
            paragraph(console, example)


def explain_exit(document: Document, console: Console) -> None:
    """Print what an exit code means, and what to do."""
    line(console, (_("exit code {n}").format(n=document["exit"]), "bold"), f": {document['meaning']}")
    paragraph(console, document["remedy"])


def explain_clinic(document: Document, console: Console, *, places: Places = NOWHERE) -> None:
    """Print all that is known of a clinic, what would happen to it, and what is said about it."""
    facts = _facts(document)
    width = max(len(title) for title, _fact in facts)
    line(console, (document["clinic"], "bold"))
    for title, fact in facts:
        line(console, f"  {title.ljust(width)}  {fact}")
    if document["changes"]:
        line(console, _("an apply would:"))
        change_lines(document["changes"], console)
    findings(document["findings"], console, places)
    failures(document["failures"], console)


def _facts(document: Document) -> list[tuple[str, str]]:
    """Return what is known, each with its title; where something failed, nothing is said to be absent."""
    none = _("not known now") if document["failures"] else _("no")
    register, enrolled, managed = document["register"], document["enrolled"], document["managed"]
    return [
        *((_("declared"), _declared(one)) for one in document["declared"]),
        *([] if document["declared"] else [(_("declared"), none)]),
        (_("register"), _register(register) if register else none),
        (_("TAK"), _routed(document["routed"], failed=bool(document["failures"]))),
        (_("enrolled"), f"{named(enrolled['region_code'])}: {enrolled['name']}" if enrolled else none),
        (_("managed"), _("declared in {region}").format(region=named(managed["declared_in"])) if managed else none),
        (_("outcome"), _outcome(document)),
    ]


def _declared(one: Document) -> str:
    return f"{at(one)}: {one['name']}"


def _register(entry: Document) -> str:
    activity = _("active") if entry["status"] == "active" else _("not active")
    return f"{named(entry['region_code'])}: {entry['name']}, {activity}"


def _routed(routed: bool | None, *, failed: bool) -> str:
    if routed is None:
        return _("not known now") if failed else _("was not asked")
    return _("routes it to a system of its own") if routed else _("has no route for it")


def _outcome(document: Document) -> str:
    if document["outcome"] is None:
        return _("not known now") if document["failures"] else _("nothing: no file that can be read declares it")
    return {
        "held": _("left as it is, because of a file that is stopped"),
        "not-kept": _("left as it is: its region is not one that is kept"),
        "declared-twice-follows": _("declared twice: the line in the file of the register's region counts"),
        "duplicate": _("left as it is: declared in several files"),
        "unknown": _("not enrolled: the e-services do not know it"),
        "other-region": _("not enrolled: it belongs to another region"),
        "inactive": _("not enrolled: it is not active in the e-services"),
        "routed": _("not enrolled: TAK routes it to a system of its own"),
        "enrols": _("to be enrolled"),
        "enrolled-unknown": _("stays enrolled, though the e-services do not know it"),
        "follows": _("follows the register to another region"),
        "claimed": _("left as it is: the file that declares it is not of the region it belongs to"),
        "in-place": _("enrolled, and in its place"),
        "unmanaged": _("left as it is: enrolled, and never declared"),
        "withdrawn": _("to be withdrawn: its line was deleted"),
        "released": _("no longer managed: it went to another region, whose file does not declare it"),
        "forgotten": _("nothing: neither declared nor enrolled"),
    }[document["outcome"]]
