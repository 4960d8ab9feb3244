"""A plan in a file: written whole or not at all, and read back as what an apply is held to.

It knows the form `reconciler/plan/1`, and trusts no file: the fingerprint must be that of the changes beside it. What a
plan means, and whether it still fits, is not known here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.digests import digest
from reconciler.findings import Exit, Failure, reason_of
from reconciler.words import _

Step = tuple[str, str, str]
"""A change as it is told to people: region, action, subject."""

_SOURCES = ("config", "register", "routes", "observed", "settled")


class SavedPlan(NamedTuple):
    """What an apply is held to. Of a bare fingerprint the steps and digests are not known."""

    name: str
    fingerprint: str
    steps: frozenset[Step] | None = None
    digests: Mapping[str, str | None] = {}


def write(path: Path, text: str) -> None:
    """Write a plan beside its place and move it there, so that nobody reads half of one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        problem = _("the plan cannot be written to {path}: {reason}").format(path=path, reason=reason_of(error))
        raise _failure("unwritable", problem, _("name a file that you may write")) from error


def read(path: Path) -> SavedPlan:
    """Return the plan in *path*; a `Failure` says why it is none."""
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != "reconciler/plan/1":
            raise ValueError(document["format"])  # noqa: TRY301  (told like every other file that is no plan)
        rows = [_row(change) for change in document["changes"]]
        digests = {name: document[name]["digest"] for name in _SOURCES}
        stated = document["fingerprint"]
        expected = digest([rows, digests["observed"], digests["settled"]]) if stated else ""
    except OSError as error:
        problem = _("the plan {path} cannot be read: {reason}").format(path=path, reason=reason_of(error))
        raise _failure("unreadable", problem, _save_anew(path)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _failure("malformed", _("{path} is not a saved plan").format(path=path), _save_anew(path)) from error
    if not stated:
        problem = _("{path} holds no plan: something failed when it was made").format(path=path)
        raise _failure("empty", problem, _save_anew(path))
    if stated != expected:
        problem = _("{path} is a part of a plan, or was changed by hand: its fingerprint is not that of its changes")
        raise _failure("altered", problem.format(path=path), _save_anew(path))
    steps = frozenset((region, action, subject) for region, action, subject, *_rest in rows)
    return SavedPlan(str(path), stated, steps, digests)


def _row(change: Mapping[str, Any]) -> tuple[str, str, str, list[str] | None, list[str] | None]:
    before, after = (list(change[key].values()) if change[key] else None for key in ("before", "after"))
    return (change["region"], change["action"], change["subject"], before, after)


def _save_anew(path: Path) -> str:
    return _("save one: reconciler plan --out {path}").format(path=path)


def _failure(kind: str, problem: str, remedy: str) -> Failure:
    return Failure("plan", kind, problem=problem, remedy=remedy, exit=Exit.USAGE)
