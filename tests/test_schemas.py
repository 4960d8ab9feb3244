"""The schemas: valid themselves, readable by older editors, with words for whoever hovers; at one with the types."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.declare import schema as schemas
from reconciler.declare.regions import read_regions
from reconciler.findings import Severity, Stage
from reconciler.model import REGIONS
from reconciler.plan import Action, Cause
from reconciler.results import Verdict
from reconciler.rules.guard import GUARDS

NAMES = sorted(path.name.removesuffix(".schema.json") for path in schemas.folder().glob("*.schema.json"))
EDITED = ("region", "approvals")
TOO_NEW = {
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "prefixItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "dependentRequired",
    "dependentSchemas",
    "minContains",
    "maxContains",
}
INNER = ("properties", "patternProperties")
INNER_ONE = ("items", "additionalProperties", "propertyNames", "not")
INNER_MANY = ("oneOf", "anyOf", "allOf")


def subschemas(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk a schema: every subschema with where it stands."""
    yield path, node
    for keyword in INNER:
        for name, inner in node.get(keyword, {}).items():
            yield from subschemas(inner, f"{path}/{name}")
    for keyword in INNER_ONE:
        if isinstance(node.get(keyword), dict):
            yield from subschemas(node[keyword], f"{path}/{keyword}")
    for keyword in INNER_MANY:
        for number, inner in enumerate(node.get(keyword, ())):
            yield from subschemas(inner, f"{path}/{keyword}{number}")


def said(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the subschemas that an editor may show: all that are not the inside of a `not`."""
    return [(path, node) for path, node in subschemas(schemas.load(name)) if not path.endswith("/not")]


def at(name: str, *path: str) -> Any:
    node: Any = schemas.load(name)
    for key in path:
        node = node[key]
    return node


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_by_its_own_standard(name: str) -> None:
    Draft202012Validator.check_schema(schemas.load(name))
    assert schemas.load(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_uses_only_words_that_older_editors_read(name: str) -> None:
    used = {keyword for _path, node in subschemas(schemas.load(name)) for keyword in node}
    assert not used & TOO_NEW


@pytest.mark.parametrize("name", NAMES)
def test_every_property_has_a_title_a_description_and_examples(name: str) -> None:
    words = {"title", "description", "examples"}
    properties = [found for found in said(name) if not found[0].endswith(("/items", "/additionalProperties"))]
    assert [path for path, node in properties if not words <= node.keys()] == []


@pytest.mark.parametrize("name", EDITED)
def test_whoever_edits_a_file_sees_an_example_of_every_value(name: str) -> None:
    values = [(path, node) for path, node in said(name) if path != "/items"]
    assert [path for path, node in values if not (node.get("title") and node.get("examples"))] == []


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_valid(name: str) -> None:
    for path, node in said(name):
        for example in node.get("examples", ()):
            assert not list(Draft202012Validator(node).iter_errors(example)), (path, example)


@pytest.mark.parametrize("name", EDITED)
def test_whoever_edits_a_file_is_told_what_to_write(name: str) -> None:
    wordless = [
        path
        for path, node in said(name)
        if "errorMessage" not in node and (node.keys() & {"type", "enum", "const"}) and path != "/items"
    ]
    assert wordless == []


@pytest.mark.parametrize("name", EDITED)
def test_nothing_is_asked_that_an_editor_refuses_in_english(name: str) -> None:
    wordless = {"minLength", "maxLength", "not", "minProperties", "maxProperties", "minItems", "maxItems"}
    assert [path for path, node in said(name) if node.keys() & wordless] == []


@pytest.mark.parametrize("name", EDITED)
def test_a_pattern_has_words_of_its_own(name: str) -> None:
    assert [path for path, node in said(name) if "pattern" in node and "patternErrorMessage" not in node] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_object_says_whether_other_keys_may_stand_in_it(name: str) -> None:
    open_ended = [
        path
        for path, node in subschemas(schemas.load(name))
        if "properties" in node and "additionalProperties" not in node
    ]
    assert open_ended == []


def test_the_region_codes_are_those_of_the_model() -> None:
    assert at("region", "properties", "region", "enum") == list(REGIONS)
    assert at("approvals", "items", "properties", "region", "enum") == list(REGIONS)


def test_the_guards_that_can_be_approved_are_those_of_the_rules() -> None:
    assert at("approvals", "items", "properties", "guard", "enum") == list(GUARDS)


def test_the_words_of_a_document_are_those_of_the_types() -> None:
    finding = at("plan", "properties", "findings", "items", "properties")
    change = at("plan", "properties", "changes", "items", "properties")
    assert finding["stage"]["enum"] == [stage.value for stage in Stage]
    assert finding["severity"]["enum"] == [severity.value for severity in Severity]
    assert set(change["action"]["enum"]) == {action.value for action in Action}
    assert change["cause"]["enum"] == [cause.value for cause in Cause]
    verdicts = {
        word
        for name in ("plan", "apply")
        for word in at(name, "properties", "regions", "items", "properties", "verdict", "enum")
    }
    assert verdicts == {verdict.value for verdict in Verdict}


def test_every_key_of_the_schema_becomes_a_part_of_the_region(tmp_path: Path) -> None:
    values = {
        "version": 1,
        "region": "14",
        "name": "Västra Götalandsregionen",
        "patient_board": {"hsa_id": "SE2321000131-NAMND", "name": "Patientnämndernas kansli", "support_order": "ETJ-1"},
        "clinics": {"SE2321000131-E000000000458": "Närhälsan Ågårdsskogen"},
    }
    assert list(values) == at("region", "required") == list(at("region", "properties"))
    assert list(values["patient_board"]) == at("region", "properties", "patient_board", "required")
    (tmp_path / "14-vastra-gotaland.yaml").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    (file,) = read_regions(tmp_path, ["14"]).files
    assert file.findings == ()
    assert file.region is not None
    assert (file.region.code, file.region.name) == ("14", "Västra Götalandsregionen")
    board = file.region.board
    assert board is not None
    assert (board.hsa_id, board.name, board.support_order) == tuple(values["patient_board"].values())
    assert {hsa_id: clinic.name for hsa_id, clinic in file.region.clinics.items()} == values["clinics"]
