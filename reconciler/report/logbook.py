"""What the log tells, as JSON documents and as the text that is made from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.logbook import Drift, Drifted, History, Then, Told
from reconciler.model import REGIONS, BoardRow, Enrolment
from reconciler.report.changes import change_lines, named
from reconciler.report.terminal import Document, line, moment, run_status
from reconciler.words import _, ngettext, number

if TYPE_CHECKING:
    from reconciler.report.terminal import Console


def history(result: History) -> Document:
    """Return `reconciler/history/1`; `problems` is null where the log was not verified."""
    return {
        "format": "reconciler/history/1",
        "changes": [_told(one) for one in result.changes],
        "unlogged": [
            {"region": one.region, "subject": one.subject, "held": _row(one.held), "last": _row(one.last)}
            for one in result.unlogged
        ],
        "problems": None if result.problems is None else list(result.problems),
        "chains": [{"region": code, **head._asdict()} for code, head in sorted(result.chains.items())],
    }


def drift(result: Drifted) -> Document:
    """Return `reconciler/drift/1`."""
    return {"format": "reconciler/drift/1", "drift": [_drift(one) for one in result.rows]}


def at(result: Then) -> Document:
    """Return `reconciler/at/1`: each region's board, and every clinic, at a moment."""
    clinics, boards = result.state.clinics, result.state.boards
    sizes = dict.fromkeys(REGIONS, 0)
    for row in clinics.values():
        sizes[row.region_code] = sizes.get(row.region_code, 0) + 1
    return {
        "format": "reconciler/at/1",
        "at": result.moment.isoformat(),
        "regions": [
            {"region": code, "name": REGIONS.get(code, code), "board": _row(boards.get(code)), "enrolled": size}
            for code, size in sizes.items()
        ],
        "clinics": [{"hsa_id": hsa_id, "region": row.region_code, "name": row.name} for hsa_id, row in clinics.items()],
    }


def _told(told: Told) -> Document:
    change, run, author = told.change, told.run, told.author
    return {
        "run": run.id,
        "at": run.started,
        "actor": run.actor,
        "status": run.status,
        "commit": run.commit,
        "register": run.register_digest,
        "region": change.region,
        "action": change.action,
        "subject": change.subject,
        "before": _row(change.before),
        "after": _row(change.after),
        "cause": change.cause,
        "path": change.path,
        "line": change.line,
        "author": author
        and {
            "name": author.name,
            "commit": author.commit,
            "at": datetime.fromtimestamp(author.time, UTC).isoformat(),
        },
        "approvals": [
            {
                "digest": digest,
                "guard": approval.guard if approval else None,
                "approved_by": approval.approved_by if approval else None,
            }
            for digest, approval in told.approvals
        ],
    }


def _row(row: Enrolment | BoardRow | None) -> Document | None:
    if row is None:
        return None
    if isinstance(row, BoardRow):
        return {"board_hsa_id": row.hsa_id, "board_name": row.name}
    return {"region_code": row.region_code, "name": row.name}


def _drift(one: Drift) -> Document:
    return {
        "region": one.region,
        "subject": one.subject,
        "last": _row(one.last),
        "held": _row(one.held),
        "reverts": one.reverts,
    }


# ---- as text


def print_history(document: Document, console: Console) -> None:
    """Print the changes, run by run; or what is wrong with the log."""
    if document["problems"] is not None:
        _print_verified(document, console)
        return
    if not document["changes"] and not document["unlogged"]:
        line(console, _("no such change"))
    for _run, found in groupby(document["changes"], lambda change: int(change["run"])):
        changes = list(found)
        line(console, (_headline(changes[0]), "bold"))
        for change in changes:
            change_lines([change], console)
            line(console, "      ", ", ".join(_why(change)))
        line(console)
    for one in document["unlogged"]:
        line(console, _not_by_a_run(one))


def _not_by_a_run(one: Document) -> str:
    values = {**one, "region": named(one["region"]), "last": _said(one["last"]), "held": _said(one["held"])}
    if one["last"] is None:
        return _("{region}: {subject} is {held}, and no run has written that").format(**values)
    return _("{region}: {subject} was left as {last}, and is {held}").format(**values)


def _headline(change: Document) -> str:
    values = {"at": moment(change["at"]), "status": run_status(change["status"]), "register": change["register"][:19]}
    said = _("run {run} by {actor}, {at}: {status}; register {register}").format(**{**change, **values})
    return said + (_(", commit {commit}").format(commit=change["commit"][:12]) if change["commit"] else "")


def _why(change: Document) -> Iterable[str]:
    yield named(change["region"])
    if change["path"]:
        yield change["path"] + (f":{change['line']}" if change["line"] else "")
    if change["author"]:
        yield _("{name}, {at}").format(name=change["author"]["name"], at=moment(change["author"]["at"]))
    for approval in change["approvals"]:
        if approval["guard"]:
            yield _("{guard} approved by {approved_by}").format(**approval)
        else:
            yield _("an approval that is no longer in the file")


def _print_verified(document: Document, console: Console) -> None:
    for problem in document["problems"]:
        line(console, problem)
    if not document["problems"]:
        changes = sum(chain["length"] for chain in document["chains"])
        said = ngettext("the log is whole: {n} change", "the log is whole: {n} changes", changes)
        line(console, said.format(n=number(changes)))


def print_drift(document: Document, console: Console) -> None:
    """Print each row that somebody else has changed: what this tool left, and what is there."""
    for one in document["drift"]:
        values = {"region": named(one["region"]), "subject": one["subject"]}
        values |= {"last": _said(one["last"]), "held": _said(one["held"])}
        line(console, _("{region}: {subject} was left as {last}, and is {held}").format(**values))
        if one["reverts"]:
            said = ngettext("put back {n} time lately", "put back {n} times lately", one["reverts"])
            line(console, "    ", said.format(n=one["reverts"]))
    rows = len(document["drift"])
    said = ngettext("{n} row was changed by somebody else", "{n} rows were changed by somebody else", rows)
    line(console, said.format(n=number(rows)) if rows else _("nobody else has changed anything"))


def _said(row: Document | None) -> str:
    if row is None:
        return _("gone")
    if "board_name" in row:
        return f"{row['board_hsa_id']} {row['board_name']}"
    return f"{row['region_code']} {row['name']}"


def print_at(document: Document, console: Console, *, everything: bool = False) -> None:
    """Print each region's board and how many clinics it had; with *everything*, each clinic."""
    line(console, (_("at {moment}:").format(moment=moment(document["at"])), "bold"))
    for region in document["regions"]:
        board = _said(region["board"]) if region["board"] else _("no patient board")
        clinics = ngettext("{n} clinic", "{n} clinics", region["enrolled"]).format(n=number(region["enrolled"]))
        line(console, f"{named(region['region'], region['name'])}: {clinics}, {board}")
        for clinic in document["clinics"] if everything else ():
            if clinic["region"] == region["region"]:
                line(console, f"  {clinic['hsa_id']}  {clinic['name']}")
