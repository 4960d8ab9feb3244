"""The issue forms in `.github/ISSUE_TEMPLATE/`, filled in as GitHub renders them, do what they say they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sessions import ROOT, at_the_example

from reconciler.cli import run
from reconciler.edit.issue_form import Wish, read_form
from reconciler.model import REGIONS

FORMS = ROOT / ".github/ISSUE_TEMPLATE"
CONNECT, DISCONNECT, BOARD = "anslut-mottagningar", "koppla-bort-mottagningar", "bestall-patientnamnd"
CLINIC = "SE2321000131-E000000000213"
VG = "config/regions/14-vastra-gotaland.yaml"


def asked(name: str) -> list[dict[str, Any]]:
    """Return what the form *name* asks for."""
    body = yaml.safe_load((FORMS / f"{name}.yml").read_text(encoding="utf-8"))["body"]
    return [element for element in body if element["type"] != "markdown"]


def filled_in(name: str, *answers: str) -> str:
    """Return the body of the issue, as GitHub makes it of the answers."""
    parts = []
    for element, answer in zip(asked(name), answers, strict=True):
        fence = element["attributes"].get("render")
        said = f"```{fence}\n{answer}\n```" if fence else answer
        parts.append(f"### {element['attributes']['label']}\n\n{said}")
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("name", [CONNECT, DISCONNECT, BOARD])
def test_a_form_offers_the_regions_and_demands_an_answer_to_all(name: str) -> None:
    region = asked(name)[0]["attributes"]
    assert region["options"] == [f"{code} {called}" for code, called in REGIONS.items()]
    assert all(element["validations"]["required"] for element in asked(name))


@pytest.mark.parametrize(
    ("name", "wish"), [(CONNECT, Wish.CONNECT), (DISCONNECT, Wish.DISCONNECT), (BOARD, Wish.BOARD)]
)
def test_a_form_is_known_by_its_headings(name: str, wish: Wish) -> None:
    answers = ["14 Västra Götalandsregionen", CLINIC, "Nämnden", "ETJ-2026-1"]
    form = read_form(filled_in(name, *answers[: len(asked(name))]))
    assert (form.wish, form.region) == (wish, "14")
    assert [hsa_id for row in form.rows for hsa_id in row.hsa_ids] == ([] if wish is Wish.BOARD else [CLINIC])


def test_a_clinic_is_disconnected_and_connected_again_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_example(tmp_path, monkeypatch)
    before = Path(VG).read_text(encoding="utf-8")
    said = []
    for name in (DISCONNECT, CONNECT):
        body = filled_in(name, "14 Västra Götalandsregionen", f"HSA-id\tNamn\n{CLINIC}\tKrokslätt")
        Path("body.md").write_text(body, encoding="utf-8")
        assert run(["import", "body.md", "--from-issue-form", "--write"]) == 0
        said.append(Path(VG).read_text(encoding="utf-8"))
    assert (CLINIC in said[0], said[1]) == (False, before)


def test_a_board_is_ordered_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_example(tmp_path, monkeypatch)
    body = filled_in(BOARD, "03 Region Uppsala", "SE2321000024-PNEXEMPEL", "Patientnämnden", "ETJ-2026-0412")
    Path("body.md").write_text(body, encoding="utf-8")
    assert run(["import", "body.md", "--from-issue-form", "--write"]) == 0
    assert "support_order: ETJ-2026-0412" in Path("config/regions/03-uppsala.yaml").read_text(encoding="utf-8")
