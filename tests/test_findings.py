"""Places, rules, findings and failures: what is said, in which order, and what the process ends with."""

import errno
from collections.abc import Iterator
from itertools import permutations

import pytest

from reconciler.findings import Exit, Failure, Finding, Place, Severity, Stage, reason_of, rule
from reconciler.words import speak


@rule(Stage.MEANING, problem="{subject} in region {region} is {what}", remedy="take {what} away")
def clinic_is_odd(what: str) -> Iterator[Finding]:
    """A clinic is not odd.

    There is a reason.
    """
    yield clinic_is_odd.finding(Place("14.yaml", 7, 3), region="14", subject="SE1-A", what=what)


@rule(Stage.GUARD, severity=Severity.WARNING, problem="odd", remedy="even it out")
def all_is_odd() -> Iterator[Finding]:
    yield all_is_odd.finding()


def odd(**values):
    return clinic_is_odd.finding(what="blue", **values)


def test_a_rule_is_named_after_its_function():
    assert clinic_is_odd.id == "clinic-is-odd"


def test_a_rule_without_a_severity_is_an_error():
    assert clinic_is_odd.severity is Severity.ERROR
    assert all_is_odd.severity is Severity.WARNING


def test_a_rule_gives_its_reason_without_indentation():
    assert clinic_is_odd.reason == "A clinic is not odd.\n\nThere is a reason."
    assert all_is_odd.reason == ""


def test_a_rule_is_judged_by_calling_it():
    (finding,) = clinic_is_odd("blue")
    assert finding.problem == "SE1-A in region 14 is blue"
    assert finding.remedy == "take blue away"
    assert (finding.region, finding.subject, finding.place) == ("14", "SE1-A", Place("14.yaml", 7, 3))


def test_a_close_spelling_takes_the_place_of_the_remedy():
    assert odd(suggestion="SE1-B").remedy == "write SE1-B"


def test_braces_in_what_was_typed_are_left_alone():
    finding = clinic_is_odd.finding(subject="{subject}", region="{0}", what="{what!r}", suggestion="{}")
    assert finding.problem == "{subject} in region {0} is {what!r}"
    assert finding.remedy == "write {}"


def test_numbers_in_a_finding_are_written_as_people_write_them():
    finding = clinic_is_odd.finding(subject="A", region="14", what=12_000)
    assert "12,000" in finding.problem + finding.remedy
    speak("sv")
    assert "12 000" in finding.problem + finding.remedy


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(errno.ENOENT, "x"), "it is not there"),
        (PermissionError(errno.EACCES, "x"), "whoever runs the program may not"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError("odd"), "OSError"),
    ],
)
def test_why_the_system_could_not_do_it_is_said_in_words(error, reason):
    assert reason_of(error) == reason


def test_only_an_error_stops_something():
    assert odd().is_error
    (warning,) = all_is_odd()
    assert not warning.is_error
    assert warning.severity is Severity.WARNING


def test_a_place_may_be_the_file_itself():
    assert Place("14.yaml") == ("14.yaml", None, None, None, None, None)


def test_findings_are_told_file_by_file_then_place_by_place():
    in_order = [
        odd(),
        odd(place=Place("12.yaml")),
        odd(place=Place("12.yaml", 2, 9)),
        odd(place=Place("12.yaml", 10, 1)),
        all_is_odd.finding(Place("14.yaml", 1, 1)),
        odd(place=Place("14.yaml", 1, 1)),
        odd(place=Place("14.yaml", 1, 1), region="12"),
        odd(place=Place("14.yaml", 1, 1), region="14", subject="A"),
        odd(place=Place("14.yaml", 1, 1), region="14", subject="B"),
    ]
    backwards = in_order[::-1]
    assert sorted(backwards, key=Finding.sort_key) == in_order


def test_a_failure_says_what_was_asked_and_what_to_do():
    failure = Failure("register", "stale", problem="it is old", remedy="ask why")
    assert (failure.source, failure.kind, failure.problem, failure.remedy) == (
        "register",
        "stale",
        "it is old",
        "ask why",
    )
    assert str(failure) == "it is old"
    assert failure.exit is Exit.UNANSWERED
    assert Failure("settings", "wrong", problem="", remedy="", exit=Exit.SETTINGS).exit is Exit.SETTINGS


# ---- exit codes


def test_the_exit_codes_are_those_of_the_design():
    assert {one.name: one.value for one in Exit} == {
        "DONE": 0,
        "ERRORS": 1,
        "CHANGES": 2,
        "LEFT_OUT": 3,
        "REFUSED": 4,
        "PLAN_STALE": 5,
        "USAGE": 64,
        "UNANSWERED": 69,
        "BUG": 70,
        "LOCKED": 75,
        "SETTINGS": 78,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


WINS = [70, 78, 69, 5, 4, 3, 75, 1, 2, 0]


@pytest.mark.parametrize(("one", "other"), list(permutations(WINS, 2)))
def test_where_several_exit_codes_apply_the_worse_wins(one, other):
    assert Exit.first(Exit(one), Exit(other)) == min(one, other, key=WINS.index)


def test_without_any_exit_code_all_is_done():
    assert Exit.first() is Exit.DONE
    assert Exit.first(*map(Exit, reversed(WINS))) is Exit.BUG
