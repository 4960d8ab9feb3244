"""Routes: the addresses that TAK sends to systems of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from reconciler.digests import digest
from reconciler.model import Routes, RoutesSettings
from reconciler.rules.route import COVERS_ALL
from reconciler.sources import coop, takdump
from reconciler.sources.answer import as_json, checked_time, malformed, read_text
from reconciler.sources.parents import covered, read_parents
from reconciler.sources.tak import Heard, address
from reconciler.words import _

FORMAT = "reconciler/routes/1"


def ask(settings: RoutesSettings, now: datetime) -> Routes:
    """Return what TAK routes; a `Failure` where the answer is missing, malformed, old or from the future."""
    if settings.source == "off":
        return Routes()
    heard = SOURCES[settings.source](settings, now)
    made = checked_time("routes", heard.made, now, settings, heard.made_key)
    ignored = {one.strip().upper() for one in settings.ignore}
    hsa_ids = frozenset(heard.addresses - ignored)
    return _climbed(Routes(hsa_ids, made, digest(sorted(hsa_ids)), asked=True), settings.parents)


def _climbed(routes: Routes, path: Path | None) -> Routes:
    """Return the routes with the units below each; what would cover everybody is told, and not acted upon."""
    if path is None:
        return routes
    parents = read_parents(path)
    above = covered(parents, routes.hsa_ids - COVERS_ALL, path)
    hsa_ids = routes.hsa_ids | above.keys()
    return routes._replace(hsa_ids=hsa_ids, digest=digest(sorted(hsa_ids)), above=above, placed=frozenset(parents))


def _from_file(settings: RoutesSettings, _now: datetime) -> Heard:
    text, path = read_text("routes", settings.path), settings.path or Path()
    document = as_json("routes", path, text)
    written = document.get("hsa_ids") if isinstance(document, dict) and document.get("format") == FORMAT else None
    found = [address(one) for one in written] if isinstance(written, list) else [None]
    addresses = frozenset(one for one in found if one is not None)
    if None in found:
        raise malformed("routes", path, _("it has not the format {format}").format(format=FORMAT))
    return Heard(addresses, document.get("generated_at"), "generated_at")


SOURCES: Mapping[str, Callable[[RoutesSettings, datetime], Heard]] = {
    "file": _from_file,
    "coop": coop.ask,
    "takdump": takdump.ask,
}
