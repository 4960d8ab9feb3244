"""What each setting may be: its key, and how what was written becomes a value. Reads no file and no environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from reconciler.findings import Rule, Severity
from reconciler.model import REGIONS, DriftSettings, HttpSettings, RegisterSettings, RoutesSettings
from reconciler.names import ClinicNames, Names, RegionNames
from reconciler.thresholds import THRESHOLDS, Threshold
from reconciler.words import _

Convert = Callable[[Any, Path], Any]


class _Wrong(ValueError):
    """A value that does not fit; its text says what would."""


class _WrongTable(_Wrong):
    """A table whose keys have faults of their own, one text each."""


def converted(
    written: Mapping[str, Any], keys: Mapping[str, Convert], folder: Path, prefix: str, faults: list[str]
) -> dict[str, Any]:
    """Return the values of *keys* that were *written*; what does not fit is added to *faults*."""
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
    from reconciler.rules.close import close  # wanted only when something is wrong

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


def database_url(value: Any, folder: Path) -> str:
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


def age(text: object) -> timedelta | None:
    """Return the age that *text* is: 36h, 14d, 90m; None where it is none."""
    match = _AGE.fullmatch(text) if isinstance(text, str) else None
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def _age(value: Any, _folder: Path) -> timedelta | None:
    if value == "off":
        return None
    found = age(value)
    if found is None:
        raise _Wrong(_("{value} should be an age such as 36h, 14d or 90m, or off").format(value=value))
    return found


def _wait(value: Any, _folder: Path) -> timedelta:
    """Return a time to wait: never none, never for ever."""
    waits = age(value)
    if not waits:
        raise _Wrong(_("{value} should be a time such as 30s or 2m").format(value=value))
    return waits


def _kept(value: Any, folder: Path) -> timedelta | None:
    """Return how long something is kept: never for no time at all."""
    kept = _age(value, folder)
    if kept == timedelta():
        raise _Wrong(_("{value} should be an age such as 36h, 14d or 90m, or off").format(value=value))
    return kept


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
    from urllib.parse import urlsplit  # costs more than all else here

    try:
        fits = bool(mark) and (urlsplit(value).port or 1) > 0
    except ValueError:
        fits = False
    if not fits or (scheme in ("http", "https") and not rest.partition("/")[0]):
        raise _Wrong(_("{value} should be an address such as https://server/path").format(value=value))
    return database_url(value, folder)


def _times(value: Any, _folder: Path) -> int:
    if type(value) is int and value > 0:
        return value
    raise _Wrong(_("{value} should be a whole number, 1 or more").format(value=value))


def _threshold(value: Any, _folder: Path) -> Threshold:
    fits = isinstance(value, dict) and set(value) == {"floor", "percent", "ceiling"}
    if not fits or not all(type(number) is int and number >= 0 for number in value.values()):
        raise _Wrong(
            _("should be three whole numbers: {example}").format(example="{ floor = 1, percent = 20, ceiling = 10 }")
        )
    return Threshold(**value)


def _table(name: str, keys: Mapping[str, Convert], make: Callable[..., Any], inside: str = "") -> Convert:
    def convert(value: Any, folder: Path) -> Any:
        if not isinstance(value, dict):
            raise _Wrong(_("should be a table, [{name}]").format(name=inside + name))
        faults: list[str] = []
        values = converted(value, keys, folder, f"{name}.", faults)
        if faults:
            raise _WrongTable(*faults)
        return make(**values)

    return convert


def _guards(**thresholds: Threshold) -> dict[str, Threshold]:
    return {**THRESHOLDS, **thresholds}


def _texts_of(names: type[RegionNames | ClinicNames]) -> dict[str, Convert]:
    return dict.fromkeys(names._fields, _some_text)


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
    from reconciler.rules.registry import RULES  # wanted only where somebody sets one

    if not isinstance(value, dict):
        raise _Wrong(_("should be a table, [{name}]").format(name="severity"))
    wrong = [fault for rule, word in value.items() if (fault := _severity_fault(rule, word, RULES))]
    if wrong:
        raise _WrongTable(*wrong)
    return {rule: _SEVERITIES[word] for rule, word in value.items()}


def _severity_fault(name: str, word: object, rules: Mapping[str, Rule[...]]) -> str | None:
    from reconciler.rules.close import close

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


KEYS: Mapping[str, Convert] = {
    "lang": _one_of("sv", "en"),
    "demo": _flag,
    "regions": _codes,
    "config": _path,
    "database": database_url,
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
    "service": _table(
        "service",
        {
            "region": _table("region", _texts_of(RegionNames), RegionNames, "service."),
            "clinic": _table("clinic", _texts_of(ClinicNames), ClinicNames, "service."),
        },
        Names,
    ),
    "lock_timeout": _wait,
    "hold": _table("hold", {"regions": _held}, lambda regions=(): regions),
    "log": _table("log", {"keep": _kept}, lambda keep=None: keep),
    "drift": _table("drift", {"reverts": _times, "within": _age}, DriftSettings),
    "guards": _table("guards", dict.fromkeys(THRESHOLDS, _threshold), _guards),
    "severity": _severities,
}
