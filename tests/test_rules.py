"""The examples in the rules' docstrings: what is flagged is flagged, what is okay is not, and every text can be said.

An example is a patch over one good world. Its keys replace those of region 14's file; after `---`, of region 12's.
Keys that are not the file's:

    file         the whole text of the file; null: no file
    second_file  the name of another file with the same content
    register     {id: null | {name, status, region}}, over a register that knows all that is declared
    routes       the addresses that TAK routes; without it, TAK was not asked
    parents      the units whose parents were looked at
    database     {clinics: {id: region}, managed: {id: declared in}, boards: {code: board}, managed_boards: …}
    approvals    what stands in approvals.yaml
    remembered   {id: region}: the last good register, of the first of November
    routed       the clinics of region 14 that TAK routed on the first of November
    unmoved_after   days
    demo, regions, guards, hold, went_back, fought     as in the settings, and as the guards see it
    before       what the file said at the base of a pull request, as a patch; `settings`: the settings file,
                 `unread`: a file that could not be read then, and cannot now
    author, approved_by, access     who wrote and approved it, and the rights that it gives
"""

import string
import textwrap
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.check import declare
from reconciler.declare.beside import read_access, read_approvals
from reconciler.declare.regions import read_regions
from reconciler.findings import Stage
from reconciler.judge import judge_plan
from reconciler.meaning import Kind, Part, Stand
from reconciler.meaning import parts as parts_of
from reconciler.model import (
    THRESHOLDS,
    BoardRow,
    Enrolment,
    GoodPart,
    ManagedBoard,
    ManagedClinic,
    Register,
    RegisterClinic,
    RegisterSettings,
    Remembered,
    RoutedPart,
    Routes,
    Settings,
    State,
    Threshold,
    canonical,
)
from reconciler.results import World
from reconciler.rules import access
from reconciler.rules.guard import GUARDS
from reconciler.rules.registry import RULES

TODAY = date(2026, 11, 24)
CLINIC = "SE2321000131-E000000000458"
GOOD = {
    "14": {
        "version": 1,
        "region": "14",
        "name": "Västra Götalandsregionen",
        "patient_board": {
            "hsa_id": "SE2321000131-PNEXEMPEL",
            "name": "Patientnämndernas kansli",
            "support_order": "EXEMPEL-14",
        },
        "clinics": {CLINIC: "Närhälsan Ågårdsskogen"},
    },
    "12": {
        "version": 1,
        "region": "12",
        "name": "Region Skåne",
        "patient_board": {
            "hsa_id": "SE2321000255-PNEXEMPEL",
            "name": "Patientnämnden Skåne",
            "support_order": "EXEMPEL-12",
        },
        "clinics": {},
    },
}
USUAL = {("board-without-clinics", "12")}
"""What the good world is told as well."""

FILE_NAMES = {"14": "14-vastra-gotaland.yaml", "12": "12-skane.yaml"}
OF_THE_WORLD = (
    "register",
    "routes",
    "database",
    "approvals",
    "demo",
    "regions",
    "guards",
    "hold",
    "went_back",
    "parents",
    "remembered",
    "routed",
    "unmoved_after",
    "fought",
    "before",
    "author",
    "approved_by",
    "access",
)
NOT_AN_EXAMPLE = {
    "file-unreadable": "a directory with the name of a region file",
    "file-too-large": "a file of more than 32 MiB",
    "line-too-long": "a line of more than a million characters",
    "not-utf8": "an example is text, which is UTF-8",
    "value-not-allowed": "said where no rule has words of its own: an approval's day or number",
    "list-not-text": "a list",
    "list-empty": "a list",
    "row-without-id": "a row of a list",
    "row-repeated": "a row of a list",
    "clinic-declared-already": "a row of a list",
    "clinic-declared-elsewhere": "a row of a list",
    "clinic-not-declared": "a row of a list",
    "clinic-not-adoptable": "a clinic that a command names",
    "form-incomplete": "the body of an issue",
    "change-not-of-files": "a run that is undone",
    "changed-since": "a run that is undone",
    "order-to-be-made": "a run that is undone",
}
"""The rules without a `Flagged:`, and why; the tests of files, approvals and drafts cover them."""


# ---- from an example to findings


