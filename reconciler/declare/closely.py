"""A region file read event by event: every fault in its place, and what it declares where there is none.

Slow beside `quick`, which stands before it, and right for every file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.declare import faults, meant, schema, tree
from reconciler.declare.tree import Entry, Node, entry_place, number, place_of, plain
from reconciler.findings import Finding
from reconciler.model import REGIONS, Board, Clinic, HsaId, Region, RegionCode, SourceText, canonical
from reconciler.rules import reading, shape


def read(code: RegionCode, source: SourceText) -> tuple[Region | None, list[Finding]]:
    """Return the region, or what is wrong with its file."""
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
