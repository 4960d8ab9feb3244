"""simulate, doctor and snapshot, and the log: asked of real servers, and no secret anywhere."""

from __future__ import annotations

import json
import re
import ssl
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import register_server
import tak_server
import trustme
from little_country import CODES, Country, clinic
from made_tak import COMPLAINTS, NOW_ROUTED, OWN
from test_cli import Said

from reconciler import doctor, simulate, snapshot
from reconciler.findings import Exit, Failure
from reconciler.model import HsaId, HttpSettings
from reconciler.settings import load
from reconciler.sources import register as register_source
from reconciler.sources import routes as routes_source
from reconciler.sources.peer import look_at, own_certificate_until

USER, PASSWORD, TOKEN = "account-for-tak", "pa55-för-tak", "t0ken-of-the-register"


@pytest.fixture
def country(tmp_path: Path) -> Country:
    made = Country(tmp_path)
    for n, code in enumerate(CODES):
        made.declare(code, *range(100 * n, 100 * n + 20))
    assert made.apply().exit == 0
    return made


def imagining(country: Country, **imagined: object) -> simulate.Simulation:
    database = (country.folder / "reconciler.db").read_bytes()
    files = sorted(path.name for path in country.folder.iterdir())
    result = simulate.simulate(country.settings, country.now, simulate.Imagined(**imagined))  # type: ignore[arg-type]
    assert (country.folder / "reconciler.db").read_bytes() == database
    assert sorted(path.name for path in country.folder.iterdir()) == files
    return result


# ---- simulate


def test_nothing_imagined_is_the_plan(country: Country) -> None:
    result = imagining(country)
    assert (result.planned.fingerprint, result.exit_of_apply) == (country.plan().fingerprint, 0)


def test_a_clinic_that_moves_or_closes_in_the_register_is_followed(country: Country) -> None:
    result = imagining(country, moves={HsaId(clinic(0)): "13"}, inactive=(HsaId(clinic(1)),))
    assert [(change.action.value, change.subject) for change in result.planned.changes] == [("move", clinic(0))]
    assert "enrolled-clinic-inactive" in {one.rule.id for one in result.planned.findings}


def test_a_clinic_that_the_register_does_not_know_is_wrong_usage(country: Country) -> None:
    with pytest.raises(Failure, match="nothing about it can be imagined") as caught:
        imagining(country, inactive=(HsaId("SE2321000131-NOBODY"),))
    assert caught.value.exit is Exit.USAGE


def test_what_is_lost_is_drawn_alike_from_the_same_seed(country: Country) -> None:
    def lost(seed: int) -> object:
        result = imagining(country, lose=30, seed=seed)
        assert result.planned.register is not None
        return result.planned.register.digest, result.exit_of_apply, len(result.planned.register.clinics)

    assert lost(1) == lost(1) != lost(2)
    assert lost(1)[1:] == (Exit.LEFT_OUT, 42)  # type: ignore[index]


def test_a_register_that_is_away_is_replaced_by_the_last_good_one_where_that_is_allowed(country: Country) -> None:
    result = imagining(country, register_down=True)
    assert (result.planned.failures, result.exit_of_apply) == ((), Exit.UNANSWERED)
    path = country.folder / "reconciler.toml"
    path.write_text(path.read_text() + "allow_cached = true\n")
    assert imagining(country, register_down=True).exit_of_apply == 0


def test_tak_that_is_away_ends_the_run(country: Country) -> None:
    result = imagining(country, tak_down=True)
    assert [one.source for one in result.planned.failures] == ["routes"]
    assert result.exit_of_apply == 69


def test_tak_that_loses_routes_is_refused_where_it_was_believed_before(live: Country, tak: tak_server.Stand) -> None:
    live.now, tak.user = datetime.now(UTC), ""
    live.register |= dict.fromkeys(NOW_ROUTED - {OWN}, ("Egen", "active", "12"))
    live.write()
    settings = live.folder / "reconciler.toml"
    settings.write_text(re.sub('source = "http"\n.*\n', 'path = "register.csv"\n', settings.read_text(), count=1))
    assert live.apply().exit == 0
    found = [imagining(live, lose_routes=share).exit_of_apply for share in (0, 30, 70, 100)]
    assert found == [0, 0, Exit.LEFT_OUT, Exit.LEFT_OUT]
    (told,) = [one for one in imagining(live, lose_routes=70).planned.findings if one.rule.id == "routes-shrunk"]
    assert (told.region, told.values["count"]) == ("12", 3)


