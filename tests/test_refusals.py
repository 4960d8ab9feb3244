"""Whatever a command that edits region files refuses, every file is afterwards byte for byte as it was."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from test_drafting import BLEKINGE, ELSEWHERE, HERE, SKANE, VG, Said, edit, example, held  # noqa: F401

KILLS = range(1, 8 if os.environ.get("RECONCILER_SOAK") else 4)


_DATABASE: list[bytes] = []


@pytest.fixture
def applied(example: Path) -> Path:  # noqa: F811
    """The example, applied; once for all of these tests, whose files alone are looked at."""
    if not _DATABASE:
        assert (Said("db", "init").code, Said("apply").code) == (0, 0)
        _DATABASE.append((example / "reconciler.db").read_bytes())
    (example / "reconciler.db").write_bytes(_DATABASE[0])
    return example


def nothing() -> None:
    pass


def written(name: str, text: str) -> Callable[[], None]:
    return lambda: (Path(name).write_text(text, encoding="utf-8"), None)[1]


def edited(path: str, old: str, new: str) -> Callable[[], None]:
    return lambda: edit(Path(path), old, new)


def no_register() -> None:
    Path("demo/register.csv").unlink()


IMPORT = ("import", "list.csv", "--region", "14", "--write")
FORM = ("import", "body.md", "--from-issue-form", "--write")
REFUSED: dict[str, tuple[tuple[str, ...], Callable[[], None], int]] = {
    "a row that is no id": (IMPORT, written("list.csv", f"{HERE}\nhej\n"), 1),
    "an id with a letter too many": (IMPORT, written("list.csv", "SE2321000131-E0000Ö458\n"), 1),
    "a clinic of another region": (IMPORT, written("list.csv", f"{ELSEWHERE}\n"), 1),
    "a clinic that nobody knows": (IMPORT, written("list.csv", "SE2321000131-NOWHERE\n"), 1),
    "an empty list": (IMPORT, written("list.csv", "\n"), 1),
    "a workbook": (IMPORT, written("list.csv", "PK\x03\x04"), 1),
    "a list that is gone": (IMPORT, nothing, 64),
    "a region that is none": (("import", "list.csv", "--region", "02", "--write"), written("list.csv", HERE), 64),
    "two wishes at once": ((*IMPORT, "--remove", "--replace"), written("list.csv", HERE), 64),
    "no region at all": (("import", "list.csv", "--write"), written("list.csv", HERE), 64),
    "a register that is away": (IMPORT, lambda: (written("list.csv", HERE)(), no_register())[1], 69),
    "a file with a fault": (IMPORT, lambda: (written("list.csv", HERE)(), edited(VG, "name:", "namn:")())[1], 1),
    "a form that says nothing": (FORM, written("body.md", "hej"), 1),
    "a form without a region": (FORM, written("body.md", f"### Mottagningar att ansluta\n\n{HERE}\n"), 1),
    "a form with bad rows alone": (
        FORM,
        written("body.md", "### Region\n\n14\n\n### Mottagningar att ansluta\n\nx\n"),
        1,
    ),
    "fmt of a file with a fault": (("fmt", VG), edited(VG, "name:", "namn:"), 1),
    "fmt that only checks": (("fmt", "--check"), edited(VG, "version: 1", "version:  1"), 1),
    "a first file where there is one": (("new", "14", "--write"), nothing, 64),
    "a first file of no region": (("new", "02", "--write"), nothing, 64),
    "nothing to follow without a register": (("follow", "--write"), no_register, 69),
    "follow without --write": (("--settings", "demo/tomorrow.toml", "follow"), nothing, 0),
    "adopt of what nobody has": (("adopt", "--region", "14", "SE2321000131-NOWHERE", "--write"), nothing, 1),
    "adopt from a database that is not there": (
        ("--database", "sqlite:///gone/x.db", "adopt", "--region", "03", "SE2321000024-U1", "--write"),
        nothing,
        1,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_leaves_every_file_as_it_was(applied: Path, name: str) -> None:
    command, make, code = REFUSED[name]
    make()
    before = held(applied)
    said = Said(*command)
    assert (said.code, held(applied)) == (code, before), said.out + said.err


# ---- the disk is full, or the process killed, at any moment


WRITES = {
    "import": (("import", "list.csv", "--region", "14", "--remove", "--write"), (VG,)),
    "fmt": (("fmt",), (SKANE, VG)),
    "follow": (("--settings", "demo/tomorrow.toml", "follow", "--write"), (BLEKINGE, SKANE)),
}


def messy() -> None:
    Path("list.csv").write_text(HERE, encoding="utf-8")
    for path in (SKANE, VG):
        edit(Path(path), "version: 1", "version:  1")


@pytest.mark.parametrize("name", WRITES)
def test_a_full_disk_leaves_every_file_as_it_was(applied: Path, name: str) -> None:
    command, _paths = WRITES[name]
    if name != "follow":
        messy()
    before, limits = held(applied), resource.getrlimit(resource.RLIMIT_FSIZE)
    signals = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        said = Said(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, signals)
    assert (said.code, held(applied)) == (69, before), said.err


KILLED = """
import os, signal, sys
point, real = int(sys.argv[1]), {name: getattr(os, name) for name in ("fsync", "replace", "rename")}
def counted(name):
    def call(*arguments, **named):
        global point
        point -= 1
        if not point:
            os.kill(os.getpid(), signal.SIGKILL)
        return real[name](*arguments, **named)
    return call
for name in real:
    setattr(os, name, counted(name))
from reconciler.cli import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize("point", KILLS)
@pytest.mark.parametrize("name", WRITES)
@pytest.mark.usefixtures("unmeasured")
def test_killed_at_any_moment_each_file_is_as_before_or_as_after(applied: Path, name: str, point: int) -> None:
    command, _paths = WRITES[name]
    if name != "follow":
        messy()
    before = held(applied)
    ran = subprocess.run([sys.executable, "-c", KILLED, str(point), *command], capture_output=True, check=False)
    now = {path: content for path, content in held(applied).items() if path in before}
    if ran.returncode:
        assert ran.returncode == -signal.SIGKILL
    assert Said(*command).code == 0
    after = held(applied)
    assert set(after) == set(before), "nothing is left lying beside the files"
    assert all(now[path] in (before[path], after[path]) for path in before)
    assert Said("validate").code == 0
