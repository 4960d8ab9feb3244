"""Findings as a Code Quality report, which GitLab shows in a merge request: a list, all its fields as documented."""

from __future__ import annotations

from typing import Any

from reconciler.report.excerpt import NOWHERE, Places
from reconciler.report.identity import fingerprints
from reconciler.report.json import dump

Document = dict[str, Any]

SETTINGS = "reconciler.toml"
"""Where a finding without a place is shown: a report must name a file, and there it says who is asked for what."""

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def gitlab(document: Document, places: Places = NOWHERE) -> str:
    """Return the report; a failure is a blocker, so that silence is never taken for health."""
    found = zip(document["findings"], fingerprints(document["findings"], places), strict=True)
    return dump([*map(_failure, document["failures"]), *(_issue(told, print_) for told, print_ in found)])


def _issue(told: Document, fingerprint: str) -> Document:
    line = told["line"] or 1
    return {
        "description": f"{told['problem']}: {told['remedy']}",
        "check_name": told["rule"],
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[told["severity"]],
        "location": {
            "path": told["path"] or SETTINGS,
            "lines": {"begin": line, "end": max(told["end_line"] or line, line)},
        },
    }


def _failure(failure: Document) -> Document:
    name = f"{failure['source']}-{failure['kind']}"
    return {
        "description": f"{failure['problem']}: {failure['remedy']}",
        "check_name": name,
        "fingerprint": name,
        "severity": "blocker",
        "location": {"path": SETTINGS, "lines": {"begin": 1, "end": 1}},
    }
