"""The sessions that README and pages show are replayed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sessions import ROOT, at_the_example, replay, steps

CLINICS = (("SE2321000024-U1", "Vårdcentralen Ett"), ("SE2321000024-U2", "Vårdcentralen Två"))
BOARD = ("SE2321000024-PNEXEMPEL", "Patientnämnden")


def test_the_session_goes_as_the_readme_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_example(tmp_path, monkeypatch)
    session = steps((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(session) > 10
    for step in session:
        replay(step)


def test_a_region_that_was_kept_by_hand_is_introduced_as_the_page_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_example(tmp_path, monkeypatch)
    settings = (tmp_path / "reconciler.toml").read_text(encoding="utf-8")
    settings = settings.replace('lang = "en"', 'lang = "sv"').replace("demo = true", 'demo = true\nregions = ["03"]')
    (tmp_path / "reconciler.toml").write_text(settings, encoding="utf-8")
    register = (tmp_path / "demo/register.csv").read_text(encoding="utf-8")
    register = "".join(line for line in register.splitlines(keepends=True) if "# clinics:" not in line)
    more = [*CLINICS, BOARD]
    rows = "".join(f"{hsa_id},{name},active,03\n" for hsa_id, name in more)
    (tmp_path / "demo/register.csv").write_text(register + rows, encoding="utf-8")
    (tmp_path / "config/regions/03-uppsala.yaml").unlink()
    init, *others = steps((ROOT / "docs/sv/infora.md").read_text(encoding="utf-8"))
    replay(init)
    filled_by_hand()
    for step in others:
        replay(step)


def filled_by_hand() -> None:
    """Let the service have had two clinics and a board of Uppsala since long before."""
    rows = [(hsa_id, name.replace("Vårdcentralen Två", "Vårdc. Två")) for hsa_id, name in CLINICS]
    with closing(sqlite3.connect("reconciler.db")) as database, database:
        insert = "INSERT INTO complaints_clinic VALUES (?, '03', ?, '2025-01-01 00:00:00', '2025-01-01 00:00:00')"
        database.executemany(insert, rows)
        board = "UPDATE complaints_region SET board_hsa_id = ?, board_name = ? WHERE region_code = '03'"
        database.execute(board, BOARD)
