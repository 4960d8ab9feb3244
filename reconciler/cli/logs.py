"""The log: what the program does, to stderr, for whoever looks for a fault. No secret ever stands in it.

At level debug, each request to another system is a line that can be pasted to a shell, as a command for curl. As JSON
everything that goes to stderr is an event, one a line, for what gathers the logs of a job.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = ("debug", "info", "warning")
FORMS = ("text", "json")


def start(level: str | None, form: str | None) -> None:
    """Say on stderr what is done, from *level* on (info where only a *form* is given); neither: nothing."""
    wanted = level is not None or form is not None
    if wanted or _log() is not None:
        import logging

        # Only our own: what the libraries say has not been looked through for secrets.
        log = logging.getLogger("reconciler")
        log.handlers[:] = [_handler(form or "text")] if wanted else []
        log.setLevel((level or "info").upper() if wanted else logging.NOTSET)
        log.propagate = not wanted


def _log() -> logging.Logger | None:
    """Return our log, where anybody has had use for one: to import it costs more than `--help` may."""
    module = sys.modules.get("logging")
    return module.getLogger("reconciler") if module else None


def _handler(form: str) -> logging.Handler:
    import logging

    from structlog import processors, stdlib

    known: list[Processor] = [stdlib.ExtraAdder(), stdlib.add_log_level, processors.TimeStamper(fmt="iso", utc=True)]
    as_json: list[Processor] = [_first_keys_first, processors.JSONRenderer(ensure_ascii=False)]
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(form)
    handler.setFormatter(
        stdlib.ProcessorFormatter(
            processors=[stdlib.ProcessorFormatter.remove_processors_meta, *(as_json if form == "json" else [_line])],
            foreign_pre_chain=known,
        )
    )
    return handler


def _first_keys_first(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = ("timestamp", "level", "event")
    return {**{key: event.pop(key) for key in first}, **event}


def _line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return " ".join([event.pop("level").upper(), event.pop("event"), *_pairs(event)])


def _pairs(event: EventDict) -> Iterator[str]:
    del event["timestamp"]
    yield from (f"{key}={value}" for key, value in event.items())


def took(text: str) -> bool:
    """Put in the log what would be talked of beside it, where that would break its form; and tell whether it did."""
    log = _log()
    if log is None or not any(handler.get_name() == "json" for handler in log.handlers):
        return False
    log.warning("said", extra={"text": text})
    return True
