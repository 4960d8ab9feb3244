"""Settings: flag over environment over `reconciler.toml` over default. All faults are told at once.

It knows the form of the settings, not what anybody does with them. Secrets never stand here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from reconciler.findings import Exit, Failure, reason_of
from reconciler.model import RegisterSettings, RoutesSettings, Settings
from reconciler.settings.keys import KEYS, age, converted, database_url
from reconciler.words import _

__all__ = ["NAME", "age", "load", "same"]

NAME = "reconciler.toml"


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str | None]) -> Settings:
    """Return the settings; a `Failure` (exit 78) names every key and value that does not fit."""
    path = file or (Path(environ["RECONCILER_SETTINGS"]) if environ.get("RECONCILER_SETTINGS") else _found())
    written = _read(path) if path else {}
    faults: list[str] = []
    outside: list[str] = []
    folder = path.resolve().parent if path else Path.cwd()
    values = converted(written, KEYS, folder, "", faults)
    origins = dict.fromkeys(_names(written), path.name if path else "")
    for key in ("lang", "demo", "config", "database", "lock_timeout"):
        given = flags.get(key) or environ.get(f"RECONCILER_{key.upper()}")
        if given is not None and given != "":
            named = origins[key] = f"--{key.replace('_', '-')}" if flags.get(key) else f"RECONCILER_{key.upper()}"
            fitting = converted({named: _typed(key, given)}, {named: KEYS[key]}, Path.cwd(), "", outside)
            if named in fitting:
                values[key] = fitting[named]
    if faults or outside:
        raise _failure("wrong", path if faults else None, [*faults, *outside])
    for name, asked in (("register", RegisterSettings()), ("routes", RoutesSettings())):
        values[name] = _with_secrets(values.get(name, asked), name, environ, origins)
    values.setdefault("config", folder / "config")
    values.setdefault("database", database_url(Settings().database, folder))
    return Settings(**values, origins=origins, file=path.resolve() if path else None)


def same(before: bytes, after: bytes) -> bool:
    """Whether two files set the same, whatever their form; what is not TOML is like nothing else."""
    try:
        return before == after or tomllib.loads(before.decode()) == tomllib.loads(after.decode())
    except ValueError:
        return False


def _names(written: Mapping[str, Any]) -> Iterator[str]:
    """Yield the full name of every key that was written."""
    for key, value in written.items():
        if key == "service" and isinstance(value, dict):
            yield from (f"service.{name}" for name in _names(value))
            continue
        yield from ((f"{key}.{inner}" for inner in value) if isinstance(value, dict) else (key,))


Asked = TypeVar("Asked", RegisterSettings, RoutesSettings)


def _with_secrets(asked: Asked, name: str, environ: Mapping[str, str], origins: dict[str, str]) -> Asked:
    """Add who asks, from the environment: user, password and token, the latter two also by the file that holds them."""
    values: dict[str, Any] = {}
    for key in ("user", "password", "token", "password_file", "token_file"):
        variable = f"RECONCILER_{name.upper()}_{key.upper()}"
        given = environ.get(variable, "").strip()
        if given:
            values[key] = Path(given) if key.endswith("_file") else given
            origins[f"{name}.{key}"] = variable
    return asked._replace(http=asked.http._replace(**values))


def _typed(key: str, given: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(given.lower(), given) if key == "demo" else given


def _found() -> Path | None:
    here = Path.cwd()
    return next((folder / NAME for folder in (here, *here.parents) if (folder / NAME).is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _failure(
            "missing", path, [_("the file cannot be read: {reason}").format(reason=reason_of(error))]
        ) from error
    except (ValueError, RecursionError) as error:
        raise _failure("malformed", path, [_("this is not TOML: {reason}").format(reason=error)]) from error


def _failure(kind: str, path: Path | None, faults: list[str]) -> Failure:
    where = f"{path}: " if path else ""
    return Failure(
        "settings",
        kind,
        problem=where + "; ".join(faults),
        remedy=_("put it right; docs/settings.md lists the settings"),
        exit=Exit.SETTINGS,
    )
