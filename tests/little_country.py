"""A country of three regions that can be changed at will: files, register, database; planned and applied in place."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconciler import pipeline, settings, store
from reconciler.model import REGIONS
from reconciler.results import Applied, Planned
from reconciler.saved import SavedPlan

NOW = datetime(2026, 5, 15, 12, 0, tzinfo=UTC)
CODES = ("12", "13", "14")
SETTINGS = """
lang = "en"
demo = true
regions = {codes}
[register]
path = "register.csv"
max_age = "off"
"""


@cache
def empty_database() -> bytes:
    with TemporaryDirectory() as folder:
        store.init(f"sqlite:///{folder}/reconciler.db")
        return (Path(folder) / "reconciler.db").read_bytes()


def clinic(number: int) -> str:
    return f"SE2321000131-E{number:012}"


def board(code: str, order: str = "X-1", name: str = "Patientnämnden") -> dict[str, str]:
    return {"hsa_id": f"SE2321000131-PN{code}", "name": name, "support_order": order}


class Country:
    """Files, register and database in one folder; `clinics[code]` are declared ids, `register[id]` what is said."""

    def __init__(self, folder: Path, more: str = "", codes: Sequence[str] = CODES) -> None:
        self.folder = folder
        self.clinics: dict[str, list[str]] = {code: [] for code in codes}
        self.boards: dict[str, dict[str, str] | None] = dict.fromkeys(codes)
        self.register: dict[str, tuple[str, str, str]] = {}
        self.approvals: list[dict[str, Any]] = []
        self.made = "2026-05-15T04:00:00+02:00"
        self.now = NOW
        self.url = f"sqlite:///{folder}/reconciler.db"
        (folder / "config" / "regions").mkdir(parents=True)
        text = SETTINGS.format(codes=json.dumps(list(codes))) + more
        (folder / "reconciler.toml").write_text(text, encoding="utf-8")
        (folder / "reconciler.db").write_bytes(empty_database())
        self.write()

    def declare(self, code: str, *numbers: int) -> list[str]:
        """Declare clinics in a region, active in the e-services."""
        ids = [clinic(number) for number in numbers]
        self.clinics[code] += ids
        self.register |= {hsa_id: (f"Mottagning {hsa_id[-4:]}", "active", code) for hsa_id in ids}
        self.write()
        return ids

    def write(self) -> None:
        for code in self.clinics:
            lines = ["version: 1", f'region: "{code}"', f"name: {REGIONS[code]}"]
            one = self.boards[code]
            lines += ["patient_board: null"] if one is None else ["patient_board:"]
            lines += [f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in (one or {}).items()]
            lines += ["clinics:"] if self.clinics[code] else ["clinics: {}"]
            lines += [f"  {hsa_id}: En mottagning" for hsa_id in self.clinics[code]]
            self.file(code).write_text("\n".join(lines) + "\n", encoding="utf-8")
        rows = [f"{hsa_id},{name},{status},{code}" for hsa_id, (name, status, code) in self.register.items()]
        head = [f"# generated_at: {self.made}", "hsa_id,name,status,region_code"]
        (self.folder / "register.csv").write_text("\n".join(head + rows) + "\n", encoding="utf-8")
        approvals = json.dumps(self.approvals, ensure_ascii=False)
        (self.folder / "config" / "approvals.yaml").write_text(approvals + "\n", encoding="utf-8")

    def file(self, code: str) -> Path:
        return self.folder / "config" / "regions" / f"{code}-region.yaml"

    def approve(self, guard: str, region: str | None, at_most: int = 1, days: int = 7) -> None:
        until = (self.now + timedelta(days=days)).date().isoformat()
        more = {"region": region} if region else {}
        rest = {"at_most": at_most, "until": until, "reason": "a merger", "approved_by": "Somebody"}
        self.approvals.append({"guard": guard, **more, **rest})
        self.write()

    @property
    def settings(self) -> Any:
        return settings.load(self.folder / "reconciler.toml", {}, {"database": self.url})

    def plan(self) -> Planned:
        return pipeline.plan(self.settings, self.now)

    def apply(self, expected: SavedPlan | None = None, only: tuple[str, ...] = ()) -> Applied:
        return pipeline.apply(self.settings, self.now, "somebody", only, expected)

    def sql(self, statement: str, values: tuple[Any, ...] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        if not self.url.startswith("sqlite:"):
            return self._served(statement, values)
        with contextlib.closing(sqlite3.connect(self.folder / "reconciler.db")) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def _served(self, statement: str, values: Any) -> list[tuple[Any, ...]]:
        """Do it on a server, which is told the values' places in another way."""
        with store.connected(store.engine(self.url, writes=True)) as connection:
            result = connection.exec_driver_sql(statement.replace("?", "%s"), values or None)
            return [tuple(row) for row in result] if result.returns_rows else []

    def enrolled(self) -> dict[str, str]:
        return dict(self.sql("SELECT hsa_id, region_code FROM complaints_clinic ORDER BY hsa_id"))

    def git(self, *arguments: str, author: str = "the administrator") -> str:
        identity = ["-c", f"user.name={author}", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(self.folder), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def steps(result: Planned | Applied) -> list[str]:
    planned = result.planned if isinstance(result, Applied) else result
    return [f"{change.region} {change.action.value} {change.subject[-4:]}" for change in planned.changes]


def verdicts(result: Planned | Applied) -> dict[str, str]:
    planned = result.planned if isinstance(result, Applied) else result
    return {one.code: one.verdict.value for one in planned.regions}


def rules(result: Planned | Applied) -> set[str]:
    planned = result.planned if isinstance(result, Applied) else result
    return {finding.rule.id for finding in planned.findings}
