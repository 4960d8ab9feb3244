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
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.declare import faults, files, meant, quick, schema, tree
from reconciler.declare.tree import Entry, Node, entry_place, place_of
from reconciler.findings import Exit, Failure, Finding
from reconciler.model import REGIONS, Board, Clinic, HsaId, Region, RegionCode, SourceText, canonical
from reconciler.rules import reading, shape
from reconciler.words import _

_CODE = re.compile(r"[0-9]{2}(?=-)")
_SMALL_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class RegionFile:
    """A file of the folder. Without a code its name begins with none; without a region the findings say why."""

    path: str
    code: RegionCode | None
    text: str
    region: Region | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Reading:
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


def number(node: Node) -> object:
    """Return the number that a person typed without quotes, else the text."""
    is_number = node.plain and isinstance(node.value, str) and _SMALL_NUMBER.fullmatch(node.value)
    return int(str(node.value)) if is_number else plain(node)


def plain(node: Node, *, nothing: bool = False) -> object:
    """Return a node as plain values; where *nothing* is known, what YAML calls null is None."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(inner, nothing=nothing) for key, (_key, inner) in value.items()}
    if isinstance(value, list):
        return [plain(item, nothing=nothing) for item in value]
    return None if nothing and node.is_nothing else value


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
    about = (replace(finding, region=code) for finding in findings)
    return RegionFile(path, code, source.text, region, tuple(sorted(about, key=Finding.sort_key)))


def _region(code: RegionCode, source: SourceText) -> tuple[Region | None, list[Finding]]:
    region = quick.read(code, source)
    return (region, []) if region else _read_closely(code, source)


def _read_closely(code: RegionCode, source: SourceText) -> tuple[Region | None, list[Finding]]:
    root, findings = tree.read(source)
    if root is None:
        findings = meant.one_for_each_cause(source, findings)
        return None, findings or [*reading.file_empty(source.path, schema.load("region")["required"])]
    findings = [*_of_another_region(code, source, root)] or meant.one_for_each_cause(source, _faults(source, root))
    if findings or not isinstance(root.value, dict):
        return None, findings
    clinics, findings = _clinics(source, root.value["clinics"][1])
    findings += meant.unseen(source, root.value)
    return (None if findings else _made(code, source, root.value, clinics)), findings


def _of_another_region(code: RegionCode, source: SourceText, root: Node) -> Iterator[Finding]:
    entry = root.value.get("region") if isinstance(root.value, dict) else None
    if entry is None:
        return
    value = entry[1].value
    if isinstance(value, str) and value in REGIONS and value != code:
        yield from shape.region_and_file_name_differ(code, value, place_of(source, entry[1]))


def _faults(source: SourceText, root: Node) -> list[Finding]:
    return [finding for _path, finding in faults.found("region", source, root, _instance(root))]


def _instance(root: Node) -> object:
    """Return the file as the schema sees it: text, but for a version that is a number, and a board that is nothing."""
    if not isinstance(root.value, dict):
        return plain(root)
    return {key: _value(key, node) for key, (_key, node) in root.value.items()}


def _value(key: str, node: Node) -> object:
    return number(node) if key == "version" else plain(node, nothing=key == "patient_board")


def _clinics(source: SourceText, node: Node) -> tuple[dict[HsaId, Clinic], list[Finding]]:
    clinics: dict[HsaId, Clinic] = {}
    findings: list[Finding] = []
    entries: Mapping[str, Entry] = node.value if isinstance(node.value, dict) else {}
    for text, (key, name) in entries.items():
        hsa_id = canonical(text)
        if hsa_id in clinics:
            _name, line, column, end = clinics[hsa_id]
            first = source.place(line, column, line, end)
            findings += shape.clinic_listed_twice(hsa_id, place_of(source, key), first)
        else:
            end = key.end_column if key.end_line == key.line else key.column + 1
            clinics[hsa_id] = Clinic(str(name.value), key.line, key.column, end)
    return clinics, findings


def _made(code: RegionCode, source: SourceText, root: Mapping[str, Entry], clinics: Mapping[HsaId, Clinic]) -> Region:
    board_key, board = root["patient_board"]
    return Region(
        code=code,
        name=str(root["name"][1].value),
        source=source,
        name_place=place_of(source, root["name"][1]),
        board_place=place_of(source, board_key),
        board=_board(source, board.value) if isinstance(board.value, dict) else None,
        clinics=clinics,
    )


def _board(source: SourceText, board: Mapping[str, Entry]) -> Board:
    order_key, order = board["support_order"]
    return Board(
        hsa_id=canonical(str(board["hsa_id"][1].value)),
        name=str(board["name"][1].value),
        support_order=None if order.is_nothing else str(order.value),
        place=place_of(source, board["hsa_id"][1]),
        order_place=entry_place(source, order_key, order),
    )