def test_an_old_register_ends_the_run_where_an_age_is_set(country: Country) -> None:
    assert imagining(country, register_age=timedelta(hours=48)).exit_of_apply == 0
    path = country.folder / "reconciler.toml"
    path.write_text(path.read_text().replace('max_age = "off"', 'max_age = "36h"'))
    assert imagining(country, register_age=timedelta(hours=35)).exit_of_apply == 0
    (failure,) = imagining(country, register_age=timedelta(hours=48)).planned.failures
    assert (failure.kind, "48 hours old" in failure.problem) == ("stale", True)


def test_another_register_is_read_however_old_it_is(country: Country) -> None:
    other = country.folder / "other.csv"
    text = (country.folder / "register.csv").read_text().replace("2026-05-15", "2020-05-15")
    other.write_text(text.replace("Mottagning 0000", "Nytt namn"))
    assert [one.action.value for one in imagining(country, register=other).planned.changes] == ["rename"]


def test_without_a_database_apply_would_end_with_the_settings(tmp_path: Path) -> None:
    bare = Country(tmp_path)
    (tmp_path / "reconciler.db").unlink()
    found = simulate.simulate(bare.settings, bare.now, simulate.Imagined())
    assert found.exit_of_apply == Exit.SETTINGS


def test_the_command_says_what_apply_would_end_with(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(country.folder)
    said = Said("simulate", "--tak-down")
    assert (said.code, "TAK does not answer" in said.out, "apply would end with 69" in said.out) == (0, True, True)
    told = Said("simulate", "--register-lose", "100%", "--format", "json").json()
    assert (told["exit_of_apply"], {one["verdict"] for one in told["regions"]}) == (3, {"refused"})
    assert Said("simulate", "--move", f"{clinic(0).lower()}=13", "--all").out.count("move") >= 1
    assert Said("simulate", "--deactivate", clinic(3), "--register-age", "48h").code == 0


@pytest.mark.parametrize(
    "flags", [("--register-age", "soon"), ("--register-lose", "101%"), ("--register-lose", "x"), ("--move", "SE1=02")]
)
def test_a_flag_that_says_nothing_is_wrong_usage(flags: tuple[str, str]) -> None:
    assert Said("simulate", *flags).code == 64


# ---- the servers


@pytest.fixture
def register(country: Country) -> Iterator[register_server.Stand]:
    clinics = [
        {"hsa_id": hsa_id, "name": name, "status": status, "region_code": code}
        for hsa_id, (name, status, code) in country.register.items()
    ]
    made = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    document = {"format": "reconciler/register/1", "generated_at": made, "complete": True, "clinics": clinics}
    stand = register_server.Stand(document, token=TOKEN)
    with register_server.serving(stand):
        yield stand


@pytest.fixture
def tak() -> Iterator[tak_server.Stand]:
    made = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    stand = tak_server.Stand({}, user=USER, password=PASSWORD)
    stand.tak = tak_server.tak(tak_server.made_tak.dump(numbers=True, made=made))
    with register_server.serving(stand, handler=tak_server.Handler) as url:
        stand.url = url.removesuffix("/register")
        yield stand


@pytest.fixture
def live(
    country: Country, register: register_server.Stand, tak: tak_server.Stand, monkeypatch: pytest.MonkeyPatch
) -> Country:
    """The country, its register and TAK asked over HTTP, with credentials from the environment."""
    retry = 'retries = 0\ntotal_timeout = "5s"\n'
    path = country.folder / "reconciler.toml"
    text = path.read_text().replace('path = "register.csv"', f'source = "http"\nurl = "{register.url}"\n{retry}')
    path.write_text(
        f'{text}[routes]\nsource = "coop"\nurl = "{tak.url}/coop/api/v2"\nplatform = "NTJP"\nenvironment = "TEST"\n'
        f'domain = "{COMPLAINTS}"\nignore = ["{OWN}"]\n{retry}'
    )
    monkeypatch.chdir(country.folder)
    monkeypatch.setenv("RECONCILER_REGISTER_TOKEN", TOKEN)
    monkeypatch.setenv("RECONCILER_ROUTES_USER", USER)
    monkeypatch.setenv("RECONCILER_ROUTES_PASSWORD", PASSWORD)
    return country


# ---- snapshot


def test_what_was_written_says_the_same_when_it_is_read(live: Country) -> None:
    settings, now = load(None, {**_environment()}, {}), datetime.now(UTC)
    register, routes = register_source.ask(settings.register, now), routes_source.ask(settings.routes, now)
    said = Said("snapshot", "--out", "kept/now")
    assert (said.code, said.out) == (0, "")
    assert "register.json" in said.err
    Path("reconciler.toml").write_text(
        'regions = ["12", "13", "14"]\ndemo = true\n[register]\npath = "kept/now/register.json"\n'
        '[routes]\nsource = "file"\npath = "kept/now/routes.json"\n'
    )
    again = load(None, {}, {})
    assert register_source.ask(again.register, now).digest == register.digest
    assert register_source.ask(again.register, now).generated_at == register.generated_at
    assert routes_source.ask(again.routes, now) == routes
    assert routes.hsa_ids == NOW_ROUTED - {OWN}
    assert Said("validate", "--live").code == 0
    assert sorted(path.name for path in Path("kept/now").iterdir()) == ["register.json", "routes.json"]


def _environment() -> dict[str, str]:
    return {
        "RECONCILER_REGISTER_TOKEN": TOKEN,
        "RECONCILER_ROUTES_USER": USER,
        "RECONCILER_ROUTES_PASSWORD": PASSWORD,
    }


def test_where_one_does_not_answer_nothing_is_written(live: Country, tak: tak_server.Stand) -> None:
    tak.fault = "503"
    assert Said("snapshot", "--out", "kept").code == 69
    assert not Path("kept").exists()


def test_without_tak_there_are_no_routes_to_write(country: Country) -> None:
    written = snapshot.snapshot(country.settings, country.now, country.folder / "kept")
    assert [path.name for path in written] == ["register.json"]


def test_a_folder_that_is_a_file_is_told(country: Country) -> None:
    with pytest.raises(Failure, match="cannot be written") as caught:
        snapshot.snapshot(country.settings, country.now, country.folder / "register.csv")
    assert caught.value.exit is Exit.SETTINGS


# ---- doctor


def lines(health: doctor.Health, subject: str) -> list[str]:
    return [check.said for check in health.checks if check.subject == subject]


def test_all_is_well(live: Country) -> None:
    said = Said("doctor")
    assert (said.code, said.err) == (0, "")
    for told in (
        "settings: database = sqlite:///reconciler.db (default)",
        "settings: register.token = (set, and not shown) (RECONCILER_REGISTER_TOKEN)",
        "settings: routes.source = coop (reconciler.toml)",
        "tables of version",
        "register: 60 clinics in ",
        "routes: 3 addresses in ",
        "made 2.0 hours ago",
        "its clock differs from ours by ",
        "the region files are not in git",
    ):
        assert told in said.out
    told = Said("--database", "sqlite:///other.db", "doctor", "--format", "json")
    assert (told.code, told.json()["exit"]) == (78, 78)
    assert "database = sqlite:///other.db (--database)" in told.out
    assert "reconciler db init" in told.out


def test_every_setting_is_told_as_it_was_set(country: Country) -> None:
    path = country.folder / "reconciler.toml"
    more = (
        '[hold]\nregions = ["13"]\n[log]\nkeep = "30d"\n[severity]\nclinic-unmanaged = "off"\nclinic-moved = "error"\n'
    )
    path.write_text(path.read_text() + more)
    told = lines(doctor.examine(country.settings, country.now), "settings")
    for line in (
        "hold.regions = 13",
        "log.keep = 30d",
        "severity.clinic-unmanaged = off",
        "severity.clinic-moved = error",
        "register.max_age = off",
    ):
        assert f"{line} (reconciler.toml)" in told


def test_everything_that_is_wrong_is_told_at_once(
    live: Country, register: register_server.Stand, tak: tak_server.Stand
) -> None:
    register.fault, tak.password = "503", "another"
    health = doctor.examine(live.settings, datetime.now(UTC))
    assert health.exit == 69
    remedies = [check.remedy for check in health.checks if check.exit]
    assert len(remedies) == 2
    assert all(remedies)
    (live.folder / "reconciler.db").write_bytes(b"")
    assert doctor.examine(live.settings, datetime.now(UTC)).exit == 78


def test_where_the_files_are_in_git_the_commit_is_told(country: Country) -> None:
    country.git("init", "-q")
    country.git("add", "config")
    country.git("commit", "-qm", "one")
    health = doctor.examine(country.settings, country.now)
    assert lines(health, "git") == [f"the region files are at commit {country.git('rev-parse', 'HEAD')[:12]}"]
    assert lines(health, "routes") == ["TAK is not asked: the setting routes.source is off"]


def test_a_clock_that_is_wrong_is_told(live: Country) -> None:
    health = doctor.examine(live.settings, datetime.now(UTC) + timedelta(minutes=10))
    wrong = [check for check in health.checks if check.remedy and "clock" in check.said]
    assert len(wrong) == 2
    assert all("-6" in check.said or "-5" in check.said for check in wrong)


def test_the_certificate_of_a_server_is_looked_at(tmp_path: Path, country: Country) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=12)
    client_ends = ends + timedelta(days=400)
    client = authority.issue_cert("client@example.org", not_after=client_ends)
    client.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=ends).configure_cert(trust)
    with register_server.serving(register_server.Stand({}), tls=trust) as url:
        path = country.folder / "reconciler.toml"
        more = f'source = "http"\nurl = "{url}"\nca = "{ca}"\ncertificate = "{tmp_path / "client.pem"}"\n'
        path.write_text(path.read_text().replace('path = "register.csv"', more + "retries = 0"))
        settings = country.settings
        assert look_at(settings.register.http).certificate_until == ends
        assert look_at(settings.register.http._replace(certificate=None)).certificate_until == ends
        health = doctor.examine(settings, datetime.now(UTC))
    its, ours = (check for check in health.checks if check.subject == "register" and "certificate" in check.said)
    assert (its.said, its.remedy) == (f"its certificate holds until {ends.date()}", "have its owner renew it")
    assert (ours.said, ours.remedy) == (f"our certificate holds until {client_ends.date()}", None)
    assert [check.exit for check in doctor.examine(settings, datetime.now(UTC)).checks if check.exit] == [69]


