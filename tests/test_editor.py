"""What an editor shows whoever edits a region file: faults in Swedish on their lines, help, and a new clinic's line."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from language_server import ROOT, SERVER, Editor

NODE = shutil.which("node")
FILE = ROOT / "config/regions/14-vastra-gotaland.yaml"
GOOD = """\
version: 1
region: "14"
name: Västra Götalandsregionen
patient_board:
  hsa_id: SE2321000131-PNEXEMPEL
  name: Patientnämndernas kansli
  support_order: ETJ-2026-0412
clinics:
  SE2321000131-E000000000458: Närhälsan Ågårdsskogen
"""
HSA_ID = (
    "Ett HSA-id skrivs SE, tio siffror, bindestreck och 1–18 bokstäver (A–Z) eller siffror. "
    "Exempel: SE2321000131-E000000000458"
)
CLINIC = "Skriv mottagningens namn, högst 250 tecken på en rad."
needs_server = pytest.mark.skipif(
    NODE is None or not SERVER.is_file(),
    reason="node, or yaml-language-server, is missing: `make check` installs it where there is npm",
)


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    with Editor(NODE or "node") as opened:
        yield opened


@needs_server
def test_a_good_file_is_left_in_peace(editor: Editor) -> None:
    assert editor.opened(GOOD) == []
    assert editor.opened(FILE.read_text(encoding="utf-8")) == []


@needs_server
@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            '"14"',
            '"15"',
            2,
            'Regionkoden är två siffror inom citattecken, till exempel "14". 02, 11, 15 och 16 används inte.',
        ),
        ("SE2321000131-PNEXEMPEL", "SE232100O131-X", 5, HSA_ID),
        ("SE2321000131-E000000000458", "SE23210001311-E1", 9, HSA_ID),
        ("SE2321000131-E000000000458", f"SE2321000131-{'E' * 19}", 9, HSA_ID),
        ("SE2321000131-PNEXEMPEL", f"SE162321000131-{'E' * 17}", 5, HSA_ID),
        ("SE2321000131-E000000000458", '"SE2321000131-E1\\n"', 9, HSA_ID),
        (": Närhälsan Ågårdsskogen", ": [a]", 9, "Skriv mottagningens namn på en rad, efter kolon och ett blanksteg."),
        (": Närhälsan Ågårdsskogen", ":", 9, "Skriv mottagningens namn på en rad, efter kolon och ett blanksteg."),
        (": Närhälsan Ågårdsskogen", ': ""', 9, CLINIC),
        (": Närhälsan Ågårdsskogen", f": {'x' * 251}", 9, CLINIC),
        (": Närhälsan Ågårdsskogen", ': "Närhälsan\\nÅgårdsskogen"', 9, CLINIC),
        (": Patientnämndernas kansli", ': ""', 6, "Skriv nämndens namn, högst 250 tecken på en rad."),
        (": Västra Götalandsregionen", ': ""', 3, "Skriv regionens officiella namn, högst 250 tecken på en rad."),
        (
            "ETJ-2026-0412",
            '""',
            7,
            "Skriv beställningens nummer, högst 250 tecken på en rad, eller null för en nämnd som redan fanns.",
        ),
        ("version: 1", "version: 2", 1, "Skriv version: 1"),
        ("name: Västra Götalandsregionen", "name:", 3, "Skriv regionens officiella namn på en rad."),
        ("ETJ-2026-0412", "[]", 7, "Skriv beställningens nummer, eller null för en nämnd som redan fanns."),
        (
            "clinics:",
            "mottagningar: {}\nclinics:",
            8,
            "Filen ska ha nycklarna version, region, name, patient_board och clinics, och inga andra. "
            "Egna nycklar börjar med x-.",
        ),
        (
            "\n  SE2321000131-E000000000458: Närhälsan Ågårdsskogen",
            " ingen",
            8,
            "Skriv en mottagning på varje rad, HSA-id: namn, eller clinics: {} om det inte finns någon.",
        ),
    ],
)
def test_a_fault_is_told_in_swedish_on_its_line(editor: Editor, old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    assert editor.opened(GOOD.replace(old, new, 1)) == [(line, message)]


@needs_server
@pytest.mark.parametrize(
    ("line", "text"),
    [
        (2, "Regionens kod, två siffror inom citattecken. Samma som i filens namn."),
        (4, "Först när den finns kan invånarna skicka något"),
        (8, "De anslutna mottagningarna, en på varje rad"),
        (9, "I tjänsten står namnet från e-tjänsterna."),
    ],
)
def test_resting_on_a_key_gives_help_in_swedish(editor: Editor, line: int, text: str) -> None:
    editor.opened(GOOD)
    assert text in editor.at("hover", line, 4)["contents"]["value"]


@needs_server
def test_a_new_clinic_is_offered_as_a_line_to_fill_in(editor: Editor) -> None:
    editor.opened(GOOD + "  \n")
    offers = {one["label"]: one["insertText"] for one in editor.at("completion", 10, 3)["items"]}
    assert offers["Ny mottagning"] == "${1:SE2321000000-XXXX}: ${2:Mottagningens namn}"


def test_the_editors_settings_know_the_files_that_are_there() -> None:
    settings = json.loads((ROOT / ".vscode/settings.json").read_text(encoding="utf-8"))
    assert all((ROOT / schema).is_file() for schema in settings["yaml.schemas"])
    assert all(list(ROOT.glob(files)) for files in settings["yaml.schemas"].values())
    wanted = json.loads((ROOT / ".vscode/extensions.json").read_text(encoding="utf-8"))["recommendations"]
    assert "redhat.vscode-yaml" in wanted


def test_git_keeps_line_ends_as_they_are_in_files_that_are_broken_on_purpose() -> None:
    names = ["config/regions/14-vastra-gotaland.yaml", "tests/broken/14-crlf-with-fault.yaml"]
    command = ["git", "check-attr", "text", "eol", "--", *names]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"{names[0]}: eol: lf" in said
    assert f"{names[1]}: text: unset" in said
    assert Path(ROOT / names[1]).read_bytes().count(b"\r\n")
