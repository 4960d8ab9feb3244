"""Undoing a run: what is said of changes that a file cannot reverse, or not as it stands."""

from collections.abc import Iterator

from reconciler.findings import Finding, Place, Severity, Stage, rule


@rule(
    Stage.SHAPE,
    severity=Severity.WARNING,
    problem="run {run} changed {subject} to what the e-services say, which no file reverses",
    remedy="have it changed in the e-services; the next run follows",
)
def change_not_of_files(run: int, subject: str, region: str) -> Iterator[Finding]:
    """A clinic's region and name are what the e-services say, so that no region file can bring the old ones back."""
    yield change_not_of_files.finding(region=region, subject=subject, run=run)


@rule(
    Stage.SHAPE,
    severity=Severity.NOTE,
    problem="{subject} is declared otherwise by now than run {run} left it",
    remedy="see who changed it since, and edit the file yourself if it is still wrong",
)
def changed_since(run: int, subject: str, region: str, place: Place | None) -> Iterator[Finding]:
    """What people have declared since a run counts for more than the run: only what it left is reversed."""
    yield changed_since.finding(place, region=region, subject=subject, run=run)


@rule(
    Stage.SHAPE,
    severity=Severity.WARNING,
    problem="the patient board {subject} of region {region} is put back without an order",
    remedy="order it from the e-services support, and write the number as support_order",
)
def order_to_be_made(subject: str, region: str, place: Place) -> Iterator[Finding]:
    """Another board takes another order, also when it is one that was there before."""
    yield order_to_be_made.finding(place, region=region, subject=subject)
