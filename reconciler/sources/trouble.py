"""What can go wrong between us and another system, each thing with words of its own.

From an error of urllib3 or a status to the `Failure` that a person can act on. It asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.findings import Failure, reason_of
from reconciler.words import _

if TYPE_CHECKING:
    import ssl

_KINDS = {401: "unauthorized", 403: "forbidden", 404: "not-found", 410: "gone", 429: "too-many-requests"}

_EXPIRED, _SELF_SIGNED, _OTHER_NAME, _OTHER_ADDRESS = 10, 18, 62, 64
_UNKNOWN_SIGNERS = frozenset({_SELF_SIGNED, 19, 20, 21})


def of_time(source: str, url: str, limit: timedelta) -> Failure:
    """Return the failure of an answer that has not come in time, retries and all."""
    return Failure(
        source,
        "timeout",
        problem=_("{url} has not answered within {n} seconds in all").format(url=url, n=f"{limit.total_seconds():g}"),
        remedy=_("see that it is well; if it needs longer, raise total_timeout"),
    )


def of_address(source: str, url: str, reason: str) -> Failure:
    """Return the failure of an address that leads somewhere else."""
    return Failure(
        source,
        "redirect",
        problem=_("{url}: {reason}").format(url=url, reason=reason),
        remedy=_("write the right address in url; nothing is sent to a server that the settings do not name"),
    )


def of_status(source: str, url: str, status: int, said: str, retry_after: str | None = None) -> Failure:
    """Return the failure of an answer that is not 200. *said* is the beginning of its body."""
    kind = _KINDS.get(status, "server-error" if status >= 500 else "status")
    problem = _("{url} answers {status}").format(url=url, status=status)
    if said.strip().startswith("{"):
        problem += ": " + " ".join(said.split())[:200]
    if retry_after:
        problem += _(" (it asks to be left alone: Retry-After {time})").format(time=retry_after[:40])
    return Failure(source, kind, problem=problem, remedy=_remedy(source, status))


def _remedy(source: str, status: int) -> str:
    named = f"RECONCILER_{source.upper()}"
    if status == 401:
        return _("see user, {named}_PASSWORD or {named}_TOKEN: they are missing, or wrong").format(named=named)
    if status == 403:
        return _("the account is known, but may not read this: have it permitted; some servers also look at who calls")
    if status in (404, 410):
        return _("see the setting url: nothing is there, or not any more")
    if status == 429:
        return _("ask more seldom, or ask its owner for more")
    return _("see that it is well; the next run asks again") if status >= 500 else _("see the setting url")


def of_trouble(source: str, url: str, error: BaseException) -> Failure:
    """Return the failure of a request that was not answered, or of an answer that broke off."""
    kind, reason, remedy = _told(list(_causes(error)))
    return Failure(source, kind, problem=_("{url}: {reason}").format(url=url, reason=reason), remedy=remedy)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it wraps: urllib3 keeps the cause in `reason`, in `args`, or as the context."""
    seen: list[BaseException] = []
    found: object = error
    while isinstance(found, BaseException) and found not in seen:
        seen.append(found)
        yield found
        inner = [one for one in (getattr(found, "reason", None), *found.args) if isinstance(one, BaseException)]
        found = inner[0] if inner else found.__cause__ or found.__context__


def _told(causes: list[BaseException]) -> tuple[str, str, str]:
    import ssl  # wanted only where a server is asked

    names = {type(cause).__name__ for cause in causes}
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _of_trust(cause)
    if "NameResolutionError" in names:
        return "dns", _("nobody knows that name"), _("see the setting url, and that names can be looked up here")
    if names & {"ConnectTimeoutError", "ReadTimeoutError", "TimeoutError"}:
        return "timeout", _("no answer in time"), _("see that it is well, and that this machine reaches it")
    if names & {"LocationParseError", "LocationValueError", "URLSchemeUnknown", "InvalidURL", "ValueError"}:
        return "address", _("this is not an address"), _("write url as https://server/path")
    if "DecodeError" in names:
        return "malformed", _("what it sends is said to be gzip, and is not"), _("see what stands between you and it")
    if "NewConnectionError" in names:
        return "refused", _reason(causes), _("see that it is up, and that this machine may reach it")
    if names & {"IncompleteRead", "InvalidChunkLength"}:
        return (
            "truncated",
            _("the answer broke off before its end"),
            _("half an answer is none; the next run asks again"),
        )
    return "reset", _reason(causes), _("the connection broke; the next run asks again")


def _of_trust(error: ssl.SSLError) -> tuple[str, str, str]:
    code = getattr(error, "verify_code", None)
    if code == _EXPIRED:
        return "tls", _("its certificate has expired"), _("have its owner renew it")
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return "tls", _("its certificate is for another name"), _("write in url the name that the certificate is for")
    if code in _UNKNOWN_SIGNERS:
        remedy = _("if it should be trusted, name the signer's certificate in ca")
        return "tls", _("its certificate is signed by someone unknown"), remedy
    return "tls", _("no safe connection: {reason}").format(reason=_plain(error)), _("see certificate, key, ca and url")


def _reason(causes: list[BaseException]) -> str:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return reason_of(cause)
    return _plain(causes[-1])


def _plain(error: BaseException) -> str:
    return str(getattr(error, "reason", None) or error)[:200]
