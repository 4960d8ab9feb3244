"""What a JSON Schema of ours says against a document: fast where all is well, in detail where it is not.

Knows JSON Schema and nothing else: neither YAML and places, nor what is said to people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
    from jsonschema_rs import Draft202012Validator


_MOST = 1000


class Fault(NamedTuple):
    """One thing that the schema says against a document.

    *keyword* is the schema's, *path* leads to the value. *key* is set where it is about a key of the mapping there:
    `propertyNames` (malformed), `additionalProperties` (unknown; *expected* are the known ones), `required` (missing).
    """

    keyword: str
    path: tuple[str | int, ...]
    key: str | None
    instance: object
    expected: Any


def folder() -> Path:
    """Return the folder of the schemas: in the package once installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


@cache
def load(name: str) -> dict[str, Any]:
    """Return the schema *name*, such as `region`."""
    schema: dict[str, Any] = json.loads((folder() / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


def faults(name: str, instance: object) -> list[Fault]:
    """Return what the schema *name* says against *instance*: one fault for each key and each value."""
    if _fast(name).is_valid(instance):
        return []
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # slow to import

    errors = Draft202012Validator(load(name)).iter_errors(_pruned(name, instance))
    found: dict[tuple[object, ...], Fault] = {}
    for error in errors:
        for fault in _faults_of(error):
            spot = (fault.path, fault.key)
            if spot not in found or fault.keyword == "type":
                found[spot] = fault
    return list(found.values())


@cache
def _fast(name: str, of: str | None = None) -> Draft202012Validator:
    """Return the fast validator of a schema, or of one of its properties."""
    import jsonschema_rs  # start-up pays for it otherwise

    schema = load(name)
    return jsonschema_rs.Draft202012Validator(schema if of is None else schema["properties"][of])


def _pruned(name: str, instance: object) -> object:
    """Leave out the good entries of mappings by id, so that one fault among 100,000 clinics is found in a moment."""
    if not isinstance(instance, dict):
        return instance
    return {key: _bad_entries(name, key, value) for key, value in instance.items()}


def _bad_entries(name: str, key: str, value: object) -> object:
    """Return the entries with a fault, the first thousand of them: nobody mends more at a time."""
    if not isinstance(value, dict) or "propertyNames" not in load(name).get("properties", {}).get(key, {}):
        return value
    is_valid = _fast(name, key).is_valid
    bad = ((inner, entry) for inner, entry in value.items() if not is_valid({inner: entry}))
    return dict(islice(bad, _MOST))


def _faults_of(error: ValidationError) -> Iterator[Fault]:
    path, keyword, expected = tuple(error.absolute_path), str(error.validator), error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    if "propertyNames" in error.absolute_schema_path:
        yield Fault("propertyNames", path, instance, instance, expected)
    elif keyword == "required":
        yield from (Fault(keyword, path, key, instance, expected) for key in expected if key not in instance)
    elif keyword == "additionalProperties":
        known = tuple(schema.get("properties", ()))
        yield from (Fault(keyword, path, key, instance, known) for key in _unknown(instance, known, schema))
    else:
        yield Fault(keyword, path, None, instance, expected)


def _unknown(instance: Mapping[str, object], known: tuple[str, ...], schema: Mapping[str, Any]) -> list[str]:
    patterns = schema.get("patternProperties", ())
    return [key for key in instance if key not in known and not any(re.search(pattern, key) for pattern in patterns)]
