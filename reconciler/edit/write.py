"""Files written all or none: each beside its place first, and put there by a rename when all of them are whole."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import signal
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.findings import Failure, reason_of
from reconciler.words import _

_CATCHABLE = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class Rewrite(NamedTuple):
    """What a file is to hold, and what it held when that was decided; None: there was none."""

    path: Path
    before: bytes | None
    after: bytes


class _Staged(NamedTuple):
    """A file that stands whole beside its place."""

    place: Path
    beside: Path
    before: bytes | None


def write(rewrites: Sequence[Rewrite]) -> None:
    """Write all of them in their order, or none: a `Failure` leaves every file, byte for byte, as it was.

    Killed between two renames it leaves the later files as they were, so let those that gain clinics come first.
    """
    staged: list[_Staged] = []
    try:
        for rewrite in rewrites:
            _stage(rewrite, staged)
        with _undisturbed():
            _put(staged)
    except OSError as error:
        raise _failure(error) from error
    finally:
        for one in staged:
            with contextlib.suppress(OSError):
                one.beside.unlink(missing_ok=True)


def _failure(error: OSError) -> Failure:
    return Failure(
        "files",
        "not-written",
        problem=_("{path} cannot be written, so nothing is: {reason}").format(
            path=error.filename, reason=reason_of(error)
        ),
        remedy=_("put that right, and run the command again"),
    )


def _stage(rewrite: Rewrite, staged: list[_Staged]) -> None:
    place = Path(os.path.realpath(rewrite.path))
    _unchanged(rewrite)
    _clear(place)
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    staged.append(_Staged(place, beside, rewrite.before))
    mode = stat.S_IMODE(place.stat().st_mode) if rewrite.before is not None else None
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(descriptor, mode)
        try:
            file.write(rewrite.after)
            file.flush()
            os.fsync(descriptor)
        except OSError as error:  # of a full disk, which names no file
            raise OSError(error.errno, error.strerror, str(rewrite.path)) from error


def _clear(place: Path) -> None:
    """Take away what a process that was killed has left beside a place."""
    for left in place.parent.glob(f".{glob.escape(place.name)}.*"):
        process = left.suffix[1:]
        if process.isdigit() and not _lives(int(process)):
            left.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OverflowError:
        return False
    except OSError as error:
        return error.errno == errno.EPERM  # it lives, and is somebody else's
    return True


def _unchanged(rewrite: Rewrite) -> None:
    """Refuse where somebody else has written the file since it was read."""
    held = rewrite.path.read_bytes() if os.path.lexists(rewrite.path) else None
    if held != rewrite.before:
        raise Failure(
            "files",
            "changed",
            problem=_("{path} was changed by someone else just now, so nothing is written").format(path=rewrite.path),
            remedy=_("run the command again"),
        )


def _put(staged: list[_Staged]) -> None:
    done: list[_Staged] = []
    try:
        for one in staged:
            one.beside.replace(one.place)
            done.append(one)
    except OSError:
        for one in done:
            _restore(one)
        raise
    for folder in {one.place.parent for one in staged}:
        _sync(folder)


def _restore(one: _Staged) -> None:
    if one.before is None:
        one.place.unlink()
        return
    one.beside.write_bytes(one.before)
    one.beside.chmod(stat.S_IMODE(one.place.stat().st_mode))
    one.beside.replace(one.place)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let what would end the process wait until the files are in their places."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _CATCHABLE)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
