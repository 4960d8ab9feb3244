"""The register in JSON, as `schemas/register.schema.json` says: one document, or a page of one."""

from __future__ import annotations

from typing import Any

from reconciler.sources.answer import as_json, malformed
from reconciler.sources.record import Answer, incomplete
from reconciler.words import _

FORMAT = "reconciler/register/1"
_KEYS = frozenset({"format", "generated_at", "complete", "clinics", "next"})


def read(text: str, name: object) -> Answer:
    """Return the records of a whole document; *name* is its file or address."""
    document = parsed(text, name)
    if "next" in document:
        raise malformed("register", name, _("{key} is not a key that belongs here").format(key="next"))
    clinics = document["clinics"]
    return Answer(document.get("generated_at"), [(range(len(clinics)), clinics)], where)


def parsed(text: str, name: object) -> dict[str, Any]:
    """Return the document, which has the right form and says that it is complete; `clinics` is a list."""
    document = as_json("register", name, text)
    fits = isinstance(document, dict) and document.get("format") == FORMAT
    if not fits or not isinstance(document.get("clinics"), list):
        raise malformed("register", name, _("it has not the format {format}").format(format=FORMAT))
    unknown = sorted(document.keys() - _KEYS)
    if unknown:
        raise malformed("register", name, _("{key} is not a key that belongs here").format(key=unknown[0]))
    if document.get("complete") is not True:
        raise incomplete(_("it does not say that it is complete"))
    return dict(document)


def where(at: int, field: str | None) -> str:
    """Return the words for the place of a record."""
    return f"clinics[{at}].{field}" if field else f"clinics[{at}]"
