"""Reading region files and approvals: what is refused is refused at its place, and nothing is lost or crashes."""

from __future__ import annotations

import gc
import os
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.declare import schema, tree
from reconciler.declare.beside import read_approvals
from reconciler.declare.regions import RegionFile, read_contents, read_regions
from reconciler.digests import digest
from reconciler.findings import Exit, Failure, Finding, Place
from reconciler.model import REGIONS, SourceText
from reconciler.rules import reading

BROKEN = Path(__file__).parent / "broken"
EXPECTED: dict[str, list[str]] = yaml.safe_load((BROKEN / "expected.yaml").read_text(encoding="utf-8"))
GOOD = """\
# yaml-language-server: $schema=../../schemas/region.schema.json
version: 1
region: "14"
name: Västra Götalandsregionen
patient_board:
  hsa_id: SE2321000131-PNEXEMPEL   # an example
  name: Patientnämndernas kansli
  support_order: ETJ-2026-0412
clinics:
  SE2321000131-E000000000458: Närhälsan Ågårdsskogen
  se162321000255-o24371: "Vårdcentralen: Eden"
x-contact: {who: [the team]}
"""
APPROVAL = """\
- guard: withdraws-too-many
  region: "14"
  at_most: 12
  until: 2026-12-01
  reason: Fyra vårdcentraler slås ihop
  approved_by: Regionens förvaltning
"""


def read_one(folder: Path, content: str | bytes, name: str = "14-x.yaml") -> RegionFile:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (one,) = read_regions(folder, REGIONS).files
    return one


def spots(findings: list[Finding] | tuple[Finding, ...]) -> list[str]:
    return [f"{found.place.line}:{found.place.column} {found.rule.id}" for found in findings if found.place]


def exists(place: Place | None, text: str) -> bool:
    """Whether a person who opens the file finds the place in it."""
    if place is None or place.line is None:
        return place is not None
    lines = text.split("\n")
    if place.line > len(lines) or place.source not in (None, lines[place.line - 1].rstrip("\r")):
        return False
    assert place.column is not None
    assert place.end_column is not None
    return place.end_line == place.line and 1 <= place.column <= place.end_column <= len(lines[place.line - 1]) + 1


# ---- what is refused


@pytest.mark.parametrize("name", sorted(path.name for path in BROKEN.glob("14-*.yaml")))
def test_each_broken_file_gets_exactly_its_findings(name: str, tmp_path: Path) -> None:
    found = read_one(tmp_path, (BROKEN / name).read_bytes(), name)
    assert spots(found.findings) == EXPECTED[name]
    assert found.region is None
    assert all(finding.region == "14" and finding.problem and finding.remedy for finding in found.findings)
    assert all(exists(place, found.text) for finding in found.findings for place in (finding.place, *finding.related))


def test_every_broken_file_is_expected_to_have_a_finding() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in BROKEN.glob("14-*.yaml"))
    assert all(EXPECTED.values())


def test_a_misspelt_key_is_told_once_with_what_was_meant(tmp_path: Path) -> None:
    (found,) = read_one(tmp_path, GOOD.replace("clinics:", "clincs:")).findings
    assert (found.subject, found.suggestion, found.remedy) == ("clincs", "clinics", "write clinics")


def test_both_places_of_a_duplicate_are_told(tmp_path: Path) -> None:
    (found,) = read_one(tmp_path, GOOD + "name: Another\n").findings
    assert [place.line for place in found.related] == [4]


def test_wrong_types_are_told_in_plain_words(tmp_path: Path) -> None:
    text = GOOD.replace("version: 1", "version: [1]").replace("clinics:", "clinics: null\nx-old:")
    problems = [found.problem for found in read_one(tmp_path, text).findings]
    assert problems == ["version a list is not known", "clinics is nothing, and should be a mapping"]


def test_a_long_value_is_shown_cut(tmp_path: Path) -> None:
    (found,) = read_one(tmp_path, GOOD.replace("version: 1", "version: " + "9" * 5000)).findings
    assert len(found.problem) < 100


def test_invisible_characters_are_refused_when_written_with_a_backslash_too(tmp_path: Path) -> None:
    found = read_one(tmp_path, GOOD.replace("Patientnämndernas kansli", '"Kansli\\u202e"'))
    assert spots(found.findings) == ["7:9 control-character"]
    assert read_one(tmp_path, GOOD.replace("Patientnämndernas kansli", '"Kansli\\u00a0ett"')).findings == ()


