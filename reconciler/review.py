"""What a pull request means: its parts, whose right each takes, whether it changes any outcome. It asks git and reads.

Rights are read from the base, what is compared is compared with where HEAD left the base: what others have merged since
is no part of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from reconciler import fixes, git, revision
from reconciler import settings as setting
from reconciler.check import Read, mentioned
from reconciler.declare.beside import RIGHTS, read_access
from reconciler.declare.files import read_bytes, shown
from reconciler.findings import Exit, Failure, Finding, Place
from reconciler.meaning import BOARDS, Access, Kind, Part, Stand, parts
from reconciler.model import HsaId, RegionCode, Settings
from reconciler.rules import access, board
from reconciler.rules.reading import LARGEST
from reconciler.validation import examine


class Meaning(Enum):
    """What comes of it: nothing, something, or nobody can tell from what review looks at."""

    NONE = "none"
    CHANGES = "changes"
    UNKNOWN = "unknown"


class Base(NamedTuple):
    """What is compared with: the revision, its commit, and the commit at which HEAD left it."""

    revision: str
    commit: str
    since: str


class People(NamedTuple):
    """Who wrote a pull request, and who has approved it."""

    author: str | None = None
    approved_by: tuple[str, ...] = ()

    @property
    def accounts(self) -> frozenset[str]:
        """All of them, in lower case: accounts are the same in any."""
        return frozenset(one.lower() for one in (self.author, *self.approved_by) if one)


@dataclass(frozen=True, slots=True)
class Review:
    """What was found. `access` is None where the base has no rights to check by; `elsewhere` is not looked at.

    Paths are relative to `folder`, which is so to the root of the clone.
    """

    base: Base
    people: People
    access: Access | None
    parts: tuple[Part, ...]
    unread: tuple[RegionCode, ...]
    elsewhere: tuple[str, ...]
    asked_register: bool
    folder: str
    fixes: tuple[fixes.Fix, ...]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]

    @property
    def meaning(self) -> Meaning:
        """What comes of it: nothing only where nothing else is in it either."""
        if self.unread or (self.elsewhere and not self.parts):
            return Meaning.UNKNOWN
        return Meaning.CHANGES if self.parts else Meaning.NONE

    @property
    def exit(self) -> Exit:
        """What the process says."""
        errors = any(one.is_error and one.new is not False for one in self.findings)
        return Exit.first(*([Exit.ERRORS] if errors else []), *(failure.exit for failure in self.failures))


def review(settings: Settings, now: datetime, base: str, people: People, *, live: bool = False) -> Review:
    """Return what has been changed since *base*, what it means, and what is wrong with it."""
    against = Base(base, *git.base_of(settings.config, base))
    examined = examine(settings, now, live=live, base=against.since)
    assert examined.base is not None  # noqa: S101  (a base was given)
    before, here = _stands(settings, against, examined.base, examined.here)
    changed = git.changed_since(settings.config, against.since)
    found = parts(before, here, examined.register)
    found += [part for path in _settings_files(settings) if path in changed for part in _settings_part(path, against)]
    rights = revision.access_at(settings, against.commit)
    validation = examined.validation
    unread = _unread(examined.base, examined.here)
    found += _unread_parts(unread, examined.here, validation.findings)
    reused = {one.region for one in validation.findings if one.rule is board.board_order_reused}
    request = access.Request(found, rights or Access({}, {}), people.accounts)
    told = [
        *validation.findings,
        *(access.without_right(request) if rights is not None else ()),
        *(one for one in _orders_used(settings, against, here, found) if one.region not in reused),
    ]
    return Review(
        against,
        people,
        rights,
        tuple(found),
        unread,
        tuple(_elsewhere(settings, changed, (examined.base, examined.here))),
        examined.register is not None,
        git.prefix(Path.cwd()),
        _fixes(told, changed, examined.here, against),
        tuple(sorted((_new(one) for one in told), key=Finding.sort_key)),
        validation.failures,
    )


def _new(finding: Finding) -> Finding:
    return finding._replace(new=True) if finding.new is None else finding


def _stands(settings: Settings, against: Base, base: Read, here: Read) -> tuple[Stand, Stand]:
    """Return what the files said and say; rights that cannot be read here stay as they were."""
    was = revision.access_at(settings, against.since)
    rights, faults = read_access(settings.config / RIGHTS)
    boards = {code: one.board.hsa_id for code, one in here.declared.regions.items() if one.board}
    unread = {
        code: {hsa_id for hsa_id in _mentioned(base, code) if hsa_id != boards.get(code)}
        for code in base.declared.stopped
    }
    return (
        Stand(base.declared, tuple(base.files.approvals), was, unread),
        Stand(here.declared, tuple(here.files.approvals), was if faults else rights),
    )


def _mentioned(read: Read, code: RegionCode) -> frozenset[HsaId]:
    return mentioned(file.text for file in read.files.reading.files if file.code == code)


def _unread(base: Read, here: Read) -> tuple[RegionCode, ...]:
    """Return the regions whose files were changed and cannot be read, so that nobody knows what it means."""
    return tuple(code for code in sorted(here.declared.stopped) if _texts(base, code) != _texts(here, code))


def _unread_parts(unread: Collection[RegionCode | None], here: Read, findings: Iterable[Finding]) -> Iterator[Part]:
    """Yield a part for each file that was changed, cannot be read, and has no fault that the base lacks."""
    told = {one.region for one in findings if one.is_error and one.new}
    for file in here.files.reading.files:
        if file.code in unread and file.code not in told:
            yield Part(Kind.CHANGE_UNREAD, file.code, file.path, None, None, Place(file.path))


def _texts(read: Read, code: RegionCode) -> list[str]:
    return sorted(file.text for file in read.files.reading.files if file.code == code)


def _fixes(found: Iterable[Finding], changed: Iterable[Path], here: Read, against: Base) -> tuple[fixes.Fix, ...]:
    """Return the fixes of lines that the pull request shows."""
    paths = {file.path for file in here.files.reading.files}
    lines = {
        shown(path): git.lines_shown(path, against.commit, against.since) for path in changed if shown(path) in paths
    }
    return fixes.fixes((one for one in found if one.new is not False), here, lines)


# ---- what is no region file


def _settings_files(settings: Settings) -> list[Path]:
    """Return where settings may stand: the file that was read, and that of the clone, where another one was read."""
    return sorted({(settings.config.parent / setting.NAME).resolve(), *([settings.file] if settings.file else [])})


def _settings_part(path: Path, against: Base) -> Iterator[Part]:
    """Yield the part that the settings are others, where they mean something else."""
    before = git.files_at(path.parent, against.since, LARGEST).get(path.name)
    here, _faults = read_bytes(path)
    if not setting.same(before or b"", here):
        place = Place(shown(path))
        yield Part(Kind.CHANGE_SETTINGS, None, place.path, None, None, place)


def _elsewhere(settings: Settings, changed: Iterable[Path], reads: Iterable[Read]) -> list[str]:
    """Return what was changed and is not looked at."""
    looked_at = {file.path for read in reads for file in read.files.reading.files}
    others = (settings.config / "approvals.yaml", settings.config / RIGHTS, *_settings_files(settings))
    looked_at |= {shown(path) for path in others}
    return sorted(path for path in map(shown, changed) if path not in looked_at)


def _orders_used(settings: Settings, against: Base, here: Stand, found: Sequence[Part]) -> Iterable[Finding]:
    """Find boards whose order was another board's, now or ever in the history of the files."""
    orders = {str(part.after["support_order"]) for part in found if part.kind in BOARDS and part.after}
    orders -= {"None"}
    if not orders:
        return ()
    earlier = revision.boards_under(settings, against.since, orders)
    places = {code: one.board.order_place for code, one in here.declared.regions.items() if one.board}
    return access.board_order_used(found, places, earlier)
