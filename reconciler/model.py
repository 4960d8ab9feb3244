"""What the product speaks of: regions, boards, clinics, the register, the routes, the database's state, the settings.

Frozen values only. Where a person thinks there is a type; where machines work in bulk (a clinic) there is a tuple in a
mapping keyed by the HSA-id in canonical form. Nothing here decides anything or reads anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, NewType

from reconciler.findings import Place, Severity
from reconciler.names import Names
from reconciler.rows import Kind, Rows, names_of
from reconciler.thresholds import THRESHOLDS, Threshold

HsaId = NewType("HsaId", str)
"""An HSA-id in canonical form: upper case, no blanks around."""

RegionCode = str
"""Two digits, as text: `01`. The county codes of Statistics Sweden; 02, 11, 15 and 16 are not in use."""

REGIONS: Mapping[RegionCode, str] = {
    "01": "Region Stockholm",
    "03": "Region Uppsala",
    "04": "Region Sörmland",
    "05": "Region Östergötland",
    "06": "Region Jönköpings län",
    "07": "Region Kronoberg",
    "08": "Region Kalmar län",
    "09": "Region Gotland",
    "10": "Region Blekinge",
    "12": "Region Skåne",
    "13": "Region Halland",
    "14": "Västra Götalandsregionen",
    "17": "Region Värmland",
    "18": "Region Örebro län",
    "19": "Region Västmanland",
    "20": "Region Dalarna",
    "21": "Region Gävleborg",
    "22": "Region Västernorrland",
    "23": "Region Jämtland Härjedalen",
    "24": "Region Västerbotten",
    "25": "Region Norrbotten",
}
"""The 21 regions and their official short names."""

EXAMPLE_BOARD_SUFFIX = "-PNEXEMPEL"
"""How the HSA-id of an example board ends; none of a real board is public."""


def canonical(text: str) -> HsaId:
    """Return the HSA-id that *text* is a spelling of; its form is not checked."""
    return HsaId(text.strip().upper())


# ---- declared: what the region files say


class SourceText(NamedTuple):
    """A file as it was read; gives places that know their source line."""

    path: str
    text: str

    def place(self, line: int, column: int, end_line: int, end_column: int) -> Place:
        """Return the span as a place, 1-based and end exclusive."""
        lines = _lines(self.text)
        source = lines[line - 1].rstrip("\r") if line <= len(lines) else ""
        return Place(self.path, line, column, end_line, end_column, source)


@lru_cache(maxsize=2)
def _lines(text: str) -> list[str]:
    return text.split("\n")


class Clinic(NamedTuple):
    """A declared clinic: the name beside its HSA-id, and where the id stands, 1-based."""

    name: str
    line: int
    column: int
    end_column: int


class Board(NamedTuple):
    """A declared patient board. `support_order` is None where the file says that the board was there before."""

    hsa_id: HsaId
    name: str
    support_order: str | None
    place: Place
    order_place: Place


class Region(NamedTuple):
    """One region file, read and found whole."""

    code: RegionCode
    name: str
    source: SourceText
    name_place: Place
    board_place: Place
    board: Board | None
    clinics: Mapping[HsaId, Clinic]

    def place_of(self, hsa_id: HsaId) -> Place:
        """Return where the clinic is declared."""
        _, line, column, end_column = self.clinics[hsa_id]
        return self.source.place(line, column, line, end_column)


@dataclass(frozen=True)
class Declared:
    """All region files that are to be looked at.

    `stopped` gives for each region without a usable file the ids of the rules that stopped it, `mentioned` every
    HSA-id in the text of those files, `boards_held` the regions whose board may not be touched and why.
    """

    regions: Mapping[RegionCode, Region]
    stopped: Mapping[RegionCode, tuple[str, ...]] = field(default_factory=dict)
    mentioned: frozenset[HsaId] = frozenset()
    boards_held: Mapping[RegionCode, tuple[str, ...]] = field(default_factory=dict)
    digest: str = ""

    @cached_property
    def owners(self) -> Mapping[HsaId, tuple[RegionCode, ...]]:
        """For each declared clinic the regions that declare it, in code order."""
        owners: dict[HsaId, tuple[RegionCode, ...]] = {}
        for code in sorted(self.regions):
            alone = (code,)
            for hsa_id in self.regions[code].clinics:
                owners[hsa_id] = owners[hsa_id] + alone if hsa_id in owners else alone
        return owners

    @cached_property
    def names(self) -> Mapping[RegionCode, Mapping[HsaId, str]]:
        """For each region the names that its file gives its clinics, by id."""
        return {code: names_of(region.clinics) for code, region in self.regions.items()}

    @cached_property
    def twice(self) -> frozenset[HsaId]:
        """The clinics that several regions declare: found once, by a set of all."""
        declared = [region.clinics.keys() for region in self.regions.values()]
        seen = set[HsaId]().union(*declared)
        if len(seen) == sum(map(len, declared)):
            return frozenset()
        twice = set[HsaId]()
        for ids in declared:
            twice.update(ids - seen)
            seen.difference_update(ids)
        return frozenset(twice)


class Approval(NamedTuple):
    """A bounded, expiring permission to pass one guard; `region` is None for a national guard."""

    guard: str
    region: RegionCode | None
    at_most: int
    until: date
    reason: str
    approved_by: str
    place: Place
    digest: str


# ---- the world: what the e-services and TAK say


class RegisterClinic(NamedTuple):
    """What the e-services say of one clinic."""

    name: str
    active: bool
    region_code: RegionCode


ENTRY = Kind[RegisterClinic](
    lambda group, name: RegisterClinic(name, *group), lambda row: ((row.active, row.region_code), row.name)
)


class Register(NamedTuple):
    """What the e-services say of all clinics; the digest covers the clinics, not the time.

    `etag` is what the server knows this answer by, `asked` the digest of how it was asked for and read.
    """

    clinics: Mapping[HsaId, RegisterClinic]
    generated_at: datetime
    digest: str
    etag: str | None = None
    asked: str = ""

    def by_region(self) -> dict[RegionCode, Rows[HsaId, RegisterClinic]]:
        """Return each region's part."""
        divided: dict[RegionCode, dict[tuple[bool, RegionCode], Mapping[HsaId, str]]] = {}
        for (active, code), names in Rows.of(ENTRY, self.clinics).parts.items():
            divided.setdefault(code, {})[active, code] = names
        return {code: Rows(ENTRY, parts) for code, parts in divided.items()}


