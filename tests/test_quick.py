"""The quick reader says nothing that the reader of events would not: the same region, or it leaves the file to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.declare import closely, quick
from reconciler.model import SourceText

pytestmark = pytest.mark.usefixtures("unmeasured")

FOLDER = Path(__file__).parent.parent / "config" / "regions"
EXAMPLES = 100_000 if os.environ.get("RECONCILER_SOAK") else 2_000
GOOD = """\
# yaml-language-server: $schema=../../schemas/region.schema.json
version: 1
region: "14"
name: Västra Götalandsregionen
# se beställningen
patient_board:
  hsa_id: SE2321000131-PNEXEMPEL
  name: Patientnämndernas kansli
  support_order: ETJ-2026-0412
clinics:
  SE2321000131-E000000000458: Närhälsan Ågårdsskogen
  SE162321000255-o24371: Vårdcentralen, Eden (Malmö)
  SE2321000131-E000000008388: 12:30 null
"""
PIECES = [
    *"abÅ1 -:#'\"[]{}&*!|>%@`,?~\t\r\n\\\0\x85\u00a0\u2028\ufeff\u202e",
    ": ",
    " #",
    ":\n",
    "null",
    "”",
    "“",
    "Ã¥",
    "\ufffd",
    "~",
    "---\n",
    "...\n",
    "  ",
    "x-a: b\n",
    "clinics: {}\n",
    "  SE2321000131-E000000000458: Ännu en\n",
    "  se2321000131-e000000000459: Ännu en\n",
    "SE16",
    "E" * 20,
    "a" * 260,
]


def both(text: str) -> tuple[object, object]:
    source = SourceText("14-x.yaml", text)
    return quick.read("14", source), closely.read("14", source)


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_every_file_of_the_example_is_read_quickly_and_alike(path: Path) -> None:
    source = SourceText(path.name, path.read_text(encoding="utf-8"))
    found = quick.read(path.name[:2], source)
    assert found is not None
    assert (found, []) == closely.read(path.name[:2], source)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ETJ-2026-0412", "null"),
        (GOOD[GOOD.index("patient_board") :], "patient_board: null\nclinics: {}\n"),
        ("Närhälsan Ågårdsskogen", "no"),
        ("# se beställningen\n", ""),
    ],
)
def test_what_is_plain_is_read_alike(old: str, new: str) -> None:
    found, closely = both(GOOD.replace(old, new))
    assert found is not None
    assert (found, []) == closely


def test_a_good_file_is_plain() -> None:
    found, closely = both(GOOD)
    assert found is not None
    assert (found, []) == closely


@pytest.mark.parametrize(
    "odd",
    [
        GOOD.replace("Närhälsan", '"Närhälsan"'),
        GOOD.replace("Ågårdsskogen", "Ågårdsskogen # flyttad"),
        GOOD.replace("Ågårdsskogen", "Ågårdsskogen:"),
        GOOD.replace("Ågårdsskogen", "Ågårds: skogen"),
        GOOD.replace("Patientnämndernas kansli", "null"),
        GOOD.replace("Patientnämndernas kansli", "Nämndens: kansli"),
        GOOD.replace('"14"', '"12"'),
        GOOD.replace("Eden", "Ed\u202een"),
        GOOD.replace("Å", "Ã…"),
        GOOD.rstrip("\n"),
        GOOD + "  SE2321000131-E000000000458: Ännu en\n",
        GOOD + "x-contact: vi\n",
        GOOD.replace("clinics:\n", "clinics: {}\n"),
        GOOD[: GOOD.index("  SE2321000131-E000000000458")],
    ],
)
def test_what_is_odd_is_left_to_the_reader_of_events(odd: str) -> None:
    assert quick.read("14", SourceText("14-x.yaml", odd)) is None


@settings(max_examples=EXAMPLES)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 3), st.sampled_from(PIECES) | st.text(max_size=3)),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_is_edited_both_readers_agree(edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for place, cut, new in edits:
        text = text[:place] + new + text[place + cut :]
    found, closely = both(text)
    assert found is None or (found, []) == closely
