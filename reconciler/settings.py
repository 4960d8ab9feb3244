"""Settings: flag over environment over `reconciler.toml` over default. All faults are told at once.

It knows the form of the settings, not what anybody does with them. Secrets never stand here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from reconciler.findings import Exit, Failure, Rule, Severity
from reconciler.model import (
    REGIONS,
    THRESHOLDS,
    HttpSettings,
    RegisterSettings,
    RoutesSettings,
    Settings,
    Threshold,
)
from reconciler.words import _

Convert = Callable[[Any, Path], Any]
NAME = "reconciler.toml"


class _Wrong(ValueError):
    """A value that does not fit; its text says what would."""


class _WrongTable(_Wrong):
    """A table whose keys have faults of their own, one text each."""


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str | None]) -> Settings:
    """Return the settings; a `Failure` (exit 78) names every key and value that does not fit."""
    path = file or (Path(environ["RECONCILER_SETTINGS"]) if environ.get("RECONCILER_SETTINGS") else _found())
    written = _read(path) if path else {}
    faults: list[str] = []
    folder = path.resolve().parent if path else Path.cwd()
    values = _converted(written, _KEYS, folder, "", faults)
    for key in ("lang", "demo", "config", "database", "lock_timeout"):
        given = flags.get(key) or environ.get(f"RECONCILER_{key.upper()}")
        if given is not None and given != "":
            values |= _converted({key: _typed(key, given)}, _KEYS, Path.cwd(), "", faults)
    if faults:
        raise _failure("wrong", path, faults)
    values["register"] = _with_secrets(values.get("register", RegisterSettings()), "REGISTER", environ)
    values["routes"] = _with_secrets(values.get("routes", RoutesSettings()), "ROUTES", environ)
    values.setdefault("config", folder / "config")
    values.setdefault("database", _database(Settings().database, folder))
    return Settings(**values)


Asked = TypeVar("Asked", RegisterSettings, RoutesSettings)


def _with_secrets(asked: Asked, name: str, environ: Mapping[str, str]) -> Asked:
    """Add who asks, from the environment: user, password and token, the latter two also by the file that holds them."""
    given = {
        key: environ[f"RECONCILER_{name}_{key.upper()}"].strip()
        for key in ("user", "password", "token", "password_file", "token_file")
        if environ.get(f"RECONCILER_{name}_{key.upper()}", "").strip()
    }
    values: dict[str, Any] = {key: Path(text) if key.endswith("_file") else text for key, text in given.items()}
    return replace(asked, http=replace(asked.http, **values))


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
            "missing", path, [_("the file cannot be read: {reason}").format(reason=error.strerror)]
        ) from error
    except (ValueError, RecursionError) as error:
        raise _failure("malformed", path, [_("this is not TOML: {reason}").format(reason=error)]) from error


def _failure(kind: str, path: Path | None, faults: list[str]) -> Failure:
    where = str(path) if path else _("the environment or a flag")
    return Failure(
        "settings",
        kind,
        problem=f"{where}: " + "; ".join(faults),
        remedy=_("put it right; the README lists the settings"),
        exit=Exit.SETTINGS,
    )


def _converted(
    written: Mapping[str, Any], keys: Mapping[str, Convert], folder: Path, prefix: str, faults: list[str]
) -> dict[str, Any]:
    values = {}
    for key, value in written.items():
        if key not in keys:
            faults.append(_unknown(prefix + key, key, keys))
            continue
        try:
            values[key] = keys[key](value, folder)
        except _WrongTable as wrong:
            faults += [f"{prefix}{fault}" for fault in wrong.args]
        except _Wrong as wrong:
            faults.append(f"{prefix}{key}: {wrong}")
    return values


def _unknown(name: str, key: str, keys: Mapping[str, Convert]) -> str:
    from reconciler.rules.close import close  # noqa: PLC0415  (wanted only when something is wrong)

    meant = close(key, keys, at_least=60)
    return _("{key} is not a setting").format(key=name) + (
        _("; did you mean {meant}?").format(meant=meant) if meant else ""
    )


# ---- what each key may be


def _one_of(*choices: str) -> Convert:
    def convert(value: Any, _folder: Path) -> str:
        if value in choices:
            return str(value)
        raise _Wrong(_("{value} should be one of: {choices}").format(value=value, choices=", ".join(choices)))

    return convert


def _flag(value: Any, _folder: Path) -> bool:
    if isinstance(value, bool):
        return value
    raise _Wrong(_("{value} should be true or false").format(value=value))


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise _Wrong(_("{value} should be a text").format(value=value))


def _some_text(value: Any, _folder: Path) -> str:
    return _text(value)


def _texts(value: Any, _folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise _Wrong(_("should be a list of texts"))
    return tuple(value)


def _path(value: Any, folder: Path) -> Path:
    return folder / _text(value)


def _database(value: Any, folder: Path) -> str:
    """Make a relative SQLite path absolute; every other URL is as it was written."""
    scheme, mark, path = _text(value).partition(":///")
    relative = scheme.startswith("sqlite") and mark and path and not path.startswith(("/", ":memory:", "file:"))
    return f"{scheme}:///{folder / path}" if relative else str(value)


def _codes(value: Any, _folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _Wrong(_('should be a list of region codes, such as ["01", "03"]'))
    unknown = [str(code) for code in value if code not in tuple(REGIONS)]
    if unknown:
        raise _Wrong(_("{codes} is not the code of a region").format(codes=", ".join(unknown)))
    return tuple(sorted(set(value)))


def _held(value: Any, folder: Path) -> tuple[str, ...]:
    """Return the regions on hold; none is as good as some."""
    return () if value == [] else _codes(value, folder)


def _region_codes(value: Any, _folder: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _Wrong(_('should be a table, such as {{ "SE-AB" = "01" }}').replace("{{", "{").replace("}}", "}"))
    wrong = [
        f"region_codes.{key}: " + _("{code} is not the code of a region").format(code=code)
        for key, code in value.items()
        if code not in tuple(REGIONS)
    ]
    if wrong:
        raise _WrongTable(*wrong)
    return dict(value)


_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _age(value: Any, _folder: Path) -> timedelta | None:
    if value == "off":
        return None
    match = _AGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _Wrong(_("{value} should be an age such as 36h, 14d or 90m, or off").format(value=value))
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _wait(value: Any, folder: Path) -> timedelta:
    """Return a time to wait: never none, never for ever."""
    waits = _age(value, folder)
    if not waits:
        raise _Wrong(_("{value} should be a time such as 30s or 2m").format(value=value))
    return waits


def _number(value: Any, _folder: Path) -> int:
    if type(value) is int and value >= 0:
        return value
    raise _Wrong(_("{value} should be a whole number").format(value=value))


def _some(value: Any, folder: Path) -> int:
    number = _number(value, folder)
    if not number:
        raise _Wrong(_("{value} should be 1 or more").format(value=value))
    return number


def _url(value: Any, folder: Path) -> str:
    """Return an address without secrets in it: settings stand in git, and addresses are shown."""
    scheme, mark, rest = _text(value).partition("://")
    if "@" in rest.partition("/")[0]:
        raise _Wrong(_("user and password do not belong in the address: give them in the environment"))
    try:
        fits = bool(mark) and (urlsplit(value).port or 1) > 0
    except ValueError:
        fits = False
    if not fits or (scheme in ("http", "https") and not rest.partition("/")[0]):
        raise _Wrong(_("{value} should be an address such as https://server/path").format(value=value))
    return _database(value, folder)


def _threshold(value: Any, _folder: Path) -> Threshold:
    fits = isinstance(value, dict) and set(value) == {"floor", "percent", "ceiling"}
    if not fits or not all(type(number) is int and number >= 0 for number in value.values()):
        raise _Wrong(
            _("should be three whole numbers: {example}").format(example="{ floor = 1, percent = 20, ceiling = 10 }")
        )
    return Threshold(**value)


def _table(name: str, keys: Mapping[str, Convert], make: Callable[..., Any]) -> Convert:
    def convert(value: Any, folder: Path) -> Any:
        if not isinstance(value, dict):
            raise _Wrong(_("should be a table, [{name}]").format(name=name))
        faults: list[str] = []
        values = _converted(value, keys, folder, f"{name}.", faults)
        if faults:
            raise _WrongTable(*faults)
        return make(**values)

    return convert


def _guards(**thresholds: Threshold) -> dict[str, Threshold]:
    return {**THRESHOLDS, **thresholds}


_HTTP: Mapping[str, Convert] = {
    "url": _url,
    "user": lambda value, _folder: _text(value),
    "password_file": _path,
    "token_file": _path,
    "ca": _path,
    "certificate": _path,
    "key": _path,
    "connect_timeout": _wait,
    "read_timeout": _wait,
    "total_timeout": _wait,
    "retries": _number,
    "backoff": _wait,
    "max_megabytes": _number,
}


def _http(values: dict[str, Any]) -> HttpSettings:
    """Take from *values* the keys that say how to ask over HTTP."""
    return HttpSettings(**{key: values.pop(key) for key in _HTTP if key in values})


def _register(**values: Any) -> RegisterSettings:
    return RegisterSettings(http=_http(values), **values)


_NEEDS = {"coop": ("url", "platform", "environment", "domain"), "takdump": ("path", "domain")}
"""What a source of routes cannot be asked without."""


def _routes(**values: Any) -> RoutesSettings:
    source = values.get("source", "off")
    missing = [key for key in _NEEDS.get(source, ()) if key not in values]
    if missing:
        fault = _("routes.{key} is missing; the source {source} needs it")
        raise _WrongTable(*(fault.format(key=key, source=source) for key in missing))
    return RoutesSettings(http=_http(values), **values)


_SEVERITIES = {"off": None, **{one.value: one for one in reversed(Severity)}}


def _severities(value: Any, _folder: Path) -> dict[str, Severity | None]:
    from reconciler.rules import RULES  # noqa: PLC0415  (wanted only where somebody sets one)

    if not isinstance(value, dict):
        raise _Wrong(_("should be a table, [{name}]").format(name="severity"))
    wrong = [fault for rule, word in value.items() if (fault := _severity_fault(rule, word, RULES))]
    if wrong:
        raise _WrongTable(*wrong)
    return {rule: _SEVERITIES[word] for rule, word in value.items()}


def _severity_fault(name: str, word: object, rules: Mapping[str, Rule[...]]) -> str | None:
    from reconciler.rules.close import close  # noqa: PLC0415

    if name not in rules:
        meant = close(name, rules)
        return _("severity: {rule} is not a rule").format(rule=name) + (
            _("; did you mean {meant}?").format(meant=meant) if meant else ""
        )
    if rules[name].relied_on:
        return _("severity: {rule} cannot be set: what is written to the database relies on it").format(rule=name)
    if word not in tuple(_SEVERITIES):
        said = _("{value} should be one of: {choices}").format(value=word, choices=", ".join(_SEVERITIES))
        return f"severity.{name}: {said}"
    return None


_KEYS: Mapping[str, Convert] = {
    "lang": _one_of("sv", "en"),
    "demo": _flag,
    "regions": _codes,
    "config": _path,
    "database": _database,
    "register": _table(
        "register",
        {
            "source": _one_of("file", "http", "sql"),
            "path": _path,
            "query": lambda value, _folder: _text(value),
            "generated_at_query": lambda value, _folder: _text(value),
            "unmoved_after": _age,
            "keep": _some,
            "allow_cached": _flag,
            "max_age": _age,
            "region_codes": _region_codes,
            **_HTTP,
        },
        _register,
    ),
    "routes": _table(
        "routes",
        {
            "source": _one_of("off", "file", "coop", "takdump"),
            "path": _path,
            "platform": _some_text,
            "environment": _some_text,
            "domain": _some_text,
            "contracts": _texts,
            "ignore": _texts,
            "max_age": _age,
            "parents": _path,
            **_HTTP,
        },
        _routes,
    ),
    "lock_timeout": _wait,
    "hold": _table("hold", {"regions": _held}, lambda regions=(): regions),
    "guards": _table("guards", dict.fromkeys(THRESHOLDS, _threshold), _guards),
    "severity": _severities,
}
