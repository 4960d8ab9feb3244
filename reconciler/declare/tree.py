"""YAML text to nodes that know their places; what YAML can do and a person need not know is refused, each at its place.

Every scalar is the text that was typed. Which keys and values belong where, this module must not know. It loops over
the parser's events: composing recurses, and a file of brackets would end the whole process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple, TypeAlias

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from reconciler.declare import cause
from reconciler.findings import Finding, Place
from reconciler.model import SourceText
from reconciler.rules import reading, shape

Entry: TypeAlias = "tuple[Node, Node]"
"""A key and its value."""


class Node(NamedTuple):
    """A scalar, a mapping or a list, and where it is: 1-based, end exclusive. `plain` is a scalar without quotes."""

    value: str | dict[str, Entry] | list[Node]
    line: int
    column: int
    end_line: int
    end_column: int
    plain: bool

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was typed, or what YAML calls null."""
        return self.plain and self.value in ("", "null", "Null", "NULL", "~")


_SMALL_NUMBER = re.compile(r"[0-9]{1,9}")
_node = tuple.__new__
"""Makes a Node in half the time that its own constructor takes."""


def read(source: SourceText) -> tuple[Node | None, list[Finding]]:
    """Return the document's root, or what is refused in it. A document without content has neither."""
    findings = [*reading.line_too_long(source)] or [finding for refuses in _CHARACTERS for finding in refuses(source)]
    if findings:
        return None, findings
    reader = _Reader(source)
    reader.run()
    findings = reader.told()
    root = reader.root
    return (None if findings or root is None or (root.plain and not root.value) else root), findings


_CHARACTERS = (reading.tab_character, reading.control_character, reading.wrong_blank, reading.garbled_letters)
"""What a text may not hold, whatever it says."""


def place_of(source: SourceText, node: Node) -> Place:
    """Return where *node* stands; one of several lines is shown by its first."""
    end_column = node.end_column if node.end_line == node.line else _line_ends(source, node.line)
    return source.place(node.line, node.column, node.line, max(end_column, node.column))


def entry_place(source: SourceText, key: Node, value: Node) -> Place:
    """Return where the value stands, or its key where nothing was typed."""
    return place_of(source, key if value.plain and not value.value else value)


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


def _line_ends(source: SourceText, line: int) -> int:
    return len(source.place(line, 1, line, 1).source or "") + 1


class _Stop(Exception):
    """Nothing after this is worth reading."""


