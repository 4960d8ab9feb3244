"""Register and routes from files: each record checked, nothing guessed, no old or half answer believed."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unicodedata import normalize

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.findings import Exit, Failure
from reconciler.model import RegisterClinic, RegisterSettings, RoutesSettings
from reconciler.settings import load
from reconciler.sources import record, register, register_csv, routes

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MADE = "2026-11-24T04:00:00+01:00"
CSV = f"# generated_at: {MADE}\n# clinics: 2\nhsa_id,name,status,region_code\n"
ROWS = (
    'SE2321000131-e000000000458,"Närhälsan, Ågårdsskogen",active,14\nSE2321000131-E000000008388,Eriksberg,inactive,14\n'
)
CLINICS = {
    "SE2321000131-E000000000458": RegisterClinic("Närhälsan, Ågårdsskogen", True, "14"),
    "SE2321000131-E000000008388": RegisterClinic("Eriksberg", False, "14"),
}
SCHEMAS = Path(__file__).parent.parent / "schemas"


def document(**changed: Any) -> dict[str, Any]:
    clinics = [
        {"hsa_id": key, "name": one.name, "status": "active" if one.active else "inactive", "region_code": "14"}
        for key, one in CLINICS.items()
    ]
    return {"format": "reconciler/register/1", "generated_at": MADE, "complete": True, "clinics": clinics} | changed


def asked(path: Path, text: str | bytes, **more: Any) -> register.Register:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return register.ask(RegisterSettings(path=path, **more), NOW)


def refused(path: Path, text: str | bytes, **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        asked(path, text, **more)
    assert (caught.value.source, caught.value.exit) == ("register", Exit.UNANSWERED)
    return caught.value


def test_csv_and_json_give_the_same_register(tmp_path: Path) -> None:
    from_csv = asked(tmp_path / "a", CSV + ROWS)
    assert dict(from_csv.clinics) == CLINICS
    assert from_csv == asked(tmp_path / "b", json.dumps(document())) == asked(tmp_path / "c", "\ufeff" + CSV + ROWS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["SE1-A", "SE1-B", " se1-c", "", "SE1\u200b"]),
            st.sampled_from(["Ett", " Två ", " ", "NÃ¤r", "Château", "\ufffd", "a\u2028b", 7, None]),
            st.sampled_from(["active", "inactive", "closed"]),
            st.sampled_from(["14", "12", "99"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_many_records_are_judged_as_each_alone_is(rows: list[tuple[object, ...]]) -> None:
    def outcome(size: int) -> object:
        records = [dict(zip(record.FIELDS, row, strict=True)) for row in rows]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(register, "_BATCH", size)
            patch.setattr(register, "_columns", register._columns if size > 1 else lambda _batch: None)
            answer = record.Answer(MADE, [(range(1, len(records) + 1), records)], record.in_row)
            try:
                return register._checked(answer, RegisterSettings())
            except Failure as failure:
                return failure.problem

    assert outcome(1000) == outcome(1)


CELLS = st.sampled_from(["a", "", " ", "å b", '"a,b"', '"a\r\nb"', '"a""b"', 'a"b', "\u2028", '"'])
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", ""])


@given(
    st.lists(
        st.tuples(st.lists(CELLS, min_size=4, max_size=4) | st.lists(CELLS, max_size=6), ENDS), min_size=1, max_size=7
    ),
    st.sampled_from([1, 12, 10_000]),
)
def test_lines_that_are_taken_apart_at_once_are_read_as_csv_reads_them(
    rows: list[tuple[list[str], str]], at_once: int
) -> None:
    text = "".join(",".join(cells) + end for cells, end in rows)

    def read(unquoted: Callable[[str, str], Any]) -> list[object]:
        found: list[object] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(register_csv, "_AT_ONCE", at_once)
            patch.setattr(register_csv, "_unquoted", unquoted)
            try:
                for numbers, records in register_csv._batches(register_csv._pieces(text), 4, ",", Path("r.csv")):
                    found += zip(numbers, records, strict=True)
            except Failure as failure:
                return [failure.problem]
        return found

    assert read(register_csv._unquoted) == read(lambda _lines, _separator: None)


def test_a_fault_after_a_line_that_is_quoted_is_told_with_its_line(tmp_path: Path) -> None:
    text = CSV + ROWS.replace("Eriksberg", '"Eriks\r\nberg"').replace("inactive", "closed")
    assert "row 5, column name (SE2321000131-E000000008388)" in refused(tmp_path / "a", text).problem


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ('hsa_id,"na"me,status,region_code', "row 2 is not CSV"),
        ('hsa_id,name,status,"region_code', "row 2 is not CSV"),
        ("x" * 200_000, "row 2 is not CSV: field larger than field limit"),
        ("hsa_id;name;status", "the header should be hsa_id,name,status,region_code"),
        ("", "the header should be hsa_id,name,status,region_code"),
    ],
)
def test_a_header_that_is_no_header_is_refused(tmp_path: Path, header: str, problem: str) -> None:
    assert problem in refused(tmp_path / "a", f"# generated_at: {MADE}\n{header}").problem


@pytest.mark.parametrize("before", ["", ROWS])
def test_a_cell_that_csv_would_not_read_is_refused_wherever_it_stands(tmp_path: Path, before: str) -> None:
    long = f"SE2321000131-E000000000999,{'x' * 140_000},active,14\n"
    text = f"# generated_at: {MADE}\nhsa_id,name,status,region_code\n{before}{long}"
    assert "field larger than field limit" in refused(tmp_path / "a", text).problem


def test_the_first_fault_is_told_also_where_a_later_one_is_no_csv(tmp_path: Path) -> None:
    text = f'{CSV}SE2321000131-E000000000458,Ett\nSE2321000131-E000000008388,"Två" x,active,14\n'
    assert "row 4 has 2 fields" in refused(tmp_path / "a", text).problem


@pytest.mark.parametrize("key", ["", " ", "\u200b"])
def test_a_region_that_is_not_said_is_a_fault_whatever_the_settings_make_of_it(tmp_path: Path, key: str) -> None:
    text = f"# generated_at: {MADE}\nhsa_id,name,status,region_code\nSE2321000131-E000000000458,Ett,active,{key}\n"
    assert "region_code" in refused(tmp_path / "a", text, region_codes={key: "14"}).problem


def test_a_row_of_json_is_not_taken_for_one_of_csv(tmp_path: Path) -> None:
    row = ["SE2321000131-E000000000458", "Ågårdsskogen", "active", "14"]
    assert "exactly the fields" in refused(tmp_path / "a", json.dumps(document(clinics=[row]))).problem


def test_the_digest_is_of_the_clinics_and_not_of_the_time_or_order(tmp_path: Path) -> None:
    one = asked(tmp_path / "a", json.dumps(document()))
    two = asked(
        tmp_path / "a", json.dumps(document(generated_at="2026-11-24T05:00Z", clinics=document()["clinics"][::-1]))
    )
    assert one.digest == two.digest
    assert one.digest != asked(tmp_path / "a", json.dumps(document(clinics=document()["clinics"][:1]))).digest


def test_another_way_of_writing_regions_is_mapped(tmp_path: Path) -> None:
    text = CSV + ROWS.replace(",14", ",SE-O")
    assert dict(asked(tmp_path / "a", text, region_codes={"SE-O": "14"}).clinics) == CLINICS
    assert "map it in region_codes" in refused(tmp_path / "a", text).problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_a_spreadsheet_leaves_of_a_csv_is_read(tmp_path: Path, encoding: str, end: str) -> None:
    text = CSV.replace("\n", ";;;\n", 2) + ROWS + ",,,\n"
    text = text.replace(",", ";").replace("Närhälsan;", "Närhälsan,").replace("\n", end)
    assert dict(asked(tmp_path / "register.csv", text.encode(encoding)).clinics) == CLINICS
    misspelt = text.replace("Eriksberg;inactive", "Eriksberg;stängd")
    assert "row 5, column status" in refused(tmp_path / "register.csv", misspelt.encode(encoding)).problem


def test_empty_cells_after_the_last_column_are_no_fault_and_any_other_is(tmp_path: Path) -> None:
    assert dict(asked(tmp_path / "a", CSV + ROWS.replace("\n", ",,\n")).clinics) == CLINICS
    found = refused(tmp_path / "a", CSV + ROWS.replace("\n", ",,x\n", 1))
    assert "row 4 has 6 fields, not 4" in found.problem


def test_a_name_may_hold_quotes_and_the_letters_of_other_languages(tmp_path: Path) -> None:
    text = CSV + ROWS.replace("Eriksberg", '"Clínica ""Â"" São Å–Ã"')
    names = [clinic.name for clinic in asked(tmp_path / "a", text).clinics.values()]
    assert 'Clínica "Â" São Å–Ã' in names


def test_a_row_is_told_by_its_line_in_the_file_whatever_stands_before_it(tmp_path: Path) -> None:
    text = CSV.replace("# clinics: 2\n", "# by: hand\n# note: any\n") + '"SE1-A","two\nlines",active,14\n'
    assert "row 5, column name (SE1-A)" in refused(tmp_path / "a", text).problem


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (CSV.replace("# clinics: 2\n", "# clinics: 3\n") + ROWS, "incomplete", "it says 3 clinics, and has 2"),
        (ROWS, "malformed", "the first line should be # generated_at"),
        (f"# generated_at: {MADE}\n", "malformed", "the header should be"),
        (f"# generated_at: {MADE}\n" * 2, "malformed", "stands twice"),
        (f"# generated_at: {MADE}\nid,name\n", "malformed", "the header should be"),
        (CSV + ROWS.replace(",14", ""), "malformed", "row 4 has 3 fields, not 4"),
        (
            CSV + ROWS.replace("8388", "0458"),
            "record",
            "row 5, column hsa_id (SE2321000131-E000000000458): the HSA-id stands twice",
        ),
        (CSV + ROWS.replace("inactive", "closed"), "record", "the status closed is not one of"),
        (
            CSV + ROWS.replace("Eriksberg", " "),
            "record",
            "row 5, column name (SE2321000131-E000000008388): it is empty",
        ),
        (CSV + ROWS.replace("Eriksberg", "A\u2028B"), "record", "row 5, column name"),
        (CSV + ROWS.replace(",14", ",1"), "record", "row 4, column region_code (SE2321000131-e000000000458): 1 is not"),
        (CSV + ROWS.replace("Eriksberg", "NÃ¤rhÃ¤lsan"), "record", "NÃ¤rhÃ¤lsan is UTF-8 that was read"),
        (CSV + ROWS.replace("Eriksberg", "Vårdâ€“A".replace("å", "a")), "record", "is UTF-8 that was read"),
        (CSV + ROWS.replace("Eriksberg", "V\ufffdrd"), "record", "is UTF-8 that was read"),
        (f"# generated_at: {MADE}\nhsa_id,name,status,region_code\n", "incomplete", "it has no clinics at all"),
        (CSV.replace("+01:00", "") + ROWS, "time", "not a time with its zone"),
        (CSV.replace(MADE, "yesterday") + ROWS, "time", "yesterday"),
        (CSV.replace("11-24T04", "11-25T04") + ROWS, "future", "still to come"),
        (CSV.replace("11-24T04", "11-22T04") + ROWS, "stale", "hours old; 36 are allowed"),
        ("{", "malformed", "this is not JSON"),
        ('{"a": ' + "[" * 100_000, "malformed", "this is not JSON"),
        (json.dumps(document(format="x")), "malformed", "it has not the format"),
        (json.dumps(document(clinics={})), "malformed", "it has not the format"),
        (json.dumps(document(more=1)), "malformed", "more is not a key"),
        (json.dumps(document(complete=False)), "incomplete", "it does not say that it is complete"),
        (json.dumps(document(clinics=[1])), "record", "clinics[0] (1): it should have exactly the fields"),
        (json.dumps(document(clinics=[{"hsa_id": "x"}])), "record", "exactly the fields"),
        (json.dumps(document(clinics=[{**document()["clinics"][0], "name": 1}])), "record", "not a text"),
        (b"# generated_at: \x81\xff", "malformed", "byte 17 is neither UTF-8 nor what a spreadsheet writes"),
        (b"\xff\xfea\0", "malformed", "this is UTF-16"),
        (b'{"a": "\xe4"}', "malformed", "byte 8 is not UTF-8"),
        (CSV + '"a', "malformed", "row 4 is not CSV"),
        ("[]", "malformed", "it has not the format"),
        (
            json.dumps(document()).replace('"status": "active"', '"status": "inactive", "status": "active"'),
            "malformed",
            "the key status stands twice in one record (hsa_id: SE2321000131-E000000000458, name: ",
        ),
        (json.dumps(document())[:-1] + ', "clinics": []}', "malformed", "the key clinics stands twice in one record"),
        (json.dumps(document(next="/b")), "malformed", "next is not a key"),
    ],
)
def test_what_is_wrong_is_a_failure_that_names_it(tmp_path: Path, text: str | bytes, kind: str, said: str) -> None:
    failure = refused(tmp_path / "register", text)
    assert failure.kind == kind
    assert said in failure.problem


def test_a_letter_written_as_two_characters_is_the_same_name(tmp_path: Path) -> None:
    found = asked(tmp_path / "a", CSV + normalize("NFD", ROWS))
    assert found == asked(tmp_path / "a", CSV + ROWS)


def test_an_age_that_is_switched_off_is_not_looked_at(tmp_path: Path) -> None:
    assert asked(tmp_path / "a", CSV.replace("2026-11-24", "2020-01-01") + ROWS, max_age=None)
    assert asked(tmp_path / "a", CSV + ROWS, max_age=timedelta(hours=36))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="gone cannot be read"):
        register.ask(RegisterSettings(path=tmp_path / "gone"), NOW)
    with pytest.raises(Failure, match="no path"):
        register.ask(RegisterSettings(), NOW)


def test_what_the_schema_refuses_the_program_refuses(tmp_path: Path) -> None:
    schema = json.loads((SCHEMAS / "register.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document(), schema)
    record = document()["clinics"][0]
    for wrong in (
        document(complete="yes"),
        document(generated_at="today"),
        document(clinics=[{**record, "status": "closed"}]),
        document(clinics=[{**record, "more": "x"}]),
        document(clinics=[{**record, "name": ""}]),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
        refused(tmp_path / "a", json.dumps(wrong))


def shown(language: str) -> list[str]:
    """The examples on the page of the register."""
    page = (Path(__file__).parent.parent / "docs" / "register.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_examples_on_the_page_are_what_is_read(tmp_path: Path) -> None:
    ([as_json], [as_csv]) = shown("json"), shown("csv")
    found = asked(tmp_path / "register.json", as_json, max_age=None)
    assert found == asked(tmp_path / "register.csv", as_csv, max_age=None)
    assert [one.name for one in found.clinics.values()] == ["Närhälsan Ågårdsskogen"]
    for text in shown("toml"):
        path = tmp_path / "reconciler.toml"
        path.write_text(text, encoding="utf-8")
        assert load(path, {}, {}).register.source in ("file", "http", "sql")


def test_routes_that_are_off_were_not_asked() -> None:
    assert routes.ask(RoutesSettings(), NOW) == routes.Routes()


def test_routes_hold_every_address_in_upper_case(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    path.write_text(json.dumps({"format": "reconciler/routes/1", "generated_at": MADE, "hsa_ids": ["se1-a", " SE "]}))
    found = routes.ask(RoutesSettings(source="file", path=path), NOW)
    assert (found.hsa_ids, found.asked) == (frozenset({"SE1-A", "SE"}), True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", "malformed"),
        ("[]", "malformed"),
        (json.dumps({"format": "reconciler/routes/1", "generated_at": MADE, "hsa_ids": [1]}), "malformed"),
        (json.dumps({"format": "reconciler/routes/1", "hsa_ids": []}), "time"),
        (json.dumps({"format": "reconciler/routes/1", "generated_at": "2026-11-01T00:00:00Z", "hsa_ids": []}), "stale"),
    ],
)
def test_routes_that_cannot_be_trusted_are_a_failure(tmp_path: Path, text: str, kind: str) -> None:
    path = tmp_path / "routes.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Failure) as caught:
        routes.ask(RoutesSettings(source="file", path=path), NOW)
    assert (caught.value.source, caught.value.kind) == ("routes", kind)
