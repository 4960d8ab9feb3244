"""A heartbeat: a request to somebody who is told when a run begins and how it ended, and who calls when none is.

In the form of healthchecks.io, which its like know too: the address itself for success, `/start`, `/log` for what is
tried again, and `/CODE` for all else, also where residents are shut out. The address is a secret: who has it can say
that all is well.
"""

from __future__ import annotations

from reconciler import __version__
from reconciler.findings import Exit, Failure
from reconciler.monitor.metrics import SUCCESS
from reconciler.sources.patience import in_time
from reconciler.words import _

_PATIENCE = 5.0
_TRIED_AGAIN = (Exit.UNANSWERED, Exit.LOCKED)


def path(code: Exit | None, shut_out: bool) -> str:
    """Return what is asked for: when a run begins (None), and when it ended with *code*.

    A run that is tried again only leaves a line: somebody is called when no other one succeeds in time. Where residents
    are *shut out* of a region, somebody is called though the run succeeded.
    """
    if code is None:
        return "/start"
    if code in SUCCESS and not shut_out:
        return ""
    if code in _TRIED_AGAIN:
        return "/log"
    return f"/{int(code or Exit.LEFT_OUT)}"  # who is told 0 takes it for a success


def beat(address: str, code: Exit | None, said: str, *, shut_out: bool = False) -> None:
    """Tell *said*; a `Failure` where nobody hears it within seconds. The address is in no text."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        url = parts._replace(path=parts.path.rstrip("/") + path(code, shut_out)).geturl()
        status = in_time(_PATIENCE, lambda _given_up: _posted(url, said), _unheard(_("no answer in time")))
    except Failure:
        raise
    except Exception as error:  # noqa: BLE001  (what the libraries say may hold the address)
        raise _unheard(type(error).__name__) from None
    if not 200 <= status < 300:
        raise _unheard(str(status))


def _posted(url: str, said: str) -> int:
    import urllib3

    asked = {"User-Agent": f"reconciler/{__version__}"}
    longer = 2 * _PATIENCE  # whoever waits has given up by then, and always says the same
    with urllib3.PoolManager(timeout=longer, retries=False) as pool:
        return pool.request("POST", url, body=said.encode(), headers=asked).status


def _unheard(reason: str) -> Failure:
    problem = _("the heartbeat was not heard: {reason}")
    remedy = _("see that RECONCILER_HEARTBEAT_URL is the address of the check, and that it can be reached from here")
    return Failure("heartbeat", "unheard", problem=problem.format(reason=reason), remedy=remedy)
