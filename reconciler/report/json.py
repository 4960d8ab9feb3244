"""Results as JSON documents: the stable form, one schema in `schemas/` for each.

Text is made from these documents, so that the two cannot drift. Nothing here prints.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from json import dumps
from string import Formatter
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.declare.files import shown
from reconciler.findings import Exit, Failure, Finding, Place, Rule, Severity
from reconciler.meaning import Kind, Part
from reconciler.model import REGIONS, BoardRow, Enrolment, Register, RegisterClinic, Routes
from reconciler.plan import Action, Change
from reconciler.report.exits import exit_page
from reconciler.report.rule_page import page
from reconciler.results import Applied, ClinicStory, Planned, RegionStatus, RegionVerdict, Status, Validation, World
from reconciler.rules.guard import Use
from reconciler.words import _

if TYPE_CHECKING:
    from reconciler.doctor import Health
    from reconciler.drafting.draft import Draft
    from reconciler.review import Review
    from reconciler.simulate import Simulation

Document = dict[str, Any]

_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ACTIONS = (
    Action.ENROL,
    Action.WITHDRAW,
    Action.MOVE,
    Action.RENAME,
    Action.SET_BOARD,
    Action.CHANGE_BOARD,
    Action.REMOVE_BOARD,
)


def dump(document: Document | list[Document]) -> str:
    r"""Return *document* as text. What a terminal would obey, or UTF-8 cannot hold, is written `\uXXXX`."""
    text = dumps(document, ensure_ascii=False, indent=2, default=_listed)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def _listed(value: object) -> list[Document]:
    if isinstance(value, Each):
        return list(value)
    raise TypeError(value)


class Each(Sequence[Any]):
    """A list of documents, each *made* of a value when it is looked at: those of a million fill half a gigabyte."""

    def __init__(self, made: Callable[[Any], Document], values: Sequence[Any]) -> None:
        self._made = made
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, at: Any) -> Any:
        return Each(self._made, self._values[at]) if isinstance(at, slice) else self._made(self._values[at])

    def __iter__(self) -> Iterator[Document]:
        return map(self._made, self._values)


# ---- one function for each command


def validate(result: Validation) -> Document:
    """Return `reconciler/validate/1`."""
    counts = {severity.value: 0 for severity in Severity}
    for found in result.findings:
        counts[found.severity.value] += 1
    return {
        "format": "reconciler/validate/1",
        "ok": not result.exit,
        "summary": {**counts, "regions": result.regions, "clinics": result.clinics},
        "findings": _findings(result.findings),
        "failures": _failures(result.failures),
    }


def plan(result: Planned) -> Document:
    """Return `reconciler/plan/1`."""
    return {"format": "reconciler/plan/1", **_plan(result)}


def apply(result: Applied) -> Document:
    """Return `reconciler/apply/1`: the plan, the run's number and how many changes it made."""
    head = {"format": "reconciler/apply/1", "run": result.run, "applied": result.applied}
    return {**head, **_plan(result.planned)}


def simulate(result: Simulation) -> Document:
    """Return `reconciler/simulate/1`: the plan, and how an apply would end."""
    code = result.exit_of_apply
    return {"format": "reconciler/simulate/1", "exit_of_apply": int(code), **_plan(result.planned)}


def doctor(result: Health) -> Document:
    """Return `reconciler/doctor/1`: what was looked at, in order."""
    checks = [
        {"subject": one.subject, "said": one.said, "remedy": one.remedy, "exit": int(one.exit)} for one in result.checks
    ]
    return {"format": "reconciler/doctor/1", "exit": int(result.exit), "checks": checks}


def status(result: Status) -> Document:
    """Return `reconciler/status/1`."""
    return {
        "format": "reconciler/status/1",
        "regions": [_region_status(region) for region in result.regions],
        "last_run": result.last_run._asdict() if result.last_run else None,
        "failures": _failures(result.failures),
    }


