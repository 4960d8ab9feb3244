"""Rows by HSA-id, kept as columns: a million of them differ in id and name, and in little else.

Rows that agree in all but the name (their group: a region, say) lie in one dictionary of names. Two such dictionaries
are compared in one step, and two that say the same can be the same one. What a row means is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain, count, repeat
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=str)
R = TypeVar("R", bound=Any)
_NOTHING: Mapping[Any, str] = MappingProxyType({})


class Kind(NamedTuple, Generic[R]):
    """How a row is made of its group and name, and taken apart again."""

    join: Callable[[Any, str], R]
    split: Callable[[R], tuple[Any, str]]


class Rows(Mapping[K, R]):
    """Rows of one *kind* by id; `parts` holds for each group its names by id. An id is in one group only."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: Kind[R], parts: Mapping[Any, Mapping[K, str]]) -> None:
        self.kind = kind
        self.parts = parts

    @classmethod
    def of(cls, kind: Kind[R], rows: Mapping[K, R]) -> Rows[K, R]:
        """Return *rows* as columns; what is kept so already is returned as it is."""
        return rows if isinstance(rows, Rows) else cls(kind, _divided(kind, rows))

    def __getitem__(self, key: K) -> R:
        for group, names in self.parts.items():
            if key in names:
                return self.kind.join(group, names[key])
        raise KeyError(key)

    def get(self, key: K, default: Any = None) -> Any:
        """Return the row, or *default*; without an exception, which costs more than to look."""
        for group, names in self.parts.items():
            if key in names:
                return self.kind.join(group, names[key])
        return default

    def __eq__(self, other: object) -> bool:
        return not differences(self, other) if isinstance(other, Rows) else super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, key: object) -> bool:
        return any(key in names for names in self.parts.values())

    def __iter__(self) -> Iterator[K]:
        return chain.from_iterable(self.parts.values())

    def __len__(self) -> int:
        return sum(map(len, self.parts.values()))

    def items(self) -> ItemsView[K, R]:
        """Return the pairs of id and row."""
        return _Pairs(self)

    def holds_any(self, keys: AbstractSet[K]) -> bool:
        """Whether there is a row of one of *keys*."""
        return not all(names.keys().isdisjoint(keys) for names in self.parts.values())

    def among(self, keys: AbstractSet[K]) -> dict[K, R]:
        """Return the rows of *keys* that there are."""
        join = self.kind.join
        return {key: join(group, self.parts[group][key]) for group, here in self.by_group(keys) for key in here}

    def by_group(self, keys: AbstractSet[K], likely: Any = None) -> Iterator[tuple[Any, AbstractSet[K]]]:
        """Yield each group that holds some of *keys*, and which: the *likely* one first, none when all are found."""
        left = len(keys)
        for group in dict.fromkeys((likely, *self.parts)) if likely in self.parts else self.parts:
            if not left:
                return
            here = inside(keys, self.parts[group].keys())
            if here:
                yield group, here
                left -= len(here)

    def part(self, group: object) -> Mapping[K, str]:
        """Return the names of a group; of all that are not there it is one and the same."""
        return self.parts.get(group, _NOTHING)

    def replaced(self, others: Mapping[K, R | None]) -> Rows[K, R]:
        """Return these rows, where *others* are known better; None is a row that is gone."""
        if not others:
            return self
        parts = {group: _without(names, others) for group, names in self.parts.items()}
        for group, names in _divided(self.kind, {key: row for key, row in others.items() if row is not None}).items():
            parts[group] = {**parts.get(group, {}), **names}
        return Rows(self.kind, parts)

    def sharing(self, others: Mapping[Any, Mapping[K, str]]) -> Rows[K, R]:
        """Return these rows; what *others* say alike of a group, by its very ids and names: they are held once."""
        parts = {group: _shared(names, others.get(group, _NOTHING)) for group, names in self.parts.items()}
        return Rows(self.kind, parts)