def test_a_directory_a_dangling_link_and_a_pipe_are_no_region_files(tmp_path: Path) -> None:
    (tmp_path / "01-directory.yaml").mkdir()
    (tmp_path / "03-link.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "04-pipe.yaml")
    found = read_regions(tmp_path, REGIONS).files
    assert [one.findings[0].rule.id for one in found] == ["file-unreadable"] * 3
    assert [one.findings[0].values["reason"] for one in found] == [
        "it is a directory",
        "it is a link to nothing, or has just been deleted",
        "it is not a plain file",
    ]


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "01-x.yaml").write_text(GOOD)

    def refuse(_path: Path) -> bytes:
        raise error

    monkeypatch.setattr(Path, "read_bytes", refuse)
    error: OSError = PermissionError(13, "Permission denied")
    assert read_regions(tmp_path, ["01"]).files[0].findings[0].problem.endswith("may not read it")
    error = OSError(5, "Input/output error")
    assert read_regions(tmp_path, ["01"]).files[0].findings[0].problem.endswith("Input/output error")


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "14-x.yaml").open("wb") as file:
        file.truncate(reading.LARGEST + 1)
    (found,) = read_regions(tmp_path, REGIONS).files
    assert [finding.rule.id for finding in found.findings] == ["file-too-large"]


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 200_000, "- " * 200_000, "? " * 200_000])
def test_200_000_levels_are_refused(text: str) -> None:
    root, findings = tree.read(SourceText("x.yaml", text))
    assert root is None
    assert findings[0].rule.id in ("nested-too-deeply", "key-not-text", "yaml-malformed")


def test_twenty_levels_are_read() -> None:
    root, findings = tree.read(SourceText("x.yaml", "[" * reading.DEEPEST + "]" * reading.DEEPEST))
    assert root is not None
    assert findings == []


def test_an_error_without_an_end_is_told_where_it_began() -> None:
    _root, (found,) = tree.read(SourceText("x.yaml", 'a: b\nc: "d\ne: f\n'))
    assert spots([found]) == ["2:4 quote-not-closed"]


# ---- what is read


def test_a_good_file_becomes_a_region_with_places(tmp_path: Path) -> None:
    found = read_one(tmp_path, GOOD)
    region = found.region
    assert region is not None
    assert region.board is not None
    assert (found.code, region.code, region.name) == ("14", "14", "Västra Götalandsregionen")
    assert (region.board.hsa_id, region.board.name) == ("SE2321000131-PNEXEMPEL", "Patientnämndernas kansli")
    assert region.board.support_order == "ETJ-2026-0412"
    assert [place[1:5] for place in (region.name_place, region.board_place)] == [(4, 7, 4, 31), (5, 1, 5, 14)]
    assert [place[1:5] for place in (region.board.place, region.board.order_place)] == [(6, 11, 6, 33), (8, 18, 8, 31)]
    assert {hsa_id: clinic.name for hsa_id, clinic in region.clinics.items()} == {
        "SE2321000131-E000000000458": "Närhälsan Ågårdsskogen",
        "SE162321000255-O24371": "Vårdcentralen: Eden",
    }
    place = region.place_of(next(iter(region.clinics)))
    assert place[1:] == (10, 3, 10, 29, "  SE2321000131-E000000000458: Närhälsan Ågårdsskogen")


@pytest.mark.parametrize("name", ["12:30", "no", "01", "2026-05-15", "1e3", "null", "~", "yes", "0x1F", ".inf", "="])
def test_every_value_is_the_text_that_was_typed(name: str, tmp_path: Path) -> None:
    region = read_one(tmp_path, GOOD.replace("Närhälsan Ågårdsskogen", name)).region
    assert region is not None
    assert next(iter(region.clinics.values())).name == name


@pytest.mark.parametrize(
    "typed", [GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, GOOD.rstrip("\n"), "---\n" + GOOD, GOOD + "...\n"]
)
def test_line_ends_and_marks_make_no_difference(typed: str, tmp_path: Path) -> None:
    found = read_one(tmp_path, typed)
    assert found.findings == ()
    assert found.region is not None
    assert [name for name, *_ in found.region.clinics.values()] == ["Närhälsan Ågårdsskogen", "Vårdcentralen: Eden"]
    assert all(exists(found.region.place_of(hsa_id), found.text) for hsa_id in found.region.clinics)
    assert not found.text.startswith("\ufeff")


