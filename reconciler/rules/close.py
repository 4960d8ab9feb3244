"""Close spellings: the key, the code or the HSA-id that was probably meant."""

from collections.abc import Iterable

SWEDISH_KEYS = {
    "region": "region",
    "regionkod": "region",
    "namn": "name",
    "patientnämnd": "patient_board",
    "patientnamnd": "patient_board",
    "nämnd": "patient_board",
    "mottagning": "clinics",
    "mottagningar": "clinics",
    "enheter": "clinics",
    "hsa-id": "hsa_id",
    "hsaid": "hsa_id",
    "order": "support_order",
    "beställning": "support_order",
    "ärende": "support_order",
}
"""What people write for a key of the region file."""


def close(text: str, choices: Iterable[str], *, at_least: float = 70) -> str | None:
    """Return the one of *choices* that is most like *text*, if any is like it at all (0 to 100)."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (wanted only when something is wrong)

    best = process.extractOne(text, sorted(choices), scorer=fuzz.ratio, score_cutoff=at_least)
    return best[0] if best else None


def close_key(text: str, keys: Iterable[str]) -> str | None:
    """Return the key that was meant by *text*, in English or Swedish."""
    keys = list(keys)
    meant = SWEDISH_KEYS.get(text.lower())
    return meant if meant in keys else close(text.lower(), keys, at_least=60)


def close_id(hsa_id: str, choices: Iterable[str]) -> str | None:
    """Return the HSA-id that was probably meant: one or two characters off, no more."""
    from rapidfuzz import process  # noqa: PLC0415
    from rapidfuzz.distance import OSA  # noqa: PLC0415

    best = process.extractOne(hsa_id, choices, scorer=OSA.distance, score_cutoff=2)
    return best[0] if best else None