def test_a_certificate_that_has_expired_tells_since_when(tmp_path: Path, country: Country) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    began, ended = datetime(2019, 5, 1, tzinfo=UTC), datetime(2020, 5, 1, tzinfo=UTC)
    client = authority.issue_cert("client@example.org", not_before=began, not_after=ended)
    client.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_before=began, not_after=ended).configure_cert(trust)
    with register_server.serving(register_server.Stand({}), tls=trust) as url:
        path = country.folder / "reconciler.toml"
        more = f'source = "http"\nurl = "{url}"\nca = "{ca}"\ncertificate = "{tmp_path / "client.pem"}"\n'
        path.write_text(path.read_text().replace('path = "register.csv"', more + "retries = 0"))
        health = doctor.examine(country.settings, datetime.now(UTC))
    failed, its, _clock, ours = (check for check in health.checks if check.subject == "register")
    assert (failed.exit, its.said, ours.said) == (
        69,
        "its certificate expired 2020-05-01",
        "our certificate expired 2020-05-01",
    )
    assert its.remedy
    assert ours.remedy


@pytest.mark.parametrize("ends", [datetime(2049, 12, 31, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)])
def test_our_own_certificate_is_read_on_both_sides_of_2050(tmp_path: Path, ends: datetime) -> None:
    path = tmp_path / "client.pem"
    trustme.CA().issue_cert("client@example.org", not_after=ends).private_key_and_cert_chain_pem.write_to_path(path)
    assert own_certificate_until(HttpSettings(certificate=path)) == ends


