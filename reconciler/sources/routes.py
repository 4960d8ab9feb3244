"""Routes: the addresses that TAK sends to systems of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from reconciler.model import Routes, RoutesSettings
from reconciler.plan import digest
from reconciler.sources.answer import checked_time, malformed, read_text
from reconciler.words import _

FORMAT = "reconciler/routes/1"


def ask(settings: RoutesSettings, now: datetime) -> Routes:
    """Return what TAK routes; a `Failure` where the answer is missing, malformed, old or from the future."""
    return SOURCES[settings.source](settings, now)


def _off(_settings: RoutesSettings, _now: datetime) -> Routes:
    return Routes()


def _from_file(settings: RoutesSettings, now: datetime) -> Routes:
    text, path = read_text("routes", settings.path), settings.path or Path()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise malformed("routes", path, _("this is not JSON: {reason}").format(reason=error)) from error
    addresses = document.get("hsa_ids") if isinstance(document, dict) and document.get("format") == FORMAT else None
    if not isinstance(addresses, list) or not all(map(_is_address, addresses)):
        raise malformed("routes", path, _("it has not the format {format}").format(format=FORMAT))
    made = checked_time("routes", document.get("generated_at"), now, settings.max_age)
    hsa_ids = frozenset(one.strip().upper() for one in addresses)
    return Routes(hsa_ids, made, digest(sorted(hsa_ids)), asked=True)


def _is_address(one: object) -> bool:
    return isinstance(one, str) and bool(one.strip()) and one.isprintable()


SOURCES: Mapping[str, Callable[[RoutesSettings, datetime], Routes]] = {"off": _off, "file": _from_file}
