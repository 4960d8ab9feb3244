"""Documents become texts that people read, and that no terminal obeys."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from made_results import (
    APPLIED,
    BOARD,
    ENROL,
    FAILED,
    FAILURE,
    FILE,
    FULL,
    HALLAND,
    ID,
    KNOWN,
    NAME,
    NOBODY,
    OTHER,
    RUN,
    SET_BOARD,
    SKANE,
    STATUS,
    STORY,
    UNKNOWN,
    UNPLACED,
    VG,
    WITHDRAW,
    finding,
    planned,
)

from reconciler.findings import Place, Severity
from reconciler.model import (
    BoardRow,
    Enrolment,
)
from reconciler.plan import Action, Outcome, action_word
from reconciler.report import json as report
from reconciler.report import text
from reconciler.report.changes import blocks
from reconciler.report.terminal import severity_word
from reconciler.results import (
    Applied,
    RegionStatus,
    Status,
    Validation,
    Verdict,
)
from reconciler.rules import clinic
from reconciler.rules.registry import RULES
from reconciler.store import LastRun


def printed(show: Callable[..., None], document: dict[str, Any], **options: Any) -> str:
    stream = io.StringIO()
    show(document, text.console(stream), **options)
    return stream.getvalue()


# ---- texts


def test_findings_are_told_at_their_place_with_the_remedy_below() -> None:
    result = Validation((finding(), UNPLACED), (FAILURE,), 21, 1)
    assert printed(text.validate, report.validate(result)) == (
        f"{FILE}:9:3: error: {ID} is declared in 12-skane.yaml as well [duplicate-clinic]\n"
        "    keep the line in the file of the region that the e-services give, and delete the other\n"
        "    see config/regions/12-skane.yaml:7:3\n"
        "note: only routes on a clinic's own HSA-id were looked at [routes-without-parents]\n"
        "    a clinic without one may still be covered by a route on a unit above it in HSA\n"
        "register: the register is 40 hours old\n"
        "    see why it is not made anew\n"
        "    or wait\n"
        "21 regions, 1 clinic: 1 error, 1 note\n"
    )


def test_files_without_a_fault_are_said_to_be_fine() -> None:
    assert printed(text.validate, report.validate(Validation((), (), 1, 660))) == (
        "1 region, 660 clinics: nothing is wrong\n"
    )


def test_a_plan_is_told_region_by_region() -> None:
    assert printed(text.plan, report.plan(FULL)) == (
        "08 Region Kalmar län: stopped by region-name-differs\n"
        "\n"
        "12 Region Skåne: refused by withdraws-too-many\n"
        f"  - withdraw      {OTHER}  Eriksberg\n"
        f"  - remove board  {BOARD}      Kansliet\n"
        "\n"
        "13 Region Halland: unchanged; something is left out by move-waits\n"
        f"  > move  {HALLAND}  Oskarström, from 12 Region Skåne  (register, waits)\n"
        "\n"
        "14 Västra Götalandsregionen: 5 changes; something is left out by clinic-not-active\n"
        f"  > move          {OTHER}  Eriksberg, from 12 Region Skåne  (register)\n"
        f"  ~ rename        {OTHER}  Gamla → Nya  (drift)\n"
        f"  + enrol         {ID}  {NAME}\n"
        f"  ~ change board  {BOARD}      SE2321000131-OLD Nämnden → Kansliet\n"
        f"  + set board     {BOARD}      Kansliet\n"
        "\n"
        "config/approvals.yaml:1: the approval of withdraws-too-many for 12 Region Skåne is used:"
        " it takes 3, 2 of 12 were taken\n"
        "    it holds until 2026-12-01\n"
        "config/approvals.yaml:1: the approval of withdraws-too-many for the country is used:"
        " it takes 3, 2 of 12 were taken\n"
        "    it holds until 2026-12-01\n"
        f"{FILE}:9:3: error: {ID} is declared in 12-skane.yaml as well [duplicate-clinic]\n"
        "    keep the line in the file of the region that the e-services give, and delete the other\n"
        "    see config/regions/12-skane.yaml:7:3\n"
        f"warning: {HALLAND} moves from 12 to 13, and waits: 12 is stopped, refused or on hold [move-waits]\n"
        "    see what stops it\n"
        "note: only routes on a clinic's own HSA-id were looked at [routes-without-parents]\n"
        "    a clinic without one may still be covered by a route on a unit above it in HSA\n"
        "\n"
        "8 changes: 1 enrol, 1 withdraw, 2 move, 1 rename, 1 set board, 1 change board, 1 remove board;"
        " 3 of them left out\n"
        "5 regions: 1 to change, 2 unchanged, 1 stopped, 1 refused\n"
    )


def test_changes_of_a_region_that_is_not_shown_hide_no_others() -> None:
    document = {
        "regions": [{"region": code, "verdict": "apply", "because": []} for code in ("09", "14")],
        "changes": [{"region": code, "subject": code} for code in ("08", "09", "12", "14", "14")],
        "findings": [],
    }
    assert [[one["region"] for one in block.changes] for block in blocks(document)] == [["09"], ["14", "14"]]


def test_an_empty_plan_says_that_nothing_is_to_do() -> None:
    assert printed(text.plan, report.plan(planned())) == "nothing to do\n1 region: 1 unchanged\n"
    assert printed(text.apply, report.apply(Applied(planned()))) == "nothing to do\n1 region: 1 unchanged\n"


def test_a_plan_without_an_answer_never_says_that_nothing_is_to_do() -> None:
    said = printed(text.plan, report.plan(FAILED))
    assert "register: the register is 40 hours old" in said
    assert said.endswith("nothing was planned: what should hold cannot be known without what failed\n")
    assert "08 Region Kalmar län: stopped by region-name-differs" in said
    assert printed(text.apply, report.apply(Applied(FAILED))).endswith(
        "nothing was applied: what should hold cannot be known without what failed\n"
    )


def test_many_changes_of_a_kind_are_cut_short_unless_all_are_asked_for() -> None:
    def many(count: int) -> dict[str, Any]:
        changes = tuple(ENROL._replace(subject=f"SE2321000131-E{n:012}") for n in range(count))
        return report.plan(planned((VG,), (*changes, SET_BOARD)))

    assert printed(text.plan, many(20)).count("+ enrol") == 20
    short = printed(text.plan, many(25))
    assert short.count("+ enrol") == 10
    assert "  + … and 15 more; --all shows them\n" in short
    assert "+ set board" in short
    assert printed(text.plan, many(25), everything=True).count("+ enrol") == 25


def test_the_names_stand_as_close_as_the_ids_that_are_shown_let_them() -> None:
    changes = tuple(ENROL._replace(subject=f"SE1-{n:02}") for n in range(24))
    longer = ENROL._replace(subject="SE1-" + "9" * 20)
    assert "  + enrol  SE1-00  N" in printed(text.plan, report.plan(planned((VG,), (*changes, longer))))


def test_what_was_applied_is_told_with_the_run() -> None:
    assert printed(text.apply, report.apply(APPLIED)) == (
        "14 Västra Götalandsregionen: 1 change applied\n"
        f"  + enrol  {ID}  {NAME}\n"
        "\n"
        "run 17: 1 of 1 change applied\n"
        "2 regions: 1 changed, 1 unchanged\n"
    )


def test_a_region_that_failed_or_was_not_reached_is_told() -> None:
    failed = VG._replace(verdict=Verdict.FAILED, because=())
    left = SKANE._replace(verdict=Verdict.NOT_ATTEMPTED, because=())
    said = printed(text.apply, report.apply(Applied(planned((left, failed), (WITHDRAW, ENROL)))))
    assert "14 Västra Götalandsregionen: failed, rolled back\n" in said
    assert "12 Region Skåne: not attempted\n" in said
    assert said.endswith("\n0 of 2 changes applied\n2 regions: 1 failed, 1 not attempted\n")


def test_status_is_a_table_and_the_last_run() -> None:
    lines = printed(text.status, report.status(STATUS)).splitlines()
    assert " ".join(lines[0].split()) == (
        "code region active patient board its HSA-id declared enrolled pending unmanaged"
    )
    assert " ".join(lines[1].split()) == "09 Region Gotland no – – ? 0 ? 0"
    assert lines[2:] == [
        "14    Västra Götalandsregionen  yes     Kansliet       SE2321000131-PNEXEMPEL       313       310        3"
        "          1",
        "",
        "last run: 17 by ci, 2026-05-01 14:00: done, 3 changes",
    ]
    assert [one for one in lines if one != one.rstrip()] == []


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (None, "no run yet\n"),
        (
            RUN._replace(finished=None, status="started"),
            "last run: 17 by ci, begun 2026-05-01 14:00 and not ended\n",
        ),
        (RUN._replace(applied=1), "last run: 17 by ci, 2026-05-01 14:00: done, 1 change\n"),
    ],
)
def test_the_last_run_is_told_as_it_ended(run: LastRun | None, said: str) -> None:
    assert printed(text.status, report.status(Status((), run, (FAILURE,)))).endswith(said)


def test_a_rule_is_explained_with_its_examples() -> None:
    assert printed(text.explain_rule, report.explain_rule(clinic.clinic_not_active)) == (
        "clinic-not-active: error, upstream\n"
        "\n"
        "Only clinics activated in the e-services can be added (rule 3).\n"
        "\n"
        f"problem: {clinic.clinic_not_active.problem}\n"
        f"remedy: {clinic.clinic_not_active.remedy}\n"
        "\n"
        "okay:\n"
        "    register: {SE2321000131-E000000000458: {status: active}}\n"
        "\n"
        "flagged:\n"
        "    register: {SE2321000131-E000000000458: {status: inactive}}\n"
    )


def test_doubled_braces_are_explained_as_they_are_told() -> None:
    doubled = replace(RULES["region-file-missing"], remedy="write clinics: {{}} for {region}")
    assert report.explain_rule(doubled)["remedy"] == "write clinics: {} for {region}"


def test_a_clinic_is_explained_from_all_that_is_known() -> None:
    assert printed(text.explain_clinic, report.explain_clinic(STORY)) == (
        f"{ID}\n"
        f"  declared  {FILE}:9: {NAME}\n"
        f"  register  14 Västra Götalandsregionen: {NAME}, active\n"
        "  TAK       has no route for it\n"
        "  enrolled  no\n"
        "  managed   no\n"
        "  outcome   to be enrolled\n"
        "an apply would:\n"
        f"  + enrol  {ID}  {NAME}\n"
        f"{FILE}:9:3: error: {ID} is declared in 12-skane.yaml as well [duplicate-clinic]\n"
        "    keep the line in the file of the region that the e-services give, and delete the other\n"
        "    see config/regions/12-skane.yaml:7:3\n"
    )
    assert printed(text.explain_clinic, report.explain_clinic(KNOWN)) == (
        f"{ID}\n"
        "  declared  no\n"
        f"  register  14 Västra Götalandsregionen: {NAME}, not active\n"
        "  TAK       routes it to a system of its own\n"
        f"  enrolled  14 Västra Götalandsregionen: {NAME}\n"
        "  managed   declared in 14 Västra Götalandsregionen\n"
        "  outcome   to be withdrawn: its line was deleted\n"
    )


def test_what_could_not_be_asked_is_never_said_to_be_absent() -> None:
    known = printed(text.explain_clinic, report.explain_clinic(NOBODY))
    assert "  TAK       was not asked\n" in known
    assert "  register  no\n" in known
    assert "  outcome   nothing: no file that can be read declares it\n" in known
    unknown = printed(text.explain_clinic, report.explain_clinic(UNKNOWN))
    assert unknown.count("not known now\n") == 6


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_words(outcome: Outcome) -> None:
    document = {**report.explain_clinic(NOBODY), "outcome": outcome.value}
    assert "  outcome   " in printed(text.explain_clinic, document)


def test_every_action_and_severity_has_a_word() -> None:
    assert all(action_word(action.value) for action in Action)
    assert all(severity_word(severity.value) for severity in Severity)


# ---- what a terminal would obey


HOSTILE = "a\x1b]0;b\x07\x9b31m\u202e[red]c[/red]:smile:\nd\udcff"
SHOWN = "a\\x1b]0;b\\x07\\x9b31m\\u202e[red]c[/red]:smile:\\nd\\udcff"


def test_text_from_files_and_registers_is_shown_and_never_obeyed() -> None:
    change = ENROL._replace(subject=HOSTILE, after=Enrolment("14", HOSTILE))
    bad = clinic.duplicate_clinic.finding(Place(HOSTILE, 1, 1), subject=HOSTILE, others=HOSTILE)
    board = RegionStatus("14", HOSTILE, BoardRow(HOSTILE, HOSTILE), 0, 0, 0, 0)
    said = printed(text.plan, report.plan(planned((VG._replace(name=HOSTILE),), (change,), (bad,)))) + printed(
        text.status, report.status(Status((board,), RUN._replace(actor=HOSTILE), ()))
    )
    assert said.count(SHOWN) == 10
    assert all(one == "\n" or one.isprintable() for one in said)


def test_a_long_line_is_neither_folded_nor_cut_where_no_terminal_is() -> None:
    change = ENROL._replace(after=Enrolment("14", "x" * 500 + " " + "y" * 500))
    said = printed(text.plan, report.plan(planned((VG,), (change,))))
    assert "x" * 500 + " " + "y" * 500 + "\n" in said
    board = RegionStatus("14", "x" * 300, BoardRow(BOARD, "y" * 300), 0, 0, 0, 0)
    assert len(printed(text.status, report.status(Status((board,), None, ()))).splitlines()[1]) > 600


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_narrow_terminal_does_not_break_ids_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Screen()
    text.status(report.status(STATUS), text.console(stream))
    assert stream.getvalue() == printed(text.status, report.status(STATUS))


def shown_on_screen() -> str:
    stream = Screen()
    text.plan(report.plan(FULL), text.console(stream))
    return stream.getvalue()


def test_colour_is_for_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in shown_on_screen()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" not in printed(text.plan, report.plan(FULL))


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in shown_on_screen()


def test_a_stream_that_knows_no_swedish_letters_gets_them_spelt_out() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    text.validate(report.validate(Validation((finding(),), (), 1, 1)), text.console(stream))
    text.plan(report.plan(planned((VG,), (ENROL,))), text.console(stream))
    stream.flush()
    assert b"N\\xe4rh\\xe4lsan \\xc5g\\xe5rdsskogen" in raw.getvalue()
