"""Lists: what is said of the rows that people hand in to be added or removed, each at its row."""

from collections.abc import Iterator

from reconciler.findings import Finding, Place, Severity, Stage, rule
from reconciler.model import HsaId


@rule(
    Stage.SHAPE,
    problem="this is no text, but a file of another program",
    remedy="open it there, save it as CSV, and hand in that file",
)
def list_not_text(path: str) -> Iterator[Finding]:
    """A list is txt or csv; a workbook holds sheets, formulas and hidden rows: which are meant is not known."""
    yield list_not_text.finding(Place(path))


@rule(Stage.SHAPE, problem="there is no clinic in the list", remedy="see that it is the right one; one HSA-id a line")
def list_empty(path: str) -> Iterator[Finding]:
    """An empty list is a mistake: with --replace it would take out every clinic of the region."""
    yield list_empty.finding(Place(path))


@rule(
    Stage.SHAPE,
    problem="there is no HSA-id in this row: {row}",
    remedy="write the HSA-id of a clinic, or delete the row",
)
def row_without_id(row: str, place: Place) -> Iterator[Finding]:
    """A row names a clinic by its HSA-id; a name alone is that of many clinics."""
    yield row_without_id.finding(place, row=row)


@rule(
    Stage.SHAPE,
    severity=Severity.NOTE,
    problem="{subject} stands in the list already, in row {first}",
    remedy="nothing needs to be done",
)
def row_repeated(hsa_id: HsaId, place: Place, first: int) -> Iterator[Finding]:
    """A clinic counts once, however often a list names it."""
    yield row_repeated.finding(place, subject=hsa_id, first=first)


@rule(
    Stage.SHAPE,
    severity=Severity.NOTE,
    problem="{subject} is declared already",
    remedy="nothing needs to be done",
)
def clinic_declared_already(hsa_id: HsaId, place: Place, line: Place) -> Iterator[Finding]:
    """Whoever hands in a list need not know which of its clinics are there already."""
    yield clinic_declared_already.finding(place, subject=hsa_id, related=(line,))


@rule(
    Stage.SHAPE,
    severity=Severity.NOTE,
    problem="{subject} is not declared in region {region}, so there is no line to delete",
    remedy="nothing needs to be done",
)
def clinic_not_declared(hsa_id: HsaId, place: Place, region: str) -> Iterator[Finding]:
    """Whoever hands in a list of clinics to be removed need not know which of them are gone already."""
    yield clinic_not_declared.finding(place, subject=hsa_id, region=region)


@rule(
    Stage.SHAPE,
    problem="{subject} is declared in {other}",
    remedy="have the line deleted there first; if the clinic has moved: reconciler follow",
)
def clinic_declared_elsewhere(hsa_id: HsaId, place: Place, line: Place) -> Iterator[Finding]:
    """A clinic is declared in one region's file."""
    yield clinic_declared_elsewhere.finding(place, subject=hsa_id, related=(line,), other=line.path)


@rule(Stage.SHAPE, problem="the form lacks {subject}", remedy="edit the issue, and fill it in")
def form_incomplete(field: str, place: Place) -> Iterator[Finding]:
    """A form says for which region it is, and for a board its HSA-id, its name and the order."""
    yield form_incomplete.finding(place, subject=field)


@rule(
    Stage.SHAPE,
    problem="{subject} is not enrolled in region {region}, or is declared already",
    remedy="see what reconciler status and reconciler explain {subject} say",
)
def clinic_not_adoptable(hsa_id: HsaId, region: str) -> Iterator[Finding]:
    """What is taken over is what the database holds for the region and no file declares."""
    yield clinic_not_adoptable.finding(None, region=region, subject=hsa_id)
