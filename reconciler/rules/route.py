"""Routes: what TAK's answer can and cannot say."""

from collections.abc import Iterable, Iterator

from reconciler.findings import Finding, Severity, Stage, rule
from reconciler.model import HsaId, Routes

COVERS_ALL = frozenset({"SE", "*"})


@rule(
    Stage.UPSTREAM,
    severity=Severity.NOTE,
    problem="TAK has a route for the address {subject}, which could cover every clinic; it was not acted upon",
    remedy="ask who owns the route whether complaints are meant",
)
def route_covers_everybody(routes: Routes) -> Iterator[Finding]:
    """A route on the root of the HSA tree, or on the wildcard, covers everybody below.

    Okay:
        routes: [SE2321000016-CPZ8]
    Flagged:
        routes: ["SE"]
    """
    for address in sorted(routes.hsa_ids & COVERS_ALL):
        yield route_covers_everybody.finding(subject=address)


@rule(
    Stage.UPSTREAM,
    severity=Severity.NOTE,
    problem="only routes on a clinic's own HSA-id were looked at",
    remedy="a clinic without one may still be covered by a route on a unit above it in HSA",
)
def routes_without_parents(routes: Routes) -> Iterator[Finding]:
    """A hit in TAK is certain, a miss is not: a route may be set on a unit higher up in the HSA tree.

    TAK does not evaluate the tree, and so cannot tell. Said once a run, where the settings name no file of parents.

    Okay:
        routes: [SE2321000016-CPZ8]
        parents: [SE2321000131-E000000000458]
    Flagged:
        routes: [SE2321000016-CPZ8]
    """
    if routes.asked and routes.placed is None:
        yield routes_without_parents.finding()


@rule(
    Stage.UPSTREAM,
    severity=Severity.NOTE,
    problem="the file of parents lacks {count} of the {all} declared clinics, such as {subject}",
    remedy="add them, so that a route on a unit above them is seen",
)
def parents_incomplete(routes: Routes, declared: Iterable[HsaId]) -> Iterator[Finding]:
    """A clinic whose parent is not known may be covered by a route that nobody sees.

    Okay:
        routes: [SE2321000016-CPZ8]
        parents: [SE2321000131-E000000000458]
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        routes: [SE2321000016-CPZ8]
        parents: []
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    """
    if routes.placed is not None:
        clinics = set(declared)
        missing = sorted(clinics - routes.placed)
        if missing:
            yield parents_incomplete.finding(subject=missing[0], count=len(missing), all=len(clinics))


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="TAK has no route at all for complaints, so no clinic is taken to have a system of its own",
    remedy="where a clinic is known to have one, ask why TAK does not say so before anything is applied",
)
def routes_empty(routes: Routes) -> Iterator[Finding]:
    """TAK knows the domain, and routes nobody in it: true before the first region has connected, and unlikely after.

    Okay:
        routes: [SE2321000016-CPZ8]
    Flagged:
        routes: []
    """
    if routes.asked and not routes.hsa_ids:
        yield routes_empty.finding()
