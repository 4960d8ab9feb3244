"""Close spellings: the key, the code or the HSA-id that was probably meant."""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

Id = TypeVar("Id", bound=str)

SWEDISH_KEYS = {
    "region": "region",
    "regionkod": "region",
    "namn": "name",
    "patientnämnd": "patient_board",
    "patientnamnd": "patient_board",
    "nämnd": "patient_board",
    "nämnden": "patient_board",
    "regionnamn": "name",
    "kod": "region",
    "länskod": "region",
    "vårdcentral": "clinics",
    "vårdcentraler": "clinics",
    "vårdenheter": "clinics",
    "mottagning": "clinics",
    "mottagningar": "clinics",
    "enheter": "clinics",
    "hsa-id": "hsa_id",
    "hsaid": "hsa_id",
    "order": "support_order",
    "beställning": "support_order",
    "beställningsnummer": "support_order",
    "beställnings-id": "support_order",
    "ordernummer": "support_order",
    "ärendenummer": "support_order",
    "ärende": "support_order",
}
"""What people write for a key of the region file."""


def close(text: str, choices: Iterable[str], *, at_least: float = 70) -> str | None:
    """Return the one of *choices* that is most like *text*, if any is like it at all (0 to 100)."""
    from rapidfuzz import fuzz, process  # wanted only when something is wrong

    best = process.extractOne(text, sorted(choices), scorer=fuzz.ratio, score_cutoff=at_least)
    return best[0] if best else None


def close_key(text: str, keys: Iterable[str]) -> str | None:
    """Return the key that was meant by *text*, in English or Swedish."""
    keys = list(keys)
    meant = SWEDISH_KEYS.get(text.lower())
    return meant if meant in keys else close(text.lower(), keys, at_least=60)


_SHORT = 6
"""Characters after the hyphen of which two are too many to be a slip."""


def close_id(hsa_id: Id, choices: Iterable[Id]) -> Id | None:
    """Return the HSA-id that was probably meant: a character off, or two of a long one; no more."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    most = 2 if len(hsa_id.partition("-")[2]) > _SHORT else 1
    best = process.extractOne(hsa_id, choices, scorer=OSA.distance, score_cutoff=most)
    return best[0] if best else None


_MOST_COMPARED = 20_000_000
"""Pairs that are looked at for those that are almost the same: some seconds. Beyond, only equal names are."""


def meant_clinics(asked: Mapping[Id, str], known: Mapping[Id, str]) -> dict[Id, Id]:
    """Return for the clinics *asked*, as names by HSA-id, which of *known* were probably meant.

    That is itself where it is known; else the one of the same name; else one whose HSA-id is close; else the one whose
    name is almost the same.
    """
    names: dict[str, list[Id]] = {}
    for hsa_id, name in known.items():
        names.setdefault(name.casefold(), []).append(hsa_id)
    alone = {name: hsa_ids[0] for name, hsa_ids in names.items() if len(hsa_ids) == 1}
    few, ids = len(asked) * len(known) <= _MOST_COMPARED, sorted(known)
    found = {}
    for hsa_id, name in asked.items():
        meant = hsa_id if hsa_id in known else alone.get(name.casefold())
        if few:
            meant = meant or close_id(hsa_id, ids) or _by_name(name.casefold(), alone)
        if meant:
            found[hsa_id] = meant
    return found


def _by_name(name: str, alone: Mapping[str, Id]) -> Id | None:
    almost = close(name, alone, at_least=90)
    return alone[almost] if almost else None


def close_number(number: str, numbers: Collection[str]) -> str | None:
    """Return the one of *numbers* that differs by one digit, by one too many or too few, or by two that changed places."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    best = process.extractOne(number, sorted(numbers), scorer=OSA.distance, score_cutoff=1)
    return best[0] if best and best[0] != number else None
