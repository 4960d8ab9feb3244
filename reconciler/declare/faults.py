"""The schema's faults, said by shape rules at their places. Knows both formats' words, and decides nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple, cast

from reconciler.declare import cause, meant, schema
from reconciler.declare.schema import Fault
from reconciler.declare.tree import Entry, Node, entry_place, place_of
from reconciler.findings import Finding, Place
from reconciler.model import SourceText
from reconciler.rules import approval, shape, typed
from reconciler.words import _

_LONGEST_SHOWN = 60
_NEIGHBOURS = 200


class Found(NamedTuple):
    """A finding, and the path to what it is about."""

    path: tuple[str | int, ...]
    finding: Finding


class _Spot(NamedTuple):
    """What a fault is about: the name of its key, the value, where to point, where the key is, and the fault."""

    source: SourceText
    key: str
    node: Node
    place: Place
    key_place: Place
    fault: Fault


def found(name: str, source: SourceText, root: Node, instance: object) -> list[Found]:
    """Return what the schema *name* says against *instance*, which is *root* in plain values."""
    faults = schema.faults(name, instance)
    all_found = [Found(fault.path, one) for fault in faults for one in _findings(source, root, fault)]
    return _without_misspelt(all_found)


def _without_misspelt(all_found: list[Found]) -> list[Found]:
    """Leave out missing keys that are there in another spelling: one cause, one finding."""
    meant = {(path, one.suggestion) for path, one in all_found if one.rule is shape.unknown_key}
    missing = shape.missing_key
    return [each for each in all_found if each[1].rule is not missing or (each[0], each[1].subject) not in meant]


def _findings(source: SourceText, root: Node, fault: Fault) -> Iterator[Finding]:
    key, node = _at(root, fault.path)
    if fault.key is None:
        yield from _about_value(_spot(source, key, node, fault))
    elif fault.keyword == "required" and fault.path == ("patient_board",) and not node.value:
        if fault.key == "hsa_id":
            words = _words()
            yield from shape.wrong_type(
                str(fault.path[-1]), _mapping_place(source, key, node, fault), words["null"], words["object"]
            )
    elif fault.keyword == "required":
        yield from shape.missing_key(fault.key, _mapping_place(source, key, node, fault))
    else:
        place = place_of(source, _key_node(node, fault.key))
        known = fault.expected
        mark = cause.marked(f"{fault.key}: ")
        if mark:
            yield from typed.mark_before_line(mark, place)
        elif fault.keyword == "propertyNames":
            yield from _malformed(fault.key, place, node)
        elif fault.path and shape.is_hsa_id(fault.key.upper()):
            yield from typed.clinic_outside_clinics(fault.key, place)
        else:
            yield from shape.unknown_key(fault.key, place, known)


def _malformed(key: str, place: Place, mapping: Node) -> Iterator[Finding]:
    entries = mapping.value if isinstance(mapping.value, dict) else {}
    value = entries[key][1].value
    name = value if isinstance(value, str) else ""
    if "hsa_id" in entries and key in ("hsa_id", "name", "support_order"):
        return _as_a_board(key, place, entries)
    if shape.is_hsa_id(name.upper()):
        return typed.id_and_name_swapped(key, name, place)
    return shape.hsa_id_malformed(key, place, islice(entries, _NEIGHBOURS), name)


def _as_a_board(key: str, place: Place, entries: Mapping[str, Entry]) -> Iterator[Finding]:
    """Tell once of a clinic that is written as a board is, and how it is written."""
    hsa_id, name = (str(entries[one][1].value) if one in entries else "…" for one in ("hsa_id", "name"))
    if key == "hsa_id":
        yield from typed.clinic_written_as_board(f"{hsa_id}: {name}", place)


def _about_value(spot: _Spot) -> Iterator[Finding]:
    if meant.is_curly(spot.node):
        return typed.curly_quotes(str(spot.node.value), spot.place)
    if spot.key == "hsa_id" and spot.fault.keyword != "type":
        return shape.hsa_id_malformed(str(spot.node.value), spot.place)
    return _SAID.get(spot.fault.keyword, _not_allowed)(spot)


def _at(root: Node, path: tuple[str | int, ...]) -> tuple[Node | None, Node]:
    """Follow *path*: the last key on it, if it ends with one, and the value."""
    key, node = None, root
    for step in path:
        value = node.value
        if isinstance(value, dict):
            key, node = value[str(step)]
        else:
            key, node = None, cast("list[Node]", value)[int(step)]
    return key, node


def _key_node(mapping: Node, key: str) -> Node:
    return mapping.value[key][0] if isinstance(mapping.value, dict) else mapping


def _spot(source: SourceText, key: Node | None, node: Node, fault: Fault) -> _Spot:
    name = str(key.value) if key else _("an approval") if fault.path else _("the file")
    place = entry_place(source, key, node) if key else place_of(source, node)
    return _Spot(source, name, node, place, place_of(source, key or node), fault)


def _mapping_place(source: SourceText, key: Node | None, node: Node, fault: Fault) -> Place:
    return place_of(source, key or node) if fault.path else source.place(1, 1, 1, 1)


def _wrong_type(spot: _Spot) -> Iterator[Finding]:
    kinds = [spot.fault.expected] if isinstance(spot.fault.expected, str) else spot.fault.expected
    if kinds[0] == "object" and isinstance(spot.node.value, str) and spot.node.plain:
        told = cause.of_text(spot.source, spot.node.line)
        if told:
            yield from told
            return
    text = spot.node.value if isinstance(spot.node.value, str) else ""
    if (
        "clinics" in spot.fault.path[:-1]
        and isinstance(spot.node.value, dict)
        and not shape.is_hsa_id(spot.key.upper())
    ):
        yield from shape.clinics_in_group(spot.key, spot.key_place)
    else:
        yield from shape.wrong_type(spot.key, spot.place, _kind(spot.node), _words()[kinds[0]], text)


def _words() -> dict[str, str]:
    return {
        "string": _("a text"),
        "object": _("a mapping"),
        "array": _("a list"),
        "integer": _("a whole number"),
        "null": _("nothing"),
    }


def _kind(node: Node) -> str:
    if node.is_nothing:
        return _words()["null"]
    return _words()[{dict: "object", list: "array"}.get(type(node.value), "string")]


def _shown(node: Node) -> str:
    """Return a value as it was typed, more or less; of what is not a text, what it is."""
    if not isinstance(node.value, str):
        return _kind(node)
    text = node.value if len(node.value) <= _LONGEST_SHOWN else node.value[:_LONGEST_SHOWN] + "…"
    return text if node.plain and text else f'"{text}"'


def _constant(spot: _Spot) -> Iterator[Finding]:
    return shape.version_unknown(_shown(spot.node), spot.place)


def _choice(spot: _Spot) -> Iterator[Finding]:
    say = approval.approval_of_unknown_guard if spot.key == "guard" else shape.region_code_unknown
    return say(str(spot.node.value), spot.place)


def _pattern(spot: _Spot) -> Iterator[Finding]:
    if spot.key == "until":
        return _not_allowed(spot)
    if not str(spot.node.value).strip(" "):
        return shape.text_empty(spot.key, spot.place)
    return shape.text_not_one_line(spot.key, spot.place, str(spot.node.value))


def _not_allowed(spot: _Spot) -> Iterator[Finding]:
    reasons = {"at_most": _("a whole number, 1 or more"), "until": _("a day, such as 2026-12-01")}
    return shape.value_not_allowed(spot.key, spot.place, _shown(spot.node), reasons.get(spot.key, spot.fault.keyword))


_SAID: dict[str, Callable[[_Spot], Iterator[Finding]]] = {
    "type": _wrong_type,
    "const": _constant,
    "enum": _choice,
    "pattern": _pattern,
}
"""What is said for each of the schema's keywords; for any other, that the value is not allowed."""