def test_a_certificate_that_is_none_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "client.pem"
    for text in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        path.write_text(text)
        assert own_certificate_until(HttpSettings(certificate=path)) is None
    assert own_certificate_until(HttpSettings(certificate=tmp_path / "none.pem")) is None
    assert own_certificate_until(HttpSettings()) is None


# ---- no secret, anywhere


def test_no_credential_is_ever_written_anywhere(
    live: Country,
    register: register_server.Stand,
    tak: tak_server.Stand,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    written = []
    live.declare("12", 60)
    for fault in ("", "401", "503", "not-json", "301-elsewhere", "echo"):
        register.fault = tak.fault = fault
        for command in (
            ["doctor"],
            ["doctor", "--format", "json"],
            ["validate", "--live"],
            ["plan", "--format", "json", "--out", "plan.json"],
            ["apply"],
            ["status"],
            ["explain", clinic(0)],
            ["snapshot", "--out", "kept"],
            ["simulate", "--register-lose", "5%"],
        ):
            said = Said("--log-level", "debug", *command)
            written += [said.out, said.err]
    tak.fault, tak.password = "", "another"
    written += [Said("--log-level", "debug", "plan").err, *capfd.readouterr(), caplog.text]
    files = [path for path in live.folder.rglob("*") if path.is_file()]
    everything = "\n".join([*written, *(path.read_bytes().decode("utf-8", "replace") for path in files)])
    assert "curl " in everything
    assert "RECONCILER_ROUTES_PASSWORD" in everything
    for secret in _forms():
        assert secret not in everything


def _forms() -> list[str]:
    pair = f"{USER}:{PASSWORD}"
    return [
        PASSWORD,
        TOKEN,
        b64encode(pair.encode()).decode(),
        b64encode(pair.encode("latin-1")).decode(),
        json.dumps(PASSWORD),
        PASSWORD.encode().hex(),
    ]


def test_a_request_is_told_as_a_command_that_can_be_pasted(live: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_LOG_LEVEL", "debug")
    told = [line for line in Said("plan").err.splitlines() if line.startswith("DEBUG curl ")]
    assert len(told) == 6
    assert any('-H "Authorization: Bearer $RECONCILER_REGISTER_TOKEN"' in line for line in told)
    monkeypatch.setenv("RECONCILER_LOG_LEVEL", "warning")
    assert "curl" not in Said("plan").err


SET = """demo = true
lang = "en"
lock_timeout = "90s"
regions = ["12", "13", "14"]
[register]
path = "register.csv"
max_age = "off"
read_timeout = "2m"
region_codes = { "SE-AB" = "01" }
[guards]
withdraws-too-many = { floor = 1, percent = 20, ceiling = 10 }
[severity]
clinic-name-differs = "off"
clinic-unmanaged = "note"
[hold]
regions = ["14"]
[drift]
within = "36h"
"""


def test_each_setting_is_shown_as_it_was_written(country: Country) -> None:
    (country.folder / "reconciler.toml").write_text(SET)
    told = set(lines(doctor.examine(country.settings, country.now), "settings"))
    assert told >= {
        "demo = true (reconciler.toml)",
        "drift.within = 36h (reconciler.toml)",
        "guards.withdraws-too-many = { floor = 1, percent = 20, ceiling = 10 } (reconciler.toml)",
        "hold.regions = 14 (reconciler.toml)",
        "lock_timeout = 90s (reconciler.toml)",
        "register.max_age = off (reconciler.toml)",
        "register.read_timeout = 2m (reconciler.toml)",
        "register.region_codes = { SE-AB = 01 } (reconciler.toml)",
        "severity.clinic-name-differs = off (reconciler.toml)",
        "severity.clinic-unmanaged = note (reconciler.toml)",
    }
