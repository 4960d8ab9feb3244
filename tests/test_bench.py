"""The benchmark: its clinics are clinics like any others, and what grows with them grows in step."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from click.testing import CliRunner

from bench.clinics import made, make
from bench.floors import FLOORS
from bench.measure import Cost, FailedError, Program, cost, in_turn, said, told
from bench.page import Measured, Row, Writing, written
from reconciler.cli import main, run

pytestmark = pytest.mark.usefixtures("unmeasured")

RECONCILER = [sys.executable, "-m", "reconciler"]


@pytest.mark.parametrize("odd", [False, True])
def test_what_is_made_is_valid_and_fits_its_register(tmp_path: Path, odd: bool) -> None:
    sized = made(tmp_path, 2_500, odd=odd)
    assert len(sized.region_files) == 21
    cost([*RECONCILER, "validate", "--live"], tmp_path)
    assert (tmp_path / "said.txt").read_text(encoding="utf-8") == "21 regions, 2,500 clinics: nothing is wrong\n"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path / name, 100, odd=True)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) > 60
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)


@pytest.mark.parametrize("floor", FLOORS.values(), ids=FLOORS)
def test_the_floors_do_their_work(floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, 50)
    monkeypatch.chdir(tmp_path)
    floor()


def test_a_command_that_fails_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="ended with 78"):
        cost([*RECONCILER, "validate"], tmp_path)


def test_programs_are_run_in_turn_and_the_best_run_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []
    good = Program("start", "good", [sys.executable, "-c", "pass"], lambda: ran.append("good"))
    bad = Program("start", "bad", [sys.executable, "-c", "raise SystemExit(3)"], lambda: ran.append("bad"))
    assert [program.who for program, found in in_turn([good, bad], tmp_path, 2) if found.cpu > 0] == ["good"]
    assert ran == ["good", "bad"] * 10  # of those that are quick the chance is larger, and it is the same for all
    assert "ended with 3" in capsys.readouterr().err
    assert told([sys.executable, "-c", "import sys; sys.stderr.write('here')"], tmp_path) == "here"


def test_what_is_compared_is_run_right_after_one_another(tmp_path: Path) -> None:
    ran: list[str] = []

    def program(task: str, who: str, beside: str = "") -> Program:
        return Program(task, who, [sys.executable, "-c", "pass"], lambda: ran.append(who), beside)

    programs = [program("floor", "libyaml", "plan"), program("start", "python"), program("plan", "ours")]
    assert [one.who for one, _cost in in_turn(programs, tmp_path, 1)] == ["libyaml", "python", "ours"]
    assert ran == [*["libyaml", "ours"] * 5, *["python"] * 5]


def test_the_page_tells_what_was_asked_for() -> None:
    rows = [
        Row(100_000, False, task, who, Cost(cpu, cpu, memory, 0))
        for task, who, cpu, memory in [
            ("start", "python", 0.01, 9),
            ("start", "reconciler --help", 0.07, 30),
            ("validate", "reconciler", 0.5, 70),
            ("validate", "yamllint 1.38.0", 60.0, 700),
            ("plan", "reconciler", 1.0, 120),
        ]
    ]
    rows += [
        Row(1_000_000, False, "plan", "reconciler", Cost(9, 9, 500, 0)),
        Row(1_000_000, False, "floor", "libyaml events", Cost(3, 3, 20, 0)),
        Row(1_000_000, False, "floor", "raw executemany, SQLite", Cost(20, 20, 20, 0)),
        Row(1_000_000, False, "apply", "reconciler", Cost(60, 60, 900, 0)),
        Row(10_000, False, "start", "python", Cost(0.01, 0.01, 9, 0)),
        Row(10_000, False, "start", "reconciler --help", Cost(0.07, 0.07, 30, 0)),
        Row(10_000, False, "start", "sqlalchemy alone", Cost(0.25, 0.25, 20, 0)),
        Row(10_000, False, "plan", "reconciler", Cost(0.5, 0.5, 50, 0)),
        Row(10_000, False, "plan", "octodns 1", Cost(6, 6, 50, 0)),
    ]
    page = written(Measured(rows, [], {}, [Writing("PostgreSQL", 3.0, 2.5)]))
    assert "| `--help` over bare Python | ≤ 80 ms | 60 ms |" in page
    assert "| `validate`, 100,000, less than yamllint | ≥ 60 × | 120.0 × |" in page
    assert "| `plan`, 1,000,000, over libyaml's events | ≤ 4.5 × | 3.0 × |" in page
    assert "| `apply` of all, 1,000,000 | ≤ 15 s | 60 s; the rows alone, by the driver: 20 s |" in page
    assert (
        "| `plan`, 10,000: the part of it that is the import of sqlalchemy | 0.50 s in all | 0.25 s of 0.50 s |" in page
    )
    assert "| `plan`, 1,000,000 over 100,000: time, memory | ≤ 11 × | 9.0 ×, 4.2 × |" in page
    assert "| the writing of `apply`, 100,000, PostgreSQL, over raw COPY | ≤ 1.5 × | 1.20 × |" in page


def test_the_writing_is_measured_beside_the_drivers_own(tmp_path: Path) -> None:
    make(tmp_path, 42)
    urls = [f"sqlite:///{name}.db" for name in ("ours", "raw")]
    found = json.loads(said([sys.executable, Path("bench/writing.py").resolve(), *urls], tmp_path))
    assert found["ours"] > 0 < found["raw"]
    ours, raw = (sqlite3.connect(tmp_path / f"{name}.db") for name in ("ours", "raw"))
    for table in ("complaints_clinic", "managed_clinic", "change"):
        rows = [sorted(one.execute(f"SELECT * FROM {table}")) for one in (ours, raw)]
        assert rows[0] == rows[1]
        assert len(rows[0]) == 42


def test_the_page_has_a_table_for_each_size_and_names_the_missing() -> None:
    def row(clinics: int, task: str, who: str, cpu: float) -> Row:
        return Row(clinics, False, task, who, Cost(cpu, cpu, 40, 0))

    rows = [row(1000, "validate", "reconciler", 0.2), row(1000, "validate", "slow 1.0", 3), row(10_000, "plan", "x", 1)]
    page = written(Measured(rows, ["gone 2.0"], {1000: {"plan": "settle  0.1\n"}}, []))
    assert "| validate | slow 1.0 | 3.00 | 3.00 | 40 | 15.0 × |" in page
    assert "## 1,000 clinics" in page
    assert "## 10,000 clinics" in page
    assert "gone 2.0" in page
    assert "Where the time of `plan` goes:\n\n```\nsettle  0.1\n```" in page


_STEPS = {False: 10, True: 430}
"""Of the interpreter, for a clinic: a tenth more than it took when this was written."""


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python takes other steps")
@pytest.mark.parametrize("odd", [False, True])
def test_validate_takes_no_more_steps_for_a_clinic_than_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: bool
) -> None:
    def steps(clinics: int) -> int:
        monkeypatch.chdir(made(tmp_path / str(clinics), clinics, odd=odd).folder)
        taken, before = 0, sys.gettrace()

        def count(frame: FrameType, event: str, _value: object) -> Callable[..., Any]:
            nonlocal taken
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            taken += event == "opcode"
            return count

        sys.settrace(count)
        try:
            assert run(["validate"]) == 0
        finally:
            sys.settrace(before)
        return taken

    steps(21)
    small = steps(100)
    assert steps(1_100) - small <= 1_000 * _STEPS[odd]
    assert small <= 100 * _STEPS[odd] + 250_000


def test_validate_in_a_job_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    folder = made(tmp_path, 210, odd=False).folder
    script = "import sys; from reconciler.cli import run; run(['validate']); print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    unused = {"rich", "sqlalchemy", "jsonschema", "jsonschema_rs", "rapidfuzz", "urllib3", "difflib"}
    unused |= {"jinja2", "ruamel", "alembic", "yaml", "zoneinfo", "subprocess", "tempfile"}
    unused |= {f"reconciler.{name}" for name in ("drafting", "edit", "sources", "git", "judge", "pipeline", "store")}
    assert unused & set(ran.stderr.split()) == set()


def test_eight_times_the_clinics_cost_nothing_like_eight_squared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cpu(clinics: int) -> float:
        """The least of five runs in this process: what it costs to start would hide how the rest grows."""
        monkeypatch.chdir(made(tmp_path / str(clinics), clinics, odd=False).folder)
        runs = []
        for _turn in range(5):
            started = time.process_time()
            assert CliRunner().invoke(main, ["validate"]).exit_code == 0
            runs.append(time.process_time() - started)
        return min(runs)

    cpu(21)
    assert cpu(160_000) < 16 * cpu(20_000)
