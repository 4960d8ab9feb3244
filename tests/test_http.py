"""Asking over HTTP: a real server on loopback that lies, hangs, breaks off, floods; each end is told and in time."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from register_server import Stand, serving

from reconciler.findings import Exit, Failure
from reconciler.model import HttpSettings
from reconciler.sources.http import Answer, curl, session
from reconciler.sources.trouble import of_trouble

QUICK = HttpSettings(
    connect_timeout=timedelta(seconds=1),
    read_timeout=timedelta(seconds=0.8),
    total_timeout=timedelta(seconds=2),
    retries=1,
    backoff=timedelta(milliseconds=1),
    max_megabytes=8,
)
CLINIC = {"hsa_id": "SE2321000131-E000000000458", "name": "Ågården", "status": "active", "region_code": "14"}
DOCUMENT = {
    "format": "reconciler/register/1",
    "generated_at": "2026-11-24T04:00:00+01:00",
    "complete": True,
    "clinics": [CLINIC] * 50,
}


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand(DOCUMENT)
    with serving(made):
        yield made


def got(url: str, settings: HttpSettings = QUICK, etag: str | None = None) -> Answer:
    with session("register", settings) as asking:
        return asking.get(url, etag=etag)


def failure(url: str, settings: HttpSettings = QUICK) -> Failure:
    began = time.monotonic()
    with pytest.raises(Failure) as caught:
        got(url, settings)
    assert time.monotonic() - began < settings.total_timeout.total_seconds() + 0.5
    assert caught.value.source == "register"
    return caught.value


def test_an_answer_is_unpacked_and_known_again_by_its_etag(stand: Stand) -> None:
    first = got(stand.url)
    assert first.fresh
    assert b"clinics" in first.body
    again = got(stand.url, etag=first.etag)
    assert (again.fresh, again.body, again.etag) == (False, b"", first.etag)
    assert stand.asked[0][1]["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("fault", "kind", "said", "asked"),
    [
        ("reset", "reset", "the connection was broken off", 2),
        ("closed", "reset", "without response", 2),
        ("301-loop", "redirect", "round in a circle", 3),
        ("302-without-end", "redirect", "round in a circle", 6),
        ("301-elsewhere", "redirect", "another server, http://register.invalid/register", 1),
        ("401", "unauthorized", 'answers 401: {"title":"trouble"}', 1),
        ("403", "forbidden", "answers 403", 1),
        ("404", "not-found", "answers 404", 1),
        ("410", "gone", "answers 410", 1),
        ("418", "status", "answers 418", 1),
        ("429", "too-many-requests", "Retry-After 1", 2),
        ("500", "server-error", "answers 500", 2),
        ("502", "server-error", "answers 502", 2),
        ("503", "server-error", "answers 503", 2),
        ("429-for-an-hour", "timeout", "within 2 seconds in all", 1),
        ("silent", "timeout", "no answer in time", 2),
        ("slow-headers", "timeout", "within 2 seconds in all", 1),
        ("slow-drip", "timeout", "within 2 seconds in all", 1),
        ("truncated", "truncated", "broke off before its end", 1),
        ("gzip-bomb", "too-large", "more than 8 MB", 1),
        ("not-gzip", "malformed", "said to be gzip, and is not", 1),
        ("html", "malformed", "a web page, not JSON", 1),
    ],
)
def test_what_goes_wrong_is_told_apart_and_in_time(stand: Stand, fault: str, kind: str, said: str, asked: int) -> None:
    stand.fault = fault
    found = failure(stand.url)
    assert (found.kind, found.exit) == (kind, Exit.UNANSWERED)
    assert said in found.problem
    assert len(stand.asked) == asked


def test_a_name_that_nobody_knows_a_closed_door_and_no_address() -> None:
    assert failure("http://register.invalid/").kind == "dns"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused = failure(f"http://127.0.0.1:{port}/")
    assert (refused.kind, "nobody answers there" in refused.problem) == ("refused", True)
    assert failure("ftp://127.0.0.1/").kind == "address"


def test_what_is_nothing_of_that_is_told_as_it_is() -> None:
    assert of_trouble("register", "u", OSError("odd")).problem == "u: odd"
    assert "no safe connection" in of_trouble("register", "u", ssl.SSLError(1, "odd")).problem


# ---- who asks


def test_basic_and_bearer_are_sent_at_once(stand: Stand, tmp_path: Path) -> None:
    stand.user, stand.password = "rätt", "hemligt€"
    assert got(stand.url, QUICK._replace(user="rätt", password="hemligt€")).fresh
    assert failure(stand.url).kind == "unauthorized"
    kept = tmp_path / "secret"
    kept.write_text("hemligt€\n", encoding="utf-8")
    assert got(stand.url, QUICK._replace(user="rätt", password_file=kept)).fresh
    stand.token = "polett"
    assert got(stand.url, QUICK._replace(token="polett")).fresh
    kept.write_text("polett\n", encoding="utf-8")
    assert got(stand.url, QUICK._replace(token_file=kept)).fresh
    assert failure(stand.url, QUICK._replace(token_file=tmp_path / "gone")).exit is Exit.SETTINGS


def test_each_request_is_logged_as_a_command_without_its_secrets(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    got(stand.url, QUICK._replace(user="me", password="hemligt", ca=None), etag='"a b"')
    assert f'-H \'If-None-Match: "a b"\' -u "$RECONCILER_REGISTER_USER:$RECONCILER_REGISTER_PASSWORD" {stand.url}' in (
        caplog.text
    )
    got(stand.url, QUICK._replace(token="hemligt"))
    assert "hemligt" not in caplog.text
    assert "hemligt" not in repr(QUICK._replace(token="hemligt", password="hemligt"))
    named = curl("routes", QUICK._replace(ca=Path("ca.pem"), token_file=Path("t")), "https://a/b?c=d&e")
    assert named == (
        "curl -sS --compressed -H 'Accept: application/json' --cacert ca.pem"
        " -H \"Authorization: Bearer $ROUTES_TOKEN\" 'https://a/b?c=d&e'"
    ).replace("$ROUTES", "$RECONCILER_ROUTES")


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def certified(leaf: trustme.LeafCert) -> ssl.SSLContext:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(trust)
    return trust


def test_a_private_authority_is_trusted_when_it_is_named(authority: trustme.CA, ca: Path) -> None:
    with serving(Stand(DOCUMENT), tls=certified(authority.issue_cert("localhost"))) as url:
        assert got(url, QUICK._replace(ca=ca)).fresh
        unknown = failure(url)
        assert (unknown.kind, "signed by someone unknown" in unknown.problem) == ("tls", True)


@pytest.mark.parametrize(
    ("name", "until", "said"),
    [
        ("other.example", None, "is for another name"),
        ("localhost", datetime(2020, 1, 1, tzinfo=UTC), "has expired"),
    ],
)
def test_a_certificate_that_does_not_fit_is_told(
    authority: trustme.CA, ca: Path, name: str, until: datetime | None, said: str
) -> None:
    leaf = authority.issue_cert(name, not_after=until, not_before=until and until - timedelta(days=1))
    with serving(Stand(DOCUMENT), tls=certified(leaf)) as url:
        found = failure(url, QUICK._replace(ca=ca))
    assert (found.kind, said in found.problem) == ("tls", True)


def test_a_key_with_a_password_is_told_and_nobody_is_asked_for_it(authority: trustme.CA, tmp_path: Path) -> None:
    leaf = authority.issue_cert("client@example.org")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    leaf.cert_chain_pems[0].write_to_path(certificate)
    opened = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = serialization.BestAvailableEncryption(b"hemligt")
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(opened.private_bytes(pem, form, locked))
    found = failure("https://localhost:1/", QUICK._replace(certificate=certificate, key=key))
    assert (found.kind, found.remedy) == ("certificate", "give files in PEM form, the key without a password")


def test_whom_the_machine_trusts_is_read_once_for_all_who_are_asked(ca: Path) -> None:
    def trust(source: str, settings: HttpSettings) -> object:
        with session(source, settings) as opened:
            return opened.pool.connection_pool_kw["ssl_context"]

    machine = trust("register", QUICK)
    assert trust("tak", QUICK) is machine
    assert trust("register", QUICK._replace(ca=ca)) is not machine


def test_a_server_that_wants_a_client_certificate_gets_it(authority: trustme.CA, ca: Path, tmp_path: Path) -> None:
    trust = certified(authority.issue_cert("localhost"))
    trust.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(trust)
    client = authority.issue_cert("reconciler.example")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    client.cert_chain_pems[0].write_to_path(certificate)
    client.private_key_pem.write_to_path(key)
    asker = QUICK._replace(ca=ca)
    with serving(Stand(DOCUMENT), tls=trust) as url:
        assert got(url, asker._replace(certificate=certificate, key=key)).fresh
        assert failure(url, asker).kind in ("tls", "reset")
        wrong = failure(url, asker._replace(certificate=certificate, key=ca))
    assert (wrong.kind, wrong.exit) == ("certificate", Exit.SETTINGS)
    assert failure("https://localhost/", QUICK._replace(ca=tmp_path / "gone")).kind == "certificate"
    assert "--cert" in curl("register", asker._replace(certificate=certificate, key=key), url)