def examples(rule):
    """The rule's examples by section, each as YAML: (heading, patch of region 14's file, of region 12's)."""
    found, heading = {}, None
    for line in rule.reason.splitlines():
        if line in ("Okay:", "Flagged:"):
            heading = line.rstrip(":")
        elif heading and (line.startswith("    ") or not line):
            found[heading] = found.get(heading, "") + line + "\n"
        else:
            heading = None
    return {heading: parts(textwrap.dedent(text)) for heading, text in found.items()}


def parts(text):
    first, _line, second = text.partition("\n---\n")
    return yaml.safe_load(first) or {}, yaml.safe_load(second) or {}


def findings_of(folder: Path, example):
    """Write the example's files, read them, and judge them in the world that it describes."""
    first, second = example
    world = {key: first[key] for key in OF_THE_WORLD if key in first}
    files = {
        code: {key: patch[key] for key in patch if key not in OF_THE_WORLD}
        for code, patch in (("14", first), ("12", second))
    }
    declarations = {code: write(folder, code, patch) for code, patch in files.items()}
    settings = Settings(
        demo=world.get("demo", True),
        regions=tuple(world.get("regions", ("12", "14"))),
        register=RegisterSettings(
            unmoved_after=timedelta(days=world["unmoved_after"]) if "unmoved_after" in world else None
        ),
        hold=tuple(world.get("hold", ())),
        guards={**THRESHOLDS, **{name: Threshold(**limits) for name, limits in world.get("guards", {}).items()}},
    )
    declared, findings = declare(read_regions(folder / "regions", settings.regions), settings)
    approvals, about_approvals = read_approvals(write_approvals(folder, world))
    known = registered(declarations, world.get("register", {}))
    judged = judge_plan(
        World(
            declared,
            Register(known, datetime(2026, 11, 24, tzinfo=UTC), ""),
            Routes(
                frozenset(world.get("routes", ())),
                asked="routes" in world,
                placed=frozenset(world["parents"]) if "parents" in world else None,
            ),
            observed(world.get("database", {}), known),
            tuple(approvals),
            {},
            TODAY,
            tuple(map(str, world["went_back"])) if world.get("went_back") else None,
            remembered(world.get("remembered", {}), known, world.get("routed", ())),
            reverts={row: int(times) for row, times in world.get("fought", {}).items()},
        ),
        settings,
    )
    asked = None if world.get("register") is None else Register(known, datetime(2026, 11, 24, tzinfo=UTC), "")
    reviewed = reviewed_findings(folder, example, Stand(declared, tuple(approvals)), asked) if "before" in first else ()
    all_findings = (*findings, *about_approvals, *judged.findings, *reviewed)
    return [finding for finding in all_findings if (finding.rule.id, finding.region) not in USUAL]


RIGHTS = {
    "national": ["nationell-forvaltare"],
    "regions": {"12": ["region-12-forvaltare"], "14": ["region-14-forvaltare"]},
}


def reviewed_findings(folder, example, here, register):
    """What a review says of a pull request whose base is the good world, or what the example says stood before."""
    first, second = example
    base = folder / "base"
    base.mkdir()
    for code, patch in (("14", first), ("12", second)):
        before = {key: value for key, value in patch.get("before", {}).items() if key not in ("settings", "unread")}
        write(base, code, {**{key: value for key, value in patch.items() if key in GOOD[code]}, **before})
    declared, _findings = declare(read_regions(base / "regions", ["12", "14"]), Settings(regions=("12", "14")))
    was, now = rights(base, RIGHTS), rights(folder, first.get("access", RIGHTS))
    found = parts_of(Stand(declared, (), was), here._replace(access=now), register)
    if "settings" in first["before"]:
        found.append(Part(Kind.CHANGE_SETTINGS, None, "reconciler.toml", None, None, None))
    if "unread" in first["before"]:
        found.append(Part(Kind.CHANGE_UNREAD, "14", first["before"]["unread"], None, None, None))
    people = [first["author"], *first.get("approved_by", ())]
    boards = {code: one.board for code, one in declared.regions.items() if one.board}
    orders = {one.support_order: [(code, one.hsa_id)] for code, one in boards.items()}
    return (*access.without_right(access.Request(found, was, people)), *access.board_order_used(found, {}, orders))


