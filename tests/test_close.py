"""Close spellings: what is offered, and what is not like anything."""

import pytest

from reconciler.rules import close as closeness
from reconciler.rules.close import SWEDISH_KEYS, close, close_id, close_key, close_number, meant_clinics

REGION_KEYS = ["version", "region", "name", "patient_board", "clinics"]
BOARD_KEYS = ["hsa_id", "name", "support_order"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("clinic", "clinics"),
        ("Clinics", "clinics"),
        ("patientboard", "patient_board"),
        ("patient-board", "patient_board"),
        ("versoin", "version"),
        ("mottagningar", "clinics"),
        ("Namn", "name"),
        ("patientnämnd", "patient_board"),
        ("Patientnämnd", "patient_board"),
        ("regionkod", "region"),
        ("contact", None),
        ("", None),
    ],
)
def test_a_key_is_offered_in_english_for_what_was_typed_in_either_language(typed, meant):
    assert close_key(typed, REGION_KEYS) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hsaid", "hsa_id"),
        ("HSA-id", "hsa_id"),
        ("beställning", "support_order"),
        ("namn", "name"),
        ("suport_order", "support_order"),
    ],
)
def test_the_keys_of_a_board_are_offered_too(typed, meant):
    assert close_key(typed, BOARD_KEYS) == meant


def test_a_swedish_word_is_offered_only_where_its_key_belongs():
    assert close_key("mottagningar", BOARD_KEYS) is None
    assert close_key("beställning", REGION_KEYS) is None


def test_each_swedish_word_stands_for_a_key_that_there_is():
    assert set(SWEDISH_KEYS.values()) <= {*REGION_KEYS, *BOARD_KEYS}


def test_the_closest_is_offered_whatever_order_they_come_in():
    choices = ["region skåne", "region halland", "region kronoberg"]
    assert close("region skane", choices) == close("region skane", reversed(choices)) == "region skåne"


def test_of_two_that_are_equally_close_the_first_by_letter_is_offered():
    assert close("clinicx", ["clinicz", "clinicy"]) == close("clinicx", ["clinicy", "clinicz"]) == "clinicy"


def test_nothing_is_offered_where_nothing_is_like_it():
    assert close("mottagning", ["version", "region"]) is None
    assert close("mottagning", []) is None


ID = "SE2321000131-E000000000458"


@pytest.mark.parametrize(
    "typed",
    [
        ID,
        "SE2321000131-E000000000485",  # two digits changed places
        "SE2321000131-E00000000458",  # one is missing
        "SE2321000131-E0000000000458",  # one too many
        "SE2321000131-E000000000457",
        "SE2321000131-F000000000457",
    ],
)
def test_an_id_is_offered_that_is_one_or_two_characters_off(typed):
    assert close_id(typed, [ID, "SE2321000131-E000000008388"]) == ID


def test_an_id_three_characters_off_is_another_clinic():
    assert close_id("SE2321000131-E000000000111", [ID]) is None
    assert close_id(ID, []) is None


def test_the_closest_of_several_ids_is_offered():
    assert close_id("SE2321000131-E000000000459", ["SE2321000131-E000000000468", ID]) == ID
    assert close_id("SE2321000131-E000000000459", iter([ID, "SE2321000131-E000000000468"])) == ID


KNOWN = {ID: "Närhälsan Ågårdsskogen", "SE2321000131-E1": "Vårdcentralen Eden", "SE2321000131-E2": "Vårdcentralen Eden"}


@pytest.mark.parametrize(
    ("typed", "name", "meant"),
    [
        ("SE2321000131-E000000000459", "Vårdcentralen Norr", ID),  # the id is close
        ("SE2321000131-X", "närhälsan ågårdsskogen", ID),  # the name is the same
        ("SE2321000131-X", "Närhälsan Ågårdskogen", ID),  # the name is almost the same
        ("SE2321000131-XYZ", "Vårdcentralen Eden", None),  # two clinics have the name
        ("SE2321000131-XYZ", "Vårdcentralen Norr", None),
    ],
)
def test_a_clinic_is_offered_by_its_id_or_by_its_name(typed, name, meant):
    assert meant_clinics({typed: name}, KNOWN) == ({typed: meant} if meant else {})


def test_among_very_many_only_equal_names_are_looked_for(monkeypatch):
    monkeypatch.setattr(closeness, "_MOST_COMPARED", 5)
    asked = {"SE2321000131-X": "Närhälsan Ågårdsskogen", "SE2321000131-E000000000459": "Närhälsan Ågårdskogen"}
    assert meant_clinics(asked, KNOWN) == {"SE2321000131-X": ID}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2321000132", "2321000131"),
        ("232100013", "2321000131"),
        ("2321000311", "2321000131"),
        ("2321000131", None),
        ("1", None),
    ],
)
def test_a_number_is_offered_that_is_one_digit_off(typed, meant):
    assert close_number(typed, ["2321000131", "2321000255"]) == meant


def test_of_clinics_that_are_as_close_the_first_is_offered_in_whatever_order_they_come():
    ids = [f"SE2321000131-E0000000999{number}" for number in (91, 92, 93)]
    typed = "SE2321000131-E000000099999"
    for known in (ids, ids[::-1]):
        assert meant_clinics({typed: "X"}, dict.fromkeys(known, "")) == {typed: ids[0]}