class GoodPart(NamedTuple):
    """A region's part of the register as it was when it was last found good, and since when it has been like that."""

    clinics: Mapping[HsaId, RegisterClinic]
    generated_at: datetime
    since: datetime


class RoutedPart(NamedTuple):
    """The clinics of a region that TAK routed when it was last believed, and of when that answer was."""

    clinics: frozenset[HsaId]
    generated_at: datetime


class Remembered(NamedTuple):
    """What the database remembers of register and routes: the last good part of each region.

    `newest` is the newest answer of the register, as it was.
    """

    parts: Mapping[RegionCode, GoodPart] = {}
    newest: Register | None = None
    routed: Mapping[RegionCode, RoutedPart] = {}


class Routes(NamedTuple):
    """The addresses that TAK sends to systems of their own, upper case, HSA-ids or not.

    A unit below an address that is routed counts as routed itself; `above` gives, for each of these, that address.
    `placed` holds the units whose parents were looked at; None: nobody's were.
    """

    hsa_ids: frozenset[str] = frozenset()
    generated_at: datetime | None = None
    digest: str | None = None
    asked: bool = False
    above: Mapping[str, str] = {}
    placed: frozenset[str] | None = None


# ---- observed: what the database holds


class Enrolment(NamedTuple):
    """A row of the service's clinic table."""

    region_code: RegionCode
    name: str


class BoardRow(NamedTuple):
    """The board columns of the service's region table."""

    hsa_id: str
    name: str


class ManagedClinic(NamedTuple):
    """What was last settled for a clinic, and the region whose file declared it then."""

    declared_in: RegionCode
    region_code: RegionCode
    name: str


