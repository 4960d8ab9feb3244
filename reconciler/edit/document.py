"""A region file as its lines: what each says, and the comments that belong to it; changed as values, written back.

A line that is not changed is written as it was typed. A comment belongs to the line below it, one behind a line to that
line, and what stands above the first key to the file. Whether a file is good is not judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from reconciler.edit.scalar import written
from reconciler.model import HsaId, canonical

INDENT = "  "


class Line(NamedTuple):
    """A key, its value (None: nothing), the lines above, the comment behind; `raw` is it as typed, while that holds."""

    key: str
    value: str | None
    above: tuple[str, ...] = ()
    behind: str = ""
    raw: tuple[str, ...] = ()


class Block(NamedTuple):
    """A key with lines of its own, by their keys in canonical form; `tail` are the comments after the last of them."""

    key: str
    lines: Mapping[str, Line]
    above: tuple[str, ...] = ()
    behind: str = ""
    raw: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


class Own(NamedTuple):
    """A key of the region's own, `x-…`: not looked into."""

    key: str
    above: tuple[str, ...]
    raw: tuple[str, ...]


Part: TypeAlias = Line | Block | Own


@dataclass(frozen=True, slots=True)
class Document:
    """A region file: what stands above the first key, the parts in their order, and what follows."""

    head: tuple[str, ...]
    parts: Mapping[str, Part]
    tail: tuple[str, ...] = ()
    newline: str = "\n"

    @property
    def clinics(self) -> Block:
        """The clinics, by HSA-id in canonical form."""
        return self._block("clinics")

    @property
    def board(self) -> Block:
        """The patient board; without lines where there is none."""
        return self._block("patient_board")

    def _block(self, key: str) -> Block:
        part = self.parts[key]
        if not isinstance(part, Block):
            raise TypeError(key)
        return part

    def with_part(self, part: Part) -> Document:
        """Return the file with *part* in the place of the one of that key."""
        return replace(self, parts={**self.parts, part.key: part})

    def text(self) -> str:
        """Return the file as it is to be written."""
        lines = [*self.head, *(line for part in self.parts.values() for line in _part_lines(part)), *self.tail]
        return "".join(f"{line}{self.newline}" for line in lines)


def _part_lines(part: Part) -> Iterator[str]:
    yield from part.above
    if isinstance(part, Own):
        yield from part.raw
    elif isinstance(part, Line):
        yield from part.raw or [_written(part, "")]
    else:
        yield from part.raw or [_header(part)]
        indent = indent_of(part)
        for line in part.lines.values():
            yield from line.above
            yield from line.raw or [_written(line, indent)]
        yield from part.tail


def _written(line: Line, indent: str) -> str:
    value = "null" if line.value is None else line.value if line.key == "version" else written(line.value)
    return f"{indent}{written(line.key)}: {value}{_behind(line.behind)}"


def _header(block: Block) -> str:
    none = " {}" if block.key == "clinics" else " null"
    return f"{block.key}:{'' if block.lines else none}{_behind(block.behind)}"


def _behind(comment: str) -> str:
    return f"  {comment}" if comment else ""


def indent_of(block: Block) -> str:
    """Return the blanks before the block's lines: those of its first that is as typed, else two."""
    first = next((line.raw[0] for line in block.lines.values() if line.raw), INDENT)
    return first[: len(first) - len(first.lstrip(" "))]


# ---- changes


def _with_lines(block: Block, lines: Mapping[str, Line]) -> Block:
    """Return *block* with other lines; its own line is written anew where it had none before, or has none now."""
    same = bool(lines) == bool(block.lines)
    return block._replace(lines=lines, raw=block.raw if same else ())


def put(document: Document, lines: Iterable[Line]) -> Document:
    """Return *document* with clinics added, each before the first with a greater id; one that is there is replaced."""
    block = document.clinics
    new = {canonical(line.key): _lifted(line, indent_of(block)) for line in lines}
    kept = [(key, line) for key, line in block.lines.items() if key not in new]
    return document.with_part(_with_lines(block, dict(_merged(kept, sorted(new.items())))))


def _merged(kept: list[tuple[str, Line]], new: list[tuple[str, Line]]) -> Iterator[tuple[str, Line]]:
    """Let each of *new* in after the last of *kept* with a smaller id: kept lines stay in the order they were in."""
    places: dict[int, list[tuple[str, Line]]] = {}
    order = sorted((key, index) for index, (key, _line) in enumerate(kept))
    position, after = 0, -1
    for key, line in new:
        while position < len(order) and order[position][0] < key:
            after, position = order[position][1], position + 1
        places.setdefault(after, []).append((key, line))
    yield from places.get(-1, ())
    for index, entry in enumerate(kept):
        yield entry
        yield from places.get(index, ())


