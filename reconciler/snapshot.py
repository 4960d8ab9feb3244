"""What register and routes say now, as two files that the source `file` reads back: for checks without a network.

All or nothing: where one does not answer, no file is touched.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.findings import Exit, Failure, reason_of
from reconciler.model import Register, Routes, Settings
from reconciler.sources import register as register_source
from reconciler.sources import routes as routes_source
from reconciler.sources.register_json import FORMAT as REGISTER_FORMAT
from reconciler.words import _


def snapshot(settings: Settings, now: datetime, folder: Path) -> tuple[Path, ...]:
    """Ask both, write `register.json` and, where TAK is asked, `routes.json` to *folder*; return what was written."""
    register = register_source.ask(settings.register, now)
    routes = routes_source.ask(settings.routes, now)
    documents = {"register.json": _register(register)}
    if routes.asked:
        documents["routes.json"] = _routes(routes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_written(folder / name, document) for name, document in documents.items())
    except OSError as error:
        raise Failure(
            "files",
            "unwritable",
            problem=_("{path} cannot be written: {reason}").format(path=folder, reason=reason_of(error)),
            remedy=_("name a folder that you may write in"),
            exit=Exit.SETTINGS,
        ) from error


def _register(register: Register) -> dict[str, Any]:
    clinics = [
        {
            "hsa_id": hsa_id,
            "name": entry.name,
            "status": "active" if entry.active else "inactive",
            "region_code": entry.region_code,
        }
        for hsa_id, entry in sorted(register.clinics.items())
    ]
    made = register.generated_at.isoformat()
    return {"format": REGISTER_FORMAT, "generated_at": made, "complete": True, "clinics": clinics}


def _routes(routes: Routes) -> dict[str, Any]:
    """Units below a route are written as routed, so that the file of parents need not go along."""
    made = routes.generated_at.isoformat() if routes.generated_at else None
    return {"format": routes_source.FORMAT, "generated_at": made, "hsa_ids": sorted(routes.hsa_ids)}


def _written(path: Path, document: dict[str, Any]) -> Path:
    """Write the file beside the old one and put it in its place, so that nobody reads half of it."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, path)
    return path
