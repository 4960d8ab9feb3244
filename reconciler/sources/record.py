"""What the sources of the register have in common: the four fields, and the answer that every one of them gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from reconciler.findings import Failure
from reconciler.words import _

FIELDS = ("hsa_id", "name", "status", "region_code")
STATUSES = {"active": True, "inactive": False}


class Answer(NamedTuple):
    """What a source gave: when it was made, and the records, many at a time.

    Of `records` each is two lists of one length: where the records stand, and the records, by name or as four cells.
    `where` puts such a place, and the field, or None for all of the record, into words.
    """

    generated_at: object
    records: Iterable[tuple[Sequence[Any], Sequence[Any]]]
    where: Callable[[Any, str | None], str]
    etag: str | None = None


def in_row(row: int, field: str | None) -> str:
    """Return the words for a cell of a table, or for a row of it."""
    return _("row {n}, column {field}").format(n=row, field=field) if field else _("row {n}").format(n=row)


def incomplete(problem: str) -> Failure:
    """Return the failure of a register that is not all of it."""
    return Failure(
        "register",
        "incomplete",
        problem=problem,
        remedy=_("a part of the register would look like clinics that are gone: have all of it made"),
    )


def empty() -> Failure:
    """Return the failure of a register without clinics: there is no country where that is true."""
    return incomplete(_("it has no clinics at all"))
