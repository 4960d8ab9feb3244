"""Files written all or none: whatever ends it before the renames leaves every file, byte for byte, as it was."""

from __future__ import annotations

import errno
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.edit.write import Rewrite, write
from reconciler.findings import Failure


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(f"{name} before\n".encode())
    return [tmp_path / name for name in ("a", "b", "c")]


def rewrites(files: list[Path], size: int = 1) -> list[Rewrite]:
    return [Rewrite(path, path.read_bytes(), f"{path.name} after\n".encode() * size) for path in files]


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_all_are_written_and_nothing_else_is_left(files: list[Path], tmp_path: Path) -> None:
    write([*rewrites(files), Rewrite(tmp_path / "d", None, b"new\n")])
    assert held(tmp_path) == {"a": b"a after\n", "b": b"b after\n", "c": b"c after\n", "d": b"new\n"}


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(files: list[Path], tmp_path: Path) -> None:
    files[0].chmod(0o640)
    (tmp_path / "link").symlink_to("a")
    write([Rewrite(tmp_path / "link", b"a before\n", b"a after\n")])
    assert (tmp_path / "link").is_symlink()
    assert (files[0].read_bytes(), files[0].stat().st_mode & 0o777) == (b"a after\n", 0o640)


def test_a_full_disk_leaves_every_file_as_it_was(files: list[Path], tmp_path: Path) -> None:
    before, limits = held(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    wanted = [*rewrites(files[:2]), *rewrites(files[2:], size=10_000)]
    signals = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(Failure) as failure:
            write(wanted)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, signals)
    assert held(tmp_path) == before
    assert str(files[2]) in failure.value.problem


def test_a_file_that_somebody_else_has_changed_is_not_overwritten(files: list[Path], tmp_path: Path) -> None:
    wanted = rewrites(files)
    files[2].write_bytes(b"c of somebody else\n")
    before = held(tmp_path)
    with pytest.raises(Failure, match="changed by someone else"):
        write(wanted)
    assert held(tmp_path) == before


@pytest.mark.parametrize("new", [False, True])
def test_a_rename_that_fails_takes_back_those_before_it(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: bool
) -> None:
    first = [Rewrite(tmp_path / "0", None, b"new\n")] if new else []
    before, real, failing = held(tmp_path), Path.replace, {"once": True}

    def replace(self: Path, target: Path) -> Path:
        if target.name == "c" and failing.pop("once", False):
            raise OSError(errno.EIO, "Input/output error", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Failure, match="Input/output error"):
        write([*first, *rewrites(files)])
    assert held(tmp_path) == before


def test_a_folder_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be written"):
        write([Rewrite(tmp_path / "no" / "a", None, b"")])


KILLED = """
import os, sys
from pathlib import Path
from reconciler.edit import write as module

point, real = int(sys.argv[1]), os.fsync
def fsync(descriptor):
    global point
    point -= 1
    if not point:
        print("here", flush=True)
        signal.pause()
    real(descriptor)
import signal
os.fsync = fsync
files = [Path(name) for name in sys.argv[2:]]
module.write([module.Rewrite(path, path.read_bytes(), b"after") for path in files])
"""


@pytest.mark.parametrize("point", [1, 2, 3])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_before_the_renames_every_file_is_as_it_was(
    files: list[Path], tmp_path: Path, point: int, how: signal.Signals
) -> None:
    before = {path: path.read_bytes() for path in files}
    command = [sys.executable, "-c", KILLED, str(point), *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        process.send_signal(how)
        assert process.wait() == -how
    assert {path: path.read_bytes() for path in files} == before
    write(rewrites(files))
    assert files[2].read_bytes() == b"c after\n"


def test_what_a_killed_process_has_left_is_taken_away_and_nothing_else(files: list[Path], tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    theirs = {f".a.{gone.pid}": b"", f".a.{2**70}": b"", ".a.1": b"", ".a.bak": b"", f".c.{gone.pid}": b""}
    for name, content in theirs.items():
        (tmp_path / name).write_bytes(content)
    write(rewrites(files[:2]))
    assert set(held(tmp_path)) == {"a", "b", "c", ".a.1", ".a.bak", f".c.{gone.pid}"}


def test_a_signal_between_the_renames_waits_for_the_last(files: list[Path], tmp_path: Path, monkeypatch) -> None:
    real, seen = Path.replace, []
    monkeypatch.setattr(Path, "replace", lambda self, target: (signal.raise_signal(signal.SIGTERM), real(self, target)))
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append(held(tmp_path)["c"]))
    try:
        write(rewrites(files))
        time.sleep(0)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [b"c after\n"]
