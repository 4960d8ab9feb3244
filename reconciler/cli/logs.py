"""The log: what the program does, to stderr, for whoever looks for a fault. No secret ever stands in it.

At level debug, each request to another system is a line that can be pasted to a shell, as a command for curl.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from reconciler.words import _

LEVELS = ("debug", "info", "warning")


def log_level_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--log-level`."""
    return click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        envvar="RECONCILER_LOG_LEVEL",
        expose_value=False,
        callback=_start,
        help=_("Say on stderr what is done; at debug, each request as a command for curl."),
    )


def _start(_context: click.Context, _option: click.Parameter, level: str | None) -> None:
    if level is None:
        return
    import logging  # noqa: PLC0415
    import sys  # noqa: PLC0415

    # Only our own: what the libraries say has not been looked through for secrets.
    log = logging.getLogger("reconciler")
    log.handlers[:] = [logging.StreamHandler(sys.stderr)]
    log.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.setLevel(level.upper())
    log.propagate = False