def rights(folder, given):
    (folder / "access.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    read, findings = read_access(folder / "access.yaml")
    assert findings == []
    return read


def write(folder, code, patch):
    """Write a region's file, or what stands in its place; return what it declares."""
    own = {key: value for key, value in patch.items() if key not in ("file", "second_file")}
    declaration = {**GOOD[code], **own}
    text = patch.get("file", yaml.safe_dump(declaration, allow_unicode=True, sort_keys=False))
    (folder / "regions").mkdir(exist_ok=True)
    for name in (FILE_NAMES[code], *([patch["second_file"]] if "second_file" in patch else [])):
        if text is not None:
            (folder / "regions" / name).write_text(text, encoding="utf-8")
    return {} if "file" in patch else declaration


def write_approvals(folder, world):
    if "approvals" in world:
        text = yaml.safe_dump(world["approvals"], allow_unicode=True)
        (folder / "approvals.yaml").write_text(text, encoding="utf-8")
    return folder / "approvals.yaml"


def registered(declarations, patch):
    """A register that knows all that is declared, and of what the example speaks otherwise."""
    known = {}
    for code, declaration in declarations.items():
        clinics, board = declaration.get("clinics"), declaration.get("patient_board")
        for hsa_id, name in clinics.items() if isinstance(clinics, dict) else ():
            known.setdefault(canonical(hsa_id), RegisterClinic(name, True, code))
        if board:
            known[canonical(board["hsa_id"])] = RegisterClinic(board["name"], True, code)
    usual = RegisterClinic(GOOD["14"]["clinics"][CLINIC], True, "14")
    for hsa_id, said in patch.items():
        before = known.pop(canonical(hsa_id), usual)
        if said is not None:
            active = said.get("status", "active") == "active"
            known[canonical(hsa_id)] = RegisterClinic(
                said.get("name", before.name), active, said.get("region", before.region_code)
            )
    return known


def remembered(clinics, known, routed):
    """What register and TAK said three weeks ago, as the example describes it; names as now."""
    then, parts = datetime(2026, 11, 1, tzinfo=UTC), {}
    for hsa_id, code in clinics.items():
        name = known[hsa_id].name if hsa_id in known else "Mottagningen"
        parts.setdefault(code, {})[canonical(hsa_id)] = RegisterClinic(name, True, code)
    good = {code: GoodPart(part, then, then) for code, part in parts.items()}
    return Remembered(good, routed={"14": RoutedPart(frozenset(map(canonical, routed)), then)})


def observed(database, known):
    """The tables as the example describes them; what has an order was written by this tool."""
    clinics, managed = database.get("clinics", {}), database.get("managed", {})
    boards, managed_boards = database.get("boards", {}), database.get("managed_boards", {})
    names = {hsa_id: known[hsa_id].name if hsa_id in known else "Mottagningen" for hsa_id in {*clinics, *managed}}
    written = {code: board for code, board in boards.items() if "support_order" in board} | managed_boards
    return State(
        clinics={canonical(hsa_id): Enrolment(code, names[hsa_id]) for hsa_id, code in clinics.items()},
        boards={code: BoardRow(board["hsa_id"], board["name"]) for code, board in boards.items()},
        managed_clinics={
            canonical(hsa_id): ManagedClinic(code, clinics.get(hsa_id, code), names[hsa_id])
            for hsa_id, code in managed.items()
        },
        managed_boards={code: ManagedBoard(**board) for code, board in written.items()},
    )


# ---- the examples


def with_a(heading):
    return [pytest.param(rule, id=rule.id) for rule in RULES.values() if heading in examples(rule)]


@pytest.mark.parametrize("rule", with_a("Flagged"))
def test_what_is_flagged_is_flagged(rule, tmp_path):
    findings = findings_of(tmp_path, examples(rule)["Flagged"])
    found = [finding for finding in findings if finding.rule is rule]
    assert found, sorted({finding.rule.id for finding in findings})
    for finding in findings:
        assert finding.problem
        assert finding.remedy


@pytest.mark.parametrize("rule", with_a("Okay"))
def test_what_is_okay_is_not_flagged_and_has_no_other_error(rule, tmp_path):
    findings = findings_of(tmp_path, examples(rule)["Okay"])
    assert rule.id not in {finding.rule.id for finding in findings}
    assert [finding.rule.id for finding in findings if finding.is_error] == []


def test_the_good_world_is_good(tmp_path):
    assert findings_of(tmp_path, ({}, {})) == []


def test_every_rule_has_examples_or_a_reason_to_have_none():
    lacking = {rule.id for rule in RULES.values() if "Flagged" not in examples(rule)}
    assert lacking == set(NOT_AN_EXAMPLE)
    assert not {rule.id for rule in RULES.values() if "Okay" not in examples(rule)} - set(NOT_AN_EXAMPLE)


def test_an_example_of_a_shape_rule_gets_findings_of_shape_only(tmp_path):
    """A file with a broken shape gets no other finding."""
    for rule in RULES.values():
        example = examples(rule).get("Flagged")
        if rule.stage is Stage.SHAPE and example and "approvals" not in example[0]:
            folder = tmp_path / rule.id
            folder.mkdir()
            about_14 = [finding for finding in findings_of(folder, example) if finding.region == "14"]
            assert {finding.rule.stage for finding in about_14} == {Stage.SHAPE}, rule.id


# ---- the rules themselves


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_says_why_in_a_sentence_and_what_is_wrong_in_its_style(rule):
    assert rule.reason.split("\n\n")[0].rstrip().endswith("."), "the first paragraph is a sentence"
    for text in (rule.problem, rule.remedy):
        assert not text.endswith(".")
        assert not text[0].isupper() or text.startswith("TAK")
        assert "illegal" not in text


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_has_only_named_placeholders(rule):
    for text in (rule.problem, rule.remedy):
        names = [name for _text, name, _format, _conversion in string.Formatter().parse(text) if name is not None]
        assert all(name.isidentifier() for name in names)


def test_every_guard_is_a_rule():
    assert {guard.id for guard in GUARDS.values()} <= set(RULES)
    assert {guard.stage for guard in GUARDS.values()} == {Stage.GUARD}


def test_a_rule_is_found_by_its_id():
    assert all(rule.id == id_ for id_, rule in RULES.items())


# ---- what the examples do not show


def told(folder, rule, text):
    """The findings of one rule about an example."""
    return [finding for finding in findings_of(folder, parts(text)) if finding.rule.id == rule]


BOTH = f"""
clinics: {{{CLINIC}: Närhälsan Ågårdsskogen}}
database: {{clinics: {{{CLINIC}: "14"}}, managed: {{{CLINIC}: "14"}}}}
register: {{{CLINIC}: {{region: "12"}}}}
---
clinics: {{{CLINIC}: Närhälsan Ågårdsskogen}}
"""


def test_of_two_lines_the_one_that_the_register_does_not_give_is_told_to_go(tmp_path):
    (finding,) = told(tmp_path, "clinic-moved", BOTH)
    assert finding.region == "14"
    assert finding.place.path.endswith(FILE_NAMES["14"])
    assert finding.remedy.startswith("move the line to ")
    assert finding.remedy.endswith(FILE_NAMES["12"])
    assert told(tmp_path, "duplicate-clinic", BOTH) == []


def test_a_duplicate_points_at_both_lines(tmp_path):
    (finding,) = findings_of(tmp_path, examples(RULES["duplicate-clinic"])["Flagged"])
    (other,) = finding.related
    assert (Path(finding.place.path).name, Path(other.path).name) == (FILE_NAMES["14"], FILE_NAMES["12"])
    assert FILE_NAMES["12"] in finding.problem


def test_only_the_ids_with_the_wrong_number_are_told(tmp_path):
    text = "clinics: {SE2321000131-E000000000458: A, SE2321000132-E000000000459: B}"
    assert [one.subject for one in told(tmp_path, "check-digit-wrong", text)] == ["SE2321000132-E000000000459"]


def test_a_number_with_16_before_it_has_its_check_digit_too(tmp_path):
    text = "clinics: {SE162321000131-E000000000458: A, SE162321000132-E000000000459: B}"
    assert [one.subject for one in told(tmp_path, "check-digit-wrong", text)] == ["SE162321000132-E000000000459"]


def test_a_board_has_a_check_digit_as_well(tmp_path):
    text = "patient_board: {hsa_id: SE2321000132-PNEXEMPEL, name: Kansliet, support_order: X-1}"
    assert [one.subject for one in told(tmp_path, "check-digit-wrong", text)] == ["SE2321000132-PNEXEMPEL"]


def test_a_close_id_that_nobody_declares_is_offered_with_its_name(tmp_path):
    typed = "SE2321000131-E000000000459"
    text = f"{{clinics: {{{typed}: A}}, register: {{{typed}: null, {CLINIC}: {{name: Lidköping}}}}}}"
    (finding,) = told(tmp_path, "clinic-unknown", text)
    assert finding.remedy == f"write {CLINIC} (Lidköping)"


def test_a_clinic_of_the_same_name_is_offered_where_no_id_is_close(tmp_path):
    known = f"{{SE2321000131-X1: null, {CLINIC}: {{name: Lidköping}}}}"
    text = f"{{clinics: {{SE2321000131-X1: lidköping}}, register: {known}}}"
    (finding,) = told(tmp_path, "clinic-unknown", text)
    assert finding.remedy == f"write {CLINIC} (Lidköping)"


def test_a_number_with_a_digit_off_is_offered_from_the_other_lines(tmp_path):
    text = "clinics: {SE2321000131-E000000000458: A, SE2321000132-E000000000459: B}"
    (finding,) = told(tmp_path, "check-digit-wrong", text)
    assert finding.remedy == "write SE2321000131-E000000000459"


def test_a_clinic_that_is_another_regions_is_told_whose_file_it_belongs_in(tmp_path):
    (finding,) = told(tmp_path, "clinic-of-other-region", f'{{register: {{{CLINIC}: {{region: "12"}}}}}}')
    assert finding.remedy.endswith(f"regions/{FILE_NAMES['12']}")
    (finding,) = told(tmp_path, "clinic-of-other-region", f'{{register: {{{CLINIC}: {{region: "13"}}}}}}')
    assert finding.remedy == "delete the line; the clinic is added in the file of 13 Region Halland"


def test_a_clinic_enrolled_by_hand_in_a_region_that_is_not_kept_is_nobodys_business(tmp_path):
    text = f'{{clinics: {{}}, regions: ["14"], database: {{clinics: {{{CLINIC}: "12"}}}}}}'
    assert told(tmp_path, "clinic-of-unkept-region", text) == []
    assert told(tmp_path, "clinic-unmanaged", text) == []


def test_a_clinic_that_comes_home_to_a_region_without_a_board_is_told_of_it(tmp_path):
    """The new region's file lists the clinic already: its enrolment moves all the same."""
    text = f'{{patient_board: null, database: {{clinics: {{{CLINIC}: "12"}}}}}}'
    (finding,) = told(tmp_path, "clinic-moved-to-inactive-region", text)
    assert finding.problem.startswith(f"{CLINIC} (Närhälsan Ågårdsskogen) moves to 14 Västra Götalandsregionen")


def test_a_clinic_that_has_followed_is_told_of_the_missing_board_for_as_long_as_its_line_stays_behind(tmp_path):
    text = f"""
database: {{clinics: {{{CLINIC}: "12"}}, managed: {{{CLINIC}: "14"}}}}
register: {{{CLINIC}: {{region: "12"}}}}
---
patient_board: null
"""
    assert [one.region for one in told(tmp_path, "clinic-moved-to-inactive-region", text)] == ["14"]


def test_a_clinic_that_stays_in_a_region_without_a_board_is_not_told_again(tmp_path):
    text = f'{{patient_board: null, database: {{clinics: {{{CLINIC}: "14"}}}}}}'
    assert told(tmp_path, "clinic-moved-to-inactive-region", text) == []


def test_a_national_guard_is_not_approved_for_a_region(tmp_path):
    approval = '{guard: config-went-back, region: "14", at_most: 1, until: 2026-12-31, reason: a, approved_by: b}'
    (finding,) = told(tmp_path, "approval-of-wrong-scope", f"approvals: [{approval}]")
    assert finding.problem == "config-went-back is a guard of the country, but the approval names a region"
    assert finding.remedy == "delete the line region"


def test_an_approval_that_is_used_is_neither_unused_nor_exhausted(tmp_path):
    findings = findings_of(tmp_path, examples(RULES["approval-expired"])["Okay"])
    assert not {finding.rule.id for finding in findings if finding.rule.id.startswith("approval-")}
