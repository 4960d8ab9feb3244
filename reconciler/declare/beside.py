"""The files beside the region files, where they are there: a run without them pays nothing for YAML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.declare import files
from reconciler.findings import Finding

if TYPE_CHECKING:
    from reconciler.meaning import Access
    from reconciler.model import Approval

RIGHTS = "access.yaml"


def read_approvals(path: Path) -> tuple[list[Approval], list[Finding]]:
    """Return the approvals in *path* that can be read, and what is wrong with the others. No file: no approvals."""
    if not _is_there(path):
        return [], []
    from reconciler.declare.approvals import read_content

    return read_content(path, *files.read_bytes(path))


def read_access(path: Path) -> tuple[Access | None, list[Finding]]:
    """Return the rights in *path*, or what is wrong with it. No file: None, and nothing is wrong."""
    if not _is_there(path):
        return None, []
    from reconciler.declare.access import read_content

    return read_content(path, *files.read_bytes(path))


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()