def test_flow_style_and_quotes_are_read(tmp_path: Path) -> None:
    text = (
        """{'version': 1, "region": 14, name: 'It''s', patient_board: null, clinics: {SE2321000131-E1: "a\\u00e5"}}"""
    )
    region = read_one(tmp_path, text.replace("'version'", "version")).region
    assert region is not None
    assert (region.name, region.board, region.board_place.column) == ("It's", None, 43)
    assert [clinic.name for clinic in region.clinics.values()] == ["aå"]


@pytest.mark.parametrize("nothing", ["", "null", "Null", "NULL", "~"])
def test_nothing_under_the_board_is_nothing(nothing: str, tmp_path: Path) -> None:
    before, after = GOOD[: GOOD.index("patient_board")], GOOD[GOOD.index("clinics") :]
    region = read_one(tmp_path, f"{before}patient_board: {nothing}\n{after}").region
    assert region is not None
    assert region.board is None
    region = read_one(tmp_path, GOOD.replace("support_order: ETJ-2026-0412", f"support_order: {nothing}")).region
    assert region is not None
    assert region.board is not None
    assert region.board.support_order is None
    assert exists(region.board.order_place, GOOD.replace("ETJ-2026-0412", nothing))


def test_null_in_quotes_is_a_text(tmp_path: Path) -> None:
    region = read_one(tmp_path, GOOD.replace("ETJ-2026-0412", '"null"')).region
    assert region is not None
    assert region.board is not None
    assert region.board.support_order == "null"


def test_an_id_over_two_lines_has_a_place_on_its_first(tmp_path: Path) -> None:
    found = read_one(
        tmp_path, GOOD.replace("  SE2321000131-E000000000458:", '  ? "SE2321000131-\\\n    E000000000458"\n  :')
    )
    assert found.region is not None
    assert exists(found.region.place_of(next(iter(found.region.clinics))), found.text)


def test_reading_leaves_the_garbage_collector_as_it_was(tmp_path: Path) -> None:
    read_one(tmp_path, GOOD)
    assert gc.isenabled()
    gc.disable()
    try:
        read_one(tmp_path, GOOD)
        assert not gc.isenabled()
    finally:
        gc.enable()


# ---- which files are read


def test_files_of_kept_regions_are_read_and_others_are_not(tmp_path: Path) -> None:
    for name in (
        "14-a.yaml",
        "12-b.yml",
        ".14-hidden.yaml",
        "14-c.txt",
        "15-d.yaml",
        "plain.yaml",
        "٠١-e.yaml",
        "01.yaml",
    ):
        (tmp_path / name).write_text(GOOD)
    read = read_regions(tmp_path, ["14"]).files
    assert [(Path(one.path).name, one.code) for one in read] == [
        ("01.yaml", None),
        ("14-a.yaml", "14"),
        ("15-d.yaml", None),
        ("plain.yaml", None),
        ("٠١-e.yaml", None),
    ]
    assert all(one.region is None and one.findings == () and one.text == GOOD for one in read if one.code is None)


def test_paths_are_shown_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "14-x.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    assert read_regions(Path("config"), ["14"]).files[0].path == "config/14-x.yaml"
    assert read_regions(tmp_path / "here" / ".." / "config", ["14"]).files[0].path == "config/14-x.yaml"
    monkeypatch.chdir(tmp_path / "here")
    assert read_regions(Path("../config"), ["14"]).files[0].path == str(tmp_path / "config" / "14-x.yaml")


def test_a_file_name_that_is_not_utf_8_can_be_shown(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"14-\xe5.yaml")).write_text(GOOD)
    except OSError:
        return  # this file system has no such names
    (found,) = read_regions(tmp_path, ["14"]).files
    assert found.path.endswith("14-\ufffd.yaml")


def test_a_folder_that_is_not_there_is_a_failure_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(Failure) as failed:
        read_regions(tmp_path / "nowhere", REGIONS)
    assert (failed.value.source, failed.value.kind, failed.value.exit) == ("files", "missing", Exit.SETTINGS)
    assert "nowhere" in failed.value.problem


def test_the_digest_is_of_names_and_bytes(tmp_path: Path) -> None:
    read_one(tmp_path, GOOD)
    first = read_regions(tmp_path, ["14"]).digest
    assert first.startswith("sha256:")
    assert read_regions(tmp_path, ["14"]).digest == first
    (tmp_path / "12-other.yaml").write_text(GOOD)
    assert read_regions(tmp_path, ["14"]).digest == first
    (tmp_path / "14-x.yaml").write_text(GOOD + "# a comment\n")
    changed = read_regions(tmp_path, ["14"]).digest
    (tmp_path / "14-x.yaml").rename(tmp_path / "14-y.yaml")
    assert len({first, changed, read_regions(tmp_path, ["14"]).digest}) == 3


