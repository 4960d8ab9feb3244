"""Who may do what in PostgreSQL: the least that `apply` needs, and the least that a `plan` needs. Text, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql

from reconciler.store.tables import (
    SERVICE,
    VERSION_TABLE,
    approval_used,
    change,
    complaints_clinic,
    complaints_region,
    managed_board,
    managed_clinic,
    metadata,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Table

_ADDED = (change, approval_used)
"""What is only ever added to: who applies can neither alter nor delete it."""

_WRITER: Mapping[Table, str] = {
    complaints_region: "SELECT, UPDATE (board_hsa_id, board_name, updated_at)",
    complaints_clinic: "SELECT, INSERT, UPDATE, DELETE",
    managed_clinic: "SELECT, INSERT, DELETE",
    managed_board: "SELECT, INSERT, DELETE",
    run: "SELECT, INSERT, UPDATE",
    **dict.fromkeys(_ADDED, "SELECT, INSERT"),
}


def grants(writer: str, reader: str) -> Iterator[str]:
    """Yield the statements; the roles and the tables are there already."""
    for role, rights in ((_quoted(writer), _WRITER), (_quoted(reader), {})):
        for table in (*SERVICE, *(one for one in metadata.sorted_tables if one not in SERVICE)):
            usual = "SELECT, INSERT, UPDATE, DELETE" if rights else "SELECT"
            yield f"GRANT {rights.get(table, usual)} ON {_PREPARER.format_table(table)} TO {role};"
        yield f"GRANT SELECT ON {_quoted(VERSION_TABLE)} TO {role};"
    for table in metadata.sorted_tables:
        if table.autoincrement_column is not None:
            yield f"GRANT USAGE ON SEQUENCE {_quoted(f'{table.name}_id_seq')} TO {_quoted(writer)};"


_PREPARER = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


def _quoted(name: str) -> str:
    return str(_PREPARER.quote(name))
