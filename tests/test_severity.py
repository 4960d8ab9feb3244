"""How much a finding weighs can be set for each rule, except where what is written to the database relies on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cli import Said, edit, example  # noqa: F401  (the fixture)

from reconciler.findings import Severity, weighed
from reconciler.rules import clinic
from reconciler.rules.registry import RULES

NAME = "name: Västra Götalandsregionen"


def set_severity(folder: Path, *lines: str) -> None:
    with (folder / "reconciler.toml").open("a", encoding="utf-8") as file:
        file.write("\n[severity]\n" + "\n".join(lines) + "\n")


@pytest.fixture
def misnamed(example: Path) -> Path:  # noqa: F811
    edit(example / "config/regions/14-vastra-gotaland.yaml", NAME, "name: VGR")
    return example


def test_what_is_written_relies_on_every_error_but_one_and_on_a_move_that_waits() -> None:
    errors = {rule.id for rule in RULES.values() if rule.severity is Severity.ERROR}
    assert {rule.id for rule in RULES.values() if rule.relied_on} == errors - {"region-name-differs"} | {"move-waits"}


def test_weighing_changes_drops_or_leaves_a_finding() -> None:
    found = clinic.clinic_moved.finding(subject="A")
    (louder,) = weighed([found], {"clinic-moved": Severity.ERROR})
    assert (louder.severity, louder.is_error, louder.stops) == (Severity.ERROR, True, False)
    assert list(weighed([found], {"clinic-moved": None})) == []
    assert list(weighed([found], {"another": None})) == [found]


def test_an_error_that_is_lowered_stops_its_region_no_longer(misnamed: Path) -> None:
    assert Said("validate").code == 1
    assert Said("plan", "--format", "json").json()["regions"][11]["verdict"] == "stopped"
    set_severity(misnamed, 'region-name-differs = "note"')
    said = Said("validate", "--format", "json")
    assert (said.code, [one["severity"] for one in said.json()["findings"]]) == (0, ["note"])
    assert Said("plan", "--format", "json").json()["regions"][11]["verdict"] == "apply"


def test_a_rule_that_is_off_says_nothing(misnamed: Path) -> None:
    set_severity(misnamed, 'region-name-differs = "off"')
    assert Said("validate").out == "21 regions, 660 clinics: nothing is wrong\n"


def test_a_warning_that_is_raised_fails_the_run_and_stops_nothing(example: Path) -> None:  # noqa: F811
    edit(example / "config/regions/14-vastra-gotaland.yaml", "SE2321000131-E000000000458", "SE2321000132-E000000000458")
    assert Said("validate").code == 0
    set_severity(example, 'check-digit-wrong = "error"')
    assert Said("validate").code == 1
    region = Said("plan", "--format", "json").json()["regions"][11]
    assert (region["verdict"], "check-digit-wrong" in region["because"]) == ("apply", False)
    assert Said("db", "init").code == 0
    assert Said("apply").code == 3, "the clinic is not in the register, and is left out"


def test_apply_ends_with_1_where_all_is_done_and_a_raised_warning_was_told(example: Path) -> None:  # noqa: F811
    set_severity(example, 'clinic-name-differs = "error"')
    edit(example / "demo/register.csv", "Helsa Vårdcentral Bromölla", "Vårdcentralen Bromölla")
    assert Said("db", "init").code == 0
    assert Said("apply").code == 1


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_strictly_a_warning_fails_too(example: Path, command: str) -> None:  # noqa: F811
    assert Said(command, "--strict").code == 0
    edit(
        example / "config/regions/14-vastra-gotaland.yaml",
        "  SE2321000131-E000000000458",
        "  SE2321000131-PNEXEMPEL: Kansliet\n  SE2321000131-E000000000458",
    )
    assert Said(command).code == 0
    assert Said(command, "--strict").code == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('clinic-name-difers = "off"', "clinic-name-difers is not a rule; did you mean clinic-name-differs?"),
        ('xyzzy = "off"', "severity: xyzzy is not a rule"),
        (
            'clinic-unknown = "off"',
            "clinic-unknown cannot be set: what is written to the database relies on it",
        ),
        ('clinic-moved = "loud"', "severity.clinic-moved: loud should be one of: off, note, warning, error"),
    ],
)
def test_a_severity_that_does_not_fit_is_told(example: Path, line: str, said: str) -> None:  # noqa: F811
    set_severity(example, line)
    told = Said("validate")
    assert (told.code, said in told.err) == (78, True)


def test_the_severities_are_a_table(example: Path) -> None:  # noqa: F811
    edit(example / "reconciler.toml", "demo = true", "demo = true\nseverity = 1")
    assert "severity: should be a table, [severity]" in Said("validate").err


def test_explain_says_where_it_can_be_set() -> None:
    sentence = "its severity can be set in the table [severity] of the settings"
    assert sentence in Said("explain", "clinic-moved").out
    assert sentence not in Said("explain", "clinic-unknown").out
