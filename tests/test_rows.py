"""Rows as columns: they are what a dictionary of rows would be, and what is alike is held once."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import ENROLMENT, ENTRY, MANAGED, Clinic, Enrolment, ManagedClinic, RegisterClinic
from reconciler.rows import Listed, Rows, differences, names_of
from reconciler.store.remember import _unpacked

ids = st.sampled_from("ABCDEF")
codes, names = st.sampled_from(["12", "14"]), st.sampled_from(["Ett", "Två"])
tables = st.dictionaries(ids, st.builds(Enrolment, codes, names))
others = st.dictionaries(ids, st.none() | st.builds(Enrolment, codes, names))


@given(tables)
def test_rows_are_what_a_dictionary_of_them_would_be(table):
    rows = Rows.of(ENROLMENT, table)
    assert rows == table
    assert dict(rows.items()) == table
    assert len(rows) == len(table)
    assert set(rows) == set(table)
    for one in "ABCDEF":
        assert rows.get(one) == table.get(one)
        assert (one in rows) is (one in table)
    assert Rows.of(ENROLMENT, rows) is rows


def test_a_row_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        Rows.of(ENROLMENT, {})["A"]


@given(tables, others)
def test_what_is_known_better_replaces_what_was(table, known):
    expected = {key: row for key, row in {**table, **known}.items() if row is not None}
    assert Rows.of(ENROLMENT, table).replaced(known) == expected


@given(tables, tables)
def test_differences_are_what_is_not_the_same(one, other):
    expected = {
        key: (one.get(key), other.get(key)) for key in one.keys() | other.keys() if one.get(key) != other.get(key)
    }
    found = differences(Rows.of(ENROLMENT, one), Rows.of(ENROLMENT, other))
    assert found == expected
    assert (Rows.of(ENROLMENT, one) == Rows.of(ENROLMENT, other)) is (not expected)


@given(tables, st.sets(ids))
def test_among_rows_are_those_that_are_asked_for(table, asked):
    assert Rows.of(ENROLMENT, table).among(asked) == {key: row for key, row in table.items() if key in asked}


@given(tables, st.sets(ids), codes)
def test_groups_are_told_which_of_the_ids_they_hold(table, asked, likely):
    found = [(key, code) for code, those in Rows.of(ENROLMENT, table).by_group(asked, likely) for key in those]
    assert sorted(found) == sorted((key, row.region_code) for key, row in table.items() if key in asked)
    assert not found or (likely not in dict(found).values()) or found[0][1] == likely


@given(tables, tables)
def test_rows_that_share_what_others_say_are_the_same_rows(table, known):
    rows, others = Rows.of(ENROLMENT, table), Rows.of(ENROLMENT, known).parts
    assert rows.sharing(others) == table


def test_what_both_say_is_held_once():
    (one, name), (again, same) = ((" ".join(["SE1", "B"]), " ".join(["Två", "Ekar"])) for _twice in range(2))
    assert (one is again, name is same) == (False, False)
    files = {"12": {"A": "Ett"}, "14": {one: name, "E": "Fem"}, "01": {}}
    register = Rows(ENROLMENT, {"12": {"A": "Ett"}, "14": {again: same, "C": "Tre"}, "03": {"D": "Fyra"}, "01": {}})
    shared = register.sharing(files)
    assert shared == register
    assert shared.part("12") is files["12"]
    [(held, held_name)] = [pair for pair in shared.part("14").items() if pair[0] == one]
    assert (held is one, held_name is name) == (True, True)
    assert [shared.part(code) is register.part(code) for code in ("03", "01")] == [True, True]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (ENROLMENT, Enrolment("14", "Ett")),
        (MANAGED, ManagedClinic("12", "14", "Ett")),
        (ENTRY, RegisterClinic("Ett", False, "14")),
    ],
)
def test_every_kind_of_row_is_put_together_as_it_was_taken_apart(kind, row):
    assert kind.join(*kind.split(row)) == row
    assert Rows.of(kind, {"A": row})["A"] == row


def test_what_is_not_touched_is_not_copied():
    rows = Rows.of(ENROLMENT, {"A": Enrolment("12", "Ett"), "B": Enrolment("14", "Två")})
    after = rows.replaced({"B": Enrolment("14", "Tre")})
    assert after.part("12") is rows.part("12")
    assert rows.replaced({}) is rows


def test_listed_rows_know_their_lines():
    listed = Listed({"A": "Ett", "B": "Två"}, 7, lambda key, name, line: Clinic(name, line, 3, 3 + len(key)))
    assert dict(listed) == {"A": Clinic("Ett", 7, 3, 4), "B": Clinic("Två", 8, 3, 4)}
    assert names_of(listed) is listed.names
    assert names_of(dict(listed)) == {"A": "Ett", "B": "Två"}
    assert len(listed) == 2


def test_a_register_that_was_stored_a_clinic_at_a_time_is_still_read():
    stored = zlib.compress(json.dumps([["A", ["Ett", True, "14"]]]).encode())
    assert _unpacked(stored) == {"A": RegisterClinic("Ett", True, "14")}
