"""Region files to regions: which files there are, what is wrong with each, and what the whole ones declare.

Looks at one file at a time: what several files mean together is not known here.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from reconciler.declare import files, quick
from reconciler.findings import Exit, Failure, Finding
from reconciler.model import REGIONS, Region, RegionCode, SourceText
from reconciler.words import _

_CODE = re.compile(r"[0-9]{2}(?=-)")


class RegionFile(NamedTuple):
    """A file of the folder. Without a code its name begins with none; without a region the findings say why."""

    path: str
    code: RegionCode | None
    text: str
    region: Region | None
    findings: tuple[Finding, ...]


class Reading(NamedTuple):
    """The files that were looked at, by name, and a digest of all that was read."""

    files: tuple[RegionFile, ...]
    digest: str


def read_regions(folder: Path, kept: Collection[RegionCode]) -> Reading:
    """Read the files of *folder* that are of the regions in *kept*, or of none. Without a folder it is a Failure."""
    return _read(folder, _listed(folder), kept, files.read_bytes)


def read_contents(
    folder: Path, contents: Mapping[str, bytes | None], kept: Collection[RegionCode], known_from: Reading | None = None
) -> Reading:
    """Read *contents*, by file name, as if they stood in *folder*; None is what is no plain file.

    A file that says what one with its name was found whole with is not read again.
    """
    known = {file.path: file for file in known_from.files if file.region} if known_from else {}
    return _read(folder, sorted(contents), kept, lambda path: files.kept_elsewhere(path, contents[path.name]), known)


def _read(
    folder: Path,
    names: Iterable[str],
    kept: Collection[RegionCode],
    read_bytes: Callable[[Path], tuple[bytes, list[Finding]]],
    known: Mapping[str, RegionFile] = {},
) -> Reading:
    read, digest = [], hashlib.sha256()
    for path in (folder / name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith(".")):
        code = _code(path.name)
        if code is not None and code not in kept:
            continue
        content, unread = read_bytes(path)
        for part in (os.fsencode(path.name), content):
            digest.update(b"%d:%b" % (len(part), part))
        with _no_collection():
            shown = files.shown(path)
            read.append(_read_file(shown, code, content, unread, known.get(shown)))
    return Reading(tuple(read), f"sha256:{digest.hexdigest()}")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking a million nodes, none of which is garbage, again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise Failure(
            "files",
            "missing",
            problem=_("the folder {folder} with the region files cannot be read").format(folder=files.shown(folder)),
            remedy=_("run the command where config/regions is, or say where it is with --config"),
            exit=Exit.SETTINGS,
        ) from error


def _code(name: str) -> RegionCode | None:
    match = _CODE.match(name)
    return match[0] if match and match[0] in REGIONS else None


def _read_file(
    path: str, code: RegionCode | None, content: bytes, unread: list[Finding], known: RegionFile | None
) -> RegionFile:
    source, not_text = files.decode(path, content)
    if known is not None and known.text == source.text and not unread and not not_text:
        return known
    if code is None:
        return RegionFile(path, None, source.text, None, ())
    region, findings = (None, unread or not_text) if unread or not_text else _region(code, source)
    about = (finding._replace(region=code) for finding in findings)
    return RegionFile(path, code, source.text, region, tuple(sorted(about, key=Finding.sort_key)))


def _region(code: RegionCode, source: SourceText) -> tuple[Region | None, list[Finding]]:
    region = quick.read(code, source)
    if region:
        return region, []
    from reconciler.declare import closely  # YAML costs a file that is plain nothing

    return closely.read(code, source)
