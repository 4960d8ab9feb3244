"""Whole sessions at the terminal that are kept: what every command says, and how it refuses, in both languages."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from golden_situations import AGARD, EDEN, FILE, OTHER, committed, edited, nothing
from test_cli import Said

from reconciler.findings import Exit

Step = str | Callable[[], None]
"""A command line; or what somebody does meanwhile."""


class Session(NamedTuple):
    """A name, and what happens, in order."""

    name: str
    steps: tuple[Step, ...]


def _by_hand() -> None:
    with closing(sqlite3.connect("reconciler.db")) as database, database:
        database.execute("DELETE FROM complaints_clinic WHERE hsa_id = ?", (AGARD,))
        database.execute("UPDATE complaints_region SET board_name = 'Nämnden' WHERE region_code = '12'")
        database.execute("INSERT INTO complaints_clinic VALUES ('SE2321000131-E1', '14', 'Norr', '2026', '2026')")


def _tampered() -> None:
    with closing(sqlite3.connect("reconciler.db")) as database, database:
        database.execute("UPDATE change SET subject = 'SE2321000131-E2' WHERE id = 1")


def _moved() -> None:
    edited(Path("register.csv"), "Ågårdsskogen,active,14", "Ågårdsskogen,active,12")
    edited(Path("register.csv"), "Vårdcentralen Eriksberg,active", "Vårdcentralen Eriksberg,inactive")
    edited(Path("register.csv"), "Vårdcentralen Eden", "Vårdcentralen Paradiset")


def _listed() -> None:
    Path("lista.csv").write_text(f"HSA-id;Namn\n{EDEN};Eden\nSE2321000131-E9;Okänd\n;Namnlös\n", encoding="utf-8")
    Path("bara.txt").write_text(f"{AGARD}\n", encoding="utf-8")


def _unsorted() -> None:
    edited(FILE, "version: 1\n", "")
    FILE.write_text(FILE.read_text(encoding="utf-8") + "version: 1\n", encoding="utf-8")


def _wrong_settings() -> None:
    edited(Path("reconciler.toml"), "demo = true", "demo = 1\nfel = 2")


def _committed() -> None:
    committed(nothing)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


def _broken() -> None:
    edited(FILE, f"{AGARD}:", AGARD)


def _without_eden() -> None:
    edited(OTHER, f":\n  {EDEN}: Vårdcentralen Eden\n", ": {}\n")


FIRST_DAY = ("db init", "apply", "status")
SESSIONS = (
    Session(
        "the first day, and the day after",
        (
            *_lines(
                f"""db init
                plan
                apply
                status
                plan --detailed-exitcode
                apply
                history
                history --clinic {AGARD}
                history --run 7
                history --verify
                status --drift
                status --at 2030-01-01 --all
                db check
                db init
                db upgrade
                snapshot --out sparat"""
            ),
            _moved,
            *_lines(
                f"""validate --live
                plan
                explain {AGARD}
                explain {EDEN}
                apply
                follow
                follow --write
                plan
                status
                history --region 12"""
            ),
        ),
    ),
    Session(
        "somebody changes the database by hand",
        (
            *FIRST_DAY,
            _by_hand,
            *_lines(
                f"""status --drift
                plan
                explain SE2321000131-E1
                explain {AGARD}
                apply
                adopt --region 14
                adopt --region 14 --write
                plan
                apply
                history --region 14
                status"""
            ),
            _tampered,
            "history --verify",
            "db check",
        ),
    ),
    Session(
        "a file is broken",
        (
            *FIRST_DAY,
            _broken,
            *_lines(
                f"""validate
                plan
                apply
                status
                explain {AGARD}
                fmt
                fmt --check
                validate --strict"""
            ),
        ),
    ),
    Session(
        "the world is imagined otherwise",
        (
            *FIRST_DAY,
            *_lines(
                f"""simulate
                simulate --register-down
                simulate --register-age 48h
                simulate --register-lose 50%
                simulate --move {AGARD}=12
                simulate --deactivate {EDEN}
                simulate --tak-down
                simulate --move x=12
                simulate --register-lose mycket
                simulate --register-age x
                doctor"""
            ),
        ),
    ),
    Session(
        "files are edited by the program",
        (
            _listed,
            *_lines(
                """import lista.csv --region 14
                import bara.txt --region 14
                import bara.txt --region 14 --remove
                import bara.txt --region 14 --remove --write
                import bara.txt --region 14 --write
                import gone --region 14
                import bara.txt
                new 14
                new 99"""
            ),
            _unsorted,
            *_lines(
                """fmt --check
                fmt
                fmt"""
            ),
        ),
    ),
    Session(
        "everything is away",
        (
            *_lines(
                """status
                apply
                history
                db check
                plan --out mapp/plan.json
                apply plan.json
                validate --base HEAD
                db init"""
            ),
            Path("register.csv").unlink,
            *_lines(
                f"""validate --live
                plan
                apply
                doctor
                explain {AGARD}
                --database sqlite:///gone/x.db apply
                --database x plan
                --config gone validate
                --settings gone.toml validate"""
            ),
            _wrong_settings,
            "validate",
        ),
    ),
    Session(
        "a plan is saved, and a revision is asked for",
        (
            _committed,
            *_lines(
                """validate --base HEAD
                validate --base nowhere
                plan --out plan.json
                db init
                plan --out plan.json"""
            ),
            _without_eden,
            *_lines(
                """apply plan.json
                apply --expect sha256:0
                apply register.csv"""
            ),
        ),
    ),
    Session(
        "wrong usage",
        (
            "",
            *_lines(
                """validat
                validate --live --foo
                validate x
                plan --region
                plan --region 99
                plan --format xml
                plan --format json --format text
                status --format xml
                status --at igår
                history --run x
                explain
                explain x
                explain 99
                explain clinic-mover
                --lang de plan
                apply --lock-timeout x
                db foo
                snapshot
                --log-level x plan"""
            ),
        ),
    ),
    Session("every exit code is explained", tuple(f"explain {code.value}" for code in sorted(Exit))),
)


def gone_through(session: Session, language: str, folder: Path) -> str:
    """Go through the session, and return what stands on the screen after it."""
    screen = []
    for step in session.steps:
        if callable(step):
            step()
            continue
        said = Said("--lang", language, *shlex.split(step))
        assert said.code != Exit.BUG, said.err
        screen.append(f"$ reconciler {step}\n{said.out}{said.err}-- {said.code}\n")
    return _unchanging("\n".join(screen), folder)


def _unchanging(text: str, folder: Path) -> str:
    """Leave out what is another thing on another day, or in another place."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-11-25 15:30", text.replace(str(folder), "FOLDER"))
    text = re.sub(r"until: [0-9-]{10}", "until: in a week", text)
    text = re.sub(r"\d+([.,])\d (s|hours|timmar)\b", r"0\g<1>1 \2", text)
    text = re.sub(r"\b(version) \d{4}\b", r"\1 0001", text)
    return re.sub(r"(sha256:|commit )[0-9a-f]{12,}", r"\1…", text)
