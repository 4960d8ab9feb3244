"""Made-up results of every command, for the tests of what is made from them."""

from datetime import UTC, date, datetime
from typing import Any

from reconciler.findings import Failure, Finding, Place
from reconciler.model import (
    Approval,
    BoardRow,
    Declared,
    Enrolment,
    HsaId,
    ManagedClinic,
    Register,
    RegisterClinic,
    Routes,
    State,
)
from reconciler.plan import Action, Cause, Change, Outcome, Settled
from reconciler.results import (
    Applied,
    ClinicStory,
    Judged,
    Planned,
    RegionStatus,
    RegionVerdict,
    Status,
    Verdict,
    World,
)
from reconciler.rules import clinic, guard
from reconciler.rules.guard import Judgement, Use
from reconciler.rules.registry import RULES
from reconciler.store import LastRun

FILE = "config/regions/14-vastra-gotaland.yaml"
ID = HsaId("SE2321000131-E000000000458")
OTHER = HsaId("SE2321000131-E000000008388")
HALLAND = HsaId("SE2321000131-E000000000777")
BOARD = "SE2321000131-PNEXEMPEL"
NAME = "Närhälsan Ågårdsskogen"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FAILURE = Failure(
    "register", "stale", problem="the register is 40 hours old", remedy="see why it is not made anew\nor wait"
)


def finding() -> Finding:
    place = Place(FILE, 9, 3, 9, 29)
    return clinic.duplicate_clinic.finding(
        place, region="14", subject=ID, related=(Place("config/regions/12-skane.yaml", 7, 3),), others="12-skane.yaml"
    )


UNPLACED = RULES["routes-without-parents"].finding()
WAITS = guard.move_waits.finding(region="13", subject=HALLAND, leaves="12", waits_for="12")

ENROL = Change("14", Action.ENROL, ID, None, Enrolment("14", NAME), Cause.CONFIG, FILE, 9)
MOVE = Change("14", Action.MOVE, OTHER, Enrolment("12", "Eriksberg"), Enrolment("14", "Eriksberg"), Cause.REGISTER)
RENAME = Change("14", Action.RENAME, OTHER, Enrolment("14", "Gamla"), Enrolment("14", "Nya"), Cause.DRIFT, FILE, 10)
WITHDRAW = Change("12", Action.WITHDRAW, OTHER, Enrolment("12", "Eriksberg"), None, Cause.CONFIG)
SET_BOARD = Change("14", Action.SET_BOARD, BOARD, None, BoardRow(BOARD, "Kansliet"), Cause.CONFIG, FILE, 5)
CHANGE_BOARD = Change(
    "14", Action.CHANGE_BOARD, BOARD, BoardRow("SE2321000131-OLD", "Nämnden"), BoardRow(BOARD, "Kansliet"), Cause.CONFIG
)
REMOVE_BOARD = Change("12", Action.REMOVE_BOARD, BOARD, BoardRow(BOARD, "Kansliet"), None, Cause.CONFIG)
WAITING = Change(
    "13", Action.MOVE, HALLAND, Enrolment("12", "Oskarström"), Enrolment("13", "Oskarström"), Cause.REGISTER
)

VG = RegionVerdict("14", "Västra Götalandsregionen", Verdict.APPLY, ("clinic-not-active",))
SKANE = RegionVerdict("12", "Region Skåne", Verdict.REFUSED, ("withdraws-too-many",))
HALLAND_WAITS = RegionVerdict("13", "Region Halland", Verdict.UNCHANGED, ("move-waits",))
GOTLAND = RegionVerdict("09", "Region Gotland", Verdict.UNCHANGED)
KALMAR = RegionVerdict("08", "Region Kalmar län", Verdict.STOPPED, ("region-name-differs",))


def planned(
    regions: tuple[RegionVerdict, ...] = (GOTLAND,),
    changes: tuple[Change, ...] = (),
    findings: tuple[Any, ...] = (),
    uses: tuple[Use, ...] = (),
    routes: Routes | None = None,
) -> Planned:
    settled = Settled({}, {}, {}, {}, {}, {})
    world = World(Declared({}), Register({}, NOON, "sha256:reg"), routes or Routes(), State(), (), {}, NOON.date())
    return Planned(
        regions,
        findings,
        changes=changes,
        config_digest="sha256:conf",
        commit="873f0f5",
        world=world,
        judged=Judged(settled, changes, Judgement((), uses), findings, frozenset()),
        observed_digest="sha256:obs",
        settled_digest="sha256:set",
        fingerprint="sha256:print",
    )


def approved(region: str | None = "12") -> Use:
    place = Place("config/approvals.yaml", 1, 3)
    return Use(
        Approval("withdraws-too-many", region, 12, date(2026, 12, 1), "a", "b", place, "sha256:a"), taken=2, takes=3
    )


FULL = planned(
    (KALMAR, GOTLAND, SKANE, HALLAND_WAITS, VG),
    (WITHDRAW, REMOVE_BOARD, WAITING, MOVE, RENAME, ENROL, CHANGE_BOARD, SET_BOARD),
    (finding(), WAITS, UNPLACED),
    (approved(), approved(None)),
    Routes(frozenset({ID}), NOON, "sha256:routes", asked=True),
)
FAILED = Planned((GOTLAND, KALMAR), (finding(),), (FAILURE,), config_digest="sha256:conf")
APPLIED = Applied(planned((GOTLAND, VG._replace(verdict=Verdict.APPLIED, because=())), (ENROL,)), run=17, applied=1)
RUN = LastRun(17, "2026-05-01T12:00:00+00:00", "2026-05-01T12:00:02+00:00", "done", "ci", "873f0f5", 3)
STATUS = Status(
    (
        RegionStatus("09", "Region Gotland", None, None, 0, None, 0),
        RegionStatus("14", "Västra Götalandsregionen", BoardRow(BOARD, "Kansliet"), 313, 310, 3, 1),
    ),
    RUN,
    (),
)
STORY = ClinicStory(
    ID,
    (("14", NAME, Place(FILE, 9, 3)),),
    RegisterClinic(NAME, True, "14"),
    False,
    None,
    None,
    Outcome.ENROLS,
    (ENROL,),
    (finding(),),
    (),
)
KNOWN = ClinicStory(
    ID,
    (),
    RegisterClinic(NAME, False, "14"),
    True,
    Enrolment("14", NAME),
    ManagedClinic("14", "14", NAME),
    Outcome.WITHDRAWN,
    (),
    (),
    (),
)
NOBODY = ClinicStory(ID, (), None, None, None, None, None, (), (), ())
UNKNOWN = ClinicStory(ID, (), None, None, None, None, None, (), (), (FAILURE,))
