"""Intended: which clinic was meant by an HSA-id that cannot be right, offered with its name. It judges nothing.

Whom to ask: the e-services, where they answered; else the other regions' files, and what was on the base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.findings import Finding
from reconciler.model import Declared, HsaId, Register, State, canonical
from reconciler.rules.check_digit import check_digit_wrong
from reconciler.rules.close import meant_clinics
from reconciler.rules.shape import hsa_id_malformed


def with_offers(
    findings: Sequence[Finding], declared: Declared, register: Register | None = None, before: State | None = None
) -> list[Finding]:
    """Return *findings*; those of a clinic's HSA-id that cannot be right offer the clinic that was probably meant.

    A number that the e-services know is right, whatever its check digit; and one that they do not know they tell.
    """
    if register:
        findings = [one for one in findings if one.rule is not check_digit_wrong or _name(one) is None]
    offers: dict[tuple[str | None, HsaId], str] = {}
    for code in {one.region for one in findings if _name(one) is not None}:
        known = _known_by(register, declared) if register else _known_from(declared, before or State(), code)
        about = (one for one in findings if one.region == code and _name(one) is not None)
        # Where no register tells, letters put right are likelier than what is close to them in some other file.
        asked = {
            _typed(one): str(_name(one)) for one in about if register or not one.suggestion or _typed(one) in known
        }
        meant = meant_clinics(asked, known)
        offers |= {(code, typed): f"{hsa_id} ({known[hsa_id]})" for typed, hsa_id in meant.items()}
    return [_offering(one, offers.get((one.region, _typed(one)))) for one in findings] if offers else list(findings)


def _name(finding: Finding) -> str | None:
    """Return what the clinic is called whose HSA-id cannot be right; None where the finding is of something else."""
    of_an_id = finding.rule is hsa_id_malformed or finding.rule is check_digit_wrong
    name = finding.values.get("name") if of_an_id else None
    return None if name is None else str(name)


def _typed(finding: Finding) -> HsaId:
    """Return the HSA-id as it was typed; put right, where its letters alone tell how."""
    return canonical(finding.suggestion or str(finding.subject))


def _known_by(register: Register, declared: Declared) -> dict[HsaId, str]:
    """Return the clinics that the e-services know and no file declares."""
    listed = declared.owners
    return {hsa_id: entry.name for hsa_id, entry in register.clinics.items() if hsa_id not in listed}


def _known_from(declared: Declared, before: State, code: str | None) -> Mapping[HsaId, str]:
    """Return the clinics that the files of other regions declare, or that the base did and nobody does now."""
    names = {hsa_id: row.name for hsa_id, row in before.clinics.items() if row.name}
    for one in declared.regions.values():
        listed = {hsa_id: clinic.name for hsa_id, clinic in one.clinics.items()}
        names = names | listed if one.code != code else {key: names[key] for key in names.keys() - listed.keys()}
    return names


def _offering(finding: Finding, offer: str | None) -> Finding:
    return finding._replace(suggestion=offer) if offer and _name(finding) is not None else finding
