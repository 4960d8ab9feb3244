"""The line that a finding is about is shown with its span underlined, whatever the line holds."""

from __future__ import annotations

import pytest
from made_results import finding
from test_text import printed

from reconciler.findings import Place
from reconciler.report import json, text
from reconciler.report.excerpt import excerpt, places_of
from reconciler.results import Validation
from reconciler.rules import clinic
from reconciler.rules.registry import RULES

FILE = "14-x.yaml"


def shown(source: str, column: int, end_column: int | None, *, end_line: int = 9) -> tuple[str, str]:
    place = Place(FILE, 9, column, end_line, end_column, source)
    made = excerpt({"path": FILE, "line": 9, "column": column}, {(FILE, 9, column): place})
    assert made is not None
    return made.lines


@pytest.mark.parametrize(
    ("source", "column", "end_column", "lines"),
    [
        ("  SE1: Ågård", 3, 6, ("   9 |   SE1: Ågård", "     |   ^^^")),
        ("name: ", 7, 7, ("   9 | name:", "     |       ^")),
        ("name: x", 7, None, ("   9 | name: x", "     |       ^")),
        ("a:\tb", 3, 4, (r"   9 | a:\tb", "     |   ^^")),
        ("漢字: x", 5, 6, ("   9 | 漢字: x", "     |       ^")),
        ("e\u0301a: x", 3, 4, ("   9 | e\u0301a: x", "     |  ^")),
        ("\x1b[31mx: y", 6, 7, (r"   9 | \x1b[31mx: y", "     |         ^")),
        ("short", 40, 42, ("   9 | short", "     |      ^")),
    ],
)
def test_the_span_is_underlined_where_it_is_seen(
    source: str, column: int, end_column: int | None, lines: tuple[str, str]
) -> None:
    assert shown(source, column, end_column) == lines


def test_a_span_of_several_lines_is_underlined_to_the_end_of_the_first() -> None:
    assert shown("name: |", 7, 3, end_line=12) == ("   9 | name: |", "     |       ^")
    assert shown('name: "a b', 7, 3, end_line=12) == ('   9 | name: "a b', "     |       ^^^^")


def test_a_long_line_is_cut_around_the_span() -> None:
    line, marks = shown("x" * 1000 + "SPAN" + "y" * 1000, 1001, 1005)
    assert line == "   9 | …" + "x" * 40 + "SPAN" + "y" * 56 + "…"
    assert line[marks.index("^") : marks.rindex("^") + 1] == "SPAN"
    line, marks = shown("x" * 2000, 11, 2000)
    assert (line, len(marks)) == ("   9 | " + "x" * 100 + "…", 7 + 100)


def test_a_place_without_its_line_has_no_excerpt() -> None:
    assert excerpt({"path": FILE, "line": 9, "column": 1}, {}) is None
    assert excerpt({"path": FILE, "line": None, "column": None}, {(FILE, None, None): Place(FILE)}) is None
    assert excerpt({"path": FILE, "line": 1, "column": 1}, {(FILE, 1, 1): Place(FILE, 1, 1, 1, 1, "")}) is None


def test_a_finding_is_told_with_its_line_and_the_line_it_clashes_with() -> None:
    here = Place("14-x.yaml", 9, 3, 9, 7, "  SE-1: Ågård")
    there = Place("12-y.yaml", 12345, 3, 12345, 7, "  se-1: Annan")
    found = clinic.duplicate_clinic.finding(here, region="14", subject="SE-1", related=(there,), others="12-y.yaml")
    result = Validation((found,), (), 2, 2)
    assert printed(text.validate, json.validate(result), places=places_of(result.findings)) == (
        "14-x.yaml:9:3: error: SE-1 is declared in 12-y.yaml as well [duplicate-clinic]\n"
        "   9 |   SE-1: Ågård\n"
        "     |   ^^^^\n"
        "    keep the line in the file of the region that the e-services give, and delete the other\n"
        "    see 12-y.yaml:12345:3\n"
        "12345 |   se-1: Annan\n"
        "      |   ^^^^\n"
        "2 regions, 2 clinics: 1 error\n"
    )


def test_what_the_base_has_as_well_is_told_last_and_apart() -> None:
    note = RULES["routes-without-parents"].finding()
    result = Validation((finding()._replace(new=False), note._replace(new=True)), (), 2, 2)
    said = printed(text.validate, json.validate(result)).splitlines()
    assert said[0].startswith("note: ")
    assert said[2] == "already on the base:"
    assert said[3].endswith("[duplicate-clinic]")
    assert said[-1] == "2 regions, 2 clinics: 1 note; already on the base: 1 error"
    alone = Validation((finding()._replace(new=False),), (), 2, 2)
    assert printed(text.validate, json.validate(alone)).endswith(
        "2 regions, 2 clinics: nothing new is wrong; already on the base: 1 error\n"
    )
