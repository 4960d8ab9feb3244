"""Who may do what in PostgreSQL: the least that `apply` needs, and the least that a `plan` needs. Text, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.names import Names
from reconciler.store.many import quoting
from reconciler.store.tables import (
    VERSION_TABLE,
    approval_used,
    change,
    managed_board,
    managed_clinic,
    metadata,
    run,
    service_tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Table

_ADDED = (change, approval_used)
"""What is only ever added to: who applies can neither alter nor delete it."""

_WRITER: Mapping[Table, str] = {
    managed_clinic: "SELECT, INSERT, DELETE",
    managed_board: "SELECT, INSERT, DELETE",
    run: "SELECT, INSERT, UPDATE",
    **dict.fromkeys(_ADDED, "SELECT, INSERT"),
}


def grants(writer: str, reader: str, names: Names = Names()) -> Iterator[str]:  # noqa: B008  (frozen)
    """Yield the statements; the roles and the tables are there already."""
    region, clinic = service_tables(names)
    board = (region.c[key] for key in ("board_hsa_id", "board_name", "updated_at"))
    written = {region: f"SELECT, UPDATE ({', '.join(map(quoting().format_column, board))})", **_WRITER}
    for role, rights in ((_quoted(writer), written), (_quoted(reader), {})):
        for table in (region, clinic, *metadata.sorted_tables):
            usual = "SELECT, INSERT, UPDATE, DELETE" if rights else "SELECT"
            yield f"GRANT {rights.get(table, usual)} ON {quoting().format_table(table)} TO {role};"
        yield f"GRANT SELECT ON {_quoted(VERSION_TABLE)} TO {role};"
    for table in metadata.sorted_tables:
        if table.autoincrement_column is not None:
            yield f"GRANT USAGE ON SEQUENCE {_quoted(f'{table.name}_id_seq')} TO {_quoted(writer)};"


def _quoted(name: str) -> str:
    return str(quoting().quote(name))
