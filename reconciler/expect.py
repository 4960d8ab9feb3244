"""Whether the plan of now is the one that was saved, and in words what differs.

Pure. The fingerprint decides; the digests of files, register and routes only explain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.findings import Exit, Failure
from reconciler.plan import action_word
from reconciler.results import Planned
from reconciler.saved import SavedPlan, Step
from reconciler.words import _, ngettext

_NAMED = 3


def stale(saved: SavedPlan, planned: Planned) -> Failure | None:
    """Return why *planned* is not what was saved; None where it is."""
    if saved.fingerprint == planned.fingerprint:
        return None
    if saved.steps is not None and not planned.changes and saved.digests["settled"] == planned.observed_digest:
        return _applied_already(saved.name)
    problem = _("the plan {name} no longer fits: {reasons}")
    reasons = "; ".join(_reasons(saved, planned)) or _("the fingerprint is now {fingerprint}").format(
        fingerprint=planned.fingerprint
    )
    return Failure(
        "plan",
        "stale",
        problem=problem.format(name=saved.name, reasons=reasons),
        remedy=_("nothing was changed; look at the plan of now, and save that one: reconciler plan --out FILE"),
        exit=Exit.PLAN_STALE,
    )


def _applied_already(name: str) -> Failure:
    return Failure(
        "plan",
        "applied",
        problem=_("the plan {name} is applied already: all is as it says").format(name=name),
        remedy=_("nothing is left to do; what is declared from now on takes a new one: reconciler plan --out FILE"),
        exit=Exit.PLAN_STALE,
    )


def _reasons(saved: SavedPlan, planned: Planned) -> Iterator[str]:
    if saved.steps is None:
        return
    said = {
        "observed": _("the database was changed since"),
        "config": _("the region files were changed"),
        "register": _("the e-services say something else"),
        "routes": _("TAK says something else"),
    }
    now = {
        "observed": planned.observed_digest,
        "config": planned.config_digest or None,
        "register": planned.register.digest if planned.register else None,
        "routes": planned.routes.digest,
    }
    yield from (said[name] for name in said if saved.digests[name] != now[name])
    steps = frozenset((one.region, str(one.action), one.subject) for one in planned.changes)
    gone, new = saved.steps - steps, steps - saved.steps
    if gone:
        text = ngettext("{n} change is no longer due ({named})", "{n} changes are no longer due ({named})", len(gone))
        yield text.format(n=len(gone), named=_named(gone))
    if new:
        text = ngettext("{n} change is new ({named})", "{n} changes are new ({named})", len(new))
        yield text.format(n=len(new), named=_named(new))


def _named(steps: Collection[Step]) -> str:
    text = _("region {region}: {action} {subject}")
    first = ", ".join(
        text.format(region=region, action=action_word(action), subject=subject)
        for region, action, subject in sorted(steps)[:_NAMED]
    )
    return first + ", …" * (len(steps) > _NAMED)
