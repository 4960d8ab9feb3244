"""A good region file to a `Document`: each comment goes to what it belongs to. Where things lie is told by `lie`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.edit.document import MODELINE_START, Block, Document, Line, Own, Part
from reconciler.edit.lie import BLOCKS, Lie, Remark, Slot, Spot, lie
from reconciler.model import canonical


def parse(text: str) -> Document:
    """Return the good region file *text* as a document, which writes the same text, but for what stands in braces."""
    newline = "\r\n" if "\r\n" in text else "\n"
    found = lie(text.replace("\r\n", "\n"))
    owned = _Owned(found)
    owned.share_out()
    head, parts = owned.head, {slot.key: _part(found, owned, slot) for slot in found.slots}
    return Document(head, parts, tuple(owned.tail), newline)


@dataclass
class _Owned:
    """The comments and blank lines of a file, being shared out: by the start of the key that they belong to."""

    found: Lie
    head: tuple[str, ...] = ()
    above: dict[Spot, list[str]] = field(default_factory=dict)
    behind: dict[Spot, list[str]] = field(default_factory=dict)
    tails: dict[str, list[str]] = field(default_factory=dict)
    tail: list[str] = field(default_factory=list)

    def share_out(self) -> None:
        """Give each remark to the line below it, the one before it on its own line, a block, or the file."""
        waiting: list[Remark] = []
        last: Slot | None = None
        block: str | None = None
        for event, outer in self._events():
            if isinstance(event, Remark):
                if event.alone or last is None:
                    waiting.append(event)
                else:
                    self.behind.setdefault(last.start, []).append(event.text)
                continue
            if last is None:
                waiting = self._take_head(event, waiting)
            if outer is None:
                waiting = self._take_tail(block, waiting)
                block = event.key if event.key in BLOCKS else None
            self.above[event.start] = [self._typed(remark) for remark in waiting]
            waiting, last = [], event
        self.tail = [self._typed(remark) for remark in self._take_tail(block, waiting)]

    def _events(self) -> Iterator[tuple[Slot | Remark, Slot | None]]:
        """Return keys and remarks as they stand, a key of a block with the block's."""
        events: list[tuple[Slot | Remark, Slot | None]] = [(remark, None) for remark in self.found.remarks]
        for slot in self.found.slots:
            events += [(slot, None), *((one, slot) for one in slot.inner)]
        return iter(sorted(events, key=lambda event: _start(event[0])))

    def _take_head(self, first: Slot, waiting: list[Remark]) -> list[Remark]:
        """Give the file what stands above its first key; directly above one that is not `version`, it is that key's."""
        blank = max((index for index, remark in enumerate(waiting) if not remark.text), default=-1)
        kept = waiting[blank + 1 :] if first.key != "version" and blank != -1 else []
        if any(remark.text.startswith(MODELINE_START) for remark in kept):
            kept = []
        if self.found.loose:
            self.head = tuple(self.found.lines[: first.start.line - len(kept)])
        else:
            self.head = tuple(remark.text for remark in waiting[: len(waiting) - len(kept)])
        return kept

    def _take_tail(self, block: str | None, waiting: list[Remark]) -> list[Remark]:
        """Give the block before what is indented, down to the first comment that is not; return the rest."""
        end = 0
        for index, remark in enumerate(waiting if block else ()):
            if remark.text and remark.spot.column <= self.found.column:
                break
            end = index + 1 if remark.text else end
        if block and end:
            self.tails[block] = [self._typed(remark) for remark in waiting[:end]]
        return waiting[end:]

    def _typed(self, remark: Remark) -> str:
        return self.found.lines[remark.spot.line] if self.found.loose else remark.text


def _start(event: Slot | Remark) -> Spot:
    return event.spot if isinstance(event, Remark) else event.start


# ---- parts


def _part(found: Lie, owned: _Owned, slot: Slot) -> Part:
    above = tuple(owned.above[slot.start])
    if slot.own:
        return Own(slot.key, (*above, *owned.behind.get(slot.start, ())), _own_lines(found, slot))
    if slot.key not in BLOCKS:
        return _line(found, owned, slot, as_typed=found.loose)
    as_typed = found.loose and _begins_its_line(found, slot) and not (slot.braces and slot.inner)
    as_typed = as_typed and all(_stands_alone(found, one, slot) for one in slot.inner)
    lines = [_line(found, owned, one, as_typed=as_typed) for one in slot.inner]
    return Block(
        slot.key,
        {canonical(line.key) if slot.key == "clinics" else line.key: line for line in lines},
        above,
        " ".join(owned.behind.get(slot.start, ())),
        (found.lines[slot.start.line],) if as_typed else (),
        tuple(owned.tails.get(slot.key, ())),
    )


def _line(found: Lie, owned: _Owned, slot: Slot, *, as_typed: bool) -> Line:
    raw: Sequence[str] = ()
    if as_typed and _begins_its_line(found, slot):
        raw = found.lines[slot.start.line : slot.end.line + 1]
    return Line(
        slot.key, slot.value, tuple(owned.above[slot.start]), " ".join(owned.behind.get(slot.start, ())), tuple(raw)
    )


def _begins_its_line(found: Lie, slot: Slot) -> bool:
    """Whether the key is the first thing on its line, and the colon follows it there."""
    line = found.lines[slot.start.line]
    end = slot.key_end
    return (
        end.line == slot.start.line and not line[: slot.start.column].strip() and line[end.column :].lstrip()[:1] == ":"
    )


def _stands_alone(found: Lie, slot: Slot, outer: Slot) -> bool:
    return slot.start.line > outer.start.line and _begins_its_line(found, slot)


def _own_lines(found: Lie, slot: Slot) -> tuple[str, ...]:
    lines = list(found.lines[slot.start.line : slot.end.line + 1])
    if not found.loose:
        lines[-1] = lines[-1][: slot.end.column]
        lines[0] = lines[0][slot.start.column :]
    return tuple(lines)
