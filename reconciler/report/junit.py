"""Findings as a JUnit report, which most build servers show: one suite a file, one case a finding."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as ET

from reconciler.report.escapes import escape
from reconciler.report.excerpt import NOWHERE, Places, excerpt
from reconciler.report.terminal import at
from reconciler.words import _

Document = dict[str, Any]


def junit(document: Document, places: Places = NOWHERE) -> str:
    """Return the report. An error fails; what is on the base is skipped; a warning or a note passes, and is told."""
    command = document["format"].split("/")[1]
    suites = [_suite(command, [_answered(document["failures"])])]
    by_file = groupby(sorted(document["findings"], key=_file), _file)
    suites += [_suite(path or command, [_case(told, places) for told in found]) for path, found in by_file]
    root = _element("testsuites", name="reconciler", **_counts(suite for suite in suites))
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _file(told: Document) -> str:
    return told["path"] or ""


def _suite(name: str, cases: list[ET.Element]) -> ET.Element:
    counts = {"tests": str(len(cases))}
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        counts[attribute] = str(sum(case.find(tag) is not None for case in cases))
    suite = _element("testsuite", name=name, **counts)
    suite.extend(cases)
    return suite


def _counts(suites: Iterable[ET.Element]) -> dict[str, str]:
    every = list(suites)
    return {
        name: str(sum(int(one.attrib[name]) for one in every)) for name in ("tests", "failures", "errors", "skipped")
    }


def _answered(failures: list[Document]) -> ET.Element:
    """Return the case of the run itself: there is one always, since a report without a case counts as broken."""
    case = _element("testcase", classname="reconciler", name=_("every source answered"))
    for failure in failures[:1]:
        error = _element("error", message=failure["problem"], type=f"{failure['source']}-{failure['kind']}")
        error.text = "\n".join(f"{one['problem']}\n{_lines(one['remedy'])}" for one in failures)
        case.append(error)
    return case


def _case(told: Document, places: Places) -> ET.Element:
    case = _element("testcase", classname=told["rule"], name=f"{at(told) or told['rule']}: {told['problem']}")
    said = "\n".join([*_source(told, places), _lines(told["remedy"])])
    if told["new"] is False:
        case.append(_element("skipped", message=_("already on the base")))
    elif told["severity"] == "error":
        failure = _element("failure", message=told["problem"], type=told["rule"])
        failure.text = said
        case.append(failure)
    else:
        out = _element("system-out")
        out.text = f"{told['problem']}\n{said}"
        case.append(out)
    return case


def _source(told: Document, places: Places) -> list[str]:
    shown = excerpt(told, places)
    return [*shown.lines] if shown else []


def _lines(text: str) -> str:
    return "\n".join(map(escape, text.split("\n")))


def _element(tag: str, **attributes: str) -> ET.Element:
    return ET.Element(tag, {name: escape(value) for name, value in attributes.items()})
