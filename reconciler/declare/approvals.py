"""The file of approvals to approvals; one with a fault is left out, and so approves nothing.

Whether an approval is in force, needed or spent is not known here.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from reconciler.declare import faults, files, tree
from reconciler.declare.tree import Entry, Node, entry_place, number, place_of, plain
from reconciler.digests import digest
from reconciler.findings import Finding
from reconciler.model import Approval, SourceText
from reconciler.rules import shape
from reconciler.rules.approval import approval_of_wrong_scope
from reconciler.rules.guard import NATIONAL
from reconciler.words import _


def read_content(path: Path, content: bytes, findings: list[Finding]) -> tuple[list[Approval], list[Finding]]:
    """Return the approvals in *content*, as if it stood at *path*; *findings* say why there is none."""
    if not findings:
        source, findings = files.decode(files.shown(path), content)
    if findings:
        return [], findings
    root, findings = tree.read(source)
    if root is None or root.is_nothing or root.value == []:
        return [], findings
    return _approvals(source, root)


def _approvals(source: SourceText, root: Node) -> tuple[list[Approval], list[Finding]]:
    all_found = faults.found("approvals", source, root, _instance(root))
    faulty = {path[0] for path, _finding in all_found if path}
    findings = [finding for _path, finding in all_found]
    made = []
    for index, item in enumerate(root.value if isinstance(root.value, list) else ()):
        if index not in faulty and isinstance(item.value, dict):
            wrong = _wrong(source, item.value)
            findings += wrong
            made += [] if wrong else [_made(source, item.value)]
    return made, sorted(findings, key=Finding.sort_key)


def _instance(root: Node) -> object:
    return [_item(node) for node in root.value] if isinstance(root.value, list) else plain(root)


def _item(node: Node) -> object:
    if not isinstance(node.value, dict):
        return plain(node)
    return {key: number(value) if key == "at_most" else plain(value) for key, (_key, value) in node.value.items()}


def _wrong(source: SourceText, item: dict[str, Entry]) -> list[Finding]:
    """Return what the schema cannot see: a guard of the other scope, a day that no calendar has."""
    guard = item["guard"][1]
    findings: list[Finding] = []
    if (guard.value in NATIONAL) == ("region" in item):
        key = item["region"][0] if "region" in item else guard
        findings += approval_of_wrong_scope(str(guard.value), place_of(source, key))
    key, until = item["until"]
    if _day(str(until.value)) is None:
        reason = _("there is no such day")
        findings += shape.value_not_allowed("until", entry_place(source, key, until), until.value, reason)
    return findings


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _made(source: SourceText, item: dict[str, Entry]) -> Approval:
    text = {key: str(value.value) for key, (_key, value) in item.items()}
    region, at_most = text.get("region"), int(text["at_most"])
    return Approval(
        guard=text["guard"],
        region=region,
        at_most=at_most,
        until=date.fromisoformat(text["until"]),
        reason=text["reason"],
        approved_by=text["approved_by"],
        place=place_of(source, item["guard"][1]),
        digest=digest([text["guard"], region, at_most, text["until"], text["reason"], text["approved_by"]]),
    )
