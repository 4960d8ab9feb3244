"""An HSA-id that cannot be right: which clinic was meant is offered with its name, from whoever knows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden_situations import AGARD, EDEN, FILE, OTHER, Situation, committed, edited, made, nothing
from test_cli import Said

EDEN_NAMED = f"write {EDEN} (Vårdcentralen Eden)"
AGARD_NAMED = f"write {AGARD} (Närhälsan Ågårdsskogen)"
FORM = "write SE, ten digits, a hyphen, and 1 to 18 letters (A–Z) or digits"
LINE = f"{AGARD}: Närhälsan Ågårdsskogen"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two regions where nothing has happened."""
    monkeypatch.chdir(tmp_path)
    made(Situation("nothing", ("validate",), nothing))
    return tmp_path


def found(*command: str) -> list[tuple[str, str]]:
    return [(one["rule"], one["remedy"]) for one in Said(*command, "--format=json").json()["findings"]]


@pytest.mark.parametrize(
    ("line", "rule", "remedy"),
    [
        ("SE162321OO0255-O24371: Eden", "hsa-id-malformed", EDEN_NAMED),  # letters put right give one that is known
        ("SE16232100255-O24371: x", "hsa-id-malformed", EDEN_NAMED),  # a digit is missing
        ("O24371: vårdcentralen eden", "hsa-id-malformed", EDEN_NAMED),  # only the name tells
        ("O24371: Vårdcentralen Edén", "hsa-id-malformed", EDEN_NAMED),
        ("SE162321000256-O24371: x", "check-digit-wrong", EDEN_NAMED),
        ("SE162321OO0255-O24372: Vårdcentralen Eden", "hsa-id-malformed", "write SE162321000255-O24372"),  # unknown
        ("SE2321000132-E000000008388: Eriksberg", "check-digit-wrong", "write SE2321000131-E000000008388"),  # its own
        ("O24371: Norr", "hsa-id-malformed", FORM),
        ("O24371: [Vårdcentralen Eden]", "hsa-id-malformed", FORM),
    ],
)  # fmt: skip
def test_it_is_offered_from_another_region_s_file(line: str, rule: str, remedy: str) -> None:
    edited(FILE, LINE, line)
    assert (rule, remedy) in found("validate")


@pytest.mark.parametrize("command", [("validate", "--live"), ("plan",)])
@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("E458: Närhälsan Ågårdsskogen", "hsa-id-malformed"),
        ("SE2321000131-E00000000045Ö: x", "hsa-id-malformed"),
        ("SE2321OO0131-E000000000459: x", "hsa-id-malformed"),  # put right it would be another that nobody knows
        ("SE2321000132-E000000000458: x", "clinic-unknown"),  # not of its check digit: one cause, one finding
    ],
)
def test_it_is_offered_from_the_e_services_where_they_are_asked(command: tuple[str, ...], line: str, rule: str) -> None:
    edited(FILE, LINE, line)
    told = [one for one in found(*command) if one[0] != "clinic-unmanaged"]
    assert told == [(rule, AGARD_NAMED)]


def test_a_clinic_that_some_file_declares_is_not_offered_by_the_e_services() -> None:
    edited(FILE, LINE, "O24371: Vårdcentralen Eden")
    assert ("hsa-id-malformed", EDEN_NAMED) not in found("validate", "--live")
    edited(OTHER, f"  {EDEN}: Vårdcentralen Eden", "  {}")
    assert ("hsa-id-malformed", EDEN_NAMED) in found("validate", "--live")


def test_where_the_e_services_do_not_answer_the_files_are_looked_through() -> None:
    edited(FILE, LINE, "O24371: Vårdcentralen Eden")
    Path("register.csv").unlink()
    assert ("hsa-id-malformed", EDEN_NAMED) in found("validate", "--live")
    assert ("hsa-id-malformed", EDEN_NAMED) in found("plan")


def test_what_the_base_had_is_offered_to_whoever_has_broken_it() -> None:
    committed(nothing)
    edited(FILE, LINE, "SE2321000131-E0000000000000000458: Närhälsan Ågårdsskogen")
    assert found("validate", "--base", "HEAD") == [("hsa-id-malformed", AGARD_NAMED)]
    assert ("hsa-id-malformed", AGARD_NAMED) not in found("validate")


def test_a_number_that_the_e_services_know_is_right_whatever_its_check_digit() -> None:
    odd = AGARD.replace("131-", "132-")
    edited(FILE, AGARD, odd)
    edited(Path("register.csv"), AGARD, odd)
    assert [rule for rule, _remedy in found("validate")] == ["check-digit-wrong"]
    assert found("validate", "--live") == []


def test_a_board_keeps_its_check_digit_s_warning() -> None:
    edited(FILE, "SE2321000131-PNEXEMPEL", "SE2321000132-PNEXEMPEL")
    assert ("check-digit-wrong", "write SE2321000131-PNEXEMPEL") in found("validate", "--live")