class _Pairs(ItemsView[K, R]):
    """The pairs of `Rows`, made group by group."""

    _mapping: Rows[K, R]

    def __iter__(self) -> Iterator[tuple[K, R]]:
        join = self._mapping.kind.join
        for group, names in self._mapping.parts.items():
            for key, name in names.items():
                yield key, join(group, name)


def inside(ids: AbstractSet[K], those: AbstractSet[K]) -> AbstractSet[K]:
    """Return which of *ids* are among *those*: they themselves where all are, as nearly always."""
    return ids if ids <= those else ids & those


def _divided(kind: Kind[R], rows: Mapping[K, R]) -> dict[Any, dict[K, str]]:
    parts: dict[Any, dict[K, str]] = {}
    for key, row in rows.items():
        group, name = kind.split(row)
        parts.setdefault(group, {})[key] = name
    return parts


def _without(names: Mapping[K, str], gone: Mapping[K, object]) -> Mapping[K, str]:
    if gone.keys().isdisjoint(names.keys()):
        return names
    return {key: name for key, name in names.items() if key not in gone}


def _shared(names: Mapping[K, str], others: Mapping[K, str]) -> Mapping[K, str]:
    if names == others:
        return others if names else names
    alike = {key: name for key, name in others.items() if names.get(key) == name}
    return {**alike, **{key: name for key, name in names.items() if key not in alike}} if alike else names


def differences(one: Rows[K, R], other: Rows[K, R]) -> dict[K, tuple[R | None, R | None]]:
    """Return what is not the same in both, by id; None is a row that is not there. One object is not looked into."""
    return {key: rows for _group, found in differing(one, other) for key, rows in found.items()}


def differing(one: Rows[K, R], other: Rows[K, R]) -> Iterator[tuple[Any, dict[K, tuple[R | None, R | None]]]]:
    """Yield what is not the same in both, for each group of *other*; at last, as of none, what is there no more."""
    gone: dict[K, R] = {}
    groups = [group for group in {**one.parts, **other.parts} if one.part(group) is not other.part(group)]
    for group in groups:
        gone.update(_lacking(one.kind, group, one.part(group), other.part(group)))
    for group in groups:
        found = _lacking(one.kind, group, other.part(group), one.part(group))
        yield group, {key: (gone.pop(key, None), row) for key, row in found}
    yield None, {key: (row, None) for key, row in gone.items()}


def _lacking(kind: Kind[R], group: Any, names: Mapping[K, str], others: Mapping[K, str]) -> Iterable[tuple[K, R]]:
    """Return the rows of a group that *others* lack, or have under another name."""
    if not others:
        return zip(names, map(kind.join, repeat(group), names.values()), strict=False)
    return ((key, kind.join(group, name)) for key, name in names.items() if others.get(key) != name)


class Listed(Mapping[K, R]):
    """Rows that stand one a line from *line* on: where each stands is worked out when somebody asks."""

    __slots__ = ("_join", "line", "lines", "names")

    def __init__(self, names: Mapping[K, str], line: int, join: Callable[[K, str, int], R]) -> None:
        self.names = names
        self.line = line
        self._join = join
        self.lines: Mapping[K, int] = {}

    def __getitem__(self, key: K) -> R:
        self.lines = lines_of(self)
        return self._join(key, self.names[key], self.lines[key])

    def __iter__(self) -> Iterator[K]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def keys(self) -> KeysView[K]:
        """Return the ids as a dictionary's own, of which sets are made in bulk."""
        return self.names.keys()


def lines_of(rows: Mapping[K, R]) -> Mapping[K, int]:
    """Return the lines of rows that stand in a file."""
    if isinstance(rows, Listed):
        return rows.lines or dict(zip(rows.names, count(rows.line)))
    return {key: row.line for key, row in rows.items()}


def names_of(rows: Mapping[K, R]) -> Mapping[K, str]:
    """Return the names of rows that stand in a file."""
    return rows.names if isinstance(rows, Listed) else {key: row.name for key, row in rows.items()}
