"""What each exit code means, and what to do about it. Knows codes, and nothing of how a run came to one."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.findings import Exit
from reconciler.words import _


class ExitPage(NamedTuple):
    """What is said of an exit code."""

    meaning: str
    remedy: str


def exit_page(code: Exit) -> ExitPage:
    """Return what *code* means, in the language that is spoken."""
    pages = {
        Exit.DONE: (_("done, or nothing to do"), _("go on")),
        Exit.ERRORS: (
            _(
                "errors were found, or with --strict warnings; review: a part lacks a right person; "
                "fmt --check: a file is not in the one form; history --verify: the log is not as it was written"
            ),
            _("put right what was told, each in its place, and run again"),
        ),
        Exit.CHANGES: (
            _("plan --detailed-exitcode: there are changes; status --drift: somebody else has made some"),
            _("look at the plan, and apply it if it is what was meant"),
        ),
        Exit.LEFT_OUT: (
            _(
                "apply: a region or a clinic was left out, by an error or by the guard of a region; "
                "all the rest is done"
            ),
            _("see in the output what was left out and why; put it right, and apply again"),
        ),
        Exit.REFUSED: (
            _("apply: a national guard refused, nothing was changed; plan: any guard would refuse"),
            _("see which guard and why; if it is meant, paste the approval that is printed into config/approvals.yaml"),
        ),
        Exit.PLAN_STALE: (
            _("a saved plan no longer fits; nothing was changed"),
            _("plan again, look at it, and apply the new plan"),
        ),
        Exit.USAGE: (_("wrong usage"), _("look at --help of the command")),
        Exit.UNANSWERED: (
            _(
                "a source or the database did not answer, or may not be trusted (stale, incomplete); "
                "what was done before is printed"
            ),
            _("see that what is named answers, and run again: what is done is not done twice"),
        ),
        Exit.BUG: (
            _("a bug; a block ready to paste into an issue is printed"),
            _("report it with that block; a region is either as before or as after"),
        ),
        Exit.LOCKED: (_("someone else holds the lock; try again"), _("run again when the other run is done")),
        Exit.SETTINGS: (
            _("the settings, or the database's tables, do not fit"),
            _("see what is named; reconciler db upgrade brings older tables up to date"),
        ),
        Exit.INTERRUPTED: (_("interrupted by the keyboard; the region at hand is rolled back"), _("run again")),
        Exit.TERMINATED: (_("interrupted by a signal; the region at hand is rolled back"), _("run again")),
    }
    return ExitPage(*pages[code])
