"""Patient boards: set on an order to the support, one for a region, and last."""

from collections.abc import Iterator

from reconciler.findings import Finding, Severity, Stage, rule
from reconciler.model import EXAMPLE_BOARD_SUFFIX, Declared, Region
from reconciler.plan import BoardOutcome
from reconciler.rules.upstream import Upstream


@rule(
    Stage.MEANING,
    severity=Severity.WARNING,
    problem="region {region} has a patient board, but no clinics",
    remedy="add the region's clinics: residents should be able to choose whom they write to",
)
def board_without_clinics(region: Region) -> Iterator[Finding]:
    """Both the board and the clinics of a region should be connected, so that the sender can choose.

    It is discouraged, not forbidden.

    Okay:
        patient_board: null
        clinics: {}
    Flagged:
        clinics: {}
    """
    if region.board and not region.clinics:
        yield board_without_clinics.finding(region.board_place, region=region.code)


@rule(
    Stage.MEANING,
    severity=Severity.WARNING,
    problem="the patient board {subject} is listed as a clinic as well",
    remedy="delete the line among the clinics",
)
def board_listed_as_clinic(region: Region, declared: Declared) -> Iterator[Finding]:
    """A board and a clinic are two receivers, and a resident chooses between them.

    Okay:
        clinics: {}
    Flagged:
        clinics: {SE2321000131-PNEXEMPEL: Patientnämndernas kansli}
    """
    boards = {other.board.hsa_id: other.board for other in declared.regions.values() if other.board}
    for hsa_id in sorted(region.clinics.keys() & boards.keys()):
        yield board_listed_as_clinic.finding(
            region.place_of(hsa_id), region=region.code, subject=hsa_id, related=(boards[hsa_id].place,)
        )


@rule(
    Stage.MEANING,
    severity=Severity.WARNING,
    problem="the patient board {subject} is that of region {others} too",
    remedy="compare the HSA-id with the order; two regions share a board only where they have agreed on it",
)
def board_shared_by_regions(declared: Declared) -> Iterator[Finding]:
    """Each region has a board of its own.

    The law allows a joint board, so this is a warning; a copied line is more likely.

    Okay:
        clinics: {}
    Flagged:
        clinics: {}
        ---
        patient_board: {hsa_id: SE2321000131-PNEXEMPEL, name: Patientnämnden Skåne, support_order: X-1}
    """
    seen: dict[str, Region] = {}
    for _code, region in sorted(declared.regions.items()):
        if region.board is None:
            continue
        first = seen.setdefault(region.board.hsa_id, region)
        if first.board and first is not region:
            yield board_shared_by_regions.finding(
                region.board.place,
                region=region.code,
                subject=region.board.hsa_id,
                related=(first.board.place,),
                others=first.code,
            )


@rule(
    Stage.MEANING,
    problem="{subject} is an example, not a patient board",
    remedy="write the HSA-id that the order to the e-services support states",
)
def board_is_example(region: Region) -> Iterator[Finding]:
    """An example board is let in only where the settings say demo = true.

    Okay:
        demo: true
    Flagged:
        demo: false
    """
    if region.board and region.board.hsa_id.endswith(EXAMPLE_BOARD_SUFFIX):
        yield board_is_example.finding(region.board.place, region=region.code, subject=region.board.hsa_id)


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="the e-services do not know the patient board {subject}",
    remedy="compare the HSA-id with the order and with HSA",
)
def board_not_in_register(upstream: Upstream) -> Iterator[Finding]:
    """A board that handles its cases in 1177 is a unit of the e-services.

    It is not documented that it must be one, so this is a warning.

    Okay:
        register: {}
    Flagged:
        register: {SE2321000131-PNEXEMPEL: null}
    """
    for code, region in sorted(upstream.declared.regions.items()):
        if region.board and region.board.hsa_id not in upstream.register.clinics:
            yield board_not_in_register.finding(region.board.place, region=code, subject=region.board.hsa_id)


@rule(
    Stage.UPSTREAM,
    problem="the patient board {subject} has no order, and the database does not hold it already",
    remedy="write the number of the order to the e-services support after support_order:",
)
def board_order_missing(upstream: Upstream) -> Iterator[Finding]:
    """A patient board is set on an order to the e-services support (rule 1).

    `support_order: null` is for a board that was there before this tool.

    Okay:
        patient_board: {hsa_id: SE2321000131-PNEXEMPEL, name: Kansliet, support_order: null}
        database: {boards: {"14": {hsa_id: SE2321000131-PNEXEMPEL, name: Kansliet}}}
    Flagged:
        patient_board: {hsa_id: SE2321000131-PNEXEMPEL, name: Kansliet, support_order: null}
    """
    yield from _order_findings(upstream, BoardOutcome.ORDER_MISSING)


@rule(
    Stage.UPSTREAM,
    problem="the order {order} set another patient board, {last}",
    remedy="another board takes another order: write its number after support_order:",
)
def board_order_reused(upstream: Upstream) -> Iterator[Finding]:
    """One order sets one board (rule 1).

    Okay:
        patient_board: {hsa_id: SE2321000131-NY, name: Kansliet, support_order: X-2}
        database: {boards: {"14": {hsa_id: SE2321000131-OLD, name: Kansliet, support_order: X-1}}}
    Flagged:
        patient_board: {hsa_id: SE2321000131-NY, name: Kansliet, support_order: X-1}
        database: {boards: {"14": {hsa_id: SE2321000131-OLD, name: Kansliet, support_order: X-1}}}
    """
    yield from _order_findings(upstream, BoardOutcome.ORDER_REUSED)


def _order_findings(upstream: Upstream, outcome: BoardOutcome) -> Iterator[Finding]:
    found = board_order_missing if outcome is BoardOutcome.ORDER_MISSING else board_order_reused
    for code, decided in upstream.settled.board_outcomes.items():
        board = upstream.declared.regions[code].board if decided is outcome else None
        if board is not None:
            last = upstream.observed.managed_boards.get(code)
            yield found.finding(
                board.order_place,
                region=code,
                subject=board.hsa_id,
                order=board.support_order,
                last=last.hsa_id if last else None,
            )


@rule(
    Stage.UPSTREAM,
    severity=Severity.WARNING,
    problem="region {region} has the patient board {subject} ({name}), which this tool did not set; it is left as it is",
    remedy="declare exactly that board, with support_order: null",
)
def board_unmanaged(upstream: Upstream) -> Iterator[Finding]:
    """A board that this tool has not written is left until it is declared with exactly its HSA-id.

    Okay:
        database: {boards: {"14": {hsa_id: SE2321000131-PNEXEMPEL, name: Kansliet}}}
    Flagged:
        database: {boards: {"14": {hsa_id: SE2321000131-OTHER, name: Kansliet}}}
    """
    for code, decided in upstream.settled.board_outcomes.items():
        if decided is BoardOutcome.UNMANAGED:
            row = upstream.observed.boards[code]
            place = upstream.declared.regions[code].board_place
            yield board_unmanaged.finding(place, region=code, subject=row.hsa_id, name=row.name)
