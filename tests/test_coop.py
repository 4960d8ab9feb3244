"""Asking the TAK API: the same set as from the export, and every answer that does not fit is told apart."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import made_tak
import pytest
import register_server
import tak_server
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from made_tak import BACK, COMPLAINTS, LISTING, LISTING_EXTRA, LISTING_TYPES, NOW_ROUTED, OUT, OWN, Route
from tak_server import ROOT, Stand

from reconciler.findings import Failure
from reconciler.model import HttpSettings, Routes, RoutesSettings
from reconciler.sources import routes

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUICK = HttpSettings(
    user="tak",
    password="not-to-be-seen",
    connect_timeout=timedelta(seconds=1),
    read_timeout=timedelta(seconds=0.4),
    total_timeout=timedelta(seconds=1.5),
    retries=1,
    backoff=timedelta(milliseconds=1),
    max_megabytes=8,
)
SETTINGS = RoutesSettings(source="coop", platform="NTJP", environment="TEST", domain=COMPLAINTS, http=QUICK)


@pytest.fixture(scope="module")
def server() -> Iterator[Stand]:
    made = Stand({}, user="tak", password="not-to-be-seen")
    with register_server.serving(made, handler=tak_server.Handler) as url:
        made.url = url.removesuffix("/register")
        yield made


@pytest.fixture
def stand(server: Stand) -> Stand:
    server.fault, server.at, server.asked = "", "", []
    server.tak = tak_server.tak(made_tak.dump(numbers=True))
    server.change = lambda _resource, rows: rows
    return server


def asked(stand: Stand, path: str = ROOT, **more: Any) -> Routes:
    return routes.ask(SETTINGS._replace(http=QUICK._replace(url=stand.url + path), **more), NOW)


def refused(stand: Stand, path: str = ROOT, **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        asked(stand, path, **more)
    assert caught.value.source == "routes"
    return caught.value


# ---- the same set from the same data


def from_both(stand: Stand, folder: Path, document: dict[str, Any], **more: Any) -> tuple[object, object]:
    path = folder / "takdump_ntjp_test.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    stand.tak = tak_server.tak(document, path.name)
    found: list[object] = []
    for source in ("coop", "takdump"):
        at = {"source": source, "path": path, "http": QUICK._replace(url=stand.url + ROOT)}
        try:
            found.append(routes.ask(SETTINGS._replace(**at, **more), NOW))
        except Failure as failure:
            found.append((failure.kind, failure.problem))
    return found[0], found[1]


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("domain", [COMPLAINTS, "crm:carelisting", "urn:riv:crm:carelisting", "crm", "crm:other"])
@pytest.mark.parametrize("contracts", [(), (OUT,), (LISTING, LISTING_TYPES), (LISTING_EXTRA,)])
def test_api_and_export_give_the_same_set(
    stand: Stand, tmp_path: Path, numbers: bool, domain: str, contracts: tuple[str, ...]
) -> None:
    document = made_tak.dump(numbers=numbers)
    api, export = from_both(stand, tmp_path, document, domain=domain, contracts=contracts, ignore=(OWN.lower(),))
    assert api == export


@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    some.lists(
        some.builds(
            Route,
            some.sampled_from(["SE2321000016-EX01", "se2321000016-ex01", "01", "SE", "*", OWN, "SE2321000016-EX07"]),
            some.sampled_from([OUT, BACK, LISTING, LISTING_EXTRA]),
            some.sampled_from(["SE2321000016-EX0P", "se2321000016-ex0p"]),
            some.sampled_from([made_tak.ALWAYS, made_tak.ROUTES[4].valid, made_tak.ROUTES[5].valid]),
        ),
        min_size=1,
        max_size=8,
    ),
    some.booleans(),
)
def test_api_and_export_agree_whatever_tak_holds(
    stand: Stand, tmp_path: Path, held: list[Route], numbers: bool
) -> None:
    api, export = from_both(stand, tmp_path, made_tak.dump(numbers=numbers, routes=tuple(held)))
    assert api == export


# ---- how it is asked


def test_the_routes_are_found_in_five_questions(stand: Stand) -> None:
    found = asked(stand)
    assert (found.hsa_ids, found.asked) == (NOW_ROUTED, True)
    assert found.generated_at == datetime(2026, 11, 24, tzinfo=UTC)
    paths = [path.removeprefix(ROOT).partition("?")[0] for path, _headers in stand.asked]
    assert paths == ["connectionPoints", "serviceDomains", "serviceContracts", "serviceProductions", "connectionPoints"]
    assert "include=connectionPoint,logicalAddress,serviceContract,serviceProducer" in stand.asked[3][0]
    assert {headers["Authorization"][:6] for _path, headers in stand.asked} == {"Basic "}, "sent before it is asked for"


def test_ids_are_made_anew_at_each_start_and_do_not_matter(stand: Stand) -> None:
    first = asked(stand)
    before = [one["id"] for one in stand.tak.resources["serviceProductions"]]
    stand.tak.number()
    assert before != [one["id"] for one in stand.tak.resources["serviceProductions"]]
    assert asked(stand) == first


def test_an_import_in_between_is_noticed_and_asked_again(stand: Stand) -> None:
    seen: list[str] = []

    def imported_after_the_first_question(resource: str, rows: Any) -> Any:
        seen.append(resource)
        if len(seen) == 1:
            stand.tak.number()
        return rows

    stand.change = imported_after_the_first_question
    assert asked(stand).hsa_ids == NOW_ROUTED
    assert seen.count("serviceProductions") == 2


def test_imports_without_end_are_a_failure(stand: Stand) -> None:
    def always(resource: str, rows: Any) -> Any:
        if resource == "serviceProductions":
            stand.tak.number()
        return rows

    stand.change = always
    assert refused(stand).kind == "changed-meanwhile"


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_address_may_end_with_a_slash(stand: Stand, slash: str) -> None:
    assert asked(stand, ROOT.rstrip("/") + slash).hsa_ids == NOW_ROUTED


# ---- what is told apart


def test_a_wrong_account_is_told(stand: Stand) -> None:
    http = QUICK._replace(url=stand.url + ROOT, password="wrong-one")
    with pytest.raises(Failure) as caught:
        routes.ask(SETTINGS._replace(http=http), NOW)
    failure = caught.value
    assert (failure.kind, "RECONCILER_ROUTES_PASSWORD" in failure.remedy) == ("unauthorized", True)
    assert "wrong-one" not in failure.problem + failure.remedy
    assert len(stand.asked) == 1, "an account may be locked by trying"


def test_version_1_is_told(stand: Stand) -> None:
    failure = refused(stand, "/coop/api/v1")
    assert (failure.kind, "write url as https://server/coop/api/v2" in failure.remedy) == ("gone", True)


def test_a_wrong_address_is_told(stand: Stand) -> None:
    failure = refused(stand, "/coop/api")
    assert (failure.kind, "as far as the version" in failure.remedy) == ("not-found", True)


def test_an_address_that_is_not_let_in_is_told(stand: Stand) -> None:
    stand.fault = "403"
    assert "have this machine's added" in refused(stand).remedy


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"environment": "PROD"}, "connection-point", "NTJP PROD is found 0 times among what TAK has: NTJP TEST"),
        ({"platform": "SLL"}, "connection-point", "SLL TEST is found 0 times"),
        ({"domain": "crm"}, "domain", "TAK does not know the domain crm"),
        ({"domain": "crm:carelist"}, "domain", "TAK does not know the domain crm:carelist"),
        ({"contracts": (LISTING,)}, "contract", f"has no contract {LISTING}; it has: {BACK}, {OUT}"),
        ({"max_age": timedelta(hours=11)}, "stale", "it is 12 hours old; 11 are allowed"),
    ],
)
def test_what_the_settings_say_must_be_found(stand: Stand, settings: dict[str, Any], kind: str, said: str) -> None:
    failure = refused(stand, **settings)
    assert failure.kind == kind
    assert said in failure.problem


def empty(wanted: str) -> Any:
    return lambda resource, rows: [] if resource == wanted else rows


@pytest.mark.parametrize(
    ("resource", "kind", "said"),
    [
        ("connectionPoints", "connection-point", "among what TAK has: nothing"),
        ("serviceDomains", "domain", "TAK does not know the domain"),
        ("serviceContracts", "domain", "or no contract of it"),
    ],
)
def test_an_empty_list_is_believed_for_routes_only(stand: Stand, resource: str, kind: str, said: str) -> None:
    stand.change = empty(resource)
    failure = refused(stand)
    assert (failure.kind, said in failure.problem) == (kind, True)
    stand.change = empty("serviceProductions")
    assert asked(stand).hsa_ids == frozenset()


def altered(wanted: str, change: Any) -> Any:
    def altering(resource: str, rows: Any) -> Any:
        if resource == wanted:
            rows = json.loads(json.dumps(rows))
            made = change(rows)
            return made if isinstance(made, list) or made == {} else rows
        return rows

    return altering


@pytest.mark.parametrize(
    ("resource", "change", "said"),
    [
        ("connectionPoints", lambda rows: {}, "this is not a list"),
        ("connectionPoints", lambda rows: [1], "connectionPoints [0]: it has no id"),
        ("connectionPoints", lambda rows: rows[0].pop("snapshotTime"), "snapshotTime is missing"),
        ("serviceDomains", lambda rows: rows[0].update(id="1"), "it has no id"),
        ("serviceDomains", lambda rows: rows[0].pop("namespace"), "namespace is missing"),
        ("serviceDomains", lambda rows: rows * 2, "one id stands twice"),
        ("serviceDomains", lambda rows: [*rows, {**rows[0], "id": 99999}], "2 times"),
        ("serviceContracts", lambda rows: rows[0].update(namespace=1), "namespace is missing"),
        ("serviceProductions", lambda rows: rows[0].pop("logicalAddress"), "[0]: logicalAddress is missing"),
        ("serviceProductions", lambda rows: rows[0].pop("serviceContract"), "serviceContract is missing"),
        ("serviceProductions", lambda rows: rows[0]["logicalAddress"].pop("logicalAddress"), "it has no logical addr"),
        ("serviceProductions", lambda rows: rows[0]["connectionPoint"].update(id=0), "it is of another platform"),
        ("serviceProductions", lambda rows: rows[0]["serviceContract"].update(namespace="x"), "of the contract x"),
    ],
)
def test_an_answer_that_does_not_fit_is_a_failure(stand: Stand, resource: str, change: Any, said: str) -> None:
    stand.change = altered(resource, change)
    failure = refused(stand)
    assert said in failure.problem


@pytest.mark.parametrize("at", ["connectionPoints", "serviceProductions"])
def test_an_answer_that_is_no_json_is_a_failure(stand: Stand, at: str) -> None:
    stand.fault, stand.at = "empty-body", at
    failure = refused(stand)
    assert (failure.kind, "this is not JSON" in failure.problem, at in failure.problem) == ("malformed", True, True)


def test_a_key_that_stands_twice_is_a_failure_that_names_the_record(stand: Stand) -> None:
    stand.fault, stand.at = "key-twice", "serviceProductions"
    failure = refused(stand)
    assert "the key id stands twice in one record (id: 7, id: " in failure.problem
    assert failure.remedy == "nothing is guessed: ask TAK's owner"


# ---- the stand-in is like its model


def test_the_stand_in_answers_as_the_api_does(stand: Stand) -> None:
    rows = stand.tak.resources
    (route, *_more) = tak_server.answer(stand.tak, "serviceProductions", {})
    assert set(route) == {"id", "physicalAddress", "rivtaProfile"}, "include is never all by default"
    assert route["physicalAddress"].startswith("https://....example.org....8443..../")
    found = tak_server.answer(stand.tak, "serviceDomains", {"namespace": "crm:carelisting"})
    assert [one["namespace"] for one in found] == ["crm:carelisting", "crm:carelistingextra"]
    assert {one["name"] for one in found} == {"namn"}
    assert "description" not in tak_server.answer(stand.tak, "serviceProducers", {})[0], "what is empty is left out"
    assert tak_server.answer(stand.tak, "serviceProductions", {"serviceDomainId": "999999"}) == []
    number = rows["logicalAddresses"][0]["id"]
    assert tak_server.answer(stand.tak, f"logicalAddresses/{number}.json", {})["id"] == number
    assert len(tak_server.answer(stand.tak, "logicalAddresses", {"logicalAdress": "01"})) == 1
    for path, query, status in [
        ("logicalAddresses/0", {}, 404),
        ("nothing", {}, 404),
        ("serviceProductions", {"connectionPointId": "abc"}, 400),
    ]:
        with pytest.raises(tak_server.Wrong) as caught:
            tak_server.answer(stand.tak, path, query)
        assert caught.value.args[0] == status
    for resource, filters in tak_server.FILTERS.items():
        for name in filters:
            assert isinstance(tak_server.answer(stand.tak, resource, {name: "0"}), list)


POINT = {"id": int, "platform": str, "environment": str, "snapshotTime": str}
ADDRESS = {"id": int, "description": str, "logicalAddress": str}
PARTY = {"id": int, "description": str, "hsaId": str}
CONTRACT = {"id": int, "name": str, "namespace": str, "major": int, "minor": int}
REFERRED = {"logicalAddress": ADDRESS, "connectionPoint": POINT, "serviceContract": CONTRACT}
PUBLISHED: dict[str, tuple[dict[str, Any], str]] = {
    "connectionPoints": (
        POINT,
        "platform environment serviceConsumerId logicalAddressId serviceContractId serviceProducerId",
    ),
    "serviceDomains": ({"id": int, "name": str, "namespace": str}, "namespace"),
    "serviceContracts": (
        CONTRACT,
        "namespace connectionPointId logicalAddressId serviceConsumerId serviceProducerId serviceDomainId",
    ),
    "logicalAddresses": (
        ADDRESS,
        "logicalAdress connectionPointId serviceProducerId serviceContractId serviceConsumerId",
    ),
    "serviceProducers": (
        {**PARTY, "connectionPoint": POINT},
        "hsaId connectionPointId logicalAddressId serviceContractId serviceConsumerId",
    ),
    "serviceConsumers": (
        {**PARTY, "connectionPoint": POINT},
        "connectionPointId logicalAddressId serviceContractId serviceProducerId",
    ),
    "serviceProductions": (
        {"id": int, "physicalAddress": str, "rivtaProfile": str, "serviceProducer": PARTY, **REFERRED},
        "physicalAddress rivtaProfile connectionPointId logicalAddressId serviceContractId serviceProducerId "
        "serviceDomainId include",
    ),
    "cooperations": (
        {"id": int, "serviceConsumer": PARTY, **REFERRED},
        "connectionPointId logicalAddressId serviceContractId serviceConsumerId serviceDomainId include",
    ),
    "installedContracts": (
        {"id": int, "connectionPoint": POINT, "serviceContract": CONTRACT},
        "connectionPointId serviceContractId serviceDomainId",
    ),
}
"""Each resource's fields and filters, as the API's own description and code have them."""


@pytest.mark.parametrize("resource", PUBLISHED)
def test_the_stand_in_has_the_fields_and_the_filters_that_are_published(stand: Stand, resource: str) -> None:
    fields, filters = PUBLISHED[resource]
    known = {*tak_server.FILTERS[resource], *(key for of, key in tak_server.NOT_MODELLED if of == resource)}
    assert known | ({"include"} if resource in tak_server.INCLUDED else set()) == set(filters.split())
    include = "connectionPoint,logicalAddress,serviceContract,serviceProducer,serviceConsumer"
    rows = tak_server.answer(stand.tak, resource, {"include": include})
    assert rows
    for row in rows:
        assert isinstance(row, dict)
        fits(row, fields)


def fits(row: dict[str, Any], fields: dict[str, Any]) -> None:
    """Demand that the row has nothing that is not published; what is empty may be left out."""
    for key, value in row.items():
        if isinstance(fields[key], dict):
            fits(value, fields[key])
        else:
            assert type(value) is fields[key], key


@pytest.mark.parametrize(("resource", "key"), sorted(tak_server.NOT_MODELLED))
def test_what_the_stand_in_cannot_do_it_says(stand: Stand, resource: str, key: str) -> None:
    with pytest.raises(tak_server.Wrong) as caught:
        tak_server.answer(stand.tak, resource, {key: "1"})
    assert caught.value.args[0] == 501


def test_requests_can_be_pasted_and_hold_no_secret(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="reconciler"):
        asked(stand)
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("curl ")]
    assert len(lines) == 5
    assert '-u "$RECONCILER_ROUTES_USER:$RECONCILER_ROUTES_PASSWORD"' in lines[0]
    assert "not-to-be-seen" not in caplog.text