class ManagedBoard(NamedTuple):
    """The board that this tool last wrote or took over."""

    hsa_id: str
    name: str
    support_order: str | None


ENROLMENT = Kind[Enrolment](Enrolment, lambda row: row)
MANAGED = Kind[ManagedClinic](
    lambda group, name: ManagedClinic(group[0], group[1], name), lambda row: (row[:2], row.name)
)


class State(NamedTuple):
    """What the database holds, all of it or the part that one region's transaction looks at."""

    clinics: Mapping[HsaId, Enrolment] = {}
    boards: Mapping[RegionCode, BoardRow] = {}
    managed_clinics: Mapping[HsaId, ManagedClinic] = {}
    managed_boards: Mapping[RegionCode, ManagedBoard] = {}


# ---- settings


class HttpSettings(NamedTuple):
    """How a system is asked over HTTP. Secrets come from the environment or from files, and are never shown."""

    url: str = ""
    user: str = ""
    password: str = ""
    password_file: Path | None = None
    token: str = ""
    token_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    connect_timeout: timedelta = timedelta(seconds=10)
    read_timeout: timedelta = timedelta(seconds=30)
    total_timeout: timedelta = timedelta(seconds=120)
    retries: int = 3
    backoff: timedelta = timedelta(seconds=1)
    max_megabytes: int = 256

    def __repr__(self) -> str:
        """Return who is asked: no secret is in what is printed by mistake."""
        return f"HttpSettings(url={self.url!r}, …)"


class RegisterSettings(NamedTuple):
    """Where the register is asked, and how old its answer may be; None: any age.

    `known` is the last answer, where it is held: then it is enough to hear that nothing has changed. `unmoved_after`:
    a region's part may be the same for so long; None: for ever. `keep`: so many answers are kept in the database.
    `allow_cached`: apply goes on with the last good register where the source is away. `not_before`: an answer that is
    older would be a step back.
    """

    source: str = "file"
    path: Path | None = None
    http: HttpSettings = HttpSettings()
    query: str = ""
    generated_at_query: str = ""
    known: Register | None = None
    not_before: datetime | None = None
    unmoved_after: timedelta | None = None
    keep: int = 10
    allow_cached: bool = False
    max_age: timedelta | None = timedelta(hours=36)
    region_codes: Mapping[str, RegionCode] = {}


class RoutesSettings(NamedTuple):
    """Where the routes are asked, of which domain, and how old the answer may be; None: any age.

    Without `contracts`, all of the domain count. Addresses in `ignore` are 1177's own. `parents` is a file that gives
    each unit's parent in the HSA tree. `not_before`: an answer that is older would be a step back.
    """

    source: str = "off"
    path: Path | None = None
    http: HttpSettings = HttpSettings()
    platform: str = ""
    environment: str = ""
    domain: str = ""
    contracts: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    max_age: timedelta | None = timedelta(hours=36)
    parents: Path | None = None
    not_before: datetime | None = None


class DriftSettings(NamedTuple):
    """After how many reverts of one row, within how long, two writers are said to fight; None: never."""

    reverts: int = 3
    within: timedelta | None = timedelta(days=7)


class Settings(NamedTuple):
    """Everything that can be set; paths are absolute, or relative to the current folder.

    `origins` tells where each that was set comes from: a file, a flag, a variable of the environment; `file` is
    that file.
    """

    lang: str | None = None
    demo: bool = False
    regions: tuple[RegionCode, ...] = tuple(REGIONS)
    config: Path = Path("config")
    database: str = "sqlite:///reconciler.db"
    service: Names = Names()
    register: RegisterSettings = RegisterSettings()
    routes: RoutesSettings = RoutesSettings()
    guards: Mapping[str, Threshold] = THRESHOLDS
    severity: Mapping[str, Severity | None] = {}
    hold: tuple[RegionCode, ...] = ()
    drift: DriftSettings = DriftSettings()
    lock_timeout: timedelta = timedelta(seconds=10)
    log: timedelta | None = None
    origins: Mapping[str, str] = {}
    file: Path | None = None