def draft(result: Draft) -> Document:
    """Return `reconciler/edit/1`: what is done to files, as diffs, or would be."""
    from reconciler.report.diff import diff  # difflib, for the commands that edit

    return {
        "format": "reconciler/edit/1",
        "written": result.written,
        "files": [{"path": shown(one.path), "diff": diff(one)} for one in result.rewrites],
        "findings": _findings(result.findings),
        "failures": _failures(result.failures),
    }


def review(result: Review) -> Document:
    """Return `reconciler/review/1`: what a pull request means, and whose right each part takes."""
    counts = Counter(part.kind for part in result.parts)
    active = {Kind.SET_BOARD: True, Kind.REMOVE_BOARD: False}
    return {
        "format": "reconciler/review/1",
        "ok": not result.exit,
        "meaning": result.meaning.value,
        "base": result.base._asdict(),
        "author": result.people.author,
        "approved_by": list(result.people.approved_by),
        "checked": result.access is not None,
        "register": {"asked": result.asked_register},
        "summary": {kind.value: counts[kind] for kind in Kind},
        "activity": [
            {"region": part.region, "name": REGIONS[part.region], "active": active[part.kind]}
            for part in result.parts
            if part.kind in active and part.region
        ],
        "parts": [_part(part, result) for part in result.parts],
        "unread": list(result.unread),
        "elsewhere": list(result.elsewhere),
        "folder": result.folder,
        "fixes": [{**fix._asdict(), "problems": list(fix.problems)} for fix in result.fixes],
        "findings": _findings(result.findings),
        "failures": _failures(result.failures),
    }


def explain_rule(rule: Rule[...]) -> Document:
    """Return `reconciler/explain/1` of a rule; what its texts are filled with stays in braces."""
    reason, okay, flagged = page(rule)
    return {
        "format": "reconciler/explain/1",
        "rule": rule.id,
        "stage": rule.stage.value,
        "severity": rule.severity.value,
        "settable": not rule.relied_on,
        "reason": "\n\n".join(_(paragraph) for paragraph in reason.split("\n\n")),
        "problem": _template(_(rule.problem)),
        "remedy": _template(_(rule.remedy)),
        "okay": list(okay),
        "flagged": list(flagged),
    }


def explain_exit(code: Exit) -> Document:
    """Return `reconciler/explain/1` of an exit code."""
    told = exit_page(code)
    return {"format": "reconciler/explain/1", "exit": int(code), "meaning": told.meaning, "remedy": told.remedy}


def explain_clinic(story: ClinicStory) -> Document:
    """Return `reconciler/explain/1` of a clinic."""
    return {
        "format": "reconciler/explain/1",
        "clinic": story.hsa_id,
        "declared": [
            {"region": code, "name": name, "path": place.path, "line": place.line}
            for code, name, place in story.declared
        ],
        "register": _register_clinic(story.register),
        "routed": story.routed,
        "enrolled": _row(story.enrolled),
        "managed": story.managed._asdict() if story.managed else None,
        "outcome": story.outcome.value if story.outcome else None,
        "changes": [_change(change) for change in story.changes],
        "findings": _findings(story.findings),
        "failures": _failures(story.failures),
    }


# ---- their parts


def _plan(planned: Planned) -> Document:
    return {
        "fingerprint": planned.fingerprint,
        "tool": __version__,
        "config": {"digest": planned.config_digest or None, "commit": planned.commit},
        "register": {**_source(planned.register), "cached_because": _cached(planned.world)},
        "routes": _source(planned.routes),
        "observed": {"digest": planned.observed_digest},
        "settled": {"digest": planned.settled_digest},
        "summary": _summary(planned.changes),
        "regions": [_verdict(region) for region in planned.regions],
        "changes": Each(_change, planned.changes),
        "approvals": [_use(use) for use in planned.uses],
        "findings": _findings(planned.findings),
        "failures": _failures(planned.failures),
    }