# ---- the schema


def documents() -> st.SearchStrategy[object]:
    keys = st.sampled_from(
        ["version", "region", "name", "patient_board", "clinics", "x-a", "hsa_id", "support_order", "z"]
    )
    ids = st.sampled_from(["SE2321000131-E1", "se162321000255-o24371", "SE2321000131-E1\n", "SE٢-1", "", "SE1", "Å"])
    texts = st.one_of(ids, st.sampled_from(["14", "15", "a\nb", "V" * 251, "Kansli"]), st.text(max_size=5), keys)
    scalars = st.one_of(texts, st.none(), st.integers(0, 2))
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys | ids, inner, max_size=4)
    )
    board = st.fixed_dictionaries({}, optional={"hsa_id": values, "name": values, "support_order": values})
    good = {"version": st.just(1), "region": st.just("14"), "name": texts, "patient_board": st.none() | board | values}
    return values | st.fixed_dictionaries({**good, "clinics": st.dictionaries(ids, texts, max_size=3) | values})


@settings(max_examples=400)
@given(documents())
def test_both_validators_agree(document: object) -> None:
    slow = Draft202012Validator(schema.load("region"))
    assert bool(schema.faults("region", document)) is not slow.is_valid(document)


def test_a_fault_tells_the_key_it_is_about() -> None:
    document = {"version": 1, "region": "14", "name": "a", "patient_board": {}, "clinics": {"x": ""}, "z": 1}
    found = {(fault.keyword, fault.path, fault.key) for fault in schema.faults("region", document)}
    assert found == {
        ("additionalProperties", (), "z"),
        ("required", ("patient_board",), "hsa_id"),
        ("required", ("patient_board",), "name"),
        ("required", ("patient_board",), "support_order"),
        ("propertyNames", ("clinics",), "x"),
        ("pattern", ("clinics", "x"), None),
    }


def test_the_schemas_are_found_beside_the_package_and_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (schema.folder() / "region.schema.json").is_file()
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "reconciler" / "declare" / "schema.py"))
    assert schema.folder() == tmp_path / "schemas"
    (tmp_path / "reconciler" / "schemas").mkdir(parents=True)
    assert schema.folder() == tmp_path / "reconciler" / "schemas"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("remark-with-slashes", "write # Vårdcentraler i norr"),
        ("remark-with-dashes", "write # norr"),
        ("clinics-without-colon", "write clinics:"),
        ("bullets-without-colons", "write SE2321000131-E000000000458: Närhälsan"),
        ("quoted-mail", "delete > here, and at the beginning of every other line where it stands"),
        ("line-numbers-pasted", "delete 2 here, and at the beginning of every other line where it stands"),
        ("plus-from-a-comparison", "delete + here, and at the beginning of every other line where it stands"),
        ("colon-twice-before-the-name", "write Närhälsan Ågårdsskogen"),
        ("name-begins-with-a-hyphen", 'write "- Närhälsan"'),
        ("stars-before-the-clinics", "delete * here, and at the beginning of every other line where it stands"),
        ("clinic-written-as-a-board", "write SE2321000131-E000000000458: Närhälsan Ågårdsskogen"),
        ("clinic-below-a-key-of-their-own", "move the line below the last clinic, two blanks in"),
        ("comma-after-a-quoted-name", 'write "Närhälsan Ågårdsskogen"'),
        ("version-without-colon", "write version: 1"),
        ("version-with-equals", "write version: 1"),
        ("no-board-in-swedish", "write patient_board: null"),
        ("no-clinics-in-swedish", "write clinics: {}"),
        ("order-by-another-name", "write support_order"),
        ("clinic-with-its-own-keys", "write a text after the colon and a blank, on the same line"),
        ("tab-after-a-name", "put a blank in its place"),
        ("tab-indents-a-clinic", "put blanks, two for each level, in its place"),
    ],
)
def test_what_is_told_to_do_is_what_puts_it_right(name: str, remedy: str) -> None:
    path = BROKEN / f"14-{name}.yaml"
    (found,) = read_contents(BROKEN, {path.name: path.read_bytes()}, ["14"]).files
    assert [finding.remedy for finding in found.findings] == [remedy]


# ---- approvals