def add(document: Document, clinics: Mapping[HsaId, str]) -> Document:
    """Return *document* with *clinics* (HSA-id: name) added; those that are there already are left as they are."""
    there = document.clinics.lines
    return put(document, (Line(hsa_id, name) for hsa_id, name in clinics.items() if hsa_id not in there))


def remove(document: Document, hsa_ids: Iterable[HsaId]) -> tuple[Document, tuple[Line, ...]]:
    """Return *document* without those clinics, and their lines with the comments, as `put` takes them elsewhere."""
    block, gone = document.clinics, frozenset(hsa_ids)
    taken = tuple(line for key, line in block.lines.items() if key in gone)
    kept = {key: line for key, line in block.lines.items() if key not in gone}
    return document.with_part(_with_lines(block, kept)), taken


def _lifted(line: Line, indent: str) -> Line:
    """Return a line as it is put into a file: with its comments, without the blank lines around them."""
    above = tuple(f"{indent}{text.strip()}" for text in line.above if text.strip())
    return line._replace(key=canonical(line.key), above=above, raw=())


def rename(document: Document, names: Mapping[HsaId, str]) -> Document:
    """Return *document* with those of its clinics renamed whose name is another one."""
    block = document.clinics
    lines = {
        key: line._replace(value=names[HsaId(key)], raw=()) if names.get(HsaId(key), line.value) != line.value else line
        for key, line in block.lines.items()
    }
    return document.with_part(block._replace(lines=lines))


def set_board(document: Document, hsa_id: HsaId, name: str, support_order: str | None) -> Document:
    """Return *document* with that board; the comments of the one before stay."""
    said = {"hsa_id": str(hsa_id), "name": name, "support_order": support_order}
    block = document.board
    lines = {key: block.lines.get(key, Line(key, value)) for key, value in said.items()}
    changed = {key: line._replace(value=said[key], raw=()) for key, line in lines.items() if said[key] != line.value}
    return document.with_part(_with_lines(block, {**lines, **changed}))


def remove_board(document: Document) -> Document:
    """Return *document* with no board. The comments inside it stay, above what follows."""
    block = document.board
    comments = [*(text for line in block.lines.values() for text in (*line.above, line.behind)), *block.tail]
    tail = tuple(f"{INDENT}{text.strip()}" for text in comments if text.strip())
    return document.with_part(_with_lines(block, {})._replace(tail=tail))


# ---- the one form

ORDER = ("version", "region", "name", "patient_board", "clinics")
BOARD_ORDER = ("hsa_id", "name", "support_order")
MODELINE = "# yaml-language-server: $schema=../../schemas/region.schema.json"
MODELINE_START = "# yaml-language-server:"


def in_one_form(document: Document) -> Document:
    """Return the file in canonical form; what it declares is the same."""
    parts = {key: _formed(document.parts[key]) for key in ORDER}
    parts |= {key: _formed(part) for key, part in document.parts.items() if key not in ORDER}
    first = parts["version"]
    head = _comments((*document.head, *first.above), "")
    parts["version"] = first._replace(above=())
    model = next((text for text in head if text.startswith(MODELINE_START)), MODELINE)
    at = head.index(model) if model in head else None
    rest = head if at is None else (*head[:at], *head[at + 1 :])
    return Document((model, *_no_blank_ends(rest)), parts, _comments(document.tail, ""))


def _formed(part: Part) -> Part:
    above = _comments(part.above, "")
    if isinstance(part, Own):
        return part._replace(above=above)
    if isinstance(part, Line):
        return part._replace(above=above, raw=())
    keys = sorted(part.lines) if part.key == "clinics" else [key for key in BOARD_ORDER if key in part.lines]
    lines = {key: _line_formed(part.lines[key], first=index == 0) for index, key in enumerate(keys)}
    if "hsa_id" in lines:
        lines["hsa_id"] = lines["hsa_id"]._replace(value=canonical(str(lines["hsa_id"].value)))
    return part._replace(above=above, raw=(), lines=lines, tail=_no_blank_ends(_comments(part.tail, INDENT)))


def _line_formed(line: Line, *, first: bool) -> Line:
    above = _comments(line.above, INDENT)
    key = line.key if line.key in BOARD_ORDER else canonical(line.key)
    return line._replace(key=key, above=_no_blank_start(above) if first else above, raw=())


def _comments(lines: Iterable[str], indent: str) -> tuple[str, ...]:
    """Return comment lines indented alike; blank lines in a row are one, and what is neither is gone."""
    kept: list[str] = []
    for text in lines:
        bare = text.strip().removeprefix("---").strip()
        if bare.startswith("#"):
            kept.append(indent + bare)
        elif not text.strip() and (not kept or kept[-1]):
            kept.append("")
    return tuple(kept)


def _no_blank_start(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines[1:] if lines and not lines[0] else lines


def _no_blank_ends(lines: tuple[str, ...]) -> tuple[str, ...]:
    lines = _no_blank_start(lines)
    return lines[:-1] if lines and not lines[-1] else lines
