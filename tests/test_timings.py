"""`--timings`: what each station of the line took, told beside the result and never in its place."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from bench.clinics import make
from reconciler import stations
from reconciler.cli import main
from reconciler.report.timings import lines, timings
from reconciler.stations import STATIONS, Spent
from reconciler.words import speak

SCHEMAS = Path(__file__).parent.parent / "schemas"
LINE = {
    "validate": ("start", "declare", "check", "ask", "report"),
    "plan": ("start", "declare", "check", "ask", "observe", "settle", "diff", "guard", "fingerprint", "report"),
    "apply": STATIONS,
}


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, 42)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stations, "_spent", {})
    monkeypatch.setattr(stations, "_now", STATIONS[0])  # what ran before may have been cut off anywhere
    assert CliRunner().invoke(main, ["db", "init"]).exit_code == 0


@pytest.mark.parametrize("command", LINE)
@pytest.mark.usefixtures("country")
def test_every_station_that_a_run_comes_to_is_in_its_document(command: str) -> None:
    ran = CliRunner().invoke(main, [command, "--timings", "--format", "json"])
    document = json.loads(ran.stdout)
    schema = json.loads((SCHEMAS / f"{command}.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    told = document["timings"]["stations"]
    assert {"start", *(one["station"] for one in told)} == set(LINE[command])
    assert sum(one["share"] for one in told) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("language", "word"), [("en", "settle"), ("sv", "avgör")])
@pytest.mark.usefixtures("country")
def test_a_person_is_told_on_stderr_in_their_language(language: str, word: str) -> None:
    try:
        speak(language)
        told = CliRunner().invoke(main, ["plan", "--timings"])
        untold = CliRunner().invoke(main, ["plan"])
    finally:
        speak("en")
    assert word in told.stderr
    assert "MB" in told.stderr
    assert told.stdout == untold.stdout
    assert untold.stderr == ""


def test_the_table_is_made_of_the_document() -> None:
    document = timings([Spent("declare", 3.0, 2.5), Spent("report", 1.0, 1.0)], 64)
    assert list(lines(document)) == [
        "station   seconds     CPU  share",
        "declare     3.000   2.500    75%",
        "report      1.000   1.000    25%",
        "at most 64 MB of memory",
    ]


def test_a_run_without_any_time_has_shares_all_the_same() -> None:
    assert timings([Spent("start", 0.0, 0.0)], 1)["stations"][0]["share"] == 0
