"""A transaction that sees what the plan was made on does what was planned: it would decide the same."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

from hypothesis import given
from test_plan import CLINICS, KEPT, declarations, registers, states

from reconciler.bookkeeping import Bookkeeping, bookkeeping
from reconciler.model import Routes, Settings, State
from reconciler.plan import diff, settle
from reconciler.results import World
from reconciler.run import Run, sees_what_was_observed


@given(declarations, registers, states, states)
def test_what_would_be_decided_on_what_was_observed_is_what_was_planned(declared, register, observed, other) -> None:
    settled = settle(declared, register, Routes(), observed, KEPT)
    changes = diff(observed, settled, declared)
    books = bookkeeping(observed, settled, changes)
    planned = {code: tuple(due) for code, due in groupby(changes, key=lambda change: change.region)}
    world = World(declared, register, Routes(), observed, (), {}, date(2026, 11, 24))
    nothing: Any = None
    run = Run(Settings(regions=KEPT), nothing, world, nothing, nothing, 1, nothing)
    for code in KEPT:
        watched = {change.subject for change in planned.get(code, ())} | declared.regions[code].clinics.keys()
        for now in otherwise_in_one_row(observed, other):
            seen = in_sight(now, code, watched)
            if sees_what_was_observed(code, watched, observed, seen):
                assert run._due(code, watched, seen) == (planned.get(code, ()), books.get(code, Bookkeeping()))
                assert not run._seen(code, watched, seen)


@given(declarations, registers, states)
def test_where_every_row_in_sight_is_the_regions_own_it_is_seen(declared, register, observed) -> None:
    for code in KEPT:
        watched = declared.regions[code].clinics.keys()
        seen = in_sight(observed, code, watched)
        own = all(row.region_code == code for row in seen.clinics.values())
        own &= all(code in row[:2] for row in seen.managed_clinics.values())
        assert sees_what_was_observed(code, watched, observed, seen) == own


def otherwise_in_one_row(observed: State, other: State) -> Iterator[State]:
    """Yield the state as it was observed, and with each of its rows as *other* has it."""
    yield observed
    for kind in ("clinics", "managed_clinics", "boards", "managed_boards"):
        for key in CLINICS.values() if kind.endswith("clinics") else KEPT:
            rows = {**getattr(observed, kind), key: getattr(other, kind).get(key)}
            yield observed._replace(**{kind: {name: row for name, row in rows.items() if row}})


def in_sight(state: State, code: str, watched) -> State:
    """Return what the transaction of a region sees of a state, as the store reads it."""
    at_home = {key for key, row in state.clinics.items() if row.region_code == code}
    at_home |= {key for key, row in state.managed_clinics.items() if code in row[:2]}
    looked_at = at_home | set(watched)
    return state._replace(
        clinics={key: row for key, row in state.clinics.items() if key in looked_at},
        managed_clinics={key: row for key, row in state.managed_clinics.items() if key in looked_at},
    )
