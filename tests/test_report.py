"""Results become documents that fit their schemas, the same bytes each time; docstrings become pages."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from made_results import (
    APPLIED,
    BOARD,
    FAILED,
    FAILURE,
    FULL,
    KNOWN,
    NAME,
    STATUS,
    STORY,
    UNKNOWN,
    UNPLACED,
    finding,
    planned,
)

from reconciler.declare import schema as schemas
from reconciler.findings import Stage, rule
from reconciler.report import json as report
from reconciler.report.rule_page import page
from reconciler.results import (
    Applied,
    Status,
    Validation,
)
from reconciler.rules import reading
from reconciler.rules.registry import RULES

RESULTS: list[tuple[str, Callable[[Any], dict[str, Any]], Any]] = [
    ("validate", report.validate, Validation((finding(), UNPLACED), (FAILURE,), 21, 660)),
    ("validate", report.validate, Validation((), (), 0, 0)),
    ("plan", report.plan, FULL),
    ("plan", report.plan, FAILED),
    ("plan", report.plan, planned()),
    ("apply", report.apply, APPLIED),
    ("apply", report.apply, Applied(FAILED)),
    ("status", report.status, STATUS),
    ("status", report.status, Status((), None, (FAILURE,))),
    ("explain", report.explain_clinic, STORY),
    ("explain", report.explain_clinic, KNOWN),
    ("explain", report.explain_clinic, UNKNOWN),
    *(("explain", report.explain_rule, found) for found in RULES.values()),
]


# ---- documents


@pytest.mark.parametrize(("name", "make", "result"), RESULTS)
def test_a_document_fits_its_schema_and_is_the_same_twice(
    name: str, make: Callable[[Any], dict[str, Any]], result: Any
) -> None:
    text = report.dump(make(result))
    document = json.loads(text)
    assert [error.message for error in Draft202012Validator(schemas.load(name)).iter_errors(document)] == []
    assert report.dump(make(result)) == report.dump(document) == text


def ordered(document: Any, schema: dict[str, Any]) -> None:
    """Demand that keys stand in the order in which the schema requires them."""
    if isinstance(document, dict) and "required" in schema:
        assert list(document) == schema["required"]
        for key, value in document.items():
            ordered(value, schema["properties"][key])
    if isinstance(document, list):
        for value in document:
            ordered(value, schema["items"])


@pytest.mark.parametrize(("name", "make", "result"), RESULTS[:10])
def test_keys_stand_in_the_order_of_the_schema(name: str, make: Callable[[Any], dict[str, Any]], result: Any) -> None:
    schema = schemas.load(name)
    ordered(json.loads(report.dump(make(result))), schema["oneOf"][1] if "oneOf" in schema else schema)


def keys(document: dict[str, Any]) -> str:
    return " ".join(document)


def test_keys_stand_in_the_order_that_was_promised() -> None:
    document = report.plan(FULL)
    body = (
        "fingerprint tool config register routes observed settled summary regions changes approvals findings failures"
    )
    assert keys(document) == f"format {body}"
    assert keys(report.apply(APPLIED)) == f"format run applied {body}"
    assert keys(document["summary"]) == "enrol withdraw move rename set-board change-board remove-board"
    assert keys(document["changes"][0]) == "region action subject before after cause path line"
    assert keys(document["approvals"][0]) == "guard region at_most taken takes until path line"
    assert keys(document["findings"][0]) == (
        "rule stage severity region subject path line column end_line end_column problem remedy suggestion new related"
    )
    assert keys(report.validate(Validation((), (), 1, 1))["summary"]) == "error warning note regions clinics"


def test_the_document_of_a_change_is_made_when_it_is_looked_at() -> None:
    made = []
    each = report.Each(lambda value: made.append(value) or {"value": value}, (1, 2, 3))
    assert (len(each), bool(each), made) == (3, True, [])
    assert each[1] == {"value": 2}
    assert [*each[1:]] == [{"value": 2}, {"value": 3}]
    assert [*each] == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert json.loads(report.dump({"each": each})) == {"each": [*each]}


def test_a_change_tells_the_columns_of_the_table_that_it_is_about() -> None:
    changes = {change["action"]: change for change in report.plan(FULL)["changes"]}
    assert changes["enrol"]["before"] is None
    assert changes["enrol"]["after"] == {"region_code": "14", "name": NAME}
    assert changes["remove-board"]["before"] == {"board_hsa_id": BOARD, "board_name": "Kansliet"}


def test_a_failure_makes_a_validation_that_is_not_ok() -> None:
    assert report.validate(Validation((UNPLACED,), (), 1, 1))["ok"]
    assert not report.validate(Validation((), (FAILURE,), 1, 1))["ok"]
    assert not report.validate(Validation((finding(),), (), 1, 1))["ok"]


def test_a_document_keeps_letters_and_ends_with_a_line_break() -> None:
    assert report.dump({"name": "Ågårdsskogen"}) == '{\n  "name": "Ågårdsskogen"\n}\n'


def test_a_document_holds_nothing_that_a_terminal_obeys_or_utf8_refuses() -> None:
    hostile = {"name": "\x1b[31m\x9b31m\x7f\u202e\udcff"}
    dumped = report.dump(hostile)
    assert dumped == '{\n  "name": "\\u001b[31m\\u009b31m\\u007f\\u202e\\udcff"\n}\n'
    assert json.loads(dumped) == hostile


# ---- rule pages


def test_every_rule_is_taken_apart_without_a_rest() -> None:
    for found in RULES.values():
        told = page(found)
        assert told.reason
        assert "Okay:" not in told.reason
        assert "Flagged:" not in told.reason
        assert all(example == example.strip("\n") for example in told.okay + told.flagged)


def test_a_page_takes_reason_and_examples_apart() -> None:
    @rule(Stage.MEANING, problem="", remedy="")
    def two_examples() -> Any:
        """First line
        goes on.

        Second paragraph.

        Okay:
            a: 1
            b:
              c: 2
        Flagged:
            a: 2
        Flagged:
            a: 3
        """
        yield

    assert page(two_examples) == ("First line goes on.\n\nSecond paragraph.", ("a: 1\nb:\n  c: 2",), ("a: 2", "a: 3"))
    assert next(two_examples()) is None


def test_a_rule_without_examples_has_none() -> None:
    assert page(reading.file_unreadable)[1:] == ((), ())
