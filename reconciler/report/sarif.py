"""Findings as SARIF 2.1.0, which code scanning reads: each with its rule's help, and a print that follows it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.report import escapes
from reconciler.report.excerpt import NOWHERE, Places
from reconciler.report.gitlab import SETTINGS
from reconciler.report.identity import fingerprints
from reconciler.report.json import dump, explain_rule
from reconciler.rules.registry import RULES
from reconciler.words import _

Document = dict[str, Any]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT = "reconciler/v1"


def sarif(document: Document, places: Places = NOWHERE) -> str:
    """Return the log: one run, with the rules that found something, the results, and what did not answer."""
    ids = sorted({told["rule"] for told in document["findings"]})
    found = zip(document["findings"], fingerprints(document["findings"], places), strict=True)
    driver = {"name": "reconciler", "semanticVersion": __version__, "rules": [_rule(one) for one in ids]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not document["failures"],
                "toolExecutionNotifications": [_notification(one) for one in document["failures"]],
            }
        ],
        "results": [_result(told, ids.index(told["rule"]), print_, places) for told, print_ in found],
    }
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule_id: str) -> Document:
    told = explain_rule(RULES[rule_id])
    first, _blank, _rest = told["reason"].partition("\n\n")
    examples = [(_("okay:"), one) for one in told["okay"]] + [(_("flagged:"), one) for one in told["flagged"]]
    plain = "\n\n".join([told["reason"], told["problem"], told["remedy"]])
    return {
        "id": rule_id,
        "shortDescription": {"text": first},
        "fullDescription": {"text": told["reason"]},
        "help": {
            "text": plain,
            "markdown": "\n\n".join([plain, *(f"{title}\n\n```yaml\n{one}\n```" for title, one in examples)]),
        },
        "defaultConfiguration": {"level": told["severity"]},
        "properties": {"tags": [told["stage"]]},
    }


def _result(told: Document, index: int, fingerprint: str, places: Places) -> Document:
    related = [
        {"id": number, "physicalLocation": _location(place, places)} for number, place in enumerate(told["related"], 1)
    ]
    state = {} if told["new"] is None else {"baselineState": "new" if told["new"] else "unchanged"}
    return {
        "ruleId": told["rule"],
        "ruleIndex": index,
        "level": told["severity"],
        "message": {"text": escapes.sarif(f"{told['problem']}\n{told['remedy']}")},
        "locations": [{"physicalLocation": _location(told, places)}],
        **({"relatedLocations": related} if related else {}),
        "partialFingerprints": {_FINGERPRINT: fingerprint},
        **state,
    }


def _location(told: Document, places: Places) -> Document:
    """Return a place; of one without a line the file, of one without a file that of the settings."""
    place = places.get((told["path"], told["line"], told["column"]))
    end = (place.end_line, place.end_column) if place else (None, None)
    region = {
        "startLine": told["line"],
        "startColumn": told["column"],
        "endLine": told.get("end_line") or end[0],
        "endColumn": told.get("end_column") or end[1],
    }
    snippet = {"snippet": {"text": place.source}} if place and place.source else {}
    known = {name: value for name, value in region.items() if value is not None}
    return {
        "artifactLocation": _artifact(told["path"] or SETTINGS),
        **({"region": {**known, **snippet}} if known else {}),
    }


def _artifact(path: str) -> Document:
    if PurePath(path).is_absolute():
        return {"uri": f"file://{quote(path)}"}
    return {"uri": quote(path), "uriBaseId": "%SRCROOT%"}


def _notification(failure: Document) -> Document:
    return {
        "level": "error",
        "descriptor": {"id": f"{failure['source']}-{failure['kind']}"},
        "message": {"text": escapes.sarif(f"{failure['problem']}\n{failure['remedy']}")},
    }
