"""Check digit: the last digit of the number in an HSA-id, of a clinic or of a board, is worked out from the others."""

from collections.abc import Iterator
from functools import lru_cache

from reconciler.findings import Finding, Place, Severity, Stage, rule
from reconciler.model import Declared, HsaId, Region
from reconciler.rules.close import close_number


@lru_cache(maxsize=1024)
def _check_digit_fits(number: str) -> bool:
    from stdnum import luhn  # 0.05 s, and `--help` needs none

    return luhn.is_valid(number)


@rule(
    Stage.MEANING,
    severity=Severity.WARNING,
    problem="the number in {subject} has a check digit that does not fit",
    remedy="compare the ten digits with HSA; one of them is probably mistyped",
)
def check_digit_wrong(region: Region, declared: Declared) -> Iterator[Finding]:
    """The ten digits are an organisation's number, whose last digit is worked out from the others.

    Only a warning: a sole trader's and a test unit's number may differ.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {SE2321000132-E000000000458: Närhälsan Ågårdsskogen}
    """
    wrong = {number for number in _numbers(region) if not _check_digit_fits(number)}
    if not wrong:
        return
    right = {number for one in declared.regions.values() for number in _numbers(one) if _check_digit_fits(number)}
    spots: list[tuple[HsaId, Place, str | None]] = [
        (hsa_id, region.place_of(hsa_id), one.name)
        for hsa_id, one in region.clinics.items()
        if _number(hsa_id) in wrong
    ]
    if region.board and _number(region.board.hsa_id) in wrong:
        spots.append((region.board.hsa_id, region.board.place, None))
    for hsa_id, place, name in spots:
        meant = close_number(_number(hsa_id), right)
        suggestion = hsa_id.replace(_number(hsa_id), meant, 1) if meant else None
        yield check_digit_wrong.finding(place, region=region.code, subject=hsa_id, suggestion=suggestion, name=name)


def _number(hsa_id: str) -> str:
    return hsa_id.partition("-")[0][-10:]


def _numbers(region: Region) -> set[str]:
    """Return the organisations' numbers in the region's HSA-ids."""
    owners = {hsa_id[:15] for hsa_id in region.clinics}  # longer than any of them, and there are few
    numbers = {_number(owner) for owner in owners}
    return numbers | {_number(region.board.hsa_id)} if region.board else numbers
