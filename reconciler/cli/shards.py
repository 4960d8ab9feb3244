"""Which regions are one machine's, where several share an apply. The database keeps them apart; nobody divides by hand.

The division depends on nothing but the codes and the number of shards, so that every machine comes to the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import click

from reconciler.words import _, mark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from reconciler.model import RegionCode

_INDEX = "JOB_COMPLETION_INDEX"


class Shard(NamedTuple):
    """One of so many; the first is 1."""

    number: int
    among: int

    def of(self, kept: tuple[RegionCode, ...]) -> tuple[RegionCode, ...]:
        """Return the regions of this shard: never none, for none would mean all.

        The first has those as well that are not *kept*: a clinic may move there.
        """
        from reconciler.model import REGIONS  # a tenth of `--help`, which needs none of it

        if self.among > len(kept):
            problem = _("{count} shards are more than the {n} regions that are kept")
            raise click.BadParameter(problem.format(count=self.among, n=len(kept)), param_hint="--shard")
        others = [code for code in REGIONS if code not in kept] if self.number == 1 else []
        return (*kept[self.number - 1 :: self.among], *others)


def shard_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--shard`."""
    return click.option(
        "--shard",
        metavar="I/N",
        envvar="RECONCILER_SHARD",
        help=mark("Only this part of N of the regions; N alone takes I from the index of a Kubernetes job."),
    )


def shard(value: str, environ: Mapping[str, str]) -> Shard:
    """Return the shard that *value* means: 2/4, or 4 where Kubernetes tells which of its pods this is, from 0."""
    match = re.fullmatch("(?:([0-9]{1,3})/)?([0-9]{1,3})", value)
    if match is None:
        raise click.BadParameter(_("{value} is not a shard such as 2/4").format(value=value), param_hint="--shard")
    number = match[1] or _after(environ.get(_INDEX, ""), value)
    found = Shard(int(number), int(match[2]))
    if not 1 <= found.number <= found.among:
        problem = _("there is no shard {number} of {count}")
        raise click.BadParameter(problem.format(number=found.number, count=found.among), param_hint="--shard")
    return found


def _after(index: str, value: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", index):
        problem = _("{value} does not say which shard this is, and {variable} is not set: write 1/{value}")
        raise click.BadParameter(problem.format(value=value, variable=_INDEX), param_hint="--shard")
    return int(index) + 1