class _Reader:
    """What is open while reading, what is refused, and the root when all is closed."""

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._documents = 0
        self._roots: list[Node] = []
        self._open: dict[str, Entry] | list[Node] = self._roots
        self._key: Node | None = None
        self._outer: list[tuple[dict[str, Entry] | list[Node], Node | None, yaml.Mark]] = []
        self._spots: dict[Callable[..., Iterator[Finding]], list[Place]] = {}
        self._again: dict[tuple[int, int], list[Node]] = {}
        self._findings: list[Finding] = []

    @property
    def root(self) -> Node | None:
        """The document, where there is one."""
        return self._roots[0] if self._roots else None

    def told(self) -> list[Finding]:
        """Return what is refused, by place; of each kind of YAML's extras one finding."""
        extras = [finding for rule, places in self._spots.items() for finding in rule(places)]
        for first, *others in self._again.values():
            places = [place_of(self._source, key) for key in (first, *others[: shape.MOST_RELATED])]
            extras += shape.duplicate_key(str(first.value), 1 + len(others), *places)
        return sorted(self._findings + extras, key=Finding.sort_key)

    def run(self) -> None:
        """Read to the end, or to where it makes no sense to go on."""
        steps = _STEPS
        try:
            get_event = CParser(self._source.text).get_event
            while (kind := type(event := get_event())) is not yaml.StreamEndEvent:
                steps[kind](self, event)
        except yaml.YAMLError as error:
            said = {place.line for places in self._spots.values() for place in places if place.line}
            self._findings += _error_findings(self._source, error, said)
        except _Stop:
            pass

    def pass_over(self, event: Any) -> None:
        """Take an event that says nothing."""

    def document(self, event: Any) -> None:
        """Begin a document; a second one ends the reading."""
        self._documents += 1
        if self._documents > 1:
            self._refuse(reading.several_documents, self._span(event.start_mark, event.end_mark))
            raise _Stop

    def scalar(self, event: Any) -> None:
        """Take a scalar: a key, a value or an item. A million clinics pass here, so what is rare is elsewhere."""
        start, end, value, plain = event.start_mark, event.end_mark, event.value, not event.style
        node = _node(Node, (value, start.line + 1, start.column + 1, end.line + 1, end.column + 1, plain))
        if event.anchor is not None or event.tag is not None:
            self._properties(event)
        if not plain and not value.isprintable():
            self._escapes(node)
        if self._key is None and type(self._open) is dict:
            self._begin_entry(node)
        else:
            self._add(node)

    def alias(self, event: Any) -> None:
        """Refuse an alias; an empty text stands for it."""
        self._refuse(reading.yaml_alias, self._span(event.start_mark, event.end_mark))
        node = Node("", event.start_mark.line + 1, event.start_mark.column + 1, 1, 1, True)
        if type(self._open) is dict and self._key is None:
            self._key = node
        else:
            self._add(node)

    def begin(self, event: Any) -> None:
        """Open a mapping or a list."""
        self._properties(event)
        spot = self._span(event.start_mark, event.start_mark, width=1)
        if type(self._open) is dict and self._key is None:
            self._findings += reading.key_not_text(spot)
            raise _Stop
        self._outer.append((self._open, self._key, event.start_mark))
        if len(self._outer) > reading.DEEPEST:
            self._findings += reading.nested_too_deeply(spot)
            raise _Stop
        self._open, self._key = {} if type(event) is yaml.MappingStartEvent else [], None

    def end(self, event: Any) -> None:
        """Close the innermost mapping or list, and put it where it belongs."""
        closed = self._open
        self._open, self._key, start = self._outer.pop()
        end = event.end_mark
        self._add(Node(closed, start.line + 1, start.column + 1, end.line + 1, end.column + 1, False))

    def _begin_entry(self, key: Node) -> None:
        value = key[0]
        if value == "<<" and key.plain:
            self._refuse(reading.merge_key, place_of(self._source, key))
        elif value in self._open:
            first = self._open[key.value][0]  # type: ignore[index, call-overload]
            self._again.setdefault((first.line, first.column), [first]).append(key)
        self._key = key

    def _add(self, node: Node) -> None:
        if self._key is None:
            self._open.append(node)  # type: ignore[union-attr]
        else:
            self._open.setdefault(self._key[0], (self._key, node))  # type: ignore[union-attr, arg-type]
            self._key = None

    def _properties(self, event: Any) -> None:
        for name, sign, rule in ((event.anchor, "&", reading.yaml_anchor), (event.tag, "!", reading.yaml_tag)):
            if name is not None:
                self._refuse(rule, self._sign(event.start_mark, sign))

    def _sign(self, start: yaml.Mark, sign: str) -> Place:
        """Return where the anchor or tag is: the first sign after the node's start, which is either of the two."""
        line = self._span(start, start).source or ""
        column = max(line.find(sign, start.column), start.column) + 1
        return self._source.place(start.line + 1, column, start.line + 1, column + 1)

    def _escapes(self, node: Node) -> None:
        """Refuse characters that are as invisible when they are written with a backslash."""
        place = place_of(self._source, node)
        value = SourceText(self._source.path, str(node.value))
        self._findings += (found._replace(place=place) for found in reading.control_character(value))

    def _refuse(self, rule: Callable[..., Iterator[Finding]], place: Place) -> None:
        self._spots.setdefault(rule, []).append(place)

    def _span(self, start: yaml.Mark, end: yaml.Mark, width: int = 0) -> Place:
        node = Node("", start.line + 1, start.column + 1, end.line + 1, end.column + 1 + width, True)
        return place_of(self._source, node)


_STEPS: dict[type, Callable[[_Reader, Any], None]] = {
    yaml.ScalarEvent: _Reader.scalar,
    yaml.MappingStartEvent: _Reader.begin,
    yaml.SequenceStartEvent: _Reader.begin,
    yaml.MappingEndEvent: _Reader.end,
    yaml.SequenceEndEvent: _Reader.end,
    yaml.AliasEvent: _Reader.alias,
    yaml.DocumentStartEvent: _Reader.document,
    yaml.DocumentEndEvent: _Reader.pass_over,
    yaml.StreamStartEvent: _Reader.pass_over,
}


def _error_findings(source: SourceText, error: yaml.YAMLError, said: Collection[int]) -> list[Finding]:
    """Return why reading stopped; nothing where the line is told of already: an anchor or an alias is its cause."""
    line, column = _error_spot(source, error)
    if "maximum nesting" in str(getattr(error, "problem", "")):  # the parser looks ahead, and may meet its own limit
        return [*reading.nested_too_deeply(source.place(line, column, line, column))]
    return [] if line in said else cause.malformed(source, error, (line, column))


def _error_spot(source: SourceText, error: yaml.YAMLError) -> tuple[int, int]:
    """Return where reading could not go on, 1-based; at the end of the file: where that began which is not closed."""
    lines = source.text.rstrip("\r\n").split("\n")
    line, column = _marked(error, len(lines))
    line = min(line, len(lines) - 1)
    return line + 1, min(column, len(lines[line].rstrip("\r"))) + 1


def _marked(error: yaml.YAMLError, lines: int) -> tuple[int, int]:
    """Return the line and column that the error gives, 0-based."""
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None or (context is not None and mark.line >= lines):
        mark = context
    return (mark.line, mark.column) if mark else (0, 0)
