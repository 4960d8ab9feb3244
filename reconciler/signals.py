"""SIGINT and SIGTERM, heard only where a run can stop: inside a region's transaction, which is then rolled back.

Anywhere else they wait, so that what was done is always recorded and told. It must not know what a run does.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOPS = frozenset({signal.SIGINT, signal.SIGTERM})


@contextmanager
def waiting() -> Iterator[None]:
    """Let the signals wait. One that still waits at the end came too late to stop anything, and is forgotten."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        while signal.sigpending() & _STOPS - before:
            signal.sigwait(_STOPS)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def heard() -> Iterator[None]:
    """Hear, within `waiting`, the signals that waited, and those that come."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
