"""TAK's export file in both its forms, and the HSA tree above the clinics."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import made_tak
import pytest
from made_tak import BACK, COMPLAINTS, LISTING, NOW_ROUTED, OUT, OWN

from reconciler.findings import Exit, Failure
from reconciler.model import Routes, RoutesSettings
from reconciler.sources import parents, routes, tak, takdump

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SETTINGS = RoutesSettings(source="takdump", domain=COMPLAINTS)


def asked(folder: Path, document: object, now: datetime = NOW, **more: Any) -> Routes:
    path = folder / "takdump_ntjp_test.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return routes.ask(SETTINGS._replace(path=path, **more), now)


def refused(folder: Path, document: object, now: datetime = NOW, **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        asked(folder, document, now, **more)
    assert (caught.value.source, caught.value.exit) == ("routes", Exit.UNANSWERED)
    return caught.value


@pytest.mark.parametrize(
    ("namespace", "domain"),
    [
        ("urn:riv:itintegration:registry:GetSupportedServiceContractsResponder:2", "itintegration:registry"),
        ("urn:riv:crm:carelisting:GetListingResponder:1", "crm:carelisting"),
        (OUT, COMPLAINTS),
        ("SomethingElse", "SomethingElse"),
    ],
)
def test_a_contract_belongs_to_what_stands_before_its_name(namespace: str, domain: str) -> None:
    assert tak.domain_of(namespace) == domain


def test_both_forms_packed_or_not_give_the_same_routes(tmp_path: Path) -> None:
    first = asked(tmp_path, made_tak.dump(numbers=True))
    assert (first.hsa_ids, first.asked) == (NOW_ROUTED, True)
    assert first == asked(tmp_path, made_tak.dump(numbers=False))
    assert first == asked(tmp_path, gzip.compress(json.dumps(made_tak.dump(numbers=True)).encode()))
    assert first == asked(tmp_path, b"\xef\xbb\xbf" + json.dumps(made_tak.dump(numbers=True)).encode())


@pytest.mark.parametrize("domain", ["crm:carelisting", "urn:riv:crm:carelisting"])
def test_the_domain_is_written_as_the_api_writes_it_or_in_full(tmp_path: Path, domain: str) -> None:
    found = asked(tmp_path, made_tak.dump(numbers=True), domain=domain).hsa_ids
    assert found == {"SE2321000016-EX03", "01", "5560000000"}


def test_only_the_contracts_that_are_named_count(tmp_path: Path) -> None:
    document = made_tak.dump(numbers=False)
    assert asked(tmp_path, document, contracts=(OUT,)).hsa_ids == NOW_ROUTED - {OWN}
    assert asked(tmp_path, document, contracts=(BACK,)).hsa_ids == {OWN}
    failure = refused(tmp_path, document, contracts=(OUT, LISTING))
    assert failure.kind == "contract"
    assert f"has no contract {LISTING}; it has: {BACK}, {OUT}" in failure.problem


def test_an_address_that_is_ignored_is_ignored_in_any_case(tmp_path: Path) -> None:
    found = asked(tmp_path, made_tak.dump(numbers=True), ignore=(OWN.lower(), " SE2321000016-ex01 "))
    assert found.hsa_ids == NOW_ROUTED - {OWN, "SE2321000016-EX01"}


def test_a_route_counts_from_its_first_moment_and_until_its_last(tmp_path: Path) -> None:
    def routed_at(text: str) -> frozenset[str]:
        document = made_tak.dump(numbers=True, made="2026-11-01T00:00:00Z")
        return asked(tmp_path, document, datetime.fromisoformat(text), max_age=None).hsa_ids

    assert "SE2321000016-EXPAST" in routed_at("2026-11-23T22:59:59Z")
    assert "SE2321000016-EXPAST" not in routed_at("2026-11-23T23:00:00Z")
    assert "SE2321000016-EXSOON" not in routed_at("2026-12-31T22:59:59Z")
    assert "SE2321000016-EXSOON" in routed_at("2026-12-31T23:00:00Z")


def changed(change: Callable[[dict[str, Any]], Any], *, numbers: bool = True) -> dict[str, Any]:
    document = copy.deepcopy(made_tak.dump(numbers=numbers))
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda d: d.pop("formatVersion"), "malformed", "it is not a TAK export of formatVersion 1"),
        (lambda d: d.update(formatVersion="2"), "malformed", "it is not a TAK export of formatVersion 1"),
        (lambda d: d.pop("data"), "malformed", "data is missing"),
        (lambda d: d["data"].pop("vagval"), "malformed", "data.vagval is missing, or not a list of objects"),
        (lambda d: d["data"]["tjanstekontrakt"].append(1), "malformed", "data.tjanstekontrakt is missing, or not"),
        (lambda d: d["data"]["vagval"].clear(), "malformed", "it holds no route at all"),
        (lambda d: d["data"]["vagval"].append(d["data"]["vagval"][0]), "malformed", "data.vagval 205: the number"),
        (lambda d: d["data"]["vagval"][0].pop("relationships"), "malformed", "data.vagval 205: relationships is"),
        (lambda d: d["data"]["logiskadress"].clear(), "malformed", "data.vagval 205: logiskadress refers to"),
        (
            lambda d: [one.update(hsaId=" ") for one in d["data"]["logiskadress"]],
            "malformed",
            "it has no logical address",
        ),
        (lambda d: d["data"]["vagval"][0].pop("tomTidpunkt"), "malformed", "205: tomTidpunkt is None, not a time"),
        (lambda d: d["data"]["vagval"][0].update(fromTidpunkt="2016-01-01T00:00:00"), "malformed", "not a time with"),
        (
            lambda d: d["data"]["vagval"][0]["relationships"].update(tjanstekontrakt=OUT + "0"),
            "malformed",
            "data.vagval 205: tjanstekontrakt refers to",
        ),
        (lambda d: d["data"]["tjanstekontrakt"].clear(), "domain", f"TAK does not know the domain {COMPLAINTS}"),
        (lambda d: d.pop("tidpunkt"), "time", "tidpunkt is None, not a time with its zone"),
        (lambda d: d.update(tidpunkt="2026-11-22T00:00:00Z"), "stale", "it is 60 hours old; 36 are allowed"),
        (lambda d: d.update(tidpunkt="2026-11-25T00:00:00Z"), "future", "which is still to come"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_a_failure_that_names_the_row(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], kind: str, said: str
) -> None:
    failure = refused(tmp_path, changed(change))
    assert failure.kind == kind
    assert said in failure.problem
    assert failure.remedy


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "this is not JSON"),
        (b"null", "it is not a TAK export"),
        (b"[]", "it is not a TAK export"),
        (b'{"formatVersion": "1", "data": ' + b"[" * 100_000, "this is not JSON"),
        (b"<html>", "this is not JSON"),
        (b"\xff", "byte 1 is not UTF-8"),
        (b'{"formatVersion": "1", "formatVersion": "1"}', "the key formatVersion stands twice in one record"),
        (b"\x1f\x8b" + b"\xff" * 20, "this is not gzip"),
        (gzip.compress(b"{}" * 1000, mtime=0)[:-12], "it ends too early"),
        (gzip.compress(b" " * 3000, mtime=0), "unpacked it holds more than"),
    ],
)
def test_a_file_that_is_no_export_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    monkeypatch.setattr(takdump, "MOST", 2500)
    failure = refused(tmp_path, content)
    assert (failure.kind, said in failure.problem) == ("malformed", True)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="gone cannot be read"):
        routes.ask(SETTINGS._replace(path=tmp_path / "gone"), NOW)


# ---- parents


TREE = """hsa_id,parent_hsa_id
SE,
SE2321000255-EXTOP,SE
SE2321000255-EXPARENT,SE2321000255-EXTOP
SE2321000255-ex05,se2321000255-exparent
SE2321000255-EX06,SE2321000255-EX05
SE2321000016-EX01,SE2321000255-EXPARENT
SE2321000016-EX09,SE
"""


def tree(folder: Path, text: str = TREE) -> Path:
    path = folder / "parents.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("written", [TREE, "\ufeff" + TREE.replace("\n", "\r\n"), TREE.replace(",", ";")])
def test_a_route_covers_all_units_below_it(tmp_path: Path, written: str) -> None:
    found = asked(tmp_path, made_tak.dump(numbers=True), parents=tree(tmp_path, written))
    assert found.hsa_ids == NOW_ROUTED | {"SE2321000255-EX05", "SE2321000255-EX06"}
    assert found.above == dict.fromkeys(["SE2321000255-EX05", "SE2321000255-EX06"], "SE2321000255-EXPARENT")
    assert found.placed is not None
    assert "SE2321000016-EX09" in found.placed
    assert found.digest != asked(tmp_path, made_tak.dump(numbers=True)).digest


def test_a_route_on_the_root_covers_nobody_by_itself(tmp_path: Path) -> None:
    document = made_tak.dump(numbers=True, routes=(made_tak.Route("SE"), made_tak.Route("*")))
    assert asked(tmp_path, document, parents=tree(tmp_path)).hsa_ids == {"SE", "*"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the header should be hsa_id,parent_hsa_id"),
        ("unit,parent\n", "the header should be"),
        ("hsa_id,parent_hsa_id\nA\n", "row 2 has 1 fields, not 2"),
        ("hsa_id,parent_hsa_id\n ,B\n", "row 2 has no hsa_id"),
        ("hsa_id,parent_hsa_id\nA,B\nC\u2028D,B\n", "row 3 has no hsa_id"),
        ("hsa_id,parent_hsa_id\nA,B\nC,B\u2028D\n", "row 3: the parent holds an invisible character"),
        ("hsa_id,parent_hsa_id\nA,B\na,C\n", "row 3: A stands twice"),
        ("hsa_id,parent_hsa_id\nA,B\nB,C\nC,A\n", "A stands above itself"),
        ("hsa_id,parent_hsa_id\nA,A\n", "A stands above itself"),
        ('hsa_id,parent_hsa_id\n"A,B\n', "this is not CSV"),
    ],
)
def test_a_tree_that_is_none_is_a_failure(tmp_path: Path, text: str, said: str) -> None:
    failure = refused(tmp_path, made_tak.dump(numbers=True), parents=tree(tmp_path, text))
    assert (failure.kind, said in failure.problem) == ("malformed", True)


def test_a_deep_tree_is_climbed_once() -> None:
    depth = 100_000
    chain = {str(n): str(n + 1) for n in range(depth)}
    found = parents.covered(chain, frozenset({str(depth)}), Path())
    assert found == dict.fromkeys(chain, str(depth))


def test_the_nearest_route_above_is_the_one_that_counts() -> None:
    above = parents.covered({"A": "B", "B": "C", "C": "D"}, frozenset({"B", "D"}), Path())
    assert above == {"A": "B", "C": "D"}


def test_times_are_compared_across_zones(tmp_path: Path) -> None:
    document = made_tak.dump(numbers=True, made="2026-11-24T13:03:00+0100")
    assert asked(tmp_path, document).generated_at == NOW + timedelta(minutes=3)
