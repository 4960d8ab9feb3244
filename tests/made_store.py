"""Regions settled in a database, as the product does it: what the tests of the database are made of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine, event, text

from reconciler import store
from reconciler.bookkeeping import Bookkeeping, bookkeeping
from reconciler.model import (
    REGIONS,
    Board,
    BoardRow,
    Clinic,
    Declared,
    HsaId,
    Region,
    Register,
    RegisterClinic,
    Routes,
    SourceText,
    State,
)
from reconciler.plan import diff, settle

NOW = datetime(2026, 5, 15, 12, 0, tzinfo=UTC)
A, B, C, D = (HsaId(f"SE2321000131-E00000000000{n}") for n in range(1, 5))
BOARD = BoardRow("SE2321000131-PNEXEMPEL", "Kansliet")
HEADER = store.RunHeader("somebody", "c0ffee", "sha256:c", "sha256:r", None, "sha256:s", 4)

Rows = dict[HsaId, tuple[str, str]]
Decide = Callable[[State], store.Work]


def writer(url: str) -> Engine:
    return store.engine(url, writes=True)


def observed(url: str) -> State:
    with store.connected(store.engine(url, writes=False)) as connection:
        return store.observe(connection)


def sql(url: str, statement: str, **values: object) -> list[tuple[object, ...]]:
    with store.connected(writer(url)) as connection:
        result = connection.execute(text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []


def problems(url: str) -> list[str]:
    with store.connected(store.engine(url, writes=False)) as connection:
        return store.verify_chain(connection)


def declared(code: str, clinics: dict[HsaId, str], board: BoardRow | None, order: str | None = "X-1") -> Region:
    source = SourceText(f"config/regions/{code}.yaml", "")
    place = source.place(1, 1, 1, 1)
    one = Board(HsaId(board.hsa_id), board.name, order, place, place) if board else None
    lines = {hsa_id: Clinic(name, 1, 1, 1) for hsa_id, name in clinics.items()}
    return Region(code, REGIONS[code], source, place, place, one, lines)


def wanting(code: str, clinics: Rows, board: BoardRow | None = None, *, taken: dict[str, int] | None = None) -> Decide:
    """Decide as the product does: *clinics* are declared in the region, and the register gives them region and name."""
    files = {code: declared(code, {hsa_id: name for hsa_id, (_code, name) in clinics.items()}, board)}
    register = Register({key: RegisterClinic(name, True, where) for key, (where, name) in clinics.items()}, NOW, "d")

    def decide(state: State) -> store.Work:
        world = Declared({other: declared(other, {}, None) for other in REGIONS} | files)
        hsa_ids = state.clinics.keys() | clinics.keys()
        settled = settle(world, register, Routes(), state, REGIONS, hsa_ids)
        changes = diff(state, settled, world)
        own = tuple(change for change in changes if change.region == code)
        takings = {digest: store.Taking(count, 5) for digest, count in (taken or {}).items()}
        return store.Work(own, bookkeeping(state, settled, own).get(code, Bookkeeping()), takings)

    return decide


def settled(url: str, code: str, clinics: Rows, board: BoardRow | None = None, **more: dict[str, int]) -> store.Done:
    engine = writer(url)
    run = store.begin_run(engine, HEADER, NOW)
    done = store.settle_region(engine, run, code, clinics.keys(), wanting(code, clinics, board, **more), NOW)
    store.finish_run(engine, run, "done", NOW, len(done.changes))
    return done


def names(done: store.Done) -> list[str]:
    return [f"{change.action.value} {change.subject}" for change in done.changes]


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def add_clinic(url: str, hsa_id: str, code: str, name: str = "Ett") -> None:
    sql(url, "INSERT INTO complaints_clinic VALUES (:id, :code, :name, 't', 't')", id=hsa_id, code=code, name=name)


def add_managed(url: str, hsa_id: str, declared_in: str, code: str) -> None:
    run = store.begin_run(writer(url), HEADER, NOW)
    statement = "INSERT INTO managed_clinic VALUES (:id, :declared_in, :code, 'Ett', :run)"
    sql(url, statement, id=hsa_id, declared_in=declared_in, code=code, run=run)
