"""`fmt` and `new`: files in their one form."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from reconciler.declare.files import shown
from reconciler.drafting.draft import Draft, desk, opened
from reconciler.edit import document
from reconciler.edit.parse import parse
from reconciler.edit.write import Rewrite
from reconciler.findings import Exit, Failure
from reconciler.model import REGIONS, HsaId, RegionCode, Settings
from reconciler.rules.region import file_name_without_region
from reconciler.sources import register as register_source
from reconciler.words import _


def fmt(settings: Settings, paths: Sequence[Path], *, names: bool, now: datetime) -> Draft:
    """Put files, or all that are kept, in their one form; with *names*, bring names up to the register."""
    open_files = opened(settings, paths, tuple(REGIONS)) if paths else desk(settings)
    known: dict[HsaId, str] = {}
    if names:
        register = register_source.ask(settings.register, now)
        known = {hsa_id: clinic.name for hsa_id, clinic in register.clinics.items()}
    formed = {
        code: document.in_one_form(document.rename(open_files.document(code), known)) for code in open_files.regions
    }
    no_files = [
        one for path in paths if path.suffix not in (".yaml", ".yml") for one in file_name_without_region(str(path))
    ]
    return Draft(open_files.rewrites(formed), (*open_files.findings, *no_files))


def new(settings: Settings, code: RegionCode) -> Draft:
    """Draft a region's first file: no board, no clinics."""
    there = [path for path in (settings.config / "regions").glob(f"{code}-*") if path.suffix in (".yaml", ".yml")]
    if there:
        raise Failure(
            "files",
            "there",
            problem=_("region {region} has a file: {path}").format(region=code, path=shown(there[0])),
            remedy=_("edit that one"),
            exit=Exit.USAGE,
        )
    path = settings.config / "regions" / f"{code}-{slug(REGIONS[code])}.yaml"
    text = f'version: 1\nregion: "{code}"\nname: {REGIONS[code]}\npatient_board: null\nclinics: {{}}\n'
    return Draft((Rewrite(path, None, document.in_one_form(parse(text)).text().encode()),))


def slug(name: str) -> str:
    """Return a region's name as it stands in a file name."""
    short = name.removeprefix("Region ").replace("sregionen", "")
    letters = unicodedata.normalize("NFKD", short).encode("ascii", "ignore").decode()
    return letters.lower().replace(" ", "-")
