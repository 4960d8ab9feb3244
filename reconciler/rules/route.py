"""Routes: what TAK's answer can and cannot say."""

from collections.abc import Iterator

from reconciler.findings import Finding, Severity, Stage, rule
from reconciler.model import Routes

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

    TAK does not evaluate the tree, and so cannot tell. Said once a run.

    Okay:
        clinics: {}
    Flagged:
        routes: []
    """
    if routes.asked:
        yield routes_without_parents.finding()
