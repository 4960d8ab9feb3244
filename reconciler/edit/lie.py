"""Where things lie in a region file: ruamel places the keys and values, and what lies outside them is comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

BLOCKS = ("patient_board", "clinics")
_NOTHING = ("", "null", "Null", "NULL", "~")
_INDICATOR = re.compile(r"[|>][-+0-9]*")


class Spot(NamedTuple):
    """A position: line and column, 0-based."""

    line: int
    column: int


class Slot(NamedTuple):
    """A key, what it says, and where: from the key's start, which `key_end` follows, to the end of the value.

    `inner` are the keys below it, where they are looked at, in `braces` or not; an `own` key is not looked into.
    """

    key: str
    value: str | None
    start: Spot
    key_end: Spot
    end: Spot
    inner: tuple[Slot, ...] = ()
    braces: bool = False
    own: bool = False


class Remark(NamedTuple):
    """A comment or a blank line, and where it stands: `alone` on its line, or behind something."""

    spot: Spot
    text: str
    alone: bool


class Lie(NamedTuple):
    """A file's lines, its keys, and its remarks; `loose` where each key begins a line of its own."""

    lines: list[str]
    slots: tuple[Slot, ...]
    remarks: list[Remark]
    loose: bool

    @property
    def column(self) -> int:
        """The column of the keys; a comment further in belongs to the block above it."""
        return self.slots[0].start.column


def lie(text: str) -> Lie:
    """Return where the keys, values and remarks of the good region file *text* lie; lines end with LF."""
    from ruamel.yaml import YAML  # 0.1 s, wanted where a file is edited

    lines = text.removesuffix("\n").split("\n")
    root = YAML(typ="safe", pure=True).compose(text)
    slots = tuple(_slot(lines, key, value, looked_into=BLOCKS) for key, value in root.value)
    loose = not root.flow_style and not lines[slots[0].start.line][: slots[0].start.column].strip()
    slots = tuple(_owned(lines, slots, index) for index in range(len(slots))) if loose else slots
    return Lie(lines, slots, list(_remarks(lines, _masks(lines, slots, root))), loose)


# ---- keys and values


def _slot(lines: list[str], key: ScalarNode, value: Node, looked_into: tuple[str, ...] = ()) -> Slot:
    name, start, key_end = str(key.value), _spot(key.start_mark), _spot(key.end_mark)
    if name.startswith("x-") and looked_into:
        return Slot(name, None, start, key_end, _end(lines, value, key_end), own=True)
    if name in looked_into and isinstance(value.value, list):
        inner = tuple(_slot(lines, *entry) for entry in value.value)
        return Slot(
            name, None, start, key_end, _end(lines, value, key_end), inner, bool(getattr(value, "flow_style", False))
        )
    is_nothing = _style(value) is None and value.value in _NOTHING and name in ("patient_board", "support_order")
    return Slot(name, None if is_nothing else str(value.value), start, key_end, _end(lines, value, key_end))


def _style(node: Node) -> str | None:
    """Return the sign that a text begins with: a quote, or that of a block; None for a text without, or a mapping."""
    return getattr(node, "style", None)


def _spot(mark: object) -> Spot:
    return Spot(mark.line, mark.column)  # type: ignore[attr-defined]


def _end(lines: list[str], node: Node, key_end: Spot) -> Spot:
    """Return where a value ends: a block of text, at its last line that is not blank; nothing, where its key ends."""
    end = _spot(node.end_mark)
    if node.value == "" and _style(node) is None:
        return key_end
    if _style(node) not in ("|", ">") and end.column:
        return end
    line = min(end.line if end.column else end.line - 1, len(lines) - 1)
    while not lines[line].strip():
        line -= 1
    return Spot(line, len(lines[line]))


def _owned(lines: list[str], slots: tuple[Slot, ...], index: int) -> Slot:
    """Let a key of the region's own reach to the next key, but for the comments and blank lines before that."""
    slot = slots[index]
    if not slot.own:
        return slot
    following = slots[index + 1].start.line if index + 1 < len(slots) else _content_ends(lines)
    last = following - 1
    while last > slot.start.line and (not lines[last].strip() or lines[last].find("#") == slot.start.column):
        last -= 1
    return slot._replace(end=Spot(last, len(lines[last])))


def _content_ends(lines: list[str]) -> int:
    return next((index for index, line in enumerate(lines) if line.rstrip() == "..."), len(lines))


# ---- comments


def _masks(lines: list[str], slots: Iterable[Slot], root: MappingNode) -> dict[int, list[tuple[int, int]]]:
    """Return, by line, the columns that keys and values take up; there a # is no comment."""
    masks: dict[int, list[tuple[int, int]]] = {}
    for slot, (key, value) in zip(slots, root.value, strict=True):
        if slot.own:
            _mask(lines, masks, slot.start, slot.end)
            continue
        _mask_node(lines, masks, key, slot.key_end)
        for inner, (inner_key, inner_value) in zip(slot.inner, value.value if slot.inner else (), strict=True):
            _mask_node(lines, masks, inner_key, inner.key_end)
            _mask_node(lines, masks, inner_value, inner.end)
        if not isinstance(value.value, list):
            _mask_node(lines, masks, value, slot.end)
    return masks


def _mask_node(lines: list[str], masks: dict[int, list[tuple[int, int]]], node: Node, end: Spot) -> None:
    start = _spot(node.start_mark)
    if _style(node) in ("|", ">"):
        indicator = _INDICATOR.match(lines[start.line], start.column)
        masks.setdefault(start.line, []).append((start.column, indicator.end() if indicator else start.column))
        start = Spot(start.line + 1, 0)
    _mask(lines, masks, start, end)


def _mask(lines: list[str], masks: dict[int, list[tuple[int, int]]], start: Spot, end: Spot) -> None:
    for line in range(start.line, end.line + 1):
        first = start.column if line == start.line else 0
        last = end.column if line == end.line else len(lines[line]) + 1
        masks.setdefault(line, []).append((first, last))


def _remarks(lines: list[str], masks: dict[int, list[tuple[int, int]]]) -> Iterator[Remark]:
    for number, line in enumerate(lines):
        if not line.strip():
            if number not in masks:
                yield Remark(Spot(number, 0), "", True)
        elif "#" in line and (column := _comment(line, masks.get(number, ()))) is not None:
            yield Remark(Spot(number, column), line[column:].rstrip(), not line[:column].strip())


def _comment(line: str, taken: Iterable[tuple[int, int]]) -> int | None:
    column = line.find("#")
    spans = list(taken)
    while column != -1 and any(first <= column < last for first, last in spans):
        column = line.find("#", column + 1)
    return None if column == -1 else column
