"""Waiting for somebody else, and not longer than so long. It knows nothing of what is waited for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from reconciler.findings import Failure

T = TypeVar("T")


def in_time(seconds: float, work: Callable[[threading.Event], T], too_late: Failure) -> T:
    """Return what *work* returns, or raise what it raises; raise *too_late* where that takes longer than *seconds*.

    Nothing bounds a name that is looked up, headers that drip, or a statement that runs: who waits for them is left
    behind in a thread of its own. The event that *work* is given is set when nobody listens any more.
    """
    given_up = threading.Event()
    said: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            said.put((work(given_up), None))
        except BaseException as error:  # noqa: BLE001  (it is raised where it was waited for)
            said.put((None, error))

    threading.Thread(target=run, daemon=True, name="asks").start()
    try:
        answer, error = said.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise too_late from None
    finally:
        given_up.set()
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]  # T may be None itself
