"""The file of rights to rights: which accounts are national administrators, and which a region's.

What each right is needed for is not known here.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.declare import faults, files, tree
from reconciler.declare.tree import Node, place_of, plain
from reconciler.findings import Finding, Place
from reconciler.meaning import Access
from reconciler.model import SourceText
from reconciler.rules import reading


def read_content(path: Path, content: bytes, findings: list[Finding]) -> tuple[Access | None, list[Finding]]:
    """Return the rights in *content*, as if it stood at *path*; *findings* say why there are none."""
    if not findings:
        source, findings = files.decode(files.shown(path), content)
    if findings:
        return None, findings
    root, findings = tree.read(source)
    if root is None:
        return None, findings or [*reading.file_empty(source.path, ("national", "regions"))]
    findings = sorted((one for _path, one in faults.found("access", source, root, plain(root))), key=Finding.sort_key)
    return (None if findings else _made(source, root)), findings


def _made(source: SourceText, root: Node) -> Access:
    keys = root.value if isinstance(root.value, dict) else {}
    regions = keys["regions"][1].value
    named = {code: node for code, (_key, node) in regions.items()} if isinstance(regions, dict) else {}
    return Access(
        _accounts(source, keys["national"][1]), {code: _accounts(source, node) for code, node in named.items()}
    )


def _accounts(source: SourceText, node: Node) -> dict[str, Place]:
    items = node.value if isinstance(node.value, list) else []
    return {str(item.value).lower(): place_of(source, item) for item in items}
