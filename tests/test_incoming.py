"""A register that lies or is away: what is refused, region by region, what is remembered, and what one goes on with."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from little_country import Country, clinic, rules, steps, verdicts
from register_server import Stand, serving

from reconciler import pipeline, store
from reconciler.findings import Exit
from reconciler.judge import last_good
from reconciler.model import GoodPart, HsaId, Register, RegisterClinic, Remembered, RoutedPart
from reconciler.report import json as as_json
from reconciler.report import text
from reconciler.rules.incoming import routed_before

CODES = ("12", "13", "14")


@pytest.fixture
def country(tmp_path: Path) -> Country:
    """Three regions with ten clinics each, applied."""
    made = Country(tmp_path)
    for n, code in enumerate(CODES):
        made.declare(code, *range(100 * n, 100 * n + 10))
    assert made.apply().exit is Exit.DONE
    made.now += timedelta(days=1)
    return made


def remembered(country: Country) -> Remembered:
    with store.connected(store.engine(country.settings.database, writes=False)) as connection:
        return store.remembered(connection)


def sizes(country: Country) -> dict[str, int]:
    return {code: len(part.clinics) for code, part in remembered(country).parts.items() if code in CODES}


def lose(country: Country, code: str, count: int) -> list[str]:
    gone = [hsa_id for hsa_id, (_name, _status, region) in country.register.items() if region == code][:count]
    for hsa_id in gone:
        del country.register[hsa_id]
    country.write()
    return gone


def test_what_shrinks_is_refused_in_its_region_and_the_others_go_on(country: Country) -> None:
    lose(country, "14", 4)
    (new,) = country.declare("12", 50)
    lost = country.clinics["14"].pop()
    country.write()
    planned = country.plan()
    assert planned.exit() is Exit.REFUSED
    assert verdicts(planned) == {"12": "apply", "13": "unchanged", "14": "refused"}
    assert {"register-shrunk", "register-churned"} <= rules(planned)
    applied = country.apply()
    assert applied.exit is Exit.LEFT_OUT
    assert new in country.enrolled()
    assert lost in country.enrolled()
    assert sizes(country) == {"12": 11, "13": 10, "14": 10}
    verdict = country.sql("SELECT region, verdict, clinics FROM register_part WHERE verdict = 'suspect'")
    assert verdict == [("14", "suspect", 6)]


def test_what_is_suspect_never_becomes_the_measure_by_coming_again(country: Country) -> None:
    lose(country, "14", 4)
    for _day in range(3):
        assert country.apply().exit is Exit.LEFT_OUT
        country.now += timedelta(days=1)
    assert sizes(country)["14"] == 10


def test_a_little_less_passes_and_becomes_the_measure(country: Country) -> None:
    lose(country, "14", 1)
    assert country.apply().exit is Exit.DONE
    lose(country, "14", 1)
    country.now += timedelta(days=1)
    assert country.apply().exit is Exit.DONE
    assert sizes(country)["14"] == 8


def test_an_approved_part_becomes_the_good_one_and_the_approval_is_taken(country: Country) -> None:
    lose(country, "14", 4)
    country.approve("register-shrunk", "14", at_most=4)
    country.approve("register-churned", "14", at_most=4)
    assert country.apply().exit is Exit.DONE
    assert sizes(country)["14"] == 6
    assert [row[0] for row in country.sql("SELECT taken FROM approval_used")] == [4, 4]
    lose(country, "14", 4)
    country.now += timedelta(days=1)
    planned = country.plan()
    assert planned.exit() is Exit.REFUSED
    assert "approval-exhausted" in rules(planned)


def test_a_clinic_that_moves_to_a_suspect_region_waits(country: Country) -> None:
    lose(country, "14", 4)
    (mover, (name, status, _code)) = next(iter(country.register.items()))
    country.register[mover] = (name, status, "14")
    country.write()
    assert steps(country.plan()) == [f"14 move {mover[-4:]}"]
    country.apply()
    assert country.enrolled()[mover] == "12"


@pytest.mark.parametrize("what", ["names", "statuses", "ids"])
def test_as_many_clinics_that_are_other_ones_are_refused(country: Country, what: str) -> None:
    for hsa_id, (name, status, code) in list(country.register.items()):
        if code == "14":
            del country.register[hsa_id]
            changed = {"names": (name + " x", status, code), "statuses": (name, "inactive", code)}
            country.register[hsa_id + ("X" if what == "ids" else "")] = changed.get(what, (name, status, code))
    country.write()
    assert rules(country.plan()) & {"register-shrunk", "register-churned"} == {"register-churned"}
    country.apply()
    assert not [name for (name,) in country.sql("SELECT name FROM complaints_clinic") if name.endswith("x")]


def test_a_register_that_stands_still_is_told_where_that_is_wanted_and_begins_anew_when_approved(
    tmp_path: Path,
) -> None:
    country = Country(tmp_path, 'unmoved_after = "14d"\n[guards]\n')
    country.declare("14", 1)
    assert country.apply().exit is Exit.DONE

    def made(day: int) -> None:
        path = tmp_path / "register.csv"
        path.write_text(path.read_text().replace("2026-05-15", f"2026-05-{day}"), encoding="utf-8")
        country.now = datetime(2026, 5, day, 12, tzinfo=UTC)

    made(28)
    assert country.apply().exit is Exit.DONE
    country.write()
    made(30)
    assert "register-unmoved" in rules(country.plan())
    country.approve("register-unmoved", "14")
    country.approve("register-unmoved", "13")
    country.approve("register-unmoved", "12")
    made(30)
    assert country.apply().exit is Exit.DONE
    assert country.apply().exit is Exit.DONE
    assert remembered(country).parts["14"].since.day == 30


def test_so_many_answers_are_kept_and_those_that_are_the_measure(tmp_path: Path) -> None:
    country = Country(tmp_path, "keep = 2\n")
    country.declare("14", *range(10))
    country.declare("12", *range(100, 110))
    for day in range(5):
        if day == 1:
            lose(country, "14", 5)
        country.register[clinic(100 + day)] = (f"Ny {day}", "active", "12")
        country.write()
        country.now += timedelta(days=1)
        country.apply()
    assert country.sql("SELECT count(*) FROM register_snapshot") == [(3,)]
    assert sizes(country) == {"12": 10, "13": 0, "14": 10}


def test_a_region_that_is_not_kept_is_not_judged(tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.declare("14", 1)
    for n in range(20):
        country.register[clinic(500 + n)] = ("Annan", "active", "25")
    country.write()
    assert country.apply().exit is Exit.DONE
    lose(country, "25", 19)
    country.now += timedelta(days=1)
    assert country.apply().exit is Exit.DONE
    assert len(remembered(country).parts["25"].clinics) == 1


# ---- routes that vanish


ROUTES = '[routes]\nsource = "file"\npath = "routes.json"\nmax_age = "off"\n'


def route(country: Country, *numbers: int) -> None:
    """Have TAK route these clinics, and no other."""
    made, hsa_ids = country.now.isoformat(), [clinic(number) for number in numbers]
    text = json.dumps({"format": "reconciler/routes/1", "generated_at": made, "hsa_ids": hsa_ids})
    (country.folder / "routes.json").write_text(text, encoding="utf-8")


def routed(country: Country) -> dict[str, list[int]]:
    parts = remembered(country).routed.items()
    return {code: sorted(int(one[-4:]) for one in part.clinics) for code, part in parts if part.clinics}


@pytest.fixture
def tak(tmp_path: Path) -> Country:
    """Regions 12 and 14 have ten clinics each with systems of their own, which 1177 does not list; applied once."""
    made = Country(tmp_path, ROUTES)
    made.declare("12", 1)
    for number in range(200, 210):
        made.register[clinic(number)] = ("Egen", "active", "12")
        made.register[clinic(number + 200)] = ("Egen", "active", "14")
    made.write()
    route(made, *range(200, 210), *range(400, 410))
    assert made.apply().exit is Exit.DONE
    made.now += timedelta(days=1)
    return made


def test_a_clinic_whose_route_has_vanished_with_others_is_not_enrolled(tak: Country) -> None:
    route(tak, *range(200, 210), *range(402, 410))
    tak.clinics["14"].append(clinic(400))
    (new,) = tak.declare("12", 50)
    planned = tak.plan()
    assert (planned.exit(), verdicts(planned)) == (
        Exit.REFUSED,
        {"12": "apply", "13": "unchanged", "14": "refused"},
    )
    refused = next(one for one in planned.findings if one.is_error)
    assert (refused.rule.id, refused.values["count"], refused.values["size"]) == ("routes-shrunk", 2, 10)
    for _day in range(2):
        assert tak.apply().exit is Exit.LEFT_OUT
        assert tak.enrolled() == {clinic(1): "12", new: "12"}
        assert routed(tak) == {"12": list(range(200, 210)), "14": list(range(400, 410))}
        tak.now += timedelta(days=1)


def test_a_route_less_passes_and_becomes_the_measure(tak: Country) -> None:
    route(tak, *range(200, 210), *range(401, 410))
    assert tak.apply().exit is Exit.DONE
    assert routed(tak)["14"] == list(range(401, 410))
    tak.clinics["14"].append(clinic(400))
    tak.write()
    assert tak.apply().exit is Exit.DONE
    assert clinic(400) in tak.enrolled()


def test_a_clinic_that_waited_for_its_route_to_vanish_is_not_enrolled_because_it_has(tak: Country) -> None:
    tak.clinics["14"].append(clinic(400))
    tak.write()
    assert "clinic-routed-in-tak" in rules(tak.apply())
    route(tak, *range(200, 210), *range(401, 410))
    for _day in range(2):
        assert "routes-shrunk" in rules(tak.apply())
        assert clinic(400) not in tak.enrolled()
    tak.approve("routes-shrunk", "14")
    assert tak.apply().exit is Exit.DONE
    assert clinic(400) in tak.enrolled()


def test_a_route_that_goes_from_a_clinic_that_is_enrolled_does_no_harm(tak: Country) -> None:
    """Both systems was the mistake, and is put right in TAK."""
    enrolled = tak.declare("13", *range(300, 305))
    tak.apply()
    route(tak, *range(200, 210), *range(300, 305), *range(400, 410))
    assert "enrolled-clinic-routed-in-tak" in rules(tak.apply())
    assert routed(tak)["13"] == list(range(300, 305))
    route(tak, *range(200, 210), *range(400, 410))
    applied = tak.apply()
    assert (applied.exit, set(enrolled) <= tak.enrolled().keys(), "13" in routed(tak)) == (Exit.DONE, True, False)


def test_where_tak_has_lost_every_route_none_may_go(tmp_path: Path) -> None:
    country = Country(tmp_path, ROUTES)
    country.register[clinic(400)] = ("Egen", "active", "14")
    country.write()
    route(country, 400)
    assert country.apply().exit is Exit.DONE
    route(country)
    assert "routes-shrunk" in rules(country.plan())
    assert country.apply().exit is Exit.LEFT_OUT
    route(country, 999)
    assert country.apply().exit is Exit.DONE


def test_what_is_approved_becomes_the_measure_and_the_approval_is_taken(tak: Country) -> None:
    tak.approve("routes-shrunk", "14", at_most=10)
    route(tak, *range(200, 210))
    for _day in range(2):
        assert tak.apply().exit is Exit.DONE
        assert tak.sql("SELECT region, taken FROM approval_used") == [("14", 10)]
    assert routed(tak) == {"12": list(range(200, 210))}


def test_a_clinic_counts_where_the_register_has_it_now(tak: Country) -> None:
    """Two have gone to region 12 and two are closed: 14 has lost none of those that it has, 12 two of its twelve."""
    for number in (400, 401):
        tak.register[clinic(number)] = ("Egen", "active", "12")
    for number in (402, 403):
        del tak.register[clinic(number)]
    nine = "{ floor = 9, percent = 0, ceiling = 9 }"
    guards = f"[guards]\nregister-churned = {nine}\nregister-shrunk = {nine}\n"
    settings = tak.folder / "reconciler.toml"
    settings.write_text(settings.read_text() + guards, encoding="utf-8")
    tak.clinics["12"].append(clinic(400))
    tak.write()
    route(tak, *range(200, 210), *range(404, 410))
    for _day in range(2):
        applied = tak.apply()
        (refused,) = [one for one in applied.planned.findings if one.rule.id == "routes-shrunk"]
        assert (refused.region, refused.values["count"], refused.values["size"]) == ("12", 2, 12)
        assert routed(tak) == {"12": [*range(200, 210), 400, 401], "14": list(range(404, 410))}
        assert clinic(400) not in tak.enrolled()


def test_while_the_register_is_suspect_nobody_forgets_what_tak_has_said(tak: Country) -> None:
    """A clinic that neither knows any more may come back to the register before it comes back to TAK."""
    lost = {number: tak.register.pop(clinic(number)) for number in range(400, 405)}
    tak.write()
    route(tak, *range(200, 210), *range(405, 410))
    assert "register-shrunk" in rules(tak.apply())
    assert routed(tak)["14"] == list(range(400, 410))
    tak.register |= {clinic(number): entry for number, entry in lost.items()}
    tak.clinics["14"].append(clinic(400))
    tak.write()
    assert "routes-shrunk" in rules(tak.apply())
    assert tak.enrolled() == {clinic(1): "12"}


def test_where_tak_is_not_asked_what_it_said_is_kept(tak: Country) -> None:
    settings = tak.folder / "reconciler.toml"
    asked = settings.read_text()
    settings.write_text(asked.replace('source = "file"', 'source = "off"'), encoding="utf-8")
    assert tak.apply().exit is Exit.DONE
    assert routed(tak)["14"] == list(range(400, 410))


# ---- nobody answers


def document(country: Country, hour: int = 4) -> dict[str, object]:
    clinics = [
        {"hsa_id": hsa_id, "name": name, "status": status, "region_code": code}
        for hsa_id, (name, status, code) in country.register.items()
    ]
    made = country.now.replace(hour=hour).isoformat()
    return {"format": "reconciler/register/1", "generated_at": made, "complete": True, "clinics": clinics}


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand({})
    with serving(made):
        yield made


@pytest.fixture
def served(tmp_path: Path, stand: Stand) -> Country:
    """The same country, whose register is asked over HTTP; applied once."""
    made = Country(tmp_path, f'source = "http"\nurl = "{stand.url}"\nretries = 0\ntotal_timeout = "3s"\n')
    settings = tmp_path / "reconciler.toml"
    settings.write_text(settings.read_text().replace('max_age = "off"', 'max_age = "36h"'), encoding="utf-8")
    for n, code in enumerate(CODES):
        made.declare(code, *range(100 * n, 100 * n + 10))
    stand.document = document(made)
    assert made.apply().exit is Exit.DONE
    return made


def test_a_plan_goes_on_with_the_last_good_register_and_says_so_first(served: Country, stand: Stand) -> None:
    removed = served.clinics["14"].pop()
    served.write()
    stand.fault = "503"
    planned = served.plan()
    assert (planned.exit(), steps(planned)) == (Exit.DONE, [f"14 withdraw {removed[-4:]}"])
    told = as_json.plan(planned)
    assert told["register"]["cached_because"]["kind"] == "server-error"
    printed = io.StringIO()
    text.plan(told, text.console(printed))
    assert printed.getvalue().startswith(
        "the register does not answer; this rests on the last good one, of 2026-05-15 06:00"
    )


def test_apply_goes_on_with_it_only_where_that_is_allowed(served: Country, stand: Stand) -> None:
    removed = served.clinics["14"].pop()
    served.write()
    stand.fault = "reset"
    applied = served.apply()
    assert (applied.exit, applied.run) == (Exit.UNANSWERED, None)
    assert "--allow-cached-sources" in applied.planned.failures[0].remedy
    assert removed in served.enrolled()
    settings = served.folder / "reconciler.toml"
    settings.write_text(settings.read_text() + "allow_cached = true\n", encoding="utf-8")
    kept = served.sql("SELECT fetched_at FROM register_snapshot")
    assert served.apply().exit is Exit.DONE
    assert removed not in served.enrolled()
    assert served.sql("SELECT fetched_at FROM register_snapshot") == kept


def test_one_that_is_too_old_is_not_gone_on_with(served: Country, stand: Stand) -> None:
    stand.fault = "503"
    served.now += timedelta(days=2)
    assert served.plan().exit() is Exit.UNANSWERED


@pytest.mark.parametrize("fault", ["401", "html", "stale-date", "incomplete", "missing-field"])
def test_an_answer_that_is_wrong_is_no_silence(served: Country, stand: Stand, fault: str) -> None:
    stand.fault = fault
    assert served.plan().exit() is Exit.UNANSWERED


def test_what_is_held_is_not_fetched_again_unless_it_is_read_in_another_way(served: Country, stand: Stand) -> None:
    assert served.apply().exit is Exit.DONE
    assert "If-None-Match" in stand.asked[-1][1]
    settings = served.folder / "reconciler.toml"
    settings.write_text(settings.read_text() + 'region_codes = { "SE-M" = "12" }\n', encoding="utf-8")
    assert served.apply().exit is Exit.DONE
    assert "If-None-Match" not in stand.asked[-1][1]


# ---- what the last good parts make together


def test_a_clinic_that_two_parts_know_is_where_the_newer_one_has_it() -> None:
    one, old, new = HsaId("SE1-A"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    moved = {code: {one: RegisterClinic("A", True, code)} for code in ("12", "14")}
    parts = {"12": GoodPart(moved["12"], new, new), "14": GoodPart(moved["14"], old, old)}
    found = last_good(Remembered(parts), ("14",))
    assert found
    assert (found.clinics[one].region_code, found.generated_at) == ("12", old)
    elsewhere = last_good(Remembered(parts), ("01",))
    assert elsewhere
    assert elsewhere.generated_at == new
    assert last_good(Remembered(), ("14",)) is None


def test_a_database_of_the_first_version_is_brought_up_and_has_no_measure_yet(country: Country) -> None:
    country.sql("DROP TABLE routes_part")
    country.sql("DROP TABLE register_part")
    country.sql("ALTER TABLE register_snapshot DROP COLUMN etag")
    country.sql("ALTER TABLE register_snapshot DROP COLUMN asked")
    country.sql("UPDATE reconciler_version SET version_num = '0001'")
    assert "run: reconciler db" in country.plan().failures[0].remedy
    store.upgrade(country.settings.database)
    lose(country, "14", 9)
    assert remembered(country).parts == {}
    assert country.apply().exit is Exit.DONE
    assert sizes(country)["14"] == 1
    assert isinstance(remembered(country).newest, Register)
    assert json.loads(as_json.dump(as_json.plan(pipeline.plan(country.settings, country.now))))


def test_a_clinic_that_two_answers_routed_was_routed_when_the_newer_one_was_made() -> None:
    """It moved from 14 to 12 between them, so that each region remembers it."""
    one, old = HsaId(clinic(1)), datetime(2026, 5, 1, tzinfo=UTC)
    new, gone = old + timedelta(days=1), HsaId(clinic(2))
    parts = {"12": RoutedPart(frozenset({one}), new), "14": RoutedPart(frozenset({one, gone}), old)}
    register = Register({one: RegisterClinic("Ett", True, "12")}, new, "d")
    assert routed_before(Remembered(routed=parts), register) == {"12": {one: new}, "14": {gone: old}}
