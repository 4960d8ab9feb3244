"""How a file changes, as git would show it. It knows texts, and neither YAML nor regions."""

from __future__ import annotations

import difflib

from reconciler.declare.files import shown
from reconciler.edit.write import Rewrite


def diff(rewrite: Rewrite) -> str:
    """Return the unified diff of a rewrite."""
    name = shown(rewrite.path)
    before = [] if rewrite.before is None else rewrite.before.decode().splitlines(keepends=True)
    after = rewrite.after.decode().splitlines(keepends=True)
    old = "/dev/null" if rewrite.before is None else f"a/{name}"
    lines = difflib.unified_diff(before, after, old, f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
