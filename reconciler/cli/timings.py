"""`--timings`: what each station of the line took, on stderr, and in the JSON document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from reconciler.words import mark


def timings_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--timings`."""
    return click.option(
        "--timings", is_flag=True, help=mark("Tell what each station took, and how much memory: on stderr.")
    )


def taken() -> dict[str, Any]:
    """Return what was taken so far, as the part `timings` of a document."""
    from reconciler import stations
    from reconciler.report.timings import timings

    return timings(stations.spent(), stations.peak())


def tell_taken() -> None:
    """Say what each station took."""
    from reconciler.cli.shared import talk
    from reconciler.report.timings import lines

    talk("\n".join(lines(taken())))