def approvals(folder: Path, text: str) -> tuple[int, list[str]]:
    """Return how many approvals are read, and what is wrong with the others."""
    (folder / "approvals.yaml").write_text(text)
    made, findings = read_approvals(folder / "approvals.yaml")
    assert all(exists(found.place, text) and found.problem and found.remedy for found in findings)
    return len(made), spots(findings)


def test_an_approval_is_read_with_its_place_and_digest(tmp_path: Path) -> None:
    (tmp_path / "approvals.yaml").write_text(APPROVAL)
    (made,), findings = read_approvals(tmp_path / "approvals.yaml")
    assert findings == []
    assert (made.guard, made.region, made.at_most, made.until) == ("withdraws-too-many", "14", 12, date(2026, 12, 1))
    assert (made.reason, made.approved_by) == ("Fyra vårdcentraler slås ihop", "Regionens förvaltning")
    assert (made.place.line, made.place.column) == (1, 10)
    content = [made.guard, "14", 12, "2026-12-01", made.reason, made.approved_by]
    assert made.digest == digest(content)


def test_a_national_approval_names_no_region(tmp_path: Path) -> None:
    national = APPROVAL.replace("too-many", "too-many-nationally")
    assert approvals(tmp_path, national) == (0, ["2:3 approval-of-wrong-scope"])
    assert approvals(tmp_path, national.replace('  region: "14"\n', "")) == (1, [])
    assert approvals(tmp_path, APPROVAL.replace('  region: "14"\n', "")) == (0, ["1:10 approval-of-wrong-scope"])


@pytest.mark.parametrize("text", ["", "# none\n", "null\n", "[]\n", "~"])
def test_a_file_without_approvals_approves_nothing(text: str, tmp_path: Path) -> None:
    assert approvals(tmp_path, text) == (0, [])


def test_no_file_of_approvals_is_no_approvals(tmp_path: Path) -> None:
    assert read_approvals(tmp_path / "approvals.yaml") == ([], [])


def test_approvals_that_cannot_be_read_count_as_none(tmp_path: Path) -> None:
    assert approvals(tmp_path, APPROVAL + "\tx") == (0, ["7:1 tab-character"])
    assert approvals(tmp_path, "guard: a\n") == (0, ["1:1 wrong-type"])
    assert approvals(tmp_path, "a") == (0, ["1:1 wrong-type"])
    (tmp_path / "latin").write_bytes(APPROVAL.encode("latin-1"))
    assert spots(read_approvals(tmp_path / "latin")[1]) == ["5:17 not-utf8"]
    assert [found.rule.id for found in read_approvals(tmp_path)[1]] == ["file-unreadable"]
    (tmp_path / "link").symlink_to("nowhere")
    assert [found.rule.id for found in read_approvals(tmp_path / "link")[1]] == ["file-unreadable"]


@pytest.mark.parametrize(
    ("right", "wrong", "spot"),
    [
        ("withdraws-too-many", "withdraw-too-many", "1:10 approval-of-unknown-guard"),
        ('"14"', '"15"', "2:11 region-code-unknown"),
        ("at_most: 12", "at_most: 0", "3:12 value-not-allowed"),
        ("at_most: 12", 'at_most: "12"', "3:12 wrong-type"),
        ("at_most: 12", "at_most: many", "3:12 wrong-type"),
        ("at_most: 12", "at_most: " + "9" * 5000, "3:12 wrong-type"),
        ("at_most: 12", "at_most:", "3:3 wrong-type"),
        ("2026-12-01", "2026-02-30", "4:10 value-not-allowed"),
        ("2026-12-01", "next week", "4:10 value-not-allowed"),
        ("2026-12-01", "[2026]", "4:10 wrong-type"),
        ("until: 2026-12-01", "until:", "4:3 value-not-allowed"),
        ("  reason: Fyra vårdcentraler slås ihop\n", "", "1:3 missing-key"),
        ("approved_by", "aproved_by", "6:3 unknown-key"),
        ("Fyra vårdcentraler slås ihop", '""', "5:11 text-empty"),
        ("Fyra vårdcentraler slås ihop", '"a\\nb"', "5:11 text-not-one-line"),
    ],
)
def test_an_approval_with_a_fault_is_left_out_and_the_others_stay(
    right: str, wrong: str, spot: str, tmp_path: Path
) -> None:
    assert approvals(tmp_path, APPROVAL.replace(right, wrong) + APPROVAL) == (1, [spot])


def test_an_approval_that_is_a_text_is_left_out(tmp_path: Path) -> None:
    assert approvals(tmp_path, "- withdraws-too-many\n" + APPROVAL) == (1, ["1:3 wrong-type"])
