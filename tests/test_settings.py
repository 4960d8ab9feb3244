"""Settings: flag over environment over file over default; every fault told at once, exit 78."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.findings import Exit, Failure
from reconciler.model import (
    REGIONS,
    THRESHOLDS,
    HttpSettings,
    RegisterSettings,
    RoutesSettings,
    Settings,
    Threshold,
)
from reconciler.settings import load


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "below" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "below" / "deeper")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "reconciler.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> str:
    written(folder, text)
    with pytest.raises(Failure) as caught:
        load(None, {}, {})
    assert caught.value.exit is Exit.SETTINGS
    return caught.value.problem


def test_without_a_file_the_defaults_hold(folder: Path) -> None:
    settings = load(None, {}, {})
    assert settings.regions == tuple(REGIONS)
    assert settings.config == Path.cwd() / "config"
    assert settings.database == f"sqlite:///{Path.cwd()}/reconciler.db"
    assert settings.register.max_age == timedelta(hours=36)


def test_the_file_is_found_in_a_folder_above_and_its_paths_are_relative_to_it(folder: Path) -> None:
    written(folder, 'config = "here"\ndatabase = "sqlite:///it.db"\n[register]\npath = "r.csv"\nmax_age = "14d"\n')
    settings = load(None, {}, {})
    assert settings.config == folder / "here"
    assert settings.database == f"sqlite:///{folder}/it.db"
    assert (settings.register.path, settings.register.max_age) == (folder / "r.csv", timedelta(days=14))


def test_a_flag_wins_over_the_environment_and_that_over_the_file(folder: Path) -> None:
    written(folder, 'lang = "sv"\ndatabase = "sqlite:///file.db"\n')
    environ = {"RECONCILER_DATABASE": "sqlite:///environment.db", "RECONCILER_LANG": "en", "RECONCILER_DEMO": "true"}
    settings = load(None, environ, {"database": "sqlite:////flag.db", "config": None})
    assert (settings.database, settings.lang, settings.demo) == ("sqlite:////flag.db", "en", True)
    assert load(None, environ, {}).database == f"sqlite:///{Path.cwd()}/environment.db"


def test_the_file_can_be_named(folder: Path) -> None:
    path = folder / "other.toml"
    path.write_text("demo = true\n", encoding="utf-8")
    assert load(path, {}, {}).demo
    assert load(None, {"RECONCILER_SETTINGS": str(path)}, {}).demo


def test_everything_that_can_be_set_is_set(folder: Path) -> None:
    written(
        folder,
        'regions = ["14", "01", "14"]\ndatabase = "postgresql+psycopg://host/name"\n'
        '[register]\nmax_age = "off"\nregion_codes = { "SE-AB" = "01" }\n'
        '[routes]\nsource = "file"\npath = "routes.json"\nmax_age = "90m"\n'
        "[guards]\nwithdraws-too-many = { floor = 0, percent = 5, ceiling = 3 }\n",
    )
    settings = load(None, {}, {})
    assert settings.regions == ("01", "14")
    assert settings.database == "postgresql+psycopg://host/name"
    assert (settings.register.max_age, settings.register.region_codes) == (None, {"SE-AB": "01"})
    assert settings.routes.max_age == timedelta(minutes=90)
    assert settings.guards["withdraws-too-many"] == Threshold(0, 5, 3)
    assert settings.guards["withdraws-too-many-nationally"] == Threshold(5, 5, 50)


def test_how_to_ask_over_http_is_set_and_secrets_come_from_the_environment(folder: Path) -> None:
    written(
        folder,
        '[register]\nurl = "https://server/register"\nuser = "me"\npassword_file = "secret"\nca = "ca.pem"\n'
        'read_timeout = "5s"\nretries = 0\nmax_megabytes = 8\n',
    )
    environ = {"RECONCILER_REGISTER_PASSWORD": " hemligt\n", "RECONCILER_ROUTES_TOKEN_FILE": "/run/token"}
    settings = load(None, environ, {})
    asked = settings.register.http
    assert (asked.url, asked.user, asked.password) == ("https://server/register", "me", "hemligt")
    assert (asked.password_file, asked.ca) == (folder / "secret", folder / "ca.pem")
    assert (asked.read_timeout, asked.retries, asked.max_megabytes) == (timedelta(seconds=5), 0, 8)
    assert settings.routes.http.token_file == Path("/run/token")
    assert "hemligt" not in repr(settings)


def test_all_faults_are_told_at_once_with_the_close_spelling(folder: Path) -> None:
    problem = faults(folder, 'databse = "x"\nlang = "de"\n[register]\nmax-age = "1h"\nsource = "htp"\n')
    assert "databse is not a setting; did you mean database?" in problem
    assert "lang: de should be one of: sv, en" in problem
    assert "register.max-age is not a setting; did you mean max_age?" in problem
    assert "register.source: htp should be one of: file, http, sql" in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("demo = 1", "demo: 1 should be true or false"),
        ("config = 1", "config: 1 should be a text"),
        ("regions = []", "regions: should be a list"),
        ('regions = ["14", "15"]', "regions: 15 is not the code of a region"),
        ("register = 1", "register: should be a table"),
        ("[register]\nregion_codes = 1", "register.region_codes: should be a table"),
        ('[register]\nregion_codes = { a = "99" }', "region_codes.a: 99 is not the code of a region"),
        ('[register]\nmax_age = "long"', "register.max_age: long should be an age"),
        ('[log]\nkeep = "1y"', "log.keep: 1y should be an age such as 36h, 14d or 90m, or off"),
        ('[log]\nkeep = "0d"', "log.keep: 0d should be an age such as 36h, 14d or 90m, or off"),
        ("[register]\nmax_age = 36", "register.max_age: 36 should be an age"),
        ("[guards]\nwithdraws-too-many = { floor = 1 }", "guards.withdraws-too-many: should be three whole numbers"),
        (
            "[guards]\nwithdraws-too-many = { floor = 1, percent = true, ceiling = 2 }",
            "guards.withdraws-too-many: should be three whole numbers",
        ),
        ("[[register]]", "register: should be a table"),
        ('[register]\nurl = "register.csv"', "register.url: register.csv should be an address"),
        ('[register]\nurl = "https://a:b/"', "register.url: https://a:b/ should be an address"),
        ('[register]\nurl = "https://me:secret@server/"', "register.url: user and password do not belong"),
        ('[register]\nread_timeout = "off"', "register.read_timeout: off should be a time"),
        ("[routes]\nretries = -1", "routes.retries: -1 should be a whole number"),
        ("xyzzy = 1", "xyzzy is not a setting"),
        ("a = ", "this is not TOML"),
    ],
)
def test_a_wrong_value_is_named(folder: Path, text: str, said: str) -> None:
    assert said in faults(folder, text)


def test_a_settings_file_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(Failure, match=r"gone\.toml: the file cannot be read"):
        load(folder / "gone.toml", {}, {})


def test_a_wrong_environment_or_flag_is_named_and_no_file_is_blamed_for_it(folder: Path) -> None:
    written = folder / "reconciler.toml"
    written.write_text('lang = "en"\n', encoding="utf-8")
    with pytest.raises(Failure, match=r"^RECONCILER_LANG: de should be one of"):
        load(written, {"RECONCILER_LANG": "de"}, {})
    with pytest.raises(Failure, match=r"^--lock-timeout: soon should be a time such as 30s or 2m$"):
        load(written, {"RECONCILER_LOCK_TIMEOUT": "10s"}, {"lock_timeout": "soon"})
    written.write_text('lang = "fr"\n', encoding="utf-8")
    with pytest.raises(Failure, match=r"reconciler\.toml: lang: fr should be .*; --lock-timeout: soon"):
        load(written, {}, {"lock_timeout": "soon"})


def test_routes_say_what_their_source_needs(folder: Path) -> None:
    said = faults(folder, '[routes]\nsource = "takdump"\nplatfrom = "NTJP"\n')
    assert "routes.platfrom" in said
    said = faults(folder, '[routes]\nsource = "takdump"\n')
    assert "routes.path is missing; the source takdump needs it" in said
    assert "routes.domain is missing" in said


def test_routes_can_be_asked_of_an_export(folder: Path) -> None:
    written(
        folder,
        '[routes]\nsource = "takdump"\npath = "tak.json"\ndomain = "crm:carelisting"\nparents = "parents.csv"\n'
        'contracts = ["urn:riv:crm:carelisting:GetListingResponder:1"]\nignore = ["SE5560000000-1177"]\n',
    )
    routes = load(None, {}, {}).routes
    assert (routes.domain, routes.ignore, routes.parents) == (
        "crm:carelisting",
        ("SE5560000000-1177",),
        folder / "parents.csv",
    )
    said = faults(folder, '[routes]\ncontracts = "urn"\nignore = [1]\ndomain = ""\n')
    assert said.count("should be a list of texts") == 2
    assert "routes.domain:  should be a text" in said


def test_the_page_of_the_settings_tells_every_one() -> None:
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    inside = {
        "register",
        "routes",
        "http",
        "known",
        "not_before",
        "password",
        "token",
        "origins",
        "hold",
        "guards",
        "severity",
    }
    kinds = (Settings, RegisterSettings, RoutesSettings, HttpSettings)
    names = {name for kind in kinds for name in kind._fields} - inside | {"hold.regions", "guards.NAME"}
    assert {name for name in names | set(THRESHOLDS) if not re.search(rf"\b{name}\b", page)} == set()