def _source(source: Register | Routes | None) -> Document:
    if source is None:
        return {"digest": None, "generated_at": None}
    generated_at = source.generated_at.isoformat() if source.generated_at else None
    return {"digest": source.digest, "generated_at": generated_at}


def _cached(world: World | None) -> Document | None:
    """Return why the register is the last good one; None where it is the one of now."""
    return _failures([world.cached_because])[0] if world and world.cached_because else None


def _summary(changes: Iterable[Change]) -> dict[str, int]:
    counts = Counter(change.action for change in changes)
    return {str(action): counts[action] for action in _ACTIONS}


def _verdict(region: RegionVerdict) -> Document:
    return {
        "region": region.code,
        "name": region.name,
        "verdict": region.verdict.value,
        "because": list(region.because),
    }


def _change(change: Change) -> Document:
    return {
        "region": change.region,
        "action": str(change.action),
        "subject": change.subject,
        "before": _row(change.before),
        "after": _row(change.after),
        "cause": str(change.cause),
        "path": change.path,
        "line": change.line,
    }


def _row(row: Enrolment | BoardRow | None) -> Document | None:
    """Return the columns of the service's table that a change is about."""
    if row is None:
        return None
    if isinstance(row, BoardRow):
        return {"board_hsa_id": row.hsa_id, "board_name": row.name}
    return {"region_code": row.region_code, "name": row.name}


def _use(use: Use) -> Document:
    approval = use.approval
    return {
        "guard": approval.guard,
        "region": approval.region,
        "at_most": approval.at_most,
        "taken": use.taken,
        "takes": use.takes,
        "until": approval.until.isoformat(),
        "path": approval.place.path,
        "line": approval.place.line,
    }


def _part(part: Part, result: Review) -> Document:
    access = result.access
    return {
        "region": part.region,
        "kind": part.kind.value,
        "subject": part.subject,
        "before": part.before,
        "after": part.after,
        "shown": part.shown,
        "needs": [[*sorted(regions), "national"] for regions in part.needs],
        "permitted": None if access is None else access.permits(part, result.people.accounts),
        "path": part.place.path if part.place else None,
        "line": part.place.line if part.place else None,
    }


def _findings(findings: Iterable[Finding]) -> list[Document]:
    return [_finding(finding) for finding in findings]


def _finding(finding: Finding) -> Document:
    place = finding.place
    return {
        "rule": finding.rule.id,
        "stage": finding.rule.stage.value,
        "severity": finding.severity.value,
        "region": finding.region,
        "subject": finding.subject,
        "path": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "end_line": place.end_line if place else None,
        "end_column": place.end_column if place else None,
        "problem": finding.problem,
        "remedy": finding.remedy,
        "suggestion": finding.suggestion,
        "new": finding.new,
        "related": [_place(place) for place in finding.related],
    }


def _place(place: Place) -> Document:
    return {"path": place.path, "line": place.line, "column": place.column}


def _failures(failures: Iterable[Failure]) -> list[Document]:
    return [
        {"source": failure.source, "kind": failure.kind, "problem": failure.problem, "remedy": failure.remedy}
        for failure in failures
    ]


def _region_status(region: RegionStatus) -> Document:
    return {
        "region": region.code,
        "name": region.name,
        "board": {"hsa_id": region.board.hsa_id, "name": region.board.name} if region.board else None,
        "active": region.board is not None,
        "declared": region.declared,
        "enrolled": region.enrolled,
        "pending": region.pending,
        "unmanaged": region.unmanaged,
    }


def _register_clinic(entry: RegisterClinic | None) -> Document | None:
    if entry is None:
        return None
    return {"name": entry.name, "status": "active" if entry.active else "inactive", "region_code": entry.region_code}


def _template(text: str) -> str:
    """Return a text's template as it reads: `{subject}` stays, a doubled brace is one brace."""
    return "".join(f"{literal}{{{name}}}" if name else literal for literal, name, *_rest in Formatter().parse(text))
